"""Which settings a running lane takes, and what is told of those it does not."""

from typing import Any

import pytest

from market_bot.bootstrap.hot_settings import successor
from market_bot.bootstrap.lane_config import judge
from market_bot.bootstrap.settings import settings_of
from market_bot.config.defaults import default_files
from market_bot.config.hot import changed_keys, restart_needed
from market_bot.config.loader import parse_venue
from market_bot.config.schema import VenueConfig
from market_bot.core.domain.hot_change import (
    BAD_EDIT,
    NEEDS_RESTART,
    SettingsRefused,
    needs_restart,
)
from market_bot.core.domain.settings import LaneSettings
from tests.fakes.builders import LIMITS, lane_settings

NAME = "simulated.yaml"
TEXT = default_files()[NAME].decode()


def edited(old: str = "", new: str = "") -> bytes:
    """Return the default file with one text replaced."""
    assert not old or TEXT.count(old) == 1
    return TEXT.replace(old, new).encode()


def config(old: str = "", new: str = "") -> VenueConfig:
    """Return what the default file means with one text replaced."""
    return parse_venue(edited(old, new), NAME).config


def settings(old: str = "", new: str = "") -> LaneSettings:
    """Return the same in the core's terms."""
    return settings_of(parse_venue(edited(old, new), NAME))


HOT = (
    ("  order_usd: 20\n", "  order_usd: 8\n"),
    ("  max_order_usd: 25\n", "  max_order_usd: 24\n"),
    ("  max_book_age_seconds: 900\n", "  max_book_age_seconds: 90\n"),
    ("    enabled: true\n", "    enabled: false\n"),
)
COLD = (
    ("mode: paper\n", "mode: live\n", "mode"),
    ("  markets: 60\n", "  markets: 61\n", "simulation.markets"),
    ("  max_order_usd: 25\n", "  max_order_usd: 25.01\n", "risk.max_order_usd"),
    ("  max_drawdown_usd: 100\n", "  max_drawdown_usd: 101\n", "risk.max_drawdown_usd"),
)


@pytest.mark.parametrize(("old", "new"), HOT)
def test_what_is_soft_or_tighter_is_taken(old: str, new: str) -> None:
    """The lane gets exactly what a start with that file would give it."""
    wanted = settings(old, new)

    assert wanted == successor(settings(), wanted.text)
    assert judge(edited(old, new), NAME, settings()).trouble is None


@pytest.mark.parametrize(("old", "new", "key"), COLD)
def test_what_needs_a_restart_is_told_with_its_place(old: str, new: str, key: str) -> None:
    """One line names file, line, column and key, and the lane refuses it as well."""
    seen = judge(edited(old, new), NAME, settings())
    line = TEXT[: TEXT.index(old)].count("\n") + 1

    assert NEEDS_RESTART == seen.where
    assert seen.trouble is not None
    assert seen.trouble.startswith(f"{NAME}:{line}:")
    assert f" {key}: " in seen.trouble
    assert "\n" not in seen.trouble
    with pytest.raises(SettingsRefused, match=key):
        successor(settings(), settings(old, new).text)


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("api", "api:\n  base_url: https://example.org\n"),
        ("loop", "loop:\n  interval_ms: 5001\n"),
        ("tape", "tape:\n  record: false\n"),
        ("polymarket", "polymarket:\n  stream: false\n"),
    ],
)
def test_sections_that_are_put_together_before_the_start_need_one(section: str, text: str) -> None:
    """Addresses, rhythm, recordings and the venue's own switches are never taken hot."""
    after = parse_venue((_without(TEXT, section) + "\n" + text).encode(), NAME).config

    assert [section] == [path[0] for path, _ in restart_needed(config(), after)]


def _without(text: str, section: str) -> str:
    """Return a file without one of its sections."""
    lines, out, skipping = text.splitlines(keepends=True), list[str](), False
    for line in lines:
        if line[:1].strip() and not line.startswith("#"):
            skipping = line.startswith(f"{section}:")
        if not skipping:
            out.append(line)
    return "".join(out)


def test_a_file_that_cannot_be_loaded_is_told_once_with_its_place() -> None:
    """The first fault with its line; nothing else of the file counts."""
    seen = judge(edited("  order_usd: 20\n", "  order_usd: [\n"), NAME, settings())

    assert BAD_EDIT == seen.where
    assert seen.trouble is not None
    assert seen.trouble.startswith(f"{NAME}:")
    assert seen.trouble.endswith("the settings in force stay as they are")


def test_several_faults_are_one_line() -> None:
    """The first is told in full, the others are counted."""
    data = TEXT.replace("  max_order_usd: 25\n", "  max_order_usd: 26\n").replace(
        "  max_position_usd: 50\n", "  max_position_usd: 51\n"
    )

    trouble = judge(data.encode(), NAME, settings()).trouble

    assert trouble is not None
    assert "risk.max_order_usd" in trouble
    assert "(and 1 more)" in trouble


@pytest.mark.parametrize(("old", "new"), HOT[:1])
def test_the_one_key_that_changed_is_named(old: str, new: str) -> None:
    """As knobs are named; a second change leaves it open."""
    assert {"sizing.order_usd": ("20", "8")} == changed_keys(config(), config(old, new))
    assert "sizing.order_usd" == judge(edited(old, new), NAME, settings()).path
    two = edited(old, new).replace(b"  max_order_usd: 25\n", b"  max_order_usd: 24\n")
    assert "" == judge(two, NAME, settings()).path


def test_strategies_are_told_apart_by_name() -> None:
    """One that is taken out is named by all that it had; the others did not change."""
    keys = changed_keys(config(), config(*HOT[3]))

    assert {"strategies.bias_harvest.enabled": ("true", "false")} == keys


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"limits": {**LIMITS, "max_order_usd": LIMITS["max_order_usd"] - 1}}, []),
        ({"limits": {**LIMITS, "max_order_usd": LIMITS["max_order_usd"] + 1}}, ["max_order_usd"]),
        ({"limits": {k: v for k, v in LIMITS.items() if k != "max_order_usd"}}, ["max_order_usd"]),
        ({"rules": ()}, ["max_order_usd"]),
        ({"cash": 1}, ["paper"]),
    ],
)
def test_the_lane_itself_takes_no_looser_limits(changes: dict[str, Any], told: list[str]) -> None:
    """Whatever the files say: no limit above, none missing, no rule less, no other account."""
    reasons = list(needs_restart(lane_settings(), lane_settings(**changes)))

    for key in told:
        assert [reason for reason in reasons if key in reason]
    assert bool(told) == bool(reasons)


def test_a_text_that_is_no_configuration_is_refused() -> None:
    """It is refused like settings that need a restart; nothing is raised past the lane."""
    with pytest.raises(SettingsRefused, match="canonical"):
        successor(settings(), "{")


@pytest.mark.parametrize(("enabled", "excluded"), [("true", ("bias_harvest",)), ("false", ())])
def test_what_a_strategy_leaves_behind_is_left_to_the_exits(
    enabled: str, excluded: tuple[str, ...]
) -> None:
    """Only a strategy that trades can look after its positions itself."""
    exits = "exits:\n  strategies_exclude: [bias_harvest]\n  max_hold:\n    minutes: 5\n"
    text = _without(TEXT, "exits").replace("    enabled: true\n", f"    enabled: {enabled}\n")

    made = settings_of(parse_venue(f"{text}\n{exits}".encode(), NAME))

    assert excluded == made.exits.strategies_exclude
