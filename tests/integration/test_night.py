"""A night as people have it: the child process, the command line, and a lane's real files."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.journal_tools import verify
from market_bot.adapters.system.clock import SystemClock
from market_bot.bootstrap.chain_writer import writing
from market_bot.bootstrap.cli.app import app
from market_bot.bootstrap.config_store import config_files
from market_bot.bootstrap.evaluation import NightChild, NightFailed, NightRequest, NightRun
from market_bot.bootstrap.night_replays import NightReplays
from market_bot.bootstrap.night_report import report_path
from market_bot.bootstrap.night_work import read_ledger
from market_bot.bootstrap.taped_lane import snapshot_of
from market_bot.config.defaults import default_files
from market_bot.config.loader import read_venue
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.leaks.synthetic import synthetic_lane
from market_bot.core.domain.nights import judged_by
from market_bot.core.domain.numbers import Micros, utc_date
from market_bot.core.domain.tuning.queue import enqueue
from market_bot.core.ports.journal import Chain
from market_bot.core.ports.replays import NotReplayed, Variation
from market_bot.core.usecases.record_facts import Recorder
from tests.fakes.bot_process import WarmBots, wait_until
from tests.fakes.nights import DISTANCE, leak, reviewed
from tests.fakes.tuning import FILE, every_knob_file, proposal

CHAIN = Chain("kalshi", "paper")
BEGINS = judged_by("2026-11-19")[0]
DAYS = 2
NIGHT = utc_date(Micros(BEGINS + DAYS * 24 * 3_600_000_000))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with two days of a lane that never lived, and stops that sell too early."""
    home = Home(tmp_path_factory.mktemp("night") / "home")
    home.create({**default_files(), FILE: every_knob_file()})
    lane = synthetic_lane("a", {"premature_stop": 3.0}, days=DAYS, since=BEGINS)
    with JsonlJournal(
        chain_folder(home.journal_dir, CHAIN), CHAIN, boot="b", durability="group"
    ) as journal:
        recorder = Recorder(journal, LaneState(), "c", snapshot_of)
        for _, at, event in lane.lines():
            recorder.record(event, at)
    return home.path


@pytest.fixture
def home(lived: Path, tmp_path: Path) -> Home:
    """Return a copy of it that a test may write into."""
    copied = tmp_path / "home"
    shutil.copytree(lived, copied)
    return Home(copied)


def ask(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    """Return what a command prints as JSON."""
    code = app([str(word) for word in words], result_action="return_value")
    assert code == 0
    return json.loads(capsys.readouterr().out)


def at_night(home: Home) -> tuple[str, ...]:
    """Return the options that name the night."""
    return ("--home", str(home.path), "--at", f"{NIGHT}T00:30:00Z", "--json")


@pytest.mark.slow
def test_the_night_of_a_lane(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a running bot the command works on it and writes it down, once."""
    first = ask(capsys, "eval", *at_night(home))
    again = ask(capsys, "eval", *at_night(home))
    ledger, _ = read_ledger(home, CHAIN)

    found = {one["rule"]: one["status"] for one in first["report"]["findings"]}
    assert found["premature_stop"] == "suspect"
    assert list(ledger.log.reviews) == list(ledger.log.ended) == [NIGHT]
    assert again["report"] is None
    assert "over" in again["nothing"]
    page = report_path(home, CHAIN, NIGHT).with_suffix(".html").read_text(encoding="utf-8")
    assert "premature_stop" in page
    assert verify(chain_folder(home.journal_dir, CHAIN), CHAIN, full=True).files == DAYS + 1


@pytest.mark.slow
def test_a_dry_run_writes_nothing(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """It shows the same, and neither journal nor reports know of it."""
    before = sorted(path.stat().st_size for path in home.journal_dir.rglob("*.jsonl"))
    told = ask(capsys, "eval", "--dry-run", *at_night(home))

    assert told["report"]["night"] == NIGHT
    assert before == sorted(path.stat().st_size for path in home.journal_dir.rglob("*.jsonl"))
    assert not (home.path / "reports").exists()


def test_proposals_are_shown_approved_and_made(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the list to the very line of the file, without a running bot."""
    name = waits(home)
    at = ("--home", str(home.path), "--json")
    (row,) = ask(capsys, "proposals", "list", *at)
    shown = ask(capsys, "proposals", "show", name, *at)
    before = home.venue_file("kalshi").read_bytes()
    done = ask(capsys, "proposals", "approve", name, "--yes", *at)

    assert (row["id"], row["stage"]) == (name, "queued")
    assert "0.14" in shown["new_line"]
    assert "token" not in shown
    assert done["outcome"] == "applied"
    after = before.replace(b"distance: 0.12", b"distance: 0.14")
    assert home.venue_file("kalshi").read_bytes() == after
    assert ask(capsys, "proposals", "list", *at) == []


def test_a_rejection_is_learnt_from(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """It is in the journal with its reason, and nothing changed."""
    name, before = waits(home), home.venue_file("kalshi").read_bytes()
    reason = ("--reason", "too_risky", "--note", "later perhaps")
    ask(capsys, "proposals", "reject", name, *reason, "--home", home.path, "--json")
    (row,) = ask(capsys, "proposals", "list", "--all", "--home", home.path, "--json")

    assert (row["stage"], row["reason"], row["note"]) == ("rejected", "too_risky", "later perhaps")
    assert home.venue_file("kalshi").read_bytes() == before


def waits(home: Home) -> str:
    """Write a proposal into the lane's journal that waits for a person, and return its name."""
    night = utc_date(SystemClock().now())
    made = proposal(
        "a" * 16,
        finding=f"{night}:premature_stop:",
        path=DISTANCE,
        before="0.12",
        after="0.14",
        config_sha256=config_files(home.config_dir).version(FILE).sha256,
    )
    with writing(home, CHAIN, SystemClock()) as writer:
        writer.offer([leak(night), reviewed(night), made])
        writer.record(enqueue(writer.ledger().queue, made.proposal, now=writer.now(), card={}))
    return made.proposal


@pytest.mark.slow
def test_a_simulated_bot_still_knows_what_waits_after_a_restart(
    bots: WarmBots, tmp_path: Path
) -> None:
    """What was written between two runs is read, although the lane derives all it did again."""
    place = Home(tmp_path / "sim")
    run = ("run", "--no-web", "--speed", "60", "--json", "--home", place.path)
    assert 0 == bots.run(*run, "--ticks", "5").code
    (folder,) = {file.parent for file in place.journal_dir.glob("simulated/sim/**/*.jsonl")}
    chain = Chain("simulated", "sim", folder.name)
    night = utc_date(SystemClock().now())
    made = proposal(
        "b" * 16,
        finding=f"{night}:premature_stop:",
        file="simulated.yaml",
        path="sizing.order_usd",
        before="20",
        after="21",
        config_sha256=config_files(place.config_dir).version("simulated.yaml").sha256,
    )
    with writing(place, chain, SystemClock()) as writer:
        writer.offer([leak(night), reviewed(night), made])
        writer.record(enqueue(writer.ledger().queue, made.proposal, now=writer.now(), card={}))

    bot = bots.start(*run)
    try:
        # Before it listens, the command would take the home's lock itself, and the bot could not.
        assert wait_until(lambda: place.control_socket.exists() or bot.over()), bot.stderr
        told = ("proposals", "list", "--all", "--json", "--home", place.path)
        assert wait_until(lambda: made.proposal in bots.run(*told).stdout or bot.over()), bot.stderr
        assert not bot.over(), bot.stderr
    finally:
        bots.end_all()


def test_without_recordings_nothing_is_replayed(home: Home) -> None:
    """It is said so; nothing is guessed."""
    replays = NightReplays(home=home, chain=CHAIN, sourced=read_venue(home.venue_file("kalshi")))
    told = replays.replay(NIGHT, [Variation(DISTANCE, "0.14")])

    assert isinstance(told, NotReplayed)
    assert "recorded" in told.why


def run_of(home: Home, child: NightChild, *facts: ev.Event) -> NightRun:
    """Return a night that a child works on and nobody writes down."""
    ledger, _ = read_ledger(home, CHAIN)
    for fact in facts:
        ledger = ledger.hear(BEGINS, fact)
    return NightRun(
        request=request_of(home),
        child=child,
        writer=None,
        ledger=lambda: ledger,
        head=lambda: 10**9,
    )


def request_of(home: Home) -> NightRequest:
    """Return the request for the night."""
    return NightRequest(home=home, chain=CHAIN, night=NIGHT, now=judged_by(NIGHT)[1])


def to_its_end(run: NightRun) -> None:
    """Bring a night to its end, whatever it is."""
    try:
        while not run.step(0.2):
            pass
    finally:
        run.close()


_UNKNOWN = '{"part":"review","facts":[{"type":"x","data":{}}]}'


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("exit(3)", "ended with 3"),
        ("import time; time.sleep(60)", "too long"),
        ("print('{', flush=True); input()", "nonsense"),
        ("print('[]', flush=True); input()", "nonsense"),
        ('print(\'{"part":"failed","why":"no room"}\', flush=True); input()', "no room"),
        (f"print({_UNKNOWN!r}, flush=True); input()", "no known type"),
    ],
)
def test_whatever_a_child_does_the_bot_lives(home: Home, words: str, match: str) -> None:
    """It ends, hangs, or says nonsense: that is a failed night, and nothing else."""
    child = NightChild(request_of(home), (sys.executable, "-c", words), deadline_s=1.0)
    run = run_of(home, child)
    with pytest.raises(NightFailed, match=match):
        to_its_end(run)


def test_the_child_knows_no_key(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the bot's environment does not reach it."""
    for name in ("KALSHI_API_KEY_ID", "POLYMARKET_PRIVATE_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "canary")
    words = (
        "import os, json; print(json.dumps({'part': 'nothing', 'why': "
        "'canary' if 'canary' in str(os.environ) else 'clean'}), flush=True)"
    )
    run = run_of(home, NightChild(request_of(home), (sys.executable, "-c", words)))
    to_its_end(run)

    assert run.nothing == "clean"
