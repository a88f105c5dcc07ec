"""The report of a replay for a terminal, a hundred columns wide."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Final, Literal

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from market_bot.core.domain.numbers import Money
from market_bot.core.domain.replay_report import (
    Comparison,
    ReplayReport,
    VariantReport,
    Verdict,
)
from market_bot.core.domain.statistics import Bootstrapped, NoInterval

from .plain_text import plain
from .summary import dollars

WIDTH: Final = 100
_NAME_WIDTH: Final = 20
_TONES: Final = {
    Verdict.IMPROVES: "bold green",
    Verdict.WORSE: "bold red",
    Verdict.NO_CLAIM: "bold red",
    Verdict.NOT_DISPROVED: "yellow",
    Verdict.TOO_LITTLE: "yellow",
    Verdict.SAME: "dim",
}


def replay_table(report: ReplayReport) -> Group:
    """Return what each variant did, how it compares with the base, and what limits the claim."""
    parts: list[Table | Text] = [Text(headline(report), style="bold"), _did(report)]
    if report.variants:
        parts.append(_against_base(report))
    parts.extend(Text(line) for line in _reasons(report))
    parts.append(Text(claims(report)))
    parts.extend(Text(f"note: {plain(note)}") for note in report.notes)
    return Group(*parts)


def replay_text(report: ReplayReport, *, width: int = WIDTH) -> str:
    """Return the same as plain text without colours."""
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(replay_table(report))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def headline(report: ReplayReport) -> str:
    """Return in one line what was replayed."""
    days = len(report.coverage.days)
    variants = len(report.variants)
    return (
        f"Replay of {plain(report.venue)}: {days:,} {'day' if days == 1 else 'days'}, "
        f"{report.ticks:,} ticks, {report.records:,} records; base and {variants} "
        f"{'variant' if variants == 1 else 'variants'}"
    )


def claims(report: ReplayReport) -> str:
    """Return in one line what the tapes and the fidelity allow to claim."""
    cover = report.coverage
    told = f"model {report.base.model}" if report.base.model else "no model"
    faithful = "fidelity not measured"
    if report.fidelity is not None:
        same, made = report.fidelity.same, max(report.fidelity.recorded, report.fidelity.replayed)
        faithful = f"fidelity {same:,} of {made:,} decisions"
    return (
        f"{told}; {cover.markets:,} markets in {cover.events:,} events, {cover.resolved:,} with "
        f"outcome; {', '.join(cover.capabilities) or 'no capabilities'}; {faithful}"
    )


def interval_text(found: Bootstrapped | NoInterval, *, have: str = "units") -> str:
    """Return an interval in dollars, or why there is none."""
    if isinstance(found, NoInterval):
        return f"{found.have} of {found.need} {have}" if found.need > found.have else "none"
    return f"{found.studentised.low:+,.2f} … {found.studentised.high:+,.2f}"


def score_text(value: float | None) -> str:
    """Return a Brier score with four places, or a dash."""
    return "–" if value is None else f"{value:.4f}"


def signed(amount: Money) -> str:
    """Return an amount to the cent with its sign."""
    text = dollars(amount)
    return text if text.startswith("-") or amount == 0 else f"+{text}"


def _table(*columns: tuple[str, Literal["left", "right"]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), expand=False)
    for name, side in columns:
        if name == "variant":
            table.add_column(name, overflow="fold", max_width=_NAME_WIDTH)
        else:
            table.add_column(name, justify=side)
    return table


def _did(report: ReplayReport) -> Table:
    table = _table(
        ("variant", "left"),
        ("trades", "right"),
        ("PnL", "right"),
        ("band", "right"),
        ("fees", "right"),
        ("rewards", "right"),
        ("drawdown", "right"),
        ("Brier/market", "right"),
    )
    for variant in report.all_variants:
        table.add_row(Text(plain(variant.name)), *_did_row(variant))
    return table


def _did_row(variant: VariantReport) -> Iterable[str]:
    low, high = variant.band
    yield f"{variant.trades:,}"
    yield dollars(variant.pnl)
    yield f"{dollars(low)} … {dollars(high)}"
    yield dollars(variant.fees)
    yield dollars(variant.rewards)
    yield dollars(variant.max_drawdown)
    yield f"{score_text(variant.brier_own)}/{score_text(variant.brier_market)}"


def _against_base(report: ReplayReport) -> Table:
    table = _table(
        ("variant", "left"),
        ("Δ PnL", "right"),
        ("$/day, 95 %", "right"),
        (f"counting {report.tried} tried", "right"),
        ("days +/−", "right"),
        ("worst day", "right"),
        ("verdict", "left"),
    )
    for variant in report.variants:
        if variant.comparison is not None:
            table.add_row(Text(plain(variant.name)), *_against_row(variant.comparison))
    return table


def _against_row(one: Comparison) -> Iterable[str | Text]:
    yield signed(one.pnl)
    yield interval_text(one.per_day, have="days")
    yield interval_text(one.per_day_counted, have="days")
    yield f"{one.days_better}/{one.days_worse}"
    yield "–" if one.worst_day is None else signed(one.worst_day.amount)
    yield Text(one.verdict.value, style=_TONES[one.verdict])


def _reasons(report: ReplayReport) -> Iterable[str]:
    for variant in report.variants:
        if variant.comparison is not None:
            reasons = "; ".join(variant.comparison.reasons)
            yield f"{plain(variant.name)}: {variant.comparison.verdict.value}: {plain(reasons)}"
