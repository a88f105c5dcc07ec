"""A lane's chain in the hands of a command, while no bot runs on the home, whose lock is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import attrs

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.bootstrap.config_store import config_files
from market_bot.bootstrap.evaluation import Writer
from market_bot.bootstrap.lane_visit import visit
from market_bot.bootstrap.night_work import read_ledger
from market_bot.bootstrap.proposal_desk import LaneHands
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import NEVER, Micros
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.config_store import PreparedEdit
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.apply_change import ChangeApplier
from market_bot.core.usecases.decide_proposal import Ledger


@attrs.define(eq=False)
class ChainWriter(Writer, LaneHands):
    """An open chain that takes what belongs beside trading.

    Args:
        home: where its settings lie.
        write: writes a fact down durably.
        time: the lane's own time.
        known: what the journal says, kept up with what is written.
        head: the number of the last line.

    """

    home: Home
    write: Callable[[ev.Event], None]
    time: Callable[[], Micros]
    known: Ledger
    head: int

    @property
    def idle(self) -> bool:
        """Whether everything is written: always, since nothing waits."""
        return True

    def offer(self, facts: Sequence[ev.Event]) -> None:
        """Write facts down, durably."""
        for fact in facts:
            self.record(fact)

    def ledger(self) -> Ledger:
        return self.known

    def now(self) -> Micros:
        return self.time()

    def record(self, fact: ev.Event) -> None:
        self.write(fact)
        self.head += 1
        self.known = self.known.hear(self.time(), fact)

    def apply(self, edit: PreparedEdit, by: str, cause: str) -> ev.ChangeEnded:
        store = config_files(self.home.config_dir)
        store.keep(edit.file)
        return ChangeApplier(store, self.record).apply(edit, by=by, cause=cause)


@contextmanager
def writing(home: Home, chain: Chain, clock: Clock) -> Iterator[ChainWriter]:
    """Open a chain for writing; the caller holds the home's lock.

    Raises:
        JournalError: if it is damaged, or there is no room.

    """
    ledger, _ = read_ledger(home, chain)
    head, last = last_line(home, chain)

    def now() -> Micros:
        # A run's clock stands still while it is not traded.
        return last if chain.run else max(last, clock.now())

    with visit(home, chain, clock) as write:
        yield ChainWriter(home, write, now, ledger, head)


def last_line(home: Home, chain: Chain) -> tuple[int, Micros]:
    """Return number and time of a chain's last line; 0 and never where it has none.

    Raises:
        JournalError: if it is damaged.

    """
    last = JournalReader(chain_folder(home.journal_dir, chain), chain).tail(1)
    return (last[-1].seq, last[-1].at) if last else (0, NEVER)
