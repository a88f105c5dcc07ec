"""A lane's picture as plain data, the same for pages, terminals and the control socket.

Numbers with a unit are decimal strings (dollars, dollars per contract, contracts), times are ISO
8601 in UTC, enumerations are their words, and what is not known is None.

Keys of `snapshot_json`:

===========  =======================================================================
venue, lane  which lane; ``run`` is "" but for lanes with one chain per run
phase        "waiting", "catching up", "trading", "stopped", "finished" or "failed"
at           the lane's own time, None before the first tick
ticks        number of ticks traded since the start
progress     share of a taped run that is done, a number from 0 to 1; None if live
caught_up    share of an earlier process's work that is derived again, from 0 to 1; None
             when that is over
counts       numbers of facts by kind
denials      refusals begun, by gate
positions    list, see `_position`
orders       list of live orders, see `_order`
cash … fees  dollars: cash, deposits, equity, realised, fees, exposure
gain         dollars: equity less deposits
rewards      dollars received besides trading
day_pnl      dollars, None if it cannot be told
day_band     ``pessimistic``, ``realistic``, ``optimistic``: dollars, see `DayBand`; or None
drawdown     dollars below the highest equity, None if it cannot be told
wins, losses numbers of positions closed with a gain and with a loss, after fees
loss_streak  losses since the last gain or resume
limits       hard limits by rule, each in its own unit
stopped      list of sentences: why losses stop all entries
live         whether orders are real; the next keys only mean something then
may_arm      whether the settings allow arming
armed_until  until when a person allows entries, None if nobody does
unreconciled why the account stands against entries, or None
agreed_at    when journal and account last agreed, None if they never did
account      which account; ``account_cash`` is what it says there is, dollars or None
external     dollars that others have at stake in the account
external_orders number of their waiting orders
differences  list of lines: what disagreed at the latest comparison
not_ready    what the venue itself has against real orders, or None
halted       who halted and why, or None
degraded     why nothing is opened although nobody halted, or None
config       hash of the configuration in force
settings_trouble what the settings file says that is not in force, and why, or None
head         ``seq`` and ``hash`` of the chain's last line
error        why the lane failed, or None
===========  =======================================================================
"""

from __future__ import annotations

import attrs

from market_bot.core.domain.numbers import (
    NEVER,
    Micros,
    Money,
    format_money,
    format_price,
    format_size,
    format_time,
)
from market_bot.core.domain.orders import Order
from market_bot.core.usecases.lane_snapshot import HeldNow, LaneSnapshot, day_band


def snapshot_json(snapshot: LaneSnapshot) -> dict[str, object]:
    """Return a snapshot as data that any JSON writer takes; see above for the keys."""
    number, digest = snapshot.head
    return {
        "venue": snapshot.venue,
        "lane": snapshot.lane,
        "run": snapshot.run,
        "phase": snapshot.phase,
        "at": _time(snapshot.at),
        "ticks": snapshot.ticks,
        "progress": _share(snapshot.progress),
        "caught_up": _share(snapshot.caught_up),
        "counts": dict(snapshot.counts),
        "denials": dict(snapshot.denials),
        "positions": [_position(held) for held in snapshot.positions],
        "orders": [_order(order) for order in snapshot.orders],
        "cash": format_money(snapshot.cash),
        "deposits": format_money(snapshot.deposits),
        "equity": format_money(snapshot.equity),
        "gain": format_money(Money(snapshot.equity - snapshot.deposits)),
        "realised": format_money(snapshot.realised),
        "fees": format_money(snapshot.fees),
        "exposure": format_money(snapshot.exposure),
        "rewards": format_money(snapshot.rewards),
        "day_pnl": _money(snapshot.day_pnl),
        "day_band": _band(snapshot),
        "drawdown": _money(snapshot.drawdown),
        "wins": snapshot.wins,
        "losses": snapshot.losses,
        "loss_streak": snapshot.loss_streak,
        "limits": dict(snapshot.limits),
        "stopped": list(snapshot.stopped),
        "live": snapshot.live,
        "may_arm": snapshot.may_arm,
        "armed_until": None if snapshot.armed_until is None else format_time(snapshot.armed_until),
        "unreconciled": snapshot.unreconciled,
        "agreed_at": _time(snapshot.agreed_at),
        "account": snapshot.account,
        "account_cash": _money(snapshot.account_cash),
        "external": format_money(snapshot.external),
        "external_orders": snapshot.external_orders,
        "differences": list(snapshot.differences),
        "not_ready": snapshot.not_ready,
        "halted": snapshot.halted,
        "degraded": snapshot.degraded,
        "config": snapshot.config,
        "settings_trouble": snapshot.settings_trouble,
        "head": {"seq": number, "hash": digest},
        "error": snapshot.error,
    }


def _position(held: HeldNow) -> dict[str, object]:
    """Return what is held.

    ``bid`` and ``value`` are None while nobody bids, ``ask`` while nobody offers.
    """
    position, bid, ask = held.position, held.bid, held.ask
    return {
        "market": position.market,
        "event": position.event,
        "family": position.family,
        "leg": position.leg.value,
        "strategy": position.strategy,
        "signal": position.signal,
        "size": format_size(position.size),
        "provisional": format_size(position.provisional),
        "cost": format_money(position.cost),
        "opened_at": _time(position.opened_at),
        "bid": None if bid is None else format_price(bid),
        "ask": None if ask is None else format_price(ask),
        "value": None if bid is None else format_money(Money(bid * position.size)),
    }


def _order(order: Order) -> dict[str, object]:
    """Return an order: ``reserved`` is the most it can still cost, in dollars."""
    return {
        "intent": order.intent,
        "signal": order.signal,
        "strategy": order.strategy,
        "market": order.market,
        "event": order.event,
        "family": order.family,
        "leg": order.leg.value,
        "purpose": order.purpose.value,
        "style": order.style.value,
        "state": order.state.value,
        "price": format_price(order.price),
        "size": format_size(order.size),
        "filled": format_size(order.filled),
        "reserved": format_money(order.reserved),
        "expires_at": _time(order.expires_at),
        "created_at": _time(order.created_at),
        "venue_order": order.venue_order or None,
    }


def _band(snapshot: LaneSnapshot) -> dict[str, str] | None:
    band = day_band(snapshot)
    if band is None:
        return None
    return {name: format_money(amount) for name, amount in attrs.asdict(band).items()}


def _share(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _money(amount: Money | None) -> str | None:
    return None if amount is None else format_money(amount)


def _time(moment: Micros) -> str | None:
    return None if moment == NEVER else format_time(moment)
