"""The order desk of the simulated venue: what becomes of our orders, and what we are told of it.

Trades happen in the matching books and are the truth; what can be late, lost or repeated on
request is only the telling. Every misfortune is drawn from the seed and the order's own id, so that
one order's fate never depends on another's.
"""

from __future__ import annotations

import hashlib
import heapq
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import attrs

from market_bot.adapters.simulated.sim_account import Account, AccountFill
from market_bot.adapters.simulated.sim_book import MatchingBook, Waiting
from market_bot.adapters.simulated.sim_settings import SimSettings
from market_bot.core.domain.book import Side
from market_bot.core.domain.fees import Traded, fee_bound, fees_of_order
from market_bot.core.domain.fills.maker import book_side, yes_price
from market_bot.core.domain.fills.rewards import REBATE, Payment, Quoted, RewardBook, rebate
from market_bot.core.domain.market import Leg, Market, MarketStatus
from market_bot.core.domain.numbers import (
    NO_MONEY,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    cost,
    quantise,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.portfolio import VenueCapabilities
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Confirmed,
    Execution,
    Fact,
    Filled,
    Merged,
    Outcome,
    Refused,
    Rejected,
    Reversed,
    Rewarded,
    Settled,
    Unknown,
)

_CHAIN_TAKES: Final = Duration(4 * SECOND)
_UNIT: Final = 2**64
_REPEATED_AFTER: Final = Duration(3 * SECOND)


@attrs.define(eq=False)
class Listed:
    """A market that is listed.

    ``settles`` is when it pays, by which time everything about it must be told; ``truth`` says how
    probably it ends YES. ``told_until`` is when the last of what happened here so far is told;
    ``merges`` names those that were asked for, and ``netted`` counts those that nobody asked for.
    """

    market: Market
    book: MatchingBook
    status: MarketStatus
    settles: Micros
    truth: Callable[[], float]
    orders: dict[str, OwnOrder] = attrs.field(factory=dict)
    told_until: Micros = Micros(0)
    merges: set[str] = attrs.field(factory=set)
    netted: int = 0


@attrs.define(eq=False)
class OwnOrder:
    """An order of ours as the venue has it; nothing more of it is told before ``told_from``.

    ``traded`` is all that traded of it, and ``rests`` whether it waits in the book.
    """

    intent: Intent
    listed: Listed
    side: Side
    waiting: Waiting
    venue_order: str
    told_from: Micros
    traded: list[Traded] = attrs.field(factory=list)
    rests: bool = False
    alive: bool = True

    @property
    def reserved(self) -> Money:
        """The most that what is left of it can still cost: of an entry only."""
        signal, market, left = self.intent.draft.signal, self.listed.market, self.waiting.left
        if signal.purpose is Purpose.EXIT:
            return NO_MONEY
        free = signal.style is Style.MAKER and market.fees.maker_rate <= 0
        fees = NO_MONEY if free else fee_bound(market.fees, signal.price, left)
        return Money(signal.price * left + fees)


class Agenda(Protocol):
    """Where the desk puts what has to be done later, and learns the state of the venue."""

    now: Micros
    closed: bool
    post_only: bool

    @abstractmethod
    def later(self, at: Micros, work: Callable[[Any, Micros], None], argument: object) -> None:
        """Do ``work(argument, at)`` when the time has come to ``at``."""


@attrs.define(eq=False)
class Desk(Execution):
    """Takes orders, lets them trade in the books, and tells what happened.

    Args:
        seed: of the world.
        settings: rules and faults.
        agenda: does things later.
        listed: markets by id.
        account: what the venue owes us.
        struck: how often each fault has struck.
        earned: what will be paid besides trades when the day ends.

    """

    seed: int
    settings: SimSettings
    agenda: Agenda
    listed: dict[str, Listed]
    account: Account
    struck: Counter[str]
    earned: RewardBook = attrs.field(factory=RewardBook, init=False)
    _orders: dict[str, OwnOrder] = attrs.field(factory=dict, init=False)
    # By market: an order in one that is gone is refused anyway.
    _known: dict[str, set[str]] = attrs.field(factory=dict, init=False)
    _facts: list[tuple[Micros, int, Fact]] = attrs.field(factory=list, init=False)
    _told: int = attrs.field(default=0, init=False)

    # -- what the bot does -------------------------------------------------------------------

    @property
    def abilities(self) -> VenueCapabilities:
        return self.settings.rules.abilities

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        refused = self._refused(intent)
        if refused is not None:
            return refused
        faults, name = self.settings.faults, intent.id
        self._known.setdefault(intent.draft.signal.market, set()).add(name)
        if self._strikes("order_lost", name, faults.order_lost):
            self._tell(at + faults.found_after, Refused(name, "never_arrived"), None)
            return Unknown("no answer in time")
        order = self._new(intent)
        lost = self._strikes("answer_lost", name, faults.answer_lost)
        if lost:
            order.told_from = min(Micros(at + faults.found_after), max(at, order.listed.settles))
            self._tell(order.told_from, Confirmed(name, order.venue_order), order)
        arrives = Micros(at + self._under_way(name))
        self._orders[name] = order
        order.listed.orders[name] = order
        if arrives > self.agenda.now:
            self.agenda.later(arrives, self._arrive, order)
            return Unknown("no answer in time") if lost else Accepted(order.venue_order)
        return self._answer(order, at, lost=lost)

    def cancel(self, intent: str, at: Micros) -> None:
        arrives = Micros(at + self._under_way(f"{intent}/cancel"))
        if arrives > self.agenda.now or self.agenda.closed:
            self.agenda.later(max(arrives, self.agenda.now), self._cancel, intent)
        else:
            self._cancel(intent, at)

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:
        if not self.abilities.pairs_pay:
            super().merge(merge, market, size, at)
        listed = self.listed.get(market)
        if listed is None or merge in listed.merges:
            return
        listed.merges.add(merge)
        arrives = Micros(at + self._under_way(merge))
        if arrives > self.agenda.now:
            self.agenda.later(arrives, self._merge, (merge, listed, size))
        else:
            self._merge((merge, listed, size), at)

    def collect(self, at: Micros) -> Sequence[Fact]:
        facts: list[Fact] = []
        while self._facts and self._facts[0][0] <= at:
            facts.append(heapq.heappop(self._facts)[2])
        return facts

    # -- what the venue does -----------------------------------------------------------------

    def traded(self, intent: str, price: Price, size: Size, at: Micros) -> None:
        """Book a resting order's trade at a YES price; a book calls this."""
        order = self._orders[intent]
        self._fill(order, price, size, Style.MAKER, at)
        if order.waiting.left <= 0:
            self._forget(order)
        if self._nets(order.listed):
            # Not before the book is done: what trades at this moment may be several orders of ours.
            self.agenda.later(at, self._net, order.listed)

    def end_all(self, listed: Listed, reason: str, at: Micros) -> None:
        """Cancel every order in a market."""
        for order in list(listed.orders.values()):
            self._end(order, reason, at)

    def forget(self, market: str) -> None:
        """Let go of a market that was paid, and of every order that was in it."""
        self._known.pop(market, None)
        self.account.forget(market)

    def pay(self, payment: Payment, at: Micros) -> None:
        """Pay for something else than a trade; perhaps told late, and perhaps twice."""
        self.account.reward(payment.amount)
        paid = Rewarded(payment.name, payment.kind, payment.amount, payment.market)
        self._put(paid, at, Micros(at + self.settings.faults.late_by + _REPEATED_AFTER))

    def resting(self) -> int:
        """Return how many orders of ours are alive."""
        return len(self._orders)

    def quoted(self) -> dict[str, list[Quoted]]:
        """Return what of ours waits in the books, by market."""
        found: dict[str, list[Quoted]] = {}
        for order in self._orders.values():
            if order.rests:
                waiting = order.waiting
                quote = Quoted(side=waiting.side, price=waiting.price, size=waiting.left)
                found.setdefault(order.listed.market.id, []).append(quote)
        return found

    def locked(self) -> Money:
        """Return what waiting entries take out of the balance under these rules."""
        return self._reserved() if self.abilities.locks_collateral else NO_MONEY

    def _reserved(self) -> Money:
        return Money(sum(order.reserved for order in self._orders.values()))

    def _refused(self, intent: Intent) -> Rejected | None:
        """Return why an order is refused at once, or None."""
        signal = intent.draft.signal
        listed = self.listed.get(signal.market)
        checks: tuple[tuple[str, Callable[[], bool]], ...] = (
            ("order_already_exists", lambda: intent.id in self._known.get(signal.market, ())),
            ("venue_closed", lambda: self.agenda.closed),
            ("market_closed", lambda: listed is None or listed.status is not MarketStatus.OPEN),
            ("post_only", lambda: self.agenda.post_only and signal.style is Style.TAKER),
            ("invalid_price", lambda: listed is None or not listed.market.on_grid(signal.price)),
            ("invalid_size", lambda: listed is None or not _tradable(listed.market, intent)),
            ("too_many_orders", lambda: len(self._orders) >= self.settings.orders_max),
            ("insufficient_position", lambda: self._oversold(intent)),
            ("insufficient_balance", lambda: self._overspent(intent)),
        )
        for code, fails in checks:
            if fails():
                return Rejected(code)
        if self._strikes("rejected", intent.id, self.settings.faults.rejected):
            return Rejected("internal_error", "refused on request of the simulation")
        return None

    def _oversold(self, intent: Intent) -> bool:
        signal = intent.draft.signal
        if signal.purpose is Purpose.ENTRY:
            return False
        leaving = sum(o.waiting.left for o in _sales(self.listed[signal.market], signal.leg))
        return intent.draft.size + leaving > self.account.firm(signal.market, signal.leg)

    def _overspent(self, intent: Intent) -> bool:
        if self.settings.cash is None or intent.draft.signal.purpose is Purpose.EXIT:
            return False
        free = self.settings.cash + self.account.cash - self._reserved()
        return intent.draft.worst_cost > free

    def _new(self, intent: Intent) -> OwnOrder:
        signal = intent.draft.signal
        side = book_side(signal.leg, signal.purpose)
        at = yes_price(signal.leg, signal.price)
        return OwnOrder(
            intent=intent,
            listed=self.listed[signal.market],
            side=side,
            waiting=Waiting(intent.id, side, at, intent.draft.size),
            venue_order=f"sim-{intent.id}",
            told_from=Micros(0),
        )

    def _answer(self, order: OwnOrder, at: Micros, *, lost: bool) -> Outcome:
        """Match an order that arrives at once and answer in the same breath."""
        resting = order.intent.draft.signal.style is Style.MAKER
        if resting and order.listed.book.crosses(order.side, order.waiting.price) and not lost:
            self._forget(order)
            return Rejected("post_only_cross", "a resting order would have taken")
        ahead = self._match(order, at)
        return Unknown("no answer in time") if lost else Accepted(order.venue_order, ahead)

    def _arrive(self, order: OwnOrder, at: Micros) -> None:
        if not order.alive:
            return
        if order.intent.expires_at <= at:
            self._end(order, "expired", at)
        elif self.agenda.closed or order.listed.status is not MarketStatus.OPEN:
            self._end(order, "market_closed", at)
        else:
            self._match(order, at)

    def _match(self, order: OwnOrder, at: Micros) -> Size | None:
        book, waiting = order.listed.book, order.waiting
        if order.intent.draft.signal.style is Style.MAKER:
            if book.crosses(order.side, waiting.price):
                self._end(order, "post_only_cross", at)
                return None
            self.agenda.later(max(order.intent.expires_at, at), self._expire, order)
            order.rests = True
            return book.rest(waiting, at)
        if not self.agenda.post_only:
            for part in book.take(order.side, waiting.price, waiting.left, at, ours=True):
                waiting.left = Size(waiting.left - part.size)
                self._fill(order, part.price, part.size, Style.TAKER, at)
        if waiting.left > 0:
            self._end(order, "nothing_more_displayed", at)
        else:
            self._forget(order)
        self._net(order.listed, at)
        return None

    def _cancel(self, intent: str, at: Micros) -> None:
        order = self._orders.get(intent)
        if order is None:
            return
        if self.agenda.closed:
            # Nobody answers during an outage; it is done when the venue is back.
            self.agenda.later(Micros(at + SECOND), self._cancel, intent)
        else:
            self._end(order, "cancelled", at)

    def _expire(self, order: OwnOrder, at: Micros) -> None:
        if order.alive:
            self._end(order, "expired", at)

    def _end(self, order: OwnOrder, reason: str, at: Micros) -> None:
        order.listed.book.remove(order.waiting, at)
        self._forget(order)
        self._tell(at, Cancelled(order.intent.id, reason), order)

    def _forget(self, order: OwnOrder) -> None:
        order.alive = False
        self._orders.pop(order.intent.id, None)
        order.listed.orders.pop(order.intent.id, None)

    # -- trades ------------------------------------------------------------------------------

    def _fill(self, order: OwnOrder, yes: Price, size: Size, style: Style, at: Micros) -> None:
        signal, market = order.intent.draft.signal, order.listed.market
        price = yes if signal.leg is Leg.YES else Price(ONE_DOLLAR - yes)
        order.traded.append(Traded(price=price, size=size, liquidity=style))
        name = f"{order.intent.id}-{len(order.traded)}"
        selling = signal.purpose is Purpose.EXIT
        truth = order.listed.truth()
        ghost = self._strikes("ghost_fill", name, self.settings.faults.ghost_fill)
        fill = AccountFill(
            fill=name,
            intent=order.intent.id,
            market=market.id,
            leg=signal.leg,
            purpose=signal.purpose,
            liquidity=style,
            price=price,
            size=size,
            cost=cost(price, size),
            fee=fees_of_order(market.fees, order.traded, selling=selling)[-1],
            at=at,
            worth=quantise(truth if signal.leg is Leg.YES else 1.0 - truth),
            provisional=ghost or self.settings.rules.provisional,
        )
        self.account.book(fill)
        self._tell(at, _filled(fill), order)
        if fill.provisional:
            decided = min(Micros(at + _CHAIN_TAKES), order.listed.settles)
            self.agenda.later(decided, self._undo if ghost else self._settle, (order, name))
        else:
            self._earn(fill, market)

    def _settle(self, which: tuple[OwnOrder, str], at: Micros) -> None:
        order, name = which
        fill = self.account.settle(name)
        self._tell(at, Settled(order.intent.id, name), order)
        self._earn(fill, order.listed.market)

    def _undo(self, which: tuple[OwnOrder, str], at: Micros) -> None:
        order, name = which
        self.account.undo(name)
        self._tell(at, Reversed(order.intent.id, name, "failed to settle"), order)
        # Where rules net only a sale that is undone makes a pair: all other trades are final.
        self._net(order.listed, at)

    def _earn(self, fill: AccountFill, market: Market) -> None:
        if self.settings.rewards.rebates and fill.liquidity is Style.MAKER:
            self.earned.earn(REBATE, market.id, rebate(market, fill.price, fill.size))

    # -- pairs of YES and NO -----------------------------------------------------------------

    def _merge(self, asked: tuple[str, Listed, Size], at: Micros) -> None:
        """Pay for pairs as asked; nothing happens unless all of them are settled and not on sale.

        That is a matter of the chain, which goes on while the book is closed. Of a market that was
        paid nothing is held.
        """
        name, listed, size = asked
        free = min(
            self.account.firm(listed.market.id, leg)
            - sum(o.waiting.left for o in _sales(listed, leg))
            for leg in Leg
        )
        if 0 < size <= free:
            self._pay_pairs(name, listed, size, at)

    def _nets(self, listed: Listed) -> bool:
        return self.abilities.nets_yes_no and self.account.pairs(listed.market.id) > 0

    def _net(self, listed: Listed, at: Micros) -> None:
        """Pay for all pairs where the rules do so by themselves; sales of what is gone are off."""
        if not self._nets(listed):
            return
        listed.netted += 1
        size = Size(self.account.pairs(listed.market.id))
        self._pay_pairs(f"net-{listed.market.id}-{listed.netted}", listed, size, at)
        for leg in Leg:
            left = self.account.firm(listed.market.id, leg)
            for order in _sales(listed, leg):
                left -= order.waiting.left
                if left < 0:
                    left += order.waiting.left
                    self._end(order, "position_netted", at)

    def _pay_pairs(self, name: str, listed: Listed, size: Size, at: Micros) -> None:
        merge = self.account.merge(name, listed.market.id, size, at)
        # After all that made the pairs: who has not heard of them cannot count their end.
        due = max(at, listed.told_until)
        fact = Merged(name, merge.market, merge.size, merge.payout)
        self._put(fact, due, max(at, listed.settles))

    # -- how it is told ----------------------------------------------------------------------

    def _tell(self, at: int, fact: Fact, order: OwnOrder | None) -> None:
        """Let the bot know, perhaps late and perhaps twice, but before the market pays."""
        if order is None:
            self._put(fact, at, at)
            return
        listed = order.listed
        told = self._put(fact, max(at, order.told_from), max(at, listed.settles))
        order.told_from = told  # What is told of one order keeps its order.
        listed.told_until = max(listed.told_until, told)

    def _put(self, fact: Fact, due: int, last: int) -> Micros:
        """Let the bot know of a fact at ``due``, or later if a fault strikes; return when."""
        faults, self._told = self.settings.faults, self._told + 1
        key = f"{fact.intent}/{type(fact).__name__}/{getattr(fact, 'fill', '')}"
        if self._strikes("late_fact", key, faults.late_fact):
            due += faults.late_by
        told = Micros(min(due, last))
        heapq.heappush(self._facts, (told, self._told, fact))
        if self._strikes("repeated_fact", key, faults.repeated_fact):
            self._told += 1
            again = Micros(min(due + _REPEATED_AFTER, last))
            heapq.heappush(self._facts, (again, self._told, fact))
        return told

    def _under_way(self, key: str) -> Duration:
        faults = self.settings.faults
        if not faults.jitter:
            return faults.latency
        return Duration(faults.latency + int(self._drawn("latency", key) * faults.jitter))

    def _strikes(self, kind: str, key: str, chance: float) -> bool:
        if chance <= 0 or self._drawn(kind, key) >= chance:
            return False
        self.struck[kind] += 1
        return True

    def _drawn(self, kind: str, key: str) -> float:
        return drawn(self.seed, kind, key)


def drawn(seed: int, kind: str, key: str) -> float:
    """Return a number in [0, 1) that follows from its arguments alone."""
    text = hashlib.sha256(f"{seed}|{kind}|{key}".encode()).digest()
    return int.from_bytes(text[:8], "big") / _UNIT


def _sales(listed: Listed, leg: Leg) -> list[OwnOrder]:
    """Return the orders that sell a leg, oldest first."""
    return [
        order
        for order in listed.orders.values()
        if order.intent.draft.signal.purpose is Purpose.EXIT
        and order.intent.draft.signal.leg is leg
    ]


def _tradable(market: Market, intent: Intent) -> bool:
    size = intent.draft.size
    if size <= 0 or size % market.size_step:
        return False
    # What is left of a position may be less than what may be opened.
    return size >= market.min_size or intent.draft.signal.purpose is Purpose.EXIT


def _filled(fill: AccountFill) -> Filled:
    return Filled(
        intent=fill.intent,
        fill=fill.fill,
        price=fill.price,
        size=fill.size,
        cost=fill.cost,
        fee=fill.fee,
        liquidity=fill.liquidity,
        at=fill.at,
        provisional=fill.provisional,
    )
