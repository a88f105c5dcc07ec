"""What every test may ask for."""

import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

_DEPTH = sys.getrecursionlimit()
with suppress(ImportError):
    import eth_account  # noqa: F401 - here, before all others, for what it does when imported
# One of its dependencies raises the limit a hundredfold, with which decoding what is nested
# deeply ends the process. The bot never runs like that.
sys.setrecursionlimit(_DEPTH)

# In continuous integration the same examples are tried every time, so that a failure is the
# fault of the change; on a desk they differ, so that the search goes on.
settings.register_profile(
    "ci", max_examples=100, deadline=None, derandomize=True, database=None, print_blob=True
)
settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("soak", max_examples=5000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

REFERENCE_VARIABLE = "MARKET_BOT_REFERENCE"


@pytest.fixture(scope="session")
def reference() -> Path:
    """Return the folder of recorded reference data, or skip the test where there is none."""
    folder = os.environ.get(REFERENCE_VARIABLE)
    if not folder:
        pytest.skip(f"no reference data: {REFERENCE_VARIABLE} is not set")
    path = Path(folder)
    if not path.is_dir():
        # Somebody asked for these tests; skipping them would hide a typing error.
        pytest.fail(f"{REFERENCE_VARIABLE} names no folder: {path}")
    return path


_SHOWN_BYTES = 20


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Return the argument's name for long bytes.

    What is packed holds the time, and every test process must find the same names.
    """
    return argname if isinstance(val, bytes) and len(val) > _SHOWN_BYTES else None
