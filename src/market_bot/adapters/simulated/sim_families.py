"""The families of a simulated world: what is asked, how it is decided, and who trades it.

A family is one value. To add one, write a function that plans an event (a hidden truth and the
terms of its markets) and pass ``families=(*FAMILIES, mine)`` to the venue.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Final

import attrs

from market_bot.adapters.simulated.sim_settings import DAY, MINUTE, Crowd
from market_bot.adapters.simulated.sim_truth import (
    Evidence,
    Path,
    Priced,
    Strike,
    Truth,
    Walk,
    course,
    published,
)
from market_bot.core.domain.market import Condition
from market_bot.core.domain.numbers import HOUR, Duration, Micros

_INFINITE: Final = math.inf


@attrs.frozen(kw_only=True)
class Occasion:
    """What is known when an event is planned.

    Args:
        slot: which of the family's series it belongs to.
        opens: when trading begins.
        closes: when it ends and everything is decided.
        chance: where everything about the event is drawn from; only `random` may be used.
        path: the outside price of this series.

    """

    slot: int
    opens: Micros
    closes: Micros
    chance: random.Random
    path: Path


@attrs.frozen(kw_only=True)
class Terms:
    """One market of an event."""

    suffix: str
    title: str
    strike: str | None = None
    condition: Condition | None = None


@attrs.frozen(kw_only=True)
class Plan:
    """An event: its markets, and what decides them; the truth counts markets in the same order."""

    truth: Truth
    terms: tuple[Terms, ...]
    at_most_one: bool = False
    exhaustive: bool = False
    reference: str | None = None


@attrs.frozen(kw_only=True)
class Family:
    """A kind of event that comes again and again.

    Args:
        name: also the beginning of its events' ids.
        category: the broad category; fees may follow it.
        share: its part of all markets of a world, by weight.
        size: markets in one event.
        lasts: from the opening to the close of an event.
        plan: makes an event.
        crowd: who trades there.
        fine: whether prices have tenths of a cent (under Kalshi's rules only near 0 and 1).
        on_price: whether an outside price decides; such events open on the grid of ``lasts``.

    """

    name: str
    category: str
    share: float
    size: int
    lasts: Duration
    plan: Callable[[Occasion], Plan]
    crowd: Crowd
    fine: bool = False
    on_price: bool = False


def ladder(occasion: Occasion) -> Plan:
    """Plan a day's highest temperature: six ranges of which exactly one comes true."""
    chance = occasion.chance
    shift = chance.random() - 0.5
    edges = [shift + 0.55 * step for step in (-2, -1, 0, 1, 2)]
    ranges = list(zip([-_INFINITE, *edges], [*edges, _INFINITE], strict=True))
    lowest = 40 + int(chance.random() * 40)
    titles = [f"Below {lowest}°"]
    titles += [f"{lowest + 2 * n}° to {lowest + 2 * n + 2}°" for n in range(len(edges) - 1)]
    titles.append(f"{lowest + 2 * len(edges) - 2}° or more")
    truth = Walk(chance, course(chance, occasion.opens, occasion.closes, news=1.5), ranges)
    terms = tuple(Terms(suffix=f"B{n}", title=title) for n, title in enumerate(titles))
    return Plan(truth=truth, terms=terms, at_most_one=True, exhaustive=True)


def election(occasion: Occasion) -> Plan:
    """Plan a vote with four listed candidates; now and then somebody else wins."""
    chance = occasion.chance
    weights = [0.2 + chance.random() for _ in range(4)]
    weights.append(0.04 * sum(weights))
    way = course(chance, occasion.opens, occasion.closes, news=4.0, surprise=0.1)
    terms = tuple(Terms(suffix=f"C{n}", title=f"Candidate {'ABCD'[n]} wins") for n in range(4))
    return Plan(truth=Evidence(chance, way, weights, strength=9.0), terms=terms, at_most_one=True)


def match(occasion: Occasion) -> Plan:
    """Plan a match between two sides; one of them wins."""
    chance = occasion.chance
    first = 0.3 + 0.4 * chance.random()
    way = course(chance, occasion.opens, occasion.closes, news=5.0, news_share=0.6)
    terms = (Terms(suffix="RED", title="Red wins"), Terms(suffix="BLU", title="Blue wins"))
    truth = Evidence(chance, way, (first, 1.0 - first), strength=6.0)
    return Plan(truth=truth, terms=terms, at_most_one=True, exhaustive=True)


def release(occasion: Occasion) -> Plan:
    """Plan a statistic with four nested thresholds; half of it is a surprise at the release."""
    chance = occasion.chance
    shift = 0.6 * (chance.random() - 0.5)
    ranges = [(shift + step, _INFINITE) for step in (-1.2, -0.4, 0.4, 1.2)]
    way = course(chance, occasion.opens, occasion.closes, news=2.0, surprise=0.5)
    terms = tuple(
        Terms(suffix=f"A{n}", title=f"Above {2.0 + n / 10:.1f} %") for n in range(len(ranges))
    )
    return Plan(truth=Walk(chance, way, ranges), terms=terms)


def award(occasion: Occasion) -> Plan:
    """Plan a prize with three on the list, one of whom gets it."""
    chance = occasion.chance
    weights = [0.3 + chance.random() for _ in range(3)]
    way = course(chance, occasion.opens, occasion.closes, news=1.0, surprise=0.1)
    terms = tuple(Terms(suffix=f"N{n}", title=f"Nominee {'ABC'[n]} wins") for n in range(3))
    truth = Evidence(chance, way, weights, strength=7.0)
    return Plan(truth=truth, terms=terms, at_most_one=True, exhaustive=True)


def rumour(occasion: Occasion) -> Plan:
    """Plan a yes/no question about which much is said and little known."""
    chance = occasion.chance
    edge = 1.2 * (chance.random() - 0.5)
    way = course(chance, occasion.opens, occasion.closes, news=1.0, news_share=0.3, surprise=0.3)
    truth = Walk(chance, way, ((edge, _INFINITE),))
    return Plan(truth=truth, terms=(Terms(suffix="YES", title="It happens"),))


def quarter_hour(occasion: Occasion) -> Plan:
    """Plan fifteen minutes of an outside price: up or down, two levels, two that may be touched."""
    path = occasion.path
    deviation = math.sqrt(path.variance_per_second * (occasion.closes - occasion.opens) / 1e6)
    base = path.cents
    at_least, above, below_it = (
        Condition.AT_LEAST,
        Condition.TOUCH_ABOVE,
        Condition.TOUCH_BELOW,
    )
    asked = (
        ("UP", 0.0, at_least),
        ("LOW", -0.8, at_least),
        ("HIGH", 0.8, at_least),
        ("TOUCHUP", 1.0, above),
        ("TOUCHDN", -1.0, below_it),
    )
    strikes = tuple(
        Strike(round(base * math.exp(away * deviation)), condition) for _, away, condition in asked
    )
    terms = tuple(
        Terms(
            suffix=suffix,
            title=f"{path.name} {condition.value.replace('_', ' ')} {published(strike.cents)}",
            strike=published(strike.cents),
            condition=condition,
        )
        for (suffix, _, condition), strike in zip(asked, strikes, strict=True)
    )
    truth = Priced(path, occasion.closes, strikes)
    return Plan(truth=truth, terms=terms, reference=path.name)


FAMILIES: Final = (
    Family(
        name="SIM-HEAT",
        category="weather",
        share=0.36,
        size=6,
        lasts=Duration(12 * HOUR),
        plan=ladder,
        crowd=Crowd(rate=0.02, bias=0.28, lag_seconds=20.0),
    ),
    Family(
        name="SIM-VOTE",
        category="politics",
        share=0.14,
        size=4,
        lasts=Duration(5 * DAY),
        plan=election,
        crowd=Crowd(
            rate=0.01,
            bias=0.12,
            lag_seconds=60.0,
            noise=0.004,
            noise_jump=0.9,
            noise_seconds=900.0,
            half_spreads=(5_000, 5_000, 5_000, 10_000),
        ),
        fine=True,
    ),
    Family(
        name="SIM-MATCH",
        category="sports",
        share=0.10,
        size=2,
        lasts=Duration(5 * HOUR // 2),
        plan=match,
        crowd=Crowd(rate=0.06, bias=0.22, lag_seconds=8.0, informed=0.2),
    ),
    Family(
        name="SIM-RATE",
        category="economics",
        share=0.10,
        size=4,
        lasts=Duration(2 * DAY),
        plan=release,
        crowd=Crowd(rate=0.01, bias=0.10, lag_seconds=30.0),
    ),
    Family(
        name="SIM-AWARD",
        category="culture",
        share=0.10,
        size=3,
        lasts=DAY,
        plan=award,
        crowd=Crowd(rate=0.015, bias=-0.30, lag_seconds=20.0),
    ),
    Family(
        name="SIM-RUMOUR",
        category="culture",
        share=0.08,
        size=1,
        lasts=DAY,
        plan=rumour,
        crowd=Crowd(rate=0.03, noise=0.006, noise_jump=0.9, noise_seconds=240.0, trade=0.15),
    ),
    Family(
        name="SIM-COIN15",
        category="crypto",
        share=0.10,
        size=5,
        lasts=Duration(15 * MINUTE),
        plan=quarter_hour,
        crowd=Crowd(rate=0.1, bias=0.25, lag_seconds=4.0, informed=0.1),
        fine=True,
        on_price=True,
    ),
)
