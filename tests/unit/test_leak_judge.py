"""All rules together: few false findings, and one dollar under one leak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.analytics.window import Window
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks.api import (
    Kind,
    Knobbed,
    LeakRule,
    Measured,
    Night,
    Status,
)
from market_bot.core.domain.leaks.judge import Past, judge, past_of
from market_bot.core.domain.numbers import Micros, Money, money

KNOB = (Knobbed(path="sizing.order_usd", direction=1),)


def measured(p: float | None, **known: Any) -> Measured:
    """Return a measure that is flagged with this p."""
    plain: dict[str, Any] = {
        "n": 50,
        "events": 30,
        "p": p,
        "flagged": True,
        "cost_low": money("1"),
        "cost_point": money("2"),
        "knobs": KNOB,
    }
    return Measured(**{**plain, **known})


def rule(
    name: str,
    week: Sequence[Measured],
    day: Sequence[Measured] | None = None,
    *,
    health: bool = False,
) -> LeakRule:
    """Return a rule that says the same every night."""

    def find(window: Window, night: Night) -> tuple[Measured, ...]:
        return tuple(week if window is night.week or day is None else day)

    return LeakRule(name=name, version=1, summary="S.", disproof="D.", find=find, health=health)


def night(name: str = "n3", **parts: Any) -> Night:
    """Return a night whose day and week are two windows."""
    return attrs.evolve(
        made.night(), night=name, day=made.window(**parts), week=made.window(**parts)
    )


def before(*seen: tuple[str, str], name: str = "n2") -> Past:
    """Return an earlier night in which this was seen."""
    return Past(night=name, seen=frozenset(seen))


def test_the_second_night_confirms() -> None:
    """What a week shows is suspect on the first night and confirmed on the second of three."""
    leak = rule("leak", [measured(0.004)])
    nights = [before(("leak", "")), before(name="n2b")]

    first = judge(night(), [leak]).findings[0]
    second = judge(night(), [leak], nights).findings[0]
    late = judge(night(), [leak], [before(("leak", ""), name="n0"), before(), before(name="n2b")])

    assert (Status.SUSPECT, 1) == (first.status, first.nights_seen)
    assert (Status.CONFIRMED, 2) == (second.status, second.nights_seen)
    assert Status.SUSPECT is late.findings[0].status


def test_a_night_that_is_judged_again_is_no_second_night() -> None:
    """After a crash the same night is evaluated anew, and confirms nothing by that."""
    found = judge(night("n3"), [rule("leak", [measured(0.004)])], [before(("leak", ""), name="n3")])

    assert Status.SUSPECT is found.findings[0].status


def test_a_day_alone_confirms_nothing() -> None:
    """What only the day shows stays suspect however often it is seen."""
    leak = rule("leak", [measured(0.9, flagged=False)], [measured(0.001)])

    found = judge(night(), [leak], [before(("leak", ""), name="n1"), before(("leak", ""))])

    assert (Status.SUSPECT, 3) == (found.findings[0].status, found.findings[0].nights_seen)


def test_ten_rules_are_ten_tests() -> None:
    """A p of 1 % is much for one rule and nothing for ten."""
    one = rule("leak_0", [measured(0.01)])
    many = [rule(f"leak_{i}", [measured(0.01 if not i else 0.5)]) for i in range(10)]

    alone, among = judge(night(), [one]), judge(night(), many)

    assert {("leak_0", "")} == alone.seen
    # By the day, where 10 % are allowed, it is just seen; by the week it is not.
    assert "day only" in among.findings[0].why
    assert 0.1 == pytest.approx(among.findings[0].p_corrected)


def test_many_subjects_are_many_tests() -> None:
    """The best of forty families is luck."""
    families = [measured(0.02 + i / 50, subject=f"F{i}", flagged=not i) for i in range(40)]

    assert frozenset() == judge(night(), [rule("leak", families)]).seen
    assert {("leak", "F0")} == judge(night(), [rule("leak", families[:1])]).seen


def test_health_checks_and_leaks_do_not_hide_each_other() -> None:
    """Fifteen health checks do not make a leak harder to see, and name no knob."""
    checks = [rule(f"check_{i}", [measured(0.5)], health=True) for i in range(15)]
    sick = rule("sick", [measured(0.001)], health=True)

    found = judge(night(), [rule("leak", [measured(0.01)]), sick, *checks])

    assert {("leak", ""), ("sick", "")} == found.seen
    assert {"sick": ()} == {f.rule: f.week.knobs for f in found.findings if f.rule == "sick"}


def test_without_a_test_nothing_is_seen() -> None:
    """A measure without a p, or with too little data, is no finding whatever it claims."""
    found = judge(
        night(), [rule("no_p", [measured(None)]), rule("few", [measured(0.001, missing=3)])]
    )

    assert frozenset() == found.seen
    assert {"few": Status.INSUFFICIENT, "no_p": Status.OK} == {
        f.rule: f.status for f in found.findings
    }
    assert {Kind.NOISE} == {f.kind for f in found.findings}


def pieces(count: int = 4) -> dict[str, Any]:
    """Return closed pieces that lost a dollar each."""
    closed = [made.closed(i, gain="0") for i in range(count)]
    dollar = money("1")
    lost = [attrs.evolve(one, proceeds=Money(one.cost - dollar)) for one in closed]
    return {"closed": lost, "realised": Money(-count * dollar)}


def claiming(name: str, cost: str, claims: Mapping[int, str]) -> LeakRule:
    """Return a rule that explains so much of these pieces."""
    explained = {10 * i + 5: money(amount) for i, amount in claims.items()}
    said = measured(0.0001, cost_low=money(cost), cost_point=money(cost), claims=explained)
    return rule(name, [said])


def test_a_dollar_is_explained_once() -> None:
    """The costliest leak takes what it explains, the next one what is left of its own claim."""
    rules = [
        claiming("cheap", "1", {0: "0.8", 1: "0.5"}),
        claiming("dear", "3", {0: "0.6", 2: "0.4"}),
    ]

    week = judge(night(**pieces()), rules).week

    assert {"n3:dear:": money("1"), "n3:cheap:": money("0.7")} == week.explained
    assert money("-4") == week.realised == week.rest - sum(week.explained.values())


def test_what_is_not_there_cannot_be_explained() -> None:
    """Claims of pieces that are not in the window, and gains, count for nothing."""
    wild = rule("wild", [measured(0.0001, claims={5: money("-3"), 777: money("9")})])

    week = judge(night(**pieces()), [wild]).week

    assert {"n3:wild:": Money(0)} == week.explained
    assert money("-4") == week.rest


def test_what_was_not_seen_explains_nothing() -> None:
    """Leaks that are not believed have no part in the account."""
    quiet = rule("quiet", [measured(0.9, flagged=False, claims={5: money("1")})])

    assert {} == judge(night(**pieces()), [quiet]).week.explained


def test_the_costliest_bound_comes_first() -> None:
    """The rank is by the conservative cost, believed ones before suspected ones."""
    rules = [
        rule("small", [measured(0.001, cost_low=money("1"), cost_point=money("90"))]),
        rule("large", [measured(0.001, cost_low=money("2"), cost_point=money("3"))]),
        rule("new", [measured(0.001, cost_low=money("50"))]),
    ]

    found = judge(night(), rules, [before(("small", ""), ("large", ""))]).findings

    assert [("large", 1), ("small", 2), ("new", 3)] == [(one.rule, one.rank) for one in found]


def test_a_rule_that_raises_is_told_and_left_out() -> None:
    """The other rules are judged all the same."""

    def broken(_: Window, __: Night) -> tuple[Measured, ...]:
        msg = "no"
        raise ZeroDivisionError(msg)

    bad = LeakRule(name="bad", version=1, summary="S.", disproof="D.", find=broken)

    found = judge(night(), [bad, rule("leak", [measured(0.001)])])

    assert {"bad": "ZeroDivisionError"} == found.failed
    assert {("leak", "")} == found.seen
    assert {"bad", "leak"} == {one.rule for one in found.findings}


def test_a_strangers_measure_is_kept_within_bounds() -> None:
    """Evidence is capped, costs are not negative."""
    many = measured(0.001, evidence=tuple(range(500, 0, -1)), cost_low=money("-3"))

    (found,) = judge(night(), [rule("leak", [many])]).findings

    assert tuple(range(1, 51)) == found.week.evidence
    assert Money(0) == found.cost_low


def test_the_journal_tells_what_was_seen() -> None:
    """Earlier nights are read from what was written of them."""
    review = ev.LeakReview(night="n1", since=Micros(0), until=Micros(1), findings=2, confirmed=0)
    leaks = [
        ev.Leak(
            finding=f"n1:leak:{subject}",
            rule="leak",
            version=1,
            status=status,
            kind="tuning",
            night="n1",
            n=1,
            events=1,
            cost_low=Money(0),
            cost_point=Money(0),
        )
        for subject, status in (("A:b", "suspect"), ("", "ok"), ("C", "confirmed"))
    ]

    assert (before(("leak", "A:b"), ("leak", "C"), name="n1"),) == past_of([review], leaks)
