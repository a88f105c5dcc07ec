"""The one line that each mistake in filters, cooldowns, exits and sizing is answered with."""

import pytest

from market_bot.bootstrap import settings as bootstrap_settings
from market_bot.bootstrap.settings import lane_settings, settings_of
from market_bot.config import ConfigError, parse_venue
from market_bot.config.defaults import default_files

DEFAULT = default_files()["kalshi.yaml"].decode()
EXITS = "cooldown:\n"
MARKETS = "markets:\n"
SIZING = "  method: fixed\n"
WAITS = "  after_exit_seconds: 300\n"


def complaint(old: str, new: str) -> str:
    """Return path and message that the default file with one change is refused with."""
    assert DEFAULT.count(old) == 1
    with pytest.raises(ConfigError) as caught:
        parse_venue(DEFAULT.replace(old, new).encode(), "v.yaml")
    (line,) = caught.value.lines
    return line.partition(" ")[2]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            MARKETS,
            "markets:\n  keywords_include: [' ']\n",
            "markets.keywords_include[0]: an empty text: write words of a title, or delete it",
        ),
        (
            MARKETS,
            "markets:\n  min_liquidity_usd: -1\n",
            "markets.min_liquidity_usd: cannot be below 0",
        ),
        (
            MARKETS,
            "markets:\n  min_depth_contracts: -1\n",
            "markets.min_depth_contracts: cannot be below 0",
        ),
        (
            SIZING,
            "  method: fixed_contracts\n",
            (
                "sizing.method: fixed_contracts needs to know how many: add a line like"
                " `contracts: 10`"
            ),
        ),
        (
            SIZING,
            "  contracts: 0\n",
            "sizing.contracts: must be above 0 contracts",
        ),
        (
            SIZING,
            "  kelly_fraction: 1.5\n",
            "sizing.kelly_fraction: must be above 0 and at most 1, with at most 6 decimals",
        ),
        (
            SIZING,
            "  max_depth_share: 0\n",
            "sizing.max_depth_share: must be above 0 and at most 1, with at most 6 decimals",
        ),
        (
            WAITS,
            WAITS + "  families: {KX: 100000}\n",
            "cooldown.families.KX: must be from 0 to 86400, was 100000",
        ),
        (
            WAITS,
            WAITS + "  families: {KX: 1.5}\n",
            "cooldown.families.KX: must be a whole number, was a decimal (1.5)",
        ),
        (
            WAITS,
            WAITS + "  families: [KX]\n",
            "cooldown.families: must be a section of `name: number` lines, was a list",
        ),
        (
            EXITS,
            "exits:\n  take_profit: {}\ncooldown:\n",
            "exits.take_profit: says nothing: add a line like `price: 0.97` or `gain: 0.10`",
        ),
        (
            EXITS,
            "exits:\n  take_profit: {prise: 0.9}\ncooldown:\n",
            "exits.take_profit.prise: unknown key: did you mean price?",
        ),
        (
            EXITS,
            "exits:\n  stop_loss: {distance: 0}\ncooldown:\n",
            "exits.stop_loss.distance: must be above 0 and at most 1 dollar",
        ),
        (
            EXITS,
            "exits:\n  stop_loss: {confirm_seconds: -1}\ncooldown:\n",
            "exits.stop_loss.confirm_seconds: must be from 0 to 86400, was -1",
        ),
        (
            EXITS,
            "exits:\n  stop_loss: {measure: ask}\ncooldown:\n",
            "exits.stop_loss.measure: must be one of mid, bid, was text ('ask')",
        ),
        (
            EXITS,
            "exits:\n  trailing_stop: {activation: -0.01}\ncooldown:\n",
            "exits.trailing_stop.activation: must be from 0 to 1 dollar",
        ),
        (
            EXITS,
            "exits:\n  max_hold: {minutes: 0}\ncooldown:\n",
            "exits.max_hold.minutes: must be from 1 to 527040, was 0",
        ),
        (
            EXITS,
            "exits:\n  time_to_close: 5\ncooldown:\n",
            "exits.time_to_close: must be a section of `key: value` lines, was a whole number (5)",
        ),
        (
            EXITS,
            "exits:\n  strategies_exclude: ['']\ncooldown:\n",
            (
                "exits.strategies_exclude[0]: an empty text: write the name of a strategy, or"
                " delete it"
            ),
        ),
    ],
)
def test_mistakes_are_answered(old: str, new: str, line: str) -> None:
    """Each in one line with its path and what to do."""
    assert line == complaint(old, new)


def test_too_many_families() -> None:
    """A section has an end."""
    families = ", ".join(f"F{number}: 1" for number in range(1001))

    assert "cooldown.families: more than 1000 families" == complaint(
        WAITS, f"{WAITS}  families: {{{families}}}\n"
    )


def test_an_exit_that_nothing_implements_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A way out that is asked for and not there must not be missed when it is needed."""
    text = DEFAULT.replace(EXITS, "exits:\n  max_hold: {}\ncooldown:\n")
    monkeypatch.setattr(bootstrap_settings, "builtin_exits", dict)

    with pytest.raises(ConfigError, match="nothing implements max_hold"):
        settings_of(parse_venue(text.encode(), "v.yaml"))
    with pytest.raises(ConfigError, match="nothing implements max_hold"):
        lane_settings(parse_venue(text.encode(), "v.yaml").config)
