"""What can go wrong, and the wrappers that make it go wrong at each port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Duration, Micros
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.execution import (
    Accepted,
    Confirmed,
    Execution,
    Fact,
    Outcome,
    Refused,
    Rejected,
    Unknown,
)
from market_bot.core.ports.journal import Chain, DurabilityLostError, Entry, Journal
from market_bot.core.ports.market_data import Capability, MarketData, MarketDataError, Sink
from tests.fakes.sim_fs import Fault, SimCrashError

from .checkers import Witness
from .feed import Feed
from .scheduler import VirtualClock
from .venue import SimVenue

# How often each fault strikes where it is on, per opportunity.
RATES: Final[Mapping[str, tuple[float, ...]]] = {
    "crash": (0.0, 0.001, 0.004),
    "disk_crash": (0.0, 0.0005, 0.002),
    "disk_error": (0.0, 0.0, 0.001),
    "disk_full": (0.0, 0.0, 0.001),
    "append_lost": (0.0, 0.002, 0.01),
    "data_error": (0.0, 0.0, 0.01),
    "gap": (0.0, 0.005),
    "duplicate": (0.0, 0.05),
    "late": (0.0, 0.1),
    "reject": (0.0, 0.1),
    "answer_lost": (0.0, 0.1, 0.4),
    "never_arrived": (0.0, 0.1),
    "delayed": (0.0, 0.3, 0.7),
    "repeated": (0.0, 0.2),
    "cancel_lost": (0.0, 0.3),
    "provisional": (0.0, 0.3),
    "reversed": (0.0, 0.3),
}


# A fault that comes alone comes more often.
_ALONE: Final = 3


class Chaos:
    """Decides what breaks; every seed has its own mixture, so that faults also come alone.

    Args:
        rng: the source of all decisions.
        only: names of the faults that may strike; None lets the seed choose.
        crash_at: lose power once at this opportunity, counted from 1; 0 never.
        fail_at: fail the disk once at this opportunity; 0 never.
        lose_at: refuse this one fact of those to be written, counted from 1; 0 none.
        rates: what a seed chooses from, by name.

    """

    def __init__(
        self,
        rng: Random,
        *,
        only: frozenset[str] | None = None,
        crash_at: int = 0,
        fail_at: int = 0,
        lose_at: int = 0,
        rates: Mapping[str, tuple[float, ...]] = RATES,
    ) -> None:
        self.rng = rng
        self.rates = {
            name: rng.choice(known) if only is None else _ALONE * max(known) * (name in only)
            for name, known in rates.items()
        }
        self.calm = False
        self.chances = 0
        self.struck: dict[str, int] = {}
        self.facts = 0
        self.crash_at, self.fail_at, self.lose_at = crash_at, fail_at, lose_at

    def strikes(self, name: str) -> bool:
        """Tell whether a fault happens at this opportunity."""
        if self.calm or self.rng.random() >= self.rates[name]:
            return False
        self.struck[name] = self.struck.get(name, 0) + 1
        return True

    def may_crash(self) -> None:
        """Lose power here, if this is the place."""
        self.chances += 1
        if self.chances == self.crash_at or self.strikes("crash"):
            raise SimCrashError


class Weather(dict[int, Fault]):
    """The disk's faults: not a list of operations but a chance at each of them."""

    def __init__(self, chaos: Chaos) -> None:
        super().__init__()
        self._chaos = chaos

    def get(self, _: int, default: Fault | None = None) -> Fault | None:  # type: ignore[override]  # the one method that is used
        chaos = self._chaos
        chaos.chances += 1
        if chaos.chances == chaos.crash_at:
            return Fault.CRASH_AFTER
        if chaos.chances == chaos.fail_at:
            return Fault.IO_ERROR
        if chaos.strikes("disk_crash"):
            return chaos.rng.choice((Fault.CRASH_BEFORE, Fault.CRASH_AFTER))
        if chaos.strikes("disk_error"):
            return Fault.IO_ERROR
        if chaos.strikes("disk_full"):
            return chaos.rng.choice((Fault.NO_SPACE, Fault.SHORT))
        return default


@attrs.define(eq=False)
class FaultyJournal(Journal):
    """Loses durability now and then, and remembers what it promised."""

    inner: Journal
    chaos: Chaos
    witness: Witness

    @property
    def chain(self) -> Chain:
        return self.inner.chain

    @property
    def head(self) -> tuple[int, str]:
        return self.inner.head

    def append(self, event: ev.Event, at: Micros, config: str) -> int:
        # A lane that cannot even be opened has nothing to lose yet.
        if not isinstance(event, ev.BotStarted):
            self.chaos.facts += 1
            if self.chaos.facts == self.chaos.lose_at or self.chaos.strikes("append_lost"):
                self._lose()
        try:
            number = self.inner.append(event, at, config)
        except DurabilityLostError:
            self.witness.lost = True
            raise
        if event.DURABILITY is ev.Durability.A:
            self.witness.acknowledge(number, event)
        return number

    def commit(self) -> None:
        try:
            self.inner.commit()
        except DurabilityLostError:
            self.witness.lost = True
            raise

    def close(self) -> None:
        self.inner.close()

    def needs_checkpoint(self, at: Micros) -> bool:
        return self.inner.needs_checkpoint(at)

    def read(self) -> Iterator[Entry]:
        return self.inner.read()

    def _lose(self) -> None:
        self.witness.lost = True
        msg = "planted: not durable"
        raise DurabilityLostError(msg)


@attrs.define(eq=False)
class FaultyExecution(Execution):
    """The way to the venue and back: answers get lost, orders never arrive, power fails."""

    venue: SimVenue
    chaos: Chaos
    witness: Witness

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        self.witness.sending(intent)
        self.venue.count(intent)
        self.chaos.may_crash()
        outcome = self._submit(intent, at)
        self.chaos.may_crash()
        return outcome

    def cancel(self, intent: str, at: Micros) -> None:
        self.chaos.may_crash()
        if not self.chaos.strikes("cancel_lost"):
            self.venue.cancel(intent, at)

    def collect(self, at: Micros) -> Sequence[Fact]:
        facts = self.venue.collect(at)
        self.chaos.may_crash()
        return facts

    def _submit(self, intent: Intent, at: Micros) -> Outcome:
        chaos, venue = self.chaos, self.venue
        if chaos.strikes("never_arrived"):
            venue.queue(Refused(intent.id, "never_arrived"))
            return Unknown("connection reset")
        if chaos.strikes("reject") or not venue.admits(intent):
            return Rejected("planted")
        order = venue.receive(intent, at)
        if chaos.strikes("answer_lost"):
            venue.queue(Confirmed(intent.id, order))
            return Unknown("timeout")
        return Accepted(order)


@attrs.define(eq=False)
class FaultyMarketData(MarketData):
    """A feed that breaks off in the middle now and then; losses and repeats are in the feed."""

    inner: Feed
    chaos: Chaos

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self.inner.capabilities

    def drain(self, sink: Sink, until: Micros) -> str:
        self.chaos.may_crash()
        position = self.inner.drain(sink, until)
        if self.chaos.strikes("data_error"):
            msg = "planted: the feed broke off"
            raise MarketDataError(msg)
        return position


@attrs.define(eq=False)
class FaultyClock(Actor):
    """Corrects the host's clock now and then, by milliseconds or by an hour."""

    clock: VirtualClock
    rng: Random
    done: Callable[[], bool]

    @property
    def name(self) -> str:
        return "clock"

    def step(self, now: Micros) -> Micros | None:
        if self.done():
            return None
        by = self.rng.choice((-3_600_000_000, -40_000, -1_000, 1_000, 40_000, 3_600_000_000))
        self.clock.correct(Duration(by))
        return Micros(self.clock.now() + self.rng.randint(5_000_000, 120_000_000))

    def stop(self, now: Micros, reason: str) -> None:
        pass
