"""Round trips at average cost: what was bought, and what became of each part of it.

The arithmetic is that of the fold (`market_bot.core.domain.lane`), to the last unit: an average
cost that is shared by what is held, sales and resolutions and merges that take their share of it,
and late news of a market that ended, for which it is opened as it stood and paid again. The fold
keeps only totals; this remembers where each unit of money came from. What never happens at a sound
venue (a sale of more than is held) leads to the same totals as there.

A part of the entry's fees stays with what is still held and is charged when that is closed.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from itertools import islice
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.analytics.attribution import Walk, attribute
from market_bot.core.domain.analytics.window import Closed
from market_bot.core.domain.lane import LaneState, Position
from market_bot.core.domain.market import LEGS, Leg
from market_bot.core.domain.numbers import (
    NO_MONEY,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Probability,
    Size,
)
from market_bot.core.domain.orders import Order, OrderState, Purpose

SOLD: Final = "sold"
RESOLVED: Final = "resolved"
MERGED: Final = "merged"
REVERSED: Final = "reversed"
CORRECTED: Final = "corrected"

LATER_FROM: Final = Duration(270 * SECOND)
"""The first midpoint from here after a fill on is that of five minutes later …"""
LATER_UNTIL: Final = Duration(630 * SECOND)
"""… unless it came after this: then none is."""

# As many as the fold remembers, so that late news mean the same in both.
_FINISHED_MAX: Final = 256
_ENDED_MAX: Final = 256
_MERGES_MAX: Final = 64
_LOTS_MAX: Final = 32
_ENTRIES_MAX: Final = 32


@attrs.define(eq=False)
class Lot:
    """One purchase of a position: the prices it is measured by; ``size`` is its weight."""

    fill: tuple[str, str]
    at: Micros
    size: int
    asked: int | None = None
    decided: int | None = None
    filled: int | None = None
    later: int | None = None
    waits: bool = True

    def left_soon(self, at: Micros) -> bool:
        """Tell whether less than five minutes lie between this purchase and a moment."""
        return self.waits and at - self.at < LATER_FROM


@attrs.define(eq=False, kw_only=True)
class Holding:
    """What is held of one leg; ``fees`` are those of purchases not charged to a piece yet."""

    seq: int
    signal: str
    strategy: str
    market: str
    event: str
    family: str
    leg: Leg
    opened_at: Micros
    size: int = 0
    cost: int = 0
    fees: int = 0
    belief: Probability | None = None
    edge: Price | None = None
    closes_in: Duration | None = None
    entries: tuple[int, ...] = ()
    lots: list[Lot] = attrs.field(factory=list)
    waiting: bool = False
    mid: Price | None = None
    bid: Price | None = None
    highest: Price | None = None

    def quoted(self, at: Micros, mid: Price | None, bid: Price | None) -> None:
        """Take a price of this leg."""
        if bid is not None:
            self.bid = bid
            if self.highest is None or bid > self.highest:
                self.highest = bid
        if mid is not None:
            self.mid = mid
            if self.waiting:
                self._later(at, mid)

    def _later(self, at: Micros, mid: Price) -> None:
        self.waiting = False
        for lot in self.lots:
            age = at - lot.at
            if lot.waits and age >= LATER_FROM:
                lot.waits = False
                if age <= LATER_UNTIL:
                    lot.later = mid
            self.waiting = self.waiting or lot.waits

    def add(self, lot: Lot) -> None:
        """Take one more purchase; the oldest two become one if they are too many."""
        self.lots.append(lot)
        self.waiting = True
        if len(self.lots) > _LOTS_MAX:
            self.lots[:2] = [_together(*self.lots[:2])]

    def scale(self, before: int) -> None:
        """Let all purchases have a part in a change of size by something else than a purchase."""
        if before > 0:
            for lot in self.lots:
                lot.size = lot.size * self.size // before

    def worth(self, gone: int, left: int | None, at: Micros) -> dict[str, Money | None]:
        """Return what contracts were worth at the prices of their purchases; see `Walk`."""
        weight = sum(lot.size for lot in self.lots)
        prices = {
            "asked": [lot.asked for lot in self.lots],
            "decided": [lot.decided for lot in self.lots],
            "filled": [lot.filled for lot in self.lots],
            # What was left within five minutes was exposed for so long only.
            "later": [
                left if lot.waits and at - lot.at < LATER_FROM else lot.later for lot in self.lots
            ],
        }
        return {name: self._averaged(known, weight, gone) for name, known in prices.items()}

    def _averaged(self, prices: list[int | None], weight: int, gone: int) -> Money | None:
        total = 0
        for lot, price in zip(self.lots, prices, strict=True):
            if price is None:
                return None
            total += price * lot.size
        return Money(total * gone // weight) if weight else None


def _together(one: Lot, other: Lot) -> Lot:
    size = one.size + other.size

    def mixed(a: int | None, b: int | None) -> int | None:
        if a is None or b is None:
            return None
        return (a * one.size + b * other.size) // size if size else a

    return Lot(
        fill=("", ""),
        at=other.at,
        size=size,
        asked=mixed(one.asked, other.asked),
        decided=mixed(one.decided, other.decided),
        filled=mixed(one.filled, other.filled),
        later=mixed(one.later, other.later),
        waits=one.waits and other.waits,
    )


@attrs.define(eq=False)
class Piece:
    """A closed piece and where it stands among those that count; 0 if it does not count."""

    closed: Closed
    number: int = 0


@attrs.define(eq=False)
class Traded:
    """A fill that may still be undone, with what it did to its position."""

    size: int
    cost: int
    fee: int
    basis: int
    provisional: bool
    share: int = 0
    holding: Holding | None = None
    piece: Piece | None = None


@attrs.define(eq=False, kw_only=True)
class Ordered:
    """What is known of an order; ``refused`` until a trade proves the contrary."""

    seq: int
    intent: str
    market: str
    leg: Leg
    purpose: Purpose
    price: Price
    size: int
    created_at: Micros
    signal: str = ""
    strategy: str = ""
    event: str = ""
    family: str = ""
    mid: Price | None = None
    belief: Probability | None = None
    edge: Price | None = None
    closes_in: Duration | None = None
    reason: str = ""
    departure: int | None = None
    over: bool = False
    refused: bool = False
    undone: int = 0
    fills: dict[str, Traded] = attrs.field(factory=dict)

    @property
    def filled(self) -> int:
        """Contracts that were traded and not undone."""
        return sum([fill.size for fill in self.fills.values()])

    @property
    def finished(self) -> bool:
        """Whether nothing more is to come of it."""
        if not self.fills:
            return self.over or self.undone >= self.size
        done = self.over or self.filled + self.undone >= self.size
        return done and not any(fill.provisional for fill in self.fills.values())


@attrs.define(eq=False)
class Paid:
    """A holding as it stood when its market ended, and the piece it became."""

    holding: Holding
    size: int
    cost: int
    fees: int
    piece: Piece | None


@attrs.define(eq=False)
class Ended:
    """What a market paid."""

    yes_payout: Price
    paid: list[Paid] = attrs.field(factory=list)


@attrs.define(eq=False)
class RoundTrips:
    """The positions of a lane while its facts are heard, and the pieces that were closed.

    Attributes:
        gross: what was gained by all closing so far, as the fold's ``realised``.
        charged: all fees so far, as the fold's ``fees``.
        at_work: what everything held cost.
        counting: whether what is closed now belongs to the window.
        pieces: those that belong to it, oldest first.
        spilled: whether pieces were left out because they were too many.

    """

    pieces_max: int
    gross: int = 0
    charged: int = 0
    at_work: int = 0
    counting: bool = False
    spilled: bool = False
    pieces: OrderedDict[int, Closed] = attrs.field(factory=OrderedDict)
    held: dict[str, dict[Leg, Holding]] = attrs.field(factory=dict)
    _live: dict[str, Ordered] = attrs.field(factory=dict)
    _finished: dict[str, Ordered] = attrs.field(factory=dict)
    _markets: Counter[str] = attrs.field(factory=Counter)
    _ended: dict[str, Ended] = attrs.field(factory=dict)
    _merges: deque[str] = attrs.field(factory=lambda: deque(maxlen=_MERGES_MAX))
    _number: int = 0

    # -- where it begins ---------------------------------------------------------------------

    def restore(self, state: LaneState) -> None:
        """Begin with what a lane held; how it was bought is not known."""
        self.gross, self.charged = int(state.realised), int(state.fees)
        for order in (*state.orders.values(), *state.finished.values()):
            self._file(_ordered(order))
        for position in state.positions.values():
            self.at_work += self._hold(_holding(position, state)).cost
        self._merges.extend(state.merges)
        for market, ended in state.ended.items():
            paid = [_paid(position, ended.yes_payout, state) for position in ended.positions]
            self._ended[market] = Ended(ended.yes_payout, paid)

    @property
    def net(self) -> Money:
        """What was realised so far, less the fees of what is not held any more."""
        return Money(self.gross - self.charged + sum(h.fees for h in self.holdings()))

    def holdings(self) -> Iterator[Holding]:
        """Yield what is held."""
        for pair in self.held.values():
            yield from pair.values()

    def quoted(
        self, at: Micros, market: str, leg: Leg, mid: Price | None, bid: Price | None
    ) -> None:
        """Take a price of a market; the midpoint of the other leg is the rest of a dollar."""
        pair = self.held.get(market)
        if pair is None:
            return
        for own, held in pair.items():
            if own is leg:
                held.quoted(at, mid, bid)
            elif mid is not None:
                held.quoted(at, Price(ONE_DOLLAR - mid), None)

    def holding(self, market: str, leg: Leg) -> Holding | None:
        """Return what is held of a leg, or None."""
        return self.held.get(market, {}).get(leg)

    # -- orders ------------------------------------------------------------------------------

    def order(self, intent: str) -> Ordered | None:
        """Return an order that is remembered, or None."""
        return self._live.get(intent) or self._finished.get(intent)

    def intend(self, order: Ordered) -> bool:
        """Take a new order; tell whether it is one."""
        if self.order(order.intent) is not None:
            return False
        self._file(order)
        return True

    def end_order(self, intent: str, *, refused: bool = False) -> None:
        """Take that nothing more will fill of an order."""
        order = self.order(intent)
        if order is not None and not (order.over and order.refused):
            order.refused = refused and not order.over and not order.filled
            order.over = True
            self._file(order)

    def _file(self, order: Ordered) -> None:
        """Keep an order; the finished ones are remembered for a while."""
        name = order.intent
        if name not in self._live and name not in self._finished:
            self._markets[order.market] += 1
        if not order.finished:
            self._finished.pop(name, None)
            self._live[name] = order
            return
        self._live.pop(name, None)
        self._finished[name] = order
        while len(self._finished) > _FINISHED_MAX:
            gone = self._finished.pop(next(iter(self._finished)))
            self._markets[gone.market] -= 1
            if not self._markets[gone.market]:
                del self._markets[gone.market]

    # -- fills -------------------------------------------------------------------------------

    def fill(self, seq: int, at: Micros, event: ev.Fill) -> Ordered | None:
        """Take a trade; return its order if it is new and the order is known."""
        order = self.order(event.intent)
        if (order is not None and event.fill in order.fills) or event.size <= 0:
            return None
        ended = self._reopen(event.market)
        trade = Traded(event.size, event.cost, event.fee, 0, event.provisional)
        self.charged += event.fee
        if event.purpose is Purpose.ENTRY:
            self._buy(seq, at, event, order, trade)
        else:
            self._sell(seq, at, event, order, trade)
        if order is not None:
            order.fills[event.fill] = trade
            order.over, order.refused = order.over and not order.refused, False
            self._file(order)
        self._pay(seq, at, event.market, ended)
        return order

    def _buy(
        self, seq: int, at: Micros, event: ev.Fill, order: Ordered | None, trade: Traded
    ) -> None:
        held = self.holding(event.market, event.leg)
        if held is None:
            held = self._hold(_opened(seq, at, event, order))
        trade.basis, trade.holding, trade.share = trade.cost, held, trade.fee
        held.size += event.size
        held.cost += event.cost
        held.fees += event.fee
        self.at_work += event.cost
        if order is not None and order.seq and order.seq not in held.entries:
            held.entries = (*held.entries, order.seq)[-_ENTRIES_MAX:]
        lot = Lot((event.intent, event.fill), at, event.size, filled=event.mid)
        if order is not None:
            lot.asked, lot.decided = order.price, order.mid
        held.add(lot)
        if event.mid is not None:
            held.quoted(at, event.mid, None)

    def _sell(
        self, seq: int, at: Micros, event: ev.Fill, order: Ordered | None, trade: Traded
    ) -> None:
        held = self.holding(event.market, event.leg)
        if held is None:
            held = _opened(seq, at, event, None)
            held.strategy, held.signal = event.strategy, event.signal
        gone = min(event.size, held.size)
        left = held.mid if order is None else order.mid
        worth = held.worth(gone, left, at if order is None else order.created_at)
        basis, share = self._give(held, gone)
        trade.basis, trade.share, trade.holding = basis, share, held
        self.gross += event.cost - basis
        walk = Walk(
            cost=Money(basis),
            proceeds=event.cost,
            fees=Money(share + event.fee),
            sold=True,
            left=None if left is None else Money(left * gone),
            sought=None if order is None else Money(order.price * gone),
            **worth,
        )
        trade.piece = self._close(seq, at, held, SOLD, gone, walk, order)

    def _give(self, held: Holding, gone: int) -> tuple[int, int]:
        """Take contracts out of a holding; return their share of its cost and of its fees."""
        before = held.size
        if not before:
            return 0, 0
        basis = held.cost * gone // before
        share = held.fees if gone == before else held.fees * gone // before
        self.at_work -= basis
        held.size, held.cost, held.fees = before - gone, held.cost - basis, held.fees - share
        if held.size:
            held.scale(before)
        else:
            self._drop(held)
        return basis, share

    def settle(self, intent: str, fill: str) -> None:
        """Take that a provisional fill is final."""
        order = self.order(intent)
        trade = None if order is None else order.fills.get(fill)
        if order is not None and trade is not None and trade.provisional:
            trade.provisional = False
            self._file(order)

    def reverse(self, seq: int, at: Micros, intent: str, fill: str) -> Ordered | None:
        """Take that a fill was undone; return its order if that was news."""
        order = self.order(intent)
        trade = None if order is None else order.fills.get(fill)
        if order is None or trade is None or not trade.size:
            return None
        ended = self._reopen(order.market)
        self.charged -= trade.fee
        if order.purpose is Purpose.EXIT:
            self._unsell(seq, at, order, trade)
        else:
            self._unbuy(seq, at, (intent, fill), order, trade)
        order.undone += trade.size
        order.over = order.over or order.filled >= order.size
        order.fills[fill] = Traded(0, 0, 0, 0, provisional=False)
        self._file(order)
        self._pay(seq, at, order.market, ended)
        return order

    def _unsell(self, seq: int, at: Micros, order: Ordered, trade: Traded) -> None:
        self.gross -= trade.cost - trade.basis
        held = self.holding(order.market, order.leg)
        if held is None:
            held = trade.holding or _ordered_holding(order)
            held.size = held.cost = held.fees = 0
            self._hold(held)
        before = held.size
        held.size += trade.size
        held.cost += trade.basis
        held.fees += trade.share
        self.at_work += trade.basis
        held.scale(before)
        self._retract(seq, at, trade.piece or _unknown_sale(order, trade))

    def _unbuy(
        self, seq: int, at: Micros, name: tuple[str, str], order: Ordered, trade: Traded
    ) -> None:
        """Take back a purchase; what was sold or settled of it meanwhile stays realised."""
        held = self.holding(order.market, order.leg)
        loose = held is None
        if held is None:
            held = trade.holding or _ordered_holding(order)
            held.size = held.cost = held.fees = 0
        gone = min(trade.size, held.size)
        whole = held.size <= trade.size
        cost = held.cost if whole else min(trade.basis, held.cost)
        share = held.fees if whole else min(trade.fee, held.fees)
        self.gross += trade.cost - cost
        if not loose:
            before = held.size
            held.size, held.cost, held.fees = before - gone, held.cost - cost, held.fees - share
            self.at_work -= cost
            self._forget_lot(held, name, before)
        walk = Walk(
            cost=Money(cost),
            proceeds=Money(trade.cost),
            fees=Money(share - trade.fee),
            sold=False,
        )
        if walk.proceeds - walk.cost - walk.fees:
            self._close(seq, at, held, REVERSED, gone, walk, None)

    def _forget_lot(self, held: Holding, name: tuple[str, str], before: int) -> None:
        if not held.size:
            self._drop(held)
            return
        rest = [lot for lot in held.lots if lot.fill != name]
        if len(rest) < len(held.lots):
            held.lots = rest
        else:
            held.scale(before)

    # -- merges and resolutions --------------------------------------------------------------

    def merge(self, seq: int, at: Micros, event: ev.Merged) -> None:
        """Turn pairs of YES and NO into money; both legs share what the pair gained."""
        if event.merge in self._merges or event.size <= 0:
            return
        ended = self._reopen(event.market)
        self._merges.append(event.merge)
        pair = [self.holding(event.market, leg) for leg in LEGS]
        gone = min(event.size, *(0 if held is None else held.size for held in pair))
        both = [held for held in pair if held is not None and gone]
        worths = [held.worth(gone, held.mid, at) for held in both]
        given = [self._give(held, gone) for held in both]
        gain = event.payout - sum(basis for basis, _ in given)
        self.gross += gain
        shares = (gain // 2, gain - gain // 2)
        for held, worth, (basis, fees), share in zip(both, worths, given, shares, strict=False):
            walk = Walk(
                cost=Money(basis),
                proceeds=Money(basis + share),
                fees=Money(fees),
                sold=False,
                left=None if held.mid is None else Money(held.mid * gone),
                **worth,
            )
            self._close(seq, at, held, MERGED, gone, walk, None)
        if not both:
            walk = Walk(cost=NO_MONEY, proceeds=event.payout, fees=NO_MONEY, sold=False)
            self._close(seq, at, _merged_holding(seq, at, event), MERGED, 0, walk, None)
        self._pay(seq, at, event.market, ended)

    def resolve(self, seq: int, at: Micros, event: ev.MarketResolved) -> None:
        """Pay what is held of a market; another payout than the one told before replaces it."""
        if not 0 <= event.yes_payout <= ONE_DOLLAR:
            return
        known = self._ended.get(event.market)
        if known is None:
            self._pay_first(seq, at, event.market, event.yes_payout)
        elif known.yes_payout != event.yes_payout:
            self._reopen(event.market)
            after = Ended(event.yes_payout, known.paid)
            self._pay(seq, at, event.market, after, changed=True)

    def _reopen(self, market: str) -> Ended | None:
        """Hold again what an ended market was paid for; its pieces stand until it is paid."""
        ended = self._ended.get(market)
        if ended is not None:
            for paid in ended.paid:
                held = paid.holding
                held.size, held.cost, held.fees = paid.size, paid.cost, paid.fees
                self.gross -= _worth(ended.yes_payout, held.leg) * paid.size - paid.cost
                self.at_work += paid.cost
                self._hold(held)
        return ended

    def _pay_first(self, seq: int, at: Micros, market: str, yes_payout: Price) -> None:
        if self.held.get(market) or market in self._markets:
            self._pay(seq, at, market, Ended(yes_payout))

    def _pay(
        self, seq: int, at: Micros, market: str, ended: Ended | None, *, changed: bool = False
    ) -> None:
        """Turn all that is held of an ended market into what it pays; nothing if it goes on.

        What was paid before and is the same keeps its piece.
        """
        if ended is None:
            return
        before = {paid.holding.leg: paid for paid in ended.paid}
        now: list[Paid] = []
        for held in list(self.held.get(market, {}).values()):
            old = before.get(held.leg)
            if old is not None and not changed and _same(old, held):
                del before[held.leg]
                now.append(old)
                self.gross += _worth(ended.yes_payout, held.leg) * held.size - held.cost
                self.at_work -= held.cost
                self._drop(held)
            else:
                now.append(self._pay_out(seq, at, held, ended.yes_payout))
        for old in before.values():
            if old.piece is not None:
                self._retract(seq, at, old.piece)
        self._remember(market, Ended(ended.yes_payout, now))

    def _pay_out(self, seq: int, at: Micros, held: Holding, yes_payout: Price) -> Paid:
        size, cost, fees = held.size, held.cost, held.fees
        proceeds = _worth(yes_payout, held.leg) * size
        walk = Walk(
            cost=Money(cost),
            proceeds=Money(proceeds),
            fees=Money(fees),
            sold=False,
            left=None if held.mid is None else Money(held.mid * size),
            **held.worth(size, held.mid, at),
        )
        self.gross += proceeds - cost
        self.at_work -= cost
        self._drop(held)
        piece = self._close(seq, at, held, RESOLVED, size, walk, None)
        return Paid(held, size, cost, fees, piece)

    def _remember(self, market: str, ended: Ended) -> None:
        self._ended[market] = ended
        surplus = len(self._ended) - _ENDED_MAX
        if surplus > 0:
            others = (m for m in self._ended if m not in self._markets and m != market)
            for name in list(islice(others, surplus)):
                del self._ended[name]

    # -- pieces ------------------------------------------------------------------------------

    def _close(
        self,
        seq: int,
        at: Micros,
        held: Holding,
        how: str,
        size: int,
        walk: Walk,
        order: Ordered | None,
    ) -> Piece:
        closed = Closed(
            seq=seq,
            at=at,
            signal=held.signal,
            strategy=held.strategy,
            market=held.market,
            event=held.event,
            family=held.family,
            leg=held.leg,
            opened_at=held.opened_at,
            how=how,
            reason="" if order is None else order.reason,
            size=Size(size),
            cost=walk.cost,
            proceeds=walk.proceeds,
            fees=walk.fees,
            entries=held.entries,
            belief=held.belief,
            edge=held.edge,
            closes_in=held.closes_in,
            departure=None if order is None else order.departure,
            highest=held.highest,
            parts=attribute(walk),
        )
        return self._count(Piece(closed))

    def _count(self, piece: Piece) -> Piece:
        if self.counting:
            self._number += 1
            piece.number = self._number
            self.pieces[piece.number] = piece.closed
            if len(self.pieces) > self.pieces_max:
                self.pieces.popitem(last=False)
                self.spilled = True
        return piece

    def _retract(self, seq: int, at: Micros, piece: Piece) -> None:
        """Let a piece not have been; one of an earlier window is taken off this one."""
        if self.pieces.pop(piece.number, None) is not None or not self.counting:
            return
        old = piece.closed
        undone = attrs.evolve(
            old,
            seq=seq,
            at=at,
            how=CORRECTED,
            size=Size(-old.size),
            cost=Money(-old.cost),
            proceeds=Money(-old.proceeds),
            fees=Money(-old.fees),
            parts={part: Money(-amount) for part, amount in old.parts.items()},
        )
        self._count(Piece(undone))

    def _hold(self, held: Holding) -> Holding:
        self.held.setdefault(held.market, {})[held.leg] = held
        return held

    def _drop(self, held: Holding) -> None:
        pair = self.held.get(held.market)
        if pair is not None and pair.get(held.leg) is held:
            del pair[held.leg]
            if not pair:
                del self.held[held.market]


def _worth(yes_payout: Price, leg: Leg) -> int:
    return yes_payout if leg is Leg.YES else ONE_DOLLAR - yes_payout


def _same(paid: Paid, held: Holding) -> bool:
    now = (held, held.size, held.cost, held.fees)
    return (paid.holding, paid.size, paid.cost, paid.fees) == now


def _opened(seq: int, at: Micros, event: ev.Fill, order: Ordered | None) -> Holding:
    return Holding(
        seq=order.seq if order is not None and order.seq else seq,
        signal=event.signal,
        strategy=event.strategy,
        market=event.market,
        event=event.event,
        family=event.family,
        leg=event.leg,
        opened_at=at,
        belief=None if order is None else order.belief,
        edge=None if order is None else order.edge,
        closes_in=None if order is None else order.closes_in,
    )


def _merged_holding(seq: int, at: Micros, event: ev.Merged) -> Holding:
    return Holding(
        seq=seq,
        signal="",
        strategy="",
        market=event.market,
        event=event.event,
        family=event.family,
        leg=Leg.YES,
        opened_at=at,
    )


def _ordered_holding(order: Ordered) -> Holding:
    return Holding(
        seq=order.seq,
        signal=order.signal,
        strategy=order.strategy,
        market=order.market,
        event=order.event,
        family=order.family,
        leg=order.leg,
        opened_at=order.created_at,
    )


def _unknown_sale(order: Ordered, trade: Traded) -> Piece:
    """Return the piece of a sale that was made before anything was heard."""
    return _unseen(
        _ordered_holding(order), SOLD, trade.size, trade.basis, trade.cost, trade.fee + trade.share
    )


def _unseen(held: Holding, how: str, size: int, cost: int, proceeds: int, fees: int) -> Piece:
    walk = Walk(cost=Money(cost), proceeds=Money(proceeds), fees=Money(fees), sold=False)
    closed = Closed(
        seq=0,
        at=held.opened_at,
        signal=held.signal,
        strategy=held.strategy,
        market=held.market,
        event=held.event,
        family=held.family,
        leg=held.leg,
        opened_at=held.opened_at,
        how=how,
        reason="",
        size=Size(size),
        cost=walk.cost,
        proceeds=walk.proceeds,
        fees=walk.fees,
        entries=(),
        belief=None,
        edge=None,
        closes_in=None,
        parts=attribute(walk),
    )
    return Piece(closed)


def _ordered(order: Order) -> Ordered:
    known = Ordered(
        seq=0,
        intent=order.intent,
        market=order.market,
        leg=order.leg,
        purpose=order.purpose,
        price=order.price,
        size=order.size,
        created_at=order.created_at,
        signal=order.signal,
        strategy=order.strategy,
        event=order.event,
        family=order.family,
        over=not order.state.live,
        refused=order.state is OrderState.REJECTED,
        undone=order.undone,
    )
    for fill in order.fills:
        known.fills[fill.id] = Traded(fill.size, fill.cost, fill.fee, fill.basis, fill.provisional)
    return known


def _holding(position: Position, state: LaneState) -> Holding:
    return Holding(
        seq=0,
        signal=position.signal,
        strategy=position.strategy,
        market=position.market,
        event=position.event,
        family=position.family,
        leg=position.leg,
        opened_at=position.opened_at,
        size=position.size,
        cost=position.cost,
        fees=_uncharged(position, state),
        highest=position.high,
        # How it was bought is not known: one purchase without prices, which nothing waits for.
        lots=[Lot(("", ""), position.opened_at, position.size, waits=False)],
    )


def _uncharged(position: Position, state: LaneState) -> int:
    """Return the part of a position's fees that belongs to what is still held of it.

    Exact as long as the orders that sold the rest are remembered and nothing was bought in between.
    """
    sales = [
        fill
        for order in (*state.orders.values(), *state.finished.values())
        for fill in order.fills
        if order.purpose is Purpose.EXIT
        and (order.market, order.leg) == (position.market, position.leg)
        and order.created_at >= position.opened_at
    ]
    sold, fees = sum(f.size for f in sales), position.fees - sum(f.fee for f in sales)
    return fees * position.size // (position.size + sold)


def _paid(position: Position, yes_payout: Price, state: LaneState) -> Paid:
    held = _holding(position, state)
    proceeds = _worth(yes_payout, held.leg) * held.size
    piece = _unseen(held, RESOLVED, held.size, held.cost, proceeds, held.fees)
    return Paid(held, held.size, held.cost, held.fees, piece)
