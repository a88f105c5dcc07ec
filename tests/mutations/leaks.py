"""Bugs in leak rules: findings by luck, costs that promise too much, dollars counted twice."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_LEAKS: Final = "src/market_bot/core/domain/leaks/"
_JUDGE: Final = _LEAKS + "judge.py"
_MEASURES: Final = _LEAKS + "measures.py"
_JUDGED: Final = ("tests/unit/test_leak_judge.py",)
_RULES: Final = ("tests/unit/test_leak_rules.py",)

MUTATIONS: Final = (
    Mutation(
        name="one night confirms",
        file=_JUDGE,
        old="if case.by_week and nights >= limits.NIGHTS_SEEN:",
        new="if case.by_week:",
        tests=_JUDGED,
    ),
    Mutation(
        name="a day alone confirms",
        file=_JUDGE,
        old="if case.by_week and nights >= limits.NIGHTS_SEEN:",
        new="if nights >= limits.NIGHTS_SEEN:",
        tests=_JUDGED,
    ),
    Mutation(
        name="the same night counts twice",
        file=_JUDGE,
        old="[past for past in history if past.night != night.night]",
        new="[past for past in history if past.night]",
        tests=_JUDGED,
    ),
    Mutation(
        name="rules are not corrected for each other",
        file=_JUDGE,
        old="holm([min(qs.values()) for qs in inside.values()])",
        new="[min(qs.values()) for qs in inside.values()]",
        tests=_JUDGED,
    ),
    Mutation(
        name="subjects are not corrected for each other",
        file=_JUDGE,
        old="values = benjamini_hochberg(list(tested.values()))",
        new="values = tuple(tested.values())",
        tests=_JUDGED,
    ),
    Mutation(
        name="a dollar is explained twice",
        file=_JUDGE,
        old="more = max(0, claim - taken.get(seq, 0)) if seq in known else 0",
        new="more = claim if seq in known else 0",
        tests=_JUDGED,
    ),
    Mutation(
        name="pieces outside the window are explained",
        file=_JUDGE,
        old="if seq in known else 0",
        new="if seq else 0",
        tests=_JUDGED,
    ),
    Mutation(
        name="the rank is by the hopeful cost",
        file=_JUDGE,
        old="            -one.cost_low,\n            -one.cost_point,",
        new="            -one.cost_point,\n            -one.cost_low,",
        tests=_JUDGED,
    ),
    Mutation(
        name="a health check names knobs",
        file=_JUDGE,
        old="knobs=() if health else one.knobs,",
        new="knobs=one.knobs,",
        tests=_JUDGED,
    ),
    Mutation(
        name="a flag counts without enough data",
        file=_JUDGE,
        old="flagged=one.flagged and not one.missing and one.p is not None,",
        new="flagged=one.flagged,",
        tests=_JUDGED,
    ),
    Mutation(
        name="a rule that raises ends the night",
        file=_JUDGE,
        old="except Exception as error:",
        new="except KeyError as error:",
        tests=_JUDGED,
    ),
    Mutation(
        name="one event makes a leak",
        file=_MEASURES,
        old="return self.significant and self.keeps_sign and self.share <= limits.EVENT_SHARE_MAX",
        new="return self.significant and self.keeps_sign",
        tests=_RULES,
    ),
    Mutation(
        name="few events are enough",
        file=_MEASURES,
        old="missing = max(0, least - len(known), events - len(totals))",
        new="missing = max(0, least - len(known))",
        tests=_RULES,
    ),
    Mutation(
        name="a cost may exceed the equity",
        file=_MEASURES,
        old="Money(max(NO_MONEY, min(wanted, most)))",
        new="Money(max(NO_MONEY, wanted))",
        tests=_RULES,
    ),
    Mutation(
        name="knobs that cannot move are named",
        file=_MEASURES,
        old='return value is not None and (direction > 0 or value.strip("0.") != "")',
        new="return value is not None",
        tests=_RULES,
    ),
    Mutation(
        name="claims depend on the order in which they were met",
        file=_MEASURES,
        old="claims=dict(sorted((claims or {}).items())),",
        new="claims=dict(claims or {}),",
        tests=_RULES,
    ),
    Mutation(
        name="cooldowns are blamed however seldom they refuse",
        file=_LEAKS + "cooldown_over_rejection.py",
        old="flagged=weighed.solid and often,",
        new="flagged=weighed.solid,",
        tests=_RULES,
    ),
    Mutation(
        name="a family is blamed for its prices",
        file=_LEAKS + "family_loser.py",
        old="worse = mean > 0 and (beyond is None or beyond >= limits.PLATEAU * mean)",
        new="worse = mean > 0",
        tests=_RULES,
    ),
    Mutation(
        name="an impact that comes back is adverse selection",
        file=_LEAKS + "adverse_selection.py",
        old="flagged=first.solid and last.solid,",
        new="flagged=first.solid,",
        tests=_RULES,
    ),
    Mutation(
        name="money that works is called idle",
        file=_LEAKS + "idle_capital.py",
        old="flagged=weighed.solid and idle,",
        new="flagged=weighed.solid,",
        tests=_RULES,
    ),
)
