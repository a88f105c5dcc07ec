"""Trials as people see them, read from the journals; a bot may run beside it."""

from __future__ import annotations

from typing import Any, Final

from market_bot.adapters.storage.codec import event_data
from market_bot.adapters.storage.fact_finder import FactFinder
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.journal_tools import list_chains
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros, format_money, format_time, money
from market_bot.core.domain.rollback.scorecard import Score, Tried, scorecard
from market_bot.core.ports.journal import Chain, Entry

_TYPES: Final = frozenset(
    kind.TYPE
    for kind in (ev.Proposal, ev.TrialStarted, ev.TrialChecked, ev.TrialEnded, ev.TrialOutcome)
)
_WEEK_HOURS: Final = 168

Row = dict[str, Any]


def trial_rows(home: Home) -> list[Row]:
    """Return every trial in the journals, the oldest first.

    Raises:
        JournalError: if a line about one is not sound.

    """
    rows = [row for chain in list_chains(home.journal_dir) for row in _rows(home, chain)]
    return sorted(rows, key=lambda row: (row["started_at"], row["id"]))


def _rows(home: Home, chain: Chain) -> list[Row]:
    rows: dict[str, Row] = {}
    proposals: dict[str, ev.Proposal] = {}
    for entry in FactFinder(chain_folder(home.journal_dir, chain)).find(_TYPES):
        match entry.event:
            case ev.Proposal() as made:
                proposals[made.proposal] = made
            case ev.TrialStarted() as started:
                row = _begun(chain, entry.at, started, proposals.get(started.proposal))
                rows[started.trial] = row
            case (
                ev.TrialChecked(trial=trial)
                | ev.TrialEnded(trial=trial)
                | ev.TrialOutcome(trial=trial)
            ) if trial in rows:
                _go_on(rows[trial], entry)
            case _:
                pass
    return list(rows.values())


def _begun(chain: Chain, at: Micros, started: ev.TrialStarted, made: ev.Proposal | None) -> Row:
    return {
        "id": started.trial,
        "chain": str(chain),
        "proposal": started.proposal,
        "finding": "" if made is None else made.finding,
        "advisor": "" if made is None else made.advisor,
        "path": started.path,
        "before": started.before,
        "after": started.after,
        "started_at": format_time(at),
        "terms": dict(started.baseline),
        "checks": [],
        "verdict": None,
        "reason": "",
        "ended_at": None,
        "blocked_until": None,
        "outcomes": [],
    }


def _go_on(row: Row, entry: Entry) -> None:
    match entry.event:
        case ev.TrialChecked() as checked:
            told = {"at": format_time(entry.at), "minute": checked.minute}
            numbers = dict(checked.numbers)
            row["checks"].append({**told, "verdict": checked.verdict, "numbers": numbers})
        case ev.TrialEnded(blocked_until=until) as ended:
            row["verdict"], row["reason"] = ended.verdict, ended.reason
            row["ended_at"] = format_time(entry.at)
            row["blocked_until"] = None if until is None else format_time(until)
        case ev.TrialOutcome() as outcome:
            told = event_data(outcome)
            row["outcomes"].append(
                {name: told.get(name) for name in ("hours", "gain", "low", "high")}
            )
        case _:
            pass


def scores(home: Home) -> list[Row]:
    """Return the score of every proposer.

    Raises:
        JournalError: if a line about a trial is not sound.

    """
    return [_score(score) for score in scorecard(map(_tried, trial_rows(home)))]


def _tried(row: Row) -> Tried:
    week: Row = next((one for one in row["outcomes"] if one["hours"] == _WEEK_HOURS), {})
    known = {name: week.get(name) for name in ("gain", "low", "high")}
    amounts = {name: None if text is None else money(text) for name, text in known.items()}
    return Tried(advisor=row["advisor"], verdict=row["verdict"] or "", **amounts)


def _score(score: Score) -> Row:
    return {
        "advisor": score.advisor,
        "trials": score.trials,
        "running": score.running,
        "kept": score.kept,
        "reverted": score.reverted,
        "superseded": score.superseded,
        "hits": score.hits,
        "misses": score.misses,
        "hit_share": None if score.share is None else [round(one, 3) for one in score.share],
        "gain_usd_a_day": None if score.gain is None else [format_money(m) for m in score.gain],
    }
