"""The numbers of a window: what was made, how, where, and whether beliefs beat the market.

Money is exact. Ratios, chances and tests are floats on the grid of
`market_bot.core.domain.statistics.grid`. None says that a number has no meaning there: too few
observations, no spread, nothing known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

import attrs

from market_bot.core.domain.analytics.attribution import attribution_of, summed
from market_bot.core.domain.analytics.round_trips import CORRECTED, RESOLVED, REVERSED
from market_bot.core.domain.analytics.window import Closed, Entry, Execution, Path, Window
from market_bot.core.domain.marks import HORIZONS
from market_bot.core.domain.numbers import (
    CERTAIN,
    HOUR,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    format_money,
    format_size,
    format_time,
    utc_date,
)
from market_bot.core.domain.orders import Style
from market_bot.core.domain.statistics.counts import (
    poisson_binomial_at_least,
    poisson_binomial_at_most,
)
from market_bot.core.domain.statistics.forecasts import (
    CalibrationBin,
    Forecast,
    brier,
    calibration,
)
from market_bot.core.domain.statistics.grid import on_grid
from market_bot.core.domain.statistics.returns import (
    calmar,
    expectancy,
    max_drawdown,
    profit_factor,
    sharpe,
    sortino,
)
from market_bot.core.domain.statistics.robust import quantile

MARKOUTS: Final = (60, 300, 1_800)
"""After how many seconds a trade is judged by the midpoint."""

_BANDS: Final = 10
_MONEY_UNIT: Final = 10**12
_HALF_MINUTE: Final = Duration(30 * SECOND)
_MINUTE: Final = Duration(60 * SECOND)
_TO_CLOSE: Final = ((1, "<1"), (6, "1-6"), (24, "6-24"))
_NO_TRADES: Final = (CORRECTED, REVERSED)


@attrs.frozen(kw_only=True)
class WinTest:
    """How many markets were won of those that ended, beside what their prices ask for.

    One trial is one leg of one market that paid a dollar or nothing; its chance to break even is
    what a contract cost with fees. ``at_most`` and ``at_least`` are the exact chances of so few and
    so many wins if every trade breaks even (Poisson binomial), trials taken as independent.
    """

    trials: int
    wins: int
    expected: float
    at_most: float
    at_least: float


@attrs.frozen(kw_only=True)
class Group:
    """What closed pieces of one kind amount to.

    ``trades`` are closed pieces, corrections apart; ``wins`` those with a gain after fees.
    """

    trades: int
    events: int
    wins: int
    win_rate: float | None
    win_test: WinTest | None
    size: Size
    pnl: Money
    parts: Mapping[str, Money]


@attrs.frozen(kw_only=True)
class Markout:
    """How the midpoint moved in our favour after purchases, per contract in dollars.

    ``missing`` are contracts of purchases whose midpoints are not known.
    """

    seconds: int
    liquidity: Style
    fills: int
    size: Size
    moved: Money
    per_contract: float | None
    missing: Size


@attrs.frozen(kw_only=True)
class Beliefs:
    """How beliefs and the market's midpoints scored against what markets paid."""

    forecasts: int
    brier: float | None
    market_brier: float | None
    calibration: tuple[CalibrationBin, ...]
    market_calibration: tuple[CalibrationBin, ...]


@attrs.frozen(kw_only=True)
class Returns:
    """What days and trades brought; ratios are per year of 365 days, money is in dollars."""

    days: Mapping[str, Money]
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float
    max_drawdown_share: float | None
    expectancy: float | None
    profit_factor: float | None


@attrs.frozen(kw_only=True)
class Analytics:
    """All numbers of a window; ``by`` holds a group for each value of each dimension."""

    chain: str
    since: Micros
    until: Micros
    covered: Duration
    cut: bool
    total: Group
    by: Mapping[str, Mapping[str, Group]]
    rewards: Money
    attribution: Mapping[str, Money]
    markouts: tuple[Markout, ...]
    beliefs: Beliefs
    returns: Returns
    utilisation_mean: float | None
    utilisation_median: float | None
    entries: int
    filled: int
    opportunities: int
    denials: Mapping[str, int]


def analyse(window: Window) -> Analytics:
    """Return the numbers of a window."""
    shares = [level.at_work / level.equity for level in window.levels if level.equity > 0]
    return Analytics(
        chain=window.chain,
        since=window.since,
        until=window.until,
        covered=window.covered,
        cut=window.cut,
        total=group_of(window.closed),
        by={name: _grouped(window.closed, key) for name, key in DIMENSIONS.items()},
        rewards=window.rewards,
        attribution=attribution_of(window),
        markouts=tuple(_markouts(window.entries)),
        beliefs=_beliefs(window.entries),
        returns=_returns(window),
        utilisation_mean=on_grid(sum(shares) / len(shares)) if shares else None,
        utilisation_median=on_grid(quantile(sorted(shares), 0.5)) if shares else None,
        entries=len(window.entries),
        filled=sum(entry.filled > 0 for entry in window.entries),
        opportunities=len(window.opportunities),
        denials=window.denials,
    )


# -- groups ----------------------------------------------------------------------------------


def price_band(piece: Closed) -> str:
    """Return the ten cents in which a contract of the leg was bought: ``0-10`` … ``90-100``."""
    if piece.size <= 0:
        return "unknown"
    number = min(_BANDS - 1, max(0, piece.cost * _BANDS // (piece.size * ONE_DOLLAR)))
    return f"{number * 10}-{number * 10 + 10}"


def hour_opened(piece: Closed) -> str:
    """Return the hour of the UTC day in which the position was opened: ``00`` … ``23``."""
    return f"{piece.opened_at // HOUR % 24:02}"


def hours_to_close(piece: Closed) -> str:
    """Return how many hours were left to trade when it was bought."""
    if piece.closes_in is None:
        return "unknown"
    return next((name for most, name in _TO_CLOSE if piece.closes_in < most * HOUR), ">24")


DIMENSIONS: Final[Mapping[str, Callable[[Closed], str]]] = {
    "strategy": lambda piece: piece.strategy,
    "family": lambda piece: piece.family,
    "event": lambda piece: piece.event,
    "price_band": price_band,
    "hour": hour_opened,
    "hours_to_close": hours_to_close,
    "leg": lambda piece: piece.leg.value,
    "how": lambda piece: piece.how,
}
"""By what closed pieces are told apart."""


def _grouped(pieces: Iterable[Closed], key: Callable[[Closed], str]) -> dict[str, Group]:
    groups: dict[str, list[Closed]] = {}
    for piece in pieces:
        groups.setdefault(key(piece), []).append(piece)
    return {name: group_of(groups[name]) for name in sorted(groups)}


def group_of(pieces: Sequence[Closed]) -> Group:
    """Return what closed pieces amount to."""
    trades = [piece for piece in pieces if piece.how not in _NO_TRADES]
    wins = sum(piece.pnl > 0 for piece in trades)
    return Group(
        trades=len(trades),
        events=len({piece.event for piece in trades}),
        wins=wins,
        win_rate=on_grid(wins / len(trades)) if trades else None,
        win_test=_win_test(pieces),
        size=Size(sum(piece.size for piece in trades)),
        pnl=Money(sum(piece.pnl for piece in pieces)),
        parts=summed(piece.parts for piece in pieces),
    )


def _win_test(pieces: Iterable[Closed]) -> WinTest | None:
    trials: dict[tuple[str, str], list[int]] = {}
    for piece in pieces:
        if piece.how == RESOLVED and piece.size > 0:
            trial = trials.setdefault((piece.market, piece.leg.value), [0, 0, 0])
            trial[0] += piece.size
            trial[1] += piece.cost + piece.fees
            trial[2] += piece.proceeds
    plain = [t for t in trials.values() if t[2] in (0, t[0] * ONE_DOLLAR)]
    if not plain:
        return None
    chances = [min(1.0, max(0.0, paid / (size * ONE_DOLLAR))) for size, paid, _ in plain]
    wins = sum(back > 0 for _, _, back in plain)
    return WinTest(
        trials=len(plain),
        wins=wins,
        expected=on_grid(sum(chances)),
        at_most=poisson_binomial_at_most(wins, chances),
        at_least=poisson_binomial_at_least(wins, chances),
    )


# -- markouts and beliefs --------------------------------------------------------------------


def mid_after(path: Path | None, at: Micros, after: Duration) -> Price | None:
    """Return the midpoint so long after a moment; None if none was taken near it.

    The first horizon of the path from half a minute before that on, unless it lies later by more
    than a minute and more than half of ``after``.
    """
    if path is None:
        return None
    wanted = at - path.since + after
    for horizon in HORIZONS:
        if horizon >= wanted - _HALF_MINUTE:
            known = path.later.get(horizon // SECOND)
            near = horizon - wanted <= max(_MINUTE, after // 2)
            return known.mid if near and known is not None else None
    return None


def _markouts(entries: Sequence[Entry]) -> Iterator[Markout]:
    for seconds in MARKOUTS:
        for liquidity in Style:
            fills = [
                (entry.path, execution)
                for entry in entries
                for execution in entry.executions
                if execution.liquidity is liquidity and not execution.reversed
            ]
            yield _markout(seconds, liquidity, fills)


def _markout(
    seconds: int, liquidity: Style, fills: Sequence[tuple[Path | None, Execution]]
) -> Markout:
    count, size, moved, missing = 0, 0, 0, 0
    for path, execution in fills:
        later = mid_after(path, execution.at, Duration(seconds * SECOND))
        if later is None or execution.mid is None:
            missing += execution.size
            continue
        count += 1
        size += execution.size
        moved += (later - execution.mid) * execution.size
    return Markout(
        seconds=seconds,
        liquidity=liquidity,
        fills=count,
        size=Size(size),
        moved=Money(moved),
        per_contract=on_grid(moved / size / ONE_DOLLAR) if size else None,
        missing=Size(missing),
    )


def _beliefs(entries: Iterable[Entry]) -> Beliefs:
    own: list[Forecast] = []
    market: list[Forecast] = []
    scored: set[str] = set()
    for entry in entries:
        wish, payout = entry.wish, None if entry.path is None else entry.path.payout
        mid = None if wish is None else wish.prices.mid
        # Of several orders for one signal the first is scored: it is one belief.
        if wish is None or mid is None or payout is None or entry.signal in scored:
            continue
        scored.add(entry.signal)
        own.append(Forecast(wish.belief / CERTAIN, payout / ONE_DOLLAR))
        market.append(Forecast(min(ONE_DOLLAR, max(0, mid)) / ONE_DOLLAR, payout / ONE_DOLLAR))
    return Beliefs(
        forecasts=len(own),
        brier=brier(own),
        market_brier=brier(market),
        calibration=calibration(own) if own else (),
        market_calibration=calibration(market) if market else (),
    )


# -- returns ---------------------------------------------------------------------------------


def daily_pnl(window: Window) -> dict[str, Money]:
    """Return by how much equity changed on each UTC day, without what was put in or taken out.

    From the last level of the day before, on the first day from the first level; days on which
    nothing was scanned have none.
    """
    if not window.levels:
        return {}
    last: dict[str, Money] = {}
    for level in window.levels:
        last[utc_date(level.at)] = level.equity
    first = window.levels[0]
    put: dict[str, int] = {}
    days = list(last)
    for each in window.put_in:
        # What was put in before the first level is part of it.
        if each.at > first.at:
            day = next((day for day in days if day >= utc_date(each.at)), days[-1])
            put[day] = put.get(day, 0) + each.amount
    equities = [first.equity, *last.values()]
    return {
        day: Money(after - before - put.get(day, 0))
        for day, (before, after) in zip(days, pairwise(equities), strict=True)
    }


def _returns(window: Window) -> Returns:
    days = daily_pnl(window)
    changes = [amount / _MONEY_UNIT for amount in days.values()]
    start = window.levels[0].equity / _MONEY_UNIT if window.levels else 0.0
    trades = [p.pnl / _MONEY_UNIT for p in window.closed if p.how not in _NO_TRADES]
    fall = max_drawdown(changes, start=start)
    return Returns(
        days=days,
        sharpe=sharpe(changes),
        sortino=sortino(changes),
        calmar=calmar(changes, start=start),
        max_drawdown=fall.depth,
        max_drawdown_share=fall.share,
        expectancy=expectancy(trades),
        profit_factor=profit_factor(trades),
    )


# -- JSON ------------------------------------------------------------------------------------


def as_json(analytics: Analytics) -> dict[str, object]:
    """Return all numbers as plain JSON values, in a fixed order.

    Money, sizes, ratios and chances are decimal strings, counts are numbers, times are ISO 8601,
    durations are seconds as decimal strings; null is what has no meaning.
    """
    return {
        "chain": analytics.chain,
        "since": format_time(analytics.since),
        "until": format_time(analytics.until),
        "covered_s": _decimal(analytics.covered / SECOND),
        "cut": analytics.cut,
        "total": _group_json(analytics.total),
        "by": {
            name: {key: _group_json(group) for key, group in groups.items()}
            for name, groups in analytics.by.items()
        },
        "rewards": format_money(analytics.rewards),
        "attribution": _money_json(analytics.attribution),
        "markouts": [_markout_json(markout) for markout in analytics.markouts],
        "beliefs": _beliefs_json(analytics.beliefs),
        "returns": _returns_json(analytics.returns),
        "utilisation_mean": _decimal(analytics.utilisation_mean),
        "utilisation_median": _decimal(analytics.utilisation_median),
        "entries": analytics.entries,
        "filled": analytics.filled,
        "opportunities": analytics.opportunities,
        "denials": dict(sorted(analytics.denials.items())),
    }


def _decimal(value: float | None) -> str | None:
    """Return the shortest plain decimal string of a float."""
    return None if value is None else format(Decimal(repr(float(value))).normalize() + 0, "f")


def _money_json(amounts: Mapping[str, Money]) -> dict[str, str]:
    return {name: format_money(amount) for name, amount in amounts.items()}


def _group_json(group: Group) -> dict[str, object]:
    test = group.win_test
    return {
        "trades": group.trades,
        "events": group.events,
        "wins": group.wins,
        "win_rate": _decimal(group.win_rate),
        "win_test": None
        if test is None
        else {
            "trials": test.trials,
            "wins": test.wins,
            "expected": _decimal(test.expected),
            "at_most": _decimal(test.at_most),
            "at_least": _decimal(test.at_least),
        },
        "size": format_size(group.size),
        "pnl": format_money(group.pnl),
        "parts": _money_json(group.parts),
    }


def _markout_json(markout: Markout) -> dict[str, object]:
    return {
        "seconds": markout.seconds,
        "liquidity": markout.liquidity.value,
        "fills": markout.fills,
        "size": format_size(markout.size),
        "moved": format_money(markout.moved),
        "per_contract": _decimal(markout.per_contract),
        "missing": format_size(markout.missing),
    }


def _beliefs_json(beliefs: Beliefs) -> dict[str, object]:
    return {
        "forecasts": beliefs.forecasts,
        "brier": _decimal(beliefs.brier),
        "market_brier": _decimal(beliefs.market_brier),
        "calibration": [_bin_json(each) for each in beliefs.calibration],
        "market_calibration": [_bin_json(each) for each in beliefs.market_calibration],
    }


def _bin_json(each: CalibrationBin) -> dict[str, object]:
    bounds = each.bounds
    return {
        "low": _decimal(each.low),
        "high": _decimal(each.high),
        "count": each.count,
        "forecast": _decimal(each.forecast),
        "happened": _decimal(each.happened),
        "from": None if bounds is None else _decimal(bounds.low),
        "to": None if bounds is None else _decimal(bounds.high),
    }


def _returns_json(returns: Returns) -> dict[str, object]:
    return {
        "days": _money_json(returns.days),
        "sharpe": _decimal(returns.sharpe),
        "sortino": _decimal(returns.sortino),
        "calmar": _decimal(returns.calmar),
        "max_drawdown": _decimal(returns.max_drawdown),
        "max_drawdown_share": _decimal(returns.max_drawdown_share),
        "expectancy": _decimal(returns.expectancy),
        "profit_factor": _decimal(returns.profit_factor),
    }
