"""Windows from journal files, fast: only what a window needs is decoded.

Most lines of a journal are scans, signals, refusals and marks. Of a scan the time is taken, of a
signal its bytes, which are decoded if something comes of it; of the others the fields that count.
A window is the same as if every line had been decoded and heard.

Hashes are not checked, but for the first line of a file: `market-bot journal verify` does that.
What is checked is how every line begins, the order of sequence numbers and times, and that what is
needed fits its schema. An unfinished last line is the end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from market_bot.core.domain.analytics.build import DEFAULT_CAPS, GAP_MAX, Caps, WindowBuilder
from market_bot.core.domain.analytics.window import Window
from market_bot.core.domain.events import Checkpoint
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.numbers import HOUR, NEVER, Duration, Micros, format_time, utc_date
from market_bot.core.ports.journal import Chain, JournalError
from market_bot.core.ports.windows import Following, Windows

from .codec import CodecError, decode_event, decode_state
from .durable_file import Files, RealFiles
from .journal_reader import corrupt, journal_files
from .line_format import (
    LINE_BYTES_MAX,
    SEAL_BYTES,
    STAMP_BYTES,
    BadLineError,
    context,
    parse_line,
)
from .window_lines import (
    BEFORE_ID,
    COUNT,
    DATA,
    DENIED,
    FACTS,
    GATES_END,
    ID_BYTES,
    KEYS,
    KIND_BYTES,
    MARK,
    MOMENTS,
    NOT_TO_OPEN,
    OTHERWISE,
    OVER,
    PHASE,
    PHASES,
    PLAIN,
    QUOTES,
    SCAN,
    SIGNAL,
    Read,
    equity,
    gates_of,
    moment,
    read_accepted,
    read_line,
    read_mark,
    refuse,
    signal_of,
)

WARM_UP: Final = Duration(7 * 24 * HOUR)
"""How much earlier than a window reading begins: what was bought then is known in full."""

_BLOCK_BYTES: Final = 1 << 17
_BEGINNING: Final = b'{"v":1,"seq":%d,"ts":"'
_LAST: Final = Micros(253_402_300_799_999_999)
# Scans before and after these do not follow each other, or a scan is told in another way.
_BETWEEN_SCANS: Final = frozenset({b"tick", b"bot_started", b"bot_stopped", b"scan"})

# What decoding and `price` and its like raise; a key that is not UTF-8 is reported as it comes.
_UNFIT: Final = (msgspec.MsgspecError, ValueError, TypeError, CodecError)

Take = Callable[[int, Micros, bytes], None]


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
            str(self._chain), since, until, state=state, caps=self._caps, undecoded=Read()
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
        self._seq = self._heard = 0
        self._config = self._middle_config = ""
        self._stamp = self._until = self._middle = self._scanned = self._level = b""
        self._since, self._begun = _stamp_of(builder.since), False
        self._others = _others(builder)

    def read_on(self, until: Micros) -> Window:
        """Return the window up to a moment; see `Following`."""
        self._until = _stamp_of(until)
        self._builder.extend(until)
        while self._read_file():
            pass
        try:
            self._tell_scanned()
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
            lines = block.split(b"\n")
            lines[0] = rest + lines[0]
            rest = lines.pop()
            if len(rest) > LINE_BYTES_MAX:
                what = f"a line above {LINE_BYTES_MAX} bytes"
                raise corrupt(self._place, position - len(rest), what)
            if lines and not self._hear(lines):
                return False, False
        return True, bool(rest)

    def _hear(self, lines: list[bytes]) -> bool:
        """Hear whole lines; tell whether the window goes on behind them."""
        if not self._seq or not self._offset:
            self._check_chain(lines[0])
        self._heard, on = 0, True
        try:
            while on and self._heard < len(lines):
                on = self._hear_some(lines[self._heard :] if self._heard else lines)
        except (BadLineError, *_UNFIT) as e:
            raise corrupt(self._place, self._offset + _length(lines, self._heard), str(e)) from e
        self._offset += _length(lines, self._heard)
        return on

    def _hear_some(self, lines: list[bytes]) -> bool:
        """Hear the first of some lines, as far as they are alike; tell whether to go on."""
        first = self._seq + 1 if self._seq else read_line(lines[0]).seq
        digits = len(str(first))
        lines = lines[: 10**digits - first]
        begin = len(_BEGINNING) - 2 + digits
        end = begin + STAMP_BYTES
        expected = (_BEGINNING * len(lines)) % tuple(range(first, first + len(lines)))
        stamps = [line[begin:end] for line in lines]
        if (
            b"".join([line[:begin] for line in lines]) != expected
            or stamps[0] < self._stamp
            or stamps != sorted(stamps)
        ):
            return self._hear_slowly(lines)
        count = self._alike(lines, end)
        if not count:
            return self._hear_slowly(lines)
        to_come = bisect_left(stamps, self._until)
        if not self._begun:
            count = min(count, bisect_left(stamps, self._since) or count)
        count = min(count, to_come)
        if count:
            self._tell_config(self._middle_config)
            if not self._begun and stamps[0] >= self._since:
                self._begun = True
                self._tell_scanned()
                self._builder.reaches(moment(stamps[0]))
            self._hear_alike(lines[:count], stamps[:count], first, end + len(self._middle))
        return count < to_come or to_come == len(lines)

    def _alike(self, lines: list[bytes], end: int) -> int:
        """Return how many lines of one boot and configuration come first; 0: none is as written.

        Takes their configuration. ``end`` is where a line's time ends.
        """
        if not self._middle or not lines[0].startswith(self._middle, end):
            told = read_line(lines[0])
            self._middle = context(told.boot, self._chain, told.cfg)
            if not lines[0].startswith(self._middle, end):
                self._middle = b""
                return 0
            self._middle_config = told.cfg
        middle, kind = self._middle, end + len(self._middle)
        if [line[end:kind] for line in lines].count(middle) == len(lines):
            return len(lines)
        return next(n for n, line in enumerate(lines) if not line.startswith(middle, end))

    def _hear_alike(  # noqa: C901, PLR0912, PLR0915 - the hot loop
        self, lines: list[bytes], stamps: list[bytes], first: int, kind_at: int
    ) -> None:
        """Hear lines with the same number of digits, boot and configuration."""
        builder, others, begun = self._builder, self._others, self._heard
        awaited, held, quoted = builder.awaited, builder.held, builder.quoted
        signalled, marked, tick_over = builder.signalled, builder.marked, builder.tick_over
        refusing, refused, refusal_ended = builder.refusing, builder.refused, builder.refusal_ended
        keys, phases, quotes = KEYS, PHASES, QUOTES
        mark_at, data_at = kind_at + len(b'mark","data":'), kind_at + len(b'denied","data":')
        id_at = data_at + len(BEFORE_ID)
        id_end = id_at + ID_BYTES
        level, scanned, number = self._level, self._scanned, 0
        at, at_stamp = NEVER, b""
        tail = -SEAL_BYTES
        kind_end = kind_at + KIND_BYTES
        try:
            for number, line in enumerate(lines):
                kind = line[kind_at:kind_end]
                if kind == SCAN:
                    if awaited:
                        tick_over()
                    if stamps[number] >= level:
                        self._scanned = scanned
                        level = self._scan(stamps[number], line[kind_at + 13 : tail])
                    scanned = stamps[number]
                elif kind == MARK:
                    mark = read_mark(line[mark_at:tail])
                    prices = quotes[mark.mid, mark.bid, mark.ask]
                    if mark.market in held:
                        if at_stamp != stamps[number]:
                            at_stamp = stamps[number]
                            at = moment(at_stamp)
                        quoted(at, mark.market, mark.leg, prices.mid, prices.bid)
                    marked(mark.cause, mark.signal, mark.since, mark.horizon_s, prices)
                elif kind == SIGNAL:
                    data = line[data_at:tail]
                    signalled(first + number, signal_of(data), data)
                elif kind == DENIED:
                    phase_at = line.find(PHASE, id_end)
                    gates_end = line.find(GATES_END, phase_at)
                    key = keys[line[id_end:phase_at]]
                    names = phases[line[phase_at + len(PHASE) : gates_end]]
                    name = line[id_at:id_end]
                    if at_stamp != stamps[number]:
                        at_stamp = stamps[number]
                        at = moment(at_stamp)
                    if key is PLAIN or names is OTHERWISE or not name.isalnum():
                        others[b"denied"](first + number, at, line[data_at:tail])
                    elif names is OVER:
                        if key is not NOT_TO_OPEN:
                            count = _count(line, gates_end)
                            refusal_ended(key, name.decode(), count)
                    else:
                        refusing(names)
                        if key is not NOT_TO_OPEN:
                            data = line[data_at:tail]
                            if refused(first + number, at, name.decode(), key, names, data):
                                builder.refused_also(key, gates_of(data))
                else:
                    end = line.find(b'"', kind_at)
                    kind = line[kind_at:end]
                    take = others.get(kind)
                    if take is not None:
                        if kind in _BETWEEN_SCANS:
                            self._scanned = scanned
                            self._tell_scanned()
                            scanned = level = b""
                        if line[end : end + len(DATA)] != DATA:
                            refuse("its data do not follow its type")
                        if at_stamp != stamps[number]:
                            at_stamp = stamps[number]
                            at = moment(at_stamp)
                        take(first + number, at, line[end + len(DATA) : tail])
        finally:
            self._heard = begun + number
        self._heard = begun + len(lines)
        self._scanned, self._level = scanned, level
        self._seq, self._stamp = first + number, stamps[-1]

    def _scan(self, stamp: bytes, data: bytes) -> bytes:
        """Take a scan; return up to when those that follow it may be passed over."""
        self._tell_scanned()
        builder, at = self._builder, moment(stamp)
        if builder.scanned(at):
            builder.level(at, equity(data))
        return _stamp_of(min(builder.next_level, Micros(at + GAP_MAX)))

    def _tell_scanned(self) -> None:
        """Tell of the last scan, if it was passed over."""
        if self._scanned:
            self._builder.scanned(moment(self._scanned))
        self._scanned = self._level = b""

    def _hear_slowly(self, lines: list[bytes]) -> bool:
        """Hear lines one by one that are not written as expected; tell whether to go on."""
        self._tell_scanned()
        builder, kinds = self._builder, self._builder.heard
        for line in lines:
            told = read_line(line)
            stamp = told.ts.encode()
            if stamp >= self._until:
                return False
            if stamp < self._stamp or (self._seq and told.seq != self._seq + 1):
                before = f"number {self._seq} at {self._stamp.decode()}"
                refuse(f"number {told.seq} at {told.ts} after {before}")
            self._tell_config(told.cfg)
            at = moment(stamp)
            builder.reaches(at)
            self._begun = stamp >= self._since
            if told.type in kinds:
                event = decode_event(told.type, told.data)
                if event is not None:
                    builder.take(told.seq, at, event)
            self._seq, self._stamp = told.seq, stamp
            self._heard += 1
        return True

    def _check_chain(self, line: bytes) -> None:
        try:
            envelope = parse_line(line)
            if (envelope.venue, envelope.lane) != (self._chain.venue, self._chain.lane):
                refuse(f"belongs to {envelope.venue}/{envelope.lane}, not to {self._chain}")
        except BadLineError as e:
            raise corrupt(self._place, self._offset, str(e)) from e

    @property
    def _place(self) -> Path:
        return self._folder if self._path is None else self._path

    def _tell_config(self, config: str) -> None:
        if config != self._config:
            self._config = config
            self._builder.configured(config)


def _others(builder: WindowBuilder) -> dict[bytes, Take]:
    """Return what takes the lines that are decoded as a whole, by type."""

    def decoding(kind: str) -> Take:
        read = FACTS.get(kind) or partial(decode_event, kind)

        def take(seq: int, at: Micros, data: bytes) -> None:
            event = read(data)
            if event is not None:
                builder.take(seq, at, event)

        return take

    def accepted(_seq: int, _at: Micros, data: bytes) -> None:
        told = read_accepted(data)
        builder.accepted(told.intent, MOMENTS[told.sent_at])

    takers = {kind.encode(): decoding(kind) for kind in builder.heard}
    return {**takers, b"order_accepted": accepted}


def _count(line: bytes, after: int) -> int:
    """Return how long a refusal lasted, by the line that ends it."""
    end = len(line) - SEAL_BYTES - 1
    begin = line.rfind(COUNT, after, end) + len(COUNT)
    if begin < len(COUNT) or not line[begin:end].isdigit():
        refuse("a refusal's end does not tell how long it lasted")
    return int(line[begin:end])


def _stamp_of(moment: Micros) -> bytes:
    return format_time(min(moment, _LAST)).encode()


def _length(lines: list[bytes], count: int) -> int:
    """Return how long the first lines are."""
    return sum(map(len, lines[:count])) + count
