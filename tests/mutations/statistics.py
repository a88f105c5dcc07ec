"""Bugs for what is claimed: statistics and the judgement of replays."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_STATISTICS: Final = "src/market_bot/core/domain/statistics"
_JUDGE: Final = "src/market_bot/core/domain/replay_report/judge.py"
_UNIT: Final = "tests/unit/test_statistics.py"
_PROPERTY: Final = "tests/property/test_statistics.py"
_REPORT: Final = "tests/unit/test_replay_report.py"

MUTATIONS: Final = (
    Mutation(
        name="too few units still give an interval",
        file=f"{_STATISTICS}/bootstrap.py",
        old="    if take < UNITS_MIN:\n",
        new="    if take < 2:\n",
        tests=(_UNIT,),
    ),
    Mutation(
        name="the ends of the studentised interval are not swapped",
        file=f"{_STATISTICS}/bootstrap.py",
        old="_bounds(units.estimate - low * error, units.estimate - high * error)",
        new="_bounds(units.estimate + high * error, units.estimate + low * error)",
        tests=(_UNIT,),
    ),
    Mutation(
        name="moving blocks are biased towards the middle days",
        file=f"{_STATISTICS}/bootstrap.py",
        old="residuals=[total - centre for total in sums]",
        new="residuals=[total - 0.0 * centre for total in sums]",
        tests=(_UNIT,),
    ),
    Mutation(
        name="days are drawn one at a time although blocks were asked for",
        file=f"{_STATISTICS}/bootstrap.py",
        old="length = block_length(len(days)) if block is None else block",
        new="length = 1 if block is None else 1",
        tests=(_UNIT,),
    ),
    Mutation(
        name="the sign-flip test forgets ties",
        file=f"{_STATISTICS}/permutation.py",
        old="above += flipped >= observed - slack",
        new="above += flipped > observed + slack",
        tests=(_PROPERTY,),
    ),
    Mutation(
        name="a drawn p can be zero",
        file=f"{_STATISTICS}/permutation.py",
        old="extra = 0 if exact else 1",
        new="extra = 0",
        tests=(_UNIT,),
    ),
    Mutation(
        name="Holm lets a larger p overtake a smaller one",
        file=f"{_STATISTICS}/multiplicity.py",
        old="floor = max(floor, min(1.0, ps[index] * (len(ps) - rank)))",
        new="floor = min(1.0, ps[index] * (len(ps) - rank))",
        tests=(_UNIT,),
    ),
    Mutation(
        name="false discoveries are counted against the number found last",
        file=f"{_STATISTICS}/multiplicity.py",
        old="ceiling = min(ceiling, ps[index] * len(ps) / rank)",
        new="ceiling = min(ceiling, ps[index] * len(ps) / (rank + 1))",
        tests=(_UNIT,),
    ),
    Mutation(
        name="the tail of wins leaves out the observed number",
        file=f"{_STATISTICS}/counts.py",
        old="masses[max(0, wins - first) :]",
        new="masses[max(0, wins - first + 1) :]",
        tests=(_UNIT,),
    ),
    Mutation(
        name="the two-sided exact test counts likelier tables",
        file=f"{_STATISTICS}/counts.py",
        old="for way in ways if way <= observed)",
        new="for way in ways if way >= observed)",
        tests=(_UNIT,),
    ),
    Mutation(
        name="a wrong certainty costs nothing",
        file=f"{_STATISTICS}/forecasts.py",
        old="p = min(1.0 - _FINEST, max(_FINEST, forecast.probability))",
        new="p = min(1.0 - _FINEST, max(0.5, forecast.probability))",
        tests=(_UNIT,),
    ),
    Mutation(
        name="the drawdown starts at zero instead of at the start",
        file=f"{_STATISTICS}/returns.py",
        old="level = high = start\n",
        new="level, high = start, 0.0\n",
        tests=(_UNIT,),
    ),
    Mutation(
        name="the luck of many tries is not deducted",
        file=f"{_STATISTICS}/returns.py",
        old="against=sd_of_tried * expected_maximum(tried)",
        new="against=sd_of_tried * expected_maximum(1)",
        tests=(_UNIT,),
    ),
    Mutation(
        name="the bets are not clipped",
        file=f"{_STATISTICS}/sequential.py",
        old="x = min(_CLIP, max(-_CLIP, z + _TOLERANCE)) / _CLIP",
        new="x = (z + _TOLERANCE) / _CLIP",
        tests=(_UNIT,),
    ),
    Mutation(
        name="an untrusted replay makes claims",
        file=_JUDGE,
        old="    if not trusted:\n",
        new="    if False:\n",
        tests=(_REPORT,),
    ),
    Mutation(
        name="the number of tries is not counted",
        file=_JUDGE,
        old="    if wide.studentised.low <= 0:",
        new="    if False:",
        tests=(_REPORT,),
    ),
    Mutation(
        name="one event may carry an improvement",
        file=_JUDGE,
        old="elif draft.one_out.largest_share > SHARE_MAX:",
        new="elif False:",
        tests=(_REPORT,),
    ),
    Mutation(
        name="a handful of days is enough",
        file=_JUDGE,
        old="    if len(amounts) < DAYS_MIN:\n",
        new="    if False:\n",
        tests=(_REPORT,),
    ),
    Mutation(
        name="quiet days are left out",
        file=_JUDGE,
        old="known = sorted({*days, *result.per_day})",
        new="known = sorted(day for day in result.per_day if result.per_day[day])",
        tests=(_REPORT,),
    ),
    Mutation(
        name="an improvement need not hold in every fill model",
        file=_JUDGE,
        old="    if draft.band[0] <= 0:",
        new="    if draft.band[1] <= 0:",
        tests=(_REPORT,),
    ),
)
