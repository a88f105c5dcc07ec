"""What can be set: ``bot.yaml`` is a `BotConfig`, ``<venue>.yaml`` a `VenueConfig`.

Every value is checked where it is declared, so a configuration that exists is a valid one,
however it was made. Amounts are in dollars; the classes hold them in the units of
`market_bot.core.domain.numbers`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from market_bot.core.domain.exits import (
    max_hold,
    stop_loss,
    take_profit,
    time_to_close,
    trailing_stop,
)
from market_bot.core.domain.fills.terms import FillModel
from market_bot.core.domain.lane import TIMES_KEPT
from market_bot.core.domain.notices import DEFAULT_LEVELS, Kind, Level
from market_bot.core.domain.numbers import (
    MONEY_SCALE,
    NO_MONEY,
    NOTHING,
    ONE_DOLLAR,
    Micros,
    Money,
    Price,
    Size,
    money,
)
from market_bot.core.domain.settings import SizingMethod

from .errors import KeyPath

ParamValue = str | int | Decimal | bool

_HOUR: Final = 3_600_000_000
_HOUR_DECIMALS: Final = 6
_SHARE_DECIMALS: Final = 6
_MAX_FAMILIES: Final = 1000
_MAX_HOURS: Final = 24 * 366 * 10
_DAY_MS: Final = 24 * 3600 * 1000
_MINUTE_MS: Final = 60 * 1000
_DAY_S: Final = 24 * 3600
_MAX_DAYS: Final = 3660
_MAX_MB: Final = 100_000_000
_MAX_GB: Final = 100_000
_LAST_PORT: Final = 65_535
_MAX_COUNT: Final = 10_000
_MAX_WATCHED: Final = 1000
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\Z", re.ASCII)
_MODEL: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z", re.ASCII)
_SECRET_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{2,63}\Z", re.ASCII)
_MAX_CHANNELS: Final = 8
_TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]\Z", re.ASCII)


class FieldError(ValueError):
    """A value is impossible together with another; ``path`` is relative to its section."""

    def __init__(self, path: KeyPath, message: str) -> None:
        self.path = path
        super().__init__(message)


class Mode(Enum):
    """Whether orders are pretended or may become real."""

    PAPER = "paper"
    LIVE = "live"


class ExitStyle(Enum):
    """How a position is sold when an exit is due."""

    TAKER = "taker"
    MAKER = "maker"


class WorldPreset(Enum):
    """Which simulated world is traded."""

    DEFAULT = "default"
    CALM = "calm"
    TOXIC = "toxic"
    ROUGH = "rough"
    REWARDS = "rewards"


class AdvisorKind(Enum):
    """Who writes the nightly proposals."""

    RULES = "rules"
    CLAUDE = "claude"


class Effort(Enum):
    """How hard a language model thinks."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


# Dollars for a million tokens, read and written, in prompts as short as a night's.
_MODEL_PRICES: Final[Mapping[str, tuple[str, str]]] = {
    "claude-opus-5-5": ("4", "20"),
    "claude-opus-5": ("5", "25"),
    "claude-sonnet-5-5": ("2", "10"),
    "claude-haiku-5-5": ("0.10", "0.50"),
}


def _positive(_: object, __: object, value: Money) -> None:
    if value <= NO_MONEY:
        msg = "must be above 0 dollars"
        raise ValueError(msg)


def _not_negative(_: object, __: object, value: Any) -> None:  # noqa: ANN401 - of several units
    if value is not None and value < 0:
        msg = "cannot be below 0"
        raise ValueError(msg)


def _some(_: object, __: object, value: Size | None) -> None:
    if value is not None and value <= NOTHING:
        msg = "must be above 0 contracts"
        raise ValueError(msg)


def _share(_: object, __: object, value: Decimal | None) -> None:
    if value is None:
        return
    if not value.is_finite() or not 0 < value <= 1 or value != round(value, _SHARE_DECIMALS):
        msg = f"must be above 0 and at most 1, with at most {_SHARE_DECIMALS} decimals"
        raise ValueError(msg)


def _between(low: int, high: int) -> Callable[[object, object, int], None]:
    def check(_: object, __: object, value: int) -> None:
        if not low <= value <= high:
            msg = f"must be from {low} to {high}, was {value}"
            raise ValueError(msg)

    return check


def _price(_: object, __: object, value: Price | None) -> None:
    if value is not None and not 0 <= value <= ONE_DOLLAR:
        msg = "a price is from 0 to 1 dollar"
        raise ValueError(msg)


def _hours(_: object, __: object, value: Decimal | None) -> None:
    if value is None:
        return
    if not value.is_finite() or not 0 <= value <= _MAX_HOURS:
        msg = f"must be from 0 to {_MAX_HOURS} hours"
        raise ValueError(msg)
    if value != round(value, _HOUR_DECIMALS):
        msg = f"at most {_HOUR_DECIMALS} decimals"
        raise ValueError(msg)


def _name(_: object, __: object, value: str) -> None:
    if not _NAME.match(value):
        msg = "a name is lower-case letters, digits and _, like bias_harvest"
        raise ValueError(msg)


def _families(_: object, __: object, value: tuple[str, ...]) -> None:
    for position, family in enumerate(value):
        if not family.strip():
            raise FieldError((position,), "an empty name: write a family such as KXHIGHNY")


def _texts(what: str) -> Callable[[object, object, tuple[str, ...]], None]:
    def check(_: object, __: object, value: tuple[str, ...]) -> None:
        for position, text in enumerate(value):
            if not text.strip():
                raise FieldError((position,), f"an empty text: write {what}, or delete it")

    return check


def _waits(_: object, __: object, value: Mapping[str, int]) -> None:
    if len(value) > _MAX_FAMILIES:
        msg = f"more than {_MAX_FAMILIES} families"
        raise ValueError(msg)
    for family, seconds in value.items():
        if not 0 <= seconds <= _DAY_S:
            raise FieldError((family,), f"must be from 0 to {_DAY_S}, was {seconds}")


_HOST_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _endpoint(secure: str, plain: str) -> Callable[[object, object, str | None], None]:
    def check(_: object, __: object, value: str | None) -> None:
        if value is None:
            return
        parts = urlsplit(value)
        if parts.username is not None or parts.password is not None:
            msg = "keys and passwords belong in .env, never here"
            raise ValueError(msg)
        local = parts.scheme == plain and _is_loopback(parts.hostname)
        if not parts.hostname or not (parts.scheme == secure or local):
            msg = f"write an address beginning with {secure}:// ({plain}:// on this machine only)"
            raise ValueError(msg)

    return check


def _address(_: object, __: object, value: str) -> None:
    if not _is_loopback(value):
        try:
            ipaddress.ip_address(value)
        except ValueError as e:
            msg = "write the address of a network card of this machine, such as 127.0.0.1"
            raise ValueError(msg) from e


def _host_names(_: object, __: object, value: tuple[str, ...]) -> None:
    for position, name in enumerate(value):
        if not _HOST_NAME.fullmatch(name):
            raise FieldError((position,), "write a name such as bot.example.org, without a port")


def _model(_: object, __: object, value: str) -> None:
    if not _MODEL.match(value):
        msg = "write the name of a model, like claude-opus-5-5"
        raise ValueError(msg)


def _dollars_at_most(most: int) -> Callable[[object, object, Money | None], None]:
    def check(_: object, __: object, value: Money | None) -> None:
        if value is not None and not 0 < value <= most * 10**MONEY_SCALE:
            msg = f"must be above 0 and at most {most} dollars"
            raise ValueError(msg)

    return check


def _time_of_day(_: object, __: object, value: str) -> None:
    if not _TIME.match(value):
        msg = 'write hours and minutes in UTC, in quotes, like "00:30"'
        raise ValueError(msg)


def _secret_name(_: object, __: object, value: str) -> None:
    # Never shown: it may be the address itself, with its token.
    if not _SECRET_NAME.match(value):
        msg = (
            "write the name of a line of .env, like NOTIFY_PHONE; the address itself belongs there"
        )
        raise ValueError(msg)


def _ordered(low: tuple[str, Any], high: tuple[str, Any]) -> None:
    if low[1] is not None and high[1] is not None and low[1] > high[1]:
        raise FieldError((low[0],), f"is above {high[0]}: nothing would pass")


@attrs.frozen(kw_only=True)
class Api:
    """Where the venue is; absent means the adapter's own production address.

    The catalogue, the data and the site have addresses of their own at Polymarket only.
    """

    base_url: str | None = attrs.field(default=None, validator=_endpoint("https", "http"))
    ws_url: str | None = attrs.field(default=None, validator=_endpoint("wss", "ws"))
    gamma_url: str | None = attrs.field(default=None, validator=_endpoint("https", "http"))
    data_url: str | None = attrs.field(default=None, validator=_endpoint("https", "http"))
    site_url: str | None = attrs.field(default=None, validator=_endpoint("https", "http"))


@attrs.frozen(kw_only=True)
class Loop:
    """How often the bot looks; 0 means at every record of the feed.

    Prices that are streamed make it look earlier, but never within ``min_interval_ms`` of its last
    look; as many as ``interval_ms``, or more, leave it at that.
    """

    interval_ms: int = attrs.field(default=1000, validator=_between(0, _DAY_MS))
    min_interval_ms: int = attrs.field(default=250, validator=_between(10, _DAY_MS))


@attrs.frozen(kw_only=True)
class Paper:
    """The pretended account, and how its orders fill; delays are in milliseconds."""

    cash: Money = attrs.field(validator=_positive, metadata={"example": '"1000"'})
    fill_model: FillModel = FillModel.PESSIMISTIC
    send_ms: int = attrs.field(default=150, validator=_between(0, _MINUTE_MS))
    cancel_ms: int = attrs.field(default=150, validator=_between(0, _MINUTE_MS))
    data_ms: int = attrs.field(default=50, validator=_between(0, _MINUTE_MS))


@attrs.frozen(kw_only=True)
class TapeConfig:
    """Whether market data is kept as it was consumed."""

    record: bool = True


@attrs.frozen(kw_only=True)
class MarketFilters:
    """Which markets are looked at; soft, unlike `Risk`. An absent bound does not filter."""

    families_include: tuple[str, ...] = attrs.field(default=(), validator=_families)
    families_exclude: tuple[str, ...] = attrs.field(default=(), validator=_families)
    categories_include: tuple[str, ...] = attrs.field(
        default=(), validator=_texts("a category of the venue")
    )
    categories_exclude: tuple[str, ...] = attrs.field(
        default=(), validator=_texts("a category of the venue")
    )
    keywords_include: tuple[str, ...] = attrs.field(
        default=(), validator=_texts("words of a title")
    )
    keywords_exclude: tuple[str, ...] = attrs.field(
        default=(), validator=_texts("words of a title")
    )
    min_liquidity_usd: Money | None = attrs.field(default=None, validator=_not_negative)
    min_volume_24h_usd: Money | None = attrs.field(default=None, validator=_not_negative)
    price_min: Price | None = attrs.field(default=None, validator=_price)
    price_max: Price | None = attrs.field(default=None, validator=_price)
    max_spread: Price | None = attrs.field(default=None, validator=_price)
    min_depth_contracts: Size | None = attrs.field(default=None, validator=_not_negative)
    min_hours_to_close: Decimal | None = attrs.field(default=None, validator=_hours)
    max_hours_to_close: Decimal | None = attrs.field(default=None, validator=_hours)
    max_watched: int = attrs.field(default=300, validator=_between(1, _MAX_WATCHED))

    def __attrs_post_init__(self) -> None:
        _ordered(("price_min", self.price_min), ("price_max", self.price_max))
        _ordered(
            ("min_hours_to_close", self.min_hours_to_close),
            ("max_hours_to_close", self.max_hours_to_close),
        )

    @property
    def min_time_to_close(self) -> Micros | None:
        """The least time left before a market closes, in microseconds."""
        return _micros(self.min_hours_to_close)

    @property
    def max_time_to_close(self) -> Micros | None:
        """The most time left before a market closes, in microseconds."""
        return _micros(self.max_hours_to_close)


def _waits_of(waits: Mapping[str, int]) -> dict[str, int]:
    return dict(waits)


def _copy(params: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
    # Whoever made the mapping keeps no hand in it.
    return dict(params)


@attrs.frozen(kw_only=True)
class StrategyConfig:
    """One strategy by name; ``params`` are checked against the strategy's own declaration."""

    name: str = attrs.field(validator=_name, metadata={"example": "bias_harvest"})
    enabled: bool = True
    params: Mapping[str, ParamValue] = attrs.field(factory=dict, converter=_copy)


@attrs.frozen(kw_only=True)
class Sizing:
    """How large an entry is; ``order_usd`` is the most it spends, and with ``fixed`` always."""

    method: SizingMethod = SizingMethod.FIXED
    order_usd: Money = attrs.field(validator=_positive, metadata={"example": '"10"'})
    contracts: Size | None = attrs.field(default=None, validator=_some)
    kelly_fraction: Decimal = attrs.field(default=Decimal("0.25"), validator=_share)
    max_depth_share: Decimal | None = attrs.field(default=None, validator=_share)

    def __attrs_post_init__(self) -> None:
        if self.method is SizingMethod.FIXED_CONTRACTS and self.contracts is None:
            raise FieldError(
                ("method",),
                "fixed_contracts needs to know how many: add a line like `contracts: 10`",
            )


@attrs.frozen(kw_only=True)
class Cooldown:
    """How long a market, or a whole family, is left alone after something happened in it."""

    after_entry_seconds: int = attrs.field(
        validator=_between(0, _DAY_S), metadata={"example": "60"}
    )
    after_exit_seconds: int = attrs.field(
        validator=_between(0, _DAY_S), metadata={"example": "300"}
    )
    after_loss_seconds: int = attrs.field(default=0, validator=_between(0, _DAY_S))
    after_reject_seconds: int = attrs.field(default=0, validator=_between(0, _DAY_S))
    families: Mapping[str, int] = attrs.field(factory=dict, converter=_waits_of, validator=_waits)


@attrs.frozen(kw_only=True)
class Exits:
    """When any position is left, whatever its strategy thinks; an absent section is off.

    The first that is due, in this order, gives the reason.
    """

    style: ExitStyle = ExitStyle.TAKER
    patience_seconds: int = attrs.field(default=10, validator=_between(1, _DAY_S))
    strategies_exclude: tuple[str, ...] = attrs.field(
        default=(), validator=_texts("the name of a strategy")
    )
    stop_loss: stop_loss.Params | None = None
    trailing_stop: trailing_stop.Params | None = None
    take_profit: take_profit.Params | None = None
    time_to_close: time_to_close.Params | None = None
    max_hold: max_hold.Params | None = None

    def sections(self) -> dict[str, object]:
        """Return what is on by name, in order."""
        ways = ("stop_loss", "trailing_stop", "take_profit", "time_to_close", "max_hold")
        found = {name: getattr(self, name) for name in ways}
        return {name: params for name, params in found.items() if params is not None}


def _distance(_: object, __: object, value: Price) -> None:
    if not 0 < value <= ONE_DOLLAR:
        msg = "a distance between prices is above 0 and at most 1 dollar"
        raise ValueError(msg)


def _hard_limit(example: str, validator: Any = _positive) -> Any:  # noqa: ANN401 - what attrs.field takes and returns
    return attrs.field(validator=validator, metadata={"example": example, "safety_rule": True})


@attrs.frozen(kw_only=True)
class Risk:
    """The hard limits of one venue. Each key is a rule; none has a default and none is optional."""

    max_order_usd: Money = _hard_limit('"25"')
    max_position_usd: Money = _hard_limit('"50"')
    max_event_loss_usd: Money = _hard_limit('"100"')
    max_total_exposure_usd: Money = _hard_limit('"300"')
    max_daily_loss_usd: Money = _hard_limit('"40"')
    max_drawdown_usd: Money = _hard_limit('"100"')
    max_consecutive_losses: int = _hard_limit("10", _between(1, _MAX_COUNT))
    max_open_orders: int = _hard_limit("50", _between(1, _MAX_COUNT))
    max_orders_per_minute: int = _hard_limit("30", _between(1, TIMES_KEPT))
    max_price_distance: Price = _hard_limit('"0.10"', _distance)
    max_book_distance: Price = _hard_limit('"0.05"', _distance)
    max_book_age_seconds: int = _hard_limit("900", _between(1, _DAY_S))


@attrs.frozen(kw_only=True)
class Simulation:
    """The invented exchange; only the simulated venue reads this."""

    preset: WorldPreset = WorldPreset.DEFAULT
    markets: int = attrs.field(default=60, validator=_between(1, 20_000))
    days: int = attrs.field(default=1, validator=_between(1, _MAX_DAYS))


@attrs.frozen(kw_only=True)
class Polymarket:
    """What only Polymarket has.

    ``stream`` has books and prints as they happen, which needs no key. ``heartbeats`` let the venue
    cancel everything once the bot is silent; the first one cannot be taken back. ``slow_signer``
    takes a signer that needs milliseconds where the fast one is absent.
    """

    stream: bool = True
    heartbeats: bool = False
    slow_signer: bool = False


@attrs.frozen(kw_only=True)
class VenueConfig:
    """Everything that can be set for one venue."""

    mode: Mode = Mode.PAPER
    api: Api = Api()
    loop: Loop = Loop()
    paper: Paper
    tape: TapeConfig = TapeConfig()
    simulation: Simulation = Simulation()
    polymarket: Polymarket = Polymarket()
    markets: MarketFilters = MarketFilters()
    strategies: tuple[StrategyConfig, ...] = attrs.field()
    sizing: Sizing
    cooldown: Cooldown
    exits: Exits = Exits()
    risk: Risk

    @strategies.validator
    def _names_differ(self, _: object, value: tuple[StrategyConfig, ...]) -> None:
        seen: set[str] = set()
        for position, strategy in enumerate(value):
            if strategy.name in seen:
                raise FieldError(
                    (position, "name"), f"{strategy.name} is listed twice: delete one of them"
                )
            seen.add(strategy.name)


@attrs.frozen(kw_only=True)
class Web:
    """The dashboard: its address, and how it is protected.

    Others than this machine can only reach it by TLS, with a certificate and its key as PEM files,
    and with a password, which `market-bot web password` sets. ``names`` are the names it is then
    reached by. With ``read_only`` it shows everything and takes no commands.
    """

    host: str = attrs.field(default="127.0.0.1", validator=_address)
    port: int = attrs.field(default=8787, validator=_between(1, _LAST_PORT))
    names: tuple[str, ...] = attrs.field(default=(), validator=_host_names)
    tls_certificate: str | None = None
    tls_key: str | None = None
    read_only: bool = False

    def __attrs_post_init__(self) -> None:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise FieldError(("tls_key",), "goes with tls_certificate: set both, or none")
        if self.tls_key is None and not _is_loopback(self.host):
            raise FieldError(
                ("host",),
                "would let other machines reach the dashboard without TLS: use 127.0.0.1 and an SSH"
                " tunnel, or set tls_certificate and tls_key",
            )


@attrs.frozen(kw_only=True)
class Nightly:
    """When the night's evaluation runs, in UTC."""

    at: str = attrs.field(default="00:30", validator=_time_of_day)

    @property
    def minute_of_day(self) -> int:
        """Minutes after midnight UTC."""
        hours, _, minutes = self.at.partition(":")
        return int(hours) * 60 + int(minutes)


@attrs.frozen(kw_only=True)
class Advisor:
    """Who proposes changes at night. All but ``kind`` is about a language model.

    ``max_cost_usd`` is for a UTC day, ``max_tokens`` for one answer, its thinking included, and
    ``timeout_seconds`` for all attempts of one question together.
    """

    kind: AdvisorKind = AdvisorKind.RULES
    model: str = attrs.field(default="claude-opus-5-5", validator=_model)
    effort: Effort = Effort.MEDIUM
    max_cost_usd: Money = attrs.field(default=money("1"), validator=_dollars_at_most(100))
    max_tokens: int = attrs.field(default=8000, validator=_between(1000, 64_000))
    timeout_seconds: int = attrs.field(default=120, validator=_between(5, 600))
    input_usd_per_million: Money | None = attrs.field(
        default=None, validator=_dollars_at_most(10_000)
    )
    output_usd_per_million: Money | None = attrs.field(
        default=None, validator=_dollars_at_most(10_000)
    )
    base_url: str | None = attrs.field(default=None, validator=_endpoint("https", "http"))

    def __attrs_post_init__(self) -> None:
        given = (self.input_usd_per_million, self.output_usd_per_million)
        if None in given and given != (None, None):
            raise FieldError(
                ("model",), "has one price: give input_usd_per_million and output_usd_per_million"
            )
        if None in given and self.model not in _MODEL_PRICES:
            raise FieldError(
                ("model",),
                "has no known price: say with input_usd_per_million and output_usd_per_million"
                " what a million tokens cost",
            )

    @property
    def prices(self) -> tuple[Money, Money]:
        """What a million tokens cost, read and written, in 1e-12 dollars."""
        if self.input_usd_per_million is not None and self.output_usd_per_million is not None:
            return self.input_usd_per_million, self.output_usd_per_million
        inputs, outputs = _MODEL_PRICES[self.model]
        return money(inputs), money(outputs)


@attrs.frozen(kw_only=True)
class Retention:
    """How long files are kept, in whole days, and how much they take up in gigabytes."""

    journal_days: int = attrs.field(default=400, validator=_between(1, _MAX_DAYS))
    tape_days: int = attrs.field(default=30, validator=_between(1, _MAX_DAYS))
    tape_max_gb: int = attrs.field(default=20, validator=_between(1, _MAX_GB))


@attrs.frozen(kw_only=True)
class Disk:
    """How much free space the bot insists on, in megabytes."""

    stop_recording_below_mb: int = attrs.field(default=1000, validator=_between(1, _MAX_MB))
    stop_entries_below_mb: int = attrs.field(default=500, validator=_between(1, _MAX_MB))
    stop_all_below_mb: int = attrs.field(default=100, validator=_between(1, _MAX_MB))

    def __attrs_post_init__(self) -> None:
        if self.stop_all_below_mb > self.stop_entries_below_mb:
            raise FieldError(
                ("stop_all_below_mb",), "is above stop_entries_below_mb: entries must stop first"
            )

    @property
    def recording_leaves_mb(self) -> int:
        """Free megabytes below which recording stops: never later than entries do."""
        return max(self.stop_recording_below_mb, self.stop_entries_below_mb)


@attrs.frozen(kw_only=True)
class Channel:
    """One way to a person. ``address`` names the line of ``.env`` that holds an Apprise address."""

    name: str = attrs.field(validator=_name, metadata={"example": "phone"})
    address: str = attrs.field(validator=_secret_name, metadata={"example": "NOTIFY_PHONE"})
    least: Level = Level.NOTICE


@attrs.frozen(kw_only=True)
class NoticeLevels:
    """How urgent each kind of event is; ``never`` is not sent."""

    fill: Level = DEFAULT_LEVELS[Kind.FILL]
    exit: Level = DEFAULT_LEVELS[Kind.EXIT]
    denials: Level = DEFAULT_LEVELS[Kind.DENIALS]
    halt: Level = DEFAULT_LEVELS[Kind.HALT]
    failure: Level = DEFAULT_LEVELS[Kind.FAILURE]
    error: Level = DEFAULT_LEVELS[Kind.ERROR]
    venue_state: Level = DEFAULT_LEVELS[Kind.VENUE_STATE]
    leak_report: Level = DEFAULT_LEVELS[Kind.LEAK_REPORT]
    proposal: Level = DEFAULT_LEVELS[Kind.PROPOSAL]
    trial: Level = DEFAULT_LEVELS[Kind.TRIAL]
    daily: Level = DEFAULT_LEVELS[Kind.DAILY]
    bot: Level = DEFAULT_LEVELS[Kind.BOT]

    def by_kind(self) -> dict[Kind, Level]:
        """Return the levels by what they are about."""
        return {kind: getattr(self, kind.value) for kind in Kind}


@attrs.frozen(kw_only=True)
class Notifications:
    """Messages to a telephone or mailbox.

    ``daily_at`` is when the day's summary goes out, in UTC; ``link`` is what leads to the dashboard
    from there, the dashboard's own address where it is absent.
    """

    channels: tuple[Channel, ...] = attrs.field(default=())
    levels: NoticeLevels = NoticeLevels()
    most_per_hour: int = attrs.field(default=30, validator=_between(1, 1000))
    daily_at: str = attrs.field(default="07:00", validator=_time_of_day)
    link: str | None = attrs.field(default=None, validator=_endpoint("https", "http"))

    @channels.validator
    def _few_and_different(self, _: object, value: tuple[Channel, ...]) -> None:
        if len(value) > _MAX_CHANNELS:
            msg = f"more than {_MAX_CHANNELS} channels"
            raise ValueError(msg)
        seen: set[str] = set()
        for position, channel in enumerate(value):
            if channel.name in seen:
                raise FieldError(
                    (position, "name"), f"{channel.name} is listed twice: delete one of them"
                )
            seen.add(channel.name)

    @property
    def daily_minute(self) -> int:
        """Minutes after midnight UTC of the summary."""
        hours, _, minutes = self.daily_at.partition(":")
        return int(hours) * 60 + int(minutes)


@attrs.frozen(kw_only=True)
class BotConfig:
    """Everything that does not belong to one venue."""

    web: Web = Web()
    nightly: Nightly = Nightly()
    advisor: Advisor = Advisor()
    retention: Retention = Retention()
    disk: Disk = Disk()
    notifications: Notifications = Notifications()


def _micros(hours: Decimal | None) -> Micros | None:
    return None if hours is None else Micros(int(hours * _HOUR))
