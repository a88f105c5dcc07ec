"""The web application: one page, and the data it shows. It reads the desk and changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final

from litestar import Litestar, MediaType, Request, Response, Router, get
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import QueryParameter
from litestar.static_files import create_static_files_router
from litestar.types import (
    LifeSpanReceive,
    LifeSpanScope,
    LifeSpanSend,
    Receive,
    Scope,
    Send,
)

from market_bot.core.ports.desk import Desk
from market_bot.core.usecases.snapshot_json import snapshot_json

from .guards import BODY_BYTES_MAX, Gate
from .problems import PROBLEM_JSON, problem

STATIC: Final = Path(__file__).parent / "static"
JOURNAL_LINES_MAX: Final = 500
TEXT_MAX: Final = 2_000
"""Characters after which a text of a journal line is cut; the journal itself has all of it."""

_LOG: Final = logging.getLogger(__name__)
_STATIC_FOLDER: Final = "/static"
_STATIC_NAMES: Final = frozenset(path.name for path in STATIC.iterdir())
_SCHEMA_FOLDER: Final = "/api"
_SCHEMA_NAME: Final = "/openapi.json"
_BIG_FIELD: Final = ("checkpoint", "state")

_Count = Annotated[int, QueryParameter(ge=1, le=JOURNAL_LINES_MAX)]
_Request = Request[Any, Any, Any]


class GuardedApp(Litestar):
    """A Litestar application behind the gate.

    Litestar runs middleware only for routes it knows; the gate must stand in front of the
    others as well.
    """

    def __init__(self, *, allowed_hosts: frozenset[str], **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        super().__init__(**options)
        self._gate = Gate(super().__call__, allowed_hosts)

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


def create_app(desk: Desk, *, allowed_hosts: frozenset[str]) -> Litestar:
    """Return the application; it answers only requests whose Host is one of `allowed_hosts`.

    Args:
        desk: the running bot.
        allowed_hosts: exact Host headers in lower case, such as "127.0.0.1:8787".

    """
    return GuardedApp(
        allowed_hosts=allowed_hosts,
        route_handlers=[
            _page_route(),
            create_static_files_router(
                path=_STATIC_FOLDER,
                directories=[STATIC],
                resolve_symlinks=False,
                before_request=_only_ours,
            ),
            *_data_routes(desk),
        ],
        openapi_config=_schema(),
        exception_handlers={Exception: _answer_problem},
        request_max_body_size=BODY_BYTES_MAX,
        logging_config=None,
        debug=False,
    )


def _schema() -> OpenAPIConfig:
    """Describe the interface as JSON; the pages that show such a thing load foreign scripts."""
    return OpenAPIConfig(
        title="market-bot",
        version="1",
        render_plugins=[JsonRenderPlugin(path=_SCHEMA_NAME)],
        openapi_router=Router(
            _SCHEMA_FOLDER, route_handlers=[], before_request=_nothing_but, include_in_schema=False
        ),
    )


def _nothing_but(request: _Request) -> None:
    # Litestar adds pages of its own beside the schema.
    if request.url.path != _SCHEMA_FOLDER + _SCHEMA_NAME:
        raise NotFoundException


def _only_ours(request: _Request) -> None:
    # A name the file system cannot even look up (a zero byte, a file taken for a folder) is an
    # error of the server to Litestar; nothing but our own few names gets that far.
    if request.url.path.removeprefix(f"{_STATIC_FOLDER}/") not in _STATIC_NAMES:
        raise NotFoundException


def _page_route() -> HTTPRouteHandler:
    page = (STATIC / "index.html").read_bytes()

    @get("/", media_type=MediaType.HTML, sync_to_thread=False, include_in_schema=False)
    def index() -> bytes:
        return page

    return index


def _data_routes(desk: Desk) -> list[HTTPRouteHandler]:
    @get("/api/status", sync_to_thread=False)
    def status() -> dict[str, Any]:
        """Return every lane, what the bot is, and which of its workers have stalled."""
        return {
            "lanes": [snapshot_json(lane) for lane in desk.lanes()],
            "about": dict(desk.about()),
            "stalled": list(desk.stalled()),
        }

    # The journal may have to be read from a file, which must not hold up the others.
    @get("/api/journal", sync_to_thread=True)
    def journal(count: _Count = 50) -> dict[str, Any]:
        """Return the last lines of the journals, oldest first."""
        return {"lines": [_shown(line) for line in desk.recent(count)]}

    @get("/api/health", sync_to_thread=False)
    def health() -> Response[dict[str, Any]]:
        """Answer 200 when every worker comes back in time and no lane failed, else 503."""
        stalled = list(desk.stalled())
        failed = [f"{s.venue}/{s.lane}" for s in desk.lanes() if s.phase == "failed"]
        healthy = not stalled and not failed
        return Response(
            {"healthy": healthy, "stalled": stalled, "failed": failed},
            status_code=HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE,
        )

    return [status, journal, health]


def _shown(line: Mapping[str, object]) -> dict[str, object]:
    """Return a journal line without what would fill the screen and the network."""
    data = line.get("data")
    if not isinstance(data, Mapping):
        return dict(line)
    kind, field = _BIG_FIELD
    kept = {k: v for k, v in data.items() if not (line.get("type") == kind and k == field)}
    return {**line, "data": {name: _cut(value) for name, value in kept.items()}}


def _cut(value: object) -> object:
    if isinstance(value, str) and len(value) > TEXT_MAX:
        return value[:TEXT_MAX] + "…"
    return value


def _answer_problem(request: _Request, error: Exception) -> Response[bytes]:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("%s %r failed: %r", request.method, request.url.path, error)
        _LOG.debug("The failure in full:", exc_info=error)
    headers = error.headers if isinstance(error, HTTPException) else None
    return Response(
        problem(status, _explain(error, status)),
        status_code=status,
        media_type=PROBLEM_JSON,
        headers=headers,
    )


def _explain(error: Exception, status: int) -> str:
    """Return a sentence for the asker; what went wrong inside stays inside."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or not isinstance(error, HTTPException):
        return "the bot could not answer; its log says why"
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        found = [f"{e.get('key')}: {e.get('message')}" for e in error.extra if isinstance(e, dict)]
        return "; ".join(found) or "the request is not valid"
    return error.detail or HTTPStatus(status).phrase
