"""A few facts in the shape a lane really writes, for stories about the journal."""

from __future__ import annotations

from market_bot.core.domain.events import (
    BotStopped,
    Checkpoint,
    Denied,
    Event,
    Fill,
    Halt,
    OrderIntent,
    Scan,
)
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, money, parse_time, price, probability, size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Gate
from market_bot.core.ports.journal import Chain

CHAIN = Chain("kalshi", "paper")
START: Micros = parse_time("2026-11-22T00:30:00.123456Z")
DAY = 86_400_000_000
CONFIG = "c0ffee"

CHECKPOINT = Checkpoint(fold=1, digest="d", state={"cash": "100", "orders": {}})
SCAN = Scan(position="7", markets=3, views=2, signals=1, denied=0, intents=1, equity=money("100.5"))
HALT = Halt(by="operator", reason="lunch – back soon")
STOPPED = BotStopped(reason="told to", ticks=3)
DENIED = Denied(
    signal="s-2",
    strategy="buy_longshots",
    market="KXHIGHNY-26NOV22-T40",
    event="KXHIGHNY-26NOV22",
    family="KXHIGHNY",
    leg=Leg.NO,
    purpose=Purpose.ENTRY,
    phase="begin",
    gates=(Gate("max_spread", "0.02", "0.05", hard=False), Gate("cap", "10", "11", hard=True)),
    price=price("0.4"),
    size=size("1.5"),
)
FILL = Fill(
    signal="s-1",
    strategy="buy_longshots",
    market="KXHIGHNY-26NOV22-T40",
    event="KXHIGHNY-26NOV22",
    family="KXHIGHNY",
    leg=Leg.YES,
    intent="i-1",
    fill="f-1",
    purpose=Purpose.ENTRY,
    liquidity=Style.TAKER,
    price=price("0.12"),
    size=size(10),
    cost=money("1.2"),
    fee=money("0.0123"),
    traded_at=START,
)


def intent(purpose: Purpose = Purpose.ENTRY) -> OrderIntent:
    """Return an order about to be sent."""
    return OrderIntent(
        signal="s-1",
        strategy="buy_longshots",
        market="KXHIGHNY-26NOV22-T40",
        event="KXHIGHNY-26NOV22",
        family="KXHIGHNY",
        leg=Leg.YES,
        intent="i-1",
        purpose=purpose,
        style=Style.TAKER,
        price=price("0.12"),
        size=size(10),
        fee_bound=money("0.02"),
        expires_at=Micros(START + 60_000_000),
        belief=probability("0.2"),
        edge=price("0.08"),
    )


STORY: tuple[tuple[Event, int], ...] = (
    (HALT, 0),
    (SCAN, 1),
    (intent(), 2),
    (FILL, 3),
    (SCAN, 4),
    (DENIED, 5),
    (CHECKPOINT, DAY),
    (SCAN, DAY + 1),
    (intent(Purpose.EXIT), DAY + 2),
    (SCAN, DAY + 3),
    (STOPPED, DAY + 4),
)
"""Facts with the microseconds after `START` at which they happen, over midnight."""
