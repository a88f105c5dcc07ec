"""Every leak rule finds what its own examples say, and nothing else."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import attrs
import pytest

from market_bot.bootstrap.discovery import builtin_leak_rules
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks import measures, thresholds
from market_bot.core.domain.leaks.api import Example, Kind, LeakRule, Measured, Night
from market_bot.core.domain.leaks.measures import Loss, weigh
from market_bot.core.domain.leaks.registry import ORDER, RULES_MAX, LeakRuleError, in_order
from market_bot.core.domain.numbers import NO_MONEY, money

RULES = {rule.name: rule for rule in builtin_leak_rules()}
EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.name}: {example.name}")
    for rule in RULES.values()
    for example in rule.examples
]
NOTHING = made.night()


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw less often: the examples are clear."""
    monkeypatch.setattr(thresholds, "DRAWS", 1_999)
    monkeypatch.setattr(thresholds, "PERMUTATIONS", 399)


def found(rule: LeakRule, night: Night) -> tuple[Measured, ...]:
    """Return what a rule says of a day."""
    return rule.find(night.day, night)


@cache
def said_of(rule: str, example: str) -> tuple[Night, tuple[Measured, ...]]:
    """Return the night of an example, and what its rule says of it."""
    night = next(one for one in RULES[rule].examples if one.name == example).night()
    return night, found(RULES[rule], night)


def shuffled(night: Night) -> Night:
    """Return the same night with everything in it in another order."""
    dice = random.Random(1)

    def mixed(parts: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(dice.sample(parts, len(parts)))

    names = ("entries", "departures", "opportunities", "closed", "held", "troubles")
    other: dict[str, Any] = {name: mixed(getattr(night.day, name)) for name in names}
    day = attrs.evolve(night.day, **other)
    return attrs.evolve(night, day=day, week=day, month=day)


def test_the_rules_are_those_that_are_known() -> None:
    """There are ten leaks and five health checks, in their order."""
    assert ORDER == tuple(RULES)
    assert 10 == sum(not rule.health for rule in RULES.values())


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_brings_its_examples(rule: LeakRule) -> None:
    """It shows when it speaks and when not, a leak also when no knob helps; and says both ways."""
    flagged = {example.flagged for example in rule.examples}
    kinds = {example.kind for example in rule.examples if example.flagged}

    assert {True, False} == flagged
    assert rule.health or {Kind.TUNING} < kinds
    assert not rule.health or Kind.TUNING not in kinds
    assert rule.summary.endswith(".")
    assert rule.disproof.endswith(".")


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_an_example_is_judged_as_it_says(rule: LeakRule, example: Example) -> None:
    """What is flagged has a cost, evidence and knobs of this lane; what is not costs nothing."""
    night, said = said_of(rule.name, example.name)
    flagged = [one for one in said if one.flagged]

    assert example.flagged is bool(flagged)
    for one in flagged:
        assert example.kind is one.kind
        assert one.p is not None
        assert one.evidence
        assert rule.health or NO_MONEY < one.cost_low <= one.cost_point
        assert {knob.path for knob in one.knobs} <= set(night.knobs)
        assert one.kind is not Kind.TUNING or one.knobs
        assert one.kind is Kind.TUNING or one.why_kind


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_order_and_repetition_change_nothing(rule: LeakRule, example: Example) -> None:
    """The same window gives the same bytes, in whatever order its parts come."""
    night, said = said_of(rule.name, example.name)

    assert repr(said) == repr(found(rule, shuffled(night)))


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_a_measure_keeps_its_bounds(rule: LeakRule, example: Example) -> None:
    """Evidence is short and ascending, claims are of closed pieces, subjects differ."""
    night, said = said_of(rule.name, example.name)
    closed = {piece.seq for piece in night.day.closed}

    assert len(said) == len({one.subject for one in said}) > 0
    for one in said:
        assert len(one.evidence) <= thresholds.EVIDENCE_MAX
        assert list(one.evidence) == sorted(set(one.evidence))
        assert set(one.claims) <= closed
        assert all(claim > 0 for claim in one.claims.values())
        assert all(knob.direction in (-1, 1) for knob in one.knobs)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_without_data_nothing_is_said(rule: LeakRule) -> None:
    """An empty window is insufficient for every rule, and says how much is missing."""
    for one in found(rule, NOTHING):
        assert one.missing > 0
        assert not one.flagged
        assert one.p is None


def test_without_knobs_a_leak_is_structural() -> None:
    """What this lane has no knob for is work for a person."""
    example = RULES["premature_stop"].examples[0].night()

    (one,) = found(RULES["premature_stop"], attrs.evolve(example, knobs={}))

    assert one.flagged
    assert (Kind.STRUCTURAL, ()) == (one.kind, one.knobs)


def test_a_knob_that_cannot_move_is_not_named() -> None:
    """Unset knobs and those at zero that would have to be lowered are left out."""
    night = made.night(knobs={"a.b": None, "a.c": "0.0", "a.d": "2", "x.y.params.z": "1"})

    named = measures.turn(night, ("a.b", 1), ("a.c", -1), ("a.d", -1), ("x.*.params.z", 1))

    assert [("a.d", -1), ("x.y.params.z", 1)] == [(knob.path, knob.direction) for knob in named]


def losses(events: int, value: float, first: float = 0.0) -> list[Loss]:
    """Return one loss per event, the first of them with so much on top."""
    return [
        Loss(
            seq=i,
            event=f"E{i:03d}",
            market=f"M{i}",
            loss=value + (i % 5 - 2) * 0.2 + first * (not i),
        )
        for i in range(events)
    ]


def test_one_event_is_not_a_leak() -> None:
    """What a fifth of an effect comes from is an accident, however sure its mean is."""
    spread = weigh(losses(60, 0.3), seed="s", least=30, events=15)
    lump = weigh(losses(60, 0.3, first=8.0), seed="s", least=30, events=15)

    assert spread.solid
    assert lump.estimate is not None
    assert lump.share > thresholds.EVENT_SHARE_MAX
    assert not lump.solid


def test_a_gain_is_no_loss() -> None:
    """A bound below zero costs nothing."""
    gain = weigh(losses(60, -0.3), seed="s", least=30, events=15)

    assert 0.0 == gain.low
    assert not gain.significant


def test_too_few_events_are_no_test() -> None:
    """Many decisions in few events are few observations."""
    many = [attrs.evolve(one, event=f"E{i % 6}") for i, one in enumerate(losses(60, 0.3))]

    short = weigh(many, seed="s", least=30, events=15)

    assert (60, 6, 9, None) == (short.n, short.events, short.missing, short.p)


def test_an_event_that_was_decided_often_counts_once() -> None:
    """A signal that flaps in one event does not outvote the others."""
    flapping = [Loss(seq=100 + i, event="E000", market="M", loss=5.0) for i in range(100)]
    found = weigh([*losses(40, -0.3), *flapping], seed="s", least=30, events=15, once=True)

    assert 140 == found.n
    assert found.estimate is not None
    assert found.estimate < 0


def test_a_cost_is_not_more_than_there_is() -> None:
    """A cost per day is capped by the equity of the lane."""
    window = made.window(levels=made.levels(equity="3"))

    assert money("3") == measures.capped(window, 17.0)
    assert money("2.5") == measures.capped(window, 2.5)
    assert NO_MONEY == measures.capped(window, -1.0)


def test_rules_of_one_name_are_refused() -> None:
    """Two rules of one name, or a name that is none, are told in words."""
    rule = RULES["late_exit"]

    with pytest.raises(LeakRuleError, match="two leak rules are called 'late_exit'"):
        in_order([rule, rule])
    with pytest.raises(LeakRuleError, match="use small letters"):
        in_order([attrs.evolve(rule, name="Late exit")])
    with pytest.raises(LeakRuleError, match=f"at most {RULES_MAX}"):
        in_order([attrs.evolve(rule, name=f"rule_{i}") for i in range(RULES_MAX + 1)])


def test_a_rule_from_outside_comes_after_ours() -> None:
    """Leaks come before health checks, ours before others."""
    other = attrs.evolve(RULES["late_exit"], name="another")

    names = [rule.name for rule in in_order([other, *RULES.values()])]

    assert 10 == names.index("another")
