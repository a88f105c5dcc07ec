"""Put a lane on live data together: its chain, what it folds to, its prices and its desk."""

from __future__ import annotations

import secrets as random_bytes
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs

import market_bot
from market_bot.adapters.simulated.paper_desk import paper_desk
from market_bot.adapters.storage.codec import decode_state, digest
from market_bot.adapters.storage.durable_file import RealFiles, Reserve
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal import Health, JsonlJournal
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.system.secrets import Secrets, load_secrets
from market_bot.bootstrap.hot_settings import successor
from market_bot.bootstrap.recording import Recordings
from market_bot.bootstrap.settings import settings_of
from market_bot.bootstrap.shadow import open_trial, shadow_of, with_shadow
from market_bot.bootstrap.taped_lane import snapshot_of
from market_bot.bootstrap.venue_parts import Feed, Ground, Trading, Venue, VenueParts
from market_bot.config.loader import Sourced
from market_bot.config.schema import Mode, VenueConfig
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.marks import REACH, MarkSchedule
from market_bot.core.domain.numbers import NEVER, NO_MONEY, SECOND, Duration, Micros
from market_bot.core.domain.risk.api import limit_texts
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.tally import Tally
from market_bot.core.domain.world import World
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.journal import Chain, DurabilityLostError, Entry
from market_bot.core.ports.market_data import MarketData
from market_bot.core.usecases.fed_lane import Begin, FedLane, as_it_is
from market_bot.core.usecases.fold_journal import FoldError, fold_journal
from market_bot.core.usecases.kill_switch import KillSwitch
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.record_marks import marks_from
from market_bot.core.usecases.shadow_lane import LONGEST, ShadowLane
from market_bot.core.usecases.timely_desk import TimelyDesk
from market_bot.core.usecases.trade_lane import Controls, LaneTrader
from market_bot.core.usecases.watch_account import AccountSlot, CompareAccount, WatchAccount

PAPER: Final = "paper"
LIVE: Final = "live"
_BOOT_BYTES: Final = 4
_RESERVE_BYTES: Final = 4 << 20
_RESTART: Final = "restart"
_OPEN: Final = "open"
_WAIT_MAX: Final = Duration(2 * SECOND)

Tell = Callable[[ev.Event], None]


@attrs.frozen(kw_only=True)
class FedInputs:
    """What a lane on live data is made of; it cannot be derived again from these alone."""

    venue: str
    config: VenueConfig
    settings: LaneSettings
    plug: Venue
    lane: str = PAPER

    @property
    def live(self) -> bool:
        """Whether orders are real."""
        return self.lane == LIVE

    def sources(self) -> tuple[ev.Input, ...]:
        """Return where its data comes from, for people."""
        return (ev.Input(f"live prices of {self.venue}", ""),)


def wake_nobody(_: str) -> None:
    """Leave a lane to its intervals."""


def put_nowhere(_lane: str, _event: ev.Event) -> None:
    """Leave a lane without facts from outside."""


@attrs.frozen(kw_only=True)
class Surroundings:
    """What all lanes on live data of one bot share.

    Args:
        home: where everything lies.
        clock: the time.
        secrets: keys by name.
        recordings: keeps what is consumed.
        tell: takes facts that belong to no lane.
        controls: makes what a lane takes its commands from.
        wake: makes the thread of a lane step it soon; from any thread.
        put: brings a fact to the next tick of a lane; from any thread.
        ticks_max: stop in order after so many ticks.

    """

    home: Home
    clock: Clock
    secrets: Secrets
    recordings: Recordings
    tell: Tell
    controls: Callable[[str, LaneTrader], Controls]
    wake: Callable[[str], None] = wake_nobody
    put: Callable[[str, ev.Event], None] = put_nowhere
    ticks_max: int | None = None


@attrs.frozen(kw_only=True)
class LiveParts:
    """What a lane with real money has besides itself.

    Args:
        desk: its orders; the last look before the wire included.
        trading: the venue's own parts.
        kill: cancels everything, in a thread of its own.
        watch: reads the account, in another.
        compare: compares it with the lane's journal, in the lane's thread.

    """

    desk: TimelyDesk
    trading: Trading
    kill: KillSwitch
    watch: WatchAccount
    compare: CompareAccount

    def adopt(self, trader: LaneTrader, now: Micros) -> None:
        """Follow the orders of the process before; what it heard of the venue is not news."""
        if trader.state.venue != _OPEN:
            trader.note(ev.VenueState(state=_OPEN, reason=_RESTART), now)
        self.trading.desk.adopt(list(trader.state.orders.values()))


@attrs.define(eq=False, kw_only=True)
class FedAssembled:
    """A lane on live data, ready to be stepped."""

    lane: FedLane
    chain: Chain
    journal: JsonlJournal
    parts: VenueParts
    resumed_from: int
    live: LiveParts | None = None

    def close(self) -> None:
        """Close everything once the lane's threads are gone."""
        self.parts.close()
        self.journal.close()


def assemble_fed(inputs: FedInputs, around: Surroundings) -> FedAssembled:
    """Open or begin the one chain of a venue and lane, and put the lane on it.

    Raises:
        JournalError: if what is there is damaged, of another version, or there is no room.
        VenueError: if the venue cannot be used as it is configured.

    """
    chain = Chain(inputs.venue, inputs.lane)
    journal = open_chain(around.home, chain)
    try:
        return _assemble(inputs, around, journal)
    except BaseException:
        journal.close()
        raise


def open_chain(home: Home, chain: Chain) -> JsonlJournal:
    """Return the chain of a venue and lane, verified from its newest checkpoint on.

    Raises:
        JournalError: if it is damaged, or there is no room to go on.

    """
    journal = JsonlJournal(
        chain_folder(home.journal_dir, chain),
        chain,
        boot=random_bytes.token_hex(_BOOT_BYTES),
        reserve=Reserve(
            home.state_dir / f"reserve-{chain.venue}-{chain.lane}", _RESERVE_BYTES, RealFiles()
        ),
    )
    if journal.health is not Health.SOUND:
        journal.close()
        msg = f"{chain}: the disk has no room for what a run needs: make some, then run again"
        raise DurabilityLostError(msg)
    return journal


def state_of(journal: JsonlJournal) -> LaneState:
    """Return what a chain leads to, from its newest checkpoint if this version wrote it.

    Raises:
        FoldError: if its lines lead to no state.

    """
    return _folded(journal.read_from_checkpoint, journal.read)


def _folded(
    newest: Callable[[], Iterator[Entry]], whole: Callable[[], Iterator[Entry]]
) -> LaneState:
    try:
        return fold_journal(newest(), _restored, snapshot_of)
    except FoldError:
        # A new version of the fold counts the past in its own way, if all of it is there.
        return fold_journal(whole(), _restored, snapshot_of)


def ground_of(home: Home, sourced: Sourced[VenueConfig], clock: Clock) -> Ground:
    """Return what a venue is put together from where no lane runs.

    Raises:
        ConfigError: if a strategy or limit does not fit.
        SecretsError: if the file of the keys cannot be used.

    """
    return Ground(
        config=sourced.config,
        settings=settings_of(sourced),
        clock=clock,
        secrets=load_secrets(home.env_file),
        home=home.path,
        state=LaneState,
        complain=lambda _: None,
    )


def winding_up(home: Home, venue: str) -> bool:
    """Tell whether real orders or positions of a venue are left from an earlier process.

    Raises:
        JournalError: if that cannot be told.

    """
    chain = Chain(venue, LIVE)
    folder = chain_folder(home.journal_dir, chain)
    if not folder.is_dir():
        return False
    reader = JournalReader(folder, chain)
    state = _folded(reader.read_from_checkpoint, reader.read)
    return bool(state.orders or state.positions)


def marks_of(journal: JsonlJournal) -> MarkSchedule:
    """Return the later prices that are still due."""
    return marks_from(journal.read_from(Micros(max(NEVER, journal.last_at - REACH))))


def cancel_what_rested(trader: LaneTrader, now: Micros) -> None:
    """Write down that paper orders of an earlier process ended with it."""
    for order in list(trader.state.orders.values()):
        if order.state.live:
            ended = ev.OrderCancelled(
                intent=order.intent, reason=_RESTART, remaining=order.remaining
            )
            trader.note(ended, now)


def _assemble(inputs: FedInputs, around: Surroundings, journal: JsonlJournal) -> FedAssembled:
    settings, world, tally, loop = inputs.settings, World(), Tally(), inputs.config.loop
    recorder = Recorder(
        journal=journal,
        state=state_of(journal),
        config=settings.hash,
        snapshot=snapshot_of,
        observers=[tally.add],
        last_at=journal.last_at,
    )
    name = f"{inputs.venue}/{inputs.lane}"

    def complain(line: str) -> None:
        around.tell(ev.Error(where=f"venue:{name}", message=line))

    def news() -> None:
        lane.tell_news()

    def tell(event: ev.Event) -> None:
        # That the venue is open says nothing of the disk.
        if trader.degraded is None:
            around.put(name, event)

    # The venue's threads may ask before there is a trader.
    traders: list[LaneTrader] = []
    ground = Ground(
        config=inputs.config,
        settings=settings,
        clock=around.clock,
        secrets=around.secrets,
        home=around.home.path,
        state=lambda: recorder.state,
        complain=complain,
        wake=news,
        tell=tell,
        past=journal.read_from,
        in_force=lambda: traders[0].settings if traders else settings,
    )
    parts = inputs.plug.open(ground, live=inputs.live)
    live = _live_parts(inputs, parts.trading, around.clock, ground)
    trader = LaneTrader(
        settings=settings,
        data=_recorded(inputs, around.recordings, parts.feed, world),
        execution=paper_desk(inputs.venue, settings.fills, world, parts.feed.capabilities)
        if live is None
        else live.desk,
        recorder=recorder,
        world=world,
        controls=lambda: (),
        marks=marks_of(journal),
        successor=successor,
    )
    traders.append(trader)
    shadow = shadow_of(trader, inputs.venue)
    trader.controls = with_shadow(around.controls(name, trader), shadow)
    if live is not None:
        trader.compare = live.compare
    problems = Problems(parts.feed, complain)
    lane = FedLane(
        trader=trader,
        started=lambda: opening(inputs, around.home.instance(), parts.feed),
        tally=tally,
        blank=LaneSnapshot(
            venue=inputs.venue,
            lane=inputs.lane,
            run="",
            limits=limit_texts(settings.rules, settings.limits),
            may_arm=inputs.live and inputs.config.mode is Mode.LIVE,
        ),
        interval=milliseconds(loop.interval_ms or loop.min_interval_ms),
        soonest=milliseconds(loop.min_interval_ms),
        nudge=lambda: around.wake(name),
        digest=lambda: digest(recorder.state),
        begin=_going_on(cancel_what_rested if live is None else live.adopt, shadow, journal),
        ticks_max=around.ticks_max,
        poll=lambda _: problems.poll(around.clock),
        notice=lambda: problems.notice(world),
        wait_max=_WAIT_MAX,
        decorate=as_it_is if live is None else lambda picture: _with_account(picture, live),
    )
    return FedAssembled(
        lane=lane,
        chain=journal.chain,
        journal=journal,
        parts=parts,
        resumed_from=journal.head[0],
        live=live,
    )


def _going_on(begin: Begin, shadow: ShadowLane, journal: JsonlJournal) -> Begin:
    """Return what is done before the first tick: a trial that is open gets its shadow again."""

    def begin_again(trader: LaneTrader, now: Micros) -> None:
        begin(trader, now)
        since = Micros(max(NEVER, now - LONGEST))
        found = open_trial(journal.read_from(since))
        if found is not None:
            shadow.go_on(*found, now)

    return begin_again


def milliseconds(count: int) -> Duration:
    """Return so many milliseconds."""
    return Duration(count * SECOND // 1000)


def _live_parts(
    inputs: FedInputs, trading: Trading | None, clock: Clock, ground: Ground
) -> LiveParts | None:
    if trading is None:
        return None
    name, slot = f"{inputs.venue}/{inputs.lane}", AccountSlot()
    kill = KillSwitch(venue=name, cancel_all=trading.cancel_all, tell=ground.complain)
    return LiveParts(
        desk=TimelyDesk(trading.desk, clock.now, kill.stopped),
        trading=trading,
        kill=kill,
        watch=WatchAccount(account=trading.account, venue=name, state=ground.state, slot=slot),
        compare=CompareAccount(
            slot=slot, abilities=trading.desk.abilities, learn=trading.desk.learn
        ),
    )


def _with_account(picture: LaneSnapshot, live: LiveParts) -> LaneSnapshot:
    compare = live.compare
    found = compare.seen
    return attrs.evolve(
        picture,
        account=compare.account,
        agreed_at=compare.agreed_at,
        differences=() if found is None else found.differences,
        not_ready=live.trading.not_ready(),
    )


def opening(inputs: FedInputs, instance: str, data: MarketData) -> ev.BotStarted:
    """Return the fact that opens one life of the lane."""
    return ev.BotStarted(
        mode=inputs.lane,
        instance=instance,
        version=market_bot.__version__,
        fold=FOLD_VERSION,
        capabilities=tuple(sorted(c.value for c in data.capabilities)),
        # Real money is where it is: the first comparison tells how much.
        cash=NO_MONEY if inputs.live else inputs.settings.cash,
        config=inputs.settings.text,
    )


@attrs.define(eq=False)
class Problems:
    """Passes on what a feed complains of, and says it while nothing can be traded.

    Args:
        feed: whose complaints.
        complain: takes one line each.

    """

    feed: Feed
    complain: Callable[[str], None]
    _last: str = attrs.field(default="", init=False)

    def poll(self, clock: Clock) -> Micros:
        """Have the feed ask for what is due; return the time after that."""
        self.feed.poll()
        problems = self.feed.problems
        while problems:
            self._last = problems.popleft()
            self.complain(self._last)
        return clock.now()

    def notice(self, world: World) -> str | None:
        """Return why nothing can be traded now, or None if something can."""
        if any(world.trades(known) for known in world.seen.values()):
            self._last = ""
            return None
        why = "no market is open with a whole book" if world.seen else "looking for markets"
        return f"{why}: {self._last}" if self._last else why


def _recorded(inputs: FedInputs, recordings: Recordings, feed: Feed, world: World) -> MarketData:
    if not inputs.config.tape.record:
        return feed
    return recordings.live(feed, world, inputs.venue)


def _restored(data: Mapping[str, object]) -> LaneState:
    return decode_state(data, LaneState)
