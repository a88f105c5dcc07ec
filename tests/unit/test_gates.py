"""Soft gates, each at its border."""

from typing import Any

import pytest

from market_bot.core.domain.gates import cooling, filtered, too_small
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.numbers import (
    HOUR,
    NOTHING,
    SECOND,
    Duration,
    Micros,
    Price,
    Size,
    price,
    size,
)
from market_bot.core.domain.settings import Cooldown, Filters
from market_bot.core.domain.view import MarketView
from tests.fakes.builders import a_market, a_signal
from tests.fakes.clock import NOON


def seen(bid: str | None = "0.48", ask: str | None = "0.52", hours: int | None = 5) -> MarketView:
    """Return a market that closes so many hours after noon."""
    close = None if hours is None else Micros(NOON + hours * HOUR)
    return MarketView(
        market=a_market(close_at=close),
        tradable=True,
        bid=None if bid is None else price(bid),
        ask=None if ask is None else price(ask),
        bid_size=size("1"),
        ask_size=size("1"),
        book_age=Duration(0),
        last_trade=None,
    )


@pytest.mark.parametrize(
    ("filters", "view", "names"),
    [
        ({}, seen(None, None, None), []),
        ({"families_include": ("F-1",)}, seen(), []),
        ({"families_include": ("F-2",)}, seen(), ["families_include"]),
        ({"families_exclude": ("F-2", "F-1")}, seen(), ["families_exclude"]),
        ({"price_min": price("0.48")}, seen(), []),
        ({"price_min": price("0.480001")}, seen(), ["price_min"]),
        ({"price_max": price("0.48")}, seen(), []),
        ({"price_max": price("0.479999")}, seen(), ["price_max"]),
        ({"max_spread": price("0.04")}, seen(), []),
        ({"max_spread": price("0.039999")}, seen(), ["max_spread"]),
        ({"max_spread": price("0.5")}, seen(bid=None), ["max_spread"]),
        ({"max_spread": Price(0)}, seen(ask=None), ["max_spread"]),
        ({"min_to_close": Duration(5 * HOUR)}, seen(), []),
        ({"min_to_close": Duration(5 * HOUR + 1)}, seen(), ["min_hours_to_close"]),
        ({"max_to_close": Duration(5 * HOUR)}, seen(), []),
        ({"max_to_close": Duration(5 * HOUR - 1)}, seen(), ["max_hours_to_close"]),
        ({"max_to_close": Duration(5 * HOUR)}, seen(hours=None), ["hours_to_close"]),
        ({"min_to_close": Duration(0)}, seen(hours=None), ["hours_to_close"]),
        (
            {
                "families_include": ("F-2",),
                "families_exclude": ("F-1",),
                "price_min": price("0.5"),
                "price_max": price("0.4"),
                "max_spread": Price(0),
                "min_to_close": Duration(6 * HOUR),
                "max_to_close": Duration(1 * HOUR),
            },
            seen(),
            [
                "families_include",
                "families_exclude",
                "price_min",
                "price_max",
                "max_spread",
                "min_hours_to_close",
                "max_hours_to_close",
            ],
        ),
    ],
)
def test_filters(filters: dict[str, Any], view: MarketView, names: list[str]) -> None:
    """A filter may be reached and not passed, what is unknown is refused, and all are listed."""
    gates = list(filtered(Filters(**filters), view, a_signal(), NOON))

    assert names == [gate.name for gate in gates]
    assert not any(gate.hard for gate in gates)


@pytest.mark.parametrize(
    ("waited", "names"),
    [
        (0, ["cooldown_after_entry", "cooldown_after_exit"]),
        (10 * SECOND - 1, ["cooldown_after_entry", "cooldown_after_exit"]),
        (10 * SECOND, ["cooldown_after_exit"]),
        (20 * SECOND, []),
        (-SECOND, ["cooldown_after_entry", "cooldown_after_exit"]),
    ],
)
def test_cooldowns(waited: int, names: list[str]) -> None:
    """A market rests for as long as was decided, also if the clock was set back meanwhile."""
    cooldown = Cooldown(after_entry=Duration(10 * SECOND), after_exit=Duration(20 * SECOND))
    state = LaneState(last_entry={"M-1": NOON}, last_exit={"M-1": NOON, "M-3": NOON})
    gates = cooling(cooldown, state, "M-1", Micros(NOON + waited))

    assert names == [gate.name for gate in gates]
    assert [] == list(cooling(cooldown, state, "M-2", NOON))
    assert ["cooldown_after_exit"] == [g.name for g in cooling(cooldown, state, "M-3", NOON)]


def test_too_small() -> None:
    """An order of nothing is refused with what was wanted."""
    market = a_market(min_size=size("5"))

    assert [("5", "4.5")] == [(g.limit, g.value) for g in too_small(market, NOTHING, size("4.5"))]
    assert [] == list(too_small(market, Size(1), size("5")))
