"""Which unfinished run in a simulated world a new start goes on with, and with which settings.

A run is named after the settings it began with. While it traded they may have changed, and so may
the file since: as on a live venue the lane goes on with what the file says now, if a running lane
could have taken it. Otherwise another run begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.bootstrap.hot_settings import successor
from market_bot.bootstrap.lane_config import changed_meanwhile, ends_of
from market_bot.bootstrap.run_inputs import SimulatedInputs
from market_bot.bootstrap.settings import lane_settings
from market_bot.bootstrap.taped_lane import RunFinishedError, find_chain, finished
from market_bot.config.canonical import from_canonical
from market_bot.config.errors import ConfigError
from market_bot.core.domain import events as ev
from market_bot.core.domain.hot_change import SettingsRefused
from market_bot.core.domain.lane import FOLD_VERSION
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.tuning.changes import ChangeLog
from market_bot.core.ports.config_store import ConfigStore, Version
from market_bot.core.ports.journal import Chain, JournalError
from market_bot.core.usecases.redo_journal import config_after


@attrs.frozen(kw_only=True)
class EarlierRun:
    """A run in the same world.

    Args:
        chain: which one.
        started: its opening.
        config: hash of the configuration in force at its last line.
        written: when its files last changed, for the newest of several.

    """

    chain: Chain
    started: ev.BotStarted
    config: str
    written: float


def going_on(
    inputs: SimulatedInputs, journal_dir: Path, file: Version, store: ConfigStore
) -> tuple[SimulatedInputs, ev.ConfigChanged | None]:
    """Return the inputs of the run to go on with, and the change to what the file says now.

    Without such a run the inputs come back as they are.

    Args:
        inputs: what the file says, and the world.
        journal_dir: where all chains lie.
        file: the settings file as it is.
        store: where it lies.

    Raises:
        ConfigStoreError: if the file cannot be read.

    """
    wanted = inputs.settings
    runs = [r for r in _runs(inputs, journal_dir) if not finished(journal_dir, r.chain)]
    for run in sorted(runs, key=lambda r: (r.config == wanted.hash, r.written), reverse=True):
        try:
            begun = attrs.evolve(inputs, settings=_settings(run.started.config))
            if find_chain(begun, journal_dir, fresh=False) != run.chain:
                continue
            if run.config == wanted.hash:
                return begun, None
            text, log = _end_of(run, journal_dir)
            successor(_settings(text), wanted.text)
        except (ConfigError, SettingsRefused, RunFinishedError):
            continue
        for ended in ends_of(log, store):
            log = log.hear(ended, Micros(0))
        changed = changed_meanwhile(log, run.config, wanted, file.sha256)
        return begun, None if changed is None else attrs.evolve(changed, before="")
    return inputs, None


def ended_with(inputs: SimulatedInputs, journal_dir: Path) -> bool:
    """Tell whether the world was traded to its end by a run that ended with these settings."""
    return any(
        run.config == inputs.settings.hash and finished(journal_dir, run.chain)
        for run in _runs(inputs, journal_dir)
    )


def _runs(inputs: SimulatedInputs, journal_dir: Path) -> Iterator[EarlierRun]:
    above = chain_folder(journal_dir, Chain(inputs.venue, inputs.lane))
    for folder in sorted(above.iterdir()) if above.is_dir() else ():
        chain = Chain(inputs.venue, inputs.lane, folder.name)
        try:
            reader = JournalReader(folder, chain)
            first, last = next(reader.read(), None), reader.tail(1)
        except JournalError:
            continue  # Whoever goes on with it hears of it; another run need not.
        if first is None or not last or not isinstance(first.event, ev.BotStarted):
            continue
        started = first.event
        same = (started.inputs, started.seed, started.fold)
        if same == (inputs.sources(), inputs.seed, FOLD_VERSION):
            written = max(path.stat().st_mtime for path in reader.paths())
            yield EarlierRun(
                chain=chain, started=started, config=config_after(last[-1]), written=written
            )


def _end_of(run: EarlierRun, journal_dir: Path) -> tuple[str, ChangeLog]:
    """Return the text of the configuration that was in force last, and the changes of its file."""
    text, log = run.started.config, ChangeLog()
    for entry in JournalReader(chain_folder(journal_dir, run.chain), run.chain).read_changes():
        if isinstance(entry.event, ev.ConfigChanged):
            text = entry.event.config
        if entry.event is not None:
            log = log.hear(entry.event, entry.at)
    return text, log


def _settings(text: str) -> LaneSettings:
    return lane_settings(from_canonical(text))
