"""A whole Polymarket on loopback that goes by the real clock, and homes that trade there."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from market_bot.adapters.polymarket.contracts import CONTRACTS, exchange_of
from market_bot.adapters.storage.home import Home
from market_bot.config.defaults import default_files

from .fake_polymarket import Answer
from .fake_polymarket_engine import Engine, Market, Order, Trade, order_row, trade_row, units
from .fake_polymarket_engine import text as decimal
from .fake_polymarket_exchange import ExchangePolymarket, ok
from .fake_polymarket_records import (
    KEY,
    Record,
    a_book,
    a_group,
    a_market,
    an_event,
    condition,
    token,
)
from .fake_polymarket_streams import StreamServer, now_ms

LIKELY, UNLIKELY = 1, 2
"""Numbers of two markets; one is likely enough for the favourites' strategy to want it."""

AUGMENTED = 10
"""The first market of a group that can be extended: its outcomes are not exhaustive."""

_MOMENT_S = 0.05
_STEP_MS = 300


def text(hours: float) -> str:
    """Return a moment so many hours from now, as the venue writes it."""
    return (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


class LivePolymarket(ExchangePolymarket):
    """A venue with two markets that somebody quotes, and a group; use `live_polymarket`."""

    def __init__(self, cash: str = "500") -> None:
        super().__init__(Engine(lambda: int(now_ms()), units(cash), steps_ms=_STEP_MS))
        self.page = 20
        self.lock = threading.RLock()
        self.socket = StreamServer(self.shown, self._yes_of)
        ends = {"endDate": text(24), "acceptingOrdersTimestamp": text(-48), "startDate": text(-48)}
        pair = [a_market(LIKELY, **ends), a_market(UNLIKELY, **ends)]
        group = a_group(3, augmented=True, first=AUGMENTED)
        group["markets"] = [{**market, **ends} for market in group["markets"]]
        self.events = [
            an_event(pair, "the-draw", endDate=text(24)),
            {**group, "endDate": text(24)},
        ]
        for record in (*pair, *group["markets"]):
            self._list(record)
        self.engine.listeners.append(self._happened)
        self.quote(LIKELY, "0.88", "0.90")
        self.quote(UNLIKELY, "0.20", "0.22")
        for number in range(AUGMENTED, AUGMENTED + 2):
            self.quote(number, "0.40", "0.42")

    def quote(self, number: int, bid: str, ask: str, size: str = "500") -> None:
        """Let the crowd bid and offer."""
        self.crowd(number, "BUY", bid, size)
        self.crowd(number, "SELL", ask, size)

    def crowd(self, number: int, side: str, price: str, size: str, *, rests: bool = True) -> None:
        """Let somebody buy or sell YES; what hits an order of ours trades."""
        with self.lock:
            self.engine.crowd(token(2 * number), side, price, size, rests=rests)
            self._tell_book(self.engine.markets[condition(number)])

    def trade(self, number: int, price: str, size: str, side: str = "SELL") -> None:
        """Let two others trade with each other: a print, and nothing more."""
        name = token(2 * number)
        self.socket.tell(
            name,
            {
                "event_type": "last_trade_price",
                "market": condition(number),
                "asset_id": name,
                "price": price,
                "size": size,
                "side": side,
                "fee_rate_bps": "0",
                "timestamp": now_ms(),
                "transaction_hash": "0x" + "ab" * 32,
            },
        )

    def shown(self) -> dict[str, Record]:
        """Return the books of all YES tokens."""
        with self.lock:
            return {market.yes: self._book_of(market) for market in self.engine.markets.values()}

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """Return the answer to a request; one at a time."""
        with self.lock:
            return super().answer(method, target, headers, body)

    def live_for(self, stopping: threading.Event) -> None:
        """Let trades settle and orders expire as time passes."""
        while not stopping.wait(_MOMENT_S):
            with self.lock:
                self.engine.advance()

    def _list(self, record: Record) -> None:
        market = self.engine.list_market(record)
        for one in (market.yes, market.no):
            exchange = exchange_of(int(one), neg_risk=record["negRisk"])
            self.contracts[one] = CONTRACTS[exchange].address

    def _routes(self) -> dict[tuple[str, str], Any]:
        return {**super()._routes(), ("GET", "/time"): lambda *_: ok(int(time.time()))}

    def _books(self, _query: Any, _all: Any, _headers: Any, body: bytes, _path: str) -> Answer:
        books = self.shown()
        wanted = [one["token_id"] for one in json.loads(body)]
        return ok([books[one] for one in wanted if one in books])

    def _book_of(self, market: Market) -> Record:
        number = next(n for n in range(1, 100) if condition(n) == market.condition)
        bids, asks = (_levels(market, bids=side) for side in (True, False))
        return a_book(number, bids, asks, timestamp=now_ms())

    def _tell_book(self, market: Market) -> None:
        self.socket.tell_book(market.yes)
        self.socket.tell_book(market.no)

    def _happened(self, what: str, thing: Any) -> None:
        if what == "trade":
            self._tell_trade(thing)
        else:
            self._tell_order(thing)

    def _tell_trade(self, trade: Trade) -> None:
        self.socket.tell_user({"event_type": "trade", "timestamp": now_ms(), **trade_row(trade)})
        self._tell_book(trade.market)

    def _tell_order(self, order: Order) -> None:
        row = {**order_row(order), "type": "CANCELLATION", "timestamp": now_ms()}
        self.socket.tell_user({"event_type": "order", **row})
        self._tell_book(order.market)

    def _yes_of(self, wanted: str) -> str | None:
        """Return the YES token of a NO token."""
        return next((m.yes for m in self.engine.markets.values() if m.no == wanted), None)


@contextmanager
def live_polymarket(cash: str = "500") -> Iterator[LivePolymarket]:
    """Serve a venue until it is left."""
    venue = LivePolymarket(cash)
    stopping = threading.Event()
    life = threading.Thread(target=venue.live_for, args=(stopping,), daemon=True)
    with venue.serving(), venue.socket:
        life.start()
        try:
            yield venue
        finally:
            stopping.set()
            life.join()


def set_up(
    home: Home, venue: LivePolymarket, *, mode: str = "paper", key: bool = False, **changes: object
) -> Home:
    """Let a home's Polymarket be this one, with settings that trade at once.

    Args:
        home: already made.
        venue: where it trades.
        mode: paper or live.
        key: whether it has a wallet.
        changes: other values of settings, by their last name.

    """
    file = home.venue_file("polymarket")
    words = file.read_text(encoding="utf-8")
    addresses = dict.fromkeys(("base", "gamma", "data", "site"), venue.url)
    addresses["ws"] = venue.socket.url
    api = "".join(f"  {name}_url: {address}\n" for name, address in addresses.items())
    words = words.replace("# api:\n", f"api:\n{api}", 1)
    settings = {
        "mode": mode,
        "min_edge": "0.002",
        "after_entry_seconds": 1,
        "interval_ms": 200,
        "patience_seconds": 5,
        "style": "taker",
        **changes,
    }
    words = words.replace("  # max_hours_to_close: 48\n", "  max_hours_to_close: 48\n", 1)
    for name, value in settings.items():
        words, count = re.subn(
            rf"^(\s*){name}: .*$",
            rf"\g<1>{name}: {str(value).lower() if isinstance(value, bool) else value}",
            words,
            count=1,
            flags=re.MULTILINE,
        )
        assert count, name
    file.write_text(words, encoding="utf-8")
    if key:
        lines = {"PRIVATE_KEY": KEY, "SIGNATURE_TYPE": str(venue.wallet)}
        if venue.wallet:
            lines["FUNDER"] = venue.holder
        text = "".join(f"POLYMARKET_{name}={value}\n" for name, value in lines.items())
        home.env_file.write_text(text, encoding="utf-8")
        home.env_file.chmod(0o600)
    return home


def a_polymarket_home(path: Path, venue: LivePolymarket, **changes: Any) -> Home:
    """Return a new home whose Polymarket is this one; see `set_up`."""
    home = Home(path)
    home.create(default_files())
    return set_up(home, venue, **changes)


def _levels(market: Market, *, bids: bool) -> dict[str, str]:
    """Return one side of a book, level by level."""
    sizes: Counter[int] = Counter()
    for one in market.side(bids=bids):
        sizes[one.price] += one.left
    return {decimal(price): decimal(size) for price, size in sizes.items()}
