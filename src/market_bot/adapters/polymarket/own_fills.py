"""From the venue's trades to fills of ours: whose leg it was, at what price, and how it settled.

A trade is told again at every step of its settlement, by two channels that know nothing of each
other, in any order. What is told onwards is each fill once, and its end once.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain.fees import fee
from market_bot.core.domain.market import FeeSchedule
from market_bot.core.domain.numbers import (
    NEVER,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    complement,
    cost,
)
from market_bot.core.domain.orders import Style
from market_bot.core.ports.execution import Fact, Filled, Reversed, Settled

from .amounts import OrderSide
from .own_records import OwnTrade, TradeLeg, TradeStatus

KEPT: Final = 1 << 16
"""How many fills that are done with are remembered, so that none is told twice."""

_ID_DIGITS: Final = 10
_FAILED: Final = "the trade failed to settle"


@attrs.frozen(kw_only=True)
class OwnLeg:
    """Our part of a trade, in the terms of our own token; ``cost`` is what moved before the fee."""

    fill: str
    order: str
    token: str
    price: Price
    size: Size
    cost: Money
    liquidity: Style


def fill_id(trade: str, order: str) -> str:
    """Return the name of an order's part of a trade: the same however the trade is told."""
    return f"{trade}/{order[: _ID_DIGITS + 2]}"


def trade_of(fill: str) -> str:
    """Return the trade that a fill is a part of."""
    return fill.partition("/")[0]


def taker_leg(trade: OwnTrade, token: str, other: str) -> OwnLeg | None:
    """Return the taker's part in the terms of a token; None if the trade is about another market.

    Args:
        trade: as it was told.
        token: what the taker bought or sold.
        other: the other token of the same market.

    """
    paid = _paid(trade)
    if trade.token == other:
        paid = Money(ONE_DOLLAR * trade.size - paid)
    elif trade.token != token:
        return None
    # Rounded against us; the money is exact.
    up = trade.side is OrderSide.BUY
    return OwnLeg(
        fill=fill_id(trade.trade, trade.taker_order),
        order=trade.taker_order,
        token=token,
        price=Price(-(-paid // trade.size) if up else paid // trade.size),
        size=trade.size,
        cost=paid,
        liquidity=Style.TAKER,
    )


def maker_leg(trade: OwnTrade, order: str, token: str, other: str) -> OwnLeg | None:
    """Return a resting order's part in the terms of a token, None if it has none.

    An order that buys YES may have met one that buys NO: each of the two is told in its own terms,
    or both in the same.
    """
    size, paid = 0, 0
    for leg in trade.legs:
        if leg.order != order:
            continue
        if leg.token not in (token, other):
            return None
        at = leg.price if leg.token == token else complement(leg.price)
        size += leg.size
        paid += cost(at, leg.size)
    if not size:
        return None
    return OwnLeg(
        fill=fill_id(trade.trade, order),
        order=order,
        token=token,
        price=Price(-(-paid // size)),
        size=Size(size),
        cost=Money(paid),
        liquidity=Style.MAKER,
    )


def _paid(trade: OwnTrade) -> Money:
    """Return what the taker's tokens cost: the sum over the legs where they are all told."""
    if sum(leg.size for leg in trade.legs) != trade.size:
        return cost(trade.price, trade.size)
    return Money(sum(cost(_takers_price(trade, leg), leg.size) for leg in trade.legs))


def _takers_price(trade: OwnTrade, leg: TradeLeg) -> Price:
    return leg.price if leg.token == trade.token else complement(leg.price)


def fee_of(schedule: FeeSchedule, leg: OwnLeg, side: OrderSide) -> Money:
    """Return what the venue takes for a leg: it tells no fees, they follow from its formula."""
    return fee(schedule, leg.price, leg.size, leg.liquidity, selling=side is OrderSide.SELL)


class _Stage(Enum):
    OPEN = "open"
    SETTLED = "settled"
    GONE = "gone"


@attrs.define(eq=False)
class FillBook:
    """What was told of every fill; mutable, owned by the desk's thread."""

    _open: dict[str, str] = attrs.field(factory=dict, init=False)
    _done: OrderedDict[str, _Stage] = attrs.field(factory=OrderedDict, init=False)
    contradictions: int = attrs.field(default=0, init=False)

    @property
    def open_trades(self) -> tuple[str, ...]:
        """The trades whose end is not known yet, oldest first."""
        return tuple(dict.fromkeys(trade_of(fill) for fill in self._open))

    def knows(self, fill: str) -> bool:
        """Tell whether a fill was told."""
        return fill in self._open or fill in self._done

    def told(self, fill: str, intent: str, *, provisional: bool, undone: bool = False) -> None:
        """Take what the journal knows of a fill already; what is done with stays so."""
        if fill in self._done:
            return
        if provisional:
            self._open[fill] = intent
        else:
            self._finish(fill, _Stage.GONE if undone else _Stage.SETTLED)

    def news(self, fact: Filled, status: TradeStatus) -> tuple[Fact, ...]:
        """Return what a trade in a certain state means for a fill: nothing, if that was told."""
        if self.knows(fact.fill):
            return self.step(fact.fill, status)
        if status is TradeStatus.CONFIRMED:
            self._finish(fact.fill, _Stage.SETTLED)
            return (attrs.evolve(fact, provisional=False),)
        self._open[fact.fill] = fact.intent
        # One that had failed before anybody heard of it is told, too: its size does not work again.
        return (attrs.evolve(fact, provisional=True), *self.step(fact.fill, status))

    def step(self, fill: str, status: TradeStatus) -> tuple[Fact, ...]:
        """Return the end of a fill that was told, once; nothing for all other steps."""
        if not status.final:
            return ()
        stage = _Stage.GONE if status is TradeStatus.FAILED else _Stage.SETTLED
        intent = self._open.get(fill)
        if intent is None:
            # Two ends of one trade: the first one stands, and somebody has to look.
            self.contradictions += self._done.get(fill, stage) is not stage
            return ()
        self._finish(fill, stage)
        if stage is _Stage.GONE:
            return (Reversed(intent, fill, _FAILED),)
        return (Settled(intent, fill),)

    def _finish(self, fill: str, stage: _Stage) -> None:
        self._open.pop(fill, None)
        self._done[fill] = stage
        if len(self._done) > KEPT:
            self._done.popitem(last=False)


@attrs.frozen(kw_only=True)
class GhostLimits:
    """How many trades may fail to settle before a family is left alone.

    Args:
        window: how many of its latest trades are looked at.
        share: which part of them (1e-6) may fail.
        pause: for how long nothing is opened in it after the failure that was one too many.

    """

    window: int = attrs.field(default=50, validator=attrs.validators.in_(range(1, 10_001)))
    share: int = attrs.field(default=50_000, validator=attrs.validators.in_(range(1_000_001)))
    pause: Duration = Duration(3600 * SECOND)


@attrs.define(eq=False)
class GhostGuard:
    """Counts trades that failed to settle, by family."""

    limits: GhostLimits = attrs.field(factory=GhostLimits)
    _latest: dict[str, deque[bool]] = attrs.field(factory=dict, init=False)
    _until: dict[str, Micros] = attrs.field(factory=dict, init=False)

    def note(self, family: str, at: Micros, *, failed: bool) -> None:
        """Take the end of a trade."""
        latest = self._latest.setdefault(family, deque(maxlen=self.limits.window))
        latest.append(failed)
        if failed and sum(latest) * 1_000_000 > self.limits.share * self.limits.window:
            self._until[family] = Micros(at + self.limits.pause)
            # After the pause it begins anew.
            latest.clear()

    def refuses(self, family: str, at: Micros) -> str | None:
        """Return why nothing is opened in a family now, None if nothing stands against it."""
        if at >= self._until.get(family, NEVER):
            return None
        return f"too many trades in {family} failed to settle: nothing is opened there for a while"

    def paused(self, at: Micros) -> Mapping[str, Micros]:
        """Return the families that are left alone, and until when."""
        return {family: until for family, until in self._until.items() if at < until}
