"""A stretch of one lane's life, as leak rules and analytics read it.

Everything here comes from the journal alone and carries the sequence numbers it came from. Prices
are in the leg's own dollars. None means not known, never zero. A `Window` is made by
`market_bot.core.domain.analytics.build`.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Duration, Micros, Money, Price, Probability, Size
from market_bot.core.domain.orders import Style
from market_bot.core.domain.signals import Gate


@attrs.frozen(kw_only=True)
class Prices:
    """Midpoint, best bid and best ask at one moment."""

    mid: Price | None = None
    bid: Price | None = None
    ask: Price | None = None


@attrs.frozen(kw_only=True)
class Path:
    """The later prices of a decision: ``later`` by seconds after ``since``; 0 is in ``start``.

    A horizon that was not taken is absent. ``payout`` is what a contract of the leg paid, once the
    market was resolved.
    """

    since: Micros
    start: Prices
    later: Mapping[int, Prices] = attrs.field(factory=dict)
    payout: Price | None = None


@attrs.frozen(kw_only=True)
class Traced:
    """What everything carries, so that each dollar can be traced to a decision."""

    seq: int
    at: Micros
    signal: str
    strategy: str
    market: str
    event: str
    family: str
    leg: Leg


@attrs.frozen(kw_only=True)
class Wish:
    """What the signal behind a decision said; see `market_bot.core.domain.events.SignalRaised`."""

    seq: int
    style: Style
    price: Price
    belief: Probability
    edge: Price
    cost: Price
    reason: str
    prices: Prices
    depth: Size | None
    book_age: Duration
    closes_in: Duration | None


@attrs.frozen(kw_only=True)
class Execution:
    """One trade of ours; ``mid`` is the midpoint when we heard of it, ``sent_at`` its order's."""

    seq: int
    at: Micros
    fill: str
    liquidity: Style
    price: Price
    size: Size
    cost: Money
    fee: Money
    mid: Price | None = None
    traded_at: Micros | None = None
    reversed: bool = False


@attrs.frozen(kw_only=True)
class Entry(Traced):
    """An order that was to open a position, with what became of it within the window.

    ``seq`` and ``at`` are those of its intent. ``outcome`` is accepted, rejected, unknown or
    unsent; without executions it was not filled.
    """

    intent: str
    config: str
    style: Style
    price: Price
    size: Size
    mid: Price | None
    wish: Wish | None
    outcome: str
    sent_at: Micros | None = None
    executions: tuple[Execution, ...] = ()
    path: Path | None = None

    @property
    def filled(self) -> Size:
        """Contracts that were bought and not taken back."""
        return Size(sum(e.size for e in self.executions if not e.reversed))


@attrs.frozen(kw_only=True)
class Departure(Traced):
    """The decision to leave a position, and the sales that followed it within the window."""

    reason: str
    config: str
    price: Price
    size: Size
    executions: tuple[Execution, ...] = ()
    path: Path | None = None


@attrs.frozen(kw_only=True)
class Opportunity(Traced):
    """A wish to open that our own gates refused, once from its beginning to its end.

    ``gates`` are all that refused it, of all its phases; ``ticks`` is how many it lasted. The scan
    loop repeats a refusal thousands of times: it is one opportunity all the same.
    """

    gates: tuple[Gate, ...]
    price: Price
    size: Size
    ticks: int
    wish: Wish | None
    path: Path | None = None


@attrs.frozen(kw_only=True)
class Closed(Traced):
    """A part of a position that became money: sold, resolved or merged.

    ``seq`` and ``at`` are those of the fact that closed it, the rest comes from the entry that
    opened the position. ``how`` is sold, resolved, merged, reversed (a purchase undone after
    part of it was gone) or corrected (a piece of an earlier window that late news undid: size
    and money are negative). ``cost`` is the average cost of ``size`` contracts before fees,
    ``proceeds`` what came back before fees, ``fees`` those of both ways (the share of the entry's).
    ``departure`` is the sequence number of the decision to leave, ``highest`` the best bid known
    while it was held.
    ``parts`` is where the profit came from; it sums to ``pnl`` exactly.
    """

    opened_at: Micros
    how: str
    reason: str
    size: Size
    cost: Money
    proceeds: Money
    fees: Money
    entries: tuple[int, ...]
    belief: Probability | None
    edge: Price | None
    closes_in: Duration | None
    departure: int | None = None
    highest: Price | None = None
    parts: Mapping[str, Money] = attrs.field(factory=dict)

    @property
    def pnl(self) -> Money:
        """What was gained, after fees."""
        return Money(self.proceeds - self.cost - self.fees)


@attrs.frozen(kw_only=True)
class Held(Traced):
    """What was still open at the end of the window, at average cost and its last known bid."""

    size: Size
    cost: Money
    fees: Money
    opened_at: Micros
    bid: Price | None


@attrs.frozen(kw_only=True)
class Level:
    """How much money was at work at one moment: equity, and the cost of what was held."""

    at: Micros
    equity: Money
    at_work: Money


@attrs.frozen(kw_only=True)
class Trouble:
    """An error's code with how often it was met, and where it first stands in the journal."""

    where: str
    count: int
    seq: int


@attrs.frozen(kw_only=True)
class Put:
    """Money that was put in, or taken out, beside the lane's trading."""

    at: Micros
    amount: Money


@attrs.frozen(kw_only=True)
class Window:
    """One stretch of one lane, in journal order.

    ``covered`` is the time in which the lane scanned. ``realised`` is what the lane's fold says was
    realised within the window, fees taken off: the sum of ``closed``. ``cut`` says that there was
    more than the limits allow, and the oldest was left out.
    """

    chain: str
    since: Micros
    until: Micros
    covered: Duration
    entries: tuple[Entry, ...] = ()
    departures: tuple[Departure, ...] = ()
    opportunities: tuple[Opportunity, ...] = ()
    closed: tuple[Closed, ...] = ()
    held: tuple[Held, ...] = ()
    levels: tuple[Level, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    denials: Mapping[str, int] = attrs.field(factory=dict)
    configs: tuple[str, ...] = ()
    realised: Money = Money(0)
    rewards: Money = Money(0)
    closed_venue: Duration = Duration(0)
    put_in: tuple[Put, ...] = ()
    cut: bool = False
