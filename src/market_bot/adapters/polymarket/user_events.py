"""Pushed news of our own orders and trades, in the terms of the polled ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

import attrs

from market_bot.core.ports.account import Standing

from .own_records import WORDS, OwnOrder, OwnTrade, TradeLeg
from .parse_own import standing_of
from .user_messages import Missed, OrderKind, OrderPush, TradePush, UserEvent


@attrs.frozen
class MayBeMissing:
    """Something may not have been told: the lists have to be read."""

    reason: str


OwnEvent = OwnOrder | OwnTrade | MayBeMissing


class UserInbox(Protocol):
    """Pushed news; another thread fills it."""

    @abstractmethod
    def drain(self) -> Sequence[OwnEvent]:
        """Return what has come since the last call, in order; never waits, never raises."""


class Pushes(Protocol):
    """Where messages of the user channel come from; `user_stream.UserStream` is one."""

    @abstractmethod
    def drain(self) -> Sequence[UserEvent]:
        """Return what has come since the last call, in order; never waits, never raises."""


@attrs.frozen
class UserEvents(UserInbox):
    """Messages of the user channel in the terms of the polled lists.

    Args:
        stream: where they come from.

    """

    stream: Pushes

    def drain(self) -> Sequence[OwnEvent]:
        return [own_event(event) for event in self.stream.drain()]


def own_event(event: UserEvent) -> OwnEvent:
    """Return what a message says, in the terms of the polled lists."""
    match event:
        case OrderPush():
            return _order(event)
        case TradePush():
            return _trade(event)
        case Missed(reason=reason):
            return MayBeMissing(reason)


def _order(push: OrderPush) -> OwnOrder:
    standing = standing_of(push.status) if push.status else Standing.RESTING
    if push.kind is OrderKind.CANCELLATION:
        standing = Standing.CANCELLED
    elif push.matched is not None and push.original is not None and push.matched >= push.original:
        standing = Standing.FILLED
    elif standing is Standing.FILLED:
        # Of an order that has matched in part, the rest may still wait.
        standing = Standing.UNCLEAR
    return OwnOrder(
        order=push.order.lower(),
        market=push.market,
        token=push.token,
        side=push.side,
        size=push.original,
        matched=push.matched,
        standing=standing,
        reason=push.status,
        outcome=push.outcome,
    )


def _trade(push: TradePush) -> OwnTrade:
    return OwnTrade(
        trade=push.trade,
        status=WORDS[push.status.value],
        market=push.market,
        taker_order=push.taker_order.lower(),
        token=push.token,
        side=push.side,
        price=push.price,
        size=push.size,
        legs=tuple(
            TradeLeg(
                order=leg.order.lower(),
                owner=leg.owner,
                token=leg.token,
                side=leg.side,
                price=leg.price,
                size=leg.size,
            )
            for leg in push.legs
        ),
        at=push.matched_at or push.updated_at or push.at or push.received,
        taker_is_us=push.taker,
    )
