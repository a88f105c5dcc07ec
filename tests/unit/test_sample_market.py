"""The sample market: honest as a market, the same everywhere, and part of the package."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from market_bot.adapters.simulated import sample_market
from market_bot.adapters.simulated.sample_market import (
    BEGINS,
    LASTS,
    VENUE,
    Answer,
    Quantity,
    play_sample,
    sample_tape,
)
from market_bot.adapters.simulated.sample_quotes import quoted
from market_bot.adapters.storage.tape import TapeReader
from market_bot.adapters.storage.tape_frames import read_frames
from market_bot.bootstrap.record_sample import main, record_sample
from market_bot.core.domain.book import Book, Side
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Price, Probability
from tests.fakes.fact_sink import FactSink
from tests.fakes.recording_sink import Fact, RecordingSink

ROOT = Path(__file__).parents[2]
BYTES_MAX = 150_000


@pytest.fixture(scope="module")
def facts() -> list[Fact]:
    """Return the facts of the shipped afternoon, as generated."""
    sink = RecordingSink()
    play_sample(sink)
    return sink.facts


def content(path: Path) -> bytes:
    """Return a tape's lines."""
    with path.open("rb") as file:
        return b"".join(frame for frame, _ in read_frames(file, path.name))


def replayed(facts: list[Fact]) -> list[tuple[Fact, Book]]:
    """Return every fact about a book together with the book before it."""
    books: dict[str, Book] = {}
    before = []
    for fact in facts:
        kind, *rest = fact
        if kind == "gap":
            for book in books.values():
                book.lose()
        if kind not in ("book", "delta", "trade"):
            continue
        book = books.setdefault(rest[0], Book())
        before.append((fact, Book(dict(book.bids), dict(book.asks), book.best_bid, book.best_ask)))
        if kind == "book":
            book.replace(rest[1], rest[2], rest[3])
        elif kind == "delta":
            change = book.set_bid if rest[1] is Side.BID else book.set_ask
            change(rest[2], rest[3], rest[4])
    return before


def test_the_shipped_tape_is_what_the_generator_makes(tmp_path: Path) -> None:
    """Recording anew gives every byte of the shipped lines.

    Lines are compared, not frames: another release of libzstd may compress them otherwise.
    """
    assert 0 == main([str(tmp_path / "again")])

    assert content(sample_tape()) == content(tmp_path / "again")


def test_recording_twice_gives_the_same_file(tmp_path: Path) -> None:
    """With the same library the files are equal too."""
    record_sample(tmp_path / "one")
    record_sample(tmp_path / "two")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_another_seed_is_another_afternoon(facts: list[Fact]) -> None:
    """The seed decides."""
    other = RecordingSink()
    play_sample(other, sample_market.SEED + 1)

    assert facts != other.facts


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["/nowhere/at/all"]])
def test_recording_says_what_is_wrong(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong call or an unwritable place gives one line and a failing exit code."""
    assert main(arguments)
    assert 1 == len(capsys.readouterr().err.splitlines())


def test_the_shipped_tape_is_small_and_readable() -> None:
    """The tape has the size of a picture and plays to its end."""
    sink = FactSink(keep=False)
    tape = TapeReader(sample_tape())
    tape.open().push(sink, Micros(BEGINS + LASTS * 1_000_000))

    assert VENUE == tape.header.venue
    assert sample_market.CAPABILITIES == tape.header.capabilities
    assert sample_tape().stat().st_size <= BYTES_MAX
    assert 15_000 <= sum(sink.kinds.values()) <= 40_000


def test_the_wheel_holds_the_tape() -> None:
    """Who installs the package gets the tape."""
    inside = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}

    assert "market_bot/adapters/simulated/sample.tape.zst" in inside


def test_time_moves_forward_within_the_afternoon(facts: list[Fact]) -> None:
    """No fact comes before the one ahead of it, and none outside the afternoon."""
    timed_last = ("meta", "status", "resolution", "gap")
    times = [fact[-1] if fact[0] in timed_last else fact[-2] for fact in facts]

    assert times == sorted(times)
    assert BEGINS == times[0]
    assert times[-1] <= BEGINS + LASTS * 1_000_000


def test_every_market_opens_closes_and_resolves_once(facts: list[Fact]) -> None:
    """Each market lives through its whole life in order, and closes when it was announced to."""
    lives: dict[str, list[object]] = {}
    for kind, *rest in facts:
        if kind == "meta":
            market, received = rest
            assert market.open_at == received
            lives[market.id] = ["meta", market.close_at]
        elif kind == "status":
            name, status, received = rest
            assert status is MarketStatus.OPEN or received == lives[name][1]
            lives[name].append(status)
        elif kind == "resolution":
            lives[rest[0]].append("resolved")

    assert len(lives) >= 20
    for life in lives.values():
        assert ["meta", MarketStatus.OPEN, MarketStatus.CLOSED, "resolved"] == life[:1] + life[2:]


def test_nothing_happens_in_a_market_that_is_not_open(facts: list[Fact]) -> None:
    """Books and prints come only between opening and close."""
    is_open: set[str] = set()
    for kind, *rest in facts:
        if kind == "status" and rest[1] is MarketStatus.OPEN:
            is_open.add(rest[0])
        elif kind == "status":
            is_open.discard(rest[0])
        elif kind in ("book", "delta", "trade"):
            assert rest[0] in is_open


def test_events_end_as_their_terms_promise(facts: list[Fact]) -> None:
    """Where exactly one market must end YES one does; nested ones never contradict each other."""
    markets = {rest[0].id: rest[0] for kind, *rest in facts if kind == "meta"}
    paid: dict[str, list[Price]] = {}
    for kind, *rest in facts:
        if kind == "resolution":
            paid.setdefault(markets[rest[0]].event, []).append(rest[1])
    partitions = {market.event for market in markets.values() if market.exhaustive}

    assert {market.event for market in markets.values() if market.at_most_one} == partitions
    assert 3 == len(partitions)
    for event, payouts in paid.items():
        assert set(payouts) <= {0, ONE_DOLLAR}
        if event in partitions:
            assert 1 == payouts.count(ONE_DOLLAR)
        else:
            assert payouts == sorted(payouts, reverse=True)


def test_books_are_sound(facts: list[Fact]) -> None:
    """No book is ever crossed, deltas only follow a whole book, and prices are on the grid."""
    sink = FactSink()
    play_sample(sink)

    assert 0 == sink.crossed
    assert all(
        price % 10_000 == 0 and 0 < price < ONE_DOLLAR
        for kind, *rest in facts
        if kind == "delta"
        for price in [rest[2]]
    )


def test_prints_take_what_is_displayed(facts: list[Fact]) -> None:
    """A print is at the best price of the other side, and no larger than what was shown there."""
    prints = [(fact, book) for fact, book in replayed(facts) if fact[0] == "trade"]

    assert prints
    for (_, _, taker, price, size, *_), book in prints:
        best = book.best_ask if taker is Side.BID else book.best_bid
        shown = book.asks if taker is Side.BID else book.bids
        assert price == best
        assert 0 < size <= shown[price]
        assert size <= 40_000_000


def test_the_gap_is_silent_and_ends_with_whole_books(facts: list[Fact]) -> None:
    """After the gap every open market is shown anew, and for a while before it nothing came."""
    at = next(n for n, fact in enumerate(facts) if fact[0] == "gap")
    after = []
    for fact in facts[at + 1 :]:
        if fact[0] != "book":
            break
        after.append(fact[1])
    silence = facts[at][3] - facts[at - 1][-2]
    is_open: set[str] = set()
    for kind, *rest in facts[:at]:
        if kind == "status":
            (is_open.add if rest[1] is MarketStatus.OPEN else is_open.discard)(rest[0])

    assert silence >= 30_000_000
    assert is_open == set(after)


@pytest.mark.parametrize(("true", "market"), [(500_000, 500_000), (900_000, 873_643), (0, 15_000)])
def test_quotes_are_timid(true: int, market: int) -> None:
    """The market's log-odds are 0.88 of the true ones, and never certain."""
    assert market == quoted(Probability(true))
    assert ONE_DOLLAR - market == quoted(Probability(ONE_DOLLAR - true))


def test_chances_of_a_ladder_add_up() -> None:
    """Exclusive and exhaustive answers share all of the probability, near the end as well."""
    quantity = Quantity(61_300, spread=14, news=0.001, jump=1_800)
    edges = [float("-inf"), 58_000.0, 60_000.0, 62_000.0, float("inf")]
    for seconds in (0, 60, 6_000):
        chances = [quantity.chance_between(low, high, seconds) for low, high in pairwise(edges)]

        assert pytest.approx(1.0) == sum(chances)
    assert Answer(suffix="", title="").high == float("inf")
