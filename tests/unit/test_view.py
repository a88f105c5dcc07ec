"""The frozen picture of an event."""

import pytest

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import SECOND, Duration, Micros, Size, price
from market_bot.core.domain.view import View, view_of
from market_bot.core.domain.world import World
from tests.fakes.builders import a_book, a_market, announced, cents, contracts
from tests.fakes.clock import NOON
from tests.fakes.recording_sink import tell

CLOSE = Micros(NOON + 60 * SECOND)


def a_view(world: World) -> View:
    """Return the picture of the event ten seconds after noon."""
    return view_of(world, "E-1", Micros(NOON + 10 * SECOND))


def a_world() -> World:
    """Return two markets of an event, one without a book, and one of another event."""
    world = World()
    tell(
        [
            announced(a_market(close_at=CLOSE)),
            announced(a_market("M-2")),
            announced(a_market("M-3", event="E-2")),
            a_book(bids={"0.48": "3"}, asks={"0.53": "4"}),
            ("reference", "BTC-USD", "1", NOON, None),
        ],
        world,
    )
    return world


def test_an_events_own_markets_are_shown() -> None:
    """Others are not, and one without a book is shown as not tradable."""
    view = a_view(a_world())

    assert [("M-1", True), ("M-2", False)] == [(m.market.id, m.tradable) for m in view.markets]
    assert "F-1" == view.family
    assert {"BTC-USD": "1"} == view.references


def test_prices_by_leg() -> None:
    """Each leg has its own prices, and the two mids add up to a dollar."""
    seen = a_view(a_world()).markets[0]

    assert (cents(53), cents(52)) == (seen.buy_price(Leg.YES), seen.buy_price(Leg.NO))
    assert (cents(48), cents(47)) == (seen.sell_price(Leg.YES), seen.sell_price(Leg.NO))
    assert (price("0.505"), price("0.495")) == (seen.mid(Leg.YES), seen.mid(Leg.NO))
    assert (contracts(4), contracts(3)) == (seen.depth(Leg.YES), seen.depth(Leg.NO))
    assert cents(5) == seen.spread()
    assert Duration(10 * SECOND) == seen.book_age


@pytest.mark.parametrize("side", ["bids", "asks"])
def test_what_nobody_quotes_is_none(side: str) -> None:
    """Without one side there is no mid and no spread; missing is not zero."""
    world = a_world()
    tell([a_book(**{side: {}})], world)  # type: ignore[arg-type]  # the side is a parameter here
    seen = a_view(world).markets[0]

    assert None is seen.spread() is seen.mid(Leg.YES) is seen.mid(Leg.NO)
    if side == "bids":
        assert None is seen.bid is seen.sell_price(Leg.YES) is seen.buy_price(Leg.NO)
        assert Size(0) == seen.bid_size == seen.depth(Leg.NO)
    else:
        assert None is seen.ask is seen.buy_price(Leg.YES) is seen.sell_price(Leg.NO)
        assert Size(0) == seen.ask_size == seen.depth(Leg.YES)


def test_time_to_close() -> None:
    """It is known where the venue announced it."""
    view = a_view(a_world())

    assert Duration(50 * SECOND) == view.closes_in(view.markets[0].market)
    assert view.closes_in(view.markets[1].market) is None


def test_views_share_what_did_not_change() -> None:
    """Trades and midpoints are the same tuple until there is a new one, also when all are full."""
    world = a_world()
    trade = ("trade", "M-1", Side.BID, cents(53), contracts(1), NOON, None)
    tell([trade] * 40, world)
    first, second = a_view(world).markets[0], a_view(world).markets[0]
    tell([trade], world)
    third = a_view(world).markets[0]

    assert first.prints is second.prints
    assert first.mids is second.mids is third.mids
    assert third.prints is not first.prints
    assert tuple(world.seen["M-1"].prints) == third.prints


def test_a_view_stays_as_it_was() -> None:
    """What happens afterwards does not show in it."""
    world = a_world()
    view = a_view(world)
    tell(
        [
            a_book(bids={}, asks={}),
            ("reference", "BTC-USD", "2", NOON, None),
            ("trade", "M-1", Side.BID, cents(53), contracts(1), NOON, None),
        ],
        world,
    )
    a_view(world)

    assert cents(48) == view.markets[0].bid
    assert () == view.markets[0].prints
    assert 1 == len(view.markets[0].mids)
    assert {"BTC-USD": "1"} == view.references


def test_an_event_may_have_lost_its_markets() -> None:
    """An event whose markets moved away is none any more."""
    world = a_world()
    tell([announced(a_market("M-3", event="E-9"))], world)

    assert "E-2" not in world.events
