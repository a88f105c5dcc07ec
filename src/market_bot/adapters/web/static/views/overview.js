// How it stands: money, limits, venues, what is held and what happened last.

import { watch } from "../api.js";
import { card, chip, el, empty, figure, fill, keyed, say, staleBadge, table, tabs } from "../dom.js";
import { clock, gain, known, MISSING, moment, money, number, percent, span, tone, when, words } from "../format.js";
import { gauge } from "../plots/gauge.js";
import { lineChart, sharedAxis } from "../plots/line.js";
import { denials, lineKey, lineRow, POSITION_COLUMNS, positionKey, positionRow } from "./shared.js";

const ROWS = 8, LINES = 14, POINTS = 4000, LANE_LATE_S = 6;
const FEED_LATE_S = 10, REDRAW_MS = 1000;
// What is drawn first has to arrive quickly; what is drawn later may be finer.
const COARSE = 160, FINE = 500;
// Each hard limit, and which of the lane's numbers uses it up.
const USES = [
  ["max_total_exposure_usd", "Exposure", (lane) => known(lane.exposure), money],
  ["max_daily_loss_usd", "Day's loss", (lane) => (known(lane.day_pnl) === null ? null : Math.max(0, -lane.day_pnl)), money],
  ["max_drawdown_usd", "Drawdown", (lane) => known(lane.drawdown), money],
  ["max_order_usd", "Largest order", (lane) => Math.max(0, ...lane.orders.filter((o) => o.purpose === "entry").map((o) => known(o.price) * known(o.size))), money],
  ["max_position_usd", "Largest position", (lane) => Math.max(0, ...lane.positions.map((p) => known(p.cost))), money],
  ["max_event_loss_usd", "Costliest event", (lane) => costliest(lane), money, true],
  ["max_consecutive_losses", "Losses in a row", (lane) => lane.loss_streak, number],
  ["max_open_orders", "Open orders", (lane) => lane.orders.length, number],
  ["max_open_positions", "Open positions", (lane) => lane.positions.length, number],
];
// What an event has cost: what it can lose may be less, where its markets exclude each other.
function costliest(lane) {
  const events = new Map();
  const add = (event, amount) => events.set(event, (events.get(event) ?? 0) + (known(amount) ?? 0));
  lane.positions.forEach((p) => add(p.event, p.cost));
  lane.orders.forEach((o) => add(o.event, o.reserved));
  return Math.max(0, ...events.values());
}

export function open(root, bot) {
  const names = ["equity", "today", "since start", "realised", "fees", "cash", "drawdown", "closed"];
  const figures = Object.fromEntries(names.map((name) => [name, figure(name)]));
  const stale = staleBadge("the lane");
  const axis = sharedAxis();
  const chart = lineChart({ label: "Equity", text: money, height: 290, axis });
  const falls = lineChart({ label: "Drawdown", text: money, height: 92, zero: true, axis });
  const gauges = new Map(), gaugeHost = el("div", { class: "gauges" });
  const held = table("Positions", POSITION_COLUMNS), noneHeld = empty("Nothing is held.");
  const venues = el("ul", { class: "venues" }), tail = el("ol", { class: "journal", "aria-label": "Last journal lines, newest first" });
  const reasons = el("ol", { class: "gates" });
  let hours = "24", history = { points: [], changes: [] }, print = "", drawn = 0, later = 0, asked = false, rows = [], told = 0, catching = false;

  const period = tabs("Period", [["24", "day"], ["168", "week"], ["672", "4 weeks"]], hours, (value) => {
    hours = value;
    equity.again();
  });
  const money1 = card("Equity", { actions: [period.root] }, chart.root, el("h3", {}, "Below the highest"), falls.root);
  const limits = card("Hard limits", {}, gaugeHost);
  const positions = card("Positions", { actions: [el("a", { href: "#/positions" }, "all, and orders")] }, held.root, noneHeld);
  const health = card("Venues", {}, venues);
  const happened = card("What happened", { actions: [el("a", { href: "#/journal" }, "journal")] }, tail);
  const refused = card("Refused, by reason", {}, reasons);
  const lane = el("h1", {}), phase = el("span", { class: "chip" }), at = el("span", { class: "soft" });
  const progress = el("progress", { max: 1, "aria-label": "Share of the run that is done" });
  const counts = el("p", { class: "soft counts" }), again = el("p", { class: "alert", role: "status", hidden: true });
  root.append(el("div", { class: "title" }, lane, phase, at, stale.node), again, progress,
    el("section", { class: "card figures", "aria-label": "Figures" }, names.map((name) => figures[name].root)),
    el("div", { class: "grid-two" }, money1.root, limits.root),
    el("div", { class: "grid-two" }, el("div", {}, positions.root, happened.root), el("div", {}, health.root, refused.root)), counts);

  const equity = watch("/api/equity", () => ({ lane: bot.laneName, hours, points: asked ? FINE : COARSE }), 60000, (data) => {
    asked = true;
    history = { points: data.points.map(([t, v]) => [moment(t), known(v)]), changes: data.changes };
    print = "";
    drawEquity();
  });
  const venueWatch = watch("/api/venues", {}, 5000, (data) => {
    [rows, told] = [data.venues, performance.now()];
    showVenues();
  });
  money1.add(equity.trouble);
  health.add(venueWatch.trouble);

  function drawEquity() {
    const now = bot.lane, last = now && moment(now.at), points = history.points;
    if (last !== null && known(now?.equity) !== null && last > (points.at(-1)?.[0] ?? 0)) points.push([last, known(now.equity)]);
    if (points.length > POINTS) points.splice(0, points.length - POINTS);
    const mark = JSON.stringify([points.length, points.at(-1), history.changes.length]), clockNow = performance.now();
    // Four pictures a second are four too many for a line of hours; the last one is always drawn.
    if (mark === print) return;
    if (print && clockNow - drawn < REDRAW_MS) {
      later ||= setTimeout(() => {
        later = 0;
        drawEquity();
      }, REDRAW_MS);
      return;
    }
    [print, drawn] = [mark, clockNow];
    let top = -Infinity;
    const below = points.map(([t, v]) => [t, v === null ? null : v - (top = Math.max(top, v))]);
    const marks = history.changes.map((c) => ({ at: moment(c.at), name: words(c.type), kind: KIND[c.type] ?? "change", text: c.text, tone: MARK[c.type] ?? "info" }));
    chart.draw({ series: [{ name: "equity", tone: "accent", points, area: false }], marks });
    falls.draw({ series: [{ name: "below the highest", tone: "bad", points: below, area: true }] });
  }

  // What the stream tells is newer than what was asked: only the rest is taken from there.
  function showVenues() {
    const passed = (performance.now() - told) / 1000;
    const now = rows.map((v) => {
      const l = bot.state.lanes[v.lane], age = known(v.feed_age_s) === null ? null : Math.floor(v.feed_age_s + passed);
      return { ...v, age, ...l && { phase: l.phase, error: l.error, halted: l.halted, degraded: l.degraded, not_ready: l.not_ready, unreconciled: l.unreconciled, armed_until: l.armed_until, last_tick_at: l.at } };
    }).map(({ feed_age_s: _, ...v }) => v);
    fill(venues, now, () => now.map((v) => {
      const trouble = v.error ?? v.halted ?? v.degraded ?? v.not_ready ?? v.unreconciled;
      const late = v.age !== null && v.age > FEED_LATE_S;
      const state = v.error ? "bad" : trouble || late || (v.venue_state && v.venue_state !== "open") ? "warn" : "good";
      return el("li", {}, el("i", { class: `light ${state}`, role: "img", "aria-label": { good: "well", warn: "look", bad: "failed" }[state] }),
        el("div", {}, el("b", { class: "id" }, v.lane), " ", chip(v.live ? (v.armed_until ? "armed" : "not armed") : v.phase), trouble ? el("p", { class: "note warn" }, trouble) : null,
          el("p", { class: "note" }, `${words(v.venue_state ?? "state not known")} · ${v.markets === null ? "–" : number(v.markets)} markets · `,
            v.age === null ? (bot.state.lanes[v.lane]?.progress ?? null) === null ? "age of the feed not known" : "recorded or simulated feed" : ["feed ", el("span", { class: late ? "stale" : "" }, v.age < 2 ? "fresh" : `${span(v.age)} old`)], ` · last tick ${clock(v.last_tick_at)}`)));
    }));
  }

  function showLimits(now) {
    const limited = USES.filter(([name]) => known(now.limits[name]) !== null);
    fill(gaugeHost, limited.map(([name]) => name), () => limited.length ? limited.map(([name, label, , , soft]) => {
      if (!gauges.has(name)) gauges.set(name, gauge(label, soft));
      return gauges.get(name).root;
    }) : [empty("No hard limit is known.")]);
    for (const [name, , use, text] of limited) gauges.get(name).draw(use(now), known(now.limits[name]), text);
  }

  function showFigures(now) {
    const f = figures, net = known(now.realised) === null || known(now.fees) === null ? null : now.realised - now.fees;
    // A lane that has not begun has no numbers yet: they would be zeros that nobody counted.
    const put = (name, value, note = "", className = "") => {
      say(f[name].value, now.at ? value : MISSING, `value ${now.at ? className : ""}`);
      say(f[name].note, now.at ? note : "");
    };
    put("equity", money(now.equity), `${money(now.deposits)} put in`);
    const band = now.day_band ?? null, wide = band && gain(band.pessimistic) !== gain(band.optimistic);
    put("today", gain(now.day_pnl), band === null ? "not known yet" : wide ? `up to ${gain(band.optimistic)}, midpoint ${gain(band.realistic)}` : "since midnight UTC", tone(now.day_pnl));
    f.today.root.setAttribute("title", band ? `Since midnight UTC. Open positions at what they fetch now: ${gain(band.pessimistic)}; at the midpoint: ${gain(band.realistic)}; at what they cost now: ${gain(band.optimistic)}.` : "");
    put("since start", gain(now.gain), known(now.deposits) ? percent(now.gain / now.deposits, 2) : "", tone(now.gain));
    put("realised", gain(net), "after fees", tone(net));
    put("fees", money(now.fees), known(now.rewards) ? `${money(now.rewards)} rewards` : "");
    put("cash", money(now.cash), `${money(now.exposure)} at stake`);
    put("drawdown", money(now.drawdown), "below the highest");
    const all = now.wins + now.losses;
    put("closed", number(all), all ? `${percent(now.wins / all)} won` : "none yet");
  }

  function update() {
    const now = bot.lane;
    if (!now) {
      say(lane, "No lane is running");
      return;
    }
    fill(lane, [now.venue, now.lane, now.run], () => [el("span", {}, now.venue), " ", el("span", { class: "lane-name" }, now.run ? `${now.lane} · ${now.run.slice(0, 10)}` : now.lane)]);
    say(phase, now.phase);
    phase.setAttribute("data-phase", now.phase);
    say(at, now.at ? when(now.at) : "no tick yet");
    stale.fresh(bot.ticked(bot.laneName), now.phase === "trading" || now.phase === "catching up" ? LANE_LATE_S : Infinity);
    const redoing = known(now.caught_up) !== null;
    again.hidden = !redoing;
    if (redoing) say(again, `Catching up: ${percent(now.caught_up)} of what was done before is derived again. These numbers are those of that time; new ones begin when it is done.`);
    // The curve ends where the lane is: it is asked for again when the lane has caught up.
    if (catching && !redoing) equity.again();
    catching = redoing;
    showVenues();
    progress.hidden = now.progress === null;
    if (now.progress !== null) progress.value = now.progress;
    showFigures(now);
    showLimits(now);
    drawEquity();
    noneHeld.hidden = now.positions.length > 0;
    held.root.hidden = !now.positions.length;
    keyed(held.body, now.positions.slice(0, ROWS), positionKey, (row) => positionRow(bot.laneName, row));
    say(positions.remark, now.positions.length > ROWS ? `${ROWS} of ${now.positions.length}` : `${now.positions.length}`);
    const several = Object.keys(bot.state.lanes).length > 1;
    const lines = bot.state.journal.slice(-LINES).reverse();
    if (lines.length) keyed(tail, lines, lineKey, (line) => lineRow(line, { lane: several })); else fill(tail, "none", () => [el("li", { class: "empty" }, "Nothing yet.")]);
    denials(reasons, now.denials);
    say(counts, [`${number(now.ticks)} ticks`, ...Object.entries(now.counts).map(([name, n]) => `${number(n)} ${words(name)}`)].join(" · "));
  }
  return { update, close() {
    clearTimeout(later);
    for (const each of [equity, venueWatch]) each.close();
  } };
}

const MARK = { halt: "bad", resume: "good", trial_started: "violet", trial_ended: "violet", config_changed: "info", change_ended: "info" };
const KIND = { halt: "halt", resume: "resume", trial_started: "trial", trial_ended: "trial", config_changed: "change", change_ended: "change" };
