"""How a live feed is put together: its sockets, its clients and its threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from market_bot.core.ports.clock import Clock

from .auth import ApiCredentials
from .feed import PolymarketFeed
from .lookout import Choice, Lookout
from .polled import Pace
from .rest import PolymarketRest
from .stream import StreamPace
from .stream_resync import Fetch, FetchThread
from .stream_socket import Jitter, SocketLimits, Sockets
from .user_stream import UserStream

PRODUCTION_STREAM: Final = "wss://ws-subscriptions-clob.polymarket.com/ws/market"
PRODUCTION_USER_STREAM: Final = "wss://ws-subscriptions-clob.polymarket.com/ws/user"


def _nobody() -> None:
    """Wake nobody."""


def streamed_feed(
    rest: PolymarketRest,
    books_rest: PolymarketRest,
    clock: Clock,
    *,
    jitter: Jitter,
    ws_url: str = PRODUCTION_STREAM,
    lookout: Lookout | None = None,
    choice: Choice | None = None,
    pace: Pace | None = None,
    streaming: StreamPace | None = None,
    limits: SocketLimits | None = None,
    wake: Callable[[], None] = _nobody,
) -> PolymarketFeed:
    """Return a feed with books and prints as they happen; it needs no key.

    Args:
        rest: asks for ends; closed by the feed.
        books_rest: another client, which asks for books in a thread; closed by the feed.
        clock: the time.
        jitter: shortens the waits between connections by chance.
        ws_url: the market channel's address.
        lookout: finds the markets.
        choice: which of them are watched.
        pace: how often is polled what is not streamed.
        streaming: what the stream waits for.
        limits: what the connections may take up.
        wake: told, in a thread, that something has come.

    Raises:
        ValueError: if it is not the address of a stream.

    """
    frames = Sockets(ws_url, clock, jitter=jitter, wake=wake, limits=limits)
    return PolymarketFeed(
        rest,
        clock,
        frames,
        FetchThread(Fetch(books_rest, clock)),
        pace=pace,
        lookout=lookout,
        choice=choice,
        streaming=streaming,
    )


def user_stream(
    credentials: ApiCredentials,
    clock: Clock,
    *,
    jitter: Jitter,
    url: str = PRODUCTION_USER_STREAM,
    limits: SocketLimits | None = None,
    wake: Callable[[], None] = _nobody,
) -> UserStream:
    """Return the stream of our own orders and trades, not yet begun.

    Raises:
        ValueError: if it is not the address of a stream.

    """
    frames = Sockets(url, clock, jitter=jitter, wake=wake, limits=limits)
    return UserStream(frames, credentials, clock)
