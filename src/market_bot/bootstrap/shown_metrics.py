"""The running bot's numbers, from the lanes' pictures and the pace of the threads.

Everything is read from pictures that exist already, from plain counters, and from the look into a
lane that its pages share once a second: a monitoring system that asks too often takes nothing from
trading. Labels are lanes, limits, gates, threads and kinds
of requests; never a market or a name that a venue chose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import attrs

import market_bot
from market_bot.adapters.storage.journal import AppendPace
from market_bot.core.domain.numbers import (
    Duration,
    Money,
    format_money,
    format_scaled,
)
from market_bot.core.ports.allowance import Allowance
from market_bot.core.ports.metrics import Metric, MetricKind, Sample
from market_bot.core.usecases.lane_snapshot import LaneSnapshot

from .running_bot import RunningBot, Worker

GATES_MAX: Final = 100
OTHER: Final = "other"
_PHASES: Final = ("waiting", "catching up", "trading", "finished", "stopped", "failed")
_MICRO_DIGITS: Final = 6
_NANO_DIGITS: Final = 9
_COUNTS: Final = {
    "scans": "Looks at the markets.",
    "signals": "Wishes of strategies.",
    "denied": "Refusals by our own rules that began.",
    "entries": "Orders sent to open a position.",
    "exits": "Decisions to leave a position.",
    "fills": "Trades of ours.",
    "resolved": "Markets that ended.",
    "errors": "What failed and was survived.",
}
_MONEY: Final[Mapping[str, str]] = {
    "equity": "What the lane is worth now.",
    "cash": "Its cash.",
    "deposits": "What was put in.",
    "realised": "What sales and settlements brought, before fees.",
    "fees": "Fees paid.",
    "exposure": "What is at stake at worst.",
}

Allowances = Mapping[str, Mapping[str, Sequence[Allowance]]]


@attrs.frozen(kw_only=True)
class Gauges:
    """What is measured besides the lanes' pictures.

    Args:
        feed_ages: returns for how many seconds each lane's prices have been silent, None unknown.
        allowances: returns how much each lane may still ask its venue.
        journals: the pace of every journal by the name of its chain's lane.
        disk_free_mb: returns the free megabytes of the home's disk.

    """

    feed_ages: Callable[[], Mapping[str, float | None]] = dict
    allowances: Callable[[], Allowances] = dict
    journals: Mapping[str, AppendPace] = attrs.field(factory=dict)
    disk_free_mb: Callable[[], int | None] = lambda: None


def metrics_of(bot: RunningBot, gauges: Gauges) -> Sequence[Metric]:
    """Return every number of the bot; from any thread."""
    lanes = bot.lanes()
    return (
        *_program(bot, gauges),
        *_lanes(lanes),
        *_limits(lanes),
        *_threads(bot.workers()),
        *_venues(gauges),
        *_journals(gauges.journals),
    )


def _program(bot: RunningBot, gauges: Gauges) -> Iterator[Metric]:
    yield _gauge("info", "Always 1.", [({"version": market_bot.__version__}, 1)])
    stalled = len(bot.stalled())
    yield _gauge("stalled_workers", "Threads that do not come back.", [({}, stalled)])
    yield _gauge("failures", "Threads and lanes that have failed.", [({}, len(bot.failures()))])
    waiting = [({"queue": name}, n) for name, n in sorted(bot.queue_lengths().items())]
    yield _gauge("queue_length", "What waits in a queue.", waiting)
    free = gauges.disk_free_mb()
    if free is not None:
        yield _gauge("disk_free_bytes", "Free room on the home's disk.", [({}, free << 20)])


def _lanes(lanes: Sequence[LaneSnapshot]) -> Iterator[Metric]:
    phases = [
        ({**_lane(one), "phase": phase.replace(" ", "_")}, int(one.phase == phase))
        for one in lanes
        for phase in _PHASES
    ]
    yield _gauge("lane_phase", "1 for the phase that the lane is in.", phases)
    yield _gauge(
        "halted", "1 while nothing is opened.", [(_lane(o), int(bool(o.halted))) for o in lanes]
    )
    degraded = [(_lane(o), int(bool(o.degraded))) for o in lanes]
    yield _gauge("degraded", "1 while nothing can be written down safely.", degraded)
    armed = [(_lane(o), int(o.armed_until is not None)) for o in lanes if o.live]
    yield _gauge("armed", "1 while entries with real money are allowed.", armed)
    agrees = [(_lane(o), int(o.unreconciled is None)) for o in lanes if o.live]
    yield _gauge("reconciled", "1 while journal and account agree.", agrees)
    yield _counter("ticks", "Ticks traded.", [(_lane(one), one.ticks) for one in lanes])
    for name, text in _COUNTS.items():
        yield _counter(name, text, [(_lane(one), one.counts.get(name, 0)) for one in lanes])
    denials = [
        ({**_lane(one), "gate": gate}, n)
        for one in lanes
        for gate, n in bounded(one.denials, GATES_MAX).items()
    ]
    yield _counter("denials", "Refusals that began, by the gate they name.", denials)
    yield _gauge("positions", "Positions held.", [(_lane(o), len(o.positions)) for o in lanes])
    yield _gauge("open_orders", "Orders that wait.", [(_lane(o), len(o.orders)) for o in lanes])
    for name, text in _MONEY.items():
        amounts = [(_lane(one), format_money(getattr(one, name))) for one in lanes]
        yield _gauge(f"{name}_dollars", text, amounts)


def _limits(lanes: Sequence[LaneSnapshot]) -> Iterator[Metric]:
    limits = [
        ({**_lane(one), "rule": rule}, value)
        for one in lanes
        for rule, value in sorted(one.limits.items())
    ]
    yield _gauge("limit", "A hard limit in its own unit.", limits)
    used = [
        ({**_lane(one), "rule": rule}, value)
        for one in lanes
        for rule, value in sorted(used_of(one).items())
    ]
    yield _gauge("limit_used", "How much of a hard limit is used up, in its own unit.", used)


def used_of(lane: LaneSnapshot) -> dict[str, str | int]:
    """Return what stands against the limits that can be told of a whole lane."""
    used: dict[str, str | int] = {
        "max_total_exposure_usd": format_money(lane.exposure),
        "max_open_orders": len(lane.orders),
        "max_consecutive_losses": lane.loss_streak,
    }
    if lane.day_pnl is not None:
        used["max_daily_loss_usd"] = format_money(Money(max(0, -lane.day_pnl)))
    if lane.drawdown is not None:
        used["max_drawdown_usd"] = format_money(lane.drawdown)
    return {rule: value for rule, value in used.items() if rule in lane.limits}


def _threads(workers: Sequence[Worker]) -> Iterator[Metric]:
    alive = [({"worker": one.name}, int(one.alive)) for one in workers]
    yield _gauge("worker_alive", "1 while the thread runs.", alive)
    steps = [({"worker": one.name}, one.pace.steps) for one in workers]
    yield _counter("steps", "Steps of a thread; a lane's are its ticks.", steps)
    spent = [({"worker": one.name}, _seconds(one.pace.total)) for one in workers]
    yield _counter("step_seconds", "Time spent in steps.", spent)
    longest = [
        ({"worker": o.name}, _seconds(o.pace.longest))
        for o in workers
        if o.pace.longest is not None
    ]
    yield _gauge("step_longest_seconds", "The longest of the last few hundred steps.", longest)
    busy = [({"worker": o.name}, _seconds(o.busy_for or Duration(0))) for o in workers]
    yield _gauge("step_running_seconds", "For how long the present step runs.", busy)


def _venues(gauges: Gauges) -> Iterator[Metric]:
    ages = [
        ({"lane": lane}, str(age))
        for lane, age in sorted(gauges.feed_ages().items())
        if age is not None
    ]
    yield _gauge("feed_age_seconds", "How long prices have been silent.", ages)
    left, most = [], []
    for lane, parts in sorted(gauges.allowances().items()):
        for part, found in parts.items():
            for one in found:
                labels = {"lane": lane, "part": part, "kind": one.name}
                left.append((labels, one.left))
                most.append((labels, one.most))
    yield _gauge("requests_left", "What the venue may still be asked at once.", left)
    yield _gauge("requests_most", "What it may be asked at once after a pause.", most)


def _journals(journals: Mapping[str, AppendPace]) -> Iterator[Metric]:
    known = sorted(journals.items())
    lines = [({"lane": name}, pace.appends) for name, pace in known]
    yield _counter("journal_appends", "Lines written down.", lines)
    spent = [({"lane": name}, format_scaled(pace.total_ns, _NANO_DIGITS)) for name, pace in known]
    yield _counter("journal_append_seconds", "Time spent writing down.", spent)
    longest = [
        ({"lane": name}, format_scaled(pace.longest_ns, _NANO_DIGITS)) for name, pace in known
    ]
    yield _gauge("journal_append_longest_seconds", "The slowest line since the start.", longest)


def bounded(counts: Mapping[str, int], most: int) -> dict[str, int]:
    """Return the largest counts by name, and the sum of the others."""
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    kept = dict(ordered[:most])
    rest = sum(n for _, n in ordered[most:])
    return {**kept, OTHER: kept.get(OTHER, 0) + rest} if rest else kept


_Samples = Sequence[tuple[Mapping[str, str], int | str]]


def _gauge(name: str, text: str, samples: _Samples) -> Metric:
    return _metric(name, MetricKind.GAUGE, text, samples)


def _counter(name: str, text: str, samples: _Samples) -> Metric:
    return _metric(name, MetricKind.COUNTER, text, samples)


def _metric(name: str, kind: MetricKind, text: str, samples: _Samples) -> Metric:
    return Metric(
        name=f"market_bot_{name}",
        kind=kind,
        text=text,
        samples=tuple(Sample(labels, value) for labels, value in samples),
    )


def _lane(one: LaneSnapshot) -> dict[str, str]:
    return {"lane": f"{one.venue}/{one.lane}"}


def _seconds(took: Duration) -> str:
    return format_scaled(took, _MICRO_DIGITS)
