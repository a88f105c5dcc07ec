"""Every way a request can fail, whether the venue has done it or not, through a whole lane.

Never two orders of one intent, never more at stake than allowed by the venue's own books, and in
the end the journal says what the venue says, to the last unit.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

from market_bot.adapters.polymarket.transport import Reply, Request
from market_bot.core.domain.numbers import Duration, price
from market_bot.core.domain.orders import OrderState, Purpose, Style
from market_bot.core.domain.signals import Signal
from market_bot.core.ports.outbox import Letter
from tests.fakes.builders import a_signal, an_exit
from tests.fakes.fake_polymarket import (
    CANCEL_ONLY,
    CLOUDFLARE,
    HTML,
    POST_ONLY,
    REDIRECT,
    RESTART,
    SERVER_ERROR,
    TOO_FAST,
)
from tests.fakes.fake_polymarket_engine import BAD, BUMPY, ONE, Mode
from tests.fakes.fake_polymarket_exchange import Fault, ok, refusal
from tests.fakes.fake_polymarket_lane import PolymarketLane
from tests.fakes.fake_polymarket_rig import MARKET, NO, YES, PolymarketRig

pytestmark = pytest.mark.slow

OTHER = {"success": True, "errorMsg": "", "orderID": "0x" + "ab" * 32, "status": "live"}
FAULTS = {
    "dropped": Fault(),
    "500": Fault(answer=SERVER_ERROR),
    "502": Fault(answer=(502, b"Bad Gateway", {})),
    "503 page": Fault(answer=HTML),
    "425": Fault(answer=RESTART),
    "429": Fault(answer=TOO_FAST),
    "429 page": Fault(answer=CLOUDFLARE),
    "302": Fault(answer=REDIRECT),
    "empty": Fault(answer=(200, b"", {})),
    "cut off": Fault(answer=(200, b'{"success":true,"orderID":"0x', {})),
    "another order": Fault(answer=ok(OTHER)),
    "success without a name": Fault(answer=ok({"success": True, "orderID": ""})),
    "no success": Fault(answer=ok({"success": False, "errorMsg": "could not run the execution"})),
    "404": Fault(answer=refusal(404, "Not Found")),
    "duplicated": Fault(answer=refusal(400, "order 0x1 is invalid. Duplicated.")),
    "unknown words": Fault(answer=refusal(400, "something brand new")),
    "page as refusal": Fault(answer=(400, b"<html>not enough balance</html>", {})),
}
TRUTHS = {"done": True, "not done": False}
PROVEN = {
    "unsent": Fault(unsent=True),
    "post-only mode": Fault(answer=POST_ONLY),
    "cancel-only": Fault(answer=CANCEL_ONLY),
    "no funds": Fault(answer=refusal(400, "not enough balance / allowance")),
    "bad key": Fault(answer=refusal(401, "Unauthorized/Invalid api key")),
    "not ready": Fault(answer=refusal(400, "the market is not yet ready to process new orders")),
}
STALE = (Fault(path="/data/*", stale=True),) * 4
BROKEN = (
    Fault(path="/data/orders", answer=(502, b"", {})),
    Fault(path="/data/trades", answer=HTML),
    Fault(path="/balance-allowance", answer=SERVER_ERROR),
    Fault(path="/data/orders", answer=(200, b"<html>", {})),
    Fault(path="/data/trades", answer=ok({"data": [{"id": "t"}]})),
)
READS: dict[str, tuple[Fault, ...]] = {"clear": (), "behind": STALE, "broken": BROKEN}
WAITS = (1, 1, 2, 4, 8)


@pytest.fixture
def lane() -> PolymarketLane:
    """Return a lane that may have one order of five dollars, at a venue with the same quote."""
    return a_lane()


def a_lane(**changes: object) -> PolymarketLane:
    """Return such a lane."""
    rig = PolymarketRig(**changes)  # type: ignore[arg-type] # as the rig's own fields
    rig.engine.crowd(YES, "BUY", "0.40", "50")
    rig.engine.crowd(YES, "SELL", "0.45", "50")
    return PolymarketLane(rig)


def buying(at: str = "0.45", style: Style = Style.TAKER) -> Signal:
    """Return the wish to buy YES."""
    return a_signal(market=MARKET, style=style, price=price(at))


def heal(lane: PolymarketLane, reads: str = "clear") -> None:
    """Let time pass until everything about every order is known, and judge."""
    lane.check()
    lane.rig.wire.faults.extend(READS[reads])
    for seconds in WAITS:
        lane.tick(seconds)
        lane.check()
    lane.wanting.wants.clear()
    lane.rig.wire.faults.clear()
    for order in list(lane.state.orders):
        lane.trader.execution.cancel(order, lane.rig.now)
    # An order in doubt is over when its expiry has passed, whatever became of it.
    for seconds in (1, 2, 17, 61, 61, 61, 31, 5):
        lane.tick(seconds)
    lane.check_healed()


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_post_that_fails(lane: PolymarketLane, name: str, truth: str, style: Style) -> None:
    """The strategy goes on wanting; the order in doubt holds its money back until it is known."""
    fault = attrs.evolve(FAULTS[name], path="/order", method="POST", acted=TRUTHS[truth])
    lane.rig.wire.faults.append(fault)
    lane.wanting.wants.append(buying("0.45" if style is Style.TAKER else "0.41", style))
    lane.tick()

    assert 1 == lane.rig.wire.asked("POST", "/order")
    assert {OrderState.UNKNOWN, OrderState.ACCEPTED, OrderState.FILLED} >= {
        order.state for order in (*lane.state.orders.values(), *lane.state.finished.values())
    }
    assert truth == "not done" or 1 == len(lane.rig.engine.orders)
    if style is Style.MAKER:
        lane.rig.engine.crowd(YES, "SELL", "0.41", "4")
    heal(lane)
    assert set(lane.rig.wire.bodies) <= set(bodies_of(lane)), "other bytes for the same order"


def bodies_of(lane: PolymarketLane) -> list[bytes]:
    """Return the first bytes sent of every order."""
    first: dict[bytes, bytes] = {}
    for sent in lane.rig.wire.bodies:
        name = sent.partition(b'"metadata":"')[2][:66]
        first.setdefault(name, sent)
    return list(first.values())


@pytest.mark.parametrize("name", PROVEN)
def test_a_post_that_is_refused(lane: PolymarketLane, name: str) -> None:
    """What is proven not to be there holds nothing back."""
    lane.rig.wire.faults.append(attrs.evolve(PROVEN[name], path="/order", method="POST"))
    lane.wanting.wants.append(buying())
    lane.tick()

    assert OrderState.REJECTED in {order.state for order in lane.state.finished.values()}
    heal(lane)


@pytest.mark.parametrize("reads", ["behind", "broken"])
@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("name", ["dropped", "502", "429"])
def test_a_post_that_fails_while_lists_fail(
    lane: PolymarketLane, name: str, truth: str, reads: str
) -> None:
    """Nothing is concluded from lists that are behind or cannot be read."""
    lane.rig.wire.remember()
    fault = attrs.evolve(FAULTS[name], path="/order", method="POST", acted=TRUTHS[truth])
    lane.rig.wire.faults.extend([fault, *READS[reads]])
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    lane.tick()
    heal(lane, reads)


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_sale_that_fails(lane: PolymarketLane, name: str, truth: str) -> None:
    """What is held and settled is sold once, and never more than that."""
    lane.wanting.wants.append(buying())
    lane.tick()
    lane.wanting.wants.clear()
    lane.tick(5)
    assert lane.state.positions
    lane.wanting.wants[:] = [an_exit(market=MARKET, price=price("0.40"))]
    fault = attrs.evolve(FAULTS[name], path="/order", method="POST", acted=TRUTHS[truth])
    lane.rig.wire.faults.append(fault)
    for _ in range(4):
        lane.tick()
    heal(lane)

    assert not lane.state.positions


@pytest.mark.parametrize("traded", ["nothing", "some", "all"])
@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_cancel_that_fails(lane: PolymarketLane, name: str, truth: str, traded: str) -> None:
    """The next quote waits until the cancel is proven, whatever trades in between."""
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    lane.tick()
    (order,) = lane.state.orders.values()
    fault = attrs.evolve(FAULTS[name], path="/order", method="DELETE", acted=TRUTHS[truth])
    lane.rig.wire.faults.append(fault)
    lane.trader.execution.cancel(order.intent, lane.rig.now)
    lane.wanting.wants[:] = [buying("0.42", Style.MAKER)]
    if traded != "nothing":
        count = {"some": "3", "all": "20"}[traded]
        lane.rig.engine.crowd(YES, "SELL", "0.41", count, rests=False)
    heal(lane)


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_batch_that_fails(lane: PolymarketLane, name: str, truth: str) -> None:
    """Each leg is in doubt by itself, and each is found by itself."""
    rig = lane.rig
    one = rig.intent("i-1", "0.30", "5", style=Style.MAKER)
    two = rig.intent("i-2", "0.50", "6", leg=one.draft.signal.leg, style=Style.MAKER)
    three = rig.intent("i-3", "0.31", "5", style=Style.MAKER)
    fault = attrs.evolve(FAULTS[name], path="/orders", method="POST", acted=TRUTHS[truth])
    rig.wire.faults.append(fault)
    rig.desk.submit_batch([one, two, three], rig.now)
    facts = rig.all_told(3)
    arrived = len(rig.engine.orders)
    facts += rig.all_told(60)

    assert 1 == rig.wire.asked("POST", "/orders")
    assert arrived in ((0, 2) if truth == "not done" else (2,))
    live = [order for order in rig.engine.orders.values() if order.left]
    assert not live, "an order outlived its time"
    # The second one crossed and was never there.
    assert "i-2" not in {fact.intent for fact in facts}


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("after", [2, 20, 240])
def test_a_post_that_lands_late(lane: PolymarketLane, after: int, style: Style) -> None:
    """The answer was lost, and the request arrives seconds later, or too late to be taken."""
    lane.rig.wire.faults.append(Fault(path="/order", method="POST", later=True))
    lane.wanting.wants.append(buying("0.45" if style is Style.TAKER else "0.41", style))
    lane.tick()
    lane.wanting.wants.clear()
    for _ in range(4):
        lane.tick(after // 4 or 1)
        lane.check()
    lane.rig.wire.release()
    for _ in range(2):
        lane.tick()
        lane.check()
    heal(lane)


def test_a_cancel_that_lands_late(lane: PolymarketLane) -> None:
    """It hits the order it was meant for, and that one only."""
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    lane.tick()
    (order,) = lane.state.orders.values()
    lane.rig.wire.faults.append(Fault(path="/order", method="DELETE", later=True))
    lane.trader.execution.cancel(order.intent, lane.rig.now)
    lane.rig.wire.release()
    heal(lane)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_request_that_arrives_twice(lane: PolymarketLane, method: str) -> None:
    """Somebody between us and the venue repeats it: still one order."""
    lane.rig.wire.faults.append(Fault(path="/order", method=method, twice=True))
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    lane.tick()
    for order in list(lane.state.orders):
        lane.trader.execution.cancel(order, lane.rig.now)
    heal(lane)

    assert {1} >= {sum(order.left > 0 for order in lane.rig.engine.orders.values()) or 1}


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.OPEN])
def test_a_restart_of_the_venue(lane: PolymarketLane, mode: Mode) -> None:
    """Whatever it takes meanwhile, afterwards everything is known and trading goes on."""
    lane.rig.engine.mode = mode
    lane.wanting.wants.append(buying())
    for _ in range(4):
        lane.tick(5)
        lane.check()
    lane.rig.engine.mode = Mode.OPEN
    for _ in range(4):
        lane.tick(100)
    assert [Purpose.ENTRY] == [o.purpose for o in lane.state.finished.values() if o.filled]
    heal(lane)


@pytest.mark.parametrize("path", [BAD, BUMPY], ids=["bad", "bumpy"])
@pytest.mark.parametrize("style", Style)
def test_trades_that_settle_badly(style: Style, path: tuple[str, ...]) -> None:
    """What was undone is undone in the journal, and nothing of it is sold meanwhile."""
    lane = a_lane()
    lane.rig.engine.paths.append(path)
    lane.wanting.wants.append(buying("0.45" if style is Style.TAKER else "0.41", style))
    lane.tick()
    if style is Style.MAKER:
        lane.rig.engine.crowd(NO, "BUY", "0.59", "4")
    lane.wanting.wants[:] = [an_exit(market=MARKET, price=price("0.40"))]
    for _ in range(3):
        lane.tick()
        lane.check()
    heal(lane)


def test_everything_at_once(lane: PolymarketLane) -> None:
    """One fault after the other, on whatever is asked next."""
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    for number, fault in enumerate(FAULTS.values()):
        lane.rig.wire.faults.append(attrs.evolve(fault, acted=number % 2 == 0, path="/order"))
        lane.rig.engine.paths.append(BAD if number % 3 == 0 else BUMPY)
        lane.tick(1 + number % 3)
        if number % 4 == 1:
            for order in list(lane.state.orders):
                lane.trader.execution.cancel(order, lane.rig.now)
        if number % 5 == 2:
            lane.rig.engine.crowd(YES, "SELL", "0.41", "2", rests=False)
        if number % 6 == 5:
            lane.restart()
        lane.check()
    heal(lane)


@pytest.mark.parametrize("acted", [True, False])
def test_a_restart_in_the_middle(lane: PolymarketLane, acted: bool) -> None:
    """A new desk takes the journal's open orders over, found and not found ones."""
    lane.rig.wire.faults.append(Fault(path="/order", method="POST", acted=acted))
    lane.rig.wire.faults.extend([Fault(path="/data/orders"), Fault(path="/data/trades")] * 3)
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    lane.tick()
    lane.rig.engine.crowd(YES, "SELL", "0.41", "3", rests=False)
    lane.wanting.wants.clear()
    lane.restart()
    heal(lane)

    # What spoke for it is old by now: it is not sent again.
    assert len(lane.rig.engine.orders) == acted
    assert 1 == lane.rig.wire.asked("POST", "/order")


class Crash(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("moment", ["before it is kept", "kept", "under way", "arrived"])
def test_a_crash_at_any_step(lane: PolymarketLane, moment: str, style: Style) -> None:
    """The next process finds the order by its name, whether it ever left or not."""
    rig = lane.rig
    put, send = rig.outbox.put, rig.wire.send

    def dying_put(letters: Sequence[Letter]) -> None:
        if moment == "kept":
            put(letters)
        raise Crash

    def dying_send(request: Request, deadline: Duration) -> Reply:
        if moment == "arrived":
            send(request, deadline)
        raise Crash

    with pytest.MonkeyPatch.context() as patch:
        if moment in ("before it is kept", "kept"):
            patch.setattr(rig.outbox, "put", dying_put)
        else:
            patch.setattr(rig.rest._transport, "send", dying_send)
        lane.rig.pass_by(1)
        lane.wanting.wants.append(buying("0.45" if style is Style.TAKER else "0.41", style))
        with pytest.raises(Crash):
            lane.trader.tick(rig.now)
    lane.wanting.wants.clear()
    assert [OrderState.INTENDED] == [order.state for order in lane.state.orders.values()]
    assert len(rig.outbox.letters()) == (moment != "before it is kept")
    lane.restart()
    for _ in range(4):
        lane.tick()
        lane.check()
    known = {order.state for order in (*lane.state.orders.values(), *lane.state.finished.values())}
    arrived = {OrderState.ACCEPTED, OrderState.FILLED, OrderState.CANCELLED}
    assert known <= (arrived if moment == "arrived" else {OrderState.INTENDED})
    heal(lane)

    assert len(rig.engine.orders) == (moment == "arrived")


def test_a_restart_with_a_trade_on_its_way(lane: PolymarketLane) -> None:
    """A fill that is not settled is followed by the next process."""
    lane.rig.engine.paths.append(BAD)
    lane.wanting.wants.append(buying())
    lane.tick()
    lane.wanting.wants.clear()
    assert [True] == [p.provisional > 0 for p in lane.state.positions.values()]
    lane.restart()
    heal(lane)

    assert not lane.state.positions


def test_a_restart_that_forgets_everything(lane: PolymarketLane) -> None:
    """Without the desk's help the account alone brings the journal up to the venue."""
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    lane.rig.wire.faults.append(Fault(path="/order", method="POST", acted=True))
    lane.rig.wire.faults.extend([Fault(path="/data/orders"), Fault(path="/data/trades")])
    lane.rig.pass_by(1)
    lane.trader.tick(lane.rig.now)
    assert [OrderState.UNKNOWN] == [order.state for order in lane.state.orders.values()]
    lane.wanting.wants.clear()
    lane.rig.wire.faults.clear()
    lane.rig.new_desk()
    lane.healed.desk = lane.rig.desk
    lane.rig.engine.crowd(YES, "SELL", "0.41", "20", rests=False)
    for seconds in (1, 5, 30, 61, 61, 61, 31):
        lane.tick(seconds)
        lane.check()
    cash, _ = lane.rig.engine.final()
    assert [OrderState.FILLED] == [order.state for order in lane.state.finished.values()]
    assert cash * ONE == lane.state.cash


def test_trades_that_are_pushed_twice() -> None:
    """With a stream that repeats itself every trade is one line in the journal."""
    lane = a_lane(with_inbox=True)
    lane.rig.push(times=2)
    lane.wanting.wants.append(buying("0.41", Style.MAKER))
    lane.tick()
    for number in range(3):
        lane.rig.engine.paths.append(BAD if number == 1 else BUMPY)
        lane.rig.engine.crowd(YES, "SELL", "0.41", "1.5", rests=False)
        lane.tick()
    heal(lane)
