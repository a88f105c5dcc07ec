"""A terminal for commands that want a person."""

from __future__ import annotations

import os
import pty
import sys


class Terminal:
    """A person's terminal on which a command runs."""

    def __init__(self, *words: object) -> None:
        self.text = ""
        self.pid, self._descriptor = pty.fork()
        if not self.pid:
            arguments = [sys.executable, "-m", "market_bot", *map(str, words)]
            os.execv(sys.executable, arguments)  # noqa: S606 - the program under test

    def sees(self, what: str) -> bool:
        """Read until something is said; tell whether it was before the end."""
        while what not in self.text:
            try:
                data = os.read(self._descriptor, 1 << 12)
            except OSError:
                data = b""
            if not data:
                return False
            self.text += data.decode()
        return True

    def types(self, words: str) -> None:
        """Type words without an enter key."""
        os.write(self._descriptor, words.encode())

    def ends(self) -> int:
        """Return the exit code."""
        self.sees("\0")
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self._descriptor)
        return code
