"""Consent to exactly what was shown: a token for one proposal's exact change, good for one use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from market_bot.core.domain.numbers import SECOND, Duration, Micros

LIFETIME: Final = Duration(15 * 60 * SECOND)
NONCE_MIN: Final = 16
_NONCE_MAX: Final = 64
_TOKENS_MAX: Final = 64
_DIGEST_BYTES: Final = 24


class TokenRefused(Exception):
    """A token is not good for this change now; the message is one line for people."""


@attrs.frozen(kw_only=True)
class Diff:
    """Everything that a person agrees to; ``config`` is the hash of the settings it is seen in."""

    proposal: str
    file: str
    path: str
    before: str
    after: str
    config: str

    def seal(self, nonce: bytes) -> str:
        """Return the token for this and nothing else under a secret nonce."""
        parts = (self.proposal, self.file, self.path, self.before, self.after, self.config)
        # With their lengths, so that nothing can slide from one part into the next.
        text = "".join(f"{len(part)}:{part}" for part in parts)
        # BLAKE2 with a key authenticates by itself (RFC 7693, 2015).
        return hashlib.blake2b(text.encode(), key=nonce, digest_size=_DIGEST_BYTES).hexdigest()


@attrs.frozen
class _Issued:
    nonce: bytes = attrs.field(repr=False)
    until: Micros


@attrs.frozen
class Tokens:
    """The tokens that were given out and not used: one per proposal, the last one given."""

    issued: Mapping[str, _Issued] = attrs.field(factory=dict)

    def issue(self, diff: Diff, nonce: bytes, now: Micros) -> tuple[Tokens, str]:
        """Return the tokens with one more, and that one.

        Args:
            diff: what is shown to the person.
            nonce: random bytes, at least 16 and at most 64, never used before.
            now: this moment; the token is good for a quarter of an hour.

        Raises:
            ValueError: if the nonce is too short or too long.

        """
        if not NONCE_MIN <= len(nonce) <= _NONCE_MAX:
            msg = f"a nonce has {NONCE_MIN} to {_NONCE_MAX} bytes, this one {len(nonce)}"
            raise ValueError(msg)
        kept = {
            name: issued
            for name, issued in self.issued.items()
            if now < issued.until and name != diff.proposal
        }
        while len(kept) >= _TOKENS_MAX:
            del kept[next(iter(kept))]
        kept[diff.proposal] = _Issued(nonce, Micros(now + LIFETIME))
        return Tokens(kept), diff.seal(nonce)

    def spend(
        self, diff: Diff, given: str, now: Micros, same: Callable[[str, str], bool]
    ) -> Tokens:
        """Return the tokens without the one that was used.

        Args:
            diff: what is about to be done, read anew.
            given: what the person sent.
            now: this moment.
            same: compares in a time that tells nothing, such as `hmac.compare_digest`.

        Raises:
            TokenRefused: if it is another change than the one shown, too late, or used already.

        """
        issued = self.issued.get(diff.proposal)
        if issued is None or now >= issued.until:
            msg = f"this page of proposal {diff.proposal[:40]} is out of date: load it again"
            raise TokenRefused(msg)
        if not given.isascii() or not same(diff.seal(issued.nonce), given):
            msg = f"proposal {diff.proposal[:40]} is not what was shown: load it again"
            raise TokenRefused(msg)
        return Tokens({name: kept for name, kept in self.issued.items() if name != diff.proposal})
