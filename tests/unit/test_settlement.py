"""What a market pays at its end, worked by hand, also when it is told too late."""

from typing import Any

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.fees import fee
from market_bot.core.domain.lane import Ended, LaneState
from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg, MarketStatus
from market_bot.core.domain.numbers import Money, Price, cost, money, price, size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.portfolio import balanced
from tests.fakes.builders import (
    Wanting,
    a_book,
    a_fill,
    a_lane,
    a_market,
    a_sale,
    a_signal,
    a_start,
    a_strategy,
    an_intended,
    announced,
    contracts,
    fold,
    lane_settings,
    of_type,
)
from tests.fakes.clock import NOON
from tests.fakes.execution import ScriptedExecution, filled
from tests.fakes.recording_sink import Fact

KALSHI = FeeSchedule(model=FeeModel.KALSHI_QUADRATIC, taker_rate=70_000)
POLYMARKET = FeeSchedule(model=FeeModel.POLYMARKET_CURVE, taker_rate=50_000)

# Ten contracts for 4.80 and two cents of fee, of a hundred dollars, and an order that sells them.
BOUGHT: list[ev.Event] = [a_start(), an_intended(), a_fill()]
SELLING = [*BOUGHT, an_intended("i-2", purpose=Purpose.EXIT)]
UNDONE = ev.FillReversed(intent="i-1", fill="f-1", reason="failed")
UNSOLD = ev.FillReversed(intent="i-2", fill="x-1", reason="failed")
MAYBE = a_fill(provisional=True)


def ended(yes: str, market: str = "M-1") -> ev.MarketResolved:
    """Return the end of a market."""
    return ev.MarketResolved(market=market, event="E-1", family="F-1", yes_payout=price(yes))


def money_of(state: LaneState) -> tuple[Money, Money, Money]:
    """Return cash, realised gain and fees."""
    return state.cash, state.realised, state.fees


@pytest.mark.parametrize(
    ("schedule", "leg", "at", "yes", "expected"),
    [
        # Kalshi: 10 at 0.52 cost 5.20; fee ceil(0.07 * 10 * 0.52 * 0.48, 1e-6) = 0.17472, and the
        # cash that moves, 5.37472, is rounded up to 5.3748. There is no fee at the end.
        (KALSHI, Leg.YES, "0.52", "1", "4.6252"),
        (KALSHI, Leg.YES, "0.52", "0", "-5.3748"),
        (KALSHI, Leg.NO, "0.52", "1", "-5.3748"),
        (KALSHI, Leg.NO, "0.52", "0", "4.6252"),
        # Fair price instead of an outcome: YES gets what was determined, NO the rest.
        (KALSHI, Leg.YES, "0.52", "0.37", "-1.6748"),
        (KALSHI, Leg.NO, "0.52", "0.37", "0.9252"),
        # Polymarket: 10 at 0.40 cost 4.00; fee 10 * 0.05 * 0.4 * 0.6 = 0.12, exact at 1e-5.
        (POLYMARKET, Leg.YES, "0.4", "1", "5.88"),
        (POLYMARKET, Leg.YES, "0.4", "0", "-4.12"),
        (POLYMARKET, Leg.NO, "0.4", "1", "-4.12"),
        (POLYMARKET, Leg.NO, "0.4", "0", "5.88"),
        # Void: half a dollar for either leg.
        (POLYMARKET, Leg.YES, "0.4", "0.5", "0.88"),
        (POLYMARKET, Leg.NO, "0.4", "0.5", "0.88"),
    ],
)
def test_an_end_pays_by_the_venues_rules(
    schedule: FeeSchedule, leg: Leg, at: str, yes: str, expected: str
) -> None:
    """Payout less cost less the fee that was charged at the purchase; nothing is charged later."""
    paid = cost(price(at), contracts(10))
    charged = fee(schedule, price(at), contracts(10), Style.TAKER, selling=False)
    fill = a_fill(leg=leg, price=price(at), cost=paid, fee=charged)
    before = fold([a_start(), an_intended(leg=leg), fill])
    state = fold([ended(yes)], state=before)

    assert money("100") - paid - charged == before.cash
    assert money("100") + money(expected) == state.cash
    assert money(expected) == state.realised - state.fees
    assert balanced(state)


def test_a_pair_is_worth_a_dollar_however_it_ends() -> None:
    """Ten of both legs pay ten dollars, for any payout at all."""
    other = a_fill("f-2", intent="i-2", leg=Leg.NO, cost=money("5"))
    held = fold([*BOUGHT, an_intended("i-2", leg=Leg.NO), other])
    for yes in ("0", "0.000001", "0.333333", "0.5", "1"):
        assert held.cash + money("10") == fold([ended(yes)], state=held).cash


# -- what is told late ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("yes", "cash", "gain"),
    [("1", "105.18", "5.2"), ("0", "95.18", "-4.8"), ("0.5", "100.18", "0.2")],
)
def test_a_purchase_told_late_is_paid_at_once(yes: str, cash: str, gain: str) -> None:
    """It leaves no position that nobody would ever pay."""
    state = fold([a_start(), an_intended(), ended(yes), a_fill()])

    assert (money(cash), money(gain), money("0.02")) == money_of(state)
    assert ({}, 0) == (state.positions, state.anomalies)
    assert balanced(state)


def test_a_sale_told_late_takes_its_payout_back() -> None:
    """Who sold at 0.60 did not get the dollar: 95.18 + 5.98, not 105.18 + 5.98."""
    state = fold([*SELLING, ended("1"), a_sale()])

    assert (money("101.16"), money("1.2"), money("0.04")) == money_of(state)
    assert ({}, 0) == (state.positions, state.anomalies)


def test_part_of_a_position_sold_late_is_paid_in_part() -> None:
    """Four sold for 2.40 less two cents, six paid: 95.18 + 2.38 + 6."""
    sold = a_sale(size=size("4"), cost=money("2.4"))
    state = fold([*SELLING, ended("1"), sold])

    assert money("103.56") == state.cash
    assert money("2.4") + money("6") - money("4.8") == state.realised


def test_a_purchase_undone_late_gives_its_payout_back() -> None:
    """Everything is as if nothing had been bought: no gain of contracts that never were ours."""
    state = fold([a_start(), an_intended(), MAYBE, ended("1"), UNDONE])

    assert (money("100"), 0, 0) == money_of(state)
    assert ({}, 0) == (state.positions, state.anomalies)
    assert (0, 0) == (state.wins, state.losses)


def test_a_sale_undone_late_is_paid() -> None:
    """What was not sold after all was held to the end: ten dollars, no proceeds, no second fee."""
    state = fold([*SELLING, a_sale(provisional=True), ended("1"), UNSOLD])

    assert (money("105.18"), money("5.2"), money("0.02")) == money_of(state)
    assert ({}, 0) == (state.positions, state.anomalies)


def test_late_news_told_twice_counts_once() -> None:
    """Venues repeat themselves, also about what has ended."""
    facts = [a_start(), an_intended(), ended("1"), a_fill()]
    once = fold(facts)

    assert once == fold([a_fill(), ended("1")], state=once)
    undone = fold([a_start(), an_intended(), MAYBE, ended("1"), UNDONE])
    assert undone == fold([UNDONE, MAYBE], state=undone)


def test_pairs_merged_before_the_end_and_told_after_it() -> None:
    """The dollars came from the merge, not from the end: 95.18 - 5.02 + 10, once."""
    other = a_fill("f-2", intent="i-3", leg=Leg.NO, cost=money("5"))
    merged = ev.Merged(
        merge="m-1", market="M-1", event="E-1", family="F-1", size=size("10"), payout=money("10")
    )
    facts = [*BOUGHT, an_intended("i-3", leg=Leg.NO), other]

    assert money("100.16") == fold([*facts, ended("1"), merged]).cash
    assert fold([*facts, merged, ended("1")]).cash == fold([*facts, ended("1"), merged]).cash


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([a_fill(), ended("1")], (1, 0, 0)),
        ([ended("1"), a_fill()], (1, 0, 0)),
        ([ended("0"), a_fill()], (0, 1, 1)),
        # Bought for 4.80, sold late for 6.00 instead of being paid nothing: a gain after all.
        ([a_fill(), ended("0"), a_sale()], (1, 0, 0)),
        ([a_fill(), ended("1"), a_sale(cost=money("1"))], (0, 1, 1)),
        ([a_fill(), ended("1"), a_sale()], (1, 0, 0)),
        ([MAYBE, ended("0"), UNDONE], (0, 0, 0)),
    ],
)
def test_a_result_is_counted_once_and_as_it_turned_out(
    facts: list[ev.Event], expected: tuple[int, int, int]
) -> None:
    """Late news change what was counted; they never count a position twice."""
    opening = [a_start(), an_intended(), an_intended("i-2", purpose=Purpose.EXIT)]
    state = fold([*opening, *facts])

    assert expected == (state.wins, state.losses, state.loss_streak)


def test_a_loss_that_was_lifted_stays_lifted() -> None:
    """News that do not turn a result do not touch the streak a person has reset."""
    lost = fold([*SELLING, ended("0"), ev.Resume(by="p")])
    state = fold([a_sale(size=size("1"), cost=money("0.1"))], state=lost)

    assert (1, 0) == (state.losses, state.loss_streak)


def test_another_payout_replaces_the_first() -> None:
    """A venue that corrects itself has the last word, and it is noted that it did."""
    state = fold([*BOUGHT, ended("1"), ended("0.5")])

    assert money("100.18") == state.cash
    assert 1 == state.anomalies
    assert (state.cash, 1) == (fold([ended("0.5")], state=state).cash, 1)
    assert balanced(state)


# -- what is remembered --------------------------------------------------------------------------


def test_a_market_without_us_is_not_remembered() -> None:
    """Of thousands of ended markets only those are kept in which there was an order."""
    state = fold([*BOUGHT, ended("1", "M-9"), ended("1")])

    assert {"M-1"} == set(state.ended)
    assert Ended(yes_payout=Price(1_000_000)).yes_payout == state.ended["M-1"].yes_payout


def test_as_many_are_remembered_as_may_still_be_told_of() -> None:
    """The oldest go first, but never one with an order that is still known."""
    facts: list[ev.Event] = [a_start("100000")]
    for number in range(600):
        where: dict[str, Any] = {"market": f"M-{number}", "intent": f"i-{number}"}
        facts += [
            an_intended(f"i-{number}", market=f"M-{number}"),
            a_fill(**where),
            ended("1", f"M-{number}"),
        ]
    state = fold(facts)

    assert set(state.ended) == {order.market for order in state.finished.values()}
    assert 256 == len(state.ended)
    assert balanced(state)


# -- the lane ------------------------------------------------------------------------------------


def test_capital_stays_locked_until_the_end_is_told() -> None:
    """A market that closed, or that is only said to be settled, has paid nobody yet."""
    wanting, venue = Wanting(a_signal(size=contracts(10))), ScriptedExecution()
    lane = a_lane(
        lane_settings(a_strategy(wanting)),
        lambda _: venue,
        opening=[announced(a_market()), a_book()],
    )
    lane.start()
    lane.tick()
    wanting.wants = []
    venue.say(filled(venue.submitted[0]))
    lane.tick()
    spent = money("95.2")
    for status in (MarketStatus.CLOSED, MarketStatus.DETERMINED, MarketStatus.SETTLED):
        lane.tick(("status", "M-1", status, NOON))
        assert (spent, spent) == (lane.trader.state.cash, lane.trader.exposure().free_cash)
    told: Fact = ("resolution", "M-1", price("1"), NOON)
    lane.tick(told)

    assert money("105.2") == lane.trader.exposure().free_cash
    assert 1 == len(of_type(lane.journal.events, ev.MarketResolved))
    lane.tick(told)
    assert money("105.2") == lane.trader.state.cash


def test_a_lane_books_what_it_hears_late() -> None:
    """The whole way: order, end of the market, then the venue tells of the trade."""
    wanting, venue = Wanting(a_signal(size=contracts(10))), ScriptedExecution()
    lane = a_lane(
        lane_settings(a_strategy(wanting)),
        lambda _: venue,
        opening=[announced(a_market()), a_book()],
    )
    lane.start()
    lane.tick()
    lane.tick(("resolution", "M-1", price("1"), NOON))
    venue.say(filled(venue.submitted[0]))
    lane.tick()

    assert money("105.2") == lane.trader.state.cash
    assert ({}, 0) == (lane.trader.state.positions, lane.trader.state.anomalies)
