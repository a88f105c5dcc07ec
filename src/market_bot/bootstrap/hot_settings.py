"""The settings that may follow others while a lane trades."""

from __future__ import annotations

from market_bot.bootstrap.settings import lane_settings
from market_bot.config.canonical import from_canonical
from market_bot.config.errors import ConfigError, show_path
from market_bot.config.hot import restart_needed
from market_bot.core.domain.hot_change import SettingsRefused
from market_bot.core.domain.settings import LaneSettings


def successor(before: LaneSettings, text: str) -> LaneSettings:
    """Return the settings that a canonical text means, for a lane that trades with ``before``.

    Raises:
        SettingsRefused: if they cannot be used, or only after a restart.

    """
    try:
        old, new = from_canonical(before.text), from_canonical(text)
        settings = lane_settings(new)
    except ConfigError as e:
        raise SettingsRefused(e.lines[0]) from e
    for path, message in restart_needed(old, new):
        msg = f"{show_path(path)}: {message}"
        raise SettingsRefused(msg)
    return settings
