"""The order desk: sends an order once, cancels until it is proven, and tells what happened.

An order is signed and kept in the outbox before it is sent; its name follows from what is signed
and is in the journal by then. So whatever becomes of the answer, the order can be looked up and
cancelled by its name. The same bytes may be sent again, while the order is still wanted and two
searches have found nothing: they are the same order, never a second one.

Fills are provisional until the venue has settled them. Facts come from pushed messages and from
reading lists; whichever is first is told.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

import attrs

from market_bot.core.domain.numbers import (
    NEVER,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Size,
    cost,
)
from market_bot.core.domain.orders import Order, Purpose, Style
from market_bot.core.domain.portfolio import NO_CAPABILITIES, VenueCapabilities
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
    Reversed,
    Settled,
    Unknown,
)
from market_bot.core.ports.live_desk import LiveDesk
from market_bot.core.ports.outbox import Letter, Outbox, OutboxError
from market_bot.core.usecases.kill_switch import CancelAll

from .amounts import Lifetime, OrderSide
from .contracts import COLLATERAL, asset_kind
from .gamma import Listing
from .ghost_history import Ended
from .order_replies import PlacedStatus, cancelled
from .order_signing import OrderSigner
from .orders import (
    NOT_SENT,
    Judged,
    Killed,
    Landed,
    OrderShapeError,
    Shaped,
    Taken,
    judge_batch,
    judge_post,
    lifetime_of,
    shape,
    side_of,
    tokens_of,
)
from .own_fills import (
    FillBook,
    GhostGuard,
    GhostLimits,
    OwnLeg,
    fee_of,
    fill_id,
    maker_leg,
    taker_leg,
)
from .own_records import OwnOrder, OwnTrade
from .parse_own import orders as parse_orders
from .parse_own import trades as parse_trades
from .problems import Kind, PolymarketError
from .rest import CANCELS_MAX, ORDERS_MAX, PolymarketRest
from .tracked_order import TrackedOrder, adopted_order, sent_order
from .user_events import MayBeMissing, UserInbox
from .venue_mode import ModeWatch, VenueMode, tell_nobody
from .wire import UnreadableRecord

_T = TypeVar("_T")

OVERLAP: Final = Duration(60 * SECOND)
"""Lists lag behind; what they said for so long before the last look is read again."""

BATCH_MAX: Final = ORDERS_MAX
NOTHING_MORE: Final = "nothing_more_displayed"

_FAILURES: Final = (PolymarketError, UnreadableRecord)
_PAGES_MAX: Final = 20
_SENT_KEPT: Final = 1 << 16
_PAST_KEPT: Final = 4_096
_SHAPED_KEPT: Final = 256
_SAY_AGAIN: Final = Duration(600 * SECOND)


@attrs.frozen(kw_only=True)
class DeskPace:
    """How often the venue is asked about orders, and how long.

    Args:
        urgent: between two looks while something is open that has to be known soon; it doubles
            up to ``calm`` while nothing new is found.
        calm: between two looks while orders only rest and a stream tells what happens.
        without_stream: the same without a stream.
        settling: while trades are not settled.
        cancel_again: before a cancel that is not proven is sent again; it doubles each time.
        cancel_again_max: the longest of these waits.
        forget: so long after it is over for certain, an order nobody has seen is left to the
            reconciliation.
        searches: how many orders, and how many trades, are looked for one by one in one look.
        posts: how often the same bytes are sent in all.

    """

    urgent: Duration = Duration(SECOND // 4)
    calm: Duration = Duration(15 * SECOND)
    without_stream: Duration = Duration(2 * SECOND)
    settling: Duration = Duration(3 * SECOND)
    cancel_again: Duration = Duration(SECOND)
    cancel_again_max: Duration = Duration(16 * SECOND)
    forget: Duration = Duration(600 * SECOND)
    searches: int = 8
    posts: int = 2


def say_nothing(_: str) -> None:
    """Pass over a line that nobody wants to read."""


def always_alive(_: Micros) -> str | None:
    """Return that nothing keeps orders from being opened."""
    return None


@attrs.define(eq=False)
class PolymarketDesk(LiveDesk):
    """Our orders at the venue; mutable, owned by the lane's thread.

    Args:
        rest: sends, signed.
        listing: returns what is known of a market, None if nothing is.
        signer: signs orders.
        owner: returns the id of the API key, which stands in every order; raises a
            `PolymarketError` while it is not known.
        outbox: keeps what was signed.
        inbox: what the stream pushes; None if there is no stream.
        reads: reads lists; a client of its own may be less patient than the one that cancels.
        complain: takes one line for people, such as a trade beyond our limit.
        pace: how often the venue is asked.
        ghosts: how many trades may fail before a family is left alone.
        tell_mode: told when the venue takes other orders than before.
        alive: returns why nothing may be opened now, such as heartbeats that fail.

    """

    rest: PolymarketRest
    listing: Callable[[str], Listing | None]
    signer: OrderSigner
    owner: Callable[[], str] = attrs.field(repr=False)
    outbox: Outbox
    inbox: UserInbox | None = None
    reads: PolymarketRest = attrs.field(
        default=attrs.Factory(lambda self: self.rest, takes_self=True), kw_only=True
    )
    complain: Callable[[str], None] = attrs.field(default=say_nothing, kw_only=True)
    pace: DeskPace = attrs.field(factory=DeskPace, kw_only=True)
    ghosts: GhostLimits = attrs.field(factory=GhostLimits, kw_only=True)
    tell_mode: Callable[[VenueMode], None] = attrs.field(default=tell_nobody, kw_only=True)
    alive: Callable[[Micros], str | None] = attrs.field(default=always_alive, kw_only=True)
    mode: ModeWatch = attrs.field(init=False)
    guard: GhostGuard = attrs.field(init=False)
    book: FillBook = attrs.field(factory=FillBook, init=False)
    _orders: dict[str, TrackedOrder] = attrs.field(factory=dict, init=False)
    _by_venue: dict[str, TrackedOrder] = attrs.field(factory=dict, init=False)
    _past: OrderedDict[str, TrackedOrder] = attrs.field(factory=OrderedDict, init=False)
    _intents: OrderedDict[str, str] = attrs.field(factory=OrderedDict, init=False)
    _shaped: OrderedDict[str, tuple[Shaped, str]] = attrs.field(factory=OrderedDict, init=False)
    _sent: OrderedDict[str, None] = attrs.field(factory=OrderedDict, init=False)
    _facts: list[Fact] = attrs.field(factory=list, init=False)
    _now: Micros = attrs.field(default=NEVER, init=False)
    _looked: Micros = attrs.field(default=NEVER, init=False)
    _read_at: Micros = attrs.field(default=NEVER, init=False)
    _pause: Duration = attrs.field(default=Duration(0), init=False)
    _must_look: bool = attrs.field(default=False, init=False)
    _said: OrderedDict[str, Micros] = attrs.field(factory=OrderedDict, init=False)
    _turn: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.mode = ModeWatch(self.tell_mode)
        self.guard = GhostGuard(self.ghosts)

    @property
    def abilities(self) -> VenueCapabilities:
        """Nothing: pairs become dollars on the chain only, which is asked for by hand."""
        return NO_CAPABILITIES

    @property
    def open_orders(self) -> tuple[str, ...]:
        """The intents of which something is still to be told, in the order they were sent."""
        return tuple(self._orders)

    # -- sending -----------------------------------------------------------------------------

    def order_name(self, intent: Intent, at: Micros) -> str:
        found = self._shape(intent, at)
        return "" if isinstance(found, Rejected) else found[1]

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        return self.submit_batch([intent], at)[0]

    def submit_batch(self, intents: Sequence[Intent], at: Micros) -> tuple[Outcome, ...]:
        """Send several orders at once, each of them once; return their outcomes in order.

        Raises:
            ValueError: if there are more than 15.

        """
        if len(intents) > BATCH_MAX:
            msg = f"a batch holds at most {BATCH_MAX} orders, not {len(intents)}"
            raise ValueError(msg)
        self._now = max(self._now, at)
        outcomes: dict[int, Outcome] = {}
        ready: list[tuple[int, TrackedOrder]] = []
        for place, intent in enumerate(intents):
            one = self._ready(intent, at)
            if isinstance(one, TrackedOrder):
                ready.append((place, one))
            else:
                outcomes[place] = one
        judged = self._send([order for _, order in ready])
        for (place, order), answer in zip(ready, judged, strict=True):
            outcomes[place] = self._follow(order, answer, at)
        return tuple(outcomes[place] for place in range(len(intents)))

    def cancel(self, intent: str, at: Micros) -> None:
        order = self._orders.get(intent)
        if order is None or order.over is not None:
            return
        self._now = max(self._now, at)
        order.cancelling = order.urgent = True
        self._pause = Duration(0)
        if at >= order.cancel_at:
            self._cancel([order], at)

    def cancel_all(self, at: Micros) -> bool:
        """Cancel everything of the account; tell whether the venue has taken it.

        Whether an order is gone comes with `collect` all the same; one that is on its way may
        arrive afterwards.
        """
        self._all_cancelling(self._orders.values(), at)
        try:
            self._take_cancelled(self.rest.cancel_all(), at)
        except _FAILURES as e:
            self._say(f"cancelling everything is not proven: {e}")
            return False
        return True

    def cancel_market(self, market: str, at: Micros) -> bool:
        """Cancel everything in one market; tell whether the venue has taken it."""
        known = self.listing(market)
        if known is None:
            return False
        self._all_cancelling([o for o in self._orders.values() if o.market == market], at)
        try:
            for token in known.tokens:
                self._take_cancelled(self.rest.cancel_market(market, token), at)
        except _FAILURES as e:
            self._say(f"{market}: cancelling everything is not proven: {e}")
            return False
        return True

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:  # noqa: ARG002 - as the port
        """Take that a pair was paid; whoever has it done on the chain says so here."""
        self._facts.append(Merged(merge, market, size, cost(ONE_DOLLAR, size)))

    # -- telling -----------------------------------------------------------------------------

    def collect(self, at: Micros) -> Sequence[Fact]:
        self._now = at
        self.mode.look(at)
        self._take_pushed()
        self._cancel_due(at)
        if self._due(at):
            self._look(at)
        self._close(at)
        self._give_up(at)
        facts, self._facts = self._facts, []
        return facts

    def conclude(self, at: Micros) -> Sequence[Fact]:
        self._pause = Duration(0)
        return self.collect(at)

    def adopt(self, orders: Iterable[Order]) -> None:
        letters = self._letters()
        by_intent = {letter.intent: letter for letter in letters}
        wanted = list(orders)
        for order in wanted:
            if order.intent in self._orders:
                continue
            tracked = adopted_order(order, by_intent.get(order.intent))
            for fill in order.fills:
                undone = not fill.size
                self._told(tracked, fill.id, provisional=fill.provisional, undone=undone)
            if order.state.live:
                self._remember(order.intent)
                self._add(tracked)
            else:
                self._pass(tracked)
        # Every letter's intent was written down before it: what is not open any more is done with.
        open_ones = {order.intent for order in wanted if order.state.live}
        for letter in letters:
            if letter.intent not in open_ones and letter.intent not in self._orders:
                self._drop_letter(letter.order)

    def learn(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            order = self._orders.get(fact.intent)
            match fact:
                case Filled():
                    self.book.told(fact.fill, fact.intent, provisional=fact.provisional)
                    if order is not None:
                        order.told.setdefault(fact.fill, fact.size)
                case Confirmed() if order is not None:
                    self._found(order, tell=False)
                case Cancelled() | Refused() if order is not None:
                    self._drop(order)
                case _:
                    pass

    def remember(self, ends: Iterable[Ended]) -> None:
        """Take how trades ended in earlier processes: families that failed stay alone."""
        for end in ends:
            self.guard.note(end.family, end.at, failed=end.failed)

    # -- inside: sending ---------------------------------------------------------------------

    def _shape(self, intent: Intent, at: Micros) -> tuple[Shaped, str] | Rejected:
        """Return what is signed for an intent and its name; the same every time it is asked."""
        known = self._shaped.get(intent.id)
        if known is not None:
            return known
        listing = self.listing(intent.draft.signal.market)
        if listing is None:
            return Rejected(NOT_SENT, "nothing is known of its market")
        try:
            shaped = shape(intent, at, listing)
            named = (shaped, self.signer.order_id(shaped.plan))
        except (OrderShapeError, ValueError) as e:
            return Rejected(NOT_SENT, str(e))
        _keep(self._shaped, intent.id, named, _SHAPED_KEPT)
        return named

    def _ready(self, intent: Intent, at: Micros) -> TrackedOrder | Outcome:
        """Return an order that is signed and in the outbox, or why it is not sent."""
        if intent.id in self._sent:
            return Unknown("it was sent before: an order is sent once")
        if intent.expires_at <= at:
            return Rejected(NOT_SENT, "it has expired")
        why = self._why_not(intent, at)
        if why is not None:
            return Rejected(NOT_SENT, why)
        found = self._shape(intent, at)
        if isinstance(found, Rejected):
            return found
        shaped, name = found
        try:
            owner = self.owner()
        except PolymarketError as e:
            return Rejected(NOT_SENT, str(e))
        signed = self.signer.sign(shaped.plan)
        if signed.id != name:
            return Rejected(NOT_SENT, "it would be signed under another name than was written down")
        body = signed.body(
            owner=owner,
            lifetime=shaped.lifetime,
            expires_s=shaped.expires_s,
            post_only=shaped.post_only,
        )
        letter = Letter(
            order=name,
            intent=intent.id,
            market=intent.draft.signal.market,
            expires_at=Micros(shaped.expires_s * SECOND),
            body=body,
        )
        try:
            self.outbox.put([letter])
        except OutboxError as e:
            return Rejected(NOT_SENT, str(e))
        # From here on it may be at the venue.
        self._shaped.pop(intent.id, None)
        self._remember(intent.id)
        order = sent_order(intent, name, at, letter)
        self._terms(order)
        self._add(order)
        return order

    def _why_not(self, intent: Intent, at: Micros) -> str | None:
        """Return what keeps an entry from being sent; whoever only reduces always tries."""
        if intent.reduce_only:
            return None
        draft = intent.draft
        rests = draft.signal.style is Style.MAKER
        return (
            self.guard.refuses(draft.family, at) or self.mode.refuses(rests=rests) or self.alive(at)
        )

    def _send(self, orders: Sequence[TrackedOrder]) -> Sequence[Judged]:
        """Send what is in the outbox, once."""
        if not orders:
            return ()
        bodies = [order.letter.body for order in orders if order.letter is not None]
        if len(orders) == 1:
            return [self._post(orders[0])]
        answer = self._asked(lambda: self.rest.post_orders(bodies))
        return judge_batch(answer, [(o.order, side_of(o.purpose)) for o in orders])

    def _post(self, order: TrackedOrder) -> Judged:
        letter = order.letter
        assert letter is not None  # noqa: S101 - says to the type checker what callers have seen
        answer = self._asked(lambda: self.rest.post_order(letter.body))
        return judge_post(answer, order.order, side_of(order.purpose))

    def _asked(self, ask: Callable[[], bytes]) -> bytes | PolymarketError:
        try:
            return ask()
        except PolymarketError as e:
            self.mode.hear(e, self._now)
            return e

    def _follow(self, order: TrackedOrder, judged: Judged, at: Micros) -> Outcome:
        """Remember what an answer proves, and return it in the port's words."""
        if isinstance(judged, Rejected):
            self._after_refusal(order, judged)
            self._finish(order)
            return judged
        self._pause = Duration(0)
        if isinstance(judged, Unknown | Landed):
            order.doubtful = True
            self._leave_nothing(order, at)
            return judged if isinstance(judged, Unknown) else Unknown("it is there already")
        self._arrived(order, judged, at)
        return Accepted(order.order)

    def _arrived(self, order: TrackedOrder, judged: Taken | Killed, at: Micros) -> None:
        """Take that the venue has an order, and how far it came at once."""
        fak = lifetime_of(order.purpose, order.style) is Lifetime.FAK
        if isinstance(judged, Killed):
            order.end(NOTHING_MORE, at)
            # Of bytes that were sent twice only the second time is known to have brought nothing.
            order.sealed = order.posts == 1
            return
        self.mode.taken(rests=order.style is Style.MAKER)
        traded = self._possible(order, judged.traded)
        order.there = max(order.there, traded or Size(0))
        order.urgent = judged.status is not PlacedStatus.LIVE
        if fak and judged.status is not PlacedStatus.DELAYED:
            order.end(NOTHING_MORE, at)
            order.sealed = order.posts == 1 and traded is not None
        elif order.there >= order.size:
            order.end("filled", at)
        elif judged.status is PlacedStatus.DELAYED:
            order.cancel_at = self._after_delay(order, at)
            order.cancelling = order.style is Style.TAKER
        else:
            self._leave_nothing(order, at)

    def _leave_nothing(self, order: TrackedOrder, at: Micros) -> None:
        """Cancel what a taker did not get: it does not wait. FAK never does."""
        fak = lifetime_of(order.purpose, order.style) is Lifetime.FAK
        if order.style is Style.TAKER and not fak:
            self.cancel(order.intent, at)

    def _after_delay(self, order: TrackedOrder, at: Micros) -> Micros:
        known = self.listing(order.market)
        delay = 0 if known is None else known.delay_s
        return Micros(at + (delay + 1) * SECOND)

    def _after_refusal(self, order: TrackedOrder, refused: Rejected) -> None:
        """Have the venue look at the chain again where it thinks there is too little."""
        if refused.code != Kind.FUNDS.value:
            return
        kind, token = COLLATERAL, ""
        if order.purpose is Purpose.EXIT and order.tokens is not None:
            token = order.tokens[0]
            kind = asset_kind(token)
        try:
            self.reads.refresh_balance(kind, self.signer.signature_type.value, token)
        except PolymarketError as e:
            self._say(f"the venue's idea of the balance cannot be refreshed: {e}")

    # -- inside: cancelling ------------------------------------------------------------------

    def _cancel(self, orders: Sequence[TrackedOrder], at: Micros) -> None:
        """Ask for the end of some orders in one request."""
        for order in orders:
            wait = order.cancel_wait * 2 or self.pace.cancel_again
            order.cancel_wait = Duration(min(wait, self.pace.cancel_again_max))
            order.cancel_at = Micros(at + order.cancel_wait)
        names = [order.order for order in orders if order.order][:CANCELS_MAX]
        if not names:
            return
        try:
            if len(names) == 1:
                body = self.rest.cancel_order(names[0])
            else:
                body = self.rest.cancel_orders(names)
            self._take_cancelled(body, at)
        except _FAILURES as e:
            self._say(f"{orders[0].intent}: its cancel is not proven: {e}")

    def _cancel_due(self, at: Micros) -> None:
        due: list[TrackedOrder] = []
        for order in self._orders.values():
            if order.over is not None:
                continue
            if at >= order.expires_at and not order.cancelling:
                # The venue would let it work for minutes more.
                order.cancelling = order.urgent = True
                order.cancel_at = at
            if order.cancelling and at >= order.cancel_at:
                due.append(order)
        self._cancel(due, at)

    def _all_cancelling(self, orders: Iterable[TrackedOrder], at: Micros) -> None:
        self._pause = Duration(0)
        for order in orders:
            order.cancelling = order.urgent = True
            order.cancel_at = Micros(at + self.pace.cancel_again)

    def _take_cancelled(self, body: bytes, at: Micros) -> None:
        """Take an answer to a cancel: only what it says is cancelled is."""
        gone, _ = cancelled(body)
        for name in gone:
            order = self._by_venue.get(name.lower())
            if order is not None:
                # It was there, so it counts as found; what traded before has to be read.
                self._found(order, tell=True)
                order.end(self._ended(order, ""), at)
                order.urgent = True

    # -- inside: what happened ---------------------------------------------------------------

    def _take_pushed(self) -> None:
        if self.inbox is None:
            return
        for event in self.inbox.drain():
            match event:
                case OwnOrder():
                    self._order(event)
                case OwnTrade():
                    self._trade(event)
                case MayBeMissing():
                    self._must_look, self._pause = True, Duration(0)

    def _due(self, at: Micros) -> bool:
        if not self._orders and not self.book.open_trades:
            return False
        since = at - self._looked
        urgent = any(
            order.urgent or order.doubtful or order.over is not None or order.expires_at <= at
            for order in self._orders.values()
        )
        calm = self.pace.without_stream if self.inbox is None else self.pace.calm
        if self.book.open_trades:
            calm = min(calm, self.pace.settling)
        pause = min(self._pause, self.pace.calm) if urgent or self._must_look else calm
        return since >= pause or since < 0

    def _look(self, at: Micros) -> None:
        """Read how orders stand and what has traded; what fails is read the next time."""
        self._looked, known = at, len(self._facts)
        self._pause = Duration(max(self.pace.urgent, 2 * self._pause))
        before = list(self._orders.values())
        try:
            self._read_orders(at)
            complete = self._read_trades()
        except _FAILURES as e:
            self._say(f"orders cannot be read: {e}")
            return
        if complete:
            self._must_look, self._read_at = False, at
        if len(self._facts) > known:
            self._pause = self.pace.urgent
        for order in before:
            if complete and order.over is None and order.accounted >= order.there:
                order.since = max(order.since, Micros(at - OVERLAP))
        self._send_again(at)

    def _read_orders(self, at: Micros) -> None:
        """Read how orders stand: all that rest at once, then some one by one."""
        seen: set[str] = set()
        resting = [order for order in self._orders.values() if order.over is None]
        if len(resting) > self.pace.searches // 2:
            found, _ = self._walk(lambda c: parse_orders(self.reads.open_orders(cursor=c)))
            for row in found:
                seen.add(row.order)
                self._order(row)
        unsealed = [o for o in self._orders.values() if o.order and not o.sealed]
        asked = [o for o in unsealed if o.over is not None or o.order not in seen]
        for order in sorted(asked, key=lambda o: o.looked_at)[: self.pace.searches]:
            self._search(order, at)

    def _search(self, order: TrackedOrder, at: Micros) -> None:
        order.looked_at = at
        rows, _ = parse_orders(self.reads.open_orders(order=order.order))
        mine = [row for row in rows if row.order == order.order]
        order.unseen = 0 if mine else order.unseen + 1
        for row in mine:
            self._order(row)

    def _read_trades(self) -> bool:
        """Read what has traded and how trades settled; tell whether that was all of it."""
        seen: set[str] = set()
        complete = True
        if self._orders:
            since = min(order.since for order in self._orders.values()) - OVERLAP
            after = (("after", str(max(0, since // SECOND))),)
            found, complete = self._walk(
                lambda c: parse_trades(self.reads.own_trades(after, cursor=c))
            )
            for trade in sorted(found, key=lambda t: (t.at, t.trade)):
                seen.add(trade.trade)
                self._trade(trade)
        self._follow_up([t for t in self.book.open_trades if t not in seen])
        if not complete:
            self._say("the list of our trades does not come to an end")
        return complete

    def _follow_up(self, trades: Sequence[str]) -> None:
        """Ask for some trades by name, others the next time."""
        count = min(len(trades), self.pace.searches)
        for step in range(count):
            name = trades[(self._turn + step) % len(trades)]
            found, _ = parse_trades(self.reads.own_trades((("id", name),)))
            for trade in found:
                self._trade(trade)
        self._turn += count

    def _walk(self, page: Callable[[str], tuple[tuple[_T, ...], str]]) -> tuple[list[_T], bool]:
        """Return the entries of a list and whether it came to its end."""
        found: list[_T] = []
        cursor, cursors = "", set[str]()
        for _ in range(_PAGES_MAX):
            entries, cursor = page(cursor)
            found += entries
            if not cursor or cursor in cursors:
                break
            cursors.add(cursor)
        return found, not cursor

    def _order(self, there: OwnOrder) -> None:
        order = self._by_venue.get(there.order)
        if order is None:
            return
        self._found(order, tell=True)
        matched = self._possible(order, there.matched)
        order.there = max(order.there, matched or Size(0))
        if order.accounted < order.there:
            # A trade has not come yet: it may be older than what is read by now.
            order.since = order.created_at
        match there.standing:
            case Standing.RESTING:
                # A list may be late: what is over stays over, and a cancel is waited for.
                order.urgent = order.cancelling or order.accounted < order.there
            case Standing.CANCELLED | Standing.FILLED:
                order.end(self._ended(order, there.reason), self._now)
                # Orders that were killed are told without sizes: that says nothing.
                order.sealed = order.sealed or matched is not None
            case Standing.UNCLEAR:
                order.urgent = True

    def _possible(self, order: TrackedOrder, told: Size | None) -> Size | None:
        """Return what is told to have traded, None where no order could trade so much."""
        if told is None or told <= order.size:
            return told
        self._say(f"{order.intent}: more is told to have traded than was asked for")
        return None

    def _ended(self, order: TrackedOrder, reason: str) -> str:
        """Return a word for why an order is over."""
        if order.style is Style.TAKER:
            return NOTHING_MORE
        known = self.listing(order.market)
        closes = None if known is None else known.market.close_at
        if closes is not None and closes <= self._now:
            return "market_closed"
        if order.expires_at <= self._now:
            return "expired"
        return "cancelled" if order.cancelling else reason.lower() or "ended_at_the_venue"

    def _trade(self, trade: OwnTrade) -> None:
        for name in dict.fromkeys([trade.taker_order, *(leg.order for leg in trade.legs)]):
            fill = fill_id(trade.trade, name)
            order = self._by_venue.get(name) or self._past.get(name)
            if self.book.knows(fill):
                self._tell(self.book.step(fill, trade.status), order)
            elif order is not None:
                self._new_fill(order, trade)
        if self.book.contradictions:
            self.book.contradictions = 0
            self._say(f"trade {trade.trade} was told to have settled and to have failed")

    def _new_fill(self, order: TrackedOrder, trade: OwnTrade) -> None:
        self._terms(order)
        if order.tokens is None or order.fees is None:
            self._say(f"{order.intent}: it traded, and nothing is known of its market yet")
            return
        taking = trade.taker_order == order.order
        leg = (
            taker_leg(trade, *order.tokens)
            if taking
            else maker_leg(trade, order.order, *order.tokens)
        )
        if leg is None:
            self._say(f"{order.intent}: trade {trade.trade} is about another market")
            return
        side = side_of(order.purpose)
        worse = leg.price > order.price if side is OrderSide.BUY else leg.price < order.price
        if worse:
            self._say(f"{order.intent}: trade {trade.trade} is beyond our limit")
        # A trade proves its order: say so first.
        self._found(order, tell=True)
        order.told[leg.fill] = leg.size
        if order.accounted > order.size:
            self._say(f"{order.intent}: more has traded than was asked for")
        self._tell(self.book.news(self._filled(order, leg, trade), trade.status), order)

    def _filled(self, order: TrackedOrder, leg: OwnLeg, trade: OwnTrade) -> Filled:
        assert order.fees is not None  # noqa: S101 - says to the type checker what the caller saw
        return Filled(
            intent=order.intent,
            fill=leg.fill,
            price=leg.price,
            size=leg.size,
            cost=leg.cost,
            fee=fee_of(order.fees, leg, side_of(order.purpose)),
            liquidity=leg.liquidity,
            at=trade.at,
            provisional=True,
        )

    def _tell(self, facts: Iterable[Fact], order: TrackedOrder | None) -> None:
        for fact in facts:
            self._facts.append(fact)
            family = self._intents.get(fact.intent)
            failed = isinstance(fact, Reversed)
            settled = isinstance(fact, Settled) or (
                isinstance(fact, Filled) and not fact.provisional
            )
            if family is not None and (failed or settled):
                self.guard.note(family, self._now, failed=failed)
            if failed and order is not None and order.over is None:
                # What was undone must not work again, and the venue might let it.
                order.cancelling = order.urgent = True

    def _close(self, at: Micros) -> None:
        """Let go of orders that are over and wholly told; tell what of them did not trade."""
        for order in list(self._orders.values()):
            if order.accounted >= order.size:
                order.end("filled", at)
                order.sealed = True
            if not order.wholly_told(at, read_at=self._read_at):
                continue
            if order.accounted < order.size:
                self._facts.append(Cancelled(order.intent, order.over or NOTHING_MORE))
            self._finish(order)

    def _give_up(self, at: Micros) -> None:
        # Whether such an order ever was is for the reconciliation to prove.
        for order in list(self._orders.values()):
            if order.doubtful and at > order.over_by + self.pace.forget:
                self._say(f"{order.intent} was not found; the account has to tell")
                # Its bytes are of no more use to us; who finds them could send them.
                self._finish(order)

    def _send_again(self, at: Micros) -> None:
        """Send the same bytes once more where that can do no harm and settles a doubt."""
        for order in list(self._orders.values()):
            repeatable = (
                order.doubtful
                and order.letter is not None
                and order.unseen > 1
                and not order.told
                and not order.cancelling
                and at < order.expires_at
                and order.posts < self.pace.posts
            )
            rests = order.style is Style.MAKER
            if repeatable and self.mode.refuses(rests=rests) is None:
                order.posts, order.unseen = order.posts + 1, 0
                self._settle_doubt(order, self._post(order), at)

    def _settle_doubt(self, order: TrackedOrder, judged: Judged, at: Micros) -> None:
        # That it is refused now does not prove that it was not taken before.
        if isinstance(judged, Rejected | Unknown):
            return
        self._found(order, tell=True)
        order.urgent, self._pause = True, Duration(0)
        if not isinstance(judged, Landed):
            self._arrived(order, judged, at)

    # -- inside: names -----------------------------------------------------------------------

    def _found(self, order: TrackedOrder, *, tell: bool) -> None:
        if order.doubtful:
            order.doubtful = False
            if tell:
                self._facts.append(Confirmed(order.intent, order.order))

    def _terms(self, order: TrackedOrder) -> None:
        """Learn tokens and fees of an order's market, once it is known."""
        known = self.listing(order.market) if order.tokens is None else None
        if known is not None:
            order.tokens = tokens_of(known, order.leg)
            order.fees = known.market.fees

    def _told(self, order: TrackedOrder, fill: str, *, provisional: bool, undone: bool) -> None:
        self.book.told(fill, order.intent, provisional=provisional, undone=undone)
        _keep(self._intents, order.intent, order.family, _SENT_KEPT)

    def _add(self, order: TrackedOrder) -> None:
        self._orders[order.intent] = order
        _keep(self._intents, order.intent, order.family, _SENT_KEPT)
        if order.order:
            self._by_venue[order.order] = order

    def _pass(self, order: TrackedOrder) -> None:
        """Follow an order no longer, but know it if something of it is told late."""
        self._orders.pop(order.intent, None)
        self._by_venue.pop(order.order, None)
        order.letter = None
        if order.order:
            _keep(self._past, order.order, order, _PAST_KEPT)

    def _finish(self, order: TrackedOrder) -> None:
        self._pass(order)
        if order.order:
            self._drop_letter(order.order)

    def _drop(self, order: TrackedOrder) -> None:
        order.doubtful = False
        self._finish(order)

    def _letters(self) -> tuple[Letter, ...]:
        try:
            return self.outbox.letters()
        except OutboxError as e:
            self.complain(str(e))
            return ()

    def _drop_letter(self, order: str) -> None:
        try:
            self.outbox.drop(order)
        except OutboxError as e:
            self._say(str(e))

    def _remember(self, intent: str) -> None:
        _keep(self._sent, intent, None, _SENT_KEPT)

    def _say(self, line: str) -> None:
        """Complain; the same again only after a while."""
        last = self._said.get(line)
        if last is None or not 0 <= self._now - last < _SAY_AGAIN:
            _keep(self._said, line, self._now, _SHAPED_KEPT)
            self.complain(line)


def cancel_everything(rest: PolymarketRest) -> str | None:
    """Cancel all orders of the account, for whoever has a client and no desk.

    Returns None once the venue has taken the request, else one line saying why nobody can tell.
    """
    try:
        cancelled(rest.cancel_all())
    except _FAILURES as e:
        return f"cancelling everything is not proven: {e}"
    return None


def canceller(rest: PolymarketRest, complain: Callable[[str], None] = say_nothing) -> CancelAll:
    """Return what the kill switch does, with a client of its own and without any key."""

    def cancel_all(_: Micros) -> bool:
        problem = cancel_everything(rest)
        if problem is not None:
            complain(problem)
        return problem is None

    return cancel_all


def _keep(kept: OrderedDict[str, _T], key: str, value: _T, most: int) -> None:
    kept[key] = value
    if len(kept) > most:
        kept.popitem(last=False)
