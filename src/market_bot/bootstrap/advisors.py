"""The advisor that the settings ask for."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from market_bot.adapters.llm.child import ChildAdvisor
from market_bot.adapters.llm.claude import CLAUDE
from market_bot.adapters.llm.fallback import Fallback
from market_bot.adapters.llm.pipe import KEY
from market_bot.adapters.llm.purse import Budgeted, Purse
from market_bot.adapters.llm.rule_table import RuleTable
from market_bot.adapters.llm.terms import BASE_URL, Terms
from market_bot.adapters.storage.home import Home
from market_bot.adapters.system.secrets import load_secrets
from market_bot.config.schema import Advisor as AdvisorConfig
from market_bot.config.schema import AdvisorKind
from market_bot.core.domain.numbers import Money
from market_bot.core.ports.advisor import Advisor
from market_bot.core.ports.clock import Clock

PROGRAM: Final = (sys.executable, "-P", "-s", "-m", "market_bot.bootstrap.advisor_child")
ADVISOR_KEY: Final = KEY
_PURSE: Final = "advisor.json"


def advisor_of(config: AdvisorConfig, home: Home, clock: Clock, key: str | None = None) -> Advisor:
    """Return the advisor of a home; a language model has the rule table behind it.

    ``key`` is the advisor's own; only where it is None the file of all secrets is read.

    Raises:
        SecretsError: if the key is needed and ``.env`` cannot be read safely.

    """
    if config.kind is AdvisorKind.RULES:
        return RuleTable()
    known = advisor_key(config, home) if key is None else key

    def asking(money: Money) -> Advisor:
        return ChildAdvisor(terms_of(config, money), known, PROGRAM, _environment())

    purse = Purse(home.state_dir / _PURSE, config.max_cost_usd)
    return Fallback(Budgeted(purse, asking, clock, CLAUDE), RuleTable())


def advisor_key(config: AdvisorConfig, home: Home) -> str:
    """Return the advisor's own key, "" if it needs none or has none.

    Raises:
        SecretsError: if the key is needed and ``.env`` cannot be read safely.

    """
    if config.kind is AdvisorKind.RULES:
        return ""
    return load_secrets(home.env_file).get(KEY, "")


def terms_of(config: AdvisorConfig, money: Money) -> Terms:
    """Return the terms on which a model is asked that may spend an amount."""
    inputs, outputs = config.prices
    return Terms(
        model=config.model,
        effort=config.effort.value,
        max_cost=min(money, config.max_cost_usd),
        max_tokens=config.max_tokens,
        seconds=config.timeout_seconds,
        input_price=inputs,
        output_price=outputs,
        base_url=config.base_url or BASE_URL,
    )


def _environment() -> dict[str, str]:
    known = dict(os.environ)
    if "PYTHONPATH" in known:
        # The child begins in another folder.
        places = known["PYTHONPATH"].split(os.pathsep)
        known["PYTHONPATH"] = os.pathsep.join(str(Path(place).absolute()) for place in places)
    return known
