"""Put a replay together: tapes, the base configuration, variants of it, and what they found."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.simulated.paper_desk import paper_desk
from market_bot.adapters.simulated.tape_venue import TapeVenue
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.storage.tape_cache import CachedTape
from market_bot.adapters.storage.tape_files import SUFFIX, recorded_in
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.bootstrap.discovery import UnknownPluginError, find_strategy
from market_bot.bootstrap.fidelity_run import describe, measure_fidelity
from market_bot.bootstrap.prove_recorded import lives_of
from market_bot.bootstrap.prove_run import Watch, inputs_of_chain
from market_bot.bootstrap.run_inputs import TapedInputs
from market_bot.bootstrap.sample import sample_tape
from market_bot.bootstrap.settings import settings_of
from market_bot.config.defaults import default_files
from market_bot.config.loader import Sourced, parse_venue, read_venue
from market_bot.config.overrides import Override, from_journal, override, value_at
from market_bot.config.schema import VenueConfig
from market_bot.core.domain import events as ev
from market_bot.core.domain.fills.terms import FillModel
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.replay_result import (
    Fidelity,
    ReplayResult,
    SettingChange,
    TapeUsed,
    Variant,
)
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution
from market_bot.core.ports.journal import Chain
from market_bot.core.ports.market_data import MarketDataError
from market_bot.core.ports.tape import TapeSource
from market_bot.core.usecases.check_lookahead import (
    Followed,
    LookaheadCheck,
    LookaheadReport,
    count_records,
    cut_tapes,
)
from market_bot.core.usecases.replay import Plan, Replay, plan_replay

BASE: Final = "base"
CHANGED: Final = "changed"
SAMPLE: Final = Path("sample")
MODELS: Final = tuple(model.value for model in FillModel)
"""Every fill model, the one that counts first."""

_VARIANTS_MAX: Final = 200
_CUTS_MAX: Final = 100
_CUT_SEED: Final = 20_261_101
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.+-]{0,39}\Z", re.ASCII)
_OPENING, _CLOSING, _QUOTES = "[{", "]}", "\"'"

Stop = Callable[[], bool]
Tell = Callable[[float], None]
SettingsOf = Callable[[Sequence[TapeSource], LaneSettings], LaneSettings]


def _never() -> bool:
    return False


class ReplayError(Exception):
    """The replay cannot start; the message says why and what to do."""

    code = 2


@attrs.frozen(kw_only=True)
class ReplayOptions:
    """What a person asked for.

    Args:
        home: where the settings and journals are; need not exist if ``config`` is given.
        tapes: files and folders of recorded files, in the order of playing.
        chain: the lane whose tapes and settings are replayed, if no tapes are given.
        config: a venue's file that takes the place of the home's.
        sets: values of one more variant, as ``PATH=VALUE``.
        variants: more variants, as ``NAME: PATH=VALUE, PATH=VALUE``.
        strategy: trade this strategy alone, with what is set for it, else with its defaults.
        models: the fill models, the one that counts first.

    """

    home: Path
    tapes: tuple[Path, ...] = ()
    chain: Chain | None = None
    config: Path | None = None
    sets: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    strategy: str | None = None
    models: tuple[str, ...] = MODELS


@attrs.frozen(kw_only=True)
class Wanted:
    """One variant before its settings are made."""

    name: str
    changes: tuple[Override, ...]


@attrs.frozen(kw_only=True)
class Prepared:
    """Everything a replay follows from, checked: nothing was read from the tapes but their heads.

    Args:
        venue: the venue's short name.
        tapes: what is played, in order.
        base: the settings everything is compared with.
        plans: base and variants, each under every model, in order.
        interval: how far apart ticks are where the tapes hold none.
        fidelity: of the lane whose tapes these are, if it was measured.
        notes: what a reader must know.

    """

    venue: str
    tapes: tuple[TapeReader, ...]
    base: LaneSettings
    plans: tuple[Plan, ...]
    interval: Micros
    fidelity: Fidelity | None = None
    notes: tuple[str, ...] = ()


def prepare(options: ReplayOptions, fidelity: Fidelity | None = None) -> Prepared:
    """Open the tapes and make the settings of every variant.

    Raises:
        ReplayError: if options do not go together, or what they name is not there.
        ConfigError: if a setting is impossible, with the words the file itself would get.
        TapeError: if a tape cannot be read.

    """
    paths, recorded = _paths(options)
    cache = _cache(Home(options.home))
    tapes = tuple(CachedTape(path, cache, allow_torn=True) for path in paths)
    venue = _venue(tapes)
    sourced, notes = _base(options, venue, recorded)
    if options.strategy is not None:
        sourced = _alone(sourced, options.strategy)
    base = settings_of(sourced)
    wanted = wanted_variants(options.sets, options.variants)
    plans = [_plans(BASE, base, (), options.models)]
    plans.extend(_changed(sourced, variant, options.models) for variant in wanted)
    return Prepared(
        venue=venue,
        tapes=tapes,
        base=base,
        plans=tuple(plan for group in plans for plan in group),
        interval=Micros(sourced.config.loop.interval_ms * 1000),
        fidelity=fidelity,
        notes=notes,
    )


def run_replay(
    prepared: Prepared, *, stop: Stop = _never, tell: Tell = lambda _: None
) -> ReplayResult:
    """Replay everything in one pass; stopped early, return what is known by then.

    Args:
        prepared: what to replay.
        stop: asked before every tick.
        tell: told which part of the tapes was played, from 0 to 1.

    """
    replay = replay_of(prepared.tapes, prepared.plans, prepared.interval, prepared.venue)
    notes = list(prepared.notes)
    try:
        replay.run(stop=stop, tell=tell)
    except MarketDataError as e:
        # What came before the fault is true: it is told, and that it is not all.
        notes.append(f"the tapes could not be read to their end: {e}")
    notes.extend(f"{tape.name} ends in the middle of a write" for tape in _torn(prepared.tapes))
    found = [lane.result() for lane in replay.lanes]
    variants = [
        Variant(
            name=name,
            settings=next(r.settings for r in found if r.name == name),
            models=tuple(r for r in found if r.name == name),
        )
        for name in dict.fromkeys(result.name for result in found)
    ]
    return ReplayResult(
        venue=prepared.venue,
        base=variants[0],
        variants=tuple(variants[1:]),
        tapes=tuple(TapeUsed(tape.name, tape.sha256) for tape in prepared.tapes),
        began=replay.began,
        ended=None if replay.began is None else replay.now,
        ticks=replay.ticks,
        records=replay.world.facts,
        coverage=replay.coverage(),
        complete=replay.complete,
        fidelity=prepared.fidelity,
        notes=tuple(notes),
    )


def replay_of(
    tapes: Sequence[TapeSource],
    plans: Sequence[Plan],
    interval: Micros,
    venue: str,
    observe: Callable[[ev.Event, Micros], None] | None = None,
) -> Replay:
    """Return a replay of plans over tapes, with a paper desk for each.

    Raises:
        TapeError: if the tapes do not belong together.

    """
    data = TapeVenue(tapes, interval=interval)

    def desk(world: World, plan: Plan) -> Execution:
        terms = attrs.evolve(plan.settings.fills, model=FillModel(plan.model))
        return paper_desk(venue, terms, world, data.capabilities)

    return plan_replay(plans, data, data, desk, observe=() if observe is None else (observe,))


def check_lookahead(
    prepared: Prepared,
    cuts: int,
    *,
    settings_on: SettingsOf = lambda _, settings: settings,
    stop: Stop = _never,
    tell: Tell = lambda _: None,
) -> LookaheadReport:
    """Replay the base with the future taken away at random places, the same ones every time.

    Args:
        prepared: what to replay; only its base is.
        cuts: how many places.
        settings_on: returns the settings of a lane that is given just these tapes.
        stop: asked before every tick.
        tell: told which part of the tapes was played, from 0 to 1.

    Raises:
        ReplayError: if there is nothing to cut.
        TapeError: if a tape cannot be read.

    """
    places = _places(prepared.tapes, cuts)
    lanes = [
        (cut, _followed(prepared, tapes, settings_on))
        for tapes, cut in (cut_tapes(prepared.tapes, place) for place in places)
    ]
    whole = _followed(prepared, prepared.tapes, settings_on)
    return LookaheadCheck(whole, lanes, describe).run(stop=stop, tell=tell)


def wanted_variants(sets: Sequence[str], variants: Sequence[str]) -> list[Wanted]:
    """Return what ``--set`` and ``--variant`` ask for.

    Raises:
        ReplayError: if one cannot be understood, or a name is given twice.

    """
    wanted = []
    if sets:
        changes = tuple(_assignment(text, "--set") for text in sets)
        wanted.append(Wanted(name=CHANGED, changes=changes))
    wanted.extend(_variant(text) for text in variants)
    if len(wanted) > _VARIANTS_MAX:
        msg = f"{len(wanted)} variants: at most {_VARIANTS_MAX} go into one pass"
        raise ReplayError(msg)
    names = [BASE, *(variant.name for variant in wanted)]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        msg = f"--variant {twice[0]}: this name is taken: call it something else"
        raise ReplayError(msg)
    return wanted


def measured(
    options: ReplayOptions,
    *,
    on_paper: bool = False,
    watch: Watch = iter,
    stop: Stop = _never,
) -> Fidelity:
    """Return the fidelity of the lane that the options name; see `measure_fidelity`.

    Raises:
        ReplayError: if they name none.
        JournalError: if its journal is damaged or a tape is missing.

    """
    chain, home = options.chain, Home(options.home)
    if chain is None:
        msg = "which lane? name it with --chain VENUE/LANE/RUN"
        raise ReplayError(msg)
    return measure_fidelity(
        home.journal_dir,
        chain,
        options.tapes,
        home,
        on_paper=on_paper,
        watch=watch,
        stop=stop,
    )


def _followed(prepared: Prepared, tapes: Sequence[TapeSource], settings_on: SettingsOf) -> Followed:
    settings = settings_on(tapes, prepared.base)
    plan = Plan(name=BASE, model=prepared.plans[0].model, settings=settings)
    lines: list[tuple[Micros, ev.Event]] = []
    replay = replay_of(
        tapes,
        [plan],
        prepared.interval,
        prepared.venue,
        lambda event, at: lines.append((at, event)),
    )
    return Followed(replay, lines)


def _places(tapes: Sequence[TapeSource], cuts: int) -> list[int]:
    if not 1 <= cuts <= _CUTS_MAX:
        msg = f"--cuts {cuts}: give from 1 to {_CUTS_MAX}"
        raise ReplayError(msg)
    total = count_records(tapes)
    if total < 2:  # noqa: PLR2004 - one on each side of a cut
        msg = f"the tapes hold {total} records: there is nothing to cut"
        raise ReplayError(msg)
    chance = random.Random(_CUT_SEED)  # noqa: S311 - places must be the same every time
    return sorted(chance.sample(range(1, total), min(cuts, total - 1)))


def _cache(home: Home) -> Path | None:
    """Return where decoded tapes are kept; nowhere without a home."""
    return home.cache_dir if home.state_dir.is_dir() else None


def _torn(tapes: Sequence[TapeReader]) -> list[TapeReader]:
    return [tape for tape in tapes if tape.truncated]


def _paths(options: ReplayOptions) -> tuple[list[Path], Sourced[VenueConfig] | None]:
    """Return the tapes to play, and the settings of the lane that they are taken from."""
    if options.tapes:
        return [path for given in options.tapes for path in _files(given)], None
    if options.chain is None:
        msg = "what to replay? give tapes with --tape FILE, or a lane with --chain VENUE/LANE/RUN"
        raise ReplayError(msg)
    return _of_chain(options.chain, Home(options.home))


def _files(given: Path) -> list[Path]:
    if given == SAMPLE and not given.exists():
        return [sample_tape()]
    if given.is_dir():
        found = [given / f"{name}{SUFFIX}" for name in recorded_in(given)]
        if not found:
            msg = f"{given}: there is no recorded tape in this folder: name the files"
            raise ReplayError(msg)
        return found
    if not given.is_file():
        msg = f"{given}: no such tape: `market-bot import` makes one from recorded files"
        raise ReplayError(msg)
    return [given]


def _of_chain(chain: Chain, home: Home) -> tuple[list[Path], Sourced[VenueConfig]]:
    reader = JournalReader(chain_folder(home.journal_dir, chain), chain)
    _, lives = lives_of(reader.read())
    started = lives[-1].first.event if lives else None
    if not isinstance(started, ev.BotStarted):
        msg = f"{chain}: the journal holds no bot_started: there is nothing to replay"
        raise ReplayError(msg)
    sourced = from_journal(started.config)
    if chain.lane == "tape":
        inputs = inputs_of_chain(chain, started, (), home)
        return list(inputs.tapes if isinstance(inputs, TapedInputs) else ()), sourced
    names = dict.fromkeys(name for life in lives for name in life.consumed)
    folder = home.tape_dir / chain.venue
    found = [
        next((p for p in (folder / chain.run / name, folder / name) if p.is_file()), None)
        for name in (f"{stem}{SUFFIX}" for stem in names)
    ]
    paths = [path for path in found if path is not None]
    if not paths:
        msg = f"{chain}: what it recorded was not found: give the tapes with --tape"
        raise ReplayError(msg)
    return paths, sourced


def _venue(tapes: Sequence[TapeReader]) -> str:
    venues = {tape.header.venue: tape.name for tape in tapes}
    if len(venues) > 1:
        held = ", ".join(f"{name} holds {venue}" for venue, name in venues.items())
        msg = f"{held}: replay one venue at a time"
        raise ReplayError(msg)
    return next(iter(venues))


def _base(
    options: ReplayOptions, venue: str, recorded: Sourced[VenueConfig] | None
) -> tuple[Sourced[VenueConfig], tuple[str, ...]]:
    """Return the settings to compare with, and where they come from if that is worth a word."""
    if options.config is not None:
        return read_venue(options.config), ()
    if recorded is not None:
        return recorded, ()
    path = Home(options.home).venue_file(venue)
    if path.is_file():
        return read_venue(path), ()
    name = f"{venue}.yaml"
    if name not in default_files():
        msg = f"there are no settings for {venue}: give a file with --config"
        raise ReplayError(msg)
    note = f"{path} does not exist: the base is the default settings"
    return parse_venue(default_files()[name], name), (note,)


def _alone(sourced: Sourced[VenueConfig], strategy: str) -> Sourced[VenueConfig]:
    """Return settings that trade one strategy: with what is set for it, else with its defaults."""
    names = [listed.name for listed in sourced.config.strategies]
    said = "--strategy"
    if strategy not in names:
        try:
            find_strategy(strategy)
        except UnknownPluginError as e:
            msg = f"--strategy {strategy}: {e}"
            raise ReplayError(msg) from e
        return override(sourced, [Override("strategies", f"[{{name: {strategy}}}]", said)])
    changes = [
        Override(f"strategies.{name}.enabled", "true" if name == strategy else "false", said)
        for name in names
    ]
    return override(sourced, changes)


def _changed(
    sourced: Sourced[VenueConfig], variant: Wanted, models: Sequence[str]
) -> Sequence[Plan]:
    changed = override(sourced, variant.changes)
    if changed.config.loop != sourced.config.loop:
        msg = (
            f"{variant.changes[0].said}: loop.interval_ms is the same for everything that goes "
            "through one pass: change it in a file and give that with --config"
        )
        raise ReplayError(msg)
    told = tuple(
        SettingChange(
            change.path,
            value_at(sourced.config, change.path),
            value_at(changed.config, change.path),
        )
        for change in variant.changes
    )
    return _plans(variant.name, settings_of(changed), told, models)


def _plans(
    name: str,
    settings: LaneSettings,
    changes: tuple[SettingChange, ...],
    models: Sequence[str],
) -> Sequence[Plan]:
    return [Plan(name=name, model=model, settings=settings, changes=changes) for model in models]


def _variant(text: str) -> Wanted:
    name, colon, rest = text.partition(":")
    name = name.strip()
    if not colon or not _NAME.match(name):
        msg = f"--variant {text[:60]!r}: write it like 'tight: sizing.order_usd=5, PATH=VALUE'"
        raise ReplayError(msg)
    said = f"--variant {name}:"
    parts = _parts(rest)
    if not parts:
        msg = f"{said} changes nothing: write PATH=VALUE after the colon"
        raise ReplayError(msg)
    return Wanted(name=name, changes=tuple(_assignment(part, said) for part in parts))


def _parts(text: str) -> list[str]:
    """Split at commas, but not within lists, sections and quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in _QUOTES:
            quote = letter
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth -= 1
        elif letter == "," and depth <= 0:
            parts.append("")
            continue
        parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _assignment(text: str, said: str) -> Override:
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        msg = f"{said} {text[:60]!r}: write it like sizing.order_usd=5"
        raise ReplayError(msg)
    return Override(path.strip(), value.strip(), said)
