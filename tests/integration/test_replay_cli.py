"""``market-bot replay`` as people and scripts use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.bootstrap.replay_run import (
    MODELS,
    ReplayError,
    ReplayOptions,
    prepare,
    run_replay,
    wanted_variants,
)
from market_bot.core.domain.replay_report import canonical_json, report_of
from market_bot.core.domain.replay_result import CURVE_POINTS
from tests.fakes.bot_process import WarmBots
from tests.fakes.small_market import write_small_tape
from tests.property.test_replay import check_sums

GAIN = "strategies.bias_harvest.params.gain"
TIGHT = "tight: markets.max_spread=0.02, cooldown.after_exit_seconds=0"


def options(tape: Path, **changes: Any) -> ReplayOptions:
    """Return the replay of a tape with the default settings and two variants."""
    chosen = ReplayOptions(
        home=tape.parent / "nowhere",
        tapes=(tape,),
        sets=("sizing.order_usd=5", f"{GAIN}=1.3"),
        variants=(TIGHT,),
    )
    return attrs.evolve(chosen, **changes)


def test_a_replay_adds_up(tape: Path) -> None:
    """Base and variants trade, win and lose; every part of every result is the whole."""
    result = run_replay(prepare(options(tape)))

    assert result.complete
    assert ["base", "changed", "tight"] == [variant.name for variant in result.all_variants]
    assert 2 == len(result.coverage.days)
    assert TapeReader(tape).sha256 == result.tapes[0].sha256
    for variant in result.all_variants:
        assert MODELS == tuple(found.model for found in variant.models)
        low, high = variant.band
        assert low <= variant.told.pnl <= high
        for found in variant.models:
            check_sums(found)
            assert 0 < len(found.curve) <= CURVE_POINTS
    base, changed, tight = (variant.told for variant in result.all_variants)
    assert base.trades
    assert base.forecasts.entries
    assert base.max_exposure > changed.max_exposure
    assert 3 == len({base.config, changed.config, tight.config})
    told = [(c.path, c.before, c.after) for c in changed.settings]
    assert [("sizing.order_usd", "10", "5"), (GAIN, "1.15", "1.3")] == told


def test_the_same_replay_gives_the_same_bytes(tape: Path) -> None:
    """Twice the same JSON, and what is known of a variant does not depend on its company."""
    first, again = (canonical_json(report_of(run_replay(prepare(options(tape))))) for _ in range(2))
    alone = run_replay(prepare(options(tape, sets=(), models=("pessimistic",))))

    assert first == again
    assert run_replay(prepare(options(tape))).variants[1].told == alone.variants[0].told


def test_a_recording_in_two_files_is_one(tape: Path, tmp_path: Path) -> None:
    """Files in the order of playing, or their folder, replay as one recording."""
    early = write_small_tape(tmp_path / "2026-11-02.jsonl.zst", markets=3)
    late = write_small_tape(tmp_path / "2026-11-03.jsonl.zst", markets=12, seed=5)

    named = run_replay(prepare(options(tape, tapes=(early, late), models=("pessimistic",))))
    folder = run_replay(prepare(options(tape, tapes=(tmp_path,), models=("pessimistic",))))

    assert named == folder
    assert 2 == len(named.tapes)


def test_what_is_known_by_then_is_told(tape: Path) -> None:
    """Stopped early, the results are those of the ticks so far, and say that they are not all."""
    left = iter([False] * 100)
    stopped = run_replay(
        prepare(options(tape, models=("pessimistic",))), stop=lambda: next(left, True)
    )

    assert (False, 100) == (stopped.complete, stopped.ticks)
    for variant in stopped.all_variants:
        assert variant.told.pnl == sum(variant.told.per_event.values())


def test_a_tape_that_breaks_off_is_told_with_what_it_held(tape: Path, tmp_path: Path) -> None:
    """What was read is true; that it is not all is said in the notes."""
    torn = tmp_path / "torn.tape.zst"
    torn.write_bytes(tape.read_bytes()[:-200])
    result = run_replay(prepare(options(tape, tapes=(torn,), models=("pessimistic",))))

    assert any("torn.tape.zst" in note for note in result.notes)
    assert 0 < result.ticks


def test_people_get_a_table_and_a_page(bots: WarmBots, tape: Path, tmp_path: Path) -> None:
    """Everything that was asked for is in both; the exit code says that all went well."""
    page = tmp_path / "page.html"
    words = ("replay", "--home", tmp_path / "none", "--tape", tape, "--variant", TIGHT)
    told = bots.run(*words, "--set", "sizing.order_usd=5", "--html", page)

    assert 0 == told.code, told.stderr
    for name in ("base", "changed", "tight"):
        assert name in told.stdout
        assert name in page.read_text(encoding="utf-8")
    assert "default settings" in " ".join(told.stdout.split())


def test_scripts_get_json(bots: WarmBots, tape: Path, tmp_path: Path) -> None:
    """Two runs of the command print the same bytes and nothing else."""
    words = ("replay", "--home", tmp_path, "--tape", tape, "--set", "sizing.order_usd=5", "--json")
    first, again = (bots.run(*words) for _ in range(2))

    assert first.stdout == again.stdout
    assert ["changed"] == [variant["name"] for variant in json.loads(first.stdout)["variants"]]
    assert "" == first.stderr


def test_a_tape_is_checked_for_looking_ahead(bots: WarmBots, tape: Path, tmp_path: Path) -> None:
    """Nothing of ours looks ahead; as text and as JSON."""
    words = ("replay", "--check-lookahead", "--home", tmp_path, "--tape", tape, "--cuts", 3)
    told, data = bots.run(*words), bots.run(*words, "--json")

    assert (0, 0) == (told.code, data.code)
    assert "stayed the same" in told.stdout
    found = json.loads(data.stdout)
    assert (3, [], True) == (len(found["cuts"]), found["peeks"], found["complete"])
    assert found["compared"] > 100


@pytest.mark.parametrize(
    ("words", "needle"),
    [
        ((), "--tape FILE"),
        (("--tape", "missing.tape.zst"), "no such tape"),
        (("--set", "sizing.order_usd=-1"), "--set sizing.order_usd=-1: must be above 0"),
        (("--set", "sizing.order_usd"), "sizing.order_usd=5"),
        (("--variant", "tight"), "--variant 'tight'"),
        (("--variant", "tight:"), "changes nothing"),
        (("--variant", "a: sizing.order_usd=1", "--variant", "a: sizing.order_usd=2"), "taken"),
        (("--variant", "base: sizing.order_usd=1"), "taken"),
        (("--set", "loop.interval_ms=5"), "same for everything"),
        (("--config", "missing.yaml"), "no such file"),
        (("--strategy", "nobody"), "--strategy nobody: no strategy is called 'nobody'"),
        (("--tried", "-1"), "--tried -1"),
        (("--html", "no/such/folder/page.html"), "does not exist"),
        (("--check-lookahead", "--cuts", "0"), "--cuts 0"),
    ],
)
def test_what_was_not_meant_is_refused(
    bots: WarmBots, tape: Path, tmp_path: Path, words: tuple[str, ...], needle: str
) -> None:
    """One line says what is wrong and what to do; the exit code is that of bad usage."""
    given = () if not words or "--tape" in words else ("--tape", tape)
    told = bots.run("replay", "--home", tmp_path, *given, *words)

    assert 2 == told.code
    (line,) = told.stderr.splitlines()
    assert needle in line


def test_one_strategy_alone(tape: Path) -> None:
    """One that is not in the settings trades with its defaults; the limits stay."""
    found = prepare(options(tape, strategy="mean_reversion", sets=(), variants=()))

    (active,) = found.base.strategies
    assert "mean_reversion" == active.strategy.name


def test_a_variant_may_hold_lists() -> None:
    """Commas part changes, but not within brackets or quotes."""
    text = "a b: markets.families_include=[A, 'B,C'], sizing.order_usd=5"
    (wanted,) = wanted_variants((), (text,))

    assert ["[A, 'B,C']", "5"] == [change.value for change in wanted.changes]
    assert "a b" == wanted.name


def test_there_is_a_limit_to_variants() -> None:
    """One pass does not take any number of them."""
    with pytest.raises(ReplayError, match="at most 200"):
        wanted_variants((), [f"v{n}: sizing.order_usd=5" for n in range(201)])
