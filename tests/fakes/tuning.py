"""A settings file in which every knob has a line, and what proposals about it are judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from market_bot.bootstrap.allowlists import allowlist_of
from market_bot.config import parse_venue
from market_bot.config.defaults import default_files
from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.api import Kind, Status
from market_bot.core.domain.numbers import HOUR, Duration, Micros, money
from market_bot.core.domain.tuning.allowlist import Allowlist
from market_bot.core.domain.tuning.layer_one import Facts
from market_bot.core.domain.tuning.learning import Memory
from market_bot.core.domain.tuning.proposal import Draft, Grounds
from market_bot.core.domain.tuning.queue import Queue

FILE = "kalshi.yaml"
NOON = Micros(1_795_000_000_000_000)
DAY = Duration(24 * HOUR)
NIGHT = "2026-11-22"
FINDING = f"{NIGHT}:entry_threshold:"
MIN_EDGE = "strategies.bias_harvest.params.min_edge"
GOLDEN = Path(__file__).parents[1] / "unit" / "golden_knobs.txt"

_SECTIONS = """\
markets:
  families_exclude: [KXHIGHNY]  # the weather is left alone
  min_liquidity_usd: 500
  min_volume_24h_usd: 1000
  price_min: 0.05
  price_max: "0.95"
  max_spread: 0.04
  min_depth_contracts: 20
  min_hours_to_close: 0.25
  max_hours_to_close: 72
sizing:
  method: kelly
  order_usd: 12
  contracts: 7
  kelly_fraction: 0.25
  max_depth_share: 0.3
cooldown:
  after_entry_seconds: 60
  after_exit_seconds: 300
  after_loss_seconds: 900
  after_reject_seconds: 15
  families: {KXHIGHNY: 600}
exits:
  style: maker
  max_hold: {minutes: 90}
  stop_loss: {distance: 0.12, confirm_seconds: 45, measure: bid}
  trailing_stop: {activation: 0.05, distance: 0.05}
  take_profit: {price: 0.97, gain: 0.2}
  time_to_close: {minutes: 10}
strategies:
  - name: bias_harvest
    params: {gain: 1.15, min_edge: 0.010, price_min: 0.80, price_max: 0.98, max_hours_to_close: 48,
      patience_seconds: 120, offset_ticks: 0, exit_below: 0.50, style: taker}
  - name: event_arb
    params: {min_edge: 0.01, max_contracts: 20, patience_seconds: 5, orphan_seconds: 60}
  - name: market_making
    params: {size_contracts: 10, max_inventory: 30, skew: 0.004, min_half_width: 0.08,
      vol_multiple: 1, vol_seconds: 120, horizon_seconds: 10, micro_weight: 0.5, jump: 0.4,
      jump_seconds: 30, requote_ticks: 2, patience_seconds: 120, max_book_age_seconds: 60,
      stop_before_close_seconds: 600, price_min: 0.05}
  - name: mean_reversion
    params: {jump_min: 0.06, window_seconds: 30, base_seconds: 60, prints_max: 20, reversion: 0.6,
      min_edge: 0.01, stop: 0.05, max_hold_seconds: 600, patience_seconds: 20, price_min: 0.05,
      price_max: 0.95, stop_before_close_seconds: 900}
  - name: price_level
    params: {min_edge: 0.03, exit_edge: 0.02, vol_seconds: 600, vol_floor: 0.2, vol_cap: 2,
      min_samples: 60, max_reference_age_seconds: 5, min_seconds_to_close: 10,
      max_hours_to_close: 24, patience_seconds: 30, price_min: 0.03, price_max: 0.97}
"""


@attrs.frozen
class Pinned:
    """A line of the pinned list of knobs."""

    path: str
    low: str
    high: str
    step: str
    unit: str


def pinned() -> dict[str, Pinned]:
    """Return the pinned list of knobs by path."""
    lines = GOLDEN.read_text(encoding="utf-8").splitlines()
    rows = [Pinned(*line.split(" ")) for line in lines]
    return {row.path: row for row in rows}


def every_knob_file() -> bytes:
    """Return a venue's file in which every knob that comes with the bot has a line."""
    kept: list[str] = []
    skipping = False
    replaced = {line[:-1] for line in _SECTIONS.splitlines() if line[:1] not in (" ", "")}
    for line in default_files()[FILE].decode().splitlines():
        if line[:1] not in (" ", "#", ""):
            skipping = line.rstrip(":") in replaced
        # Without the comments, of which the pieces below have enough: files are read often.
        if not skipping and not line.lstrip().startswith("#") and line.strip():
            kept.append(line)
    return ("\n".join(kept) + "\n" + _SECTIONS).encode()


def allowlist(data: bytes | None = None) -> Allowlist:
    """Return what may be proposed for a file."""
    return allowlist_of(parse_venue(every_knob_file() if data is None else data, FILE), FILE)


def grounds(
    directions: Mapping[str, int] | None = None,
    *,
    finding: str = FINDING,
    rule: str = "entry_threshold",
    status: Status = Status.CONFIRMED,
    kind: Kind = Kind.TUNING,
    cost: str = "2.4",
) -> Grounds:
    """Return what a finding gives to go by; without words a confirmed one about ``min_edge``."""
    return Grounds(
        finding=finding,
        rule=rule,
        status=status,
        kind=kind,
        directions={MIN_EDGE: 1} if directions is None else directions,
        cost_low=money(cost),
    )


def facts(*known: Grounds, **others: Any) -> Facts:
    """Return the facts of an ordinary night."""
    given = {one.finding: one for one in known or (grounds(),)}
    values: dict[str, Any] = {
        "chain": "kalshi/paper",
        "night": NIGHT,
        "now": NOON,
        "allowlist": others.pop("allowlist", None) or allowlist(),
        "grounds": given,
        "queue": Queue(),
        "memory": Memory(),
        "told": frozenset({"2.4", "37"}),
        "advisor": "rules",
    }
    return Facts(**{**values, **others})


def draft(**others: str) -> Draft:
    """Return a draft that is right in everything."""
    values = {
        "finding": FINDING,
        "path": MIN_EDGE,
        "before": "0.01",
        "after": "0.012",
        "rationale_code": "fewer_bad_entries",
        "rationale": "37 entries near the threshold lost 2.40 dollars a day.",
        "expected_effect": "less_loss",
        "risk": "Fewer trades.",
    }
    return Draft(**{**values, **others})


def proposal(name: str = "p1", **others: Any) -> ev.Proposal:
    """Return the fact that a proposal was made."""
    values: dict[str, Any] = {
        "proposal": name,
        "finding": FINDING,
        "file": FILE,
        "path": MIN_EDGE,
        "before": "0.01",
        "after": "0.012",
        "rationale": "37 entries near the threshold lost 2.40 dollars a day.",
        "advisor": "rules",
        "config_sha256": "c" * 64,
        "card": {"rationale_code": "fewer_bad_entries", "expected_effect": "less_loss"},
    }
    return ev.Proposal(**{**values, **others})


def heard(queue: Any, *told: tuple[int, ev.Event]) -> Any:
    """Return a queue or a memory after some facts, each with its moment."""
    for at, event in told:
        queue = queue.hear(Micros(at), event)
    return queue


def rejected_twice(apart: int, rules: Iterable[str] = ("entry_threshold",) * 2) -> Memory:
    """Return a memory of two rejections of the same knob, so far apart."""
    memory = Memory()
    for number, rule in enumerate(rules):
        finding = f"{NIGHT}:{rule}:"
        asked = proposal(f"p{number}", finding=finding)
        no = ev.ProposalDecided(
            proposal=asked.proposal, decision="rejected", by="operator", reason="other"
        )
        memory = heard(memory, (NOON + number * apart, asked), (NOON + number * apart, no))
    return memory
