"""Venues and markets as the dashboard shows them, from looks into the lanes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec

from market_bot.adapters.storage.journal_search import JournalSearch, Search
from market_bot.core.domain.book import Side
from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import Market, MarketStatus
from market_bot.core.domain.numbers import (
    NEVER,
    SECOND,
    Duration,
    Micros,
    Price,
    Size,
    format_price,
    format_size,
    format_time,
)
from market_bot.core.domain.orders import Order
from market_bot.core.domain.world import Mid, Print, Seen
from market_bot.core.ports.dashboard import (
    HeldLeg,
    Level,
    MarketDetail,
    MarketRow,
    MarketsPage,
    NotNowError,
    NotThereError,
    OperatorError,
    PrintNow,
    ScanNow,
    VenueNow,
    WishNow,
)
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.snapshot_json import snapshot_json
from market_bot.core.usecases.trade_lane import LaneTrader

from .looks import ANSWER_S, Looks

LEVELS_MAX: Final = 50
FILLS_MAX: Final = 100
KEPT_FOR: Final = Duration(SECOND)

_AT_ONCE_S: Final = 0.5


@attrs.frozen(kw_only=True)
class Peek:
    """One market as it was at a look; nothing in it changes any more."""

    market: Market
    status: MarketStatus
    resolved: bool
    bid: Price | None
    ask: Price | None
    bid_size: Size | None
    ask_size: Size | None
    last_trade: Price | None
    changed_at: Micros


@attrs.frozen(kw_only=True)
class Glance:
    """A whole lane as it was at a look."""

    at: Micros
    ticks: int
    told_at: Micros
    venue_state: str
    announced: int
    gaps: int
    ignored: int
    markets: tuple[Peek, ...]
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]


@attrs.frozen(kw_only=True)
class Close:
    """One market closely."""

    at: Micros
    ticks: int
    peek: Peek
    bids: tuple[tuple[Price, Size], ...]
    asks: tuple[tuple[Price, Size], ...]
    prints: tuple[Print, ...]
    mids: tuple[Mid, ...]
    wishes: tuple[WishNow, ...]
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]


class ShownMarkets:
    """Answers what can be asked of venues and markets.

    Args:
        looks: into the lanes.
        lanes: returns their present pictures.
        search: looks through journals.
        elapsed: a clock that never jumps, for what is kept a moment.
        now: the time of the wall.

    """

    def __init__(
        self,
        looks: Looks,
        lanes: Callable[[], Sequence[LaneSnapshot]],
        search: JournalSearch,
        elapsed: Callable[[], Duration],
        now: Callable[[], Micros],
    ) -> None:
        self._looks, self._lanes, self._search = looks, lanes, search
        self._elapsed, self._now = elapsed, now
        self._kept: dict[str, tuple[Duration, Glance]] = {}
        self._locks: dict[str, threading.Lock] = {}

    def venues(self) -> tuple[VenueNow, ...]:
        """Return how every lane's venue stands, as far as its lane answers at once."""
        return tuple(self._venue(one) for one in self._lanes())

    def markets(self, lane: str, text: str, only: str, limit: int, offset: int) -> MarketsPage:
        """Return markets of a lane in the order of their names."""
        glance = self.glance(lane)
        held, ordered = _held(glance.positions), _ordered(glance.orders)
        wanted = text.lower()
        found = [
            peek
            for peek in glance.markets
            if (not wanted or wanted in _names(peek.market))
            and (only != "held" or peek.market.id in held)
            and (only != "ordered" or peek.market.id in ordered)
            and (only != "open" or (peek.status is MarketStatus.OPEN and not peek.resolved))
        ]
        rows = tuple(
            _row(peek, glance.at, held.get(peek.market.id, ()), ordered.get(peek.market.id, 0))
            for peek in found[offset : offset + limit]
        )
        return MarketsPage(lane=lane, at=format_time(glance.at), total=len(found), markets=rows)

    def market(self, lane: str, market: str) -> MarketDetail:
        """Return one market.

        Raises:
            NotThereError: if the lane does not know it (any more).

        """
        close = self._looks.ask(lane, lambda trader: _close(trader, market))
        if close is None:
            msg = f"{market[:100]}: {lane} does not know this market, or no longer"
            raise NotThereError(msg)
        snapshot = self._snapshot(lane)
        told: dict[str, Any] = dict(snapshot_json(snapshot))
        terms, peek = close.peek.market, close.peek
        return MarketDetail(
            lane=lane,
            at=format_time(close.at),
            market=_row(peek, close.at, _held(close.positions).get(market, ()), len(close.orders)),
            tick=None if peek.bid is None else format_price(terms.tick_at(peek.bid)),
            min_size=format_size(terms.min_size),
            size_step=format_size(terms.size_step),
            strike=terms.strike,
            condition=None if terms.condition is None else terms.condition.value,
            at_most_one=terms.at_most_one,
            exhaustive=terms.exhaustive,
            bids=_levels(close.bids),
            asks=_levels(close.asks),
            orders=tuple(one for one in told["orders"] if one["market"] == market),
            positions=tuple(one for one in told["positions"] if one["market"] == market),
            fills=self._fills(snapshot, market),
            mids=tuple((format_time(mid.at), format_price(mid.price)) for mid in close.mids),
            prints=tuple(map(_print, close.prints)),
            last_scan=ScanNow(at=_time(close.at), ticks=close.ticks),
            wanted=close.wishes,
        )

    def glance(self, lane: str, timeout_s: float = ANSWER_S) -> Glance:
        """Return a look at a lane that is no older than a second, or the last one there was.

        Raises:
            NotThereError: if there is no such lane.
            NotNowError: if it does not answer and never did.

        """
        # One look serves everybody who asks within the second.
        with self._locks.setdefault(lane, threading.Lock()):
            kept = self._kept.get(lane)
            if kept is not None and self._elapsed() - kept[0] < KEPT_FOR:
                return kept[1]
            try:
                glance = self._looks.ask(lane, _glance, timeout_s)
            except NotNowError:
                if kept is None:
                    raise
                return kept[1]
            self._kept[lane] = self._elapsed(), glance
            return glance

    def _snapshot(self, lane: str) -> LaneSnapshot:
        found = next((one for one in self._lanes() if f"{one.venue}/{one.lane}" == lane), None)
        if found is None:
            msg = f"{lane[:100]}: there is no such lane"
            raise NotThereError(msg)
        return found

    def _fills(self, lane: LaneSnapshot, market: str) -> tuple[Mapping[str, Any], ...]:
        wanted = Search(
            chain=Chain(lane.venue, lane.lane, lane.run),
            types=("fill", "fill_settled", "fill_reversed"),
            all=(f'"market":{_quoted(market)}',),
            limit=FILLS_MAX,
            deadline_s=1.0,
        )
        return self._search.find(wanted).lines

    def _venue(self, lane: LaneSnapshot) -> VenueNow:
        name = f"{lane.venue}/{lane.lane}"
        glance = self._kept_glance(name)
        age = None if glance is None else _age(glance, lane, self._now())
        return VenueNow(
            lane=name,
            venue=lane.venue,
            phase=lane.phase,
            live=lane.live,
            venue_state=None if glance is None else glance.venue_state,
            markets=None if glance is None else glance.announced,
            feed_age_s=age,
            last_tick_at=_time(lane.at),
            halted=lane.halted,
            degraded=lane.degraded,
            error=lane.error,
            not_ready=lane.not_ready,
            unreconciled=lane.unreconciled,
            armed_until=None if lane.armed_until is None else format_time(lane.armed_until),
        )

    def _kept_glance(self, lane: str) -> Glance | None:
        try:
            return self.glance(lane, _AT_ONCE_S)
        except OperatorError:
            return None


def _age(glance: Glance, lane: LaneSnapshot, now: Micros) -> float | None:
    """Return for how many seconds a venue has told nothing; a taped one has no present."""
    if glance.told_at == NEVER or lane.progress is not None:
        return None
    return round((now - glance.told_at) / SECOND, 3)


def _glance(trader: LaneTrader) -> Glance:
    world, state = trader.world, trader.state
    return Glance(
        at=world.now,
        ticks=trader.ticks,
        told_at=world.now,
        venue_state=state.venue,
        announced=world.announced,
        gaps=world.gaps,
        ignored=world.ignored,
        markets=tuple(map(_peek, world.seen.values())),
        positions=tuple(state.positions.values()),
        orders=tuple(order for order in state.orders.values() if order.state.live),
    )


def _close(trader: LaneTrader, market: str) -> Close | None:
    world, state = trader.world, trader.state
    seen = world.seen.get(market)
    if seen is None:
        return None
    book = seen.book
    wishes = trader.wishes(seen.market.event).items()
    return Close(
        at=world.now,
        ticks=trader.ticks,
        peek=_peek(seen),
        bids=tuple(sorted(book.bids.items(), reverse=True)[:LEVELS_MAX]),
        asks=tuple(sorted(book.asks.items())[:LEVELS_MAX]),
        prints=seen.latest_prints(),
        mids=seen.latest_mids(),
        wishes=tuple(
            WishNow(
                strategy=strategy,
                leg=leg.value,
                purpose=purpose.value,
                refused_by=wish.refused_by,
                refused_for=wish.refused_for,
                price=None if wish.last is None else format_price(wish.last.price),
                reason=None if wish.last is None else wish.last.reason,
            )
            for (strategy, its, leg, purpose), wish in wishes
            if its == market
        ),
        positions=tuple(one for one in state.positions.values() if one.market == market),
        orders=tuple(
            one for one in state.orders.values() if one.market == market and one.state.live
        ),
    )


def _peek(seen: Seen) -> Peek:
    book = seen.book
    bid, ask = book.best_bid, book.best_ask
    return Peek(
        market=seen.market,
        status=seen.status,
        resolved=seen.resolved,
        bid=bid,
        ask=ask,
        bid_size=None if bid is None else book.bids.get(bid),
        ask_size=None if ask is None else book.asks.get(ask),
        last_trade=seen.last_trade,
        changed_at=book.changed_at,
    )


def _row(peek: Peek, at: Micros, held: tuple[HeldLeg, ...], orders: int) -> MarketRow:
    market, bid, ask = peek.market, peek.bid, peek.ask
    both = bid is not None and ask is not None
    known = peek.changed_at != NEVER
    return MarketRow(
        market=market.id,
        event=market.event,
        family=market.family,
        category=market.category,
        title=market.title,
        status=peek.status.value,
        closes_at=None if market.close_at is None else format_time(market.close_at),
        bid=_price(bid),
        ask=_price(ask),
        bid_size=None if peek.bid_size is None else format_size(peek.bid_size),
        ask_size=None if peek.ask_size is None else format_size(peek.ask_size),
        mid=format_price(Price(((bid or 0) + (ask or 0)) // 2)) if both else None,
        spread=format_price(Price((ask or 0) - (bid or 0))) if both else None,
        last_trade=_price(peek.last_trade),
        book_at=_time(peek.changed_at),
        book_age_s=round((at - peek.changed_at) / SECOND, 3) if known else None,
        held=held,
        orders=orders,
        resolved=peek.resolved,
    )


def _held(positions: Sequence[Position]) -> dict[str, tuple[HeldLeg, ...]]:
    found: dict[str, tuple[HeldLeg, ...]] = {}
    for one in positions:
        leg = HeldLeg(leg=one.leg.value, size=format_size(one.size), strategy=one.strategy)
        found[one.market] = (*found.get(one.market, ()), leg)
    return found


def _ordered(orders: Sequence[Order]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in orders:
        found[one.market] = found.get(one.market, 0) + 1
    return found


def _names(market: Market) -> str:
    parts = (market.id, market.event, market.family, market.category, market.title)
    return "\n".join(parts).lower()


def _levels(levels: Sequence[tuple[Price, Size]]) -> tuple[Level, ...]:
    return tuple(Level(price=format_price(p), size=format_size(s)) for p, s in levels)


def _print(one: Print) -> PrintNow:
    return PrintNow(
        at=format_time(one.at),
        side="buy" if one.taker is Side.BID else "sell",
        price=format_price(one.price),
        size=format_size(one.size),
    )


def _price(price: Price | None) -> str | None:
    return None if price is None else format_price(price)


def _time(moment: Micros) -> str | None:
    return None if moment == NEVER else format_time(moment)


def _quoted(text: str) -> str:
    """Return a text as a journal writes it."""
    return msgspec.json.encode(text).decode()
