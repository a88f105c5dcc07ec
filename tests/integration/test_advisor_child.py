"""The process that asks: what it knows, what it may not do, and that nobody waits for it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from market_bot.adapters.llm.child import ChildAdvisor, clean
from market_bot.adapters.llm.pipe import (
    PIPE_MAX,
    PipeError,
    answer,
    question,
    read_answer,
    read_question,
)
from market_bot.adapters.llm.rule_table import RuleTable
from market_bot.adapters.llm.terms import Terms
from market_bot.bootstrap.advisors import PROGRAM
from market_bot.core.domain.numbers import money
from market_bot.core.domain.tuning.brief import Brief
from market_bot.core.ports.advisor import Advice, Silence
from tests.fakes.advised import briefed, two_findings

KEY = "sk-ant-canary-0123456789"
TERMS = Terms(
    model="claude-opus-5-5",
    effort="medium",
    max_cost=money("0.5"),
    max_tokens=8_000,
    seconds=0.2,
    input_price=money("4"),
    output_price=money("20"),
    base_url="http://127.0.0.1:9",
)
BRIEF = briefed()


def child(program: str, *, grace: float = 30.0, **environment: str) -> Advice:
    """Return what comes of a child that runs some Python."""
    known = {"PATH": os.environ["PATH"], **environment}
    words = [sys.executable, "-S", "-c", program]
    return ChildAdvisor(TERMS, KEY, words, known, grace=grace).advise(BRIEF)


def has_ended(pid: int) -> bool:
    """Tell whether a process ends, waiting for it a while."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 30)[0])
    finally:
        os.close(descriptor)


def test_a_child_that_does_not_end_is_killed(tmp_path: Path) -> None:
    """With all it started; it may have spent everything."""
    note = tmp_path / "pid"
    words = ["sh", "-c", f"sleep 600 & echo $! > {note}; wait"]
    advice = ChildAdvisor(TERMS, KEY, words, os.environ, grace=1.5).advise(BRIEF)

    assert (Silence.TIMED_OUT, (), TERMS.max_cost) == (advice.silence, advice.drafts, advice.cost)
    assert has_ended(int(note.read_text()))


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(3)",
        "print('no JSON')",
        "print('{}')",
        f"print('[' * {PIPE_MAX + 1})",
        "import os; os.kill(os.getpid(), 9)",
    ],
)
def test_a_child_that_talks_rubbish_is_no_advisor(program: str) -> None:
    """It crashed, and may have spent everything."""
    advice = child(program)

    assert (Silence.CRASHED, (), TERMS.max_cost, True) == (
        advice.silence,
        advice.drafts,
        advice.cost,
        advice.failed,
    )


def test_a_program_that_is_not_there_is_an_advice() -> None:
    """No error at night."""
    advice = ChildAdvisor(TERMS, KEY, ["/no/such/program"], {}).advise(BRIEF)

    assert Silence.CRASHED is advice.silence


def test_a_child_knows_its_key_and_no_other(tmp_path: Path) -> None:
    """Nothing of the environment but a few names; ids of findings are not told to it."""
    note = tmp_path / "told"
    program = f"""
import json, os, sys
told = {{"env": dict(os.environ), "stdin": sys.stdin.read(), "cwd": os.getcwd()}}
open({str(note)!r}, "w").write(json.dumps(told))
"""
    child(
        program,
        KALSHI_API_KEY_ID="canary-1",
        POLYMARKET_PRIVATE_KEY="canary-2",
        HTTPS_PROXY="http://canary-3",
        ANTHROPIC_BASE_URL="http://canary-4",
        ANTHROPIC_API_KEY="canary-5",
        LANG="C.UTF-8",
    )
    told = json.loads(note.read_text())

    assert {"PATH", "LANG", "ANTHROPIC_API_KEY", "PYTHONDONTWRITEBYTECODE"} == set(told["env"]) - {
        "LC_CTYPE"
    }
    assert KEY == told["env"]["ANTHROPIC_API_KEY"]
    assert "canary-" not in note.read_text().replace(KEY, "")
    assert KEY not in told["stdin"]
    assert all(finding.id not in told["stdin"] for finding in two_findings())
    assert {"PYTHONPATH": "x"} == {
        name: value for name, value in clean({"PYTHONPATH": "x", "HOME": "y"}).items()
        if name != "PYTHONDONTWRITEBYTECODE"
    }  # fmt: skip


CONFINED = """
import json, os, resource, socket, subprocess, sys
from market_bot.adapters.llm.confined import confine, limit
limit()
confine("127.0.0.1")
place = sys.argv[1]
def tried(what):
    try:
        what()
    except (OSError, MemoryError) as e:
        return type(e).__name__
    return "done"
print(json.dumps({
    "write": tried(lambda: open(place, "w")),
    "append": tried(lambda: os.open(place, os.O_WRONLY | os.O_CREAT)),
    "read": tried(lambda: open(sys.executable, "rb")),
    "program": tried(lambda: subprocess.Popen(["true"])),
    "system": tried(lambda: os.system("true")),
    "fork": tried(os.fork),
    "elsewhere": tried(lambda: socket.getaddrinfo("example.invalid", 443)),
    "there": tried(lambda: socket.getaddrinfo("127.0.0.1", 443)),
    "listen": tried(lambda: socket.socket().bind(("127.0.0.1", 0))),
    "memory": tried(lambda: bytearray(2 << 30)),
}))
"""


def test_a_child_is_confined(tmp_path: Path) -> None:
    """It reads, and speaks to one machine; it writes no file, starts nothing, does not grow."""
    done = subprocess.run(
        [sys.executable, "-c", CONFINED, str(tmp_path / "file")],
        capture_output=True,
        text=True,
        check=True,
    )

    refused = dict.fromkeys(
        ("write", "append", "program", "system", "fork", "elsewhere", "listen"), "PermissionError"
    )
    assert {**refused, "read": "done", "there": "done", "memory": "MemoryError"} == json.loads(
        done.stdout
    )
    assert [] == list(tmp_path.iterdir())


def test_a_child_ends_by_itself() -> None:
    """Even if nobody is left to kill it."""
    program = (
        "import time; from market_bot.adapters.llm.confined import end_after;"
        "end_after(0.01); time.sleep(600)"
    )

    done = subprocess.run([sys.executable, "-c", program], check=False)

    assert -signal.SIGALRM == done.returncode


def test_the_program_is_the_one_that_asks() -> None:
    """A question that is none ends it with an error, before anything is asked."""
    done = subprocess.run(PROGRAM, input=b"{}", capture_output=True, check=False)

    assert (2, b"") == (done.returncode, done.stdout)


def test_the_command_line_does_not_load_the_library() -> None:
    """Nearly a second: only who asks a model pays for it."""
    program = (
        "import sys, market_bot.bootstrap.advisors, market_bot.bootstrap.cli.app;"
        "sys.exit('anthropic' in sys.modules)"
    )

    assert 0 == subprocess.run([sys.executable, "-c", program], check=False).returncode


def test_a_question_comes_through_as_it_was() -> None:
    """Brief and terms; without ids."""
    brief, terms = read_question(question(BRIEF, TERMS))

    assert (BRIEF.text, TERMS) == (brief.text, terms)
    assert {"L1": "L1", "L2": "L2"} == brief.codes


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"brief": "{}", "terms": {}}'])
def test_what_is_no_question_is_refused(data: bytes) -> None:
    """One error, whatever is wrong."""
    with pytest.raises(PipeError):
        read_question(data)


def said_by_rules() -> dict[str, object]:
    """Return what a child would say that asked the rule table."""
    there = Brief.of_text(BRIEF.text)
    return dict(json.loads(answer(RuleTable().advise(there))))


def test_an_answer_comes_through_with_the_ids() -> None:
    """Codes are turned back where the ids are known."""
    heard = read_answer(json.dumps(said_by_rules()).encode(), BRIEF)

    assert RuleTable().advise(BRIEF) == heard


@pytest.mark.parametrize(
    "change",
    [
        {"cost": -1},
        {"cost": 1.5},
        {"cost": True},
        {"unfit": "0"},
        {"silence": "sulking"},
        {"silence": []},
        {"reason": "two\nlines"},
        {"reason": None},
        {"model": "m" * 200},
        {"more": 1},
    ],
    ids=str,
)
def test_an_answer_of_another_shape_is_refused(change: dict[str, object]) -> None:
    """Types, lengths and keys are checked where it arrives."""
    with pytest.raises(PipeError):
        read_answer(json.dumps({**said_by_rules(), **change}).encode(), BRIEF)


def test_who_is_silent_has_no_drafts() -> None:
    """A child that names a failure and proposes all the same is taken at its failure."""
    told = {**said_by_rules(), "silence": "refused"}
    empty = {**said_by_rules(), "proposals": []}

    assert (Silence.REFUSED, ()) == attrs.astuple(
        read_answer(json.dumps(told).encode(), BRIEF),
        recurse=False,
        filter=lambda field, _: field.name in ("silence", "drafts"),
    )[::-1]
    assert Silence.MALFORMED is read_answer(json.dumps(empty).encode(), BRIEF).silence
