// What several views show: positions, orders, journal lines, changes of settings.

import { command } from "../api.js";
import { ask, button, cell, el, fill, leg } from "../dom.js";
import { clean, clock, date, gain, known, money, number, precise, price, sentence, tone, when, words } from "../format.js";

export const marketLink = (lane, market) =>
  el("a", { class: "id", href: `#/markets?${new URLSearchParams({ lane, market })}` }, market);
export const eventLink = (chain, seq, text) =>
  el("a", { class: "seq", href: `#/journal?${new URLSearchParams({ chain, seq })}` }, text ?? `#${seq}`);

// ---- positions and orders -------------------------------------------------------------------

export const POSITION_COLUMNS = [["market", "lead"], ["leg", "tag"], ["size", "n"], ["avg cost", "n"], ["bid", "n"], ["value", "n"], ["unrealised", "n"]];
export const ORDER_COLUMNS = [["market", "lead"], ["leg", "tag"], ["order", "n"], ["price", "n"], ["filled", "n"], ["at stake", "n"], ["state", "n"]];

export const positionKey = (row) => JSON.stringify([row.market, row.leg, row.strategy]);
export function unrealised(row) {
  const cost = known(row.cost), value = known(row.value);
  return cost === null || value === null ? null : value - cost;
}
export function positionRow(lane, row, ...actions) {
  const size = known(row.size), cost = known(row.cost), open = unrealised(row);
  return el("tr", {}, el("td", { class: "lead" }, marketLink(lane, row.market), el("span", { class: "note" }, row.strategy)),
    el("td", { class: "tag" }, leg(row.leg)), cell("size", number(row.size)), cell("avg cost", price(size ? cost / size : null)),
    row.bid === null ? cell("bid", "no bid", "none") : cell("bid", price(row.bid)), cell("value", money(row.value)),
    cell("unrealised", gain(open), tone(open)), actions.length ? el("td", { class: "act" }, actions) : null);
}
export function orderRow(lane, row, ...actions) {
  return el("tr", {}, el("td", { class: "lead" }, marketLink(lane, row.market), el("span", { class: "note" }, row.strategy)),
    el("td", { class: "tag" }, leg(row.leg)), cell("order", `${row.purpose === "entry" ? "buy" : "sell"} ${row.style}`), cell("price", price(row.price)),
    cell("filled", `${number(row.filled)} / ${number(row.size)}`), cell("at stake", money(row.reserved)),
    cell("state", words(row.state), row.state === "unknown" ? "down" : ""), actions.length ? el("td", { class: "act" }, actions) : null);
}
export const closeButton = (lane, row) => button("Close", async () => {
  const sure = await ask({ title: "Sell this position?", text: "It is sold at what is bid for it, as far as that goes.", yes: "Sell it", danger: true,
    facts: [["market", row.market], ["leg", row.leg], ["size", number(row.size)], ["bid", price(row.bid)], ["unrealised", gain(unrealised(row))]] });
  if (sure) await command("/api/positions/close", { lane, market: row.market, leg: row.leg }, `Selling ${row.leg} of ${clean(row.market)}.`);
}, "small danger", { "data-key": `close-${positionKey(row)}`, "aria-label": `Close ${row.leg} of ${clean(row.market)}` });
export const cancelButton = (lane, row) => button("Cancel", async () => {
  const sure = await ask({ title: "Cancel this order?", yes: "Cancel the order", danger: true,
    facts: [["market", row.market], ["leg", row.leg], ["price", price(row.price)], ["unfilled", number(known(row.size) - known(row.filled))]] });
  if (sure) await command("/api/orders/cancel", { lane, intent: row.intent }, `Cancelling ${clean(row.intent)}.`);
}, "small", { "data-key": `cancel-${row.intent}`, "aria-label": `Cancel the order in ${clean(row.market)}` });

// ---- journal lines --------------------------------------------------------------------------

const DECIDED = ["market", "leg"];
const FACTS = {
  scan: ["markets", "signals", "denied", "intents", "equity"],
  signal: [...DECIDED, "purpose", "style", "price", "belief", "edge", "reason"],
  order_intent: [...DECIDED, "purpose", "style", "size", "price", "edge"],
  order_accepted: ["intent", "queue_ahead"], order_rejected: ["intent", "code", "reason"],
  order_unknown: ["intent", "reason"], order_cancelled: ["intent", "reason", "remaining"],
  fill: [...DECIDED, "purpose", "liquidity", "size", "price", "fee"],
  exit: [...DECIDED, "reason", "size", "price"], mark: [...DECIDED, "horizon_s", "mid", "bid"],
  market_resolved: ["market", "yes_payout"], merged: ["market", "size", "payout"], reward: ["market", "kind", "amount"],
  equity_peak: ["equity"], loss_limit_reached: ["rule", "lost", "limit"], day_opened: ["date", "equity", "cash"],
  bot_started: ["mode", "version", "cash"], bot_stopped: ["reason", "ticks"], config_changed: ["path", "by"],
  change_intended: ["file", "path", "before", "after", "by"], change_ended: ["outcome", "reason"], checkpoint: ["digest"],
  asked: ["by", "what", "market", "leg", "intent", "detail"], leak_diagnosed: ["finding", "kind", "why"], night_ended: ["night", "queued", "dropped", "silence"],
  error: ["where", "message", "count"], leak: ["rule", "status", "cost_low"], leak_review: ["night", "findings", "confirmed"],
  proposal: ["path", "before", "after", "rationale"], proposal_decided: ["proposal", "decision", "by", "reason"],
  trial_started: ["path", "before", "after"], trial_checked: ["minute", "verdict"], trial_ended: ["verdict", "reason"],
};
const BARE = new Set(["market", "leg", "purpose", "style", "liquidity", "phase", "reason", "message", "mode", "date", "code", "verdict", "decision", "outcome"]);
const TONES = {
  deed: ["order_intent", "order_accepted", "order_cancelled", "proposal", "proposal_queued", "trial_started", "trial_checked"],
  good: ["fill", "fill_settled", "market_resolved", "resume", "bot_started", "merged", "reward", "change_ended"],
  wish: ["signal", "exit", "leak", "leak_review", "leak_diagnosed", "night_ended", "asked"],
  warn: ["denied", "order_rejected", "config_changed", "change_intended", "venue_state", "bot_stopped", "disarmed", "proposal_dropped", "proposal_decided", "trial_ended", "armed"],
  bad: ["error", "order_unknown", "fill_reversed", "halt", "loss_limit_reached"],
};
const TONE = new Map(Object.entries(TONES).flatMap(([tone, kinds]) => kinds.map((kind) => [kind, tone])));
export const KINDS = {
  deeds: ["order_intent", "order_accepted", "order_rejected", "order_unknown", "order_cancelled", "fill", "fill_settled", "fill_reversed", "exit", "merged", "market_resolved"],
  trouble: ["denied", "order_rejected", "order_unknown", "fill_reversed", "error", "halt", "loss_limit_reached", "venue_state"],
  changes: ["config_changed", "change_intended", "change_ended", "proposal", "proposal_queued", "proposal_dropped", "proposal_decided", "trial_started", "trial_checked", "trial_ended", "trial_outcome", "leak_review", "leak", "leak_diagnosed", "night_ended", "learning_undone"],
};
export const lineKey = (line) => JSON.stringify([line.venue, line.lane, line.run, line.seq]);
export const chainOf = (line) => [line.venue, line.lane, ...(line.run ? [line.run] : [])].join("/");

function factText(value) {
  if (Array.isArray(value)) return value.map((v) => (v && typeof v === "object" ? v.name ?? "…" : v)).join(", ");
  return value && typeof value === "object" ? "…" : value;
}
// The same words as `journal why` has for a refusal.
function refusal({ market, leg, strategy, phase, gates, count }) {
  const looks = count === 1 ? "one look" : `${number(count)} looks`;
  const why = (Array.isArray(gates) ? gates : []).map((g) => `${words(g.name)}${known(g.limit) === null ? "" : ` (limit ${limit(g.name, g.limit)}, value ${limit(g.name, g.value)})`}`);
  return [el("span", { class: "id" }, market), " ", leg ? el("span", {}, leg) : null, strategy ? [" ", el("b", {}, strategy)] : null, ": ",
    phase === "end" ? `no longer refused, after ${looks}` : `refused by ${why.join(", ") || "a rule"}`].flat();
}
const limit = (gate, value) => (String(gate).endsWith("_usd") ? money(value) : precise(value));
// The program as a whole has neither money nor ticks.
const OF_LANES = new Set(["cash", "ticks"]);
const SHORT = 14;
export function facts(line) {
  const data = line.data ?? {};
  if (line.type === "denied" && Object.hasOwn(data, "gates")) return refusal(data);
  const names = Object.hasOwn(FACTS, line.type) ? FACTS[line.type] : Object.keys(data).slice(0, 5);
  const nodes = [];
  for (const name of names) {
    if (line.venue === "system" && OF_LANES.has(name)) continue;
    if (!Object.hasOwn(data, name) || data[name] === null || data[name] === "" || (Array.isArray(data[name]) && !data[name].length)) continue;
    if (nodes.length) nodes.push(" ");
    if (!BARE.has(name)) nodes.push(el("b", {}, words(name)), " ");
    const text = factText(data[name]);
    // The number of an order tells nobody anything in full; it is there for whoever points at it.
    nodes.push(name === "intent" && String(text).length > SHORT ? el("span", { title: text }, `${clean(text).slice(0, SHORT)}…`) : el("span", {}, text));
  }
  return nodes;
}
const stamp = (ts) => (date(ts) === date(Date.now()) ? clock(ts) : `${date(ts).slice(5)} ${clock(ts)}`);
export function lineRow(line, { lane = false } = {}) {
  return el("li", { "data-tone": TONE.get(line.type) }, el("time", { datetime: clean(line.ts), title: when(line.ts) }, stamp(line.ts)),
    el("a", { class: "kind", "data-key": lineKey(line), href: `#/journal?${new URLSearchParams({ chain: chainOf(line), seq: line.seq })}` }, words(line.type)),
    el("span", { class: "facts" }, lane ? [el("b", {}, `${clean(line.venue)}/${clean(line.lane)}`), " "] : [], facts(line)));
}

// ---- reasons and changes --------------------------------------------------------------------

const NEWEST = 24;
// The newest facts at once, the many before them on request.
export function timeline(chain, reasons) {
  const early = reasons.slice(0, -NEWEST), late = reasons.slice(-NEWEST);
  return el("div", {}, early.length ? el("details", {}, el("summary", {}, `${early.length} earlier facts`), steps(chain, early)) : null, steps(chain, late));
}
function steps(chain, reasons) {
  return el("ol", { class: "timeline" }, reasons.map((r) => el("li", { "data-tone": TONE.get(r.type) ?? (r.type === "result" ? "good" : undefined), class: r.type === "result" ? "result" : "" },
    el("time", { datetime: clean(r.at), title: when(r.at) }, clock(r.at)), el("div", {}, r.type === "result" ? el("b", {}, "In the end: ") : null, r.text, " ", eventLink(chain, r.seq)))));
}

// A change of one setting as it will stand in its file.
export function diff(file, path, before, after) {
  const parts = clean(path).split("."), last = parts.pop(), line = (kind, sign, text) => el("div", { class: kind }, el("span", { "aria-hidden": "true" }, sign), text);
  const indent = (n, text) => "  ".repeat(n) + text;
  return el("figure", { class: "diff", "aria-label": `In ${clean(file)}, ${clean(path)} changes from ${clean(before)} to ${clean(after)}` },
    el("figcaption", {}, file), el("code", { class: "lines" }, parts.map((step, n) => line("", " ", indent(n, step + ":"))),
      line("minus", "−", indent(parts.length, `${last}: ${before ?? ""}`)), line("plus", "+", indent(parts.length, `${last}: ${after ?? ""}`))));
}

export function denials(node, counts, most = 8) {
  fill(node, counts, () => {
    const sorted = Object.entries(counts).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    if (!sorted.length) return [el("li", { class: "empty" }, "Nothing was refused.")];
    const rows = sorted.slice(0, most).map(([gate, n]) => {
      const inner = el("i");
      inner.style.width = n / sorted[0][1] * 100 + "%";
      return el("li", {}, el("div", { class: "row" }, el("span", {}, words(gate)), el("span", {}, number(n))), el("div", { class: "meter", "aria-hidden": "true" }, inner));
    });
    return sorted.length > most ? [...rows, el("li", { class: "empty" }, `and ${sorted.length - most} more reasons`)] : rows;
  });
}

export const texts = (record) => Object.entries(record ?? {}).map(([name, value]) => [sentence(name), factText(value)]);
