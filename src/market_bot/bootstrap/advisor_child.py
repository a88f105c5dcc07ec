"""The process that asks a language model: ``python -m market_bot.bootstrap.advisor_child``.

It reads one question from its standard input and writes one answer to its standard output. It is
started by `market_bot.adapters.llm.child` and by nobody else.
"""

from __future__ import annotations

import os
import sys

from market_bot.adapters.llm.child import GRACE_SECONDS
from market_bot.adapters.llm.claude import ClaudeAdvisor
from market_bot.adapters.llm.confined import confine, end_after, limit
from market_bot.adapters.llm.pipe import KEY, PIPE_MAX, PipeError, answer, read_question

_BAD_QUESTION = 2


def main() -> int:
    """Answer one question; 2 if there is none."""
    limit()
    key = os.environ.pop(KEY, "")
    try:
        brief, terms = read_question(sys.stdin.buffer.read(PIPE_MAX + 1))
    except PipeError:
        return _BAD_QUESTION
    end_after(terms.seconds + GRACE_SECONDS)
    confine(terms.host)
    sys.stdout.buffer.write(answer(ClaudeAdvisor(terms, key).advise(brief)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
