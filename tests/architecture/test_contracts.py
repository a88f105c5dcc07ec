"""The import contracts are kept, and each of them would notice when it is not."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGE, ROOT

PYPROJECT = ROOT / "pyproject.toml"
CONTRACTS = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]

# For every contract one import that it must refuse: the package it stands in, and the statement.
PLANTS = {
    "layers": ("config", "import market_bot.bootstrap"),
    "core-is-ours": ("core/usecases", "import msgspec"),
    "core-is-pure": ("core/domain", "import threading"),
    "adapters-are-strangers": ("adapters/kalshi", "import market_bot.adapters.llm"),
    "web-library": ("bootstrap", "import litestar"),
    "web-server": ("adapters/notify", "import uvicorn"),
    "model-library": ("adapters/web", "import anthropic"),
    "message-library": ("bootstrap", "import apprise"),
    "metrics-library": ("bootstrap", "import prometheus_client"),
    "bootstrap-libraries": ("adapters/system", "import dependency_injector"),
    "http-library": ("adapters/llm", "import httpx"),
    "yaml-library": ("adapters/simulated", "import yaml"),
}


def lint_imports(source: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Check the contracts against the package beneath `source`."""
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache", "--config", PYPROJECT, *options],
        cwd=source,
        env=os.environ | {"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_contracts_are_kept() -> None:
    """No import crosses a border of the architecture."""
    result = lint_imports(PACKAGE.parent)

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_contract_has_a_plant() -> None:
    """A contract without an import that breaks it is a contract nobody has tried."""
    assert set(PLANTS) == {contract["id"] for contract in CONTRACTS["contracts"]}


@pytest.mark.parametrize("contract", PLANTS)
def test_contract_notices(contract: str, tmp_path: Path) -> None:
    """The contract is broken by the import it exists for."""
    shutil.copytree(
        PACKAGE, tmp_path / "market_bot", ignore=shutil.ignore_patterns("__pycache__", "static")
    )
    folder, statement = PLANTS[contract]
    planted = tmp_path / "market_bot" / folder / "planted.py"
    planted.write_text(f"{statement}\n", encoding="utf-8")

    result = lint_imports(tmp_path, "--contract", contract)

    assert result.returncode == 1
    assert "0 kept, 1 broken" in result.stdout
    assert "planted" in result.stdout
