// How much of a hard limit is used: half a ring that turns amber at 80 % and red at the limit. The
// color follows the number that is shown, and only the limit itself is shown as 100 %.

import { el, say, svg } from "../dom.js";
import { explained } from "./frame.js";

const RADIUS = 42, AROUND = Math.PI * RADIUS, NEAR = 80;
const ARC = `M8,50a${RADIUS},${RADIUS} 0 0 1 ${RADIUS * 2},0`;

// What is only an upper bound (`soft`) warns, but claims no breach.
export function gauge(label, soft = false) {
  const used = svg("path", { class: "used", d: ARC, "stroke-dasharray": `0 ${AROUND}` });
  const value = el("b", {}), note = el("span", { class: "note" });
  let words = "";
  const root = el("div", { class: "gauge", role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, tabindex: "0" },
    svg("svg", { viewBox: "0 0 100 56", "aria-hidden": "true" }, svg("path", { class: "rail", d: ARC }), used), value, el("span", { class: "label" }, label), note);
  explained(root, () => [{ text: label }, { text: words }]);
  return { root, draw(now, limit, text) {
    const share = now === null || !limit ? null : Math.max(0, now / limit);
    const percent = share === null ? null : share < 1 ? Math.min(99, Math.round(share * 100)) : Math.round(share * 100);
    words = share === null ? `not known, of ${text(limit)}` : `${text(now)} of ${text(limit)}: ${percent} %`;
    used.setAttribute("stroke-dasharray", `${AROUND * Math.min(1, share ?? 0)} ${AROUND * 2}`);
    const level = share === null ? "" : share >= 1 && !soft ? "full" : percent >= NEAR ? "near" : "";
    root.setAttribute("class", `gauge ${level}`);
    root.setAttribute("aria-valuenow", Math.min(100, percent ?? 0));
    root.setAttribute("aria-valuetext", words);
    say(value, share === null ? "–" : `${percent} %`);
    say(note, share === null ? `of ${text(limit)}` : `${text(now)} of ${text(limit)}`);
  } };
}
