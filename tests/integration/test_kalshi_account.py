"""The account's picture, read from a venue on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from market_bot.adapters.kalshi.account import KalshiAccount, OwnName
from market_bot.adapters.kalshi.errors import KalshiError, ParseError
from market_bot.adapters.kalshi.parse_portfolio import (
    parse_balance,
    parse_fills,
    parse_orders,
    parse_positions,
    parse_settlements,
)
from market_bot.core.domain.fees import Traded, fees_of_order
from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg
from market_bot.core.domain.numbers import SECOND, Micros, money, price, size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.ports.account import Standing
from tests.fakes.fake_kalshi import BAD_GATEWAY, Fault
from tests.fakes.fake_kalshi_rig import CRYPTO, Rig
from tests.fakes.kalshi_records import TICKER, as_json


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Return a venue at which somebody bids 0.40 and offers 0.45, fifty each."""
    with Rig() as made:
        made.engine.crowd(TICKER, "bid", "0.40", "50.00")
        made.engine.crowd(TICKER, "ask", "0.45", "50.00")
        yield made


def test_a_fresh_account(rig: Rig) -> None:
    """Money by shard, nothing else, nothing missing."""
    picture = rig.looked()

    assert ((), (), (), ()) == (
        picture.missing,
        picture.positions,
        picture.orders,
        picture.fills,
    )
    assert money("150") == picture.cash
    assert {"0": money("100"), "2": money("50")} == picture.shards
    assert rig.now == picture.at


def test_everything_of_ours_is_in_the_picture(rig: Rig) -> None:
    """A position, its fill in the order's own leg and name, and what rests elsewhere."""
    rig.desk.submit(rig.intent(at="0.60", quantity="4", leg=Leg.NO), rig.now)
    rig.desk.submit(rig.intent("i-2", style=Style.MAKER, market=CRYPTO), rig.now)
    picture = rig.looked()

    (held,) = picture.positions
    (fill,) = picture.fills
    (resting,) = picture.orders
    assert () == picture.missing
    assert (TICKER, Leg.NO, size("4"), money("2.4")) == (
        held.market,
        held.leg,
        held.size,
        held.cost,
    )
    assert ("i-1", Leg.NO, price("0.6"), money("2.4"), Style.TAKER) == (
        fill.intent,
        fill.leg,
        fill.price,
        fill.cost,
        fill.liquidity,
    )
    assert ("i-2", Standing.RESTING, size("0")) == (
        resting.intent,
        resting.standing,
        resting.filled,
    )
    assert picture.cash == money("150") - money("2.4") - fill.fee - money("4.5")


def test_a_sale_is_told_in_the_leg_that_was_sold(rig: Rig) -> None:
    """Selling YES and buying NO are one thing to the venue, and two to us."""
    rig.desk.submit(rig.intent(quantity="4"), rig.now)
    sale = rig.intent("i-2", "0.40", "4", purpose=Purpose.EXIT)
    rig.desk.submit(sale, rig.now)
    _, sold = sorted(rig.looked().fills, key=lambda fill: fill.fill)

    assert (Leg.YES, price("0.4"), money("1.6")) == (sold.leg, sold.price, sold.cost)


def test_a_foreign_order_has_the_leg_of_its_side(rig: Rig) -> None:
    """Of an order nobody here knows, the side is all there is to go by."""
    rig.desk.submit(rig.intent("i-1", "0.55", style=Style.MAKER, leg=Leg.NO), rig.now)
    rig.desk.submit(rig.intent("i-2", "0.60", "1", leg=Leg.NO), rig.now)
    stranger = KalshiAccount(rig.rest, rig.clock)
    picture = stranger.look(Micros(0), ())

    assert [Leg.NO, Leg.NO] == [picture.orders[0].leg, picture.fills[0].leg]
    assert "i-2" == stranger.name_of(picture.fills[0].venue_order)


def test_an_order_in_doubt_is_found_whatever_became_of_it(rig: Rig) -> None:
    """Finished orders are searched by name; one that is nowhere was looked for, too."""
    rig.desk.submit(rig.intent(), rig.now)
    rig.desk.submit(rig.intent("i-2", "0.41", "100", style=Style.MAKER), rig.now)
    rig.desk.cancel("i-2", rig.now)
    rig.names["i-3"] = OwnName(TICKER, Leg.YES)
    picture = rig.looked("i-1", "i-2", "i-3", "i-4")

    assert {("i-1", Standing.FILLED), ("i-2", Standing.CANCELLED)} == {
        (order.intent, order.standing) for order in picture.orders
    }
    assert frozenset({"i-1", "i-2", "i-3", "i-4"}) == picture.looked_for


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/exchange/user_data_timestamp", "freshness"),
        ("/portfolio/balance", "balance"),
        ("/portfolio/positions", "positions"),
        ("/portfolio/orders", "orders"),
        ("/portfolio/fills", "fills"),
    ],
)
@pytest.mark.parametrize(
    "fault",
    [BAD_GATEWAY, Fault(status=200, body=b"{}"), Fault(drop=True)],
    ids=["502", "{}", "cut"],
)
def test_what_cannot_be_read_is_missing(rig: Rig, path: str, what: str, fault: Fault) -> None:
    """It is named, nothing is raised, and the rest is read all the same."""
    rig.venue.faults.append(attrs.evolve(fault, path=path))
    picture = rig.looked("i-1")

    assert [what] == [line.partition(":")[0] for line in picture.missing]


def test_old_lists_are_as_good_as_none(rig: Rig) -> None:
    """The venue says up to when its lists are complete."""
    rig.venue.remember()
    rig.clock.pass_by(31 * SECOND)
    rig.venue.faults.append(Fault(path="/exchange/user_data_timestamp", stale=True))
    picture = rig.looked()

    assert ("freshness: the venue's lists are 31 s old",) == picture.missing
    assert rig.now - 31 * SECOND == picture.at


def test_lists_are_walked_to_their_end(rig: Rig) -> None:
    """However short the venue's pages are."""
    for number in range(7):
        rig.desk.submit(rig.intent(f"i-{number}", quantity="1"), rig.now)
        rig.desk.submit(rig.intent(f"m-{number}", "0.41", "1", style=Style.MAKER), rig.now)
    assert rig.venue.portfolio is not None
    rig.venue.portfolio.page_size = 2
    picture = rig.looked("i-0")

    assert () == picture.missing
    assert (7, 8) == (len(picture.fills), len(picture.orders))


def test_a_list_that_does_not_end_is_missing(rig: Rig) -> None:
    """A cursor in a circle leaves the list, and so the picture, incomplete."""
    body = b'{"fills":[],"cursor":"again"}'
    rig.venue.faults.extend([Fault(path="/portfolio/fills", status=200, body=body)] * 2)

    assert "fills" == rig.looked().missing[0].partition(":")[0]


def test_a_trade_whose_order_is_nowhere_leaves_the_picture_incomplete(rig: Rig) -> None:
    """Its order is asked for; whose trade it is must not be guessed."""
    rig.desk.submit(rig.intent(), rig.now)
    empty = Fault(path="/portfolio/orders", status=200, body=b'{"orders":[],"cursor":""}')
    rig.venue.faults.extend([empty, empty])

    assert (f"orders: 1 in {TICKER} traded and are in no list",) == rig.looked().missing
    assert ("i-1",) == tuple(fill.intent for fill in rig.looked().fills)


def test_a_search_that_breaks_off_has_not_looked(rig: Rig) -> None:
    """Only what was found on the way counts as looked for."""
    rig.desk.submit(rig.intent(), rig.now)
    rig.desk.submit(rig.intent("i-2", quantity="1"), rig.now)
    rig.names["i-9"] = OwnName(TICKER, Leg.YES)
    assert rig.venue.portfolio is not None
    rig.venue.portfolio.page_size = 1
    whole = Fault(path="/portfolio/orders", status=200, body=b'{"orders":[],"cursor":""}')
    body = rig.rest.get("/portfolio/orders", signed=True).body
    again = Fault(path="/portfolio/orders", status=200, body=body)
    rig.venue.faults.extend([whole, again, again])
    picture = rig.looked("i-2", "i-9")

    assert frozenset({"i-2"}) == picture.looked_for


def test_what_ended_markets_paid(rig: Rig) -> None:
    """In dollars, and a list that cannot be read is raised."""
    rig.desk.submit(rig.intent(quantity="4"), rig.now)
    rig.engine.determine(TICKER, "yes")
    rig.engine.finalize(TICKER)
    (paid,) = rig.account.settlements(Micros(0))

    assert (TICKER, "yes", money("4")) == (paid.market, paid.result, paid.revenue)
    assert () == rig.looked().positions
    rig.venue.faults.append(BAD_GATEWAY)
    with pytest.raises(KalshiError, match="settlements"):
        rig.account.settlements(Micros(0))


ORDER = {
    "order_id": "o",
    "ticker": "T",
    "status": "resting",
    "book_side": "bid",
    "initial_count_fp": "1",
    "fill_count_fp": "0",
    "remaining_count_fp": "1",
}
FILL = {
    "fill_id": "f",
    "order_id": "o",
    "ticker": "T",
    "count_fp": "1",
    "yes_price_dollars": "0.5",
    "book_side": "bid",
    "is_taker": True,
    "fee_cost": "0",
    "created_time": "2026-06-11T06:29:30Z",
}
HELD = {"ticker": "T", "position_fp": "1", "market_exposure_dollars": "1"}
HALF = {"exchange_index": 0, "balance": "0.99"}


@pytest.mark.parametrize(
    ("parse", "answer"),
    [
        (parse_balance, {"balance_dollars": "1.00", "balance_breakdown": [HALF]}),
        (parse_balance, {"balance": 100}),
        (parse_balance, {"balance_dollars": "one"}),
        (parse_positions, {"market_positions": [HELD | {"position_fp": "x"}]}),
        (parse_positions, {"market_positions": [{"ticker": "T", "position_fp": "1"}]}),
        (parse_positions, {}),
        (parse_orders, {"orders": [ORDER | {"order_id": ""}]}),
        (parse_orders, {"orders": [ORDER | {"book_side": "left"}]}),
        (parse_orders, {"orders": [ORDER, ORDER | {"fill_count_fp": "-1"}]}),
        (parse_fills, {"fills": [FILL | {"fill_id": ""}]}),
        (parse_fills, {"fills": [FILL | {"yes_price_dollars": "1.0"}]}),
        (parse_fills, {"fills": [FILL | {"fee_cost": ""}]}),
        (parse_fills, {"fills": [FILL | {"count_fp": "0"}]}),
    ],
)
def test_nothing_of_ours_is_passed_over(
    parse: Callable[[bytes], object], answer: dict[str, Any]
) -> None:
    """One entry that cannot be read makes the whole answer unreadable."""
    with pytest.raises(ParseError):
        parse(as_json(answer))


def test_a_word_for_a_state_that_nobody_knows() -> None:
    """It says nothing about the order; the rest of it is read."""
    ((order,), _) = parse_orders(as_json({"orders": [ORDER | {"status": "amending"}]}))

    assert (Standing.UNCLEAR, None) == (order.standing, order.client_order)


@pytest.mark.reference
def test_the_recorded_account_is_read(reference: Path) -> None:
    """What the venue really answered in June 2026."""
    folder = reference / "fixtures/kalshi/recorded-demo-2026-06"

    def body(name: str) -> bytes:
        return (folder / f"{name}.json").read_bytes()

    assert money("98.0186") == parse_balance(body("auth__balance_ok")).total
    ((held,), _) = parse_positions(body("portfolio__positions"))
    assert (Leg.YES, size("3"), money("2.5")) == (held.leg, held.size, held.cost)
    orders, _ = parse_orders(body("portfolio__orders_list"))
    assert {Standing.FILLED, Standing.CANCELLED} <= {order.standing for order in orders}
    assert ((), "") == parse_settlements(body("settlements__end_of_session"))


@pytest.mark.reference
def test_the_recorded_fees_are_ours(reference: Path) -> None:
    """Each recorded trade was charged what the formula says."""
    folder = reference / "fixtures/kalshi/recorded-demo-2026-06"
    fills, _ = parse_fills((folder / "fills__after_taker.json").read_bytes())
    schedule = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000)

    assert 3 <= len(fills)
    for fill in fills:
        traded = Traded(price=fill.price, size=fill.size, liquidity=Style.TAKER)
        assert (fill.fee,) == fees_of_order(schedule, [traded], selling=False)
