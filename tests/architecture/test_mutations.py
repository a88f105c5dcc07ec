"""The tests find the bugs they exist for: each is planted in a copy of the package.

A new module in `tests/mutations` with a tuple `MUTATIONS` is taken in by itself. `make soak` plants
all of them; here only a handful is, so that the machinery cannot rot.
"""

import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import mutations
from tests.architecture.source import PACKAGE, ROOT
from tests.mutations import Mutation

MODULES = {
    info.name: importlib.import_module(f"{mutations.__name__}.{info.name}")
    for info in pkgutil.iter_modules(mutations.__path__)
}
ALL: dict[str, Mutation] = {
    f"{name}: {mutation.name}": mutation
    for name, module in MODULES.items()
    for mutation in module.MUTATIONS
}
QUICK = (
    "core: doubt frees the reservation",
    "core: the fold counts a repeated fill again",
    "core: a rule that raises approves",
    "core: a full disk loses a fact",
    "journal: part of a line stays in the file",
)
FAILED = 1


def test_names_are_their_own() -> None:
    """No two bugs share a name, and the handful exists."""
    assert sum(len(module.MUTATIONS) for module in MODULES.values()) == len(ALL)
    assert set(QUICK) <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_bug_has_one_place(name: str) -> None:
    """What is replaced occurs exactly once, is replaced by something else, and has its tests."""
    mutation = ALL[name]
    source = (ROOT / mutation.file).read_text(encoding="utf-8")

    assert 1 == source.count(mutation.old)
    assert mutation.old != mutation.new
    assert mutation.tests
    assert [] == [test for test in mutation.tests if not (ROOT / test.split("::")[0]).is_file()]


def plant(mutation: Mutation, folder: Path) -> dict[str, str]:
    """Copy the package with one bug and return the environment in which the copy is imported."""
    # With the page's files: without them no real bot starts, and every bug would look found.
    shutil.copytree(PACKAGE, folder / "market_bot", ignore=shutil.ignore_patterns("__pycache__"))
    target = folder / Path(mutation.file).relative_to(PACKAGE.parent.relative_to(ROOT))
    source = target.read_text(encoding="utf-8")
    target.write_text(source.replace(mutation.old, mutation.new), encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_PROFILE": "ci",
    }
    # The package is installed as well; a test of the wrong copy would prove nothing.
    found = subprocess.run(
        [sys.executable, "-c", "import market_bot; print(market_bot.__file__)"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()).is_relative_to(folder)
    return environment


def run(mutation: Mutation, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests of a bug against the copy that has it."""
    options = ["-x", "-q", "-p", "no:cacheprovider", "--no-cov"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *mutation.tests],
        cwd=ROOT,
        env=plant(mutation, folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )


def check(name: str, folder: Path) -> None:
    """Check that some test fails on the bug, by its own judgement and not by an accident."""
    result = run(ALL[name], folder)

    assert FAILED == result.returncode, result.stdout[-2000:] + result.stderr[-2000:]
    assert "FAILED" in result.stdout


@pytest.mark.parametrize("name", QUICK)
def test_bugs_are_found(name: str, tmp_path: Path) -> None:
    """The tests that look after a place fail when it is broken."""
    check(name, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("name", [name for name in ALL if name not in QUICK])
def test_all_bugs_are_found(name: str, tmp_path: Path) -> None:
    """The tests that look after a place fail when it is broken, at every place we thought of."""
    check(name, tmp_path)


def test_without_a_bug_nothing_is_found(tmp_path: Path) -> None:
    """The copy as such passes: what fails above fails for its bug."""
    name = QUICK[0]
    unchanged = ALL[name].old
    sound = Mutation(
        name="none", file=ALL[name].file, old=unchanged, new=unchanged, tests=ALL[name].tests
    )

    assert 0 == run(sound, tmp_path).returncode
