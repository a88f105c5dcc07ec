"""What a person who is somewhere else is told: which facts, how urgent, and in which words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import (
    Micros,
    format_money,
    format_price,
    format_size,
    format_time,
)
from market_bot.core.domain.orders import Purpose

TEXT_MAX: Final = 300
LINES_MAX: Final = 20
BODY_MAX: Final = 1_800
"""Below what the narrowest of the usual services takes in one message (2,000 characters)."""
_SUBJECT_MAX: Final = 120
_DETAIL_MAX: Final = 40
_MINUTE_CHARS: Final = len("2026-11-22T00:30")


class Level(Enum):
    """How urgent something is; ``never`` is not sent at all."""

    NEVER = "never"
    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"
    ALARM = "alarm"

    @property
    def rank(self) -> int:
        """The urgency as a number; 0 is never."""
        return list(Level).index(self)


class Kind(Enum):
    """What it is about."""

    FILL = "fill"
    EXIT = "exit"
    DENIALS = "denials"
    HALT = "halt"
    FAILURE = "failure"
    ERROR = "error"
    VENUE_STATE = "venue_state"
    LEAK_REPORT = "leak_report"
    PROPOSAL = "proposal"
    TRIAL = "trial"
    DAILY = "daily"
    BOT = "bot"


DEFAULT_LEVELS: Final[Mapping[Kind, Level]] = {
    Kind.FILL: Level.INFO,
    Kind.EXIT: Level.INFO,
    Kind.DENIALS: Level.WARNING,
    Kind.HALT: Level.ALARM,
    Kind.FAILURE: Level.ALARM,
    Kind.ERROR: Level.WARNING,
    Kind.VENUE_STATE: Level.WARNING,
    Kind.LEAK_REPORT: Level.NOTICE,
    Kind.PROPOSAL: Level.NOTICE,
    Kind.TRIAL: Level.NOTICE,
    Kind.DAILY: Level.NOTICE,
    Kind.BOT: Level.NOTICE,
}


@attrs.frozen
class Notice:
    """One thing to tell.

    Args:
        kind: what it is about.
        lane: whose it is, as venue/lane.
        text: one line.
        detail: further lines.
        key: what it repeats; the same key is not told again for a while. "" never repeats.

    """

    kind: Kind
    lane: str
    text: str
    detail: tuple[str, ...] = ()
    key: str = ""

    @property
    def line(self) -> str:
        """The text with whose it is."""
        return one_line(f"{self.lane}: {self.text}")


def one_line(text: str, most: int = TEXT_MAX) -> str:
    """Return one line of what can be shown: names come from venues and must not look like more."""
    shown = "".join(char if char.isprintable() else " " for char in text[: most * 4])
    shown = " ".join(shown.split())
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def notice_of(lane: str, event: ev.Event) -> Notice | None:  # noqa: C901, PLR0911, PLR0912 - a table
    """Return what is told of a fact of a lane, None if nothing is."""
    match event:
        case ev.Fill():
            did = "bought" if event.purpose is Purpose.ENTRY else "sold"
            what = f"{format_size(event.size)} {event.leg.value.upper()} of {event.market}"
            price, fee = format_price(event.price), format_money(event.fee)
            return Notice(Kind.FILL, lane, f"{did} {what} at {price}, fee {fee}")
        case ev.Exit():
            what = f"{event.market} {event.leg.value.upper()}"
            return Notice(Kind.EXIT, lane, f"leaves {what}: {event.reason}")
        case ev.Halt():
            what = "halted, and everything is sold" if event.flatten else "halted"
            return Notice(Kind.HALT, lane, f"{what}: {event.by}: {event.reason}")
        case ev.Resume():
            return Notice(Kind.HALT, lane, f"no longer halted: {event.by}")
        case ev.LossLimitReached():
            lost, limit = format_money(event.lost), format_money(event.limit)
            text = f"{event.rule}: lost {lost} of {limit} dollars: nothing is opened"
            return Notice(Kind.HALT, lane, text)
        case ev.Armed():
            until = _minute(event.expires_at)
            return Notice(Kind.HALT, lane, f"armed until {until} by {event.by}: {event.account}")
        case ev.Disarmed():
            return Notice(Kind.HALT, lane, f"disarmed: {event.reason}")
        case ev.VenueState():
            if event.reason == "restart":
                return None
            why = f": {event.reason}" if event.reason else ""
            return Notice(Kind.VENUE_STATE, lane, f"{event.state}{why}")
        case ev.LeakReview():
            found = f"{event.findings} findings, {event.confirmed} confirmed"
            return Notice(Kind.LEAK_REPORT, lane, f"night {event.night}: {found}")
        case ev.ProposalQueued():
            until = _minute(event.expires_at)
            return Notice(
                Kind.PROPOSAL, lane, f"proposal {event.proposal} waits for you until {until}"
            )
        case ev.TrialEnded():
            text = f"trial {event.trial}: {event.verdict}: {event.reason}"
            return Notice(Kind.TRIAL, lane, text)
        case ev.BotStarted():
            # Lanes open and close beside each other; one line for all of them is enough.
            if lane != SYSTEM:
                return None
            return Notice(Kind.BOT, lane, f"market-bot {event.version} started: {event.mode}")
        case _:
            return _error_of(lane, event)


SYSTEM: Final = "system/main"


def _error_of(lane: str, event: ev.Event) -> Notice | None:
    match event:
        case ev.Error():
            count = f" ({event.count} times)" if event.count > 1 else ""
            where, text = event.where, f"{event.where}: {event.message}{count}"
        case ev.OrderUnknown():
            where = "order_unknown"
            text = f"the venue did not say what became of order {event.intent}: {event.reason}"
        case ev.FillReversed():
            where = f"fill_reversed:{event.fill}"
            text = f"the venue took back fill {event.fill}: {event.reason}"
        case ev.Reconciled() if event.stops:
            where, text = "reconciled", f"nothing is opened: {event.stops}"
        case ev.TapeChanged() if event.what == "stopped":
            where, text = "tape", f"recording stopped: {event.reason}"
        case ev.Asked() if event.what.endswith("_refused"):
            where, text = event.what, f"dashboard: {event.what.replace('_', ' ')}: {event.by}"
        case _:
            return None
    return Notice(Kind.ERROR, lane, text, key=one_line(f"{lane} {where}"))


TOLD: Final = frozenset(
    {
        ev.Fill,
        ev.Exit,
        ev.Denied,
        ev.Halt,
        ev.Resume,
        ev.LossLimitReached,
        ev.Armed,
        ev.Disarmed,
        ev.VenueState,
        ev.LeakReview,
        ev.ProposalQueued,
        ev.TrialEnded,
        ev.BotStarted,
        ev.Error,
        ev.OrderUnknown,
        ev.FillReversed,
        ev.Reconciled,
        ev.TapeChanged,
        ev.Asked,
    }
)
"""Facts that may lead to a notice; never `Notification`, which would lead to itself."""


@attrs.frozen(kw_only=True)
class Letter:
    """Several notices as one message."""

    level: Level
    subject: str
    body: str


def letter(notices: Sequence[tuple[Level, Notice]], held: Mapping[Kind, int], link: str) -> Letter:
    """Return notices as one message, the most urgent first.

    Args:
        notices: at least one, each with its level.
        held: how many were not told before, by kind.
        link: where the dashboard is, "" if nowhere.

    """
    ordered = sorted(notices, key=lambda one: -one[0].rank)
    level, first = ordered[0]
    counted = Counter(one.line for _, one in ordered)
    more = f" (and {len(counted) - 1} more)" if len(counted) > 1 else ""
    lines = [line if n == 1 else f"{line} (×{n})" for line, n in counted.items()]
    if len(lines) > LINES_MAX:
        lines = [*lines[:LINES_MAX], f"… and {len(lines) - LINES_MAX} more"]
    details = (line for _, one in ordered for line in one.detail[:_DETAIL_MAX])
    lines += [one_line(line) for line in details]
    if held:
        told = ", ".join(f"{kind.value} {n}" for kind, n in held.items())
        lines.append(f"held back before: {told}")
    return Letter(
        level=level,
        subject=one_line(f"[{level.value}] {first.line}", _SUBJECT_MAX) + more,
        body=_cut(lines, f"\n{link}" if link else ""),
    )


def _cut(lines: Iterable[str], end: str) -> str:
    kept, left = [], BODY_MAX - len(end) - 2
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            kept.append("…")
            break
        kept.append(line)
    return "\n".join(kept) + end


def _minute(at: Micros) -> str:
    return f"{format_time(at)[:_MINUTE_CHARS].replace('T', ' ')} UTC"
