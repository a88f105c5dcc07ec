"""Small windows for examples of leak rules: plain things with nothing special about them.

A rule's example names only what it is about. Everything is numbered: number ``i`` has the sequence
number ``10 * i``, its own market unless one is named, and an event that it shares with the next
one. Results are given a small fixed scatter, since without any there is no statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from market_bot.core.domain.analytics.window import (
    Closed,
    Departure,
    Entry,
    Execution,
    Level,
    Opportunity,
    Path,
    Prices,
    Trouble,
    Window,
    Wish,
)
from market_bot.core.domain.leaks.api import Night
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    HOUR,
    PRICE_SCALE,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Probability,
    format_scaled,
    money,
    price,
    probability,
    size,
)
from market_bot.core.domain.orders import Style
from market_bot.core.domain.signals import Gate

START: Final = Micros(1_790_000_000_000_000 // (24 * HOUR) * 24 * HOUR)
DAY: Final = Duration(24 * HOUR)
HORIZONS: Final = (60, 300, 600, 900, 1200, 1800, 2400, 3000, 3600)
KNOBS: Final[Mapping[str, str | None]] = {
    "strategies.example.params.min_edge": "0.01",
    "strategies.example.params.offset_ticks": "1",
    "strategies.example.params.patience_seconds": "120",
    "strategies.example.params.max_book_age_seconds": "60",
    "strategies.example.params.max_hours_to_close": "48",
    "markets.max_spread": "0.05",
    "markets.min_hours_to_close": "0.5",
    "markets.price_min": None,
    "cooldown.after_entry_seconds": "60",
    "cooldown.after_exit_seconds": "300",
    "cooldown.after_loss_seconds": "0",
    "exits.stop_loss.distance": "0.06",
    "exits.stop_loss.confirm_seconds": "30",
    "exits.take_profit.gain": "0.20",
    "exits.trailing_stop.distance": "0.05",
    "exits.max_hold.minutes": "60",
    "sizing.order_usd": "10",
    "sizing.kelly_fraction": "0.25",
    "sizing.max_depth_share": "0.5",
}
"""What the lane of the examples could turn."""

_SCATTER: Final = (0, 7_000, -6_000, 2_000, -3_000)
_MID: Final = 500_000
_HALF: Final = 10_000
_CONTRACTS: Final = size("10")


def night(
    *,
    knobs: Mapping[str, str | None] = KNOBS,
    shadow: Window | None = None,
    **parts: Any,  # noqa: ANN401 - the fields of a window
) -> Night:
    """Return a night whose day, week and month are the same window."""
    seen = window(**parts)
    return Night(
        night="2026-09-21",
        day=seen,
        week=seen,
        month=seen,
        knobs=knobs,
        seed="example",
        shadow=shadow,
    )


def window(**parts: Any) -> Window:  # noqa: ANN401 - the fields of a window
    """Return a day of one lane with these parts, each any sequence."""
    whole = {name: tuple(part) if isinstance(part, list) else part for name, part in parts.items()}
    plain: dict[str, Any] = {"covered": DAY, "levels": levels()}
    return Window(chain="example", since=START, until=Micros(START + DAY), **{**plain, **whole})


def levels(*, at_work: str = "0.6", equity: str = "1000") -> tuple[Level, ...]:
    """Return the equity every hour, and which share of it was at work."""
    whole = money(equity)
    used = Money(whole * probability(at_work) // 10**6)
    return tuple(
        Level(at=Micros(START + hour * HOUR), equity=whole, at_work=used) for hour in range(24)
    )


def scattered(value: str, i: int) -> int:
    """Return a price difference with the scatter of number ``i``; it sums to zero over five."""
    return price(value) + _SCATTER[i % len(_SCATTER)]


def written(value: int) -> str:
    """Return a price or a difference as a decimal string."""
    return format_scaled(value, PRICE_SCALE)


def delayed(one: Entry, seconds: int) -> Entry:
    """Return an entry whose trades came later, when the midpoint had moved to their price."""
    late = Duration(seconds * SECOND)
    trades = tuple(
        attrs.evolve(trade, at=Micros(trade.at + late), mid=trade.price) for trade in one.executions
    )
    return attrs.evolve(one, executions=trades)


def names(i: int, **known: Any) -> dict[str, Any]:  # noqa: ANN401 - the fields of a trace
    """Return what everything carries, for number ``i``."""
    plain: dict[str, Any] = {
        "seq": 10 * i,
        "at": Micros(START + i * 60 * SECOND),
        "signal": f"S{i}",
        "strategy": "example",
        "market": f"M{i}",
        "event": f"E{i // 2}",
        "family": "F",
        "leg": Leg.YES,
    }
    return {**plain, **known}


def place(market: str) -> dict[str, Any]:
    """Return the names of one market with an event of its own."""
    return {"market": market, "event": f"E-{market}"}


def wish(*, edge: str = "0.03", style: Style = Style.TAKER, **known: Any) -> Wish:  # noqa: ANN401 - its fields
    """Return a wish with this edge after a cost of a cent, at a spread of two cents."""
    at = _MID + _HALF if style is Style.TAKER else _MID - _HALF
    gross = at + price("0.01") + price(edge)
    plain: dict[str, Any] = {
        "seq": 1,
        "style": style,
        "price": Price(at),
        "belief": Probability(gross),
        "edge": price(edge),
        "cost": price("0.01"),
        "reason": "example",
        "prices": quoted(_MID),
        "depth": size("10"),
        "book_age": Duration(SECOND),
        "closes_in": Duration(12 * HOUR),
    }
    return Wish(**{**plain, **known})


def quoted(mid: int, half: int = _HALF) -> Prices:
    """Return prices around a midpoint."""
    return Prices(mid=Price(mid), bid=Price(mid - half), ask=Price(mid + half))


def path(mids: Mapping[int, int], *, since: Micros = START, start: Prices | None = None) -> Path:
    """Return later prices: the midpoints by seconds, each holding until the next one."""
    later, last = {}, _MID
    for seconds in HORIZONS:
        last = mids.get(seconds, last)
        later[seconds] = quoted(last)
    return Path(since=since, start=start or quoted(_MID), later=later)


def entry(
    i: int,
    *,
    move: str = "0",
    after: int = 60,
    edge: str = "0.03",
    style: Style = Style.TAKER,
    paid: str | None = None,
    fee: str = "0.05",
    wished: Mapping[str, Any] | None = None,
    **known: Any,  # noqa: ANN401 - the fields of an entry
) -> Entry:
    """Return a filled entry of ten contracts whose midpoint moves once, with a scatter."""
    said = wish(edge=edge, style=style, **(wished or {}))
    at = said.price if paid is None else price(paid)
    moment = known.get("at", Micros(START + i * 60 * SECOND))
    plain: dict[str, Any] = {
        **names(i),
        "intent": f"I{i}",
        "config": "c",
        "style": style,
        "price": said.price,
        "size": _CONTRACTS,
        "mid": Price(_MID),
        "wish": said,
        "outcome": "accepted",
        "sent_at": moment,
        "executions": (executed(i, at, style, fee, moment),),
        "path": path({after: _MID + scattered(move, i)}, since=moment),
    }
    return Entry(**{**plain, **known})


def executed(i: int, at: int, style: Style, fee: str, moment: Micros) -> Execution:
    """Return the trade of number ``i``: ten contracts, a second after the decision."""
    return Execution(
        seq=10 * i + 1,
        at=Micros(moment + SECOND),
        fill=f"X{i}",
        liquidity=style,
        price=Price(at),
        size=_CONTRACTS,
        cost=Money(at * _CONTRACTS),
        fee=money(fee),
        mid=Price(_MID),
    )


def opportunity(i: int, *, gate: str, gain: str, hard: bool = False, **known: Any) -> Opportunity:  # noqa: ANN401 - its fields
    """Return a refused wish that would have gained so much per contract after costs."""
    said = wish()
    worth = said.price + said.cost + scattered(gain, i)
    plain: dict[str, Any] = {
        **names(i),
        "gates": (Gate(gate, "1", "2", hard=hard),),
        "price": said.price,
        "size": _CONTRACTS,
        "ticks": 20,
        "wish": said,
        "path": path({3600: worth}),
    }
    return Opportunity(**{**plain, **known})


def closed(i: int, *, gain: str, fees: str = "0", how: str = "sold", **known: Any) -> Closed:  # noqa: ANN401 - its fields
    """Return ten contracts that gained so much each before fees, opened by the entry ``i``."""
    plain: dict[str, Any] = {
        **names(i),
        "seq": 10 * i + 5,
        "opened_at": Micros(START + i * 60 * SECOND),
        "how": how,
        "reason": "max_hold",
        "size": _CONTRACTS,
        "cost": Money(_MID * _CONTRACTS),
        "proceeds": Money((_MID + scattered(gain, i)) * _CONTRACTS),
        "fees": money(fees),
        "entries": (10 * i,),
        "belief": probability("0.55"),
        "edge": price("0.03"),
        "closes_in": Duration(12 * HOUR),
    }
    return Closed(**{**plain, **known})


def departure(i: int, *, worth: str, half: str = "0.01", **known: Any) -> Departure:  # noqa: ANN401 - its fields
    """Return a stop whose contracts were worth so much more an hour later, in bids."""
    bid = _MID - price(half)
    later = {3600: bid + _HALF + scattered(worth, i)}
    plain: dict[str, Any] = {
        **names(i),
        "seq": 10 * i + 4,
        "reason": "stop_loss",
        "config": "c",
        "price": Price(bid),
        "size": _CONTRACTS,
        "executions": (attrs.evolve(executed(i, bid, Style.TAKER, "0.05", START), seq=10 * i + 5),),
        "path": path(later, start=quoted(_MID, price(half))),
    }
    return Departure(**{**plain, **known})


def trouble(where: str, count: int) -> Trouble:
    """Return an error that was met so often."""
    return Trouble(where=where, count=count, seq=7)


def with_pieces(entries: Iterable[Entry], gain: str) -> dict[str, Sequence[Any]]:
    """Return entries together with the pieces that they became."""
    known = list(entries)
    pieces = [
        closed(one.seq // 10, gain=gain, market=one.market, event=one.event, family=one.family)
        for one in known
    ]
    return {"entries": known, "closed": pieces}
