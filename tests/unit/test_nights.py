"""Which night is due, and what the journal says is left of it."""

from __future__ import annotations

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.nights import DAY, NightLog, Part, judged_by, night_due
from market_bot.core.domain.numbers import HOUR, Micros, parse_time
from tests.fakes.nights import NIGHT, ended, leak, reviewed

HALF_PAST = 30


def at(text: str) -> Micros:
    """Return a moment."""
    return parse_time(f"{text}:00Z")


def log(*facts: ev.Event, begins: str = "2026-11-01T00:00") -> NightLog:
    """Return what a journal says that begins then and holds these lines."""
    known = NightLog(begins=at(begins))
    for fact in facts:
        known = known.hear(at("2026-11-22T00:30"), fact)
    return known


@pytest.mark.parametrize(
    ("now", "night"),
    [
        ("2026-11-22T00:30", "2026-11-22"),
        ("2026-11-22T00:29", "2026-11-21"),
        ("2026-11-22T23:59", "2026-11-22"),
        ("2026-11-23T00:00", "2026-11-22"),
        ("2027-01-01T00:31", "2027-01-01"),
    ],
)
def test_the_night_that_was_due_last(now: str, night: str) -> None:
    """It is that of the date, from the configured minute on."""
    assert night_due(at(now), HALF_PAST) == night


def test_a_night_judges_the_day_before() -> None:
    """It is a whole UTC day, whenever the work begins."""
    assert judged_by(NIGHT) == (at("2026-11-21T00:00"), at("2026-11-22T00:00"))


def test_first_the_findings_then_the_proposals_then_nothing() -> None:
    """The review ends the first part, the end of the night the second; nothing else does."""
    assert log().left(NIGHT) is Part.REVIEW
    assert log(leak()).left(NIGHT) is Part.REVIEW
    assert log(leak(), reviewed(NIGHT)).left(NIGHT) is Part.PROPOSALS
    assert log(reviewed(NIGHT), ended()).left(NIGHT) is Part.NOTHING


def test_a_night_older_than_the_newest_is_over() -> None:
    """A clock that is set back does not make a night happen again, nor an earlier one."""
    known = log(reviewed(NIGHT), ended())

    for back in range(1, 40):
        night = night_due(Micros(at("2026-11-22T00:30") - back * DAY), HALF_PAST)
        assert known.left(night) is Part.NOTHING


def test_a_night_left_in_the_middle_is_not_gone_on_with_after_the_next() -> None:
    """Only the newest night is worked on: those that were missed are not made up for."""
    known = log(reviewed("2026-11-20"), reviewed(NIGHT))

    assert known.left("2026-11-20") is Part.NOTHING
    assert known.left(NIGHT) is Part.PROPOSALS


def test_after_any_time_away_one_night_is_due() -> None:
    """A suspend of a month costs one night's work, not thirty."""
    known, now = log(reviewed("2026-10-20"), ended("2026-10-20")), at("2026-11-22T09:00")
    done = [
        night
        for hour in range(24)
        if known.left(night := night_due(Micros(now + hour * HOUR // 60), HALF_PAST))
        is not Part.NOTHING
    ]

    assert set(done) == {NIGHT}


def test_a_lane_that_began_after_the_day_has_nothing_to_judge() -> None:
    """Its first night is the next one."""
    assert log(begins="2026-11-22T00:00").left(NIGHT) is Part.NOTHING
    assert log(begins="2026-11-21T23:59").left(NIGHT) is Part.REVIEW
    assert NightLog().left(NIGHT) is Part.NOTHING


def test_the_first_line_says_when_a_lane_began() -> None:
    """Whatever it is, it is the beginning."""
    began = at("2026-11-03T00:00")
    known = NightLog().hear(began, reviewed("2026-11-03")).hear(at("2026-11-04T00:00"), ended())

    assert known.begins == began


def test_what_earlier_nights_saw_is_kept() -> None:
    """A finding counts once its night is complete, and is known by what it is about."""
    known = log(leak("2026-11-20"), reviewed("2026-11-20"), leak("2026-11-21"))

    assert [(past.night, past.seen) for past in known.history()] == [
        ("2026-11-20", frozenset({("premature_stop", "")}))
    ]
    assert known.told("2026-11-21") == {"2026-11-21:premature_stop:"}


def test_variants_count_for_a_month() -> None:
    """Those of the last thirty nights, each once; not those of the night itself."""
    nights = ("2026-10-22", "2026-10-23", "2026-11-21", NIGHT)
    known = log(*(ended(night, tried=(f"a={night}", "b=1")) for night in nights))

    assert known.tried(NIGHT) == {"a=2026-10-23", "a=2026-11-21", "b=1"}


def test_the_log_stays_small() -> None:
    """After years it knows the newest nights and their findings."""
    known = NightLog(begins=at("2020-01-01T00:00"))
    for day in range(200):
        night = night_due(Micros(at("2026-01-01T00:30") + day * DAY), HALF_PAST)
        for fact in (leak(night), reviewed(night), ended(night)):
            known = known.hear(at("2026-01-01T00:30"), fact)

    assert len(known.reviews) == len(known.ended) == 40
    assert len(known.leaks) <= 41
    assert attrs.evolve(known, leaks=()).left("2026-03-01") is Part.NOTHING
