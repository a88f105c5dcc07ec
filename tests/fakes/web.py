"""A visitor of the dashboard: logs in, keeps the cookie, and sends the token along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from litestar import Litestar
from litestar.testing import TestClient

from market_bot.adapters.web.app import create_app
from market_bot.adapters.web.sessions import Sessions
from market_bot.core.domain.numbers import Micros, parse_time
from market_bot.core.ports.dashboard import Operator

HOST = "127.0.0.1:8787"
ORIGIN = f"http://{HOST}"
NOW = parse_time("2026-11-22T14:00:00Z")
PASSWORD = "correct horse battery"


class Wall:
    """A clock on the wall that stands until it is moved."""

    def __init__(self, at: Micros = NOW) -> None:
        self.at = at

    def __call__(self) -> Micros:
        return self.at

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.at = Micros(self.at + round(seconds * 1_000_000))


def some_sessions(wall: Wall | None = None) -> Sessions:
    """Return sessions with a password that is cheap to check."""
    return Sessions(wall or Wall(), lambda told: told == PASSWORD, lambda: True)


class Visitor:
    """A browser's view of the dashboard; `csrf` is empty until it logs in."""

    def __init__(self, client: TestClient[Litestar], sessions: Sessions) -> None:
        self.client = client
        self.sessions = sessions
        self.csrf = ""

    def log_in(self, **proof: str) -> Any:
        """Log in with a new link, or as told; return the answer."""
        answer = self.client.post("/api/session", json=proof or {"code": self.sessions.new_code()})
        if answer.status_code == 200:
            self.csrf = answer.json()["csrf"]
        return answer

    def get(self, path: str, **options: Any) -> Any:
        """Look at something."""
        return self.client.get(path, **options)

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        """Tell something; keyword arguments replace headers."""
        told = {"x-csrf-token": self.csrf} | {k.replace("_", "-"): v for k, v in headers.items()}
        return self.client.post(path, json={} if body is None else body, headers=told)

    def request(self, method: str, path: str, **headers: str) -> Any:
        """Ask with any method; a body goes with those that have one."""
        told = {"x-csrf-token": self.csrf} | {k.replace("_", "-"): v for k, v in headers.items()}
        body: dict[str, object] = {"json": {}} if method in {"POST", "PUT", "PATCH"} else {}
        return self.client.request(method, path, headers=told, **body)  # type: ignore[arg-type] # a table of options


@contextmanager
def visiting(bot: Operator, sessions: Sessions | None = None, **options: Any) -> Iterator[Visitor]:
    """Serve a bot in memory to somebody who is not logged in yet."""
    known = sessions or some_sessions()
    app = create_app(bot, known, allowed_hosts=frozenset({HOST}), **options)
    scheme = "https" if options.get("secure") else "http"
    with TestClient(app, base_url=f"{scheme}://{HOST}", raise_server_exceptions=False) as client:
        yield Visitor(client, known)
