"""What can go wrong between the bot and the venue, by what the caller can do about it.

::

    KalshiError
    ├── ParseError            an answer is not what the specification says
    ├── KeyFileError          the private key cannot be used
    ├── NotSentError          nothing left this machine; whatever was asked for did not happen
    │   ├── BudgetSpentError  the rate budget does not allow it now
    │   └── ClockSkewError    this machine's clock is too far from the venue's to sign
    ├── OutcomeUnknownError   sent, and no answer that proves anything: it may have happened
    └── RefusedError          the venue answered, in a shape we know, and said no
        ├── UnauthorizedError     key, signature, timestamp or scope
        ├── NotFoundError         404; of an order this does not prove that it was cancelled
        ├── AlreadyExistsError    409; an order with this client order id is already there
        └── TooManyRequestsError  429

No message, argument or chained exception ever holds a key, a signature or a request's headers.
"""

from __future__ import annotations

from typing import Final

from market_bot.core.domain.numbers import Duration

_TEXT_MAX: Final = 200


class KalshiError(Exception):
    """Something went wrong with the venue; the text is one line."""


class ParseError(KalshiError):
    """An answer is not what the venue's specification says."""


class KeyFileError(KalshiError):
    """The private key cannot be used; the text says why and never holds any of it."""


class NotSentError(KalshiError):
    """Nothing left this machine, so nothing happened at the venue."""


class BudgetSpentError(NotSentError):
    """The rate budget does not allow the request within its deadline."""


class ClockSkewError(NotSentError):
    """The clock is too far from the venue's to sign anything with."""


class OutcomeUnknownError(KalshiError):
    """The request was sent, and nothing proves whether the venue acted on it.

    ``retry_after`` is what the venue asked us to wait, if it did.
    """

    def __init__(self, message: str, retry_after: Duration | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RefusedError(KalshiError):
    """The venue said no; ``status`` and ``code`` say to what, ``details`` is untrusted text."""

    def __init__(self, message: str, *, status: int, code: str, details: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details


class UnauthorizedError(RefusedError):
    """The venue does not accept key, signature, timestamp or scope."""


class NotFoundError(RefusedError):
    """The venue does not know it, or no longer; for an order this proves nothing."""


class AlreadyExistsError(RefusedError):
    """An order with this client order id is already there: the earlier one landed."""


class TooManyRequestsError(RefusedError):
    """The venue's own rate limit was hit; ``retry_after`` is what it asked for, if anything."""

    retry_after: Duration | None = None


def plain(text: object) -> str:
    """Return text from elsewhere as one short printable line."""
    line = str(text)[: 4 * _TEXT_MAX]
    if not line.isprintable():
        line = "".join(char if char.isprintable() else " " for char in line)
    return line[:_TEXT_MAX].strip()
