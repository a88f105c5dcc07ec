"""Take secrets out of whatever is shown, logged or sent, by their values and not by their looks.

A secret is found whole, in part (ten characters in a row are enough, as in a message that was cut
off), and written in another way: base64 at any offset, hexadecimal, quoted for an address or JSON.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "***"
_SHORTEST: Final = 6
"""Shorter values are no secrets: hiding every "2" would hide everything."""
_RUN: Final = 10
_SECRETS_MAX: Final = 200
_FORM_CHARS_MAX: Final = 64 * 1024
_TEXT_MAX: Final = 100_000
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(.+)\Z", re.DOTALL)
_HOST: Final = re.compile(r"(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::\d+)?\Z", re.IGNORECASE)
_PEM_FRAME: Final = re.compile(r"-----[A-Z ]+-----")


class Redaction:
    """Knows secrets by their values; made once, may be asked from any thread.

    Args:
        secrets: what must never be shown. Of an address every part but its host is one.

    Raises:
        ValueError: if there are more than anybody has.

    """

    __slots__ = ("_runs", "_whole")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        whole: set[str] = set()
        runs: set[str] = set()
        for number, secret in enumerate(secrets):
            if number >= _SECRETS_MAX:
                msg = f"more than {_SECRETS_MAX} secrets"
                raise ValueError(msg)
            for form in _forms(secret):
                if len(form) < _RUN:
                    whole.add(form)
                runs.update(form[at : at + _RUN] for at in range(len(form) - _RUN + 1))
        self._whole = tuple(sorted(whole, key=len, reverse=True))
        self._runs = frozenset(runs)

    def hide(self, text: str) -> str:
        """Return a text without any secret; what is too long to be looked through is cut off."""
        text = text[:_TEXT_MAX]
        for secret in self._whole:
            text = text.replace(secret, HIDDEN)
        return self._without_runs(text) if self._runs else text

    def __repr__(self) -> str:
        return "Redaction(***)"

    def __reduce__(self) -> str:
        msg = "secrets are not copied to other processes or files"
        raise TypeError(msg)

    def _without_runs(self, text: str) -> str:
        kept: list[str] = []
        done = hidden_to = 0
        for at in range(len(text) - _RUN + 1):
            if text[at : at + _RUN] not in self._runs:
                continue
            if at >= hidden_to:
                kept += [text[done:at], HIDDEN]
            done = hidden_to = at + _RUN
        return "".join((*kept, text[done:]))


def _forms(secret: str) -> Iterator[str]:
    """Yield every way in which a secret or a part of it may be written, none shorter than six."""
    for part in dict.fromkeys(_parts(secret[:_FORM_CHARS_MAX])):
        if len(part) < _SHORTEST:
            continue
        data = part.encode("utf-8", errors="surrogatepass")
        yield part
        yield from (quote(part, safe="", errors="replace"), quote_plus(part, errors="replace"))
        yield json.dumps(part)[1:-1]
        yield repr(part)[1:-1]
        yield from (data.hex(), data.hex().upper())
        for form in _base64(data):
            yield form
            yield form.translate(_URL_SAFE)


_URL_SAFE: Final = str.maketrans("+/", "-_")


def _parts(secret: str) -> Iterator[str]:
    # The frame of a key is no secret, and the same in everybody's.
    text = _PEM_FRAME.sub("\n", secret)
    address = _ADDRESS.match(text)
    if address is not None:
        pieces = re.split(r"[/@?&=:#]+", address[1]) + re.split(r"[/@?&=#]+", address[1])
        yield from (piece for piece in pieces if not _HOST.match(piece))
        return
    yield text.strip()
    # Somebody may print a key without its line ends.
    lines = text.split()
    yield "".join(lines)
    yield from lines


def _base64(data: bytes) -> Iterator[str]:
    """Yield what is left of the base64 of these bytes in the middle of others."""
    for ahead in range(3):
        encoded = base64.b64encode(bytes(ahead) + data).decode()
        first = -(-ahead * 8 // 6)
        last = (ahead + len(data)) * 8 // 6
        if last - first >= _SHORTEST:
            yield encoded[first:last]
