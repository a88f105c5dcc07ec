"""Find the few lines of some types among the many of a journal, fast.

Only lines that are found are decoded and checked; whether the chain is whole is for
`market-bot journal verify` to say. A reader changes nothing and may work beside the writer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from market_bot.core.domain.numbers import Micros, parse_time, utc_date
from market_bot.core.ports.journal import Entry

from .codec import CodecError, decode_event
from .durable_file import Files, RealFiles
from .journal_reader import corrupt, journal_files
from .line_format import LINE_BYTES_MAX, BadLineError, parse_line

_BLOCK_BYTES: Final = 1 << 20


class FactFinder:
    """Finds lines of one chain by their type.

    Args:
        folder: where the chain's files lie.
        files: the file system.

    """

    def __init__(self, folder: Path, files: Files | None = None) -> None:
        self._folder = folder
        self._files = files or RealFiles()

    def first(self) -> Entry | None:
        """Return the first line that is kept, None if there is none."""
        for path in journal_files(self._files, self._folder)[:1]:
            for offset, block in self._blocks(path):
                return _entry(path, offset, block[: block.index(b"\n")])
        return None

    def find(
        self, types: Collection[str], since: Micros = Micros(0), up_to: int | None = None
    ) -> Iterator[Entry]:
        """Yield the lines of these types, in order.

        Args:
            types: names of types.
            since: leave out the files of earlier days.
            up_to: the last sequence number that is wanted.

        Raises:
            CorruptJournalError: if a line that is found is not sound.

        """
        names = b"|".join(re.escape(kind.encode()) for kind in sorted(types))
        wanted = re.compile(rb'","type":"(?:%b)","data":' % names)
        for path in journal_files(self._files, self._folder):
            if path.stem < utc_date(since):
                continue
            for offset, block in self._blocks(path):
                for entry in _found(path, offset, block, wanted):
                    if up_to is not None and entry.seq > up_to:
                        return
                    if entry.type in types:
                        yield entry

    def _blocks(self, path: Path) -> Iterator[tuple[int, bytes]]:
        """Yield pieces of whole lines, each with its place; an unfinished line is the end."""
        descriptor = self._files.open(path)
        try:
            size, at, rest = self._files.size(descriptor), 0, b""
            while at < size:
                read = self._files.read(descriptor, min(_BLOCK_BYTES, size - at), at)
                if not read:
                    return
                at += len(read)
                block = rest + read
                end = block.rfind(b"\n") + 1
                rest = block[end:]
                if len(rest) > LINE_BYTES_MAX:
                    raise corrupt(path, at - len(rest), f"a line above {LINE_BYTES_MAX} bytes")
                if end:
                    yield at - len(block), block[:end]
        finally:
            self._files.close(descriptor)


def _found(path: Path, offset: int, block: bytes, wanted: re.Pattern[bytes]) -> Iterator[Entry]:
    done = 0
    for match in wanted.finditer(block):
        if match.start() < done:
            continue  # The words stand within the data of a line that was found already.
        start = block.rfind(b"\n", 0, match.start()) + 1
        done = block.index(b"\n", match.end()) + 1
        yield _entry(path, offset + start, block[start : done - 1])


def _entry(path: Path, offset: int, line: bytes) -> Entry:
    try:
        told = parse_line(line)
        return Entry(
            seq=told.seq,
            at=parse_time(told.ts),
            boot=told.boot,
            config=told.cfg,
            type=told.type,
            event=decode_event(told.type, told.data),
            prev=told.prev,
            hash=told.hash,
        )
    except (BadLineError, CodecError, ValueError) as e:
        raise corrupt(path, offset, str(e)) from e
