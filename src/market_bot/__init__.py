"""market-bot trades prediction markets, writes down why, and proposes its own improvements."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
