"""A running bot that shows what the test puts into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import money, parse_time, price, size
from market_bot.core.domain.orders import Order, OrderState, Purpose, Style
from market_bot.core.ports.dashboard import Operator
from market_bot.core.usecases.lane_snapshot import HeldNow, LaneSnapshot

NOW = parse_time("2026-11-22T14:03:07.250000Z")


class FakeDesk(Operator):
    """Holds snapshots and journal lines; remembers the commands it was given."""

    def __init__(self, *snapshots: LaneSnapshot) -> None:
        self.snapshots: Sequence[LaneSnapshot] = snapshots
        self.lines: list[Mapping[str, object]] = []
        self.stalled_workers: Sequence[str] = ()
        self.commands: list[tuple[str, ...]] = []
        self.failure: Exception | None = None

    def lanes(self) -> Sequence[LaneSnapshot]:
        if self.failure is not None:
            raise self.failure
        return self.snapshots

    def about(self) -> Mapping[str, str]:
        return {"version": "0.1.0", "home": "./market-bot-home", "started": "2026-11-22 13:58 UTC"}

    def stalled(self) -> Sequence[str]:
        return self.stalled_workers

    def recent(self, count: int) -> Sequence[Mapping[str, object]]:
        return self.lines[-count:]

    def halt(self, by: str, reason: str) -> None:
        self.commands.append(("halt", by, reason))

    def resume(self, by: str) -> None:
        self.commands.append(("resume", by))

    def flatten(self, by: str) -> None:
        self.commands.append(("flatten", by))

    def arm(self, venue: str, by: str, phrase: str, minutes: int) -> None:
        self.commands.append(("arm", venue, by, phrase, str(minutes)))

    def disarm(self, venue: str, by: str) -> None:
        self.commands.append(("disarm", venue, by))

    def accept_cash(self, venue: str, by: str) -> None:
        self.commands.append(("accept_cash", venue, by))

    def restore_settings(self, venue: str, by: str, version: str, expected: str) -> None:
        self.commands.append(("restore_settings", venue, by, version, expected))

    def shut_down(self, by: str) -> None:
        self.commands.append(("shut_down", by))


def a_held_position(
    market: str = "KXHIGHNY-26NOV22-B54.5", bid: str | None = "0.44", ask: str | None = "0.46"
) -> HeldNow:
    """Return 25 contracts that cost 41 cents each, and what is bid and asked for one."""
    position = Position(
        market=market,
        event="KXHIGHNY-26NOV22",
        family="KXHIGHNY",
        leg=Leg.YES,
        strategy="bias_harvest",
        signal="s-1",
        size=size("25"),
        cost=money("10.25"),
        opened_at=NOW,
    )
    bought, sold = (None if one is None else price(one) for one in (bid, ask))
    return HeldNow(position=position, bid=bought, ask=sold)


def an_order(market: str = "KXBTCD-26NOV2217-T98250") -> Order:
    """Return an order that rests, partly filled."""
    return Order(
        intent="i-7",
        signal="s-7",
        strategy="bias_harvest",
        market=market,
        event="KXBTCD-26NOV2217",
        family="KXBTCD",
        leg=Leg.NO,
        purpose=Purpose.ENTRY,
        style=Style.MAKER,
        price=price("0.62"),
        size=size("40"),
        fee_bound=money("0"),
        expires_at=NOW,
        created_at=NOW,
        state=OrderState.ACCEPTED,
        filled=size("12"),
    )


def a_busy_lane(**changes: object) -> LaneSnapshot:
    """Return a lane in the middle of its day; `changes` replaces fields."""
    fields: dict[str, object] = {
        "venue": "kalshi",
        "lane": "paper",
        "run": "",
        "phase": "trading",
        "at": NOW,
        "ticks": 312,
        "counts": {
            "scans": 312,
            "markets": 148,
            "signals": 57,
            "entries": 14,
            "exits": 3,
            "fills": 19,
            "resolved": 2,
            "errors": 0,
        },
        "denials": {
            "cooldown": 31,
            "max_position_usd": 12,
            "min_edge": 87,
            "max_total_exposure_usd": 3,
        },
        "positions": (a_held_position(),),
        "orders": (an_order(),),
        "cash": money("912.4"),
        "deposits": money("1000"),
        "equity": money("1012.85"),
        "realised": money("9.31"),
        "fees": money("1.87"),
        "exposure": money("131.2"),
        "day_pnl": money("-2.4"),
        "limits": {"max_total_exposure_usd": "200", "max_order_usd": "10"},
        "head": (4711, "ab" * 32),
    }
    return LaneSnapshot(**(fields | changes))  # type: ignore[arg-type] # a table of fields


def a_line(seq: int, kind: str, **data: object) -> dict[str, object]:
    """Return a decoded journal line of the busy lane."""
    return {
        "v": 1,
        "seq": seq,
        "ts": f"2026-11-22T14:03:{seq % 60:02d}.250000Z",
        "boot": "b-1",
        "venue": "kalshi",
        "lane": "paper",
        "cfg": "0123456789abcdef",
        "type": kind,
        "data": data,
        "prev": "0" * 64,
        "hash": f"{seq:064x}",
    }
