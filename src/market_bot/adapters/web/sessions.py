"""Who is logged in: one-time codes, sessions, and how often a password may be wrong.

Everything is held in memory and ends with the process. Codes and cookies are random and only
their hashes are kept; a password is the business of `passwords`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from typing import Final

import attrs

from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros

IDLE: Final = Duration(30 * 60 * SECOND)
ABSOLUTE: Final = Duration(12 * HOUR)
CODE_LIFETIME: Final = Duration(HOUR)
STEP_UP: Final = Duration(5 * 60 * SECOND)
SESSIONS_MAX: Final = 64
CODES_MAX: Final = 8
WRONG_MAX: Final = 5
"""So many wrong passwords in a row are answered at once; then each costs time."""

_PAUSE: Final = Duration(30 * SECOND)
_PAUSE_MAX: Final = Duration(15 * 60 * SECOND)
_DOUBLINGS_MAX: Final = 5
_BYTES: Final = 32
_TEXT_MAX: Final = 128


class NotLetInError(Exception):
    """A login failed; the message is for people, ``wait`` how long not to try again."""

    def __init__(self, message: str, wait: Duration | None = None) -> None:
        super().__init__(message)
        self.wait = wait


@attrs.define(eq=False)
class Session:
    """One login: ``csrf`` is what its page sends along with every change."""

    digest: str
    csrf: str = attrs.field(repr=False)
    since: Micros
    seen: Micros
    stepped_up_until: Micros

    def over(self, now: Micros) -> bool:
        """Tell whether it has ended; a clock that was set back ends it as well."""
        return not (self.since <= now < self.since + ABSOLUTE and now - self.seen < IDLE)

    @property
    def expires_at(self) -> Micros:
        """When it ends at the latest."""
        return Micros(self.since + ABSOLUTE)


class Sessions:
    """All logins of one dashboard; any thread may ask.

    Args:
        now: tells the time.
        password: tells whether a text is the password; slow.
        has_password: tells whether there is one.

    """

    def __init__(
        self,
        now: Callable[[], Micros],
        password: Callable[[str], bool] = lambda _: False,
        has_password: Callable[[], bool] = lambda: False,
    ) -> None:
        self.now = now
        self._password, self._has_password = password, has_password
        self._lock = threading.Lock()
        # One at a time: checking takes memory and a processor.
        self._checking = threading.Lock()
        self._codes: dict[str, Micros] = {}
        self._sessions: dict[str, Session] = {}
        self._wrong = 0
        self._next_try: Micros | None = None

    @property
    def password_set(self) -> bool:
        """Whether there is a password to log in with."""
        return self._has_password()

    def new_code(self) -> str:
        """Return a code that logs in once, within the hour."""
        code = secrets.token_urlsafe(_BYTES)
        now = self.now()
        with self._lock:
            self._codes = {d: until for d, until in self._codes.items() if now < until}
            while len(self._codes) >= CODES_MAX:
                del self._codes[next(iter(self._codes))]
            self._codes[_digest(code)] = Micros(now + CODE_LIFETIME)
        return code

    def log_in(self, *, code: str = "", password: str = "") -> tuple[str, Session]:
        """Return the secret of a new session, for its cookie, and the session.

        Raises:
            NotLetInError: if neither is right, or too many passwords were wrong.

        """
        self._prove(code, password)
        cookie, now = secrets.token_urlsafe(_BYTES), self.now()
        session = Session(
            digest=_digest(cookie),
            csrf=secrets.token_urlsafe(_BYTES),
            since=now,
            seen=now,
            stepped_up_until=now,
        )
        with self._lock:
            self._forget(now)
            while len(self._sessions) >= SESSIONS_MAX:
                oldest = min(self._sessions.values(), key=lambda one: one.seen)
                del self._sessions[oldest.digest]
            self._sessions[session.digest] = session
        return cookie, session

    def step_up(self, session: Session, *, code: str = "", password: str = "") -> None:
        """Let a session do for five minutes what takes a second proof.

        Raises:
            NotLetInError: as `log_in`.

        """
        self._prove(code, password)
        session.stepped_up_until = Micros(self.now() + STEP_UP)

    def stepped_up(self, session: Session) -> bool:
        """Tell whether a second proof is fresh."""
        return self.now() < session.stepped_up_until <= self.now() + STEP_UP

    def find(self, cookie: str, *, touch: bool) -> Session | None:
        """Return the session of a cookie; ``touch`` counts as being active."""
        if not 0 < len(cookie) <= _TEXT_MAX:
            return None
        now = self.now()
        with self._lock:
            session = self._sessions.get(_digest(cookie))
            if session is None:
                return None
            if session.over(now):
                del self._sessions[session.digest]
                return None
            if touch:
                session.seen = now
        return session

    def holds(self, session: Session) -> bool:
        """Tell whether a session is still one."""
        known = self._sessions.get(session.digest)
        return known is session and not session.over(self.now())

    def log_out(self, session: Session) -> None:
        """End one session."""
        with self._lock:
            self._sessions.pop(session.digest, None)

    def log_out_all(self) -> None:
        """End all sessions and codes."""
        with self._lock:
            self._sessions.clear()
            self._codes.clear()

    def _prove(self, code: str, password: str) -> None:
        if code:
            if not self._spend(code):
                msg = "this link was used or is too old: `market-bot web link` prints a new one"
                raise NotLetInError(msg)
            return
        with self._checking:
            self._may_try()
            if password and self._password(password):
                self._wrong, self._next_try = 0, None
                return
            self._count_wrong()
        msg = "that is not the password"
        raise NotLetInError(msg)

    def _spend(self, code: str) -> bool:
        with self._lock:
            until = self._codes.pop(_digest(code), None)
        return until is not None and until - CODE_LIFETIME <= self.now() < until

    def _may_try(self) -> None:
        left = 0 if self._next_try is None else self._next_try - self.now()
        # A clock that was set back keeps nobody out for longer than one pause.
        if 0 < left <= _PAUSE_MAX:
            msg = "too many wrong passwords: wait, or use `market-bot web link` at the terminal"
            raise NotLetInError(msg, Duration(left))

    def _count_wrong(self) -> None:
        self._wrong += 1
        beyond = self._wrong - WRONG_MAX
        if beyond >= 0:
            pause = min(_PAUSE << min(beyond, _DOUBLINGS_MAX), _PAUSE_MAX)
            self._next_try = Micros(self.now() + pause)

    def _forget(self, now: Micros) -> None:
        self._sessions = {d: s for d, s in self._sessions.items() if not s.over(now)}


def same(one: str, other: str) -> bool:
    """Compare two secrets in a time that tells nothing."""
    return hmac.compare_digest(one.encode(), other.encode())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
