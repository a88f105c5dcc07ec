"""Order desks that answer as told, or as badly as a venue ever might."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import attrs

from market_bot.core.domain.numbers import Micros, Money, Price, Size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Confirmed,
    Execution,
    Fact,
    Filled,
    Outcome,
    Refused,
    Rejected,
    Reversed,
    Settled,
    Unknown,
)


class ScriptedExecution(Execution):
    """Gives the answers it was given, in order, then accepts; facts come when they are said."""

    def __init__(self, *answers: Outcome) -> None:
        self.answers = list(answers)
        self.submitted: list[Intent] = []
        self.cancels: list[str] = []
        self._facts: list[Fact] = []

    def say(self, *facts: Fact) -> None:
        """Have facts collected at the next tick."""
        self._facts.extend(facts)

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        self.submitted.append(intent)
        return self.answers.pop(0) if self.answers else Accepted(f"v-{len(self.submitted)}")

    def cancel(self, intent: str, at: Micros) -> None:
        self.cancels.append(intent)

    def collect(self, at: Micros) -> Sequence[Fact]:
        facts, self._facts = self._facts, []
        return facts


def filled(intent: Intent, number: int = 1, quantity: Size | None = None) -> Filled:
    """Return a fill of an intent at its own limit, without a fee."""
    signal = intent.draft.signal
    traded = intent.draft.size if quantity is None else quantity
    return Filled(
        intent=intent.id,
        fill=f"{intent.id}/{number}",
        price=signal.price,
        size=traded,
        cost=Money(signal.price * traded),
        fee=Money(0),
        liquidity=signal.style,
        at=Micros(0),
    )


@attrs.define(eq=False)
class _Resting:
    intent: Intent
    left: Size
    fills: int = 0


class ChaoticExecution(Execution):
    """A venue on a bad day, but no cheat: it never trades beyond the limit, the size or the fee.

    It rejects, leaves in doubt, fills in parts, cancels, and settles or undoes provisional fills.
    It tells the facts of each order late, between those of others, and sometimes twice. Entries
    may fill although they were refused or ended (ghosts); sales keep to what was said of them,
    since no venue sells what is not there.

    Args:
        random: where its moods come from.
        listener: is told of every order before the venue answers.

    """

    def __init__(self, random: Random, listener: Callable[[Intent], None] | None = None) -> None:
        self._random = random
        self._listener = listener
        self._book: dict[str, _Resting] = {}
        self._waiting: dict[str, list[Fact]] = {}
        self._market: dict[str, str] = {}
        self.told: list[Fact] = []

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        if self._listener is not None:
            self._listener(intent)
        entry = intent.draft.signal.purpose is Purpose.ENTRY
        self._market[intent.id] = intent.draft.signal.market
        mood = self._random.random()
        if mood < 0.15 and not (entry and mood < 0.03):
            return Rejected("insufficient_mood")
        if 0.15 <= mood < 0.25:
            self._later(Refused(intent.id, "never_arrived"))
            return Unknown("timeout")
        self._book[intent.id] = _Resting(intent, intent.draft.size)
        if mood < 0.15:
            return Rejected("ghost")
        if mood < 0.5:
            if mood < 0.4:
                self._later(Confirmed(intent.id, f"v-{intent.id}"))
            return Unknown("timeout")
        return Accepted(f"v-{intent.id}")

    def cancel(self, intent: str, at: Micros) -> None:
        resting = self._book.pop(intent, None)
        if resting is not None:
            self._end(resting, "cancelled")

    def collect(self, at: Micros) -> Sequence[Fact]:
        for resting in list(self._book.values()):
            self._live_on(resting, at)
        ready: list[Fact] = []
        for name in self._random.sample(list(self._waiting), len(self._waiting)):
            facts = self._waiting[name]
            count = self._random.randint(0, len(facts))
            ready += facts[:count]
            again = [fact for fact in facts[:count] if self._random.random() < 0.15]
            self._waiting[name] = facts[count:] + again
            if not self._waiting[name]:
                del self._waiting[name]
        self.told += ready
        return ready

    def busy(self, market: str) -> bool:
        """Tell whether there is still something to say about a market."""
        return any(self._market[name] == market for name in (*self._book, *self._waiting))

    def _later(self, fact: Fact) -> None:
        self._waiting.setdefault(fact.intent, []).append(fact)

    def _end(self, resting: _Resting, reason: str) -> None:
        name = resting.intent.id
        facts = self._waiting.setdefault(name, [])
        early = resting.intent.draft.signal.purpose is Purpose.ENTRY
        place = self._random.randint(0, len(facts)) if early else len(facts)
        facts.insert(place, Cancelled(name, reason))

    def _live_on(self, resting: _Resting, at: Micros) -> None:
        intent = resting.intent
        if self._random.random() < 0.5:
            self._trade(resting, at)
        if resting.left <= 0:
            del self._book[intent.id]
        elif intent.expires_at <= at or self._random.random() < 0.1:
            del self._book[intent.id]
            self._end(resting, "expired")

    def _trade(self, resting: _Resting, at: Micros) -> None:
        intent, random = resting.intent, self._random
        draft, signal = intent.draft, intent.draft.signal
        size = Size(resting.left if random.random() < 0.4 else random.randint(1, resting.left))
        better = random.choice([0, 0, 10_000])
        price = max(1, signal.price - better)
        if signal.purpose is Purpose.EXIT:
            price = min(999_999, signal.price + better)
        resting.left = Size(resting.left - size)
        resting.fills += 1
        name = f"{intent.id}/{resting.fills}"
        provisional = random.random() < 0.4
        fill = Filled(
            intent=intent.id,
            fill=name,
            price=Price(price),
            size=size,
            cost=Money(price * size),
            fee=Money(draft.fee_bound * size // draft.size),
            liquidity=random.choice(list(Style)),
            at=at,
            provisional=provisional,
        )
        self._later(fill)
        if provisional and random.random() < 0.8:
            undone = random.random() < 0.5
            self._later(Reversed(intent.id, name, "no") if undone else Settled(intent.id, name))
