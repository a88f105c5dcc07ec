"""Whatever a trial's journal says: restarts, order and worse prices do what they must."""

from __future__ import annotations

from itertools import groupby

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros, Money, Price, money
from market_bot.core.domain.rollback.baseline import (
    Baseline,
    Bucket,
    frozen,
    make_baseline,
    thawed,
)
from market_bot.core.domain.rollback.cohort import Worth
from market_bot.core.domain.rollback.constants import AGES
from market_bot.core.domain.rollback.verdict import Kind, Verdict
from market_bot.core.domain.statistics import NegativeBinomial, on_grid
from tests.fakes.trials import (
    NEW,
    Line,
    after,
    baseline,
    caught_up,
    in_order,
    outcome,
    sale,
    scans,
    terms,
    trade,
    trial,
    verdicts,
)

TERMS = terms(baseline=baseline(hours=(None,) * 24, limit=1.5, loss=money("8")))

minutes = st.integers(0, 80)
prices = st.sampled_from(["0.35", "0.42", "0.47", "0.5", "0.52", "0.58"])
troubles = st.sampled_from(
    [
        ev.Tick(position="", reason="stale"),
        ev.BotStopped(reason="stop"),
        ev.OrderRejected(intent="q", code="no"),
        ev.Error(where="venue:x", message="", count=20),
        ev.OrderUnknown(intent="i1", reason="timeout"),
        ev.OrderCancelled(intent="i1", reason="", remaining=Money(0)),  # type: ignore[arg-type]  # none is left
        ev.FillReversed(intent="i2", fill="f2", reason="failed"),
        ev.Reconciled(account="a", complete=True),
        ev.MarketResolved(market="m3", event="e", family="f", yes_payout=Price(0)),
    ]
)


@st.composite
def journals(draw: st.DrawFn) -> list[Line]:
    """Draw a trial's journal: scans with gaps, trades, sales, and what goes wrong."""
    number = draw(st.integers(0, 14))
    opened = draw(st.lists(minutes, min_size=number, max_size=number))
    parts = []
    for index, at in enumerate(opened):
        mids = dict(zip(AGES, draw(st.lists(prices, min_size=10, max_size=10)), strict=True))
        parts.append(trade(index, at, f"e{index % 9}", mids))
        if draw(st.booleans()):
            parts.append([sale(index, at + draw(st.integers(1, 9)), got="4.5")])
    for _ in range(draw(st.integers(0, 8))):
        moment = draw(minutes)
        parts.append([(after(moment), draw(troubles), NEW)] * draw(st.integers(1, 4)))
    quiet = draw(st.integers(1, 60))
    parts += [scans(0, quiet, 1), scans(quiet + draw(st.sampled_from([0, 0, 3, 20])), 100, 1)]
    return in_order(*parts)


def told(lines: list[Line]) -> list[ev.TrialChecked]:
    """Return every check that is written down, as bytes would be."""
    return [verdict.event("t") for verdict in outcome(lines, TERMS)]


@given(journals(), st.floats(0, 1), st.booleans())
@settings(max_examples=20)
def test_a_restart_changes_nothing(lines: list[Line], place: float, lost: bool) -> None:
    """After any line, checks missed or made: the same checks at the same minutes."""
    stop = round(place * len(lines))
    journal: list[Line] = []
    found: list[ev.TrialChecked] = []
    watched = trial(TERMS)
    for line in lines[:stop]:
        journal.append(line)
        for written, verdict in verdicts(watched, [line]):
            journal.append(written)
            found.append(verdict.event("t"))
    if lost and journal and isinstance(journal[-1][1], ev.TrialChecked):
        # The last check was made, but the bot died before it was on the disk.
        journal.pop()
        found.pop()
    assert told(lines) == found + resumed(journal, lines[stop:])


def resumed(journal: list[Line], rest: list[Line]) -> list[ev.TrialChecked]:
    """Return the checks that a bot makes which starts with a journal, and goes on."""
    again = trial(TERMS)
    for at, event, config in journal:
        again.hear(event, at, config)
    last = journal[-1][0] if journal else after(0)
    found = [verdict for _, verdict in caught_up(again, last)]
    found += [verdict for _, verdict in verdicts(again, rest)]
    return [verdict.event("t") for verdict in found]


@given(journals(), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_lines_of_one_moment_have_no_order(lines: list[Line], random: object) -> None:
    """However they are written, the checks are the same to the byte."""
    mixed: list[Line] = []
    for _, group in groupby(lines, key=lambda line: line[0]):
        same = list(group)
        random.shuffle(same)  # type: ignore[attr-defined]  # Hypothesis's own Random
        mixed += same

    assert told(lines) == told(mixed)


def cheaper(line: Line) -> Line:
    """Return a line whose price, if it has one, is two cents lower."""
    at, event, config = line
    if isinstance(event, ev.Mark) and event.mid is not None:
        event = attrs.evolve(event, mid=Price(event.mid - 20_000))
    return at, event, config


def reverted(found: list[Verdict]) -> int:
    """Return the minute of a revert, a large one if there was none."""
    return next((v.minute for v in found if v.kind is Kind.REVERT), 10**6)


@given(journals())
@settings(max_examples=20)
def test_worse_is_never_kept_for_it(lines: list[Line]) -> None:
    """With lower prices a revert comes no later."""
    worse = [cheaper(line) for line in lines]

    assert reverted(outcome(worse, TERMS)) <= reverted(outcome(lines, TERMS))


figures = st.floats(-100, 100).map(on_grid)
positive = st.floats(0.001, 100).map(on_grid)
baselines = st.builds(
    Baseline,
    buckets=st.lists(
        st.none() | st.builds(Bucket, st.integers(0, 10**6), figures, positive),
        min_size=len(AGES),
        max_size=len(AGES),
    ).map(tuple),
    trades=st.integers(0, 10**6),
    limit=positive,
    placebos=st.integers(0, 672),
    lowest=st.lists(st.integers(-9999, 9999).map(lambda n: n / 1000), max_size=9).map(tuple),
    digest=st.just("ab"),
    loss=st.none() | st.integers(0, 10**15).map(Money),
    hours=st.lists(
        st.none() | st.builds(NegativeBinomial, positive, positive | st.just(float("inf"))),
        min_size=24,
        max_size=24,
    ).map(tuple),
    errors=positive,
    refusing=st.frozensets(st.sampled_from(["max_order_usd", "max_position_usd"])),
)


@given(baselines)
def test_what_is_frozen_is_thawed(plain: Baseline) -> None:
    """Exactly, and freezing it again gives the same text."""
    assert plain == thawed(frozen(plain))
    assert frozen(plain) == frozen(thawed(frozen(plain)))


def some_trade(number: int, minute: int, value: int) -> Worth:
    """Return a trade of the past."""
    return Worth(
        name=f"n{number}",
        event=f"e{number % 7}",
        opened=Micros(after(minute)),
        per_contract=(value / 1000,) * len(AGES),
        whole=(Money(value * 10**10),) * len(AGES),
    )


@given(st.lists(st.tuples(minutes, st.integers(-99, 99)), min_size=20, max_size=60), st.data())
@settings(max_examples=25)
def test_a_baseline_does_not_know_the_order(
    rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    """It is one of a set of trades."""
    trades = [some_trade(number, *row) for number, row in enumerate(rows)]
    mixed = data.draw(st.permutations(trades))
    since, until = after(0), after(180)

    assert make_baseline(trades, since, until) == make_baseline(mixed, since, until)
