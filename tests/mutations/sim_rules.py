"""Bugs of the simulated venue's rules: pairs, locked money, fees of an order, rewards."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_SIMULATED: Final = "src/market_bot/adapters/simulated"
_ACCOUNT: Final = f"{_SIMULATED}/sim_account.py"
_DESK: Final = f"{_SIMULATED}/sim_desk.py"
_REWARDS: Final = f"{_SIMULATED}/sim_rewards.py"
_MONEY: Final = ("tests/property/test_sim_money.py",)
_PAIRS: Final = ("tests/unit/test_sim_pairs.py",)
_PAID: Final = ("tests/unit/test_sim_rewards.py",)

MUTATIONS: Final = (
    Mutation(
        name="a merge takes one leg only",
        file=_ACCOUNT,
        old="        for leg in Leg:\n            self._held[market, leg] -= size",
        new="        for leg in [Leg.YES]:\n            self._held[market, leg] -= size",
        tests=_PAIRS,
    ),
    Mutation(
        name="a merge pays twice",
        file=_ACCOUNT,
        old="        self._cash += merge.payout\n",
        new="        self._cash += 2 * merge.payout\n",
        tests=_MONEY,
    ),
    Mutation(
        name="provisional contracts are half of a pair",
        file=_ACCOUNT,
        old="        return min(self.firm(market, leg) for leg in Leg)",
        new="        return min(self._held.get((market, leg), 0) for leg in Leg)",
        tests=_PAIRS,
    ),
    Mutation(
        name="more pairs are merged than there are",
        file=_DESK,
        old="        if 0 < size <= free:",
        new="        if 0 < size:",
        tests=_PAIRS,
    ),
    Mutation(
        name="what is on sale is merged",
        file=_DESK,
        old=" - sum(o.waiting.left for o in _sales(listed, leg))",
        new="",
        tests=_PAIRS,
    ),
    Mutation(
        name="the same merge is done twice",
        file=_DESK,
        old="        if listed is None or merge in listed.merges:",
        new="        if listed is None:",
        tests=_PAIRS,
    ),
    Mutation(
        name="a merge is told before the purchase that made it",
        file=_DESK,
        old="        due = max(at, listed.told_until)",
        new="        due = at",
        tests=_PAIRS,
    ),
    Mutation(
        name="pairs are netted while orders of ours still trade",
        file=_DESK,
        old="            self.agenda.later(at, self._net, order.listed)",
        new="            self._net(order.listed, at)",
        tests=_PAIRS,
    ),
    Mutation(
        name="a sale of what was netted waits on",
        file=_DESK,
        old='                    self._end(order, "position_netted", at)',
        new="                    pass",
        tests=_PAIRS,
    ),
    Mutation(
        name="what comes back when a sale is undone is never netted",
        file=_DESK,
        old="all other trades are final.\n        self._net(order.listed, at)\n",
        new="all other trades are final.\n",
        tests=_PAIRS,
    ),
    Mutation(
        name="money of waiting entries is spent again",
        file=_DESK,
        old="        free = self.settings.cash + self.account.cash - self._reserved()",
        new="        free = self.settings.cash + self.account.cash",
        tests=_PAIRS,
    ),
    Mutation(
        name="fees of what is under way are spent again",
        file=_DESK,
        old="        return Money(signal.price * left + fees)",
        new="        return Money(signal.price * left)",
        tests=_PAIRS,
    ),
    Mutation(
        name="every fill rounds its fee for itself",
        file=_DESK,
        old="fees_of_order(market.fees, order.traded, selling",
        new="fees_of_order(market.fees, order.traded[-1:], selling",
        tests=_PAIRS,
    ),
    Mutation(
        name="a payment is told but not made",
        file=_DESK,
        old="        self.account.reward(payment.amount)\n",
        new="",
        tests=_PAID,
    ),
    Mutation(
        name="a rebate for what was taken",
        file=_DESK,
        old="        if self.settings.rewards.rebates and fill.liquidity is Style.MAKER:",
        new="        if self.settings.rewards.rebates:",
        tests=_PAID,
    ),
    Mutation(
        name="a rebate for what may be undone",
        file=_DESK,
        old="        else:\n            self._earn(fill, market)",
        new="        self._earn(fill, market)",
        tests=_PAID,
    ),
    Mutation(
        name="orders under way are scored",
        file=_DESK,
        old="            if order.rests:\n",
        new="            if order.alive:\n",
        tests=_PAID,
    ),
    Mutation(
        name="our own orders are among those we are scored against",
        file=_REWARDS,
        old="    bids = {price: book.crowd_at(Side.BID, price) for price in book.bids}",
        new="    bids = dict(book.bids)",
        tests=_PAID,
    ),
    Mutation(
        name="an outage is paid",
        file=_REWARDS,
        old="        if self.agenda.closed:\n            return\n",
        new="",
        tests=_PAID,
    ),
)
