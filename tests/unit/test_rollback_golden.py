"""A whole trial, from four weeks of a journal to its last check, has the same bytes everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from market_bot.core.domain.numbers import Price, format_price, money
from market_bot.core.domain.rollback.constants import AGES, BASELINE_DAYS, DAY
from market_bot.core.domain.rollback.history import History, beginning
from market_bot.core.domain.rollback.terms import Terms
from tests.fakes.clock import NOON
from tests.fakes.trials import NEW, OLD, Line, in_order, outcome, scans, trade

GOLDEN = Path(__file__).with_name("golden_rollback.txt")
_HOUR = 60


def dice(seed: int) -> Iterator[int]:
    """Yield numbers from 0 to 1023, the same for ever (Lehmer's generator)."""
    state = seed
    while True:
        state = state * 48_271 % 2_147_483_647
        yield state >> 10 & 1023


def trades(first: int, since: int, until: int, every: int, harm: int) -> list[Line]:
    """Return trades every so many minutes; each price is a step from the one before."""
    parts = []
    for number, minute in enumerate(range(since, until, every), start=first):
        rolls, mid = dice(number + 1), 510_000
        mids = {}
        for age in AGES:
            mid += (next(rolls) - 512) * 20 - harm
            mids[age] = format_price(Price(mid))
        parts.append(trade(number, minute, f"e{number}", mids))
    return in_order(*parts)


def terms() -> Terms:
    """Return the terms of a trial after four weeks with six trades in each hour."""
    history = History(NOON)
    start = (beginning(NOON) - NOON) // (DAY // (24 * _HOUR))
    lines = [
        *trades(10**6, start, -_HOUR, 10, 0),
        *scans(start, start + BASELINE_DAYS * 24 * _HOUR - 1, every=_HOUR),
    ]
    for at, event, _ in sorted(lines, key=lambda line: line[0]):
        history.hear(event, at, OLD)
    return Terms(
        baseline=history.baseline(), config=NEW, before=OLD, budget=money("100"), ratio=2.5
    )


def test_a_trial_has_these_bytes() -> None:
    """The frozen terms, and every check of a harmless and of a harmful change."""
    frozen = terms()
    told = [f"{key} = {value}" for key, value in frozen.frozen().items()]
    for harm in (0, 2_000):
        lines = in_order(scans(0, 70, every=1), trades(1, 0, 70, 3, harm))
        for verdict in outcome(lines, frozen):
            fact = verdict.event("t-1")
            told.append(f"{fact.minute} {fact.verdict}")
            told += [f"  {key} = {value}" for key, value in fact.numbers.items()]

    assert GOLDEN.read_text(encoding="utf-8") == "\n".join(told) + "\n"
