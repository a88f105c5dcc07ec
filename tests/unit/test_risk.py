"""Hard limits, each at its border, and all of them together."""

from typing import Any

import pytest

from market_bot.core.domain.exposure import AtStake, Exposure
from market_bot.core.domain.numbers import SECOND, Duration, Money, money, price, size
from market_bot.core.domain.orders import Style
from market_bot.core.domain.risk.api import (
    APPROVED,
    Approved,
    Limits,
    Refused,
    Rule,
    Unit,
    Verdict,
    limit_texts,
    refusals,
    within,
)
from market_bot.core.domain.signals import UNKNOWN_QUOTE, Draft, Quote
from tests.fakes.builders import (
    LIMITS,
    a_draft,
    a_signal,
    an_exit,
    an_order,
    every_rule,
    no_exposure,
)

RULES = every_rule()
# Ten contracts at 0.48 with a fee of up to 0.20 cost five dollars at worst.
FIVE = a_draft(fee_bound=money("0.20"))
NARROW = {
    **LIMITS,
    "max_event_loss_usd": money("20"),
    "max_drawdown_usd": money("8"),
    "max_consecutive_losses": 3,
    "max_open_orders": 4,
    "max_orders_per_minute": 5,
    "max_price_distance": price("0.1"),
    "max_book_distance": price("0.05"),
    "max_book_age_seconds": Duration(30 * SECOND),
}


def waits(cost: str) -> AtStake:
    """Return an event in which an order of so many dollars waits."""
    return AtStake(orders=[an_order(price=price("0"), size=size("1"), fee_bound=money(cost))])


RUIN = no_exposure(
    total=money("500"),
    by_market={"M-1": money("20")},
    events={"E-1": waits("20")},
    live_orders=9,
    recent_entries=9,
    free_cash=money("-5"),
    day_pnl=None,
    drawdown=None,
    loss_streak=9,
    halted="ann: news",
    disarmed="not armed",
    unreconciled="a position is missing",
)


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
        ("max_event_loss_usd", {"events": {"E-1": waits("15")}}, False),
        ("max_event_loss_usd", {"events": {"E-1": waits("15.000001")}}, True),
        ("max_event_loss_usd", {"events": {"E-2": waits("30")}}, False),
        ("max_drawdown_usd", {"drawdown": Money(money("8") - 1)}, False),
        ("max_drawdown_usd", {"drawdown": money("8")}, True),
        ("max_drawdown_usd", {"drawdown": None}, True),
        ("max_consecutive_losses", {"loss_streak": 2}, False),
        ("max_consecutive_losses", {"loss_streak": 3}, True),
        ("max_open_orders", {"live_orders": 3}, False),
        ("max_open_orders", {"live_orders": 4}, True),
        ("max_orders_per_minute", {"recent_entries": 4}, False),
        ("max_orders_per_minute", {"recent_entries": 5}, True),
        ("halted", {}, False),
        ("halted", {"halted": "ann: news"}, True),
        ("halted", {"venue": "closed"}, True),
        ("halted", {"venue": "post_only"}, False),
        ("halted", {"venue": "post_only", "halted": "ann: news"}, True),
        ("halted", {"venue": "what is this"}, True),
        ("armed", {}, False),
        ("armed", {"disarmed": "not armed"}, True),
        ("reconciled", {}, False),
        ("reconciled", {"unreconciled": "a position is missing"}, True),
    ],
)
def test_borders(name: str, exposure: dict[str, Any], refused: bool) -> None:
    """A limit on money may be reached and not passed; losses and counts stop when reached."""
    gates = refusals([RULES[name]], FIVE, no_exposure(**exposure), NARROW)

    assert ([name] if refused else []) == [gate.name for gate in gates]
    assert all(gate.hard for gate in gates)


TAKER, MAKER = Style.TAKER, Style.MAKER


@pytest.mark.parametrize(
    ("name", "style", "at", "quote", "refused"),
    [
        # The middle of 0.44 and 0.55 is 0.495, ten cents from 0.395 and 0.595.
        ("max_price_distance", MAKER, "0.395", ("0.44", "0.55"), None),
        ("max_price_distance", MAKER, "0.394999", ("0.44", "0.55"), "0.100001"),
        ("max_price_distance", TAKER, "0.595", ("0.44", "0.55"), None),
        ("max_price_distance", TAKER, "0.595001", ("0.44", "0.55"), "0.100001"),
        # Half a millionth too far is too far, and is told as a whole one.
        ("max_price_distance", TAKER, "0.6", ("0.45", "0.549999"), "0.100001"),
        ("max_price_distance", MAKER, "0.5", (None, "0.55"), "unknown"),
        ("max_price_distance", MAKER, "0.5", ("0.44", None), "unknown"),
        ("max_book_distance", MAKER, "0.39", ("0.44", "0.55"), None),
        ("max_book_distance", MAKER, "0.389999", ("0.44", "0.55"), "0.050001"),
        ("max_book_distance", MAKER, "0.54", ("0.44", "0.55"), None),
        ("max_book_distance", MAKER, "0.44", ("0.44", None), None),
        ("max_book_distance", MAKER, "0.44", (None, "0.55"), "unknown"),
        ("max_book_distance", TAKER, "0.60", ("0.44", "0.55"), None),
        ("max_book_distance", TAKER, "0.600001", ("0.44", "0.55"), "0.050001"),
        ("max_book_distance", TAKER, "0.10", (None, "0.55"), None),
        ("max_book_distance", TAKER, "0.55", ("0.44", None), "unknown"),
    ],
)
def test_prices(
    name: str, style: Style, at: str, quote: tuple[str | None, str | None], refused: str | None
) -> None:
    """Distances are exact, and an empty side of the book is no permission."""
    bid, ask = (None if side is None else price(side) for side in quote)
    draft = a_draft(a_signal(style=style, price=price(at)), quote=Quote(bid, ask, Duration(0)))
    gates = refusals([RULES[name]], draft, no_exposure(), NARROW)

    assert ([] if refused is None else [refused]) == [gate.value for gate in gates]


@pytest.mark.parametrize(
    ("age", "refused"),
    [
        (Duration(30 * SECOND), None),
        (Duration(30 * SECOND + 1), "30.000001"),
        (None, "unknown"),
    ],
)
def test_old_books(age: Duration | None, refused: str | None) -> None:
    """A book may stand still for as long as the limit says; its age has to be known."""
    draft = a_draft(quote=Quote(price("0.48"), price("0.52"), age))
    gates = refusals([RULES["max_book_age_seconds"]], draft, no_exposure(), NARROW)

    assert ([] if refused is None else [("30", refused)]) == [(g.limit, g.value) for g in gates]


def test_a_venue_that_only_takes_waiting_orders() -> None:
    """It takes no others."""
    taking = a_draft(a_signal(style=Style.TAKER))
    exposure = no_exposure(venue="post_only")

    assert ["halted"] == [g.name for g in refusals([RULES["halted"]], taking, exposure, NARROW)]


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        (Unit.DOLLARS, money("1.5"), "1.5"),
        (Unit.PRICE, price("0.05"), "0.05"),
        (Unit.COUNT, 7, "7"),
        (Unit.SECONDS, Duration(1_500_000), "1.5"),
        (None, 3, "3"),
    ],
)
def test_limits_for_people(unit: Unit | None, value: int, text: str) -> None:
    """Each unit has its own decimal form."""
    rule = Rule(name="x", summary="X.", unit=unit, judge=lambda *_: APPROVED)

    assert {"x": text} == limit_texts([rule], {"x": value})


def test_units_and_names_go_together() -> None:
    """Who reads a name knows the unit; rules without a limit have no unit."""
    ends = {Unit.DOLLARS: "_usd", Unit.PRICE: "_distance", Unit.SECONDS: "_seconds"}

    bare = {"armed", "free_cash", "halted", "reconciled"}

    assert bare == {r.name for r in RULES.values() if r.unit is None}
    assert all(r.name.endswith(ends.get(r.unit, "")) for r in RULES.values() if r.unit)
    assert {r.name for r in RULES.values() if r.unit} == set(LIMITS)


@pytest.mark.parametrize(("fee_bound", "refused"), [("5.2", False), ("5.200001", True)])
def test_an_orders_fee_counts(fee_bound: str, refused: bool) -> None:
    """The worst cost of an order is its price and its fee."""
    draft = a_draft(fee_bound=money(fee_bound))

    assert refused is bool(refusals([RULES["max_order_usd"]], draft, no_exposure(), LIMITS))


def test_every_refusal_is_listed_in_order() -> None:
    """Rules are not short-circuited."""
    draft = a_draft(size=size("100"), quote=UNKNOWN_QUOTE)
    names = [*RULES]

    assert names == [g.name for g in refusals([*RULES.values()], draft, RUIN, NARROW)]
    assert names[::-1] == [g.name for g in refusals([*RULES.values()][::-1], draft, RUIN, NARROW)]


def test_exits_are_not_judged() -> None:
    """Leaving is never refused by a limit on what is held."""
    draft = a_draft(an_exit(price=price("0.47")), size=size("1000"), quote=UNKNOWN_QUOTE)

    assert () == refusals([*RULES.values()], draft, RUIN, NARROW)


def test_a_rule_may_guard_exits() -> None:
    """A rule that says so judges exits too."""
    guard = Rule(name="no", summary="No.", judge=lambda *_: Refused("0", "1"), guards_exits=True)

    assert ["no"] == [g.name for g in refusals([guard], a_draft(an_exit()), no_exposure(), LIMITS)]


def raises(draft: Draft, exposure: Exposure, limits: Limits) -> Verdict:
    """Fail as a rule should not."""
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "judge",
    [raises, lambda *_: None, lambda *_: True, lambda *_: Approved],
    ids=["raises", "nothing", "true", "a class"],
)
def test_a_broken_rule_denies(judge: Any) -> None:
    """A rule that raises, or answers with anything but a verdict, refuses."""
    broken = Rule(name="broken", summary="Broken.", judge=judge)
    gates = refusals([broken, RULES["halted"]], FIVE, no_exposure(halted="x"), LIMITS)

    assert ["broken", "halted"] == [gate.name for gate in gates]


def test_any_approval_will_do() -> None:
    """A rule from outside may make its own approval; it need not be the shared one."""
    kind = Rule(name="kind", summary="Approves.", judge=lambda *_: Approved())

    assert () == refusals([kind], FIVE, no_exposure(), LIMITS)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_rule_keeps_the_contract(rule: Rule) -> None:
    """A rule is named like its file, has a sentence, and approves of something."""
    assert rule is RULES[rule.name]
    assert rule.summary.endswith(".")
    assert () == refusals([rule], FIVE, no_exposure(), LIMITS)


@pytest.mark.parametrize(
    "rule", [r for r in RULES.values() if r.name.startswith("max_")], ids=lambda rule: rule.name
)
def test_a_missing_limit_denies(rule: Rule) -> None:
    """A limit nobody set is not unlimited."""
    assert [rule.name] == [g.name for g in refusals([rule], FIVE, no_exposure(), {})]


def test_within() -> None:
    """A refusal carries the limit and the value that broke it."""
    assert APPROVED == within(money("1"), money("1"))
    assert Refused("1", "1.5") == within(money("1"), money("1.5"))
    assert money("0") == a_draft(an_exit(), fee_bound=money("9")).worst_cost
    assert money("4.8") == a_draft(a_signal()).worst_cost
