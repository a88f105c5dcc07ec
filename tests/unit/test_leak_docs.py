"""What the pages about leak rules say is true."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from market_bot.bootstrap import discovery
from market_bot.bootstrap.discovery import UnknownPluginError, builtin_leak_rules, leak_rules
from market_bot.core.domain.leaks.api import LeakRule
from market_bot.core.domain.leaks.registry import ENTRY_POINTS

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "how-to/write-a-leak-rule.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


def guide() -> LeakRule:
    """Return the rule of the guide."""
    module = ModuleType("guide")
    exec(compile(BLOCKS[0], "guide", "exec"), module.__dict__)  # noqa: S102 - our own page
    rule = module.RULE
    assert isinstance(rule, LeakRule)
    return rule


class Point:
    """An entry point that holds something."""

    name = "weekend"

    def __init__(self, thing: object) -> None:
        self.thing = thing

    def load(self) -> object:
        """Return what it holds."""
        return self.thing


def test_the_rule_of_the_guide_works() -> None:
    """Its examples are judged as they say."""
    rule = guide()

    said = [rule.find(night.day, night) for night in (one.night() for one in rule.examples)]

    assert [one.flagged for one in rule.examples] == [found[0].flagged for found in said]


def test_the_rest_of_the_guide_runs() -> None:
    """The synthetic lane of the guide exists."""
    exec(compile(BLOCKS[1], "guide", "exec"), {})  # noqa: S102 - our own page


def test_rules_of_other_packages_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point is all it takes, and what is no rule is refused."""
    points: list[Point] = [Point(guide())]
    monkeypatch.setattr(
        discovery, "entry_points", lambda group: points if group == ENTRY_POINTS else []
    )

    assert {"weekend_trades"} == {r.name for r in leak_rules()} - {
        r.name for r in builtin_leak_rules()
    }
    points.append(Point("nothing"))
    with pytest.raises(UnknownPluginError, match="'weekend' is a str, not a LeakRule"):
        leak_rules()


def test_every_rule_is_on_the_page() -> None:
    """The reference names each rule."""
    page = (DOCS / "reference/leak-rules.md").read_text(encoding="utf-8")

    assert [] == [rule.name for rule in builtin_leak_rules() if f"`{rule.name}`" not in page]
