"""``market-bot import``: recorded files in, a tape out."""

from __future__ import annotations

import functools
import importlib
import json as json_module
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from market_bot.adapters.storage.tape_writer import TapeWriter
from market_bot.bootstrap.cli.faults import Failure, UsageFault
from market_bot.bootstrap.program_name import program
from market_bot.core.domain.numbers import format_time
from market_bot.core.ports.market_data import Capability
from market_bot.core.ports.recordings import ImportReport, RecordingError

_ADAPTERS: Final = "market_bot.adapters"


@attrs.frozen
class _Format:
    """Where an importer lives; its module is imported only when its format is asked for."""

    module: str
    function: str

    def load(self) -> tuple[Any, Callable[..., ImportReport]]:
        module = importlib.import_module(f"{_ADAPTERS}.{self.module}")
        return module, getattr(module, self.function)


_FORMATS: Final = {
    "kalshi-ws": _Format("kalshi.ws_log", "import_ws_log"),
    "kalshi-bbo": _Format("kalshi.bbo_csv", "import_bbo"),
    "polymarket-ticks": _Format("polymarket.ticks_parquet", "import_ticks"),
    "polymarket-quotes": _Format("polymarket.quotes_parquet", "import_quotes"),
    "polymarket-5m": _Format("polymarket.five_minute", "import_five_minute"),
}


def import_files(
    name: str,
    files: Sequence[Path],
    output: Path,
    *,
    metadata: Sequence[Path],
    outcomes: Sequence[Path],
    zone: str | None,
    json: bool,
) -> int:
    """Import files of one format into a new tape and print what was read, kept and dropped."""
    missing = [path for path in (*files, *metadata, *outcomes) if not path.exists()]
    if missing:
        msg = f"{missing[0]}: no such file: check the path"
        raise UsageFault(msg)
    if any(path.resolve() == output.resolve() for path in files):
        msg = f"{output}: is one of the recorded files: name another tape with -o"
        raise UsageFault(msg)
    module, work = _FORMATS[name].load()
    if zone is not None:
        work = _in_zone(name, work, zone)
    report, problem = _write(module, work, name, files, output, metadata, outcomes, quiet=json)
    if json:
        print(json_module.dumps({"tape": str(output), "problem": problem, **_numbers(report)}))
    else:
        _tell(report, output)
    if problem is not None:
        raise Failure(problem)
    unreadable = report.dropped.get("unreadable_line", 0)
    if unreadable > report.records:
        msg = f"most lines could not be read ({unreadable:,}): is this an older form of {name}?"
        raise Failure(msg)
    return 0


def _in_zone(
    name: str, work: Callable[..., ImportReport], zone: str
) -> Callable[..., ImportReport]:
    if name != "kalshi-bbo":
        msg = f"--zone is for kalshi-bbo files: {name} files have times in UTC"
        raise UsageFault(msg)
    try:
        return functools.partial(work, zone=ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError) as e:
        msg = f"--zone {zone!r} is not a time zone: write it like America/New_York"
        raise UsageFault(msg) from e


def _write(
    module: Any,  # noqa: ANN401 - a module
    work: Callable[..., ImportReport],
    name: str,
    files: Sequence[Path],
    output: Path,
    metadata: Sequence[Path],
    outcomes: Sequence[Path],
    *,
    quiet: bool,
) -> tuple[ImportReport, str | None]:
    source = f"{name}: {', '.join(sorted(path.name for path in files)[:5])}"
    problem: str | None = None
    with (
        TapeWriter(output, module.VENUE, source, _claims(module, files)) as writer,
        Progress(quiet=quiet) as progress,
    ):
        try:
            report = work(files, writer, metadata=metadata, outcomes=outcomes, progress=progress)
        except RecordingError as e:
            # What was read before the fault is true: the tape keeps it, the exit code tells.
            if e.report is None or not e.report.records:
                raise
            report, problem = e.report, str(e)
    return report, problem


def _claims(module: Any, files: Sequence[Path]) -> Iterable[Capability]:  # noqa: ANN401 - a module
    if hasattr(module, "capabilities"):
        found: Iterable[Capability] = module.capabilities(files)
        return found
    declared: Iterable[Capability] = module.CAPABILITIES
    return declared


class Progress:
    """A bar on a terminal, nothing elsewhere; called with what is done and what there is."""

    def __init__(self, *, quiet: bool) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._show = not quiet and sys.stderr.isatty()

    def __enter__(self) -> Self:
        if self._show:
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("importing", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total or None)


def _numbers(report: ImportReport) -> dict[str, object]:
    return {
        "records": report.records,
        "markets": report.markets,
        "gaps": report.gaps,
        "dropped": dict(report.dropped),
        "mended": dict(report.mended),
        "first": None if report.first is None else format_time(report.first),
        "last": None if report.last is None else format_time(report.last),
    }


def _tell(report: ImportReport, output: Path) -> None:
    numbers = _numbers(report)
    print(f"{output}: {report.records:,} facts of {report.markets:,} markets, {report.gaps} gaps")
    print(f"from {numbers['first']} to {numbers['last']}")
    for what, counts in (("left out", report.dropped), ("mended", report.mended)):
        for reason, count in sorted(counts.items()):
            print(f"{what}: {count:,} × {reason}")
    print(f"next: {program()} run --tape {output} --no-web")
