"""Which market is on which socket: a socket carries at most five hundred tokens.

Both tokens of a market are asked for, and on the same socket: a trade is told only for the token
that its taker named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from market_bot.core.domain.numbers import Duration

from .stream_messages import first_subscription, subscription, unsubscription
from .stream_socket import Greeting

TOKENS_MAX: Final = 500
"""Tokens on one socket; above, the venue leaves books out."""

SHARDS_MAX: Final = 10
"""Sockets at a time."""

NO_LAG: Final = 1 << 62


@attrs.define(eq=False)
class Shard:
    """One socket and what it carries.

    Args:
        number: of the socket; never used again.
        markets: their tokens, by market.
        wanted: what the next connection asks for; replaced as a whole, for its thread to read.
        connection: the one that stands, None if none does.
        asked: the tokens that this connection asked for.
        least: how long the quickest message took, `NO_LAG` while there was none.
        trouble: why there was no connection the last time.
        begun: whether the socket was opened.
        opened_at: since when the connection stands.

    """

    number: int
    markets: dict[str, tuple[str, str]] = attrs.field(factory=dict)
    wanted: tuple[str, ...] = ()
    connection: int | None = None
    asked: dict[str, None] = attrs.field(factory=dict)
    least: int = NO_LAG
    trouble: str = ""
    begun: bool = False
    opened_at: Duration = Duration(0)

    @property
    def tokens(self) -> int:
        """How many tokens it carries."""
        return 2 * len(self.markets)

    def greeting(self) -> Greeting:
        """Return what a new connection says; called in the socket's thread."""
        wanted = self.wanted
        return Greeting(first_subscription(wanted), wanted)

    def changes(self) -> Iterator[bytes]:
        """Yield the commands after which the connection carries what is wanted."""
        wanted = dict.fromkeys(self.wanted)
        gone = [token for token in self.asked if token not in wanted]
        new = [token for token in wanted if token not in self.asked]
        self.asked = wanted
        if gone:
            yield unsubscription(gone)
        if new:
            yield subscription(new)

    def again(self, tokens: list[str]) -> Iterator[bytes]:
        """Yield the commands that make the venue tell some books once more."""
        # Asking again for what is there already has no answer.
        yield unsubscription(tokens)
        yield subscription(tokens)


class Shards:
    """All sockets of the stream.

    Args:
        tokens_max: how many tokens one carries.
        shards_max: how many there are at most.

    """

    def __init__(self, tokens_max: int = TOKENS_MAX, shards_max: int = SHARDS_MAX) -> None:
        self._tokens_max = tokens_max
        self._shards_max = shards_max
        self._numbers = 0
        self.by_number: dict[int, Shard] = {}
        self.by_market: dict[str, Shard] = {}

    def place(self, market: str, tokens: tuple[str, str]) -> Shard | None:
        """Find room for a market; None if there is none."""
        for shard in self.by_number.values():
            if shard.tokens + 2 <= self._tokens_max:
                break
        else:
            if len(self.by_number) >= self._shards_max:
                return None
            self._numbers += 1
            shard = self.by_number[self._numbers] = Shard(self._numbers)
        shard.markets[market] = tokens
        self.by_market[market] = shard
        return shard

    def remove(self, market: str) -> None:
        """Have a market no more."""
        shard = self.by_market.pop(market)
        del shard.markets[market]

    def settle(self) -> Iterator[Shard]:
        """Say anew what every socket is to carry; yield those that carry nothing, and forget them.

        Whoever takes one has to shut it.
        """
        for shard in list(self.by_number.values()):
            shard.wanted = tuple(t for tokens in shard.markets.values() for t in tokens)
            if not shard.markets:
                del self.by_number[shard.number]
                yield shard
