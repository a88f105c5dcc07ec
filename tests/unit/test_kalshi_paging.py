"""Walking lists that come in pages, past the venue's traps."""

from collections.abc import Sequence

from market_bot.adapters.kalshi.paging import Walk, walk
from market_bot.adapters.kalshi.transport import Params

Page = tuple[Sequence[str], str]


def walked(pages: dict[str, Page], *, pages_max: int = 50, enough: int = 1000) -> Walk[str]:
    """Walk pages by cursor; an unknown cursor gives the first page, as the venue does."""

    def fetch(query: Params) -> Page:
        cursor = dict(query).get("cursor", "")
        assert ("limit", "2") in query
        return pages.get(cursor, pages[""])

    return walk(
        fetch,
        lambda item: item[0],
        params=[("limit", "2")],
        pages_max=pages_max,
        enough=lambda count: count > enough,
    )


def test_pages_follow_their_cursors() -> None:
    """The last page has an empty cursor; nothing is missing then."""
    found = walked({"": (["a1", "b1"], "x"), "x": (["c1"], "y"), "y": (["d1"], "")})

    assert Walk(("a1", "b1", "c1", "d1"), 3) == found


def test_an_entry_on_two_pages_is_one() -> None:
    """A list that changes while it is walked repeats entries; the later one holds."""
    found = walked({"": (["a1", "b1"], "x"), "x": (["b2", "c1"], "")})

    assert ("a1", "b2", "c1") == found.items


def test_a_cursor_that_comes_again_ends_the_walk() -> None:
    """A circle is left, and the list is not called complete."""
    found = walked({"": (["a1"], "x"), "x": (["b1"], "x")})

    assert (("a1", "b1"), 2) == (found.items, found.pages)
    assert "points back" in found.broken


def test_a_cursor_the_venue_does_not_know_ends_the_walk() -> None:
    """The first page coming again is noticed, whatever its cursor."""
    found = walked({"": (["a1", "b1"], "forgotten"), "z": ([], "")})

    assert 2 == found.pages
    assert found.broken


def test_a_page_of_known_entries_ends_the_walk() -> None:
    """A page that adds nothing is a circle with new cursors."""
    found = walked({"": (["a1"], "x"), "x": (["a2"], "y"), "y": (["b1"], "")})

    assert "repeats" in found.broken


def test_an_empty_page_is_walked_over_but_not_for_ever() -> None:
    """A filter may leave a page empty; several in a row are given up."""
    over = walked({"": ([], "x"), "x": (["a1"], "")})
    given_up = walked({"": ([], "x"), "x": ([], "y"), "y": ([], "z"), "z": ([], "w")})

    assert Walk(("a1",), 2) == over
    assert (3, True) == (given_up.pages, "empty pages" in given_up.broken)


def test_a_walk_has_its_limits() -> None:
    """Neither pages nor entries are taken without end."""
    pages: dict[str, Page] = {
        chr(code): ([f"{chr(code)}1"], chr(code + 1)) for code in range(ord("b"), ord("z"))
    }
    pages[""] = (["a1"], "b")

    assert "more than 3 pages" == walked(pages, pages_max=3).broken
    assert "more than 5 entries" == walked(pages, enough=4).broken


def test_no_entries_at_all() -> None:
    """An empty list is complete."""
    assert Walk((), 1) == walked({"": ([], "")})
