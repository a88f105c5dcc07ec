"""Every number that may be tuned is found, and nothing else."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import attrs
import pytest

from market_bot.bootstrap.settings import lane_settings, settings_of
from market_bot.config import parse_venue
from market_bot.config.defaults import default_files
from market_bot.core.domain.exits.api import Exits
from market_bot.core.domain.numbers import HOUR, SECOND, Duration, money, parse_scaled, price, size
from market_bot.core.domain.orders import Style
from market_bot.core.domain.settings import (
    ActiveStrategy,
    Cooldown,
    Filters,
    LaneSettings,
    Sizing,
    SizingMethod,
)
from market_bot.core.domain.strategies.api import Strategy, knob
from market_bot.core.domain.tuning.knobs import all_knobs
from tests.fakes.builders import lane_settings as plain_settings

EVERYTHING = """\
markets:
  families_exclude: [KXHIGHNY]
  categories_include: [Climate]
  categories_exclude: [Sports]
  keywords_include: [rain]
  keywords_exclude: [tweet]
  min_liquidity_usd: 500
  min_volume_24h_usd: 1000.5
  price_min: 0.05
  price_max: 0.95
  max_spread: 0.04
  min_depth_contracts: 12.5
  min_hours_to_close: 0.25
  max_hours_to_close: 72
sizing:
  method: kelly
  order_usd: 12
  contracts: 7
  kelly_fraction: 0.5
  max_depth_share: 0.3
cooldown:
  after_entry_seconds: 60
  after_exit_seconds: 300
  after_loss_seconds: 900
  after_reject_seconds: 15
  families: {KXHIGHNY: 600}
exits:
  style: maker
  patience_seconds: 20
  strategies_exclude: [bias_harvest, event_arb]
  max_hold: {minutes: 90}
  stop_loss: {distance: 0.12, confirm_seconds: 45, measure: bid}
  trailing_stop: {}
  take_profit: {gain: 0.2}
  time_to_close: {}
"""


def settings() -> LaneSettings:
    """Return the default settings of a venue with everything else turned on."""
    text = default_files()["kalshi.yaml"].decode()
    kept: list[str] = []
    skipping = False
    for line in text.splitlines():
        if line[:1] not in (" ", "#", ""):
            skipping = line.rstrip(":") in ("markets", "sizing", "cooldown")
        if line.strip() and not line.startswith("#") and not skipping:
            kept.append(line)
    return settings_of(parse_venue(("\n".join(kept) + "\n" + EVERYTHING).encode(), "v.yaml"))


def test_a_file_becomes_settings() -> None:
    """Every line arrives where decisions are made, in the core's units."""
    made = settings()

    assert made.filters == Filters(
        families_exclude=("KXHIGHNY",),
        categories_include=("Climate",),
        categories_exclude=("Sports",),
        keywords_include=("rain",),
        keywords_exclude=("tweet",),
        min_liquidity=money("500"),
        min_volume_24h=money("1000.5"),
        price_min=price("0.05"),
        price_max=price("0.95"),
        max_spread=price("0.04"),
        min_depth=size("12.5"),
        min_to_close=Duration(HOUR // 4),
        max_to_close=Duration(72 * HOUR),
    )
    assert made.sizing == Sizing(
        order=money("12"),
        method=SizingMethod.KELLY,
        contracts=size("7"),
        kelly_fraction=500_000,  # type: ignore[arg-type]  # a half
        max_depth_share=300_000,  # type: ignore[arg-type]  # three tenths
    )
    assert made.cooldown == Cooldown(
        after_entry=Duration(60 * SECOND),
        after_exit=Duration(300 * SECOND),
        after_loss=Duration(900 * SECOND),
        after_reject=Duration(15 * SECOND),
        families={"KXHIGHNY": Duration(600 * SECOND)},
    )
    # Of strategies that do not trade here everything is looked after: nobody else would.
    assert (Style.MAKER, Duration(20 * SECOND), ("bias_harvest",)) == (
        made.exits.style,
        made.exits.patience,
        made.exits.strategies_exclude,
    )
    assert ["stop_loss", "trailing_stop", "take_profit", "time_to_close", "max_hold"] == [
        active.rule.name for active in made.exits.active
    ]


def test_the_default_files_have_no_exits() -> None:
    """What is commented out is off, and sizing stays at fixed dollars."""
    for name, data in default_files().items():
        if name == "bot.yaml":
            continue
        made = lane_settings(parse_venue(data, name).config)
        assert Exits() == made.exits
        assert SizingMethod.FIXED is made.sizing.method


def test_every_knob_has_its_path_and_value() -> None:
    """As the file writes them: the same keys, the same units."""
    found = {path: value for path, _, value in all_knobs(settings())}

    assert {
        "strategies.bias_harvest.params.gain": "1.15",
        "strategies.bias_harvest.params.patience_seconds": "120",
        "markets.min_liquidity_usd": "500",
        "markets.min_volume_24h_usd": "1000.5",
        "markets.price_min": "0.05",
        "markets.price_max": "0.95",
        "markets.max_spread": "0.04",
        "markets.min_depth_contracts": "12.5",
        "markets.min_hours_to_close": "0.25",
        "markets.max_hours_to_close": "72",
        "cooldown.after_entry_seconds": "60",
        "cooldown.after_exit_seconds": "300",
        "cooldown.after_loss_seconds": "900",
        "cooldown.after_reject_seconds": "15",
        "exits.stop_loss.distance": "0.12",
        "exits.stop_loss.confirm_seconds": "45",
        "exits.trailing_stop.activation": "0.05",
        "exits.trailing_stop.distance": "0.05",
        "exits.take_profit.price": None,
        "exits.take_profit.gain": "0.2",
        "exits.time_to_close.minutes": "10",
        "exits.max_hold.minutes": "90",
        "sizing.order_usd": "12",
        "sizing.contracts": "7",
        "sizing.kelly_fraction": "0.5",
        "sizing.max_depth_share": "0.3",
    }.items() <= found.items()


def test_the_order_is_fixed_and_no_path_occurs_twice() -> None:
    """The same settings give the same list; hard limits and texts are not in it."""
    paths = [path for path, _, _ in all_knobs(settings())]

    assert all_knobs(settings()) == all_knobs(settings())
    assert sorted(set(paths)) == sorted(paths)
    assert not [path for path in paths if path.startswith("risk") or "keyword" in path]
    assert not [path for path in paths if path.endswith(("families", "style", "measure", "method"))]


def test_bounds_are_in_order() -> None:
    """Every ladder has at least one step between its ends."""
    for path, declared, _ in all_knobs(settings()):
        low, high, step = (
            parse_scaled(text, 12) for text in (declared.low, declared.high, declared.step)
        )
        assert 0 <= low < high, path
        assert 0 < step <= high - low, path


def keys_of(data: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the path of every value of the settings as they are written down."""
    for key, value in data.items():
        if key == "strategies":
            continue
        if isinstance(value, dict):
            yield from keys_of(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def test_every_path_is_one_of_the_file() -> None:
    """A proposal about a knob can be written into the file: the key exists there."""
    made = settings()
    known = set(keys_of(json.loads(made.text)))
    paths = [path for path, _, _ in all_knobs(made) if not path.startswith("strategies.")]

    assert set(paths) <= known


@attrs.frozen(kw_only=True)
class Odd:
    """Parameters as somebody else might declare them."""

    share: Decimal = knob(Decimal("0.10"), low="0", high="1", step="0.1", unit="ratio")
    maybe: int | None = knob(None, low="0", high="9", step="1", unit="tick")
    plain: int = knob(3, low="0", high="9", step="1", unit="tick")


@attrs.frozen(kw_only=True)
class Wrong:
    """A knob that turns no number."""

    word: str = knob("a", low="0", high="1", step="1", unit="letter")


def running(params: Any) -> LaneSettings:
    """Return settings of a lane with one strategy."""
    strategy = Strategy(name="odd", summary="Odd.", params=type(params), decide=lambda *_: ())
    return plain_settings(ActiveStrategy(strategy=strategy, params=params))


def test_knobs_of_other_strategies() -> None:
    """Decimals and whole numbers are written as they are; what is no number is refused."""
    assert [
        ("strategies.odd.params.share", "0.10"),
        ("strategies.odd.params.maybe", None),
        ("strategies.odd.params.plain", "3"),
    ] == [(path, value) for path, _, value in all_knobs(running(Odd()))][:3]
    with pytest.raises(TypeError, match="a knob is a number"):
        all_knobs(running(Wrong()))
