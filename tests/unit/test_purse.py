"""A day's money for models: whoever asks, and however it ends."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from market_bot.adapters.llm.fallback import Fallback
from market_bot.adapters.llm.purse import Budgeted, Purse
from market_bot.adapters.llm.rule_table import RuleTable
from market_bot.core.domain.numbers import NO_MONEY, Duration, Micros, Money, money
from market_bot.core.domain.tuning.brief import Brief
from market_bot.core.ports.advisor import Advice, Advisor, Silence
from market_bot.core.ports.clock import Clock
from tests.fakes.advised import briefed
from tests.fakes.tuning import DAY, NOON

DOLLAR = money("1")
BRIEF = briefed()


@attrs.define
class Spender(Advisor):
    """Spends an amount and fails."""

    costs: Money
    allowed: list[Money] = attrs.field(factory=list)
    name: str = "claude"

    def advise(self, brief: Brief) -> Advice:
        return Advice(advisor="claude", silence=Silence.REFUSED, cost=self.costs, tokens_in=7)


class Stopped(Clock):
    """A clock that stands."""

    def now(self) -> Micros:
        return NOON

    def elapsed(self) -> Duration:
        return Duration(0)


def test_what_is_taken_is_gone(tmp_path: Path) -> None:
    """All of a day's money, once; the next day there is new money."""
    purse = Purse(tmp_path / "purse", DOLLAR)

    assert DOLLAR == purse.take(NOON)
    assert NO_MONEY == Purse(tmp_path / "purse", DOLLAR).take(NOON)
    assert DOLLAR == purse.take(Micros(NOON + DAY))


def test_what_is_not_spent_is_put_back(tmp_path: Path) -> None:
    """And is there for the next question of the day, never more than the whole."""
    purse = Purse(tmp_path / "purse", DOLLAR)
    purse.take(NOON)
    purse.put_back(NOON, money("0.4"))

    assert money("0.4") == purse.take(NOON)
    purse.put_back(NOON, money("-5"))
    assert NO_MONEY == purse.take(NOON)
    purse.put_back(NOON, money("7"))
    assert DOLLAR == purse.take(NOON)


def test_yesterdays_change_is_not_todays(tmp_path: Path) -> None:
    """A question over midnight gives nothing back to the new day beyond what it has."""
    purse = Purse(tmp_path / "purse", DOLLAR)
    purse.take(NOON)
    purse.put_back(Micros(NOON + DAY), DOLLAR)

    assert DOLLAR == purse.take(Micros(NOON + DAY))


@pytest.mark.parametrize(
    "data", [b"{}", b"rubbish", b'{"date": "2026-11-18", "spent": -1}', b"[]", b"\xff"]
)
def test_a_damaged_purse_is_empty(tmp_path: Path, data: bytes) -> None:
    """What is not known to be left is not spent; deleting the file mends it."""
    path = tmp_path / "purse"
    path.write_bytes(data)

    assert NO_MONEY == Purse(path, DOLLAR).take(NOON)
    path.unlink()
    assert DOLLAR == Purse(path, DOLLAR).take(NOON)


def test_an_advisor_is_made_for_what_is_left(tmp_path: Path) -> None:
    """The second question has less, and the third nothing."""
    allowed: list[Money] = []

    def make(left: Money) -> Advisor:
        allowed.append(left)
        return Spender(money("0.7"))

    advisor = Budgeted(Purse(tmp_path / "purse", DOLLAR), make, Stopped(), "claude")
    silences = [advisor.advise(BRIEF).silence for _ in range(3)]

    assert [DOLLAR, money("0.3")] == allowed
    assert [Silence.REFUSED, Silence.REFUSED, Silence.OVER_BUDGET] == silences


def test_a_purse_that_cannot_be_written_is_empty(tmp_path: Path) -> None:
    """Without a record nothing is spent."""
    purse = Purse(tmp_path / "no" / "purse", DOLLAR)
    advisor = Budgeted(purse, lambda _: Spender(DOLLAR), Stopped(), "claude")

    assert Silence.OVER_BUDGET is advisor.advise(BRIEF).silence


def test_behind_a_failure_stands_the_table() -> None:
    """It speaks, it is told why, and what the first one cost is counted."""
    advice = Fallback(Spender(money("0.2")), RuleTable()).advise(BRIEF)
    plain = RuleTable().advise(BRIEF)

    assert ("rules", plain.drafts, Silence.REFUSED, money("0.2"), 7) == (
        advice.advisor,
        advice.drafts,
        advice.instead_of,
        advice.cost,
        advice.tokens_in,
    )


def test_abstaining_is_respected() -> None:
    """Who was asked and says no is not asked around."""

    class Content(Spender):
        def advise(self, brief: Brief) -> Advice:
            return Advice(advisor="claude", silence=Silence.ABSTAINED)

    advice = Fallback(Content(NO_MONEY), RuleTable()).advise(BRIEF)

    assert ("claude", Silence.ABSTAINED, None) == (
        advice.advisor,
        advice.silence,
        advice.instead_of,
    )
