"""Lists that come in pages, with the venue's traps.

The end is an empty cursor. A cursor the venue does not understand gives the first page again,
without a complaint; so a cursor that was there before, or a page of nothing but entries that were
there before, ends the walk and leaves the list incomplete.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Final, Generic, TypeVar

import attrs

from .transport import Params

_T = TypeVar("_T")

PAGES_MAX: Final = 500
_EMPTY_MAX: Final = 3


@attrs.frozen
class Walk(Generic[_T]):
    """What the pages held, each key once; ``broken`` says why some may be missing, "" if none."""

    items: tuple[_T, ...]
    pages: int
    broken: str = ""


def walk(
    fetch: Callable[[Params], tuple[Iterable[_T], str]],
    key: Callable[[_T], Hashable],
    *,
    params: Params = (),
    pages_max: int = PAGES_MAX,
    enough: Callable[[int], bool] = lambda _: False,
) -> Walk[_T]:
    """Return all items of a list, a later one taking the place of an earlier one with its key.

    Args:
        fetch: returns the items and the cursor of the page that the query asks for.
        key: what an item is known by.
        params: the query without a cursor.
        pages_max: where to stop in any case.
        enough: is asked with the number of items after each page.

    """
    found: dict[Hashable, _T] = {}
    cursors: set[str] = set()
    cursor, empty = "", 0
    for page in range(1, pages_max + 1):
        items, following = fetch([*params, ("cursor", cursor)] if cursor else params)
        before = len(found)
        entries = {key(item): item for item in items}
        found |= entries
        empty = 0 if entries else empty + 1
        broken = ""
        if not following:
            return Walk(tuple(found.values()), page)
        if following in cursors:
            broken = f"page {page} points back to an earlier one"
        elif entries and len(found) == before:
            broken = f"page {page} repeats earlier ones"
        elif empty >= _EMPTY_MAX:
            broken = f"{empty} empty pages in a row, and more to come"
        elif enough(len(found)):
            broken = f"more than {len(found)} entries"
        if broken:
            return Walk(tuple(found.values()), page, broken)
        cursors.add(following)
        cursor = following
    return Walk(tuple(found.values()), pages_max, f"more than {pages_max} pages")
