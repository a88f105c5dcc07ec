"""Journals of trials: baselines, terms, and the lines of trades made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    money,
    price,
    probability,
    size,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.rollback.baseline import Baseline, Bucket
from market_bot.core.domain.rollback.constants import AGES, MINUTE
from market_bot.core.domain.rollback.pnl_check import Scored
from market_bot.core.domain.rollback.terms import Terms
from market_bot.core.domain.rollback.trial import Trial
from market_bot.core.domain.rollback.verdict import Verdict, check
from market_bot.core.domain.statistics import NegativeBinomial

from .clock import NOON

OLD, NEW = "config-old", "config-new"
NAME = "t-1"
PATH = "strategies.mean_reversion.params.min_edge"

Line = tuple[Micros, ev.Event, str]
"""When a line was written, what it says, and under which configuration."""


def after(minutes: float) -> Micros:
    """Return the moment so many minutes after a trial began."""
    return Micros(NOON + round(minutes * MINUTE))


def baseline(**changes: object) -> Baseline:
    """Return a baseline of trades that cost a cent and have a spread of two."""
    plain = Baseline(
        buckets=(None, *(Bucket(1000, -0.01, 0.02) for _ in AGES[1:])),
        trades=1000,
        limit=1.9,
        placebos=672,
        lowest=tuple(round(-3.0 + 0.02 * k, 2) for k in range(68)),
        digest="d" * 64,
        loss=money("50"),
        hours=(NegativeBinomial(10.0, 4.0),) * 24,
        errors=0.02,
    )
    return attrs.evolve(plain, **changes)  # type: ignore[arg-type]  # tests name fields by hand


def terms(**changes: object) -> Terms:
    """Return terms with that baseline and a budget that does not speak."""
    plain = Terms(baseline=baseline(), config=NEW, before=OLD, budget=money("1000"))
    return attrs.evolve(plain, **changes)  # type: ignore[arg-type]  # tests name fields by hand


def scored(event: str, score: float | None, opened: float = 0.0) -> Scored:
    """Return a trade with the same score at every age."""
    return Scored(after(opened), event, (None, *(score for _ in AGES[1:])))


def started(at: Terms | None = None) -> ev.TrialStarted:
    """Return the fact that begins a trial."""
    return ev.TrialStarted(
        trial=NAME,
        proposal="p-1",
        path=PATH,
        before="0.01",
        after="0.012",
        baseline=(at or terms()).frozen(),
    )


def trial(at: Terms | None = None) -> Trial:
    """Return a trial that has just begun, at noon."""
    return Trial(started(at), NOON)


def intent(number: int, at: float, event: str = "", config: str = NEW) -> Line:
    """Return the line of an order that opens a position in a market of its own."""
    fact = ev.OrderIntent(
        **_about(number, event),
        intent=f"i{number}",
        purpose=Purpose.ENTRY,
        style=Style.TAKER,
        price=price("0.50"),
        size=size("10"),
        fee_bound=money("0.10"),
        expires_at=after(at + 1),
        belief=probability("0.55"),
        edge=price("0.05"),
    )
    return after(at), fact, config


def fill(
    number: int, at: float, *, paid: str = "5", fee: str = "0.1", contracts: str = "10"
) -> Line:
    """Return the line of its fill."""
    return _fill(number, at, Purpose.ENTRY, f"f{number}", paid, fee, contracts)


def sale(number: int, at: float, *, got: str, fee: str = "0", contracts: str = "10") -> Line:
    """Return the line of a sale of that position."""
    return _fill(number, at, Purpose.EXIT, f"s{number}-{at}", got, fee, contracts)


def mark(number: int, at: float, age: int, mid: str | None, late: float = 0.0) -> Line:
    """Return the line of a price so many seconds after the decision."""
    fact = ev.Mark(
        **_about(number),
        purpose=Purpose.ENTRY,
        cause=ev.Cause.TRADED,
        since=after(at),
        horizon_s=age,
        late=Duration(round(late * SECOND)),
        mid=None if mid is None else price(mid),
    )
    return Micros(after(at) + age * SECOND + round(late * SECOND)), fact, NEW


def trade(number: int, at: float, event: str, mids: Mapping[int, str]) -> list[Line]:
    """Return an order, its fill a second later, and its later prices by age in seconds."""
    return [
        intent(number, at, event),
        (after(at), _accepted(number), NEW),
        fill(number, at + 1 / 60),
        *(mark(number, at, age, mid) for age, mid in mids.items()),
    ]


def constant(mid: str) -> dict[int, str]:
    """Return the same price at every age."""
    return dict.fromkeys(AGES, mid)


def scans(since: float, until: float, every: float = 0.5) -> list[Line]:
    """Return scans between two minutes, the first one step after the beginning."""
    steps = round((until - since) / every)
    scan = ev.Scan(position="", markets=1, views=1, signals=0, denied=0, intents=0)
    return [(after(since + every * (step + 1)), scan, NEW) for step in range(steps)]


def in_order(*parts: Iterable[Line]) -> list[Line]:
    """Return lines by time; those of one moment stay as they were."""
    return sorted((line for part in parts for line in part), key=lambda line: line[0])


def verdicts(watched: Trial, lines: Iterable[Line]) -> Iterator[tuple[Line, Verdict]]:
    """Drive a trial as the lane does; yield each check that is written down, with its line."""
    for at, event, config in lines:
        watched.hear(event, at, config)
        yield from caught_up(watched, at)


def caught_up(watched: Trial, at: Micros) -> Iterator[tuple[Line, Verdict]]:
    """Make every check that is due, and write down what is worth it."""
    while (minute := watched.due(at)) is not None:
        verdict = check(watched, minute)
        if not verdict.worth_telling:
            watched.passed(minute)
            continue
        told = verdict.event(NAME)
        watched.hear(told, at, NEW)
        yield (at, told, NEW), verdict


def outcome(lines: Sequence[Line], at: Terms | None = None) -> list[Verdict]:
    """Return every verdict that a journal leads to."""
    return [verdict for _, verdict in verdicts(trial(at), lines)]


def _about(number: int, event: str = "") -> dict[str, Any]:
    return {
        "signal": f"g{number}",
        "strategy": "mean_reversion",
        "market": f"m{number}",
        "event": event or f"e{number}",
        "family": "weather",
        "leg": Leg.YES,
    }


def _fill(
    number: int, at: float, purpose: Purpose, name: str, cost: str, fee: str, contracts: str
) -> Line:
    fact = ev.Fill(
        **_about(number),
        intent=f"i{number}" if purpose is Purpose.ENTRY else f"x{number}",
        fill=name,
        purpose=purpose,
        liquidity=Style.TAKER,
        price=Price(Money(money(cost)) // size(contracts)),
        size=size(contracts),
        cost=money(cost),
        fee=money(fee),
    )
    return after(at), fact, NEW


def _accepted(number: int) -> ev.OrderAccepted:
    return ev.OrderAccepted(intent=f"i{number}", venue_order=f"v{number}", sent_at=NOON)
