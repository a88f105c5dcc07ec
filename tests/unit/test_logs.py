"""The log is JSON, a line each, and holds no secret wherever one was put."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from market_bot.adapters.system.redaction import Redaction
from market_bot.bootstrap.logs import EVENTS, json_handler, log_of
from market_bot.core.domain.notices import Kind, Level, Notice

CANARY = 'canary"4711\\nT0KEN'
REDACTION = Redaction([CANARY])


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Return what the loggers of this test have written."""
    stream = io.StringIO()
    handler = json_handler(REDACTION, stream)
    loggers = [logging.getLogger(name) for name in ("tests.logs", EVENTS)]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield stream
    for logger in loggers:
        logger.removeHandler(handler)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return the lines, decoded."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_any_logger_writes_json(written: io.StringIO) -> None:
    """What a library says is a line like our own, with level, name and time."""
    logging.getLogger("tests.logs").warning("asked %d times\nfor nothing", 3)

    (line,) = lines(written)
    assert "asked 3 times\nfor nothing" == line["event"]
    assert ("warning", "tests.logs") == (line["level"], line["logger"])
    assert line["ts"].endswith("Z")


def test_a_notice_is_a_line(written: io.StringIO) -> None:
    """What people are told stands in the log with its kind and urgency."""
    log_of(REDACTION)(Level.ALARM, Notice(Kind.HALT, "kalshi/live", "halted", ("a",)))

    (line,) = lines(written)
    assert ("halted", "halt", "kalshi/live", "alarm", "error", ["a"]) == tuple(
        line[key] for key in ("event", "kind", "lane", "urgency", "level", "detail")
    )


def test_no_secret_is_logged(written: io.StringIO) -> None:
    """Not in a message, an argument, an exception, or anything inside a field."""
    logger = logging.getLogger("tests.logs")
    try:
        int(CANARY)
    except ValueError:
        logger.exception("with %s", CANARY)
    logger.warning({"event": "x", "deep": [{"k": (CANARY, {CANARY: CANARY.encode()})}]})
    log_of(REDACTION)(Level.INFO, Notice(Kind.ERROR, CANARY, CANARY, (CANARY,)))

    assert 3 == len(lines(written))
    assert "canary" not in written.getvalue()
    assert "4711" not in written.getvalue()
    assert "***" in written.getvalue()
