"""Bugs for the lower half of Polymarket: orders, logins, parsers, the client, polled data."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_ADAPTER: Final = "src/market_bot/adapters/polymarket"
_ORDERS: Final = ("tests/property/test_polymarket_orders.py",)
_SIGNING: Final = ("tests/unit/test_polymarket_signing.py",)
_GAMMA: Final = ("tests/unit/test_polymarket_gamma.py",)
_CLOB: Final = ("tests/unit/test_polymarket_clob.py",)
_PROBLEMS: Final = ("tests/unit/test_polymarket_problems.py",)
_LOOPBACK: Final = ("tests/integration/test_polymarket_loopback.py",)
_POLLED: Final = ("tests/unit/test_polymarket_polled.py",)


def _bug(name: str, file: str, old: str, new: str, tests: tuple[str, ...]) -> Mutation:
    return Mutation(name=name, file=f"{_ADAPTER}/{file}", old=old, new=new, tests=tests)


MUTATIONS: Final = (
    _bug(
        "an order is rounded up",
        "amounts.py",
        "    shares = size - size % _SHARES_STEP\n",
        "    shares = size + -size % _SHARES_STEP\n",
        _ORDERS,
    ),
    _bug(
        "a buy that trades at once asks for less than its limit",
        "amounts.py",
        "        taken = given * _UNIT // price\n        taken -= taken % step",
        "        taken = given * _UNIT // price\n        taken += -taken % step",
        _ORDERS,
    ),
    _bug(
        "an order that trades at once may slip by a tick",
        "amounts.py",
        "    if given and not kept:",
        "    if False and not kept:",
        _ORDERS,
    ),
    _bug(
        "the salt does not fit a double",
        "order_signing.py",
        "    return drawn & SALT_MAX or 1",
        "    return drawn",
        _SIGNING,
    ),
    _bug(
        "a deposit wallet's order gets the id of its wrapping",
        "order_signing.py",
        '            id="0x" + order_digest.hex(),',
        '            id="0x" + wrapped_digest(separator, struct_hash, self._tail).hex(),',
        _SIGNING,
    ),
    _bug(
        "the third exchange signs under the second domain",
        "contracts.py",
        '"0xe3333700cA9d93003F00f0F71f8515005F6c00Aa", "3")',
        '"0xe3333700cA9d93003F00f0F71f8515005F6c00Aa", "2")',
        _SIGNING,
    ),
    _bug(
        "the slow signer is taken without asking",
        "signer.py",
        "    if not allow_slow:",
        "    if False:",
        _SIGNING,
    ),
    _bug(
        "a signer shows its key",
        "signer.py",
        '        return f"{type(self).__name__}(0x{self._address.hex()})"',
        "        return repr(getattr(self, '_sign').__self__.secret.hex())",
        _SIGNING,
    ),
    _bug(
        "a signature stands in the text of an order",
        "order_signing.py",
        "    signature: str = attrs.field(repr=False)",
        "    signature: str = attrs.field()",
        _SIGNING,
    ),
    _bug(
        "the body is left out of a request's signature",
        "auth.py",
        'f"{timestamp_s}{method}{path}".encode() + body',
        'f"{timestamp_s}{method}{path}".encode()',
        _LOOPBACK,
    ),
    _bug(
        "an augmented group promises to be complete",
        "gamma.py",
        "        and event.neg_risk_augmented is False\n",
        "",
        _GAMMA,
    ),
    _bug(
        "a group is complete although one of its markets is not for sale",
        "gamma.py",
        "one.status is MarketStatus.OPEN or one.yes_payout == 0",
        "True",
        _GAMMA,
    ),
    _bug(
        "a group is complete although a market of it was refused",
        "gamma.py",
        "        and len(listings) == len(found)\n",
        "",
        _GAMMA,
    ),
    _bug(
        "placeholders are traded",
        "gamma.py",
        "    if event.neg_risk_augmented and (catch_all or _is_placeholder(record)):",
        "    if False and (catch_all or _is_placeholder(record)):",
        _GAMMA,
    ),
    _bug(
        "a proposed end is paid out",
        "gamma.py",
        "    return Price(payout) if decided and payout is not None else None",
        "    return Price(payout) if payout is not None else None",
        _GAMMA,
    ),
    _bug(
        "the ids of the first protocol win although the market is of the second",
        "gamma.py",
        "    raw = record.position_ids if version == _V2 else record.clob_token_ids",
        "    raw = record.clob_token_ids",
        _GAMMA,
    ),
    _bug(
        "an unfinished resolution pays",
        "data_api.py",
        "        payout = _paid(record.payouts) if status == _RESOLVED else None",
        "        payout = _paid(record.payouts)",
        _CLOB,
    ),
    _bug(
        "both tokens see the same side of the book",
        "clob.py",
        "            bids={complement(price): size for price, size in self.asks.items()},",
        "            bids={complement(price): size for price, size in self.bids.items()},",
        ("tests/property/test_polymarket_parsers.py", *_CLOB),
    ),
    _bug(
        "an error page proves that an order does not exist",
        "problems.py",
        "        Kind.HALTED,\n    }\n)",
        "        Kind.HALTED,\n        Kind.UNKNOWN,\n    }\n)",
        (*_PROBLEMS, *_LOOPBACK),
    ),
    _bug(
        "an unlisted refusal proves that an order does not exist",
        "problems.py",
        "    400: Kind.REFUSED,",
        "    400: Kind.INVALID,",
        _PROBLEMS,
    ),
    _bug(
        "words in an error page are taken for the venue's",
        "problems.py",
        "in _WORDS if readable else ():",
        "in _WORDS:",
        _PROBLEMS,
    ),
    _bug(
        "an order is sent again after no answer",
        "rest.py",
        '        tries = self._patience.tries if method == "GET" else 1',
        "        tries = self._patience.tries",
        _LOOPBACK,
    ),
    _bug(
        "the venue's error repeats our secrets",
        "problems.py",
        '        words = words.replace(secret, "***")',
        "        pass",
        (*_LOOPBACK, "tests/property/test_polymarket_parsers.py"),
    ),
    _bug(
        "redirects are followed",
        "transport.py",
        "            follow_redirects=False,",
        "            follow_redirects=True,",
        _LOOPBACK,
    ),
    _bug(
        "an endless answer is read",
        "transport.py",
        "            if size > self._body_max:",
        "            if False:",
        _LOOPBACK,
    ),
    _bug(
        "cancels wait behind our own limit",
        "rest.py",
        "        if budget is Budget.CANCELS:",
        "        if False:",
        _LOOPBACK,
    ),
    _bug(
        "a short page ends the walk",
        "discovery.py",
        "        if not cursor:\n            self.over = True",
        "        if not cursor or page.records < 100:\n            self.over = True",
        _LOOPBACK,
    ),
    _bug(
        "an event is cut by the limit",
        "discovery.py",
        "            self._whole = False\n            return\n",
        "            self._whole = False\n",
        _LOOPBACK,
    ),
    _bug(
        "a failed poll leaves the old book standing",
        "polled.py",
        '                    self._lose(known, f"asking for books failed: {e}", received)',
        "                    pass",
        _POLLED,
    ),
    _bug(
        "a crossed book is told",
        "polled.py",
        "        elif book.crossed:",
        "        elif False:",
        _POLLED,
    ),
    _bug(
        "a stale cache overwrites a newer book",
        "polled.py",
        "        elif book.at is not None and book.at < known.book_at:",
        "        elif False:",
        _POLLED,
    ),
    _bug(
        "facts are told before they were there",
        "polled.py",
        "        while queue and queue[0][0] <= until:",
        "        while queue:",
        _POLLED,
    ),
    _bug(
        "prints are claimed and never asked for",
        "polled.py",
        "        if self._pace.trades is not None:\n            claimed",
        "        if True:\n            claimed",
        _POLLED,
    ),
    _bug(
        "trades of NO are told as trades of YES",
        "polled.py",
        "            taker, price = taker.other, complement_of(price)",
        "            pass",
        _POLLED,
    ),
)
