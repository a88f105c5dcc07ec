"""Trade one lane, tick by tick: consume, decide, judge, send, write down.

`LaneTrader` holds no clock and draws no numbers: given the same data, the same journal and the
same control facts it writes the same lines. That is what makes a decision provable.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Final, Protocol

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.exits.api import Held, held_now, remembered, way_out
from market_bot.core.domain.exposure import Exposure, exposure_of
from market_bot.core.domain.fees import fee_bound
from market_bot.core.domain.gates import cooling, filtered, leaving, too_small
from market_bot.core.domain.hot_change import NEEDS_RESTART, SettingsRefused, needs_restart
from market_bot.core.domain.lane import STALLED, LaneState, Position, apply
from market_bot.core.domain.loss_limits import reached
from market_bot.core.domain.market import Leg
from market_bot.core.domain.marks import MarkSchedule
from market_bot.core.domain.numbers import (
    HOUR,
    NEVER,
    NO_MONEY,
    NOTHING,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    format_time,
    utc_date,
)
from market_bot.core.domain.orders import Order, OrderState, Purpose, Style
from market_bot.core.domain.own import Own, own_of
from market_bot.core.domain.portfolio import equity_of, mergeable
from market_bot.core.domain.risk.api import refusals
from market_bot.core.domain.settings import ActiveStrategy, LaneSettings
from market_bot.core.domain.signals import (
    Draft,
    Gate,
    Intent,
    Signal,
    Wanted,
    Withdraw,
    check_groups,
    check_wanted,
    group_of,
)
from market_bot.core.domain.sizing import entry_size
from market_bot.core.domain.view import Holdings, MarketView, View, Views
from market_bot.core.domain.world import Seat, World
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Confirmed,
    Execution,
    Fact,
    Filled,
    Merged,
    Refused,
    Reversed,
    Rewarded,
    Settled,
)
from market_bot.core.ports.journal import DurabilityLostError
from market_bot.core.ports.market_data import Capability, MarketData
from market_bot.core.usecases.lane_events import (
    denied_event,
    exit_event,
    fill_event,
    intent_again,
    intent_event,
    leave_everything,
    merged_event,
    outcome_event,
    quote_of,
    signal_event,
)
from market_bot.core.usecases.last_gate import hurried, refused_at_last, without
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.record_marks import marks_at

Controls = Callable[[], Sequence[ev.Event]]
Successor = Callable[[LaneSettings, str], LaneSettings]
"""Returns the settings that a text means, if they may follow these; else `SettingsRefused`."""
Comparing = Callable[[LaneState, Micros], Sequence[Fact | ev.Event]]
"""Returns what follows from comparing a state with its account, if that is due."""

CANCEL_ORDER: Final = "cancel_order"
CLOSE_POSITION: Final = "close_position"
BY_OPERATOR: Final = "operator"
CONTRADICTION: Final = "invariant:contradiction"

_SIZED: Final = frozenset({Capability.L2_STREAM, Capability.L2_POLLED, Capability.TOP_OF_BOOK})
_FAULTS_MAX: Final = 3
# A strategy that wants more of one event at one tick does not end.
_WISHES_MAX: Final = 10_000
_FAULTS_WINDOW: Final = Duration(600 * SECOND)
_PLACES: Final = 24
# What is told of a market that ended comes within minutes; afterwards it is only in the way.
_FORGET_AFTER: Final = Duration(HOUR)
# A new peak of equity is worth a line from this share (1e-6) on.
_PEAK_STEP: Final = 1_000


def no_account(_state: LaneState, _now: Micros) -> Sequence[Fact | ev.Event]:
    """Compare with nothing: money on paper is nowhere else."""
    return ()


class Beside(Protocol):
    """Goes along with a lane, tick by tick, in its thread; must not disturb it."""

    @abstractmethod
    def heed(self, event: ev.Event, now: Micros) -> None:
        """Take a fact from outside that the lane has just taken; never raises."""

    @abstractmethod
    def tick(self, now: Micros) -> None:
        """Take the tick that the lane has just taken; never raises."""


class Alone(Beside):
    """Nobody."""

    def heed(self, event: ev.Event, now: Micros) -> None:
        """Do nothing."""

    def tick(self, now: Micros) -> None:
        """Do nothing."""


def no_successor(_before: LaneSettings, _text: str) -> LaneSettings:
    """Refuse: this lane trades with what it began with.

    Raises:
        SettingsRefused: always.

    """
    msg = "these settings do not change while they are traded"
    raise SettingsRefused(msg)


def heed_nothing(_event: ev.Event) -> None:
    """Tell nobody."""


@attrs.define(eq=False)
class Wish:
    """A signal that is on: from the tick it was first raised until the strategy drops it."""

    id: str
    refused_by: tuple[str, ...] = ()
    refused_for: int = 0
    attempts: int = 0
    retry_at: Micros = NEVER
    told: Signal | None = None
    last: Signal | None = None


@attrs.define(eq=False)
class Counts:
    """What one tick did."""

    views: int = 0
    signals: int = 0
    denied: int = 0
    intents: int = 0


WishKey = tuple[str, str, Leg, Purpose]


@attrs.frozen(eq=False, kw_only=True)
class Ready:
    """A wish that may be judged: what would be sent, and the size asked for before rounding."""

    key: WishKey
    wish: Wish
    seen: MarketView
    draft: Draft
    asked: Size


@attrs.define(eq=False)
class LaneTrader:
    """One lane's whole life between `start` and `finish`; owned by one thread.

    Args:
        settings: what a person decided.
        data: where market facts come from.
        execution: where orders go.
        recorder: where facts go; holds the state.
        world: the market as consumed; `execution` may watch it.
        controls: facts from outside (halt, resume, configuration) to take at the next tick.
        commit_ticks: make class B facts durable every so many ticks.
        views: takes the pictures; lanes that share a world may share it.
        marks: which later prices are due, as the journal so far tells; None takes none.
        compare: compares with the account once a tick, after what the execution told.
        successor: understands the text of a configuration that comes from outside.
        heeded: told of every fact from outside once it is durable.
        beside: goes along with every tick.

    """

    settings: LaneSettings
    data: MarketData
    execution: Execution
    recorder: Recorder
    world: World
    controls: Controls
    commit_ticks: int = 1
    ticks: int = 0
    degraded: str | None = None
    views: Views = attrs.field(
        default=attrs.Factory(lambda self: Views(self.world), takes_self=True)
    )
    marks: MarkSchedule | None = attrs.field(factory=MarkSchedule)
    compare: Comparing = no_account
    successor: Successor = no_successor
    heeded: Callable[[ev.Event], None] = heed_nothing
    beside: Beside = attrs.field(factory=Alone)
    seat: Seat = attrs.field(init=False)
    _announced: bool = attrs.field(default=False, init=False)
    _wishes: dict[str, dict[WishKey, Wish]] = attrs.field(factory=dict, init=False)
    _due_controls: deque[ev.Event] = attrs.field(factory=deque, init=False)
    _facts: deque[Fact | ev.Event] = attrs.field(factory=deque, init=False)
    _faults: dict[str, list[Micros]] = attrs.field(factory=dict, init=False)
    _exposure: tuple[LaneState | None, int, Exposure | None] = attrs.field(
        default=(None, 0, None), init=False
    )
    _now: Micros = attrs.field(default=NEVER, init=False)
    _own: tuple[LaneState | None, Own | None] = attrs.field(default=(None, None), init=False)
    _value: tuple[Mapping[str, Position] | None, int, Money] = attrs.field(
        default=(None, 0, NO_MONEY), init=False
    )
    _leaving: dict[WishKey, Signal] = attrs.field(factory=dict, init=False)
    _ended: dict[str, Micros] = attrs.field(factory=dict, init=False)
    _closing: dict[tuple[str, Leg], None] = attrs.field(factory=dict, init=False)
    _contradictions: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.seat = self.world.join()
        self._contradictions = self.recorder.state.anomalies

    @property
    def state(self) -> LaneState:
        """The state after the last fact."""
        return self.recorder.state

    def wishes(self, event: str) -> Mapping[WishKey, Wish]:
        """Return what strategies want of an event, for whoever looks between two ticks."""
        return dict(self._wishes.get(event, {}))

    def start(self, started: ev.BotStarted, at: Micros) -> None:
        """Write down that this lane is traded from here on, by which inputs."""
        self._record(started, at)

    def finish(self, reason: str, digest: str, at: Micros) -> None:
        """Close the lane in order: cancel what rests, write down the end."""
        for intent in list(self.state.orders):
            self.execution.cancel(intent, at)
        self._facts.extend(self.execution.conclude(at))
        self._take_facts(at)
        self._record(ev.BotStopped(reason=reason, ticks=self.ticks, digest=digest), at)
        self.recorder.journal.commit()

    def tick(self, now: Micros) -> None:
        """Take one tick at ``now``.

        Raises:
            DurabilityLostError: if a fact could not be written; call `degrade` and go on, or stop.
            MarketDataError: if the source failed; what came before it is consumed.

        """
        self.ticks += 1
        self._take_controls(now)
        position = self.data.drain(self.world, now)
        self.seat.catch_up()
        self._now = now
        self._open_day(now)
        self._merge_pairs(now)
        self._take_facts(now)
        self._facts.extend(self.compare(self.state, now))
        self._write_facts(now)
        self._take_resolutions(now)
        self._forget_ended(now)
        counts = self._decide(now)
        self._take_marks(now)
        equity = self.equity()
        self._note_peak(equity, _PEAK_STEP, now)
        self._note_losses(now)
        self._note_contradictions(now)
        self._record(self._scan(position, counts, equity), now)
        if self.ticks % self.commit_ticks == 0:
            self.recorder.journal.commit()
        self.beside.tick(now)

    def fork(
        self,
        settings: LaneSettings,
        data: MarketData,
        execution: Execution,
        recorder: Recorder,
        now: Micros,
    ) -> LaneTrader:
        """Return a lane that goes on from here under other settings, at a desk of its own.

        It looks at the same world, remembers the same wishes, and what rests is sent to its desk
        again, at the end of the queue; what is in doubt counts as cancelled there.
        ``data`` must have been drained by this lane already.
        """
        twin = LaneTrader(
            settings=settings,
            data=data,
            execution=execution,
            recorder=recorder,
            world=self.world,
            controls=lambda: (),
            degraded=self.degraded,
            views=self.views,
            marks=None,
        )
        twin.remember(self)
        for order in self.state.orders.values():
            if order.state.live and not twin.resumes(order, now):
                left = order.remaining
                ended = ev.OrderCancelled(intent=order.intent, reason="fork", remaining=left)
                twin.note(ended, now)
        return twin

    def remember(self, other: LaneTrader) -> None:
        """Take over what another lane of the same world has in mind beside its journal."""
        self._wishes = {
            event: {key: attrs.evolve(wish) for key, wish in wishes.items()}
            for event, wishes in other._wishes.items()
        }
        self._faults = {name: list(at) for name, at in other._faults.items()}
        self._closing, self._ended = dict(other._closing), dict(other._ended)
        seat, from_seat = self.seat, other.seat
        seat.touched.update(from_seat.touched)
        seat.hidden.update(from_seat.hidden)
        seat.resolutions.extend(from_seat.resolutions)

    def resumes(self, order: Order, now: Micros) -> bool:
        """Send what is left of a resting order once more; tell whether the desk has it."""
        # Fills are numbered by the desk: those of a second one would look like the first's.
        if order.state is not OrderState.ACCEPTED or order.fills or not order.remaining:
            return False
        return isinstance(self.execution.submit(intent_again(order), now), Accepted)

    def note(self, event: ev.Event, at: Micros) -> None:
        """Write down something that happened beside a tick."""
        self._record(event, at)

    def passes_over(self, now: Micros, wanted: Container[str]) -> bool:
        """Let go of events in which nothing would come of a look; tell whether a tick is needless.

        Only asked once the data was drained up to ``now`` and where nothing comes from outside.

        Args:
            now: the time of the tick.
            wanted: the events in which a strategy of this lane wants something while it holds
                nothing there.

        """
        seat, day, own, wishes = self.seat, self.state.day, self.own().events, self._wishes
        touched = seat.touched
        for event in [e for e in touched if not (e in own or e in wishes or e in wanted)]:
            del touched[event]
        return (
            not (touched or own or seat.resolutions or self._facts)
            and (not self._ended or next(iter(self._ended.values())) > now)
            and day is not None
            and day.date >= utc_date(now)
        )

    def degrade(self, reason: str) -> None:
        """Go on without new positions: the journal can no longer promise to keep everything."""
        self.degraded = reason
        self._announced = False
        self._wishes.clear()

    def equity(self, *, unmarked_at_cost: bool = False) -> Money:
        """Return cash plus what positions would fetch now.

        A position nobody bids for counts as nothing, or as its cost if ``unmarked_at_cost``.
        """
        if not unmarked_at_cost:
            return self._marked(self.state)
        return equity_of(self.state, self.world.sell_price, unmarked_at_cost=True)

    def exposure(self) -> Exposure:
        """Return the worst case of the present state; books stand still within a tick."""
        state, tick, known = self._exposure
        if known is None or state is not self.state or tick != self.ticks:
            known = self.exposure_in(self.state)
            self._exposure = (self.state, self.ticks, known)
        return known

    def own(self) -> Own:
        """Return what is held and ordered in the present state, by event and by market."""
        if self.world.moved:
            return own_of(self._located(self.state))
        state, known = self._own
        if known is None or state is not self.state:
            known = own_of(self.state, known)
            self._own = (self.state, known)
        return known

    def exposure_in(self, state: LaneState) -> Exposure:
        """Return the worst case of any state in the present market."""
        own = self.own() if state is self.state else own_of(self._located(state))
        return exposure_of(
            state, self._marked(state), self.world.terms, self._now, own, self.world.event_of
        )

    def _marked(self, state: LaneState) -> Money:
        """Return a state's marked equity; most facts change neither books nor positions."""
        held, facts, value = self._value
        if held is not state.positions or facts != self.world.facts:
            value = Money(equity_of(state, self.world.sell_price) - state.cash)
            self._value = (state.positions, self.world.facts, value)
        return Money(state.cash + value)

    def _located(self, state: LaneState) -> LaneState:
        """Return a state with all that is ours in the event to which its market belongs by now."""
        moved, seen = self.world.moved, self.world.seen
        if not moved:
            return state
        positions = {
            key: attrs.evolve(held, event=seen[held.market].market.event)
            if held.market in moved
            else held
            for key, held in state.positions.items()
        }
        orders = {
            key: attrs.evolve(order, event=seen[order.market].market.event)
            if order.market in moved
            else order
            for key, order in state.orders.items()
        }
        return attrs.evolve(state, positions=positions, orders=orders)

    # -- what comes from outside -------------------------------------------------------------

    def _take_controls(self, now: Micros) -> None:
        if self.degraded is not None and not self._announced:
            self._record(ev.VenueState(state="degraded", reason=self.degraded), now)
            self._announced = True
            self._cancel_entries(now)
        # As with facts: a halt that could not be written is not forgotten.
        self._due_controls.extend(self.controls())
        while self._due_controls:
            event, venue = self._due_controls[0], self.state.venue
            if isinstance(event, ev.ConfigChanged):
                self._reconfigure(event, now)
            else:
                self._record(event, now)
            self._due_controls.popleft()
            self.recorder.journal.commit()
            self.heeded(event)
            self.beside.heed(event, now)
            # A worker that came back says nothing of the journal.
            recovered = venue == STALLED and self.state.venue != STALLED
            if isinstance(event, ev.VenueState) and not recovered:
                self._follow(event)
            if isinstance(event, ev.Halt) or self.degraded is not None:
                self._cancel_entries(now)
            if isinstance(event, ev.Asked):
                self._obey(event, now)

    def _obey(self, asked: ev.Asked, now: Micros) -> None:
        """Do what a person asked for; what is not there any more is not asked for."""
        if asked.what == CANCEL_ORDER:
            order = self.state.order(asked.intent)
            if order is not None and order.state.live:
                self.execution.cancel(asked.intent, now)
        elif asked.what == CLOSE_POSITION and asked.leg is not None:
            self._closing[asked.market, asked.leg] = None

    def _reconfigure(self, event: ev.ConfigChanged, now: Micros) -> None:
        """Take new settings as a whole, or none of them: decisions from here on follow them.

        What was on before stays: positions, orders, what exits remember, cooldowns.
        """
        before = self.settings
        if event.after == before.hash:
            # What changed while no bot ran is in force since the start: only told.
            if event.before not in ("", event.after):
                self._record(event, now)
                self._cancel_left_behind(now)
            return
        try:
            after = self._understood(event)
        except SettingsRefused as e:
            self._record(ev.Error(where=NEEDS_RESTART, message=str(e)), now)
            return
        self._record(attrs.evolve(event, before=before.hash), now)
        self.settings, self.recorder.config = after, after.hash
        self._cancel_left_behind(now)

    def _understood(self, event: ev.ConfigChanged) -> LaneSettings:
        """Return the settings of an event.

        Raises:
            SettingsRefused: if a running lane does not take them.

        """
        after = self.successor(self.settings, event.config)
        for reason in needs_restart(self.settings, after):
            raise SettingsRefused(reason)
        if after.hash != event.after:
            msg = f"these settings are {after.hash}, not {event.after}: nothing was changed"
            raise SettingsRefused(msg)
        return after

    def _cancel_left_behind(self, now: Micros) -> None:
        """Cancel the entries of strategies that are gone: nobody would withdraw them."""
        active = {active.strategy.name for active in self.settings.strategies}
        for order in self.state.orders.values():
            left = order.strategy not in active and order.purpose is Purpose.ENTRY
            if left and order.state.live:
                self.execution.cancel(order.intent, now)

    def _follow(self, event: ev.VenueState) -> None:
        if event.state == "degraded":
            self.degraded, self._announced = event.reason, True
        elif event.state == "open":
            self.degraded, self._announced = None, False
        self._wishes.clear()

    def _cancel_entries(self, now: Micros) -> None:
        for order in self.state.orders.values():
            if order.purpose is Purpose.ENTRY and order.state.live:
                self.execution.cancel(order.intent, now)

    def _open_day(self, now: Micros) -> None:
        # Only forwards: a clock that is set back must not start a day's loss anew.
        date = utc_date(now)
        if self.state.day is None or self.state.day.date < date:
            equity = self.equity(unmarked_at_cost=True)
            self._record(ev.DayOpened(date=date, equity=equity, cash=self.state.cash), now)
            self._note_peak(self.equity(), 0, now)
        elif self.state.peak is None:
            # A person accepted what was lost: from here on it is measured anew.
            self._note_peak(self.equity(), 0, now)

    def _note_peak(self, equity: Money, step: int, now: Micros) -> None:
        """Write down that equity is above its peak by more than a share (1e-6) of it."""
        peak = self.state.peak
        if self.degraded is None and (peak is None or equity - peak > abs(peak) * step // 10**6):
            self._record(ev.EquityPeak(equity=equity), now)

    def _note_losses(self, now: Micros) -> None:
        """Write down that a limit on losses is reached: it stops entries until that is over."""
        limits = self.settings.limits
        if self.degraded is None and any(reached(self.state, self.equity(), limits)):
            marked = self.equity(unmarked_at_cost=True)
            for event in reached(self.state, marked, limits):
                self._record(event, now)

    def _note_contradictions(self, now: Micros) -> None:
        """Write down that facts contradicted each other: what is on trial goes back at once."""
        new = self.state.anomalies - self._contradictions
        if new:
            self._contradictions = self.state.anomalies
            self._tell_error(CONTRADICTION, "facts that contradict each other", new, now)

    def _merge_pairs(self, now: Micros) -> None:
        """Have pairs of YES and NO paid where the venue does that; see `Execution.merge`."""
        if self.degraded is not None or not self.execution.abilities.pairs_pay:
            return
        for pair in mergeable(self.state):
            name = "mb-" + _digest(self.state.instance, "merge", pair.market, format_time(now))
            self.execution.merge(name, pair.market, pair.size, now)

    def _take_facts(self, now: Micros) -> None:
        self._facts.extend(self.execution.collect(now))
        self._write_facts(now)

    def _write_facts(self, now: Micros) -> None:
        # Facts leave the queue only once they are written, so that a full disk loses none.
        while self._facts:
            fact = self._facts[0]
            event = fact if isinstance(fact, ev.Event) else self._event_of(fact)
            if event is not None:
                self._record(event, now)
            self._facts.popleft()

    def _take_resolutions(self, now: Micros) -> None:
        while self.seat.resolutions:
            resolution = self.seat.resolutions[0]
            market = self.world.seen[resolution.market].market
            event = ev.MarketResolved(
                market=market.id,
                event=market.event,
                family=market.family,
                yes_payout=resolution.yes_payout,
            )
            self._record(event, now)
            del self.seat.resolutions[0]
            # At the end, so that what is due first stays first.
            self._ended.pop(market.event, None)
            self._ended[market.event] = Micros(now + _FORGET_AFTER)

    def _forget_ended(self, now: Micros) -> None:
        """Let go of events that ended long ago and in which nothing of ours is left."""
        while self._ended:
            event, due = next(iter(self._ended.items()))
            if due > now:
                return
            own = self.own()
            held = event in own.positions or event in own.orders
            del self._ended[event]
            if not held and self.world.over(event):
                self._drop_wishes(event, set(), now)
                self.seat.forget(event)
            elif event in self.world.events:
                # Its other markets may still end, or move to another event: asked again, whoever
                # holds what, so that all lanes of a world let go of it at the same tick.
                self._ended[event] = Micros(now + _FORGET_AFTER)

    def _event_of(self, fact: Fact) -> ev.Event | None:
        """Return what a fact is called in the journal; None if it is known already."""
        match fact:
            case Filled():
                return self._fill_of(fact)
            case Cancelled(intent, reason):
                order = self.state.order(intent)
                left = NOTHING if order is None else order.remaining
                return ev.OrderCancelled(intent=intent, reason=reason, remaining=left)
            case Settled(intent, fill):
                return ev.FillSettled(intent=intent, fill=fill)
            case Reversed(intent, fill, reason):
                return ev.FillReversed(intent=intent, fill=fill, reason=reason)
            case Confirmed(intent, venue_order):
                at = self.world.now
                return ev.OrderAccepted(intent=intent, venue_order=venue_order, sent_at=at)
            case Refused(intent, code):
                return ev.OrderRejected(intent=intent, code=code)
            case Merged():
                return self._merge_of(fact)
            case Rewarded(name, kind, amount, market):
                if name in self.state.paid_rewards:
                    return None
                return ev.Reward(amount=amount, kind=kind, market=market, name=name)

    def _merge_of(self, fact: Merged) -> ev.Event | None:
        if fact.intent in self.state.merges:
            return None
        pair = [self.state.position(fact.market, leg) for leg in Leg]
        held = next((held for held in pair if held is not None), None)
        if held is None:
            message = f"{fact.market} {fact.intent}"
            return ev.Error(where="execution:stray_merge", message=message)
        return merged_event(held, fact)

    def _fill_of(self, fact: Filled) -> ev.Event | None:
        order = self.state.order(fact.intent)
        if order is None:
            # Not ours as far as we know, so it changes nothing; but nothing is passed over.
            message = f"{fact.intent} {fact.fill}"
            return ev.Error(where="execution:stray_fill", message=message)
        return None if order.knows(fact.fill) else fill_event(order, fact, self._mid(order))

    def _mid(self, order: Order) -> Price | None:
        seen = self.world.seen.get(order.market)
        middle = None if seen is None else seen.book.mid()
        if middle is None or order.leg is Leg.YES:
            return middle
        return Price(1_000_000 - middle)

    # -- deciding ----------------------------------------------------------------------------

    def _decide(self, now: Micros) -> Counts:
        counts = Counts()
        for event in self._due():
            view = self.views.of(event, now)
            if not view.markets:
                continue
            counts.views += 1
            self._leaving = self._ways_out(view, now)
            wanted = self._wanted(view, now)
            counts.signals += len(wanted)
            self._drop_wishes(event, {key for key, _ in wanted}, now)
            for together in _together(wanted):
                self._pursue(view, together, counts, now)
        return counts

    def _due(self) -> Iterable[str]:
        """Return the events to look at: where something happened, and where we hold or wait."""
        touched, known = self.seat.touched, self.world.events
        due = touched | self.own().events
        touched.clear()
        return [event for event in due if event in known]

    def _ways_out(self, view: View, now: Micros) -> dict[WishKey, Signal]:
        """Return the sales that are due by the exits, and clear the way for them."""
        exits, due = self.settings.exits, dict[WishKey, Signal]()
        mine = self.own().positions.get(view.event)
        watched = exits.watched(mine) if mine and not self.state.flatten else ()
        for held in [self._mark(held, now) for held in held_now(view, watched)]:
            orders = chain(self.state.orders.values(), self.state.finished.values())
            signal = way_out(exits, held, orders)
            if signal is not None:
                key = (held.position.strategy, signal.market, signal.leg, signal.purpose)
                due[key] = signal
                self._clear_way(view.event, signal, now)
        for key, signal in self._asked_out(view).items():
            due[key] = signal
            self._clear_way(view.event, signal, now)
        return due

    def _asked_out(self, view: View) -> dict[WishKey, Signal]:
        """Return the sales that a person asked for; they are forgotten once nothing is left."""
        if not self._closing or self.state.flatten:
            return {}
        for key in [key for key in self._closing if self.state.position(*key) is None]:
            del self._closing[key]
        mine = self.own().positions.get(view.event, ())
        asked = [held for held in mine if (held.market, held.leg) in self._closing]
        holdings = Holdings(positions=tuple(asked), orders=(), cash=self.state.cash)
        strategies = {(held.market, held.leg): held.strategy for held in asked}
        return {
            (strategies[signal.market, signal.leg], signal.market, signal.leg, signal.purpose): (
                attrs.evolve(signal, reason=BY_OPERATOR)
            )
            for signal in leave_everything(view, holdings)
        }

    def _mark(self, held: Held, now: Micros) -> Held:
        """Write down what the exits have to remember, and return the position with it."""
        memory = remembered(self.settings.exits, held)
        if self.degraded is not None:
            # The reserve is for leaving: a stop may be confirmed, a new high is not noted.
            memory = attrs.evolve(memory, high=held.memory.high)
        if memory == held.memory:
            return held
        market, leg = held.position.market, held.position.leg
        mark = ev.PositionMarked(market=market, leg=leg, high=memory.high, armed_at=memory.armed_at)
        self._record(mark, now)
        return attrs.evolve(held, memory=memory)

    def _clear_way(self, event: str, signal: Signal, now: Micros) -> None:
        """Cancel what would buy more of a leg that is sold, or rests where it is to be taken."""
        keys = {
            (order.strategy, order.market, order.leg, order.purpose): None
            for order in self.own().in_market(signal.market)
            if order.state.live
            and order.leg is signal.leg
            and (
                order.purpose is Purpose.ENTRY
                or (order.style is Style.MAKER and signal.style is Style.TAKER)
            )
        }
        for key in keys:
            self._withdraw(event, key, now)

    def _leaving_for(self, market: str, leg: Leg) -> str | None:
        """Return the exit that wants to sell a leg at this tick, if any."""
        there = (s for s in self._leaving.values() if (s.market, s.leg) == (market, leg))
        return next((signal.reason for signal in there), None)

    def _wanted(self, view: View, now: Micros) -> list[tuple[WishKey, Signal]]:
        state, own = self.state, self.own()
        holdings = Holdings(
            positions=tuple(own.positions.get(view.event, ())),
            orders=tuple(own.orders.get(view.event, ())),
            cash=state.cash,
        )
        wanted = dict(self._leaving)
        if state.flatten:
            for signal in leave_everything(view, holdings):
                wanted["flatten", signal.market, signal.leg, signal.purpose] = signal
            return list(wanted.items())
        for active in self.settings.strategies:
            for wish in self._ask(active, view, holdings, now):
                key = (active.strategy.name, wish.market, wish.leg, wish.purpose)
                if isinstance(wish, Withdraw):
                    if key not in self._leaving:
                        self._withdraw(view.event, key, now)
                else:
                    wanted.setdefault(key, wish)
        return list(wanted.items())

    def _withdraw(self, event: str, key: WishKey, now: Micros) -> None:
        """Cancel a strategy's own orders; its next wish there starts anew."""
        for order in self.own().in_market(key[1]):
            if _serves(order, key):
                self.execution.cancel(order.intent, now)
        self._take_facts(now)
        wish = self._wishes.get(event, {}).get(key)
        if wish is not None and not wish.refused_by:
            wish.retry_at = NEVER

    def _ask(
        self, active: ActiveStrategy, view: View, holdings: Holdings, now: Micros
    ) -> Sequence[Wanted]:
        """Return what a strategy wants in this event; one that keeps failing is left out."""
        name = active.strategy.name
        recent = [at for at in self._faults.get(name, []) if now - at < _FAULTS_WINDOW]
        if len(recent) >= _FAULTS_MAX:
            return ()
        try:
            decided = active.strategy.decide(view, active.params, holdings)
            signals = list(islice(decided, _WISHES_MAX + 1))
            if not signals:
                return ()
            if len(signals) > _WISHES_MAX:
                raise OverflowError  # noqa: TRY301 - a fault like any other of the strategy's own
            inside = {seen.market.id for seen in view.markets}
            for wish in signals:
                check_wanted(wish)
            check_groups(signals)
            strangers = [s.market for s in signals if s.market not in inside]
        except Exception as e:  # noqa: BLE001 - a strategy's fault must not stop its neighbours
            self._faults[name] = [*recent, now]
            self._tell_error(f"strategy:{name}", type(e).__name__, len(recent) + 1, now)
            return ()
        if strangers:
            self._tell_error(f"strategy:{name}", "signal outside its event", len(strangers), now)
            torn = {group_of(s) for s in signals if s.market not in inside} - {""}
            signals = [s for s in signals if group_of(s) not in torn]
        return [s for s in signals if s.market in inside]

    def _tell_error(self, where: str, message: str, count: int, now: Micros) -> None:
        self._record(ev.Error(where=where, message=message, count=count), now)

    def _pursue(
        self, view: View, wanted: Sequence[tuple[WishKey, Signal]], counts: Counts, now: Micros
    ) -> None:
        """Follow wishes that go together to refusals or orders; wait while one has its order."""
        ready: list[Ready] = []
        for key, signal in wanted:
            one = self._prepare(view, key, signal, now)
            if one is None:
                return
            ready.append(one)
        judged = self.recorder.changes
        refused = self._judge(ready, now)
        if any(refused):
            counts.denied += len(ready)
            apart = (_incomplete(ready, refused),)
            for one, gates in zip(ready, refused, strict=True):
                self._deny(view, one, gates or apart, now)
            return
        for one in ready:
            self._end_denial(one.key, one.wish, view.event, one.seen.market.family, now)
            if one.wish.told != one.draft.signal:
                self._record(signal_event(view, one.seen, one.draft), now)
                one.wish.told = one.draft.signal
        counts.intents += len(ready)
        self._send(ready, judged, now)

    def _prepare(self, view: View, key: WishKey, signal: Signal, now: Micros) -> Ready | None:
        """Return what would be sent for a wish; None while its order lives or it has to wait."""
        seen = next(m for m in view.markets if m.market.id == signal.market)
        if any(_serves(order, key) for order in self.own().in_market(signal.market)):
            return None
        size, asked = self._size(self.state, seen, signal)
        if signal.purpose is Purpose.EXIT and asked <= 0:
            return None
        wish = self._wish(view, key)
        if now < wish.retry_at:
            return None
        draft = Draft(
            strategy=key[0],
            signal_id=wish.id,
            signal=signal,
            event=view.event,
            family=seen.market.family,
            size=size,
            fee_bound=fee_bound(seen.market.fees, signal.price, size),
            quote=quote_of(seen, signal.leg),
        )
        return Ready(key=key, wish=wish, seen=seen, draft=draft, asked=asked)

    def _judge(self, ready: Sequence[Ready], now: Micros) -> list[tuple[Gate, ...]]:
        """Return what refuses each draft as if those before it were on their way already."""
        state, exposure = self.state, self.exposure()
        refused: list[tuple[Gate, ...]] = []
        for number, one in enumerate(ready, start=1):
            gates = tuple(self._gates(state, exposure, one, now))
            refused.append(gates)
            if not gates and number < len(ready):
                supposed = Intent(
                    id=f"supposed-{number}", draft=one.draft, expires_at=now, reduce_only=False
                )
                state = apply(state, intent_event(supposed, None), now)
                exposure = self.exposure_in(state)
        return refused

    def _size(self, state: LaneState, seen: MarketView, signal: Signal) -> tuple[Size, Size]:
        """Return the tradable size and the size that was wanted before rounding."""
        market = seen.market
        if signal.purpose is Purpose.ENTRY:
            asked = signal.size
            if asked is None:
                asked = entry_size(self.settings.sizing, signal, seen, self._free_cash)
            return market.floor_to_step(asked), asked
        held = state.position(signal.market, signal.leg)
        leaving = sum(
            order.working
            for order in self.own().in_market(signal.market)
            if order.purpose is Purpose.EXIT and order.leg is signal.leg
        )
        free = Size((NOTHING if held is None else held.settled) - leaving)
        asked = free if signal.size is None else Size(min(free, signal.size))
        return Size(max(0, asked - asked % market.size_step)), asked

    def _free_cash(self) -> Money:
        return self.exposure().free_cash

    def _gates(
        self, state: LaneState, exposure: Exposure, one: Ready, now: Micros
    ) -> Iterable[Gate]:
        seen, draft, signal = one.seen, one.draft, one.draft.signal
        yield from too_small(seen.market, draft.size, one.asked)
        if not seen.tradable:
            yield Gate("market_open", "open", "not open", hard=True)
        if not seen.market.on_grid(signal.price):
            yield Gate("price_grid", "on tick", str(signal.price), hard=True)
        if _SIZED.isdisjoint(self.data.capabilities):
            yield Gate("data_claims_fills", "sizes", "quotes only", hard=True)
        if signal.purpose is Purpose.ENTRY:
            if self.degraded is not None:
                yield Gate("journal_durable", "durable", self.degraded, hard=True)
            yield from filtered(self.settings.filters, seen, signal, now)
            yield from cooling(self.settings.cooldown, state, seen.market, now)
            yield from leaving(self._leaving_for(signal.market, signal.leg))
        else:
            yield from hurried(state, now)
        yield from refusals(self.settings.rules, draft, exposure, self.settings.limits)

    def _wish(self, view: View, key: WishKey) -> Wish:
        wishes = self._wishes.setdefault(view.event, {})
        wish = wishes.get(key)
        if wish is None:
            name, market, leg, purpose = key
            seed = (self.state.instance, name, market, leg.value, purpose.value)
            wish = Wish(id=_digest(*seed, format_time(view.as_of)))
            wishes[key] = wish
        return wish

    def _deny(self, view: View, one: Ready, gates: tuple[Gate, ...], now: Micros) -> None:
        wish, draft = one.wish, one.draft
        names = tuple(gate.name for gate in gates)
        wish.refused_for += 1
        wish.last = draft.signal
        if names == wish.refused_by:
            return
        if wish.told is None:
            self._record(signal_event(view, one.seen, draft), now)
            wish.told = draft.signal
        wish.refused_by = names
        self._record(denied_event(draft, gates), now)

    def _end_denial(self, key: WishKey, wish: Wish, event: str, family: str, now: Micros) -> None:
        if not wish.refused_by or wish.last is None:
            return
        ended = ev.Denied(
            signal=wish.id,
            strategy=key[0],
            market=key[1],
            event=event,
            family=family,
            leg=key[2],
            purpose=key[3],
            phase="end",
            gates=(),
            price=wish.last.price,
            size=NOTHING,
            count=wish.refused_for,
        )
        self._record(ended, now)
        wish.refused_by, wish.refused_for = (), 0

    def _drop_wishes(self, event: str, wanted: set[WishKey], now: Micros) -> None:
        wishes = self._wishes.get(event)
        if not wishes:
            return
        for key in [k for k in wishes if k not in wanted]:
            known = self.world.seen.get(key[1])  # It may have moved away and be forgotten.
            family = "" if known is None else known.market.family
            self._end_denial(key, wishes[key], event, family, now)
            del wishes[key]
        if not wishes:
            del self._wishes[event]

    # -- sending -----------------------------------------------------------------------------

    def _send(self, ready: Sequence[Ready], judged: int, now: Micros) -> None:
        """Write the intents down, then send each once, then write down what came of them.

        ``judged`` is the number of the state that the limits were asked about.
        """
        intents: list[Intent] = []
        try:
            for one in ready:
                intents.append(self._intend(one, now))  # noqa: PERF401 - those before a failure count
        except DurabilityLostError:
            # Those of a group that are written down already are not sent without the others.
            self._facts.extend(_unsent(intent, "group: not durable") for intent in intents)
            raise
        # The intents changed the state by themselves; whatever else did was not judged yet.
        if self.recorder.changes != judged + len(intents):
            refused = self._refused_at_last(intents)
            if refused:
                reason = "last_gate: " + ", ".join(dict.fromkeys(gate.name for gate in refused))
                for intent in intents:
                    self._record(_unsent(intent, reason), now)
                return
        for intent in intents:
            # Queued before it is written, as every fact: a full disk must not lose the answer.
            outcome = self.execution.submit(intent, now)
            self._facts.append(outcome_event(intent, outcome, now))
        self._take_facts(now)

    def _intend(self, one: Ready, now: Micros) -> Intent:
        """Write down what will be sent."""
        wish, draft, signal = one.wish, one.draft, one.draft.signal
        wish.attempts += 1
        wish.retry_at = Micros(now + _pause(signal.purpose, wish.attempts))
        name = self._intent_id(wish)
        while self.state.order(name) is not None:
            # The same wish at the same moment once more: an id is never sent twice.
            wish.attempts += 1
            name = self._intent_id(wish)
        intent = Intent(
            id=name,
            draft=draft,
            expires_at=Micros(now + signal.patience),
            reduce_only=signal.purpose is Purpose.EXIT,
        )
        if signal.purpose is Purpose.EXIT:
            self._record(exit_event(draft), now)
        name = self.execution.order_name(intent, now)
        self._record(intent_event(intent, one.seen.mid(signal.leg), name), now)
        return intent

    def _refused_at_last(self, intents: Sequence[Intent]) -> tuple[Gate, ...]:
        """Return what refuses any of these orders, each on top of those before it."""
        refused: list[Gate] = []
        before = self.state
        for intent in reversed(intents):
            before = without(before, intent.id)
            exposure = self.exposure_in(before)
            refused += refused_at_last(self.settings, intent, before, exposure)
        return tuple(refused)

    def _intent_id(self, wish: Wish) -> str:
        return "mb-" + _digest(self.state.instance, wish.id, str(wish.attempts))

    def _take_marks(self, now: Micros) -> None:
        """Write down the later prices of earlier decisions; see `marks_at`."""
        marks = self.marks
        if marks is None or marks.idle or self.degraded is not None:
            return
        for event in marks_at(marks, self.world, now):
            self._record(event, now)

    def _scan(self, position: str, counts: Counts, equity: Money) -> ev.Scan:
        return ev.Scan(
            position=position,
            markets=self.world.announced,
            views=counts.views,
            signals=counts.signals,
            denied=counts.denied,
            intents=counts.intents,
            equity=equity,
        )

    def _record(self, event: ev.Event, at: Micros) -> None:
        # Without durability only facts that change something are worth the reserve.
        if self.degraded is not None and event.DURABILITY is ev.Durability.B:
            return
        self.recorder.record(event, at)
        if self.marks is not None:
            # Not ``at``: a chain's time never runs back, and marks follow the lines.
            self.marks.hear(event, self.recorder.last_at)


def _pause(purpose: Purpose, attempts: int) -> Duration:
    """Return how long to wait after an order before its wish may send another.

    What was not to be had a moment ago rarely is now; leaving waits less than entering.
    """
    seconds = min(attempts, 5) if purpose is Purpose.EXIT else min(2 ** min(attempts, 6), 60)
    return Duration(seconds * SECOND)


def _together(wanted: Iterable[tuple[WishKey, Signal]]) -> Iterable[list[tuple[WishKey, Signal]]]:
    """Return wishes in order, those of one strategy's group in one list."""
    found: dict[object, list[tuple[WishKey, Signal]]] = {}
    for key, signal in wanted:
        name = (key[0], group_of(signal)) if group_of(signal) else key
        found.setdefault(name, []).append((key, signal))
    return found.values()


def _incomplete(ready: Sequence[Ready], refused: Sequence[tuple[Gate, ...]]) -> Gate:
    """Return what stands against a leg of a group because others were refused."""
    failed = [
        f"{one.draft.signal.market} {one.draft.signal.leg.name}"
        for one, gates in zip(ready, refused, strict=True)
        if gates
    ]
    return Gate("group", "no leg refused", ", ".join(failed), hard=False)


def _unsent(intent: Intent, reason: str) -> ev.OrderCancelled:
    return ev.OrderCancelled(intent=intent.id, reason=reason, remaining=intent.draft.size)


def _digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:_PLACES]


def _serves(order: Order, key: WishKey) -> bool:
    strategy, market, leg, purpose = key
    return (
        order.state.live
        and order.market == market
        and order.leg is leg
        and order.purpose is purpose
        and order.strategy == strategy
    )
