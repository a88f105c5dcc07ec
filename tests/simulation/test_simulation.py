"""The whole system under faults. A failing seed is repeated by the command in its message."""

import os
from collections.abc import Sequence

import pytest

from .checkers import BrokenPromiseError
from .faults import RATES
from .world import SimLane, SimTape, Simulation

VARIABLE = "SIMULATION_SEED"
SEEDS = 150
SOAK_SEEDS = 5_000
SOAK_BLOCK = 100
# Seeds that once found something, so that it stays found.
FOUND = (1_164,)
# These spoil the feed when it is written; the others strike while the lane runs.
IN_THE_FEED = {"gap", "duplicate", "late"}
NOTHING: frozenset[str] = frozenset()


def chosen(named: str | None) -> Sequence[int]:
    """Return the seed that was asked for, or those that are always played."""
    return (int(named),) if named else (*range(SEEDS), *FOUND)


def play(seed: int) -> None:
    """Play one seed; a failure says how to see it again."""
    try:
        Simulation(seed).run()
    except Exception as e:
        again = f"{VARIABLE}={seed} .venv/bin/pytest tests/simulation -k test_a_seed"
        msg = f"seed {seed}: {type(e).__name__}: {e}\nSee it again with: {again}"
        raise AssertionError(msg) from e


def _disagree(_: SimLane) -> None:
    msg = "planted"
    raise BrokenPromiseError(msg)


@pytest.mark.parametrize("seed", chosen(os.environ.get(VARIABLE)))
def test_a_seed(seed: int) -> None:
    """Whatever this seed breaks, money, orders, limits and journal stay right."""
    play(seed)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("first", range(SEEDS, SEEDS + SOAK_SEEDS, SOAK_BLOCK))
def test_many_seeds(first: int) -> None:
    """What holds on the usual seeds holds on others."""
    for seed in range(first, first + SOAK_BLOCK):
        play(seed)


def test_a_failing_seed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of a failure holds a command that plays that seed and no other."""
    monkeypatch.setattr(SimLane, "check", _disagree)
    with pytest.raises(AssertionError, match=r"SIMULATION_SEED=2 .* -k test_a_seed"):
        play(2)

    assert (4711,) == chosen("4711")


@pytest.mark.parametrize("seed", [3, 8])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    """Nothing but the seed decides: every line of every journal is repeated."""
    first, second = Simulation(seed), Simulation(seed)
    first.run()
    second.run()

    assert [lane.lines() for lane in first.lanes] == [lane.lines() for lane in second.lanes]
    assert [lane.deaths for lane in first.lanes] == [lane.deaths for lane in second.lanes]


@pytest.mark.parametrize("fault", sorted(RATES))
def test_one_fault_alone(fault: str) -> None:
    """Each fault by itself, as often as it may strike, is survived; and it does strike."""
    also = {"provisional"} if fault == "reversed" else set()
    lanes = []
    for seed in range(3):
        # Orders are cancelled early only where somebody halts.
        operated = fault == "cancel_lost"
        only = frozenset({fault, *also})
        simulation = Simulation(seed, only=only, operated=operated, kinds=(SimLane,))
        simulation.run()
        lanes += simulation.lanes

    assert fault in IN_THE_FEED or any(fault in lane.chaos.struck for lane in lanes)
    assert all(lane.venue.entries for lane in lanes)


def _chances(kind: type[SimLane]) -> int:
    simulation = Simulation(1, only=NOTHING, operated=False, kinds=(kind,))
    simulation.run()
    return simulation.lanes[0].chaos.chances


def _spread(kind: type[SimLane], count: int) -> Sequence[int]:
    every = max(1, _chances(kind) // count)
    return range(1, _chances(kind), every)


@pytest.mark.parametrize("kind", [SimLane, SimTape])
def test_a_crash_at_one_moment(kind: type[SimLane]) -> None:
    """Power may fail at any operation of a quiet run: what follows is as if nothing had been."""
    for moment in _spread(kind, 25):
        simulation = Simulation(1, only=NOTHING, operated=False, kinds=(kind,), crash_at=moment)
        simulation.run()

        assert ["power"] == simulation.lanes[0].deaths, moment


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("kind", [SimLane, SimTape])
def test_a_crash_at_every_moment(kind: type[SimLane]) -> None:
    """Power may fail at every single operation of a quiet run."""
    for moment in range(1, _chances(kind)):
        Simulation(1, only=NOTHING, operated=False, kinds=(kind,), crash_at=moment).run()


@pytest.mark.parametrize("kind", [SimLane, SimTape])
def test_a_disk_that_fails_once(kind: type[SimLane]) -> None:
    """One failed operation of the disk, wherever, costs no money and no fact."""
    for moment in _spread(kind, 25):
        Simulation(1, only=NOTHING, operated=False, kinds=(kind,), fail_at=moment).run()


def test_a_fact_that_cannot_be_written() -> None:
    """One fact that is refused, whichever it is, is written later or was never needed."""
    quiet = Simulation(4, only=NOTHING, operated=False, kinds=(SimLane,))
    quiet.run()
    facts = quiet.lanes[0].chaos.facts
    for number in range(1, facts, max(1, facts // 60)):
        Simulation(4, only=NOTHING, operated=False, kinds=(SimLane,), lose_at=number).run()


@pytest.mark.parametrize("seed", range(4))
def test_a_tape_does_not_know_of_crashes(seed: int) -> None:
    """A taped run that was interrupted writes the same bytes as one that was not."""
    quiet = Simulation(seed, only=NOTHING, operated=False, kinds=(SimTape,))
    faults = frozenset({"crash", "disk_crash", "data_error"})
    rough = Simulation(seed, only=faults, operated=False, kinds=(SimTape,))
    quiet.run()
    rough.run()

    assert rough.lanes[0].deaths
    assert quiet.lanes[0].lines() == rough.lanes[0].lines()
