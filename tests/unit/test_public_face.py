"""What other programs import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import market_bot as mb


@pytest.mark.parametrize("name", mb.__all__)
def test_every_promised_name_is_there(name: str) -> None:
    """Each name of the public face can be imported."""
    assert getattr(mb, name) is not None


def test_the_list_is_complete() -> None:
    """Nothing has a home without being promised, and the other way round."""
    homes = {name for names in mb._HOMES.values() for name in names}

    assert {*homes, "__version__"} == set(mb.__all__)


def test_unknown_names_are_refused() -> None:
    """A misspelt name is an AttributeError, as everywhere."""
    with pytest.raises(AttributeError, match="no attribute 'Strategie'"):
        _ = mb.Strategie


def test_importing_costs_nothing() -> None:
    """Importing the package loads no web, HTTP, model or frame library."""
    heavy = ["litestar", "httpx", "anthropic", "duckdb", "rich", "cattrs", "uvicorn"]
    code = f"import sys, market_bot; print([n for n in {heavy!r} if n in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
