"""Paper execution that is paid estimated rebates and rewards, as separate facts at a day's end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.fills.rewards import (
    LIQUIDITY,
    REBATE,
    Quoted,
    RewardBook,
    liquidity_sample,
    rebate,
)
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    NEVER,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Price,
    Size,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.portfolio import VenueCapabilities
from market_bot.core.domain.signals import Intent
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Execution,
    Fact,
    Filled,
    Outcome,
    Refused,
    Rewarded,
    Unknown,
)
from market_bot.core.ports.market_data import Capability

_MINUTE: Final = 60 * SECOND
_DEPTH: Final = frozenset({Capability.L2_STREAM, Capability.L2_POLLED})


@attrs.define(eq=False)
class _Order:
    """An order as far as its own facts tell: where it rests, since when, and what is left of it."""

    intent: Intent
    quoted: Quoted
    arrives: Micros
    resting: bool


@attrs.define(eq=False)
class RewardedExecution(Execution):
    """An order desk around another one: what that one tells, and what a venue would pay besides.

    Once a minute, at the first look after it began, the orders that rest are scored against the
    displayed book; a minute at which nobody looks earns nothing. Maker fills earn their rebate,
    but for provisional ones. At the first look on another UTC day the day is paid. What was earned
    of an unfinished day is lost when the process ends: an estimate errs on that side.

    Args:
        inner: the desk that trades.
        world: the market as consumed.
        capabilities: what the data can tell; rewards need the depth of the book.
        travel: how long an order that is accepted at once is still under way.

    """

    inner: Execution
    world: World
    capabilities: frozenset[Capability]
    travel: Duration = Duration(0)
    rewards: RewardBook = attrs.field(factory=RewardBook)
    _orders: dict[str, _Order] = attrs.field(factory=dict, init=False)
    _sampled: int = attrs.field(default=NEVER, init=False)

    @property
    def abilities(self) -> VenueCapabilities:
        return self.inner.abilities

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        outcome = self.inner.submit(intent, at)
        if intent.draft.signal.style is Style.MAKER and isinstance(outcome, (Accepted, Unknown)):
            resting = isinstance(outcome, Accepted)
            arrives = Micros(at + self.travel)
            self._orders[intent.id] = _Order(intent, _quoted(intent), arrives, resting)
        return outcome

    def cancel(self, intent: str, at: Micros) -> None:
        self.inner.cancel(intent, at)

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:
        self.inner.merge(merge, market, size, at)

    def collect(self, at: Micros) -> Sequence[Fact]:
        return self._with_rewards(self.inner.collect(at), at)

    def conclude(self, at: Micros) -> Sequence[Fact]:
        return self._with_rewards(self.inner.conclude(at), at)

    def leave(self) -> None:
        self.inner.leave()

    def _with_rewards(self, facts: Sequence[Fact], at: Micros) -> Sequence[Fact]:
        paid = [
            Rewarded(payment.name, payment.kind, payment.amount, payment.market)
            for payment in self.rewards.close_day(at)
        ]
        for fact in facts:
            self._follow(fact)
        if at // _MINUTE > self._sampled:
            self._sampled = at // _MINUTE
            self._sample(at)
        return [*facts, *paid]

    def _follow(self, fact: Fact) -> None:
        order = self._orders.get(fact.intent)
        if order is None:
            return
        match fact:
            case Filled():
                self._filled(order, fact)
            case Cancelled() | Refused():
                del self._orders[fact.intent]
            case _:
                # Confirmed, or of a fill: only of an order that is there.
                order.resting = True

    def _filled(self, order: _Order, fact: Filled) -> None:
        seen = self.world.seen.get(order.intent.draft.signal.market)
        if seen is not None and fact.liquidity is Style.MAKER and not fact.provisional:
            self.rewards.earn(REBATE, seen.market.id, rebate(seen.market, fact.price, fact.size))
        order.resting = True
        left = Size(order.quoted.size - fact.size)
        order.quoted = attrs.evolve(order.quoted, size=left)
        if left <= 0:
            del self._orders[fact.intent]

    def _sample(self, at: Micros) -> None:
        if self._orders and self.capabilities & _DEPTH:
            quoted: dict[str, list[Quoted]] = {}
            for order in self._orders.values():
                if order.resting and order.arrives <= at:
                    quoted.setdefault(order.intent.draft.signal.market, []).append(order.quoted)
            for market, mine in quoted.items():
                self._score(market, mine)

    def _score(self, market: str, mine: list[Quoted]) -> None:
        seen = self.world.seen.get(market)
        if seen is None or seen.market.reward is None or not self.world.trades(seen):
            return
        earned = liquidity_sample(seen.market.reward, seen.book, mine)
        self.rewards.earn(LIQUIDITY, market, earned)


def _quoted(intent: Intent) -> Quoted:
    """Return where an order rests in the YES book: buying NO is offering YES."""
    signal = intent.draft.signal
    buys_yes = (signal.leg is Leg.YES) == (signal.purpose is Purpose.ENTRY)
    at = signal.price if signal.leg is Leg.YES else Price(ONE_DOLLAR - signal.price)
    return Quoted(side=Side.BID if buys_yes else Side.ASK, price=at, size=intent.draft.size)
