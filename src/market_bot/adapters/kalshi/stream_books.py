"""The books of the stream, and whether whoever listens may believe the last one told.

A book is told while it is whole, its market was announced, prints come as well, and what comes is
not late. When one of these ends there is a gap, once; when all hold again, the whole book.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.market_data import Sink

from .ws_books import FoldedBook


@attrs.define(eq=False)
class StreamedBook:
    """The book of a market; ``told`` while whoever listens has the same one."""

    book: FoldedBook
    announced: bool = False
    told: bool = False


@attrs.define(eq=False)
class StreamedBooks:
    """The books of all markets; mutable, owned by the venue's thread.

    Args:
        prints: whether prints come for everything that is told.
        late: whether what comes is too old to be believed.
        pushed: how many facts were told so far.

    """

    markets: dict[str, StreamedBook] = attrs.field(factory=dict)
    prints: bool = False
    late: bool = False
    pushed: int = 0

    def add(self, names: Iterable[str]) -> None:
        """Have these markets; those that are there stay as they are."""
        for name in names:
            if name not in self.markets:
                self.markets[name] = StreamedBook(FoldedBook(no_in_yes_prices=True))

    def announce(self, names: Iterable[str], sink: Sink, now: Micros) -> None:
        """Take that the terms of these markets were told: their books may be from here on."""
        for name in names:
            streamed = self.markets.get(name)
            if streamed is not None and not streamed.announced:
                streamed.announced = True
                self.tell(name, streamed, sink, now)

    def tell(self, name: str, streamed: StreamedBook, sink: Sink, now: Micros) -> None:
        """Tell a whole book, if that may be."""
        book = streamed.book
        if book.whole and streamed.announced and self.prints and not self.late:
            streamed.told = True
            sink.book(name, book.bids, book.asks, now, None)
            self.pushed += 1

    def tell_untold(self, sink: Sink, now: Micros) -> None:
        """Tell every book that was not, if that may be."""
        for name, streamed in self.markets.items():
            if not streamed.told:
                self.tell(name, streamed, sink, now)

    def gap(self, name: str, why: str, sink: Sink, now: Micros) -> None:
        """Say that a market's book is not what it was, unless that is known."""
        streamed = self.markets.get(name)
        if streamed is not None and streamed.told:
            streamed.told = False
            sink.gap(name, why, now)
            self.pushed += 1

    def gap_in_all(self, why: str, sink: Sink, now: Micros) -> None:
        """Say the same of every market."""
        told = [streamed for streamed in self.markets.values() if streamed.told]
        for streamed in told:
            streamed.told = False
        if told:
            sink.gap("", why, now)
            self.pushed += 1

    def forget(self, why: str, sink: Sink, now: Micros) -> None:
        """Let go of all books: only snapshots can mend them."""
        for streamed in self.markets.values():
            streamed.book.lose()
        self.gap_in_all(why, sink, now)
