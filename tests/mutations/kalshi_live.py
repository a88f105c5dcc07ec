"""Bugs between Kalshi's adapter and real money for the tests to find."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_HERE: Final = "src/market_bot/adapters/kalshi"
_CORE: Final = "src/market_bot/core"
_FED: Final = f"{_CORE}/usecases/fed_lane.py"
_WATCH: Final = f"{_CORE}/usecases/watch_account.py"
_OF_DESK: Final = ("tests/integration/test_kalshi_desk.py",)
_OF_FED: Final = ("tests/unit/test_fed_lane.py",)
_OF_LANE: Final = ("tests/unit/test_live_lane.py",)
_OF_WATCH: Final = ("tests/unit/test_watch_account.py",)

MUTATIONS: Final = (
    Mutation(
        name="an answer that is nested too deeply ends the thread",
        file=f"{_HERE}/wire.py",
        old="UnicodeDecodeError, RecursionError, ArithmeticError",
        new="UnicodeDecodeError, ArithmeticError",
        tests=_OF_DESK,
    ),
    Mutation(
        name="what the venue calls an order may be any address",
        file=f"{_HERE}/orders.py",
        old="    if not _may_be_in_a_path(found.order_id):\n",
        new="    if not found.order_id:\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="an adopted order is cancelled on the first shard",
        file=f"{_HERE}/desk.py",
        old="            order.shard = there.shard\n",
        new="            pass\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="an exit waits in the book though nothing may be held",
        file=f"{_HERE}/orders.py",
        old=" and not (careful and intent.reduce_only)",
        new="",
        tests=_OF_DESK,
    ),
    Mutation(
        name="whatever is packed is unpacked",
        file=f"{_HERE}/transport.py",
        old="        if packed not in _PACKED:\n",
        new="        if False:\n",
        tests=("tests/unit/test_kalshi_rest.py",),
    ),
    Mutation(
        name="every piece of news is a tick",
        file=_FED,
        old="        return Micros(self._ticked + least)\n",
        new="        return self._ticked\n",
        tests=_OF_FED,
    ),
    Mutation(
        name="every piece of news wakes the thread",
        file=_FED,
        old="        if self.soonest is not None and not self._news:\n",
        new="        if self.soonest is not None:\n",
        tests=_OF_FED,
    ),
    Mutation(
        name="news of a tick's own time are forgotten",
        file=_FED,
        old="        self._news = False\n        now = self._ticked = self.poll(now)\n",
        new="        now = self._ticked = self.poll(now)\n        self._news = False\n",
        tests=_OF_FED,
    ),
    Mutation(
        name="what others have is in no worst case",
        file=f"{_CORE}/domain/exposure.py",
        old="        return Money(ours + self.external) if self.external else ours\n",
        new="        return ours\n",
        tests=_OF_LANE,
    ),
    Mutation(
        name="what others have somewhere is nowhere",
        file=f"{_CORE}/domain/exposure.py",
        old=" in (event, None)\n",
        new=" == event\n",
        tests=_OF_LANE,
    ),
    Mutation(
        name="what was sold by hand is a gain",
        file=_WATCH,
        old="        proceeds = min(left, held.cost * size // held.size)\n",
        new="        proceeds = left\n",
        tests=_OF_WATCH,
    ),
    Mutation(
        name="a person's word holds for ever",
        file=_WATCH,
        old=" and 0 <= now - at <= _ACCEPTS_FOR",
        new="",
        tests=_OF_WATCH,
    ),
    Mutation(
        name="a write-off of what is not there changes money",
        file=f"{_CORE}/domain/lane.py",
        old="    if held is None or not 0 < gone.size <= held.size:\n",
        new="    if held is None:\n",
        tests=_OF_LANE,
    ),
)
