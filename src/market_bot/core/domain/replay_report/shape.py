"""What a report of a replay holds. Money is exact; None is "not known", never zero."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

from market_bot.core.domain.numbers import Micros, Money
from market_bot.core.domain.replay_result import (
    Coverage,
    Fidelity,
    SettingChange,
    TapeUsed,
)
from market_bot.core.domain.statistics import (
    Bootstrapped,
    Bounds,
    LeaveOneOut,
    NoInterval,
    SignFlip,
)


class Verdict(enum.Enum):
    """What may be claimed about a variant compared with the base."""

    IMPROVES = "improves"
    WORSE = "worse"
    NOT_DISPROVED = "not disproved"
    SAME = "no difference"
    TOO_LITTLE = "too little data"
    NO_CLAIM = "no claim"


@attrs.frozen
class DayDifference:
    """What a variant made more than the base on one UTC date."""

    date: str
    amount: Money


@attrs.frozen
class EventDifference:
    """What a variant made more than the base in one event; "" is what belongs to none."""

    event: str
    amount: Money


@attrs.frozen(kw_only=True)
class Comparison:
    """A variant against the base, on the same tapes, under the same fill model.

    Args:
        pnl: difference of profit, in the model that is told.
        band: lowest and highest difference over the fill models.
        trades: how many trades more.
        fees: how much more was paid in fees.
        max_exposure: how much more was exposed at most.
        days: difference of each recorded day, in order; 0 is a day without a difference.
        events: difference of each event either of them touched, by name.
        days_better: days with a gain …
        days_worse: … and with a loss against the base.
        best_day: the day with the highest difference; None without days.
        worst_day: the day with the lowest; None without days.
        per_day: mean dollars a day with its interval, from blocks of days.
        per_day_counted: the same, made wider for the number of variants tried.
        per_event: mean dollars an event with its interval, from whole events.
        signs: the sign-flip test over events; None if no event differs.
        one_out: what depends on a single event; None with fewer than two events or no difference.
        days_needed: days after which a difference of this size would be proven four times out of
            five, with the number of variants counted; None if nothing can be said.
        tried: the number of variants counted.
        verdict: what may be claimed.
        reasons: why it is that, a sentence each.

    """

    pnl: Money
    band: tuple[Money, Money]
    trades: int
    fees: Money
    max_exposure: Money
    days: tuple[DayDifference, ...]
    events: tuple[EventDifference, ...]
    days_better: int
    days_worse: int
    best_day: DayDifference | None
    worst_day: DayDifference | None
    per_day: Bootstrapped | NoInterval
    per_day_counted: Bootstrapped | NoInterval
    per_event: Bootstrapped | NoInterval
    signs: SignFlip | None
    one_out: LeaveOneOut | None
    days_needed: int | None
    tried: int
    verdict: Verdict
    reasons: tuple[str, ...]


@attrs.frozen
class BandPoint:
    """Profit at a moment: in the model that is told, and lowest and highest over all models.

    ``fall`` is the deepest fall below the highest so far since the moment before, as told.
    """

    at: Micros
    low: Money
    told: Money
    high: Money
    fall: Money


@attrs.frozen(kw_only=True)
class PaidBin:
    """Closed trades that paid about the same per contract, fees included.

    ``low`` and ``high`` are the ends of the bin; ``paid`` and ``brought`` are dollars per contract,
    weighted by contracts, None without trades.
    """

    low: float
    high: float
    trades: int
    paid: float | None
    brought: float | None


@attrs.frozen(kw_only=True)
class SettledTrades:
    """Trades held until their contracts paid all or nothing, against what they were paid for.

    Args:
        trades: how many there were; what was sold earlier is not among them.
        won: how many paid.
        expected: how many would have had to, at what was paid with fees.
        share: of those won, with its Wilson interval.
        p_so_many: chance of so many or more if prices with fees were fair …
        p_so_few: … and of so few or fewer. Trades of one event are taken as independent.

    """

    trades: int
    won: int
    expected: float
    share: Bounds | None
    p_so_many: float
    p_so_few: float


@attrs.frozen(kw_only=True)
class VariantReport:
    """What one variant did.

    Args:
        name: the variant's name; the base is called "base".
        settings: in what it differs from the base.
        model: the fill model all numbers but the band are told in.
        config: hash of the whole configuration.
        trades: trades opened; ``still_open`` of them are not closed.
        still_open: positions held at the end.
        open_value: what is bid for them.
        entries: entry orders sent.
        exits: exit orders sent.
        fills: fills of both.
        pnl: marked profit after fees and with rewards.
        band: lowest and highest profit over the fill models.
        by_model: profit by fill model.
        fees: what was paid.
        rewards: what the venue paid besides trading.
        max_drawdown: the deepest fall of equity.
        drawdown_share: the same as a share of the deposits; None without deposits.
        max_exposure: the most that could have been lost at once.
        brier_own: mean squared error of the beliefs behind entries; None without outcomes.
        brier_market: the same of the market's midpoints.
        forecasts: entries with an outcome, in ``forecast_markets`` markets.
        forecast_markets: markets with an entry and an outcome.
        sharpe: yearly, from days; None with fewer than ten.
        sortino: yearly, from days; None with fewer than ten.
        profit_factor: gross profit over gross loss of closed trades.
        expectancy: mean profit of a closed trade in dollars.
        per_day: mean profit a day with its interval.
        per_event: profit by event.
        days: profit by recorded day.
        settled: win rate against prices; None without such trades.
        paid: what closed trades paid and brought, in ten bins.
        curve: profit over time with its band.
        denials: how often each rule refused.
        anomalies: facts that contradicted each other.
        comparison: against the base; None for the base itself.

    """

    name: str
    settings: tuple[SettingChange, ...]
    model: str
    config: str
    trades: int
    still_open: int
    open_value: Money
    entries: int
    exits: int
    fills: int
    pnl: Money
    band: tuple[Money, Money]
    by_model: Mapping[str, Money]
    fees: Money
    rewards: Money
    max_drawdown: Money
    drawdown_share: float | None
    max_exposure: Money
    brier_own: float | None
    brier_market: float | None
    forecasts: int
    forecast_markets: int
    sharpe: float | None
    sortino: float | None
    profit_factor: float | None
    expectancy: float | None
    per_day: Bootstrapped | NoInterval
    per_event: Mapping[str, Money]
    days: tuple[DayDifference, ...]
    settled: SettledTrades | None
    paid: tuple[PaidBin, ...]
    curve: tuple[BandPoint, ...]
    denials: Mapping[str, int]
    anomalies: int
    comparison: Comparison | None


@attrs.frozen(kw_only=True)
class ReplayReport:
    """A whole replay.

    Args:
        venue: the venue's short name.
        tapes: what was replayed.
        began: the first tick; None if there was none.
        ended: the last tick.
        ticks: how many there were.
        records: facts read.
        complete: false if the replay was stopped before the end.
        coverage: what the tapes hold.
        fidelity: of the lane whose tapes these are; None if it was not measured.
        tried: variants counted in every claim: those here, or more if others were tried before.
        base: the configuration everything is compared with.
        variants: the others.
        notes: what a reader must know, a sentence each.

    """

    venue: str
    tapes: tuple[TapeUsed, ...]
    began: Micros | None
    ended: Micros | None
    ticks: int
    records: int
    complete: bool
    coverage: Coverage
    fidelity: Fidelity | None
    tried: int
    base: VariantReport
    variants: tuple[VariantReport, ...]
    notes: tuple[str, ...]

    @property
    def all_variants(self) -> tuple[VariantReport, ...]:
        """The base and every variant after it."""
        return (self.base, *self.variants)
