"""Decode a tape once, replay it many times: its columns in a file that anybody may delete.

The file is derived from the tape alone and carries the tape's SHA-256, so that it can never stand
for another one. Whatever is wrong with it (another format, another machine, damage, a write that
did not end), it is ignored and made anew; damage found in the middle of a playing lets the playing
go on from the tape itself. A tape that cannot be read to its end has no cache, and one that begins
with whole books instead of changes has none either: it would gain nothing.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import attrs
import msgspec
import zstandard

from market_bot.adapters.storage.tape_columns import (
    NARROW,
    WIDE,
    Chunk,
    ColumnCursor,
    chunks_of,
)
from market_bot.adapters.storage.tape_reader import FOREVER, Cursor, TapeReader, digest_of
from market_bot.adapters.storage.tape_records import OtherRecord
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Market, MarketStatus
from market_bot.core.domain.numbers import Micros, Price, Size
from market_bot.core.ports.market_data import Deltas, Sink
from market_bot.core.ports.tape import TapeError

FORMAT: Final = 1
SUFFIX: Final = ".columns"
FOLDER_BYTES_MAX: Final = 4 * 1024**3
"""The oldest caches of a folder are removed beyond this."""

CHANGES_PERCENT_MIN: Final = 50
"""A tape is worth a cache if so many of its first records are changes of levels."""

_LEVEL: Final = 1
_CHUNK_BYTES_MAX: Final = 256 * 1024 * 1024
# When received, when it happened, which level, what size; the levels' books and prices; places.
_KINDS: Final = (WIDE, WIDE, NARROW, WIDE, NARROW, NARROW, NARROW)
_LENGTH: Final = struct.Struct("<q")
# How many records, levels and others, the offset in the tape, and whether times only rise.
_HEAD: Final = struct.Struct("<qqqq?")
_END: Final = b"end"

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[OtherRecord])


class CacheDamagedError(Exception):
    """A cache cannot be used; nothing is lost by that."""


@attrs.frozen
class _Head:
    cache: int
    tape: str
    order: str


class CachedTape(TapeReader):
    """A tape that is decoded once.

    Args:
        path: the tape.
        folder: where caches are; made when the first one is written. None keeps none.
        allow_torn: as in `TapeReader`.

    Raises:
        TapeError: as `TapeReader`.

    """

    def __init__(self, path: Path | str, folder: Path | None, *, allow_torn: bool = False) -> None:
        super().__init__(path, allow_torn=allow_torn)
        self._folder = folder

    @property
    def cache(self) -> Path | None:
        """Where the columns of this tape are, or would be."""
        return None if self._folder is None else self._folder / f"{self.sha256}{SUFFIX}"

    def open(self) -> Cursor:
        """Start a new playing at the first record: from the cache, which is made if need be."""
        if self.cache is None or not (
            self._usable(self.cache) or (self._gains() and self._make(self.cache))
        ):
            return super().open()
        return ColumnCursor(self.name, self.header, self._chunks(self.cache))

    def chunks(self) -> Iterator[Chunk]:
        """Yield the columns of the whole tape, from the cache if there is one.

        Raises:
            TapeError: where the tape cannot be read further.

        """
        if self.cache is not None and self._usable(self.cache):
            return self._chunks(self.cache)
        return chunks_of(self.groups())

    def _gains(self) -> bool:
        """Tell from the beginning of the tape whether playing columns would be any faster."""
        try:
            first = next(chunks_of(self.groups()), None)
        except (TapeError, OverflowError):
            return False
        return first is not None and (
            100 * (first.count - len(first.others)) >= CHANGES_PERCENT_MIN * first.count
        )

    def _usable(self, cache: Path) -> bool:
        try:
            with cache.open("rb") as file:
                return _read_head(file) == self._head()
        except (OSError, CacheDamagedError):
            return False

    def _head(self) -> _Head:
        return _Head(cache=FORMAT, tape=self.sha256, order=sys.byteorder)

    def _make(self, cache: Path) -> bool:
        """Write the columns down; tell whether that worked."""
        partial = cache.with_name(f"{cache.name}.{os.getpid()}.partial")
        try:
            cache.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                self._write(file)
            partial.replace(cache)
        except (OSError, OverflowError, TapeError):
            # The tape itself will tell what is wrong with it, at the right place.
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            return False
        _make_room(cache)
        return True

    def _write(self, file: BinaryIO) -> None:
        self._check()
        _put(file, msgspec.json.encode(self._head()))
        for chunk in chunks_of(self.groups()):
            _put(file, _packed(chunk))
        _put(file, _END)
        if digest_of(self.path) != self.sha256:
            msg = f"{self.name}: it was written to meanwhile"
            raise TapeError(msg)

    def _check(self) -> None:
        """Play the tape to nobody: what is cached is sound and whole."""
        cursor = super().open()
        cursor.push(_Nobody(), FOREVER)
        cursor.next_received()
        if self.truncated:
            msg = f"{self.name}: it is being written"
            raise TapeError(msg)

    def _chunks(self, cache: Path) -> Iterator[Chunk]:
        done = 0
        try:
            with cache.open("rb") as file:
                _read_head(file)
                for chunk in _read_chunks(file):
                    yield chunk
                    done += chunk.count
        except (OSError, CacheDamagedError):
            with suppress(OSError):
                cache.unlink(missing_ok=True)
            yield from chunks_of(self.groups(), skip=done)


class _Nobody(Sink):
    """Takes everything and keeps nothing."""

    def meta(self, market: Market, received: Micros) -> None:
        pass

    def book(
        self,
        market: str,
        bids: Mapping[Price, Size],
        asks: Mapping[Price, Size],
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        pass

    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        pass

    def trade(
        self,
        market: str,
        taker: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        pass

    def reference(self, name: str, value: str, received: Micros, exchange: Micros | None) -> None:
        pass

    def status(self, market: str, status: MarketStatus, received: Micros) -> None:
        pass

    def resolution(self, market: str, yes_payout: Price, received: Micros) -> None:
        pass

    def gap(self, market: str, reason: str, received: Micros) -> None:
        pass


def _put(file: BinaryIO, content: bytes) -> None:
    compressor = zstandard.ZstdCompressor(
        level=_LEVEL, write_checksum=True, write_content_size=True
    )
    frame = compressor.compress(content)
    file.write(_LENGTH.pack(len(frame)))
    file.write(frame)


def _get(file: BinaryIO) -> bytes:
    try:
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        if not 0 < length <= _CHUNK_BYTES_MAX:
            raise CacheDamagedError
        frame = file.read(length)
        if zstandard.get_frame_parameters(frame).content_size > _CHUNK_BYTES_MAX:
            raise CacheDamagedError
        return zstandard.ZstdDecompressor().decompress(frame)
    except (struct.error, zstandard.ZstdError) as e:
        raise CacheDamagedError from e


def _read_head(file: BinaryIO) -> _Head:
    try:
        return msgspec.json.decode(_get(file), type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise CacheDamagedError from e


def _read_chunks(file: BinaryIO) -> Iterator[Chunk]:
    while (content := _get(file)) != _END:
        yield _unpacked(content)


def _packed(chunk: Chunk) -> bytes:
    told = chunk.deltas
    columns = (
        (WIDE, told.received),
        (WIDE, told.exchange),
        (NARROW, told.levels),
        (WIDE, told.sizes),
        (NARROW, told.books),
        (NARROW, told.prices),
        (NARROW, chunk.places),
    )
    head = _HEAD.pack(chunk.count, len(told.books), len(chunk.places), chunk.end, told.rising)
    parts = [array(kind, values).tobytes() for kind, values in columns]
    return b"".join((head, *parts, _encoder.encode(list(chunk.others.values()))))


def _unpacked(content: bytes) -> Chunk:
    try:
        count, levels, others, end, rising = _HEAD.unpack_from(content)
        at = _HEAD.size
        columns: list[Any] = []
        for kind, size in zip(_KINDS, (count,) * 4 + (levels, levels, others), strict=True):
            values = array(kind)
            length = size * values.itemsize
            values.frombytes(content[at : at + length])
            at += length
            columns.append(values)
        records = dict(zip(columns[6], _decoder.decode(content[at:]), strict=True))
    except (ValueError, struct.error) as e:
        raise CacheDamagedError from e
    deltas = Deltas(
        markets=(),
        books=columns[4].tolist(),
        prices=columns[5].tolist(),
        levels=columns[2],
        sizes=columns[3],
        received=columns[0],
        exchange=columns[1],
        rising=rising,
    )
    return Chunk(count=count, end=end, deltas=deltas, others=records)


def _make_room(newest: Path) -> None:
    """Remove the oldest caches beside the newest one, as far as all of them take too much room."""
    with suppress(OSError):
        known = sorted(
            ((path.stat().st_mtime, path.stat().st_size, path) for path in _caches(newest.parent)),
            reverse=True,
        )
        used = 0
        for _, size, path in known:
            used += size
            if used > FOLDER_BYTES_MAX and path != newest:
                path.unlink(missing_ok=True)


def _caches(folder: Path) -> Iterator[Path]:
    return folder.glob(f"*{SUFFIX}")
