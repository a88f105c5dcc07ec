"""Thousands of small worlds. A failing seed is repeated by the command in its message.

The worlds are shared out between as many processes as there are processors.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from market_bot.bootstrap.discovery import builtin_exits, builtin_rules, builtin_strategies

from .checkers import must
from .swarm import Swarm
from .swarm_draw import RATES

# Where tests run in several processes, one of them shares out the worlds.
pytestmark = pytest.mark.xdist_group("swarm")

VARIABLE = "SWARM_SEED"
SEEDS = 2_000
SOAK_SEEDS = 20_000
BLOCK = 100
BLOCKS = range(0, SEEDS, BLOCK)
SOAK_BLOCKS = range(SEEDS, SEEDS + SOAK_SEEDS, BLOCK)
ROOT = Path(__file__).parents[2]
# What may go wrong at the venue; see `Faults`.
AT_THE_VENUE = (
    "rejected",
    "answer_lost",
    "order_lost",
    "ghost_fill",
    "late_fact",
    "repeated_fact",
    "void",
    "outage",
    "gap",
)
# These refuse nothing on paper; the simulation of live lanes meets them.
ONLY_LIVE = ("armed", "reconciled")
# What the rules leave to others to refuse. Not here: `journal_durable`, which is only written down
# where nothing can be, and what no strategy asks for (a market that is closed, a price off grid).
SOFT_GATES = (
    "cooldown_after_entry",
    "cooldown_after_exit",
    "cooldown_after_loss",
    "cooldown_after_reject",
    "cooldown_family",
    "families_exclude",
    "leaving",
    "max_hours_to_close",
    "max_spread",
    "min_depth_contracts",
    "min_hours_to_close",
    "min_size",
    "price_max",
    "price_min",
)

Found = tuple[list[str], Counter[str]]


def chosen(named: str | None) -> Sequence[int]:
    """Return the seed that was asked for, or a few to begin with."""
    return (int(named),) if named else range(3)


def again(seed: int) -> str:
    """Return the command that plays a seed."""
    return f"{VARIABLE}={seed} .venv/bin/pytest tests/simulation/test_swarm.py -k test_one_seed"


def play(seed: int) -> Counter[str]:
    """Play one seed and return what happened; a failure says how to see it again."""
    swarm = Swarm(seed)
    try:
        swarm.run()
    except Exception as e:
        msg = f"seed {seed}: {type(e).__name__}: {e}\nSee it again with: {again(seed)}"
        raise AssertionError(msg) from e
    return swarm.done


def play_block(first: int) -> Found:
    """Play a block of seeds; return what failed, and what happened in all of them together."""
    failed: list[str] = []
    done: Counter[str] = Counter()
    for seed in range(first, first + BLOCK):
        try:
            done += play(seed)
        except AssertionError as e:
            failed.append(str(e))
    return failed, done


@pytest.fixture(scope="module")
def blocks(request: pytest.FixtureRequest) -> Iterator[Mapping[int, Future[Found]]]:
    """Return the blocks the selected tests ask for, under way in other processes."""
    wanted: dict[int, None] = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.module is request.module:
            params: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
            if "first" in params:
                wanted[int(params["first"])] = None
            elif "blocks" in item.fixturenames:
                wanted |= dict.fromkeys(BLOCKS)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        try:
            yield {first: pool.submit(play_block, first) for first in sorted(wanted)}
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@pytest.mark.parametrize("seed", chosen(os.environ.get(VARIABLE)))
def test_one_seed(seed: int) -> None:
    """Whatever this seed breaks, money, orders, limits and journal stay right."""
    play(seed)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", BLOCKS)
def test_a_block(first: int, blocks: Mapping[int, Future[Found]]) -> None:
    """Whatever these seeds break, money, orders, limits and journal stay right."""
    failed, _ = blocks[first].result()

    assert not failed, "\n".join(failed)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("first", SOAK_BLOCKS)
def test_more_blocks(first: int, blocks: Mapping[int, Future[Found]]) -> None:
    """What holds on the usual seeds holds on others."""
    failed, _ = blocks[first].result()

    assert not failed, "\n".join(failed)


@pytest.mark.timeout(900)
def test_the_swarm_is_busy(blocks: Mapping[int, Future[Found]]) -> None:
    """Every fault strikes, every gate refuses, every strategy and every exit trades."""
    done: Counter[str] = Counter()
    for first in BLOCKS:
        done += blocks[first].result()[1]
    expected = {
        *(f"struck {name}" for name in (*AT_THE_VENUE, *RATES)),
        *(f"entry of {name}" for name in builtin_strategies()),
        *(f"exit of {name}" for name in builtin_strategies()),
        *(f"exit by {name}" for name in builtin_exits()),
        *(f"refused by {name}" for name in (*builtin_rules(), *SOFT_GATES)),
        "exit of flatten",
        "config_changed",
        "restarted",
    }

    expected -= {f"refused by {name}" for name in ONLY_LIVE}

    assert [] == sorted(name for name in expected if not done[name])
    assert SEEDS == done["played"]
    assert SEEDS < 2 * done["resumed"]
    assert SEEDS < 4 * done["deaths"]
    assert SEEDS < done["fills"]


@pytest.mark.parametrize("seed", [3, 8])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    """Nothing but the seed decides: every line of the journal is repeated."""
    first, second = Swarm(seed), Swarm(seed)
    first.run()
    second.run()

    assert first.lines() == second.lines()
    assert first.deaths == second.deaths


def test_a_failing_seed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of a failure holds a command, and that plays this seed and no other."""
    monkeypatch.setattr(Swarm, "_check", lambda _: must(truth=False, message="planted"))
    with pytest.raises(AssertionError, match="planted") as failure:
        play(4711)
    command = str(failure.value).rpartition("See it again with: ")[2]
    setting, program, *arguments = command.split()
    name, _, value = setting.partition("=")

    assert ".venv/bin/pytest" == program
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "--collect-only", "-q", "--no-cov"],
        cwd=ROOT,
        env=os.environ | {name: value},
        capture_output=True,
        text=True,
        check=True,
    )
    tests = [line for line in listed.stdout.splitlines() if "::" in line]
    assert ["tests/simulation/test_swarm.py::test_one_seed[4711]"] == tests
