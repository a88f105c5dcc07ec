"""Tell the service manager that started us how we are, by the datagrams of sd_notify(3).

Without a manager, as at a terminal, nothing is sent. The protocol: one datagram of ``NAME=value``
lines to the socket in ``NOTIFY_SOCKET``; a name that begins with ``@`` is an abstract one.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

import attrs

_STATUS_MAX = 200


@attrs.frozen
class ServiceManager:
    """Whoever started this process and waits for word.

    Args:
        address: its socket; empty if there is none.

    """

    address: str = ""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> ServiceManager:
        """Return the manager that an environment names."""
        return cls(environment.get("NOTIFY_SOCKET", ""))

    def ready(self, status: str) -> None:
        """Say that the start is over."""
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def well(self, status: str) -> None:
        """Say that all is well; who is silent for too long is started again."""
        self._send(f"WATCHDOG=1\nSTATUS={_line(status)}")

    def unwell(self, status: str) -> None:
        """Say what is wrong, without any sign of life."""
        self._send(f"STATUS={_line(status)}")

    def stopping(self) -> None:
        """Say that the end was asked for."""
        self._send("STOPPING=1")

    def _send(self, words: str) -> None:
        if not self.address:
            return
        name = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                # A manager that does not read must not hold the bot up.
                out.setblocking(False)  # noqa: FBT003 - the socket's own words
                out.sendto(words.encode(), name)
        except OSError:
            # It notices silence by itself, and nothing here can mend its socket.
            return


def _line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:_STATUS_MAX]
