"""A bot killed at any instant goes on as if it had never stopped."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest

from tests.fakes.bot_process import (
    BotProcess,
    WarmBots,
    chain_files,
    facts,
    folder_bytes,
    wait_until,
)
from tests.fakes.small_market import write_small_tape

MARKETS = 16
KILLS = 200
KILLS_IN_SOAK = 2000
SEED = 20


def test_killed_at_200_instants_nothing_is_lost_or_doubled(tmp_path: Path, bots: WarmBots) -> None:
    """However often it is killed, the journal ends byte for byte as without any kill."""
    kill_often(tmp_path, bots, KILLS, SEED)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_at_2000_instants_nothing_is_lost_or_doubled(tmp_path: Path, bots: WarmBots) -> None:
    """As above, with other instants and more of them."""
    kill_often(tmp_path, bots, KILLS_IN_SOAK, SEED + 1)


def kill_often(folder: Path, bots: WarmBots, kills: int, seed: int) -> None:
    """Kill runs until enough were killed, finishing and comparing one now and then."""
    chance = random.Random(seed)
    tape = write_small_tape(folder / "a.tape.zst", markets=MARKETS)
    lasts, expected = 0.0, {}
    for whole in (folder / "first", folder / "second"):  # The first one warms the caches.
        began = time.monotonic()
        assert 0 == bots.run("run", "--home", whole, "--tape", tape, "--no-web").code
        lasts, expected = time.monotonic() - began, chain_files(whole)
    assert {"bot_started", "order_intent", "fill", "exit", "market_resolved", "bot_stopped"} <= {
        fact["type"] for fact in facts(folder / "second")
    }
    killed = grown = 0
    while killed < kills:
        home = folder / "killed"
        for _ in range(chance.randint(10, 40)):
            before = folder_bytes(home / "journal")
            bot = bots.start("run", "--home", home, "--tape", tape, "--no-web")
            at_random(chance, bot, home, lasts)
            if bot.kill() >= 0:
                break
            killed += 1
            grown += folder_bytes(home / "journal") > before
            must_be_a_prefix(home, expected)
        finish_and_compare(bots, home, tape, expected)
        shutil.rmtree(home)

    assert kills <= killed
    assert grown > kills // 10  # Kills before anything happened prove little.


def at_random(chance: random.Random, bot: BotProcess, home: Path, lasts: float) -> None:
    """Let a bot live until a moment of its start, its catching up or its trading."""
    journal = home / "journal"
    kind = chance.choice(("starting", "catching up", "trading", "trading"))
    if kind == "trading":
        before = folder_bytes(journal)
        wait_until(lambda: folder_bytes(journal) > before or bot.over())
    # Not a wait for something: this is the instant that was drawn.
    time.sleep(chance.random() * lasts / (10 if kind == "starting" else 4))


def must_be_a_prefix(home: Path, expected: dict[str, bytes]) -> None:
    """Check that what a killed run left is the beginning of the whole story, as far as it goes."""
    for name, data in chain_files(home).items():
        assert expected[name].startswith(data), name


def finish_and_compare(bots: WarmBots, home: Path, tape: Path, expected: dict[str, bytes]) -> None:
    """Let a killed run end in peace; it equals the one that was never killed, and proves."""
    last = bots.run("run", "--home", home, "--tape", tape, "--no-web")
    if last.code != 0:
        # It was finished already, a moment before the last kill.
        assert 1 == last.code
        assert "traded to the end" in last.stderr

    assert expected == chain_files(home)
    assert 0 == bots.run("journal", "verify", "--full", "--home", home).code
    assert 0 == bots.run("journal", "prove", "--home", home).code
