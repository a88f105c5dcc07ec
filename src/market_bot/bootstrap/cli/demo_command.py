"""``market-bot demo``: the whole loop within minutes, on simulated data."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Any, Final

from market_bot.adapters.storage.home import Home
from market_bot.bootstrap.cli.eval_command import tell_report
from market_bot.bootstrap.cli.faults import Failure, UsageFault
from market_bot.bootstrap.demo_run import ABOUT, VENUE, Demonstrated, make_demo
from market_bot.bootstrap.evaluation import NightFailed
from market_bot.bootstrap.night_report import report_path
from market_bot.bootstrap.program_name import program
from market_bot.bootstrap.run_command import run
from market_bot.bootstrap.run_options import RunOptions

_STEP: Final = 0.05
_STEP_OF_A_LOG: Final = 0.1


def demo(home: Path, *, port: int | None, web: bool, stop: bool, json: bool) -> int:
    """Make the demonstration's home, show what its night found, and trade on."""
    if home.exists():
        msg = (
            f"{home}: it is there already: choose another place with --home, or "
            f"`{program()} run --home {home}` to go on with it"
        )
        raise UsageFault(msg)
    progress = _Progress(quiet=json)
    try:
        made = make_demo(home, progress)
    except NightFailed as e:
        raise Failure(str(e)) from e
    progress.done()
    if json:
        print(json_module.dumps(_data(made)))
    else:
        _tell(home, made)
    if stop or json:
        return 0
    return run(RunOptions(home=home, venues=(VENUE,), port=port, web=web))


class _Progress:
    """Says what is done on one line of the terminal, or now and then where there is none."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._told = ("", -1.0)

    def __call__(self, what: str, share: float) -> None:
        step = _STEP if self._terminal else _STEP_OF_A_LOG
        if self._quiet or (what == self._told[0] and share < self._told[1] + step):
            return
        self._told = (what, share)
        if self._terminal:
            print(f"\r{what}: {share:4.0%}", end="", file=sys.stderr, flush=True)
        else:
            print(f"{what}: {share:.0%}", file=sys.stderr, flush=True)

    def done(self) -> None:
        if self._terminal and not self._quiet:
            print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)


def _data(made: Demonstrated) -> dict[str, Any]:
    return {"chain": str(made.chain), "night": made.night, "report": made.report}


def _tell(home: Path, made: Demonstrated) -> None:
    print(ABOUT)
    print()
    path = report_path(Home(home), made.chain, made.night)
    tell_report(made.report, path, written=True)
    waiting = [one["id"] for one in made.report.get("proposals", ()) if not one["dropped"]]
    print()
    print("what to try next:")
    for proposal in waiting[:1]:
        print(f"  {program()} proposals show {proposal} --home {home}")
        print(f"  {program()} proposals approve {proposal} --home {home}")
    print(f"  {program()} run --home {home}     trade on")
