"""What the program says, a line of JSON each, without any secret.

Standard logging of this program and of its libraries goes through the same formatter. Every text in
a line is cleaned before the line is put together, so that it stays JSON whatever a secret looks
like.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TextIO

import structlog

from market_bot.adapters.storage.home import Home
from market_bot.adapters.system.redaction import Redaction
from market_bot.bootstrap.known_secrets import redaction_of
from market_bot.core.domain.notices import Level, Notice
from market_bot.core.usecases.notify import Log

EVENTS: Final = "events"
"""Beside the program's own loggers: what is heard here was noted in the journal."""

_DEPTH_MAX: Final = 8
_ITEMS_MAX: Final = 200
_LOUD: Final = ("anthropic", "apprise", "httpcore", "httpx", "httpx2", "urllib3", "websockets")
_LEVELS: Final = {
    Level.NEVER: logging.DEBUG,
    Level.INFO: logging.INFO,
    Level.NOTICE: logging.INFO,
    Level.WARNING: logging.WARNING,
    Level.ALARM: logging.ERROR,
}


@contextlib.contextmanager
def logging_as(home: Home) -> Iterator[None]:
    """Write JSON to standard error while this lasts, without any secret of a home."""
    handler = json_handler(redaction_of(home), sys.stderr)
    root = logging.getLogger()
    level, told = root.level, logging.raiseExceptions
    # A line that cannot be written must not bring a traceback with what it held.
    logging.raiseExceptions = False
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        logging.raiseExceptions = told


def json_handler(redaction: Redaction, stream: TextIO) -> logging.Handler:
    """Return what writes every record as a line of JSON without secrets."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name],
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _Cleaned(redaction),
                structlog.processors.JSONRenderer(ensure_ascii=True),
            ],
        )
    )
    return handler


def log_of(redaction: Redaction) -> Log:
    """Return what writes a notice to the log."""
    logger = structlog.wrap_logger(
        logging.getLogger(EVENTS),
        processors=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )

    def log(level: Level, notice: Notice) -> None:
        logger.log(
            _LEVELS[level],
            redaction.hide(notice.text),
            kind=notice.kind.value,
            lane=notice.lane,
            urgency=level.value,
            **({"detail": list(notice.detail)} if notice.detail else {}),
        )

    return log


class _Cleaned:
    """Takes secrets out of every text of a line, however deep."""

    def __init__(self, redaction: Redaction) -> None:
        self._hide = redaction.hide

    def __call__(self, _logger: object, _method: str, line: Any) -> dict[str, Any]:  # noqa: ANN401 - structlog's own
        cleaned = self._clean(line, 0)
        return cleaned if isinstance(cleaned, dict) else {"event": cleaned}

    def _clean(self, value: object, depth: int) -> object:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._hide(value)
        if isinstance(value, int | float):
            shown = str(value)
            return value if self._hide(shown) == shown else self._hide(shown)
        if depth < _DEPTH_MAX and isinstance(value, Mapping):
            items = list(value.items())[:_ITEMS_MAX]
            return {self._hide(str(key)): self._clean(item, depth + 1) for key, item in items}
        if depth < _DEPTH_MAX and isinstance(value, Sequence) and not isinstance(value, bytes):
            return [self._clean(item, depth + 1) for item in value[:_ITEMS_MAX]]
        return self._hide(repr(value))
