"""Rebates and liquidity rewards on paper, worked by hand."""

from typing import Any

import attrs
import pytest

from market_bot.adapters.simulated.rewarded import RewardedExecution
from market_bot.core.domain.book import Book, Side
from market_bot.core.domain.fees import fee
from market_bot.core.domain.fills.rewards import (
    LIQUIDITY,
    REBATE,
    SAMPLES_PER_DAY,
    Quoted,
    RewardBook,
    liquidity_sample,
    rebate,
    rebate_share,
)
from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg, Market, MarketStatus, Reward
from market_bot.core.domain.numbers import (
    HOUR,
    NO_MONEY,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    money,
    price,
    size,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.portfolio import VenueCapabilities
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Confirmed,
    Fact,
    Filled,
    Refused,
    Rejected,
    Rewarded,
    Unknown,
)
from market_bot.core.ports.market_data import Capability
from tests.fakes.builders import a_book, a_draft, a_market, a_signal, an_intent, announced
from tests.fakes.clock import NOON
from tests.fakes.execution import ScriptedExecution
from tests.fakes.market_data import FULL
from tests.fakes.recording_sink import tell

CRYPTO = FeeSchedule(model=FeeModel.POLYMARKET_CURVE, taker_rate=70_000)
TERMS = Reward(daily=money("100"), min_size=size("50"), max_spread=price("0.03"))
MARKET = a_market(fees=CRYPTO, category="Crypto", reward=TERMS)
MINUTE = 60 * SECOND
MIDNIGHT = Micros(NOON + 12 * HOUR)


def a_whole_book(bids: dict[str, str], asks: dict[str, str]) -> Book:
    """Return a book of these levels."""
    book = Book()
    book.replace(
        {price(p): size(s) for p, s in bids.items()},
        {price(p): size(s) for p, s in asks.items()},
        NOON,
    )
    return book


def quoted(side: Side, at: str, quantity: str = "100") -> Quoted:
    """Return an order of ours."""
    return Quoted(side=side, price=price(at), size=size(quantity))


USUAL = a_whole_book({"0.48": "100"}, {"0.52": "100"})
BID, ASK = quoted(Side.BID, "0.49"), quoted(Side.ASK, "0.51")


# -- rebates -------------------------------------------------------------------------------------


def test_a_rebate_is_a_share_of_the_takers_fee() -> None:
    """100 at 0.50 cost a taker 100 * 0.07 * 0.25 = 1.75 dollars; a fifth of that is 0.35."""
    charged = fee(CRYPTO, price("0.5"), size("100"), Style.TAKER, selling=False)

    assert money("1.75") == charged
    assert money("0.35") == rebate(MARKET, price("0.5"), size("100"))


@pytest.mark.parametrize(
    ("category", "share"),
    [
        ("crypto", 200_000),
        ("Sports", 150_000),
        ("politics", 250_000),
        ("Weather", 250_000),
        ("", 150_000),
        ("something new", 150_000),
    ],
)
def test_the_share_is_that_of_the_category(category: str, share: int) -> None:
    """What is not known gets the least of all."""
    assert share == rebate_share(attrs.evolve(MARKET, category=category))


@pytest.mark.parametrize(
    ("market", "at", "quantity"),
    [
        (attrs.evolve(MARKET, fees=FeeSchedule(FeeModel.KALSHI_QUADRATIC, 70_000)), "0.5", "1"),
        (attrs.evolve(MARKET, fees=FeeSchedule(FeeModel.POLYMARKET_CURVE)), "0.5", "1"),
        (a_market(), "0.5", "1"),
        (MARKET, "0", "1"),
        (MARKET, "1", "1"),
        (MARKET, "0.5", "0"),
    ],
)
def test_no_fee_no_rebate(market: Market, at: str, quantity: str) -> None:
    """Kalshi pays none, and nobody shares what nobody pays."""
    assert NO_MONEY == rebate(market, price(at), size(quantity))


@pytest.mark.parametrize(("exponent", "expected"), [(0, "1.4"), (1, "0.35"), (2, "0.0875")])
def test_a_rebate_follows_the_curve(exponent: int, expected: str) -> None:
    """0.07 * 100 * 0.25 ** exponent, of which a fifth."""
    curved = attrs.evolve(MARKET, fees=attrs.evolve(CRYPTO, exponent=exponent))

    assert money(expected) == rebate(curved, price("0.5"), size("100"))


# -- liquidity -----------------------------------------------------------------------------------


def of_a_minute(numerator: int, denominator: int) -> int:
    """Return that share of a hundred dollars a day for one minute, rounded down."""
    return money("100") * numerator // (denominator * SAMPLES_PER_DAY)


@pytest.mark.parametrize(
    ("mine", "expected"),
    [
        # A cent away scores 4/9 * 100 = 44.4 on either side; the others two cents away 11.1.
        ([BID, ASK], (4, 5)),
        # One side counts a third: 14.8 against 11.1.
        ([BID], (4, 7)),
        ([ASK], (4, 7)),
        # The weaker side counts: 11.1 of 44.4; a third of the stronger one is 14.8, and more.
        ([BID, quoted(Side.ASK, "0.52")], (4, 7)),
        # At the midpoint a hundred: 33.3 for the one side.
        ([quoted(Side.BID, "0.5")], (3, 4)),
        # Twice as many count twice.
        ([quoted(Side.BID, "0.49", "200"), quoted(Side.ASK, "0.51", "200")], (8, 9)),
        ([], (0, 1)),
        # At the edge and beyond it nothing counts, nor what is too small.
        ([quoted(Side.BID, "0.47"), quoted(Side.ASK, "0.53")], (0, 1)),
        ([quoted(Side.BID, "0.40"), quoted(Side.ASK, "0.60")], (0, 1)),
        ([quoted(Side.BID, "0.49", "49.999999")], (0, 1)),
        ([quoted(Side.BID, "0.49", "50"), quoted(Side.ASK, "0.51", "50")], (2, 3)),
    ],
)
def test_a_minute_is_shared_by_scores(mine: list[Quoted], expected: tuple[int, int]) -> None:
    """Ours against all that is displayed, at the midpoint of 0.50."""
    assert of_a_minute(*expected) == liquidity_sample(TERMS, USUAL, mine)


def test_the_others_are_as_strong_as_they_can_be() -> None:
    """Bids of 44.4 and asks of 11.1 are at most 11.1 + 33.3 / 3 = 22.2 together."""
    book = a_whole_book({"0.49": "100"}, {"0.51": "25", "0.52": "100"})
    terms = attrs.evolve(TERMS, min_size=size("25"))

    # (25 * 4 + 100 * 1) / 9 = 22.2 of asks, 44.4 of bids: 22.2 + 7.4; ours are 44.4.
    assert of_a_minute(6, 10) == liquidity_sample(terms, book, [BID, ASK])


@pytest.mark.parametrize(
    ("bid", "ask", "mine", "expected"),
    [
        # The midpoint 0.10 still pays one side; the others there score 11.1 on both.
        ("0.08", "0.12", [quoted(Side.BID, "0.09")], (4, 7)),
        ("0.88", "0.92", [quoted(Side.BID, "0.89")], (4, 7)),
        # Below it and above it both sides are needed.
        ("0.07", "0.11", [quoted(Side.BID, "0.08")], (0, 1)),
        ("0.89", "0.93", [quoted(Side.BID, "0.90")], (0, 1)),
        ("0.07", "0.11", [quoted(Side.BID, "0.08"), quoted(Side.ASK, "0.10")], (4, 5)),
    ],
)
def test_far_out_both_sides_are_needed(
    bid: str, ask: str, mine: list[Quoted], expected: tuple[int, int]
) -> None:
    """One side counts from 0.10 to 0.90, both ends included."""
    book = a_whole_book({bid: "100"}, {ask: "100"})

    assert of_a_minute(*expected) == liquidity_sample(TERMS, book, mine)


def test_small_orders_do_not_move_the_midpoint() -> None:
    """The best bid of 49 contracts is passed over; as an opponent it still counts."""
    book = a_whole_book({"0.48": "100", "0.50": "49"}, {"0.52": "100"})

    # Ours 44.4 and 44.4; the others' bids 11.1 + 49 = 60.1, asks 11.1: 11.1 + 49 / 3.
    ours, others = 3 * 400, 3 * 100 + 441
    assert of_a_minute(ours, ours + others) == liquidity_sample(TERMS, book, [BID, ASK])


@pytest.mark.parametrize(
    "book",
    [
        pytest.param(Book(), id="not whole"),
        pytest.param(a_whole_book({"0.53": "100"}, {"0.52": "100"}), id="crossed"),
        pytest.param(a_whole_book({"0.48": "100"}, {}), id="one side"),
        pytest.param(a_whole_book({"0.48": "49"}, {"0.52": "100"}), id="too small"),
    ],
)
def test_without_a_midpoint_nothing_is_earned(book: Book) -> None:
    """What cannot be scored is not claimed."""
    assert NO_MONEY == liquidity_sample(TERMS, book, [BID, ASK])


@pytest.mark.parametrize(("low", "high"), [("0.47", "0.49"), ("0.51", "0.53"), ("0.46", "0.48")])
def test_what_the_other_side_has_reached_does_not_rest(low: str, high: str) -> None:
    """The book moved to or past one of our orders: at the venue it would have been taken."""
    book = a_whole_book({low: "100"}, {high: "100"})
    reached, left = (BID, ASK) if high <= "0.49" else (ASK, BID)

    assert NO_MONEY == liquidity_sample(TERMS, book, [reached])
    both = liquidity_sample(TERMS, book, [reached, left])
    assert liquidity_sample(TERMS, book, [left]) == both


def test_a_day_alone_pays_the_day() -> None:
    """1,440 minutes against nobody near are the daily amount, but for rounding."""
    book = a_whole_book({"0.01": "100"}, {"0.99": "100"})
    day = SAMPLES_PER_DAY * liquidity_sample(TERMS, book, [BID, ASK])

    assert money("100") - SAMPLES_PER_DAY < day <= money("100")


# -- the day -------------------------------------------------------------------------------------


def test_a_day_is_paid_by_kind_and_market() -> None:
    """Each line has its own name; the next day starts from nothing."""
    book = RewardBook()
    assert [] == book.close_day(NOON)
    book.earn(LIQUIDITY, "M-2", money("0.7"))
    book.earn(LIQUIDITY, "M-1", money("0.300000999999"))
    book.earn(REBATE, "M-1", money("2"))
    assert [] == book.close_day(Micros(MIDNIGHT - 1))
    paid = book.close_day(MIDNIGHT)

    assert [
        ("liquidity_reward-2026-01-05-M-1", "M-1", money("0.3")),
        ("liquidity_reward-2026-01-05-M-2", "M-2", money("0.7")),
        ("maker_rebate-2026-01-05-M-1", "M-1", money("2")),
    ] == [(payment.name, payment.market, payment.amount) for payment in paid]
    assert [] == book.close_day(Micros(MIDNIGHT + 24 * HOUR))


def test_less_than_a_dollar_a_day_is_not_paid() -> None:
    """All markets of a kind together decide; a kind that has enough does not help another."""
    book = RewardBook()
    book.close_day(NOON)
    book.earn(LIQUIDITY, "M-1", Money(money("1") - 1))
    book.earn(REBATE, "M-1", money("1"))

    assert [REBATE] == [payment.kind for payment in book.close_day(MIDNIGHT)]


# -- the desk ------------------------------------------------------------------------------------


@attrs.define(eq=False)
class Desk:
    """A rewarded desk around a scripted one, in a market with rewards."""

    inner: ScriptedExecution
    desk: RewardedExecution
    world: World

    def rest(self, name: str, side: Side, at: str, **signal: Any) -> None:
        """Send an order of a hundred contracts that rests on this side of the YES book."""
        leg = Leg.YES if side is Side.BID else Leg.NO
        limit = price(at) if side is Side.BID else Price(1_000_000 - price(at))
        wish = a_signal(leg=leg, price=limit, **signal)
        self.desk.submit(an_intent(name, a_draft(wish, size=size("100"))), NOON)

    def day(self, *facts: Fact) -> dict[str, Money]:
        """Tell facts, look once within a minute and once after midnight; return what is paid."""
        self.inner.say(*facts)
        self.desk.collect(Micros(NOON + MINUTE))
        told = self.desk.collect(MIDNIGHT)
        return {fact.kind: fact.amount for fact in told if isinstance(fact, Rewarded)}


def a_desk(
    *answers: Any,
    capabilities: frozenset[Capability] = FULL,
    market: Market = MARKET,
    travel: Duration = Duration(0),
) -> Desk:
    """Return a desk at noon, whose minute was looked at already."""
    # So much a day that one minute is worth more than the least that is paid.
    terms = None if market.reward is None else attrs.evolve(market.reward, daily=money("14400"))
    world, inner = World(), ScriptedExecution(*answers)
    tell(
        [
            announced(attrs.evolve(market, reward=terms)),
            a_book(bids={"0.48": "100"}, asks={"0.52": "100"}),
        ],
        world,
    )
    desk = RewardedExecution(inner, world, capabilities, travel)
    desk.collect(NOON)
    return Desk(inner, desk, world)


def a_trade(name: str, quantity: str = "100", **changes: Any) -> Filled:
    """Return a maker fill at 0.50."""
    trade = Filled(
        intent=name,
        fill=f"{name}-1",
        price=price("0.5"),
        size=size(quantity),
        cost=money("50"),
        fee=NO_MONEY,
        liquidity=Style.MAKER,
        at=NOON,
    )
    return attrs.evolve(trade, **changes)


def test_what_rests_earns() -> None:
    """Bid and offer a cent away: four fifths of ten dollars a minute, paid after midnight."""
    desk = a_desk()
    desk.rest("i-1", Side.BID, "0.49")
    desk.rest("i-2", Side.ASK, "0.51")

    # Two looks: a minute after noon, and just after midnight, when that day's minute counts.
    assert {LIQUIDITY: money("8")} == desk.day()


@pytest.mark.parametrize(("minutes", "expected"), [(1, {}), (2, {LIQUIDITY: money("8")})])
def test_what_is_on_its_way_earns_nothing(minutes: int, expected: dict[str, Money]) -> None:
    """An order that needs two minutes to the venue has no part in the minute between."""
    desk = a_desk(travel=Duration(2 * MINUTE))
    desk.rest("i-1", Side.BID, "0.49")
    desk.rest("i-2", Side.ASK, "0.51")
    desk.desk.collect(Micros(NOON + minutes * MINUTE))
    gone = (Cancelled("i-1", "post_only_cross"), Cancelled("i-2", "post_only_cross"))
    desk.inner.say(*gone)

    told = desk.desk.collect(MIDNIGHT)

    assert expected == {fact.kind: fact.amount for fact in told if isinstance(fact, Rewarded)}


def test_a_minute_is_sampled_once() -> None:
    """Many looks within a minute are one sample; a minute without a look earns nothing."""
    desk = a_desk()
    desk.rest("i-1", Side.BID, "0.49")
    desk.rest("i-2", Side.ASK, "0.51")
    for microsecond in range(3):
        desk.desk.collect(Micros(NOON + 10 * MINUTE + microsecond))
    (paid,) = [fact for fact in desk.desk.collect(MIDNIGHT) if isinstance(fact, Rewarded)]

    assert money("8") == paid.amount


def test_a_sale_of_no_rests_on_the_bid() -> None:
    """Whoever sells NO buys YES: with an offer it makes a two-sided quote."""
    desk = a_desk()
    sale = a_signal(leg=Leg.NO, price=price("0.51"), purpose=Purpose.EXIT)
    desk.desk.submit(an_intent("i-1", a_draft(sale, size=size("100"))), NOON)
    desk.rest("i-2", Side.ASK, "0.51")

    assert {LIQUIDITY: money("8")} == desk.day()


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param((Cancelled("i-1", "expired"),), id="cancelled"),
        pytest.param((a_trade("i-1", liquidity=Style.TAKER),), id="filled"),
        pytest.param((a_trade("i-1", "51", liquidity=Style.TAKER),), id="too little is left"),
        pytest.param((Refused("i-1", "never_arrived"),), id="never was"),
    ],
)
def test_what_is_gone_earns_nothing(facts: tuple[Fact, ...]) -> None:
    """An order that ended, or of which too little is left, does not count."""
    desk = a_desk()
    desk.rest("i-1", Side.BID, "0.49")

    assert {} == desk.day(*facts)


@pytest.mark.parametrize(
    ("answer", "facts", "earns"),
    [
        (Unknown("timeout"), (), False),
        (Unknown("timeout"), (Confirmed("i-1", "v-1"),), True),
        (Rejected("no"), (), False),
        (Accepted("v-1"), (), True),
    ],
)
def test_doubt_earns_nothing(answer: Any, facts: tuple[Fact, ...], *, earns: bool) -> None:
    """Only an order that is known to rest is scored."""
    desk = a_desk(answer)
    desk.rest("i-1", Side.BID, "0.49")

    assert earns is (LIQUIDITY in desk.day(*facts))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, {REBATE: money("1.4")}), ({"provisional": True}, {}), ({"liquidity": Style.TAKER}, {})],
)
def test_a_maker_fill_earns_its_rebate(changes: dict[str, Any], expected: dict[str, Money]) -> None:
    """400 at 0.50 earn four times 0.35 dollars; what is provisional or taken earns none."""
    desk = a_desk(market=attrs.evolve(MARKET, reward=None))
    for number in range(4):
        desk.rest(f"i-{number}", Side.BID, "0.49")

    assert expected == desk.day(*(a_trade(f"i-{number}", **changes) for number in range(4)))


@pytest.mark.parametrize(
    ("capabilities", "earns"),
    [
        (frozenset({Capability.L2_STREAM}), True),
        (frozenset({Capability.L2_POLLED}), True),
        (frozenset({Capability.TOP_OF_BOOK, Capability.PRINTS}), False),
        (frozenset({Capability.QUOTES}), False),
    ],
)
def test_without_depth_nothing_is_claimed(
    capabilities: frozenset[Capability], *, earns: bool
) -> None:
    """Who the others are can only be estimated from a displayed book."""
    desk = a_desk(capabilities=capabilities)
    desk.rest("i-1", Side.BID, "0.49")

    assert earns is (LIQUIDITY in desk.day())


@pytest.mark.parametrize("status", [MarketStatus.PAUSED, MarketStatus.CLOSED])
def test_a_market_that_is_not_open_pays_nothing(status: MarketStatus) -> None:
    """Its book is a memory."""
    desk = a_desk()
    desk.rest("i-1", Side.BID, "0.49")
    tell([("status", "M-1", status, NOON)], desk.world)

    assert {} == desk.day()


def test_everything_else_is_the_inner_desks() -> None:
    """Cancels and facts go through as they are."""
    desk = a_desk()
    desk.desk.cancel("i-9", NOON)
    fact = Cancelled("i-9", "gone")
    desk.inner.say(fact)

    assert ["i-9"] == desk.inner.cancels
    assert [fact] == list(desk.desk.collect(NOON))
    assert VenueCapabilities() == desk.desk.abilities
    with pytest.raises(NotImplementedError):
        desk.desk.merge("m-1", "M-1", size("1"), NOON)
