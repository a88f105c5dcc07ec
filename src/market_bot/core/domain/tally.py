"""What a stretch of journal amounts to: counts, money, and whether beliefs beat the market."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Money, Price, Size
from market_bot.core.domain.orders import Purpose, Style


@attrs.frozen(kw_only=True)
class Brier:
    """Mean squared errors of probabilities against outcomes; lower is better.

    ``signals`` is how many signals had both a market price and an outcome.
    """

    signals: int
    markets: int
    ours: float | None
    market: float | None


@attrs.define(eq=False)
class Tally:
    """Counts facts as they come; give it every event of a lane, in order.

    ``denied`` counts refusals that began, ``denials`` the gates they named: one may name several.
    ``orders`` counts what was sent, ``ended`` how orders ended other than by being filled.
    """

    first_at: Micros | None = None
    last_at: Micros | None = None
    scans: int = 0
    markets: int = 0
    signals: Counter[str] = attrs.field(factory=Counter)
    denied: int = 0
    denials: Counter[str] = attrs.field(factory=Counter)
    orders: Counter[str] = attrs.field(factory=Counter)
    ended: Counter[str] = attrs.field(factory=Counter)
    fills: Counter[str] = attrs.field(factory=Counter)
    filled_size: Size = attrs.field(default=Size(0))
    turnover: Money = attrs.field(default=Money(0))
    fees: Money = attrs.field(default=Money(0))
    exits: Counter[str] = attrs.field(factory=Counter)
    resolved: int = 0
    errors: Counter[str] = attrs.field(factory=Counter)
    _believed: dict[str, list[tuple[Leg, int, int]]] = attrs.field(factory=dict, init=False)
    _scored_signals: int = attrs.field(default=0, init=False)
    _scored_markets: int = attrs.field(default=0, init=False)
    # Sums of squares in 1e-12, exact: the same on every machine.
    _ours: int = attrs.field(default=0, init=False)
    _theirs: int = attrs.field(default=0, init=False)
    _counters: dict[type[ev.Event], Callable[[Any], None]] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._counters = {
            ev.Scan: self._scan,
            ev.SignalRaised: self._signal,
            ev.Denied: self._denied,
            ev.OrderIntent: self._intent,
            ev.OrderRejected: lambda _: self.ended.update(["rejected"]),
            ev.OrderUnknown: lambda _: self.ended.update(["unknown"]),
            ev.OrderCancelled: lambda event: self.ended.update([_short(event.reason)]),
            ev.Fill: self._fill,
            ev.Exit: lambda event: self.exits.update([event.reason]),
            ev.Error: lambda event: self.errors.update({event.where: event.count}),
            ev.MarketResolved: self._resolve,
        }

    def add(self, event: ev.Event, at: Micros) -> None:
        """Count one fact."""
        if self.first_at is None:
            self.first_at = at
        self.last_at = at
        count = self._counters.get(type(event))
        if count is not None:
            count(event)

    def brier(self) -> Brier:
        """Return how our beliefs and the market's prices scored on resolved markets."""
        n = self._scored_signals
        return Brier(
            signals=n,
            markets=self._scored_markets,
            ours=self._ours / n / 10**12 if n else None,
            market=self._theirs / n / 10**12 if n else None,
        )

    def _scan(self, event: ev.Scan) -> None:
        self.scans += 1
        self.markets = max(self.markets, event.markets)

    def _denied(self, event: ev.Denied) -> None:
        if event.phase == "begin":
            self.denied += 1
            self.denials.update(gate.name for gate in event.gates)

    def _intent(self, event: ev.OrderIntent) -> None:
        self.orders[f"{event.purpose.value}_{event.style.value}"] += 1

    def _signal(self, event: ev.SignalRaised) -> None:
        self.signals[event.strategy] += 1
        if event.purpose is Purpose.ENTRY and event.mid is not None:
            believed = self._believed.setdefault(event.market, [])
            believed.append((event.leg, event.belief, event.mid))

    def _fill(self, event: ev.Fill) -> None:
        made = "maker" if event.liquidity is Style.MAKER else "taker"
        self.fills[f"{event.purpose.value}_{made}"] += 1
        self.filled_size = Size(self.filled_size + event.size)
        self.turnover = Money(self.turnover + event.cost)
        self.fees = Money(self.fees + event.fee)

    def _resolve(self, event: ev.MarketResolved) -> None:
        self.resolved += 1
        believed = self._believed.pop(event.market, [])
        if not believed:
            return
        self._scored_markets += 1
        for leg, belief, mid in believed:
            paid = event.yes_payout if leg is Leg.YES else Price(ONE_DOLLAR - event.yes_payout)
            self._scored_signals += 1
            self._ours += (belief - paid) ** 2
            self._theirs += (mid - paid) ** 2


def _short(reason: str) -> str:
    """Return the code of a reason; what follows a colon is for people."""
    return reason.partition(":")[0].strip().replace(" ", "_")
