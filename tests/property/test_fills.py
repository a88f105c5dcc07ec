"""Paper fills against a shop that sells contract by contract, and fees against fractions."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.core.domain.book import Level, Side
from market_bot.core.domain.fees import fee, fee_bound
from market_bot.core.domain.fills.taker import walk
from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Price, Size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Filled
from market_bot.core.ports.market_data import Capability
from tests.fakes.builders import a_draft, a_market, a_signal, an_intent, announced, cents
from tests.fakes.clock import NOON, after
from tests.fakes.market_data import FULL
from tests.fakes.recording_sink import Fact, tell

levels = st.dictionaries(st.integers(1, 9), st.integers(0, 5), max_size=5)
unit = Size(10**6)


@given(levels, levels, st.integers(0, 10), st.integers(0, 20), st.booleans())
def test_a_taker_gets_what_a_shop_would_sell(
    shown: dict[int, int], used: dict[int, int], limit: int, wanted: int, selling: bool
) -> None:
    """One contract at a time: the best that is left, as long as it is within the limit."""
    shelf = sorted(
        (at for at, size in shown.items() for _ in range(size - used.get(at, 0))), reverse=selling
    )
    fitting = [at for at in shelf if (at >= limit if selling else at <= limit)][:wanted]
    offered = [Level(Price(at), Size(shown[at])) for at in sorted(shown, reverse=selling)]
    taken = {Price(at): Size(size) for at, size in used.items()}

    got = walk(offered, taken, Price(limit), Size(wanted), selling=selling)

    assert fitting == [int(level.price) for level in got for _ in range(level.size)]


def an_order(
    number: int, leg: Leg, purpose: Purpose, style: Style, at: int, quantity: int, life: int
) -> Intent:
    """Return an intent at whole dimes."""
    signal = a_signal(leg=leg, purpose=purpose, style=style, price=cents(10 * at))
    draft = a_draft(signal, size=Size(quantity * 10**6))
    return an_intent(f"i-{number}", draft, expires_at=after(life))


orders = st.builds(
    an_order,
    st.just(0),
    st.sampled_from(Leg),
    st.sampled_from(Purpose),
    st.sampled_from(Style),
    st.sampled_from([3, 4, 5, 5, 5, 6, 7]),
    st.integers(1, 9),
    st.integers(0, 12),
)
prints = st.tuples(st.sampled_from(Side), st.integers(3, 7), st.integers(1, 9))
sides = st.dictionaries(st.integers(1, 9), st.integers(1, 9), max_size=3)
steps = st.lists(
    st.one_of(orders, orders, prints, prints, st.tuples(sides, sides), st.just("collect")),
    min_size=8,
    max_size=30,
)


def a_book_of(bids: dict[int, int], asks: dict[int, int], at: Micros) -> Fact:
    """Return a book of whole dimes; levels that would cross are left out."""
    top = min(asks, default=10)
    return (
        "book",
        "M-1",
        {cents(10 * p): Size(s * 10**6) for p, s in bids.items() if p < top},
        {cents(10 * p): Size(s * 10**6) for p, s in asks.items()},
        at,
        None,
    )


class Auditor:
    """Feeds a paper desk and looks at every fill it claims."""

    def __init__(self, capabilities: frozenset[Capability]) -> None:
        self.world = World()
        self.desk = PaperExecution(self.world, capabilities)
        self.capabilities = capabilities
        self.sent: dict[str, Intent] = {}
        self.fills: list[Filled] = []
        self.printed = self.made = 0
        self.displayed: dict[tuple[Side, int], int] = {}
        self.taken: dict[tuple[Side, int], int] = {}
        tell([announced(a_market())], self.world)
        self.show({4: 9}, {6: 9}, NOON)

    def show(self, bids: dict[int, int], asks: dict[int, int], at: Micros) -> None:
        """Replace the book."""
        self.collect(at)
        tell([a_book_of(bids, asks, at)], self.world)
        book = self.world.seen["M-1"].book
        self.displayed = {(Side.BID, p): s for p, s in book.bids.items()}
        self.displayed |= {(Side.ASK, p): s for p, s in book.asks.items()}
        # The pessimistic desk remembers longer than this; a new book may show new contracts.
        self.taken.clear()

    def send(self, intent: Intent, at: Micros) -> None:
        """Send an order."""
        self.sent[intent.id] = intent
        self.desk.submit(intent, at)
        if intent.draft.signal.style is Style.TAKER:
            self.collect(at)

    def print(self, taker: Side, price: Price, size: Size, at: Micros) -> None:
        """Let others trade."""
        self.printed += size
        tell([("trade", "M-1", taker, price, size, at, None)], self.world)

    def collect(self, at: Micros) -> None:
        """Look at what the desk claims by now."""
        for fact in self.desk.collect(at):
            if isinstance(fact, Filled):
                self.fills.append(fact)
                self._check(fact, self.sent[fact.intent])

    def _check(self, fact: Filled, intent: Intent) -> None:
        signal = intent.draft.signal
        beyond = fact.price - signal.price
        assert beyond <= 0 if signal.purpose is Purpose.ENTRY else beyond >= 0
        assert fact.cost == fact.price * fact.size
        if fact.liquidity is Style.MAKER:
            assert Capability.PRINTS in self.capabilities
            assert fact.at < intent.expires_at
            self.made += fact.size
            return
        buys_yes = (signal.leg is Leg.YES) == (signal.purpose is Purpose.ENTRY)
        in_yes = fact.price if signal.leg is Leg.YES else ONE_DOLLAR - fact.price
        place = (Side.ASK if buys_yes else Side.BID, in_yes)
        self.taken[place] = self.taken.get(place, 0) + fact.size
        assert self.taken[place] <= self.displayed.get(place, 0)


SOURCES = [
    FULL,
    frozenset({Capability.L2_POLLED}),
    frozenset({Capability.TOP_OF_BOOK, Capability.PRINTS}),
    frozenset({Capability.QUOTES, Capability.PRINTS}),
]


@given(steps, st.sampled_from(SOURCES))
def test_paper_claims_nothing_it_cannot_have(
    script: list[object], capabilities: frozenset[Capability]
) -> None:
    """Takers get what is displayed, once, within their limit; makers what is printed, in time.

    Displayed contracts are shared by both legs, prints by all our orders; without prints nothing
    that rests is filled, and without sizes nothing at all.
    """
    auditor = Auditor(capabilities)
    for number, step in enumerate(script, start=1):
        now = after(number)
        match step:
            case Intent():
                auditor.send(an_intent(f"i-{number}", step.draft, expires_at=step.expires_at), now)
            case (Side() as side, int(at), int(quantity)):
                auditor.print(side, cents(10 * at), Size(quantity * 10**6), now)
            case (dict() as bids, dict() as asks):
                auditor.show(bids, asks, now)
            case _:
                auditor.collect(now)
    auditor.collect(after(99))

    assert auditor.made <= auditor.printed
    for name, intent in auditor.sent.items():
        mine = [fill for fill in auditor.fills if fill.intent == name]
        assert sum(fill.size for fill in mine) <= intent.draft.size
        assert len({fill.fill for fill in mine}) == len(mine)
    if Capability.QUOTES in capabilities:
        assert [] == auditor.fills


def test_the_auditor_sees_fills() -> None:
    """Both kinds of fill occur in what is audited."""
    auditor = Auditor(FULL)
    auditor.send(an_order(1, Leg.YES, Purpose.ENTRY, Style.TAKER, 6, 5, 9), NOON)
    auditor.send(an_intent("i-2", a_draft(a_signal(price=cents(50)))), NOON)
    auditor.print(Side.ASK, cents(50), Size(10**6), NOON)
    auditor.collect(NOON)

    assert {Style.TAKER, Style.MAKER} == {fill.liquidity for fill in auditor.fills}


schedules = st.one_of(
    st.builds(
        FeeSchedule,
        st.just(FeeModel.KALSHI_QUADRATIC),
        st.sampled_from([70_000, 35_000, 0]),
        st.sampled_from([17_500, 0]),
    ),
    st.builds(
        FeeSchedule,
        st.just(FeeModel.POLYMARKET_CURVE),
        st.sampled_from([50_000, 20_000, 250_000]),
        st.just(0),
        st.integers(1, 2),
    ),
    st.just(FeeSchedule()),
)
prices = st.integers(1, 999).map(lambda tenths: Price(tenths * 1_000))
quantities = st.one_of(
    st.integers(1, 2_000).map(lambda n: Size(n * 10**6)),
    st.integers(1, 10**9).map(Size),
)
styles = st.sampled_from(Style)


def exact(schedule: FeeSchedule, at: Price, quantity: Size, style: Style) -> Fraction:
    """Return the fee by the formula, in dollars, without any rounding."""
    rate = schedule.taker_rate if style is Style.TAKER else schedule.maker_rate
    if schedule.model is FeeModel.NONE:
        return Fraction(0)
    p = Fraction(at, 10**6)
    power = schedule.exponent if schedule.model is FeeModel.POLYMARKET_CURVE else 1
    return Fraction(quantity, 10**6) * Fraction(rate, 10**6) * (p * (1 - p)) ** power


@given(schedules, prices, quantities, styles, st.booleans())
def test_fees_are_the_formula_rounded(
    schedule: FeeSchedule, at: Price, quantity: Size, style: Style, selling: bool
) -> None:
    """A fee is never negative and differs from the formula by less than the venue's grids."""
    charged = Fraction(fee(schedule, at, quantity, style, selling=selling), 10**12)
    formula = exact(schedule, at, quantity, style)

    assert charged >= 0
    assert formula > 0 or charged == 0
    if schedule.model is FeeModel.KALSHI_QUADRATIC:
        assert formula <= charged < formula + Fraction(101, 10**6) or not formula
        moved = Fraction(at * quantity, 10**12)
        cash = moved - charged if selling else moved + charged
        assert not formula or (cash * 10_000).denominator == 1
    elif schedule.model is FeeModel.POLYMARKET_CURVE:
        assert abs(charged - formula) <= Fraction(1, 10**5)
        assert not formula or charged >= Fraction(1, 10**5)


@given(schedules, prices, st.integers(1, 2_000), styles)
def test_fees_are_the_same_for_both_legs(
    schedule: FeeSchedule, at: Price, quantity: int, style: Style
) -> None:
    """Whole contracts of YES at p cost what whole contracts of NO at one minus p cost."""
    size, other = Size(quantity * 10**6), Price(ONE_DOLLAR - at)

    assert fee(schedule, at, size, style, selling=False) == fee(
        schedule, other, size, style, selling=False
    )


@given(schedules, prices, quantities, quantities, styles)
def test_fees_grow_with_size(
    schedule: FeeSchedule, at: Price, quantity: Size, more: Size, style: Style
) -> None:
    """A larger trade costs at least as much, up to one step of the cash grid."""
    small = fee(schedule, at, quantity, style, selling=False)
    large = fee(schedule, at, Size(quantity + more), style, selling=False)

    assert small <= large + 10**8


@given(schedules, prices, prices, quantities, st.lists(st.integers(1, 99), max_size=40), styles)
def test_the_bound_holds_for_every_way_to_fill(
    schedule: FeeSchedule, limit: Price, at: Price, quantity: Size, parts: list[int], style: Style
) -> None:
    """An order at or below its limit, whole or in some dozens of parts, stays within its bound."""
    at = min(at, limit)
    bound = fee_bound(schedule, limit, quantity)
    left, charged = int(quantity), 0
    for part in parts:
        piece = max(1, quantity * part // 1_000)
        if piece >= left:
            break
        left -= piece
        charged += fee(schedule, at, Size(piece), style, selling=False)
    charged += fee(schedule, at, Size(left), style, selling=False)

    assert charged <= bound
    assert fee(schedule, at, quantity, style, selling=False) <= bound
