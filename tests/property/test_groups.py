"""Groups under any limits: all legs leave at one tick, or none does."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Duration, money
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.settings import Cooldown, Filters
from market_bot.core.ports.execution import Accepted, Rejected, Unknown
from tests.fakes.builders import (
    LIMITS,
    Wanting,
    a_book,
    a_lane,
    a_market,
    a_signal,
    a_strategy,
    announced,
    cents,
    contracts,
    lane_settings,
    of_type,
)
from tests.fakes.execution import ScriptedExecution, filled

MARKETS = ("M-1", "M-2", "M-3", "M-4")
amounts = st.sampled_from(["5", "10", "14.4", "20", "29", "1000"]).map(money)
limits = st.fixed_dictionaries(
    {
        "max_order_usd": st.sampled_from(["4.8", "1000"]).map(money),
        "max_position_usd": amounts,
        "max_event_loss_usd": amounts,
        "max_total_exposure_usd": amounts,
        "max_daily_loss_usd": st.sampled_from(["0.2", "1", "1000"]).map(money),
        "max_open_orders": st.integers(1, 6),
        "max_orders_per_minute": st.integers(1, 10),
    }
)
legs = st.builds(
    a_signal,
    market=st.sampled_from(MARKETS),
    leg=st.sampled_from(Leg),
    style=st.sampled_from(Style),
    price=st.sampled_from([cents(48), cents(52)]),
    size=st.sampled_from([1, 5, 10]).map(contracts),
    group=st.sampled_from(["", "a", "a", "b"]),
    patience=st.just(Duration(5_000_000)),
)
wishes = st.lists(legs, max_size=6, unique_by=lambda s: (s.market, s.leg))
answers = st.lists(
    st.sampled_from([Accepted("v"), Accepted("v"), Rejected("no"), Unknown("timeout")]),
    min_size=6,
    max_size=6,
)
ticks = st.lists(st.tuples(wishes, answers, st.booleans()), min_size=1, max_size=6)
changes = st.fixed_dictionaries(
    {
        "filters": st.sampled_from([Filters(), Filters(price_max=cents(50))]),
        "cooldown": st.sampled_from(
            [
                Cooldown(),
                Cooldown(after_reject=Duration(60_000_000)),
                Cooldown(families={"F-1": Duration(2_000_000)}),
            ]
        ),
    }
)


@given(limits=limits, changes=changes, ticks=ticks)
def test_no_part_of_a_group_is_sent(
    limits: dict[str, Any], changes: dict[str, Any], ticks: list[Any]
) -> None:
    """At each tick all legs of a group are sent in one go, or none is; limits hold at every one."""
    wanting, venue = Wanting(), ScriptedExecution()
    lane = a_lane(
        lane_settings(a_strategy(wanting), limits={**LIMITS, **limits}, **changes),
        lambda _: venue,
        opening=[announced(a_market(m)) for m in MARKETS] + [a_book(m) for m in MARKETS],
    )
    lane.start()
    for wants, said, fills in ticks:
        before = len(venue.submitted)
        wanting.wants, venue.answers = list(wants), list(said)
        lane.clock.advance(Duration(3_000_000))
        events = lane.tick(*[a_book(m) for m in MARKETS])
        sent = venue.submitted[before:]

        for group in ("a", "b"):
            whole = [(s.market, s.leg) for s in wants if s.group == group]
            part = [
                (i.draft.signal.market, i.draft.signal.leg)
                for i in sent
                if i.draft.signal.group == group
            ]
            assert part in ([], whole)
        entries = [e for e in of_type(events, ev.OrderIntent) if e.purpose is Purpose.ENTRY]
        assert len(sent) == len(entries)
        exposure = lane.trader.exposure()
        if sent:
            assert exposure.total <= limits["max_total_exposure_usd"]
            assert exposure.event_loss("E-1") <= limits["max_event_loss_usd"]
            assert exposure.live_orders <= limits["max_open_orders"]
        venue.answers = []
        working = {order.intent for order in lane.trader.state.orders.values() if order.working}
        venue.say(*[filled(i) for i in sent if fills and i.id in working])
        wanting.wants = []
        lane.tick()


@pytest.mark.parametrize(("most", "sent"), [(2, 0), (3, 3)])
def test_groups_are_sent_and_refused(most: int, sent: int) -> None:
    """The border is between all and none; otherwise the property would say nothing."""
    three = [attrs.evolve(a_signal(size=contracts(10)), market=m, group="a") for m in MARKETS[:3]]
    venue = ScriptedExecution()
    lane = a_lane(
        lane_settings(a_strategy(Wanting(*three)), limits={**LIMITS, "max_open_orders": most}),
        lambda _: venue,
        opening=[announced(a_market(m)) for m in MARKETS] + [a_book(m) for m in MARKETS],
    )
    lane.start()
    lane.tick(a_book("M-1"))

    assert sent == len(venue.submitted)
