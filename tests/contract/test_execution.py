"""What every order desk keeps that can be tried without a real venue; a new one joins `DESKS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import attrs
import pytest

from market_bot.adapters.kalshi.desk import KalshiDesk
from market_bot.adapters.kalshi.polled import KalshiPolled
from market_bot.adapters.polymarket.desk import PolymarketDesk
from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.adapters.simulated.sim_settings import BEGINS, Rules, SimSettings
from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.core.domain.fees import fee
from market_bot.core.domain.market import Leg, MarketStatus
from market_bot.core.domain.numbers import ONE_DOLLAR, SECOND, Micros, Price, Size, cost
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.domain.world import Seen, World
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Execution,
    Fact,
    Filled,
    Merged,
    Rejected,
)
from market_bot.core.ports.market_data import MarketData
from tests.fakes.builders import a_book, a_draft, a_signal, an_intent, announced
from tests.fakes.fake_kalshi_rig import Rig
from tests.fakes.fake_polymarket_records import a_market as a_polymarket_market
from tests.fakes.fake_polymarket_rig import MARKET, PolymarketRig
from tests.fakes.fake_polymarket_rig import YES as YES_TOKEN
from tests.fakes.kalshi_client import a_client
from tests.fakes.kalshi_records import TICKER
from tests.fakes.market_data import ScriptedMarketData

TEN = Size(10_000_000)


@attrs.define(eq=False)
class Desk:
    """An order desk with its market, at one moment."""

    execution: Execution
    venue: MarketData
    world: World = attrs.field(factory=World)
    now: Micros = BEGINS
    moved: Callable[[Micros], object] = attrs.field(default=lambda _: None)

    def pass_time(self, seconds: int) -> None:
        """Let so many seconds pass."""
        self.now = Micros(self.now + seconds * SECOND)
        self.moved(self.now)
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


def _venue(rules: Rules = Rules.KALSHI) -> SimulatedVenue:
    # Nobody but us does anything, so that the books stand still.
    return SimulatedVenue(3, settings=SimSettings(markets=40, rate=0.0, rules=rules))


def _paper(_: ExitStack) -> Desk:
    venue, world = _venue(), World()
    return Desk(PaperExecution(world, venue.capabilities), venue, world)


def _simulated(_: ExitStack, rules: Rules = Rules.KALSHI) -> Desk:
    venue = _venue(rules)
    return Desk(venue, venue)


def _kalshi(stack: ExitStack) -> Desk:
    rig = stack.enter_context(Rig())
    for bid, ask in (("0.39", "0.47"), ("0.41", "0.45")):
        rig.engine.crowd(TICKER, "bid", bid, "7.00")
        rig.engine.crowd(TICKER, "ask", ask, "7.00")
    client = a_client(rig.clock, url=rig.venue.url)
    stack.callback(client.close)
    source = KalshiPolled(client, rig.clock)
    source.watch(list(rig.listings.values()))

    def move(now: Micros) -> None:
        rig.clock.at = now

    return Desk(rig.desk, source, now=rig.now, moved=move)


def _polymarket(_: ExitStack) -> Desk:
    rig = PolymarketRig([a_polymarket_market(1, endDate="2026-10-21T12:00:00Z")])
    for bid, ask in (("0.39", "0.47"), ("0.41", "0.45")):
        rig.engine.crowd(YES_TOKEN, "BUY", bid, "7")
        rig.engine.crowd(YES_TOKEN, "SELL", ask, "7")
    source = ScriptedMarketData()
    market = rig.listings[MARKET].market
    shown = a_book(MARKET, {"0.39": "7", "0.41": "7"}, {"0.45": "7", "0.47": "7"}, at=rig.now)
    source.then(announced(market, rig.now), shown)

    def move(now: Micros) -> None:
        rig.pass_by((now - rig.now) / SECOND)
        closes = market.close_at
        if closes is not None and now >= closes:
            rig.engine.close(MARKET)
            source.then(("status", MARKET, MarketStatus.CLOSED, now))

    return Desk(rig.desk, source, now=rig.now, moved=move)


DESKS: dict[str, Callable[[ExitStack], Desk]] = {
    "paper": _paper,
    **{f"simulated {rules.value}": partial(_simulated, rules=rules) for rules in Rules},
    "kalshi": _kalshi,
    "polymarket": _polymarket,
}


@pytest.fixture(params=DESKS)
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """Return a desk whose markets have just opened."""
    with ExitStack() as stack:
        made = DESKS[request.param](stack)
        made.pass_time(0)
        yield made


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
    # A real venue does not say where in the queue an order is; nothing is better than a guess.
    told = None if isinstance(desk.execution, KalshiDesk | PolymarketDesk) else ahead
    assert told == outcome.queue_ahead
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


@pytest.mark.parametrize("rules", Rules)
def test_pairs_are_paid_where_the_desk_says_so(rules: Rules) -> None:
    """A desk that merges pays a dollar a pair under the name it was asked by; others cannot."""
    desk = _simulated(ExitStack(), rules)
    desk.pass_time(0)
    seen = desk.market()
    for name, leg in (("i-1", Leg.YES), ("i-2", Leg.NO)):
        wanted = desk.intent(seen, Style.TAKER, Price(990_000), name)
        signal = attrs.evolve(wanted.draft.signal, leg=leg)
        draft = attrs.evolve(wanted.draft, signal=signal)
        desk.execution.submit(attrs.evolve(wanted, draft=draft), desk.now)
    desk.pass_time(10)
    told = desk.told()
    if desk.execution.abilities.merges:
        desk.execution.merge("m-1", seen.market.id, TEN, desk.now)
        told += desk.told()
    merged = [fact for fact in told if isinstance(fact, Merged)]

    assert desk.execution.abilities.pairs_pay == bool(merged)
    for fact in merged:
        assert (seen.market.id, TEN, cost(ONE_DOLLAR, TEN)) == (fact.market, fact.size, fact.payout)
        assert not desk.execution.abilities.merges or fact.intent == "m-1"


def test_cancelling_what_is_not_there_says_nothing(desk: Desk) -> None:
    """An order the desk never had cannot be cancelled and causes no news."""
    desk.execution.cancel("nobody", desk.now)

    assert [] == desk.told()
