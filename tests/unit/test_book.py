"""The book of one market."""

from market_bot.core.domain.book import Book, Level, Side
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, Price, Size
from tests.fakes.builders import cents, contracts

AT = Micros(7)


def a_whole_book() -> Book:
    """Return two levels on each side."""
    book = Book()
    bids = {cents(47): contracts(5), cents(48): contracts(3), cents(40): Size(0)}
    book.replace(bids, {cents(52): contracts(4), cents(53): contracts(6)}, AT)
    return book


def test_snapshot_replaces() -> None:
    """Nothing of the earlier book is left, and empty levels are none."""
    book = a_whole_book()

    book.replace({cents(10): contracts(1)}, {}, Micros(8))

    assert ({cents(10): contracts(1)}, {}) == (book.bids, book.asks)
    assert (cents(10), None) == (book.best_bid, book.best_ask)
    assert 8 == book.changed_at
    assert book.whole


def test_levels_by_leg() -> None:
    """Offers come cheapest first, demand dearest first, in the leg's own price."""
    book = a_whole_book()

    assert [Level(cents(52), contracts(4)), Level(cents(53), contracts(6))] == book.offers(Leg.YES)
    assert [Level(cents(52), contracts(3)), Level(cents(53), contracts(5))] == book.offers(Leg.NO)
    assert [Level(cents(48), contracts(3)), Level(cents(47), contracts(5))] == book.demand(Leg.YES)
    assert [Level(cents(48), contracts(4)), Level(cents(47), contracts(6))] == book.demand(Leg.NO)


def test_prices_by_leg() -> None:
    """Buying NO meets the bids, selling NO the asks."""
    book = a_whole_book()

    assert (cents(52), cents(52)) == (book.buy_price(Leg.YES), book.buy_price(Leg.NO))
    assert (cents(48), cents(48)) == (book.sell_price(Leg.YES), book.sell_price(Leg.NO))
    assert cents(50) == book.mid()
    assert contracts(3) == book.displayed(Leg.YES, cents(48))
    assert contracts(6) == book.displayed(Leg.NO, cents(47))
    assert Size(0) == book.displayed(Leg.NO, cents(1))
    assert Size(0) == book.displayed(Leg.YES, cents(1))


def test_best_prices_follow() -> None:
    """The best price moves when its level goes or a better one comes, and only then."""
    book = a_whole_book()

    book.set_bid(cents(48), Size(0), AT)
    book.set_ask(cents(51), contracts(1), AT)
    book.set_ask(cents(60), contracts(1), AT)
    book.set_bid(cents(30), Size(0), AT)

    assert (cents(47), cents(51)) == (book.best_bid, book.best_ask)
    book.set_ask(cents(51), Size(0), AT)
    assert cents(52) == book.best_ask


def test_a_gap_leaves_nothing() -> None:
    """After a gap there are no prices at all until a snapshot comes."""
    book = a_whole_book()

    book.lose()

    assert not book.whole
    assert [None] * 5 == [
        book.mid(),
        book.buy_price(Leg.YES),
        book.buy_price(Leg.NO),
        book.sell_price(Leg.YES),
        book.sell_price(Leg.NO),
    ]
    assert [] == book.offers(Leg.NO)


def test_crossed() -> None:
    """A book is crossed when somebody bids what somebody asks, or more."""
    book = a_whole_book()

    before = book.crossed
    book.set_bid(cents(52), contracts(1), AT)
    met = book.crossed
    book.lose()

    assert [False, True, False] == [before, met, book.crossed]


def test_mid_is_rounded_down() -> None:
    """Half a millionth is dropped."""
    book = Book()
    book.replace({Price(1): Size(1)}, {Price(2): Size(1)}, AT)

    assert Price(1) == book.mid()


def test_sides() -> None:
    """Each side is the other's other."""
    assert (Side.ASK, Side.BID) == (Side.BID.other, Side.ASK.other)
