"""The web application: pages, what they show, and what they may tell the bot."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, Final

from litestar import Litestar, Request, Response, Router, WebSocket, websocket
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from litestar.handlers import WebsocketRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import (
    LifeSpanReceive,
    LifeSpanScope,
    LifeSpanSend,
    Receive,
    Scope,
    Send,
)

from market_bot.core.ports.dashboard import (
    BadQueryError,
    ConflictError,
    NotNowError,
    NotOfferedError,
    NotThereError,
    Operator,
    StepUpError,
)
from market_bot.core.usecases.lane_controls import CommandRefused

from .commands import command_routes
from .files import file_routes
from .guards import BODY_BYTES_MAX, Access, Gate, session_of
from .live import Live
from .logins import login_routes
from .metrics import metrics_route
from .problems import PROBLEM_JSON, problem
from .reading import reading_routes
from .sessions import Sessions

_LOG: Final = logging.getLogger(__name__)
_SCHEMA_FOLDER: Final = "/api"
_SCHEMA_NAME: Final = "/openapi.json"
_STATUS_OF: Final[dict[type[Exception], HTTPStatus]] = {
    # JSON nested deeper than anybody means.
    RecursionError: HTTPStatus.BAD_REQUEST,
    BadQueryError: HTTPStatus.BAD_REQUEST,
    StepUpError: HTTPStatus.FORBIDDEN,
    NotThereError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    CommandRefused: HTTPStatus.CONFLICT,
    NotOfferedError: HTTPStatus.NOT_IMPLEMENTED,
    NotNowError: HTTPStatus.SERVICE_UNAVAILABLE,
}

_Request = Request[Any, Any, Any]


class GuardedApp(Litestar):
    """A Litestar application behind the gate.

    Litestar runs middleware only for routes it knows; the gate must stand in front of the
    others as well.
    """

    def __init__(self, *, access: Access, **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        super().__init__(**options)
        self._gate = Gate(super().__call__, access)

    async def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> None:
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
        else:
            await self._gate(scope, receive, send)  # type: ignore[arg-type] # no lifespan here


def create_app(
    bot: Operator,
    sessions: Sessions,
    *,
    allowed_hosts: frozenset[str],
    secure: bool = False,
    read_only: bool = False,
    metrics_token: str = "",
) -> Litestar:
    """Return the dashboard of a bot; it answers only requests whose Host is one of the hosts.

    Any bot is shown that implements `Operator`. Nobody is logged in at first: print
    ``<address>#login=<sessions.new_code()>`` where only the operator can read it.

    Args:
        bot: what is shown and told; its methods are called from several threads.
        sessions: who is logged in.
        allowed_hosts: exact Host headers in lower case, such as "127.0.0.1:8787".
        secure: whether it is served by TLS; the cookie is then sent by TLS only.
        read_only: refuse every command.
        metrics_token: what opens `/metrics` to a monitoring system; see `bearers.metrics_token`.

    """
    access = Access(
        hosts=allowed_hosts,
        sessions=sessions,
        secure=secure,
        read_only=read_only,
        metrics_token=metrics_token,
    )
    live = Live(bot, sessions, sessions.now)

    @contextlib.asynccontextmanager
    async def publishing(_: Litestar) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await live.close()

    return GuardedApp(
        access=access,
        route_handlers=[
            *file_routes(),
            *login_routes(bot, access),
            *reading_routes(bot, live),
            *command_routes(bot, sessions),
            metrics_route(bot),
            _live_route(live),
        ],
        openapi_config=_schema(),
        exception_handlers={Exception: _answer_problem},
        request_max_body_size=BODY_BYTES_MAX,
        lifespan=[publishing],
        logging_config=None,
        debug=False,
    )


def _schema() -> OpenAPIConfig:
    """Describe the interface as JSON; the pages that show such a thing load foreign scripts."""
    return OpenAPIConfig(
        title="market-bot",
        version="1",
        use_handler_docstrings=True,
        render_plugins=[JsonRenderPlugin(path=_SCHEMA_NAME)],
        openapi_router=Router(
            _SCHEMA_FOLDER, route_handlers=[], before_request=_nothing_but, include_in_schema=False
        ),
    )


def _nothing_but(request: _Request) -> None:
    # Litestar adds pages of its own beside the schema.
    if request.url.path != _SCHEMA_FOLDER + _SCHEMA_NAME:
        raise NotFoundException


def _live_route(live: Live) -> WebsocketRouteHandler:
    @websocket("/ws")
    async def listen(socket: WebSocket[Any, Any, Any]) -> None:
        session = session_of(socket.scope)
        if session is not None:  # The gate lets nobody through without one.
            await live.serve(socket, session)

    return listen


def _answer_problem(request: _Request, error: Exception) -> Response[bytes]:
    status = _status_of(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("%s %r failed: %r", request.method, request.url.path, error)
        _LOG.debug("The failure in full:", exc_info=error)
    headers = error.headers if isinstance(error, HTTPException) else None
    more = {"step_up": True} if isinstance(error, StepUpError) else {}
    return Response(
        problem(status, _explain(error, status), **more),
        status_code=status,
        media_type=PROBLEM_JSON,
        headers=headers,
    )


def _status_of(error: Exception) -> int:
    if isinstance(error, HTTPException):
        return error.status_code
    found = (status for kind, status in _STATUS_OF.items() if isinstance(error, kind))
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def _explain(error: Exception, status: int) -> str:
    """Return a sentence for the asker; what went wrong inside stays inside."""
    if isinstance(error, tuple(_STATUS_OF)):
        return " ".join(str(error).split())[:500]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or not isinstance(error, HTTPException):
        return "the bot could not answer; its log says why"
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        found = [f"{e.get('key')}: {e.get('message')}" for e in error.extra if isinstance(e, dict)]
        return "; ".join(found) or "the request is not valid"
    return error.detail or HTTPStatus(status).phrase
