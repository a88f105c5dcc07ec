"""What a stretch of journal amounts to."""

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, Price, Size, money, price, probability
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Gate
from market_bot.core.domain.tally import Brier, Tally
from tests.fakes.builders import a_draft, a_fill, a_sale, an_intended, contracts
from tests.fakes.clock import NOON


def tally(*events: ev.Event) -> Tally:
    """Return the tally of facts a microsecond apart."""
    counted = Tally()
    for number, event in enumerate(events):
        counted.add(event, Micros(NOON + number))
    return counted


def raised(
    belief: str, mid: str | None, leg: Leg = Leg.YES, purpose: Purpose = Purpose.ENTRY
) -> ev.SignalRaised:
    """Return a signal of a strategy."""
    return ev.SignalRaised(
        signal="s",
        strategy="bias",
        market="M-1",
        event="E-1",
        family="F-1",
        leg=leg,
        purpose=purpose,
        style=Style.MAKER,
        price=price("0.5"),
        belief=probability(belief),
        edge=Price(0),
        cost=Price(0),
        reason="r",
        mid=None if mid is None else price(mid),
    )


def resolved(yes: str, market: str = "M-1") -> ev.MarketResolved:
    """Return the end of a market."""
    return ev.MarketResolved(market=market, event="E-1", family="F-1", yes_payout=price(yes))


def denied(phase: str, *names: str) -> ev.Denied:
    """Return a refusal by gates."""
    draft = a_draft()
    return ev.Denied(
        signal="s",
        strategy="bias",
        market="M-1",
        event="E-1",
        family="F-1",
        leg=Leg.YES,
        purpose=Purpose.ENTRY,
        phase=phase,
        gates=tuple(Gate(name, "0", "1", hard=True) for name in names),
        price=draft.signal.price,
        size=draft.size,
    )


def test_nothing() -> None:
    """An empty stretch has no times and no score."""
    empty = tally()

    assert (None, None) == (empty.first_at, empty.last_at)
    assert Brier(signals=0, markets=0, ours=None, market=None) == empty.brier()


def test_counts() -> None:
    """Every fact is counted under its own name."""
    scan = ev.Scan(position="1", markets=3, views=1, signals=1, denied=0, intents=0)
    counted = tally(
        scan,
        ev.Scan(position="2", markets=2, views=1, signals=1, denied=0, intents=0),
        an_intended(),
        an_intended("x", purpose=Purpose.EXIT, style=Style.TAKER),
        ev.OrderRejected(intent="i", code="c"),
        ev.OrderUnknown(intent="i", reason="r"),
        ev.OrderCancelled(intent="i", reason="expired", remaining=Size(0)),
        a_fill(),
        a_sale(size=Size(500_000), cost=money("0.3"), liquidity=Style.TAKER),
        ev.Error(where="a", message="m", count=3),
        ev.Error(where="a", message="m"),
        denied("begin", "x", "y"),
        denied("end"),
        denied("begin", "y"),
        ev.Halt(by="ann", reason="r"),
    )

    assert (2, 3) == (counted.scans, counted.markets)
    assert {"entry_maker": 1, "exit_taker": 1} == counted.orders
    assert {"rejected": 1, "unknown": 1, "expired": 1} == counted.ended
    assert 2 == counted.denied
    assert {"entry_maker": 1, "exit_taker": 1} == counted.fills
    assert (Size(10_500_000), money("5.1"), money("0.04")) == (
        counted.filled_size,
        counted.turnover,
        counted.fees,
    )
    assert {"a": 4} == counted.errors
    assert {"x": 1, "y": 2} == counted.denials
    assert (NOON, NOON + 14) == (counted.first_at, counted.last_at)


def test_brier_scores() -> None:
    """Beliefs and prices are compared with what each leg paid, on the same signals."""
    counted = tally(
        raised("0.9", "0.8"),
        raised("0.3", "0.4", Leg.NO),
        raised("0.5", None),
        raised("0.1", "0.1", purpose=Purpose.EXIT),
        resolved("1"),
        resolved("0", "M-2"),
    )
    score = counted.brier()

    assert (2, 1, 2) == (score.signals, score.markets, counted.resolved)
    assert pytest.approx((0.01 + 0.09) / 2) == score.ours
    assert pytest.approx((0.04 + 0.16) / 2) == score.market
    assert {"bias": 4} == counted.signals


def test_a_market_is_scored_once() -> None:
    """A resolution told twice does not count its signals twice."""
    counted = tally(raised("0.9", "0.8"), resolved("1"), resolved("1"))

    assert 1 == counted.brier().signals


def test_a_void_market_scores_against_its_payout() -> None:
    """Half a dollar is an outcome as well."""
    assert 0 == tally(raised("0.5", "0.8", Leg.NO), resolved("0.5")).brier().ours


def test_exits_are_counted_by_reason() -> None:
    """Each decision to leave has its reason."""
    left = ev.Exit(
        signal="s",
        strategy="bias",
        market="M-1",
        event="E-1",
        family="F-1",
        leg=Leg.YES,
        reason="flatten",
        size=contracts(1),
        price=price("0.5"),
        belief=probability("0.5"),
    )

    assert {"flatten": 1} == tally(left).exits
