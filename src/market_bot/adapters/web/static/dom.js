// Building blocks of the page. Texts from venues are hostile: whatever is shown passes through
// `clean` and becomes a text node; nothing here ever parses a string as HTML.

import { clean } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

export function el(tag, attributes, ...children) {
  return grow(document.createElement(tag), attributes, children);
}
export function svg(tag, attributes, ...children) {
  return grow(document.createElementNS(SVG, tag), attributes, children);
}
function grow(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : clean(child));
  }
  return node;
}

// Changing only what differs leaves selections, focus and screen readers in peace.
export function say(node, text, className) {
  const wanted = clean(text);
  if (node.textContent !== wanted) node.textContent = wanted;
  if (className !== undefined && node.getAttribute("class") !== className) node.setAttribute("class", className);
  return node;
}
const shown = new WeakMap();
export function fill(node, data, make) {
  const key = JSON.stringify(data) ?? "";
  if (shown.get(node) === key) return;
  shown.set(node, key);
  keepingFocus(node, () => node.replaceChildren(...make().flat().filter((child) => child || child === 0)));
}

// Rows that keep their identity: made again only when what they show has changed.
export function keyed(parent, items, keyOf, make) {
  const had = parent.keyedRows ?? new Map(), now = new Map();
  shown.delete(parent);
  keepingFocus(parent, () => {
    let place = null;
    for (const item of items) {
      const key = String(keyOf(item)), print = JSON.stringify(item);
      let row = had.get(key);
      if (!row || row.print !== print) {
        const node = make(item);
        if (row) row.node.replaceWith(node);
        row = { node, print };
      }
      now.set(key, row);
      const next = place ? place.nextSibling : parent.firstChild;
      if (next !== row.node) parent.insertBefore(row.node, next);
      place = row.node;
    }
    const kept = new Set([...now.values()].map((row) => row.node));
    for (const child of [...parent.childNodes]) if (!kept.has(child)) child.remove();
  });
  parent.keyedRows = now;
}
function keepingFocus(node, change) {
  const active = document.activeElement, key = node.contains(active) ? active.dataset?.key : undefined;
  change();
  if (key !== undefined && document.activeElement !== active) {
    [...node.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key)?.focus({ preventScroll: true });
  }
}

// ---- parts of every view --------------------------------------------------------------------

let names = 0;
export function card(title, { note, actions = [], wide = false, level = "h2" } = {}, ...children) {
  const id = `card-${++names}`, head = el(level, { id }, title);
  const remark = el("span", { class: "remark" }, note ?? "");
  const root = el("section", { class: wide ? "card wide" : "card", "aria-labelledby": id },
    el("div", { class: "card-head" }, head, remark, el("div", { class: "actions" }, ...actions)), ...children);
  return { root, head, remark, add: (...more) => root.append(...more.flat()) };
}
export function figure(label) {
  const value = el("div", { class: "value" }, "–"), note = el("div", { class: "note" });
  return { root: el("div", { class: "figure" }, el("div", { class: "label" }, label), value, note), value, note };
}
export function table(caption, columns, { stacked = true } = {}) {
  const body = el("tbody");
  const head = columns.map(([name, kind = ""]) => el("th", { scope: "col", class: kind }, name));
  const grid = el("table", { "aria-label": caption, class: stacked ? "stacked" : "" }, el("thead", {}, el("tr", {}, head)), body);
  return { root: el("div", { class: "scroller" }, grid), body };
}
export const cell = (label, text, className = "") => el("td", { class: `n ${className}`, "data-label": label }, text);
export const leg = (name) => el("span", { class: name === "yes" ? "leg yes" : "leg no" }, name);
// A path of settings breaks at its dots, not in the middle of a word.
export const dotted = (path) => el("span", { class: "path" }, clean(path).split(".").flatMap((step, n) => (n ? [".", el("wbr"), step] : [step])));
export const chip = (text, kind = "") => el("span", { class: `chip ${kind}` }, text);
export const empty = (text) => el("p", { class: "empty" }, text);
export const pairs = (entries) => el("dl", { class: "pairs" },
  entries.map(([name, value, className]) => el("div", {}, el("dt", {}, name), el("dd", { class: className }, value))));
export function button(text, onclick, kind = "", attributes = {}) {
  return el("button", { type: "button", class: `button ${kind}`, onclick, ...attributes }, text);
}
export function field(label, control) {
  const id = control.id || `field-${++names}`;
  control.id = id;
  return el("div", { class: "field" }, el("label", { for: id }, label), control);
}
export function choice(options, value, onchange) {
  const node = el("select", { onchange: () => onchange(node.value) },
    options.map(([key, text]) => el("option", { value: key, selected: key === value }, text)));
  return node;
}
export function tabs(label, options, value, onchange) {
  const root = el("div", { class: "tabs", role: "group", "aria-label": label });
  const set = (now) => root.replaceChildren(...options.map(([key, text]) =>
    el("button", { type: "button", "aria-pressed": String(key === now), "data-key": `tab-${key}`, onclick: () => {
      set(key);
      onchange(key);
      root.querySelector("[aria-pressed=true]")?.focus();
    } }, text)));
  set(value);
  return { root, set };
}

const PATHS = {
  overview: "M3 13h4l3-8 4 14 3-6h4", markets: "M4 20V10m5 10V4m6 16v-8m5 8V7",
  positions: "M4 7h16v12H4zM9 7V5h6v2M4 12h16", journal: "M6 3h12v18H6zM9 8h6M9 12h6M9 16h4",
  analytics: "M4 4v16h16M8 15l3-4 3 2 5-6", eval: "M9 3h6M10 3v6l-5 9a2 2 0 002 3h10a2 2 0 002-3l-5-9V3M8 15h8",
  advisor: "M4 5h16v11H9l-5 4zM9 10h6", config: "M4 7h9m4 0h3M4 12h3m4 0h9M4 17h11m4 0h1M15 5v4M9 10v4M17 15v4",
  system: "M5 5h14v9H5zM9 19h6M12 14v5", more: "M5 12h.01M12 12h.01M19 12h.01", stop: "M8 3h8l5 5v8l-5 5H8l-5-5V8z",
};
export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" }, svg("path", { d: PATHS[name] ?? "" }));
}

// ---- numbers that grow old ------------------------------------------------------------------

// A number older than its limit says so. `at` is what `performance.now()` said when it was fresh.
const ageing = new Set();
export function staleBadge(what = "data") {
  const node = el("span", { class: "stale", hidden: true });
  const badge = { node, at: null, limit: 5, what, fresh(at, limit = badge.limit) {
    badge.at = at;
    badge.limit = limit;
    ageing.add(badge);
    tell(badge);
  } };
  return badge;
}
function tell(badge) {
  const age = badge.at === null ? 0 : (performance.now() - badge.at) / 1000;
  badge.node.hidden = age < badge.limit;
  if (!badge.node.hidden) say(badge.node, `${badge.what} is ${Math.floor(age)} s old`);
}
export function growOld() {
  for (const badge of ageing) badge.node.isConnected || badge.at === null ? tell(badge) : ageing.delete(badge);
}

// ---- questions and news ---------------------------------------------------------------------

// Resolves to what was entered ({} if nothing was asked for), or null if the person thought better.
export function ask({ title, text, facts = [], fields = [], yes = "Do it", danger = false }) {
  return new Promise((resolve) => {
    const id = `ask-${++names}`;
    const controls = fields.map(({ name, label, options, ...rest }) => {
      const control = options ? choice(options, rest.value, () => {})
        : el(rest.long ? "textarea" : "input", { type: rest.long ? undefined : rest.type ?? "text", rows: rest.long ? 3 : undefined,
          autocomplete: rest.autocomplete ?? "off", maxlength: rest.most ?? 200, required: rest.required, placeholder: rest.placeholder });
      return [name, control, field(label, control)];
    });
    const form = el("form", { method: "dialog" },
      el("h2", { id }, title), text && el("p", {}, text), facts.length ? pairs(facts) : null,
      controls.map(([, , row]) => row),
      el("div", { class: "buttons" }, button("Cancel", () => box.close(), "quiet"),
        el("button", { type: "submit", class: `button ${danger ? "danger" : "primary"}` }, yes)));
    const box = el("dialog", { class: "question", "aria-labelledby": id }, form);
    let answer = null;
    form.addEventListener("submit", () => {
      answer = Object.fromEntries(controls.map(([name, control]) => [name, control.value.trim()]));
    });
    box.addEventListener("close", () => {
      box.remove();
      resolve(answer);
    });
    document.body.append(box);
    box.showModal();
  });
}

const NEWS_MS = 9000;
export function news(text, bad = false) {
  const host = byId(bad ? "alarms" : "news");
  const note = el("p", { class: bad ? "toast bad" : "toast" }, el("span", {}, text),
    el("button", { type: "button", "aria-label": "Dismiss", onclick: () => note.remove() }, "×"));
  host.append(note);
  while (host.children.length > 4) host.firstChild.remove();
  setTimeout(() => note.remove(), bad ? NEWS_MS * 2 : NEWS_MS);
}
