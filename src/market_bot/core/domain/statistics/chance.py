"""Chance from a seed: numbers that look drawn and are the same on every machine.

A counter-based generator (the idea of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
2011): block ``i`` of a stream is SHAKE-256 (FIPS 202, 2015) of the seed and ``i``. It has no state
to carry, streams with different seeds have nothing in common, and a seed may be any text, so that
it can say what it is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import shake_256
from typing import Final

_WORD: Final = 4
_WORD_BITS: Final = 32
_WORDS_PER_BLOCK: Final = 4096
# Multiply-and-shift favours some numbers by at most below / 2**32: a part in 4000 at the limit.
_BELOW_MAX: Final = 2**20
_LOWEST_FIRST: Final = memoryview(b"\x01\x00\x00\x00").cast("I").tolist() == [1]


def rows_of_indexes(seed: str, *, below: int, width: int, rows: int) -> Iterator[list[int]]:
    """Yield ``rows`` lists of ``width`` integers, each drawn evenly from 0 to ``below - 1``.

    Raises:
        ValueError: if there is nothing to draw from, or more than 2**20 things.

    """
    if not 1 <= below <= _BELOW_MAX or width < 1:
        msg = f"cannot draw {width} numbers below {below}"
        raise ValueError(msg)
    at_once = max(1, _WORDS_PER_BLOCK // width)
    for block in range(-(-rows // at_once)):
        raw = stream(seed, block, at_once * width * _WORD)
        numbers = [word * below >> _WORD_BITS for word in _words(raw)]
        for row in range(min(at_once, rows - block * at_once)):
            yield numbers[row * width : (row + 1) * width]


def _words(raw: bytes) -> Iterable[int]:
    """Return bytes as words, the lowest byte first; at once where the machine does so itself."""
    if _LOWEST_FIRST:
        return memoryview(raw).cast("I")
    return (int.from_bytes(raw[i : i + _WORD], "little") for i in range(0, len(raw), _WORD))


def stream(seed: str, block: int, length: int) -> bytes:
    """Return ``length`` even bytes: the block with this number of the stream named ``seed``."""
    return shake_256(f"{block}:{seed}".encode()).digest(length)
