"""The summary of the day: once a day, what came of it, and where every chain stands."""

from __future__ import annotations

import attrs

from market_bot.core.domain.numbers import HOUR, Micros, money
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.sum_up_day import SumUpDay
from tests.fakes.clock import NOON
from tests.fakes.desk import a_busy_lane

SEVEN = 7 * 60
HASH = "ab" * 32


def hours(count: float) -> Micros:
    """Return the moment so many hours after Monday noon."""
    return Micros(NOON + round(count * HOUR))


def test_once_a_day_at_its_minute() -> None:
    """It comes at the first look after seven, not at the start, and not twice."""
    summary = SumUpDay(SEVEN, lambda: [a_busy_lane()])
    told = [hour for hour in range(72) if summary(hours(hour)) is not None]

    assert [19, 43, 67] == told


def test_it_says_what_came_of_the_day() -> None:
    """Money and counts are those since the summary before; money put in is no gain."""
    lanes: list[LaneSnapshot] = [a_busy_lane()]
    summary = SumUpDay(SEVEN, lambda: lanes)
    summary(hours(0))
    lanes[0] = attrs.evolve(
        lanes[0],
        equity=money("1110.5"),
        deposits=money("1100"),
        counts={**lanes[0].counts, "fills": 24},
        head=(5000, HASH),
    )
    notice = summary(hours(20))

    assert notice is not None
    assert notice.detail == (
        (
            "kalshi/paper: trading, equity 1110.5 (-2.35), 1 held, at stake 131.2; "
            "fills 5, exits 0, denied 0, errors 0"
        ),
        f"head kalshi/paper 5000 {HASH}",
    )


def test_a_chain_without_lines_has_no_head() -> None:
    """What was never written cannot be compared with later."""
    summary = SumUpDay(SEVEN, lambda: [a_busy_lane(head=(0, "0" * 64))])
    summary(hours(0))
    notice = summary(hours(20))

    assert notice is not None
    assert not any(line.startswith("head") for line in notice.detail)


def test_a_clock_set_back_does_not_silence_it() -> None:
    """After days in the future the next summary comes on its own day."""
    summary = SumUpDay(SEVEN, lambda: [a_busy_lane()])
    summary(hours(240))
    summary(hours(0))

    assert summary(hours(20)) is not None
