"""What an unquoted word in YAML means, or why it has no certain meaning.

Readers of YAML disagree about unquoted words: ``no`` is false to one and text to another, ``010``
is eight or ten, ``12:30:45`` is a time or the number 45045. Here nothing is guessed: what every
reader takes the same way is accepted, the rest is refused with the two ways to write it.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

import yaml

PlainValue = str | int | Decimal | bool | None

_MAX_DIGITS: Final = 30
_TEXT_TAG: Final = "tag:yaml.org,2002:str"

_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\Z", re.ASCII)
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+\Z", re.ASCII)
_CLOCK: Final = re.compile(r"[-+]?[0-9]+(?::[0-9]+)+(?:\.[0-9]*)?\Z", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", re.ASCII)
_NUMBER_TO_SOME: Final = re.compile(
    r"""(?: [-+]? (?: \.[0-9_]+ | [0-9][0-9_]*(?:\.[0-9_]*)? ) (?:[eE][-+]?[0-9]+)?
          | [-+]?0[xXoObB][0-9a-fA-F_]+
          | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN) )\Z""",
    re.ASCII | re.VERBOSE,
)
_WORDS_TO_SOME: Final = {
    **dict.fromkeys(("y", "yes", "on", "true"), "true"),
    **dict.fromkeys(("n", "no", "off", "false"), "false"),
    **dict.fromkeys(("~", "null"), "null, or delete the line"),
}


class UncertainScalarError(ValueError):
    """An unquoted word that readers of YAML understand differently."""


def read_plain(text: str) -> PlainValue:
    """Return the value of an unquoted scalar.

    Raises:
        UncertainScalarError: if its meaning depends on the reader; the text says what to write.

    """
    if text in {"true", "false"}:
        return text == "true"
    if text == "null":
        return None
    if _WHOLE.match(text) or _DECIMAL.match(text):
        return _number(text)
    complaint = _complaint(text)
    if complaint is not None:
        raise UncertainScalarError(complaint)
    return text


def is_plain_decimal(text: str) -> bool:
    """Tell whether text is a number written out in full: ``12``, ``-0.05``; never ``1e3``."""
    return bool(_WHOLE.match(text) or _DECIMAL.match(text)) and len(text) <= 2 * _MAX_DIGITS


def _number(text: str) -> int | Decimal:
    if sum(map(str.isdigit, text)) > _MAX_DIGITS:
        msg = f"a number of more than {_MAX_DIGITS} digits: write it in quotes if it is text"
        raise UncertainScalarError(msg)
    return int(text) if _WHOLE.match(text) else Decimal(text)


def _complaint(text: str) -> str | None:
    word, shown = text.lower(), text[:40]
    if not text:
        return "has no value: write one, or delete the line"
    meant = _WORDS_TO_SOME.get(word)
    if meant is not None:
        return f"write '{shown}' in quotes if it is text, else {meant}"
    if _CLOCK.match(text) or _DATE.match(text):
        return f'times and dates need quotes: write "{shown}"'
    if _NUMBER_TO_SOME.match(text):
        return (
            f'{shown} is not a plain decimal: write it out like 1000 or 0.05, or "{shown}" as text'
        )
    if _old_readers_see_no_text(text):
        return f'readers of YAML disagree about {shown}: write "{shown}" in quotes'
    return None


def _old_readers_see_no_text(text: str) -> bool:
    # PyYAML's own table is YAML 1.1; it catches what the patterns above do not name.
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    candidates = [*resolvers.get(text[0], ()), *resolvers.get(None, ())]
    return any(tag != _TEXT_TAG and pattern.match(text) for tag, pattern in candidates)
