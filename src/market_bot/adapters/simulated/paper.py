"""Paper execution: orders matched against the market as consumed, by the core's fill engine."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

import attrs

from market_bot.core.domain.fees import fee
from market_bot.core.domain.fills.maker import book_side, yes_price
from market_bot.core.domain.fills.matcher import Matcher, PaperOrder, Told
from market_bot.core.domain.fills.terms import FillTerms
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Price, Size, cost
from market_bot.core.domain.orders import Purpose
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

_DEPTH: Final = frozenset({Capability.L2_STREAM, Capability.L2_POLLED, Capability.TOP_OF_BOOK})
_QUEUES: Final = frozenset({Capability.L2_STREAM, Capability.PRINTS})
_NEVER_DUE: Final = Micros(2**63 - 1)


@attrs.define(eq=False)
class PaperExecution(Execution):
    """An order desk that exists on paper only; deterministic, owned by the venue's thread.

    Takers get what is displayed when they arrive; makers what prints beyond the queue, by the model
    of ``terms``, and what the other side comes to display at their price or past it. What cannot be
    claimed under the source's capabilities is refused with a reason, or never filled: what rests
    needs a continuous book and prints. Pairs of YES and NO are paid when asked, as ``venue`` would.

    An order that takes time is accepted at once; if the venue does not want it when it arrives, it
    is cancelled with the reason. All times are those in which we see the venue.
    """

    world: World
    capabilities: frozenset[Capability]
    venue: VenueCapabilities = NO_CAPABILITIES
    terms: FillTerms = attrs.field(factory=FillTerms)
    _matchers: dict[str, Matcher] = attrs.field(factory=dict, init=False)
    _alive: dict[str, Matcher] = attrs.field(factory=dict, init=False)
    _due: Micros = attrs.field(default=_NEVER_DUE, init=False)
    _facts: _Facts = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._facts = _Facts(self.world, self._alive)
        self.world.on_forget.append(self._forget)

    @property
    def abilities(self) -> VenueCapabilities:
        return self.venue

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        market = intent.draft.signal.market
        if not self.capabilities & _DEPTH:
            return Rejected("no_depth", "the data has no sizes to trade against")
        if intent.id in self._alive:
            return Rejected("order_already_exists", "an order of this name is alive")
        if not self.world.tradable(market):
            return Rejected("market_closed", "the market is not open")
        matcher, order = self._matcher(market), self._order(intent, at)
        self._facts.intents[intent.id] = intent
        self._alive[intent.id] = matcher
        if order.arrives > at:
            matcher.send(order)
        else:
            refused = matcher.put(order)
            if refused is not None:
                self._facts.done(order)
                return Rejected(refused, "a resting order would have taken")
        self._due = min(self._due, matcher.due)
        return Accepted(f"paper-{intent.id}", matcher.displayed_ahead(intent.id))

    def cancel(self, intent: str, at: Micros) -> None:
        matcher = self._alive.get(intent)
        if matcher is not None:
            matcher.cancel(intent, at, Micros(at + self.terms.latency.withdrawal))
            self._due = min(self._due, matcher.due)

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:  # noqa: ARG002 - paper pays at once
        self._facts.told.append(Merged(merge, market, size, cost(ONE_DOLLAR, size)))

    def collect(self, at: Micros) -> Sequence[Fact]:
        if at >= self._due:
            # Not a set: what is told must not depend on where objects lie.
            for matcher in sorted(dict.fromkeys(self._alive.values()), key=attrgetter("due")):
                matcher.catch_up(at)
            self._due = min((m.due for m in self._alive.values()), default=_NEVER_DUE)
        facts, self._facts.told = self._facts.told, []
        return facts

    def conclude(self, at: Micros) -> Sequence[Fact]:
        for matcher in dict.fromkeys(self._alive.values()):
            matcher.conclude(at)
        # Cancels of what rests arrive all the same, since nothing is told that could fill it.
        return self.collect(Micros(at + self.terms.latency.withdrawal + 1))

    def leave(self) -> None:
        for market, matcher in list(self._matchers.items()):
            self._forget(market)
            self.world.unwatch(matcher.seen, matcher)
        self.world.on_forget = [known for known in self.world.on_forget if known != self._forget]

    def _matcher(self, market: str) -> Matcher:
        known = self._matchers.get(market)
        if known is None:
            known = self._matchers[market] = Matcher(
                world=self.world,
                seen=self.world.seen[market],
                model=self.terms.model,
                makers=self.capabilities >= _QUEUES,
                told=self._facts,
            )
        return known

    def _order(self, intent: Intent, at: Micros) -> PaperOrder:
        signal, latency = intent.draft.signal, self.terms.latency
        return PaperOrder(
            intent=intent.id,
            side=book_side(signal.leg, signal.purpose),
            price=yes_price(signal.leg, signal.price),
            left=intent.draft.size,
            style=signal.style,
            arrives=Micros(at + latency.order),
            # It ends by the venue's clock, and we see the venue later.
            expires=Micros(intent.expires_at + latency.data),
        )

    def _forget(self, market: str) -> None:
        matcher = self._matchers.pop(market, None)
        if matcher is not None:
            matcher.drop()
        self._facts.numbers.pop(market, None)


@attrs.define(eq=False)
class _Facts(Told):
    """Puts into facts what becomes of paper orders, each fill under a name of its own."""

    world: World
    alive: dict[str, Matcher]
    told: list[Fact] = attrs.field(factory=list, init=False)
    intents: dict[str, Intent] = attrs.field(factory=dict, init=False)
    numbers: dict[str, dict[str, int]] = attrs.field(factory=dict, init=False)

    def got(self, order: PaperOrder, price: Price, size: Size, at: Micros) -> None:
        name, signal = order.intent, self.intents[order.intent].draft.signal
        numbers = self.numbers.setdefault(signal.market, {})
        number = numbers[name] = numbers.get(name, 0) + 1
        market = self.world.seen[signal.market].market
        selling = signal.purpose is Purpose.EXIT
        paid = yes_price(signal.leg, price)
        self.told.append(
            Filled(
                intent=name,
                fill=f"{name}-{number}",
                price=paid,
                size=size,
                cost=cost(paid, size),
                fee=fee(market.fees, paid, size, order.style, selling=selling),
                liquidity=order.style,
                at=at,
            )
        )

    def over(self, order: PaperOrder, reason: str) -> None:
        self.told.append(Cancelled(order.intent, reason))

    def done(self, order: PaperOrder) -> None:
        self.alive.pop(order.intent, None)
        self.intents.pop(order.intent, None)
