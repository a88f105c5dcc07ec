"""How a feed is put together: its clients, its threads and its one way of being fed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

import attrs

from market_bot.core.domain.numbers import SECOND
from market_bot.core.ports.allowance import Metered
from market_bot.core.ports.clock import Clock

from .budgets import PUBLIC_READS, Budgets, RateLimit
from .clock_guard import ClockGuard
from .discovery import Discovery, Scope
from .feed import Choice, KalshiFeed, Source
from .feed_lookout import Look, LookoutThread, stopping_wait
from .kept_markets import KeptMarkets
from .polled import Pace
from .private_stream import PrivateInbox
from .rest import KalshiRest
from .signing import PATH_PREFIX, Signer
from .stream import KalshiStream, StreamPace
from .stream_socket import SocketLimits, StreamSocket
from .stream_statuses import StreamStatuses
from .transport import Transport

PRODUCTION_REST: Final = "https://external-api.kalshi.com/trade-api/v2"
PRODUCTION_STREAM: Final = "wss://external-api-ws.kalshi.com/trade-api/ws/v2"


@attrs.frozen(kw_only=True)
class FeedSettings:
    """What a feed is made of.

    Args:
        base_url: the REST address.
        ws_url: the stream's address.
        scope: where is looked for markets.
        choice: which of those found are watched.
        references: reference prices by series, for `Discovery`.
        steps: steps of outcomes by series, for `Discovery`.
        polling: how often what is polled.
        streaming: what the stream waits for.
        limits: what the connection may take up.
        reads: requests that need no key; one third is for looking, the rest for polling.
        metered: told of everything that counts requests.

    """

    base_url: str = PRODUCTION_REST
    ws_url: str = PRODUCTION_STREAM
    scope: Scope = attrs.field(factory=Scope)
    choice: Choice = attrs.field(factory=Choice)
    references: Mapping[str, str] = attrs.field(factory=dict)
    steps: Mapping[str, Decimal] = attrs.field(factory=dict)
    polling: Pace = attrs.field(factory=Pace)
    streaming: StreamPace = attrs.field(factory=StreamPace)
    limits: SocketLimits = attrs.field(factory=SocketLimits)
    reads: RateLimit = PUBLIC_READS
    metered: Callable[[Metered], None] = lambda _: None


def polled_feed(settings: FeedSettings, clock: Clock) -> KalshiFeed:
    """Return a feed that needs no key: books and prints are polled.

    Raises:
        ValueError: if the address is none.

    """
    stopping = threading.Event()
    rest = _client(settings, clock, stopping, (2, 3))
    source = KeptMarkets(rest, clock, pace=settings.polling)
    return _feed(settings, clock, stopping, source)


def streamed_feed(
    settings: FeedSettings,
    clock: Clock,
    signer: Signer,
    *,
    wake: Callable[[], None] = lambda: None,
    inbox: PrivateInbox | None = None,
) -> KalshiFeed:
    """Return a feed with books and prints as they happen.

    Args:
        settings: what it is made of.
        clock: the time.
        signer: signs the handshakes; reading markets stays unsigned.
        wake: told, in another thread, that news of a book has come.
        inbox: takes our own fills and orders, if they are wanted.

    Raises:
        ValueError: if an address is none.

    """
    guard = ClockGuard()
    headers = _handshakes(settings.ws_url, signer, guard, clock)
    frames = StreamSocket(settings.ws_url, headers, clock, wake=wake, limits=settings.limits)
    stopping = threading.Event()
    rest = _client(settings, clock, stopping, (2, 3), guard)
    statuses = StreamStatuses(rest, clock, pace=settings.polling)
    source = KalshiStream(statuses, frames, clock, guard, pace=settings.streaming, inbox=inbox)
    return _feed(settings, clock, stopping, source)


def _feed(
    settings: FeedSettings, clock: Clock, stopping: threading.Event, source: Source
) -> KalshiFeed:
    rest = _client(settings, clock, stopping, (1, 3))
    discovery = Discovery(rest, clock, references=settings.references, steps=settings.steps)
    look = Look(discovery, rest, settings.scope)
    return KalshiFeed(source, LookoutThread(look, stopping), clock, settings.choice)


def _client(
    settings: FeedSettings,
    clock: Clock,
    stopping: threading.Event,
    share: tuple[int, int],
    guard: ClockGuard | None = None,
) -> KalshiRest:
    part, whole = share
    reads = RateLimit(
        refill=max(1, settings.reads.refill * part // whole),
        capacity=max(10, settings.reads.capacity * part // whole),
    )
    budgets = Budgets(clock, reads=reads)
    settings.metered(budgets)
    return KalshiRest(
        Transport(settings.base_url, clock),
        clock,
        lambda duration: stopping_wait(stopping, duration / SECOND),
        budgets=budgets,
        guard=guard,
    )


def _handshakes(
    url: str, signer: Signer, guard: ClockGuard, clock: Clock
) -> Callable[[], Mapping[str, str]]:
    """Return what signs a handshake, anew each time.

    Raises:
        ValueError: if it is not the address of a stream.

    """
    parts = urlsplit(url)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        msg = f"not the address of a stream: {url!r} (expected wss://host{PATH_PREFIX}ws/v2)"
        raise ValueError(msg)

    def headers() -> Mapping[str, str]:
        guard.check()
        return signer.headers("GET", parts.path, clock.now() // 1_000)

    # Whether it can be signed at all is known now and not in a thread.
    signer.headers("GET", parts.path, 0)
    return headers
