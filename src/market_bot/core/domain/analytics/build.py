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
from collections.abc import Callable, Container, Iterable
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


class Undecoded(Protocol):
    """Reads facts of lines that a reader left undecoded, since most of them are never needed."""

    @abstractmethod
    def wish(self, seq: int, data: bytes) -> Wish:
        """Return what a signal said."""

    @abstractmethod
    def denied(self, fact: object) -> ev.Denied:
        """Return a refusal; its gates do not matter."""


class _AllDecoded(Undecoded):
    """For those who decode every line."""

    def wish(self, seq: int, data: bytes) -> Wish:
        msg = f"signal {seq} was left undecoded: {data[:80]!r}"
        raise TypeError(msg)

    def denied(self, fact: object) -> ev.Denied:
        msg = f"a refusal was left undecoded: {fact!r}"
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


@attrs.define(eq=False)
class _Record:
    """A decision that belongs to a window, with what is heard of it later.

    ``fact`` is what was decided, decoded or not, ``wish`` the sequence number of its signal with
    what is known of that; ``told`` is its value, None after a change.
    """

    kind: type[Any]
    seq: int
    since: Micros
    market: str
    leg: Leg
    fact: object
    wish: tuple[int, object] | None = None
    gates: tuple[Gate, ...] = ()
    ticks: int = 1
    start: Prices | None = None
    later: dict[int, Prices] | None = None
    told: Any = None
    config: str = ""
    outcome: str = ""
    sent_at: Micros | None = None
    executions: list[Execution] | None = None


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
        self._refused: OrderedDict[tuple[str, str, Leg], tuple[str, _Record]] = OrderedDict()
        self._orders: OrderedDict[str, _Record] = OrderedDict()
        self._leaving: OrderedDict[str, tuple[int, str, _Record]] = OrderedDict()
        self._signals: OrderedDict[str, tuple[int, object]] = OrderedDict()
        self._tracks: dict[ev.Cause, OrderedDict[str, _Record]] = {
            cause: OrderedDict() for cause in ev.Cause
        }
        self._fresh: dict[tuple[ev.Cause, str], _Record] = {}
        self._prices: dict[tuple[Price | None, Price | None, Price | None], Prices] = {}
        self._payouts: OrderedDict[str, Price] = OrderedDict()
        self._fresh_payouts: set[str] = set()
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
        if self.scanned(at):
            self.level(at, event.equity)

    def scanned(self, at: Micros) -> bool:
        """Take a scan; tell whether its equity is wanted, see `level`."""
        before = self._scanned_at
        self._scanned_at = at
        if self._fresh:
            # The tick is over: what no mark began by now is not followed.
            self._fresh.clear()
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
        signals[signal] = (seq, told)
        signals.move_to_end(signal)
        if len(signals) > _SIGNALS_MAX:
            signals.popitem(last=False)

    def _denied(self, seq: int, at: Micros, event: ev.Denied) -> None:
        key = (event.strategy, event.market, event.leg)
        if event.phase == "begin":
            wanted = event.purpose is Purpose.ENTRY
            self.refused(seq, at, event.signal, key if wanted else None, event.gates, event)
        elif event.purpose is Purpose.ENTRY:
            self.refusal_ended(key, event.signal, event.count)

    def refused(
        self,
        seq: int,
        at: Micros,
        signal: str,
        key: tuple[str, str, Leg] | None,
        gates: tuple[Gate, ...],
        fact: object,
    ) -> None:
        """Take the beginning of a refusal, or its next phase; no key if it was not to open."""
        if self._begun:
            denials = self._denials
            for gate in gates:
                denials[gate.name] = denials.get(gate.name, 0) + 1
            if len(denials) > _NAMES_MAX:
                del denials[next(reversed(denials))]
                self._cut = True
        if key is None:
            return
        refused = self._refused
        known = refused.get(key)
        if known is not None:
            if known[0] == signal:
                _also(known[1], gates)
                return
            del refused[key]
        record = _Record(Opportunity, seq, at, key[1], key[2], fact, self._signals.get(signal))
        record.gates = gates
        refused[key] = (signal, record)
        if len(refused) > _REFUSED_MAX:
            refused.popitem(last=False)
        self._follow(ev.Cause.DENIED, signal, record)
        self._keep(self._opportunities, record)

    def refusal_ended(self, key: tuple[str, str, Leg], signal: str, count: int) -> None:
        """Take the end of a refusal, which lasted so many ticks."""
        known = self._refused.get(key)
        if known is not None and known[0] == signal:
            del self._refused[key]
            known[1].ticks, known[1].told = count, None

    def _keep(self, kept: deque[_Record], record: _Record) -> None:
        if self._begun:
            self._cut = self._cut or len(kept) == kept.maxlen
            kept.append(record)

    # -- orders ------------------------------------------------------------------------------

    def _exit(self, seq: int, at: Micros, event: ev.Exit) -> None:
        record = _Record(Departure, seq, at, event.market, event.leg, event, config=self._config)
        self._leaving.pop(event.signal, None)
        self._leaving[event.signal] = (seq, event.reason, record)
        self._limit(self._leaving, _SIGNALS_MAX)
        self._follow(ev.Cause.EXITED, event.signal, record)
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
        order.closes_in = None if wish is None else self._wish(wish).closes_in
        record = _Record(Entry, seq, at, event.market, event.leg, event, wish, config=self._config)
        self._send(event.intent, record)
        self._follow(ev.Cause.TRADED, event.signal, record)
        self._keep(self._entries, record)

    def _send(self, intent: str, record: _Record) -> None:
        self._orders[intent] = record
        # What is traded after so many others counts as money all the same.
        self._limit(self._orders, _SIGNALS_MAX)

    def _accepted(self, _seq: int, _at: Micros, event: ev.OrderAccepted) -> None:
        record = self._orders.get(event.intent)
        if record is not None:
            record.outcome, record.told = ACCEPTED, None
            if record.sent_at is None:
                record.sent_at = event.sent_at

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
            record.outcome, record.told = UNSENT, None

    def _came_of(self, intent: str, outcome: str) -> None:
        record = self._orders.get(intent)
        if record is not None and record.outcome != ACCEPTED:
            record.outcome, record.told = outcome, None

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
        record.told = None
        executions = record.executions = record.executions or []
        if len(executions) < _EXECUTIONS_MAX:
            executions.append(execution)
        else:
            self._cut = True
        if record.kind is Entry:
            record.outcome = ACCEPTED

    def _settled(self, _seq: int, _at: Micros, event: ev.FillSettled) -> None:
        self._trips.settle(event.intent, event.fill)

    def _reversed(self, seq: int, at: Micros, event: ev.FillReversed) -> None:
        if self._trips.reverse(seq, at, event.intent, event.fill) is None:
            return
        record = self._orders.get(event.intent)
        if record is not None:
            record.told = None
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
        self.marked(
            event.cause,
            event.signal,
            event.since,
            event.horizon_s,
            (event.mid, event.bid, event.ask),
        )

    def quoted(
        self, at: Micros, market: str, leg: Leg, mid: Price | None, bid: Price | None
    ) -> None:
        """Take a price of a leg, whatever it was taken for."""
        self._trips.quoted(at, market, leg, mid, bid)

    def marked(
        self,
        cause: ev.Cause,
        signal: str,
        since: Micros,
        horizon: int,
        prices: tuple[Price | None, Price | None, Price | None],
    ) -> None:
        """Take a later price of a decision, so many seconds after it."""
        record = self._tracks[cause].get(signal) if horizon else self._begin_track(cause, signal)
        if record is None or record.since != since:
            return
        known = self._prices.get(prices)
        if known is None:
            known = Prices(mid=prices[0], bid=prices[1], ask=prices[2])
            if len(self._prices) >= _PRICES_MAX:
                self._prices.clear()
            self._prices[prices] = known
        record.told = None
        if not horizon:
            record.start = record.start or known
        elif record.later is None:
            record.later = {horizon: known}
        else:
            record.later.setdefault(horizon, known)

    def _follow(self, cause: ev.Cause, signal: str, record: _Record) -> None:
        """Let marks find a decision, if the first of them comes before the tick is over."""
        self._fresh[cause, signal] = record
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
        trips, fresh = self._trips, self._fresh_payouts
        window = Window(
            chain=self._chain,
            since=self._since,
            until=end,
            covered=Duration(self._covered),
            entries=self._told(self._entries, fresh),
            departures=self._told(self._departures, fresh),
            opportunities=self._told(self._opportunities, fresh),
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
        fresh.clear()
        return window

    def _was_closed(self, end: Micros) -> Duration:
        going_on = max(0, end - self._venue_since) if self._venue == _CLOSED else 0
        return Duration(self._closed_venue + going_on)

    def _told(self, kept: Iterable[_Record], fresh: set[str]) -> tuple[Any, ...]:
        for record in kept:
            if record.told is None or record.market in fresh:
                record.told = self._tell(record)
        return tuple([record.told for record in kept])

    def _tell(self, record: _Record) -> Entry | Departure | Opportunity:
        path, fact = self._path(record), record.fact
        if not isinstance(fact, ev.Event):
            fact = record.fact = self._undecoded.denied(fact)
        if isinstance(fact, ev.Exit):
            return _departure(record, fact, path)
        wish = None
        if record.wish is not None:
            wish = self._wish(record.wish)
            record.wish = (record.wish[0], wish)
        if isinstance(fact, ev.Denied):
            return _opportunity(record, fact, wish, path)
        if not isinstance(fact, ev.OrderIntent):
            msg = f"no decision: {fact!r}"
            raise TypeError(msg)
        return _entry(record, fact, wish, path)

    def _path(self, record: _Record) -> Path | None:
        yes_payout = self._payouts.get(record.market)
        if record.start is None and record.later is None and yes_payout is None:
            return None
        payout = yes_payout
        if yes_payout is not None and record.leg is Leg.NO:
            payout = Price(ONE_DOLLAR - yes_payout)
        return Path(
            since=record.since,
            start=record.start or NO_PRICES,
            later=dict(record.later or {}),
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


def _also(record: _Record, gates: tuple[Gate, ...]) -> None:
    """Let gates have refused a wish too."""
    names = {gate.name for gate in record.gates}
    new = tuple(gate for gate in gates if gate.name not in names)
    if new:
        record.gates, record.told = (*record.gates, *new), None


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
        gates=record.gates,
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
