"""What a lane can lose in the worst case, and how its day stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs

from market_bot.core.domain.lane import MINUTE, LaneState, Position
from market_bot.core.domain.market import UNKNOWN_TERMS, EventTerms
from market_bot.core.domain.numbers import NO_MONEY, Micros, Money, format_time
from market_bot.core.domain.orders import Order, Purpose
from market_bot.core.domain.own import Own, own_of
from market_bot.core.domain.signals import Draft
from market_bot.core.domain.worst_case import stakes_of, with_entry, worst_loss

EventOf = Callable[[str], str | None]
"""Returns the event of a market, None if the market is not known."""
TermsOf = Callable[[str], EventTerms]
"""Returns what is known about how the markets of an event end together."""


@attrs.frozen
class AtStake:
    """What a lane has in one event, and how its markets end together.

    ``external`` is what others may lose there: which way is not told, so all of it.
    """

    terms: EventTerms = UNKNOWN_TERMS
    positions: list[Position] = attrs.field(factory=list)
    orders: list[Order] = attrs.field(factory=list)
    external: Money = NO_MONEY

    def loss(self, entry: Draft | None = None) -> Money:
        """Return the event's worst case, also with one more entry; see `worst_case`."""
        stakes = stakes_of(self.positions, self.orders)
        ours = worst_loss(stakes if entry is None else with_entry(stakes, entry), self.terms)
        return Money(ours + self.external) if self.external else ours


# Looking a member up in its Enum is slow enough to be seen.
_EXIT: Final = Purpose.EXIT

NOTHING_AT_STAKE: Final = AtStake()


@attrs.frozen(kw_only=True)
class Exposure:
    """What hard limits are judged by; money in dollars (1e-12).

    A bought contract can lose what it cost. Live entries, also unknown ones, count as filled at
    their limit with the fee bound; provisional sales count as not sold, and what they brought is
    not free cash.

    Args:
        total: the worst cost of everything held or possibly bought.
        by_market: the same by market, both legs added up.
        by_event: the same by event, as if all its markets could lose at once.
        events: what there is in each event, for its worst case over all outcomes.
        live_orders: number of orders that may still fill.
        recent_entries: entries sent within the last minute.
        free_cash: cash that no order may need.
        day_pnl: change of marked equity since the UTC day opened; None if it cannot be told.
        drawdown: how far marked equity is below its peak; None if it cannot be told.
        day_loss: the day's loss when it reached its limit, 0 if it did not.
        fallen: the drawdown when it reached its limit, 0 if it did not since the last resume.
        loss_streak: positions closed with a loss since the last one with a gain.
        halted: who halted and why, or None.
        venue: the venue's own state; "open" is the only one in which everything works.

    """

    total: Money
    by_market: Mapping[str, Money]
    by_event: Mapping[str, Money]
    events: Mapping[str, AtStake] = attrs.field(factory=dict)
    live_orders: int
    recent_entries: int = 0
    free_cash: Money
    day_pnl: Money | None
    drawdown: Money | None = None
    day_loss: Money = NO_MONEY
    fallen: Money = NO_MONEY
    loss_streak: int = 0
    halted: str | None
    venue: str = "open"
    disarmed: str | None = None
    unreconciled: str | None = None

    def market(self, market: str) -> Money:
        """Return the worst-case cost in one market."""
        return self.by_market.get(market, NO_MONEY)

    def event(self, event: str) -> Money:
        """Return the worst-case cost in one event, as if all its markets could lose at once."""
        return self.by_event.get(event, NO_MONEY)

    def event_loss(self, event: str, entry: Draft | None = None) -> Money:
        """Return the worst case of an event over all outcomes, also with one more entry."""
        return self.events.get(event, NOTHING_AT_STAKE).loss(entry)


def unknown_event(_market: str) -> str | None:
    """Return that nobody knows to which event a market belongs."""
    return None


def unknown_terms(_event: str) -> EventTerms:
    """Return that nothing is known: every market ends by itself."""
    return UNKNOWN_TERMS


class _Stakes(Mapping[str, AtStake]):
    """What there is in each event, put together for the events that somebody asks for."""

    def __init__(
        self, own: Own, terms_of: TermsOf, external: Mapping[str, Money], event_of: EventOf
    ) -> None:
        self._own = own
        self._terms_of = terms_of
        self._external = external
        self._event_of = event_of

    def __getitem__(self, event: str) -> AtStake:
        positions, orders = self._own.positions.get(event), self._own.orders.get(event)
        external = self._theirs(event) if self._external else NO_MONEY
        if positions is None and orders is None and not external:
            raise KeyError(event)
        return AtStake(self._terms_of(event), positions or [], orders or [], external)

    def _theirs(self, event: str) -> Money:
        """Return what others may lose in an event; where a market belongs nobody knows, in all."""
        return Money(
            sum(
                cost
                for market, cost in self._external.items()
                if self._event_of(market) in (event, None)
            )
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._own.positions | self._own.orders)

    def __len__(self) -> int:
        return len(self._own.positions | self._own.orders)


def exposure_of(
    state: LaneState,
    equity: Money | None,
    terms_of: TermsOf = unknown_terms,
    now: Micros | None = None,
    own: Own | None = None,
    event_of: EventOf = unknown_event,
) -> Exposure:
    """Return the worst case of a state.

    Args:
        state: the lane's state.
        equity: its marked equity if it can be told.
        terms_of: what is known of an event's markets.
        now: the present; None counts all orders the state remembers as recent.
        own: what the state holds and ordered, if it is at hand.
        event_of: tells where what others have in the account belongs.

    """
    own = own_of(state) if own is None else own
    by_market, by_event = dict(own.holding.by_market), dict(own.holding.by_event)
    reserved = live = 0
    for event, orders in own.orders.items():
        for order in orders:
            amount = int(order.reserved)
            reserved += amount
            live += order.state.live
            if order.purpose is _EXIT:
                doubtful = [fill for fill in order.fills if fill.provisional]
                amount = sum(fill.basis for fill in doubtful)
                reserved += sum(fill.cost for fill in doubtful)
            by_market[order.market] = Money(by_market.get(order.market, NO_MONEY) + amount)
            by_event[event] = Money(by_event.get(event, NO_MONEY) + amount)
    for market, cost in state.external.items():
        by_market[market] = Money(by_market.get(market, NO_MONEY) + cost)
    day, peak = state.day, state.peak
    times = state.entry_times
    return Exposure(
        total=Money(sum(by_market.values())),
        by_market=by_market,
        by_event=by_event,
        events=_Stakes(own, terms_of, state.external, event_of),
        live_orders=live,
        recent_entries=len(times if now is None else [t for t in times if t > now - MINUTE]),
        free_cash=Money(state.cash - reserved),
        day_pnl=None if day is None or equity is None else Money(equity - day.equity),
        drawdown=None if peak is None or equity is None else Money(max(0, peak - equity)),
        day_loss=state.day_loss,
        fallen=state.fallen,
        loss_streak=state.loss_streak,
        halted=state.halted,
        venue=state.venue,
        disarmed=_disarmed(state, now),
        unreconciled=state.unreconciled,
    )


def _disarmed(state: LaneState, now: Micros | None) -> str | None:
    """Return why a live lane may open nothing for want of a person's consent."""
    until = state.armed_until
    if not state.live:
        return None
    if until is None or now is None:
        return "not armed"
    return None if now < until else f"armed until {format_time(until)}"
