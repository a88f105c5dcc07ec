"""A lane's life as facts: what the bot writes down while it trades an invented afternoon."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.setting import Setting
from benchmarks.workloads import SECOND, inputs_of, trading_settings
from market_bot.adapters.storage.journal_reader import JournalReader
from market_bot.adapters.storage.tape_writer import TapeWriter
from market_bot.bootstrap.taped_lane import assemble
from market_bot.core.domain import events as ev
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Market, MarketStatus
from market_bot.core.domain.numbers import NEVER, ONE_CONTRACT, Micros, Price, Size, parse_time
from market_bot.core.ports.market_data import Capability

VENUE: Final = "simulated"
_BEGIN: Final = parse_time("2026-11-02T14:00:00Z")
_MARKETS: Final = 40
_CAPABILITIES: Final = (Capability.L2_STREAM, Capability.PRINTS)


def invented_tape(setting: Setting) -> Path:
    """Return a tape of favourites that wander, trade and end, made when first asked for."""
    path = setting.folder / "invented.tape.zst"
    if not path.exists():
        with TapeWriter(path, VENUE, "invented", _CAPABILITIES) as writer:
            _write(writer, seconds=setting.pick(2400, 1200, 60))
    return path


def _write(writer: TapeWriter, seconds: int) -> None:
    chance = random.Random(5)
    middles: dict[str, int] = {}
    for number in range(_MARKETS):
        name = f"INVENTED-{number:02d}"
        close = Micros(_BEGIN + (seconds * (number + 1) // _MARKETS) * SECOND)
        writer.meta(
            Market(
                venue=VENUE,
                id=name,
                event=f"EVENT-{number // 2}",
                family=f"FAMILY-{number % 4}",
                close_at=close,
            ),
            _BEGIN,
        )
        middles[name] = chance.randint(70, 93)
        _book(writer, name, middles[name], _BEGIN)
    for second in range(seconds):
        now = Micros(_BEGIN + second * SECOND)
        for name in list(middles):
            number = int(name[-2:])
            if second >= seconds * (number + 1) // _MARKETS:
                _end(writer, name, middles.pop(name), chance, now)
            elif chance.random() < 0.4:
                _move(writer, name, middles, chance, Micros(now + number * 100))
    for name, middle in middles.items():
        _end(writer, name, middle, chance, Micros(_BEGIN + seconds * SECOND))


def _move(
    writer: TapeWriter, name: str, middles: dict[str, int], chance: random.Random, now: Micros
) -> None:
    before = middles[name]
    after = min(97, max(3, before + chance.choice((-1, 0, 0, 1))))
    middles[name] = after
    if after != before:
        _book(writer, name, after, now)
    else:
        size = Size(chance.randint(1, 90) * ONE_CONTRACT)
        writer.delta(name, Side.BID, Price((after - 1) * 10_000), size, now, None)
    if chance.random() < 0.3:
        size = Size(chance.randint(1, 120) * ONE_CONTRACT)
        writer.trade(name, Side.ASK, Price((after - 1) * 10_000), size, now, None)


def _book(writer: TapeWriter, name: str, middle: int, now: Micros) -> None:
    levels = range(1, min(6, middle, 100 - middle) + 1)
    bids = {Price((middle - step) * 10_000): Size(40 * ONE_CONTRACT) for step in levels}
    asks = {Price((middle + step) * 10_000): Size(40 * ONE_CONTRACT) for step in levels}
    bids = {price: size for price, size in bids.items() if price > 0}
    asks = {price: size for price, size in asks.items() if price < 1_000_000}
    writer.book(name, bids, asks, now, None)


def _end(writer: TapeWriter, name: str, middle: int, chance: random.Random, now: Micros) -> None:
    writer.status(name, MarketStatus.CLOSED, now)
    paid = Price(1_000_000 if chance.random() * 100 < middle else 0)
    writer.resolution(name, paid, now)


def recorded_life(setting: Setting) -> Sequence[tuple[ev.Event, Micros]]:
    """Return the facts of a run over the invented tape, opening and all."""
    tape = invented_tape(setting)
    inputs = inputs_of(VENUE, tape, trading_settings(setting, VENUE), SECOND)
    journal = setting.folder / "lives"
    assembled = assemble(inputs, journal, fresh=True, controls=lambda _: lambda: ())
    while assembled.lane.step(NEVER) is not None:
        pass
    entries = JournalReader(assembled.folder, assembled.chain).read()
    return [(entry.event, entry.at) for entry in entries if entry.event is not None]
