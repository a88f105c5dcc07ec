"""What it costs to start: wall time and memory of child processes, best of several."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from benchmarks.measure import Child, against, child
from benchmarks.rows import Row
from benchmarks.setting import Benchmark, Setting

_MS: Final = 150.0
_MB: Final = 45.0
_HEAVY: Final = (
    "anthropic",
    "dependency_injector",
    "duckdb",
    "httpx",
    "litestar",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "uvicorn",
)
_HELP: Final = (
    "import contextlib, io, sys; from market_bot.bootstrap.cli import main\n"
    "with contextlib.redirect_stdout(io.StringIO()) as told: main(['--help'])\n"
    "assert 'Usage' in told.getvalue()"
)
_CORE: Final = "import market_bot.core.usecases.trade_lane, market_bot.core.usecases.lane_actor"
_WHAT: Final = (
    ("market-bot --help", _HELP),
    ("import market_bot", "import market_bot"),
    ("import of the core", _CORE),
)


def measure(setting: Setting) -> Iterator[Row]:
    """Yield the rows: milliseconds and megabytes per start, and what must not be loaded."""
    bare = _best(setting, "pass")
    yield Row(
        measures="bare interpreter",
        ours=bare.seconds * 1000,
        unit="ms",
        note=f"{bare.rss_mb:.1f} MB",
    )
    for name, program in _WHAT:
        best = _best(setting, program)
        note = f"best of {_times(setting)}; {best.worked * 1000:.0f} ms of it on the processor"
        yield against(f"{name}: wall time", best.seconds * 1000, _MS, "ms", note)
        yield against(f"{name}: memory", best.rss_mb, _MB, "MB")
        yield _loaded(name, program)


def _best(setting: Setting, program: str) -> Child:
    compiled = setting.folder / "compiled"
    child(program, compiled=compiled)
    tries = (child(program, compiled=compiled) for _ in range(_times(setting)))
    return min(tries, key=lambda found: found.seconds)


def _times(setting: Setting) -> int:
    return setting.pick(4, 2, 1) * setting.rounds


def _loaded(name: str, program: str) -> Row:
    asking = f"{program}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    modules = set(json.loads(child(asking).output.strip().splitlines()[-1]))
    heavy = sorted(modules.intersection(_HEAVY))
    assert not heavy, f"{name} loads {', '.join(heavy)}"
    return Row(
        measures=f"{name}: modules loaded",
        ours=float(len(modules)),
        note="no web, HTTP, model or frame library among them",
    )


benchmark = Benchmark(
    name="start_up",
    summary="starting the command line and importing the core",
    measure=measure,
)
