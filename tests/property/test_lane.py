"""The fold under any sequence of facts, sensible or not."""

import copy
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain import events as ev
from market_bot.core.domain.events import EVENT_TYPES, Durability
from market_bot.core.domain.exposure import exposure_of
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, Money, Price, Probability, Size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Gate
from tests.fakes.builders import a_fill, a_sale, a_start, an_intended
from tests.fakes.clock import NOON
from tests.fakes.ledger import Ledger

# Few names, so that facts meet; numbers at and beyond every border.
names = st.sampled_from(["a", "b"])
numbers = st.sampled_from([-3, -1, 0, 1, 2, 7, 1_000_000, 1_000_001])
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    "Leg": st.sampled_from(Leg),
    "Purpose": st.sampled_from(Purpose),
    "Style": st.sampled_from(Style),
    "Cause": st.sampled_from(ev.Cause),
    "bool": st.booleans(),
    "str": names,
    "tuple[Gate, ...]": st.just((Gate("g", "0", "1", hard=True),)),
    "tuple[str, ...]": st.just(()),
    "tuple[int, ...]": st.just(()),
    "tuple[Input, ...]": st.just(()),
    "tuple[External, ...]": st.builds(
        lambda market, cost: (ev.External(market, Money(cost)),), names, st.integers(0, 10**15)
    ),
    "tuple[WrittenOff, ...]": st.builds(
        lambda market, leg, size, paid: (ev.WrittenOff(market, leg, Size(size), Money(paid)),),
        names,
        st.sampled_from(Leg),
        numbers,
        numbers,
    ),
    "Mapping[str, object]": st.just({}),
    "Mapping[str, str]": st.just({}),
} | dict.fromkeys(("int", "Size", "Price", "Money", "Micros", "Duration"), numbers)


def _field(declared: str) -> st.SearchStrategy[Any]:
    if declared.endswith(" | None"):
        return st.none() | _field(declared.removesuffix(" | None"))
    if declared == "Probability":
        return numbers.map(Probability)
    return BY_TYPE[declared]


def any_of(kind: type[ev.Event]) -> st.SearchStrategy[ev.Event]:
    """Return facts of one class with any values."""
    # As written: attrs forgets that once the codec has resolved the types.
    written: dict[str, str] = {}
    for cls in reversed(kind.__mro__):
        written |= vars(cls).get("__annotations__", {})
    return st.builds(kind, **{f.name: _field(written[f.name]) for f in attrs.fields(kind)})


# What changes money comes more often than what only explains.
MOVING = (
    ev.BotStarted,
    ev.OrderIntent,
    ev.Fill,
    ev.Fill,
    ev.FillSettled,
    ev.FillReversed,
    ev.OrderCancelled,
    ev.OrderRejected,
    ev.MarketResolved,
)
anything = st.one_of(*(any_of(kind) for kind in (*MOVING, *EVENT_TYPES.values())))


@given(st.lists(anything, max_size=30))
def test_the_fold_takes_anything(script: list[ev.Event]) -> None:
    """It never fails, never changes what it was given, and never loses a unit of money."""
    state = LaneState()
    for number, event in enumerate(script):
        kept = copy.deepcopy(state)
        after = apply(state, event, Micros(NOON + number))

        assert kept == state
        assert (
            after.cash + after.basis() + after.fees - after.realised - after.rewards
            == after.deposits
        )
        assert all(p.size > 0 and p.provisional >= 0 for p in after.positions.values())
        if event.DURABILITY is Durability.B:
            assert after is state
        assert exposure_of(after, after.cash).total == sum(
            exposure_of(after, None).by_market.values()
        )
        state = after


def test_every_class_is_drawn() -> None:
    """A new event class is covered without being named here."""
    for kind in EVENT_TYPES.values():
        any_of(kind).validate()


@st.composite
def lives(draw: st.DrawFn) -> list[ev.Event]:
    """Return the facts of a lane at a venue that never sells more than is held.

    Purchases and sales in parts, some provisional, then settled or undone, some told twice.
    """
    facts: list[ev.Event] = [a_start()]
    ledger = Ledger().read(facts)

    def tell(event: ev.Event) -> None:
        facts.append(event)
        ledger.read([event])

    for number in range(draw(st.integers(0, 8))):
        leg = draw(st.sampled_from(Leg))
        market = draw(st.sampled_from(["M-1", "M-2"]))
        settled = ledger.settled((market, leg))
        buys = not settled or draw(st.booleans())
        purpose = Purpose.ENTRY if buys else Purpose.EXIT
        size = draw(st.integers(1, 9 if buys else settled))
        name = f"i-{number}"
        where: dict[str, Any] = {"market": market, "leg": leg, "purpose": purpose}
        tell(an_intended(name, size=Size(size), fee_bound=Money(11), **where))
        parts = [size] if draw(st.booleans()) or size == 1 else [1, size - 1]
        for part, quantity in enumerate(parts):
            maybe = draw(st.booleans())
            fill = (a_fill if buys else a_sale)(
                f"f-{part}",
                intent=name,
                size=Size(quantity),
                cost=Money(draw(st.integers(0, 20))),
                fee=Money(draw(st.integers(0, 3))),
                provisional=maybe,
                **where,
            )
            tell(fill)
            if draw(st.booleans()):
                facts.append(fill)
            if maybe and draw(st.booleans()):
                # A purchase is undone at once, before anything of it can have been sold.
                undone = draw(st.booleans())
                end: ev.Event = (
                    ev.FillReversed(intent=name, fill=f"f-{part}", reason="r")
                    if undone
                    else ev.FillSettled(intent=name, fill=f"f-{part}")
                )
                tell(end)
                facts.append(end)
    for market in ("M-1", "M-2"):
        if draw(st.booleans()):
            paid = Price(draw(st.sampled_from([0, 370_000, 500_000, 1_000_000])))
            ended = ev.MarketResolved(market=market, event="E", family="F", yes_payout=paid)
            tell(ended)
            facts.append(ended)
    return facts


@given(lives())
def test_the_fold_agrees_with_an_accountant(facts: list[ev.Event]) -> None:
    """Cash, fees, contracts and worst case are what a naive ledger says, without anomalies."""
    state, ledger = LaneState(), Ledger()
    seen: list[ev.Event] = []
    for event in facts:
        state = apply(state, event, NOON)
        if event not in seen:
            ledger.read([event])
        seen.append(event)

        held = {(p.market, p.leg): p.size for p in state.positions.values()}
        assert {key: size for key, (size, _) in ledger.positions.items()} == held
        assert (ledger.cash, ledger.fees) == (state.cash, state.fees)
        assert {key: ledger.settled(key) for key in held} == {
            (p.market, p.leg): p.settled for p in state.positions.values()
        }
        assert ledger.worst_case() == exposure_of(state, None).total
        assert 0 == state.anomalies
        assert all(p.cost >= 0 for p in state.positions.values())
