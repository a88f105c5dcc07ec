"""The whole system with real money under faults; only the account tells what was lost."""

import os

import pytest

from .live import LIVE_RATES, LiveSimulation
from .test_simulation import VARIABLE, chosen

SEEDS = 60
SOAK_SEEDS = 3_000
SOAK_BLOCK = 100
IN_THE_FEED = {"gap", "duplicate", "late"}
# These need another world.
ELSEWHERE = {"provisional", "reversed"}


def play(seed: int) -> None:
    """Play one seed; a failure says how to see it again."""
    try:
        LiveSimulation(seed).run()
    except Exception as e:
        again = f"{VARIABLE}={seed} .venv/bin/pytest tests/simulation/test_live.py -k test_a_seed"
        msg = f"seed {seed}: {type(e).__name__}: {e}\nSee it again with: {again}"
        raise AssertionError(msg) from e


@pytest.mark.parametrize(
    "seed", chosen(os.environ[VARIABLE]) if VARIABLE in os.environ else range(SEEDS)
)
def test_a_seed(seed: int) -> None:
    """One order per intent, every fill once, within the limits, and never without consent."""
    play(seed)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("first", range(SEEDS, SEEDS + SOAK_SEEDS, SOAK_BLOCK))
def test_many_seeds(first: int) -> None:
    """What holds on the usual seeds holds on others."""
    for seed in range(first, first + SOAK_BLOCK):
        play(seed)


@pytest.mark.parametrize("fault", sorted(set(LIVE_RATES) - ELSEWHERE))
def test_one_fault_alone(fault: str) -> None:
    """Each fault by itself is survived; it does strike, and trading goes on around it."""
    lanes = []
    for seed in range(3):
        simulation = LiveSimulation(seed, only=frozenset({fault}), operated=fault == "cancel_lost")
        simulation.run()
        lanes.append(simulation.lane)

    assert fault in IN_THE_FEED or any(fault in lane.chaos.struck for lane in lanes)
    assert any(lane.venue.entries for lane in lanes)


def test_the_same_seed_is_the_same_run() -> None:
    """Nothing but the seed decides: every line of the journal is repeated."""
    first, second = LiveSimulation(5), LiveSimulation(5)
    first.run()
    second.run()

    assert first.lane.lines() == second.lane.lines()


def test_a_crash_at_one_moment() -> None:
    """Power may fail anywhere in a quiet run: no order is sent twice, no fill is lost."""
    quiet = LiveSimulation(1, only=frozenset(), operated=False)
    quiet.run()
    for moment in range(1, quiet.lane.chaos.chances, max(1, quiet.lane.chaos.chances // 25)):
        simulation = LiveSimulation(1, only=frozenset(), operated=False, crash_at=moment)
        simulation.run()

        assert ["power"] == simulation.lane.deaths, moment
