"""The numbers of a window, worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from market_bot.core.domain.analytics.attribution import PARTS
from market_bot.core.domain.analytics.summary import analyse, as_json, daily_pnl, mid_after
from market_bot.core.domain.analytics.window import (
    Closed,
    Entry,
    Execution,
    Level,
    Path,
    Prices,
    Put,
    Window,
    Wish,
)
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    HOUR,
    SECOND,
    Duration,
    Micros,
    Money,
    money,
    price,
    probability,
    size,
)
from market_bot.core.domain.orders import Style
from tests.fakes.clock import NOON

DAY = 24 * HOUR
EMPTY = Window(chain="kalshi/paper", since=NOON, until=Micros(NOON + 3 * DAY), covered=Duration(0))


def a_piece(number: int = 0, **changes: Any) -> Closed:
    """Return ten contracts bought at 0.30 that paid a dollar each, for a dime of fees."""
    closed = Closed(
        seq=100 + number,
        at=Micros(NOON + HOUR),
        signal=f"s-{number}",
        strategy="scripted",
        market=f"M-{number}",
        event=f"E-{number}",
        family="F-1",
        leg=Leg.YES,
        opened_at=NOON,
        how="resolved",
        reason="",
        size=size("10"),
        cost=money("3"),
        proceeds=money("10"),
        fees=money("0.1"),
        entries=(1,),
        belief=probability("0.4"),
        edge=price("0.1"),
        closes_in=Duration(2 * HOUR),
        parts=dict.fromkeys(PARTS, Money(0)) | {"settlement": money("6.9")},
    )
    return attrs.evolve(closed, **changes)


def an_entry(number: int = 0, **changes: Any) -> Entry:
    """Return an entry that was filled at once at a midpoint of 0.50, and later worth more."""
    later = {60: "0.51", 300: "0.49", 1800: "0.55"}
    entry = Entry(
        seq=number,
        at=NOON,
        signal=f"s-{number}",
        strategy="scripted",
        market="M-1",
        event="E-1",
        family="F-1",
        leg=Leg.YES,
        intent=f"i-{number}",
        config="c-1",
        style=Style.TAKER,
        price=price("0.5"),
        size=size("2"),
        mid=price("0.5"),
        outcome="accepted",
        wish=Wish(
            seq=1,
            style=Style.TAKER,
            price=price("0.5"),
            belief=probability("0.8"),
            edge=price("0.3"),
            cost=price("0"),
            reason="r",
            prices=Prices(mid=price("0.5")),
            depth=None,
            book_age=Duration(0),
            closes_in=None,
        ),
        executions=(
            Execution(
                seq=2,
                at=Micros(NOON + SECOND),
                fill="f",
                liquidity=Style.TAKER,
                price=price("0.5"),
                size=size("2"),
                cost=money("1"),
                fee=money("0"),
                mid=price("0.5"),
            ),
        ),
        path=Path(
            since=NOON,
            start=Prices(mid=price("0.5")),
            later={s: Prices(mid=price(mid)) for s, mid in later.items()},
            payout=price("1"),
        ),
    )
    return attrs.evolve(entry, **changes)


def test_nothing_has_no_numbers() -> None:
    """An empty window is counted, not failed, and its ratios have no meaning."""
    told = analyse(EMPTY)

    assert (0, None, None) == (told.total.trades, told.total.win_rate, told.total.win_test)
    assert told.returns.sharpe is told.beliefs.brier is told.utilisation_mean is None
    assert json.loads(json.dumps(as_json(told))) == as_json(told)


def test_wins_are_tested_against_prices_and_fees() -> None:
    """Two markets at 0.31 each: one win of two is as likely as it can be worked out by hand."""
    lost = a_piece(1, proceeds=money("0"))
    twice = a_piece(0, size=size("5"), cost=money("1.5"), proceeds=money("5"), fees=money("0.05"))
    sold = a_piece(2, how="sold", proceeds=money("5"))
    void = a_piece(3, proceeds=money("5"))
    test = analyse(attrs.evolve(EMPTY, closed=(twice, twice, lost, sold, void))).total.win_test

    assert test is not None
    assert (2, 1) == (test.trials, test.wins)
    assert pytest.approx(0.62) == test.expected
    assert pytest.approx(1 - 0.31**2) == test.at_most
    assert pytest.approx(1 - 0.69**2) == test.at_least


def test_pieces_are_told_apart() -> None:
    """By what was bought, when, at what price, and how long before the close."""
    late = a_piece(1, cost=money("9.99"), closes_in=None, opened_at=Micros(NOON + 13 * HOUR))
    undone = a_piece(2, how="corrected", size=size("-10"), cost=money("-3"))
    told = analyse(attrs.evolve(EMPTY, closed=(a_piece(), late, undone)))

    assert {"30-40": 1, "90-100": 1, "unknown": 0} == {
        name: group.trades for name, group in told.by["price_band"].items()
    }
    assert ["01", "12"] == list(told.by["hour"])
    assert ["1-6", "unknown"] == list(told.by["hours_to_close"])
    assert told.total.pnl == sum(group.pnl for group in told.by["event"].values())
    assert (2, 1) == (told.total.trades, told.total.wins)


def test_markouts_tell_makers_from_takers() -> None:
    """Per contract and exact; a purchase whose midpoint is missing is counted as missing."""
    blind = attrs.evolve(an_entry(1), path=None)
    marks = analyse(attrs.evolve(EMPTY, entries=(an_entry(), blind))).markouts
    told = {(m.seconds, m.liquidity): m for m in marks}

    assert 6 == len(told)
    assert money("0.02") == told[60, Style.TAKER].moved
    assert pytest.approx(-0.01) == told[300, Style.TAKER].per_contract
    assert (1, size("2"), size("2")) == (
        told[1800, Style.TAKER].fills,
        told[1800, Style.TAKER].size,
        told[1800, Style.TAKER].missing,
    )
    assert told[60, Style.MAKER].per_contract is None


def test_a_midpoint_is_taken_near_its_time_only() -> None:
    """The first one from there on, unless it is far away."""
    path = an_entry().path
    later = Micros(NOON + 3 * 60 * SECOND)

    assert price("0.51") == mid_after(path, NOON, Duration(60 * SECOND))
    assert price("0.49") == mid_after(path, later, Duration(60 * SECOND))
    assert mid_after(path, Micros(NOON + 100 * SECOND), Duration(60 * SECOND)) is None
    assert mid_after(None, NOON, Duration(60 * SECOND)) is None


def test_beliefs_are_scored_beside_the_market() -> None:
    """Once per signal, as far as the market has paid."""
    again = attrs.evolve(an_entry(), seq=9)
    open_one = attrs.evolve(an_entry(2), path=None)
    beliefs = analyse(attrs.evolve(EMPTY, entries=(an_entry(), again, open_one))).beliefs

    assert 1 == beliefs.forecasts
    assert pytest.approx(0.04) == beliefs.brier
    assert pytest.approx(0.25) == beliefs.market_brier


def test_days_do_not_count_what_was_put_in() -> None:
    """From level to level, each day less what moved beside the trading."""
    levels = tuple(
        Level(at=Micros(NOON + int(days * DAY)), equity=money(equity), at_work=money("25"))
        for days, equity in ((0, "100"), (0.25, "101"), (1, "90"), (1.25, "99"), (2, "110"))
    )
    put = (
        Put(at=NOON, amount=money("100")),
        Put(at=Micros(NOON + DAY + HOUR), amount=money("5")),
    )
    window = attrs.evolve(EMPTY, levels=levels, put_in=put)
    told = analyse(window)

    assert [money("1"), money("-7"), money("11")] == list(daily_pnl(window).values())
    assert told.returns.sharpe is not None
    assert pytest.approx(7.0) == told.returns.max_drawdown
    assert pytest.approx(25 / 100, rel=1e-9) == told.utilisation_median


def test_json_holds_decimal_strings() -> None:
    """No float leaves, and the order does not depend on what happened first."""
    forth = attrs.evolve(EMPTY, closed=(a_piece(), a_piece(1)), denials={"b": 1, "a": 2})
    back = attrs.evolve(EMPTY, closed=(a_piece(1), a_piece()), denials={"a": 2, "b": 1})
    text = json.dumps(as_json(analyse(forth)))

    assert text == json.dumps(as_json(analyse(back)))
    assert "13.8" == as_json(analyse(forth))["total"]["pnl"]  # type: ignore[index]  # plain JSON

    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(map(plain, value.values()))
        return all(map(plain, value)) if isinstance(value, list) else type(value) is not float

    assert plain(as_json(analyse(forth)))
