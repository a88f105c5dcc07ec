"""Bugs for what a market pays at its end, for rewards, and for later prices of decisions."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_LANE: Final = "src/market_bot/core/domain/lane.py"
_MARKS: Final = "src/market_bot/core/domain/marks.py"
_TAKING: Final = "src/market_bot/core/usecases/record_marks.py"
_REWARDS: Final = "src/market_bot/core/domain/fills/rewards.py"
_REWARDED: Final = "src/market_bot/adapters/simulated/rewarded.py"
_TRADER: Final = "src/market_bot/core/usecases/trade_lane.py"

MUTATIONS: Final = (
    Mutation(
        name="an order on its way earns rewards",
        file=_REWARDED,
        old="if order.resting and order.arrives <= at:",
        new="if order.resting:",
        tests=("tests/unit/test_rewards.py",),
    ),
    Mutation(
        name="an order that would have been taken earns rewards",
        file=_REWARDS,
        old="[order for order in mine if _rests(book, order)]",
        new="list(mine)",
        tests=("tests/unit/test_rewards.py",),
    ),
    Mutation(
        name="a purchase told after the end is never paid",
        file=_LANE,
        old="    ev.Fill: _also_late(_fill),",
        new="    ev.Fill: _fill,",
        tests=("tests/property/test_settlement.py",),
    ),
    Mutation(
        name="a purchase undone after the end keeps its payout",
        file=_LANE,
        old="    ev.FillReversed: _also_late(_fill_reversed),",
        new="    ev.FillReversed: _fill_reversed,",
        tests=("tests/property/test_settlement.py",),
    ),
    Mutation(
        name="pairs merged before the end are paid twice",
        file=_LANE,
        old="    ev.Merged: _also_late(_merged),",
        new="    ev.Merged: _merged,",
        tests=("tests/property/test_settlement.py",),
    ),
    Mutation(
        name="what was paid is not remembered",
        file=_LANE,
        old="        ended=ended,\n",
        new="",
        tests=("tests/property/test_settlement.py",),
    ),
    Mutation(
        name="an end that is told again is paid again",
        file=_LANE,
        old="        if known.yes_payout == event.yes_payout:\n            return state\n",
        new="        if known.yes_payout == event.yes_payout:\n"
        "            return _pay(\n"
        "                _reopen(state, event.market, attrs.evolve(known, yes_payout=Price(0))),\n"
        "                event.market, event.yes_payout, known,\n"
        "            )\n",
        tests=("tests/unit/test_settlement.py",),
    ),
    Mutation(
        name="a corrected payout is passed over",
        file=_LANE,
        old="        return _pay(state, event.market, event.yes_payout, known)",
        new="        return _pay(state, event.market, known.yes_payout, known)",
        tests=("tests/property/test_settlement.py",),
    ),
    Mutation(
        name="a late fact counts the same position again",
        file=_LANE,
        old="    before, after = (_results(market, ended) for ended in (known, now))",
        new="    before, after = (_results(market, ended) for ended in (None, now))",
        tests=("tests/unit/test_settlement.py",),
    ),
    Mutation(
        name="late news bring back a streak that a person has reset",
        file=_LANE,
        old="    if old == new:\n        return state\n",
        new="    if not old and not new:\n        return state\n",
        tests=("tests/unit/test_settlement.py",),
    ),
    Mutation(
        name="ended markets with known orders are forgotten first",
        file=_LANE,
        old="name not in known and name != market",
        new="name in known and name != market",
        tests=("tests/unit/test_settlement.py",),
    ),
    Mutation(
        name="every ended market is remembered for ever",
        file=_LANE,
        old="    if not now.positions and market not in known and market not in state.ended:",
        new="    if False:",
        tests=("tests/unit/test_settlement.py",),
    ),
    Mutation(
        name="a payment told twice is paid twice",
        file=_LANE,
        old="    if event.name and event.name in state.paid_rewards:\n        return state\n",
        new="",
        tests=("tests/property/test_settlement.py",),
    ),
    Mutation(
        name="a payment told twice is written twice",
        file=_TRADER,
        old="                if name in self.state.paid_rewards:\n",
        new="                if not name:\n",
        tests=("tests/unit/test_marks.py",),
    ),
    Mutation(
        name="a mark is taken before its time",
        file=_MARKS,
        old="            while queue and queue[0].decision.since + horizon <= now:",
        new="            while queue and queue[0].decision.since + horizon <= now + 1:",
        tests=("tests/unit/test_marks.py",),
    ),
    Mutation(
        name="a mark is taken however late it is",
        file=_MARKS,
        old="            missed = now - series.decision.since - horizon > LATE_MAX\n"
        "                if",
        new="            missed = False\n                if",
        tests=("tests/unit/test_marks.py",),
    ),
    Mutation(
        name="an ended market is marked on",
        file=_MARKS,
        old="        for series in list(self._markets.get(event.market, {}).values()):\n"
        "            self._drop(series)\n",
        new="",
        tests=("tests/unit/test_marks.py",),
    ),
    Mutation(
        name="a refusal that flaps is followed each time",
        file=_MARKS,
        old="            return (self.cause, self.strategy, self.market, self.leg, self.purpose)",
        new="            return (self.cause, self.signal)",
        tests=("tests/unit/test_marks.py",),
    ),
    Mutation(
        name="any number of decisions is followed",
        file=_MARKS,
        old="        return len(self._series) >= self.ceiling",
        new="        return False",
        tests=("tests/unit/test_marks.py", "tests/property/test_marks.py"),
    ),
    Mutation(
        name="a restart begins the clock of a series anew",
        file=_MARKS,
        old="_decision(event, event.cause, event.purpose, event.since)",
        new="_decision(event, event.cause, event.purpose, _)",
        tests=("tests/unit/test_marks.py",),
    ),
    Mutation(
        name="a mark that was taken stays due after a restart",
        file=_MARKS,
        old="            self._advance(known, _NUMBER.get(event.horizon_s, -1))",
        new="            pass",
        tests=("tests/property/test_marks.py",),
    ),
    Mutation(
        name="a book that is not sound has prices",
        file=_TAKING,
        old="    if known is None or not world.trades(known):",
        new="    if known is None:",
        tests=("tests/unit/test_marks.py",),
    ),
    Mutation(
        name="the midpoint of NO is that of YES",
        file=_TAKING,
        old="    if middle is not None and leg is Leg.NO:",
        new="    if middle is not None and leg is None:",
        tests=("tests/unit/test_marks.py",),
    ),
    Mutation(
        name="a lane that cannot write goes on marking",
        file=_TRADER,
        old="        if marks is None or marks.idle or self.degraded is not None:",
        new="        if marks is None or marks.idle:",
        tests=("tests/unit/test_marks.py",),
    ),
    Mutation(
        name="one side counts in full",
        file=_REWARDS,
        old="    both = _ONE_SIDED * min(sides)",
        new="    both = min(sides)",
        tests=("tests/property/test_rewards.py",),
    ),
    Mutation(
        name="the others are taken for weaker than they may be",
        file=_REWARDS,
        old="(high - low if _one_side_counts(doubled) else 0)",
        new="0",
        tests=("tests/property/test_rewards.py",),
    ),
    Mutation(
        name="small orders earn rewards",
        file=_REWARDS,
        old="    large = [order for order in orders if order.size >= terms.min_size]",
        new="    large = list(orders)",
        tests=("tests/unit/test_rewards.py",),
    ),
    Mutation(
        name="less than a dollar is paid",
        file=_REWARDS,
        old="            if totals[kind] >= PAID_FROM\n",
        new="            if totals[kind] >= 0\n",
        tests=("tests/unit/test_rewards.py",),
    ),
    Mutation(
        name="a day is paid again and again",
        file=_REWARDS,
        old="        earned, self._earned, self.day = self._earned, {}, date",
        new="        earned, self.day = self._earned, date",
        tests=("tests/unit/test_rewards.py",),
    ),
    Mutation(
        name="every look is a sample",
        file=_REWARDED,
        old="        if at // _MINUTE > self._sampled:",
        new="        if at // _MINUTE >= self._sampled:",
        tests=("tests/unit/test_rewards.py",),
    ),
    Mutation(
        name="a provisional fill earns a rebate",
        file=_REWARDED,
        old=" and not fact.provisional:",
        new=":",
        tests=("tests/unit/test_rewards.py",),
    ),
    Mutation(
        name="rewards are claimed from quotes alone",
        file=_REWARDED,
        old="        if self._orders and self.capabilities & _DEPTH:",
        new="        if self._orders:",
        tests=("tests/unit/test_rewards.py",),
    ),
)
