"""Numbers about the running bot for a monitoring system; what their labels may hold is bounded."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import attrs


class MetricKind(Enum):
    """Whether a number only grows, or goes up and down."""

    COUNTER = "counter"
    GAUGE = "gauge"


@attrs.frozen
class Sample:
    """One number; a decimal text where it is an amount."""

    labels: Mapping[str, str]
    value: int | str


@attrs.frozen(kw_only=True)
class Metric:
    """One kind of number with its samples; ``name`` has the unit at its end."""

    name: str
    kind: MetricKind
    text: str
    samples: tuple[Sample, ...]
