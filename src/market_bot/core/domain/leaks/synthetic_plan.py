"""What a synthetic lane tries and what becomes of it, before anything is written down.

Prices are floats in cents here, on a grid of a tenth of a cent, and become exact in the journal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from market_bot.core.domain.leaks.synthetic_dice import Dice
from market_bot.core.domain.market import LEGS, Leg
from market_bot.core.domain.numbers import (
    HOUR,
    ONE_CONTRACT,
    SECOND,
    Duration,
    Micros,
    money,
)
from market_bot.core.domain.orders import Style

STRATEGY: Final = "synthetic"
CONFIG: Final = "synthetic"
CASH: Final = money("1000")
DAY: Final = Duration(24 * HOUR)
START: Final = Micros(1_790_000_000_000_000 // DAY * DAY)
KNOBS: Final[Mapping[str, str | None]] = {
    f"strategies.{STRATEGY}.params.min_edge": "0.01",
    f"strategies.{STRATEGY}.params.offset_ticks": "1",
    f"strategies.{STRATEGY}.params.patience_seconds": "60",
    "markets.max_spread": "0.05",
    "markets.min_hours_to_close": "0.25",
    "markets.max_hours_to_close": "48",
    "cooldown.after_exit_seconds": "600",
    "exits.stop_loss.distance": "0.02",
    "exits.stop_loss.confirm_seconds": "30",
    "exits.take_profit.gain": "0.1",
    "exits.max_hold.minutes": "40",
    "sizing.order_usd": "5",
}

MINUTE: Final = Duration(60 * SECOND)
SIZE: Final = 10
HALF: Final = 0.5
FEE: Final = 0.5
# Minutes after a decision at which prices are known; an hour after the latest exit at 40.
GRID: Final = (0, 1, *range(5, 101, 5))
_PLACE: Final = {minute: place for place, minute in enumerate(GRID)}
_HOLD: Final = 40
_FIRST_LOOK: Final = 5
# An exit before this keeps all of a hump.
_HUMP_ENDS: Final = 20
_STOP: Final = 2.0
_TARGET: Final = 10.0
# In cents: 3.3 within 40 minutes, of which events share 60 %.
_PER_MINUTE: Final = 4.0 / math.sqrt(60)
_SHARED: Final = math.sqrt(0.6)
_OWN: Final = math.sqrt(0.4)
_FAMILIES: Final = ("FAM-A", "FAM-B", "FAM-C", "FAM-D", "FAM-E", "FAM-F")
_LOSER: Final = "FAM-B"
_SCHEDULED: Final = "FAM-C"
_CLOSES: Final = (0.9, 4.0, 12.0, 36.0)
# Quarters of the day, as often as they are traded in: 15, 20, 35 and 30 %.
_BLOCKS: Final = (0,) * 3 + (1,) * 4 + (2,) * 7 + (3,) * 6
_LOSING_BLOCK: Final = 2
_EDGE_LEAST: Final = 1.0
_EDGE_MEAN: Final = 1.5
_LARGE_EDGE: Final = 2.0
_LOW_FIFTH: Final = _EDGE_LEAST + _EDGE_MEAN * math.log(1 / 0.8)
_WIDE: Final = 4.0
_OLD: Final = 30.0


@attrs.frozen(kw_only=True)
class Plan:
    """What to plant; ``effects`` are in cents per contract."""

    seed: str
    effects: Mapping[str, float]
    structural: frozenset[str]
    entries_per_hour: int
    days: int
    skill: float
    since: Micros

    def hard(self, leak: str) -> bool:
        """Tell whether a leak is planted so that no knob stops it."""
        return leak in self.structural


@attrs.frozen(kw_only=True)
class Attempt:
    """One wish of the lane, and all later prices of it.

    Args:
        number: names signals, intents and fills.
        at: when it was wished.
        event, family, market, leg: what.
        gate: what refused it and whether that is a hard limit; None if it was traded.
        style: whether it rested or took.
        mid, price, edge, cost: in cents; ``age`` of the book in seconds.
        closes_in: until the market's end.
        mids, spreads: midpoint and half of the spread at each minute of `GRID`, in cents.
        paid, fee: price and fee of the fill, ``waited`` seconds after the wish, at ``fill_mid``.
        exit_at, reason: minute at which it was left and why; None if it was held to the end.
        exit_fee: in cents per contract.
        won: what a contract paid at the end; None if it was sold before.
        lost: what each leak took of it, in cents.

    """

    number: int
    at: Micros
    event: str
    family: str
    market: str
    leg: Leg
    style: Style
    mid: float
    price: float
    edge: float
    cost: float
    age: float
    closes_in: Duration
    mids: tuple[float, ...]
    spreads: tuple[float, ...]
    gate: tuple[str, bool] | None = None
    paid: float = 0.0
    fee: float = 0.0
    waited: float = 0.4
    fill_mid: float = 0.0
    exit_at: int | None = None
    reason: str = ""
    exit_fee: float = 0.0
    won: bool | None = None
    lost: Mapping[str, float] = attrs.field(factory=dict)

    def known(self, minute: int) -> tuple[float, float]:
        """Return midpoint and half of the spread so many minutes after the wish."""
        place = _PLACE.get(minute)
        if place is None:
            # A minute after an exit: nothing has moved yet.
            place = _PLACE[minute - 1]
        return self.mids[place], self.spreads[place]

    def gains(self) -> Iterator[tuple[int, int]]:
        """Yield when it changed the equity and by how much, with what is held at its cost."""
        if self.gate is not None:
            return
        yield self.at + int(self.waited * SECOND), -exact(self.fee) * SIZE * ONE_CONTRACT
        if self.exit_at is not None:
            mid, half = self.known(self.exit_at)
            gain = exact(mid - half) - exact(self.paid) - exact(self.exit_fee)
            yield self.at + self.exit_at * MINUTE + SECOND, gain * SIZE * ONE_CONTRACT
        elif self.won is not None:
            gain = (exact(100.0) if self.won else 0) - exact(self.paid)
            yield self.at + self.closes_in, gain * SIZE * ONE_CONTRACT


def exact(cents: float) -> int:
    """Return cents as a price, on a grid of a tenth of a cent."""
    return round(cents * 10) * 1_000


def planned(plan: Plan) -> tuple[Attempt, ...]:
    """Return all that the lane tries, in order of time."""
    attempts: list[Attempt] = []
    dice = Dice(f"{plan.seed}:synthetic")
    events = max(1, round(plan.entries_per_hour * 24 / 2.5))
    for day in range(plan.days):
        for number in range(events):
            name = f"EV-{day:03d}-{number:03d}"
            attempts += _event(plan, dice, name, Micros(plan.since + day * DAY), len(attempts))
    attempts.sort(key=lambda one: (one.at, one.number))
    return tuple(attempts)


def _event(plan: Plan, dice: Dice, name: str, day: Micros, first: int) -> list[Attempt]:
    """Return what is tried in one event: one to six entries within an hour, and refusals."""
    block, near = _BLOCKS[dice.below(len(_BLOCKS))], dice.below(4)
    starts = Micros(day + block * 6 * HOUR + dice.below(5 * 3600) * SECOND)
    family = _FAMILIES[dice.below(len(_FAMILIES))]
    losing = near == 0 and block == _LOSING_BLOCK
    if losing and plan.hard("time_and_resolution") and dice.chance(0.9):
        family = _SCHEDULED
    shared = tuple(dice.bell() for _ in GRID)
    trades = 1 + sum(dice.chance(0.3) for _ in range(5))
    found: list[Attempt] = []
    for _ in range(trades):
        at = Micros(starts + dice.below(3600) * SECOND)
        base = _base(dice, name, family, at, first + len(found), near, shared)
        found.append(_traded(plan, dice, base, losing=losing))
        for gate in _refusals(plan, dice):
            at = Micros(starts + dice.below(3600) * SECOND)
            base = _base(dice, name, family, at, first + len(found), near, shared)
            found.append(_refused(plan, dice, base, gate))
    return found


def _base(
    dice: Dice,
    event: str,
    family: str,
    at: Micros,
    number: int,
    near: int,
    shared: tuple[float, ...],
) -> Attempt:
    """Return a wish whose price goes nowhere yet but by chance."""
    style = Style.MAKER if dice.chance(0.4) else Style.TAKER
    favourite = dice.chance(0.025)
    mid = 88.0 + dice.below(7) if favourite else 30.0 + dice.below(41)
    edge = round(_EDGE_LEAST - _EDGE_MEAN * math.log(1.0 - dice.unit()), 1)
    mids, level = [mid], mid
    for place in range(1, len(GRID)):
        step = _PER_MINUTE * math.sqrt(GRID[place] - GRID[place - 1])
        level += step * (_SHARED * shared[place] + _OWN * dice.bell())
        mids.append(level)
    maker = style is Style.MAKER
    return Attempt(
        number=number,
        at=at,
        event=event,
        family=family,
        market=f"{event}-{number:06d}",
        leg=LEGS[dice.below(2)],
        style=style,
        mid=mid,
        price=mid - HALF if maker else mid + HALF,
        edge=min(edge, 12.0),
        # Both fees but a maker's first, and half of the spread on the way out.
        cost=(FEE if maker else 2 * FEE) + HALF,
        age=0.5 + dice.below(4),
        closes_in=Duration(int(_CLOSES[near] * HOUR)),
        mids=tuple(mids),
        spreads=(HALF,) * len(GRID),
        reason="favourite" if favourite else "",
    )


def _moved(one: Attempt, drift: Mapping[int, float] | None = None, flat: float = 0.0) -> Attempt:
    """Return a wish whose prices are higher: by ``flat`` from five minutes on, half at one."""
    changes = drift or {}
    mids = tuple(
        level + flat * min(1.0, minute / 5 if minute != 1 else 0.5) + changes.get(minute, 0.0)
        for level, minute in zip(one.mids, GRID, strict=True)
    )
    return attrs.evolve(one, mids=mids)


# -- refusals ------------------------------------------------------------------------------------


def _refusals(plan: Plan, dice: Dice) -> Iterator[str]:
    """Yield what refuses further wishes beside one that is traded."""
    cooling = 2.1 if "cooldown_over_rejection" in plan.effects else 0.35
    small = 0.5 if "idle_capital" in plan.effects else 0.1
    for mean, gate in ((cooling, "cooldown_after_exit"), (small, "min_size")):
        whole = int(mean)
        for _ in range(whole + dice.chance(mean - whole)):
            yield gate


def _refused(plan: Plan, dice: Dice, base: Attempt, gate: str) -> Attempt:
    """Return a refused wish, which without a leak would have been worth nothing after costs."""
    leak = "cooldown_over_rejection" if gate.startswith("cooldown") else "idle_capital"
    effect = plan.effects.get(leak, 0.0)
    taker = attrs.evolve(
        base, style=Style.TAKER, price=base.mid + HALF, cost=2 * FEE + HALF, reason=""
    )
    moved = _moved(taker, flat=HALF + taker.cost + effect)
    hard = plan.hard("idle_capital") and leak == "idle_capital"
    if hard:
        gate = "max_position_usd"
    if leak == "cooldown_over_rejection" and plan.hard(leak) and dice.chance(0.75):
        name = f"EV-FLAP-{dice.below(2)}"
        moved = attrs.evolve(moved, event=name, market=f"{name}-0")
    lost = {leak: effect * SIZE} if effect else {}
    return attrs.evolve(moved, gate=(gate, hard), lost=lost)


# -- trades --------------------------------------------------------------------------------------


def _traded(plan: Plan, dice: Dice, base: Attempt, *, losing: bool) -> Attempt:
    """Return a trade with everything that leaks do to it."""
    lost: dict[str, float] = {}
    fall = _fall(plan, base, lost, losing=losing)
    one = _moved(base, flat=_true_move(plan, base, lost) - fall)
    one = _humped(plan, one)
    one = _filled(plan, one, lost)
    if base.reason == "favourite":
        won = dice.chance(one.known(_HOLD)[0] / 100)
        return attrs.evolve(one, reason="", won=won, lost=lost)
    return _left(plan, one, lost)


def _true_move(plan: Plan, one: Attempt, lost: dict[str, float]) -> float:
    """Return how far the midpoint really goes: as far as believed, if the lane is right."""
    over = one.price - one.mid
    effect = plan.effects.get("adverse_selection", 0.0)
    if effect and one.style is Style.MAKER:
        lost["adverse_selection"] = effect * SIZE
        return over - effect
    return over + one.cost + plan.skill * one.edge


def _humped(plan: Plan, one: Attempt) -> Attempt:
    """Return a wish whose price rises and falls again before it is left."""
    effect = plan.effects.get("late_exit", 0.0)
    if not effect:
        return one
    shape = {5: 0.3, 10: 0.8, 15: 1.0, 20: 1.0, 25: 0.7, 30: 0.4}
    moved = _moved(one, drift={minute: share * effect for minute, share in shape.items()})
    if not plan.hard("late_exit"):
        return moved
    # Nobody bids more: the spread takes all of it.
    spreads = tuple(HALF + effect * shape.get(minute, 0.0) for minute in GRID)
    return attrs.evolve(moved, spreads=spreads)


def _filled(plan: Plan, one: Attempt, lost: dict[str, float]) -> Attempt:
    maker = one.style is Style.MAKER
    slip = 0.0 if maker else plan.effects.get("spread_and_slippage", 0.0)
    extra = 0.0 if maker else plan.effects.get("fees_taker", 0.0) / 2
    waited, fill_mid, age = (30.0 if maker else 0.4), one.mid, one.age
    if slip:
        lost["spread_and_slippage"] = slip * SIZE
        if plan.hard("spread_and_slippage"):
            waited, fill_mid = 6.0, one.mid + HALF + slip
    if extra:
        lost["fees_taker"] = 2 * extra * SIZE
    if plan.hard("adverse_selection") and "adverse_selection" in lost:
        age = _OLD
    return attrs.evolve(
        one,
        paid=one.price + slip,
        fee=(0.0 if maker else FEE) + extra,
        exit_fee=FEE + extra,
        waited=waited,
        fill_mid=fill_mid,
        age=age,
    )


def _fall(plan: Plan, one: Attempt, lost: dict[str, float], *, losing: bool) -> float:
    """Return how far the price falls beside, so that the trade nets what is planted."""
    expected = plan.skill * one.edge
    fall = 0.0
    effect = plan.effects.get("family_loser", 0.0)
    if effect and one.family == _LOSER:
        lost["family_loser"] = effect * SIZE
        everywhere = plan.hard("family_loser")
        share = 1.0 if everywhere else 2.0 if one.edge < _LARGE_EDGE else 0.0
        fall = max(fall, expected + share * effect)
    effect = plan.effects.get("entry_threshold", 0.0)
    if plan.hard("entry_threshold"):
        # Every trade is struck, by so much less: what is lost in each fifth would drown the rest.
        effect /= 3
    if effect and (one.edge <= _LOW_FIFTH or plan.hard("entry_threshold")):
        lost["entry_threshold"] = effect * SIZE
        fall = max(fall, expected + effect)
    effect = plan.effects.get("time_and_resolution", 0.0)
    if effect and losing:
        lost["time_and_resolution"] = effect * SIZE
        fall = max(fall, expected + effect)
    return fall


def _left(plan: Plan, one: Attempt, lost: dict[str, float]) -> Attempt:
    """Return a trade that is stopped, takes its profit, or is given up after 40 minutes."""
    minute, reason = _HOLD, "max_hold"
    for place, known in enumerate(GRID):
        bid = one.mids[place] - one.spreads[place]
        if not _FIRST_LOOK <= known < _HOLD:
            continue
        if bid - one.price <= -_STOP:
            minute, reason = known, "stop_loss"
            break
        if bid - one.price >= _TARGET:
            minute, reason = known, "take_profit"
            break
    drift: dict[int, float] = {}
    effect = plan.effects.get("premature_stop", 0.0)
    spreads = one.spreads
    if effect and reason == "stop_loss":
        lost["premature_stop"] = effect * SIZE
        if plan.hard("premature_stop"):
            place = _PLACE[minute]
            spreads = (*spreads[:place], _WIDE, *spreads[place + 1 :])
            lost["premature_stop"] = (_WIDE - HALF) * SIZE
        else:
            late = [known for known in GRID if known > minute]
            drift = {known: effect * min(1.0, (known - minute) / 30) for known in late}
    effect = plan.effects.get("late_exit", 0.0)
    if effect and minute > _HUMP_ENDS:
        lost["late_exit"] = effect * SIZE
    moved = _moved(one, drift=drift)
    return attrs.evolve(moved, spreads=spreads, exit_at=minute, reason=reason, lost=lost)
