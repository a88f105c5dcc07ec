"""The files an operator starts from."""

from __future__ import annotations

from importlib import resources
from typing import Final

FILE_NAMES: Final = ("bot.yaml", "kalshi.yaml", "polymarket.yaml", "simulated.yaml")


def default_files() -> dict[str, bytes]:
    """Return the default settings files by name."""
    folder = resources.files(__name__)
    return {name: folder.joinpath(name).read_bytes() for name in FILE_NAMES}
