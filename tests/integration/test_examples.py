"""The examples run as they stand, and a strategy of somebody else is found by its entry point."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import market_bot as mb
from market_bot.config.defaults import default_files

ROOT = Path(__file__).parents[2]


def test_the_library_example_runs() -> None:
    """The example trades 500 ticks and finds its fills in the journal."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/own_strategy.py")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert "" == done.stderr
    assert "500 ticks" in done.stdout
    assert "fills in the journal" in done.stdout


def test_the_readme_shows_the_example() -> None:
    """The code in the README is the example, so that running one proves both."""
    example = (ROOT / "examples/own_strategy.py").read_text().split('"""\n', 1)[1].strip()

    assert example in (ROOT / "README.md").read_text()


def test_the_example_inside_another_program_runs() -> None:
    """It reads ten fills while the program does its own work, and ends by itself in order."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/inside_asyncio.py")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "10 fills read" in done.stdout
    assert "own work was done meanwhile" in done.stdout


@pytest.mark.parametrize("leave", ["by an error", "by being cancelled"])
def test_the_lane_inside_another_program_is_closed(leave: str) -> None:
    """However the block is left, the thread has ended, nothing is lost, and the error is told."""
    spec = importlib.util.spec_from_file_location("inside", ROOT / "examples/inside_asyncio.py")
    assert spec is not None
    assert spec.loader is not None
    inside = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(inside)
    world = mb.SimSettings(markets=5)
    lane = mb.PaperLane.simulated(mb.default_settings(), seed=7, world=world)
    before = threading.active_count()

    async def host() -> None:
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def heard(_event: mb.Event, _at: mb.Micros) -> None:
            loop.call_soon_threadsafe(begun.set)

        lane.watch(heard)
        async with inside.trading(lane):
            await begun.wait()
            if leave == "by an error":
                msg = "the program's own"
                raise LookupError(msg)
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(10)

    with pytest.raises((LookupError, asyncio.CancelledError)):
        asyncio.run(host())

    assert before == threading.active_count()
    assert 0 < lane.snapshot.ticks


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the example package was installed."""
    target = tmp_path_factory.mktemp("site")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"),
            *("--no-deps", "--no-build-isolation", "--no-index", "--target", str(target)),
            str(ROOT / "examples/buy_cheap"),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return target


def test_a_strategy_of_somebody_else_trades(installed: Path, tmp_path: Path) -> None:
    """Named in the YAML, an installed strategy is loaded by its entry point and trades."""
    home = tmp_path / "home"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "market_bot"]
    subprocess.run([*command, "init", "--home", str(home)], check=True, capture_output=True)
    text = default_files()["simulated.yaml"].decode()
    start, end = text.index("\nstrategies:"), text.index("\nsizing:")
    ours = "\nstrategies:\n  - name: buy_cheap\n    params:\n      cheap: 0.12\n"
    (home / "config/simulated.yaml").write_text(text[:start] + ours + text[end:])

    words = ["run", "--home", str(home), "--no-web", "--speed", "0", "--ticks", "200", "--json"]
    done = subprocess.run(
        [*command, *words], env=environment, capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stderr
    assert '"signals": {"buy_cheap": ' in done.stdout
