"""How good probabilities were, once the outcomes are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import attrs

from .bootstrap import Bounds
from .counts import wilson
from .grid import on_grid

_BINS: Final = 10
# The grid of probabilities: a forecast of certainty is taken as all but certain.
_FINEST: Final = 1e-6


@attrs.frozen
class Forecast:
    """A probability and what came of it: 1, 0, or what a scalar or void market paid."""

    probability: float
    outcome: float


@attrs.frozen(kw_only=True)
class CalibrationBin:
    """Forecasts of about the same probability.

    Args:
        low: the bin holds probabilities from here …
        high: … to below here; the last one includes 1.
        count: forecasts in it.
        forecast: their mean probability; None if there are none.
        happened: their mean outcome; None if there are none.
        bounds: Wilson interval of ``happened`` at 95 %, taking the forecasts as independent; None
            if there are none or an outcome was neither 0 nor 1.

    """

    low: float
    high: float
    count: int
    forecast: float | None
    happened: float | None
    bounds: Bounds | None


@attrs.frozen(kw_only=True)
class Decomposition:
    """``brier = reliability - resolution + uncertainty + within``.

    Args:
        brier: the mean squared error; lower is better.
        reliability: how far the bins' forecasts are from what happened; lower is better.
        resolution: how far the bins are from the base rate; higher is better.
        uncertainty: of the outcomes themselves.
        within: what the bins hide: forecasts that differ inside a bin.

    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


def brier(forecasts: Sequence[Forecast]) -> float | None:
    """Return the mean squared error; None without forecasts.

    Brier, "Verification of forecasts expressed in terms of probability", 1950 (the half of his
    score, as is usual for two outcomes).
    """
    if not forecasts:
        return None
    errors = ((f.probability - f.outcome) ** 2 for f in forecasts)
    return on_grid(math.fsum(errors) / len(forecasts))


def log_loss(forecasts: Sequence[Forecast]) -> float | None:
    """Return the mean of ``-log(probability of what happened)`` in nats; None without forecasts.

    Good, "Rational decisions", 1952. Certainty counts as 1 - 1e-6: one wrong certainty costs 13.8,
    not infinity.
    """
    if not forecasts:
        return None
    return on_grid(math.fsum(map(_surprise, forecasts)) / len(forecasts))


def _surprise(forecast: Forecast) -> float:
    p = min(1.0 - _FINEST, max(_FINEST, forecast.probability))
    return -forecast.outcome * math.log(p) - (1.0 - forecast.outcome) * math.log1p(-p)


def calibration(forecasts: Sequence[Forecast]) -> tuple[CalibrationBin, ...]:
    """Return ten bins of equal width, the empty ones too.

    Murphy and Winkler, "Reliability of subjective probability forecasts", 1977.
    """
    return tuple(_bin(number, members) for number, members in enumerate(_binned(forecasts)))


def decompose(forecasts: Sequence[Forecast]) -> Decomposition | None:
    """Return the parts of the Brier score over ten bins; None without forecasts.

    Murphy, "A new vector partition of the probability score", 1973; the part within the bins:
    Stephenson, Coelho and Jolliffe, "Two extra components in the Brier score decomposition", 2008.
    """
    whole = brier(forecasts)
    if whole is None:
        return None
    total = len(forecasts)
    base = math.fsum(f.outcome for f in forecasts) / total
    uncertainty = math.fsum((f.outcome - base) ** 2 for f in forecasts) / total
    reliability: list[float] = []
    resolution: list[float] = []
    within: list[float] = []
    for members in filter(None, _binned(forecasts)):
        n = len(members)
        said = math.fsum(f.probability for f in members) / n
        came = math.fsum(f.outcome for f in members) / n
        reliability.append(n * (said - came) ** 2)
        resolution.append(n * (came - base) ** 2)
        within.extend(
            (f.probability - said) ** 2 - 2 * (f.probability - said) * (f.outcome - came)
            for f in members
        )
    return Decomposition(
        brier=whole,
        reliability=on_grid(math.fsum(reliability) / total),
        resolution=on_grid(math.fsum(resolution) / total),
        uncertainty=on_grid(uncertainty),
        within=on_grid(math.fsum(within) / total),
    )


def _binned(forecasts: Sequence[Forecast]) -> list[list[Forecast]]:
    bins: list[list[Forecast]] = [[] for _ in range(_BINS)]
    for forecast in forecasts:
        if not 0.0 <= forecast.probability <= 1.0 or not 0.0 <= forecast.outcome <= 1.0:
            msg = f"a forecast of {forecast.probability} that came out as {forecast.outcome}"
            raise ValueError(msg)
        # In steps of 1e-6: 0.3 * 10 is below 3 in floats.
        number = round(forecast.probability / _FINEST) * _BINS // round(1 / _FINEST)
        bins[min(_BINS - 1, number)].append(forecast)
    return bins


def _bin(number: int, members: Sequence[Forecast]) -> CalibrationBin:
    n = len(members)
    came = math.fsum(f.outcome for f in members)
    plain = all(f.outcome in (0.0, 1.0) for f in members)
    return CalibrationBin(
        low=number / _BINS,
        high=(number + 1) / _BINS,
        count=n,
        forecast=on_grid(math.fsum(f.probability for f in members) / n) if n else None,
        happened=on_grid(came / n) if n else None,
        bounds=wilson(round(came), n) if n and plain else None,
    )
