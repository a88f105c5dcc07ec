"""Tapes: whatever is written is read, and how it is read in pieces makes no difference."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from market_bot.adapters.simulated.tape_venue import TapeVenue
from market_bot.adapters.storage.tape import TapeError, TapeReader
from market_bot.core.domain.numbers import Micros
from tests.fakes.recording_sink import Fact, RecordingSink
from tests.fakes.tape_facts import tapes, times, write

END = Micros(10**9)
groups = st.integers(1, 5)
intervals = st.sampled_from([0, 1, 7, 1000]).map(Micros)


@contextmanager
def folder() -> Iterator[Path]:
    """Give each example a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def without_ticks(facts: list[Fact]) -> list[Fact]:
    """Return what a sink is told of facts."""
    return [fact for fact in facts if fact[0] != "tick"]


def received(fact: Fact) -> int:
    """Return when a fact was received."""
    last = fact[-2] if fact[0] in {"delta", "trade", "book", "reference"} else fact[-1]
    return int(last)


def expected_ticks(facts: list[Fact], interval: int) -> list[tuple[int, int]]:
    """Return (time, records consumed) of every tick, told naively from the whole tape."""
    clocks: list[int] = []
    for fact in facts:
        clocks.append(max([*clocks[-1:], received(fact)]))
    if any(fact[0] == "tick" for fact in facts):
        ticked = [n for n, fact in enumerate(facts) if fact[0] == "tick"]
        return [(clocks[n], n + 1) for n in ticked]
    if interval == 0:
        return [(clock, n + 1) for n, clock in enumerate(clocks)]
    ends: dict[int, int] = {}
    for n, clock in enumerate(clocks):
        grid = clocks[0]
        while grid < clock:
            grid += interval
        ends[grid] = n + 1
    return sorted(ends.items())


@given(facts=tapes(ticks=True), group=groups)
def test_what_is_written_is_read(facts: list[Fact], group: int) -> None:
    """A sink is told by the tape what the tape was told, in the same order."""
    with folder() as here:
        sink = RecordingSink()
        count = TapeReader(write(here / "t", facts, group=group)).play(sink)

    assert without_ticks(facts) == sink.facts
    assert len(facts) == count


@given(facts=tapes(ticks=True), group=groups)
def test_same_facts_same_bytes(facts: list[Fact], group: int) -> None:
    """Writing twice gives the same file."""
    with folder() as here:
        one = write(here / "a", facts, group=group).read_bytes()

        assert one == write(here / "b", facts, group=group).read_bytes()


@given(facts=tapes(), group=groups, share=st.floats(0, 1))
def test_truncation_gives_a_prefix(facts: list[Fact], group: int, share: float) -> None:
    """A tape cut anywhere plays a prefix of whole groups."""
    with folder() as here:
        path = write(here / "t", facts, group=group)
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        sink = RecordingSink()
        try:
            TapeReader(path).play(sink)
        except TapeError:
            torn = True
        else:
            torn = False

    assert facts[: len(sink.facts)] == sink.facts
    assert len(sink.facts) % group == 0 or sink.facts == facts
    assert torn or len(sink.facts) % group == 0 or share == 1


@given(facts=tapes(ticks=True), group=groups, interval=intervals)
def test_ticks_are_where_the_model_says(facts: list[Fact], group: int, interval: Micros) -> None:
    """Tick times and what each tick holds follow from the records alone, not from the groups."""
    with folder() as here:
        venue = TapeVenue([TapeReader(write(here / "t", facts, group=group))], interval=interval)
        sink = RecordingSink()
        ticks = []
        while (at := venue.next_tick()) is not None:
            ticks.append((at, int(venue.drain(sink, at).removeprefix("0:"))))

    assert expected_ticks(facts, interval) == ticks
    assert sink.facts == without_ticks(facts[: ticks[-1][1] if ticks else 0])


def between(first: list[Fact], second: list[Fact]) -> list[Fact]:
    """Return what a venue tells between two tapes: that something may be missing."""
    if not first or not second:
        return []
    return [("gap", "", "another recording begins", max(map(received, first)))]


@given(
    first=tapes(ticks=True),
    second=tapes(ticks=True),
    stops=st.lists(times(70) | st.none()),
    interval=intervals,
    group=groups,
)
def test_chunking_makes_no_difference(
    first: list[Fact],
    second: list[Fact],
    stops: list[Micros | None],
    interval: Micros,
    group: int,
) -> None:
    """Draining in arbitrary steps (None: to the next tick) gives what one drain gives."""
    has_ticks = any(fact[0] == "tick" for fact in first + second)
    with folder() as here:
        readers = [
            TapeReader(write(here / name, facts, group=group, ticks=has_ticks))
            for name, facts in (("a", first), ("b", second))
        ]
        once, stepped = RecordingSink(), RecordingSink()
        TapeVenue(readers, interval=interval).drain(once, END)
        venue = TapeVenue(readers, interval=interval)
        for stop in stops:
            until = venue.next_tick() if stop is None else stop
            venue.drain(stepped, END if until is None else until)
        position = venue.drain(stepped, END)

    assert without_ticks(first) + between(first, second) + without_ticks(second) == once.facts
    assert once.facts == stepped.facts
    assert f"1:{len(second)}" == position


@given(facts=tapes(ticks=True), stops=st.lists(times(70)), group=groups)
def test_a_drain_depends_on_its_time_alone(
    facts: list[Fact], stops: list[Micros], group: int
) -> None:
    """What was pushed up to a time is the same however often one stopped on the way."""
    with folder() as here:
        reader = TapeReader(write(here / "t", facts, group=group))
        venue = TapeVenue([reader], interval=Micros(7))
        direct = TapeVenue([reader], interval=Micros(7))
        for stop in stops:
            venue.drain(RecordingSink(), stop)
        last = max(stops, default=Micros(0))

        assert direct.drain(RecordingSink(), last) == venue.drain(RecordingSink(), last)


@given(facts=tapes(), stops=st.lists(times(70), min_size=1), interval=intervals)
def test_stopping_between_ticks_loses_no_tick(
    facts: list[Fact], stops: list[Micros], interval: Micros
) -> None:
    """Ticks after a drain to any time are those the model has after that time."""
    with folder() as here:
        venue = TapeVenue([TapeReader(write(here / "t", facts))], interval=interval)
        for stop in stops:
            venue.drain(RecordingSink(), stop)
        rest = []
        while (at := venue.next_tick()) is not None:
            rest.append(at)
            venue.drain(RecordingSink(), at)

    assert [at for at, _ in expected_ticks(facts, interval) if at > max(stops)] == rest
