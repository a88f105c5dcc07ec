"""What a terminal shows while the bot runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.summary import dollars
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import SECOND, Money, format_price, format_size, format_time
from market_bot.core.usecases.lane_snapshot import HeldNow, LaneSnapshot, balance_of

_ROWS_MAX: Final = 8
_PLAIN_STEP: Final = 0.1
_PLAIN_EVERY: Final = 5 * 60 * SECOND


class TerminalView:
    """A live picture on a terminal; a line every tenth of the way anywhere else."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._live: Live | None = None
        self._told = -1.0
        self._said: dict[str, tuple[str, str | None, int]] = {}
        self._again: set[str] = set()

    def show(self, lanes: Sequence[LaneSnapshot], note: str) -> None:
        """Show the present state; ``note`` is one line below it."""
        if self._quiet:
            return
        if not self._console.is_terminal:
            self._tell(lanes)
            return
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(render(lanes, note), refresh=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _tell(self, lanes: Sequence[LaneSnapshot]) -> None:
        for lane in lanes:
            # Only lanes with an end have a name for each run.
            if not lane.run:
                self._tell_live(lane)
        self._tell_progress([lane for lane in lanes if lane.run])

    def _tell_live(self, lane: LaneSnapshot) -> None:
        """Say how a lane without an end goes: when that changes, and every few minutes."""
        name, news = f"{lane.venue}/{lane.lane}", (lane.phase, lane.error, lane.at // _PLAIN_EVERY)
        if self._said.get(name) == news:
            return
        self._said[name] = news
        trouble = f": {lane.error}" if lane.error else ""
        line = plain(one_line(lane) + trouble)
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _tell_progress(self, lanes: Sequence[LaneSnapshot]) -> None:
        if not lanes:
            return
        shares = [lane.progress or 0.0 for lane in lanes]
        share = sum(shares) / len(shares) if shares else 0.0
        again = {f"{lane.venue}/{lane.lane}" for lane in lanes if lane.caught_up is not None}
        # That it begins and ends is said at once: nothing else seems to happen meanwhile.
        news, self._again = again != self._again, again
        if share < self._told + _PLAIN_STEP and not news:
            return
        self._told = share
        for lane in lanes:
            self._console.print(one_line(lane), highlight=False, markup=False, soft_wrap=True)


def one_line(lane: LaneSnapshot) -> str:
    """Return a lane in one line of text."""
    counts = lane.counts
    done = "" if lane.progress is None else f" {lane.progress:4.0%}"
    return (
        f"{lane.venue}/{lane.lane}{done} {phase_text(lane)}: {lane.ticks:,} ticks, "
        f"{counts.get('signals', 0):,} signals, {counts.get('denied', 0):,} denials, "
        f"{counts.get('fills', 0):,} fills, PnL {dollars(balance_of(lane).total)}"
    )


def phase_text(lane: LaneSnapshot) -> str:
    """Return what a lane does; while it derives its past again, how much of that is done."""
    if lane.caught_up is None:
        return lane.phase
    return f"{lane.phase}, {lane.caught_up:.0%} of what was done before is derived again"


def render(lanes: Sequence[LaneSnapshot], note: str) -> RenderableType:
    """Return the whole picture."""
    parts: list[RenderableType] = []
    for lane in lanes:
        parts.extend(_lane(lane))
    parts.append(Text(note, style="dim"))
    return Group(*parts)


def _lane(lane: LaneSnapshot) -> list[RenderableType]:
    balance, counts = balance_of(lane), lane.counts
    title = Text(f"{lane.venue} · {lane.lane}  ", style="bold")
    title.append(phase_text(lane), style="green" if lane.phase == "trading" else "yellow")
    if lane.at:
        title.append(f"  {format_time(lane.at)[:19]}Z", style="dim")
    parts: list[RenderableType] = [title]
    if lane.progress is not None:
        bar = Table.grid()
        bar.add_row(ProgressBar(total=1.0, completed=lane.progress, width=60))
        parts.append(bar)
    halted = None if lane.halted is None else f"HALTED by {lane.halted}"
    stopped = [f"entries are stopped: {why}" for why in lane.stopped]
    if lane.live:
        until = lane.armed_until
        armed = "not armed" if until is None else f"armed until {format_time(until)[:19]}Z"
        parts.append(Text(f"real money: {armed}", style="bold yellow"))
        if lane.not_ready is not None:
            stopped.append(f"cannot be armed: {lane.not_ready}")
        if lane.unreconciled is not None:
            stopped.append(f"entries are stopped: {lane.unreconciled}")
    settings = lane.settings_trouble and f"settings: {lane.settings_trouble}"
    said = (halted, *stopped, settings, lane.degraded, lane.error)
    warnings = [warning for warning in said if warning]
    parts.extend(Text(plain(warning), style="bold red") for warning in warnings)
    figures = _row(f"{name} {count:,}" for name, count in counts.items())
    money = _row(
        (
            f"equity {dollars(lane.equity)}",
            f"PnL {dollars(balance.total)}",
            f"realised {dollars(balance.realised)}",
            f"marked {dollars(balance.marked)}",
            f"fees {dollars(balance.fees)}",
            f"at stake {dollars(lane.exposure)}",
        )
    )
    parts += [figures, money]
    if lane.denials:
        parts.append(_denials(lane))
    if lane.positions:
        parts.append(_positions(lane.positions))
    return parts


def _row(items: Iterable[str]) -> Text:
    """Return items side by side; a narrow terminal wraps between them, never inside."""
    return Text("   ").join(Text(item.replace(" ", "\u00a0")) for item in items)


def _denials(lane: LaneSnapshot) -> Text:
    ranked = sorted(lane.denials.items(), key=lambda item: (-item[1], item[0]))[:_ROWS_MAX]
    return Text("denied: " + ", ".join(f"{name} {count:,}" for name, count in ranked))


def _positions(held: Sequence[HeldNow]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("market", overflow="ellipsis", max_width=36, no_wrap=True)
    for name in ("leg", "size", "cost", "bid", "marked"):
        table.add_column(name, justify="right")
    for now in held[:_ROWS_MAX]:
        position = now.position
        worth = None if now.bid is None else Money(now.bid * position.size - position.cost)
        table.add_row(
            Text(plain(position.market)),
            "YES" if position.leg is Leg.YES else "NO",
            format_size(position.size),
            dollars(position.cost),
            "none" if now.bid is None else format_price(now.bid),
            "no bid" if worth is None else dollars(worth),
        )
    if len(held) > _ROWS_MAX:
        table.add_row(f"and {len(held) - _ROWS_MAX} more", "", "", "", "", "")
    return table
