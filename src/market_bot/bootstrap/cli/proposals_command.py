"""``market-bot proposals``: what could be proposed, and what is."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.home_lock import HomeLock
from market_bot.adapters.storage.journal_tools import list_chains
from market_bot.adapters.system.clock import SystemClock
from market_bot.adapters.system.control_socket import ControlClient, NoBotRunning
from market_bot.bootstrap.allowlists import allowlist_of
from market_bot.bootstrap.chain_writer import writing
from market_bot.bootstrap.cli.control_commands import home_of, who
from market_bot.bootstrap.cli.faults import Failure, UsageFault
from market_bot.bootstrap.cli.home_commands import venue_file
from market_bot.bootstrap.knob_reference import reference_knobs
from market_bot.bootstrap.lane_visit import lane_chain
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.proposal_desk import LaneProposals, Proposals
from market_bot.config.loader import read_venue
from market_bot.core.domain.strategies.api import Knob
from market_bot.core.domain.tuning.queue import OPEN
from market_bot.core.ports.desk import NightDesk
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.lane_controls import CommandRefused

_WAITING: Final = frozenset(stage.value for stage in OPEN)
_COLUMNS = ("path", "value", "next", "low", "high", "step", "unit")


def knobs(home: Path, venue: str | None, *, json: bool) -> int:
    """Print every knob there is, or those of a venue's file with what they may become."""
    rows = _declared() if venue is None else _of_file(home, venue)
    if json:
        print(json_module.dumps(rows, indent=2))
        return 0
    shown = [column for column in _COLUMNS if rows and column in rows[0]]
    _table([shown, *([_cell(row[column]) for column in shown] for row in rows)])
    return 0


def _declared() -> list[dict[str, object]]:
    return [_bounds(path, knob) for path, knob in reference_knobs()]


def _of_file(home: Path, venue: str) -> list[dict[str, object]]:
    path = venue_file(home, venue)
    allowlist = allowlist_of(read_venue(path), path.name)
    return [
        {**_bounds(entry.path, entry.knob), "value": entry.value, "next": list(entry.next)}
        for entry in allowlist.entries.values()
    ]


def _bounds(path: str, knob: Knob) -> dict[str, object]:
    return {
        "path": path,
        "low": knob.low,
        "high": knob.high,
        "step": knob.step,
        "unit": knob.unit,
    }


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " or ".join(value) or "–"
    return "–" if value is None else str(value)


def _table(rows: Iterable[Iterable[str]]) -> None:
    lines = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


# -- those that were made ------------------------------------------------------------------------


def show_all(home: Path, *, every: bool, json: bool) -> int:
    """Print the proposals that wait for a person, or all that are known."""
    with _at_hand(home_of(home)) as hands:
        rows = [row for row in hands.listed() if every or row["stage"] in _WAITING]
    if json:
        print(json_module.dumps(rows, indent=2))
    elif not rows:
        print("no proposal waits for you")
    else:
        heads = ("id", "stage", "what", "from", "to", "replay", "until")
        _table([heads, *(_row(row) for row in rows)])
    return 0


def show_one(home: Path, proposal: str, *, json: bool) -> int:
    """Print one proposal: its grounds, its card, and the line it would change."""
    with _at_hand(home_of(home)) as hands:
        told = dict(hands.show(proposal))
    told.pop("token", None)
    if json:
        print(json_module.dumps(told, indent=2))
    else:
        for line in _lines(told):
            print(plain(line))
    return 0


def approve(home: Path, proposal: str, *, yes: bool, json: bool) -> int:
    """Show the exact change, ask, and have it made."""
    with _at_hand(home_of(home)) as hands:
        told = hands.show(proposal)
        if "token" not in told:
            msg = f"proposal {proposal} cannot be approved: {told.get('not_now', told['stage'])}"
            raise Failure(msg)
        if not yes:
            for line in _lines(told):
                print(plain(line), file=sys.stderr)
            if not _agreed():
                msg = "nothing was changed"
                raise Failure(msg)
        done = hands.approve(proposal, str(told["token"]), who())
    if json:
        print(json_module.dumps(done))
    else:
        print(plain(f"{told['file']}: {told['path']} is {told['after']} now"))
    return 0


def reject(home: Path, proposal: str, reason: str, note: str, *, json: bool) -> int:
    """Turn a proposal down, with a reason that the bot learns from."""
    with _at_hand(home_of(home)) as hands:
        done = hands.reject(proposal, reason, note, who())
    print(json_module.dumps(done) if json else f"proposal {proposal} is rejected")
    return 0


class _Asked(NightDesk):
    """The running bot, asked over its socket."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def evaluate(self, chain: str) -> None:
        self._client.ask("evaluate", chain=chain or "all")

    def listed(self) -> Sequence[Mapping[str, object]]:
        rows: Sequence[Mapping[str, object]] = self._client.ask("proposals")["proposals"]
        return rows

    def show(self, proposal: str) -> Mapping[str, object]:
        return _answer(self._client.ask("proposal", proposal=proposal))

    def approve(self, proposal: str, token: str, by: str) -> Mapping[str, object]:
        return _answer(self._client.ask("approve", proposal=proposal, token=token, by=by))

    def reject(self, proposal: str, reason: str, note: str, by: str) -> Mapping[str, object]:
        told = {"proposal": proposal, "reason": reason, "note": note, "by": by}
        return _answer(self._client.ask("reject", **told))


@contextmanager
def _at_hand(home: Home) -> Iterator[NightDesk | Proposals]:
    """Yield the running bot's proposals, or those of the journals if no bot runs."""
    client = ControlClient(home.control_socket)
    try:
        client.ask("proposals")
    except NoBotRunning:
        pass
    else:
        yield _Asked(client)
        return
    with HomeLock(home.lock_file), ExitStack() as stack:
        lanes = []
        for chain in _newest_lanes(home):
            writer = stack.enter_context(writing(home, chain, SystemClock()))
            lanes.append(LaneProposals.of(home, chain, writer))
        try:
            yield Proposals(lambda: lanes)
        except CommandRefused as e:
            raise Failure(str(e)) from e


def _newest_lanes(home: Home) -> list[Chain]:
    """Return the lane of every venue that was traded last."""
    venues = dict.fromkeys(chain.venue for chain in list_chains(home.journal_dir))
    found = [lane_chain(home, venue) for venue in venues if home.venue_file(venue).is_file()]
    return [chain for chain in found if chain is not None]


def _agreed() -> bool:
    if not sys.stdin.isatty():
        msg = "not asked, since this is no terminal: add --yes to approve what `show` shows"
        raise UsageFault(msg)
    return input("make this change? [y/N] ").strip().lower() in ("y", "yes")


def _answer(told: dict[str, Any]) -> dict[str, object]:
    return {key: value for key, value in told.items() if key != "ok"}


def _row(row: Mapping[str, Any]) -> list[str]:
    until = (row["expires_at"] or "")[:16]
    verdict = row["card"].get("verdict", "")
    return [row["id"], row["stage"], row["path"], row["before"], row["after"], verdict, until]


def _lines(told: Mapping[str, Any]) -> list[str]:
    lines = [
        f"proposal {told['id']} of {told['chain']}: {told['stage']}",
        f"  {told['path']}: {told['before']} becomes {told['after']} in {told['file']}",
        f"  because of {told['finding']} (advisor: {told['advisor']})",
        f"  {told['rationale']}",
    ]
    if "line" in told:
        lines += [
            f"  line {told['line']}:",
            f"    - {told['old_line']}",
            f"    + {told['new_line']}",
        ]
    if "not_now" in told:
        lines.append(f"  not now: {told['not_now']}")
    if told["reason"]:
        lines.append(f"  {told['stage']} by {told['by']}: {told['reason']} {told['note']}".rstrip())
    lines += [f"  {name.replace('_', ' ')}: {text}" for name, text in told["card"].items() if text]
    return lines
