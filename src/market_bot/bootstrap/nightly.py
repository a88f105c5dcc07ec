"""The night watch of a running bot: begins every lane's night when it is due, by the lane's clock.

What is due follows from the lane's journal alone, so neither restarts nor clocks that jump make a
night happen twice. The work is done by a child process; what it finds goes into the chain through
the lane's own queue.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from market_bot.adapters.storage.home import Home
from market_bot.bootstrap.evaluation import (
    NightChild,
    NightFailed,
    NightRequest,
    NightRun,
    Writer,
)
from market_bot.bootstrap.night_work import read_ledger
from market_bot.core.domain import events as ev
from market_bot.core.domain.nights import Part, night_due
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.journal import Chain, JournalError
from market_bot.core.usecases.decide_proposal import Ledger
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.record_facts import Observer

ATTEMPTS_MAX: Final = 3
PAUSE: Final = Duration(300 * SECOND)
_BUSY: Final = Duration(SECOND // 5)
_CALM: Final = Duration(SECOND)
_HEARD: Final = (*ev.NIGHTLY, ev.ConfigChanged)
_ALIVE: Final = frozenset({"trading", "waiting"})

Start = Callable[[NightRequest], NightChild]


@attrs.define(eq=False)
class LaneBook(Writer):
    """What the journal of one running lane says, kept up with what it writes; and a way to write.

    Args:
        home: where its journal lies.
        chain: the lane.
        up_to: the last line that was there when it was opened; later ones are heard.
        put: brings a fact to the lane's next tick; False if too much waits there.

    """

    home: Home
    chain: Chain
    up_to: int
    put: Callable[[ev.Event], bool]
    _news: deque[tuple[ev.Event, Micros]] = attrs.field(factory=deque, init=False)
    _ledger: Ledger | None = attrs.field(default=None, init=False)
    _began: Micros | None = attrs.field(default=None, init=False)
    _waiting: list[ev.Event] = attrs.field(factory=list, init=False)
    _written: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _reading: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def heard(self, event: ev.Event, at: Micros) -> None:
        """Take a line that was written; called in the lane's thread for every one."""
        if self._began is None:
            self._began = at
        if isinstance(event, _HEARD):
            with self._written:
                self._news.append((event, at))
                self._waiting = [one for one in self._waiting if one is not event]

    def ledger(self) -> Ledger:
        """Return what the journal says now; the first time it is read.

        Raises:
            JournalError: if it cannot be.

        """
        with self._reading:
            known = self._ledger or self._beginning()
            if known is None:
                return Ledger()
            # The lane's thread waits for nothing here but the end of one append.
            with self._written:
                news, self._news = self._news, deque()
            for event, at in news:
                known = known.hear(at, event)
            self._ledger = known
            return known

    def _beginning(self) -> Ledger | None:
        """Return what the journal said when it was opened; None before its first line."""
        if self.up_to:
            return read_ledger(self.home, self.chain, up_to=self.up_to)[0]
        if self._began is None:
            return None
        empty = Ledger()
        return attrs.evolve(empty, log=attrs.evolve(empty.log, begins=self._began))

    @property
    def idle(self) -> bool:
        """Whether everything offered so far is written down."""
        return not self._waiting

    def offer(self, facts: Sequence[ev.Event]) -> None:
        """Bring facts to the lane's next tick.

        Raises:
            NightFailed: if too much waits there.

        """
        with self._written:
            self._waiting.extend(facts)
        for number, fact in enumerate(facts):
            if not self.put(fact):
                late = {id(one) for one in facts[number:]}
                with self._written:
                    self._waiting = [one for one in self._waiting if id(one) not in late]
                msg = f"{self.chain}: too many commands wait there"
                raise NightFailed(msg)


@attrs.define(eq=False, kw_only=True)
class Nightly(Actor):
    """Runs nights, one at a time.

    Args:
        home: where everything lies.
        minute: minutes after midnight UTC at which a night is due.
        clock: for pauses between attempts.
        lanes: returns the present picture of every lane.
        start: starts a child.
        tell: takes facts that belong to no lane.
        key: the advisor's key, "" if there is none.

    """

    home: Home
    minute: int
    clock: Clock
    lanes: Callable[[], Sequence[LaneSnapshot]]
    start: Start = NightChild
    tell: Callable[[ev.Event], None] = lambda _: None
    key: str = attrs.field(default="", repr=False)
    books: dict[str, LaneBook] = attrs.field(factory=dict, init=False)
    _run: NightRun | None = attrs.field(default=None, init=False)
    _tries: dict[tuple[str, str], tuple[int, Duration]] = attrs.field(factory=dict, init=False)
    _over: dict[str, str] = attrs.field(factory=dict, init=False)
    _asked: deque[str] = attrs.field(factory=deque, init=False)

    @property
    def name(self) -> str:
        """The name of its thread."""
        return "nightly"

    def follow(self, chain: Chain, up_to: int, put: Callable[[ev.Event], bool]) -> Observer:
        """Return what has to hear every line of a lane, from before its first tick on."""
        book = LaneBook(self.home, chain, up_to, put)
        self.books[str(chain)] = book
        return book.heard

    def left(self, chain: str) -> Part:
        """Return what is left to do of a lane's night that was due last; from any thread.

        Raises:
            JournalError: if its journal cannot be read.

        """
        book = self.books[chain]
        now = max((one.at for one in self.lanes() if str(_chain_of(one)) == chain), default=0)
        return book.ledger().log.left(night_due(Micros(now), self.minute)) if now else Part.NOTHING

    def ask(self, chain: str) -> None:
        """Try a lane's night again now, if there is something left to do; from any thread."""
        self._asked.append(chain)

    def step(self, now: Micros) -> Micros | None:
        """Begin what is due, or bring on what is under way."""
        while self._asked:
            self._forget(self._asked.popleft())
        if self._run is None:
            self._run = self._next()
        if self._run is None:
            return Micros(now + _CALM)
        self._bring_on(self._run)
        return Micros(now + _BUSY)

    def stop(self, now: Micros, reason: str) -> None:  # noqa: ARG002 - the next start goes on
        """End the child; what is written stays, the rest is done after the next start."""
        if self._run is not None:
            self._run.close()
            self._run = None

    def _bring_on(self, run: NightRun) -> None:
        key = str(run.request.chain), run.request.night
        try:
            over = run.step()
        except (NightFailed, JournalError, OSError) as e:
            run.close()
            self._run = None
            count, _ = self._tries.get(key, (0, Duration(0)))
            self._tries[key] = count + 1, Duration(self.clock.elapsed() + PAUSE)
            last = "; it is given up" if count + 1 >= ATTEMPTS_MAX else ""
            line = f"the night {key[1]} of {key[0]}: {e}{last}"
            self.tell(ev.Error(where=f"nightly:{key[0]}", message=line))
            return
        if over:
            run.close()
            self._run = None
            self._over[key[0]] = key[1]

    def _next(self) -> NightRun | None:
        for picture in self.lanes():
            chain = Chain(picture.venue, picture.lane, picture.run)
            book = self.books.get(str(chain))
            if book is None or picture.phase not in _ALIVE or not picture.at:
                continue
            night = night_due(picture.at, self.minute)
            if self._over.get(str(chain)) == night or not self._may_try(str(chain), night):
                continue
            run = self._begin(book, picture, night)
            if run is not None:
                return run
        return None

    def _begin(self, book: LaneBook, picture: LaneSnapshot, night: str) -> NightRun | None:
        try:
            ledger = book.ledger()
        except JournalError as e:
            self._over[str(book.chain)] = night
            self.tell(ev.Error(where=f"nightly:{book.chain}", message=str(e)))
            return None
        if ledger.log.begins is None:
            return None
        if ledger.log.left(night) is Part.NOTHING:
            self._over[str(book.chain)] = night
            return None
        request = NightRequest(
            home=self.home, chain=book.chain, night=night, now=picture.at, key=self.key
        )
        try:
            child = self.start(request)
        except OSError as e:
            self._over[str(book.chain)] = night
            self.tell(ev.Error(where=f"nightly:{book.chain}", message=f"no process: {e}"))
            return None
        return NightRun(
            request=request,
            child=child,
            writer=book,
            ledger=book.ledger,
            head=lambda: self._head(str(book.chain)),
        )

    def _head(self, name: str) -> int:
        return max((one.head[0] for one in self.lanes() if str(_chain_of(one)) == name), default=0)

    def _may_try(self, chain: str, night: str) -> bool:
        count, after = self._tries.get((chain, night), (0, Duration(0)))
        return count < ATTEMPTS_MAX and (not count or self.clock.elapsed() >= after)

    def _forget(self, chain: str) -> None:
        self._over.pop(chain, None)
        self._tries = {key: tried for key, tried in self._tries.items() if key[0] != chain}


def _chain_of(picture: LaneSnapshot) -> Chain:
    return Chain(picture.venue, picture.lane, picture.run)
