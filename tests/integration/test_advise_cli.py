"""``market-bot advise``: from a home's journal and settings to what could be changed."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import deque
from pathlib import Path

import pytest

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.bootstrap.cli import main
from market_bot.bootstrap.taped_lane import snapshot_of
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.leaks import thresholds
from market_bot.core.domain.leaks.synthetic import synthetic_lane
from market_bot.core.domain.numbers import NO_MONEY, Micros, utc_date
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.record_facts import Recorder
from tests.fakes.fake_claude import FakeClaude, error
from tests.fakes.tuning import DAY, every_knob_file

CHAIN = Chain("kalshi", "paper")
KNOB = "markets.max_spread"
KEY = "sk-ant-canary-0123456789"


def make_home(place: Path) -> Home:
    """Return a home with settings in which every knob has a line."""
    assert 0 == main(["init", "--home", str(place)])
    home = Home(place)
    home.venue_file("kalshi").write_bytes(every_knob_file())
    return home


def live(home: Home) -> None:
    """Write a life in which entries cost too much."""
    lane = synthetic_lane("advise", {"spread_and_slippage": 4.0}, days=8, entries_per_hour=4)
    folder = chain_folder(home.journal_dir, CHAIN)
    journal = JsonlJournal(folder, CHAIN, "boot", durability="group")
    recorder = Recorder(journal=journal, state=LaneState(), config="c", snapshot=snapshot_of)
    for _, at, event in lane.lines():
        recorder.record(event, at)
    journal.commit()
    journal.close()


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a home in which entries cost too much."""
    home = make_home(tmp_path_factory.mktemp("advise") / "home")
    live(home)
    return home


@pytest.fixture
def reviewed(lived: Home, tmp_path: Path) -> Home:
    """Return a copy of that home whose journal tells of the night before."""
    home = Home(shutil.copytree(lived.path, tmp_path / "home"))
    journal = JsonlJournal(chain_folder(home.journal_dir, CHAIN), CHAIN, "b", durability="group")
    last = deque(journal.read(), maxlen=1)[0].at
    night = utc_date(Micros(last - DAY))
    leak = ev.Leak(
        finding=f"{night}:spread_and_slippage:",
        rule="spread_and_slippage",
        version=1,
        status="suspect",
        kind="tuning",
        night=night,
        n=9,
        events=9,
        cost_low=NO_MONEY,
        cost_point=NO_MONEY,
    )
    since = Micros(last - 2 * DAY)
    review = ev.LeakReview(night=night, since=since, until=last, findings=1, confirmed=0)
    for event in (leak, review):
        journal.append(event, last, "c")
    journal.close()
    return home


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw less often: the leak is large."""
    monkeypatch.setattr(thresholds, "DRAWS", 499)
    monkeypatch.setattr(thresholds, "PERMUTATIONS", 199)


def bytes_of(home: Home) -> dict[Path, str]:
    """Return a hash of every file of settings and journals."""
    folders = (home.config_dir, home.journal_dir)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.slow
def test_the_rule_table_advises(lived: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """The leak is found and one step proposed, in words and as data; nothing is changed."""
    before = bytes_of(lived)
    assert 0 == main(["advise", "--home", str(lived.path), "--json"])
    data = json.loads(capsys.readouterr().out)

    assert ("kalshi/paper", "rules") == (data["chain"], data["advice"]["advisor"])
    assert "spread_and_slippage" == data["findings"][0]["rule"]
    assert "confirmed" == data["findings"][0]["status"]
    assert [] == data["dropped"]
    (proposed,) = data["proposals"]
    assert (KNOB, "kalshi.yaml", "better_prices") == (
        proposed["path"],
        proposed["file"],
        proposed["rationale_code"],
    )
    assert before == bytes_of(lived)


def test_claude_advises_through_its_child(
    reviewed: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a key, over the network; it is turned away there, and the table helps out.

    The key stands in no output, and nothing else of the home in what is sent.
    """
    plain = reviewed.bot_file.read_text()
    with FakeClaude(error(401, "authentication_error", words=f"not {KEY}")) as fake:
        settings = plain.replace("kind: rules", f"kind: claude\n  base_url: {fake.url}")
        reviewed.bot_file.write_text(settings)
        reviewed.env_file.write_text(f"ANTHROPIC_API_KEY={KEY}\nKALSHI_API_KEY_ID=canary\n")
        try:
            assert 0 == main(["advise", "--home", str(reviewed.path), "--venue", "kalshi"])
        finally:
            reviewed.bot_file.write_text(plain)
    said = capsys.readouterr().out
    (asked,) = fake.asked

    assert "no help (rejected): check advisor.model in bot.yaml" in said
    assert "rules would change:" in said
    assert f"{KNOB}: 0.04 -> 0.03 (better_prices, lower_cost)" in said
    assert "confirmed: spread_and_slippage (tuning) costs at least $" in said
    assert KEY not in said
    assert f"Bearer {KEY}" == asked.headers["authorization"]
    assert not any(word in json.dumps(asked.body) for word in (KEY, "canary", "FAM-", "EV-"))
    assert 0 == json.loads((reviewed.state_dir / "advisor.json").read_text())["spent"]


def test_without_a_journal_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, with what to do; an unknown venue is a mistake of its own."""
    home = make_home(tmp_path / "home")
    capsys.readouterr()

    assert 1 == main(["advise", "--home", str(home.path)])
    (line,) = capsys.readouterr().err.splitlines()
    assert "there is no journal yet" in line
    assert 2 == main(["advise", "--home", str(home.path), "--venue", "nyse"])
    assert "there is no venue 'nyse'" in capsys.readouterr().err
