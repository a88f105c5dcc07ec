"""The tests of a trial's statistics, with numbers worked by hand."""

import math

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import HOUR, SECOND, Micros, Money, money, size
from market_bot.core.domain.rollback.baseline import (
    BadBaselineError,
    frozen,
    limit_of,
    make_baseline,
    thawed,
)
from market_bot.core.domain.rollback.cohort import Worth
from market_bot.core.domain.rollback.constants import AGES, LOOKS, MINUTE, SHARES
from market_bot.core.domain.rollback.count_check import (
    count_beside_shadow,
    count_by_history,
    usual_hours,
)
from market_bot.core.domain.rollback.error_check import Errors, Tally, check_errors, error_chance
from market_bot.core.domain.rollback.evidence import Evidence, examine
from market_bot.core.domain.rollback.hard import DENIED, DOUBT, HardAlarms
from market_bot.core.domain.rollback.history import History
from market_bot.core.domain.rollback.placebo import deepest_loss, lowest_x
from market_bot.core.domain.rollback.pnl_check import (
    Scored,
    detectable,
    events_needed,
    latest,
    look,
)
from market_bot.core.domain.rollback.probation import bet, event_scores
from market_bot.core.domain.rollback.terms import Terms, thaw
from market_bot.core.domain.rollback.tripwire import allowed_loss, trips
from market_bot.core.domain.rollback.verdict import Kind, judge
from market_bot.core.domain.signals import Gate
from market_bot.core.domain.statistics import NegativeBinomial
from tests.fakes.clock import NOON
from tests.fakes.trials import (
    NEW,
    after,
    baseline,
    constant,
    in_order,
    scans,
    scored,
    terms,
    trade,
)


def worth(name: str, opened: int, dollars: float, event: str = "e", step: float = 0.0) -> Worth:
    """Return a trade of ten contracts that is worth so much a contract, more with each age."""
    values = tuple(dollars + step * index for index in range(len(AGES)))
    return Worth(
        name=name,
        event=event,
        opened=Micros(opened),
        per_contract=values,
        whole=tuple(Money(round(value * 10**6) * 10**7) for value in values),
    )


# -- profit ----------------------------------------------------------------------------------


def test_events_are_the_unit() -> None:
    """Scores of one event are averaged first: (-1 + (-2 - 0) / 2 + -3 + -1 + 1) / sqrt 5."""
    trades = [
        scored("a", -1.0),
        scored("b", -2.0),
        scored("b", 0.0),
        scored("c", -3.0),
        scored("d", -1.0),
        scored("e", 1.0),
    ]
    seen = look(trades, after(60), 60)

    assert (6, 5) == (seen.trades, seen.events)
    assert pytest.approx(-5 / math.sqrt(5)) == seen.s
    assert seen.s == seen.x
    assert pytest.approx(-1.0) == seen.mean


@pytest.mark.parametrize(("minute", "weight"), [(5, 12), (15, 4), (30, 2), (60, 1), (300, 1)])
def test_early_looks_count_less(minute: int, weight: int) -> None:
    """By the root of their share of the hour."""
    seen = look([scored(str(k), -1.0) for k in range(9)], after(60), minute)

    assert pytest.approx(-3.0) == seen.s
    assert pytest.approx(-3.0 / math.sqrt(weight)) == seen.x


def test_a_score_is_that_of_the_trades_age() -> None:
    """The oldest age it has reached and has a price at; what has none is left out."""
    by_age = Scored(0, "a", (None, -1.0, None, -3.0, *([-9.0] * 6)))

    assert latest(by_age.scores, 59 * SECOND) is None
    assert -1.0 == latest(by_age.scores, 60 * SECOND)
    assert -1.0 == latest(by_age.scores, 599 * SECOND)
    assert -3.0 == latest(by_age.scores, 600 * SECOND)
    assert 0 == look([by_age, scored("b", None)], 30 * SECOND, 5).events


def test_what_is_opened_at_the_cut_is_not_seen() -> None:
    """A check reads what was before it."""
    assert 0 == look([scored("a", -1.0, opened=5.0)], after(5), 5).events


def test_five_events_are_needed() -> None:
    """Four can be as bad as they like."""
    four = [scored(str(k), -3.0) for k in range(4)]

    assert not look(four, after(60), 60).alarms(1.0)
    assert look([*four, scored("4", -3.0)], after(60), 60).alarms(1.0)


def test_the_limit_itself_is_allowed() -> None:
    """Only beyond it is an alarm."""
    seen = look([scored(str(k), -1.0) for k in range(9)], after(60), 60)

    assert not seen.alarms(3.0)
    assert seen.alarms(2.99)


def test_what_could_be_seen_is_told() -> None:
    """(1.9 + 0.84) / 0.75 squared is 13.3; at 16 events 0.685 deviations are found."""
    assert 14 == events_needed(1.9, 0.75)
    assert 5 == events_needed(0.1, 0.75)
    assert detectable(1.9, 0, 60) is None
    assert pytest.approx(0.685) == detectable(1.9, 16, 60)
    assert pytest.approx((1.9 * 2 + 0.84) / 4) == detectable(1.9, 16, 15)


# -- dollars ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usual", "ratio", "minute", "expected"),
    [
        ("10", 1.0, 60, "10"),
        ("10", 0.25, 60, "10"),
        ("10", 4.0, 60, "20"),
        ("10", 1.0, 240, "20"),
        ("10", 1.0, 5, "10"),
        ("10", 400.0, 60, "100"),
        (None, 4.0, 60, "100"),
    ],
)
def test_a_loss_is_allowed(usual: str | None, ratio: float, minute: int, expected: str) -> None:
    """The quiet loss, with the root of the trades and of the hours; never beyond the budget."""
    known = None if usual is None else money(usual)

    assert money(expected) == allowed_loss(money("100"), known, ratio, minute)


def test_the_tripwire_looks_at_the_sum() -> None:
    """A cent beyond is too much; the allowed loss is allowed."""
    assert not trips([money("-60"), money("10")], money("50"))
    assert trips([money("-60.01"), money("10")], money("50"))


# -- counts ----------------------------------------------------------------------------------


def test_twice_as_many_are_tolerated() -> None:
    """12 to 0: two thirds to the 12th power is 0.0077; at the hour 0.004 is needed, so 14."""
    twelve, fourteen = (count_beside_shadow(n, 0, 1.0, 60) for n in (12, 14))

    assert pytest.approx((2 / 3) ** 12) == twelve.high
    assert ("", "too_many") == (twelve.alarm, fourteen.alarm)
    assert "" == count_beside_shadow(14, 0, 1.0, 5).alarm


def test_what_was_predicted_is_no_alarm() -> None:
    """80 beside 20 are four times as many."""
    assert "too_many" == count_beside_shadow(80, 20, 1.0, 60).alarm
    assert "" == count_beside_shadow(80, 20, 3.0, 60).alarm
    assert "too_few" == count_beside_shadow(10, 40, 3.0, 60).alarm


@pytest.mark.parametrize(
    ("shadow", "ratio", "alarm"), [(7, 1.0, ""), (8, 1.0, "too_few"), (8, 0.5, "")]
)
def test_silence_needs_no_formula(shadow: int, ratio: float, alarm: str) -> None:
    """Eight expected trades and none made."""
    assert alarm == count_beside_shadow(0, shadow, ratio, 5).alarm


def test_without_a_shadow_the_hours_speak() -> None:
    """With 10 usual, twice that is predicted at the edge; a Poisson of 20 has 42 in 1 of 10^5."""
    usual = NegativeBinomial(10.0, math.inf)
    many, few, some = (count_by_history(n, usual, 1.0, 60) for n in (42, 0, 20))

    assert many is not None
    assert few is not None
    assert some is not None
    assert ("too_many", "", "") == (many.alarm, few.alarm, some.alarm)
    assert pytest.approx(math.exp(-5)) == few.low
    assert count_by_history(3, None, 1.0, 60) is None
    assert count_by_history(3, NegativeBinomial(0.0, 1.0), 1.0, 60) is None


def test_the_neighbours_of_an_hour_count() -> None:
    """Hour 0 takes those of 23 and 1 as well."""
    counts = [[0, 0] for _ in range(24)]
    counts[23], counts[0], counts[1] = [3], [6], [9]
    usual = usual_hours(counts)

    assert usual[0] is not None
    assert 6.0 == usual[0].mean
    assert usual[12] is not None
    assert 0.0 == usual[12].mean


def test_a_prediction_is_a_positive_number() -> None:
    """Zero trades cannot be predicted, nor infinitely many."""
    for ratio in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="ratio"):
            terms(ratio=ratio)


# -- errors ----------------------------------------------------------------------------------


def test_errors_need_number_rate_and_contrast() -> None:
    """Four are too few, a usual rate is no alarm; a sick control is an incident, a short one no."""
    for tally, expected in (
        (Tally(4, 5, 0, 100), (False, False)),
        (Tally(8, 40, 0, 100), (True, False)),
        (Tally(8, 400, 0, 100), (False, False)),
        (Tally(8, 40, 20, 100), (False, True)),
        (Tally(8, 40, 0, 0), (True, False)),
        (Tally(8, 40, 0, 10), (False, False)),
        (Tally(8, 40, 1, 10), (False, True)),
    ):
        found = check_errors(tally, 0.02, 60)
        assert expected == (found.alarm, found.incident)


def test_an_early_look_needs_more_errors() -> None:
    """P(at least 5 of 21 at 4 %) is 0.0012: enough for the 0.2 % at 15 minutes only."""
    tally = Tally(5, 21, 0, 100)

    assert not check_errors(tally, 0.02, 5).alarm
    assert check_errors(tally, 0.02, 15).alarm
    assert 0.001 < check_errors(tally, 0.02, 5).p < 0.002


def test_huge_counts_are_scaled() -> None:
    """Fisher's test has a limit; a quarter of a million scans are no reason to fail."""
    assert check_errors(Tally(10, 50, 0, 250_000), 0.02, 60).alarm
    assert check_errors(Tally(10, 50, 100_000, 250_000), 0.02, 60).incident


def test_none_seen_is_not_none_ever() -> None:
    """Half an error more than were seen, one try more."""
    assert pytest.approx(0.5 / 101) == error_chance(Tally(0, 100))
    assert 0.5 == error_chance(Tally())


SCAN = ev.Scan(position="", markets=0, views=0, signals=0, denied=0, intents=0)
BLIND = ev.Tick(position="", reason="stale")
VENUE = ev.Error(where="venue:kalshi", message="", count=20)


def test_what_fails_is_ours_or_beside_us() -> None:
    """Orders, strategies and execution are ours; the venue's connection is the control."""
    errors = Errors()
    for event in (
        ev.OrderAccepted(intent="i", venue_order="v", sent_at=NOON),
        ev.OrderRejected(intent="j", code="no"),
        ev.OrderUnknown(intent="k", reason="timeout"),
        ev.Error(where="strategy:mean_reversion", message="", count=3),
        VENUE,
        SCAN,
    ):
        errors.hear(event, NOON)

    assert Tally(5, 6, 1, 1) == errors.until(Micros(NOON + 1))
    assert Tally() == errors.until(NOON)


@pytest.mark.parametrize(
    ("lines", "errors", "tries"),
    [
        ([(k, SCAN) for k in range(30)], 0, 3),
        ([(k, SCAN) for k in range(30)] + [(29, VENUE)], 1, 3),
        ([(0, SCAN), (5, BLIND), (65, SCAN), (66, SCAN)], 6, 7),
        ([(0, SCAN), (5, BLIND), (5, SCAN), (65, SCAN)], 6, 7),
        ([(0, SCAN), (5, SCAN), (5, BLIND), (65, SCAN)], 6, 7),
        ([(0, SCAN), (5, BLIND), (9, ev.BotStopped(reason="")), (65, SCAN)], 1, 2),
    ],
)
def test_the_control_is_counted_in_steps(
    lines: list[tuple[int, ev.Event]], errors: int, tries: int
) -> None:
    """Of ten seconds; those between a tick that could not scan and the next scan have failed."""
    counted = Errors()
    for second, event in lines:
        counted.hear(event, Micros(NOON + second * SECOND))

    assert Tally(0, 0, errors, tries) == counted.until(after(99))


# -- alarms without statistics ---------------------------------------------------------------


def denied(name: str, *, hard: bool = True, phase: str = "begin") -> ev.Denied:
    """Return a refusal by one gate."""
    _, wish, _ = trade(1, 0, "e", {})[0]
    assert isinstance(wish, ev.OrderIntent)
    return ev.Denied(
        signal=wish.signal,
        strategy=wish.strategy,
        market=wish.market,
        event=wish.event,
        family=wish.family,
        leg=wish.leg,
        purpose=wish.purpose,
        phase=phase,
        gates=(Gate(name=name, limit="1", value="2", hard=hard),),
        price=wish.price,
        size=wish.size,
    )


@pytest.mark.parametrize(
    ("event", "alarm"),
    [
        (ev.Error(where="invariant:cash", message=""), True),
        (ev.Error(where="strategy:x", message=""), False),
        (ev.VenueState(state="stalled"), True),
        (ev.VenueState(state="closed"), False),
        (ev.Reconciled(account="a", complete=True, stops="cash differs"), True),
        (ev.Reconciled(account="a", complete=False, stops="cannot be read"), False),
        (ev.Reconciled(account="a", complete=True), False),
    ],
)
def test_what_must_not_break_reverts(event: ev.Event, alarm: bool) -> None:
    """At once, from the moment after."""
    alarms = HardAlarms()
    alarms.hear(event, NOON)

    assert not alarms.found(NOON)
    assert alarm is bool(alarms.found(Micros(NOON + 1)))


def test_doubt_may_last_a_minute() -> None:
    """Cleared within it is nothing; later is an alarm of the moment the minute was over."""
    answers = {59.0: False, 60.0: False, 61.0: True}
    for seconds, alarm in answers.items():
        alarms = HardAlarms()
        at, wish, _ = trade(1, 0, "e", {})[0]
        alarms.hear(wish, at)
        alarms.hear(ev.OrderUnknown(intent="i1", reason="timeout"), at)
        cleared = Micros(at + round(seconds * SECOND))
        alarms.hear(ev.OrderCancelled(intent="i1", reason="", remaining=size("1")), cleared)
        found = alarms.found(after(99))
        assert ([(after(1), DOUBT)] if alarm else []) == list(found)


def test_an_old_order_in_doubt_is_not_the_changes_fault() -> None:
    """Only orders that were sent during the trial count."""
    alarms = HardAlarms()
    alarms.hear(ev.OrderUnknown(intent="old", reason="timeout"), NOON)

    assert not alarms.found(after(99))


def test_three_new_refusals_revert() -> None:
    """By hard limits that never refused before; not soft ones, not what speaks of the account."""
    for usual, names, alarm in (
        (frozenset[str](), ["max_position_usd"] * 3, True),
        (frozenset[str](), ["max_position_usd"] * 2, False),
        (frozenset({"max_position_usd"}), ["max_position_usd"] * 9, False),
        (frozenset[str](), ["armed", "halted", "reconciled", "max_book_age_seconds"], False),
    ):
        alarms = HardAlarms(usual)
        for number, name in enumerate(names):
            alarms.hear(denied(name), after(number))
            alarms.hear(denied("cooldown", hard=False), after(number))
            alarms.hear(denied(name, phase="end"), after(number))
        assert ([(after(2), DENIED)] if alarm else []) == list(alarms.found(after(99)))


# -- probation -------------------------------------------------------------------------------


def test_an_event_is_bet_on_once() -> None:
    """When its first trade is an hour and a minute old, by what was known of it at the hour."""
    first, second = scored("a", -1.0), scored("a", -2.0, opened=59.5)
    late = Scored(after(30), "a", (None, 3.0, *([-9.0] * 8)))

    assert [] == event_scores([first], after(61))
    assert [-1.0] == event_scores([first, second], after(62))
    assert [pytest.approx((-1.0 - 9.0) / 2)] == event_scores([first, late], after(99))


def test_wealth_of_twenty_is_the_end() -> None:
    """At z = -3 the stakes grow by 1.29, 1.58 and 1.87 a time (x = -2.9 / 3)."""
    grown = [1 + stake * 2.9 / 3 for stake in (0.3, 0.6, 0.9)]
    five, six = (sum(g**n for g in grown) / 3 for n in (5, 6))
    wealth = bet([-3.0] * 9)

    assert five < 20 < six
    assert wealth.alarms
    assert 6 == wealth.events
    assert pytest.approx(six) == wealth.wealth
    assert not bet([0.0] * 200).alarms


# -- baseline --------------------------------------------------------------------------------


def test_buckets_are_means_and_spreads_by_age() -> None:
    """Thirty times -1 and +1 cents: mean 0; a spread of 1.008 cents, drawn to the pool's."""
    trades = [worth(str(k), k * HOUR, 0.01 if k % 2 else -0.01, event=str(k)) for k in range(60)]
    made = make_baseline(trades, Micros(0), Micros(60 * HOUR))
    bucket = made.buckets[1]

    assert made.buckets[0] is None
    assert bucket is not None
    assert (60, 0.0) == (bucket.count, bucket.mean)
    assert pytest.approx(0.01 * math.sqrt(60 / 59)) == bucket.spread
    assert (60, 2.8, None) == (made.trades, made.limit, made.loss)


def test_a_thin_bucket_says_nothing() -> None:
    """With nineteen trades there is no bucket, and what has none has no score."""
    trades = [worth(str(k), k * HOUR, 0.01 * k) for k in range(19)]
    made = make_baseline(trades, Micros(0), Micros(60 * HOUR))

    assert (None,) * len(AGES) == made.buckets
    assert made.scored(trades[0]).scores == (None,) * len(AGES)


def test_an_even_bucket_keeps_a_spread() -> None:
    """Trades that all cost the same do not make the next cent an outlier."""
    trades = [worth(str(k), k * HOUR, -0.01) for k in range(100)]
    bucket = make_baseline(trades, Micros(0), Micros(100 * HOUR)).buckets[1]

    assert bucket is not None
    assert 0.005 == bucket.spread


def test_scores_are_cut_off_at_three() -> None:
    """On both sides: one wild trade is not ten bad ones."""
    assert -1.0 == pytest.approx(baseline().scored(worth("a", 0, -0.03)).scores[-1])
    assert -3.0 == baseline().scored(worth("a", 0, -0.9)).scores[-1]
    assert 3.0 == baseline().scored(worth("a", 0, 0.9)).scores[-1]


def test_the_limit_is_a_quantile_of_placebos() -> None:
    """Of -5.00, -4.98 … the 2.5 % one is -4.9 (201 values, place 5); never under 1."""
    lowest = [-5.0 + 0.02 * k for k in range(201)]

    assert pytest.approx(4.9) == limit_of(lowest)
    assert 2.8 == limit_of(lowest[:199])
    assert 1.0 == limit_of([0.1] * 300)


def test_a_placebo_goes_through_all_looks() -> None:
    """The lowest X with enough events, and the deepest sum of dollars within the hour."""
    trades = [scored(str(k), -2.0) for k in range(5)]

    assert pytest.approx(-2 * math.sqrt(5)) == lowest_x(trades, after(0))
    assert lowest_x(trades[:4], after(0)) is None
    up_and_down = [worth("a", 0, 0.1, step=-0.1), worth("b", 55 * MINUTE, -5.0)]
    # Ten contracts: 1 - 8 steps of 1 dollar, the ninth comes with the hour's end; and b's 50.
    assert money("-57") == deepest_loss(up_and_down, 0)


def test_rare_is_said_as_it_is() -> None:
    """Counted among the worst tenth that is kept; beyond that only "more than"."""
    assert "1 of 672" == baseline().as_low(-2.99)
    assert "0 of 672" == baseline().as_low(-3.5)
    assert "more than 68 of 672" == baseline().as_low(0.0)


GOLDEN = (
    "version=1|age.0=-|age.60=1000 -0.01 0.02|age.300=1000 -0.01 0.02|age.600=1000 -0.01 0.02|"
    "age.900=1000 -0.01 0.02|age.1200=1000 -0.01 0.02|age.1800=1000 -0.01 0.02|"
    "age.2400=1000 -0.01 0.02|age.3000=1000 -0.01 0.02|age.3600=1000 -0.01 0.02|trades=1000|"
    "limit=1.9|placebos=672|placebos.lowest=-3.000 -2.980|placebos.sha256=" + "d" * 64 + "|loss=50|"
)


def test_a_frozen_baseline_has_these_bytes() -> None:
    """And is read back exactly."""
    plain = baseline(lowest=(-3.0, -2.98), refusing=frozenset({"b", "a"}))
    text = frozen(plain)
    joined = "|".join(f"{key}={value}" for key, value in text.items())

    assert joined.startswith(GOLDEN)
    assert joined.endswith("|hour.23=10 4|errors=0.02|refusing=a b")
    assert plain == thawed(text)


def test_terms_are_read_back_exactly() -> None:
    """With what was held, in any market."""
    _, wish, _ = trade(1, 0, "e", {})[0]
    assert isinstance(wish, ev.OrderIntent)
    plain = terms(ratio=1.25, shadow=True, held={("KX.a-b", wish.leg): size("2.5")})

    assert "2.5" == plain.frozen()["held.yes.KX.a-b"]
    assert plain == thaw(plain.frozen())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", "2"),
        ("limit", "nan"),
        ("age.60", "1 2"),
        ("loss", "x"),
        ("hour.07", "nan 1"),
        ("budget", "0"),
        ("shadow", "maybe"),
        ("ratio", "0"),
        ("held.both.m", "1"),
    ],
)
def test_a_broken_baseline_is_refused(key: str, value: str) -> None:
    """In one line, instead of a verdict on something else."""
    with pytest.raises(BadBaselineError, match="cannot be read"):
        thaw({**terms().frozen(), key: value})
    with pytest.raises(BadBaselineError, match="cannot be read"):
        thaw({k: v for k, v in terms().frozen().items() if k != "limit"})


def test_history_becomes_a_baseline() -> None:
    """Trades, hours, errors and refusing limits of four weeks; what is older is not heard."""
    history = History(Micros(after(0) + 28 * 24 * HOUR))
    lines = in_order(
        *(trade(k, k, f"e{k}", constant("0.51")) for k in range(30)), scans(0, 120, every=10)
    )
    for at, event, config in lines:
        history.hear(event, at, config)
    history.hear(denied("max_order_usd"), after(1), NEW)
    history.hear(denied("max_drawdown_usd"), after(-1), NEW)
    made = history.baseline()

    assert 30 == made.trades
    assert {"max_order_usd"} == made.refusing
    assert pytest.approx(0.5 / 31) == made.errors
    # Noon had thirty, one o'clock and two none of the scanned ones; eleven was never scanned.
    assert made.hours[12] is not None
    assert 15.0 == made.hours[12].mean
    assert pytest.approx(15 * 15 / (450 - 15)) == made.hours[12].shape
    assert made.hours[6] is None


# -- verdicts --------------------------------------------------------------------------------


def evidence(minute: int, score: float = 0.0, events: int = 20, **changes: object) -> Evidence:
    """Return evidence of trades that all score the same."""
    return Evidence(
        minute=minute,
        cut=after(minute),
        trades=tuple(scored(str(k), score) for k in range(events)),
        live=events,
        **changes,  # type: ignore[arg-type]  # tests name fields by hand
    )


@pytest.mark.parametrize(
    ("seen", "kind", "reasons"),
    [
        (evidence(5, events=2), Kind.CONTINUE, ()),
        (evidence(60), Kind.KEEP, ("no_harm_found",)),
        (evidence(60, events=9), Kind.PROBATION, ("too_few_events",)),
        (evidence(60, lacking=True, uncovered=20), Kind.PROBATION, ("too_little_covered",)),
        (evidence(60, score=-1.0), Kind.REVERT, ("pnl",)),
        (evidence(59, score=-1.0), Kind.CONTINUE, ()),
        (evidence(7, worths=(money("-51"),)), Kind.REVERT, ("tripwire",)),
        (evidence(7, hard=("loop_stall",)), Kind.REVERT, ("loop_stall",)),
        (evidence(15, events=5, tally=Tally(9, 20, 0, 90)), Kind.REVERT, ("errors",)),
        (evidence(15, tally=Tally(9, 20, 45, 90)), Kind.HOLD, ("venue_incident",)),
        (evidence(61, score=0.0), Kind.PROBATION, ("too_few_events",)),
        (evidence(130, score=-2.0), Kind.REVERT, ("probation",)),
        (evidence(1440, events=200), Kind.KEEP, ("no_harm_found",)),
        (evidence(200, events=200), Kind.KEEP, ("no_harm_found",)),
        (evidence(1440, events=3), Kind.KEEP, ("unproven",)),
    ],
)
def test_what_follows(seen: Evidence, kind: Kind, reasons: tuple[str, ...]) -> None:
    """Each alarm reverts; enough quiet evidence keeps; anything else goes on."""
    verdict = judge(seen, terms())

    assert (kind, reasons) == (verdict.kind, verdict.reasons)


def test_a_shadow_speaks_of_counts() -> None:
    """Without a shadow the same count is tolerated."""
    seen = evidence(60, events=25, shadow=2)

    assert (Kind.REVERT, ("too_many",)) == (
        judge(seen, terms(shadow=True)).kind,
        judge(seen, terms(shadow=True)).reasons,
    )
    assert Kind.KEEP is judge(evidence(60, events=25), terms()).kind


def test_a_young_baseline_proves_nothing_on_probation() -> None:
    """With fewer than 200 trades its own error would be taken for harm."""
    young = terms(baseline=baseline(trades=199))

    assert Kind.PROBATION is judge(evidence(130, score=-2.0), young).kind
    assert ("unproven",) == judge(evidence(1440, score=-2.0), young).reasons


def test_a_verdict_is_told_in_words() -> None:
    """With the numbers that made it, and how rare they are."""
    reverted = judge(evidence(60, score=-0.66), terms())
    kept = judge(evidence(60, score=0.1), terms())
    nothing = judge(evidence(5, events=0), terms())

    assert reverted.words == (
        "20 new trades in 20 events; at equal age they are on average 0.7 sd worse than the last"
        " 28 days; only 3 of 672 quiet windows looked this bad → reverted"
    )
    assert kept.words == (
        "20 new trades in 20 events; at equal age they are on average 0.1 sd better than the last"
        " 28 days, harm below 0.6 sd (1.2 cents a contract) would hardly be seen → kept"
    )
    assert "no new trade has a price yet after 5 minutes → watched on" == nothing.words


def test_every_alarm_is_named() -> None:
    """A verdict with several reasons says all of them."""
    words = judge(
        evidence(
            60,
            score=-1.0,
            worths=(money("-51"),),
            shadow=1,
            tally=Tally(9, 20, 1, 90),
            hard=("loop_stall",),
            uncovered=12,
        ),
        terms(shadow=True),
    ).words

    for part in (
        "the lane's loop stood still",
        "new trades lost $51.00, $50.00 is allowed",
        "20 trades where the old settings made 1",
        "9 of 20 orders failed, and 1 of 90 of all else",
        "only 48 of 60 minutes had live data",
    ):
        assert part in words


def test_the_fact_holds_everything() -> None:
    """Numbers as text, the reasons and the words."""
    fact = judge(evidence(60, score=-1.0), terms()).event("t-1")

    assert ("t-1", 60, "revert") == (fact.trial, fact.minute, fact.verdict)
    assert "-4.47214" == fact.numbers["x"]
    assert "-1.9" == fact.numbers["limit"]
    assert "0 of 672" == fact.numbers["quiet_as_low"]
    assert "pnl" == fact.numbers["reasons"]
    assert fact.numbers["words"].endswith("→ reverted")
    assert all(isinstance(value, str) for value in fact.numbers.values())


def test_shares_sum_to_one() -> None:
    """No look spends what another has spent."""
    assert pytest.approx(1.0) == sum(SHARES.values())
    assert set(LOOKS) == set(SHARES)


def test_a_trial_needs_a_budget() -> None:
    """Nothing to lose is no terms."""
    with pytest.raises(ValueError, match="lose"):
        Terms(baseline=baseline(), config="a", before="b", budget=money("0"))


def test_alarms_have_one_order() -> None:
    """The same evidence gives the same bytes."""
    seen = evidence(60, score=-1.0, worths=(money("-51"),), hard=("loop_stall",))

    assert ("loop_stall", "tripwire", "pnl") == examine(seen, terms()).alarms
