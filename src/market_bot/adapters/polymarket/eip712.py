"""EIP-712 for the venue's three messages, packed by hand: orders, wrapped orders, login.

Everything that does not change between orders is hashed once; the hash is asked for directly,
since what chooses between its makers costs a tenth of it. ``eth_hash`` comes with the extra
``polymarket``; `signer.open_signer` says so in words where it is absent.
"""

from __future__ import annotations

from typing import Final

from eth_hash.backends.pycryptodome import keccak256 as keccak

ORDER_TYPE: Final = (
    b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,"
    b"uint256 takerAmount,uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,"
    b"bytes32 builder)"
)
NO_WORD: Final = bytes(32)
"""Thirty-two zero bytes: no metadata, no builder, no salt of a wallet."""

_ADDRESS_BYTES: Final = 20
_WORD_BYTES: Final = 32
_DOMAIN_TYPE: Final = (
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_WRAPPED_TYPE: Final = (
    b"TypedDataSign(Order contents,string name,string version,uint256 chainId,"
    b"address verifyingContract,bytes32 salt)"
)
_LOGIN_DOMAIN_TYPE: Final = b"EIP712Domain(string name,string version,uint256 chainId)"
_LOGIN_TYPE: Final = b"ClobAuth(address address,string timestamp,uint256 nonce,string message)"
_EXCHANGE_NAME: Final = b"Polymarket CTF Exchange"
_WALLET_NAME: Final = b"DepositWallet"
_WALLET_VERSION: Final = b"1"
_LOGIN_NAME: Final = b"ClobAuthDomain"
_LOGIN_VERSION: Final = b"1"
_LOGIN_MESSAGE: Final = b"This message attests that I control the given wallet"
_PREFIX: Final = b"\x19\x01"

_ORDER_TYPE_HASH: Final = keccak(ORDER_TYPE)
_WRAPPED_TYPE_HASH: Final = keccak(_WRAPPED_TYPE + ORDER_TYPE)
_LOGIN_TYPE_HASH: Final = keccak(_LOGIN_TYPE)
_LOGIN_MESSAGE_HASH: Final = keccak(_LOGIN_MESSAGE)
_ORDER_TYPE_TAIL: Final = ORDER_TYPE + len(ORDER_TYPE).to_bytes(2, "big")
_SESSION_MARK: Final = bytes.fromhex("6492") * 16


def address_bytes(text: str) -> bytes:
    """Return the twenty bytes of an address written in hexadecimal.

    Raises:
        ValueError: if it is not one.

    """
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != _ADDRESS_BYTES or not text.startswith("0x"):
        msg = f"not an address: {text[:50]!r}; expected 0x and forty hexadecimal digits"
        raise ValueError(msg)
    return raw


def checksummed(address: bytes) -> str:
    """Return an address in the mixed case that carries its checksum (EIP-55)."""
    digits = address.hex()
    marks = keccak(digits.encode()).hex()
    pairs = zip(digits, marks, strict=False)
    return "0x" + "".join(c.upper() if int(mark, 16) >> 3 else c for c, mark in pairs)


def word(value: int) -> bytes:
    """Return a number as the thirty-two bytes of a ``uint256``.

    Raises:
        OverflowError: if it is negative or too large.

    """
    return value.to_bytes(_WORD_BYTES, "big")


def exchange_separator(version: str, chain_id: int, contract: bytes) -> bytes:
    """Return the domain separator of an exchange contract."""
    return keccak(
        keccak(_DOMAIN_TYPE)
        + keccak(_EXCHANGE_NAME)
        + keccak(version.encode())
        + word(chain_id)
        + _padded(contract)
    )


def accounts_words(maker: bytes, signer: bytes) -> bytes:
    """Return maker and signer as they stand in a packed order."""
    return _padded(maker) + _padded(signer)


def order_struct_hash(
    salt: int,
    accounts: bytes,
    token: int,
    maker_amount: int,
    taker_amount: int,
    side: int,
    signature_type: int,
    timestamp_ms: int,
    metadata: bytes = NO_WORD,
    builder: bytes = NO_WORD,
) -> bytes:
    """Return the struct hash of an order; the same under every domain.

    Args:
        salt: makes the order unique.
        accounts: maker and signer as two words, see `accounts_words`.
        token: the token id.
        maker_amount: what is given, in base units.
        taker_amount: what is taken, in base units.
        side: 0 buys, 1 sells.
        signature_type: 0 to 3.
        timestamp_ms: when the order was made.
        metadata: thirty-two bytes.
        builder: thirty-two bytes.

    Raises:
        OverflowError: if a number is negative or too large.

    """
    return keccak(
        b"".join(
            (
                _ORDER_TYPE_HASH,
                salt.to_bytes(32, "big"),
                accounts,
                token.to_bytes(32, "big"),
                maker_amount.to_bytes(32, "big"),
                taker_amount.to_bytes(32, "big"),
                side.to_bytes(32, "big"),
                signature_type.to_bytes(32, "big"),
                timestamp_ms.to_bytes(32, "big"),
                metadata,
                builder,
            )
        )
    )


def digest(separator: bytes, struct_hash: bytes) -> bytes:
    """Return what is signed for a message under a domain; of an order this is its id."""
    return keccak(_PREFIX + separator + struct_hash)


def wallet_tail(chain_id: int, wallet: bytes) -> bytes:
    """Return the part of a wrapped order that is the same for every order of a deposit wallet."""
    return b"".join(
        (
            keccak(_WALLET_NAME),
            keccak(_WALLET_VERSION),
            word(chain_id),
            _padded(wallet),
            NO_WORD,
        )
    )


def wrapped_digest(separator: bytes, struct_hash: bytes, tail: bytes) -> bytes:
    """Return what the owner of a deposit wallet signs for an order (ERC-7739)."""
    return digest(separator, keccak(_WRAPPED_TYPE_HASH + struct_hash + tail))


def wrapped_signature(signature: bytes, separator: bytes, struct_hash: bytes) -> bytes:
    """Return the signature a deposit wallet can check: the owner's, and what it was made over."""
    return signature + separator + struct_hash + _ORDER_TYPE_TAIL


def session_signature(session_signer: bytes, signature: bytes) -> bytes:
    """Return a deposit wallet's signature as made by one of its session keys."""
    padding = bytes(-len(signature) % _WORD_BYTES)
    body = _padded(session_signer) + NO_WORD + word(3 * _WORD_BYTES)
    return body + word(len(signature)) + signature + padding + _SESSION_MARK


def login_digest(chain_id: int, address: bytes, timestamp: str, nonce: int) -> bytes:
    """Return what is signed to make or derive an API key."""
    domain = keccak(
        keccak(_LOGIN_DOMAIN_TYPE) + keccak(_LOGIN_NAME) + keccak(_LOGIN_VERSION) + word(chain_id)
    )
    struct = keccak(
        _LOGIN_TYPE_HASH
        + _padded(address)
        + keccak(timestamp.encode())
        + word(nonce)
        + _LOGIN_MESSAGE_HASH
    )
    return digest(domain, struct)


def _padded(address: bytes) -> bytes:
    return address.rjust(_WORD_BYTES, b"\0")
