"""Real bots trade a whole Kalshi on loopback, on paper: prices are live, money is not."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest

from market_bot.adapters.storage.home import Home
from market_bot.core.domain.numbers import SECOND, parse_time
from tests.fakes.bot_process import BotProcess, WarmBots, facts, wait_until
from tests.fakes.fake_kalshi import BAD_GATEWAY
from tests.fakes.live_kalshi import LIKELY, LiveKalshi, a_live_home

PAPER = ("run", "--venue", "kalshi", "--no-web")


@pytest.fixture(autouse=True)
def _nobody_left(bots: WarmBots) -> Iterator[None]:
    """End the bots of a test that fails before their venue ends."""
    yield
    bots.end_all()


@pytest.fixture
def venue() -> Iterator[LiveKalshi]:
    """Return a venue that serves."""
    with LiveKalshi() as live:
        yield live


@pytest.fixture
def home(tmp_path: Path, venue: LiveKalshi) -> Home:
    """Return a home that trades there."""
    return a_live_home(tmp_path / "home", venue)


def paper(home: Home) -> list[dict[str, Any]]:
    """Return every line of the paper lane, decoded; a line just being written is left out."""
    files = sorted((home.journal_dir / "kalshi" / "paper").glob("*.jsonl"))
    lines = [line for file in files for line in file.read_bytes().split(b"\n")[:-1]]
    return [json.loads(line) for line in lines]


def count(home: Home, kind: str) -> int:
    """Return how many facts of a type there are."""
    return sum(fact["type"] == kind for fact in paper(home))


def trading(bots: WarmBots, home: Home, *options: object) -> BotProcess:
    """Return a bot that has filled something."""
    before = count(home, "fill")
    bot = bots.start(*PAPER, "--home", home.path, *options)
    assert wait_until(lambda: count(home, "fill") > before or bot.over())
    assert not bot.over(), bot.stderr
    return bot


def reaches(home: Home, bot: BotProcess, lines: int) -> bool:
    """Tell whether the chain comes to have so many lines."""
    return wait_until(lambda: len(paper(home)) >= lines or bot.over())


def sound(bots: WarmBots, home: Home, *, whole: bool = True) -> None:
    """Check that the chain is whole and that every decision can be derived again.

    Not ``whole`` where a process was killed: the last seconds of its recording are gone.
    """
    for words in (("verify", "--full"), ("prove", "--chain", "kalshi/paper")):
        checked = bots.run("journal", *words, "--home", home.path)
        assert 0 == checked.code, checked.stderr
        assert not whole or "not derived" not in checked.stdout, checked.stdout


def test_a_newcomer_trades_live_prices_on_paper(
    bots: WarmBots, home: Home, venue: LiveKalshi
) -> None:
    """Without a key: discovery, prices, signals, paper fills, tape; nothing reaches the venue."""
    bot = trading(bots, home)
    bot.signal(signal.SIGINT)

    assert 0 == bot.wait()
    assert "paper trading live prices of kalshi; nothing here is real money" in bot.stdout
    assert "kalshi/paper  stopped" in bot.stdout
    assert {"GET"} == {verb for verb, _, _ in venue.fake.requests}
    assert "SIGINT" == paper(home)[-1]["data"]["reason"]
    assert ["l2_polled", "prints"] == paper(home)[0]["data"]["capabilities"]
    assert list((home.tape_dir / "kalshi").glob("*.jsonl.zst"))
    sound(bots, home)


def test_a_streamed_price_that_changes_is_looked_at_at_once(
    bots: WarmBots, tmp_path: Path, venue: LiveKalshi
) -> None:
    """With seconds between two looks, a change makes one in between; and they can be derived."""
    home = a_live_home(tmp_path / "home", venue, key=True, interval_ms=4000)
    bot = bots.start(*PAPER, "--home", home.path)

    def looked_early() -> bool:
        venue.engine.crowd(LIKELY, "bid", "0.1000", "1.00")
        times = [parse_time(fact["ts"]) for fact in paper(home) if fact["type"] == "scan"]
        return any(later - one < 2 * SECOND for one, later in pairwise(times))

    assert wait_until(lambda: bot.over() or looked_early())
    assert not bot.over(), bot.stderr
    times = [parse_time(fact["ts"]) for fact in paper(home) if fact["type"] == "scan"]
    assert all(later - one >= 250_000 for one, later in pairwise(times))
    bot.signal(signal.SIGINT)
    assert 0 == bot.wait(), bot.stderr
    sound(bots, home)


def test_the_chain_goes_on_with_what_it_held(bots: WarmBots, home: Home, venue: LiveKalshi) -> None:
    """A second process knows money and positions of the first; both lives can be derived again."""
    trading(bots, home).kill()
    held = count(home, "fill")
    second = bots.start(*PAPER, "--home", home.path, "--ticks", "30")

    assert 0 == second.wait(), second.stderr
    assert "going on with kalshi/paper after line" in second.stdout
    assert 2 == count(home, "bot_started")
    assert held >= 1
    last = [fact["data"] for fact in paper(home) if fact["type"] == "scan"][-1]
    assert "1000" != last["equity"]
    sound(bots, home, whole=False)


def test_orders_of_a_killed_process_end_with_it(
    bots: WarmBots, tmp_path: Path, venue: LiveKalshi
) -> None:
    """What rested on paper is cancelled by the first lines of the next process."""
    home = a_live_home(tmp_path / "home", venue, style="maker", key=True, patience_s=600)
    first = bots.start(*PAPER, "--home", home.path)
    assert wait_until(lambda: count(home, "order_accepted") > 0 or first.over())
    first.kill()
    before = len(paper(home))
    second = bots.start(*PAPER, "--home", home.path, "--ticks", "3")

    assert 0 == second.wait(), second.stderr
    started, *following = paper(home)[before:]
    cancelled = [f for f in following if f["type"] == "order_cancelled"]
    assert "bot_started" == started["type"]
    assert "order_cancelled" == following[0]["type"]
    assert {"restart"} == {fact["data"]["reason"] for fact in cancelled}
    sound(bots, home, whole=False)


def test_a_venue_that_cannot_be_reached_is_waited_for(bots: WarmBots, tmp_path: Path) -> None:
    """One line says what is wrong; when the venue is back the lane goes on by itself."""
    with LiveKalshi() as venue:
        venue.fake.faults.extend([attrs.evolve(BAD_GATEWAY, path="/markets")] * 3)
        home = a_live_home(tmp_path / "home", venue)
        bot = bots.start(*PAPER, "--home", home.path)
        assert wait_until(lambda: count(home, "tick") > 0 or bot.over())
        assert wait_until(lambda: "502" in bot.stdout or bot.over())
        assert "kalshi/paper waiting" in bot.stdout
        assert wait_until(lambda: count(home, "fill") > 0 or bot.over())
        bot.signal(signal.SIGTERM)

        assert 0 == bot.wait(), bot.stderr
        sound(bots, home)


def test_two_venues_at_once(bots: WarmBots, home: Home) -> None:
    """Each has its own thread, chain and settings; the summary tells of both."""
    words = ("--venue", "simulated", "--ticks", "40", "--json", "--speed", "0")
    bot = bots.start(*PAPER, "--home", home.path, *words)

    assert 0 == bot.wait(), bot.stderr
    lanes = json.loads(bot.stdout)["lanes"]
    assert ["kalshi/paper", "simulated/sim"] == [f"{one['venue']}/{one['lane']}" for one in lanes]
    assert [40, 40] == [one["scans"] for one in lanes]
    assert 40 == sum(fact["type"] == "scan" for fact in facts(home.path, "sim"))


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment_it_goes_on(
    bots: WarmBots, home: Home, venue: LiveKalshi, seed: int
) -> None:
    """Whenever the power fails, the next start folds what is there; nothing has to be mended."""
    random = Random(seed)
    for _ in range(4):
        lines = len(paper(home)) + random.randint(1, 40)
        bot = bots.start(*PAPER, "--home", home.path)
        assert reaches(home, bot, lines)
        assert not bot.over(), bot.stderr
        venue.engine.crowd(LIKELY, "bid", "0.8700", "1.00")
        bot.kill()
    last = bots.start(*PAPER, "--home", home.path, "--ticks", "2")

    assert 0 == last.wait(), last.stderr
    assert 5 == count(home, "bot_started")
    sound(bots, home, whole=False)


def test_an_unknown_venue_is_refused(bots: WarmBots, tmp_path: Path) -> None:
    """The line names those that there are."""
    bot = bots.run("run", "--home", tmp_path / "home", "--venue", "nasdaq", "--no-web")

    assert 2 == bot.code
    assert "--venue nasdaq" in bot.stderr
    assert "kalshi" in bot.stderr
