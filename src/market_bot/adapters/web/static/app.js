// The frame around the views: who is there, which view, what stands against trading, how fresh it is.

import { command, get, logIn, logOut, onLoggedOut, session, whoAmI } from "./api.js";
import { ask, button, byId, choice, el, fill, growOld, icon, news, say } from "./dom.js";
import { clock } from "./format.js";
import { adopt, ended, live, onChange, start, stop } from "./live.js";

const LATE_S = 7;
const VIEWS = {
  overview: { name: "Overview", load: () => import("./views/overview.js") },
  markets: { name: "Markets", load: () => import("./views/markets.js") },
  positions: { name: "Positions", title: "Positions & orders", load: () => import("./views/positions.js") },
  journal: { name: "Journal", load: () => import("./views/journal.js") },
  analytics: { name: "Analytics", load: () => import("./views/analytics.js") },
  eval: { name: "Eval", load: () => import("./views/eval.js") },
  advisor: { name: "Advisor", load: () => import("./views/advisor.js") },
  config: { name: "Config", load: () => import("./views/config.js") },
  system: { name: "System", load: () => import("./views/system.js") },
};
const ON_PHONE = ["overview", "markets", "positions", "eval"];

// What views get: the state, the chosen lane, and the way to others.
const bot = {
  get state() { return live.state; },
  get lane() { return bot.state?.lanes[bot.laneName]; },
  get readOnly() { return session.read_only; },
  laneName: "",
  ticked: (name) => live.ticked.get(name)?.at ?? null,
  choose(name) {
    bot.laneName = name;
    sessionStorage.setItem("lane", name);
    draw();
    // An address that names a lane would win over the choice.
    if (place().arguments.lane) location.hash = `#/${place().name}`; else route(true);
  },
};

// ---- routes ---------------------------------------------------------------------------------

let open = null, opening = 0, address = "";
const place = () => {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { name: Object.hasOwn(VIEWS, path) ? path : "overview", arguments: Object.fromEntries(new URLSearchParams(query)) };
};
async function route(again = false) {
  if (!session.authenticated || !bot.state || (location.hash === address && open && !again)) return;
  const { name, arguments: given } = place(), mine = ++opening, moved = location.hash !== address && address !== "";
  address = location.hash;
  if (given.lane && Object.hasOwn(bot.state.lanes, given.lane)) bot.laneName = given.lane;
  let module;
  try {
    module = await VIEWS[name].load();
  } catch {
    news("This view cannot be loaded: the bot cannot be reached.", true);
    return;
  }
  if (mine !== opening || !session.authenticated) return;
  open?.close?.();
  const root = el("div", { class: `view view-${name}` });
  open = module.open(root, bot, given);
  byId("view").replaceChildren(root);
  open.update?.();
  document.title = `${VIEWS[name].name} · market-bot`;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  byId("more").classList.toggle("current", !ON_PHONE.includes(name));
  if (byId("sheet").matches(":popover-open")) byId("sheet").hidePopover();
  if (moved && !again) {
    scrollTo(0, 0);
    byId("view").focus({ preventScroll: true });
  }
}

function buildNav() {
  const link = (name) => el("a", { href: `#/${name}`, "data-view": name }, icon(name), el("span", {}, VIEWS[name].name),
    name === "eval" && el("b", { class: "count", hidden: true }));
  const rest = Object.keys(VIEWS).filter((name) => !ON_PHONE.includes(name));
  const sheet = el("div", { id: "sheet", class: "sheet", popover: "auto" }, rest.map(link), button("Log out", leave, "quiet"));
  const leaveToo = button("Log out", leave, "quiet out");
  byId("nav").replaceChildren(...Object.keys(VIEWS).map(link), el("button", { id: "more", type: "button", popovertarget: "sheet" }, icon("more"), el("span", {}, "More")), leaveToo, sheet);
}
const leave = async () => {
  try {
    await logOut();
  } catch (error) {
    news(error.message, true);
  }
};

// ---- above every view -----------------------------------------------------------------------

function draw() {
  const state = bot.state;
  if (!state || !session.authenticated) return;
  const names = Object.keys(state.lanes);
  if (!names.includes(bot.laneName)) bot.laneName = names.find((name) => name === sessionStorage.getItem("lane")) ?? names[0] ?? "";
  fill(byId("scope"), [names, bot.laneName], () => names.length < 2 ? [el("span", { class: "lane-name" }, bot.laneName)]
    : [label("Lane", choice(names.map((name) => [name, name]), bot.laneName, bot.choose))]);
  const lanes = Object.values(state.lanes), halted = lanes.some((lane) => lane.halted), real = lanes.some((lane) => lane.live);
  const mode = real ? "live" : bot.lane?.lane ?? state.about.mode;
  byId("mode").hidden = !mode;
  say(byId("mode"), real ? "real money" : mode, real ? "chip bad" : "chip");
  // A lane that is paused alone must not take away what stops the others.
  const running = lanes.length === 0 || lanes.some((lane) => !lane.halted);
  fill(byId("controls"), [halted, running, session.read_only], () => (session.read_only ? [el("span", { class: "chip" }, "read only")]
    : [halted && button("Resume", resume, "primary", { "data-key": "resume" }),
      running && el("button", { type: "button", class: "button halt", "data-key": "halt", onclick: halt, title: "Stops opening positions, at once" }, icon("stop"), "Halt")]));
  for (const count of document.querySelectorAll("nav .count")) {
    count.hidden = !state.proposals_waiting;
    say(count, state.proposals_waiting);
    count.setAttribute("aria-label", `${state.proposals_waiting} waiting`);
  }
  const view = VIEWS[place().name].name;
  document.title = `${halted ? "HALTED · " : ""}${view} · market-bot`;
  showBanners();
  open?.update?.();
}
const label = (text, control) => el("label", {}, el("span", { class: "unseen" }, text), control);

// One click stops; only going on asks.
const halt = () => command("/api/halt", { reason: "stopped from the dashboard" }, "Halted: nothing is opened until you resume.");
async function resume() {
  const reasons = Object.entries(bot.state.lanes).filter(([, lane]) => lane.halted).map(([name, lane]) => [name, lane.halted]);
  const sure = await ask({ title: "Open positions again?", text: "The halt is lifted for every lane.", facts: reasons, yes: "Resume" });
  if (sure) await command("/api/resume", {}, "Resumed.");
}

const ageText = el("span", { "aria-hidden": "true" });
function showBanners() {
  const age = live.heard === null ? 0 : Math.floor((performance.now() - live.heard) / 1000);
  const lost = live.link === "lost" || age >= LATE_S, over = lost && ended();
  const link = byId("link");
  link.setAttribute("data-state", over ? "ended" : live.heard === null && !lost ? "wait" : lost ? "lost" : "live");
  say(link.lastElementChild, over ? "ended" : live.heard === null && !lost ? "connecting" : lost ? "no answer" : "live");
  const lanes = Object.entries(bot.state?.lanes ?? {}), several = lanes.length > 1;
  const facts = lanes.map(([name, l]) => [name, l.error, l.halted, l.stopped, l.live, l.armed_until, l.not_ready, l.unreconciled, l.degraded, l.settings_trouble]);
  // The number changes every second: seen, but not read aloud every time.
  say(ageText, age + " s");
  fill(byId("banners"), [facts, over, lost, live.heard === null, live.failure, bot.state?.stalled], () => [
    over && alert("The run has ended: these are its last numbers. `market-bot run` starts the next one, and this page goes on with it."),
    lost && !over && alert([live.heard === null ? "No data: " : "These numbers are ", live.heard === null ? "" : ageText, live.heard === null ? "" : " old: ",
      live.failure || "the bot does not answer", ". The page goes on asking."], true),
    !over && bot.state?.stalled.length > 0 && alert("Stalled: " + bot.state.stalled.join(", "), true),
    ...lanes.flatMap(([name, lane]) => standing(lane).map(([text, bad]) => alert(several ? `${name}: ${text}` : text, bad)))]);
}
const alert = (parts, bad = false) => el("p", { class: bad ? "alert bad" : "alert" }, parts);
function standing(lane) {
  return [[lane.error && "Failed: " + lane.error, true], [lane.halted && "Halted, nothing is opened. " + lane.halted, true],
    ...lane.stopped.map((why) => ["Entries are stopped: " + why, true]),
    lane.live ? [lane.armed_until ? `Real money, armed until ${clock(lane.armed_until)} UTC.` : "Real money, not armed: nothing is opened.", Boolean(lane.armed_until)] : [null],
    [lane.not_ready && "The venue stands against real orders: " + lane.not_ready, true],
    [lane.unreconciled && "The account stands against entries: " + lane.unreconciled, true],
    [lane.degraded && "Nothing is opened: " + lane.degraded, false],
    [lane.settings_trouble && "The settings file is not what the bot trades with: " + lane.settings_trouble, false]].filter(([text]) => text);
}

// ---- coming in ------------------------------------------------------------------------------

async function showLogin(problem) {
  stop();
  localStorage.removeItem("been");
  open?.close?.();
  open = null;
  opening++;
  address = "";
  byId("nav").hidden = true;
  for (const id of ["banners", "scope", "controls"]) fill(byId(id), ["login"], () => []);
  byId("mode").hidden = true;
  byId("link").setAttribute("data-state", "wait");
  say(byId("link").lastElementChild, "not logged in");
  const { showForm } = await import("./views/login.js");
  showForm(byId("view"), session.password_set, problem, enter);
}
async function enter(secret) {
  await logIn(secret);
  localStorage.setItem("been", "here");
  await begin();
}
async function begin(first) {
  byId("nav").hidden = false;
  adopt(first ?? await get("/api/state"));
  draw();
  await route();
  start(() => showLogin("This session is over."));
  // What is not shown yet is fetched now, so that it is there even if the bot is not.
  setTimeout(() => Object.values(VIEWS).forEach((view) => view.load().catch(() => {})), 1500);
}

async function arrive() {
  const code = new URLSearchParams(location.hash.slice(1)).get("login");
  // A code is for one use and for nobody's history.
  if (code !== null) history.replaceState(null, "", location.pathname + "#/overview");
  try {
    if (code) return await enter({ code });
    // Both at once: whoever is logged in sees numbers after one round trip.
    const known = localStorage.getItem("been") ? get("/api/state").catch((error) => error) : undefined;
    const [, state] = await Promise.all([whoAmI(), known]);
    if (!session.authenticated) return await showLogin();
    if (state instanceof Error) throw state;
    return await begin(state);
  } catch (error) {
    if (error.status === 0) {
      live.link = "lost";
      live.failure = error.message;
      showBanners();
      return setTimeout(arrive, 3000);
    }
    await whoAmI().catch(() => {});
    return showLogin(error.message);
  }
}

buildNav();
onChange(draw);
onLoggedOut(() => showLogin("This session is over."));
addEventListener("hashchange", () => (location.hash.startsWith("#login=") ? arrive() : route()));
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("view").focus();
});
setInterval(() => {
  growOld();
  if (session.authenticated) showBanners();
}, 1000);
arrive();
