"""What the dashboard shows of a bot, and what it can tell it.

Values here are ready to be shown: numbers with a unit are decimal strings (dollars, dollars per
contract, contracts), times are ISO 8601 in UTC, and None is what is not known. A lane is called
``venue/lane``, a chain ``venue/lane[/run]``.

Another bot is shown by the same pages if it implements `Operator`: `Desk` has to be there, of the
rest what it has. What it leaves out is answered with "this bot cannot do that".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Protocol

import attrs

from market_bot.core.domain.numbers import NEVER, format_money, format_time
from market_bot.core.usecases.lane_snapshot import LaneSnapshot, day_band

from .desk import Desk
from .metrics import Metric

Line = Mapping[str, Any]
"""A journal line: seq, ts, venue, lane, run, cfg, type, data."""


class OperatorError(Exception):
    """The bot did not do what was asked; the message is one line for people."""


class NotOfferedError(OperatorError):
    """This bot cannot do that at all."""


class NotThereError(OperatorError):
    """There is no such lane, market, order, position, proposal, line or job."""


class NotNowError(OperatorError):
    """The bot cannot tell at this moment; asking again may help."""


class ConflictError(OperatorError):
    """Somebody else was first, or what was shown is no longer so."""


class StepUpError(OperatorError):
    """This takes a second proof of who asks; see `Operator`."""


class BadQueryError(OperatorError):
    """What was asked for makes no sense; the message says what does."""


@attrs.frozen(kw_only=True)
class VenueNow:
    """How a lane's venue stands; ``feed_age_s`` are seconds since it last told anything."""

    lane: str
    venue: str
    phase: str
    live: bool
    venue_state: str | None
    markets: int | None
    feed_age_s: float | None
    last_tick_at: str | None
    halted: str | None
    degraded: str | None
    error: str | None
    not_ready: str | None
    unreconciled: str | None
    armed_until: str | None


@attrs.frozen(kw_only=True)
class HeldLeg:
    """What is held of a leg."""

    leg: str
    size: str
    strategy: str


@attrs.frozen(kw_only=True)
class MarketRow:
    """A market as last consumed; prices are YES prices. ``title`` is text of the venue."""

    market: str
    event: str
    family: str
    category: str
    title: str
    status: str
    closes_at: str | None
    bid: str | None
    ask: str | None
    bid_size: str | None
    ask_size: str | None
    mid: str | None
    spread: str | None
    last_trade: str | None
    book_at: str | None
    book_age_s: float | None
    held: tuple[HeldLeg, ...] = ()
    orders: int = 0
    resolved: bool = False


@attrs.frozen(kw_only=True)
class MarketsPage:
    """Some markets of a lane; ``total`` is how many fit what was asked."""

    lane: str
    at: str
    total: int
    markets: tuple[MarketRow, ...]


@attrs.frozen(kw_only=True)
class Level:
    """Everything displayed at one price."""

    price: str
    size: str


@attrs.frozen(kw_only=True)
class PrintNow:
    """Somebody's trade; ``side`` says what was bought or sold: YES."""

    at: str
    side: str
    price: str
    size: str


@attrs.frozen(kw_only=True)
class WishNow:
    """What a strategy wants of a market, and which gates refuse it."""

    strategy: str
    leg: str
    purpose: str
    refused_by: tuple[str, ...]
    refused_for: int
    price: str | None
    reason: str | None


@attrs.frozen(kw_only=True)
class ScanNow:
    """When the lane last looked, and how often it has."""

    at: str | None
    ticks: int


@attrs.frozen(kw_only=True)
class MarketDetail:
    """One market: book, own part in it, what happened lately, and what is wanted of it."""

    lane: str
    at: str
    market: MarketRow
    tick: str | None
    min_size: str
    size_step: str
    strike: str | None
    condition: str | None
    at_most_one: bool
    exhaustive: bool
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    orders: tuple[Mapping[str, Any], ...]
    positions: tuple[Mapping[str, Any], ...]
    fills: tuple[Line, ...]
    mids: tuple[tuple[str, str], ...]
    prints: tuple[PrintNow, ...]
    last_scan: ScanNow
    wanted: tuple[WishNow, ...]


@attrs.frozen(kw_only=True)
class ReasonRow:
    """One fact about a market, in words; the last one of a list has the type "result"."""

    seq: int
    at: str
    type: str
    text: str


@attrs.frozen(kw_only=True)
class Why:
    """Why a market was or was not traded; incomplete if the journal was too long to read."""

    lane: str
    market: str
    complete: bool
    reasons: tuple[ReasonRow, ...]


@attrs.frozen(kw_only=True)
class ChainRow:
    """A chain of the home."""

    name: str
    running: bool


@attrs.frozen(kw_only=True)
class JournalQuery:
    """Which lines are wanted, the newest first.

    Args:
        chain: which journal; "" is that of the first lane.
        types: of which types; none means all.
        market: whose market.
        strategy: whose strategy.
        text: what stands somewhere in the line, in letters large or small.
        since: first moment, ISO 8601.
        until: first moment no longer wanted.
        before: only lines with a lower number.
        limit: how many at most.

    """

    chain: str = ""
    types: tuple[str, ...] = ()
    market: str = ""
    strategy: str = ""
    text: str = ""
    since: str = ""
    until: str = ""
    before: int | None = None
    limit: int = 50


@attrs.frozen(kw_only=True)
class JournalPage:
    """Lines, the newest first; ``next`` is the ``before`` of what follows, None at the end.

    ``complete`` is False if time ran out before the page was full; ``scanned`` lines were read.
    """

    chain: str
    lines: tuple[Line, ...]
    next: int | None
    complete: bool
    scanned: int


@attrs.frozen(kw_only=True)
class LineInContext:
    """One line, what led to it and what came of it, each the oldest first."""

    line: Line
    causes: tuple[Line, ...]
    consequences: tuple[Line, ...]
    hash: str
    prev: str


@attrs.frozen(kw_only=True)
class ChangeMark:
    """A moment worth a mark in a plot."""

    at: str
    seq: int
    type: str
    text: str


@attrs.frozen(kw_only=True)
class EquityCurve:
    """Equity of a lane over time, thinned out, with what changed meanwhile."""

    lane: str
    points: tuple[tuple[str, str], ...]
    changes: tuple[ChangeMark, ...]


@attrs.frozen(kw_only=True)
class Band:
    """The day's result by what open positions may be worth, in dollars; see `DayBand`."""

    pessimistic: str
    realistic: str
    optimistic: str
    at: str


@attrs.frozen(kw_only=True)
class Computed:
    """Something that takes a while: "computing", "ready" with a value, or "failed" with why."""

    state: str
    at: str | None = None
    value: Mapping[str, Any] | None = None
    detail: str | None = None


@attrs.frozen(kw_only=True)
class LeakRow:
    """A finding; costs are dollars a day, ``evidence`` numbers of lines."""

    seq: int
    finding: str
    rule: str
    version: int
    status: str
    kind: str
    night: str
    n: int
    events: int
    cost_low: str
    cost_point: str
    evidence: tuple[int, ...]
    knobs: tuple[str, ...]
    detail: Mapping[str, str]
    diagnosis: Mapping[str, Any] | None = None


@attrs.frozen(kw_only=True)
class NightReview:
    """A night's evaluation of a lane."""

    seq: int
    at: str
    night: str
    since: str
    until: str
    findings: int
    confirmed: int
    leaks: tuple[LeakRow, ...]
    ended: Mapping[str, Any] | None = None


@attrs.frozen(kw_only=True)
class ProposalCard:
    """A proposal with everything a person decides by; texts are untrusted."""

    id: str
    finding: str
    rule: str
    file: str
    path: str
    before: str
    after: str
    rationale: str
    advisor: str
    config: str
    card: Mapping[str, str]
    stage: str
    since: str | None
    expires_at: str | None
    decided_at: str | None
    by: str
    reason: str
    note: str
    raises_exposure: bool


@attrs.frozen(kw_only=True)
class Proposals:
    """The queue of a lane; the open ones oldest first, the decided ones newest first."""

    lane: str
    open: tuple[ProposalCard, ...]
    decided: tuple[ProposalCard, ...]
    trial: str | None
    rejections: tuple[str, ...]


@attrs.frozen(kw_only=True)
class TrialCheckRow:
    """One look at a trial."""

    at: str
    minute: int
    verdict: str
    numbers: Mapping[str, str]


@attrs.frozen(kw_only=True)
class OutcomeRow:
    """What a change brought, in dollars a day."""

    hours: int
    gain: str | None
    low: str | None
    high: str | None


@attrs.frozen(kw_only=True)
class TrialRow:
    """A trial and what became of it; ``verdict`` is None while it runs."""

    id: str
    proposal: str
    path: str
    before: str
    after: str
    started_at: str
    baseline: Mapping[str, str]
    checks: tuple[TrialCheckRow, ...]
    verdict: str | None
    reason: str
    ended_at: str | None
    blocked_until: str | None
    outcomes: tuple[OutcomeRow, ...]


@attrs.frozen(kw_only=True)
class Trials:
    """The trials of a lane, the ended ones newest first."""

    lane: str
    running: TrialRow | None
    ended: tuple[TrialRow, ...]


@attrs.frozen(kw_only=True)
class LessonRow:
    """What decisions and results taught about one way to turn a knob."""

    path: str
    direction: int
    rule: str
    approvals: int
    rejections: tuple[Mapping[str, str], ...]
    outcomes: tuple[OutcomeRow, ...]
    blocks: tuple[Mapping[str, str], ...]
    approval: float


@attrs.frozen(kw_only=True)
class Job:
    """Something that was started and takes a while: "running", "done" or "failed"."""

    job: str
    kind: str
    state: str
    started_at: str
    ended_at: str | None = None
    detail: str = ""
    result: Mapping[str, Any] | None = None


@attrs.frozen(kw_only=True)
class AdvisorNow:
    """Who advises, and what that may cost."""

    kind: str
    model: str | None
    max_cost_usd: str | None
    spent_usd: str | None
    last: Job | None


@attrs.frozen(kw_only=True)
class ConfigFile:
    """A settings file as it stands; secrets are never in one."""

    name: str
    text: str
    sha256: str


@attrs.frozen(kw_only=True)
class KnobRow:
    """A number that may be turned, and what it may become next."""

    path: str
    value: str | None
    low: str
    high: str
    step: str
    unit: str
    next: tuple[str, ...]


@attrs.frozen(kw_only=True)
class ConfigChangeRow:
    """A change of a settings file; ``outcome`` is None while it is not told."""

    at: str
    seq: int
    file: str
    path: str
    before: str
    after: str
    by: str
    cause: str
    outcome: str | None


@attrs.frozen(kw_only=True)
class ThreadRow:
    """A worker; ``busy_s`` is how long its present step runs, None while it waits."""

    name: str
    alive: bool
    busy_s: float | None
    steps: int
    last_ms: float | None
    longest_ms: float | None
    failure: str | None


@attrs.frozen(kw_only=True)
class FeedRow:
    """How much a lane has been told, and how long ago."""

    lane: str
    age_s: float | None
    ticks: int
    gaps: int | None
    ignored: int | None


@attrs.frozen(kw_only=True)
class RateLimitRow:
    """How much may be asked of a venue now, at most, and again each second; see `Allowance`."""

    name: str
    left: str
    limit: str
    per_second: str | None = None


@attrs.frozen(kw_only=True)
class ReconciliationRow:
    """How journal and account compare."""

    lane: str
    agreed_at: str | None
    unreconciled: str | None
    differences: tuple[str, ...]


@attrs.frozen(kw_only=True)
class MessageRow:
    """What the program said."""

    at: str
    level: str
    text: str


@attrs.frozen(kw_only=True)
class SystemNow:
    """How the program itself is."""

    version: str
    python: str
    started: str
    now: str
    threads: tuple[ThreadRow, ...]
    feeds: tuple[FeedRow, ...]
    rate_limits: tuple[RateLimitRow, ...]
    reconciliation: tuple[ReconciliationRow, ...]
    log: tuple[Line, ...]
    messages: tuple[MessageRow, ...]
    disk_free_mb: int | None
    clients: int = 0
    dropped: int = 0


@attrs.frozen(kw_only=True)
class Consent:
    """A token that is good for one decision about exactly what was shown."""

    token: str = attrs.field(repr=False)
    expires_at: str


@attrs.frozen(kw_only=True)
class Shown:
    """What a page shows of a proposal, as it was told."""

    lane: str
    proposal: str
    file: str
    path: str
    before: str
    after: str
    config: str


def _band(lane: LaneSnapshot) -> Band | None:
    found = day_band(lane)
    if found is None or lane.at == NEVER:
        return None
    return Band(
        pessimistic=format_money(found.pessimistic),
        realistic=format_money(found.realistic),
        optimistic=format_money(found.optimistic),
        at=format_time(lane.at),
    )


def _not_offered(*_asked: object) -> NoReturn:
    msg = "this bot cannot do that"
    raise NotOfferedError(msg)


class Operator(Desk, Protocol):
    """A bot as its dashboard sees it; every method may be called from any thread.

    Methods raise an `OperatorError`, or `CommandRefused` for a command that was not taken.
    Commands whose ``sure`` is False raise `StepUpError` if they need a second proof.
    """

    # -- reading -----------------------------------------------------------------------------

    def waiting(self) -> tuple[int, str | None]:
        """Return how many proposals wait for a person, and the trial under way; quickly."""
        return 0, None

    def venues(self) -> Sequence[VenueNow]:
        """Return how every lane's venue stands."""
        _not_offered()

    def markets(self, lane: str, text: str, only: str, limit: int, offset: int) -> MarketsPage:
        """Return markets of a lane: those whose names or title hold a text."""
        _not_offered(lane, text, only, limit, offset)

    def market(self, lane: str, market: str) -> MarketDetail:
        """Return one market of a lane."""
        _not_offered(lane, market)

    def why(self, lane: str, market: str) -> Why:
        """Return why a market was or was not traded."""
        _not_offered(lane, market)

    def chains(self) -> Sequence[ChainRow]:
        """Return every chain of the home."""
        _not_offered()

    def journal(self, query: JournalQuery) -> JournalPage:
        """Search a journal."""
        _not_offered(query)

    def line(self, chain: str, seq: int) -> LineInContext:
        """Return one line with its causes and consequences."""
        _not_offered(chain, seq)

    def equity(self, lane: str, hours: int, points: int) -> EquityCurve:
        """Return a lane's equity over the last hours, thinned out to about so many points."""
        _not_offered(lane, hours, points)

    def band(self, lane: str) -> Band | None:
        """Return between which ends the day's result lies, None if it is not known."""
        for one in self.lanes():
            if lane in ("", f"{one.venue}/{one.lane}"):
                return _band(one)
        return None

    def analytics(self, lane: str, days: int) -> Computed:
        """Return the numbers of the last days, or that they are being computed."""
        _not_offered(lane, days)

    def leaks(self, lane: str, nights: int) -> Sequence[NightReview]:
        """Return what the last nights found, the newest first."""
        _not_offered(lane, nights)

    def proposals(self, lane: str) -> Proposals:
        """Return the queue of a lane."""
        _not_offered(lane)

    def trials(self, lane: str) -> Trials:
        """Return the trials of a lane."""
        _not_offered(lane)

    def learned(self, lane: str) -> Sequence[LessonRow]:
        """Return what decisions and results taught."""
        _not_offered(lane)

    def advisor(self) -> AdvisorNow:
        """Return who advises."""
        _not_offered()

    def configuration(self) -> Sequence[ConfigFile]:
        """Return the settings files."""
        _not_offered()

    def knobs(self, venue: str) -> Sequence[KnobRow]:
        """Return what may be turned in a venue's settings."""
        _not_offered(venue)

    def config_history(self, lane: str) -> Sequence[ConfigChangeRow]:
        """Return what was changed in the settings, the newest first."""
        _not_offered(lane)

    def system(self) -> SystemNow:
        """Return how the program itself is."""
        _not_offered()

    def metrics(self) -> Sequence[Metric]:
        """Return numbers for a monitoring system; quickly."""
        _not_offered()

    def job(self, job: str) -> Job:
        """Return how something that was started stands."""
        _not_offered(job)

    # -- telling -----------------------------------------------------------------------------

    def note_access(self, by: str, what: str) -> None:
        """Write down a login, a logout or a second proof."""
        _ = by, what

    def lift_halt(self, by: str, *, sure: bool) -> None:
        """Resume; after real orders were cancelled or all was sold that takes a second proof."""
        _ = sure
        self.resume(by)

    def pause(self, lane: str, by: str, reason: str) -> None:
        """Open nothing in one lane until `unpause`."""
        _not_offered(lane, by, reason)

    def unpause(self, lane: str, by: str, *, sure: bool) -> None:
        """Lift a pause, or a halt, of one lane."""
        _not_offered(lane, by, sure)

    def cancel_order(self, lane: str, intent: str, by: str) -> None:
        """Cancel one order at the lane's next tick."""
        _not_offered(lane, intent, by)

    def close_position(self, lane: str, market: str, leg: str, by: str) -> None:
        """Sell what is held of a leg, at what is bid for it, from the next tick on."""
        _not_offered(lane, market, leg, by)

    def run_evaluation(self, lane: str, by: str) -> str:
        """Begin a night's evaluation now; return the job."""
        _not_offered(lane, by)

    def ask_advisor(self, lane: str, by: str) -> str:
        """Ask the advisor what it would change; return the job. Nothing is queued."""
        _not_offered(lane, by)

    def consent(self, shown: Shown) -> Consent:
        """Return a token for one decision about what is shown, if that is what there is."""
        _not_offered(shown)

    def approve(self, lane: str, proposal: str, token: str, by: str, *, sure: bool) -> str:
        """Make a proposed change; return what came of it, for people."""
        _not_offered(lane, proposal, token, by, sure)

    def reject(
        self, lane: str, proposal: str, token: str, by: str, *, reason: str, note: str
    ) -> str:
        """Refuse a proposed change; return what came of it, for people."""
        _not_offered(lane, proposal, token, by, reason, note)

    def undo_learning(
        self, lane: str, path: str, direction: int, rule: str, by: str, note: str
    ) -> None:
        """Forget what was learnt about one way to turn a knob."""
        _not_offered(lane, path, direction, rule, by, note)
