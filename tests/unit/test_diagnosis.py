"""What replays of a ladder say of a leak, and how much of a change was recorded."""

from __future__ import annotations

import pytest

from market_bot.core.domain.leaks.api import Kind
from market_bot.core.domain.numbers import Money, money
from market_bot.core.domain.replay_report.judge import compare
from market_bot.core.domain.replay_report.shape import Comparison
from market_bot.core.domain.replay_result import Coverage, Variant
from market_bot.core.domain.tuning.card import Evaluability, evaluability, in_dollars
from market_bot.core.domain.tuning.diagnosis import Ladder, diagnose
from tests.fakes.nights import CENT
from tests.fakes.replay_results import a_variant_result, some_days

PATH = "exits.stop_loss.distance"
COST = money("2")


def compared(gain: int, *, days: int = 12, trusted: bool = True) -> Comparison:
    """Return a variant that makes so many cents a day more, on days that differ."""
    dates = some_days(days)
    base, variant = (
        Variant(
            name=name,
            models=(
                a_variant_result(
                    {
                        day: {f"E{n}-{k}": Money(100 * CENT + more * (n % 3 + k) * CENT // 6)
                              for k in (0, 1, 2)}
                        for n, day in enumerate(dates)
                    },
                    name=name,
                ),
            ),
        )
        for name, more in (("base", 0), ("v", gain))
    )  # fmt: skip
    return compare(base, variant, days=dates, tried=1, trusted=trusted)


def ladder(gains: dict[str, Comparison], way: int = 1) -> Ladder:
    """Return a knob at 0.12 with these values replayed."""
    return Ladder(path=PATH, value="0.12", way=way, compared=gains)


def test_half_of_the_cost_with_neighbours_that_agree() -> None:
    """Then a knob can mend it, and it is said which value."""
    told = diagnose(COST, [ladder({"0.14": compared(400), "0.16": compared(300)})])

    assert told.kind is Kind.TUNING
    assert told.why.startswith(f"{PATH} at 0.14")
    assert float(told.numbers[f"{PATH}=0.14"]) > 1


@pytest.mark.parametrize(
    "gains",
    [
        {"0.14": compared(0), "0.16": compared(0)},
        {"0.14": compared(60), "0.16": compared(60)},
        {"0.14": compared(-400), "0.16": compared(-400)},
        {"0.14": compared(400), "0.16": compared(-400)},
    ],
)
def test_no_value_helps(gains: dict[str, Comparison]) -> None:
    """Flat, far too little, worse, or a peak beside a loss: the knob is not the cause."""
    assert diagnose(COST, [ladder(gains)]).kind is Kind.STRUCTURAL


@pytest.mark.parametrize(
    "gains",
    [{}, {"0.14": compared(400, days=9)}, {"0.14": compared(400, trusted=False)}],
)
def test_too_little_to_tell(gains: dict[str, Comparison]) -> None:
    """Neither tuning nor structural is claimed."""
    assert diagnose(COST, [ladder(gains)]).kind is Kind.NOISE


def test_without_knobs_nothing_can_be_told() -> None:
    """A finding that names none was not diagnosed."""
    assert diagnose(COST, []).kind is Kind.NOISE


def test_one_knob_that_helps_is_enough() -> None:
    """The other one may be flat."""
    flat = ladder({"0.14": compared(0)})

    assert diagnose(COST, [flat, ladder({"0.14": compared(400)})]).kind is Kind.TUNING


def test_only_the_direction_of_the_finding_counts() -> None:
    """A gain the other way mends another leak, if any."""
    assert diagnose(COST, [ladder({"0.1": compared(400)}, way=1)]).kind is Kind.NOISE


FULL = Coverage(takers=True, makers=True)


@pytest.mark.parametrize(
    ("path", "way", "coverage", "kind"),
    [
        ("strategies.bias_harvest.params.min_edge", 1, FULL, Evaluability.A),
        ("strategies.bias_harvest.params.min_edge", -1, FULL, Evaluability.C),
        ("strategies.bias_harvest.params.price_min", 1, FULL, Evaluability.A),
        ("strategies.bias_harvest.params.price_max", -1, FULL, Evaluability.A),
        ("markets.max_spread", -1, FULL, Evaluability.A),
        ("markets.max_spread", 1, FULL, Evaluability.C),
        ("strategies.bias_harvest.params.exit_below", -1, FULL, Evaluability.B),
        (PATH, 1, FULL, Evaluability.B),
        ("cooldown.after_exit_seconds", 1, FULL, Evaluability.B),
        ("cooldown.after_exit_seconds", -1, FULL, Evaluability.C),
        ("sizing.order_usd", 1, FULL, Evaluability.C),
        (PATH, 1, Coverage(), Evaluability.D),
        ("strategies.market_making.params.skew", 1, Coverage(takers=True), Evaluability.D),
    ],
)
def test_how_much_was_recorded(path: str, way: int, coverage: Coverage, kind: Evaluability) -> None:
    """Fewer trades are known exactly, other ends nearly, new trades only from books."""
    assert evaluability(path, way, coverage) is kind


def test_cents_are_rounded_as_people_do() -> None:
    """Half a cent goes away from zero, a loss has its sign, and nothing has none."""
    told = [in_dollars(money(t)) for t in ("1.005", "-0.014", "-0.015", "-0.001", "12345.6")]

    assert ["+$1.01", "-$0.01", "-$0.02", "$0.00", "+$12,345.60"] == told
