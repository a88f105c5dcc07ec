"""Real bots trade a whole Polymarket on loopback, on paper: prices are live, money is not."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.tape_reader import TapeReader
from tests.fakes.bot_process import BotProcess, WarmBots, wait_until
from tests.fakes.fake_polymarket import SERVER_ERROR
from tests.fakes.fake_polymarket_records import condition
from tests.fakes.live_kalshi import LiveKalshi, a_live_home
from tests.fakes.live_polymarket import (
    AUGMENTED,
    LIKELY,
    LivePolymarket,
    a_polymarket_home,
    live_polymarket,
)
from tests.fakes.recording_sink import RecordingSink

PAPER = ("run", "--venue", "polymarket", "--no-web")


pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _nobody_left(bots: WarmBots) -> Iterator[None]:
    """End the bots of a test that fails before their venue ends."""
    yield
    bots.end_all()


@pytest.fixture
def venue() -> Iterator[LivePolymarket]:
    """Return a venue that serves."""
    with live_polymarket() as live:
        yield live


@pytest.fixture
def home(tmp_path: Path, venue: LivePolymarket) -> Home:
    """Return a home that asks for books there."""
    return a_polymarket_home(tmp_path / "home", venue, stream=False)


def paper(home: Home, venue: str = "polymarket") -> list[dict[str, Any]]:
    """Return every line of a paper lane, decoded; a line just being written is left out."""
    files = sorted((home.journal_dir / venue / "paper").glob("*.jsonl"))
    lines = [line for file in files for line in file.read_bytes().split(b"\n")[:-1]]
    return [json.loads(line) for line in lines]


def of_type(home: Home, kind: str, venue: str = "polymarket") -> list[dict[str, Any]]:
    """Return the data of all facts of a type."""
    return [fact["data"] for fact in paper(home, venue) if fact["type"] == kind]


def trading(bots: WarmBots, home: Home, *options: object) -> BotProcess:
    """Return a bot that has filled something."""
    before = len(of_type(home, "fill"))
    bot = bots.start(*PAPER, "--home", home.path, *options)
    assert wait_until(lambda: len(of_type(home, "fill")) > before or bot.over())
    assert not bot.over(), bot.stderr
    return bot


def sound(bots: WarmBots, home: Home, *, whole: bool = True, venue: str = "polymarket") -> None:
    """Check that the chain is whole and that every decision can be derived again."""
    for words in (("verify", "--full"), ("prove", "--chain", f"{venue}/paper")):
        checked = bots.run("journal", *words, "--home", home.path)
        assert 0 == checked.code, checked.stderr
        assert not whole or "not derived" not in checked.stdout, checked.stdout


def test_a_newcomer_trades_live_prices_on_paper(
    bots: WarmBots, home: Home, venue: LivePolymarket
) -> None:
    """Without a key: discovery, prices, signals, paper fills, tape; no order reaches the venue."""
    bot = trading(bots, home)
    bot.signal(signal.SIGINT)

    assert 0 == bot.wait()
    assert "paper trading live prices of polymarket; nothing here is real money" in bot.stdout
    assert "polymarket/paper  stopped" in bot.stdout
    assert {"/books"} == {path for verb, path, _, _ in venue.requests if verb != "GET"}
    assert "SIGINT" == paper(home)[-1]["data"]["reason"]
    assert ["l2_polled"] == paper(home)[0]["data"]["capabilities"]
    assert condition(LIKELY) == of_type(home, "fill")[0]["market"]
    assert list((home.tape_dir / "polymarket").glob("*.jsonl.zst"))
    sound(bots, home)


def test_prices_are_streamed_without_a_key(
    bots: WarmBots, tmp_path: Path, venue: LivePolymarket
) -> None:
    """The settings as they come stream books and prints; a waiting order is filled by prints."""
    home = a_polymarket_home(tmp_path / "home", venue, style="maker", patience_seconds=600)
    bot = bots.start(*PAPER, "--home", home.path)
    assert wait_until(lambda: bool(of_type(home, "order_accepted")) or bot.over())
    random = Random(0)

    def traded() -> bool:
        if random.random() < 0.05:
            venue.trade(LIKELY, "0.88", "600")
        return bool(of_type(home, "fill")) or bot.over()

    assert wait_until(traded)
    assert not bot.over(), bot.stderr
    venue.socket.drop()
    before = len(of_type(home, "scan"))
    assert wait_until(lambda: len(of_type(home, "scan")) > before + 5 or bot.over())
    bot.signal(signal.SIGINT)

    assert 0 == bot.wait(), bot.stderr
    assert ["l2_stream", "prints"] == paper(home)[0]["data"]["capabilities"]
    assert "maker" == of_type(home, "fill")[0]["liquidity"]
    assert 0 == venue.asked("/orders")
    sound(bots, home)


def test_the_venue_s_own_terms_are_traded(
    bots: WarmBots, home: Home, venue: LivePolymarket
) -> None:
    """The fee is the market's own, and only events that end in time are asked for."""
    bot = trading(bots, home)
    bot.kill()
    fill = of_type(home, "fill")[0]

    shares, price = float(fill["size"]), float(fill["price"])
    assert float(fill["fee"]) == pytest.approx(shares * 0.05 * price * (1 - price), abs=1e-5)
    walk = next(path for _, path, _, _ in venue.requests if path.startswith("/events/keyset"))
    assert "order=volume24hr" in walk
    assert "end_date_max=" in walk


def test_a_second_process_goes_on(bots: WarmBots, home: Home, venue: LivePolymarket) -> None:
    """Money and positions are known after a kill, also of a market that is for sale no more."""
    trading(bots, home).kill()
    held = venue.events[0]["markets"].pop(0)
    venue.closed_markets = [{**held, "closed": True, "events": [{"slug": "the-draw"}]}]
    venue.resolutions = [
        {"condition_id": condition(LIKELY), "status": "resolved", "payouts": [1_000_000, 0]}
    ]
    second = bots.start(*PAPER, "--home", home.path)
    assert wait_until(lambda: bool(of_type(home, "market_resolved")) or second.over())
    second.signal(signal.SIGTERM)

    assert 0 == second.wait(), second.stderr
    assert "going on with polymarket/paper after line" in second.stdout
    assert condition(LIKELY) == of_type(home, "market_resolved")[0]["market"]
    last = of_type(home, "scan")[-1]
    assert float(last["equity"]) > 1000
    sound(bots, home, whole=False)


def test_a_venue_that_cannot_be_reached_is_waited_for(
    bots: WarmBots, home: Home, venue: LivePolymarket
) -> None:
    """One line says what is wrong; when the venue is back the lane goes on by itself."""
    venue.fail("/events/keyset", *[SERVER_ERROR] * 3)
    bot = bots.start(*PAPER, "--home", home.path)
    assert wait_until(lambda: bool(of_type(home, "tick")) or bot.over())
    assert wait_until(lambda: "no catalogue of Polymarket" in bot.stdout or bot.over())
    assert "polymarket/paper waiting" in bot.stdout
    assert wait_until(lambda: bool(of_type(home, "fill")) or bot.over())
    bot.signal(signal.SIGTERM)

    assert 0 == bot.wait(), bot.stderr
    sound(bots, home)


def test_both_venues_in_one_process(bots: WarmBots, home: Home, venue: LivePolymarket) -> None:
    """Each trades in its own thread, chain and settings; one that hangs holds up nobody."""
    both = ("kalshi", "polymarket")
    with LiveKalshi() as kalshi:
        a_live_home(home.path, kalshi)
        bot = bots.start(*PAPER, "--venue", "kalshi", "--home", home.path)
        assert wait_until(lambda: all(of_type(home, "fill", name) for name in both) or bot.over())
        assert not bot.over(), bot.stderr
        bot.signal(signal.SIGINT)

        assert 0 == bot.wait(), bot.stderr
    assert "kalshi/paper  stopped" in bot.stdout
    assert "polymarket/paper  stopped" in bot.stdout
    for name in both:
        sound(bots, home, venue=name)


def test_a_group_that_can_be_extended_is_not_exhaustive(
    bots: WarmBots, home: Home, venue: LivePolymarket
) -> None:
    """Its markets end YES at most once; that one of them must is not claimed."""
    bot = trading(bots, home)
    bot.signal(signal.SIGINT)
    bot.wait()
    sink = RecordingSink()
    for tape in (home.tape_dir / "polymarket").glob("*.jsonl.zst"):
        TapeReader(tape).play(sink)
    told = {fact[1].id: fact[1] for fact in sink.facts if fact[0] == "meta"}
    group = [told[condition(number)] for number in (AUGMENTED, AUGMENTED + 1)]

    assert [(True, False)] * 2 == [(one.at_most_one, one.exhaustive) for one in group]
    assert condition(AUGMENTED + 2) not in told  # the catch-all, whose meaning changes


def test_prices_are_only_recorded(bots: WarmBots, home: Home, venue: LivePolymarket) -> None:
    """Recording needs no key either, and writes no lane's journal."""
    done = bots.run(
        "record", "--venue", "polymarket", "--ticks", "15", "--home", home.path, "--json"
    )
    numbers = json.loads(done.stdout)

    assert 0 == done.code, done.stderr
    assert (15, 4) == (numbers["ticks"], numbers["markets"])
    assert [] == paper(home)


def test_the_doctor(bots: WarmBots, home: Home, venue: LivePolymarket) -> None:
    """Each thing that trading there needs has a line, and what is wrong has a remedy."""
    well = bots.run("doctor", "--home", home.path, "--venue", "polymarket", "--json")
    checks = {one["name"]: one for one in json.loads(well.stdout)}

    assert 0 == well.code
    assert {"ok"} == {
        checks[name]["health"] for name in ("connection", "clock", "catalogue", "place")
    }
    venue.blocked = True
    venue.fail("/events/keyset", *[SERVER_ERROR] * 2)
    ill = bots.run("doctor", "--home", home.path, "--venue", "polymarket")
    assert 1 == ill.code
    assert "only paper is possible from here" in ill.stdout
    assert "see that http" in ill.stdout
