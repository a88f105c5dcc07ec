"""The report as JSON: sorted keys, decimal strings, null for what is not known."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import attrs

from market_bot.core.domain.numbers import Micros, Money, format_money, format_time
from market_bot.core.domain.replay_result import Fidelity
from market_bot.core.domain.statistics import Bootstrapped, Bounds, NoInterval, on_grid

from .shape import Comparison, DayDifference, ReplayReport, VariantReport

_FORMAT: Any = 1


def canonical_json(report: ReplayReport) -> str:
    """Return the report as one line of JSON: equal reports give equal bytes."""
    return json.dumps(json_value(report), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def decimal_text(value: float | None) -> str | None:
    """Return a float as a plain decimal string of at most nine digits, never with an exponent."""
    if value is None:
        return None
    text = format(Decimal(repr(on_grid(value))), "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def json_value(report: ReplayReport) -> dict[str, Any]:
    """Return the report as values that JSON has; amounts in dollars."""
    cover = report.coverage
    return {
        "report": _FORMAT,
        "venue": report.venue,
        "tapes": [{"name": tape.name, "sha256": tape.sha256} for tape in report.tapes],
        "began": _time(report.began),
        "ended": _time(report.ended),
        "ticks": report.ticks,
        "records": report.records,
        "complete": report.complete,
        "coverage": {**attrs.asdict(cover), "capabilities": list(cover.capabilities)}
        | {"days": list(cover.days)},
        "fidelity": None if report.fidelity is None else _fidelity(report.fidelity),
        "tried": report.tried,
        "base": _variant(report.base),
        "variants": [_variant(variant) for variant in report.variants],
        "notes": list(report.notes),
    }


def _variant(variant: VariantReport) -> dict[str, Any]:
    return {
        "name": variant.name,
        "settings": [attrs.asdict(change) for change in variant.settings],
        "model": variant.model,
        "config": variant.config,
        "trades": variant.trades,
        "still_open": variant.still_open,
        "open_value": format_money(variant.open_value),
        "entries": variant.entries,
        "exits": variant.exits,
        "fills": variant.fills,
        "pnl": format_money(variant.pnl),
        "band": _band(variant.band),
        "by_model": {model: format_money(pnl) for model, pnl in variant.by_model.items()},
        "fees": format_money(variant.fees),
        "rewards": format_money(variant.rewards),
        "max_drawdown": format_money(variant.max_drawdown),
        "drawdown_share": decimal_text(variant.drawdown_share),
        "max_exposure": format_money(variant.max_exposure),
        "brier": {
            "own": decimal_text(variant.brier_own),
            "market": decimal_text(variant.brier_market),
            "entries": variant.forecasts,
            "markets": variant.forecast_markets,
        },
        "sharpe": decimal_text(variant.sharpe),
        "sortino": decimal_text(variant.sortino),
        "profit_factor": decimal_text(variant.profit_factor),
        "expectancy": decimal_text(variant.expectancy),
        "per_day": _evidence(variant.per_day),
        "per_event": {event: format_money(pnl) for event, pnl in variant.per_event.items()},
        "days": {day.date: format_money(day.amount) for day in variant.days},
        "settled": _settled(variant),
        "paid": [
            {name: decimal_text(value) if name != "trades" else value for name, value in row}
            for row in (attrs.asdict(paid).items() for paid in variant.paid)
        ],
        "curve": [
            [format_time(p.at), *map(format_money, (p.low, p.told, p.high, p.fall))]
            for p in variant.curve
        ],
        "denials": dict(variant.denials),
        "anomalies": variant.anomalies,
        "comparison": None if variant.comparison is None else _comparison(variant.comparison),
    }


def _settled(variant: VariantReport) -> dict[str, Any] | None:
    settled = variant.settled
    if settled is None:
        return None
    return {
        "trades": settled.trades,
        "won": settled.won,
        "expected": decimal_text(settled.expected),
        "share": None if settled.share is None else _bounds(settled.share),
        "p_so_many": decimal_text(settled.p_so_many),
        "p_so_few": decimal_text(settled.p_so_few),
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "pnl": format_money(one.pnl),
        "band": _band(one.band),
        "trades": one.trades,
        "fees": format_money(one.fees),
        "max_exposure": format_money(one.max_exposure),
        "days": {day.date: format_money(day.amount) for day in one.days},
        "events": {event.event: format_money(event.amount) for event in one.events},
        "days_better": one.days_better,
        "days_worse": one.days_worse,
        "best_day": _day(one.best_day),
        "worst_day": _day(one.worst_day),
        "per_day": _evidence(one.per_day),
        "per_day_counted": _evidence(one.per_day_counted),
        "per_event": _evidence(one.per_event),
        "signs": _floats_as_text(one.signs),
        "one_out": _floats_as_text(one.one_out),
        "days_needed": one.days_needed,
        "tried": one.tried,
        "verdict": one.verdict.value,
        "reasons": list(one.reasons),
    }


def _evidence(found: Bootstrapped | NoInterval) -> dict[str, Any]:
    if isinstance(found, NoInterval):
        return {"lack": found.lack.value, "have": found.have, "need": found.need}
    return {
        "estimate": decimal_text(found.estimate),
        "standard_error": decimal_text(found.standard_error),
        "interval": _bounds(found.studentised),
        "percentile": _bounds(found.percentile),
        "p_greater": decimal_text(found.p_greater),
        "p_less": decimal_text(found.p_less),
        "units": found.units,
        "block": found.block,
        "draws": found.draws,
        "level": decimal_text(found.level),
    }


def _fidelity(found: Fidelity) -> dict[str, Any]:
    return {
        "chain": found.chain,
        "recorded": found.recorded,
        "replayed": found.replayed,
        "same": found.same,
        "share": decimal_text(found.share_ppm / 1_000_000),
        "trusted": found.trusted,
        "identical": found.identical,
        "entries_recorded": found.entries_recorded,
        "entries_replayed": found.entries_replayed,
        "by_type": {name: list(counts) for name, counts in found.by_type.items()},
        "first": None
        if found.first is None
        else {**attrs.asdict(found.first), "at": _time(found.first.at)},
        "segments": found.segments,
        "note": found.note,
    }


def _floats_as_text(value: Any) -> dict[str, Any] | None:  # noqa: ANN401 - any attrs value
    if value is None:
        return None
    return {
        name: decimal_text(field) if isinstance(field, float) else field
        for name, field in attrs.asdict(value).items()
    }


def _band(band: tuple[Money, Money]) -> list[str]:
    return [format_money(band[0]), format_money(band[1])]


def _bounds(bounds: Bounds) -> list[str | None]:
    return [decimal_text(bounds.low), decimal_text(bounds.high)]


def _day(day: DayDifference | None) -> dict[str, str] | None:
    return None if day is None else {"date": day.date, "amount": format_money(day.amount)}


def _time(moment: Micros | None) -> str | None:
    return None if moment is None else format_time(moment)
