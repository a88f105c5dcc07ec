"""What may be proposed for a settings file as it stands now."""

from __future__ import annotations

from market_bot.bootstrap.settings import settings_of
from market_bot.config.loader import Sourced
from market_bot.config.overrides import Override, place_of
from market_bot.config.schema import VenueConfig
from market_bot.config.strict_yaml import ScalarNode
from market_bot.core.domain.tuning.allowlist import Allowlist
from market_bot.core.domain.tuning.knobs import all_knobs


def allowlist_of(sourced: Sourced[VenueConfig], file: str) -> Allowlist:
    """Return the knobs of a venue's file; only those with a line of their own can be turned.

    Args:
        sourced: the file as it was read.
        file: its name, such as ``kalshi.yaml``.

    Raises:
        ConfigError: if the settings are not valid.

    """
    settings, document = settings_of(sourced), sourced.source
    data = document.data()
    written = {
        path
        for path, _, _ in all_knobs(settings)
        if isinstance(document.node_at(place_of(data, Override(path, ""))), ScalarNode)
    }
    return Allowlist.of(file, settings, written=written)
