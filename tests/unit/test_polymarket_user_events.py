"""Pushed news in the terms of the polled lists."""

from __future__ import annotations

from typing import Any

import pytest

from market_bot.adapters.polymarket.amounts import OrderSide
from market_bot.adapters.polymarket.budgets import RATES, Budget, Rate, exhausted, share
from market_bot.adapters.polymarket.own_records import OwnOrder, OwnTrade
from market_bot.adapters.polymarket.own_records import TradeStatus as Status
from market_bot.adapters.polymarket.user_events import MayBeMissing, UserEvents, own_event
from market_bot.adapters.polymarket.user_messages import (
    MakerLeg,
    Missed,
    OrderKind,
    OrderPush,
    TradePush,
    TradeStatus,
    UserEvent,
)
from market_bot.core.domain.numbers import SECOND, Micros, price, size
from market_bot.core.ports.account import Standing

AT = Micros(5)


def an_order(**changes: Any) -> OrderPush:
    """Return an order as it is pushed."""
    told: dict[str, Any] = {
        "order": "0xAB",
        "market": "m",
        "token": "1",
        "kind": OrderKind.UPDATE,
        "side": OrderSide.BUY,
        "price": price("0.5"),
        "original": size("10"),
        "matched": size("4"),
        "received": AT,
    }
    return OrderPush(**told | changes)


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({}, Standing.RESTING),
        ({"status": "LIVE", "kind": OrderKind.PLACEMENT}, Standing.RESTING),
        ({"matched": size("10")}, Standing.FILLED),
        ({"status": "MATCHED"}, Standing.UNCLEAR),
        ({"status": "DELAYED"}, Standing.UNCLEAR),
        ({"kind": OrderKind.CANCELLATION, "matched": None}, Standing.CANCELLED),
        ({"kind": OrderKind.CANCELLATION, "status": "LIVE"}, Standing.CANCELLED),
        ({"status": "CANCELED_EXPIRED_ORDER"}, Standing.CANCELLED),
    ],
)
def test_what_a_pushed_order_says(changes: dict[str, Any], standing: Standing) -> None:
    """It is over only if the message says so, or nothing of it is left."""
    found = own_event(an_order(**changes))

    assert isinstance(found, OwnOrder)
    assert ("0xab", standing) == (found.order, found.standing)


def test_what_a_pushed_trade_says() -> None:
    """Every state has its counterpart, and every leg is there."""
    leg = MakerLeg(
        order="0xCD",
        owner="o",
        maker="w",
        token="2",
        side=OrderSide.BUY,
        price=price("0.4"),
        size=size("3"),
    )
    for status in TradeStatus:
        push = TradePush(
            trade="t",
            status=status,
            market="m",
            token="1",
            side=OrderSide.BUY,
            price=price("0.6"),
            size=size("3"),
            taker_order="0xAB",
            legs=(leg,),
            at=None,
            received=AT,
        )
        found = own_event(push)
        assert isinstance(found, OwnTrade)
        assert (Status(status.value), AT, "0xab") == (found.status, found.at, found.taker_order)
        assert [("0xcd", "2", price("0.4"))] == [(o.order, o.token, o.price) for o in found.legs]


def test_a_stream_that_may_have_missed_something() -> None:
    """It is handed on in its place."""

    class Pushes:
        def drain(self) -> list[UserEvent]:
            return [an_order(), Missed(reason="lost", received=AT)]

    first, second = UserEvents(Pushes()).drain()

    assert isinstance(first, OwnOrder)
    assert MayBeMissing("lost") == second


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Poly-RateLimit-Remaining": "3", "Poly-RateLimit-Reset": "9"}, None),
        ({"Poly-RateLimit-Remaining": "0", "Poly-RateLimit-Reset": "9"}, 9),
        ({"poly-ratelimit-remaining": "0", "poly-ratelimit-reset": "1792497600"}, 1),
        ({"Poly-RateLimit-Remaining": "0"}, 1),
        ({"Poly-RateLimit-Remaining": "0", "Poly-RateLimit-Reset": "soon"}, 1),
    ],
)
def test_what_the_venue_says_of_its_limits(headers: dict[str, str], seconds: int | None) -> None:
    """Used up means waiting for as long as it says, where that makes sense."""
    assert (None if seconds is None else seconds * SECOND) == exhausted(headers)


def test_clients_of_one_signer_share_its_limits() -> None:
    """Each has a part, and never nothing."""
    part = share(RATES, {Budget.WRITES: (1, 4), Budget.REFRESHES: (1, 100)})

    assert Rate(5, 7) == part[Budget.WRITES]
    assert Rate(1, 1) == part[Budget.REFRESHES]
    assert RATES[Budget.READS] == part[Budget.READS]
