"""Reports of replays: exact sums, honest verdicts, canonical bytes."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from market_bot.core.domain.numbers import Money, format_money, money
from market_bot.core.domain.replay_report import (
    DAYS_MIN,
    EVENTS_MIN,
    Comparison,
    ReplayReport,
    Verdict,
    canonical_json,
    decimal_text,
    json_value,
    report_of,
)
from market_bot.core.domain.replay_result import (
    Coverage,
    CurvePoint,
    Forecasts,
    ReplayResult,
    Variant,
)
from market_bot.core.domain.statistics import Bootstrapped, NoInterval
from tests.fakes.replay_results import (
    MODELS,
    a_fidelity,
    a_result,
    a_trade,
    a_variant,
    a_variant_result,
    some_days,
)

CENT = 10**10


def fixed(name: str, days: dict[str, dict[str, int]], bonus: tuple[int, int, int]) -> Variant:
    """Return a variant with these cents by day and event, and a bonus by fill model."""
    models = []
    for model, extra in zip(MODELS, bonus, strict=True):
        amounts = {
            day: {event: Money(cents * CENT) for event, cents in events.items()}
            for day, events in days.items()
        }
        if extra:
            amounts[max(days)] = amounts[max(days)] | {"bonus": Money(extra * CENT)}
        models.append(a_variant_result(amounts, name=name, model=model))
    return Variant(name=name, models=tuple(models))


def compared(
    ours: dict[str, dict[str, int]],
    *,
    theirs: dict[str, dict[str, int]] | None = None,
    bonus: tuple[int, int, int] = (0, 0, 0),
    tried: int = 0,
    days: tuple[str, ...] | None = None,
) -> Comparison:
    """Return the comparison of cents by day and event; the base made nothing unless told."""
    dates = tuple(ours) if days is None else days
    result = a_result(
        fixed("variant", ours, bonus),
        base=fixed("base", theirs or {day: {} for day in ours}, (0, 0, 0)),
        days=dates,
    )
    found = report_of(result, tried=tried).variants[0].comparison
    assert found is not None
    return found


def steady(days: int, *, cents: int = 30, events: int = 3) -> dict[str, dict[str, int]]:
    """Return a gain in every event of every day, with some scatter."""
    return {
        day: {f"{day} {n}": cents + (7 * i + 11 * n) % 20 - 9 for n in range(events)}
        for i, day in enumerate(some_days(days))
    }


def only(report: ReplayReport) -> Comparison:
    """Return the comparison of the only variant."""
    (variant,) = report.variants
    assert variant.comparison is not None
    return variant.comparison


# Sums


def test_differences_are_exact() -> None:
    """Days and events are subtracted in units, whoever of the two knows them."""
    one, two, three = some_days(3)
    found = compared(
        {one: {"a": 5, "b": -2}, two: {"c": 1}},
        theirs={one: {"a": 3}, two: {"d": 4}},
        days=(one, two, three),
    )

    assert [(one, 0), (two, -3), (three, 0)] == [(d.date, d.amount / CENT) for d in found.days]
    assert {"a": 2, "b": -2, "c": 1, "d": -4} == {e.event: e.amount / CENT for e in found.events}
    assert (0, 1, -3) == (found.days_better, found.days_worse, found.pnl / CENT)
    assert found.worst_day is not None
    assert two == found.worst_day.date
    assert sum(d.amount for d in found.days) == sum(e.amount for e in found.events) == found.pnl


def test_the_band_is_paired_by_fill_model() -> None:
    """The lowest and highest difference over the models, not of the models' extremes."""
    days = {day: {"a": 10} for day in some_days(2)}
    base = fixed("base", {day: {"a": 5} for day in days}, (0, 100, 200))
    ours = fixed("variant", days, (0, 90, 220))

    found = only(report_of(a_result(ours, base=base, days=tuple(days))))

    assert (Money(0), Money(30 * CENT)) == found.band
    assert Money(10 * CENT) == found.pnl


def test_a_variant_without_the_models_of_the_base_is_refused() -> None:
    """Nothing is compared across fill models."""
    days = some_days(2)
    base = a_variant("base", days)
    other = attrs.evolve(a_variant("x", days), models=base.models[:2])

    with pytest.raises(ValueError, match="fill models"):
        report_of(a_result(other, base=base, days=days))


def test_the_pessimistic_model_is_told() -> None:
    """All numbers but the band are those of the first model."""
    report = report_of(a_result(days=some_days(3)))
    base = report.base

    assert ("pessimistic", base.by_model["pessimistic"]) == (base.model, base.pnl)
    assert (min(base.by_model.values()), max(base.by_model.values())) == base.band
    assert sum(base.per_event.values()) == base.pnl == sum(d.amount for d in base.days)


def test_the_curve_has_its_band() -> None:
    """Each point has the lowest and the highest profit of the models at that moment."""
    report = report_of(a_result(days=some_days(3)))

    assert report.base.pnl == report.base.curve[-1].told
    assert report.base.band == (report.base.curve[-1].low, report.base.curve[-1].high)
    assert all(p.low <= p.told <= p.high for p in report.base.curve)


def test_a_model_with_other_moments_is_left_out_of_the_band() -> None:
    """Curves that have their points elsewhere cannot be laid beside each other."""
    days = some_days(3)
    base = a_variant("base", days)
    odd = attrs.evolve(base.models[2], curve=(CurvePoint(base.told.curve[0].at, money("9999")),))
    base = attrs.evolve(base, models=(*base.models[:2], odd))

    found = report_of(a_result(base=base, days=days)).base.curve

    assert len(base.told.curve) == len(found)
    assert found[-1].high == base.models[1].pnl


# What may be claimed


def test_a_steady_gain_improves() -> None:
    """Twenty days, sixty events, all of them a little better: that is a claim."""
    found = compared(steady(20), bonus=(0, 50, 90))

    assert (Verdict.IMPROVES, 20, 0) == (found.verdict, found.days_better, found.days_worse)
    assert isinstance(found.per_day, Bootstrapped)
    assert found.per_day.studentised.low > 0.5


def test_a_steady_loss_is_worse() -> None:
    """The whole interval is below zero; no number of tries makes that better."""
    found = compared(steady(20, cents=-30), tried=50)

    assert Verdict.WORSE is found.verdict


def test_an_unclear_difference_is_not_disproved() -> None:
    """The interval contains 0: the card says so, and how many days a proof would take."""
    unclear = {
        day: {f"{day} {n}": (-1) ** (i * 3 + n) * 40 + i % 5 for n in range(3)}
        for i, day in enumerate(some_days(20))
    }
    found = compared(unclear)

    assert Verdict.NOT_DISPROVED is found.verdict
    assert found.days_needed is not None
    assert found.days_needed > 20
    assert f"about {found.days_needed:,} days, 20 were recorded" in found.reasons[0]


def test_tries_are_counted() -> None:
    """What convinces as the only try does not as the best of many."""
    gain = {
        day: {f"{day} {n}": (9, -5, 12, 3, -7)[(i + 2 * n) % 5] * 3 for n in range(3)}
        for i, day in enumerate(some_days(21))
    }
    alone, many = compared(gain), compared(gain, tried=100)

    assert isinstance(alone.per_day, Bootstrapped)
    assert alone.per_day.studentised.low > 0
    assert (Verdict.IMPROVES, Verdict.NOT_DISPROVED) == (alone.verdict, many.verdict)
    assert isinstance(many.per_day_counted, Bootstrapped)
    assert many.per_day_counted.studentised.low < alone.per_day.studentised.low
    assert (many.days_needed or 0) > (alone.days_needed or 0)
    assert "100 variants tried" in many.reasons[0]


def test_variants_of_one_replay_are_counted() -> None:
    """Four variants are four tries, whatever the caller says."""
    days = some_days(3)
    report = report_of(a_result(*(a_variant(n, days) for n in "abcd"), days=days), tried=2)

    assert 4 == report.tried
    assert any(note.startswith("4 variants were tried") for note in report.notes)


def test_one_event_is_not_an_improvement() -> None:
    """A gain of which one event has more than a fifth is not called one."""
    gain = steady(20, cents=10)
    first = min(gain)
    gain[first] = gain[first] | {"jackpot": 400}

    found = compared(gain)

    assert Verdict.NOT_DISPROVED is found.verdict
    assert found.one_out is not None
    assert "jackpot" == found.one_out.largest
    assert any("event jackpot carries" in reason for reason in found.reasons)


def test_fill_models_must_agree() -> None:
    """A gain that the kinder models do not find is not called one."""
    found = compared(steady(20), bonus=(0, 0, -9000))

    assert Verdict.NOT_DISPROVED is found.verdict
    assert ("not every fill model finds a gain",) == found.reasons


@pytest.mark.parametrize(
    ("days", "events", "verdict"),
    [
        (DAYS_MIN - 1, 3, Verdict.TOO_LITTLE),
        (DAYS_MIN, 3, Verdict.IMPROVES),
        (0, 0, Verdict.SAME),
    ],
)
def test_few_days_say_nothing(days: int, events: int, verdict: Verdict) -> None:
    """With fewer than ten days there is no interval, and so no claim."""
    found = compared(steady(days, events=events)) if days else compared({some_days(1)[0]: {}})

    assert verdict is found.verdict
    assert (days >= DAYS_MIN) is isinstance(found.per_day, Bootstrapped)


def test_few_events_say_nothing() -> None:
    """The same four events on twenty days are four observations."""
    few = {
        day: {f"long {n}": 30 + (i * 7 + n) % 11 for n in range(EVENTS_MIN - 1)}
        for i, day in enumerate(some_days(20))
    }
    found = compared(few)

    assert Verdict.TOO_LITTLE is found.verdict
    assert "4 events with a difference; 5 are needed" in found.reasons[0]
    assert isinstance(found.per_event, NoInterval)


def test_the_same_money_is_no_difference() -> None:
    """A variant that does what the base does is said to, with any number of days."""
    found = compared(steady(20), theirs=steady(20))

    assert (Verdict.SAME, 0, 0) == (found.verdict, found.days_better, found.days_worse)
    assert (None, None, None) == (found.signs, found.one_out, found.days_needed)


def test_an_unfaithful_replay_claims_nothing() -> None:
    """Below 95 % of the decisions no verdict is given, however large the gain."""
    days = some_days(20)
    variant = a_variant("v", days, gain=0.9)

    found = report_of(a_result(variant, days=days, fidelity=a_fidelity(94, 100)))
    trusted = report_of(a_result(variant, days=days, fidelity=a_fidelity(95, 100)))

    assert (Verdict.NO_CLAIM, Verdict.IMPROVES) == (only(found).verdict, only(trusted).verdict)
    assert any("nothing is claimed" in note for note in found.notes)


def test_a_day_without_trades_counts() -> None:
    """A recorded day on which nothing happened is a day of 0; an unrecorded one is none."""
    gain = steady(20)
    quiet = compared(gain, days=some_days(40))

    assert 40 == len(quiet.days)
    assert isinstance(quiet.per_day, Bootstrapped)
    alone = compared(gain)
    assert isinstance(alone.per_day, Bootstrapped)
    assert 2 * quiet.per_day.estimate == pytest.approx(alone.per_day.estimate)


# Missing is not zero


def test_a_replay_of_nothing_has_no_numbers() -> None:
    """Without a day there are no ratios, no intervals and no scores, and nothing breaks."""
    empty = Variant(
        name="base", models=(a_variant_result({}, deposits=Money(0)), a_variant_result({}))
    )
    empty = attrs.evolve(
        empty, models=tuple(attrs.evolve(r, forecasts=Forecasts()) for r in empty.models)
    )

    base = report_of(a_result(base=empty, days=())).base

    assert isinstance(base.per_day, NoInterval)
    assert (None,) * 8 == (
        base.sharpe,
        base.sortino,
        base.profit_factor,
        base.expectancy,
        base.brier_own,
        base.brier_market,
        base.drawdown_share,
        base.settled,
    )


def test_win_rates_are_held_against_prices() -> None:
    """Two trades at 0.5 and 0.2 with fees, one won: expected 0.72 wins; a sold one is no win."""
    trades = (
        a_trade(paid="0.5", brought="1", fee="0.1"),
        a_trade(paid="0.2", brought="0", fee="0.1"),
        a_trade(paid="0.4", brought="0.6"),
        a_trade(paid="0.9", brought=None),
    )
    base = Variant(name="base", models=(a_variant_result({}, trades=trades),))

    report = report_of(a_result(base=base, days=()))

    settled = report.base.settled
    assert settled is not None
    assert (2, 1, 0.72) == (settled.trades, settled.won, settled.expected)
    assert 1 - 0.49 * 0.79 == pytest.approx(settled.p_so_many)
    assert 1 - 0.51 * 0.21 == pytest.approx(settled.p_so_few)
    assert (4, 1) == (report.base.trades, report.base.still_open)
    # Paid with fees and brought, per contract; the open one is in no bin.
    assert [(2, 1, 0.21, 0.0), (4, 1, 0.41, 0.6), (5, 1, 0.51, 1.0)] == [
        (i, b.trades, b.paid, b.brought) for i, b in enumerate(report.base.paid) if b.trades
    ]
    assert (4.9 - 2.1 + 1.9) / 3 == pytest.approx(report.base.expectancy)
    assert (4.9 + 1.9) / 2.1 == pytest.approx(report.base.profit_factor)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"complete": False}, "stopped before the end"),
        ({"coverage": Coverage(takers=False)}, "no sizes"),
        ({"coverage": Coverage(takers=True, makers=False)}, "resting orders were never filled"),
        ({"coverage": Coverage(takers=True, makers=True, gaps=1)}, "admit 1 gap."),
        (
            {"coverage": Coverage(takers=True, makers=True, days=("2026-10-01", "2026-10-04"))},
            "2 days between",
        ),
        ({"notes": ("Something else.",)}, "Something else."),
    ],
)
def test_limits_are_noted(change: dict[str, Any], note: str) -> None:
    """What limits the replay is told in a sentence."""
    result = attrs.evolve(a_result(days=()), **change)

    assert any(note in found for found in report_of(result).notes)


def test_contradictions_are_noted() -> None:
    """Anomalies in any model make the numbers unsound."""
    base = Variant(name="base", models=(attrs.evolve(a_variant_result({}), anomalies=2),))

    report = report_of(a_result(base=base, days=()))

    assert 2 == report.base.anomalies
    assert any("contradicted" in note for note in report.notes)


def test_a_sound_replay_has_no_notes() -> None:
    """Nothing is noted where nothing is wrong."""
    assert () == report_of(a_result(days=some_days(3), fidelity=a_fidelity())).notes


# JSON


def a_whole_result() -> ReplayResult:
    """Return a result in which everything occurs."""
    days = some_days(12)
    return a_result(
        a_variant("gain", days, gain=0.9),
        a_variant("none", days),
        days=days,
        fidelity=a_fidelity(99, 100),
    )


def test_equal_replays_give_equal_bytes() -> None:
    """The report has no other input than the result."""
    assert canonical_json(report_of(a_whole_result())) == canonical_json(
        report_of(a_whole_result())
    )


def no_float(text: str) -> float:
    """Refuse to read a float."""
    message = f"a float in the report: {text}"
    raise AssertionError(message)


def test_the_json_is_canonical() -> None:
    """Keys are sorted, numbers are integers or decimal strings, and reading it back is lossless."""
    text = canonical_json(report_of(a_whole_result()))

    value = json.loads(text, parse_float=no_float, parse_constant=no_float)

    again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert text == again
    assert "\n" not in text


def test_the_json_has_the_money_exactly() -> None:
    """Amounts are written to the last unit, in dollars."""
    result = a_whole_result()
    value = json_value(report_of(result))

    told = result.variants[0].told
    assert format_money(told.pnl) == value["variants"][0]["pnl"]
    assert {e: format_money(m) for e, m in told.per_event.items()} == value["variants"][0][
        "per_event"
    ]
    assert (1, "0.99", None) == (
        value["report"],
        value["fidelity"]["share"],
        value["base"]["comparison"],
    )
    assert "improves" == value["variants"][0]["comparison"]["verdict"]


def test_a_missing_interval_says_what_is_missing() -> None:
    """Instead of numbers there are the lack, what there is and what is needed."""
    value = json_value(report_of(a_result(a_variant("v", some_days(3)), days=some_days(3))))

    assert {"lack": "too few units", "have": 3, "need": 10} == value["variants"][0]["comparison"][
        "per_day"
    ]
    assert value["base"]["sharpe"] is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1e-7, "0.0000001"),
        (1e12, "1000000000000"),
        (0.1 + 0.2, "0.3"),
        (-12.5, "-12.5"),
        (100.0, "100"),
        (None, None),
    ],
)
def test_floats_become_plain_decimals(value: float | None, text: str | None) -> None:
    """At most nine digits, never an exponent, no trailing zeros; nothing stays nothing."""
    assert text == decimal_text(value)
