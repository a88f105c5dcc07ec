"""A replay judged: every number that a person or a script reads, and what may be claimed."""

from .build import report_of
from .canonical import canonical_json, decimal_text, json_value
from .judge import DAYS_MIN, EVENTS_MIN, SHARE_MAX, compare
from .shape import (
    BandPoint,
    Comparison,
    DayDifference,
    EventDifference,
    PaidBin,
    ReplayReport,
    SettledTrades,
    VariantReport,
    Verdict,
)

__all__ = [
    "DAYS_MIN",
    "EVENTS_MIN",
    "SHARE_MAX",
    "BandPoint",
    "Comparison",
    "DayDifference",
    "EventDifference",
    "PaidBin",
    "ReplayReport",
    "SettledTrades",
    "VariantReport",
    "Verdict",
    "canonical_json",
    "compare",
    "decimal_text",
    "json_value",
    "report_of",
]
