"""What the outside sees of a lane: one frozen picture, swapped by reference after a tick."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from market_bot.core.domain.lane import Position
from market_bot.core.domain.numbers import NEVER, NO_MONEY, ONE_DOLLAR, Micros, Money, Price
from market_bot.core.domain.orders import Order


@attrs.frozen(kw_only=True)
class HeldNow:
    """A position and what one of its contracts fetches and costs now.

    None means that nobody bids, or that nobody offers.
    """

    position: Position
    bid: Price | None
    ask: Price | None = None


@attrs.frozen(kw_only=True)
class LaneSnapshot:
    """A lane at one moment; readers keep it as long as they like.

    Args:
        phase: "waiting", "catching up", "trading", "finished" or "failed".
        at: the lane's own time, not the wall's.
        progress: share of a taped run that is done, from 0 to 1; None for live data.
        caught_up: while what an earlier process did is derived again: which share of it is;
            everything else is then as it was at that time. None otherwise.
        counts: numbers of facts by kind ("scans", "signals", "fills" …).
        denials: refusals begun, by gate.
        head: sequence number and hash of the chain's last line.
        limits: hard limits in force, as decimal text in the unit of each (dollars, dollars per
            contract, a number, seconds).
        stopped: why losses stop all entries, one sentence each.
        live: whether orders are real; what follows is only told then.
        may_arm: whether the settings allow it to be armed.
        armed_until: until when a person allows entries, None if nobody does.
        unreconciled: why the account stands against entries, None if it does not.
        agreed_at: when journal and account were last found to agree.
        account: which account, for people; ``account_cash`` is what it says there is.
        external: what others have at stake in the account, with ``external_orders`` waiting.
        differences: what disagreed at the latest comparison, a line each.
        settings_trouble: what the settings file says that is not in force, and why.
        not_ready: what the venue itself has against real orders, None if nothing.

    """

    venue: str
    lane: str
    run: str
    phase: str = "waiting"
    at: Micros = NEVER
    ticks: int = 0
    progress: float | None = None
    caught_up: float | None = None
    counts: Mapping[str, int] = attrs.field(factory=dict)
    denials: Mapping[str, int] = attrs.field(factory=dict)
    positions: tuple[HeldNow, ...] = ()
    orders: tuple[Order, ...] = ()
    cash: Money = NO_MONEY
    deposits: Money = NO_MONEY
    equity: Money = NO_MONEY
    realised: Money = NO_MONEY
    fees: Money = NO_MONEY
    exposure: Money = NO_MONEY
    rewards: Money = NO_MONEY
    day_pnl: Money | None = None
    drawdown: Money | None = None
    wins: int = 0
    losses: int = 0
    loss_streak: int = 0
    limits: Mapping[str, str] = attrs.field(factory=dict)
    stopped: tuple[str, ...] = ()
    halted: str | None = None
    degraded: str | None = None
    config: str = ""
    live: bool = False
    may_arm: bool = False
    armed_until: Micros | None = None
    unreconciled: str | None = None
    agreed_at: Micros = NEVER
    account: str = ""
    account_cash: Money | None = None
    external: Money = NO_MONEY
    external_orders: int = 0
    differences: tuple[str, ...] = ()
    not_ready: str | None = None
    settings_trouble: str | None = None
    head: tuple[int, str] = (0, "")
    error: str | None = None


@attrs.frozen(kw_only=True)
class Balance:
    """A lane's result so far in dollars (1e-12); ``realised + marked == total``.

    ``realised`` is what sales and settlements brought, after all fees; ``marked`` what open
    positions would bring now beyond their cost; ``total`` is equity minus deposits.
    """

    fees: Money
    realised: Money
    marked: Money
    total: Money


@attrs.frozen(kw_only=True)
class DayBand:
    """A day's result by what open positions are taken to be worth.

    ``pessimistic``: what they fetch now, and nothing where nobody bids; so equity is counted.
    ``realistic``: the midpoint, where somebody bids and somebody offers.
    ``optimistic``: what they would cost now, and all they can ever pay where nobody offers.
    """

    pessimistic: Money
    realistic: Money
    optimistic: Money


def day_band(snapshot: LaneSnapshot) -> DayBand | None:
    """Return between which ends the day's result lies, None if it cannot be told."""
    if snapshot.day_pnl is None:
        return None
    middle = most = 0
    for held in snapshot.positions:
        bid, size = held.bid or 0, held.position.size
        ask = ONE_DOLLAR if held.ask is None else held.ask
        both = held.bid is not None and held.ask is not None
        middle += (ask - bid) * size // 2 if both else 0
        most += (ask - bid) * size
    return DayBand(
        pessimistic=snapshot.day_pnl,
        realistic=Money(snapshot.day_pnl + middle),
        optimistic=Money(snapshot.day_pnl + most),
    )


def balance_of(snapshot: LaneSnapshot) -> Balance:
    """Return how a lane stands."""
    realised = Money(snapshot.realised - snapshot.fees)
    total = Money(snapshot.equity - snapshot.deposits)
    return Balance(
        fees=snapshot.fees, realised=realised, marked=Money(total - realised), total=total
    )
