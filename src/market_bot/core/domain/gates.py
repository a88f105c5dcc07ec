"""Soft gates between a signal and the hard limits: filters, cooldowns, what the data can claim."""

from __future__ import annotations

from collections.abc import Iterator

from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import Market
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Micros,
    Price,
    Size,
    format_price,
    format_size,
)
from market_bot.core.domain.settings import Cooldown, Filters
from market_bot.core.domain.signals import Gate, Signal
from market_bot.core.domain.view import MarketView


def filtered(filters: Filters, seen: MarketView, signal: Signal, as_of: Micros) -> Iterator[Gate]:
    """Yield every market filter that refuses an entry."""
    market = seen.market
    if filters.families_include and market.family not in filters.families_include:
        yield _soft("families_include", ",".join(filters.families_include), market.family)
    if market.family in filters.families_exclude:
        yield _soft("families_exclude", ",".join(filters.families_exclude), market.family)
    if filters.price_min is not None and signal.price < filters.price_min:
        yield _soft("price_min", format_price(filters.price_min), format_price(signal.price))
    if filters.price_max is not None and signal.price > filters.price_max:
        yield _soft("price_max", format_price(filters.price_max), format_price(signal.price))
    yield from _wide(filters.max_spread, seen.spread())
    yield from _untimely(filters, market, as_of)


def _wide(limit: Price | None, spread: Price | None) -> Iterator[Gate]:
    if limit is None:
        return
    if spread is None:
        yield _soft("max_spread", format_price(limit), "unknown")
    elif spread > limit:
        yield _soft("max_spread", format_price(limit), format_price(spread))


def _untimely(filters: Filters, market: Market, as_of: Micros) -> Iterator[Gate]:
    least, most = filters.min_to_close, filters.max_to_close
    if least is None and most is None:
        return
    if market.close_at is None:
        yield _soft("hours_to_close", "known", "unknown")
        return
    left = Duration(market.close_at - as_of)
    if least is not None and left < least:
        yield _soft("min_hours_to_close", _seconds(least), _seconds(left))
    if most is not None and left > most:
        yield _soft("max_hours_to_close", _seconds(most), _seconds(left))


def cooling(cooldown: Cooldown, state: LaneState, market: str, as_of: Micros) -> Iterator[Gate]:
    """Yield every cooldown that still runs in a market."""
    for name, times, wait in (
        ("cooldown_after_entry", state.last_entry, cooldown.after_entry),
        ("cooldown_after_exit", state.last_exit, cooldown.after_exit),
    ):
        last = times.get(market)
        if last is not None and as_of - last < wait:
            yield _soft(name, _seconds(wait), _seconds(Duration(as_of - last)))


def too_small(market: Market, size: Size, wanted: Size) -> Iterator[Gate]:
    """Yield a refusal of an order that has no tradable size."""
    if size <= 0:
        yield _soft("min_size", format_size(market.min_size), format_size(wanted))


def _soft(name: str, limit: str, value: str) -> Gate:
    return Gate(name, limit, value, hard=False)


def _seconds(span: Duration) -> str:
    return f"{span // SECOND}s"
