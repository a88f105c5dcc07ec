"""Bugs of the simulated venue that show only where orders under way meet its faults."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_SIMULATED: Final = "src/market_bot/adapters/simulated"
_SWARM: Final = ("tests/simulation/test_swarm.py::test_a_block[0]",)

MUTATIONS: Final = (
    Mutation(
        name="an order that arrives too late trades",
        file=f"{_SIMULATED}/sim_desk.py",
        old="        if order.intent.expires_at <= at:\n"
        '            self._end(order, "expired", at)\n        elif self.agenda',
        new="        if self.agenda",
        tests=_SWARM,
    ),
    Mutation(
        name="an order that was cancelled under way arrives",
        file=f"{_SIMULATED}/sim_desk.py",
        old="        if not order.alive:\n            return\n        if order.intent.expires_at",
        new="        if order.intent.expires_at",
        tests=("tests/unit/test_sim_desk.py",),
    ),
    Mutation(
        name="a provisional sale makes contracts doubtful",
        file=f"{_SIMULATED}/sim_account.py",
        old="if fill.provisional and fill.purpose is Purpose.ENTRY:",
        new="if fill.provisional:",
        tests=_SWARM,
    ),
)
