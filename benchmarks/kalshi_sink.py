"""A venue that only notes when an order's first bytes are there: run as a program of its own.

It answers whatever is posted with an order of the name that was sent, or with a refusal in words it
was given, and tells at the end at which nanoseconds the requests arrived; clocks of processes on
one machine agree.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from typing import Final

_HEAD: Final = b"\r\n\r\n"
_NAME: Final = b'"client_order_id":"'
_MAX: Final = 1 << 16


def main() -> None:
    """Serve connections one after the other until the input ends."""
    server = socket.create_server(("127.0.0.1", 0))
    print(server.getsockname()[1], flush=True)
    stamps: list[int] = []
    while True:
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            if not _serve(connection, stamps):
                return


def _serve(connection: socket.socket, stamps: list[int]) -> bool:
    """Answer requests until the connection ends; tell whether there may be another one."""
    while True:
        data = connection.recv(_MAX)
        arrived = time.perf_counter_ns()
        if not data:
            return True
        if data.startswith(b"GET"):
            connection.sendall(_answer(json.dumps(stamps).encode()))
            return False
        stamps.append(arrived)
        while not _whole(data):
            data += connection.recv(_MAX)
        name = data.partition(_NAME)[2].partition(b'"')[0]
        if sys.argv[1:]:
            words = json.dumps({"error": sys.argv[1]}).encode()
            connection.sendall(_answer(words, "400 Bad Request"))
            continue
        connection.sendall(
            _answer(
                b'{"order_id":"o-1","client_order_id":"'
                + name
                + b'","fill_count":"0.00","remaining_count":"1.00","ts_ms":1}'
            )
        )


def _whole(data: bytes) -> bool:
    head, found, body = data.partition(_HEAD)
    if not found:
        return False
    length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
    return len(body) >= int(length)


def _answer(body: bytes, status: str = "201 Created") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + _HEAD + body


if __name__ == "__main__":
    main()
