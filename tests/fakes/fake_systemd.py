"""A service manager for one service: starts it from its unit file, restarts it when it dies.

As ``systemctl`` in a PATH it understands what a deployment asks for. State lies in the folder that
``FAKE_SYSTEMD`` names; the service runs under a supervisor of its own, with a socket to notify.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

START_S = 60.0


def unit_of(folder: Path, name: str) -> dict[str, list[str]]:
    """Return the settings of a unit file by name."""
    found: dict[str, list[str]] = {}
    for line in (folder / "units" / f"{name}.service").read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key.strip(), []).append(value.strip())
    return found


def command_of(unit: dict[str, list[str]]) -> list[str]:
    """Return what is to be started, with the variables of its environment files put in."""
    variables = dict(line.partition("=")[::2] for line in unit.get("Environment", []))
    for path in unit.get("EnvironmentFile", []):
        with contextlib.suppress(FileNotFoundError):
            lines = Path(path.removeprefix("-")).read_text().splitlines()
            pairs = [line.partition("=")[::2] for line in lines if not line.startswith("#")]
            variables.update(pairs)
    words: list[str] = []
    for word in shlex.split(unit["ExecStart"][0]):
        whole = word.startswith("$")
        words += variables.get(word[1:], "").split() if whole else [word]
    return words


def told(folder: Path) -> list[str]:
    """Return every word that the service sent, in order."""
    file = folder / "notified"
    return file.read_text().splitlines() if file.exists() else []


def supervise(folder: Path, name: str) -> None:
    """Run a service until it is to stop, again and again."""
    address = folder / "notify"
    address.unlink(missing_ok=True)
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notices.bind(str(address))
    notices.settimeout(0.1)
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stop.append(number))
    deaths = 0
    while not stop and deaths < 3:
        environment = {**os.environ, "NOTIFY_SOCKET": str(address)}
        output = (folder / "output").open("ab")
        service = subprocess.Popen(
            command_of(unit_of(folder, name)), env=environment, stdout=output, stderr=output
        )
        (folder / "main").write_text(str(service.pid))
        while service.poll() is None:
            if stop:
                service.send_signal(signal.SIGTERM)
                service.wait(30)
            with contextlib.suppress(TimeoutError):
                words = notices.recv(4096).decode()
                with (folder / "notified").open("a") as file:
                    file.write(words + "\n")
                if "READY=1" in words:
                    (folder / "active").write_text("yes")
        (folder / "active").unlink(missing_ok=True)
        deaths += service.returncode not in {-signal.SIGKILL, 0}
    (folder / ("failed" if not stop else "stopped")).write_text("yes")


def stop(folder: Path) -> None:
    """Stop what runs and wait for it."""
    file = folder / "supervisor"
    if not file.exists():
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(file.read_text()), signal.SIGTERM)
        until = time.monotonic() + START_S
        while time.monotonic() < until and not any(
            (folder / name).exists() for name in ("stopped", "failed")
        ):
            time.sleep(0.05)
    file.unlink()


def start(folder: Path, name: str) -> int:
    """Start a service; return whether it came to be ready."""
    for left in ("active", "failed", "stopped"):
        (folder / left).unlink(missing_ok=True)
    words = [sys.executable, __file__, "supervise", name]
    supervisor = subprocess.Popen(
        words,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "output").open("ab"),
    )
    (folder / "supervisor").write_text(str(supervisor.pid))
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if (folder / "active").exists():
            return 0
        if (folder / "failed").exists():
            return 1
        time.sleep(0.05)
    return 1


def main(words: list[str]) -> int:
    """Do what ``systemctl`` was asked for."""
    folder = Path(os.environ["FAKE_SYSTEMD"])
    words = [word for word in words if word != "--quiet"]
    with (folder / "asked").open("a") as file:
        file.write(" ".join(words) + "\n")
    match words:
        case ["supervise", name]:
            supervise(folder, name)
        case ["restart", name]:
            stop(folder)
            return start(folder, name)
        case ["stop", _]:
            stop(folder)
        case ["is-active", _]:
            return 0 if (folder / "active").exists() else 3
        case ["is-failed", _]:
            return 0 if (folder / "failed").exists() else 1
        case ["daemon-reload"] | ["enable", _]:
            pass
        case _:
            return 64
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
