"""Bugs for the tests of Polymarket's streams and feed to find."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_HERE: Final = "src/market_bot/adapters/polymarket"
_STREAM: Final = f"{_HERE}/stream.py"
_BOOKS: Final = f"{_HERE}/stream_books.py"
_MESSAGES: Final = f"{_HERE}/stream_messages.py"
_SHARDS: Final = f"{_HERE}/stream_shards.py"
_SOCKET: Final = f"{_HERE}/stream_socket.py"
_FEED: Final = f"{_HERE}/feed.py"
_USER: Final = f"{_HERE}/user_stream.py"
_OURS: Final = f"{_HERE}/user_messages.py"

_OF_STREAM: Final = ("tests/unit/test_polymarket_stream.py",)
_OF_HISTORIES: Final = ("tests/property/test_polymarket_stream.py",)
_OF_SOCKET: Final = ("tests/integration/test_polymarket_stream.py",)
_OF_USER: Final = ("tests/unit/test_polymarket_stream_user.py",)

MUTATIONS: Final = (
    Mutation(
        name="a touch that the book does not have is overlooked",
        file=_BOOKS,
        old="        if touched is None or self.has_touch(touched):\n",
        new="        if touched is None or not self.has_touch(touched):\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="the touch is compared in the midst of a moment",
        file=_BOOKS,
        old="        if at != self.at:\n",
        new="        if at:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a best price that was removed stays the best",
        file=_BOOKS,
        old="            self.best_bid = max(self.bids, default=_NOBODY_BIDS)\n",
        new="            pass\n",
        tests=_OF_HISTORIES,
    ),
    Mutation(
        name="a crossed book is believed",
        file=_BOOKS,
        old='            return "the book is crossed"\n',
        new='            return ""\n',
        tests=_OF_STREAM,
    ),
    Mutation(
        name="an answer older than the stream mends a book",
        file=_STREAM,
        old="        if answer.at is None or answer.at < max(book.at, book.floor):\n",
        new="        if answer.at is None:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="what came while an answer was awaited is forgotten",
        file=_BOOKS,
        old="            self.heard = True\n            self.keep(at, change)\n",
        new="            self.heard = True\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="what a kept change says of the touch is not asked",
        file=_STREAM,
        old="            why = book.why_not()\n        except",
        new='            why = ""\n        except',
        tests=_OF_STREAM,
    ),
    Mutation(
        name="books outlive their connection",
        file=_STREAM,
        old="        self._told.gap_in_all(shard.number, why, sink, self.now)\n"
        "        for book in self._on(shard):\n            book.part()\n",
        new="        pass\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a frozen stream is not left",
        file=_STREAM,
        old="        elif elapsed - since >= self._pace.grace:\n",
        new="        elif elapsed < since:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="silence without an answer is taken for agreement",
        file=_STREAM,
        old='            self._spoil(book, f"the book was silent and {why}", sink)\n',
        new="            pass\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a new tick leaves the book",
        file=_STREAM,
        old='        self._spoil(book, "the steps of its prices have changed", sink)\n',
        new="        pass\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a book with the old tick is taken",
        file=_STREAM,
        old='            return "the venue\'s has other steps"\n',
        new='            return ""\n',
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a print of NO is not mirrored",
        file=_STREAM,
        old="        if told.asset_id != book.token:\n",
        new="        if not told.asset_id:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="an unknown message is dropped in silence",
        file=_STREAM,
        old="        if self.unknown[kind] == 1:\n",
        new="        if self.unknown[kind] == 0:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a frame that is none is skipped",
        file=_STREAM,
        old='            self._give_up(shard, f"a frame that is none: {plain(str(e))}", sink)\n',
        new="            pass\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a socket carries one market too many",
        file=_SHARDS,
        old="            if shard.tokens + 2 <= self._tokens_max:\n",
        new="            if shard.tokens <= self._tokens_max:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="what was found while connecting is never asked for",
        file=_STREAM,
        old="        shard.asked = dict.fromkeys(opened.tokens)\n",
        new="        shard.asked = dict.fromkeys(shard.wanted)\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="seconds are taken for milliseconds",
        file=_MESSAGES,
        old="    return Micros(told * (1_000_000 if told < _SECONDS_BELOW else 1_000))\n",
        new="    return Micros(told * 1_000)\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a market that has ended begins again",
        file=_FEED,
        old="        if name in self._ended and name not in self._known:\n",
        new="        if not name:\n",
        tests=_OF_STREAM,
    ),
    Mutation(
        name="a full queue loses frames in silence",
        file=_SOCKET,
        old='return "frames were not taken in time: everything since may be missing"\n',
        new="continue\n",
        tests=_OF_SOCKET,
    ),
    Mutation(
        name="a deaf connection is kept",
        file=_SOCKET,
        old="                if clock.elapsed() - self._heard_at > self._limits.deaf:\n",
        new="                if clock.elapsed() < self._heard_at:\n",
        tests=_OF_SOCKET,
    ),
    Mutation(
        name="a break of our own stream is not told",
        file=_USER,
        old="            events.append(Missed(reason=closed.reason, received=received))\n",
        new="            pass\n",
        tests=_OF_USER,
    ),
    Mutation(
        name="a trade that cannot be read is forgotten",
        file=_USER,
        old='self._miss(f"a {kind} that cannot be read: {message.why}", received, events)\n',
        new="pass\n",
        tests=_OF_USER,
    ),
    Mutation(
        name="a failed trade is taken for one that goes on",
        file=_OURS,
        old="        return self in (TradeStatus.CONFIRMED, TradeStatus.FAILED)\n",
        new="        return self is TradeStatus.CONFIRMED\n",
        tests=_OF_USER,
    ),
    Mutation(
        name="an empty list of markets is asked for",
        file=_OURS,
        old='{"type": "user", "auth": credentials.stream_login()}',
        new='{"type": "user", "auth": credentials.stream_login(), "markets": []}',
        tests=(*_OF_USER, *_OF_SOCKET),
    ),
)
