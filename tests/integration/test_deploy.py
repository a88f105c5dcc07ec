"""The deployment script against a real sshd on this machine and a service manager of our own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from market_bot.adapters.storage.home import Home
from market_bot.adapters.system.control_socket import ControlClient, ControlError
from tests.fakes import fake_systemd
from tests.fakes.bot_process import wait_until
from tests.fakes.live_kalshi import LIKELY, UNLIKELY, LiveKalshi, a_live_home

ROOT = Path(__file__).parents[2]
SCRIPTS = (ROOT / "deploy/deploy.sh", ROOT / "deploy/on_server.sh")
CONTENTS = ("src", "pyproject.toml", "requirements.lock", "README.md", "LICENSE", "deploy")
NEEDED = ("ssh", "sshd", "ssh-keygen", "rsync", "bash", "runuser")
PHRASE = "TRADE LIVE kalshi max-loss 40"
ORDERS = "/portfolio/events/orders"

# In place of a python that fetches a whole environment: one that borrows ours, and keeps a list.
PYTHON = """\
#!/usr/bin/env bash
echo "$PWD: $*" >>@LOG@
if [[ $1 == -m && $2 == venv ]]; then
    mkdir -p "$3/bin"
    for name in python market-bot; do
        printf '#!/usr/bin/env bash\\nexport PYTHONPATH=%s/src\\n' "$PWD" >"$3/bin/$name"
    done
    echo '[[ $1 == -m && $2 == pip ]] && { echo "pip $*" >>@LOG@; exit 0; }' >>"$3/bin/python"
    echo 'exec @PYTHON@ "$@"' >>"$3/bin/python"
    echo 'exec @PYTHON@ -m market_bot "$@"' >>"$3/bin/market-bot"
    chmod +x "$3"/bin/*
    exit 0
fi
exec @PYTHON@ "$@"
"""


@attrs.frozen
class Server:
    """A server that is this machine: an sshd, places for releases and a home, and a service.

    Args:
        folder: where everything lies.
        checkout: what is deployed from.
        venue: where its bot trades.

    """

    folder: Path
    checkout: Path
    venue: LiveKalshi

    @property
    def root(self) -> Path:
        """Where releases go."""
        return self.folder / "opt"

    @property
    def manager(self) -> Path:
        """What the service manager keeps."""
        return self.folder / "systemd"

    @property
    def home(self) -> Home:
        """The bot's home."""
        return Home(self.folder / "home")

    def deploy(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the script as a person would."""
        options = {
            "--root": self.root,
            "--home": self.home.path,
            "--run-as": "root",
            "--unit-dir": self.manager / "units",
            "--python": self.folder / "bin/python-there",
            "--ssh-config": self.folder / "ssh_config",
            "--wait": 60,
        }
        given = [str(word) for pair in options.items() for word in pair]
        return subprocess.run(
            [str(self.checkout / "deploy/deploy.sh"), "there", *given, *words],
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def releases(self) -> list[str]:
        """Return the names of all releases, oldest first."""
        return sorted(path.name for path in (self.root / "releases").iterdir())

    def current(self) -> str:
        """Return the release that runs."""
        return (self.root / "current").readlink().name

    def lane(self) -> dict[str, object]:
        """Return how the lane stands; nothing while nobody answers."""
        try:
            lanes: list[dict[str, object]] = ControlClient(self.home.control_socket).ask("status")[
                "lanes"
            ]
        except ControlError:
            return {}
        return lanes[0] if lanes else {}

    def asked(self) -> list[str]:
        """Return what the service manager was asked for."""
        return (self.manager / "asked").read_text().splitlines()


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file of a mode, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server with a service that trades at a whole Kalshi on loopback."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root and {', '.join(NEEDED)}; missing: {', '.join(missing) or 'root'}")
    folder = tmp_path_factory.mktemp("server")
    place = Server(folder, folder / "checkout", LiveKalshi())
    for name in CONTENTS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        place.checkout.mkdir(exist_ok=True)
        copy(ROOT / name, place.checkout / name)
    _a_server(place)
    port = free_port()
    _ssh_files(place, port)
    log = folder / "sshd.log"
    words = [shutil.which("sshd") or "sshd", "-D", "-e", "-f", str(folder / "sshd_config")]
    with log.open("wb") as errors, subprocess.Popen(words, stderr=errors) as listening:
        try:
            assert wait_until(lambda: _answers(port)), log.read_text()
            with place.venue:
                a_live_home(place.home.path, place.venue, mode="live", key=True)
                yield place
                os.environ["FAKE_SYSTEMD"] = str(place.manager)
                fake_systemd.main(["stop", "market-bot"])
        finally:
            os.environ.pop("FAKE_SYSTEMD", None)
            listening.terminate()


def _a_server(place: Server) -> None:
    folder = place.folder
    write(place.root / "service.env", "MARKET_BOT_ARGS=--venue kalshi --no-web\n")
    (place.manager / "units").mkdir(parents=True)
    python = PYTHON.replace("@PYTHON@", sys.executable).replace("@LOG@", str(folder / "pip.log"))
    write(folder / "bin/python-there", python, 0o755)
    systemctl = f'#!/bin/sh\nexec {sys.executable} {fake_systemd.__file__} "$@"\n'
    write(folder / "bin/systemctl", systemctl, 0o755)
    write(folder / "bin/journalctl", "#!/bin/sh\necho last words\n", 0o755)


def _ssh_files(place: Server, port: int) -> None:
    folder = place.folder
    for name in ("host_key", "user_key"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(words, check=True)
    write(folder / "authorized_keys", (folder / "user_key.pub").read_text())
    path = f"{folder}/bin:{os.environ['PATH']}"
    Path("/run/sshd").mkdir(exist_ok=True)
    write(
        folder / "sshd_config",
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\n"
        f"PasswordAuthentication no\nPermitRootLogin yes\nPidFile {folder}/sshd.pid\n"
        f'SetEnv "PATH={path}" FAKE_SYSTEMD={place.manager}\n',
    )
    write(
        folder / "ssh_config",
        f"Host there\n HostName 127.0.0.1\n Port {port}\n User root\n"
        f" IdentityFile {folder}/user_key\n StrictHostKeyChecking no\n"
        f" UserKnownHostsFile {folder}/known_hosts\n LogLevel ERROR\n",
    )


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
def test_from_the_first_release_to_the_way_back(server: Server) -> None:
    """Two releases, a way back, one that does not start, and a kill: it runs, disarmed."""
    one = _the_first_release(server)
    _a_release_with_new_defaults(server, one)
    _the_way_back(server, one)
    _a_release_that_does_not_start(server, one)
    _a_kill(server)

    last = [server.deploy() for _ in range(2)]
    assert [0, 0] == [one.returncode for one in last], last[-1].stderr
    assert 3 == len(server.releases())
    assert server.current() == server.releases()[-1]


def _the_first_release(server: Server) -> str:
    """Nothing but code comes there, with every package by its hash; the bot says it is ready."""
    for name in ("src/.env", ".env", "src/x.jsonl", "market-bot-home/.env"):
        write(server.checkout / name, "S3CRET=1")
    shown = server.deploy("--dry-run")
    assert 0 == shown.returncode, shown.stderr
    assert "pyproject.toml" in shown.stdout
    assert not (server.root / "releases").exists()
    first = server.deploy()
    assert 0 == first.returncode, first.stderr
    (one,) = server.releases()
    assert one == server.current()
    assert wait_until(lambda: server.lane().get("lane") == "live")
    pip = (server.folder / "pip.log").read_text()
    assert "--require-hashes --no-deps -r requirements.lock" in pip
    sent = [path for path in (server.root / "releases").rglob("*") if path.is_file()]
    assert len(sent) > 400
    assert not [path for path in sent if "S3CRET" in path.read_text(errors="replace")]
    unit = (server.manager / "units/market-bot.service").read_text()
    assert "@" not in unit.replace("@system-service", "")
    assert "READY=1" in fake_systemd.told(server.manager)
    return one


def _a_release_with_new_defaults(server: Server, one: str) -> None:
    """What is new is shown; what is there stays."""
    settings = server.home.venue_file("kalshi").read_bytes()
    defaults = server.checkout / "src/market_bot/config/defaults/kalshi.yaml"
    defaults.write_text(defaults.read_text() + "# something new\n")
    second = server.deploy()
    assert 0 == second.returncode, second.stderr
    assert "+# something new" in second.stderr
    assert server.home.venue_file("kalshi").read_bytes() == settings
    assert [one, server.current()] == server.releases()


def _the_way_back(server: Server, one: str) -> None:
    """The release before runs again; before that there is none."""
    back = server.deploy("--rollback")
    assert (0, one) == (back.returncode, server.current()), back.stderr
    again = server.deploy("--rollback")
    assert (1, True) == (again.returncode, "no release before" in again.stderr)


def _a_release_that_does_not_start(server: Server, one: str) -> None:
    """The one before runs again by itself, and somebody is told why."""
    broken = server.checkout / "src/market_bot/bootstrap/run_command.py"
    whole = broken.read_text()
    broken.write_text("raise SystemExit(3)\n")
    failed = server.deploy()
    broken.write_text(whole)
    assert 1 == failed.returncode
    assert "last words" in failed.stderr
    assert f"went back to {one}" in failed.stderr
    assert one == server.current()


def _a_kill(server: Server) -> None:
    """An armed bot that is killed comes back by itself, opens nothing, and sells what it holds."""
    assert wait_until(lambda: _agrees(server.lane()))
    client = ControlClient(server.home.control_socket)
    client.ask("arm", venue="kalshi", by="test", phrase=PHRASE, minutes=10)
    assert wait_until(lambda: server.lane().get("armed_until") is not None)
    assert _stirred(server, lambda: bool(server.lane().get("positions")))
    before = int((server.manager / "main").read_text())
    os.kill(before, signal.SIGKILL)
    assert wait_until(lambda: int((server.manager / "main").read_text()) != before)
    assert wait_until(lambda: _agrees(server.lane()) and not server.lane().get("orders"))
    sent, ticks = server.venue.asked("POST", ORDERS), server.lane()["ticks"]
    assert isinstance(ticks, int)
    assert _stirred(server, lambda: _ticks(server.lane()) > ticks + 5)

    lane = server.lane()
    assert ("live", None) == (lane["lane"], lane["armed_until"])
    assert lane["positions"]
    assert sent == server.venue.asked("POST", ORDERS)
    client.ask("flatten", by="test")
    assert _stirred(server, lambda: server.lane().get("positions") == [])
    assert not any(held.count for held in server.venue.engine.positions.values())
    assert "WATCHDOG=1" in fake_systemd.told(server.manager)


def _agrees(lane: dict[str, object]) -> bool:
    """Tell whether a lane has looked at its account and its markets, and trades."""
    return (
        lane.get("unreconciled", "") is None
        and lane.get("agreed_at") is not None
        and lane.get("phase") == "trading"
    )


def _ticks(lane: dict[str, object]) -> int:
    ticks = lane.get("ticks", 0)
    return ticks if isinstance(ticks, int) else 0


def _stirred(server: Server, what: Callable[[], bool]) -> bool:
    """Let something happen in every market until something holds; tell whether it came to."""

    def look() -> bool:
        for name in (LIKELY, UNLIKELY):
            server.venue.engine.crowd(name, "bid", "0.1000", "1.00")
        return what()

    return wait_until(look)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name a server"),
        (("a", "b"), "one server at a time"),
        (("a", "--what"), "no option"),
        (("a", "--root"), "needs a value"),
        (("a", "--root", "/opt/$(reboot)"), "plain characters"),
        (("a", "--home", "/opt/market-bot/home"), "lies within"),
        (("-oProxyCommand=reboot",), "no option"),
        (("a;reboot",), "no server"),
        (("a", "--dry-run", "--rollback"), "sends nothing"),
        (("a", "--wait", "soon"), "whole seconds"),
    ],
)
def test_what_is_not_meant_is_refused(words: tuple[str, ...], said: str) -> None:
    """Wrong options are one line and the usage, and nothing is asked of any server."""
    done = subprocess.run(
        [str(SCRIPTS[0]), *words], capture_output=True, text=True, timeout=30, check=False
    )

    assert 2 == done.returncode
    assert said in done.stderr.splitlines()[0]
    assert "usage: deploy/deploy.sh" in done.stderr


def test_the_scripts_are_clean() -> None:
    """The shell checker finds nothing in them."""
    checker = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if checker is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(
        [checker, "-x", *map(str, SCRIPTS)], capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stdout)
