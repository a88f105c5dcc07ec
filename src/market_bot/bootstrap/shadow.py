"""Shadows of lanes: the settings before a trial, and the desk on paper they trade at."""

from __future__ import annotations

from collections.abc import Iterable

from market_bot.adapters.simulated.paper_desk import paper_desk
from market_bot.bootstrap.settings import settings_of
from market_bot.config.errors import ConfigError
from market_bot.config.overrides import Override, from_journal, override
from market_bot.core.domain import events as ev
from market_bot.core.domain.hot_change import SettingsRefused
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.ports.execution import Execution
from market_bot.core.ports.journal import Entry
from market_bot.core.usecases.shadow_lane import ShadowLane
from market_bot.core.usecases.trade_lane import Controls, LaneTrader


def former(settings: LaneSettings, path: str, before: str) -> LaneSettings:
    """Return settings with the knob at a path turned back.

    Raises:
        SettingsRefused: if the earlier value cannot be together with the others.

    """
    try:
        return settings_of(override(from_journal(settings.text), [Override(path, before)]))
    except ConfigError as e:
        raise SettingsRefused(e.lines[0]) from e


def shadow_of(trader: LaneTrader, venue: str) -> ShadowLane:
    """Return what runs beside a lane while it is on trial; the lane takes it along."""

    def desk(settings: LaneSettings) -> Execution:
        return paper_desk(venue, settings.fills, trader.world, trader.data.capabilities)

    shadow = ShadowLane(lane=trader, former=former, desk=desk)
    trader.beside = shadow
    return shadow


def with_shadow(controls: Controls, shadow: ShadowLane) -> Controls:
    """Return what a lane takes from outside, and what its shadow has to tell."""
    return lambda: (*controls(), *shadow.take())


def open_trial(lines: Iterable[Entry]) -> tuple[ev.TrialStarted, Micros] | None:
    """Return the trial that was begun and not ended, and when it was begun."""
    found: tuple[ev.TrialStarted, Micros] | None = None
    for entry in lines:
        match entry.event:
            case ev.TrialStarted() as started:
                found = (started, entry.at)
            case ev.TrialEnded(trial=trial) if found is not None and found[0].trial == trial:
                found = None
            case _:
                pass
    return found
