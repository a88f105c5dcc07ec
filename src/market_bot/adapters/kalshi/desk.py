"""The order desk: sends an order once, cancels until it is proven, and tells what happened.

What the desk says is what the venue has proven. An order whose answer was lost is looked up by its
name and never sent again; a cancel counts once a list shows the order as over and all of its fills
are told. Facts come from pushed messages and from reading lists; whichever is first is told.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

import attrs

from market_bot.core.domain.fees import Traded, fees_of_order
from market_bot.core.domain.fills.maker import book_side, yes_price
from market_bot.core.domain.market import Leg, Market
from market_bot.core.domain.numbers import (
    NEVER,
    NOTHING,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    cost,
    format_money,
)
from market_bot.core.domain.orders import Order, OrderState, Purpose, Style
from market_bot.core.domain.portfolio import VenueCapabilities, capabilities_of
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.account import Standing
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Confirmed,
    Fact,
    Filled,
    Merged,
    Outcome,
    Refused,
    Rejected,
    Unknown,
)
from market_bot.core.ports.live_desk import LiveDesk

from .budgets import RateClass
from .errors import KalshiError
from .order_groups import OrderGroups, say_nothing
from .orders import (
    BATCH,
    ORDERS,
    OrderShapeError,
    Taken,
    amend_order,
    as_body,
    cancel_done,
    cancel_params,
    create_order,
    decrease_order,
    judge_batch,
    judge_change,
    judge_create,
    legs_price,
    order_path,
)
from .paging import walk
from .parse_exchange import DEFAULT_SHARD
from .parse_markets import Listing
from .parse_portfolio import STANDINGS, OwnFill, OwnOrder, parse_fills, parse_orders
from .private_stream import PrivateInbox, PushedFill, PushedOrder
from .rest import Answer, KalshiRest
from .transport import Params

_T = TypeVar("_T")

# Lists lag behind; what they said for so long before the last look is read again.
OVERLAP: Final = Duration(60 * SECOND)
BATCH_MAX: Final = 20
_PAGE: Final = ("limit", "1000")
_PAGES_MAX: Final = 10
_SENT_KEPT: Final = 1 << 16


@attrs.frozen(kw_only=True)
class DeskPace:
    """How often the venue is asked about orders, and how long.

    Args:
        urgent: between two looks while something is open that has to be known soon; it doubles
            up to ``calm`` while nothing new is found.
        calm: between two looks while orders only rest and a stream tells what happens.
        without_stream: the same without a stream.
        cancel_again: before a cancel that is not proven is sent again; it doubles each time.
        cancel_again_max: the longest of these waits.
        forget: after its expiry, an order nobody has seen is left to the reconciliation.
        markets: how many markets' orders are listed in one look.

    """

    urgent: Duration = Duration(SECOND // 4)
    calm: Duration = Duration(15 * SECOND)
    without_stream: Duration = Duration(2 * SECOND)
    cancel_again: Duration = Duration(SECOND)
    cancel_again_max: Duration = Duration(16 * SECOND)
    forget: Duration = Duration(600 * SECOND)
    markets: int = 8


def trusting() -> bool:
    """Tell that the venue holds what the journal says."""
    return False


@attrs.define(eq=False)
class _Tracked:
    """An order of ours from its sending until everything about it is told.

    ``since`` is from when on fills are read; ``there`` what the venue says has traded; ``over``
    why nothing more will; ``urgent`` whether its state has to be read soon.
    """

    intent: str
    market: str
    leg: Leg
    purpose: Purpose
    style: Style
    size: Size
    price: Price
    shard: int | None
    created_at: Micros
    expires_at: Micros
    since: Micros
    venue_order: str = ""
    doubtful: bool = False
    told: dict[str, Filled] = attrs.field(factory=dict)
    told_before: Size = NOTHING
    ids_before: frozenset[str] = frozenset()
    there: Size = NOTHING
    over: str | None = None
    urgent: bool = False
    cancelling: bool = False
    cancel_at: Micros = NEVER
    cancel_wait: Duration = Duration(0)

    @property
    def traded(self) -> Size:
        """What has been told."""
        return Size(self.told_before + sum(fill.size for fill in self.told.values()))

    def knows(self, fill: str) -> bool:
        """Tell whether a fill has been told."""
        return fill in self.told or fill in self.ids_before


@attrs.define(eq=False)
class KalshiDesk(LiveDesk):
    """Our orders at the venue; mutable, owned by the lane's thread.

    Args:
        rest: sends, signed.
        listing: returns what is known of a market, None if nothing is.
        groups: the outer net; None sends without.
        inbox: what the stream pushes; None if there is no stream.
        reads: reads lists; a client of its own may be less patient than the one that cancels.
        complain: takes one line for people, such as a fee that is not what we expect.
        pace: how often the venue is asked.
        whole: whether takers that open want all or nothing.
        careful: tells whether the venue may hold less than the journal says.

    """

    rest: KalshiRest
    listing: Callable[[str], Listing | None]
    groups: OrderGroups | None = None
    inbox: PrivateInbox | None = None
    reads: KalshiRest = attrs.field(
        default=attrs.Factory(lambda self: self.rest, takes_self=True), kw_only=True
    )
    complain: Callable[[str], None] = attrs.field(default=say_nothing, kw_only=True)
    pace: DeskPace = attrs.field(factory=DeskPace, kw_only=True)
    whole: bool = attrs.field(default=False, kw_only=True)
    careful: Callable[[], bool] = attrs.field(default=trusting, kw_only=True)
    _orders: dict[str, _Tracked] = attrs.field(factory=dict, init=False)
    _by_venue: dict[str, _Tracked] = attrs.field(factory=dict, init=False)
    _sent: OrderedDict[str, None] = attrs.field(factory=OrderedDict, init=False)
    _facts: list[Fact] = attrs.field(factory=list, init=False)
    _now: Micros = attrs.field(default=NEVER, init=False)
    _looked: Micros = attrs.field(default=NEVER, init=False)
    _pause: Duration = attrs.field(default=Duration(0), init=False)
    _read_at: dict[str, Micros] = attrs.field(factory=dict, init=False)
    _must_look: bool = attrs.field(default=False, init=False)
    _trouble: str = attrs.field(default="", init=False)

    @property
    def abilities(self) -> VenueCapabilities:
        return capabilities_of("kalshi")

    @property
    def open_orders(self) -> tuple[str, ...]:
        """The intents of which something is still to be told, in the order they were sent."""
        return tuple(self._orders)

    # -- sending -----------------------------------------------------------------------------

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        request = self._request(intent, at)
        if isinstance(request, Rejected | Unknown):
            return request
        order = self._track(intent, request["exchange_index"], at)
        answer = self._change("POST", ORDERS, as_body(request))
        return self._follow(order, judge_create(answer, intent.id))

    def submit_batch(self, intents: Sequence[Intent], at: Micros) -> tuple[Outcome, ...]:
        """Send several orders at once, each of them once; return their outcomes in order.

        Raises:
            ValueError: if there are more than 20.

        """
        if len(intents) > BATCH_MAX:
            msg = f"a batch holds at most {BATCH_MAX} orders, not {len(intents)}"
            raise ValueError(msg)
        outcomes: dict[int, Outcome] = {}
        sent: list[tuple[int, _Tracked]] = []
        requests = []
        for place, intent in enumerate(intents):
            request = self._request(intent, at)
            if isinstance(request, Rejected | Unknown):
                outcomes[place] = request
            else:
                sent.append((place, self._track(intent, request["exchange_index"], at)))
                requests.append(request)
        if requests:
            body = as_body({"orders": requests})
            answer = self._change("POST", BATCH, body, items=len(requests))
            judged = judge_batch(answer, [order.intent for _, order in sent])
            for (place, order), one in zip(sent, judged, strict=True):
                outcomes[place] = self._follow(order, one)
        return tuple(outcomes[place] for place in range(len(intents)))

    def cancel(self, intent: str, at: Micros) -> None:
        order = self._orders.get(intent)
        if order is None or order.over is not None:
            return
        order.cancelling = order.urgent = True
        self._pause = Duration(0)
        if at >= order.cancel_at:
            self._cancel(order, at)

    def cancel_all(self, at: Micros) -> bool:
        """Cancel everything of the account on all shards; tell whether the venue has taken it.

        Whether an order is gone comes with `collect` all the same; one that is sent within the
        next minute may be hit, too.
        """
        problem = cancel_everything(self.rest)
        self._pause = Duration(0)
        for order in self._orders.values():
            order.cancelling = order.urgent = True
            order.cancel_at = Micros(at + self.pace.cancel_again)
        return problem is None

    def amend(self, intent: str, price: Price, size: Size, at: Micros) -> Outcome:  # noqa: ARG002 - as its siblings
        """Move or shrink a resting order; never to terms that cost more than those sent.

        Args:
            intent: the order's name.
            price: the new limit in the leg's own dollars.
            size: the new size in all, with what has traded of it.
            at: the present moment.

        Raises:
            ValueError: if the order is not known to rest, or would cost more than was reserved.

        """
        order = self._resting(intent)
        dearer = price > order.price if order.purpose is Purpose.ENTRY else price < order.price
        if dearer or size > order.size:
            msg = f"{intent}: new terms may not cost more than those that were judged"
            raise ValueError(msg)
        request = amend_order(
            intent,
            order.market,
            book_side(order.leg, order.purpose),
            price=yes_price(order.leg, price),
            total=size,
            shard=self._shard_of(order),
        )
        order.urgent = True
        return self._changed(order, "amend", as_body(request))

    def decrease(self, intent: str, remaining: Size, at: Micros) -> Outcome:  # noqa: ARG002 - as its siblings
        """Leave no more than ``remaining`` of a resting order.

        Raises:
            ValueError: if the order is not known to rest, or ``remaining`` is nothing (cancel it).

        """
        order = self._resting(intent)
        order.urgent = True
        body = as_body(decrease_order(order.market, remaining, self._shard_of(order)))
        return self._changed(order, "decrease", body)

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:  # noqa: ARG002 - the venue has netted it
        """Tell that a pair is paid: the venue pays for pairs the moment they are there."""
        self._facts.append(Merged(merge, market, size, cost(ONE_DOLLAR, size)))

    # -- telling -----------------------------------------------------------------------------

    def collect(self, at: Micros) -> Sequence[Fact]:
        self._now = at
        self._take_pushed()
        self._cancel_again(at)
        if self._due(at):
            self._look(at)
        self._close()
        self._give_up(at)
        facts, self._facts = self._facts, []
        return facts

    def conclude(self, at: Micros) -> Sequence[Fact]:
        self._pause = Duration(0)
        return self.collect(at)

    def adopt(self, orders: Iterable[Order]) -> None:
        for order in orders:
            if not order.state.live or order.intent in self._orders:
                continue
            self._remember(order.intent)
            self._add(
                _Tracked(
                    intent=order.intent,
                    market=order.market,
                    leg=order.leg,
                    purpose=order.purpose,
                    style=order.style,
                    size=order.size,
                    price=order.price,
                    # Until a list tells it: discovery has not found the market yet.
                    shard=None,
                    created_at=order.created_at,
                    expires_at=order.expires_at,
                    since=order.created_at,
                    venue_order=order.venue_order,
                    doubtful=order.state is not OrderState.ACCEPTED,
                    told_before=Size(sum(fill.size for fill in order.fills)),
                    ids_before=frozenset(fill.id for fill in order.fills),
                    urgent=True,
                )
            )

    def learn(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            order = self._orders.get(fact.intent)
            if order is None:
                continue
            match fact:
                case Filled():
                    order.told.setdefault(fact.fill, fact)
                case Confirmed(_, venue_order):
                    self._found(order, venue_order, tell=False)
                case Cancelled() | Refused():
                    self._drop(order)
                case _:
                    pass

    # -- inside: sending ---------------------------------------------------------------------

    def _request(self, intent: Intent, at: Micros) -> dict[str, object] | Rejected | Unknown:
        """Return what is sent for an intent, or why nothing is."""
        if intent.id in self._sent:
            return Unknown("it was sent before: an order is sent once")
        known = self.listing(intent.draft.signal.market)
        if known is None:
            return Rejected("not_sent", "nothing is known of its market")
        if intent.expires_at <= at:
            return Rejected("not_sent", "it has expired")
        shard = DEFAULT_SHARD if known.exchange_index is None else known.exchange_index
        group = self.groups.of(shard, at) if self.groups is not None else ""
        if group is None and not intent.reduce_only:
            return Rejected("not_sent", f"there is no order group on shard {shard}")
        try:
            return create_order(
                intent,
                at,
                shard=shard,
                group=group or "",
                whole=self.whole,
                careful=self.careful(),
            )
        except OrderShapeError as e:
            return Rejected("not_sent", str(e))

    def _track(self, intent: Intent, shard: object, at: Micros) -> _Tracked:
        assert isinstance(shard, int)  # noqa: S101 - says to the type checker what a request holds
        signal = intent.draft.signal
        self._remember(intent.id)
        order = _Tracked(
            intent=intent.id,
            market=signal.market,
            leg=signal.leg,
            purpose=signal.purpose,
            style=signal.style,
            size=intent.draft.size,
            price=signal.price,
            shard=shard,
            created_at=at,
            expires_at=intent.expires_at,
            since=at,
        )
        self._add(order)
        return order

    def _follow(self, order: _Tracked, judged: Taken | Rejected | Unknown) -> Outcome:
        """Remember what an answer proves, and return it in the port's words."""
        if isinstance(judged, Rejected):
            self._drop(order)
            return judged
        self._pause = Duration(0)
        if isinstance(judged, Unknown):
            order.doubtful = True
            return judged
        self._found(order, judged.venue_order, tell=False)
        order.there = judged.filled
        order.urgent = judged.filled > 0
        if not judged.remaining:
            order.over = "nothing_more_displayed" if order.style is Style.TAKER else "not_resting"
        return Accepted(judged.venue_order)

    def _change(
        self,
        method: str,
        endpoint: str,
        body: bytes | None,
        *,
        kind: RateClass = RateClass.WRITE,
        items: int = 1,
        params: Params = (),
    ) -> Answer | KalshiError:
        try:
            return self.rest.change(
                method, endpoint, body=body, params=params, kind=kind, items=items
            )
        except KalshiError as e:
            return e

    def _changed(self, order: _Tracked, what: str, body: bytes) -> Outcome:
        try:
            endpoint = order_path(order.venue_order, what)
        except OrderShapeError as e:
            return Rejected("not_sent", str(e))
        answer = self._change("POST", endpoint, body)
        return judge_change(answer, order.venue_order)

    def _cancel(self, order: _Tracked, at: Micros) -> None:
        wait = order.cancel_wait * 2 or self.pace.cancel_again
        order.cancel_wait = Duration(min(wait, self.pace.cancel_again_max))
        order.cancel_at = Micros(at + order.cancel_wait)
        if not order.venue_order:
            return  # It cannot be named yet; it is cancelled as soon as it is found.
        try:
            endpoint = order_path(order.venue_order)
        except OrderShapeError as e:
            self._say(f"{order.intent} cannot be cancelled: {e}")
            return
        params = cancel_params(order.market, self._shard_of(order))
        answer = self._change("DELETE", endpoint, None, kind=RateClass.CANCEL, params=params)
        if cancel_done(answer, order.venue_order):
            # What is left is to see it in the list, with all it had traded.
            order.cancel_at = Micros(at + self.pace.cancel_again_max)

    def _cancel_again(self, at: Micros) -> None:
        for order in list(self._orders.values()):
            if order.cancelling and order.over is None and at >= order.cancel_at:
                self._cancel(order, at)

    # -- inside: what happened ---------------------------------------------------------------

    def _take_pushed(self) -> None:
        if self.inbox is None:
            return
        taken = self.inbox.take()
        if taken.must_read is not None:
            self._must_look, self._pause = True, Duration(0)
        for pushed in taken.pushed:
            match pushed:
                case PushedFill():
                    self._fill(
                        OwnFill(
                            fill=pushed.fill,
                            venue_order=pushed.venue_order,
                            client_order=pushed.client_order,
                            market=pushed.market,
                            side=pushed.side,
                            price=pushed.price,
                            size=pushed.size,
                            fee=pushed.fee,
                            taker=pushed.taker,
                            at=pushed.received if pushed.at is None else pushed.at,
                        )
                    )
                case PushedOrder():
                    self._order(
                        OwnOrder(
                            venue_order=pushed.venue_order,
                            client_order=pushed.client_order,
                            market=pushed.market,
                            side=pushed.side,
                            size=pushed.initial,
                            filled=pushed.filled,
                            remaining=pushed.remaining,
                            standing=STANDINGS.get(pushed.status, Standing.UNCLEAR),
                            reason=pushed.reason,
                            shard=pushed.shard,
                        )
                    )

    def _due(self, at: Micros) -> bool:
        if not self._orders:
            return False
        urgent = any(
            order.urgent or order.doubtful or order.over is not None or order.expires_at <= at
            for order in self._orders.values()
        )
        calm = self.pace.without_stream if self.inbox is None else self.pace.calm
        pause = min(self._pause, self.pace.calm) if urgent or self._must_look else calm
        return at - self._looked >= pause or at < self._looked

    def _look(self, at: Micros) -> None:
        """Read what has traded and how the orders stand; what fails is read the next time."""
        self._looked, known = at, len(self._facts)
        self._pause = Duration(max(self.pace.urgent, 2 * self._pause))
        before = [order for order in self._orders.values() if order.venue_order]
        try:
            self._read_orders(at)
            complete = self._read_fills()
        except KalshiError as e:
            self._say(f"orders cannot be read: {e}")
            return
        self._trouble = "" if complete else self._trouble
        self._must_look = self._must_look and not complete
        if len(self._facts) > known:
            self._pause = self.pace.urgent
        for order in before:
            if complete and order.over is None and order.traded >= order.there:
                order.since = max(order.since, Micros(at - OVERLAP))

    def _read_orders(self, at: Micros) -> None:
        """Read how orders stand in the markets whose turn it is."""
        asked: dict[str, list[_Tracked]] = {}
        for order in self._orders.values():
            if order.over is None:
                asked.setdefault(order.market, []).append(order)
        self._read_at = {market: self._read_at.get(market, NEVER) for market in asked}
        for market in sorted(asked, key=self._read_at.__getitem__)[: self.pace.markets]:
            self._read_at[market] = at
            self._read_market(market, asked[market])

    def _read_market(self, market: str, asked: Sequence[_Tracked]) -> None:
        missing = {order.intent for order in asked}

        def fetch(query: Params) -> tuple[tuple[OwnOrder, ...], str]:
            orders, cursor = self._page("orders", parse_orders, query)
            missing.difference_update(one.client_order or "" for one in orders)
            return orders, cursor

        since = min(order.created_at for order in asked) - OVERLAP
        found = walk(
            fetch,
            lambda one: one.venue_order,
            params=(("ticker", market), ("min_ts", _seconds(since)), _PAGE),
            pages_max=_PAGES_MAX,
            enough=lambda _: not missing,
        )
        # That one is not among them proves nothing, so it does not matter where this ended.
        for one in found.items:
            self._order(one)

    def _read_fills(self) -> bool:
        """Read what has traded; tell whether that was all of it."""
        if not self._orders:
            return True
        since = min(order.since for order in self._orders.values()) - OVERLAP
        found = walk(
            lambda query: self._page("fills", parse_fills, query),
            lambda one: one.fill,
            params=(("min_ts", _seconds(since)), _PAGE),
            pages_max=_PAGES_MAX,
        )
        for one in sorted(found.items, key=lambda fill: (fill.at, fill.fill)):
            self._fill(one)
        if found.broken:
            self._say(f"the list of fills is not complete: {found.broken}")
        return not found.broken

    def _page(self, name: str, parse: Callable[[bytes], _T], query: Params) -> _T:
        return self.reads.read(f"/portfolio/{name}", parse, params=query, signed=True)

    def _order(self, there: OwnOrder) -> None:
        order = self._of(there.venue_order, there.client_order)
        if order is None:
            return
        self._found(order, there.venue_order, tell=True)
        if there.shard is not None:
            order.shard = there.shard
        order.there = max(order.there, there.filled)
        if order.traded < order.there:
            # A fill has not come yet: it may be older than what is read by now.
            order.since = order.created_at
        match there.standing:
            case Standing.RESTING:
                # A list may be late: what is over stays over, and a cancel is waited for.
                order.urgent = order.cancelling or order.traded < order.there
            case Standing.CANCELLED | Standing.FILLED:
                order.over = order.over or self._ended(order, there)
            case Standing.UNCLEAR:
                order.urgent = True

    def _ended(self, order: _Tracked, there: OwnOrder) -> str:
        """Return a word for why an order is over; the venue's lists do not tell."""
        if order.style is Style.TAKER:
            return "nothing_more_displayed"
        known = self.listing(order.market)
        closes = None if known is None else known.market.close_at
        if closes is not None and closes <= self._now:
            return "market_closed"
        # The venue counts whole seconds.
        if order.expires_at // SECOND * SECOND <= self._now:
            return "expired"
        return "cancelled" if order.cancelling else there.reason or "ended_at_the_venue"

    def _fill(self, there: OwnFill) -> None:
        order = self._of(there.venue_order, there.client_order)
        if order is None or order.knows(there.fill):
            return
        price = legs_price(order.leg, order.purpose, there.side, there.price)
        if price is None:
            self._say(f"{order.intent}: fill {there.fill} is on the other side")
            return
        # A trade proves its order: say so first.
        self._found(order, there.venue_order, tell=True)
        fact = Filled(
            intent=order.intent,
            fill=there.fill,
            price=price,
            size=there.size,
            cost=cost(price, there.size),
            fee=there.fee,
            liquidity=Style.TAKER if there.taker else Style.MAKER,
            at=there.at,
        )
        order.told[there.fill] = fact
        self._facts.append(fact)

    def _close(self) -> None:
        """Let go of orders that are over and wholly told; tell what of them did not trade."""
        for order in list(self._orders.values()):
            traded = order.traded
            if traded >= order.size:
                order.over = order.over or "filled"
            if order.over is None or traded < order.there:
                continue
            if traded < order.size:
                self._facts.append(Cancelled(order.intent, order.over))
            self._check_fees(order)
            self._drop(order)

    def _check_fees(self, order: _Tracked) -> None:
        """Compare what an order was charged with what its fills should cost, to the last step."""
        known = self.listing(order.market)
        if known is None or order.ids_before or not order.told:
            return
        if known.fee_free_until is not None and order.created_at < known.fee_free_until:
            return
        expected = expected_fees(known.market, order.purpose, tuple(order.told.values()))
        charged = Money(sum(fill.fee for fill in order.told.values()))
        if charged != expected:
            told, ours = format_money(charged), format_money(expected)
            self.complain(f"{order.intent}: the venue charged {told}, expected were {ours}")

    def _give_up(self, at: Micros) -> None:
        # Whether such an order ever was is for the reconciliation to prove.
        for order in list(self._orders.values()):
            if order.doubtful and at > order.expires_at + self.pace.forget:
                self._say(f"{order.intent} was not found; the account has to tell")
                self._drop(order)

    # -- inside: names -----------------------------------------------------------------------

    def _of(self, venue_order: str, intent: str | None) -> _Tracked | None:
        known = self._by_venue.get(venue_order)
        if known is None and intent is not None:
            known = self._orders.get(intent)
            if known is not None and known.venue_order not in ("", venue_order):
                self._say(f"{intent} is the name of two orders at the venue")
                return None
        return known

    def _found(self, order: _Tracked, venue_order: str, *, tell: bool) -> None:
        if not order.venue_order:
            order.venue_order = venue_order
            self._by_venue[venue_order] = order
        if order.doubtful:
            order.doubtful = False
            if order.cancelling:
                order.cancel_at = NEVER
            if tell:
                self._facts.append(Confirmed(order.intent, venue_order))

    def _resting(self, intent: str) -> _Tracked:
        order = self._orders.get(intent)
        if order is None or not order.venue_order or order.over is not None:
            msg = f"{intent} is not known to rest"
            raise ValueError(msg)
        return order

    def _add(self, order: _Tracked) -> None:
        self._orders[order.intent] = order
        if order.venue_order:
            self._by_venue[order.venue_order] = order

    def _drop(self, order: _Tracked) -> None:
        self._orders.pop(order.intent, None)
        self._by_venue.pop(order.venue_order, None)

    def _remember(self, intent: str) -> None:
        self._sent[intent] = None
        if len(self._sent) > _SENT_KEPT:
            self._sent.popitem(last=False)

    def _shard_of(self, order: _Tracked) -> int:
        if order.shard is None:
            known = self.listing(order.market)
            order.shard = None if known is None else known.exchange_index
        return DEFAULT_SHARD if order.shard is None else order.shard

    def _say(self, line: str) -> None:
        if line != self._trouble:
            self._trouble = line
            self.complain(line)


def _seconds(at: int) -> str:
    return str(max(0, at // SECOND))


def cancel_everything(rest: KalshiRest) -> str | None:
    """Cancel all orders of the account on all shards, for whoever has a client and no desk.

    Returns None once the venue has taken the request, else one line saying why nobody can tell.
    """
    try:
        rest.change("DELETE", ORDERS, kind=RateClass.CANCEL)
    except KalshiError as e:
        return f"cancelling everything is not proven: {e}"
    return None


def expected_fees(market: Market, purpose: Purpose, fills: Sequence[Filled]) -> Money:
    """Return what all fills of an order should have cost, fees alone."""
    ordered = sorted(fills, key=lambda fill: (fill.at, fill.fill))
    traded = [Traded(price=f.price, size=f.size, liquidity=f.liquidity) for f in ordered]
    selling = purpose is Purpose.EXIT
    return Money(sum(fees_of_order(market.fees, traded, selling=selling)))
