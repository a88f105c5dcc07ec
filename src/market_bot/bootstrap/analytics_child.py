"""The process that computes the numbers of a window: it takes seconds and would make lanes late.

``python -m market_bot.bootstrap.analytics_child`` reads a request as JSON from its standard input
and answers with JSON on its standard output.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import attrs

from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.window_reader import WindowReader
from market_bot.core.domain.analytics.summary import Analytics, Group, Markout, analyse
from market_bot.core.domain.numbers import (
    SECOND,
    Micros,
    Money,
    format_money,
    format_size,
    format_time,
)
from market_bot.core.ports.journal import Chain, JournalError

_NICE: Final = 10


def shown_analytics(analytics: Analytics) -> dict[str, Any]:
    """Return analytics as plain data: money and sizes as decimal strings, ratios as numbers."""
    plain: dict[str, Any] = {
        field.name: _plain(getattr(analytics, field.name)) for field in attrs.fields(Analytics)
    }
    returns = plain["returns"] | {"days": _monies(analytics.returns.days)}
    del plain["covered"]
    return plain | {
        "since": format_time(analytics.since),
        "until": format_time(analytics.until),
        "covered_s": analytics.covered // SECOND,
        "total": _group(analytics.total),
        "by": {
            name: {value: _group(group) for value, group in groups.items()}
            for name, groups in analytics.by.items()
        },
        "rewards": format_money(analytics.rewards),
        "attribution": _monies(analytics.attribution),
        "markouts": [_markout(one) for one in analytics.markouts],
        "returns": returns,
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "trades": group.trades,
        "events": group.events,
        "wins": group.wins,
        "win_rate": group.win_rate,
        "win_test": _plain(group.win_test),
        "size": format_size(group.size),
        "pnl": format_money(group.pnl),
        "parts": _monies(group.parts),
    }


def _markout(one: Markout) -> dict[str, Any]:
    return {
        "seconds": one.seconds,
        "liquidity": one.liquidity.value,
        "fills": one.fills,
        "size": format_size(one.size),
        "moved": format_money(one.moved),
        "per_contract": one.per_contract,
        "missing": format_size(one.missing),
    }


def _monies(amounts: Mapping[str, Money]) -> dict[str, str]:
    return {name: format_money(amount) for name, amount in amounts.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - any of the values of analytics
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Fraction):
        return float(value)
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    if attrs.has(type(value)):
        fields = attrs.fields(type(value))
        return {field.name: _plain(getattr(value, field.name)) for field in fields}
    return value


def main() -> int:
    """Answer one request; the exit code is 1 if the journal cannot be used, with a line why."""
    os.nice(_NICE)
    request = json.load(sys.stdin)
    chain = Chain(*request["chain"])
    windows = WindowReader(chain_folder(Path(request["journal_dir"]), chain), chain)
    try:
        window = windows.read(Micros(request["since"]), Micros(request["until"]))
    except JournalError as e:
        sys.stdout.write(json.dumps({"failed": str(e)}))
        return 0
    sys.stdout.write(json.dumps({"analytics": shown_analytics(analyse(window))}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
