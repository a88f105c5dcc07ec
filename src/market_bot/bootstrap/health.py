"""What the doctor finds: one line per thing looked at, with the remedy."""

from __future__ import annotations

from enum import Enum

import attrs


class Health(Enum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@attrs.frozen
class Check:
    """One line of the doctor: what was looked at, how it is, and the remedy."""

    name: str
    health: Health
    text: str
