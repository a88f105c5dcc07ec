"""Dice for synthetic lanes: drawn from a seed, and the same on every machine."""

from __future__ import annotations

from typing import Final

from market_bot.core.domain.statistics.chance import stream

_BLOCK: Final = 1 << 16
_WORD: Final = 4
_BYTES: Final = 8
_BELL: Final = _BYTES + 1
# Eight bytes have a mean of 1020 and a standard deviation of sqrt(8 * (2**16 - 1) / 12).
_MEAN: Final = 1020
_SD: Final = 209.0156
# One move in ten is 2.2 times as large: fat tails, with a variance of one altogether.
_WILD: Final = 26
_CALM_SCALE: Final = 0.8
_WILD_SCALE: Final = 2.1


class Dice:
    """A stream of chance that is used up in order.

    Args:
        seed: names the stream.

    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._block = 0
        self._raw = b""
        self._next = 0

    def below(self, number: int) -> int:
        """Return an integer from 0 to ``number - 1``."""
        return int.from_bytes(self._take(_WORD), "little") * number >> 32

    def unit(self) -> float:
        """Return a number from 0 to just below 1."""
        return int.from_bytes(self._take(_WORD), "little") / (1 << 32)

    def chance(self, share: float) -> bool:
        """Return whether something with this chance happens."""
        return self.unit() < share

    def bell(self) -> float:
        """Return a move with a mean of zero, a variance of about one and fat tails."""
        raw = self._take(_BELL)
        scale = _WILD_SCALE if raw[_BYTES] < _WILD else _CALM_SCALE
        return scale * (sum(raw[:_BYTES]) - _MEAN) / _SD

    def _take(self, count: int) -> bytes:
        if self._next + count > len(self._raw):
            self._raw = stream(self._seed, self._block, _BLOCK)
            self._block += 1
            self._next = 0
        self._next += count
        return self._raw[self._next - count : self._next]
