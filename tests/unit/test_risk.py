"""Hard limits, each at its border, and all of them together."""

from typing import Any

import pytest

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.numbers import Money, money, price, size
from market_bot.core.domain.risk.api import (
    APPROVED,
    Approved,
    Limits,
    Refused,
    Rule,
    Verdict,
    refusals,
    within,
)
from market_bot.core.domain.signals import Draft
from tests.fakes.builders import LIMITS, a_draft, a_signal, an_exit, every_rule, no_exposure

RULES = every_rule()
# Ten contracts at 0.48 with a fee of up to 0.20 cost five dollars at worst.
FIVE = a_draft(fee_bound=money("0.20"))


@pytest.mark.parametrize(
    ("name", "exposure", "refused"),
    [
        ("max_order_usd", {}, False),
        ("max_position_usd", {"by_market": {"M-1": money("15")}}, False),
        ("max_position_usd", {"by_market": {"M-1": Money(money("15") + 1)}}, True),
        ("max_position_usd", {"by_market": {"M-2": money("20")}}, False),
        ("max_total_exposure_usd", {"total": money("45")}, False),
        ("max_total_exposure_usd", {"total": Money(money("45") + 1)}, True),
        ("free_cash", {"free_cash": money("5")}, False),
        ("free_cash", {"free_cash": Money(money("5") - 1)}, True),
        ("max_daily_loss_usd", {"day_pnl": Money(1 - money("5"))}, False),
        ("max_daily_loss_usd", {"day_pnl": money("-5")}, True),
        ("max_daily_loss_usd", {"day_pnl": None}, True),
        ("halted", {}, False),
        ("halted", {"halted": "ann: news"}, True),
    ],
)
def test_borders(name: str, exposure: dict[str, Any], refused: bool) -> None:
    """A limit may be reached and not passed, but for the daily loss, which stops when reached."""
    gates = refusals([RULES[name]], FIVE, no_exposure(**exposure), LIMITS)

    assert ([name] if refused else []) == [gate.name for gate in gates]
    assert all(gate.hard for gate in gates)


@pytest.mark.parametrize(("fee_bound", "refused"), [("5.2", False), ("5.200001", True)])
def test_an_orders_fee_counts(fee_bound: str, refused: bool) -> None:
    """The worst cost of an order is its price and its fee."""
    draft = a_draft(fee_bound=money(fee_bound))

    assert refused is bool(refusals([RULES["max_order_usd"]], draft, no_exposure(), LIMITS))


def test_every_refusal_is_listed_in_order() -> None:
    """Rules are not short-circuited."""
    exposure = no_exposure(
        total=money("50"),
        by_market={"M-1": money("20")},
        free_cash=Money(0),
        day_pnl=money("-9"),
        halted="ann: news",
    )
    draft = a_draft(size=size("100"))
    names = [*RULES]

    assert names == [g.name for g in refusals([*RULES.values()], draft, exposure, LIMITS)]
    assert names[::-1] == [
        g.name for g in refusals([*RULES.values()][::-1], draft, exposure, LIMITS)
    ]


def test_exits_are_not_judged() -> None:
    """Leaving is never refused by a limit on what is held."""
    exposure = no_exposure(
        total=money("500"), free_cash=money("-5"), day_pnl=None, halted="ann: news"
    )
    draft = a_draft(an_exit(price=price("0.47")), size=size("1000"))

    assert () == refusals([*RULES.values()], draft, exposure, LIMITS)


def test_a_rule_may_guard_exits() -> None:
    """A rule that says so judges exits too."""
    guard = Rule(name="no", summary="No.", judge=lambda *_: Refused("0", "1"), guards_exits=True)

    assert ["no"] == [g.name for g in refusals([guard], a_draft(an_exit()), no_exposure(), LIMITS)]


def raises(draft: Draft, exposure: Exposure, limits: Limits) -> Verdict:
    """Fail as a rule should not."""
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "judge", [raises, lambda *_: None, lambda *_: True, lambda *_: Approved], ids=str
)
def test_a_broken_rule_denies(judge: Any) -> None:
    """A rule that raises, or answers with anything but a verdict, refuses."""
    broken = Rule(name="broken", summary="Broken.", judge=judge)
    gates = refusals([broken, RULES["halted"]], FIVE, no_exposure(halted="x"), LIMITS)

    assert ["broken", "halted"] == [gate.name for gate in gates]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_rule_keeps_the_contract(rule: Rule) -> None:
    """A rule is named like its file, has a sentence, and approves of something."""
    assert rule is RULES[rule.name]
    assert rule.summary.endswith(".")
    assert () == refusals([rule], FIVE, no_exposure(), LIMITS)


@pytest.mark.parametrize("rule", [r for r in RULES.values() if r.name.startswith("max_")], ids=str)
def test_a_missing_limit_denies(rule: Rule) -> None:
    """A limit nobody set is not unlimited."""
    assert [rule.name] == [g.name for g in refusals([rule], FIVE, no_exposure(), {})]


def test_within() -> None:
    """A refusal carries the limit and the value that broke it."""
    assert APPROVED == within(money("1"), money("1"))
    assert Refused("1", "1.5") == within(money("1"), money("1.5"))
    assert money("0") == a_draft(an_exit(), fee_bound=money("9")).worst_cost
    assert money("4.8") == a_draft(a_signal()).worst_cost
