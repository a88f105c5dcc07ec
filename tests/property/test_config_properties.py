"""No text can do more to the settings than be refused, and no setting is lost on the way."""

import string
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from market_bot.config import (
    ConfigError,
    Mode,
    StrategyConfig,
    VenueConfig,
    canonical,
    config_hash,
    from_canonical,
    parse_bot,
    parse_venue,
)
from market_bot.config.defaults import default_files
from market_bot.config.schema import (
    Api,
    Cooldown,
    Exits,
    ExitStyle,
    Loop,
    MarketFilters,
    Paper,
    Risk,
    Sizing,
    TapeConfig,
)
from market_bot.config.strict_yaml import load
from market_bot.core.domain.exits import (
    max_hold,
    stop_loss,
    take_profit,
    time_to_close,
    trailing_stop,
)
from market_bot.core.domain.numbers import Money, Price, Size
from market_bot.core.domain.settings import SizingMethod

DEFAULT = default_files()["kalshi.yaml"].decode()
# Pieces that mean something to YAML, so that random files get past the first character.
PIECES = st.sampled_from(
    [
        *("a", "risk", "no", "1", "0.1", "1e3", "~", "<<", "x: ", ": ", "- ", "? ", ", ", "\n"),
        *("\n  ", "{", "}", "[", "]", "&x ", "*x", "!!str ", "!", "%YAML 1.1\n", "---\n", "..."),
        *("'", '"', "|\n", ">\n", "#", " #", "\t", "\\", "\\U", "FFFFFFFF", "é", "\ufeff", "\x85"),
        *("%TAG ! tag:x\n", "%YAML 9" + "9" * 5000, "`", "@", "\r\n", "\r", "\u2028", "=", "\0"),
    ]
)


def is_refused_or_fine(data: bytes) -> None:
    """Check that only a ConfigError may come out, each of its lines with file, line and column."""
    for parse in (parse_venue, parse_bot):
        for line in refusals(parse, data):
            assert line.startswith("f.yaml:")
            assert line.isprintable(), line
            assert all(part.isdigit() for part in line.split(" ")[0].split(":")[1:3])


def refusals(parse: Callable[[bytes, str], object], data: bytes) -> tuple[str, ...]:
    """Return the lines that a file is refused with, none if it is fine."""
    try:
        parse(data, "f.yaml")
    except ConfigError as e:
        return e.lines or ("refused without a reason",)
    return ()


@given(data=st.binary(max_size=200))
@example(data=b"\xef\xbb\xbf")
def test_arbitrary_bytes_are_refused_or_fine(data: bytes) -> None:
    """Bytes of any kind raise nothing but a ConfigError."""
    is_refused_or_fine(data)


@given(text=st.text(max_size=200) | st.lists(PIECES, max_size=40).map("".join))
@example(text='"\\UFFFFFFFF": x')
@example(text="%YAML 9" + "9" * 5000 + "\n---\na: x")
@example(text="a: " + "[" * 5000)
@example(text="{a: " * 5000)
@example(text="- " * 5000)
@example(text="? " * 5000)
def test_arbitrary_text_is_refused_or_fine(text: str) -> None:
    """Text of any kind raises nothing but a ConfigError."""
    is_refused_or_fine(text.encode("utf-8", errors="surrogatepass"))


@given(
    at=st.integers(min_value=0, max_value=len(DEFAULT)),
    removed=st.integers(min_value=0, max_value=30),
    pieces=st.lists(PIECES, max_size=5),
)
def test_damaged_default_files_are_refused_or_fine(
    at: int, removed: int, pieces: list[str]
) -> None:
    """A good file with a hole and some rubbish in it raises nothing but a ConfigError."""
    text = DEFAULT[:at] + "".join(pieces) + DEFAULT[at + removed :]

    is_refused_or_fine(text.encode())


WORDS = st.text(string.ascii_letters + string.digits + "._+-:~=<", min_size=1, max_size=12)


@given(word=WORDS)
def test_an_accepted_word_means_the_same_to_everybody(word: str) -> None:
    """Whatever is accepted unquoted is read by the ordinary YAML 1.1 reader in the same way."""
    text = f"a: {word}\n"
    try:
        ours = load(text.encode(), "f").data()["a"]
    except ConfigError:
        return

    theirs = yaml.safe_load(text)["a"]
    if isinstance(ours, Decimal):
        assert float(ours) == theirs
    else:
        assert (type(ours), ours) == (type(theirs), theirs)


MONEY = st.integers(min_value=1, max_value=10**30).map(Money)
SIZES = st.integers(min_value=1, max_value=10**15).map(Size)
SHARES = st.decimals(min_value=Decimal("0.000001"), max_value=1, places=6)
SECONDS = st.integers(0, 86_400)
DISTANCES = st.integers(1, 1_000_000).map(Price)
PRICES = st.none() | st.integers(min_value=0, max_value=1_000_000).map(Price)
HOURS = st.none() | st.decimals(min_value=0, max_value=87_000, places=6)
FAMILIES = st.lists(st.text(min_size=1, max_size=8).filter(str.strip), max_size=3).map(tuple)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
VALUES = (
    st.booleans()
    | st.integers(min_value=-(10**29), max_value=10**29)
    | st.text(max_size=10)
    | st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-99, max_value=99)
)
STRATEGIES = st.lists(
    st.builds(
        StrategyConfig,
        name=NAMES,
        enabled=st.booleans(),
        params=st.dictionaries(st.text(max_size=8) | st.just("decimal"), VALUES, max_size=4),
    ),
    max_size=3,
    unique_by=lambda strategy: strategy.name,
).map(tuple)


@st.composite
def filters(draw: st.DrawFn) -> MarketFilters:
    """Draw filters whose bounds are in order."""

    def ordered(bounds: list[object]) -> list[object]:
        return bounds if None in bounds else sorted(bounds)  # type: ignore[type-var]  # all one type

    low, high = ordered([draw(PRICES), draw(PRICES)])
    least, most = ordered([draw(HOURS), draw(HOURS)])
    return MarketFilters(
        families_include=draw(FAMILIES),
        families_exclude=draw(FAMILIES),
        categories_include=draw(FAMILIES),
        categories_exclude=draw(FAMILIES),
        keywords_include=draw(FAMILIES),
        keywords_exclude=draw(FAMILIES),
        min_liquidity_usd=draw(st.none() | MONEY),
        min_volume_24h_usd=draw(st.none() | MONEY),
        price_min=low,  # type: ignore[arg-type]  # drawn as a price
        price_max=high,  # type: ignore[arg-type]  # drawn as a price
        max_spread=draw(PRICES),
        min_depth_contracts=draw(st.none() | SIZES),
        min_hours_to_close=least,  # type: ignore[arg-type]  # drawn as a decimal
        max_hours_to_close=most,  # type: ignore[arg-type]  # drawn as a decimal
    )


def with_params(params: dict[str, str | int | Decimal | bool]) -> VenueConfig:
    """Return the default configuration with other parameters of its strategy."""
    config = parse_venue(DEFAULT.encode(), "f").config
    return attrs.evolve(config, strategies=(StrategyConfig(name="bias_harvest", params=params),))


CONFIGS = st.builds(
    VenueConfig,
    mode=st.sampled_from(Mode),
    api=st.builds(Api, base_url=st.sampled_from([None, "https://example.com/x"])),
    loop=st.builds(
        Loop,
        interval_ms=st.integers(min_value=0, max_value=10_000),
        min_interval_ms=st.integers(min_value=10, max_value=10_000),
    ),
    paper=st.builds(Paper, cash=MONEY),
    tape=st.builds(TapeConfig, record=st.booleans()),
    markets=filters(),
    strategies=STRATEGIES,
    sizing=st.builds(
        Sizing,
        method=st.sampled_from(SizingMethod),
        order_usd=MONEY,
        contracts=SIZES,
        kelly_fraction=SHARES,
        max_depth_share=st.none() | SHARES,
    ),
    cooldown=st.builds(
        Cooldown,
        after_entry_seconds=SECONDS,
        after_exit_seconds=SECONDS,
        after_loss_seconds=SECONDS,
        after_reject_seconds=SECONDS,
        families=st.dictionaries(st.text(max_size=8) | st.just("decimal"), SECONDS, max_size=3),
    ),
    exits=st.builds(
        Exits,
        style=st.sampled_from(ExitStyle),
        patience_seconds=st.integers(1, 86_400),
        strategies_exclude=FAMILIES,
        stop_loss=st.none()
        | st.builds(
            stop_loss.Params,
            distance=DISTANCES,
            confirm_seconds=SECONDS,
            measure=st.sampled_from(stop_loss.Measure),
        ),
        trailing_stop=st.none()
        | st.builds(trailing_stop.Params, activation=DISTANCES, distance=DISTANCES),
        take_profit=st.none()
        | st.builds(take_profit.Params, price=st.none() | DISTANCES, gain=DISTANCES),
        time_to_close=st.none() | st.builds(time_to_close.Params, minutes=st.integers(1, 999)),
        max_hold=st.none() | st.builds(max_hold.Params, minutes=st.integers(1, 999)),
    ),
    risk=st.builds(
        Risk,
        **dict.fromkeys(
            [field.name for field in attrs.fields(Risk) if field.name.endswith("_usd")], MONEY
        ),
        max_consecutive_losses=st.integers(1, 9),
        max_open_orders=st.integers(1, 9),
        max_orders_per_minute=st.integers(1, 9),
        max_price_distance=st.integers(1, 10**6).map(Price),
        max_book_distance=st.integers(1, 10**6).map(Price),
        max_book_age_seconds=st.integers(1, 9),
    ),
)


@given(config=CONFIGS)
@example(config=with_params({"decimal": "0.5"}))
@example(config=with_params({"zero": Decimal("-0.0"), "many": Decimal("1.10")}))
def test_the_canonical_text_loses_nothing(config: VenueConfig) -> None:
    """What the journal stores is the whole configuration, and is stored in one way only."""
    text = canonical(config)

    assert config == from_canonical(text)
    assert text == canonical(from_canonical(text))


@given(first=CONFIGS, second=CONFIGS)
def test_hashes_tell_configurations_apart(first: VenueConfig, second: VenueConfig) -> None:
    """Two configurations have the same canonical text exactly when they are equal in kind."""
    assert (canonical(first) == canonical(second)) == (config_hash(first) == config_hash(second))
    if first != second:
        assert canonical(first) != canonical(second)


@given(text=st.text(max_size=100) | st.lists(PIECES, max_size=20).map("".join))
@example(text="[" * 100_000)
def test_a_canonical_text_is_refused_or_fine(text: str) -> None:
    """Reading back from the journal raises nothing but a ConfigError."""
    with pytest.raises(ConfigError):
        from_canonical(text)


@given(limit=st.integers(max_value=0), name=st.sampled_from(attrs.fields(Risk)))
def test_no_limit_is_zero_or_less(limit: int, name: "attrs.Attribute[Any]") -> None:
    """A configuration with a hard limit that allows nothing or less cannot even be made."""
    good: dict[str, Any] = {field.name: 1 for field in attrs.fields(Risk)}

    with pytest.raises(ValueError, match=r"must be above 0 dollars|must be from 1|is above 0"):
        Risk(**{**good, name.name: limit})
