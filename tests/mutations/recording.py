"""Bugs for recordings and for proofs from them."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_RECORDING: Final = "src/market_bot/adapters/storage/tape_recording.py"
_FILES: Final = "src/market_bot/adapters/storage/tape_files.py"
_WRITER: Final = "src/market_bot/adapters/storage/tape_writer.py"
_RETENTION: Final = "src/market_bot/adapters/storage/tape_retention.py"
_FEED: Final = "src/market_bot/adapters/storage/recorded_feed.py"
_DESK: Final = "src/market_bot/core/usecases/journaled_desk.py"
_DERIVE: Final = "src/market_bot/core/usecases/derive_again.py"
_PROVE: Final = "src/market_bot/bootstrap/prove_recorded.py"

_UNIT: Final = ("tests/unit/test_tape_recording.py",)
# The same lives as the property's, without the search for a smaller one.
_LIVES: Final = ("tests/property/test_recording.py::test_lives_are_eventful",)
_FEED_UNIT: Final = ("tests/unit/test_recorded_feed.py",)
_DESK_UNIT: Final = ("tests/unit/test_journaled_desk.py",)

MUTATIONS: Final = (
    Mutation(
        name="a fact that no tape holds reaches the world",
        file=_RECORDING,
        old="            self.records.delta(market, side, price, size, received, exchange)\n"
        "        except FactRefusedError as e:\n"
        "            self._refuse(e)\n"
        "        else:\n",
        new="            self.records.delta(market, side, price, size, received, exchange)\n"
        "        except FactRefusedError as e:\n"
        "            self._refuse(e)\n"
        "        finally:\n",
        tests=_UNIT,
    ),
    Mutation(
        name="a full disk stops the trading",
        file=_RECORDING,
        old="            try:\n"
        "                self._file.add(record)\n"
        "            except TapeError as e:\n"
        "                self._fail(e)\n",
        new="            self._file.add(record)\n",
        tests=_UNIT,
    ),
    Mutation(
        name="the world is not told the keyframes",
        file=_RECORDING,
        old="            show(self._world, reel)\n",
        new="            show(self._world, reel.records)\n",
        tests=_UNIT,
    ),
    Mutation(
        name="midnight begins no file",
        file=_RECORDING,
        old="        if reel is None or until >= self._turns_at:\n",
        new="        if reel is None:\n",
        tests=_UNIT,
    ),
    Mutation(
        name="a keyframe makes a book young",
        file=_RECORDING,
        old="            sink.book(market.id, book.bids, book.asks, book.changed_at, None)\n",
        new="            sink.book(market.id, book.bids, book.asks, now, None)\n",
        tests=_UNIT,
    ),
    Mutation(
        name="the tick comes before its facts",
        file=_RECORDING,
        old="        self._data.drain(reel, until)\n        reel.records.tick(until)\n",
        new="        reel.records.tick(until)\n        self._data.drain(reel, until)\n",
        tests=_UNIT,
    ),
    Mutation(
        name="a second start writes into the file of the first",
        file=_FILES,
        old="            if not path.exists():\n                writer",
        new="            if True:\n                writer",
        tests=_UNIT,
    ),
    Mutation(
        name="a run that goes on records everything twice",
        file=_FILES,
        old="                self._compare(old, record)\n                return\n",
        new="                self._compare(old, record)\n",
        tests=_UNIT,
    ),
    Mutation(
        name="another story is continued",
        file=_FILES,
        old="        if old != new:\n",
        new="        if False:\n",
        tests=_UNIT,
    ),
    Mutation(
        name="a removed recording is made again",
        file=_FILES,
        old="any(other > day for other in recorded_in(self.folder))",
        new="False",
        tests=_UNIT,
    ),
    Mutation(
        name="the disk is filled to the last byte",
        file=_FILES,
        old="        if free < megabytes * _MEGABYTE:\n",
        new="        if free < 0:\n",
        tests=_UNIT,
    ),
    Mutation(
        name="an old group waits until it is full",
        file=_WRITER,
        old="        if old and type(record) is TickRecord:\n",
        new="        if False:\n",
        tests=_UNIT,
    ),
    Mutation(
        name="the recording in use is removed",
        file=_RETENTION,
        old="        if file.path == in_use or not",
        new="        if not",
        tests=("tests/unit/test_tape_retention.py",),
    ),
    Mutation(
        name="imported tapes are removed",
        file=_RETENTION,
        old="        if _RECORDED.match(path.name):\n",
        new="        if True:\n",
        tests=("tests/unit/test_tape_retention.py",),
    ),
    Mutation(
        name="the newest recording goes first",
        file=_RETENTION,
        old="    files = sorted(_recordings(tape_dir))\n",
        new="    files = sorted(_recordings(tape_dir), reverse=True)\n",
        tests=("tests/unit/test_tape_retention.py",),
    ),
    Mutation(
        name="what was consumed at a failed tick before midnight is left out",
        file=_FEED,
        old="            before.push(sink, _FOREVER)\n",
        new="            pass\n",
        tests=_FEED_UNIT,
    ),
    Mutation(
        name="a hole in the recording is played over",
        file=_FEED,
        old="            if self._facts < self._consumed.get(name, 0):\n",
        new="            if False:\n",
        tests=_FEED_UNIT,
    ),
    Mutation(
        name="a cancel is told before it is asked for",
        file=_DESK,
        old="            if ours and event.intent not in self._asked:\n",
        new="            if False:\n",
        tests=_DESK_UNIT,
    ),
    Mutation(
        name="an answer is told twice",
        file=_DESK,
        old="                self._told = entry.seq\n                return _outcome(event)\n",
        new="                return _outcome(event)\n",
        tests=_DESK_UNIT,
    ),
    Mutation(
        name="facts of a later tick are told now",
        file=_DESK,
        old="None if entry.at != at or entry.event is None else",
        new="None if entry.event is None else",
        tests=_DESK_UNIT,
    ),
    Mutation(
        name="ticks of a failing source are not derived",
        file=_DERIVE,
        old="        if self._outside(tick):\n",
        new="        if False:\n",
        tests=_LIVES,
    ),
    Mutation(
        name="what could not be derived is not told",
        file=_PROVE,
        old="        if reason is not None and done < life.lines and",
        new="        if False and",
        tests=("tests/integration/test_prove_recorded.py",),
    ),
    Mutation(
        name="a later life begins without what came before",
        file=_PROVE,
        old="                self._state = apply(self._state, entry.event, entry.at)\n",
        new="                pass\n",
        tests=("tests/integration/test_prove_recorded.py",),
    ),
)
