"""Subscriptions of one connection: which channel has which number, and whether its order holds.

Rules of the venue (measured in August 2026): ``seq`` counts per ``sid``, all its markets together;
acknowledgements that name a ``sid`` use one up; numbers are worth nothing on another connection;
subscribing to a channel again tells no new snapshot, so that a channel is left before it is joined
again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from itertools import islice
from typing import Final

import attrs

from market_bot.core.domain.numbers import SECOND, Duration

from .stream_messages import (
    BOOKS,
    LIFECYCLE,
    TRADES,
    ChannelAndSid,
    Failed,
    Ok,
    Subscribed,
    Unsubscribed,
    list_subscriptions,
    subscribe,
    unsubscribe,
    update,
)

ANSWER_WITHIN: Final = Duration(10 * SECOND)
SEQUENCED: Final = frozenset({BOOKS, TRADES, LIFECYCLE})

_MARKETS_AT_ONCE: Final = 500
_TERMINAL: Final = frozenset({10, 25})
_UNKNOWN_SID: Final = 7
_MARKET_LIMIT: Final = 26

Wanted = Mapping[str, Collection[str] | None]
"""The channels to have: of these markets, or None for all of the venue."""


class Order(Enum):
    """Whether a message is the next one of its channel."""

    NEXT = "next"
    REPEATED = "repeated"
    BROKEN = "broken"


class Step(Enum):
    """How far a command has come; a channel waits for the answer to one before the next."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    ADD = "add_markets"
    DELETE = "delete_markets"
    SNAPSHOT = "get_snapshot"
    LIST = "list_subscriptions"


@attrs.define(eq=False)
class Channel:
    """A channel of this connection.

    ``sid`` is None until the venue has said it and from when it is left; ``last`` is the number of
    its last message, 0 before the first; ``asked`` are the markets it was asked for.
    """

    name: str
    sid: int | None = None
    last: int = 0
    frame: bytes = b""
    asked: dict[str, None] = attrs.field(factory=dict)
    waits_for: int | None = None

    def follow(self, seq: int, frame: bytes) -> Order:
        """Take the next number; tell what it says about those before it."""
        if seq == self.last + 1:
            self.last, self.frame = seq, frame
            return Order.NEXT
        # The same bytes again change nothing. Anything else may be a new count, or an old channel.
        if seq == self.last and frame == self.frame:
            return Order.REPEATED
        return Order.BROKEN


@attrs.frozen
class _Command:
    step: Step
    channel: str
    markets: tuple[str, ...]
    sent: Duration


@attrs.define(eq=False)
class Session:
    """What was asked for on one connection, and what became of it.

    ``live`` are the channels whose number is known, by number; ``broken`` is set, once, when only
    another connection can help; ``refused`` are markets the venue does not let us have.
    """

    connection: int
    answer_within: Duration = ANSWER_WITHIN
    channels: dict[str, Channel] = attrs.field(factory=dict)
    live: dict[int, Channel] = attrs.field(factory=dict)
    broken: str = ""
    refused: dict[str, None] = attrs.field(factory=dict)
    listed: bool = True
    _commands: dict[int, _Command] = attrs.field(factory=dict)
    _numbers: int = 0

    def sync(self, wanted: Wanted, now: Duration) -> Iterator[bytes]:
        """Yield the commands that bring the channels closer to what is wanted."""
        for name, markets in wanted.items():
            channel = self.channels.setdefault(name, Channel(name))
            if channel.waits_for is not None:
                continue
            if markets is None:
                if channel.sid is None:
                    yield self._subscribe(channel, (), now)
                continue
            yield from self._sync_markets(channel, markets, now)

    def _sync_markets(
        self, channel: Channel, markets: Collection[str], now: Duration
    ) -> Iterator[bytes]:
        new = (name for name in markets if name not in channel.asked and name not in self.refused)
        added = tuple(islice(new, _MARKETS_AT_ONCE))
        if channel.sid is None:
            # Never without a name: a channel of no markets is one of all of them.
            if added:
                yield self._subscribe(channel, added, now)
            return
        if not markets:
            yield from self.leave(channel, now)
        elif added:
            yield self._update(channel, Step.ADD, added, now)
        else:
            kept, most = frozenset(markets), _MARKETS_AT_ONCE
            gone = tuple(islice((name for name in channel.asked if name not in kept), most))
            if gone:
                yield self._update(channel, Step.DELETE, gone, now)

    def leave(self, channel: Channel, now: Duration) -> Iterator[bytes]:
        """Yield the command that ends a channel; what still comes of it is not ours any more."""
        sid = self._forget(channel)
        if sid is not None:
            number = self._number(_Command(Step.UNSUBSCRIBE, channel.name, (), now))
            channel.waits_for = number
            yield unsubscribe(number, [sid])

    def snapshot(self, markets: Collection[str], now: Duration) -> Iterator[bytes]:
        """Yield the command that asks for whole books once more."""
        channel = self.channels.get(BOOKS)
        if channel is not None and channel.sid is not None and channel.waits_for is None:
            asked = tuple(islice(markets, _MARKETS_AT_ONCE))
            # They are answered with snapshots, or not at all: the last one is remembered.
            self._commands = {
                known: command
                for known, command in self._commands.items()
                if command.step is not Step.SNAPSHOT
            }
            number = self._number(_Command(Step.SNAPSHOT, BOOKS, asked, now))
            yield update(number, channel.sid, Step.SNAPSHOT.value, asked)

    def probe(self, now: Duration) -> Iterator[bytes]:
        """Yield a command that the venue has to answer, whatever its markets do."""
        if self.listed:
            self.listed = False
            yield list_subscriptions(self._number(_Command(Step.LIST, "", (), now)))

    def overdue(self, now: Duration) -> str:
        """Return which command was not answered in time, "" if none."""
        for command in self._commands.values():
            # The answer to a request for snapshots is snapshots.
            if command.step is not Step.SNAPSHOT and now - command.sent > self.answer_within:
                return f"no answer to {command.step.value} {command.channel}".rstrip()
        return ""

    def begin(self, message: Subscribed) -> Channel | None:
        """Take that a channel begins; None if nobody asked for it."""
        command = self._answered(message.id, Step.SUBSCRIBE)
        channel = self.channels.get(message.msg.channel)
        if command is None or channel is None or command.channel != channel.name:
            return None
        channel.waits_for, channel.sid = None, message.msg.sid
        channel.asked = dict.fromkeys(command.markets)
        channel.last, channel.frame = 0, b""
        self.live[message.msg.sid] = channel
        return channel

    def end(self, message: Unsubscribed) -> None:
        """Take that a channel has ended; it can be joined again."""
        command = self._answered(message.id, Step.UNSUBSCRIBE)
        if command is not None:
            self.channels[command.channel].waits_for = None

    def done(self, message: Ok) -> None:
        """Take that a command was carried out."""
        command = self._commands.pop(message.id or 0, None)
        if command is None:
            return
        if command.step is Step.LIST:
            self.listed = True
            return
        channel = self.channels[command.channel]
        channel.waits_for = None
        if command.step is Step.ADD:
            channel.asked |= dict.fromkeys(command.markets)
        elif command.step is Step.DELETE:
            channel.asked = {
                name: None for name in channel.asked if name not in frozenset(command.markets)
            }
        elif command.step in (Step.SUBSCRIBE, Step.UNSUBSCRIBE):
            # The channel was there already: nobody knows from where its numbers count.
            self.broken = f"{command.step.value} {command.channel} was answered with ok"

    def missing(self, listed: Collection[ChannelAndSid]) -> list[Channel]:
        """Return channels we believe to have and the venue does not list."""
        known = {(one.channel, one.sid) for one in listed}
        return [one for one in self.live.values() if (one.name, one.sid) not in known]

    def fail(self, message: Failed) -> Channel | None:
        """Take an error; return the channel that is over by it, if one is."""
        command = self._commands.pop(message.id or 0, None)
        code = message.msg.code
        if code in _TERMINAL or (command is not None and code == _UNKNOWN_SID):
            return self._ended(message, command)
        if command is None:
            return None
        if command.channel:
            self.channels[command.channel].waits_for = None
        if code == _MARKET_LIMIT:
            self.refused |= dict.fromkeys(command.markets)
        elif command.step is Step.LIST:
            self.listed = True
        else:
            self.broken = f"{command.step.value} {command.channel} failed"
        return None

    def lose(self, channel: Channel) -> None:
        """Take that a channel is over without our having left it."""
        self._forget(channel)
        channel.waits_for = None

    def _ended(self, message: Failed, command: _Command | None) -> Channel | None:
        channel = None if message.sid is None else self.live.get(message.sid)
        if command is not None and command.channel:
            named = self.channels[command.channel]
            named.waits_for = None
            if command.step is not Step.UNSUBSCRIBE:
                channel = channel or named
        if channel is not None:
            self.lose(channel)
        elif command is None and message.sid is None:
            self.broken = "a channel is over, and nobody says which"
        return channel

    def _forget(self, channel: Channel) -> int | None:
        sid, channel.sid = channel.sid, None
        channel.asked = {}
        if sid is not None:
            self.live.pop(sid, None)
        return sid

    def _subscribe(self, channel: Channel, markets: tuple[str, ...], now: Duration) -> bytes:
        channel.waits_for = self._number(_Command(Step.SUBSCRIBE, channel.name, markets, now))
        return subscribe(channel.waits_for, channel.name, markets)

    def _update(
        self, channel: Channel, step: Step, markets: tuple[str, ...], now: Duration
    ) -> bytes:
        channel.waits_for = self._number(_Command(step, channel.name, markets, now))
        return update(channel.waits_for, channel.sid or 0, step.value, markets)

    def _number(self, command: _Command) -> int:
        self._numbers += 1
        self._commands[self._numbers] = command
        return self._numbers

    def _answered(self, number: int | None, step: Step) -> _Command | None:
        command = self._commands.get(number or 0)
        if command is None or command.step is not step:
            return None
        return self._commands.pop(number or 0)
