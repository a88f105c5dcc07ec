"""Late news lead to the same money as news in time, to the last unit."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from market_bot.adapters.storage.codec import decode_state, digest, encode_state
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Money, Price, Size
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.portfolio import balanced
from tests.fakes.builders import a_fill, a_sale, a_start, an_intended, fold
from tests.fakes.clock import NOON
from tests.fakes.ledger import Ledger

PAYOUTS = st.sampled_from([0, 1, 333_333, 500_000, 999_999, 1_000_000])


@st.composite
def lives(draw: st.DrawFn) -> list[ev.Event]:
    """Return what happened to a lane in one market, without its end; never more sold than held."""
    facts: list[ev.Event] = []
    ledger = Ledger()
    for number in range(draw(st.integers(1, 6))):
        leg = draw(st.sampled_from(Leg))
        settled = ledger.settled(("M-1", leg))
        buys = not settled or draw(st.booleans())
        quantity = draw(st.integers(1, 9 if buys else settled))
        name, maybe = f"i-{number}", draw(st.booleans())
        purpose = Purpose.ENTRY if buys else Purpose.EXIT
        where: dict[str, Any] = {"leg": leg, "purpose": purpose}
        told: list[ev.Event] = [
            an_intended(name, size=Size(quantity), **where),
            (a_fill if buys else a_sale)(
                f"f-{number}",
                intent=name,
                size=Size(quantity),
                cost=Money(draw(st.integers(0, 9_000_000))),
                fee=Money(draw(st.integers(0, 3))),
                provisional=maybe,
                **where,
            ),
        ]
        if maybe and draw(st.booleans()):
            undone = draw(st.booleans())
            kind: Any = ev.FillReversed if undone else ev.FillSettled
            told.append(
                kind(intent=name, fill=f"f-{number}", **({"reason": "r"} if undone else {}))
            )
        facts += told
        ledger.read(told)
    pairs = min(ledger.settled(("M-1", leg)) for leg in Leg)
    if pairs and draw(st.booleans()):
        paid = Money(pairs * 1_000_000)
        facts.append(
            ev.Merged(
                merge="m", market="M-1", event="E-1", family="F-1", size=Size(pairs), payout=paid
            )
        )
    return facts


def the_end(yes: int) -> ev.MarketResolved:
    """Return the end of the market."""
    return ev.MarketResolved(market="M-1", event="E-1", family="F-1", yes_payout=Price(yes))


def essence(state: LaneState) -> tuple[object, ...]:
    """Return what must not depend on when it was told."""
    return (
        state.cash,
        state.realised,
        state.fees,
        state.rewards,
        state.positions,
        state.orders,
        state.finished,
        state.wins,
        state.losses,
        state.anomalies,
    )


@settings(max_examples=400)
@given(lives(), PAYOUTS, st.data())
def test_the_end_may_be_told_at_any_time(
    facts: list[ev.Event], yes: int, data: st.DataObject
) -> None:
    """Wherever the end stands among the facts, money, results and orders come out the same."""
    place = data.draw(st.integers(1, len(facts)))
    late = [a_start(), *facts[:place], the_end(yes), *facts[place:]]
    in_time = fold([a_start(), *facts, the_end(yes)])
    state, ledger = LaneState(), Ledger()
    for event in late:
        state = apply(state, event, NOON)
        ledger.read([event])

        assert balanced(state)
        assert (ledger.cash, ledger.fees) == (state.cash, state.fees)
        assert {k: v[0] for k, v in ledger.positions.items()} == {
            (p.market, p.leg): p.size for p in state.positions.values()
        }
    assert essence(in_time) == essence(state)
    assert {} == state.positions
    assert 0 == state.anomalies


@settings(max_examples=200)
@given(lives(), PAYOUTS, PAYOUTS, st.data())
def test_the_venue_has_the_last_word(
    facts: list[ev.Event], first: int, last: int, data: st.DataObject
) -> None:
    """Corrected at any later time, the money is that of the last payout alone."""
    place = data.draw(st.integers(1, len(facts)))
    told = [a_start(), *facts[:place], the_end(first), *facts[place:], the_end(last)]
    state = fold(told)

    assert fold([a_start(), *facts, the_end(last)]).cash == state.cash
    assert balanced(state)


@settings(max_examples=100)
@given(lives(), PAYOUTS, st.data())
def test_a_checkpoint_between_end_and_late_news_changes_nothing(
    facts: list[ev.Event], yes: int, data: st.DataObject
) -> None:
    """What was paid is part of the state that is written down."""
    place = data.draw(st.integers(1, len(facts)))
    before = fold([a_start(), *facts[:place], the_end(yes)])
    again = decode_state(encode_state(before), LaneState)

    assert digest(before) == digest(again)
    assert fold(facts[place:], state=before) == fold(facts[place:], state=again)


@given(
    lives(),
    PAYOUTS,
    st.lists(st.tuples(st.sampled_from(["", "r-1", "r-2"]), st.integers(-9, 9)), max_size=6),
)
def test_rewards_are_money_like_any_other(
    facts: list[ev.Event], yes: int, paid: list[tuple[str, int]]
) -> None:
    """Each named payment counts once, each without a name always, and the books balance."""
    rewards = [ev.Reward(amount=Money(amount), kind="k", name=name) for name, amount in paid]
    state = fold([a_start(), *facts, *rewards, the_end(yes), *rewards])
    named = {name: amount for name, amount in reversed(paid) if name}
    unnamed = sum(amount for name, amount in paid if not name)

    assert sum(named.values()) + 2 * unnamed == state.rewards
    assert balanced(state)
    assert fold([a_start(), *facts, the_end(yes)]).cash + state.rewards == state.cash
