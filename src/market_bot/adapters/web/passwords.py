"""The dashboard's password: kept as a salted scrypt hash in one private file."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from pathlib import Path
from typing import Final

import attrs

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 256

_COST: Final = 1 << 15
_BLOCK: Final = 8
_MEMORY_MAX: Final = 64 << 20
_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32
_FILE_BYTES_MAX: Final = 512
_OTHERS: Final = 0o077
_LINE: Final = re.compile(r"scrypt:([0-9a-f]{32}):([0-9a-f]{64})\n?\Z", re.ASCII)


class PasswordError(ValueError):
    """A password, or the file that holds its hash, cannot be used; never shows either."""


@attrs.frozen
class Passwords:
    """The one password of a dashboard.

    Args:
        file: where its hash lies; absent means that there is none.

    """

    file: Path

    @property
    def is_set(self) -> bool:
        """Whether there is a password.

        Raises:
            PasswordError: if there is a file that holds none.

        """
        return self._read() is not None

    def set(self, password: str) -> None:
        """Take a password from now on.

        Raises:
            PasswordError: if it is too short, too long, or cannot be kept.

        """
        if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
            msg = f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters"
            raise PasswordError(msg)
        salt = secrets.token_bytes(_SALT_BYTES)
        text = f"scrypt:{salt.hex()}:{_hashed(password, salt).hex()}\n"
        aside = self.file.with_name(f".{self.file.name}.{secrets.token_hex(4)}.tmp")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(aside, flags, stat.S_IRUSR | stat.S_IWUSR), "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.file)
        except OSError as e:
            msg = f"{self.file}: the password cannot be kept ({e.strerror})"
            raise PasswordError(msg) from e

    def remove(self) -> None:
        """Have no password any more; harmless if there is none."""
        self.file.unlink(missing_ok=True)

    def matches(self, password: str) -> bool:
        """Tell whether this is the password, in a time that tells nothing; slow on purpose."""
        kept = self._read()
        salt, wanted = kept or (bytes(_SALT_BYTES), bytes(_KEY_BYTES))
        # Hashed in any case, so that nobody learns from the time whether there is one.
        same = hmac.compare_digest(_hashed(password[:LENGTH_MAX], salt), wanted)
        return same and kept is not None

    def _read(self) -> tuple[bytes, bytes] | None:
        try:
            with self.file.open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                text = file.read(_FILE_BYTES_MAX).decode("ascii", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as e:
            msg = f"{self.file}: cannot be read ({e.strerror})"
            raise PasswordError(msg) from e
        if mode & _OTHERS:
            msg = f"{self.file}: can be read by other users: run `chmod 600 {self.file}`"
            raise PasswordError(msg)
        found = _LINE.match(text)
        if found is None:
            msg = f"{self.file}: holds no password: set one with `market-bot web password`"
            raise PasswordError(msg)
        return bytes.fromhex(found[1]), bytes.fromhex(found[2])


def _hashed(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=_COST, r=_BLOCK, p=1, maxmem=_MEMORY_MAX, dklen=_KEY_BYTES
    )
