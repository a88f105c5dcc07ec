"""What the benchmarks work on: recorded files where there are some, invented ones elsewhere."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from benchmarks.setting import Setting
from market_bot.adapters.kalshi import ws_log
from market_bot.adapters.polymarket import ticks_parquet
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.adapters.storage.tape_writer import TapeWriter
from market_bot.bootstrap.run_inputs import TapedInputs, tape_hashes
from market_bot.bootstrap.settings import settings_of
from market_bot.config.defaults import default_files
from market_bot.config.loader import read_venue
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.settings import ActiveStrategy, LaneSettings
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.view import Holdings, View

SECOND: Final = Micros(1_000_000)
EVERY_RECORD: Final = Micros(0)
_FIRST_MS: Final = 1_785_901_540_000
_LEVELS: Final = range(1, 99)


@attrs.frozen
class Recording:
    """Recorded files of one format.

    Args:
        name: what they are, for the table.
        venue: whose markets they hold.
        paths: the files.
        metadata: files that describe the markets.

    """

    name: str
    venue: str
    paths: tuple[Path, ...]
    metadata: tuple[Path, ...] = ()


def kalshi_log(setting: Setting) -> Recording:
    """Return the recorded websocket logs, or an invented one of the same shape."""
    if setting.reference is not None:
        folder = setting.reference / "data" / "kalshi-gold15m"
        paths = tuple(sorted(folder.glob("events/*/*.ndjson.gz")))
        if paths:
            paths = paths[: setting.pick(len(paths), 2, 1)]
            return Recording("recorded Kalshi log", ws_log.VENUE, paths, (folder / "MARKETS.csv",))
    path = setting.folder / "invented.ndjson.gz"
    if not path.exists():
        write_log(path, messages=setting.pick(500_000, 50_000, 500))
    return Recording("invented Kalshi log", ws_log.VENUE, (path,))


def tickscope(setting: Setting) -> Recording | None:
    """Return the recorded Polymarket stream, or None where there is none."""
    if setting.reference is None:
        return None
    paths = tuple(sorted((setting.reference / "data" / "polymarket-tickscope").glob("*.parquet")))
    return Recording("recorded Polymarket stream", ticks_parquet.VENUE, paths) if paths else None


def write_log(path: Path, messages: int) -> None:
    """Write an invented websocket log of ten markets: snapshots, then changes of levels."""
    chance = random.Random(11)
    tickers = [f"KXINVENTED-26AUG050000-{n:02d}" for n in range(10)]
    sizes: dict[tuple[str, str, int], int] = {}
    with gzip.open(path, "wb", compresslevel=6) as file:
        for number in range(messages):
            recv_ms = _FIRST_MS + number * 3
            ticker = tickers[number % len(tickers)]
            if number < len(tickers):
                message = _snapshot(ticker, sizes)
            else:
                message = _change(ticker, sizes, chance, recv_ms)
            event = {"sid": 1, "seq": number + 1, **message}
            file.write(json.dumps({"recv_ms": recv_ms, "event": event}).encode() + b"\n")


def _snapshot(ticker: str, sizes: dict[tuple[str, str, int], int]) -> dict[str, Any]:
    msg: dict[str, Any] = {"market_ticker": ticker}
    for side, cents in (("yes", range(1, 48)), ("no", range(1, 50))):
        msg[f"{side}_dollars_fp"] = [[f"0.{at:02d}00", "50.00"] for at in cents]
        sizes.update({(ticker, side, at): 5000 for at in cents})
    return {"type": "orderbook_snapshot", "msg": msg}


def _change(
    ticker: str, sizes: dict[tuple[str, str, int], int], chance: random.Random, recv_ms: int
) -> dict[str, Any]:
    side = chance.choice(("yes", "no"))
    at = chance.randint(20, 47)
    here = sizes.get((ticker, side, at), 0)
    by = -here if here and chance.random() < 0.3 else chance.choice((4000, 307, 1, 25000))
    sizes[ticker, side, at] = here + by
    msg = {
        "market_ticker": ticker,
        "market_id": "4f5c2e39-5132-4147-ba3f-b3485ad89427",
        "price_dollars": f"0.{at:02d}00",
        "delta_fp": f"{by / 100:.2f}",
        "side": side,
        "ts": "2026-08-05T03:45:40.722003Z",
        "ts_ms": recv_ms - 9,
    }
    return {"type": "orderbook_delta", "msg": msg}


def tape_of(setting: Setting, recording: Recording) -> Path:
    """Return a tape of a recording, made when it is first asked for."""
    path = setting.folder / f"{recording.venue}.tape.zst"
    if not path.exists():
        module = ws_log if recording.venue == ws_log.VENUE else ticks_parquet
        work: Callable[..., object] = (
            ws_log.import_ws_log if module is ws_log else ticks_parquet.import_ticks
        )
        with TapeWriter(path, recording.venue, recording.name, module.CAPABILITIES) as writer:
            work(recording.paths, writer, metadata=recording.metadata)
    return path


def records_in(tape: Path) -> int:
    """Return how many records a tape holds."""
    return sum(len(group.records) for group in TapeReader(tape).groups())


def trading_settings(setting: Setting, venue: str) -> LaneSettings:
    """Return the settings an operator starts from, every limit on, looking each second."""
    path = setting.folder / f"{venue}.yaml"
    text = default_files()[f"{venue}.yaml"].decode()
    path.write_text(re.sub(r"interval_ms: \d+", "interval_ms: 1000", text), encoding="utf-8")
    return settings_of(read_venue(path))


def idle_settings(setting: Setting, venue: str) -> LaneSettings:
    """Return the same settings with a strategy that wants nothing."""
    idle = ActiveStrategy(strategy=IDLE, params=None)
    return attrs.evolve(trading_settings(setting, venue), strategies=(idle,), hash="idle")


def inputs_of(venue: str, tape: Path, settings: LaneSettings, interval: Micros) -> TapedInputs:
    """Return what a taped run of one tape follows from."""
    return TapedInputs(
        venue=venue, tapes=(tape,), hashes=tape_hashes([tape]), settings=settings, interval=interval
    )


def want_nothing(_view: View, _params: object, _holdings: Holdings) -> Sequence[Signal]:
    """Look at nothing and want nothing."""
    return ()


IDLE: Final = Strategy(name="idle", summary="Wants nothing.", params=object, decide=want_nothing)
