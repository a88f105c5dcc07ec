"""Leak ``late_exit``: positions are held until what they had gained is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from market_bot.core.domain.analytics.window import Closed, Entry, Path, Prices, Window
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks import thresholds as limits
from market_bot.core.domain.leaks.api import Example, Kind, LeakRule, Measured, Night
from market_bot.core.domain.leaks.measures import (
    Loss,
    Weighed,
    claimed,
    contracts,
    decimal,
    dollars,
    per_contract,
    reported,
    turn,
    weigh,
)
from market_bot.core.domain.numbers import SECOND, Money, Price, price

_NAME: Final = "late_exit"
_GAIN: Final = "exits.take_profit.gain"
_HOLD: Final = "exits.max_hold.minutes"
_TRAIL: Final = "exits.trailing_stop.distance"
Pick = Callable[[Prices], Price | None]
Sells = Callable[[Sequence[tuple[int, Prices]], Price, int, Pick], Price | None]


@attrs.frozen(kw_only=True)
class _Way:
    """One legal value of one exit, and when it would have sold."""

    knob: str
    value: int
    sells: Sells


@attrs.frozen(kw_only=True)
class _Sold:
    """A piece that was sold, with the prices it could have been sold at before."""

    piece: Closed
    entry: Entry
    cost: Price
    path: tuple[tuple[int, Prices], ...]
    last_mid: Price | None


def find(window: Window, night: Night) -> tuple[Measured, ...]:
    """Replay every legal earlier exit along the recorded prices, and weigh the best of them.

    The best of many looks good by luck: its level and its p count them all. How much of the
    highest price was given back is context only; it is never negative.
    """
    sold = list(_sold(window))
    ways = [way for knob in (_GAIN, _HOLD, _TRAIL) for way in _ladder(knob, night)]
    gains = [_losses(sold, way, lambda at: at.bid) for way in ways]
    best = _best(gains)
    weighed = _weighed(night, window, gains, best, "bid")
    liquid = weighed.solid and _plateau(ways, gains, best)
    flagged, kind, why = liquid, Kind.TUNING, ""
    if not liquid and not weighed.missing and ways:
        middle = [_losses(sold, way, lambda at: at.mid, fair=True) for way in ways]
        best_mid = _best(middle)
        seen = _weighed(night, window, middle, best_mid, "mid")
        if seen.solid and _plateau(ways, middle, best_mid):
            flagged, kind, weighed, best = True, Kind.STRUCTURAL, seen, best_mid
            why = "the gain is there at midpoints and gone at bids: it is liquidity, not the exit"
    losses = gains[best] if ways else _losses(sold, None, lambda at: at.bid)
    entries = {seq for one in sold for seq in one.piece.entries}
    return (
        reported(
            window,
            weighed,
            losses,
            unit="dollars per contract sold",
            flagged=flagged,
            knobs=turn(night, (ways[best].knob, -1)) if ways else (),
            kind=kind,
            why_kind=why,
            claims=claimed(window, entries, weighed.estimate),
            detail={
                "tried": str(len(ways)),
                "best": f"{ways[best].knob} {ways[best].value}" if ways else "",
                "given_back": _given_back(sold),
            },
        ),
    )


def _sold(window: Window) -> Iterator[_Sold]:
    """Yield the sold pieces of one entry each whose later prices are known."""
    entries = {entry.seq: entry for entry in window.entries}
    mids = {one.seq: one.path.start.mid for one in window.departures if one.path is not None}
    for piece in sorted(window.closed, key=lambda one: one.seq):
        entry = entries.get(piece.entries[0]) if len(piece.entries) == 1 else None
        if piece.how != "sold" or entry is None or entry.path is None or not piece.size:
            continue
        held = (piece.at - entry.path.since) // SECOND
        before = tuple(sorted((s, at) for s, at in entry.path.later.items() if s < held))
        cost = Price(piece.cost // piece.size)
        last = None if piece.departure is None else mids.get(piece.departure)
        yield _Sold(piece=piece, entry=entry, cost=cost, path=before, last_mid=last)


def _ladder(knob: str, night: Night) -> Iterator[_Way]:
    """Yield the earlier values of an exit that is on, in order."""
    now = night.knobs.get(knob)
    if now is None:
        return
    values, sells = _ways_of(knob)
    limit = int(now) if knob == _HOLD else price(now)
    for value in values:
        if value < limit:
            yield _Way(knob=knob, value=value, sells=sells)


def _ways_of(knob: str) -> tuple[Sequence[int], Sells]:
    if knob == _GAIN:
        return limits.LATE_GAINS, _takes_profit
    if knob == _HOLD:
        return limits.LATE_MINUTES, _gives_up
    return limits.LATE_TRAILS, _trails


def _takes_profit(
    path: Sequence[tuple[int, Prices]], cost: Price, value: int, pick: Pick
) -> Price | None:
    for _, at in path:
        found = pick(at)
        if found is not None and found - cost >= value:
            return found
    return None


def _gives_up(
    path: Sequence[tuple[int, Prices]], _cost: Price, value: int, pick: Pick
) -> Price | None:
    for seconds, at in path:
        found = pick(at)
        if found is not None and seconds >= 60 * value:
            return found
    return None


def _trails(
    path: Sequence[tuple[int, Prices]], cost: Price, value: int, pick: Pick
) -> Price | None:
    high = int(cost)
    for _, at in path:
        found = pick(at)
        if found is None:
            continue
        high = max(high, found)
        if high >= cost + value and found <= high - value:
            return found
    return None


def _losses(
    sold: Sequence[_Sold], way: _Way | None, pick: Pick, *, fair: bool = False
) -> list[Loss]:
    """Return what each piece lost against one earlier exit, for the same fee.

    With ``fair`` midpoints are compared: the sale counts at the midpoint at which it was decided.
    """
    losses = []
    for one in sold:
        earlier = None if way is None else way.sells(one.path, one.cost, way.value, pick)
        got = int(one.piece.proceeds)
        if fair:
            earlier = None if one.last_mid is None else earlier
            got = (one.last_mid or 0) * one.piece.size
        lost = Money(0) if earlier is None else Money(earlier * one.piece.size - got)
        losses.append(
            Loss(
                seq=one.piece.seq,
                event=one.piece.event,
                market=one.piece.market,
                loss=dollars(lost),
                weight=contracts(one.piece.size),
            )
        )
    return losses


def _best(gains: Sequence[Sequence[Loss]]) -> int:
    totals = [sum(loss.loss for loss in losses) for losses in gains]
    return max(range(len(totals)), key=lambda i: (round(totals[i], 9), -i), default=0)


def _weighed(
    night: Night, window: Window, gains: Sequence[Sequence[Loss]], best: int, how: str
) -> Weighed:
    seed = f"{night.seed}:{_NAME}:{how}:{window.since}"
    tried = max(1, len(gains))
    found = weigh(
        gains[best] if gains else (),
        seed=seed,
        least=limits.LATE_MIN,
        events=limits.LATE_EVENTS,
        level=1.0 - (1.0 - limits.LEVEL) / tried,
    )
    return attrs.evolve(found, p=None if found.p is None else min(1.0, found.p * tried))


def _plateau(ways: Sequence[_Way], gains: Sequence[Sequence[Loss]], best: int) -> bool:
    """Tell whether the neighbours on the same ladder gain too, and one at least half as much."""
    whole = sum(loss.loss for loss in gains[best])
    near = [
        i for i in (best - 1, best + 1) if 0 <= i < len(ways) and ways[i].knob == ways[best].knob
    ]
    totals = [sum(loss.loss for loss in gains[i]) for i in near]
    return not totals or (min(totals) > 0 and max(totals) >= limits.PLATEAU * whole)


def _given_back(sold: Sequence[_Sold]) -> str:
    shares = []
    for one in sold:
        bids = [at.bid for _, at in one.path if at.bid is not None]
        most = max(bids, default=one.cost) - one.cost
        if most > 0:
            kept = dollars(one.piece.proceeds) / contracts(one.piece.size)
            shares.append((per_contract(most + one.cost) - kept) / per_contract(most))
    return decimal(sum(shares) / len(shares)) if shares else ""


def _night(high: str, end: str, knobs: Mapping[str, str | None] = made.KNOBS) -> Night:
    """Return a night in which prices rise within ten minutes and fall before the exit."""
    fall = price("0.5") + price(end)
    entries, pieces = [], []
    for i in range(60):
        rise = price("0.5") + made.scattered(high, i + 1)
        later = made.path(
            {600: rise, 1200: rise, 1800: rise, 2400: fall}, since=made.names(i)["at"]
        )
        entry = made.entry(i, path=later)
        entries.append(entry)
        at = entry.at + 3000 * SECOND
        pieces.append(made.closed(i, gain=end, at=at))
    return made.night(entries=entries, closed=pieces, knobs=knobs)


def _thin() -> Night:
    """Return a night in which midpoints rise and nobody bids more."""
    night = _night("0.06", "0")

    def thinned(entry: Entry) -> Entry:
        path = entry.path
        later = {} if path is None else path.later
        low = {s: attrs.evolve(at, bid=price("0.48")) for s, at in later.items()}
        return attrs.evolve(entry, path=Path(since=entry.at, start=made.quoted(500_000), later=low))

    left = tuple(made.departure(i, worth="0") for i in range(60))
    pieces = tuple(attrs.evolve(one, departure=one.seq - 1) for one in night.day.closed)
    entries = tuple(map(thinned, night.day.entries))
    day = attrs.evolve(night.day, entries=entries, closed=pieces, departures=left)
    return attrs.evolve(night, day=day, week=day, month=day)


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="Positions are held too long: an earlier exit would have kept what they had gained.",
    disproof="On later days the earlier exit sells for no more than the present one.",
    find=find,
    examples=(
        Example(name="given back", night=lambda: _night("0.06", "0"), flagged=True),
        Example(name="still rising", night=lambda: _night("0.03", "0.06"), flagged=False),
        Example(name="thin books", night=_thin, flagged=True, kind=Kind.STRUCTURAL),
    ),
)
