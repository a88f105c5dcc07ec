"""Bugs for the tests of what attacked Polymarket: wallets, logins, packed answers, restarts."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_ACCOUNT: Final = "src/market_bot/adapters/polymarket/account.py"
_DESK: Final = "src/market_bot/adapters/polymarket/desk.py"
_EIP712: Final = "src/market_bot/adapters/polymarket/eip712.py"
_HISTORY: Final = "src/market_bot/adapters/polymarket/ghost_history.py"
_LIVE: Final = "src/market_bot/bootstrap/polymarket_live.py"
_LOGIN: Final = "src/market_bot/bootstrap/polymarket_login.py"
_ORDERS: Final = "src/market_bot/adapters/polymarket/orders.py"
_PREFLIGHT: Final = "src/market_bot/adapters/polymarket/preflight.py"
_PROBLEMS: Final = "src/market_bot/adapters/polymarket/problems.py"
_REST: Final = "src/market_bot/adapters/polymarket/rest.py"
_SIGNING: Final = "src/market_bot/adapters/polymarket/order_signing.py"
_OWN: Final = "src/market_bot/adapters/polymarket/parse_own.py"
_WIRE: Final = "src/market_bot/adapters/polymarket/wire.py"
_TRANSPORT: Final = "src/market_bot/adapters/polymarket/transport.py"

_AT_DESK: Final = ("tests/integration/test_polymarket_desk.py",)
_AT_ACCOUNT: Final = ("tests/integration/test_polymarket_account.py",)
_LOGINS: Final = ("tests/unit/test_polymarket_login.py",)
_PAST: Final = ("tests/unit/test_polymarket_ghost_history.py",)
_BYTES: Final = ("tests/unit/test_polymarket_transport.py",)

MUTATIONS: Final = (
    Mutation(
        name="a deposit wallet's owner signs the plain order",
        file=_SIGNING,
        old="            own = self._sign(wrapped_digest(separator, struct_hash, self._tail))\n",
        new="            own = self._sign(order_digest)\n",
        tests=_AT_DESK,
    ),
    Mutation(
        name="a deposit wallet's signature does not say what it was made over",
        file=_EIP712,
        old="    return signature + separator + struct_hash + _ORDER_TYPE_TAIL\n",
        new="    return signature + struct_hash + separator + _ORDER_TYPE_TAIL\n",
        tests=_AT_DESK,
    ),
    Mutation(
        name="the key signs for a deposit wallet in its own name",
        file=_SIGNING,
        old="        signing = maker if wrapped else own\n",
        new="        signing = own\n",
        tests=_AT_DESK,
    ),
    Mutation(
        name="position ids are asked for as if they were the old tokens",
        file=_DESK,
        old="            kind = asset_kind(token)\n",
        new='            kind = "CONDITIONAL"\n',
        tests=_AT_DESK,
    ),
    Mutation(
        name="an answer in other units keeps an order open",
        file=_DESK,
        old="        if told is None or told <= order.size:\n",
        new="        if told is None or told:\n",
        tests=_AT_DESK,
    ),
    Mutation(
        name="a purchase of less than a dollar is sent all the same",
        file=_ORDERS,
        old="whole.amounts.maker < LEAST_GIVEN:\n",
        new="whole.amounts.maker < 1:\n",
        tests=_AT_DESK,
    ),
    Mutation(
        name="signed bytes of an order that was given up are kept",
        file=_DESK,
        old="                self._finish(order)\n\n    def _send_again",
        new="                self._pass(order)\n\n    def _send_again",
        tests=_AT_DESK,
    ),
    Mutation(
        name="what else is held is not looked for",
        file=_ACCOUNT,
        old="        self._elsewhere(tokens)\n",
        new="",
        tests=_AT_ACCOUNT,
    ),
    Mutation(
        name="that nobody knows what else is held is passed over",
        file=_ACCOUNT,
        old="            elif not before:\n",
        new="            elif before:\n",
        tests=_AT_ACCOUNT,
    ),
    Mutation(
        name="only the first page of what is held is read",
        file=_ACCOUNT,
        old="                if not cursor:\n                    return tuple(found)\n",
        new="                return tuple(found)\n",
        tests=_AT_ACCOUNT,
    ),
    Mutation(
        name="a name that leaves its place in a request breaks the look",
        file=_PROBLEMS,
        old="class Unsayable(Unreachable, ValueError):\n",
        new="class Unsayable(ValueError):\n",
        tests=_AT_ACCOUNT,
    ),
    Mutation(
        name="a clock that runs ahead is good enough",
        file=_PREFLIGHT,
        old="    skew = max(ahead, behind)\n",
        new="    skew = behind\n",
        tests=_AT_ACCOUNT,
    ),
    Mutation(
        name="without credentials an order is signed and kept",
        file=_DESK,
        old="        try:\n            owner = self.owner()\n        except PolymarketError as e:\n"
        "            return Rejected(NOT_SENT, str(e))\n",
        new='        owner = "0b5e3f00"\n',
        tests=_LOGINS,
    ),
    Mutation(
        name="a request without credentials is not sent, but counted",
        file=_REST,
        old='        if signed:\n            self._logged_in(f"{method} {path}")\n',
        new="",
        tests=_LOGINS,
    ),
    Mutation(
        name="a venue that says no to the key is asked for ever",
        file=_LOGIN,
        old="    return isinstance(error, VenueProblem) and error.kind in _LASTING\n",
        new="    return False\n",
        tests=_LOGINS,
    ),
    Mutation(
        name="a venue that does not answer ends the start",
        file=_LIVE,
        old="        if not patient or is_lasting(e):\n",
        new="        if True:\n",
        tests=(
            "tests/integration/test_polymarket_live.py::test_a_venue_that_gives_no_credentials_yet",
        ),
    ),
    Mutation(
        name="a restart forgives a family whose trades failed",
        file=_DESK,
        old="            self.guard.note(end.family, end.at, failed=end.failed)\n",
        new="            self.guard.note(end.family, end.at, failed=False)\n",
        tests=_PAST,
    ),
    Mutation(
        name="a new process does not ask how trades ended",
        file=_LIVE,
        old="    desk.remember(ends_of_trades(ground.past(since)))\n",
        new="",
        tests=(
            "tests/integration/test_polymarket_live.py::test_a_restart_forgives_no_failed_trades",
        ),
    ),
    Mutation(
        name="a trade that was undone twice counts twice",
        file=_HISTORY,
        old="                yield Ended(open_ones.pop(name), entry.at, failed=True)\n",
        new="                yield Ended(open_ones[name], entry.at, failed=True)\n",
        tests=_PAST,
    ),
    Mutation(
        name="a size may have any number of digits",
        file=_WIRE,
        old="    if not 0 <= value <= SIZE_MAX:\n",
        new="    if value < 0:\n",
        tests=("tests/unit/test_polymarket_stream.py",),
    ),
    Mutation(
        name="a trade of ours may have any name",
        file=_OWN,
        old="    if not all(0 < len(name) <= _ID_MAX and name.isprintable() for name in names):\n",
        new="    if not all(names):\n",
        tests=_AT_ACCOUNT,
    ),
    Mutation(
        name="an answer that is packed twice is opened",
        file=_TRANSPORT,
        old="        if packed not in _PACKED:\n",
        new="        if False:\n",
        tests=_BYTES,
    ),
    Mutation(
        name="a signature that the venue repeats is shown",
        file=_PROBLEMS,
        old='    line = _SIGNATURE.sub("***", " ".join(text[: 4 * TEXT_MAX].split()))\n',
        new='    line = " ".join(text[: 4 * TEXT_MAX].split())\n',
        tests=_BYTES,
    ),
)
