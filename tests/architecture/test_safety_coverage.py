"""What money hangs on is tested branch by branch, by its own tests alone."""

import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.source import ROOT

SAFE = ("market_bot.core.domain.risk", "market_bot.core.domain.portfolio")
THEIR_TESTS = (
    "tests/unit/test_risk.py",
    "tests/unit/test_portfolio.py",
    "tests/unit/test_loss_limits.py",
)


def test_every_branch_of_risk_and_portfolio_is_tested(tmp_path: Path) -> None:
    """No line and no branch of the hard limits and the book-keeping goes untested."""
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *THEIR_TESTS),
            *(f"--cov={name}" for name in SAFE),
            *("--cov-branch", "--cov-report=term-missing", "--cov-fail-under=100"),
        ],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV"))}
        | {"COVERAGE_FILE": str(tmp_path / "coverage")},
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )

    assert 0 == run.returncode, run.stdout[-3000:] + run.stderr[-1000:]
    assert "Required test coverage of 100% reached" in run.stdout
