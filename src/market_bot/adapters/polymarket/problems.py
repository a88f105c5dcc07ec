"""What can go wrong with a request, as one class per decision the caller can make.

::

    PolymarketError
    ├── Unreachable       nothing was sent; also `Unsayable` and `LoggedOut`
    ├── NoAnswer          sent, and nobody knows what became of it
    ├── Unreadable        answered, but not in a way that is understood
    ├── OverBudget        not sent: our own limit of requests is used up
    └── VenueProblem      the venue said no; `kind` says how, `proven` whether nothing happened

A fill-or-kill order that was killed comes as status 400 and is a normal outcome, not an error of
ours. Whatever is not in the table is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final

import msgspec

from market_bot.core.domain.numbers import SECOND, Duration

TEXT_MAX: Final = 200
_RETRY_AFTER_MAX_S: Final = 3600
_BODY_READ_MAX: Final = 64 * 1024
# Longer than the name of anything: a signature, or a part of one.
_SIGNATURE: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{100,}")


class PolymarketError(Exception):
    """Something between us and the venue failed; one line, without secrets."""


class Unreachable(PolymarketError):
    """No connection: the request was not sent."""


class Unsayable(Unreachable, ValueError):
    """Not sent: what the venue calls something cannot be part of a request."""


class LoggedOut(Unreachable):
    """Not sent: the API credentials of the account are not known yet."""


class NoAnswer(PolymarketError):
    """The request may have arrived; its fate is unknown."""


class Unreadable(PolymarketError):
    """The answer is too large or not what was agreed; the fate of a write is unknown."""


class OverBudget(PolymarketError):
    """Not sent: too many requests of this class within our own limit."""


class Kind(Enum):
    """What the venue said no to."""

    KILLED = "killed"
    FUNDS = "funds"
    CROSSES = "crosses"
    NOT_READY = "not_ready"
    ACCOUNT = "account"
    AUTH = "auth"
    DUPLICATE = "duplicate"
    NO_BOOK = "no_book"
    INVALID = "invalid"
    REFUSED = "refused"
    WINDOW = "window"
    HEARTBEAT = "heartbeat"
    NOT_FOUND = "not_found"
    RATE = "rate"
    RESTARTING = "restarting"
    POST_ONLY = "post_only"
    CANCEL_ONLY = "cancel_only"
    HALTED = "halted"
    UNKNOWN = "unknown"

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__


class VenueProblem(PolymarketError):
    """The venue answered with an error.

    Args:
        kind: what it means.
        status: of HTTP.
        text: the venue's own words, shortened and made plain; untrusted.
        retry_after: how long the venue asks to wait, None where it does not say.
        expected_heartbeat: the id the venue expects next, for `Kind.HEARTBEAT`.

    """

    def __init__(
        self,
        kind: Kind,
        status: int,
        text: str,
        *,
        retry_after: Duration | None = None,
        expected_heartbeat: str = "",
    ) -> None:
        super().__init__(f"Polymarket answered {status} ({kind.value}): {text or 'without words'}")
        self.kind = kind
        self.status = status
        self.text = text
        self.retry_after = retry_after
        self.expected_heartbeat = expected_heartbeat

    @property
    def proven(self) -> bool:
        """Whether an order that was answered so provably does not exist."""
        return self.kind in PROVEN


# An exact repetition is answered as duplicated because the first one is there. Status 425 and 5xx
# come from around the engine, and a 400 may also say "could not run the execution": neither proves
# anything, so whatever is not listed does not.
PROVEN: Final = frozenset(
    {
        Kind.KILLED,
        Kind.FUNDS,
        Kind.CROSSES,
        Kind.NOT_READY,
        Kind.ACCOUNT,
        Kind.AUTH,
        Kind.NO_BOOK,
        Kind.INVALID,
        Kind.RATE,
        Kind.POST_ONLY,
        Kind.CANCEL_ONLY,
        Kind.HALTED,
    }
)
"""Refusals after which an order provably does not exist."""

# Words of the venue's error table (2026) and of recorded answers, in lower case; first one wins.
_WORDS: Final[tuple[tuple[int, str, Kind], ...]] = (
    (400, "fully filled or killed", Kind.KILLED),
    (400, "no orders found to match", Kind.KILLED),
    (400, "duplicated", Kind.DUPLICATE),
    (400, "already been placed", Kind.DUPLICATE),
    (400, "not enough balance", Kind.FUNDS),
    (400, "order crosses book", Kind.CROSSES),
    (400, "not yet ready", Kind.NOT_READY),
    (400, "maker address not allowed", Kind.ACCOUNT),
    (400, "signer address has to be", Kind.ACCOUNT),
    (400, "order owner has to be", Kind.ACCOUNT),
    (400, "invalid signature", Kind.INVALID),
    (400, "invalid order payload", Kind.INVALID),
    (400, "invalid amounts", Kind.INVALID),
    (400, "invalid expiration", Kind.INVALID),
    (400, "minimum tick size", Kind.INVALID),
    (400, "lower than the minimum", Kind.INVALID),
    (400, "invalid amount for a marketable", Kind.INVALID),
    (400, "too many orders in payload", Kind.INVALID),
    (400, "interval is too long", Kind.WINDOW),
    (400, "invalid heartbeat", Kind.HEARTBEAT),
    (404, "no orderbook exists", Kind.NO_BOOK),
    (503, "post-only", Kind.POST_ONLY),
    (503, "cancel-only", Kind.CANCEL_ONLY),
    (503, "trading is currently disabled", Kind.HALTED),
)
_STATUSES: Final = {
    400: Kind.REFUSED,
    401: Kind.AUTH,
    403: Kind.AUTH,
    404: Kind.NOT_FOUND,
    422: Kind.REFUSED,
    425: Kind.RESTARTING,
    429: Kind.RATE,
}
_CODES: Final = {"post_only_mode": Kind.POST_ONLY}


def venue_problem(
    status: int, headers: Mapping[str, str], body: bytes, *, withheld: Sequence[str] = ()
) -> VenueProblem:
    """Return what an answer with an error status means; never raises.

    Args:
        status: of HTTP.
        headers: of the answer.
        body: of the answer.
        withheld: secrets; should the venue repeat one, it is not shown.

    """
    said = _fields(body)
    words = _words(said) if said else body[:_BODY_READ_MAX].decode(errors="replace")
    for secret in withheld:
        words = words.replace(secret, "***")
    text = plain(words)
    kind = _CODES.get(str(said.get("code", "")), _kind(status, text.lower(), readable=bool(said)))
    return VenueProblem(
        kind,
        status,
        text,
        retry_after=_retry_after(said, headers),
        expected_heartbeat=plain(str(said.get("heartbeat_id") or "")),
    )


def plain(text: str) -> str:
    """Return text from elsewhere as one short line of printable characters, no signature in it."""
    line = _SIGNATURE.sub("***", " ".join(text[: 4 * TEXT_MAX].split()))
    return "".join(c if c.isprintable() else "�" for c in line)[:TEXT_MAX]


def kind_of_words(text: str) -> Kind:
    """Return what an ``errorMsg`` inside a successful answer means, as it would in a 400."""
    return _kind(400, text.lower(), readable=True)


def _kind(status: int, text: str, *, readable: bool) -> Kind:
    # A page of something in between may contain any words; the venue speaks JSON.
    for number, words, kind in _WORDS if readable else ():
        if number == status and words in text:
            return kind
    if status in (400, 422) and not readable:
        return Kind.UNKNOWN
    return _STATUSES.get(status, Kind.UNKNOWN)


def _fields(body: bytes) -> Mapping[str, object]:
    try:
        said = msgspec.json.decode(body[:_BODY_READ_MAX])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _words(said: Mapping[str, object]) -> str:
    for key in ("error", "errorMsg", "error_msg", "message"):
        value = said.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def _retry_after(said: Mapping[str, object], headers: Mapping[str, str]) -> Duration | None:
    lower = {name.lower(): value for name, value in headers.items()}
    told = (said.get("retry_after_seconds"), lower.get("retry-after"))
    for value in told:
        seconds = _seconds(value)
        if seconds is not None:
            return Duration(min(seconds, _RETRY_AFTER_MAX_S) * SECOND)
    return None


def _seconds(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:10])
    return None
