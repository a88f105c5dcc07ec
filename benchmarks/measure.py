"""Interleaved rounds: the sides of a comparison take turns, so that noise hits all of them."""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

import attrs

from benchmarks.rows import AtLeast, AtMost, Goal, Row
from benchmarks.setting import Setting

Side = Callable[[], object]
"""Does the work once; what it returns is dropped."""


@attrs.frozen
class Times:
    """Seconds per side, one entry per round."""

    seconds: Mapping[str, Sequence[float]]

    def median(self, side: str) -> float:
        """Return the median seconds of a side."""
        return median(self.seconds[side])

    def quotient(self, side: str, other: str) -> float:
        """Return the median over the rounds of the time of one side by the time of another."""
        pairs = zip(self.seconds[side], self.seconds[other], strict=True)
        return median(mine / theirs for mine, theirs in pairs)

    def row(
        self,
        measures: str,
        ours: str,
        peer: str,
        *,
        units: int,
        unit: str,
        goal: Goal | None = None,
        speed: bool = False,
        note: str = "",
    ) -> Row:
        """Return a row with the speeds of two sides in thousand ``unit`` a second.

        The ratio is of speeds where the goal is an `AtLeast` or ``speed`` is set, else of times.
        """
        by_speed = speed or isinstance(goal, AtLeast)
        sides = (peer, ours) if by_speed else (ours, peer)
        return Row(
            measures=measures,
            ours=units / self.median(ours) / 1000,
            peer_name=peer,
            peer=units / self.median(peer) / 1000,
            unit=f"k {unit}/s",
            ratio=self.quotient(*sides),
            goal=goal,
            note=note,
        )


def interleave(setting: Setting, sides: Mapping[str, Side], *, warm: bool = True) -> Times:
    """Run every side once per round, in an order that turns, and return their times.

    Args:
        setting: says how many rounds.
        sides: what to run, by name.
        warm: run everything once before, untimed.

    """
    names = list(sides)
    if warm:
        for name in names:
            sides[name]()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(setting.rounds):
        turn = number % len(names)
        for name in (*names[turn:], *names[:turn]):
            gc.collect()
            began = time.perf_counter()
            sides[name]()
            seconds[name].append(time.perf_counter() - began)
    return Times(seconds)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which a share of sorted values lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@attrs.frozen
class Child:
    """What a child process cost: wall time, processor time, and the most memory it held."""

    seconds: float
    worked: float
    rss_mb: float
    output: str


def child(program: str, *arguments: str, compiled: Path | None = None) -> Child:
    """Run a program in a child process of the same Python to its end.

    Args:
        program: the source.
        arguments: its ``sys.argv`` from the second on.
        compiled: a folder that keeps compiled modules from one child to the next, as an installed
            program has them; None leaves that to the environment.

    Raises:
        RuntimeError: if it fails; the message holds what it said.

    """
    # The child tells its own peak: what the parent sees includes its own size at the fork.
    told = [sys.executable, "-c", program + _TELL_PEAK, *arguments]
    before = _children_worked()
    began = time.perf_counter()
    done = subprocess.run(
        told, capture_output=True, text=True, check=False, cwd=_ROOT, env=_environment(compiled)
    )
    seconds = time.perf_counter() - began
    worked = _children_worked() - before
    if done.returncode:
        msg = f"{program[:80]!r} failed: {done.stderr[-500:]}"
        raise RuntimeError(msg)
    output, _, peak = done.stdout.rstrip("\n").rpartition("\n")
    return Child(seconds, worked, int(peak) / 1024, output)


def _environment(compiled: Path | None) -> dict[str, str]:
    own = dict(os.environ)
    if compiled is not None:
        own.pop("PYTHONDONTWRITEBYTECODE", None)
        own["PYTHONPYCACHEPREFIX"] = str(compiled)
    return own


def _children_worked() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


_ROOT: Final = Path(__file__).parents[1]
_TELL_PEAK: Final = """
def _peak():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    except OSError:
        import resource, sys
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak
print(); print(_peak())
"""


def against(
    measures: str,
    value: float,
    limit: float,
    unit: str,
    note: str = "",
) -> Row:
    """Return a row that compares with a fixed limit, which no peer stands for."""
    return Row(
        measures=measures,
        ours=value,
        peer_name="limit",
        peer=limit,
        unit=unit,
        ratio=value / limit,
        goal=AtMost(1.0),
        note=note,
    )
