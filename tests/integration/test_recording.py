"""Bots that record while they trade, killed by the kernel: tape, journal and proof still agree."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.adapters.storage.tape_records import Record, TickRecord
from tests.fakes.bot_process import (
    BotProcess,
    WarmBots,
    chain_files,
    facts,
    folder_bytes,
    wait_until,
)

KILLS = 6
SEED = 7
# Two days in steps of ten minutes: midnight comes twice, and a run takes a second or two.
SMALL = (("interval_ms: 5000", "interval_ms: 600000"), ("markets: 60", "markets: 24"))
DAYS = ("2026-11-02", "2026-11-03", "2026-11-04")


def change(home: Path, name: str, *changes: tuple[str, str]) -> None:
    """Change settings of a home."""
    path = home / "config" / name
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def a_home(bots: WarmBots, place: Path) -> Path:
    """Make a home whose simulated world is small and two days long."""
    assert 0 == bots.run("init", "--home", place).code
    change(place, "simulated.yaml", *SMALL, ("days: 1", "days: 2"))
    return place


def words(home: Path) -> tuple[object, ...]:
    """Return the command that trades it."""
    return ("run", "--home", home, "--no-web", "--speed", 0)


def tapes(home: Path) -> list[Path]:
    """Return the recorded files of a home, in order."""
    return sorted((home / "tape").rglob("*.jsonl.zst"))


def tape_bytes(home: Path) -> int:
    """Return how much is recorded."""
    return sum(path.stat().st_size for path in tapes(home))


def records(home: Path) -> dict[str, list[Record]]:
    """Return what is recorded, by file."""
    return {
        path.name: list(TapeReader(path, allow_torn=True).iter_records()) for path in tapes(home)
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, bots: WarmBots) -> Path:
    """Return the home of a recorded run to the end; only read."""
    home = a_home(bots, tmp_path_factory.mktemp("recorded") / "home")
    done = bots.run(*words(home))
    assert (0, "") == (done.code, done.stderr)
    return home


@pytest.fixture
def home(tmp_path: Path, whole: Path) -> Path:
    """Return a copy of it that may be changed."""
    place = tmp_path / "home"
    shutil.copytree(whole, place)
    return place


def test_a_run_is_recorded_and_proven_both_ways(bots: WarmBots, whole: Path) -> None:
    """One file per day, a tick for every scan; every line follows from the seed and from the tape.

    Nothing is recorded of a tape that is played.
    """
    ticks = sum(isinstance(r, TickRecord) for file in records(whole).values() for r in file)
    scans = [fact for fact in facts(whole, "sim") if fact["type"] == "scan"]
    seed = bots.run("journal", "prove", "--home", whole, "--json")
    tape = bots.run("journal", "prove", "--home", whole, "--json", "--tape", *tapes(whole))

    assert [f"{day}.jsonl.zst" for day in DAYS] == [path.name for path in tapes(whole)]
    assert len(scans) == ticks
    assert list(DAYS) == sorted({scan["data"]["position"].partition(":")[0] for scan in scans})
    assert (0, 0) == (seed.code, tape.code), seed.stderr + tape.stderr
    from_seed, from_tape = json.loads(seed.stdout), json.loads(tape.stdout)
    assert ("inputs", "recording") == (from_seed["source"], from_tape["source"])
    assert from_seed["lines"] == from_tape["lines"] == len(facts(whole, "sim"))
    assert from_seed["decisions"] == from_tape["decisions"]
    assert all(from_tape["decisions"][kind] for kind in ("scan", "signal", "order_intent"))
    assert [] == from_tape["unproven"]


def test_killed_again_and_again_the_tape_ends_as_without_kills(
    tmp_path: Path, bots: WarmBots, whole: Path
) -> None:
    """What is consumed is on the tape exactly once, and the journal is the same to the byte."""
    chance = random.Random(SEED)
    home = a_home(bots, tmp_path / "killed")
    for _ in range(KILLS):
        before = tape_bytes(home) + folder_bytes(home / "journal")
        grows = chance.randint(1, 150_000)
        bot = bots.start(*words(home))
        grown(home, before + grows, bot)
        bot.kill()
        for name, known in records(home).items():
            assert known == records(whole)[name][: len(known)]
    last = bots.run(*words(home))

    assert last.code == 0 or "traded to the end" in last.stderr
    assert records(whole) == records(home)
    assert chain_files(whole, "sim") == chain_files(home, "sim")
    assert 0 == bots.run("journal", "prove", "--home", home, "--tape", *tapes(home)).code


def grown(home: Path, total: int, bot: BotProcess) -> None:
    """Wait until so much is written, or the bot is over."""
    wait_until(lambda: tape_bytes(home) + folder_bytes(home / "journal") >= total or bot.over())


def test_a_lost_last_group_is_told_as_a_share(bots: WarmBots, home: Path) -> None:
    """What the recording lacks is not proven, and it is said from where on and why."""
    last = tapes(home)[1]
    for path in tapes(home)[2:]:
        path.unlink()
    last.write_bytes(last.read_bytes()[:-10])

    proof = bots.run("journal", "prove", "--home", home, "--tape", *tapes(home))
    said = bots.run("journal", "prove", "--home", home, "--tape", *tapes(home), "--json")

    assert (0, 0) == (proof.code, said.code), proof.stderr
    numbers = json.loads(said.stdout)
    assert 0 < numbers["lines"] < numbers["total"] == len(facts(home, "sim"))
    assert " % of " in proof.stdout
    (part,) = numbers["unproven"]
    assert part.startswith(f"lines {numbers['lines'] + 1:,} to {numbers['total']:,}: ")
    assert "torn" in part


def test_without_its_tape_nothing_is_proven(tmp_path: Path, bots: WarmBots, home: Path) -> None:
    """One line names the file that is missing and the option."""
    shutil.move(home / "tape", tmp_path / "elsewhere")
    other = next((tmp_path / "elsewhere").rglob("2026-11-04*"))

    proof = bots.run("journal", "prove", "--home", home, "--tape", other)

    assert 1 == proof.code
    (line,) = proof.stderr.splitlines()
    assert "2026-11-02.jsonl.zst was not found" in line
    assert "--tape" in line


def reseal(home: Path, kind: str, old: str, new: str) -> None:
    """Change the first such line and seal all lines again, as a careful forger would."""
    prev, changed = "0" * 64, False
    for path in sorted((home / "journal" / "simulated").rglob("*.jsonl")):
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


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("scan", '"position":"2026-11-02:', '"position":"2026-11-02:1'),
        ("signal", '"purpose":"entry"', '"purpose":"exit"'),
        ("denied", '"phase":"begin"', '"phase":"end"'),
        ("order_intent", '"leg":"yes"', '"leg":"no"'),
        ("mark", '"horizon_s":60', '"horizon_s":61'),
    ],
)
def test_a_forged_decision_is_found_from_the_tape(
    bots: WarmBots, home: Path, kind: str, old: str, new: str
) -> None:
    """All hashes are right again, but the recording tells another story; the line is named."""
    reseal(home, kind, old, new)
    assert 0 == bots.run("journal", "verify", "--full", "--home", home).code

    proof = bots.run("journal", "prove", "--home", home, "--tape", *tapes(home))

    assert 1 == proof.code
    (line,) = proof.stderr.splitlines()
    assert "line " in line or "position" in line


def test_without_room_trading_goes_on_unrecorded(
    tmp_path: Path, bots: WarmBots, whole: Path
) -> None:
    """One line says that the recording stopped; journal and exit code are as with room.

    With room again the same run is recorded to its end.
    """
    home = a_home(bots, tmp_path / "home")
    wide = ("stop_recording_below_mb: 1000", "stop_recording_below_mb: 90000000")
    change(home, "bot.yaml", wide)
    bot = bots.run(*words(home))

    assert 0 == bot.code
    (line,) = bot.stderr.splitlines()
    assert line.startswith("recording stopped: ")
    assert "make room" in line
    assert [] == tapes(home)
    assert chain_files(whole, "sim") == chain_files(home, "sim")
    told = [fact["data"]["what"] for fact in facts_of_system(home) if fact["type"] == "tape"]
    assert len(DAYS) == told.count("stopped")
    assert 0 == bots.run("journal", "prove", "--home", home).code

    half = a_home(bots, tmp_path / "half")
    change(half, "bot.yaml", wide)
    assert 0 == bots.run(*words(half), "--ticks", 150).code
    change(half, "bot.yaml", wide[::-1])
    assert 0 == bots.run(*words(half)).code
    assert records(whole) == records(half)


def test_a_run_that_is_not_to_be_recorded_is_not(tmp_path: Path, bots: WarmBots) -> None:
    """Its positions are the venue's own, and it is proven from the seed."""
    home = a_home(bots, tmp_path / "home")
    change(home, "simulated.yaml", ("record: true", "record: false"))

    assert 0 == bots.run(*words(home), "--ticks", 20).code
    assert 0 == bots.run(*words(home), "--ticks", 20).code
    assert [] == tapes(home)
    assert 0 == bots.run("journal", "prove", "--home", home).code


def test_old_recordings_go_when_one_begins(tmp_path: Path, bots: WarmBots) -> None:
    """The retention is kept at every start, and what went is in the system's chain."""
    home = a_home(bots, tmp_path / "home")
    old = home / "tape" / "kalshi" / "2020-01-01.jsonl.zst"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x")
    os.utime(old, (1_600_000_000, 1_600_000_000))

    assert 0 == bots.run(*words(home), "--ticks", 3).code

    assert not old.exists()
    assert 1 == len(tapes(home))
    told = {f["data"]["what"]: f["data"] for f in facts_of_system(home) if f["type"] == "tape"}
    assert {"begun", "removed"} == told.keys()
    assert (str(old), "older than 30 days") == (told["removed"]["file"], told["removed"]["reason"])


def facts_of_system(home: Path) -> list[dict[str, Any]]:
    """Return the facts of the system's chain."""
    files = sorted((home / "journal" / "system" / "main").glob("*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


# -- recording only --------------------------------------------------------------------------------


def test_recording_alone_decides_nothing(tmp_path: Path, bots: WarmBots, whole: Path) -> None:
    """The same world, but nobody's orders in it; there is no chain but the system's."""
    home = a_home(bots, tmp_path / "home")
    bot = bots.run("record", "--home", home, "--json")
    again = bots.run("record", "--home", home, "--ticks", 5, "--json")

    assert (0, 0) == (bot.code, again.code), bot.stderr
    numbers = json.loads(bot.stdout)
    assert [str(path) for path in tapes(home) if ".2." not in path.name] == numbers["files"]
    assert tape_bytes(home) > numbers["bytes"] > 0
    ticks = sum(isinstance(r, TickRecord) for r in records(whole)["2026-11-02.jsonl.zst"])
    found = sum(isinstance(r, TickRecord) for r in records(home)["2026-11-02.jsonl.zst"])
    assert ticks == found
    assert 5 == json.loads(again.stdout)["ticks"]
    assert "2026-11-02.2.jsonl.zst" in again.stdout
    assert ["system"] == [path.name for path in (home / "journal").iterdir()]


def test_a_killed_recording_is_played_up_to_its_last_group(tmp_path: Path, bots: WarmBots) -> None:
    """What was written stays readable and can be traded; the next start has its own file."""
    home = a_home(bots, tmp_path / "home")
    bot = bots.start("record", "--home", home, "--speed", 200_000)
    assert wait_until(lambda: tape_bytes(home) > 20_000 or bot.over())
    bot.kill()

    (path,) = tapes(home)
    kept = records(home)[path.name]
    assert any(isinstance(record, TickRecord) for record in kept)
    assert 0 == bots.run("record", "--home", home, "--ticks", 2).code
    assert kept == records(home)[path.name]
    assert ["2026-11-02.2.jsonl.zst", "2026-11-02.jsonl.zst"] == [p.name for p in tapes(home)]
    assert 0 == bots.run("run", "--home", home, "--tape", path, "--no-web").code


@pytest.mark.parametrize(
    "options", [("--venue", "nasdaq"), ("--ticks", 0), ("--speed", "-1"), ("--speed", "inf")]
)
def test_what_cannot_be_recorded_is_refused_in_a_line(
    tmp_path: Path, bots: WarmBots, options: tuple[object, ...]
) -> None:
    """Bad usage is exit code 2."""
    bot = bots.run("record", "--home", tmp_path / "home", *options)

    assert 2 == bot.code
    (line,) = bot.stderr.splitlines()
    assert str(options[0]) in line


def test_recording_without_room_fails_in_a_line(tmp_path: Path, bots: WarmBots) -> None:
    """There is nothing else for it to go on with."""
    home = a_home(bots, tmp_path / "home")
    change(home, "bot.yaml", ("stop_recording_below_mb: 1000", "stop_recording_below_mb: 90000000"))
    bot = bots.run("record", "--home", home, "--json")

    assert 1 == bot.code
    (line,) = bot.stderr.splitlines()
    assert "make room" in line
