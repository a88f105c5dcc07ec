"""The pages of the documentation, as tests read them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


@attrs.frozen
class Block:
    """A fenced block of a page, without its indentation."""

    page: str
    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page in order."""
    name = page.relative_to(ROOT).as_posix()
    for _, language, body in _FENCE.findall(page.read_text(encoding="utf-8")):
        yield Block(name, language, textwrap.dedent(body))


EVERY = [block for page in PAGES for block in blocks(page)]


def written(language: str) -> list[Block]:
    """Return all blocks in one language."""
    return [block for block in EVERY if block.language == language]


def source(test: str | None) -> str:
    """Return the text of a test below ``tests``, "" if there is none of that name."""
    path = ROOT / "tests" / (test or "missing")
    return path.read_text(encoding="utf-8") if path.is_file() else ""
