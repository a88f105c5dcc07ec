"""The tape venue: where the ticks fall, and what each of them holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_bot.adapters.simulated.tape_venue import TapeVenue
from market_bot.adapters.storage.tape import TapeError, TapeReader
from market_bot.core.domain.numbers import Micros, price, size
from market_bot.core.domain.world import World
from market_bot.core.ports.market_data import Capability
from tests.fakes.recording_sink import Fact, RecordingSink
from tests.fakes.tape_facts import a_delta, a_market, write

OPENING: Fact = ("meta", a_market(), Micros(100))


def a_venue(*paths: Path, interval: int = 10) -> TapeVenue:
    """Return a venue over tapes."""
    return TapeVenue([TapeReader(path) for path in paths], interval=Micros(interval))


def play_out(venue: TapeVenue, sink: RecordingSink) -> None:
    """Play a venue tick by tick to its end."""
    while (at := venue.next_tick()) is not None:
        venue.drain(sink, at)


def ticks_of(venue: TapeVenue) -> list[tuple[int, int, str]]:
    """Play a venue tick by tick: the time, how many facts came, and the position."""
    ticks = []
    sink = RecordingSink()
    while (at := venue.next_tick()) is not None:
        before = len(sink.facts)
        position = venue.drain(sink, at)
        ticks.append((int(at), len(sink.facts) - before, position))
    return ticks


def test_grid_begins_at_the_first_record(tmp_path: Path) -> None:
    """The first record has a tick of its own; a record on the grid belongs to that tick."""
    tape = write(tmp_path / "t", [OPENING, a_delta(101), a_delta(110), a_delta(111)])

    assert [(100, 1, "0:1"), (110, 2, "0:3"), (120, 1, "0:4")] == ticks_of(a_venue(tape))


def test_empty_stretches_are_skipped(tmp_path: Path) -> None:
    """There is no tick where the interval before holds no record."""
    tape = write(tmp_path / "t", [OPENING, a_delta(1_000_001)])

    assert [(100, 1, "0:1"), (1_000_010, 1, "0:2")] == ticks_of(a_venue(tape))


def test_time_never_runs_backwards(tmp_path: Path) -> None:
    """A record with an earlier time counts as received when the latest before it was."""
    tape = write(tmp_path / "t", [OPENING, a_delta(125), a_delta(90), a_delta(131)])

    assert [(100, 1, "0:1"), (130, 2, "0:3"), (140, 1, "0:4")] == ticks_of(a_venue(tape))


def test_every_record_is_a_tick_at_interval_zero(tmp_path: Path) -> None:
    """Interval 0 gives one tick per record, also where records share a time or step back."""
    tape = write(tmp_path / "t", [OPENING, a_delta(105), a_delta(105), a_delta(90), a_delta(106)])

    assert [
        (100, 1, "0:1"),
        (105, 1, "0:2"),
        (105, 1, "0:3"),
        (105, 1, "0:4"),
        (106, 1, "0:5"),
    ] == ticks_of(a_venue(tape, interval=0))


def test_tick_records_are_the_ticks(tmp_path: Path) -> None:
    """Ticks fall where the recording bot's fell, with the same facts, also empty and equal ones."""
    facts: list[Fact] = [OPENING, ("tick", Micros(103)), a_delta(104), a_delta(102)]
    facts += [("tick", Micros(103)), ("tick", Micros(103)), a_delta(105), ("tick", Micros(140))]
    tape = write(tmp_path / "t", [*facts, a_delta(141)])
    venue = a_venue(tape)

    assert [(103, 1, "0:2"), (104, 2, "0:5"), (104, 0, "0:6"), (140, 1, "0:8")] == ticks_of(venue)


def test_a_tick_record_holds_back_what_comes_before_it(tmp_path: Path) -> None:
    """A fact is not pushed before the tick that consumed it, even if it was received earlier."""
    tape = write(tmp_path / "t", [OPENING, a_delta(101), ("tick", Micros(110)), a_delta(111)])
    venue, sink = a_venue(tape), RecordingSink()

    assert "0:0" == venue.drain(sink, Micros(109))
    assert "0:3" == venue.drain(sink, Micros(110))
    assert "0:4" == venue.drain(sink, Micros(111))


def test_a_tick_closes_the_end_of_the_tape_before(tmp_path: Path) -> None:
    """What a crash left after the last tick of one tape is seen at the first tick of the next."""
    one = write(tmp_path / "a", [OPENING, ("tick", Micros(101)), a_delta(102)])
    two = write(tmp_path / "b", [("meta", a_market(), Micros(200)), ("tick", Micros(201))])

    # A fact more than was recorded: between the two something may be missing.
    assert [(101, 1, "0:2"), (201, 3, "1:2")] == ticks_of(a_venue(one, two))


def test_asking_again_changes_nothing(tmp_path: Path) -> None:
    """next_tick gives the same answer until it is drained."""
    venue = a_venue(write(tmp_path / "t", [OPENING, a_delta(100), a_delta(100)]), interval=0)
    sink = RecordingSink()

    assert [100, 100] == [venue.next_tick(), venue.next_tick()]
    assert "0:1" == venue.drain(sink, Micros(100))
    assert 100 == venue.next_tick()


def test_draining_backwards_pushes_nothing(tmp_path: Path) -> None:
    """A time before the clock is no reason to push a record whose own time is before it."""
    venue = a_venue(write(tmp_path / "t", [OPENING, a_delta(120), a_delta(90)]), interval=0)
    sink = RecordingSink()
    assert 100 == venue.next_tick()
    venue.drain(sink, Micros(100))
    assert 120 == venue.next_tick()
    venue.drain(sink, Micros(120))

    assert "0:2" == venue.drain(sink, Micros(95))
    assert "0:2" == venue.position
    assert 120 == venue.next_tick()


def test_draining_between_ticks_keeps_the_tick(tmp_path: Path) -> None:
    """A grid point stays a tick when a drain between two ticks took its records."""
    venue = a_venue(write(tmp_path / "t", [OPENING, a_delta(103)]))
    venue.drain(RecordingSink(), Micros(105))

    assert [(110, 0, "0:2")] == ticks_of(venue)


def test_tapes_follow_each_other(tmp_path: Path) -> None:
    """Clock and grid go on from tape to tape; indices do not."""
    one = write(tmp_path / "a", [OPENING, a_delta(115)])
    two = write(tmp_path / "b", [("meta", a_market("M-2"), Micros(112)), a_delta(121, "M-2")])
    venue, sink = a_venue(one, two), RecordingSink()

    assert [(100, 1, "0:1"), (120, 3, "1:1"), (130, 1, "1:2")] == ticks_of(venue)
    assert "1:2" == a_venue(one, two).drain(sink, Micros(999))
    assert a_delta(121, "M-2") == sink.facts[-1]


@pytest.mark.parametrize("ticks", [False, True])
def test_a_book_does_not_outlive_its_recording(tmp_path: Path, *, ticks: bool) -> None:
    """A bot that comes back hours later announces its markets first: their old books are gone."""
    bids, asks = {price("0.48"): size("9")}, {price("0.52"): size("9")}
    days = [
        [OPENING, ("book", "M-1", bids, asks, Micros(100), None)],
        [("meta", a_market(), Micros(9_000)), ("book", "M-1", bids, asks, Micros(9_050), None)],
    ]
    if ticks:
        days = [[a, ("tick", a[-1]), b, ("tick", b[-2])] for a, b in days]
    one, two = (write(tmp_path / str(n), facts) for n, facts in enumerate(days))
    venue, world = a_venue(one, two), World()

    seen = []
    while (at := venue.next_tick()) is not None:
        venue.drain(world, at)
        seen.append(world.tradable("M-1"))

    assert [*([False] if ticks else []), True, False, True] == seen
    assert 1 == world.gaps


def test_nothing_is_missing_before_the_first_record(tmp_path: Path) -> None:
    """A gap between recordings needs one on each side, and is told once."""
    empty = [write(tmp_path / f"empty-{n}", []) for n in range(3)]
    full = [write(tmp_path / f"full-{n}", [OPENING]) for n in range(2)]
    sink = RecordingSink()

    play_out(a_venue(empty[0], full[0], empty[1], full[1], empty[2]), sink)

    assert ["meta", "gap", "meta"] == [fact[0] for fact in sink.facts]


def test_capabilities_are_what_all_tapes_can_claim(tmp_path: Path) -> None:
    """The venue claims no more than its poorest tape."""
    one = write(tmp_path / "a", [OPENING])
    two = write(tmp_path / "b", [OPENING], capabilities=frozenset({Capability.PRINTS}))

    assert frozenset({Capability.PRINTS}) == a_venue(one, two).capabilities
    assert "kalshi" == a_venue(one, two).venue


def test_venues_are_not_mixed(tmp_path: Path) -> None:
    """Tapes of two venues are refused in one line that says what to do."""
    one = write(tmp_path / "a", [OPENING])
    two = write(tmp_path / "b", [], venue="polymarket")

    with pytest.raises(
        TapeError, match=f"{one} holds kalshi, {two} holds polymarket: run one venue at a time"
    ):
        a_venue(one, two)


@pytest.mark.parametrize("ticked_first", [True, False])
def test_ticked_and_plain_tapes_are_not_mixed(tmp_path: Path, *, ticked_first: bool) -> None:
    """Whether ticks are on the tape or on a grid is one answer for the whole run."""
    one = write(tmp_path / "a", [OPENING], ticks=ticked_first)
    two = write(tmp_path / "b", [OPENING], ticks=not ticked_first)

    with pytest.raises(TapeError, match="has tick records"):
        a_venue(one, two)


def test_nothing_to_play_is_refused(tmp_path: Path) -> None:
    """No tape, or time running backwards, is a mistake of the caller."""
    with pytest.raises(TapeError):
        a_venue()
    with pytest.raises(TapeError):
        a_venue(write(tmp_path / "t", []), interval=-1)


@pytest.mark.parametrize("interval", [0, 10, 1000])
def test_torn_tape_is_played_to_the_tear(tmp_path: Path, interval: int) -> None:
    """All ticks before the tear come as if the tape ended there; then it is reported, for good."""
    facts = [OPENING, a_delta(105), a_delta(118), a_delta(130)]
    tape = write(tmp_path / "t", [*facts, a_delta(140), a_delta(140)])
    tape.write_bytes(tape.read_bytes()[:-1])
    after = write(tmp_path / "u", [OPENING])
    venue, sink = a_venue(tape, after, interval=interval), RecordingSink()

    for _ in range(2):
        with pytest.raises(TapeError, match="cut off"):
            play_out(venue, sink)

    assert facts == sink.facts
    with pytest.raises(TapeError, match="cut off"):
        venue.drain(sink, Micros(10**9))


@pytest.mark.parametrize("ticks", [False, True])
def test_one_drain_over_a_tear_pushes_what_is_there(tmp_path: Path, *, ticks: bool) -> None:
    """Draining past a tear pushes everything before it and then complains."""
    facts: list[Fact] = [OPENING, a_delta(105), a_delta(118), a_delta(130)]
    if ticks:
        facts[2] = ("tick", Micros(110))
    tape = write(tmp_path / "t", [*facts, a_delta(140)])
    tape.write_bytes(tape.read_bytes()[:-1])
    venue, sink = a_venue(tape), RecordingSink()

    with pytest.raises(TapeError, match="cut off"):
        venue.drain(sink, Micros(10**9))

    assert [fact for fact in facts if fact[0] != "tick"] == sink.facts
    assert "0:4" == venue.position


def test_a_tape_without_records_has_no_ticks(tmp_path: Path) -> None:
    """A tape that holds only its header is over at once."""
    venue = a_venue(write(tmp_path / "t", []))

    assert venue.next_tick() is None
    assert "0:0" == venue.drain(RecordingSink(), Micros(5))


def test_endless_stretch_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tape that promises ticks and has none is not read into memory whole."""
    monkeypatch.setattr("market_bot.adapters.storage.tape_reader.STRETCH_RECORDS_MAX", 3)
    tape = write(tmp_path / "t", [OPENING, a_delta(101), a_delta(102), a_delta(103)], ticks=True)

    with pytest.raises(TapeError, match="no tick in 3 records"):
        a_venue(tape).next_tick()


def test_progress_goes_from_nothing_to_all(tmp_path: Path) -> None:
    """The share of the files that was played grows to 1."""
    one = write(tmp_path / "a", [OPENING, a_delta(115), a_delta(125), a_delta(135)])
    two = write(tmp_path / "b", [("meta", a_market(), Micros(140))])
    venue, sink = a_venue(one, two), RecordingSink()
    seen = [venue.span()]
    while (at := venue.next_tick()) is not None:
        venue.drain(sink, at)
        seen.append(venue.span())

    assert sorted(seen) == seen
    assert (0.0, 1.0) == (seen[0], seen[-1])
