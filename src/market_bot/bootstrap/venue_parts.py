"""What a lane on live data needs of a venue, whichever venue it is."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import attrs

from market_bot.adapters.system.secrets import Secrets
from market_bot.bootstrap.health import Check
from market_bot.config.schema import VenueConfig
from market_bot.core.domain import events as ev
from market_bot.core.domain.gates import unsuitable
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import Market
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.ports.account import Account
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.allowance import Allowance
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.journal import Entry
from market_bot.core.ports.live_desk import LiveDesk
from market_bot.core.ports.market_data import MarketData
from market_bot.core.usecases.kill_switch import CancelAll


class VenueError(Exception):
    """A venue cannot be used as it is configured; the message says why and what to do."""

    code = 2


class Feed(MarketData, Protocol):
    """Live prices; owned by the lane's thread.

    ``problems`` are lines for people; whoever takes them clears them.
    """

    problems: deque[str]

    @abstractmethod
    def poll(self) -> None:
        """Ask for what is due, so that it is there before the time of the tick; never raises."""

    @abstractmethod
    def close(self) -> None:
        """End all threads and connections."""


def nobody_to_wake() -> None:
    """Take news that nobody waits for."""


def nobody_to_tell(_: ev.Event) -> None:
    """Take a fact that no lane waits for."""


def no_past(_: Micros) -> Iterable[Entry]:
    """Return that nothing was written down before."""
    return ()


@attrs.frozen(kw_only=True)
class Ground:
    """What a venue is put together from.

    Args:
        config: the venue's settings.
        settings: the same in the core's terms.
        clock: the time.
        secrets: keys by name; none are needed on paper.
        home: relative paths in the secrets begin here.
        state: returns the lane's state; may be asked from any thread.
        complain: takes a line for people, from any thread.
        wake: told, from any thread and as often as may be, that a price has changed.
        tell: brings a state of the venue to the lane's next tick, from any thread.
        past: returns what the lane's journal has from a moment on; asked before the lane runs.
        in_force: returns the settings the lane trades with by now; None where they never change.

    """

    config: VenueConfig
    settings: LaneSettings
    clock: Clock
    secrets: Secrets
    home: Path
    state: Callable[[], LaneState]
    complain: Callable[[str], None]
    wake: Callable[[], None] = nobody_to_wake
    tell: Callable[[ev.Event], None] = nobody_to_tell
    past: Callable[[Micros], Iterable[Entry]] = no_past
    in_force: Callable[[], LaneSettings] | None = None

    def held(self) -> Collection[str]:
        """Return the markets in which there is something of ours, or of others in our account."""
        state = self.state()
        ours = {held.market for held in state.positions.values()}
        return ours | {order.market for order in state.orders.values()} | set(state.external)


def wanted_by(ground: Ground) -> Callable[[Market], bool]:
    """Return what tells whether a market could ever be traded under the filters in force."""

    def wanted(market: Market) -> bool:
        settings = ground.settings if ground.in_force is None else ground.in_force()
        return next(unsuitable(settings.filters, market), None) is None

    return wanted


@attrs.frozen(kw_only=True)
class Trading:
    """What a lane with real money needs of a venue; each part has a client of its own.

    Args:
        desk: where orders go; owned by the lane's thread.
        account: what the venue says there is; owned by another.
        cancel_all: the kill switch's only act; owned by a third.
        close: lets go of all of it once the threads are gone.
        workers: what else runs in threads of its own while the lane does.
        not_ready: returns what the venue itself has against real orders, None if nothing.
        allowances: returns how much these clients may ask; from any thread.

    """

    desk: LiveDesk
    account: Account
    cancel_all: CancelAll
    close: Callable[[], None]
    workers: tuple[Actor, ...] = ()
    not_ready: Callable[[], str | None] = lambda: None
    allowances: Callable[[], Sequence[Allowance]] = tuple


@attrs.frozen(kw_only=True)
class VenueParts:
    """A venue, opened for one lane.

    Args:
        feed: its prices.
        trading: real orders; None on paper.
        public: returns how much the clients that need no key may ask; from any thread.

    """

    feed: Feed
    trading: Trading | None = None
    public: Callable[[], Sequence[Allowance]] = tuple

    def allowances(self) -> dict[str, Sequence[Allowance]]:
        """Return how much the venue may still be asked without a key, and with one."""
        signed = () if self.trading is None else self.trading.allowances()
        return {"prices": self.public(), "account": signed}

    def close(self) -> None:
        """Let go of everything once the lane's threads are gone."""
        self.feed.close()
        if self.trading is not None:
            self.trading.close()


class Venue(Protocol):
    """How a venue is opened and looked over."""

    @abstractmethod
    def open(self, ground: Ground, *, live: bool) -> VenueParts:
        """Return the venue for a lane; ``live`` with real orders.

        Raises:
            VenueError: if it cannot be used as it is configured.

        """

    @abstractmethod
    def cancel_all(self, ground: Ground, now: Micros) -> bool:
        """Cancel all orders of the account at once; tell whether the venue has taken it.

        Raises:
            VenueError: if the key cannot be used.

        """

    @abstractmethod
    def checks(self, ground: Ground) -> Iterator[Check]:
        """Look over everything that trading there needs, a line each; never raises."""
