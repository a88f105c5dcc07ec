"""The parsers against recorded answers, where there are any: every one of them, to the last."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from market_bot.adapters.kalshi.ladders import covers_everything
from market_bot.adapters.kalshi.parse_books import parse_orderbook
from market_bot.adapters.kalshi.parse_errors import parse_problem
from market_bot.adapters.kalshi.parse_events import parse_series_fee_changes
from market_bot.adapters.kalshi.parse_exchange import parse_exchange_status
from market_bot.adapters.kalshi.parse_limits import parse_account_limits, parse_endpoint_costs
from market_bot.adapters.kalshi.parse_markets import (
    Listing,
    MarketsPage,
    Reason,
    parse_market,
    parse_markets,
)
from market_bot.adapters.kalshi.parse_trades import parse_trades
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import price, size

pytestmark = pytest.mark.reference

DEMO = "fixtures/kalshi/recorded-demo-2026-06"
PROD = "fixtures/kalshi/verbatim-frames"


def recorded(folder: Path) -> list[tuple[str, int, bytes]]:
    """Return name, status and body of every recorded answer."""
    found = []
    for meta in sorted(folder.glob("*.meta.json")):
        body = meta.with_name(meta.name.replace(".meta.json", ".json"))
        if body.exists():
            status = json.loads(meta.read_bytes()).get("status", 0)
            found.append((body.stem, status, body.read_bytes()))
    return found


def pages(reference: Path) -> dict[str, MarketsPage]:
    paths = [path for path in (reference / DEMO).glob("markets__*.json") if path.is_file()]
    bodies = {path.stem: path.read_bytes() for path in paths if ".meta" not in path.name}
    return {name: parse_markets(body) for name, body in bodies.items() if b'"markets"' in body}


def test_every_market_of_every_page_is_read(reference: Path) -> None:
    """251 markets are listed, the two combos among them refused, and nothing is malformed."""
    found = pages(reference)
    counts = {name: len(page.listings) + len(page.refused) for name, page in found.items()}
    expected = {
        path.stem: len(json.loads(path.read_bytes())["markets"])
        for path in (reference / DEMO).glob("markets__*.json")
        if path.stem in found
    }
    reasons = Counter(one.reason for page in found.values() for one in page.refused)

    assert expected == counts
    assert 251 == sum(counts.values())
    assert {Reason.COMBO: 2} == reasons
    assert [] == [one for page in found.values() for each in page.listings for one in each.problems]


def test_the_older_generation_is_all_combos(reference: Path) -> None:
    """200 combos of February 2026 are recognised although fields of today are missing."""
    path = reference / "data/metadata-pages/kalshi_markets_200_2026-02.json.gz"
    page = parse_markets(gzip.decompress(path.read_bytes()))

    assert (0, {Reason.COMBO: 200}) == (
        len(page.listings),
        Counter(one.reason for one in page.refused),
    )


def test_single_markets(reference: Path) -> None:
    """Answers about one market are read with and without a key."""
    for name in ("markets__single", "markets__unauth_single"):
        found = parse_market((reference / DEMO / f"{name}.json").read_bytes())
        assert isinstance(found, Listing)
        assert MarketStatus.OPEN is found.status


def test_markets_before_they_begin_have_no_quotes(reference: Path) -> None:
    """The 0/0/1/1 of initialized markets is never a quote."""
    page = pages(reference)["markets__page1"]

    assert {MarketStatus.UNOPENED} == {one.status for one in page.listings}
    assert {None} == {one.hint for one in page.listings}


def test_recorded_results(reference: Path) -> None:
    """Settled markets say what they paid."""
    page = pages(reference)["markets__status_settled"]

    assert {price("0"), price("1")} == {one.yes_payout for one in page.listings}


def test_a_recorded_ladder_covers_every_degree(reference: Path) -> None:
    """The six brackets of a day of temperatures leave nothing out, in whole degrees only."""
    events: dict[str, list[Listing]] = {}
    for one in pages(reference)["markets__high_temp"].listings:
        events.setdefault(one.market.event, []).append(one)

    assert 3 == len(events)
    assert all(covers_everything(rungs, Decimal(1)) for rungs in events.values())
    assert not any(covers_everything(rungs, None) for rungs in events.values())
    assert not any(covers_everything(rungs[1:], Decimal(1)) for rungs in events.values())


def test_recorded_books(reference: Path) -> None:
    """Both recorded books are sound, and derived asks lie above the bids."""
    small = parse_orderbook((reference / DEMO / "orderbook__base.json").read_bytes())
    large = parse_orderbook((reference / PROD / "rest_prod_orderbook_2026-06-11.json").read_bytes())

    assert ({price("0.47"): size("3")}, {price("0.52"): size("3")}) == (small.bids, small.asks)
    assert (19, 22) == (len(large.bids), len(large.asks))
    assert (price("0.47"), price("0.52")) == (max(large.bids), min(large.asks))


def test_recorded_trades(reference: Path) -> None:
    """Every recorded trade is read."""
    body = (reference / DEMO / "trades__public_recorded.json").read_bytes()
    page = parse_trades(body)
    one: Any = json.loads((reference / PROD / "rest_prod_2026-09-26.json").read_bytes())["trade"]
    newer = parse_trades(json.dumps({"trades": [one]}).encode())

    assert (len(json.loads(body)["trades"]), ()) == (len(page.trades), page.malformed)
    assert page.trades
    assert (1, ()) == (len(newer.trades), newer.malformed)


def test_recorded_limits_and_statuses(reference: Path) -> None:
    """What the account may do and whether the exchange is open are read."""
    demo = reference / DEMO
    limits = parse_account_limits((demo / "account__limits.json").read_bytes())
    costs = parse_endpoint_costs((demo / "account__endpoint_costs.json").read_bytes())
    status = parse_exchange_status((demo / "exchange__status.json").read_bytes())
    changes = parse_series_fee_changes((demo / "series__fee_changes.json").read_bytes())
    orders = "/trade-api/v2/portfolio/events/orders"

    assert (200, 100) == (limits.reads.refill, limits.writes.refill)
    assert [2, 2, 10] == [
        costs.of("DELETE", f"{orders}/some-id"),
        costs.of("DELETE", f"{orders}/batched"),
        costs.of("POST", orders),
    ]
    assert MarketStatus.OPEN is status.of(0)
    assert () == changes.changes


def test_every_recorded_error_is_one_and_no_success_is(reference: Path) -> None:
    """Status and body agree in every recorded answer, in all shapes of errors."""
    answers = recorded(reference / DEMO)
    wrong = [
        name
        for name, status, body in answers
        if (parse_problem(body) is not None) is not (status >= 400)
    ]
    newer: Any = json.loads((reference / PROD / "errors_prod_and_demo_2026.json").read_bytes())

    assert len(answers) > 50
    assert [] == wrong
    assert all(parse_problem(json.dumps(one["body"]).encode()) for one in newer)
