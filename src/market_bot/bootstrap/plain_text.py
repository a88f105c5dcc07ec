"""Text for a terminal: names and titles come from venues and must not steer it."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return one line of text with every character escaped that is not shown as itself.

    That is control characters, which move the cursor or rename the window, and marks of direction,
    which make a name look like another.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
