"""A lane that goes down anywhere takes the same marks as one that did not."""

from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.marks import HORIZONS, LATE_MAX, REACH, MarkSchedule
from market_bot.core.domain.numbers import SECOND, Micros, Probability, price
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.world import World
from market_bot.core.ports.journal import Entry
from market_bot.core.usecases.record_marks import LEFT_OUT, marks_at, marks_from
from tests.fakes.builders import a_book, a_market, an_intended, announced
from tests.fakes.clock import NOON
from tests.fakes.recording_sink import tell

MARKETS = ("M-1", "M-2")


@attrs.define
class Tape:
    """A lane of which only the journal and the schedule exist."""

    schedule: MarkSchedule
    world: World = attrs.field(factory=World)
    entries: list[Entry] = attrs.field(factory=list)
    # After which lines what was still pending.
    pending: list[object] = attrs.field(factory=list)

    def write(self, event: ev.Event, at: Micros) -> None:
        """Write a line and let the schedule hear it."""
        number = len(self.entries) + 1
        entry = Entry(
            seq=number, at=at, boot="", config="", type=event.TYPE, event=event, prev="", hash=""
        )
        self.entries.append(entry)
        self.schedule.hear(event, at)
        self.pending.append(self.schedule.pending(at))

    def tick(self, decided: list[ev.Event], ended: list[str], at: Micros, *, writes: bool) -> None:
        """Take a tick at which this was decided and these markets ended."""
        for market in ended:
            if not self.world.seen[market].resolved:
                tell([("resolution", market, price("1"), at)], self.world)
                self.write(
                    ev.MarketResolved(market=market, event="E", family="F", yes_payout=price("1")),
                    at,
                )
        for event in decided:
            if writes or event.DURABILITY is ev.Durability.A:
                self.write(event, at)
        if writes:
            for event in marks_at(self.schedule, self.world, at):
                self.write(event, at)
            scan = ev.Scan(position="", markets=0, views=0, signals=0, denied=0, intents=0)
            self.write(scan, at)


@st.composite
def decisions(draw: st.DrawFn) -> ev.Event:
    """Return something a lane decided; few names, so that they meet."""
    number = draw(st.integers(0, 3))
    who: dict[str, Any] = {
        "signal": f"s-{number}",
        "strategy": "s",
        "market": draw(st.sampled_from(MARKETS)),
        "event": "E",
        "family": "F",
        "leg": draw(st.sampled_from(Leg)),
    }
    kind = draw(st.integers(0, 3))
    zero: dict[str, Any] = {"price": price("0.4"), "size": 1}
    if kind == 0:
        purpose = draw(st.sampled_from(Purpose))
        return attrs.evolve(an_intended(), **who, purpose=purpose)
    if kind == 1:
        return ev.Exit(**who, **zero, reason="r", belief=Probability(0))
    phase = draw(st.sampled_from(["begin", "begin", "end"]))
    return ev.Denied(**who, **zero, purpose=Purpose.ENTRY, phase=phase, gates=())


gaps = st.sampled_from([1, 20, 59, 60, 61, 240, 600, 1800, 3540, 3600, 3660, 3661, 9000])
ticks = st.lists(
    st.tuples(
        gaps,
        st.lists(decisions(), max_size=3),
        st.one_of(st.just([]), st.just([]), st.lists(st.sampled_from(MARKETS), max_size=1)),
        st.integers(0, 9).map(lambda luck: luck > 0),
    ),
    max_size=25,
)


def begun(ceiling: int) -> Tape:
    """Return a lane that knows two markets and their books."""
    tape = Tape(MarkSchedule(ceiling=ceiling))
    opening = [f for m in MARKETS for f in (announced(a_market(m)), a_book(m))]
    tell(opening, tape.world)
    return tape


@settings(max_examples=300)
@given(ticks, st.integers(1, 3), st.data())
def test_a_restart_changes_no_mark(
    script: list[tuple[int, list[ev.Event], list[str], bool]], ceiling: int, data: st.DataObject
) -> None:
    """Cut between any two ticks and begun again from the last lines, the journal is the same."""
    straight, broken = begun(ceiling), begun(ceiling)
    cuts = data.draw(st.sets(st.integers(0, 25), max_size=3))
    now = NOON
    for number, (gap, decided, ended, writes) in enumerate(script):
        now = Micros(now + gap * SECOND)
        straight.tick(decided, ended, now, writes=writes)
        broken.tick(decided, ended, now, writes=writes)
        if number in cuts and broken.entries:
            since = broken.entries[-1].at - REACH
            last = [entry for entry in broken.entries if entry.at >= since]
            broken.schedule = marks_from(last, ceiling)

    assert straight.entries == broken.entries


@settings(max_examples=300)
@given(ticks, st.integers(1, 3))
def test_any_line_is_enough_to_know_what_is_pending(
    script: list[tuple[int, list[ev.Event], list[str], bool]], ceiling: int
) -> None:
    """After every single line, the last lines say what the whole journal says."""
    tape, now = begun(ceiling), NOON
    for gap, decided, ended, writes in script:
        now = Micros(now + gap * SECOND)
        tape.tick(decided, ended, now, writes=writes)
    for number, entry in enumerate(tape.entries):
        lines = tape.entries[: number + 1]
        last = [line for line in lines if line.at >= entry.at - REACH]

        assert tape.pending[number] == marks_from(last, ceiling).pending(entry.at)
        assert len(marks_from(lines, ceiling).pending(entry.at)) <= ceiling * len(HORIZONS)


@settings(max_examples=300)
@given(ticks)
def test_marks_keep_to_the_rules(
    script: list[tuple[int, list[ev.Event], list[str], bool]],
) -> None:
    """No horizon twice, none early or too late, none of an ended market, none for nothing."""
    tape, now = begun(100), NOON
    for gap, decided, ended, writes in script:
        now = Micros(now + gap * SECOND)
        tape.tick(decided, ended, now, writes=writes)
    over: set[str] = set()
    seen: set[object] = set()
    running: dict[object, int] = {}
    for entry in tape.entries:
        event = entry.event
        if isinstance(event, ev.MarketResolved):
            over.add(event.market)
        assert not isinstance(event, ev.Error), LEFT_OUT
        if not isinstance(event, ev.Mark):
            continue
        assert event.market not in over
        assert event.late == entry.at - event.since - event.horizon_s * SECOND
        assert 0 <= event.late <= LATE_MAX
        name = (event.cause, event.signal, event.market, event.leg, event.since, event.horizon_s)
        assert name not in seen
        seen.add(name)
        if not event.horizon_s:
            known = running.get((event.cause, event.signal, event.market, event.leg))
            assert known is None or event.since >= known + 3_600 * SECOND or over
            running[event.cause, event.signal, event.market, event.leg] = event.since
