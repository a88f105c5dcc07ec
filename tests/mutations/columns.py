"""Bugs for decoded tapes: changes taken together that are not the changes, caches that lie."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_WORLD: Final = "src/market_bot/core/domain/world.py"
_MATCHER: Final = "src/market_bot/core/domain/fills/matcher.py"
_COLUMNS: Final = "src/market_bot/adapters/storage/tape_columns.py"
_CACHE: Final = "src/market_bot/adapters/storage/tape_cache.py"

_TOGETHER: Final = (
    "tests/property/test_tape_cache.py::test_many_changes_at_once_are_the_changes_one_by_one",
)
_REPLAYED: Final = (
    "tests/property/test_tape_cache.py::test_a_replay_of_columns_is_the_replay_of_the_tape",
)
_PLAYED: Final = (
    "tests/property/test_tape_cache.py::test_a_cached_tape_plays_what_the_tape_plays",
)

MUTATIONS: Final = (
    Mutation(
        name="changes of a book that is not whole are applied together",
        file=_WORLD,
        old="if seen is None or not seen.book.whole:\n",
        new="if seen is None:\n",
        tests=_TOGETHER,
    ),
    Mutation(
        name="a book forgets when it changed last",
        file=_WORLD,
        old="            book.changed_at = changes.received[place]\n",
        new="            pass\n",
        tests=_TOGETHER,
    ),
    Mutation(
        name="paper orders sleep while time passes",
        file=_MATCHER,
        old="    def quiet_until(self) -> Micros:\n        return self.due\n",
        new="    def quiet_until(self) -> Micros:\n        return _NEVER_DUE\n",
        tests=_REPLAYED,
    ),
    Mutation(
        name="the queue of a resting order is not told",
        file=_MATCHER,
        old="                minded[order.side].add(order.price)\n",
        new="                minded[order.side].discard(order.price)\n",
        tests=("tests/property/test_tape_cache.py::test_a_resting_order_hears_of_its_level_alone",),
    ),
    Mutation(
        name="a stretch of columns ends one record early",
        file=_COLUMNS,
        old="return bisect_right(received, until, start)",
        new="return max(start, bisect_right(received, until, start) - 1)",
        tests=_PLAYED,
    ),
    Mutation(
        name="a venue's time that it did not tell is told",
        file=_COLUMNS,
        old="None if exchange == UNTOLD else exchange",
        new="exchange",
        tests=("tests/property/test_tape_cache.py::test_a_change_between_others_is_told",),
    ),
    Mutation(
        name="a cache stands for any tape",
        file=_CACHE,
        old="return _read_head(file) == self._head()",
        new="return _read_head(file).cache == FORMAT",
        tests=("tests/property/test_tape_cache.py::test_another_tapes_cache_is_ignored",),
    ),
    Mutation(
        name="damage is played again from the beginning",
        file=_CACHE,
        old="chunks_of(self.groups(), skip=done)",
        new="chunks_of(self.groups())",
        tests=("tests/property/test_tape_cache.py::test_a_damaged_cache_changes_nothing",),
    ),
)
