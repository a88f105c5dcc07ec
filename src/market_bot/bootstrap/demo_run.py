"""Make the demonstration's home: simulated days behind it, its nights worked on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import attrs

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.home_lock import HomeLock
from market_bot.adapters.system.clock import SystemClock
from market_bot.bootstrap.chain_writer import writing
from market_bot.bootstrap.demo_home import DAYS, PLANTED, demo_files
from market_bot.bootstrap.evaluation import NightChild, NightRequest, NightRun
from market_bot.bootstrap.recording import Recordings
from market_bot.bootstrap.run_inputs import SimulatedInputs, simulated_inputs
from market_bot.bootstrap.settings import settings_of
from market_bot.bootstrap.taped_lane import Assembled, assemble
from market_bot.config.loader import load_bot, read_venue
from market_bot.core.domain.nights import DAY
from market_bot.core.domain.numbers import Micros, utc_date
from market_bot.core.ports.journal import Chain, JournalError

VENUE: Final = "simulated"
NIGHTS: Final = 2
"""So many nights are worked on: a leak is believed on the second that has seen it."""

ABOUT: Final = (
    f"A demonstration: {DAYS} days of a simulated venue on a small scale, not of any real market. "
    f"The leak was planted on purpose in simulated.yaml: {PLANTED} lets in what is sold again "
    "almost at once. Neither the rules nor the advisor were told. The bot traded these days as it "
    "always does, and the replays below are of what it recorded."
)

Progress = Callable[[str, float], None]


@attrs.frozen(kw_only=True)
class Demonstrated:
    """What came of it: the lane, and the report of its last night."""

    chain: Chain
    night: str
    report: dict[str, Any]


def make_demo(path: Path, tell: Progress, *, days: int = DAYS) -> Demonstrated:
    """Make a home, trade its days and work on its last nights.

    Args:
        path: where; nothing may be there yet.
        tell: told what is done, and which share of it.
        days: how many.

    Raises:
        HomeError: if the home cannot be made.
        NightFailed: if a night could not be worked on.

    """
    home = Home(path)
    home.create(demo_files())
    sourced = read_venue(home.venue_file(VENUE))
    inputs = simulated_inputs(sourced.config, settings_of(sourced), 0)
    with HomeLock(home.lock_file):
        chain = _trade(home, inputs, days, tell)
        last = Micros(inputs.world.begins + days * DAY)
        for back in range(NIGHTS - 1, 0, -1):
            tell("working on its nights", 1 - back / NIGHTS)
            _night(home, chain, utc_date(Micros(last - back * DAY)))
        tell("working on its nights", 1.0)
        report = _night(home, chain, utc_date(last))
    return Demonstrated(chain=chain, night=utc_date(last), report=report)


def _trade(home: Home, inputs: SimulatedInputs, days: int, tell: Progress) -> Chain:
    """Trade the days as fast as it goes, and a little into the next."""
    ticks = days * DAY // inputs.world.interval + 1
    recordings = Recordings(home, load_bot(home.bot_file), SystemClock())
    lane = assemble(
        inputs,
        home.journal_dir,
        fresh=False,
        controls=lambda _: tuple,
        ticks_max=ticks,
        record=recordings.derived,
    )
    try:
        _step(lane, ticks, tell)
    finally:
        lane.close()
        recordings.close()
    return lane.chain


def _step(lane: Assembled, ticks: int, tell: Progress) -> None:
    clock = SystemClock()
    while lane.lane.step(clock.now()) is not None:
        if lane.lane.trader.ticks % 500 == 0:
            tell("trading simulated days", lane.lane.trader.ticks / ticks)
    if lane.lane.snapshot.phase != "stopped":
        msg = f"{lane.chain}: {lane.lane.snapshot.error or lane.lane.snapshot.phase}"
        raise JournalError(msg)


def _night(home: Home, chain: Chain, night: str) -> dict[str, Any]:
    with writing(home, chain, SystemClock()) as writer:
        request = NightRequest(home=home, chain=chain, night=night, now=writer.now())
        run = NightRun(
            request=request,
            child=NightChild(request),
            writer=writer,
            ledger=writer.ledger,
            head=lambda: writer.head,
            about=(ABOUT,),
        )
        try:
            while not run.step(1.0):
                pass
        finally:
            run.close()
    return dict(run.report or {})
