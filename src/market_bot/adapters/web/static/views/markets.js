// All markets of a lane, and one of them: its book, its prices, and why it was traded or not.

import { watch } from "../api.js";
import { card, cell, chip, choice, el, empty, field, figure, fill, keyed, leg, pairs, say, staleBadge, table } from "../dom.js";
import { clean, known, moment, number, percent, precise, price, span, when, words } from "../format.js";
import { ladder } from "../plots/ladder.js";
import { lineChart } from "../plots/line.js";
import { cancelButton, closeButton, lineKey, lineRow, ORDER_COLUMNS, orderRow, POSITION_COLUMNS, positionKey, positionRow, timeline } from "./shared.js";

const PAGE = 100, EVERY = 3000, TYPING_MS = 250, BOOK_LATE_S = 30;
const COLUMNS = [["market", "lead"], ["bid", "n"], ["ask", "n"], ["spread", "n"], ["last", "n"], ["closes in", "n"], ["book age", "n"], ["ours", "n"]];
const ONLY = [["all", "all"], ["held", "held"], ["ordered", "with orders"], ["open", "open"]];

export const open = (root, bot, given) => (given.market ? one(root, bot, given.market) : list(root, bot, given));

function list(root, bot, given) {
  let text = given.text ?? "", only = given.only ?? "all", most = PAGE, timer = 0;
  const box = el("input", { type: "search", value: text, placeholder: "title, market, family", maxlength: 100, oninput: () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      [text, most] = [box.value.trim(), PAGE];
      watched.again();
    }, TYPING_MS);
  } });
  const grid = table("Markets", COLUMNS), none = empty("No such market."), more = el("button", { type: "button", class: "button quiet", hidden: true, onclick: () => {
    most += PAGE;
    watched.again();
  } }, "Show more");
  const stale = staleBadge("the table");
  const whole = card("Markets", { actions: [stale.node] }, el("div", { class: "filters" }, field("Find", box),
    field("Which", choice(ONLY, only, (value) => {
      [only, most] = [value, PAGE];
      watched.again();
    }))), grid.root, none, more);
  const watched = watch("/api/markets", () => ({ lane: bot.laneName, text, only, limit: Math.min(200, most), offset: 0 }), EVERY, async (data) => {
    none.hidden = data.markets.length > 0;
    grid.root.hidden = !data.markets.length;
    say(whole.remark, `${number(data.markets.length)} of ${number(data.total)}`);
    more.hidden = data.markets.length >= data.total || most >= 200;
    const now = moment(data.at);
    keyed(grid.body, data.markets, (row) => row.market, (row) => marketRow(bot.laneName, row, now));
  }, stale);
  root.append(whole.root);
  whole.add(watched.trouble);
  return { update() {}, close: () => {
    clearTimeout(timer);
    watched.close();
  } };
}

function marketRow(lane, row, now) {
  const left = moment(row.closes_at) === null || now === null ? null : (moment(row.closes_at) - now) / 1000;
  const late = known(row.book_age_s) !== null && row.book_age_s > BOOK_LATE_S;
  const ours = [...row.held.map((h) => el("span", {}, leg(h.leg), " ", number(h.size))), ...(row.orders ? [chip(`${row.orders} ${row.orders === 1 ? "order" : "orders"}`)] : [])];
  return el("tr", { class: row.held.length || row.orders ? "mine" : "" },
    el("td", { class: "lead" }, el("a", { class: "id", href: `#/markets?${new URLSearchParams({ lane, market: row.market })}`, "data-key": row.market }, row.title || row.market),
      el("span", { class: "note id" }, row.title ? row.market : row.family, row.status !== "open" ? [" ", chip(row.resolved ? "resolved" : row.status, "warn")] : null)),
    cell("bid", price(row.bid)), cell("ask", price(row.ask)), cell("spread", price(row.spread)), cell("last", price(row.last_trade)),
    cell("closes in", left === null ? "–" : left < 0 ? "closed" : span(left)), cell("book age", row.book_age_s === null ? "no book" : span(row.book_age_s), late ? "late" : ""),
    el("td", { class: "n ours", "data-label": "ours" }, ours.length ? ours : "–"));
}

function one(root, bot, market) {
  const lane = bot.laneName;
  const title = el("h1", { class: "id" }, market), status = el("span"), stale = staleBadge("the book");
  const names = ["bid", "ask", "midpoint", "spread", "last trade", "closes in"];
  const figures = Object.fromEntries(names.map((name) => [name, figure(name)]));
  const book = ladder("Book, asks above bids"), chart = lineChart({ label: "Price of YES", text: price, height: 250 });
  const why = el("div"), wanted = el("div"), positions = table("Positions here", POSITION_COLUMNS), orders = table("Orders here", ORDER_COLUMNS), fills = el("ol", { class: "journal" });
  const terms = el("div"), prints = table("Latest trades of everybody", [["at", "lead"], ["side", "n"], ["price", "n"], ["size", "n"]], { stacked: false });
  const decisions = card("Why it was traded, or not", {}, wanted, why);
  const depth = card("Book", {}, book.root), prices = card("Price", {}, chart.root), ours = card("Ours", {}, positions.root, orders.root, el("h3", {}, "Fills"), fills);
  const rules = card("Terms", {}, terms), others = card("Latest trades of everybody", { note: "newest first" }, prints.root);
  root.append(el("p", { class: "back" }, el("a", { href: "#/markets" }, "← all markets")), el("div", { class: "title" }, title, status, stale.node),
    el("section", { class: "card figures", "aria-label": "Figures" }, names.map((name) => figures[name].root)),
    el("div", { class: "grid-two" }, el("div", {}, prices.root, ours.root, decisions.root), el("div", {}, depth.root, others.root, rules.root)));

  const gone = el("p", { class: "alert", role: "status", hidden: true }, "This market is watched no more: it has ended, or the lane let go of it. What the journal knows of it stands below.");
  const present = [root.querySelector(".figures"), depth.root, prices.root, ours.root, rules.root, others.root];
  root.querySelector(".title").after(gone);
  const showing = (there) => {
    gone.hidden = there;
    for (const part of present) part.hidden = !there;
  };
  const detail = watch("/api/markets/detail", { lane, market }, EVERY, (data) => {
    showing(true);
    show(data);
  }, undefined, () => showing(false));
  const reasons = watch("/api/markets/why", { lane, market }, 10000, (data) => fill(why, data, () => [
    data.complete ? null : el("p", { class: "note" }, "Only the newest part of the journal was read."),
    data.reasons.length ? timeline(lane, data.reasons) : empty("The journal says nothing about this market: no strategy wanted it.")]));
  decisions.add(reasons.trouble);
  depth.add(detail.trouble);

  function show(data) {
    const m = data.market, now = moment(data.at), left = moment(m.closes_at) === null || now === null ? null : (moment(m.closes_at) - now) / 1000;
    say(title, m.title || m.market);
    fill(status, [m.status, m.resolved, m.market, m.family], () => [chip(m.resolved ? "resolved" : m.status, m.status === "open" ? "good" : "warn"), " ", el("span", { class: "soft id" }, m.market)]);
    if (known(m.book_age_s) !== null) stale.fresh(performance.now() - m.book_age_s * 1000, BOOK_LATE_S);
    const values = { bid: price(m.bid), ask: price(m.ask), midpoint: price(m.mid), spread: price(m.spread), "last trade": price(m.last_trade), "closes in": left === null ? "–" : left < 0 ? "closed" : span(left) };
    const notes = { bid: m.bid_size && `${number(m.bid_size)} wanted`, ask: m.ask_size && `${number(m.ask_size)} offered`, midpoint: known(m.mid) !== null ? `${percent(m.mid, 1)} likely` : "", "closes in": m.closes_at ? when(m.closes_at) : "", spread: data.tick ? `tick ${price(data.tick)}` : "" };
    for (const name of names) {
      say(figures[name].value, values[name]);
      say(figures[name].note, notes[name] || "");
    }
    const levels = (side) => side.map((l) => [known(l.price), known(l.size)]);
    const yes = (o) => (o.leg === "yes" ? known(o.price) : Math.round((1 - o.price) * 1e6) / 1e6);
    book.draw({ bids: levels(data.bids), asks: levels(data.asks), own: data.orders.map((o) => ({ price: yes(o), size: known(o.size) - known(o.filled), text: `${o.purpose === "entry" ? "buy" : "sell"} ${o.leg} ${number(o.size - o.filled)}` })) });
    drawPrices(data);
    fill(wanted, [data.last_scan, data.wanted], () => [
      el("p", { class: "note" }, data.last_scan?.at ? `Last looked at ${when(data.last_scan.at)}.` : "Not looked at yet."),
      ...data.wanted.map((w) => el("p", { class: w.refused_by.length ? "verdict warn" : "verdict good" }, el("b", {}, `${w.strategy} ${w.purpose === "entry" ? "wants to buy" : "wants to sell"} ${w.leg.toUpperCase()}: `),
        w.refused_by.length ? `refused by ${w.refused_by.map(words).join(", ")}, for ${w.refused_for === 1 ? "one look" : `${number(w.refused_for)} looks`}` : "nothing stands against it", known(w.price) === null ? "" : `, at ${price(w.price)}`, w.reason ? ` (${clean(w.reason)})` : ""))]);
    positions.root.hidden = !data.positions.length;
    orders.root.hidden = !data.orders.length;
    keyed(positions.body, data.positions, positionKey, (row) => positionRow(lane, row, bot.readOnly ? null : closeButton(lane, row)));
    keyed(orders.body, data.orders, (row) => row.intent, (row) => orderRow(lane, row, bot.readOnly ? null : cancelButton(lane, row)));
    if (data.fills.length) keyed(fills, data.fills, lineKey, (line) => lineRow(line)); else fill(fills, 0, () => [el("li", { class: "empty" }, "None yet.")]);
    fill(terms, [m.family, m.event, m.category, data.min_size, data.strike, data.condition], () => [pairs([["family", m.family], ["event", m.event], ["category", m.category], ["strike", data.strike], ["condition", data.condition],
      ["smallest order", number(data.min_size)], ["size in steps of", number(data.size_step)], ["markets of the event", data.exhaustive ? "exactly one wins" : data.at_most_one ? "at most one wins" : "independent"]].filter(([, value]) => value !== null && value !== undefined && value !== ""))]);
    others.root.hidden = !data.prints.length;
    // They come as they happened; the newest is looked for first.
    keyed(prints.body, data.prints.map((p, n) => ({ ...p, n })).reverse(), (p) => `${p.at} ${p.n}`, (p) => el("tr", {}, el("td", { class: "lead" }, when(p.at).slice(11, 19)),
      el("td", { class: "n" }, p.side ?? "–"), el("td", { class: "n" }, price(p.price)), el("td", { class: "n" }, precise(p.size, 2))));
  }
  function drawPrices(data) {
    const marks = data.fills.filter((line) => line.data).map((line) => ({ at: moment(line.ts), value: line.data.leg === "yes" ? known(line.data.price) : 1 - line.data.price,
      name: `${line.data.purpose === "entry" ? "bought" : "sold"} ${line.data.leg}`, kind: line.data.purpose === "entry" ? "bought" : "sold", tone: line.data.purpose === "entry" ? "good" : "bad", text: `${number(line.data.size)} at ${price(line.data.price)}` }));
    const levels = data.positions.map((p) => ({ value: p.leg === "yes" ? p.cost / p.size : 1 - p.cost / p.size, name: `paid for ${p.leg}`, tone: "violet" })).filter((l) => Number.isFinite(l.value));
    chart.draw({ series: [{ name: "midpoint", tone: "accent", points: data.mids.map(([t, v]) => [moment(t), known(v)]), steps: true }], marks, levels });
  }
  return { update() {}, close() {
    detail.close();
    reasons.close();
  } };
}
