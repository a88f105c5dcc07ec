"""A settings file is looked after: still files are taken, bad ones told once, none by half."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import attrs
import pytest

from market_bot.bootstrap.config_store import config_files
from market_bot.bootstrap.lane_config import (
    LaneConfig,
    SettingsFile,
    changed_meanwhile,
    ends_of,
    judge,
    log_of,
)
from market_bot.bootstrap.settings import settings_of
from market_bot.config.defaults import default_files
from market_bot.config.loader import parse_venue
from market_bot.core.domain import events as ev
from market_bot.core.domain.hot_change import BAD_EDIT, NEEDS_RESTART
from market_bot.core.domain.numbers import SECOND, Micros
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.tuning.changes import APPLIED, SUPERSEDED, UNDONE, ChangeLog
from market_bot.core.ports.config_store import Version
from market_bot.core.usecases.keep_config import ConfigKeeper
from market_bot.core.usecases.lane_controls import CommandRefused
from tests.fakes.clock import NOON, after

NAME = "simulated.yaml"
TEXT = default_files()[NAME]


def with_order(dollars: object) -> bytes:
    """Return the default file with another size of orders."""
    return TEXT.replace(b"  order_usd: 20\n", f"  order_usd: {dollars}\n".encode())


def settings(data: bytes) -> LaneSettings:
    """Return what a file means."""
    return settings_of(parse_venue(data, NAME))


@attrs.define(eq=False)
class Desk:
    """A folder with a settings file, its keeper, and a lane that takes what it is told of."""

    folder: Path
    in_force: LaneSettings = attrs.field(factory=lambda: settings(TEXT))
    told: list[ev.Event] = attrs.field(factory=list)
    room: int = 100
    steps: int = 0
    keeper: ConfigKeeper = attrs.field(init=False)
    config: LaneConfig = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.write(TEXT)
        file = SettingsFile(config_files(self.folder), NAME)
        self.keeper = ConfigKeeper(
            lane="simulated/sim",
            fingerprint=file.fingerprint,
            read=file.read,
            in_force=lambda: self.in_force,
            put=self.put,
        )
        self.config = LaneConfig(self.keeper, file, self.record)
        self.look(2)

    def write(self, data: bytes) -> None:
        """Write the file as an editor does that writes in place; its time always differs."""
        self.steps += 1
        path = self.folder / NAME
        path.write_bytes(data)
        os.utime(path, ns=(self.steps, self.steps))

    def put(self, event: ev.Event) -> bool:
        """Take a fact if there is room, as a lane does at once."""
        if len(self.told) >= self.room:
            return False
        self.told.append(event)
        return True

    def record(self, event: ev.Event) -> None:
        """Write a fact down."""
        self.told.append(event)

    def look(self, times: int = 2) -> list[ev.Event]:
        """Let the keeper look so often, a second apart, and return what it told."""
        before = len(self.told)
        for _ in range(times):
            self.steps += 1
            due = self.config.step(after(self.steps))
            assert after(self.steps) + SECOND == due
        return self.told[before:]

    def takes(self) -> None:
        """Have the lane take the last settings it was told of."""
        changed = self.told[-1]
        assert isinstance(changed, ev.ConfigChanged)
        self.in_force = settings((self.folder / NAME).read_bytes())
        assert changed.after == self.in_force.hash
        self.config.hear(changed)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return a desk on the default file."""
    return Desk(tmp_path)


def test_nothing_is_told_of_a_file_that_stays(desk: Desk) -> None:
    """However often it is looked at, and also if it is written anew as it was."""
    assert [] == desk.look(40)
    desk.write(TEXT)
    assert [] == desk.look(5)
    assert desk.config.trouble is None


def test_an_edit_is_taken_once_it_stands_still(desk: Desk) -> None:
    """While it changes from look to look nothing is read; then it is told once."""
    for dollars in (9, 8, 7):
        desk.write(with_order(dollars))
        assert [] == desk.look(1)

    (changed,) = desk.look(1)

    assert isinstance(changed, ev.ConfigChanged)
    assert ("", "file", "sizing.order_usd") == (changed.before, changed.by, changed.path)
    assert (settings(with_order(7)).hash, settings(with_order(7)).text) == (
        changed.after,
        changed.config,
    )
    assert [] == desk.look(20)
    version = hashlib.sha256(with_order(7)).hexdigest()
    assert with_order(7) == desk.config.store.read(Version(file=NAME, sha256=version))


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (with_order("[")[:-7], BAD_EDIT),
        (b"", BAD_EDIT),
        (b"\xff\xfe", BAD_EDIT),
        (TEXT.replace(b"mode: paper\n", b"mode: live\n"), NEEDS_RESTART),
        (b"#" * 300_000, BAD_EDIT),
    ],
)
def test_a_bad_edit_is_told_once(desk: Desk, data: bytes, where: str) -> None:
    """And told again if somebody makes it again after the file was well."""
    desk.write(data)

    (error,) = desk.look()

    assert isinstance(error, ev.Error)
    assert where == error.where
    assert NAME in error.message
    assert [error.message] == [desk.config.trouble]
    assert [] == desk.look(40)
    desk.write(TEXT)
    assert [] == desk.look(3)
    assert desk.config.trouble is None
    desk.write(data)
    assert [error] == desk.look()


def test_a_file_that_is_gone_is_told_once(desk: Desk) -> None:
    """The settings in force stay, and the file may come back."""
    (desk.folder / NAME).unlink()
    (error,) = desk.look()
    assert isinstance(error, ev.Error)
    assert [] == desk.look(20)
    desk.write(with_order(9))
    assert [ev.ConfigChanged] == list(map(type, desk.look()))


def test_an_edit_that_leaves_size_and_time_alone_is_found(desk: Desk) -> None:
    """Now and then the file is read whatever it looks like from outside."""
    found = (desk.folder / NAME).stat()
    (desk.folder / NAME).write_bytes(with_order(21))
    os.utime(desk.folder / NAME, ns=(found.st_atime_ns, found.st_mtime_ns))

    assert [ev.ConfigChanged] == list(map(type, desk.look(16)))


def test_a_change_that_is_taken_back_on_its_way_is_told_both_times(desk: Desk) -> None:
    """The lane hears of the second after the first, so that it ends with what the file says."""
    desk.write(with_order(9))
    desk.look()
    desk.write(TEXT)

    (back,) = desk.look()

    assert isinstance(back, ev.ConfigChanged)
    assert settings(TEXT).hash == back.after


def test_what_the_lane_cannot_hear_yet_is_told_later(desk: Desk) -> None:
    """A full queue loses nothing."""
    desk.room = 0
    desk.write(with_order(9))
    assert [] == desk.look(4)
    desk.room = 10
    assert [ev.ConfigChanged] == list(map(type, desk.look(1)))


def test_a_lane_that_catches_up_is_left_alone(desk: Desk) -> None:
    """Its settings are those of its past until it trades again."""
    trading = False
    desk.keeper.ready = lambda: trading
    desk.write(with_order(9))
    assert [] == desk.look(20)
    trading = True
    assert [ev.ConfigChanged] == list(map(type, desk.look(1)))


def test_what_the_lane_refuses_is_shown(desk: Desk) -> None:
    """Its own reason is the trouble, until settings are taken."""
    desk.config.hear(ev.Error(where=NEEDS_RESTART, message="no"))
    assert "no" == desk.config.trouble
    desk.config.hear(ev.Error(where="execution:stray_fill", message="other"))
    assert "no" == desk.config.trouble
    desk.config.hear(ev.ConfigChanged(before="a", after="b", config="", by="x"))
    assert desk.config.trouble is None


# -- changes and versions ------------------------------------------------------------------------


def test_a_change_is_applied_and_followed(desk: Desk) -> None:
    """Intended, the file, ended, and then the lane hears who did it; the watch adds nothing."""
    edit = desk.config.store.prepare(NAME, "sizing.order_usd", before="20", after="21")

    ended = desk.config.apply(edit, by="ann", cause="proposal:p")

    assert APPLIED == ended.outcome
    assert [ev.ChangeIntended, ev.ChangeEnded, ev.ConfigChanged] == list(map(type, desk.told))
    changed = desk.told[-1]
    assert isinstance(changed, ev.ConfigChanged)
    assert ("ann", "sizing.order_usd") == (changed.by, changed.path)
    desk.takes()
    assert [] == desk.look(20)


def test_what_a_running_lane_does_not_take_is_not_written(desk: Desk) -> None:
    """Neither by a change nor by a version of the past."""
    loose = TEXT.replace(b"  max_order_usd: 25\n", b"  max_order_usd: 26\n")
    desk.write(loose)
    version = desk.config.store.keep(NAME)
    desk.write(TEXT)
    edit = desk.config.store.prepare(NAME, "sizing.order_usd", before="20", after="21")
    bad = attrs.evolve(edit, data=loose)

    with pytest.raises(CommandRefused, match="max_order_usd"):
        desk.config.apply(bad, by="ann", cause="proposal:p")
    with pytest.raises(CommandRefused, match="max_order_usd"):
        desk.config.restore(version.sha256, expected=_sha(TEXT), by="ann")
    with pytest.raises(CommandRefused, match="not in the history"):
        desk.config.restore("0" * 64, expected=_sha(TEXT), by="ann")
    assert [] == desk.told
    assert TEXT == (desk.folder / NAME).read_bytes()


def test_a_version_is_put_back_byte_for_byte(desk: Desk) -> None:
    """Only onto the file that was expected there."""
    first = desk.config.store.keep(NAME)
    desk.write(with_order(9))
    desk.look()
    desk.takes()
    told = len(desk.told)

    stale = desk.config.restore(first.sha256, expected=first.sha256, by="ann")
    ended = desk.config.restore(first.sha256, expected=_sha(with_order(9)), by="ann")

    assert SUPERSEDED == stale.outcome
    assert APPLIED == ended.outcome
    assert TEXT == (desk.folder / NAME).read_bytes()
    changed = desk.told[-1]
    assert isinstance(changed, ev.ConfigChanged)
    assert ("ann", settings(TEXT).hash) == (changed.by, changed.after)
    assert told + 5 == len(desk.told)


def test_a_hand_edit_under_a_restore_wins(desk: Desk) -> None:
    """What is there is not what was expected: nothing is written, and it is said so."""
    first = desk.config.store.keep(NAME)
    desk.write(with_order(9))

    ended = desk.config.restore(first.sha256, expected=_sha(with_order(5)), by="ann")

    assert SUPERSEDED == ended.outcome
    assert with_order(9) == (desk.folder / NAME).read_bytes()


# -- starting again ------------------------------------------------------------------------------


def test_an_interrupted_change_is_found_out_at_the_start(desk: Desk) -> None:
    """Whichever of the two files is there."""
    desk.look()
    edit = desk.config.store.prepare(NAME, "sizing.order_usd", before="20", after="21")
    desk.config.apply(edit, by="ann", cause="proposal:p")
    intended = desk.told[0]
    assert isinstance(intended, ev.ChangeIntended)
    log = ChangeLog().hear(intended, NOON)

    assert [APPLIED] == [e.outcome for e in ends_of(log, desk.config.store)]
    desk.write(TEXT)
    assert [UNDONE] == [e.outcome for e in ends_of(log, desk.config.store)]
    desk.write(with_order(5))
    assert [SUPERSEDED] == [e.outcome for e in ends_of(log, desk.config.store)]
    assert not log_of(iter(())).pending


def test_what_changed_while_no_bot_ran_is_told_with_who_did_it(desk: Desk) -> None:
    """By the record of a change if the file is its result, else by the file."""
    edit = desk.config.store.prepare(NAME, "sizing.order_usd", before="20", after="21")
    desk.config.apply(edit, by="ann", cause="proposal:p")
    log = ChangeLog()
    for event in desk.told:
        log = log.hear(event, Micros(NOON))
    new = settings(edit.data)

    ours = changed_meanwhile(log, "old", new, edit.sha_after)
    theirs = changed_meanwhile(log, "old", new, "another")

    assert ours is not None
    assert theirs is not None
    assert ("ann", "sizing.order_usd", "old") == (ours.by, ours.path, ours.before)
    assert ("file", "", new.text) == (theirs.by, theirs.path, theirs.config)
    assert changed_meanwhile(log, new.hash, new, edit.sha_after) is None
    assert changed_meanwhile(log, "", new, edit.sha_after) is None


def test_a_file_is_judged_by_what_is_in_force() -> None:
    """The same bytes are news to one lane and too loose for another."""
    tight = TEXT.replace(b"  max_order_usd: 25\n", b"  max_order_usd: 24\n")

    assert judge(tight, NAME, settings(TEXT)).trouble is None
    assert judge(TEXT, NAME, settings(tight)).trouble is not None


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
