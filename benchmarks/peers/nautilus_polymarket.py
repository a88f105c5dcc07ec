"""Parse frames of Polymarket's market channel with the adapter of `nautilus_trader`.

Usage: ``python nautilus_polymarket.py FRAMES ROUNDS``, with an interpreter that has the package; it
imports nothing of this project. FRAMES is JSON: ``markets`` (market, YES, NO) and ``frames``. Every
frame is decoded with the adapter's own types; its changes become deltas as the adapter makes them
and are applied to its books. Printed are the version and the median seconds of a round.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any


def main() -> None:
    """Load, run, tell."""
    # The adapter wants the venue's client when it is imported, and not for reading frames.
    sys.meta_path.append(_Client())
    told = json.loads(Path(sys.argv[1]).read_bytes())
    frames = [frame.encode() for frame in told["frames"][:-1]]
    times = []
    for _ in range(int(sys.argv[2])):
        began = time.perf_counter()
        _run(frames, told["markets"])
        times.append(time.perf_counter() - began)
    # The last line: the package may print others before.
    print(version("nautilus_trader"), statistics.median(times))


class _Absent(ModuleType):
    """A package of which only names are wanted."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class _Client(MetaPathFinder, Loader):
    """Stands in for the venue's client where that is not installed."""

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name.partition(".")[0] == "py_clob_client":
            return ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Absent(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing."""


def _run(frames: list[bytes], markets: list[list[str]]) -> None:
    import msgspec
    from nautilus_trader.adapters.polymarket.common.enums import PolymarketOrderSide
    from nautilus_trader.adapters.polymarket.common.symbol import get_polymarket_instrument_id
    from nautilus_trader.adapters.polymarket.schemas import book as schemas
    from nautilus_trader.adapters.polymarket.websocket.types import MARKET_WS_MESSAGE
    from nautilus_trader.core.datetime import millis_to_nanos
    from nautilus_trader.model import book, data, enums

    decode = msgspec.json.Decoder(MARKET_WS_MESSAGE).decode
    known = {}
    books = {}
    for market, *tokens in markets:
        for token in tokens:
            name = get_polymarket_instrument_id(market, token)
            known[name] = _instrument(name)
            books[name] = book.OrderBook(name, book_type=enums.BookType.L2_MBP)

    def quote(message: Any, change: Any) -> None:
        instrument = known[get_polymarket_instrument_id(message.market, change.asset_id)]
        buys = change.side == PolymarketOrderSide.BUY
        order = data.BookOrder(
            side=enums.OrderSide.BUY if buys else enums.OrderSide.SELL,
            price=instrument.make_price(float(change.price)),
            size=instrument.make_qty(float(change.size)),
            order_id=0,
        )
        delta = data.OrderBookDelta(
            instrument_id=instrument.id,
            action=enums.BookAction.UPDATE if order.size > 0 else enums.BookAction.DELETE,
            order=order,
            flags=enums.RecordFlag.F_LAST,
            sequence=0,
            ts_event=millis_to_nanos(float(message.timestamp)),
            ts_init=time.time_ns(),
        )
        books[instrument.id].apply_deltas(data.OrderBookDeltas(instrument.id, [delta]))

    for frame in frames:
        message = decode(frame)
        if isinstance(message, schemas.PolymarketQuotes):
            for change in message.price_changes:
                quote(message, change)
        elif isinstance(message, schemas.PolymarketTrade):
            name = get_polymarket_instrument_id(message.market, message.asset_id)
            message.parse_to_trade_tick(instrument=known[name], ts_init=time.time_ns())


def _instrument(name: Any) -> Any:
    from nautilus_trader.model import currencies, enums, instruments, objects

    return instruments.BinaryOption(
        instrument_id=name,
        raw_symbol=name.symbol,
        asset_class=enums.AssetClass.ALTERNATIVE,
        currency=currencies.USDC_POS,
        price_precision=3,
        price_increment=objects.Price.from_str("0.001"),
        size_precision=6,
        size_increment=objects.Quantity.from_str("0.000001"),
        activation_ns=0,
        expiration_ns=4_000_000_000_000_000_000,
        ts_event=0,
        ts_init=0,
    )


if __name__ == "__main__":
    main()
