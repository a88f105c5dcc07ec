"""A venue with its own books: what it says is late and garbled, what it keeps is the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import TYPE_CHECKING, Final

import attrs

from market_bot.core.domain.market import Leg, Resolution
from market_bot.core.domain.numbers import Micros, Money, Price, Size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.risk.api import Limits
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.execution import (
    Cancelled,
    Confirmed,
    Fact,
    Filled,
    Refused,
    Reversed,
    Settled,
)

from .feed import CENT, STEP

if TYPE_CHECKING:
    from .faults import Chaos  # It wraps the venue, and the venue asks it what goes wrong.

# Costs are shared out between sold and kept contracts by rounding down, once per sale.
_ROUNDING: Final = 1_000
_CHANCE_OF_A_FILL: Final = 0.15


class VenueError(AssertionError):
    """The bot did something that no venue must ever see."""


@attrs.define(eq=False)
class VenueOrder:
    """An order as the venue has it."""

    intent: str
    market: str
    leg: Leg
    purpose: Purpose
    style: Style
    price: Price
    size: Size
    fee_bound: Money
    expires_at: Micros
    filled: int = 0
    alive: bool = True

    @property
    def left(self) -> int:
        """What may still fill."""
        return self.size - self.filled if self.alive else 0


@attrs.define(eq=False)
class VenueFill:
    """A trade as the venue has it; ``basis`` is what the contracts had cost."""

    order: VenueOrder
    size: int
    cost: int
    fee: int
    basis: int
    provisional: bool
    undone: bool = False


@attrs.define(eq=False)
class Holding:
    """Contracts held and what they cost."""

    size: int = 0
    cost: int = 0


class SimVenue:
    """One account at one venue; an independent ledger in plain integers.

    Args:
        rng: decides what fills.
        cash: what the account begins with.
        limits: what the bot may never exceed, by this venue's own count.
        ends: when and how markets end.
        chaos: decides what goes wrong.

    Attributes:
        journaled: returns the names of the fills the bot has written down, in its order.

    """

    def __init__(
        self,
        rng: Random,
        cash: Money,
        limits: Limits,
        ends: dict[str, tuple[Micros, Resolution]],
        chaos: Chaos,
    ) -> None:
        self.cash = int(cash)
        self.held: dict[tuple[str, Leg], Holding] = {}
        self.fills: dict[str, VenueFill] = {}
        self.orders: dict[str, VenueOrder] = {}
        self.sent: Counter[str] = Counter()
        self.entries = 0
        self.journaled: Callable[[], Iterable[str]] = tuple
        self._rng = rng
        self._limits = limits
        self._ends = dict(ends)
        self._chaos = chaos
        self._closed: set[str] = set()
        self._time = Micros(0)
        self._said: list[Fact] = []
        self._waiting: list[Fact] = []

    # -- what the bot does -------------------------------------------------------------------

    def count(self, intent: Intent) -> None:
        """Count that an order left the bot, whether or not it arrives."""
        self.sent[intent.id] += 1
        self.entries += intent.draft.signal.purpose is Purpose.ENTRY
        if self.sent[intent.id] > 1:
            msg = f"{intent.id} was sent {self.sent[intent.id]} times"
            raise VenueError(msg)

    def admits(self, intent: Intent) -> bool:
        """Tell whether an order can be taken at all."""
        signal = intent.draft.signal
        held = self.held.get((signal.market, signal.leg), Holding())
        selling = sum(
            order.left
            for order in self.orders.values()
            if order.purpose is Purpose.EXIT
            and (order.market, order.leg) == (signal.market, signal.leg)
        )
        if signal.market in self._closed:
            return False
        if signal.purpose is Purpose.EXIT and intent.draft.size + selling > held.size:
            msg = f"{intent.id} sells {intent.draft.size} and {selling} of {held.size} held"
            raise VenueError(msg)
        return True

    def receive(self, intent: Intent, at: Micros) -> str:
        """Take an order and return its number here."""
        self._time = max(self._time, at)
        signal = intent.draft.signal
        order = VenueOrder(
            intent=intent.id,
            market=signal.market,
            leg=signal.leg,
            purpose=signal.purpose,
            style=signal.style,
            price=signal.price,
            size=intent.draft.size,
            fee_bound=intent.draft.fee_bound,
            expires_at=intent.expires_at,
        )
        self.orders[intent.id] = order
        self._check_limits(order)
        if order.style is Style.TAKER:
            if self._rng.random() < 0.8:
                self._fill(order)
            if order.left and self._rng.random() < 0.7:
                self._end(order, "nothing_more")
        return f"v{len(self.orders)}"

    def cancel(self, intent: str, at: Micros) -> None:
        """Cancel an order if it is there and alive."""
        self._time = max(self._time, at)
        order = self.orders.get(intent)
        if order is not None and order.alive:
            self._end(order, "cancelled")

    def collect(self, at: Micros) -> Sequence[Fact]:
        """Return what the bot is told now: late, repeated, and in no order between orders."""
        self.advance(at)
        now: list[Fact] = []
        later: list[Fact] = []
        held_back: set[str] = set()
        for fact in self._waiting:
            if fact.intent in held_back or self._delays(fact):
                held_back.add(fact.intent)
                later.append(fact)
                continue
            now.append(fact)
            if self._chaos.strikes("repeated"):
                now.append(fact)
        self._waiting = later
        return self._shuffled(now)

    def reconnect(self, unresolved: Iterable[str]) -> None:
        """Tell everything once more to a bot that may have missed it, and what became of orders."""
        self._waiting = [*(self.answer(intent) for intent in unresolved), *self._said]

    @property
    def said(self) -> Sequence[Fact]:
        """Everything that happened so far, in order; what a list of the venue would show."""
        return tuple(self._said)

    def hang_up(self) -> Sequence[str]:
        """Forget what was not told yet, and return the orders it was about."""
        names = [fact.intent for fact in self._waiting]
        self._waiting = []
        return names

    def resolve(self, unresolved: Iterable[str]) -> None:
        """Tell what became of orders that the bot asks about."""
        self._waiting.extend(self.answer(intent) for intent in unresolved)

    def answer(self, intent: str) -> Fact:
        """Return whether an order is or was here."""
        if intent in self.orders:
            return Confirmed(intent, f"v-{intent}")
        return Refused(intent, "never_here")

    def queue(self, fact: Fact) -> None:
        """Tell a fact later."""
        self._waiting.append(fact)

    # -- what the market does ----------------------------------------------------------------

    def advance(self, at: Micros) -> None:
        """Let time come to ``at``: orders fill and expire, markets end."""
        self._time = max(self._time, at)
        for market, (ends_at, resolution) in list(self._ends.items()):
            if ends_at <= self._time:
                del self._ends[market]
                self._close(market, resolution)
        for order in self.orders.values():
            if order.alive and order.expires_at <= self._time:
                self._end(order, "expired")
        for name, fill in self.fills.items():
            if fill.provisional and (self._chaos.calm or self._rng.random() < 0.2):
                self._decide(name, fill)

    def trade(self) -> None:
        """Fill some of what rests."""
        for order in self.orders.values():
            if order.left and self._rng.random() < _CHANCE_OF_A_FILL:
                self._fill(order)

    def _exposures(self) -> dict[str, int]:
        """Return the worst case by market.

        What a sold contract had cost depends on the order of purchases and sales, and news of
        them travel at their own pace. So costs are counted in the order of the journal; what is
        not in it yet counts in full.
        """
        worst: Counter[str] = Counter()
        journaled = dict.fromkeys(self.journaled())
        held: dict[tuple[str, Leg], Holding] = {}
        for fill in [self.fills[name] for name in journaled]:
            _count_cost(held.setdefault((fill.order.market, fill.order.leg), Holding()), fill)
        for (market, _), holding in held.items():
            worst[market] += holding.cost
        for name, fill in self.fills.items():
            if name not in journaled and fill.order.purpose is Purpose.ENTRY and not fill.undone:
                worst[fill.order.market] += fill.cost
        for order in self.orders.values():
            if order.purpose is Purpose.ENTRY:
                worst[order.market] += order.left * order.price
        return {market: cost for market, cost in worst.items() if market not in self._closed}

    def _rounding(self) -> int:
        """Return by how much costs may be off, because a purchase was undone after a sale."""
        return _ROUNDING + sum(fill.cost for fill in self.fills.values() if fill.undone)

    def _check_limits(self, order: VenueOrder) -> None:
        if order.purpose is Purpose.EXIT:
            return
        exposures = self._exposures()
        for name, value in (
            ("max_order_usd", order.size * order.price),
            ("max_position_usd", exposures[order.market]),
            ("max_total_exposure_usd", sum(exposures.values())),
        ):
            if value > self._limits[name] + self._rounding():
                msg = f"{order.intent}: {name} is {self._limits[name]}, this makes it {value}"
                raise VenueError(msg)

    def _fill(self, order: VenueOrder) -> None:
        part = order.left
        if self._rng.random() < 0.6:
            part = max(1, self._rng.randint(1, max(1, part // STEP)) * STEP)
            part = min(part, order.left)
        better = self._rng.choice((0, 0, 1, 3)) * CENT
        key = (order.market, order.leg)
        holding = self.held.setdefault(key, Holding())
        fee = self._rng.randint(0, order.fee_bound * part // order.size)
        if order.purpose is Purpose.ENTRY:
            price = max(1, order.price - better)
            cost = basis = price * part
            self.cash -= cost + fee
            holding.size += part
            holding.cost += cost
        else:
            if part > holding.size:
                msg = f"{order.intent} sells {part}, only {holding.size} are held"
                raise VenueError(msg)
            price = min(1_000_000, order.price + better)
            cost, basis = price * part, holding.cost * part // holding.size
            self.cash += cost - fee
            holding.size -= part
            holding.cost -= basis
        order.filled += part
        provisional = self._chaos.strikes("provisional")
        name = f"f{len(self.fills) + 1}"
        self.fills[name] = VenueFill(order, part, cost, fee, basis, provisional)
        fact = Filled(
            intent=order.intent,
            fill=name,
            price=Price(price),
            size=Size(part),
            cost=Money(cost),
            fee=Money(fee),
            liquidity=order.style,
            at=self._time,
            provisional=provisional,
        )
        self._say(fact)
        if not order.left:
            order.alive = False

    def _decide(self, name: str, fill: VenueFill) -> None:
        fill.provisional = False
        if not self._chaos.strikes("reversed"):
            self._say(Settled(fill.order.intent, name))
            return
        fill.undone = True
        holding = self.held[fill.order.market, fill.order.leg]
        if fill.order.purpose is Purpose.ENTRY:
            if holding.size < fill.size:
                msg = f"{name}: {fill.size} not settled, yet only {holding.size} are left of it"
                raise VenueError(msg)
            self.cash += fill.cost + fill.fee
            holding.size -= fill.size
            holding.cost = 0 if not holding.size else max(0, holding.cost - fill.basis)
        else:
            self.cash -= fill.cost - fill.fee
            holding.size += fill.size
            holding.cost += fill.basis
        self._say(Reversed(fill.order.intent, name, "reverted"))

    def _close(self, market: str, resolution: Resolution) -> None:
        self._closed.add(market)
        for order in self.orders.values():
            if order.market == market and order.alive:
                self._end(order, "market_closed")
        for name, fill in self.fills.items():
            if fill.order.market == market and fill.provisional:
                self._decide(name, fill)
        for leg in Leg:
            holding = self.held.pop((market, leg), Holding())
            self.cash += resolution.payout(leg) * holding.size

    def _end(self, order: VenueOrder, reason: str) -> None:
        order.alive = False
        self._say(Cancelled(order.intent, reason))

    def _say(self, fact: Fact) -> None:
        self._said.append(fact)
        self._waiting.append(fact)

    def _delays(self, fact: Fact) -> bool:
        # A venue pays out only when everybody has been told of every trade.
        order = self.orders.get(fact.intent)
        if order is not None and order.market in self._closed:
            return False
        return self._chaos.strikes("delayed")

    def _shuffled(self, facts: Sequence[Fact]) -> Sequence[Fact]:
        """Mix the orders; the facts of one order stay in their order."""
        by_intent: dict[str, list[Fact]] = {}
        for fact in facts:
            by_intent.setdefault(fact.intent, []).append(fact)
        turns = [fact.intent for fact in facts]
        if not self._chaos.calm:
            self._rng.shuffle(turns)
        return [by_intent[intent].pop(0) for intent in turns]


def _count_cost(holding: Holding, fill: VenueFill) -> None:
    if fill.undone:
        return
    if fill.order.purpose is Purpose.ENTRY:
        holding.size += fill.size
        holding.cost += fill.cost
        return
    gone = min(fill.size, holding.size)
    basis = holding.cost * gone // holding.size if holding.size else 0
    holding.size -= gone
    holding.cost -= basis
