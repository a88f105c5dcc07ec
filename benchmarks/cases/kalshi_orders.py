"""From a websocket frame to an order on the wire, and the signature that takes most of that.

The venue is a process of its own that notes when the first bytes arrive. Its peer signs with the
same key and writes a request that is ready to a socket that is open: nobody can be faster with
this kind of key. The sides take turns order by order.
"""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Final

import attrs
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from benchmarks.rows import AtMost, Row
from benchmarks.setting import Benchmark, Setting
from market_bot.adapters.kalshi.budgets import Budgets, RateLimit
from market_bot.adapters.kalshi.desk import KalshiDesk
from market_bot.adapters.kalshi.parse_markets import Listing
from market_bot.adapters.kalshi.rest import KalshiRest
from market_bot.adapters.kalshi.signing import Signer, message
from market_bot.adapters.kalshi.transport import Transport
from market_bot.adapters.kalshi.ws_books import FoldedBook
from market_bot.adapters.kalshi.ws_messages import Delta, parse_event
from market_bot.adapters.system.clock import SystemClock
from market_bot.core.domain.market import Leg, Market, MarketStatus
from market_bot.core.domain.numbers import (
    NO_MONEY,
    SECOND,
    Duration,
    Micros,
    Price,
    Probability,
    Size,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Draft, Intent, Signal
from market_bot.core.ports.execution import Accepted

_PATH: Final = "/trade-api/v2/portfolio/events/orders"
_WARM: Final = 5
_PADDING: Final = PSS(mgf=MGF1(hashes.SHA256()), salt_length=32)
_HEADERS_GOAL: Final = AtMost(1.05)
_WIRE_GOAL: Final = AtMost(1.3)
_TICKER: Final = "KXTEMP-26DEC01-B50.5"
_FRAME: Final = json.dumps(
    {
        "type": "orderbook_delta",
        "sid": 1,
        "seq": 2,
        "msg": {
            "market_ticker": _TICKER,
            "price_dollars": "0.4800",
            "delta_fp": "1.00",
            "side": "yes",
            "ts_ms": 1_796_126_400_000,
        },
    }
)
_BODY: Final = (
    b'{"ticker":"KXTEMP-26DEC01-B50.5","client_order_id":"mb-0123456789abcdef01234567",'
    b'"side":"bid","count":"1.00","price":"0.4800","time_in_force":"immediate_or_cancel",'
    b'"self_trade_prevention_type":"taker_at_cross","exchange_index":0,"reduce_only":false}'
)


def measure(setting: Setting) -> Iterator[Row]:
    """Yield the signature by kind of key, and the way to the wire."""
    rsa = generate_private_key(public_exponent=65537, key_size=2048)
    count = setting.pick(400, 100, 5) * setting.rounds
    yield _headers("RSA-PSS", rsa, lambda text: rsa.sign(text, _PADDING, hashes.SHA256()), count)
    fast = Ed25519PrivateKey.generate()
    yield _headers("Ed25519", fast, fast.sign, count, None)
    yield _wire("RSA", Signer("bench", rsa), rsa, count)


def _headers(
    kind: str,
    key: RSAPrivateKey | Ed25519PrivateKey,
    bare: Callable[[bytes], bytes],
    count: int,
    goal: AtMost | None = _HEADERS_GOAL,
) -> Row:
    signer, now = Signer("bench", key), 1_796_126_400_000
    ours: list[int] = []
    theirs: list[int] = []
    clock = time.perf_counter_ns
    for number in range(count + _WARM):
        text = message(now + number, "POST", _PATH)
        began = clock()
        bare(text)
        between = clock()
        signer.headers("POST", _PATH, now + number)
        ours.append(clock() - between)
        theirs.append(between - began)
    mine, other = median(ours[_WARM:]) / 1000, median(theirs[_WARM:]) / 1000
    return Row(
        measures=f"headers of a signed request: {kind}",
        ours=mine,
        peer_name=f"bare {kind}, text ready",
        peer=other,
        unit="us",
        ratio=mine / other,
        goal=goal,
        note=f"{count} of each, taking turns",
    )


@attrs.frozen(kw_only=True)
class _Ours:
    """The bot's way: decode, fold, say, sign, send."""

    desk: KalshiDesk
    book: FoldedBook
    now: Callable[[], Micros]

    def send(self, number: int) -> None:
        """Take a frame and answer it with an order."""
        frame = parse_event(_FRAME)
        assert isinstance(frame, Delta)
        _, at, _ = self.book.fold(frame.msg)
        now = self.now()
        outcome = self.desk.submit(_intent(f"mb-{number:024}", at, now), now)
        assert isinstance(outcome, Accepted)


def _wire(kind: str, signer: Signer, key: RSAPrivateKey, count: int) -> Row:
    sink = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.kalshi_sink"], stdout=subprocess.PIPE
    )
    assert sink.stdout is not None
    try:
        port = int(sink.stdout.readline())
        # The venue serves one connection after the other, so each side goes by itself in blocks.
        block = max(1, count // 10)
        mine: list[int] = []
        other: list[int] = []
        began: list[tuple[list[int], int]] = []
        for _ in range(10):
            began += [(other, at) for at in _raw_block(port, key, block)]
            began += [(mine, at) for at in _our_block(port, signer, block)]
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(b"GET / HTTP/1.1\r\n\r\n")
            arrived = json.loads(_all(line).partition(b"\r\n\r\n")[2])
    finally:
        sink.stdout.close()
        sink.kill()
        sink.wait()
    for (side, start), end in zip(began, arrived, strict=True):
        side.append(end - start)
    ours, theirs = median(mine) / 1000, median(other) / 1000
    return Row(
        measures=f"websocket frame to order bytes at the venue: {kind}",
        ours=ours,
        peer_name=f"{kind} signature + raw socket",
        peer=theirs,
        unit="us",
        ratio=ours / theirs,
        goal=_WIRE_GOAL,
        note=f"{len(mine)} of each, in turns of {block}; decoding and order included",
    )


def _our_block(port: int, signer: Signer, count: int) -> list[int]:
    clock = SystemClock()
    plenty = RateLimit(1_000_000, 1_000_000)
    transport = Transport(f"http://127.0.0.1:{port}/trade-api/v2", clock)
    rest = KalshiRest(
        transport,
        clock,
        lambda _: None,
        budgets=Budgets(clock, reads=plenty, writes=plenty),
        signer=signer,
    )
    listing = _listing()
    desk = KalshiDesk(rest, lambda _: listing)
    ours = _Ours(desk=desk, book=FoldedBook(whole=True), now=clock.now)
    began = []
    try:
        for number in range(count):
            began.append(time.perf_counter_ns())
            ours.send(number)
    finally:
        rest.close()
    return began


def _raw_block(port: int, key: RSAPrivateKey, count: int) -> list[int]:
    began = []
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(count):
            began.append(time.perf_counter_ns())
            text = f"{1_796_126_400_000 + number}POST{_PATH}".encode()
            signature = base64.b64encode(key.sign(text, _PADDING, hashes.SHA256()))
            line.sendall(
                b"POST " + _PATH.encode() + b" HTTP/1.1\r\nhost: x\r\nKALSHI-ACCESS-SIGNATURE: "
                b"" + signature + b"\r\ncontent-length: %d\r\n\r\n" % len(_BODY) + _BODY
            )
            line.recv(1 << 16)
    return began


def _all(line: socket.socket) -> bytes:
    parts = []
    while part := line.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


def _listing() -> Listing:
    market = Market(venue="kalshi", id=_TICKER, event="KXTEMP-26DEC01", family="KXTEMP")
    return Listing(
        market=market,
        status=MarketStatus.OPEN,
        status_word="active",
        exchange_index=0,
        hint=None,
        yes_payout=None,
        settled_at=None,
        expected_at=None,
        fee_free_until=None,
        closes_early=False,
        label="",
        floor=None,
        cap=None,
        strike_type="",
    )


def _intent(name: str, at: Price, now: Micros) -> Intent:
    signal = Signal(
        market=_TICKER,
        leg=Leg.YES,
        purpose=Purpose.ENTRY,
        style=Style.TAKER,
        price=at,
        belief=Probability(500_000),
        edge=Price(0),
        cost=Price(0),
        patience=Duration(60 * SECOND),
        reason="bench",
    )
    draft = Draft(
        strategy="bench",
        signal_id="s",
        signal=signal,
        event="KXTEMP-26DEC01",
        family="KXTEMP",
        size=Size(1_000_000),
        fee_bound=NO_MONEY,
    )
    return Intent(id=name, draft=draft, expires_at=Micros(now + signal.patience), reduce_only=False)


benchmark = Benchmark(
    name="kalshi_orders",
    summary="Signing a request for Kalshi, and the way from a frame to an order on the wire.",
    measure=measure,
)
