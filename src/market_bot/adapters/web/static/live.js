// The bot's state, kept up to date: one snapshot, then what changes. A gap is filled by asking anew.

import { get, session, UNREACHABLE } from "./api.js";

const SILENCE_MS = 12000, LINES = 400, LATER = [1000, 2000, 4000, 8000, 15000, 30000];
const OVER_NOW = 4401, CROWDED = 4429;
const OVER = new Set(["finished", "stopped", "failed"]);

// state: as /api/state. `heard` is when something was last heard, `ticked` when each lane last ticked.
export const live = { state: null, heard: null, ticked: new Map(), failure: "", link: "wait" };
const listeners = new Set();
export const onChange = (listener) => listeners.add(listener);

let socket = null, attempts = 0, silence = 0, again = 0, waiting = null, missing = false, onOver = () => {};

export function start(whenOver) {
  onOver = whenOver;
  stop();
  connect();
}
export function stop() {
  clearTimeout(silence);
  clearTimeout(again);
  const old = socket;
  socket = null;
  old?.close();
}
export async function refetch() {
  if (missing) return;
  missing = true;
  waiting = [];
  try {
    adopt(await get("/api/state"));
    const late = waiting.filter((m) => m.seq > live.state.seq);
    missing = false;
    late.forEach(hear);
  } catch (error) {
    live.failure = error.message;
    if (error.status !== 401) again = setTimeout(refetch, 2000);
  } finally {
    missing = false;
    changed();
  }
}

// Everything has been said when all lanes have ended: a bot that goes home then is no failure.
export const ended = () => live.state !== null && Object.keys(live.state.lanes).length > 0
  && Object.values(live.state.lanes).every((lane) => OVER.has(lane.phase));

function connect() {
  if (!session.authenticated) return;
  const mine = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
  socket = mine;
  listen();
  mine.addEventListener("message", (event) => {
    if (mine !== socket) return;
    attempts = 0;
    live.heard = performance.now();
    listen();
    try {
      hear(JSON.parse(event.data));
    } catch {
      refetch();
    }
  });
  mine.addEventListener("close", (event) => {
    if (mine !== socket) return;
    socket = null;
    lost(event.code);
  });
}
function lost(code) {
  clearTimeout(silence);
  live.link = "lost";
  live.failure = code === CROWDED ? "too many pages are open" : UNREACHABLE;
  changed();
  if (code === OVER_NOW) return onOver();
  again = setTimeout(connect, LATER[Math.min(attempts++, LATER.length - 1)]);
}
function listen() {
  clearTimeout(silence);
  silence = setTimeout(() => {
    const quiet = socket;
    socket = null;
    quiet?.close();
    lost(0);
  }, SILENCE_MS);
}

function hear(message) {
  live.link = "live";
  live.failure = "";
  if (message.type === "snapshot") adopt(message.state);
  else if (missing) waiting.push(message);
  else if (message.type === "refetch" || !live.state) refetch();
  else if (message.seq !== live.state.seq + (message.type === "beat" ? 0 : 1)) refetch();
  else if (message.type === "delta") apply(message);
  changed();
}
export function adopt(state) {
  live.state = state;
  live.heard = performance.now();
  live.failure = "";
  if (socket?.readyState === WebSocket.OPEN) live.link = "live";
  for (const [name, lane] of Object.entries(state.lanes)) ticked(name, lane);
  for (const name of [...live.ticked.keys()]) if (!Object.hasOwn(state.lanes, name)) live.ticked.delete(name);
  changed();
}
function apply(delta) {
  const state = live.state, lanes = { ...state.lanes };
  for (const [name, changes] of Object.entries(delta.lanes ?? {})) {
    lanes[name] = { ...lanes[name], ...changes };
    ticked(name, lanes[name]);
  }
  for (const name of delta.gone ?? []) {
    delete lanes[name];
    live.ticked.delete(name);
  }
  const next = { ...state, lanes, seq: delta.seq, at: delta.at };
  for (const name of ["stalled", "about", "proposals_waiting", "trial"]) if (name in delta) next[name] = delta[name];
  if (delta.journal?.length) next.journal = [...state.journal, ...delta.journal].slice(-LINES);
  live.state = next;
}
function ticked(name, lane) {
  const last = live.ticked.get(name);
  if (!last || last.ticks !== lane.ticks || last.phase !== lane.phase) live.ticked.set(name, { ticks: lane.ticks, phase: lane.phase, at: performance.now() });
}

let planned = false;
function changed() {
  if (planned) return;
  planned = true;
  // A hidden page has no frames; it need not be drawn, but must not be forgotten either.
  const tell = () => {
    planned = false;
    for (const listener of listeners) listener();
  };
  if (document.hidden) setTimeout(tell, 250); else requestAnimationFrame(tell);
}
