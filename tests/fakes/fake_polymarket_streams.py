"""Loopback streams: books of what is asked for, and our own orders and trades."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from .fake_polymarket_records import API_KEY, SECRET, Record

MARKET, USER = "/ws/market", "/ws/user"


def now_ms() -> str:
    """Return the time of this machine as the venue writes it."""
    return str(time.time_ns() // 1_000_000)


class StreamServer:
    """Serves the market channel and the user channel.

    Args:
        books: returns the books of YES tokens; those of NO tokens are their mirror.
        mirror: returns the YES token of a NO token, and of a YES token nothing.

    """

    def __init__(
        self, books: Callable[[], Mapping[str, Record]], mirror: Callable[[str], str | None]
    ) -> None:
        self._books = books
        self._mirror = mirror
        self._links: dict[ServerConnection, set[str]] = {}
        self._lock = threading.Lock()
        self._server: Server | None = None
        self._users: set[ServerConnection] = set()
        self.logins: list[dict[str, Any]] = []
        self.url = ""

    def __enter__(self) -> Self:
        self._server = serve(self._handle, "127.0.0.1", 0, ping_interval=None)
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/ws"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        with self._lock:
            links = list(self._links)
        for link in links:
            link.close_socket()
        self._server.shutdown()

    def drop(self) -> None:
        """Cut every connection."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.close_socket()

    def tell(self, token: str, message: Record) -> None:
        """Tell something to whoever asked for a token."""
        with self._lock:
            links = [link for link, tokens in self._links.items() if token in tokens]
        for link in links:
            with contextlib.suppress(ConnectionClosed):
                link.send(json.dumps([message]))

    def tell_book(self, token: str) -> None:
        """Tell the book of a token as it is now."""
        book = self._book(token)
        if book is not None:
            self.tell(token, book)

    def tell_user(self, message: Record) -> None:
        """Tell something to whoever has logged in."""
        with self._lock:
            links = list(self._users)
        for link in links:
            with contextlib.suppress(ConnectionClosed):
                link.send(json.dumps(message))

    def _handle(self, link: ServerConnection) -> None:
        assert link.request is not None
        user = link.request.path == USER
        with self._lock:
            self._links[link] = set()
        with contextlib.suppress(ConnectionClosed):
            for frame in link:
                if frame == "PING":
                    link.send("PONG")
                elif user:
                    self._log_in(link, json.loads(frame))
                else:
                    self._subscribe(link, json.loads(frame))
        with self._lock:
            self._links.pop(link, None)
            self._users.discard(link)

    def _log_in(self, link: ServerConnection, said: dict[str, Any]) -> None:
        self.logins.append(said)
        given = said.get("auth", {})
        if (given.get("apiKey"), given.get("secret")) != (API_KEY, SECRET):
            link.close(1008)
            return
        with self._lock:
            self._users.add(link)

    def _subscribe(self, link: ServerConnection, said: dict[str, Any]) -> None:
        wanted = set(said["assets_ids"])
        with self._lock:
            had = self._links[link]
            if said.get("operation") == "unsubscribe":
                had -= wanted
                return
            new = wanted - had
            had |= wanted
        told = [book for token in sorted(new) if (book := self._book(token)) is not None]
        if told:
            link.send(json.dumps(told))

    def _book(self, token: str) -> Record | None:
        yes = self._mirror(token)
        book = self._books().get(yes or token)
        if book is None:
            return None
        if yes is not None:
            turned = {side: _turned(book[other]) for side, other in _OTHER.items()}
            book = {**book, **turned, "asset_id": token}
        return {**book, "event_type": "book", "timestamp": now_ms()}


_OTHER = {"bids": "asks", "asks": "bids"}


def _turned(levels: list[Record]) -> list[Record]:
    return [{**one, "price": str(1 - Decimal(one["price"]))} for one in levels]
