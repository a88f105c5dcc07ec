"""``market-bot replay``: what settings, and changes of them, would have done on recorded data."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import attrs

from market_bot.adapters.storage import journal_tools as tools
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.bootstrap.cli.faults import Failure, UsageFault
from market_bot.bootstrap.cli.progress import LineProgress
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.replay_run import (
    MODELS,
    ReplayOptions,
    check_lookahead,
    measured,
    prepare,
    run_replay,
)
from market_bot.bootstrap.stop_signals import StopSignals
from market_bot.core.domain.numbers import format_time
from market_bot.core.domain.replay_report import canonical_json, report_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from market_bot.core.domain.replay_result import Difference, Fidelity, ReplayResult
    from market_bot.core.ports.journal import Chain
    from market_bot.core.usecases.check_lookahead import LookaheadReport

_PPM: Final = 10_000
_NO_CLAIM: Final = (
    "below 95 %: this lane's replays do not show what it does; no claim about profit is made from "
    "them"
)


@attrs.frozen(kw_only=True)
class ReplayRequest:
    """What was typed; see the command's help."""

    home: Path
    tapes: tuple[Path, ...]
    chain: str | None
    config: Path | None
    sets: tuple[str, ...]
    variants: tuple[str, ...]
    strategy: str | None
    models: tuple[str, ...]
    html: Path | None
    tried: int
    fidelity: bool
    lookahead: bool
    cuts: int
    json: bool


def replay(request: ReplayRequest) -> int:
    """Do what was asked for and print it; 1 if it was stopped early or found something wrong."""
    if request.tried < 0:
        msg = f"--tried {request.tried}: give 0 or more"
        raise UsageFault(msg)
    options = _options(request)
    with StopSignals() as signals:
        stopping = _stopping(signals)
        if request.fidelity:
            return _fidelity(request, options, stopping)
        if request.lookahead:
            return _lookahead(request, options, stopping)
        return _replay(request, options, stopping)


def _replay(request: ReplayRequest, options: ReplayOptions, stop: Callable[[], bool]) -> int:
    if request.html is not None and not request.html.absolute().parent.is_dir():
        msg = f"--html {request.html}: its folder does not exist"
        raise UsageFault(msg)
    fidelity = None
    if options.chain is not None:
        # Of what is about to be replayed: the paper engine on tapes, whatever the lane traded on.
        fidelity = _measured(options, stop, on_paper=True)
    prepared = prepare(options, fidelity)
    with Progress("replaying", quiet=request.json) as progress:
        result = run_replay(prepared, stop=stop, tell=progress)
    if result.began is None:
        msg = "the tapes hold no tick: there is nothing to replay"
        raise Failure(msg)
    _show(request, result)
    return 0 if result.complete else 1


def _show(request: ReplayRequest, result: ReplayResult) -> None:
    report = report_of(result, tried=request.tried)
    if request.html is not None:
        from market_bot.bootstrap.replay_page import replay_page

        request.html.write_text(replay_page(report), encoding="utf-8")
    if request.json:
        print(canonical_json(report))
        return
    from rich.console import Console

    from market_bot.bootstrap.replay_table import WIDTH, replay_table

    # In a file or a pipe nobody's window is too narrow.
    width = None if sys.stdout.isatty() else WIDTH
    Console(highlight=False, width=width).print(replay_table(report))
    if request.html is not None:
        print(plain(f"page: {request.html}"))


def _fidelity(request: ReplayRequest, options: ReplayOptions, stop: Callable[[], bool]) -> int:
    found = _measured(options, stop, on_paper=False)
    if request.json:
        print(json_module.dumps(_fidelity_data(found)))
    else:
        for line in _fidelity_lines(found):
            print(plain(line))
    return 0 if found.trusted and not stop() else 1


def _measured(options: ReplayOptions, stop: Callable[[], bool], *, on_paper: bool) -> Fidelity:
    chain = options.chain
    journal_dir = Home(options.home).journal_dir
    if chain is None:
        msg = "which lane? name it with --chain VENUE/LANE/RUN"
        raise UsageFault(msg)
    last = tools.tail(chain_folder(journal_dir, chain), chain, 1)
    with closing(LineProgress(f"comparing {chain}", last[0].seq if last else 0)) as progress:
        return measured(options, on_paper=on_paper, watch=progress.watch, stop=stop)


def _fidelity_lines(found: Fidelity) -> Iterator[str]:
    made = max(found.recorded, found.replayed)
    # Rounded down: whatever is missing must be seen.
    share = f"{found.share_ppm // _PPM}.{found.share_ppm % _PPM // 100:02} %"
    starts = "one start" if found.segments == 1 else f"{found.segments} starts"
    yield f"{found.chain}: {found.same:,} of {made:,} decisions are the same ({share}), {starts}"
    if found.identical:
        yield "every line is the same"
    for kind, (recorded, replayed, same) in found.by_type.items():
        yield f"  {kind:<14}{recorded:>10,} recorded {replayed:>10,} replayed {same:>10,} the same"
    if found.first is not None:
        yield from _difference_lines(found.first, ("recorded", "replayed"))
    if found.note:
        yield f"note: {found.note}"
    if not found.trusted:
        yield _NO_CLAIM


def _difference_lines(difference: Difference, sides: tuple[str, str]) -> Iterator[str]:
    line = f", line {difference.line:,}" if difference.line else ""
    yield f"first difference at {format_time(difference.at)}{line}"
    yield f"  {sides[0]}: {difference.recorded or 'nothing'}"
    yield f"  {sides[1]}: {difference.replayed or 'nothing'}"


def _fidelity_data(found: Fidelity) -> dict[str, Any]:
    data = attrs.asdict(found)
    data["share_ppm"], data["trusted"] = found.share_ppm, found.trusted
    data["by_type"] = {
        kind: dict(zip(("recorded", "replayed", "same"), counts, strict=True))
        for kind, counts in found.by_type.items()
    }
    if found.first is not None:
        data["first"]["at"] = format_time(found.first.at)
    return data


def _lookahead(request: ReplayRequest, options: ReplayOptions, stop: Callable[[], bool]) -> int:
    prepared = prepare(options)
    with Progress("looking ahead", quiet=request.json) as progress:
        found = check_lookahead(prepared, request.cuts, stop=stop, tell=progress)
    if request.json:
        print(json_module.dumps(_lookahead_data(found)))
    else:
        for line in _lookahead_lines(found):
            print(plain(line))
    return 1 if found.peeks or not found.complete else 0


def _lookahead_lines(found: LookaheadReport) -> Iterator[str]:
    cuts = "one place" if len(found.cuts) == 1 else f"{len(found.cuts)} places"
    if not found.peeks:
        rest = "" if found.complete else "; stopped before the last of them"
        yield f"the future was taken away at {cuts}: {found.compared:,} facts stayed the same{rest}"
        return
    yield f"something looks ahead: {len(found.peeks)} of {cuts} changed what was decided before"
    first = found.peeks[0]
    yield f"cut after record {first.cut.records:,}, at {format_time(first.cut.at)}"
    yield from _difference_lines(first.difference, ("with the future", "without it"))


def _lookahead_data(found: LookaheadReport) -> dict[str, Any]:
    return {
        "cuts": [{"records": c.records, "at": format_time(c.at)} for c in found.cuts],
        "compared": found.compared,
        "complete": found.complete,
        "peeks": [
            {
                "records": peek.cut.records,
                "cut_at": format_time(peek.cut.at),
                "at": format_time(peek.difference.at),
                "with_future": peek.difference.recorded,
                "without": peek.difference.replayed,
            }
            for peek in found.peeks
        ],
    }


def _options(request: ReplayRequest) -> ReplayOptions:
    models = request.models or ("all",)
    chosen = MODELS if "all" in models else tuple(m for m in MODELS if m in models)
    return ReplayOptions(
        home=request.home,
        tapes=request.tapes,
        chain=_chain(request),
        config=request.config,
        sets=request.sets,
        variants=request.variants,
        strategy=request.strategy,
        models=chosen,
    )


def _chain(request: ReplayRequest) -> Chain | None:
    """Return the lane asked for; for its fidelity the one written last will do."""
    if request.chain is None and not request.fidelity:
        return None
    from market_bot.bootstrap.cli.journal_commands import lane_chain

    return lane_chain(request.home, request.chain)


def _stopping(signals: StopSignals) -> Callable[[], bool]:
    return lambda: signals.asked is not None


class Progress:
    """A bar with the time left on a terminal, nothing elsewhere; called with a share from 0 to 1.

    Args:
        doing: what it is the progress of.
        quiet: show nothing in any case.

    """

    def __init__(self, doing: str, *, quiet: bool) -> None:
        self._doing = doing
        self._bar: Any = None
        self._task: Any = None
        self._show = not quiet and sys.stderr.isatty()

    def __enter__(self) -> Self:
        if self._show:
            from rich.console import Console
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(),
                TextColumn("Ctrl-C shows what is known by then"),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(self._doing, total=1.0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, share: float) -> None:
        """Show how far it is."""
        if self._bar is not None:
            self._bar.update(self._task, completed=share)
