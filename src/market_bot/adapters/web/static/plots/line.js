// Lines over time, with a band around them and marks on them. With the keyboard: arrows, Home, End.

import { el, svg } from "../dom.js";
import { clock, date, when } from "../format.js";
import { extent, frame, hideTip, scale, showTip, ticks, timeTicks } from "./frame.js";

const RIGHT = 10, TOP = 10, BOTTOM = 22, DOT = 4.5, CHAR = 6.6, MOST = 1500;

// series: [{ name, tone, points: [[ms, number | null]], area, dashed, steps }], band: [[ms, low, high]],
// marks: [{ at, name, text, tone, value? }], levels: [{ value, name, tone }]
// Charts above each other begin at the same place: the widest numbers decide for all of them.
export function sharedAxis() {
  const plots = new Map();
  return { left(plot, wanted) {
    const before = Math.max(0, ...plots.values());
    plots.set(plot, wanted);
    const now = Math.max(...plots.values());
    if (now !== before) for (const other of plots.keys()) if (other !== plot) queueMicrotask(() => other.redraw());
    return now;
  } };
}

export function lineChart({ label, text, height = 220, zero = false, bounds, axis }) {
  const plot = frame({ label, height, className: "line-plot" });
  let data = { series: [], band: [], marks: [], levels: [] };
  let state = null, at = null;
  const legend = el("ul", { class: "legend" });
  plot.root.after(legend);

  plot.paint = (width) => {
    const values = [...data.series.flatMap((s) => s.points.map((p) => p[1])), ...data.band.flatMap((b) => [b[1], b[2]]),
      ...data.levels.map((l) => l.value), ...data.marks.map((m) => m.value ?? null)].filter((v) => v !== null);
    const times = [...data.series.flatMap((s) => s.points.map((p) => p[0])), ...data.band.map((b) => b[0])];
    if (!times.length) {
      state = null;
      plot.canvas.replaceChildren(svg("text", { x: width / 2, y: height / 2, class: "nothing" }, "Nothing to draw yet"));
      return;
    }
    const [low, high] = bounds ?? extent(values, { zero });
    const steps = ticks(low, high, Math.max(2, Math.floor(height / 48)));
    const wanted = Math.max(...steps.map((v) => text(v).length)) * CHAR + 10, left = axis ? axis.left(plot, wanted) : wanted;
    const first = Math.min(...times), last = Math.max(...times);
    const x = scale(first, Math.max(last, first + 1), left, width - RIGHT);
    const y = scale(low, high, height - BOTTOM, TOP);
    const days = timeTicks(first, last, Math.max(2, Math.floor((width - left) / 84)));
    plot.canvas.replaceChildren(
      ...steps.map((v) => svg("g", { class: v === 0 ? "grid zero" : "grid" },
        svg("line", { x1: left, x2: width - RIGHT, y1: Math.round(y(v)) + .5, y2: Math.round(y(v)) + .5 }),
        svg("text", { x: left - 8, y: y(v) + 4, "text-anchor": "end" }, text(v)))),
      ...days.found.map((t) => svg("text", { class: "tick", x: Math.min(width - 18, Math.max(left + 14, x(t))), y: height - 6, "text-anchor": "middle" }, days.text(t))),
      ...data.levels.map((l) => svg("g", { class: `level ${l.tone ?? ""}` },
        svg("line", { x1: left, x2: width - RIGHT, y1: y(l.value), y2: y(l.value) }))),
      ...(data.band.length > 1 ? [svg("path", { class: "band", d: bandPath(data.band, x, y) })] : []),
      ...data.series.flatMap((s) => drawn(s, x, y, height - BOTTOM)),
      ...data.marks.filter((m) => m.at >= first && m.at <= last).map((m) => mark(m, x, y, height)),
      ...data.levels.map((l) => svg("g", { class: `level ${l.tone ?? ""}` }, svg("text", { x: left + 4, y: y(l.value) - 5 }, l.name))),
      svg("line", { class: "cross", y1: TOP, y2: height - BOTTOM, visibility: "hidden" }));
    const moments = [...new Set([...times, ...data.marks.map((m) => m.at)])].filter((t) => t >= first && t <= last).sort((a, b) => a - b);
    state = { x, y, moments };
  };

  function point(t, fromKeyboard) {
    const cross = plot.canvas.querySelector(".cross");
    if (!state || t === undefined || !cross) return;
    at = t;
    const px = Math.round(state.x(t)) + .5, box = plot.canvas.getBoundingClientRect();
    cross.setAttribute("x1", px);
    cross.setAttribute("x2", px);
    cross.setAttribute("visibility", "visible");
    const lines = [{ text: when(t) }, ...data.series.map((s) => ({ name: s.name, text: text(latest(s.points, t)), tone: s.tone })),
      ...data.band.filter((b) => b[0] === t).map((b) => ({ name: "from – to", text: `${text(b[1])} – ${text(b[2])}` })),
      ...data.marks.filter((m) => Math.abs(state.x(m.at) - state.x(t)) < DOT).slice(0, 4).map((m) => ({ name: m.name, text: m.text, tone: m.tone }))];
    showTip(lines, box.left + px, box.top + TOP + 30);
    if (fromKeyboard) plot.live.textContent = lines.map((l) => `${l.name ?? ""} ${l.text}`).join(", ");
  }
  function leave() {
    plot.canvas.querySelector(".cross")?.setAttribute("visibility", "hidden");
    hideTip();
  }
  plot.canvas.addEventListener("pointermove", (event) => state && point(nearest(state.moments, state.x.back(event.offsetX))));
  plot.canvas.addEventListener("pointerleave", leave);
  plot.canvas.addEventListener("blur", leave);
  plot.canvas.setAttribute("tabindex", "0");
  plot.canvas.addEventListener("focus", () => state && plot.canvas.matches(":focus-visible") && point(state.moments.at(-1), true));
  plot.canvas.addEventListener("keydown", (event) => {
    if (!state) return;
    const here = Math.max(0, state.moments.indexOf(at)), stride = event.shiftKey ? 10 : 1, end = state.moments.length - 1;
    const to = { ArrowLeft: here - stride, ArrowRight: here + stride, Home: 0, End: end }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    point(state.moments[Math.max(0, Math.min(end, to))], true);
  });

  return { root: el("figure", { class: "chart" }, plot.root, legend), draw(next) {
    data = { series: [], band: [], marks: [], levels: [], ...next };
    data.series = data.series.map((s) => ({ ...s, points: thinned(s.points.filter((p) => p[0] !== null)) }));
    const named = [...data.series.filter((s) => s.name), ...(data.band.length ? [{ name: data.bandName ?? "band", tone: "band-key" }] : []),
      ...[...new Map(data.marks.map((m) => [m.kind ?? m.name, m])).values()].map((m) => ({ name: m.kind ?? m.name, tone: `dot ${m.tone ?? ""}` }))];
    legend.replaceChildren(...(named.length > 1 ? named.map((s) => el("li", { class: `key ${s.tone ?? ""}` }, s.name)) : []));
    plot.canvas.setAttribute("aria-label", `${label}. ${summary(data, text)}`);
    plot.redraw();
  } };
}

function summary(data, text) {
  return data.series.map((s) => {
    const points = s.points.filter((p) => p[1] !== null);
    if (!points.length) return `${s.name ?? ""}: nothing yet`;
    const [from, to] = [points[0], points.at(-1)];
    return `${s.name ?? ""} ${text(from[1])} on ${date(from[0])} ${clock(from[0])}, ${text(to[1])} on ${date(to[0])} ${clock(to[0])}`;
  }).join("; ") + ". Arrow keys read single points.";
}
function drawn(s, x, y, floor) {
  const d = linePath(s, x, y), lines = [svg("path", { class: `curve ${s.tone ?? ""}${s.dashed ? " dashed" : ""}`, d })];
  const points = s.points.filter((p) => p[1] !== null);
  if (s.area && points.length > 1) {
    const base = Math.min(floor, Math.max(10, y(0)));
    lines.unshift(svg("path", { class: `area ${s.tone ?? ""}`, d: `${d}L${x(points.at(-1)[0]).toFixed(1)},${base}L${x(points[0][0]).toFixed(1)},${base}Z` }));
  }
  if (points.length === 1) lines.push(svg("circle", { class: `point ${s.tone ?? ""}`, cx: x(points[0][0]), cy: y(points[0][1]), r: 3 }));
  return lines;
}
function linePath(s, x, y) {
  let d = "", open = false, before = null;
  for (const [t, v] of s.points) {
    // A gap in the data is a gap in the line.
    if (v === null) { open = false; continue; }
    const px = x(t).toFixed(1), py = y(v).toFixed(1);
    d += !open ? `M${px},${py}` : s.steps ? `L${px},${before}L${px},${py}` : `L${px},${py}`;
    [open, before] = [true, py];
  }
  return d;
}
function bandPath(band, x, y) {
  const along = (points, at) => points.map((b) => `${x(b[0]).toFixed(1)},${y(b[at]).toFixed(1)}`).join("L");
  return `M${along(band, 2)}L${along([...band].reverse(), 1)}Z`;
}
function mark(m, x, y, height) {
  const px = Math.round(x(m.at)) + .5;
  if (m.value !== undefined && m.value !== null) return svg("circle", { class: `mark ${m.tone ?? ""}`, cx: px, cy: y(m.value), r: DOT });
  return svg("g", { class: `mark ${m.tone ?? ""}` }, svg("line", { x1: px, x2: px, y1: TOP, y2: height - BOTTOM }),
    svg("path", { d: `M${px},${TOP - 6}l5,5l-5,5l-5,-5Z` }));
}
function nearest(moments, t) {
  let low = 0, high = moments.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (moments[middle] < t) low = middle; else high = middle;
  }
  return t - moments[low] < moments[high] - t ? moments[low] : moments[high];
}
function latest(points, t) {
  let found = null;
  for (const p of points) {
    if (p[0] > t) break;
    found = p[1];
  }
  return found;
}
function thinned(points) {
  if (points.length <= MOST) return points;
  const stride = points.length / MOST;
  return [...Array.from({ length: MOST }, (_, n) => points[Math.floor(n * stride)]), points.at(-1)];
}
