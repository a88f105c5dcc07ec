"""Bugs for what may be proposed: wider lists, larger steps, layers that look away."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_TUNING: Final = "src/market_bot/core/domain/tuning"
_LADDER: Final = f"{_TUNING}/ladder.py"
_ALLOWLIST: Final = f"{_TUNING}/allowlist.py"
_FIRST: Final = f"{_TUNING}/layer_one.py"
_SECOND: Final = f"{_TUNING}/layer_two.py"
_QUEUE: Final = f"{_TUNING}/queue.py"
_TOKEN: Final = f"{_TUNING}/token.py"
_LEARNING: Final = f"{_TUNING}/learning.py"

_ONE: Final = ("tests/unit/test_tuning.py",)
_TWO: Final = ("tests/unit/test_second_opinion.py",)
_WAITING: Final = ("tests/unit/test_proposal_queue.py",)
_OTHERS: Final = (
    "    if [key for key in was if key != place and _text(was[key]) != _text(becomes[key])]:\n"
)
_LEARNT: Final = ("tests/unit/test_learning.py",)
_ADVERSARY: Final = ("tests/property/test_tuning.py",)

MUTATIONS: Final = (
    Mutation(
        name="a ladder goes on beyond its bounds",
        file=_LADDER,
        old="if low <= rung <= high and abs(rung - present) <= step",
        new="if low <= rung and abs(rung - present) <= step",
        tests=_ONE,
    ),
    Mutation(
        name="a value far outside jumps onto the ladder",
        file=_LADDER,
        old="if low <= rung <= high and abs(rung - present) <= step",
        new="if low <= rung <= high",
        tests=_ONE,
    ),
    Mutation(
        name="what is switched off is switched on by a step",
        file=_LADDER,
        old="return None if present == 0 < _ends(knob)[0] else present",
        new="return present",
        tests=_ONE,
    ),
    Mutation(
        name="an entry makes any change",
        file=_ALLOWLIST,
        old="if self.value is None or after not in self.next:",
        new="if self.value is None:",
        tests=_ONE,
    ),
    Mutation(
        name="changes can be made by anybody",
        file=_ALLOWLIST,
        old='        _unmakeable("a change", "an entry of an allowlist")\n',
        new="        self.__attrs_init__(**_)  # type: ignore[arg-type]\n",
        tests=_ONE,
    ),
    Mutation(
        name="a default without a line is proposed",
        file=_ALLOWLIST,
        old="there = value if written is None or path in written else None",
        new="there = value",
        tests=_ONE,
    ),
    Mutation(
        name="a suspicion is enough",
        file=_FIRST,
        old="    if grounds.status is not Status.CONFIRMED:\n",
        new="    if grounds.status is Status.OK:\n",
        tests=_ONE,
    ),
    Mutation(
        name="what is broken is tuned",
        file=_FIRST,
        old="    if grounds.kind is not Kind.TUNING:\n",
        new="    if grounds.kind is Kind.NOISE:\n",
        tests=_ONE,
    ),
    Mutation(
        name="a finding is good for any knob and direction",
        file=_FIRST,
        old="    if grounds.directions.get(draft.path) != change.direction:\n",
        new="    if grounds.directions.get(draft.path, change.direction) != change.direction:\n",
        tests=_ONE,
    ),
    Mutation(
        name="a change of an old value is proposed",
        file=_FIRST,
        old="    if draft.before != entry.value:\n        return Reason.BEFORE_DIFFERS\n",
        new="",
        tests=_ONE,
    ),
    Mutation(
        name="numbers are made up",
        file=_FIRST,
        old="        if any(not _spellings(match[0]) & told for match in _SAID.finditer(text)):\n",
        new="        if any(not _spellings(match[0]) for match in _SAID.finditer(text)):\n",
        tests=_ONE,
    ),
    Mutation(
        name="a knob has no rest after a change",
        file=_FIRST,
        old="    if changed is not None and facts.now < changed + facts.cooldown:\n",
        new="    if changed is not None and facts.now < changed:\n",
        tests=_ONE,
    ),
    Mutation(
        name="a proposal is made during a trial",
        file=_FIRST,
        old="    if queue.trial is not None:\n        return Reason.TRIAL_OPEN\n",
        new="",
        tests=_ONE,
    ),
    Mutation(
        name="the queue overflows",
        file=_FIRST,
        old="len(kept) >= facts.queue.room",
        new="len(kept) > facts.queue.room",
        tests=_ONE,
    ),
    Mutation(
        name="two proposals turn one knob",
        file=_FIRST,
        old="    if any(waiting.path == path for waiting in queue.open):\n",
        new="    if any(waiting.path == path for waiting in ()):\n",
        tests=_ONE,
    ),
    Mutation(
        name="a row of the second table is wider",
        file=_SECOND,
        old='    "sizing.order_usd": ("1", "1000", "1"),\n',
        new='    "sizing.order_usd": ("1", "9000", "1"),\n',
        tests=_TWO,
    ),
    Mutation(
        name="the second layer allows any step",
        file=_SECOND,
        old="    if start == end or abs(end - start) > step:\n",
        new="    if start == end:\n",
        tests=_TWO,
    ),
    Mutation(
        name="the second layer allows any value",
        file=_SECOND,
        old="    if not low <= end <= high:\n",
        new="    if not low <= end:\n",
        tests=_TWO,
    ),
    Mutation(
        name="other numbers may change as well",
        file=_SECOND,
        old=_OTHERS,
        new="    if [key for key in was if key != place and was[key] is None]:\n",
        tests=_ADVERSARY,
    ),
    Mutation(
        name="one and true are the same",
        file=_SECOND,
        old=_OTHERS,
        new="    if [key for key in was if key != place and was[key] != becomes[key]]:\n",
        tests=_TWO,
    ),
    Mutation(
        name="hard limits are not compared first",
        file=_SECOND,
        old='_UNTOUCHED: Final = ("mode", "api", "loop", "paper", "tape", "simulation", "risk")',
        new='_UNTOUCHED: Final = ("mode", "api", "loop", "paper", "tape", "simulation")',
        tests=_TWO,
    ),
    Mutation(
        name="a strategy that stands there twice hides a change",
        file=_SECOND,
        old="        if place in found or len(found) >= _LEAVES_MAX:\n",
        new="        if len(found) >= _LEAVES_MAX:\n",
        tests=_TWO,
    ),
    Mutation(
        name="small steps add up within a week",
        file=_SECOND,
        old="    if short > _STEPS_SHORT * step:\n",
        new="    if short > 10 * _STEPS_SHORT * step:\n",
        tests=_TWO,
    ),
    Mutation(
        name="small steps add up within a month",
        file=_SECOND,
        old="    if longer > _SHARE_LONG * (high - low):\n",
        new="    if longer > high - low:\n",
        tests=_TWO,
    ),
    Mutation(
        name="steps to and fro cancel out",
        file=_SECOND,
        old="        gone = abs(_exact(moved.after) - _exact(moved.before))\n",
        new="        gone = _exact(moved.after) - _exact(moved.before)\n",
        tests=_TWO,
    ),
    Mutation(
        name="an order may be larger than its limit",
        file=_SECOND,
        old="        if one is None or other is None or one > other:\n",
        new="        if one is None or other is None or one > 9 * other:\n",
        tests=_TWO,
    ),
    Mutation(
        name="inventory rises above its limit",
        file=_SECOND,
        old="    if rises and path in _AT_STAKE:\n",
        new="    if rises and path in ():\n",
        tests=_TWO,
    ),
    Mutation(
        name="bounds may cross",
        file=_SECOND,
        old="        if one is not None and other is not None and one >= other:\n",
        new="        if one is not None and other is not None and one > 9 * other:\n",
        tests=_TWO,
    ),
    Mutation(
        name="what was rejected can be approved",
        file=_QUEUE,
        old="    if item is None or stage is None or item.stage not in OPEN:\n",
        new="    if item is None or stage is None:\n",
        tests=_WAITING,
    ),
    Mutation(
        name="what was never checked can be approved",
        file=_QUEUE,
        old="    if stage is Stage.APPROVED and item.stage is not Stage.QUEUED:\n",
        new="    if stage is Stage.APPROVED and item.stage not in OPEN:\n",
        tests=_WAITING,
    ),
    Mutation(
        name="a proposal lives for ever",
        file=_QUEUE,
        old="            expires_at=Micros(min(event.expires_at, item.since + KEEP)),\n",
        new="            expires_at=event.expires_at,\n",
        tests=_WAITING,
    ),
    Mutation(
        name="a change does not count before it is known to be made",
        file=_QUEUE,
        old="    if event.outcome != UNDONE:\n        return queue\n",
        new="",
        tests=_WAITING,
    ),
    Mutation(
        name="a token is good for ever",
        file=_TOKEN,
        old="if name != diff.proposal})",
        new="if True})",
        tests=_WAITING,
    ),
    Mutation(
        name="a token is good for another value",
        file=_TOKEN,
        old="self.path, self.before, self.after, self.config)",
        new="self.path, self.before, self.config)",
        tests=_WAITING,
    ),
    Mutation(
        name="rejections are forgotten",
        file=_LEARNING,
        old="            if later - earlier <= WITHIN\n",
        new="            if later - earlier < 0\n",
        tests=_LEARNT,
    ),
    Mutation(
        name="only the exact value is blocked after a revert",
        file=_LEARNING,
        old="            if because == rule or _near(knob, block.after, after)\n",
        new="            if block.after == after\n",
        tests=_LEARNT,
    ),
    Mutation(
        name="undoing lifts a block",
        file=_LEARNING,
        old="    blocks = memory.known[key].blocks\n",
        new="    blocks = ()\n",
        tests=_LEARNT,
    ),
)
