"""What the simulated venue pays besides trades, as its rules say: once per UTC day, for that day.

The formulas are those of the core; here they are no estimates but the rules themselves. Once a
minute what waits of ours is scored against what the crowd displays, whose midpoint counts.
"""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.adapters.simulated.sim_desk import Agenda, Desk, Listed
from market_bot.core.domain.book import Book, Side
from market_bot.core.domain.fills.rewards import LIQUIDITY, Quoted, liquidity_sample
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import HOUR, SECOND, Micros, utc_date

_MINUTE: Final = 60 * SECOND
_DAY: Final = 24 * HOUR


@attrs.define(eq=False)
class Paymaster:
    """Scores what waits and pays at midnight what the rules of the world promise.

    A day is paid a moment before anything else happens on the next one; what was earned on the day
    on which the world ends is not paid.

    Args:
        desk: where our orders are and what we are paid.
        agenda: does things later.

    """

    desk: Desk
    agenda: Agenda

    def begin(self, at: Micros) -> None:
        """Begin to score and to pay, as far as the rules ask for it."""
        rewards = self.desk.settings.rewards
        if rewards.daily or rewards.rebates:
            self.desk.earned.day = utc_date(at)
            self.agenda.later(_next(at, _DAY), self._pay, None)
        if rewards.daily:
            self.agenda.later(_next(at, _MINUTE), self._sample, None)

    def _sample(self, _: None, at: Micros) -> None:
        self.agenda.later(_next(at, _MINUTE), self._sample, None)
        if self.agenda.closed:
            return
        for market, mine in self.desk.quoted().items():
            listed = self.desk.listed[market]
            if listed.status is MarketStatus.OPEN:
                self._score(listed, mine, at)

    def _score(self, listed: Listed, mine: list[Quoted], at: Micros) -> None:
        terms = listed.market.reward
        if terms is not None:
            earned = liquidity_sample(terms, _crowd(listed, at), mine)
            self.desk.earned.earn(LIQUIDITY, listed.market.id, earned)

    def _pay(self, _: None, at: Micros) -> None:
        # Put a day ago, so that it comes before the sample of the same moment.
        for payment in self.desk.earned.close_day(at):
            self.desk.pay(payment, at)
        self.agenda.later(_next(at, _DAY), self._pay, None)


def _next(at: Micros, span: int) -> Micros:
    return Micros((at // span + 1) * span)


def _crowd(listed: Listed, at: Micros) -> Book:
    """Return what is displayed without our own orders."""
    book, shown = listed.book, Book()
    bids = {price: book.crowd_at(Side.BID, price) for price in book.bids}
    asks = {price: book.crowd_at(Side.ASK, price) for price in book.asks}
    shown.replace(bids, asks, at)
    return shown
