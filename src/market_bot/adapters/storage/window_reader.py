"""Windows from journal files, fast: only what a window needs is decoded.

Most lines of a journal are scans, signals, refusals and marks. Of a scan the time is taken, of a
signal its bytes, which are decoded if something comes of it; of the others the fields that count.
A window is the same as if every line had been decoded and heard.

Hashes are not checked, but for the first line of a file: `market-bot journal verify` does that.
What is checked is that every line is JSON, the order of sequence numbers and times, and that what
is needed fits its schema. An unfinished last line is the end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, Union, cast

import msgspec

from market_bot.core.domain.analytics.build import DEFAULT_CAPS, Caps, Undecoded, WindowBuilder
from market_bot.core.domain.analytics.window import Prices, Window, Wish
from market_bot.core.domain.events import EVENT_TYPES, Cause, Checkpoint, Denied
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    HOUR,
    NEVER,
    SECOND,
    Duration,
    Micros,
    Price,
    Size,
    format_time,
    money,
    parse_time,
    price,
    probability,
    size,
    utc_date,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Gate
from market_bot.core.ports.journal import Chain, JournalError
from market_bot.core.ports.windows import Following, Windows

from .codec import CodecError, decode_event, decode_state
from .durable_file import Files, RealFiles
from .journal_reader import corrupt, journal_files
from .line_format import (
    LINE_BYTES_MAX,
    BadLineError,
    parse_line,
)

WARM_UP: Final = Duration(7 * 24 * HOUR)
"""How much earlier than a window reading begins: what was bought then is known in full."""

_BLOCK_BYTES: Final = 1 << 18
_SECOND: Final = len("2026-11-22T00:30:00")
_ID: Final = b'{"signal":"'
_LAST: Final = Micros(253_402_300_799_999_999)

K = TypeVar("K", bound=bytes | str)
V = TypeVar("V")


class _Mark(msgspec.Struct, gc=False):
    signal: str
    market: str
    leg: Leg
    cause: Cause
    since: str
    horizon_s: int
    mid: str | None = None
    bid: str | None = None
    ask: str | None = None


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
    gates: msgspec.Raw
    price: str
    size: str
    count: int = 1


class _Scan(msgspec.Struct, gc=False):
    equity: str = "0"


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


class _Line(msgspec.Struct, gc=False, tag_field="type"):
    seq: int
    ts: str
    cfg: str


class _ScanLine(_Line, gc=False, tag="scan"):
    data: _Scan


class _MarkLine(_Line, gc=False, tag="mark"):
    data: _Mark


class _DeniedLine(_Line, gc=False, tag="denied"):
    data: _Denied


class _SignalLine(_Line, gc=False, tag="signal"):
    data: msgspec.Raw


class _OtherLine(_Line, gc=False, tag=""):
    data: msgspec.Raw


def _other_line(kind: str) -> type[_Line]:
    made = msgspec.defstruct(f"_{kind}", [], bases=(_OtherLine,), tag=kind, gc=False)
    return cast("type[_Line]", made)


_KINDS: Final = {
    _other_line(kind): kind
    for kind in EVENT_TYPES
    if kind not in ("scan", "mark", "denied", "signal")
}
_ANY_LINE: Final = Union[(_ScanLine, _MarkLine, _DeniedLine, _SignalLine, *_KINDS)]

_lines: Final = msgspec.json.Decoder(_ANY_LINE)
_NO_GATES: Final = msgspec.Raw()


class _Id(msgspec.Struct, gc=False):
    signal: str


_read_id = msgspec.json.Decoder(_Id).decode
_read_gates = msgspec.json.Decoder(list[_Gate]).decode
_read_signal = msgspec.json.Decoder(_Signal).decode

# What decoding and `price` and its like raise; a key that is not UTF-8 is reported as it comes.
_UNFIT: Final = (msgspec.MsgspecError, ValueError, TypeError, CodecError)


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


def _gates(data: bytes) -> tuple[Gate, ...]:
    told = _read_gates(data)
    return tuple(Gate(gate.name, gate.limit, gate.value, gate.hard) for gate in told)


def _second(text: str) -> Micros:
    minutes, seconds = int(text[14:16]), int(text[17:19])
    return Micros(_HOURS[text[:13]] + (minutes * 60 + seconds) * SECOND)


def _hour(text: str) -> Micros:
    return parse_time(text + ":00:00Z")


_HOURS: Final = _Known(_hour, 2_000)


_PRICES: Final[_Known[str, Price]] = _Known(price, 20_000)
_SIZES: Final[_Known[str, Size]] = _Known(size, 20_000)
_GATES: Final = _Known(_gates, 2_000)
_MOMENTS: Final = _Known(_second, 4_000)
_SINCE: Final = _Known(parse_time, 8_000)


def _price(text: str | None) -> Price | None:
    return None if text is None else _PRICES[text]


class _Read(Undecoded):
    """Reads what was left undecoded and is needed after all."""

    def wish(self, seq: int, data: bytes) -> Wish:
        return _wish(seq, _read_signal(data))

    def denied(self, fact: object) -> Denied:
        if not isinstance(fact, _Denied):
            _refuse(f"not a refusal: {fact!r}")
        return Denied(
            signal=fact.signal,
            strategy=fact.strategy,
            market=fact.market,
            event=fact.event,
            family=fact.family,
            leg=fact.leg,
            purpose=fact.purpose,
            phase=fact.phase,
            gates=(),
            price=_PRICES[fact.price],
            size=_SIZES[fact.size],
            count=fact.count,
        )


def _wish(seq: int, told: _Signal) -> Wish:
    return Wish(
        seq=seq,
        style=told.style,
        price=_PRICES[told.price],
        belief=probability(told.belief),
        edge=_PRICES[told.edge],
        cost=_PRICES[told.cost],
        reason=told.reason,
        prices=Prices(mid=_price(told.mid), bid=_price(told.bid), ask=_price(told.ask)),
        depth=None if told.depth is None else _SIZES[told.depth],
        book_age=Duration(told.book_age),
        closes_in=None if told.closes_in is None else Duration(told.closes_in),
    )


class WindowReader(Windows):
    """Reads windows of one chain from its files; changes nothing and may work beside the writer.

    Args:
        folder: where the chain's files lie.
        chain: whose lines these must be.
        files: the file system.
        warm_up: how much earlier than a window reading begins, at least.
        caps: how much a window may hold.

    """

    def __init__(
        self,
        folder: Path,
        chain: Chain,
        files: Files | None = None,
        *,
        warm_up: Duration = WARM_UP,
        caps: Caps = DEFAULT_CAPS,
    ) -> None:
        self._folder, self._chain = folder, chain
        self._files = files or RealFiles()
        self._warm_up, self._caps = warm_up, caps

    def read(self, since: Micros, until: Micros) -> Window:
        """Return what happened from ``since`` on and before ``until``; see `Windows`."""
        return self._begin(since, until).read_on(until)

    def follow(self, since: Micros) -> Following:
        """Return a window from ``since`` on that can be read on as time passes."""
        return self._begin(since, since)

    def _begin(self, since: Micros, until: Micros) -> _Pass:
        paths = journal_files(self._files, self._folder)
        start = utc_date(Micros(max(NEVER, since - self._warm_up)))
        at = max((n for n, path in enumerate(paths) if path.stem <= start), default=0)
        state = self._state_at(paths[at], last=at == 0) if paths else None
        if paths and state is None and at:
            # Another version of the fold wrote this checkpoint: counted anew from the beginning.
            at, state = 0, self._state_at(paths[0], last=True)
        builder = WindowBuilder(
            str(self._chain), since, until, state=state, caps=self._caps, undecoded=_Read()
        )
        return _Pass(self._folder, self._chain, self._files, builder, paths[at] if paths else None)

    def _state_at(self, path: Path, *, last: bool) -> LaneState | None:
        """Return the state a file begins with, None if it has to be counted from earlier on.

        Raises:
            JournalError: if there is nothing earlier.

        """
        line = self._first_line(path)
        if line is None:
            return LaneState()
        try:
            envelope = parse_line(line)
            event = decode_event(envelope.type, envelope.data)
            if envelope.seq == 1:
                return LaneState()
            if isinstance(event, Checkpoint) and event.fold == FOLD_VERSION:
                return decode_state(event.state, LaneState)
        except (BadLineError, CodecError) as e:
            raise corrupt(path, 0, str(e)) from e
        if not last:
            return None
        msg = (
            f"{path}: line {envelope.seq} is no checkpoint of fold version {FOLD_VERSION}: what "
            "was held before it is not known; bring the older files back"
        )
        raise JournalError(msg)

    def _first_line(self, path: Path) -> bytes | None:
        descriptor = self._files.open(path)
        try:
            line = b""
            while len(line) <= LINE_BYTES_MAX:
                block = self._files.read(descriptor, _BLOCK_BYTES, len(line))
                end = block.find(b"\n")
                if end >= 0:
                    return line + block[:end]
                if not block:
                    return None
                line += block
        finally:
            self._files.close(descriptor)
        raise corrupt(path, 0, f"a line above {LINE_BYTES_MAX} bytes")


class _Pass(Following):
    """One pass over a chain, which goes on where it stopped."""

    def __init__(
        self, folder: Path, chain: Chain, files: Files, builder: WindowBuilder, path: Path | None
    ) -> None:
        self._folder, self._chain, self._files = folder, chain, files
        self._builder = builder
        self._path, self._offset = path, 0
        self._seq = 0
        self._stamp = self._config = self._until = ""
        self._others = _others(builder)

    def read_on(self, until: Micros) -> Window:
        """Return the window up to a moment; see `Following`."""
        self._until = format_time(min(until, _LAST))
        self._builder.extend(until)
        while self._read_file():
            pass
        try:
            return self._builder.close(until)
        except (BadLineError, *_UNFIT) as e:
            raise corrupt(self._folder, 0, f"a line does not fit its schema: {e}") from e

    def _read_file(self) -> bool:
        """Read on in the file that comes next; tell whether there may be another one."""
        paths = journal_files(self._files, self._folder)
        if self._path is None:
            if not paths:
                return False
            self._path = paths[0]
        descriptor = self._files.open(self._path)
        try:
            whole, torn = self._follow(descriptor)
        finally:
            self._files.close(descriptor)
        later = [path for path in paths if path > self._path]
        if not whole or not later:
            return False
        if torn:
            raise corrupt(self._path, self._offset, "ends inside a line")
        self._path, self._offset = later[0], 0
        return True

    def _follow(self, descriptor: int) -> tuple[bool, bool]:
        """Hear lines until the file ends or the window does; tell which, and of a torn end."""
        size, rest = self._files.size(descriptor), b""
        position = self._offset
        while position < size:
            block = self._files.read(descriptor, min(_BLOCK_BYTES, size - position), position)
            if not block:
                break
            position += len(block)
            end = block.rfind(b"\n") + 1
            whole, rest = rest + block[:end], block[end:] if end else rest + block
            if len(rest) > LINE_BYTES_MAX:
                what = f"a line above {LINE_BYTES_MAX} bytes"
                raise corrupt(self._place, position - len(rest), what)
            if end and not self._hear(whole):
                return False, False
        return True, bool(rest)

    def _hear(self, block: bytes) -> bool:  # noqa: C901, PLR0912, PLR0915 - the hot loop
        """Hear whole lines; tell whether the window goes on behind them."""
        if not self._seq or not self._offset:
            self._check_chain(block[: block.find(b"\n")])
        try:
            lines = _lines.decode_lines(block)
        except _UNFIT:
            # Again one by one: to find the place, or to pass over types of later versions.
            lines = self._one_by_one(block)
        builder, others, denied = self._builder, self._others, self._denied
        scanned, signalled, marked = builder.scanned, builder.signalled, builder.marked
        held, quoted, prices, moments = builder.held, builder.quoted, _PRICES, _MOMENTS
        seq, last, until, config = self._seq or lines[0].seq - 1, self._stamp, self._until, None
        begun, number = False, 0
        at = base = NEVER
        second_known = ""
        try:
            for number, line in enumerate(lines):  # noqa: B007 - tells where it stopped
                stamp = line.ts
                if stamp >= until:
                    break
                if line.seq != seq + 1 or stamp < last:
                    _refuse(f"number {line.seq} at {stamp} after number {seq} at {last}")
                second = stamp[:_SECOND]
                if second != second_known:
                    base, second_known = moments[second], second
                at = base + int(stamp[_SECOND + 1 : -1])  # type: ignore[assignment]  # no call
                if line.cfg != config:
                    config = line.cfg
                    self._tell_config(config)
                    begun = False
                if not begun:
                    begun = builder.reaches(at) and at >= builder.since
                seq, last, kind = line.seq, stamp, line.__class__
                if kind is _ScanLine:
                    if scanned(at):
                        builder.level(at, money(line.data.equity))
                elif kind is _MarkLine:
                    mark = line.data
                    mid, bid, ask = mark.mid, mark.bid, mark.ask
                    three = (
                        None if mid is None else prices[mid],
                        None if bid is None else prices[bid],
                        None if ask is None else prices[ask],
                    )
                    if mark.market in held:
                        quoted(at, mark.market, mark.leg, three[0], three[1])
                    marked(mark.cause, mark.signal, _SINCE[mark.since], mark.horizon_s, three)
                elif kind is _SignalLine:
                    data = bytes(line.data)
                    name = data[len(_ID) : data.find(b'"', len(_ID))]
                    if data.startswith(_ID) and b"\\" not in name:
                        signalled(seq, name.decode(), data)
                    else:
                        signalled(seq, _read_id(data).signal, data)
                elif kind is _DeniedLine:
                    denied(seq, at, line.data)
                else:
                    take = others.get(kind)
                    if take is not None:
                        take(seq, at, bytes(line.data))
            else:
                number = len(lines)
        except (BadLineError, *_UNFIT) as e:
            raise corrupt(self._place, self._offset + _length(block, number), str(e)) from e
        self._seq, self._stamp = seq, last
        if number == len(lines):
            self._offset += len(block)
            return True
        self._offset += _length(block, number)
        return False

    def _one_by_one(self, block: bytes) -> list[Any]:
        lines: list[Any] = []
        for number, line in enumerate(block[:-1].split(b"\n")):
            try:
                lines.append(_line(line))
            except (BadLineError, *_UNFIT) as e:
                offset = self._offset + _length(block, number)
                raise corrupt(self._place, offset, str(e)) from e
        return lines

    def _check_chain(self, line: bytes) -> None:
        try:
            envelope = parse_line(line)
            if (envelope.venue, envelope.lane) != (self._chain.venue, self._chain.lane):
                _refuse(f"belongs to {envelope.venue}/{envelope.lane}, not to {self._chain}")
        except BadLineError as e:
            raise corrupt(self._place, self._offset, str(e)) from e

    @property
    def _place(self) -> Path:
        return self._folder if self._path is None else self._path

    def _tell_config(self, config: str) -> None:
        if config != self._config:
            self._config = config
            self._builder.configured(config)

    def _denied(self, seq: int, at: Micros, told: _Denied) -> None:
        wanted = told.purpose is Purpose.ENTRY
        key = (told.strategy, told.market, told.leg) if wanted else None
        if told.phase == "begin":
            gates = _GATES[bytes(told.gates)]
            # A view of the whole block must not be kept with it.
            told.gates = _NO_GATES
            self._builder.refused(seq, at, told.signal, key, gates, told)
        elif key is not None:
            self._builder.refusal_ended(key, told.signal, told.count)


def _others(builder: WindowBuilder) -> dict[type[_Line], Callable[[int, Micros, bytes], None]]:
    """Return what takes the lines that are not taken in the hot loop, by type."""

    def decoding(kind: str) -> Callable[[int, Micros, bytes], None]:
        def take(seq: int, at: Micros, data: bytes) -> None:
            event = decode_event(kind, data)
            if event is not None:
                builder.take(seq, at, event)

        return take

    heard = builder.heard
    return {cls: decoding(kind) for cls, kind in _KINDS.items() if kind in heard}


def _line(text: bytes) -> Any:  # noqa: ANN401 - one of several classes of lines
    try:
        return _lines.decode(text)
    except msgspec.ValidationError:
        envelope = parse_line(text)
        if envelope.type in EVENT_TYPES:
            raise
        return _OtherLine(envelope.seq, envelope.ts, envelope.cfg, msgspec.Raw())


def _length(block: bytes, lines: int) -> int:
    """Return how long the first lines of a block are."""
    return sum(len(line) + 1 for line in block.split(b"\n")[:lines])


def _refuse(why: str) -> NoReturn:
    raise BadLineError(why)
