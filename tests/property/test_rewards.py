"""Rewards on paper: never more than there is to share, and never less for quoting better."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from market_bot.core.domain.book import Book, Side
from market_bot.core.domain.fills.rewards import (
    SAMPLES_PER_DAY,
    Quoted,
    RewardBook,
    liquidity_sample,
    rebate,
)
from market_bot.core.domain.market import FeeModel, FeeSchedule, Reward
from market_bot.core.domain.numbers import Micros, Money, Price, Size
from tests.fakes.builders import a_market
from tests.fakes.clock import NOON

TICK = 10_000
prices = st.integers(1, 99).map(lambda cents: Price(cents * TICK))
sizes = st.sampled_from([1, 49, 50, 51, 100, 1_000]).map(lambda n: Size(n * 1_000_000))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[dict[Price, Size], dict[Price, Size], list[Quoted]]:
    """Return bids, asks and orders of ours around a middle; now and then on the wrong side."""
    middle = draw(st.sampled_from([5, 9, 10, 11, 50, 50, 50, 89, 90, 95]))
    away = st.integers(1, 6) | st.integers(1, 6) | st.integers(-2, 30)

    def at(sign: int) -> Price:
        return Price(min(99, max(1, middle + sign * draw(away))) * TICK)

    bids, asks = ({at(sign): draw(sizes) for _ in range(draw(few))} for sign in (-1, 1))
    mine = [
        Quoted(side=side, price=at(sign), size=draw(sizes))
        for side, sign in ((Side.BID, -1), (Side.ASK, 1))
        for _ in range(draw(st.integers(0, 2)))
    ]
    return bids, asks, mine


few = st.integers(1, 4)
terms = st.builds(
    Reward,
    daily=st.sampled_from([1, 10**12, 10**14 + 7]).map(Money),
    min_size=st.sampled_from([0, 50_000_000]).map(Size),
    max_spread=st.sampled_from([0, 5_000, 30_000, 55_000, 1_000_000]).map(Price),
)


def oracle(terms: Reward, book: Book, mine: list[Quoted]) -> Fraction:
    """Return a minute's share by the published formula, every other order a maker of its own.

    The largest sum over all ways to give the orders to makers is what is owed at worst; with two
    makers, one for what both sides have and one for the rest, it is reached.
    """
    large_bids = [p for p, s in book.bids.items() if s >= terms.min_size]
    large_asks = [p for p, s in book.asks.items() if s >= terms.min_size]
    if not large_bids or not large_asks or book.crossed or not terms.max_spread:
        return Fraction(0)
    middle = Fraction(max(large_bids) + min(large_asks), 2)
    v = Fraction(terms.max_spread)

    def total(orders: list[Quoted], side: Side) -> Fraction:
        near = [o for o in orders if o.side is side and abs(o.price - middle) < v]
        return sum((((v - abs(o.price - middle)) / v) ** 2 * o.size for o in near), Fraction(0))

    def score(one: Fraction, two: Fraction) -> Fraction:
        lone = max(one, two) / 3 if 100_000 <= middle <= 900_000 else Fraction(0)
        return max(min(one, two), lone)

    own = [o for o in mine if o.size >= terms.min_size and in_front(book, o)]
    ours = score(total(own, Side.BID), total(own, Side.ASK))
    shown = [Quoted(side=Side.BID, price=p, size=s) for p, s in book.bids.items()]
    shown += [Quoted(side=Side.ASK, price=p, size=s) for p, s in book.asks.items()]
    bids, asks = total(shown, Side.BID), total(shown, Side.ASK)
    both = min(bids, asks)
    others = score(both, both) + score(bids - both, asks - both)
    return ours / (ours + others) if ours else Fraction(0)


def in_front(book: Book, order: Quoted) -> bool:
    """Tell whether nobody displayed would have traded with an order."""
    if order.side is Side.BID:
        return all(order.price < asked for asked in book.asks)
    return all(order.price > bid for bid in book.bids)


@settings(max_examples=400)
@given(terms, scenes())
def test_a_sample_is_the_published_share(
    terms: Reward, scene: tuple[dict[Price, Size], dict[Price, Size], list[Quoted]]
) -> None:
    """Rounded down, and never more than one minute's part of the day."""
    bids, asks, mine = scene
    book = Book()
    book.replace(bids, asks, NOON)
    earned = liquidity_sample(terms, book, mine)

    assert int(oracle(terms, book, mine) * terms.daily / SAMPLES_PER_DAY // 1) == earned
    assert 0 <= earned * SAMPLES_PER_DAY <= terms.daily


@given(
    st.integers(0, 70_000),
    st.integers(0, 3),
    prices,
    st.integers(1, 10**12).map(Size),
    st.sampled_from(["crypto", "sports", "politics", "?"]),
)
def test_a_rebate_is_less_than_the_fee(
    rate: int, exponent: int, price: Price, size: Size, category: str
) -> None:
    """What goes back is a share of what was paid, exact but for one unit."""
    schedule = FeeSchedule(FeeModel.POLYMARKET_CURVE, rate, 0, exponent)
    market = a_market(fees=schedule, category=category)
    curve = (Fraction(price, 10**6) * (1 - Fraction(price, 10**6))) ** exponent
    whole = Fraction(rate * size) * curve
    share = {"crypto": 20, "sports": 15, "politics": 25, "?": 15}[category]

    assert int(whole * share // 100) == rebate(market, price, size)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["k", "l"]),
            st.sampled_from(["M-1", "M-2"]),
            st.integers(-(10**11), 2 * 10**12),
            st.integers(0, 40),
        ),
        max_size=12,
    )
)
def test_no_more_is_paid_than_was_earned(earned: list[tuple[str, str, int, int]]) -> None:
    """Over any days, each name once, and less than a cent is lost but for days below a dollar."""
    book, paid, now = RewardBook(), [], NOON
    book.close_day(now)
    for kind, market, amount, hours in earned:
        book.earn(kind, market, Money(amount))
        now = Micros(now + hours * 3_600_000_000)
        paid += book.close_day(now)
    paid += book.close_day(Micros(now + 86_400_000_000))

    assert len(paid) == len({payment.name for payment in paid})
    assert all(payment.amount > 0 for payment in paid)
    total = sum(max(0, amount) for _, _, amount, _ in earned)
    assert sum(payment.amount for payment in paid) <= total
