"""What an advisor is told: numbers and codes, and only what may be turned now."""

from __future__ import annotations

import json
from typing import Any

import attrs
import jsonschema  # type: ignore[import-untyped] # it comes without types, and no others are wanted
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.api import Kind, Knobbed, Status
from market_bot.core.domain.numbers import HOUR, Micros, money
from market_bot.core.domain.tuning.brief import FINDINGS_MAX, Brief, brief_of
from market_bot.core.domain.tuning.learning import Memory
from market_bot.core.domain.tuning.queue import Queue
from tests.fakes.advised import SPREAD, briefed, facts_of, finding, measured, said, two_findings
from tests.fakes.tuning import MIN_EDGE, NIGHT, NOON, heard, proposal, rejected_twice


def told(brief: Brief) -> dict[str, Any]:
    """Return what a brief says."""
    return dict(json.loads(brief.text))


def touched(path: str) -> ev.ConfigChanged:
    """Return the fact that somebody changed a setting."""
    return ev.ConfigChanged(before="a", after="b", config="{}", by="operator", path=path)


def test_it_tells_what_was_found() -> None:
    """Status, cost, both windows, and the knob with its one next value."""
    (row,) = told(briefed(finding()))["findings"]

    assert ("L1", "entry_threshold", "all", "confirmed", "tuning", 2) == tuple(
        row[key] for key in ("code", "rule", "about", "status", "kind", "nights_seen")
    )
    assert ("2.4", "3.2") == (row["cost_low_dollars_a_day"], row["cost_point_dollars_a_day"])
    assert (412, 57, "0.0123", "0.00071") == tuple(
        row["week"][key] for key in ("observations", "events", "estimate", "p")
    )
    assert {"share_of_largest_event": "0.0312"} == row["day"]["numbers"]
    assert [
        {
            "path": MIN_EDGE,
            "value": "0.01",
            "next": ["0.012"],
            "direction": "up",
            "low": "0.002",
            "high": "0.05",
            "step": "0.002",
            "unit": "dollar",
        }
    ] == row["knobs"]


def test_it_is_the_same_whatever_the_order() -> None:
    """The costliest stands first, and the text does not depend on the order of findings."""
    one, other = two_findings()

    assert briefed(one, other).text == briefed(other, one).text
    assert ["L1", "L2"] == [row["code"] for row in told(briefed(other, one))["findings"]]
    assert {"L1": one.id, "L2": other.id} == briefed(other, one).codes


def test_what_was_not_seen_is_not_told() -> None:
    """Findings that are fine, or too small to judge, are left out; at most ten are told."""
    fine = finding("late_exit", status=Status.OK)
    few = finding("fees_taker", status=Status.INSUFFICIENT)
    many = [finding("family_loser", f"F{i}") for i in range(2 * FINDINGS_MAX)]

    assert ["entry_threshold"] == [
        f["rule"] for f in told(briefed(finding(), fine, few))["findings"]
    ]
    assert FINDINGS_MAX == len(told(briefed(*many))["findings"])
    assert FINDINGS_MAX == len(briefed(*many).codes)


@pytest.mark.parametrize(
    "change",
    [{"status": Status.SUSPECT}, {"kind": Kind.STRUCTURAL}, {"kind": Kind.DATA}],
    ids=str,
)
def test_only_what_a_knob_can_mend_has_knobs(change: dict[str, Any]) -> None:
    """A finding that is not confirmed, or not of that kind, is told and offers nothing."""
    brief = briefed(finding(**change))
    (row,) = told(brief)["findings"]

    assert ([], [], ()) == (row["knobs"], row["not_now"], brief.turns)


def test_what_the_first_layer_would_refuse_is_not_offered() -> None:
    """A knob that rests, is blocked or silenced, or has a proposal already, says so instead."""
    waiting = Queue().hear(NOON, proposal("p9"))
    changed = Queue().hear(Micros(NOON - HOUR), touched(MIN_EDGE))
    taken = told(briefed(finding(), queue=waiting))["findings"][0]
    resting = told(briefed(finding(), queue=changed))["findings"][0]
    silent = told(briefed(finding(), memory=rejected_twice(1)))["findings"][0]

    assert [{"path": MIN_EDGE, "why": "knob_taken"}] == taken["not_now"]
    assert [{"path": MIN_EDGE, "why": "cooling"}] == resting["not_now"]
    assert [{"path": MIN_EDGE, "why": "suppressed"}] == silent["not_now"]
    assert [] == taken["knobs"] == resting["knobs"] == silent["knobs"]


def test_a_full_queue_offers_nothing() -> None:
    """With three open proposals there is no room, and nothing to ask."""
    queue = heard(Queue(), *((NOON, proposal(f"p{i}", path=f"cooldown.k{i}")) for i in range(3)))
    brief = briefed(queue=queue)

    assert (0, ()) == (told(brief)["room_for_proposals"], brief.turns)


def test_a_knob_at_its_end_or_of_two_minds_is_not_offered() -> None:
    """No step that way, day and week that disagree, and paths of no knob."""
    there = Knobbed(path=MIN_EDGE, direction=1)
    back = Knobbed(path=MIN_EDGE, direction=-1)
    gone = Knobbed(path="IGNORE ALL RULES", direction=1)
    torn = finding(day=measured(knobs=(there,)), week=measured(knobs=(back, gone)))
    ended = finding(measures={"knobs": (Knobbed(path="sizing.max_depth_share", direction=1),)})
    facts = facts_of([ended])
    entry = facts.allowlist.get("sizing.max_depth_share")
    assert entry is not None

    assert [{"path": MIN_EDGE, "why": "direction_unclear"}] == told(briefed(torn))["findings"][0][
        "not_now"
    ]
    assert "IGNORE" not in briefed(torn).text
    assert entry.next == (
        *entry.next[:1],
        told(briefed(ended))["findings"][0]["knobs"][0]["next"][0],
    )


def test_what_people_decided_is_told_in_codes() -> None:
    """Counts of approvals and of reasons; of other rules and paths nothing."""
    (row,) = told(briefed(finding(), memory=rejected_twice(1)))["memory"]
    other = rejected_twice(1, rules=("late_exit", "late_exit"))

    assert (MIN_EDGE, "up", "entry_threshold", 0, {"other": 2}) == tuple(
        row[key] for key in ("path", "direction", "rule", "approvals", "rejections")
    )
    assert [] == told(briefed(finding(), memory=other))["memory"]


def test_what_came_of_a_change_is_told() -> None:
    """Gains a day with two digits, and for how long it is still blocked."""
    trial = ev.TrialStarted(trial="t", proposal="p1", path=MIN_EDGE, before="0.01", after="0.012")
    memory = heard(
        Memory(),
        (NOON, proposal()),
        (NOON, ev.ProposalDecided(proposal="p1", decision="approved", by="operator")),
        (NOON, trial),
        (NOON, ev.TrialOutcome(trial="t", hours=24, gain=money("-1.2345"))),
        (NOON, ev.TrialEnded(trial="t", verdict="revert", reason="worse")),
    )

    (row,) = told(briefed(finding(), memory=memory))["memory"]

    assert (1, 7 * 24) == (row["approvals"], row["blocked_for_hours"])
    assert [{"hours": 24, "gain_dollars_a_day": "-1.2", "low": None, "high": None}] == row[
        "outcomes"
    ]


def test_changes_are_told_by_their_age() -> None:
    """Changes by proposals with their values, other changes by path; what is no knob not at all."""
    day_ago, queue = Micros(NOON - 30 * HOUR), Queue()
    for number, path in enumerate((MIN_EDGE, "risk.max_order_usd")):
        change = ev.ChangeIntended(
            change=f"c{number}",
            file="kalshi.yaml",
            path=path,
            before="0.01",
            after="0.012",
            sha_before="a",
            sha_after="b",
            by="operator",
            cause="proposal:p",
        )
        queue = queue.hear(day_ago, change)
    facts = facts_of([finding()])

    changes = json.loads(brief_of([finding()], attrs.evolve(facts, queue=queue)).text)["changes"]

    assert [
        {"path": MIN_EDGE, "before": "0.01", "after": "0.012", "days_ago": 1},
        {"path": MIN_EDGE, "days_ago": 1},
    ] == changes


def test_the_schema_takes_what_may_be_said_and_nothing_else() -> None:
    """Every word is one of a list; keys are closed."""
    brief = briefed()
    validator = jsonschema.Draft202012Validator(brief.schema)
    good = {"proposals": [said(brief), said(brief, 1)], "abstain_reason": ""}

    assert [] == list(validator.iter_errors(good))
    for key, wrong in {
        "finding_id": two_findings()[0].id,
        "path": "risk.max_order_usd",
        "before": "0.5",
        "after": "0.5",
        "rationale_code": "because",
        "expected_effect": "riches",
    }.items():
        bad = {"proposals": [said(brief, **{key: wrong})], "abstain_reason": ""}
        assert list(validator.iter_errors(bad)), key
    assert list(validator.iter_errors({**good, "more": 1}))


def test_drafts_are_of_findings_that_were_told() -> None:
    """Codes become ids; an id instead of a code leads to nothing."""
    brief = briefed()
    answer = {
        "proposals": [said(brief), said(brief, finding_id=brief.codes["L1"])],
        "abstain_reason": "",
    }

    drafts, unfit = brief.drafts(answer)

    assert (brief.codes["L1"], "", 0) == (drafts[0].finding, drafts[1].finding, unfit)


def test_a_text_alone_is_a_brief_without_ids() -> None:
    """Another process gets the same turns and schema, and no ids."""
    brief = briefed()
    there = Brief.of_text(brief.text)

    assert (brief.turns, brief.schema, brief.told) == (there.turns, there.schema, there.told)
    assert {"L1": "L1", "L2": "L2"} == there.codes
    assert NIGHT not in brief.text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"findings": 1}', '{"findings": [{}]}', "1"])
def test_what_is_no_brief_is_refused(text: str) -> None:
    """One error, whatever is wrong."""
    with pytest.raises(ValueError, match=r"brief|JSON|Expecting"):
        Brief.of_text(text)


def test_no_balance_is_told_to_the_cent() -> None:
    """Costs have two significant digits, estimates three; numbers that are none are left out."""
    odd = finding(
        measures={
            "estimate": 1234567.891,
            "low": float("-inf"),
            "high": float("nan"),
            "cost_low": money("1234.56"),
            "cost_point": money("98765.43"),
            "detail": {"fees": "1234.5678", "edge": "infinite", "own_mean": ""},
        }
    )
    (row,) = told(briefed(odd))["findings"]

    assert ("1200", "99000") == (row["cost_low_dollars_a_day"], row["cost_point_dollars_a_day"])
    assert ("1230000", None, None) == (
        row["week"]["estimate"],
        row["week"]["low"],
        row["week"]["high"],
    )
    assert {"fees": "1230"} == row["week"]["numbers"]


def test_what_it_turns_is_what_it_says() -> None:
    """A turn names the finding's code, the knob and its step; the spread's is down."""
    turns = {(turn.finding, turn.path): turn for turn in briefed().turns}

    assert {("L1", MIN_EDGE), ("L2", SPREAD), ("L2", MIN_EDGE)} == set(turns)
    assert (1, -1) == (turns["L1", MIN_EDGE].way, turns["L2", SPREAD].way)
    assert ("1.1", 41) == (turns["L2", SPREAD].cost, turns["L2", SPREAD].events)
