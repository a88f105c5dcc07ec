"""Recordings of real markets, imported and replayed from end to end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from market_bot.adapters.kalshi import bbo_csv, ws_log
from market_bot.adapters.polymarket import ticks_parquet
from market_bot.adapters.storage.tape_writer import TapeWriter
from market_bot.bootstrap.replay_run import (
    Prepared,
    ReplayOptions,
    check_lookahead,
    prepare,
    run_replay,
)
from market_bot.core.domain.replay_report import canonical_json, report_of
from tests.property.test_replay import check_sums

pytestmark = pytest.mark.reference

GOLD = "data/kalshi-gold15m"
VARIANTS = ("small: sizing.order_usd=5", "wide: markets.max_spread=, sizing.order_usd=20")


def gold(reference: Path, tape: Path) -> None:
    """Import two windows of a websocket log: whole books and prints."""
    paths = sorted((reference / GOLD / "events").glob("*/*.gz"))[:2]
    with TapeWriter(tape, ws_log.VENUE, "gold", ws_log.CAPABILITIES) as writer:
        ws_log.import_ws_log(paths, writer, metadata=[reference / GOLD / "MARKETS.csv"])


def tickscope(reference: Path, tape: Path) -> None:
    """Import a quarter of an hour of six markets: whole books and prints."""
    paths = sorted((reference / "data/polymarket-tickscope").glob("*.parquet"))
    with TapeWriter(tape, ticks_parquet.VENUE, "ticks", ticks_parquet.CAPABILITIES) as writer:
        ticks_parquet.import_ticks(paths, writer)


def super_bowl(reference: Path, tape: Path) -> None:
    """Import an evening of best bids and asks with their sizes."""
    paths = sorted((reference / "data/kalshi-superbowl-bbo").glob("*.gz"))
    claims = bbo_csv.capabilities(paths)
    with TapeWriter(tape, bbo_csv.VENUE, "super bowl", claims) as writer:
        bbo_csv.import_bbo(paths, writer)


def prepared(tapes: Sequence[Path], **changes: Any) -> Prepared:
    """Return a replay of tapes with the default settings."""
    home = tapes[0].parent / "nowhere"
    return prepare(ReplayOptions(home=home, tapes=tuple(tapes), **changes))


@pytest.mark.parametrize("recording", [gold, tickscope, super_bowl])
@pytest.mark.parametrize("strategy", [None, "mean_reversion", "market_making"])
def test_real_recordings(
    reference: Path, tmp_path: Path, recording: Any, strategy: str | None
) -> None:
    """Whatever is traded, in every model: results add up, and twice they are the same bytes."""
    recording(reference, tmp_path / "real.tape.zst")
    plan = prepared([tmp_path / "real.tape.zst"], variants=VARIANTS, strategy=strategy)

    result, again = run_replay(plan), run_replay(plan)

    assert result.complete
    assert result.coverage.takers
    for variant in result.all_variants:
        for found in variant.models:
            check_sums(found)
            if not result.coverage.makers:
                assert 0 == found.fills or strategy is not None
    assert canonical_json(report_of(result)) == canonical_json(report_of(again))


@pytest.mark.parametrize("recording", [gold, tickscope])
def test_nobody_looks_ahead_in_real_recordings(
    reference: Path, tmp_path: Path, recording: Any
) -> None:
    """Neither the importers nor the strategies know what comes."""
    recording(reference, tmp_path / "real.tape.zst")

    found = check_lookahead(prepared([tmp_path / "real.tape.zst"]), 3)

    assert () == found.peeks
    assert found.compared > 100
