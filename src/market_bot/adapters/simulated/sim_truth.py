"""Hidden true probabilities: exact martingales that end where the markets are decided.

Three processes, each exact for steps of any length, so that nobody has to look often for the truth
to be right: a quantity that walks (`Walk`), evidence that gathers for one of several outcomes
(`Evidence`), and an outside price (`Priced` on a `Path`). When news will come is part of what is
hidden, so a jump is a lump of variance at a moment known to the process; given that, what is left
is normal, and the probability follows in closed form.
"""

from __future__ import annotations

import hashlib
import math
import random
from abc import abstractmethod
from collections.abc import Sequence
from typing import Final, Protocol

import attrs

from market_bot.core.domain.market import Condition
from market_bot.core.domain.numbers import SECOND, Duration, Micros

_CERTAIN: Final = 1e-12
_NORMAL_GRID: Final = 2.0**30
_YEAR_SECONDS: Final = 365 * 86_400
_CENTS: Final = 100


def stream(*names: object) -> random.Random:
    """Return a source of chance of its own; only its method `random` may be used.

    Of that method Python promises the same numbers in every version.
    """
    text = "|".join(str(name) for name in names)
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))


def normal(chance: random.Random) -> float:
    """Return a normally distributed number, cut to a grid that hides what machines disagree on."""
    radius = math.sqrt(-2.0 * math.log(1.0 - chance.random()))
    drawn = radius * math.cos(2.0 * math.pi * chance.random())
    return math.floor(drawn * _NORMAL_GRID) / _NORMAL_GRID


def below(value: float) -> float:
    """Return the chance that a standard normal number is less than ``value``."""
    return 0.5 * math.erfc(-value / math.sqrt(2.0))


class Truth(Protocol):
    """What is true of the markets of one event, in their order."""

    @abstractmethod
    def advance(self, at: Micros) -> bool:
        """Go on to a moment; tell whether news came on the way."""

    @abstractmethod
    def chance(self, index: int) -> float:
        """Return the probability that a market ends YES, given all that is known now."""

    @abstractmethod
    def finish(self, at: Micros) -> None:
        """Decide everything; from here on each chance is 0 or 1."""


@attrs.define(eq=False)
class Course:
    """How far the truth has come out, from 0 to 1: steadily, in lumps of news, the rest at the end.

    Args:
        opens: when it begins.
        closes: when it ends.
        news: moments of news, ascending.
        news_share: what comes out by news.
        surprise: what comes out only at the very end.

    """

    opens: Micros
    closes: Micros
    news: tuple[Micros, ...] = ()
    news_share: float = 0.0
    surprise: float = 0.0
    out: float = attrs.field(default=0.0, init=False)
    _told: int = attrs.field(default=0, init=False)

    def go(self, at: Micros) -> tuple[float, bool]:
        """Return how much came out since the last call, and whether news did."""
        told = self._told
        while self._told < len(self.news) and self.news[self._told] <= at:
            self._told += 1
        passed = min(1.0, max(0.0, (at - self.opens) / (self.closes - self.opens)))
        lumps = self.news_share if self.news else 0.0
        by_news = lumps * self._told / len(self.news) if self.news else 0.0
        out = ((1.0 - lumps) * passed + by_news) * (1.0 - self.surprise)
        more, self.out = max(0.0, out - self.out), max(out, self.out)
        return more, self._told > told

    def rest(self) -> float:
        """Return what is still hidden, and hide nothing any more."""
        left, self.out = 1.0 - self.out, 1.0
        return max(0.0, left)


def course(
    chance: random.Random,
    opens: Micros,
    closes: Micros,
    *,
    news: float = 0.0,
    news_share: float = 0.5,
    surprise: float = 0.0,
) -> Course:
    """Return a course with about ``news`` moments of news somewhere on the way."""
    moments: list[Micros] = []
    passed = 0.0
    while news > 0:
        passed -= math.log(1.0 - chance.random()) / news
        if passed >= 1.0:
            break
        moments.append(Micros(opens + int(passed * (closes - opens))))
    return Course(opens, closes, tuple(moments), news_share, surprise)


@attrs.define(eq=False)
class Walk(Truth):
    """A quantity that walks at random, by one standard deviation over its life.

    A market ends YES if the quantity ends in its range [low, high).
    """

    chance_of: random.Random
    course: Course
    ranges: Sequence[tuple[float, float]]
    _value: float = attrs.field(default=0.0, init=False)

    def advance(self, at: Micros) -> bool:
        more, news = self.course.go(at)
        if more > 0:
            self._value += math.sqrt(more) * normal(self.chance_of)
        return news

    def chance(self, index: int) -> float:
        low, high = self.ranges[index]
        left = 1.0 - self.course.out
        if left < _CERTAIN:
            return 1.0 if low <= self._value < high else 0.0
        scale = math.sqrt(left)
        return below((high - self._value) / scale) - below((low - self._value) / scale)

    def finish(self, at: Micros) -> None:  # noqa: ARG002 - it ends when it ends
        self._value += math.sqrt(self.course.rest()) * normal(self.chance_of)


@attrs.define(eq=False)
class Evidence(Truth):
    """One of several outcomes is true from the beginning, and evidence for it gathers.

    What everybody could conclude from the evidence is the true probability. ``weights`` are the
    first probabilities; outcomes beyond the markets' own stand for what nobody lists. ``strength``
    says how clear it is at the end (16 leaves hardly a doubt).
    """

    chance_of: random.Random
    course: Course
    weights: Sequence[float]
    strength: float = 16.0
    _true: int = attrs.field(init=False)
    _scores: list[float] = attrs.field(init=False)
    _finished: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        drawn = self.chance_of.random() * sum(self.weights)
        self._true = 0
        for index, weight in enumerate(self.weights):
            self._true = index
            drawn -= weight
            if drawn < 0:
                break
        self._scores = [math.log(weight) for weight in self.weights]

    def advance(self, at: Micros) -> bool:
        more, news = self.course.go(at)
        if more > 0:
            told = more * self.strength
            width = math.sqrt(told)
            for index in range(len(self._scores)):
                self._scores[index] += width * normal(self.chance_of)
            self._scores[self._true] += told
        return news

    def chance(self, index: int) -> float:
        if self._finished:
            return 1.0 if index == self._true else 0.0
        most = max(self._scores)
        total = sum(math.exp(score - most) for score in self._scores)
        return math.exp(self._scores[index] - most) / total

    def finish(self, at: Micros) -> None:  # noqa: ARG002 - it was decided before
        self._finished = True


@attrs.define(eq=False)
class Extremes:
    """The highest and the lowest an outside price has been since somebody began to look."""

    high: float
    low: float


@attrs.define(eq=False)
class Path:
    """An outside price: a geometric random walk, looked at from time to time.

    Args:
        name: as published ("COIN01-USD").
        chance: where its steps come from.
        start: dollars at the beginning.
        volatility: standard deviation of the logarithm in a year of 365 days.
        at: the moment of the present value.

    """

    name: str
    chance: random.Random
    start: float
    volatility: float
    at: Micros
    log: float = attrs.field(default=0.0, init=False)
    watched: dict[int, Extremes] = attrs.field(factory=dict, init=False)

    @property
    def variance_per_second(self) -> float:
        """Variance of the logarithm in a second."""
        return self.volatility**2 / _YEAR_SECONDS

    @property
    def cents(self) -> int:
        """The price in cents as it is published."""
        return round(self.start * math.exp(self.log) * _CENTS)

    def variance(self, until: Micros) -> float:
        """Return the variance of the logarithm from the present value on until a moment."""
        return self.variance_per_second * max(0, until - self.at) / SECOND

    def walk(self, at: Micros) -> None:
        """Go on to a moment, the extremes on the way included."""
        variance = self.variance(at)
        old = self.log
        self.log = new = old - variance / 2 + math.sqrt(variance) * normal(self.chance)
        self.at = at
        # What a bridge between two known values reaches has a closed form.
        middle, apart = (old + new) / 2, (new - old) ** 2
        up = apart - 2 * variance * math.log(1.0 - self.chance.random())
        down = apart - 2 * variance * math.log(1.0 - self.chance.random())
        high, low = middle + math.sqrt(up) / 2, middle - math.sqrt(down) / 2
        for seen in self.watched.values():
            seen.high, seen.low = max(seen.high, high), min(seen.low, low)


@attrs.frozen
class Strike:
    """A level in cents and what a market says about it."""

    cents: int
    condition: Condition


@attrs.define(eq=False)
class Priced(Truth):
    """Markets on where an outside price will be at the close, or what it touches until then."""

    path: Path
    closes: Micros
    strikes: Sequence[Strike]
    _extremes: Extremes = attrs.field(init=False)
    _finished: bool = attrs.field(default=False, init=False)
    _cents: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._extremes = Extremes(self.path.log, self.path.log)
        self.path.watched[id(self)] = self._extremes

    def advance(self, at: Micros) -> bool:  # noqa: ARG002 - the price walks by itself
        return False

    def chance(self, index: int) -> float:
        strike = self.strikes[index]
        level = math.log(strike.cents / (_CENTS * self.path.start))
        away, seen = level - self.path.log, self._extremes
        match strike.condition:
            case Condition.TOUCH_ABOVE:
                return self._touch(away, -1.0, reached=seen.high >= level)
            case Condition.TOUCH_BELOW:
                return self._touch(-away, 1.0, reached=seen.low <= level)
            case Condition.BELOW:
                return 1.0 - self._at_least(level, strike.cents)
            case _:
                return self._at_least(level, strike.cents)

    def finish(self, at: Micros) -> None:  # noqa: ARG002 - the price was published at the close
        self._finished = True
        self._cents = self.path.cents
        self.path.watched.pop(id(self), None)

    def _at_least(self, level: float, cents: int) -> float:
        if self._finished:
            return 1.0 if self._cents >= cents else 0.0
        variance = self.path.variance(self.closes)
        if variance <= 0:
            return 1.0 if self.path.cents >= cents else 0.0
        return below((self.path.log - level - variance / 2) / math.sqrt(variance))

    def _touch(self, away: float, sign: float, *, reached: bool) -> float:
        """Return the chance to reach a level ``away`` from here, by the reflection principle."""
        if reached or away <= 0:
            return 1.0
        variance = self.path.variance(self.closes)
        if self._finished or variance <= 0:
            return 0.0
        # The logarithm drifts by minus half the variance: away from a level above.
        drift, scale = sign * variance / 2, math.sqrt(variance)
        mirrored = math.exp(2.0 * drift * away / variance) * below((-away - drift) / scale)
        return below((-away + drift) / scale) + mirrored


def published(cents: int) -> str:
    """Return a price in cents as a decimal string."""
    dollars, rest = divmod(cents, _CENTS)
    return f"{dollars}.{rest:02d}"


def later(at: Micros, mean: Duration, chance: random.Random) -> Micros:
    """Return a moment after ``at`` in a Poisson process with this mean distance."""
    return Micros(at + max(1, int(-math.log(1.0 - chance.random()) * mean)))
