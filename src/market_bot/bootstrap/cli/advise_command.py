"""``market-bot advise``: what leaks, and what an advisor would change; nothing is queued."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Any, Final

import attrs

from market_bot.adapters.storage import journal_tools as tools
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.system.clock import SystemClock
from market_bot.bootstrap.advising import Advising, advise_now
from market_bot.bootstrap.advisors import advisor_of
from market_bot.bootstrap.cli.faults import Failure
from market_bot.bootstrap.cli.home_commands import venue_file
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.summary import dollars
from market_bot.config.loader import load_bot
from market_bot.core.domain.leaks.api import Finding, Measured, Status
from market_bot.core.domain.numbers import SECOND, format_money, format_time
from market_bot.core.domain.tuning.proposal import Dropped, Proposed
from market_bot.core.ports.advisor import Advice, Silence
from market_bot.core.ports.journal import Chain

_LANES: Final = ("tape", "sim", "paper", "live")
_SEEN: Final = (Status.CONFIRMED, Status.SUSPECT)
_REMEDY: Final = {
    Silence.NO_KEY: "add a line ANTHROPIC_API_KEY=… to the file .env of the home",
    Silence.REJECTED: "check advisor.model in bot.yaml, and ANTHROPIC_API_KEY in .env",
    Silence.OVER_BUDGET: "advisor.max_cost_usd of bot.yaml is spent for today, or too little",
    Silence.UNREACHABLE: "check the connection, or advisor.base_url in bot.yaml",
    Silence.TRUNCATED: "raise advisor.max_tokens in bot.yaml",
}


def advise(home: Path, venue: str | None, *, json: bool) -> int:
    """Print the findings of a lane's last day, and proposals that pass the first layer."""
    place = Home(home)
    if venue is not None:
        venue_file(home, venue)
    advisor = advisor_of(load_bot(place.bot_file).advisor, place, SystemClock())
    found = advise_now(place, _lane(place, venue), advisor)
    if json:
        print(json_module.dumps(_data(found)))
    else:
        _tell(found)
    return 0


def _lane(home: Home, venue: str | None) -> Chain:
    """Return the lane written last, of one venue or of any.

    Raises:
        Failure: if there is none.

    """
    known = [
        chain
        for chain in tools.list_chains(home.journal_dir)
        if chain.lane in _LANES and venue in (None, chain.venue)
    ]
    if not known:
        msg = f"{home.journal_dir}: there is no journal yet: `market-bot run` writes one"
        raise Failure(msg)
    return max(known, key=lambda chain: _written(chain_folder(home.journal_dir, chain)))


def _written(folder: Path) -> float:
    return max((path.stat().st_mtime for path in folder.glob("*.jsonl")), default=0.0)


# -- for people ----------------------------------------------------------------------------------


def _tell(found: Advising) -> None:
    review, advised = found.review, found.advised
    lines = [f"{found.chain}: the day until {format_time(review.until)[:19]}Z"]
    for finding in review.findings:
        if finding.status in _SEEN:
            lines += _finding_lines(finding)
    for status in (Status.OK, Status.INSUFFICIENT):
        names = [one.rule for one in review.findings if one.status is status]
        if names:
            lines.append(f"  {status.value}: {', '.join(names)}")
    lines += [f"  {rule} could not be measured ({error})" for rule, error in review.failed.items()]
    lines += _advice_lines(advised.advice)
    for proposed in advised.screened.kept:
        lines += _proposal_lines(proposed)
    for dropped in advised.screened.dropped:
        lines.append(f"  not proposed: {dropped.path} -> {dropped.after} ({dropped.reason})")
    lines.append("nothing was queued or changed")
    for line in lines:
        print(plain(line))


def _finding_lines(finding: Finding) -> list[str]:
    subject = f" {finding.subject}" if finding.subject else ""
    low, point = dollars(finding.cost_low), dollars(finding.cost_point)
    what = f"{finding.status.value}: {finding.rule}{subject} ({finding.kind.value})"
    return [
        f"  {what} costs at least {low} a day, probably {point}",
        f"      {finding.why}",
    ]


def _advice_lines(advice: Advice) -> list[str]:
    lines = []
    if advice.instead_of is not None:
        remedy = _REMEDY.get(advice.instead_of)
        said = f"the language model was no help ({advice.instead_of.value})"
        lines.append(f"{said}: {remedy}" if remedy else said)
    model = f" ({advice.model})" if advice.model else ""
    match advice.silence:
        case None:
            lines.append(f"{advice.advisor}{model} would change:")
        case Silence.NOTHING_TO_TURN:
            lines.append("no finding is confirmed that a knob could mend now")
        case _:
            lines.append(f"{advice.advisor}{model} proposes nothing: {advice.silence.value}")
    if advice.reason:
        lines.append(f"      {advice.reason}")
    if advice.cost:
        count = advice.tokens_in + advice.tokens_out
        lines.append(f"      asking cost at most {dollars(advice.cost)}, {count:,} tokens")
    return lines


def _proposal_lines(proposed: Proposed) -> list[str]:
    change = proposed.change
    why = f"{proposed.rationale_code.value}, {proposed.expected_effect.value}"
    return [
        f"  {change.path}: {change.before} -> {change.after} ({why})",
        f"      {proposed.rationale}",
    ]


# -- for scripts ---------------------------------------------------------------------------------


def _data(found: Advising) -> dict[str, Any]:
    review, advice = found.review, found.advised.advice
    return {
        "chain": str(found.chain),
        "night": review.night,
        "since": format_time(review.since),
        "until": format_time(review.until),
        "findings": [_finding_data(finding) for finding in review.findings],
        "failed": dict(review.failed),
        "advice": {
            "advisor": advice.advisor,
            "model": advice.model,
            "silence": None if advice.silence is None else advice.silence.value,
            "instead_of": None if advice.instead_of is None else advice.instead_of.value,
            "reason": advice.reason,
            "cost": format_money(advice.cost),
            "tokens_in": advice.tokens_in,
            "tokens_out": advice.tokens_out,
            "prompt": advice.prompt,
            "seconds": round(advice.took / SECOND, 3),
        },
        "proposals": [_proposal_data(one) for one in found.advised.screened.kept],
        "dropped": [_dropped_data(one) for one in found.advised.screened.dropped],
    }


def _finding_data(finding: Finding) -> dict[str, Any]:
    return {
        "finding": finding.id,
        "rule": finding.rule,
        "subject": finding.subject,
        "status": finding.status.value,
        "kind": finding.kind.value,
        "rank": finding.rank,
        "nights_seen": finding.nights_seen,
        "p_corrected": finding.p_corrected,
        "cost_low": format_money(finding.cost_low),
        "cost_point": format_money(finding.cost_point),
        "why": finding.why,
        "disproof": finding.disproof,
        "day": _measure_data(finding.day),
        "week": _measure_data(finding.week),
    }


def _measure_data(measured: Measured) -> dict[str, Any]:
    return {
        "n": measured.n,
        "events": measured.events,
        "missing": measured.missing,
        "estimate": measured.estimate,
        "low": measured.low,
        "high": measured.high,
        "unit": measured.unit,
        "p": measured.p,
        "evidence": list(measured.evidence),
        "knobs": {knob.path: knob.direction for knob in measured.knobs},
    }


def _proposal_data(proposed: Proposed) -> dict[str, Any]:
    change = proposed.change
    return {
        "id": proposed.id,
        "finding": proposed.finding,
        "file": change.file,
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "rationale_code": proposed.rationale_code.value,
        "rationale": proposed.rationale,
        "expected_effect": proposed.expected_effect.value,
        "advisor": proposed.advisor,
    }


def _dropped_data(dropped: Dropped) -> dict[str, Any]:
    return attrs.asdict(dropped)
