"""What is signed, with which key, and which key files are taken."""

import base64
import os
import pickle
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from market_bot.adapters.kalshi.errors import KeyFileError
from market_bot.adapters.kalshi.signing import (
    KEY_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Signer,
    load_signer,
    message,
)
from tests.fakes.kalshi_client import a_key

NOW_MS = 1_790_000_000_123
BALANCE = "/trade-api/v2/portfolio/balance"
KEY_ID = "5f0c-of-nobody"


@pytest.fixture(scope="module")
def rsa() -> RSAPrivateKey:
    """Return an RSA key that opens nothing."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def pem(
    key: RSAPrivateKey | Ed25519PrivateKey | ec.EllipticCurvePrivateKey,
    encryption: KeySerializationEncryption | None = None,
    form: PrivateFormat = PrivateFormat.PKCS8,
) -> bytes:
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


def written(folder: Path, data: bytes, mode: int = 0o600) -> Path:
    path = folder / "key.pem"
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_the_signed_text() -> None:
    """Milliseconds, the method in capitals and the path follow each other without separators."""
    assert b"1790000000123GET/trade-api/v2/portfolio/balance" == message(NOW_MS, "get", BALANCE)


def test_the_query_is_not_signed() -> None:
    """Only the path is part of the signature."""
    assert message(NOW_MS, "GET", BALANCE) == message(NOW_MS, "GET", BALANCE + "?limit=5&cursor=x")


@pytest.mark.parametrize(
    "path", ["/portfolio/balance", "", "/trade-api/v2/a b", "/trade-api/v2/%41", "/trade-api/v2/é"]
)
def test_a_path_that_may_be_sent_differently_is_not_signed(path: str) -> None:
    """A path that is not from the root, or needs escaping, is refused."""
    with pytest.raises(ValueError, match="sign"):
        message(NOW_MS, "GET", path)


def test_ed25519_signs_the_text_itself() -> None:
    """The signature is the one that RFC 8032 publishes for its first test key."""
    seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    expected = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    signer = Signer(KEY_ID, Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)))

    assert expected == signer.sign(b"").hex()
    assert "ed25519" == signer.kind


def test_rsa_signs_with_a_salt_as_long_as_the_digest(rsa: RSAPrivateKey) -> None:
    """The signature is PSS over SHA-256 with a salt of exactly 32 bytes."""
    signature = Signer(KEY_ID, rsa).sign(b"text")
    public = rsa.public_key()

    public.verify(signature, b"text", PSS(MGF1(hashes.SHA256()), 32), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        public.verify(signature, b"text", PSS(MGF1(hashes.SHA256()), 20), hashes.SHA256())


def test_the_headers() -> None:
    """Three headers carry id, milliseconds and the signature in standard base64."""
    key = a_key()
    headers = Signer(KEY_ID, key).headers("POST", BALANCE, NOW_MS)

    assert {KEY_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER} == set(headers)
    assert (KEY_ID, str(NOW_MS)) == (headers[KEY_HEADER], headers[TIMESTAMP_HEADER])
    key.public_key().verify(
        base64.b64decode(headers[SIGNATURE_HEADER], validate=True),
        f"{NOW_MS}POST{BALANCE}".encode(),
    )


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_rsa_file(tmp_path: Path, rsa: RSAPrivateKey, form: PrivateFormat) -> None:
    """The kind of key is found in the file, in both common forms."""
    assert "rsa" == load_signer(written(tmp_path, pem(rsa, form=form)), KEY_ID).kind


def test_an_ed25519_file(tmp_path: Path) -> None:
    """An Ed25519 key is recognised without being announced."""
    assert "ed25519" == load_signer(written(tmp_path, pem(a_key())), KEY_ID).kind


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o601])
def test_a_file_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    """Any right of group or others refuses the key, and the error says what to do."""
    path = written(tmp_path, pem(a_key()), mode)

    with pytest.raises(KeyFileError, match=rf"run `chmod 600 {path}`"):
        load_signer(path, KEY_ID)


def test_a_file_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that another user could exchange is not ours."""
    path = written(tmp_path, pem(a_key()))
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)

    with pytest.raises(KeyFileError, match="belongs to another user"):
        load_signer(path, KEY_ID)


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    """Nothing but a plain file is read, and a pipe cannot hold up the start."""
    path = tmp_path / "key.pem"
    os.mkfifo(path, 0o600)

    with pytest.raises(KeyFileError, match="is not a file"):
        load_signer(path, KEY_ID)


def test_what_is_no_usable_key_is_refused(tmp_path: Path) -> None:
    """Every other content is refused in one line that names the file and shows nothing of it."""
    small = generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
    contents = {
        "is encrypted": pem(a_key(), BestAvailableEncryption(b"word")),
        "no private key": b"-----BEGIN PRIVATE KEY-----\nMOST-SECRET\n-----END PRIVATE KEY-----\n",
        "neither an RSA nor": pem(ec.generate_private_key(ec.SECP256R1())),
        "1024 bits": pem(small),
        "larger than": b"x" * 70_000,
    }
    for expected, data in contents.items():
        path = written(tmp_path, data)
        with pytest.raises(KeyFileError, match=expected) as caught:
            load_signer(path, KEY_ID)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
        assert "SECRET" not in f"{caught.value}{caught.value.__context__}"


def test_a_missing_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(KeyFileError, match="cannot be read"):
        load_signer(tmp_path / "nothing.pem", KEY_ID)


@pytest.mark.parametrize("key_id", ["", "two words", "line\nbreak", "x" * 300, "ключ"])
def test_a_key_id_that_fits_no_header_is_refused(key_id: str) -> None:
    """The id becomes a header, so it has to be one plain word."""
    with pytest.raises(KeyFileError, match="key id"):
        Signer(key_id, a_key())


def test_a_signer_shows_nothing() -> None:
    """Neither printing nor copying gives the key or its id away."""
    signer = Signer(KEY_ID, a_key())

    assert KEY_ID not in f"{signer!r}{signer}"
    with pytest.raises(TypeError, match="private key"):
        pickle.dumps(signer)
