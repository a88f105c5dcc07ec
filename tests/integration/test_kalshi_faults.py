"""Every way a request can fail, whether the venue has done it or not, through a whole lane.

Never two orders of one intent, never more at stake than allowed by the venue's own books, and in
the end the journal says what the venue says, to the last unit. Requests are calls here, so that
all combinations can be tried; sockets are for `test_kalshi_desk` and a few tests of this file.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from market_bot.adapters.kalshi.orders import ORDERS
from market_bot.adapters.kalshi.rest import Patience
from market_bot.core.domain.numbers import SECOND, price, size
from market_bot.core.domain.orders import OrderState, Purpose, Style
from market_bot.core.domain.signals import Signal
from tests.fakes.builders import a_signal, an_exit
from tests.fakes.fake_kalshi import BAD_GATEWAY, TOO_MANY, Fault, nested
from tests.fakes.fake_kalshi_lane import CASH, KalshiLane
from tests.fakes.fake_kalshi_portfolio import Rates
from tests.fakes.fake_kalshi_rig import Rig
from tests.fakes.kalshi_records import TICKER

pytestmark = pytest.mark.slow

OTHER = b'{"order_id":"o-999999","fill_count":"0.00","remaining_count":"0.00","ts_ms":1}'
FAULTS = {
    "dropped": Fault(drop=True),
    "500": nested("internal", status=500),
    "502": BAD_GATEWAY,
    "503": nested("trading_paused", status=503),
    "504": Fault(status=504, body=b""),
    "429": TOO_MANY,
    "429 nested": nested("too_many_requests", status=429),
    "302": Fault(status=302, body=b"", headers={"location": "/"}),
    "empty": Fault(status=201, body=b""),
    "error as success": nested("internal", status=200),
    "listed error as success": nested("insufficient_balance", status=201),
    "cut off": Fault(status=201, body=b'{"order_id":"o-'),
    "another order": Fault(status=201, body=OTHER),
    "404": nested("not_found", status=404),
    "409": nested("order_already_exists", status=409),
    "409 other": nested("conflict", status=409),
    "unknown code": nested("brand_new", status=400),
    "forbidden": nested("forbidden", status=403),
}
TRUTHS = {"done": True, "not done": False}
# The lists that heal: as they are, behind for a while, or not to be had.
READS = {
    "clear": [],
    "behind": [Fault(path=f"/portfolio/{n}", stale=True) for n in ("orders", "fills")] * 3,
    "broken": [attrs.evolve(BAD_GATEWAY, path="/portfolio/orders")] * 2,
}
WAITS = (1, 1, 2, 5, 11, 30, 31, 31, 31)


@pytest.fixture
def lane() -> Iterator[KalshiLane]:
    """Return a lane that may have one order of five dollars, at a venue with the same quote."""
    with Rig(cash={0: CASH, 2: "0.00"}, in_process=True) as rig:
        rig.engine.crowd(TICKER, "bid", "0.40", "50.00")
        rig.engine.crowd(TICKER, "ask", "0.45", "50.00")
        yield KalshiLane(rig)


def buying(at: str = "0.45", style: Style = Style.TAKER) -> Signal:
    """Return the wish to buy YES."""
    return a_signal(market=TICKER, style=style, price=price(at))


def heal(lane: KalshiLane, reads: str = "clear") -> None:
    """Let time pass until everything about every order is known, and judge."""
    lane.check()
    lane.rig.venue.faults.extend(READS[reads])
    for seconds in WAITS:
        lane.tick(seconds)
        lane.check()
    lane.wanting.wants.clear()
    lane.rig.venue.faults.clear()
    for order in list(lane.state.orders):
        lane.trader.execution.cancel(order, lane.rig.now)
    for seconds in (1, 2, 61, 31, 31):
        lane.tick(seconds)
    lane.check_healed()


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_create_that_fails(lane: KalshiLane, name: str, truth: str, style: Style) -> None:
    """The strategy goes on wanting; the order in doubt holds its money back until it is known."""
    fault = attrs.evolve(FAULTS[name], path=ORDERS, method="POST", acted=TRUTHS[truth])
    lane.rig.venue.faults.append(fault)
    lane.wanting.wants.append(buying("0.45" if style is Style.TAKER else "0.41", style))
    lane.tick()

    assert 1 == len(lane.rig.venue.asked(ORDERS))
    assert {OrderState.UNKNOWN, OrderState.ACCEPTED, OrderState.FILLED} >= {
        order.state for order in (*lane.state.orders.values(), *lane.state.finished.values())
    }
    assert truth == "not done" or 1 == len(lane.rig.engine.orders)
    if style is Style.MAKER:
        lane.rig.engine.crowd(TICKER, "ask", "0.41", "4.00")
    heal(lane)


@pytest.mark.parametrize("name", ["dropped", "302", "cut off", "empty"])
def test_a_create_that_fails_on_a_line(name: str) -> None:
    """Over real sockets it is as in the calls of the other tests."""
    with Rig(cash={0: CASH, 2: "0.00"}) as rig:
        rig.engine.crowd(TICKER, "ask", "0.45", "50.00")
        lane = KalshiLane(rig)
        rig.venue.faults.append(attrs.evolve(FAULTS[name], path=ORDERS, method="POST", acted=True))
        lane.wanting.wants.append(buying())
        lane.tick()
        heal(lane)


@pytest.mark.parametrize("reads", ["behind", "broken"])
@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("name", ["dropped", "502", "429"])
def test_a_create_that_fails_while_lists_fail(
    lane: KalshiLane, name: str, truth: str, reads: str
) -> None:
    """Nothing is concluded from lists that are behind or cannot be read."""
    lane.rig.venue.remember()
    fault = attrs.evolve(FAULTS[name], path=ORDERS, method="POST", acted=TRUTHS[truth])
    lane.rig.venue.faults.extend([fault, *READS[reads]])
    lane.wanting.wants.append(buying())
    lane.tick()
    heal(lane, reads)


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_sale_that_fails(lane: KalshiLane, name: str, truth: str) -> None:
    """What is held is sold once, and never more than that."""
    lane.wanting.wants.append(buying())
    lane.tick()
    assert lane.state.positions
    lane.wanting.wants[:] = [an_exit(market=TICKER, price=price("0.40"))]
    fault = attrs.evolve(FAULTS[name], path=ORDERS, method="POST", acted=TRUTHS[truth])
    lane.rig.venue.faults.append(fault)
    lane.tick()
    heal(lane)

    assert not lane.state.positions


@pytest.mark.parametrize("traded", ["nothing", "some", "all"])
@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_cancel_that_fails(lane: KalshiLane, name: str, truth: str, traded: str) -> None:
    """The next quote waits until the cancel is proven, whatever trades in between."""
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    lane.tick()
    (order,) = lane.state.orders.values()
    path = f"{ORDERS}/{order.venue_order}"
    fault = attrs.evolve(FAULTS[name], path=path, method="DELETE", acted=TRUTHS[truth])
    lane.rig.venue.faults.append(fault)
    lane.trader.execution.cancel(order.intent, lane.rig.now)
    lane.wanting.wants[:] = [buying("0.42", Style.MAKER)]
    if traded != "nothing":
        count = {"some": "3.00", "all": "20.00"}[traded]
        lane.rig.engine.crowd(TICKER, "ask", "0.41", count, ioc=True)
    heal(lane)


@pytest.mark.parametrize("what", ["amend", "decrease"])
@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_change_that_fails(lane: KalshiLane, name: str, truth: str, what: str) -> None:
    """Whichever terms hold at the venue, they cost no more than the ones that were judged."""
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    lane.tick()
    (order,) = lane.state.orders.values()
    lane.wanting.wants.clear()
    path = f"{ORDERS}/{order.venue_order}/{what}"
    fault = attrs.evolve(FAULTS[name], path=path, method="POST", acted=TRUTHS[truth])
    lane.rig.venue.faults.append(fault)
    desk, now = lane.rig.desk, lane.rig.now
    if what == "amend":
        desk.amend(order.intent, price("0.40"), size("6"), now)
    else:
        desk.decrease(order.intent, size("6"), now)
    lane.rig.engine.crowd(TICKER, "ask", "0.41", "4.00", ioc=True)
    heal(lane)


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("after", [2, 8, 20])
def test_a_create_that_lands_late(lane: KalshiLane, after: int, style: Style) -> None:
    """The answer was lost, and the request arrives seconds later, or too late to be heard."""
    fault = Fault(path=ORDERS, method="POST", later=True)
    lane.rig.venue.faults.append(fault)
    lane.wanting.wants.append(buying("0.45" if style is Style.TAKER else "0.41", style))
    lane.tick()
    for _ in range(after):
        lane.tick()
        lane.check()
    lane.rig.venue.release()
    arrived = len(lane.rig.engine.orders)
    heal(lane)

    # A signature is heard for ten seconds.
    assert (after < 10) == (arrived == 1)


def test_a_cancel_that_lands_late(lane: KalshiLane) -> None:
    """It hits the order it was meant for, and that one only."""
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    lane.tick()
    (order,) = lane.state.orders.values()
    path = f"{ORDERS}/{order.venue_order}"
    lane.rig.venue.faults.append(Fault(path=path, method="DELETE", later=True))
    lane.trader.execution.cancel(order.intent, lane.rig.now)
    lane.rig.venue.release()
    heal(lane)


def test_no_answer_in_time() -> None:
    """A venue that keeps the line open without a word is left, and what it did is found."""
    patience = Patience(attempts=1, attempt=SECOND)
    with Rig(cash={0: CASH, 2: "0.00"}, patience=patience) as rig:
        rig.engine.crowd(TICKER, "ask", "0.45", "50.00")
        slow = KalshiLane(rig)
        rig.venue.faults.append(Fault(path=ORDERS, method="POST", hang=True, acted=True))
        slow.wanting.wants.append(buying())
        slow.tick()
        heal(slow)


def test_a_pause_of_the_exchange(lane: KalshiLane) -> None:
    """What rests is cancelled by the pause, what is sent is in doubt, and all of it is found."""
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    lane.tick()
    lane.rig.engine.pause(0)
    for _ in range(3):
        lane.tick(2)
        lane.check()
    lane.rig.engine.resume(0)
    heal(lane)


def test_the_venue_s_own_rate_limit(lane: KalshiLane) -> None:
    """Whoever asks too often is refused, and no order is lost or doubled by that."""
    assert lane.rig.venue.portfolio is not None
    lane.rig.venue.portfolio.rates = Rates(lane.rig.clock.now_ms, refill=1, capacity=12)
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    lane.tick()
    (order,) = lane.state.orders.values()
    for _ in range(3):
        lane.trader.execution.cancel(order.intent, lane.rig.now)
        lane.tick()
    lane.rig.venue.portfolio.rates = None
    heal(lane)


def test_everything_at_once(lane: KalshiLane) -> None:
    """One fault after the other, on whatever is asked next."""
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    for number, fault in enumerate(FAULTS.values()):
        lane.rig.venue.faults.append(attrs.evolve(fault, acted=number % 2 == 0, path=f"{ORDERS}*"))
        lane.tick(1 + number % 3)
        if number % 4 == 1:
            for order in list(lane.state.orders):
                lane.trader.execution.cancel(order, lane.rig.now)
        if number % 5 == 2:
            lane.rig.engine.crowd(TICKER, "ask", "0.41", "2.00", ioc=True)
        lane.check()
    heal(lane)


def test_a_restart_in_the_middle(lane: KalshiLane) -> None:
    """A new desk takes the journal's open orders over, found and not found ones."""
    lane.rig.venue.faults.append(Fault(path=ORDERS, method="POST", drop=True, acted=True))
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    lane.tick()
    lane.rig.engine.crowd(TICKER, "ask", "0.41", "3.00", ioc=True)
    lane.rig.new_desk()
    lane.healed.desk = lane.rig.desk
    lane.rig.desk.adopt(lane.state.orders.values())
    heal(lane)

    assert [Purpose.ENTRY] * len(lane.state.finished) == [
        order.purpose for order in lane.state.finished.values()
    ]


def test_a_restart_that_forgets_everything(lane: KalshiLane) -> None:
    """Without the desk's help the account alone brings the journal up to the venue."""
    lane.wanting.wants.append(buying())
    lane.tick()
    lane.wanting.wants[:] = [an_exit(market=TICKER, price=price("0.40"))]
    lane.rig.venue.faults.append(Fault(path=ORDERS, method="POST", drop=True, acted=True))
    lane.rig.venue.faults.append(attrs.evolve(BAD_GATEWAY, path="/portfolio/orders"))
    lane.tick()
    lane.rig.new_desk()
    lane.healed.desk = lane.rig.desk
    heal(lane)

    assert {Purpose.ENTRY, Purpose.EXIT} == {
        order.purpose for order in lane.state.finished.values()
    }


def test_trades_that_are_pushed_twice() -> None:
    """With a stream that repeats itself every trade is one line in the journal."""
    with Rig(cash={0: CASH, 2: "0.00"}, with_inbox=True) as rig:
        rig.push(times=2)
        rig.engine.crowd(TICKER, "bid", "0.40", "50.00")
        rig.engine.crowd(TICKER, "ask", "0.45", "50.00")
        lane = KalshiLane(rig)
        lane.wanting.wants.append(buying("0.41", Style.MAKER))
        lane.tick()
        for _ in range(3):
            rig.engine.crowd(TICKER, "ask", "0.41", "1.50", ioc=True)
            lane.tick()
        heal(lane)
