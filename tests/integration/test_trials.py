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
from market_bot.core.domain.numbers import HOUR, Micros, money, utc_date
from market_bot.core.domain.tuning.queue import enqueue
from tests.fakes.bot_process import BotProcess, WarmBots, wait_until

SIM = ("run", "--no-web", "--speed", "300", "--json")
FILE = "simulated.yaml"
SIZE = "sizing.order_usd"
EDGE = "strategies.bias_harvest.params.min_edge"


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


def proposed(home: Home, before: str, after: str) -> str:
    """Have a night find a leak and propose to raise the edge, while no bot runs."""
    chain = lane_chain(home, "simulated")
    assert chain is not None
    sha = config_files(home.config_dir).version(FILE).sha256
    with writing(home, chain, SystemClock()) as writer:
        now = writer.now()
        night = utc_date(now)
        finding = f"{night}:entry_threshold:"
        leak = ev.Leak(
            finding=finding,
            rule="entry_threshold",
            version=1,
            status="confirmed",
            kind="tuning",
            night=night,
            n=40,
            events=40,
            cost_low=money("2"),
            cost_point=money("3"),
            evidence=(1, 2),
            knobs=(EDGE,),
        )
        made = ev.Proposal(
            proposal="b" * 16,
            finding=finding,
            file=FILE,
            path=EDGE,
            before=before,
            after=after,
            rationale="Entries below this edge lose.",
            advisor="rules",
            config_sha256=sha,
            card={"rationale_code": "fewer_bad_entries", "expected_effect": "less_loss"},
        )
        until = Micros(now + 7 * 24 * HOUR)
        replayed = {"verdict": "not disproved", "per_day": "1.42", "coverage": "7 days"}
        review = ev.LeakReview(
            night=night, since=Micros(now - 24 * HOUR), until=now, findings=1, confirmed=1
        )
        queued = ev.ProposalQueued(proposal=made.proposal, expires_at=until, card=replayed)
        ended = ev.NightEnded(night=night, queued=1, dropped=0, spent=money("0"))
        writer.offer([leak, review, made, queued, ended])
    return made.proposal


def traded_a_while(home: Home, bots: WarmBots, intents: int = 2, *words: str) -> None:
    """Have a bot trade, and end without a word."""
    bot = bots.start(*(words or SIM), "--home", home.path)
    comes(home, bot, "order_intent", intents)
    bot.kill()


def many_events(home: Home) -> None:
    """Have many markets traded at once, in small orders and far from every limit."""
    file = home.venue_file("simulated")
    text = file.read_text(encoding="utf-8")
    for old, new in (
        ("interval_ms: 5000", "interval_ms: 15000"),
        ("markets: 60", "markets: 260"),
        ("record: true", "record: false"),
        ("order_usd: 20", "order_usd: 4"),
        ("max_spread: 0.05", "max_spread: 0.10"),
        ("after_entry_seconds: 60", "after_entry_seconds: 600"),
        ("max_total_exposure_usd: 300", "max_total_exposure_usd: 900"),
        ("max_open_orders: 50", "max_open_orders: 200"),
        ("max_orders_per_minute: 30", "max_orders_per_minute: 60"),
        ("max_consecutive_losses: 10", "max_consecutive_losses: 1000"),
        ("max_daily_loss_usd: 40", "max_daily_loss_usd: 400"),
        ("max_drawdown_usd: 100", "max_drawdown_usd: 900"),
        ("max_event_loss_usd: 100", "max_event_loss_usd: 200"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


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
    # The settings before the change go on beside it, on both sides of the kill.
    numbers = checks[1]["numbers"]
    entries, beside = int(numbers["entries"]), int(numbers["shadow_entries"])
    assert abs(entries - beside) <= max(3, entries // 4)
    tallies = of_type(home, "shadow_tally")
    assert sum(tally["entries"] for tally in tallies) >= beside > 0
    assert not any(tally["over"] for tally in tallies)


@pytest.mark.slow
def test_a_good_change_is_approved_and_kept(bots: WarmBots, home: Home) -> None:
    """Approved while the bot trades, in force at once, compared for an hour, and then kept."""
    many_events(home)
    traded_a_while(home, bots, 2_000, "run", "--no-web", "--json")
    proposal = proposed(home, "0.01", "0.012")
    scans = len(of_type(home, "scan"))
    bot = bots.start("run", "--no-web", "--speed", "3000", "--json", "--home", home.path)
    comes(home, bot, "scan", scans + 1)
    words = ("proposals", "approve", proposal, "--yes", "--home", home.path)
    racing = [bots.start(*words) for _ in range(2)]
    assert [0, 1] == sorted(one.wait() for one in racing), [one.stderr for one in racing]
    comes(home, bot, "trial_ended", 1)
    bot.signal(signal.SIGINT)
    assert 0 == bot.wait(), bot.stderr

    (ended,) = of_type(home, "trial_ended")
    assert (ended["verdict"], ended["reason"]) == ("keep", "no_harm_found")
    assert b"min_edge: 0.012" in home.venue_file("simulated").read_bytes()
    assert 1 == len(of_type(home, "trial_started"))
    assert [5, 15, 30, 60] == [check["minute"] for check in of_type(home, "trial_checked")]
    last = of_type(home, "trial_checked")[-1]["numbers"]
    entries, beside = int(last["entries"]), int(last["shadow_entries"])
    assert abs(entries - beside) <= entries // 5
    assert int(last["events"]) >= int(last["events_needed"])
    assert ["the hour is over"] == [t["over"] for t in of_type(home, "shadow_tally") if t["over"]]
