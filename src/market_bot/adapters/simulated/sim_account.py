"""What the venue owes: an account in plain integers, counted from trades and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs

from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    NO_MONEY,
    ONE_DOLLAR,
    Micros,
    Money,
    Price,
    Probability,
    Size,
    cost,
)
from market_bot.core.domain.orders import Purpose, Style


@attrs.frozen(kw_only=True)
class AccountFill:
    """A trade of ours as the venue has it.

    ``worth`` is the leg's true probability at the moment of the trade, which only the venue knows;
    ``undone`` is set once the trade was reversed.
    """

    fill: str
    intent: str
    market: str
    leg: Leg
    purpose: Purpose
    liquidity: Style
    price: Price
    size: Size
    cost: Money
    fee: Money
    worth: Probability
    at: Micros
    provisional: bool
    undone: bool = False

    @property
    def gain(self) -> Money:
        """What the trade is worth on average, after its fee; nothing once it was reversed."""
        if self.undone:
            return NO_MONEY
        buys = 1 if self.purpose is Purpose.ENTRY else -1
        return Money(buys * (self.worth - self.price) * self.size - self.fee)


@attrs.frozen(kw_only=True)
class AccountMerge:
    """Pairs of YES and NO that became money, a dollar each."""

    merge: str
    market: str
    size: Size
    payout: Money
    at: Micros


@attrs.frozen(kw_only=True)
class Ledger:
    """The account at a moment.

    Args:
        cash: what came in minus what went out since the beginning, before any deposit. What is
            locked is part of it.
        positions: contracts held by market and leg, provisional ones included.
        fills: every trade, the reversed ones too, by name; not those in markets that ended so long
            ago that they are forgotten (`SimSettings.remembered_max`).
        fees: what trades cost beside their price, reversed ones left out.
        payouts: what ended markets paid.
        forgotten: what forgotten trades were worth on average, after their fees.
        merges: pairs that became money, by name; forgotten with their market as fills are.
        merged: what all pairs paid.
        rewards: what was paid besides trades.
        locked: what waiting entries take out of the balance, where the rules say so.

    """

    cash: Money
    positions: Mapping[tuple[str, Leg], Size]
    fills: Mapping[str, AccountFill]
    fees: Money
    payouts: Money
    forgotten: Money = NO_MONEY
    merges: Mapping[str, AccountMerge] = attrs.field(factory=dict)
    merged: Money = NO_MONEY
    rewards: Money = NO_MONEY
    locked: Money = NO_MONEY

    @property
    def gain(self) -> Money:
        """What all trades were worth on average when they were made, luck left out.

        The truth is a martingale, so this is what cash and payouts come to on average over many
        worlds, and it is known long before they do. A pair is worth what it pays, so merging
        changes nothing; rewards are apart.
        """
        return Money(self.forgotten + sum(fill.gain for fill in self.fills.values()))


class Account:
    """The bot's account at the venue."""

    def __init__(self) -> None:
        self._cash = 0
        self._fees = 0
        self._payouts = 0
        self._held: dict[tuple[str, Leg], int] = {}
        self._doubtful: dict[tuple[str, Leg], int] = {}
        self._fills: dict[str, AccountFill] = {}
        self._in_market: dict[str, list[str]] = {}
        self._forgotten = 0
        self._merges: dict[str, AccountMerge] = {}
        self._merged_in: dict[str, list[str]] = {}
        self._merged = 0
        self._rewards = 0

    @property
    def cash(self) -> int:
        """What came in minus what went out."""
        return self._cash

    def firm(self, market: str, leg: Leg) -> int:
        """Return the contracts that may be sold: those whose purchase is settled."""
        key = (market, leg)
        return self._held.get(key, 0) - self._doubtful.get(key, 0)

    def pairs(self, market: str) -> int:
        """Return the pairs of YES and NO that are settled."""
        return min(self.firm(market, leg) for leg in Leg)

    def book(self, fill: AccountFill) -> None:
        """Count a trade."""
        self._fills[fill.fill] = fill
        self._in_market.setdefault(fill.market, []).append(fill.fill)
        self._count(fill, 1)
        if fill.provisional and fill.purpose is Purpose.ENTRY:
            key = (fill.market, fill.leg)
            self._doubtful[key] = self._doubtful.get(key, 0) + fill.size

    def settle(self, fill: str) -> AccountFill:
        """Make a provisional trade final and return it."""
        return self._decide(fill, undone=False)

    def undo(self, fill: str) -> None:
        """Reverse a provisional trade."""
        self._count(self._decide(fill, undone=True), -1)

    def merge(self, name: str, market: str, size: Size, at: Micros) -> AccountMerge:
        """Turn pairs into money, a dollar each; whoever calls this knows that they are held."""
        merge = AccountMerge(
            merge=name, market=market, size=size, payout=cost(ONE_DOLLAR, size), at=at
        )
        self._merges[name] = merge
        self._merged_in.setdefault(market, []).append(name)
        for leg in Leg:
            self._held[market, leg] -= size
        self._cash += merge.payout
        self._merged += merge.payout
        return merge

    def reward(self, amount: Money) -> None:
        """Pay for something else than a trade."""
        self._cash += amount
        self._rewards += amount

    def pay(self, market: str, yes_payout: Price) -> None:
        """Pay for everything held in a market that ended."""
        for leg in Leg:
            size = self._held.pop((market, leg), 0)
            each = yes_payout if leg is Leg.YES else ONE_DOLLAR - yes_payout
            self._cash += each * size
            self._payouts += each * size

    def forget(self, market: str) -> None:
        """Let go of what was done in a market that was paid; what it came to stays."""
        for name in self._merged_in.pop(market, ()):
            del self._merges[name]
        for name in self._in_market.pop(market, ()):
            self._forgotten += self._fills.pop(name).gain
        for leg in Leg:
            self._doubtful.pop((market, leg), None)

    def ledger(self, locked: Money = NO_MONEY) -> Ledger:
        """Return a copy of everything; what is locked is known to the desk."""
        held = {key: Size(size) for key, size in self._held.items() if size}
        return Ledger(
            cash=Money(self._cash),
            positions=MappingProxyType(held),
            fills=MappingProxyType(dict(self._fills)),
            fees=Money(self._fees),
            payouts=Money(self._payouts),
            forgotten=Money(self._forgotten),
            merges=MappingProxyType(dict(self._merges)),
            merged=Money(self._merged),
            rewards=Money(self._rewards),
            locked=locked,
        )

    def _count(self, fill: AccountFill, times: int) -> None:
        key = (fill.market, fill.leg)
        buys = 1 if fill.purpose is Purpose.ENTRY else -1
        self._cash -= times * (buys * fill.cost + fill.fee)
        self._fees += times * fill.fee
        self._held[key] = self._held.get(key, 0) + times * buys * fill.size

    def _decide(self, name: str, *, undone: bool) -> AccountFill:
        fill = self._fills[name]
        self._fills[name] = attrs.evolve(fill, provisional=False, undone=undone)
        if fill.purpose is Purpose.ENTRY:
            self._doubtful[fill.market, fill.leg] -= fill.size
        return fill
