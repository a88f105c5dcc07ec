"""Logging in and out. The code of a link comes in the body: an address ends up in histories."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from market_bot.core.domain.numbers import SECOND, format_time
from market_bot.core.ports.dashboard import Operator

from .guards import SESSION, Access, session_of
from .problems import PROBLEM_JSON, problem
from .sessions import ABSOLUTE, IDLE, NotLetInError, Session

_Secret = Annotated[str, msgspec.Meta(max_length=256)]
_Request = Request[Any, Any, Any]
_WHO: Final = "dashboard"


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code from the terminal, or the password."""

    code: _Secret = ""
    password: _Secret = ""


class SessionNow(msgspec.Struct, frozen=True):
    """Who is logged in, for the page."""

    authenticated: bool
    csrf: str | None
    who: str | None
    expires_at: str | None
    idle_s: int
    password_set: bool
    read_only: bool
    stepped_up_until: str | None


def login_routes(bot: Operator, access: Access) -> list[HTTPRouteHandler]:
    """Return the routes of sessions."""
    sessions = access.sessions

    @get(SESSION, sync_to_thread=False)
    def who(request: _Request) -> SessionNow:
        """Tell whether somebody is logged in, and what to send along with changes."""
        return _told(access, session_of(request.scope))

    # Litestar wraps a synchronous handler twice where a path has several methods.
    @post(SESSION, status_code=200)
    async def log_in(data: JSONBody[Proof]) -> Response[Any]:
        """Log in with a one-time code or the password."""
        try:
            secret, session = await asyncio.to_thread(
                sessions.log_in, code=data.code, password=data.password
            )
        except NotLetInError as e:
            bot.note_access(_WHO, "login_refused")
            return _not_let_in(e)
        bot.note_access(_named(session), "login")
        return Response(_told(access, session), cookies=[_cookie(access, secret)])

    @post(f"{SESSION}/step-up", sync_to_thread=True, status_code=200)
    def step_up(request: _Request, data: JSONBody[Proof]) -> Response[Any]:
        """Prove once more who this is, for what needs that."""
        session = _present(request)
        try:
            sessions.step_up(session, code=data.code, password=data.password)
        except NotLetInError as e:
            bot.note_access(_named(session), "step_up_refused")
            return _not_let_in(e)
        bot.note_access(_named(session), "step_up")
        return Response(_told(access, session))

    @delete(SESSION, sync_to_thread=False)
    def log_out(request: _Request) -> Response[None]:
        """End this session."""
        session = _present(request)
        sessions.log_out(session)
        bot.note_access(_named(session), "logout")
        return _gone(access)

    @delete("/api/sessions", sync_to_thread=False)
    def log_out_all(request: _Request) -> Response[None]:
        """End every session and every link."""
        bot.note_access(_named(_present(request)), "logout_all")
        sessions.log_out_all()
        return _gone(access)

    return [who, log_in, step_up, log_out, log_out_all]


def _present(request: _Request) -> Session:
    session = session_of(request.scope)
    if session is None:  # The gate lets nobody through to here without one.
        raise NotLetInError("log in first")  # noqa: EM101, TRY003 - never seen
    return session


def _named(session: Session) -> str:
    return f"{_WHO}:{session.digest[:6]}"


def _told(access: Access, session: Session | None) -> SessionNow:
    fresh = session is not None and access.sessions.stepped_up(session)
    return SessionNow(
        authenticated=session is not None,
        csrf=None if session is None else session.csrf,
        who=None if session is None else _named(session),
        expires_at=None if session is None else format_time(session.expires_at),
        idle_s=IDLE // SECOND,
        password_set=access.sessions.password_set,
        read_only=access.read_only,
        stepped_up_until=format_time(session.stepped_up_until) if session and fresh else None,
    )


def _cookie(access: Access, secret: str, max_age: int = ABSOLUTE // SECOND) -> Cookie:
    strict: Literal["strict"] = "strict"
    return Cookie(
        key=access.cookie,
        value=secret,
        path="/",
        httponly=True,
        secure=access.secure,
        samesite=strict,
        max_age=max_age,
    )


def _gone(access: Access) -> Response[None]:
    return Response(
        None, status_code=HTTPStatus.NO_CONTENT, cookies=[_cookie(access, "", max_age=0)]
    )


def _not_let_in(error: NotLetInError) -> Response[bytes]:
    late = error.wait is not None
    status = HTTPStatus.TOO_MANY_REQUESTS if late else HTTPStatus.UNAUTHORIZED
    headers = {"retry-after": str(-(-(error.wait or 0) // SECOND))} if late else {}
    return Response(
        problem(status, str(error)), status_code=status, media_type=PROBLEM_JSON, headers=headers
    )
