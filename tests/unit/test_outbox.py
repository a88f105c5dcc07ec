"""Signed orders on disk: private, whole, and gone when they are done with."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from market_bot.adapters.storage.durable_file import RealFiles
from market_bot.adapters.storage.outbox import FileOutbox
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.outbox import Letter, OutboxError

NAME = "0x" + "ab" * 32
SECRET = b'{"signature":"0xfeed"}\nwith a second line'


def a_letter(name: str = NAME) -> Letter:
    """Return a letter."""
    return Letter(order=name, intent="i-1", market="m", expires_at=Micros(7), body=SECRET)


class Counting(RealFiles):
    """Remembers what was made durable, and may fail."""

    def __init__(self, *, fails: str = "") -> None:
        self.done: list[str] = []
        self.fails = fails

    def _note(self, what: str) -> None:
        self.done.append(what)
        if what == self.fails:
            raise OSError(28, "No space left on device")

    def sync(self, descriptor: int) -> None:
        self._note("sync")
        super().sync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        self._note("replace")
        super().replace(source, target)

    def sync_folder(self, folder: Path) -> None:
        self._note("sync folder")
        super().sync_folder(folder)


def test_what_was_put_is_there_for_its_owner_alone(tmp_path: Path) -> None:
    """The bytes are exactly those that were put, for whoever opens the folder next."""
    folder = tmp_path / "outbox"
    FileOutbox(folder).put([a_letter(), a_letter("0x" + "cd" * 32)])
    again = FileOutbox(folder)

    assert (a_letter(), a_letter("0x" + "cd" * 32)) == again.letters()
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
    again.drop(NAME)
    again.drop(NAME)
    assert ["0x" + "cd" * 32] == [letter.order for letter in again.letters()]


def test_it_is_durable_before_it_can_be_sent(tmp_path: Path) -> None:
    """First the bytes, then the name, then the folder."""
    files = Counting()
    FileOutbox(tmp_path, files).put([a_letter()])

    assert ["sync", "replace", "sync folder"] == files.done


@pytest.mark.parametrize("step", ["sync", "replace", "sync folder"])
def test_what_cannot_be_kept_is_said(tmp_path: Path, step: str) -> None:
    """Whoever wanted to send it learns that it must not be sent."""
    outbox = FileOutbox(tmp_path, Counting(fails=step))

    with pytest.raises(OutboxError, match="not sent: No space left"):
        outbox.put([a_letter()])


@pytest.mark.parametrize("damage", ["byte", "cut", "name", "empty", "header"])
def test_what_was_damaged_is_never_sent(tmp_path: Path, damage: str) -> None:
    """It is reported with its file, and without a byte of what it holds."""
    outbox = FileOutbox(tmp_path)
    outbox.put([a_letter()])
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    match damage:
        case "byte":
            path.write_bytes(data.replace(b"feed", b"feee"))
        case "cut":
            path.write_bytes(data[:-1])
        case "name":
            path.rename(tmp_path / f"0x{'ef' * 32}.order")
        case "empty":
            path.write_bytes(b"")
        case _:
            path.write_bytes(data.partition(b"\n")[2])

    with pytest.raises(OutboxError, match="not a signed order") as caught:
        outbox.letters()
    assert "feed" not in str(caught.value)


def test_half_a_letter_is_none(tmp_path: Path) -> None:
    """What was being written when the power went was not sent either."""
    outbox = FileOutbox(tmp_path)
    (tmp_path / f".{NAME}.order").write_bytes(b"half")

    assert () == outbox.letters()
    outbox.put([a_letter()])
    assert (a_letter(),) == outbox.letters()


@pytest.mark.parametrize("name", ["", "../../x", "0xAB", "0x" + "ab" * 31])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    """No other file can be meant by it."""
    with pytest.raises(OutboxError, match="not the name of an order"):
        FileOutbox(tmp_path).put([a_letter(name)])


def test_a_letter_does_not_show_what_it_holds() -> None:
    """Neither in logs nor in tracebacks."""
    assert "feed" not in repr(a_letter())
