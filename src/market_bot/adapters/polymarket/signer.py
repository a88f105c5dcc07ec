"""Who signs: a private key that nothing shows, behind two operations.

``coincurve`` (libsecp256k1) signs in tens of microseconds. Without it ``eth-account`` computes in
pure Python for milliseconds, during which a venue's thread does nothing else; that is refused
unless it is asked for.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:  # The extra may be absent; only the annotations need it.
    import coincurve

_KEY_BYTES: Final = 32
_DIGEST_BYTES: Final = 32
_EXTRA: Final = "pip install 'market-bot[polymarket]'"


class SignerError(Exception):
    """Nothing can be signed; the message is one line saying why, and never holds key material."""


class Signer(Protocol):
    """Signs digests with a key that stays where it is."""

    @property
    @abstractmethod
    def address(self) -> bytes:
        """The twenty bytes of the key's address."""

    @abstractmethod
    def sign(self, digest: bytes) -> bytes:
        """Return the sixty-five bytes r, s, v (27 or 28) over a digest of thirty-two bytes."""


class _SilentSigner(Signer):
    """Shows its address and refuses to be copied."""

    __slots__ = ("_address",)

    def __init__(self, address: bytes) -> None:
        self._address = address

    @property
    def address(self) -> bytes:
        return self._address

    def __repr__(self) -> str:
        return f"{type(self).__name__}(0x{self._address.hex()})"

    def __reduce__(self) -> str:
        msg = "a private key is not copied to other processes or files"
        raise TypeError(msg)


class NativeSigner(_SilentSigner):
    """Signs with libsecp256k1."""

    __slots__ = ("_sign",)

    def __init__(self, key: coincurve.PrivateKey, address: bytes) -> None:
        super().__init__(address)
        self._sign = key.sign_recoverable

    def sign(self, digest: bytes) -> bytes:
        raw = self._sign(digest, hasher=None)  # refuses what has not thirty-two bytes
        return raw[:64] + (b"\x1c" if raw[64] else b"\x1b")


class SlowSigner(_SilentSigner):
    """Signs in pure Python, a hundred times slower; the same bytes."""

    __slots__ = ("_sign",)

    def __init__(self, sign: Callable[[bytes], bytes], address: bytes) -> None:
        super().__init__(address)
        self._sign = sign

    def sign(self, digest: bytes) -> bytes:
        _check(digest)
        return self._sign(digest)


def open_signer(key: str, *, allow_slow: bool = False) -> Signer:
    """Return a signer for a private key written in hexadecimal.

    Args:
        key: sixty-four hexadecimal digits, with or without ``0x``.
        allow_slow: take the pure Python signer where libsecp256k1 is absent.

    Raises:
        SignerError: if the key is no key, or what signs is not installed.

    """
    secret = _secret(key)
    try:
        return _native(secret)
    except ImportError:
        pass
    if not allow_slow:
        msg = (
            f"the fast signer (coincurve) is not installed: {_EXTRA}, or allow the slow one,"
            " which stops the bot for milliseconds at every order"
        )
        raise SignerError(msg)
    try:
        return _slow(secret)
    except ImportError:
        msg = f"orders for Polymarket are signed with eth-account, which is absent: {_EXTRA}"
        raise SignerError(msg) from None


def _secret(key: str) -> bytes:
    digits = key.strip().removeprefix("0x")
    try:
        secret = bytes.fromhex(digits)
    except ValueError:
        secret = b""
    if len(secret) != _KEY_BYTES or len(digits) != 2 * _KEY_BYTES:
        # Nothing of what was given: a key with one digit too many is still nearly a key.
        msg = "the private key must be sixty-four hexadecimal digits, with or without 0x"
        raise SignerError(msg)
    return secret


def _native(secret: bytes) -> Signer:
    import coincurve  # noqa: PLC0415 - an optional extra
    from eth_hash.auto import keccak  # noqa: PLC0415 - an optional extra

    try:
        key = coincurve.PrivateKey(secret)
    except ValueError:
        raise _no_key() from None
    public = key.public_key.format(compressed=False)[1:]
    return NativeSigner(key, keccak(public)[12:])


def _slow(secret: bytes) -> Signer:
    depth = sys.getrecursionlimit()
    try:
        from eth_account import Account  # noqa: PLC0415 - an optional extra, half a second to import
        from eth_utils.exceptions import ValidationError  # noqa: PLC0415 - as above
    finally:
        # One of its dependencies raises the limit a hundredfold: a deeply nested reply of a venue
        # would then end the process where it is refused otherwise.
        sys.setrecursionlimit(depth)

    try:
        account = Account.from_key(secret)
    except (ValidationError, ValueError):
        raise _no_key() from None

    def sign(digest: bytes) -> bytes:
        return bytes(account.unsafe_sign_hash(digest).signature)

    return SlowSigner(sign, bytes.fromhex(account.address[2:]))


def _no_key() -> SignerError:
    return SignerError("the private key is no key of the curve secp256k1")


def _check(digest: bytes) -> None:
    if len(digest) != _DIGEST_BYTES:
        msg = f"a digest has thirty-two bytes, was {len(digest)}"
        raise ValueError(msg)
