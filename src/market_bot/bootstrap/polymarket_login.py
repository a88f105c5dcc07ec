"""The API credentials of a wallet: kept in memory, asked for until the venue gives them.

A bot that holds positions starts also while the venue cannot be reached. Until there are
credentials nothing is sent, nothing can be armed, and both are said.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import attrs

from market_bot.adapters.polymarket.auth import ApiCredentials, CredentialsError
from market_bot.adapters.polymarket.problems import (
    Kind,
    LoggedOut,
    PolymarketError,
    VenueProblem,
)
from market_bot.adapters.polymarket.wire import UnreadableRecord
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.actor import Actor

AGAIN: Final = Duration(5 * SECOND)
"""Between two requests for credentials."""

FAILURES: Final = (PolymarketError, UnreadableRecord, CredentialsError)
"""What asking for credentials raises."""

_LASTING: Final = frozenset({Kind.AUTH, Kind.ACCOUNT, Kind.INVALID, Kind.REFUSED, Kind.NOT_FOUND})


def is_lasting(error: Exception) -> bool:
    """Tell whether asking again would bring the same: the venue has said no to this key."""
    return isinstance(error, VenueProblem) and error.kind in _LASTING


@attrs.define(eq=False)
class KeptLogin:
    """Credentials that may not be known yet; asked from any thread, learnt in one.

    Args:
        ask: asks the venue.

    """

    ask: Callable[[], ApiCredentials]
    _known: ApiCredentials | None = attrs.field(default=None, init=False, repr=False)
    _why: str = attrs.field(default="they were not asked for yet", init=False)
    _asking: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)

    def __call__(self) -> ApiCredentials:
        """Return the credentials.

        Raises:
            LoggedOut: while they are not known.

        """
        known = self._known
        if known is None:
            raise LoggedOut(self.problem or "")
        return known

    @property
    def problem(self) -> str | None:
        """Why there are none, None once they are known."""
        if self._known is not None:
            return None
        return f"the venue has not given the API credentials of this key: {self._why}"

    def learn(self) -> None:
        """Ask, unless they are known; may take as long as a request.

        Raises:
            PolymarketError: if the venue gives none.
            UnreadableRecord: if its answer holds none.
            CredentialsError: if they cannot be right.

        """
        with self._asking:
            if self._known is None:
                try:
                    self._known = self.ask()
                except FAILURES as e:
                    self._why = str(e)
                    raise


def known_login(credentials: ApiCredentials) -> KeptLogin:
    """Return a login whose credentials are known."""
    login = KeptLogin(lambda: credentials)
    login.learn()
    return login


@attrs.define(eq=False)
class WatchLogin(Actor):
    """Asks for credentials until they are there, says why not, and goes on to what needs them.

    Args:
        login: learns them.
        then: what the same thread does once they are known.
        complain: takes one line for people.

    """

    login: KeptLogin
    then: Actor
    complain: Callable[[str], None]
    _trouble: str = attrs.field(default="", init=False)

    @property
    def name(self) -> str:
        """What to call it."""
        return self.then.name

    def step(self, now: Micros) -> Micros | None:
        """Ask once, or do what comes then; see `Actor.step`."""
        try:
            self.login.learn()
        except FAILURES:
            problem = self.login.problem or ""
            if problem != self._trouble:
                self._trouble = problem
                self.complain(problem)
            return Micros(now + AGAIN)
        return self.then.step(now)

    def stop(self, now: Micros, reason: str) -> None:
        """End what comes then."""
        self.then.stop(now, reason)
