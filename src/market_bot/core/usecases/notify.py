"""Tell a person who is somewhere else what happens; whatever goes wrong with that, trading goes on.

Lanes only drop what they wrote down into a bounded queue. A thread of its own turns it into
messages, gathers them for a few seconds, keeps to so many an hour, and hands them to the ways out,
which never make it wait. What becomes of each message is noted for the journal.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.notices import (
    DEFAULT_LEVELS,
    SYSTEM,
    TOLD,
    Kind,
    Letter,
    Level,
    Notice,
    letter,
    notice_of,
)
from market_bot.core.domain.numbers import HOUR, NEVER, SECOND, Duration, Micros
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.notifier import Message, Notifier, Outcome
from market_bot.core.usecases.record_facts import Observer

HEARD_MAX: Final = 2_000
WAITING_MAX: Final = 200
ATTEMPTS_MAX: Final = 3
GATHER: Final = Duration(5 * SECOND)
"""Less urgent things wait so long for others, so that ten fills are one message."""
ALARMS_BEYOND: Final = 10
"""So many alarms an hour are sent although the limit is reached."""
ANSWER_MAX: Final = Duration(60 * SECOND)
BURST: Final = 20
BURST_WITHIN: Final = Duration(10 * 60 * SECOND)
QUIET: Final = Duration(HOUR)
LAST_S: Final = 4.0
_KEYS_MAX: Final = 1_000
_BUSY: Final = Duration(SECOND // 5)
_GATES_SHOWN: Final = 3

Log = Callable[[Level, Notice], None]
Failures = Callable[[], Iterable[tuple[str, str]]]


def as_it_is(text: str) -> str:
    """Return a text unchanged."""
    return text


def log_nothing(_level: Level, _notice: Notice) -> None:
    """Keep no log."""


def no_failures() -> Iterable[tuple[str, str]]:
    """Know of nothing that failed."""
    return ()


@attrs.frozen(kw_only=True)
class Terms:
    """What is told, and how often.

    Args:
        levels: how urgent each kind is; the usual where nothing is said.
        most_per_hour: messages an hour by each way; a few alarms more get through.

    """

    levels: Mapping[Kind, Level] = DEFAULT_LEVELS
    most_per_hour: int = 30

    def level(self, kind: Kind) -> Level:
        """Return how urgent a kind is."""
        return self.levels.get(kind, DEFAULT_LEVELS[kind])


@attrs.define(eq=False)
class Outlet:
    """One way out with what waits there; stepped by `Notify` only.

    Args:
        notifier: sends.
        least: what is less urgent does not go this way.
        most: messages an hour.

    """

    notifier: Notifier
    least: Level
    most: int
    _waiting: deque[tuple[Level, Notice, Micros]] = attrs.field(factory=deque, init=False)
    _held: Counter[Kind] = attrs.field(factory=Counter, init=False)
    _begun: deque[Micros] = attrs.field(factory=deque, init=False)
    _letter: Letter | None = attrs.field(default=None, init=False)
    _under_way: Micros | None = attrs.field(default=None, init=False)
    _attempts: int = attrs.field(default=0, init=False)
    _again_at: Micros = attrs.field(default=NEVER, init=False)

    def __len__(self) -> int:
        """Return how many things wait to be told."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether a message is on its way."""
        return self._under_way is not None

    @property
    def sent(self) -> Letter | None:
        """The message that is on its way, if one is."""
        return self._letter if self.busy else None

    def add(self, level: Level, notice: Notice, now: Micros) -> None:
        """Take what this way is meant for; when too much waits the least urgent is only counted."""
        if level.rank < max(1, self.least.rank):
            return
        self._waiting.append((level, notice, now))
        if len(self._waiting) > WAITING_MAX:
            least = min(self._waiting, key=lambda one: one[0].rank)
            self._waiting.remove(least)
            self._held[least[1].kind] += 1

    def settle(self, now: Micros, *, last: bool = False) -> Outcome | None:
        """Return what became of the message under way, once that is known or cannot be any more."""
        if self._under_way is None:
            return None
        found = self.notifier.outcome()
        if found is None:
            if not last and 0 <= now - self._under_way < ANSWER_MAX:
                return None
            until = "the end" if last else f"{ANSWER_MAX // SECOND} s were over"
            found = Outcome(delivered=False, reason=f"no answer before {until}")
        self._under_way = None
        if found.delivered or self._attempts >= ATTEMPTS_MAX:
            self._letter, self._attempts = None, 0
        else:
            self._again_at = Micros(now + 10 * SECOND * 4**self._attempts)
        return found

    def write(self, now: Micros, link: str, *, at_once: bool = False) -> Letter | None:
        """Return what is to be sent now, if anything is."""
        if self.busy or (now < self._again_at and not at_once):
            return None
        if self._letter is None:
            self._letter = self._next(now, link, at_once=at_once)
        return self._letter

    def begin(self, message: Message, now: Micros) -> bool:
        """Send what `write` returned; tell whether that could be begun."""
        if not self.notifier.begin(message):
            return False
        self._begun.append(now)
        self._attempts += 1
        self._under_way = now
        return True

    def _next(self, now: Micros, link: str, *, at_once: bool) -> Letter | None:
        if not self._waiting:
            return None
        level = max((one[0] for one in self._waiting), key=lambda one: one.rank)
        oldest = self._waiting[0][2]
        gathering = 0 <= now - oldest < GATHER and level is not Level.ALARM and not at_once
        if gathering or not self._may_send(level, now):
            return None
        taken = self._take(level)
        held, self._held = self._held, Counter()
        return letter([(level, notice) for level, notice, _ in taken], held, link)

    def _take(self, level: Level) -> list[tuple[Level, Notice, Micros]]:
        # What has further lines is a message of its own, so that none of them is cut off.
        long = next((one for one in self._waiting if one[1].detail), None)
        if long is not None and level is not Level.ALARM:
            self._waiting.remove(long)
            return [long]
        taken = [one for one in self._waiting if not one[1].detail] or list(self._waiting)
        self._waiting = deque(one for one in self._waiting if one not in taken)
        return taken

    def _may_send(self, level: Level, now: Micros) -> bool:
        # A clock that was set back must not close this way for hours.
        self._begun = deque(at for at in self._begun if 0 <= now - at < HOUR)
        more = ALARMS_BEYOND if level is Level.ALARM else 0
        return len(self._begun) < self.most + more


@attrs.define(eq=False)
class _Refusals:
    """Refusals of a lane within the last minutes; tells once when they are many."""

    began: deque[tuple[Micros, str]] = attrs.field(factory=lambda: deque(maxlen=BURST))
    quiet_until: Micros = NEVER

    def add(self, lane: str, event: ev.Denied, at: Micros) -> Notice | None:
        if event.phase != "begin":
            return None
        self.began.append((at, event.gates[0].name if event.gates else "?"))
        first = self.began[0][0]
        if len(self.began) < BURST or at - first > BURST_WITHIN or at < self.quiet_until:
            return None
        self.quiet_until = Micros(at + QUIET)
        gates = Counter(gate for _, gate in self.began).most_common(_GATES_SHOWN)
        told = ", ".join(f"{gate} {n}" for gate, n in gates)
        minutes = max(1, (at - first) // (60 * SECOND))
        self.began.clear()
        return Notice(Kind.DENIALS, lane, f"{BURST} refusals within {minutes} min: {told}")


@attrs.define(eq=False)
class Notify(Actor):
    """Hears lanes, writes messages and has them sent; only `hear`'s observers are others' to call.

    Args:
        terms: what is told, and how often.
        outlets: the ways out.
        note: takes what became of a message, for the journal; from this actor's thread.
        failures: returns name and message of what failed so far in threads and lanes.
        daily: returns the day's summary if it is due.
        log: told of every notice, sent or not.
        hide: takes secrets out of a text.
        link: where the dashboard is.

    """

    terms: Terms
    outlets: Sequence[Outlet]
    note: Callable[[ev.Event], None]
    failures: Failures = no_failures
    daily: Callable[[Micros], Notice | None] = lambda _: None
    log: Log = log_nothing
    hide: Callable[[str], str] = as_it_is
    link: str = ""
    missed: int = 0
    _heard: deque[tuple[str, ev.Event, Micros]] = attrs.field(factory=deque, init=False)
    _refusals: dict[str, _Refusals] = attrs.field(factory=dict, init=False)
    _told: dict[str, Micros] = attrs.field(factory=dict, init=False)
    _failed: set[tuple[str, str]] = attrs.field(factory=set, init=False)

    @property
    def name(self) -> str:
        """What to call it."""
        return "notify"

    @property
    def waiting(self) -> int:
        """How much was heard and is not yet looked at; from any thread."""
        return len(self._heard)

    def hear(self, lane: str) -> Observer:
        """Return what a lane tells of everything it wrote down; it never waits and never raises."""

        def heard(event: ev.Event, at: Micros) -> None:
            if type(event) not in TOLD:
                return
            if len(self._heard) >= HEARD_MAX:
                self.missed += 1
                return
            self._heard.append((lane, event, at))

        return heard

    def step(self, now: Micros) -> Micros | None:
        """Look at what was heard and move every message on; see `Actor.step`."""
        self._gather(now)
        for outlet in self.outlets:
            self._settle(outlet, now)
            self._send(outlet, now)
        busy = any(outlet.busy for outlet in self.outlets)
        return Micros(now + (_BUSY if busy else SECOND))

    def stop(self, now: Micros, reason: str) -> None:
        """Tell that it is over, together with what waits, and give that a few seconds."""
        self._gather(now)
        self._tell(Notice(Kind.BOT, SYSTEM, f"market-bot stops: {reason}"), now)
        for outlet in self.outlets:
            self._settle(outlet, now)
            self._send(outlet, now, at_once=True)
        share = LAST_S / max(1, len(self.outlets))
        for outlet in self.outlets:
            outlet.notifier.close(share)
            self._settle(outlet, now, last=True)

    def _gather(self, now: Micros) -> None:
        for _ in range(len(self._heard)):
            lane, event, at = self._heard.popleft()
            notice = self._notice(lane, event, at)
            if notice is not None:
                self._tell(notice, now)
        for failed in self.failures():
            if failed not in self._failed:
                self._failed.add(failed)
                self._tell(Notice(Kind.FAILURE, failed[0], failed[1]), now)
        summary = self.daily(now)
        if summary is not None:
            self._tell(summary, now)

    def _notice(self, lane: str, event: ev.Event, at: Micros) -> Notice | None:
        if isinstance(event, ev.Denied):
            return self._refusals.setdefault(lane, _Refusals()).add(lane, event, at)
        return notice_of(lane, event)

    def _tell(self, notice: Notice, now: Micros) -> None:
        level = self.terms.level(notice.kind)
        if level is Level.NEVER or self._repeats(notice.key, now):
            return
        self.log(level, notice)
        for outlet in self.outlets:
            outlet.add(level, notice, now)

    def _repeats(self, key: str, now: Micros) -> bool:
        if not key:
            return False
        told = self._told.get(key)
        if told is not None and 0 <= now - told < QUIET:
            return True
        if len(self._told) >= _KEYS_MAX:
            self._told.clear()
        self._told[key] = now
        return False

    def _send(self, outlet: Outlet, now: Micros, *, at_once: bool = False) -> None:
        found = outlet.write(now, self.link, at_once=at_once)
        if found is not None:
            outlet.begin(self._message(found), now)

    def _settle(self, outlet: Outlet, now: Micros, *, last: bool = False) -> None:
        sent = outlet.sent
        outcome = outlet.settle(now, last=last)
        if outcome is None or sent is None:
            return
        self.note(
            ev.Notification(
                channel=outlet.notifier.name,
                level=sent.level.value,
                subject=self.hide(sent.subject),
                delivered=outcome.delivered,
                reason=self.hide(outcome.reason),
            )
        )

    def _message(self, found: Letter) -> Message:
        return Message(
            level=found.level.value, subject=self.hide(found.subject), body=self.hide(found.body)
        )
