"""A bot as its dashboard sees it: it holds what the test puts into it, and does what it is told."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from market_bot.core.domain.numbers import Micros, format_time, parse_time
from market_bot.core.ports import dashboard as shown
from market_bot.core.ports.dashboard import Operator
from market_bot.core.usecases.lane_controls import CommandRefused
from market_bot.core.usecases.lane_snapshot import LaneSnapshot

from .desk import NOW, FakeDesk

LANE = "kalshi/paper"
MARKET = "KXHIGHNY-26NOV22-B54.5"
TITLE = "Will the high temperature in New York be 54° to 55° on Nov 22, 2026?"
CHANGE = "cooldown.after_exit_seconds"
ANALYTICS_AT = "2026-11-22T14:00:00Z"
_REASONS = ("not_convinced", "too_risky", "other")
_MINUTE = 60_000_000


def ago(minutes: float) -> str:
    """Return a moment before that of the fake desk, as text."""
    return format_time(Micros(NOW - round(minutes * _MINUTE)))


class ShownBot(FakeDesk, Operator):
    """Answers everything that can be looked at; remembers and carries out commands."""

    def __init__(self, *snapshots: LaneSnapshot) -> None:
        super().__init__(*snapshots)
        self.rows: list[shown.MarketRow] = [a_market()]
        self.open: list[shown.ProposalCard] = [a_proposal()]
        self.decided: list[shown.ProposalCard] = []
        self.trial: shown.TrialRow | None = None
        self.reviews: list[shown.NightReview] = [a_night()]
        self.lessons: list[shown.LessonRow] = [a_lesson()]
        self.cautious = False
        self._tokens = (f"token-{n}" for n in itertools.count(1))
        self._given: dict[str, shown.Shown] = {}

    # -- reading -----------------------------------------------------------------------------

    def waiting(self) -> tuple[int, str | None]:
        return len(self.open), None if self.trial is None else self.trial.id

    def venues(self) -> Sequence[shown.VenueNow]:
        return [_venue(one) for one in self.lanes()]

    def markets(
        self, lane: str, text: str, only: str, limit: int, offset: int
    ) -> shown.MarketsPage:
        found = [row for row in self.rows if text.lower() in f"{row.title} {row.market}".lower()]
        found = [row for row in found if only != "held" or row.held]
        page = tuple(found[offset : offset + limit])
        return shown.MarketsPage(lane=lane, at=format_time(NOW), total=len(found), markets=page)

    def market(self, lane: str, market: str) -> shown.MarketDetail:
        row = next((row for row in self.rows if row.market == market), None)
        if row is None:
            msg = "no such market"
            raise shown.NotThereError(msg)
        return a_close_look(lane, row)

    def why(self, lane: str, market: str) -> shown.Why:
        told = [
            ("signal", "bias_harvest wants to buy YES at 0.41: favourite_bias"),
            ("denied", "refused by min_depth_contracts (limit 20, value 12)"),
            ("result", "never ordered: refused by min_depth_contracts to the end"),
        ]
        rows = [
            shown.ReasonRow(seq=n, at=ago(30 - n), type=kind, text=text)
            for n, (kind, text) in enumerate(told, 11)
        ]
        return shown.Why(lane=lane, market=market, complete=True, reasons=tuple(rows))

    def chains(self) -> Sequence[shown.ChainRow]:
        names = [f"{one.venue}/{one.lane}" for one in self.lanes()]
        return [shown.ChainRow(name=name, running=True) for name in names]

    def journal(self, query: shown.JournalQuery) -> shown.JournalPage:
        chain = query.chain or LANE
        found = [line for line in reversed(self.lines) if _wanted(line, query, chain)]
        page = tuple(found[: query.limit])
        more = int(str(page[-1]["seq"])) if len(found) > query.limit else None
        return shown.JournalPage(
            chain=chain, lines=page, next=more, complete=True, scanned=len(self.lines)
        )

    def line(self, chain: str, seq: int) -> shown.LineInContext:
        found = {line["seq"]: line for line in self.lines}
        if seq not in found:
            msg = f"{chain} has no line {seq}"
            raise shown.NotThereError(msg)
        around = [found[n] for n in (seq - 1, seq + 1) if n in found]
        return shown.LineInContext(
            line=found[seq],
            causes=tuple(around[:1]),
            consequences=tuple(around[1:]),
            hash="ab" * 32,
            prev="cd" * 32,
        )

    def equity(self, lane: str, hours: int, points: int) -> shown.EquityCurve:
        every, count = hours * 60 / points, range(points - 1, 0, -1)
        curve = [(ago(every * n), f"{1012 - n * 21 / points:.4f}") for n in count]
        change = shown.ChangeMark(
            at=ago(hours * 20), seq=9, type="change_ended", text=f"{CHANGE} 360 → 300"
        )
        return shown.EquityCurve(lane=lane, points=tuple(curve), changes=(change,))

    def analytics(self, lane: str, days: int) -> shown.Computed:
        return shown.Computed(state="ready", at=ANALYTICS_AT, value=some_analytics(lane))

    def leaks(self, lane: str, nights: int) -> Sequence[shown.NightReview]:
        return self.reviews[:nights]

    def proposals(self, lane: str) -> shown.Proposals:
        return shown.Proposals(
            lane=lane,
            open=tuple(self.open),
            decided=tuple(self.decided),
            trial=self.waiting()[1],
            rejections=_REASONS,
        )

    def trials(self, lane: str) -> shown.Trials:
        return shown.Trials(lane=lane, running=self.trial, ended=())

    def learned(self, lane: str) -> Sequence[shown.LessonRow]:
        return self.lessons

    def advisor(self) -> shown.AdvisorNow:
        return shown.AdvisorNow(
            kind="rules", model=None, max_cost_usd="0.5", spent_usd="0.1", last=None
        )

    def configuration(self) -> Sequence[shown.ConfigFile]:
        text = "cooldown:\n  after_exit_seconds: 300  # as long as it takes\n"
        return [shown.ConfigFile(name="kalshi.yaml", text=text, sha256="9f" * 32)]

    def knobs(self, venue: str) -> Sequence[shown.KnobRow]:
        knob = shown.KnobRow(
            path=CHANGE,
            value="300",
            low="0",
            high="1800",
            step="60",
            unit="s",
            next=("240", "360"),
        )
        return [knob]

    def config_history(self, lane: str) -> Sequence[shown.ConfigChangeRow]:
        change = shown.ConfigChangeRow(
            at=ago(900),
            seq=9,
            file="kalshi.yaml",
            path=CHANGE,
            before="360",
            after="300",
            by="me",
            cause="operator",
            outcome="applied",
        )
        return [change]

    def system(self) -> shown.SystemNow:
        thread = shown.ThreadRow(
            name=LANE,
            alive=True,
            busy_s=None,
            steps=312,
            last_ms=1.2,
            longest_ms=8.1,
            failure=None,
        )
        feed = shown.FeedRow(lane=LANE, age_s=31.0, ticks=312, gaps=1, ignored=0)
        return shown.SystemNow(
            version="0.1.0",
            python="3.13",
            started=ago(5),
            now=format_time(NOW),
            threads=(thread,),
            feeds=(feed,),
            rate_limits=(shown.RateLimitRow(name="read", left="18", limit="20"),),
            reconciliation=(),
            log=tuple(self.lines[:1]),
            messages=(shown.MessageRow(at=ago(1), level="WARNING", text="the feed is silent"),),
            disk_free_mb=12_345,
        )

    # -- telling -----------------------------------------------------------------------------

    def halt(self, by: str, reason: str) -> None:
        super().halt(by, reason)
        self._change(halted=f"{by}: {reason}")

    def resume(self, by: str) -> None:
        super().resume(by)
        self._change(halted=None)

    def lift_halt(self, by: str, *, sure: bool) -> None:
        if self.cautious and not sure:
            msg = "orders with real money were cancelled: say once more who you are"
            raise shown.StepUpError(msg)
        self.resume(by)

    def pause(self, lane: str, by: str, reason: str) -> None:
        self.commands.append(("pause", lane, by, reason))
        self._change(halted=f"{by}: {reason}")

    def cancel_order(self, lane: str, intent: str, by: str) -> None:
        self.commands.append(("cancel_order", lane, intent, by))
        self._change(orders=())

    def close_position(self, lane: str, market: str, leg: str, by: str) -> None:
        self.commands.append(("close_position", lane, market, leg, by))
        self._change(positions=())

    def consent(self, about: shown.Shown) -> shown.Consent:
        if about.proposal not in {card.id for card in self.open}:
            msg = f"{about.proposal} is decided"
            raise shown.ConflictError(msg)
        token = next(self._tokens)
        self._given[token] = about
        return shown.Consent(token=token, expires_at=ago(-15))

    def approve(self, lane: str, proposal: str, token: str, by: str, *, sure: bool) -> str:
        if self.trial is not None:
            msg = "a trial is under way: one change at a time"
            raise CommandRefused(msg)
        card = self._decide(proposal, token, by, "approved")
        self.commands.append(("approve", lane, proposal, by, str(sure)))
        self.trial = a_trial(card)
        return f"{card.path} is {card.after} now; its trial has begun"

    def reject(
        self, lane: str, proposal: str, token: str, by: str, *, reason: str, note: str
    ) -> str:
        self._decide(proposal, token, by, "rejected", reason, note)
        self.commands.append(("reject", lane, proposal, by, reason, note))
        return "rejected"

    def undo_learning(
        self, lane: str, path: str, direction: int, rule: str, by: str, note: str
    ) -> None:
        self.commands.append(("undo_learning", lane, path, str(direction), rule, by, note))
        self.lessons.clear()

    def _decide(
        self, proposal: str, token: str, by: str, stage: str, reason: str = "", note: str = ""
    ) -> shown.ProposalCard:
        given = self._given.pop(token, None)
        card = next((card for card in self.open if card.id == proposal), None)
        if given is None or card is None:
            msg = "somebody else was first"
            raise shown.ConflictError(msg)
        self.open.remove(card)
        done = attrs.evolve(
            card, stage=stage, by=by, reason=reason, note=note, decided_at=format_time(NOW)
        )
        self.decided.insert(0, done)
        return done

    def _change(self, **changes: Any) -> None:
        first, *rest = self.snapshots
        self.snapshots = [attrs.evolve(first, ticks=first.ticks + 1, **changes), *rest]


def _wanted(line: Mapping[str, Any], query: shown.JournalQuery, chain: str) -> bool:
    data = line.get("data", {})
    at = parse_time(line["ts"])
    return (
        f"{line.get('venue')}/{line.get('lane')}" == chain
        and (not query.types or line["type"] in query.types)
        and (not query.market or data.get("market") == query.market)
        and (not query.strategy or data.get("strategy") == query.strategy)
        and query.text.lower() in str(line).lower()
        and (not query.since or at >= parse_time(query.since))
        and (not query.until or at < parse_time(query.until))
        and (query.before is None or line["seq"] < query.before)
    )


def _venue(lane: LaneSnapshot) -> shown.VenueNow:
    return shown.VenueNow(
        lane=f"{lane.venue}/{lane.lane}",
        venue=lane.venue,
        phase=lane.phase,
        live=lane.live,
        venue_state="open",
        markets=148,
        feed_age_s=0.4,
        last_tick_at=format_time(NOW),
        halted=lane.halted,
        degraded=lane.degraded,
        error=lane.error,
        not_ready=None,
        unreconciled=None,
        armed_until=None,
    )


def a_market(market: str = MARKET, title: str = TITLE, **changes: Any) -> shown.MarketRow:
    """Return a market with a book of two cents; `changes` replaces fields."""
    fields: dict[str, Any] = {
        "market": market,
        "event": market.rpartition("-")[0],
        "family": market.partition("-")[0],
        "category": "Climate",
        "title": title,
        "status": "open",
        "closes_at": ago(-90),
        "bid": "0.44",
        "ask": "0.46",
        "bid_size": "120",
        "ask_size": "88",
        "mid": "0.45",
        "spread": "0.02",
        "last_trade": "0.45",
        "book_at": ago(0),
        "book_age_s": 0.4,
        "held": (shown.HeldLeg(leg="yes", size="25", strategy="bias_harvest"),),
        "orders": 1,
    }
    return shown.MarketRow(**(fields | changes))


def a_close_look(lane: str, row: shown.MarketRow) -> shown.MarketDetail:
    """Return a market with a book of three levels and a refused wish."""
    levels = [("0.44", "0.46"), ("0.43", "0.47"), ("0.42", "0.48")]
    wish = shown.WishNow(
        strategy="bias_harvest",
        leg="yes",
        purpose="entry",
        refused_by=("min_edge", "cooldown"),
        refused_for=12,
        price="0.41",
        reason="favourite_bias",
    )
    order = {
        "intent": "i-7",
        "strategy": "bias_harvest",
        "market": row.market,
        "leg": "yes",
        "purpose": "entry",
        "style": "maker",
        "state": "accepted",
        "price": "0.43",
        "size": "40",
        "filled": "12",
        "reserved": "12.04",
    }
    return shown.MarketDetail(
        lane=lane,
        at=format_time(NOW),
        market=row,
        tick="0.01",
        min_size="1",
        size_step="1",
        strike="54.5",
        condition="between",
        at_most_one=True,
        exhaustive=False,
        bids=tuple(shown.Level(price=bid, size=str(120 + n)) for n, (bid, _) in enumerate(levels)),
        asks=tuple(shown.Level(price=ask, size=str(80 + n)) for n, (_, ask) in enumerate(levels)),
        orders=(order,),
        positions=(),
        fills=(),
        mids=tuple((ago(60 - n), f"{0.42 + n % 5 / 100:.2f}") for n in range(60)),
        prints=(shown.PrintNow(at=ago(1), side="buy", price="0.45", size="5"),),
        last_scan=shown.ScanNow(at=format_time(NOW), ticks=312),
        wanted=(wish,),
    )


def a_proposal(**changes: Any) -> shown.ProposalCard:
    """Return a proposal that waits; `changes` replaces fields."""
    fields: dict[str, Any] = {
        "id": "9ab3c1d2e4f56071",
        "finding": "2026-11-22:cooldown_over_rejection:",
        "rule": "cooldown_over_rejection",
        "file": "kalshi.yaml",
        "path": CHANGE,
        "before": "300",
        "after": "240",
        "rationale": "Cooldowns refused opportunities that were worth 1.9 cents a contract.",
        "advisor": "rules",
        "config": "9f" * 32,
        "card": {
            "verdict": "not disproved",
            "why": "7 days are too few to prove it",
            "class": "C: trades that were not made, at recorded books",
            "per_day": "1.42",
            "per_day_low": "0.31",
            "per_day_high": "2.66",
            "coverage": "7 days, 148 markets, 2 gaps",
        },
        "stage": "queued",
        "since": ago(360),
        "expires_at": ago(-10_000),
        "decided_at": None,
        "by": "",
        "reason": "",
        "note": "",
        "raises_exposure": False,
    }
    return shown.ProposalCard(**(fields | changes))


def a_trial(card: shown.ProposalCard) -> shown.TrialRow:
    """Return the trial of a proposal, after the first of its checks."""
    check = shown.TrialCheckRow(
        at=format_time(NOW), minute=5, verdict="continue", numbers={"words": "Nothing alarming."}
    )
    return shown.TrialRow(
        id="t-1",
        proposal=card.id,
        path=card.path,
        before=card.before,
        after=card.after,
        started_at=ago(6),
        baseline={"limit": "0.4"},
        checks=(check,),
        verdict=None,
        reason="",
        ended_at=None,
        blocked_until=None,
        outcomes=(),
    )


def a_night() -> shown.NightReview:
    """Return a night with a leak for which a knob may help and one for which none does."""
    leaks = [
        ("cooldown_over_rejection", "", "tuning", "1.31", (CHANGE,)),
        ("family_loser", "KXGASW", "structural", "0.92", ()),
    ]
    rows = [
        shown.LeakRow(
            seq=4,
            finding=f"2026-11-22:{rule}:{subject}",
            rule=rule,
            version=1,
            status="confirmed",
            kind=kind,
            night="2026-11-22",
            n=210,
            events=38,
            cost_low=cost,
            cost_point="2.05",
            evidence=(2, 3, 5),
            knobs=knobs,
            detail={"share": "0.64"},
        )
        for rule, subject, kind, cost, knobs in leaks
    ]
    return shown.NightReview(
        seq=3,
        at=ago(360),
        night="2026-11-22",
        since=ago(1800),
        until=ago(360),
        findings=15,
        confirmed=2,
        leaks=tuple(rows),
    )


def a_lesson() -> shown.LessonRow:
    """Return what one rejection taught."""
    return shown.LessonRow(
        path="exits.take_profit.gain",
        direction=1,
        rule="late_exit",
        approvals=0,
        rejections=({"at": ago(5000), "reason": "not_convinced"},),
        outcomes=(),
        blocks=(),
        approval=0.333333,
    )


def some_analytics(chain: str) -> dict[str, Any]:
    """Return the numbers of four weeks, in the shape of `analytics.summary.as_json`."""
    group = {
        "trades": 99,
        "events": 80,
        "wins": 61,
        "win_rate": "0.616",
        "win_test": {"trials": 40, "wins": 31, "expected": 27.4, "at_most": 0.9, "at_least": 0.2},
        "size": "2500",
        "pnl": "41.31",
        "parts": {},
    }
    bins = [
        {
            "low": f"{n / 10}",
            "high": f"{(n + 1) / 10}",
            "count": 10 + n,
            "forecast": f"{n / 10 + 0.05:.2f}",
            "happened": f"{n / 10 + 0.06:.2f}",
            "bounds": {"low": max(0, n / 10 - 0.05), "high": min(1, n / 10 + 0.15)},
        }
        for n in range(10)
    ]
    names = ("strategy", "family", "event", "price_band", "hour", "hours_to_close", "leg", "how")
    return {
        "chain": chain,
        "since": ago(40_320),
        "until": ANALYTICS_AT,
        "covered_s": "2380000",
        "cut": False,
        "total": group,
        "by": {name: {"09": group, "14": {**group, "pnl": "-3"}} for name in names},
        "rewards": "2.1",
        "attribution": {"edge": "38.2", "spread": "21.4", "fees": "-6.87", "unexplained": "-11.42"},
        "markouts": [
            {
                "seconds": seconds,
                "liquidity": "maker",
                "fills": 60,
                "size": "1500",
                "moved": "4",
                "per_contract": "0.0032",
                "missing": "25",
            }
            for seconds in (60, 300, 1800)
        ],
        "beliefs": {
            "forecasts": 240,
            "brier": "0.1612",
            "market_brier": "0.1698",
            "calibration": bins,
            "market_calibration": bins[::2],
        },
        "returns": {
            "days": {f"2026-11-{day:02d}": f"{day % 5 - 1.5}" for day in range(1, 23)},
            "sharpe": "1.84",
            "sortino": None,
            "calmar": "3.2",
            "max_drawdown": "17.3",
            "max_drawdown_share": "0.0169",
            "expectancy": "0.417",
            "profit_factor": "1.62",
        },
        "utilisation_mean": "0.142",
        "utilisation_median": "0.131",
        "entries": 142,
        "filled": 99,
        "opportunities": 571,
        "denials": {"min_edge": 87, "cooldown": 31},
    }
