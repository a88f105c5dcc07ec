"""An order from a plan to signed bytes; its id is known before anything is sent.

Needs the extra ``polymarket``: open the signer first (`signer.open_signer`), which says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain.numbers import Micros

from .amounts import Amounts, Lifetime, OrderSide
from .contracts import CHAIN_ID, CONTRACTS, Contract, Exchange
from .eip712 import (
    NO_WORD,
    accounts_words,
    address_bytes,
    checksummed,
    digest,
    exchange_separator,
    order_struct_hash,
    session_signature,
    wallet_tail,
    wrapped_digest,
    wrapped_signature,
)
from .signer import Signer

SALT_MAX: Final = (1 << 53) - 1
"""The salt travels as a JSON number, which other readers hold as a double."""

_WORD_BYTES: Final = 32


class SignatureType(Enum):
    """Whose money an order spends and how its signature is checked."""

    EOA = 0
    PROXY = 1
    SAFE = 2
    DEPOSIT_WALLET = 3


@attrs.frozen(kw_only=True)
class Account:
    """Who pays and who signs.

    Args:
        signature_type: the kind of wallet.
        funder: the wallet that holds the money; None where the key's own address does.
        session_key: whether the signer is a session key of a deposit wallet, not its owner.

    """

    signature_type: SignatureType
    funder: str | None = None
    session_key: bool = False

    def __attrs_post_init__(self) -> None:
        """Refuse combinations that no wallet has."""
        if (self.signature_type is SignatureType.EOA) is not (self.funder is None):
            msg = f"signature type {self.signature_type.value} " + (
                "takes no funder" if self.funder else "needs the address of its wallet"
            )
            raise ValueError(msg)
        if self.session_key and self.signature_type is not SignatureType.DEPOSIT_WALLET:
            msg = "only deposit wallets have session keys"
            raise ValueError(msg)


@attrs.frozen(kw_only=True)
class OrderPlan:
    """One order, ready to be signed.

    Args:
        exchange: the contract that trades the token; see `contracts.exchange_of`.
        token: the token id.
        side: buy or sell.
        amounts: what is given and taken, in base units.
        salt: see `salt_of`.
        created_ms: when the order was made, in milliseconds; part of its id.
        metadata: thirty-two bytes of ours.
        builder: thirty-two bytes of a builder code.

    """

    exchange: Exchange
    token: int
    side: OrderSide
    amounts: Amounts
    salt: int
    created_ms: int
    metadata: bytes = NO_WORD
    builder: bytes = NO_WORD


@attrs.frozen(kw_only=True)
class SignedOrder:
    """An order and its signature; whoever holds it can send it, so neither is ever printed.

    ``id`` is the digest under which the venue knows the order.
    """

    id: str
    plan: OrderPlan
    maker: str
    signer: str
    signature_type: SignatureType
    signature: str = attrs.field(repr=False)

    def body(
        self,
        *,
        owner: str,
        lifetime: Lifetime,
        expires_s: int = 0,
        post_only: bool = False,
        defer: bool = False,
    ) -> bytes:
        """Return the exact bytes to send; the same arguments give the same bytes.

        Args:
            owner: the id of the API key.
            lifetime: how long the order works.
            expires_s: when a GTD order expires, in seconds since 1970; not signed.
            post_only: whether the order may only rest.
            defer: the venue's ``deferExec``.

        Raises:
            ValueError: for an expiry on anything but GTD, GTD without one, or a post-only order
                that trades at once.

        """
        if (lifetime is Lifetime.GTD) is not (expires_s > 0):
            msg = f"{lifetime.value} with the expiry {expires_s}: GTD has one, the others none"
            raise ValueError(msg)
        if post_only and lifetime.immediate:
            msg = f"{lifetime.value} trades at once and cannot be post-only"
            raise ValueError(msg)
        plan = self.plan
        # In this order the venue's own clients write it; every value is ours, nothing to escape
        # but the owner, which is checked when the credentials are made.
        parts = (
            '{"deferExec":', "true" if defer else "false",
            ',"order":{"builder":"0x', plan.builder.hex(),
            '","expiration":"', str(expires_s),
            '","maker":"', self.maker,
            '","makerAmount":"', str(plan.amounts.maker),
            '","metadata":"0x', plan.metadata.hex(),
            '","salt":', str(plan.salt),
            ',"side":"', plan.side.name,
            '","signature":"', self.signature,
            '","signatureType":', str(self.signature_type.value),
            ',"signer":"', self.signer,
            '","takerAmount":"', str(plan.amounts.taker),
            '","timestamp":"', str(plan.created_ms),
            '","tokenId":"', str(plan.token),
            '"},"orderType":"', lifetime.value,
            '","owner":"', owner,
            '","postOnly":true}' if post_only else '"}',
        )  # fmt: skip
        return "".join(parts).encode()


def salt_of(intent: str) -> int:
    """Return an order's salt: always the same for an intent, so signing again changes nothing."""
    drawn = int.from_bytes(hashlib.sha256(b"salt:" + intent.encode()).digest()[:8], "big")
    return drawn & SALT_MAX or 1


def metadata_of(intent: str) -> bytes:
    """Return thirty-two bytes that name an intent inside its order."""
    return hashlib.sha256(b"intent:" + intent.encode()).digest()


def milliseconds(moment: Micros) -> int:
    """Return a moment in the order's unit of time."""
    return moment // 1000


class OrderSigner:
    """Signs the orders of one account.

    Args:
        signer: the key: the account's own, its wallet's owner, or a session key.
        account: whose money is spent.
        contracts: the exchanges; from configuration.
        chain_id: of the chain they are on.

    """

    def __init__(
        self,
        signer: Signer,
        account: Account,
        *,
        contracts: Mapping[Exchange, Contract] = CONTRACTS,
        chain_id: int = CHAIN_ID,
    ) -> None:
        own = signer.address
        maker = own if account.funder is None else address_bytes(account.funder)
        wrapped = account.signature_type is SignatureType.DEPOSIT_WALLET
        signing = maker if wrapped else own
        self._sign = signer.sign
        self._key_address = own
        self._account = account
        self._type = account.signature_type.value
        self._wrapped = wrapped
        self._accounts = accounts_words(maker, signing)
        self._maker = checksummed(maker)
        self._signer = checksummed(signing)
        self._tail = wallet_tail(chain_id, maker)
        self._separators = {
            exchange: exchange_separator(
                contract.version, chain_id, address_bytes(contract.address)
            )
            for exchange, contract in contracts.items()
        }

    def __repr__(self) -> str:
        return f"OrderSigner(maker={self._maker}, type={self._type})"

    @property
    def maker(self) -> str:
        """The address that pays."""
        return self._maker

    @property
    def signature_type(self) -> SignatureType:
        """The kind of wallet that pays."""
        return self._account.signature_type

    @property
    def login_address(self) -> str:
        """The address of the key, to which API credentials belong."""
        return checksummed(self._key_address)

    def order_id(self, plan: OrderPlan) -> str:
        """Return the id a plan will have, without signing it."""
        return "0x" + digest(self._separators[plan.exchange], self._struct_hash(plan)).hex()

    def sign(self, plan: OrderPlan) -> SignedOrder:
        """Return the signed order; the same plan always gives the same bytes.

        Raises:
            ValueError: if a number of the plan does not fit its field.

        """
        struct_hash = self._struct_hash(plan)
        separator = self._separators[plan.exchange]
        order_digest = digest(separator, struct_hash)
        if self._wrapped:
            own = self._sign(wrapped_digest(separator, struct_hash, self._tail))
            signature = wrapped_signature(own, separator, struct_hash)
            if self._account.session_key:
                signature = session_signature(self._key_address, signature)
        else:
            signature = self._sign(order_digest)
        return SignedOrder(
            id="0x" + order_digest.hex(),
            plan=plan,
            maker=self._maker,
            signer=self._signer,
            signature_type=self._account.signature_type,
            signature="0x" + signature.hex(),
        )

    def _struct_hash(self, plan: OrderPlan) -> bytes:
        if not 0 < plan.salt <= SALT_MAX:
            msg = f"salt outside 1..2^53-1: {plan.salt}"
            raise ValueError(msg)
        if len(plan.metadata) != _WORD_BYTES or len(plan.builder) != _WORD_BYTES:
            msg = "metadata and builder have thirty-two bytes each"
            raise ValueError(msg)
        if plan.exchange not in self._separators:
            msg = f"no contract is configured for {plan.exchange.value}"
            raise ValueError(msg)
        try:
            return order_struct_hash(
                plan.salt,
                self._accounts,
                plan.token,
                plan.amounts.maker,
                plan.amounts.taker,
                plan.side.value,
                self._type,
                plan.created_ms,
                plan.metadata,
                plan.builder,
            )
        except OverflowError as e:
            msg = f"a number of the order is negative or too large: {plan}"
            raise ValueError(msg) from e
