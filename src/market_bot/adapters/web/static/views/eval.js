// The night's findings, what is proposed because of them, and what became of earlier proposals.

import { command, post, watch } from "../api.js";
import { ask, button, card, chip, dotted, el, empty, fill, keyed, news, pairs, say, table } from "../dom.js";
import { clean, clock, date, gain, known, moment, money, number, percent, sentence, when, words } from "../format.js";
import { rowsOfBars } from "../plots/bars.js";
import { diff, eventLink, texts } from "./shared.js";

const EVERY = 8000, EVIDENCE = 12, CHECKS = [5, 15, 30, 60];
const GOOD = new Set(["keep", "approved", "applied", "continue", "improves"]);
const BAD = new Set(["revert", "rejected", "failed", "undone", "worse"]);
const KINDS = { tuning: "info", structural: "violet" };
const judged = (verdict) => (GOOD.has(verdict) ? "good" : BAD.has(verdict) ? "bad" : "warn");

export function open(root, bot) {
  const lane = bot.laneName;
  const waiting = el("div", { class: "proposals" }), running = el("div"), nights = el("div");
  const history = el("ol", { class: "history" }), score = el("div"), lessons = table("What was learned", [["setting", "lead"], ["way", "n"], ["because of", "n"], ["approved", "n"], ["rejected", "n"], ["brought", "n"], ["blocked until", "n"], ["", "act"]]);
  const none = empty("No proposal waits for you."), nothing = empty("Nothing was learned yet: it takes a decision of yours.");
  const run = bot.readOnly ? null : button("Evaluate now", async (event) => {
    event.target.disabled = true;
    const answer = await command("/api/evaluation", { lane }, "The evaluation runs; it takes a while.");
    if (answer?.job) await follow(answer.job, () => [leaks, proposals].forEach((each) => each.again()));
    run.disabled = false;
  }, "small");
  const trialCard = card("Running trial", {}, running), leakCard = card("Leaks of the night", { actions: [run] }, nights);
  const past = card("Decided", {}, history), marks = card("Scorecard", {}, score), learned = card("What was learned", { note: "from your decisions and from results" }, lessons.root, nothing);
  root.append(el("div", { class: "title" }, el("h1", {}, "Proposals")), waiting, none, trialCard.root, leakCard.root, el("div", { class: "grid-even" }, past.root, marks.root), learned.root);

  let decided = [], trials = { running: null, ended: [] };
  const leaks = watch("/api/leaks", { lane, nights: 14 }, 60000, ({ reviews }) => showLeaks(reviews));
  const proposals = watch("/api/proposals", { lane }, EVERY, (data) => {
    none.hidden = data.open.length > 0;
    keyed(waiting, data.open, (p) => p.id, (p) => proposalCard(p, data));
    decided = data.decided;
    showPast();
  });
  const trial = watch("/api/trials", { lane }, EVERY, (data) => {
    trials = data;
    trialCard.root.hidden = !data.running;
    fill(running, data.running, () => (data.running ? [trialView(data.running)] : []));
    showPast();
  });
  const memory = watch("/api/learned", { lane }, 30000, (data) => {
    nothing.hidden = data.lessons.length > 0;
    lessons.root.hidden = !data.lessons.length;
    keyed(lessons.body, data.lessons, (l) => JSON.stringify([l.path, l.direction, l.rule]), (l) => lessonRow(l));
  });
  none.after(proposals.trouble);
  leakCard.add(leaks.trouble);
  trialCard.root.before(trial.trouble);
  learned.add(memory.trouble);

  // ---- proposals ----------------------------------------------------------------------------

  function proposalCard(p, data) {
    const shown = { lane, file: p.file, path: p.path, before: p.before, after: p.after, config: p.config };
    const alone = p.stage === "queued" && !bot.readOnly, title = `${sentence(p.path.split(".").pop())}: ${clean(p.before)} → ${clean(p.after)}`;
    const decide = async (what, body) => {
      buttons.forEach((each) => { each.disabled = true; });
      try {
        const { token } = await post(`/api/proposals/${encodeURIComponent(p.id)}/token`, shown);
        await command(`/api/proposals/${encodeURIComponent(p.id)}/${what}`, { lane, token, ...body }, what === "approve" ? `Approved: ${clean(p.path)} becomes ${clean(p.after)}.` : "Rejected.");
      } catch (error) {
        news(error.status === 409 ? `Not done, it was decided or changed meanwhile: ${error.message}` : `Not done: ${error.message}`, true);
      }
      buttons.forEach((each) => { each.disabled = false; });
      proposals.again();
      trial.again();
      memory.again();
    };
    const approve = button("Approve", () => decide("approve"), "primary", { "data-key": `approve-${p.id}`, disabled: Boolean(data.trial), "aria-label": `Approve ${title}` });
    const reject = button("Reject …", async () => {
      const answer = await ask({ title: "Why not?", text: title, yes: "Reject", fields: [
        { name: "reason", label: "Reason", options: data.rejections.map((r) => [r, words(r)]), value: data.rejections[0] },
        { name: "note", label: "Note for people (may stay empty)", most: 200, long: true }] });
      if (answer) await decide("reject", { reason: answer.reason, note: answer.note.replace(/\s+/g, " ") });
    }, "", { "data-key": `reject-${p.id}`, "aria-label": `Reject ${title}` });
    const buttons = [approve, reject];
    const replay = replayOf(p.card);
    return card(title, { note: p.stage === "queued" ? "" : p.stage },
      el("div", { class: "proposal" }, el("div", {}, diff(p.file, p.path, p.before, p.after),
        el("p", { class: "rationale" }, p.rationale), p.card.rationale_code ? el("p", {}, chip(words(p.card.rationale_code)), " ", p.card.expected_effect ? chip(words(p.card.expected_effect)) : null) : null,
        el("p", { class: "note" }, "Because of ", el("b", {}, words(p.rule)), p.advisor ? ` · proposed by ${clean(p.advisor)}` : "", ` · since ${when(p.since)}`, p.expires_at ? ` · until ${when(p.expires_at)}` : "", p.raises_exposure ? [" · ", chip("more at stake: asks who you are", "warn")] : null),
      alone ? el("div", { class: "buttons" }, approve, reject, data.trial ? el("span", { class: "note" }, "A trial is under way: one change at a time.") : null) : null),
      el("div", {}, el("h3", {}, "Replayed over recorded days"), replay))).root;
  }

  // ---- leaks --------------------------------------------------------------------------------

  function showLeaks(reviews) {
    const [latest] = reviews;
    say(leakCard.head, latest ? `Leaks of the night of ${latest.night}` : "Leaks of the night");
    say(leakCard.remark, latest ? `${number(latest.findings)} findings, ${number(latest.confirmed)} confirmed` : "");
    const ranked = (latest?.leaks ?? []).filter((l) => l.status !== "ok").sort((a, b) => (known(b.cost_low) ?? 0) - (known(a.cost_low) ?? 0));
    const most = Math.max(1e-9, ...ranked.map((l) => known(l.cost_low) ?? 0));
    fill(nights, reviews, () => (reviews.length ? [ending(latest.ended), el("div", { class: "findings" }, ranked.map((l) => finding(l, most))), ...reviews.slice(1).map((r) => el("details", {}, el("summary", {}, `Night of ${clean(r.night)}: ${number(r.findings)} findings, ${number(r.confirmed)} confirmed`),
      el("div", { class: "findings" }, r.leaks.filter((l) => l.status !== "ok").map((l) => finding(l)))))] : [empty("No night was evaluated yet.")]));
  }
  const ending = (e) => (e ? el("p", { class: "note" }, [e.silence && clean(e.silence), `${number(e.queued)} proposed to you, ${number(e.dropped)} dropped`, e.tried?.length && `${number(e.tried.length)} variants replayed`, known(e.spent) ? `the advisor cost ${money(e.spent)}` : ""].filter(Boolean).join(" · ")) : null);
  const subject = (l) => {
    const name = clean(l.finding).split(":").slice(2).join(":");
    return name ? ` · ${name}` : "";
  };
  const finding = (l, most) => el("article", { class: "finding" }, el("div", { class: "finding-head" }, el("b", {}, sentence(l.rule) + subject(l)), chip(l.status, l.status === "confirmed" ? "bad" : l.status === "suspect" ? "warn" : ""),
    chip(l.diagnosis?.kind ?? l.kind, KINDS[l.diagnosis?.kind ?? l.kind] ?? ""), el("span", { class: "cost" }, known(l.cost_low) > 0 ? `${money(l.cost_low)} a day, at least` : "no cost shown")),
  most && known(l.cost_low) > 0 ? costBar(l.cost_low / most) : null,
  el("p", { class: "note" }, `${number(l.n)} observations in ${number(l.events)} events`, known(l.cost_point) ? ` · at best guess ${money(l.cost_point)} a day` : "", l.knobs.length ? ` · ${l.knobs.map((k) => clean(k)).join(", ")}` : ""),
  l.diagnosis ? el("p", {}, l.diagnosis.why) : null,
  l.evidence.length || Object.keys(l.detail).length ? el("details", {}, el("summary", {}, "Evidence"), pairs(texts(l.detail)), Object.keys(l.diagnosis?.numbers ?? {}).length ? [el("h3", {}, "Replayed: dollars a day it would have saved"), pairs(Object.entries(l.diagnosis.numbers).map(([name, value]) => [dotted(name), gain(value)]))] : null,
    el("p", { class: "evidence" }, l.evidence.slice(0, EVIDENCE).flatMap((seq) => [eventLink(lane, seq), " "]), l.evidence.length > EVIDENCE ? `and ${l.evidence.length - EVIDENCE} more` : "")) : null);

  // ---- trials, history, scores --------------------------------------------------------------

  function trialView(t) {
    // By the lane's own time, which need not be the wall's.
    const age = (moment(bot.lane?.at ?? bot.state.at) - moment(t.started_at)) / 60000, done = new Map(t.checks.map((c) => [c.minute, c]));
    const extra = t.checks.filter((c) => !CHECKS.includes(c.minute));
    return el("div", {}, el("p", {}, el("b", {}, dotted(t.path)), ` ${clean(t.before)} → ${clean(t.after)}, since ${when(t.started_at)}`),
      el("ol", { class: "checks" }, CHECKS.map((minute) => {
        const check = done.get(minute);
        return el("li", { class: check ? judged(check.verdict) : "wait" }, el("b", {}, `${minute} min`), el("span", {}, check ? words(check.verdict) : age < minute ? "to come" : "waits until enough is seen"),
          check?.numbers.words ? el("p", { class: "note" }, check.numbers.words) : null,
          check ? el("details", {}, el("summary", {}, clock(check.at)), pairs(texts(check.numbers).filter(([name]) => name !== "Words"))) : null);
      })), extra.length ? el("p", { class: "note" }, extra.map((c) => `${c.minute} min: ${words(c.verdict)}`).join(" · ")) : null,
      el("details", {}, el("summary", {}, "What it is measured against"), pairs(texts(t.baseline))));
  }
  function showPast() {
    const of = new Map([...trials.ended, ...(trials.running ? [trials.running] : [])].map((t) => [t.proposal, t]));
    fill(history, [decided, [...of.keys()]], () => (decided.length ? decided.slice(0, 30).map((p) => {
      const t = of.get(p.id);
      return el("li", {}, el("time", {}, date(p.decided_at ?? p.since)), el("div", {}, el("b", {}, dotted(p.path)), ` ${clean(p.before)} → ${clean(p.after)} `, chip(p.stage, judged(p.stage)), t?.verdict ? [" ", chip(t.verdict, judged(t.verdict))] : null,
        el("p", { class: "note" }, [p.by && `by ${clean(p.by)}`, p.reason && words(p.reason), p.note && `“${clean(p.note)}”`, t?.reason && words(t.reason), t?.blocked_until && `blocked until ${when(t.blocked_until)}`].filter(Boolean).join(" · "))));
    }) : [el("li", { class: "empty" }, "Nothing was decided yet.")]));
    const approved = decided.filter((p) => p.stage === "approved"), kept = trials.ended.filter((t) => t.verdict === "keep"), undone = trials.ended.filter((t) => t.verdict === "revert");
    const worth = trials.ended.flatMap((t) => t.outcomes.slice(-1)).map((o) => known(o.gain)).filter((g) => g !== null);
    fill(score, [approved.length, decided.length, kept.length, undone.length, worth], () => [pairs([["decided", number(decided.length)], ["approved", `${approved.length} (${decided.length ? percent(approved.length / decided.length) : "–"})`],
      ["rejected", number(decided.filter((p) => p.stage === "rejected").length)], ["expired or stale", number(decided.filter((p) => p.stage === "expired" || p.stage === "stale").length)],
      ["trials kept", number(kept.length)], ["trials taken back", number(undone.length)], ["brought, dollars a day", worth.length ? gain(worth.reduce((a, b) => a + b, 0)) : "not known yet"]])]);
  }
  function lessonRow(l) {
    const way = l.direction > 0 ? "up" : "down", last = l.outcomes.at(-1), block = l.blocks.at(-1);
    return el("tr", {}, el("td", { class: "lead" }, dotted(l.path), el("span", { class: "note" }, `approval ${percent(l.approval)}`)), el("td", { class: "n", "data-label": "way" }, way), el("td", { class: "n", "data-label": "because of" }, words(l.rule)),
      el("td", { class: "n", "data-label": "approved" }, number(l.approvals)), el("td", { class: "n", "data-label": "rejected", title: l.rejections.map((r) => words(r.reason)).join(", ") }, number(l.rejections.length)),
      el("td", { class: "n", "data-label": "brought" }, last ? `${gain(last.gain)} a day` : "–"), el("td", { class: "n", "data-label": "blocked until" }, block ? when(block.until) : "–"),
      el("td", { class: "act" }, bot.readOnly ? null : button("Forget", async () => {
        const answer = await ask({ title: "Forget this?", text: `What decisions and results taught about turning ${clean(l.path)} ${way}. A change that was taken back stays blocked.`, yes: "Forget it", fields: [{ name: "note", label: "Note (may stay empty)", most: 200 }] });
        if (answer && await command("/api/learned/undo", { lane, path: l.path, direction: l.direction, rule: l.rule, note: answer.note }, "Forgotten.")) memory.again();
      }, "small", { "data-key": `forget-${l.path}-${l.direction}-${l.rule}`, "aria-label": `Forget ${clean(l.path)} ${way}` })));
  }
  let waitingCount = bot.state.proposals_waiting, trialName = bot.state.trial;
  return { update() {
    // What changed elsewhere, in another tab or at the terminal, shows at once.
    if (bot.state.proposals_waiting === waitingCount && bot.state.trial === trialName) return;
    [waitingCount, trialName] = [bot.state.proposals_waiting, bot.state.trial];
    proposals.again();
    trial.again();
  }, close() {
    for (const each of [leaks, proposals, trial, memory]) each.close();
  } };
}

function costBar(share) {
  const inner = el("i");
  inner.style.width = share * 100 + "%";
  return el("div", { class: "meter cost-bar", "aria-hidden": "true" }, inner);
}

// The verdict and the interval first; then everything else that the replay says, in its own words.
const FIRST = new Set(["verdict", "why", "per_day", "per_day_low", "per_day_high", "revert_when", "rationale_code", "expected_effect"]);
const NEXT = new Set(["class", "days", "days_better", "days_worse", "worst_day", "trades", "max_exposure", "coverage", "fidelity"]);
const LABELS = { class: "how much was recorded", days: "days replayed", worst_day: "worst day", trades: "trades more or fewer", trades_ratio: "trades, as a multiple of now", max_exposure: "most that could be lost at once, change",
  coverage: "recordings", fidelity: "decisions decided again alike", variants_tried: "variants tried within a month", neighbours: "a step further", left_out: "days left out, since the finding comes from them", days_needed: "days that a proof would take" };
const signed = (value) => clean(value).replace(/-(?=\$)/g, "−").replace(/^-(?=\d)/, "−");
function replayOf(record) {
  if (!Object.keys(record ?? {}).length) return empty("It was not replayed.");
  const rest = Object.entries(record).filter(([name, value]) => !FIRST.has(name) && value !== ""), shown = ([name, value]) => [LABELS[name] ?? sentence(name), signed(value)];
  const more = rest.filter(([name]) => !NEXT.has(name));
  return el("div", {}, record.verdict ? el("p", {}, chip(record.verdict, judged(record.verdict)), " ", record.why) : null, interval(known(record.per_day), known(record.per_day_low), known(record.per_day_high)),
    pairs(rest.filter(([name]) => NEXT.has(name)).map(shown)), more.length ? el("details", {}, el("summary", {}, "All its numbers"), pairs(more.map(shown))) : null, record.revert_when ? el("p", { class: "note" }, sentence(record.revert_when) + ".") : null);
}
function interval(middle, low, high) {
  if (middle === null) return null;
  const bars = rowsOfBars({ label: "Difference in dollars a day", text: gain });
  bars.draw([{ name: "dollars a day", value: middle, low, high, note: low === null ? "too few days for an interval" : `between ${gain(low)} and ${gain(high)}` }]);
  return bars.root;
}

export async function follow(job, done) {
  for (let turn = 0; turn < 600; turn++) {
    await new Promise((resolve) => { setTimeout(resolve, 2000); });
    try {
      const { get } = await import("../api.js");
      const now = await get(`/api/jobs/${encodeURIComponent(job)}`);
      if (now.state === "running") continue;
      news(now.detail || (now.state === "done" ? "Done." : "It failed."), now.state !== "done");
      return done(now);
    } catch (error) {
      if (error.status !== 0) return news(error.message, true);
    }
  }
  return undefined;
}
