"""What trades of the last four weeks were like: frozen when a trial begins, exact as text.

Per age a mean and a spread of the profit per contract, outliers pulled in, thin buckets drawn to
the pooled spread; the limits that placebos set; entries by hour, errors, hard limits that refused.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from market_bot.core.domain.numbers import Micros, Money, format_money, money
from market_bot.core.domain.statistics import NegativeBinomial, on_grid, quantile, winsorised

from .cohort import Worth
from .constants import (
    AGES,
    BASELINE_TRADES,
    BUCKET_MIN,
    FULL_AGE,
    LIMIT_FIXED,
    LIMIT_MIN,
    LOWEST_SHARE,
    PLACEBOS_MIN,
    PNL_ALPHA,
    POOLED_WEIGHT,
    SPREAD_MIN,
    TRIPWIRE_ALPHA,
    WINSORISED,
    Z_CLIP,
)
from .count_check import HOURS
from .error_check import NONE, Tally, error_chance
from .placebo import Placebos, placebos
from .pnl_check import Scored

VERSION: Final = "1"
_PLACES: Final = 3
_UNKNOWN: Final = "-"


class BadBaselineError(ValueError):
    """A frozen baseline cannot be read; the message is one line for people."""


@attrs.frozen
class Bucket:
    """Profit per contract at one age: how many trades, their mean and spread in dollars."""

    count: int
    mean: float
    spread: float


@attrs.frozen(kw_only=True)
class Baseline:
    """Everything that a trial is measured against.

    Args:
        buckets: by index of `AGES`; None where too few trades had a price.
        trades: how many had a price at the full age.
        limit: how low X may go, as a positive number.
        placebos: how many pretended trials could be tested.
        lowest: the worst tenth of them.
        digest: SHA-256 of all of them.
        loss: what one quiet hour in two hundred loses, positive; None with too few hours.
        hours: entries by hour of the day.
        errors: the usual chance that an order fails.
        refusing: hard limits that refused something.

    """

    buckets: tuple[Bucket | None, ...]
    trades: int = 0
    limit: float = LIMIT_FIXED
    placebos: int = 0
    lowest: tuple[float, ...] = ()
    digest: str = ""
    loss: Money | None = None
    hours: tuple[NegativeBinomial | None, ...] = (None,) * HOURS
    errors: float = 0.5
    refusing: frozenset[str] = frozenset()

    @property
    def knows_enough(self) -> bool:
        """Whether its own error is small enough for a probation."""
        return self.trades >= BASELINE_TRADES

    def scored(self, trade: Worth) -> Scored:
        """Return a trade in standard deviations from what trades of its age were."""
        return Scored(
            opened=trade.opened,
            event=trade.event,
            scores=tuple(map(_score, trade.per_contract, self.buckets)),
        )

    def as_low(self, x: float) -> str:
        """Return how many placebos went as low, for people: "1 of 672", "more than 67 of 672"."""
        as_low = sum(low <= x for low in self.lowest)
        more = "more than " if self.lowest and as_low == len(self.lowest) else ""
        return f"{more}{as_low} of {self.placebos}"


def make_baseline(
    trades: Sequence[Worth],
    since: Micros,
    until: Micros,
    *,
    hours: Sequence[NegativeBinomial | None] = (None,) * HOURS,
    tally: Tally = NONE,
    refusing: frozenset[str] = frozenset(),
) -> Baseline:
    """Return the baseline of the trades between two moments.

    Args:
        trades: of that stretch.
        since: its beginning; the placebo windows begin here, one each hour.
        until: its end.
        hours: entries by hour of the day.
        tally: errors and tries of the stretch.
        refusing: hard limits that refused something in it.

    """
    ordered = sorted(trades, key=lambda trade: (trade.opened, trade.name))
    bare = Baseline(
        buckets=_buckets(ordered),
        trades=sum(trade.per_contract[FULL_AGE] is not None for trade in ordered),
        hours=tuple(hours),
        errors=error_chance(tally),
        refusing=refusing,
    )
    seen = placebos([(bare.scored(trade), trade) for trade in ordered], since, until)
    return with_placebos(bare, seen)


def with_placebos(bare: Baseline, seen: Placebos) -> Baseline:
    """Return a baseline with the limits that its placebos set."""
    lowest = tuple(sorted(round(x, _PLACES) + 0.0 for x in seen.lowest))
    text = " ".join(map(_short, lowest))
    return attrs.evolve(
        bare,
        limit=limit_of(lowest),
        placebos=len(lowest),
        lowest=lowest[: math.ceil(LOWEST_SHARE * len(lowest))],
        digest=hashlib.sha256(text.encode()).hexdigest(),
        loss=_loss(seen.deepest),
    )


def limit_of(lowest: Sequence[float]) -> float:
    """Return how low X may go, by the sorted lowest X of the placebos, as a positive number."""
    if len(lowest) < PLACEBOS_MIN:
        return LIMIT_FIXED
    return max(LIMIT_MIN, -quantile(lowest, PNL_ALPHA))


def _loss(deepest: Sequence[Money]) -> Money | None:
    if len(deepest) < PLACEBOS_MIN:
        return None
    # In whole micro-dollars: floats carry no more.
    dollars = quantile([loss / 10**12 for loss in deepest], TRIPWIRE_ALPHA)
    return Money(math.ceil(-dollars * 10**6) * 10**6)


def _score(value: float | None, bucket: Bucket | None) -> float | None:
    if value is None or bucket is None:
        return None
    return min(Z_CLIP, max(-Z_CLIP, (value - bucket.mean) / bucket.spread))


def _buckets(trades: Sequence[Worth]) -> tuple[Bucket | None, ...]:
    """Return a bucket per age; the price at the decision has none: it only counts in dollars."""
    known = [
        [value for trade in trades if (value := trade.per_contract[index]) is not None]
        for index in range(len(AGES))
    ]
    raw = [
        (len(values), moments)
        for values in known
        if (moments := winsorised(values, WINSORISED)) is not None
    ]
    rows = sum(count for count, _ in raw)
    pool = math.fsum(count * spread * spread for count, (_, spread) in raw) / rows if rows else 0.0
    return (None, *(_bucket(values, pool) for values in known[1:]))


def _bucket(values: Sequence[float], pool: float) -> Bucket | None:
    moments = winsorised(values, WINSORISED) if len(values) >= BUCKET_MIN else None
    if moments is None:
        return None
    mean, spread = moments
    count = len(values)
    drawn = (count * spread * spread + POOLED_WEIGHT * pool) / (count + POOLED_WEIGHT)
    return Bucket(count, mean, max(SPREAD_MIN, on_grid(math.sqrt(drawn))))


# -- as text ---------------------------------------------------------------------------------


def frozen(baseline: Baseline) -> dict[str, str]:
    """Return a baseline as text that `thawed` reads back exactly, in a fixed order."""
    ages = {
        f"age.{age}": _UNKNOWN if b is None else f"{b.count} {_float(b.mean)} {_float(b.spread)}"
        for age, b in zip(AGES, baseline.buckets, strict=True)
    }
    hours = {
        f"hour.{hour:02}": _UNKNOWN if n is None else f"{_float(n.mean)} {_float(n.shape)}"
        for hour, n in enumerate(baseline.hours)
    }
    return {
        "version": VERSION,
        **ages,
        "trades": str(baseline.trades),
        "limit": _float(baseline.limit),
        "placebos": str(baseline.placebos),
        "placebos.lowest": " ".join(map(_short, baseline.lowest)),
        "placebos.sha256": baseline.digest,
        "loss": _UNKNOWN if baseline.loss is None else format_money(baseline.loss),
        **hours,
        "errors": _float(baseline.errors),
        "refusing": " ".join(sorted(baseline.refusing)),
    }


def thawed(text: Mapping[str, str]) -> Baseline:
    """Return the baseline that was frozen.

    Raises:
        BadBaselineError: if something is missing or unreadable.

    """
    try:
        return _thawed(text)
    except (KeyError, ValueError) as e:
        msg = f"the frozen baseline of a trial cannot be read: {e}"
        raise BadBaselineError(msg) from e


def _thawed(text: Mapping[str, str]) -> Baseline:
    if text["version"] != VERSION:
        msg = f"version {text['version']!r}, this program reads {VERSION!r}"
        raise ValueError(msg)
    return Baseline(
        buckets=tuple(_read_bucket(text[f"age.{age}"]) for age in AGES),
        trades=int(text["trades"]),
        limit=_read(text["limit"]),
        placebos=int(text["placebos"]),
        lowest=tuple(map(_read, text["placebos.lowest"].split())),
        digest=text["placebos.sha256"],
        loss=None if text["loss"] == _UNKNOWN else money(text["loss"]),
        hours=tuple(_read_hour(text[f"hour.{hour:02}"]) for hour in range(HOURS)),
        errors=_read(text["errors"]),
        refusing=frozenset(text["refusing"].split()),
    )


def _read_bucket(text: str) -> Bucket | None:
    if text == _UNKNOWN:
        return None
    count, mean, spread = text.split()
    return Bucket(int(count), _read(mean), _read(spread))


def _read_hour(text: str) -> NegativeBinomial | None:
    if text == _UNKNOWN:
        return None
    mean, shape = text.split()
    return NegativeBinomial(_read(mean), math.inf if shape == "inf" else _read(shape))


def _read(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        msg = f"{text!r} is not a number"
        raise ValueError(msg)
    return value


def _float(value: float) -> str:
    # Results lie on a grid of nine digits: written with nine they are read back exactly.
    return f"{value:.9g}"


def _short(value: float) -> str:
    return f"{value:.{_PLACES}f}"
