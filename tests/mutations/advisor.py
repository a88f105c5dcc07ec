"""Bugs for the advisor: names in what it is told, more than it may say, spend, know or do."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_BRIEF: Final = "src/market_bot/core/domain/tuning/brief.py"
_LLM: Final = "src/market_bot/adapters/llm"

_TOLD: Final = ("tests/unit/test_brief.py",)
_INJECTED: Final = ("tests/property/test_injection.py::test_not_a_byte_depends_on_strangers_text",)
_CLAUDE: Final = ("tests/integration/test_claude.py",)
_CHILD: Final = ("tests/integration/test_advisor_child.py",)
_PURSE: Final = ("tests/unit/test_purse.py",)
_WAYS: Final = ("tests/unit/test_advisor_nights.py::test_the_table_knows_which_way",)

MUTATIONS: Final = (
    Mutation(
        name="an advisor is told what a finding is about",
        file=_BRIEF,
        old='subjects.setdefault(finding.subject, f"S{len(subjects) + 1}")',
        new="finding.subject",
        tests=_INJECTED,
    ),
    Mutation(
        name="an advisor is told whatever a rule counted by name",
        file=_BRIEF,
        old="if key in _DETAILS and _DECIMAL.match(text)",
        new="if _DECIMAL.match(text)",
        tests=_INJECTED,
    ),
    Mutation(
        name="names decide which of two leaks comes first",
        file=_BRIEF,
        old="(*_rank(pair[0]), _canonical(pair[1]))",
        new="(pair[0].subject, *_rank(pair[0]), _canonical(pair[1]))",
        tests=_INJECTED,
    ),
    Mutation(
        name="what is learnt of paths that are no knobs is told",
        file=_BRIEF,
        old="if lesson.rule in rules and lesson.direction in _WAYS and facts.allowlist"
        ".get(lesson.path)",
        new="if lesson.direction in _WAYS",
        tests=_INJECTED,
    ),
    Mutation(
        name="balances are told to the cent",
        file=_BRIEF,
        old="_COST_FIGURES: Final = 2",
        new="_COST_FIGURES: Final = 12",
        tests=_TOLD,
    ),
    Mutation(
        name="a suspicion is offered for turning",
        file=_BRIEF,
        old="if grounds is None or finding.status is not Status.CONFIRMED or",
        new="if grounds is None or",
        tests=_TOLD,
    ),
    Mutation(
        name="the id of a finding is as good as its code",
        file=_BRIEF,
        old='self.codes.get(draft.finding, "")',
        new="self.codes.get(draft.finding, draft.finding)",
        tests=_TOLD,
    ),
    Mutation(
        name="an answer that was cut off is believed",
        file=f"{_LLM}/claude.py",
        old='    if stop != "end_turn":\n',
        new='    if stop == "refusal":\n',
        tests=_CLAUDE,
    ),
    Mutation(
        name="the second attempt forgets what the first one cost",
        file=f"{_LLM}/claude.py",
        old="left = Money(terms.max_cost - advice.cost)",
        new="left = Money(terms.max_cost)",
        tests=_CLAUDE,
    ),
    Mutation(
        name="an answer that did not arrive cost nothing",
        file=f"{_LLM}/claude.py",
        old="lost = _Reply(tokens_in=prompt.most_tokens, tokens_out=tokens)",
        new="lost = _Reply()",
        tests=_CLAUDE,
    ),
    Mutation(
        name="the advisor follows redirects",
        file=f"{_LLM}/claude.py",
        old="follow_redirects=False",
        new="follow_redirects=True",
        tests=_CLAUDE,
    ),
    Mutation(
        name="the key comes back in an answer",
        file=f"{_LLM}/claude.py",
        old=" or (len(key) >= _SHORTEST_KEY and key in text)",
        new="",
        tests=_CLAUDE,
    ),
    Mutation(
        name="a child knows all keys",
        file=f"{_LLM}/child.py",
        old="{name: environment[name] for name in _KEPT if name in environment}",
        new="dict(environment)",
        tests=_CHILD,
    ),
    Mutation(
        name="a child's children live on",
        file=f"{_LLM}/child.py",
        old="os.killpg(child.pid, signal.SIGKILL)",
        new="child.kill()",
        tests=_CHILD,
    ),
    Mutation(
        name="a child speaks to anybody",
        file=f"{_LLM}/confined.py",
        old="_text(args[0]) != host",
        new='_text(args[0]) == ""',
        tests=_CHILD,
    ),
    Mutation(
        name="a day's money is there for every question",
        file=f"{_LLM}/purse.py",
        old="            _write(descriptor, at, self._daily)\n",
        new="",
        tests=_PURSE,
    ),
    Mutation(
        name="the table turns a knob the wrong way",
        file=f"{_LLM}/rule_table.py",
        old="if one.way == way and fnmatchcase",
        new="if fnmatchcase",
        tests=_WAYS,
    ),
)
