"""Where every chain of a journal ended, noted in a second file once a day.

A chain shows that nothing in it was changed; it cannot show that its end is missing, or that all
of it was written anew. The lines here do: each names the last line of every chain that has grown,
and carries the hash of the line before. Copies of the file belong on other machines.

``{"v":1,"at":"…","heads":{"kalshi/paper":[seq,"<64 hex>"]},"prev":"<64 hex>","hash":"<64 hex>"}``;
``hash`` is the SHA-256 of the line's bytes without ``,"hash":"…"``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import attrs
import msgspec

from market_bot.core.domain.numbers import Micros, format_time, parse_time
from market_bot.core.ports.journal import Chain, CorruptJournalError, JournalError

from .durable_file import Files, RealFiles, write_all
from .journal_reader import JournalReader, chain_folder, journal_files, whole_lines_end
from .journal_tools import list_chains
from .line_format import NO_HASH, BadLineError, parse_line

FILE_BYTES_MAX: Final = 256 << 20
"""A file of a thousand chains grows so large in many years; a larger one is none."""

_VERSION: Final = 1


class AnchorError(JournalError):
    """The file of the anchors cannot be read, written or believed; one line for people."""


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    at: str
    heads: dict[str, tuple[int, str]]
    prev: str
    hash: str


@attrs.frozen
class Anchor:
    """One line: when it was written, the last line of every chain that had grown, its own hash."""

    at: Micros
    heads: Mapping[str, tuple[int, str]]
    hash: str


@attrs.frozen
class Checked:
    """What came of comparing a journal with its anchors.

    Args:
        anchors: how many anchors there are.
        heads: how many of the lines they name are in the journal as they were.
        removed: how many are no longer kept, because a chain's first files were removed.
        newest: when the newest anchor was written.
        faults: what does not agree, a line each.

    """

    anchors: int
    heads: int
    removed: int
    newest: Micros
    faults: tuple[str, ...]


def read_anchors(path: Path, files: Files | None = None) -> tuple[Anchor, ...]:
    """Return every whole line, oldest first; none if there is no file.

    Raises:
        AnchorError: if the file cannot be read, or a line was changed, lost or moved.

    """
    files = files or RealFiles()
    try:
        descriptor = files.open(path)
    except FileNotFoundError:
        return ()
    except OSError as e:
        raise _unusable(path, e) from e
    try:
        return tuple(_follow(path, files, descriptor))
    except OSError as e:
        raise _unusable(path, e) from e
    finally:
        files.close(descriptor)


def _follow(path: Path, files: Files, descriptor: int) -> Iterator[Anchor]:
    end = whole_lines_end(files, descriptor)
    if end > FILE_BYTES_MAX:
        msg = f"{path}: larger than {FILE_BYTES_MAX >> 20} MB: this is not a file of anchors"
        raise AnchorError(msg)
    before = NO_HASH
    lines = files.read(descriptor, end, 0).split(b"\n")[:-1]
    for number, line in enumerate(lines, start=1):
        anchor, prev = _parse(line, f"{path}:{number}")
        if prev != before:
            msg = f"{path}:{number}: does not continue the line before it: put back a sound copy"
            raise AnchorError(msg)
        before = anchor.hash
        yield anchor


def _parse(line: bytes, where: str) -> tuple[Anchor, str]:
    try:
        read = _decode(line)
        anchor = Anchor(parse_time(read.at), read.heads, read.hash)
    except (msgspec.MsgspecError, ValueError) as e:
        msg = f"{where}: not a line of anchors ({e}): put back a sound copy"
        raise AnchorError(msg) from e
    if read.v != _VERSION or _seal(anchor.at, read.heads, read.prev) != (line + b"\n", read.hash):
        msg = f"{where}: was changed after it was written: put back a sound copy"
        raise AnchorError(msg)
    return anchor, read.prev


def _seal(at: Micros, heads: Mapping[str, tuple[int, str]], prev: str) -> tuple[bytes, str]:
    body = msgspec.json.encode({"v": _VERSION, "at": format_time(at), "heads": heads, "prev": prev})
    hashed = sha256(body).hexdigest()
    return b'%b,"hash":"%b"}\n' % (body[:-1], hashed.encode()), hashed


@attrs.define(eq=False)
class AnchorFile:
    """The file of the anchors of one home, for its one running bot; used by one thread.

    Args:
        path: where it lies, see `Home.anchors_file`.
        journal_dir: the folder of all chains.
        files: the file system.

    """

    path: Path
    journal_dir: Path
    files: Files = attrs.field(factory=RealFiles)

    def add(self, at: Micros) -> Anchor | None:
        """Note durably where every chain ends that has grown; None if none has.

        What is noted is made durable first: an anchor never names a line that a crash could take.

        Raises:
            AnchorError: if the file is damaged or cannot be written.
            JournalError: if a chain's last line is bad.

        """
        known = read_anchors(self.path, self.files)
        before: dict[str, tuple[int, str]] = {}
        for anchor in known:
            before.update(anchor.heads)
        try:
            heads = dict(_heads(self.journal_dir, self.files))
            moved = {name: head for name, head in heads.items() if before.get(name) != head}
            if not moved:
                return None
            line, hashed = _seal(at, moved, known[-1].hash if known else NO_HASH)
            self._append(line)
        except OSError as e:
            raise _unusable(self.path, e) from e
        return Anchor(at, moved, hashed)

    def _append(self, line: bytes) -> None:
        try:
            descriptor = self.files.append(self.path)
        except FileNotFoundError:
            descriptor = self.files.create(self.path)
        try:
            whole = whole_lines_end(self.files, descriptor)
            if whole < self.files.size(descriptor):
                # What a crash left of a line; nothing else is ever cut off.
                self.files.truncate(descriptor, whole)
            write_all(self.files, descriptor, line)
            self.files.sync(descriptor)
        finally:
            self.files.close(descriptor)
        self.files.sync_folder(self.path.parent)


def check_anchors(
    path: Path,
    journal_dir: Path,
    chains: Sequence[Chain] | None = None,
    files: Files | None = None,
) -> Checked:
    """Look up every line that anchors name; the lines between are `journal_tools.verify`'s.

    Args:
        path: the anchors: the home's own, or a copy from elsewhere.
        journal_dir: the folder of all chains.
        chains: only these; None means all.
        files: the file system.

    Raises:
        AnchorError: if there are no anchors, or they cannot be believed.

    """
    files = files or RealFiles()
    anchors = read_anchors(path, files)
    if not anchors:
        msg = f"{path}: there are no anchors yet: the running bot writes one a day"
        raise AnchorError(msg)
    wanted = None if chains is None else {str(chain) for chain in chains}
    heads = removed = 0
    faults = []
    for anchor in anchors:
        for name, head in anchor.heads.items():
            if wanted is not None and name not in wanted:
                continue
            fault = _compare(journal_dir, name, head, files)
            heads += fault is None
            removed += fault == _REMOVED
            if fault and fault != _REMOVED:
                faults.append(f"{name}: {fault}; it was anchored at {format_time(anchor.at)}")
    return Checked(len(anchors), heads, removed, anchors[-1].at, tuple(faults))


_REMOVED: Final = "no longer kept"


def _compare(journal_dir: Path, name: str, head: tuple[int, str], files: Files) -> str | None:
    """Return what is wrong with a line that an anchor names, None if nothing is."""
    seq, _ = head
    try:
        chain = _chain(name)
        reader = JournalReader(chain_folder(journal_dir, chain), chain, files)
        place = reader.find_seq(seq)
        if place is None:
            return _ended_before(reader, seq)
        line = parse_line(reader.line_at(place))
    except (BadLineError, JournalError, OSError) as e:
        return f"line {seq} cannot be read: {e}"
    if line.seq > seq:
        return _REMOVED
    if (line.seq, line.hash) != head:
        return f"line {seq} is another than it was: the chain was written anew"
    return None


def _ended_before(reader: JournalReader, seq: int) -> str:
    last = reader.tail(1)
    if not last and reader.chain.run:
        return _REMOVED  # The retention takes a run that is over as a whole.
    end = f"ends with line {last[0].seq}" if last else "is gone"
    return f"the chain {end}, but had line {seq}: its end is missing"


def _heads(journal_dir: Path, files: Files) -> Iterator[tuple[str, tuple[int, str]]]:
    for chain in list_chains(journal_dir, files):
        folder = chain_folder(journal_dir, chain)
        newest = journal_files(files, folder)[-1]
        descriptor = files.open(newest)
        try:
            files.sync(descriptor)
        finally:
            files.close(descriptor)
        last = JournalReader(folder, chain, files).tail(1)
        if last:
            yield str(chain), (last[0].seq, last[0].hash)


def _chain(name: str) -> Chain:
    try:
        return Chain(*name.split("/"))
    except (TypeError, ValueError) as e:
        msg = f"{name!r} is not the name of a chain"
        raise CorruptJournalError(msg) from e


def _unusable(path: Path, error: OSError) -> AnchorError:
    return AnchorError(f"{path}: {error.strerror or error}: see its owner, mode and disk")


_decode = msgspec.json.Decoder(_Line).decode
