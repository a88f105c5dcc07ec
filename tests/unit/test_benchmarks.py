"""Every benchmark runs, at a scale that says nothing, and reports rows that can be read."""

import json
from pathlib import Path

import pytest

from benchmarks.command import catalogue, main
from benchmarks.measure import Times, child, interleave, quantile
from benchmarks.report import HEADINGS, cells, markdown, table
from benchmarks.rows import AtLeast, AtMost, Row, Verdict
from benchmarks.setting import Scale, Setting

BENCHMARKS = catalogue()


def tiny(folder: Path, rounds: int = 1) -> Setting:
    """Return a setting for so little work that its numbers mean nothing."""
    return Setting(folder=folder, rounds=rounds, scale=Scale.TINY)


@pytest.mark.slow
@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_runs(name: str, tmp_path: Path) -> None:
    """A benchmark gives rows with a measured number or a reason why there is none."""
    rows = list(BENCHMARKS[name].measure(tiny(tmp_path)))

    assert rows
    for row in rows:
        assert row.measures
        assert bool(row.skipped) is (row.ours is None)
        assert row.skipped or (row.ours is not None and row.ours > 0)
        assert row.goal is None or row.ratio is not None
        assert len(HEADINGS) == len(cells(row))


def test_the_command_writes_what_it_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table goes to the terminal, the same rows with the machine to a JSON file."""
    row = Row(measures="a thing", ours=2.0, peer_name="peer", peer=4.0, unit="ms", ratio=0.5)
    benchmark = type(BENCHMARKS["start_up"])(
        name="start_up", summary="stands in", measure=lambda _: iter([row])
    )
    monkeypatch.setattr("benchmarks.command.catalogue", lambda: {"start_up": benchmark})
    target = tmp_path / "rows.json"

    assert main(["--only", "start_up", "--json", str(target), "--folder", str(tmp_path)]) == 0

    written = json.loads(target.read_text())
    assert [row.plain()] == written["rows"]["start_up"]
    assert {"system", "python", "load"} <= written["machine"].keys()
    assert "a thing" in capsys.readouterr().out


def test_a_goal_decides_the_verdict() -> None:
    """A ratio at its limit meets the goal, beyond it misses, and a skipped row is neither."""
    assert Row(measures="x", ratio=1.6, goal=AtMost(1.6)).verdict is Verdict.MET
    assert Row(measures="x", ratio=1.61, goal=AtMost(1.6)).verdict is Verdict.MISSED
    assert Row(measures="x", ratio=0.6, goal=AtLeast(0.6)).verdict is Verdict.MET
    assert Row(measures="x", ratio=0.59, goal=AtLeast(0.6)).verdict is Verdict.MISSED
    assert Row(measures="x", ratio=9.0).verdict is Verdict.LOGGED
    assert Row(measures="x", goal=AtMost(1), skipped="why").verdict is Verdict.SKIPPED


def test_ratios_are_taken_within_rounds() -> None:
    """A slow round hits both sides, so the ratio is the median of the rounds' own quotients."""
    times = Times({"ours": [2.0, 20.0, 3.0], "peer": [1.0, 10.0, 1.0]})

    slower = times.row("x", "ours", "peer", units=1000, unit="things", goal=AtMost(2))
    faster = times.row("x", "ours", "peer", units=1000, unit="things", goal=AtLeast(1))

    assert (slower.ratio, slower.ours, slower.peer) == (2.0, 1 / 3, 1.0)
    assert faster.ratio == pytest.approx(0.5)


def test_sides_take_turns(tmp_path: Path) -> None:
    """Every side runs once a round, and no side is always the first."""
    order: list[str] = []

    interleave(
        tiny(tmp_path, rounds=2),
        {"a": lambda: order.append("a"), "b": lambda: order.append("b")},
        warm=False,
    )

    assert ["a", "b", "b", "a"] == order


def test_a_quantile_is_a_measured_value() -> None:
    """The value returned is one of those given, also at the ends."""
    ordered = [float(value) for value in range(1, 101)]

    assert (1.0, 51.0, 100.0) == (
        quantile(ordered, 0),
        quantile(ordered, 0.5),
        quantile(ordered, 1),
    )


def test_a_failing_child_is_told() -> None:
    """A measurement of a program that failed is worth nothing."""
    with pytest.raises(RuntimeError, match="no such luck"):
        child("raise SystemExit('no such luck')")


def test_tables_hold_every_row() -> None:
    """The terminal's table and the Markdown one have a line for each row."""
    rows = [Row(measures=f"row {n}", ours=1.0, note="why") for n in range(3)]

    for text in (table(rows), markdown(rows)):
        assert all(row.measures in text for row in rows)
        assert "why" in text
