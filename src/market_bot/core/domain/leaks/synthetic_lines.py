"""What one attempt of a synthetic lane writes into the journal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.synthetic_plan import (
    MINUTE,
    SIZE,
    STRATEGY,
    Attempt,
    exact,
)
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    ONE_CONTRACT,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Probability,
    Size,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Gate

_HORIZONS: Final = (0, 1, 5, 10, 15, 20, 30, 40, 50, 60)
_CONTRACTS: Final = Size(SIZE * ONE_CONTRACT)
_ACK: Final = Duration(SECOND // 5)
_REFUSED_TICKS: Final = 120

Line = tuple[Micros, ev.Event]


def attempt_lines(one: Attempt) -> Iterator[Line]:
    """Yield what is written of one attempt, each with its time."""
    yield one.at, _signal(one)
    if one.gate is not None:
        yield from _refusal(one, *one.gate)
        yield from _marks(one, ev.Cause.DENIED, Purpose.ENTRY, _name(one), 0)
        return
    yield from _entry(one)
    yield from _marks(one, ev.Cause.TRADED, Purpose.ENTRY, _name(one), 0)
    if one.exit_at is not None:
        yield from _exit(one, one.exit_at)
        yield from _marks(one, ev.Cause.EXITED, Purpose.EXIT, _name(one, "x"), one.exit_at)
    elif one.won is not None:
        yes = one.won is (one.leg is Leg.YES)
        payout = ONE_DOLLAR if yes else Price(0)
        ended = ev.MarketResolved(
            market=one.market, event=one.event, family=one.family, yes_payout=payout
        )
        yield Micros(one.at + one.closes_in), ended


def _name(one: Attempt, kind: str = "s") -> str:
    return f"{kind}{one.number:07d}"


def _named(one: Attempt, signal: str) -> dict[str, object]:
    return {
        "signal": signal,
        "strategy": STRATEGY,
        "market": one.market,
        "event": one.event,
        "family": one.family,
        "leg": one.leg,
    }


def _signal(one: Attempt) -> ev.SignalRaised:
    mid, half = one.known(0)
    return ev.SignalRaised(
        **_named(one, _name(one)),  # type: ignore[arg-type]  # the names of what was decided
        purpose=Purpose.ENTRY,
        style=one.style,
        price=Price(exact(one.price)),
        belief=_belief(one),
        edge=Price(exact(one.edge)),
        cost=Price(exact(one.cost)),
        reason="synthetic",
        mid=Price(exact(mid)),
        bid=Price(exact(mid - half)),
        ask=Price(exact(mid + half)),
        depth=_CONTRACTS,
        book_age=Duration(int(one.age * SECOND)),
        closes_in=one.closes_in,
    )


def _belief(one: Attempt) -> Probability:
    return Probability(min(ONE_DOLLAR, exact(one.price + one.cost + one.edge)))


def _refusal(one: Attempt, gate: str, hard: bool) -> Iterator[Line]:  # noqa: FBT001 - as it stands in the plan
    size = _CONTRACTS if hard or gate.startswith("cooldown") else Size(0)
    for phase, gates, count, at in (
        ("begin", (Gate(gate, "600s", "60s", hard=hard),), 1, one.at),
        ("end", (), _REFUSED_TICKS, Micros(one.at + _REFUSED_TICKS * SECOND)),
    ):
        yield (
            at,
            ev.Denied(
                **_named(one, _name(one)),  # type: ignore[arg-type]  # the names of what was decided
                purpose=Purpose.ENTRY,
                phase=phase,
                gates=gates,
                price=Price(exact(one.price)),
                size=size,
                count=count,
            ),
        )


def _entry(one: Attempt) -> Iterator[Line]:
    intent = _name(one, "i")
    filled = Micros(one.at + int(one.waited * SECOND))
    yield one.at, _intent(one, intent, _name(one), Purpose.ENTRY, one.style, one.price, one.mid)
    yield Micros(one.at + _ACK), _accepted(intent, one.at)
    yield (
        filled,
        _fill(one, intent, _name(one), Purpose.ENTRY, one.style, one.paid, one.fee, one.fill_mid),
    )


def _exit(one: Attempt, minute: int) -> Iterator[Line]:
    at = Micros(one.at + minute * MINUTE)
    mid, half = one.known(minute)
    intent, signal, price = _name(one, "o"), _name(one, "x"), mid - half
    yield (
        at,
        ev.Exit(
            **_named(one, signal),  # type: ignore[arg-type]  # the names of what was decided
            reason=one.reason,
            size=_CONTRACTS,
            price=Price(exact(price)),
            belief=Probability(max(0, exact(mid))),
        ),
    )
    yield at, _intent(one, intent, signal, Purpose.EXIT, Style.TAKER, price, mid)
    yield Micros(at + _ACK), _accepted(intent, at)
    yield (
        Micros(at + SECOND),
        _fill(one, intent, signal, Purpose.EXIT, Style.TAKER, price, one.exit_fee, mid),
    )


def _intent(
    one: Attempt,
    intent: str,
    signal: str,
    purpose: Purpose,
    style: Style,
    price: float,
    mid: float,
) -> ev.OrderIntent:
    minute = 0 if purpose is Purpose.ENTRY else one.exit_at or 0
    return ev.OrderIntent(
        **_named(one, signal),  # type: ignore[arg-type]  # the names of what was decided
        intent=intent,
        purpose=purpose,
        style=style,
        price=Price(
            max(exact(price), exact(one.paid)) if purpose is Purpose.ENTRY else exact(price)
        ),
        size=_CONTRACTS,
        fee_bound=Money(0),
        expires_at=Micros(one.at + (minute + 1) * MINUTE),
        belief=_belief(one),
        edge=Price(exact(one.edge)),
        mid=Price(exact(mid)),
    )


def _accepted(intent: str, sent_at: Micros) -> ev.OrderAccepted:
    return ev.OrderAccepted(intent=intent, venue_order=f"v-{intent}", sent_at=sent_at)


def _fill(
    one: Attempt,
    intent: str,
    signal: str,
    purpose: Purpose,
    liquidity: Style,
    price: float,
    fee: float,
    mid: float,
) -> ev.Fill:
    at = exact(price)
    return ev.Fill(
        **_named(one, signal),  # type: ignore[arg-type]  # the names of what was decided
        intent=intent,
        fill=f"f-{intent}",
        purpose=purpose,
        liquidity=liquidity,
        price=Price(at),
        size=_CONTRACTS,
        cost=Money(at * _CONTRACTS),
        fee=Money(exact(fee) * _CONTRACTS),
        mid=Price(exact(mid)),
    )


def _marks(
    one: Attempt, cause: ev.Cause, purpose: Purpose, signal: str, minute: int
) -> Iterator[Line]:
    """Yield the later prices of a decision, as long as its market is open."""
    since = Micros(one.at + minute * MINUTE)
    for horizon in _HORIZONS:
        at = Micros(since + horizon * MINUTE)
        if at - one.at >= one.closes_in:
            return
        mid, half = one.known(minute + horizon)
        yield (
            at,
            ev.Mark(
                **_named(one, signal),  # type: ignore[arg-type]  # the names of what was decided
                purpose=purpose,
                cause=cause,
                since=since,
                horizon_s=horizon * 60,
                late=Duration(0),
                mid=Price(exact(mid)),
                bid=Price(exact(mid - half)),
                ask=Price(exact(mid + half)),
            ),
        )
