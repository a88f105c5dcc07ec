"""A cached tape plays what the tape plays, whatever happened to the cache."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.adapters.simulated.tape_venue import TapeVenue
from market_bot.adapters.storage import tape_cache, tape_columns
from market_bot.adapters.storage.tape_cache import CachedTape
from market_bot.adapters.storage.tape_columns import ColumnCursor
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.bootstrap.replay_run import replay_of
from market_bot.core.domain import events as ev
from market_bot.core.domain.book import Side
from market_bot.core.domain.fills.terms import FillModel, FillTerms
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import Micros, Price, Size
from market_bot.core.domain.orders import Style
from market_bot.core.domain.world import Seen, Watcher, World
from market_bot.core.ports.execution import Filled
from market_bot.core.ports.market_data import Deltas, Sink
from market_bot.core.ports.tape import TapeError
from tests.fakes.builders import (
    a_book,
    a_draft,
    a_signal,
    an_intent,
    announced,
    cents,
    contracts,
)
from tests.fakes.builders import a_market as paper_market
from tests.fakes.clock import NOON
from tests.fakes.market_data import FULL
from tests.fakes.recording_sink import Fact, RecordingSink, tell
from tests.fakes.replayed_lives import VENUE, plans, some_recording
from tests.fakes.tape_facts import a_delta, a_market, tapes, times, write

END = Micros(10**9)
groups = st.integers(1, 5)
intervals = st.sampled_from([0, 1, 7, 1000]).map(Micros)
DELTAS = [("meta", a_market(), Micros(1)), *(a_delta(at, size=at) for at in range(2, 40))]


@contextmanager
def folder() -> Iterator[Path]:
    """Give each example a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make many chunks of a few records, whatever they are."""
    monkeypatch.setattr(tape_columns, "CHUNK_RECORDS", 6)
    monkeypatch.setattr(tape_cache, "CHANGES_PERCENT_MIN", 0)


def told_by(tape: TapeReader, interval: Micros, stops: list[Micros | None]) -> list[object]:
    """Return all that a venue says of a tape: ticks, positions, facts."""
    venue, sink = TapeVenue([tape], interval=interval), RecordingSink()
    told: list[object] = []
    for stop in (*stops, *[None] * 99):
        tick = venue.next_tick()
        until = tick if stop is None else stop
        told.append((tick, venue.drain(sink, END if until is None else until)))
    return [*told, *sink.facts]


@given(
    facts=tapes(ticks=True), group=groups, interval=intervals, stops=st.lists(times(70) | st.none())
)
def test_a_cached_tape_plays_what_the_tape_plays(
    facts: list[Fact], group: int, interval: Micros, stops: list[Micros | None]
) -> None:
    """The same facts at the same ticks, made now or read again."""
    with folder() as here:
        path = write(here / "t", facts, group=group)
        expected = told_by(TapeReader(path), interval, stops)
        made = told_by(CachedTape(path, here / "cache"), interval, stops)
        again = told_by(CachedTape(path, here / "cache"), interval, stops)
        cached = isinstance(CachedTape(path, here / "cache").open(), ColumnCursor)

    assert cached
    assert expected == made
    assert expected == again


@given(facts=tapes(), group=groups, at=st.floats(0, 1), bits=st.integers(0, 255))
def test_a_damaged_cache_changes_nothing(
    facts: list[Fact], group: int, at: float, bits: int
) -> None:
    """Whatever byte is wrong, and wherever the file ends, the tape's facts are told."""
    with folder() as here:
        path = write(here / "t", facts, group=group)
        expected = told_by(TapeReader(path), Micros(7), [])
        cache = CachedTape(path, here / "cache").cache
        assert cache is not None
        CachedTape(path, here / "cache").open()
        content = cache.read_bytes()
        place = min(len(content) - 1, int(at * len(content)))
        cache.write_bytes(content[:place] + bytes([content[place] ^ bits]) + content[place + 1 :])
        changed = told_by(CachedTape(path, here / "cache"), Micros(7), [])
        cache.write_bytes(content[:place])
        shortened = told_by(CachedTape(path, here / "cache"), Micros(7), [])
        mended = told_by(CachedTape(path, here / "cache"), Micros(7), [])

    assert expected == changed
    assert expected == shortened
    assert expected == mended


def test_a_change_between_others_is_told(tmp_path: Path) -> None:
    """A single change has its time, and no time of the venue's where that told none."""
    path = write(tmp_path / "t", [DELTAS[0], DELTAS[1], DELTAS[0], DELTAS[2], DELTAS[0]])
    sink = RecordingSink()
    CachedTape(path, tmp_path / "cache").open().push(sink, END)

    assert [DELTAS[0], DELTAS[1], DELTAS[0], DELTAS[2], DELTAS[0]] == sink.facts


def test_a_cache_belongs_to_one_tape(tmp_path: Path) -> None:
    """Another tape at the same place is decoded anew."""
    path = write(tmp_path / "t", DELTAS)
    CachedTape(path, tmp_path / "cache").open()
    write(path, DELTAS[:5])

    sink = RecordingSink()
    CachedTape(path, tmp_path / "cache").open().push(sink, END)

    assert DELTAS[:5] == sink.facts


def test_another_tapes_cache_is_ignored(tmp_path: Path) -> None:
    """A file under the right name with another tape's columns is not believed."""
    other = CachedTape(write(tmp_path / "other", DELTAS), tmp_path / "cache")
    other.open()
    tape = CachedTape(write(tmp_path / "t", DELTAS[:5]), tmp_path / "cache")
    assert other.cache is not None
    assert tape.cache is not None
    tape.cache.write_bytes(other.cache.read_bytes())

    sink = RecordingSink()
    tape.open().push(sink, END)

    assert DELTAS[:5] == sink.facts


def test_a_torn_tape_has_no_cache(tmp_path: Path) -> None:
    """What is still being written is read as it is."""
    path = write(tmp_path / "t", DELTAS)
    path.write_bytes(path.read_bytes()[:-3])

    tape = CachedTape(path, tmp_path / "cache", allow_torn=True)
    sink = RecordingSink()
    tape.open().push(sink, END)

    assert DELTAS[: len(sink.facts)] == sink.facts
    assert tape.truncated
    assert not list((tmp_path / "cache").iterdir())


def test_a_bad_tape_is_told_as_without_a_cache(tmp_path: Path) -> None:
    """The reason is the tape's own, after everything before it was pushed."""
    path = write(tmp_path / "t", DELTAS)
    path.write_bytes(path.read_bytes()[:-3])

    cursor, sink = CachedTape(path, tmp_path / "cache").open(), RecordingSink()
    cursor.push(sink, END)
    with pytest.raises(TapeError, match="cut off"):
        cursor.next_received()

    assert DELTAS[: len(sink.facts)] == sink.facts
    assert sink.facts


def test_a_tape_of_books_has_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns hold changes of levels; without those they would only take room."""
    monkeypatch.setattr(tape_cache, "CHANGES_PERCENT_MIN", 50)
    books: list[Fact] = [
        ("book", "M-1", {Price(1): Size(1)}, {}, Micros(at), None) for at in range(2, 40)
    ]
    tapes = [
        CachedTape(write(tmp_path / name, facts), tmp_path / "cache")
        for name, facts in (("books", [DELTAS[0], *books]), ("changes", DELTAS))
    ]

    assert [False, True] == [isinstance(tape.open(), ColumnCursor) for tape in tapes]


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    """Without room for a cache the tape is played as it is."""
    (tmp_path / "cache").write_text("a file, not a folder")
    sink = RecordingSink()
    CachedTape(write(tmp_path / "t", DELTAS), tmp_path / "cache").open().push(sink, END)

    assert DELTAS == sink.facts


def test_the_oldest_caches_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of caches does not grow for ever; the newest one stays."""
    monkeypatch.setattr(tape_cache, "FOLDER_BYTES_MAX", 1)
    names = []
    for number in range(3):
        tape = CachedTape(write(tmp_path / "t", DELTAS[: 9 + number]), tmp_path / "cache")
        tape.open()
        names.append(tape.cache)

    assert names[-1:] == list((tmp_path / "cache").iterdir())


class Noted(Watcher):
    """Notes what it is told, and what the book showed then."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.told: list[object] = []

    def before(self, at: Micros) -> None:
        self.told.append(at)

    def level(self, side: Side, price: Price, size: Size, at: Micros) -> None:
        self.told.append((side, price, size, at, dict(self.seen.book.bids)))

    def book(self, bids: object, asks: object, at: Micros) -> None:
        self.told.append((bids, asks, at))

    def trade(self, taker: Side, price: Price, size: Size, at: Micros) -> None:
        self.told.append((taker, price, size, at))

    def status(self, status: MarketStatus, at: Micros) -> None:
        self.told.append((status, at))


class OneByOne(World):
    """A world that takes every change by itself."""

    def deltas(self, changes: Deltas, first: int, last: int) -> None:
        Sink.deltas(self, changes, first, last)


_names = ("A", "B", "C", "unheard of")
_rows = st.lists(
    st.tuples(
        st.integers(0, 2 * len(_names) - 1),
        st.sampled_from([10, 20, 30]),
        st.sampled_from([0, 0, 1, 2]),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=30,
)


def changes_of(rows: list[tuple[int, int, int, int]]) -> Deltas:
    """Return rows of (book, price, size, received) as columns."""
    levels = list(dict.fromkeys((book, price) for book, price, _, _ in rows))
    return Deltas(
        markets=_names,
        books=[book for book, _ in levels],
        prices=[Price(price) for _, price in levels],
        levels=[levels.index((book, price)) for book, price, _, _ in rows],
        sizes=[Size(size) for _, _, size, _ in rows],
        received=[Micros(at) for _, _, _, at in rows],
        exchange=[Micros(-1)] * len(rows),
    )


def picture(world: World) -> object:
    """Return everything of a world that anybody can see, orders of dictionaries included."""
    books = {
        name: (
            dict(sorted(seen.book.bids.items())),
            dict(sorted(seen.book.asks.items())),
            (seen.book.best_bid, seen.book.best_ask, seen.book.whole, seen.book.changed_at),
        )
        for name, seen in world.seen.items()
    }
    return books, list(world.touched), world.facts, world.ignored, world.now


@given(rows=_rows, whole=st.sets(st.sampled_from("ABC")), watched=st.none() | st.just("B"))
def test_many_changes_at_once_are_the_changes_one_by_one(
    rows: list[tuple[int, int, int, int]], whole: set[str], watched: str | None
) -> None:
    """Books, clocks, counts and what is touched come out the same; a watcher hears every change."""
    worlds: list[World] = [World(), OneByOne()]
    notes = []
    for world in worlds:
        for name in "ABC":
            world.meta(a_market(name), Micros(0))
            if name in whole:
                world.book(name, {Price(20): Size(5)}, {Price(30): Size(5)}, Micros(3), None)
        world.touched.clear()
        if watched is not None:
            notes.append(Noted(world.seen[watched]))
            world.watch(world.seen[watched], notes[-1])
        world.deltas(changes_of(rows), 0, len(rows) // 2)
        world.deltas(changes_of(rows), len(rows) // 2, len(rows))

    assert picture(worlds[1]) == picture(worlds[0])
    assert not notes or notes[1].told == notes[0].told


def busy_recording(seed: int) -> list[Fact]:
    """Return an invented recording in which levels change in bursts, in books that rarely cross."""
    random = Random(f"bursts {seed}")
    facts: list[Fact] = []
    known: list[str] = []
    for fact in some_recording(seed, steps=35):
        if fact[0] == "meta":
            known = list(dict.fromkeys([*known, fact[1].id]))
        at = fact[-2] if fact[0] in {"delta", "trade", "book"} else fact[-1]
        if fact[0] == "book":
            bids, asks = ({a_price(random, side): a_size(random) for _ in "123"} for side in Side)
            facts.append(("book", fact[1], bids, asks, at, None))
        elif fact[0] not in {"delta", "trade"}:
            facts.append(fact)
        for _ in range(random.choice((0, 0, 12, 30))):
            at = Micros(at + random.choice((0, 1, 90_000)) - random.choice((0, 0, 5)))
            name, side = random.choice(known), random.choice(list(Side))
            if random.random() < 0.15:
                much = a_size(random)
                facts.append(("trade", name, side.other, a_price(random, side), much, at, None))
            else:
                much = a_size(random) if random.random() < 0.7 else Size(0)
                facts.append(("delta", name, side, a_price(random, side), much, at, None))
    return facts


def a_price(random: Random, side: Side) -> Price:
    """Return a price on a side, near the middle more often than not."""
    away = random.choice((1, 1, 2, 2, 3, 9))
    return Price(10_000 * (50 - away if side is Side.BID else 50 + away))


def a_size(random: Random) -> Size:
    """Return a few contracts."""
    return Size(random.randint(1, 9) * 10**6)


# Seeds shrink to other seeds, not to anything simpler.
@settings(phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    recording=st.integers(0, 2**32),
    variants=st.lists(st.integers(0, 60), min_size=1, max_size=3),
    model=st.sampled_from(FillModel),
    interval=st.sampled_from([0, 1_000_000, 30_000_000]).map(Micros),
)
def test_a_replay_of_columns_is_the_replay_of_the_tape(
    recording: int, variants: list[int], model: FillModel, interval: Micros
) -> None:
    """Every decision and every paper fill comes out the same, whoever rests or is under way."""
    many = plans(variants, [model])
    with folder() as here:
        path = write(here / "t", busy_recording(recording), venue=VENUE, group=9)
        told: list[list[object]] = []
        for tape in (TapeReader(path), CachedTape(path, here / "cache")):
            facts: list[object] = []
            told.append(facts)

            def keep(event: ev.Event, at: Micros, facts: list[object] = facts) -> None:
                facts.append((at, event))

            replay = replay_of([tape], many, interval, VENUE)
            for lane in replay.lanes:
                lane.trader.recorder.observers.append(keep)
            replay.run()
            facts.extend(lane.result() for lane in replay.lanes)
        cached = isinstance(tape.open(), ColumnCursor)

    assert cached
    assert told[0] == told[1]


def test_a_resting_order_hears_of_its_level_alone() -> None:
    """What is withdrawn before it shortens its queue, in the middle of changes taken together."""
    world = World()
    tell([announced(paper_market()), a_book()], world)
    terms = FillTerms(model=FillModel.OPTIMISTIC)
    desk = PaperExecution(world, FULL, terms=terms)
    desk.submit(an_intent("i-1", a_draft(a_signal(), size=contracts(10))), NOON)
    rows: list[tuple[int, int, int, int]] = [
        (0, 470_000, 1, NOON),
        (0, 480_000, 7 * 10**6, NOON),
        (1, 530_000, 2, NOON),
    ]
    world.deltas(attrs.evolve(changes_of(rows), markets=("M-1",)), 0, 3)
    tell([("trade", "M-1", Side.ASK, cents(48), contracts(9), NOON, None)], world)

    (fill,) = [fact for fact in desk.collect(NOON) if isinstance(fact, Filled)]
    assert contracts(2) == fill.size


def test_busy_replays_have_makers_and_takers(tmp_path: Path) -> None:
    """The recordings above make paper orders rest, fill and end."""
    seen: set[object] = set()

    def note(event: ev.Event, _: Micros) -> None:
        seen.add(type(event))
        if isinstance(event, ev.Fill):
            seen.add(event.liquidity)

    for seed in range(20):
        path = write(tmp_path / f"{seed}", busy_recording(seed), venue=VENUE, group=9)
        tape = CachedTape(path, tmp_path / "cache")
        replay_of([tape], plans([seed]), Micros(1_000_000), VENUE, note).run()

    assert {*Style, ev.Fill, ev.OrderCancelled} <= seen
