// The machine behind it: threads, feeds, limits of the venues, the account, and what the log says.

import { watch } from "../api.js";
import { card, cell, chip, el, empty, fill, keyed, pairs, say, staleBadge, table } from "../dom.js";
import { clean, clock, known, number, span, when } from "../format.js";
import { lineKey, lineRow } from "./shared.js";

const BUSY_S = 5, FEED_LATE_S = 10, SLOW_MS = 1000, DISK_MB = 500;

export function open(root, bot) {
  const stale = staleBadge("this page");
  const about = el("div"), threads = table("Threads", [["name", "lead"], ["state", "n"], ["steps", "n"], ["last step", "n"], ["longest", "n"], ["busy for", "n"]]);
  const feeds = table("Feeds", [["lane", "lead"], ["age", "n"], ["ticks", "n"], ["gaps", "n"], ["ignored", "n"]]), limits = el("ul", { class: "gates" }), account = el("div");
  const log = el("ol", { class: "journal big", tabindex: "0", "aria-label": "System journal, newest first" }), messages = el("ol", { class: "journal big", "aria-label": "Messages of the program, newest first" });
  const bot1 = card("This bot", { actions: [stale.node], level: "h1" }, about), run = card("Threads", {}, threads.root), feed = card("Feeds", {}, feeds.root), rate = card("Rate limits", { note: "what may be asked of venues now" }, limits), agree = card("Journal against account", {}, account);
  const lines = card("System journal", {}, log), told = card("Messages", {}, messages);
  root.append(bot1.root, el("div", { class: "grid-two" }, el("div", {}, run.root, feed.root), el("div", {}, rate.root, agree.root)), el("div", { class: "grid-even" }, told.root, lines.root));
  const watched = watch("/api/system", {}, 3000, (s) => {
    const a = bot.state.about;
    fill(about, [s.version, s.python, s.started, s.clients, s.dropped, s.disk_free_mb, a], () => [pairs([["version", s.version], ["Python", s.python], ["started", when(s.started)], ["home", a.home], ["mode", a.mode],
      ["pages open", number(s.clients)], ["pages dropped for being slow", number(s.dropped)], ["disk free", s.disk_free_mb === null ? "–" : `${number(s.disk_free_mb)} MB`, known(s.disk_free_mb) !== null && s.disk_free_mb < DISK_MB ? "down" : ""]])]);
    keyed(threads.body, s.threads, (t) => t.name, (t) => el("tr", {}, el("td", { class: "lead id" }, t.name, t.failure ? el("span", { class: "note down" }, t.failure) : null),
      el("td", { class: "n", "data-label": "state" }, chip(t.failure ? "failed" : t.alive ? "runs" : "ended", t.failure ? "bad" : t.alive ? "good" : "")), cell("steps", number(t.steps)), cell("last step", ms(t.last_ms), slow(t.last_ms)), cell("longest", ms(t.longest_ms), slow(t.longest_ms)),
      cell("busy for", t.busy_s ? span(t.busy_s) : "–", t.busy_s > BUSY_S ? "down" : "")));
    keyed(feeds.body, s.feeds, (f) => f.lane, (f) => el("tr", {}, el("td", { class: "lead id" }, f.lane), cell("age", f.age_s === null ? "–" : span(f.age_s), known(f.age_s) > FEED_LATE_S ? "late" : ""), cell("ticks", number(f.ticks)), cell("gaps", number(f.gaps), f.gaps ? "late" : ""), cell("ignored", number(f.ignored))));
    fill(limits, s.rate_limits, () => (s.rate_limits.length ? s.rate_limits.map((r) => {
      const inner = el("i"), share = known(r.limit) ? Math.max(0, Math.min(1, r.left / r.limit)) : 0;
      inner.style.width = share * 100 + "%";
      return el("li", {}, el("div", { class: "row" }, el("span", {}, r.name), el("span", {}, `${number(r.left)} of ${number(r.limit)}${r.per_second ? `, ${number(r.per_second)} a second` : ""}`)), el("div", { class: share < .2 ? "meter low" : "meter", "aria-hidden": "true" }, inner));
    }) : [el("li", { class: "empty" }, "No lane asks a venue for anything.")]));
    fill(account, s.reconciliation, () => (s.reconciliation.length ? s.reconciliation.map((r) => el("div", { class: "account" }, el("b", { class: "id" }, r.lane), " ", chip(r.unreconciled ? "stands against entries" : r.agreed_at ? "agree" : "not compared", r.unreconciled ? "bad" : r.agreed_at ? "good" : ""),
      el("p", { class: "note" }, r.unreconciled ? clean(r.unreconciled) : r.agreed_at ? `agreed ${when(r.agreed_at)}` : "only a lane with real money has an account"), r.differences.length ? el("ul", {}, r.differences.map((d) => el("li", {}, d))) : null)) : [empty("Nothing to compare.")]));
    if (s.log.length) keyed(log, [...s.log].reverse(), lineKey, (line) => lineRow(line)); else fill(log, 0, () => [el("li", { class: "empty" }, "Nothing yet.")]);
    fill(messages, s.messages, () => (s.messages.length ? [...s.messages].reverse().map((m) => el("li", { "data-tone": /err|crit/i.test(m.level) ? "bad" : /warn/i.test(m.level) ? "warn" : undefined },
      el("time", { title: when(m.at) }, clock(m.at)), el("span", { class: "kind" }, clean(m.level).toLowerCase()), el("span", { class: "facts" }, m.text))) : [el("li", { class: "empty" }, "Nothing was worth a message.")]));
    say(lines.remark, `${s.log.length}`);
  }, stale);
  bot1.add(watched.trouble);
  return { update() {}, close: () => watched.close() };
}
const ms = (value) => (known(value) === null ? "–" : value >= 1000 ? span(value / 1000) : `${known(value).toFixed(1)} ms`);
const slow = (value) => (known(value) > SLOW_MS ? "late" : "");
