"""The settings of the demonstration."""

from __future__ import annotations

from market_bot.bootstrap.allowlists import allowlist_of
from market_bot.bootstrap.demo_home import DAYS, PLANTED, WORLD, demo_files
from market_bot.config.defaults import default_files
from market_bot.config.loader import parse_venue


def test_the_leak_is_one_line_that_a_step_can_mend() -> None:
    """The planted value is the knob's own, and it may go one step up."""
    sourced = parse_venue(demo_files()[WORLD], WORLD)
    entry = allowlist_of(sourced, WORLD).entries[PLANTED]

    assert (entry.value, entry.next) == ("0.014", ("0.012", "0.016"))
    assert sourced.config.simulation.days > DAYS


def test_the_other_files_are_those_that_everybody_gets() -> None:
    """Only the simulated venue's settings differ."""
    told, usual = demo_files(), default_files()

    assert told.keys() == usual.keys()
    assert [name for name in told if told[name] != usual[name]] == [WORLD]
