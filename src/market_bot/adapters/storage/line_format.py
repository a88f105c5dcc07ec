"""One line of journal format 1: an envelope around a fact, sealed with the hash of the line.

``{"v":1,"seq":n,"ts":"...","boot":"...","venue":"...","lane":"...","cfg":"...","type":"...",
"data":{...},"prev":"<64 hex>","hash":"<64 hex>"}``. ``hash`` is the SHA-256 of the line's bytes
without ``,"hash":"..."``; ``prev`` is the hash of the line before, 64 zeros in front of the first.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from market_bot.core.ports.journal import Chain

VERSION: Final = 1
NO_HASH: Final = "0" * 64
LINE_BYTES_MAX: Final = 64 << 20
"""No line is longer; whatever claims to be is not a journal."""

HASH_BYTES: Final = len(b',"hash":""}') + 64
SEAL_BYTES: Final = len(b',"prev":""') + 64 + HASH_BYTES
STAMP_BYTES: Final = len("2026-11-22T00:30:00.123456Z")


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line as JSON sees it; ``data`` stays undecoded."""

    v: int
    seq: int
    ts: str
    boot: str
    venue: str
    lane: str
    cfg: str
    type: str
    data: msgspec.Raw
    prev: str
    hash: str


class _Version(msgspec.Struct, frozen=True):
    v: int


class BadLineError(Exception):
    """A complete line is not a line of this format; the message says what is wrong with it."""


def context(boot: str, chain: Chain, config: str) -> bytes:
    """Return what stands between the time and the type: the same for all facts of one boot."""
    boot_text, venue, lane, config_text = (
        msgspec.json.encode(text) for text in (boot, chain.venue, chain.lane, config)
    )
    return b'","boot":%b,"venue":%b,"lane":%b,"cfg":%b,"type":"' % (
        boot_text,
        venue,
        lane,
        config_text,
    )


def seal(
    seq: int, stamp: str, middle: bytes, kind: str, data: bytes, prev: bytes
) -> tuple[bytes, bytes]:
    """Return a finished line with its newline, and its hash as 64 hex digits.

    ``middle`` is the `context`; ``kind`` is one of our own type names, which need no escaping.
    """
    body = b'{"v":1,"seq":%d,"ts":"%b%b%b","data":%b,"prev":"%b"' % (
        seq,
        stamp.encode(),
        middle,
        kind.encode(),
        data,
        prev,
    )
    hashed = sha256(body + b"}").hexdigest().encode()
    return b'%b,"hash":"%b"}\n' % (body, hashed), hashed


def parse_line(line: bytes) -> Envelope:
    """Return the envelope of a line without its newline, after checking its own hash.

    Raises:
        BadLineError: if the line is not canonical, of another version, or its hash is wrong.

    """
    try:
        envelope = _decode(line)
    except _UNREADABLE as e:
        raise BadLineError(_why_unreadable(line, e)) from e
    if envelope.v != VERSION:
        msg = f"journal format {envelope.v}, but this version reads format {VERSION}"
        raise BadLineError(msg)
    hashed = sha256(line[:-HASH_BYTES] + b"}").hexdigest()
    if hashed != envelope.hash:
        msg = "the hash does not fit the line: it was changed after it was written"
        raise BadLineError(msg)
    if canonical(envelope) != line:
        msg = "not written the way this format is written (order, spaces or escapes)"
        raise BadLineError(msg)
    return envelope


def is_checkpoint(line: bytes) -> bool:
    """Tell whether a line holds a checkpoint, without decoding it.

    Quotes inside strings are escaped, so the first bare ``,"data":`` is the envelope's own.
    """
    return line[: line.find(b',"data":')].endswith(b',"type":"checkpoint"')


def canonical(envelope: Envelope) -> bytes:
    """Return the bytes of a line without newline, as `seal` would write it, its hash unchecked."""
    middle = context(envelope.boot, Chain(envelope.venue, envelope.lane), envelope.cfg)
    return b'{"v":%d,"seq":%d,"ts":"%b%b%b,"data":%b,"prev":"%b","hash":"%b"}' % (
        envelope.v,
        envelope.seq,
        envelope.ts.encode(),
        middle[:-1],
        msgspec.json.encode(envelope.type),
        bytes(envelope.data),
        envelope.prev.encode(),
        envelope.hash.encode(),
    )


# msgspec reports a key that is not UTF-8 as it comes.
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError)
_decode = msgspec.json.Decoder(Envelope).decode
_decode_version = msgspec.json.Decoder(_Version).decode


def _why_unreadable(line: bytes, error: Exception) -> str:
    try:
        version = _decode_version(line).v
    except _UNREADABLE:
        return f"not a line of a journal: {error}"
    if version != VERSION:
        return f"journal format {version}, but this version reads format {VERSION}"
    return f"not a line of format {VERSION}: {error}"
