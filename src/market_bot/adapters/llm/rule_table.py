"""The advisor that needs no key: a fixed table from leak to knob, one step in the finding's way.

It is what a language model has to be better than, and what is asked when there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Final

from market_bot.core.domain.tuning.brief import Brief, Turn
from market_bot.core.domain.tuning.proposal import Draft, Effect, RationaleCode
from market_bot.core.domain.tuning.queue import OPEN_MAX
from market_bot.core.ports.advisor import Advice, Advisor, Silence

RULES: Final = "rules"

_Words = tuple[RationaleCode, Effect, str]

_BAD_ENTRIES: Final[_Words] = (
    RationaleCode.FEWER_BAD_ENTRIES,
    Effect.LESS_LOSS,
    "Fewer trades, good ones among them.",
)
_GOOD_ENTRIES: Final[_Words] = (
    RationaleCode.MORE_GOOD_ENTRIES,
    Effect.MORE_TRADES,
    "More trades, bad ones among them.",
)
_NO_WAIT: Final[_Words] = (
    RationaleCode.SHORTER_WAIT,
    Effect.MORE_TRADES,
    "A market that just went wrong is entered again earlier.",
)
_LATER: Final[_Words] = (
    RationaleCode.LATER_EXIT,
    Effect.LESS_LOSS,
    "A position that goes on falling loses more before it is sold.",
)
_EARLIER: Final[_Words] = (
    RationaleCode.EARLIER_EXIT,
    Effect.LESS_LOSS,
    "A position that would have gone on rising is sold too early.",
)
_PRICES: Final[_Words] = (
    RationaleCode.BETTER_PRICES,
    Effect.LOWER_COST,
    "Fewer orders are filled.",
)
_RESTING: Final[_Words] = (
    RationaleCode.CHEAPER_FILLS,
    Effect.LOWER_COST,
    "Some orders are not filled in time.",
)
_SMALLER: Final[_Words] = (
    RationaleCode.SMALLER_SIZE,
    Effect.LOWER_COST,
    "Good entries are smaller too.",
)
_LARGER: Final[_Words] = (
    RationaleCode.LARGER_SIZE,
    Effect.LESS_IDLE_CAPITAL,
    "Every bad entry costs more.",
)

_EDGE: Final = ("strategies.*.params.min_edge", 1)

# For every leak its knobs, the one that is turned first in front; the direction must be that of
# the finding.
TABLE: Final[Mapping[str, Sequence[tuple[tuple[str, int], _Words]]]] = {
    "cooldown_over_rejection": [(("cooldown.*", -1), _NO_WAIT)],
    "family_loser": [(_EDGE, _BAD_ENTRIES)],
    "premature_stop": [
        (("exits.stop_loss.distance", 1), _LATER),
        (("exits.trailing_stop.distance", 1), _LATER),
        (("exits.stop_loss.confirm_seconds", 1), _LATER),
        (("strategies.*.params.exit_below", -1), _LATER),
    ],
    "late_exit": [
        (("exits.take_profit.gain", -1), _EARLIER),
        (("exits.trailing_stop.distance", -1), _EARLIER),
        (("exits.max_hold.minutes", -1), _EARLIER),
    ],
    "spread_and_slippage": [
        (("markets.max_spread", -1), _PRICES),
        (_EDGE, _BAD_ENTRIES),
        (("sizing.max_depth_share", -1), _SMALLER),
    ],
    "fees_taker": [
        (("strategies.*.params.patience_seconds", 1), _RESTING),
        (_EDGE, _BAD_ENTRIES),
    ],
    "adverse_selection": [
        (("strategies.*.params.min_half_width", 1), _PRICES),
        (("strategies.*.params.offset_ticks", -1), _PRICES),
        (("strategies.*.params.requote_ticks", -1), _PRICES),
        (("strategies.*.params.max_book_age_seconds", -1), _PRICES),
        (_EDGE, _BAD_ENTRIES),
    ],
    "entry_threshold": [
        (_EDGE, _BAD_ENTRIES),
        (("strategies.*.params.min_edge", -1), _GOOD_ENTRIES),
    ],
    "idle_capital": [
        (("sizing.order_usd", 1), _LARGER),
        (("sizing.kelly_fraction", 1), _LARGER),
        (("sizing.max_depth_share", 1), _LARGER),
        (("sizing.contracts", 1), _LARGER),
    ],
    "time_and_resolution": [
        (("markets.min_hours_to_close", 1), _BAD_ENTRIES),
        (("strategies.*.params.stop_before_close_seconds", 1), _BAD_ENTRIES),
        (("strategies.*.params.min_seconds_to_close", 1), _BAD_ENTRIES),
        (("markets.max_hours_to_close", -1), _BAD_ENTRIES),
        (("strategies.*.params.max_hours_to_close", -1), _BAD_ENTRIES),
    ],
}


class RuleTable(Advisor):
    """Proposes, for each finding in order of its cost, the table's first knob that may be turned.

    A leak that is not in the table, such as one of another package's rules, gets none.
    """

    @property
    def name(self) -> str:
        return RULES

    def advise(self, brief: Brief) -> Advice:
        """Return at most one draft per finding and knob."""
        prompt = sha256(brief.text.encode()).hexdigest()
        if not brief.turns:
            return Advice(advisor=RULES, silence=Silence.NOTHING_TO_TURN, prompt=prompt)
        said = [_said(turn, words) for turn, words in _chosen(brief.turns)]
        drafts, unfit = brief.drafts({"proposals": said})
        return Advice(
            advisor=RULES,
            drafts=drafts,
            unfit=unfit,
            silence=None if drafts else Silence.ABSTAINED,
            reason="" if drafts else "the table has no knob for what was found",
            attempts=1,
            prompt=prompt,
        )


def _chosen(turns: Iterable[Turn]) -> list[tuple[Turn, _Words]]:
    by_finding: dict[str, list[Turn]] = {}
    for turn in turns:
        by_finding.setdefault(turn.finding, []).append(turn)
    chosen: dict[str, tuple[Turn, _Words]] = {}
    for offered in by_finding.values():
        best = _first([turn for turn in offered if turn.path not in chosen])
        if best is not None:
            chosen[best[0].path] = best
    return list(chosen.values())[:OPEN_MAX]


def _first(offered: Sequence[Turn]) -> tuple[Turn, _Words] | None:
    for turn in offered[:1]:
        for (pattern, way), words in TABLE.get(turn.rule, ()):
            for one in offered:
                if one.way == way and fnmatchcase(one.path, pattern):
                    return one, words
    return None


def _said(turn: Turn, words: _Words) -> dict[str, str]:
    code, effect, risk = words
    rationale = (
        f"This leak costs at least {turn.cost} dollars a day, as seen in {turn.events} events of "
        f"a week; one step from {turn.before} to {turn.after} works against it."
    )
    draft = Draft(
        finding=turn.finding,
        path=turn.path,
        before=turn.before,
        after=turn.after,
        rationale_code=code.value,
        rationale=rationale,
        expected_effect=effect.value,
        risk=risk,
    )
    return spoken(draft)


def spoken(draft: Draft) -> dict[str, str]:
    """Return a draft as an answer has it."""
    return {
        "finding_id": draft.finding,
        "path": draft.path,
        "before": draft.before,
        "after": draft.after,
        "rationale_code": draft.rationale_code,
        "rationale": draft.rationale,
        "expected_effect": draft.expected_effect,
        "risk": draft.risk,
    }
