// The page: asks the bot once a second and shows what it says.
// Texts from venues are hostile. Nothing here ever parses a string as HTML.

const POLL_MS = 1000, TIMEOUT_MS = 4000, LATE_S = 5, LINES = 200, SHOWN = 50, POINTS = 120, GATES = 8;
const ROWS = 100, TEXT_MAX = 300;
const MISSING = "–", UNREACHABLE = "the bot cannot be reached";

const byId = (id) => document.getElementById(id);

// Invisible and direction-changing characters could make one market look like another.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
function clean(value) {
  const text = String(value ?? "").replace(UNSEEN, "\ufffd");
  return text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) + "…" : text;
}

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== undefined) node.setAttribute(name, value);
  }
  for (const child of children) node.append(child instanceof Node ? child : clean(child));
  return node;
}

// Changing only what differs leaves selections and screen readers in peace.
function say(node, text, className) {
  const wanted = clean(text);
  if (node.textContent !== wanted) node.textContent = wanted;
  if (className !== undefined && node.className !== className) node.className = className;
}
const shown = new WeakMap();
function fill(node, data, make) {
  const key = JSON.stringify(data);
  if (shown.get(node) === key) return;
  shown.set(node, key);
  node.replaceChildren(...make());
}

// Amounts arrive as exact decimal strings; floats serve only to write them shorter.
const cents = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const fine = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 4 });
const plain = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
function known(text) {
  return text === null || text === undefined || text === "" || !Number.isFinite(Number(text)) ? null : Number(text);
}
function money(text) {
  const n = known(text);
  return n === null ? MISSING : (n < 0 && cents.format(-n) !== "0.00" ? "−$" : "$") + cents.format(Math.abs(n));
}
function signed(n) {
  if (n === null) return [MISSING, "none"];
  const size = cents.format(Math.abs(n));
  if (size === "0.00") return ["$0.00", ""];
  return n > 0 ? ["+$" + size, "up"] : ["−$" + size, "down"];
}
const price = (n) => (n === null ? MISSING : "$" + fine.format(n));
const words = (name) => String(name).replace(/_usd$/, "").replaceAll("_", " ");
const clock = (iso) => (iso ? String(iso).slice(11, 19) : MISSING);
const day = (iso) => String(iso).slice(0, 10) + " " + clock(iso) + " UTC";

// ---- one lane -------------------------------------------------------------------------------

const lanes = new Map();
const OVER = new Set(["finished", "stopped", "failed"]);

function figure(label) {
  const value = el("div", { class: "value" }), note = el("div", { class: "note" });
  return { root: el("div", { class: "figure" }, el("div", { class: "label" }, label), value, note), value, note };
}
function bar(label) {
  const inner = el("i");
  const root = el("div", { class: "bar", role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 }, inner);
  return { root, set(share, tone = "") {
    const percent = Math.max(0, Math.min(100, share * 100));
    root.className = "bar " + tone;
    root.setAttribute("aria-valuenow", Math.round(percent));
    inner.style.width = percent + "%";
  }, level(share) {
    this.set(share, share >= 1 ? "full" : share >= 0.8 ? "near" : "");
  } };
}
function table(caption, columns) {
  const body = el("tbody");
  const head = columns.map(([name, kind]) => el("th", { scope: "col", class: kind }, name));
  return { root: el("table", { "aria-label": caption }, el("thead", {}, el("tr", {}, ...head)), body), body };
}

const POSITION_COLUMNS = [["market", "wide"], ["leg", "tag"], ["size", "n"], ["avg cost", "n"], ["bid", "n"], ["unrealised", "n"]];
const ORDER_COLUMNS = [["market", "wide"], ["leg", "tag"], ["order", "n"], ["price", "n"], ["filled", "n"], ["state", "n"]];

function makeLane(key) {
  const lane = { key, points: [], ticks: null, since: performance.now() };
  lane.title = el("h2", { id: "lane-" + lanes.size });
  lane.phase = el("span", { class: "chip" });
  lane.when = el("span", { class: "when" });
  lane.alerts = el("div");
  lane.share = el("span");
  lane.progress = bar("Share of the run that is done");
  lane.progressRow = el("div", { class: "progress" }, lane.progress.root, lane.share);
  const names = ["equity", "today", "realised", "fees", "cash", "exposure"];
  lane.figures = Object.fromEntries(names.map((name) => [name, figure(name)]));
  lane.spark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  lane.spark.setAttribute("class", "spark");
  lane.spark.setAttribute("viewBox", "0 0 100 20");
  lane.spark.setAttribute("preserveAspectRatio", "none");
  lane.spark.setAttribute("aria-hidden", "true");
  lane.path = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  lane.path.setAttribute("vector-effect", "non-scaling-stroke");
  lane.spark.append(lane.path);
  lane.figures.equity.root.append(lane.spark);
  lane.exposure = bar("Exposure against its limit");
  lane.figures.exposure.root.append(lane.exposure.root);
  lane.loss = bar("The day's loss against its limit");
  lane.figures.today.root.append(lane.loss.root);
  lane.counts = el("dl", { class: "counts" });
  lane.heads = { positions: el("h3"), orders: el("h3") };
  lane.positions = table("Positions", POSITION_COLUMNS);
  lane.orders = table("Working orders", ORDER_COLUMNS);
  lane.noPositions = el("p", { class: "empty" }, "Nothing is held.");
  lane.noOrders = el("p", { class: "empty" }, "No order is working.");
  lane.gates = el("ol", { class: "gates" });
  lane.root = el("section", { class: "card", "aria-labelledby": lane.title.id },
    el("div", { class: "card-head" }, lane.title, lane.phase, lane.when),
    lane.alerts, lane.progressRow,
    el("div", { class: "figures" }, ...names.map((name) => lane.figures[name].root)),
    lane.counts,
    el("div", { class: "split" },
      el("div", {}, lane.heads.positions, lane.positions.root, lane.noPositions,
        lane.heads.orders, lane.orders.root, lane.noOrders),
      el("div", {}, el("h3", {}, "Refusals by reason"), lane.gates)));
  return lane;
}

function showLane(lane, data) {
  fill(lane.title, [data.venue, data.lane, data.run], () => [
    document.createTextNode(clean(data.venue) + " "),
    el("span", { class: "lane-name" }, data.run ? `${data.lane} · ${String(data.run).slice(0, 10)}` : data.lane)]);
  say(lane.phase, data.phase);
  lane.phase.setAttribute("data-phase", data.phase);
  fill(lane.alerts, [data.error, data.halted, data.degraded, data.stopped, data.live, data.armed_until, data.not_ready, data.unreconciled], () => [
    data.error && el("p", { class: "alert bad" }, "Failed: " + data.error),
    data.halted && el("p", { class: "alert bad" }, "Halted, nothing is opened. " + data.halted),
    ...data.stopped.map((why) => el("p", { class: "alert bad" }, "Entries are stopped: " + why)),
    data.live && el("p", { class: data.armed_until ? "alert bad" : "alert" }, data.armed_until
      ? "Real money, armed until " + data.armed_until
      : "Real money, not armed: nothing is opened."),
    data.not_ready && el("p", { class: "alert bad" }, "The venue stands against real orders: " + data.not_ready),
    data.unreconciled && el("p", { class: "alert bad" }, "The account stands against entries: " + data.unreconciled),
    data.degraded && el("p", { class: "alert" }, "Nothing is opened: " + data.degraded)].filter(Boolean));
  lane.progressRow.hidden = data.progress === null;
  if (data.progress !== null) {
    lane.progress.set(data.progress);
    say(lane.share, (data.progress * 100).toFixed(1) + " %");
  }
  if (lane.ticks !== data.ticks || lane.wasPhase !== data.phase) {
    lane.since = performance.now();
    lane.ticks = data.ticks;
    lane.wasPhase = data.phase;
  }
  lane.over = OVER.has(data.phase);
  lane.busy = data.phase === "trading" || data.phase === "catching up";
  lane.at = data.at;
  showFigures(lane, data);
  const counts = [["ticks", data.ticks], ...Object.entries(data.counts)];
  fill(lane.counts, counts, () => counts.map(
    ([name, n]) => el("div", {}, el("dt", {}, words(name)), el("dd", {}, plain.format(n)))));
  showPositions(lane, data.positions);
  showOrders(lane, data.orders);
  showGates(lane, data.denials);
}

function showFigures(lane, data) {
  const f = lane.figures;
  say(f.equity.value, money(data.equity));
  const [gain, tone] = signed(known(data.gain));
  say(f.equity.note, gain + " since start", "note " + tone);
  const [today, todayTone] = signed(known(data.day_pnl));
  say(f.today.value, today, "value " + todayTone);
  const most = known(data.limits.max_daily_loss_usd);
  const allowed = most ? "−" + money(most) + " stops entries" : "";
  say(f.today.note, data.day_pnl === null ? "not known yet" : allowed);
  lane.loss.root.hidden = !most || data.day_pnl === null;
  if (most) lane.loss.level(Math.max(0, -data.day_pnl) / most);
  const net = known(data.realised) === null || known(data.fees) === null ? null : data.realised - data.fees;
  const [realised, realisedTone] = signed(net);
  say(f.realised.value, realised, "value " + realisedTone);
  say(f.realised.note, "after fees");
  say(f.fees.value, money(data.fees));
  say(f.cash.value, money(data.cash));
  say(f.cash.note, "of " + money(data.deposits) + " put in");
  say(f.exposure.value, money(data.exposure));
  const limit = known(data.limits.max_total_exposure_usd);
  lane.exposure.root.hidden = !limit;
  say(f.exposure.note, limit ? "of " + money(limit) + " allowed" : "");
  if (limit) {
    lane.exposure.level(Number(data.exposure) / limit);
  }
  const equity = known(data.equity);
  if (equity !== null) lane.points.push(equity);
  if (lane.points.length > POINTS) lane.points.shift();
  const low = Math.min(...lane.points), range = Math.max(...lane.points) - low;
  lane.path.setAttribute("points", lane.points.map((p, i) =>
    `${(i / Math.max(1, lane.points.length - 1) * 100).toFixed(1)},${(range ? 18 - (p - low) / range * 16 : 10).toFixed(1)}`).join(" "));
}

function idCell(row) {
  return el("td", { class: "wide id", title: clean(row.event) }, row.market);
}
function legCell(leg) {
  return el("td", { class: "tag" }, el("span", { class: leg === "yes" ? "leg yes" : "leg no" }, leg));
}
function numberCell(label, text, tone = "") {
  return el("td", { class: "n " + tone, "data-label": label }, text);
}
function more(rows) {
  return rows.length > ROWS ? [el("tr", {}, el("td", { class: "wide empty" }, `and ${rows.length - ROWS} more`))] : [];
}

function showPositions(lane, rows) {
  say(lane.heads.positions, `Positions (${rows.length})`);
  lane.positions.root.hidden = !rows.length;
  lane.noPositions.hidden = rows.length > 0;
  fill(lane.positions.body, rows, () => [...rows.slice(0, ROWS).map((row) => {
    const size = known(row.size), cost = known(row.cost), value = known(row.value);
    const [open, tone] = row.value === null ? [MISSING, "none"] : signed(value - cost);
    return el("tr", {}, idCell(row), legCell(row.leg),
      numberCell("size", plain.format(size)),
      numberCell("avg cost", price(size ? cost / size : null)),
      row.bid === null ? numberCell("bid", "no bid", "none") : numberCell("bid", price(known(row.bid))),
      numberCell("unrealised", open, tone));
  }), ...more(rows)]);
}

function showOrders(lane, rows) {
  say(lane.heads.orders, `Working orders (${rows.length})`);
  lane.orders.root.hidden = !rows.length;
  lane.noOrders.hidden = rows.length > 0;
  fill(lane.orders.body, rows, () => [...rows.slice(0, ROWS).map((row) => el("tr", {}, idCell(row), legCell(row.leg),
    numberCell("order", `${row.purpose === "entry" ? "buy" : "sell"} ${row.style}`),
    numberCell("price", price(known(row.price))),
    numberCell("filled", `${plain.format(row.filled)} / ${plain.format(row.size)}`),
    numberCell("state", row.state, row.state === "unknown" ? "down" : ""))), ...more(rows)]);
}

function showGates(lane, denials) {
  fill(lane.gates, denials, () => {
    const sorted = Object.entries(denials).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    if (!sorted.length) return [el("li", { class: "empty" }, "Nothing was refused.")];
    const rows = sorted.slice(0, GATES).map(([gate, n]) => {
      const meter = bar(words(gate));
      meter.set(n / sorted[0][1]);
      return el("li", {}, el("div", { class: "row" }, el("span", { class: "id" }, words(gate)), el("span", {}, plain.format(n))), meter.root);
    });
    const rest = sorted.length - GATES;
    return rest > 0 ? [...rows, el("li", { class: "empty" }, `and ${rest} more reasons`)] : rows;
  });
}

// ---- the journal ----------------------------------------------------------------------------

const DECIDED = ["market", "leg"];
const FACTS = {
  scan: ["markets", "signals", "denied", "intents", "equity"],
  signal: [...DECIDED, "purpose", "style", "price", "belief", "edge", "reason"],
  denied: [...DECIDED, "phase", "gates", "price", "size"],
  order_intent: [...DECIDED, "purpose", "style", "size", "price", "edge"],
  order_accepted: ["intent", "queue_ahead"],
  order_rejected: ["intent", "code", "reason"],
  order_unknown: ["intent", "reason"],
  order_cancelled: ["intent", "reason", "remaining"],
  fill: [...DECIDED, "purpose", "liquidity", "size", "price", "fee"],
  exit: [...DECIDED, "reason", "size", "price"],
  mark: [...DECIDED, "horizon_s", "mid", "bid"],
  market_resolved: ["market", "yes_payout"],
  merged: ["market", "size", "payout"],
  reward: ["market", "kind", "amount"],
  equity_peak: ["equity"],
  loss_limit_reached: ["rule", "lost", "limit"],
  day_opened: ["date", "equity", "cash"],
  bot_started: ["mode", "version", "cash"],
  bot_stopped: ["reason", "ticks"],
  config_changed: ["path", "before", "after", "by"],
  checkpoint: ["digest"],
  error: ["where", "message", "count"],
};
const BARE = new Set(["market", "leg", "purpose", "style", "liquidity", "phase", "reason", "message", "mode", "date", "code"]);
const TONES = {
  deed: ["order_intent", "order_accepted", "order_cancelled"],
  good: ["fill", "fill_settled", "market_resolved", "resume", "bot_started"],
  wish: ["signal", "exit"],
  warn: ["denied", "order_rejected", "config_changed", "venue_state", "bot_stopped", "disarmed"],
  bad: ["error", "order_unknown", "fill_reversed", "halt", "loss_limit_reached"],
};
const TONE = Object.fromEntries(Object.entries(TONES).flatMap(([tone, kinds]) => kinds.map((kind) => [kind, tone])));
const QUIET = new Set(["scan", "tick", "mark"]);
const KINDS = {
  "": (kind) => !QUIET.has(kind),
  deeds: (kind) => kind === "exit" || kind.startsWith("order_") || kind.startsWith("fill"),
  trouble: (kind) => ["warn", "bad"].includes(TONE[kind]),
};

function factText(value) {
  if (Array.isArray(value)) return value.map((v) => (v && typeof v === "object" ? v.name ?? "…" : v)).join(", ");
  if (value && typeof value === "object") return "…";
  return value;
}
function facts(line) {
  const data = line.data ?? {};
  const names = Object.hasOwn(FACTS, line.type) ? FACTS[line.type] : Object.keys(data).slice(0, 5);
  const nodes = [];
  for (const name of names) {
    if (!Object.hasOwn(data, name) || data[name] === null || data[name] === "") continue;
    if (Array.isArray(data[name]) && !data[name].length) continue;
    if (nodes.length) nodes.push(" ");
    if (!BARE.has(name)) nodes.push(el("b", {}, words(name)), " ");
    nodes.push(el("span", {}, factText(data[name])));
  }
  return nodes;
}
let lines = [];
function showJournal() {
  const list = byId("journal"), only = KINDS[byId("kinds").value];
  const wanted = (only ? lines.filter((line) => only(String(line.type))) : lines).slice(-SHOWN).reverse();
  const several = lanes.size > 1;
  fill(list, [several, wanted.map((line) => [line.venue, line.lane, line.seq, line.hash])], () => wanted.length
    ? wanted.map((line) => el("li", { "data-tone": Object.hasOwn(TONE, line.type) ? TONE[line.type] : undefined },
      el("time", { datetime: clean(line.ts), title: `line ${clean(line.seq)}` }, clock(line.ts)),
      el("span", { class: "kind" }, words(line.type)),
      el("span", { class: "facts" }, ...(several ? [el("b", {}, `${clean(line.venue)}/${clean(line.lane)}`), " "] : []), ...facts(line))))
    : [el("li", { class: "empty" }, "No such line yet.")]);
}

// ---- everything -----------------------------------------------------------------------------

let answered = null, failure = "", stalled = [];
const ageText = el("span", { "aria-hidden": "true" });

function showStatus(status) {
  const root = byId("lanes"), keys = new Set();
  for (const data of status.lanes) {
    const key = JSON.stringify([data.venue, data.lane, data.run]);
    keys.add(key);
    if (!lanes.has(key)) lanes.set(key, makeLane(key));
    showLane(lanes.get(key), data);
  }
  for (const key of lanes.keys()) if (!keys.has(key)) lanes.delete(key);
  const roots = [...lanes.values()].map((lane) => lane.root);
  fill(root, [...lanes.keys()], () => (roots.length ? roots : [el("p", { class: "empty" }, "No lane is running.")]));
  fill(byId("about"), status.about, () => Object.entries(status.about).map(
    ([name, value]) => el("div", {}, el("dt", {}, words(name)), el("dd", {}, value))));
  document.title = (status.lanes.some((lane) => lane.halted) ? "HALTED · " : "") + "market-bot";
  stalled = status.stalled;
}

function showAge() {
  const now = performance.now();
  const age = answered === null ? 0 : Math.floor((now - answered) / 1000);
  const lost = failure !== "" || age >= LATE_S;
  // A bot that has nothing more to do goes home: that is no failure.
  const ended = lost && lanes.size > 0 && [...lanes.values()].every((lane) => lane.over);
  const link = byId("link");
  link.setAttribute("data-state", ended ? "ended" : answered === null && !lost ? "wait" : lost ? "lost" : "live");
  say(link.lastElementChild, ended ? "ended" : answered === null && !lost ? "connecting" : lost ? "no answer" : "live");
  // The number changes every second: seen, but not read aloud every time.
  fill(byId("alerts"), [ended, lost, answered === null, failure, stalled], () => [
    ended && el("p", { class: "alert" }, "The run has ended: these are its last numbers. ",
      "`market-bot run` starts the next one, and this page goes on with it."),
    lost && !ended && el("p", { class: "alert bad" }, ...(answered === null ? ["No data: "] : ["Data is ", ageText, " old: "]),
      failure || "the bot does not answer",
      ...(failure === UNREACHABLE ? [": it has ended, or was stopped. These are its last numbers."] : [])),
    !ended && stalled.length && el("p", { class: "alert bad" }, "Stalled: " + stalled.join(", "))].filter(Boolean));
  say(ageText, age + " s");
  for (const lane of lanes.values()) {
    const quiet = Math.floor((now - lane.since) / 1000);
    const late = lane.busy && quiet >= LATE_S;
    const when = lane.at ? day(lane.at) : "no tick yet";
    say(lane.when, late ? `${when} · data is ${quiet} s old` : when, late ? "when late" : "when");
  }
}

async function ask(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store" });
  if (!answer.ok) throw new Error(`the bot answered ${answer.status}`);
  return answer.json();
}
async function poll() {
  try {
    const [status, journal] = await Promise.all([ask("/api/status"), ask(`/api/journal?count=${LINES}`)]);
    lines = journal.lines;
    showStatus(status);
    showJournal();
    answered = performance.now();
    failure = "";
  } catch (error) {
    failure = error instanceof TypeError ? UNREACHABLE : error.name === "TimeoutError" ? "the bot takes too long" : error.message;
  }
  showAge();
  setTimeout(poll, POLL_MS);
}

byId("kinds").addEventListener("change", showJournal);
setInterval(showAge, POLL_MS);
poll();
