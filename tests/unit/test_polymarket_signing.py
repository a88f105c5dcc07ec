"""Orders and logins are signed as the venue's own clients sign them, and keys stay hidden."""

import copy
import json
import pickle
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as EthAccount
from eth_account.messages import encode_typed_data

from market_bot.adapters.polymarket import eip712
from market_bot.adapters.polymarket.amounts import Amounts, Lifetime, OrderSide
from market_bot.adapters.polymarket.auth import (
    ApiCredentials,
    CredentialsError,
    login_headers,
)
from market_bot.adapters.polymarket.contracts import (
    CONTRACTS,
    Contract,
    Exchange,
    exchange_of,
    is_position_id,
    token_number,
)
from market_bot.adapters.polymarket.order_signing import (
    SALT_MAX,
    Account,
    OrderPlan,
    OrderSigner,
    SignatureType,
    metadata_of,
    salt_of,
)
from market_bot.adapters.polymarket.signer import (
    NativeSigner,
    SignerError,
    SlowSigner,
    open_signer,
)
from tests.fakes.fake_polymarket import typed_digest, typed_order
from tests.fakes.fake_polymarket_records import (
    API_KEY,
    KEY,
    PASSPHRASE,
    SECRET,
    WALLET,
    position,
    token,
)

VECTORS = "fixtures/polymarket/signing-vectors.json"
EOA = Account(signature_type=SignatureType.EOA)
DEPOSIT = Account(signature_type=SignatureType.DEPOSIT_WALLET, funder=WALLET)
# Made once with eth_account's own encoding of the same messages.
EOA_ID = "0x1c52c75bd556ce41beebbf93ad2731b1a5266b69253e36e282c6af428e5c6d21"


def a_plan(**changes: Any) -> OrderPlan:
    """Return a plan to buy ten shares at 0.46."""
    plan: dict[str, Any] = {
        "exchange": Exchange.STANDARD,
        "token": int(token(2)),
        "side": OrderSide.BUY,
        "amounts": Amounts(4_600_000, 10_000_000),
        "salt": salt_of("intent-1"),
        "created_ms": 1_792_497_600_123,
    }
    return OrderPlan(**{**plan, **changes})


def a_signer(account: Account = EOA) -> OrderSigner:
    """Return a signer with the well-known key."""
    return OrderSigner(open_signer(KEY), account)


def vectors(reference: Path, kind: str) -> list[dict[str, Any]]:
    """Return the published vectors of a kind, those of the dead first protocol left out."""
    told = json.loads((reference / VECTORS).read_text(encoding="utf-8"))
    return [
        {**one, "key": told["private_key"]}
        for one in told["vectors"]
        if one["kind"] == kind and "obsolete" not in one
    ]


def plan_of(message: dict[str, Any]) -> OrderPlan:
    """Return the plan of a vector's message, on whatever exchange it names."""
    return OrderPlan(
        exchange=Exchange.STANDARD,
        token=message["tokenId"],
        side=OrderSide(message["side"]),
        amounts=Amounts(message["makerAmount"], message["takerAmount"]),
        salt=message["salt"],
        created_ms=message["timestamp"],
        metadata=bytes.fromhex(message["metadata"][2:]),
        builder=bytes.fromhex(message["builder"][2:]),
    )


def struct_hash_of(message: dict[str, Any]) -> bytes:
    """Return the struct hash of a vector's message, whoever its maker and signer are."""
    accounts = eip712.accounts_words(
        eip712.address_bytes(message["maker"]), eip712.address_bytes(message["signer"])
    )
    return eip712.order_struct_hash(
        salt=message["salt"],
        accounts=accounts,
        token=message["tokenId"],
        maker_amount=message["makerAmount"],
        taker_amount=message["takerAmount"],
        side=message["side"],
        signature_type=message["signatureType"],
        timestamp_ms=message["timestamp"],
        metadata=bytes.fromhex(message["metadata"][2:]),
        builder=bytes.fromhex(message["builder"][2:]),
    )


@pytest.mark.reference
def test_published_orders_are_reproduced(reference: Path) -> None:
    """Ids and signatures of the plain signature types are those that were published."""
    told = vectors(reference, "order")

    assert len(told) == 9
    for one in told:
        domain, message = one["typed_data"]["domain"], one["typed_data"]["message"]
        separator = eip712.exchange_separator(
            domain["version"],
            domain["chainId"],
            eip712.address_bytes(domain["verifyingContract"]),
        )
        digest = eip712.digest(separator, struct_hash_of(message))
        signature = open_signer(one["key"]).sign(digest)

        assert one["order_hash"] == "0x" + digest.hex(), one["name"]
        assert one["signature"] == "0x" + signature.hex(), one["name"]


@pytest.mark.reference
def test_published_orders_of_our_own_accounts_are_signed_whole(reference: Path) -> None:
    """From a plan to the signature nothing is lost, for every type of wallet."""
    told = vectors(reference, "order") + vectors(reference, "order_poly_1271")
    signed = 0
    for one in told:
        message = one["typed_data"]["message"]
        message = message.get("contents", message)
        signer = open_signer(one["key"])
        kind = SignatureType(message["signatureType"])
        own = eip712.checksummed(signer.address)
        if kind is SignatureType.EOA and message["maker"] != own:
            continue  # made with somebody else's addresses: the test above has it
        domain = one["typed_data"]["domain"]
        account = Account(
            signature_type=kind, funder=None if kind is SignatureType.EOA else message["maker"]
        )
        contracts = {Exchange.STANDARD: Contract(domain["verifyingContract"], domain["version"])}
        order = OrderSigner(signer, account, contracts=contracts).sign(plan_of(message))
        signed += 1

        assert one["order_hash"] == order.id, one["name"]
        assert one["signature"] == order.signature, one["name"]

    assert signed == 12


@pytest.mark.reference
def test_published_session_signatures_are_reproduced(reference: Path) -> None:
    """A session key's wrapping is the published one."""
    told = [one for one in vectors(reference, "order_poly_1271") if "session_signature" in one]

    assert len(told) == 2
    for one in told:
        wrapped = eip712.session_signature(
            eip712.address_bytes(one["session_signer"]), bytes.fromhex(one["signature"][2:])
        )

        assert one["session_signature"] == "0x" + wrapped.hex()


@pytest.mark.reference
def test_published_logins_are_reproduced(reference: Path) -> None:
    """The headers of a login are the published ones, on both chains."""
    told = vectors(reference, "clob_auth_l1")

    assert len(told) == 2
    for one in told:
        message = one["typed_data"]["message"]
        headers = login_headers(
            open_signer(one["key"]),
            int(message["timestamp"]),
            nonce=message["nonce"],
            chain_id=one["typed_data"]["domain"]["chainId"],
        )

        assert one["headers"] == headers


@pytest.mark.reference
def test_published_request_signatures_are_reproduced(reference: Path) -> None:
    """The HMAC over method, path and the exact body is the published one."""
    told = vectors(reference, "l2_hmac")

    assert len(told) == 4
    for one in told:
        credentials = ApiCredentials(
            address=WALLET, key=API_KEY, secret=one["secret"], passphrase=PASSPHRASE
        )
        body = (one["body"] or "").encode()
        headers = credentials.headers(int(one["timestamp"]), one["method"], one["path"], body)

        assert one["signature"] == headers["POLY_SIGNATURE"]


@pytest.mark.parametrize("exchange", Exchange)
def test_an_order_is_what_eth_account_makes_of_it(exchange: Exchange) -> None:
    """Id and signature equal those of eth_account's own encoding, on all three exchanges."""
    signed = a_signer().sign(a_plan(exchange=exchange, builder=b"\x07" * 32, side=OrderSide.SELL))
    posted = json.loads(signed.body(owner=API_KEY, lifetime=Lifetime.GTC))["order"]
    message = typed_order(posted, CONTRACTS[exchange].address)

    assert "0x" + typed_digest(message).hex() == signed.id
    assert EthAccount.sign_message(message, KEY).signature.hex() == signed.signature[2:]


def test_an_order_has_always_the_same_id() -> None:
    """The same plan gives the same id and the same bytes, in this release and the next."""
    first, second = a_signer().sign(a_plan()), a_signer().sign(a_plan())

    assert EOA_ID == first.id == a_signer().order_id(a_plan())
    assert first == second
    assert first.body(owner=API_KEY, lifetime=Lifetime.FAK) == second.body(
        owner=API_KEY, lifetime=Lifetime.FAK
    )


def test_a_deposit_wallet_signs_what_it_can_check() -> None:
    """The owner signs the wrapped order, while the id stays that of the plain one."""
    signed = a_signer(DEPOSIT).sign(a_plan())
    posted = json.loads(signed.body(owner=API_KEY, lifetime=Lifetime.GTC))["order"]
    plain = typed_order(posted, CONTRACTS[Exchange.STANDARD].address)
    own = bytes.fromhex(signed.signature[2:])

    assert "0x" + typed_digest(plain).hex() == signed.id
    assert (
        EthAccount.recover_message(_wrapped(posted), signature=own[:65])
        == EthAccount.from_key(KEY).address
    )
    assert plain.header == own[65:97]
    assert eip712.ORDER_TYPE == own[129:-2]
    assert len(eip712.ORDER_TYPE) == int.from_bytes(own[-2:], "big")
    assert signed.maker.lower() == signed.signer.lower() == WALLET.lower()


def _wrapped(posted: dict[str, Any]) -> Any:
    inner = typed_order(posted, CONTRACTS[Exchange.STANDARD].address)
    assert inner.body
    order = {**posted, "side": 0 if posted["side"] == "BUY" else 1}
    for name in ("tokenId", "makerAmount", "takerAmount", "timestamp"):
        order[name] = int(order[name])
    for name in ("metadata", "builder"):
        order[name] = bytes.fromhex(order[name][2:])
    kinds = eip712.ORDER_TYPE.decode()[len("Order(") : -1].split(",")
    fields = [dict(zip(("type", "name"), one.split(" "), strict=True)) for one in kinds]
    wrapping = "Order contents,string name,string version,uint256 chainId,address verifyingContract"
    outer = [
        dict(zip(("type", "name"), one.split(" "), strict=True))
        for one in [*wrapping.split(","), "bytes32 salt"]
    ]
    return encode_typed_data(
        domain_data={
            "name": "Polymarket CTF Exchange",
            "version": "2",
            "chainId": 137,
            "verifyingContract": CONTRACTS[Exchange.STANDARD].address,
        },
        message_types={"TypedDataSign": outer, "Order": fields},
        message_data={
            "contents": {one["name"]: order[one["name"]] for one in fields},
            "name": "DepositWallet",
            "version": "1",
            "chainId": 137,
            "verifyingContract": WALLET,
            "salt": bytes(32),
        },
    )


def test_a_session_key_wraps_the_wallets_signature() -> None:
    """A session key's order carries its address, the wallet's signature and the mark."""
    account = Account(signature_type=SignatureType.DEPOSIT_WALLET, funder=WALLET, session_key=True)
    plain, session = a_signer(DEPOSIT).sign(a_plan()), a_signer(account).sign(a_plan())

    assert plain.id == session.id
    assert open_signer(KEY).address.hex() == session.signature[2 + 24 : 2 + 64]
    assert plain.signature[2:] in session.signature
    assert session.signature.endswith("6492" * 16)
    assert (len(session.signature) - 2) % 64 == 0


def test_the_slow_signer_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without libsecp256k1 nothing is signed unless asked for, and then alike."""
    fast = open_signer(KEY)
    monkeypatch.setitem(sys.modules, "coincurve", None)
    with pytest.raises(SignerError, match=r"coincurve.* is not installed: pip install"):
        open_signer(KEY)
    slow = open_signer("0x" + KEY, allow_slow=True)

    assert isinstance(fast, NativeSigner)
    assert isinstance(slow, SlowSigner)
    assert fast.address == slow.address
    assert fast.sign(b"\x01" * 32) == slow.sign(b"\x01" * 32)


def test_signing_does_not_deepen_recursion() -> None:
    """A dependency raises Python's recursion limit: what is nested deeply is refused after all."""
    code = (
        "import sys; sys.modules['coincurve'] = None\n"
        "from market_bot.adapters.polymarket.signer import SlowSigner, open_signer\n"
        f"before = sys.getrecursionlimit(); signer = open_signer({KEY!r}, allow_slow=True)\n"
        "assert isinstance(signer, SlowSigner) and 'py_ecc' in sys.modules\n"
        "assert before == sys.getrecursionlimit()"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """An absent extra is one line with its name."""
    monkeypatch.setitem(sys.modules, "coincurve", None)
    monkeypatch.setitem(sys.modules, "eth_account", None)

    with pytest.raises(SignerError, match=r"market-bot\[polymarket\]"):
        open_signer(KEY, allow_slow=True)


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize(
    "key", ["", "0x", KEY[:-1], KEY + "0", KEY[:-1] + "g", "00" * 32, "ff" * 32, KEY[:-2] + "  "]
)
def test_a_bad_key_is_refused_without_showing_it(
    key: str, slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of a key that is wrong appears in the error or its causes."""
    if slow:
        monkeypatch.setitem(sys.modules, "coincurve", None)
    with pytest.raises(SignerError) as caught:
        open_signer(key, allow_slow=True)

    shown = "".join(traceback.format_exception(caught.value))
    assert len(key) < 8 or key[:8] not in shown.replace("ffffffff" * 8, "")


def test_secrets_are_never_shown() -> None:
    """No text of any of the objects holds the key, the secret, the passphrase or a signature."""
    signer = open_signer(KEY)
    orders = OrderSigner(signer, EOA)
    signed = orders.sign(a_plan())
    credentials = ApiCredentials(address=WALLET, key=API_KEY, secret=SECRET, passphrase=PASSPHRASE)
    shown = "".join(f"{x} {x!r}" for x in (signer, orders, signed, credentials, [credentials]))

    for secret in (KEY, SECRET, PASSPHRASE, API_KEY, signed.signature[2:]):
        assert secret not in shown
        assert secret[:16] not in shown


@pytest.mark.parametrize("copying", [pickle.dumps, copy.copy, copy.deepcopy])
def test_secrets_are_not_copied(copying: Any) -> None:
    """Keys and credentials refuse to be pickled or copied."""
    credentials = ApiCredentials(address=WALLET, key=API_KEY, secret=SECRET, passphrase=PASSPHRASE)
    for one in (open_signer(KEY), credentials):
        with pytest.raises(TypeError, match="not copied"):
            copying(one)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", ""),
        ("key", 'a"b'),
        ("passphrase", "with\r\nnewline"),
        ("secret", ""),
        ("secret", "not base64!"),
        ("secret", "ünïcode"),
    ],
)
def test_bad_credentials_are_refused(field: str, value: str) -> None:
    """What could not stand in a header, or is no base64, is refused without showing it."""
    parts = {"address": WALLET, "key": API_KEY, "secret": SECRET, "passphrase": PASSPHRASE}
    with pytest.raises(CredentialsError) as caught:
        ApiCredentials(**{**parts, field: value})

    assert len(value) < 4 or value not in str(caught.value)


def test_a_body_is_exactly_what_the_venue_documents() -> None:
    """Fields, their order and their types are those of the venue's own clients."""
    signed = a_signer().sign(a_plan())
    body = signed.body(owner=API_KEY, lifetime=Lifetime.GTD, expires_s=1_800_000_000)
    told = json.loads(body)

    assert json.dumps(told, separators=(",", ":")).encode() == body
    assert ["deferExec", "order", "orderType", "owner"] == list(told)
    assert sorted(told["order"]) == list(told["order"])
    assert told["order"]["salt"] == salt_of("intent-1")
    assert told["order"]["expiration"] == "1800000000"
    assert told["order"]["makerAmount"] == "4600000"
    assert told["order"]["side"] == "BUY"


def test_post_only_is_told_only_where_it_is_wanted() -> None:
    """The flag is absent unless it is set, as older servers refuse what they do not know."""
    signed = a_signer().sign(a_plan())

    assert b"postOnly" not in signed.body(owner=API_KEY, lifetime=Lifetime.GTC)
    assert json.loads(signed.body(owner=API_KEY, lifetime=Lifetime.GTC, post_only=True))["postOnly"]


@pytest.mark.parametrize(
    ("lifetime", "expires_s", "post_only"),
    [
        (Lifetime.GTC, 5, False),
        (Lifetime.GTD, 0, False),
        (Lifetime.FOK, 0, True),
        (Lifetime.FAK, 9, False),
    ],
)
def test_a_body_that_makes_no_sense_is_not_made(
    lifetime: Lifetime, expires_s: int, post_only: bool
) -> None:
    """An expiry belongs to GTD and to nothing else; what trades at once cannot be post-only."""
    with pytest.raises(ValueError, match=r"GTD|post-only"):
        a_signer().sign(a_plan()).body(
            owner=API_KEY, lifetime=lifetime, expires_s=expires_s, post_only=post_only
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"salt": 0},
        {"salt": SALT_MAX + 1},
        {"token": -1},
        {"token": 1 << 256},
        {"metadata": b"short"},
        {"builder": b"\x00" * 33},
        {"amounts": Amounts(-1, 1)},
        {"created_ms": -1},
    ],
)
def test_a_plan_that_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    """A number outside its field is an error, never another number."""
    with pytest.raises(ValueError, match=r"salt|bytes|negative"):
        a_signer().sign(a_plan(**changes))


def test_accounts_that_do_not_exist_are_refused() -> None:
    """A plain key has no funder, a wallet needs one, and only deposit wallets have sessions."""
    with pytest.raises(ValueError, match="takes no funder"):
        Account(signature_type=SignatureType.EOA, funder=WALLET)
    with pytest.raises(ValueError, match="needs the address"):
        Account(signature_type=SignatureType.SAFE)
    with pytest.raises(ValueError, match="only deposit wallets"):
        Account(signature_type=SignatureType.PROXY, funder=WALLET, session_key=True)
    with pytest.raises(ValueError, match="not an address"):
        a_signer(Account(signature_type=SignatureType.SAFE, funder="0x12"))


def test_an_unknown_exchange_is_refused() -> None:
    """Without a configured contract there is no domain to sign under."""
    only = {Exchange.STANDARD: CONTRACTS[Exchange.STANDARD]}
    signer = OrderSigner(open_signer(KEY), EOA, contracts=only)

    with pytest.raises(ValueError, match="no contract is configured for neg_risk"):
        signer.sign(a_plan(exchange=Exchange.NEG_RISK))


def test_salt_and_metadata_follow_from_the_intent() -> None:
    """Two intents differ, one intent never does, and a double holds the salt exactly."""
    salts = {salt_of(f"intent-{number}") for number in range(1000)}

    assert len(salts) == 1000
    assert all(0 < salt <= SALT_MAX and int(float(salt)) == salt for salt in salts)
    assert salt_of("x") == salt_of("x")
    assert metadata_of("x") == metadata_of("x") != metadata_of("y")


def test_the_exchange_follows_from_the_token() -> None:
    """Position ids trade on the third exchange, hashes on the first or second."""
    assert is_position_id(int(position(5, 1)))
    assert not is_position_id(int(token(5)))
    assert exchange_of(int(position(5, 0)), neg_risk=True) is Exchange.POSITIONS
    assert exchange_of(int(token(5)), neg_risk=True) is Exchange.NEG_RISK
    assert exchange_of(int(token(5)), neg_risk=False) is Exchange.STANDARD


@pytest.mark.parametrize("text", ["", "0", "-1", "1_0", " 1", "01", "0x1", "٣", "9" * 90, "1.0"])
def test_a_token_id_is_a_plain_number(text: str) -> None:
    """Only the digits the venue writes are taken."""
    with pytest.raises(ValueError, match="not a token id"):
        token_number(text)


def test_addresses_carry_their_checksum() -> None:
    """The published examples of EIP-55 come out in their case."""
    for address in (
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ):
        assert address == eip712.checksummed(eip712.address_bytes(address.lower()))
