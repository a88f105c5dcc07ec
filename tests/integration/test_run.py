"""``market-bot run`` from outside: what it prints, writes and returns."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.fakes.bot_process import WarmBots, chain_files, facts, folder_bytes, wait_until
from tests.fakes.small_market import write_small_tape

KEYS = {
    "brier",
    "coverage",
    "denials",
    "equity",
    "error",
    "errors",
    "exits",
    "failures",
    "fees",
    "filled_contracts",
    "fills",
    "from",
    "journal_head",
    "lane",
    "open_positions",
    "orders",
    "phase",
    "pnl_marked",
    "pnl_realised",
    "pnl_total",
    "run",
    "scans",
    "seconds",
    "signals",
    "to",
    "turnover",
    "venue",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, bots: WarmBots, tape: Path) -> Path:
    """Return the home of a run that nobody interrupted; only read."""
    home = tmp_path_factory.mktemp("whole") / "home"
    assert 0 == bots.run("run", "--home", home, "--tape", tape, "--no-web").code
    return home


def test_two_runs_are_identical_byte_for_byte(
    tmp_path: Path, bots: WarmBots, tape: Path, whole: Path
) -> None:
    """The same tape and settings give the same journal on another home, over two days."""
    home = tmp_path / "home"

    assert 0 == bots.run("run", "--home", home, "--tape", tape, "--no-web").code

    assert chain_files(whole) == chain_files(home)
    assert 2 == len(chain_files(home))


def test_json_is_one_object_with_everything(tmp_path: Path, bots: WarmBots, tape: Path) -> None:
    """Nothing but JSON goes to standard output; every number of the summary is there."""
    bot = bots.run("run", "--home", tmp_path / "home", "--tape", tape, "--no-web", "--json")

    assert 0 == bot.code
    assert "" == bot.stderr
    (line,) = bot.stdout.splitlines()
    said = json.loads(line)
    assert set(said) >= KEYS
    assert [] == said["failures"]
    assert "finished" == said["phase"]


@pytest.mark.parametrize("ticks", [1, 40, 121, 122, 281, 100_000])
def test_stopped_after_some_ticks_and_continued_is_the_same(
    tmp_path: Path, bots: WarmBots, tape: Path, whole: Path, ticks: int
) -> None:
    """`--ticks` ends in order anywhere, also at midnight; the next run goes on from there."""
    home = tmp_path / "home"

    first = bots.run("run", "--home", home, "--tape", tape, "--no-web", "--ticks", ticks)
    scans = sum(fact["type"] == "scan" for fact in facts(home))
    second = bots.run("run", "--home", home, "--tape", tape, "--no-web")

    assert 0 == first.code
    assert min(ticks, 281) == scans
    assert 0 == second.code or "traded to the end" in second.stderr
    assert chain_files(whole) == chain_files(home)


def test_ticks_count_from_where_the_run_goes_on(
    tmp_path: Path, bots: WarmBots, tape: Path, whole: Path
) -> None:
    """The same command with `--ticks` again and again gets to the end of the tape."""
    home = tmp_path / "home"
    words = ("run", "--home", home, "--tape", tape, "--no-web", "--ticks", 100)

    codes = [bots.run(*words).code for _ in range(3)]

    assert [0, 0, 0] == codes
    assert chain_files(whole) == chain_files(home)


def test_a_finished_run_is_refused_and_fresh_begins_another(
    tmp_path: Path, bots: WarmBots, tape: Path
) -> None:
    """What was traded to the end is not traded twice by accident; `--fresh` says it is meant."""
    home = tmp_path / "home"
    words = ("run", "--home", home, "--tape", tape, "--no-web")
    assert 0 == bots.run(*words).code
    before = chain_files(home)

    again = bots.run(*words)
    fresh = bots.run(*words, "--fresh")

    assert 1 == again.code
    (line,) = again.stderr.splitlines()
    assert "--fresh" in line
    assert 0 == fresh.code
    after = chain_files(home)
    assert before == {name: after[name] for name in before}
    assert 2 * len(before) == len(after)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal_it_says_how_it_went_and_goes_on_later(
    tmp_path: Path, bots: WarmBots, tape: Path, whole: Path, number: signal.Signals
) -> None:
    """Ctrl-C is an orderly end: a summary, exit code 0, and nothing is lost for the next run."""
    home = tmp_path / "home"
    words = ("run", "--home", home, "--tape", tape, "--no-web")
    bot = bots.start(*words, "--speed", 40)
    assert wait_until(lambda: folder_bytes(home / "journal" / "kalshi") > 0 or bot.over())

    bot.signal(number)

    assert 0 == bot.wait(), bot.stderr
    assert "not finished" in bot.stdout
    assert "scans" in bot.stdout
    assert "" == bot.stderr
    second = bots.run(*words)
    assert 0 == second.code
    assert "going on with run" in second.stdout
    assert chain_files(whole) == chain_files(home)


def test_a_resumed_paced_run_does_not_wait_for_what_was_traded(
    tmp_path: Path, bots: WarmBots, tape: Path
) -> None:
    """The pace counts from where the run goes on, not from the beginning of the tape."""
    home = tmp_path / "home"
    words = ("run", "--home", home, "--tape", tape, "--no-web")
    # At this speed the traded part alone would take longer than a test may.
    assert 0 == bots.run(*words, "--ticks", 280).code

    second = bots.run(*words, "--speed", 1, "--ticks", 1)

    assert 0 == second.code
    assert "281" in second.stdout


def test_another_seed_is_another_run(tmp_path: Path, bots: WarmBots, tape: Path) -> None:
    """The seed is an input: ids differ, so the run has a chain of its own."""
    home = tmp_path / "home"
    words = ("run", "--home", home, "--tape", tape, "--no-web")

    assert 0 == bots.run(*words).code
    assert 0 == bots.run(*words, "--seed", 1).code

    assert 4 == len(chain_files(home))
    ids = [f["data"]["intent"] for f in facts(home) if f["type"] == "order_intent"]
    assert len(ids) == len(set(ids))


def test_two_tapes_are_traded_one_after_the_other(tmp_path: Path, bots: WarmBots) -> None:
    """Several tapes of a venue make one run."""
    first = write_small_tape(tmp_path / "a.tape.zst", markets=3)
    second = write_small_tape(tmp_path / "b.tape.zst", markets=4, seed=2)
    home = tmp_path / "home"

    bot = bots.run("run", "--home", home, "--tape", first, second, "--no-web")

    assert 0 == bot.code, bot.stderr
    assert 2 == len(facts(home)[0]["data"]["inputs"])


def test_init_twice_changes_nothing(tmp_path: Path, bots: WarmBots) -> None:
    """A home that is there is left alone, down to the instance id."""
    home = tmp_path / "home"
    assert 0 == bots.run("init", "--home", home).code
    config = home / "config" / "kalshi.yaml"
    config.write_text(config.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    before = {p: p.read_bytes() for p in home.rglob("*") if p.is_file()}

    again = bots.run("init", "--home", home)

    assert 0 == again.code
    assert "nothing was missing" in again.stdout
    assert before == {p: p.read_bytes() for p in home.rglob("*") if p.is_file()}
    assert {"home": str(home), "made": []} == json.loads(
        bots.run("init", "--home", home, "--json").stdout
    )
