"""An advisor: reads what a night found, and says which knob to turn."""

from __future__ import annotations

from abc import abstractmethod
from enum import Enum
from typing import Final, Protocol

import attrs

from market_bot.core.domain.numbers import NO_MONEY, Duration, Money
from market_bot.core.domain.tuning.brief import Brief
from market_bot.core.domain.tuning.proposal import Draft

REASON_MAX: Final = 600


class Silence(Enum):
    """Why an advisor proposes nothing. All but the first two are failures."""

    NOTHING_TO_TURN = "nothing_to_turn"
    ABSTAINED = "abstained"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    TIMED_OUT = "timed_out"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    REJECTED = "rejected"
    OVER_BUDGET = "over_budget"
    NO_KEY = "no_key"
    CRASHED = "crashed"


@attrs.frozen(kw_only=True)
class Advice:
    """What an advisor said, and what it took.

    Args:
        advisor: its name, as in the journal.
        drafts: what it proposes; nobody checked more than types and lengths.
        unfit: how many proposals were none.
        silence: why there are none; None if there are.
        reason: what it says about that, in its own words: for people only.
        cost: what was spent, or could have been, in 1e-12 dollars.
        tokens_in, tokens_out: what was counted.
        attempts: how often it was asked.
        model: which model answered.
        prompt: hash of everything it was asked with.
        took: how long it was waited for.
        instead_of: why another advisor, who should have spoken, did not.

    """

    advisor: str
    drafts: tuple[Draft, ...] = ()
    unfit: int = 0
    silence: Silence | None = None
    reason: str = ""
    cost: Money = NO_MONEY
    tokens_in: int = 0
    tokens_out: int = 0
    attempts: int = 0
    model: str = ""
    prompt: str = ""
    took: Duration = Duration(0)
    instead_of: Silence | None = None

    @property
    def failed(self) -> bool:
        """Whether it did not speak although it should have."""
        return self.silence not in (None, Silence.NOTHING_TO_TURN, Silence.ABSTAINED)


class Advisor(Protocol):
    """Says what to change. It decides nothing and changes nothing."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Its name, as in the journal."""

    @abstractmethod
    def advise(self, brief: Brief) -> Advice:
        """Return what it would change because of what it is told.

        It never raises for what can happen at night: a failure is an advice without drafts. It is
        not asked at all, and costs nothing, if nothing may be turned.
        """
