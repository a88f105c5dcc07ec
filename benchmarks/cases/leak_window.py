"""A day's window for the leak rules from a long journal, beside bare decoding of the lines.

Two mixes of lines: that of a run in the simulated world as a new home has it, repeated until there
are enough lines; and a harder one, a lane that refuses much and follows what it refused.
"""

from __future__ import annotations

import gc
import random
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any, Final

import attrs

from benchmarks.cases.journal_scan import bare
from benchmarks.measure import Side, Times, against, child
from benchmarks.rows import AtMost, Row
from benchmarks.setting import Benchmark, Setting
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.storage.window_reader import WindowReader
from market_bot.core.domain import events as ev
from market_bot.core.domain.analytics.window import Window
from market_bot.core.domain.market import LEGS, Leg
from market_bot.core.domain.marks import HORIZONS
from market_bot.core.domain.numbers import (
    HOUR,
    ONE_CONTRACT,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Probability,
    Size,
    parse_time,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Gate
from market_bot.core.ports.journal import Chain

_CHAIN: Final = Chain("kalshi", "bench")
_CONFIG: Final = "c" * 16
_BEGIN: Final = parse_time("2026-11-02T00:00:00Z")
_DAY: Final = 24 * HOUR
_GOAL: Final = AtMost(1.4)
_MEMORY_MB: Final = 64.0
_NEW_LINES: Final = 1_000
_NEW_MS: Final = 5.0
_TIMES: Final = ("since", "sent_at", "expires_at", "traded_at")
_NAMES: Final = ("signal", "intent", "fill", "venue_order", "market", "event")
# So many that marks are a fifth to a quarter of the lines, as in a lane that refuses much.
_LINES_A_MARKET: Final = 6_000
_STRATEGIES: Final = ("bias_harvest", "market_making", "mean_reversion")


@attrs.define(eq=False)
class _Wish:
    signal: str
    begun: int
    denied: bool


@attrs.define(eq=False)
class _Day:
    """A lane's day, line by line: many wishes, most refused, all followed, some traded."""

    lines: int
    chance: random.Random = attrs.field(factory=lambda: random.Random(11))
    at: Micros = _BEGIN
    number: int = 0
    told: int = 0
    wishes: dict[tuple[str, int, Leg], _Wish] = attrs.field(factory=dict)
    followed: dict[tuple[str, int, Leg], Micros] = attrs.field(factory=dict)
    due: tuple[deque[tuple[Micros, ev.Mark]], ...] = attrs.field(
        factory=lambda: tuple(deque() for _ in HORIZONS)
    )
    middles: list[int] = attrs.field(init=False)
    held: dict[tuple[int, Leg], tuple[Size, Micros, str]] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        count = min(1_000, 2 + self.lines // _LINES_A_MARKET)
        self.middles = [20 + number % 60 for number in range(count)]

    def events(self) -> Iterator[tuple[ev.Event, Micros]]:
        """Yield the lines of a day; its ticks lie as far apart as the number of lines wants."""
        yield (
            ev.BotStarted(mode="paper", instance="b", version="1", fold=3, cash=_usd(10_000)),
            _BEGIN,
        )
        step = _DAY * 9 // (2 * self.lines)
        while self.told < self.lines:
            self.at = Micros(self.at + step)
            yield from ((event, self.at) for event in self._tick())

    def _tick(self) -> Iterator[ev.Event]:
        for event in self._happenings():
            self.told += 1
            yield event
        self.told += 1
        yield ev.Scan(
            position=f"0:{self.number}",
            markets=len(self.middles),
            views=self.number % 40,
            signals=self.number % 3,
            denied=self.number % 2,
            intents=0,
            equity=Money(_usd(10_000) + self.number % 97 * 10_000_000_000),
        )

    def _happenings(self) -> Iterator[ev.Event]:
        self.number += 1
        for _ in range(2):
            yield from self._wish()
        yield from self._marks()
        if self.number % 40 == 0:
            yield from self._trade()

    def _wish(self) -> Iterator[ev.Event]:
        market = self.chance.randrange(len(self.middles))
        move = self.chance.choice((-1, 0, 0, 1))
        self.middles[market] = min(95, max(5, self.middles[market] + move))
        leg, strategy = self.chance.choice(LEGS), self.chance.choice(_STRATEGIES)
        key = (strategy, market, leg)
        wish = self.wishes.pop(key, None)
        if wish is not None:
            yield self._denied(key, wish, "end", self.number - wish.begun)
            return
        wish = self.wishes[key] = _Wish(f"{self.number:024x}", self.number, denied=True)
        yield self._signal(key, wish.signal, Purpose.ENTRY)
        yield self._denied(key, wish, "begin", 1)
        if self.followed.get(key, 0) <= self.at:
            self.followed[key] = Micros(self.at + HOUR)
            yield self._follow(key, wish.signal, ev.Cause.DENIED, Purpose.ENTRY)

    def _signal(self, key: tuple[str, int, Leg], signal: str, purpose: Purpose) -> ev.Event:
        mid = self._mid(key[1], key[2])
        return ev.SignalRaised(
            **self._traced(key, signal),
            purpose=purpose,
            style=Style.MAKER,
            price=Price(mid - 10_000),
            belief=Probability(mid + 20_000),
            edge=Price(30_000),
            cost=Price(2_500),
            reason="underpriced",
            mid=mid,
            bid=Price(mid - 10_000),
            ask=Price(mid + 10_000),
            depth=Size(self.number % 400 * ONE_CONTRACT),
            book_age=Duration(self.number % 900 * 1_000),
            closes_in=Duration(self.number % 86_400 * SECOND),
        )

    def _denied(self, key: tuple[str, int, Leg], wish: _Wish, phase: str, count: int) -> ev.Denied:
        begins = phase == "begin"
        limit = Gate("max_position_usd", "20", str(20 + self.number % 50), hard=True)
        waits = Gate("cooldown", "900", str(self.number % 900), hard=False)
        return ev.Denied(
            **self._traced(key, wish.signal),
            purpose=Purpose.ENTRY,
            phase=phase,
            gates=(() if not begins else (waits, limit) if self.number % 3 == 0 else (waits,)),
            price=Price(self._mid(key[1], key[2]) - 10_000),
            size=Size(10 * ONE_CONTRACT if begins else 0),
            count=count,
        )

    def _follow(
        self, key: tuple[str, int, Leg], signal: str, cause: ev.Cause, purpose: Purpose
    ) -> ev.Mark:
        mid = self._mid(key[1], key[2])
        mark = ev.Mark(
            **self._traced(key, signal),
            purpose=purpose,
            cause=cause,
            since=self.at,
            horizon_s=0,
            late=Duration(0),
            mid=mid,
            bid=Price(mid - 10_000),
            ask=Price(mid + 10_000),
        )
        for horizon, queue in zip(HORIZONS, self.due, strict=True):
            queue.append((Micros(self.at + horizon), mark))
        return mark

    def _marks(self) -> Iterator[ev.Event]:
        for horizon, queue in zip(HORIZONS, self.due, strict=True):
            while queue and queue[0][0] <= self.at:
                due, mark = queue.popleft()
                mid = self._mid(int(mark.market[-3:]), mark.leg)
                yield attrs.evolve(
                    mark,
                    horizon_s=horizon // SECOND,
                    late=Duration(self.at - due),
                    mid=mid,
                    bid=Price(mid - 10_000),
                    ask=Price(mid + 10_000),
                )

    def _trade(self) -> Iterator[ev.Event]:
        market, leg = self.chance.randrange(len(self.middles)), self.chance.choice(LEGS)
        key, signal = (_STRATEGIES[0], market, leg), f"{self.number:024x}"
        held = self.held.pop((market, leg), None)
        mid = self._mid(market, leg)
        purpose = Purpose.ENTRY if held is None else Purpose.EXIT
        size = Size(10 * ONE_CONTRACT)
        yield self._signal(key, signal, purpose)
        if held is not None:
            yield ev.Exit(
                **self._traced(key, signal),
                reason="take_profit",
                size=size,
                price=mid,
                belief=Probability(mid),
            )
        yield from self._order(key, signal, purpose, size)
        cause = ev.Cause.TRADED if held is None else ev.Cause.EXITED
        yield self._follow(key, signal, cause, purpose)
        if held is None:
            self.held[market, leg] = (size, self.at, signal)

    def _order(
        self, key: tuple[str, int, Leg], signal: str, purpose: Purpose, size: Size
    ) -> Iterator[ev.Event]:
        mid, intent, traced = self._mid(key[1], key[2]), f"mb-{signal}", self._traced(key, signal)
        yield ev.OrderIntent(
            **traced,
            intent=intent,
            purpose=purpose,
            style=Style.TAKER,
            price=mid,
            size=size,
            fee_bound=_usd(1),
            expires_at=Micros(self.at + 10 * SECOND),
            belief=Probability(mid),
            edge=Price(30_000),
            mid=mid,
        )
        yield ev.OrderAccepted(intent=intent, venue_order=f"o-{signal}", sent_at=self.at)
        yield ev.Fill(
            **traced,
            intent=intent,
            fill=f"f-{signal}",
            purpose=purpose,
            liquidity=Style.TAKER,
            price=mid,
            size=size,
            cost=Money(mid * size),
            fee=Money(170_000_000_000),
            traded_at=self.at,
            mid=mid,
        )

    def _mid(self, market: int, leg: Leg) -> Price:
        middle = Price(self.middles[market] * 10_000)
        return middle if leg is Leg.YES else Price(ONE_DOLLAR - middle)

    def _traced(self, key: tuple[str, int, Leg], signal: str) -> dict[str, Any]:
        strategy, market, leg = key
        return {
            "signal": signal,
            "strategy": strategy,
            "market": f"KXHIGHNY-26NOV02-B{market:03d}",
            "event": f"KXHIGHNY-26NOV02-{market // 6}",
            "family": f"KXHIGH{market % 20}",
            "leg": leg,
        }


def _usd(dollars: int) -> Money:
    return Money(dollars * 10**12)


def write_day(place: Path, told: Iterable[tuple[ev.Event, Micros]]) -> str:
    """Write the journal of a day; tell what it consists of."""
    journal = JsonlJournal(chain_folder(place, _CHAIN), _CHAIN, boot="bench", durability="group")
    counts: Counter[str] = Counter()
    for event, at in told:
        journal.append(event, at, _CONFIG)
        counts[event.TYPE] += 1
    journal.close()
    return ", ".join(f"{name} {n / counts.total():.1%}" for name, n in counts.most_common(9))


def lived(setting: Setting, lines: int) -> Iterator[tuple[ev.Event, Micros]]:
    """Yield so many lines of one day: those of a simulated run, again and again, closer together.

    Each turn has markets, signals, orders and fills of its own.
    """
    life = _simulated_run(setting)
    begin, turns = life[0][1], -(-lines // len(life))
    span = life[-1][1] - begin + 5 * SECOND
    for number in range(lines):
        turn, place = divmod(number, len(life))
        event, at = life[place]

        def moved(moment: Micros, turn: int = turn) -> Micros:
            return Micros(_BEGIN + (moment - begin + turn * span) * _DAY // (turns * span))

        changes: dict[str, object] = {
            name: f"{turn:04x}{named[4:]}" for name in _NAMES if (named := getattr(event, name, ""))
        }
        for name in _TIMES:
            moment = getattr(event, name, None)
            if moment is not None:
                changes[name] = moved(moment)
        yield attrs.evolve(event, **changes), moved(at)


def _simulated_run(setting: Setting) -> Sequence[tuple[ev.Event, Micros]]:
    """Return what a bot in a new home writes down in a simulated world."""
    home, ticks = setting.folder / "simulated-home", setting.pick(3_000, 600, 5)
    program = (
        "import sys, io, contextlib; from market_bot.bootstrap.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    assert not main(['run', '--home', sys.argv[1], '--ticks', sys.argv[2],"
        " '--speed', '0', '--seed', '3', '--no-web'])\n"
    )
    child(program, str(home), str(ticks))
    (folder,) = {path.parent for path in home.glob("journal/simulated/**/*.jsonl")}
    entries = JournalReader(folder, Chain("simulated", "sim")).read()
    return [(entry.event, entry.at) for entry in entries if entry.event is not None]


def window(folder: Path) -> Window:
    """Read the window of the day."""
    return WindowReader(folder, _CHAIN).read(_BEGIN, Micros(_BEGIN + 2 * _DAY))


def measure(setting: Setting) -> Iterator[Row]:
    """Yield the rows of each mix: speed beside bare decoding, memory, and what new lines cost."""
    lines = setting.pick(1_000_000, 50_000, 400)
    mixes = {
        "those of a simulated run": lived(setting, lines),
        "a hard mix, much refused and followed": _Day(lines).events(),
    }
    for number, (what, told) in enumerate(mixes.items()):
        place = setting.folder / f"mix-{number}"
        mix = write_day(place, told)
        yield from _mix(setting, chain_folder(place, _CHAIN), what, lines, mix)


def _mix(setting: Setting, folder: Path, what: str, lines: int, mix: str) -> Iterator[Row]:
    sides: Mapping[str, Side] = {
        "bare decode": lambda: bare(folder),
        "window": lambda: window(folder),
    }
    yield _worked(setting, sides).row(
        f"window of a day of {lines:,} lines, {what}: processor time",
        "window",
        "bare decode",
        units=lines,
        unit="lines",
        goal=_GOAL,
        note=mix,
    )
    yield _memory(folder, lines, what)
    yield _new_lines(setting, folder, lines, what)


def _worked(setting: Setting, sides: Mapping[str, Side]) -> Times:
    """Run the sides in turns, and return the processor time of each round."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(setting.rounds):
        names = list(sides)
        for name in names[number % 2 :] + names[: number % 2]:
            gc.collect()
            began = process_time()
            sides[name]()
            seconds[name].append(process_time() - began)
    return Times(seconds)


def _memory(folder: Path, lines: int, what: str) -> Row:
    program = (
        "import sys; from pathlib import Path\n"
        "from market_bot.adapters.storage.window_reader import WindowReader\n"
        "from market_bot.core.ports.journal import Chain\n"
        "reader = WindowReader(Path(sys.argv[1]), Chain(*sys.argv[2].split('/')))\n"
        "kept = reader.read(int(sys.argv[3]), int(sys.argv[4]))\n"
    )
    until = _BEGIN + 2 * _DAY
    most = child(program, str(folder), str(_CHAIN), str(_BEGIN), str(until)).rss_mb
    return against(f"most memory for a window of {lines:,} lines, {what}", most, _MEMORY_MB, "MB")


def _new_lines(setting: Setting, folder: Path, lines: int, what: str) -> Row:
    new = min(_NEW_LINES, lines // 8)
    rounds = max(1, setting.rounds)
    begin = max(1, lines - new * (rounds + 1))
    starts = {begin + new * number for number in range(rounds + 1)}
    times = [e.at for e in JournalReader(folder, _CHAIN).read_from_seq(begin) if e.seq in starts]
    following = WindowReader(folder, _CHAIN).follow(_BEGIN)
    following.read_on(times[0])
    spent: list[float] = []
    for at in times[1:]:
        began = process_time()
        following.read_on(at)
        spent.append(process_time() - began)
    note = "processor time; the window is made anew of what is known and what is new"
    told = f"{new:,} new lines taken into a window of {lines:,} lines, {what}"
    return against(told, median(spent) * 1000, _NEW_MS, "ms", note)


benchmark = Benchmark(
    name="leak_window",
    summary="a day's window for the leak rules, beside bare decoding",
    measure=measure,
)
