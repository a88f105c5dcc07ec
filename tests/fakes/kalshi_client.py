"""A Kalshi client for tests: a clock that waiting moves on, and no waiting."""

from __future__ import annotations

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from market_bot.adapters.kalshi.budgets import Budgets, RateLimit
from market_bot.adapters.kalshi.rest import KalshiRest, Patience
from market_bot.adapters.kalshi.signing import Signer
from market_bot.adapters.kalshi.transport import RESPONSE_MAX, Transport
from market_bot.core.domain.numbers import Duration, Micros, parse_time
from market_bot.core.ports.clock import Clock

NOW = parse_time("2026-12-01T12:00:00Z")
BASE = "https://venue.example/trade-api/v2"
PLENTY = RateLimit(100_000, 100_000)


class WaitingClock(Clock):
    """Moves only when somebody waits; remembers for how long they did."""

    def __init__(self, now: Micros = NOW) -> None:
        self.at = now
        self.waits: list[Duration] = []

    def now(self) -> Micros:
        return self.at

    def elapsed(self) -> Duration:
        return Duration(self.at)

    def now_ms(self) -> int:
        """Return the time as the venue counts it."""
        return self.at // 1_000

    def wait(self, duration: Duration) -> None:
        """Move on instead of sleeping."""
        self.waits.append(duration)
        self.pass_by(duration)

    def pass_by(self, duration: int) -> None:
        """Move on."""
        self.at = Micros(self.at + duration)


def a_key() -> Ed25519PrivateKey:
    """Return a key that opens nothing."""
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def a_client(
    clock: WaitingClock,
    *,
    url: str = BASE,
    backend: httpx.BaseTransport | None = None,
    signer: Signer | None = None,
    budgets: Budgets | None = None,
    patience: Patience | None = None,
    response_max: int = RESPONSE_MAX,
) -> KalshiRest:
    """Return a client with plenty of budget."""
    return KalshiRest(
        Transport(url, clock, backend=backend, response_max=response_max),
        clock,
        clock.wait,
        budgets=budgets or Budgets(clock, reads=PLENTY, writes=PLENTY),
        signer=signer,
        patience=patience,
    )
