"""What the fold counts for the limits: results, streaks, peaks, order times, merges, rewards."""

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import MINUTE, TIMES_KEPT, LaneState
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, money, price, size
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.portfolio import balanced
from tests.fakes.builders import a_fill, a_sale, a_start, an_intended, contracts, fold
from tests.fakes.clock import NOON

# Ten contracts for 4.80 and two cents of fee, and an order that sells them.
HELD = [a_start(), an_intended(), a_fill(), an_intended("i-2", purpose=Purpose.EXIT)]
BOTH = [
    a_start(),
    an_intended(),
    a_fill(),
    an_intended("i-3", leg=Leg.NO, size=size("15")),
    a_fill("f-3", intent="i-3", leg=Leg.NO, size=size("15"), cost=money("6")),
]


def counted(state: LaneState) -> tuple[int, int, int]:
    """Return wins, losses and the losses since the last win."""
    return (state.wins, state.losses, state.loss_streak)


def merged(quantity: str, payout: str, name: str = "m-1") -> ev.Merged:
    """Return the fact that pairs became dollars."""
    return ev.Merged(
        merge=name,
        market="M-1",
        event="E-1",
        family="F-1",
        size=size(quantity),
        payout=money(payout),
    )


def resolved(yes: str) -> ev.MarketResolved:
    """Return the end of the market."""
    return ev.MarketResolved(market="M-1", event="E-1", family="F-1", yes_payout=price(yes))


# -- results -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proceeds", "expected"),
    [("4.841", (1, 0, 0)), ("4.84", (0, 0, 0)), ("4.839", (0, 1, 1))],
)
def test_a_sale_counts_after_all_fees(proceeds: str, expected: tuple[int, int, int]) -> None:
    """Cost 4.80, and two cents of fee on either side; breaking even is neither."""
    assert expected == counted(fold([*HELD, a_sale(cost=money(proceeds))]))


def test_a_position_counts_once_and_as_a_whole() -> None:
    """What was sold before the rest is part of its result."""
    first = a_sale(size=size("4"), cost=money("4"), fee=money("0.5"))
    last = a_sale("x-2", size=size("6"), cost=money("1"), fee=money("0.1"))
    part = fold([*HELD, first])

    assert (0, 0, 0) == counted(part)
    (held,) = part.positions.values()
    assert (money("2.08"), money("0.52")) == (held.realised, held.fees)
    # 5 for what had cost 4.80, and 0.62 of fees.
    assert (0, 1, 1) == counted(fold([last], state=part))
    assert (1, 0, 0) == counted(fold([a_sale("x-2", size=size("6"))], state=part))


@pytest.mark.parametrize(("yes", "expected"), [("1", (1, 0, 0)), ("0", (0, 1, 1))])
def test_an_end_counts(yes: str, expected: tuple[int, int, int]) -> None:
    """Settlement closes a position like a sale."""
    assert expected == counted(fold([*HELD, resolved(yes)]))


@pytest.mark.parametrize(
    ("yes", "expected"),
    [("0.482", (0, 0, 0)), ("0.481999", (0, 1, 1)), ("0.482001", (1, 0, 0)), ("0.5", (1, 0, 0))],
)
def test_a_void_or_scalar_end_counts_what_it_pays(yes: str, expected: tuple[int, int, int]) -> None:
    """Ten contracts for 4.82 with the fee break even at 0.482 each."""
    state = fold([*HELD, resolved(yes)])

    assert expected == counted(state)
    assert balanced(state)


def test_a_gain_ends_a_streak() -> None:
    """And a loss begins the next."""
    state = LaneState(deposits=money("1"), losses=4, loss_streak=4)
    won = fold([*HELD[1:], a_sale()], state=state)

    assert (1, 4, 0) == counted(won)
    again = [an_intended("i-5"), a_fill("f-5", intent="i-5"), resolved("0")]
    assert (1, 5, 1) == counted(fold(again, state=won))


def test_a_person_ends_a_streak() -> None:
    """Resuming is a new beginning; what was lost stays counted."""
    lost = fold([*HELD, resolved("0"), ev.Halt(by="ann", reason="r")])

    assert (0, 1, 1) == counted(lost)
    assert (0, 1, 0) == counted(fold([ev.Resume(by="ann")], state=lost))


def test_a_provisional_gain_waits() -> None:
    """A sale that may be undone ends no streak until it cannot be any more."""
    before = LaneState(losses=2, loss_streak=2)
    sold = fold([*HELD, a_sale(provisional=True)], state=before)
    settled = ev.FillSettled(intent="i-2", fill="x-1")

    assert (0, 2, 2) == counted(sold)
    assert (1, 2, 0) == counted(fold([settled], state=sold))
    assert (1, 2, 0) == counted(fold([settled, settled], state=sold))
    undone = ev.FillReversed(intent="i-2", fill="x-1", reason="r")
    assert (0, 2, 2) == counted(fold([undone], state=sold))


def test_a_provisional_loss_counts_at_once() -> None:
    """And no longer once it was undone."""
    sold = fold([*HELD, a_sale(cost=money("1"), provisional=True)])
    undone = ev.FillReversed(intent="i-2", fill="x-1", reason="r")
    settled = ev.FillSettled(intent="i-2", fill="x-1")

    assert (0, 1, 1) == counted(sold) == counted(fold([settled], state=sold))
    assert (0, 0, 0) == counted(fold([undone], state=sold))


def test_a_settled_gain_that_is_undone_is_taken_back() -> None:
    """Venues contradict themselves; the streak it ended stays ended."""
    undone = ev.FillReversed(intent="i-2", fill="x-1", reason="r")

    assert (0, 0, 0) == counted(fold([*HELD, a_sale(), undone]))


def test_a_sale_that_broke_even_and_is_undone() -> None:
    """It counted as nothing and takes nothing back."""
    undone = ev.FillReversed(intent="i-2", fill="x-1", reason="r")

    assert (0, 0, 0) == counted(fold([*HELD, a_sale(cost=money("4.84")), undone]))


def test_an_undone_sale_brings_the_position_back_with_its_past() -> None:
    """Also its beginning, what was realised before, and the fees so far."""
    first = a_sale(size=size("4"), cost=money("4"), fee=money("0.5"))
    part = fold([*HELD, first])
    last = a_sale("x-2", size=size("6"), provisional=True)
    closed = fold([last], at=Micros(NOON + 9), state=part)
    again = fold([ev.FillReversed(intent="i-2", fill="x-2", reason="r")], state=closed)

    assert part.positions == again.positions
    assert balanced(again)


def test_an_undone_part_of_a_sale() -> None:
    """What is left of the position loses the part's gain and fee again."""
    part = a_sale(size=size("4"), cost=money("4"), fee=money("0.5"), provisional=True)
    state = fold([*HELD, part, ev.FillReversed(intent="i-2", fill="x-1", reason="r")])

    assert fold(HELD).positions == state.positions


def test_an_undone_part_after_the_rest_was_sold() -> None:
    """The position that comes back has no past: the sale of the rest took it along."""
    part = a_sale(size=size("4"), cost=money("4"), fee=money("0.5"), provisional=True)
    rest = a_sale("x-2", size=size("6"), cost=money("6"))
    undone = ev.FillReversed(intent="i-2", fill="x-1", reason="r")
    state = fold([*HELD, part, rest, undone])
    (held,) = state.positions.values()

    assert (contracts(4), 0, 0) == (held.size, held.realised, held.fees)
    assert (1, 0, 0) == counted(state)
    assert balanced(state)


def test_an_undone_purchase_takes_its_fee_along() -> None:
    """What is left of the position never paid it."""
    more = a_fill("f-2", provisional=True, fee=money("0.7"))
    buying = [a_start(), an_intended(size=size("20")), a_fill(), more]
    (held,) = fold(buying).positions.values()
    undone = ev.FillReversed(intent="i-1", fill="f-2", reason="r")
    (left,) = fold([*buying, undone]).positions.values()

    assert (money("0.72"), money("0.02")) == (held.fees, left.fees)


# -- pairs ---------------------------------------------------------------------------------------


def test_pairs_become_dollars() -> None:
    """Both legs shrink by their share of the cost, and cash grows by a dollar a pair."""
    before = fold(BOTH)
    state = fold([merged("10", "10")], state=before)
    (left,) = state.positions.values()

    assert before.cash + money("10") == state.cash
    # 4.80 for YES and two thirds of 6 for NO.
    assert money("1.2") == state.realised
    assert (Leg.NO, contracts(5), money("2"), money("0.6")) == (
        left.leg,
        left.size,
        left.cost,
        left.realised,
    )
    assert balanced(state)


def test_a_merge_counts_the_leg_it_closes() -> None:
    """With half of what the pair gained, less its own fees."""
    assert (1, 0, 0) == counted(fold([*BOTH, merged("10", "10")]))
    assert (0, 1, 1) == counted(fold([*BOTH, merged("10", "8.8")]))
    assert (0, 0, 0) == counted(fold([*BOTH, merged("9", "9")]))


def test_a_merge_told_twice_counts_once() -> None:
    """Venues repeat themselves."""
    once = fold([*BOTH, merged("4", "4")])

    assert once == fold([merged("4", "4")], state=once)
    assert once.cash < fold([merged("4", "4", "m-2")], state=once).cash


def test_a_merge_of_more_than_there_is() -> None:
    """The money that came is money that came, and the contradiction is noted."""
    state = fold([*BOTH, merged("12", "12")])
    (left,) = state.positions.values()

    assert (contracts(5), 1) == (left.size, state.anomalies)
    assert balanced(state)


def test_a_merge_of_nothing_held() -> None:
    """Also with one leg only, no position is touched."""
    state = fold([*HELD, merged("1", "1")])

    assert fold(HELD).positions == state.positions
    assert (1, money("1")) == (state.anomalies, state.realised)
    assert balanced(state)


@pytest.mark.parametrize("nothing", ["0", "-1"])
def test_a_merge_of_no_size_is_an_anomaly(nothing: str) -> None:
    """Nothing is paid for it."""
    state = fold([*BOTH, merged(nothing, "5")])

    assert (fold(BOTH).cash, 1) == (state.cash, state.anomalies)


def test_a_merge_takes_what_is_provisional_last() -> None:
    """No more is unsettled than is left."""
    maybe = a_fill("f-2", intent="i-1", provisional=True)
    buying = [*BOTH[:1], an_intended(size=size("20")), a_fill(), maybe, *BOTH[3:]]
    state = fold([*buying, merged("12", "12")])

    assert contracts(8) == state.positions["M-1:yes"].provisional


def test_old_merges_are_forgotten() -> None:
    """The memory is bounded."""
    state = fold([merged("1", "1", f"m-{n}") for n in range(200)], state=fold(BOTH))

    assert 64 == len(state.merges)
    assert "m-199" == state.merges[-1]


# -- rewards, peaks, times -----------------------------------------------------------------------


def test_rewards_are_kept_apart() -> None:
    """They are cash, and no gain from trading."""
    state = fold([*HELD, ev.Reward(amount=money("0.25"), kind="liquidity", market="M-1")])

    assert (money("0.25"), 0) == (state.rewards, state.realised)
    assert fold(HELD).cash + money("0.25") == state.cash
    assert balanced(fold([ev.Reward(amount=money("-1"), kind="taken back")], state=state))


def test_the_peak_is_never_lowered() -> None:
    """It begins with the money put in."""
    state = fold([a_start()])

    assert money("100") == state.peak
    assert money("100") == fold([ev.EquityPeak(equity=money("90"))], state=state).peak
    assert money("110") == fold([ev.EquityPeak(equity=money("110"))], state=state).peak
    assert money("3") == fold([ev.EquityPeak(equity=money("3"))]).peak
    assert money("300") == fold([ev.EquityPeak(equity=money("300")), a_start()]).peak


def test_money_that_came_before_the_start_is_kept() -> None:
    """The start adds its deposit, and replaces nothing."""
    state = fold([ev.Reward(amount=money("1"), kind="bonus"), a_start()])

    assert money("101") == state.cash
    assert balanced(state)


def test_order_times_of_a_minute() -> None:
    """Entries and exits are remembered apart, for a minute, and never without end."""
    state = fold([a_start(), an_intended("a"), an_intended("b", purpose=Purpose.EXIT)])
    late = Micros(NOON + MINUTE)

    assert ((NOON,), (NOON,)) == (state.entry_times, state.exit_times)
    assert (NOON, late - 1) == fold([an_intended("c")], Micros(late - 1), state).entry_times
    assert (late,) == fold([an_intended("c")], late, state).entry_times
    assert (NOON,) == fold([an_intended("a")], state=state).entry_times
    many = fold([an_intended(f"i-{n}") for n in range(TIMES_KEPT + 9)])
    assert TIMES_KEPT == len(many.entry_times)


def test_the_venues_state() -> None:
    """Trouble with our own journal is not the venue's."""
    closed = fold([ev.VenueState(state="closed")])

    assert "open" == LaneState().venue
    assert "closed" == closed.venue
    assert "closed" == fold([ev.VenueState(state="degraded")], state=closed).venue
    assert "open" == fold([ev.VenueState(state="open")], state=closed).venue
