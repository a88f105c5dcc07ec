"""Building and signing an order, beside libsecp256k1 signing a digest that is ready.

The sides take turns order by order: the clock of a processor changes faster than a round lasts.
The peer does nothing but the elliptic curve; ours rounds the amounts, packs and hashes the order,
signs it, and has its id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Final

from benchmarks.rows import AtMost, Row
from benchmarks.setting import Benchmark, Setting

_WARM: Final = 10
_OF_THE_CURVE: Final = AtMost(1.8)


def measure(setting: Setting) -> Iterator[Row]:
    """Yield a row per kind of wallet and one beside the usual library."""
    try:
        from benchmarks import polymarket_orders as orders  # noqa: PLC0415 - needs an extra
    except ImportError:
        absent = "the extra polymarket is not installed"
        yield Row(measures="build and sign an order", skipped=absent)
        return
    count = setting.pick(2000, 500, 20) * setting.rounds
    plain, wallet, bare = orders.plain_signer(), orders.wallet_signer(), orders.bare_signature()
    yield _row(
        "build and sign an order: plain key",
        _in_turns(lambda n: orders.built(plain, n), lambda _: bare(), count),
        "libsecp256k1, digest ready",
        f"{count} of each, taking turns; amounts, packing, hashes and id included",
        _OF_THE_CURVE,
    )
    yield _row(
        "build and sign an order: deposit wallet",
        _in_turns(lambda n: orders.built(wallet, n), lambda _: bare(), count),
        "libsecp256k1, digest ready",
        f"{count} of each, taking turns; two hashes more than for a plain key",
    )
    few = setting.pick(200, 50, 3) * setting.rounds
    yield _row(
        "build and sign an order, every byte compared",
        _in_turns(
            lambda n: orders.built(plain, n).signature, orders.usual_signature, few, same=True
        ),
        "eth_account, typed data",
        f"{few} of each, taking turns; eth_account signs with libsecp256k1 as well",
    )


def _row(
    measures: str, times: tuple[float, float], peer: str, note: str, goal: AtMost | None = None
) -> Row:
    ours, theirs = times
    return Row(
        measures=measures,
        ours=ours,
        peer_name=peer,
        peer=theirs,
        unit="us",
        ratio=ours / theirs,
        goal=goal,
        note=note,
    )


def _in_turns(
    ours: Callable[[int], object],
    theirs: Callable[[int], object],
    count: int,
    *,
    same: bool = False,
) -> tuple[float, float]:
    """Return the median microseconds of both."""
    clock = time.perf_counter_ns
    mine: list[int] = []
    other: list[int] = []
    for number in range(count + _WARM):
        began = clock()
        first = theirs(number)
        between = clock()
        second = ours(number)
        mine.append(clock() - between)
        other.append(between - began)
        assert not same or first == second
    return median(mine[_WARM:]) / 1000, median(other[_WARM:]) / 1000


benchmark = Benchmark(
    name="polymarket_signing",
    summary="Building and signing an order for Polymarket.",
    measure=measure,
)
