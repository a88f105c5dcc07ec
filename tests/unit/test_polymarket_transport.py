"""Bytes from outside: packed answers are opened with care, and signatures are never shown."""

from __future__ import annotations

import gzip
import zlib

import httpx
import pytest

from market_bot.adapters.polymarket.amounts import OrderSide
from market_bot.adapters.polymarket.orders import judge_batch
from market_bot.adapters.polymarket.problems import Unreadable, plain, venue_problem
from market_bot.adapters.polymarket.transport import HttpTransport, Request
from market_bot.core.domain.numbers import SECOND, Duration
from market_bot.core.ports.execution import Unknown
from tests.fakes.fake_polymarket_clock import SteppingClock

WAIT = Duration(5 * SECOND)
LIMIT = 100_000
SIGNATURE = "ab" * 65
DEPOSIT = "cd" * 317
ORDER = "0x" + "12" * 32
TOKEN = "9" * 78


def asked(body: bytes, packed: str) -> bytes:
    """Return what a transport makes of an answer that is packed so."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert "gzip" == request.headers["accept-encoding"]
        headers = {"content-encoding": packed} if packed else {}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(body))

    wire = httpx.MockTransport(answer)
    transport = HttpTransport(SteppingClock(), body_max=LIMIT, wire=wire)
    try:
        request = Request(method="GET", base="https://example.com", path="/x")
        return transport.send(request, WAIT).body
    finally:
        transport.close()


def test_what_was_asked_for_is_opened() -> None:
    """Plain, or packed once as we said we can read it."""
    assert b"[]" == asked(b"[]", "") == asked(b"[]", "identity")
    assert b"[]" == asked(gzip.compress(b"[]"), "gzip")


@pytest.mark.parametrize(
    ("packed", "body"),
    [
        ("gzip, gzip", gzip.compress(gzip.compress(b"0" * 10**6))),
        ("deflate", zlib.compress(b"0" * 10**6)),
        ("br", b"x"),
        ("zstd", b"x"),
    ],
)
def test_what_was_not_asked_for_is_not_opened(packed: str, body: bytes) -> None:
    """Packed twice, a few bytes could fill the memory before anybody counts them."""
    with pytest.raises(Unreadable, match="packed as"):
        asked(body, packed)


def test_a_packed_answer_ends_at_its_limit() -> None:
    """What counts is how long it is once it is opened."""
    with pytest.raises(Unreadable, match="more than 100000 bytes"):
        asked(gzip.compress(b"0" * 10**6), "gzip")


@pytest.mark.parametrize("signed", [SIGNATURE, "0x" + SIGNATURE, "0x" + DEPOSIT])
def test_a_signature_that_the_venue_repeats_is_not_shown(signed: str) -> None:
    """Whoever has the order and its signature can send it; ids and tokens are still told."""
    body = f'{{"error":"invalid order {ORDER} {TOKEN} {signed} of yours"}}'.encode()
    problem = venue_problem(500, {}, body)
    leg = f'[{{"success":true,"errorMsg":"strange: {signed}","orderID":""}}]'.encode()
    (judged,) = judge_batch(leg, [(ORDER, OrderSide.BUY)])

    assert ORDER in str(problem)
    assert TOKEN in problem.text
    assert isinstance(judged, Unknown)
    for text in (str(problem), judged.reason, plain(signed)):
        assert signed[-60:] not in text
        assert signed[:60] not in text
