"""A person at the terminal halts, resumes and flattens a running bot; the journal proves it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.bot_process import (
    BotProcess,
    WarmBots,
    chain_files,
    facts,
    wait_until,
)

PACE = 20


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return where the home will be."""
    return tmp_path / "home"


@pytest.fixture
def running(home: Path, bots: WarmBots, tape: Path) -> Iterator[BotProcess]:
    """Return a paced bot that listens; it is ended after the test."""
    bot = bots.start("run", "--home", home, "--tape", tape, "--no-web", "--speed", PACE)
    assert wait_until(lambda: said(bots, home) is not None or bot.over())
    assert not bot.over(), bot.stderr
    yield bot
    bot.kill()


def said(bots: WarmBots, home: Path) -> dict[str, object] | None:
    """Return what `status` says of the only lane, or None while nobody answers."""
    answer = bots.run("status", "--home", home, "--json")
    if answer.code != 0:
        return None
    lane: dict[str, object] = json.loads(answer.stdout)["lanes"][0]
    return lane


def shows(bots: WarmBots, home: Path, what: Callable[[dict[str, object]], bool]) -> bool:
    """Tell whether the running bot comes to show something."""

    def look() -> bool:
        lane = said(bots, home)
        return lane is not None and what(lane)

    return wait_until(look)


def entered(lane: dict[str, object]) -> bool:
    """Tell whether a lane holds something."""
    return bool(lane["positions"])


def proves_and_goes_on(bots: WarmBots, home: Path, tape: Path) -> None:
    """Check that the stopped run proves, and so does all of it when it went on to the end."""
    stopped = chain_files(home)
    assert 0 == bots.run("journal", "prove", "--home", home).code
    resumed = bots.run("run", "--home", home, "--tape", tape, "--no-web")
    assert 0 == resumed.code, resumed.stderr
    finished = chain_files(home)
    for name, data in stopped.items():
        assert finished[name].startswith(data), name
    proof = bots.run("journal", "prove", "--home", home)
    assert 0 == proof.code, proof.stderr
    assert 0 == bots.run("journal", "verify", "--full", "--home", home).code
    assert "bot_stopped" == facts(home)[-1]["type"]


def types(home: Path) -> list[str]:
    """Return the types of all facts of the taped lane."""
    return [fact["type"] for fact in facts(home)]


def entries_between(home: Path, begin: str, end: str | None) -> list[str]:
    """Return the ids of entries sent after the first fact of one type, before one of another."""
    story = facts(home)
    kinds = [fact["type"] for fact in story]
    first = kinds.index(begin)
    last = len(kinds) if end is None else kinds.index(end, first)
    return [
        fact["data"]["intent"]
        for fact in story[first:last]
        if fact["type"] == "order_intent" and fact["data"]["purpose"] == "entry"
    ]


def test_halt_and_resume_reach_the_chain_and_the_run_still_proves(
    home: Path, bots: WarmBots, tape: Path, running: BotProcess
) -> None:
    """Between the two nothing is opened; a restart derives both again at their ticks."""
    assert shows(bots, home, entered)
    halt = bots.run("halt", "--home", home, "--reason", "lunch")
    assert 0 == halt.code, halt.stderr
    assert (home / "HALT").exists()
    assert shows(bots, home, lambda lane: "lunch" in str(lane["halted"]))
    ticks = said(bots, home)
    assert ticks is not None
    before = int(str(ticks["ticks"]))
    assert shows(bots, home, lambda lane: int(str(lane["ticks"])) > before + 30)

    resume = bots.run("resume", "--home", home)

    assert 0 == resume.code, resume.stderr
    assert not (home / "HALT").exists()
    assert shows(bots, home, lambda lane: lane["halted"] is None)
    running.signal(signal.SIGTERM)
    assert 0 == running.wait()
    assert 1 == types(home).count("halt")
    assert 1 == types(home).count("resume")
    assert [] == entries_between(home, "halt", "resume")
    proves_and_goes_on(bots, home, tape)
    assert entries_between(home, "resume", None)


def test_several_commands_in_one_tick_are_derived_again(
    home: Path, bots: WarmBots, tape: Path, running: BotProcess
) -> None:
    """Commands that come faster than ticks are all written, and all taken again."""
    for number in range(3):
        for words in (("halt", "--reason", f"{number}"), ("resume",)):
            assert 0 == bots.run(*words, "--home", home).code
    assert wait_until(lambda: running.over() or types(home).count("resume") >= 3)
    running.kill()

    assert ["halt", "resume"] * 3 == [t for t in types(home) if t in {"halt", "resume"}]
    proves_and_goes_on(bots, home, tape)


def test_flatten_sells_everything_and_opens_nothing(
    home: Path, bots: WarmBots, tape: Path, running: BotProcess
) -> None:
    """What is held is sold at what is bid; afterwards the lane stays halted."""
    assert shows(bots, home, entered)

    flatten = bots.run("flatten", "--home", home)

    assert 0 == flatten.code, flatten.stderr
    assert shows(bots, home, lambda lane: not lane["positions"] and lane["halted"] is not None)
    running.signal(signal.SIGINT)
    assert 0 == running.wait()
    halts = [fact["data"] for fact in facts(home) if fact["type"] == "halt"]
    assert halts[0]["flatten"] is True
    assert [] == entries_between(home, "halt", None)
    assert "exit" in types(home)
    proves_and_goes_on(bots, home, tape)


def test_a_halted_bot_that_is_killed_comes_back_halted(
    home: Path, bots: WarmBots, tape: Path, running: BotProcess
) -> None:
    """The HALT file outlives the process, and the chain remembers who wanted it."""
    assert shows(bots, home, entered)
    assert 0 == bots.run("halt", "--home", home, "--reason", "storm").code
    assert shows(bots, home, lambda lane: lane["halted"] is not None)
    running.kill()

    assert 0 == bots.run("run", "--home", home, "--tape", tape, "--no-web").code

    assert 1 == types(home).count("halt")
    assert [] == entries_between(home, "halt", None)
    assert 0 == bots.run("journal", "prove", "--home", home).code


def test_a_halt_file_from_before_the_start_halts(home: Path, bots: WarmBots, tape: Path) -> None:
    """A file made with any editor is enough; the reason is its first line."""
    assert 0 == bots.run("init", "--home", home).code
    (home / "HALT").write_text("on holiday\n", encoding="utf-8")

    run = bots.run("run", "--home", home, "--tape", tape, "--no-web")

    assert 0 == run.code
    (halt,) = [fact["data"] for fact in facts(home) if fact["type"] == "halt"]
    assert "on holiday" == halt["reason"]
    assert "order_intent" not in types(home)
    assert "denied" in types(home)
    assert 0 == bots.run("journal", "prove", "--home", home).code
    assert "warn  halt" in bots.run("doctor", "--home", home).stdout


def test_without_a_bot_halt_and_resume_act_on_the_home(
    home: Path, bots: WarmBots, tape: Path
) -> None:
    """The file is there for the next bot, and the system chain says who and why."""
    assert 0 == bots.run("init", "--home", home).code

    assert 0 == bots.run("halt", "--home", home, "--reason", "night").code
    assert "night" in (home / "HALT").read_text(encoding="utf-8")
    assert 1 == bots.run("status", "--home", home).code
    assert 1 == bots.run("flatten", "--home", home).code
    assert 0 == bots.run("resume", "--home", home, "--json").code

    assert not (home / "HALT").exists()
    system = [fact["type"] for fact in facts(home, "main")]
    assert ["halt", "halt", "resume"] == system, "flatten halts the next bot at least"
    assert 0 == bots.run("run", "--home", home, "--tape", tape, "--no-web").code
    assert "halt" not in types(home)


def test_status_tells_what_the_bot_does(home: Path, bots: WarmBots, running: BotProcess) -> None:
    """For people one line a lane, for scripts everything."""
    text = bots.run("status", "--home", home)
    answer = json.loads(bots.run("status", "--home", home, "--json").stdout)

    assert "kalshi/tape: " in text.stdout
    assert str(home) in text.stdout
    assert {"about", "lanes", "stalled"} <= set(answer)
    assert {"positions", "orders", "equity", "halted", "head", "phase"} <= set(answer["lanes"][0])


def test_doctor_of_a_sound_home_is_content(home: Path, bots: WarmBots, running: BotProcess) -> None:
    """Every check is ok, also while a bot runs there."""
    doctor = bots.run("doctor", "--home", home)
    checks = json.loads(bots.run("doctor", "--home", home, "--json").stdout)

    assert 0 == doctor.code, doctor.stdout
    assert "fail" not in doctor.stdout
    assert {"python", "settings", "permissions", "disk", "lock", "halt"} <= {
        check["name"] for check in checks
    }
    assert f"pid {running.pid}" in doctor.stdout


def test_whoever_stops_reading_ends_the_output_quietly(
    home: Path, bots: WarmBots, tape: Path
) -> None:
    """`market-bot journal export | head -1` complains about nothing."""
    assert 0 == bots.run("run", "--home", home, "--tape", tape, "--no-web").code
    words = [sys.executable, "-m", "market_bot", "journal", "export", "--home", str(home)]
    with subprocess.Popen(
        [*words, "--format", "jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as export:
        assert export.stdout is not None
        assert export.stderr is not None
        first = export.stdout.readline()
        export.stdout.close()
        complaints = export.stderr.read()

    assert b"bot_started" in first
    assert b"" == complaints
    assert 0 == export.returncode
