"""What a window says of decisions, money and time, one example each."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.analytics.attribution import PARTS, Walk, attribute
from market_bot.core.domain.analytics.build import Caps, WindowBuilder
from market_bot.core.domain.analytics.window import Level, Put, Window
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Micros,
    Money,
    money,
    price,
    probability,
    size,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Gate
from tests.fakes.builders import a_fill, a_sale, a_start, an_intended, fold
from tests.fakes.clock import NOON

MINUTE = 60
COOLDOWN, CASH = Gate("cooldown", "9", "1", hard=False), Gate("free_cash", "0", "1", hard=True)


def a_wish(signal: str = "s-1", **changes: Any) -> ev.SignalRaised:
    """Return the signal behind `an_intended`."""
    raised = ev.SignalRaised(
        signal=signal,
        strategy="scripted",
        market="M-1",
        event="E-1",
        family="F-1",
        leg=Leg.YES,
        purpose=Purpose.ENTRY,
        style=Style.MAKER,
        price=price("0.48"),
        belief=probability("0.55"),
        edge=price("0.07"),
        cost=price("0"),
        reason="because",
        mid=price("0.5"),
        closes_in=Duration(7200 * SECOND),
    )
    return attrs.evolve(raised, **changes)


def a_denial(*gates: Gate, phase: str = "begin", **changes: Any) -> ev.Denied:
    """Return a refusal of the wish."""
    denied = ev.Denied(
        signal="s-1",
        strategy="scripted",
        market="M-1",
        event="E-1",
        family="F-1",
        leg=Leg.YES,
        purpose=Purpose.ENTRY,
        phase=phase,
        gates=gates,
        price=price("0.48"),
        size=size("10"),
    )
    return attrs.evolve(denied, **changes)


def a_mark(cause: ev.Cause, since: int, seconds: int, mid: str, **changes: Any) -> ev.Mark:
    """Return a later price of a decision that was taken ``since`` seconds after noon."""
    mark = ev.Mark(
        signal="s-1",
        strategy="scripted",
        market="M-1",
        event="E-1",
        family="F-1",
        leg=Leg.YES,
        purpose=Purpose.ENTRY,
        cause=cause,
        since=Micros(NOON + since * SECOND),
        horizon_s=seconds,
        late=Duration(0),
        mid=price(mid),
        bid=price(mid),
    )
    return attrs.evolve(mark, **changes)


def a_scan(equity: str = "100") -> ev.Scan:
    """Return a tick that scanned."""
    return ev.Scan(
        position="", markets=1, views=1, signals=0, denied=0, intents=0, equity=money(equity)
    )


def an_exit(signal: str = "x-1") -> ev.Exit:
    """Return the decision to leave."""
    return ev.Exit(
        signal=signal,
        strategy="scripted",
        market="M-1",
        event="E-1",
        family="F-1",
        leg=Leg.YES,
        reason="stop_loss",
        size=size("10"),
        price=price("0.60"),
        belief=probability("0.6"),
    )


def the_end(yes: str = "1") -> ev.MarketResolved:
    """Return the end of the market."""
    return ev.MarketResolved(market="M-1", event="E-1", family="F-1", yes_payout=price(yes))


def heard(*told: tuple[int, ev.Event], since: int = 0, **how: Any) -> Window:
    """Return the window of facts, given with their seconds after noon."""
    begin = Micros(NOON + since * SECOND)
    builder = WindowBuilder("simulated/paper", begin, Micros(NOON + 10**5 * SECOND), **how)
    for seq, (second, event) in enumerate(told, start=1):
        builder.hear(seq, Micros(NOON + second * SECOND), event, "c-1")
    return builder.close()


ROUND_TRIP: tuple[tuple[int, ev.Event], ...] = (
    (0, a_start()),
    (1, a_wish()),
    (1, an_intended(mid=price("0.5"))),
    (1, ev.OrderAccepted(intent="i-1", venue_order="v", sent_at=Micros(NOON + SECOND))),
    (2, a_fill(mid=price("0.49"))),
    (2, a_mark(ev.Cause.TRADED, 1, 0, "0.5")),
    (5 * MINUTE + 2, a_mark(ev.Cause.TRADED, 1, 300, "0.53")),
    (10 * MINUTE, an_exit()),
    (
        10 * MINUTE,
        an_intended(
            "i-2", purpose=Purpose.EXIT, signal="x-1", price=price("0.60"), mid=price("0.62")
        ),
    ),
    (10 * MINUTE, a_sale(signal="x-1", cost=money("5.9"), price=price("0.59"))),
    (20 * MINUTE, the_end()),
)


def test_a_round_trip_is_traced_from_wish_to_sale() -> None:
    """Entry, departure and piece name each other, and carry what was wished and executed."""
    window = heard(*ROUND_TRIP)
    (entry,), (departure,), (piece,) = window.entries, window.departures, window.closed

    assert (3, "accepted", size("10"), NOON + SECOND) == (
        entry.seq,
        entry.outcome,
        entry.filled,
        entry.sent_at,
    )
    assert entry.wish is not None
    assert ("because", 2) == (entry.wish.reason, entry.wish.seq)
    assert entry.path is not None
    assert price("0.53") == entry.path.later[300].mid
    assert price("1") == entry.path.payout
    assert (8, ("x-1",)) == (departure.seq, tuple(e.fill for e in departure.executions))
    assert ("sold", "stop_loss", 8, (3,)) == (
        piece.how,
        piece.reason,
        piece.departure,
        piece.entries,
    )
    assert (probability("0.55"), price("0.07"), 7200 * SECOND) == (
        piece.belief,
        piece.edge,
        piece.closes_in,
    )
    assert money("1.06") == piece.pnl == window.realised
    assert price("0.53") == piece.highest


def test_a_sale_is_explained_step_by_step() -> None:
    """Each part is the difference of two prices that the journal tells, times the size."""
    (piece,) = heard(*ROUND_TRIP).closed

    assert {
        # Resting two cents under the middle earned them; leaving two under it cost them.
        "spread": money("0.2") - money("0.2"),
        # The middle fell by one before the fill, and the sale brought one less than sought.
        "slippage": money("-0.1") - money("0.1"),
        "adverse_selection": money("0.4"),
        "edge": money("0.9"),
        "fees": money("-0.04"),
        "settlement": 0,
        "unexplained": 0,
    } == piece.parts


def test_a_resolution_is_explained_by_the_last_midpoint() -> None:
    """From the last known midpoint to the payout; what was held for less has no later price."""
    told = [line for line in ROUND_TRIP if not isinstance(line[1], ev.Exit)]
    (piece,) = heard(*told[:7], (20 * MINUTE, the_end("0"))).closed

    assert "resolved" == piece.how
    assert (money("-5.3"), money("0.4")) == (
        piece.parts["settlement"],
        piece.parts["adverse_selection"],
    )
    assert piece.pnl == sum(piece.parts.values()) == money("-4.82")


def test_what_is_left_soon_was_exposed_until_then() -> None:
    """Without five minutes there is no midpoint of them: the last one before leaving counts."""
    leave = an_intended("i-2", purpose=Purpose.EXIT, price=price("0.60"), mid=price("0.47"))
    (piece,) = heard(*ROUND_TRIP[:6], (60, leave), (60, a_sale())).closed

    assert (money("-0.2"), 0, 0) == (
        piece.parts["adverse_selection"],
        piece.parts["edge"],
        piece.parts["unexplained"],
    )


def test_a_missing_price_is_never_zero() -> None:
    """A step over it is unexplained, and so is all of a position bought out of sight."""
    unseen = [(at, event) for at, event in ROUND_TRIP if not isinstance(event, ev.Mark)]
    (piece,) = heard(*((at if at < MINUTE else at + MINUTE, e) for at, e in unseen)).closed
    state = fold([a_start(), an_intended(), a_fill()])
    (inherited,) = heard((0, a_sale()), state=state).closed

    assert (money("1.3"), 0, 0) == (
        piece.parts["unexplained"],
        piece.parts["edge"],
        piece.parts["adverse_selection"],
    )
    assert inherited.pnl == sum(inherited.parts.values())
    assert money("1.2") == inherited.parts["unexplained"]


@pytest.mark.parametrize("known", range(64))
def test_parts_sum_whatever_is_known(known: int) -> None:
    """Any of the prices on the way may be missing."""
    names = ("asked", "decided", "filled", "later", "left", "sought")
    worths = {n: Money(7**i) for i, n in enumerate(names) if known >> i & 1}
    for sold in (True, False):
        walk = Walk(cost=Money(5), proceeds=Money(11), fees=Money(2), sold=sold, **worths)
        parts = attribute(walk)

        assert set(PARTS) == set(parts)
        assert 11 - 5 - 2 == sum(parts.values())


def test_a_refusal_is_one_opportunity_until_it_ends() -> None:
    """However often its gates change; afterwards the same wish is another opportunity."""
    window = heard(
        (0, a_wish()),
        (0, a_denial(COOLDOWN)),
        (0, a_mark(ev.Cause.DENIED, 0, 0, "0.5")),
        (3, a_denial(COOLDOWN, CASH)),
        (60, a_mark(ev.Cause.DENIED, 0, 60, "0.51")),
        (70, a_denial(phase="end", count=70)),
        (90, a_denial(CASH, signal="s-2")),
        (91, a_denial(CASH, signal="x", purpose=Purpose.EXIT)),
    )
    first, second = window.opportunities

    assert ((COOLDOWN, CASH), 70, 2) == (first.gates, first.ticks, first.seq)
    assert first.wish is not None
    assert first.path is not None
    assert price("0.51") == first.path.later[60].mid
    assert ((CASH,), 1, None, None) == (second.gates, second.ticks, second.wish, second.path)
    assert {"cooldown": 2, "free_cash": 3} == window.denials


def test_a_restart_ends_refusals() -> None:
    """A bot starts without memory of which wishes were on."""
    window = heard((0, a_denial(CASH)), (1, a_start()), (2, a_denial(CASH)))

    assert 2 == len(window.opportunities)


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (ev.OrderRejected(intent="i-1", code="c"), "rejected"),
        (ev.OrderUnknown(intent="i-1", reason="r"), "unknown"),
        (ev.OrderCancelled(intent="i-1", reason="last_gate: x", remaining=size("10")), "unsent"),
        (ev.OrderAccepted(intent="i-1", venue_order="", sent_at=NOON), "accepted"),
        (a_fill(), "accepted"),
        (a_scan(), "unknown"),
    ],
)
def test_what_became_of_an_order(event: ev.Event, outcome: str) -> None:
    """By the first answer that was told; none at all is not known."""
    (entry,) = heard((0, an_intended()), (1, event)).entries

    assert outcome == entry.outcome


def test_an_undone_purchase_is_marked_and_costs_nothing() -> None:
    """It stays visible, is not filled, and leaves no piece."""
    doubtful = a_fill(provisional=True)
    undone = ev.FillReversed(intent="i-1", fill="f-1", reason="r")
    window = heard((0, an_intended()), (1, doubtful), (2, undone))

    assert [True] == [e.reversed for e in window.entries[0].executions]
    assert (0, (), (), 0) == (
        window.entries[0].filled,
        window.closed,
        window.held,
        window.realised,
    )


def test_an_undone_sale_of_an_earlier_window_is_taken_off() -> None:
    """What was realised before the window and is undone in it counts against it."""
    told = ((0, an_intended()), (1, a_fill()), (2, an_intended("i-2", purpose=Purpose.EXIT)))
    sale = a_sale(provisional=True)
    undone = ev.FillReversed(intent="i-2", fill="x-1", reason="r")
    (piece,) = heard(*told, (3, sale), (9, undone), since=5).closed

    assert ("corrected", size("-10"), money("-1.16")) == (piece.how, piece.size, piece.pnl)
    assert () == heard(*told, (6, sale), (9, undone), since=5).closed


def test_fees_follow_the_contracts() -> None:
    """A part that is sold bears its share of the entry's fee; the rest waits with the rest."""
    part = a_sale(size=size("4"), cost=money("2.4"), fee=money("0"))
    window = heard((0, an_intended()), (1, a_fill()), (2, part))

    assert money("0.008") == window.closed[0].fees
    assert money("0.012") == window.held[0].fees


def test_warming_up_is_not_counted() -> None:
    """Lines before the window say what is held and wished, and belong to no count."""
    window = heard(
        *ROUND_TRIP[:6],
        (2, a_denial(CASH)),
        (2, ev.Error(where="w", message="m")),
        (3, ev.Reward(amount=money("1"), kind="k")),
        *ROUND_TRIP[6:],
        since=5 * MINUTE,
    )

    assert ((), (), {}, (), 0) == (
        window.entries,
        window.opportunities,
        window.denials,
        window.troubles,
        window.rewards,
    )
    assert [(3,)] == [piece.entries for piece in window.closed]


def test_time_is_covered_by_scans_that_follow_each_other() -> None:
    """Not over a tick that could not scan, not over a long gap, not before the window."""
    blind = ev.Tick(position="", reason="stale")
    told = [(0, a_scan()), (60, a_scan()), (120, a_scan()), (130, blind), (140, a_scan())]
    window = heard(*told, (150, a_scan()), (1000, a_scan()), since=30)

    assert (30 + 60 + 10) * SECOND == window.covered


def test_levels_tell_what_is_at_work() -> None:
    """Equity as the scan said it, and the cost of what was held then."""
    window = heard((0, a_scan()), (1, an_intended()), (1, a_fill()), (900, a_scan("99.98")))

    assert (
        Level(at=NOON, equity=money("100"), at_work=Money(0)),
        Level(at=Micros(NOON + 900 * SECOND), equity=money("99.98"), at_work=money("4.8")),
    ) == window.levels


def test_a_grown_window_has_no_more_levels() -> None:
    """However far its end moves on, two thousand stand for all of it."""
    builder = WindowBuilder("c", NOON, Micros(NOON + SECOND))
    for number in range(6_000):
        builder.extend(Micros(NOON + (number + 1) * SECOND))
        builder.hear(number + 1, Micros(NOON + number * SECOND), a_scan(), "c-1")
    levels = builder.close().levels

    assert 1_000 <= len(levels) <= 2_000
    assert levels[0].at == NOON


def test_troubles_rewards_and_configurations_are_counted() -> None:
    """Errors by their code from the first line on, payments once each, settings as they came."""
    paid = ev.Reward(amount=money("0.5"), kind="k", name="p")
    window = heard(
        (0, a_start()),
        (1, ev.Error(where="w", message="m", count=2)),
        (2, ev.Error(where="w", message="m")),
        (3, paid),
        (4, paid),
        (5, ev.VenueState(state="closed")),
        (65, ev.VenueState(state="open")),
        (70, ev.Reconciled(account="a", complete=True, adopted=money("-3"))),
    )

    assert [("w", 3, 2)] == [(t.where, t.count, t.seq) for t in window.troubles]
    assert (money("0.5"), 60 * SECOND, ("c-1",)) == (
        window.rewards,
        window.closed_venue,
        window.configs,
    )
    assert (
        Put(at=NOON, amount=money("100")),
        Put(at=Micros(NOON + 70 * SECOND), amount=money("-3")),
    ) == window.put_in


def test_too_much_is_cut_and_said() -> None:
    """The oldest goes, the money stays known."""
    caps = Caps(entries=1, opportunities=1, closed=1)
    again = (an_intended("i-3"), a_fill("f-3", intent="i-3"), the_end("0.5"))
    window = heard(*ROUND_TRIP[:10], *((1300, event) for event in again), caps=caps)

    assert window.cut
    assert heard(*ROUND_TRIP, (1300, an_intended("i-3")), caps=Caps(entries=1)).cut
    assert not heard(*ROUND_TRIP, caps=Caps(entries=1, departures=1, closed=1)).cut
    assert (13, 11) == (window.closed[0].seq, window.entries[0].seq)
    assert window.realised == money("1.06") + money("0.18")


def test_lines_after_the_end_are_not_heard() -> None:
    """A window ends before its last moment."""
    builder = WindowBuilder("c", NOON, Micros(NOON + 1))
    builder.hear(1, NOON, a_scan(), "c-1")
    builder.hear(2, Micros(NOON + 1), a_scan(), "c-2")

    assert (("c-1",), 1) == (builder.close().configs, len(builder.close().levels))


def test_a_position_knows_the_other_leg() -> None:
    """The midpoint of YES is that of NO from the other side."""
    buy = a_fill(leg=Leg.NO, mid=price("0.5"))
    mark = a_mark(ev.Cause.DENIED, 9, 300, "0.7", signal="other")
    window = heard((0, an_intended(leg=Leg.NO)), (1, buy), (400, mark), (500, the_end("0")))

    assert money("-2") == window.closed[0].parts["adverse_selection"]
    assert money("7") == window.closed[0].parts["settlement"]
