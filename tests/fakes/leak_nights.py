"""Nights of synthetic lanes, through the real window builder."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from market_bot.bootstrap.discovery import builtin_leak_rules
from market_bot.core.domain import events as ev
from market_bot.core.domain.analytics.build import WindowBuilder
from market_bot.core.domain.analytics.window import Window
from market_bot.core.domain.leaks.api import LeakRule, Night
from market_bot.core.domain.leaks.judge import Past, Review, judge
from market_bot.core.domain.leaks.synthetic import CHAIN, SyntheticLane
from market_bot.core.domain.leaks.synthetic_plan import CONFIG
from market_bot.core.domain.numbers import HOUR, Micros

DAY = 24 * HOUR
# What was opened longer ago than this is closed, see the plan of synthetic lanes.
WARM_UP = 40 * HOUR
WEEK = 7

Lines = Sequence[tuple[int, Micros, ev.Event]]


def window(lines: Lines, since: int, until: int) -> Window:
    """Return the window of a stretch, with the lines before it as warm-up."""
    builder = WindowBuilder(CHAIN, Micros(since), Micros(until))
    first = bisect_left(lines, since - WARM_UP, key=lambda line: line[1])
    for seq, at, event in lines[first:]:
        if at >= until:
            break
        builder.hear(seq, at, event, CONFIG)
    return builder.close()


def night(lane: SyntheticLane, lines: Lines, until: int, *, month: bool = False) -> Night:
    """Return the night that ends at a moment of a lane's life."""
    week = window(lines, until - WEEK * DAY, until)
    return Night(
        night=f"night-{(until - lane.since) // DAY:03d}",
        day=window(lines, until - DAY, until),
        week=week,
        month=window(lines, lane.since, until) if month else week,
        knobs=lane.knobs,
        seed=f"night-{(until - lane.since) // DAY:03d}",
    )


def reviews(
    lane: SyntheticLane, *, nights: int = 3, rules: Iterable[LeakRule] | None = None
) -> Iterator[Review]:
    """Yield the verdicts on the last nights of a lane, each knowing those before it."""
    known = tuple(builtin_leak_rules() if rules is None else rules)
    lines = list(lane.lines())
    past: list[Past] = []
    for back in reversed(range(nights)):
        found = judge(night(lane, lines, lane.until - back * DAY), known, past)
        past.append(Past(night=found.night, seen=found.seen))
        yield found
