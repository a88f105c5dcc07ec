"""Every secret that a home holds, for whatever has to keep them out of sight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from market_bot.adapters.storage.home import Home
from market_bot.adapters.system.redaction import Redaction
from market_bot.adapters.system.secrets import SecretsError, load_secrets

METRICS_TOKEN: Final = "METRICS_TOKEN"  # noqa: S105 - the name of a line in .env
_A_FILE: Final = "_FILE"
_BYTES_MAX: Final = 64 * 1024


def redaction_of(home: Home) -> Redaction:
    """Return what hides all secrets of a home; nothing where their file cannot be read.

    What cannot be read cannot have been loaded either.
    """
    return Redaction(known_secrets(home))


def known_secrets(home: Home) -> Iterator[str]:
    """Yield the values in ``.env``; where one names a file of a key, what is in that file."""
    try:
        secrets = load_secrets(home.env_file)
    except SecretsError:
        return
    for name, value in secrets.items():
        if name.endswith(_A_FILE):
            yield from _read(home.path / Path(value).expanduser())
        elif value:
            yield value


def _read(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            yield file.read(_BYTES_MAX).decode("utf-8", errors="replace")
    except OSError:
        return
