"""What the tests with real bots share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.bot_process import WarmBots
from tests.fakes.small_market import write_small_tape


@pytest.fixture(scope="session")
def bots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmBots]:
    """Return what starts bots."""
    warm = WarmBots(tmp_path_factory.mktemp("bots"))
    yield warm
    warm.close()


@pytest.fixture(scope="session")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small tape that is never written to."""
    return write_small_tape(tmp_path_factory.mktemp("tapes") / "small.tape.zst")
