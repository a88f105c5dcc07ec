"""How a rule turns single losses into a measure: one way for all, so that nobody is lenient.

The unit is the event. An effect counts if the interval over events lies above zero, a test of
signs agrees, no event carries more than a fifth of it, and it keeps its sign without any one of
them. What it costs a day is the end of the interval nearest to zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from market_bot.core.domain.analytics.window import Entry, Path, Prices, Window
from market_bot.core.domain.leaks import thresholds as limits
from market_bot.core.domain.leaks.api import Kind, Knobbed, Measured, Night
from market_bot.core.domain.numbers import (
    CERTAIN,
    HOUR,
    MONEY_SCALE,
    NO_MONEY,
    ONE_CONTRACT,
    ONE_DOLLAR,
    Duration,
    Money,
    Price,
    Size,
)
from market_bot.core.domain.statistics import (
    Bootstrapped,
    Bounds,
    binomial_at_least,
    cluster_bootstrap,
    leave_one_out,
    on_grid,
    quantile,
    sign_flip,
    wilson,
)

_DAY: Final = 24 * HOUR
_DOLLAR: Final = 10**MONEY_SCALE
_MICRO: Final = 10**6
# The hour after a decision, or the last of it that is known.
_LAST_HORIZONS: Final = (3600, 3000, 2400, 1800)
_SHARE_PLACES: Final = 4


@attrs.frozen(kw_only=True)
class Loss:
    """What one decision lost, in dollars; a gain is negative.

    ``weight`` is what a mean is taken over: contracts, dollars, or 1.
    """

    seq: int
    event: str
    market: str
    loss: float
    weight: float = 1.0


@attrs.frozen(kw_only=True)
class Weighed:
    """A mean loss with everything that must be true of it.

    Args:
        n: decisions; ``events`` of so many events; ``missing`` how many more are needed.
        estimate: loss per unit of weight; None without any.
        bounds: its interval; None if there are too few events, or all lost the same.
        p: the larger of the bootstrap's and the sign test's; None without both.
        weight: the sum of all weights.
        share: of the largest event in the effect; above 1 if the others gained.
        keeps_sign: whether the effect survives the loss of any one event.

    """

    n: int
    events: int
    missing: int
    estimate: float | None = None
    bounds: Bounds | None = None
    p: float | None = None
    weight: float = 0.0
    share: float = 1.0
    keeps_sign: bool = False

    @property
    def low(self) -> float:
        """The bound nearest to zero, 0 if there is none."""
        return 0.0 if self.bounds is None else max(0.0, self.bounds.low)

    @property
    def significant(self) -> bool:
        """Whether interval and signs agree that money is lost."""
        return not self.missing and self.low > 0 and self.p is not None and self.p <= limits.ALPHA

    @property
    def solid(self) -> bool:
        """Whether it is significant, and not the work of one event."""
        return self.significant and self.keeps_sign and self.share <= limits.EVENT_SHARE_MAX


def weigh(
    losses: Iterable[Loss],
    *,
    seed: str,
    least: int,
    events: int,
    level: float = limits.LEVEL,
    once: bool = False,
) -> Weighed:
    """Return the mean loss per weight over events, with its bounds and its p.

    Args:
        losses: in any order.
        seed: names the stream of chance.
        least: how many decisions are needed.
        events: how many events are needed.
        level: two-sided, of the interval.
        once: whether every event counts once, by its mean, however often it was decided upon.

    """
    known = in_order(losses)
    totals, weights = by_event(known)
    if once:
        totals = {name: total / weights[name] for name, total in totals.items()}
        weights = dict.fromkeys(totals, 1.0)
    missing = max(0, least - len(known), events - len(totals))
    bare = Weighed(n=len(known), events=len(totals), missing=missing)
    weight = math.fsum(weights.values())
    if weight <= 0:
        return bare
    estimate = on_grid(math.fsum(totals.values()) / weight)
    bare = attrs.evolve(bare, estimate=estimate, weight=weight)
    return bare if missing else _tested(bare, totals, weights, seed, level)


def _tested(
    bare: Weighed,
    totals: Mapping[str, float],
    weights: Mapping[str, float],
    seed: str,
    level: float,
) -> Weighed:
    found = _resampled(totals, weights, seed, level, limits.SCREEN_DRAWS)
    if found is None or found[1] <= limits.SCREEN_P:
        # Also where too few draws were the reason that there is no interval.
        found = _resampled(totals, weights, seed, level, limits.DRAWS)
    if found is None:
        return bare
    alone = leave_one_out(totals)
    return attrs.evolve(
        bare,
        bounds=found[0],
        p=found[1],
        share=1.0 if alone is None else alone.largest_share,
        keeps_sign=alone is not None and alone.keeps_sign,
    )


def _resampled(
    totals: Mapping[str, float],
    weights: Mapping[str, float],
    seed: str,
    level: float,
    draws: int,
) -> tuple[Bounds, float] | None:
    values = list(totals.values())
    boot = cluster_bootstrap(
        values, seed=seed, weights=list(weights.values()), draws=draws, level=level
    )
    signs = sign_flip(values, seed=f"{seed}:signs", draws=draws)
    if not isinstance(boot, Bootstrapped) or signs is None:
        return None
    return boot.studentised, max(boot.p_greater, signs.p_greater)


def shifted(weighed: Weighed, allowance: float) -> Weighed:
    """Return a measure of what went beyond an allowance, with the allowance in the effect.

    Tested is whether more than the allowance was lost; lost is then all of it.
    """
    bounds = weighed.bounds
    if weighed.estimate is None or not weighed.significant or bounds is None:
        return weighed
    return attrs.evolve(
        weighed,
        estimate=on_grid(weighed.estimate + allowance),
        bounds=Bounds(on_grid(bounds.low + allowance), on_grid(bounds.high + allowance)),
    )


def in_order(losses: Iterable[Loss]) -> list[Loss]:
    """Return losses by journal order: how they came does not matter."""
    return sorted(losses, key=lambda one: (one.seq, one.market))


def by_event(losses: Sequence[Loss]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the sums of losses and of weights of each event, by name."""
    parts: dict[str, list[float]] = {}
    heavy: dict[str, list[float]] = {}
    for one in losses:
        parts.setdefault(one.event, []).append(one.loss)
        heavy.setdefault(one.event, []).append(one.weight)
    names = sorted(name for name in parts if math.fsum(heavy[name]) > 0)
    return (
        {name: math.fsum(parts[name]) for name in names},
        {name: math.fsum(heavy[name]) for name in names},
    )


def reported(
    window: Window,
    weighed: Weighed,
    losses: Iterable[Loss],
    *,
    unit: str,
    flagged: bool | None = None,
    weight: float | None = None,
    subject: str = "",
    p: float | None = None,
    knobs: tuple[Knobbed, ...] = (),
    kind: Kind = Kind.TUNING,
    why_kind: str = "",
    claims: Mapping[int, Money] | None = None,
    detail: Mapping[str, str] | None = None,
) -> Measured:
    """Return what a rule says, with its cost per day.

    ``weight`` is how much of the unit there was in the window, if not what was weighed; the cost
    is capped by the equity, since more than all of it cannot be lost.
    """
    amount = weighed.weight if weight is None else weight
    daily = amount / days_of(window)
    if kind is Kind.TUNING and not knobs:
        kind, why_kind = Kind.STRUCTURAL, "this lane has no knob in force that could stop it"
    hit = weighed.solid if flagged is None else flagged
    bounds = weighed.bounds
    return Measured(
        subject=subject,
        n=weighed.n,
        events=weighed.events,
        missing=weighed.missing,
        estimate=weighed.estimate,
        low=None if bounds is None else bounds.low,
        high=None if bounds is None else bounds.high,
        unit=unit,
        p=weighed.p if p is None else min(1.0, p),
        flagged=hit and not weighed.missing,
        cost_low=capped(window, weighed.low * daily),
        cost_point=capped(window, max(0.0, weighed.estimate or 0.0) * daily),
        evidence=evidence(losses),
        claims=dict(sorted((claims or {}).items())),
        knobs=knobs,
        kind=kind,
        why_kind=why_kind,
        detail={"share_of_largest_event": decimal(weighed.share), **(detail or {})},
    )


def counted(
    window: Window,
    *,
    hits: Sequence[tuple[int, str]],
    tries: Sequence[tuple[int, str]],
    share: float,
    losses: Sequence[Loss],
    kind: Kind,
    why_kind: str,
    least_hits: int = 0,
    by_event: bool = False,
    detail: Mapping[str, str] | None = None,
) -> Measured:
    """Return what a health check says that counts: whether too many of all tries went wrong.

    Args:
        window: where it was counted.
        hits: sequence number and event of all that went wrong; ``tries`` those of everything.
        share: how many may go wrong without being told.
        losses: what is known of their cost.
        kind: what it is if it is too much, with ``why_kind``.
        least_hits: how many it must be at least.
        by_event: whether hits of one event count once.
        detail: further numbers.

    """
    bad = len({event for _, event in hits}) if by_event else len(hits)
    total = max(bad, len({event for _, event in tries}) if by_event else len(tries))
    span = wilson(bad, total, limits.LEVEL)
    p = binomial_at_least(bad, total, share) if total else None
    missing = max(0, limits.HEALTH_MIN - total)
    weighed = Weighed(
        n=total,
        events=len({event for _, event in tries}),
        missing=missing,
        estimate=None if span is None else on_grid(bad / total),
        bounds=span,
        p=None if missing else p,
        share=0.0,
    )
    many = span is not None and span.low > share and bad >= least_hits
    measured = reported(
        window,
        weighed,
        losses,
        unit="share of all",
        flagged=many and p is not None and p <= limits.ALPHA,
        kind=kind,
        why_kind=why_kind,
        detail={"wrong": str(bad), **(detail or {})},
    )
    point = math.fsum(one.loss for one in losses) / days_of(window)
    found = evidence(losses) or tuple(sorted(seq for seq, _ in hits)[-limits.EVIDENCE_MAX :])
    # What single failures cost is known only as a sum: no bound is claimed.
    return attrs.evolve(
        measured, cost_low=NO_MONEY, cost_point=capped(window, point), evidence=found
    )


def evidence(losses: Iterable[Loss]) -> tuple[int, ...]:
    """Return the sequence numbers of the largest losses, ascending, at most 50."""
    worst = sorted(losses, key=lambda one: (-one.loss, one.seq))[: limits.EVIDENCE_MAX]
    return tuple(sorted({one.seq for one in worst}))


# -- money and time ------------------------------------------------------------------------------


def dollars(amount: int) -> float:
    """Return a `Money` as a float in dollars."""
    return amount / _DOLLAR


def per_contract(at: int) -> float:
    """Return a `Price` or a difference of prices as a float in dollars."""
    return at / ONE_DOLLAR


def contracts(size: int) -> float:
    """Return a `Size` as a float in contracts."""
    return size / ONE_CONTRACT


def money_of(amount: float) -> Money:
    """Return dollars as `Money`, to a millionth: finer would claim a certainty nobody has."""
    return Money(round(on_grid(amount) * _MICRO) * (_DOLLAR // _MICRO))


def decimal(value: float) -> str:
    """Return a number as a decimal string of four places, as details are written."""
    return f"{on_grid(value):.{_SHARE_PLACES}f}" if math.isfinite(value) else "infinite"


def days_of(window: Window) -> float:
    """Return the days in which the lane scanned; at least an hour, so that a rate exists."""
    covered = window.covered or Duration(window.until - window.since)
    return max(covered, HOUR) / _DAY


def capped(window: Window, cost: float) -> Money:
    """Return a cost per day, not more than the largest equity the lane had."""
    most = max((level.equity for level in window.levels), default=None)
    wanted = money_of(max(0.0, cost))
    return wanted if most is None else Money(max(NO_MONEY, min(wanted, most)))


def utilisation(window: Window) -> float | None:
    """Return the median share of the equity that was at work; None if it is not known."""
    shares = sorted(level.at_work / level.equity for level in window.levels if level.equity > 0)
    return quantile(shares, 0.5) if shares else None


def free_share(window: Window) -> float:
    """Return the median share of the equity that was free; none if it is not known."""
    used = utilisation(window)
    return 0.0 if used is None else min(1.0, max(0.0, 1.0 - used))


def claimed(window: Window, entries: Collection[int], each: float | None) -> dict[int, Money]:
    """Return what a leak of so many dollars per contract explains of the pieces of these entries.

    Every piece is charged alike: a leak is a mean, and says nothing about single trades.
    """
    if each is None or each <= 0:
        return {}
    known = frozenset(entries)
    return {
        piece.seq: money_of(each * contracts(piece.size))
        for piece in window.closed
        if not known.isdisjoint(piece.entries)
    }


# -- prices --------------------------------------------------------------------------------------


def later_mid(path: Path | None, seconds: int) -> Price | None:
    """Return the midpoint so long after a decision, None if it is not known."""
    seen = None if path is None else path.later.get(seconds)
    return None if seen is None else seen.mid


def worth_later(path: Path | None) -> Price | None:
    """Return what a contract was worth an hour later: its midpoint, else what it paid.

    Where the market ended within the hour without a payout known, the last midpoint counts that
    was taken half an hour or more after the decision.
    """
    return _latest(path, lambda at: at.mid)


def sold_later(path: Path | None) -> Price | None:
    """Return what a contract could have been sold for an hour later, else what it paid."""
    return _latest(path, lambda at: at.bid)


def _latest(path: Path | None, pick: Callable[[Prices], Price | None]) -> Price | None:
    if path is None:
        return None
    taken = [path.later.get(seconds) for seconds in _LAST_HORIZONS]
    prices = [None if seen is None else pick(seen) for seen in taken]
    if prices[0] is not None:
        return prices[0]
    if path.payout is not None:
        return path.payout
    return next((at for at in prices if at is not None), None)


def paid(entry: Entry) -> tuple[Size, Money, Money] | None:
    """Return size, cost and fees of what was bought and kept; None if nothing was."""
    kept = [one for one in entry.executions if not one.reversed]
    if not kept:
        return None
    return (
        Size(sum(one.size for one in kept)),
        Money(sum(one.cost for one in kept)),
        Money(sum(one.fee for one in kept)),
    )


def decision_mid(entry: Entry) -> Price | None:
    """Return the midpoint on which an entry was decided, None if nobody knows."""
    if entry.wish is not None and entry.wish.prices.mid is not None:
        return entry.wish.prices.mid
    return entry.mid


def gross_edge(entry: Entry) -> float | None:
    """Return what the belief promised over the midpoint, per contract, before any cost."""
    mid = decision_mid(entry)
    if mid is None or entry.wish is None:
        return None
    return max(0.0, (entry.wish.belief - mid) / CERTAIN)


# -- knobs ---------------------------------------------------------------------------------------


def turn(night: Night, *wanted: tuple[str, int]) -> tuple[Knobbed, ...]:
    """Return the knobs of this lane that match, with their directions.

    ``strategies.*.params.min_edge`` matches the knob of every strategy. A knob that is not set, or
    stands at zero and would have to be lowered, stops nothing and is left out.
    """
    return tuple(
        Knobbed(path=path, direction=direction)
        for pattern, direction in wanted
        for path in _matching(night, pattern)
        if _movable(night.knobs[path], direction)
    )


def _matching(night: Night, pattern: str) -> Iterator[str]:
    head, star, tail = pattern.partition("*")
    for path in night.knobs:
        if path == pattern or (star and path.startswith(head) and path.endswith(tail)):
            yield path


def _movable(value: str | None, direction: int) -> bool:
    return value is not None and (direction > 0 or value.strip("0.") != "")


def dominated(losses: Iterable[Loss], *, markets: int = 1) -> bool:
    """Tell whether a few markets stand for 60 % of all decisions."""
    counts: dict[str, int] = {}
    for one in losses:
        counts[one.market] = counts.get(one.market, 0) + 1
    largest = sorted(counts.values(), reverse=True)[:markets]
    return bool(counts) and sum(largest) >= limits.DOMINATED * sum(counts.values())
