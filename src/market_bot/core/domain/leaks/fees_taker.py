"""Leak ``fees_taker``: fees eat the edge, or a resting order would have been cheaper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from market_bot.core.domain.analytics.window import Closed, Entry, Window
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks import thresholds as limits
from market_bot.core.domain.leaks.api import Example, Kind, LeakRule, Measured, Night
from market_bot.core.domain.leaks.measures import (
    Loss,
    Weighed,
    claimed,
    contracts,
    decimal,
    decision_mid,
    dollars,
    gross_edge,
    later_mid,
    paid,
    per_contract,
    reported,
    turn,
    weigh,
)
from market_bot.core.domain.numbers import NO_MONEY, NOTHING
from market_bot.core.domain.orders import Style

_NAME: Final = "fees_taker"
_WAITED: Final = (60, 300)
_JUDGED: Final = 1800
_BANDS: Final = 5


@attrs.frozen(kw_only=True)
class _Charged:
    """A closed piece with the edge that its entry expected over the midpoint, in dollars."""

    piece: Closed
    edge: float

    @property
    def fees(self) -> float:
        return dollars(self.piece.fees)


def find(window: Window, night: Night) -> tuple[Measured, ...]:
    """Weigh fees of both ways against two fifths of the edge, and taking against resting.

    Two questions, so each p counts twice; the clearer answer is reported.
    """
    charged = _charged(window)
    eaten = [_beyond_share(one) for one in charged]
    taken = [one for one in window.entries if _switchable(one)]
    # Where prices fall after our trades anything that trades less looks good: that is no fee.
    rising = sum(_move(one) for one in taken) > 0
    switched = [_switched(one) for one in taken] if rising else []
    share = _weighed(night, window, "share", eaten, limits.FEES_MIN)
    switch = _weighed(night, window, "switch", switched, limits.SWITCHABLE_MIN)
    resting = _rank(switch) < _rank(share)
    worse, losses = (switch, switched) if resting else (share, eaten)
    hopeless = _every_band(charged)
    entries = {seq for one in charged for seq in one.piece.entries}
    return (
        reported(
            window,
            worse,
            losses,
            unit="dollars per contract",
            p=None if worse.p is None else 2 * worse.p,
            knobs=turn(night, *_knobs(window, resting=resting)),
            kind=Kind.STRUCTURAL if hopeless else Kind.TUNING,
            why_kind="fees are higher than the edge at every price" if hopeless else "",
            claims=claimed(
                window, {loss.seq for loss in losses} if resting else entries, worse.estimate
            ),
            detail={
                "measure": "resting instead" if resting else "share of edge",
                "fees": decimal(sum(one.fees for one in charged)),
                "edge": decimal(sum(one.edge for one in charged)),
                **_by_band(charged),
            },
        ),
    )


def _charged(window: Window) -> list[_Charged]:
    entries = {entry.seq: entry for entry in window.entries}
    found = []
    for piece in sorted(window.closed, key=lambda one: one.seq):
        known = [entries[seq] for seq in piece.entries if seq in entries]
        edges = [edge for one in known if (edge := gross_edge(one)) is not None]
        if edges and len(edges) == len(piece.entries):
            mean = sum(edges) / len(edges)
            found.append(_Charged(piece=piece, edge=mean * contracts(piece.size)))
    return found


def _beyond_share(one: _Charged) -> Loss:
    return Loss(
        seq=one.piece.seq,
        event=one.piece.event,
        market=one.piece.market,
        loss=one.fees - limits.FEES_SHARE * one.edge,
        weight=contracts(one.piece.size),
    )


def _switchable(entry: Entry) -> bool:
    return (
        entry.path is not None
        and entry.path.start.bid is not None
        and paid(entry) is not None
        and later_mid(entry.path, _JUDGED) is not None
        and decision_mid(entry) is not None
        and all(one.liquidity is Style.TAKER for one in entry.executions)
    )


def _move(entry: Entry) -> int:
    return (later_mid(entry.path, _JUDGED) or 0) - (decision_mid(entry) or 0)


def _switched(entry: Entry) -> Loss:
    """Return what taking lost against resting at the bid for five minutes, half an hour later.

    A resting order counts as filled only where the ask came down to it: not being filled is paid
    for with the gain that was missed.
    """
    later, bid = later_mid(entry.path, _JUDGED) or 0, _start_bid(entry)
    size, cost, fee = paid(entry) or (NOTHING, NO_MONEY, NO_MONEY)
    seen = {} if entry.path is None else entry.path.later
    asks = [seen[seconds].ask for seconds in _WAITED if seconds in seen]
    filled = any(ask is not None and ask <= bid for ask in asks)
    rested = contracts(size) * per_contract(later - bid) if filled else 0.0
    return Loss(
        seq=entry.seq,
        event=entry.event,
        market=entry.market,
        loss=rested - dollars(later * size - cost - fee),
        weight=contracts(size),
    )


def _start_bid(entry: Entry) -> int:
    return (entry.path.start.bid or 0) if entry.path is not None else 0


def _weighed(
    night: Night, window: Window, what: str, losses: Sequence[Loss], least: int
) -> Weighed:
    seed = f"{night.seed}:{_NAME}:{what}:{window.since}"
    return weigh(losses, seed=seed, least=least, events=limits.FEES_EVENTS)


def _rank(weighed: Weighed) -> tuple[bool, float]:
    return not weighed.solid, 1.0 if weighed.p is None else weighed.p


def _band(one: _Charged) -> int:
    at = dollars(one.piece.cost) / contracts(one.piece.size) if one.piece.size else 0.0
    return min(_BANDS - 1, int(at * _BANDS))


def _bands(charged: Sequence[_Charged]) -> dict[int, tuple[float, float]]:
    sums: dict[int, tuple[float, float]] = {}
    for one in charged:
        fees, edge = sums.get(_band(one), (0.0, 0.0))
        sums[_band(one)] = (fees + one.fees, edge + one.edge)
    return dict(sorted(sums.items()))


def _every_band(charged: Sequence[_Charged]) -> bool:
    bands = _bands(charged).values()
    return bool(bands) and all(fees > edge for fees, edge in bands)


def _by_band(charged: Sequence[_Charged]) -> dict[str, str]:
    return {
        f"fees_to_edge_{band / _BANDS:.1f}": decimal(fees / edge) if edge > 0 else "infinite"
        for band, (fees, edge) in _bands(charged).items()
    }


def _knobs(window: Window, *, resting: bool) -> list[tuple[str, int]]:
    names = sorted({one.strategy for one in window.entries})
    what = "patience_seconds" if resting else "min_edge"
    return [(f"strategies.{name}.params.{what}", 1) for name in names]


def _night(fees: str, edge: str = "0.03") -> Night:
    entries = [made.entry(i, edge=edge, move="0.04", after=60) for i in range(80)]
    pieces = [
        made.closed(i, gain="0.03", fees=made.written(made.scattered(fees, i)), market=f"M{i}")
        for i in range(80)
    ]
    return made.night(entries=entries, closed=pieces)


def _resting() -> Night:
    """Return a night in which every price dips to the bid before it comes back."""
    entries = []
    for i in range(80):
        dip = made.path({60: 480_000, 600: 501_000 + made.scattered("0", i)})
        fee = made.written(made.scattered("0.05", i))
        entries.append(made.entry(i, path=dip, fee=fee))
    return made.night(entries=entries)


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="Fees take more than two fifths of the edge, or resting would have been cheaper.",
    disproof=(
        "The next forty trades pay less than two fifths of their edge in fees, and orders left "
        "resting are not filled or are filled only when the price falls."
    ),
    find=find,
    examples=(
        Example(name="eaten", night=lambda: _night("0.40"), flagged=True),
        Example(name="cheap", night=lambda: _night("0.10"), flagged=False),
        Example(name="resting", night=_resting, flagged=True),
        Example(name="hopeless", night=lambda: _night("0.80"), flagged=True, kind=Kind.STRUCTURAL),
    ),
)
