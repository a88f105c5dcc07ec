"""The same inputs twice: byte-identical journals, a proof of them, and how fast that goes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.lives import VENUE, invented_tape
from benchmarks.replays import cached, ran
from benchmarks.rows import AtMost, Row
from benchmarks.setting import Benchmark, Setting
from benchmarks.workloads import (
    SECOND,
    inputs_of,
    kalshi_log,
    records_in,
    tape_of,
    tickscope,
    trading_settings,
)
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.bootstrap.prove_run import prove_run
from market_bot.bootstrap.run_inputs import TapedInputs
from market_bot.bootstrap.taped_lane import assemble
from market_bot.core.domain.numbers import NEVER
from market_bot.core.ports.journal import Chain


def measure(setting: Setting) -> Iterator[Row]:
    """Yield a row per tape: replayed, replayed again, and proven."""
    yield _twice(setting, "invented afternoon", VENUE, invented_tape(setting))
    for recording in (kalshi_log(setting), tickscope(setting)):
        if recording is None:
            why = "no recorded data: MARKET_BOT_REFERENCE is not set"
            yield Row(measures="recorded Polymarket stream, replayed twice", skipped=why)
        else:
            tape = tape_of(setting, recording)
            yield _twice(setting, recording.name, recording.venue, tape)
            yield _replayed(setting, recording.name, recording.venue, tape)


def _twice(setting: Setting, name: str, venue: str, tape: Path) -> Row:
    inputs = inputs_of(venue, tape, trading_settings(setting, venue), SECOND)
    home = Home(setting.folder / "home" / venue)
    traded: list[float] = []
    proven: list[float] = []
    hashes: set[str] = set()
    lines = 0
    for number in range(max(2, setting.rounds)):
        place = home.journal_dir / str(number)
        began = time.perf_counter()
        chain, folder = _replay(inputs, place)
        between = time.perf_counter()
        lines = prove_run(place, chain, [tape], home).lines
        proven.append(time.perf_counter() - between)
        traded.append(between - began)
        hashes.add(_hash(folder))
    assert len(hashes) == 1, f"{name}: replays of the same tape differ"
    records = records_in(tape)
    return Row(
        measures=f"{name}: replayed {len(traded)} times, one journal of {lines:,} lines",
        ours=records / median(proven) / 1000,
        peer_name="first replay",
        peer=records / median(traded) / 1000,
        unit="k records/s",
        ratio=float(len(hashes)),
        goal=AtMost(1.0),
        note="ours: deriving every fact again; ratio: how many different journals came out",
    )


def _replayed(setting: Setting, name: str, venue: str, tape: Path) -> Row:
    """Replay decoded columns and the tape: every fact and every result has to be the same."""
    settings = trading_settings(setting, venue)
    sources = {"columns": cached(setting, tape), "tape": TapeReader(tape)}
    taken: dict[str, list[float]] = {side: [] for side in sources}
    hashes: set[str] = set()
    facts = 0
    for _ in range(max(2, setting.rounds)):
        for side, source in sources.items():
            told: list[object] = []
            done = ran(source, settings, SECOND, observe=lambda *fact, told=told: told.append(fact))
            taken[side].append(done.seconds)
            facts = len(told)
            told.extend(lane.result() for lane in done.replay.lanes)
            hashes.add(hashlib.sha256(repr(told).encode()).hexdigest())
    assert len(hashes) == 1, f"{name}: replays of the same data differ"
    records = records_in(tape)
    return Row(
        measures=f"{name}: replays of columns and of the tape, {facts:,} facts each",
        ours=records / median(taken["columns"]) / 1000,
        peer_name="from the tape",
        peer=records / median(taken["tape"]) / 1000,
        unit="k records/s",
        ratio=float(len(hashes)),
        goal=AtMost(1.0),
        note="no journal is kept; ratio: how many different lists of facts and results came out",
    )


def _replay(inputs: TapedInputs, place: Path) -> tuple[Chain, Path]:
    assembled = assemble(inputs, place, fresh=True, controls=lambda _: lambda: ())
    while assembled.lane.step(NEVER) is not None:
        pass
    assert assembled.lane.snapshot.phase == "finished", assembled.lane.snapshot.error
    return assembled.chain, assembled.folder


def _hash(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        whole.update(path.name.encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


benchmark = Benchmark(
    name="determinism",
    summary="replays of one tape give one journal, and it can be proven",
    measure=measure,
)
