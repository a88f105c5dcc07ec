"""What a request proves, what is tried again, and what never appears in an error."""

import gzip
from collections.abc import Callable, Iterator

import httpx
import pytest
import zstandard

from market_bot.adapters.kalshi.budgets import Budgets, RateClass, RateLimit
from market_bot.adapters.kalshi.errors import (
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
)
from market_bot.adapters.kalshi.rest import Patience
from market_bot.adapters.kalshi.signing import Signer
from market_bot.adapters.kalshi.transport import Transport
from market_bot.core.domain.numbers import SECOND, Duration
from tests.fakes.kalshi_client import NOW, WaitingClock, a_client, a_key

KEY_ID = "id-of-nobody"
ORDERS = "/portfolio/events/orders"


class Script(httpx.MockTransport):
    """Answers with the next entry each time; an exception is raised."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = list(answers)
        super().__init__(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            if isinstance(answer, httpx.RequestError):
                answer.request = request
            raise answer
        return answer


def no(status: int, body: bytes = b"", **headers: str) -> httpx.Response:
    return httpx.Response(
        status, content=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def test_a_read_is_tried_again() -> None:
    """A broken connection and a 502 are waited out, twice as long the second time."""
    clock = WaitingClock()
    script = Script(httpx.ReadTimeout(""), no(502, b"<html>"), no(200, b"{}"))

    assert b"{}" == a_client(clock, backend=script).get("/markets").body
    assert [250_000, 500_000] == clock.waits


def test_a_read_is_given_up() -> None:
    """After the last attempt the error says what is known: nothing."""
    script = Script(*[no(503, b"busy") for _ in range(3)])

    with pytest.raises(OutcomeUnknownError, match="503 proves nothing"):
        a_client(WaitingClock(), backend=script).get("/markets")
    assert 3 == len(script.requests)


def test_the_venue_says_how_long_to_wait() -> None:
    """`Retry-After` is kept to, up to our own patience."""
    clock = WaitingClock()
    script = Script(
        no(429, b'{"error":"too many requests"}', retry_after="2"),
        no(503, b"", retry_after="900"),
        no(200, b"{}"),
    )
    a_client(clock, backend=script).get("/markets")

    assert [2 * SECOND, 4 * SECOND] == clock.waits


def test_a_refusal_is_not_tried_again() -> None:
    """What the venue has decided it will decide again."""
    script = Script(no(400, b'{"msg":"limit is too large"}'))

    with pytest.raises(RefusedError, match="limit is too large") as caught:
        a_client(WaitingClock(), backend=script).get("/markets")
    assert (400, "invalid_parameter") == (caught.value.status, caught.value.code)
    assert 1 == len(script.requests)


def test_all_attempts_share_one_deadline() -> None:
    """Waiting for the next attempt never goes beyond the deadline of the request."""
    clock = WaitingClock()
    script = Script(*[no(502) for _ in range(9)])
    patience = Patience(within=Duration(2 * SECOND), attempts=9)

    with pytest.raises(OutcomeUnknownError):
        a_client(clock, backend=script, patience=patience).get("/markets")
    assert clock.at <= NOW + 2 * SECOND


CHANGES: list[tuple[httpx.Response | Exception, type[KalshiError]]] = [
    (httpx.ConnectError(""), NotSentError),
    (httpx.ConnectTimeout(""), NotSentError),
    (httpx.ReadTimeout(""), OutcomeUnknownError),
    (httpx.WriteError(""), OutcomeUnknownError),
    (httpx.RemoteProtocolError(""), OutcomeUnknownError),
    (no(500, b'{"error":{"code":"internal","message":"m"}}'), OutcomeUnknownError),
    (no(502, b"<html>"), OutcomeUnknownError),
    (no(302, b"", location="https://elsewhere.example/"), OutcomeUnknownError),
    (no(403, b"<html>denied by a proxy"), OutcomeUnknownError),
    (no(404, b""), OutcomeUnknownError),
    (no(404, b'{"error":{"code":"not_found","message":"not found"}}'), NotFoundError),
    (no(409, b'{"error":{"code":"order_already_exists","message":"m"}}'), AlreadyExistsError),
    (no(409, b'{"error":{"code":"other_conflict","message":"m"}}'), RefusedError),
    (no(401, b'{"error":{"code":"authentication_error","message":"m"}}'), UnauthorizedError),
    (no(429, b'{"error":"too many requests"}'), TooManyRequestsError),
    (no(429, b'{"error":{"code":"too_many_requests","message":"m"}}'), TooManyRequestsError),
    (no(400, b'{"code":"bad_request","message":"m","details":"json: number"}'), RefusedError),
    (no(200, b'{"error":{"code":"invalid_order","message":"m"}}'), RefusedError),
]


@pytest.mark.parametrize(("answer", "expected"), CHANGES, ids=lambda value: str(value)[:60])
def test_a_change_is_sent_once_and_judged(
    answer: httpx.Response | Exception, expected: type[KalshiError]
) -> None:
    """Whatever comes back is one of: not sent, refused, or unknown; nothing is sent again."""
    script = Script(answer)
    client = a_client(WaitingClock(), backend=script, signer=Signer(KEY_ID, a_key()))

    with pytest.raises(KalshiError) as caught:
        client.change("POST", ORDERS, body=b"{}")
    assert expected is type(caught.value)
    assert 1 == len(script.requests)


def test_another_conflict_is_not_our_order() -> None:
    """A 409 with another code does not say that an order landed."""
    script = Script(no(409, b'{"error":{"code":"other","message":"m"}}'))
    client = a_client(WaitingClock(), backend=script, signer=Signer(KEY_ID, a_key()))

    with pytest.raises(RefusedError) as caught:
        client.change("POST", ORDERS, body=b"{}")
    assert not isinstance(caught.value, AlreadyExistsError)


def test_an_empty_answer_to_a_change_is_an_answer() -> None:
    """Cancelling everything answers 204 and nothing; a read that is empty is none."""
    signer = Signer(KEY_ID, a_key())
    client = a_client(WaitingClock(), backend=Script(no(204), *[no(200)] * 3), signer=signer)

    assert (204, b"") == (
        (done := client.change("DELETE", ORDERS, kind=RateClass.CANCEL)).status,
        done.body,
    )
    with pytest.raises(OutcomeUnknownError, match="nothing in it"):
        client.get("/markets")


def test_every_attempt_is_signed_anew() -> None:
    """A second attempt carries a later timestamp and another signature."""
    clock = WaitingClock()
    script = Script(no(502), no(200, b"{}"))
    client = a_client(clock, backend=script, signer=Signer(KEY_ID, a_key()))
    client.get("/portfolio/balance", signed=True)
    stamps = [int(one.headers["KALSHI-ACCESS-TIMESTAMP"]) for one in script.requests]

    assert [NOW // 1000, NOW // 1000 + 250] == stamps
    assert (
        script.requests[0].headers["kalshi-access-signature"]
        != (script.requests[1].headers["kalshi-access-signature"])
    )


def test_public_data_is_not_signed() -> None:
    """Who asks for what everybody may know does not say who he is."""
    script = Script(no(200, b"{}"))
    a_client(WaitingClock(), backend=script, signer=Signer(KEY_ID, a_key())).get("/markets")

    assert not [name for name in script.requests[0].headers if name.startswith("kalshi")]


def test_without_a_key_nothing_is_sent() -> None:
    """What needs a signature is refused here."""
    script = Script()

    with pytest.raises(NotSentError, match="needs a key"):
        a_client(WaitingClock(), backend=script).change("POST", ORDERS, body=b"{}")
    assert [] == script.requests


def test_a_wrong_clock_sends_nothing_signed() -> None:
    """Once an answer has shown that the clock is wrong, only unsigned requests go out."""
    script = Script(no(200, b"{}", date="Tue, 01 Dec 2026 11:59:00 GMT"), no(200, b"{}"))
    client = a_client(WaitingClock(), backend=script, signer=Signer(KEY_ID, a_key()))
    client.get("/exchange/status")

    with pytest.raises(ClockSkewError, match=r"59\.0 s ahead"):
        client.change("POST", ORDERS, body=b"{}")
    client.get("/exchange/status")
    assert 2 == len(script.requests)


def test_an_order_without_budget_is_not_sent() -> None:
    """An order does not wait for tokens: its prices would grow old."""
    clock = WaitingClock()
    budgets = Budgets(clock, writes=RateLimit(10, 20))
    script = Script(no(201, b"{}"))
    client = a_client(clock, backend=script, signer=Signer(KEY_ID, a_key()), budgets=budgets)
    client.change("POST", ORDERS, body=b"{}")

    with pytest.raises(BudgetSpentError):
        client.change("POST", ORDERS, body=b"{}")
    assert [] == clock.waits


def test_a_cancel_waits_for_its_budget() -> None:
    """A cancel is worth waiting for, within its deadline."""
    clock = WaitingClock()
    budgets = Budgets(clock, writes=RateLimit(50, 50), cancel_percent=20)
    client = a_client(
        clock, backend=Script(*[no(204)] * 5), signer=Signer(KEY_ID, a_key()), budgets=budgets
    )
    for _ in range(5):
        client.change("DELETE", ORDERS, kind=RateClass.CANCEL)
    with pytest.raises(IndexError):  # The script is at its end, so it was sent after the wait.
        client.change("DELETE", ORDERS, kind=RateClass.CANCEL)

    assert [250_000] == clock.waits


def test_a_429_empties_the_bucket() -> None:
    """After the venue's own limit was hit, the next request waits for fresh tokens."""
    clock = WaitingClock()
    budgets = Budgets(clock, reads=RateLimit(30, 30))
    script = Script(no(429, b'{"error":"too many requests"}'), no(200, b"{}"))
    a_client(clock, backend=script, budgets=budgets).get("/markets")

    assert [250_000, 83_334] == clock.waits


def test_an_answer_is_cut_off_at_its_limit() -> None:
    """An answer without an end does not fill the memory."""
    script = Script(no(200, b"x" * 2000))

    with pytest.raises(OutcomeUnknownError, match="longer than 1000 bytes"):
        a_client(
            WaitingClock(), backend=script, response_max=1000, patience=Patience(attempts=1)
        ).get("/markets")


@pytest.mark.parametrize(
    ("packed", "body"),
    [
        ("gzip, gzip", gzip.compress(gzip.compress(b"0" * 10**6))),
        ("zstd", zstandard.compress(b"0" * 10**6)),
        ("br", b"anything"),
    ],
    ids=["gzip twice", "zstd", "br"],
)
def test_an_answer_that_is_packed_as_nobody_asked_is_not_unpacked(packed: str, body: bytes) -> None:
    """A few bytes of it could fill the memory before anybody counts them."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert "gzip" == request.headers["accept-encoding"]
        stream = httpx.ByteStream(body)
        return httpx.Response(200, headers={"content-encoding": packed}, stream=stream)

    client = a_client(
        WaitingClock(), backend=httpx.MockTransport(answer), patience=Patience(attempts=1)
    )
    with pytest.raises(OutcomeUnknownError, match="packed as"):
        client.get("/markets")


def test_a_packed_answer_is_cut_off_at_its_limit_too() -> None:
    """What counts is how long it is unpacked."""
    body = gzip.compress(b"0" * 10**6)

    def answer(_: httpx.Request) -> httpx.Response:
        stream = httpx.ByteStream(body)
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=stream)

    with pytest.raises(OutcomeUnknownError, match="longer than 100000 bytes"):
        a_client(
            WaitingClock(),
            backend=httpx.MockTransport(answer),
            response_max=100_000,
            patience=Patience(attempts=1),
        ).get("/markets")


class Dribble(httpx.SyncByteStream):
    """Sends a little every two seconds, for ever."""

    def __init__(self, clock: WaitingClock) -> None:
        self._clock = clock

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self._clock.pass_by(2 * SECOND)
            yield b"x"


def test_an_answer_in_small_pieces_has_a_deadline() -> None:
    """A server that never stops sending is left after the deadline of the attempt."""
    clock = WaitingClock()
    script = Script(httpx.Response(200, stream=Dribble(clock)))

    with pytest.raises(OutcomeUnknownError, match="did not end in time"):
        a_client(clock, backend=script, patience=Patience(attempts=1)).get("/markets")


def secrets_in(error: BaseException | None, seen: Callable[[object], None]) -> None:
    """Walk an exception with everything that hangs on it."""
    while error is not None:
        seen(error)
        for value in (*error.args, *vars(error).values()):
            seen(value)
        request = getattr(error, "_request", None)
        assert request is None, "a request with its headers hangs on the error"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(("answer", "_"), CHANGES, ids=lambda value: str(value)[:60])
def test_no_error_holds_a_secret(answer: httpx.Response | Exception, _: type[KalshiError]) -> None:
    """Neither key id nor signature, nor the request they are in, hang on any error."""
    script = Script(answer)
    client = a_client(WaitingClock(), backend=script, signer=Signer(KEY_ID, a_key()))
    with pytest.raises(KalshiError) as caught:
        client.change("POST", ORDERS, body=b"{}")
    signature = script.requests[0].headers["kalshi-access-signature"]
    texts: list[str] = []
    secrets_in(caught.value, lambda value: texts.append(f"{value}{value!r}"))

    assert not [text for text in texts if KEY_ID in text or signature in text]
    assert all("\n" not in str(value) for value in texts)


def test_text_from_the_venue_is_made_plain() -> None:
    """Control characters and long texts in an error body do not reach the terminal."""
    body = b'{"error":{"code":"c","message":"\\u001b[31mred\\n' + b"x" * 5000 + b'"}}'

    with pytest.raises(RefusedError) as caught:
        a_client(WaitingClock(), backend=Script(no(400, body))).get("/markets")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "host/trade-api/v2", "https://user:word@host/x", "https://host/x?a=1"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """A base address has a scheme, a host, and nothing secret or variable in it."""
    with pytest.raises(ValueError, match="not the address"):
        Transport(url, WaitingClock())
