"""A lane's life that never happened, with leaks whose cost is known.

For tests, for authors of rules and for demonstrations. A lane with 4,000 entries and a leak in it
is `synthetic_lane("seed", {"late_exit": 2.0})`; what it would have written into its journal is
`SyntheticLane.lines`, and `SyntheticLane.costs` says what each leak really cost a day. Strengths
are multiples of a leak's smallest effect, see `MINIMUM`. Equal arguments give equal lines, on every
machine.

Trades of an event share most of their luck, moves have fat tails, activity comes in clusters, and
unless something is planted a lane earns ``skill`` times the edge that it predicts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.synthetic_lines import attempt_lines
from market_bot.core.domain.leaks.synthetic_plan import (
    CASH,
    CONFIG,
    DAY,
    KNOBS,
    START,
    STRATEGY,
    Attempt,
    Plan,
    planned,
)
from market_bot.core.domain.numbers import MONEY_SCALE, SECOND, Duration, Micros, Money

MINIMUM: Final[Mapping[str, float]] = {
    "cooldown_over_rejection": 0.75,
    "family_loser": 1.5,
    "premature_stop": 1.25,
    "late_exit": 1.0,
    "spread_and_slippage": 0.75,
    "fees_taker": 1.0,
    "adverse_selection": 1.0,
    "entry_threshold": 1.5,
    "idle_capital": 0.75,
    "time_and_resolution": 2.0,
}
"""The smallest effect of each leak, in cents per contract that it strikes."""

CHAIN: Final = "synthetic"
DAYS_MAX: Final = 366
ENTRIES_MAX: Final = 1_000
_SCAN_EVERY: Final = Duration(300 * SECOND)
_CENT: Final = 10 ** (MONEY_SCALE - 2)

Line = tuple[int, Micros, ev.Event]


class NoSuchLeakError(ValueError):
    """A leak was wished that cannot be planted; the message says which there are."""


@attrs.frozen(kw_only=True)
class SyntheticLane:
    """A life of a lane.

    Args:
        since, until: its first moment and the first one after it, at midnight UTC.
        costs: what each planted leak truly cost, in dollars per day.
        knobs: what could be tuned, as `market_bot.core.domain.leaks.api.Night` has it.
        attempts: what the lane tried, in order of time.

    """

    since: Micros
    until: Micros
    costs: Mapping[str, Money]
    knobs: Mapping[str, str | None]
    attempts: tuple[Attempt, ...]

    def lines(self) -> Iterator[Line]:
        """Yield its journal: sequence number, time and event, in journal order."""
        told = [line for attempt in self.attempts for line in attempt_lines(attempt)]
        told += self._clock()
        told.sort(key=lambda line: line[0])
        for seq, (at, event) in enumerate(told, start=1):
            if at < self.until:
                yield seq, at, event

    def _clock(self) -> list[tuple[Micros, ev.Event]]:
        """Return start, days and scans; the equity counts what is held at its cost."""
        started = ev.BotStarted(
            mode="paper", instance="synthetic", version="0", fold=0, cash=CASH, config=CONFIG
        )
        lines: list[tuple[Micros, ev.Event]] = [(self.since, started)]
        gains = sorted((at, gain) for one in self.attempts for at, gain in one.gains())
        equity, done = int(CASH), 0
        for at in range(self.since, self.until, _SCAN_EVERY):
            while done < len(gains) and gains[done][0] <= at:
                equity += gains[done][1]
                done += 1
            if (at - self.since) % DAY == 0:
                date = f"{(at - self.since) // DAY:04d}"
                opened = ev.DayOpened(date=date, equity=Money(equity), cash=Money(equity))
                lines.append((Micros(at), opened))
            lines.append((Micros(at), _scan(Money(equity))))
        return lines


def synthetic_lane(
    seed: str,
    leaks: Mapping[str, float] | None = None,
    *,
    entries_per_hour: int = 6,
    days: int = 28,
    skill: float = 1.0,
    structural: Collection[str] = (),
    since: Micros = START,
) -> SyntheticLane:
    """Return the life of a lane with these leaks.

    Args:
        seed: any text.
        leaks: strengths by name of the leak, in multiples of its `MINIMUM`.
        entries_per_hour: how many orders to open a position an hour, on average.
        days: how long it lasts.
        skill: which share of its predicted edge the lane earns where nothing leaks; 0 breaks even.
        structural: leaks that are planted in the form that no knob could stop.
        since: its first moment, at midnight UTC.

    Raises:
        NoSuchLeakError: for a leak that is not in `MINIMUM`, or a strength below zero.
        ValueError: for numbers that make no sense.

    """
    wanted = dict(leaks or {})
    unknown = sorted({*wanted, *structural} - set(MINIMUM))
    if unknown or any(strength < 0 for strength in wanted.values()):
        msg = f"no such leak: {unknown}; there are {', '.join(MINIMUM)}, with strengths from 0"
        raise NoSuchLeakError(msg)
    if not 1 <= entries_per_hour <= ENTRIES_MAX or not 1 <= days <= DAYS_MAX or since % DAY:
        msg = f"{entries_per_hour} entries an hour for {days} days from {since}"
        raise ValueError(msg)
    plan = Plan(
        seed=seed,
        effects={name: strength * MINIMUM[name] for name, strength in wanted.items() if strength},
        structural=frozenset(structural),
        entries_per_hour=entries_per_hour,
        days=days,
        skill=skill,
        since=since,
    )
    attempts = planned(plan)
    lost = dict.fromkeys(plan.effects, 0.0)
    for attempt in attempts:
        for name, cents in attempt.lost.items():
            lost[name] += cents
    return SyntheticLane(
        since=since,
        until=Micros(since + days * DAY),
        costs={name: Money(round(cents / days) * _CENT) for name, cents in lost.items()},
        knobs=KNOBS,
        attempts=attempts,
    )


def synthetic_night(
    seed: str,
    leaks: Mapping[str, float] | None = None,
    entries_per_hour: int = 6,
    days: int = 28,
) -> Iterator[Line]:
    """Yield the journal of a lane with these leaks; see `synthetic_lane`, which knows the costs.

    Raises:
        NoSuchLeakError: for a leak that cannot be planted.
        ValueError: for numbers that make no sense.

    """
    return synthetic_lane(seed, leaks, entries_per_hour=entries_per_hour, days=days).lines()


def _scan(equity: Money) -> ev.Scan:
    return ev.Scan(position="", markets=1, views=1, signals=0, denied=0, intents=0, equity=equity)


__all__ = [
    "CHAIN",
    "MINIMUM",
    "STRATEGY",
    "NoSuchLeakError",
    "SyntheticLane",
    "synthetic_lane",
    "synthetic_night",
]
