"""Trials at a running bot: each lane that follows its settings file has a watcher of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import attrs

from market_bot.adapters.storage.fact_finder import FactFinder
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.bootstrap.lane_config import LaneConfig
from market_bot.bootstrap.night_work import TYPES
from market_bot.bootstrap.running_bot import LaneActor, RunningBot
from market_bot.bootstrap.settings import lane_settings
from market_bot.config.canonical import from_canonical
from market_bot.config.errors import ConfigError
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros, Money
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.tuning.knobs import all_knobs
from market_bot.core.ports.journal import Chain, Entry
from market_bot.core.usecases.watch_trial import HISTORY, Past, Present, WatchTrial

BUDGET_SHARE: Final = 4
"""A trial may lose a quarter of what the lane may lose in a day."""

_DAILY_LOSS: Final = "max_daily_loss_usd"
_ALIVE: Final = frozenset({"trading", "waiting"})


@attrs.frozen
class WrittenPast(Past):
    """A lane's journal as its files have it."""

    home: Home
    chain: Chain

    def told(self) -> Iterator[Entry]:
        return self._finder.find(TYPES)

    def since(self, at: Micros) -> Iterator[Entry]:
        return self._reader.read_from(at)

    def after(self, seq: int) -> Iterator[Entry]:
        return self._reader.read_from_seq(seq + 1)

    def history(self, since: Micros) -> Iterator[Entry]:
        return self._finder.find(HISTORY, since)

    @property
    def _finder(self) -> FactFinder:
        return FactFinder(chain_folder(self.home.journal_dir, self.chain))

    @property
    def _reader(self) -> JournalReader:
        return JournalReader(chain_folder(self.home.journal_dir, self.chain), self.chain)


def knob_value(text: str, path: str) -> str | None:
    """Return a knob's value in the canonical text of a configuration; None if it has none."""
    try:
        settings = lane_settings(from_canonical(text))
    except ConfigError:
        return None
    return next((value for known, _, value in all_knobs(settings) if known == path), None)


def budget_of(settings: LaneSettings) -> Money:
    """Return what a trial of a lane with these settings may lose."""
    return Money(max(1, settings.limits[_DAILY_LOSS] // BUDGET_SHARE))


def watcher(
    home: Home,
    chain: Chain,
    lane: LaneActor,
    bot: RunningBot,
    config: LaneConfig,
    settings: Callable[[], LaneSettings],
    tell: Callable[[ev.Event], None],
) -> WatchTrial:
    """Return what watches the changes of a lane that runs."""

    def present() -> Present:
        picture = lane.snapshot
        held = {(one.position.market, one.position.leg): one.position for one in picture.positions}
        return Present(
            ready=picture.phase in _ALIVE and bool(picture.at) and not bot.over(lane.name),
            head=picture.head[0],
            at=picture.at,
            held={key: position.size for key, position in held.items()},
        )

    return WatchTrial(
        chain=str(chain),
        file=config.file,
        past=WrittenPast(home, chain),
        present=present,
        value=knob_value,
        budget=lambda: budget_of(settings()),
        store=config.store,
        put=lambda fact: bot.offer(lane.name, fact),
        apply=lambda edit, by, cause: config.apply(edit, by=by, cause=cause),
        tell=tell,
        shadow=True,
    )
