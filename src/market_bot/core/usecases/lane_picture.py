"""Draw the picture of a lane that everybody else looks at."""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.core.domain.loss_limits import entries_stopped
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Money, Price
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.risk.api import limit_texts
from market_bot.core.domain.tally import Tally
from market_bot.core.usecases.lane_snapshot import HeldNow, LaneSnapshot
from market_bot.core.usecases.trade_lane import LaneTrader

_OTHER: Final = {Leg.YES: Leg.NO, Leg.NO: Leg.YES}


def picture(
    trader: LaneTrader,
    tally: Tally,
    blank: LaneSnapshot,
    *,
    phase: str,
    at: Micros,
    progress: float | None,
    error: str | None = None,
    caught_up: float | None = None,
) -> LaneSnapshot:
    """Return a lane's present picture; for whoever steps the lane, since it looks at everything.

    Args:
        trader: whose state and market it is.
        tally: what was counted so far.
        blank: what never changes (venue, lane, run).
        phase: see `LaneSnapshot`.
        at: the lane's own time.
        progress: share of a taped run that is done; None for live data.
        error: what went wrong, for people.
        caught_up: see `LaneSnapshot`.

    """
    state, exposure = trader.state, trader.exposure()
    fetches = trader.world.sell_price
    return attrs.evolve(
        blank,
        phase=phase,
        at=at,
        ticks=trader.ticks,
        progress=progress,
        caught_up=caught_up,
        counts=_counts(tally),
        denials=dict(tally.denials),
        positions=tuple(
            HeldNow(
                position=held,
                bid=fetches(held.market, held.leg),
                # Whoever buys a leg sells the other one.
                ask=_rest(fetches(held.market, _OTHER[held.leg])),
            )
            for held in state.positions.values()
        ),
        orders=tuple(order for order in state.orders.values() if order.state.live),
        cash=state.cash,
        deposits=state.deposits,
        equity=trader.equity(),
        realised=state.realised,
        fees=state.fees,
        exposure=exposure.total,
        rewards=state.rewards,
        day_pnl=exposure.day_pnl,
        drawdown=exposure.drawdown,
        wins=state.wins,
        losses=state.losses,
        loss_streak=state.loss_streak,
        limits=limit_texts(trader.settings.rules, trader.settings.limits),
        stopped=entries_stopped(state, trader.settings.limits),
        live=state.live,
        armed_until=state.armed_until,
        unreconciled=state.unreconciled,
        account_cash=state.account_cash,
        external=Money(sum(state.external.values())),
        external_orders=state.external_orders,
        halted=state.halted,
        degraded=trader.degraded,
        config=trader.settings.hash,
        head=trader.recorder.journal.head,
        error=error,
    )


def _rest(price: Price | None) -> Price | None:
    return None if price is None else Price(ONE_DOLLAR - price)


def _counts(tally: Tally) -> dict[str, int]:
    entries = sum(n for name, n in tally.orders.items() if name.startswith(Purpose.ENTRY.value))
    return {
        "scans": tally.scans,
        "markets": tally.markets,
        "signals": tally.signals.total(),
        "denied": tally.denied,
        "entries": entries,
        "exits": tally.exits.total(),
        "fills": tally.fills.total(),
        "resolved": tally.resolved,
        "errors": tally.errors.total(),
    }
