"""Replays to be measured: one variant over one tape, with every limit and the paper desk on."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Final

import attrs

from benchmarks.setting import Setting
from market_bot.adapters.storage.tape_cache import CachedTape
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.bootstrap.replay_run import replay_of
from market_bot.core.domain.fills.terms import FillModel
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.usecases.record_facts import Observer
from market_bot.core.usecases.replay import Plan, Replay

_MODEL: Final = FillModel.PESSIMISTIC.value


@attrs.frozen
class Ran:
    """What one replay took on the processor, and the replay itself."""

    seconds: float
    replay: Replay


def cached(setting: Setting, tape: Path) -> CachedTape:
    """Return a tape whose columns are in the benchmark's folder, decoded when first asked for."""
    found = CachedTape(tape, setting.folder / "cache")
    found.open()
    return found


def ran(
    tape: TapeReader,
    settings: LaneSettings,
    interval: Micros,
    *,
    most: int | None = None,
    observe: Observer | None = None,
) -> Ran:
    """Replay a tape, or its first ``most`` ticks; tell somebody of every fact."""
    plan = Plan(name="measured", model=_MODEL, settings=settings)
    replay = replay_of([tape], [plan], interval, tape.header.venue, observe)
    gc.collect()
    began = time.process_time()
    if most is None:
        replay.run()
    else:
        while replay.ticks < most and replay.step():
            pass
    return Ran(time.process_time() - began, replay)
