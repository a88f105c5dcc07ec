"""The second opinion: a check of the whole resulting configuration that trusts nobody.

It shares nothing with the code that proposes, allows and checks changes first: it has its own
table of what may ever be tuned and how far, its own reading of numbers, its own comparison. A
mistake there, or a knob declared too widely, must not be able to pass here as well. The table is
written by hand on purpose; a knob it does not know is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import attrs

from market_bot.core.domain.numbers import Micros

_DAY: Final = 24 * 3600 * 1_000_000
_SHORT: Final = 7 * _DAY
_LONG: Final = 30 * _DAY
_STEPS_SHORT: Final = 2
_SHARE_LONG: Final = Decimal("0.25")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?\Z", re.ASCII)
_DEPTH_MAX: Final = 12
_LEAVES_MAX: Final = 20_000
_DIGITS_MAX: Final = 30
_DECIMAL: Final = "decimal"
_BY_NAME: Final = ("strategies",)
# How many there are in a section, and in a list; no key of a file is a number.
_SIZE: Final = -1
_LENGTH: Final = -2

_Place = tuple[str | int, ...]

# Lowest, highest, step. Nothing else is ever tuned, whatever is declared elsewhere.
_TABLE: Final[Mapping[str, tuple[str, str, str]]] = {
    "markets.min_liquidity_usd": ("0", "100000", "500"),
    "markets.min_volume_24h_usd": ("0", "100000", "500"),
    "markets.price_min": ("0.01", "0.95", "0.05"),
    "markets.price_max": ("0.05", "0.99", "0.05"),
    "markets.max_spread": ("0.01", "0.2", "0.01"),
    "markets.min_depth_contracts": ("1", "1000", "10"),
    "markets.min_hours_to_close": ("0", "48", "0.25"),
    "markets.max_hours_to_close": ("1", "8760", "24"),
    "cooldown.after_entry_seconds": ("0", "3600", "60"),
    "cooldown.after_exit_seconds": ("0", "14400", "300"),
    "cooldown.after_loss_seconds": ("0", "86400", "600"),
    "cooldown.after_reject_seconds": ("0", "3600", "30"),
    "exits.stop_loss.distance": ("0.02", "0.5", "0.02"),
    "exits.stop_loss.confirm_seconds": ("0", "600", "30"),
    "exits.trailing_stop.activation": ("0", "0.3", "0.02"),
    "exits.trailing_stop.distance": ("0.01", "0.3", "0.01"),
    "exits.take_profit.price": ("0.6", "0.99", "0.01"),
    "exits.take_profit.gain": ("0.02", "0.5", "0.02"),
    "exits.time_to_close.minutes": ("1", "1440", "5"),
    "exits.max_hold.minutes": ("10", "43200", "60"),
    "sizing.order_usd": ("1", "1000", "1"),
    "sizing.contracts": ("1", "1000", "1"),
    "sizing.kelly_fraction": ("0.05", "0.5", "0.05"),
    "sizing.max_depth_share": ("0.1", "1", "0.1"),
    "strategies.bias_harvest.params.gain": ("1", "1.5", "0.05"),
    "strategies.bias_harvest.params.min_edge": ("0.002", "0.05", "0.002"),
    "strategies.bias_harvest.params.price_min": ("0.6", "0.95", "0.05"),
    "strategies.bias_harvest.params.price_max": ("0.9", "0.99", "0.01"),
    "strategies.bias_harvest.params.max_hours_to_close": ("1", "720", "12"),
    "strategies.bias_harvest.params.patience_seconds": ("10", "900", "30"),
    "strategies.bias_harvest.params.offset_ticks": ("0", "3", "1"),
    "strategies.bias_harvest.params.exit_below": ("0.2", "0.7", "0.05"),
    "strategies.event_arb.params.min_edge": ("0.002", "0.1", "0.002"),
    "strategies.event_arb.params.max_contracts": ("1", "1000", "5"),
    "strategies.event_arb.params.patience_seconds": ("1", "60", "1"),
    "strategies.event_arb.params.orphan_seconds": ("1", "3600", "30"),
    "strategies.market_making.params.size_contracts": ("1", "1000", "5"),
    "strategies.market_making.params.max_inventory": ("1", "5000", "10"),
    "strategies.market_making.params.skew": ("0", "0.1", "0.002"),
    "strategies.market_making.params.min_half_width": ("0.01", "0.5", "0.01"),
    "strategies.market_making.params.vol_multiple": ("0", "5", "0.25"),
    "strategies.market_making.params.vol_seconds": ("10", "600", "30"),
    "strategies.market_making.params.horizon_seconds": ("1", "120", "5"),
    "strategies.market_making.params.micro_weight": ("0", "1", "0.1"),
    "strategies.market_making.params.jump": ("0.05", "2", "0.05"),
    "strategies.market_making.params.jump_seconds": ("5", "300", "5"),
    "strategies.market_making.params.requote_ticks": ("1", "10", "1"),
    "strategies.market_making.params.patience_seconds": ("10", "900", "30"),
    "strategies.market_making.params.max_book_age_seconds": ("1", "600", "10"),
    "strategies.market_making.params.stop_before_close_seconds": ("0", "86400", "300"),
    "strategies.market_making.params.price_min": ("0.01", "0.4", "0.01"),
    "strategies.mean_reversion.params.jump_min": ("0.02", "0.3", "0.01"),
    "strategies.mean_reversion.params.window_seconds": ("5", "300", "5"),
    "strategies.mean_reversion.params.base_seconds": ("10", "600", "10"),
    "strategies.mean_reversion.params.prints_max": ("0", "1000", "10"),
    "strategies.mean_reversion.params.reversion": ("0.1", "1", "0.1"),
    "strategies.mean_reversion.params.min_edge": ("0.002", "0.1", "0.002"),
    "strategies.mean_reversion.params.stop": ("0.01", "0.3", "0.01"),
    "strategies.mean_reversion.params.max_hold_seconds": ("30", "7200", "60"),
    "strategies.mean_reversion.params.patience_seconds": ("5", "300", "5"),
    "strategies.mean_reversion.params.price_min": ("0.01", "0.4", "0.01"),
    "strategies.mean_reversion.params.price_max": ("0.6", "0.99", "0.01"),
    "strategies.mean_reversion.params.stop_before_close_seconds": ("0", "86400", "300"),
    "strategies.price_level.params.min_edge": ("0.005", "0.2", "0.005"),
    "strategies.price_level.params.exit_edge": ("0", "0.2", "0.005"),
    "strategies.price_level.params.vol_seconds": ("30", "3600", "60"),
    "strategies.price_level.params.vol_floor": ("0.01", "1", "0.05"),
    "strategies.price_level.params.vol_cap": ("1", "5", "0.25"),
    "strategies.price_level.params.min_samples": ("10", "600", "10"),
    "strategies.price_level.params.max_reference_age_seconds": ("1", "60", "1"),
    "strategies.price_level.params.min_seconds_to_close": ("0", "3600", "10"),
    "strategies.price_level.params.max_hours_to_close": ("1", "720", "12"),
    "strategies.price_level.params.patience_seconds": ("5", "300", "5"),
    "strategies.price_level.params.price_min": ("0.01", "0.4", "0.01"),
    "strategies.price_level.params.price_max": ("0.6", "0.99", "0.01"),
}

# What puts more money at stake may rise to this hard limit at most; a contract costs up to $1.
_AT_STAKE: Final[Mapping[str, str]] = {
    "sizing.order_usd": "risk.max_order_usd",
    "sizing.contracts": "risk.max_order_usd",
    "strategies.event_arb.params.max_contracts": "risk.max_position_usd",
    "strategies.market_making.params.size_contracts": "risk.max_order_usd",
    "strategies.market_making.params.max_inventory": "risk.max_position_usd",
}

# Where both are set, the first is below the second, wherever the settings were valid before.
_BELOW: Final = (
    ("markets.price_min", "markets.price_max"),
    ("markets.min_hours_to_close", "markets.max_hours_to_close"),
    ("strategies.bias_harvest.params.price_min", "strategies.bias_harvest.params.price_max"),
    ("strategies.bias_harvest.params.exit_below", "strategies.bias_harvest.params.price_min"),
    ("strategies.mean_reversion.params.price_min", "strategies.mean_reversion.params.price_max"),
    ("strategies.price_level.params.price_min", "strategies.price_level.params.price_max"),
    ("strategies.price_level.params.vol_floor", "strategies.price_level.params.vol_cap"),
    # A stop as far away as the price that is hoped for could never be reached.
    ("exits.stop_loss.distance", "exits.take_profit.price"),
    ("exits.trailing_stop.distance", "exits.take_profit.price"),
)
_NEVER_ABOVE: Final = (
    ("sizing.order_usd", "risk.max_order_usd"),
    ("risk.max_order_usd", "risk.max_total_exposure_usd"),
)
_UNTOUCHED: Final = ("mode", "api", "loop", "paper", "tape", "simulation", "risk")


class Objection(Enum):
    """Why a change is refused; the values are those of the journal."""

    UNKNOWN_KNOB = "unknown_knob"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    TOO_FAR = "too_far"
    UNREADABLE = "unreadable"
    BEFORE_DIFFERS = "before_differs"
    AFTER_DIFFERS = "after_differs"
    MORE_THAN_ONE_VALUE = "more_than_one_value"
    LIMITS_TOUCHED = "limits_touched"
    CONTRADICTION = "contradiction"
    NEGATIVE_EDGE = "negative_edge"
    TOO_MUCH_AT_STAKE = "too_much_at_stake"
    DRIFT_SHORT = "drift_short"
    DRIFT_LONG = "drift_long"


@attrs.frozen(kw_only=True)
class Moved:
    """A change that was made because of a proposal, whether or not it was taken back."""

    path: str
    before: str
    after: str
    at: Micros


class _NoPlainDataError(Exception):
    """A configuration is not what a settings file can hold."""


def second_opinion(
    *,
    path: str,
    before: str,
    after: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    history: Iterable[Moved],
    now: Micros,
) -> Objection | None:
    """Return why a change must not be made, None if nothing stands against it.

    Args:
        path, before, after: what the change is said to be.
        old, new: the whole settings before and after, as plain data: both as they are read from
            the file, or both as the canonical text holds them.
        history: every change made by proposals within the last 30 days, at least.
        now: this moment.

    """
    row = _TABLE.get(path)
    if row is None:
        return Objection.UNKNOWN_KNOB
    low, high, step = map(Decimal, row)
    start, end = _decimal(before), _decimal(after)
    if start is None or end is None:
        return Objection.NOT_A_NUMBER
    if not low <= end <= high:
        return Objection.OUT_OF_RANGE
    if start == end or abs(end - start) > step:
        return Objection.TOO_FAR
    try:
        return (
            _difference(path, start, end, old, new)
            or _whole(path, start < end, new)
            or _drift(path, abs(end - start), (low, high, step), history, now)
        )
    except _NoPlainDataError:
        return Objection.UNREADABLE


def _difference(
    path: str, start: Decimal, end: Decimal, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Objection | None:
    """Compare everything: one scalar may differ, and it must be the one that was announced."""
    if [part for part in _UNTOUCHED if _text(old.get(part)) != _text(new.get(part))]:
        return Objection.LIMITS_TOUCHED
    was, becomes, place = _read(old), _read(new), _place(path)
    if list(was) != list(becomes):
        return Objection.MORE_THAN_ONE_VALUE
    if place not in was or _decimal(was[place]) != start:
        return Objection.BEFORE_DIFFERS
    if _decimal(becomes[place]) != end or _quoted(was[place]) != _quoted(becomes[place]):
        return Objection.AFTER_DIFFERS
    if [key for key in was if key != place and _text(was[key]) != _text(becomes[key])]:
        return Objection.MORE_THAN_ONE_VALUE
    return None


def _whole(path: str, rises: bool, new: Mapping[str, Any]) -> Objection | None:  # noqa: FBT001 - read once, above
    """Judge the resulting settings as such."""
    values = {key: _decimal(value) for key, value in _read(new).items()}
    for lesser, greater in _BELOW:
        one, other = values.get(_place(lesser)), values.get(_place(greater))
        if one is not None and other is not None and one >= other:
            return Objection.CONTRADICTION
    for key, value in values.items():
        if str(key[-1]).endswith("_edge") and value is not None and value < 0:
            return Objection.NEGATIVE_EDGE
    pairs = [*_NEVER_ABOVE]
    if rises and path in _AT_STAKE:
        pairs.append((path, _AT_STAKE[path]))
    for lesser, greater in pairs:
        one, other = values.get(_place(lesser)), values.get(_place(greater))
        # A limit that is not there is one that does not hold.
        if one is None or other is None or one > other:
            return Objection.TOO_MUCH_AT_STAKE
    return None


def _drift(
    path: str,
    way: Decimal,
    row: tuple[Decimal, Decimal, Decimal],
    history: Iterable[Moved],
    now: Micros,
) -> Objection | None:
    """Add up the way a knob has gone lately; to and fro count alike."""
    low, high, step = row
    short = longer = way
    for moved in history:
        if moved.path != path or moved.at <= now - _LONG:
            continue
        gone = abs(_exact(moved.after) - _exact(moved.before))
        longer += gone
        if moved.at > now - _SHORT:
            short += gone
    if short > _STEPS_SHORT * step:
        return Objection.DRIFT_SHORT
    if longer > _SHARE_LONG * (high - low):
        return Objection.DRIFT_LONG
    return None


def _place(path: str) -> _Place:
    return tuple(path.split("."))


def _read(data: Mapping[str, Any]) -> dict[_Place, object]:
    """Return every scalar by its place, in the order of the file."""
    found: dict[_Place, object] = {}
    for place, value in _leaves(data, ()):
        if place in found or len(found) >= _LEAVES_MAX:
            raise _NoPlainDataError
        found[place] = value
    return found


def _leaves(data: object, place: _Place) -> Iterator[tuple[_Place, object]]:
    if len(place) > _DEPTH_MAX:
        raise _NoPlainDataError
    if isinstance(data, Mapping):
        if data.keys() == {_DECIMAL} and type(data[_DECIMAL]) is str:
            # A strategy's decimal, in the canonical text.
            yield place, _exact(data[_DECIMAL])
            return
        yield (*place, _SIZE), len(data)
        for key, value in data.items():
            if type(key) is not str:
                raise _NoPlainDataError
            yield from _leaves(value, (*place, key))
    elif isinstance(data, list):
        yield (*place, _LENGTH), len(data)
        for position, value in enumerate(data):
            yield from _leaves(value, (*place, _item(place, position, value)))
    else:
        yield place, data


def _item(place: _Place, position: int, value: object) -> str | int:
    """Return what a list's item goes by: a strategy by its name, others by their position."""
    if place != _BY_NAME:
        return position
    name = value.get("name") if isinstance(value, Mapping) else None
    if type(name) is not str:
        raise _NoPlainDataError
    return name


def _exact(value: object) -> Decimal:
    number = _decimal(value)
    if number is None:
        raise _NoPlainDataError
    return number


def _decimal(value: object) -> Decimal | None:
    """Return a plainly written number, None for everything else, true and false included."""
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > _DIGITS_MAX:
            return None
        value = format(value, "f")
    elif type(value) is int and abs(value) < 10**_DIGITS_MAX:
        value = str(value)
    if type(value) is not str or not _NUMBER.match(value):
        return None
    return Decimal(value)


def _quoted(value: object) -> bool:
    return type(value) is str


def _text(value: object) -> str:
    """Return data as one text in which different data are different, types included."""
    return json.dumps(_plain(value, 0), sort_keys=True)


def _plain(value: object, depth: int) -> object:
    if depth > _DEPTH_MAX:
        raise _NoPlainDataError
    if isinstance(value, Mapping):
        return {f"{type(key).__name__} {key}": _plain(value[key], depth + 1) for key in value}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, Decimal):
        # Digit by digit: 0.5 and 0.50 are written differently.
        return {_DECIMAL: str(value)}
    if value is None or type(value) in (str, int, bool):
        return value
    raise _NoPlainDataError
