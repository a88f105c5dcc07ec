"""What one more variant costs in a replay that takes twenty of them through one pass."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

import attrs

from benchmarks.rows import AtMost, Row
from benchmarks.setting import Benchmark, Setting
from benchmarks.workloads import (
    EVERY_RECORD,
    SECOND,
    Recording,
    kalshi_log,
    records_in,
    tape_of,
    tickscope,
)
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.bootstrap.replay_run import replay_of
from market_bot.bootstrap.settings import settings_of
from market_bot.config.defaults import default_files
from market_bot.config.loader import parse_venue
from market_bot.config.overrides import Override, override
from market_bot.core.domain.fills.terms import FillModel
from market_bot.core.domain.numbers import Micros
from market_bot.core.usecases.replay import Plan

VARIANTS: Final = 20
_GOAL: Final = AtMost(0.25)
_ONE: Final = FillModel.PESSIMISTIC.value


def measure(setting: Setting) -> Iterator[Row]:
    """Yield the cost of the 2nd to 20th variant beside that of the first."""
    log = kalshi_log(setting)
    yield from _rows(setting, log, SECOND, "every second")
    yield from _rows(setting, log, EVERY_RECORD, "at every record", rounds=1)
    stream = tickscope(setting)
    if stream is None:
        why = "no recorded data: MARKET_BOT_REFERENCE is not set"
        yield Row(measures="recorded Polymarket stream, 20 variants", skipped=why)
        return
    yield from _rows(setting, stream, SECOND, "every second")


def _rows(
    setting: Setting, recording: Recording, interval: Micros, asked: str, rounds: int | None = None
) -> Iterator[Row]:
    tape = tape_of(setting, recording)
    mixed = variants(recording.venue, VARIANTS)
    models = [attrs.evolve(mixed[0], model=model.value) for model in FillModel]
    first, all_of_them, band = [], [], []
    for _ in range(rounds or setting.rounds):
        first.append(_seconds(tape, mixed[:1], interval, recording.venue))
        all_of_them.append(_seconds(tape, mixed, interval, recording.venue))
        band.append(_seconds(tape, models, interval, recording.venue))
    more = [(many - one) / (VARIANTS - 1) for one, many in zip(first, all_of_them, strict=True)]
    name = f"{recording.name}, asked {asked}"
    note = f"processor time; {records_in(tape):,} records"
    yield Row(
        measures=f"{name}: each of the 2nd to 20th variant",
        ours=median(more) * 1000,
        peer_name="the first, data included",
        peer=median(first) * 1000,
        unit="ms",
        ratio=median(m / one for m, one in zip(more, first, strict=True)),
        goal=_GOAL,
        note=note,
    )
    yield Row(
        measures=f"{name}: 20 variants in one pass",
        ours=median(all_of_them) * 1000,
        peer_name="20 passes",
        peer=median(first) * VARIANTS * 1000,
        unit="ms",
        ratio=median(m / (one * VARIANTS) for m, one in zip(all_of_them, first, strict=True)),
        note="20 passes are 20 times the first",
    )
    yield Row(
        measures=f"{name}: three fill models",
        ours=median(band) * 1000,
        peer_name="one fill model",
        peer=median(first) * 1000,
        unit="ms",
        ratio=median(m / one for m, one in zip(band, first, strict=True)),
        note="what the band of results costs",
    )


def variants(venue: str, count: int) -> list[Plan]:
    """Return the default settings and changes of them: sizes, a knob, an exit, a cooldown."""
    name = f"{venue}.yaml"
    base = parse_venue(default_files()[name], name)
    strategy = base.config.strategies[0].name
    knob = {"bias_harvest": "gain"}.get(strategy, "min_edge")
    plans = []
    for number in range(count):
        changes = (
            Override("sizing.order_usd", f"{10 - number * 0.1:.1f}"),
            Override(f"strategies.{strategy}.params.{knob}", f"{1.15 + number * 0.01:.2f}"),
            Override("exits.stop_loss.distance", f"{0.05 + number * 0.01:.2f}"),
            Override("cooldown.after_exit_seconds", str(300 + number)),
        )
        chosen = [changes[number % len(changes)]] if number else []
        settings = settings_of(override(base, chosen))
        plans.append(Plan(name=f"v{number}", model=_ONE, settings=settings))
    return plans


def _seconds(tape: Path, plans: Sequence[Plan], interval: Micros, venue: str) -> float:
    replay = replay_of([TapeReader(tape)], plans, interval, venue)
    gc.collect()
    began = time.process_time()
    replay.run()
    seconds = time.process_time() - began
    assert replay.complete
    assert len(plans) == len([lane.result() for lane in replay.lanes])
    return seconds


benchmark = Benchmark(
    name="replay_variants",
    summary="20 variants of a configuration in one pass over recorded data, and three fill models",
    measure=measure,
)
