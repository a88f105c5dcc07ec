"""What a leak rule is: a pure function from a night's windows to what it found.

A rule sees three windows that end at the same moment: the day it judges, the week that confirms,
the month that says what is usual. It measures; whether that is much is decided for all rules
together, since many rules that each err once in twenty nights would err almost every night.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

import attrs

from market_bot.core.domain.analytics.window import Window
from market_bot.core.domain.numbers import NO_MONEY, Money


class Status(Enum):
    """What a night may say about one leak."""

    INSUFFICIENT = "insufficient"
    OK = "ok"
    SUSPECT = "suspect"
    CONFIRMED = "confirmed"


class Kind(Enum):
    """What could stop a leak: a knob, work on the bot, better data, the venue; or nothing need."""

    TUNING = "tuning"
    STRUCTURAL = "structural"
    DATA = "data"
    VENUE = "venue"
    NOISE = "noise"


@attrs.frozen(kw_only=True)
class Knobbed:
    """A knob that could stop a leak, and the way it would have to be turned (+1 up, -1 down)."""

    path: str
    direction: int


@attrs.frozen(kw_only=True)
class Measured:
    """What one rule says of one window, about one subject (a family, a strategy, "" for all).

    Args:
        n: observations; ``events`` independent ones among them.
        missing: how many more observations, or events, would be needed; 0 if there are enough.
        estimate, low, high: the effect in ``unit`` and its interval (the level is the rule's own);
            None if there is none. Positive is money lost.
        p: one-sided chance of so much if nothing leaked; None where the rule has no test.
        flagged: whether all conditions of the rule hold in this window, corrections apart.
        cost_low, cost_point: dollars per day that are lost, at the bound nearest to zero and at
            the estimate; never negative.
        evidence: sequence numbers of the lines that count most, at most 50, ascending.
        claims: closed pieces (their ``seq``) with the loss this leak explains of each, in 1e-12
            dollars, so that no dollar is counted under two leaks.
        detail: the rule's own numbers as decimal strings.

    """

    subject: str = ""
    n: int
    events: int
    missing: int = 0
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    p: float | None = None
    flagged: bool = False
    cost_low: Money = NO_MONEY
    cost_point: Money = NO_MONEY
    evidence: tuple[int, ...] = ()
    claims: Mapping[int, Money] = attrs.field(factory=dict)
    knobs: tuple[Knobbed, ...] = ()
    kind: Kind = Kind.TUNING
    why_kind: str = ""
    detail: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Night:
    """What rules may look at: three windows up to the same moment, and what could be tuned.

    ``knobs`` are the paths that can be tuned now with their values (decimal strings, None if not
    set), by which a rule knows what is in force; ``seed`` names the night for all resampling.
    ``shadow`` is the day of a lane that did the same on paper, None if there is none.
    """

    night: str
    day: Window
    week: Window
    month: Window
    knobs: Mapping[str, str | None] = attrs.field(factory=dict)
    seed: str = ""
    shadow: Window | None = None


Find = Callable[[Window, Night], tuple[Measured, ...]]
"""Measures one window of a night; one element per subject, in a fixed order; never empty."""


@attrs.frozen(kw_only=True)
class Example:
    """A window with what the rule must say of it; every rule brings its own."""

    name: str
    night: Callable[[], Night]
    flagged: bool
    kind: Kind = Kind.TUNING


@attrs.frozen(kw_only=True)
class LeakRule:
    """A named reason for which money is lost.

    Args:
        name: stable, as in the journal.
        version: raised when its numbers change their meaning.
        summary: one sentence for people: what is lost, and why.
        disproof: what would prove a finding of this rule wrong.
        find: pure and deterministic.
        examples: what its own tests run.
        health: whether it is a check of health: reported, and never a reason to turn a knob.

    """

    name: str
    version: int
    summary: str
    disproof: str
    find: Find
    examples: tuple[Example, ...] = ()
    health: bool = False


@attrs.frozen(kw_only=True)
class Finding:
    """What a night says about one leak: the measures of the day and the week, judged together."""

    id: str
    rule: str
    version: int
    night: str
    subject: str
    status: Status
    kind: Kind
    day: Measured
    week: Measured
    p_corrected: float | None
    cost_low: Money
    cost_point: Money
    rank: int
    why: str
    disproof: str
    nights_seen: int = 1
