// Asking the bot and telling it what to do. Whoever changes anything proves that it is this page.

import { ask, el, news, say } from "./dom.js";

const TIMEOUT_MS = 8000, GONE_MS = 60000;
export const UNREACHABLE = "the bot cannot be reached";

export class Problem extends Error {
  constructor(status, detail, stepUp = false) {
    super(detail);
    this.status = status;
    this.stepUp = stepUp;
  }
}

export const session = { authenticated: false, csrf: null, read_only: false, password_set: false, who: "" };
const outsiders = new Set();
export const onLoggedOut = (listener) => outsiders.add(listener);
function adopt(answer) {
  Object.assign(session, answer);
  return answer;
}
function loggedOut() {
  adopt({ authenticated: false, csrf: null });
  for (const listener of outsiders) listener();
}

export function address(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== ""));
  return query.size ? `${path}?${query}` : path;
}

async function call(method, path, body) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && session.csrf) headers["X-CSRF-Token"] = session.csrf;
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store", credentials: "same-origin", redirect: "error" });
  } catch (error) {
    throw new Problem(0, error.name === "TimeoutError" ? "the bot takes too long" : UNREACHABLE);
  }
  const text = await answer.text();
  let data = null;
  try {
    data = text ? JSON.parse(text) : null;
  } catch {
    throw new Problem(answer.status, "the bot's answer cannot be read");
  }
  if (answer.ok) return { status: answer.status, data };
  if (answer.status === 401 && session.authenticated) loggedOut();
  throw new Problem(answer.status, data?.detail ?? `the bot answered ${answer.status}`, data?.step_up === true);
}

export const get = async (path, parameters) => (await call("GET", address(path, parameters))).data;
export const post = async (path, body = {}) => (await call("POST", path, body)).data;

// ---- who is there ---------------------------------------------------------------------------

export const whoAmI = async () => adopt(await get("/api/session"));
export const logIn = async (secret) => adopt(await post("/api/session", secret));
export async function logOut(everybody) {
  await call("DELETE", everybody ? "/api/sessions" : "/api/session", {});
  loggedOut();
}
async function stepUp(why) {
  const field = session.password_set
    ? { name: "password", label: "Password", type: "password", autocomplete: "current-password", required: true }
    : { name: "code", label: "Code after #login= of a new link (market-bot web link)", required: true };
  const given = await ask({ title: "Is it you?", text: why, fields: [field], yes: "Go on" });
  if (given) adopt(await post("/api/session/step-up", given));
  return given !== null;
}

// ---- commands -------------------------------------------------------------------------------

// Sends a command and says what came of it; returns the answer, or null if it was refused.
export async function command(path, body, done) {
  try {
    let answer;
    try {
      answer = await post(path, body);
    } catch (error) {
      if (!error.stepUp || !await stepUp(error.message)) throw error;
      answer = await post(path, body);
    }
    news(answer?.detail || done);
    return answer ?? {};
  } catch (error) {
    news(error.status === 409 ? `Not done, it was decided or changed meanwhile: ${error.message}` : `Not done: ${error.message}`, true);
    return null;
  }
}

// ---- what a view looks at -------------------------------------------------------------------

// Asks again and again while a view is open. What it shows says when it is older than it should be.
// `missing` is told when there is no such thing (any more), if that is no trouble to a view.
export function watch(path, parameters, every, show, badge, missing) {
  const trouble = el("p", { class: "alert", role: "status", hidden: true });
  let timer = 0, closed = false, turn = 0;
  async function later() {
    // Nobody looks: the bot is left in peace, and a session that nobody uses may end.
    while (document.hidden && !closed) await new Promise((seen) => { addEventListener("visibilitychange", seen, { once: true }); });
    if (!closed) once();
  }
  async function once() {
    const mine = ++turn;
    clearTimeout(timer);
    let wait = every;
    try {
      const { status, data } = await call("GET", address(path, typeof parameters === "function" ? parameters() : parameters));
      if (closed || mine !== turn) return;
      trouble.hidden = true;
      badge?.fresh(performance.now(), every ? every * 3 / 1000 + 2 : Infinity);
      show(data);
      if (status === 202) wait = 2000;
    } catch (error) {
      if (closed || mine !== turn) return;
      if (!(error instanceof Problem)) throw error;
      const expected = missing !== undefined && error.status === 404;
      if (expected) missing();
      trouble.hidden = error.status === 401 || expected;
      say(trouble, error.status === 501 ? "This bot cannot tell." : error.message);
      wait = expected ? GONE_MS : Math.max(every || 0, 4000);
    }
    if (wait) timer = setTimeout(later, wait);
  }
  once();
  return { trouble, again: once, close() {
    closed = true;
    clearTimeout(timer);
  } };
}
