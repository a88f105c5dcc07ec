"""The last lines of the journals being written, for pages and other commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from market_bot.adapters.storage.codec import event_data
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.journal_tools import tail
from market_bot.core.domain.numbers import format_time
from market_bot.core.ports.journal import Chain, Entry, JournalError


class RecentLines:
    """Reads the ends of the followed chains from disk; may be called from any thread."""

    def __init__(self, journal_dir: Path) -> None:
        self._journal_dir = journal_dir
        self._chains: tuple[Chain, ...] = ()

    def follow(self, chain: Chain) -> None:
        """Add a chain."""
        self._chains = (*self._chains, chain)

    def last(self, count: int) -> Sequence[Mapping[str, object]]:
        """Return the newest lines of all followed chains, oldest first."""
        found: list[tuple[int, Mapping[str, object]]] = []
        for chain in self._chains:
            try:
                entries = tail(chain_folder(self._journal_dir, chain), chain, count)
            except JournalError:
                # A line was just being written; the next look will find it whole.
                continue
            found += [(entry.at, _shown(chain, entry)) for entry in entries]
        found.sort(key=lambda pair: pair[0])
        return [line for _, line in found[-count:]]


def _shown(chain: Chain, entry: Entry) -> Mapping[str, object]:
    return {
        "seq": entry.seq,
        "ts": format_time(entry.at),
        "venue": chain.venue,
        "lane": chain.lane,
        "type": entry.type,
        "data": {} if entry.event is None else event_data(entry.event),
    }
