"""A sink that remembers what it was told, and the telling of such facts to another sink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Market, MarketStatus
from market_bot.core.domain.numbers import Micros, Price, Size
from market_bot.core.ports.market_data import Sink

Fact = tuple[Any, ...]


class RecordingSink(Sink):
    """Keeps every call as (method, *arguments) in `facts`."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def meta(self, market: Market, received: Micros) -> None:
        self.facts.append(("meta", market, received))

    def book(
        self,
        market: str,
        bids: Mapping[Price, Size],
        asks: Mapping[Price, Size],
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        self.facts.append(("book", market, dict(bids), dict(asks), received, exchange))

    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        self.facts.append(("delta", market, side, price, size, received, exchange))

    def trade(
        self,
        market: str,
        taker: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        self.facts.append(("trade", market, taker, price, size, received, exchange))

    def reference(self, name: str, value: str, received: Micros, exchange: Micros | None) -> None:
        self.facts.append(("reference", name, value, received, exchange))

    def status(self, market: str, status: MarketStatus, received: Micros) -> None:
        self.facts.append(("status", market, status, received))

    def resolution(self, market: str, yes_payout: Price, received: Micros) -> None:
        self.facts.append(("resolution", market, yes_payout, received))

    def gap(self, market: str, reason: str, received: Micros) -> None:
        self.facts.append(("gap", market, reason, received))


def tell(facts: list[Fact], sink: Sink) -> None:
    """Repeat facts to a sink that has all the methods they name (a tape's `tick` included)."""
    for method, *arguments in facts:
        getattr(sink, method)(*arguments)
