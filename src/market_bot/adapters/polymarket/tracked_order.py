"""An order of ours from its sending until everything about it is told."""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.core.domain.market import FeeSchedule, Leg
from market_bot.core.domain.numbers import NEVER, NOTHING, SECOND, Duration, Micros, Price, Size
from market_bot.core.domain.orders import Order, OrderState, Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.outbox import Letter

from .orders import order_over_by, over_by

SEALING: Final = Duration(15 * SECOND)
"""Trades of an order that is over are all in the list of trades after so long."""


@attrs.define(eq=False, kw_only=True)
class TrackedOrder:
    """Mutable, owned by the desk's thread.

    Args:
        intent: our name of it.
        order: the venue's, known before it was sent.
        market: the condition id.
        size: what it is about in the journal.
        over_by: after this moment it trades no more, whatever became of it.
        since: from when on trades are read.
        letter: what may be sent again; None if nothing may.
        doubtful: whether nobody has seen it at the venue.
        told: fills that are told, with their sizes; undone ones keep theirs.
        undone_before: what was undone before this process.
        there: what the venue says has traded, trades that failed included.
        over: why nothing more will trade, None while something may.
        over_at: since when that is known.
        sealed: whether ``there`` is all that has ever traded.
        unseen: complete searches that did not find it.

    """

    intent: str
    order: str
    market: str
    family: str
    leg: Leg
    purpose: Purpose
    style: Style
    size: Size
    price: Price
    created_at: Micros
    expires_at: Micros
    over_by: Micros
    since: Micros
    tokens: tuple[str, str] | None = None
    fees: FeeSchedule | None = None
    letter: Letter | None = None
    doubtful: bool = False
    told: dict[str, Size] = attrs.field(factory=dict)
    undone_before: Size = NOTHING
    there: Size = NOTHING
    over: str | None = None
    over_at: Micros = NEVER
    sealed: bool = False
    urgent: bool = False
    cancelling: bool = False
    cancel_at: Micros = NEVER
    cancel_wait: Duration = Duration(0)
    looked_at: Micros = NEVER
    unseen: int = 0
    posts: int = 1

    @property
    def accounted(self) -> Size:
        """What has traded and is told, undone or not."""
        return Size(self.undone_before + sum(self.told.values()))

    def end(self, why: str, at: Micros) -> None:
        """Take that nothing more will trade; the first reason stands."""
        if self.over is None:
            self.over, self.over_at = why, at

    def wholly_told(self, at: Micros, *, read_at: Micros) -> bool:
        """Tell whether it is over and nothing of it is missing.

        Args:
            at: the present moment.
            read_at: when the list of trades was last read to its end.

        """
        if self.over is None or self.accounted < self.there:
            return False
        return self.sealed or (at >= read_at >= self.over_at + SEALING)


def sent_order(intent: Intent, order: str, at: Micros, letter: Letter) -> TrackedOrder:
    """Return what is known of an order that is about to be sent."""
    draft, signal = intent.draft, intent.draft.signal
    return TrackedOrder(
        intent=intent.id,
        order=order,
        market=signal.market,
        family=draft.family,
        leg=signal.leg,
        purpose=signal.purpose,
        style=signal.style,
        size=draft.size,
        price=signal.price,
        created_at=at,
        expires_at=intent.expires_at,
        over_by=over_by(signal.purpose, signal.style, intent.expires_at, at),
        since=at,
        letter=letter,
    )


def adopted_order(order: Order, letter: Letter | None) -> TrackedOrder:
    """Return what the journal knows of an order of an earlier process.

    Only what reduces may be sent again: what once spoke for opening a position is old.
    """
    may_repeat = letter is not None and order.purpose is Purpose.EXIT
    return TrackedOrder(
        intent=order.intent,
        order=order.venue_order or (letter.order if letter is not None else ""),
        market=order.market,
        family=order.family,
        leg=order.leg,
        purpose=order.purpose,
        style=order.style,
        size=order.size,
        price=order.price,
        created_at=order.created_at,
        expires_at=order.expires_at,
        over_by=order_over_by(order),
        since=order.created_at,
        letter=letter if may_repeat else None,
        doubtful=order.state is not OrderState.ACCEPTED,
        told={fill.id: fill.size for fill in order.fills},
        undone_before=order.undone,
        urgent=True,
    )
