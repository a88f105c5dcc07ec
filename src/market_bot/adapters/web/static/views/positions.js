// What is held and what waits; what is not final yet stands apart.

import { command, get, watch } from "../api.js";
import { ask, button, card, cell, el, empty, figure, fill, keyed, leg, say, staleBadge, table } from "../dom.js";
import { gain, known, money, number, price, tone, when } from "../format.js";
import { cancelButton, chainOf, closeButton, eventLink, marketLink, ORDER_COLUMNS, orderRow, POSITION_COLUMNS, positionKey, positionRow, unrealised } from "./shared.js";

// On a phone each is a small card: fewer at once.
const FILLS = matchMedia("(max-width: 620px)").matches ? 12 : 50;
const ACT = [["", "act"]];

export function open(root, bot) {
  const names = ["positions", "worth now", "unrealised", "paid", "orders", "at stake in orders"];
  const figures = Object.fromEntries(names.map((name) => [name, figure(name)]));
  const stale = staleBadge("the lane");
  const act = bot.readOnly ? [] : ACT;
  const held = table("Positions", [...POSITION_COLUMNS, ...act]), waiting = table("Orders", [...ORDER_COLUMNS, ...act]);
  const loose = table("Not final yet", [["market", "lead"], ["leg", "tag"], ["not final", "n"], ["of", "n"]]);
  const fills = table("Fills", [["when", "lead"], ["market", "lead"], ["leg", "tag"], ["what", "n"], ["size", "n"], ["price", "n"], ["fee", "n"]]);
  const noneHeld = empty("Nothing is held."), noneWait = empty("No order is working."), noFill = empty("Nothing was filled yet.");
  const flatten = bot.readOnly ? null : button("Sell everything", async () => {
    const sure = await ask({ title: "Halt, and sell everything?", yes: "Halt and sell", danger: true,
      text: "Nothing is opened any more, all orders are cancelled and every position of every lane is sold at what is bid for it.", facts: [["positions of this lane", number(bot.lane?.positions.length)], ["worth", say1(bot.lane)]] });
    if (sure) await command("/api/flatten", {}, "Halted; everything is being sold.");
  }, "small danger");
  const pause = bot.readOnly ? null : button("Pause entries", async () => {
    const paused = bot.lane?.halted, lane = bot.laneName;
    if (paused) await command("/api/unpause", { lane }, `${lane} may open positions again.`);
    else await command("/api/pause", { lane, reason: "paused from the dashboard" }, `${lane} opens nothing; exits go on.`);
  }, "small", { "data-key": "pause" });
  const positions = card("Positions", { actions: [stale.node, pause, flatten] }, held.root, noneHeld);
  const unsettled = card("Not final yet", { note: "the venue may still undo these" }, loose.root);
  const orders = card("Orders", {}, waiting.root, noneWait);
  let next = null, lines = [];
  const more = button("Show more", async () => {
    const page = await get("/api/fills", { lane: bot.laneName, limit: FILLS, before: next }).catch(() => null);
    if (page) showFills([...lines, ...page.lines], page.next);
  }, "quiet");
  const done = card("Fills", {}, fills.root, noFill, more);
  root.append(el("section", { class: "card figures", "aria-label": "Figures" }, names.map((name) => figures[name].root)), positions.root, unsettled.root, orders.root, done.root);

  let filled = -1;
  const watched = watch("/api/fills", () => ({ lane: bot.laneName, limit: FILLS }), 0, (page) => showFills(page.lines, page.next));
  done.add(watched.trouble);
  function showFills(found, onward) {
    [lines, next] = [found, onward];
    more.hidden = next === null;
    noFill.hidden = lines.length > 0;
    fills.root.hidden = !lines.length;
    keyed(fills.body, lines, (line) => line.seq, (line) => {
      const d = line.data ?? {};
      return el("tr", {}, el("td", { class: "lead" }, eventLink(chainOf(line), line.seq, when(line.ts))), el("td", { class: "lead" }, marketLink(bot.laneName, d.market)),
        el("td", { class: "tag" }, leg(d.leg)), cell("what", `${d.purpose === "entry" ? "bought" : "sold"} as ${d.liquidity}${d.provisional ? ", not final" : ""}`), cell("size", number(d.size)), cell("price", price(d.price)), cell("fee", money(d.fee)));
    });
  }

  function update() {
    const lane = bot.lane;
    if (!lane) return;
    const results = lane.positions.map(unrealised), sum = (values) => values.reduce((all, v) => all + (v ?? 0), 0);
    const unknown = results.filter((v) => v === null).length, open = results.length === unknown && unknown ? null : sum(results);
    const put = (name, value, note = "", className = "") => {
      say(figures[name].value, value, `value ${className}`);
      say(figures[name].note, note);
    };
    put("positions", number(lane.positions.length));
    put("worth now", money(sum(lane.positions.map((p) => known(p.value)))), unknown ? `${unknown} without a bid` : "at the bid");
    put("unrealised", gain(open), unknown ? `${unknown} left out: nobody bids` : "before fees", tone(open));
    put("paid", money(sum(lane.positions.map((p) => known(p.cost)))));
    put("orders", number(lane.orders.length));
    put("at stake in orders", money(sum(lane.orders.map((o) => known(o.reserved)))));
    stale.fresh(bot.ticked(bot.laneName), lane.phase === "trading" ? 6 : Infinity);
    if (pause) say(pause, lane.halted ? "Allow entries" : "Pause entries");
    const name = bot.laneName, provisional = lane.positions.filter((p) => known(p.provisional) > 0);
    held.root.hidden = !lane.positions.length;
    noneHeld.hidden = lane.positions.length > 0;
    keyed(held.body, lane.positions, positionKey, (row) => positionRow(name, row, ...(bot.readOnly ? [] : [closeButton(name, row)])));
    unsettled.root.hidden = !provisional.length;
    keyed(loose.body, provisional, positionKey, (row) => el("tr", {}, el("td", { class: "lead" }, marketLink(name, row.market)), el("td", { class: "tag" }, leg(row.leg)),
      cell("not final", number(row.provisional)), cell("of", number(row.size))));
    waiting.root.hidden = !lane.orders.length;
    noneWait.hidden = lane.orders.length > 0;
    keyed(waiting.body, lane.orders, (row) => row.intent, (row) => orderRow(name, row, ...(bot.readOnly ? [] : [cancelButton(name, row)])));
    // A new fill is a reason to look again.
    const now = lane.counts.fills ?? 0;
    if (filled !== -1 && now !== filled) watched.again();
    filled = now;
  }
  return { update, close: () => watched.close() };
}
const say1 = (lane) => money(lane?.positions.reduce((all, p) => all + (known(p.value) ?? 0), 0));
