"""What every source of market data keeps; a new adapter joins `SOURCES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from market_bot.adapters.simulated.sim_settings import SimSettings
from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.adapters.simulated.tape_venue import TapeVenue
from market_bot.adapters.storage.recorded_feed import RecordedFeed
from market_bot.adapters.storage.tape import TapeReader
from market_bot.adapters.storage.tape_files import DerivedFiles, TapeLabel
from market_bot.adapters.storage.tape_recording import RecordingData
from market_bot.core.domain.numbers import Micros, utc_date
from market_bot.core.domain.world import World
from market_bot.core.ports.market_data import Capability, MarketData, Sink
from tests.fakes.market_data import FULL
from tests.fakes.recording_sink import Fact, RecordingSink
from tests.fakes.tape_facts import a_delta, a_market, write

Make = Callable[[], MarketData]
START = 1_786_000_000_000_000
STEP = 1_000_000
STEPS = 20


def _tape_facts(*, ticks: bool) -> list[Fact]:
    facts: list[Fact] = [("meta", a_market(), Micros(START))]
    for step in range(1, STEPS):
        facts.append(a_delta(START + step * STEP - 1, size=step * 1_000_000))
        if ticks:
            facts.append(("tick", Micros(START + step * STEP)))
    return facts


def _simulated() -> MarketData:
    return SimulatedVenue(11, settings=SimSettings(begins=Micros(START), markets=60))


def _tape(here: Path, *, ticks: bool) -> MarketData:
    path = here / "t"
    if not path.exists():
        write(path, _tape_facts(ticks=ticks))
    return TapeVenue([TapeReader(path)], interval=Micros(STEP))


def _recorded(here: Path) -> MarketData:
    label = TapeLabel(venue="simulated", source="a test", capabilities=FULL)
    files = DerivedFiles(folder=here / "recorded", label=label)
    return RecordingData(_simulated(), venue="simulated", world=World(), files=files)


def _played_back(here: Path) -> MarketData:
    """Return what is recorded of a source, as the lane that recorded it is proven with."""
    path = here / "recorded" / f"{utc_date(Micros(START))}.jsonl.zst"
    if not path.exists():
        recording = _recorded(here)
        assert isinstance(recording, RecordingData)
        _drained(recording, EVERY_STEP)
        recording.close()
    return _AtItsTicks(RecordedFeed({path.name.removesuffix(".jsonl.zst"): path}, {}))


class _AtItsTicks(MarketData):
    """Drains tick by tick up to any moment; the ticks of then are the only ones there are."""

    def __init__(self, feed: RecordedFeed) -> None:
        self._feed = feed

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._feed.capabilities

    def drain(self, sink: Sink, until: Micros) -> str:
        while (at := self._feed.next_tick()) is not None and at <= until:
            self._feed.drain(sink, at)
        return self._feed.position


SOURCES: dict[str, Callable[[Path], MarketData]] = {
    "tape on a grid": lambda here: _tape(here, ticks=False),
    "tape with ticks": lambda here: _tape(here, ticks=True),
    "simulated venue": lambda _: _simulated(),
    "recorded while consumed": _recorded,
    "played from a recording": _played_back,
}


@pytest.fixture(params=SOURCES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Return a way to open the same source again and again."""
    made: list[MarketData] = []

    def open_again() -> MarketData:
        made.append(SOURCES[request.param](tmp_path))
        return made[-1]

    yield open_again
    for source in made:
        if isinstance(source, RecordingData):
            source.close()


def _drained(source: MarketData, stops: list[int]) -> tuple[list[Fact], list[str]]:
    sink = RecordingSink()
    positions = [source.drain(sink, Micros(stop)) for stop in stops]
    return sink.facts, positions


def _received(fact: Fact) -> int:
    dated = fact[0] in {"delta", "trade", "book", "reference"}
    return int(fact[-2] if dated else fact[-1])


EVERY_STEP = [START + step * STEP for step in range(STEPS + 1)]


def test_there_is_something_to_see(make: Make) -> None:
    """The suite is not passed by a source that never says anything."""
    facts, _ = _drained(make(), [EVERY_STEP[-1]])

    assert len(facts) >= STEPS


def test_capabilities_are_constant(make: Make) -> None:
    """What a source claims is known at once and does not change."""
    source = make()
    before = source.capabilities
    _drained(source, EVERY_STEP)

    assert before == source.capabilities
    assert all(isinstance(claim, Capability) for claim in before)


def test_nothing_comes_from_the_future(make: Make) -> None:
    """A drain pushes nothing that was received after its time."""
    source = make()
    for stop in EVERY_STEP:
        facts, _ = _drained(source, [stop])

        assert all(_received(fact) <= stop for fact in facts)


def test_nothing_is_pushed_twice(make: Make) -> None:
    """Draining to the same time again pushes nothing and stays in place."""
    source = make()
    _, (position,) = _drained(source, [EVERY_STEP[5]])

    assert ([], [position]) == _drained(source, [EVERY_STEP[5]])


def test_steps_make_no_difference(make: Make) -> None:
    """Many small drains give the facts, the order and the position of one large drain."""
    few, few_positions = _drained(make(), [EVERY_STEP[-1]])
    many, many_positions = _drained(make(), EVERY_STEP)

    assert few == many
    assert few_positions[-1] == many_positions[-1]


def test_opening_again_gives_the_same(make: Make) -> None:
    """Facts and positions are the same in every run."""
    assert _drained(make(), EVERY_STEP) == _drained(make(), EVERY_STEP)


def test_a_market_is_announced_first(make: Make) -> None:
    """No fact about a market comes before its meta."""
    facts, _ = _drained(make(), EVERY_STEP)
    known = {""}
    for fact in facts:
        if fact[0] == "meta":
            known.add(fact[1].id)
        elif fact[0] != "reference":
            assert fact[1] in known
