"""The venues with live prices, by name; a new one is added here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from market_bot.bootstrap.kalshi_venue import KalshiVenue
from market_bot.bootstrap.polymarket_venue import PolymarketVenue
from market_bot.bootstrap.venue_parts import Venue

VENUES: Final[Mapping[str, Venue]] = {"kalshi": KalshiVenue(), "polymarket": PolymarketVenue()}
