"""From what a replay found to what a person reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from market_bot.core.domain.numbers import ONE_DOLLAR, Money
from market_bot.core.domain.replay_result import (
    ReplayResult,
    Trade,
    Variant,
)
from market_bot.core.domain.statistics import (
    expectancy,
    expected_maximum,
    on_grid,
    poisson_binomial_at_least,
    poisson_binomial_at_most,
    profit_factor,
    sharpe,
    sortino,
    wilson,
)

from .judge import DAYS_MIN, by_day, compare, counted, dollars_of, over_days
from .shape import (
    BandPoint,
    Comparison,
    DayDifference,
    PaidBin,
    ReplayReport,
    SettledTrades,
    VariantReport,
)

_BINS: Final = 10
_WIN_TEST_MAX: Final = 5_000


def report_of(result: ReplayResult, *, tried: int = 0) -> ReplayReport:
    """Return the report of a replay.

    ``tried`` is the number of variants that were tried on these days in all, earlier ones and
    dropped ones included; never less than the variants here are counted.
    """
    counted_tries = max(1, tried, len(result.variants))
    days = result.coverage.days
    trusted = result.fidelity is None or result.fidelity.trusted
    return ReplayReport(
        venue=result.venue,
        tapes=result.tapes,
        began=result.began,
        ended=result.ended,
        ticks=result.ticks,
        records=result.records,
        complete=result.complete,
        coverage=result.coverage,
        fidelity=result.fidelity,
        tried=counted_tries,
        base=_variant(result.base, days, None),
        variants=tuple(
            _variant(
                variant,
                days,
                compare(result.base, variant, days=days, tried=counted_tries, trusted=trusted),
            )
            for variant in result.variants
        ),
        notes=(*result.notes, *_notes(result, counted_tries)),
    )


def _variant(variant: Variant, days: Sequence[str], comparison: Comparison | None) -> VariantReport:
    told = variant.told
    daily = by_day(told, days)
    closed = [dollars_of(trade.pnl) for trade in told.trades if trade.closed_at is not None]
    # A yearly ratio from a handful of days is a number without a meaning.
    profits = [dollars_of(amount) for amount in daily.values()] if len(daily) >= DAYS_MIN else []
    scores = told.forecasts
    return VariantReport(
        name=variant.name,
        settings=variant.settings,
        model=told.model,
        config=told.config,
        trades=len(told.trades),
        still_open=told.still_open,
        open_value=told.open_value,
        entries=told.entries,
        exits=told.exits,
        fills=told.fills,
        pnl=told.pnl,
        band=variant.band,
        by_model={result.model: result.pnl for result in variant.models},
        fees=told.fees,
        rewards=told.rewards,
        max_drawdown=told.max_drawdown,
        drawdown_share=on_grid(told.max_drawdown / told.deposits) if told.deposits > 0 else None,
        max_exposure=told.max_exposure,
        brier_own=None if scores.own_brier is None else on_grid(scores.own_brier),
        brier_market=None if scores.market_brier is None else on_grid(scores.market_brier),
        forecasts=scores.entries,
        forecast_markets=scores.markets,
        sharpe=sharpe(profits),
        sortino=sortino(profits),
        profit_factor=profit_factor(closed),
        expectancy=expectancy(closed),
        per_day=over_days(list(daily.values())),
        per_event=dict(sorted(told.per_event.items())),
        days=tuple(DayDifference(day, amount) for day, amount in daily.items()),
        settled=_settled(told.trades),
        paid=_paid(told.trades),
        curve=_curve(variant),
        denials=dict(sorted(told.denials.items())),
        anomalies=sum(result.anomalies for result in variant.models),
        comparison=comparison,
    )


def _settled(trades: Sequence[Trade]) -> SettledTrades | None:
    held = [t for t in trades if t.closed_at is not None and t.size > 0 and _all_or_nothing(t)]
    if not held or len(held) > _WIN_TEST_MAX:
        return None
    chances = [min(1.0, _paid_per_contract(t)) for t in held]
    won = sum(1 for t in held if t.proceeds > 0)
    return SettledTrades(
        trades=len(held),
        won=won,
        expected=on_grid(sum(chances)),
        share=wilson(won, len(held)),
        p_so_many=poisson_binomial_at_least(won, chances),
        p_so_few=poisson_binomial_at_most(won, chances),
    )


def _all_or_nothing(trade: Trade) -> bool:
    return trade.proceeds in (0, trade.size * ONE_DOLLAR)


def _paid_per_contract(trade: Trade) -> float:
    return max(0.0, (trade.cost + trade.fees) / (trade.size * ONE_DOLLAR))


def _paid(trades: Sequence[Trade]) -> tuple[PaidBin, ...]:
    bins: list[list[Trade]] = [[] for _ in range(_BINS)]
    for trade in trades:
        if trade.closed_at is not None and trade.size > 0:
            bins[min(_BINS - 1, int(_paid_per_contract(trade) * _BINS))].append(trade)
    return tuple(_paid_bin(number, members) for number, members in enumerate(bins))


def _paid_bin(number: int, members: Sequence[Trade]) -> PaidBin:
    contracts = sum(t.size for t in members) * ONE_DOLLAR
    paid = sum(t.cost + t.fees for t in members)
    brought = sum(t.proceeds for t in members)
    return PaidBin(
        low=number / _BINS,
        high=(number + 1) / _BINS,
        trades=len(members),
        paid=on_grid(paid / contracts) if contracts else None,
        brought=on_grid(brought / contracts) if contracts else None,
    )


def _curve(variant: Variant) -> tuple[BandPoint, ...]:
    told = variant.told
    # Models whose points are at other moments cannot be laid beside each other.
    moments = [point.at for point in told.curve]
    alike = [r for r in variant.models if [point.at for point in r.curve] == moments]
    points = []
    for index, moment in enumerate(moments):
        profits = [r.curve[index].equity - r.deposits for r in alike]
        points.append(
            BandPoint(
                moment,
                Money(min(profits)),
                Money(told.curve[index].equity - told.deposits),
                Money(max(profits)),
                told.curve[index].fall,
            )
        )
    return tuple(points)


def _notes(result: ReplayResult, tried: int) -> list[str]:
    found = []
    if not result.complete:
        found.append("The replay was stopped before the end of the tapes.")
    found.extend(_coverage_notes(result))
    if result.fidelity is not None and not result.fidelity.trusted:
        found.append(
            "Fewer than 95 % of the recorded decisions are reproduced: nothing is claimed."
        )
    if any(r.anomalies for v in result.all_variants for r in v.models):
        found.append("Facts contradicted each other; the numbers of those variants are not sound.")
    if tried > 1:
        found.append(
            f"{tried} variants were tried: the best of so many without any effect looks "
            f"{expected_maximum(tried):.2f} standard errors better by luck alone."
        )
    return found


def _coverage_notes(result: ReplayResult) -> list[str]:
    cover = result.coverage
    found = []
    if not cover.takers:
        found.append("The tapes hold no sizes: nothing could be bought or sold.")
    elif not cover.makers:
        found.append("The tapes hold no whole books with prints: resting orders were never filled.")
    if cover.gaps:
        found.append(f"The tapes admit {counted(cover.gaps, 'gap')}.")
    if holes := _holes(cover.days):
        found.append(
            f"{counted(holes, 'day')} between the first and the last were not recorded; days on "
            "both sides are treated as neighbours."
        )
    return found


def _holes(days: Sequence[str]) -> int:
    if not days:
        return 0
    first, last = (date.fromisoformat(day).toordinal() for day in (min(days), max(days)))
    return last - first + 1 - len(set(days))
