"""Journals as the dashboard shows them: searched, explained, and one line with its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from market_bot.adapters.storage.codec import CodecError, decode_event
from market_bot.adapters.storage.journal_search import Found, JournalSearch, Search
from market_bot.adapters.storage.journal_tools import list_chains
from market_bot.core.domain.events import EVENT_TYPES
from market_bot.core.domain.numbers import HOUR, Micros, format_time, parse_time
from market_bot.core.ports.dashboard import (
    BadQueryError,
    ChainRow,
    ChangeMark,
    ConfigChangeRow,
    EquityCurve,
    JournalPage,
    JournalQuery,
    Line,
    LineInContext,
    NotThereError,
    ReasonRow,
    Why,
)
from market_bot.core.ports.journal import Chain, Entry
from market_bot.core.usecases.explain_market import explain
from market_bot.core.usecases.lane_snapshot import LaneSnapshot

POINTS: Final = 500
NEAR_MAX: Final = 50
HISTORY_MAX: Final = 100
_EXPLAINED_MAX: Final = 3_000
_PARTS_MIN, _PARTS_MAX = 2, 3
_TIES: Final = ("signal", "intent", "fill", "proposal", "finding", "trial", "change", "merge")
_MARKS: Final = (
    "config_changed",
    "change_ended",
    "trial_started",
    "trial_ended",
    "halt",
    "resume",
)
_SAID: Final = {
    "config_changed": ("path", "by"),
    "change_ended": ("outcome", "reason"),
    "trial_started": ("path", "before", "after"),
    "trial_ended": ("verdict", "reason"),
    "halt": ("by", "reason"),
    "resume": ("by",),
}


class ShownJournals:
    """Answers what can be asked of journals.

    Args:
        journal_dir: the folder of all journals.
        search: looks through them.
        lanes: returns the present picture of every lane.
        now: the time of the wall.

    """

    def __init__(
        self,
        journal_dir: Path,
        search: JournalSearch,
        lanes: Callable[[], Sequence[LaneSnapshot]],
        now: Callable[[], Micros],
    ) -> None:
        self._journal_dir, self._search = journal_dir, search
        self._lanes, self._now = lanes, now

    def chain_of(self, name: str) -> Chain:
        """Return a chain by its name, or that of a running lane; "" is the first lane's.

        Raises:
            BadQueryError: if it cannot be one's name.
            NotThereError: if no lane runs.

        """
        lanes = self._lanes()
        for one in lanes:
            if name in ("", f"{one.venue}/{one.lane}"):
                return Chain(one.venue, one.lane, one.run)
        parts = name.split("/")
        if not name:
            msg = "no lane runs"
            raise NotThereError(msg)
        if not _PARTS_MIN <= len(parts) <= _PARTS_MAX or not all(parts):
            msg = f"{name[:100]}: a chain is called venue/lane or venue/lane/run"
            raise BadQueryError(msg)
        return Chain(*parts)

    def chains(self) -> tuple[ChainRow, ...]:
        """Return every chain of the home, those that are written first."""
        running = {str(Chain(one.venue, one.lane, one.run)) for one in self._lanes()}
        known = sorted(
            map(str, list_chains(self._journal_dir)), key=lambda n: (n not in running, n)
        )
        return tuple(ChainRow(name=name, running=name in running) for name in known)

    def journal(self, query: JournalQuery) -> JournalPage:
        """Search a journal.

        Raises:
            BadQueryError: if a type or a moment is none.

        """
        unknown = [kind for kind in query.types if kind not in EVENT_TYPES]
        if unknown:
            msg = f"{unknown[0][:60]}: there is no such type of line"
            raise BadQueryError(msg)
        needles = [
            f'"{name}":{_quoted(value)}'
            for name, value in (("market", query.market), ("strategy", query.strategy))
            if value
        ]
        chain = self.chain_of(query.chain)
        found = self._search.find(
            Search(
                chain=chain,
                types=query.types,
                all=needles,
                text=query.text,
                since=_moment(query.since),
                until=_moment(query.until),
                before=query.before,
                limit=query.limit,
            )
        )
        return JournalPage(
            chain=str(chain),
            lines=tuple(_line(chain, line) for line in found.lines),
            next=found.next,
            complete=found.complete,
            scanned=found.scanned,
        )

    def line(self, name: str, seq: int) -> LineInContext:
        """Return one line, what led to it and what came of it.

        Raises:
            NotThereError: if there is no such line.

        """
        chain = self.chain_of(name)
        found = self._search.find(Search(chain=chain, after=seq - 1, before=seq + 1, limit=1)).lines
        if not found:
            msg = f"{chain} has no line {seq}"
            raise NotThereError(msg)
        line = found[0]
        ties = self._ties(chain, line)
        causes: Iterable[Mapping[str, Any]] = ()
        consequences: Iterable[Mapping[str, Any]] = ()
        if ties:
            wanted = Search(chain=chain, any=ties, limit=NEAR_MAX, deadline_s=1.5)
            causes = self._search.find(_evolved(wanted, before=seq)).lines[::-1]
            consequences = self._search.find(_evolved(wanted, after=seq)).lines
        return LineInContext(
            line=_line(chain, line),
            causes=tuple(_line(chain, one) for one in causes),
            consequences=tuple(_line(chain, one) for one in consequences),
            hash=str(line.get("hash", "")),
            prev=str(line.get("prev", "")),
        )

    def _ties(self, chain: Chain, line: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what lines that belong together have in common, as it is written in them."""
        data = dict(line["data"])
        intent = data.get("intent")
        if isinstance(intent, str) and intent and "signal" not in data:
            # What names only its order belongs to the order's decision.
            wanted = Search(
                chain=chain,
                types=("order_intent",),
                all=(f'"intent":{_quoted(intent)}',),
                before=int(line["seq"]),
                limit=1,
                deadline_s=1.5,
            )
            for ordered in self._search.find(wanted).lines:
                data["signal"] = ordered["data"].get("signal")
        known = ((name, data.get(name)) for name in _TIES)
        return tuple(f'"{n}":{_quoted(v)}' for n, v in known if isinstance(v, str) and v)

    def why(self, lane: str, market: str) -> Why:
        """Return why a market was or was not traded, from its newest few thousand facts."""
        chain = self.chain_of(lane)
        named = f'"market":{_quoted(market)}'
        orders = self._search.find(
            Search(chain=chain, types=("order_intent",), all=(named,), limit=500)
        )
        intents = (line["data"].get("intent") for line in orders.lines)
        needles = (named, *(f'"intent":{_quoted(one)}' for one in intents if one))
        found = self._search.find(Search(chain=chain, any=needles, limit=_EXPLAINED_MAX))
        entries = (_entry(line) for line in reversed(found.lines))
        reasons = explain(filter(None, entries), market)
        return Why(
            lane=lane,
            market=market,
            complete=found.complete and found.next is None,
            reasons=tuple(
                ReasonRow(seq=one.seq, at=format_time(one.at), type=one.type, text=one.text)
                for one in reasons
            ),
        )

    def equity(self, lane: str, hours: int, points: int = POINTS) -> EquityCurve:
        """Return a lane's equity over the last hours of its own time, at so many moments."""
        chain = self.chain_of(lane)
        picture = next((one for one in self._lanes() if _is(one, chain)), None)
        end = picture.at if picture is not None and picture.at else self._now()
        since = Micros(end - hours * HOUR)
        moments = [format_time(Micros(since + (end - since) * n // points)) for n in range(points)]
        changes = self._search.find(
            Search(chain=chain, types=_MARKS, since=format_time(since), limit=HISTORY_MAX)
        )
        return EquityCurve(
            lane=f"{chain.venue}/{chain.lane}",
            points=self._search.equity(chain, moments),
            changes=tuple(map(_mark, reversed(changes.lines))),
        )

    def config_history(self, lane: str) -> tuple[ConfigChangeRow, ...]:
        """Return what was changed in the settings, the newest first."""
        types = ("change_intended", "change_ended", "config_changed")
        found = self.facts(self.chain_of(lane), types, limit=2 * HISTORY_MAX)
        return tuple(_changes(found.lines))

    def facts(self, chain: Chain, types: Sequence[str], limit: int) -> Found:
        """Return the newest lines of some types, the newest first."""
        return self._search.find(Search(chain=chain, types=types, limit=limit))


def _changes(lines: Sequence[Mapping[str, Any]]) -> Iterator[ConfigChangeRow]:
    outcomes: dict[object, str] = {}
    for line in lines:
        data = line["data"]
        if line["type"] == "change_ended":
            outcomes[data.get("change")] = data.get("outcome", "")
        elif line["type"] == "change_intended":
            yield _change(line, data.get("cause", ""), outcomes.get(data.get("change")))
        elif not data.get("path"):
            # Those with a path were made by an intended change, which is told.
            yield _change(line, "file", "applied")


def _change(line: Mapping[str, Any], cause: str, outcome: str | None) -> ConfigChangeRow:
    data = line["data"]
    return ConfigChangeRow(
        at=line["ts"],
        seq=line["seq"],
        file=data.get("file", f"{line['venue']}.yaml"),
        path=data.get("path", ""),
        before=data.get("before", ""),
        after=data.get("after", ""),
        by=data.get("by", ""),
        cause=cause,
        outcome=outcome,
    )


def _mark(line: Mapping[str, Any]) -> ChangeMark:
    data, kind = line["data"], line["type"]
    said = [str(data[name]) for name in _SAID[kind] if data.get(name)]
    return ChangeMark(at=line["ts"], seq=line["seq"], type=kind, text=" ".join(said))


def _is(picture: LaneSnapshot, chain: Chain) -> bool:
    return (picture.venue, picture.lane, picture.run) == (chain.venue, chain.lane, chain.run)


def _line(chain: Chain, line: Mapping[str, Any]) -> Line:
    return {**line, "run": chain.run}


def _entry(line: Mapping[str, Any]) -> Entry | None:
    try:
        event = decode_event(line["type"], msgspec.json.encode(line["data"]))
        at = parse_time(line["ts"])
    except (CodecError, ValueError):
        return None
    return Entry(
        seq=line["seq"],
        at=at,
        boot=line["boot"],
        config=line["cfg"],
        type=line["type"],
        event=event,
        prev=line["prev"],
        hash=line["hash"],
    )


def _moment(text: str) -> str:
    if not text:
        return ""
    try:
        return format_time(parse_time(text))
    except ValueError as e:
        msg = f"{text[:40]}: not a moment like 2026-11-22T14:00:00Z"
        raise BadQueryError(msg) from e


def _evolved(wanted: Search, *, before: int | None = None, after: int | None = None) -> Search:
    return attrs.evolve(wanted, before=before, after=after)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
