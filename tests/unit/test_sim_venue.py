"""The simulated venue as a source of facts: the same from the same seed, and sound throughout."""

from __future__ import annotations

from collections import Counter

import attrs
import pytest

from market_bot.adapters.simulated.sim_families import FAMILIES
from market_bot.adapters.simulated.sim_settings import (
    BEGINS,
    MINUTE,
    NO_FAULTS,
    PRESETS,
    ROUGH,
    Crowd,
    Faults,
    Rules,
    SimSettings,
)
from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import FeeModel, Market, MarketStatus
from market_bot.core.domain.numbers import HOUR, ONE_DOLLAR, SECOND, Duration, Micros, Price, Size
from market_bot.core.domain.world import World
from tests.fakes.fact_sink import FactSink
from tests.fakes.recording_sink import Fact, RecordingSink

SMALL = SimSettings(markets=30, hurry=24)
HOURS = 1.5


def at(seconds: float) -> Micros:
    """Return a moment of the world."""
    return Micros(BEGINS + round(seconds * SECOND))


class Auditor(FactSink):
    """A sink that checks each fact against the book as told so far."""

    def __init__(self) -> None:
        super().__init__(keep=False)
        self.strange: list[str] = []
        self.closed: set[str] = set()
        self.statuses: Counter[str] = Counter()
        self.payouts: dict[str, Price] = {}

    def status(self, market: str, status: MarketStatus, received: Micros) -> None:
        self.statuses[status.value] += 1
        if market:
            super().status(market, status, received)
        if status is not MarketStatus.OPEN:
            self.closed.add(market)
        else:
            self.closed.discard(market)

    def trade(
        self,
        market: str,
        taker: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        book = self.books[market]
        shown = (book.asks if taker is Side.BID else book.bids).get(price, 0)
        best = book.best_ask if taker is Side.BID else book.best_bid
        if not 0 < size <= shown or price != best or market in self.closed or "" in self.closed:
            self.strange.append(f"{market} {taker} {price} {size} of {shown} at {best}")
        super().trade(market, taker, price, size, received, exchange)

    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        if not self.markets[market].on_grid(price):
            self.strange.append(f"{market}: {price} is off the grid")
        super().delta(market, side, price, size, received, exchange)

    def resolution(self, market: str, yes_payout: Price, received: Micros) -> None:
        super().resolution(market, yes_payout, received)
        self.payouts[market] = yes_payout


def facts_of(settings: SimSettings, stops: list[float], seed: int = 1) -> tuple[list[Fact], str]:
    """Return everything a world says until the last stop, and the position there."""
    venue, sink, position = SimulatedVenue(seed, settings=settings), RecordingSink(), ""
    for stop in stops:
        position = venue.drain(sink, at(stop))
    return sink.facts, position


def audited(settings: SimSettings, seconds: float, seed: int = 1) -> tuple[SimulatedVenue, Auditor]:
    """Return a world after some time and who watched it."""
    venue, sink = SimulatedVenue(seed, settings=settings), Auditor()
    venue.drain(sink, at(seconds))
    return venue, sink


@pytest.mark.parametrize("faults", [NO_FAULTS, ROUGH], ids=["calm", "rough"])
def test_how_time_is_cut_changes_nothing(faults: Faults) -> None:
    """Any drains up to a moment tell the same facts and end in the same position."""
    often = Duration(10 * MINUTE if faults.outage_every else 0)
    settings = attrs.evolve(SMALL, faults=attrs.evolve(faults, outage_every=often))
    once = facts_of(settings, [1800])

    assert once == facts_of(settings, [0, 0.5, 1, 1, 2.25, 600, 1799.999, 1800])
    assert once == facts_of(settings, [float(second) for second in range(0, 1801, 7)] + [1800])


def test_the_seed_makes_the_world() -> None:
    """The same seed gives the same world, another seed another one."""
    assert facts_of(SMALL, [60], seed=5) == facts_of(SMALL, [60], seed=5)
    assert facts_of(SMALL, [60], seed=5) != facts_of(SMALL, [60], seed=6)


@pytest.mark.parametrize("rules", Rules)
def test_what_is_told_is_sound(rules: Rules) -> None:
    """Books never cross, prices are on the grid, prints are at the best displayed price."""
    _, sink = audited(attrs.evolve(SMALL, rules=rules), HOURS * 3600)

    assert [] == sink.strange
    assert sink.crossed == 0
    assert sink.kinds["trade"] > 100
    assert sink.kinds["resolution"] > 20


def test_outages_stop_everything() -> None:
    """While the venue is down nothing trades; afterwards it goes on."""
    faults = Faults(outage_every=Duration(HOUR // 4), gap_every=Duration(HOUR // 2))
    venue, sink = audited(attrs.evolve(SMALL, faults=faults), HOURS * 3600)

    assert [] == sink.strange
    assert venue.struck["outage"] >= 2
    assert venue.struck["gap"] == sink.kinds["gap"] > 0


@pytest.mark.parametrize("rules", Rules)
def test_one_market_of_an_event_at_most_pays(rules: Rules) -> None:
    """Payouts keep what the terms promise, and the venue remembers them."""
    venue, sink = audited(attrs.evolve(SMALL, rules=rules), HOURS * 3600)
    by_event: dict[str, list[Market]] = {}
    for market in sink.markets.values():
        by_event.setdefault(market.event, []).append(market)
    checked = 0
    for markets in by_event.values():
        if any(market.id not in sink.payouts for market in markets):
            continue
        won = sum(sink.payouts[market.id] == ONE_DOLLAR for market in markets)
        checked += markets[0].at_most_one
        assert not markets[0].at_most_one or won <= 1
        assert not markets[0].exhaustive or won == 1

    assert checked > 10
    assert all(venue.outcome(market) == paid for market, paid in sink.payouts.items())
    assert venue.outcome("nobody") is None


@pytest.mark.parametrize("rules", Rules)
def test_an_annulled_event_pays_by_the_rules(rules: Rules) -> None:
    """Polymarket pays one half, Kalshi the last price; both are counted."""
    settings = attrs.evolve(SMALL, rules=rules, faults=Faults(void=1.0))
    venue, sink = audited(settings, HOURS * 3600)
    paid = set(sink.payouts.values())

    assert venue.struck["void"] > 0
    if rules is Rules.POLYMARKET:
        assert {ONE_DOLLAR // 2} == paid
    else:
        assert len(paid) > 3
        assert paid.isdisjoint({0, ONE_DOLLAR})


def test_a_market_has_a_life() -> None:
    """Markets open, close, are determined and pay, in this order and when they said."""
    sink = RecordingSink()
    SimulatedVenue(2, settings=SMALL).drain(sink, at(3600))
    lives: dict[str, list[str]] = {}
    closes: dict[str, Micros | None] = {}
    for fact in sink.facts:
        if fact[0] == "meta":
            closes[fact[1].id] = fact[1].close_at
        elif fact[0] == "status":
            lives.setdefault(fact[1], []).append(fact[2].value)
            if fact[2] is MarketStatus.CLOSED:
                assert closes[fact[1]] == fact[3]
        elif fact[0] == "resolution":
            lives[fact[1]].append("paid")
    ended = [life for life in lives.values() if life[-1] == "paid"]

    assert len(ended) > 10
    assert all(life == ["open", "closed", "determined", "paid"] for life in ended)


def test_new_events_keep_coming() -> None:
    """The number of open markets stays about what was asked for."""
    venue, world = SimulatedVenue(3, settings=SMALL), World()
    for hour in range(1, 4):
        venue.drain(world, at(hour * 3600))
        open_now = sum(seen.status is MarketStatus.OPEN for seen in world.seen.values())

        assert 0.6 * SMALL.markets <= open_now <= 1.6 * SMALL.markets


def test_the_rules_set_fees_and_ticks() -> None:
    """Each rule book brings its own fee formula, price grid and least size."""
    kalshi = audited(SMALL, 0)[1].markets.values()
    polymarket = audited(attrs.evolve(SMALL, rules="polymarket"), 0)[1].markets.values()

    assert {FeeModel.KALSHI_QUADRATIC} == {market.fees.model for market in kalshi}
    assert {FeeModel.POLYMARKET_CURVE} == {market.fees.model for market in polymarket}
    assert {1_000_000} == {market.min_size for market in kalshi}
    assert {5_000_000} == {market.min_size for market in polymarket}
    assert max(len(market.ticks) for market in kalshi) == 3
    assert {len(market.ticks) for market in polymarket} == {1}


def test_ticks_fall_on_the_grid() -> None:
    """Ticks come every interval from the beginning to the end; asking changes nothing."""
    settings = attrs.evolve(SMALL, interval=Duration(10 * SECOND), lasts=Duration(35 * SECOND))
    venue, sink = SimulatedVenue(1, settings=settings), RecordingSink()
    seen: list[float] = []
    spans: list[float] = []
    while (tick := venue.next_tick()) is not None:
        assert tick == venue.next_tick()
        venue.drain(sink, tick)
        seen.append((tick - BEGINS) / SECOND)
        spans.append(venue.span())

    assert [0, 10, 20, 30] == seen
    assert spans == sorted(spans)
    assert spans[0] == 0
    assert spans[-1] < 1


def test_a_drain_between_ticks_skips_none() -> None:
    """The next tick is the first one after what was drained."""
    venue = SimulatedVenue(1, settings=attrs.evolve(SMALL, interval=Duration(10 * SECOND)))
    venue.drain(RecordingSink(), at(14))

    assert at(20) == venue.next_tick()


def test_coarse_ticks_have_a_coarse_world() -> None:
    """From ten seconds on the world acts no more often than its ticks, unless told otherwise."""
    fine = attrs.evolve(SMALL, interval=Duration(9 * SECOND))
    coarse = attrs.evolve(SMALL, interval=Duration(60 * SECOND))
    told = attrs.evolve(coarse, step=Duration(0))
    counts = [len(facts_of(settings, [3600])[0]) for settings in (fine, coarse, told)]

    assert (0, 60 * SECOND, 0) == (fine.coarseness, coarse.coarseness, told.coarseness)
    assert counts[1] < counts[0] == counts[2]


def test_truth_is_known_while_a_market_lives() -> None:
    """The venue tells the truth of what is listed; nothing in a view holds it."""
    venue, sink = audited(SMALL, 60)
    chances = [venue.truth(market) for market in sink.markets]

    assert all(0 <= chance <= 1 for chance in chances)
    assert len(set(chances)) > 20
    with pytest.raises(KeyError):
        venue.truth("nobody")


def test_prices_are_shrunk_by_the_bias() -> None:
    """Where a bias is planted, favourites are quoted below their truth, in the trap above."""
    wrong: dict[str, list[float]] = {"SIM-HEAT": [], "SIM-AWARD": []}
    settings = SimSettings(markets=120, families=tuple(wrong), noise_factor=0, hurry=4)
    for seed in range(3):
        venue, sink = audited(settings, 1800, seed)
        for market, book in sink.books.items():
            middle = book.mid()
            family = sink.markets[market].family
            if middle is not None and market not in sink.payouts and market not in sink.closed:
                truth = venue.truth(market)
                if 0.6 < truth < 0.95:
                    wrong[family].append(middle / ONE_DOLLAR - truth)

    assert sum(wrong["SIM-HEAT"]) / len(wrong["SIM-HEAT"]) < -0.01
    assert sum(wrong["SIM-AWARD"]) / len(wrong["SIM-AWARD"]) > 0.01


def test_an_own_family_joins() -> None:
    """A family of one's own, or a chosen few, make the world."""
    mine = attrs.evolve(FAMILIES[0], name="MY-HEAT", share=1.0)
    settings = attrs.evolve(SMALL, families=("MY-HEAT",))
    venue, sink = SimulatedVenue(1, settings=settings, families=(*FAMILIES, mine)), FactSink()
    venue.drain(sink, at(0))

    assert {"MY-HEAT"} == {market.family for market in sink.markets.values()}
    with pytest.raises(ValueError, match="no family of the simulated venue is called 'X'"):
        SimulatedVenue(1, settings=attrs.evolve(SMALL, families=("X",)))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: SimSettings(markets=0),
        lambda: SimSettings(markets=10**6),
        lambda: SimSettings(interval=Duration(0)),
        lambda: SimSettings(hurry=0),
        lambda: SimSettings(rules="nyse"),
        lambda: Faults(rejected=1.5),
        lambda: Crowd(informed=-0.1),
        lambda: Crowd(rate=-1.0),
    ],
)
def test_nonsense_is_refused(wrong: type) -> None:
    """Settings that make no world are refused at once."""
    with pytest.raises(ValueError, match=r"was|must be|valid"):
        wrong()


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_make_worlds(preset: str) -> None:
    """Every preset runs and is sound."""
    _, sink = audited(attrs.evolve(PRESETS[preset], hurry=24), 1200)

    assert [] == sink.strange
    assert sink.kinds["trade"] > 10


@pytest.mark.slow
def test_ten_thousand_markets() -> None:
    """A large world opens and goes on."""
    venue, sink = SimulatedVenue(1, settings=SimSettings(markets=10_000)), FactSink(keep=False)
    for second in range(4):
        venue.drain(sink, at(second))

    assert 9_500 < len(sink.markets) < 10_500
    assert sink.kinds["delta"] > 500
    assert sink.crossed == 0
