"""A verdict in plain words, with the numbers that made it."""

from __future__ import annotations

from typing import Final

from market_bot.core.domain.numbers import Money
from market_bot.core.domain.statistics import on_grid

from .constants import BASELINE_TRADES, EVENTS_MIN, LAST_LOOK, PROBATION_EVENTS
from .count_check import CountLook
from .error_check import ErrorLook
from .evidence import PNL, PROBATION, TRIPWIRE, Evidence, Findings
from .hard import DENIED, DOUBT, INVARIANT, MISMATCH, STALL
from .pnl_check import detectable
from .terms import Terms

_CENTS: Final = 100
_PER_DOLLAR: Final = 10**12
_BROKEN: Final = {
    DENIED: "a hard limit that never refused anything before refused three times",
    DOUBT: "what became of an order was not known for more than a minute",
    INVARIANT: "something that must always hold did not",
    MISMATCH: "the account and the journal disagree",
    STALL: "the lane's loop stood still",
}


def explain(evidence: Evidence, findings: Findings, terms: Terms, ending: str) -> str:
    """Return what was seen, as one line, and what follows from it."""
    said = [_BROKEN.get(code, code.replace("_", " ")) for code in evidence.hard]
    if TRIPWIRE in findings.alarms:
        lost = Money(-sum(evidence.worths))
        said.append(f"new trades lost {_dollars(lost)}, {_dollars(findings.allowed)} is allowed")
    said.append(_profit(evidence, findings, terms))
    said += _rare(findings, terms)
    if findings.count is not None:
        said += _count(findings.count, terms)
    if findings.errors is not None:
        said += _errors(findings.errors)
    if findings.wealth is not None:
        said.append(_wealth(findings, terms))
    said += _coverage(evidence)
    return f"{'; '.join(said)} → {ending}"


def smallest(evidence: Evidence, findings: Findings, terms: Terms) -> float | None:
    """Return the minimum detectable effect of this look, in deviations per event."""
    return detectable(terms.baseline.limit, findings.profit.events, evidence.minute)


def in_dollars(deviations: float, terms: Terms) -> float | None:
    """Return deviations at the full age in dollars a contract; None without a baseline for it."""
    bucket = terms.baseline.buckets[-1]
    return None if bucket is None else on_grid(deviations * bucket.spread)


def _profit(evidence: Evidence, findings: Findings, terms: Terms) -> str:
    profit = findings.profit
    if not profit.events:
        return f"no new trade has a price yet after {_minutes(evidence.minute)}"
    seen = f"{_many(profit.trades, 'new trade')} in {_many(profit.events, 'event')}"
    if not profit.testable:
        return f"{seen}: fewer than {EVENTS_MIN} events say nothing"
    side = "worse" if profit.mean < 0 else "better"
    return (
        f"{seen}; at equal age they are on average {abs(profit.mean):.1f} sd {side}"
        f" than the last 28 days{_power(evidence, findings, terms)}"
    )


def _power(evidence: Evidence, findings: Findings, terms: Terms) -> str:
    effect = smallest(evidence, findings, terms)
    if effect is None or findings.alarms:
        return ""
    dollars = in_dollars(effect, terms)
    cents = "" if dollars is None else f" ({dollars * _CENTS:.1f} cents a contract)"
    return f", harm below {effect:.1f} sd{cents} would hardly be seen"


def _rare(findings: Findings, terms: Terms) -> list[str]:
    if not findings.profit.testable or PNL not in findings.alarms:
        return []
    if not terms.baseline.placebos:
        return ["lower than the fixed limit; there are no quiet windows to compare with"]
    return [f"only {terms.baseline.as_low(findings.profit.x)} quiet windows looked this bad"]


def _count(count: CountLook, terms: Terms) -> list[str]:
    trades = _many(count.live, "trade")
    if not count.alarm:
        made = f"{trades} where the old settings made {count.shadow}"
        return [] if count.shadow is None else [made]
    many = "more" if count.alarm == "too_many" else "less"
    predicted = f"{terms.ratio:.2g} times as many were predicted"
    if count.shadow is None:
        return [f"{trades}, far {many} than these hours have; {predicted}"]
    return [f"{trades} where the old settings made {count.shadow}; {predicted}"]


def _errors(errors: ErrorLook) -> list[str]:
    if not (errors.alarm or errors.incident):
        return []
    tally = errors.tally
    ours = f"{tally.errors} of {tally.tries} orders failed"
    if errors.incident:
        return [f"{ours}, but what has nothing to do with us failed as well: the venue has trouble"]
    return [f"{ours}, and {tally.control_errors} of {tally.control_tries} of all else"]


def _wealth(findings: Findings, terms: Terms) -> str:
    wealth = findings.wealth
    events = 0 if wealth is None else wealth.events
    seen = f"{events} of {PROBATION_EVENTS} events of the probation are complete"
    if not terms.baseline.knows_enough:
        return f"{seen}, but with fewer than {BASELINE_TRADES} earlier trades they prove nothing"
    level = 0.0 if wealth is None else wealth.wealth
    alarm = " (20 reverts)" if PROBATION not in findings.alarms else ", 20 is enough"
    return f"{seen}; evidence of harm stands at {level:.1f}{alarm}"


def _coverage(evidence: Evidence) -> list[str]:
    if not evidence.uncovered:
        return []
    covered = max(0, evidence.minute - evidence.uncovered)
    return [f"only {covered} of {_minutes(evidence.minute)} had live data of an open venue"]


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _minutes(minute: int) -> str:
    hours, rest = divmod(minute, LAST_LOOK)
    return _many(minute, "minute") if rest or hours <= 1 else _many(hours, "hour")


def _dollars(amount: Money) -> str:
    return f"${amount / _PER_DOLLAR:.2f}"
