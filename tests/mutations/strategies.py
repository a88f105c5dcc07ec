"""Bugs for what believes and wishes: log-odds, volatility, and the strategies."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_DOMAIN: Final = "src/market_bot/core/domain"
_ODDS: Final = f"{_DOMAIN}/odds.py"
_WISHES: Final = f"{_DOMAIN}/wishes.py"
_MAKING: Final = f"{_DOMAIN}/strategies/market_making.py"
_ARB: Final = f"{_DOMAIN}/strategies/event_arb.py"
_REVERSION: Final = f"{_DOMAIN}/strategies/mean_reversion.py"
_LEVEL: Final = f"{_DOMAIN}/strategies/price_level.py"
_LIVES: Final = "tests/property/test_strategy_situations.py"

MUTATIONS: Final = (
    Mutation(
        name="quiet time is no time",
        file=_ODDS,
        old="seconds = (until - part[0][0]) / SECOND",
        new="seconds = (part[-1][0] - part[0][0] + 1) / SECOND",
        tests=("tests/unit/test_odds.py",),
    ),
    Mutation(
        name="a jump that came back is none",
        file=_ODDS,
        old="return max(values) - min(values) if values else 0.0",
        new="return abs(values[-1] - values[0]) if values else 0.0",
        tests=("tests/unit/test_market_making.py",),
    ),
    Mutation(
        name="strangers' orders are withdrawn",
        file=_WISHES,
        old="        and order.strategy == strategy\n",
        new="",
        tests=(f"{_LIVES}::test_any_life",),
    ),
    Mutation(
        name="strangers' contracts are ours",
        file=_WISHES,
        old="    if any(held.strategy != strategy for held in there):\n        return None\n",
        new="",
        tests=(f"{_LIVES}::test_strangers_are_left_alone",),
    ),
    Mutation(
        name="quotes cross the ask",
        file=_MAKING,
        old="Price(min(low - low_fee, ask - 1))",
        new="Price(low - low_fee)",
        tests=(f"{_LIVES}::test_quotes_rest_and_stay_within_the_cap",),
    ),
    Mutation(
        name="quotes lean towards the inventory",
        file=_MAKING,
        old="params.micro_weight)\n    fair = _Fair(belief=from_log_odds(odds), middle=middle)\n"
        "    leaned, half = odds - _lean",
        new="params.micro_weight)\n    fair = _Fair(belief=from_log_odds(odds), middle=middle)\n"
        "    leaned, half = odds + _lean",
        tests=(f"{_LIVES}::test_quotes_lean_away_from_inventory",),
    ),
    Mutation(
        name="the inventory has no cap",
        file=_MAKING,
        old="return market.floor_to_step(Size(min(size, room)))",
        new="return market.floor_to_step(size)",
        tests=(f"{_LIVES}::test_quotes_rest_and_stay_within_the_cap",),
    ),
    Mutation(
        name="what is not known did not jump",
        file=_MAKING,
        old="return known_since(path, since) and round",
        new="return round",
        tests=("tests/unit/test_market_making.py",),
    ),
    Mutation(
        name="sets are bought without their fees",
        file=_ARB,
        old="total += at * size + fee(seen.market.fees, at, size, Style.TAKER, selling=False)",
        new="total += at * size",
        tests=(f"{_LIVES}::test_a_set_never_loses",),
    ),
    Mutation(
        name="all NO are believed to pay",
        file=_ARB,
        old="payout = Price((len(markets) - 1) * ONE_DOLLAR)",
        new="payout = Price(len(markets) * ONE_DOLLAR)",
        tests=(f"{_LIVES}::test_a_set_never_loses",),
    ),
    Mutation(
        name="one proof is enough for an event",
        file=_ARB,
        old="if all(seen.market.exhaustive for seen in markets):",
        new="if any(seen.market.exhaustive for seen in markets):",
        tests=("tests/unit/test_event_arb.py",),
    ),
    Mutation(
        name="what was paid is forgotten",
        file=_ARB,
        old="paid + outlay <= bundle.payout * (most - complete)",
        new="outlay <= bundle.payout * (most - complete)",
        tests=(f"{_LIVES}::test_completing_never_loses",),
    ),
    Mutation(
        name="a resolved leg is missing",
        file=_ARB,
        old="return len(sizes) > 1 and not paid_out",
        new="return len(sizes) > 1",
        tests=("tests/unit/test_event_arb.py",),
    ),
    Mutation(
        name="prints in the other direction are behind a jump",
        file=_REVERSION,
        old="pusher = Side.ASK if jump < 0 else Side.BID",
        new="pusher = Side.BID if jump < 0 else Side.ASK",
        tests=(f"{_LIVES}::test_only_printless_jumps_are_faded",),
    ),
    Mutation(
        name="a market that never printed has no prints behind it",
        file=_REVERSION,
        old=" or not before or not seen.prints:",
        new=" or not before:",
        tests=("tests/unit/test_mean_reversion.py",),
    ),
    Mutation(
        name="the drift of the logarithm is forgotten",
        file=_LEVEL,
        old="normal_cdf(away / spread - spread / 2.0)",
        new="normal_cdf(away / spread)",
        tests=("tests/unit/test_price_level.py",),
    ),
    Mutation(
        name="barriers below drift the wrong way",
        file=_LEVEL,
        old="    there = normal_cdf(distance / spread - sign * spread / 2.0)",
        new="    there = normal_cdf(distance / spread - spread / 2.0)",
        tests=("tests/unit/test_price_level.py",),
    ),
    Mutation(
        name="a touch that may have been missed did not happen",
        file=_LEVEL,
        old="at_least=not seen_all)",
        new="at_least=False)",
        tests=("tests/unit/test_price_level.py",),
    ),
    Mutation(
        name="a stale reference is fresh",
        file=_LEVEL,
        old="not oldest <= history[-1][0] <= view.as_of:",
        new="not history[-1][0] <= view.as_of:",
        tests=("tests/unit/test_price_level.py",),
    ),
)
