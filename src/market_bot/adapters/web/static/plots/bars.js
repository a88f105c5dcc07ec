// Bars: upright for what follows in time, lying for what has a name. Zero is always shown.

import { el, svg } from "../dom.js";
import { explained, extent, frame, scale, ticks } from "./frame.js";

const TOP = 8, BOTTOM = 22, CHAR = 6.6;

// rows: [{ name, value, low?, high?, note?, tone? }]; a missing value leaves its place empty.
// `whole`: what is counted has no halves.
export function columns({ label, text, height = 180, whole = false }) {
  const plot = frame({ label, height, className: "bars-plot" });
  let rows = [];
  plot.paint = (width) => {
    const values = rows.flatMap((r) => [r.value, r.low, r.high]).filter((v) => v !== null && v !== undefined);
    if (!values.length) {
      plot.canvas.replaceChildren(svg("text", { x: width / 2, y: height / 2, class: "nothing" }, "Nothing to draw yet"));
      return;
    }
    const [low, high] = extent(values, { zero: true }), steps = ticks(low, high, 4).filter((v) => !whole || Number.isInteger(v));
    const left = Math.max(...steps.map((v) => text(v).length)) * CHAR + 10;
    const y = scale(low, high, height - BOTTOM, TOP), slot = (width - left - 6) / rows.length;
    const broad = Math.max(2, Math.min(44, slot * .68)), every = Math.ceil(Math.max(...rows.map((r) => r.name.length)) * CHAR / slot);
    plot.canvas.replaceChildren(
      ...steps.map((v) => svg("g", { class: v === 0 ? "grid zero" : "grid" },
        svg("line", { x1: left, x2: width - 4, y1: Math.round(y(v)) + .5, y2: Math.round(y(v)) + .5 }),
        svg("text", { x: left - 8, y: y(v) + 4, "text-anchor": "end" }, text(v)))),
      ...rows.map((r, n) => {
        const middle = left + slot * (n + .5);
        return svg("g", {}, r.value === null ? null : bar(r, text, middle - broad / 2, y, broad), whisker(r, middle, y),
          n % every ? null : svg("text", { class: "tick", x: middle, y: height - 6, "text-anchor": "middle" }, r.name));
      }));
  };
  return { root: plot.root, draw(next) {
    rows = next;
    plot.canvas.setAttribute("aria-label", `${label}. ` + rows.map((r) => `${r.name}: ${text(r.value)}`).join(", ").slice(0, 900));
    plot.redraw();
  } };
}

function bar(r, text, x, y, broad) {
  const top = Math.min(y(0), y(r.value)), tall = Math.max(1, Math.abs(y(r.value) - y(0)));
  return explained(svg("rect", { class: `bar ${r.tone ?? (r.value < 0 ? "down" : "up")}`, x: x.toFixed(1), y: top.toFixed(1), width: broad.toFixed(1), height: tall.toFixed(1),
    rx: Math.min(3, broad / 3), tabindex: "0", role: "img", "aria-label": said(r, text) }), () => lines(r, text));
}
function whisker(r, x, y) {
  if (r.low === undefined || r.low === null || r.high === null) return null;
  return svg("path", { class: "whisker", d: `M${x},${y(r.low)}V${y(r.high)}M${x - 4},${y(r.low)}h8M${x - 4},${y(r.high)}h8` });
}
const said = (r, text) => `${r.name}: ${text(r.value)}${r.note ? `, ${r.note}` : ""}`;
const lines = (r, text) => [{ text: r.name }, { text: text(r.value) },
  ...(r.low !== undefined && r.low !== null && r.high !== null ? [{ name: "from – to", text: `${text(r.low)} – ${text(r.high)}` }] : []),
  ...(r.note ? [{ text: r.note }] : [])];

// A bar for a cell of a table; all bars of a column share `low` and `high`.
export function inlineBar(value, low, high) {
  const x = scale(Math.min(0, low), Math.max(0, high) || 1, 0, 100);
  return svg("svg", { class: "inline-bar", viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true" }, value === null ? null
    : svg("rect", { class: `bar ${value < 0 ? "down" : "up"}`, x: Math.min(x(0), x(value)), y: 1, width: Math.max(.6, Math.abs(x(value) - x(0))), height: 10 }),
  low < 0 ? svg("path", { class: "origin", d: `M${x(0)},0V12`, "vector-effect": "non-scaling-stroke" }) : null);
}

// Named rows, which wrap on a phone; positive to the right of zero, negative to its left.
export function rowsOfBars({ label, text }) {
  const root = el("ul", { class: "row-bars", "aria-label": label });
  return { root, draw(rows) {
    const values = rows.flatMap((r) => [r.value, r.low, r.high]).filter((v) => v !== null && v !== undefined);
    const low = Math.min(0, ...values), high = Math.max(0, ...values), x = scale(low, high || (low ? 0 : 1), 0, 100);
    root.replaceChildren(...rows.map((r) => {
      const shape = svg("svg", { viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true" },
        r.value === null ? null : svg("rect", { class: `bar ${r.tone ?? (r.value < 0 ? "down" : "up")}`, x: Math.min(x(0), x(r.value)), y: 1, width: Math.max(.4, Math.abs(x(r.value) - x(0))), height: 10 }),
        r.low === undefined || r.low === null ? null : svg("path", { class: "whisker", d: `M${x(r.low)},6H${x(r.high)}`, "vector-effect": "non-scaling-stroke" }),
        low < 0 ? svg("path", { class: "origin", d: `M${x(0)},0V12`, "vector-effect": "non-scaling-stroke" }) : null);
      return explained(el("li", { tabindex: "0" }, el("span", { class: "name" }, r.name), shape,
        el("span", { class: `amount ${r.plain ? "" : r.value < 0 ? "down" : ""}` }, text(r.value)), r.note ? el("span", { class: "note" }, r.note) : null), () => lines(r, text));
    }));
  } };
}
