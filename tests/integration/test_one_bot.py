"""Only one bot at a time runs on a home, and a dead one is in nobody's way."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.fakes.bot_process import BotProcess, WarmBots, facts, folder_bytes, wait_until

SLOW = ("--speed", "1", "--no-web")


def started(bots: WarmBots, home: Path, tape: Path) -> BotProcess:
    """Return a slow bot that has begun to trade."""
    bot = bots.start("run", "--home", home, "--tape", tape, *SLOW)
    assert wait_until(lambda: holds(home, bot) or bot.over())
    return bot


def holds(home: Path, bot: BotProcess) -> bool:
    """Tell whether this bot holds the lock of the home and listens."""
    info = home / "state" / "lock.info"
    try:
        named = f'"pid": {bot.pid},' in info.read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return named and (home / "state" / "control.sock").exists()


def test_a_second_bot_is_refused_by_the_pid_of_the_first(
    tmp_path: Path, bots: WarmBots, tape: Path
) -> None:
    """One line names who runs there; the first one is not disturbed, nothing is written."""
    home = tmp_path / "home"
    first = started(bots, home, tape)

    second = bots.run("run", "--home", home, "--tape", tape, *SLOW)

    assert 1 == second.code
    (line,) = second.stderr.splitlines()
    assert f"(pid {first.pid})" in line
    assert str(home) in line
    assert "" == second.stdout
    first.signal(signal.SIGTERM)
    assert 0 == first.wait()


def test_of_five_at_once_exactly_one_runs(tmp_path: Path, bots: WarmBots, tape: Path) -> None:
    """Started together on a fresh home, four are refused and one trades."""
    home = tmp_path / "home"

    crowd = [bots.start("run", "--home", home, "--tape", tape, *SLOW) for _ in range(5)]

    assert wait_until(lambda: sum(bot.over() for bot in crowd) >= 4)
    assert wait_until(lambda: any(holds(home, bot) for bot in crowd))
    (winner,) = [bot for bot in crowd if not bot.over()]
    for loser in crowd:
        if loser is not winner:
            assert 1 == loser.code
            (line,) = loser.stderr.splitlines()
            assert "another market-bot" in line
    winner.signal(signal.SIGTERM)
    assert 0 == winner.wait()
    assert 0 == bots.run("journal", "verify", "--full", "--home", home).code


def test_after_a_killed_bot_the_next_one_starts(tmp_path: Path, bots: WarmBots, tape: Path) -> None:
    """The lock dies with its holder; nothing has to be cleaned up by hand."""
    home = tmp_path / "home"
    first = started(bots, home, tape)
    assert -signal.SIGKILL == first.kill()

    second = bots.run("run", "--home", home, "--tape", tape, "--no-web")

    assert 0 == second.code, second.stderr
    assert "" == second.stderr
    assert "bot_stopped" == facts(home)[-1]["type"]
    assert folder_bytes(home / "journal" / "system") > 0


def test_two_homes_do_not_know_each_other(tmp_path: Path, bots: WarmBots, tape: Path) -> None:
    """A bot on another home is nobody's second bot."""
    first = started(bots, tmp_path / "one", tape)

    second = bots.run("run", "--home", tmp_path / "two", "--tape", tape, "--no-web")

    assert 0 == second.code
    assert not first.over()
    first.signal(signal.SIGINT)
    assert 0 == first.wait()
