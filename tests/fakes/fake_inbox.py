"""A web service on this machine that takes messages, refuses them, or never answers."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs


@attrs.define(eq=False)
class Inbox:
    """What came in, as (path, message)."""

    port: int
    taken: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list)

    def address(self, path: str, user: str = "") -> str:
        """Return the address of a path as Apprise writes it."""
        return f"json://{user}127.0.0.1:{self.port}/{path}"

    def at(self, path: str) -> list[str]:
        """Return the subjects and texts that came in at a path."""
        return [f"{one['title']}\n{one['message']}" for at, one in self.taken if at == f"/{path}"]


@contextmanager
def inbox() -> Iterator[Inbox]:
    """Serve; what comes to ``/refused`` is not taken, ``/moved`` leads to ``/stolen``."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.taken.append((self.path, json.loads(body)))
            code = {"/refused": 403, "/moved": 307}.get(self.path, 200)
            self.send_response(code)
            if code == 307:
                self.send_header("location", f"http://127.0.0.1:{found.port}/stolen")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Inbox(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def deaf() -> Iterator[str]:
    """Return the address of somebody who takes the call and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"json://127.0.0.1:{server.getsockname()[1]}/"
