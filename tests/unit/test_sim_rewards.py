"""What the simulated venue pays besides trades: by its rules, once a day, and only if asked for."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from market_bot.adapters.simulated.sim_settings import (
    BEGINS,
    MINUTE,
    NO_REWARDS,
    PRESETS,
    Rewards,
    Rules,
    SimSettings,
)
from market_bot.core.domain.book import Book, Side
from market_bot.core.domain.fills.rewards import (
    LIQUIDITY,
    PAID_FROM,
    REBATE,
    SAMPLES_PER_DAY,
    Quoted,
    liquidity_sample,
    rebate,
)
from market_bot.core.domain.market import Leg, MarketStatus
from market_bot.core.domain.numbers import (
    HOUR,
    NO_MONEY,
    ONE_CONTRACT,
    ONE_DOLLAR,
    Duration,
    Micros,
    Price,
    Size,
    money,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.world import Seen
from market_bot.core.ports.execution import Fact, Rewarded
from tests.fakes.sim_floor import STILL, TEN, Floor, a_floor

DAY = 24 * HOUR
TEN_MINUTES = 10 * MINUTE
DAILY = Rewards(daily=money("2000"), min_size=ONE_CONTRACT, max_spread=Price(100_000))
REBATES = Rewards(rebates=True)


def late(rewards: Rewards, rules: Rules = Rules.POLYMARKET, **changes: Any) -> SimSettings:
    """Return a world that begins ten minutes before midnight and in which nobody else acts."""
    begins = Micros(BEGINS + DAY - TEN_MINUTES)
    return attrs.evolve(STILL, begins=begins, rules=rules, rewards=rewards, **changes)


def rewards_in(facts: list[Fact]) -> list[Rewarded]:
    """Return the payments among facts."""
    return [fact for fact in facts if isinstance(fact, Rewarded)]


def quote(floor: Floor, seen: Seen, *, size: int = TEN) -> list[Quoted]:
    """Wait with an order on both sides, each at the best price there is."""
    bid, ask = max(seen.book.bids), min(seen.book.asks)
    floor.send(seen, bid, style=Style.MAKER, size=size, lives=10**6)
    floor.send(seen, ONE_DOLLAR - ask, leg=Leg.NO, style=Style.MAKER, size=size, lives=10**6)
    return [
        Quoted(side=Side.BID, price=bid, size=Size(size)),
        Quoted(side=Side.ASK, price=ask, size=Size(size)),
    ]


def sample(seen: Seen, crowd: Book, mine: list[Quoted]) -> int:
    """Return what one minute earns."""
    assert seen.market.reward is not None
    return liquidity_sample(seen.market.reward, crowd, mine)


def copy_of(book: Book) -> Book:
    """Return a book that stands still."""
    copy = Book()
    copy.replace(dict(book.bids), dict(book.asks), book.changed_at)
    return copy


def test_nothing_is_paid_unless_asked_for() -> None:
    """Without the setting no market promises anything, and nothing is put on the agenda."""
    floor = a_floor(late(NO_REWARDS))
    seen = floor.market()
    quote(floor, seen)

    assert seen.market.reward is None
    assert [] == floor.go(2 * TEN_MINUTES / 10**6)
    assert NO_MONEY == floor.venue.ledger().rewards
    assert all(
        preset.rewards == NO_REWARDS for name, preset in PRESETS.items() if name != "rewards"
    )
    assert PRESETS["rewards"].rewards.rebates


def test_waiting_is_paid_at_midnight() -> None:
    """Ten samples of an unchanging book, scored against the crowd alone, are paid to the unit."""
    floor = a_floor(late(DAILY))
    seen = floor.market()
    crowd = copy_of(seen.book)
    mine = quote(floor, seen)
    early = floor.go(TEN_MINUTES / 10**6 - 1)
    told = floor.go(1)
    # The sample of midnight belongs to the next day.
    earned = 9 * sample(seen, crowd, mine)
    paid = earned - earned % 10**6
    name = f"{LIQUIDITY}-2026-11-02-{seen.market.id}"

    assert paid >= PAID_FROM
    assert [] == rewards_in(early)
    assert [Rewarded(name, LIQUIDITY, paid, seen.market.id)] == rewards_in(told)  # type: ignore[arg-type]  # a plain integer
    assert (paid, paid) == (floor.venue.ledger().cash, floor.venue.ledger().rewards)
    assert sample(seen, copy_of(seen.book), mine) < sample(seen, crowd, mine)


def test_every_day_and_market_is_a_payment_of_its_own() -> None:
    """No two payments have the same name, however many there are."""
    floor = a_floor(late(DAILY, families=("SIM-VOTE",)))
    for number in range(3):
        quote(floor, floor.market(number))
    paid = rewards_in(floor.go((TEN_MINUTES + DAY) / 10**6))

    assert 6 == len(paid) == len({fact.intent for fact in paid})
    assert sum(fact.amount for fact in paid) == floor.venue.ledger().rewards
    most = 3 * (SAMPLES_PER_DAY + 10) * DAILY.daily // SAMPLES_PER_DAY
    assert 0 < floor.venue.ledger().rewards < most


def test_only_what_waits_is_scored() -> None:
    """An order under way, cancelled, or in a market that is closed earns nothing."""
    under_way = a_floor(late(DAILY), latency=Duration(HOUR))
    quote(under_way, under_way.market())
    gone = a_floor(late(DAILY))
    quote(gone, gone.market())
    for name in ("o-1", "o-2"):
        gone.venue.cancel(name, gone.now)
    closed = a_floor(late(DAILY))
    seen = closed.market()
    quote(closed, seen)
    closed.venue._listed[seen.market.id].status = MarketStatus.CLOSED

    for floor in (under_way, gone, closed):
        assert [] == rewards_in(floor.go(TEN_MINUTES / 10**6))


def test_nobody_is_paid_for_an_outage() -> None:
    """While the venue is closed nothing is scored."""
    floor = a_floor(late(DAILY))
    quote(floor, floor.market())
    floor.venue._agenda.closed = True

    assert [] == rewards_in(floor.go(TEN_MINUTES / 10**6))


def test_less_than_a_dollar_is_not_paid() -> None:
    """A day's earnings below the least payment are lost, as at the venue."""
    floor = a_floor(late(attrs.evolve(DAILY, daily=money("20"))))
    quote(floor, floor.market())

    assert [] == rewards_in(floor.go(TEN_MINUTES / 10**6))
    assert NO_MONEY == floor.venue.ledger().rewards


def made(settings: SimSettings, **faults: Any) -> tuple[Floor, Seen, Price]:
    """Return a floor on which somebody took a thousand contracts that waited, and the NO price."""
    floor = a_floor(settings, **faults)
    seen = floor.market()
    price = Price(max(seen.book.asks) + 10_000)
    floor.send(seen, ONE_DOLLAR - price, leg=Leg.NO, style=Style.MAKER, size=100 * TEN)
    book = floor.venue._listed[seen.market.id].book
    book.take(Side.BID, price, Size(10**12), floor.now)
    floor.go(30)
    return floor, seen, Price(ONE_DOLLAR - price)


def test_makers_get_their_share_of_the_fees() -> None:
    """A maker's settled trade earns the published share of what its taker paid."""
    floor, seen, price = made(late(REBATES))
    before = floor.venue.ledger().cash
    paid = rewards_in(floor.go(TEN_MINUTES / 10**6))
    due = rebate(seen.market, price, Size(100 * TEN))

    assert seen.market.reward is None
    assert due >= PAID_FROM
    assert [(REBATE, due - due % 10**6)] == [(fact.kind, fact.amount) for fact in paid]
    assert floor.venue.ledger().cash == before + paid[0].amount


@pytest.mark.parametrize(
    ("settings", "faults"),
    [
        (late(REBATES, Rules.KALSHI), {}),
        (late(REBATES, Rules.PLAIN), {}),
        (late(REBATES), {"ghost_fill": 1.0}),
        (late(NO_REWARDS), {}),
    ],
    ids=["kalshi", "plain", "undone", "off"],
)
def test_nobody_else_gets_a_rebate(settings: SimSettings, faults: dict[str, float]) -> None:
    """Neither under rules that have none, nor for a trade that was undone."""
    floor, _, _ = made(settings, **faults)

    assert [] == rewards_in(floor.go(TEN_MINUTES / 10**6))


def test_takers_get_no_rebate() -> None:
    """What we took earns nothing, however much it is."""
    floor = a_floor(late(REBATES))
    for seen in floor.world.seen.values():
        floor.buy(seen, size=10**10)
    floor.go(30)
    shares = [
        rebate(s.market, f.price, f.size)
        for f in floor.venue.ledger().fills.values()
        for s in [floor.world.seen[f.market]]
    ]
    assert sum(shares) >= PAID_FROM

    assert [] == rewards_in(floor.go(TEN_MINUTES / 10**6))


def test_payments_may_be_late_and_repeated() -> None:
    """A payment told twice has one name, and one amount in the ledger."""
    floor = a_floor(late(DAILY), late_fact=1.0, late_by=Duration(MINUTE), repeated_fact=1.0)
    quote(floor, floor.market())
    early = rewards_in(floor.go(TEN_MINUTES / 10**6 + 59))
    told = rewards_in(floor.go(MINUTE / 10**6))

    assert [] == early
    assert 2 == len(told)
    assert told[0] == told[1]
    assert told[0].amount == floor.venue.ledger().rewards


def test_rewards_do_not_change_the_world() -> None:
    """What is paid besides trades changes neither books nor prints nor outcomes."""
    lively = attrs.evolve(late(NO_REWARDS), rate=0.05)
    quiet, paid = a_floor(lively), a_floor(attrs.evolve(lively, rewards=DAILY))
    for floor in (quiet, paid):
        floor.go(2 * TEN_MINUTES / 10**6)

    assert quiet.world.seen.keys() == paid.world.seen.keys()
    for name, seen in quiet.world.seen.items():
        other = paid.world.seen[name]
        assert (seen.book.bids, seen.book.asks) == (other.book.bids, other.book.asks)
        assert list(seen.prints) == list(other.prints)


def test_sales_that_wait_are_scored_like_purchases() -> None:
    """An exit that waits on the ask side stands there like an entry of the other leg."""
    floor = a_floor(late(DAILY, Rules.PLAIN))
    seen = floor.market()
    floor.buy(seen)
    floor.go(1)
    crowd = copy_of(seen.book)
    bid, ask = max(crowd.bids), min(crowd.asks)
    floor.send(seen, bid, style=Style.MAKER, lives=10**6)
    floor.send(seen, ask, purpose=Purpose.EXIT, style=Style.MAKER, lives=10**6)
    mine = [
        Quoted(side=Side.BID, price=bid, size=TEN),
        Quoted(side=Side.ASK, price=ask, size=TEN),
    ]
    (paid,) = rewards_in(floor.go(TEN_MINUTES / 10**6))
    due = 9 * sample(seen, crowd, mine)

    assert due - due % 10**6 == paid.amount


def test_terms_must_make_sense() -> None:
    """Nothing negative is promised."""
    with pytest.raises(ValueError, match="daily must not be negative"):
        Rewards(daily=money("-1"))
