"""What a lane that looks at another's world has in place of a source and a journal."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.journal import Chain, Entry, Journal
from market_bot.core.ports.market_data import Capability, MarketData, Sink


@attrs.define(eq=False)
class CountingJournal(Journal):
    """A journal that keeps nothing but the number of its lines."""

    lines: int = 0

    @property
    def chain(self) -> Chain:
        """No chain that anybody could look for."""
        return Chain("", "replay")

    @property
    def head(self) -> tuple[int, str]:
        """The number of facts so far, and no hash."""
        return self.lines, "0" * 64

    def append(self, event: ev.Event, at: Micros, config: str) -> int:  # noqa: ARG002 - nothing is kept
        """Count one more."""
        self.lines += 1
        return self.lines

    def commit(self) -> None:
        """Do nothing: there is nothing to keep."""

    def close(self) -> None:
        """Do nothing."""

    def needs_checkpoint(self, at: Micros) -> bool:  # noqa: ARG002 - never
        """Return that no checkpoint is wanted."""
        return False

    def read(self) -> Iterator[Entry]:
        """Yield nothing."""
        return iter(())


@attrs.define(eq=False)
class DrainedData(MarketData):
    """Data that somebody else has drained for this tick already; ``position`` is how far."""

    inner: MarketData
    position: str = ""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the data behind it can claim."""
        return self.inner.capabilities

    def drain(self, sink: Sink, until: Micros) -> str:  # noqa: ARG002 - it was done
        """Return how far the data was drained."""
        return self.position
