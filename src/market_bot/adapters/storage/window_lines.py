"""What a window needs of a line of the journal, taken from its bytes without decoding the rest.

A fact is written with its fields in the order of its class and without spaces, so most of what
matters stands between known marks. Nothing is taken for granted: text that does not look as it is
written leads to `PLAIN`, and then the whole fact is decoded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NoReturn, TypeVar, get_type_hints

import attrs
import msgspec
from msgspec.structs import asdict

from market_bot.core.domain.analytics.build import Key, Undecoded
from market_bot.core.domain.analytics.window import Prices, Wish
from market_bot.core.domain.events import (
    Cause,
    Denied,
    Event,
    Exit,
    Fill,
    MarketResolved,
    OrderCancelled,
    OrderIntent,
    OrderRejected,
)
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Probability,
    Size,
    money,
    parse_time,
    price,
    probability,
    size,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Gate

from .line_format import BadLineError

KIND_BYTES: Final = 24
"""So many bytes from a line's type on tell what it is, and with which field its data begin."""

SCAN: Final = b'scan","data":{"position"'
MARK: Final = b'mark","data":{"signal":"'
DENIED: Final = b'denied","data":{"signal"'
SIGNAL: Final = b'signal","data":{"signal"'
DATA: Final = b'","data":'
BEFORE_ID: Final = b'{"signal":"'
ID_BYTES: Final = 24
"""How long the id of a signal is."""
PHASE: Final = b'","phase":"'
GATES_END: Final = b'],"price":"'
COUNT: Final = b',"count":'
PLAIN: Final = ("", "", Leg.YES)
"""A key that nobody has: the text is not written as expected."""
NOT_TO_OPEN: Final = ("", "", Leg.NO)
"""The key of what is refused and was not to open."""
OVER: Final = ("", "over")
"""The gates of a refusal that ended."""
OTHERWISE: Final = ("", "otherwise")
"""Gates that nobody has: the text is not written as expected."""

_STRATEGY: Final = b'","strategy":"'
_BEGUN: Final = b'begin","gates":['
_ENDED: Final = b'end","gates":['
_SECOND: Final = len("2026-11-22T00:30:00")

K = TypeVar("K")
V = TypeVar("V")


class Line(msgspec.Struct, gc=False):
    """A line as JSON sees it."""

    seq: int
    ts: str
    boot: str
    cfg: str
    type: str
    data: msgspec.Raw


class Mark(msgspec.Struct, gc=False):
    """What matters of a mark."""

    signal: str
    market: str
    leg: Leg
    cause: Cause
    since: str
    horizon_s: int
    mid: str | None = None
    bid: str | None = None
    ask: str | None = None


class _Name(msgspec.Struct, gc=False):
    name: str


class _Gate(msgspec.Struct, gc=False):
    name: str
    limit: str
    value: str
    hard: bool


class _Denied(msgspec.Struct, gc=False):
    signal: str
    strategy: str
    market: str
    event: str
    family: str
    leg: Leg
    purpose: Purpose
    phase: str
    gates: list[_Gate]
    price: str
    size: str
    count: int = 1


class _Wanted(msgspec.Struct, gc=False):
    strategy: str
    market: str
    leg: Leg
    purpose: Purpose


class _Scan(msgspec.Struct, gc=False):
    equity: str = "0"


class Accepted(msgspec.Struct, gc=False):
    """What matters of a confirmation."""

    intent: str
    sent_at: str


class _Id(msgspec.Struct, gc=False):
    signal: str


class _Until(msgspec.Struct, gc=False):
    closes_in: int | None = None


class _Signal(msgspec.Struct, gc=False):
    style: Style
    price: str
    belief: str
    edge: str
    cost: str
    reason: str
    mid: str | None = None
    bid: str | None = None
    ask: str | None = None
    depth: str | None = None
    book_age: int = 0
    closes_in: int | None = None


read_line = msgspec.json.Decoder(Line).decode
read_mark = msgspec.json.Decoder(Mark).decode
read_accepted = msgspec.json.Decoder(Accepted).decode
_read_denied = msgspec.json.Decoder(_Denied).decode
_read_names = msgspec.json.Decoder(list[_Name]).decode
_read_wanted = msgspec.json.Decoder(_Wanted).decode
_read_scan = msgspec.json.Decoder(_Scan).decode
_read_until = msgspec.json.Decoder(_Until).decode
_read_id = msgspec.json.Decoder(_Id).decode
_read_signal = msgspec.json.Decoder(_Signal).decode


class _Known(dict[K, V]):
    """What texts stand for; they repeat themselves. Forgets all of them if there are too many."""

    def __init__(self, read: Callable[[K], V], most: int) -> None:
        super().__init__()
        self._read, self._most = read, most

    def __missing__(self, text: K) -> V:
        value = self._read(text)
        if len(self) >= self._most:
            self.clear()
        self[text] = value
        return value


def moment(stamp: bytes) -> Micros:
    """Return the moment of a line's time.

    Raises:
        ValueError: if it is none.

    """
    return Micros(_SECONDS[stamp[:_SECOND]] + int(stamp[_SECOND + 1 : -1]))


def equity(data: bytes) -> Money:
    """Return the equity that a scan tells."""
    return money(_read_scan(data).equity)


def signal_of(data: bytes) -> str:
    """Return which signal a fact tells of."""
    name = data[len(BEFORE_ID) : len(BEFORE_ID) + ID_BYTES]
    # An id of letters and digits, as they are made, needs no decoding.
    if name.isalnum() and data[len(BEFORE_ID) + ID_BYTES : len(BEFORE_ID) + ID_BYTES + 1] == b'"':
        return name.decode()
    return _read_id(data).signal


def refuse(why: str) -> NoReturn:
    """Refuse a line.

    Raises:
        BadLineError: always.

    """
    raise BadLineError(why)


def gates_of(data: bytes) -> tuple[Gate, ...]:
    """Return the gates of a refusal."""
    return _gates(_read_denied(data).gates)


def _key(text: bytes) -> Key:
    """Return whose wish it is, by what follows its id in a refusal."""
    if not text.startswith(_STRATEGY):
        return PLAIN
    try:
        told = _read_wanted(b"{" + text[2:] + b'"}')
    except msgspec.MsgspecError:
        return PLAIN
    if told.purpose is not Purpose.ENTRY:
        return NOT_TO_OPEN
    return (sys.intern(told.strategy), sys.intern(told.market), told.leg)


def _phase(text: bytes) -> tuple[str, ...]:
    """Return the names of the gates that refuse from here on, or that this is over."""
    if text == _ENDED:
        return OVER
    if not text.startswith(_BEGUN):
        return OTHERWISE
    try:
        told = _read_names(text[len(_BEGUN) - 1 :] + b"]")
    except msgspec.MsgspecError:
        return OTHERWISE
    return tuple([sys.intern(gate.name) for gate in told])


def _gates(told: Iterable[_Gate]) -> tuple[Gate, ...]:
    return tuple([Gate(sys.intern(g.name), sys.intern(g.limit), g.value, g.hard) for g in told])


def _quote(texts: tuple[str | None, str | None, str | None]) -> Prices:
    mid, bid, ask = texts
    return Prices(mid=_price(mid), bid=_price(bid), ask=_price(ask))


def _price(text: str | None) -> Price | None:
    return None if text is None else PRICES[text]


def _second(text: bytes) -> Micros:
    minutes, seconds = int(text[14:16]), int(text[17:19])
    return Micros(_HOURS[text[:13]] + (minutes * 60 + seconds) * SECOND)


def _hour(text: bytes) -> Micros:
    return parse_time(text.decode() + ":00:00Z")


_HOURS: Final = _Known(_hour, 2_000)
_SECONDS: Final = _Known(_second, 1_000)
MOMENTS: Final = _Known(parse_time, 1_000)
PRICES: Final[_Known[str, Price]] = _Known(price, 10_000)
SIZES: Final[_Known[str, Size]] = _Known(size, 4_000)
CHANCES: Final[_Known[str, Probability]] = _Known(probability, 4_000)
KEYS: Final = _Known(_key, 8_000)
PHASES: Final = _Known(_phase, 1_000)
QUOTES: Final = _Known(_quote, 8_000)


class Read(Undecoded):
    """Reads what was left undecoded and is needed after all."""

    def wish(self, seq: int, data: bytes) -> Wish:
        """Return what a signal said."""
        told = _read_signal(data)
        return Wish(
            seq=seq,
            style=told.style,
            price=PRICES[told.price],
            belief=CHANCES[told.belief],
            edge=PRICES[told.edge],
            cost=PRICES[told.cost],
            reason=sys.intern(told.reason),
            prices=QUOTES[told.mid, told.bid, told.ask],
            depth=None if told.depth is None else SIZES[told.depth],
            book_age=Duration(told.book_age),
            closes_in=None if told.closes_in is None else Duration(told.closes_in),
        )

    def denied(self, data: bytes) -> Denied:
        """Return a refusal."""
        told = _read_denied(data)
        return Denied(
            signal=told.signal,
            strategy=sys.intern(told.strategy),
            market=sys.intern(told.market),
            event=sys.intern(told.event),
            family=sys.intern(told.family),
            leg=told.leg,
            purpose=told.purpose,
            phase=told.phase,
            gates=_gates(told.gates),
            price=PRICES[told.price],
            size=SIZES[told.size],
            count=told.count,
        )

    def closes_in(self, data: bytes) -> Duration | None:
        """Return how long before the end of its market a signal was raised."""
        told = _read_until(data).closes_in
        return None if told is None else Duration(told)

    def moment(self, text: str) -> Micros:
        """Return the moment that a mark says its decision was taken at."""
        return MOMENTS[text]


# Thousands of facts are kept, and share these.
_REPEATED: Final = ("strategy", "market", "event", "family")


def _fact_reader(cls: type[Event]) -> Callable[[bytes], Event]:
    """Return what decodes facts of a class whose fields are plain or numbers, and does it fast."""
    hints = get_type_hints(cls)
    fields: list[tuple[str, Any] | tuple[str, Any, object]] = []
    numbers: list[tuple[str, Mapping[Any, Any]]] = []
    for field in attrs.fields(cls):
        hint = hints[field.name]
        known = _NUMBERS.get(hint)
        if known is not None:
            numbers.append((field.name, known))
            hint = str if hint in _KNOWN else str | None
        told = (field.name, hint)
        fields.append(told if field.default is attrs.NOTHING else (*told, field.default))
    repeated = tuple(name for name in _REPEATED if name in hints)
    decode = msgspec.json.Decoder(msgspec.defstruct(cls.__name__, fields, gc=False)).decode

    def read(data: bytes) -> Event:
        values = asdict(decode(data))
        for name, known in numbers:
            values[name] = known[values[name]]
        for name in repeated:
            values[name] = sys.intern(values[name])
        return cls(**values)

    return read


_KNOWN: Final[dict[Any, _Known[str, Any]]] = {
    Price: PRICES,
    Size: SIZES,
    Money: _Known(money, 4_000),
    Probability: CHANCES,
    Micros: MOMENTS,
}


class _Optional(dict[str | None, Any]):
    """What texts stand for, if there is one."""

    def __init__(self, known: _Known[str, Any]) -> None:
        super().__init__({None: None})
        self._known = known

    def __missing__(self, text: str) -> object:
        return self._known[text]


_NUMBERS: Final[dict[Any, Mapping[Any, Any]]] = {
    **_KNOWN,
    **{kind | None: _Optional(known) for kind, known in _KNOWN.items()},
}
FACTS: Final = {
    cls.TYPE: _fact_reader(cls)
    for cls in (Exit, Fill, MarketResolved, OrderCancelled, OrderIntent, OrderRejected)
}
"""How the most frequent facts are decoded, by type."""
