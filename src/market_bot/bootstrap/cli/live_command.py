"""``market-bot live``: a person at a terminal arms the running bot for real money."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final

from market_bot.adapters.system.control_socket import AnsweredNo, ControlClient, NoBotRunning
from market_bot.bootstrap.cli.control_commands import home_of, who
from market_bot.bootstrap.cli.faults import Failure, UsageFault
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.program_name import program
from market_bot.bootstrap.summary import dollars
from market_bot.core.domain.lane import MINUTE
from market_bot.core.domain.numbers import money
from market_bot.core.usecases.arm_lane import LONGEST

COUNTDOWN_S: Final = 10
_LOOK_S: Final = 0.5
_MINUTES_MAX: Final = LONGEST // MINUTE
_SEEN_S: Final = 30.0


def live(
    home: Path, venue: str, *, minutes: int, disarm: bool = False, accept: bool = False
) -> int:
    """Arm a live lane after a person has typed what that may cost, or take it back.

    Raises:
        Failure: if it is not armed; the text says why.
        UsageFault: if this is no terminal.

    """
    if not 0 < minutes <= _MINUTES_MAX:
        msg = f"--minutes {minutes}: from 1 to {_MINUTES_MAX} are possible"
        raise UsageFault(msg)
    client = ControlClient(home_of(home).control_socket)
    if disarm:
        return _disarm(client, venue)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        msg = "real money is armed by a person at a terminal only, never by a script or a pipe"
        raise UsageFault(msg)
    lane = _lane(client, venue)
    if accept:
        lane = _accept(client, venue, lane)
    for line in _shown(lane):
        print(plain(line))
    refused = lane["not_ready"] or lane["unreconciled"] or lane["halted"]
    if refused:
        msg = f"not armed: {refused}"
        if lane["unreconciled"] and lane["differences"]:
            msg += (
                f": if you did that yourself at the venue, `{program()} live --venue {venue} "
                "--accept`; if not, find out who did"
            )
        raise Failure(plain(msg))
    phrase = phrase_of(lane)
    print()
    print(f"For {minutes} minutes the bot may then spend real money without asking again.")
    print(f"To allow that, type exactly: {phrase}")
    if _typed() != phrase:
        msg = "not armed: that is not the phrase"
        raise Failure(msg)
    _count_down(time.sleep)
    _ask(client, venue, "arm", by=who(), phrase=phrase, minutes=minutes)
    armed = _wait(client, venue, lambda seen: seen["armed_until"] is not None)
    if armed is None:
        msg = "it was asked to, but does not show as armed: look at `market-bot status`"
        raise Failure(msg)
    print(f"armed until {armed['armed_until']}; `{program()} halt` stops it at any time")
    return 0


def _disarm(client: ControlClient, venue: str) -> int:
    _ask(client, venue, "disarm", by=who())
    # A tick under way may still send what it had decided.
    if _wait(client, venue, lambda seen: seen["armed_until"] is None) is None:
        msg = f"asked to, but {venue} still shows as armed: `{program()} halt` stops it at once"
        raise Failure(msg)
    print(f"{venue} is disarmed: nothing is opened; exits and cancels go on")
    return 0


def phrase_of(lane: Mapping[str, Any]) -> str:
    """Return the phrase for a lane as `status` shows it; the bot compares it with its own."""
    return f"TRADE LIVE {lane['venue']} max-loss {lane['limits'].get('max_daily_loss_usd', '?')}"


def _lane(client: ControlClient, venue: str) -> dict[str, Any]:
    try:
        lanes = client.ask("status")["lanes"]
    except NoBotRunning as e:
        msg = (
            f"no bot runs: set `mode: live` in the settings of {venue}, then start it with "
            f"`{program()} run --venue {venue}`, and arm it from another terminal"
        )
        raise Failure(msg) from e
    for lane in lanes:
        if lane["venue"] == venue and lane["live"]:
            found: dict[str, Any] = lane
            return found
    msg = (
        f"the running bot trades no real money on {venue}: set `mode: live` in its settings and "
        f"start `{program()} run --venue {venue}` again"
    )
    raise Failure(msg)


def _accept(client: ControlClient, venue: str, lane: Mapping[str, Any]) -> dict[str, Any]:
    print(plain(f"the account has {lane['account_cash']} dollars, the journal {lane['cash']}"))
    for line in lane["differences"]:
        print(plain(f"differs: {line}"))
    print("Type yes to take the account as it is: what it holds no longer counts as sold by you,")
    print("for the money that came in; the rest of the money as put in, or taken out.")
    if _typed() != "yes":
        msg = "nothing was changed"
        raise Failure(msg)
    _ask(client, venue, "accept", by=who())
    agreed = _wait(client, venue, lambda seen: seen["unreconciled"] is None)
    if agreed is None:
        msg = (
            "the account was not taken over: that waits until no order is open and nothing has "
            "just traded; try again in a minute"
        )
        raise Failure(msg)
    return agreed


def _shown(lane: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a person has to know before real money moves."""
    yield f"venue        {lane['venue']}, account {lane['account'] or 'not read yet'}"
    there = lane["account_cash"]
    yield f"cash         {'unknown' if there is None else dollars(money(there))} at the venue"
    yield f"             {dollars(money(lane['cash']))} in the journal"
    yield f"at stake     {dollars(money(lane['exposure']))} already"
    yield f"others       {dollars(money(lane['external']))} in positions and orders not ours"
    yield f"settings     {lane['config']}"
    for name, limit in lane["limits"].items():
        yield f"limit        {name} {limit}"
    if lane["not_ready"]:
        yield f"venue says   {lane['not_ready']}"
    for line in lane["differences"]:
        yield f"differs      {line}"
    agreed = lane["agreed_at"] or "never yet"
    yield f"account      {lane['unreconciled'] or 'agrees with the journal'} (last agreed {agreed})"


def _typed() -> str:
    """Return what a person typed; an end of input, as Ctrl-D is one, is nothing."""
    try:
        return input("> ").strip()
    except EOFError:
        print()
        return ""


def _count_down(wait: Callable[[float], None]) -> None:
    """Give ten seconds to think again.

    Raises:
        Failure: if it is interrupted.

    """
    told: list[int] = []

    def interrupted(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        for left in range(COUNTDOWN_S, 0, -1):
            print(f"\rarming in {left:2} s; Ctrl-C stops it", end="", flush=True)
            wait(1)
    except KeyboardInterrupt:
        told.append(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    print()
    # Asked again: an interrupt that struck inside a finalizer is swallowed by the interpreter.
    if told:
        msg = "not armed: interrupted"
        raise Failure(msg)


def _wait(
    client: ControlClient, venue: str, what: Callable[[Mapping[str, Any]], bool]
) -> dict[str, Any] | None:
    until = time.monotonic() + _SEEN_S
    while time.monotonic() < until:
        lane = _lane(client, venue)
        if what(lane):
            return lane
        time.sleep(_LOOK_S)
    return None


def _ask(client: ControlClient, venue: str, command: str, **arguments: object) -> None:
    try:
        client.ask(command, venue=venue, **arguments)
    except NoBotRunning as e:
        msg = f"no bot runs any more: start it with `{program()} run --venue {venue}`"
        raise Failure(msg) from e
    except AnsweredNo as e:
        raise Failure(plain(str(e))) from e
