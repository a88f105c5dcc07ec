"""The second layer: the whole resulting configuration, judged by its own table."""

import copy
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from market_bot.bootstrap.knob_reference import reference_knobs
from market_bot.config import canonical, parse_venue
from market_bot.core.domain.numbers import Duration, Micros
from market_bot.core.domain.tuning import layer_two
from market_bot.core.domain.tuning.layer_two import Moved, Objection, second_opinion
from tests.fakes.tuning import DAY, FILE, MIN_EDGE, NOON, every_knob_file

SOURCED = parse_venue(every_knob_file(), FILE)
READ = SOURCED.source.data()
CANONICAL = json.loads(canonical(SOURCED.config))


def at(data: Any, path: str) -> tuple[Any, str]:
    """Return the section of a path and the last key in it."""
    *steps, last = path.split(".")
    for step in steps:
        if isinstance(data, list):
            data = next(item for item in data if item["name"] == step)
        else:
            data = data[step]
    return data, last


def with_value(data: Any, path: str, value: Any) -> Any:
    """Return a copy of a configuration with one value replaced."""
    changed = copy.deepcopy(data)
    section, key = at(changed, path)
    section[key] = value
    return changed


def judged(
    path: str = MIN_EDGE,
    before: str = "0.01",
    after: str = "0.012",
    *,
    old: Any = READ,
    new: Any = None,
    history: tuple[Moved, ...] = (),
) -> Objection | None:
    """Return what the second layer says of a change."""
    becomes = with_value(old, path, Decimal(after)) if new is None else new
    return second_opinion(
        path=path, before=before, after=after, old=old, new=becomes, history=history, now=NOON
    )


def test_nothing_stands_against_one_step() -> None:
    """Both forms of the same configuration are understood."""
    becomes = with_value(CANONICAL, MIN_EDGE, {"decimal": "0.012"})
    quoted = with_value(READ, "markets.price_max", "0.9")

    assert judged() is None
    assert judged(old=CANONICAL, new=becomes) is None
    assert judged("markets.price_max", "0.95", "0.9", new=quoted) is None


def test_its_table_is_the_list_of_knobs() -> None:
    """Two hands wrote the same: neither forgot a knob, nor made one wider."""
    declared = {path: (knob.low, knob.high, knob.step) for path, knob in reference_knobs()}

    assert declared == layer_two._TABLE


@pytest.mark.parametrize(
    ("path", "before", "after", "expected"),
    [
        ("risk.max_order_usd", "25", "26", Objection.UNKNOWN_KNOB),
        ("mode", "1", "2", Objection.UNKNOWN_KNOB),
        ("strategies.bias_harvest.params.style", "1", "2", Objection.UNKNOWN_KNOB),
        (f"{MIN_EDGE} ", "0.01", "0.012", Objection.UNKNOWN_KNOB),
        (MIN_EDGE, "0.01", "1e-2", Objection.NOT_A_NUMBER),
        (MIN_EDGE, "0.01", "nan", Objection.NOT_A_NUMBER),
        (MIN_EDGE, "0.01", "0.012\n", Objection.NOT_A_NUMBER),
        (MIN_EDGE, "0.01", "\u0660.012", Objection.NOT_A_NUMBER),
        (MIN_EDGE, "", "0.012", Objection.NOT_A_NUMBER),
        (MIN_EDGE, "0.002", "0.001", Objection.OUT_OF_RANGE),
        (MIN_EDGE, "0.05", "0.052", Objection.OUT_OF_RANGE),
        (MIN_EDGE, "0.01", "0.0121", Objection.TOO_FAR),
        (MIN_EDGE, "0.01", "0.010", Objection.TOO_FAR),
    ],
)
def test_the_change_as_such(path: str, before: str, after: str, expected: Objection) -> None:
    """Unknown knobs, odd numbers, values out of range and large steps are refused."""
    assert expected is judged(path, before, after, new=READ)


def elsewhere(change: Callable[[Any], None]) -> Any:
    """Return the configuration after the announced change and another one."""
    becomes = with_value(READ, MIN_EDGE, Decimal("0.012"))
    change(becomes)
    return becomes


BESIDE: dict[str, tuple[Callable[[Any], None], Objection]] = {
    "a limit": (lambda c: c["risk"].update(max_order_usd=26), Objection.LIMITS_TOUCHED),
    "a limit, written otherwise": (
        lambda c: c["risk"].update(max_order_usd=Decimal(25)),
        Objection.LIMITS_TOUCHED,
    ),
    "a limit removed": (lambda c: c["risk"].pop("max_order_usd"), Objection.LIMITS_TOUCHED),
    "the mode": (lambda c: c.update(mode="live"), Objection.LIMITS_TOUCHED),
    "an address": (lambda c: c.update(api={"base_url": "x"}), Objection.LIMITS_TOUCHED),
    "money": (lambda c: c["paper"].update(cash=10**6), Objection.LIMITS_TOUCHED),
    "another knob": (lambda c: c["sizing"].update(order_usd=13), Objection.MORE_THAN_ONE_VALUE),
    "a switch": (
        lambda c: c["strategies"][1].update(enabled=False),
        Objection.MORE_THAN_ONE_VALUE,
    ),
    "a new key": (lambda c: c.update(x=1), Objection.MORE_THAN_ONE_VALUE),
    "a key less": (lambda c: c["markets"].pop("max_spread"), Objection.MORE_THAN_ONE_VALUE),
    "a list": (
        lambda c: c["markets"].update(families_exclude=["KXHIGHNY", "A"]),
        Objection.MORE_THAN_ONE_VALUE,
    ),
    "a word of a list": (
        lambda c: c["markets"].update(families_exclude=["A"]),
        Objection.MORE_THAN_ONE_VALUE,
    ),
    "an empty list": (
        lambda c: c["markets"].update(families_exclude=[]),
        Objection.MORE_THAN_ONE_VALUE,
    ),
    "an order": (lambda c: c["strategies"].reverse(), Objection.MORE_THAN_ONE_VALUE),
    "a strategy less": (lambda c: c["strategies"].pop(), Objection.MORE_THAN_ONE_VALUE),
    "a strategy twice": (
        lambda c: c["strategies"].append(c["strategies"][0]),
        Objection.UNREADABLE,
    ),
    "a type": (
        lambda c: c["cooldown"].update(after_entry_seconds="60"),
        Objection.MORE_THAN_ONE_VALUE,
    ),
    "true for one": (
        lambda c: c["strategies"][2]["params"].update(vol_multiple=True),
        Objection.MORE_THAN_ONE_VALUE,
    ),
    "a float": (lambda c: c["markets"].update(max_spread=0.04), Objection.UNREADABLE),
    "an object": (lambda c: c["markets"].update(max_spread=object()), Objection.UNREADABLE),
    "a strange key": (lambda c: c["markets"].update({7: 1}), Objection.UNREADABLE),
    "a section for a number": (
        lambda c: c["markets"].update(max_spread={"x": Decimal("0.04")}),
        Objection.MORE_THAN_ONE_VALUE,
    ),
    "quotes": (
        lambda c: c["strategies"][0]["params"].update(min_edge="0.012"),
        Objection.AFTER_DIFFERS,
    ),
    "another number": (
        lambda c: c["strategies"][0]["params"].update(min_edge=Decimal("0.014")),
        Objection.AFTER_DIFFERS,
    ),
    "no number": (
        lambda c: c["strategies"][0]["params"].update(min_edge=None),
        Objection.AFTER_DIFFERS,
    ),
}


@pytest.mark.parametrize("name", BESIDE)
def test_nothing_else_may_change(name: str) -> None:
    """Whatever differs beside the announced number is found, in whatever disguise."""
    change, expected = BESIDE[name]

    assert expected is judged(new=elsewhere(change))


def test_the_present_value_is_the_announced_one() -> None:
    """A change of something that is not so, or not there, is refused."""
    without = copy.deepcopy(READ)
    del without["strategies"][0]["params"]["min_edge"]
    became = with_value(READ, MIN_EDGE, Decimal("0.012"))

    assert Objection.BEFORE_DIFFERS is judged(before="0.011", new=became)
    assert Objection.BEFORE_DIFFERS is judged(old=without, new=without)
    assert Objection.MORE_THAN_ONE_VALUE is judged(old=without, new=became)
    assert Objection.AFTER_DIFFERS is judged(new=READ)


def test_depth_is_bounded() -> None:
    """A configuration without end is none."""
    deep: Any = {}
    for _ in range(100):
        deep = {"x": deep}
    old = {**READ, "markets": {**READ["markets"], "x": deep}}

    assert Objection.UNREADABLE is judged(old=old)


@pytest.mark.parametrize(
    ("path", "before", "after", "beside", "expected"),
    [
        (
            "markets.price_min",
            "0.05",
            "0.1",
            {"markets.price_max": Decimal("0.1")},
            Objection.CONTRADICTION,
        ),
        (
            "strategies.bias_harvest.params.exit_below",
            "0.50",
            "0.55",
            {"strategies.bias_harvest.params.price_min": Decimal("0.55")},
            Objection.CONTRADICTION,
        ),
        (
            "exits.take_profit.price",
            "0.97",
            "0.96",
            {"exits.stop_loss.distance": Decimal("0.96")},
            Objection.CONTRADICTION,
        ),
        (
            "markets.max_spread",
            "0.04",
            "0.03",
            {"strategies.event_arb.params.min_edge": Decimal("-0.01")},
            Objection.NEGATIVE_EDGE,
        ),
        ("sizing.order_usd", "12", "13", {"risk.max_order_usd": 12}, Objection.TOO_MUCH_AT_STAKE),
        ("sizing.order_usd", "12", "11", {"risk.max_order_usd": 11}, None),
        (
            "markets.max_spread",
            "0.04",
            "0.03",
            {"risk.max_order_usd": 11},
            Objection.TOO_MUCH_AT_STAKE,
        ),
        (
            "strategies.market_making.params.max_inventory",
            "30",
            "40",
            {"risk.max_position_usd": 39},
            Objection.TOO_MUCH_AT_STAKE,
        ),
        (
            "strategies.market_making.params.max_inventory",
            "30",
            "20",
            {"risk.max_position_usd": 19},
            None,
        ),
        ("strategies.market_making.params.max_inventory", "30", "40", {}, None),
    ],
)
def test_the_whole_must_make_sense(
    path: str, before: str, after: str, beside: dict[str, Any], expected: Objection | None
) -> None:
    """What contradicts itself, or stakes more than a limit allows, is refused as a whole."""
    old = READ
    for other, value in beside.items():
        old = with_value(old, other, value)

    assert expected is judged(path, before, after, old=old)


def test_a_limit_that_is_not_there_does_not_hold() -> None:
    """Without the hard limit nothing is proposed."""
    old = copy.deepcopy(READ)
    del old["risk"]["max_order_usd"]

    assert Objection.TOO_MUCH_AT_STAKE is judged(old=old)


def moved(days: int, before: str, after: str, path: str = MIN_EDGE) -> Moved:
    """Return a change that was made so many days ago."""
    return Moved(path=path, before=before, after=after, at=Micros(NOON - days * DAY))


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ((moved(3, "0.008", "0.01"),), None),
        ((moved(3, "0.008", "0.01"), moved(5, "0.006", "0.008")), Objection.DRIFT_SHORT),
        ((moved(3, "0.012", "0.01"), moved(5, "0.01", "0.012")), Objection.DRIFT_SHORT),
        ((moved(3, "0.008", "0.01"), moved(7, "0.006", "0.008")), None),
        ((moved(-1, "0.006", "0.008"), moved(6, "0.008", "0.01")), Objection.DRIFT_SHORT),
        ((moved(8, "0.001", "0.012"),), Objection.DRIFT_LONG),
        ((moved(8, "0.002", "0.012"),), None),
        ((moved(30, "0.001", "0.012"),), None),
        ((moved(8, "0.001", "0.012", "sizing.order_usd"),), None),
        ((moved(8, "?", "0.012"),), Objection.UNREADABLE),
    ],
)
def test_small_steps_do_not_add_up(history: tuple[Moved, ...], expected: Objection | None) -> None:
    """Two steps within a week and a quarter of the range within a month, to and fro alike."""
    assert expected is judged(history=history)


def test_a_move_is_as_old_as_it_says() -> None:
    """The windows end exactly after seven and thirty days."""
    step = (moved(3, "0.008", "0.01"),)
    young = Moved(path=MIN_EDGE, before="0.006", after="0.008", at=Micros(NOON - 7 * DAY + 1))

    assert Objection.DRIFT_SHORT is judged(history=(*step, young))
    assert Duration(24 * 3600 * 1_000_000) == DAY
