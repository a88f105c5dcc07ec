"""Prove a run: from its inputs and its own first line, derive every fact again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.bootstrap.run_inputs import RunInputs, TapedInputs, simulated_inputs
from market_bot.bootstrap.sample import sample_tape
from market_bot.bootstrap.settings import lane_settings
from market_bot.bootstrap.tape_places import TapePlaces
from market_bot.bootstrap.taped_lane import rehearse
from market_bot.config.canonical import from_canonical
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import NEVER, Micros
from market_bot.core.ports.journal import Chain, Entry, JournalError
from market_bot.core.usecases.redo_journal import EndOfRecordError

_DECISIONS: Final = (
    ev.Scan.TYPE,
    ev.SignalRaised.TYPE,
    ev.Denied.TYPE,
    ev.OrderIntent.TYPE,
    ev.Exit.TYPE,
)


class ProofError(JournalError):
    """The run cannot be derived again; the message says where it differs or what is missing."""


@attrs.frozen
class Proof:
    """A run was derived again and every fact was the same.

    ``decisions`` counts the compared scans, signals, refusals, orders and exits.
    """

    chain: str
    lines: int
    finished: bool
    decisions: Mapping[str, int]


def prove_run(journal_dir: Path, chain: Chain, tapes: Sequence[Path], home: Home) -> Proof:
    """Derive a taped run again and compare it fact by fact.

    Args:
        journal_dir: where all chains lie.
        chain: which run.
        tapes: where its tapes lie; without them they are looked for where they were last.
        home: the bot's home directory.

    Raises:
        ProofError: if a tape is missing or a fact differs.
        JournalError: if the journal itself is damaged.

    """
    reader = JournalReader(chain_folder(journal_dir, chain), chain)
    first = next(reader.read(), None)
    if first is None or not isinstance(first.event, ev.BotStarted):
        msg = f"{chain}: the first line is not bot_started: older files are gone, so is the proof"
        raise ProofError(msg)
    if chain.run.partition("-")[0] != first.event.instance:
        # The lines themselves do not name the folder in which they belong.
        msg = f"{chain}: these files are those of run {first.event.instance}: put them back there"
        raise ProofError(msg)
    inputs = _inputs(chain, first.event, tapes, home)
    counts: Counter[str] = Counter()
    assembled = rehearse(inputs, chain, _counting(reader.read(), counts), first.event)
    lane, redo = assembled.lane, assembled.redo
    try:
        while redo.redoing and lane.step(NEVER) is not None:
            pass
    except EndOfRecordError:
        pass
    if lane.snapshot.error is not None and redo.redoing:
        msg = f"{chain}: {lane.snapshot.error}"
        raise ProofError(msg)
    if redo.redoing:
        msg = f"{chain}: the tape ends before line {redo.compared + 1}: give the right --tape"
        raise ProofError(msg)
    return Proof(
        chain=str(chain),
        lines=redo.compared,
        finished=counts[ev.BotStopped.TYPE] > 0,
        decisions={kind: counts[kind] for kind in _DECISIONS},
    )


def _counting(entries: Iterator[Entry], counts: Counter[str]) -> Iterator[Entry]:
    for entry in entries:
        counts[entry.type] += 1
        yield entry


def _inputs(chain: Chain, started: ev.BotStarted, tapes: Sequence[Path], home: Home) -> RunInputs:
    config = from_canonical(started.config)
    settings = lane_settings(config)
    if chain.lane == "sim":
        simulated = simulated_inputs(config, settings, started.seed)
        if simulated.sources() != started.inputs:
            msg = f"{chain}: this version simulates another world: prove it with the old version"
            raise ProofError(msg)
        return simulated
    wanted = [tape.sha256 for tape in started.inputs]
    candidates = list(tapes) or _nearby([tape.name for tape in started.inputs], home)
    by_hash = {TapeReader(path).sha256: path for path in candidates if path.is_file()}
    missing = [tape.name for tape in started.inputs if tape.sha256 not in by_hash]
    if missing:
        msg = (
            f"{chain}: the tape {missing[0]} with the recorded SHA-256 was not found: "
            "say where it is with --tape"
        )
        raise ProofError(msg)
    return TapedInputs(
        venue=chain.venue,
        tapes=tuple(by_hash[sha] for sha in wanted),
        hashes=tuple(wanted),
        settings=settings,
        interval=Micros(config.loop.interval_ms * 1000),
        seed=started.seed,
    )


def _nearby(names: Sequence[str], home: Home) -> list[Path]:
    folders = (Path(), home.tape_dir, *sorted(home.tape_dir.glob("*")))
    found = [folder / name for folder in folders for name in names]
    return [*found, *TapePlaces(home).known(), sample_tape()]
