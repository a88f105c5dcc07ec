"""A recorded lane: what was consumed is what is played, and every decision follows again."""

from __future__ import annotations

import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.adapters.storage.recorded_feed import RecordedFeed
from market_bot.adapters.storage.tape_files import NewFiles, TapeLabel, order_of, sources_of
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.adapters.storage.tape_recording import RecordingData
from market_bot.adapters.storage.tape_records import TickRecord
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros, parse_time
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution
from tests.fakes.builders import a_strategy, lane_settings
from tests.fakes.execution import ChaoticExecution
from tests.fakes.market_data import FULL
from tests.fakes.recorded_lives import FedData, OncePerTick, RecordedLives, picture_of
from tests.fakes.recording_sink import Fact
from tests.fakes.tape_facts import tapes
from tests.property.test_trader import Moody

MARKETS = ("A", "B", "C")
LATE = parse_time("2026-11-22T23:59:00Z")
STEPS = (SECOND, 5 * SECOND, 1200 * SECOND, 9 * HOUR)


def on_paper(world: World, random: Random) -> Execution:
    """Return the paper desk."""
    return PaperExecution(world, FULL)


def in_chaos(world: World, random: Random) -> Execution:
    """Return a desk that rejects, doubts, fills in parts, undoes and repeats itself."""
    return OncePerTick(ChaoticExecution(Random(random.random())))


def a_lane_of(folder: Path, seed: int, lives: int, ticks: int) -> RecordedLives:
    """Return a lane after some lives, some of which were killed."""
    random = Random(seed)
    lane = RecordedLives(
        folder=folder,
        settings=lane_settings(a_strategy(Moody(seed))),
        desk=random.choice((on_paper, in_chaos)),
        random=random,
        group=random.choice((1, 3, 20, 4096)),
        at=Micros(LATE + random.randint(0, 90) * SECOND),
    )
    for _ in range(lives):
        steps = [Duration(random.choice(STEPS)) for _ in range(random.randint(1, ticks))]
        lane.live(steps, killed=random.random() < 0.5, markets=MARKETS)
    return lane


def ticks_on(folder: Path, names: list[str]) -> int:
    """Return how many ticks some recordings hold."""
    tapes = [TapeReader(folder / f"{name}.jsonl.zst", allow_torn=True) for name in names]
    return sum(isinstance(r, TickRecord) for tape in tapes for r in tape.iter_records())


@given(seed=st.integers(0, 2**32), lives=st.integers(1, 3), ticks=st.integers(1, 12))
def test_every_life_is_derived_again(seed: int, lives: int, ticks: int) -> None:
    """Orderly lives give the same world and all lines; killed ones all that is on the tape."""
    random = Random(seed)
    with tempfile.TemporaryDirectory() as name:
        lane = a_lane_of(Path(name), seed, lives, ticks)
        for number, (life, before, own) in enumerate(lane.lives()):
            # What the paper desk did follows from the recording as well.
            desk = on_paper if lane.desk is on_paper and random.random() < 0.5 else None
            derived = lane.derive(life, before, own, desk=desk)

            assert derived.events == [entry.event for entry in own[: len(derived.events)]]
            if derived.reason is None:
                assert len(own) == len(derived.events)
                assert lane.pictures[number] == picture_of(derived.world)
            else:
                assert not isinstance(own[-1].event, ev.BotStopped)
                scans = sum(isinstance(event, ev.Scan) for event in derived.events)
                assert ticks_on(lane.folder, list(life.consumed)) == scans


@given(
    facts=tapes(),
    cuts=st.lists(st.integers(0, 30), max_size=8),
    steps=st.lists(st.sampled_from([0, 1, HOUR, 13 * HOUR]), min_size=9, max_size=9),
    group=st.integers(1, 5),
)
def test_any_facts_make_the_same_world(
    facts: list[Fact], cuts: list[int], steps: list[int], group: int
) -> None:
    """Wherever the drains and midnights fall, a world fed from the tape equals the one fed live."""
    with tempfile.TemporaryDirectory() as name:
        source, world = FedData(), World()
        label = TapeLabel(venue="kalshi", source="a test", capabilities=FULL, group=group)
        files = NewFiles(folder=Path(name), label=label)
        data = RecordingData(source, venue="kalshi", world=world, files=files)
        at, places = Micros(0), sorted({*cuts, len(facts)})
        positions: list[str] = []
        for (begin, end), step in zip(pairwise([0, *places]), steps, strict=False):
            at = Micros(at + step)
            source.waiting.extend(facts[begin:end])
            positions.append(data.drain(world, at))
        data.close()

        again, played = World(), list[str]()
        feed = RecordedFeed(_in_order(Path(name)), {})
        while (tick := feed.next_tick()) is not None:
            played.append(feed.drain(again, tick))

    assert picture_of(world) == picture_of(again)
    assert positions == played


def _in_order(folder: Path) -> dict[str, Path]:
    names = sources_of(folder.iterdir())
    return {name: names[name] for name in sorted(names, key=order_of)}


def test_lives_are_eventful() -> None:
    """Over some seeds there are trades, refusals, midnights, lost groups and failed ticks."""
    seen: Counter[str] = Counter()
    for seed in range(40):
        with tempfile.TemporaryDirectory() as name:
            lane = a_lane_of(Path(name), seed, 3, 12)
            for life, before, own in lane.lives():
                derived = lane.derive(life, before, own)
                seen.update(event.TYPE for event in derived.events)
                seen["midnights"] += len(life.consumed) > 1
                seen["lost"] += derived.reason is not None

    wanted = "fill order_rejected order_cancelled exit denied mark tick halt bot_stopped"
    assert {*wanted.split(), "fill_settled", "midnights", "lost"} <= set(+seen)
