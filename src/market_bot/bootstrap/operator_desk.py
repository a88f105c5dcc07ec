"""The running bot as its dashboard sees it: everything it shows, and what it can be told."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import attrs

import market_bot
from market_bot.adapters.llm.child import clean
from market_bot.adapters.storage.codec import event_data
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal import AppendPace
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.journal_search import JournalSearch
from market_bot.adapters.storage.journal_tools import tail
from market_bot.config.errors import ConfigError
from market_bot.config.loader import load_bot, read_venue
from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.nights import night_due
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Money,
    format_money,
    format_time,
)
from market_bot.core.ports.allowance import Allowance
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.dashboard import (
    AdvisorNow,
    ChainRow,
    Computed,
    ConfigChangeRow,
    ConfigFile,
    Consent,
    EquityCurve,
    FeedRow,
    Job,
    JournalPage,
    JournalQuery,
    KnobRow,
    LessonRow,
    Line,
    LineInContext,
    MarketDetail,
    MarketsPage,
    NightReview,
    NotNowError,
    NotOfferedError,
    NotThereError,
    Operator,
    OperatorError,
    Proposals,
    RateLimitRow,
    ReconciliationRow,
    Shown,
    StepUpError,
    SystemNow,
    ThreadRow,
    Trials,
    VenueNow,
    Why,
)
from market_bot.core.ports.desk import NightDesk
from market_bot.core.ports.journal import Chain, JournalError
from market_bot.core.ports.metrics import Metric
from market_bot.core.usecases.decide_proposal import Ledger
from market_bot.core.usecases.lane_controls import CommandRefused
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.trade_lane import CANCEL_ORDER, CLOSE_POSITION

from .allowlists import allowlist_of
from .jobs import JobFailedError, Jobs
from .kept_analytics import KeptAnalytics
from .looks import Looks
from .message_ring import MessageRing
from .night_work import read_ledger
from .running_bot import RunningBot
from .shown_decisions import Decisions, LaneDecisions
from .shown_journals import ShownJournals
from .shown_markets import ShownMarkets
from .shown_metrics import Gauges, metrics_of
from .shown_tuning import (
    NIGHT_TYPES,
    TRIAL_TYPES,
    lesson_rows,
    proposals_of,
    reviews_of,
    trials_of,
)
from .system_log import CHAIN as SYSTEM

LOG_LINES: Final = 50
_LEAK_LINES: Final = 1_000
_TRIAL_LINES: Final = 2_000
_TEXT_MAX: Final = 200
_MS: Final = 1_000
_MEGABYTE: Final = 1 << 20
_ADVISE_S: Final = 600.0
_NIGHT_S: Final = 1_200.0
_LOOK_S: Final = 1.0
_FLATTEN: Final = ": flatten"

T = TypeVar("T")
Ledgers = Callable[[Chain], "Ledger | None"]
Allowances = Mapping[str, Mapping[str, Sequence[Allowance]]]


def no_ledgers(_: Chain) -> Ledger | None:
    """Return that nobody keeps a lane's ledger: it is read when it is asked for."""
    return None


@attrs.frozen(kw_only=True)
class Surrounding:
    """What the desk needs besides the bot.

    Args:
        home: where everything lies.
        clock: the time.
        looks: into the lanes.
        messages: the last things the program said.
        environment: what children may know of it, they are told.
        note: takes facts that belong to no lane.
        ledgers: returns what a lane's journal says of nights, None where nobody keeps it.
        allowances: returns how much each lane may still ask its venue, by what it asks for.
        journals: how long writing down takes, by the name of the lane.

    """

    home: Home
    clock: Clock
    looks: Looks
    messages: MessageRing
    environment: Mapping[str, str]
    note: Callable[[ev.Event], None]
    ledgers: Ledgers = no_ledgers
    allowances: Callable[[], Allowances] = dict
    journals: Mapping[str, AppendPace] = attrs.field(factory=dict)


class OperatorDesk(Operator):
    """Answers the dashboard's questions and takes its commands; any thread may call.

    Args:
        bot: the lanes and their threads.
        around: everything else.

    """

    def __init__(self, bot: RunningBot, around: Surrounding) -> None:
        self._bot, self._around = bot, around
        home, clock = around.home, around.clock
        self._search = JournalSearch(home.journal_dir)
        self._journals = ShownJournals(home.journal_dir, self._search, bot.lanes, clock.now)
        self._markets = ShownMarkets(
            around.looks, bot.lanes, self._search, clock.elapsed, clock.now
        )
        self._analytics = KeptAnalytics(home.journal_dir, around.environment, clock.elapsed)
        self._decisions = Decisions(clock.now)
        self._jobs = Jobs(clock.now)

    # -- the desk ----------------------------------------------------------------------------

    def lanes(self) -> Sequence[LaneSnapshot]:
        return self._bot.lanes()

    def about(self) -> Mapping[str, str]:
        return self._bot.about()

    def stalled(self) -> Sequence[str]:
        return self._bot.stalled()

    def recent(self, count: int) -> Sequence[Mapping[str, object]]:
        return self._bot.recent(count)

    def halt(self, by: str, reason: str) -> None:
        self._bot.halt(by, reason)

    def resume(self, by: str) -> None:
        self._bot.resume(by)

    def flatten(self, by: str) -> None:
        self._bot.flatten(by)

    def arm(self, venue: str, by: str, phrase: str, minutes: int) -> None:
        self._bot.arm(venue, by, phrase, minutes)

    def disarm(self, venue: str, by: str) -> None:
        self._bot.disarm(venue, by)

    def accept_cash(self, venue: str, by: str) -> None:
        self._bot.accept_cash(venue, by)

    def restore_settings(self, venue: str, by: str, version: str, expected: str) -> None:
        self._bot.restore_settings(venue, by, version, expected)

    def nights(self) -> NightDesk:
        try:
            return self._bot.nights()
        except LookupError as e:
            raise NotOfferedError(str(e)) from e

    def shut_down(self, by: str) -> None:
        self._bot.shut_down(by)

    # -- reading -----------------------------------------------------------------------------

    def waiting(self) -> tuple[int, str | None]:
        ledgers = [self._around.ledgers(_chain(one)) for one in self._bot.lanes()]
        known = [one.queue for one in ledgers if one is not None]
        trials = [queue.trial for queue in known if queue.trial is not None]
        return sum(len(queue.open) for queue in known), trials[0] if trials else None

    def venues(self) -> Sequence[VenueNow]:
        return self._markets.venues()

    def markets(self, lane: str, text: str, only: str, limit: int, offset: int) -> MarketsPage:
        return self._markets.markets(lane, text, only, limit, offset)

    def market(self, lane: str, market: str) -> MarketDetail:
        return self._reading(lambda: self._markets.market(lane, market))

    def why(self, lane: str, market: str) -> Why:
        return self._reading(lambda: self._journals.why(lane, market))

    def chains(self) -> Sequence[ChainRow]:
        return self._reading(self._journals.chains)

    def journal(self, query: JournalQuery) -> JournalPage:
        return self._reading(lambda: self._journals.journal(query))

    def line(self, chain: str, seq: int) -> LineInContext:
        return self._reading(lambda: self._journals.line(chain, seq))

    def equity(self, lane: str, hours: int, points: int) -> EquityCurve:
        return self._reading(lambda: self._journals.equity(lane, hours, points))

    def analytics(self, lane: str, days: int) -> Computed:
        chain = self._journals.chain_of(lane)
        picture = next((one for one in self._bot.lanes() if _chain(one) == chain), None)
        now = self._around.clock.now()
        until = picture.at if picture is not None and picture.at else now
        return self._analytics.of(chain, days, until, format_time(now))

    def leaks(self, lane: str, nights: int) -> Sequence[NightReview]:
        chain = self._journals.chain_of(lane)
        found = self._reading(lambda: self._journals.facts(chain, NIGHT_TYPES, _LEAK_LINES))
        return reviews_of(found.lines, nights)

    def proposals(self, lane: str) -> Proposals:
        chain = self._journals.chain_of(lane)
        return proposals_of(_name(chain), self._ledger(chain).queue)

    def trials(self, lane: str) -> Trials:
        chain = self._journals.chain_of(lane)
        found = self._reading(lambda: self._journals.facts(chain, TRIAL_TYPES, _TRIAL_LINES))
        return trials_of(_name(chain), found.lines)

    def learned(self, lane: str) -> Sequence[LessonRow]:
        return lesson_rows(self._ledger(self._journals.chain_of(lane)).memory.lessons())

    def advisor(self) -> AdvisorNow:
        advisor = load_bot(self._around.home.bot_file).advisor
        model = advisor.kind.value == "claude"
        return AdvisorNow(
            kind=advisor.kind.value,
            model=advisor.model if model else None,
            max_cost_usd=format_money(advisor.max_cost_usd) if model else None,
            spent_usd=self._spent(),
            last=self._jobs.last("advisor"),
        )

    def configuration(self) -> Sequence[ConfigFile]:
        files = sorted(self._around.home.config_dir.glob("*.yaml"))
        return tuple(self._config_file(path.name, path.read_bytes()) for path in files)

    def knobs(self, venue: str) -> Sequence[KnobRow]:
        path = self._venue_file(venue)
        try:
            allowlist = allowlist_of(read_venue(path), path.name)
        except ConfigError as e:
            raise NotNowError(e.lines[0]) from e
        return tuple(
            KnobRow(
                path=entry.path,
                value=entry.value,
                low=entry.knob.low,
                high=entry.knob.high,
                step=entry.knob.step,
                unit=entry.knob.unit,
                next=tuple(entry.next),
            )
            for entry in allowlist.entries.values()
        )

    def config_history(self, lane: str) -> Sequence[ConfigChangeRow]:
        return self._reading(lambda: self._journals.config_history(lane))

    def system(self) -> SystemNow:
        home, about = self._around.home, self._bot.about()
        return SystemNow(
            version=market_bot.__version__,
            python=platform.python_version(),
            started=about.get("started", ""),
            now=format_time(self._around.clock.now()),
            threads=tuple(self._threads()),
            feeds=tuple(self._feeds()),
            rate_limits=tuple(self._rate_limits()),
            reconciliation=tuple(
                ReconciliationRow(
                    lane=f"{one.venue}/{one.lane}",
                    agreed_at=format_time(one.agreed_at) if one.agreed_at else None,
                    unreconciled=one.unreconciled,
                    differences=tuple(one.differences),
                )
                for one in self._bot.lanes()
                if one.live
            ),
            log=self._log(),
            messages=self._around.messages.messages(),
            disk_free_mb=shutil.disk_usage(home.path).free // _MEGABYTE,
        )

    def metrics(self) -> Sequence[Metric]:
        return metrics_of(
            self._bot,
            Gauges(
                feed_ages=lambda: {one.lane: one.feed_age_s for one in self._markets.venues()},
                allowances=self._around.allowances,
                journals=self._around.journals,
                disk_free_mb=lambda: shutil.disk_usage(self._around.home.path).free // _MEGABYTE,
            ),
        )

    def job(self, job: str) -> Job:
        return self._jobs.get(job)

    # -- telling -----------------------------------------------------------------------------

    def note_access(self, by: str, what: str) -> None:
        self._around.note(ev.Asked(by=by, what=what))

    def lift_halt(self, by: str, *, sure: bool) -> None:
        if not sure and any(_killed(one) for one in self._bot.lanes()):
            _prove_again()
        self._bot.resume(by)

    def pause(self, lane: str, by: str, reason: str) -> None:
        self._running(lane)
        self._bot.tell_lane(lane, ev.Halt(by=_one_line(by), reason=_one_line(reason)))

    def unpause(self, lane: str, by: str, *, sure: bool) -> None:
        picture = self._running(lane)
        if not sure and _killed(picture):
            _prove_again()
        if self._around.home.halt_file.exists():
            msg = "the whole bot is halted: resume that"
            raise CommandRefused(msg)
        self._bot.tell_lane(lane, ev.Resume(by=_one_line(by)))

    def cancel_order(self, lane: str, intent: str, by: str) -> None:
        picture = self._running(lane)
        if not any(order.intent == intent for order in picture.orders):
            msg = f"{intent[:60]}: no such order waits any more"
            raise NotThereError(msg)
        self._bot.tell_lane(lane, ev.Asked(by=_one_line(by), what=CANCEL_ORDER, intent=intent))

    def close_position(self, lane: str, market: str, leg: str, by: str) -> None:
        picture, wanted = self._running(lane), Leg(leg)
        held = (one.position for one in picture.positions)
        if not any((one.market, one.leg) == (market, wanted) for one in held):
            msg = f"{market[:60]} {leg}: nothing is held there any more"
            raise NotThereError(msg)
        asked = ev.Asked(by=_one_line(by), what=CLOSE_POSITION, market=market, leg=wanted)
        self._bot.tell_lane(lane, asked)

    def run_evaluation(self, lane: str, by: str) -> str:
        nights, chain = self.nights(), self._journals.chain_of(lane)
        self._around.note(ev.Asked(by=_one_line(by), what="run_evaluation", detail=str(chain)))
        return self._jobs.start("evaluation", lambda: self._evaluated(chain, nights))

    def ask_advisor(self, lane: str, by: str) -> str:
        chain = self._journals.chain_of(lane)
        self._around.note(ev.Asked(by=_one_line(by), what="ask_advisor", detail=str(chain)))
        return self._jobs.start("advisor", lambda: self._advised(chain))

    def consent(self, shown: Shown) -> Consent:
        return self._decisions.consent(self._deciding(shown.lane), shown)

    def approve(self, lane: str, proposal: str, token: str, by: str, *, sure: bool) -> str:
        return self._decisions.approve(
            self._deciding(lane), proposal, token, _one_line(by), sure=sure
        )

    def reject(
        self, lane: str, proposal: str, token: str, by: str, *, reason: str, note: str
    ) -> str:
        return self._decisions.reject(
            self._deciding(lane), proposal, token, _one_line(by), reason=reason, note=note
        )

    def undo_learning(
        self, lane: str, path: str, direction: int, rule: str, by: str, note: str
    ) -> None:
        self._running(lane)
        lessons = self._ledger(self._journals.chain_of(lane)).memory.lessons()
        if not any((o.path, o.direction, o.rule) == (path, direction, rule) for o in lessons):
            msg = "nothing was learnt about that"
            raise NotThereError(msg)
        undone = ev.LearningUndone(
            path=path, direction=direction, rule=rule, by=_one_line(by), note=_one_line(note)
        )
        self._bot.record(lane, undone)

    # -- how ---------------------------------------------------------------------------------

    def _reading(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except JournalError as e:
            raise NotNowError(str(e)) from e

    def _running(self, lane: str) -> LaneSnapshot:
        for one in self._bot.lanes():
            if lane == f"{one.venue}/{one.lane}":
                return one
        msg = f"{lane[:60]}: there is no such lane"
        raise NotThereError(msg)

    def _ledger(self, chain: Chain) -> Ledger:
        kept = self._around.ledgers(chain)
        if kept is not None:
            return kept
        return self._reading(lambda: read_ledger(self._around.home, chain)[0])

    def _deciding(self, lane: str) -> LaneDecisions:
        self._running(lane)
        chain = self._journals.chain_of(lane)
        return LaneDecisions(
            chain=chain,
            ledger=lambda: self._ledger(chain),
            nights=self.nights(),
        )

    def _venue_file(self, venue: str) -> Path:
        try:
            path = self._around.home.venue_file(venue)
        except OSError as e:
            raise NotThereError(str(e)) from e
        if not path.is_file():
            msg = f"{path.name}: there is no such file"
            raise NotThereError(msg)
        return path

    def _config_file(self, name: str, data: bytes) -> ConfigFile:
        text = self._around.messages.hide(data.decode("utf-8", errors="replace"))
        return ConfigFile(name=name, text=text, sha256=hashlib.sha256(data).hexdigest())

    def _threads(self) -> list[ThreadRow]:
        return [
            ThreadRow(
                name=one.name,
                alive=one.alive,
                busy_s=None if one.busy_for is None else round(one.busy_for / SECOND, 3),
                steps=one.pace.steps,
                last_ms=_ms(one.pace.last),
                longest_ms=_ms(one.pace.longest),
                failure=one.failure,
            )
            for one in self._bot.workers()
        ]

    def _feeds(self) -> list[FeedRow]:
        ages = {one.lane: one.feed_age_s for one in self._markets.venues()}
        rows = []
        for one in self._bot.lanes():
            name = f"{one.venue}/{one.lane}"
            try:
                glance = self._markets.glance(name, 0.2)
            except OperatorError:
                glance = None
            rows.append(
                FeedRow(
                    lane=name,
                    age_s=ages.get(name),
                    ticks=one.ticks,
                    gaps=None if glance is None else glance.gaps,
                    ignored=None if glance is None else glance.ignored,
                )
            )
        return rows

    def _rate_limits(self) -> Iterator[RateLimitRow]:
        for lane, parts in self._around.allowances().items():
            for part, found in parts.items():
                for one in found:
                    yield RateLimitRow(
                        name=f"{lane}: {one.name} of {part}",
                        left=str(one.left),
                        limit=str(one.most),
                        per_second=str(one.per_second),
                    )

    def _log(self) -> tuple[Line, ...]:
        folder = chain_folder(self._around.home.journal_dir, SYSTEM)
        try:
            entries = tail(folder, SYSTEM, LOG_LINES)
        except JournalError:
            # A line was just being written; the next look finds it whole.
            return ()
        return tuple(
            {
                "seq": entry.seq,
                "ts": format_time(entry.at),
                "venue": SYSTEM.venue,
                "lane": SYSTEM.lane,
                "run": "",
                "type": entry.type,
                "data": {} if entry.event is None else event_data(entry.event),
            }
            for entry in entries
        )

    def _spent(self) -> str | None:
        nights = [
            ended
            for one in self._bot.lanes()
            if (ledger := self._around.ledgers(_chain(one))) is not None
            for ended in ledger.log.ended.values()
        ]
        if not nights:
            return None
        newest = max(one.night for one in nights)
        return format_money(Money(sum(one.spent for one in nights if one.night == newest)))

    def _evaluated(self, chain: Chain, nights: NightDesk) -> tuple[str, Mapping[str, Any] | None]:
        minute = load_bot(self._around.home.bot_file).nightly.minute_of_day
        picture = next((one for one in self._bot.lanes() if _chain(one) == chain), None)
        if picture is None or not picture.at:
            msg = f"{chain}: no such lane trades"
            raise JobFailedError(msg)
        if picture.caught_up is not None:
            msg = "what was done before is still derived again: ask when it trades"
            raise JobFailedError(msg)
        night = night_due(picture.at, minute)
        try:
            nights.evaluate(str(chain))
        except CommandRefused as e:
            raise JobFailedError(str(e)) from e
        deadline = time.monotonic() + _NIGHT_S
        while time.monotonic() < deadline:
            ended = self._ledger(chain).log.ended.get(night)
            if ended is not None:
                told = f"night {night}: {ended.queued} queued, {ended.dropped} dropped"
                return told, {"night": night, "queued": ended.queued, "dropped": ended.dropped}
            time.sleep(_LOOK_S)
        msg = f"night {night} of {chain} is not over yet; its findings come in later"
        raise JobFailedError(msg)

    def _advised(self, chain: Chain) -> tuple[str, Mapping[str, Any] | None]:
        home = str(self._around.home.path)
        words = ("advise", "--home", home, "--venue", chain.venue, "--json")
        try:
            done = subprocess.run(  # noqa: S603 - the program is the bot's own
                [sys.executable, "-m", "market_bot", *words],
                capture_output=True,
                timeout=_ADVISE_S,
                check=False,
                env=clean(self._around.environment),
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.SubprocessError) as e:
            msg = f"the advisor could not be asked ({type(e).__name__})"
            raise JobFailedError(msg) from e
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise JobFailedError(self._around.messages.hide(said[-1] if said else "it failed"))
        return "asked; nothing was queued", json.loads(done.stdout)


def _chain(lane: LaneSnapshot) -> Chain:
    return Chain(lane.venue, lane.lane, lane.run)


def _name(chain: Chain) -> str:
    return f"{chain.venue}/{chain.lane}"


def _killed(lane: LaneSnapshot) -> bool:
    """Tell whether a halt of this lane did more than open nothing."""
    return lane.halted is not None and (lane.live or lane.halted.endswith(_FLATTEN))


def _prove_again() -> NoReturn:
    msg = "orders were cancelled or all was sold: prove once more that it is you"
    raise StepUpError(msg)


def _ms(took: Duration | None) -> float | None:
    return None if took is None else round(took / _MS, 3)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_TEXT_MAX] or "dashboard"
