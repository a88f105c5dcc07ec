"""Lines of recorded files, plain or gzipped, as far as they can be read."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from market_bot.core.ports.recordings import RecordingError

_BLOCK: Final = 1 << 16
_LINE_MAX: Final = 1 << 24
_GZIP: Final = b"\x1f\x8b"


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a small file without their newlines.

    Raises:
        RecordingError: as `read_blocks`.

    """
    for block in read_blocks(path):
        yield from block


def read_blocks(
    path: Path, told: Callable[[Path, int], None] | None = None
) -> Iterator[list[bytes]]:
    """Yield lists of lines without their newlines; ``told`` hears the position in the file.

    Raises:
        RecordingError: if the file cannot be opened, or is cut off or damaged; every complete
            line before the damage has been yielded then.

    """
    try:
        with path.open("rb") as raw:
            zipped = raw.peek(2)[:2] == _GZIP
            read = gzip.GzipFile(fileobj=raw).read1 if zipped else raw.read
            for lines in _split(path, read):
                if told is not None:
                    told(path, raw.tell())
                yield lines
    except OSError as e:
        msg = f"{path}: cannot be read ({e.strerror or e})"
        raise RecordingError(msg) from e


def _split(path: Path, read: Callable[[int], bytes]) -> Iterator[list[bytes]]:
    tail = b""
    number = 0
    try:
        while block := read(_BLOCK):
            lines = (tail + block).split(b"\n")
            tail = lines.pop()
            number += len(lines)
            yield lines
            if len(tail) > _LINE_MAX:
                msg = f"{path}:{number + 1}: a line longer than {_LINE_MAX} bytes; not a text log"
                raise RecordingError(msg)
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        msg = (
            f"{path}:{number + 1}: the compressed file is cut off or damaged here ({e});"
            " everything before was kept"
        )
        raise RecordingError(msg) from e
    if tail:
        yield [tail]
