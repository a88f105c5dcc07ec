"""One number is replaced in a file, exactly or not at all."""

from __future__ import annotations

import pytest

from market_bot.config.errors import ConfigError
from market_bot.config.exact_edit import (
    ExactEditError,
    StaleValueError,
    edit_exactly,
)

FILE = b"""\
# A comment: sizing 20
sizing:   # how large
  order_usd: 20   # dollars
  kelly_fraction: "0.25"
strategies:
  - {name: a, params: {gain: 1.15, list: [1, 2]}}
  - name: b
    params:
      gain: 1.15
      word: 'text'
"""


@pytest.mark.parametrize(
    ("path", "before", "after", "old", "new"),
    [
        ("sizing.order_usd", "20", "21", b"order_usd: 20 ", b"order_usd: 21 "),
        ("sizing.order_usd", "20.00", "9.5", b"order_usd: 20 ", b"order_usd: 9.5 "),
        ("sizing.kelly_fraction", "0.25", "0.2", b'"0.25"', b'"0.2"'),
        ("strategies.a.params.gain", "1.15", "1.2", b"{gain: 1.15,", b"{gain: 1.2,"),
        ("strategies.b.params.gain", "1.150", "-1", b"      gain: 1.15", b"      gain: -1"),
        ("strategies[0].params.list[1]", "2", "3", b"[1, 2]", b"[1, 3]"),
    ],
)
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_only_the_number_changes(
    path: str, before: str, after: str, old: bytes, new: bytes, ends: bytes, mark: bytes
) -> None:
    """All other bytes stay: comments, quotes, line ends and the byte order mark."""
    data = mark + FILE.replace(b"\n", ends)

    edit = edit_exactly(data, "f.yaml", path, before=before, after=after)

    assert data.replace(old, new) == edit.data
    assert after == edit_exactly(edit.data, "f.yaml", path, before=after, after=after).before
    assert edit.old_line != edit.new_line
    assert edit.new_line.encode() in edit.data.splitlines()
    assert edit.data.splitlines()[edit.line - 1].removeprefix(mark) == edit.new_line.encode()


def test_undone_is_the_same_file() -> None:
    """The way back gives the bytes that were there, when the number is written as it was."""
    there = edit_exactly(FILE, "f", "sizing.order_usd", before="20", after="21")

    back = edit_exactly(there.data, "f", "sizing.order_usd", before="21", after="20")

    assert back.data == FILE


def test_another_value_is_stale() -> None:
    """What somebody changed meanwhile is not overwritten."""
    with pytest.raises(StaleValueError, match=r"f: sizing.order_usd: is 20 now, not '19'"):
        edit_exactly(FILE, "f", "sizing.order_usd", before="19", after="21")


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("sizing.order_usd", "20", "1e3"),
        ("sizing.order_usd", "20", "21 # x"),
        ("sizing.order_usd", "20", "21\nmode: live"),
        ("sizing.order_usd", "20", ""),
        ("sizing.order_usd", "20", "0x10"),
        ("sizing.order_usd", "20", "NaN"),
        ("sizing.order_usd", "", "21"),
        ("sizing.order_usd", "NaN", "21"),
        ("sizing.missing", "20", "21"),
        ("sizing", "20", "21"),
        ("strategies.c.params.gain", "20", "21"),
        ("strategies.b.params.word", "20", "21"),
        ("strategies[7].params.gain", "20", "21"),
        ("__class__.x", "20", "21"),
        ("sizing..order_usd", "20", "21"),
    ],
)
def test_what_is_not_exact_is_refused(path: str, before: str, after: str) -> None:
    """Neither another kind of value nor another place can be written."""
    with pytest.raises(ConfigError):
        edit_exactly(FILE, "f", path, before=before, after=after)


@pytest.mark.parametrize(
    "written", ["|\n    20", ">\n    20", "!!int 20", "&a 20", "'2\n   0'", "2_0"]
)
def test_odd_ways_to_write_are_refused(written: str) -> None:
    """A number over several lines, with a tag or an anchor is no number one can replace."""
    data = f"sizing:\n  order_usd: {written}\n".encode()

    with pytest.raises(ConfigError):
        edit_exactly(data, "f", "sizing.order_usd", before="20", after="21")


def test_the_line_of_a_diff() -> None:
    """The two lines of a diff are the whole lines, comments included."""
    edit = edit_exactly(FILE, "f", "sizing.order_usd", before="20", after="21")

    assert (3, "  order_usd: 20   # dollars") == (edit.line, edit.old_line)
    assert edit.new_line == "  order_usd: 21   # dollars"
    assert isinstance(ExactEditError([""]), ConfigError)
