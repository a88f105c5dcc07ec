"""A change of a settings file survives a crash at every step: one of two files, and a record."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_bot.adapters.storage.config_files import ConfigFiles, Tried
from market_bot.bootstrap.config_store import config_files
from market_bot.config.defaults import default_files
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.tuning.changes import APPLIED, SUPERSEDED, UNDONE, ChangeLog
from market_bot.core.ports.config_store import (
    ConfigStoreError,
    StaleConfigError,
    UnfitChangeError,
    Version,
)
from market_bot.core.usecases.apply_change import ChangeApplier
from tests.fakes.sim_fs import Fault, SimCrashError, SimFiles, kept, lost, torn

FOLDER = Path("/home/config")
FILE = "simulated.yaml"
BEFORE = default_files()["simulated.yaml"]
AFTER = BEFORE.replace(b"order_usd: 20\n", b"order_usd: 21\n")
WANTED = {"file": FILE, "path": "sizing.order_usd", "before": "20", "after": "21"}


def disk(data: bytes = BEFORE) -> SimFiles:
    """Return a file system with one settings file, safely on the disk."""
    files = SimFiles()
    files.make_folder(FOLDER)
    put(files, data)
    files.operations.clear()
    return files


def put(files: SimFiles, data: bytes) -> None:
    """Write the settings file as an editor would."""
    path = FOLDER / FILE
    if FILE in files.names(FOLDER):
        files.remove(path)
    descriptor = files.create(path)
    files.write(descriptor, data)
    files.sync(descriptor)
    files.close(descriptor)
    files.sync_folder(FOLDER)


def content(files: SimFiles) -> bytes:
    """Return what the settings file holds."""
    descriptor = files.open(FOLDER / FILE)
    return files.read(descriptor, 1 << 20, 0)


def store_of(files: SimFiles) -> ConfigFiles:
    """Return the settings files with the cheapest rules there are; crashes do not mind them."""

    def edit(data: bytes, _name: str, _path: str, before: str, after: str) -> Tried:
        new = data.replace(f"order_usd: {before}\n".encode(), f"order_usd: {after}\n".encode())
        return Tried(data=new, before=before, line=1, old_line="", new_line="")

    return ConfigFiles(folder=FOLDER, edit=edit, check=lambda data, _: str(len(data)), files=files)


def change(files: SimFiles, told: list[ev.Event]) -> ev.ChangeEnded:
    """Make the wanted change."""
    store = store_of(files)
    applier = ChangeApplier(store, told.append)
    return applier.apply(store.prepare(**WANTED), by="operator", cause="proposal:p")


def log_of(told: list[ev.Event]) -> ChangeLog:
    """Return the fold of what was told."""
    log = ChangeLog()
    for number, event in enumerate(told):
        log = log.hear(event, Micros(number))
    return log


def test_a_change_is_made_and_told() -> None:
    """Intended, then the file, then ended; both versions can be had back."""
    files = disk()
    told: list[ev.Event] = []

    ended = change(files, told)

    assert AFTER == content(files)
    assert [ev.ChangeIntended, ev.ChangeEnded] == list(map(type, told))
    assert APPLIED == ended.outcome
    log = log_of(told)
    assert not log.pending
    intended = log.made[0].intended
    store = config_files(FOLDER, files)
    assert BEFORE == store.read(Version(file=FILE, sha256=intended.sha_before))
    assert AFTER == store.read(Version(file=FILE, sha256=intended.sha_after))
    store.restore(FILE, intended.sha_before, expected=intended.sha_after)
    assert BEFORE == content(files)


@pytest.mark.parametrize("survival", [kept, lost, torn(7)])
@pytest.mark.parametrize("names_kept", [True, False])
@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_a_crash_at_any_step_leaves_one_of_two_files(
    survival: object, fault: Fault, *, names_kept: bool
) -> None:
    """The record that is made afterwards says which one, and the change can be made again."""
    clean = disk()
    change(clean, [])
    steps = len(clean.operations)
    assert steps > 8

    for step in range(1, steps + 1):
        files = disk()
        told: list[ev.Event] = []
        files.faults[step] = fault
        with pytest.raises(SimCrashError):
            change(files, told)
        assert isinstance(told[0], ev.ChangeIntended)
        again = files.after_crash(survival, names_kept=names_kept)  # type: ignore[arg-type]  # of the list above
        found = content(again)
        assert found in {BEFORE, AFTER}

        store = store_of(again)
        (ended,) = ChangeApplier(store, told.append).finish(log_of(told).pending.values())

        assert {BEFORE: UNDONE, AFTER: APPLIED}[found] == ended.outcome
        assert not log_of(told).pending
        if found == BEFORE:
            assert APPLIED == change(again, told).outcome
        assert AFTER == content(again)


@pytest.mark.parametrize("survival", [kept, lost])
@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_a_crash_while_a_version_is_put_back_leaves_one_of_two_files(
    survival: object, fault: Fault
) -> None:
    """As with a change: the record says which, and the version can be put back again."""

    def changed() -> tuple[SimFiles, ev.ChangeIntended]:
        files, told = disk(), list[ev.Event]()
        change(files, told)
        files.operations.clear()
        assert isinstance(told[0], ev.ChangeIntended)
        return files, told[0]

    def put_back(files: SimFiles, to: ev.ChangeIntended, told: list[ev.Event]) -> ev.ChangeEnded:
        applier = ChangeApplier(store_of(files), told.append)
        return applier.restore(FILE, to.sha_before, expected=to.sha_after, by="ann")

    clean, intended = changed()
    assert APPLIED == put_back(clean, intended, []).outcome
    assert BEFORE == content(clean)
    steps = len(clean.operations)
    assert steps > 4
    for step in range(1, steps + 1):
        files, intended = changed()
        told: list[ev.Event] = []
        files.faults[step] = fault
        with pytest.raises(SimCrashError):
            put_back(files, intended, told)
        again = files.after_crash(survival, names_kept=True)  # type: ignore[arg-type]  # of the list above
        found = content(again)
        assert found in {BEFORE, AFTER}

        (ended,) = ChangeApplier(store_of(again), told.append).finish(log_of(told).pending.values())

        assert {AFTER: UNDONE, BEFORE: APPLIED}[found] == ended.outcome
        if found == AFTER:
            assert APPLIED == put_back(again, intended, told).outcome
        assert BEFORE == content(again)


@pytest.mark.parametrize("fault", [Fault.NO_SPACE, Fault.IO_ERROR, Fault.SHORT])
def test_a_failure_at_any_step_is_told_as_it_is(fault: Fault) -> None:
    """Where writing failed, the record says what the file is, and no exception escapes."""
    clean = disk()
    change(clean, [])
    for step in range(1, len(clean.operations) + 1):
        files = disk()
        told: list[ev.Event] = []
        files.faults[step] = fault

        ended = change(files, told)

        assert {BEFORE: UNDONE, AFTER: APPLIED}[content(files)] == ended.outcome


def test_somebody_elses_edit_wins() -> None:
    """A file that was edited between preparing and writing is left alone."""
    files = disk()
    told: list[ev.Event] = []
    store = config_files(FOLDER, files)
    edit = store.prepare(**WANTED)
    theirs = BEFORE.replace(b"markets: 60", b"markets: 61")
    before = store.keep(FILE)
    put(files, theirs)

    ended = ChangeApplier(store, told.append).apply(edit, by="operator", cause="proposal:p")

    assert SUPERSEDED == ended.outcome
    assert theirs == content(files)
    with pytest.raises(StaleConfigError, match="changed by somebody else"):
        store.restore(FILE, before.sha256, expected=edit.sha_after)


@pytest.mark.parametrize(
    ("path", "before", "after", "error"),
    [
        ("sizing.order_usd", "19", "21", StaleConfigError),
        ("sizing.order_usd", "20", "-21", UnfitChangeError),
        ("sizing.contracts", "10", "11", UnfitChangeError),
        ("strategies.bias_harvest.params.price_min", "0.75", "0.99", UnfitChangeError),
    ],
)
def test_what_would_not_load_is_never_prepared(
    path: str, before: str, after: str, error: type[Exception]
) -> None:
    """A stale value, a value out of range and a line that is not there are refused."""
    with pytest.raises(error, match=r"simulated\.yaml"):
        config_files(FOLDER, disk()).prepare(FILE, path, before=before, after=after)


@pytest.mark.parametrize("name", ["../bot.yaml", "/etc/passwd", ".env", "x.yml", "X.yaml", ""])
def test_other_files_are_out_of_reach(name: str) -> None:
    """Only settings files of the folder can be named."""
    with pytest.raises(ConfigStoreError, match="no settings file's name"):
        config_files(FOLDER, disk()).version(name)


def test_a_damaged_version_is_not_restored() -> None:
    """A version whose bytes are not what its name says does not exist."""
    files = disk()
    store = config_files(FOLDER, files)
    version = store.keep(FILE)
    path = FOLDER / ".history" / version.sha256
    files.remove(path)
    descriptor = files.create(path)
    files.write(descriptor, BEFORE + b"#")
    files.close(descriptor)

    assert store.read(version) is None
    with pytest.raises(ConfigStoreError, match="is not in"):
        store.restore(FILE, version.sha256, expected=version.sha256)
