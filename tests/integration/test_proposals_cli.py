"""``market-bot proposals``: what could be proposed, for people and for scripts."""

import json
from pathlib import Path

import pytest

from market_bot.bootstrap.cli import main
from tests.fakes.tuning import MIN_EDGE, pinned


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return a home with the default settings."""
    place = tmp_path / "home"
    assert 0 == main(["init", "--home", str(place)])
    capsys.readouterr()
    return place


def test_the_whole_list_needs_no_home(capsys: pytest.CaptureFixture[str]) -> None:
    """Every knob of the pinned list is printed with its bounds, and no other."""
    assert 0 == main(["proposals", "knobs"])
    title, *lines = capsys.readouterr().out.splitlines()
    assert 0 == main(["proposals", "knobs", "--json"])
    rows = json.loads(capsys.readouterr().out)

    known = pinned()
    assert ["path", "low", "high", "step", "unit"] == title.split()
    assert [[r.path, r.low, r.high, r.step, r.unit] for r in known.values()] == [
        line.split() for line in lines
    ]
    assert list(known) == [row["path"] for row in rows]


def test_a_venue_shows_what_it_may_become(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Present value and next values; what has no line in the file has none."""
    words = ["proposals", "knobs", "--venue", "kalshi", "--home", str(home)]

    assert 0 == main([*words, "--json"])
    rows = {row["path"]: row for row in json.loads(capsys.readouterr().out)}
    assert 0 == main(words)
    text = capsys.readouterr().out

    assert ("0.01", ["0.008", "0.012"]) == (rows[MIN_EDGE]["value"], rows[MIN_EDGE]["next"])
    assert ("0.25", []) == (
        rows["sizing.kelly_fraction"]["value"],
        rows["sizing.kelly_fraction"]["next"],
    )
    assert rows["sizing.contracts"]["value"] is None
    assert "0.008 or 0.012" in text
    assert len(rows) + 1 == len(text.splitlines())


def test_an_unknown_venue_is_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says which venues there are."""
    assert 2 == main(["proposals", "knobs", "--venue", "nyse", "--home", str(home)])

    (line,) = capsys.readouterr().err.splitlines()
    assert "there are kalshi, polymarket, simulated" in line
