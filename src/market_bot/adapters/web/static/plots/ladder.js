// A book as a ladder: asks above, bids below, sizes as bars, own orders beside their price.

import { el, svg } from "../dom.js";
import { compact, number, price } from "../format.js";

const LEVELS = 10;

// bids, asks: [[price, size]], best first; own: [{ price, size, side, text }]
export function ladder(label) {
  const body = el("tbody"), caption = el("caption", { class: "unseen" }, label);
  const root = el("table", { class: "ladder" }, caption,
    el("thead", {}, el("tr", {}, ["own", "size", "price", "in sum"].map((name, n) => el("th", { scope: "col", class: n ? "n" : "" }, name)))), body);
  return { root, draw({ bids = [], asks = [], own = [] }) {
    const above = asks.slice(0, LEVELS), below = bids.slice(0, LEVELS);
    const most = Math.max(1e-9, ...[...above, ...below].map((level) => level[1]));
    const rows = [...summed(above).reverse().map((l) => row(l, "ask", most, own)), gap(above[0], below[0]), ...summed(below).map((l) => row(l, "bid", most, own))];
    const stray = own.filter((o) => ![...above, ...below].some((l) => l[0] === o.price));
    body.replaceChildren(...rows, ...stray.map((o) => el("tr", { class: "stray" }, el("td", { class: "own" }, o.text), el("td", { class: "n" }, number(o.size)),
      el("td", { class: "n" }, price(o.price)), el("td", { class: "n note" }, "own only"))));
  } };
}
function summed(levels) {
  let sum = 0;
  return levels.map(([at, size]) => [at, size, sum += size]);
}
function row([at, size, sum], side, most, own) {
  const mine = own.filter((o) => o.price === at);
  return el("tr", { class: side }, el("td", { class: "own" }, mine.map((o) => o.text).join(", ")),
    el("td", { class: "n bar-cell" }, svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { x: 100 - size / most * 100, y: 0, width: size / most * 100, height: 10 })), el("span", {}, number(size))),
    el("td", { class: "n price" }, price(at)), el("td", { class: "n note" }, compact(sum)));
}
function gap(ask, bid) {
  const text = ask && bid ? `spread ${price(ask[0] - bid[0])}, midpoint ${price((ask[0] + bid[0]) / 2)}` : ask ? "nobody bids" : bid ? "nobody offers" : "the book is empty";
  return el("tr", { class: "gap" }, el("td", { colspan: 4 }, text));
}
