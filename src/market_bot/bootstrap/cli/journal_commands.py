"""``market-bot journal …``: read, check and prove what was written down."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from market_bot.adapters.storage import journal_tools as tools
from market_bot.adapters.storage.anchors import Checked, check_anchors
from market_bot.adapters.storage.codec import event_data
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.bootstrap.cli.faults import Failure, UsageFault
from market_bot.bootstrap.cli.progress import LineProgress
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.system_log import CHAIN as SYSTEM
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros, format_money, format_time, parse_time
from market_bot.core.ports.journal import Chain, Entry
from market_bot.core.usecases.explain_market import RESULT, explain, refusal_text

if TYPE_CHECKING:
    from market_bot.bootstrap.prove_run import Proof

_LANES: Final = ("tape", "sim", "paper", "live")
_BULKY: Final = ("config", "state")
# The program as a whole has neither money nor ticks.
_OF_LANES: Final = ("cash", "ticks", "digest", "capabilities", "seed")


def verify(home: Path, name: str | None, *, full: bool, anchors: bool, json: bool) -> int:
    """Check one chain, or all of them, and that what was anchored is still there."""
    journal_dir = _journal_dir(home)
    chains = [_chosen(journal_dir, name)] if name else list(tools.list_chains(journal_dir))
    if not chains:
        msg = f"{journal_dir}: there is no journal yet: `market-bot run` writes one"
        raise Failure(msg)
    results = {}
    for chain in chains:
        found = tools.verify(chain_folder(journal_dir, chain), chain, full=full)
        results[str(chain)] = attrs.asdict(found)
        if not json:
            torn = f", {found.torn} bytes of an unfinished line" if found.torn else ""
            print(
                f"{chain}: sound, {found.lines:,} lines in {found.files} files, "
                f"head {found.head_seq} {found.head_hash[:12]}{torn}"
            )
    checked = _anchored(home, chains) if anchors else None
    if json:
        told = results if checked is None else {**results, "anchors": attrs.asdict(checked)}
        print(json_module.dumps(told))
    elif checked is not None:
        print(f"{checked.heads} anchored lines hold, {checked.removed} are no longer kept")
    return 0


def _anchored(home: Path, chains: Sequence[Chain]) -> Checked:
    place = Home(home)
    found = check_anchors(place.anchors_file, place.journal_dir, chains)
    if found.faults:
        raise Failure("\n".join(found.faults))
    return found


def prove(home: Path, name: str | None, tapes: Sequence[Path], *, json: bool) -> int:
    """Derive a chain again and compare every fact."""
    from market_bot.bootstrap.prove_run import prove_run

    for tape in tapes:
        if not tape.exists():
            msg = f"--tape {tape}: no such tape: check the path"
            raise UsageFault(msg)
    journal_dir = _journal_dir(home)
    chain = _chosen(journal_dir, name, lanes=_LANES)
    last = tools.tail(chain_folder(journal_dir, chain), chain, 1)
    with closing(LineProgress(f"proving {chain}", last[0].seq if last else 0)) as progress:
        proof = prove_run(journal_dir, chain, tapes, Home(home), progress.watch)
    if json:
        print(json_module.dumps(attrs.asdict(proof)))
    else:
        _tell_proof(proof)
    return 0


def _tell_proof(proof: Proof) -> None:
    decisions = ", ".join(f"{kind} {n:,}" for kind, n in proof.decisions.items())
    print(f"{proof.chain}: {proof.lines:,} facts derived again, all the same ({decisions})")
    if proof.source == "recording":
        print("from the journal and what was recorded; what the venue answered is taken as told")
    if proof.total is not None and proof.lines < proof.total:
        # Rounded down: whatever is missing must be seen.
        share = int(proof.share * 10_000) / 100
        print(f"that is {share:.2f} % of {proof.total:,} lines; not derived:")
    for part in proof.unproven:
        print(plain(f"  {part}"))
    if not proof.finished:
        print("the run is not finished: what is there is proven")


def tail(home: Path, name: str | None, count: int, *, json: bool) -> int:
    """Print the last lines of one chain."""
    if count < 1:
        msg = f"--count {count}: give at least one"
        raise UsageFault(msg)
    journal_dir = _journal_dir(home)
    chain = _chosen(journal_dir, name)
    for entry in tools.tail(chain_folder(journal_dir, chain), chain, count):
        print(_json_line(entry) if json else _line(entry, chain))
    return 0


def stats(home: Path, name: str | None, *, json: bool) -> int:
    """Print counts over one chain."""
    journal_dir = _journal_dir(home)
    chain = _chosen(journal_dir, name)
    found = tools.stats(chain_folder(journal_dir, chain), chain)
    numbers = {
        "chain": str(chain),
        "lines": found.lines,
        "first": _time(found.first),
        "last": _time(found.last),
        "by_type": found.by_type,
        "by_day": found.by_day,
        "denials": {f"{who}: {gate}": n for (who, gate), n in found.denials.items()},
        "fills": found.fills,
        "fees": format_money(found.fees),
    }
    if json:
        print(json_module.dumps(numbers))
        return 0
    for key, value in numbers.items():
        if isinstance(value, Mapping):
            print(f"{key}:")
            for item, count in sorted(value.items(), key=lambda pair: (-pair[1], pair[0])):
                print(plain(f"  {item:<36}{count:>12,}"))
        else:
            print(f"{key:<10}{value}")
    return 0


def at(home: Path, name: str | None, seq: int, *, json: bool) -> int:
    """Print one line, as it is written or laid out."""
    journal_dir = _journal_dir(home)
    chain = _chosen(journal_dir, name)
    found = tools.at(chain_folder(journal_dir, chain), chain, seq)
    if json:
        print(found.text)
        return 0
    print(f"{chain} line {seq}: {found.entry.type} at {format_time(found.entry.at)}")
    print(json_module.dumps(json_module.loads(found.text), indent=2))
    return 0


def export(
    home: Path,
    name: str | None,
    kind: Any,  # noqa: ANN401 - a literal checked by the command line
    types: Sequence[str],
    since: str | None,
    until: str | None,
) -> int:
    """Print facts as CSV or JSON lines."""
    journal_dir = _journal_dir(home)
    chain = _chosen(journal_dir, name)
    lines = tools.export(
        chain_folder(journal_dir, chain),
        chain,
        kind=kind,
        types=types,
        since=_moment("--since", since),
        until=_moment("--until", until),
    )
    for line in lines:
        print(line)
    return 0


def why(home: Path, name: str | None, market: str, *, json: bool) -> int:
    """Print the facts of one market as sentences; exit code 1 if there are none."""
    journal_dir = _journal_dir(home)
    chain = _chosen(journal_dir, name)
    reader = JournalReader(chain_folder(journal_dir, chain), chain)
    found = False
    for reason in explain(reader.read(), market):
        found = True
        if json:
            print(json_module.dumps({**attrs.asdict(reason), "at": format_time(reason.at)}))
        else:
            place = "result" if reason.type == RESULT else reason.seq
            print(plain(f"{place:>8} {format_time(reason.at)[:19]}Z  {reason.text}"))
    if not found:
        msg = (
            f"{chain} has no fact about {market!r}: no strategy wanted anything there "
            "(`market-bot journal export --type signal` lists the markets that were wanted)"
        )
        raise Failure(msg)
    return 0


def lane_chain(home: Path, name: str | None) -> Chain:
    """Return the lane's chain of that name; without a name the one written last.

    Raises:
        UsageFault: if there is none of that name.
        Failure: if there is none at all.

    """
    return _chosen(_journal_dir(home), name, lanes=_LANES)


def _journal_dir(home: Path) -> Path:
    folder = Home(home).journal_dir
    if not folder.is_dir():
        msg = f"{folder}: no such folder: give the bot's home with --home"
        raise UsageFault(msg)
    return folder


def _written(folder: Path) -> float:
    return max((path.stat().st_mtime for path in folder.glob("*.jsonl")), default=0.0)


def _chosen(journal_dir: Path, name: str | None, lanes: Sequence[str] = ()) -> Chain:
    """Return the chain of that name; without a name the one written last."""
    chains = tools.list_chains(journal_dir)
    known = {str(chain): chain for chain in chains}
    if name is not None:
        with _usage(f"there is no chain {name!r}: there are {', '.join(known) or 'none'}"):
            return known[name.strip("/")]
    candidates = [c for c in chains if c.lane in lanes or (not lanes and c.venue != "system")]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        newest = max(candidates, key=lambda c: _written(chain_folder(journal_dir, c)))
        print(f"{newest}, the newest of {len(candidates)}; --chain picks another", file=sys.stderr)
        return newest
    msg = f"{journal_dir}: there is no journal yet: `market-bot run` writes one"
    raise Failure(msg)


@contextmanager
def _usage(message: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, ValueError) as e:
        raise UsageFault(message) from e


def _moment(option: str, text: str | None) -> Micros | None:
    if text is None:
        return None
    with _usage(f"{option} {text!r} is not a time: write it like 2026-11-22T00:30:00Z"):
        return parse_time(text)


def _time(moment: Micros | None) -> str:
    return "never" if moment is None else format_time(moment)


def _line(entry: Entry, chain: Chain) -> str:
    data = {} if entry.event is None else event_data(entry.event)
    if isinstance(entry.event, ev.Denied):
        where = f"{entry.event.market} {entry.event.leg.name} ({entry.event.strategy})"
        shown = f"{where}: {refusal_text(entry.event)}"
    else:
        left_out = (*_BULKY, *(_OF_LANES if chain == SYSTEM else ()))
        shown = " ".join(f"{key}={value}" for key, value in data.items() if key not in left_out)
    return plain(f"{entry.seq:>8} {format_time(entry.at)} {entry.type:<16} {shown}")


def _json_line(entry: Entry) -> str:
    data = None if entry.event is None else event_data(entry.event)
    return json_module.dumps(
        {
            "seq": entry.seq,
            "ts": format_time(entry.at),
            "cfg": entry.config,
            "type": entry.type,
            "data": data,
            "hash": entry.hash,
        }
    )
