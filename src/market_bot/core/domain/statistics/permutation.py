"""Whether a paired difference is more than the luck of its signs.

If a change did nothing, each event's difference could as well have had the other sign. Fisher, "The
design of experiments", 1935, section 21; a p from draws counts the observed one too: Phipson and
Smyth, "Permutation p-values should never be zero", 2010.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from .bootstrap import DRAWS
from .chance import stream
from .grid import on_grid

_EXACT_UP_TO: Final = 13
_CHUNK: Final = 8
_VALUES_MAX: Final = 100_000
_DRAWS_PER_BLOCK: Final = 1024
# Sums of the same numbers in another order may differ by rounding and are still ties.
_TIE: Final = 1e-12


@attrs.frozen(kw_only=True)
class SignFlip:
    """How often flipped signs give as much as was observed.

    ``p_greater`` is against "no better than zero", ``p_less`` against "no worse", ``p_two_sided``
    against "no difference"; ``exact`` means that all signs were tried, not a sample of them.
    """

    p_greater: float
    p_less: float
    p_two_sided: float
    exact: bool
    count: int


def sign_flip(values: Sequence[float], *, seed: str, draws: int = DRAWS) -> SignFlip | None:
    """Return the test of paired differences, one per event; None if no value differs from zero.

    All signs are tried with up to 13 values other than zero, else ``draws`` of them.

    Raises:
        ValueError: for more than 100,000 values or less than one draw.

    """
    moved = [value for value in values if value != 0.0]
    if not moved:
        return None
    if len(moved) > _VALUES_MAX or draws < 1:
        msg = f"a sign-flip test of {len(moved)} values with {draws} draws"
        raise ValueError(msg)
    observed = math.fsum(moved)
    slack = _TIE * math.fsum(map(abs, moved))
    exact = len(moved) <= _EXACT_UP_TO
    chunks = [_signed_sums(moved[i : i + _CHUNK]) for i in range(0, len(moved), _CHUNK)]
    sums = _all_sums(chunks) if exact else _drawn_sums(chunks, seed, draws)
    above = below = beyond = total = 0
    for flipped in sums:
        total += 1
        above += flipped >= observed - slack
        below += flipped <= observed + slack
        beyond += abs(flipped) >= abs(observed) - slack
    extra = 0 if exact else 1
    return SignFlip(
        p_greater=on_grid((above + extra) / (total + extra)),
        p_less=on_grid((below + extra) / (total + extra)),
        p_two_sided=on_grid((beyond + extra) / (total + extra)),
        exact=exact,
        count=len(moved),
    )


def _signed_sums(values: Sequence[float]) -> list[float]:
    """Return the sum of at most eight values for each way to set their signs."""
    sums = [0.0]
    for value in values:
        sums = [total - value for total in sums] + [total + value for total in sums]
    return sums


def _all_sums(chunks: Sequence[Sequence[float]]) -> Iterable[float]:
    return map(math.fsum, itertools.product(*chunks))


def _drawn_sums(chunks: Sequence[Sequence[float]], seed: str, draws: int) -> Iterable[float]:
    width = len(chunks)
    for block in range(-(-draws // _DRAWS_PER_BLOCK)):
        rows = min(_DRAWS_PER_BLOCK, draws - block * _DRAWS_PER_BLOCK)
        raw = stream(seed, block, rows * width)
        for start in range(0, rows * width, width):
            # A chunk has a power of two of sums, so the modulus favours none.
            yield math.fsum(
                sums[byte % len(sums)]
                for sums, byte in zip(chunks, raw[start : start + width], strict=True)
            )
