"""How much of a journal a replay decides again: all of it where it can, the truth elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.adapters.storage.home import Home
from market_bot.bootstrap.fidelity_run import measure_fidelity
from market_bot.bootstrap.library import default_settings
from market_bot.config.defaults import default_files
from market_bot.core.domain.portfolio import capabilities_of
from market_bot.core.domain.replay_result import Fidelity
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution
from tests.fakes.bot_process import WarmBots, facts
from tests.fakes.market_data import FULL
from tests.integration.test_prove import rewrite
from tests.integration.test_prove_recorded import LIVES, Bot, at_the_venue, live_on


def as_settings_say(world: World, venue: SimulatedVenue) -> Execution:
    """Have orders filled by the paper desk of the settings."""
    fills = default_settings().fills
    return PaperExecution(world, FULL, capabilities_of("simulated"), fills)


def lived(home: Path, desk: Any, killed: tuple[int, ...] = ()) -> Bot:
    """Return a bot that lived several times."""
    place = Home(home)
    place.create(default_files())
    bot = Bot(place, desk)
    live_on(bot, killed=killed)
    return bot


def measured(bot: Bot) -> Fidelity:
    """Return the fidelity of a bot's lane."""
    return measure_fidelity(bot.home.journal_dir, bot.chain, (), bot.home)


def test_a_paper_lane_is_replayed_in_full(tmp_path: Path) -> None:
    """Over restarts and midnight every line is the same, not only every decision."""
    found = measured(lived(tmp_path / "home", as_settings_say))

    assert found.recorded == found.replayed == found.same > 100
    assert (1_000_000, True, None, "") == (
        found.share_ppm,
        found.trusted,
        found.first,
        found.note,
    )
    assert found.identical
    assert LIVES == found.segments
    assert all(counts[0] for kind, counts in found.by_type.items() if kind != "exit")


def test_what_was_lost_in_a_kill_is_not_counted(tmp_path: Path) -> None:
    """Where the recording ends the comparison ends, and says so; what was compared is the same."""
    whole = measured(lived(tmp_path / "whole", as_settings_say))
    found = measured(lived(tmp_path / "killed", as_settings_say, killed=(0, 2)))

    assert found.recorded == found.same
    assert 0.5 * whole.recorded < found.recorded <= whole.recorded
    assert found.trusted
    assert "left out" in found.note


def test_another_venue_is_not_paper(tmp_path: Path) -> None:
    """Orders that a venue filled by itself lead elsewhere: nothing is claimed."""
    found = measured(lived(tmp_path / "home", at_the_venue))

    assert found.same < max(found.recorded, found.replayed)
    assert not found.identical
    assert not found.trusted
    assert found.first is not None
    assert found.first.line
    assert found.first.recorded != found.first.replayed


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    """A life whose recording is gone is left out and named; the others are replayed."""
    bot = lived(tmp_path / "home", as_settings_say)
    (bot.folder / "2026-11-22.jsonl.zst").unlink()
    found = measured(bot)

    assert "2026-11-22.jsonl.zst was not found" in found.note
    assert found.recorded == found.same > 0


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory, bots: WarmBots, tape: Path) -> Path:
    """Return a home with a finished run on a tape, and one in a simulated world that is not."""
    home = tmp_path_factory.mktemp("fidelity") / "home"
    assert 0 == bots.run("run", "--home", home, "--tape", tape, "--no-web").code
    assert 0 == bots.run("run", "--home", home, "--no-web", "--ticks", 700, "--json").code
    return home


def said(bots: WarmBots, home: Path, *words: object, code: int = 0) -> dict[str, Any]:
    """Return what ``replay --fidelity --json`` says."""
    told = bots.run("replay", "--fidelity", "--home", home, "--json", *words)
    assert code == told.code, told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@pytest.mark.parametrize("lane", ["tape", "sim"])
def test_lanes_with_inputs_are_identical(bots: WarmBots, homes: Path, lane: str) -> None:
    """A run on a tape and one in a simulated world: 100 %, byte for byte, finished or not."""
    (run,) = (homes / "journal").glob(f"*/{lane}/*")
    chain = "/".join(run.parts[-3:])
    found = said(bots, homes, "--chain", chain)

    assert (chain, 1_000_000, True, True) == (
        found["chain"],
        found["share_ppm"],
        found["trusted"],
        found["identical"],
    )
    kinds = ("signal", "denied", "order_intent", "exit")
    written = [fact["type"] for fact in facts(homes, lane)]
    assert {kind: written.count(kind) for kind in kinds} == {
        kind: counts["same"] for kind, counts in found["by_type"].items()
    }


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("signal", '"reason":"favourite_underpriced"', '"reason":"another"'),
        ("denied", '"phase":"begin"', '"phase":"end"'),
        ("order_intent", '"purpose":"entry"', '"purpose":"exit"'),
        ("exit", '"leg":"yes"', '"leg":"no"'),
    ],
)
def test_one_other_decision_is_seen(
    tmp_path: Path, bots: WarmBots, homes: Path, kind: str, old: str, new: str
) -> None:
    """One changed decision costs exactly one, and is shown beside what is decided now."""
    home = tmp_path / "home"
    shutil.copytree(homes, home)
    shutil.rmtree(home / "journal" / "simulated")
    rewrite(home, kind, old, new)

    found = said(bots, home)

    counts = found["by_type"][kind]
    assert (1, 1) == (found["recorded"] - found["same"], counts["recorded"] - counts["same"])
    assert not found["identical"]
    assert found["first"]["recorded"].startswith(f"{kind}: ")
    assert found["first"]["replayed"].startswith(f"{kind}: ")
    assert found["first"]["line"]


def test_a_fact_that_decides_nothing_costs_no_decision(
    tmp_path: Path, bots: WarmBots, homes: Path
) -> None:
    """The decisions are all the same, yet the lines are not, and that is said."""
    home = tmp_path / "home"
    shutil.copytree(homes, home)
    shutil.rmtree(home / "journal" / "simulated")
    rewrite(home, "scan", '"equity":"1000"', '"equity":"1001"')

    found = said(bots, home)

    assert (1_000_000, False) == (found["share_ppm"], found["identical"])


def test_a_simulated_lane_on_paper_is_not_trusted(bots: WarmBots, homes: Path) -> None:
    """Its recording replayed by the paper engine says that nothing is claimed, also in a replay."""
    (run,) = (homes / "journal").glob("*/sim/*")
    chain = "/".join(run.parts[-3:])
    tapes = sorted((homes / "tape").rglob("*.jsonl.zst"))

    found = said(bots, homes, "--chain", chain, "--tape", *tapes, code=1)
    words = ("replay", "--home", homes, "--chain", chain, "--set", "sizing.order_usd=5", "--json")
    report = json.loads(bots.run(*words).stdout)

    assert not found["trusted"]
    assert found["same"] == report["fidelity"]["same"]
    assert "no claim" == report["variants"][0]["comparison"]["verdict"]
