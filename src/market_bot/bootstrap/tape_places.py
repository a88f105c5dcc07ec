"""Where tapes lay when they were traded: a convenience that may be deleted at any time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from market_bot.adapters.storage.home import Home

_MOST: Final = 200


class TapePlaces:
    """A short list of paths below ``state/``; wrong entries cost a question, never a truth."""

    def __init__(self, home: Home) -> None:
        self._path = home.state_dir / "tapes.json"

    def known(self) -> list[Path]:
        """Return the remembered paths, newest last; none if the list cannot be read."""
        try:
            listed = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return [Path(text) for text in listed if isinstance(text, str)]

    def remember(self, paths: Sequence[Path]) -> None:
        """Add paths; failing to is harmless."""
        new = [str(path.absolute()) for path in paths]
        listed = [str(path) for path in self.known() if str(path) not in new]
        with contextlib.suppress(OSError):
            self._path.write_text(json.dumps([*listed, *new][-_MOST:]), encoding="utf-8")
