"""A sink that keeps what it is given, and insists on the order every sink may rely on."""

from collections import Counter
from collections.abc import Mapping
from copy import deepcopy

from market_bot.core.domain.book import Book, Side
from market_bot.core.domain.market import Market, MarketStatus
from market_bot.core.domain.numbers import Micros, Price, Size
from market_bot.core.ports.market_data import Sink


class FactSink(Sink):
    """Keeps facts as tuples ``(kind, received, …)`` and the books they make."""

    def __init__(self, *, keep: bool = True) -> None:
        self.facts: list[tuple[object, ...]] = []
        self.markets: dict[str, Market] = {}
        self.books: dict[str, Book] = {}
        self.kinds: Counter[str] = Counter()
        self.crossed = 0
        self._keep = keep
        self._now = Micros(0)

    def of(self, kind: str) -> list[tuple[object, ...]]:
        """Return the facts of one kind, without the kind."""
        return [fact[1:] for fact in self.facts if fact[0] == kind]

    def meta(self, market: Market, received: Micros) -> None:
        self.markets[market.id] = market
        self._take("meta", received, market.id)

    def book(
        self,
        market: str,
        bids: Mapping[Price, Size],
        asks: Mapping[Price, Size],
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        book = self._book(market)
        book.replace(dict(bids), dict(asks), received)
        self.crossed += book.crossed
        self._take("book", received, market, dict(bids), dict(asks), exchange)

    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        assert size >= 0
        book = self._book(market)
        assert book.whole, f"a delta for {market}, whose book is not whole"
        set_level = book.set_bid if side is Side.BID else book.set_ask
        set_level(price, size, received)
        self.crossed += book.crossed
        self._take("delta", received, market, side, price, size, exchange)

    def trade(
        self,
        market: str,
        taker: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        assert market in self.markets
        self._take("trade", received, market, taker, price, size, exchange)

    def reference(self, name: str, value: str, received: Micros, exchange: Micros | None) -> None:
        self._take("reference", received, name, value, exchange)

    def status(self, market: str, status: MarketStatus, received: Micros) -> None:
        assert market in self.markets
        self._take("status", received, market, status)

    def resolution(self, market: str, yes_payout: Price, received: Micros) -> None:
        assert market in self.markets
        self._take("resolution", received, market, yes_payout)

    def gap(self, market: str, reason: str, received: Micros) -> None:
        for name, book in self.books.items():
            if market in ("", name):
                book.lose()
        self._take("gap", received, market, reason)

    def snapshot(self, market: str) -> tuple[dict[Price, Size], dict[Price, Size]]:
        """Return a copy of a market's levels."""
        book = self._book(market)
        return deepcopy(book.bids), deepcopy(book.asks)

    def _book(self, market: str) -> Book:
        assert market in self.markets, f"a fact about {market} before its meta"
        return self.books.setdefault(market, Book())

    def _take(self, kind: str, received: Micros, *rest: object) -> None:
        assert received >= self._now, "receive time stepped back"
        self._now = received
        self.kinds[kind] += 1
        if self._keep:
            self.facts.append((kind, received, *rest))
