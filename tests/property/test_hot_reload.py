"""Whoever edits what and when: the last good settings are in force, and nothing gets looser."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from market_bot.adapters.storage.recorded_feed import ENDS
from market_bot.bootstrap.config_store import config_files
from market_bot.bootstrap.hot_settings import successor
from market_bot.bootstrap.lane_config import LaneConfig, SettingsFile
from market_bot.bootstrap.settings import settings_of
from market_bot.config.defaults import default_files
from market_bot.config.loader import parse_venue
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import SECOND, Duration, Micros, money
from market_bot.core.domain.settings import LaneSettings, Sizing
from market_bot.core.usecases.keep_config import ConfigKeeper
from market_bot.core.usecases.redo_journal import config_after, decides_nothing
from tests.fakes.builders import (
    LIMITS,
    Lane,
    a_book,
    a_lane,
    a_market,
    a_strategy,
    announced,
    lane_settings,
)
from tests.fakes.clock import after
from tests.fakes.execution import ScriptedExecution
from tests.fakes.recorded_lives import RecordedLives
from tests.property.test_recording import LATE, MARKETS, in_chaos, on_paper
from tests.property.test_trader import Moody

NAME = "simulated.yaml"
TEXT = default_files()[NAME].decode()
TWO = 2
LIMIT = "  max_order_usd: 25\n"
ORDER = "  order_usd: 20\n"
BAD = ("sizing: [", "\x00", "mode: live\n", "strategies: &a [*a]\n")


def text_of(order: int, limit: int, *, enabled: bool = True) -> str:
    """Return the default file with these numbers."""
    changed = TEXT.replace(ORDER, f"  order_usd: {order}\n")
    changed = changed.replace(LIMIT, f"  max_order_usd: {limit}\n")
    return changed if enabled else changed.replace("    enabled: true\n", "    enabled: false\n")


def read(text: str) -> LaneSettings:
    """Return what a file means."""
    return settings_of(parse_venue(text.encode(), NAME))


class Editing(RuleBasedStateMachine):
    """A person with an editor, a keeper that looks now and then, a lane that ticks, restarts."""

    lane: Lane
    config: LaneConfig

    @initialize()
    def begin(self) -> None:
        """Make the file and start the lane."""
        self.folder = Path(self.enter(tempfile.TemporaryDirectory()))
        self.numbers = (20, 25, True)
        self.good = self.text = TEXT
        self.steps = 0
        self.write(TEXT)
        self.restart()

    def enter(self, manager: Any) -> Any:
        """Open something until the end."""
        self.opened = manager
        return manager.__enter__()

    def teardown(self) -> None:
        """Close it again."""
        if hasattr(self, "opened"):
            self.opened.__exit__(None, None, None)

    def write(self, text: str) -> None:
        """Write the file in place."""
        self.text, self.steps = text, self.steps + 1
        (self.folder / NAME).write_text(text, encoding="utf-8")
        os.utime(self.folder / NAME, ns=(self.steps, self.steps))

    @rule(order=st.integers(5, 8), limit=st.integers(22, 27), enabled=st.booleans())
    def edit(self, order: int, limit: int, *, enabled: bool) -> None:
        """Write settings that can be loaded; whether they may be taken, the limit decides."""
        self.write(text_of(order, limit, enabled=enabled))

    @rule(bad=st.sampled_from(BAD))
    def break_it(self, bad: str) -> None:
        """Write what cannot be loaded, or not while the bot runs."""
        self.write(TEXT.replace("mode: paper\n", bad))

    @rule()
    def look(self) -> None:
        """Let the keeper look once."""
        self.steps += 1
        self.config.step(after(self.steps))

    @rule()
    def tick(self) -> None:
        """Let the lane tick once."""
        self.lane.tick(a_book())

    @rule()
    def settle(self) -> None:
        """After two looks and a tick the last good file is in force, whatever was before."""
        self.look()
        self.look()
        self.tick()
        if self.may_be_taken():
            assert read(self.text) == self.lane.trader.settings
            assert self.config.trouble is None
        else:
            assert self.config.trouble is not None

    @rule()
    def restart(self) -> None:
        """Start again: only then may limits be looser; a file that is bad keeps it from starting.

        A person then puts a good file there, as no bot runs with a bad one.
        """
        try:
            begun = read(self.text)
        except ValueError:
            self.write(text_of(*self.numbers[:TWO]))
            begun = read(self.text)
        if begun.text.startswith('{"mode":"live"'):
            self.write(TEXT)
            begun = read(TEXT)
        self.limit = begun.limits["max_order_usd"]
        self.lane = a_lane(
            begun, lambda _: ScriptedExecution(), opening=[announced(a_market()), a_book()]
        )
        self.lane.trader.successor = successor
        self.lane.start()
        file = SettingsFile(config_files(self.folder), NAME)
        keeper = ConfigKeeper(
            lane="simulated/sim",
            fingerprint=file.fingerprint,
            read=file.read,
            in_force=lambda: self.lane.trader.settings,
            put=self.put,
        )
        self.config = LaneConfig(keeper, file, lambda _: None)
        self.lane.trader.heeded = self.config.hear

    def put(self, event: ev.Event) -> bool:
        """Take a fact to the next tick, if there is room."""
        if len(self.lane.controls) >= TWO:
            return False
        self.lane.controls.append(event)
        return True

    def may_be_taken(self) -> bool:
        """Tell whether a running lane takes the file as it is."""
        try:
            wanted = read(self.text)
        except ValueError:
            return False
        return (
            wanted.limits["max_order_usd"] <= self.lane.trader.settings.limits["max_order_usd"]
            and '"mode":"live"' not in wanted.text
        )

    @invariant()
    def nothing_gets_looser(self) -> None:
        """Within one run a limit only falls."""
        if not hasattr(self, "lane"):
            return
        now = self.lane.trader.settings.limits["max_order_usd"]
        assert now <= self.limit
        self.limit = now

    @invariant()
    def every_line_names_what_was_in_force(self) -> None:
        """Changes form a chain, and each line carries the settings that the last one brought."""
        if not hasattr(self, "lane"):
            return
        lines = self.lane.journal.lines
        config = lines[0].config
        for line in lines:
            assert line.config == config
            if isinstance(line.event, ev.ConfigChanged):
                assert line.event.before == config
                config = line.event.after
        assert config == self.lane.trader.settings.hash == self.lane.trader.recorder.config


TestEditing = Editing.TestCase
TestEditing.settings = settings(max_examples=10, stateful_step_count=14, deadline=None)


@given(seed=st.integers(0, 2**32), lives=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_lives_with_changes_are_derived_again(seed: int, lives: int) -> None:
    """Restarts, kills and changes of settings: every line that is on tape follows again."""
    random = Random(seed)
    first = lane_settings(a_strategy(Moody(seed)))
    smaller = attrs.evolve(first, hash="c-2", sizing=Sizing(order=money("2")))
    another = attrs.evolve(first, hash="c-3", strategies=(a_strategy(Moody(seed + 1), "new"),))
    tighter = attrs.evolve(first, hash="c-4", limits={**LIMITS, "max_order_usd": money("3")})
    known = {s.hash: s for s in (first, smaller, another, tighter)}
    with tempfile.TemporaryDirectory() as name:
        lane = RecordedLives(
            folder=Path(name),
            settings=first,
            desk=random.choice((on_paper, in_chaos)),
            random=random,
            group=random.choice((1, 4096)),
            at=LATE,
            known=known,
        )
        for _ in range(lives):
            steps = [Duration(SECOND * random.choice((1, 5, 1200))) for _ in range(8)]
            lane.live(steps, killed=random.random() < 0.4, markets=MARKETS)
            *_, last = lane.journal.read()
            if random.random() < 0.5:
                # What a person decides while no bot runs.
                decided = ev.ProposalDecided(proposal="p", decision="rejected", by="ann")
                lane.journal.append(decided, last.at, config_after(last))
        for life, before, own in lane.lives():
            derived = lane.derive(life, before, own)

            found = [event for event in derived.events if not decides_nothing(event)]
            wanted = [entry.event for entry in own if not decides_nothing(entry.event)]
            assert found == wanted[: len(found)]
            assert derived.reason is None or ENDS in derived.reason or life.consumed
            if derived.reason is None:
                assert len(wanted) == len(found)
    assert Micros(0) < lane.at


def test_changes_do_happen_in_those_lives() -> None:
    """The lives above would prove little without them."""
    taken = refused = 0
    first = lane_settings(a_strategy(Moody(1)))
    tight = attrs.evolve(first, hash="c-4", limits={**LIMITS, "max_order_usd": money("3")})
    with tempfile.TemporaryDirectory() as name:
        lane = RecordedLives(
            folder=Path(name),
            settings=first,
            desk=on_paper,
            random=Random(5),
            at=LATE,
            known={"c-1": first, "c-4": tight},
        )
        lane.live([Duration(SECOND)] * 60, killed=False, markets=MARKETS)
        for line in lane.journal.lines:
            taken += isinstance(line.event, ev.ConfigChanged)
            refused += isinstance(line.event, ev.Error) and line.event.where.startswith("config:")

    assert taken
    assert refused
