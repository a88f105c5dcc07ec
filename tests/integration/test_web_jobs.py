"""What a page starts and waits for, at a real bot: a night's evaluation, and the advisor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.bot_process import BotProcess, WarmBots, wait_until

from .test_dashboard import Browser

LANE = "simulated/sim"
NIGHT = "2026-11-03"
# A whole simulated day in few looks at few markets.
FEW_LOOKS = (
    ("interval_ms: 5000", "interval_ms: 1800000"),
    ("markets: 60", "markets: 4"),
    ("days: 1", "days: 2"),
)
BEYOND_MIDNIGHT = 52


@pytest.fixture
def bot(tmp_path: Path, bots: WarmBots) -> Iterator[BotProcess]:
    """Return a bot with a page that goes on after its first whole day."""
    home = tmp_path / "home"
    assert 0 == bots.run("init", "--home", home).code
    file = home / "config" / "simulated.yaml"
    text = file.read_text(encoding="utf-8")
    for old, new in FEW_LOOKS:
        assert 1 == text.count(old)
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    done = bots.run("run", "--no-web", "--json", "--ticks", BEYOND_MIDNIGHT, "--home", home)
    assert 0 == done.code, done.stderr
    found = bots.start("run", "--home", home, "--port", 0, "--speed", 3600)
    assert wait_until(lambda: (found.out.exists() and "web link" in found.stdout) or found.over())
    assert not found.over(), found.stderr
    yield found
    found.kill()


def ended(browser: Browser, path: str) -> dict[str, Any]:
    """Start a job and return what became of it."""
    status, told = browser.ask("POST", path, {"lane": LANE})
    assert 202 == status, told
    job = f"/api/jobs/{told['job']}"
    assert wait_until(lambda: "running" != browser.get(job)["state"])
    return dict(browser.get(job))


@pytest.mark.slow
def test_an_evaluation_and_the_advisor_are_asked_from_the_page(bot: BotProcess) -> None:
    """Each runs once to its end and says so; what is over is not done again; both are noted."""
    (line,) = [text for text in bot.stdout.splitlines() if "#login=" in text]
    browser = Browser(line.split()[-1])
    browser.log_in()
    assert wait_until(lambda: "trading" == browser.lane()["phase"])

    night = ended(browser, "/api/evaluation")
    again = ended(browser, "/api/evaluation")
    advice = ended(browser, "/api/advisor/ask")

    assert ("done", NIGHT) == (night["state"], (night["result"] or {}).get("night")), night
    (review,) = browser.get(f"/api/leaks?lane={LANE}")["reviews"]
    assert NIGHT == review["night"]
    assert review["ended"]["queued"] == night["result"]["queued"]
    assert "failed" == again["state"]
    assert "nothing is left to do" in again["detail"]
    assert ("done", "asked; nothing was queued") == (advice["state"], advice["detail"])
    assert "rules" == advice["result"]["advice"]["advisor"]
    assert advice == browser.get("/api/advisor")["last"]
    log = browser.get("/api/system")["log"]
    asked = [one["data"]["what"] for one in log if one["type"] == "asked"]
    assert ["login", "run_evaluation", "run_evaluation", "ask_advisor"] == asked
