"""The client against a venue on loopback: real bytes, real signatures."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from market_bot.adapters.kalshi.budgets import RateClass
from market_bot.adapters.kalshi.errors import (
    AlreadyExistsError,
    ClockSkewError,
    KalshiError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RefusedError,
    UnauthorizedError,
)
from market_bot.adapters.kalshi.rest import KalshiRest, Patience
from market_bot.adapters.kalshi.signing import Signer
from tests.fakes.fake_kalshi import (
    BAD_GATEWAY,
    DROPPED,
    EMPTY,
    TOO_MANY,
    FakeKalshi,
    Fault,
    nested,
)
from tests.fakes.kalshi_client import WaitingClock, a_client, a_key
from tests.fakes.kalshi_records import a_market, as_json

KEY_ID = "id-of-nobody"
ORDERS = "/portfolio/events/orders"
BALANCE = "/portfolio/balance"


@pytest.fixture
def clock() -> WaitingClock:
    """Return the one clock of bot and venue."""
    return WaitingClock()


@pytest.fixture
def venue(clock: WaitingClock) -> Iterator[FakeKalshi]:
    """Return a venue that knows our key."""
    with FakeKalshi(clock.now_ms) as fake:
        fake.keys[KEY_ID] = a_key().public_key()
        yield fake


@pytest.fixture
def client(venue: FakeKalshi, clock: WaitingClock) -> Iterator[KalshiRest]:
    """Return a client with a key."""
    client = a_client(clock, url=venue.url, signer=Signer(KEY_ID, a_key()))
    yield client
    client.close()


def an_order(name: str) -> bytes:
    return as_json({"client_order_id": name, "count": "1.00", "price": "0.5000"})


def test_the_venue_accepts_an_ed25519_signature(client: KalshiRest) -> None:
    """A signed read passes."""
    assert b"12.3400" in client.get(BALANCE, signed=True).body


def test_the_venue_accepts_an_rsa_signature(venue: FakeKalshi, clock: WaitingClock) -> None:
    """A query is part of the request and not of the signature."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    venue.keys["rsa"] = key.public_key()
    client = a_client(clock, url=venue.url, signer=Signer("rsa", key))

    assert b"12.3400" in client.get(BALANCE, signed=True, params=[("exchange_index", "2")]).body
    assert [{"exchange_index": ["2"]}] == venue.asked(BALANCE)
    client.close()


def test_a_foreign_signature_is_refused(venue: FakeKalshi, client: KalshiRest) -> None:
    """The venue says which part is wrong, and it reaches the caller as a code."""
    venue.keys[KEY_ID] = generate_private_key(public_exponent=65537, key_size=2048).public_key()

    with pytest.raises(UnauthorizedError) as caught:
        client.get(BALANCE, signed=True)
    assert ("authentication_error", "INCORRECT_API_KEY_SIGNATURE") == (
        caught.value.code,
        caught.value.details,
    )


def test_an_expired_timestamp_and_then_nothing(
    venue: FakeKalshi, client: KalshiRest, clock: WaitingClock
) -> None:
    """The first answer shows that the clocks differ; after it nothing more is signed."""
    ours = clock.at
    venue.now_ms = lambda: ours // 1000 + 30_000

    with pytest.raises(UnauthorizedError, match="set this machine's clock"):
        client.get(BALANCE, signed=True)
    with pytest.raises(ClockSkewError, match="behind"):
        client.get(BALANCE, signed=True)
    assert 1 == len(venue.asked(BALANCE))


def test_a_cached_date_does_not_stop_us(venue: FakeKalshi, client: KalshiRest) -> None:
    """An old date with an age is a cache speaking."""
    venue.date = "Tue, 01 Dec 2026 11:59:00 GMT"
    venue.faults.append(Fault(status=200, body=b"{}", headers={"age": "60"}))
    client.get("/markets")
    venue.date = None

    assert client.get(BALANCE, signed=True).body


def test_an_order_lands_once(venue: FakeKalshi, client: KalshiRest) -> None:
    """A second order of the same name is refused for that very reason."""
    assert 201 == client.change("POST", ORDERS, body=an_order("a")).status
    with pytest.raises(AlreadyExistsError):
        client.change("POST", ORDERS, body=an_order("a"))
    assert ["a"] == list(venue.orders)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path=ORDERS, drop=True, acted=True),
        Fault(path=ORDERS, status=504, body=b"<html>", acted=True),
        Fault(path=ORDERS, status=500, body=b'{"error":{"code":"x","message":"y"}}', acted=True),
    ],
    ids=["dropped", "gateway", "internal"],
)
def test_an_order_that_landed_without_an_answer(
    venue: FakeKalshi, client: KalshiRest, fault: Fault
) -> None:
    """It is unknown, it was sent once, and the same name again proves that it landed."""
    venue.faults.append(fault)
    with pytest.raises(OutcomeUnknownError):
        client.change("POST", ORDERS, body=an_order("a"))
    assert 1 == len(venue.requests)

    with pytest.raises(AlreadyExistsError):
        client.change("POST", ORDERS, body=an_order("a"))
    assert 1 == len(venue.orders)


def test_a_flat_error(client: KalshiRest) -> None:
    """A number where a text belongs is answered in the second shape."""
    body = as_json({"client_order_id": "a", "count": 1, "price": "0.5000"})

    with pytest.raises(RefusedError, match="cannot unmarshal number") as caught:
        client.change("POST", ORDERS, body=body)
    assert "bad_request" == caught.value.code


def test_a_bare_error(client: KalshiRest) -> None:
    """A limit that is too large is answered in the third shape."""
    with pytest.raises(RefusedError) as caught:
        client.get("/markets", params=[("limit", "1001")])
    assert "invalid_parameter" == caught.value.code


def test_cancelling_everything_answers_nothing(venue: FakeKalshi, client: KalshiRest) -> None:
    """204 without a body is a success."""
    client.change("POST", ORDERS, body=an_order("a"))
    done = client.change("DELETE", ORDERS, kind=RateClass.CANCEL)

    assert (204, b"", {}) == (done.status, done.body, venue.orders)


def test_an_unknown_order(client: KalshiRest) -> None:
    """Not found is an answer of its own, which proves nothing about the order."""
    with pytest.raises(NotFoundError):
        client.change("DELETE", f"{ORDERS}/o-77", kind=RateClass.CANCEL)


def test_reads_survive_a_bad_moment(venue: FakeKalshi, client: KalshiRest) -> None:
    """An HTML page and a refusal for haste are waited out."""
    venue.faults.extend([BAD_GATEWAY, TOO_MANY])

    assert b"markets" in client.get("/markets").body
    assert 3 == len(venue.requests)


@pytest.mark.parametrize("fault", [DROPPED, EMPTY], ids=["dropped", "empty"])
def test_a_read_without_an_answer_is_tried_again(
    venue: FakeKalshi, client: KalshiRest, fault: Fault
) -> None:
    """Neither a closed connection nor an empty success is an answer."""
    venue.faults.append(fault)

    assert b"markets" in client.get("/markets").body


def test_a_closed_exchange_tells_its_status_with_503(venue: FakeKalshi, client: KalshiRest) -> None:
    """The same body with another code is an answer where the caller says so."""
    venue.exchange_code, venue.exchange = 503, {"exchange_active": False, "trading_active": False}

    assert 503 == client.get("/exchange/status", accept=frozenset({503})).status
    with pytest.raises(OutcomeUnknownError):
        client.get("/exchange/status")


def test_redirects_are_not_followed(venue: FakeKalshi, client: KalshiRest) -> None:
    """A key is never carried elsewhere."""
    venue.faults.extend(
        [Fault(status=302, headers={"location": f"{venue.url}{BALANCE}"}, body=b"")] * 3
    )

    with pytest.raises(OutcomeUnknownError, match="302"):
        client.get("/markets", signed=True)
    assert [] == venue.asked(BALANCE)


def test_nobody_there(clock: WaitingClock) -> None:
    """Where no connection can be made, nothing was sent."""
    with FakeKalshi(clock.now_ms) as venue:
        url = venue.url
    client = a_client(clock, url=url, signer=Signer(KEY_ID, a_key()), patience=Patience(attempts=1))

    with pytest.raises(NotSentError, match="no connection"):
        client.change("POST", ORDERS, body=an_order("a"))
    client.close()


def test_nothing_secret_in_any_error(venue: FakeKalshi, client: KalshiRest) -> None:
    """Id and signature are in no error, whatever the venue does."""
    faults = [DROPPED, BAD_GATEWAY, EMPTY, nested("not_found", status=404), TOO_MANY]
    venue.faults.extend(faults)
    venue.markets.append(a_market())
    errors: list[KalshiError] = []
    for _ in faults:
        try:
            client.change("POST", ORDERS, body=an_order("a"))
        except KalshiError as e:
            errors.append(e)

    assert 4 == len(errors)
    assert not [e for e in errors if KEY_ID in f"{e!r}{e.__cause__!r}{e.__context__!r}"]
