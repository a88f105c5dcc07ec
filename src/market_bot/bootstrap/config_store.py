"""The settings files of a home, as the core changes them."""

from __future__ import annotations

from pathlib import Path

from market_bot.adapters.storage.config_files import ConfigFiles, Tried
from market_bot.adapters.storage.durable_file import Files, RealFiles
from market_bot.bootstrap.settings import settings_of
from market_bot.config.canonical import config_hash
from market_bot.config.errors import ConfigError
from market_bot.config.exact_edit import StaleValueError, edit_exactly
from market_bot.config.loader import parse_bot, parse_venue
from market_bot.core.ports.config_store import StaleConfigError, UnfitChangeError

_BOT = "bot.yaml"


def config_files(folder: Path, files: Files | None = None) -> ConfigFiles:
    """Return the settings files of a folder: what cannot be loaded is never written."""
    return ConfigFiles(folder=folder, edit=_edit, check=_check, files=files or RealFiles())


def _edit(data: bytes, name: str, path: str, before: str, after: str) -> Tried:
    try:
        edit = edit_exactly(data, name, path, before=before, after=after)
    except StaleValueError as e:
        raise StaleConfigError(e.lines[0]) from e
    except ConfigError as e:
        raise UnfitChangeError(e.lines[0]) from e
    return Tried(
        data=edit.data,
        before=edit.before,
        line=edit.line,
        old_line=edit.old_line,
        new_line=edit.new_line,
    )


def _check(data: bytes, name: str) -> str:
    try:
        if name == _BOT:
            return config_hash(parse_bot(data, name).config)
        sourced = parse_venue(data, name)
        settings_of(sourced)
        return config_hash(sourced.config)
    except ConfigError as e:
        raise UnfitChangeError(e.lines[0]) from e
