"""Bugs planted one at a time; a test named beside each must find it."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Mutation:
    """A one-line bug.

    Args:
        name: what it breaks.
        file: path from the root of the project.
        old: text that occurs exactly once in the file.
        new: what it becomes.
        tests: test files or node ids of which at least one must fail.

    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
