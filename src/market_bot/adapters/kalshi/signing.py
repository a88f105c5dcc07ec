"""Signed requests: what is signed, with which kind of key, and who may read the key.

The signed text is ``<milliseconds><METHOD><path>``: the path from the root, without host, query
and body (Kalshi documentation, API keys, August 2026). RSA keys sign with PSS (SHA-256, MGF1 with
SHA-256, salt as long as the digest); Ed25519 keys, accepted since September 2026, sign the same
bytes directly.
"""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .errors import KeyFileError

KEY_HEADER: Final = "KALSHI-ACCESS-KEY"
TIMESTAMP_HEADER: Final = "KALSHI-ACCESS-TIMESTAMP"
SIGNATURE_HEADER: Final = "KALSHI-ACCESS-SIGNATURE"
PATH_PREFIX: Final = "/trade-api/"

_OTHERS: Final = 0o077
_MAX_BYTES: Final = 64 * 1024
_RSA_BITS_MIN: Final = 2048
_KEY_ID_MAX: Final = 200
_PADDING: Final = PSS(mgf=MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)


def message(timestamp_ms: int, method: str, path: str) -> bytes:
    """Return the bytes that are signed.

    Args:
        timestamp_ms: milliseconds since 1970.
        method: ``GET``, ``POST`` …; always signed in capitals.
        path: from the root, ``/trade-api/v2/…``; a query is left out of the signature.

    Raises:
        ValueError: if the path does not start at the root of the API, or would have to be
            escaped, so that what is signed and what is sent could differ.

    """
    bare = path.partition("?")[0]
    if not bare.startswith(PATH_PREFIX) or not bare.isascii() or not bare.isprintable():
        msg = f"only paths below {PATH_PREFIX} are signed, was {bare[:80]!r}"
        raise ValueError(msg)
    if "%" in bare or " " in bare:
        msg = f"a path that needs escaping is not signed: {bare[:80]!r}"
        raise ValueError(msg)
    return f"{timestamp_ms}{method.upper()}{bare}".encode("ascii")


class Signer:
    """Signs requests with one key. Printing it shows neither the key nor its id."""

    __slots__ = ("_key", "_key_id")

    def __init__(self, key_id: str, key: RSAPrivateKey | Ed25519PrivateKey) -> None:
        if not key_id or len(key_id) > _KEY_ID_MAX or not key_id.isascii() or " " in key_id:
            msg = "the key id is empty or not one word: copy it from the venue's page of API keys"
            raise KeyFileError(msg)
        if not key_id.isprintable():
            msg = "the key id holds characters that cannot be printed: copy it again"
            raise KeyFileError(msg)
        self._key_id = key_id
        self._key = key

    @property
    def kind(self) -> str:
        """What sort of key it is: ``rsa`` or ``ed25519``."""
        return "rsa" if isinstance(self._key, RSAPrivateKey) else "ed25519"

    def sign(self, text: bytes) -> bytes:
        """Return the signature of some bytes."""
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(text, _PADDING, hashes.SHA256())
        return self._key.sign(text)

    def headers(self, method: str, path: str, now_ms: int) -> dict[str, str]:
        """Return the headers of one request; made anew for every attempt.

        Raises:
            ValueError: as `message`.

        """
        signature = self.sign(message(now_ms, method, path))
        return {
            KEY_HEADER: self._key_id,
            TIMESTAMP_HEADER: str(now_ms),
            SIGNATURE_HEADER: base64.b64encode(signature).decode("ascii"),
        }

    def __repr__(self) -> str:
        return f"Signer({self.kind}, ***)"

    def __reduce__(self) -> str:
        msg = "a private key is not copied to other processes or files"
        raise TypeError(msg)


def load_signer(key_file: Path, key_id: str) -> Signer:
    """Return a signer for a private key in a PEM file.

    Raises:
        KeyFileError: if the file is not there, is not ours alone, or holds no RSA or Ed25519 key.

    """
    data = _read_private(key_file)
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError:
        problem = "is encrypted: store it without a password, readable by you alone"
    except (ValueError, UnsupportedAlgorithm):
        # Not the library's own text: it may quote what it was given.
        problem = "holds no private key in PEM form: download it again from the venue"
    else:
        if isinstance(key, Ed25519PrivateKey):
            return Signer(key_id, key)
        if not isinstance(key, RSAPrivateKey):
            problem = "holds neither an RSA nor an Ed25519 key: make a new one at the venue"
        elif key.key_size < _RSA_BITS_MIN:
            problem = f"holds an RSA key of {key.key_size} bits: {_RSA_BITS_MIN} are needed"
        else:
            return Signer(key_id, key)
    msg = f"{key_file}: {problem}"
    raise KeyFileError(msg)


def _read_private(key_file: Path) -> bytes:
    """Read a file that only its owner, who must be us, can read."""
    problem: str
    try:
        # Checked on the open file, so that it cannot be exchanged between check and reading;
        # without waiting, so that a pipe in its place cannot hold up the start.
        descriptor = os.open(key_file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as e:
        problem = f"cannot be read ({e.strerror}): name the private key's file"
    else:
        with os.fdopen(descriptor, "rb") as file:
            problem = _what_is_wrong(key_file, os.fstat(file.fileno()))
            if not problem:
                data = file.read(_MAX_BYTES + 1)
                if len(data) <= _MAX_BYTES:
                    return data
                problem = f"is larger than {_MAX_BYTES // 1024} KB: this is not a private key"
    msg = f"{key_file}: {problem}"
    raise KeyFileError(msg)


def _what_is_wrong(key_file: Path, status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "is not a file: name the private key's file"
    if status.st_uid != os.geteuid():
        return f"belongs to another user: run `chown {os.geteuid()} {key_file}`"
    if stat.S_IMODE(status.st_mode) & _OTHERS:
        return f"can be read by other users: run `chmod 600 {key_file}`"
    return ""
