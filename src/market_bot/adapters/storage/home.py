"""The home directory: where everything lies, how it is made and who may read it."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_OTHERS: Final = 0o077
_OTHERS_WRITE: Final = 0o022
_INSTANCE_BYTES: Final = 8
_INSTANCE: Final = re.compile(r"[0-9a-f]{16}\n?\Z", re.ASCII)
_FILE_NAME: Final = re.compile(r"[a-z][a-z0-9_]*\.yaml\Z", re.ASCII)

_ENV_TEMPLATE: Final = b"""\
# Secrets, one NAME=value per line. Paper trading needs none of them.
# This file stays readable by its owner only; the bot refuses it otherwise.

# Kalshi: the id of the API key, and the path of its private key file.
# KALSHI_API_KEY_ID=
# KALSHI_PRIVATE_KEY_FILE=

# Polymarket: the private key of a wallet that holds no more than the bot may use.
# POLYMARKET_PRIVATE_KEY=

# Anthropic: only for the advisor that asks a language model.
# ANTHROPIC_API_KEY=
"""


class HomeError(OSError):
    """The home directory cannot be used; the text says why and what to do, a line per fault."""


def _absolute(path: Path) -> Path:
    return Path(path).expanduser().absolute()


@attrs.frozen
class Home:
    """One home directory. Making this object touches nothing; `create` and the readers do."""

    path: Path = attrs.field(converter=_absolute)

    @property
    def config_dir(self) -> Path:
        """The folder of the settings."""
        return self.path / "config"

    @property
    def bot_file(self) -> Path:
        """The settings that belong to no venue."""
        return self.config_dir / "bot.yaml"

    @property
    def instance_file(self) -> Path:
        """The file that holds the instance id."""
        return self.config_dir / "instance"

    @property
    def env_file(self) -> Path:
        """The secrets."""
        return self.path / ".env"

    @property
    def journal_dir(self) -> Path:
        """The folder of all journals."""
        return self.path / "journal"

    @property
    def tape_dir(self) -> Path:
        """The folder of all recorded market data."""
        return self.path / "tape"

    @property
    def outbox_dir(self) -> Path:
        """The folder of signed orders that are not yet done with."""
        return self.path / "outbox"

    @property
    def state_dir(self) -> Path:
        """The folder of what can be deleted without loss of truth."""
        return self.path / "state"

    @property
    def cache_dir(self) -> Path:
        """The folder of decoded tapes, made when the first one is kept."""
        return self.state_dir / "cache"

    @property
    def halt_file(self) -> Path:
        """The file that stops entries while it exists."""
        return self.path / "HALT"

    @property
    def anchors_file(self) -> Path:
        """The file that says how far every chain was, a line a day each."""
        return self.path / "anchors.jsonl"

    @property
    def lock_file(self) -> Path:
        """The file that the one running bot locks."""
        return self.state_dir / "lock"

    @property
    def control_socket(self) -> Path:
        """The socket on which the running bot takes commands."""
        return self.state_dir / "control.sock"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Every folder of a complete home, outermost first."""
        return (
            self.path,
            self.config_dir,
            self.journal_dir,
            self.tape_dir,
            self.outbox_dir,
            self.state_dir,
        )

    def venue_file(self, venue: str) -> Path:
        """Return the settings file of a venue.

        Raises:
            HomeError: if the name could lead out of the folder.

        """
        name = f"{venue}.yaml"
        if not _FILE_NAME.match(name):
            msg = f"{venue!r} is not the name of a venue: use lower-case letters, digits and _"
            raise HomeError(msg)
        return self.config_dir / name

    def create(self, settings: Mapping[str, bytes]) -> tuple[Path, ...]:
        """Make what is missing and return it; what exists is never changed.

        Args:
            settings: the default settings files by name, such as ``bot.yaml``.

        Raises:
            HomeError: if the home cannot be written.

        """
        contents = {
            **{self.config_dir / name: data for name, data in settings.items()},
            self.env_file: _ENV_TEMPLATE,
            self.instance_file: f"{secrets.token_hex(_INSTANCE_BYTES)}\n".encode(),
        }
        folders = [folder for folder in self.folders if _make_folder(folder)]
        files = [path for path, data in contents.items() if _write_once(path, data)]
        return (*folders, *files)

    def instance(self) -> str:
        """Return the instance id: 16 hexadecimal digits, drawn once by `create`.

        Raises:
            HomeError: if there is none or it is damaged.

        """
        path = self.instance_file
        try:
            text = path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as e:
            msg = f"{path}: the instance id cannot be read ({e}): run `market-bot init`"
            raise HomeError(msg) from e
        if not _INSTANCE.match(text):
            msg = f"{path}: not an instance id: restore it from a backup of this home"
            raise HomeError(msg)
        return text.strip()

    def check_permissions(self) -> None:
        """Refuse a home whose secrets or settings others could read or change.

        Raises:
            HomeError: with one line per fault, each naming the command that mends it.

        """
        private = (self.env_file, self.outbox_dir)
        others = (*self.folders, *sorted(self.config_dir.glob("*")))
        faults = [_fault(path, _OTHERS) for path in private]
        faults += [_fault(path, _OTHERS_WRITE) for path in others if path not in private]
        found = [fault for fault in faults if fault]
        if found:
            raise HomeError("\n".join(found))


def _fault(path: Path, forbidden: int) -> str | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except OSError as e:
        return f"{path}: cannot be checked ({e.strerror}): mend its owner and mode"
    if status.st_uid not in {os.geteuid(), 0}:
        return f"{path}: belongs to somebody else: run `chown {os.geteuid()} {path}`"
    if stat.S_IMODE(status.st_mode) & forbidden:
        mode = "go-rwx" if forbidden == _OTHERS else "go-w"
        verb = "read or changed" if forbidden == _OTHERS else "changed"
        return f"{path}: can be {verb} by other users of this machine: run `chmod {mode} {path}`"
    return None


def _make_folder(folder: Path) -> bool:
    try:
        folder.mkdir(mode=_PRIVATE_FOLDER, parents=True)
    except FileExistsError as e:
        if folder.is_dir():
            return False
        msg = f"{folder}: a file is in the way: move it, or choose another place with --home"
        raise HomeError(msg) from e
    except OSError as e:
        raise _unwritable(folder, e) from e
    return True


def _write_once(path: Path, data: bytes) -> bool:
    # Whole or not at all, and never over something: written aside, then linked to its name.
    # A complete home is not touched at all, so that it may lie on a read-only disk.
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        if path.exists():
            return False
        _write_durably(aside, data)
        try:
            os.link(aside, path)
        except FileExistsError:
            return False
        finally:
            aside.unlink()
    except OSError as e:
        raise _unwritable(path, e) from e
    return True


def _write_durably(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _unwritable(path: Path, error: OSError) -> HomeError:
    return HomeError(
        f"{path}: cannot be created ({error.strerror}):"
        " make the folder writable, or choose another place with --home"
    )
