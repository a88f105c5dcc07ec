"""Order books from REST: two lists of bids, made into bids and asks in YES prices.

A bid for NO at q is an offer of YES at 1 - q. The venue sorts them ascending, against its own
specification; the order is not relied on.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import msgspec

from market_bot.core.domain.numbers import Price, Size

from .errors import ParseError, plain
from .wire import decode
from .ws_books import FoldedBook
from .ws_messages import MessageError, SnapshotBody

_Levels = tuple[tuple[str, str], ...]


@attrs.frozen
class BookSides:
    """A whole book in YES prices; both sides may be empty."""

    bids: Mapping[Price, Size]
    asks: Mapping[Price, Size]


@attrs.frozen
class BooksPage:
    """The books of an answer by market, and what was wrong with the others."""

    books: Mapping[str, BookSides]
    malformed: Mapping[str, str]


class _Sides(msgspec.Struct, frozen=True, gc=False):
    yes_dollars: _Levels
    no_dollars: _Levels


class _One(msgspec.Struct, frozen=True):
    orderbook_fp: _Sides


class _OfMarket(msgspec.Struct, frozen=True):
    ticker: str
    orderbook_fp: _Sides


class _Named(msgspec.Struct, frozen=True):
    ticker: str = ""


class _Many(msgspec.Struct, frozen=True):
    orderbooks: tuple[msgspec.Raw, ...]


_ones = msgspec.json.Decoder(_One)
_of_markets = msgspec.json.Decoder(_OfMarket)
_named = msgspec.json.Decoder(_Named)
_many = msgspec.json.Decoder(_Many)


def parse_orderbook(body: bytes) -> BookSides:
    """Return the book in an answer of ``/markets/{ticker}/orderbook``.

    Raises:
        ParseError: if it is no such answer, or a price, size or level in it is unsound.

    """
    return _sides(decode(_ones, body).orderbook_fp)


def parse_orderbooks(body: bytes) -> BooksPage:
    """Return the books in an answer of ``/markets/orderbooks``.

    Raises:
        ParseError: if it is no such answer; what is wrong with one book leaves that one out.

    """
    books: dict[str, BookSides] = {}
    malformed: dict[str, str] = {}
    for raw in decode(_many, body).orderbooks:
        name = _name(raw)
        try:
            sides = _sides(decode(_of_markets, raw).orderbook_fp)
        except ParseError as e:
            malformed[name] = str(e)
            continue
        if name in books:
            malformed[name] = "two books of one market"
        books[name] = sides
    for name in malformed:
        books.pop(name, None)
    return BooksPage(books, malformed)


def _sides(found: _Sides) -> BookSides:
    book = FoldedBook()
    body = SnapshotBody(
        "", yes_dollars_fp=_sound(found.yes_dollars), no_dollars_fp=_sound(found.no_dollars)
    )
    try:
        book.replace(body)
    except MessageError as e:
        msg = plain(e)
        raise ParseError(msg) from e
    return BookSides(book.bids, book.asks)


def _sound(levels: _Levels) -> _Levels:
    if len({at for at, _ in levels}) != len(levels):
        msg = "two levels at one price"
        raise ParseError(msg)
    return levels


def _name(raw: msgspec.Raw) -> str:
    try:
        return decode(_named, raw).ticker
    except ParseError:
        return ""
