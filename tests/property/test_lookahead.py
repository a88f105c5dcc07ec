"""Taking the future away changes nothing, unless something looks at it; then that is found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.adapters.simulated.tape_venue import TapeVenue
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.bootstrap.replay_run import Prepared, check_lookahead
from market_bot.core.domain.numbers import Micros, Price
from market_bot.core.domain.settings import ActiveStrategy, LaneSettings
from market_bot.core.domain.signals import Wanted
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.view import Holdings, View
from market_bot.core.ports.tape import TapeSource
from market_bot.core.usecases.check_lookahead import count_records, cut_tapes
from tests.fakes.builders import NoParams, a_signal
from tests.fakes.recording_sink import Fact, RecordingSink
from tests.fakes.replayed_lives import BEGINS, VENUE, on_tapes, plans, some_recording
from tests.fakes.tape_facts import write

SECOND = 1_000_000
INTERVALS = (Micros(0), Micros(SECOND), Micros(30 * SECOND))
seeds = st.integers(0, 2**32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where tapes are written; each example writes over the one before."""
    return tmp_path_factory.mktemp("lookahead")


def prepared(tapes: list[TapeReader], settings: int = 0, interval: int = SECOND) -> Prepared:
    """Return a replay of one lane."""
    (plan,) = plans([settings])
    return Prepared(
        venue=VENUE,
        tapes=tuple(tapes),
        base=plan.settings,
        plans=(plan,),
        interval=Micros(interval),
    )


def everything(source: Sequence[TapeSource], interval: Micros) -> list[Fact]:
    """Return what tapes tell, ticks included."""
    venue, sink = TapeVenue(source, interval=interval), RecordingSink()
    while (at := venue.next_tick()) is not None:
        venue.drain(sink, at)
        sink.facts.append(("tick", at))
    return sink.facts


@given(recording=seeds, where=st.integers(0, 10**6), interval=st.sampled_from(INTERVALS))
def test_a_cut_tape_is_a_shorter_tape(
    folder: Path, recording: int, where: int, interval: Micros
) -> None:
    """A tape that is cut plays exactly as one that was never longer."""
    facts = some_recording(recording, 30)
    (tape,) = on_tapes(folder / "whole", facts)
    records = 1 + where % (len(facts) - 1)
    short = TapeReader(write(folder / "short.tape.zst", facts[:records], venue=VENUE))

    cut, place = cut_tapes([tape], records)

    assert len(facts) == count_records([tape])
    assert everything([short], interval) == everything(cut, interval)
    assert records == place.records
    assert place.at <= max(short.open().latest, *(a for a in _times(facts[:records])))


def _times(facts: list[Fact]) -> list[int]:
    return [f[-2] if f[0] in {"book", "delta", "trade"} else f[-1] for f in facts]


@given(recording=seeds, ticks=st.lists(st.integers(0, 29), max_size=8), where=st.integers(0, 10**6))
def test_a_cut_recording_is_a_shorter_recording(
    folder: Path, recording: int, ticks: list[int], where: int
) -> None:
    """The same for tapes that hold the ticks themselves, also where one is cut off."""
    facts: list[Fact] = []
    for number, fact in enumerate(some_recording(recording, 30)):
        facts.append(fact)
        if number in ticks:
            facts.append(("tick", _times([fact])[0]))
    whole = TapeReader(write(folder / "ticked.tape.zst", facts, venue=VENUE, ticks=True))
    records = 1 + where % (len(facts) - 1)
    path = write(folder / "cut.tape.zst", facts[:records], venue=VENUE, ticks=True)

    cut, _ = cut_tapes([whole], records)

    assert everything([TapeReader(path)], Micros(0)) == everything(cut, Micros(0))


@given(
    recording=seeds,
    settings=st.integers(0, 60),
    interval=st.sampled_from(INTERVALS),
    files=st.integers(1, 2),
)
def test_nothing_of_ours_looks_ahead(
    folder: Path, recording: int, settings: int, interval: Micros, files: int
) -> None:
    """Whatever is traded, however it fills, wherever it is cut: the past stays what it was."""
    tapes = on_tapes(folder, some_recording(recording), files)

    found = check_lookahead(prepared(tapes, settings, interval), 4)

    assert () == found.peeks
    assert found.complete


@attrs.define(eq=False)
class Peeker:
    """Buys only what will be dearer: it opens the tape it is given and reads on."""

    tapes: Sequence[TapeSource]

    def __call__(self, view: View, _params: object, _holdings: Holdings) -> Iterable[Wanted]:
        """Want what the latest book of the whole tape will pay more for."""
        last = {f[1]: f[2] for f in everything(self.tapes, Micros(0)) if f[0] == "book"}
        for seen in view.markets:
            later = max(last.get(seen.market.id, {}), default=Price(0))
            if seen.ask is not None and later > seen.ask:
                yield a_signal(market=seen.market.id, price=seen.ask)


def peeking(tapes: Sequence[TapeSource], settings: LaneSettings) -> LaneSettings:
    """Return settings with a strategy that can see the tapes that its lane is given."""
    spy = Strategy(name="peeker", summary="Peeks.", params=NoParams, decide=Peeker(tapes))
    return attrs.evolve(settings, strategies=(ActiveStrategy(strategy=spy, params=NoParams()),))


def test_a_strategy_that_peeks_is_found(folder: Path) -> None:
    """It decides otherwise as soon as there is no future to look at; place and facts are named."""
    found = check_lookahead(prepared(on_tapes(folder, some_recording(7))), 6, settings_on=peeking)

    assert found.peeks
    first = found.peeks[0]
    assert first.cut in found.cuts
    assert first.difference.at < first.cut.at
    assert first.difference.recorded != first.difference.replayed


def test_a_check_that_is_stopped_says_so(folder: Path) -> None:
    """What was not compared is not called sound."""
    left = iter([False] * 5)
    found = check_lookahead(
        prepared(on_tapes(folder, some_recording(3))), 3, stop=lambda: next(left, True)
    )

    assert not found.complete


def test_the_same_places_are_cut_every_time(folder: Path) -> None:
    """The places are drawn, but always the same ones, and they differ."""
    tapes = on_tapes(folder, some_recording(5))
    first, again = (check_lookahead(prepared(tapes), 5).cuts for _ in range(2))

    assert first == again
    assert 5 == len({cut.records for cut in first})
    assert all(BEGINS <= cut.at for cut in first)
