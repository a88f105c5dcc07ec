"""Windows agree with the fold to the last unit, wherever they begin and whatever happens."""

import tempfile
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from market_bot.adapters.storage.codec import decode_state, encode_state
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import JournalReader
from market_bot.adapters.storage.window_reader import WindowReader
from market_bot.bootstrap.taped_lane import snapshot_of
from market_bot.core.domain import events as ev
from market_bot.core.domain.analytics.attribution import PARTS, attribution_of
from market_bot.core.domain.analytics.build import WindowBuilder
from market_bot.core.domain.analytics.window import Window
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import NO_MONEY, SECOND, Duration, Micros, Money
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.signals import Gate
from market_bot.core.usecases.record_facts import Recorder
from tests.fakes.builders import a_start
from tests.fakes.clock import NOON
from tests.fakes.journal import Line
from tests.fakes.journal_facts import CHAIN
from tests.property import test_lane, test_settlement
from tests.property.test_recording import a_lane_of
from tests.property.test_trader import a_paper_life
from tests.unit.test_window_builder import a_denial, a_mark, a_scan, a_wish

Told = Sequence[tuple[ev.Event, Micros]]
FAR = Micros(10**17)


def each_second(events: Sequence[ev.Event]) -> Told:
    """Return facts with times of their own."""
    return [(event, Micros(NOON + number)) for number, event in enumerate(events)]


def heard(told: Told, since: Micros, state: LaneState | None = None, first: int = 0) -> Window:
    """Return the window of some lines from a line on."""
    builder = WindowBuilder("simulated/paper", since, FAR, state=state)
    for number, (event, at) in enumerate(told[first:], start=first + 1):
        builder.hear(number, at, event, "c-1")
    return builder.close()


def folded(told: Told) -> LaneState:
    """Return what the fold says."""
    state = LaneState()
    for event, at in told:
        state = apply(state, event, at)
    return state


def net(state: LaneState) -> int:
    """Return what was realised, all fees taken off."""
    return state.realised - state.fees


def check(told: Told, cut: int, *, restored: bool) -> Window:
    """Compare the window from a line on with what the fold says of the same lines."""
    before, after = folded(told[:cut]), folded(told)
    since = Micros(told[cut - 1][1] + 1) if cut else NOON
    state = decode_state(encode_state(before), LaneState) if restored else None
    window = heard(told, since, state, cut if restored else 0)
    start = heard(told[:cut], since, state, cut if restored else 0)
    gained = sum(piece.pnl for piece in window.closed)

    assert window.realised == gained
    fees = sum(h.fees for h in window.held) - sum(h.fees for h in start.held)
    assert net(after) - net(before) + fees == gained
    assert {(p.market, p.leg): (p.size, p.cost) for p in after.positions.values()} == {
        (h.market, h.leg): (h.size, h.cost) for h in window.held
    }
    assert after.rewards - before.rewards == window.rewards
    for piece in window.closed:
        assert set(PARTS) == set(piece.parts)
        assert piece.pnl == sum(piece.parts.values())
        assert piece.at >= since
    assert gained + window.rewards == sum(attribution_of(window).values())
    return window


cuts = st.floats(0, 1)


def place(cut: float, told: Told) -> int:
    """Return the number of the last line of some moment, given as a share."""
    number = int(cut * len(told))
    return sum(at <= told[number - 1][1] for _, at in told) if number else 0


@given(test_lane.lives(), cuts, st.booleans())
def test_lives_at_a_sound_venue(facts: list[ev.Event], cut: float, restored: Any) -> None:
    """Parts, repeated news, doubtful fills and ends: the pieces sum to what the fold realised."""
    told = each_second(facts)
    window = check(told, place(cut, told), restored=restored)

    assert not window.cut
    if not restored:
        # Nothing is charged that was not paid.
        assert sum(h.fees for h in window.held) >= 0


@settings(max_examples=300)
@given(test_settlement.lives(), test_settlement.PAYOUTS, test_settlement.PAYOUTS, cuts, st.data())
def test_late_news_and_corrections(
    facts: list[ev.Event], first: int, last: int, cut: float, data: st.DataObject
) -> None:
    """An end that is told early, and told otherwise later, leads to the fold's money."""
    place_of_end = data.draw(st.integers(1, len(facts)))
    ends = (test_settlement.the_end(first), test_settlement.the_end(last))
    told = each_second([a_start(), *facts[:place_of_end], ends[0], *facts[place_of_end:], ends[1]])
    check(told, place(cut, told), restored=data.draw(st.booleans()))


@given(st.lists(test_lane.anything, max_size=30), cuts, st.booleans())
def test_anything_can_be_heard(script: list[ev.Event], cut: float, restored: Any) -> None:
    """Nonsense never fails, and what the fold makes of it is told to the last unit."""
    told = each_second(script)
    check(told, place(cut, told), restored=restored)


@settings(max_examples=30)
@given(st.integers(0, 2**32), cuts, st.booleans())
def test_lives_on_paper(seed: int, cut: float, restored: Any) -> None:
    """Whole lanes on paper, with entries and departures joined to their fills."""
    lines = a_paper_life(seed).journal.lines
    told = [(line.event, line.at) for line in lines]
    check(told, place(cut, told), restored=restored)
    window = heard(told, NOON)
    fills = [event for event, _ in told if isinstance(event, ev.Fill)]
    joined = [e for entry in window.entries for e in entry.executions]
    joined += [e for departure in window.departures for e in departure.executions]

    assert sorted(f.fill for f in fills) == sorted(e.fill for e in joined)
    assert all(piece.entries for piece in window.closed)


@settings(max_examples=15)
@given(st.integers(0, 2**32), cuts, st.booleans())
def test_recorded_lives(seed: int, cut: float, restored: Any) -> None:
    """Lives with kills, undone fills and midnights."""
    with tempfile.TemporaryDirectory() as name:
        lane = a_lane_of(Path(name), seed, lives=2, ticks=8)
    told = [(line.event, line.at) for line in lane.journal.lines]
    check(told, place(cut, told), restored=restored)


@given(test_lane.lives(), cuts)
def test_closing_changes_nothing(facts: list[ev.Event], cut: float) -> None:
    """A builder that was asked in between goes on as if it had not been."""
    told = each_second(facts)
    builder = WindowBuilder("simulated/paper", NOON, FAR)
    for number, (event, at) in enumerate(told, start=1):
        builder.hear(number, at, event, "c-1")
        if number == place(cut, told):
            builder.close()

    assert heard(told, NOON) == builder.close()


def test_windows_side_by_side_cover_everything() -> None:
    """What several windows realised one after the other is what one over all of it did."""
    told = [(line.event, line.at) for line in a_paper_life(7, 40).journal.lines]
    whole = heard(told, NOON)
    middle = told[len(told) // 2][1]
    first = WindowBuilder("simulated/paper", NOON, middle)
    for number, (event, at) in enumerate(told, start=1):
        first.hear(number, at, event, "c-1")
    parts = (first.close(), heard(told, middle))

    assert whole.realised == Money(sum(part.realised for part in parts)) != NO_MONEY
    assert whole.closed == parts[0].closed + parts[1].closed


def gross(window: Window) -> int:
    """Return what was realised before fees."""
    return sum(piece.proceeds - piece.cost for piece in window.closed)


def write(folder: Path, lines: Sequence[Line]) -> None:
    """Write lines to files, each of which opens as files do."""
    state = LaneState()
    with JsonlJournal(folder, CHAIN, "boot", durability="group") as journal:
        recorder = Recorder(journal=journal, state=state, config="c-0", snapshot=snapshot_of)
        for line in lines:
            recorder.config = line.config
            recorder.record(line.event, line.at)


def read_twice(folder: Path, since: Micros, until: Micros) -> tuple[Window, Window]:
    """Return a window as it is read, and as it is when every line is decoded and heard."""
    builder = WindowBuilder(str(CHAIN), since, until)
    for entry in JournalReader(folder, CHAIN).read():
        builder.hear(entry.seq, entry.at, entry.event, entry.config)
    return WindowReader(folder, CHAIN).read(since, until), builder.close()


IDS = st.sampled_from([*(f"0123456789abcdef0123456{n}" for n in range(3)), "s-1", 'a"', "é" * 12])
GATES = st.lists(
    st.sampled_from([Gate("cooldown", "9", "1", hard=False), Gate('a"b', "0", "1", hard=True)]),
    max_size=2,
    unique=True,
).map(tuple)


@st.composite
def repeated_facts(draw: st.DrawFn) -> ev.Event:
    """Draw one of the facts of which a journal has most, about one of a few wishes."""
    kind = draw(st.sampled_from(("scan", "scan", "tick", "signal", "begin", "end", "mark", "mark")))
    if kind in ("scan", "tick"):
        return a_scan() if kind == "scan" else ev.Tick(position="", reason="stale")
    named = {
        "signal": draw(IDS),
        "market": draw(st.sampled_from(("M-1", 'M"2'))),
        "leg": draw(st.sampled_from(Leg)),
        "purpose": draw(st.sampled_from(Purpose)),
    }
    if kind == "signal":
        return a_wish(**named)
    if kind == "mark":
        since, horizon = draw(st.integers(0, 9)), draw(st.sampled_from((0, 60, 300)))
        cause = draw(st.sampled_from((ev.Cause.DENIED, ev.Cause.DENIED, ev.Cause.TRADED)))
        return a_mark(cause, since, horizon, draw(st.sampled_from(("0.5", "0.51"))), **named)
    return a_denial(*draw(GATES), phase=kind, count=draw(st.integers(1, 900)), **named)


GAPS = st.sampled_from((0, 0, 0, 1, 1, 100, 299, 300, 301))


@given(st.lists(st.tuples(repeated_facts(), GAPS), max_size=60), cuts, cuts)
def test_repeated_facts_are_read_as_they_are_heard(
    told: list[tuple[ev.Event, int]], begin: float, end: float
) -> None:
    """Wishes, refusals, marks and scans in any order, also with names that must be escaped."""
    moments = list(accumulate((gap for _, gap in told), initial=0))
    lines = [
        Line(event, Micros(NOON + at * SECOND), f"c-{at // 400}")
        for (event, _), at in zip(told, moments, strict=False)
    ]
    last = moments[-1] * SECOND
    since = Micros(NOON + int(begin * last))
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), [Line(a_start(), NOON, "c-0"), *lines])
        fast, slow = read_twice(Path(name), since, Micros(since + int(end * last) + 1))

    assert slow == fast


@settings(max_examples=15)
@given(st.integers(0, 2**32), cuts, cuts, st.booleans())
def test_what_is_read_is_what_is_heard(seed: int, begin: float, end: float, recorded: Any) -> None:
    """The fast reader and one that decodes every line make the same window."""
    with tempfile.TemporaryDirectory() as name:
        if recorded:
            lines = a_lane_of(Path(name), seed, lives=2, ticks=8).journal.lines
        else:
            lines = a_paper_life(seed, 30).journal.lines
        folder = Path(name) / "journal"
        write(folder, lines)
        first, last = lines[0].at, lines[-1].at
        since = Micros(first + int(begin * (last - first)))
        until = Micros(since + int(end * (last + 1 - since)))
        fast, slow = read_twice(folder, since, until)
        late = WindowReader(folder, CHAIN, warm_up=Duration(0)).read(since, until)

    assert slow == fast
    assert gross(slow) == gross(late)
    for field in ("rewards", "covered", "levels", "denials", "troubles", "configs"):
        assert getattr(slow, field) == getattr(late, field)
