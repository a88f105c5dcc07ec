"""What could be changed now, from a lane's journal and settings; nothing is written down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from market_bot.adapters.storage.codec import decode_event
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.storage.window_reader import WindowReader
from market_bot.bootstrap.allowlists import allowlist_of
from market_bot.bootstrap.discovery import leak_rules
from market_bot.config.loader import read_venue
from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.api import LeakRule, Night
from market_bot.core.domain.leaks.judge import Past, Review, judge, past_of
from market_bot.core.domain.numbers import HOUR, Micros, parse_time, utc_date
from market_bot.core.domain.tuning.allowlist import Allowlist
from market_bot.core.domain.tuning.layer_one import Facts
from market_bot.core.domain.tuning.learning import Memory
from market_bot.core.domain.tuning.proposal import Grounds
from market_bot.core.domain.tuning.queue import Queue
from market_bot.core.ports.advisor import Advisor
from market_bot.core.ports.journal import Chain, JournalError
from market_bot.core.ports.windows import Windows
from market_bot.core.usecases.ask_advisor import Advised, ask_advisor

_DAY: Final = 24 * HOUR
_WEEK_DAYS: Final = 7
_MONTH_DAYS: Final = 28
_EARLIER: Final = 2
_KINDS: Final[tuple[type[ev.Event], ...]] = (
    ev.LeakReview,
    ev.Leak,
    ev.Proposal,
    ev.ProposalQueued,
    ev.ProposalDecided,
    ev.ProposalDropped,
    ev.TrialStarted,
    ev.TrialEnded,
    ev.TrialOutcome,
    ev.LearningUndone,
    ev.ChangeIntended,
    ev.ChangeEnded,
    ev.ConfigChanged,
)
_OTHERS: Final = ev.EVENT_TYPES.keys() - {kind.TYPE for kind in _KINDS}


@attrs.frozen(kw_only=True)
class History:
    """What a chain tells of earlier nights, proposals and changes, and when its last line was."""

    past: tuple[Past, ...]
    queue: Queue
    memory: Memory
    last: Micros


@attrs.frozen(kw_only=True)
class Advising:
    """A lane's last day as the rules judge it, and what an advisor would change."""

    chain: Chain
    review: Review
    advised: Advised


def advise_now(home: Home, chain: Chain, advisor: Advisor) -> Advising:
    """Return what an advisor would change after the last day that a lane lived.

    Where the journal tells of no earlier night, the two nights before are judged as well, so that
    something can be confirmed.

    Raises:
        ConfigError: if the venue's settings cannot be used.
        JournalError: if the journal is empty or cannot be read.

    """
    file = home.venue_file(chain.venue)
    allowlist = allowlist_of(read_venue(file), file.name)
    folder = chain_folder(home.journal_dir, chain)
    history = read_history(JournalReader(folder, chain))
    windows, rules = WindowReader(folder, chain), leak_rules()
    until = Micros(history.last + 1)
    past = history.past or _judged_before(windows, allowlist, rules, until)
    review = judge(night_of(windows, allowlist, until), rules, past)
    facts = Facts(
        chain=str(chain),
        night=review.night,
        now=until,
        allowlist=allowlist,
        grounds={finding.id: Grounds.of(finding) for finding in review.findings},
        queue=history.queue,
        memory=history.memory,
        told=None,
        advisor=advisor.name,
    )
    advised = ask_advisor(review.findings, facts, advisor)
    return Advising(chain=chain, review=review, advised=advised)


def read_history(reader: JournalReader) -> History:
    """Return what a chain tells of its nights.

    Raises:
        JournalError: if it is empty or cannot be read.

    """
    queue, memory = Queue(), Memory()
    reviews: list[ev.LeakReview] = []
    leaks: list[ev.Leak] = []
    for at, event in _told(reader):
        queue, memory = queue.hear(at, event), memory.hear(at, event)
        if isinstance(event, ev.LeakReview):
            reviews.append(event)
        elif isinstance(event, ev.Leak):
            leaks.append(event)
    tail = reader.tail(1)
    if not tail:
        msg = f"{reader.folder}: the journal is empty: `market-bot run` writes one"
        raise JournalError(msg)
    return History(past=past_of(reviews, leaks), queue=queue, memory=memory, last=tail[0].at)


def night_of(windows: Windows, allowlist: Allowlist, until: Micros) -> Night:
    """Return the windows that end at a moment; their night has the date of that moment."""
    day, week, month = (
        windows.read(Micros(max(0, until - days * _DAY)), until)
        for days in (1, _WEEK_DAYS, _MONTH_DAYS)
    )
    name = utc_date(until)
    knobs = {path: entry.value for path, entry in allowlist.entries.items()}
    return Night(night=name, day=day, week=week, month=month, knobs=knobs, seed=name)


def _judged_before(
    windows: Windows, allowlist: Allowlist, rules: Sequence[LeakRule], until: Micros
) -> tuple[Past, ...]:
    past: tuple[Past, ...] = ()
    for back in range(_EARLIER, 0, -1):
        if until <= back * _DAY:
            continue
        night = night_of(windows, allowlist, Micros(until - back * _DAY))
        review = judge(night, rules, past)
        past = (*past, Past(night=review.night, seen=review.seen))
    return past


def _told(reader: JournalReader) -> Iterator[tuple[Micros, ev.Event]]:
    for _, kind, data, stamp, _ in reader.scan(reader.scanner(passed_over=_OTHERS)):
        if kind not in _OTHERS and kind in ev.EVENT_TYPES:
            event = decode_event(kind, data)
            if event is not None:
                yield parse_time(stamp.decode()), event
