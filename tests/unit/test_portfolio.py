"""How a portfolio stands, to the last unit."""

import attrs
import pytest

from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Price, money, price, size
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.portfolio import (
    NO_CAPABILITIES,
    VenueCapabilities,
    average_cost,
    balanced,
    capabilities_of,
    equity_of,
    free,
    mergeable,
    portfolio_of,
)
from tests.fakes.builders import a_fill, a_sale, a_start, an_intended, contracts, fold

HELD = fold(
    [
        a_start(),
        an_intended(),
        a_fill(),
        an_intended("i-2", purpose=Purpose.EXIT),
        a_sale(size=size("3"), cost=money("1.8")),
        an_intended("i-3", leg=Leg.NO),
        a_fill("f-3", intent="i-3", leg=Leg.NO, cost=money("5")),
    ]
)


def marks(market: str, leg: Leg) -> Price | None:
    """Return that YES fetches 0.55 and nobody wants NO."""
    return price("0.55") if leg is Leg.YES else None


def test_a_portfolio_adds_up() -> None:
    """What was made is what was realised and what is open, less fees, and nothing is lost."""
    stands = portfolio_of(HELD, marks)

    assert (money("3.85"), money("8.36")) == (stands.value, stands.basis)
    assert money("-4.51") == stands.unrealised
    assert (money("0.36"), money("0.06"), 0) == (stands.realised, stands.fees, stands.rewards)
    assert stands.equity - stands.deposits == stands.realised + stands.unrealised - stands.fees
    assert (stands.equity, HELD.cash) == (equity_of(HELD, marks), stands.cash)


def test_positions_stand_by_themselves() -> None:
    """With their own average, mark, and fees; without a bid a position is worth nothing."""
    yes, no = portfolio_of(HELD, marks).standings

    assert (price("0.48"), price("0.55"), money("3.85"), money("0.49")) == (
        yes.average,
        yes.bid,
        yes.value,
        yes.unrealised,
    )
    assert (money("0.36"), money("0.04")) == (yes.realised, yes.fees)
    assert (None, 0, money("-5")) == (no.bid, no.value, no.unrealised)


def test_without_a_bid_a_day_opens_at_cost() -> None:
    """Nothing for what nobody wants, but for the opening of a day."""
    assert HELD.cash + money("3.85") == equity_of(HELD, marks)
    assert HELD.cash + money("8.85") == equity_of(HELD, marks, unmarked_at_cost=True)


def test_averages_round_up() -> None:
    """A contract never looks cheaper than it was."""
    (held, _) = HELD.positions.values()

    assert Price(1) == average_cost(attrs.evolve(held, cost=money("0.000000000001")))


@pytest.mark.parametrize("name", ["cash", "fees", "realised", "rewards", "deposits"])
def test_a_missing_unit_is_seen(name: str) -> None:
    """The balance is exact."""
    assert balanced(HELD)
    assert not balanced(attrs.evolve(HELD, **{name: getattr(HELD, name) + 1}))
    assert not balanced(attrs.evolve(HELD, positions={}))


def pairs(state: LaneState) -> list[tuple[str, int]]:
    """Return market and size of all that may be merged."""
    return [(pair.market, pair.size) for pair in mergeable(state)]


def test_pairs_are_what_is_free_of_both_legs() -> None:
    """The live sale of three more leaves four of the seven YES."""
    selling = fold([an_intended("i-5", purpose=Purpose.EXIT, size=size("3"))], state=HELD)

    # Seven of the first sale's ten contracts are still for sale.
    assert [] == pairs(HELD)
    done = attrs.evolve(HELD, orders={})
    assert [("M-1", contracts(7))] == pairs(done)
    assert contracts(-3) == free(selling, "M-1", Leg.YES)
    rest = attrs.evolve(selling, orders={"i-5": selling.orders["i-5"]})
    assert [("M-1", contracts(4))] == pairs(rest)


def test_what_may_be_undone_is_not_merged() -> None:
    """Nor what is held of one leg only."""
    maybe = fold([a_start(), an_intended(), a_fill(provisional=True)])
    hedge = [an_intended("i-3", leg=Leg.NO), a_fill("f-3", intent="i-3", leg=Leg.NO)]

    assert [] == pairs(maybe) == pairs(fold(hedge, state=maybe)) == pairs(fold(hedge))


def test_what_venues_do_with_pairs() -> None:
    """Nothing is claimed of a venue nobody described."""
    assert NO_CAPABILITIES == capabilities_of("nowhere")
    assert capabilities_of("kalshi").nets_yes_no
    assert not capabilities_of("kalshi").merges
    assert capabilities_of("polymarket").merges
    assert capabilities_of("polymarket").pairs_pay
    assert VenueCapabilities(nets_yes_no=True).pairs_pay
    assert not VenueCapabilities(locks_collateral=True).pairs_pay
