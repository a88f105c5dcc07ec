// What was believed against what happened: on the diagonal, beliefs are worth what they say.

import { el, svg } from "../dom.js";
import { number, percent } from "../format.js";
import { explained, frame, scale } from "./frame.js";

const LEFT = 44, BOTTOM = 36, TOP = 10, RIGHT = 12, HEIGHT = 300;

// groups: [{ name, tone, bins: [{ forecast, happened, from, to, count }] }]
export function calibrationPlot(label) {
  const plot = frame({ label, height: HEIGHT, className: "calibration-plot" });
  const legend = el("ul", { class: "legend" });
  let groups = [];
  plot.paint = (width) => {
    const side = Math.min(width, 460), x = scale(0, 1, LEFT, side - RIGHT), y = scale(0, 1, HEIGHT - BOTTOM, TOP);
    const most = Math.max(1, ...groups.flatMap((g) => g.bins.map((b) => b.count)));
    plot.canvas.replaceChildren(
      ...[0, .25, .5, .75, 1].flatMap((v) => [
        svg("g", { class: "grid" }, svg("line", { x1: LEFT, x2: side - RIGHT, y1: Math.round(y(v)) + .5, y2: Math.round(y(v)) + .5 }),
          svg("text", { x: LEFT - 6, y: y(v) + 4, "text-anchor": "end" }, percent(v))),
        svg("text", { class: "tick", x: x(v), y: HEIGHT - BOTTOM + 15, "text-anchor": "middle" }, percent(v))]),
      svg("text", { class: "tick", x: (LEFT + side - RIGHT) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, "believed"),
      svg("line", { class: "diagonal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
      ...groups.flatMap((g, n) => g.bins.filter((b) => b.forecast !== null && b.happened !== null).map((b) => {
        const px = x(b.forecast) + (n ? 3 : -3), radius = 3 + 6 * Math.sqrt(b.count / most);
        const words = [{ text: g.name }, { name: "believed", text: percent(b.forecast, 1) }, { name: "happened", text: percent(b.happened, 1) },
          { name: "of", text: `${number(b.count)} forecasts` }, ...(b.from === null ? [] : [{ name: "95 %", text: `${percent(b.from)} – ${percent(b.to)}` }])];
        return svg("g", { class: `belief ${g.tone}` },
          b.from === null ? null : svg("line", { x1: px, x2: px, y1: y(b.from), y2: y(b.to) }),
          explained(svg("circle", { cx: px, cy: y(b.happened), r: radius.toFixed(1), tabindex: "0", role: "img",
            "aria-label": `${g.name}: believed ${percent(b.forecast)}, happened ${percent(b.happened)} of ${b.count}` }), () => words));
      })));
  };
  return { root: el("figure", { class: "chart" }, plot.root, legend), draw(next) {
    groups = next;
    legend.replaceChildren(...groups.map((g) => el("li", { class: `key dot ${g.tone}` }, g.name)));
    plot.redraw();
  } };
}
