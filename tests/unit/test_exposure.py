"""What can be lost in the worst case."""

from market_bot.core.domain import events as ev
from market_bot.core.domain.exposure import Exposure, exposure_of
from market_bot.core.domain.lane import MINUTE, LaneState
from market_bot.core.domain.numbers import NO_MONEY, Micros, money, price, size
from market_bot.core.domain.orders import Purpose
from tests.fakes.builders import a_fill, a_sale, a_start, an_intended, fold

BOUGHT = [a_start(), an_intended(), a_fill()]


def exposure(*events: ev.Event) -> Exposure:
    """Return the exposure after facts."""
    return exposure_of(fold(events), None)


def test_nothing() -> None:
    """An empty lane has nothing to lose, and its day cannot be told."""
    empty = exposure_of(LaneState(), money("1"))

    assert (NO_MONEY, NO_MONEY, 0, None) == (
        empty.total,
        empty.free_cash,
        empty.live_orders,
        empty.day_pnl,
    )
    assert NO_MONEY == empty.market("M-1") == empty.event("E-1")


def test_live_entries_count_as_filled() -> None:
    """An order costs its limit and its fee before anybody answered."""
    waiting = exposure(a_start(), an_intended())

    assert money("4.90") == waiting.total == waiting.market("M-1") == waiting.event("E-1")
    assert (money("95.10"), 1) == (waiting.free_cash, waiting.live_orders)


def test_entries_count_as_recent_for_a_minute() -> None:
    """An entry sent less than a minute ago is recent; after a minute it is not."""
    state = fold([a_start(), an_intended()])
    (sent,) = state.entry_times
    just, over = Micros(sent + MINUTE - 1), Micros(sent + MINUTE)

    assert 1 == exposure_of(state, None, now=just).recent_entries
    assert 0 == exposure_of(state, None, now=over).recent_entries
    assert 1 == exposure_of(state, None).recent_entries


def test_doubt_counts_as_filled() -> None:
    """An order of unknown fate keeps its reservation."""
    doubtful = exposure(a_start(), an_intended(), ev.OrderUnknown(intent="i-1", reason="timeout"))

    assert money("4.90") == doubtful.total


def test_positions_count_at_cost() -> None:
    """A fill turns its part of the reservation into cost."""
    part = a_fill(size=size("5"), cost=money("2.0"))

    assert money("4.45") == exposure(a_start(), an_intended(), part).total
    assert money("4.8") == exposure(*BOUGHT).total


def test_finished_orders_cost_nothing() -> None:
    """A rejected order frees its money."""
    freed = exposure(a_start(), an_intended(), ev.OrderRejected(intent="i-1", code="c"))

    assert (NO_MONEY, money("100"), 0) == (freed.total, freed.free_cash, freed.live_orders)


def test_provisional_sales_count_as_not_sold() -> None:
    """Until a sale is settled its contracts are at risk and its proceeds are not free."""
    selling = [*BOUGHT, an_intended("i-2", purpose=Purpose.EXIT)]
    sale = a_sale(provisional=True)
    settled = ev.FillSettled(intent="i-2", fill="x-1")

    assert money("4.8") == exposure(*selling, sale).total
    assert money("95.16") == exposure(*selling, sale).free_cash
    assert NO_MONEY == exposure(*selling, sale, settled).total
    assert money("101.16") == exposure(*selling, sale, settled).free_cash


def test_markets_of_an_event_add_up() -> None:
    """An event's worst case is the sum of its markets', a market's both legs'."""
    three = [
        a_start(),
        an_intended("a", market="A"),
        an_intended("b", market="B"),
        an_intended("c", market="C", event="E-2"),
    ]

    assert money("4.90") == exposure(*three).market("B")
    assert money("9.80") == exposure(*three).event("E-1")
    assert money("14.70") == exposure(*three).total


def test_the_day() -> None:
    """The day's result is the change of equity since it opened."""
    opened = ev.DayOpened(date="2026-01-05", equity=money("100"), cash=money("100"))
    state = fold([a_start(), opened])

    assert money("-3") == exposure_of(state, money("97")).day_pnl
    assert exposure_of(state, None).day_pnl is None


def test_a_halt_is_told() -> None:
    """Rules see the halt."""
    assert "ann: news" == exposure(ev.Halt(by="ann", reason="news")).halted


def test_exits_in_flight_cost_nothing() -> None:
    """A live sale adds no risk."""
    assert money("4.8") == exposure(*BOUGHT, an_intended("x", purpose=Purpose.EXIT)).total
    assert price("0.48") == an_intended().price
