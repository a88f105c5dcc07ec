// What all plots share: a drawing that follows its box pixel by pixel, round ticks, one tooltip.

import { el, svg } from "../dom.js";
import { clean } from "../format.js";

// A plot is drawn again when its data or its box changes, never scaled: lines and letters stay crisp.
export function frame({ label, height, className = "" }) {
  const canvas = svg("svg", { class: "canvas", role: "img", "aria-label": label });
  const live = el("p", { class: "unseen", "aria-live": "polite" });
  const root = el("div", { class: `plot ${className}` }, canvas, live);
  const plot = { root, canvas, live, paint: () => {}, width: 0, height };
  root.style.height = height + "px";
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width && width !== plot.width) {
      plot.width = width;
      plot.redraw();
    }
  }).observe(root);
  plot.redraw = () => {
    if (!plot.width) return;
    canvas.setAttribute("viewBox", `0 0 ${plot.width} ${height}`);
    canvas.setAttribute("width", plot.width);
    canvas.setAttribute("height", height);
    plot.paint(plot.width, height);
  };
  return plot;
}

export function scale(low, high, from, to) {
  const range = high - low || 1;
  const map = (value) => from + (value - low) / range * (to - from);
  map.back = (at) => low + (at - from) / (to - from || 1) * range;
  return map;
}

export function ticks(low, high, count) {
  const range = high - low;
  if (!(range > 0)) return [low];
  const raw = range / Math.max(1, count), unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((times) => times * unit >= raw) * unit;
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9 && found.length < 50; n++) found.push(n * step + 0);
  return found;
}

// A little air above and below, so that no line touches the edge; a flat line runs in the middle.
export function extent(values, { zero = false } = {}) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (zero) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
  if (!Number.isFinite(low)) return [0, 1];
  const air = (high - low) * 0.08 || Math.abs(high) * 0.01 || 1;
  return [zero && low === 0 ? 0 : low - air, zero && high === 0 ? 0 : high + air];
}

const STEPS = [1, 5, 15, 60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400, 172800, 604800, 2592000];
export function timeTicks(low, high, count) {
  // A single moment stands for its day.
  if (high <= low) return { found: [low], text: (t) => new Date(t).toISOString().slice(5, 10) };
  const step = (STEPS.find((s) => s * 1000 * count >= high - low) ?? 7776000) * 1000;
  const found = [];
  for (let t = Math.ceil(low / step) * step; t <= high && found.length < 50; t += step) found.push(t);
  return { found, text: (t) => {
    const iso = new Date(t).toISOString();
    return step >= 86400000 || iso.slice(11, 19) === "00:00:00" ? iso.slice(5, 10) : step < 60000 ? iso.slice(11, 19) : iso.slice(11, 16);
  } };
}

const tip = el("div", { class: "tip", role: "tooltip", hidden: true });
export function showTip(lines, x, y) {
  if (!tip.isConnected) document.body.append(tip);
  tip.replaceChildren(...lines.map((line) => el("div", { class: line.tone ? `line ${line.tone}` : "line" },
    line.name && el("span", {}, line.name), el("b", {}, clean(line.text ?? line)))));
  tip.hidden = false;
  const box = tip.getBoundingClientRect(), edge = document.documentElement.clientWidth - 6;
  tip.style.left = Math.max(6, Math.min(edge - box.width, x - box.width / 2)) + "px";
  tip.style.top = (y - box.height - 12 < 6 ? y + 16 : y - box.height - 12) + "px";
}
export const hideTip = () => { tip.hidden = true; };

// The same words for the pointer, the keyboard and the screen reader.
export function explained(node, lines) {
  const show = () => {
    const box = node.getBoundingClientRect();
    showTip(lines(), box.left + box.width / 2, box.top);
  };
  node.addEventListener("pointerenter", show);
  node.addEventListener("focus", show);
  node.addEventListener("pointerleave", hideTip);
  node.addEventListener("blur", hideTip);
  return node;
}
addEventListener("scroll", hideTip, { passive: true, capture: true });
addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
