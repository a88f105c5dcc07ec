"""Soft gates, each at its border."""

from typing import Any

import attrs
import pytest

from market_bot.core.domain.gates import cooling, filtered, leaving, too_small
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.numbers import (
    HOUR,
    NO_MONEY,
    NOTHING,
    SECOND,
    Duration,
    Micros,
    Price,
    Size,
    money,
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


def about(**changes: Any) -> MarketView:
    """Return a view of a market that is described like this; 20 are bid for, 30 offered."""
    return attrs.evolve(
        seen(), market=a_market(**changes), bid_size=size("20"), ask_size=size("30")
    )


@pytest.mark.parametrize(
    ("filters", "view", "told"),
    [
        ({"categories_include": ("Climate", "sports")}, about(category="SPORTS"), []),
        (
            {"categories_include": ("Climate",)},
            about(category="Sports"),
            [("categories_include", "Climate", "Sports")],
        ),
        (
            {"categories_include": ("Climate",)},
            about(),
            [("categories_include", "Climate", "unknown")],
        ),
        ({"categories_exclude": ("Sports",)}, about(category="Climate"), []),
        (
            {"categories_exclude": ("sports",)},
            about(category="Sports"),
            [("categories_exclude", "sports", "Sports")],
        ),
        (
            {"categories_exclude": ("Sports",)},
            about(),
            [("categories_exclude", "Sports", "unknown")],
        ),
        ({"keywords_include": ("RAIN", "snow")}, about(title="Will it rain?"), []),
        ({"keywords_include": ("straße",)}, about(title="HAUPTSTRASSE closed?"), []),
        (
            {"keywords_include": ("rain",)},
            about(title="Will it <b>snow</b>?"),
            [("keywords_include", "rain", "none")],
        ),
        ({"keywords_include": ("rain",)}, about(), [("keywords_include", "rain", "unknown")]),
        ({"keywords_exclude": ("rain",)}, about(title="Will it snow?"), []),
        (
            {"keywords_exclude": ("hail", "Tweet")},
            about(title="How many tweets?"),
            [("keywords_exclude", "hail,Tweet", "Tweet")],
        ),
        ({"keywords_exclude": ("rain",)}, about(), [("keywords_exclude", "rain", "unknown")]),
        ({"min_liquidity": money("500")}, about(liquidity=money("500")), []),
        (
            {"min_liquidity": money("500")},
            about(liquidity=money("499.5")),
            [("min_liquidity_usd", "500", "499.5")],
        ),
        ({"min_liquidity": NO_MONEY}, about(), [("min_liquidity_usd", "0", "unknown")]),
        ({"min_volume_24h": money("1")}, about(volume_24h=money("2")), []),
        (
            {"min_volume_24h": money("1")},
            about(volume_24h=NO_MONEY, liquidity=money("9")),
            [("min_volume_24h_usd", "1", "0")],
        ),
        ({"min_volume_24h": money("1")}, about(), [("min_volume_24h_usd", "1", "unknown")]),
        ({"min_depth": size("20")}, about(), []),
        ({"min_depth": size("21")}, about(), [("min_depth_contracts", "21", "20")]),
        ({"min_depth": size("1")}, seen(bid=None), [("min_depth_contracts", "1", "unknown")]),
    ],
)
def test_filters_of_what_a_market_is(
    filters: dict[str, Any], view: MarketView, told: list[tuple[str, str, str]]
) -> None:
    """Words are compared without regard to case; the value told is never a stranger's title."""
    gates = filtered(Filters(**filters), view, a_signal(), NOON)

    assert told == [(gate.name, gate.limit, gate.value) for gate in gates]


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
    gates = cooling(cooldown, state, a_market(), Micros(NOON + waited))

    assert names == [gate.name for gate in gates]
    assert [] == list(cooling(cooldown, state, a_market("M-2"), NOON))
    third = cooling(cooldown, state, a_market("M-3"), NOON)
    assert ["cooldown_after_exit"] == [gate.name for gate in third]


def test_losses_and_refusals_cool_by_themselves() -> None:
    """Each of them has its own wait, and a market without one is free."""
    cooldown = Cooldown(after_loss=Duration(60 * SECOND), after_reject=Duration(30 * SECOND))
    state = LaneState(last_loss={"M-1": NOON}, last_reject={"M-1": NOON, "M-2": NOON})
    later = Micros(NOON + 30 * SECOND)

    assert [("cooldown_after_loss", "60s", "0s"), ("cooldown_after_reject", "30s", "0s")] == [
        (gate.name, gate.limit, gate.value) for gate in cooling(cooldown, state, a_market(), NOON)
    ]
    rest = cooling(cooldown, state, a_market(), later)
    assert ["cooldown_after_loss"] == [gate.name for gate in rest]
    assert [] == list(cooling(cooldown, state, a_market("M-2"), later))
    # No wait is none, also if the clock was set back.
    assert [] == list(cooling(Cooldown(), state, a_market(), Micros(NOON - SECOND)))


def test_a_family_rests_as_a_whole() -> None:
    """What happened in one market holds the others of a family that is listed, and no other."""
    cooldown = Cooldown(families={"F-1": Duration(10 * SECOND)})
    state = LaneState(last_in_family={"F-1": NOON, "F-2": NOON})
    sister, stranger = a_market("M-2"), a_market("M-3", family="F-2")

    assert ["cooldown_family"] == [g.name for g in cooling(cooldown, state, sister, NOON)]
    assert [] == list(cooling(cooldown, state, sister, Micros(NOON + 10 * SECOND)))
    assert [] == list(cooling(cooldown, state, stranger, NOON))


def test_leaving_refuses_buyers() -> None:
    """The gate names the exit that is due."""
    assert [("leaving", "stop_loss", False)] == [
        (gate.name, gate.value, gate.hard) for gate in leaving("stop_loss")
    ]
    assert [] == list(leaving(None))


def test_too_small() -> None:
    """An order of nothing is refused with what was wanted."""
    market = a_market(min_size=size("5"))

    assert [("5", "4.5")] == [(g.limit, g.value) for g in too_small(market, NOTHING, size("4.5"))]
    assert [] == list(too_small(market, Size(1), size("5")))
