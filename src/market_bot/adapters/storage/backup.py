"""Backups of a home: one archive with a list of what must be in it, and the way back.

What a running bot appends to is copied up to its last whole line, so a backup can be made at any
time: a chain that ends one line earlier is a chain. Whatever names lines of others is copied before
them: the anchors, then the system's chain, then the lanes'. Settings come after the journals, as a
change is written down before the file is changed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

import attrs

from market_bot.core.domain.numbers import Micros, format_time

from .home import Home

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
_PRIVATE_FILE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700
_BLOCK: Final = 1 << 20
_MANIFEST_MAX: Final = 64 << 20
_FILES_MAX: Final = 1_000_000
_LINES: Final = ".jsonl"
_NAME: Final = re.compile(r"(?:\.history|[A-Za-z0-9_][A-Za-z0-9_.-]*)\Z", re.ASCII)
_SECRETS: Final = ".env"
_PASSWORD: Final = "web_password"  # noqa: S105 - the name of a file
_SYSTEM: Final = "system"
_REPORTS: Final = "reports"


class BackupError(OSError):
    """A backup cannot be made or used; the message is one line and says what to do."""


@attrs.frozen(kw_only=True)
class Contents:
    """What a backup holds: for every file its size and SHA-256.

    Args:
        made_at: when it was made.
        version: of the program that made it.
        files: by their place in the home.

    """

    made_at: str
    version: str
    files: Mapping[str, tuple[int, str]]

    @property
    def bytes(self) -> int:
        """How long all files are together."""
        return sum(size for size, _ in self.files.values())


def back_up(
    home: Home, target: Path, *, now: Micros, version: str, secrets: bool, tapes: bool
) -> Contents:
    """Write a backup of a home to a new file, for its owner alone; it is whole or not there.

    Settings, journals, anchors, reports and the HALT file always; ``secrets`` adds the file of the
    keys and the dashboard's password, ``tapes`` what was recorded. Signed orders that wait are
    never in it: two homes must not send the same ones.

    Raises:
        BackupError: if the target exists or something cannot be read or written.

    """
    if target.exists():
        msg = f"{target}: is there already: choose another name, nothing is overwritten"
        raise BackupError(msg)
    aside: Path | None = None
    try:
        # A new file of an unforeseeable name: what lies there already is neither followed nor kept.
        descriptor, made = tempfile.mkstemp(".part", f".{target.name}.", target.parent)
        aside = Path(made)
        with os.fdopen(descriptor, "wb") as file:
            contents = _write(home, file, format_time(now), version, secrets=secrets, tapes=tapes)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, target)
    except FileExistsError as e:
        msg = f"{target}: is there already: choose another name, nothing is overwritten"
        raise BackupError(msg) from e
    except OSError as e:
        msg = f"{e.filename or target}: {e.strerror or e}: nothing was backed up"
        raise BackupError(msg) from e
    finally:
        if aside is not None:
            aside.unlink(missing_ok=True)
    return contents


def restore(source: Path, home: Home) -> Contents:
    """Put a backup into a home that does not exist yet; all of it or nothing.

    Raises:
        BackupError: if the home exists, or the archive is damaged or not a backup.

    """
    place = home.path
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        msg = f"{place}: is there already: name a home that does not exist, nothing is overwritten"
        raise BackupError(msg)
    aside = place.with_name(f".{place.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(mode=_PRIVATE_FOLDER, parents=True)
        contents = _read(source, aside)
        for folder in home.folders:
            (aside / folder.relative_to(place)).mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        if place.is_dir():
            place.rmdir()
        aside.rename(place)
    except (tarfile.TarError, zlib.error, EOFError, ValueError, KeyError, TypeError) as e:
        msg = f"{source}: is damaged or no backup ({_short(e)}): nothing was restored"
        raise BackupError(msg) from e
    except BackupError:
        raise
    except OSError as e:
        msg = f"{e.filename or source}: {e.strerror or e}: nothing was restored"
        raise BackupError(msg) from e
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return contents


# -- writing ---------------------------------------------------------------------------------


def _write(
    home: Home, out: IO[bytes], made_at: str, version: str, *, secrets: bool, tapes: bool
) -> Contents:
    files: dict[str, tuple[int, str]] = {}
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for path in _wanted(home, secrets=secrets, tapes=tapes):
            try:
                copied = _add(archive, path, path.relative_to(home.path).as_posix())
            except FileNotFoundError:
                continue  # The retention has just removed it.
            files[path.relative_to(home.path).as_posix()] = copied
        contents = Contents(made_at=made_at, version=version, files=files)
        listed = json.dumps({"format": FORMAT, **attrs.asdict(contents)}).encode()
        archive.addfile(_header(MANIFEST, len(listed)), io.BytesIO(listed))
    return contents


def _wanted(home: Home, *, secrets: bool, tapes: bool) -> Iterator[Path]:
    yield from _there(home.anchors_file)
    yield from sorted(_files(home.journal_dir / _SYSTEM))
    yield from sorted(path for path in _files(home.journal_dir) if not _of_system(home, path))
    if tapes:
        yield from sorted(_files(home.tape_dir))
    password = home.config_dir / _PASSWORD
    yield from sorted(path for path in _files(home.config_dir) if secrets or path != password)
    yield from sorted(_files(home.path / _REPORTS))
    yield from _there(home.halt_file)
    if secrets:
        yield from _there(home.env_file)


def _of_system(home: Home, path: Path) -> bool:
    return path.relative_to(home.journal_dir).parts[0] == _SYSTEM


def _there(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        # Files written aside begin with a dot; they are not there yet.
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            yield path


def _add(archive: tarfile.TarFile, path: Path, name: str) -> tuple[int, str]:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        size = _whole_lines(file) if path.suffix == _LINES else status.st_size
        hashing, header = _Hashing(file, size), _header(name, size)
        # Which chain was written last is seen by the time of its file.
        header.mtime = status.st_mtime
        archive.addfile(header, hashing)  # type: ignore[arg-type]  # only read from
        return size, hashing.digest.hexdigest()


def _whole_lines(file: IO[bytes]) -> int:
    """Return where the last whole line ends."""
    end = os.fstat(file.fileno()).st_size
    while end:
        start = max(0, end - _BLOCK)
        file.seek(start)
        at = file.read(end - start).rfind(b"\n")
        if at >= 0:
            file.seek(0)
            return start + at + 1
        end = start
    file.seek(0)
    return 0


@attrs.define(eq=False)
class _Hashing:
    """The first bytes of a file, hashed while they are read."""

    file: IO[bytes]
    left: int
    digest: Any = attrs.field(factory=hashlib.sha256, init=False)

    def read(self, size: int) -> bytes:
        data = self.file.read(min(size, self.left))
        self.left -= len(data)
        self.digest.update(data)
        return data


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, _PRIVATE_FILE
    return header


# -- reading ---------------------------------------------------------------------------------


def _read(source: Path, folder: Path) -> Contents:
    found: dict[str, tuple[int, str]] = {}
    listed: bytes | None = None
    with tarfile.open(source, mode="r:gz") as archive:
        for member in archive:
            data = archive.extractfile(member) if member.isreg() else None
            if data is None or len(found) > _FILES_MAX:
                msg = f"{member.name!r} is no file"
                raise ValueError(msg)
            if member.name == MANIFEST:
                listed = data.read(_MANIFEST_MAX)
                continue
            place = folder / _safe(member.name)
            found[member.name] = _extract(data, place)
            os.utime(place, (member.mtime, member.mtime))
    if listed is None:
        msg = "its list is missing"
        raise ValueError(msg)
    contents = _contents(listed)
    if found != dict(contents.files):
        wrong = min(set(found.items()) ^ set(contents.files.items()))[0]
        msg = f"{wrong} is not as it was backed up"
        raise ValueError(msg)
    return contents


def _contents(listed: bytes) -> Contents:
    told = json.loads(listed)
    if told["format"] != FORMAT:
        msg = f"format {told['format']!r} is not known here: restore with the version that made it"
        raise ValueError(msg)
    files = {str(name): (int(size), str(digest)) for name, (size, digest) in told["files"].items()}
    return Contents(made_at=str(told["made_at"]), version=str(told["version"]), files=files)


def _safe(name: str) -> Path:
    """Return a member's place; nothing outside the home, and no file that hides but the keys."""
    parts = PurePosixPath(name).parts
    if name != _SECRETS and not (parts and all(_NAME.match(part) for part in parts)):
        msg = f"{name!r} is no place in a home"
        raise ValueError(msg)
    return Path(*parts)


def _extract(data: IO[bytes], path: Path) -> tuple[int, str]:
    path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        while block := data.read(_BLOCK):
            digest.update(block)
            size += len(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
