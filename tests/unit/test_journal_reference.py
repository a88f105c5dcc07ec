"""The reference page of the journal."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.bootstrap.event_reference import render
from market_bot.core.domain.events import EVENT_TYPES
from tests.fakes.journal_facts import CHAIN, CONFIG, HALT, START

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "journal.md"


def test_the_page_is_up_to_date() -> None:
    """Run ``python -m market_bot.bootstrap.event_reference > docs/reference/journal.md``."""
    assert render() == PAGE.read_text(encoding="utf-8")


def test_every_type_has_a_section() -> None:
    """No fact is left out, and none is described that does not exist."""
    assert list(EVENT_TYPES) == re.findall(r"^### (\w+)$", render(), re.MULTILINE)


def test_a_line_can_be_checked_the_way_the_page_says(tmp_path: Path) -> None:
    """The recipe on the page needs nothing of ours, and it works."""
    with JsonlJournal(tmp_path, CHAIN, "boot") as journal:
        journal.append(HALT, START, CONFIG)
    line = next(tmp_path.iterdir()).read_text(encoding="utf-8").rstrip("\n")
    body, told = line[:-75] + "}", json.loads(line)["hash"]

    assert told == sha256(body.encode()).hexdigest()
    assert 'body, told = line[:-75] + "}", json.loads(line)["hash"]' in render()
