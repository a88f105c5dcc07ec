"""What every order desk keeps that can be tried without a real venue; a new one joins `DESKS`."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.adapters.simulated.sim_settings import BEGINS, SimSettings
from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.core.domain.fees import fee
from market_bot.core.domain.market import Leg, MarketStatus
from market_bot.core.domain.numbers import SECOND, Micros, Price, Size, cost
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.domain.world import Seen, World
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Execution,
    Fact,
    Filled,
    Rejected,
)
from tests.fakes.builders import a_draft, a_signal, an_intent

TEN = Size(10_000_000)


@attrs.define(eq=False)
class Desk:
    """An order desk with its market, at one moment."""

    execution: Execution
    venue: SimulatedVenue
    world: World = attrs.field(factory=World)
    now: Micros = BEGINS

    def pass_time(self, seconds: int) -> None:
        """Let so many seconds pass."""
        self.now = Micros(self.now + seconds * SECOND)
        self.venue.drain(self.world, self.now)

    def market(self) -> Seen:
        """Return a market that is quoted on both sides with room in between its price and zero."""
        for seen in self.world.seen.values():
            middle = seen.book.mid()
            if middle is not None and 200_000 < middle < 800_000 and len(seen.book.bids) > 1:
                return seen
        raise AssertionError

    def intent(self, seen: Seen, style: Style, price: Price, name: str = "i-1") -> Intent:
        """Return the intent to buy ten YES within a minute."""
        signal = a_signal(
            market=seen.market.id,
            leg=Leg.YES,
            purpose=Purpose.ENTRY,
            style=style,
            price=price,
        )
        draft = a_draft(signal, size=TEN, event=seen.market.event)
        return an_intent(name, draft, expires_at=Micros(self.now + 60 * SECOND))

    def told(self) -> list[Fact]:
        """Return what the desk tells now."""
        return list(self.execution.collect(self.now))


def _venue() -> SimulatedVenue:
    # Nobody but us does anything, so that the books stand still.
    return SimulatedVenue(3, settings=SimSettings(markets=40, rate=0.0))


def _paper() -> Desk:
    venue, world = _venue(), World()
    return Desk(PaperExecution(world, venue.capabilities), venue, world)


def _simulated() -> Desk:
    venue = _venue()
    return Desk(venue, venue)


DESKS: dict[str, Callable[[], Desk]] = {"paper": _paper, "simulated venue": _simulated}


@pytest.fixture(params=DESKS)
def desk(request: pytest.FixtureRequest) -> Desk:
    """Return a desk whose markets have just opened."""
    made = DESKS[request.param]()
    made.pass_time(0)
    return made


def test_a_taker_gets_what_is_displayed(desk: Desk) -> None:
    """Takers trade at displayed prices, never beyond their limit, at the core's fee."""
    seen = desk.market()
    shown = dict(seen.book.asks)
    best = min(shown)

    outcome = desk.execution.submit(desk.intent(seen, Style.TAKER, best), desk.now)
    fills = [fact for fact in desk.told() if isinstance(fact, Filled)]

    assert isinstance(outcome, Accepted)
    assert sum(fill.size for fill in fills) == min(TEN, shown[best])
    for fill in fills:
        assert (best, cost(best, fill.size)) == (fill.price, fill.cost)
        charged = fee(seen.market.fees, best, fill.size, Style.TAKER, selling=False)
        assert charged == fill.fee
        assert fill.liquidity is Style.TAKER


def test_a_taker_never_waits(desk: Desk) -> None:
    """What is not displayed within the limit is cancelled at once."""
    seen = desk.market()
    below = Price(min(seen.book.asks) - 10_000)

    desk.execution.submit(desk.intent(seen, Style.TAKER, below), desk.now)

    assert [Cancelled("i-1", "nothing_more_displayed")] == desk.told()


def test_a_maker_does_not_take(desk: Desk) -> None:
    """A resting order that would trade at once is refused, and nothing trades."""
    seen = desk.market()

    outcome = desk.execution.submit(desk.intent(seen, Style.MAKER, min(seen.book.asks)), desk.now)

    assert isinstance(outcome, Rejected)
    assert [] == desk.told()


def test_a_maker_waits_behind_what_is_there(desk: Desk) -> None:
    """A resting order is told what is displayed in front of it, and can be cancelled."""
    seen = desk.market()
    best = max(seen.book.bids)
    ahead = seen.book.bids[best]

    outcome = desk.execution.submit(desk.intent(seen, Style.MAKER, best), desk.now)
    desk.execution.cancel("i-1", desk.now)

    assert isinstance(outcome, Accepted)
    assert ahead == outcome.queue_ahead
    assert [Cancelled("i-1", "cancelled")] == desk.told()
    assert [] == desk.told()


def test_an_order_expires(desk: Desk) -> None:
    """After its time a resting order is cancelled without being asked."""
    seen = desk.market()
    desk.execution.submit(desk.intent(seen, Style.MAKER, max(seen.book.bids)), desk.now)
    desk.pass_time(61)

    assert [Cancelled("i-1", "expired")] == desk.told()


def test_a_closed_market_takes_no_orders(desk: Desk) -> None:
    """Once a market has closed its orders are gone and new ones are refused."""
    seen = desk.market()
    price = max(seen.book.bids)
    kept = attrs.evolve(
        desk.intent(seen, Style.MAKER, price), expires_at=Micros(BEGINS + 10**9 * SECOND)
    )
    desk.execution.submit(kept, desk.now)
    assert seen.market.close_at is not None
    desk.pass_time((seen.market.close_at - desk.now) // SECOND)

    assert seen.status is MarketStatus.CLOSED
    assert [Cancelled("i-1", "market_closed")] == desk.told()
    late = desk.intent(seen, Style.MAKER, price, "i-2")
    assert isinstance(desk.execution.submit(late, desk.now), Rejected)


def test_cancelling_what_is_not_there_says_nothing(desk: Desk) -> None:
    """An order the desk never had cannot be cancelled and causes no news."""
    desk.execution.cancel("nobody", desk.now)

    assert [] == desk.told()
