"""Whole events bought for less than they must pay, and what becomes of half-bought ones."""

from typing import Any

import attrs
import pytest

from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Micros,
    Price,
    Size,
    price,
    probability,
    size,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.strategies.event_arb import Params, bundles, decide
from market_bot.core.domain.view import Holdings, MarketView
from tests.fakes.builders import cents, contracts
from tests.fakes.clock import NOON
from tests.fakes.situations import a_position, a_seen, a_view, an_own_order, holding

NAME = "event_arb"
KALSHI = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=0)
NO_HOLDINGS = holding()


def event(*quotes: tuple[int, int], **terms: Any) -> list[MarketView]:
    """Return markets at most one of which ends YES, by bid and ask in cents."""
    rules = {"at_most_one": True} | terms
    return [a_seen(f"M-{i}", bid, ask, **rules) for i, (bid, ask) in enumerate(quotes, start=1)]


# The bids add up to 1.06: NO costs 0.58 + 0.66 + 0.70 = 1.94, and two of the three pay.
RICH = event((42, 44), (34, 36), (30, 32))
# The asks add up to 0.94.
POOR = event((40, 42), (30, 32), (18, 20), at_most_one=False, exhaustive=True)
FAIR = event((40, 42), (32, 34), (24, 26), exhaustive=True)


def wishes(
    markets: list[MarketView],
    holdings: Holdings = NO_HOLDINGS,
    at: Micros = NOON,
    **params: Any,
) -> list[Signal]:
    """Return what the strategy wants of an event."""
    return list(decide(a_view(*markets, at=at), attrs.evolve(Params(), **params), holdings))


def bought(signals: list[Signal]) -> list[tuple[str, Leg, Price, Size | None]]:
    """Return market, leg, price and size of each wish, all of them takers' purchases."""
    assert {(Purpose.ENTRY, Style.TAKER)} >= {(s.purpose, s.style) for s in signals}
    return [(s.market, s.leg, s.price, s.size) for s in signals]


def test_no_on_every_outcome() -> None:
    """Three NO for 1.94 pay two dollars at least, so all three are taken, in one size."""
    signals = wishes(RICH)

    assert [
        ("M-1", Leg.NO, cents(58), contracts(20)),
        ("M-2", Leg.NO, cents(66), contracts(20)),
        ("M-3", Leg.NO, cents(70), contracts(20)),
    ] == bought(signals)
    assert {"no_set"} == {s.reason for s in signals}
    assert {Duration(5 * SECOND)} == {s.patience for s in signals}


def test_the_edges_of_the_legs_add_up() -> None:
    """Beliefs are prices made consistent, so that the legs together expect the six cents."""
    signals = wishes(RICH)

    assert abs(sum(s.edge for s in signals) - price("0.06")) <= 3
    assert [price("0.603774"), price("0.679246"), price("0.716982")] == pytest.approx(
        [s.belief for s in signals], abs=1
    )


def test_yes_on_every_outcome() -> None:
    """Where it is proven that one must win, three YES for 0.94 pay a dollar."""
    assert [
        ("M-1", Leg.YES, cents(42), contracts(20)),
        ("M-2", Leg.YES, cents(32), contracts(20)),
        ("M-3", Leg.YES, cents(20), contracts(20)),
    ] == bought(wishes(POOR))


@pytest.mark.parametrize(
    "markets",
    [
        event((42, 44), (34, 36), (30, 32), at_most_one=False),
        [*RICH[:2], a_seen("M-3", 30, 32)],
        event((40, 42), (30, 32), (18, 20)),
        [*POOR[:2], a_seen("M-3", 18, 20)],
        FAIR,
        RICH[:1],
        event((98, 99), exhaustive=True),
        [*RICH[:2], attrs.evolve(RICH[2], tradable=False)],
        [*RICH[:2], attrs.evolve(RICH[2], bid=None, bid_size=Size(0))],
        [*RICH[:2], attrs.evolve(RICH[2], bid=price("0.305"))],
        [],
    ],
)
def test_what_proves_nothing_is_left_alone(markets: list[MarketView]) -> None:
    """Each market has to say so; one leg that cannot be bought spoils the set."""
    assert [] == wishes(markets)


@pytest.mark.parametrize(("edge", "count"), [("0.06", 3), ("0.060001", 0)])
def test_the_edge_may_just_be_enough(edge: str, count: int) -> None:
    """The least edge is enough, one millionth more is not."""
    assert count == len(wishes(RICH, min_edge=price(edge)))


def test_fees_count() -> None:
    """At Kalshi's rate the three legs cost 0.0475 in fees, which leaves 1.25 cents of six."""
    markets = event((42, 44), (34, 36), (30, 32), fees=KALSHI)
    fees = sum(0.07 * p * (1 - p) for p in (0.42, 0.34, 0.30))

    assert 0.04746 == pytest.approx(fees)
    assert 3 == len(wishes(markets, min_edge=price("0.0125")))
    assert [] == wishes(markets, min_edge=price("0.0126"))


@pytest.mark.parametrize(
    ("depths", "most", "expected"),
    [((9, 7, 30), 20, "7"), ((9, 7, 30), 5, "5"), ((0, 7, 9), 5, "")],
)
def test_one_size_for_all(depths: tuple[int, ...], most: int, expected: str) -> None:
    """The thinnest leg decides, within the cap; buying NO takes from the bids."""
    markets = [
        attrs.evolve(seen, bid_size=contracts(n), ask_size=contracts(999))
        for seen, n in zip(RICH, depths, strict=True)
    ]
    sizes = {s.size for s in wishes(markets, max_contracts=most)}

    assert ({size(expected)} if expected else set()) == sizes


def test_the_size_is_tradable_everywhere() -> None:
    """Steps of two and of three leave six of the eight that are shown."""
    steps = [contracts(2), contracts(3), contracts(1)]
    markets = [
        attrs.evolve(seen, market=attrs.evolve(seen.market, size_step=step), bid_size=contracts(8))
        for seen, step in zip(RICH, steps, strict=True)
    ]

    assert {contracts(6)} == {s.size for s in wishes(markets)}


def test_steps_that_never_agree() -> None:
    """A step of a third of what is shown and one of a little less: no size fits both."""
    steps = [contracts(1), Size(999_999), contracts(1)]
    markets = [
        attrs.evolve(
            seen,
            market=attrs.evolve(seen.market, size_step=step, min_size=Size(1)),
            bid_size=contracts(1000),
        )
        for seen, step in zip(RICH, steps, strict=True)
    ]

    assert [] == wishes(markets, max_contracts=1000)


def test_a_leg_is_completed_without_knowing_the_others() -> None:
    """Where another leg has no bid at the moment, a leg's own price is believed."""
    markets = [attrs.evolve(RICH[0], bid=None), *RICH[1:]]
    (signal,) = wishes(markets, holding(no("M-1", 9, "4"), no("M-2", 9, "5.94")))

    assert ("M-3", cents(70), probability("0.7")) == (signal.market, signal.price, signal.belief)


def no(market: str, size: int, cost: str, age: int = 0) -> Any:
    """Return NO contracts held for so many seconds."""
    opened = Micros(NOON - age * SECOND)
    return a_position(NAME, market, Leg.NO, size, cost, opened_at=opened)


def test_a_complete_set_is_held() -> None:
    """Nothing is sold, and no more is bought than the cap allows."""
    whole = holding(no("M-1", 20, "11.6"), no("M-2", 20, "13.2"), no("M-3", 20, "14"))
    part = holding(no("M-1", 5, "2.9"), no("M-2", 5, "3.3"), no("M-3", 5, "3.5"))

    assert [] == wishes(RICH, whole, at=Micros(NOON + 3600 * SECOND))
    assert [] == wishes(FAIR, part, at=Micros(NOON + 3600 * SECOND))
    assert {contracts(15)} == {s.size for s in wishes(RICH, part)}


def test_missing_legs_are_bought() -> None:
    """While the set still pays with what was paid, the difference is bought."""
    held = holding(no("M-1", 10, "5.8"), no("M-2", 4, "2.64"))
    signals = wishes(RICH, held)

    assert [
        ("M-2", Leg.NO, cents(66), contracts(6)),
        ("M-3", Leg.NO, cents(70), contracts(10)),
    ] == bought(signals)
    assert {"no_set_completed"} == {s.reason for s in signals}


@pytest.mark.parametrize(("paid", "count"), [("6.4", 2), ("6.41", 0)])
def test_what_was_paid_counts(paid: str, count: int) -> None:
    """Ten at 0.64 and the others for 1.36 are exactly two dollars: just not a loss."""
    assert count == len(wishes(RICH, holding(no("M-1", 10, paid))))


def test_the_fee_that_was_paid_counts() -> None:
    """It is taken as the fee of the average price, since positions do not keep it."""
    markets = event((42, 44), (34, 36), (30, 32), fees=KALSHI)
    rest = 0.66 + 0.70 + 0.07 * (0.34 * 0.66 + 0.30 * 0.70)
    most = next(p for p in range(70, 0, -1) if p / 100 + 0.0007 * p * (1 - p / 100) + rest <= 2)

    assert 59 == most
    assert 2 == len(wishes(markets, holding(no("M-1", 10, "5.9"))))
    assert [] == wishes(markets, holding(no("M-1", 10, "6")))


def test_orphans_are_sold_after_a_while() -> None:
    """A set that would now lose is undone: the surplus over complete sets goes to the bid."""
    held = [no("M-1", 10, "7", 60), no("M-2", 4, "2.8", 60), no("M-3", 4, "3", 60)]
    (signal,) = wishes(RICH, holding(*held))

    assert ("M-1", Leg.NO, Purpose.EXIT, Style.TAKER) == (
        signal.market,
        signal.leg,
        signal.purpose,
        signal.style,
    )
    assert (cents(56), contracts(6), "orphan_leg") == (signal.price, signal.size, signal.reason)
    assert [] == wishes(RICH, holding(*held), orphan_seconds=61)


def test_legs_under_way_are_waited_for() -> None:
    """While an own order lives nobody knows what is missing."""
    held = holding(no("M-1", 10, "5.8"), orders=[an_own_order(NAME)])
    others = holding(no("M-1", 10, "5.8"), orders=[an_own_order("other")])

    assert [] == wishes(RICH, held)
    assert 2 == len(wishes(RICH, others))


def test_a_leg_that_may_have_been_paid_out_is_not_missing() -> None:
    """A market that no longer trades may have resolved: the rest of its set is held."""
    markets = [*RICH[:2], attrs.evolve(RICH[2], tradable=False)]
    held = holding(no("M-1", 10, "5.8", 3600), no("M-2", 10, "6.6", 3600))

    assert [] == wishes(markets, held)


def test_a_rest_that_cannot_be_bought_is_an_orphan() -> None:
    """Half a contract is below every order: the set cannot be completed."""
    odd = attrs.evolve(no("M-1", 10, "5.8", 60), size=size("10.5"))
    held = holding(odd, no("M-2", 10, "6.6", 60), no("M-3", 10, "7", 60))
    (signal,) = wishes(RICH, held)

    assert (Purpose.EXIT, size("0.5")) == (signal.purpose, signal.size)


@pytest.mark.parametrize(
    "markets",
    [
        event((42, 44), (34, 36), (30, 32), at_most_one=False),
        [*RICH[:2], attrs.evolve(RICH[2], bid=None)],
    ],
)
def test_what_cannot_be_completed_is_sold(markets: list[MarketView]) -> None:
    """Without the proof, or without an offer, only leaving is left."""
    (signal,) = wishes(markets, holding(no("M-1", 10, "5.8", 60)))

    assert (Purpose.EXIT, contracts(10)) == (signal.purpose, signal.size)


def test_without_a_bid_an_orphan_waits() -> None:
    """Nobody to sell to is no reason to fail."""
    markets = [attrs.evolve(RICH[0], ask=None, tradable=True), *event((34, 36), (30, 32))[:2]]
    markets[1] = attrs.evolve(markets[1], market=RICH[1].market, bid=None)
    markets[2] = attrs.evolve(markets[2], market=RICH[2].market)

    assert [] == wishes(markets, holding(no("M-1", 10, "5.8", 60)))


@pytest.mark.parametrize(
    "held",
    [a_position("other", "M-1", Leg.NO), a_position("other"), a_position(NAME, "M-9", Leg.NO)],
)
def test_anothers_event_is_left_alone(held: Any) -> None:
    """What another strategy holds, or what is held out of sight, is none of its business."""
    assert [] == wishes(RICH, holding(held))


def test_bundles() -> None:
    """An event may prove both; each pays what it must."""
    made = {bundle.leg: bundle.payout for bundle in bundles(a_view(*FAIR))}

    assert {Leg.NO: price("2"), Leg.YES: price("1")} == made
