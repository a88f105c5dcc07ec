"""A whole Kalshi on loopback that goes by the real clock, and homes that trade there."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from market_bot.adapters.storage.home import Home
from market_bot.config.defaults import default_files

from .fake_kalshi import FakeKalshi
from .fake_kalshi_engine import Engine
from .kalshi_client import a_key
from .kalshi_records import SERIES, a_market, a_series, an_event

KEY_ID = "key-1"
EVENT = f"{SERIES}-TODAY"
LIKELY, UNLIKELY = f"{EVENT}-T50", f"{EVENT}-T60"


def now_ms() -> int:
    """Return the time of this machine."""
    return time.time_ns() // 1_000_000


def text(hours: float) -> str:
    """Return a moment so many hours from now, as the venue writes it."""
    return (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


class LiveKalshi:
    """A venue with two markets that somebody quotes; serves until it is left.

    One market is likely enough for the favourites' strategy to want it.
    """

    def __init__(self, cash: str = "500.00") -> None:
        self.engine = Engine(now_ms, {0: cash})
        self.fake = FakeKalshi(now_ms, self.engine)
        self.fake.keys[KEY_ID] = a_key().public_key()
        self.fake.events = [an_event(EVENT, mutually_exclusive=False, collateral_return_type="")]
        self.fake.series = [a_series()]
        for name, strike in ((LIKELY, 50), (UNLIKELY, 60)):
            self.engine.list_market(self._record(name, strike))
        self.quote(LIKELY, "0.8800", "0.9000")
        self.quote(UNLIKELY, "0.2000", "0.2200")

    def quote(self, ticker: str, bid: str, ask: str, count: str = "500.00") -> None:
        """Let the crowd bid and offer."""
        self.engine.crowd(ticker, "bid", bid, count)
        self.engine.crowd(ticker, "ask", ask, count)

    def __enter__(self) -> Self:
        self.fake.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.fake.__exit__(kind, error, trace)

    def asked(self, method: str, path: str) -> int:
        """Return how many requests there were for whatever begins with a path below the root."""
        return sum(
            verb == method and where.removeprefix("/trade-api/v2").startswith(path)
            for verb, where, _ in list(self.fake.requests)
        )

    def _record(self, name: str, strike: int) -> dict[str, Any]:
        return a_market(
            name,
            strike_type="greater",
            floor_strike=strike,
            cap_strike=None,
            open_time=text(-24),
            close_time=text(24),
            latest_expiration_time=text(48),
        )


def a_live_home(
    path: Path,
    venue: LiveKalshi,
    *,
    mode: str = "paper",
    key: bool = False,
    cooldown_s: int = 1,
    url: str = "",
    style: str = "taker",
    patience_s: int = 5,
    interval_ms: int = 200,
) -> Home:
    """Return a home whose Kalshi is this one, with settings that trade at once.

    Args:
        path: where it is made.
        venue: where it trades.
        mode: paper or live.
        key: whether it has a key.
        cooldown_s: how long it leaves a market alone after an entry.
        url: another REST address than the venue's own.
        style: how entries are made.
        patience_s: how long an order waits.
        interval_ms: how far apart its looks are.

    """
    home = Home(path)
    home.create(default_files())
    file = home.venue_file("kalshi")
    words = file.read_text(encoding="utf-8")
    address = url or venue.fake.url
    ws_url = venue.fake.socket.url
    words = words.replace("# api:\n", f"api:\n  base_url: {address}\n  ws_url: {ws_url}\n", 1)
    for key_name, value in {
        "mode": mode,
        "min_edge": "0.002",
        "after_entry_seconds": cooldown_s,
        "style": style,
        "patience_seconds": patience_s,
        "interval_ms": interval_ms,
    }.items():
        words, count = re.subn(
            rf"^(\s*){key_name}: .*$",
            rf"\g<1>{key_name}: {value}",
            words,
            count=1,
            flags=re.MULTILINE,
        )
        assert count, key_name
    file.write_text(words, encoding="utf-8")
    if key:
        pem = a_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        place = home.path / "kalshi.pem"
        place.write_bytes(pem)
        place.chmod(0o600)
        home.env_file.write_text(
            f"KALSHI_API_KEY_ID={KEY_ID}\nKALSHI_PRIVATE_KEY_FILE=kalshi.pem\n", encoding="utf-8"
        )
        home.env_file.chmod(0o600)
    return home
