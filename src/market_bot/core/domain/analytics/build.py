"""From a lane's journal to a `Window`: one pass, exact, in bounded memory.

A builder hears the lines in order. Lines before ``since`` warm it up: what was held, which orders
live, which signals are on. It may start from a `LaneState` at any line instead of hearing all lines
before. `WindowBuilder.close` may be asked for at any time, and hearing goes on after it.

Opportunities, entries and departures belong to the window in which they begin; closed pieces to the
one in which they were closed.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict, deque
from collections.abc import Callable, Container, Iterable, Sized
from enum import Enum
from itertools import islice
from typing import Any, Final, Protocol

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.analytics.round_trips import Holding, Ordered, RoundTrips
from market_bot.core.domain.analytics.window import (
    Departure,
    Entry,
    Execution,
    Held,
    Level,
    Opportunity,
    Path,
    Prices,
    Put,
    Trouble,
    Window,
    Wish,
)
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import Leg
from market_bot.core.domain.marks import REACH
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
)
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.signals import Gate

LEVELS_MAX: Final = 2_000
"""How many levels a window has at most, evenly thinned."""

GAP_MAX: Final = Duration(300 * SECOND)
"""Two scans further apart than this leave the time between them uncovered."""

ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"
UNKNOWN: Final = "unknown"
UNSENT: Final = "unsent"

_SIGNALS_MAX: Final = 8_192
_PATHS_MAX: Final = 32_768
_REFUSED_MAX: Final = 8_192
_PAYOUTS_MAX: Final = 32_768
_PRICES_MAX: Final = 32_768
_REWARDS_MAX: Final = 512
_TROUBLES_MAX: Final = 256
_CONFIGS_MAX: Final = 256
_NAMES_MAX: Final = 512
_PUTS_MAX: Final = 1_024
_EXECUTIONS_MAX: Final = 256
_CLOSED: Final = "closed"
_DENIED: Final = ev.Cause.DENIED


class Undecoded(Protocol):
    """Reads facts of lines that a reader left undecoded, since most of them are never needed."""

    @abstractmethod
    def wish(self, seq: int, data: bytes) -> Wish:
        """Return what a signal said."""

    @abstractmethod
    def closes_in(self, data: bytes) -> Duration | None:
        """Return how long before the end of its market a signal was raised."""

    @abstractmethod
    def denied(self, data: bytes) -> ev.Denied:
        """Return a refusal."""

    @abstractmethod
    def moment(self, text: str) -> Micros:
        """Return the moment that a mark says its decision was taken at."""


class _AllDecoded(Undecoded):
    """For those who decode every line."""

    def wish(self, seq: int, data: bytes) -> Wish:
        msg = f"signal {seq} was left undecoded: {data[:80]!r}"
        raise TypeError(msg)

    def closes_in(self, data: bytes) -> Duration | None:
        msg = f"a signal was left undecoded: {data[:80]!r}"
        raise TypeError(msg)

    def denied(self, data: bytes) -> ev.Denied:
        msg = f"a refusal was left undecoded: {data[:80]!r}"
        raise TypeError(msg)

    def moment(self, text: str) -> Micros:
        msg = f"a moment was left undecoded: {text}"
        raise TypeError(msg)


_ALL_DECODED: Final = _AllDecoded()


@attrs.frozen(kw_only=True)
class Caps:
    """How much a window may hold; of more, the oldest is left out, and `Window.cut` says so."""

    entries: int = 10_000
    departures: int = 10_000
    opportunities: int = 5_000
    closed: int = 20_000


DEFAULT_CAPS: Final = Caps()


Key = tuple[str, str, Leg]
"""Strategy, market and leg of a decision."""


class _Told(Enum):
    """Whether the value of a decision was told, and is what it was."""

    NOT_YET = "not yet"
    AS_IT_IS = "as it is"
    OTHERWISE = "otherwise"


_NOT_YET: Final = _Told.NOT_YET
_AS_IT_IS: Final = _Told.AS_IT_IS


class _Record:
    """A decision that belongs to a window, with what is heard of it later.

    ``fact`` is what was decided, as bytes if it was not decoded yet; ``gates`` are None while they
    are in there, and ``names`` what they are called. ``wish`` is the sequence number of its signal
    with what is known of that. ``stamp`` is how marks write ``since``, once one did.
    """

    # Most records are one of thousands and are let go of before anything more is known of them.
    gates: tuple[Gate, ...] | None = None
    names: tuple[str, ...] = ()
    ticks: int = 1
    stamp: Micros | str | None = None
    start: Prices | None = None
    later: dict[int, Prices] | None = None
    told: _Told = _NOT_YET
    config: str = ""
    outcome: str = ""
    sent_at: Micros | None = None
    executions: list[Execution] | None = None

    def __init__(
        self,
        seq: int,
        since: Micros,
        signal: str,
        key: Key,
        fact: ev.Event | bytes,
        wish: tuple[int, Any] | None = None,
    ) -> None:
        self.seq, self.since, self.signal, self.key = seq, since, signal, key
        self.fact, self.wish = fact, wish


class WindowBuilder:
    """Makes a `Window` of a stretch of one chain from its lines, heard in order.

    Args:
        chain: its name.
        since: the first moment of the window.
        until: the first moment after it; later lines are not heard.
        state: what the lane's fold says before the first line that is heard; None if that is the
            first of the chain.
        caps: how much the window may hold.
        undecoded: reads what was not decoded; needed only by readers that leave lines undecoded.

    """

    def __init__(
        self,
        chain: str,
        since: Micros,
        until: Micros,
        *,
        state: LaneState | None = None,
        caps: Caps = DEFAULT_CAPS,
        undecoded: Undecoded = _ALL_DECODED,
    ) -> None:
        self._chain, self._since, self._until = chain, since, until
        self._undecoded = undecoded
        self._begun = self._cut = False
        self._trips = RoundTrips(caps.closed)
        self._entries: deque[_Record] = deque(maxlen=caps.entries)
        self._departures: deque[_Record] = deque(maxlen=caps.departures)
        self._opportunities: deque[_Record] = deque(maxlen=caps.opportunities)
        self._refused: dict[Key, _Record] = {}
        self._orders: OrderedDict[str, _Record] = OrderedDict()
        self._leaving: OrderedDict[str, tuple[int, str, _Record]] = OrderedDict()
        self._signals: dict[str, tuple[int, ev.SignalRaised | bytes]] = {}
        self._tracks: dict[ev.Cause, OrderedDict[str, _Record]] = {
            cause: OrderedDict() for cause in ev.Cause
        }
        self._fresh: dict[tuple[ev.Cause, str], _Record] = {}
        self._prices: dict[tuple[Price | None, Price | None, Price | None], Prices] = {}
        self._payouts: OrderedDict[str, Price] = OrderedDict()
        self._fresh_payouts: set[str] = set()
        self._changed: list[_Record] = []
        self._entry_values: dict[_Record, Entry] = {}
        self._departure_values: dict[_Record, Departure] = {}
        self._wish_values: dict[_Record, Opportunity] = {}
        # Those whose values are known, by market.
        self._followers: dict[str, list[_Record]] = {}
        self._denials: dict[str, int] = {}
        self._troubles: dict[str, tuple[int, int]] = {}
        self._configs: dict[str, None] = {}
        self._config = ""
        self._levels: list[Level] = []
        self._next_level = since
        self._step = 1 + max(0, until - since) // LEVELS_MAX
        self._covered = 0
        self._scanned_at: Micros | None = None
        self._rewards = 0
        self._paid_rewards: deque[str] = deque(maxlen=_REWARDS_MAX)
        self._put_in: list[Put] = []
        self._deposited = False
        self._venue = "open"
        self._venue_since = since
        self._closed_venue = 0
        self._net = 0
        self._takers: dict[type[ev.Event], Callable[[int, Micros, Any], None]] = {
            ev.BotStarted: self._started,
            ev.BotStopped: self._not_scanned,
            ev.Tick: self._not_scanned,
            ev.Scan: self._scan,
            ev.SignalRaised: self._signal,
            ev.Denied: self._denied,
            ev.Exit: self._exit,
            ev.OrderIntent: self._intent,
            ev.OrderAccepted: self._accepted,
            ev.OrderRejected: self._rejected,
            ev.OrderUnknown: self._doubted,
            ev.OrderCancelled: self._cancelled,
            ev.Fill: self._fill,
            ev.FillSettled: self._settled,
            ev.FillReversed: self._reversed,
            ev.MarketResolved: self._resolved,
            ev.PositionMarked: self._position_marked,
            ev.Merged: self._merged,
            ev.Reward: self._reward,
            ev.Mark: self._mark,
            ev.Error: self._error,
            ev.VenueState: self._venue_state,
            ev.Reconciled: self._reconciled,
        }
        if state is not None:
            self._trips.restore(state)
            self._paid_rewards.extend(state.paid_rewards)
            self._deposited = bool(state.deposits)
            self._venue = state.venue

    # -- hearing -----------------------------------------------------------------------------

    def hear(self, seq: int, at: Micros, event: ev.Event | None, config: str) -> None:
        """Take the next line of the chain; None for one of a type this version does not know."""
        if at >= self._until:
            return
        if config != self._config:
            self.configured(config)
        self.reaches(at)
        if event is not None:
            self.take(seq, at, event)

    def take(self, seq: int, at: Micros, event: ev.Event) -> None:
        """Take the fact of a line whose time and configuration were taken already."""
        take = self._takers.get(type(event))
        if take is not None:
            take(seq, at, event)

    @property
    def heard(self) -> frozenset[str]:
        """The types of the lines that matter; all others need not be taken."""
        return frozenset(kind.TYPE for kind in self._takers)

    @property
    def held(self) -> Container[str]:
        """The markets in which something is held; only their prices matter for what is held."""
        return self._trips.held

    @property
    def quoted(self) -> Callable[[Micros, str, Leg, Price | None, Price | None], None]:
        """What takes a price of a leg, whatever it was taken for: its midpoint and its bid."""
        return self._trips.quoted

    @property
    def awaited(self) -> Sized:
        """The decisions of this tick that are followed if their first mark comes before its end."""
        return self._fresh

    @property
    def next_level(self) -> Micros:
        """From when on the equity of a scan is wanted, see `level`."""
        return self._next_level

    @property
    def since(self) -> Micros:
        """The first moment of the window."""
        return self._since

    def reaches(self, at: Micros) -> bool:
        """Take that it is as late as this; tell whether lines of this time are still heard."""
        if not self._begun and at >= self._since:
            self._begin()
            self._in_force(self._config)
        return at < self._until

    def configured(self, config: str) -> None:
        """Take the configuration that the lines from here on carry."""
        self._config = config
        if self._begun:
            self._in_force(config)

    def extend(self, until: Micros) -> None:
        """Move the end of the window on; what lies between was not heard yet."""
        self._until = max(self._until, until)

    def _begin(self) -> None:
        self._begun = True
        self._trips.counting = True
        self._net = self._trips.net

    def _in_force(self, config: str) -> None:
        if config and config not in self._configs:
            self._configs[config] = None
            self._cut = self._limit(self._configs, _CONFIGS_MAX) or self._cut

    @staticmethod
    def _limit(kept: dict[Any, Any], most: int) -> bool:
        """Let go of the oldest if there are too many; tell whether there were."""
        if len(kept) <= most:
            return False
        del kept[next(iter(kept))]
        return True

    # -- ticks -------------------------------------------------------------------------------

    def _started(self, _seq: int, at: Micros, event: ev.BotStarted) -> None:
        # It starts without memory of which signals were on.
        self._refused.clear()
        self._scanned_at = None
        if event.cash and not self._deposited:
            self._deposited = True
            self._put(at, event.cash)
        if self._venue == "stalled":
            self._venue_is("open", at)

    def _not_scanned(self, _seq: int, _at: Micros, _event: ev.Event) -> None:
        self._scanned_at = None

    def _scan(self, _seq: int, at: Micros, event: ev.Scan) -> None:
        self.tick_over()
        if self.scanned(at):
            self.level(at, event.equity)

    def tick_over(self) -> None:
        """Take that a tick is over: what no mark began by now is not followed."""
        self._fresh.clear()

    def scanned(self, at: Micros) -> bool:
        """Take when it was scanned; tell whether that scan's equity is wanted, see `level`.

        Of scans that follow each other within `GAP_MAX`, those between the first and the last
        need not be told.
        """
        before = self._scanned_at
        self._scanned_at = at
        if not self._begun:
            return False
        if before is not None and at - before <= GAP_MAX:
            self._covered += at - max(before, self._since)
        return at >= self._next_level

    def level(self, at: Micros, equity: Money) -> None:
        """Take the equity of a scan whose equity is wanted."""
        self._levels.append(Level(at=at, equity=equity, at_work=Money(self._trips.at_work)))
        self._next_level = Micros(at + self._step)
        if len(self._levels) > LEVELS_MAX:
            # The window was extended: half as many stand for all of it.
            del self._levels[1::2]
            self._step *= 2

    # -- signals and refusals ----------------------------------------------------------------

    def _signal(self, seq: int, _at: Micros, event: ev.SignalRaised) -> None:
        self.signalled(seq, event.signal, event)

    def signalled(self, seq: int, signal: str, told: ev.SignalRaised | bytes) -> None:
        """Take what a signal says, decoded or not."""
        signals = self._signals
        if signal in signals:
            # It is the latest now.
            del signals[signal]
        signals[signal] = (seq, told)
        if len(signals) > _SIGNALS_MAX:
            _let_go(signals)

    def _denied(self, seq: int, at: Micros, event: ev.Denied) -> None:
        key = (event.strategy, event.market, event.leg)
        if event.phase != "begin":
            if event.purpose is Purpose.ENTRY:
                self.refusal_ended(key, event.signal, event.count)
            return
        names = tuple([gate.name for gate in event.gates])
        self.refusing(names)
        if event.purpose is Purpose.ENTRY and self.refused(
            seq, at, event.signal, key, names, event
        ):
            self.refused_also(key, event.gates)

    def refusing(self, names: Iterable[str]) -> None:
        """Take which gates refused something, and count them."""
        if not self._begun:
            return
        denials = self._denials
        for name in names:
            denials[name] = denials.get(name, 0) + 1
            if len(denials) > _NAMES_MAX:
                del denials[name]
                self._cut = True

    def refused(
        self,
        seq: int,
        at: Micros,
        signal: str,
        key: Key,
        names: tuple[str, ...],
        fact: ev.Denied | bytes,
    ) -> bool:
        """Take which gates refuse a wish to open; tell whether `refused_also` wants all of them.

        That is if it was refused before, and by other gates.
        """
        refused = self._refused
        known = refused.get(key)
        if known is not None:
            if known.signal == signal:
                return names != known.names and not set(known.names).issuperset(names)
            del refused[key]
        record = _Record(seq, at, signal, key, fact, self._signals.get(signal))
        record.names = names
        refused[key] = record
        if len(refused) > _REFUSED_MAX:
            _let_go(refused)
        if self._begun:
            self._follow(_DENIED, record)
            self._keep(self._opportunities, record)
        return False

    def refused_also(self, key: Key, gates: Iterable[Gate]) -> None:
        """Take the gates of the next phase of a refusal."""
        record = self._refused[key]
        known = record.gates
        if known is None:
            known = self._refusal(record).gates
        new = tuple(gate for gate in gates if gate.name not in record.names)
        record.gates = (*known, *new)
        record.names = tuple([gate.name for gate in record.gates])
        self._stale(record)

    def refusal_ended(self, key: Key, signal: str, count: int) -> None:
        """Take the end of a refusal, which lasted so many ticks."""
        known = self._refused.get(key)
        if known is not None and known.signal == signal:
            del self._refused[key]
            known.ticks = count
            self._stale(known)

    def _keep(self, kept: deque[_Record], record: _Record) -> None:
        if len(kept) == kept.maxlen:
            self._cut = True
        kept.append(record)

    def _stale(self, record: _Record) -> None:
        """Let a record be told again, if it was told."""
        if record.told is _AS_IT_IS:
            record.told = _Told.OTHERWISE
            self._changed.append(record)
            if record.later is not None:
                # The one it had is in a window by now.
                record.later = dict(record.later)

    # -- orders ------------------------------------------------------------------------------

    def _exit(self, seq: int, at: Micros, event: ev.Exit) -> None:
        key = (event.strategy, event.market, event.leg)
        record = _Record(seq, at, event.signal, key, event)
        record.config = self._config
        self._leaving.pop(event.signal, None)
        self._leaving[event.signal] = (seq, event.reason, record)
        self._limit(self._leaving, _SIGNALS_MAX)
        if self._begun:
            self._follow(ev.Cause.EXITED, record)
            self._keep(self._departures, record)

    def _intent(self, seq: int, at: Micros, event: ev.OrderIntent) -> None:
        order = Ordered(
            seq=seq,
            intent=event.intent,
            market=event.market,
            leg=event.leg,
            purpose=event.purpose,
            price=event.price,
            size=event.size,
            created_at=at,
            signal=event.signal,
            strategy=event.strategy,
            event=event.event,
            family=event.family,
            mid=event.mid,
            belief=event.belief,
            edge=event.edge,
        )
        self._trips.quoted(at, event.market, event.leg, event.mid, None)
        if not self._trips.intend(order):
            return
        if event.purpose is Purpose.EXIT:
            known = self._leaving.get(event.signal)
            if known is not None:
                order.departure, order.reason, record = known
                self._send(event.intent, record)
            return
        wish = self._signals.get(event.signal)
        if wish is not None:
            order.closes_in = self._closes_in(wish[1])
        key = (event.strategy, event.market, event.leg)
        record = _Record(seq, at, event.signal, key, event, wish)
        record.config = self._config
        self._send(event.intent, record)
        if self._begun:
            self._follow(ev.Cause.TRADED, record)
            self._keep(self._entries, record)

    def _closes_in(self, told: ev.SignalRaised | bytes) -> Duration | None:
        return self._undecoded.closes_in(told) if isinstance(told, bytes) else told.closes_in

    def _send(self, intent: str, record: _Record) -> None:
        self._orders[intent] = record
        # What is traded after so many others counts as money all the same.
        self._limit(self._orders, _SIGNALS_MAX)

    def _accepted(self, _seq: int, _at: Micros, event: ev.OrderAccepted) -> None:
        self.accepted(event.intent, event.sent_at)

    def accepted(self, intent: str, sent_at: Micros) -> None:
        """Take that the venue confirmed an order."""
        record = self._orders.get(intent)
        if record is not None:
            record.outcome = ACCEPTED
            self._stale(record)
            if record.sent_at is None:
                record.sent_at = sent_at

    def _rejected(self, _seq: int, _at: Micros, event: ev.OrderRejected) -> None:
        self._trips.end_order(event.intent, refused=True)
        self._came_of(event.intent, REJECTED)

    def _doubted(self, _seq: int, _at: Micros, event: ev.OrderUnknown) -> None:
        self._came_of(event.intent, UNKNOWN)

    def _cancelled(self, _seq: int, _at: Micros, event: ev.OrderCancelled) -> None:
        self._trips.end_order(event.intent)
        record = self._orders.get(event.intent)
        if record is not None and not record.outcome:
            # Nothing was told of it before its end: it never left.
            record.outcome = UNSENT
            self._stale(record)

    def _came_of(self, intent: str, outcome: str) -> None:
        record = self._orders.get(intent)
        if record is not None and record.outcome != ACCEPTED:
            record.outcome = outcome
            self._stale(record)

    # -- money -------------------------------------------------------------------------------

    def _fill(self, seq: int, at: Micros, event: ev.Fill) -> None:
        order = self._trips.fill(seq, at, event)
        self._trips.quoted(at, event.market, event.leg, event.mid, None)
        record = None if order is None else self._orders.get(event.intent)
        if record is None or order is None:
            return
        execution = Execution(
            seq=seq,
            at=at,
            fill=event.fill,
            liquidity=event.liquidity,
            price=event.price,
            size=event.size,
            cost=event.cost,
            fee=event.fee,
            mid=event.mid,
            traded_at=event.traded_at,
        )
        self._stale(record)
        executions = record.executions = record.executions or []
        if len(executions) < _EXECUTIONS_MAX:
            executions.append(execution)
        else:
            self._cut = True
        if isinstance(record.fact, ev.OrderIntent):
            record.outcome = ACCEPTED

    def _settled(self, _seq: int, _at: Micros, event: ev.FillSettled) -> None:
        self._trips.settle(event.intent, event.fill)

    def _reversed(self, seq: int, at: Micros, event: ev.FillReversed) -> None:
        if self._trips.reverse(seq, at, event.intent, event.fill) is None:
            return
        record = self._orders.get(event.intent)
        if record is not None:
            self._stale(record)
            record.executions = [
                attrs.evolve(e, reversed=True) if e.fill == event.fill else e
                for e in record.executions or ()
            ]

    def _resolved(self, seq: int, at: Micros, event: ev.MarketResolved) -> None:
        self._trips.resolve(seq, at, event)
        if 0 <= event.yes_payout <= ONE_DOLLAR:
            self._payouts.pop(event.market, None)
            self._payouts[event.market] = event.yes_payout
            self._fresh_payouts.add(event.market)
            self._cut = self._limit(self._payouts, _PAYOUTS_MAX) or self._cut

    def _merged(self, seq: int, at: Micros, event: ev.Merged) -> None:
        self._trips.merge(seq, at, event)

    def _position_marked(self, _seq: int, _at: Micros, event: ev.PositionMarked) -> None:
        held = self._trips.holding(event.market, event.leg)
        if held is not None and event.high is not None:
            held.highest = event.high if held.highest is None else max(held.highest, event.high)

    def _reward(self, _seq: int, _at: Micros, event: ev.Reward) -> None:
        if event.name:
            if event.name in self._paid_rewards:
                return
            self._paid_rewards.append(event.name)
        if self._begun:
            self._rewards += event.amount

    def _reconciled(self, _seq: int, at: Micros, event: ev.Reconciled) -> None:
        if event.adopted:
            self._put(at, event.adopted)

    def _put(self, at: Micros, amount: Money) -> None:
        if self._begun:
            self._put_in.append(Put(at=at, amount=amount))
            if len(self._put_in) > _PUTS_MAX:
                one, other = self._put_in[:2]
                self._put_in[:2] = [Put(at=other.at, amount=Money(one.amount + other.amount))]

    # -- prices ------------------------------------------------------------------------------

    def _mark(self, _seq: int, at: Micros, event: ev.Mark) -> None:
        self._trips.quoted(at, event.market, event.leg, event.mid, event.bid)
        three = (event.mid, event.bid, event.ask)
        known = self._prices.get(three)
        if known is None:
            known = Prices(mid=event.mid, bid=event.bid, ask=event.ask)
            if len(self._prices) >= _PRICES_MAX:
                self._prices.clear()
            self._prices[three] = known
        self.marked(event.cause, event.signal, event.since, event.horizon_s, known)

    def marked(
        self, cause: ev.Cause, signal: str, since: Micros | str, horizon: int, prices: Prices
    ) -> None:
        """Take a later price of a decision, so many seconds after it; ``since`` may be its text."""
        record = self._tracks[cause].get(signal) if horizon else self._begin_track(cause, signal)
        if record is None or (since != record.stamp and not self._is_of(record, since)):
            return
        if record.told is _AS_IT_IS:
            self._stale(record)
        if not horizon:
            record.start = record.start or prices
        elif record.later is None:
            record.later = {horizon: prices}
        else:
            record.later.setdefault(horizon, prices)

    def _is_of(self, record: _Record, since: Micros | str) -> bool:
        """Tell whether a decision was taken then; remember how that is written."""
        moment = self._undecoded.moment(since) if isinstance(since, str) else since
        if moment != record.since:
            return False
        record.stamp = since
        return True

    def _follow(self, cause: ev.Cause, record: _Record) -> None:
        """Let marks find a decision, if the first of them comes before the tick is over."""
        self._fresh[cause, record.signal] = record
        if len(self._fresh) > _PATHS_MAX:
            self._fresh.clear()
            self._cut = True

    def _begin_track(self, cause: ev.Cause, signal: str) -> _Record | None:
        record = self._fresh.pop((cause, signal), None)
        if record is None:
            return None
        tracks = self._tracks[cause]
        tracks[signal] = record
        tracks.move_to_end(signal)
        # No mark comes so late: two go for each that comes.
        for _ in range(2):
            oldest = next(iter(tracks))
            if tracks[oldest].since + 2 * REACH >= record.since:
                break
            del tracks[oldest]
        if len(tracks) > _PATHS_MAX:
            tracks.popitem(last=False)
            self._cut = True
        return record

    # -- troubles ----------------------------------------------------------------------------

    def _error(self, seq: int, _at: Micros, event: ev.Error) -> None:
        if not self._begun:
            return
        count, first = self._troubles.get(event.where, (0, seq))
        self._troubles[event.where] = (count + event.count, first)
        if len(self._troubles) > _TROUBLES_MAX:
            del self._troubles[event.where]
            self._cut = True

    def _venue_state(self, _seq: int, at: Micros, event: ev.VenueState) -> None:
        # "degraded" is about our own journal, not about the venue.
        if event.state != "degraded":
            self._venue_is(event.state, at)

    def _venue_is(self, state: str, at: Micros) -> None:
        if self._venue == _CLOSED:
            self._closed_venue += max(0, at - self._venue_since)
        self._venue, self._venue_since = state, max(at, self._since)

    # -- the end -----------------------------------------------------------------------------

    def close(self, until: Micros | None = None) -> Window:
        """Return the window as far as it was heard; more may be heard afterwards.

        Args:
            until: where it ends, if that is not where it was to end.

        """
        end = self._until if until is None else until
        if not self._begun:
            self._begin()
        trips = self._trips
        self._tell_changed()
        return Window(
            chain=self._chain,
            since=self._since,
            until=end,
            covered=Duration(self._covered),
            entries=self._told(self._entries, self._entry_values),
            departures=self._told(self._departures, self._departure_values),
            opportunities=self._told(self._opportunities, self._wish_values),
            closed=tuple(trips.pieces.values()),
            held=tuple(_held(held) for held in trips.holdings()),
            levels=tuple(self._levels),
            troubles=tuple(
                Trouble(where=where, count=count, seq=seq)
                for where, (count, seq) in self._troubles.items()
            ),
            denials=dict(sorted(self._denials.items())),
            configs=tuple(self._configs),
            realised=Money(trips.net - self._net),
            rewards=Money(self._rewards),
            closed_venue=self._was_closed(end),
            put_in=tuple(self._put_in),
            cut=self._cut or trips.spilled,
        )

    def _was_closed(self, end: Micros) -> Duration:
        going_on = max(0, end - self._venue_since) if self._venue == _CLOSED else 0
        return Duration(self._closed_venue + going_on)

    def _told(self, kept: deque[_Record], values: dict[_Record, Any]) -> tuple[Any, ...]:
        """Return the values of decisions; makes only those of new ones."""
        new: list[_Record] = []
        for record in reversed(kept):
            if record.told is not _NOT_YET:
                break
            new.append(record)
        for record in reversed(new):
            values[record] = self._tell(record)
            record.told = _AS_IT_IS
            self._followers.setdefault(record.key[1], []).append(record)
        for record in list(islice(values, len(values) - len(kept))):
            del values[record]
            followers = self._followers[record.key[1]]
            followers.remove(record)
            if not followers:
                del self._followers[record.key[1]]
        return tuple(values.values())

    def _tell_changed(self) -> None:
        """Tell again what changed since it was told."""
        for market in self._fresh_payouts:
            for record in self._followers.get(market, ()):
                self._stale(record)
        self._fresh_payouts.clear()
        for record in self._changed:
            values = self._values_of(record)
            if record in values:
                values[record] = self._tell(record)
            record.told = _AS_IT_IS
        self._changed.clear()

    def _values_of(self, record: _Record) -> dict[_Record, Any]:
        if isinstance(record.fact, ev.OrderIntent):
            return self._entry_values
        return self._departure_values if isinstance(record.fact, ev.Exit) else self._wish_values

    def _tell(self, record: _Record) -> Entry | Departure | Opportunity:
        path, fact = self._path(record), record.fact
        if isinstance(fact, ev.Exit):
            return _departure(record, fact, path)
        wish = None
        if record.wish is not None:
            wish = self._wish(record.wish)
            record.wish = (record.wish[0], wish)
        if isinstance(fact, ev.OrderIntent):
            return _entry(record, fact, wish, path)
        return _opportunity(record, self._refusal(record), wish, path)

    def _refusal(self, record: _Record) -> ev.Denied:
        fact = record.fact
        if isinstance(fact, bytes):
            fact = record.fact = self._undecoded.denied(fact)
        if not isinstance(fact, ev.Denied):
            msg = f"no refusal: {fact!r}"
            raise TypeError(msg)
        return fact

    def _path(self, record: _Record) -> Path | None:
        _, market, leg = record.key
        yes_payout = self._payouts.get(market)
        if record.start is None and record.later is None and yes_payout is None:
            return None
        payout = yes_payout
        if yes_payout is not None and leg is Leg.NO:
            payout = Price(ONE_DOLLAR - yes_payout)
        return Path(
            since=record.since,
            start=record.start or NO_PRICES,
            later=record.later or {},
            payout=payout,
        )

    def _wish(self, known: tuple[int, object]) -> Wish:
        seq, told = known
        if isinstance(told, Wish):
            return told
        if isinstance(told, ev.SignalRaised):
            return wish_of(seq, told)
        if not isinstance(told, bytes):
            msg = f"no wish: {told!r}"
            raise TypeError(msg)
        return self._undecoded.wish(seq, told)


NO_PRICES: Final = Prices()


def _let_go(kept: dict[Any, Any]) -> None:
    """Let go of the oldest quarter, since doing so one by one is slow."""
    for name in list(islice(kept, len(kept) // 4)):
        del kept[name]


def _entry(record: _Record, fact: ev.OrderIntent, wish: Wish | None, path: Path | None) -> Entry:
    return Entry(
        seq=record.seq,
        at=record.since,
        signal=fact.signal,
        strategy=fact.strategy,
        market=fact.market,
        event=fact.event,
        family=fact.family,
        leg=fact.leg,
        intent=fact.intent,
        config=record.config,
        style=fact.style,
        price=fact.price,
        size=fact.size,
        mid=fact.mid,
        wish=wish,
        outcome=record.outcome or UNKNOWN,
        sent_at=record.sent_at,
        executions=tuple(record.executions or ()),
        path=path,
    )


def _departure(record: _Record, fact: ev.Exit, path: Path | None) -> Departure:
    return Departure(
        seq=record.seq,
        at=record.since,
        signal=fact.signal,
        strategy=fact.strategy,
        market=fact.market,
        event=fact.event,
        family=fact.family,
        leg=fact.leg,
        reason=fact.reason,
        config=record.config,
        price=fact.price,
        size=fact.size,
        executions=tuple(record.executions or ()),
        path=path,
    )


def _opportunity(
    record: _Record, fact: ev.Denied, wish: Wish | None, path: Path | None
) -> Opportunity:
    return Opportunity(
        seq=record.seq,
        at=record.since,
        signal=fact.signal,
        strategy=fact.strategy,
        market=fact.market,
        event=fact.event,
        family=fact.family,
        leg=fact.leg,
        gates=fact.gates if record.gates is None else record.gates,
        price=fact.price,
        size=fact.size,
        ticks=record.ticks,
        wish=wish,
        path=path,
    )


def wish_of(seq: int, event: ev.SignalRaised) -> Wish:
    """Return what a signal said when it was raised."""
    return Wish(
        seq=seq,
        style=event.style,
        price=event.price,
        belief=event.belief,
        edge=event.edge,
        cost=event.cost,
        reason=event.reason,
        prices=Prices(mid=event.mid, bid=event.bid, ask=event.ask),
        depth=event.depth,
        book_age=event.book_age,
        closes_in=event.closes_in,
    )


def _held(held: Holding) -> Held:
    return Held(
        seq=held.seq,
        at=held.opened_at,
        signal=held.signal,
        strategy=held.strategy,
        market=held.market,
        event=held.event,
        family=held.family,
        leg=held.leg,
        size=Size(held.size),
        cost=Money(held.cost),
        fees=Money(held.fees),
        opened_at=held.opened_at,
        bid=held.bid,
    )
