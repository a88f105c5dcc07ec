"""Prove a chain: from its inputs, or from what it recorded, derive every line again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.bootstrap.prove_recorded import prove_recorded
from market_bot.bootstrap.recording import record_like
from market_bot.bootstrap.run_inputs import RunInputs, TapedInputs, simulated_inputs
from market_bot.bootstrap.sample import sample_tape
from market_bot.bootstrap.settings import lane_settings
from market_bot.bootstrap.tape_places import TapePlaces
from market_bot.bootstrap.taped_lane import rehearse
from market_bot.config.canonical import from_canonical
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import NEVER, Micros
from market_bot.core.ports.journal import Chain, Entry, JournalError
from market_bot.core.ports.market_data import MarketDataError
from market_bot.core.usecases.redo_journal import EndOfRecordError, NotReproducibleError

_DECISIONS: Final = (
    ev.Scan.TYPE,
    ev.SignalRaised.TYPE,
    ev.Denied.TYPE,
    ev.OrderIntent.TYPE,
    ev.Exit.TYPE,
    ev.Mark.TYPE,
)


class ProofError(JournalError):
    """The run cannot be derived again; the message says where it differs or what is missing."""


@attrs.frozen
class Proof:
    """A chain was derived again and every line that could be was the same.

    Args:
        chain: which one.
        lines: how many lines were derived again and were the same.
        finished: whether the bot closed the lane in order.
        decisions: counts the compared scans, signals, refusals, orders, exits and marks.
        total: how many lines the chain has; None if all were derived.
        source: what they were derived from: "inputs" or "recording".
        unproven: says of each part that could not be derived why.

    """

    chain: str
    lines: int
    finished: bool
    decisions: Mapping[str, int]
    total: int | None = None
    source: str = "inputs"
    unproven: tuple[str, ...] = ()

    @property
    def share(self) -> Fraction:
        """Which part of the chain's lines was derived again, from 0 to 1."""
        return Fraction(self.lines, self.total) if self.total else Fraction(1)


Watch = Callable[[Iterator[Entry]], Iterator[Entry]]
"""Passes lines on and sees how many there are."""


def prove_run(
    journal_dir: Path, chain: Chain, tapes: Sequence[Path], home: Home, watch: Watch = iter
) -> Proof:
    """Derive a chain again and compare it line by line.

    A run on tapes, and one in a simulated world, is derived from its inputs, orders included. Any
    other chain, and a simulated one for which tapes are given, is derived from its journal and
    what was recorded while it was traded; then orders are answered as the journal says, but those
    of a paper lane by the paper desk.

    Args:
        journal_dir: where all chains lie.
        chain: which one.
        tapes: where its tapes lie; without them they are looked for where they were last.
        home: the bot's home directory.
        watch: sees the lines as they are compared.

    Raises:
        ProofError: if nothing can be derived for want of a tape, or a line differs.
        JournalError: if the journal itself is damaged.

    """
    if chain.lane != "tape" and (chain.lane != "sim" or tapes):
        return _from_recording(journal_dir, chain, tapes, home, watch)
    return _from_inputs(journal_dir, chain, tapes, home, watch)


def _from_recording(
    journal_dir: Path, chain: Chain, tapes: Sequence[Path], home: Home, watch: Watch
) -> Proof:
    try:
        found = prove_recorded(journal_dir, chain, tapes, home, watch)
    except (NotReproducibleError, MarketDataError) as e:
        msg = f"{chain}: {e}"
        raise ProofError(msg) from e
    decisions = {kind: found.decisions[kind] for kind in _DECISIONS}
    if found.total and not decisions[ev.Scan.TYPE]:
        why = found.unproven[0] if found.unproven else "it has no scan"
        msg = f"{chain}: no decision can be derived again: {why}"
        raise ProofError(msg)
    return Proof(
        chain=str(chain),
        lines=found.lines,
        finished=found.decisions[ev.BotStopped.TYPE] > 0,
        decisions=decisions,
        total=found.total,
        source="recording",
        unproven=tuple(found.unproven),
    )


def _from_inputs(
    journal_dir: Path, chain: Chain, tapes: Sequence[Path], home: Home, watch: Watch
) -> Proof:
    reader = JournalReader(chain_folder(journal_dir, chain), chain)
    first = next(reader.read(), None)
    if first is None or not isinstance(first.event, ev.BotStarted):
        msg = f"{chain}: the first line is not bot_started: older files are gone, so is the proof"
        raise ProofError(msg)
    if chain.run.partition("-")[0] != first.event.instance:
        # The lines themselves do not name the folder in which they belong.
        msg = f"{chain}: these files are those of run {first.event.instance}: put them back there"
        raise ProofError(msg)
    inputs = inputs_of_chain(chain, first.event, tapes, home)
    counts: Counter[str] = Counter()
    old, record = _counting(watch(reader.read()), counts), record_like(reader.read(), None)
    assembled = rehearse(inputs, chain, old, first.event, record)
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


def inputs_of_chain(
    chain: Chain, started: ev.BotStarted, tapes: Sequence[Path], home: Home
) -> RunInputs:
    """Return what a run on tapes or in a simulated world followed from.

    Raises:
        ProofError: if a tape is not found, or this version simulates another world.

    """
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
