"""What a trial was begun with: the baseline, and what was predicted and allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    Money,
    Size,
    format_money,
    format_size,
    money,
    size,
)

from .baseline import BadBaselineError, Baseline, frozen, thawed
from .cohort import Position
from .count_check import check_ratio

_HELD: Final = "held."
_YES: Final = "yes"
_NO: Final = "no"


@attrs.frozen(kw_only=True)
class Terms:
    """Everything that is decided when a trial begins.

    Args:
        baseline: what new trades are measured against.
        config: hash of the configuration after the change.
        before: hash of the one before it.
        budget: what the operator allows a trial to lose.
        ratio: how many times as many trades replay predicted; 1 if nothing was predicted.
        shadow: whether the old configuration runs beside it on the same data.
        held: what was held when it began.

    """

    baseline: Baseline
    config: str
    before: str
    budget: Money
    ratio: float = 1.0
    shadow: bool = False
    held: Mapping[Position, Size] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        check_ratio(self.ratio)
        if self.budget <= 0:
            msg = f"a trial needs something that it may lose, was {format_money(self.budget)}"
            raise ValueError(msg)

    def frozen(self) -> dict[str, str]:
        """Return the terms as text, for `market_bot.core.domain.events.TrialStarted.baseline`."""
        held = {
            f"{_HELD}{leg.value}.{market}": format_size(contracts)
            for (market, leg), contracts in sorted(
                self.held.items(), key=lambda item: (item[0][0], item[0][1].value)
            )
        }
        return {
            **frozen(self.baseline),
            "config": self.config,
            "config.before": self.before,
            "budget": format_money(self.budget),
            "ratio": f"{self.ratio:.9g}",
            "shadow": _YES if self.shadow else _NO,
            **held,
        }


def thaw(text: Mapping[str, str]) -> Terms:
    """Return the terms that were frozen.

    Raises:
        BadBaselineError: if something is missing or unreadable.

    """
    baseline = thawed(text)
    try:
        return Terms(
            baseline=baseline,
            config=text["config"],
            before=text["config.before"],
            budget=money(text["budget"]),
            ratio=float(text["ratio"]),
            shadow={_YES: True, _NO: False}[text["shadow"]],
            held={_position(key): size(text[key]) for key in text if key.startswith(_HELD)},
        )
    except (KeyError, ValueError) as e:
        msg = f"the frozen terms of a trial cannot be read: {e}"
        raise BadBaselineError(msg) from e


def _position(key: str) -> Position:
    leg, _, market = key.removeprefix(_HELD).partition(".")
    return market, Leg(leg)
