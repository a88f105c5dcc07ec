"""Arm a live lane: what a person has to type, and what must be true before it counts."""

from __future__ import annotations

from typing import Final

from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.watch_account import AGREES_FOR

LONGEST: Final = Duration(24 * HOUR)
"""How long one arming lasts at most."""

_LIMIT: Final = "max_daily_loss_usd"


def phrase_for(lane: LaneSnapshot) -> str:
    """Return what a person types to arm a lane: it names the venue and what a day may cost."""
    return f"TRADE LIVE {lane.venue} max-loss {lane.limits.get(_LIMIT, '?')}"


def refusal_to_arm(lane: LaneSnapshot, now: Micros) -> str | None:
    """Return why a lane may not be armed now, None if nothing stands against it."""
    if not lane.live:
        return f"{lane.venue}/{lane.lane} does not trade real money"
    if not lane.may_arm:
        return (
            "`mode: paper` stands in the venue's settings: it only winds up what is there; "
            "set `mode: live` and start the bot again"
        )
    if lane.phase in ("stopped", "failed"):
        return f"the lane has {lane.phase}"
    if lane.halted is not None:
        return f"it is halted by {lane.halted}: `market-bot resume` lifts that"
    if lane.degraded is not None:
        return f"its journal is not durable: {lane.degraded}"
    if lane.not_ready is not None:
        return lane.not_ready
    if lane.unreconciled is not None:
        return f"journal and account do not agree: {lane.unreconciled}"
    age = now - lane.agreed_at
    if not -AGREES_FOR <= age <= AGREES_FOR:
        return f"the last comparison with the account is {age // SECOND} s old: wait for another"
    return None
