"""A night's report: plain data that a page, a command and a test read alike."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from market_bot.adapters.storage.home import Home
from market_bot.bootstrap.night_page import page_of
from market_bot.core.domain.leaks.api import Finding
from market_bot.core.domain.leaks.judge import Reconciliation, Review
from market_bot.core.domain.numbers import format_money, format_time
from market_bot.core.domain.tuning.diagnosis import Diagnosis
from market_bot.core.ports.advisor import Advice
from market_bot.core.ports.journal import Chain
from market_bot.core.ports.replays import NotReplayed, Replayed
from market_bot.core.usecases.propose_changes import Offered, Outcome
from market_bot.core.usecases.review_leaks import best_of

FORMAT: Final = 1
BYTES_MAX: Final = 4 << 20


def report_data(review: Review, outcome: Outcome | None = None) -> dict[str, Any]:
    """Return a night's report as far as the night is."""
    findings = review.findings if outcome is None else outcome.findings
    diagnoses = {} if outcome is None else outcome.diagnoses
    report: dict[str, Any] = {
        "format": FORMAT,
        "night": review.night,
        "chain": review.chain,
        "since": format_time(review.since),
        "until": format_time(review.until),
        "findings": [_finding(one, diagnoses.get(one.id)) for one in findings],
        "day": _reconciled(review.day),
        "week": _reconciled(review.week),
        "not_measured": dict(review.failed),
        "cut": review.cut,
    }
    if outcome is not None:
        report |= {
            "replay": _replay(outcome.replayed),
            "advice": _advice(outcome.advice),
            "proposals": [_offered(one) for one in outcome.offered],
            "not_proposed": [
                {"path": one.path, "after": one.after, "layer": one.layer, "reason": one.reason}
                for one in outcome.dropped
            ],
        }
    return report


def report_path(home: Home, chain: Chain, night: str) -> Path:
    """Return where the report of a night lies; the page lies beside it as ``.html``."""
    name = "-".join(part for part in (night, chain.venue, chain.lane, chain.run) if part)
    return home.path / "reports" / f"{name}.json"


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write a report and its page, each whole or not at all.

    Raises:
        OSError: if that failed.

    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _replace(path, json.dumps(report, indent=1, ensure_ascii=False))
    _replace(path.with_suffix(".html"), page_of(report))


def _replace(path: Path, text: str) -> None:
    aside = path.with_suffix(f"{path.suffix}.tmp")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    aside.replace(path)


def _finding(one: Finding, diagnosis: Diagnosis | None) -> dict[str, Any]:
    best = best_of(one)
    told: dict[str, Any] = {
        "id": one.id,
        "rank": one.rank,
        "rule": one.rule,
        "version": one.version,
        "subject": one.subject,
        "status": one.status.value,
        "kind": one.kind.value,
        "cost_low": format_money(one.cost_low),
        "cost_point": format_money(one.cost_point),
        "n": best.n,
        "events": best.events,
        "missing": best.missing,
        "unit": best.unit,
        "estimate": best.estimate,
        "low": best.low,
        "high": best.high,
        "p": best.p,
        "p_corrected": one.p_corrected,
        "knobs": [{"path": knob.path, "direction": knob.direction} for knob in best.knobs],
        "evidence": list(best.evidence),
        "nights_seen": one.nights_seen,
        "why": one.why,
        "disproof": one.disproof,
    }
    if diagnosis is not None:
        told["diagnosis"] = {
            "kind": diagnosis.kind.value,
            "why": diagnosis.why,
            "saved_per_day": dict(diagnosis.numbers),
        }
    return told


def _reconciled(one: Reconciliation) -> dict[str, Any]:
    return {
        "realised": format_money(one.realised),
        "explained": {name: format_money(amount) for name, amount in one.explained.items()},
        "rest": format_money(one.rest),
    }


def _replay(replayed: Replayed | NotReplayed | None) -> dict[str, Any]:
    if replayed is None:
        return {"why": "nothing was to be replayed"}
    if isinstance(replayed, NotReplayed):
        return {"why": replayed.why}
    fidelity = replayed.fidelity
    return {
        "days": list(replayed.days),
        "left_out": list(replayed.training),
        "variants": len(replayed.variants),
        "fidelity_ppm": None if fidelity is None else fidelity.share_ppm,
        "trusted": replayed.trusted,
        "notes": list(replayed.notes) + ([fidelity.note] if fidelity and fidelity.note else []),
    }


def _advice(advice: Advice | None) -> dict[str, Any]:
    if advice is None:
        return {}
    return {
        "advisor": advice.advisor,
        "drafts": len(advice.drafts),
        "unfit": advice.unfit,
        "silence": None if advice.silence is None else advice.silence.value,
        "reason": advice.reason,
        "cost": format_money(advice.cost),
        "model": advice.model,
        "prompt": advice.prompt,
    }


def _offered(one: Offered) -> dict[str, Any]:
    proposed, change = one.proposed, one.proposed.change
    return {
        "id": proposed.id,
        "finding": proposed.finding,
        "file": change.file,
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "rationale": proposed.rationale,
        "card": dict(one.card.fields),
        "dropped": one.dropped,
    }
