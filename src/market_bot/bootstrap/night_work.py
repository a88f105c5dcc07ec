"""The work of one lane's night, put together from its files; it writes nothing into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from market_bot.adapters.storage.fact_finder import FactFinder
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.window_reader import WindowReader
from market_bot.bootstrap.allowlists import allowlist_of
from market_bot.bootstrap.config_store import config_files
from market_bot.bootstrap.discovery import leak_rules
from market_bot.bootstrap.night_replays import NightReplays
from market_bot.bootstrap.second_layer import objection_in
from market_bot.config.loader import Sourced, read_venue
from market_bot.config.schema import VenueConfig
from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.judge import Review
from market_bot.core.domain.nights import Part
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.tuning.allowlist import Allowlist
from market_bot.core.ports.advisor import Advisor
from market_bot.core.ports.config_store import ConfigStore
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.decide_proposal import Ledger
from market_bot.core.usecases.propose_changes import (
    Objection,
    Outcome,
    ProposeChanges,
    Standing,
)
from market_bot.core.usecases.review_leaks import ReviewLeaks, review_facts

TYPES: Final = frozenset({*(kind.TYPE for kind in ev.NIGHTLY), ev.ConfigChanged.TYPE})


def read_ledger(
    home: Home, chain: Chain, *, up_to: int | None = None
) -> tuple[Ledger, Micros | None]:
    """Return what a journal says of its nights, and when it begins; None if it is empty.

    Raises:
        JournalError: if a line that counts is not sound.

    """
    finder = FactFinder(chain_folder(home.journal_dir, chain))
    first = finder.first()
    if first is None:
        return Ledger(), None
    ledger = Ledger(log=attrs.evolve(Ledger().log, begins=first.at))
    newest = first.at
    for entry in finder.find(TYPES, up_to=up_to):
        if entry.event is not None:
            ledger = ledger.hear(entry.at, entry.event)
            newest = entry.at
    return ledger, newest


@attrs.frozen(kw_only=True)
class Bench:
    """A lane's files as a night needs them.

    Args:
        home: where everything lies.
        chain: the lane.
        sourced: its settings file as it is now.
        allowlist: what may be turned in it.
        store: the settings files.
        objection: the second layer.

    """

    home: Home
    chain: Chain
    sourced: Sourced[VenueConfig]
    allowlist: Allowlist
    store: ConfigStore
    objection: Objection

    @classmethod
    def of(cls, home: Home, chain: Chain) -> Bench:
        """Return the files of a lane.

        Raises:
            ConfigError: if its settings cannot be used.

        """
        path = home.venue_file(chain.venue)
        sourced = read_venue(path)
        return cls(
            home=home,
            chain=chain,
            sourced=sourced,
            allowlist=allowlist_of(sourced, path.name),
            store=config_files(home.config_dir),
            objection=objection_in(home.config_dir),
        )

    @property
    def file(self) -> str:
        """The name of the lane's settings file."""
        return self.home.venue_file(self.chain.venue).name


@attrs.define(eq=False)
class NightWork:
    """One lane's night: first its findings, then its proposals.

    Args:
        bench: the lane's files.
        night: which night.
        now: the lane's own time.
        advisor: who drafts.
        ledger: what the journal says.
        stop: asked while replaying.

    """

    bench: Bench
    night: str
    now: Micros
    advisor: Advisor
    ledger: Ledger
    stop: Callable[[], bool] = lambda: False
    _review: Review | None = attrs.field(default=None, init=False)

    @property
    def left(self) -> Part:
        """What is left to do of it."""
        return self.ledger.log.left(self.night)

    def review(self) -> tuple[Review, tuple[ev.Event, ...]]:
        """Return the verdict on the night, and what of it is not written down yet.

        Raises:
            JournalError: if the journal cannot be read.

        """
        bench = self.bench
        folder = chain_folder(bench.home.journal_dir, bench.chain)
        knobs: Mapping[str, str | None] = {
            path: entry.value for path, entry in bench.allowlist.entries.items()
        }
        reviewing = ReviewLeaks(
            windows=WindowReader(folder, bench.chain),
            rules=leak_rules(),
            chain=str(bench.chain),
            knobs=knobs,
        )
        self._review = reviewing.review(self.night, self.ledger.log)
        return self._review, review_facts(self._review, self.ledger.log.told(self.night))

    def propose(self) -> Outcome:
        """Return what came of the night's findings.

        Raises:
            JournalError: if the journal cannot be read.
            ConfigStoreError: if the settings file cannot be read.

        """
        review = self._review or self.review()[0]
        bench = self.bench
        proposing = ProposeChanges(
            chain=str(bench.chain),
            file=bench.file,
            allowlist=bench.allowlist,
            advisor=self.advisor,
            replays=NightReplays(
                home=bench.home, chain=bench.chain, sourced=bench.sourced, stop=self.stop
            ),
            store=bench.store,
            objection=bench.objection,
        )
        standing = Standing(
            log=self.ledger.log,
            queue=self.ledger.queue,
            memory=self.ledger.memory,
            now=self.now,
        )
        return proposing.propose(review, standing)
