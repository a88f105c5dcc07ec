"""How much a venue may still be asked: our own limits, kept inside the venue's."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Allowance:
    """What may go out at once of one kind of request, in the unit the venue counts.

    Args:
        name: the kind: "reads", "writes", "cancels" …
        left: what may go out now.
        most: what may go out after a pause.
        per_second: what comes back each second.

    """

    name: str
    left: int
    most: int
    per_second: int


class Metered(Protocol):
    """Something that asks a venue and counts how much."""

    @abstractmethod
    def allowances(self) -> Sequence[Allowance]:
        """Return what is left of each kind; from any thread, and without changing anything."""


def scarcest(metered: Iterable[Metered], only: str = "") -> tuple[Allowance, ...]:
    """Return of each kind what the client has left that comes nearest to its limit.

    Each client has a share of what the venue allows, and waits when that is used up, whatever the
    others have left. ``only`` names the one kind that these clients need, "" all of them.
    """
    found: dict[str, Allowance] = {}
    for one in metered:
        for part in one.allowances():
            if only not in ("", part.name):
                continue
            known = found.get(part.name)
            if known is None or part.left * known.most < known.left * part.most:
                found[part.name] = part
    return tuple(found.values())
