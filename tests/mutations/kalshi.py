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
_ORDERS: Final = f"{_HERE}/orders.py"
_DESK: Final = f"{_HERE}/desk.py"
_GROUPS: Final = f"{_HERE}/order_groups.py"
_ACCOUNT: Final = f"{_HERE}/account.py"
_PORTFOLIO: Final = f"{_HERE}/parse_portfolio.py"
_CORE_FEES: Final = "src/market_bot/core/domain/fees.py"

_OF_SIGNING: Final = ("tests/unit/test_kalshi_signing.py",)
_OF_REST: Final = ("tests/unit/test_kalshi_rest.py",)
_OF_BUDGETS: Final = ("tests/unit/test_kalshi_budgets.py",)
_OF_PARSING: Final = ("tests/unit/test_kalshi_parsing.py",)
_OF_PAGING: Final = ("tests/unit/test_kalshi_paging.py",)
_OF_POLLED: Final = ("tests/integration/test_kalshi_polled.py",)
_OF_ORDERS: Final = ("tests/unit/test_kalshi_orders.py",)
_OF_DESK: Final = ("tests/integration/test_kalshi_desk.py",)
_OF_ACCOUNT: Final = ("tests/integration/test_kalshi_account.py",)
_FAULTS: Final = "tests/integration/test_kalshi_faults.py"
_OF_CREATES: Final = (f"{_FAULTS}::test_a_create_that_fails",)
_OF_CANCELS: Final = (f"{_FAULTS}::test_a_cancel_that_fails",)

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
    Mutation(
        name="an order without an answer counts as refused",
        file=_ORDERS,
        old="    return Unknown(plain(error))\n",
        new='    return Rejected("failed", plain(error))\n',
        tests=_OF_CREATES,
    ),
    Mutation(
        name="a second order of a name counts as refused",
        file=_ORDERS,
        old="        return Unknown(LANDED)\n",
        new="        return Rejected(LANDED)\n",
        tests=_OF_CREATES,
    ),
    Mutation(
        name="an error under a status of success is proven",
        file=_ORDERS,
        old="(error.status, error.code) in PROVEN",
        new="error.code in dict(map(reversed, PROVEN))",
        tests=_OF_ORDERS,
    ),
    Mutation(
        name="a listed error under a status of success frees the money",
        file=_ORDERS,
        old="    if isinstance(error, RefusedError) and (error.status, error.code) in PROVEN:\n",
        new="    if isinstance(error, RefusedError) and (400, error.code) in PROVEN:\n",
        tests=_OF_CREATES,
    ),
    Mutation(
        name="an answer about another order is believed",
        file=_ORDERS,
        old="    if found.client_order_id != intent:\n",
        new="    if False:\n",
        tests=_OF_CREATES,
    ),
    Mutation(
        name="buying NO is sent at the price of NO",
        file=_ORDERS,
        old="price_text(yes_price(signal.leg, signal.price))",
        new="price_text(signal.price)",
        tests=_OF_ORDERS,
    ),
    Mutation(
        name="a resting order has no expiry",
        file=_ORDERS,
        old='        "expiration_time": expires,\n',
        new="",
        tests=_OF_DESK,
    ),
    Mutation(
        name="a maker may take",
        file=_ORDERS,
        old='        "post_only": True,\n',
        new="",
        tests=_OF_DESK,
    ),
    Mutation(
        name="whoever reduces does not say so",
        file=_ORDERS,
        old='"reduce_only": intent.reduce_only}',
        new='"reduce_only": False}',
        tests=_OF_ORDERS,
    ),
    Mutation(
        name="a cancel looks at the first shard only",
        file=_ORDERS,
        old=', ("exchange_index", str(shard)))\n',
        new=",)\n",
        tests=_OF_ORDERS,
    ),
    Mutation(
        name="an order that is not found counts as cancelled",
        file=_DESK,
        old="        if cancel_done(answer, order.venue_order):\n",
        new='        order.over = "cancelled"\n'
        "        if cancel_done(answer, order.venue_order):\n",
        tests=_OF_CANCELS,
    ),
    Mutation(
        name="a cancel is not sent again",
        file=_DESK,
        old="            if order.cancelling and order.over is None and at >= order.cancel_at:\n",
        new="            if False:\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="an order is over before its fills are told",
        file=_DESK,
        old="            if order.over is None or traded < order.there:\n",
        new="            if order.over is None:\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="an intent is sent twice",
        file=_DESK,
        old="        if intent.id in self._sent:\n",
        new="        if False:\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="a trade is told twice",
        file=_DESK,
        old="        if order is None or order.knows(there.fill):\n",
        new="        if order is None:\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="a trade that is listed late is never read",
        file=_DESK,
        old="            order.since = order.created_at\n",
        new="            pass\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="new terms may cost more",
        file=_DESK,
        old="        if dearer or size > order.size:\n",
        new="        if False:\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="a position is opened without the outer net",
        file=_DESK,
        old="        if group is None and not intent.reduce_only:\n",
        new="        if False:\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="an order that was found is not confirmed",
        file=_DESK,
        old="            if tell:\n",
        new="            if False:\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="a stale list brings an order back to life",
        file=_DESK,
        old="                order.over = order.over or self._ended(order, there)\n",
        new="                order.over = None\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="old lists are believed",
        file=_ACCOUNT,
        old="        if now - at > self._account.stale:\n",
        new="        if False:\n",
        tests=_OF_ACCOUNT,
    ),
    Mutation(
        name="half a list is a whole one",
        file=_ACCOUNT,
        old="        if found.broken:\n            self.missing",
        new="        if False:\n            self.missing",
        tests=_OF_ACCOUNT,
    ),
    Mutation(
        name="a search that broke off has looked",
        file=_ACCOUNT,
        old="            sought |= wanted if not orders.broken else wanted - left\n",
        new="            sought |= wanted\n",
        tests=_OF_ACCOUNT,
    ),
    Mutation(
        name="a sale is told as a purchase of the other leg",
        file=_ACCOUNT,
        old="        if known is not None:\n            return known.leg\n",
        new="",
        tests=_OF_ACCOUNT,
    ),
    Mutation(
        name="a trade without its order is nobody's",
        file=_ACCOUNT,
        old="        if left:\n            # A trade",
        new="        if False:\n            # A trade",
        tests=_OF_ACCOUNT,
    ),
    Mutation(
        name="shards that do not add up are believed",
        file=_PORTFOLIO,
        old=" or (shards and sum(shards.values()) != whole)",
        new="",
        tests=_OF_ACCOUNT,
    ),
    Mutation(
        name="what rounding took never comes back",
        file=_CORE_FEES,
        old="        rebate = min(carried, due) // _KALSHI_CASH_GRID * _KALSHI_CASH_GRID\n",
        new="        rebate = 0\n",
        tests=("tests/unit/test_fees.py",),
    ),
    Mutation(
        name="the stream's silence means that an order still rests",
        file=_DESK,
        old="            if order.over is None:\n                asked.",
        new="            if order.over is None and self.inbox is None:\n                asked.",
        tests=_OF_DESK,
    ),
)
