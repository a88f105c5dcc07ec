"""Facts of ordinary size, every one a little different."""

from __future__ import annotations

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, Money, Price, Probability, Size
from market_bot.core.domain.orders import Purpose, Style

_AT = 1_793_577_600_000_000


def a_scan(number: int) -> ev.Scan:
    """Return a tick's scan line: the most frequent explaining fact."""
    return ev.Scan(
        position=f"0:{number}",
        markets=500,
        views=number % 40,
        signals=number % 3,
        denied=number % 2,
        intents=0,
        equity=Money(1_000_000_000_000_000 + number % 97 * 10_000_000_000),
    )


def an_acceptance(number: int) -> ev.OrderAccepted:
    """Return a venue's answer: a short fact of consequence."""
    return ev.OrderAccepted(
        intent=f"mb-{number:024x}",
        venue_order=f"paper-mb-{number:024x}",
        sent_at=Micros(_AT + number * 1000),
        queue_ahead=Size(number % 500 * 1_000_000),
    )


def an_intent(number: int) -> ev.OrderIntent:
    """Return an order about to be sent: the fact that has to be on disk first."""
    return ev.OrderIntent(
        signal=f"{number:024x}",
        strategy="bias_harvest",
        market="KXGOLD15M-26AUG050000-00",
        event="KXGOLD15M-26AUG050000",
        family="KXGOLD15M",
        leg=Leg.YES,
        intent=f"mb-{number:024x}",
        purpose=Purpose.ENTRY,
        style=Style.MAKER,
        price=Price(850_000 + number % 10 * 10_000),
        size=Size(28_000_000),
        fee_bound=Money(0),
        expires_at=Micros(_AT + number * 1000),
        belief=Probability(890_000),
        edge=Price(30_000),
        mid=Price(855_000),
    )
