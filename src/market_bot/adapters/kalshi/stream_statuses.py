"""Where markets are in their lives, from two sources: what the stream tells and what is polled.

The stream is quicker, and polling notices what nobody tells: that a market has begun, that it has
closed by its time, that it was paid out, and whatever happened without a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from market_bot.core.domain.market import Market, MarketStatus
from market_bot.core.domain.numbers import SECOND, Micros
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.market_data import Sink

from .errors import ParseError, plain
from .kept_markets import CACHED_FOR, KeptMarkets
from .parse_markets import Listing, _Range, _ticks
from .polled import _FACTS_MAX, Pace, _Push, _Watched
from .rest import KalshiRest
from .stream_messages import LifecycleBody

_HEARD: Final = {
    "activated": MarketStatus.OPEN,
    "deactivated": MarketStatus.PAUSED,
    "determined": MarketStatus.DETERMINED,
}
_UNKNOWN_MAX: Final = 50


class StreamStatuses(KeptMarkets):
    """Statuses, terms and ends of watched markets; neither books nor trades are polled.

    A result is pushed once a list says that the market is finalized: between its determination and
    then it may be disputed and amended.
    """

    def __init__(self, rest: KalshiRest, clock: Clock, *, pace: Pace | None = None) -> None:
        super().__init__(rest, clock, pace=pace)
        self._heard_at: dict[str, Micros] = {}
        self._doubted: dict[str, Micros] = {}
        self._told_now: list[_Push] | None = None
        self._news: tuple[Micros, Micros] | None = None
        self._unknown: dict[str, None] = {}

    @property
    def open_names(self) -> dict[str, None]:
        """The watched markets that have not been paid out."""
        return {known.listing.market.id: None for known in self._open()}

    def news_at(self) -> Micros | None:
        return None if self._news is None else self._news[0]

    def heed(self, looked_at: Micros) -> None:
        known_by = looked_at - CACHED_FOR
        self._doubted = {name: at for name, at in self._doubted.items() if at > known_by}
        if self._news is not None:
            # What came during the look or shortly before may not have been in it.
            last = self._news[1]
            self._news = None if last <= known_by else (max(self._news[0], looked_at), last)

    def waiting(self, until: Micros) -> Micros | None:
        """Return when the next fact was received, None if there is none up to a moment."""
        if self._waiting and self._waiting[0][0] <= until:
            return self._waiting[0][0]
        return None

    def push(self, sink: Sink, at: Micros) -> None:
        """Push the next fact, as received then."""
        _, push = self._waiting.popleft()
        push(sink, at)

    def then(self, push: Callable[[Sink, Micros], None]) -> None:
        """Have something done in its turn, after all facts told so far."""
        self._tell(push)

    def catch_up(self) -> None:
        """Look at everything soon: something may have happened that nobody told."""
        self._due["statuses"] = self._due["exchange"] = Micros(0)

    def refresh(self) -> None:
        """Look at the markets soon."""
        self._due["statuses"] = Micros(0)

    def changed(self, at: Micros) -> None:
        """Take that terms have changed that only a new look can explain."""
        self._news = (at, at) if self._news is None else (self._news[0], at)

    def hear_event(self, event: str, at: Micros) -> None:
        """Take that an event was created or charges other fees."""
        if _family(event) in self.families:
            self.changed(at)

    def hear(self, body: LifecycleBody, at: Micros) -> Sequence[_Push]:
        """Take what the stream tells of a market; return what follows from it at once."""
        known = self._watched.get(body.market_ticker)
        if known is None:
            if body.event_type == "created" and _family(body.market_ticker) in self.families:
                self.changed(at)
            return ()
        self._told_now = []
        try:
            self._hear(known, body, at)
            return self._told_now
        finally:
            self._told_now = None

    def _hear(self, known: _Watched, body: LifecycleBody, at: Micros) -> None:
        name = known.listing.market.id
        match body.event_type:
            case "activated" | "deactivated" | "determined":
                status = _HEARD[body.event_type]
                self._take(
                    known,
                    attrs.evolve(known.listing, status=status, status_word=body.event_type),
                    at,
                )
            case "close_date_updated" if body.close_ts is not None:
                close_at = Micros(body.close_ts * SECOND)
                self._take_terms(known, attrs.evolve(known.listing.market, close_at=close_at), at)
            case "price_level_structure_updated" if body.price_ranges:
                self._take_ticks(known, at, body.price_ranges)
            case "metadata_updated" if body.moves_strike:
                # What a strategy believes about the market may be wrong until it is looked at.
                self._doubted[name] = at
                self.changed(at)
                self._tell_status(known)
            case "created" | "metadata_updated":
                pass
            case "settled":
                self.refresh()
            case other:
                self.note_unknown(f"{name}: {other}")
                self.refresh()

    def _take(self, known: _Watched, listing: Listing, at: Micros) -> None:
        self.refresh()
        # A market that was refused stays so until a list says otherwise.
        if known.resolved or known.listing.status is None:
            return
        known.listing = listing
        self._heard_at[listing.market.id] = at
        self._tell_status(known)

    def _take_terms(self, known: _Watched, market: Market, at: Micros) -> None:
        if market != known.listing.market:
            self._tell(lambda sink, received: sink.meta(market, received))
        self._take(known, attrs.evolve(known.listing, market=market), at)

    def _take_ticks(self, known: _Watched, at: Micros, ranges: tuple[_Range, ...]) -> None:
        try:
            bands = _ticks(ranges)
        except ParseError as e:
            # Orders on a grid that we do not understand would be refused, or worse.
            self._refuse(known, f"its new price ranges: {e}")
            self._heard_at[known.listing.market.id] = at
            return
        self._take_terms(known, attrs.evolve(known.listing.market, ticks=bands), at)

    def note_unknown(self, what: str) -> None:
        """Say once that something is not understood."""
        said = plain(f"not understood: {what}")
        if said not in self._unknown and len(self._unknown) < _UNKNOWN_MAX:
            self._unknown[said] = None
            self._note(said)

    def drop(self, markets: Iterable[str]) -> None:
        names = tuple(markets)
        super().drop(names)
        for name in names:
            self._heard_at.pop(name, None)
            self._doubted.pop(name, None)

    def _status(self, known: _Watched) -> MarketStatus:
        status = super()._status(known)
        doubted = known.listing.market.id in self._doubted
        return MarketStatus.PAUSED if doubted and status is MarketStatus.OPEN else status

    def _learn(self, known: _Watched, listing: Listing) -> None:
        """Believe a list, but for what the stream has told since it was made."""
        heard_at = self._heard_at.get(listing.market.id)
        final = listing.status is MarketStatus.SETTLED
        if heard_at is not None and not final and self._clock.now() - heard_at < CACHED_FOR:
            now = known.listing
            market = attrs.evolve(
                listing.market, ticks=now.market.ticks, close_at=now.market.close_at
            )
            listing = attrs.evolve(
                listing, market=market, status=now.status, status_word=now.status_word
            )
        super()._learn(known, listing)

    def _tell(self, push: _Push) -> None:
        if self._told_now is not None:
            self._told_now.append(push)
        else:
            super()._tell(push)

    def _poll_books(self, batch: Sequence[_Watched]) -> None:
        """Poll none: they are streamed."""

    def _next_trades(self) -> list[_Watched]:
        return []

    def _is_full(self) -> bool:
        """Poll nothing more while nobody takes what is there; the books are not ours."""
        return len(self._waiting) >= _FACTS_MAX


def _family(ticker: str) -> str:
    return ticker.partition("-")[0]
