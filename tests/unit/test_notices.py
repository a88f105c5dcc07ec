"""What a person is told of which fact, in words that fit into a message."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.notices import (
    BODY_MAX,
    DEFAULT_LEVELS,
    LINES_MAX,
    SYSTEM,
    TEXT_MAX,
    TOLD,
    Kind,
    Level,
    Notice,
    letter,
    notice_of,
)
from market_bot.core.domain.numbers import money, probability
from tests.fakes.any_event import ANY_EVENT
from tests.fakes.builders import a_fill, a_sale
from tests.fakes.clock import NOON

LANE = "kalshi/live"


@pytest.mark.parametrize(
    ("event", "kind", "line"),
    [
        (a_fill(), Kind.FILL, "kalshi/live: bought 10 YES of M-1 at 0.48, fee 0.02"),
        (a_sale(), Kind.FILL, "kalshi/live: sold 10 YES of M-1 at 0.6, fee 0.02"),
        (
            ev.Halt(by="web", reason="enough", flatten=True),
            Kind.HALT,
            "kalshi/live: halted, and everything is sold: web: enough",
        ),
        (
            ev.LossLimitReached(rule="max_daily_loss_usd", limit=money("40"), lost=money("41.5")),
            Kind.HALT,
            "kalshi/live: max_daily_loss_usd: lost 41.5 of 40 dollars: nothing is opened",
        ),
        (
            ev.Error(where="feed", message="no answer", count=3),
            Kind.ERROR,
            "kalshi/live: feed: no answer (3 times)",
        ),
        (
            ev.VenueState(state="stalled", reason="its thread hung"),
            Kind.VENUE_STATE,
            "kalshi/live: stalled: its thread hung",
        ),
        (
            ev.LeakReview(night="2026-01-04", since=NOON, until=NOON, findings=4, confirmed=1),
            Kind.LEAK_REPORT,
            "kalshi/live: night 2026-01-04: 4 findings, 1 confirmed",
        ),
        (
            ev.ProposalQueued(proposal="p-1", expires_at=NOON),
            Kind.PROPOSAL,
            "kalshi/live: proposal p-1 waits for you until 2026-01-05 12:00 UTC",
        ),
        (
            ev.TrialEnded(trial="t-1", verdict="revert", reason="it lost"),
            Kind.TRIAL,
            "kalshi/live: trial t-1: revert: it lost",
        ),
        (
            ev.Asked(by="web", what="login_refused"),
            Kind.ERROR,
            "kalshi/live: dashboard: login refused: web",
        ),
    ],
)
def test_a_fact_in_words(event: ev.Event, kind: Kind, line: str) -> None:
    """Each kind of fact that matters has a sentence."""
    notice = notice_of(LANE, event)

    assert notice is not None
    assert (kind, line) == (notice.kind, notice.line)


@pytest.mark.parametrize(
    "event",
    [
        ev.Notification(channel="phone", level="alarm", subject="x", delivered=False),
        ev.VenueState(state="open", reason="restart"),
        ev.Reconciled(account="a", complete=True),
        ev.TapeChanged(what="begun", file="x"),
        ev.Asked(by="web", what="login"),
        ev.BotStarted(mode="paper", instance="i", version="1", fold=1),
    ],
)
def test_what_nobody_has_to_know(event: ev.Event) -> None:
    """What became of a message, above all, leads to no further message."""
    assert notice_of(LANE, event) is None


@settings(max_examples=60)
@given(ANY_EVENT)
def test_any_fact_makes_one_line(event: ev.Event) -> None:
    """Whatever a venue calls its markets, a notice is one line that can be shown."""
    notice = notice_of(SYSTEM, event)

    if type(event) not in TOLD:
        assert notice is None
    if notice is not None:
        assert notice.line.isprintable()
        assert len(notice.line) <= TEXT_MAX


def test_a_name_cannot_pretend_to_be_more() -> None:
    """Line ends and marks of direction in a name do not make another line of it."""
    event = ev.Exit(
        signal="s",
        strategy="x",
        market="M\n[alarm] all is lost\u202e",
        event="E",
        family="F",
        leg=Leg.NO,
        reason="stop",
        size=a_fill().size,
        price=a_fill().price,
        belief=probability("0"),
    )
    notice = notice_of(LANE, event)

    assert notice is not None
    assert "kalshi/live: leaves M [alarm] all is lost NO: stop" == notice.line


def test_a_letter_says_the_worst_first() -> None:
    """The subject is the most urgent, the same thing twice one line, and what was held counts."""
    fill = Notice(Kind.FILL, LANE, "bought")
    halt = Notice(Kind.HALT, LANE, "halted")
    told = letter(
        [(Level.INFO, fill), (Level.ALARM, halt), (Level.INFO, fill)],
        {Kind.EXIT: 4},
        "https://bot.example/",
    )

    assert Level.ALARM is told.level
    assert "[alarm] kalshi/live: halted (and 1 more)" == told.subject
    assert told.body.splitlines() == [
        "kalshi/live: halted",
        "kalshi/live: bought (×2)",
        "held back before: exit 4",
        "https://bot.example/",
    ]


@pytest.mark.parametrize("length", [1, 250])
def test_a_letter_fits(length: int) -> None:
    """However much there is to tell, a message stays below what services take; the link stays."""
    many = [(Level.INFO, Notice(Kind.FILL, LANE, f"{n}" + "x" * length)) for n in range(500)]
    told = letter(many, {}, "https://bot.example/")

    assert len(told.body) <= BODY_MAX
    assert len(told.body.splitlines()) <= LINES_MAX + 4
    assert told.body.endswith("\nhttps://bot.example/")


def test_every_kind_has_a_level() -> None:
    """Nothing is without urgency, and never is the least."""
    assert set(Kind) == set(DEFAULT_LEVELS)
    assert [0, 1, 2, 3, 4] == [level.rank for level in Level]
