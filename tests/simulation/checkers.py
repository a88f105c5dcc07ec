"""What must be true on every seed, checked from the outside: at the venue and on the disk."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import attrs

from market_bot.adapters.storage.codec import decode_state, digest
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.numbers import Duration
from market_bot.core.domain.orders import OrderState, Purpose
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.journal import Entry

if TYPE_CHECKING:
    from .venue import SimVenue  # The venue is judged here and knows nothing of it.

_GRACE = Duration(250_000)


class BrokenPromiseError(AssertionError):
    """Something that must hold on every seed does not."""


def must(truth: bool, message: str) -> None:
    """Complain unless something is true."""
    if not truth:
        raise BrokenPromiseError(message)


@attrs.define(eq=False)
class Witness:
    """Sees every fact that was acknowledged and every order that leaves; outlives crashes.

    Args:
        halt_file_age: for how long there has been a HALT file, None without one.

    """

    halt_file_age: Callable[[], Duration | None]
    lost: bool = False
    halted: bool = False
    facts: dict[int, ev.Event] = attrs.field(factory=dict)
    intents: set[str] = attrs.field(factory=set)

    def acknowledge(self, number: int, event: ev.Event) -> None:
        """Remember a fact that the journal called durable."""
        self.facts[number] = event
        self._follow(event)

    def sending(self, intent: Intent) -> None:
        """Judge an order at the moment it leaves."""
        must(intent.id in self.intents, f"{intent.id} was sent before it was written down")
        if intent.draft.signal.purpose is Purpose.EXIT:
            return
        must(not self.halted, f"{intent.id} opens a position during a halt")
        must(not self.lost, f"{intent.id} opens a position although durability was lost")
        age = self.halt_file_age()
        must(age is None or age < _GRACE, f"{intent.id} opens a position despite the HALT file")

    def fills(self) -> list[str]:
        """Return the names of the fills that are written down, in order."""
        return [event.fill for event in self.facts.values() if isinstance(event, ev.Fill)]

    def restart(self, entries: Sequence[Entry], *, strict: bool) -> None:
        """Compare what is found after a crash with what was promised, and begin again."""
        found = {entry.seq: entry.event for entry in entries}
        if strict:
            for number, event in self.facts.items():
                must(found.get(number) == event, f"line {number} was promised: {event}")
        self.lost = self.halted = False
        self.facts = {n: e for n, e in found.items() if e and e.DURABILITY is ev.Durability.A}
        self.intents = set()
        for event in self.facts.values():
            self._follow(event)

    def _follow(self, event: ev.Event) -> None:
        match event:
            case ev.Halt():
                self.halted = True
            case ev.Resume():
                self.halted = False
            case ev.OrderIntent():
                self.intents.add(event.intent)
            case _:
                pass


def fold(entries: Iterable[Entry]) -> LaneState:
    """Return the state a journal leads to, and hold every checkpoint against it."""
    state = LaneState()
    for entry in entries:
        match entry.event:
            case ev.Checkpoint() as checkpoint:
                must(digest(state) == checkpoint.digest, f"checkpoint {entry.seq} is not the fold")
                must(decode_state(checkpoint.state, LaneState) == state, "a checkpoint lost facts")
            case ev.Event() as event:
                state = apply(state, event, entry.at)
            case None:
                pass
    return state


def check_chain(lines: Iterable[bytes]) -> None:
    """Verify the hash chain with nothing but the description of the format."""
    prev = "0" * 64
    for number, line in enumerate(lines, start=1):
        data = json.loads(line)
        body, _, tail = line.rstrip(b"\n").rpartition(b',"hash":"')
        must(data["seq"] == number, f"line {number} says that it is {data['seq']}")
        must(data["prev"] == prev, f"line {number} does not follow the one before")
        prev = data["hash"]
        must(tail == prev.encode() + b'"}', f"line {number} does not end with its hash")
        must(hashlib.sha256(body + b"}").hexdigest() == prev, f"line {number} was changed")


def check_money(state: LaneState, venue: SimVenue) -> None:
    """Compare cash and positions with the venue's own books, to the unit."""
    ours = {(p.market, p.leg): int(p.size) for p in state.positions.values()}
    theirs = {key: held.size for key, held in venue.held.items() if held.size}

    must(state.cash == venue.cash, f"cash: {state.cash} in the journal, {venue.cash} at the venue")
    must(ours == theirs, f"positions: {ours} in the journal, {theirs} at the venue")
    balance = state.cash + state.basis() + state.fees - state.realised - state.rewards
    must(balance == state.deposits, f"money appeared or vanished: {balance - state.deposits}")


def check_fills(entries: Iterable[Entry], venue: SimVenue) -> None:
    """Every trade of the venue is in the journal, once."""
    journaled = Counter(e.event.fill for e in entries if isinstance(e.event, ev.Fill))

    must(set(journaled) == set(venue.fills), "trades of the venue are missing in the journal")
    repeated = [fill for fill, times in journaled.items() if times > 1]
    must(not repeated, f"in the journal more than once: {repeated}")


def check_healed(state: LaneState, *, resumed: bool) -> None:
    """After the faults have stopped nothing is in doubt, and a halt that was lifted is."""
    doubtful = [
        order.intent
        for order in state.orders.values()
        if order.state in (OrderState.INTENDED, OrderState.UNKNOWN)
    ]
    must(not doubtful, f"still in doubt after healing: {doubtful}")
    must(
        not resumed or state.halted is None,
        f"still halted after everything was resumed: {state.halted}",
    )
