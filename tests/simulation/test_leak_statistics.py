"""How often leak rules are right: few false findings, few missed ones, and honest bounds.

The soak tests print numbers such as stand in `docs/explanation/leak-rules.md`. They draw less
often than a real night does, which makes a p coarser and nothing else.
"""

from __future__ import annotations

import pytest

from market_bot.core.domain.leaks import thresholds
from market_bot.core.domain.leaks.api import Kind
from market_bot.core.domain.leaks.synthetic import MINIMUM
from tests.fakes.leak_statistics import Outcome, clean, planted, share

CLEAN_NIGHTS = 1_000
LEAKY_NIGHTS = 50
HARD_NIGHTS = 20
# Leaks that can be planted in a form that no knob stops.
HARD = sorted(set(MINIMUM) - {"fees_taker"})


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw less often."""
    monkeypatch.setattr(thresholds, "DRAWS", 1_999)
    monkeypatch.setattr(thresholds, "SCREEN_DRAWS", 199)
    monkeypatch.setattr(thresholds, "PERMUTATIONS", 999)


def told(text: str, found: list[Outcome]) -> None:
    """Print what was measured."""
    rules = sorted({rule for one in found for rule in one.confirmed})
    print(f"\n{text}; confirmed were {', '.join(rules) or 'none'}")  # noqa: T201 - the report of a soak test


@pytest.mark.slow
def test_a_lane_that_breaks_even_has_no_leak() -> None:
    """Where every bound lies at zero nothing is confirmed."""
    assert () == clean("small", skill=0.0, entries_per_hour=3).confirmed


@pytest.mark.slow
def test_a_planted_leak_is_found_first() -> None:
    """What was planted is confirmed, ranked first, called tuning, and not overstated."""
    found = planted("small", "premature_stop")

    assert (True, True, Kind.TUNING) == (found.found, found.first, found.kind)
    assert 0 < found.bound <= found.truth


@pytest.mark.soak
@pytest.mark.timeout(36_000)
@pytest.mark.parametrize("skill", [0.0, 1.0])
def test_clean_nights_stay_clean(skill: float) -> None:
    """On at most one night in twenty anything is confirmed where nothing leaks."""
    found = [clean(f"clean-{i}", skill=skill) for i in range(CLEAN_NIGHTS // 2)]

    wrong = share(bool(one.confirmed) for one in found)

    told(f"skill {skill}: {wrong:.1%} of {len(found)} clean nights", found)
    assert wrong <= 0.05


@pytest.mark.soak
@pytest.mark.timeout(36_000)
@pytest.mark.parametrize("leak", MINIMUM)
def test_leaks_are_found_within_three_nights(leak: str) -> None:
    """At twice the minimum 80 % are found, 70 % ranked first, and 90 % of bounds are true."""
    found = [planted(f"leak-{i}", leak) for i in range(LEAKY_NIGHTS)]
    seen, first = share(one.found for one in found), share(one.first for one in found)
    honest = share(one.bound <= one.truth for one in found if one.found)

    told(f"{leak}: found {seen:.0%}, first {first:.0%}, bound true {honest:.0%}", found)
    assert seen >= 0.80
    assert first >= 0.70
    assert honest >= 0.90


@pytest.mark.soak
@pytest.mark.timeout(36_000)
@pytest.mark.parametrize("leak", HARD)
def test_what_no_knob_stops_is_not_called_tuning(leak: str) -> None:
    """In 95 % of all nights nothing that is confirmed calls for a knob."""
    found = [planted(f"hard-{i}", leak, structural=True) for i in range(HARD_NIGHTS)]
    quiet = share(one.kind is not Kind.TUNING and not one.tuning for one in found)

    told(f"{leak}, structural: no tuning in {quiet:.0%}", found)
    assert quiet >= 0.95
