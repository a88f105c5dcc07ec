"""The crowd of one market: what makers quote, who takes, and what becomes of orders in the way."""

from __future__ import annotations

import attrs
import pytest

from market_bot.adapters.simulated.sim_book import MatchingBook, Outlet, Waiting, grid_of
from market_bot.adapters.simulated.sim_settings import Crowd
from market_bot.adapters.simulated.sim_traders import Traders, log_odds
from market_bot.adapters.simulated.sim_truth import stream
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import WHOLE_CENTS
from market_bot.core.domain.numbers import SECOND, Micros, Price, Size
from tests.fakes.builders import a_market, cents, contracts
from tests.fakes.fact_sink import FactSink

QUIET = Crowd(trade=0.0, lag_seconds=0.0, half_spreads=(20_000,))


@attrs.define(eq=False)
class Pit:
    """A market with its crowd, who hears of it, and what of ours was filled."""

    traders: Traders
    sink: FactSink
    filled: dict[str, int]
    now: Micros = Micros(0)

    @property
    def book(self) -> MatchingBook:
        """The matching book."""
        return self.traders.book

    def act(self, truth: float, times: int = 1) -> None:
        """Let something happen a minute after the last time."""
        for _ in range(times):
            self.now = Micros(self.now + 60 * SECOND)
            self.traders.act(truth, self.now)

    def rest(self, side: Side, price: Price, size: Size) -> Waiting:
        """Put an order of ours into the book."""
        order = Waiting("ours", side, price, size)
        self.book.rest(order, self.now)
        return order


def a_pit(crowd: Crowd, truth: float = 0.5) -> Pit:
    """Return a market that has just opened."""
    outlet, sink, filled = Outlet(), FactSink(), dict[str, int]()

    def note(intent: str, _price: Price, size: Size, _at: Micros) -> None:
        filled[intent] = filled.get(intent, 0) + size

    outlet.open(sink)
    sink.meta(a_market(), Micros(0))
    book = MatchingBook("M-1", outlet, note)
    traders = Traders(book, grid_of(WHOLE_CENTS), crowd, stream("pit"), 70_000)
    traders.open(truth, Micros(0))
    return Pit(traders, sink, filled)


def test_makers_run_into_a_stale_order() -> None:
    """Makers who want to quote through our order take it first, at its price."""
    pit = a_pit(QUIET)
    pit.rest(Side.ASK, cents(51), contracts(1))
    pit.act(0.8, times=3)
    (trade,) = pit.sink.of("trade")

    assert {"ours": contracts(1)} == pit.filled
    assert (Side.BID, cents(51), contracts(1)) == trade[2:5]
    assert (pit.book.best_bid or 0) > cents(70)


def test_makers_never_quote_through_a_large_order() -> None:
    """An order of ours that is not used up keeps the makers on their side of it."""
    pit = a_pit(QUIET)
    pit.rest(Side.ASK, cents(51), contracts(100_000))
    pit.act(0.8, times=3)

    assert 0 < pit.filled["ours"] < contracts(100_000)
    assert pit.book.best_ask == cents(51)
    assert pit.book.best_bid is None or pit.book.best_bid < cents(51)
    assert pit.sink.crossed == 0


def test_quotes_follow_the_truth() -> None:
    """Without bias, lag and noise the middle is the truth, give or take a cent."""
    pit = a_pit(QUIET)
    for truth in (0.2, 0.5, 0.9):
        pit.act(truth, times=4)
        bid, ask = pit.book.best_bid, pit.book.best_ask

        assert bid is not None
        assert ask is not None
        assert (bid + ask) / 2 == pytest.approx(truth * 1e6, abs=10_000)


def test_lag_makes_quotes_late() -> None:
    """Makers with a long lag have gone part of the way after a minute."""
    pit = a_pit(attrs.evolve(QUIET, lag_seconds=60.0))
    pit.act(0.9)

    assert cents(70) < pit.traders.last_price < cents(85)


def test_noise_fades() -> None:
    """A jump without a reason moves the quotes, and they come back."""
    pit = a_pit(attrs.evolve(QUIET, noise=1.0, noise_jump=2.0, noise_seconds=100.0))
    pit.act(0.5)
    jumped = abs(pit.traders.last_price - cents(50))
    pit.traders.crowd = attrs.evolve(pit.traders.crowd, noise=1e-12)
    pit.act(0.5, times=12)

    assert jumped > cents(20)
    assert abs(pit.traders.last_price - cents(50)) <= cents(1)
    assert 0 == pit.sink.kinds["trade"]


@pytest.mark.parametrize(("truth", "side"), [(0.8, Side.BID), (0.2, Side.ASK)])
def test_the_informed_take_what_pays(truth: float, side: Side) -> None:
    """They buy what is worth more than price and fee, and sell what is worth less."""
    pit = a_pit(Crowd(trade=1.0, informed=1.0, lag_seconds=1e9))
    pit.act(truth)
    trades = pit.sink.of("trade")

    assert trades
    assert {side} == {trade[2] for trade in trades}


def test_the_informed_leave_fair_prices_alone() -> None:
    """Where the edge would not pay for the fee nobody informed trades."""
    pit = a_pit(Crowd(trade=1.0, informed=1.0, lag_seconds=1e9))
    pit.act(0.51, times=20)

    assert [] == pit.sink.of("trade")


def test_makers_come_back() -> None:
    """What was taken away is quoted again."""
    pit = a_pit(attrs.evolve(QUIET, half_spreads=(10_000,)))
    pit.book.take(Side.BID, cents(99), contracts(100_000), pit.now)
    assert not pit.book.asks
    pit.act(0.5)

    assert cents(51) == pit.book.best_ask


@pytest.mark.parametrize("chance", [0.0, 1e-9, 0.5, 1.0])
def test_odds_are_bounded(chance: float) -> None:
    """Nobody quotes certainty."""
    assert -6.0 <= log_odds(chance) <= 6.0
