// Where the money came from, and whether beliefs beat the market.

import { watch } from "../api.js";
import { card, cell, el, empty, figure, fill, keyed, say, table, tabs } from "../dom.js";
import { date, gain, known, money, number, percent, precise, sentence, span, tone, when, words } from "../format.js";
import { columns, inlineBar, rowsOfBars } from "../plots/bars.js";
import { calibrationPlot } from "../plots/calibration.js";
import { ticks } from "../plots/frame.js";
import { lineChart } from "../plots/line.js";

const DIMENSIONS = [["family", "Families"], ["strategy", "Strategies"], ["price_band", "Price paid"], ["hours_to_close", "Hours to close"], ["leg", "Leg"], ["how", "How left"], ["event", "Events"]];
const BINS = 12, ROWS = 40;
const perContract = (value) => (known(value) === null ? "–" : `${value > 0 ? "+" : ""}${precise(value * 100, 2)} ¢`);

export function open(root, bot) {
  let days = "28", by = "family", analytics = null;
  const period = tabs("Days", [["1", "day"], ["7", "week"], ["28", "4 weeks"], ["90", "90 days"]], days, (value) => {
    days = value;
    watched.again();
  });
  const state = el("p", { class: "note", role: "status" }, "Calculating …"), host = el("div", { class: "results" });
  const names = ["result", "trades", "won", "held to the end", "a trade", "profit factor", "Sharpe", "Sortino", "Calmar", "largest fall", "money at work"];
  const figures = Object.fromEntries(names.map((name) => [name, figure(name)]));
  const attribution = rowsOfBars({ label: "Where the result came from", text: gain }), daily = columns({ label: "Result by day", text: gain }), sum = lineChart({ label: "Result in sum", text: gain, height: 170, zero: true });
  const beliefs = calibrationPlot("Believed against happened"), scores = el("p", { class: "note" });
  const markouts = columns({ label: "Midpoint after purchases, cents a contract", text: perContract, height: 190 }), missing = el("p", { class: "note" });
  const hours = columns({ label: "Result by hour of opening", text: gain }), spreadOut = columns({ label: "Days by result", text: number, height: 160, whole: true });
  const groups = table("Groups", [["group", "lead"], ["trades", "n"], ["events", "n"], ["won", "n"], ["held to the end", "n"], ["", "picture"], ["result", "n"]]);
  const dimension = tabs("By", DIMENSIONS, by, (value) => {
    by = value;
    showGroups();
  });
  const refused = rowsOfBars({ label: "Refusals by gate", text: number });
  host.append(el("section", { class: "card figures", "aria-label": "Figures" }, names.map((name) => figures[name].root)),
    el("div", { class: "grid-even" }, card("Where it came from", {}, attribution.root, el("h3", {}, "Days by result"), spreadOut.root).root, card("Day by day", {}, daily.root, el("h3", {}, "In sum"), sum.root).root),
    el("div", { class: "grid-even" }, card("Beliefs", {}, beliefs.root, scores).root,
      card("After the purchase", { note: "how the midpoint moved" }, markouts.root, missing, el("h3", {}, "By hour of opening (UTC)"), hours.root).root),
    card("Groups", { actions: [dimension.root] }, groups.root).root,
    card("Refused, by gate", {}, refused.root).root);
  host.hidden = true;
  root.append(el("div", { class: "title" }, el("h1", {}, "Analytics"), period.root), state, host);

  const watched = watch("/api/analytics", () => ({ lane: bot.laneName, days }), 60000, (answer) => {
    if (answer.state === "ready") show(answer);
    else say(state, answer.state === "failed" ? `Not calculated: ${answer.detail}` : "Calculating …");
  });
  root.append(watched.trouble);

  function show(answer) {
    const a = analytics = answer.analytics, total = a.total, test = total.win_test;
    host.hidden = false;
    say(state, `${date(a.since)} to ${when(a.until)}, ${span(a.covered_s)} covered${a.cut ? "; the beginning is cut off" : ""}. Calculated ${when(answer.at)}.`);
    const put = (name, value, note = "", className = "") => {
      say(figures[name].value, value, `value ${className}`);
      say(figures[name].note, note);
    };
    const r = a.returns;
    put("result", gain(total.pnl), known(a.rewards) ? `${gain(a.rewards)} rewards beside` : "after fees", tone(total.pnl));
    put("trades", number(total.trades), `${number(total.events)} events, ${number(a.entries)} orders`);
    put("won", percent(total.win_rate), total.trades ? `${number(total.wins)} of ${number(total.trades)} trades, after fees` : "");
    put("held to the end", test ? `${number(test.wins)} of ${number(test.trials)}` : "–", test ? `paid out; prices ask for ${precise(test.expected, 1)}` : "no market held to its end");
    figures["held to the end"].root.setAttribute("title", "Only what was still held when its market ended, all trades in a leg of a market as one. Where losers are sold before, those that are left win more often than their prices ask for: that is no skill.");
    put("a trade", gain(r.expectancy), "expected");
    put("profit factor", precise(r.profit_factor, 2), "won over lost");
    put("Sharpe", precise(r.sharpe, 2), "a year");
    put("Sortino", precise(r.sortino, 2), "a year");
    put("Calmar", precise(r.calmar, 2));
    put("largest fall", money(r.max_drawdown), `${percent(r.max_drawdown_share, 1)}, from day to day`);
    put("money at work", percent(a.utilisation_mean, 1), "on average");
    attribution.draw(Object.entries(a.attribution).map(([name, value]) => ({ name: sentence(name), value: known(value) })));
    const results = Object.entries(r.days).map(([day, value]) => [day, known(value)]);
    daily.draw(results.map(([day, value]) => ({ name: day.slice(5), value })));
    let all = 0;
    sum.draw({ series: [{ name: "sum", tone: "accent", area: true, points: results.map(([day, value]) => [Date.parse(day + "T12:00:00Z"), all += value ?? 0]) }] });
    const bins = (list) => list.map((b) => ({ forecast: known(b.forecast), happened: known(b.happened), from: known(b.bounds?.low), to: known(b.bounds?.high), count: b.count }));
    beliefs.draw([{ name: "our beliefs", tone: "accent", bins: bins(a.beliefs.calibration) }, { name: "the market's prices", tone: "violet", bins: bins(a.beliefs.market_calibration) }]);
    const ours = known(a.beliefs.brier), theirs = known(a.beliefs.market_brier);
    say(scores, ours === null ? "No market that was believed in has ended yet." : `Brier score ${precise(ours)} of ${number(a.beliefs.forecasts)} beliefs, the market's ${precise(theirs)}: ${ours < theirs ? "ours were better" : "the market knew better"}.`);
    markouts.draw(a.markouts.map((m) => ({ name: `${words(m.liquidity)} ${m.seconds / 60}m`, value: known(m.per_contract), note: `${number(m.fills)} fills, ${number(m.size)} contracts` })));
    const unknown = a.markouts.reduce((most, m) => Math.max(most, known(m.missing) ?? 0), 0);
    say(missing, unknown ? `For up to ${number(unknown)} contracts no later midpoint is known.` : "");
    hours.draw(Array.from({ length: 24 }, (_, h) => String(h).padStart(2, "0")).map((h) => ({ name: h, value: known(a.by.hour?.[h]?.pnl), note: a.by.hour?.[h] ? `${a.by.hour[h].trades} trades` : "no trade" })));
    spreadOut.draw(histogram(results.map(([, value]) => value).filter((v) => v !== null)));
    refused.draw(Object.entries(a.denials).sort((x, y) => y[1] - x[1]).slice(0, 12).map(([name, value]) => ({ name: sentence(name), value, tone: "warn", plain: true })));
    showGroups();
  }
  function showGroups() {
    if (!analytics) return;
    const rows = Object.entries(analytics.by[by] ?? {}).map(([name, g]) => ({ name, ...g })).sort((x, y) => x.pnl - y.pnl).slice(0, ROWS);
    const results = rows.map((r) => known(r.pnl) ?? 0), low = Math.min(0, ...results), high = Math.max(0, ...results);
    keyed(groups.body, rows.map((r) => ({ ...r, low, high })), (r) => r.name, (r) => el("tr", {}, el("td", { class: "lead id" }, r.name), cell("trades", number(r.trades)), cell("events", number(r.events)), cell("won", percent(r.win_rate)),
      cell("held to the end", r.win_test ? `${r.win_test.wins} of ${r.win_test.trials} won, ${precise(r.win_test.expected, 1)} asked` : "–"), el("td", { class: "picture" }, inlineBar(known(r.pnl), r.low, r.high)), cell("result", gain(r.pnl), tone(r.pnl))));
    if (!rows.length) fill(groups.body, "none", () => [el("tr", {}, el("td", { class: "lead" }, empty("No trade was closed.")))]);
  }
  return { update() {}, close: () => watched.close() };
}

// How many days brought how much, in round steps.
function histogram(values) {
  if (!values.length) return [];
  const edges = ticks(Math.min(...values), Math.max(...values), BINS), step = edges.length > 1 ? edges[1] - edges[0] : 1;
  const slot = (value) => Math.floor(value / step + 1e-9), first = Math.min(...values.map(slot)), last = Math.max(...values.map(slot));
  const bins = Array.from({ length: last - first + 1 }, (_, n) => {
    const low = (first + n) * step;
    return { name: precise(low, 2), value: 0, tone: low < 0 ? "down" : "up", note: `from ${gain(low)} to ${gain(low + step)}` };
  });
  for (const value of values) bins[slot(value) - first].value++;
  return bins;
}
