"""Bugs for the tests of Polymarket's money side to find."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_HERE: Final = "src/market_bot/adapters/polymarket"
_DESK: Final = f"{_HERE}/desk.py"
_ORDERS: Final = f"{_HERE}/orders.py"
_FILLS: Final = f"{_HERE}/own_fills.py"
_TRACKED: Final = f"{_HERE}/tracked_order.py"
_ACCOUNT: Final = f"{_HERE}/account.py"
_MODE: Final = f"{_HERE}/venue_mode.py"
_OUTBOX: Final = "src/market_bot/adapters/storage/outbox.py"
_LANE: Final = "src/market_bot/core/domain/lane.py"
_TRADER: Final = "src/market_bot/core/usecases/trade_lane.py"

_OF_ORDERS: Final = ("tests/unit/test_polymarket_orders_live.py",)
_OF_DESK: Final = ("tests/integration/test_polymarket_desk.py",)
_OF_ACCOUNT: Final = ("tests/integration/test_polymarket_account.py",)
_OF_FILLS: Final = ("tests/unit/test_polymarket_ghost_fills.py",)
_OF_STORIES: Final = ("tests/property/test_polymarket_ghosts.py",)
_OF_OUTBOX: Final = ("tests/unit/test_outbox.py",)
_FAULTS: Final = "tests/integration/test_polymarket_faults.py"
_OF_POSTS: Final = (f"{_FAULTS}::test_a_post_that_fails",)
_OF_CANCELS: Final = (f"{_FAULTS}::test_a_cancel_that_fails",)
_OF_SALES: Final = (f"{_FAULTS}::test_a_sale_that_fails",)

MUTATIONS: Final = (
    Mutation(
        name="whatever is not understood is a refusal",
        file=_ORDERS,
        old='    return Unknown(f"{kind.value}: {words}" if words else kind.value)\n',
        new="    return Rejected(kind.value, words)\n",
        tests=_OF_POSTS,
    ),
    Mutation(
        name="no answer is a refusal",
        file=_ORDERS,
        old="        return _judge_kind(error.kind, error.text)\n    return Unknown(",
        new="        return _judge_kind(error.kind, error.text)\n    return Rejected(NOT_SENT, ",
        tests=_OF_POSTS,
    ),
    Mutation(
        name="a throttle proves that nothing came through",
        file=_ORDERS,
        old="    if kind in PROVEN and kind is not Kind.RATE:\n",
        new="    if kind in PROVEN:\n",
        tests=_OF_POSTS,
    ),
    Mutation(
        name="an answer about another order is ours",
        file=_ORDERS,
        old="    if told.order.lower() != order:\n",
        new="    if not told.order:\n",
        tests=_OF_ORDERS,
    ),
    Mutation(
        name="an entry takes without an expiry",
        file=_ORDERS,
        old="    takes_out = purpose is Purpose.EXIT and style is Style.TAKER\n",
        new="    takes_out = style is Style.TAKER\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="the venue's margin of an expiry is forgotten",
        file=_ORDERS,
        old="    wanted, least = expires_at + SECURITY, at + AHEAD + _CLOCKS\n",
        new="    wanted, least = expires_at, at + AHEAD + _CLOCKS\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="an order is given up before it cannot arrive any more",
        file=_ORDERS,
        old="    return Micros(expiry_s(expires_at, at) * SECOND + _CLOCKS)\n",
        new="    return Micros(expires_at + 0 * _CLOCKS)\n",
        tests=_OF_ACCOUNT,
    ),
    Mutation(
        name="an order is sent before it is in the outbox",
        file=_DESK,
        old="            self.outbox.put([letter])\n        except OutboxError as e:\n",
        new="            self.outbox.letters()\n        except OutboxError as e:\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="a letter stays when its order is over",
        file=_DESK,
        old="            self._drop_letter(order.order)\n",
        new="            pass\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="an order is sent again as often as it is asked for",
        file=_DESK,
        old="        if intent.id in self._sent:\n",
        new="        if False:\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="what is cancelled is sent again",
        file=_DESK,
        old="                and not order.cancelling\n",
        new="",
        tests=(*_OF_DESK, *_OF_POSTS),
    ),
    Mutation(
        name="the same bytes are sent again without having searched",
        file=_DESK,
        old="                and order.unseen > 1\n",
        new="",
        tests=_OF_DESK,
    ),
    Mutation(
        name="a refused repetition is taken for proof",
        file=_DESK,
        old="        if isinstance(judged, Rejected | Unknown):\n            return\n",
        new="        if isinstance(judged, Unknown):\n            return\n"
        "        if isinstance(judged, Rejected):\n"
        "            self._facts.append(Refused(order.intent, judged.code))\n"
        "            self._finish(order)\n"
        "            return\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="what spoke for an entry of an earlier process is sent again",
        file=_TRACKED,
        old="    may_repeat = letter is not None and order.purpose is Purpose.EXIT\n",
        new="    may_repeat = letter is not None\n",
        tests=(f"{_FAULTS}::test_a_restart_in_the_middle",),
    ),
    Mutation(
        name="an order outlives its time",
        file=_DESK,
        old="            if at >= order.expires_at and not order.cancelling:\n",
        new="            if False:\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="what a taker did not get waits",
        file=_DESK,
        old="        if order.style is Style.TAKER and not fak:\n",
        new="        if False:\n",
        tests=_OF_DESK,
    ),
    Mutation(
        name="an order that is not found by a cancel is over",
        file=_DESK,
        old="        gone, _ = cancelled(body)\n        for name in gone:\n",
        new="        gone, left = cancelled(body)\n        for name in (*gone, *left):\n",
        tests=(*_OF_DESK, *_OF_CANCELS),
    ),
    Mutation(
        name="an order is let go before its trades are told",
        file=_TRACKED,
        old="        if self.over is None or self.accounted < self.there:\n",
        new="        if self.over is None:\n",
        tests=(*_OF_DESK, *_OF_CANCELS),
    ),
    Mutation(
        name="a cancelled order is let go before its end was read",
        file=_TRACKED,
        old="        return self.sealed or (at >= read_at >= self.over_at + SEALING)\n",
        new="        return True\n",
        tests=(*_OF_DESK, *_OF_CANCELS),
    ),
    Mutation(
        name="a trade that failed is never undone",
        file=_FILLS,
        old="        if stage is _Stage.GONE:\n            return (Reversed(",
        new="        if False:\n            return (Reversed(",
        tests=_OF_STORIES,
    ),
    Mutation(
        name="a trade is settled once it is mined",
        file=_DESK,
        old="                self._tell(self.book.step(fill, trade.status), order)\n",
        new="                mined = trade.status.on_chain\n"
        "                self._tell(\n"
        "                    (Settled(order.intent, fill),) if order and mined else (), order\n"
        "                )\n",
        tests=(*_OF_DESK, *_OF_STORIES),
    ),
    Mutation(
        name="every state of a trade is a fill of its own",
        file=_FILLS,
        old='    return f"{trade}/{order[: _ID_DIGITS + 2]}"\n',
        new="    KEPT_STATES.append(trade)\n"
        '    return f"{trade}/{order[: _ID_DIGITS + 2]}/{len(KEPT_STATES)}"\n\n\n'
        "KEPT_STATES: list[str] = []\n",
        tests=_OF_STORIES,
    ),
    Mutation(
        name="fills are final at once",
        file=_FILLS,
        old="        return (attrs.evolve(fact, provisional=True), ",
        new="        return (attrs.evolve(fact, provisional=False), ",
        tests=_OF_FILLS,
    ),
    Mutation(
        name="a failure that was heard of late is passed over",
        file=_FILLS,
        old="(attrs.evolve(fact, provisional=True), *self.step(fact.fill, status))",
        new="(attrs.evolve(fact, provisional=True),)",
        tests=_OF_FILLS,
    ),
    Mutation(
        name="a maker is told in the taker's token",
        file=_FILLS,
        old="        at = leg.price if leg.token == token else complement(leg.price)\n",
        new="        at = leg.price if leg.token == trade.token else complement(leg.price)\n",
        tests=(*_OF_FILLS, *_OF_DESK),
    ),
    Mutation(
        name="a taker pays the rounded average",
        file=_FILLS,
        old="    if sum(leg.size for leg in trade.legs) != trade.size:\n",
        new="    if trade.size:\n",
        tests=_OF_FILLS,
    ),
    Mutation(
        name="a family whose trades fail trades on",
        file=_DESK,
        old="self.guard.refuses(draft.family, at) or ",
        new="",
        tests=_OF_DESK,
    ),
    Mutation(
        name="a restart of the venue lasts for ever",
        file=_MODE,
        old="        if self.mode is not VenueMode.OPEN and (",
        new="        if self.mode is VenueMode.OPEN and (",
        tests=_OF_DESK,
    ),
    Mutation(
        name="what is on its way is not counted",
        file=_ACCOUNT,
        old="            if trade.status in (TradeStatus.MATCHED, TradeStatus.RETRYING):\n",
        new="            if False:\n",
        tests=_OF_ACCOUNT,
    ),
    Mutation(
        name="a trade that settles while it is read is counted twice",
        file=_ACCOUNT,
        old="        if moved and not self.missing:\n",
        new="        if False:\n",
        tests=_OF_ACCOUNT,
    ),
    Mutation(
        name="what cannot be read is nothing",
        file=_ACCOUNT,
        old='            self.missing.append(f"balance: {e}")\n',
        new="            del e\n",
        tests=_OF_ACCOUNT,
    ),
    Mutation(
        name="tokens of ended markets are lost money",
        file=_ACCOUNT,
        old="            cash=Money(cash + paid),\n",
        new="            cash=Money(cash + 0 * paid),\n",
        tests=_OF_ACCOUNT,
    ),
    Mutation(
        name="a damaged letter is sent",
        file=_OUTBOX,
        old="        and hashlib.sha256(body).hexdigest() == header.sha256\n",
        new="",
        tests=_OF_OUTBOX,
    ),
    Mutation(
        name="a letter is not durable when it is sent",
        file=_OUTBOX,
        old="            self.files.sync(descriptor)\n",
        new="",
        tests=_OF_OUTBOX,
    ),
    Mutation(
        name="the journal does not know an order's name before it is sent",
        file=_TRADER,
        old="        name = self.execution.order_name(intent, now)\n",
        new='        name = ""\n',
        tests=_OF_POSTS,
    ),
    Mutation(
        name="the fold forgets an order's name until it is accepted",
        file=_LANE,
        old="        venue_order=event.venue_order,\n",
        new="",
        tests=(f"{_FAULTS}::test_a_restart_that_forgets_everything",),
    ),
    Mutation(
        name="an answer that cannot be read is a refusal",
        file=_ORDERS,
        old="        return Unknown(plain(str(e)))\n\n\ndef judge_batch",
        new="        return Rejected(NOT_SENT, plain(str(e)))\n\n\ndef judge_batch",
        tests=(*_OF_ORDERS, *_OF_SALES),
    ),
)
