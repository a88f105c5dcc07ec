"""What a simulated venue is made from: rules, knobs of a crowd, faults, and the size of the world.

Everything here is a plain value. The same seed with the same settings gives the same world, to the
last fact; nothing outside decides anything.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

import attrs

from market_bot.core.domain.market import (
    NO_FEES,
    TENTH_CENTS,
    WHOLE_CENTS,
    FeeModel,
    FeeSchedule,
    Reward,
    TickBand,
)
from market_bot.core.domain.numbers import (
    HOUR,
    NO_MONEY,
    ONE_CONTRACT,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    money,
    parse_time,
)
from market_bot.core.domain.portfolio import VenueCapabilities, capabilities_of

DAY: Final = Duration(24 * HOUR)
MINUTE: Final = Duration(60 * SECOND)
BEGINS: Final = parse_time("2026-11-02T00:00:00Z")
MARKETS_MAX: Final = 20_000
_COARSE_FROM: Final = Duration(10 * SECOND)
_TENTH: Final = Price(1_000)
_LOW, _HIGH = Price(100_000), Price(900_000)
TAPERED: Final = (
    TickBand(Price(0), _LOW, _TENTH),
    TickBand(_LOW, _HIGH, Price(10_000)),
    TickBand(_HIGH, ONE_DOLLAR, _TENTH),
)
# Fee rates in 1e-6 of a dollar, as published by the venues (see the core's `fees.py`).
_POLYMARKET_RATES: Final = {"crypto": 70_000, "politics": 40_000}
_POLYMARKET_RATE: Final = 50_000
_KALSHI_RATE: Final = 70_000


class Rules(Enum):
    """Whose fees, ticks, least sizes, pairs and settlement the venue follows."""

    KALSHI = "kalshi"
    POLYMARKET = "polymarket"
    PLAIN = "plain"

    @property
    def abilities(self) -> VenueCapabilities:
        """What becomes of pairs of YES and NO, and of the money of waiting entries.

        A plain venue has no fees and does nothing with either; who looks for a difference that
        fees or pairs make compares with it.
        """
        return capabilities_of(self.value)

    @property
    def provisional(self) -> bool:
        """Whether a fill is provisional until it settles a little later."""
        return self is Rules.POLYMARKET

    @property
    def settles_after(self) -> Duration:
        """How long after the close a market pays."""
        return Duration((10 if self is Rules.POLYMARKET else 6) * MINUTE)

    @property
    def min_size(self) -> Size:
        """The least size of an order, in contracts."""
        return Size((5 if self is Rules.POLYMARKET else 1) * ONE_CONTRACT)

    @property
    def size_step(self) -> Size:
        """What sizes are multiples of."""
        return Size(ONE_CONTRACT // 100)

    def ticks(self, *, fine: bool) -> tuple[TickBand, ...]:
        """Return the price grid of a market; ``fine`` ones have tenths of a cent."""
        if not fine:
            return WHOLE_CENTS
        return TENTH_CENTS if self is Rules.POLYMARKET else TAPERED

    def fees(self, category: str) -> FeeSchedule:
        """Return what a trade costs in markets of a category."""
        if self is Rules.KALSHI:
            return FeeSchedule(model=FeeModel.KALSHI_QUADRATIC, taker_rate=_KALSHI_RATE)
        if self is Rules.PLAIN:
            return NO_FEES
        rate = _POLYMARKET_RATES.get(category, _POLYMARKET_RATE)
        return FeeSchedule(model=FeeModel.POLYMARKET_CURVE, taker_rate=rate)


def _chance(_: object, field: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value <= 1:
        msg = f"{field.name} is a chance between 0 and 1, was {value}"
        raise ValueError(msg)


def _not_negative(_: object, field: attrs.Attribute[Any], value: float) -> None:
    if value < 0:
        msg = f"{field.name} must not be negative, was {value}"
        raise ValueError(msg)


@attrs.frozen(kw_only=True)
class Crowd:
    """Who trades in the markets of a family, and how wrong they are.

    Args:
        rate: actions per second in each market: somebody trades, quotes anew or changes a size.
        burst: how many times faster for ``burst_seconds`` after news.
        burst_seconds: see ``burst``.
        trade: chance that an action brings somebody who takes.
        informed: share of the takers who know the true probability; they trade only where it pays.
        bias: by which part the makers' log-odds are too close to zero; negative: too far from it.
        lag_seconds: how far the makers' belief is behind the truth; after so long 63 % are caught
            up.
        noise: chance per action that the makers jump for no reason, without a trade.
        noise_jump: by how much they do, in log-odds, up or down.
        noise_seconds: after so long 63 % of such a jump are gone.
        half_spreads: half distances between bid and ask, in 1e-6 dollar; a repeated one is
            likelier.
        levels: prices quoted on each side.
        depth: about so many contracts wait at a price.
        print_max: the most contracts somebody uninformed takes at once.

    """

    rate: float = attrs.field(default=0.03, validator=_not_negative)
    burst: float = attrs.field(default=4.0, validator=_not_negative)
    burst_seconds: float = attrs.field(default=120.0, validator=_not_negative)
    trade: float = attrs.field(default=0.3, validator=_chance)
    informed: float = attrs.field(default=0.15, validator=_chance)
    bias: float = 0.0
    lag_seconds: float = attrs.field(default=15.0, validator=_not_negative)
    noise: float = attrs.field(default=0.0, validator=_chance)
    noise_jump: float = attrs.field(default=1.0, validator=_not_negative)
    noise_seconds: float = attrs.field(default=300.0, validator=_not_negative)
    half_spreads: tuple[int, ...] = (5_000, 5_000, 10_000, 10_000, 10_000, 20_000, 35_000)
    levels: int = 3
    depth: int = 60
    print_max: int = 40


@attrs.frozen(kw_only=True)
class Faults:
    """What goes wrong between a bot and the venue; nothing, unless it is switched on.

    All chances are per order, fill, fact or event as their name says; what struck is counted.

    Args:
        latency: how long an order or a cancellation is under way.
        jitter: up to so much longer.
        rejected: chance that the venue refuses an order for no reason of ours.
        answer_lost: chance that an order arrives but its answer does not; it is found later.
        order_lost: chance that an order never arrives and nobody says so at first.
        found_after: how long until the fate of such an order is known.
        ghost_fill: chance that a fill is provisional and later undone.
        late_fact: chance that a fact about an order comes ``late_by`` later than it should.
        late_by: see ``late_fact``.
        repeated_fact: chance that a fact about an order comes twice.
        void: chance that an event is annulled: Kalshi pays the last price, Polymarket one half.
        outage_every: mean time from one outage of the venue to the next; 0 for none.
        outage_lasts: how long an outage takes.
        post_only_after: how long after an outage nobody may take.
        gap_every: mean time from one break in the data to the next; 0 for none.

    """

    latency: Duration = Duration(0)
    jitter: Duration = Duration(0)
    rejected: float = attrs.field(default=0.0, validator=_chance)
    answer_lost: float = attrs.field(default=0.0, validator=_chance)
    order_lost: float = attrs.field(default=0.0, validator=_chance)
    found_after: Duration = Duration(30 * SECOND)
    ghost_fill: float = attrs.field(default=0.0, validator=_chance)
    late_fact: float = attrs.field(default=0.0, validator=_chance)
    late_by: Duration = Duration(20 * SECOND)
    repeated_fact: float = attrs.field(default=0.0, validator=_chance)
    void: float = attrs.field(default=0.0, validator=_chance)
    outage_every: Duration = Duration(0)
    outage_lasts: Duration = Duration(10 * MINUTE)
    post_only_after: Duration = Duration(2 * MINUTE)
    gap_every: Duration = Duration(0)


NO_FAULTS: Final = Faults()
ROUGH: Final = Faults(
    latency=Duration(SECOND // 4),
    jitter=SECOND,
    rejected=0.05,
    answer_lost=0.05,
    order_lost=0.03,
    ghost_fill=0.05,
    late_fact=0.1,
    repeated_fact=0.1,
    void=0.03,
    outage_every=Duration(8 * HOUR),
    gap_every=Duration(3 * HOUR),
)


@attrs.frozen(kw_only=True)
class Rewards:
    """What the venue pays besides trades, at the end of a UTC day; nothing unless switched on.

    Args:
        rebates: whether makers get their share of the taker fees; only Polymarket's rules have one.
        daily: dollars that each market pays its makers per day for waiting near the middle.
        min_size: the least size of an order that counts for ``daily``.
        max_spread: how far from the midpoint it may be, in dollars.

    """

    rebates: bool = False
    daily: Money = attrs.field(default=NO_MONEY, validator=_not_negative)
    min_size: Size = Size(10 * ONE_CONTRACT)
    max_spread: Price = Price(30_000)

    @property
    def terms(self) -> Reward | None:
        """What a market tells of it; None where waiting pays nothing."""
        if not self.daily:
            return None
        return Reward(daily=self.daily, min_size=self.min_size, max_spread=self.max_spread)


NO_REWARDS: Final = Rewards()
PAID: Final = Rewards(rebates=True, daily=money("20"))


@attrs.frozen(kw_only=True)
class SimSettings:
    """A simulated world.

    Args:
        markets: about so many are open at a time.
        rules: whose fees, ticks, pairs and settlement.
        begins: the moment at which the world begins.
        lasts: after so long there are no more ticks.
        interval: from one tick to the next.
        step: the least time between two actions in one market. None: as long as the interval where
            that is ten seconds or more, else 0; coarse ticks then have a coarser, cheaper world.
        reference_every: how often outside prices are published (at least ``step`` apart).
        hurry: by how much the lives of all events but those on outside prices are shortened.
        cash: what the account may spend; None does not look.
        orders_max: the most orders of ours that may rest at a time.
        remembered_max: how many ended markets are remembered, with every trade of ours in them.
        faults: what goes wrong.
        rewards: what is paid besides trades.
        families: names of the families that exist; empty means all that are given.
        rate: replaces every family's `Crowd.rate`.
        informed: replaces every family's `Crowd.informed`.
        bias_factor: multiplies every family's `Crowd.bias`.
        lag_factor: multiplies every family's `Crowd.lag_seconds`.
        noise_factor: multiplies every family's `Crowd.noise`.
        spread_factor: multiplies every family's `Crowd.half_spreads`.

    """

    markets: int = attrs.field(default=60)
    rules: Rules = attrs.field(default=Rules.KALSHI, converter=Rules)
    begins: Micros = BEGINS
    lasts: Duration = Duration(28 * DAY)
    interval: Duration = attrs.field(default=SECOND)
    step: Duration | None = None
    reference_every: Duration = Duration(2 * SECOND)
    hurry: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    cash: Money | None = None
    orders_max: int = 1000
    remembered_max: int = attrs.field(default=10_000, validator=attrs.validators.ge(0))
    faults: Faults = NO_FAULTS
    rewards: Rewards = NO_REWARDS
    families: tuple[str, ...] = ()
    rate: float | None = None
    informed: float | None = None
    bias_factor: float = 1.0
    lag_factor: float = 1.0
    noise_factor: float = 1.0
    spread_factor: float = 1.0

    @markets.validator
    def _some(self, _: object, value: int) -> None:
        if not 1 <= value <= MARKETS_MAX:
            msg = f"a simulated world has 1 to {MARKETS_MAX} markets, was {value}"
            raise ValueError(msg)

    @interval.validator
    def _ticks(self, _: object, value: Duration) -> None:
        if value <= 0:
            msg = f"the interval between ticks must be positive, was {value}"
            raise ValueError(msg)

    @property
    def coarseness(self) -> Duration:
        """The least time between two actions in one market."""
        if self.step is not None:
            return self.step
        return self.interval if self.interval >= _COARSE_FROM else Duration(0)

    def crowd(self, own: Crowd) -> Crowd:
        """Return a family's crowd under the settings that hold for all."""
        return attrs.evolve(
            own,
            rate=own.rate if self.rate is None else self.rate,
            informed=own.informed if self.informed is None else self.informed,
            bias=own.bias * self.bias_factor,
            lag_seconds=own.lag_seconds * self.lag_factor,
            noise=min(1.0, own.noise * self.noise_factor),
            half_spreads=tuple(round(half * self.spread_factor) for half in own.half_spreads),
        )


DEFAULT: Final = SimSettings()
# The two differ in who takes and how late the makers are, and in nothing else.
_SLOW: Final = ("SIM-HEAT", "SIM-VOTE", "SIM-RATE")
CALM: Final = SimSettings(
    families=_SLOW, informed=0.02, lag_factor=0.3, noise_factor=0.0, spread_factor=1.5
)
TOXIC: Final = attrs.evolve(CALM, informed=0.85, lag_factor=6.0)
NOISY: Final = SimSettings(families=("SIM-RUMOUR",), noise_factor=2.0)
FAIR: Final = SimSettings(bias_factor=0.0, lag_factor=0.0, noise_factor=0.0)
PRESETS: Final = {
    "default": DEFAULT,
    "calm": CALM,
    "toxic": TOXIC,
    "noisy": NOISY,
    "fair": FAIR,
    "rough": SimSettings(faults=ROUGH),
    "rewards": SimSettings(rules=Rules.POLYMARKET, rewards=PAID),
}
