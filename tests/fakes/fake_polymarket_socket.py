"""A loopback of Polymarket's two websocket channels, which does as it is told.

It keeps the venue's habits: books in one list on the first request, nothing for asking again, no
books beyond five hundred tokens, text PING and PONG, the closing of whoever logs in wrongly, and
silence for whoever names an empty list of markets. It can stall, drop, refuse and send garbage.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from http import HTTPStatus
from socket import SHUT_RDWR
from types import TracebackType
from typing import Any, Final, Self

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from .fake_polymarket_records import API_KEY, PASSPHRASE, SECRET, Record

MARKET: Final = "/ws/market"
USER: Final = "/ws/user"
TOKENS_MAX: Final = 500
_LOGIN: Final = {"apiKey": API_KEY, "secret": SECRET, "passphrase": PASSPHRASE}


class Link:
    """One connection: what it asked for."""

    def __init__(self, connection: ServerConnection, path: str) -> None:
        self.connection, self.path = connection, path
        self.tokens: dict[str, None] = {}
        self.greeted = False
        self.everything = False

    def send(self, text: str | bytes) -> None:
        """Send words, unless nobody is there any more."""
        try:
            self.connection.send(text, text=True)
        except ConnectionClosed:
            return


class FakePolymarketSocket:
    """Serves until it is left; every attribute may be changed while it serves."""

    def __init__(self) -> None:
        self.books: dict[str, Record] = {}
        self.links: list[Link] = []
        self.said: list[Record] = []
        self.pings = 0
        self.refuse: int | None = None
        self.answers_pings = True
        self.flowing = threading.Event()
        self.flowing.set()
        self._server: Server = serve(
            self._talk,
            "127.0.0.1",
            0,
            process_request=self._handshake,
            compression=None,
            ping_interval=None,
            close_timeout=1,
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def url(self, path: str = MARKET) -> str:
        """Return the address of a channel."""
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.flowing.set()
        self._server.shutdown()
        self.drop()
        self._thread.join()

    def tell(self, *messages: Record) -> None:
        """Send messages of the market channel to whoever asked for their tokens."""
        for message in messages:
            about = set(_tokens(message))
            for link in self._on(MARKET):
                if not about or not about.isdisjoint(link.tokens):
                    self._send(link, json.dumps(message))

    def tell_user(self, *messages: Record) -> None:
        """Send messages of the user channel to whoever is logged in."""
        for message in messages:
            for link in self._on(USER):
                if link.everything:
                    self._send(link, json.dumps(message))

    def throw(self, frame: str | bytes) -> None:
        """Send anything to everybody."""
        for link in list(self.links):
            self._send(link, frame)

    def stall(self) -> None:
        """Send nothing more and answer nothing; the connections stand."""
        self.flowing.clear()

    def flow(self) -> None:
        """End a stall; what was said meanwhile is sent."""
        self.flowing.set()

    def drop(self) -> None:
        """Break every connection without a word."""
        for link in list(self.links):
            try:
                link.connection.socket.shutdown(SHUT_RDWR)
            except OSError:
                continue

    def _on(self, path: str) -> list[Link]:
        return [link for link in list(self.links) if link.path == path and link.greeted]

    def _send(self, link: Link, text: str | bytes) -> None:
        self.flowing.wait()
        link.send(text)

    def _handshake(self, _: ServerConnection, request: Request) -> Response | None:
        status = self.refuse
        if status is None and request.path in (MARKET, USER):
            return None
        status = status or 404
        return Response(status, HTTPStatus(status).phrase, Headers(), b"{}")

    def _talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        link = Link(connection, connection.request.path)
        self.links.append(link)
        try:
            for text in connection:
                self.flowing.wait()
                if text == "PING":
                    self.pings += 1
                    if self.answers_pings:
                        link.send("PONG")
                elif text != "PONG":
                    self._obey(link, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            self.links.remove(link)

    def _obey(self, link: Link, said: Record) -> None:
        self.said.append(said)
        if link.path == USER:
            self._log_in(link, said)
        elif said.get("operation") == "unsubscribe":
            for token in said["assets_ids"]:
                link.tokens.pop(token, None)
        elif said.get("operation") == "subscribe" or not link.greeted:
            # The first words count once; saying them again does nothing.
            link.greeted = True
            self._subscribe(link, said["assets_ids"])

    def _subscribe(self, link: Link, tokens: Iterable[str]) -> None:
        new = [token for token in tokens if token not in link.tokens]
        link.tokens |= dict.fromkeys(new)
        seen = list(link.tokens)[:TOKENS_MAX]
        told = [self.books[one] for one in new if one in self.books and one in seen]
        self._send(link, json.dumps(told))

    def _log_in(self, link: Link, said: Record) -> None:
        if said.get("auth") != _LOGIN:
            link.connection.close(1008, "invalid credentials")
            return
        link.greeted = True
        link.everything = said.get("markets") != []


def _tokens(message: Record) -> list[str]:
    found: list[Any] = [message.get("asset_id")]
    found += [one.get("asset_id") for one in message.get("price_changes", ())]
    return [one for one in found if one]
