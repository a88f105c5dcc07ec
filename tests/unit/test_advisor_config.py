"""The advisor's settings: what a model costs is known, or the bot does not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_bot.adapters.llm.fallback import Fallback
from market_bot.adapters.llm.rule_table import RuleTable
from market_bot.adapters.storage.home import Home
from market_bot.adapters.system.clock import SystemClock
from market_bot.adapters.system.secrets import SecretsError
from market_bot.bootstrap.advisors import advisor_of, terms_of
from market_bot.config import parse_bot
from market_bot.config.errors import ConfigError
from market_bot.config.schema import Advisor, AdvisorKind
from market_bot.core.domain.numbers import money

CLAUDE = Advisor(kind=AdvisorKind.CLAUDE)


def parsed(text: str) -> Advisor:
    """Return the advisor's settings in some lines."""
    return parse_bot(f"advisor: {{{text}}}\n".encode(), "bot.yaml").config.advisor


def test_known_models_have_prices() -> None:
    """Dollars for a million tokens, and other prices where they are given."""
    assert (money("4"), money("20")) == parsed("kind: claude").prices
    assert (money("2"), money("10")) == parsed("model: claude-sonnet-5-5").prices
    given = "model: another, input_usd_per_million: 3, output_usd_per_million: 15"
    assert (money("3"), money("15")) == parsed(given).prices


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model: another", "has no known price"),
        ("input_usd_per_million: 3", "has one price"),
        ("model: another, output_usd_per_million: 3", "has one price"),
        ("model: 'A B'", "write the name of a model"),
        ("effort: extreme", "must be one of low, medium, high, xhigh, max"),
        ("max_cost_usd: 0", "must be above 0"),
        ("max_cost_usd: 101", "at most 100 dollars"),
        ("max_tokens: 10", "must be from 1000"),
        ("timeout_seconds: 3600", "must be from 5 to 600"),
        ("base_url: 'http://example.com'", "beginning with https://"),
        ("base_url: 'https://key@example.com'", "keys and passwords belong in .env"),
        ("api_key: x", "unknown key"),
    ],
)
def test_what_cannot_be_is_refused(text: str, says: str) -> None:
    """One line each, with what to do."""
    with pytest.raises(ConfigError) as found:
        parsed(text)

    assert says in found.value.lines[0]


def test_terms_are_those_of_the_settings() -> None:
    """A day's money is the most that is spent, however much is offered."""
    terms = terms_of(CLAUDE, money("50"))

    assert (money("1"), 8_000, 120, "medium") == (
        terms.max_cost,
        terms.max_tokens,
        terms.seconds,
        terms.effort,
    )
    assert "api.anthropic.com" == terms.host
    assert money("0.4") == terms_of(CLAUDE, money("0.4")).max_cost


def test_secrets_are_read_only_for_who_needs_them(tmp_path: Path) -> None:
    """The table never looks; a model's key stands in a file that nobody else may read."""
    home = Home(tmp_path)
    home.env_file.write_text("ANTHROPIC_API_KEY=x\n")
    home.env_file.chmod(0o644)

    assert isinstance(advisor_of(Advisor(), home, SystemClock()), RuleTable)
    assert isinstance(advisor_of(CLAUDE, home, SystemClock(), key="given"), Fallback)
    with pytest.raises(SecretsError, match="chmod 600"):
        advisor_of(CLAUDE, home, SystemClock())
