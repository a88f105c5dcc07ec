"""The first layer: ladders, the allowlist, and what a draft has to fulfil."""

import json
from typing import Any

import attrs
import pytest

from market_bot.bootstrap.knob_reference import reference_knobs, render
from market_bot.config import parse_venue
from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.api import Kind, Status
from market_bot.core.domain.numbers import HOUR, NO_MONEY, NotExactError
from market_bot.core.domain.strategies.api import Knob
from market_bot.core.domain.tuning.allowlist import Change, Entry
from market_bot.core.domain.tuning.ladder import (
    closer_than_a_step,
    direction,
    legal_next,
    never_moves,
    rungs,
)
from market_bot.core.domain.tuning.layer_one import (
    DRAFTS_MAX,
    check_again,
    numbers_in,
    read_drafts,
    screen,
)
from market_bot.core.domain.tuning.learning import Memory
from market_bot.core.domain.tuning.proposal import (
    Grounds,
    Proposed,
    Reason,
    proposal_id,
)
from market_bot.core.domain.tuning.queue import Queue, enqueue
from tests.architecture.source import ROOT
from tests.fakes.tuning import (
    DAY,
    FILE,
    FINDING,
    GOLDEN,
    MIN_EDGE,
    NIGHT,
    NOON,
    allowlist,
    draft,
    every_knob_file,
    facts,
    grounds,
    heard,
    pinned,
    proposal,
    rejected_twice,
)

EDGE = Knob(low="0.002", high="0.05", step="0.002", unit="dollar")
WAIT = Knob(low="10", high="900", step="30", unit="second")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.01", ("0.008", "0.012")),
        ("0.010", ("0.008", "0.012")),
        ("0.011", ("0.01", "0.012")),
        ("0.002", ("0.004",)),
        ("0.05", ("0.048",)),
        ("0.001", ("0.002",)),
        ("0.052", ("0.05",)),
        ("0.0521", ()),
        ("0", ()),
        ("-0.0001", ()),
        (None, ()),
    ],
)
def test_a_value_goes_to_the_next_rung(value: str | None, expected: tuple[str, ...]) -> None:
    """One step either way, within bounds, and towards the ladder from beside it."""
    assert expected == legal_next(EDGE, value)


def test_rungs_count_from_zero_and_keep_the_bounds() -> None:
    """A bound that is no multiple of the step is no rung."""
    assert ("90", "150") == legal_next(WAIT, "120")
    assert ("60",) == legal_next(WAIT, "30")
    assert ("30",) == legal_next(WAIT, "10")
    assert ("870",) == legal_next(WAIT, "900")


def test_a_ladder_shows_nine_rungs_at_most() -> None:
    """Four on either side of the present value, fewer at an end."""
    assert ("30", "60", "90", "120", "150") == rungs(WAIT, "30")
    assert ("120", "150", "180", "210", "240", "270", "300", "330", "360") == rungs(WAIT, "240")
    assert ("780", "810", "840", "870", "900") == rungs(WAIT, "900")
    assert ("0.008", "0.01") == rungs(EDGE, "0.011")[3:5]
    assert () == rungs(WAIT, None)


def test_a_knob_that_could_not_go_back_within_a_month_never_moves() -> None:
    """Where a step is more than a quarter of the range, nothing is legal."""
    coarse = Knob(low="0", high="3", step="1", unit="tick")

    assert never_moves(coarse)
    assert () == legal_next(coarse, "1")
    assert not never_moves(attrs.evolve(coarse, high="4"))
    assert ("0", "2") == legal_next(attrs.evolve(coarse, high="4"), "1")


def test_directions_and_nearness() -> None:
    """Numbers are compared as numbers, and what is no number is refused."""
    assert (1, -1, 0) == (direction("0.9", "1"), direction("10", "9"), direction("0.50", "0.5"))
    assert closer_than_a_step(EDGE, "0.0501", "0.05")
    assert not closer_than_a_step(EDGE, "0.052", "0.05")
    with pytest.raises(NotExactError):
        direction("a", "1")
    with pytest.raises(NotExactError):
        legal_next(attrs.evolve(EDGE, step="0"), "0.01")


def test_every_knob_is_pinned() -> None:
    """The list is as it was: a knob that appears or becomes wider changes the pinned file too."""
    lines = [f"{path} {k.low} {k.high} {k.step} {k.unit}" for path, k in reference_knobs()]

    assert GOLDEN.read_text(encoding="utf-8").splitlines() == lines


def test_the_page_is_up_to_date() -> None:
    """Run ``python -m market_bot.bootstrap.knob_reference > docs/reference/knobs.md``."""
    assert (ROOT / "docs/reference/knobs.md").read_text(encoding="utf-8") == render()


def test_a_file_with_everything_has_every_knob() -> None:
    """What the settings in force say can be tuned is the pinned list, no more and no less."""
    entries = allowlist().entries

    assert set(pinned()) == set(entries)
    assert all(entry.value is not None for entry in entries.values())


def test_what_is_only_a_default_has_no_next_value() -> None:
    """A knob without a line of its own cannot be turned, although it has a value."""
    data = every_knob_file().replace(b"  kelly_fraction: 0.25\n", b"")
    entry = allowlist(data).get("sizing.kelly_fraction")

    assert entry is not None
    assert ("0.25", ()) == (entry.value, entry.next)


def test_nobody_else_makes_a_change() -> None:
    """Entries and changes cannot be made, nor copied with something else in them."""
    entry = allowlist().get(MIN_EDGE)
    assert entry is not None
    change = entry.change("0.012")

    for cls in (Entry, Change):
        with pytest.raises(TypeError, match="nobody else"):
            cls(file=FILE, path="risk.max_order_usd", before="25", after="50")
    copied: list[Any] = [entry, change]
    for value in copied:
        with pytest.raises(TypeError, match="nobody else"):
            attrs.evolve(value, path="risk.max_order_usd")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        change.path = "risk.max_order_usd"  # type: ignore[misc]  # as one might try


@pytest.mark.parametrize("after", ["0.01", "0.014", "0.0120", " 0.012", "", "1e-2", "nan"])
def test_an_entry_makes_legal_changes_only(after: str) -> None:
    """One step, in the one spelling."""
    entry = allowlist().get(MIN_EDGE)
    assert entry is not None

    with pytest.raises(ValueError, match=r"may become 0\.008 or 0\.012"):
        entry.change(after)


@pytest.mark.parametrize("file", ["../risk.yaml", "kalshi.yml", "Kalshi.yaml", "a/b.yaml", ""])
def test_a_file_is_a_venues(file: str) -> None:
    """A name that leads elsewhere is refused."""
    with pytest.raises(ValueError, match="no file of a knob"):
        allowlist().of(file, _settings())


def _settings() -> Any:
    from market_bot.bootstrap.settings import settings_of  # noqa: PLC0415 - here alone

    return settings_of(parse_venue(every_knob_file(), FILE))


def test_a_sound_draft_becomes_a_proposal() -> None:
    """It keeps its reasons and gets a name by which it is known everywhere."""
    known = facts()
    result = screen([draft()], known)

    assert () == result.dropped
    (proposed,) = result.kept
    change = proposed.change
    assert (FILE, MIN_EDGE, "0.01", "0.012", 1) == (
        change.file,
        change.path,
        change.before,
        change.after,
        change.direction,
    )
    assert proposal_id("kalshi/paper", NIGHT, FINDING, MIN_EDGE, "0.01", "0.012") == proposed.id
    event = proposed.event("c" * 64, {"class": "A"})
    assert "A" == event.card["class"]
    assert ("fewer_bad_entries", "less_loss") == (
        event.card["rationale_code"],
        event.card["expected_effect"],
    )


def test_names_of_proposals_do_not_run_together() -> None:
    """Parts that make the same text in another way make another name."""
    assert proposal_id("a", "b", "c", "d", "1", "2") != proposal_id("a", "bc", "", "d", "1", "2")


BAD_GROUNDS: dict[Reason, dict[str, Any]] = {
    Reason.NOT_CONFIRMED: {"status": Status.SUSPECT},
    Reason.NOT_TUNING: {"kind": Kind.STRUCTURAL},
    Reason.WRONG_DIRECTION: {"directions": {MIN_EDGE: -1}},
}


@pytest.mark.parametrize("reason", BAD_GROUNDS)
def test_the_finding_must_carry_the_change(reason: Reason) -> None:
    """Only a confirmed finding of the right kind, about this knob and this direction."""
    assert [reason.value] == _reasons(draft(), facts(grounds(**BAD_GROUNDS[reason])))


@pytest.mark.parametrize("directions", [{}, {MIN_EDGE: 0}, {"sizing.order_usd": 1}])
def test_a_direction_must_be_said(directions: dict[str, int]) -> None:
    """A knob that the finding does not name, or names both ways, stays."""
    assert ["wrong_direction"] == _reasons(draft(), facts(grounds(directions)))


BAD_DRAFTS = [
    ({"finding": "2026-11-22:family_loser:"}, Reason.UNKNOWN_FINDING),
    ({"path": "risk.max_order_usd"}, Reason.NOT_ALLOWED),
    ({"path": "mode"}, Reason.NOT_ALLOWED),
    ({"path": MIN_EDGE + "\n"}, Reason.NOT_ALLOWED),
    ({"path": "strategies[0].params.min_edge"}, Reason.NOT_ALLOWED),
    ({"before": "0.010"}, Reason.BEFORE_DIFFERS),
    ({"before": "0.012", "after": "0.014"}, Reason.BEFORE_DIFFERS),
    ({"after": "0.014"}, Reason.NOT_A_LEGAL_VALUE),
    ({"after": "0.01"}, Reason.NOT_A_LEGAL_VALUE),
    ({"after": "0.012 "}, Reason.NOT_A_LEGAL_VALUE),
    ({"after": "0.008"}, Reason.WRONG_DIRECTION),
    ({"rationale_code": "because"}, Reason.SCHEMA),
    ({"expected_effect": "riches"}, Reason.SCHEMA),
    ({"rationale": "x" * 601}, Reason.SCHEMA),
    ({"rationale": "turn \u202eit"}, Reason.SCHEMA),
    ({"risk": "two\nlines"}, Reason.SCHEMA),
    ({"rationale": "38 entries lost"}, Reason.UNTOLD_NUMBER),
    ({"risk": "it may cost 5 dollars"}, Reason.UNTOLD_NUMBER),
    ({"rationale": "lost \u0665 dollars"}, Reason.UNTOLD_NUMBER),
    ({"rationale": "lost ½ of it"}, Reason.UNTOLD_NUMBER),
    ({"rationale": "lost 37k"}, Reason.UNTOLD_NUMBER),
    ({"rationale": "lost 2,400 dollars"}, Reason.UNTOLD_NUMBER),
    ({"rationale": "lost 2.4.37"}, Reason.UNTOLD_NUMBER),
    ({"rationale": "lost 2.4e37"}, Reason.UNTOLD_NUMBER),
]


@pytest.mark.parametrize(("changed", "reason"), BAD_DRAFTS, ids=lambda value: repr(value)[:60])
def test_a_bad_draft_is_dropped(changed: dict[str, str], reason: Reason) -> None:
    """Each fault has its code."""
    assert [reason.value] == _reasons(draft(**changed), facts())


def test_told_numbers_may_be_said_in_other_ways() -> None:
    """Units, trailing zeros, thousands and per cent do not make another number."""
    told = numbers_in('{"share": "0.35", "trades": 1200, "ages": [15,30], "id": "E7"}')
    words = "35 % of 1,200 trades (E7) within 15s, 30 min and 0.350."

    assert {"0.35", "1200", "15", "30", "E7"} == told
    assert [] == _reasons(draft(rationale=words, risk=""), facts(told=told))
    assert ["untold_number"] == _reasons(draft(rationale="1530 s", risk=""), facts(told=told))


def test_a_value_that_is_not_set_stays_so() -> None:
    """A knob without a value has no present one to start from."""
    data = every_knob_file().replace(b"  max_depth_share: 0.3\n", b"")
    path = "sizing.max_depth_share"
    known = facts(grounds({path: 1}), allowlist=allowlist(data))

    assert ["not_set"] == _reasons(draft(path=path, before="0.3", after="0.4"), known)


def intended(cause: str = "operator", path: str = MIN_EDGE) -> ev.ChangeIntended:
    """Return the fact that a file is about to be changed."""
    return ev.ChangeIntended(
        change="c1",
        file=FILE,
        path=path,
        before="0.008",
        after="0.01",
        sha_before="a",
        sha_after="b",
        by="x",
        cause=cause,
    )


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (intended(), "cooling"),
        (intended("trial:t1"), "cooling"),
        (
            ev.ConfigChanged(before="a", after="b", config="", by="operator", path=MIN_EDGE),
            "cooling",
        ),
        (
            ev.TrialStarted(trial="t1", proposal="p", path="x", before="1", after="2"),
            "trial_open",
        ),
        (proposal(), "knob_taken"),
    ],
)
def test_there_is_a_time_for_everything(event: ev.Event, reason: str) -> None:
    """What happened lately, or is under way, keeps a knob where it is."""
    queue = heard(Queue(), (NOON - DAY + 1, event))

    assert [reason] == _reasons(draft(), facts(queue=queue))


def test_after_a_day_a_knob_may_move_again() -> None:
    """The cooldown ends after exactly as long as it lasts."""
    queue = heard(Queue(), (NOON - DAY, intended()))

    assert [] == _reasons(draft(), facts(queue=queue))
    assert ["cooling"] == _reasons(draft(), facts(queue=queue, cooldown=DAY + HOUR))


def test_people_and_reverts_keep_a_knob_where_it_is() -> None:
    """What was rejected twice, or taken back, is not asked again for a while."""
    silent = rejected_twice(DAY)
    blocked = heard(
        Memory(),
        (NOON - DAY, proposal()),
        (NOON - DAY, ev.TrialStarted(trial="t", proposal="p1", path="", before="", after="0.012")),
        (NOON - DAY, ev.TrialEnded(trial="t", verdict="revert", reason="worse")),
    )

    assert ["suppressed"] == _reasons(draft(), facts(memory=silent))
    assert ["blocked"] == _reasons(draft(), facts(memory=blocked))
    assert [] == _reasons(draft(), facts(memory=blocked, now=NOON + 6 * DAY))


def test_one_proposal_per_knob_and_three_in_all() -> None:
    """The most promising come first; the others are dropped with their reason."""
    paths = {
        "cooldown.after_exit_seconds": ("300", "0"),
        "sizing.order_usd": ("12", "11"),
        "markets.max_spread": ("0.04", "0.03"),
        "exits.stop_loss.distance": ("0.12", "0.14"),
    }
    many = [
        grounds({path: direction(*values)}, finding=f"{NIGHT}:r{n}:", rule=f"r{n}", cost=f"{n}")
        for n, (path, values) in enumerate(paths.items())
    ]
    drafts = [
        draft(finding=one.finding, path=path, before=before, after=after)
        for one, (path, (before, after)) in zip(many, paths.items(), strict=True)
    ]
    result = screen([*drafts, drafts[-1]], facts(*many))

    assert list(reversed(paths))[:3] == [proposed.change.path for proposed in result.kept]
    assert ["knob_taken", "queue_full"] == sorted(dropped.reason for dropped in result.dropped)


def test_an_advisor_cannot_talk_for_ever() -> None:
    """What comes after the twentieth draft is not looked at."""
    bad = [draft(after="9")] * DRAFTS_MAX

    assert "queue_full" == screen([*bad, draft()], facts()).dropped[-1].reason


GOOD_ITEM = {
    "finding_id": FINDING,
    "path": MIN_EDGE,
    "before": "0.01",
    "after": "0.012",
    "rationale_code": "fewer_bad_entries",
    "rationale": "",
    "expected_effect": "less_loss",
    "risk": "",
}


def test_a_good_answer_is_read() -> None:
    """Drafts come out as they were written."""
    answer = json.loads(json.dumps({"proposals": [GOOD_ITEM], "abstain_reason": ""}))

    assert ((draft(rationale="", risk=""),), 0) == read_drafts(answer)
    assert ((), 0) == read_drafts({"proposals": []})


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "text",
        {},
        {"proposals": {}},
        {"proposals": [], "config": "x"},
        {"proposals": [None]},
        {"proposals": [{**GOOD_ITEM, "mode": "live"}]},
        {"proposals": [{k: v for k, v in GOOD_ITEM.items() if k != "risk"}]},
        {"proposals": [{**GOOD_ITEM, "after": 0.012}]},
        {"proposals": [{**GOOD_ITEM, "after": "0.012\n"}]},
        {"proposals": [{**GOOD_ITEM, "path": "p" * 201}]},
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_does_not_fit_is_counted_and_forgotten(answer: object) -> None:
    """Nothing that is not exactly of the schema becomes a draft."""
    assert ((), 1) == read_drafts(answer)


def test_no_more_than_twenty_drafts_are_read() -> None:
    """The rest is counted as not fitting."""
    drafts, bad = read_drafts({"proposals": [GOOD_ITEM] * 25})

    assert (20, 5) == (len(drafts), bad)


def waiting(**others: Any) -> Any:
    """Return a proposal that waits, and the queue it waits in."""
    queue = heard(Queue(), (NOON, proposal(**others)))
    queue = queue.hear(NOON, enqueue(queue, "p1", now=NOON, card={}))
    return queue.items["p1"], queue


def test_an_approved_proposal_is_judged_again() -> None:
    """Itself it does not stand in its way; what changed since does."""
    item, queue = waiting()
    known = facts(queue=queue, told=None)
    change = check_again(item, known)

    assert isinstance(change, Change)
    assert (MIN_EDGE, "0.012") == (change.path, change.after)
    other = every_knob_file().replace(b"min_edge: 0.010", b"min_edge: 0.012")
    later = attrs.evolve(known, allowlist=allowlist(other))
    assert Reason.BEFORE_DIFFERS is check_again(item, later)
    assert Reason.UNKNOWN_FINDING is check_again(item, attrs.evolve(known, grounds={}))
    cooled = attrs.evolve(known, queue=queue.hear(NOON, intended()))
    assert Reason.COOLING is check_again(item, cooled)


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"file": "polymarket.yaml"}, Reason.NOT_ALLOWED),
        ({"path": "risk.max_order_usd"}, Reason.NOT_ALLOWED),
        ({"after": "0.05"}, Reason.NOT_A_LEGAL_VALUE),
        ({"card": {}}, Reason.SCHEMA),
    ],
)
def test_a_proposal_from_the_journal_is_trusted_no_more(
    others: dict[str, Any], reason: Reason
) -> None:
    """What somebody wrote into the journal passes the same gate."""
    item, queue = waiting(**others)

    assert reason is check_again(item, facts(queue=queue, told=None))


def test_grounds_are_taken_from_a_finding() -> None:
    """Day and week must agree on where a knob should go."""
    from market_bot.core.domain.leaks.api import Finding, Knobbed, Measured  # noqa: PLC0415 - here alone

    day = Measured(
        n=1,
        events=1,
        knobs=(Knobbed(path="a", direction=1), Knobbed(path="b", direction=1)),
    )
    week = Measured(n=1, events=1, knobs=(Knobbed(path="b", direction=-1),))
    finding = Finding(
        id=FINDING,
        rule="entry_threshold",
        version=1,
        night=NIGHT,
        subject="",
        status=Status.CONFIRMED,
        kind=Kind.TUNING,
        day=day,
        week=week,
        p_corrected=None,
        cost_low=NO_MONEY,
        cost_point=NO_MONEY,
        rank=1,
        why="",
        disproof="",
    )

    assert {"a": 1, "b": 0} == Grounds.of(finding).directions


def _reasons(given: Any, known: Any) -> list[str]:
    result = screen([given], known)
    assert 1 == len(result.kept) + len(result.dropped)
    assert all(isinstance(kept, Proposed) for kept in result.kept)
    return [dropped.event().reason for dropped in result.dropped]
