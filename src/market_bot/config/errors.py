"""How the settings complain: one line per fault, with its place and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Self

import attrs

KeyPath = tuple[str | int, ...]

_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,60}\Z", re.ASCII)
_SHOWN_CHARACTERS: Final = 60
_SHOWN_FAULTS: Final = 50


class ConfigError(ValueError):
    """The settings cannot be used; ``lines`` says why, one ready-to-print line per fault."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[str, ...]]]:
        # The default would rebuild from the joined text, letter by letter.
        return type(self), (self.lines,)

    @classmethod
    def of(cls, faults: Iterable[Fault]) -> Self:
        """Return the error of some faults, in the order in which a reader meets them."""
        ordered = sorted(faults, key=lambda fault: (fault.line, fault.column))
        lines = [str(fault) for fault in ordered[:_SHOWN_FAULTS]]
        if len(ordered) > _SHOWN_FAULTS:
            first = ordered[_SHOWN_FAULTS]
            more = len(ordered) - _SHOWN_FAULTS
            lines.append(f"{first.file}:{first.line}:{first.column}: and {more} more faults")
        return cls(lines)


@attrs.frozen
class Fault:
    """One thing that is wrong.

    Args:
        file: name of the file as people know it.
        line: counted from 1.
        column: in characters, counted from 1.
        path: where in the settings; empty when the file as a whole is meant.
        message: what is wrong and what to do, on one line.

    """

    file: str
    line: int
    column: int
    path: KeyPath
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        return (
            f"{where} {show_path(self.path)}: {self.message}"
            if self.path
            else (f"{where}: {self.message}")
        )


def show_path(path: KeyPath) -> str:
    """Return a path the way errors print it: ``strategies[0].params.min_edge``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step if _PLAIN_KEY.match(step) else show(step)}"
    return text.removeprefix(".")


def show(value: object) -> str:
    """Return a value for an error line: printable ASCII-quoted, on one line, not too long."""
    text = repr(value) if isinstance(value, str) else str(value)
    if len(text) > _SHOWN_CHARACTERS:
        text = f"{text[: _SHOWN_CHARACTERS - 1]}…"
    return text
