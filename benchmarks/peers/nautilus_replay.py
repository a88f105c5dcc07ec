"""Replay changes of levels through `nautilus_trader`, and print what that took as one JSON line.

Usage: ``python nautilus_replay.py v1|v2 EVENTS ORDER_EVERY``, with an interpreter that has the
package; it imports nothing of this project. EVENTS is a text file: ``M id`` announces the next
market, ``C market time`` empties its book, ``D market side price size time`` sets a level, prices
and sizes in 1e-6, times in microseconds. ORDER_EVERY 0 sends no orders; otherwise the order before
is cancelled and a limit order to buy at the best bid is sent whenever so many events were seen.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

_FOR_EVER_NS = 4_000_000_000_000_000_000


def main() -> None:
    """Load, run, tell."""
    engine, path, every = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    lines = path.read_text(encoding="utf-8").splitlines()
    began = time.perf_counter()
    run, told, events = {"v1": _first, "v2": _second}[engine](lines, every)
    loaded = time.perf_counter()
    processor = time.process_time()
    run()
    ran = time.perf_counter()
    print(  # the last line: the engine may print others before
        json.dumps(
            {
                "version": version("nautilus_trader"),
                "engine": engine,
                "events": events,
                "load_s": loaded - began,
                "run_s": ran - loaded,
                "worked_s": time.process_time() - processor,
                **told(),
            }
        )
    )


def _first(lines: list[str], every: int) -> Any:
    """Prepare the engine in Cython."""
    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.config import LoggingConfig, StrategyConfig
    from nautilus_trader.model import currencies, data, enums, identifiers, instruments, objects
    from nautilus_trader.trading.strategy import Strategy

    engine = BacktestEngine(
        config=BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False)
    )
    engine.add_venue(
        venue=identifiers.Venue("SIM"),
        oms_type=enums.OmsType.NETTING,
        account_type=enums.AccountType.CASH,
        base_currency=currencies.USD,
        starting_balances=[objects.Money(1_000_000, currencies.USD)],
        book_type=enums.BookType.L2_MBP,
    )
    ids, changes = _changes(
        lines, instruments.BinaryOption, currencies.USD, data, enums, identifiers, objects, engine
    )

    class Orders(Strategy):  # type: ignore[misc]  # the package has no types here
        def __init__(self) -> None:
            super().__init__(StrategyConfig(log_events=False, log_commands=False))
            self.seen = self.sent = self.fills = 0
            self.last: Any = None

        def on_start(self) -> None:
            for instrument in ids:
                self.subscribe_order_book_deltas(instrument, enums.BookType.L2_MBP)

        def on_order_book_deltas(self, deltas: Any) -> None:
            self.seen += 1
            if every and self.seen % every == 0:
                self.renew(deltas.instrument_id)

        def renew(self, instrument: Any) -> None:
            last = self.last
            if last is not None and last.is_open:
                self.cancel_order(last)
            best = self.cache.order_book(instrument).best_bid_price()
            if best is None:
                return
            self.sent += 1
            self.last = self.order_factory.limit(
                instrument, enums.OrderSide.BUY, objects.Quantity(10, 2), best
            )
            self.submit_order(self.last)

        def on_order_filled(self, _event: Any) -> None:
            self.fills += 1

    strategy = Orders()
    engine.add_strategy(strategy)
    engine.add_data(changes)
    return (
        engine.run,
        lambda: {"seen": strategy.seen, "orders": strategy.sent, "fills": strategy.fills},
        len(changes),
    )


def _second(lines: list[str], every: int) -> Any:
    """Prepare the engine in Rust, which the newer packages carry."""
    from nautilus_trader.core import nautilus_pyo3 as native

    engine = native.BacktestEngine(
        native.BacktestEngineConfig(
            bypass_logging=True,
            run_analysis=False,
            logging=native.LoggerConfig(bypass_logging=True),
        )
    )
    dollar = native.Currency.from_str("USD")
    engine.add_venue(
        venue=native.Venue("SIM"),
        oms_type=native.OmsType.NETTING,
        account_type=native.AccountType.CASH,
        starting_balances=[native.Money(1_000_000, dollar)],
        base_currency=dollar,
        book_type=native.BookType.L2_MBP,
    )
    ids, changes = _changes(
        lines, native.BinaryOption, dollar, native, native, native, native, engine
    )

    class Orders(native.Strategy):  # type: ignore[misc]  # as above
        def __init__(self, _config: Any = None) -> None:
            self.seen = self.sent = self.fills = 0
            self.last: Any = None

        def on_start(self) -> None:
            for instrument in ids:
                self.subscribe_book_deltas(instrument, native.BookType.L2_MBP, managed=True)

        def on_book_deltas(self, deltas: Any) -> None:
            self.seen += 1
            if every and self.seen % every == 0:
                self.renew(deltas.instrument_id)

        def renew(self, instrument: Any) -> None:
            last = self.last
            if last is not None and self.cache.is_order_open(last):
                self.cancel_order(last)
            best = self.cache.order_book(instrument).best_bid_price()
            if best is None:
                return
            self.sent += 1
            order = self.order_factory.limit(
                instrument, native.OrderSide.BUY, native.Quantity(10, 2), best
            )
            self.last = order.client_order_id
            self.submit_order(order)

        def on_order_filled(self, _event: Any) -> None:
            self.fills += 1

    strategy = Orders(native.StrategyConfig(log_events=False, log_commands=False))
    engine.add_strategy(strategy)
    engine.add_data(changes)
    return (
        engine.run,
        lambda: {"seen": strategy.seen, "orders": strategy.sent, "fills": strategy.fills},
        len(changes),
    )


def _changes(
    lines: list[str],
    option: Any,
    dollar: Any,
    data: Any,
    enums: Any,
    identifiers: Any,
    objects: Any,
    engine: Any,
) -> tuple[list[Any], list[Any]]:
    ids: list[Any] = []
    changes: list[Any] = []
    nobody = data.BookOrder(
        enums.OrderSide.NO_ORDER_SIDE, objects.Price(0, 4), objects.Quantity(0, 2), 0
    )
    for number, line in enumerate(lines):
        kind, *rest = line.split()
        if kind == "M":
            name = identifiers.InstrumentId.from_str(f"{rest[0].replace('.', '-')}.SIM")
            ids.append(name)
            engine.add_instrument(_option(option, name, dollar, enums, identifiers, objects))
        elif kind == "C":
            at = int(rest[1]) * 1000
            clear = enums.BookAction.CLEAR
            changes.append(data.OrderBookDelta(ids[int(rest[0])], clear, nobody, 0, number, at, at))
        else:
            market, side, price, size, moment = map(int, rest)
            order = data.BookOrder(
                enums.OrderSide.SELL if side else enums.OrderSide.BUY,
                objects.Price(price / 1e6, 4),
                objects.Quantity(size / 1e6, 2),
                price,
            )
            action = enums.BookAction.UPDATE if size else enums.BookAction.DELETE
            at = moment * 1000
            changes.append(data.OrderBookDelta(ids[market], action, order, 0, number, at, at))
    return ids, changes


def _option(option: Any, name: Any, dollar: Any, enums: Any, identifiers: Any, objects: Any) -> Any:
    return option(
        instrument_id=name,
        raw_symbol=identifiers.Symbol(str(name)),
        asset_class=enums.AssetClass.ALTERNATIVE,
        currency=dollar,
        activation_ns=0,
        expiration_ns=_FOR_EVER_NS,
        price_precision=4,
        size_precision=2,
        price_increment=objects.Price(0.0001, 4),
        size_increment=objects.Quantity(0.01, 2),
        ts_event=0,
        ts_init=0,
    )


if __name__ == "__main__":
    main()
