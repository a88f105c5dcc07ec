"""The web application as a browser meets it, in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from market_bot.adapters.web.app import JOURNAL_LINES_MAX, STATIC, TEXT_MAX, create_app
from market_bot.adapters.web.guards import BODY_BYTES_MAX, Gate
from market_bot.adapters.web.headers import CONTENT_SECURITY_POLICY
from tests.fakes.desk import FakeDesk, a_busy_lane, a_held_position, a_line

HOST = "127.0.0.1:8787"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")
PARAMETERS = {"{file_path:path}": "app.js", "{path:str}": "openapi.json"}
HOSTILE = "<script>alert(1)</script>\u202egnp.exe\u200b</td>"

Client = TestClient[Litestar]


def known_routes() -> list[tuple[str, frozenset[str]]]:
    """Return every path the application knows, filled in, with the methods it answers."""
    app = create_app(FakeDesk(), allowed_hosts=frozenset({HOST}))
    found: list[tuple[str, frozenset[str]]] = []
    for route in app.routes:
        assert isinstance(route, HTTPRoute), f"{route.path}: add this kind of route to the tests"
        path = route.path
        for name, value in PARAMETERS.items():
            path = path.replace(name, value)
        assert "{" not in path, f"{route.path}: add an example of its parameter to the tests"
        found.append((path, frozenset(route.methods)))
    # In one order, so that all processes agree on what the tests are called.
    return sorted(found, key=lambda route: (route[0], sorted(route[1])))


ROUTES = known_routes()
PATHS = [*(path for path, _ in ROUTES), "/nowhere"]


@pytest.fixture
def desk() -> FakeDesk:
    """Return a bot with one busy lane."""
    return FakeDesk(a_busy_lane())


@pytest.fixture
def client(desk: FakeDesk) -> Iterator[Client]:
    """Return a browser that asks the right address."""
    app = create_app(desk, allowed_hosts=frozenset({HOST}))
    with TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=False) as client:
        yield client


def assert_problem(response: Any, status: int) -> None:
    """Check that a response is a problem with this status, and secured like every other."""
    assert status == response.status_code
    assert "application/problem+json" == response.headers["content-type"]
    assert status == response.json()["status"]
    assert {"type", "title", "status", "detail"} == set(response.json())
    assert_secured(response)


def assert_secured(response: Any) -> None:
    """Check the headers that no answer may lack."""
    headers = response.headers
    assert CONTENT_SECURITY_POLICY == headers["content-security-policy"]
    assert "nosniff" == headers["x-content-type-options"]
    assert "same-origin" == headers["cross-origin-opener-policy"]
    assert "same-origin" == headers["cross-origin-resource-policy"]
    assert "no-referrer" == headers["referrer-policy"]
    if response.url.path.startswith("/api"):
        assert "no-store" == headers["cache-control"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_host_gets_nothing(client: Client, path: str, method: str) -> None:
    """No route answers under a name that is not ours, not even to say that it does not exist."""
    response = client.request(method, path, headers={"host": "evil.example:8787"})

    assert 421 == response.status_code
    assert_secured(response)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_foreign_page_gets_nothing(
    client: Client, path: str, method: str, headers: dict[str, str]
) -> None:
    """No route answers a page of somebody else."""
    response = client.request(method, path, headers=headers)

    assert 403 == response.status_code
    assert_secured(response)


@pytest.mark.parametrize(
    ("path", "method"),
    [(p, m) for p, known in ROUTES for m in METHODS if m not in known],
)
def test_a_wrong_method_is_refused(client: Client, path: str, method: str) -> None:
    """A route answers the methods it was made for and no other."""
    response = client.request(method, path)

    assert 405 == response.status_code
    assert_secured(response)


def test_nothing_can_be_changed() -> None:
    """No route takes a method that could change something."""
    assert {"GET", "HEAD", "OPTIONS"} >= frozenset().union(*(known for _, known in ROUTES))


@pytest.mark.parametrize("path", [path for path, _ in ROUTES if path != "/api"])
def test_own_pages_get_answers(client: Client, path: str) -> None:
    """The gate lets our own page through to every route."""
    headers = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}

    response = client.get(path, headers=headers)

    assert 200 == response.status_code
    assert_secured(response)


@pytest.mark.parametrize(
    "header", [(b"host", b"evil.example"), (b"origin", b"http://evil.example")]
)
def test_a_foreign_websocket_is_closed(header: tuple[bytes, bytes]) -> None:
    """The gate stands in front of WebSockets as well: no route ever sees a foreign one."""
    ours = (b"host", HOST.encode())
    foreign = [header] if header[0] == b"host" else [ours, header]

    assert ([], [("websocket.close", 1008)]) == knock(foreign)
    assert (["websocket"], []) == knock([ours])


def knock(headers: list[tuple[bytes, bytes]]) -> tuple[list[str], list[tuple[str, int]]]:
    """Open a WebSocket at the gate; return what came through and what was answered."""
    through: list[str] = []
    answers: list[tuple[str, int]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        through.append(scope["type"])

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        answers.append((message["type"], message["code"]))

    scope: Any = {"type": "websocket", "path": "/api/feed", "headers": headers}
    asyncio.run(Gate(app, frozenset({HOST}))(scope, receive, send))
    return through, answers


def test_a_big_body_is_refused(client: Client) -> None:
    """A body over 64 KB is refused before it is read."""
    response = client.request("GET", "/api/status", content=b"x" * (BODY_BYTES_MAX + 1))

    assert_problem(response, 413)


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api", "/api/nowhere", "/static/nowhere.js", "/docs"]
)
def test_what_is_not_there_is_a_problem(client: Client, path: str) -> None:
    """An unknown address is answered with problem details."""
    assert_problem(client.get(path), 404)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/",
        "/static/%00",
        "/static/app.js%00",
        "/static/app.js/x",
        "/static/" + "a" * 300,
        "/static/%ff",
        "/%00",
        "/api/%00",
    ],
)
def test_only_the_pages_own_files_are_served(client: Client, path: str) -> None:
    """No spelling of a path leads out of the folder or lists it."""
    assert_problem(client.get(path), 404)


def test_a_failure_tells_nothing(client: Client, desk: FakeDesk) -> None:
    """What broke inside stays inside."""
    desk.failure = RuntimeError("secret sauce in /home/somebody")

    response = client.get("/api/status")

    assert_problem(response, 500)
    assert "secret" not in response.text
    assert "somebody" not in response.text


def test_status_shows_every_lane(client: Client, desk: FakeDesk) -> None:
    """The status has the lanes, the bot and what has stalled."""
    desk.snapshots = [a_busy_lane(), a_busy_lane(venue="polymarket", halted="operator: lunch")]
    desk.stalled_workers = ["kalshi"]

    status = client.get("/api/status").json()

    assert ["kalshi", "polymarket"] == [lane["venue"] for lane in status["lanes"]]
    assert ["1012.85", "-2.4"] == [status["lanes"][0][k] for k in ("equity", "day_pnl")]
    assert "operator: lunch" == status["lanes"][1]["halted"]
    assert ["kalshi"] == status["stalled"]
    assert "0.1.0" == status["about"]["version"]


def test_hostile_texts_stay_data(client: Client, desk: FakeDesk) -> None:
    """A market's name reaches the page unchanged, as JSON and never as a document."""
    desk.snapshots = [a_busy_lane(positions=(a_held_position(HOSTILE),))]
    desk.lines = [a_line(1, "signal", market=HOSTILE)]

    status = client.get("/api/status")
    journal = client.get("/api/journal")

    assert HOSTILE == status.json()["lanes"][0]["positions"][0]["market"]
    assert HOSTILE == journal.json()["lines"][0]["data"]["market"]
    assert "application/json" == status.headers["content-type"]
    assert "application/json" == journal.headers["content-type"]


def test_the_journals_last_lines_are_served(client: Client, desk: FakeDesk) -> None:
    """The last lines come oldest first, as many as were asked for."""
    desk.lines = [a_line(n, "tick", reason="closed") for n in range(1, 80)]

    def numbers(query: str) -> list[int]:
        return [line["seq"] for line in client.get(f"/api/journal{query}").json()["lines"]]

    assert list(range(30, 80)) == numbers("")
    assert [78, 79] == numbers("?count=2")


@pytest.mark.parametrize("count", ["0", "-1", str(JOURNAL_LINES_MAX + 1), "many", "1.5", ""])
def test_a_silly_count_is_a_problem(client: Client, count: str) -> None:
    """How many lines is a whole number from 1 to 500."""
    assert_problem(client.get(f"/api/journal?count={count}"), 400)


def test_long_lines_are_shortened(client: Client, desk: FakeDesk) -> None:
    """A state or a long text is not sent to the page every second."""
    desk.lines = [
        a_line(1, "checkpoint", digest="d", state={"positions": {}}),
        a_line(2, "config_changed", config="x" * 300_000, by="operator"),
        {"type": "odd", "data": "not an object"},
    ]

    first, second, third = client.get("/api/journal").json()["lines"]

    assert {"digest": "d"} == first["data"]
    assert "x" * TEXT_MAX + "…" == second["data"]["config"]
    assert "operator" == second["data"]["by"]
    assert "not an object" == third["data"]


def test_health_is_for_machines(client: Client, desk: FakeDesk) -> None:
    """Health is 200 while all is well, and 503 with names when it is not."""
    assert 200 == client.get("/api/health").status_code

    desk.stalled_workers = ["kalshi"]
    desk.snapshots = [a_busy_lane(phase="failed")]
    response = client.get("/api/health")

    assert 503 == response.status_code
    assert {"healthy": False, "stalled": ["kalshi"], "failed": ["kalshi/paper"]} == response.json()
    assert_secured(response)


def test_the_schema_needs_nobody_else(client: Client) -> None:
    """The interface describes itself as JSON, without a page that loads scripts from elsewhere."""
    response = client.get("/api/openapi.json")

    assert {"/api/status", "/api/journal", "/api/health"} == set(response.json()["paths"])
    assert "<" not in json.dumps(response.json())


def test_the_page_keeps_its_own_policy() -> None:
    """The page has no inline code, no foreign address, and never writes HTML."""
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    code = (STATIC / "app.js").read_text(encoding="utf-8")
    sheet = (STATIC / "style.css").read_text(encoding="utf-8")

    assert "<style" not in page
    assert " style=" not in page
    assert " on" not in page.partition("<body>")[2].replace(" one", "").partition("<main>")[0]
    assert page.count("<script") == page.count('<script type="module" src="/static/app.js">')
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert word not in code
    for text in (page, code.replace("http://www.w3.org/2000/svg", ""), sheet):
        assert "http:" not in text
        assert "https:" not in text
    assert "url(" not in sheet
    assert "@import" not in sheet


def test_the_page_is_light() -> None:
    """All files of the page together stay under 40 kB."""
    assert 40_000 > sum(path.stat().st_size for path in STATIC.iterdir())
