"""What a trial must achieve on simulated windows: few false alarms, most harm found.

The ordinary tests look at a few hundred windows, with margins so wide that chance alone does not
fail them; `make soak` looks at twenty thousand with the margins that the page on rollback promises.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random

import pytest

from market_bot.core.domain.rollback.baseline import Baseline
from market_bot.core.domain.rollback.evidence import PNL, TRIPWIRE
from tests.simulation.rollback_windows import (
    QUIET,
    RATES,
    Harm,
    Lane,
    Watched,
    baselines_of,
    error_look,
    probation,
    windows,
)

CHANCE = 0.02
VENUE = 0.16

kept_baselines = cache(baselines_of)


def seen(rate: float, many: int, harm: Harm = QUIET, baselines: int = 2) -> list[Watched]:
    """Return what the tests say of so many windows."""
    return list(windows(kept_baselines(rate, baselines, 40), rate, many, harm))


def reverted(found: Sequence[Watched], code: str = "") -> float:
    """Return the share of windows with an alarm, of one test or of any."""
    return sum(code in w.alarms if code else bool(w.alarms) for w in found) / len(found)


def caught_on_probation(
    baselines: Sequence[Baseline], many: int, worse: float, events: int
) -> float:
    """Return the share of probations at ten entries an hour that alarm within so many events."""
    caught = 0
    for number, baseline in enumerate(baselines):
        lane = Lane(10, 3_000_000 + number)
        for _ in range(many // len(baselines)):
            caught += probation(lane, baseline, Harm(worse=worse), events).alarms
    return caught / many


def errors_found(many: int, ours: float, beside: float, calls: int = 300) -> float:
    """Return the share of windows with an error alarm by minute 30."""
    rng = Random(7)
    found = [error_look(rng, CHANCE, ours, beside, calls=calls)[0] for _ in range(many)]
    return sum(minute is not None and minute <= 30 for minute in found) / many


@pytest.mark.parametrize("rate", [4, 30])
def test_quiet_windows_pass(rate: float) -> None:
    """Of 400 at most 9 % are reverted: with 5 % in truth more would be seen once in 3,000 runs."""
    assert reverted(seen(rate, 400)) <= 0.09


def test_harm_is_found() -> None:
    """Of 200 windows with 30 entries an hour and 0.65 deviations of harm at least 70 %."""
    assert reverted(seen(30, 200, Harm(worse=0.65))) >= 0.70


def test_predicted_trades_are_no_harm() -> None:
    """Three times as many, as replay said: at most 10 % of 200 windows."""
    assert reverted(seen(30, 200, Harm(times=3.0, predicted=3.0)), PNL) <= 0.10


def test_unpredicted_trades_are_seen_beside_a_shadow() -> None:
    """Five times as many, which nobody foretold."""
    assert reverted(seen(30, 100, Harm(times=5.0)), "too_many") >= 0.60


def test_probation_finds_what_the_hour_could_not() -> None:
    """0.5 deviations of harm within 100 events; quiet ones are left alone."""
    usual = kept_baselines(10, 2, 40)

    assert caught_on_probation(usual, 60, 0.5, 100) >= 0.70
    assert caught_on_probation(usual, 60, 0.0, 100) <= 0.10


def test_errors_are_found_and_incidents_are_not_blamed() -> None:
    """Eight times as many within 30 minutes, at 300 orders an hour; not if all else fails too."""
    assert errors_found(300, 8 * CHANCE, 0.005) >= 0.90
    assert errors_found(300, VENUE, VENUE) <= 0.03
    assert errors_found(300, CHANCE, 0.005) <= 0.03


@pytest.mark.soak
@pytest.mark.parametrize("rate", RATES)
def test_twenty_thousand_quiet_windows_pass(rate: float) -> None:
    """At most 5 % reverted; each test within its budget, a third more at most."""
    found = seen(rate, 20_000, baselines=20)

    assert reverted(found) <= 0.05
    assert reverted(found, PNL) <= 0.025 * 1.3
    assert reverted(found, TRIPWIRE) <= 0.005 * 2.5
    assert reverted(found, "too_many") + reverted(found, "too_few") <= 0.01 * 1.3


@pytest.mark.soak
@pytest.mark.parametrize("rate", [30, 60])
def test_harm_is_found_within_the_hour(rate: float) -> None:
    """80 % of 0.65 deviations, 90 % of 1.3; three times as many trades are at most 7 %.

    Half of the windows of a lane with 30 entries on average have fewer, and there less is seen.
    """
    harmed = seen(rate, 4_000, Harm(worse=0.65), 8)
    assert reverted(harmed) >= 0.80
    assert reverted([w for w in harmed if w.entries >= 30]) >= 0.90
    assert reverted(seen(rate, 4_000, Harm(worse=1.3), 8)) >= 0.90
    assert reverted(seen(rate, 4_000, Harm(times=3.0, predicted=3.0), 8), PNL) <= 0.07


@pytest.mark.soak
def test_probation_and_errors_keep_their_promises() -> None:
    """90 % of 0.5 deviations within 100 events; errors 95 % and incidents 1 %."""
    usual = kept_baselines(10, 8, 40)

    assert caught_on_probation(usual, 1_600, 0.5, 100) >= 0.90
    assert caught_on_probation(usual, 1_600, 0.0, 200) <= 0.05
    assert errors_found(5_000, 8 * CHANCE, 0.005) >= 0.95
    assert errors_found(5_000, VENUE, VENUE) <= 0.01
