"""What the pages about servers and backups tell people to type is understood, and works."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from market_bot.adapters.storage.anchors import AnchorFile
from market_bot.adapters.storage.home import Home
from market_bot.adapters.system.clock import SystemClock
from market_bot.bootstrap.cli.app import app
from tests.fakes.bot_process import WarmBots

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```\n(.*?)^```", re.DOTALL | re.MULTILINE)
PLACE = "/var/lib/market-bot"


def lines(page: str, *programs: str) -> list[str]:
    """Return what a page tells people to type, in order: the lines that begin with a program."""
    text = (ROOT / "docs/how-to" / page).read_text(encoding="utf-8")
    found = [line for body in FENCE.findall(text) for line in body.splitlines()]
    return [line for line in found if line.startswith(programs)]


def test_the_page_of_backups_works_from_top_to_bottom(
    tmp_path: Path, bots: WarmBots, tape: Path
) -> None:
    """Each line succeeds without a complaint, one after the other, where a bot has traded."""
    home = Home(tmp_path / "market-bot-home")
    assert 0 == bots.run("run", "--tape", tape, "--no-web", "--home", home.path).code
    assert AnchorFile(home.anchors_file, home.journal_dir).add(SystemClock().now())
    typed = lines("back-up-and-restore.md", "market-bot ")
    words = [shlex.split(line.replace(PLACE, str(tmp_path / "restored"))) for line in typed]
    ended = [bots.run(*one[1:], cwd=tmp_path) for one in words]

    assert {"backup", "restore", "journal"} == {one[1] for one in words}
    assert [(0, "")] * len(typed) == [(bot.code, bot.stderr) for bot in ended]
    assert "anchored lines hold" in ended[-1].stdout
    restored = Home(tmp_path / "restored")
    assert home.anchors_file.read_bytes() == restored.anchors_file.read_bytes()


def test_a_missing_end_is_told(tmp_path: Path, bots: WarmBots, tape: Path) -> None:
    """A chain that lost its last line verifies by itself; with its anchors it does not."""
    home = Home(tmp_path / "home")
    assert 0 == bots.run("run", "--tape", tape, "--no-web", "--home", home.path).code
    alone = bots.run("journal", "verify", "--anchors", "--home", home.path)
    assert (1, True) == (alone.code, "no anchors yet" in alone.stderr)
    assert AnchorFile(home.anchors_file, home.journal_dir).add(SystemClock().now())
    newest = max(home.journal_dir.glob("*/tape/*/*.jsonl"))
    newest.write_bytes(b"".join(newest.read_bytes().splitlines(keepends=True)[:-1]))
    found = bots.run("journal", "verify", "--full", "--anchors", "--home", home.path)

    assert 0 == bots.run("journal", "verify", "--full", "--home", home.path).code
    assert 1 == found.code
    assert "its end is missing" in found.stderr


@pytest.mark.parametrize("line", lines("deploy.md", "deploy/deploy.sh", "sudo -u market-bot"))
def test_the_page_of_servers_is_understood(line: str) -> None:
    """The script knows its options, and the bot there its commands."""
    program, *words = shlex.split(line, comments=True)
    if program == "sudo":
        app.parse_args(words[3:], exit_on_error=False, print_error=False)
        return
    usage = subprocess.run([ROOT / program, "--help"], capture_output=True, check=True)

    assert all(word in usage.stdout.decode() for word in words if word.startswith("-"))


def test_the_page_names_the_places_of_the_script() -> None:
    """Where releases, settings and keys lie in the page is where the script puts them."""
    page = (ROOT / "docs/how-to/deploy.md").read_text(encoding="utf-8")
    script = (ROOT / "deploy/deploy.sh").read_text(encoding="utf-8")

    assert {"deploy/deploy.sh", "sudo"} <= {line.split()[0] for line in page.splitlines() if line}
    for place in ("/opt/market-bot", PLACE):
        assert place in page
        assert place in script
