"""Replays of a lane's own tapes for its night: every variant in one pass, on earlier days.

The days that findings come from do not count: the week before the night where enough was recorded
before it, else at least the last day. Everything is replayed under the pessimistic fill model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.storage.tape_cache import CachedTape
from market_bot.adapters.storage.tape_files import RECORDED, SUFFIX, recorded_in
from market_bot.bootstrap.fidelity_run import measure_fidelity
from market_bot.bootstrap.prove_recorded import lives_of
from market_bot.bootstrap.prove_run import inputs_of_chain
from market_bot.bootstrap.replay_run import BASE, replay_of
from market_bot.bootstrap.run_inputs import TapedInputs
from market_bot.bootstrap.settings import settings_of
from market_bot.config.errors import ConfigError
from market_bot.config.loader import Sourced
from market_bot.config.overrides import Override, override, value_at
from market_bot.config.schema import VenueConfig
from market_bot.core.domain import events as ev
from market_bot.core.domain.fills.terms import FillModel
from market_bot.core.domain.nights import DAY, judged_by
from market_bot.core.domain.numbers import Micros, Money, utc_date
from market_bot.core.domain.replay_report.judge import DAYS_MIN
from market_bot.core.domain.replay_result import (
    Fidelity,
    SettingChange,
    Variant,
    VariantResult,
)
from market_bot.core.ports.journal import Chain, JournalError
from market_bot.core.ports.market_data import MarketDataError
from market_bot.core.ports.replays import NotReplayed, Replayed, Replays, Variation
from market_bot.core.usecases.replay import Plan, Replay

DAYS_MAX: Final = 21
WEEK: Final = 7
FIDELITY_TICKS: Final = 10_000
"""So many ticks of a lane are decided again to learn how faithful its replays are."""

_MODEL: Final = FillModel.PESSIMISTIC.value

Stop = Callable[[], bool]


def _never() -> bool:
    return False


@attrs.frozen(kw_only=True)
class NightReplays(Replays):
    """Replays one lane.

    Args:
        home: where its tapes and journal lie.
        chain: which lane.
        sourced: its settings as the file has them now.
        stop: asked before every tick.

    """

    home: Home
    chain: Chain
    sourced: Sourced[VenueConfig]
    stop: Stop = _never

    def replay(self, night: str, variations: Sequence[Variation]) -> Replayed | NotReplayed:
        try:
            return self._replay(night, variations)
        except (MarketDataError, JournalError, ConfigError, OSError) as e:
            return NotReplayed(" ".join(str(e).split())[:300])

    def _replay(self, night: str, variations: Sequence[Variation]) -> Replayed | NotReplayed:
        paths = self._tapes()
        recorded = sorted({path.name[:10] for path in paths if _is_recorded(path)})
        first, last = _span(night, recorded)
        wanted = [
            path for path in paths if not _is_recorded(path) or first <= path.name[:10] < last
        ]
        if not wanted:
            return NotReplayed("nothing was recorded before the days that the findings come from")
        replay = replay_of(
            [CachedTape(path, None, allow_torn=True) for path in wanted],
            self._plans(variations),
            Micros(self.sourced.config.loop.interval_ms * 1000),
            self.chain.venue,
        )
        replay.run(stop=self.stop)
        return self._told(replay, first, last, night)

    def _told(self, replay: Replay, first: str, last: str, night: str) -> Replayed | NotReplayed:
        coverage = replay.coverage()
        days = tuple(day for day in coverage.days if first <= day < last)
        if not replay.complete:
            return NotReplayed("the replay did not end in time")
        variants = {
            lane.plan.name: Variant(
                name=lane.plan.name,
                settings=lane.plan.changes,
                models=(_within(lane.result(), first, last),),
            )
            for lane in replay.lanes
        }
        base = variants.pop(BASE)
        judged = utc_date(judged_by(night)[0])
        return Replayed(
            base=base,
            variants=variants,
            days=days,
            training=tuple(_dates(last, judged)),
            coverage=attrs.evolve(coverage, days=days),
            fidelity=self._fidelity(),
        )

    def _plans(self, variations: Sequence[Variation]) -> list[Plan]:
        plans = [Plan(name=BASE, model=_MODEL, settings=settings_of(self.sourced))]
        for variation in variations:
            change = Override(variation.path, variation.value, variation.name)
            try:
                changed = override(self.sourced, [change])
                settings = settings_of(changed)
            except ConfigError:
                continue  # A value that cannot be together with the others is not tried.
            told = SettingChange(
                variation.path,
                value_at(self.sourced.config, variation.path),
                value_at(changed.config, variation.path),
            )
            plans.append(
                Plan(name=variation.name, model=_MODEL, settings=settings, changes=(told,))
            )
        return plans

    def _tapes(self) -> list[Path]:
        """Return the lane's tapes in the order of playing."""
        if self.chain.lane == "tape":
            reader = JournalReader(chain_folder(self.home.journal_dir, self.chain), self.chain)
            _, lives = lives_of(reader.read())
            started = lives[-1].first.event if lives else None
            if not isinstance(started, ev.BotStarted):
                return []
            inputs = inputs_of_chain(self.chain, started, (), self.home)
            return list(inputs.tapes) if isinstance(inputs, TapedInputs) else []
        folder = self.home.tape_dir / self.chain.venue
        own = folder / self.chain.run if self.chain.run else folder
        return [own / f"{name}{SUFFIX}" for name in recorded_in(own)]

    def _fidelity(self) -> Fidelity | None:
        ticks = 0

        def enough() -> bool:
            nonlocal ticks
            ticks += 1
            return ticks > FIDELITY_TICKS or self.stop()

        try:
            return measure_fidelity(
                self.home.journal_dir,
                self.chain,
                (),
                self.home,
                on_paper=True,
                stop=enough,
            )
        except (JournalError, MarketDataError):
            return None


def _is_recorded(path: Path) -> bool:
    return bool(RECORDED.match(path.name.removesuffix(SUFFIX)))


def _span(night: str, recorded: Sequence[str]) -> tuple[str, str]:
    """Return the first day to replay, and the first one after the last."""
    _, until = judged_by(night)
    week = _days(until, DAYS_MAX + WEEK, WEEK)
    enough = sum(1 for day in recorded if week[0] <= day < week[1]) >= DAYS_MIN
    return week if enough else _days(until, DAYS_MAX + 1, 1)


def _dates(first: str, last: str) -> Iterator[str]:
    at = judged_by(first)[1]
    while (day := utc_date(at)) <= last:
        yield day
        at = Micros(at + DAY)


def _days(until: Micros, first: int, last: int) -> tuple[str, str]:
    return utc_date(Micros(until - first * DAY)), utc_date(Micros(until - last * DAY))


def _within(result: VariantResult, first: str, last: str) -> VariantResult:
    """Return what a variant did on some days alone."""
    per_day = {day: of for day, of in result.per_day.items() if first <= day < last}
    if len(per_day) == len(result.per_day):
        return result
    per_event: dict[str, Money] = {}
    for of in per_day.values():
        for event, amount in of.items():
            per_event[event] = Money(per_event.get(event, 0) + amount)
    trades = tuple(trade for trade in result.trades if first <= utc_date(trade.opened_at) < last)
    return attrs.evolve(
        result,
        per_day=per_day,
        per_event=dict(sorted(per_event.items())),
        pnl=Money(sum(per_event.values())),
        trades=trades,
    )
