"""Results of replays that never happened: invented markets, exact sums, a gain as wished."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    Micros,
    Money,
    Size,
    money,
    parse_time,
)
from market_bot.core.domain.replay_result import (
    Coverage,
    CurvePoint,
    Difference,
    Fidelity,
    Forecasts,
    ReplayResult,
    SettingChange,
    TapeUsed,
    Trade,
    Variant,
    VariantResult,
)

__all__ = ["a_fidelity", "a_result", "a_trade", "a_variant", "a_variant_result", "some_days"]

CENT = 10**10
MODELS = ("pessimistic", "realistic", "optimistic")
START = parse_time("2026-10-01T00:00:00Z")
DAY = 86_400_000_000


def some_days(count: int) -> tuple[str, ...]:
    """Return so many UTC dates in a row."""
    return tuple((date(2026, 10, 1) + timedelta(days=i)).isoformat() for i in range(count))


def a_trade(
    *,
    event: str = "KXHIGHNY-26OCT01",
    contracts: int = 10,
    paid: str = "0.4",
    brought: str | None = "1",
    fee: str = "0.10",
) -> Trade:
    """Return a trade at a price per contract; without `brought` it is still open."""
    size = Size(contracts * 1_000_000)
    return Trade(
        strategy="bias_harvest",
        market=f"{event}-T50",
        event=event,
        family=event.partition("-")[0],
        leg=Leg.YES,
        opened_at=START,
        closed_at=None if brought is None else Micros(START + DAY),
        size=size,
        cost=Money(money(paid) * contracts),
        proceeds=Money(money(brought or "0") * contracts),
        fees=money(fee),
    )


def a_variant_result(
    per_day: Mapping[str, Mapping[str, Money]],
    *,
    name: str = "base",
    model: str = "pessimistic",
    trades: Sequence[Trade] = (),
    settings: tuple[SettingChange, ...] = (),
    deposits: Money | None = None,
    fees: Money | None = None,
) -> VariantResult:
    """Return a result whose sums over days, events and the curve agree."""
    per_event: dict[str, Money] = {}
    for amounts in per_day.values():
        for event, amount in amounts.items():
            per_event[event] = Money(per_event.get(event, 0) + amount)
    put_in = money("1000") if deposits is None else deposits
    equity = high = int(put_in)
    fall, curve = 0, [CurvePoint(START, put_in)]
    for index, day in enumerate(sorted(per_day), start=1):
        equity += sum(per_day[day].values())
        high = max(high, equity)
        fall = max(fall, high - equity)
        point = CurvePoint(Micros(START + index * DAY), Money(equity), Money(high - equity))
        curve.append(point)
    return VariantResult(
        name=name,
        settings=settings,
        model=model,
        config="c0ffee",
        decisions={"signal": 3 * len(trades), "order_intent": len(trades)},
        entries=len(trades),
        exits=len(trades) // 3,
        fills=2 * len(trades),
        denials={"max_spread": 12, "cooldown": 5},
        trades=tuple(trades),
        deposits=put_in,
        pnl=Money(sum(per_event.values())),
        fees=Money(sum(t.fees for t in trades)) if fees is None else fees,
        rewards=money("0.25"),
        per_event=per_event,
        per_day=per_day,
        max_drawdown=Money(fall),
        curve=tuple(curve),
        forecasts=Forecasts(entries=8, markets=6, own=8 * 2 * 10**11, market=8 * 22 * 10**10),
        still_open=sum(1 for t in trades if t.closed_at is None),
        open_value=money("3.5"),
        max_exposure=money("120"),
    )


def a_variant(
    name: str,
    days: Sequence[str],
    *,
    seed: int = 1,
    gain: float = 0.0,
    scatter: float = 0.4,
    events_per_day: int = 3,
) -> Variant:
    """Return a variant that earns `gain` dollars an event more than a base with the same seed.

    The difference scatters by `scatter`; more is earned the kinder the fill model.
    """
    models = []
    for bonus, model in enumerate(MODELS):
        luck, own = random.Random(seed), random.Random(f"{name} {seed}")
        per_day = {
            day: {
                f"KXHIGHNY-{day[2:]}-{n}": Money(
                    round(
                        luck.gauss(0.2, 3) * 100
                        + bonus * 20
                        + (gain + own.gauss(0, scatter if gain or scatter else 0))
                        * 100
                        * (name != "base")
                    )
                    * CENT
                )
                for n in range(events_per_day)
            }
            for day in days
        }
        models.append(
            a_variant_result(
                per_day,
                name=name,
                model=model,
                trades=some_trades(seed, events_per_day * len(days)),
                settings=()
                if name == "base"
                else (SettingChange("strategies.bias_harvest.min_edge", "0.02", "0.03"),),
            )
        )
    return Variant(name=name, settings=models[0].settings, models=tuple(models))


def some_trades(seed: int, count: int) -> tuple[Trade, ...]:
    """Return trades at all prices, most of them settled, one in ten sold and one in ten open."""
    chance = random.Random(seed)
    trades = []
    for number in range(count):
        cents = chance.randint(3, 97)
        fate = number % 10
        won = chance.randint(1, 100) <= cents
        sold = f"0.{max(1, cents - 2):02d}"
        brought = None if fate == 0 else sold if fate == 1 else str(int(won))
        trades.append(
            a_trade(event=f"KXE-{number}", paid=f"0.{cents:02d}", brought=brought, fee="0.07")
        )
    return tuple(trades)


def a_fidelity(same: int = 100, recorded: int = 100) -> Fidelity:
    """Return how faithfully a journal was replayed."""
    first = None
    if same < recorded:
        first = Difference(
            at=parse_time("2026-10-01T12:00:00Z"), line=17, recorded="a", replayed=None
        )
    return Fidelity(
        chain="kalshi/paper",
        recorded=recorded,
        replayed=recorded,
        same=same,
        identical=same == recorded,
        first=first,
        by_type={"signal": (recorded, recorded, same)},
    )


def a_result(
    *variants: Variant,
    days: Sequence[str],
    base: Variant | None = None,
    fidelity: Fidelity | None = None,
    notes: tuple[str, ...] = (),
) -> ReplayResult:
    """Return a replay of a base and these variants over the days."""
    return ReplayResult(
        venue="kalshi",
        base=base or a_variant("base", days),
        variants=variants,
        tapes=(TapeUsed("2026-10-01.jsonl.zst", "ab" * 32),),
        began=START if days else None,
        ended=Micros(START + len(days) * DAY) if days else None,
        ticks=1440 * len(days),
        records=250_000 * len(days),
        coverage=Coverage(
            capabilities=("l2_stream", "prints"),
            takers=True,
            makers=True,
            markets=9 * len(days),
            events=3 * len(days),
            resolved=8 * len(days),
            days=tuple(days),
        ),
        fidelity=fidelity,
        notes=notes,
    )
