"""What goes through the pipes between the bot and the process that asks: JSON, checked on arrival.

The brief goes without the ids of findings, which hold names; the key goes in the environment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import attrs

from market_bot.core.domain.numbers import Duration, Money
from market_bot.core.domain.tuning.brief import Brief
from market_bot.core.ports.advisor import REASON_MAX, Advice, Silence

from .rule_table import spoken
from .terms import Terms

KEY: Final = "ANTHROPIC_API_KEY"
PIPE_MAX: Final = 1 << 20
"""The most bytes that go through either way."""

_COUNT_MAX: Final = 10**18
_WORD_MAX: Final = 100
_NUMBERS: Final = ("cost", "tokens_in", "tokens_out", "attempts", "took")
_WORDS: Final = ("advisor", "model", "prompt")
_FIELDS: Final = frozenset({"proposals", "unfit", "silence", "reason", *_NUMBERS, *_WORDS})


class PipeError(ValueError):
    """What came through a pipe is not what it should be."""


def question(brief: Brief, terms: Terms) -> bytes:
    """Return what the child is told."""
    return json.dumps({"brief": brief.text, "terms": attrs.asdict(terms)}).encode()


def read_question(data: bytes) -> tuple[Brief, Terms]:
    """Return what the child was told.

    Raises:
        PipeError: if it is no question.

    """
    try:
        told = json.loads(data)
        return Brief.of_text(told["brief"]), Terms(**told["terms"])
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        msg = "not a question for an advisor"
        raise PipeError(msg) from e


def answer(advice: Advice) -> bytes:
    """Return what the child says."""
    said = {
        "proposals": [spoken(draft) for draft in advice.drafts],
        "unfit": advice.unfit,
        "silence": None if advice.silence is None else advice.silence.value,
        "reason": advice.reason,
        **{name: getattr(advice, name) for name in (*_NUMBERS, *_WORDS)},
    }
    return json.dumps(said).encode()


def read_answer(data: bytes, brief: Brief) -> Advice:
    """Return what the child said, with the ids of findings in place of their codes.

    Raises:
        PipeError: if it is no answer.

    """
    try:
        said = json.loads(data)
    except (ValueError, RecursionError) as e:
        msg = "not the answer of an advisor"
        raise PipeError(msg) from e
    if not isinstance(said, dict) or said.keys() != _FIELDS or not _fits(said):
        msg = "not the answer of an advisor"
        raise PipeError(msg)
    drafts, unfit = brief.drafts({"proposals": said["proposals"]})
    silence = None if said["silence"] is None else Silence(said["silence"])
    if silence is None and not drafts:
        silence = Silence.MALFORMED
    return Advice(
        advisor=said["advisor"],
        drafts=() if silence is not None else drafts,
        unfit=unfit + said["unfit"],
        silence=silence,
        reason=said["reason"],
        cost=Money(said["cost"]),
        tokens_in=said["tokens_in"],
        tokens_out=said["tokens_out"],
        attempts=said["attempts"],
        model=said["model"],
        prompt=said["prompt"],
        took=Duration(said["took"]),
    )


def _fits(said: Mapping[str, Any]) -> bool:
    numbers = [said[name] for name in (*_NUMBERS, "unfit")]
    silences = {None, *(one.value for one in Silence)}
    return (
        all(type(one) is int and 0 <= one <= _COUNT_MAX for one in numbers)
        and all(_is_text(said[name], _WORD_MAX) for name in _WORDS)
        and _is_text(said["reason"], REASON_MAX)
        and (said["silence"] is None or isinstance(said["silence"], str))
        and said["silence"] in silences
    )


def _is_text(value: object, most: int) -> bool:
    return isinstance(value, str) and len(value) <= most and value.isprintable()
