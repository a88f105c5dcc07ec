"""Write into a lane's chain while no bot runs: decisions of people, and what became of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.storage.journal_tools import list_chains
from market_bot.bootstrap.fed_lanes import state_of
from market_bot.bootstrap.taped_lane import snapshot_of
from market_bot.core.domain import events as ev
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.redo_journal import config_after

_BOOT_BYTES = 4
_TAPE = "tape"


def lane_chain(home: Home, venue: str) -> Chain | None:
    """Return the chain that a venue was traded in last, None if it never was.

    What is played from tapes does not count: it has settings of its own.
    """
    chains = [c for c in list_chains(home.journal_dir) if c.venue == venue and c.lane != _TAPE]
    return max(chains, key=lambda chain: _written(home, chain), default=None)


def _written(home: Home, chain: Chain) -> float:
    paths = JournalReader(chain_folder(home.journal_dir, chain), chain).paths()
    return max((path.stat().st_mtime for path in paths), default=0.0)


@contextmanager
def visit(home: Home, chain: Chain, clock: Clock) -> Iterator[Callable[[ev.Event], None]]:
    """Open a lane's chain for facts that decide nothing; the home must be locked.

    They may follow whatever the lane was just doing when it ended. A run in a simulated world has
    a clock of its own, which stands still.

    Yields:
        What writes a fact down durably.

    Raises:
        JournalError: if the chain is damaged.

    """
    boot = secrets.token_hex(_BOOT_BYTES)
    with JsonlJournal(chain_folder(home.journal_dir, chain), chain, boot=boot) as journal:
        last = journal.tail(1)
        recorder = Recorder(
            journal=journal,
            state=state_of(journal),
            config=config_after(last[-1]) if last else "",
            snapshot=snapshot_of,
            last_at=journal.last_at,
        )

        def record(event: ev.Event) -> None:
            recorder.record(event, journal.last_at if chain.run else clock.now())
            journal.commit()

        yield record
