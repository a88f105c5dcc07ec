"""Progress on a terminal."""

import io

from market_bot.bootstrap.cli.progress import LineProgress
from market_bot.core.ports.journal import Entry
from tests.fakes.clock import NOON


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def lines(count: int) -> list[Entry]:
    """Return so many lines."""
    return [
        Entry(seq=n, at=NOON, boot="b", config="c", type="t", event=None, prev="", hash="")
        for n in range(1, count + 1)
    ]


def test_a_terminal_is_told() -> None:
    """Each step overwrites the one before, and nothing is left of it in the end."""
    terminal = Terminal()
    progress = LineProgress("proving x", 1_000, terminal)
    passed = list(progress.watch(iter(lines(1_000))))
    told = terminal.getvalue()
    progress.close()
    progress.close()

    assert lines(1_000) == passed
    assert 200 == told.count("\r")
    assert told.startswith("\rproving x: line 5 of 1,000\r")
    assert told.endswith("line 1,000 of 1,000")
    assert f"{told}\r\033[K" == terminal.getvalue()


def test_a_file_is_told_nothing() -> None:
    """What goes into a file or a pipe stays one line per error."""
    stream = io.StringIO()
    progress = LineProgress("proving x", 3, stream)

    assert lines(3) == list(progress.watch(iter(lines(3))))
    progress.close()
    assert "" == stream.getvalue()
