"""Every fact market-bot writes down. This file is the only schema of the journal.

Reference pages and readers are generated from these classes. A new field needs a default, so that
old lines stay readable; a field never changes its meaning. ``Durability.A`` facts are on disk
before the bot acts on them and are the only ones that change state; ``Durability.B`` facts explain
and may be committed in groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar

import attrs

from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Duration, Micros, Money, Price, Probability, Size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Gate


class Durability(Enum):
    """When a fact must be on disk."""

    A = "before the bot acts on it"
    B = "in groups"


class Cause(Enum):
    """Why the later prices of a decision are written down."""

    TRADED = "traded"
    EXITED = "exited"
    DENIED = "denied"

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__


@attrs.frozen(kw_only=True)
class Event:
    """A fact. Subclasses say which; ``TYPE`` is its name in the journal."""

    TYPE: ClassVar[str] = ""
    DURABILITY: ClassVar[Durability] = Durability.A


@attrs.frozen
class Input:
    """A file that decides a run: its name for people, its SHA-256 for truth."""

    name: str
    sha256: str


@attrs.frozen(kw_only=True)
class BotStarted(Event):
    """The bot opened this lane; decisions after it follow ``config``.

    They start without memory of which signals were on.
    """

    TYPE: ClassVar[str] = "bot_started"

    mode: str
    instance: str
    version: str
    fold: int
    capabilities: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    cash: Money = attrs.field(default=Money(0))
    seed: int = 0
    config: str = ""


@attrs.frozen(kw_only=True)
class BotStopped(Event):
    """The bot closed this lane in order; a taped lane closes at the end of its tape."""

    TYPE: ClassVar[str] = "bot_stopped"

    reason: str
    ticks: int = 0
    digest: str = ""


@attrs.frozen(kw_only=True)
class Checkpoint(Event):
    """The whole state at this point, so that a start need not fold from the beginning."""

    TYPE: ClassVar[str] = "checkpoint"

    fold: int
    digest: str
    state: Mapping[str, object]


@attrs.frozen(kw_only=True)
class DayOpened(Event):
    """A UTC day began for this lane; daily limits count from this equity."""

    TYPE: ClassVar[str] = "day_opened"

    date: str
    equity: Money
    cash: Money


@attrs.frozen(kw_only=True)
class Tick(Event):
    """A tick that could not scan, and why (feed stale, venue closed)."""

    TYPE: ClassVar[str] = "tick"
    DURABILITY: ClassVar[Durability] = Durability.B

    position: str
    reason: str


@attrs.frozen(kw_only=True)
class Scan(Event):
    """One tick: how far the data was read and what came of it.

    ``denied`` counts drafts refused at this tick, whether or not the refusal was new.
    """

    TYPE: ClassVar[str] = "scan"
    DURABILITY: ClassVar[Durability] = Durability.B

    position: str
    markets: int
    views: int
    signals: int
    denied: int
    intents: int
    equity: Money = attrs.field(default=Money(0))


@attrs.frozen(kw_only=True)
class Decided(Event):
    """What every decision carries, so that each dollar can be traced back to it."""

    signal: str
    strategy: str
    market: str
    event: str
    family: str
    leg: Leg


@attrs.frozen(kw_only=True)
class SignalRaised(Decided):
    """A strategy began to want something, or wants it otherwise than before.

    ``mid``, ``bid``, ``ask`` are in the leg's own price, ``depth`` is what is displayed at the
    price one would take; None means there was none. ``book_age`` is in microseconds.
    """

    TYPE: ClassVar[str] = "signal"
    DURABILITY: ClassVar[Durability] = Durability.B

    purpose: Purpose
    style: Style
    price: Price
    belief: Probability
    edge: Price
    cost: Price
    reason: str
    mid: Price | None = None
    bid: Price | None = None
    ask: Price | None = None
    depth: Size | None = None
    book_age: Duration = attrs.field(default=Duration(0))
    closes_in: Duration | None = None


@attrs.frozen(kw_only=True)
class Denied(Decided):
    """Our own rules refused a draft: all refusing gates, in order.

    ``phase`` is "begin" when the refusal starts or its gates change, "end" when it ceases;
    ``count`` is then the number of ticks it lasted.
    """

    TYPE: ClassVar[str] = "denied"
    DURABILITY: ClassVar[Durability] = Durability.B

    purpose: Purpose
    phase: str
    gates: tuple[Gate, ...]
    price: Price
    size: Size
    count: int = 1


@attrs.frozen(kw_only=True)
class Exit(Decided):
    """The decision to leave a position, with its reason; the intent that does it follows."""

    TYPE: ClassVar[str] = "exit"

    reason: str
    size: Size
    price: Price
    belief: Probability


@attrs.frozen(kw_only=True)
class OrderIntent(Decided):
    """An order about to be sent; durable before the first byte leaves.

    ``venue_order`` is its name at the venue where that is known before it is sent, else empty.
    """

    TYPE: ClassVar[str] = "order_intent"

    intent: str
    purpose: Purpose
    style: Style
    price: Price
    size: Size
    fee_bound: Money
    expires_at: Micros
    belief: Probability
    edge: Price
    mid: Price | None = None
    venue_order: str = ""


@attrs.frozen(kw_only=True)
class OrderAccepted(Event):
    """The venue confirmed an order. ``queue_ahead`` is the displayed size in front of it."""

    TYPE: ClassVar[str] = "order_accepted"

    intent: str
    venue_order: str
    sent_at: Micros
    queue_ahead: Size | None = None


@attrs.frozen(kw_only=True)
class OrderRejected(Event):
    """The venue provably refused an order."""

    TYPE: ClassVar[str] = "order_rejected"

    intent: str
    code: str
    reason: str = ""


@attrs.frozen(kw_only=True)
class OrderUnknown(Event):
    """We cannot tell what became of an order; its reservation stays."""

    TYPE: ClassVar[str] = "order_unknown"

    intent: str
    reason: str


@attrs.frozen(kw_only=True)
class OrderCancelled(Event):
    """Nothing more will fill of an order: cancelled, expired or killed."""

    TYPE: ClassVar[str] = "order_cancelled"

    intent: str
    reason: str
    remaining: Size


@attrs.frozen(kw_only=True)
class Fill(Decided):
    """A trade of ours, with the venue's own size, cost and fee; never recomputed.

    ``cost`` is what was paid (entry) or received (exit) before the fee.
    """

    TYPE: ClassVar[str] = "fill"

    intent: str
    fill: str
    purpose: Purpose
    liquidity: Style
    price: Price
    size: Size
    cost: Money
    fee: Money
    provisional: bool = False
    traded_at: Micros | None = None
    mid: Price | None = None


@attrs.frozen(kw_only=True)
class FillSettled(Event):
    """A provisional fill became final."""

    TYPE: ClassVar[str] = "fill_settled"

    intent: str
    fill: str


@attrs.frozen(kw_only=True)
class FillReversed(Event):
    """The venue undid a provisional fill."""

    TYPE: ClassVar[str] = "fill_reversed"

    intent: str
    fill: str
    reason: str


@attrs.frozen(kw_only=True)
class MarketResolved(Event):
    """A market ended; each YES contract pays ``yes_payout``, each NO contract the rest."""

    TYPE: ClassVar[str] = "market_resolved"

    market: str
    event: str
    family: str
    yes_payout: Price
    source: str = "venue"


@attrs.frozen(kw_only=True)
class PositionMarked(Event):
    """What an exit has to remember of an open position, in its leg's own price.

    ``high`` is the highest bid seen since the entry, null while no exit asks for it; ``armed_at``
    is when the price began to stand below the stop, null while it does not.
    """

    TYPE: ClassVar[str] = "position_marked"

    market: str
    leg: Leg
    high: Price | None = None
    armed_at: Micros | None = None


@attrs.frozen(kw_only=True)
class Merged(Event):
    """Equal sizes of YES and NO of one market became the dollars they are worth together.

    ``merge`` names it, so that one that is told twice counts once.
    """

    TYPE: ClassVar[str] = "merged"

    merge: str
    market: str
    event: str
    family: str
    size: Size
    payout: Money


@attrs.frozen(kw_only=True)
class Reward(Event):
    """The venue paid for something else than a trade: resting orders, holding, a promotion.

    ``market`` is None if it was not for one market; a negative ``amount`` is taken back. ``name``
    tells one payment from another, so that one that is told twice counts once; those without a
    name always count.
    """

    TYPE: ClassVar[str] = "reward"

    amount: Money
    kind: str
    market: str | None = None
    name: str = ""


@attrs.frozen(kw_only=True)
class EquityPeak(Event):
    """Marked equity rose above all that was known; losses are measured from the highest."""

    TYPE: ClassVar[str] = "equity_peak"

    equity: Money


@attrs.frozen(kw_only=True)
class LossLimitReached(Event):
    """So much was lost that a limit is reached: entries stay refused although prices recover.

    A daily loss counts until the next UTC day opens, a drawdown until a person resumes.
    """

    TYPE: ClassVar[str] = "loss_limit_reached"

    rule: str
    limit: Money
    lost: Money


@attrs.frozen(kw_only=True)
class Mark(Decided):
    """A later price of a traded, exited or denied signal, in its leg's own price.

    ``since`` is when the decision was written down, ``horizon_s`` how long after it the price was
    wanted (0 is the price at the decision) and ``late`` how much later it was taken. Prices are
    null where nobody quoted, and all of them while the market was not tradable or its book not
    whole.
    """

    TYPE: ClassVar[str] = "mark"
    DURABILITY: ClassVar[Durability] = Durability.B

    purpose: Purpose
    cause: Cause
    since: Micros
    horizon_s: int
    late: Duration
    mid: Price | None = None
    bid: Price | None = None
    ask: Price | None = None


@attrs.frozen(kw_only=True)
class Error(Event):
    """Something failed and was survived; ``where`` is a stable code, ``count`` its repetitions."""

    TYPE: ClassVar[str] = "error"
    DURABILITY: ClassVar[Durability] = Durability.B

    where: str
    message: str
    count: int = 1


@attrs.frozen(kw_only=True)
class VenueState(Event):
    """The venue's state as we see it: open, post_only, cancel_only, closed, stalled."""

    TYPE: ClassVar[str] = "venue_state"

    state: str
    reason: str = ""


@attrs.frozen(kw_only=True)
class ConfigChanged(Event):
    """The configuration in force changed; ``config`` is the whole new one in canonical form."""

    TYPE: ClassVar[str] = "config_changed"

    before: str
    after: str
    config: str
    by: str
    path: str = ""


@attrs.frozen(kw_only=True)
class ChangeIntended(Event):
    """A settings file is about to be changed; durable before the file is touched.

    ``cause`` is ``proposal:<id>``, ``trial:<id>`` (it is taken back), or ``operator``. After a
    crash the file is ``sha_before`` or ``sha_after``; which of them, `ChangeEnded` says then.
    """

    TYPE: ClassVar[str] = "change_intended"

    change: str
    file: str
    path: str
    before: str
    after: str
    sha_before: str
    sha_after: str
    by: str
    cause: str


@attrs.frozen(kw_only=True)
class ChangeEnded(Event):
    """What became of an intended change: applied, undone, or superseded by somebody's edit."""

    TYPE: ClassVar[str] = "change_ended"

    change: str
    outcome: str
    sha256: str
    reason: str = ""


@attrs.frozen
class External:
    """What somebody else has in a market of our account, and what that may cost at worst."""

    market: str
    cost: Money


@attrs.frozen
class WrittenOff:
    """What the journal held and the account does not, once a person has said that it is gone.

    ``proceeds`` is what is taken to have come in for it: never more than it had cost.
    """

    market: str
    leg: Leg
    size: Size
    proceeds: Money


@attrs.frozen(kw_only=True)
class Reconciled(Event):
    """The lane was compared with its account; written when the result changes, or once an hour.

    ``stops`` says why nothing may be opened from here on, "" if nothing stands against it.
    ``cash`` is what the venue says there is, null while it could not be read; ``adopted`` is money
    that moved beside the lane and counts as put in, or taken out, from here on. ``external``
    orders and positions are not ours: they are counted in what is at stake and left alone.
    ``written_off`` is what was sold or moved beside the lane, on a person's word.
    """

    TYPE: ClassVar[str] = "reconciled"

    account: str
    complete: bool
    stops: str = ""
    cash: Money | None = None
    adopted: Money = attrs.field(default=Money(0))
    differences: tuple[str, ...] = ()
    external_orders: int = 0
    external: tuple[External, ...] = ()
    written_off: tuple[WrittenOff, ...] = ()


@attrs.frozen(kw_only=True)
class Armed(Event):
    """A person armed live trading until ``expires_at``."""

    TYPE: ClassVar[str] = "armed"

    by: str
    account: str
    expires_at: Micros


@attrs.frozen(kw_only=True)
class Disarmed(Event):
    """Live entries are no longer allowed."""

    TYPE: ClassVar[str] = "disarmed"

    reason: str


@attrs.frozen(kw_only=True)
class Halt(Event):
    """Nothing opens a position from here on; exits and cancels go on.

    With ``flatten`` everything held is sold as well, at what is bid for it.
    """

    TYPE: ClassVar[str] = "halt"

    by: str
    reason: str
    flatten: bool = False


@attrs.frozen(kw_only=True)
class Resume(Event):
    """A halt was lifted by a person."""

    TYPE: ClassVar[str] = "resume"

    by: str
    reason: str = ""


@attrs.frozen(kw_only=True)
class Asked(Event):
    """A person told the bot something that has no other line of its own.

    ``what`` is cancel_order, with the ``intent``, or close_position, with ``market`` and ``leg``,
    in the lane's own chain; in the system chain it is login, login_refused, logout, logout_all,
    step_up, step_up_refused, run_evaluation or ask_advisor.
    """

    TYPE: ClassVar[str] = "asked"

    by: str
    what: str
    intent: str = ""
    market: str = ""
    leg: Leg | None = None
    detail: str = ""


@attrs.frozen(kw_only=True)
class Notification(Event):
    """A message was sent, or could not be sent, to a person; ``reason`` is why not."""

    TYPE: ClassVar[str] = "notification"
    DURABILITY: ClassVar[Durability] = Durability.B

    channel: str
    level: str
    subject: str
    delivered: bool
    reason: str = ""


@attrs.frozen(kw_only=True)
class TapeChanged(Event):
    """A recording of market data: begun, stopped, fact_left_out, or removed by the retention."""

    TYPE: ClassVar[str] = "tape"
    DURABILITY: ClassVar[Durability] = Durability.B

    what: str
    file: str
    reason: str = ""


@attrs.frozen(kw_only=True)
class ChainHead(Event):
    """The last line of another chain, noted so that a missing tail can be seen."""

    TYPE: ClassVar[str] = "chain_head"

    chain: str
    head_seq: int
    head_hash: str


@attrs.frozen(kw_only=True)
class LeakReview(Event):
    """A night's evaluation of a lane: its window and what came of it."""

    TYPE: ClassVar[str] = "leak_review"

    night: str
    since: Micros
    until: Micros
    findings: int
    confirmed: int


@attrs.frozen(kw_only=True)
class Leak(Event):
    """A finding that money is lost for a nameable reason.

    ``evidence`` are sequence numbers of this chain; ``detail`` holds the rule's own numbers as
    decimal strings.
    """

    TYPE: ClassVar[str] = "leak"

    finding: str
    rule: str
    version: int
    status: str
    kind: str
    night: str
    n: int
    events: int
    cost_low: Money
    cost_point: Money
    evidence: tuple[int, ...] = ()
    knobs: tuple[str, ...] = ()
    detail: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class LeakDiagnosed(Event):
    """What replaying a finding's knobs said of it: whether any legal value would have mended it.

    ``kind`` is tuning or structural, or noise where there was too little to tell; ``numbers`` are
    dollars a day that each value replayed would have saved.
    """

    TYPE: ClassVar[str] = "leak_diagnosed"

    finding: str
    kind: str
    why: str
    numbers: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Proposal(Event):
    """One knob's before and after, with evidence, on its way to a person."""

    TYPE: ClassVar[str] = "proposal"

    proposal: str
    finding: str
    file: str
    path: str
    before: str
    after: str
    rationale: str
    advisor: str
    config_sha256: str
    card: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ProposalQueued(Event):
    """A proposal passed everything and waits for a person, until ``expires_at`` at most."""

    TYPE: ClassVar[str] = "proposal_queued"

    proposal: str
    expires_at: Micros
    card: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ProposalDropped(Event):
    """A proposal that a validation layer or replay discarded, and why."""

    TYPE: ClassVar[str] = "proposal_dropped"

    proposal: str
    layer: str
    reason: str
    path: str = ""
    after: str = ""


@attrs.frozen(kw_only=True)
class ProposalDecided(Event):
    """A person's decision, or the queue's (expired, stale)."""

    TYPE: ClassVar[str] = "proposal_decided"

    proposal: str
    decision: str
    by: str
    reason: str = ""
    note: str = ""


@attrs.frozen(kw_only=True)
class NightEnded(Event):
    """A night is over: its findings were diagnosed, and its proposals queued or dropped.

    ``tried`` are the variants replayed (``path=value``), ``spent`` is what the advisor cost and
    ``silence`` why it said nothing, or why nothing could be proposed.
    """

    TYPE: ClassVar[str] = "night_ended"

    night: str
    queued: int
    dropped: int
    tried: tuple[str, ...] = ()
    advisor: str = ""
    spent: Money = attrs.field(default=Money(0))
    silence: str = ""


@attrs.frozen(kw_only=True)
class TrialStarted(Event):
    """An applied proposal came under watch; everything its verdict needs is frozen here."""

    TYPE: ClassVar[str] = "trial_started"

    trial: str
    proposal: str
    path: str
    before: str
    after: str
    baseline: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class TrialChecked(Event):
    """One check of a trial at an age in covered minutes."""

    TYPE: ClassVar[str] = "trial_checked"

    trial: str
    minute: int
    verdict: str
    numbers: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ShadowTally(Event):
    """What the settings before a trial did on the same data, on paper, since the last such line.

    ``entries`` are the trades it began, ``gain`` is its equity beyond that at its beginning, in
    dollars. ``over`` says why it goes no further; what is on trial is not compared with it then.
    """

    TYPE: ClassVar[str] = "shadow_tally"

    trial: str
    entries: int = 0
    gain: Money | None = None
    over: str = ""


@attrs.frozen(kw_only=True)
class TrialEnded(Event):
    """A trial's end: keep, revert, superseded."""

    TYPE: ClassVar[str] = "trial_ended"

    trial: str
    verdict: str
    reason: str
    blocked_until: Micros | None = None


@attrs.frozen(kw_only=True)
class TrialOutcome(Event):
    """What a change brought in its first ``hours`` beyond the old settings, in dollars a day.

    ``low`` and ``high`` are the interval; null is what could not be told.
    """

    TYPE: ClassVar[str] = "trial_outcome"

    trial: str
    hours: int
    gain: Money | None = None
    low: Money | None = None
    high: Money | None = None


@attrs.frozen(kw_only=True)
class LearningUndone(Event):
    """A person wants forgotten what decisions and results taught about one way to turn a knob.

    ``direction`` is 1 or -1, ``rule`` the leak rule. Changes that were taken back stay blocked.
    """

    TYPE: ClassVar[str] = "learning_undone"

    path: str
    direction: int
    rule: str
    by: str
    note: str = ""


EVENT_TYPES: dict[str, type[Event]] = {
    cls.TYPE: cls
    for cls in (
        BotStarted,
        BotStopped,
        Checkpoint,
        DayOpened,
        Tick,
        Scan,
        SignalRaised,
        Denied,
        Exit,
        OrderIntent,
        OrderAccepted,
        OrderRejected,
        OrderUnknown,
        OrderCancelled,
        Fill,
        FillSettled,
        FillReversed,
        MarketResolved,
        PositionMarked,
        Merged,
        Reward,
        EquityPeak,
        LossLimitReached,
        Mark,
        Error,
        VenueState,
        ConfigChanged,
        ChangeIntended,
        ChangeEnded,
        Reconciled,
        Armed,
        Disarmed,
        Halt,
        Resume,
        Asked,
        Notification,
        TapeChanged,
        ChainHead,
        LeakReview,
        Leak,
        LeakDiagnosed,
        Proposal,
        ProposalQueued,
        ProposalDropped,
        ProposalDecided,
        NightEnded,
        TrialStarted,
        TrialChecked,
        ShadowTally,
        TrialEnded,
        TrialOutcome,
        LearningUndone,
    )
}

NIGHTLY: tuple[type[Event], ...] = (
    LeakReview,
    Leak,
    LeakDiagnosed,
    Proposal,
    ProposalQueued,
    ProposalDropped,
    ProposalDecided,
    NightEnded,
    ChangeIntended,
    ChangeEnded,
    TrialStarted,
    TrialChecked,
    ShadowTally,
    TrialEnded,
    TrialOutcome,
    LearningUndone,
)
"""What evaluation, people's decisions and trials write beside a lane's trading."""
