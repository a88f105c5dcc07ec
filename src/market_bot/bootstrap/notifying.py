"""Who is told of what happens: from the settings to an actor that hears every lane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from market_bot.adapters.storage.home import Home
from market_bot.adapters.system.redaction import Redaction
from market_bot.adapters.system.secrets import SecretsError, load_secrets
from market_bot.bootstrap.fed_lanes import FedAssembled
from market_bot.bootstrap.health import Check, Health
from market_bot.bootstrap.known_secrets import redaction_of
from market_bot.bootstrap.run_options import RunOptions
from market_bot.bootstrap.running_bot import RunningBot
from market_bot.bootstrap.system_log import SystemLog
from market_bot.bootstrap.taped_lane import Assembled
from market_bot.config.loader import load_bot
from market_bot.config.schema import Channel, Notifications
from market_bot.core.domain import events as ev
from market_bot.core.domain.notices import SYSTEM, Level
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.notifier import Message, NotifierError
from market_bot.core.usecases.notify import Log, Notify, Outlet, Terms, log_nothing
from market_bot.core.usecases.record_facts import Observer, Recorder
from market_bot.core.usecases.sum_up_day import SumUpDay

if TYPE_CHECKING:
    from market_bot.adapters.notify.apprise_notifier import AppriseNotifier

TEST_S: Final = 20.0


def make_notify(
    options: RunOptions,
    home: Home,
    bot: RunningBot,
    lanes: Sequence[Assembled | FedAssembled],
    system: SystemLog,
) -> Notify | None:
    """Return what tells people and the log, already added to the bot; None if nobody is told.

    Derived lanes that go as fast as they can are not told of: that is not life.

    Raises:
        NotifierError: if a channel's address cannot be used.
        SecretsError: if the file of the addresses cannot be used, or lacks one.

    """
    config = load_bot(home.bot_file).notifications
    if not config.channels and not options.log_json:
        return None
    redaction = redaction_of(home)
    notify = Notify(
        terms=Terms(levels=config.levels.by_kind(), most_per_hour=config.most_per_hour),
        outlets=tuple(_outlets(config, home, redaction)),
        note=system.note,
        failures=lambda: [(failure.name, failure.message) for failure in bot.failures()],
        daily=SumUpDay(config.daily_minute, bot.lanes),
        log=_log(options, redaction),
        hide=redaction.hide,
        link=config.link or "",
    )
    for lane in lanes:
        if options.pace() is None and isinstance(lane, Assembled):
            continue
        recorder = lane.lane.trader.recorder
        hearing = notify.hear(lane.lane.name)
        recorder.observers.append(new_to(hearing, recorder, lane.resumed_from))
    system.recorder.observers.append(notify.hear(SYSTEM))
    bot.add_worker(notify)
    bot.measure("notify", lambda: notify.waiting)
    for outlet in notify.outlets:
        bot.measure(f"notify:{outlet.notifier.name}", outlet.__len__)
    return notify


def _log(options: RunOptions, redaction: Redaction) -> Log:
    if not options.log_json:
        return log_nothing
    from market_bot.bootstrap.logs import log_of  # noqa: PLC0415 - its library is slow to import

    return log_of(redaction)


def _outlets(config: Notifications, home: Home, redaction: Redaction) -> Iterator[Outlet]:
    for channel in config.channels:
        notifier = notifier_of(channel, home, redaction)
        yield Outlet(notifier=notifier, least=channel.least, most=config.most_per_hour)


def notifier_of(channel: Channel, home: Home, redaction: Redaction) -> AppriseNotifier:
    """Return the way that a channel names.

    Raises:
        NotifierError: if its address cannot be used.
        SecretsError: if the file of the addresses cannot be used, or lacks it.

    """
    # Imported only where somebody is told: it reads a hundred services.
    from market_bot.adapters.notify.apprise_notifier import (  # noqa: PLC0415 - see above
        AppriseNotifier,
    )

    address = load_secrets(home.env_file).require(channel.address)
    return AppriseNotifier(channel.name, address, redaction.hide)


def check_notifications(config: Notifications, home: Home, *, send: bool) -> Iterator[Check]:
    """Look over every channel, and send a message by each if that is wanted; never raises."""
    if not config.channels:
        health = Health.FAIL if send else Health.OK
        yield Check("notify", health, "none: add channels to `notifications` in bot.yaml for some")
    for channel in config.channels:
        try:
            yield _check(channel, home, send=send)
        except (NotifierError, SecretsError) as e:
            yield Check("notify", Health.FAIL, f"{channel.name}: {e}")


def _check(channel: Channel, home: Home, *, send: bool) -> Check:
    notifier = notifier_of(channel, home, redaction_of(home))
    if not send:
        said = f"{channel.name}: {notifier.service}; `market-bot doctor --notify` sends a test"
        return Check("notify", Health.OK, said)
    text = "This is a test. market-bot can reach you."
    notifier.begin(Message(level=Level.NOTICE.value, subject="market-bot: test", body=text))
    notifier.close(TEST_S)
    outcome = notifier.outcome()
    if outcome is not None and outcome.delivered:
        return Check("notify", Health.OK, f"{channel.name}: {notifier.service} took a test message")
    why = f"no answer in {TEST_S:g} s" if outcome is None else outcome.reason
    said = f"{channel.name}: not delivered: {why}: compare {channel.address} in .env"
    return Check("notify", Health.FAIL, said)


def new_to(hearing: Observer, recorder: Recorder, read: int) -> Observer:
    """Return an observer that hears nothing of the lines that were read already.

    A lane that derives its journal again tells most of them a second time.
    """

    def hear(event: ev.Event, at: Micros) -> None:
        if recorder.journal.head[0] > read:
            hearing(event, at)

    return hear
