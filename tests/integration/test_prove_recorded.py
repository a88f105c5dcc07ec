"""A lane on live data, with several lives in one chain, is proven from what it recorded."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import attrs
import pytest

from market_bot.adapters.simulated.paper_desk import paper_desk
from market_bot.adapters.simulated.sim_settings import SimSettings
from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.adapters.storage.codec import decode_state, digest
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.tape_files import recorded_in
from market_bot.adapters.system.clock import SystemClock
from market_bot.bootstrap.library import default_settings
from market_bot.bootstrap.prove_run import Proof, ProofError, prove_run
from market_bot.bootstrap.recording import Recordings
from market_bot.bootstrap.taped_lane import snapshot_of
from market_bot.config.defaults import default_files
from market_bot.config.schema import BotConfig
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.numbers import HOUR, NEVER, SECOND, Duration, Micros, parse_time
from market_bot.core.domain.tally import Tally
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.fed_lane import FedLane
from market_bot.core.usecases.fold_journal import fold_journal
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.record_marks import marks_from
from market_bot.core.usecases.trade_lane import LaneTrader
from tests.fakes.market_data import FULL
from tests.fakes.recorded_lives import forget_last_group
from tests.integration.test_recording import reseal

BEGINS = parse_time("2026-11-22T21:40:00Z")
STEP = Duration(60 * SECOND)
LIVES = 3
TICKS = 60
# So that a kill costs something.
GROUP = Duration(1500 * SECOND)

MakeDesk = Callable[[World, SimulatedVenue], Execution]


def on_paper(world: World, venue: SimulatedVenue) -> Execution:
    """Have orders filled by the paper desk of the settings."""
    return paper_desk("simulated", default_settings().fills, world, FULL)


def at_the_venue(world: World, venue: SimulatedVenue) -> Execution:
    """Have orders filled by the venue itself, which no tape can do again."""
    return venue


@attrs.define
class Bot:
    """A bot whose lane trades a venue that is another one at every start."""

    home: Home
    desk: MakeDesk
    at: Micros = BEGINS

    def live(self, number: int, *, killed: bool) -> None:
        """Start, trade, and stop or be killed."""
        venue = SimulatedVenue(number, settings=SimSettings(begins=self.at, markets=12))
        chain = self.chain
        journal = JsonlJournal(chain_folder(self.home.journal_dir, chain), chain, boot=str(number))
        world, recordings = World(), Recordings(self.home, BotConfig(), SystemClock())
        data = recordings.live(venue, world, "simulated", GROUP)
        entries = list(journal.read())
        settings = default_settings()
        recorder = Recorder(
            journal=journal,
            state=fold_journal(entries, lambda d: decode_state(d, LaneState), snapshot_of),
            config=settings.hash,
            snapshot=snapshot_of,
            last_at=entries[-1].at if entries else NEVER,
        )
        trader = LaneTrader(
            settings=settings,
            data=data,
            execution=self.desk(world, venue),
            recorder=recorder,
            world=world,
            controls=lambda: (),
            marks=marks_from(entries),
        )
        lane = FedLane(
            trader=trader,
            started=lambda: ev.BotStarted(
                mode="paper",
                instance="0123456789abcdef",
                version="0",
                fold=FOLD_VERSION,
                cash=settings.cash,
                config=settings.text,
            ),
            tally=Tally(),
            blank=LaneSnapshot(venue="simulated", lane=chain.lane, run="", limits={}),
            interval=STEP,
            digest=lambda: digest(trader.state),
        )
        for _ in range(TICKS):
            self.at = Micros(self.at + STEP)
            lane.step(self.at)
        assert lane.snapshot.phase == "trading"
        if killed:
            journal.commit()
            forget_last_group(data)
        else:
            lane.stop(self.at, "asked")
            recordings.close()
        journal.close()
        self.at = Micros(self.at + HOUR)

    def prove(self, *tapes: Path) -> Proof:
        """Derive the chain again."""
        return prove_run(self.home.journal_dir, self.chain, tapes, self.home)

    @property
    def chain(self) -> Chain:
        """Its lane: only one that trades on paper is called so."""
        return Chain("simulated", "live" if self.desk is at_the_venue else "paper")

    @property
    def folder(self) -> Path:
        """Where its recordings lie."""
        return self.home.tape_dir / "simulated"


@pytest.fixture(params=[on_paper, at_the_venue])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Bot:
    """Return a bot with a home that has not lived yet."""
    home = Home(tmp_path / "home")
    home.create(default_files())
    return Bot(home, request.param)


def live_on(bot: Bot, *, killed: tuple[int, ...] = ()) -> None:
    """Let a bot live several times."""
    for number in range(LIVES):
        bot.live(number, killed=number in killed)


def test_every_line_of_several_lives_is_proven(bot: Bot) -> None:
    """Over restarts and midnight, whatever executed the orders."""
    live_on(bot)
    proof = bot.prove()

    # The first life ends before midnight, the second trades over it.
    days = ["2026-11-22", "2026-11-22.2", "2026-11-23", "2026-11-23.2"]
    assert days == recorded_in(bot.folder)
    assert (proof.lines, ()) == (proof.total, proof.unproven)
    assert ("recording", True) == (proof.source, proof.finished)
    assert LIVES * TICKS == proof.decisions["scan"]
    assert all(proof.decisions[kind] for kind in ("signal", "order_intent", "denied", "mark"))


def test_after_a_kill_only_what_was_lost_is_unproven(bot: Bot) -> None:
    """The share says how much; what comes after the kill is proven again in full."""
    live_on(bot, killed=(0, 2))
    proof = bot.prove()

    assert Fraction(1, 2) < proof.share < 1
    assert TICKS * 2 < proof.decisions["scan"] < TICKS * LIVES
    assert 2 == len(proof.unproven)
    assert all("were consumed" in part or "ends here" in part for part in proof.unproven)


def test_a_recording_that_is_gone_costs_its_life_only(bot: Bot, tmp_path: Path) -> None:
    """The retention took it: later lives are proven, and with the file back all of it is."""
    live_on(bot)
    moved = (bot.folder / "2026-11-22.jsonl.zst").rename(tmp_path / "2026-11-22.jsonl.zst")
    without, again = bot.prove(), bot.prove(moved)

    (part,) = without.unproven
    assert "2026-11-22.jsonl.zst was not found" in part
    assert 0 < without.lines < again.lines == again.total


def test_another_recording_proves_nothing(bot: Bot, tmp_path: Path) -> None:
    """A file of the right name with other prices in it does not lead to these decisions."""
    live_on(bot)
    other = Bot(Home(tmp_path / "other"), bot.desk)
    other.home.create(default_files())
    other.live(77, killed=False)

    with pytest.raises(ProofError, match=r"line [0-9]+"):
        bot.prove(other.folder / "2026-11-22.jsonl.zst")


def test_older_files_of_the_chain_may_be_gone(bot: Bot) -> None:
    """The proof begins with the first start that is kept, from the checkpoint before it."""
    live_on(bot)
    files = sorted(chain_folder(bot.home.journal_dir, bot.chain).glob("*.jsonl"))
    assert 2 == len(files)
    files[0].unlink()
    proof = bot.prove()

    assert proof.total is not None
    assert 0 < proof.lines < proof.total
    (part,) = proof.unproven
    assert "their beginning is gone" in part


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("fill", '"fee":"', '"fee":"1'),
        ("order_accepted", '"venue_order":"paper-', '"venue_order":"'),
    ],
)
def test_what_the_paper_desk_did_is_derived_again(
    tmp_path: Path, kind: str, old: str, new: str
) -> None:
    """A fill or an answer that was changed is named, though all hashes are right again."""
    home = Home(tmp_path / "home")
    home.create(default_files())
    bot = Bot(home, on_paper)
    bot.live(0, killed=False)
    reseal(home.path, kind, old, new)

    with pytest.raises(ProofError, match=f"line [0-9]+: {kind}"):
        bot.prove()
