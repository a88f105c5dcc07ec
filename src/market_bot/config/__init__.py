"""The settings: their schema and how they are read."""

from .canonical import canonical, config_hash, from_canonical
from .errors import ConfigError, show_path
from .loader import (
    Sourced,
    load_bot,
    load_venue,
    parse_bot,
    parse_venue,
    read_bot,
    read_venue,
    structure_params,
)
from .schema import BotConfig, Mode, StrategyConfig, VenueConfig

__all__ = [
    "BotConfig",
    "ConfigError",
    "Mode",
    "Sourced",
    "StrategyConfig",
    "VenueConfig",
    "canonical",
    "config_hash",
    "from_canonical",
    "load_bot",
    "load_venue",
    "parse_bot",
    "parse_venue",
    "read_bot",
    "read_venue",
    "show_path",
    "structure_params",
]
