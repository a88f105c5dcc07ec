"""Trades that are told in any order and again, and whose legs are ours."""

from __future__ import annotations

from market_bot.adapters.polymarket.amounts import OrderSide
from market_bot.adapters.polymarket.own_fills import (
    FillBook,
    GhostGuard,
    GhostLimits,
    fill_id,
    maker_leg,
    taker_leg,
    trade_of,
)
from market_bot.adapters.polymarket.own_records import OwnTrade, TradeLeg, TradeStatus
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Micros,
    Money,
    Size,
    money,
    price,
    size,
)
from market_bot.core.domain.orders import Style
from market_bot.core.ports.execution import Filled, Reversed, Settled

YES, NO = "11", "12"
OURS, THEIRS = "0x" + "a1" * 32, "0x" + "b2" * 32
AT = Micros(1_792_497_600_000_000)


def a_leg(
    order: str = THEIRS, token: str = YES, at: str = "0.45", quantity: str = "10"
) -> TradeLeg:
    """Return a resting order's part."""
    return TradeLeg(
        order=order,
        owner="o",
        token=token,
        side=OrderSide.SELL,
        price=price(at),
        size=size(quantity),
    )


def a_trade(*legs: TradeLeg, token: str = YES, side: OrderSide = OrderSide.BUY) -> OwnTrade:
    """Return a trade of so many legs, whose own price is a rounded average."""
    return OwnTrade(
        trade="t-1",
        status=TradeStatus.MATCHED,
        market="0x1",
        taker_order=OURS,
        token=token,
        side=side,
        price=price("0.46"),
        size=Size(sum(leg.size for leg in legs)),
        legs=legs,
        at=AT,
    )


def a_fill(fill: str = "t-1/0xa1") -> Filled:
    """Return a fill of ten shares."""
    return Filled(
        intent="i-1",
        fill=fill,
        price=price("0.45"),
        size=size("10"),
        cost=money("4.5"),
        fee=Money(0),
        liquidity=Style.TAKER,
        at=AT,
        provisional=True,
    )


def test_a_taker_pays_what_its_legs_cost() -> None:
    """Also where a leg bought the other token: then two purchases made a pair."""
    trade = a_trade(a_leg(), a_leg(token=NO, at="0.53", quantity="4"))
    leg = taker_leg(trade, YES, NO)

    assert leg is not None
    assert (size("14"), money("6.38")) == (leg.size, leg.cost)
    assert price("0.455715") == leg.price, "rounded against who buys"
    sold = taker_leg(a_trade(*trade.legs, side=OrderSide.SELL), YES, NO)
    assert sold is not None
    assert price("0.455714") == sold.price


def test_a_taker_whose_legs_are_not_all_told() -> None:
    """Then the trade's own price is all there is."""
    short = a_trade(a_leg())
    whole = taker_leg(
        OwnTrade(
            trade="t-1",
            status=TradeStatus.MATCHED,
            market="0x1",
            taker_order=OURS,
            token=YES,
            side=OrderSide.BUY,
            price=price("0.46"),
            size=size("20"),
            legs=short.legs,
            at=AT,
        ),
        YES,
        NO,
    )

    assert whole is not None
    assert (size("20"), money("9.2"), price("0.46")) == (whole.size, whole.cost, whole.price)


def test_a_taker_told_in_the_other_token() -> None:
    """What one side pays for YES, the other gets for NO."""
    leg = taker_leg(a_trade(a_leg(token=NO, at="0.55"), token=NO), YES, NO)

    assert leg is not None
    assert (YES, price("0.45"), money("4.5")) == (leg.token, leg.price, leg.cost)
    assert taker_leg(a_trade(a_leg(), token="13"), YES, NO) is None


def test_a_maker_s_part_is_its_own() -> None:
    """Only the legs of the order count, in the terms of its own token."""
    trade = a_trade(a_leg(), a_leg(OURS, NO, "0.55", "3"), a_leg(OURS, NO, "0.55", "2"), token=NO)
    leg = maker_leg(trade, OURS, NO, YES)

    assert leg is not None
    assert (size("5"), price("0.55"), Style.MAKER) == (leg.size, leg.price, leg.liquidity)
    crossed = maker_leg(trade, OURS, YES, NO)
    assert crossed is not None
    assert (YES, price("0.45"), money("2.25")) == (crossed.token, crossed.price, crossed.cost)
    assert maker_leg(trade, "0xdead", NO, YES) is None
    assert maker_leg(trade, OURS, "13", "14") is None


def test_a_fill_has_one_name() -> None:
    """It follows from the trade and the order alone, and names the trade."""
    assert fill_id("t-1", OURS) != fill_id("t-1", THEIRS)
    assert "t-1" == trade_of(fill_id("t-1", OURS))


def test_a_fill_is_told_once_and_ends_once() -> None:
    """Whatever else comes in between, or again."""
    book = FillBook()

    assert (a_fill(),) == book.news(a_fill(), TradeStatus.RETRYING)
    assert ["t-1"] == list(book.open_trades)
    assert () == book.news(a_fill(), TradeStatus.MATCHED)
    assert (Settled("i-1", "t-1/0xa1"),) == book.news(a_fill(), TradeStatus.CONFIRMED)
    assert not book.open_trades
    for status in (TradeStatus.CONFIRMED, TradeStatus.MATCHED, TradeStatus.MINED):
        assert () == book.news(a_fill(), status)
    assert 0 == book.contradictions


def test_a_fill_that_is_settled_when_it_is_heard_of() -> None:
    """It is never provisional."""
    (told,) = FillBook().news(a_fill(), TradeStatus.CONFIRMED)

    assert isinstance(told, Filled)
    assert not told.provisional


def test_a_fill_that_has_failed_when_it_is_heard_of() -> None:
    """It is told and undone: its size does not work any more."""
    told, undone = FillBook().news(a_fill(), TradeStatus.FAILED)

    assert a_fill() == told
    assert isinstance(undone, Reversed)


def test_two_ends_of_one_trade() -> None:
    """The first one stands, and the contradiction is counted."""
    book = FillBook()
    book.news(a_fill(), TradeStatus.CONFIRMED)

    assert () == book.news(a_fill(), TradeStatus.FAILED)
    assert 1 == book.contradictions


def test_what_the_journal_knows_is_not_told_again() -> None:
    """Neither a fill that is open, nor one that is settled or undone."""
    book = FillBook()
    book.told("a/1", "i-1", provisional=True)
    book.told("b/1", "i-1", provisional=False)
    book.told("c/1", "i-1", provisional=False, undone=True)
    book.told("b/1", "i-1", provisional=True)

    assert ("a",) == book.open_trades
    assert () == book.news(a_fill("b/1"), TradeStatus.CONFIRMED)
    assert () == book.news(a_fill("c/1"), TradeStatus.FAILED)
    assert (Reversed("i-1", "a/1", "the trade failed to settle"),) == book.step(
        "a/1", TradeStatus.FAILED
    )
    assert 0 == book.contradictions


def test_a_family_whose_trades_fail_is_left_alone() -> None:
    """Three of fifty are too many, for an hour; others go on."""
    guard = GhostGuard()
    for _ in range(2):
        guard.note("F", AT, failed=True)
    for _ in range(20):
        guard.note("F", AT, failed=False)

    assert guard.refuses("F", AT) is None
    guard.note("F", AT, failed=True)
    later = Micros(AT + 3_599 * SECOND)
    assert "failed to settle" in (guard.refuses("F", later) or "")
    assert {"F": Micros(AT + 3_600 * SECOND)} == guard.paused(AT)
    assert guard.refuses("G", AT) is None
    assert guard.refuses("F", Micros(AT + 3_600 * SECOND)) is None
    # After the pause one more is not too many.
    guard.note("F", Micros(AT + 3_600 * SECOND), failed=True)
    assert guard.refuses("F", Micros(AT + 3_600 * SECOND)) is None


def test_only_the_latest_trades_of_a_family_count() -> None:
    """What failed long ago does not add up."""
    guard = GhostGuard(GhostLimits(window=4, share=500_000, pause=Duration(SECOND)))
    for _ in range(9):
        for failed in (True, True, False, False):
            guard.note("F", AT, failed=failed)

    assert guard.refuses("F", AT) is None
