"""The last look before an order leaves: hard limits once more, on exactly what will be sent."""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.lane import MINUTE, LaneState
from market_bot.core.domain.numbers import Micros, format_size
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.portfolio import free
from market_bot.core.domain.risk.api import refusals
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.signals import Gate, Intent

EXITS_PER_MINUTE: Final = 60


def without(state: LaneState, intent: str) -> LaneState:
    """Return a state as if an order had not been written down yet."""
    order = state.orders[intent]
    orders = {name: known for name, known in state.orders.items() if name != intent}
    times = list(state.entry_times)
    if order.purpose is Purpose.ENTRY and order.created_at in times:
        times.remove(order.created_at)
    return attrs.evolve(state, orders=orders, entry_times=tuple(times))


def refused_at_last(
    settings: LaneSettings, intent: Intent, before: LaneState, exposure: Exposure
) -> tuple[Gate, ...]:
    """Return what stands against an order now.

    ``before`` is the present state without the order itself, ``exposure`` its worst case.
    """
    gates = refusals(settings.rules, intent.draft, exposure, settings.limits)
    if not intent.reduce_only:
        return gates
    signal = intent.draft.signal
    left = free(before, signal.market, signal.leg)
    if intent.draft.size <= left:
        return gates
    size = format_size(intent.draft.size)
    return (*gates, Gate("settled_position", format_size(left), size, hard=True))


def hurried(state: LaneState, now: Micros) -> tuple[Gate, ...]:
    """Return the gate that makes an exit wait if too many were sent within the last minute.

    It only puts off: the exit is asked for again at the next tick.
    """
    recent = sum(now - at < MINUTE for at in state.exit_times)
    if recent < EXITS_PER_MINUTE:
        return ()
    return (Gate("exits_per_minute", str(EXITS_PER_MINUTE), str(recent), hard=False),)
