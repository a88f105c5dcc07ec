"""Errors as the pages get them: problem details (RFC 9457), and nothing about our insides."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec

PROBLEM_JSON: Final = "application/problem+json"


def problem(status: int, detail: str, **more: object) -> bytes:
    """Return a problem as JSON: the status, its usual phrase, and a sentence for people.

    ``more`` are further fields for the page.
    """
    return msgspec.json.encode(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            **more,
        }
    )
