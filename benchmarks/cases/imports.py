"""How fast recorded files become facts, format by format, and how fast tapes are written."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from benchmarks.measure import interleave
from benchmarks.rows import Row
from benchmarks.setting import Benchmark, Setting
from benchmarks.workloads import Recording, kalshi_log, records_in, tape_of
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.adapters.storage.tape_writer import TapeWriter
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Market, MarketStatus
from market_bot.core.domain.numbers import Micros, Price, Size
from market_bot.core.domain.world import World
from market_bot.core.ports.market_data import Sink
from market_bot.core.ports.recordings import ImportReport

_WHERE: Final = (
    ("kalshi-bbo", "kalshi.bbo_csv", "import_bbo", "kalshi-weather-bbo/*.csv.gz"),
    (
        "polymarket-ticks",
        "polymarket.ticks_parquet",
        "import_ticks",
        "polymarket-tickscope/*.parquet",
    ),
    (
        "polymarket-quotes",
        "polymarket.quotes_parquet",
        "import_quotes",
        "polymarket-quotes-labels/quotes/*/*.parquet",
    ),
    (
        "polymarket-5m",
        "polymarket.five_minute",
        "import_five_minute",
        "polymarket-btc5m-markets/BTC*.gz",
    ),
)
_LARGE: Final = frozenset({"polymarket-quotes"})


def measure(setting: Setting) -> Iterator[Row]:
    """Yield a row per format, then those of the tape itself."""
    yield from _log_rows(setting)
    for name, module, function, pattern in _WHERE:
        yield _import_row(setting, name, module, function, pattern)
    yield from _tape_rows(setting)


def _log_rows(setting: Setting) -> Iterator[Row]:
    log = kalshi_log(setting)
    module = importlib.import_module("market_bot.adapters.kalshi.ws_log")
    yield _row(setting, f"kalshi-ws: {log.name}", module, module.import_ws_log, log)


def _import_row(setting: Setting, name: str, module_name: str, function: str, pattern: str) -> Row:
    if setting.reference is None:
        why = "no recorded data: MARKET_BOT_REFERENCE is not set"
        return Row(measures=f"{name}: import", skipped=why)
    paths = tuple(sorted((setting.reference / "data").glob(pattern)))
    if not paths:
        return Row(measures=f"{name}: import", skipped=f"no files like {pattern}")
    if name in _LARGE:
        setting = attrs.evolve(setting, rounds=1)
    module = importlib.import_module(f"market_bot.adapters.{module_name}")
    recording = Recording(name, module.VENUE, paths)
    return _row(setting, f"{name}: import", module, getattr(module, function), recording)


def _row(
    setting: Setting,
    measures: str,
    module: Any,  # noqa: ANN401 - a module
    work: Callable[..., ImportReport],
    recording: Recording,
) -> Row:
    found: list[ImportReport] = []
    target = setting.folder / f"{recording.venue}-import.tape.zst"

    def count() -> None:
        found[:] = [work(recording.paths, NullSink(), metadata=recording.metadata)]

    def write() -> None:
        claims = (
            module.capabilities(recording.paths)
            if hasattr(module, "capabilities")
            else module.CAPABILITIES
        )
        with TapeWriter(target, recording.venue, recording.name, claims) as writer:
            work(recording.paths, writer, metadata=recording.metadata)

    times = interleave(setting, {"into a tape": write, "into nothing": count}, warm=False)
    return times.row(
        measures,
        "into a tape",
        "into nothing",
        units=found[0].records,
        unit="facts",
        speed=True,
        note=f"{found[0].records:,} facts; {setting.rounds} rounds",
    )


def _tape_rows(setting: Setting) -> Iterator[Row]:
    log = kalshi_log(setting)
    tape = tape_of(setting, log)
    header = TapeReader(tape).header
    records = records_in(tape)
    copy = setting.folder / "copy.tape.zst"

    def write() -> None:
        with TapeWriter(copy, header.venue, header.source, header.capabilities) as writer:
            TapeReader(tape).play(writer)

    sides: Mapping[str, Callable[[], object]] = {
        "play into nothing": lambda: TapeReader(tape).play(NullSink()),
        "decode only": lambda: records_in(tape),
        "play into books": lambda: TapeReader(tape).play(World()),
        "copy": write,
    }
    times = interleave(setting, sides)
    assert tape.read_bytes() == copy.read_bytes(), "a copied tape differs from its original"
    for side, what in (
        ("play into nothing", "played into nothing"),
        ("play into books", "played into books"),
        ("copy", "read and written again"),
    ):
        yield times.row(
            f"tape: {what}", side, "decode only", units=records, unit="records", speed=True
        )


class NullSink(Sink):
    """Takes everything and keeps nothing."""

    def meta(self, market: Market, received: Micros) -> None:
        """Drop it."""

    def book(
        self,
        market: str,
        bids: Mapping[Price, Size],
        asks: Mapping[Price, Size],
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        """Drop it."""

    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        """Drop it."""

    def trade(
        self,
        market: str,
        taker: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        """Drop it."""

    def reference(self, name: str, value: str, received: Micros, exchange: Micros | None) -> None:
        """Drop it."""

    def status(self, market: str, status: MarketStatus, received: Micros) -> None:
        """Drop it."""

    def resolution(self, market: str, yes_payout: Price, received: Micros) -> None:
        """Drop it."""

    def gap(self, market: str, reason: str, received: Micros) -> None:
        """Drop it."""


benchmark = Benchmark(
    name="imports",
    summary="recorded files into facts and tapes, format by format",
    measure=measure,
)
