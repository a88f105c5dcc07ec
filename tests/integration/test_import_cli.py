"""``market-bot import`` makes a tape of every format that can be traded and summed up."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from market_bot.adapters.kalshi import bbo_csv, ws_log
from market_bot.adapters.polymarket import five_minute, quotes_parquet, ticks_parquet
from market_bot.adapters.storage.tape import TapeWriter
from market_bot.core.ports.market_data import Capability
from market_bot.core.ports.recordings import ImportReport
from tests.fakes.bot_process import BotProcess, WarmBots, facts
from tests.fakes.kalshi_log import LogBuilder
from tests.unit.test_recordings_kalshi_bbo import quote_row
from tests.unit.test_recordings_kalshi_bbo import write as write_csv
from tests.unit.test_recordings_polymarket_five_minute import (
    record,
    tick,
    write_markets,
    write_prices,
)
from tests.unit.test_recordings_polymarket_quotes import quote, write_labels
from tests.unit.test_recordings_polymarket_quotes import write as write_quotes
from tests.unit.test_recordings_polymarket_ticks import OPENING, UP, trade
from tests.unit.test_recordings_polymarket_ticks import write as write_ticks


@attrs.frozen(kw_only=True)
class Recorded:
    """Files of one format, and how they are imported without the command line."""

    files: list[Path]
    work: Callable[..., ImportReport]
    venue: str
    claims: frozenset[Capability]
    metadata: list[Path] = attrs.field(factory=list)
    outcomes: list[Path] = attrs.field(factory=list)


def kalshi_ws(folder: Path) -> Recorded:
    """Return a websocket log with one line that is none."""
    log = LogBuilder().snapshot([("0.4800", "10.00")], [("0.5100", "2.50")])
    log.delta("yes", "0.4800", "-4.25").raw("{broken").trade("yes", "0.4900", "1.00")
    for number in range(20):
        log.delta("yes", "0.4700", f"{number + 1}.00")
    return Recorded(
        files=[log.write(folder / "log.ndjson.gz")],
        work=ws_log.import_ws_log,
        venue="kalshi",
        claims=ws_log.CAPABILITIES,
    )


def kalshi_bbo(folder: Path) -> Recorded:
    """Return quotes with one bad row."""
    rows = [quote_row("2,38,98,62", at=f"2025-12-09T07:04:{n:02}.5") for n in range(10)]
    path = write_csv(folder / "w.csv", bbo_csv.QUOTES_HEADER, *rows, quote_row("x,38,98,62"))
    return Recorded(
        files=[path],
        work=bbo_csv.import_bbo,
        venue="kalshi",
        claims=frozenset(bbo_csv.capabilities([path])),
    )


def polymarket_ticks(folder: Path) -> Recorded:
    """Return changes and a trade."""
    rows = [*OPENING, trade(5, UP, "BUY", "0.60", "3")]
    return Recorded(
        files=[write_ticks(folder / "ticks.parquet", rows)],
        work=ticks_parquet.import_ticks,
        venue="polymarket",
        claims=ticks_parquet.CAPABILITIES,
    )


def polymarket_quotes(folder: Path) -> Recorded:
    """Return quotes of two markets, one with an outcome."""
    rows = [quote(n, name, "0.4", "0.5") for n in range(5) for name in ("a", "b")]
    return Recorded(
        files=[write_quotes(folder / "quotes.parquet", rows)],
        work=quotes_parquet.import_quotes,
        venue="polymarket",
        claims=quotes_parquet.CAPABILITIES,
        outcomes=[write_labels(folder / "labels.parquet", [("a", 1, "gamma")])],
    )


def polymarket_5m(folder: Path) -> Recorded:
    """Return one five-minute market and its prices."""
    markets = write_markets(folder / "m.jsonl.gz", record())
    prices = write_prices(folder / "prices.csv", *(tick(second) for second in range(20)))
    return Recorded(
        files=[markets, prices],
        work=five_minute.import_five_minute,
        venue="polymarket",
        claims=five_minute.CAPABILITIES,
    )


FORMATS = {
    "kalshi-ws": kalshi_ws,
    "kalshi-bbo": kalshi_bbo,
    "polymarket-ticks": polymarket_ticks,
    "polymarket-quotes": polymarket_quotes,
    "polymarket-5m": polymarket_5m,
}


def imported(bots: WarmBots, name: str, recorded: Recorded, tape: Path) -> BotProcess:
    """Import at the command line."""
    words: list[object] = ["import", name, *recorded.files, "--output", tape, "--json"]
    for option, paths in (("--metadata", recorded.metadata), ("--outcomes", recorded.outcomes)):
        if paths:
            words += [option, *paths]
    return bots.run(*words)


@pytest.mark.parametrize("name", FORMATS)
def test_an_import_equals_importing_directly(tmp_path: Path, bots: WarmBots, name: str) -> None:
    """The tape of the command line holds the bytes that the importer alone would write."""
    recorded = FORMATS[name](tmp_path)
    tape, direct = tmp_path / "cli.tape.zst", tmp_path / "direct.tape.zst"

    bot = imported(bots, name, recorded, tape)
    source = f"{name}: {', '.join(sorted(path.name for path in recorded.files))}"
    with TapeWriter(direct, recorded.venue, source, recorded.claims) as writer:
        report = recorded.work(
            recorded.files, writer, metadata=recorded.metadata, outcomes=recorded.outcomes
        )

    assert 0 == bot.code, bot.stderr
    said = json.loads(bot.stdout)
    assert report.records == said["records"] > 0
    assert dict(report.dropped) == said["dropped"]
    assert direct.read_bytes() == tape.read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_an_imported_tape_is_traded_to_a_summary(tmp_path: Path, bots: WarmBots, name: str) -> None:
    """Every format can be run, proven, and read by a script."""
    recorded = FORMATS[name](tmp_path)
    tape, home = tmp_path / "a.tape.zst", tmp_path / "home"
    assert 0 == imported(bots, name, recorded, tape).code

    run = bots.run("run", "--home", home, "--tape", tape, "--no-web", "--json")

    assert 0 == run.code, run.stderr
    said = json.loads(run.stdout)
    assert "finished" == said["phase"]
    assert recorded.venue == said["venue"]
    claimed = facts(home)[0]["data"]["capabilities"]
    assert sorted(claim.value for claim in recorded.claims) == claimed
    assert 0 == bots.run("journal", "prove", "--home", home).code


@pytest.mark.parametrize("name", ["kalshi-ws", "kalshi-bbo"])
def test_bad_lines_are_counted(tmp_path: Path, bots: WarmBots, name: str) -> None:
    """A line that cannot be read is left out, and the person is told how many and why."""
    recorded = FORMATS[name](tmp_path)
    tape = tmp_path / "a.tape.zst"

    said = json.loads(imported(bots, name, recorded, tape).stdout)
    text = bots.run("import", name, *recorded.files, "-o", tape).stdout

    assert sum(said["dropped"].values()) > 0
    assert "left out: 1 × " in text
    assert f"next: market-bot run --tape {tape}" in text


def test_what_a_truncated_log_holds_is_kept(tmp_path: Path, bots: WarmBots) -> None:
    """Exit code 1 and one line, but the tape is there and can be traded."""
    log = LogBuilder().snapshot([("0.4800", "10.00")], [("0.5100", "2.50")])
    for number in range(20_000):
        log.delta("yes", "0.4700", f"{number * 7919 % 9973}.00")
    path = tmp_path / "log.ndjson.gz"
    path.write_bytes(gzip.compress(log.text().encode())[:-20_000])
    tape, home = tmp_path / "a.tape.zst", tmp_path / "home"

    bot = bots.run("import", "kalshi-ws", path, "-o", tape)

    assert 1 == bot.code
    (line,) = bot.stderr.splitlines()
    assert "log.ndjson.gz" in line
    assert tape.exists()
    assert 0 == bots.run("run", "--home", home, "--tape", tape, "--no-web").code


def test_a_failed_import_leaves_the_old_tape(tmp_path: Path, bots: WarmBots) -> None:
    """Nothing useful was read, so nothing is replaced and nothing half written stays."""
    tape = tmp_path / "a.tape.zst"
    assert 0 == imported(bots, "kalshi-ws", kalshi_ws(tmp_path), tape).code
    before = tape.read_bytes()
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"not parquet")

    bot = bots.run("import", "polymarket-ticks", bad, "-o", tape)

    assert 1 == bot.code
    assert 1 == len(bot.stderr.splitlines())
    assert before == tape.read_bytes()
    assert not list(tmp_path.glob("*.partial"))


def test_a_recording_is_never_overwritten(tmp_path: Path, bots: WarmBots) -> None:
    """Naming the recorded file as the tape is a slip of the keyboard."""
    recorded = kalshi_ws(tmp_path)
    before = recorded.files[0].read_bytes()

    bot = imported(bots, "kalshi-ws", recorded, recorded.files[0])

    assert 2 == bot.code
    assert before == recorded.files[0].read_bytes()
