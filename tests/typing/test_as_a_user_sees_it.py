"""The public face is typed: a user's program passes mypy strict, and mistakes are found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MISTAKES = {
    "a price is not a size": "x: mb.Size = mb.price('0.5')",
    "a float is not a price": "x: mb.Price = 0.5",
    "a signal needs a reason": "mb.Signal(market='M')",
    "a lane has no such method": "mb.PaperLane.simulated(mb.default_settings()).go()",
}


def checked(file: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run mypy strict on one file of a user."""
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache that the runs share."""
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.parametrize("name", ["own_strategy.py", "buy_cheap/src/buy_cheap/__init__.py"])
def test_examples_pass(name: str, cache: Path) -> None:
    """The examples are correct programs under mypy strict."""
    done = checked(ROOT / "examples" / name, cache)

    assert 0 == done.returncode, done.stdout


def test_mistakes_are_found(tmp_path: Path, cache: Path) -> None:
    """Each of a user's mistakes is an error on its own line."""
    file = tmp_path / "user.py"
    file.write_text("import market_bot as mb\n\n" + "\n".join(MISTAKES.values()) + "\n")

    done = checked(file, cache)

    assert {3, 4, 5, 6} == {int(line.split(":")[1]) for line in done.stdout.splitlines()[:-1]}
