"""The fold of what only lanes with real money know: arming, comparing, money put in."""

from __future__ import annotations

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.exposure import exposure_of
from market_bot.core.domain.lane import NOT_COMPARED, LaneState, apply
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import NO_MONEY, Micros, money
from tests.fakes.builders import a_fill, a_start, an_intended, contracts, fold
from tests.fakes.clock import NOON, after

LIVE = ev.BotStarted(mode="live", instance="inst", version="0", fold=1)
AGREES = ev.Reconciled(account="main", complete=True, cash=money("50"))
ARMED = ev.Armed(by="ann", account="main", expires_at=after(60))
HALT = ev.Halt(by="ann", reason="lunch")


def conserved(state: LaneState) -> bool:
    """Tell whether no money came from nowhere."""
    worth = state.cash + state.basis() + state.fees - state.realised - state.rewards
    return worth == state.deposits


def disarmed(state: LaneState, now: Micros = NOON) -> str | None:
    """Return why a state may open nothing for want of consent."""
    return exposure_of(state, None, now=now).disarmed


def test_a_live_lane_begins_disarmed_and_not_compared() -> None:
    """Neither consent nor agreement is inherited from anywhere."""
    state = fold([LIVE])

    assert (True, None, NOT_COMPARED) == (state.live, state.armed_until, state.unreconciled)
    assert "not armed" == disarmed(state)
    assert NOT_COMPARED == exposure_of(state, None, now=NOON).unreconciled


def test_a_paper_lane_needs_neither() -> None:
    """Pretended money asks nobody."""
    state = fold([a_start()])

    assert (False, None) == (state.live, state.unreconciled)
    assert disarmed(state) is None


def test_arming_lasts_until_its_time() -> None:
    """One moment before it ends entries are allowed, at that moment they are not."""
    state = fold([LIVE, AGREES, ARMED])

    assert disarmed(state, Micros(after(60) - 1)) is None
    assert "armed until 2026" in str(disarmed(state, after(60)))
    assert exposure_of(state, None).disarmed is not None


@pytest.mark.parametrize(
    "before",
    [[LIVE], [LIVE, AGREES, HALT], [a_start()], [LIVE, attrs.evolve(AGREES, stops="differs")]],
    ids=["not compared", "halted", "on paper", "disagrees"],
)
def test_what_may_not_be_armed_is_not(before: list[ev.Event]) -> None:
    """An arming that should never have been written counts as a contradiction, and for nothing."""
    state = fold(before)
    armed = apply(state, ARMED, NOON)

    assert armed.armed_until is None
    assert state.anomalies + 1 == armed.anomalies


@pytest.mark.parametrize(
    "end", [HALT, ev.Disarmed(reason="ann"), LIVE], ids=["halt", "by hand", "restart"]
)
def test_what_ends_an_arming(end: ev.Event) -> None:
    """A halt, a person and a new start disarm; a later resume does not arm again."""
    state = fold([LIVE, AGREES, ARMED, end, ev.Resume(by="ann"), AGREES])

    assert "not armed" == disarmed(state)


def test_a_disagreement_does_not_disarm() -> None:
    """While it lasts entries are refused; once the stories agree the consent still holds."""
    differs = fold([LIVE, AGREES, ARMED, attrs.evolve(AGREES, stops="cash")])
    again = apply(differs, AGREES, NOON)

    assert "cash" == differs.unreconciled
    assert (None, None) == (again.unreconciled, disarmed(again))


def test_a_restart_forgets_that_the_account_agreed() -> None:
    """What was compared by another process is old."""
    assert NOT_COMPARED == fold([LIVE, AGREES, LIVE]).unreconciled


def test_money_put_in_is_no_gain() -> None:
    """Adopted cash moves deposits, the day's opening and the peak along."""
    opened = ev.DayOpened(date="2026-11-22", equity=NO_MONEY, cash=NO_MONEY)
    adopts = attrs.evolve(AGREES, adopted=money("50"))
    state = fold([LIVE, opened, ev.EquityPeak(equity=NO_MONEY), adopts])
    exposure = exposure_of(state, state.cash, now=NOON)

    assert (money("50"), money("50")) == (state.cash, state.deposits)
    assert (NO_MONEY, NO_MONEY) == (exposure.day_pnl, exposure.drawdown)
    assert conserved(state)


def test_money_taken_out_is_no_loss() -> None:
    """After trades too the books balance, and the day's loss is only that of the trades."""
    adopts = attrs.evolve(AGREES, adopted=money("50"))
    takes = attrs.evolve(AGREES, adopted=money("-20"))
    opened = ev.DayOpened(date="2026-11-22", equity=money("50"), cash=money("50"))
    state = fold([LIVE, adopts, opened, an_intended(), a_fill(), takes])
    exposure = exposure_of(state, state.cash + state.basis(), now=NOON)  # type: ignore[arg-type]  # a sum of Money

    assert money("-0.02") == exposure.day_pnl
    assert conserved(state)


def test_what_others_have_counts_as_at_stake() -> None:
    """Two lines about a market add up; the next complete comparison replaces them all."""
    theirs = (ev.External("M-1", money("3")), ev.External("M-1", money("4")))
    state = fold([LIVE, attrs.evolve(AGREES, external=theirs, external_orders=1)])
    exposure = exposure_of(state, None, now=NOON)
    unread = apply(state, attrs.evolve(AGREES, complete=False, cash=None, stops="unread"), NOON)

    assert (money("7"), money("7")) == (exposure.total, exposure.market("M-1"))
    assert (money("7"), 1, money("50")) == (
        unread.external["M-1"],
        unread.external_orders,
        unread.account_cash,
    )
    assert NO_MONEY == exposure_of(apply(unread, AGREES, NOON), None).total


@pytest.mark.parametrize(
    ("place", "loss"), [("E-1", "7"), ("E-2", "0"), (None, "7")], ids=["here", "there", "unknown"]
)
def test_what_others_have_counts_in_the_worst_case_of_its_event(
    place: str | None, loss: str
) -> None:
    """Which way it may go is not told, so all of it; where it belongs nobody knows, everywhere."""
    theirs = (ev.External("M-9", money("7")),)
    state = fold([LIVE, attrs.evolve(AGREES, external=theirs)])
    exposure = exposure_of(state, None, now=NOON, event_of=lambda _: place)
    ours = attrs.evolve(state, positions=fold([LIVE, an_intended(), a_fill()]).positions)
    both = exposure_of(ours, None, now=NOON, event_of=lambda _: place)

    assert money(loss) == exposure.event_loss("E-1")
    assert money("4.8") + money(loss) == both.event_loss("E-1")


def test_a_write_off_that_fits_nothing_is_an_anomaly() -> None:
    """More than was held, or nothing at all, changes no money."""
    for size in (0, 11):
        gone = ev.WrittenOff("M-1", Leg.YES, contracts(size), money("1"))
        before = fold([LIVE, attrs.evolve(AGREES, adopted=money("50")), an_intended(), a_fill()])
        now = apply(before, attrs.evolve(AGREES, written_off=(gone,)), NOON)

        assert (before.cash, before.positions, 1) == (now.cash, now.positions, now.anomalies)
        assert conserved(now)


def test_a_stall_ends_with_the_process() -> None:
    """A venue that was only stalled is open for the next process; one that closed stays closed."""
    stalled = fold([LIVE, ev.VenueState(state="stalled")])
    closed = fold([LIVE, ev.VenueState(state="closed")])

    assert "stalled" == stalled.venue
    assert "open" == apply(stalled, LIVE, NOON).venue
    assert "closed" == apply(closed, LIVE, NOON).venue
