"""What a replay found: what each variant did with the same tapes, exact to the last unit.

Everything here is a plain value, so that statistics, tables and pages can be made from it without
the tapes. Money is marked at what somebody bids, as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import NO_MONEY, Micros, Money, Size

# A curve is thinned to at most this many points, so that a year of ticks still fits on a page.
CURVE_POINTS: Final = 512

# The event to which money belongs that no market brought: rewards of the venue as a whole.
NO_EVENT: Final = ""


@attrs.frozen(kw_only=True)
class Trade:
    """One leg of one market from the first contract bought until the last one was gone.

    Args:
        strategy: who opened it.
        market: the market's id.
        event: the event the market belonged to when it was opened.
        family: the market's family.
        leg: YES or NO.
        opened_at: when the first contract was bought, in microseconds.
        closed_at: when the last one was sold, settled or merged; None while something is held.
        size: how many contracts were bought in all.
        cost: what they cost, without fees.
        proceeds: what sales, settlement and merging brought, without fees; while something is
            held also what is bid for it at the end of the tapes.
        fees: what was paid for it.

    """

    strategy: str
    market: str
    event: str
    family: str
    leg: Leg
    opened_at: Micros
    closed_at: Micros | None
    size: Size
    cost: Money
    proceeds: Money
    fees: Money

    @property
    def pnl(self) -> Money:
        """What it brought after all fees."""
        return Money(self.proceeds - self.cost - self.fees)


@attrs.frozen
class CurvePoint:
    """Marked equity after a tick; ``fall`` is the deepest fall since the point before.

    A fall is how far equity was below its highest so far, after any tick: also between two points.
    """

    at: Micros
    equity: Money
    fall: Money = NO_MONEY


@attrs.frozen(kw_only=True)
class Forecasts:
    """Sums of squared errors, in 1e-12, over entries whose market was resolved.

    One entry is one signal for which at least one order was sent while both sides were quoted:
    ``own`` scores its belief, ``market`` the midpoint it was sent at, both against what was paid.
    """

    entries: int = 0
    markets: int = 0
    own: int = 0
    market: int = 0

    @property
    def own_brier(self) -> float | None:
        """The mean squared error of our beliefs, None without an outcome; lower is better."""
        return self.own / self.entries / 10**12 if self.entries else None

    @property
    def market_brier(self) -> float | None:
        """The mean squared error of the market's midpoints, None without an outcome."""
        return self.market / self.entries / 10**12 if self.entries else None


@attrs.frozen
class SettingChange:
    """One setting in which a variant differs from the base, as text for people."""

    path: str
    before: str
    after: str


@attrs.frozen(kw_only=True)
class VariantResult:
    """What one variant did under one fill model.

    Args:
        name: the variant's name; the base is called "base".
        settings: in what it differs from the base.
        model: the fill model: "pessimistic", "realistic" or "optimistic".
        config: hash of the whole configuration.
        decisions: how many facts of each deciding kind were written: "signal", "denied" (only
            their beginnings), "order_intent", "exit".
        entries: entry orders sent.
        exits: exit orders sent.
        fills: fills of both.
        denials: how often each rule refused a draft; one refusal may name several.
        trades: closed and still open trades, in the order in which they were opened.
        deposits: the money put in.
        pnl: marked equity at the end less deposits; the sum of ``per_event``.
        realised: gross gain of what was sold, settled or merged.
        fees: what was paid.
        rewards: what the venue paid besides trading.
        per_event: change of equity by event; `NO_EVENT` holds what belongs to none.
        per_day: the same by UTC date ("2026-11-22"), then by event; a day has an entry for each
            event whose equity changed, and none if nothing did. A day ends with its last tick's
            positions at the prices of the next day's first tick. Its sums are ``per_event``.
        max_drawdown: the deepest fall of marked equity below its highest so far, after any tick.
        curve: marked equity over time, at most `CURVE_POINTS` points; the last one is the end.
            All variants of one replay have their points at the same ticks. The deepest of its
            falls is ``max_drawdown``.
        forecasts: how the beliefs of entries scored.
        still_open: positions held at the end.
        open_value: what is bid for them.
        max_exposure: the most that could have been lost at once, after any tick.
        anomalies: facts that contradicted each other; always 0 in a sound replay.

    """

    name: str
    settings: tuple[SettingChange, ...] = ()
    model: str
    config: str = ""
    decisions: Mapping[str, int] = attrs.field(factory=dict)
    entries: int = 0
    exits: int = 0
    fills: int = 0
    denials: Mapping[str, int] = attrs.field(factory=dict)
    trades: tuple[Trade, ...] = ()
    deposits: Money = NO_MONEY
    pnl: Money = NO_MONEY
    realised: Money = NO_MONEY
    fees: Money = NO_MONEY
    rewards: Money = NO_MONEY
    per_event: Mapping[str, Money] = attrs.field(factory=dict)
    per_day: Mapping[str, Mapping[str, Money]] = attrs.field(factory=dict)
    max_drawdown: Money = NO_MONEY
    curve: tuple[CurvePoint, ...] = ()
    forecasts: Forecasts = Forecasts()
    still_open: int = 0
    open_value: Money = NO_MONEY
    max_exposure: Money = NO_MONEY
    anomalies: int = 0


@attrs.frozen(kw_only=True)
class Variant:
    """One variant under every fill model that was asked for, the default model first."""

    name: str
    settings: tuple[SettingChange, ...] = ()
    models: tuple[VariantResult, ...]

    @property
    def told(self) -> VariantResult:
        """The result that counts where only one number is shown: the pessimistic one if asked."""
        return self.models[0]

    @property
    def band(self) -> tuple[Money, Money]:
        """The lowest and the highest result over the fill models."""
        pnls = [result.pnl for result in self.models]
        return min(pnls), max(pnls)

    def under(self, model: str) -> VariantResult | None:
        """Return the result under a fill model, None if it was not asked for."""
        return next((result for result in self.models if result.model == model), None)


@attrs.frozen
class TapeUsed:
    """A tape that was replayed."""

    name: str
    sha256: str


@attrs.frozen(kw_only=True)
class Coverage:
    """What the tapes hold, and so what can be claimed from them.

    Args:
        capabilities: what the tapes' source can claim, as its names, in order.
        takers: whether there are sizes to take; without them no order is sent at all.
        makers: whether resting orders can be filled: whole books and prints.
        markets: markets that were announced.
        events: events that were announced.
        resolved: markets whose outcome the tapes tell.
        unknown_close: markets of which nobody told when they end.
        gaps: places where something is missing.
        ignored: facts that could not be used.
        days: UTC dates with at least one tick, in order.

    """

    capabilities: tuple[str, ...] = ()
    takers: bool = False
    makers: bool = False
    markets: int = 0
    events: int = 0
    resolved: int = 0
    unknown_close: int = 0
    gaps: int = 0
    ignored: int = 0
    days: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Difference:
    """The first place where two lists of decisions part, as text for people; None is nothing."""

    at: Micros
    line: int
    recorded: str | None
    replayed: str | None


@attrs.frozen(kw_only=True)
class Fidelity:
    """How much of what a journal decided a replay of its own configuration decides again.

    Args:
        chain: which journal.
        recorded: how many decisions it holds: signals, refusals, orders and exits.
        replayed: how many the replay made.
        same: how many are in both, of the same type, at the same tick and with the same data.
        identical: whether every line of both, not only every decision, is the same.
        entries_recorded: entry orders in the journal.
        entries_replayed: entry orders of the replay.
        first: where they part first; None if they never do.
        by_type: recorded, replayed and same by type of decision.
        segments: how many starts of the bot were replayed.
        note: what limits the comparison, for people; empty if nothing does.

    """

    chain: str
    recorded: int
    replayed: int
    same: int
    identical: bool
    entries_recorded: int = 0
    entries_replayed: int = 0
    first: Difference | None = None
    by_type: Mapping[str, tuple[int, int, int]] = attrs.field(factory=dict)
    segments: int = 1
    note: str = ""

    @property
    def share_ppm(self) -> int:
        """The share of identical decisions in millionths, rounded down; two empty lists are equal.

        Decisions that only one side made count against it.
        """
        made = max(self.recorded, self.replayed)
        return 1_000_000 if not made else self.same * 1_000_000 // made

    @property
    def trusted(self) -> bool:
        """Whether results of replays of this lane may be claimed: at least 95 % are identical."""
        return self.share_ppm >= TRUSTED_FROM_PPM


TRUSTED_FROM_PPM: Final = 950_000


@attrs.frozen(kw_only=True)
class ReplayResult:
    """What a replay of one base and any number of variants over the same tapes found.

    Args:
        venue: the venue's short name.
        base: the configuration everything is compared with.
        variants: the others, in the order in which they were asked for.
        tapes: what was replayed, in order.
        began: the first tick; None if the tapes hold nothing.
        ended: the last tick.
        ticks: how many ticks there were.
        records: how many facts were read.
        coverage: what the tapes hold.
        complete: false if the replay was stopped before the end of the tapes.
        fidelity: of the lane whose tapes these are, if it was measured.
        notes: what a reader must know, a sentence each.

    """

    venue: str
    base: Variant
    variants: tuple[Variant, ...] = ()
    tapes: tuple[TapeUsed, ...] = ()
    began: Micros | None = None
    ended: Micros | None = None
    ticks: int = 0
    records: int = 0
    coverage: Coverage = Coverage()
    complete: bool = True
    fidelity: Fidelity | None = None
    notes: tuple[str, ...] = ()

    @property
    def all_variants(self) -> tuple[Variant, ...]:
        """The base and every variant after it."""
        return (self.base, *self.variants)
