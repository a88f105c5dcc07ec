// The advisor: what it may cost, what it was asked last and what it said.

import { command, watch } from "../api.js";
import { button, card, chip, el, empty, fill, pairs } from "../dom.js";
import { clean, known, money, number, percent, sentence, when, words } from "../format.js";
import { diff } from "./shared.js";
import { follow } from "./eval.js";

export function open(root, bot) {
  const who = el("div"), last = el("div"), spent = el("progress", { max: 1, "aria-label": "Share of the cost limit that is spent" });
  const again = bot.readOnly ? null : button("Ask now", async () => {
    again.disabled = true;
    const answer = await command("/api/advisor/ask", { lane: bot.laneName }, "The advisor was asked; it takes a while.");
    watched.again();
    if (answer?.job) await follow(answer.job, () => watched.again());
    again.disabled = false;
  }, "primary");
  const about = card("Advisor", { level: "h1" }, who, spent, el("p", { class: "note" }, "It gets numbers and names of settings, never a title or a secret. What it says is checked twice and replayed; nothing changes without your approval."), el("div", { class: "buttons" }, again, el("a", { class: "button quiet", href: "#/eval" }, "To the proposals")));
  const result = card("Asked last", {}, last);
  root.append(about.root, result.root);
  const watched = watch("/api/advisor", {}, 15000, (a) => {
    const share = known(a.spent_usd) === null || !known(a.max_cost_usd) ? null : a.spent_usd / a.max_cost_usd;
    spent.hidden = share === null;
    if (share !== null) spent.value = Math.min(1, share);
    fill(who, a, () => [pairs([["kind", a.kind === "rules" ? "rules, without a model" : clean(a.kind)], ["model", a.model || "none"], ["may cost", money(a.max_cost_usd)], ["spent", money(a.spent_usd), share >= .8 ? "warn" : ""], ["share", share === null ? "–" : percent(share)]])]);
    const job = a.last;
    fill(last, job, () => (job ? [el("p", {}, chip(job.state, job.state === "done" ? "good" : job.state === "failed" ? "bad" : "warn"), " ", clean(job.detail)), pairs([["asked", when(job.started_at)], ["answered", when(job.ended_at)]]), ...said(job.result)] : [empty("It was not asked since the start.")]));
  });
  about.add(watched.trouble);
  return { update() {}, close: () => watched.close() };
}

// What was found and what would be changed; nothing of it is queued.
const SEEN = new Set(["confirmed", "suspect"]);
function said(result) {
  if (!result) return [];
  const { advice = {}, findings = [], proposals = [], dropped = [] } = result, seen = findings.filter((f) => SEEN.has(f.status));
  const asked = advice.tokens_in ? ` It cost ${money(advice.cost)}, ${number(advice.tokens_in + advice.tokens_out)} tokens.` : "";
  const silent = advice.silence ? `It proposes nothing: ${words(advice.silence)}.` : `It would make ${number(proposals.length)} ${proposals.length === 1 ? "change" : "changes"}; none is queued.`;
  return [el("p", {}, silent, asked, advice.reason ? ` ${clean(advice.reason)}` : ""),
    ...proposals.map((p) => el("div", { class: "finding" }, diff(p.file, p.path, p.before, p.after), el("p", { class: "rationale" }, p.rationale))),
    ...dropped.map((d) => el("p", { class: "note" }, `Not proposed: ${clean(d.path)} to ${clean(d.after)} (${words(d.reason)})`)),
    el("h3", {}, seen.length ? "What it was told of" : "Nothing leaks that it could be told of."),
    ...seen.map((f) => el("p", {}, chip(f.status, f.status === "confirmed" ? "bad" : "warn"), " ", el("b", {}, sentence(f.rule) + (f.subject ? ` · ${clean(f.subject)}` : "")), ` ${clean(f.why)}`, known(f.cost_low) > 0 ? `; at least ${money(f.cost_low)} a day` : ""))];
}
