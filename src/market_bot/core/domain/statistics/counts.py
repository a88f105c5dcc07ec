"""Tests on counts: wins against prices, alarms against a rate, two rates against each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import attrs

from .bootstrap import LEVEL, Bounds
from .grid import on_grid
from .normal import normal_quantile

_TRIALS_MAX: Final = 10_000_000
_WINS_MAX: Final = 20_000
_TABLE_MAX: Final = 100_000
# Of a distribution: what may be cut from an end without being seen in any digit.
_NOTHING: Final = 1e-40
_ENOUGH: Final = 1e-18


def wilson(successes: int, trials: int, level: float = LEVEL) -> Bounds | None:
    """Return the two-sided interval of a proportion; None without trials.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

    Raises:
        ValueError: for more successes than trials, or a level that makes no sense.

    """
    if trials == 0 and successes == 0:
        return None
    _check_count(successes, trials)
    z = normal_quantile(0.5 + level / 2)
    share = successes / trials
    centre = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1.0 - share) / trials + z * z / (4.0 * trials * trials))
    scale = 1.0 + z * z / trials
    low = 0.0 if successes == 0 else (centre - half) / scale
    high = 1.0 if successes == trials else (centre + half) / scale
    return Bounds(on_grid(low), on_grid(high))


def binomial_at_least(successes: int, trials: int, chance: float) -> float:
    """Return the exact P(X >= successes) of ``trials`` independent tries.

    Bernoulli, "Ars conjectandi", 1713.

    Raises:
        ValueError: for a chance outside [0, 1] or a count that makes no sense.

    """
    return binomial_at_most(trials - successes, trials, 1.0 - chance)


def binomial_at_most(successes: int, trials: int, chance: float) -> float:
    """Return the exact P(X <= successes) of ``trials`` independent tries.

    Raises:
        ValueError: for a chance outside [0, 1] or a count that makes no sense.

    """
    if not 0.0 <= chance <= 1.0 or not 0 <= trials <= _TRIALS_MAX:
        msg = f"{trials} tries with a chance of {chance}"
        raise ValueError(msg)
    if successes < 0:
        return 0.0
    if successes >= trials or chance == 0.0:
        return 1.0
    if chance == 1.0:
        return 0.0
    if successes > trials * chance:
        # The short tail is summed; the long one is the rest.
        return on_grid(1.0 - _tail(trials - successes - 1, trials, 1.0 - chance))
    return on_grid(_tail(successes, trials, chance))


def _tail(last: int, trials: int, chance: float) -> float:
    """Return P(X <= last), summed from ``last`` downwards."""
    log_first = (
        math.lgamma(trials + 1)
        - math.lgamma(last + 1)
        - math.lgamma(trials - last + 1)
        + last * math.log(chance)
        + (trials - last) * math.log1p(-chance)
    )
    odds = (1.0 - chance) / chance
    term, terms = 1.0, [1.0]
    for k in range(last, 0, -1):
        term *= k * odds / (trials - k + 1)
        terms.append(term)
        if term < _ENOUGH:
            break
    return min(1.0, math.exp(log_first) * math.fsum(terms))


def poisson_binomial_at_most(wins: int, chances: Sequence[float]) -> float:
    """Return the exact P(W <= wins) where every try has its own chance.

    The win rate of trades is judged by it: under the null hypothesis a trade wins with the
    chance it was paid for, its entry price plus fees per contract. By convolution, as in Hong,
    "On computing the distribution function for the Poisson binomial distribution", 2013; ends
    below 1e-40 are cut off, so that the time grows with n**1.5.

    Raises:
        ValueError: for a chance outside [0, 1] or more than 20,000 tries.

    """
    if wins < 0:
        return 0.0
    if wins >= len(chances):
        _check_chances(chances)
        return 1.0
    first, masses = _win_masses(chances)
    return on_grid(min(1.0, math.fsum(masses[: max(0, wins - first + 1)])))


def poisson_binomial_at_least(wins: int, chances: Sequence[float]) -> float:
    """Return the exact P(W >= wins) where every try has its own chance.

    Raises:
        ValueError: for a chance outside [0, 1] or more than 20,000 tries.

    """
    if wins > len(chances):
        return 0.0
    if wins <= 0:
        _check_chances(chances)
        return 1.0
    first, masses = _win_masses(chances)
    return on_grid(min(1.0, math.fsum(masses[max(0, wins - first) :])))


def _win_masses(chances: Sequence[float]) -> tuple[int, list[float]]:
    """Return the smallest number of wins worth a mass, and the masses from there on."""
    _check_chances(chances)
    first, masses = 0, [1.0]
    for chance in chances:
        lose = 1.0 - chance
        masses = [
            stay * lose + come * chance
            for stay, come in zip([*masses, 0.0], [0.0, *masses], strict=True)
        ]
        while masses[-1] < _NOTHING:
            masses.pop()
        start = 0
        while masses[start] < _NOTHING:
            start += 1
        if start:
            first += start
            del masses[:start]
    return first, masses


def fisher_exact(hits: int, tries: int, other_hits: int, other_tries: int) -> tuple[float, float]:
    """Return P(so many hits or more) and the two-sided p of two rates being the same.

    Fisher, "On the interpretation of chi-squared from contingency tables", 1922 and 1935; the
    two-sided p adds up all tables that are no more likely than the observed one. In integers: ties
    are ties.

    Raises:
        ValueError: for more hits than tries, or more than 100,000 tries together.

    """
    _check_count(hits, tries)
    _check_count(other_hits, other_tries)
    total, marked = tries + other_tries, hits + other_hits
    if total > _TABLE_MAX:
        msg = f"an exact test of {total} tries"
        raise ValueError(msg)
    least, most = max(0, marked - other_tries), min(marked, tries)
    ways = [math.comb(tries, least) * math.comb(other_tries, marked - least)]
    for k in range(least, most):
        grown = ways[-1] * (tries - k) * (marked - k)
        ways.append(grown // ((k + 1) * (other_tries - marked + k + 1)))
    every = sum(ways)
    observed = ways[hits - least]
    at_least = sum(ways[hits - least :])
    no_likelier = sum(way for way in ways if way <= observed)
    return on_grid(at_least / every), on_grid(no_likelier / every)


@attrs.frozen
class NegativeBinomial:
    """Counts that scatter more than chance alone: a Poisson whose rate itself varies.

    The variance is ``mean + mean**2 / shape``; an infinite shape is a plain Poisson. Greenwood and
    Yule, "An inquiry into the nature of frequency distributions", 1920.
    """

    mean: float
    shape: float

    def at_most(self, count: int) -> float:
        """Return P(N <= count)."""
        if count < 0:
            return 0.0
        return on_grid(min(1.0, math.fsum(self._masses(count))))

    def at_least(self, count: int) -> float:
        """Return P(N >= count); with an absolute error near 1e-15."""
        if count <= 0:
            return 1.0
        return on_grid(max(0.0, 1.0 - math.fsum(self._masses(count - 1))))

    def _masses(self, last: int) -> list[float]:
        if self.mean == 0.0:
            return [1.0]
        if math.isinf(self.shape):
            mass, grow, base = -self.mean, 0.0, self.mean
        else:
            share = self.mean / (self.mean + self.shape)
            # log1p keeps the digits that a nearly infinite shape needs.
            mass, grow, base = self.shape * math.log1p(-share), share, share * self.shape
        masses = []
        for n in range(min(last, _TABLE_MAX) + 1):
            masses.append(math.exp(mass))
            mass += math.log((base + grow * n) / (n + 1))
        return masses


def fit_negative_binomial(counts: Sequence[int]) -> NegativeBinomial | None:
    """Return the distribution with the mean and variance of the counts; None with fewer than two.

    By moments: ``shape = mean**2 / (variance - mean)`` (Anscombe, 1950); counts that scatter no
    more than chance give an infinite shape.
    """
    if len(counts) < 2:  # noqa: PLR2004 - one count has no spread
        return None
    mean = math.fsum(counts) / len(counts)
    variance = math.fsum((count - mean) ** 2 for count in counts) / (len(counts) - 1)
    shape = mean * mean / (variance - mean) if variance > mean else math.inf
    return NegativeBinomial(on_grid(mean), on_grid(shape))


def _check_count(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials:
        msg = f"{successes} of {trials}"
        raise ValueError(msg)


def _check_chances(chances: Sequence[float]) -> None:
    if len(chances) > _WINS_MAX or any(not 0.0 <= chance <= 1.0 for chance in chances):
        msg = f"{len(chances)} chances, at most {_WINS_MAX} and each from 0 to 1"
        raise ValueError(msg)
