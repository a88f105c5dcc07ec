"""Bugs for the tests of Kalshi's adapter to find."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_HERE: Final = "src/market_bot/adapters/kalshi"
_SIGNING: Final = f"{_HERE}/signing.py"
_REST: Final = f"{_HERE}/rest.py"
_TRANSPORT: Final = f"{_HERE}/transport.py"
_BUDGETS: Final = f"{_HERE}/budgets.py"
_MARKETS: Final = f"{_HERE}/parse_markets.py"
_BOOKS: Final = f"{_HERE}/parse_books.py"
_PAGING: Final = f"{_HERE}/paging.py"
_LADDERS: Final = f"{_HERE}/ladders.py"
_FEES: Final = f"{_HERE}/fee_terms.py"
_POLLED: Final = f"{_HERE}/polled.py"

_OF_SIGNING: Final = ("tests/unit/test_kalshi_signing.py",)
_OF_REST: Final = ("tests/unit/test_kalshi_rest.py",)
_OF_BUDGETS: Final = ("tests/unit/test_kalshi_budgets.py",)
_OF_PARSING: Final = ("tests/unit/test_kalshi_parsing.py",)
_OF_PAGING: Final = ("tests/unit/test_kalshi_paging.py",)
_OF_POLLED: Final = ("tests/integration/test_kalshi_polled.py",)

MUTATIONS: Final = (
    Mutation(
        name="a key that others can read is taken",
        file=_SIGNING,
        old="    if stat.S_IMODE(status.st_mode) & _OTHERS:",
        new="    if False:",
        tests=_OF_SIGNING,
    ),
    Mutation(
        name="the query is signed",
        file=_SIGNING,
        old='    bare = path.partition("?")[0]\n',
        new="    bare = path\n",
        tests=_OF_SIGNING,
    ),
    Mutation(
        name="what proves nothing is a refusal",
        file=_REST,
        old="        if problem is None or not refused:\n",
        new="        if problem is None:\n",
        tests=_OF_REST,
    ),
    Mutation(
        name="an error under a status of success is a success",
        file=_REST,
        old="        if answer.status in _OK and problem is None:\n",
        new="        if answer.status in _OK:\n",
        tests=_OF_REST,
    ),
    Mutation(
        name="any conflict means that the order landed",
        file=_REST,
        old="        kind = RefusedError  # Another conflict says nothing about our order.\n",
        new="        pass\n",
        tests=_OF_REST,
    ),
    Mutation(
        name="a wrong clock signs",
        file=_REST,
        old="        self.guard.check()\n",
        new="",
        tests=_OF_REST,
    ),
    Mutation(
        name="a broken answer counts as not sent",
        file=_TRANSPORT,
        old="_NOT_SENT: Final = (httpx.ConnectError,",
        new="_NOT_SENT: Final = (httpx.HTTPError, httpx.ConnectError,",
        tests=_OF_REST,
    ),
    Mutation(
        name="an endless answer is read",
        file=_TRANSPORT,
        old="            if self._clock.elapsed() > until:\n",
        new="            if length > 50:\n                break\n            if False:\n",
        tests=_OF_REST,
    ),
    Mutation(
        name="orders spend what cancels need",
        file=_BUDGETS,
        old="        self._writes = Bucket(_share(writes, 100 - cancel_percent), clock)\n"
        "        self._cancels = Bucket(_share(writes, cancel_percent), clock)\n",
        new="        self._writes = self._cancels = Bucket(writes, clock)\n",
        tests=_OF_BUDGETS,
    ),
    Mutation(
        name="a missing price is zero",
        file=_MARKETS,
        old="    yes_bid_size_fp: str\n",
        new='    yes_bid_size_fp: str = "0.00"\n',
        tests=_OF_PARSING,
    ),
    Mutation(
        name="an unknown status is active",
        file=_MARKETS,
        old="    status = STATUSES.get(record.status)\n",
        new="    status = STATUSES.get(record.status, MarketStatus.OPEN)\n",
        tests=_OF_PARSING,
    ),
    Mutation(
        name="quotes of a market that has not begun are believed",
        file=_MARKETS,
        old="    if status is not MarketStatus.OPEN:\n        return None\n",
        new="",
        tests=_OF_PARSING,
    ),
    Mutation(
        name="combos are traded",
        file=_MARKETS,
        old="    if record.mve_collection_ticker or record.mve_selected_legs:\n",
        new="    if False:\n",
        tests=_OF_PARSING,
    ),
    Mutation(
        name="a grid may have holes",
        file=_MARKETS,
        old="        if start != border or",
        new="        if",
        tests=_OF_PARSING,
    ),
    Mutation(
        name="two levels at one price are one",
        file=_BOOKS,
        old="    if len({at for at, _ in levels}) != len(levels):\n",
        new="    if False:\n",
        tests=_OF_PARSING,
    ),
    Mutation(
        name="a cursor is followed in a circle",
        file=_PAGING,
        old="        if following in cursors:\n",
        new="        if False:\n",
        tests=_OF_PAGING,
    ),
    Mutation(
        name="a ladder with a hole covers everything",
        file=_LADDERS,
        old="    return first_there <= first_missing\n",
        new="    return first_there <= first_missing + step\n",
        tests=_OF_PARSING,
    ),
    Mutation(
        name="makers pay nothing where nobody knows",
        file=_FEES,
        old="MAKER_SHARES.get(self.kind, _ALL)",
        new="MAKER_SHARES.get(self.kind, Decimal(0))",
        tests=_OF_PARSING,
    ),
    Mutation(
        name="books that could not be read stay",
        file=_POLLED,
        old='                self._lose(known, "books could not be read")\n',
        new="                pass\n",
        tests=_OF_POLLED,
    ),
    Mutation(
        name="a market trades on after its end",
        file=_POLLED,
        old="        if close is not None and self._clock.now() >= close:\n",
        new="        if False:\n",
        tests=_OF_POLLED,
    ),
    Mutation(
        name="trades are told again",
        file=_POLLED,
        old=" and one.id not in known.ids",
        new="",
        tests=_OF_POLLED,
    ),
    Mutation(
        name="an exchange that does not tell is open",
        file=_POLLED,
        old="if self._exchange is None or silent:\n            return MarketStatus.PAUSED\n",
        new="if self._exchange is None or silent:\n            return MarketStatus.OPEN\n",
        tests=_OF_POLLED,
    ),
    Mutation(
        name="a market is paid out before it is settled",
        file=_POLLED,
        old="        final = listing.status is MarketStatus.SETTLED\n",
        new="        final = True\n",
        tests=_OF_POLLED,
    ),
)
