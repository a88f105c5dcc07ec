"""The paper desk as a venue's rules and a fill model want it."""

from __future__ import annotations

from collections.abc import Collection

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.adapters.simulated.rewarded import RewardedExecution
from market_bot.core.domain.fills.terms import FillModel, FillTerms
from market_bot.core.domain.portfolio import capabilities_of
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution
from market_bot.core.ports.market_data import Capability


def paper_desk(
    venue: str, terms: FillTerms, world: World, capabilities: Collection[Capability]
) -> Execution:
    """Return a desk on paper; the pessimistic model claims no rebates and rewards.

    Args:
        venue: whose abilities it imitates.
        terms: by which model and with which delays orders fill.
        world: the market as consumed.
        capabilities: what the data can tell.

    """
    can = frozenset(capabilities)
    desk = PaperExecution(world, can, capabilities_of(venue), terms)
    if terms.model is FillModel.PESSIMISTIC:
        return desk
    return RewardedExecution(desk, world, can, terms.latency.order)
