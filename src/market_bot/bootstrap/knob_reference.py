"""Writes the reference page of the knobs from their declarations, so that it cannot lag behind.

``python -m market_bot.bootstrap.knob_reference > docs/reference/knobs.md``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from market_bot.bootstrap.discovery import builtin_exits, builtin_strategies
from market_bot.core.domain.strategies.api import Knob
from market_bot.core.domain.tuning.knobs import declared_knobs
from market_bot.core.domain.tuning.ladder import never_moves

_TITLES: Final = "| knob | lowest | highest | step | unit |\n|---|---|---|---|---|\n"
_HEAD: Final = """\
# Knobs

<!-- Written by market_bot/bootstrap/knob_reference.py from the declarations. Do not edit. -->

The numbers that a proposal can be about. This is the whole list: what is not here cannot be
proposed, neither by the rules that come with the bot nor by a language model. Hard limits
(`risk:`), `mode`, venues, addresses, keys, and how the bot evaluates itself and takes changes back
are not refused as proposals; there is no way to write such a proposal down. A person edits the
file for them. `market-bot proposals knobs` prints the same list, and with `--venue V` the knobs of
that venue's file with their present values and what each may become next.

## What may happen to a knob

- It goes **one step** up or down, to the next multiple of its step within its bounds. The bounds
  bind proposals only; a value that a person put further outside than one step stays where it is,
  and so does a zero below the lower bound, which means "off".
- Its line must be in the file: what is only a default is never proposed.
- It is left alone for 24 hours after it was changed, by whomever; for 7 days in the same direction
  for the same reason after a change that had to be taken back; for 14 days in a direction that was
  rejected twice within 30 days.
- It goes at most **2 steps within 7 days** and **a quarter of its range within 30 days**, to and
  fro counted alike. Where one step is more than that, it never moves (†).
- What puts more money at stake never rises above the hard limit it counts towards, a contract
  taken for a dollar.
- At most three proposals wait for a person at a time, at most one per knob; only one change is
  tried at a time; a proposal that nobody decides on expires after 7 days, and at once if the file
  changes.

All this is checked twice, by two pieces of code that share nothing and have a table of this list
each; and again when a person approves. Knobs that strategies of your own declare are printed for
your file but not proposed: the second table knows only what comes with the bot.
"""


def reference_knobs() -> list[tuple[str, Knob]]:
    """Return every knob that comes with the bot, with its path."""
    return declared_knobs(builtin_strategies().values(), builtin_exits().values())


def render() -> str:
    """Return the whole reference page."""
    return _HEAD + "".join(_sections())


def _sections() -> Iterator[str]:
    for section, members in groupby(reference_knobs(), key=lambda row: row[0].rpartition(".")[0]):
        yield f"\n## {section}\n\n{_TITLES}"
        for path, knob in members:
            mark = " †" if never_moves(knob) else ""
            name = path.rpartition(".")[2]
            yield f"| `{name}`{mark} | {knob.low} | {knob.high} | {knob.step} | {knob.unit} |\n"


def main() -> None:
    """Write the page to standard output."""
    sys.stdout.write(render())


if __name__ == "__main__":
    main()
