"""Requests to the venue: budgeted, signed if there is a key, and classified by what they prove.

Reads are tried again a few times. Whatever changes something is sent once: what became of it is
found out by asking, never by sending it again under another name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import attrs

from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.clock import Clock

from .budgets import Budgets, RateClass
from .clock_guard import ClockGuard, server_time
from .errors import (
    AlreadyExistsError,
    BudgetSpentError,
    ClockSkewError,
    KalshiError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RefusedError,
    TooManyRequestsError,
    UnauthorizedError,
    plain,
)
from .parse_errors import Problem, parse_problem
from .parse_limits import NO_COSTS, EndpointCosts
from .signing import Signer
from .transport import Exchange, Params, Transport

_T = TypeVar("_T")

EXPIRED: Final = "header_timestamp_expired"

_OK: Final = range(200, 300)
_CLIENT_ERRORS: Final = range(400, 500)
_BY_STATUS: Final[Mapping[int, type[RefusedError]]] = {
    401: UnauthorizedError,
    403: UnauthorizedError,
    404: NotFoundError,
    409: AlreadyExistsError,
    429: TooManyRequestsError,
}
_DUPLICATE: Final = "order_already_exists"
_TOO_MANY: Final = 429
_WAIT_DIGITS: Final = 4


@attrs.frozen(kw_only=True)
class Patience:
    """How long a request may take, and how reads are tried again.

    Args:
        within: the deadline of a request, all its attempts and waits included.
        attempt: the deadline of one attempt.
        attempts: how often a read is tried at most.
        first_wait: how long before the second attempt; it doubles from there.
        wait_max: the longest wait, also if the venue asks for more.

    """

    within: Duration = Duration(10 * SECOND)
    attempt: Duration = Duration(5 * SECOND)
    attempts: int = 3
    first_wait: Duration = Duration(SECOND // 4)
    wait_max: Duration = Duration(4 * SECOND)


@attrs.frozen
class Answer:
    """What the venue answered with a status of success, or one the caller accepts.

    ``body`` may be empty after a request that changes something; ``received`` is when we had it.
    """

    status: int
    body: bytes
    received: Micros


class KalshiRest:
    """The venue's REST interface; owned by one thread, each with its own.

    Args:
        transport: moves the bytes.
        clock: the time of signatures and deadlines.
        wait: sleeps for a duration; must return earlier when the bot stops.
        budgets: how often we may ask.
        signer: signs; without one only public data can be read.
        guard: compares the clocks.
        patience: how long and how often.
        costs: what requests cost, as the venue tells it.

    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        wait: Callable[[Duration], None],
        *,
        budgets: Budgets,
        signer: Signer | None = None,
        guard: ClockGuard | None = None,
        patience: Patience | None = None,
        costs: EndpointCosts = NO_COSTS,
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._wait = wait
        self._budgets = budgets
        self._signer = signer
        self.guard = guard or ClockGuard()
        self._patience = patience or Patience()
        self.costs = costs

    @property
    def signs(self) -> bool:
        """Whether there is a key."""
        return self._signer is not None

    def read(
        self,
        endpoint: str,
        parse: Callable[[bytes], _T],
        *,
        params: Params = (),
        signed: bool = False,
        accept: frozenset[int] = frozenset(),
    ) -> _T:
        """Return what `get` answers, parsed.

        Raises:
            ParseError: if it is not what it should be.
            KalshiError: as `get`.

        """
        return parse(self.get(endpoint, params=params, signed=signed, accept=accept).body)

    def get(
        self,
        endpoint: str,
        *,
        params: Params = (),
        signed: bool = False,
        accept: frozenset[int] = frozenset(),
    ) -> Answer:
        """Read something; tried again where that can help.

        Args:
            endpoint: below the base address, such as ``/markets``.
            params: the query; a name may occur again.
            signed: whether it is about our account.
            accept: statuses beyond 2xx that are answers too (an exchange that is closed tells its
                status with 503).

        Raises:
            NotSentError: if there was no budget or connection in time.
            OutcomeUnknownError: if no sound answer came in time.
            RefusedError: if the venue said no.

        """
        until = Duration(self._clock.elapsed() + self._patience.within)
        wait = self._patience.first_wait
        for left in reversed(range(self._patience.attempts)):
            try:
                answer = self._once(
                    "GET", endpoint, RateClass.READ, until, params, None, signed=signed
                )
                return self._judge_read(answer, f"GET {endpoint}", accept)
            except (NotSentError, OutcomeUnknownError, TooManyRequestsError) as e:
                asked = getattr(e, "retry_after", None)
                pause = Duration(min(max(wait, asked or 0), self._patience.wait_max))
                hopeless = isinstance(e, (BudgetSpentError, ClockSkewError))
                if hopeless or not left or self._clock.elapsed() + pause > until:
                    raise
            self._wait(pause)
            wait = Duration(2 * wait)
        msg = f"GET {endpoint}: no attempt was allowed"
        raise NotSentError(msg)

    def change(
        self,
        method: str,
        endpoint: str,
        *,
        body: bytes | None = None,
        params: Params = (),
        kind: RateClass = RateClass.WRITE,
        items: int = 1,
    ) -> Answer:
        """Send a signed request that changes something, once.

        Args:
            method: POST, PUT or DELETE.
            endpoint: below the base address.
            body: JSON bytes, if any.
            params: the query.
            kind: WRITE, refused at once without budget, or CANCEL, which waits for its own share.
            items: how many orders are in a batch; each costs.

        Raises:
            NotSentError: if nothing was sent.
            OutcomeUnknownError: if it may have happened.
            RefusedError: if the venue said no, also where its status said yes.

        """
        if kind is RateClass.READ or method == "GET":
            msg = "reading changes nothing: use get"
            raise ValueError(msg)
        waiting = self._patience.within if kind is RateClass.CANCEL else Duration(0)
        until = Duration(self._clock.elapsed() + waiting)
        answer = self._once(method, endpoint, kind, until, params, body, signed=True, items=items)
        return self._judge(answer, f"{method} {endpoint}")

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def _once(
        self,
        method: str,
        endpoint: str,
        kind: RateClass,
        until: Duration,
        params: Params,
        body: bytes | None,
        *,
        signed: bool,
        items: int = 1,
    ) -> Exchange:
        path = self._path(endpoint)
        self._spend(kind, items * self.costs.of(method, path), until)
        headers = self._sign(method, path) if signed else {}
        left = self._patience.attempt
        if kind is RateClass.READ:
            left = Duration(max(1, min(left, until - self._clock.elapsed())))
        answer = self._transport.exchange(
            method, endpoint, within=left, params=params, headers=headers, body=body
        )
        self.guard.observe(answer.sent, answer.received, server_time(answer.headers))
        if answer.status == _TOO_MANY:
            self._budgets.empty(kind)
        return answer

    def _path(self, endpoint: str) -> str:
        # What the venue calls things is part of addresses, and may be anything.
        path = self._transport.path(endpoint)
        if path is None or not path.endswith(endpoint) or "%" in path:
            msg = plain(f"not the address of anything: {endpoint!r}")
            raise NotSentError(msg)
        return path

    def _spend(self, kind: RateClass, cost: int, until: Duration) -> None:
        while not self._budgets.take(kind, cost):
            pause = self._budgets.wait_for(kind, cost)
            if self._clock.elapsed() + pause > until:
                msg = f"the rate budget for a {kind.value} is spent for {pause / SECOND:.2f} s"
                raise BudgetSpentError(msg)
            self._wait(pause)

    def _sign(self, method: str, path: str) -> dict[str, str]:
        if self._signer is None:
            msg = f"{method} {path} needs a key: none is configured"
            raise NotSentError(msg)
        self.guard.check()
        return self._signer.headers(method, path, self._clock.now() // 1_000)

    def _judge_read(self, answer: Exchange, what: str, accept: frozenset[int]) -> Answer:
        if answer.status in accept and answer.body and parse_problem(answer.body) is None:
            return Answer(answer.status, answer.body, answer.received)
        sound = self._judge(answer, what)
        if not sound.body:
            msg = f"{what}: status {answer.status} with nothing in it"
            raise OutcomeUnknownError(msg)
        return sound

    def _judge(self, answer: Exchange, what: str) -> Answer:
        """Tell success from a refusal, and both from what proves nothing."""
        problem = parse_problem(answer.body) if answer.body else None
        if answer.status in _OK and problem is None:
            return Answer(answer.status, answer.body, answer.received)
        refused = answer.status in _OK or answer.status in _CLIENT_ERRORS
        if problem is None or not refused:
            # A page of a proxy, or the venue in trouble after it may have acted.
            msg = f"{what}: status {answer.status} proves nothing"
            raise OutcomeUnknownError(msg, _retry_after(answer.headers))
        raise refusal(answer.status, problem, what, _retry_after(answer.headers))


def refusal(
    status: int, problem: Problem, what: str, retry_after: Duration | None = None
) -> KalshiError:
    """Return the error for what the venue said; a status of success does not soften it."""
    kind = _BY_STATUS.get(status, RefusedError)
    if problem.code == _DUPLICATE:
        kind = AlreadyExistsError
    elif kind is AlreadyExistsError:
        kind = RefusedError  # Another conflict says nothing about our order.
    text = ": ".join(filter(None, (problem.code, problem.message, problem.details)))
    message = f"{what}: the venue refused it ({status} {plain(text)})"
    if problem.code == EXPIRED:
        message += "; set this machine's clock (NTP)"
    error = kind(message, status=status, code=problem.code, details=problem.details)
    if isinstance(error, TooManyRequestsError):
        error.retry_after = retry_after
    return error


def _retry_after(headers: Mapping[str, str]) -> Duration | None:
    text = headers.get("retry-after", "")
    if text.isascii() and text.isdigit() and len(text) <= _WAIT_DIGITS:
        return Duration(int(text) * SECOND)
    return None
