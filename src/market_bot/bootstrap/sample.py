"""The sample market that ships with the package."""

from __future__ import annotations

from pathlib import Path

from market_bot.adapters.simulated.sample_market import sample_tape as _sample_tape


def sample_tape() -> Path:
    """Return the path of the shipped tape."""
    return _sample_tape()
