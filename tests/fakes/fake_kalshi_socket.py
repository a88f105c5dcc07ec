"""The stand-in's websocket: what the exchange does, told as the real one tells it.

Sequence numbers count per subscription, all its markets together, and acknowledgements consume
one; they begin anew on every connection. Subscribing again to a channel adds markets and sends no
second picture of those it has. It can be told to lose, repeat, swap, hold or break.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from socket import SHUT_RDWR
from types import TracebackType
from typing import Any, Final, Self

import attrs
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from .fake_kalshi_engine import ONE, Engine, Fill, Order, Position, Trade, iso, text

WS_PATH: Final = "/trade-api/ws/v2"
SEQUENCED: Final = frozenset({"orderbook_delta", "trade", "market_lifecycle_v2"})
PRIVATE: Final = frozenset({"fill", "user_orders", "market_positions"})
CHANNELS: Final = SEQUENCED | PRIVATE | {"ticker"}
_STOP: Final = None
Check = Callable[[str, str, dict[str, str]], tuple[int, bytes] | None]


@attrs.define(eq=False)
class Subscription:
    """One channel of one connection."""

    sid: int
    channel: str
    tickers: list[str]
    yes_prices: bool
    seq: int = 0

    def next_seq(self) -> int:
        """Count one message."""
        self.seq += 1
        return self.seq

    def wants(self, ticker: str) -> bool:
        """Tell whether a market is in it; none named are all."""
        return not self.tickers or ticker in self.tickers


class Link:
    """One connection: its subscriptions, and what waits to be sent on it."""

    def __init__(self, socket: FakeSocket, connection: ServerConnection) -> None:
        self.socket, self.connection = socket, connection
        self.subscriptions: dict[int, Subscription] = {}
        self.sids = 0
        self.waiting: queue.Queue[str | None] = queue.Queue()
        self.writer = threading.Thread(target=self._write, daemon=True)
        self.writer.start()

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, unless it is to be lost, held back, repeated or swapped."""
        socket = self.socket
        message = message | {"sending_ts_ms": socket.engine.now_ms()}
        line = json.dumps(message, separators=(",", ":"))
        if message["type"] == socket.troubled or socket.troubled == "any":
            trouble = socket.troubles.popleft() if socket.troubles else ""
            if trouble == "lose":
                return
            if trouble == "repeat":
                self.waiting.put(line)
            if trouble == "swap":
                socket.swapped = line
                return
        self.waiting.put(line)
        if socket.swapped is not None:
            line, socket.swapped = socket.swapped, None
            self.waiting.put(line)

    def close(self) -> None:
        """End the writer once everything before is sent."""
        self.waiting.put(_STOP)

    def _write(self) -> None:
        while True:
            line = self.waiting.get()
            try:
                if line is None:
                    return
                self.socket.flowing.wait()
                self.connection.send(line)
            except ConnectionClosed:
                pass
            finally:
                self.waiting.task_done()


class FakeSocket:
    """Serves until it is left.

    Args:
        engine: what happens.
        check: returns why a handshake is refused, from method, path and headers.

    """

    def __init__(self, engine: Engine, check: Check) -> None:
        self.engine = engine
        self.links: list[Link] = []
        self.commands: list[dict[str, Any]] = []
        self.handshakes: list[dict[str, str]] = []
        self.refuse: tuple[int, bytes] | None = None
        self.troubled = ""
        self.troubles: deque[str] = deque()
        self.swapped: str | None = None
        self.flowing = threading.Event()
        self.flowing.set()
        self._check = check
        self._server: Server = serve(
            self._talk,
            "127.0.0.1",
            0,
            process_request=self._handshake,
            compression=None,
            ping_interval=None,
            close_timeout=1,
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """The address to configure."""
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}{WS_PATH}"

    def __enter__(self) -> Self:
        self.engine.listeners.append(self._hear)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.engine.listeners.remove(self._hear)
        self.flowing.set()
        self._server.shutdown()
        self.kill()
        self._thread.join()
        for link in self._known():
            link.writer.join(5)

    # -- trouble -----------------------------------------------------------------------------

    def trouble(self, kind: str, *what: str) -> None:
        """Let things happen to the next messages of a type ("any" is every type).

        Args:
            kind: the type of the messages.
            what: "lose", "repeat", "swap" (with the following message) or "" for each of them.

        """
        with self.engine.lock:
            self.troubled = kind
            self.troubles.extend(what)

    def hold(self) -> None:
        """Send nothing any more, though the connection lives and answers pings."""
        self.flowing.clear()

    def flow(self) -> None:
        """Send everything that was held back."""
        self.flowing.set()

    def kill(self) -> None:
        """Break all connections without a word."""
        for link in self._known():
            with contextlib.suppress(OSError):
                link.connection.socket.shutdown(SHUT_RDWR)
            link.close()

    def hang_up(self, code: int = 1012) -> None:
        """Close all connections in order."""
        for link in self._known():
            link.connection.close(code)

    def ping(self) -> None:
        """Ping as the venue does every ten seconds."""
        for link in self._known():
            link.connection.ping(b"heartbeat")

    def fail(self, channel: str, code: int, words: str = "Channel error") -> None:
        """End a channel's subscriptions with an error, such as 10 or 25."""
        with self.engine.lock:
            for link, subscription in list(self._subscribed(channel)):
                message = {"code": code, "msg": words}
                link.send({"type": "error", "sid": subscription.sid, "msg": message})
                del link.subscriptions[subscription.sid]

    def say(self, message: dict[str, Any]) -> None:
        """Send any message to everybody."""
        with self.engine.lock:
            for link in self._known():
                link.send(message)

    def settle(self) -> None:
        """Wait until everything told so far has been handed to the connections."""
        for link in self._known():
            link.waiting.join()

    # -- talking -----------------------------------------------------------------------------

    def _known(self) -> list[Link]:
        with self.engine.lock:
            return list(self.links)

    def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        self.handshakes.append(headers)
        refused = self.refuse or self._check("GET", request.path.partition("?")[0], headers)
        if refused is None:
            return None
        status, body = refused
        return Response(status, HTTPStatus(status).phrase, Headers(), body)

    def _talk(self, connection: ServerConnection) -> None:
        link = Link(self, connection)
        with self.engine.lock:
            self.links.append(link)
        try:
            for frame in connection:
                with self.engine.lock:
                    self._obey(link, json.loads(frame))
        except (ConnectionClosed, OSError):
            pass
        finally:
            with self.engine.lock:
                self.links.remove(link)
            link.close()

    def _obey(self, link: Link, command: dict[str, Any]) -> None:
        self.commands.append(command)
        number, params = command.get("id", 0), command.get("params", {})
        match command.get("cmd"):
            case "subscribe":
                self._subscribe(link, number, params)
            case "unsubscribe":
                self._unsubscribe(link, number, params.get("sids", []))
            case "update_subscription":
                self._update(link, number, params)
            case "list_subscriptions":
                known = [
                    {"channel": one.channel, "sid": one.sid} for one in link.subscriptions.values()
                ]
                link.send({"id": number, "type": "ok", "msg": known})
            case _:
                self._error(link, number, 5, "Unknown command")

    def _subscribe(self, link: Link, number: int, params: dict[str, Any]) -> None:
        if not params.get("channels"):
            self._error(link, number, 3, "Channels required")
            return
        tickers = list(params.get("market_tickers") or [])
        if "market_ticker" in params:
            tickers.append(params["market_ticker"])
        for channel in params["channels"]:
            if channel not in CHANNELS:
                self._error(link, number, 8, "Unknown channel name")
            elif channel == "orderbook_delta" and not tickers:
                self._error(link, number, 14, "Market Ticker required")
            else:
                yes_prices = params.get("use_yes_price", False)
                self._join(link, number, channel, tickers, yes_prices=yes_prices)

    def _join(
        self, link: Link, number: int, channel: str, tickers: list[str], *, yes_prices: bool
    ) -> None:
        if channel == "market_lifecycle_v2":
            tickers = []  # It knows no markets to choose from.
        known = next((one for one in link.subscriptions.values() if one.channel == channel), None)
        if known is not None:
            self._add(link, number, known, tickers)
            return
        link.sids += 1
        made = Subscription(
            sid=link.sids,
            channel=channel,
            tickers=tickers,
            yes_prices=yes_prices,
        )
        link.subscriptions[made.sid] = made
        link.send(
            {"id": number, "type": "subscribed", "msg": {"channel": channel, "sid": made.sid}}
        )
        if channel == "orderbook_delta":
            self._snapshots(link, made, tickers)

    def _add(self, link: Link, number: int, known: Subscription, tickers: Iterable[str]) -> None:
        new = [one for one in tickers if one not in known.tickers]
        known.tickers.extend(new)
        self._ok(link, number, known)
        if known.channel == "orderbook_delta":
            self._snapshots(link, known, new)

    def _unsubscribe(self, link: Link, number: int, sids: list[int]) -> None:
        if not sids:
            self._error(link, number, 4, "Subscription IDs required")
        for sid in sids:
            gone = link.subscriptions.pop(sid, None)
            if gone is None:
                self._error(link, number, 7, "Unknown subscription ID")
            else:
                ack = {"id": number, "type": "unsubscribed", "sid": sid, "seq": gone.next_seq()}
                link.send(ack)

    def _update(self, link: Link, number: int, params: dict[str, Any]) -> None:
        sids = params.get("sids") or [params.get("sid")]
        known = link.subscriptions.get(sids[0]) if len(sids) == 1 else None
        if known is None:
            self._error(link, number, 7 if len(sids) == 1 else 12, "Unknown subscription ID")
            return
        tickers = list(params.get("market_tickers") or [])
        match params.get("action"):
            case "add_markets":
                self._add(link, number, known, tickers)
            case "delete_markets":
                known.tickers = [one for one in known.tickers if one not in tickers]
                self._ok(link, number, known)
            case "get_snapshot":
                self._snapshots(link, known, tickers, number)
            case _:
                self._error(link, number, 13, "Unsupported action")

    def _ok(self, link: Link, number: int, known: Subscription) -> None:
        link.send(
            {
                "id": number,
                "type": "ok",
                "sid": known.sid,
                "seq": known.next_seq(),
                "msg": {"market_tickers": list(known.tickers)},
            }
        )

    def _error(self, link: Link, number: int, code: int, words: str) -> None:
        link.send({"id": number, "type": "error", "msg": {"code": code, "msg": words}})

    def _snapshots(
        self, link: Link, known: Subscription, tickers: Iterable[str], number: int = 0
    ) -> None:
        for ticker in tickers:
            asked = {"id": number} if number else {}
            link.send(asked | snapshot(self.engine, known, ticker))

    # -- hearing -----------------------------------------------------------------------------

    def _subscribed(self, channel: str) -> Iterator[tuple[Link, Subscription]]:
        for link in self.links:
            for subscription in link.subscriptions.values():
                if subscription.channel == channel:
                    yield link, subscription

    def _hear(self, channel: str, ticker: str, told: dict[str, Any]) -> None:
        for link, subscription in list(self._subscribed(channel)):
            if not subscription.wants(ticker):
                continue
            message: dict[str, Any] = {
                "type": TYPES.get(channel, channel),
                "sid": subscription.sid,
                "msg": body(self.engine, subscription, ticker, told),
            }
            if channel in SEQUENCED:
                message["seq"] = subscription.next_seq()
            link.send(message)


TYPES: Final = {"user_orders": "user_order", "market_positions": "market_position"}


def snapshot(engine: Engine, known: Subscription, ticker: str) -> dict[str, Any]:
    """Return the whole book of a market; the key of an empty side is missing."""
    msg: dict[str, Any] = {"market_ticker": ticker, "market_id": market_id(ticker)}
    listed = engine.markets.get(ticker)
    if listed is not None:
        msg["clock"] = listed.clock
        yes, no = listed.levels("bid"), listed.levels("ask")
        if not known.yes_prices:
            no = {ONE - price: count for price, count in no.items()}
        for key, levels in (("yes_dollars_fp", yes), ("no_dollars_fp", no)):
            if levels:
                msg[key] = [[text(p, 4), text(n, 2)] for p, n in sorted(levels.items())]
    return {"type": "orderbook_snapshot", "sid": known.sid, "seq": known.next_seq(), "msg": msg}


def body(engine: Engine, known: Subscription, ticker: str, told: dict[str, Any]) -> dict[str, Any]:
    """Return what a message says about something that happened."""
    match known.channel:
        case "orderbook_delta":
            return delta(known, ticker, told, engine.now_ms())
        case "trade":
            return print_of(told["trade"])
        case "ticker":
            return ticker_of(engine, told["trade"])
        case "fill":
            return fill_of(told["fill"])
        case "user_orders":
            return order_of(told["order"])
        case "market_positions":
            return position_of(ticker, told["position"])
        case _:
            return {"market_ticker": ticker, "exchange_index": engine.markets[ticker].shard} | told


def market_id(ticker: str) -> str:
    """Return a market's other name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, ticker))


def delta(known: Subscription, ticker: str, told: dict[str, Any], at_ms: int) -> dict[str, Any]:
    """Return a signed change; the price is in the side's own dollars unless asked otherwise."""
    yes, price, order = told["side"] == "bid", told["price"], told["order"]
    found = {
        "market_ticker": ticker,
        "market_id": market_id(ticker),
        "clock": told["clock"],
        "price_dollars": text(price if yes or known.yes_prices else ONE - price, 4),
        "delta_fp": text(told["change"], 2),
        "side": "yes" if yes else "no",
        "ts": iso(at_ms),
        "ts_ms": at_ms,
    }
    return found | ({"client_order_id": order.client} if order.ours else {})


def print_of(trade: Trade) -> dict[str, Any]:
    """Return a print."""
    yes = "yes" if trade.taker == "bid" else "no"
    return {
        "trade_id": trade.id,
        "market_ticker": trade.ticker,
        "yes_price_dollars": text(trade.price, 4),
        "no_price_dollars": text(ONE - trade.price, 4),
        "count_fp": text(trade.count, 2),
        "taker_side": yes,
        "taker_outcome_side": yes,
        "taker_book_side": trade.taker,
        "is_block_trade": False,
        "ts": trade.at_ms // 1000,
        "ts_ms": trade.at_ms,
    }


def ticker_of(engine: Engine, trade: Trade) -> dict[str, Any]:
    """Return the quotes of a market after a trade."""
    listed = engine.markets[trade.ticker]
    bids, asks = listed.levels("bid"), listed.levels("ask")
    bid, ask = max(bids, default=0), min(asks, default=ONE)
    volume = sum(one.count for one in engine.trades if one.ticker == trade.ticker)
    return {
        "market_ticker": trade.ticker,
        "market_id": market_id(trade.ticker),
        "price_dollars": text(trade.price, 4),
        "yes_bid_dollars": text(bid, 4),
        "yes_ask_dollars": text(ask, 4),
        "yes_bid_size_fp": text(bids.get(bid, 0), 2),
        "yes_ask_size_fp": text(asks.get(ask, 0), 2),
        "last_trade_size_fp": text(trade.count, 2),
        "volume_fp": text(volume, 2),
        "open_interest_fp": text(volume, 2),
        "dollar_volume": volume // 200,
        "dollar_open_interest": volume // 200,
        "ts": trade.at_ms // 1000,
        "ts_ms": trade.at_ms,
        "time": iso(trade.at_ms),
    }


def fill_of(fill: Fill) -> dict[str, Any]:
    """Return a trade of ours."""
    yes = "yes" if fill.side == "bid" else "no"
    return {
        "trade_id": fill.id,
        "order_id": fill.order.id,
        "client_order_id": fill.order.client,
        "market_ticker": fill.ticker,
        "exchange_index": fill.order.shard,
        "is_taker": fill.taker,
        "side": yes,
        "yes_price_dollars": text(fill.price, 4),
        "count_fp": text(fill.count, 2),
        "fee_cost": text(fill.fee, 6),
        "action": "buy",
        "ts": fill.at_ms // 1000,
        "ts_ms": fill.at_ms,
        "post_position_fp": text(fill.position, 2),
        "purchased_side": yes,
        "outcome_side": yes,
        "book_side": fill.side,
    }


def position_of(ticker: str, held: Position) -> dict[str, Any]:
    """Return what we hold of a market."""
    return {
        "user_id": "u-1",
        "market_ticker": ticker,
        "position_fp": text(held.count, 2),
        "position_cost_dollars": text(held.cost, 6),
        "realized_pnl_dollars": text(held.realised, 6),
        "fees_paid_dollars": text(held.fees, 6),
        "position_fee_cost_dollars": text(held.fees, 6),
        "volume_fp": text(abs(held.count), 2),
    }


def order_of(order: Order) -> dict[str, Any]:
    """Return an order of ours as it stands."""
    yes = "yes" if order.side == "bid" else "no"
    found = {
        "order_id": order.id,
        "user_id": "u-1",
        "client_order_id": order.client,
        "ticker": order.ticker,
        "exchange_index": order.shard,
        "status": order.status,
        "side": yes,
        "is_yes": order.side == "bid",
        "outcome_side": yes,
        "book_side": order.side,
        "yes_price_dollars": text(order.price, 4),
        "initial_count_fp": text(order.initial, 2),
        "fill_count_fp": text(order.filled, 2),
        "remaining_count_fp": text(order.remaining, 2),
        "taker_fill_cost_dollars": text(order.costs[True], 6),
        "maker_fill_cost_dollars": text(order.costs[False], 6),
        "taker_fees_dollars": text(order.fees[True], 6),
        "maker_fees_dollars": text(order.fees[False], 6),
        "self_trade_prevention_type": order.stp,
        "created_time": iso(order.created_ms),
        "created_ts_ms": order.created_ms,
        "last_update_time": iso(order.updated_ms),
        "last_updated_ts_ms": order.updated_ms,
    }
    if order.expires is not None:
        found["expiration_ts_ms"] = order.expires * 1000
    if order.reason:
        found["last_update_reason"] = order.reason
    if order.group:
        found["order_group_id"] = order.group
    return found
