"""Every strategy has a page that says what it does, when it loses, and how it is set."""

from enum import Enum
from pathlib import Path

import attrs
import pytest

from market_bot.core.domain.numbers import format_scaled
from market_bot.core.domain.strategies.api import Strategy, knobs
from tests.fakes.builders import every_strategy

PAGES = Path(__file__).parents[2] / "docs" / "reference" / "strategies"
STRATEGIES = every_strategy()


def rows(strategy: Strategy) -> list[list[str]]:
    """Return the parameters as a page has to list them, but for their meaning."""
    tunable, defaults = knobs(strategy), strategy.params()
    listed = []
    for field in attrs.fields(strategy.params):
        knob, value = tunable.get(field.name), getattr(defaults, field.name)
        unit = "" if knob is None else knob.unit
        scaled = unit in {"dollar", "ratio", "probability"}
        shown = format_scaled(value, 6) if scaled else str(value)
        if isinstance(value, Enum):
            shown = str(value.value)
        tuning = (
            ["never", "–", "–"]
            if knob is None
            else [f"{knob.low} to {knob.high}", knob.step, knob.unit]
        )
        listed.append([f"`{field.name}`", shown, *tuning])
    return listed


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_the_page_lists_the_parameters(strategy: Strategy) -> None:
    """Names, defaults, bounds, steps and units are those of the code, each with a meaning."""
    page = (PAGES / f"{strategy.name}.md").read_text(encoding="utf-8")
    table = page.partition("## Parameters")[2].partition("##")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("| `")
    ]

    assert rows(strategy) == [row[:-1] for row in cells]
    assert all(row[-1] for row in cells)


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_the_page_is_honest(strategy: Strategy) -> None:
    """It begins with the name and the sentence, and says when money is lost and who says so."""
    page = (PAGES / f"{strategy.name}.md").read_text(encoding="utf-8")

    assert page.startswith(f"# {strategy.name}\n\n{strategy.summary}\n")
    for heading in ("## Idea", "## When it loses", "## Parameters", "## Sources"):
        assert 1 == page.count(f"{heading}\n")


def test_no_page_without_a_strategy() -> None:
    """A page that describes nothing would mislead."""
    assert set(STRATEGIES) == {page.stem for page in PAGES.glob("*.md")} - {"README"}
