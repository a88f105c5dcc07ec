"""Old journals go: whole days of a lane that goes on, whole runs; and anchors are noted daily."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from market_bot.adapters.storage.anchors import read_anchors
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.storage.journal_retention import sweep_journals
from market_bot.bootstrap.housekeeping import Housekeeper
from market_bot.bootstrap.taped_lane import snapshot_of
from market_bot.config.defaults import default_files
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.numbers import HOUR, SECOND, Micros
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.record_facts import Recorder
from tests.fakes.clock import NOON

CHAIN = Chain("kalshi", "paper")
DAY = 24 * HOUR


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home."""
    place = Home(tmp_path / "home")
    place.create(default_files())
    return place


def written(home: Home, days: int, chain: Chain = CHAIN, ends: Micros = NOON) -> list[Path]:
    """Write a line a day, up to a day, and return the files, as old as they say."""
    folder = chain_folder(home.journal_dir, chain)
    journal = JsonlJournal(folder, chain, boot="b")
    recorder = Recorder(
        journal=journal,
        state=LaneState(),
        config="c",
        snapshot=snapshot_of,
        last_at=journal.last_at,
    )
    for number in range(days):
        at = Micros(ends - (days - 1 - number) * DAY)
        recorder.record(ev.Error(where="x", message=str(number)), at)
    journal.commit()
    journal.close()
    files = sorted(folder.glob("*.jsonl"))
    for number, path in enumerate(files):
        moment = (ends - (len(files) - 1 - number) * DAY) // 10**6
        os.utime(path, (moment, moment))
    return files


def test_old_days_go_and_what_is_left_is_a_chain(home: Home) -> None:
    """The newest two days stay however old; what is left is read from its checkpoint on."""
    files = written(home, 6)

    assert files[:3] == sweep_journals(home.journal_dir, days=2, now=NOON)
    kept = JournalReader(chain_folder(home.journal_dir, CHAIN), CHAIN)
    assert "checkpoint" == next(kept.read()).type
    assert [] == sweep_journals(home.journal_dir, days=2, now=NOON)
    assert files[3:4] == sweep_journals(home.journal_dir, days=1, now=Micros(NOON + 90 * DAY))


def test_a_day_that_was_touched_keeps_what_follows(home: Home) -> None:
    """There is never a gap in a chain."""
    files = written(home, 6)
    os.utime(files[1], (NOON // 10**6, NOON // 10**6))

    assert files[:1] == sweep_journals(home.journal_dir, days=2, now=NOON)


def test_a_run_goes_as_a_whole_or_not_at_all(home: Home) -> None:
    """What is derived again needs its first line; a run that was traded lately stays."""
    old, new = (Chain("simulated", "sim", name) for name in ("old", "new"))
    written(home, 3, old, Micros(NOON - 30 * DAY))
    written(home, 30, new, Micros(NOON - DAY))

    gone = chain_folder(home.journal_dir, old)
    assert [gone] == sweep_journals(home.journal_dir, days=10, now=NOON)
    assert not gone.exists()
    assert 30 == len(list(chain_folder(home.journal_dir, new).glob("*.jsonl")))


def keeper(home: Home, told: list[ev.Event]) -> Housekeeper:
    """Return somebody who keeps the house."""
    return Housekeeper(home=home, journal_days=2, tell=told.append)


def test_the_house_is_kept_once_a_day(home: Home) -> None:
    """A minute after the start and on each day: chains that grew are anchored, old files told."""
    written(home, 6)
    told: list[ev.Event] = []
    first = keeper(home, told)
    first.step(NOON)
    assert () == read_anchors(home.anchors_file)
    for minute in range(1, 5):
        first.step(Micros(NOON + minute * 60 * SECOND))
    second = keeper(home, told)
    for minute in range(5, 10):
        second.step(Micros(NOON + minute * 60 * SECOND))
    (anchor,) = read_anchors(home.anchors_file)
    assert [str(CHAIN)] == list(anchor.heads)
    assert 4 == len([one for one in told if isinstance(one, ev.TapeChanged)])

    written(home, 1, ends=Micros(NOON + DAY))
    second.step(Micros(NOON + DAY))
    assert 2 == len(read_anchors(home.anchors_file))


def test_anchors_that_cannot_be_written_are_told(home: Home) -> None:
    """What is wrong with them stops nobody, and is told once a day."""
    written(home, 1)
    home.anchors_file.write_bytes(b"no anchors\n")
    told: list[ev.Event] = []
    house = keeper(home, told)
    for minute in range(5):
        house.step(Micros(NOON + minute * 60 * SECOND))

    (error,) = told
    assert isinstance(error, ev.Error)
    assert "anchors" == error.where
