"""The account is read beside the lane and compared at a tick."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import HOUR, NO_MONEY, SECOND, Micros, Money, money
from market_bot.core.domain.portfolio import VenueCapabilities
from market_bot.core.ports.account import (
    Account,
    AccountPicture,
    OrderThere,
    PositionThere,
    Standing,
)
from market_bot.core.ports.execution import Confirmed, Fact
from market_bot.core.usecases.watch_account import (
    AGREES_FOR,
    EVERY,
    AccountSlot,
    CompareAccount,
    Look,
    WatchAccount,
    in_doubt,
    moving_in,
)
from tests.fakes.builders import a_fill, an_intended, contracts, fold
from tests.fakes.clock import NOON, after

LIVE = ev.BotStarted(mode="live", instance="inst", version="0", fold=1)
ABILITIES = VenueCapabilities(nets_yes_no=True, locks_collateral=True)
LATER = after(100)


def a_picture(cash: str = "100", **changes: Any) -> AccountPicture:
    """Return an account with a hundred dollars and nothing else."""
    return AccountPicture(account="main", at=LATER, cash=money(cash), **changes)


def held(size: int, cost: str = "1", market: str = "M-1") -> PositionThere:
    """Return what the venue says is held of YES."""
    return PositionThere(market=market, leg=Leg.YES, size=contracts(size), cost=money(cost))


def of(found: Sequence[Fact | ev.Event]) -> list[ev.Reconciled]:
    """Return what was found out about the account as a whole."""
    return [one for one in found if isinstance(one, ev.Reconciled)]


@attrs.define(eq=False)
class Compared:
    """A lane's state and what compares it, taken along by one clock."""

    state: LaneState = attrs.field(factory=lambda: fold([LIVE]))
    at: Micros = LATER
    learnt: list[Fact] = attrs.field(factory=list)
    slot: AccountSlot = attrs.field(factory=AccountSlot)
    compare: CompareAccount = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        def learn(facts: Iterable[Fact]) -> None:
            self.learnt.extend(facts)

        self.compare = CompareAccount(self.slot, ABILITIES, learn)

    def see(self, picture: AccountPicture | None, later: int = 15) -> list[ev.Reconciled]:
        """Let time pass, show a picture if there is one, and fold what is told."""
        self.at = Micros(self.at + later * SECOND)
        if picture is not None:
            self.slot.put(Look(self.at, picture))
        told = of(self.compare(self.state, self.at))
        for event in told:
            self.state = apply(self.state, event, self.at)
        return told


def agreeing(*events: ev.Event) -> Compared:
    """Return a lane with a hundred dollars that was found to agree."""
    scene = Compared()
    scene.see(a_picture())
    for event in events:
        scene.state = apply(scene.state, event, scene.at)
    return scene


def test_the_first_look_tells_how_much_money_there_is() -> None:
    """A lane that never had any takes what the account has, and agrees with it."""
    scene = Compared()
    (found,) = scene.see(a_picture("500", positions=(held(3, "1.50"),)))

    assert (money("500"), money("500")) == (found.adopted, scene.state.cash)
    assert (True, "", None) == (found.complete, found.stops, scene.state.unreconciled)
    assert {"M-1": money("1.50")} == scene.state.external
    assert scene.at == scene.compare.agreed_at


def test_money_is_adopted_once_only() -> None:
    """Afterwards another amount is a difference, until a person accepts it."""
    scene = agreeing()
    assert [] == scene.see(a_picture("90"))
    (found,) = scene.see(a_picture("90"))
    assert "cash" in found.stops
    assert scene.state.unreconciled is not None
    assert NO_MONEY == found.adopted

    scene.compare.accept_cash()
    (accepted,) = scene.see(a_picture("90"))

    assert (money("-10"), "") == (accepted.adopted, accepted.stops)
    assert (money("90"), money("90"), None) == (  # type: ignore[comparison-overlap]  # narrowed before it changed
        scene.state.cash,
        scene.state.deposits,
        scene.state.unreconciled,
    )


def sold_beside(cash: str) -> Compared:
    """Return a lane that held ten contracts for $4.80, none of which its account has any more."""
    scene = agreeing(an_intended(), a_fill(size=contracts(10), cost=money("4.80"), fee=NO_MONEY))
    for _ in range(2):
        scene.see(a_picture(cash), later=60)
    assert "0 held there, 10 in the journal" in str(scene.state.unreconciled)
    return scene


@pytest.mark.parametrize(
    ("cash", "realised", "deposits"),
    [
        # Sold for less than it had cost: the loss counts as one.
        ("98.20", "-1.80", "100"),
        # Sold for more: the gain counts as money put in.
        ("101.20", "0", "101.20"),
        # Moved elsewhere, for nothing.
        ("95.20", "-4.80", "100"),
        # Moved, and money taken out besides.
        ("90", "-4.80", "94.80"),
    ],
)
def test_what_was_sold_beside_the_lane_is_written_off_on_a_person_s_word(
    cash: str, realised: str, deposits: str
) -> None:
    """Until then nothing is opened; afterwards journal and account agree, and no gain is invented.

    What a limit on losses has seen of it stays seen.
    """
    scene = sold_beside(cash)
    scene.compare.accept_cash()
    (found,) = scene.see(a_picture(cash))

    assert [("M-1", contracts(10))] == [(one.market, one.size) for one in found.written_off]
    assert ("", {}) == (found.stops, scene.state.positions)
    assert (money(cash), money(realised), money(deposits)) == (
        scene.state.cash,
        scene.state.realised,
        scene.state.deposits,
    )
    assert (0, int(money(realised) < 0)) == (scene.state.anomalies, scene.state.losses)
    assert [] == scene.see(a_picture(cash), later=60)
    assert scene.state.unreconciled is None


def test_only_what_is_gone_is_written_off() -> None:
    """Of ten contracts seven are there: three are written off, at their share of the cost."""
    scene = sold_beside("95.20")
    scene.compare.accept_cash()
    (found,) = scene.see(a_picture("95.20", positions=(held(7, "3.36"),)))
    position = scene.state.position("M-1", Leg.YES)

    assert [contracts(3)] == [one.size for one in found.written_off]
    assert position is not None
    assert (contracts(7), money("3.36")) == (position.size, position.cost)


def test_nothing_is_written_off_while_orders_are_open_and_a_word_is_old_after_a_minute() -> None:
    """What a person has said was about what there was then."""
    scene = sold_beside("95.20")
    scene.state = apply(scene.state, an_intended("i-2", market="M-2"), scene.at)
    scene.compare.accept_cash()
    scene.see(a_picture("95.20"))
    assert scene.state.positions
    scene.state = apply(scene.state, ev.OrderRejected(intent="i-2", code="no"), scene.at)
    scene.see(a_picture("95.20"), later=61)

    assert scene.state.positions
    assert scene.state.unreconciled is not None


def test_one_disagreement_does_not_close_a_running_lane_but_two_do() -> None:
    """Lists of a venue are not all of the same moment; a story told twice is believed."""
    scene = agreeing()

    assert [] == scene.see(a_picture("90"))
    assert [] == scene.see(a_picture())
    assert [] == scene.see(a_picture("90"))
    assert scene.state.unreconciled is None
    (found,) = scene.see(a_picture("90"))
    assert found.differences == (found.stops,)
    assert [] == scene.see(a_picture("90"))
    (healed,) = scene.see(a_picture())
    assert ("", None) == (healed.stops, scene.state.unreconciled)


def test_at_the_start_one_disagreement_is_enough() -> None:
    """What a restarted lane finds first decides whether it may open anything."""
    scene = agreeing()
    scene.state = apply(scene.state, LIVE, scene.at)
    scene.compare = CompareAccount(scene.slot, ABILITIES)

    (found,) = scene.see(a_picture("90"))

    assert "cash" in found.stops
    assert found.stops == scene.state.unreconciled


def test_a_picture_with_a_part_missing_concludes_nothing() -> None:
    """Not read is not the same as not there: no facts, no externals lost, no money adopted."""
    scene = Compared()
    missing = a_picture("500", missing=("fills: timeout",))
    (found,) = scene.see(missing)

    assert (False, None, NO_MONEY) == (found.complete, found.cash, found.adopted)
    assert "fills: timeout" in str(scene.state.unreconciled)
    assert NO_MONEY == scene.state.cash


def test_a_running_lane_survives_one_unreadable_picture() -> None:
    """Two in a row close it, one that can be read opens it again."""
    scene, missing = agreeing(), a_picture(missing=("orders: 502",))

    assert [] == scene.see(missing)
    (closed,) = scene.see(missing)
    assert "could not be read" in closed.stops
    (opened,) = scene.see(a_picture())
    assert "" == opened.stops


def test_pictures_that_stay_away_close_the_lane() -> None:
    """A thread that died must not leave an old agreement standing."""
    scene = agreeing()
    quiet = [scene.see(None, later=10) for _ in range(6)]
    (found,) = scene.see(None, later=10)

    assert [[]] * 6 == quiet
    assert "has not been read for 70 s" in found.stops
    assert [] == scene.see(None, later=600)
    assert "" == of(scene.see(a_picture()))[0].stops
    assert AGREES_FOR == 4 * EVERY


def test_the_same_result_is_told_again_after_an_hour() -> None:
    """The journal shows that the account was watched, without a line for every look."""
    scene = agreeing()
    told = [scene.see(a_picture()) for _ in range(HOUR // (15 * SECOND))]

    assert 1 == sum(map(len, told))
    assert 1 == len(told[-1])


def test_others_are_counted_and_told_when_they_change() -> None:
    """A foreign position and a foreign order do not close the lane; they count as at stake."""
    scene = agreeing()
    order = OrderThere(
        venue_order="v-9",
        intent=None,
        market="M-2",
        leg=Leg.NO,
        size=contracts(5),
        filled=contracts(1),
        standing=Standing.RESTING,
    )
    picture = a_picture(positions=(held(3, "1.50"),), orders=(order,))
    (found,) = scene.see(picture)

    assert "" == found.stops
    assert {"M-1": money("1.50"), "M-2": money("4")} == scene.state.external
    assert 1 == scene.state.external_orders
    assert [] == scene.see(picture)
    (gone,) = scene.see(a_picture())
    assert () == gone.external


def test_only_what_is_more_than_ours_is_somebody_elses() -> None:
    """Of ten contracts that cost four dollars, six are ours: the rest cost a dollar sixty."""
    scene = agreeing(
        an_intended(size=contracts(6)),
        a_fill(size=contracts(6), cost=money("2.40"), fee=NO_MONEY),
    )
    (found,) = scene.see(a_picture("97.60", positions=(held(10, "4"),)), later=60)

    assert (ev.External("M-1", money("1.60")),) == found.external


def test_what_has_just_traded_is_not_compared() -> None:
    """The venue's list of positions lags behind; its silence then says nothing."""
    bought = (an_intended(), a_fill(size=contracts(10), cost=money("4.80")))
    scene = agreeing(*bought)
    soon = [scene.see(a_picture("100"), later=2) for _ in range(4)]
    late = [scene.see(a_picture("100"), later=10) for _ in range(2)]

    assert [[]] * 4 == soon
    assert [[], 1] == [late[0], len(late[1])]


def test_markets_are_moving_for_a_while_after_each_trade_and_settlement() -> None:
    """Ten seconds for trades; ten minutes for what has ended, which venues pay when they like."""
    ended = ev.MarketResolved(market="M-1", event="E-1", family="F-1", yes_payout=Money(10**6))  # type: ignore[arg-type]  # a dollar
    state = fold([LIVE, an_intended(), a_fill()], NOON)
    over = apply(state, ended, NOON)

    assert {"M-1"} == moving_in(state, after(9))
    assert frozenset() == moving_in(state, after(11))
    assert {"M-1"} == moving_in(over, after(599))
    assert frozenset() == moving_in(over, after(601))


def test_what_the_account_tells_is_learnt_by_lane_and_desk() -> None:
    """An order whose answer was lost is found in the account; the desk need not find it again."""
    scene = agreeing(an_intended(), ev.OrderUnknown(intent="i-1", reason="timeout"))
    there = OrderThere(
        venue_order="v-1",
        intent="i-1",
        market="M-1",
        leg=Leg.YES,
        size=contracts(10),
        filled=contracts(0),
        standing=Standing.RESTING,
    )
    scene.slot.put(Look(scene.at, a_picture(orders=(there,))))
    told = scene.compare(scene.state, scene.at)

    assert [Confirmed("i-1", "v-1")] == list(told) == scene.learnt


def test_orders_are_looked_for_while_their_fate_is_open() -> None:
    """Those nobody has seen, and those that should be over by now."""
    accepted = ev.OrderAccepted(intent="i-1", venue_order="v-1", sent_at=NOON)
    asked = fold([LIVE, an_intended()])
    known = apply(asked, accepted, NOON)

    assert ("i-1",) == in_doubt(asked, NOON)
    assert () == in_doubt(known, NOON)
    assert ("i-1",) == in_doubt(known, after(60))
    assert () == in_doubt(apply(known, a_fill(), NOON), after(60))


class ScriptedAccount(Account):
    """Shows pictures, and remembers what it was asked."""

    def __init__(self, *pictures: AccountPicture) -> None:
        self.pictures = list(pictures)
        self.asked: list[tuple[Micros, tuple[str, ...]]] = []

    def look(self, since: Micros, looking_for: Collection[str]) -> AccountPicture:
        self.asked.append((since, tuple(looking_for)))
        return self.pictures.pop(0) if self.pictures else a_picture()


def test_looks_overlap_and_go_back_to_what_may_be_unknown() -> None:
    """The first look reaches behind the oldest open order; later ones only behind the last."""
    account, slot = ScriptedAccount(), AccountSlot()
    state = fold([LIVE, an_intended()], NOON)
    actor = WatchAccount(account, "kalshi/live", lambda: state, slot)

    assert Micros(after(3600) + EVERY) == actor.step(after(3600))
    actor.step(after(3700))

    assert [(Micros(NOON - 600 * SECOND), ("i-1",)), (after(3000), ("i-1",))] == account.asked
    assert after(3700) == getattr(slot.take(), "began", None)
    assert slot.take() is None
    assert "kalshi/live/account" == actor.name


def test_an_incomplete_look_is_repeated_from_where_it_began() -> None:
    """What could not be read may hold a fill that nobody else will tell."""
    account = ScriptedAccount(a_picture(missing=("fills",)))
    state = fold([LIVE], NOON)
    actor = WatchAccount(account, "kalshi/live", lambda: state, AccountSlot())
    actor.step(NOON)
    actor.step(after(5000))

    # With nothing to go by, the second look still reaches ten minutes back.
    assert [Micros(NOON - 600 * SECOND), after(4400)] == [since for since, _ in account.asked]


@pytest.mark.parametrize("back", [3600, 10**6])
def test_a_clock_that_is_set_back_hides_no_fill(back: int) -> None:
    """A look may begin before the one before it; then it reaches back again."""
    account = ScriptedAccount()
    actor = WatchAccount(account, "kalshi/live", lambda: fold([LIVE], NOON), AccountSlot())
    actor.step(after(back))
    actor.step(NOON)

    assert account.asked[1][0] <= Micros(NOON - 600 * SECOND)
