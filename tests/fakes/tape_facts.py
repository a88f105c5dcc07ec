"""Facts to put on a tape, and Hypothesis strategies for them."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from market_bot.adapters.storage.tape import TapeWriter
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import (
    Condition,
    FeeModel,
    FeeSchedule,
    Market,
    MarketStatus,
    Reward,
    TickBand,
)
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Money, Price, Size
from market_bot.core.ports.market_data import Capability

from .recording_sink import Fact, tell

ALL = frozenset((Capability.L2_STREAM, Capability.PRINTS))


def a_market(name: str = "M-1", venue: str = "kalshi") -> Market:
    """Return a market with nothing special about it."""
    return Market(venue=venue, id=name, event="E", family="F")


def a_delta(received: int, market: str = "M-1", size: int = 5_000_000) -> Fact:
    """Return a change of one bid level."""
    return ("delta", market, Side.BID, Price(480_000), Size(size), Micros(received), None)


def write(
    path: Path,
    facts: list[Fact],
    *,
    venue: str = "kalshi",
    capabilities: frozenset[Capability] = ALL,
    group: int = 2,
    ticks: bool | None = None,
) -> Path:
    """Write facts to a tape; it has ticks if the facts have, unless told otherwise."""
    has_ticks = any(fact[0] == "tick" for fact in facts) if ticks is None else ticks
    with TapeWriter(path, venue, "a test", capabilities, ticks=has_ticks, group=group) as tape:
        tell(facts, tape)
    return path


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_prices = st.integers(0, ONE_DOLLAR).map(Price)
_sizes = st.sampled_from([0, 1, 1_000_000, 10**15]).map(Size)
_names = st.sampled_from(["A", "B", "ü\n,\"'"])
_anywhere = st.just("") | _names


def times(last: int = 60) -> st.SearchStrategy[Micros]:
    """Return receive times close to each other, so that they repeat and run backwards."""
    return st.integers(0, last).map(Micros)


_exchange = st.none() | st.integers(0, 253_370_764_799_999_999).map(Micros)
_levels = st.dictionaries(_prices, _sizes, max_size=4)
_bands = st.builds(TickBand, _prices, _prices, st.integers(1, 10_000).map(Price))
_amounts = st.integers(0, 10**22).map(Money)
_fees = st.builds(
    FeeSchedule,
    st.sampled_from(FeeModel),
    st.integers(-(10**6), 10**6),
    st.integers(-(10**6), 10**6),
    st.integers(0, 3),
)


def markets(name: str) -> st.SearchStrategy[Market]:
    """Return markets of one id with any terms."""
    return st.builds(
        Market,
        venue=st.just("kalshi"),
        id=st.just(name),
        event=_text,
        family=_text,
        title=_text,
        ticks=st.lists(_bands, max_size=2).map(tuple),
        min_size=_sizes,
        size_step=st.integers(1, 10**6).map(Size),
        open_at=st.none() | times(),
        close_at=st.none() | times(),
        fees=_fees,
        strike=st.none() | _text,
        reference=st.none() | _text,
        condition=st.none() | st.sampled_from(Condition),
        category=_text,
        at_most_one=st.booleans(),
        exhaustive=st.booleans(),
        volume_24h=st.none() | _amounts,
        liquidity=st.none() | _amounts,
        reward=st.none() | st.builds(Reward, daily=_amounts, min_size=_sizes, max_spread=_prices),
    )


def _fact(at: st.SearchStrategy[Micros]) -> st.SearchStrategy[Fact]:
    sides = st.sampled_from(Side)
    decimals = st.from_regex(r"-?[0-9]{1,5}(\.[0-9]{1,3})?", fullmatch=True)
    return st.one_of(
        st.tuples(st.just("delta"), _names, sides, _prices, _sizes, at, _exchange),
        st.tuples(st.just("trade"), _names, sides, _prices, _sizes, at, _exchange),
        st.tuples(st.just("book"), _names, _levels, _levels, at, _exchange),
        st.tuples(st.just("reference"), st.just("BTC-USD"), decimals, at, _exchange),
        st.tuples(st.just("status"), _anywhere, st.sampled_from(MarketStatus), at),
        st.tuples(st.just("resolution"), _names, _prices, at),
        st.tuples(st.just("gap"), _anywhere, _text, at),
        _names.flatmap(lambda name: st.tuples(st.just("meta"), markets(name), at)),
    )


@st.composite
def tapes(draw: st.DrawFn, *, ticks: bool = False) -> list[Fact]:
    """Return the facts of a whole tape: the markets first, then anything in any order of time."""
    opening: list[Fact] = [
        ("meta", draw(markets(name)), Micros(draw(times()))) for name in ("A", "B", "ü\n,\"'")
    ]
    fact = _fact(times())
    if ticks:
        fact = fact | st.tuples(st.just("tick"), times())
    return opening + draw(st.lists(fact, max_size=20))
