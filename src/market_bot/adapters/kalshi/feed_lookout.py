"""Looking for markets beside the trading: a look takes seconds, and prices do not wait."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Collection
from typing import Final, Protocol

import attrs

from market_bot.core.domain.numbers import SECOND, Duration

from .discovery import Discovery, Found, Scope
from .errors import KalshiError, NotSentError, plain
from .parse_markets import Listing, parse_markets
from .rest import KalshiRest

_AT_ONCE: Final = 100
_HELD_MAX: Final = 1000
_GRACE: Final = Duration(15 * SECOND)


@attrs.frozen
class Sight:
    """What a look found: what is in its scope, and those asked for by name that are not."""

    found: Found
    held: tuple[Listing, ...] = ()
    problems: tuple[str, ...] = ()


class Lookout(Protocol):
    """Looks for markets when it is asked to; one look at a time."""

    @property
    @abstractmethod
    def busy(self) -> bool:
        """Whether a look is under way or its result has not been taken."""

    @abstractmethod
    def begin(self, held: Collection[str]) -> None:
        """Begin a look; ``held`` are markets that are wanted wherever they are."""

    @abstractmethod
    def take(self) -> Sight | KalshiError | None:
        """Return the result of the look once, or why there is none; None while it goes on."""

    @abstractmethod
    def close(self) -> None:
        """End what is under way and wait for it."""


class Look(Lookout):
    """Looks at once, in the thread that asks.

    Args:
        discovery: looks; owned, like its client, by whoever calls.
        rest: the client of the discovery.
        scope: what to look for.

    """

    def __init__(self, discovery: Discovery, rest: KalshiRest, scope: Scope) -> None:
        self._discovery = discovery
        self._rest = rest
        self._scope = scope
        self._result: Sight | KalshiError | None = None

    @property
    def busy(self) -> bool:
        return self._result is not None

    def begin(self, held: Collection[str]) -> None:
        try:
            self._result = self.look(held)
        except KalshiError as e:
            self._result = e

    def take(self) -> Sight | KalshiError | None:
        result, self._result = self._result, None
        return result

    def close(self) -> None:
        self._rest.close()

    def look(self, held: Collection[str]) -> Sight:
        """Look.

        Raises:
            KalshiError: if the lists cannot be read.

        """
        found = self._discovery.look(self._scope)
        seen = {one.market.id for one in found.listings}
        missing = sorted(set(held) - seen)
        problems = []
        if len(missing) > _HELD_MAX:
            problems.append(f"{len(missing) - _HELD_MAX} held markets were not looked for")
        listings: list[Listing] = []
        for first in range(0, min(len(missing), _HELD_MAX), _AT_ONCE):
            batch = missing[first : first + _AT_ONCE]
            for endpoint in ("/markets", "/historical/markets"):
                batch = self._by_name(endpoint, batch, listings, problems)
            problems.extend(f"{name}: is held and in none of the venue's lists" for name in batch)
        return Sight(found, tuple(listings), tuple(problems))

    def _by_name(
        self, endpoint: str, names: list[str], listings: list[Listing], problems: list[str]
    ) -> list[str]:
        """Read markets by name; return those that were not there."""
        if not names:
            return []
        params = [("tickers", ",".join(names)), ("limit", str(_HELD_MAX))]
        page = self._rest.read(endpoint, parse_markets, params=params)
        wanted = set(names)
        listings.extend(one for one in page.listings if one.market.id in wanted)
        for one in page.refused:
            if one.ticker in wanted:
                why = plain(f"{one.ticker}: is held and {one.reason.value} {one.details}")
                problems.append(why)
        told = {one.market.id for one in page.listings} | {one.ticker for one in page.refused}
        return sorted(wanted - told)


class LookoutThread(Lookout):
    """Looks in a thread of its own, with a client of its own.

    Args:
        look: what is done there; nobody else may use it.
        stopping: set by `close`; whoever waits for the client's budget is to look at it.

    """

    def __init__(self, look: Look, stopping: threading.Event) -> None:
        self._look = look
        self._stopping = stopping
        self._thread: threading.Thread | None = None
        self._result: Sight | KalshiError | None = None

    @property
    def busy(self) -> bool:
        return self._thread is not None

    def begin(self, held: Collection[str]) -> None:
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(
                target=self._run, args=(frozenset(held),), name="kalshi-lookout", daemon=True
            )
            self._thread.start()

    def take(self) -> Sight | KalshiError | None:
        thread = self._thread
        if thread is None or thread.is_alive():
            return None
        thread.join()
        self._thread = None
        result, self._result = self._result, None
        return result

    def close(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_GRACE / SECOND)
        self._look.close()

    def _run(self, held: Collection[str]) -> None:
        try:
            self._result = self._look.look(held)
        except KalshiError as e:
            self._result = e
        except Exception as e:  # noqa: BLE001 - a thread that ends without a word looks for ever
            self._result = KalshiError(plain(f"the look failed: {type(e).__name__}: {e}"))


def stopping_wait(stopping: threading.Event, wait_s: float) -> None:
    """Wait, unless the bot stops.

    Raises:
        NotSentError: if it does: what waits for its budget is not sent any more.

    """
    if stopping.wait(wait_s):
        msg = "the bot stops"
        raise NotSentError(msg)
