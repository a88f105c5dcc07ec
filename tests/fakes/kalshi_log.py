"""Small Kalshi websocket logs made in code, in the shape recorders write."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

GOLD = "KXGOLD15M-26AUG050000-00"
START_MS = 1_785_901_540_000


class LogBuilder:
    """Builds lines; every message gets the next ``seq`` and comes one millisecond later."""

    def __init__(self, ticker: str = GOLD, start_ms: int = START_MS, seq: int = 1000) -> None:
        self.ticker = ticker
        self.recv_ms = start_ms
        self.seq = seq
        self.lines: list[str] = []

    def snapshot(
        self,
        yes: Iterable[tuple[str, str]] = (),
        no: Iterable[tuple[str, str]] = (),
        **envelope: int,
    ) -> "LogBuilder":
        body: dict[str, object] = {"market_ticker": self.ticker, "market_id": "4f5c"}
        # The venue leaves the key of an empty side away.
        body |= {"yes_dollars_fp": [list(level) for level in yes]} if yes else {}
        body |= {"no_dollars_fp": [list(level) for level in no]} if no else {}
        return self.message("orderbook_snapshot", body, **envelope)

    def delta(self, side: str, price: str, change: str, **envelope: int) -> "LogBuilder":
        body = {
            "market_ticker": self.ticker,
            "market_id": "4f5c",
            "price_dollars": price,
            "delta_fp": change,
            "side": side,
            "ts": "2026-08-05T03:45:40.722003Z",
            "ts_ms": self.recv_ms - 9,
        }
        return self.message("orderbook_delta", body, **envelope)

    def trade(self, taker: str, price: str, count: str, **envelope: int) -> "LogBuilder":
        body = {
            "trade_id": "f195",
            "market_ticker": self.ticker,
            "yes_price_dollars": price,
            "count_fp": count,
            "taker_side": taker,
            "taker_outcome_side": taker,
            "ts": self.recv_ms // 1000,
            "ts_ms": self.recv_ms - 9,
        }
        return self.message("trade", body, **({"sid": 2} | envelope))

    def message(self, kind: str, body: object, **envelope: int) -> "LogBuilder":
        self.seq = envelope.pop("seq", self.seq)
        self.recv_ms = envelope.pop("recv_ms", self.recv_ms)
        event = {"type": kind, "sid": 1, "seq": self.seq, "msg": body} | envelope
        return self.raw(json.dumps({"recv_ms": self.recv_ms, "event": event}))

    def raw(self, line: str) -> "LogBuilder":
        self.lines.append(line)
        self.seq += 1
        self.recv_ms += 1
        return self

    def text(self) -> str:
        return "".join(line + "\n" for line in self.lines)

    def write(self, path: Path) -> Path:
        data = self.text().encode()
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
        return path
