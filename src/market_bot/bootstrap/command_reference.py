"""Writes the page of the commands' options from the program, so that it cannot lag behind.

``python -m market_bot.bootstrap.command_reference > docs/reference/options.md``
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from cyclopts import App
from cyclopts.argument import Argument

from market_bot.bootstrap.cli.app import app

_HEAD: Final = """\
# Options

<!-- Written by market_bot/bootstrap/command_reference.py from the program. Do not edit. -->

Every command with everything it takes, as the program itself says it; `market-bot COMMAND --help`
prints the same. What the commands are for: [commands](commands.md). `--debug`, with any command,
adds the traceback to an error.
"""
_TITLES: Final = "\n| option | takes | meaning |\n| --- | --- | --- |\n"
_NAMES: Final[dict[object, str]] = {str: "text", int: "number", float: "number", Path: "path"}


def commands(parent: App = app, prefix: str = "") -> Iterator[tuple[str, App]]:
    """Yield every command by its full name, in the order of the alphabet."""
    for name in sorted(name for name in parent if not name.startswith("-")):
        command, full = parent[name], f"{prefix}{name}"
        if command.default_command is None:
            yield from commands(command, f"{full} ")
        else:
            yield full, command


def render() -> str:
    """Return the whole reference page."""
    return _HEAD + "".join(_section(name, command) for name, command in commands())


def _section(name: str, command: App) -> str:
    told = inspect.cleandoc(command.help).partition("\nArgs:")[0].strip().replace("``", "`")
    said = _meanings(command)
    arguments = [one for one in command.assemble_argument_collection() if one.show]
    rows = "".join(_row(one, said) for one in arguments)
    return f"\n## {name}\n\n{told}\n{_TITLES}{rows}"


def _row(argument: Argument, said: dict[str, str]) -> str:
    names = ", ".join(f"`{name}`" for name in argument.names)
    meaning = said.get(argument.field_info.name) or argument.parameter.help or ""
    return f"| {names} | {_takes(argument)} | {_cell(meaning)} |\n"


def _takes(argument: Argument) -> str:
    choices = argument.get_choices(force=True)
    kind = " / ".join(f"`{one}`" for one in choices) if choices else _kind(argument.hint)
    default = argument.field_info.default
    if argument.required:
        return f"{kind}, required" if kind else "required"
    if default in (None, False, inspect.Parameter.empty, ""):
        return kind
    return f"{kind} (`{default}`)"


def _kind(hint: Any) -> str:  # noqa: ANN401 - a type as written, of any form
    if hint is bool:
        return ""
    text = str(hint)
    known = [name for kind, name in _NAMES.items() if getattr(kind, "__name__", "?") in text]
    kind = known[0] if known else text
    return f"{kind} …" if "list[" in text else kind


def _meanings(command: App) -> dict[str, str]:
    """Return what the docstring's ``Args`` say, by name."""
    _, _, told = inspect.cleandoc(command.help).partition("\nArgs:\n")
    meanings: dict[str, str] = {}
    name = ""
    for line in told.splitlines():
        if line.startswith("    ") and not line.startswith("     "):
            name, _, meaning = line.strip().partition(": ")
            meanings[name] = meaning
        elif line.strip() and name:
            meanings[name] += f" {line.strip()}"
    return meanings


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")


def main() -> None:
    """Write the page to standard output."""
    sys.stdout.write(render())


if __name__ == "__main__":
    main()
