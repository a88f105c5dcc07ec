"""One pass over the data gives every variant exactly what a pass of its own would give it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.bootstrap.replay_run import replay_of
from market_bot.core.domain import events as ev
from market_bot.core.domain.fills.terms import FillModel
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.replay_result import VariantResult
from market_bot.core.usecases.replay import Plan
from tests.fakes.replayed_lives import VENUE, alone, on_tapes, plans, some_recording

# Markets of it move to other events after some of those have ended.
MOVING = 801_485_757
INTERVALS = (Micros(0), Micros(1_000_000), Micros(30_000_000))
seeds = st.integers(0, 2**32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where tapes are written; each example writes over the one before."""
    return tmp_path_factory.mktemp("replays")


def in_one_pass(
    many: list[Plan], tapes: list[TapeReader], interval: Micros
) -> tuple[list[list[tuple[Micros, ev.Event]]], list[VariantResult]]:
    """Return every variant's facts but its scans, and what was measured of it."""
    replay = replay_of(tapes, many, interval, VENUE)
    told: list[list[tuple[Micros, ev.Event]]] = []
    for lane in replay.lanes:
        facts: list[tuple[Micros, ev.Event]] = []
        told.append(facts)

        def keep(event: ev.Event, at: Micros, facts: list[tuple[Micros, ev.Event]] = facts) -> None:
            if not isinstance(event, ev.Scan):
                facts.append((at, event))

        lane.trader.recorder.observers.append(keep)
    replay.run()
    assert replay.complete
    return told, [lane.result() for lane in replay.lanes]


@given(
    recording=seeds,
    variants=st.lists(st.integers(0, 60), min_size=1, max_size=4),
    models=st.sampled_from((tuple(FillModel)[:1], tuple(FillModel)[1:])),
    interval=st.sampled_from(INTERVALS),
    files=st.integers(1, 3),
)
def test_one_pass_is_as_many_passes(
    folder: Path,
    recording: int,
    variants: list[int],
    models: tuple[FillModel, ...],
    interval: Micros,
    files: int,
) -> None:
    """Every fact of every variant, and all that is measured, is what it would be alone.

    The oracle is an ordinary lane with its own world, data and strategies, which shares nothing.
    """
    tapes = on_tapes(folder, some_recording(recording), files)
    many = plans(variants, models)

    told, results = in_one_pass(many, tapes, interval)

    for plan, facts in zip(many, told, strict=True):
        assert alone(plan, tapes, interval) == facts
    assert in_one_pass(many[-1:], tapes, interval)[1] == results[-1:]


def test_lanes_let_go_of_an_event_together(folder: Path) -> None:
    """What one lane holds does not decide what another one sees of an event that ended."""
    tapes = on_tapes(folder, some_recording(MOVING, 250))
    many = plans([206, 54])

    told, _ = in_one_pass(many, tapes, Micros(0))

    assert told == [alone(plan, tapes, Micros(0)) for plan in many]


def check_sums(result: VariantResult) -> None:
    """Check that the parts of a result are the whole, to the last unit."""
    days: dict[str, int] = {}
    for of_day in result.per_day.values():
        assert of_day
        assert all(of_day.values())
        for event, change in of_day.items():
            days[event] = days.get(event, 0) + change
    trades = sum(trade.pnl for trade in result.trades)

    assert result.pnl == sum(result.per_event.values())
    assert {e: c for e, c in days.items() if c} == {e: c for e, c in result.per_event.items() if c}
    assert result.pnl == trades + result.rewards
    assert result.fees == sum(trade.fees for trade in result.trades)
    assert result.still_open == sum(trade.closed_at is None for trade in result.trades)
    assert not result.curve or result.pnl == result.curve[-1].equity - result.deposits
    assert result.max_drawdown == max((point.fall for point in result.curve), default=0)
    assert 0 == result.anomalies


@given(recording=seeds, variant=st.integers(0, 60), interval=st.sampled_from(INTERVALS))
def test_results_add_up(folder: Path, recording: int, variant: int, interval: Micros) -> None:
    """Events, days, trades and the curve all tell the same profit."""
    tapes = on_tapes(folder, some_recording(recording))
    _, results = in_one_pass(plans([variant], FillModel), tapes, interval)

    for result in results:
        check_sums(result)


@given(recording=seeds, variant=st.integers(0, 60), most=st.sampled_from((2, 4, 8)))
def test_thin_curves_keep_the_deepest_fall(
    folder: Path, recording: int, variant: int, most: int
) -> None:
    """However few points are kept, the falls between them are not lost, and all curves end alike.

    The oracle is the curve with a point for every tick.
    """
    tapes = on_tapes(folder, some_recording(recording))
    many = plans([variant], FillModel)
    with pytest.MonkeyPatch.context() as patch:
        _, whole = in_one_pass(many, tapes, Micros(0))
        patch.setattr("market_bot.core.usecases.replay.CURVE_POINTS", most)
        _, thin = in_one_pass(many, tapes, Micros(0))

    assert 1 == len({tuple(point.at for point in result.curve) for result in thin})
    for one, other in zip(whole, thin, strict=True):
        assert len(other.curve) <= most
        assert one.curve[-1].equity == other.curve[-1].equity
        assert fall_of(one) == max(p.fall for p in other.curve) == other.max_drawdown


def fall_of(result: VariantResult) -> int:
    """Return the deepest fall of a curve that has a point for every tick."""
    high = fall = 0
    for equity in (result.deposits, *(point.equity for point in result.curve)):
        high = max(high, equity)
        fall = max(fall, high - equity)
    return fall


def test_a_replay_that_is_stopped_has_a_whole_curve(folder: Path) -> None:
    """The last point of a curve is the last tick, also where nobody waited for the end."""
    tapes = on_tapes(folder, some_recording(7))
    for ticks in range(1, 12):
        replay = replay_of(tapes, plans([3]), Micros(0), VENUE)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("market_bot.core.usecases.replay.CURVE_POINTS", 4)
            asked = iter([False] * ticks)
            replay.run(stop=lambda asked=asked: next(asked, True))  # type: ignore[misc] # bound at once
        (lane,) = replay.lanes

        assert (replay.now, lane.trader.equity()) == (lane.curve[-1].at, lane.curve[-1].equity)


def test_replays_are_eventful(folder: Path) -> None:
    """Over some seeds there are gains and losses, makers and takers, exits, merges and days."""
    seen: set[object] = set()
    for seed in range(40):
        told, results = in_one_pass(
            plans([seed]), on_tapes(folder, some_recording(seed)), INTERVALS[1]
        )
        seen |= {type(event) for _, event in told[0]}
        seen |= {e.liquidity for _, e in told[0] if isinstance(e, ev.Fill)}
        result = results[0]
        seen |= {len(result.per_day) > 1, bool(result.denials), bool(result.forecasts.entries)}
        seen |= {"gain" if t.pnl > 0 else "loss" for t in result.trades}

    assert {ev.Fill, ev.Exit, ev.Denied, ev.Merged, ev.MarketResolved, ev.OrderCancelled} <= seen
    assert {"gain", "loss", True, False} <= seen
