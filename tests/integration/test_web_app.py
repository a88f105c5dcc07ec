"""The web application as a browser meets it, in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import post
from litestar.routes import HTTPRoute, WebSocketRoute
from litestar.testing import TestClient

from market_bot.adapters.web.app import GuardedApp, create_app
from market_bot.adapters.web.files import STATIC
from market_bot.adapters.web.guards import BODY_BYTES_MAX, Access, Gate
from market_bot.adapters.web.headers import CONTENT_SECURITY_POLICY
from market_bot.adapters.web.lines import TEXT_MAX
from market_bot.core.ports.dashboard import (
    BadQueryError,
    ConflictError,
    Consent,
    JournalPage,
    JournalQuery,
    NotNowError,
    NotThereError,
    StepUpError,
)
from market_bot.core.usecases.lane_controls import CommandRefused
from tests.fakes.desk import FakeDesk, a_busy_lane, a_held_position, a_line
from tests.fakes.web import HOST, ORIGIN, PASSWORD, Visitor, Wall, some_sessions, visiting

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")
LOOKS = frozenset({"GET", "HEAD", "OPTIONS"})
PARAMETERS = {
    "{file_path:path}": "app.js",
    "{path:str}": "openapi.json",
    "{job:str}": "j-1",
    "{proposal:str}": "p-1",
}
PUBLIC = {
    *((path, method) for path in ("/", "/api/session", "/api/health") for method in LOOKS),
    *(("/static/app.js", method) for method in LOOKS),
    ("/api/session", "POST"),
}
"""Everything that may be asked without a login; adding to this needs a reason."""
HOSTILE = "<script>alert(1)</script>\u202egnp.exe\u200b</td>"


def known_routes() -> list[tuple[str, frozenset[str]]]:
    """Return every path the application knows, filled in, with the methods it answers."""
    app = create_app(FakeDesk(), some_sessions(), allowed_hosts=frozenset({HOST}))
    found: list[tuple[str, frozenset[str]]] = []
    for route in app.routes:
        if isinstance(route, WebSocketRoute):
            assert "/ws" == route.path, f"{route.path}: add this WebSocket to the tests"
            continue
        assert isinstance(route, HTTPRoute), f"{route.path}: add this kind of route to the tests"
        path = route.path
        for name, value in PARAMETERS.items():
            path = path.replace(name, value)
        assert "{" not in path, f"{route.path}: add an example of its parameter to the tests"
        found.append((path, frozenset(route.methods)))
    return sorted(found, key=lambda route: (route[0], sorted(route[1])))


ROUTES = known_routes()
PATHS = [*(path for path, _ in ROUTES), "/nowhere", "/api/nowhere"]
KNOWN = [(path, method) for path, methods in ROUTES for method in sorted(methods)]
EVERY = [(path, method) for path in PATHS for method in METHODS]
CHANGES = [(path, method) for path, method in KNOWN if method not in LOOKS]
COMMANDS = [(path, method) for path, method in CHANGES if "session" not in path]


class TellingDesk(FakeDesk):
    """Takes every command, and remembers it; ``refusal`` is raised instead."""

    def __init__(self, *snapshots: Any) -> None:
        super().__init__(*snapshots)
        self.refusal: Exception | None = None
        self.accesses: list[tuple[str, str]] = []

    def note_access(self, by: str, what: str) -> None:
        self.accesses.append((by.partition(":")[0], what))

    def _take(self, *words: object) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.commands.append(tuple(map(str, words)))

    def halt(self, by: str, reason: str) -> None:
        self._take("halt", _who(by), reason)

    def lift_halt(self, by: str, *, sure: bool) -> None:
        self._take("lift_halt", _who(by), sure)

    def flatten(self, by: str) -> None:
        self._take("flatten", _who(by))

    def pause(self, lane: str, by: str, reason: str) -> None:
        self._take("pause", lane, _who(by), reason)

    def unpause(self, lane: str, by: str, *, sure: bool) -> None:
        self._take("unpause", lane, _who(by), sure)

    def cancel_order(self, lane: str, intent: str, by: str) -> None:
        self._take("cancel_order", lane, intent, _who(by))

    def close_position(self, lane: str, market: str, leg: str, by: str) -> None:
        self._take("close_position", lane, market, leg, _who(by))

    def run_evaluation(self, lane: str, by: str) -> str:
        self._take("run_evaluation", lane, _who(by))
        return "j-1"

    def ask_advisor(self, lane: str, by: str) -> str:
        self._take("ask_advisor", lane, _who(by))
        return "j-2"

    def consent(self, shown: Any) -> Consent:
        self._take("consent", shown.lane, shown.proposal, shown.before, shown.after)
        return Consent(token="t-1", expires_at="2026-11-22T14:15:00Z")

    def approve(self, lane: str, proposal: str, token: str, by: str, *, sure: bool) -> str:
        self._take("approve", lane, proposal, token, _who(by), sure)
        return "done"

    def reject(
        self, lane: str, proposal: str, token: str, by: str, *, reason: str, note: str
    ) -> str:
        self._take("reject", lane, proposal, token, _who(by), reason, note)
        return "done"

    def undo_learning(
        self, lane: str, path: str, direction: int, rule: str, by: str, note: str
    ) -> None:
        self._take("undo_learning", lane, path, direction, rule, _who(by), note)

    def journal(self, query: JournalQuery) -> JournalPage:
        lines = tuple(self.lines)
        return JournalPage(chain=query.chain, lines=lines, next=None, complete=True, scanned=9)


def _who(by: str) -> str:
    """Return who gave a command without the number of the login, which is drawn."""
    name, _, login = by.partition(":")
    assert 6 == len(login)
    return name


ORDERS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "/api/halt": ({"reason": "lunch"}, ("halt", "dashboard", "lunch")),
    "/api/resume": ({}, ("lift_halt", "dashboard", "False")),
    "/api/flatten": ({}, ("flatten", "dashboard")),
    "/api/pause": ({"lane": "k/p"}, ("pause", "k/p", "dashboard", "paused")),
    "/api/unpause": ({"lane": "k/p"}, ("unpause", "k/p", "dashboard", "False")),
    "/api/orders/cancel": (
        {"lane": "k/p", "intent": "i-7"},
        ("cancel_order", "k/p", "i-7", "dashboard"),
    ),
    "/api/positions/close": (
        {"lane": "k/p", "market": "M", "leg": "no"},
        ("close_position", "k/p", "M", "no", "dashboard"),
    ),
    "/api/evaluation": ({"lane": "k/p"}, ("run_evaluation", "k/p", "dashboard")),
    "/api/advisor/ask": ({}, ("ask_advisor", "", "dashboard")),
    "/api/learned/undo": (
        {"lane": "k/p", "path": "a.b", "direction": -1, "rule": "r"},
        ("undo_learning", "k/p", "a.b", "-1", "r", "dashboard", ""),
    ),
    "/api/proposals/p-1/token": (
        {"lane": "k/p", "file": "f", "path": "a", "before": "1", "after": "2", "config": "c"},
        ("consent", "k/p", "p-1", "1", "2"),
    ),
    "/api/proposals/p-1/approve": (
        {"lane": "k/p", "token": "t"},
        ("approve", "k/p", "p-1", "t", "dashboard", "False"),
    ),
    "/api/proposals/p-1/reject": (
        {"lane": "k/p", "token": "t", "reason": "other"},
        ("reject", "k/p", "p-1", "t", "dashboard", "other", ""),
    ),
}
"""An example of every command, and what the bot is told."""


@pytest.fixture(scope="module")
def matrix() -> Iterator[Visitor]:
    """Return a visitor who is logged in, for questions that change nothing."""
    with visiting(TellingDesk(a_busy_lane())) as visitor:
        assert 200 == visitor.log_in().status_code
        yield visitor


@pytest.fixture
def desk() -> TellingDesk:
    """Return a bot with one busy lane."""
    return TellingDesk(a_busy_lane())


@pytest.fixture
def wall() -> Wall:
    """Return the clock on the wall."""
    return Wall()


@pytest.fixture
def stranger(desk: TellingDesk, wall: Wall) -> Iterator[Visitor]:
    """Return somebody who is not logged in."""
    with visiting(desk, some_sessions(wall)) as visitor:
        yield visitor


@pytest.fixture
def client(stranger: Visitor) -> Visitor:
    """Return somebody who is."""
    assert 200 == stranger.log_in().status_code
    return stranger


def assert_problem(response: Any, status: int) -> None:
    """Check that a response is a problem with this status, and secured like every other."""
    assert status == response.status_code, response.text
    assert "application/problem+json" == response.headers["content-type"]
    assert status == response.json()["status"]
    assert {"type", "title", "status", "detail"} <= set(response.json())
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


def answers(visitor: Visitor, asked: list[tuple[str, str]], **headers: str) -> dict[int, list[str]]:
    """Return what was answered to each of these, by status; all of it secured."""
    found: dict[int, list[str]] = {}
    for path, method in asked:
        response = visitor.request(method, path, **headers)
        assert_secured(response)
        found.setdefault(response.status_code, []).append(f"{method} {path}")
    return found


# -- who is let in: every route there is -----------------------------------------------------


def test_a_foreign_host_gets_nothing(matrix: Visitor) -> None:
    """No route answers under a name that is not ours, not even to say that it does not exist."""
    assert {421} == set(answers(matrix, EVERY, host="evil.example:8787"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("origin", f"https://{HOST}"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ],
)
def test_a_foreign_page_gets_nothing(matrix: Visitor, name: str, value: str) -> None:
    """No route answers a page of somebody else, although the browser sends the cookie."""
    assert {403} == set(answers(matrix, EVERY, **{name: value}))


def test_without_a_login_there_is_next_to_nothing(stranger: Visitor) -> None:
    """Every route but the few public ones asks for a login, and so does what is not there."""
    asked = [one for one in EVERY if one not in PUBLIC]

    assert {401} == set(answers(stranger, asked))


def test_the_public_is_small(stranger: Visitor) -> None:
    """What needs no login is the empty page, the login itself, and whether all is well."""
    open_to_all = [one for one in KNOWN if one in PUBLIC]

    assert not {401, 403} & set(answers(stranger, [o for o in open_to_all if o[1] in LOOKS]))
    assert {"healthy": True} == stranger.get("/api/health").json()
    assert not stranger.get("/api/session").json()["authenticated"]
    assert stranger.get("/api/session").json()["csrf"] is None


@pytest.mark.parametrize("token", ["", "x", "x" * 43])
def test_every_change_needs_the_token(matrix: Visitor, token: str) -> None:
    """A change without the session's own token is refused, whatever it is."""
    asked = [one for one in CHANGES if one != ("/api/session", "POST")]

    assert {403} == set(
        answers(matrix, asked, **{"x-csrf-token": token.encode().decode("latin-1")})
    )


def test_a_stale_token_is_refused(client: Visitor, desk: TellingDesk) -> None:
    """The token of an earlier login changes nothing."""
    stale = client.csrf
    assert 200 == client.log_in().status_code
    asked = [one for one in CHANGES if one != ("/api/session", "POST")]

    assert {403} == set(answers(client, asked, **{"x-csrf-token": stale}))
    assert [] == desk.commands


def test_a_change_is_json(matrix: Visitor) -> None:
    """A form, which any page may send, is refused before anybody reads it."""
    asked = [one for one in CHANGES if one[1] == "POST"]
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        assert {415} == set(answers(matrix, asked, **{"content-type": kind})), kind


def test_a_wrong_method_is_refused(matrix: Visitor) -> None:
    """A route answers the methods it was made for and no other."""
    known = set(KNOWN)
    asked = [(p, m) for p, _ in ROUTES for m in METHODS if (p, m) not in known]

    assert {405} == set(answers(matrix, asked))


def test_a_big_body_is_refused(matrix: Visitor) -> None:
    """A body over 64 KB is refused by every route before it is read."""
    big = b'{"reason":"' + b"x" * BODY_BYTES_MAX + b'"}'
    for path, method in KNOWN:
        headers = {"x-csrf-token": matrix.csrf, "content-type": "application/json"}
        response = matrix.client.request(method, path, content=big, headers=headers)
        assert 413 == response.status_code, f"{method} {path}"


def test_reading_only_means_no_commands(desk: TellingDesk) -> None:
    """Who only may look can log in and out, and tell the bot nothing."""
    with visiting(desk, read_only=True) as visitor:
        visitor.log_in()
        assert {403} == set(answers(visitor, COMMANDS))
        assert [] == desk.commands
        assert visitor.get("/api/session").json()["read_only"]
        assert 200 == visitor.get("/api/state").status_code
        assert 204 == visitor.request("DELETE", "/api/session").status_code


def test_a_new_route_is_guarded_by_itself(desk: TellingDesk) -> None:
    """A route that somebody adds without a thought of guards asks for a login and the token."""

    @post("/api/boom")
    async def boom() -> None:
        desk.halt("nobody", "boom")

    sessions = some_sessions()
    access = Access(hosts=frozenset({HOST}), sessions=sessions)
    app = GuardedApp(access=access, route_handlers=[boom], openapi_config=None, logging_config=None)
    with TestClient(app, base_url=ORIGIN) as client:
        assert 401 == client.post("/api/boom", json={}).status_code
        cookie, _ = sessions.log_in(password=PASSWORD)
        client.cookies.set(access.cookie, cookie)
        assert 403 == client.post("/api/boom", json={}).status_code
    assert [] == desk.commands


def test_own_pages_get_answers(matrix: Visitor) -> None:
    """The gate lets our own page through to everything that can be looked at."""
    looks = [one for one in KNOWN if one[1] == "GET"]

    refused = answers(matrix, looks, origin=ORIGIN, **{"sec-fetch-site": "same-origin"})

    assert not {401, 403, 405, 413, 421, 500} & set(refused), refused


def test_two_cookies_are_none(client: Visitor) -> None:
    """Somebody who can add a cookie of his own gains nothing by it."""
    name = next(iter(client.client.cookies))
    value = client.client.cookies[name]
    client.client.cookies.clear()

    for cookie in (f"{name}={value}; {name}={value}", f"{name}={value}x", f"x{name}={value}"):
        assert 401 == client.get("/api/state", headers={"cookie": cookie}).status_code
    assert 200 == client.get("/api/state", headers={"cookie": f"{name}={value}"}).status_code


# -- logging in and out ----------------------------------------------------------------------


def test_the_cookie_is_the_browsers_own(stranger: Visitor) -> None:
    """No script reads it, no other site sends it."""
    answer = stranger.log_in()

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("market_bot_8787=")
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "Domain" not in cookie
    assert cookie.partition("=")[2].partition(";")[0] not in answer.text


def test_by_tls_the_cookie_stays_there(desk: TellingDesk) -> None:
    """With TLS the cookie is bound to it and to this host."""
    with visiting(desk, secure=True) as visitor:
        answer = visitor.log_in()
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-market_bot_8787=")
        assert "Secure" in cookie.split("; ")
        assert 200 == visitor.get("/api/state", headers={"origin": f"https://{HOST}"}).status_code
        assert 403 == visitor.get("/api/state", headers={"origin": ORIGIN}).status_code


def test_a_link_works_once(stranger: Visitor, desk: TellingDesk) -> None:
    """The second visitor with the same link stays outside, and both are written down."""
    code = stranger.sessions.new_code()

    assert 200 == stranger.log_in(code=code).status_code
    stranger.client.cookies.clear()
    assert_problem(stranger.log_in(code=code), 401)

    assert [("dashboard", "login"), ("dashboard", "login_refused")] == desk.accesses
    assert 401 == stranger.get("/api/state").status_code


def test_a_password_logs_in_too(stranger: Visitor) -> None:
    """Five wrong ones in a row make the next one wait, and the page is told how long."""
    for _ in range(5):
        assert_problem(stranger.log_in(password="wrong"), 401)
    late = stranger.log_in(password=PASSWORD)

    assert_problem(late, 429)
    assert "30" == late.headers["retry-after"]
    assert 200 == stranger.log_in().status_code


@pytest.mark.parametrize("body", [[], {"code": 1}, {"user": "me"}, {"code": "x" * 300}, "x"])
def test_a_strange_login_is_a_problem(stranger: Visitor, body: object) -> None:
    """A login is an object with a code or a password and nothing else."""
    assert_problem(stranger.client.post("/api/session", json=body), 400)


def test_logging_out_ends_it(client: Visitor, desk: TellingDesk) -> None:
    """Afterwards the same cookie opens nothing."""
    cookies = dict(client.client.cookies)

    gone = client.request("DELETE", "/api/session")

    assert 204 == gone.status_code
    assert "Max-Age=0" in gone.headers["set-cookie"]
    client.client.cookies.update(cookies)
    assert 401 == client.get("/api/state").status_code
    assert ("dashboard", "logout") == desk.accesses[-1]


def test_everybody_can_be_logged_out(client: Visitor) -> None:
    """One page ends all others."""
    _, other = client.sessions.log_in(password=PASSWORD)

    assert 204 == client.request("DELETE", "/api/sessions").status_code

    assert not client.sessions.holds(other)
    assert 401 == client.get("/api/state").status_code


def test_half_an_hour_of_silence_logs_out(client: Visitor, wall: Wall) -> None:
    """Looking counts as being there; the time runs from the last look."""
    wall.move(1_799)
    assert 200 == client.get("/api/state").status_code
    wall.move(1_799)
    assert 200 == client.get("/api/state").status_code
    wall.move(1_800)

    assert 401 == client.get("/api/state").status_code


def test_a_second_proof(client: Visitor, desk: TellingDesk) -> None:
    """What needs one says so; for five minutes after it nothing does."""
    desk.refusal = StepUpError("prove once more that it is you")
    refused = client.post("/api/resume")
    assert_problem(refused, 403)
    assert refused.json()["step_up"] is True
    desk.refusal = None

    assert_problem(client.post("/api/session/step-up", {"password": "wrong"}), 401)
    proven = client.post("/api/session/step-up", {"code": client.sessions.new_code()})
    client.post("/api/resume")

    assert proven.json()["stepped_up_until"] is not None
    assert ("lift_halt", "dashboard", "True") == desk.commands[-1]


# -- commands --------------------------------------------------------------------------------


def test_every_command_has_an_example() -> None:
    """A new command is tried by the tests below, or they fail here."""
    assert {path for path, _ in COMMANDS} == set(ORDERS)


def test_a_command_reaches_the_bot(client: Visitor, desk: TellingDesk) -> None:
    """The bot is told who wants what, once."""
    for path, (body, told) in ORDERS.items():
        desk.commands.clear()

        answer = client.post(path, body)

        assert answer.status_code in {200, 202}, answer.text
        assert_secured(answer)
        assert [told] == desk.commands


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (CommandRefused("too many commands wait there"), 409),
        (ConflictError("somebody was first"), 409),
        (NotThereError("no such thing"), 404),
        (NotNowError("it does not answer"), 503),
        (BadQueryError("not so"), 400),
        (StepUpError("prove it"), 403),
        (RuntimeError("secret sauce in /home/somebody"), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_refused_command_says_why(
    client: Visitor, desk: TellingDesk, refusal: Exception, status: int
) -> None:
    """The page is told the bot's own sentence, unless it is about our insides."""
    desk.refusal = refusal
    for path, (body, _) in ORDERS.items():
        answer = client.post(path, body)

        assert_problem(answer, status)
        assert (str(refusal) in answer.text) == (status != 500)


def test_a_strange_body_is_a_problem(client: Visitor, desk: TellingDesk) -> None:
    """Keys that nobody knows, lists, and what is no JSON are refused."""
    headers = {"x-csrf-token": client.csrf, "content-type": "application/json"}
    for path, (body, _) in ORDERS.items():
        strange: list[object] = [{**body, "extra": 1}, [body]]
        strange += [{**body, name: "x" * 400} for name in body]
        for told in strange:
            assert_problem(client.post(path, told), 400)
        for content in (b"", b"{", b"\xff", b"[" * 5_000, b"null"):
            assert_problem(client.client.post(path, content=content, headers=headers), 400)
    assert [] == desk.commands


def test_another_bot_says_what_it_cannot() -> None:
    """A bot that implements only what it must is shown, and answers 501 to the rest."""
    with visiting(FakeDesk(a_busy_lane())) as visitor:
        visitor.log_in()
        assert 200 == visitor.get("/api/state").status_code
        assert_problem(visitor.get("/api/venues"), 501)
        assert_problem(visitor.post("/api/evaluation"), 501)


# -- listening -------------------------------------------------------------------------------


def knock(
    headers: list[tuple[bytes, bytes]], access: Access
) -> tuple[list[str], list[tuple[str, int]]]:
    """Open a WebSocket at the gate; return what came through and what was answered."""
    through: list[str] = []
    told: list[tuple[str, int]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        through.append(scope["type"])

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        told.append((message["type"], message["code"]))

    scope: Any = {"type": "websocket", "path": "/ws", "headers": headers}
    asyncio.run(Gate(app, access)(scope, receive, send))
    return through, told


def test_to_listen_is_not_to_be_there(wall: Wall) -> None:
    """Opening a WebSocket again and again keeps no session alive."""
    sessions = some_sessions(wall)
    access = Access(hosts=frozenset({HOST}), sessions=sessions)
    secret, session = sessions.log_in(password=PASSWORD)
    seen = session.seen
    wall.move(60)
    cookie = (b"cookie", f"{access.cookie}={secret}".encode())

    knock([(b"host", HOST.encode()), (b"origin", ORIGIN.encode()), cookie], access)

    assert seen == session.seen


def test_a_foreign_websocket_is_closed() -> None:
    """Only a page of ours that is logged in may listen, and it says where it comes from."""
    sessions = some_sessions()
    access = Access(hosts=frozenset({HOST}), sessions=sessions)
    secret, _ = sessions.log_in(password=PASSWORD)
    host, origin = (b"host", HOST.encode()), (b"origin", ORIGIN.encode())
    cookie = (b"cookie", f"{access.cookie}={secret}".encode())
    closed: tuple[list[str], list[tuple[str, int]]] = ([], [("websocket.close", 1008)])

    assert (["websocket"], []) == knock([host, origin, cookie], access)
    for headers in (
        [host, origin],
        [host, cookie],
        [origin, cookie],
        [host, origin, (b"cookie", access.cookie.encode() + b"=guess")],
        [(b"host", b"evil.example"), origin, cookie],
        [host, (b"origin", b"http://evil.example"), cookie],
        [host, (b"origin", b"null"), cookie],
        [host, origin, (b"origin", b"http://evil.example"), cookie],
        [host, origin, cookie, (b"sec-fetch-site", b"cross-site")],
    ):
        assert closed == knock(headers, access), headers


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api", "/api/nowhere", "/static/nowhere.js", "/docs"]
)
def test_what_is_not_there_is_a_problem(client: Visitor, path: str) -> None:
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
def test_only_the_pages_own_files_are_served(client: Visitor, path: str) -> None:
    """No spelling of a path leads out of the folder or lists it."""
    assert_problem(client.get(path), 404)


def test_a_failure_tells_nothing(client: Visitor, desk: TellingDesk) -> None:
    """What broke inside stays inside."""
    desk.failure = RuntimeError("secret sauce in /home/somebody")

    response = client.get("/api/state")

    assert_problem(response, 500)
    assert "secret" not in response.text
    assert "somebody" not in response.text


def test_the_state_shows_every_lane(client: Visitor, desk: TellingDesk) -> None:
    """The state has the lanes by name, the bot, what has stalled, and a number."""
    first = client.get("/api/state").json()
    desk.snapshots = [a_busy_lane(), a_busy_lane(venue="polymarket", halted="operator: lunch")]
    desk.stalled_workers = ["kalshi"]

    state = client.get("/api/state").json()

    assert {"kalshi/paper", "polymarket/paper"} == set(state["lanes"])
    kalshi = state["lanes"]["kalshi/paper"]
    assert ["1012.85", "-2.4"] == [kalshi[k] for k in ("equity", "day_pnl")]
    assert "operator: lunch" == state["lanes"]["polymarket/paper"]["halted"]
    assert ["kalshi"] == state["stalled"]
    assert "0.1.0" == state["about"]["version"]
    assert first["seq"] + 1 == state["seq"]
    desk.snapshots = desk.snapshots[1:]
    assert {"polymarket/paper"} == set(client.get("/api/state").json()["lanes"])


def test_positions_and_orders_name_their_lane(client: Visitor, desk: TellingDesk) -> None:
    """They are told of all lanes, or of one."""
    desk.snapshots = [a_busy_lane(), a_busy_lane(venue="polymarket")]

    for what in ("positions", "orders"):
        lanes = [row["lane"] for row in client.get(f"/api/{what}").json()[what]]
        assert ["kalshi/paper", "polymarket/paper"] == lanes
        one = client.get(f"/api/{what}?lane=kalshi/paper").json()[what]
        assert ["kalshi/paper"] == [row["lane"] for row in one]


def test_hostile_texts_stay_data(client: Visitor, desk: TellingDesk) -> None:
    """A market's name reaches the page unchanged, as JSON and never as a document."""
    desk.snapshots = [a_busy_lane(positions=(a_held_position(HOSTILE),))]
    desk.lines = [a_line(1, "signal", market=HOSTILE)]

    state = client.get("/api/state")
    journal = client.get("/api/journal")

    lane = state.json()["lanes"]["kalshi/paper"]
    assert HOSTILE == lane["positions"][0]["market"]
    assert HOSTILE == state.json()["journal"][0]["data"]["market"]
    assert HOSTILE == journal.json()["lines"][0]["data"]["market"]
    for answer in (state, journal):
        assert "application/json" == answer.headers["content-type"]


def test_the_state_tells_what_happened(client: Visitor, desk: TellingDesk) -> None:
    """Scans and marks are left out; of the rest the newest fifty lines are there, once."""
    desk.lines = [a_line(n, "scan" if n % 2 else "fill", market="M") for n in range(1, 161)]
    assert list(range(62, 161, 2)) == [
        line["seq"] for line in client.get("/api/state").json()["journal"]
    ]

    desk.lines.append(a_line(161, "halt", by="me", reason="lunch"))
    desk.snapshots = [a_busy_lane(head=(161, "ab"))]

    numbers = [line["seq"] for line in client.get("/api/state").json()["journal"]]
    assert [*range(64, 161, 2), 161] == numbers


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=many",
        "before=0",
        "before=1.5",
        f"text={'x' * 301}",
    ],
)
def test_a_silly_search_is_a_problem(client: Visitor, query: str) -> None:
    """Numbers and texts have their limits."""
    assert_problem(client.get(f"/api/journal?{query}"), 400)


def test_long_lines_are_shortened(client: Visitor, desk: TellingDesk) -> None:
    """A state or a long text is not sent to the page."""
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


def test_health_is_for_machines(stranger: Visitor, desk: TellingDesk) -> None:
    """Health is 200 while all is well, and 503 when it is not; names are for who is logged in."""
    assert 200 == stranger.get("/api/health").status_code

    desk.stalled_workers = ["kalshi"]
    desk.snapshots = [a_busy_lane(phase="failed")]
    response = stranger.get("/api/health")

    assert 503 == response.status_code
    assert {"healthy": False} == response.json()
    assert_secured(response)
    stranger.log_in()
    names = {"stalled": ["kalshi"], "failed": ["kalshi/paper"]}
    assert {"healthy": False, **names} == stranger.get("/api/health").json()


def test_the_schema_needs_nobody_else(matrix: Visitor) -> None:
    """The interface describes itself as JSON, all of it, typed, without foreign pages."""
    schema = matrix.get("/api/openapi.json").json()

    assert schema["openapi"].startswith("3.1")
    paths = {path for path, _ in ROUTES if path.startswith("/api/") and "openapi" not in path}
    told = {path.replace("{job}", "j-1").replace("{proposal}", "p-1") for path in schema["paths"]}
    assert paths == told
    assert "<script" not in json.dumps(schema)
    for name in ("MarketDetail", "Proposals", "Trials", "SystemNow", "JournalPage"):
        assert schema["components"]["schemas"][f"{name}"]["properties"]
    for path, methods in schema["paths"].items():
        for method, told_of in methods.items():
            assert told_of["description"], f"{method} {path} says nothing of itself"


def test_the_page_keeps_its_own_policy() -> None:
    """The page has no inline code, no foreign address, and never writes HTML."""
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    code = {path.name: path.read_text(encoding="utf-8") for path in STATIC.rglob("*.js")}
    sheets = "".join(path.read_text(encoding="utf-8") for path in STATIC.rglob("*.css"))

    assert "<style" not in page
    assert " style=" not in page
    assert " on" not in page.partition("<body>")[2].replace(" one", "").partition("<main")[0]
    assert page.count("<script") == page.count('<script type="module" src="/static/')
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert [] == [name for name, text in code.items() if word in text], word
    script = "".join(code.values()).replace("http://www.w3.org/2000/svg", "")
    for text in (page, script, sheets):
        assert "http://" not in text
        assert "https://" not in text
    assert "url(" not in sheets
    assert "@import" not in sheets


def test_the_page_is_light(client: Visitor) -> None:
    """All files of the page together take less than 150 kB to send, and nothing the second time."""
    sent = again = 0
    for path in STATIC.rglob("*"):
        if not path.is_file():
            continue
        address = f"/static/{path.relative_to(STATIC).as_posix()}"
        answer = client.get(address, headers={"accept-encoding": "gzip"})
        assert 200 == answer.status_code, address
        assert answer.content == path.read_bytes()
        sent += int(answer.headers["content-length"])
        known = client.get(address, headers={"if-none-match": answer.headers["etag"]})
        assert 304 == known.status_code
        again += len(known.content)

    assert 150_000 > sent
    assert 0 == again
