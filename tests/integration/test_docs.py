"""What the pages say is true: links lead somewhere, commands run, code works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from market_bot.bootstrap.cli.app import app
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.view import Holdings, View

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
FENCE = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page in one language."""
    text = page.read_text(encoding="utf-8")
    return [body for name, body in FENCE.findall(text) if name == language]


def market_bot(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run one command on a home."""
    return subprocess.run(
        [sys.executable, "-m", "market_bot", *words, "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home in which the sample market was traded."""
    place = tmp_path_factory.mktemp("docs") / "home"
    done = market_bot("run", "--tape", "sample", "--no-web", home=place)
    assert 0 == done.returncode, done.stderr
    return place


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page points to a file that exists."""
    text = page.read_text(encoding="utf-8")
    targets = [target for target in LINK.findall(text) if "://" not in target]

    missing = [target for target in targets if not (page.parent / target).exists()]

    assert [] == missing


def _commands() -> list[str]:
    found = []
    for page in PAGES:
        for body in blocks(page, "console"):
            found += [line[2:] for line in body.splitlines() if line.startswith("$ ")]
    return found


@pytest.mark.parametrize("command", _commands())
def test_commands_of_the_pages_run(command: str, home: Path) -> None:
    """A command shown with a prompt succeeds on a home that was used once."""
    program, *words = shlex.split(command)

    done = market_bot(*words, home=home)

    assert "market-bot" == program
    assert (0, "") == (done.returncode, done.stderr)


def test_every_command_is_listed() -> None:
    """The page of commands names each command the program has."""
    text = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    names = {name for name in app if not name.startswith("-")}

    assert set() == {name for name in names if f"`{name}" not in text}


def test_the_strategy_of_the_guide_works() -> None:
    """The code of the guide defines a strategy that answers an empty view."""
    (source,) = blocks(ROOT / "docs/how-to/write-a-strategy.md", "python")
    module = ModuleType("guide")
    exec(compile(source, "guide", "exec"), module.__dict__)  # noqa: S102 - our own page
    strategy = module.strategy
    view = View(event="E", family="F", as_of=0, markets=(), references={})  # type: ignore[arg-type]  # a plain time
    holdings = Holdings(positions=(), orders=(), cash=0)  # type: ignore[arg-type]  # no money

    assert isinstance(strategy, Strategy)
    assert [] == list(strategy.decide(view, strategy.params(), holdings))
