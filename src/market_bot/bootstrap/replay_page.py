"""The report of a replay as one page: no script, no request, readable on a phone and at night."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from market_bot.core.domain.numbers import Micros, Money, format_time
from market_bot.core.domain.replay_report import (
    Comparison,
    DayDifference,
    ReplayReport,
    VariantReport,
    Verdict,
)
from market_bot.core.domain.statistics import Bootstrapped, NoInterval

from .plain_text import plain
from .replay_plots import (
    Bar,
    Dot,
    Line,
    Span,
    bar_plot,
    day_plot,
    line_plot,
    lowest,
    span_plot,
    square_plot,
)
from .replay_style import STYLE
from .replay_table import claims, headline, interval_text, score_text, signed
from .summary import dollars

_EVENTS_SHOWN: Final = 12
_DOLLAR: Final = 10**12
_MINUTE: Final = len("2026-11-22T00:30")
_TONES: Final = {
    Verdict.IMPROVES: "good",
    Verdict.WORSE: "bad",
    Verdict.NO_CLAIM: "bad",
    Verdict.NOT_DISPROVED: "warn",
    Verdict.TOO_LITTLE: "warn",
    Verdict.SAME: "none",
}


def replay_page(report: ReplayReport) -> str:
    """Return the whole page as HTML."""
    title = _text(f"Replay of {report.venue}")
    sections = [_head(report), _figures(report.base), _did(report)]
    if report.variants:
        sections.append(_against_base(report))
    # Few variants are shown at once; of many the reader opens what they want to see.
    few = len(report.variants) <= 2  # noqa: PLR2004 - as many as fit on two screens
    sections.extend(_variant(v, report, opened=few) for v in report.all_variants)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f'<meta name="color-scheme" content="light dark"><title>{title}</title>'
        f"<style>{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(sections)
        + "\n</main></body></html>\n"
    )


def _head(report: ReplayReport) -> str:
    began, ended = (
        "–" if moment is None else format_time(moment)[:_MINUTE].replace("T", " ")
        for moment in (report.began, report.ended)
    )
    notes = "".join(f"<li>{_text(note)}</li>" for note in report.notes)
    tapes = ", ".join(_text(tape.name) for tape in report.tapes) or "none"
    return (
        f"<header><h1>{_text(headline(report))}</h1>"
        f'<p class="soft">{began} … {ended} UTC · tapes: <span class="id">{tapes}</span></p>'
        f'<p class="soft">{_text(claims(report))}</p>'
        + (f'<ul class="notes">{notes}</ul>' if notes else "")
        + "</header>"
    )


def _figures(base: VariantReport) -> str:
    low, high = base.band
    per_day = (
        "too few days for an interval"
        if isinstance(base.per_day, NoInterval)
        else f"{base.per_day.estimate:+,.2f} a day, 95 %: {interval_text(base.per_day)}"
    )
    share = "" if base.drawdown_share is None else f"{base.drawdown_share:.1%} of the deposits"
    figures = (
        ("Base: profit", _money(base.pnl), f"{dollars(low)} … {dollars(high)} over fill models"),
        ("Profit a day", _per_day(base), per_day),
        ("Trades", f"{base.trades:,}", f"{base.still_open:,} still open"),
        ("Fees · rewards", f"{dollars(base.fees)} · {dollars(base.rewards)}", "as charged"),
        ("Deepest fall", dollars(base.max_drawdown), share),
        (
            "Brier own · market",
            f"{score_text(base.brier_own)} · {score_text(base.brier_market)}",
            f"{base.forecasts:,} entries in {base.forecast_markets:,} markets",
        ),
    )
    cells = "".join(
        f'<div class="figure"><div class="soft">{label}</div><div class="value">{value}</div>'
        f'<div class="soft">{_text(note)}</div></div>'
        for label, value, note in figures
    )
    return f'<section class="card figures">{cells}</section>'


def _per_day(variant: VariantReport) -> str:
    if not variant.days:
        return "–"
    return _money(Money(sum(d.amount for d in variant.days) // len(variant.days)))


def _did(report: ReplayReport) -> str:
    heads = (
        "Variant",
        "Trades",
        "PnL",
        "Band",
        "Fees",
        "Rewards",
        "Drawdown",
        "Brier own / market",
    )
    rows = []
    for v in report.all_variants:
        low, high = v.band
        rows.append(
            (
                _name(v),
                f"{v.trades:,}",
                _money(v.pnl),
                f"{dollars(low)} … {dollars(high)}",
                dollars(v.fees),
                dollars(v.rewards),
                dollars(v.max_drawdown),
                f"{score_text(v.brier_own)} / {score_text(v.brier_market)}",
            )
        )
    return f'<section class="card"><h2>What each did</h2>{_table(heads, rows)}</section>'


def _against_base(report: ReplayReport) -> str:
    heads = ("Variant", "Δ PnL", "Band", "$ a day, 95 %", "Days +/−", "Worst day", "Verdict")
    rows, spans = [], []
    for v in report.variants:
        one = v.comparison
        if one is None:
            continue
        rows.append(
            (
                _name(v),
                _money(one.pnl, sign=True),
                f"{signed(one.band[0])} … {signed(one.band[1])}",
                _text(interval_text(one.per_day, have="days")),
                f"{one.days_better}/{one.days_worse} of {len(one.days)}",
                "–" if one.worst_day is None else signed(one.worst_day.amount),
                _chip(one.verdict),
            )
        )
        spans.append(_span(v.name, one))
    return (
        f'<section class="card"><h2>Against the base</h2>{_table(heads, rows)}'
        f"{_intervals(spans, report.tried)}</section>"
    )


def _intervals(spans: Sequence[Span], tried: int) -> str:
    known = [span for span in spans if span.estimate is not None]
    if not known:
        return ""
    plot = span_plot("Difference to the base in dollars a day with intervals", known)
    thin = f"; thin: the same counting {tried} tried" if tried > 1 else ""
    return (
        f'<figure class="spans">{plot}<figcaption>Difference to the base in dollars a day. Thick: '
        f"95 % interval{thin}.</figcaption></figure>"
    )


def _span(name: str, one: Comparison) -> Span:
    inner = _ends(one.per_day)
    return Span(
        name=plain(name),
        note=one.verdict.value,
        estimate=one.per_day.estimate if isinstance(one.per_day, Bootstrapped) else None,
        inner=inner,
        outer=_ends(one.per_day_counted),
        style=_TONES[one.verdict],
    )


def _ends(found: Bootstrapped | NoInterval) -> tuple[float, float] | None:
    if isinstance(found, NoInterval):
        return None
    return found.studentised.low, found.studentised.high


def _variant(variant: VariantReport, report: ReplayReport, *, opened: bool) -> str:
    one = variant.comparison
    is_base = one is None
    chip = "" if one is None else _chip(one.verdict)
    plots = "".join(
        f"<figure>{plot}<figcaption>{caption}</figcaption></figure>"
        for plot, caption in _plots(variant, report)
    )
    return (
        f'<details class="card"{" open" if opened or is_base else ""}><summary><h2 class="id">'
        f"{_text(variant.name)}</h2>{chip}</summary>{_settings(variant)}"
        f"{'' if one is None else _why(one)}{_facts(variant)}"
        f'<div class="plots">{plots}</div></details>'
    )


def _settings(variant: VariantReport) -> str:
    return "".join(
        f'<p class="setting id"><b>{_text(change.path)}</b> {_text(change.before)} → '
        f"{_text(change.after)}</p>"
        for change in variant.settings
    )


def _why(one: Comparison) -> str:
    reasons = "".join(f"<li>{_text(reason)}</li>" for reason in one.reasons)
    return f'<ul class="why">{reasons}</ul>'


def _facts(variant: VariantReport) -> str:
    facts = list(_money_facts(variant))
    if variant.comparison is not None:
        facts.extend(_proof_facts(variant.comparison))
    cells = "".join(f"<div><dt>{name}</dt><dd>{_text(value)}</dd></div>" for name, value in facts)
    return f'<dl class="facts">{cells}</dl>'


def _money_facts(variant: VariantReport) -> Iterable[tuple[str, str]]:
    yield "orders", f"{variant.entries:,} in, {variant.exits:,} out, {variant.fills:,} fills"
    yield "most exposed", dollars(variant.max_exposure)
    if variant.expectancy is not None:
        yield "a closed trade", f"{variant.expectancy:+,.3f} $"
    if variant.profit_factor is not None:
        yield "profit factor", f"{variant.profit_factor:.2f}"
    if variant.sharpe is not None:
        yield "Sharpe a year", f"{variant.sharpe:.2f}"
    if variant.sortino is not None:
        yield "Sortino a year", f"{variant.sortino:.2f}"
    if variant.settled is not None:
        won = variant.settled
        luck = f"so few: p {won.p_so_few:.2g}, so many: p {won.p_so_many:.2g}"
        paid_for = f"{won.expected:,.1f} were paid for"
        yield "held to the end", f"{won.won:,} of {won.trades:,} won; {paid_for} ({luck})"
    if variant.denials:
        most = sorted(variant.denials.items(), key=lambda item: (-item[1], item[0]))[:4]
        yield "refused by", ", ".join(f"{name} {count:,}" for name, count in most)


def _proof_facts(one: Comparison) -> Iterable[tuple[str, str]]:
    yield (
        "Δ trades · fees · exposure",
        (f"{one.trades:+,} · {signed(one.fees)} · {signed(one.max_exposure)}"),
    )
    yield "$ a day, 95 %", interval_text(one.per_day, have="days")
    if one.tried > 1:
        yield f"counting {one.tried} tried", interval_text(one.per_day_counted, have="days")
    yield "$ an event, 95 %", interval_text(one.per_event, have="events")
    if one.signs is not None:
        yield (
            "signs flipped",
            f"p {one.signs.p_greater:.2g} for a gain, {one.signs.p_less:.2g} less",
        )
    if one.one_out is not None:
        kept = "keeps" if one.one_out.keeps_sign else "loses"
        yield (
            "without its largest event",
            (f"{kept} its sign; that event has {one.one_out.largest_share:.0%} of the difference"),
        )
    if one.days_needed is not None:
        yield "days for a proof", f"{one.days_needed:,} at this size; {len(one.days)} recorded"


def _plots(variant: VariantReport, report: ReplayReport) -> Iterable[tuple[str, str]]:
    yield from _curves(variant, report)
    one = variant.comparison
    days, what = (variant.days, "Profit") if one is None else (one.days, "Difference to the base")
    if days:
        bars = [Bar(name=d.date, value=_float(d.amount), hint=_day_hint(d)) for d in days]
        yield day_plot(f"{what} by day", bars), f"{what} by day"
    amounts = variant.per_event if one is None else {e.event: e.amount for e in one.events}
    moved = {event: amount for event, amount in amounts.items() if amount}
    if moved:
        yield _event_plot(f"{what} by event", moved), _event_caption(what, moved)
    dots = [
        Dot(
            x=paid.paid,
            y=paid.brought,
            weight=paid.trades,
            hint=f"{paid.trades} trades: paid {paid.paid:.3f}, brought {paid.brought:.3f}",
        )
        for paid in variant.paid
        if paid.paid is not None and paid.brought is not None
    ]
    if dots:
        yield (
            square_plot("Paid and brought by price", dots, names=("paid", "brought")),
            "A contract of a closed trade: paid with fees, and brought. Above the line is profit.",
        )


def _curves(variant: VariantReport, report: ReplayReport) -> Iterable[tuple[str, str]]:
    if len(variant.curve) < 2:  # noqa: PLR2004 - a line has two points
        return
    ends = (_minute(variant.curve[0].at), _minute(variant.curve[-1].at))
    told = [_float(p.told) for p in variant.curve]
    lines = [Line(values=told, style="told")]
    base = [_float(p.told) for p in report.base.curve]
    if variant.comparison is not None and len(base) == len(told):
        lines.insert(0, Line(values=base, style="base"))
    band = [_float(p.low) for p in variant.curve], [_float(p.high) for p in variant.curve]
    beside = "; grey: the base" if len(lines) > 1 else ""
    yield (
        line_plot("Profit over time with the band of the fill models", lines, ends=ends, band=band),
        f"Profit over time; shaded: over all fill models{beside}",
    )
    falls = lowest([-_float(p.fall) for p in variant.curve])
    yield (
        line_plot("Fall below the highest so far", [Line(values=falls, style="fall")], ends=ends),
        "Fall below the highest so far",
    )


def _event_plot(title: str, moved: Mapping[str, Money]) -> str:
    shown = [
        Bar(
            name=plain(event) or "(no event)",
            value=_float(moved[event]),
            hint=f"{plain(event) or 'no event'}: {signed(moved[event])}",
        )
        for event in _largest_first(moved)[:_EVENTS_SHOWN]
    ]
    return bar_plot(title, shown)


def _event_caption(what: str, moved: Mapping[str, Money]) -> str:
    rest = _largest_first(moved)[_EVENTS_SHOWN:]
    if not rest:
        return f"{what} by event"
    total = Money(sum(moved[event] for event in rest))
    return f"{what} by event; {len(rest):,} smaller ones together {signed(total)}"


def _largest_first(moved: Mapping[str, Money]) -> list[str]:
    return sorted(moved, key=lambda event: (-abs(moved[event]), event))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th{'' if i == 0 else ' class=n'}>{name}</th>" for i, name in enumerate(heads))
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="wide">{cell}</td>'
            if i == 0
            else f'<td class="n" data-label="{heads[i]}">{cell}</td>'
            for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _name(variant: VariantReport) -> str:
    return f'<span class="id">{_text(variant.name)}</span>'


def _chip(verdict: Verdict) -> str:
    return f'<span class="chip {_TONES[verdict]}">{verdict.value}</span>'


def _money(amount: Money, *, sign: bool = False) -> str:
    tone = "gain" if amount > 0 else "loss" if amount < 0 else "even"
    return f'<span class="{tone}">{signed(amount) if sign else dollars(amount)}</span>'


def _day_hint(day: DayDifference) -> str:
    return f"{day.date}: {signed(day.amount)}"


def _minute(moment: Micros) -> str:
    return format_time(moment)[5:_MINUTE].replace("T", " ")


def _float(amount: Money) -> float:
    return amount / _DOLLAR


def _text(text: str) -> str:
    return escape(plain(text))
