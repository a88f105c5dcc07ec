"""``market-bot journal …`` on a finished run: proven, and every change of it found out."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from pathlib import Path

import pytest

from tests.fakes.bot_process import WarmBots, facts
from tests.fakes.small_market import write_small_tape


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, bots: WarmBots, tape: Path) -> Path:
    """Return the home of a finished run; only read."""
    home = tmp_path_factory.mktemp("proven") / "home"
    assert 0 == bots.run("run", "--home", home, "--tape", tape, "--no-web").code
    return home


@pytest.fixture
def home(tmp_path: Path, whole: Path) -> Path:
    """Return a copy of it that may be changed."""
    place = tmp_path / "home"
    shutil.copytree(whole, place)
    return place


def rewrite(home: Path, kind: str, old: str, new: str) -> None:
    """Change the first fact of a kind and seal all lines again, as a careful forger would."""
    prev, changed = "0" * 64, False
    for path in sorted((home / "journal" / "kalshi").rglob("*.jsonl")):
        lines = []
        for line in path.read_text(encoding="utf-8").splitlines():
            body = line[: line.rindex(',"hash":"')]
            body = body[: body.rindex(',"prev":"')]
            if not changed and f'"type":"{kind}"' in body and old in body:
                body, changed = body.replace(old, new, 1), True
            body += f',"prev":"{prev}"'
            prev = hashlib.sha256(f"{body}}}".encode()).hexdigest()
            lines.append(f'{body},"hash":"{prev}"}}\n')
        path.write_text("".join(lines), encoding="utf-8")
    assert changed


def test_a_finished_run_is_proven(bots: WarmBots, whole: Path) -> None:
    """Every kind of decision was derived again, and there were some of each."""
    proof = bots.run("journal", "prove", "--home", whole, "--json")

    assert 0 == proof.code, proof.stderr
    said = json.loads(proof.stdout)
    assert said["finished"] is True
    assert len(facts(whole)) == said["lines"]
    kinds = {"scan", "signal", "denied", "order_intent", "exit", "mark"}
    assert kinds == set(said["decisions"])
    assert all(count > 0 for count in said["decisions"].values())


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("scan", '"equity":"1000"', '"equity":"1001"'),
        ("signal", '"reason":"favourite_underpriced"', '"reason":"another"'),
        ("denied", '"phase":"begin"', '"phase":"end"'),
        ("order_intent", '"purpose":"entry"', '"purpose":"exit"'),
        ("fill", '"liquidity":"taker"', '"liquidity":"maker"'),
        ("exit", '"leg":"yes"', '"leg":"no"'),
        ("market_resolved", '"yes_payout":"1"', '"yes_payout":"0"'),
    ],
)
def test_a_forged_fact_is_found_even_with_a_sound_chain(
    bots: WarmBots, home: Path, kind: str, old: str, new: str
) -> None:
    """All hashes are right again, but the tape tells another story; the line is named."""
    rewrite(home, kind, old, new)
    assert 0 == bots.run("journal", "verify", "--full", "--home", home).code

    proof = bots.run("journal", "prove", "--home", home)

    assert 1 == proof.code
    (line,) = proof.stderr.splitlines()
    assert "line " in line


def test_the_files_of_another_run_prove_nothing(bots: WarmBots, home: Path) -> None:
    """A run is proven under its own name only; its lines do not tell where they lie."""
    (run,) = (home / "journal" / "kalshi" / "tape").iterdir()
    run.rename(run.with_name("0123456789abcdef"))

    proof = bots.run("journal", "prove", "--home", home)

    assert 1 == proof.code
    (line,) = proof.stderr.splitlines()
    assert f"those of run {run.name}" in line


def test_another_tape_proves_nothing(tmp_path: Path, bots: WarmBots, home: Path) -> None:
    """The tape is known by its content; one of the same name is refused."""
    (home / "state" / "tapes.json").unlink()
    other = write_small_tape(tmp_path / "small.tape.zst", seed=9)

    proof = bots.run("journal", "prove", "--home", home, "--tape", other)

    assert 1 == proof.code
    (line,) = proof.stderr.splitlines()
    assert "--tape" in line


def test_a_moved_tape_is_found_where_it_is_said_to_be(
    tmp_path: Path, bots: WarmBots, tape: Path, home: Path
) -> None:
    """Nothing but content counts, neither place nor name."""
    (home / "state" / "tapes.json").unlink()
    moved = tmp_path / "moved.tape.zst"
    shutil.copy(tape, moved)

    assert 0 == bots.run("journal", "prove", "--home", home, "--tape", moved).code


def test_tail_at_stats_and_export_tell_the_same(bots: WarmBots, whole: Path) -> None:
    """The tools count and show what the files hold."""
    story = facts(whole)
    words = ("--home", whole)

    tail = bots.run("journal", "tail", *words, "--count", 3, "--json").stdout.splitlines()
    at = json.loads(bots.run("journal", "at", 1, *words, "--json").stdout)
    stats = json.loads(bots.run("journal", "stats", *words, "--json").stdout)
    lines = bots.run("journal", "export", *words, "--format", "jsonl").stdout.splitlines()
    table = bots.run("journal", "export", *words, "--type", "fill").stdout

    assert [f["seq"] for f in story[-3:]] == [json.loads(line)["seq"] for line in tail]
    assert story[0] == at
    assert len(story) == stats["lines"] == len(lines)
    fills = sum(fact["type"] == "fill" for fact in story)
    assert fills == stats["fills"] == len(list(csv.DictReader(io.StringIO(table))))


def test_export_takes_a_span_of_time(bots: WarmBots, whole: Path) -> None:
    """From midnight on is exactly the second file."""
    words = ("journal", "export", "--home", whole, "--format", "jsonl")

    late = bots.run(*words, "--since", "2026-11-03T00:00:00Z").stdout.splitlines()
    early = bots.run(*words, "--until", "2026-11-03T00:00:00Z").stdout.splitlines()

    assert len(facts(whole)) == len(late) + len(early)
    assert all('"ts":"2026-11-03' in line for line in late)


def test_verify_tells_every_chain(bots: WarmBots, whole: Path) -> None:
    """One line for the lane, one for the bot itself."""
    text = bots.run("journal", "verify", "--full", "--home", whole).stdout

    assert 2 == text.count(": sound, ")
    assert "system/main" in text
