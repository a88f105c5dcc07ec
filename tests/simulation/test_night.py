"""The whole loop over the simulated venue: days with a leak, nights, a proposal, a decision."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_tools import list_chains
from market_bot.bootstrap.cli.app import app
from market_bot.bootstrap.demo_home import PLANTED
from market_bot.bootstrap.demo_run import NIGHTS, make_demo
from market_bot.bootstrap.night_work import read_ledger
from market_bot.config.defaults import default_files
from market_bot.core.domain.nights import NightLog
from market_bot.core.domain.tuning.queue import Stage

_PACE = {
    "  interval_ms: 5000": "  interval_ms: 60000",
    "  markets: 60": "  markets: 5",
    "  days: 1": "  days: 8",
}
_LIVES_S = 90.0


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_planted_leak_is_found_and_the_right_step_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The night finds the line, replays its ladder, proposes a step, and that is made."""
    made = make_demo(tmp_path / "home", lambda _what, _share: None)
    home = Home(tmp_path / "home")
    ledger, _ = read_ledger(home, made.chain)

    assert len(ledger.log.reviews) == len(ledger.log.ended) == NIGHTS
    (waiting,) = [item for item in ledger.queue.open if item.path == PLANTED]
    assert (waiting.before, waiting.after) == ("0.014", "0.016")
    assert waiting.rule == "entry_threshold"
    assert waiting.stage is Stage.QUEUED
    assert waiting.card["verdict"] in ("improves", "not disproved")
    assert float(waiting.card["per_day"]) > 0

    words = ["proposals", "approve", waiting.id, "--yes", "--home", str(home.path), "--json"]
    assert app(words, result_action="return_value") == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "applied"
    assert b"min_edge: 0.016\n" in home.venue_file("simulated").read_bytes()


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_running_bot_has_its_nights_by_the_venues_clock(tmp_path: Path) -> None:
    """At 7,200 times the speed a day takes twelve seconds; every night happens at most once."""
    home = Home(tmp_path / "home")
    home.create(_paced())
    words = ["run", "--home", home.path, "--no-web", "--speed", "7200"]
    bot = subprocess.Popen(
        [sys.executable, "-m", "market_bot", *map(str, words)], stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + _LIVES_S
        while not _nights(home).ended and time.monotonic() < until:
            time.sleep(0.5)
    finally:
        bot.terminate()
        code = bot.wait(60)
    nights = _nights(home)

    assert code == 0
    assert nights.ended
    assert set(nights.ended) <= set(nights.reviews)
    proven = ["journal", "prove", "--home", str(home.path), "--json"]
    assert app(proven, result_action="return_value") == 0


def _nights(home: Home) -> NightLog:
    chains = [chain for chain in list_chains(home.journal_dir) if chain.lane == "sim"]
    return read_ledger(home, chains[0])[0].log if chains else NightLog()


def _paced() -> dict[str, bytes]:
    files = default_files()
    text = files["simulated.yaml"].decode()
    for old, new in _PACE.items():
        text = text.replace(f"\n{old}\n", f"\n{new}\n")
    return {**files, "simulated.yaml": text.encode()}
