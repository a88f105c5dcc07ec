"""A simulator of trials: hours of believable trades, quiet or harmed, judged by the real tests.

Profit of a trade walks in heavy-tailed steps (Student's t with three degrees of freedom) between
the ages at which it has a price; trades of one event share 0.6 of their variance; how many there
are varies with a gamma activity. What a run measures depends on these assumptions and nothing else.

``python -m tests.simulation.rollback_windows`` measures everything and prints the tables of the
page on rollback.
"""

from __future__ import annotations

import math
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from random import Random
from typing import Final

import attrs

from market_bot.core.domain.numbers import HOUR, Micros, Money, money
from market_bot.core.domain.rollback.baseline import Baseline, make_baseline
from market_bot.core.domain.rollback.cohort import Worth
from market_bot.core.domain.rollback.constants import AGES, LOOKS, MINUTE
from market_bot.core.domain.rollback.error_check import Tally, check_errors
from market_bot.core.domain.rollback.evidence import PNL, TRIPWIRE, Evidence, examine
from market_bot.core.domain.rollback.placebo import deepest_loss
from market_bot.core.domain.rollback.pnl_check import events_needed
from market_bot.core.domain.rollback.probation import bet, event_scores
from market_bot.core.domain.rollback.terms import Terms
from market_bot.core.domain.rollback.tripwire import allowed_loss
from market_bot.core.domain.statistics import EProcess

SPREAD: Final = 0.031
COST: Final = 0.01
SHARED: Final = 0.6
NEW_EVENT: Final = 0.7
ACTIVITY: Final = 4.0
CONTRACTS: Final = 10
HOURS: Final = 672
RATES: Final = (4, 10, 30, 60)

_STEPS: Final = len(AGES) - 1
_MICRO: Final = 1_000_000


def _heavy(seed: int, many: int = 1 << 15) -> list[float]:
    """Return a stock of steps: Student's t with three degrees of freedom, of variance one."""
    rng = Random(seed)
    third = math.sqrt(3.0)
    return [
        rng.gauss(0, 1) / math.sqrt(rng.gammavariate(1.5, 2.0) / 3.0) / third for _ in range(many)
    ]


_STOCK: Final = _heavy(20)
_ROOTS: Final = [SPREAD * math.sqrt((late - early) / AGES[-1]) for early, late in pairwise(AGES)]
_OWN: Final = [root * math.sqrt(1.0 - SHARED) for root in _ROOTS]
_COMMON: Final = [root * math.sqrt(SHARED) for root in _ROOTS]


@attrs.frozen(kw_only=True)
class Harm:
    """What a change does.

    Args:
        worse: deviations by which each trade is worse at every age.
        drift: dollars a contract that a trade has lost after an hour, evenly over it.
        slip: dollars a contract that each entry costs more, at once.
        times: how many times as many trades it makes.
        predicted: how many times as many replay had predicted.

    """

    worse: float = 0.0
    drift: float = 0.0
    slip: float = 0.0
    times: float = 1.0
    predicted: float = 1.0


QUIET: Final = Harm()


class Lane:
    """A lane that makes trades at a rate, the same for the same seed."""

    def __init__(self, rate: float, seed: int) -> None:
        self.rate = rate
        self.rng = Random(f"{rate}:{seed}")
        self._named = 0

    def count(self, activity: float) -> int:
        """Return how many trades an hour of this activity has."""
        mean, rng = self.rate * activity, self.rng
        # Gaps between trades of a Poisson process.
        many, at = 0, rng.expovariate(1.0)
        while at < mean:
            many += 1
            at += rng.expovariate(1.0)
        return many

    def activity(self) -> float:
        """Return how busy an hour is, 1 on average."""
        return self.rng.gammavariate(ACTIVITY, 1.0 / ACTIVITY)

    def trades(self, begin: int, many: int, harm: Harm = QUIET) -> list[Worth]:
        """Return the trades of an hour, by opening time."""
        rng, events = self.rng, list[tuple[str, list[float]]]()
        openings = sorted(begin + int(rng.random() * HOUR) for _ in range(many))
        trades = []
        for opened in openings:
            if not events or rng.random() < NEW_EVENT:
                self._named += 1
                events.append((f"e{self._named}", rng.choices(_STOCK, k=_STEPS)))
                name, common = events[-1]
            else:
                name, common = events[int(rng.random() * len(events))]
            trades.append(self._trade(opened, name, common, harm))
        return trades

    def _trade(self, opened: int, event: str, common: Sequence[float], harm: Harm) -> Worth:
        level = -COST - harm.slip
        values = [level]
        steps = zip(self.rng.choices(_STOCK, k=_STEPS), common, _OWN, _COMMON, strict=True)
        for age, (own, shared, by_own, by_event) in zip(AGES[1:], steps, strict=True):
            level += own * by_own + shared * by_event
            part = age / AGES[-1]
            known = harm.worse * SPREAD * math.sqrt(part)
            values.append(level + (COST - harm.drift) * part - known)
        return Worth(
            name=str(opened),
            event=event,
            opened=Micros(opened),
            per_contract=tuple(values),
            whole=tuple(Money(int(value * _MICRO) * CONTRACTS * _MICRO) for value in values),
        )


def with_prediction(baseline: Baseline, ratio: float) -> Terms:
    """Return terms whose budget never speaks, so that the statistics do."""
    return Terms(
        baseline=baseline,
        config="new",
        before="old",
        budget=money("1000000"),
        ratio=ratio,
        shadow=True,
    )


def baseline_of(lane: Lane, hours: int = HOURS) -> Baseline:
    """Return the baseline of quiet weeks."""
    trades: list[Worth] = []
    for hour in range(hours):
        trades += lane.trades(hour * HOUR, lane.count(lane.activity()))
    return make_baseline(trades, Micros(0), Micros(hours * HOUR), tally=Tally(200, 10_000))


@attrs.frozen
class Watched:
    """One window: which tests raised an alarm at which minute, and how many entries it had."""

    alarms: dict[str, int]
    enough: bool
    testable: bool
    entries: int

    @property
    def reverted(self) -> int | None:
        """Return the minute of the first alarm."""
        return min(self.alarms.values(), default=None)


def watch(lane: Lane, terms: Terms, harm: Harm = QUIET) -> Watched:
    """Return what the tests say of one hour after a change."""
    activity = lane.activity()
    shadow = sorted(lane.rng.random() * HOUR for _ in range(lane.count(activity)))
    trades = lane.trades(0, lane.count(activity * harm.times), harm)
    scored = tuple(map(terms.baseline.scored, trades))
    openings = [trade.opened for trade in trades]
    alarms: dict[str, int] = {}
    enough = testable = False
    for minute in LOOKS:
        cut = minute * MINUTE
        findings = examine(
            Evidence(
                minute=minute,
                cut=cut,
                trades=scored,
                live=bisect_right(openings, cut),
                shadow=bisect_right(shadow, cut),
            ),
            terms,
        )
        for code in findings.alarms:
            alarms.setdefault(code, minute)
        testable = findings.profit.testable
        enough = findings.profit.events >= events_needed(terms.baseline.limit, 0.75)
    # The tripwire is looked at every minute; the worst moment of the hour is no later.
    if deepest_loss(trades, 0) < -allowed_loss(
        terms.budget, terms.baseline.loss, terms.ratio, LOOKS[-1]
    ):
        alarms[TRIPWIRE] = LOOKS[-1]
    return Watched(alarms, enough=enough, testable=testable, entries=len(trades))


def baselines_of(rate: float, many: int, seed: int = 0) -> list[Baseline]:
    """Return independent baselines of lanes with the same rate."""
    return [baseline_of(Lane(rate, seed + number)) for number in range(many)]


def windows(
    baselines: Sequence[Baseline], rate: float, many: int, harm: Harm = QUIET
) -> Iterator[Watched]:
    """Yield windows of a lane, evenly over baselines."""
    for number, baseline in enumerate(baselines):
        terms = with_prediction(baseline, harm.predicted)
        lane = Lane(rate, 1_000_000 + number)
        for _ in range(many // len(baselines)):
            yield watch(lane, terms, harm)


def probation(lane: Lane, baseline: Baseline, harm: Harm, events: int) -> EProcess:
    """Return the wealth after so many events on probation."""
    scored = []
    begin = done = 0
    while done < events:
        trades = lane.trades(begin, lane.count(lane.activity()), harm)
        scored += [baseline.scored(trade) for trade in trades]
        done += len({trade.event for trade in trades})
        begin += HOUR
    return bet(event_scores(scored, begin + 3 * HOUR)[:events])


def error_look(
    rng: Random, chance: float, ours: float, beside: float, *, calls: int, control: int = 360
) -> tuple[int | None, bool]:
    """Return the minute of an error alarm, and whether one was taken for a venue incident.

    Args:
        rng: chance.
        chance: the usual rate of errors.
        ours: the rate during the window.
        beside: the rate of the control during the window.
        calls: our orders an hour.
        control: the control's tries an hour.

    """
    failed = sorted(rng.random() * 60 for _ in range(calls) if rng.random() < ours)
    others = sorted(rng.random() * 60 for _ in range(control) if rng.random() < beside)
    incident = False
    for minute in LOOKS:
        tally = Tally(
            bisect_right(failed, minute),
            max(bisect_right(failed, minute), calls * minute // 60),
            bisect_right(others, minute),
            max(bisect_right(others, minute), control * minute // 60),
        )
        found = check_errors(tally, chance, minute)
        incident |= found.incident
        if found.alarm:
            return minute, incident
        if found.incident:
            return None, True
    return None, incident


# -- the tables ------------------------------------------------------------------------------


def percent(part: int, whole: int) -> str:
    """Return a share in percent with one decimal."""
    return f"{100 * part / whole:.1f}" if whole else "-"


def quiet_table(many: int, baselines: int, say: Callable[[str], None]) -> None:
    """Measure false alarms."""
    say("| entries/h | testable | profit | tripwire | count | any test | kept after 60 min |")
    say("| --- | --- | --- | --- | --- | --- | --- |")
    for rate in RATES:
        seen = list(windows(baselines_of(rate, baselines), rate, many))
        counted = len(seen)
        row = [
            sum(w.testable for w in seen),
            sum(PNL in w.alarms for w in seen),
            sum(TRIPWIRE in w.alarms for w in seen),
            sum("too_many" in w.alarms or "too_few" in w.alarms for w in seen),
            sum(bool(w.alarms) for w in seen),
            sum(w.enough and not w.alarms for w in seen),
        ]
        say(f"| {rate} | " + " | ".join(percent(n, counted) for n in row) + " |")


HARMS: Final = {
    "−0.65 sd at every age": Harm(worse=0.65),
    "−1.3 sd at every age": Harm(worse=1.3),
    "−2 ¢, evenly over the hour": Harm(drift=0.02),
    "−4 ¢, evenly over the hour": Harm(drift=0.04),
    "slippage +2 ¢": Harm(slip=0.02),
    "3× trades, predicted": Harm(times=3.0, predicted=3.0),
    "3× trades, not predicted": Harm(times=3.0),
    "3× predicted and −0.65 sd": Harm(worse=0.65, times=3.0, predicted=3.0),
}


def harm_table(many: int, baselines: int, say: Callable[[str], None]) -> None:
    """Measure what is caught within the hour: any test, by profit alone, and when."""
    say("| entries/h | change | any test | profit test alone | mean minute of the first alarm |")
    say("| --- | --- | --- | --- | --- |")
    for rate in RATES:
        usual = baselines_of(rate, baselines, 500)
        for name, harm in HARMS.items():
            seen = list(windows(usual, rate, many, harm))
            caught = [w.reverted for w in seen if w.reverted is not None]
            pnl = sum(PNL in w.alarms for w in seen)
            when = f"{sum(caught) / len(caught):.0f}" if caught else "-"
            counted = len(seen)
            say(
                f"| {rate} | {name} | {percent(len(caught), counted)} |"
                f" {percent(pnl, counted)} | {when} |"
            )


def probation_table(many: int, baselines: int, say: Callable[[str], None]) -> None:
    """Measure the probation at ten entries an hour."""
    say("| change | within 30 events | 60 | 100 | 200 |")
    say("| --- | --- | --- | --- | --- |")
    usual = baselines_of(10, baselines, 900)
    for deviations in (0.0, 0.25, 0.5, 1.0):
        ends: list[int] = []
        for number, baseline in enumerate(usual):
            lane = Lane(10, 2_000_000 + number)
            for _ in range(many // baselines):
                wealth = probation(lane, baseline, Harm(worse=deviations), 200)
                ends.append(wealth.events if wealth.alarms else 10**9)
        row = [
            percent(sum(end <= limit for end in ends), len(ends)) for limit in (30, 60, 100, 200)
        ]
        say(f"| −{deviations:g} sd per trade | " + " | ".join(row) + " |")


def error_table(many: int, say: Callable[[str], None]) -> None:
    """Measure the error test; the usual rate is 2 %, that of the control 0.5 %."""
    say("| orders/h | ×1 | ×4 | ×8 | ×8 by minute 30 | venue incident (both ×8) |")
    say("| --- | --- | --- | --- | --- | --- |")
    for calls in (30, 60, 120, 300):
        rng = Random(calls)
        row = []
        for times in (1, 4, 8):
            found = [
                error_look(rng, 0.02, 0.02 * times, 0.005, calls=calls)[0] for _ in range(many)
            ]
            row.append(percent(sum(at is not None for at in found), many))
            if times == 8:
                row.append(percent(sum(at is not None and at <= 30 for at in found), many))
        venue = [error_look(rng, 0.02, 0.16, 0.16, calls=calls)[0] for _ in range(many)]
        row.append(percent(sum(at is not None for at in venue), many))
        say(f"| {calls} | " + " | ".join(row) + " |")


def main(quiet: int = 20_000, harmed: int = 1_000, baselines: int = 20) -> None:
    """Print every table, with its size and the processor time it took."""

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    say(f"quiet windows per rate: {quiet}, harmed per cell: {harmed}, baselines: {baselines}\n")
    error_table(harmed, say)
    for table, many in (
        (quiet_table, quiet),
        (harm_table, harmed),
        (probation_table, harmed // 2),
    ):
        before = time.process_time()
        say("")
        table(many, baselines if table is quiet_table else max(1, baselines // 4), say)
        say(f"\n({time.process_time() - before:.0f} s)")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
