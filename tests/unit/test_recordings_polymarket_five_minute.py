"""Recorded five-minute markets: terms, outcomes and the price that settles them."""

import gzip
import json
from pathlib import Path

import pytest

from market_bot.adapters.polymarket.five_minute import (
    CAPABILITIES,
    PRICES_HEADER,
    import_five_minute,
)
from market_bot.adapters.polymarket.gamma_records import (
    LINE_BYTES_MAX,
    decode,
    fees,
    gamma_market,
    read_gamma,
)
from market_bot.core.domain.market import FeeModel, FeeSchedule, MarketStatus
from market_bot.core.domain.numbers import price, size
from market_bot.core.ports.recordings import RecordingError
from tests.fakes.fact_sink import FactSink

OPENS = 1_780_876_500
CLOSES = OPENS + 300
ID = "0x6fa1"


def record(**changes: object) -> dict[str, object]:
    """Return one line of a market file."""
    raw = {
        "conditionId": ID,
        "slug": f"btc-updown-5m-{OPENS}",
        "question": "Bitcoin Up or Down?",
        "clobTokenIds": '["11", "22"]',
        "outcomes": '["Up", "Down"]',
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "feesEnabled": True,
        "feeSchedule": {"rate": 0.07, "exponent": 1, "takerOnly": True, "rebateRate": 0.2},
        "closedTime": "2026-06-08 00:00:16+00",
        "endDate": "2026-06-08T00:00:00Z",
    }
    return {
        "slug": raw["slug"],
        "asset": "btc",
        "start_sec": OPENS,
        "end_sec": CLOSES,
        "resolved": True,
        "outcome_prices": ["1", "0"],
        "strike_value": "63123544863797618000000",
        "raw": raw | changes.pop("raw", {}),  # type: ignore[operator] # always a dict here
    } | changes


def write_markets(path: Path, *records: dict[str, object]) -> Path:
    """Write a market file."""
    path.write_bytes(gzip.compress("".join(json.dumps(r) + "\n" for r in records).encode()))
    return path


def write_prices(path: Path, *rows: str) -> Path:
    """Write a price file."""
    path.write_text("\n".join([PRICES_HEADER, *rows]) + "\n")
    return path


def tick(second: int, exact: str = "63304200301195075000000", late_ms: int = 1156) -> str:
    """Return one row of a price file."""
    fed = (OPENS + second) * 1000
    return f"{fed},63304.20030119507,{exact},{fed + 900},{fed + late_ms}"


def test_claims_nothing() -> None:
    """Without books nothing may be traded on this."""
    assert frozenset() == CAPABILITIES


def test_market_has_exact_terms(tmp_path: Path) -> None:
    """Strike, grid, sizes and fees come from the record, through decimals."""
    sink = FactSink()
    import_five_minute([write_markets(tmp_path / "m.jsonl.gz", record())], sink)
    market = sink.markets[ID]

    assert "63123.544863797618" == market.strike
    assert FeeSchedule(FeeModel.POLYMARKET_CURVE, 70_000, 0, 1) == market.fees
    assert (price("0.01"), size(5)) == (market.tick_at(price("0.5")), market.min_size)
    assert (OPENS * 1_000_000, CLOSES * 1_000_000) == (market.open_at, market.close_at)
    assert (f"btc-updown-5m-{OPENS}", "btc-updown-5m") == (market.event, market.family)


def test_life_is_told_in_order_with_the_prices(tmp_path: Path) -> None:
    """Announced when it opens, closed when it ends, resolved when the venue closed it."""
    sink = FactSink()
    prices = write_prices(tmp_path / "BTCUSD-prices-x.csv", tick(-5), tick(100), tick(305))
    markets = write_markets(tmp_path / "m.jsonl.gz", record())
    report = import_five_minute([markets, prices], sink)

    assert ["reference", "meta", "reference", "status", "reference", "resolution"] == [
        fact[0] for fact in sink.facts
    ]
    assert [(CLOSES * 1_000_000, ID, MarketStatus.CLOSED)] == sink.of("status")
    assert [((CLOSES + 16) * 1_000_000, ID, price(1))] == sink.of("resolution")
    assert (6, 1) == (report.records, report.markets)


def test_reference_price_is_exact(tmp_path: Path) -> None:
    """The fixed-point value becomes a decimal string; both times are kept."""
    sink = FactSink()
    import_five_minute([write_prices(tmp_path / "ETHUSD-prices.csv", tick(0))], sink)

    assert [
        ((OPENS * 1000 + 1156) * 1000, "ETH-USD", "63304.200301195075", OPENS * 1_000_000)
    ] == sink.of("reference")


def test_rounded_price_stands_in(tmp_path: Path) -> None:
    """Without the exact value the printed one is taken as it is printed."""
    sink = FactSink()
    import_five_minute([write_prices(tmp_path / "BTCUSD-prices.csv", tick(0, exact=""))], sink)

    assert "63304.20030119507" == sink.of("reference")[0][2]


def test_receive_time_never_steps_back(tmp_path: Path) -> None:
    """The feed overtakes itself now and then; that is counted."""
    sink = FactSink()
    path = write_prices(tmp_path / "BTCUSD-prices.csv", tick(0, late_ms=5000), tick(1))
    report = import_five_minute([path], sink)

    assert {"time_stepped_back": 1} == report.mended
    assert 2 == len(sink.of("reference"))


@pytest.mark.parametrize("row", ["1,2", tick(0, exact="-5"), tick(0, exact="x"), "0,1,1,1,0"])
def test_bad_prices_are_counted(tmp_path: Path, row: str) -> None:
    """A price that cannot be read is no price."""
    path = write_prices(tmp_path / "BTCUSD-prices.csv", row, tick(1))

    assert {"malformed_row": 1} == import_five_minute([path], FactSink()).dropped


def test_missing_strike_is_counted(tmp_path: Path) -> None:
    """Some windows have no strike; it stays unknown."""
    sink = FactSink()
    path = write_markets(tmp_path / "m.jsonl.gz", record(strike_value=None))
    report = import_five_minute([path], sink)

    assert {"strike_missing": 1} == report.mended
    assert sink.markets[ID].strike is None


def test_unresolved_market_has_no_outcome(tmp_path: Path) -> None:
    """Outcome prices of an unresolved market are quotes."""
    sink = FactSink()
    path = write_markets(tmp_path / "m.jsonl.gz", record(resolved=False))
    import_five_minute([path], sink)

    assert [] == sink.of("resolution")


def test_outcome_without_closing_time_comes_at_the_end_of_the_window(tmp_path: Path) -> None:
    """The window's own end is the earliest it can be known."""
    sink = FactSink()
    path = write_markets(tmp_path / "m.jsonl.gz", record(raw={"closedTime": None}))
    import_five_minute([path], sink)

    assert CLOSES * 1_000_000 == sink.of("resolution")[0][0]


@pytest.mark.parametrize(
    "changes",
    [
        {"raw": {"clobTokenIds": '["1"]'}},
        {"outcome_prices": ["2", "0"]},
        {"strike_value": "x"},
        {"end_sec": OPENS},
    ],
)
def test_bad_markets_are_counted(tmp_path: Path, changes: dict[str, object]) -> None:
    """A record that lacks what it needs is left out, the others stay."""
    sink = FactSink()
    path = write_markets(tmp_path / "m.jsonl.gz", record(), record(**changes))
    report = import_five_minute([path], sink)

    assert {"malformed_market": 1} == report.dropped
    assert 1 == report.markets


def test_truncated_files_keep_what_was_read(tmp_path: Path) -> None:
    """Records before the cut are imported; the error carries the report."""
    records = [
        record(start_sec=OPENS + n % 200, raw={"conditionId": f"0x{n:x}"}) for n in range(3000)
    ]
    path = write_markets(tmp_path / "m.jsonl.gz", *records)
    path.write_bytes(path.read_bytes()[:-900])

    with pytest.raises(RecordingError, match="cut off") as caught:
        import_five_minute([path], FactSink())

    assert caught.value.report is not None
    assert caught.value.report.markets > 100


@pytest.mark.parametrize("text", ["", "a,b\n", "{}\n", "[1]\n"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    """A file of neither kind names itself, its line and what was expected."""
    path = tmp_path / "x.txt"
    path.write_text(text)

    with pytest.raises(RecordingError, match=r"x\.txt:1: expected JSON lines"):
        import_five_minute([path], FactSink())


def test_prices_of_unknown_asset_are_refused(tmp_path: Path) -> None:
    """A reference price must have a name."""
    path = write_prices(tmp_path / "prices.csv", tick(0))

    with pytest.raises(RecordingError, match="which asset"):
        import_five_minute([path], FactSink())


def test_market_file_names_the_asset(tmp_path: Path) -> None:
    """The one asset of the markets names prices whose file does not."""
    sink = FactSink()
    prices = write_prices(tmp_path / "prices.csv", tick(0))
    import_five_minute([prices, write_markets(tmp_path / "m.jsonl", record())], sink)

    assert "BTC-USD" == sink.of("reference")[0][1]


def test_extra_options_are_refused(tmp_path: Path) -> None:
    """An option that would be ignored is refused instead."""
    with pytest.raises(RecordingError, match="bring their own"):
        import_five_minute([], FactSink(), metadata=[tmp_path / "x"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '{"feeSchedule": {"rate": 0.05, "exponent": 2, "takerOnly": false}}',
            FeeSchedule(FeeModel.POLYMARKET_CURVE, 50_000, 50_000, 2),
        ),
        ('{"feesEnabled": false}', FeeSchedule(FeeModel.POLYMARKET_CURVE)),
        ('{"feesEnabled": true}', FeeSchedule(FeeModel.POLYMARKET_CURVE, 70_000)),
        ("{}", FeeSchedule(FeeModel.POLYMARKET_CURVE, 70_000)),
    ],
)
def test_fees_are_the_market_s_own(text: str, expected: FeeSchedule) -> None:
    """What the record says is charged; a record that does not say is charged the highest."""
    assert expected == fees(decode(text))


@pytest.mark.parametrize(
    "schedule", ['{"exponent": 1}', '{"rate": "x"}', '{"rate": 0.07, "exponent": 1.5}']
)
def test_fees_not_understood_are_refused(schedule: str) -> None:
    """A curve nobody has heard of is not taken for another."""
    with pytest.raises(ValueError, match="feeSchedule"):
        fees(decode(f'{{"feeSchedule": {schedule}}}'))


def test_records_come_in_three_wrappings(tmp_path: Path) -> None:
    """A list, an answer with `markets`, or wrapped lines hold the same records."""
    raw = record()["raw"]
    files = [tmp_path / name for name in ("list.json", "page.json", "lines.jsonl")]
    for path, text in zip(
        files,
        (json.dumps([raw]), json.dumps({"markets": [raw]}), json.dumps(record())),
        strict=True,
    ):
        path.write_text(text + "\n")

    assert [ID] * 3 == [found.market.id for found in read_gamma(files)]


@pytest.mark.parametrize("text", ["{", "[3]", '{"markets": 3}', "{}"])
def test_other_records_are_refused(tmp_path: Path, text: str) -> None:
    """A file that describes no markets is refused by name."""
    path = tmp_path / "gamma.json"
    path.write_text(text)

    with pytest.raises(RecordingError, match=r"gamma\.json"):
        read_gamma([path])


def test_second_protocol_has_positions() -> None:
    """Newer records list position ids instead of tokens."""
    found = gamma_market({"conditionId": "0x1", "positionIds": ["7", "8"]})

    assert ("7", "8") == found.tokens


def test_a_compressed_line_without_end_is_refused(tmp_path: Path) -> None:
    """A small file that unpacks to a line of gigabytes is not unpacked."""
    path = tmp_path / "gamma.json.gz"
    path.write_bytes(gzip.compress(b"[" + b" " * LINE_BYTES_MAX, compresslevel=1))

    with pytest.raises(RecordingError, match="a line longer than"):
        read_gamma([path])
