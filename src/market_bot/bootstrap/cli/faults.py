"""What a command says when it cannot do its work: one line, what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Sequence


class Failure(Exception):
    """The work failed; the text is what the person reads."""

    code = 1


class UsageFault(Failure):
    """The command was not meant like this, or the configuration is bad."""

    code = 2


def lines_of(error: Exception) -> Sequence[str]:
    """Return the lines to print for an error; a class of ours speaks for itself."""
    if type(error).__module__.partition(".")[0] == "market_bot":
        return str(error).splitlines() or [type(error).__name__]
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return [f"{place}{error.strerror}: see that the place exists and is yours to write"]
    name = type(error).__name__
    return [f"unexpected {name}: {error}: run again with --debug and report what it says"]
