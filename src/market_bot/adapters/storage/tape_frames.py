"""Zstandard frames in a file: each is one group of whole lines, and counts only when complete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

import zstandard

from market_bot.core.ports.tape import TapeError, TornTapeError

LEVEL: Final = 3
GROUP_BYTES_MAX: Final = 64 * 1024 * 1024
# A few bytes of a hostile frame become 128 KiB, and one call hands out all that a chunk holds.
_CHUNK: Final = 1024
_WINDOW_MAX: Final = 128 * 1024 * 1024
_ZEROS_MIN: Final = 8
_MAGIC: Final = zstandard.FRAME_HEADER


def compress_frame(content: bytes) -> bytes:
    """Return one complete frame, checksum and content size included; always the same bytes."""
    return zstandard.ZstdCompressor(
        level=LEVEL, write_checksum=True, write_content_size=True
    ).compress(content)


def read_frames(file: BinaryIO, name: str) -> Iterator[tuple[bytes, int]]:
    """Yield the content of each frame and the offset right behind it.

    Args:
        file: a seekable file at its beginning.
        name: what to call it in messages.

    Raises:
        TornTapeError: if the file ends inside a frame, or with zeros as after a power cut.
        TapeError: if a frame is damaged or larger than any writer makes it.

    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW_MAX)
    read = start = 0
    chunk = b""
    while True:
        if not chunk:
            chunk = file.read(_CHUNK)
            read += len(chunk)
        if not chunk:
            return
        frame = decompressor.decompressobj()
        parts: list[bytes] = []
        size = 0
        while not frame.eof:
            if not chunk:
                chunk = file.read(_CHUNK)
                read += len(chunk)
                if not chunk:
                    raise _torn(name, start)
            try:
                part = frame.decompress(chunk)
            except zstandard.ZstdError as e:
                raise _torn_or_damaged(file, name, start, e) from e
            chunk = frame.unused_data  # nothing as long as the frame goes on
            parts.append(part)
            size += len(part)
            if size > GROUP_BYTES_MAX:
                raise _too_large(name, start)
        start = read - len(chunk)
        yield b"".join(parts) if len(parts) != 1 else parts[0], start


def _too_large(name: str, start: int) -> TapeError:
    msg = (
        f"{name}: the group that begins at byte {start} holds more than {GROUP_BYTES_MAX} bytes: "
        "import the data again"
    )
    return TapeError(msg)


def _torn(name: str, start: int) -> TornTapeError:
    msg = (
        f"{name}: cut off inside the group that begins at byte {start}: everything before it was "
        "read; recording into this file again repairs it, an import must be repeated"
    )
    return TornTapeError(msg)


def _torn_or_damaged(file: BinaryIO, name: str, start: int, cause: Exception) -> TapeError:
    # A power cut can leave a file that has its new length but zeros where the data should be.
    file.seek(start)
    rest = file.read(GROUP_BYTES_MAX)
    if start == 0 and rest.strip(b"\0") and not _MAGIC.startswith(rest[: len(_MAGIC)]):
        msg = f"{name}: not a tape: `market-bot import` makes one from recorded files"
        return TapeError(msg)
    written = rest.rstrip(b"\0")
    zeros = len(rest) - len(written)
    if not file.read(1) and (not written or (zeros >= _ZEROS_MIN and _incomplete(written))):
        return _torn(name, start)
    msg = f"{name}: damaged in the group that begins at byte {start} ({cause}): restore the file"
    return TapeError(msg)


def _incomplete(written: bytes) -> bool:
    frame = zstandard.ZstdDecompressor(max_window_size=_WINDOW_MAX).decompressobj()
    try:
        frame.decompress(written)
    except zstandard.ZstdError:
        return False
    return not frame.eof
