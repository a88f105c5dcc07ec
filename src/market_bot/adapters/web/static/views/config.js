// The settings in force as they stand in their files, what may be turned, and what was changed.

import { watch } from "../api.js";
import { card, cell, chip, dotted, el, empty, fill, keyed, say, svg, table } from "../dom.js";
import { clean, known, precise, when, words } from "../format.js";
import { diff, eventLink } from "./shared.js";

export function open(root, bot) {
  const files = el("div"), knobs = table("Knobs", [["setting", "lead"], ["value", "n"], ["range", "lead"], ["step", "n"], ["may become", "n"]]), noKnob = empty("No knob has a line in the settings of this venue.");
  const history = el("ol", { class: "history changes" });
  const trouble = el("p", { class: "alert", role: "status", hidden: true });
  const now = card("Settings in force", { note: "changed only in their files, or by an approved proposal" }, trouble, files);
  const turn = card("Knobs", { note: "what a proposal may turn, one step at a time" }, knobs.root, noKnob), past = card("History", {}, history);
  root.append(el("div", { class: "grid-config" }, now.root, el("div", {}, turn.root, past.root)));
  const watchers = [
    watch("/api/config", {}, 20000, (data) => fill(files, data, () => data.files.map((file, n) => el("details", { class: "file", open: n === 0 || file.name.startsWith(bot.lane?.venue ?? "\n") },
      el("summary", {}, el("b", {}, file.name), " ", el("code", { class: "note" }, clean(file.sha256).slice(0, 12))), el("code", { class: "lines yaml", tabindex: "0", role: "region", "aria-label": `Text of ${clean(file.name)}` }, clean(file.text, 300000).split("\n").map(yamlLine)))))),
    watch("/api/knobs", () => ({ venue: bot.lane?.venue }), 20000, (data) => {
      noKnob.hidden = data.knobs.length > 0;
      knobs.root.hidden = !data.knobs.length;
      keyed(knobs.body, data.knobs, (k) => k.path, knobRow);
    }),
    watch("/api/config/history", () => ({ lane: bot.laneName }), 20000, (data) => fill(history, data, () => (data.changes.length ? data.changes.map((c) => el("li", {}, el("time", {}, when(c.at)),
      el("div", {}, c.path ? diff(c.file, c.path, c.before, c.after) : el("p", {}, "The file was edited by hand."), el("p", { class: "note" }, c.outcome ? chip(c.outcome, c.outcome === "applied" ? "good" : "warn") : null, c.outcome ? " " : "", [c.by && `by ${clean(c.by)}`, c.cause && words(c.cause)].filter(Boolean).join(" · "), " ", eventLink(bot.laneName, c.seq))))) : [el("li", { class: "empty" }, "Nothing was changed.")]))),
  ];
  [now, turn, past].forEach((each, n) => each.add(watchers[n].trouble));
  return { update() {
    const why = bot.lane?.settings_trouble;
    trouble.hidden = !why;
    if (why) say(trouble, `The file is not what the bot trades with: ${why}`);
  }, close: () => watchers.forEach((each) => each.close()) };
}

// Comments, keys and values apart: enough to read a file, without taking it to pieces.
function yamlLine(text) {
  const found = /^(\s*(?:- )?)([^\s#:][^:#]*:)?(.*?)(\s#.*|^#.*)?$/.exec(text);
  if (!found || text.trimStart().startsWith("#")) return el("div", {}, el("i", {}, text || " "));
  const [, indent, key, value, comment] = found;
  return el("div", {}, indent, key ? el("b", {}, key) : null, value, comment ? el("i", {}, comment) : null);
}

const UNITS = { second: "s", hour: "h" };
function knobRow(k) {
  const low = known(k.low), high = known(k.high), value = known(k.value);
  const share = value === null || low === null || high === null || high === low ? null : Math.max(0, Math.min(1, (value - low) / (high - low)));
  const unit = k.unit && k.unit !== "ratio" ? ` ${UNITS[k.unit] ?? `${clean(k.unit)}${value === 1 ? "" : "s"}`}` : "";
  return el("tr", {}, el("td", { class: "lead" }, dotted(k.path)), cell("value", k.value === null ? "not set" : k.unit === "dollar" ? `$${precise(k.value, 6)}` : precise(k.value, 6) + unit), el("td", { class: "lead", "data-label": "range" },
    svg("svg", { class: "range", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { x: 0, y: 3, width: 100, height: 2 }), share === null ? null : svg("rect", { class: "at", x: share * 97, y: 0, width: 3, height: 8 })),
    el("span", { class: "note" }, `${precise(k.low, 6)} to ${precise(k.high, 6)}`)), cell("step", precise(k.step, 6)), cell("may become", k.next.length ? k.next.map((v) => precise(v, 6)).join(" or ") : "–"));
}
