"""A day's summary of every lane for a person, with the heads of all chains as they stand.

Whoever keeps the message can tell later whether the journals were changed since: a chain that is
sound and still holds that line under that number is the one that was told of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from market_bot.core.domain.notices import SYSTEM, Kind, Notice
from market_bot.core.domain.numbers import HOUR, SECOND, Micros, Money, format_money
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.lane_snapshot import LaneSnapshot

_DAY: Final = 24 * HOUR
_MINUTE: Final = 60 * SECOND
_COUNTED: Final = ("fills", "exits", "denied", "errors")
_CENT: Final = 10**10

Lanes = Callable[[], Sequence[LaneSnapshot]]


@attrs.frozen
class _Before:
    """What a lane had come to at the summary before."""

    equity: Money
    deposits: Money
    counts: Mapping[str, int]


@attrs.define(eq=False)
class SumUpDay:
    """Writes a summary once a UTC day, at the first look after its minute.

    Args:
        minute: minutes after midnight UTC.
        lanes: returns the present picture of every lane.

    """

    minute: int
    lanes: Lanes
    _due: Micros | None = attrs.field(default=None, init=False)
    _before: dict[str, _Before] = attrs.field(factory=dict, init=False)

    def __call__(self, now: Micros) -> Notice | None:
        """Return the summary if it is due."""
        if self._due is None:
            self._due = self._after(now)
            self._remember()
        # A clock that was set back by days must not silence this for as long.
        self._due = min(self._due, self._after(now)) if now < self._due - _DAY else self._due
        if now < self._due:
            return None
        self._due = self._after(now)
        notice = self._written()
        self._remember()
        return notice

    def _after(self, now: Micros) -> Micros:
        due = now // _DAY * _DAY + self.minute * _MINUTE
        return Micros(due if due > now else due + _DAY)

    def _remember(self) -> None:
        self._before = {
            name_of(one): _Before(one.equity, one.deposits, one.counts) for one in self.lanes()
        }

    def _written(self) -> Notice:
        lanes = self.lanes()
        lines = [self._line(one) for one in lanes]
        heads = [(_chain(one), *one.head) for one in lanes]
        lines += [f"head {chain} {number} {digest}" for chain, number, digest in heads if number]
        return Notice(Kind.DAILY, SYSTEM, "the day in short", tuple(lines))

    def _line(self, one: LaneSnapshot) -> str:
        before = self._before.get(name_of(one), _Before(one.equity, one.deposits, {}))
        gained = (one.equity - one.deposits) - (before.equity - before.deposits)
        counts = ", ".join(
            f"{what} {max(0, one.counts.get(what, 0) - before.counts.get(what, 0))}"
            for what in _COUNTED
        )
        state = "halted" if one.halted else one.phase
        return (
            f"{name_of(one)}: {state}, equity {_dollars(one.equity)} ({_signed(gained)}), "
            f"{len(one.positions)} held, at stake {_dollars(one.exposure)}; {counts}"
        )


def name_of(lane: LaneSnapshot) -> str:
    """Return a lane's name as people know it."""
    return f"{lane.venue}/{lane.lane}"


def _chain(lane: LaneSnapshot) -> str:
    return str(Chain(lane.venue, lane.lane, lane.run))


def _dollars(value: int) -> str:
    """Return dollars to the cent, for reading."""
    cents = (value + _CENT // 2) // _CENT
    return format_money(Money(cents * _CENT))


def _signed(value: int) -> str:
    return f"+{_dollars(value)}" if value >= 0 else _dollars(value)
