"""A small Messages API on loopback: real HTTP, answers as they are scripted, and nothing invented.

Each request takes the next reply of the script; without one the fake answers with 500, so that a
request too many is seen. It keeps every request.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import attrs

MODEL = "claude-opus-5-5"


@attrs.frozen(kw_only=True)
class Reply:
    """What one request gets; ``hang`` keeps it without a word until the fake is closed."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = attrs.field(factory=dict)
    hang: bool = False
    drop: bool = False


@attrs.frozen
class Asked:
    """A request as it came; headers have small names."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def message(
    text: str | None,
    *,
    stop: str = "end_turn",
    tokens: tuple[int, int] = (9_000, 700),
    **others: Any,
) -> Reply:
    """Return a message with a thought and a text, None for the thought alone."""
    content: list[dict[str, Any]] = [{"type": "thinking", "thinking": "…", "signature": "s"}]
    if text is not None:
        content.append({"type": "text", "text": text})
    whole = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": tokens[0], "output_tokens": tokens[1]},
        **others,
    }
    return Reply(body=json.dumps(whole).encode())


def answering(*proposals: dict[str, str], reason: str = "", **others: Any) -> Reply:
    """Return a message whose text is an answer of the schema."""
    text = json.dumps({"proposals": list(proposals), "abstain_reason": reason})
    return message(text, **others)


def error(status: int, kind: str, words: str = "no", **headers: str) -> Reply:
    """Return an error in the provider's shape."""
    body = {"type": "error", "error": {"type": kind, "message": words}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, body=json.dumps(body).encode(), headers=named)


class FakeClaude:
    """The server; a context manager.

    Attributes:
        script: replies to come.
        asked: requests so far.

    """

    def __init__(self, *script: Reply) -> None:
        self.script = deque(script)
        self.asked: list[Asked] = []
        self._closing = threading.Event()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                fake._answer(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("content-length", "0"))
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(Asked(request.path, headers, json.loads(request.rfile.read(length))))
        reply = self.script.popleft() if self.script else error(500, "api_error")
        if reply.hang:
            self._closing.wait()
        if reply.hang or reply.drop:
            request.close_connection = True
            return
        request.send_response(reply.status)
        for name, value in {"content-type": "application/json", **reply.headers}.items():
            request.send_header(name, value)
        request.send_header("content-length", str(len(reply.body)))
        request.end_headers()
        request.wfile.write(reply.body)
