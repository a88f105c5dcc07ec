"""Proofs of who asks: a signature of the wallet to get credentials, then an HMAC per request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import attrs

from .contracts import CHAIN_ID
from .signer import Signer

_PLAIN: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_SECRET_MAX: Final = 512


class CredentialsError(ValueError):
    """The API credentials cannot be used; the text never holds one."""


@attrs.frozen(kw_only=True)
class ApiCredentials:
    """An API key with its secret and passphrase; printing it shows none of them.

    Args:
        address: of the wallet key they belong to, with its checksum.
        key: the id of the API key.
        secret: base64url, as the venue gave it.
        passphrase: as the venue gave it.

    Raises:
        CredentialsError: if one of them cannot be what it should be.

    """

    address: str
    key: str = attrs.field(repr=False)
    _secret: str = attrs.field(repr=False)
    _passphrase: str = attrs.field(repr=False)
    _hmac_key: bytes = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        """Decode the secret once."""
        # They stand in headers and in JSON: nothing that would need escaping there.
        for name, value in (("key", self.key), ("passphrase", self._passphrase)):
            if not _PLAIN.fullmatch(value):
                msg = f"the API {name} is empty or has characters that none has; copy it again"
                raise CredentialsError(msg)
        object.__setattr__(self, "_hmac_key", _decoded(self._secret))

    def __reduce__(self) -> str:
        """Refuse to be copied out of the process."""
        msg = "credentials are not copied to other processes or files"
        raise TypeError(msg)

    @property
    def withheld(self) -> tuple[str, ...]:
        """Every text that must never be shown; for redaction."""
        return (self._secret, self._secret.rstrip("="), self._passphrase, self.key)

    def stream_login(self) -> dict[str, str]:
        """Return what a connection to the user channel says of itself; all of it is secret."""
        return {"apiKey": self.key, "secret": self._secret, "passphrase": self._passphrase}

    def headers(self, timestamp_s: int, method: str, path: str, body: bytes) -> dict[str, str]:
        """Return the headers of a request.

        Args:
            timestamp_s: now, in seconds since 1970.
            method: in capitals.
            path: without the query.
            body: exactly the bytes that are sent; empty where there is none.

        """
        return {
            "POLY_ADDRESS": self.address,
            "POLY_SIGNATURE": hmac_signature(self._hmac_key, timestamp_s, method, path, body),
            "POLY_TIMESTAMP": str(timestamp_s),
            "POLY_API_KEY": self.key,
            "POLY_PASSPHRASE": self._passphrase,
        }


Login: TypeAlias = Callable[[], ApiCredentials]
"""Returns the credentials; raises `problems.LoggedOut` while they are not known, never waits."""


def hmac_signature(key: bytes, timestamp_s: int, method: str, path: str, body: bytes) -> str:
    """Return the base64url HMAC-SHA256 of a request, padding kept."""
    message = f"{timestamp_s}{method}{path}".encode() + body
    return base64.urlsafe_b64encode(hmac.digest(key, message, hashlib.sha256)).decode()


def login_headers(
    signer: Signer, timestamp_s: int, *, nonce: int = 0, chain_id: int = CHAIN_ID
) -> Mapping[str, str]:
    """Return the headers that make or derive API credentials; needs the extra ``polymarket``."""
    from .eip712 import checksummed, login_digest  # noqa: PLC0415 - needs an optional extra

    signed = signer.sign(login_digest(chain_id, signer.address, str(timestamp_s), nonce))
    return {
        "POLY_ADDRESS": checksummed(signer.address),
        "POLY_SIGNATURE": "0x" + signed.hex(),
        "POLY_TIMESTAMP": str(timestamp_s),
        "POLY_NONCE": str(nonce),
    }


def _decoded(secret: str) -> bytes:
    text = secret.strip().rstrip("=").replace("+", "-").replace("/", "_")
    msg = "the API secret is not base64url; copy it again"
    if not 0 < len(text) <= _SECRET_MAX or not text.isascii():
        raise CredentialsError(msg)
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except binascii.Error:
        raise CredentialsError(msg) from None
