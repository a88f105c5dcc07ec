"""The files an operator gets, and the page that describes them, know every key."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest

from market_bot.config import BotConfig, VenueConfig, parse_bot, parse_venue
from market_bot.config.defaults import FILE_NAMES, default_files

VENUE_FILES = [name for name in FILE_NAMES if name != "bot.yaml"]
SIMULATED = ("simulation.",)
POLYMARKET = ("polymarket.", "api.gamma_url", "api.data_url", "api.site_url")
ALL_OF_ONE_VENUE = (*SIMULATED, *POLYMARKET)
OF_ONE_VENUE = {"simulated.yaml": POLYMARKET, "polymarket.yaml": SIMULATED}
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


def keys(cls: Any, prefix: str = "") -> Iterator[str]:
    """Yield the paths of all settings of a class of the schema."""
    attrs.resolve_types(cls)
    for field in attrs.fields(cls):
        path = f"{prefix}{field.name}"
        item = next(iter(get_args(field.type)), None)
        optional = type(None) in get_args(field.type) and isinstance(item, type) and attrs.has(item)
        inner = item if optional else field.type
        if isinstance(inner, type) and attrs.has(inner) and attrs.fields(inner):
            yield from keys(inner, f"{path}.")
        else:
            yield path
            if isinstance(item, type) and attrs.has(item):
                yield from keys(item, f"{path}[].")


def test_the_walk_over_the_schema_finds_keys() -> None:
    """The tests below compare with the schema, not with nothing."""
    found = {*keys(VenueConfig), *keys(BotConfig)}

    assert {
        "mode",
        "risk.max_order_usd",
        "strategies[].params",
        "notifications.channels[].address",
        "exits.stop_loss.distance",
    } <= found
    assert len(found) == 114


@pytest.mark.parametrize("cls", [VenueConfig, BotConfig])
def test_every_key_is_described(cls: type) -> None:
    """The reference page has a row for every key, and no row for a key that is gone."""
    described = set(re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(), re.MULTILINE))

    assert set(keys(cls)) <= described
    assert described <= {*keys(VenueConfig), *keys(BotConfig)}


@pytest.mark.parametrize("name", FILE_NAMES)
def test_default_files_show_every_key_with_a_comment(name: str) -> None:
    """A newcomer finds each key in the file, set or as a comment, with a sentence above it."""
    lines = default_files()[name].decode().splitlines()
    cls = BotConfig if name == "bot.yaml" else VenueConfig

    for path in keys(cls):
        if path.startswith(OF_ONE_VENUE.get(name, ALL_OF_ONE_VENUE)):
            continue
        key = re.split(r"[.\]]+", path)[-1]
        places = [at for at, line in enumerate(lines) if re.match(rf"[ #-]*{key}:", line)]
        assert places, path
        assert any("# " in lines[at - 1] for at in places), path


def test_default_files_are_the_brand_new_operators_settings() -> None:
    """The files load, and they begin careful: on paper, with the limits the comments promise."""
    files = default_files()
    bot = parse_bot(files["bot.yaml"], "bot.yaml").config
    venues = [parse_venue(files[name], name).config for name in VENUE_FILES]

    assert bot == BotConfig()
    assert {venue.mode.value for venue in venues} == {"paper"}
    assert {venue.risk.max_total_exposure_usd // 10**12 for venue in venues} == {300}
    assert {venue.strategies[0].params["style"] for venue in venues} <= {"maker", "taker"}


def test_commented_out_lines_of_the_default_files_are_valid() -> None:
    """Deleting the # of the optional lines gives a file that loads."""
    text = default_files()["kalshi.yaml"].decode()
    opened = re.sub(
        r"^(\s*)# (?=\s*[a-z0-9_]+:(?: (?:\[.*\]|\{.*\}|\S+))?$)",
        r"\1",
        text,
        flags=re.MULTILINE,
    )

    config = parse_venue(opened.encode(), "opened.yaml").config

    assert config.api.ws_url == "wss://example.com"
    assert config.markets.max_hours_to_close == 48
    assert config.markets.price_max == 990_000
    assert config.cooldown.families == {"KXHIGHNY": 600}
    assert list(config.exits.sections()) == [
        "stop_loss",
        "trailing_stop",
        "take_profit",
        "time_to_close",
        "max_hold",
    ]
