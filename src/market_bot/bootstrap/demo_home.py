"""A home for a first look: the simulated venue on a small scale, with a leak in its settings.

The strategy buys favourites from 75 cents on and sells them again below 74. What it buys near that
line, for a small predicted edge, is sold almost at once and pays spread and fees for nothing; the
threshold lets too many of these in. The bot is not told: the night has to find it.
"""

from __future__ import annotations

import re
from typing import Final

from market_bot.config.defaults import default_files

DAYS: Final = 28
AFTERWARDS: Final = 32
"""How many more days the demonstration's world has."""

PLANTED: Final = "strategies.bias_harvest.params.min_edge"
WORLD: Final = "simulated.yaml"

# A line as the default file has it, and as the demonstration has it.
_LINES: Final = (
    ("  interval_ms: 5000", "  interval_ms: 120000"),
    ("  cash: 1000", "  cash: 20000"),
    ("  markets: 60", "  markets: 20"),
    ("  days: 1", f"  days: {DAYS + AFTERWARDS}"),
    ("  families_include: []", "  families_include: [SIM-COIN15]"),
    ("      gain: 1.15", "      gain: 1.30"),
    ("      style: maker", "      style: taker"),
    ("      min_edge: 0.01", "      min_edge: 0.014"),
    ("      exit_below: 0.50", "      exit_below: 0.74"),
    ("  max_event_loss_usd: 100", "  max_event_loss_usd: 1000"),
    ("  max_total_exposure_usd: 300", "  max_total_exposure_usd: 5000"),
    ("  max_daily_loss_usd: 40", "  max_daily_loss_usd: 10000"),
    ("  max_drawdown_usd: 100", "  max_drawdown_usd: 15000"),
    ("  max_consecutive_losses: 10", "  max_consecutive_losses: 10000"),
    ("  max_open_orders: 50", "  max_open_orders: 500"),
    ("  max_orders_per_minute: 30", "  max_orders_per_minute: 200"),
)


def demo_files() -> dict[str, bytes]:
    """Return the settings files of the demonstration's home."""
    files = default_files()
    text = files[WORLD].decode()
    for old, new in _LINES:
        text, count = re.subn(rf"(?m)^{re.escape(old)}$", new, text)
        if count != 1:
            msg = f"the default {WORLD} has no line {old!r} any more: mend the demonstration"
            raise ValueError(msg)
    return {**files, WORLD: text.encode()}
