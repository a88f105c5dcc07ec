"""One bot per home, with real processes and a real file system."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_bot.adapters.storage.home import HomeError
from market_bot.adapters.storage.home_lock import HomeInUseError, HomeLock

# Takes the lock, says so, and holds it until its input ends.
HOLDER = """
import sys
from pathlib import Path
from market_bot.adapters.storage.home_lock import HomeInUseError, HomeLock
sys.stdin.readline()
try:
    with HomeLock(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.readline()
except HomeInUseError as e:
    print(e, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the lock file goes."""
    return tmp_path / "home" / "state" / "lock"


class Holders:
    """Processes that hold the lock or were refused; all gone at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, count: int = 1) -> list[str]:
        """Start processes, let all of them try at the same moment, and return what they say."""
        new = [
            subprocess.Popen(
                [sys.executable, "-c", HOLDER, str(self._path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(count)
        ]
        self.processes += new
        for process in new:
            self.go_on(process)
        return [process.stdout.readline().strip() for process in new if process.stdout]

    def go_on(self, process: subprocess.Popen[str]) -> None:
        """Let a process go on to its next step."""
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()

    def close(self) -> None:
        """End all processes."""
        for process in self.processes:
            process.kill()
            process.communicate()


@pytest.fixture
def holders(path: Path) -> Iterator[Holders]:
    """Return a way to start competing processes."""
    started = Holders(path)
    yield started
    started.close()


def test_the_second_is_refused_by_name(path: Path, holders: Holders) -> None:
    """Whoever comes second learns in one line who was first, and what to do."""
    assert ["held"] == holders.start()
    pid = holders.processes[0].pid

    with pytest.raises(HomeInUseError) as refused:
        HomeLock(path).acquire()

    expected = f"{path.parent.parent}: another market-bot (pid {pid}) runs on this home: "
    assert expected + "stop it, or use --home" == str(refused.value)


def test_of_ten_at_once_one_wins(holders: Holders) -> None:
    """However many start at the same moment, one holds the lock and nine are refused."""
    said = holders.start(10)

    assert 1 == said.count("held")
    assert 9 == sum("stop it, or use --home" in line for line in said)


def test_a_killed_holder_frees_the_lock(path: Path, holders: Holders) -> None:
    """After SIGKILL the home is free at once, whatever the files still say."""
    holders.start()
    holders.processes[0].kill()
    holders.processes[0].wait()
    left = path.with_name("lock.info").exists()

    with HomeLock(path) as lock:
        assert lock.held
    assert left


def test_the_lock_outlives_a_deleted_state_folder(path: Path, holders: Holders) -> None:
    """Whoever deletes the folder of passing things under a bot does not let a second one in."""
    holders.start()
    shutil.rmtree(path.parent)

    with pytest.raises(HomeInUseError, match="another market-bot"):
        HomeLock(path).acquire()


def test_an_ended_holder_frees_the_lock(path: Path, holders: Holders) -> None:
    """After an orderly end the next one gets the same file; it is never removed."""
    holders.start()
    before = path.stat().st_ino
    holders.go_on(holders.processes[0])
    holders.processes[0].wait()

    assert ["held"] == holders.start()
    assert before == path.stat().st_ino


def test_a_child_does_not_inherit_the_lock(path: Path) -> None:
    """A process the bot started does not keep the home locked when the bot is gone."""
    lock = HomeLock(path)
    lock.acquire()
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, close_fds=False) as child:
        lock.release()
        with HomeLock(path) as again:
            held = again.held
        child.communicate(b"\n")

    assert held


def test_within_one_process_too(path: Path) -> None:
    """Two objects are two bots; one object may ask twice and let go twice."""
    first = HomeLock(path)
    first.acquire()
    first.acquire()

    with pytest.raises(HomeInUseError, match=f"pid {os.getpid()}"):
        HomeLock(path).acquire()
    first.release()
    first.release()
    with HomeLock(path) as second:
        assert second.held


def test_says_who_holds_it(path: Path) -> None:
    """The file beside the lock names the holder while there is one; both are private."""
    with HomeLock(path):
        info = path.with_name("lock.info")
        said = json.loads(info.read_text())
        modes = {file.stat().st_mode & 0o077 for file in (path, info)}

    assert os.getpid() == said["pid"]
    assert {0} == modes
    assert not info.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "1"}', '{"pid": 99999999999999999999}'])
def test_nonsense_beside_the_lock_decides_nothing(path: Path, text: str) -> None:
    """What cannot be read is not told, and keeps nobody out or in."""
    info = path.with_name("lock.info")
    with HomeLock(path):
        info.write_text(text)
        with pytest.raises(HomeInUseError, match="another market-bot runs on this home"):
            HomeLock(path).acquire()


def test_a_place_without_room_for_a_lock(tmp_path: Path) -> None:
    """A state folder that is a file is a plain error."""
    (tmp_path / "state").write_text("")

    with pytest.raises(HomeError, match=r"cannot be locked .*--home"):
        HomeLock(tmp_path / "state" / "lock").acquire()
