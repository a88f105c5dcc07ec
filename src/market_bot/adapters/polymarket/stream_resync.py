"""Asking the venue for books beside the stream: where one is missing, or was silent for long."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import attrs

from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.clock import Clock

from .clob import TokenBook, books
from .problems import PolymarketError, plain
from .rest import PolymarketRest
from .wire import UnreadableRecord

_GRACE: Final = Duration(15 * SECOND)


@attrs.frozen(kw_only=True)
class Fetched:
    """An answer: which tokens were asked for, their books, and when they were there.

    ``problem`` says why there is none at all; "" if there is one.
    """

    asked: tuple[str, ...]
    books: Mapping[str, TokenBook] = attrs.field(factory=dict)
    received: Micros
    problem: str = ""


class Fetching(Protocol):
    """Asks for books when it is asked to; one batch at a time."""

    @property
    @abstractmethod
    def busy(self) -> bool:
        """Whether a question is under way or its answer has not been taken."""

    @abstractmethod
    def begin(self, tokens: Sequence[str]) -> None:
        """Begin to ask for at most `rest.BOOKS_MAX` books."""

    @abstractmethod
    def take(self) -> Fetched | None:
        """Return the answer once; None while there is none."""

    @abstractmethod
    def close(self) -> None:
        """End what is under way and wait for it."""


class Fetch(Fetching):
    """Asks at once, in the thread that asks.

    Args:
        rest: a client that nobody else uses meanwhile.
        clock: when answers are there.

    """

    def __init__(self, rest: PolymarketRest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock
        self._result: Fetched | None = None

    @property
    def busy(self) -> bool:
        return self._result is not None

    def begin(self, tokens: Sequence[str]) -> None:
        self._result = self.ask(tuple(tokens))

    def take(self) -> Fetched | None:
        result, self._result = self._result, None
        return result

    def close(self) -> None:
        self._rest.close()

    def ask(self, tokens: tuple[str, ...]) -> Fetched:
        """Ask, and say what came of it; nothing is raised."""
        try:
            found = books(self._rest.books(tokens)).by_token
        except (PolymarketError, UnreadableRecord) as e:
            return Fetched(asked=tokens, received=self._clock.now(), problem=plain(str(e)))
        except Exception as e:  # noqa: BLE001 - without an answer books would be missing for ever
            problem = plain(f"{type(e).__name__}: {e}")
            return Fetched(asked=tokens, received=self._clock.now(), problem=problem)
        return Fetched(asked=tokens, books=found, received=self._clock.now())


class FetchThread(Fetching):
    """Asks in a thread of its own, so that prices do not wait for it.

    Args:
        fetch: what is done there; nobody else may use it.

    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._thread: threading.Thread | None = None
        self._result: Fetched | None = None

    @property
    def busy(self) -> bool:
        return self._thread is not None

    def begin(self, tokens: Sequence[str]) -> None:
        if self._thread is None:
            told = (tuple(tokens),)
            self._thread = threading.Thread(
                target=self._run, args=told, name="polymarket-books", daemon=True
            )
            self._thread.start()

    def take(self) -> Fetched | None:
        thread = self._thread
        if thread is None or thread.is_alive():
            return None
        thread.join()
        self._thread = None
        result, self._result = self._result, None
        return result

    def close(self) -> None:
        if self._thread is not None:
            self._thread.join(_GRACE / SECOND)
        self._fetch.close()

    def _run(self, tokens: tuple[str, ...]) -> None:
        self._result = self._fetch.ask(tokens)
