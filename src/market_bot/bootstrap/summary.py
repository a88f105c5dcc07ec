"""The end of a run in numbers: for people as text, for scripts as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from market_bot.core.domain.numbers import (
    Money,
    format_money,
    format_size,
    format_time,
    money,
)
from market_bot.core.domain.tally import Tally
from market_bot.core.usecases.fed_lane import FedLane
from market_bot.core.usecases.lane_actor import TapedLane
from market_bot.core.usecases.lane_snapshot import LaneSnapshot, balance_of

_WIDTH: Final = 22
_CENT: Final = 10**10


@attrs.frozen(kw_only=True)
class Coverage:
    """How much of the world a run saw.

    Args:
        facts: market facts consumed; ``ignored`` of them could not be used (a book not whole, a
            market never announced); ``gaps`` are holes the recording itself admits.
        markets: markets announced; of ``unknown_close`` nobody told when they end; ``resolved``
            came with an outcome.
        capabilities: what the recording allows to claim.

    """

    facts: int
    ignored: int
    gaps: int
    markets: int
    unknown_close: int
    resolved: int
    capabilities: tuple[str, ...]


def coverage_of(lane: TapedLane | FedLane) -> Coverage:
    """Return how much of the world a lane saw."""
    world = lane.trader.world
    return Coverage(
        facts=world.facts,
        ignored=world.ignored,
        gaps=world.gaps,
        markets=world.announced,
        unknown_close=world.unknown_close,
        resolved=lane.tally.resolved,
        capabilities=tuple(sorted(c.value for c in lane.trader.data.capabilities)),
    )


def summary(
    snapshot: LaneSnapshot, tally: Tally, coverage: Coverage, seconds: float
) -> dict[str, Any]:
    """Return a run's numbers; amounts are decimal strings in dollars, sizes in contracts."""
    brier = tally.brier()
    balance = balance_of(snapshot)
    return {
        "venue": snapshot.venue,
        "lane": snapshot.lane,
        "run": snapshot.run,
        "phase": snapshot.phase,
        "error": snapshot.error,
        "from": None if tally.first_at is None else format_time(tally.first_at),
        "to": None if tally.last_at is None else format_time(tally.last_at),
        "scans": tally.scans,
        "signals": dict(sorted(tally.signals.items())),
        "denied": tally.denied,
        "denials": dict(tally.denials.most_common()),
        "orders": dict(sorted(tally.orders.items())),
        "ended": dict(sorted(tally.ended.items())),
        "fills": dict(sorted(tally.fills.items())),
        "filled_contracts": format_size(tally.filled_size),
        "turnover": format_money(tally.turnover),
        "exits": dict(sorted(tally.exits.items())),
        "errors": dict(sorted(tally.errors.items())),
        "fees": format_money(balance.fees),
        "pnl_realised": format_money(balance.realised),
        "pnl_marked": format_money(balance.marked),
        "pnl_total": format_money(balance.total),
        "equity": format_money(snapshot.equity),
        "open_positions": len(snapshot.positions),
        "brier": {
            "signals": brier.signals,
            "markets": brier.markets,
            "ours": _score(brier.ours),
            "market": _score(brier.market),
        },
        "coverage": attrs.asdict(coverage),
        "journal_head": {"seq": snapshot.head[0], "hash": snapshot.head[1]},
        "seconds": round(seconds, 3),
    }


def as_text(numbers: Mapping[str, Any]) -> str:
    """Return the same numbers as lines for people."""
    return "\n".join(f"{name:<{_WIDTH}}{value}" for name, value in _rows(numbers))


def dollars(amount: Money) -> str:
    """Return an amount to the cent, with sign and thousands, for people only."""
    cents = (abs(amount) + _CENT // 2) // _CENT
    sign = "-" if amount < 0 and cents else ""
    return f"{sign}${cents // 100:,}.{cents % 100:02d}"


def _rows(numbers: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    brier, coverage = numbers["brier"], numbers["coverage"]
    name = "/".join(filter(None, (numbers["venue"], numbers["lane"], numbers["run"])))
    yield "run", f"{name}  {numbers['phase']}"
    if numbers["error"]:
        yield "stopped by", numbers["error"]
    yield "recorded time", f"{numbers['from']} … {numbers['to']}"
    yield "scans", f"{numbers['scans']:,}"
    yield "signals", _counted(numbers["signals"])
    yield "denials", _denials(numbers)
    yield "orders", _counted(numbers["orders"])
    yield "not all filled", _counted(numbers["ended"])
    yield "fills", _counted(numbers["fills"])
    yield "contracts traded", f"{numbers['filled_contracts']} for {_money(numbers['turnover'])}"
    yield "exits", _counted(numbers["exits"])
    if numbers["errors"]:
        yield "errors", _counted(numbers["errors"])
    yield "fees", _money(numbers["fees"])
    yield "PnL realised", f"{_money(numbers['pnl_realised'])} after fees"
    yield "PnL marked", f"{_money(numbers['pnl_marked'])} on {numbers['open_positions']} open"
    yield "PnL total", _money(numbers["pnl_total"])
    yield "Brier ours / market", _versus(brier)
    yield "coverage", _covered(coverage)
    yield "run time", f"{numbers['seconds']:.1f} s"
    if not numbers["signals"] and coverage["unknown_close"]:
        told = f"the end of {coverage['unknown_close']:,} markets is not known"
        yield "why no signal", f"perhaps: {told}, and max_hours_to_close above 0 leaves them alone"


def _denials(numbers: Mapping[str, Any]) -> str:
    if not numbers["denied"]:
        return "none"
    gates = ", ".join(f"{name} {count:,}" for name, count in numbers["denials"].items())
    return f"{numbers['denied']:,}  by gate, of which one may name several: {gates}"


def _counted(counts: Mapping[str, int]) -> str:
    if not counts:
        return "none"
    listed = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return f"{sum(counts.values()):,}  ({listed})"


def _versus(brier: Mapping[str, Any]) -> str:
    if brier["ours"] is None:
        return "no signal has both a price and an outcome"
    better = "better" if float(brier["ours"]) < float(brier["market"]) else "not better"
    return (
        f"{brier['ours']} / {brier['market']} ({better} than the market; "
        f"{brier['signals']:,} signals in {brier['markets']:,} markets)"
    )


def _covered(coverage: Mapping[str, Any]) -> str:
    claims = ", ".join(coverage["capabilities"]) or "neither books nor prints"
    return (
        f"{coverage['facts']:,} facts, {coverage['ignored']:,} unusable, "
        f"{_gaps(coverage['gaps'])}; {coverage['markets']:,} markets, "
        f"{coverage['resolved']:,} with outcome; claims: {claims}"
    )


def _gaps(count: int) -> str:
    return "1 gap" if count == 1 else f"{count:,} gaps"


def _score(value: float | None) -> str | None:
    return None if value is None else f"{value:.6f}"


def _money(text: str) -> str:
    return dollars(money(text))
