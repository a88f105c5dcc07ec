"""A monitoring system cannot log in: it shows a token of its own, which opens its numbers alone.

The token comes in a header, never in the address, where logs would keep it.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final

METRICS: Final = "/metrics"
TOKEN_CHARS_MIN: Final = 20
_SCHEME: Final = b"bearer "


def metrics_token(told: str) -> str:
    """Return what opens the numbers to a monitoring system, "" for nothing.

    Raises:
        ValueError: if it could be guessed; the text does not hold it.

    """
    if told and (len(told) < TOKEN_CHARS_MIN or not told.isascii()):
        msg = (
            f"the token of the metrics in .env is shorter than {TOKEN_CHARS_MIN} plain characters: "
            "make one with `openssl rand -hex 32`"
        )
        raise ValueError(msg)
    return told


def bears(authorization: Sequence[bytes], token: str) -> bool:
    """Tell whether these headers show the token; without one nothing does."""
    if len(token) < TOKEN_CHARS_MIN or len(authorization) != 1:
        return False
    shown = authorization[0]
    if shown[: len(_SCHEME)].lower() != _SCHEME:
        return False
    return hmac.compare_digest(shown[len(_SCHEME) :].strip(), token.encode())
