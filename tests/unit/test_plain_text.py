"""Names that venues chose, on a terminal."""

import pytest

from market_bot.bootstrap.plain_text import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("KXHIGHNY-25 · Żółw 🐢", "KXHIGHNY-25 · Żółw 🐢"),
        ("\x1b]0;mine\x07\x1b[2J", "\\x1b]0;mine\\x07\\x1b[2J"),
        ("a\nb\rc\td", "a\\nb\\rc\\td"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("\u202eabc\u2066\u200b", "\\u202eabc\\u2066\\u200b"),
        ("\ud800", "\\ud800"),
    ],
)
def test_nothing_steers_the_terminal(text: str, shown: str) -> None:
    """What is printed is shown as itself or escaped."""
    assert shown == plain(text)
