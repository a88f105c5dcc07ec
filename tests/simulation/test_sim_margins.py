"""What shipped strategies earn on the simulated venue, by the truth that only the venue knows.

`Ledger.gain` leaves luck out, so a few worlds are enough to tell who earns. A strategy that is not
there is passed over. By hand: ``python -m tests.fakes.sim_lane PRESET DAYS SEEDS STRATEGY …``.
"""

from __future__ import annotations

import attrs
import pytest

from market_bot.adapters.simulated.sim_settings import DAY, PRESETS
from market_bot.core.domain.numbers import Duration
from tests.fakes.builders import every_strategy
from tests.fakes.sim_lane import margin

SEEDS = 3
EARN, LOSE = 1, -1


@pytest.mark.soak
@pytest.mark.parametrize(
    ("preset", "strategy", "days", "sign", "least"),
    [
        ("default", "bias_harvest", 0.2, EARN, 0.002),
        ("default", "price_level", 0.1, EARN, 0.01),
        ("default", "event_arb", 0.2, EARN, 0.01),
        ("default", "mean_reversion", 0.2, LOSE, 0.01),
        ("noisy", "mean_reversion", 0.3, EARN, 0.01),
        ("calm", "market_making", 0.06, EARN, 0.002),
        ("toxic", "market_making", 0.06, LOSE, 0.01),
        ("fair", "bias_harvest", 0.1, LOSE, 0.005),
    ],
)
def test_margins(preset: str, strategy: str, days: float, sign: int, least: float) -> None:
    """A strategy earns or loses at least so much of its turnover, over all seeds together."""
    if strategy not in every_strategy():
        pytest.skip(f"{strategy} is not shipped")
    settings = attrs.evolve(PRESETS[preset], lasts=Duration(round(days * DAY)))
    found = [margin(strategy, seed, settings) for seed in range(SEEDS)]
    gain, turnover = sum(one.gain for one in found), sum(one.turnover for one in found)

    assert turnover > 0
    assert sign * gain / turnover >= least


@pytest.mark.soak
def test_the_trap_is_a_trap() -> None:
    """Where the bias is reversed, harvesting it loses."""
    settings = attrs.evolve(
        PRESETS["default"], families=("SIM-AWARD",), lasts=Duration(DAY // 2), markets=30
    )
    found = [margin("bias_harvest", seed, settings) for seed in range(SEEDS)]

    assert sum(one.gain for one in found) < 0
