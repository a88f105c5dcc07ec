"""What may still be asked of a venue: told without being spent, and of the scarcest client."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

from market_bot.adapters.kalshi.budgets import Budgets, RateClass, RateLimit
from market_bot.adapters.polymarket.budgets import Rate, TokenBucket
from market_bot.core.domain.numbers import SECOND, Duration
from market_bot.core.ports.allowance import Allowance, Metered, scarcest
from tests.fakes.kalshi_client import WaitingClock


@attrs.frozen
class Client(Metered):
    """A client with these tokens left of as many."""

    parts: tuple[tuple[str, int, int], ...]

    def allowances(self) -> Sequence[Allowance]:
        return [
            Allowance(name=n, left=left, most=most, per_second=1) for n, left, most in self.parts
        ]


def told(found: Sequence[Allowance]) -> dict[str, tuple[int, int]]:
    """Return what is left of what, by kind."""
    return {one.name: (one.left, one.most) for one in found}


def test_kalshi_tells_what_is_left_and_spends_nothing() -> None:
    """As much goes out after looking as before; tokens come back, but not beyond the most."""
    clock = WaitingClock()
    budgets = Budgets(clock, reads=RateLimit(refill=10, capacity=30))
    assert budgets.take(RateClass.READ, 25)
    assert {(5, 30)} == {told(budgets.allowances())["reads"] for _ in range(3)}
    assert budgets.take(RateClass.READ, 5)
    clock.pass_by(SECOND * 3 // 2)

    assert (15, 30) == told(budgets.allowances())["reads"]
    assert {"reads", "writes", "cancels"} == set(told(budgets.allowances()))
    clock.pass_by(60 * SECOND)
    assert (30, 30) == told(budgets.allowances())["reads"]


def test_polymarket_tells_nothing_left_while_the_venue_blocks() -> None:
    """A bucket below zero and a blocked one both have nothing to give."""
    clock = WaitingClock()
    bucket = TokenBucket(Rate(10, 20), clock)
    bucket.take(25)
    below = bucket.allowance("reads")
    clock.pass_by(2 * SECOND)
    bucket.block(Duration(SECOND))
    blocked = bucket.allowance("reads")
    clock.pass_by(SECOND)

    assert [0, 0, 20] == [one.left for one in (below, blocked, bucket.allowance("reads"))]


@pytest.mark.parametrize("turned", [False, True])
def test_the_scarcest_client_is_told(turned: bool) -> None:
    """Half of two is scarcer than sixty of a hundred, in whatever order."""
    clients = [Client((("reads", 60, 100), ("writes", 7, 7))), Client((("reads", 1, 2),))]
    found = scarcest(reversed(clients) if turned else clients)

    assert {"reads": (1, 2), "writes": (7, 7)} == told(found)
    assert {"reads": (1, 2)} == told(scarcest(clients, "reads"))
