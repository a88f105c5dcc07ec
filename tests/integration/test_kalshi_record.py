"""A real process records a whole Kalshi on loopback and does nothing else there."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.adapters.storage.tape_records import BookRecord
from tests.fakes.bot_process import WarmBots, wait_until
from tests.fakes.fake_kalshi import BAD_GATEWAY
from tests.fakes.live_kalshi import LiveKalshi, a_live_home

RECORD = ("record", "--venue", "kalshi")


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


def tapes(home: Home) -> list[Path]:
    """Return what is recorded."""
    return sorted((home.tape_dir / "kalshi").glob("*.jsonl.zst"))


@pytest.mark.parametrize(
    ("key", "says"), [(False, {"l2_polled", "prints"}), (True, {"l2_stream", "prints"})]
)
def test_a_recording_is_a_tape_like_any_other(
    bots: WarmBots, tmp_path: Path, venue: LiveKalshi, key: bool, says: set[str]
) -> None:
    """Polled without a key, streamed with one; no order is sent, and the bot trades what it saw.

    `mode: live` in the settings changes nothing of that.
    """
    home = a_live_home(tmp_path / "home", venue, key=key, mode="live")
    bot = bots.start(*RECORD, "--home", home.path, "--json")
    if key:
        socket = venue.fake.socket
        assert wait_until(lambda: bot.over() or "orderbook_delta" in str(socket.commands))
        answered = venue.asked("GET", "/exchange/status")
        assert wait_until(lambda: bot.over() or venue.asked("GET", "/exchange/status") > answered)
    else:
        assert wait_until(lambda: bot.over() or venue.asked("GET", "/markets/orderbooks") > 2)
    bot.signal(signal.SIGINT)
    assert 0 == bot.wait(), bot.stderr
    told = json.loads(bot.stdout)
    (tape,) = tapes(home)

    assert {"GET"} == {verb for verb, _, _ in venue.fake.requests}
    assert (2, [str(tape)]) == (told["markets"], told["files"])
    assert says == {one.value for one in TapeReader(tape).header.capabilities}
    books = [one for one in TapeReader(tape).iter_records() if isinstance(one, BookRecord)]
    assert 2 == len({book.market for book in books if book.bids and book.asks})
    assert ["system"] == [path.name for path in home.journal_dir.iterdir()]
    played = bots.run("run", "--home", home.path, "--tape", tape, "--no-web", "--json")
    assert 0 == played.code, played.stderr


def test_a_recording_waits_for_its_venue_and_ends_in_order(
    bots: WarmBots, tmp_path: Path, venue: LiveKalshi
) -> None:
    """What is wrong is told once, to people and to the journal; Ctrl-C ends it well."""
    venue.fake.faults.extend([attrs.evolve(BAD_GATEWAY, path="/markets")] * 3)
    home = a_live_home(tmp_path / "home", venue)
    bot = bots.start(*RECORD, "--home", home.path)
    assert wait_until(lambda: bot.err.exists() and (bot.over() or "502" in bot.stderr))
    bot.signal(signal.SIGINT)

    assert 0 == bot.wait(), bot.stderr
    (line,) = bot.stderr.splitlines()
    assert "markets cannot be looked for" in line
    system = "".join(path.read_text() for path in home.journal_dir.rglob("*.jsonl"))
    assert "502" in system
    assert '"reason":"SIGINT"' in system


def test_what_a_venue_cannot_do_is_refused_in_a_line(bots: WarmBots, tmp_path: Path) -> None:
    """Real time has one speed, and half a key is none."""
    for words in (("--speed", "2"), ("--seed", 1)):
        bot = bots.run(*RECORD, "--home", tmp_path / "home", *words)
        assert 2 == bot.code
        assert "--speed and --seed are for the simulated venue" in bot.stderr
    env = tmp_path / "home" / ".env"
    bots.run("init", "--home", tmp_path / "home")
    env.write_text("KALSHI_API_KEY_ID=key-1\n", encoding="utf-8")
    env.chmod(0o600)
    bot = bots.run(*RECORD, "--home", tmp_path / "home")

    assert 2 == bot.code
    assert "KALSHI_PRIVATE_KEY_FILE is missing" in bot.stderr
