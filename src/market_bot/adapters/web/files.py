"""The page's own files, read once and held in memory: no request ever names a place on the disk."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import attrs
from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from .guards import STATIC as FOLDER

STATIC: Final = Path(__file__).parent / "static"

_NAME: Final = re.compile(r"(?:[a-z0-9_-]+/)?[a-z0-9_-]+\.([a-z]+)")
_TYPES: Final = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "webmanifest": "application/manifest+json",
}
_GZIP: Final = "gzip"
_SMALL: Final = 1_000

_Request = Request[Any, Any, Any]


@attrs.frozen(slots=False)
class File:
    """A file as it is sent."""

    data: bytes
    media_type: str

    @cached_property
    def etag(self) -> str:
        """What stands for exactly this content."""
        return f'"{hashlib.sha256(self.data).hexdigest()[:32]}"'

    @cached_property
    def packed(self) -> bytes | None:
        """The same compressed, None where that gains nothing."""
        packed = gzip.compress(self.data, mtime=0) if len(self.data) > _SMALL else self.data
        return packed if len(packed) < len(self.data) else None

    def answer(self, request: _Request) -> Response[bytes]:
        """Return the file, or that the asker has it."""
        headers = {"etag": self.etag, "vary": "accept-encoding"}
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        data = self.data
        # These files hold no secret that their length could tell.
        if _GZIP in request.headers.get("accept-encoding", "") and self.packed is not None:
            data = self.packed
            headers["content-encoding"] = _GZIP
        return Response(data, media_type=self.media_type, headers=headers)


def file_routes(folder: Path = STATIC) -> list[HTTPRouteHandler]:
    """Return the routes of the page and its files."""
    files = dict(_files(folder))

    @get("/", sync_to_thread=False, include_in_schema=False)
    def index(request: _Request) -> Response[bytes]:
        return files["index.html"].answer(request)

    @get(f"{FOLDER}{{file_path:path}}", sync_to_thread=False, include_in_schema=False)
    def static(request: _Request, file_path: FromPath[str]) -> Response[bytes]:
        # Compared as it was sent: other spellings of the same path are no names of ours.
        found = files.get(request.url.path.removeprefix(FOLDER))
        if found is None or str(file_path).lstrip("/") not in files:
            raise NotFoundException
        return found.answer(request)

    return [index, static]


def _files(folder: Path) -> list[tuple[str, File]]:
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        match = _NAME.fullmatch(name)
        if match is not None and match[1] in _TYPES and path.is_file():
            found.append((name, File(path.read_bytes(), _TYPES[match[1]])))
    return found
