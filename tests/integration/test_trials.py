"""Real bots in a simulated world: a harmful change undoes itself, a harmless one goes on."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from market_bot.adapters.storage.home import Home
from market_bot.adapters.system.clock import SystemClock
from market_bot.bootstrap.chain_writer import writing
from market_bot.bootstrap.config_store import config_files
from market_bot.bootstrap.lane_visit import lane_chain
from market_bot.core.domain import events as ev
from market_bot.core.domain.tuning.queue import enqueue
from tests.fakes.bot_process import BotProcess, WarmBots, wait_until

SIM = ("run", "--no-web", "--speed", "300", "--json")
FILE = "simulated.yaml"
SIZE = "sizing.order_usd"


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


def of_type(home: Home, kind: str) -> list[dict[str, Any]]:
    """Return what the lines of one type say."""
    files = sorted((home.journal_dir / "simulated" / "sim").rglob("*.jsonl"))
    lines = [json.loads(line) for f in files for line in f.read_bytes().split(b"\n")[:-1]]
    return [line["data"] for line in lines if line["type"] == kind]


def comes(home: Home, bot: BotProcess, kind: str, count: int) -> None:
    """Wait until there are so many lines of a type."""
    assert wait_until(lambda: len(of_type(home, kind)) >= count or bot.over()), bot.stderr
    assert len(of_type(home, kind)) >= count, bot.stderr


def approved(home: Home, before: str, after: str) -> str:
    """Have a change proposed, approved and made while no bot runs; return the proposal's name."""
    chain, store = lane_chain(home, "simulated"), config_files(home.config_dir)
    assert chain is not None
    edit = store.prepare(FILE, SIZE, before=before, after=after)
    made = ev.Proposal(
        proposal="a" * 16,
        finding="2026-01-01:idle_capital:",
        file=FILE,
        path=SIZE,
        before=before,
        after=after,
        rationale="",
        advisor="rules",
        config_sha256=edit.sha_before,
    )
    with writing(home, chain, SystemClock()) as writer:
        writer.record(made)
        writer.record(enqueue(writer.ledger().queue, made.proposal, now=writer.now(), card={}))
        yes = ev.ProposalDecided(proposal=made.proposal, decision="approved", by="operator")
        writer.record(yes)
        assert writer.apply(edit, "operator", f"proposal:{made.proposal}").outcome == "applied"
    return made.proposal


def traded_a_while(home: Home, bots: WarmBots) -> None:
    """Have a bot trade, and end without a word."""
    bot = bots.start(*SIM, "--home", home.path)
    comes(home, bot, "order_intent", 2)
    bot.kill()


@pytest.mark.slow
def test_a_harmful_change_undoes_itself(bots: WarmBots, home: Home) -> None:
    """Orders above the hard limit are all refused: the old number is back, and it is blocked."""
    before = home.venue_file("simulated").read_bytes()
    traded_a_while(home, bots)
    proposal = approved(home, "20", "26")
    bot = bots.start(*SIM, "--home", home.path)
    comes(home, bot, "trial_ended", 1)
    bot.signal(signal.SIGINT)
    assert 0 == bot.wait(), bot.stderr

    (started,), (ended,) = of_type(home, "trial_started"), of_type(home, "trial_ended")
    assert (started["proposal"], started["path"]) == (proposal, SIZE)
    assert (ended["verdict"], ended["reason"]) == ("revert", "risk_denials")
    assert ended["blocked_until"]
    assert home.venue_file("simulated").read_bytes() == before
    (row,) = json.loads(bots.run("trials", "list", "--home", home.path, "--json").stdout)
    assert (row["verdict"], row["advisor"]) == ("revert", "rules")
    shown = bots.run("trials", "show", row["id"], "--home", home.path).stdout
    assert "not proposed again until" in shown
    (score,) = json.loads(bots.run("trials", "scorecard", "--home", home.path, "--json").stdout)
    assert (score["misses"], score["hits"]) == (1, 0)
    chain = lane_chain(home, "simulated")
    proven = bots.run("journal", "prove", "--chain", str(chain), "--home", home.path)
    assert "all the same" in proven.stdout, proven.stderr


@pytest.mark.slow
def test_a_harmless_change_goes_on_through_a_restart(bots: WarmBots, home: Home) -> None:
    """It is looked at after five minutes and fifteen; the bot is killed between the two."""
    traded_a_while(home, bots)
    approved(home, "20", "2")
    bot = bots.start(*SIM, "--home", home.path)
    comes(home, bot, "trial_checked", 1)
    bot.kill()
    second = bots.start(*SIM, "--home", home.path)
    comes(home, second, "trial_checked", 2)
    second.signal(signal.SIGINT)
    assert 0 == second.wait(), second.stderr

    assert len(of_type(home, "trial_started")) == 1
    checks = of_type(home, "trial_checked")
    assert [check["minute"] for check in checks][:2] == [5, 15]
    assert {check["verdict"] for check in checks[:2]} == {"continue"}
    assert b"order_usd: 2\n" in home.venue_file("simulated").read_bytes()
