"""How trades ended before this process, from the journal: a restart forgives no family. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.journal import Entry

REACH: Final = Duration(86_400 * SECOND)
"""How far back is looked."""


@attrs.frozen
class Ended:
    """The end of a trade of ours, as the journal noted it."""

    family: str
    at: Micros
    failed: bool


def ends_of_trades(entries: Iterable[Entry]) -> Iterator[Ended]:
    """Yield how trades ended, each once and in the order in which it was noted.

    A trade whose fill lies before these entries is passed over.
    """
    open_ones: dict[str, str] = {}
    for entry in entries:
        match entry.event:
            case ev.Fill(provisional=True) as fill:
                open_ones.setdefault(fill.fill, fill.family)
            case ev.Fill(family=family):
                yield Ended(family, entry.at, failed=False)
            case ev.FillSettled(fill=name) if name in open_ones:
                yield Ended(open_ones.pop(name), entry.at, failed=False)
            case ev.FillReversed(fill=name) if name in open_ones:
                yield Ended(open_ones.pop(name), entry.at, failed=True)
            case _:
                pass
