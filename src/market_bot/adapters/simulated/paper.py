"""Paper execution: orders matched against the market as consumed, by the core's fill model."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.fees import fee
from market_bot.core.domain.fills.maker import (
    Resting,
    after_print,
    book_side,
    is_done,
    met_by,
    yes_price,
)
from market_bot.core.domain.fills.taker import walk
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Price, Size, cost
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.portfolio import NO_CAPABILITIES, VenueCapabilities
from market_bot.core.domain.signals import Intent
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Execution,
    Fact,
    Filled,
    Merged,
    Outcome,
    Rejected,
)
from market_bot.core.ports.market_data import Capability

_DEPTH = frozenset({Capability.L2_STREAM, Capability.L2_POLLED, Capability.TOP_OF_BOOK})


@attrs.define(eq=False)
class PaperExecution(Execution):
    """An order desk that exists on paper only; deterministic, owned by the venue's thread.

    Takers get what is displayed at the moment of the order; makers what prints beyond the queue.
    What cannot be claimed under the source's capabilities is refused with a reason. Pairs of YES
    and NO are paid when asked, as ``venue`` would.
    """

    world: World
    capabilities: frozenset[Capability]
    venue: VenueCapabilities = NO_CAPABILITIES
    _resting: dict[str, dict[str, tuple[Resting, Intent]]] = attrs.field(factory=dict, init=False)
    _used: dict[tuple[str, Side], dict[Price, Size]] = attrs.field(factory=dict, init=False)
    _facts: list[Fact] = attrs.field(factory=list, init=False)
    _fills: dict[str, dict[str, int]] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.world.on_trade.append(self._printed)
        self.world.on_forget.append(self._forget)

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        if not self.capabilities & _DEPTH:
            return Rejected("no_depth", "the data has no sizes to trade against")
        if not self.world.tradable(intent.draft.signal.market):
            return Rejected("market_closed", "the market is not open")
        if intent.draft.signal.style is Style.TAKER:
            self._take(intent, at)
            return Accepted(venue_order=f"paper-{intent.id}")
        return self._rest(intent)

    def cancel(self, intent: str, at: Micros) -> None:  # noqa: ARG002 - paper cancels at once
        for orders in self._resting.values():
            if orders.pop(intent, None) is not None:
                self._facts.append(Cancelled(intent, "cancelled"))

    @property
    def abilities(self) -> VenueCapabilities:
        return self.venue

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:  # noqa: ARG002 - paper pays at once
        self._facts.append(Merged(merge, market, size, cost(ONE_DOLLAR, size)))

    def collect(self, at: Micros) -> Sequence[Fact]:
        for market, orders in self._resting.items():
            closed = self.world.seen[market].status not in (MarketStatus.OPEN, MarketStatus.PAUSED)
            for intent, (order, _) in list(orders.items()):
                if closed or order.expires_at <= at:
                    del orders[intent]
                    self._facts.append(Cancelled(intent, "market_closed" if closed else "expired"))
        facts, self._facts = self._facts, []
        return facts

    def _rest(self, intent: Intent) -> Outcome:
        signal = intent.draft.signal
        book = self.world.seen[signal.market].book
        side = book_side(signal.leg, signal.purpose)
        at = yes_price(signal.leg, signal.price)
        if side is Side.BID:
            crosses = book.best_ask is not None and at >= book.best_ask
            ahead = book.bids.get(at, Size(0))
        else:
            crosses = book.best_bid is not None and at <= book.best_bid
            ahead = book.asks.get(at, Size(0))
        if crosses:
            return Rejected("post_only_cross", "a resting order would have taken")
        order = Resting(
            intent=intent.id,
            market=signal.market,
            side=side,
            price=at,
            remaining=intent.draft.size,
            ahead=ahead,
            expires_at=intent.expires_at,
        )
        self._resting.setdefault(signal.market, {})[intent.id] = (order, intent)
        return Accepted(venue_order=f"paper-{intent.id}", queue_ahead=ahead)

    def _take(self, intent: Intent, at: Micros) -> None:
        signal = intent.draft.signal
        book = self.world.seen[signal.market].book
        selling = signal.purpose is Purpose.EXIT
        levels = book.demand(signal.leg) if selling else book.offers(signal.leg)
        # Kept in YES terms: buying YES and selling NO take the same displayed contracts.
        side = book_side(signal.leg, signal.purpose).other
        used = self._used.setdefault((signal.market, side), {})
        shown = book.asks if side is Side.ASK else book.bids
        # A level that is gone was somebody else's news: what comes back there is new.
        for price in [p for p in used if p not in shown]:
            del used[price]
        taken = {yes_price(signal.leg, price): size for price, size in used.items()}
        got = walk(levels, taken, signal.price, intent.draft.size, selling=selling)
        for level in got:
            there = yes_price(signal.leg, level.price)
            used[there] = Size(used.get(there, 0) + level.size)
            self._fill(intent, level.price, level.size, Style.TAKER, at)
        if sum(level.size for level in got) < intent.draft.size:
            self._facts.append(Cancelled(intent.id, "nothing_more_displayed"))

    def _printed(self, market: str, taker: Side, price: Price, size: Size, at: Micros) -> None:
        orders = self._resting.get(market)
        if not orders or Capability.PRINTS not in self.capabilities:
            return
        # What prints after the close is late news, or somebody who knows the outcome.
        if self.world.seen[market].status is not MarketStatus.OPEN:
            return
        for order, intent in list(orders.values()):
            if not met_by(order, taker, price, at):
                continue
            after, filled = after_print(order, size)
            if filled:
                self._fill(intent, intent.draft.signal.price, filled, Style.MAKER, at)
            if is_done(after):
                del orders[order.intent]
            else:
                orders[order.intent] = (after, intent)
            size = Size(size - filled)

    def _forget(self, market: str) -> None:
        self._resting.pop(market, None)
        self._fills.pop(market, None)
        for side in Side:
            self._used.pop((market, side), None)

    def _fill(self, intent: Intent, price: Price, size: Size, style: Style, at: Micros) -> None:
        signal = intent.draft.signal
        fills = self._fills.setdefault(signal.market, {})
        number = fills[intent.id] = fills.get(intent.id, 0) + 1
        market = self.world.seen[signal.market].market
        selling = signal.purpose is Purpose.EXIT
        self._facts.append(
            Filled(
                intent=intent.id,
                fill=f"{intent.id}-{number}",
                price=price,
                size=size,
                cost=cost(price, size),
                fee=fee(market.fees, price, size, style, selling=selling),
                liquidity=style,
                at=at,
            )
        )
