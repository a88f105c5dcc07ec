"""From a recorded file to a strategy, beside nothing but unpacking and decoding the same file."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs
import msgspec

from benchmarks.measure import Side, interleave
from benchmarks.replays import cached
from benchmarks.rows import AtMost, Row
from benchmarks.setting import Benchmark, Setting
from benchmarks.workloads import (
    EVERY_RECORD,
    SECOND,
    Recording,
    idle_settings,
    inputs_of,
    kalshi_log,
    records_in,
    tape_of,
    tickscope,
    trading_settings,
    want_nothing,
)
from market_bot.adapters.kalshi.ws_log import import_ws_log
from market_bot.adapters.kalshi.ws_messages import decode_line
from market_bot.adapters.simulated.tape_venue import TapeVenue
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.bootstrap.taped_lane import assemble
from market_bot.core.domain import book as bk
from market_bot.core.domain.numbers import NEVER, NO_MONEY, Micros, Price, Size
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.view import Holdings, view_of
from market_bot.core.domain.world import World

_GOAL: Final = AtMost(1.6)
_NOTHING_HELD: Final = Holdings(positions=(), orders=(), cash=NO_MONEY)


def measure(setting: Setting) -> Iterator[Row]:
    """Yield the rows of each recorded format."""
    log = kalshi_log(setting)
    yield from _log_rows(setting, log)
    yield from _tape_against_log(setting, log)
    yield from _tape_rows(setting, log)
    stream = tickscope(setting)
    if stream is None:
        why = "no recorded data: MARKET_BOT_REFERENCE is not set"
        yield Row(measures="recorded Polymarket stream, as tape", skipped=why)
        return
    yield from _tape_rows(setting, stream)


def _log_rows(setting: Setting, log: Recording) -> Iterator[Row]:
    lines = sum(len(_lines(path)) for path in log.paths)
    sides: dict[str, Side] = {
        "gunzip": lambda: _gunzip(log.paths),
        "gunzip + decode": lambda: _gunzip_and_decode(log.paths),
        "books": lambda: _import_into(log, World()),
        "tick": lambda: _import_into(log, AskingWorld(interval=SECOND)),
        "record": lambda: _import_into(log, AskingWorld(interval=EVERY_RECORD)),
    }
    times = interleave(setting, sides)
    for side, what, goal in (
        ("books", "books only", None),
        ("tick", "strategy asked every second", _GOAL),
        ("record", "strategy asked at every record", _GOAL),
    ):
        yield times.row(
            f"{log.name}, gzip -> {what}",
            side,
            "gunzip + decode",
            units=lines,
            unit="lines",
            goal=goal,
        )
    yield times.row(
        f"{log.name}: gunzip's part of the peer",
        "gunzip",
        "gunzip + decode",
        units=lines,
        unit="lines",
    )


def _tape_against_log(setting: Setting, log: Recording) -> Iterator[Row]:
    """Yield the same data from our tape, beside decoding the log it was imported from."""
    tape = tape_of(setting, log)
    columns = cached(setting, tape)
    sides: dict[str, Side] = {
        "gunzip + decode": lambda: _gunzip_and_decode(log.paths),
        "tick": lambda: _play(TapeReader(tape), SECOND),
        "columns": lambda: _play(columns, SECOND),
        "record": lambda: _play(TapeReader(tape), EVERY_RECORD),
    }
    times = interleave(setting, sides)
    records = records_in(tape)
    for side, what in (
        ("tick", "every second"),
        ("columns", "every second, decoded before"),
        ("record", "at every record"),
    ):
        yield times.row(
            f"{log.name} as tape -> strategy asked {what}",
            side,
            "gunzip + decode",
            units=records,
            unit="records",
            goal=_GOAL,
            note="the peer decodes the log the tape was made from",
        )


def _tape_rows(setting: Setting, recording: Recording) -> Iterator[Row]:
    tape = tape_of(setting, recording)
    records = records_in(tape)
    idle = idle_settings(setting, recording.venue)
    trading = trading_settings(setting, recording.venue)
    sides: dict[str, Side] = {
        "decode": lambda: _decode_tape(tape),
        "tick": lambda: _play(TapeReader(tape), SECOND),
        "record": lambda: _play(TapeReader(tape), EVERY_RECORD),
        "idle loop": lambda: _trade(setting, recording.venue, tape, idle, SECOND),
        "full loop": lambda: _trade(setting, recording.venue, tape, trading, SECOND),
    }
    times = interleave(setting, sides)
    peer, name = "decode", f"{recording.name} as tape ->"
    note = "risk, paper matching and the journal on disk are on"
    rows = (
        ("tick", "strategy asked every second", _GOAL, ""),
        ("record", "strategy asked at every record", _GOAL, ""),
        ("idle loop", "whole bot, idle strategy, every second", None, note),
        ("full loop", "whole bot, bias_harvest, every second", None, note),
    )
    for side, what, goal, told in rows:
        yield times.row(
            f"{name} {what}", side, peer, units=records, unit="records", goal=goal, note=told
        )
    yield from _every_record(setting, recording, tape, records, trading)


def _every_record(
    setting: Setting, recording: Recording, tape: Path, records: int, trading: LaneSettings
) -> Iterator[Row]:
    # A line in the journal for every record: once is enough to know what that costs.
    once = attrs.evolve(setting, rounds=1)
    sides: Mapping[str, Side] = {
        "decode": lambda: _decode_tape(tape),
        "loop": lambda: _trade(setting, recording.venue, tape, trading, EVERY_RECORD),
    }
    yield interleave(once, sides, warm=False).row(
        f"{recording.name} as tape -> whole bot, bias_harvest, every record",
        "loop",
        "decode",
        units=records,
        unit="records",
        note="one round; a scan is journaled for every single record",
    )


@attrs.define(eq=False)
class AskingWorld(World):
    """A world that asks a strategy when ``interval`` has passed; 0 asks at every change."""

    interval: Micros = SECOND
    due: Micros = NEVER
    asked: int = 0

    def delta(
        self,
        market: str,
        side: bk.Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        World.delta(self, market, side, price, size, received, exchange)
        if received >= self.due:
            self.due = Micros(received + self.interval)
            self.asked += _ask(self)


def _ask(world: World) -> int:
    asked = 0
    for event in world.touched:
        want_nothing(view_of(world, event, world.now), None, _NOTHING_HELD)
        asked += 1
    world.touched.clear()
    return asked


def _gunzip(paths: tuple[Path, ...]) -> int:
    return sum(len(_lines(path)) for path in paths)


def _gunzip_and_decode(paths: tuple[Path, ...]) -> int:
    count = 0
    for path in paths:
        for line in _lines(path):
            try:
                decode_line(line)
            except msgspec.DecodeError:
                continue
            count += 1
    return count


def _lines(path: Path) -> list[bytes]:
    with gzip.open(path) as file:
        return file.read().splitlines()


def _import_into(log: Recording, world: World) -> World:
    import_ws_log(log.paths, world, metadata=log.metadata)
    return world


def _decode_tape(tape: Path) -> int:
    return sum(len(group.records) for group in TapeReader(tape).groups())


def _play(tape: TapeReader, interval: Micros) -> int:
    venue = TapeVenue([tape], interval=interval)
    world = World()
    asked = 0
    while (at := venue.next_tick()) is not None:
        venue.drain(world, at)
        asked += _ask(world)
    return asked


def _trade(
    setting: Setting, venue: str, tape: Path, settings: LaneSettings, interval: Micros
) -> None:
    assembled = assemble(
        inputs_of(venue, tape, settings, interval),
        setting.folder / "journal",
        fresh=True,
        controls=lambda _: lambda: (),
    )
    while assembled.lane.step(NEVER) is not None:
        pass
    if assembled.lane.snapshot.phase != "finished":
        msg = f"the run ended as {assembled.lane.snapshot.phase}: {assembled.lane.snapshot.error}"
        raise RuntimeError(msg)


benchmark = Benchmark(
    name="recorded_to_strategy",
    summary="recorded files through books to a strategy, beside bare decoding of the same files",
    measure=measure,
)
