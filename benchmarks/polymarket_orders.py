"""Orders for Polymarket to be signed; importing this needs the extra ``polymarket``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import coincurve
from eth_account import Account as UsualAccount

from market_bot.adapters.polymarket.amounts import Lifetime, OrderSide, amounts
from market_bot.adapters.polymarket.contracts import CONTRACTS, Exchange
from market_bot.adapters.polymarket.order_signing import (
    Account,
    OrderPlan,
    OrderSigner,
    SignatureType,
    SignedOrder,
    salt_of,
)
from market_bot.adapters.polymarket.signer import open_signer
from market_bot.core.domain.numbers import Price, Size

_KEY: Final = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
_WALLET: Final = "0x00000000000000000000000000000000000000Aa"
_TOKEN: Final = (0xA5A5_A5A5_A5A5_A5A5 << 180) + (0xC3C3_C3C3_C3C3 << 40) + 7
_BEGIN_MS: Final = 1_792_497_600_000
_PRICE: Final = Price(460_000)
_TICK: Final = Price(10_000)
_FIELDS: Final = (
    ("uint256", "salt"),
    ("address", "maker"),
    ("address", "signer"),
    ("uint256", "tokenId"),
    ("uint256", "makerAmount"),
    ("uint256", "takerAmount"),
    ("uint8", "side"),
    ("uint8", "signatureType"),
    ("uint256", "timestamp"),
    ("bytes32", "metadata"),
    ("bytes32", "builder"),
)


def plain_signer() -> OrderSigner:
    """Return the signer of a plain key; the key is a well-known one."""
    return OrderSigner(open_signer(_KEY), Account(signature_type=SignatureType.EOA))


def wallet_signer() -> OrderSigner:
    """Return the signer of a deposit wallet."""
    kind = SignatureType.DEPOSIT_WALLET
    return OrderSigner(open_signer(_KEY), Account(signature_type=kind, funder=_WALLET))


def built(signer: OrderSigner, number: int) -> SignedOrder:
    """Return the signed order of a number, from price and size on."""
    plan = OrderPlan(
        exchange=Exchange.STANDARD,
        token=_TOKEN,
        side=OrderSide.BUY,
        amounts=amounts(
            OrderSide.BUY, _PRICE, Size(10_000_000 + number * 10_000), _TICK, Lifetime.GTC
        ),
        salt=salt_of(f"intent-{number}"),
        created_ms=_BEGIN_MS + number,
    )
    return signer.sign(plan)


def bare_signature() -> Callable[[], bytes]:
    """Return what signs a digest that is ready, and nothing else."""
    sign = coincurve.PrivateKey(bytes.fromhex(_KEY)).sign_recoverable
    ready = b"\x5a" * 32
    return lambda: sign(ready, hasher=None)


def usual_signature(number: int) -> str:
    """Return the signature of the order of a number by eth_account's typed data."""
    size = 10_000_000 + number * 10_000
    address = UsualAccount.from_key(_KEY).address
    values: tuple[Any, ...] = (
        salt_of(f"intent-{number}"),
        address,
        address,
        _TOKEN,
        _PRICE * size // 1_000_000,
        size,
        0,
        0,
        _BEGIN_MS + number,
        bytes(32),
        bytes(32),
    )
    names = [name for _, name in _FIELDS]
    signed = UsualAccount.sign_typed_data(
        _KEY,
        domain_data={
            "name": "Polymarket CTF Exchange",
            "version": "2",
            "chainId": 137,
            "verifyingContract": CONTRACTS[Exchange.STANDARD].address,
        },
        message_types={"Order": [{"type": kind, "name": name} for kind, name in _FIELDS]},
        message_data=dict(zip(names, values, strict=True)),
    )
    return "0x" + bytes(signed.signature).hex()
