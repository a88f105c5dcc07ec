"""Amounts never exceed what was asked, and an order's id is the digest of exactly what it says."""

import json
from decimal import Decimal
from typing import Any

import pytest
from eth_account import Account as EthAccount
from hypothesis import assume, given
from hypothesis import strategies as st

from market_bot.adapters.polymarket.amounts import (
    TICKS,
    Amounts,
    AmountsError,
    Lifetime,
    OrderSide,
    amounts,
)
from market_bot.adapters.polymarket.contracts import CONTRACTS, Exchange
from market_bot.adapters.polymarket.order_signing import (
    SALT_MAX,
    Account,
    OrderPlan,
    OrderSigner,
    SignatureType,
)
from market_bot.adapters.polymarket.signer import open_signer
from market_bot.core.domain.numbers import ONE_DOLLAR, Price, Size
from tests.fakes.fake_polymarket import typed_digest, typed_order
from tests.fakes.fake_polymarket_records import API_KEY, KEY, WALLET, position, token

UNIT = 1_000_000
WORDS = st.binary(min_size=32, max_size=32)
LIFETIMES = st.sampled_from(Lifetime)
SIDES = st.sampled_from(OrderSide)
SIGNER = open_signer(KEY)


@st.composite
def prices(draw: st.DrawFn) -> tuple[Price, Price]:
    """Draw a tick and a price on its grid."""
    tick = draw(st.sampled_from(sorted(TICKS)))
    return tick, Price(tick * draw(st.integers(1, ONE_DOLLAR // tick - 1)))


@st.composite
def plans(draw: st.DrawFn) -> OrderPlan:
    """Draw any order that can be signed."""
    amount = st.integers(1, 1 << 100)
    return OrderPlan(
        exchange=draw(st.sampled_from(Exchange)),
        token=draw(st.one_of(st.integers(1, (1 << 256) - 1), st.just(int(token(3))))),
        side=draw(SIDES),
        amounts=Amounts(draw(amount), draw(amount)),
        salt=draw(st.integers(1, SALT_MAX)),
        created_ms=draw(st.integers(0, 1 << 60)),
        metadata=draw(WORDS),
        builder=draw(WORDS),
    )


def asked(
    side: OrderSide, price: Price, size: Size, tick: Price, lifetime: Lifetime
) -> tuple[int, int]:
    """Return the dollars and the shares of an order, or give the example up where there is none."""
    try:
        found = amounts(side, price, size, tick, lifetime)
    except AmountsError:
        assume(False)
        raise
    if side is OrderSide.BUY:
        return found.maker, found.taker
    return found.taker, found.maker


@given(prices(), st.integers(0, 10**13), SIDES, LIFETIMES)
def test_never_more_than_was_asked(
    grid: tuple[Price, Price], size: int, side: OrderSide, lifetime: Lifetime
) -> None:
    """No order has more shares than asked, nor costs more than they do at the limit."""
    tick, price = grid
    dollars, shares = asked(side, price, Size(size), tick, lifetime)

    assert 0 < shares <= size
    assert 0 < dollars <= price * size // UNIT


@given(prices(), st.integers(0, 10**13), SIDES)
def test_a_resting_order_has_exactly_its_price(
    grid: tuple[Price, Price], size: int, side: OrderSide
) -> None:
    """Dollars are price times shares, and at most a hundredth of a share is lost."""
    tick, price = grid
    dollars, shares = asked(side, price, Size(size), tick, Lifetime.GTC)

    assert dollars * UNIT == price * shares
    assert size - shares < 10_000
    assert not shares % 10_000


@given(prices(), st.integers(0, 10**13), SIDES, st.sampled_from([Lifetime.FOK, Lifetime.FAK]))
def test_an_immediate_order_keeps_the_venues_decimals_and_its_limit(
    grid: tuple[Price, Price], size: int, side: OrderSide, lifetime: Lifetime
) -> None:
    """Two decimals are given, four are taken, and the price stays short of the next tick."""
    tick, price = grid
    dollars, shares = asked(side, price, Size(size), tick, lifetime)
    given_, taken = (dollars, shares) if side is OrderSide.BUY else (shares, dollars)

    assert not given_ % 10_000
    assert not taken % (1_000 if tick == max(TICKS) else 100)
    if side is OrderSide.BUY:
        # Never below the limit: an ask resting there could not be lifted.
        assert price * shares <= dollars * UNIT < (price + 100) * shares
    else:
        assert (price - tick) * shares < dollars * UNIT <= price * shares


@given(st.sampled_from(sorted(TICKS)), st.integers(-10, ONE_DOLLAR + 10), SIDES, LIFETIMES)
def test_a_price_off_the_grid_is_refused(
    tick: Price, price: int, side: OrderSide, lifetime: Lifetime
) -> None:
    """Only multiples of the tick strictly inside a dollar have amounts."""
    assume(price % tick or not 0 < price < ONE_DOLLAR)
    with pytest.raises(AmountsError, match="not a multiple"):
        amounts(side, Price(price), Size(10**9), tick, lifetime)


@given(plans())
def test_the_id_is_the_digest_of_what_is_sent(plan: OrderPlan) -> None:
    """Another implementation gets the same id and signer from the bytes that are sent."""
    signed = OrderSigner(SIGNER, Account(signature_type=SignatureType.EOA)).sign(plan)
    posted = json.loads(signed.body(owner=API_KEY, lifetime=Lifetime.GTC))["order"]
    message = typed_order(posted, CONTRACTS[plan.exchange].address)

    assert "0x" + typed_digest(message).hex() == signed.id
    assert EthAccount.recover_message(message, signature=signed.signature) == signed.signer


@given(plans(), st.data())
def test_any_change_changes_the_id(plan: OrderPlan, data: st.DataObject) -> None:
    """Two orders that differ in anything have different ids."""
    other = data.draw(plans())
    signer = OrderSigner(
        SIGNER, Account(signature_type=SignatureType.DEPOSIT_WALLET, funder=WALLET)
    )

    assert (plan == other) is (signer.order_id(plan) == signer.order_id(other))


class Official:
    """The venue's own client, where it is installed; its parts are private and may move."""

    def __init__(self) -> None:
        base = "polymarket._internal.actions.orders"
        self.limit = pytest.importorskip(f"{base}.limit")
        self.market = pytest.importorskip(f"{base}.market")
        self.types = pytest.importorskip(f"{base}.types")
        self.typed = pytest.importorskip(f"{base}.typed_data")
        self.post = pytest.importorskip(f"{base}.post")
        self.orders = pytest.importorskip(f"{base}.orders")

    def unsigned(self, plan: OrderPlan, signer: OrderSigner, kind: SignatureType) -> Any:
        """Return a plan as the official client holds it."""
        contract = CONTRACTS[plan.exchange]
        own = signer.maker if kind is SignatureType.DEPOSIT_WALLET else signer.login_address
        return self.types.UnsignedOrder(
            chain_id=137,
            builder="0x" + plan.builder.hex(),
            exchange_address=contract.address,
            expiration=0,
            maker=signer.maker,
            maker_amount=plan.amounts.maker,
            metadata="0x" + plan.metadata.hex(),
            order_type="GTC",
            salt=plan.salt,
            side=plan.side.name,
            signature_type=kind.value,
            signer=own,
            taker_amount=plan.amounts.taker,
            timestamp=plan.created_ms,
            token_id=str(plan.token),
            protocol_version=contract.version,
        )


@pytest.fixture(scope="module")
def official() -> Official:
    """Return the official client, or skip the test where it is absent."""
    pytest.importorskip("polymarket", reason="polymarket-client is not installed")
    return Official()


@given(prices(), st.integers(10_000, 10**12), SIDES)
def test_amounts_are_those_of_the_official_client(
    official: Official, grid: tuple[Price, Price], size: int, side: OrderSide
) -> None:
    """A resting order's amounts equal the official client's, an immediate one's never exceed."""
    tick, price = grid
    exact = {"price": Decimal(price) / UNIT, "tick_size": Decimal(tick) / UNIT, "side": side.name}
    ours = amounts(side, price, Size(size), tick, Lifetime.GTC)
    theirs = official.limit._compute_limit_order_amounts(size=Decimal(size) / UNIT, **exact)

    assert theirs == (ours.maker, ours.taker)
    try:
        ours = amounts(side, price, Size(size), tick, Lifetime.FOK)
    except AmountsError:
        return
    spent = Decimal(ours.maker) / UNIT
    maker, taker = official.market._compute_market_order_amounts(amount=spent, **exact)

    assert maker == ours.maker
    assert 0 <= taker - ours.taker < 100


@given(plans(), st.sampled_from([SignatureType.EOA, SignatureType.PROXY, SignatureType.SAFE]))
def test_plain_signatures_are_those_of_the_official_client(
    official: Official, plan: OrderPlan, kind: SignatureType
) -> None:
    """Random orders are hashed and signed as the official client's typed data say."""
    funder = None if kind is SignatureType.EOA else WALLET
    signer = OrderSigner(SIGNER, Account(signature_type=kind, funder=funder))
    signed = signer.sign(plan)
    typed = official.typed.build_order_typed_data(official.unsigned(plan, signer, kind))
    theirs = EthAccount.sign_typed_data(KEY, full_message=typed)

    assert "0x" + theirs.message_hash.hex() == signed.id
    assert "0x" + theirs.signature.hex() == signed.signature


@given(plans())
def test_wrapped_signatures_are_those_of_the_official_client(
    official: Official, plan: OrderPlan
) -> None:
    """A deposit wallet's owner signs what the official client's typed data say."""
    kind = SignatureType.DEPOSIT_WALLET
    signer = OrderSigner(SIGNER, Account(signature_type=kind, funder=WALLET))
    signed = signer.sign(plan)
    typed = official.typed.build_order_typed_data(official.unsigned(plan, signer, kind))
    theirs = EthAccount.sign_typed_data(KEY, full_message=typed).signature.hex()

    assert signed.signature.startswith("0x" + theirs)


def test_a_body_is_the_official_clients(official: Official) -> None:
    """The bytes to send hold what the official client's payload holds, in its order."""
    kind = SignatureType.EOA
    signer = OrderSigner(SIGNER, Account(signature_type=kind))
    plan = OrderPlan(
        exchange=Exchange.POSITIONS,
        token=int(position(7, 1)),
        side=OrderSide.SELL,
        amounts=Amounts(5_000_000, 2_500_000),
        salt=77,
        created_ms=1_792_497_600_000,
    )
    signed = signer.sign(plan)
    order = official.orders.create_signed_order(
        official.unsigned(plan, signer, kind), signed.signature, post_only=True
    )
    _, payload = official.post.build_post_order_request(order, owner_api_key=API_KEY)
    body = signed.body(owner=API_KEY, lifetime=Lifetime.GTC, post_only=True)

    assert json.dumps(payload, separators=(",", ":")).encode() == body
