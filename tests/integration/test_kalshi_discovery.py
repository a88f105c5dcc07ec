"""Looking for markets at a venue on loopback."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from market_bot.adapters.kalshi.discovery import Discovery, Found, Scope
from market_bot.adapters.kalshi.errors import OutcomeUnknownError
from market_bot.adapters.kalshi.parse_markets import Reason
from market_bot.adapters.kalshi.rest import KalshiRest
from market_bot.core.domain.numbers import HOUR, Duration, parse_time
from tests.fakes.fake_kalshi import BAD_GATEWAY, FakeKalshi
from tests.fakes.kalshi_client import WaitingClock, a_client
from tests.fakes.kalshi_records import EVENT, SERIES, a_market, a_series, an_event, ladder

ONLY = Scope(series=(SERIES,))
ALL = Scope()


@pytest.fixture
def clock() -> WaitingClock:
    """Return the one clock of bot and venue."""
    return WaitingClock()


@pytest.fixture
def venue(clock: WaitingClock) -> Iterator[FakeKalshi]:
    """Return a venue with a ladder, a combo and another series."""
    with FakeKalshi(clock.now_ms) as fake:
        fake.markets = [
            *ladder(),
            a_market("KXOTHER-26-YES", floor_strike=None, cap_strike=None, strike_type="custom"),
            a_market("KXMVE-1-A", mve_collection_ticker="KXMVE-R"),
        ]
        fake.events = [an_event(), an_event("KXOTHER-26", mutually_exclusive=False)]
        fake.series = [a_series(), a_series("KXOTHER", fee_type="quadratic_with_maker_fees")]
        yield fake


@pytest.fixture
def client(venue: FakeKalshi, clock: WaitingClock) -> Iterator[KalshiRest]:
    """Return a client without a key."""
    client = a_client(clock, url=venue.url)
    yield client
    client.close()


def look(client: KalshiRest, clock: WaitingClock, scope: Scope, **options: Any) -> Found:
    return Discovery(client, clock, **options).look(scope)


def names(found: Found) -> list[str]:
    return sorted(one.market.id for one in found.listings)


def test_a_series(client: KalshiRest, clock: WaitingClock) -> None:
    """Event, family, title, fees and category of a market come from where they are known."""
    found = look(client, clock, ONLY, references={SERIES: "TEMP-NY"})
    market = next(one.market for one in found.listings if one.market.id.endswith("B50.5"))

    assert 4 == len(found.listings)
    assert (EVENT, SERIES, "TEMP-NY") == (market.event, market.family, market.reference)
    assert ("Highest temperature: 50 to 51", "Climate and Weather") == (
        market.title,
        market.category,
    )
    assert (70_000, 0) == (market.fees.taker_rate, market.fees.maker_rate)
    assert (found.complete, ()) == (True, found.problems)


def test_everything_without_combos(
    venue: FakeKalshi, client: KalshiRest, clock: WaitingClock
) -> None:
    """All markets of a window are found, over pages, and combos are not even asked for."""
    venue.page_size = 2
    found = look(client, clock, ALL)
    queries = venue.asked("/markets")

    assert 5 == len(found.listings)
    assert 3 == len(queries)
    assert {"exclude"} == {query["mve_filter"][0] for query in queries}
    assert (True, ()) == (found.complete, found.refused)
    assert 17_500 == next(
        one.market.fees.maker_rate for one in found.listings if one.market.family == "KXOTHER"
    )


def test_what_is_refused_is_named(
    venue: FakeKalshi, client: KalshiRest, clock: WaitingClock
) -> None:
    """A market we do not trade comes with its reason."""
    venue.markets.append(a_market(f"{EVENT}-X", settlement_bounds_type="floor"))
    found = look(client, clock, ONLY)

    assert [(f"{EVENT}-X", Reason.FLOOR_BOUNDED)] == [
        (one.ticker, one.reason) for one in found.refused
    ]


def test_exhaustive_only_if_proven(
    venue: FakeKalshi, client: KalshiRest, clock: WaitingClock
) -> None:
    """A whole ladder with the steps of its outcome is exhaustive; nothing less is."""
    steps = {SERIES: Decimal(1)}

    def exhaustive(scope: Scope, **options: Any) -> bool:
        found = look(client, clock, scope, **options)
        flags = {one.market.exhaustive for one in found.listings if one.market.event == EVENT}
        assert flags == {found.terms[EVENT].exhaustive}
        assert found.terms[EVENT].at_most_one
        return found.terms[EVENT].exhaustive

    assert exhaustive(ONLY, steps=steps)
    assert not exhaustive(ONLY)
    assert not exhaustive(ALL, steps=steps)  # Not all markets of the event need be in the window.
    venue.markets[0]["status"] = "closed"
    assert not exhaustive(ONLY, steps=steps)
    venue.markets[0]["status"] = "active"
    assert exhaustive(ONLY, steps=steps)
    venue.markets[1]["market_type"] = "scalar"
    assert not exhaustive(ONLY, steps=steps)
    del venue.markets[1]
    assert not exhaustive(ONLY, steps=steps)


def test_a_window(venue: FakeKalshi, client: KalshiRest, clock: WaitingClock) -> None:
    """Markets that close outside the window are left out, also where the venue sends them."""
    venue.markets[0]["close_time"] = "2026-12-01T13:00:00Z"
    venue.markets[1]["close_time"] = "2026-12-01T20:00:00Z"
    scope = Scope(
        series=(SERIES,), closes_after=Duration(2 * HOUR), closes_within=Duration(10 * HOUR)
    )

    assert [f"{EVENT}-B50.5"] == names(look(client, clock, scope))
    look(client, clock, Scope(closes_within=Duration(10 * HOUR)))
    (query,) = venue.asked("/markets")
    assert str(parse_time("2026-12-01T22:00:00Z") // 1_000_000) == query["max_close_ts"][0]


def test_what_is_over_is_not_found(
    venue: FakeKalshi, client: KalshiRest, clock: WaitingClock
) -> None:
    """Closed, determined and settled markets are no markets to trade; a strange status is told."""
    for market, status in zip(
        venue.markets, ["closed", "determined", "finalized", "dreaming"], strict=False
    ):
        market["status"] = status
    found = look(client, clock, ONLY)

    assert [f"{EVENT}-T53"] == names(found)
    assert "dreaming" in found.problems[0]


@pytest.mark.parametrize("trap", ["same_cursor", "empty_pages"])
def test_cursor_traps(
    venue: FakeKalshi, client: KalshiRest, clock: WaitingClock, trap: str
) -> None:
    """A circle or endless emptiness ends the look, which is then not complete."""
    setattr(venue, trap, True)
    venue.page_size = 1
    found = look(client, clock, ALL)

    assert not found.complete
    assert "may be missing" in found.problems[0]
    assert len(venue.requests) < 20


def test_limits(venue: FakeKalshi, client: KalshiRest, clock: WaitingClock) -> None:
    """A look at too much stops and says so."""
    venue.page_size = 1
    pages = look(client, clock, ALL, pages_max=2)
    entries = look(client, clock, Scope(markets_max=2))

    assert (False, False) == (pages.complete, entries.complete)
    assert "2 pages" in pages.problems[0]
    assert 3 == len(entries.listings)


def test_fees_that_will_change(venue: FakeKalshi, client: KalshiRest, clock: WaitingClock) -> None:
    """An override goes before the series; what is announced holds from its time."""
    venue.events[0]["fee_multiplier_override"] = 0.5
    venue.event_fee_changes.append(
        {
            "id": "1",
            "event_ticker": EVENT,
            "series_ticker": SERIES,
            "fee_type_override": None,
            "fee_multiplier_override": None,
            "scheduled_ts": "2026-12-01T18:00:00Z",
        }
    )
    discovery = Discovery(client, clock)
    found = discovery.look(ONLY)
    later = parse_time("2026-12-01T18:00:00Z")

    assert {35_000} == {one.market.fees.taker_rate for one in found.listings}
    assert later == found.fees_change_at
    assert 1 == discovery.terms_of(SERIES, EVENT, later).multiplier
    clock.pass_by(7 * HOUR)
    venue.events[0]["fee_multiplier_override"] = None
    again = discovery.look(ONLY)
    assert {70_000} == {one.market.fees.taker_rate for one in again.listings}
    assert again.fees_change_at is None


def test_a_series_nobody_tells_about_is_dear(
    venue: FakeKalshi, client: KalshiRest, clock: WaitingClock
) -> None:
    """Without its series a market is listed with the highest fees, and it is told."""
    venue.series.clear()
    found = look(client, clock, ONLY)

    assert {(70_000, 70_000)} == {
        (one.market.fees.taker_rate, one.market.fees.maker_rate) for one in found.listings
    }
    assert any("its fees are taken" in problem for problem in found.problems)


def test_a_market_without_its_event_is_left_out(
    venue: FakeKalshi, client: KalshiRest, clock: WaitingClock
) -> None:
    """Without the event it is not known what a market's risk is tied to."""
    del venue.events[1]
    found = look(client, clock, ALL)

    assert "KXOTHER-26-YES" not in names(found)
    assert any("its event is not told" in problem for problem in found.problems)


def test_many_series_are_asked_for_at_once(
    venue: FakeKalshi, client: KalshiRest, clock: WaitingClock
) -> None:
    """More than a handful of families cost one request, not one each."""
    for number in range(30):
        venue.markets.append(a_market(f"KX{number}-1-A"))
        venue.events.append(an_event(f"KX{number}-1"))
        venue.series.append(a_series(f"KX{number}"))
    found = look(client, clock, ALL)

    assert 35 == len(found.listings)
    assert 1 == len(venue.asked("/series"))


def test_a_venue_that_does_not_answer(
    venue: FakeKalshi, client: KalshiRest, clock: WaitingClock
) -> None:
    """A look that cannot be finished finds nothing rather than a part."""
    venue.faults.extend([BAD_GATEWAY] * 3)

    with pytest.raises(OutcomeUnknownError):
        look(client, clock, ALL)
