// The journal: its tail as it grows, a search through it, and one line with what led to it.

import { get, watch } from "../api.js";
import { button, card, choice, el, empty, field, fill, keyed, pairs, say } from "../dom.js";
import { clean, number, when, words } from "../format.js";
import { chainOf, KINDS, lineKey, lineRow } from "./shared.js";

const PAGE = 50, TAIL = 100;
const WHAT = [["", "what happened"], ["deeds", "orders, fills, exits"], ["trouble", "refusals and errors"], ["changes", "settings, proposals, trials"], ["all", "everything, scans and marks too"], ["one", "one type …"]];
const QUIET = new Set(["scan", "tick", "mark"]);

export const open = (root, bot, given) => (given.seq ? one(root, given) : search(root, bot, given));

function search(root, bot, given) {
  const list = el("ol", { class: "journal big", "aria-label": "Journal lines, newest first" }), note = el("p", { class: "note", role: "status" });
  let lines = [], next = null, found = null, asked = 0;
  const input = (name, attributes) => el("input", { type: "search", value: given[name], maxlength: 100, autocomplete: "off", ...attributes });
  const chains = el("select", {}, el("option", { value: given.chain ?? bot.laneName }, given.chain ?? bot.laneName));
  const what = choice(WHAT, given.what ?? "", () => show());
  const type = input("type", { placeholder: "fill, halt, leak …" }), market = input("market"), strategy = input("strategy"), text = input("text", { placeholder: "any words" });
  const since = el("input", { type: "datetime-local", value: given.since }), until = el("input", { type: "datetime-local", value: given.until });
  const oneType = field("Type", type), live = el("input", { type: "checkbox", checked: true });
  const more = button("Older lines", () => look(true), "quiet");
  const form = el("form", { class: "filters", role: "search", "aria-label": "Journal" }, field("Chain", chains), field("Show", what), oneType, field("Market", market), field("Strategy", strategy), field("Text", text),
    field("From (UTC)", since), field("To (UTC)", until), el("div", { class: "buttons" }, el("button", { type: "submit", class: "button primary" }, "Search"), button("Clear", () => {
      for (const box of [type, market, strategy, text, since, until]) box.value = "";
      what.value = "";
      show();
    }, "quiet")));
  const whole = card("Journal", { actions: [el("label", { class: "check" }, live, " live")] }, form, note, list, more);
  root.append(whole.root);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });
  const watched = watch("/api/chains", {}, 0, (data) => {
    const now = chains.value, names = data.chains.map((c) => c.name);
    chains.replaceChildren(...[...new Set([now, ...names])].map((name) => el("option", { value: name, selected: name === now }, name + (data.chains.find((c) => c.name === name)?.running ? "" : " (not running)"))));
  });
  chains.addEventListener("change", () => show());

  const types = () => (what.value === "one" ? type.value.trim() : what.value && what.value !== "all" ? KINDS[what.value].join(",") : "");
  const wanted = (line) => !QUIET.has(line.type) || what.value === "all" || what.value === "one";
  const plain = () => ![market, strategy, text, since, until].some((box) => box.value.trim()) && !types() && what.value !== "all";
  const iso = (box) => (box.value ? new Date(box.value + "Z").toISOString() : "");
  function show() {
    oneType.hidden = what.value !== "one";
    [lines, next, found] = [[], null, null];
    look(false);
  }
  async function look(older) {
    const mine = ++asked;
    say(note, "Looking …");
    try {
      const page = await get("/api/journal", { chain: chains.value, types: types(), market: market.value.trim(), strategy: strategy.value.trim(), text: text.value.trim(),
        since: iso(since), until: iso(until), before: older ? next : "", limit: plain() ? 200 : PAGE });
      if (mine !== asked) return;
      lines = [...(older ? lines : []), ...page.lines.filter(wanted)];
      next = page.next;
      found = page;
      draw();
      say(note, `${number(lines.length)} lines${page.complete ? "" : ", the search was cut short: “Older lines” goes on"}${page.scanned === undefined ? "" : ` · ${number(page.scanned)} read`}`);
    } catch (error) {
      if (mine === asked) say(note, error.message);
    }
  }
  function draw() {
    more.hidden = next === null;
    if (lines.length) keyed(list, lines, lineKey, (line) => lineRow(line)); else fill(list, "none", () => [el("li", { class: "empty" }, found ? "No such line." : "…")]);
  }
  function update() {
    if (!live.checked || !found || !plain()) return;
    const last = lines[0]?.seq ?? 0;
    const fresh = bot.state.journal.filter((line) => chainOf(line) === chains.value && line.seq > last && wanted(line)).reverse();
    if (!fresh.length) return;
    lines = [...fresh, ...lines].slice(0, Math.max(TAIL, lines.length));
    draw();
  }
  show();
  return { update, close: () => watched.close() };
}

function one(root, given) {
  const chain = given.chain ?? "", seq = given.seq, host = el("div");
  root.append(el("p", { class: "back" }, el("a", { href: "#/journal" }, "← journal")), host);
  const watched = watch("/api/journal/event", { chain, seq }, 0, (found) => fill(host, found, () => {
    const line = found.line, step = (text, by) => (Number(seq) + by > 0 ? el("a", { class: "button small quiet", href: `#/journal?${new URLSearchParams({ chain, seq: Number(seq) + by })}` }, text) : null);
    const list = (title, lines, none) => card(title, {}, lines.length ? el("ol", { class: "journal big" }, lines.map((each) => lineRow(each))) : empty(none)).root;
    const self = card(words(line.type), { note: when(line.ts), actions: [step("← earlier", -1), step("later →", 1)], level: "h1" },
      pairs(spread(line.data)), el("details", {}, el("summary", {}, "where it stands"), pairs([["chain", chain], ["line", number(line.seq)], ["configuration", line.cfg], ["hash", found.hash], ["hash before", found.prev]])));
    return [self.root, el("div", { class: "grid-even" }, list("What led to it", found.causes, "Nothing in this chain led to it."), list("What came of it", found.consequences, "Nothing came of it so far."))];
  }));
  root.append(watched.trouble);
  return { update() {}, close: () => watched.close() };
}
function spread(data, before = "") {
  return Object.entries(data ?? {}).flatMap(([name, value]) => {
    const label = before + words(name);
    if (Array.isArray(value)) return value.some((v) => v && typeof v === "object") ? value.slice(0, 40).flatMap((v, n) => spread(v, `${label} ${n + 1} · `)) : [[label, value.join(", ") || "none"]];
    if (value && typeof value === "object") return spread(value, `${label} · `);
    return [[label, value === null ? "not known" : clean(value, 2100)]];
  });
}
