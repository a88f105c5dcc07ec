"""When the disk is full nothing is opened, exits still go out, and nothing written is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.bot_process import BotProcess, WarmBots, chain_files, facts
from tests.fakes.small_market import write_small_tape

_MEGABYTE = 1 << 20
_RESERVE = 4 * _MEGABYTE
_SMALL = 192 << 10


@pytest.fixture(scope="module")
def expected(
    tmp_path_factory: pytest.TempPathFactory, bots: WarmBots, tape: Path
) -> dict[str, bytes]:
    """Return the journal of a run with all the room it wants."""
    home = tmp_path_factory.mktemp("roomy") / "home"
    assert 0 == bots.run("run", "--home", home, "--tape", tape, "--no-web").code
    return chain_files(home)


def must_complain_in_one_line(bot: BotProcess) -> None:
    """Check that a failed bot says why, once for each chain, without a traceback."""
    assert "Traceback" not in bot.stderr
    lines = bot.stderr.splitlines()
    assert 1 <= len(lines) <= 2, bot.stderr


@pytest.mark.parametrize(
    "room", [4_200, 5_000, 9_000, 17_000, 25_000, 33_000, 42_000, 48_000, 55_000]
)
def test_where_no_file_may_grow_the_run_fails_and_goes_on_later(
    tmp_path: Path, bots: WarmBots, tape: Path, expected: dict[str, bytes], room: int
) -> None:
    """Exit code 1 and a line; with room again the journal ends as if nothing had happened."""
    home = tmp_path / "home"
    words = ("run", "--home", home, "--tape", tape, "--no-web")
    # The home and its reserve are made while there is room.
    assert 0 == bots.run(*words, "--ticks", 1).code

    bot = bots.run(*words, room=room)

    assert 1 == bot.code
    must_complain_in_one_line(bot)
    for name, data in chain_files(home).items():
        whole, _, _ = data.rpartition(b"\n")
        assert expected[name].startswith(whole)
    again = bots.run(*words)
    assert 0 == again.code, again.stderr
    assert expected == chain_files(home)
    assert 0 == bots.run("journal", "verify", "--full", "--home", home).code
    assert 0 == bots.run("journal", "prove", "--home", home).code


@pytest.mark.parametrize("room", [300, 2_000, 100_000])
def test_where_no_home_or_no_reserve_fits_one_line_says_so(
    tmp_path: Path, bots: WarmBots, tape: Path, room: int
) -> None:
    """Nothing half made is in the way of the next start."""
    words = ("run", "--home", tmp_path / "home", "--tape", tape, "--no-web")

    bot = bots.run(*words, room=room)

    assert 1 == bot.code
    (line,) = bot.stderr.splitlines()
    assert str(tmp_path / "home") in line
    again = bots.run(*words)
    assert 0 == again.code, again.stderr


Remount = Callable[[int], None]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, Remount]]:
    """Return a file system of its own and what changes its size; skip where that is impossible."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("there is no mount here")
    options = f"size={_RESERVE + _SMALL},mode=0700"
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", options, "tmpfs", place], check=False, capture_output=True
    )
    if made.returncode != 0:
        pytest.skip("mounting is not allowed here")

    def resize(size: int) -> None:
        subprocess.run([mount, "-o", f"remount,size={size}", place], check=True)

    yield place, resize
    subprocess.run(["umount", place], check=True)


def after_the_loss(story: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was written after the note that durability was lost, up to its end."""
    states = [
        (place, fact["data"]["state"])
        for place, fact in enumerate(story)
        if fact["type"] == "venue_state"
    ]
    begin = next(place for place, state in states if state == "degraded")
    end = next((place for place, state in states if state == "open"), len(story))
    return story[begin + 1 : end]


def entries(story: list[dict[str, Any]]) -> int:
    """Return how many entries were sent."""
    return sum(f["type"] == "order_intent" and f["data"]["purpose"] == "entry" for f in story)


def test_on_a_full_disk_exits_still_go_out_and_entries_do_not(
    tmp_path: Path, bots: WarmBots, small_disk: tuple[Path, Remount]
) -> None:
    """The reserve carries the exits to the end of the tape; the bot says what happened."""
    place, _ = small_disk
    tape = write_small_tape(tmp_path / "long.tape.zst", markets=60)
    written: set[str] = set()
    # Whether something is held when the room ends is up to where it ends.
    for ballast in (55_000, 70_000, 85_000, 100_000, 115_000):
        (place / "ballast").write_bytes(os.urandom(ballast))
        written |= what_follows_the_loss(bots, place / f"home-{ballast}", tape)
        shutil.rmtree(place / f"home-{ballast}")

    assert {"exit", "order_intent", "fill", "market_resolved"} <= written


def what_follows_the_loss(bots: WarmBots, home: Path, tape: Path) -> set[str]:
    """Run out of room; check what must hold always; return the types of what was still written."""
    bot = bots.run("run", "--home", home, "--tape", tape, "--no-web")

    assert 1 == bot.code
    must_complain_in_one_line(bot)
    story = facts(home)
    assert entries(story) > 0
    later = after_the_loss(story)
    assert 0 == entries(later)
    assert 0 == bots.run("journal", "verify", "--full", "--home", home).code
    proof = bots.run("journal", "prove", "--home", home)
    assert 0 == proof.code, proof.stderr
    types = {fact["type"] for fact in later}
    assert not {"scan", "signal", "denied"} & types
    return types


@pytest.mark.parametrize("ticks", [150, 200, 250])
def test_with_room_again_the_run_goes_on_and_opens_positions(
    tmp_path: Path, bots: WarmBots, small_disk: tuple[Path, Remount], ticks: int
) -> None:
    """The loss is derived again, its end is noted, and the whole run proves."""
    place, resize = small_disk
    tape = write_small_tape(tmp_path / "long.tape.zst", markets=24)
    home = place / "home"
    words = ("run", "--home", home, "--tape", tape, "--no-web")
    (place / "ballast").write_bytes(os.urandom(120_000))
    first = bots.run(*words, "--ticks", ticks)
    assert 1 == first.code
    before = chain_files(home)
    resize(16 * _MEGABYTE)

    second = bots.run(*words)

    assert 0 == second.code, second.stderr
    after = chain_files(home)
    for name, data in before.items():
        assert after[name].startswith(data.rpartition(b"\n")[0])
    story = facts(home)
    assert "bot_stopped" == story[-1]["type"]
    assert "scan" in {fact["type"] for fact in story[-20:]}
    assert 0 == bots.run("journal", "verify", "--full", "--home", home).code
    proof = bots.run("journal", "prove", "--home", home)
    assert 0 == proof.code, proof.stderr
