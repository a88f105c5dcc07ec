"""How good a proposer is: what became of the changes it proposed, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs

from market_bot.core.domain.numbers import Money
from market_bot.core.domain.statistics import wilson


@attrs.frozen(kw_only=True)
class Tried:
    """A trial and what came of it.

    Args:
        advisor: who proposed the change.
        verdict: of its end; "" while it goes on.
        gain, low, high: dollars a day (1e-12) after a week, None where it could not be told.

    """

    advisor: str
    verdict: str
    gain: Money | None = None
    low: Money | None = None
    high: Money | None = None


@attrs.frozen(kw_only=True)
class Score:
    """A proposer's score.

    A hit is a change that was kept and had gained after a week; a miss one that was taken back,
    or had lost. What is kept and not told yet, or was edited by a person, is neither.

    Args:
        share: of hits among both, with its 95 % interval; None without any.
        gain: what the kept ones brought together, in dollars a day, with its 95 % interval, which
            takes them for independent; None if nothing could be told.

    """

    advisor: str
    trials: int
    running: int
    kept: int
    reverted: int
    superseded: int
    hits: int
    misses: int
    share: tuple[float, float, float] | None
    gain: tuple[Money, Money, Money] | None


def scorecard(tried: Iterable[Tried]) -> tuple[Score, ...]:
    """Return the score of every proposer, by name."""
    by: dict[str, list[Tried]] = {}
    for one in tried:
        by.setdefault(one.advisor, []).append(one)
    return tuple(_score(advisor, by[advisor]) for advisor in sorted(by))


def _score(advisor: str, tried: list[Tried]) -> Score:
    verdicts = [one.verdict for one in tried]
    gains = [one.gain for one in tried if one.verdict == "keep" and one.gain is not None]
    hits = sum(gain > 0 for gain in gains)
    misses = verdicts.count("revert") + len(gains) - hits
    return Score(
        advisor=advisor,
        trials=len(tried),
        running=verdicts.count(""),
        kept=verdicts.count("keep"),
        reverted=verdicts.count("revert"),
        superseded=verdicts.count("superseded"),
        hits=hits,
        misses=misses,
        share=_share(hits, hits + misses),
        gain=_gain(tried),
    )


def _share(hits: int, count: int) -> tuple[float, float, float] | None:
    bounds = wilson(hits, count)
    return None if bounds is None else (hits / count, bounds.low, bounds.high)


def _gain(tried: Iterable[Tried]) -> tuple[Money, Money, Money] | None:
    known = [
        (one.gain, one.gain - one.low, one.high - one.gain)
        for one in tried
        if one.verdict == "keep"
        if one.gain is not None and one.low is not None and one.high is not None
    ]
    if not known:
        return None
    gain = sum(row[0] for row in known)
    below, above = (math.isqrt(sum(row[side] ** 2 for row in known)) for side in (1, 2))
    return Money(gain), Money(gain - below), Money(gain + above)
