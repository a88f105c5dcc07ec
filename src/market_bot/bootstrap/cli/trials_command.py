"""``market-bot trials``: changes under watch, and what came of them."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from market_bot.bootstrap.cli.control_commands import home_of
from market_bot.bootstrap.cli.faults import Failure
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.trial_rows import scores, trial_rows

_SECONDS = 19


def show_all(home: Path, *, json: bool) -> int:
    """Print every trial in the journals, the newest last."""
    rows = trial_rows(home_of(home))
    if json:
        kept = ("terms", "checks")
        told = [{k: value for k, value in row.items() if k not in kept} for row in rows]
        print(json_module.dumps(told, indent=2))
        return 0
    for row in rows:
        print(plain(_line(row)))
    if not rows:
        print("no change was ever tried: a trial begins when a proposal is approved")
    return 0


def show_one(home: Path, trial: str, *, json: bool) -> int:
    """Print one trial: its terms, its checks in words, its end and its results."""
    rows = trial_rows(home_of(home))
    found = next((row for row in rows if row["id"] == trial), None)
    if found is None:
        msg = f"there is no trial {trial[:40]!r}: `market-bot trials list` shows them"
        raise Failure(msg)
    if json:
        print(json_module.dumps(found, indent=2))
        return 0
    for line in _lines(found):
        print(plain(line))
    return 0


def scorecard(home: Path, *, json: bool) -> int:
    """Print how good each proposer was."""
    told = scores(home_of(home))
    if json:
        print(json_module.dumps(told, indent=2))
        return 0
    for score in told:
        print(plain(_score(score)))
    if not told:
        print("no change was ever tried")
    return 0


def _line(row: Mapping[str, Any]) -> str:
    verdict = row["verdict"] or "under watch"
    reason = f" ({row['reason']})" if row["reason"] else ""
    when = row["started_at"][:_SECONDS]
    change = f"{row['path']} {row['before']} to {row['after']}"
    return f"{row['id']}  {when}  {row['chain']}  {change}  {verdict}{reason}"


def _lines(row: Mapping[str, Any]) -> Iterator[str]:
    yield _line(row)
    yield f"  proposal {row['proposal']}, because of {row['finding'] or 'an unknown finding'}"
    terms = row["terms"]
    shown = ("budget", "ratio", "shadow", "trades", "placebos", "limit")
    yield "  begun with " + ", ".join(f"{name} {terms[name]}" for name in shown if name in terms)
    for check in row["checks"]:
        words = check["numbers"].get("words", "")
        yield f"  {check['at'][:_SECONDS]} minute {check['minute']}: {check['verdict']}: {words}"
    if row["ended_at"]:
        yield f"  ended {row['ended_at'][:_SECONDS]}: {row['verdict']} ({row['reason']})"
    if row["blocked_until"]:
        yield f"  not proposed again until {row['blocked_until'][:_SECONDS]}"
    for one in row["outcomes"]:
        gain = "could not be told" if one["gain"] is None else f"{one['gain']} dollars a day"
        between = "" if one["low"] is None else f", between {one['low']} and {one['high']}"
        yield f"  after {one['hours']} hours: {gain}{between}"


def _score(score: Mapping[str, Any]) -> str:
    counts = ("trials", "running", "kept", "reverted", "superseded", "hits", "misses")
    told = ", ".join(f"{score[name]} {name}" for name in counts)
    share, gain = score["hit_share"], score["gain_usd_a_day"]
    if share is not None:
        told += f"; hits {share[0]:.0%} ({share[1]:.0%} to {share[2]:.0%})"
    if gain is not None:
        told += f"; kept changes: {gain[0]} dollars a day ({gain[1]} to {gain[2]})"
    return f"{score['advisor'] or 'unknown'}: {told}"
