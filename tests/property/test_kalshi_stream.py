"""Histories of an exchange, told with losses, repetitions and breaks: what is whole is true."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain.numbers import SECOND
from tests.fakes.kalshi_client import WaitingClock
from tests.fakes.kalshi_frames import VenueFrames
from tests.fakes.kalshi_streaming import Streaming

TICKERS = ["KXTEMP-26DEC01-T50", "KXTEMP-26DEC01-B52", "KXRAIN-26DEC01-Y"]

changes = st.tuples(
    st.just("change"),
    st.sampled_from(TICKERS),
    st.sampled_from(["yes", "no"]),
    st.integers(1, 3),
    st.integers(0, 500),
    st.sampled_from(["tell", "tell", "tell", "lose", "repeat", "hold"]),
)
trades = st.tuples(
    st.just("trade"), st.sampled_from(TICKERS), st.integers(1, 99), st.integers(1, 500)
)
fates = st.tuples(
    st.just("fates"),
    st.lists(st.sampled_from(["tell", "lose", "repeat", "hold"]), min_size=1, max_size=4),
)
watches = st.tuples(st.sampled_from(["watch", "drop"]), st.sampled_from(TICKERS))
others = st.tuples(st.sampled_from(["break", "release", "fence", "wait", "error"]))
quiet = st.tuples(st.sampled_from(["drain", "settle"]))
# Books that move and a few losses, most of the time: what breaks everything comes last in the list.
steps = st.one_of(changes, changes, changes, fates, changes, quiet, trades, watches, others)
histories = st.lists(steps, min_size=5, max_size=60)


def play(streaming: Streaming, venue: VenueFrames, step: tuple[object, ...]) -> None:
    match step:
        case ("change", str(ticker), str(side), int(cents), int(size), str(fate)):
            venue.fates.append(fate)
            venue.change(ticker, side, cents, size)
        case ("trade", str(ticker), int(cents), int(size)):
            venue.trade(ticker, cents, size)
        case ("fates", list(chosen)):
            venue.fates.extend(chosen)
        case ("watch", str(ticker)):
            streaming.watch(ticker)
        case ("drop", str(ticker)):
            streaming.stream.drop([ticker])
        case (str(name),):
            simple(streaming, venue)[name]()
        case _:
            raise AssertionError(step)
    streaming.clock.pass_by(SECOND // 100)


def simple(streaming: Streaming, venue: VenueFrames) -> dict[str, Callable[[], object]]:
    """Return what can happen that needs no details."""
    return {
        "drain": streaming.now,
        "settle": streaming.settle,
        "wait": lambda: streaming.after(3),
        "break": venue.lose,
        "release": venue.release,
        "error": venue.overflow,
        "fence": lambda: fence(streaming, venue),
    }


def fence(streaming: Streaming, venue: VenueFrames) -> None:
    """Let everything that was withheld show, and compare."""
    streaming.settle()
    venue.fence()
    streaming.now()
    check(streaming, venue)


def check(streaming: Streaming, venue: VenueFrames) -> None:
    """Compare every book that claims to be whole with the truth."""
    for name in TICKERS:
        book = streaming.sink.books.get(name)
        if book is not None and book.whole and name in streaming.stream.watched:
            bids, asks = venue.levels(name)
            assert (bids, asks) == (book.bids, book.asks), name


@given(history=histories)
def test_what_is_whole_is_true(history: list[tuple[object, ...]]) -> None:
    """Whatever gets lost, comes twice, late or from an old channel: no whole book is wrong."""
    clock = WaitingClock()
    venue = VenueFrames(clock, TICKERS)
    streaming = Streaming(clock, venue, TICKERS)
    streaming.watch(*TICKERS[:2])
    venue.connect()
    streaming.settle()
    for step in history:
        play(streaming, venue, step)
    play(streaming, venue, ("fence",))


@given(history=histories)
def test_it_gets_well_again(history: list[tuple[object, ...]]) -> None:
    """Once trouble is over, every watched book becomes whole, and true."""
    clock = WaitingClock()
    venue = VenueFrames(clock, TICKERS)
    streaming = Streaming(clock, venue, TICKERS)
    streaming.watch(*TICKERS)
    venue.connect()
    streaming.settle()
    for step in history:
        play(streaming, venue, step)
    venue.fates.clear()
    streaming.watch(*TICKERS)
    for _ in range(30):
        venue.change(TICKERS[0], "yes", 1, clock.now_ms() % 400 + 1)
        streaming.after(1)
    play(streaming, venue, ("fence",))

    assert {True} == {streaming.sink.books[name].whole for name in TICKERS}
