"""Recorded changes of books through a whole replay that wants nothing, beside a foreign engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.nautilus import ABSENT, NAME, Engine, engines, quotients, write_events
from benchmarks.replays import cached, ran
from benchmarks.rows import AtLeast, Goal, Row
from benchmarks.setting import Benchmark, Setting
from benchmarks.workloads import EVERY_RECORD, SECOND, idle_settings, kalshi_log, tape_of
from market_bot.adapters.storage.tape_cache import CachedTape
from market_bot.adapters.storage.tape_reader import TapeReader

_GOALS: Final[dict[str, Goal]] = {"v1": AtLeast(12), "v2": AtLeast(3)}
_SIDES: Final = ("cache", "tape", "record")
_EACH: Final = 60_000
_NOTE: Final = (
    "processor time of the run; limits and the paper desk are on, no journal is kept; the foreign "
    "engine gets its objects made, ours is played from the decoded cache, prints included"
)


def measure(setting: Setting) -> Iterator[Row]:
    """Yield ours against every engine found, a tick a second and a tick for every record."""
    log = kalshi_log(setting)
    tape = tape_of(setting, log)
    events = setting.folder / "events.txt"
    changes = write_events(tape, events)
    found = engines(events)
    taken: dict[str, list[float]] = {name: [] for name in (*_SIDES, *found)}
    for _ in range(setting.rounds):
        _round(setting, tape, events, found, taken)
    name = f"{log.name}: {changes:,} changes, idle strategy"
    for peer, engine in found.items():
        yield _against(f"{name}, every second", "cache", peer, taken, changes, _GOALS[engine.kind])
    for peer in found:
        yield _against(f"{name}, at every record", "record", peer, taken, changes, None)
    if not found:
        yield Row(measures=f"{name}, beside it", peer_name=NAME, skipped=ABSENT)
    yield _against(f"{name}, every second, decoded cache", "cache", "tape", taken, changes, None)
    yield _against(f"{name}, asked at every record", "record", "cache", taken, changes, None)


def _round(
    setting: Setting,
    tape: Path,
    events: Path,
    found: dict[str, Engine],
    taken: dict[str, list[float]],
) -> None:
    venue = TapeReader(tape).header.venue
    settings, columns = idle_settings(setting, venue), cached(setting, tape)
    taken["cache"].append(ran(columns, settings, SECOND).seconds)
    taken["tape"].append(ran(TapeReader(tape), settings, SECOND).seconds)
    taken["record"].append(_every_record(setting, columns))
    for name, engine in found.items():
        run = engine.run(events, 0)
        assert run is not None, f"{name} ran before and does not now"
        taken[name].append(run.worked_s)


def _every_record(setting: Setting, columns: CachedTape) -> float:
    """Return what a replay with a tick for each record takes, told from its beginning."""
    settings = idle_settings(setting, columns.header.venue)
    most = setting.pick(_EACH, _EACH // 10, 100)
    done = ran(columns, settings, EVERY_RECORD, most=most)
    whole = sum(chunk.count for chunk in columns.chunks())
    return done.seconds * whole / done.replay.ticks


def _against(
    measures: str,
    ours: str,
    peer: str,
    taken: dict[str, list[float]],
    units: int,
    goal: Goal | None,
) -> Row:
    return Row(
        measures=measures,
        ours=units / median(taken[ours]) / 1000,
        peer_name=peer,
        peer=units / median(taken[peer]) / 1000,
        unit="k changes/s",
        ratio=quotients(taken[ours], taken[peer]),
        goal=goal,
        note=_NOTE if goal else "",
    )


benchmark = Benchmark(
    name="replay_noop",
    summary="recorded changes of books through a whole replay with an idle strategy",
    measure=measure,
)
