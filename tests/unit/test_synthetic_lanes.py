"""A synthetic lane is a lane: its journal folds, and its leaks cost what it says."""

from __future__ import annotations

from functools import reduce

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.leaks.synthetic import (
    MINIMUM,
    NoSuchLeakError,
    SyntheticLane,
    synthetic_lane,
    synthetic_night,
)
from market_bot.core.domain.leaks.synthetic_dice import Dice
from market_bot.core.domain.orders import Style
from tests.fakes.leak_nights import DAY, window


@pytest.fixture(scope="module")
def lane() -> SyntheticLane:
    """Return two days in which nothing leaks."""
    return synthetic_lane("plain", days=2)


def test_equal_seeds_give_equal_lives(lane: SyntheticLane) -> None:
    """The journal depends on its arguments alone."""
    assert list(lane.lines()) == list(synthetic_night("plain", days=2))
    assert list(lane.lines()) != list(synthetic_lane("other", days=2).lines())


def test_the_journal_is_in_order(lane: SyntheticLane) -> None:
    """Numbers have no hole, time never runs back, and nothing comes after the end."""
    lines = list(lane.lines())
    times = [at for _, at, _ in lines]

    assert list(range(1, len(lines) + 1)) == [seq for seq, _, _ in lines]
    assert sorted(times) == times
    assert times[-1] < lane.until


def test_the_fold_finds_no_contradiction(lane: SyntheticLane) -> None:
    """Folding the journal meets no anomaly, and its profit is that of the window."""
    state = reduce(lambda s, line: apply(s, line[2], line[1]), lane.lines(), LaneState())
    seen = window(list(lane.lines()), lane.since, lane.until)

    assert 0 == state.anomalies
    assert sum(one.pnl for one in seen.closed) == seen.realised
    assert len(seen.entries) > 200
    assert {"stop_loss", "max_hold"} <= {one.reason for one in seen.departures}


def test_the_last_equity_is_what_was_gained(lane: SyntheticLane) -> None:
    """Equity at the last scan is the cash at first, what was realised, and fees of what is held."""
    lines = list(lane.lines())
    scan = next(event for _, _, event in reversed(lines) if isinstance(event, ev.Scan))
    at = next(at for _, at, event in reversed(lines) if isinstance(event, ev.Scan))
    seen = window(lines, lane.since, at + 1)
    started = next(event for _, _, event in lines if isinstance(event, ev.BotStarted))

    held = sum(one.fees for one in seen.held)

    assert started.cash + seen.realised - held == scan.equity


@pytest.mark.parametrize("leak", MINIMUM)
def test_a_leak_costs_what_is_said(leak: str) -> None:
    """Twice the strength costs twice as much, and none costs nothing."""
    once = synthetic_lane("cost", {leak: 1.0}, days=2, entries_per_hour=3)
    twice = synthetic_lane("cost", {leak: 2.0}, days=2, entries_per_hour=3)

    # A stop or an exit may come at another time when prices are moved more.
    assert 0 < once.costs[leak]
    assert 1.5 < twice.costs[leak] / once.costs[leak] < 3.5
    assert {} == synthetic_lane("cost", {leak: 0.0}, days=1).costs


def test_slippage_costs_to_the_cent() -> None:
    """What is lost beside the same life without the leak is what the lane says."""
    kwargs = {"days": 2, "entries_per_hour": 4}
    plain = synthetic_lane("pair", **kwargs)  # type: ignore[arg-type]  # days and entries
    worse = synthetic_lane("pair", {"spread_and_slippage": 2.0}, **kwargs)  # type: ignore[arg-type]  # as above
    gained = [
        sum(gain for one in lane.attempts if one.style is Style.TAKER for _, gain in one.gains())
        for lane in (plain, worse)
    ]

    assert gained[0] - gained[1] == pytest.approx(2 * worse.costs["spread_and_slippage"], rel=0.01)


def test_what_cannot_be_planted_is_refused() -> None:
    """Unknown leaks, negative strengths and senseless lengths are told."""
    with pytest.raises(NoSuchLeakError, match="no such leak: \\['ghosts'\\]"):
        synthetic_lane("s", {"ghosts": 1.0})
    with pytest.raises(NoSuchLeakError, match="strengths from 0"):
        synthetic_lane("s", {"late_exit": -1.0})
    with pytest.raises(ValueError, match="0 days"):
        synthetic_lane("s", days=0)


def test_dice_are_fair_and_have_fat_tails() -> None:
    """Moves have mean 0 and variance 1, and more of them are far out than bells have."""
    dice = Dice("dice")
    moves = [dice.bell() for _ in range(20_000)]
    variance = sum(m * m for m in moves) / len(moves)

    assert 0.03 > abs(sum(moves) / len(moves))
    assert 0.93 < variance < 1.17
    assert 3.5 < sum(m**4 for m in moves) / len(moves) / variance**2
    assert 0.5 == pytest.approx(sum(dice.unit() for _ in range(5_000)) / 5_000, abs=0.02)
    assert {0, 1, 2} == {dice.below(3) for _ in range(100)}


def test_days_are_whole() -> None:
    """Four days begin at midnight and last four days."""
    lane = synthetic_lane("days", days=4, entries_per_hour=1)

    assert 0 == lane.since % DAY
    assert 4 * DAY == lane.until - lane.since
    assert 4 == sum(isinstance(event, ev.DayOpened) for _, _, event in lane.lines())
