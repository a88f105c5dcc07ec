"""Secrets from the file ``.env``; nothing here ever shows one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Final

from dotenv.parser import Binding, parse_stream

_OTHERS: Final = 0o077
_MAX_BYTES: Final = 64 * 1024


class SecretsError(ValueError):
    """The secrets cannot be used; the text says why and never holds one."""


class Secrets(Mapping[str, str]):
    """Secrets by name. Printing it shows the names only."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(f'{name}=***' for name in sorted(self._values))})"

    def __reduce__(self) -> str:
        msg = "secrets are not copied to other processes or files"
        raise TypeError(msg)

    def require(self, name: str) -> str:
        """Return a secret.

        Raises:
            SecretsError: if it is absent or empty.

        """
        value = self._values.get(name)
        if not value:
            msg = f"{name} is not set: add a line {name}=… to the file .env of the home"
            raise SecretsError(msg)
        return value


def load_secrets(env_file: Path) -> Secrets:
    """Return the secrets of a file; none if there is no file, as paper trading needs none.

    Raises:
        SecretsError: if others could read the file, or a line is not NAME=value.

    """
    try:
        text = _read_private(env_file)
    except FileNotFoundError:
        return Secrets({})
    except (OSError, UnicodeDecodeError) as e:
        # Not the error's own text: that of a decoding error holds the bytes.
        msg = f"{env_file}: cannot be read ({type(e).__name__}): check its owner, mode and encoding"
        raise SecretsError(msg) from None
    values: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        _add(values, binding, env_file)
    return Secrets(values)


def _read_private(env_file: Path) -> str:
    # Checked on the open file, so that it cannot be exchanged between the check and the reading.
    with env_file.open("rb") as file:
        status = os.fstat(file.fileno())
        if stat.S_IMODE(status.st_mode) & _OTHERS:
            msg = f"{env_file}: can be read by other users: run `chmod 600 {env_file}`"
            raise SecretsError(msg)
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        msg = f"{env_file}: larger than {_MAX_BYTES // 1024} KB: this is not a file of secrets"
        raise SecretsError(msg)
    return data.decode("utf-8-sig")


def _add(values: dict[str, str], binding: Binding, env_file: Path) -> None:
    if binding.key is None and not binding.error:
        return  # a comment or an empty line
    where = f"{env_file}:{binding.original.line}"
    if binding.error or binding.key is None or binding.value is None:
        msg = f"{where}: not a line like NAME=value: mend it, or begin it with # to ignore it"
        raise SecretsError(msg)
    if binding.key in values:
        msg = f"{where}: {binding.key} is given twice: delete one"
        raise SecretsError(msg)
    values[binding.key] = binding.value
