"""``market-bot eval``: work on a lane's night now."""

from __future__ import annotations

import json as json_module
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.home_lock import HomeLock
from market_bot.adapters.system.clock import SystemClock
from market_bot.adapters.system.control_socket import ControlClient, NoBotRunning
from market_bot.bootstrap.advisors import advisor_key
from market_bot.bootstrap.chain_writer import last_line, writing
from market_bot.bootstrap.cli.control_commands import home_of
from market_bot.bootstrap.cli.faults import Failure, UsageFault
from market_bot.bootstrap.cli.journal_commands import lane_chain
from market_bot.bootstrap.evaluation import (
    DEADLINE_S,
    NightChild,
    NightFailed,
    NightRequest,
    NightRun,
)
from market_bot.bootstrap.night_report import report_path
from market_bot.bootstrap.night_work import read_ledger
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.summary import dollars
from market_bot.config.loader import load_bot
from market_bot.core.domain.nights import night_due
from market_bot.core.domain.numbers import Micros, money, parse_time
from market_bot.core.ports.journal import Chain

_LOOK_S: Final = 0.2
_SEEN: Final = ("confirmed", "suspect")


def evaluate(home: Path, chain: str | None, at: str | None, *, dry_run: bool, json: bool) -> int:
    """Work on the night that was due last, and print what came of it."""
    place = home_of(home)
    lane = lane_chain(home, chain)
    request = request_of(place, lane, _moment(at), again=dry_run)
    if dry_run:
        report, nothing = _dry(place, request)
    else:
        report, nothing = _written(place, request)
    if json:
        print(json_module.dumps({"report": report, "nothing": nothing}))
    elif report is None:
        print(f"{lane}: nothing was done: {nothing}")
    else:
        tell_report(report, report_path(place, lane, request.night), written=not dry_run)
    return 0


def request_of(
    home: Home, chain: Chain, at: Micros | None = None, *, again: bool = False
) -> NightRequest:
    """Return the request for the night of a lane that was due last.

    Raises:
        Failure: if the journal is empty.

    """
    config = load_bot(home.bot_file)
    _, last = last_line(home, chain)
    if not last:
        msg = f"{chain}: the journal is empty: `market-bot run` writes one"
        raise Failure(msg)
    now = last if chain.run else max(last, SystemClock().now())
    return NightRequest(
        home=home,
        chain=chain,
        night=night_due(now if at is None else at, config.nightly.minute_of_day),
        now=now,
        again=again,
        key=advisor_key(config.advisor, home),
    )


def run_to_its_end(run: NightRun, tell: Callable[[], None] = lambda: None) -> None:
    """Bring a night to its end.

    Raises:
        NightFailed: if that is not possible.

    """
    try:
        while not run.step(_LOOK_S):
            tell()
    finally:
        run.close()


def _dry(home: Home, request: NightRequest) -> tuple[Mapping[str, Any] | None, str]:
    head, _ = last_line(home, request.chain)
    ledger, _ = read_ledger(home, request.chain)
    run = NightRun(
        request=request,
        child=NightChild(request),
        writer=None,
        ledger=lambda: ledger,
        head=lambda: head,
    )
    return _finished(run)


def _written(home: Home, request: NightRequest) -> tuple[Mapping[str, Any] | None, str]:
    """Have the running bot do it, or do it without one."""
    client = ControlClient(home.control_socket)
    try:
        client.ask("evaluate", chain=str(request.chain))
    except NoBotRunning:
        with (
            HomeLock(home.lock_file),
            writing(home, request.chain, SystemClock()) as writer,
        ):
            run = NightRun(
                request=request,
                child=NightChild(request),
                writer=writer,
                ledger=writer.ledger,
                head=lambda: writer.head,
            )
            return _finished(run)
    return _awaited(report_path(home, request.chain, request.night))


def _finished(run: NightRun) -> tuple[Mapping[str, Any] | None, str]:
    try:
        run_to_its_end(run)
    except NightFailed as e:
        raise Failure(str(e)) from e
    return run.report, run.nothing


def _awaited(path: Path) -> tuple[Mapping[str, Any] | None, str]:
    """Return the report once the running bot has written it."""
    print("the running bot works on it; Ctrl-C does not stop that", file=sys.stderr)
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        try:
            report = json_module.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            report = {}
        if "proposals" in report:
            return report, ""
        time.sleep(_LOOK_S)
    msg = f"{path}: there is no report yet: see `market-bot journal tail` and the system journal"
    raise Failure(msg)


def _moment(text: str | None) -> Micros | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as e:
        msg = f"--at {text[:40]!r} is not a time: write it like 2026-11-22T00:30:00Z"
        raise UsageFault(msg) from e


def tell_report(report: Mapping[str, Any], path: Path, *, written: bool) -> None:
    """Print a night's report in a few lines; ``path`` is where the whole of it lies."""
    lines = [f"night {report['night']} of {report['chain']}"]
    for one in report["findings"]:
        if one["status"] in _SEEN:
            name = f"{one['rule']} {one['subject']}".strip()
            lines.append(f"  {one['status']}: {name} ({one['kind']}), {_cost(one)}")
            if "diagnosis" in one:
                lines.append(f"      {one['diagnosis']['why']}")
    for one in report.get("proposals", ()):
        lines += _proposal(one)
    for one in report.get("not_proposed", ()):
        lines.append(f"  not proposed: {one['path']} to {one['after']} ({one['reason']})")
    if not report.get("proposals"):
        lines.append("  nothing is proposed")
    lines.append(
        f"the whole report: {path.with_suffix('.html')}" if written else "nothing was written"
    )
    for line in lines:
        print(plain(line))


def _cost(one: Mapping[str, Any]) -> str:
    """Return what a leak costs, or that it cannot be said."""
    least = money(one["cost_low"])
    if least <= 0:
        return "what it costs is not certain: perhaps nothing"
    return f"costs at least {dollars(least)} a day"


def _proposal(one: Mapping[str, Any]) -> list[str]:
    card = one["card"]
    state = f"dropped: {one['dropped']}" if one["dropped"] else f"waits as {one['id']}"
    lines = [
        f"  proposed: {one['path']} from {one['before']} to {one['after']} ({state})",
        f"      replay: {card.get('verdict', '')}; {card.get('why', '')}",
    ]
    if card.get("per_day"):
        ends = ""
        if "per_day_low" in card:
            low, high = (dollars(money(card[name])) for name in ("per_day_low", "per_day_high"))
            ends = f" ({low} to {high})"
        gain = dollars(money(card["per_day"]))
        lines.append(f"      {gain}{ends} a day on {card['days']} earlier days")
    return lines
