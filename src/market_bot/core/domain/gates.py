"""Soft gates between a signal and the hard limits: filters, cooldowns, what the data can claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import Market
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Micros,
    Price,
    Size,
    format_money,
    format_price,
    format_size,
)
from market_bot.core.domain.settings import Cooldown, Filters
from market_bot.core.domain.signals import Gate, Signal
from market_bot.core.domain.view import MarketView

_UNKNOWN: Final = "unknown"


def filtered(filters: Filters, seen: MarketView, signal: Signal, as_of: Micros) -> Iterator[Gate]:
    """Yield every market filter that refuses an entry."""
    market = seen.market
    yield from unsuitable(filters, market)
    if filters.price_min is not None and signal.price < filters.price_min:
        yield _soft("price_min", format_price(filters.price_min), format_price(signal.price))
    if filters.price_max is not None and signal.price > filters.price_max:
        yield _soft("price_max", format_price(filters.price_max), format_price(signal.price))
    yield from _wide(filters.max_spread, seen.spread())
    yield from _below("min_depth_contracts", filters.min_depth, _depth(seen), format_size)
    yield from _untimely(filters, market, as_of)


def unsuitable(filters: Filters, market: Market) -> Iterator[Gate]:
    """Yield every market filter that refuses a market whatever its prices are."""
    yield from _listed(filters, market)
    yield from _titled(filters, market.title)
    yield from _below("min_liquidity_usd", filters.min_liquidity, market.liquidity, format_money)
    yield from _below("min_volume_24h_usd", filters.min_volume_24h, market.volume_24h, format_money)


def _listed(filters: Filters, market: Market) -> Iterator[Gate]:
    if filters.families_include and market.family not in filters.families_include:
        yield _soft("families_include", ",".join(filters.families_include), market.family)
    if market.family in filters.families_exclude:
        yield _soft("families_exclude", ",".join(filters.families_exclude), market.family)
    category = market.category.casefold()
    wanted = filters.categories_include
    if wanted and category not in map(str.casefold, wanted):
        yield _soft("categories_include", ",".join(wanted), market.category or _UNKNOWN)
    unwanted = filters.categories_exclude
    if unwanted and (not category or category in map(str.casefold, unwanted)):
        yield _soft("categories_exclude", ",".join(unwanted), market.category or _UNKNOWN)


def _titled(filters: Filters, title: str) -> Iterator[Gate]:
    # A title is a stranger's text: it is compared, and never repeated.
    if filters.keywords_include and not _said(filters.keywords_include, title):
        told = "none" if title else _UNKNOWN
        yield _soft("keywords_include", ",".join(filters.keywords_include), told)
    if filters.keywords_exclude:
        said = _said(filters.keywords_exclude, title)
        if said or not title:
            told = ",".join(said) or _UNKNOWN
            yield _soft("keywords_exclude", ",".join(filters.keywords_exclude), told)


def _said(keywords: Sequence[str], title: str) -> list[str]:
    folded = title.casefold()
    return [keyword for keyword in keywords if keyword.casefold() in folded]


def _below(
    name: str, limit: int | None, value: int | None, written: Callable[[Any], str]
) -> Iterator[Gate]:
    if limit is None:
        return
    if value is None:
        yield _soft(name, written(limit), _UNKNOWN)
    elif value < limit:
        yield _soft(name, written(limit), written(value))


def _depth(seen: MarketView) -> Size | None:
    """Return the size displayed at the thinner side of the touch, None without both sides."""
    if seen.bid is None or seen.ask is None:
        return None
    return min(seen.bid_size, seen.ask_size)


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
        yield _soft("hours_to_close", "known", _UNKNOWN)
        return
    left = Duration(market.close_at - as_of)
    if least is not None and left < least:
        yield _soft("min_hours_to_close", _seconds(least), _seconds(left))
    if most is not None and left > most:
        yield _soft("max_hours_to_close", _seconds(most), _seconds(left))


def cooling(cooldown: Cooldown, state: LaneState, market: Market, as_of: Micros) -> Iterator[Gate]:
    """Yield every cooldown that still runs in a market or in its family."""
    for name, times, wait in (
        ("cooldown_after_entry", state.last_entry, cooldown.after_entry),
        ("cooldown_after_exit", state.last_exit, cooldown.after_exit),
        ("cooldown_after_loss", state.last_loss, cooldown.after_loss),
        ("cooldown_after_reject", state.last_reject, cooldown.after_reject),
    ):
        yield from _resting(name, times.get(market.id), wait, as_of)
    family = cooldown.families.get(market.family)
    if family is not None:
        last = state.last_in_family.get(market.family)
        yield from _resting("cooldown_family", last, family, as_of)


def _resting(name: str, last: Micros | None, wait: Duration, as_of: Micros) -> Iterator[Gate]:
    if wait and last is not None and as_of - last < wait:
        yield _soft(name, _seconds(wait), _seconds(Duration(as_of - last)))


def leaving(reason: str | None) -> Iterator[Gate]:
    """Yield a refusal to buy a leg that an exit wants to sell."""
    if reason is not None:
        yield _soft("leaving", "no exit due", reason)


def too_small(market: Market, size: Size, wanted: Size) -> Iterator[Gate]:
    """Yield a refusal of an order that has no tradable size."""
    if size <= 0:
        yield _soft("min_size", format_size(market.min_size), format_size(wanted))


def _soft(name: str, limit: str, value: str) -> Gate:
    return Gate(name, limit, value, hard=False)


def _seconds(span: Duration) -> str:
    return f"{span // SECOND}s"
