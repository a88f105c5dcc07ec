// Numbers and times for people. Amounts arrive as exact decimal strings; floats serve only to
// write them shorter, never to calculate what the bot should know.

export const MISSING = "–";
const TEXT_MAX = 600;

// Invisible and direction-changing characters could make one market look like another.
const UNSEEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
export function clean(value, most = TEXT_MAX) {
  const text = String(value ?? "").replace(UNSEEN, "\ufffd");
  return text.length > most ? text.slice(0, most) + "…" : text;
}

const digits = (least, most) => new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most });
const cents = digits(2, 2), fine = digits(2, 4), plain = digits(0, 2);
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

export function known(value) {
  if (value === null || value === undefined || value === "" || typeof value === "boolean") return null;
  const n = Number(value);
  return Number.isFinite(n) ? n : null;
}
export function money(value) {
  const n = known(value);
  return n === null ? MISSING : (n < 0 && cents.format(-n) !== "0.00" ? "−$" : "$") + cents.format(Math.abs(n));
}
export function gain(value) {
  const n = known(value);
  if (n === null) return MISSING;
  const size = cents.format(Math.abs(n));
  return size === "0.00" ? "$0.00" : (n > 0 ? "+$" : "−$") + size;
}
export function tone(value) {
  const n = known(value);
  return n === null ? "none" : Math.abs(n) < 0.005 ? "" : n > 0 ? "up" : "down";
}
export function price(value) {
  const n = known(value);
  return n === null ? MISSING : "$" + fine.format(n);
}
export function number(value) {
  const n = known(value);
  return n === null ? MISSING : plain.format(n).replace("-", "−");
}
export function precise(value, most = 4) {
  const n = known(value);
  return n === null ? MISSING : digits(0, most).format(n).replace("-", "−");
}
export function compact(value) {
  const n = known(value);
  return n === null ? MISSING : short.format(n).replace("-", "−");
}
export function percent(share, most = 0) {
  const n = known(share);
  return n === null ? MISSING : digits(0, most).format(n * 100).replace("-", "−") + " %";
}
export const words = (name) => clean(name).replace(/_usd$/, "").replaceAll("_", " ");
export const sentence = (name) => words(name).replace(/^./, (c) => c.toUpperCase());

// ---- times: always UTC, as in the journal ---------------------------------------------------

export function moment(value) {
  if (value === null || value === undefined || value === "") return null;
  const ms = typeof value === "number" ? value : Date.parse(value);
  return Number.isFinite(ms) ? ms : null;
}
const iso = (ms) => new Date(ms).toISOString();
export function clock(value) {
  const ms = moment(value);
  return ms === null ? MISSING : iso(ms).slice(11, 19);
}
export function date(value) {
  const ms = moment(value);
  return ms === null ? MISSING : iso(ms).slice(0, 10);
}
export function when(value) {
  const ms = moment(value);
  return ms === null ? MISSING : `${iso(ms).slice(0, 10)} ${iso(ms).slice(11, 19)} UTC`;
}
export function span(seconds) {
  const s = known(seconds);
  if (s === null) return MISSING;
  if (Math.abs(s) < 1) return Math.round(s * 1000) + " ms";
  if (s < 60) return precise(s, s < 10 ? 1 : 0) + " s";
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return Math.floor(s / 86400) + " days";
}
