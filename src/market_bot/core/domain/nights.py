"""Which night is due, and what the journal says was done of it already.

A night has the name of the UTC date on which it is due, and judges the whole UTC day before. It has
two parts: its findings, which are complete once their `LeakReview` is written, and its proposals,
complete with `NightEnded`. Whatever a clock does, and however often a bot is started again, nothing
but these two lines decides what is left to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, TypeVar

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.judge import Past, past_of
from market_bot.core.domain.numbers import HOUR, Duration, Micros, parse_time, utc_date

DAY: Final = Duration(24 * HOUR)
TRIED_DAYS: Final = 30
"""For so long a variant that was replayed counts against those that come after it."""

_MINUTE: Final = HOUR // 60
_KEPT: Final = 40

E = TypeVar("E", bound=ev.Event)


class Part(Enum):
    """What is left to do of a night."""

    REVIEW = "review"
    PROPOSALS = "proposals"
    NOTHING = "nothing"


def night_due(now: Micros, minute_of_day: int) -> str:
    """Return the night that was due last at a moment; earlier ones are not made up for."""
    return utc_date(Micros(now - minute_of_day * _MINUTE))


def judged_by(night: str) -> tuple[Micros, Micros]:
    """Return the day that a night judges: its first moment, and the first one after it.

    Raises:
        ValueError: if it is not the name of a night.

    """
    until = parse_time(f"{night}T00:00:00Z")
    return Micros(until - DAY), until


@attrs.frozen(kw_only=True)
class NightLog:
    """What a journal says of the nights so far: a fold over it.

    Args:
        begins: the time of the first line that is kept, None without any.
        reviews: those that are complete, by night.
        leaks: their findings, in order.
        ended: nights that are over.

    """

    begins: Micros | None = None
    reviews: Mapping[str, ev.LeakReview] = attrs.field(factory=dict)
    leaks: tuple[ev.Leak, ...] = ()
    ended: Mapping[str, ev.NightEnded] = attrs.field(factory=dict)

    def hear(self, at: Micros, event: ev.Event) -> NightLog:
        """Return the log after the next line of the journal."""
        log = self if self.begins is not None else attrs.evolve(self, begins=at)
        match event:
            case ev.LeakReview():
                reviews = _newest({**log.reviews, event.night: event})
                kept = tuple(leak for leak in log.leaks if leak.night >= min(reviews))
                return attrs.evolve(log, reviews=reviews, leaks=kept)
            case ev.Leak():
                return attrs.evolve(log, leaks=(*log.leaks, event))
            case ev.NightEnded():
                return attrs.evolve(log, ended=_newest({**log.ended, event.night: event}))
            case _:
                return log

    def left(self, night: str) -> Part:
        """Return what is to be done of a night: nothing of one that is not the newest."""
        _, until = judged_by(night)
        newest = max(self.reviews, default="")
        if night < newest or night in self.ended:
            return Part.NOTHING
        if night in self.reviews:
            return Part.PROPOSALS
        return Part.REVIEW if self.begins is not None and self.begins < until else Part.NOTHING

    def history(self) -> tuple[Past, ...]:
        """Return what earlier nights saw."""
        return past_of(self.reviews.values(), self.leaks)

    def told(self, night: str) -> frozenset[str]:
        """Return the findings of a night that are written down, complete or not."""
        return frozenset(leak.finding for leak in self.leaks if leak.night == night)

    def tried(self, night: str) -> frozenset[str]:
        """Return every variant that was replayed in the month before a night."""
        since = utc_date(Micros(judged_by(night)[1] - TRIED_DAYS * DAY))
        return frozenset(
            name
            for ended in self.ended.values()
            if since <= ended.night < night
            for name in ended.tried
        )


def _newest(known: Mapping[str, E]) -> dict[str, E]:
    return {night: known[night] for night in sorted(known)[-_KEPT:]}
