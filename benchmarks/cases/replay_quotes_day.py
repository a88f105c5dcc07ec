"""A recorded day of quotes of all markets: signals, later prices and forecasts, and its memory."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.measure import against, child
from benchmarks.rows import AtMost, Row
from benchmarks.setting import Benchmark, Scale, Setting
from benchmarks.workloads import SECOND, records_in
from market_bot.adapters.polymarket import quotes_parquet
from market_bot.adapters.storage.tape_cache import CachedTape
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.adapters.storage.tape_writer import TapeWriter
from market_bot.bootstrap.replay_run import replay_of
from market_bot.bootstrap.settings import settings_of
from market_bot.config.defaults import default_files
from market_bot.config.loader import parse_venue
from market_bot.config.overrides import Override, override
from market_bot.core.domain import events as ev
from market_bot.core.domain.fills.terms import FillModel
from market_bot.core.domain.marks import MarkSchedule
from market_bot.core.domain.numbers import ONE_CONTRACT, Micros, Price, Size
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.ports.market_data import Capability
from market_bot.core.usecases.replay import Plan

_AT_ONCE: Final = 65_536
_RSS_MAX_MB: Final = 400.0
_STRATEGY: Final = "[{name: bias_harvest, params: {max_hours_to_close: 0, style: taker}}]"
_PROGRAM: Final = """
import sys
from benchmarks.cases.replay_quotes_day import tell
tell(*sys.argv[1:])
"""


def measure(setting: Setting) -> Iterator[Row]:
    """Yield a tenth of the day beside a bare loop, the whole day, and its memory."""
    found = _files(setting)
    if found is None:
        why = "no recorded data: MARKET_BOT_REFERENCE is not set"
        yield Row(measures="recorded day of quotes", skipped=why)
        return
    day, part, sized = (setting.folder / f"{name}.tape.zst" for name in ("day", "part", "sized"))
    records = _write_day(*found, day)
    share = records // setting.pick(10, 100, 10_000)
    _write_part(day, part, share, sized=False)
    _write_part(day, sized, share, sized=True)
    sides = {
        "bare": ("bare", str(found[0]), str(share)),
        "quotes": ("replay", str(part)),
        "cache": ("replay", str(part), str(setting.folder / "cache")),
        "sized": ("replay", str(sized)),
    }
    taken: dict[str, list[float]] = {name: [] for name in sides}
    told: dict[str, Mapping[str, Any]] = {}
    memory: dict[str, float] = {}
    for _ in range(setting.rounds):
        for name, arguments in sides.items():
            told[name], memory[name] = _child(*arguments)
            taken[name].append(told[name]["seconds"])
    name = f"recorded quotes, the first {share:,} of {records:,}"
    yield _row(f"{name}: signals, marks, forecasts", "quotes", taken, told["quotes"])
    yield _row(f"{name}: the same from the decoded cache", "cache", taken, told["cache"])
    yield _row(f"{name}: with invented sizes, so that orders fill", "sized", taken, told["sized"])
    if setting.scale is Scale.FULL:
        yield from _whole(found[0], day, records, memory["quotes"])


def _whole(quotes: Path, day: Path, records: int, memory: float) -> Iterator[Row]:
    bare, _ = _child("bare", str(quotes), str(records))
    told, whole = _child("replay", str(day))
    name = f"recorded quotes, the whole day of {records:,}"
    taken = {"bare": [bare["seconds"]], "whole": [told["seconds"]]}
    yield _row(f"{name}: signals, marks, forecasts", "whole", taken, told)
    yield against(f"{name}: most memory", whole, _RSS_MAX_MB, "MB")
    yield Row(
        measures=f"{name}: most memory",
        ours=whole,
        peer_name="the first tenth",
        peer=memory,
        unit="MB",
        ratio=whole / memory,
        goal=AtMost(1.1),
        note=f"{told['markets']:,} markets in the whole day",
    )


def _row(
    measures: str, side: str, taken: Mapping[str, list[float]], told: Mapping[str, Any]
) -> Row:
    quotes = told["quotes"]
    pairs = zip(taken[side], taken["bare"], strict=True)
    return Row(
        measures=measures,
        ours=quotes / median(taken[side]) / 1000,
        peer_name="loop over columns",
        peer=quotes / median(taken["bare"]) / 1000,
        unit="k quotes/s",
        ratio=median(mine / bare for mine, bare in pairs),
        goal=AtMost(4),
        note=f"processor time; {told['text']}",
    )


def _child(*arguments: str) -> tuple[Mapping[str, Any], float]:
    done = child(_PROGRAM, *arguments)
    return json.loads(done.output.splitlines()[-1]), done.rss_mb


def tell(what: str, path: str, extra: str = "") -> None:
    """Do one side's work in this process and print what it took as JSON.

    Args:
        what: ``bare`` or ``replay``.
        path: the Parquet file, or the tape.
        extra: how many rows of the file, or the folder of decoded tapes.

    """
    told = _bare(path, int(extra)) if what == "bare" else _replay(Path(path), extra)
    print(json.dumps(told))


def _bare(path: str, most: int) -> Mapping[str, Any]:
    """Keep the latest quote of each market, row by row."""
    import duckdb  # noqa: PLC0415 - an extra, and the other side's memory is measured without it

    began = time.process_time()
    query = "SELECT slug, bid, ask FROM read_parquet($path) LIMIT $most"
    with duckdb.connect(config={"threads": 1}) as opened:
        rows = opened.execute(query, {"path": path, "most": most})
        latest: dict[str, tuple[float, float]] = {}
        count = 0
        while some := rows.fetchmany(_AT_ONCE):
            for market, bid, ask in some:
                latest[market] = (bid, ask)
            count += len(some)
    return {"seconds": time.process_time() - began, "quotes": count, "markets": len(latest)}


def _replay(tape: Path, cache: str) -> Mapping[str, Any]:
    """Replay a tape of quotes with the usual limits, and take the later prices of every signal."""
    source = CachedTape(tape, Path(cache)) if cache else TapeReader(tape)
    source.open()
    plan = Plan(name="measured", model=FillModel.PESSIMISTIC.value, settings=_settings())
    began = time.process_time()
    replay = replay_of([source], [plan], SECOND, source.header.venue)
    lane = replay.lanes[0]
    lane.trader.marks = MarkSchedule()
    marks = [0]

    def count(event: ev.Event, _: Micros) -> None:
        marks[0] += isinstance(event, ev.Mark)

    lane.trader.recorder.observers.append(count)
    replay.run()
    result = lane.result()
    seconds = time.process_time() - began
    brier = result.forecasts.own_brier
    return {
        "seconds": seconds,
        "quotes": replay.world.facts,
        "markets": replay.world.announced,
        "text": (
            f"{replay.ticks:,} ticks, {result.decisions.get('signal', 0):,} signals, "
            f"{marks[0]:,} marks, {result.fills:,} fills, {result.forecasts.entries:,} forecasts"
            + ("" if brier is None else f", Brier score {brier:.4f}")
        ),
    }


def _settings() -> LaneSettings:
    name = f"{quotes_parquet.VENUE}.yaml"
    usual = parse_venue(default_files()[name], name)
    return settings_of(override(usual, [Override("strategies", _STRATEGY)]))


def _files(setting: Setting) -> tuple[Path, Path] | None:
    if setting.reference is None:
        return None
    folder = setting.reference / "data" / "polymarket-quotes-labels"
    days = sorted(folder.glob("quotes/*/*.parquet"))
    return (days[0], folder / "labels.parquet") if days else None


def _write_day(quotes: Path, labels: Path, path: Path) -> int:
    """Import the day, and return how many records its tape has."""
    venue, claims = quotes_parquet.VENUE, quotes_parquet.CAPABILITIES
    with TapeWriter(path, venue, "a day of quotes", claims) as writer:
        quotes_parquet.import_quotes([quotes], writer, outcomes=[labels])
    return records_in(path)


def _write_part(day: Path, path: Path, records: int, *, sized: bool) -> None:
    """Write the beginning of the day; ``sized`` with invented sizes."""
    header = TapeReader(day).header
    claims = {Capability.TOP_OF_BOOK} if sized else header.capabilities
    kind = _Sized if sized else TapeWriter
    with kind(path, header.venue, header.source, claims) as writer:
        TapeReader(day).play(writer, limit=records)


class _Sized(TapeWriter):
    """Shows from 10 to 500 contracts at every quote, as its price has it."""

    def book(
        self,
        market: str,
        bids: Mapping[Price, Size],
        asks: Mapping[Price, Size],
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        super().book(market, _with_sizes(bids), _with_sizes(asks), received, exchange)


def _with_sizes(levels: Mapping[Price, Size]) -> dict[Price, Size]:
    return {at: Size(ONE_CONTRACT * 10 * (1 + at // 10_000 % 50)) for at in levels}


benchmark = Benchmark(
    name="replay_quotes_day",
    summary="a recorded day of quotes of all markets, replayed with signals, marks and forecasts",
    measure=measure,
)
