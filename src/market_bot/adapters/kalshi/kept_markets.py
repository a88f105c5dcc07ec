"""Markets that are looked at for as long as somebody may need them, and how they are let go of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import SECOND, Duration, Micros

from .parse_markets import Listing
from .polled import KalshiPolled

CACHED_FOR: Final = Duration(20 * SECOND)
"""What the venue's lists say may be as old: they come from a cache of 15 seconds."""

_NO_LONGER: Final = "watched no more"


class KeptMarkets(KalshiPolled):
    """Polled data for a feed that looks for markets again and again.

    A second look at a market renews its terms and says nothing of its status: the look took its
    time, and what was polled since is newer. A market that is dropped before it has ended loses
    its book and is paused for whoever still knows it.
    """

    @property
    def resolved(self) -> frozenset[str]:
        """The watched markets that have been paid out."""
        return frozenset(name for name, known in self._watched.items() if known.resolved)

    @property
    def families(self) -> frozenset[str]:
        """What the watched markets belong to."""
        return frozenset(known.listing.market.family for known in self._watched.values())

    def news_at(self) -> Micros | None:
        """Return when something was told that only a new look can explain, None if nothing was."""
        return None

    def heed(self, looked_at: Micros) -> None:
        """Take that a look began then: what was told well before is known now."""

    def renew(self, listings: Iterable[Listing], looked_at: Micros) -> None:
        """Watch markets as a look has found them, whether they are watched already or not."""
        self.heed(looked_at)
        polled = {name: known.heard for name, known in self._watched.items()}
        self.watch([self._as_known(listing) for listing in listings])
        for name, heard in polled.items():
            self._watched[name].heard = heard

    def drop(self, markets: Iterable[str]) -> None:
        for name in markets:
            known = self._watched.get(name)
            if known is not None and not known.resolved:
                self._lose(known, _NO_LONGER)
                if known.status is MarketStatus.OPEN:
                    known.listing = attrs.evolve(known.listing, status=MarketStatus.PAUSED)
                    self._tell_status(known)
            super().drop((name,))

    def close(self) -> None:
        """Close the client."""
        self._rest.close()

    def _as_known(self, listing: Listing) -> Listing:
        known = self._watched.get(listing.market.id)
        if known is None:
            return listing
        return attrs.evolve(
            listing,
            status=known.listing.status,
            status_word=known.listing.status_word,
            yes_payout=known.listing.yes_payout,
            settled_at=known.listing.settled_at,
            problems=(),
        )
