"""Watch the account: read it beside the lane, and compare it with the lane's journal at a tick.

Reading takes seconds and has its own thread; the latest picture waits in a slot. The lane takes
it at a tick, so that what is learnt is part of its chain at a place that can be derived again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import NOT_COMPARED, LaneState, apply
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    HOUR,
    NEVER,
    NO_MONEY,
    SECOND,
    Duration,
    Micros,
    Money,
    Size,
)
from market_bot.core.domain.orders import OrderState
from market_bot.core.domain.portfolio import VenueCapabilities
from market_bot.core.ports.account import Account, AccountPicture
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.execution import Fact
from market_bot.core.usecases.reconcile import PROTECTED, Comparison, cash_of, compare

EVERY: Final = Duration(15 * SECOND)
AGREES_FOR: Final = Duration(60 * SECOND)
"""How long a comparison that agreed is fresh enough to arm by."""

_STRIKES: Final = 2
_OVERLAP: Final = Duration(600 * SECOND)
_SETTLING: Final = Duration(600 * SECOND)
_ACCEPTS_FOR: Final = Duration(60 * SECOND)
_DIFFERENCES_MAX: Final = 20
_TEXT_MAX: Final = 300
_IN_DOUBT: Final = frozenset({OrderState.INTENDED, OrderState.UNKNOWN})


@attrs.frozen
class Look:
    """The account as it was read; ``began`` is when the reading did."""

    began: Micros
    picture: AccountPicture


@attrs.define(eq=False)
class AccountSlot:
    """Holds the latest look; one thread puts, another takes."""

    _latest: Look | None = attrs.field(default=None, init=False)

    def put(self, look: Look) -> None:
        """Replace what is there."""
        self._latest = look

    def take(self) -> Look | None:
        """Return what is there, once; None if nothing new was put."""
        look, self._latest = self._latest, None
        return look


@attrs.define(eq=False)
class WatchAccount(Actor):
    """Reads the account again and again.

    Args:
        account: where; owned by this actor's thread, with a client of its own.
        venue: for the name of the thread.
        state: returns the lane's present state; a state never changes, so that any thread may ask.
        slot: where looks go.
        every: how far apart looks begin.

    """

    account: Account
    venue: str
    state: Callable[[], LaneState]
    slot: AccountSlot
    every: Duration = EVERY
    _since: Micros | None = attrs.field(default=None, init=False)

    @property
    def name(self) -> str:
        """What to call it."""
        return f"{self.venue}/account"

    def step(self, now: Micros) -> Micros | None:
        """Read the account; see `Actor.step`."""
        state = self.state()
        since = self._since
        if since is None or since > now:
            since = _earliest(state, now)
        picture = self.account.look(Micros(max(NEVER, since)), in_doubt(state, now))
        if not picture.missing:
            self._since = Micros(now - _OVERLAP)
        self.slot.put(Look(now, picture))
        return Micros(now + self.every)

    def stop(self, now: Micros, reason: str) -> None:
        """Nothing has to be closed."""


def in_doubt(state: LaneState, now: Micros) -> tuple[str, ...]:
    """Return the orders that are to be looked for one by one: never seen, or over by their time."""
    return tuple(
        order.intent
        for order in state.orders.values()
        if order.state.live and (order.state in _IN_DOUBT or order.expires_at <= now)
    )


def _earliest(state: LaneState, now: Micros) -> Micros:
    """Return from when on fills may be unknown to a lane that has just been opened."""
    orders = [order.created_at for order in state.orders.values()]
    # Whatever was finished may have traded unseen shortly before the process before this ended.
    last = max([*state.last_entry.values(), *state.last_exit.values(), state.reconciled_at])
    known = last if last > NEVER else now
    return Micros(min([*orders, known, now]) - _OVERLAP)


@attrs.define(eq=False)
class CompareAccount:
    """Compares the lane with each look at its account; owned by the lane's thread.

    At the start one disagreement keeps entries closed; later it takes two in a row to close them,
    because lists of a venue are not all of the same moment. Nothing is concluded from a picture
    with a part missing, and one that stays away counts as a disagreement.

    Args:
        slot: where looks come from.
        abilities: how the venue counts pairs and the money of waiting orders.
        learn: told the facts found out here, so that the desk does not tell them again.
        every: how far apart looks begin.
        agreed_at: when lane and account were last found to agree.
        seen: the latest comparison, for people.

    """

    slot: AccountSlot
    abilities: VenueCapabilities
    learn: Callable[[Iterable[Fact]], None] = lambda _: None
    every: Duration = EVERY
    agreed_at: Micros = attrs.field(default=NEVER, init=False)
    seen: Comparison | None = attrs.field(default=None, init=False)
    account: str = attrs.field(default="", init=False)
    _looked_at: Micros | None = attrs.field(default=None, init=False)
    _strikes: int = attrs.field(default=0, init=False)
    _accepts: bool = attrs.field(default=False, init=False)
    _accepted_at: Micros | None = attrs.field(default=None, init=False)
    _told_at: Micros = attrs.field(default=NEVER, init=False)

    def accept_cash(self) -> None:
        """Take the account as it is at the next comparison that shows it; from any thread.

        A person has said so of what is there now: after a minute that is no longer true.
        """
        self._accepts = True

    def __call__(self, state: LaneState, now: Micros) -> Sequence[Fact | ev.Event]:
        """Return what the lane has to learn, and what was found if that is news."""
        if self._accepts:
            self._accepts, self._accepted_at = False, now
        look = self.slot.take()
        if look is None:
            return self._missed(state, now)
        self._looked_at, self.account = now, look.picture.account
        moving = moving_in(state, look.began)
        adopted = self._adopted(state, look.picture, moving, now)
        before, state = state, state if adopted is None else apply(state, adopted, now)
        found = compare(state, look.picture, self.abilities, now, moving)
        self.seen = found
        why = _why(found, look.picture)
        self._strikes = self._strikes + 1 if why else 0
        if not why:
            self.agreed_at = now
        elif state.unreconciled is None and self._strikes < _STRIKES:
            # Once is not enough; but what is certain is learnt all the same.
            why = ""
        self.learn(found.facts)
        event = _event(look.picture, found, why, adopted)
        return [*found.facts, *self._news(before, event, now)]

    def _missed(self, state: LaneState, now: Micros) -> Sequence[ev.Event]:
        """Tell once that the account has not been read for too long."""
        since = self._looked_at
        if since is None or since > now:
            self._looked_at = now
            return ()
        limit = max(4 * self.every, AGREES_FOR)
        if not state.live or state.unreconciled is not None or now - since <= limit:
            return ()
        why = f"the account has not been read for {(now - since) // SECOND} s"
        self._told_at = now
        return (ev.Reconciled(account=self.account, complete=False, stops=why),)

    def _adopted(
        self, state: LaneState, picture: AccountPicture, moving: Collection[str], now: Micros
    ) -> ev.Reconciled | None:
        """Return what is taken from the account as it is, None if nothing is.

        At the very first look that is all of its money. Later it takes a person's word, and then
        what is held no longer is gone, too: for the money that came in, but never with a gain.
        """
        first = state.reconciled_at == NEVER and not state.deposits
        at = self._accepted_at
        accepts = at is not None and 0 <= now - at <= _ACCEPTS_FOR
        if picture.missing or moving or state.orders or not (first or accepts):
            return None
        self._accepted_at = None
        less = compare(state, picture, self.abilities, now).less
        extra = Money(picture.cash - cash_of(state, (), self.abilities))
        gone = tuple(_written_off(state, less, extra))
        rest = Money(extra - sum(one.proceeds for one in gone))
        return ev.Reconciled(account=picture.account, complete=True, adopted=rest, written_off=gone)

    def _news(self, state: LaneState, event: ev.Reconciled, now: Micros) -> Sequence[ev.Reconciled]:
        """Return the result if it is another one, or an hour has passed."""
        before = (state.unreconciled or "", state.external_orders, dict(state.external))
        external = {theirs.market: theirs.cost for theirs in event.external}
        after = (event.stops, event.external_orders, external)
        if not event.complete:
            after = (event.stops, *before[1:])
        due = event.complete and not 0 <= now - self._told_at < HOUR
        if before == after and not event.adopted and not event.written_off and not due:
            return ()
        self._told_at = now
        return (event,)


def moving_in(state: LaneState, began: Micros) -> frozenset[str]:
    """Return the markets whose positions a look that began then need not show as they are."""
    latest = dict(state.last_entry)
    for market, at in state.last_exit.items():
        latest[market] = max(at, latest.get(market, NEVER))
    return frozenset(
        market
        for market, at in latest.items()
        if at > began - (_SETTLING if market in state.ended else PROTECTED)
    )


def _why(found: Comparison, picture: AccountPicture) -> str:
    """Return why nothing may be opened after a comparison, "" if nothing stands against it."""
    if not found.complete:
        return f"the account could not be read: {picture.missing[0]}"[:_TEXT_MAX]
    if not found.differences:
        return ""
    more = len(found.differences) - 1
    return found.differences[0][:_TEXT_MAX] + (f", and {more} more" if more else "")


def _written_off(
    state: LaneState, less: Mapping[tuple[str, Leg], Size], extra: Money
) -> Iterator[ev.WrittenOff]:
    """Yield what is gone, with its share of the money that came in besides."""
    left = max(0, extra)
    for (market, leg), size in less.items():
        held = state.position(market, leg)
        if held is None:
            continue
        proceeds = min(left, held.cost * size // held.size)
        left -= proceeds
        yield ev.WrittenOff(market, leg, size, Money(proceeds))


def _event(
    picture: AccountPicture, found: Comparison, why: str, adopted: ev.Reconciled | None
) -> ev.Reconciled:
    return ev.Reconciled(
        account=picture.account,
        complete=found.complete,
        stops=why,
        cash=picture.cash if found.complete else None,
        adopted=NO_MONEY if adopted is None else adopted.adopted,
        written_off=() if adopted is None else adopted.written_off,
        differences=tuple(line[:_TEXT_MAX] for line in found.differences[:_DIFFERENCES_MAX]),
        external_orders=found.external_orders,
        external=tuple(ev.External(market, cost) for market, cost in found.external.items()),
    )


__all__ = [
    "AGREES_FOR",
    "EVERY",
    "NOT_COMPARED",
    "AccountSlot",
    "CompareAccount",
    "Look",
    "WatchAccount",
    "in_doubt",
    "moving_in",
]
