"""Real bots trade while their settings are edited, broken, put back, and changed behind them."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from market_bot.adapters.storage.home import Home
from tests.fakes.bot_process import BotProcess, WarmBots, facts, wait_until
from tests.fakes.live_kalshi import LiveKalshi, a_live_home

SIM = ("run", "--no-web", "--speed", "120", "--json")
KALSHI = ("run", "--venue", "kalshi", "--no-web")


@pytest.fixture(autouse=True)
def _nobody_left(bots: WarmBots) -> Iterator[None]:
    """End the bots of a test that fails."""
    yield
    bots.end_all()


@pytest.fixture
def home(tmp_path: Path, bots: WarmBots) -> Home:
    """Return a home with the default settings."""
    place = Home(tmp_path / "home")
    assert 0 == bots.run("init", "--home", place.path).code
    return place


def edit(home: Home, old: str, new: str, venue: str = "simulated") -> None:
    """Replace one text of a settings file in place, as editors do."""
    path = home.venue_file(venue)
    text = path.read_text(encoding="utf-8")
    assert 1 == text.count(old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def lines(home: Home, lane: str = "simulated/sim") -> list[dict[str, Any]]:
    """Return every whole line of a lane's journal."""
    files = sorted((home.journal_dir / lane).rglob("*.jsonl"))
    return [json.loads(line) for f in files for line in f.read_bytes().split(b"\n")[:-1]]


def of_type(home: Home, kind: str, lane: str = "simulated/sim") -> list[dict[str, Any]]:
    """Return the lines of one type."""
    return [line for line in lines(home, lane) if line["type"] == kind]


def comes(home: Home, bot: BotProcess, kind: str, count: int, lane: str = "simulated/sim") -> bool:
    """Wait until there are so many lines of a type."""
    assert wait_until(lambda: len(of_type(home, kind, lane)) >= count or bot.over())
    return not bot.over()


def ask(bots: WarmBots, home: Home, *words: object) -> str:
    """Run a command on the home and return what it said."""
    done = bots.run(*words, "--home", home.path)
    assert 0 == done.code, done.stderr
    return done.stdout


@pytest.mark.slow
def test_settings_change_while_a_bot_trades(bots: WarmBots, home: Home) -> None:
    """A good edit, a bad one, one that is too loose, a version of the past; and all is proven."""
    bot = bots.start(*SIM, "--home", home.path)
    assert comes(home, bot, "scan", 3)
    edit(home, "  order_usd: 20\n", "  order_usd: 8\n")
    assert comes(home, bot, "config_changed", 1), bot.stderr
    edit(home, "  order_usd: 8\n", "  order_usd: eight\n")
    assert comes(home, bot, "error", 1), bot.stderr
    edit(home, "  order_usd: eight\n", "  order_usd: 8\n")
    edit(home, "  max_order_usd: 25\n", "  max_order_usd: 26\n")
    assert comes(home, bot, "error", 2), bot.stderr
    assert "settings: simulated.yaml:" in ask(bots, home, "status")
    begun = lines(home)[0]["cfg"]
    shown = ask(bots, home, "config", "restore", begun, "--dry-run")
    assert "+  order_usd: 20" in shown
    assert "+  max_order_usd: 25" in shown
    ask(bots, home, "config", "restore", begun)
    assert comes(home, bot, "config_changed", 2), bot.stderr
    assert "settings: " not in ask(bots, home, "status")
    refused = bots.run("config", "restore", "0000", "--home", home.path)
    assert (2, True) == (refused.code, "no version" in refused.stderr)
    bot.signal(signal.SIGINT)
    assert 0 == bot.wait(), bot.stderr

    bad, loose = of_type(home, "error")
    assert bad["data"]["where"] == "config:bad_edit"
    assert bad["data"]["message"].startswith("simulated.yaml:")
    assert loose["data"]["where"] == "config:needs_restart"
    changes = of_type(home, "config_changed")
    assert ["file", changes[1]["data"]["by"]] == [line["data"]["by"] for line in changes]
    assert changes[1]["data"]["by"].startswith("terminal")
    in_force = begun
    for line in lines(home):
        assert line["cfg"] == in_force
        in_force = line["data"]["after"] if line["type"] == "config_changed" else in_force
    assert in_force == begun
    rows = json.loads(ask(bots, home, "config", "history", "--json"))
    assert [{}, {"sizing.order_usd": ["20", "8"]}, {"sizing.order_usd": ["8", "20"]}] == [
        row["changed"] for row in rows
    ]
    assert rows[0]["version"] == rows[2]["version"] is not None
    assert "all the same" in ask(bots, home, "journal", "prove", "--chain", chain(home))


def chain(home: Home) -> str:
    """Return the only simulated run."""
    (folder,) = (home.journal_dir / "simulated" / "sim").iterdir()
    return f"simulated/sim/{folder.name}"


@pytest.mark.slow
def test_a_killed_run_goes_on_with_what_the_file_says_then(bots: WarmBots, home: Home) -> None:
    """Changed by hand and by a command while no bot runs: the same run goes on, and is proven."""
    bot = bots.start(*SIM, "--home", home.path)
    assert comes(home, bot, "order_intent", 2)
    bot.kill()
    edit(home, "  order_usd: 20\n", "  order_usd: 9\n")
    begun = lines(home)[0]["cfg"]
    second = bots.start(*SIM, "--home", home.path)
    assert comes(home, second, "config_changed", 1), second.stderr
    second.kill()
    assert "no bot runs" in ask(bots, home, "config", "restore", begun)
    assert ["change_intended", "change_ended"] == [line["type"] for line in lines(home)][-2:]
    third = bots.start(*SIM, "--home", home.path)
    assert comes(home, third, "config_changed", 2), third.stderr
    third.signal(signal.SIGINT)
    assert 0 == third.wait(), third.stderr

    assert chain(home)
    first, last = (line["data"] for line in of_type(home, "config_changed"))
    assert ("file", begun) == (first["by"], first["before"])
    assert (True, begun) == (last["by"].startswith("terminal"), last["after"])
    assert "all the same" in ask(bots, home, "journal", "prove", "--chain", chain(home))
    ask(bots, home, "journal", "verify", "--full")


@pytest.mark.slow
def test_live_prices_are_followed_through_changes(bots: WarmBots, tmp_path: Path) -> None:
    """Hot, and again while no bot runs; both lives are derived again, and replay decides alike."""
    with LiveKalshi() as venue:
        home = a_live_home(tmp_path / "home", venue)
        lane = "kalshi/paper"
        text = home.venue_file("kalshi").read_text(encoding="utf-8")
        order = next(line for line in text.splitlines() if line.strip().startswith("order_usd:"))
        bot = bots.start(*KALSHI, "--home", home.path)
        assert comes(home, bot, "scan", 3, lane), bot.stderr
        edit(home, f"{order}\n", "  order_usd: 2\n", "kalshi")
        assert comes(home, bot, "config_changed", 1, lane), bot.stderr
        seen = len(of_type(home, "scan", lane))
        assert comes(home, bot, "scan", seen + 3, lane)
        bot.signal(signal.SIGINT)
        assert 0 == bot.wait(), bot.stderr
        edit(home, "  order_usd: 2\n", "  order_usd: 3\n", "kalshi")
        second = bots.run(*KALSHI, "--home", home.path, "--ticks", "4")
        assert 0 == second.code, second.stderr

    hot, told = of_type(home, "config_changed", lane)
    assert ["file", "file"] == [hot["data"]["by"], told["data"]["by"]]
    assert hot["data"]["after"] == told["data"]["before"] == hot_lines(home, hot)
    assert told["cfg"] == told["data"]["after"]
    proven = ask(bots, home, "journal", "prove", "--chain", lane)
    assert "not derived" not in proven, proven
    measured = json.loads(ask(bots, home, "replay", "--chain", lane, "--fidelity", "--json"))
    assert measured["identical"], measured


def hot_lines(home: Home, changed: dict[str, Any]) -> str:
    """Return the configuration of the line after a change."""
    after = [line for line in lines(home, "kalshi/paper") if line["seq"] > changed["seq"]]
    return str(after[0]["cfg"])


def test_recordings_are_traded_with_what_they_began_with(
    bots: WarmBots, home: Home, tape: Path
) -> None:
    """A tape answers what would have been: its settings are those of its beginning."""
    done = bots.run("run", "--home", home.path, "--tape", tape, "--no-web", "--json")

    assert 0 == done.code, done.stderr
    assert not [line for line in facts(home.path) if line["type"] == "config_changed"]
