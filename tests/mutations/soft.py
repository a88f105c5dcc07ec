"""Bugs for what a person may tune: filters, cooldowns, exits, sizing, and the list of knobs."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_DOMAIN: Final = "src/market_bot/core/domain"
_LANE: Final = f"{_DOMAIN}/lane.py"
_GATES: Final = f"{_DOMAIN}/gates.py"
_SIZING: Final = f"{_DOMAIN}/sizing.py"
_KNOBS: Final = f"{_DOMAIN}/tuning/knobs.py"
_EXITS: Final = f"{_DOMAIN}/exits"
_TRADER: Final = "src/market_bot/core/usecases/trade_lane.py"

MUTATIONS: Final = (
    Mutation(
        name="keywords mind capital letters",
        file=_GATES,
        old="keyword.casefold() in folded",
        new="keyword in folded",
        tests=("tests/unit/test_gates.py",),
    ),
    Mutation(
        name="an unknown volume is enough",
        file=_GATES,
        old="        yield _soft(name, written(limit), _UNKNOWN)\n",
        new="        return\n",
        tests=("tests/unit/test_gates.py",),
    ),
    Mutation(
        name="a market without a category passes the exclusion",
        file=_GATES,
        old="if unwanted and (not category or category in map(str.casefold, unwanted)):",
        new="if unwanted and category in map(str.casefold, unwanted):",
        tests=("tests/unit/test_gates.py",),
    ),
    Mutation(
        name="a stranger's title reaches the journal",
        file=_GATES,
        old='        told = "none" if title else _UNKNOWN\n',
        new="        told = title or _UNKNOWN\n",
        tests=("tests/unit/test_gates.py",),
    ),
    Mutation(
        name="the deeper side of the touch counts",
        file=_GATES,
        old="return min(seen.bid_size, seen.ask_size)",
        new="return max(seen.bid_size, seen.ask_size)",
        tests=("tests/unit/test_gates.py",),
    ),
    Mutation(
        name="a loss is a loss before its fee only",
        file=_LANE,
        old="Money(event.cost - event.fee - basis), at)",
        new="Money(event.cost - basis), at)",
        tests=("tests/property/test_cooldowns.py",),
    ),
    Mutation(
        name="a family forgets its refusals",
        file=_LANE,
        old=(
            "        last_reject=_with(state.last_reject, order.market, at),\n"
            "        last_in_family=_with(state.last_in_family, order.family, at),\n"
        ),
        new="        last_reject=_with(state.last_reject, order.market, at),\n",
        tests=("tests/property/test_cooldowns.py",),
    ),
    Mutation(
        name="a family's wait looks at the market",
        file=_GATES,
        old="last = state.last_in_family.get(market.family)",
        new="last = state.last_exit.get(market.id)",
        tests=("tests/property/test_cooldowns.py",),
    ),
    Mutation(
        name="a high falls",
        file=_LANE,
        old="high=max(highs, default=None)",
        new="high=highs[-1] if highs else None",
        tests=("tests/property/test_exits.py",),
    ),
    Mutation(
        name="marks are not folded",
        file=_LANE,
        old="    ev.PositionMarked: _marked,\n",
        new="",
        tests=("tests/property/test_exits.py",),
    ),
    Mutation(
        name="a confirmation is not remembered as begun",
        file=_LANE,
        old="armed_at=event.armed_at",
        new="armed_at=event.armed_at and at",
        tests=("tests/property/test_exits.py", "tests/unit/test_leaving.py"),
    ),
    Mutation(
        name="a confirmation never ends",
        file=f"{_EXITS}/stop_loss.py",
        old="    elif not below:\n        armed = None\n",
        new="",
        tests=("tests/property/test_exits.py",),
    ),
    Mutation(
        name="a stop does not wait",
        file=f"{_EXITS}/stop_loss.py",
        old="held.as_of - armed >= params.confirm_seconds * SECOND",
        new="held.as_of - armed >= 0",
        tests=("tests/property/test_exits.py",),
    ),
    Mutation(
        name="a stop measures what it was not told to",
        file=f"{_EXITS}/stop_loss.py",
        old="params.measure is Measure.BID",
        new="params.measure is Measure.MID",
        tests=("tests/property/test_exits.py",),
    ),
    Mutation(
        name="an empty side ends a confirmation",
        file=f"{_EXITS}/stop_loss.py",
        old="if below is None or params.confirm_seconds == 0:",
        new="if params.confirm_seconds == 0:",
        tests=("tests/unit/test_exits.py",),
    ),
    Mutation(
        name="a trailing stop is on from the start",
        file=f"{_EXITS}/trailing_stop.py",
        old="held.gain(high) < held.whole(params.activation)",
        new="held.gain(high) < 0",
        tests=("tests/property/test_exits.py",),
    ),
    Mutation(
        name="every tick up is written",
        file=f"{_EXITS}/trailing_stop.py",
        old="and held.quiet_for(_EVERY)",
        new="",
        tests=("tests/property/test_exits.py",),
    ),
    Mutation(
        name="profits are taken at the ask",
        file=f"{_EXITS}/take_profit.py",
        old="    bid = held.bid\n",
        new="    bid = held.seen.buy_price(held.position.leg)\n",
        tests=("tests/unit/test_exits.py",),
    ),
    Mutation(
        name="an unknown close is near",
        file=f"{_EXITS}/time_to_close.py",
        old="return close is not None and close",
        new="return close is None or close",
        tests=("tests/unit/test_exits.py",),
    ),
    Mutation(
        name="the age of a position is that of its market",
        file=f"{_EXITS}/max_hold.py",
        old="held.as_of - held.position.opened_at",
        new="held.as_of - (held.seen.market.open_at or 0)",
        tests=("tests/unit/test_exits.py",),
    ),
    Mutation(
        name="resting never gives way to taking",
        file=f"{_EXITS}/api.py",
        old="exits.style is Style.MAKER and not _waited(exits, held, orders)",
        new="exits.style is Style.MAKER",
        tests=("tests/unit/test_exits.py", "tests/unit/test_leaving.py"),
    ),
    Mutation(
        name="a sale is offered between ticks",
        file=f"{_EXITS}/api.py",
        old="    at = hit_price(held.seen, held.position.leg)\n",
        new="    at = held.bid\n",
        tests=("tests/property/test_exits.py",),
    ),
    Mutation(
        name="excluded strategies are watched",
        file=f"{_EXITS}/api.py",
        old="return [p for p in positions if p.strategy not in self.strategies_exclude]",
        new="return list(positions)",
        tests=("tests/unit/test_leaving.py",),
    ),
    Mutation(
        name="marks are not written",
        file=_TRADER,
        old="        self._record(mark, now)\n",
        new="",
        tests=("tests/unit/test_leaving.py",),
    ),
    Mutation(
        name="an exit leaves resting orders in its way",
        file=_TRADER,
        old="                self._clear_way(view.event, signal, now)\n",
        new="",
        tests=("tests/unit/test_leaving.py",),
    ),
    Mutation(
        name="a strategy buys what is being left",
        file=_TRADER,
        old="            yield from leaving(self._leaving_for(signal.market, signal.leg))\n",
        new="",
        tests=("tests/unit/test_leaving.py",),
    ),
    Mutation(
        name="a strategy withdraws an exit",
        file=_TRADER,
        old="                    if key not in self._leaving:\n",
        new="                    if True:\n",
        tests=("tests/unit/test_leaving.py",),
    ),
    Mutation(
        name="kelly forgets the costs",
        file=_SIZING,
        old="return Price(signal.price + max(0, signal.cost))",
        new="return Price(signal.price)",
        tests=("tests/property/test_sizing.py",),
    ),
    Mutation(
        name="kelly has no most",
        file=_SIZING,
        old="return Size(min(most, _bought(stake, _all_in(signal))))",
        new="return _bought(stake, _all_in(signal))",
        tests=("tests/unit/test_sizing.py",),
    ),
    Mutation(
        name="kelly divides by the price",
        file=_SIZING,
        old="// ((ONE_DOLLAR - at) * CERTAIN)",
        new="// (at * CERTAIN)",
        tests=("tests/property/test_sizing.py",),
    ),
    Mutation(
        name="takers may take all that is shown",
        file=_SIZING,
        old="return Size(min(wanted, shown * sizing.max_depth_share // CERTAIN))",
        new="return Size(min(wanted, shown))",
        tests=("tests/property/test_sizing.py",),
    ),
    Mutation(
        name="a knob has the name of its field",
        file=_KNOBS,
        old="{knob.key or field.name}",
        new="{field.name}",
        tests=("tests/unit/test_knobs.py",),
    ),
)
