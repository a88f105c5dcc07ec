"""What strategies keep when they remember, hold and rest: oracles over many events.

The suite beside this one shows every strategy bare markets; here markets have a past, strategies
hold what they bought, and orders rest.
"""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain.book import Side
from market_bot.core.domain.fees import fee
from market_bot.core.domain.market import (
    NO_FEES,
    TENTH_CENTS,
    WHOLE_CENTS,
    Condition,
    FeeModel,
    FeeSchedule,
    Leg,
    Reward,
    TickBand,
)
from market_bot.core.domain.numbers import (
    CERTAIN,
    HOUR,
    ONE_CONTRACT,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    money,
    price,
)
from market_bot.core.domain.orders import Order, OrderState, Purpose, Style
from market_bot.core.domain.signals import Signal, Wanted, Withdraw
from market_bot.core.domain.strategies import event_arb, market_making, mean_reversion
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.view import Holdings, MarketView, View
from market_bot.core.domain.world import Mid, Print
from tests.fakes.builders import a_market, an_order, cents, contracts, every_strategy
from tests.fakes.clock import NOON
from tests.fakes.situations import a_position, a_seen, a_view, holding, remembering, seconds

STRATEGIES = every_strategy()
TAPERED = (
    TickBand(price("0.001"), price("0.1"), price("0.001")),
    TickBand(price("0.1"), price("0.9"), price("0.01")),
    TickBand(price("0.9"), price("0.999"), price("0.001")),
)
KALSHI = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=17_500)
POLYMARKET = FeeSchedule(FeeModel.POLYMARKET_CURVE, taker_rate=250_000, exponent=2)
NAMES = ("M-1", "M-2", "M-3")

prices = st.integers(-1, 1_000_001).map(Price) | st.integers(1, 99).map(cents)
sizes = st.integers(0, 200).map(contracts) | st.integers(1, 10**9).map(Size)


def past(span: int = 300) -> st.SearchStrategy[list[int]]:
    """Return ascending seconds before noon."""
    return st.lists(st.integers(-span, 0), max_size=12).map(sorted)


@st.composite
def remembered(draw: st.DrawFn, name: str) -> MarketView:
    """Return a market with a past, sound more often than not."""
    bid, ask = draw(
        st.tuples(st.none() | prices, st.none() | prices)
        | st.tuples(st.integers(1, 98), st.integers(1, 6)).map(
            lambda pair: (cents(pair[0]), cents(min(99, pair[0] + pair[1])))
        )
    )
    market = a_market(
        name,
        ticks=draw(st.sampled_from([WHOLE_CENTS, TENTH_CENTS, TAPERED])),
        fees=draw(st.sampled_from([NO_FEES, KALSHI, POLYMARKET])),
        close_at=draw(st.none() | st.integers(-1, 30).map(lambda h: Micros(NOON + h * HOUR))),
        open_at=draw(st.none() | st.integers(-300, 0).map(seconds)),
        strike=draw(st.sampled_from([None, "100", "100.2", "nonsense"])),
        reference=draw(st.sampled_from([None, "COIN"])),
        condition=draw(st.none() | st.sampled_from(Condition)),
        at_most_one=draw(st.booleans()),
        exhaustive=draw(st.booleans()),
        reward=draw(
            st.none()
            | st.builds(
                Reward,
                daily=st.just(money("1")),
                min_size=sizes,
                max_spread=st.integers(0, 5).map(cents),
            )
        ),
    )
    return MarketView(
        market=market,
        tradable=draw(st.sampled_from([True, True, True, False])),
        bid=bid,
        ask=ask,
        bid_size=Size(0) if bid is None else draw(sizes),
        ask_size=Size(0) if ask is None else draw(sizes),
        book_age=Duration(draw(st.sampled_from([0, 100])) * SECOND),
        last_trade=None,
        prints=tuple(
            Print(seconds(at), draw(st.sampled_from(Side)), cents(50), draw(sizes))
            for at in draw(past())
        ),
        mids=tuple(Mid(seconds(at), draw(prices)) for at in draw(past())),
    )


@st.composite
def orders_of(draw: st.DrawFn, strategy: str) -> Order:
    """Return an order of a strategy, or of a stranger."""
    return an_order(
        intent=f"i-{draw(st.integers(0, 10**6))}",
        strategy=draw(st.sampled_from([strategy, strategy, "stranger"])),
        market=draw(st.sampled_from(NAMES)),
        leg=draw(st.sampled_from(Leg)),
        purpose=draw(st.sampled_from(Purpose)),
        style=draw(st.sampled_from(Style)),
        price=draw(st.integers(1, 99).map(cents)),
        size=draw(sizes),
        state=draw(st.sampled_from(OrderState)),
    )


@st.composite
def lives(draw: st.DrawFn, strategy: str) -> tuple[View, Holdings]:
    """Return an event with a past, and what a strategy holds and sent in it."""
    markets = [draw(remembered(name)) for name in NAMES[: draw(st.integers(1, 3))]]
    start = draw(st.integers(-300, 0))
    coin = [
        (seconds(at), draw(st.sampled_from(["100", "100.1", "99.95", "101"])))
        for at in range(start, 1)
    ]
    owner = st.sampled_from([strategy, strategy, strategy, "stranger"])
    positions = [
        attrs.evolve(
            a_position(draw(owner), market, leg, opened_at=seconds(draw(st.integers(-900, 0)))),
            size=Size(max(1, draw(sizes))),
            provisional=draw(st.sampled_from([Size(0), contracts(5)])),
        )
        for market in NAMES
        for leg in Leg
        if draw(st.sampled_from([True, False, False]))
    ]
    orders = draw(st.lists(orders_of(strategy), max_size=4))
    return a_view(*markets, history={"COIN": coin}), holding(*positions, orders=orders)


def check_signal(signal: Signal, view: View, holdings: Holdings) -> None:
    """Check that a wish can be traded, and that a resting one rests."""
    there = next(seen for seen in view.markets if seen.market.id == signal.market)
    assert there.tradable
    assert there.market.on_grid(signal.price)
    assert 0 <= signal.belief <= CERTAIN
    assert signal.cost >= 0
    assert signal.patience > 0
    assert signal.size is None or signal.size > 0
    gain = signal.belief - signal.price
    assert signal.edge == (gain if signal.purpose is Purpose.ENTRY else -gain) - signal.cost
    if signal.purpose is Purpose.EXIT:
        assert (signal.market, signal.leg) in {(p.market, p.leg) for p in holdings.positions}


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
@given(data=st.data())
def test_any_life(strategy: Strategy, data: st.DataObject) -> None:
    """It never raises, repeats itself, wants what can be traded, withdraws only what is its own."""
    view, holdings = data.draw(lives(strategy.name))
    params = strategy.params()
    own = {
        (o.market, o.leg, o.purpose)
        for o in holdings.orders
        if o.strategy == strategy.name and o.state.live and o.style is Style.MAKER
    }

    wanted: list[Wanted] = list(strategy.decide(view, params, holdings))

    assert wanted == list(strategy.decide(view, params, holdings))
    for one in wanted:
        if isinstance(one, Withdraw):
            assert (one.market, one.leg, one.purpose) in own
        else:
            check_signal(one, view, holdings)
    for kind in (Withdraw, Signal):
        keys = [(o.market, o.leg, o.purpose) for o in wanted if isinstance(o, kind)]
        assert len(keys) == len(set(keys))


MINE = ("market_making", "event_arb", "mean_reversion", "price_level")


@pytest.mark.parametrize("name", MINE)
@given(data=st.data())
def test_strangers_are_left_alone(name: str, data: st.DataObject) -> None:
    """Nothing is bought or sold in a market in which another strategy holds something."""
    view, holdings = data.draw(lives(name))
    theirs = {p.market for p in holdings.positions if p.strategy == "stranger"}

    wanted = STRATEGIES[name].decide(view, STRATEGIES[name].params(), holdings)

    assert not [s for s in wanted if isinstance(s, Signal) and s.market in theirs]


# -- event_arb: whatever happens, what was signalled does not lose -------------------------------


@st.composite
def tempting_events(draw: st.DrawFn, leg: Leg) -> View:
    """Return an event whose set costs about what it pays, some cents more or less."""
    count = draw(st.integers(2, 6))
    fees = draw(st.sampled_from([NO_FEES, KALSHI, POLYMARKET]))
    sure = (count - 1) * 100 if leg is Leg.NO else 100
    left = sure + draw(st.integers(-25, 4))
    asks: list[int] = []
    for number in range(count, 0, -1):
        share = left // number
        asks.append(max(1, min(99, share + draw(st.integers(-3, 3)))))
        left -= asks[-1]
    terms = {"fees": fees, "at_most_one": leg is Leg.NO, "exhaustive": leg is Leg.YES}
    markets = []
    for i, ask in enumerate(asks, start=1):
        bid = 100 - ask if leg is Leg.NO else None
        depth = (draw(st.integers(1, 40)),) * 2
        offered = ask if leg is Leg.YES else None
        markets.append(a_seen(f"M-{i}", bid, offered, depth=depth, **terms))
    return a_view(*markets)


def paid_for(signals: list[Signal], view: View) -> Money:
    """Return what the signals cost if all of them fill at their limits, fees included."""
    terms = {seen.market.id: seen.market for seen in view.markets}
    total = 0
    for s in signals:
        assert s.size is not None
        total += s.price * s.size
        total += fee(terms[s.market].fees, s.price, s.size, Style.TAKER, selling=False)
    return Money(total)


def outcomes(view: View, leg: Leg) -> list[str | None]:
    """Return who may win: one of the markets, or nobody unless one has to."""
    winners: list[str | None] = [seen.market.id for seen in view.markets]
    return winners if leg is Leg.YES else [None, *winners]


def pays(signals: list[Signal], winner: str | None) -> Money:
    """Return what the contracts of the signals pay when a market wins."""
    won = [s for s in signals if (s.market == winner) is (s.leg is Leg.YES)]
    return Money(sum((s.size or 0) * ONE_DOLLAR for s in won))


@pytest.mark.parametrize("leg", Leg)
@given(data=st.data())
def test_a_set_never_loses(leg: Leg, data: st.DataObject) -> None:
    """Under every outcome a filled set pays what it cost and the edge; none is missed."""
    view = data.draw(tempting_events(leg))
    params = event_arb.Params()

    signals = list(event_arb.decide(view, params, holding()))

    sure = (len(view.markets) - 1) * ONE_DOLLAR if leg is Leg.NO else ONE_DOLLAR
    shown = min(seen.depth(leg) for seen in view.markets)
    size = min(shown, params.max_contracts * ONE_CONTRACT)
    if signals:
        assert {(s.market, leg, size) for s in signals} == {
            (seen.market.id, leg, size) for seen in view.markets
        }
        for winner in outcomes(view, leg):
            gain = pays(signals, winner) - paid_for(signals, view)
            assert gain >= params.min_edge * size > 0
    else:
        cost = sum(
            (seen.buy_price(leg) or 0) * size
            + fee(
                seen.market.fees,
                seen.buy_price(leg) or Price(0),
                Size(size),
                Style.TAKER,
                selling=False,
            )
            for seen in view.markets
        )
        assert sure * size - cost < params.min_edge * size


@pytest.mark.parametrize("leg", Leg)
@given(data=st.data())
def test_completing_never_loses(leg: Leg, data: st.DataObject) -> None:
    """With the missing legs a set that was bought in part pays what all of it cost."""
    view = data.draw(tempting_events(leg))
    held = [
        a_position("event_arb", seen.market.id, leg, n, f"{n * data.draw(st.integers(1, 99))}e-2")
        for seen in view.markets
        if (n := data.draw(st.integers(0, 9)))
    ]
    wanted = list(event_arb.decide(view, event_arb.Params(), holding(*held)))
    signals = [s for s in wanted if s.reason.endswith("completed")]
    if not signals:
        return

    have = {p.market: p.size for p in held}
    for s in signals:
        assert s.size is not None
        have[s.market] = Size(have.get(s.market, 0) + s.size)
    assert {max(p.size for p in held)} == set(have.values())
    assert {seen.market.id for seen in view.markets} == set(have)
    spare = min(sum(p.size for p in held if p.market == m.market.id) for m in view.markets)
    added = max(have.values()) - spare
    paid = sum(p.cost * (p.size - spare) // p.size for p in held) + paid_for(signals, view)
    for winner in outcomes(view, leg):
        won = [m for m in have if (m == winner) is (leg is Leg.YES)]
        assert len(won) * added * ONE_DOLLAR >= paid


# -- market_making: rests, leans, stays within its cap, pulls --------------------------------------

books = st.tuples(st.integers(1, 98), st.integers(1, 20)).map(
    lambda pair: (pair[0], min(99, pair[0] + pair[1]))
)


def quoted(seen: MarketView, net: int = 0, **params: Any) -> dict[Side, Signal]:
    """Return the quotes by their side of the YES book, with so many YES (or minus NO) held."""
    leg = Leg.YES if net > 0 else Leg.NO
    held = holding(a_position("market_making", leg=leg, size=abs(net))) if net else holding()
    chosen = attrs.evolve(market_making.Params(), **params)
    signals = market_making.decide(a_view(seen), chosen, held)
    return {
        Side.BID if (s.leg is Leg.YES) is (s.purpose is Purpose.ENTRY) else Side.ASK: s
        for s in signals
        if isinstance(s, Signal)
    }


def yes_price(signal: Signal) -> int:
    """Return where a quote stands in the YES book."""
    return signal.price if signal.leg is Leg.YES else ONE_DOLLAR - signal.price


@given(books, st.tuples(st.integers(1, 500), st.integers(1, 500)), st.integers(-60, 60))
def test_quotes_rest_and_stay_within_the_cap(
    book: tuple[int, int], depth: tuple[int, int], net: int
) -> None:
    """They never cross, stand on both sides of each other, and cannot exceed the cap."""
    params = market_making.Params()
    seen = remembering(a_seen("M-1", *book, depth=depth), (-60, sum(book) / 2))

    quotes = quoted(seen, net)

    for side, signal in quotes.items():
        at = yes_price(signal)
        assert at < cents(book[1]) if side is Side.BID else at > cents(book[0])
        assert signal.size is not None
        after = net * ONE_CONTRACT + (signal.size if side is Side.BID else -signal.size)
        assert abs(after) <= max(params.max_inventory, abs(net)) * ONE_CONTRACT
        if signal.purpose is Purpose.EXIT:
            assert signal.size <= abs(net) * ONE_CONTRACT
    if len(quotes) == 2:
        assert yes_price(quotes[Side.BID]) < yes_price(quotes[Side.ASK])


@given(books, st.integers(-60, 60), st.integers(-60, 60))
def test_quotes_lean_away_from_inventory(book: tuple[int, int], one: int, other: int) -> None:
    """Who holds more quotes nowhere higher."""
    low, high = sorted((one, other))
    seen = remembering(a_seen("M-1", *book, ticks=TENTH_CENTS), (-60, sum(book) / 2))
    less, more = quoted(seen, low), quoted(seen, high)

    for side in less.keys() & more.keys():
        assert yes_price(more[side]) <= yes_price(less[side])


@given(books, st.integers(2, 98), st.integers(-29, 0), st.integers(-60, 60))
def test_jumps_pull_the_quotes(book: tuple[int, int], before: int, at: int, net: int) -> None:
    """Within the window of a jump nothing is quoted, whatever is held; a small move is no jump."""
    now = sum(book) / 2
    seen = remembering(a_seen("M-1", *book), (-99, before), (at, now))
    odds = (before / (100 - before)) / (now / (100 - now))
    bound = 1.4918  # exp(0.4)

    if not 1 / bound <= odds <= bound:
        assert {} == quoted(seen, net)
    elif 5.01 <= now <= 94.99 and 1.0001 / bound < odds < bound / 1.0001:
        assert quoted(seen, net)


# -- mean_reversion: fires on printless jumps only ------------------------------------------------


@given(
    st.integers(10, 90),
    st.integers(10, 90),
    st.lists(st.tuples(st.integers(-60, 0), st.sampled_from(Side), st.integers(1, 30)), min_size=1),
)
def test_only_printless_jumps_are_faded(
    before: int, now: int, prints: list[tuple[int, Side, int]]
) -> None:
    """What is bought fell far enough, and hardly anything was printed in that direction."""
    params = mean_reversion.Params()
    kept = tuple(
        Print(seconds(at), side, cents(50), contracts(n))
        for at, side, n in sorted(prints, key=lambda p: p[0])
    )
    seen = remembering(a_seen("M-1", now - 1, now + 1), (-200, before), (-3, now))
    seen = attrs.evolve(seen, prints=kept)

    signals = list(mean_reversion.decide(a_view(seen), params, holding()))

    pusher = Side.ASK if now < before else Side.BID
    behind = [n for at, side, n in prints if at > -30 and side is pusher]
    quiet = sum(behind) <= 20 and len(behind) <= 10
    if signals:
        (signal,) = signals
        assert isinstance(signal, Signal)
        assert quiet
        assert abs(now - before) >= 6
        assert (Leg.YES if now < before else Leg.NO) is signal.leg
    else:
        # One cent of spread, one of edge, and 0.6 of ten cents or more come back.
        assert not quiet or abs(now - before) < 10
