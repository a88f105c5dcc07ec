"""Bugs for the tests of Kalshi's stream and feed to find."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_HERE: Final = "src/market_bot/adapters/kalshi"
_STREAM: Final = f"{_HERE}/stream.py"
_BOOKS: Final = f"{_HERE}/stream_books.py"
_SESSION: Final = f"{_HERE}/stream_session.py"
_MESSAGES: Final = f"{_HERE}/stream_messages.py"
_STATUSES: Final = f"{_HERE}/stream_statuses.py"
_SOCKET: Final = f"{_HERE}/stream_socket.py"
_PRIVATE: Final = f"{_HERE}/private_stream.py"
_KEPT: Final = f"{_HERE}/kept_markets.py"
_FEED: Final = f"{_HERE}/feed.py"

_OF_STREAM: Final = ("tests/unit/test_kalshi_stream.py",)
_OF_HISTORIES: Final = ("tests/property/test_kalshi_stream.py",)
_OF_SOCKET: Final = ("tests/integration/test_kalshi_stream.py",)
_OF_FEED: Final = ("tests/unit/test_kalshi_feed.py",)

MUTATIONS: Final = (
    Mutation(
        name="a lost change is not noticed",
        file=_STREAM,
        old="        if message.seq - 1 == channel.last:\n",
        new="        if message.seq > channel.last:\n",
        tests=_OF_HISTORIES,
    ),
    Mutation(
        name="a change after a loss is taken",
        file=_STREAM,
        old="        return channel.name != BOOKS\n",
        new="        return True\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="smaller numbers are taken for repetitions",
        file=_SESSION,
        old="        if seq == self.last and frame == self.frame:\n",
        new="        if seq <= self.last:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="acknowledgements do not count",
        file=_STREAM,
        old="            # Acknowledgements take part in the count.\n"
        "            self._follows(session, channel, message.seq, frame, sink)\n",
        new="            pass\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="an old channel goes on",
        file=_STREAM,
        old="        if channel is None or message.sid != channel.sid:\n",
        new="        if channel is None:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a late snapshot of an old channel is taken",
        file=_SESSION,
        old="            self.live.pop(sid, None)\n",
        new="            pass\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="books outlive their connection",
        file=_BOOKS,
        old="            streamed.book.lose()\n",
        new="            pass\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a broken connection is no gap",
        file=_BOOKS,
        old="        self.gap_in_all(why, sink, now)\n",
        new="",
        tests=_OF_HISTORIES,
    ),
    Mutation(
        name="books are told without their prints",
        file=_BOOKS,
        old=" and self.prints and not self.late:\n",
        new=" and not self.late:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="late books are believed",
        file=_BOOKS,
        old=" and self.prints and not self.late:\n",
        new=" and self.prints:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="lateness is not noticed",
        file=_STREAM,
        old="            if delay > lags.limit:\n",
        new="            if False:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="block trades are prints",
        file=_STREAM,
        old="or not streamed.announced or body.is_block_trade:\n",
        new="or not streamed.announced:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a missing print is no gap",
        file=_STREAM,
        old="            self._miss_prints(why, sink)\n        else:\n",
        new="            pass\n        else:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="the venue's default decides how NO prices are told",
        file=_MESSAGES,
        old='        params["use_yes_price"] = True\n',
        new="        pass\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="no market is every market",
        file=_SESSION,
        old="            if added:\n                yield self._subscribe(",
        new="            if True:\n                yield self._subscribe(",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="an error 25 ends nothing",
        file=_SESSION,
        old="_TERMINAL: Final = frozenset({10, 25})\n",
        new="_TERMINAL: Final = frozenset({10})\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="silence is trusted",
        file=_SESSION,
        old="now - command.sent > self.answer_within:\n",
        new="False:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a result is paid when it is determined",
        file=_STATUSES,
        old='    "determined": MarketStatus.DETERMINED,\n',
        new='    "determined": MarketStatus.SETTLED,\n',
        tests=_OF_STREAM,
    ),
    Mutation(
        name="an old list wakes a paused market",
        file=_STATUSES,
        old="        if heard_at is not None and not final and",
        new="        if False and heard_at is not None and not final and",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="the stream opens a refused market",
        file=_STATUSES,
        old="        if known.resolved or known.listing.status is None:\n",
        new="        if known.resolved:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a break of the connection loses fills in silence",
        file=_STREAM,
        old="        if self._inbox is not None:\n            self._inbox.must_read(why)\n\n"
        "    def _tend(",
        new="\n    def _tend(",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="an inbox that is full forgets in silence",
        file=_PRIVATE,
        old='                self._must_read = f"more than',
        new='                _ = f"more than',
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a full queue drops frames in silence",
        file=_SOCKET,
        old="            if self._is_full():\n                return ",
        new="            if self._is_full():\n                continue\n                return ",
        tests=_OF_SOCKET,
    ),
    Mutation(
        name="signed headers follow a redirect",
        file=_SOCKET,
        old="        return exc\n",
        new="        return super().process_redirect(exc)\n",
        tests=_OF_SOCKET,
    ),
    Mutation(
        name="a handshake that is refused says nothing",
        file=_SOCKET,
        old="            self._put(Closed(self._number, reason))\n",
        new='            self._put(Closed(self._number, ""))\n',
        tests=_OF_SOCKET,
    ),
    Mutation(
        name="events are watched in part",
        file=_FEED,
        old="                # In part it would say too much of itself.\n"
        "                self._drop(name)\n                continue\n",
        new="                continue\n",
        tests=_OF_FEED,
    ),
    Mutation(
        name="what is held is let go of",
        file=_FEED,
        old="            if over or (gone and held.isdisjoint(event.markets)):\n",
        new="            if over or gone:\n",
        tests=_OF_FEED,
    ),
    Mutation(
        name="a list that broke off drops events",
        file=_FEED,
        old="            gone = complete and name not in events",
        new="            gone = name not in events",
        tests=_OF_FEED,
    ),
    Mutation(
        name="a look brings back an old status",
        file=_KEPT,
        old="            status=known.listing.status,\n",
        new="",
        tests=_OF_FEED,
    ),
    Mutation(
        name="a dropped market keeps its book",
        file=_KEPT,
        old="                self._lose(known, _NO_LONGER)\n",
        new="",
        tests=_OF_FEED,
    ),
)
