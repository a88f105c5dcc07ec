"""A trial heard line by line: covered minutes, new trades, verdicts, restarts."""

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, money, price, size
from market_bot.core.domain.rollback.cohort import Cohort, Worth
from market_bot.core.domain.rollback.coverage import Coverage
from market_bot.core.domain.rollback.trial import Trials
from market_bot.core.domain.rollback.verdict import Kind, Verdict, check
from tests.fakes.clock import NOON
from tests.fakes.trials import (
    NAME,
    NEW,
    OLD,
    PATH,
    Line,
    after,
    baseline,
    caught_up,
    constant,
    fill,
    in_order,
    intent,
    mark,
    outcome,
    sale,
    scans,
    started,
    terms,
    trade,
    trial,
    verdicts,
)

CLOSED = ev.VenueState(state="closed")
OPEN = ev.VenueState(state="open")


def line(minute: float, event: ev.Event, config: str = NEW) -> Line:
    """Return one more line."""
    return after(minute), event, config


def covered(*parts: list[Line]) -> Coverage:
    """Return the clock after these lines."""
    clock = Coverage(NOON)
    for at, event, _ in in_order(*parts):
        clock.hear(event, at)
    return clock


# -- the clock -------------------------------------------------------------------------------


def test_scans_cover_the_time_between_them() -> None:
    """From the beginning on; a minute is full at the scan that fills it."""
    clock = covered(scans(0, 3.5))

    assert [after(1), after(2), after(3)] == clock.cuts


@pytest.mark.parametrize(
    "between",
    [
        [line(2.2, ev.Tick(position="", reason="feed stale"))],
        [line(2.2, ev.BotStopped(reason="stop"))],
        [line(2.2, ev.BotStarted(mode="paper", instance="a", version="1", fold=1))],
        [line(2.2, CLOSED), line(2.4, OPEN)],
    ],
)
def test_what_could_not_be_seen_is_not_covered(between: list[Line]) -> None:
    """Half a minute, from scan to scan, is missing."""
    clock = covered(scans(0, 4), between)

    assert 3 == clock.minutes
    assert after(3.5) == clock.cuts[-1]


def test_downtime_is_not_covered() -> None:
    """Neither is a gap that is too wide to have been watched."""
    assert 2 == covered(scans(0, 2), scans(9.0, 9.5)).minutes
    assert 6 == covered(scans(0, 2), scans(5.5, 6)).minutes


def test_a_shut_venue_stops_the_clock() -> None:
    """Scans go on, but nothing is covered until the scan after it opened."""
    clock = covered(scans(0, 10), [line(2, CLOSED), line(7, OPEN)])

    assert 5 == clock.minutes


def test_lines_of_one_moment_have_no_order() -> None:
    """A scan and what stops the clock, at the same moment, either way round."""
    for event in (CLOSED, ev.Tick(position="", reason="stale")):
        some = scans(0, 2)
        first = [line(2, event), *scans(2, 4)]
        one, other = covered(some, first), covered([line(2, event)], some, scans(2, 4))
        assert one.cuts == other.cuts


def test_four_fifths_of_an_hour_are_an_hour() -> None:
    """At its end; with less it goes on until they are covered, twice the hour at most."""
    enough = covered(scans(0, 50))
    enough.wait(Micros(after(60) + 1))
    slow = covered(scans(0, 40), scans(60, 70))
    never = covered(scans(0, 40))
    never.wait(after(120))

    assert (60, after(60), False) == (enough.minutes, enough.cuts[-1], enough.lacking)
    slow.wait(after(71))
    # The first scan after the gap is at 60.5: eight minutes more are covered at 68.5.
    assert (after(68.5), False) == (slow.cuts[59], slow.lacking)
    assert 61 == slow.minutes
    assert (60, after(120), True) == (never.minutes, never.cuts[-1], never.lacking)


def test_a_hold_sets_the_clock_back() -> None:
    """By five minutes, that have to be covered again."""
    clock = covered(scans(0, 15))
    clock.hold(15)

    assert 10 == clock.minutes
    clock.hold(3)
    assert 0 == clock.minutes


# -- new trades ------------------------------------------------------------------------------


def worths(*parts: list[Line], until: float = 999) -> dict[str, Worth]:
    """Return the new trades of a journal, by event."""
    cohort = Cohort(configs={NEW})
    for at, event, config in in_order(*parts):
        cohort.hear(event, at, config)
    return {worth.event: worth for worth in cohort.worths(after(until))}


def test_a_trade_is_worth_its_midpoint_after_costs() -> None:
    """Ten contracts for 5 dollars and 10 cents of fees: at 0.53 they gained 2 cents each."""
    found = worths(trade(1, 0, "a", {0: "0.49", 60: "0.5", 300: "0.53"}))["a"]

    # At the decision it was not filled yet.
    assert found.per_contract[0] is None
    assert pytest.approx((-0.01, 0.02)) == found.per_contract[1:3]
    assert (money("-0.1"), money("0.2"), None) == found.whole[1:4]
    assert money("0.2") == found.present


def test_a_missing_price_is_not_zero() -> None:
    """Where nobody quoted, nothing is known."""
    found = worths(trade(1, 0, "a", {60: "0.5"}), [mark(1, 0, 300, None)])["a"]

    assert found.per_contract[2] is None
    assert money("-0.1") == found.present


def test_only_the_new_configurations_trades_count() -> None:
    """Others, and what is not heard yet, do not exist."""
    old = [intent(2, 0, "b", config=OLD), fill(2, 0.1)]
    found = worths(trade(1, 0, "a", constant("0.5")), old, trade(3, 30, "c", {}), until=30)

    assert {"a"} == set(found)


def test_a_sale_ends_a_trade() -> None:
    """Its profit stays, whatever the price does later."""
    found = worths(trade(1, 0, "a", constant("0.9")), [sale(1, 7, got="6", fee="0.1")])["a"]

    assert pytest.approx(0.39) == found.per_contract[2]
    assert [pytest.approx(0.08)] * 7 == list(found.per_contract[3:])


def test_part_of_a_sale_is_part_of_a_trade() -> None:
    """Four sold at 0.6 are certain, six are worth their price."""
    found = worths(trade(1, 0, "a", constant("0.5")), [sale(1, 7, got="2.4", contracts="4")])["a"]

    assert money("0.3") == found.whole[3]


def test_a_resolution_ends_a_trade() -> None:
    """At what the leg pays."""
    resolved = ev.MarketResolved(market="m1", event="a", family="f", yes_payout=price("1"))
    found = worths(trade(1, 0, "a", {60: "0.5"}), [line(4, resolved)])["a"]

    assert (money("4.9"),) * 8 == found.whole[2:]


def test_a_merge_brings_half_a_dollar_a_leg() -> None:
    """Both legs together make the whole one."""
    merged = ev.Merged(
        merge="x", market="m1", event="a", family="f", size=size("10"), payout=money("10")
    )
    found = worths(trade(1, 0, "a", {60: "0.5"}), [line(4, merged)])["a"]

    assert money("-0.1") == found.whole[2]


def test_a_reversed_fill_never_was() -> None:
    """From the moment on at which it was reversed."""
    undone = [line(20, ev.FillReversed(intent="i1", fill="f1", reason="failed"))]
    lines = trade(1, 0, "a", constant("0.5"))

    assert (None,) * 10 == worths(lines, undone)["a"].whole
    assert money("-0.1") == worths(lines, undone, until=20)["a"].present


def test_what_was_held_before_is_sold_first() -> None:
    """A sale of the old position is not a profit of the new trade."""
    cohort = Cohort(configs={NEW}, held={("m1", Leg.YES): size("10")})
    for at, event, config in in_order(
        trade(1, 0, "a", constant("0.5")), [sale(1, 7, got="9"), sale(1, 30, got="6")]
    ):
        cohort.hear(event, at, config)
    (found,) = cohort.worths(after(99))

    assert money("-0.1") == found.whole[5]
    assert money("0.9") == found.whole[6]


def test_orders_of_a_signal_are_one_trade() -> None:
    """Within the hour in which its prices are followed; after it a new one begins."""
    again = attrs.evolve(intent(1, 20, "a")[1], intent="again")  # type: ignore[call-arg]  # an intent
    later = attrs.evolve(intent(1, 60, "a")[1], intent="later")  # type: ignore[call-arg]  # an intent
    cohort = Cohort(configs={NEW})
    for at, event, config in in_order(trade(1, 0, "a", {}), [line(20, again), line(60, later)]):
        cohort.hear(event, at, config)

    assert 1 == cohort.opened(after(60))
    assert 2 == cohort.opened(after(61))


def test_the_oldest_trades_are_let_go() -> None:
    """A cohort is bounded."""
    cohort = Cohort(most=2)
    for number in range(5):
        for at, event, config in trade(number, number, "", {}):
            cohort.hear(event, at, config)

    assert ["e3", "e4"] == [worth.event for worth in cohort.worths(after(99))]


# -- whole trials ----------------------------------------------------------------------------


def harmful(mid: str, many: int = 20) -> list[Line]:
    """Return trades, one every two minutes, that stand at a price from the first minute on."""
    return in_order(*(trade(k, 2 * k, f"e{k}", constant(mid)) for k in range(many)))


def kinds(found: list[Verdict]) -> list[tuple[int, Kind]]:
    """Return minutes and kinds."""
    return [(verdict.minute, verdict.kind) for verdict in found]


def test_a_harmful_change_is_reverted() -> None:
    """Trades that lose six cents: too few at 5 minutes, enough at 15: 7 × -2.5 / √7 / 2 = -3.3."""
    found = outcome(in_order(scans(0, 70), harmful("0.45")))

    assert [(5, Kind.CONTINUE), (15, Kind.REVERT)] == kinds(found)
    assert ("pnl",) == found[-1].reasons
    assert "-3.30719" == found[-1].numbers["x"]


def test_a_harmless_change_is_kept() -> None:
    """After an hour, with twenty events."""
    found = outcome(in_order(scans(0, 70), harmful("0.50")))

    assert [5, 15, 30, 60] == [verdict.minute for verdict in found]
    assert Kind.KEEP is found[-1].kind
    assert "20" == found[-1].numbers["events"]


def test_too_little_evidence_is_watched_on() -> None:
    """Two events an hour are no proof; they are told of every hour, and kept unproven after 24."""
    lines = in_order(
        scans(0, 24 * 60 + 5, every=4), *(trade(k, 300 * k, "", constant("0.5")) for k in range(4))
    )
    found = outcome(lines, terms(baseline=baseline(hours=(None,) * 24)))

    assert (60, Kind.PROBATION) in kinds(found)
    assert (120, Kind.PROBATION) in kinds(found)
    assert (1440, Kind.KEEP) == kinds(found)[-1]
    assert ("unproven",) == found[-1].reasons
    assert 4 + 23 == len(found)


def test_the_tripwire_needs_no_look() -> None:
    """One trade of a wrong size; its price is known at the first minute of its age."""
    wrong = [
        intent(1, 6, "a"),
        fill(1, 6.1, paid="500", contracts="1000"),
        mark(1, 6, 60, "0.40"),
    ]
    found = outcome(in_order(scans(0, 70), wrong))

    assert [(5, Kind.CONTINUE), (8, Kind.REVERT)] == kinds(found)
    assert ("tripwire",) == found[-1].reasons
    assert "-100.1" == found[-1].numbers["pnl_usd"]


def test_what_broke_reverts_at_once() -> None:
    """Without waiting for the minute to be full, or even for live data."""
    stalled = [line(6.2, ev.VenueState(state="stalled"))]
    found = outcome(in_order(scans(0, 6), stalled))

    assert [(5, Kind.CONTINUE), (7, Kind.REVERT)] == kinds(found)
    assert ("loop_stall",) == found[-1].reasons


def test_doubt_is_noticed_without_a_line() -> None:
    """A minute after it began, though nothing is written any more."""
    watched = trial()
    lines = [intent(1, 1), line(1, ev.OrderUnknown(intent="i1", reason="timeout"))]
    assert [] == list(verdicts(watched, lines))
    assert watched.due(after(2) - 1) is None  # type: ignore[arg-type]  # still a moment
    ((_, found),) = caught_up(watched, after(2))

    assert ("order_in_doubt",) == found.reasons


def test_a_venue_incident_holds() -> None:
    """Errors here and beside us: five minutes more are covered, and what was before is forgiven."""
    lines = in_order(
        scans(0, 30, every=1),
        harmful("0.50", 8),
        [line(1 + k / 10, ev.OrderRejected(intent="q", code="503")) for k in range(9)],
        [line(1 + k / 10, ev.Error(where="venue:kalshi", message="503")) for k in range(15)],
    )
    found = outcome(lines, terms(baseline=baseline(hours=(None,) * 24)))

    assert [(5, Kind.HOLD), (5, Kind.CONTINUE), (15, Kind.CONTINUE)] == kinds(found)[:3]
    assert "9 of" in found[0].numbers["errors"]
    assert "0 of" in found[1].numbers["errors"]
    watched = trial(terms(baseline=baseline(hours=(None,) * 24)))
    at = [told[0] for told, _ in verdicts(watched, lines)]
    assert [after(5), after(10), after(20)] == at[:3]


def test_an_hour_without_data_ends() -> None:
    """After two hours, and never in a pass."""
    lines = in_order(scans(0, 20), harmful("0.50", 9), [line(130, OPEN)])
    found = outcome(lines, terms(baseline=baseline(limit=1.0)))

    assert (60, Kind.PROBATION) == kinds(found)[-1]
    assert ("too_little_covered",) == found[-1].reasons
    assert "only 20 of 60 minutes" in found[-1].words


def test_a_probation_ends_by_the_calendar() -> None:
    """After two days, told once and not for every minute."""
    found = outcome(in_order(scans(0, 70), [line(49 * 60, OPEN)]))

    assert (1440, Kind.KEEP) == kinds(found)[-1]
    assert ("unproven",) == found[-1].reasons


def test_another_setting_may_change() -> None:
    """What is opened after it still belongs to the trial."""
    changed = ev.ConfigChanged(before=NEW, after="third", config="", by="operator", path="x.y")
    watched = trial()
    watched.hear(changed, after(1), NEW)
    watched.hear(intent(1, 2)[1], after(2), "third")

    assert 1 == watched.data.evidence(1, after(3)).live
    assert not watched.superseded


@pytest.mark.parametrize(
    ("event", "superseded"),
    [
        (ev.ConfigChanged(before=OLD, after=NEW, config="", by="bot", path=PATH), False),
        (ev.ConfigChanged(before=NEW, after="third", config="", by="operator", path=PATH), True),
        (ev.ConfigChanged(before=NEW, after=OLD, config="", by="operator"), True),
        (ev.BotStarted(mode="paper", instance="a", version="1", fold=1, config=OLD), True),
        (ev.BotStarted(mode="paper", instance="a", version="1", fold=1, config=NEW), False),
    ],
)
def test_a_persons_edit_wins(event: ev.Event, superseded: bool) -> None:
    """Of the same knob, or back to what was."""
    watched = trial()
    watched.hear(event, after(1), NEW)

    assert superseded is watched.superseded


def test_an_unfinished_minute_cannot_be_checked() -> None:
    """Only what `due` names."""
    watched = trial()

    assert watched.due() is None
    with pytest.raises(ValueError, match="not covered"):
        check(watched, 5)


def test_a_journal_has_one_open_trial() -> None:
    """What ended is remembered by its verdict."""
    trials = Trials()
    open_after = []
    for event in (
        OPEN,
        started(),
        ev.TrialEnded(trial="another", verdict="keep", reason=""),
        ev.TrialEnded(trial=NAME, verdict="revert", reason="pnl"),
    ):
        trials.hear(event, NOON, NEW)
        open_after.append(trials.open is not None)

    assert [False, True, True, False] == open_after
    assert {"another": "keep", NAME: "revert"} == trials.ended


def test_a_trial_that_cannot_be_read_is_named() -> None:
    """Nobody can watch it, so somebody has to end it."""
    trials = Trials()
    trials.hear(attrs.evolve(started(), baseline={"version": "99"}), NOON, NEW)

    assert (None, NAME) == (trials.open, trials.unreadable)
    trials.hear(ev.TrialEnded(trial=NAME, verdict="revert", reason=""), after(1), NEW)
    assert trials.unreadable is None


def test_more_than_can_be_watched_is_reverted() -> None:
    """What is forgotten cannot be judged."""
    watched = trial()
    watched.data._cohort.most = 3
    found = list(verdicts(watched, in_order(scans(0, 9), harmful("0.50", 4))))

    assert ("too_much_to_watch",) == found[-1][1].reasons


def test_a_restart_at_every_minute_changes_nothing() -> None:
    """With a hold, a gap and a revert; the bot hears its journal again and goes on."""
    lines = in_order(
        scans(0, 17, every=1),
        scans(20, 60, every=1),
        harmful("0.475", 28),
        [line(1 + k / 10, ev.OrderRejected(intent="q", code="503")) for k in range(9)],
        [line(1 + k / 10, ev.Error(where="venue:kalshi", message="503")) for k in range(15)],
    )
    frozen = terms(baseline=baseline(hours=(None,) * 24, limit=2.4))
    expected = outcome(lines, frozen)
    for minute in range(60):
        journal: list[Line] = []
        found: list[Verdict] = []
        watched = trial(frozen)
        for one in lines:
            if one[0] >= after(minute) and journal and journal[-1][0] < after(minute):
                watched = trial(frozen)
                for at, event, config in journal:
                    watched.hear(event, at, config)
            journal.append(one)
            for told, verdict in verdicts(watched, [one]):
                journal.append(told)
                found.append(verdict)
        assert expected == found

    assert [(5, Kind.HOLD), (5, Kind.CONTINUE)] == kinds(expected)[:2]
    assert Kind.REVERT is expected[-1].kind


def test_a_shadow_is_heard_beside_the_lane() -> None:
    """What it began counts, up to the check; what another trial's did does not."""
    watched = trial(terms(shadow=True))
    for number, minute in enumerate((1, 2, 3, 9)):
        told = ev.ShadowTally(trial=NAME, entries=number + 1)
        watched.hear(told, after(minute), NEW)
    watched.hear(ev.ShadowTally(trial="another", entries=50), after(2), NEW)
    for at, event, config in scans(0, 5):
        watched.hear(event, at, config)

    assert 6 == watched.evidence(5).shadow


def test_a_shadow_that_ended_is_not_compared_with() -> None:
    """From its last line on the hours of other days must do; what it did before is nothing."""
    watched = trial(terms(shadow=True))
    watched.hear(ev.ShadowTally(trial=NAME, entries=9), after(1), NEW)
    watched.hear(ev.ShadowTally(trial=NAME, entries=1, over="hour"), after(7), NEW)
    watched.hear(ev.ShadowTally(trial=NAME, entries=9), after(8), NEW)
    for at, event, config in scans(0, 9):
        watched.hear(event, at, config)

    assert [9, None, None] == [watched.evidence(minute).shadow for minute in (5, 8, 9)]


def test_an_early_scan_of_everything_is_the_same() -> None:
    """Checks made long after their minute read what was known then."""
    lines = in_order(scans(0, 70), harmful("0.45"))
    live = outcome(lines)
    late = trial()
    for at, event, config in lines:
        late.hear(event, at, config)

    assert live == [verdict for _, verdict in caught_up(late, Micros(after(70)))]


def test_a_decision_waits_for_its_deed() -> None:
    """A bot that died between a verdict and its end finds the verdict, and has nothing to check."""
    lines = in_order(scans(0, 70), harmful("0.45"))
    watched = trial()
    written = [told for told, _ in verdicts(watched, lines)]
    again = trial()
    for at, event, config in [*lines, written[-1]]:
        again.hear(event, at, config)

    assert ("revert", None, None) == (again.decided, again.ended, again.due(after(99)))
