"""A value that replaces one of the file means what it would mean there, and fails as it would."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.bootstrap.settings import settings_of
from market_bot.config import ConfigError, canonical, parse_venue
from market_bot.config.defaults import default_files
from market_bot.config.overrides import Override, from_journal, override, value_at

NAME = "kalshi.yaml"
FILE = default_files()[NAME]
GAIN = "strategies.bias_harvest.params.gain"


def with_line(key: str, value: str) -> bytes:
    """Return the default file with another value in the only line of a key."""
    text, count = re.subn(rf"(?m)^(\s+{key}): .*$", rf"\1: {value}", FILE.decode())
    assert 1 == count
    return text.encode()


def complaint(work: object) -> str:
    """Return what a call complains of, without the place."""
    with pytest.raises(ConfigError) as refused:
        work()  # type: ignore[operator]  # a call
    (line,) = refused.value.lines
    return line.partition(": ")[2]


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ("sizing.order_usd", "order_usd", "7.5"),
        ("risk.max_order_usd", "max_order_usd", "30"),
        (GAIN, "gain", "1.3"),
        ("strategies[0].params.gain", "gain", "1.3"),
        ("strategies.bias_harvest.enabled", "enabled", "false"),
        ("markets.families_include", "families_include", "[A, 'B, C']"),
        ("cooldown.after_exit_seconds", "after_exit_seconds", "5"),
    ],
)
def test_it_is_as_if_it_stood_in_the_file(path: str, key: str, value: str) -> None:
    """The same configuration comes out, to the last letter of its canonical text."""
    changed = override(parse_venue(FILE, NAME), [Override(path, value)])

    assert canonical(parse_venue(with_line(key, value), NAME).config) == canonical(changed.config)
    assert settings_of(changed).hash != settings_of(parse_venue(FILE, NAME)).hash


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ("sizing.order_usd", "order_usd", "-5"),
        ("sizing.order_usd", "order_usd", "1e3"),
        ("sizing.order_usd", "order_usd", "much"),
        ("risk.max_order_usd", "max_order_usd", "0"),
        ("risk.max_open_orders", "max_open_orders", "99999999"),
        ("strategies.bias_harvest.enabled", "enabled", "yes"),
        (GAIN, "gain", "[1]"),
    ],
)
def test_it_fails_as_it_would_in_the_file(path: str, key: str, value: str) -> None:
    """The words are the same; only the place is the one where it was said."""
    inside = complaint(lambda: parse_venue(with_line(key, value), NAME))
    said = complaint(lambda: override(parse_venue(FILE, NAME), [Override(path, value)]))

    assert inside == said


@pytest.mark.parametrize(
    ("path", "value", "needle"),
    [
        ("sizing.ordr_usd", "5", "did you mean order_usd?"),
        ("strategies.bias_harvest.params.gian", "1", "did you mean gain?"),
        ("strategies.bias_harvest.params.price_min", "1.5", "0 to 1 dollar"),
        ("strategies.nobody.enabled", "true", "no strategy of that name"),
        ("strategies[7].enabled", "true", "no strategy of that name"),
        ("sizing.order_usd.deep", "1", "was a section"),
        ("risk.max_order_usd", "", "safety rule"),
        ("a b", "1", "a path is like"),
        ("", "1", "a path is like"),
        ("sizing.order_usd", "5\nrisk: {}", "a single line"),
        ("sizing.order_usd", "5, x: 1}", "plain decimal"),
        ("sizing.order_usd", "&a 5", "anchors"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(path: str, value: str, needle: str) -> None:
    """The line names where it was said."""
    with pytest.raises(ConfigError) as refused:
        settings_of(override(parse_venue(FILE, NAME), [Override(path, value, "--variant a:")]))

    (line,) = refused.value.lines
    assert line.startswith("--variant a: ")
    assert needle in line or path == "sizing.order_usd"


def test_the_last_of_several_changes_counts() -> None:
    """They are made in the order in which they are said."""
    changes = [Override("sizing.order_usd", "5"), Override("sizing.order_usd", "6")]
    changed = override(parse_venue(FILE, NAME), changes)

    assert "6" == value_at(changed.config, "sizing.order_usd")


def test_nothing_leaves_a_line_out() -> None:
    """A filter that is left out does not filter; the file itself is untouched."""
    sourced = parse_venue(FILE, NAME)
    changed = override(sourced, [Override("markets.max_spread", "")])

    assert ("0.05", "not set") == tuple(
        value_at(one.config, "markets.max_spread") for one in (sourced, changed)
    )


def test_a_section_can_be_made() -> None:
    """An exit that is off in the file can be tried."""
    changed = override(parse_venue(FILE, NAME), [Override("exits.stop_loss.distance", "0.08")])

    assert "stop_loss" in changed.config.exits.sections()
    assert "0.08" == value_at(changed.config, "exits.stop_loss.distance")


def test_recorded_settings_can_be_changed_too() -> None:
    """What a journal holds is changed exactly as the file it came from."""
    sourced = parse_venue(FILE, NAME)
    recorded = from_journal(canonical(sourced.config))
    changes = [Override(GAIN, "1.3"), Override("sizing.order_usd", "3")]

    assert sourced.config == recorded.config
    assert override(sourced, changes).config == override(recorded, changes).config


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_taken_or_refused(path: str, value: str) -> None:
    """Whatever is typed, it is either a sound configuration or an error for people."""
    sourced = parse_venue(FILE, NAME)
    try:
        changed = override(sourced, [Override(path, value)])
    except ConfigError as e:
        assert all(line.isprintable() for line in e.lines)  # noqa: PT017 - either is right
    else:
        assert changed.config != sourced.config or value_at(sourced.config, path)
