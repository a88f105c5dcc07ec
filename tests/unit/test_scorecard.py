"""What kept changes brought, and how good their proposer is."""

from __future__ import annotations

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import HOUR, Micros, money
from market_bot.core.domain.rollback.afterwards import (
    Afterwards,
    Usual,
    frozen_usual,
    thawed_usual,
)
from market_bot.core.domain.rollback.scorecard import Tried, scorecard
from tests.fakes.clock import NOON
from tests.fakes.trials import NAME, NEW, PATH, constant, trade

KEPT = ev.TrialEnded(trial=NAME, verdict="keep", reason="no_harm_found")


def followed(usual: Usual | None = None) -> Afterwards:
    """Return what follows a change after trades that lost a dime each, as a rule."""
    known = usual or Usual(mean=-0.1, error=0.01)
    began = ev.TrialStarted(
        trial=NAME,
        proposal="p",
        path=PATH,
        before="0.01",
        after="0.012",
        baseline={"config": NEW, **frozen_usual(known)},
    )
    return Afterwards(began, NOON)


def traded(lane: Afterwards, mids: list[str]) -> None:
    """Let the change trade: ten contracts for 5.10 dollars each time, worth ten mids later."""
    for number, mid in enumerate(mids):
        for at, event, config in trade(number, 1.0 + number, f"e{number}", constant(mid)):
            lane.hear(event, at, config)


def test_what_a_change_brought_in_a_day() -> None:
    """Six trades gained forty cents on average instead of losing a dime: three dollars a day."""
    lane = followed()
    traded(lane, ["0.53", "0.57", "0.55", "0.54", "0.56", "0.55"])
    assert lane.due(Micros(NOON + 25 * HOUR)) is None
    lane.hear(KEPT, Micros(NOON + HOUR), NEW)
    assert lane.due(Micros(NOON + 23 * HOUR)) is None
    told = lane.due(Micros(NOON + 25 * HOUR))

    assert told is not None
    assert (told.hours, told.gain) == (24, money("3"))
    assert told.low is not None
    assert told.high is not None
    assert told.low < money("3") < told.high
    lane.hear(told, Micros(NOON + 25 * HOUR), NEW)
    assert lane.due(Micros(NOON + 25 * HOUR)) is None


@pytest.mark.parametrize("case", ["few", "edited", "unknown"])
def test_what_cannot_be_told_is_said_to_be_so(case: str) -> None:
    """Of few events, of a knob that was turned again, beside nothing known: no number."""
    lane = followed(Usual(mean=0.0, error=0.0) if case != "unknown" else None)
    if case == "unknown":
        lane.started = attrs_without(lane.started)
    traded(lane, ["0.55"] * (3 if case == "few" else 6))
    lane.hear(KEPT, Micros(NOON + HOUR), NEW)
    if case == "edited":
        lane.close(Micros(NOON + 2 * HOUR))
    told = lane.due(Micros(NOON + 25 * HOUR))

    assert told == ev.TrialOutcome(trial=NAME, hours=24)


def attrs_without(started: ev.TrialStarted) -> ev.TrialStarted:
    """Return the fact as if nothing had been usual."""
    return ev.TrialStarted(
        trial=started.trial,
        proposal=started.proposal,
        path=started.path,
        before=started.before,
        after=started.after,
        baseline={"config": NEW, **frozen_usual(None)},
    )


def test_what_was_usual_survives_the_journal() -> None:
    """Written and read back it is the same; damaged it is not known."""
    known = Usual(mean=-0.123456789, error=0.25)
    assert thawed_usual(frozen_usual(known)) == known
    assert thawed_usual(frozen_usual(None)) is None
    assert thawed_usual({"usual.mean": "nan", "usual.error": "1"}) is None


def test_hits_and_misses() -> None:
    """Kept with a gain is a hit; taken back, or kept with a loss, a miss; the rest is neither."""
    tried = [
        Tried(advisor="rules", verdict="keep", gain=money("3"), low=money("0"), high=money("6")),
        Tried(advisor="rules", verdict="keep", gain=money("-1"), low=money("-5"), high=money("3")),
        Tried(advisor="rules", verdict="keep"),
        Tried(advisor="rules", verdict="revert", gain=money("-9")),
        Tried(advisor="rules", verdict="superseded"),
        Tried(advisor="rules", verdict=""),
        Tried(advisor="claude", verdict=""),
    ]
    claude, rules = scorecard(tried)

    assert (claude.advisor, claude.share, claude.gain) == ("claude", None, None)
    assert (rules.trials, rules.running, rules.kept) == (6, 1, 3)
    assert (rules.reverted, rules.superseded) == (1, 1)
    assert (rules.hits, rules.misses) == (1, 2)
    assert rules.gain == (money("2"), money("-3"), money("7"))
    assert rules.share is not None
    assert rules.share[1] < rules.share[0] == 1 / 3 < rules.share[2]
