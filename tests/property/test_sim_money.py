"""Whatever is traded, merged, netted, undone, rewarded and paid: journal and venue agree on money.

A lane trades what a script says on the simulated venue; the venue's own account is the oracle.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from hypothesis import event, given
from hypothesis import strategies as st

from market_bot.adapters.simulated.sim_settings import (
    BEGINS,
    NO_REWARDS,
    Faults,
    Rewards,
    Rules,
    SimSettings,
)
from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    HOUR,
    ONE_CONTRACT,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Price,
    Probability,
    Size,
    money,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.portfolio import balanced
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.view import Holdings, MarketView, View
from tests.fakes.builders import a_strategy, lane_settings
from tests.fakes.journal import ListJournal
from tests.fakes.sim_lane import WIDE, SimLane, a_sim_lane

_TICK = Duration(20 * SECOND)
_TICKS = 30
# Long enough for what is late, and for every market to pay.
_CALM = 60
# Five minutes before midnight, so that a day ends within the script.
_BEGINS = Micros(BEGINS + 24 * HOUR - 300 * SECOND)
_FAULTS = Faults(
    latency=Duration(SECOND // 2),
    jitter=Duration(30 * SECOND),
    answer_lost=0.1,
    found_after=Duration(50 * SECOND),
    ghost_fill=0.15,
    late_fact=0.2,
    late_by=Duration(50 * SECOND),
    repeated_fact=0.2,
    void=0.2,
)
_QUIET = attrs.evolve(
    _FAULTS, answer_lost=0.0, late_fact=0.0, jitter=Duration(0), latency=Duration(0)
)
_PAID = Rewards(
    rebates=True, daily=money("50000"), min_size=ONE_CONTRACT, max_spread=Price(200_000)
)


@attrs.frozen
class Step:
    """What is wanted at one tick in every market whose number has this remainder."""

    leg: Leg
    purpose: Purpose
    style: Style
    contracts: int
    remainder: int


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from(Leg),
        st.sampled_from((Purpose.ENTRY, Purpose.ENTRY, Purpose.EXIT)),
        st.sampled_from(Style),
        st.integers(5, 30),
        st.integers(0, 1),
    ),
    min_size=_TICKS,
    max_size=_TICKS,
)


class Scripted:
    """Wants what the script says for the tick."""

    def __init__(self, script: Sequence[Step]) -> None:
        self.script = script

    def __call__(self, view: View, params: object, holdings: Holdings) -> Sequence[Signal]:
        """Return this tick's wish in every second market."""
        number = (view.as_of - _BEGINS) // _TICK
        if number >= len(self.script):
            return ()
        step = self.script[number]
        wanted = [
            _wish(step, seen)
            for index, seen in enumerate(view.markets)
            if index % 2 == step.remainder and seen.tradable
        ]
        return [signal for signal in wanted if signal is not None]


def _wish(step: Step, seen: MarketView) -> Signal | None:
    """Return the wish to trade at the best price of the other side, or to wait at one's own."""
    buys, takes = step.purpose is Purpose.ENTRY, step.style is Style.TAKER
    at = seen.buy_price(step.leg) if buys == takes else seen.sell_price(step.leg)
    if at is None or not seen.market.on_grid(at):
        return None
    return Signal(
        market=seen.market.id,
        leg=step.leg,
        purpose=step.purpose,
        style=step.style,
        price=at,
        belief=Probability(at),
        edge=Price(0),
        cost=Price(0),
        patience=Duration(3 * _TICK),
        reason="the script says so",
        size=Size(step.contracts * ONE_CONTRACT) if buys else None,
    )


def a_world(rules: Rules, faults: Faults, rewards: Rewards) -> SimSettings:
    """Return a small world of markets that end soon."""
    return SimSettings(
        markets=6,
        rules=rules,
        begins=_BEGINS,
        lasts=Duration((_TICKS + _CALM) * _TICK),
        interval=_TICK,
        hurry=60,
        rate=0.3,
        families=("SIM-MATCH", "SIM-COIN15"),
        faults=faults,
        rewards=rewards,
    )


def a_life(script: Sequence[Step], seed: int, world: SimSettings) -> SimLane:
    """Return a lane that trades the script."""
    settings = lane_settings(
        a_strategy(Scripted(script)), cash=money("100000"), limits=WIDE, rules=()
    )
    return a_sim_lane(SimulatedVenue(seed, settings=world), settings, ListJournal())


def agree(state: LaneState, venue: SimulatedVenue) -> None:
    """Compare the journal's money with the venue's, to the last unit."""
    ledger = venue.ledger()
    ours = {(held.market, held.leg): held.size for held in state.positions.values()}

    assert state.cash == state.deposits + ledger.cash
    assert ours == ledger.positions
    assert state.fees == ledger.fees
    assert state.rewards == ledger.rewards
    assert balanced(state)
    assert 0 == state.anomalies


def told(lane: SimLane) -> list[ev.Merged]:
    """Return the merges of the journal."""
    return [event for event in lane.journal.events if isinstance(event, ev.Merged)]


def check_merges(lane: SimLane) -> None:
    """Every merge of the venue is in the journal once, at a dollar a pair, and no other."""
    merges, known = told(lane), lane.venue.ledger().merges

    assert {merge.merge for merge in merges} == known.keys()
    assert len(merges) == len(known)
    for merge in merges:
        assert ONE_DOLLAR * merge.size == merge.payout == known[merge.merge].payout
    if not lane.venue.abilities.pairs_pay:
        assert [] == merges


def netted(lane: SimLane) -> None:
    """No settled pair is left where the rules net."""
    if lane.venue.abilities.nets_yes_no:
        account = lane.venue._account
        assert all(account.pairs(market) <= 0 for market, _ in lane.venue.ledger().positions)


@given(
    script=steps,
    seed=st.integers(0, 2**16),
    rules=st.sampled_from(Rules),
    rewards=st.sampled_from((NO_REWARDS, _PAID)),
)
def test_money_agrees_at_every_tick(
    script: list[Step], seed: int, rules: Rules, rewards: Rewards
) -> None:
    """Where facts come in time, journal and venue agree after every tick, and no pair waits."""
    lane = a_life(script, seed, a_world(rules, _QUIET, rewards))
    for _ in range(_TICKS):
        lane.run(1)
        agree(lane.trader.state, lane.venue)
        netted(lane)
    check_merges(lane)
    event(f"{rules.value}: {'merged' if told(lane) else 'no pairs'}")


@given(
    script=steps,
    seed=st.integers(0, 2**16),
    rules=st.sampled_from(Rules),
    rewards=st.sampled_from((NO_REWARDS, _PAID)),
)
def test_money_agrees_in_the_end(
    script: list[Step], seed: int, rules: Rules, rewards: Rewards
) -> None:
    """However late and often facts are told, journal and venue agree in the end."""
    lane = a_life(script, seed, a_world(rules, _FAULTS, rewards))
    lane.run(_TICKS)
    lane.venue.heal()
    lane.run()
    agree(lane.trader.state, lane.venue)
    netted(lane)
    check_merges(lane)
    ledger = lane.venue.ledger()
    state = "rewarded" if ledger.rewards else "not rewarded"
    event(f"{rules.value}: {state}, {'merged' if ledger.merged else 'no pairs'}")
