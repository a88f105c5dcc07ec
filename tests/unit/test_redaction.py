"""No secret is shown, whole or in part, as it is or written in another way."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.adapters.system.redaction import HIDDEN, Redaction

TOKEN = "123456789:AAH-canary_T0ken+with/slash=and~more"
PEM = (
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us"
    "\n-----END PRIVATE KEY-----\n"
)
FRAME = re.compile("-----[A-Z ]+-----")
RUN = 10


def runs(text: str) -> set[str]:
    """Return every ten characters in a row of a text."""
    return {text[at : at + RUN] for at in range(len(text) - RUN + 1)}


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        pytest.param(TOKEN, f"POST https://api.example/bot{TOKEN}/send", id="whole"),
        pytest.param(TOKEN, f"key {TOKEN[:14]}… was refused", id="beginning"),
        pytest.param(TOKEN, f"…{TOKEN[-12:]} was refused", id="end"),
        pytest.param(TOKEN, f"got {quote(TOKEN, safe='')}", id="in an address"),
        pytest.param(TOKEN, f"got {TOKEN.encode().hex()}", id="hexadecimal"),
        pytest.param(TOKEN, f"got {base64.b64encode(TOKEN.encode()).decode()}", id="base64"),
        pytest.param(
            TOKEN, base64.b64encode(f"user:{TOKEN}".encode()).decode(), id="basic authorization"
        ),
        pytest.param(
            TOKEN, base64.urlsafe_b64encode(f"me:{TOKEN}".encode()).decode(), id="another offset"
        ),
        pytest.param(PEM, PEM, id="key"),
        pytest.param(PEM, json.dumps({"key": PEM}), id="key in JSON"),
        pytest.param(PEM, repr(PEM.encode()), id="key as bytes"),
        pytest.param(PEM, PEM.replace("\n", ""), id="key on one line"),
        pytest.param(f"tgram://{TOKEN.replace('/', '')}/42", TOKEN.replace("/", ""), id="address"),
        pytest.param("mailtos://me:hunter2hunter2@mail.example", "hunter2hunter2", id="password"),
        pytest.param("s3cr3t", "login s3cr3t failed", id="short"),
    ],
)
def test_a_secret_is_hidden(secret: str, text: str) -> None:
    """Ten characters in a row of a secret are never left, however it is written."""
    shown = Redaction([secret]).hide(text)

    assert HIDDEN in shown
    assert secret not in shown
    for form in (*FRAME.sub("", secret).split(), secret.encode().hex(), TOKEN):
        assert not runs(shown) & runs(form)
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        "POST https://discord.com/api failed: 404",
        "-----BEGIN PRIVATE KEY-----",
        "ab 2",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """Hosts, the frames of keys and values too short to be secrets are left alone."""
    redaction = Redaction(["2", "ab", PEM, "discord://discord.com/id-4711/t0ken-t0ken", ""])

    assert text == redaction.hide(text)


@given(
    secret=st.text(min_size=RUN, max_size=60).filter(lambda s: len(s.strip()) >= RUN),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
    form=st.sampled_from(["plain", "base64", "hex", "address", "JSON"]),
)
def test_whatever_stands_around_it(secret: str, before: str, after: str, form: str) -> None:
    """A secret is hidden in the middle of any text, in every form."""
    secret = secret.strip()
    data = secret.encode("utf-8", errors="surrogatepass")
    written = {
        "plain": secret,
        "base64": base64.b64encode(data).decode().rstrip("="),
        "hex": data.hex(),
        "address": quote(secret, safe="", errors="replace"),
        "JSON": json.dumps(secret)[1:-1],
    }[form]
    # What lies at the very end of base64 holds bits of the next byte as well.
    core = written[:-1] if form == "base64" else written

    shown = Redaction([secret]).hide(f"{before}{written}{after}")

    assert HIDDEN in shown or "://" in secret
    if "://" not in secret and core not in f"{before}{HIDDEN}{after}":
        assert core not in shown


def test_it_shows_and_gives_away_nothing() -> None:
    """Printing it shows no secret, and it goes into no other process."""
    redaction = Redaction([TOKEN])

    assert TOKEN[:RUN] not in repr(redaction)
    for spread in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            spread(redaction)


def test_more_secrets_than_anybody_has_are_refused() -> None:
    """A file of secrets that is none does not fill the memory."""
    with pytest.raises(ValueError, match="more than"):
        Redaction(f"secret-{n}" for n in range(1000))
