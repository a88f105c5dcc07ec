"""The last things the program said, for the dashboard; secrets are taken out by their value."""

from __future__ import annotations

import logging
from collections import deque
from typing import Final

from market_bot.adapters.system.redaction import Redaction
from market_bot.core.domain.numbers import SECOND, Micros, format_time
from market_bot.core.ports.dashboard import MessageRow

KEPT: Final = 100
_TEXT_MAX: Final = 500


class MessageRing(logging.Handler):
    """Keeps the last messages of all loggers; made once and added to the root.

    Args:
        redaction: knows what must never be shown.

    """

    def __init__(self, redaction: Redaction | None = None) -> None:
        super().__init__(logging.WARNING)
        self._redaction = redaction or Redaction()
        self._kept: deque[MessageRow] = deque(maxlen=KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        text = self.hide(" ".join(record.getMessage().split()))[:_TEXT_MAX]
        at = format_time(Micros(round(record.created * SECOND)))
        self._kept.append(MessageRow(at=at, level=record.levelname.lower(), text=text))

    def hide(self, text: str) -> str:
        """Return a text without any secret."""
        return self._redaction.hide(text)

    def messages(self) -> tuple[MessageRow, ...]:
        """Return what is kept, the oldest first."""
        return tuple(self._kept)
