"""Clients of Polymarket: where they go, how long they wait, and that they end with the bot."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from market_bot.adapters.polymarket.auth import Login
from market_bot.adapters.polymarket.budgets import RATES, Budget, Rate
from market_bot.adapters.polymarket.feed_assembly import PRODUCTION_STREAM
from market_bot.adapters.polymarket.lookout import stopping_wait
from market_bot.adapters.polymarket.rest import Endpoints, Patience, PolymarketRest
from market_bot.adapters.polymarket.transport import HttpTransport
from market_bot.config.schema import VenueConfig
from market_bot.core.domain.numbers import Duration
from market_bot.core.ports.allowance import Allowance, scarcest
from market_bot.core.ports.clock import Clock

USUAL: Final = Patience()
_STREAMS: Final = PRODUCTION_STREAM.rpartition("/")[0]


@attrs.define(eq=False)
class Clients:
    """Makes the clients of one lane, each for one thread, and closes them all.

    Args:
        config: where the venue is.
        clock: the time.
        login: returns the credentials of the account; None for what is public.

    """

    config: VenueConfig
    clock: Clock
    login: Login | None = None
    stopping: threading.Event = attrs.field(factory=threading.Event)
    _made: list[PolymarketRest] = attrs.field(factory=list, init=False)

    def make(
        self, rates: Mapping[Budget, Rate] | None = None, patience: Patience = USUAL
    ) -> PolymarketRest:
        """Return a client with its share of our limits.

        Raises:
            ValueError: if an address is none.

        """
        made = PolymarketRest(
            HttpTransport(self.clock),
            self.clock,
            stopping_wait(self.stopping),
            endpoints=endpoints(self.config),
            login=self.login,
            rates={**RATES, **(rates or {})},
            patience=patience,
        )
        self._made.append(made)
        return made

    def allowances(self) -> Sequence[Allowance]:
        """Return how much they may still ask; from any thread."""
        return scarcest(self._made, Budget.READS.value if self.login is None else "")

    def close(self) -> None:
        """End all waiting and close all connections."""
        self.stopping.set()
        for rest in self._made:
            rest.close()


def endpoints(config: VenueConfig) -> Endpoints:
    """Return where the venue's parts are.

    Raises:
        ValueError: if an address has a path or a user.

    """
    told, usual = config.api, Endpoints()
    return Endpoints(
        gamma=told.gamma_url or usual.gamma,
        clob=told.base_url or usual.clob,
        data=told.data_url or usual.data,
        site=told.site_url or usual.site,
    )


def stream_url(config: VenueConfig, channel: str) -> str:
    """Return the address of a stream: ``market`` or ``user``."""
    return f"{(config.api.ws_url or _STREAMS).rstrip('/')}/{channel}"


def jitter(wait: Duration) -> Duration:
    """Return between half of a wait and all of it, so that not everybody comes back at once."""
    return Duration(random.randint(wait // 2, wait) or 1)  # noqa: S311 - keeps no secret
