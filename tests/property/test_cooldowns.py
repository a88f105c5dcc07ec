"""Cooldowns against an oracle that reads the whole past anew."""

from collections.abc import Sequence
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain import events as ev
from market_bot.core.domain.gates import cooling
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.numbers import (
    NO_MONEY,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    money,
)
from market_bot.core.domain.settings import Cooldown
from tests.fakes.builders import a_fill, a_market, a_sale, a_start, an_intended
from tests.fakes.clock import NOON, after

# Two markets of one family, one of another.
FAMILIES: Final = {"A-1": "A", "A-2": "A", "B-1": "B"}
HAPPENINGS: Final = ("bought", "sold_well", "sold_badly", "refused", "lost")

waits = st.integers(0, 30).map(lambda seconds: Duration(seconds * SECOND))
cooldowns = st.builds(
    Cooldown,
    after_entry=waits,
    after_exit=waits,
    after_loss=waits,
    after_reject=waits,
    families=st.dictionaries(st.sampled_from("AB"), waits),
)
pasts = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(sorted(FAMILIES)), st.sampled_from(HAPPENINGS)),
    max_size=12,
)


def facts_of(number: int, market: str, what: str) -> list[ev.Event]:
    """Return the facts by which something happened; what is sold or lost cost 0.48 a piece."""
    there: dict[str, Any] = {"market": market, "family": FAMILIES[market], "event": market}
    name = f"i-{number}"
    if what == "bought":
        return [an_intended(name, **there), a_fill(f"f-{number}", intent=name, **there)]
    if what == "refused":
        return [an_intended(name, **there), ev.OrderRejected(intent=name, code="no")]
    if what == "lost":
        return [ev.MarketResolved(**there, yes_payout=Price(0))]
    # Sold for what it cost, with and without a fee that makes it a loss.
    fee = NO_MONEY if what == "sold_well" else Money(1)
    sale = a_sale(f"f-{number}", intent=name, cost=money("4.8"), fee=fee, **there)
    return [an_intended(name, **there), sale]


def oracle(
    cooldown: Cooldown, past: Sequence[tuple[Micros, str, str]], market: str, now: Micros
) -> set[str]:
    """Say what still runs, from every happening."""
    running = set()
    names = {
        "cooldown_after_entry": ("bought", cooldown.after_entry),
        "cooldown_after_exit": ("sold_well sold_badly lost", cooldown.after_exit),
        "cooldown_after_loss": ("sold_badly lost", cooldown.after_loss),
        "cooldown_after_reject": ("refused", cooldown.after_reject),
    }
    for at, where, what in past:
        for name, (kinds, wait) in names.items():
            if where == market and what in kinds.split() and now < at + wait:
                running.add(name)
        family = cooldown.families.get(FAMILIES[market], Duration(0))
        if FAMILIES[where] == FAMILIES[market] and now < at + family:
            running.add("cooldown_family")
    return running


@given(cooldowns, pasts, st.integers(0, 40), st.sampled_from(sorted(FAMILIES)))
def test_cooldowns_follow_the_oracle(
    cooldown: Cooldown, told: Sequence[tuple[int, str, str]], wait: int, market: str
) -> None:
    """Whatever happened wherever, the same waits run."""
    state, clock, past = apply(LaneState(), a_start(), NOON), 0, []
    for number, (pause, where, what) in enumerate(told):
        held = state.positions.get(f"{where}:yes")
        if (held is None) is not (what in ("bought", "refused")):
            continue
        clock += pause
        for fact in facts_of(number, where, what):
            state = apply(state, fact, after(clock))
        past.append((after(clock), where, what))
    now = after(clock + wait)
    gates = cooling(cooldown, state, a_market(market, family=FAMILIES[market]), now)

    assert oracle(cooldown, past, market, now) == {gate.name for gate in gates}
    assert 0 == state.anomalies
