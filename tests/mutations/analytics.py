"""Bugs in what a window says: each would move money, or hide that something is not known."""

from tests.mutations import Mutation

_TRIPS = "src/market_bot/core/domain/analytics/round_trips.py"
_BUILD = "src/market_bot/core/domain/analytics/build.py"
_PARTS = "src/market_bot/core/domain/analytics/attribution.py"
_SUMMARY = "src/market_bot/core/domain/analytics/summary.py"
_READER = "src/market_bot/adapters/storage/window_reader.py"
_WINDOWS = "tests/unit/test_window_builder.py"
_AGREES = "tests/property/test_analytics.py"

MUTATIONS = (
    Mutation(
        name="a missing price counts as what was paid",
        file=_PARTS,
        old="            gap = True\n",
        new="            pass\n",
        tests=(_WINDOWS,),
    ),
    Mutation(
        name="the fees of what is sold stay with the rest",
        file=_TRIPS,
        old="share = held.fees if gone == before else held.fees * gone // before",
        new="share = held.fees if gone == before else 0",
        tests=(_WINDOWS,),
    ),
    Mutation(
        name="an undone sale stays realised",
        file=_TRIPS,
        old="        self._retract(seq, at, trade.piece or _unknown_sale(order, trade))\n",
        new="",
        tests=(_AGREES, _WINDOWS),
    ),
    Mutation(
        name="a corrected payout is paid twice",
        file=_TRIPS,
        old="            if old.piece is not None:\n",
        new="            if False:\n",
        tests=(_AGREES,),
    ),
    Mutation(
        name="both legs of a pair get all of its gain",
        file=_TRIPS,
        old="shares = (gain // 2, gain - gain // 2)",
        new="shares = (gain, gain)",
        tests=(_AGREES,),
    ),
    Mutation(
        name="an undone purchase keeps its fee",
        file=_TRIPS,
        old="share = held.fees if whole else min(trade.fee, held.fees)",
        new="share = 0",
        tests=(_AGREES,),
    ),
    Mutation(
        name="news of the other leg are taken for this one's",
        file=_TRIPS,
        old="held.quoted(at, Price(ONE_DOLLAR - mid), None)",
        new="held.quoted(at, mid, None)",
        tests=(_WINDOWS,),
    ),
    Mutation(
        name="any later midpoint is that of five minutes",
        file=_TRIPS,
        old="if age <= LATER_UNTIL:",
        new="if True:",
        tests=(_WINDOWS,),
    ),
    Mutation(
        name="the lines that warm up are counted",
        file=_BUILD,
        old="        self._begun = self._cut = False\n",
        new="        self._begun, self._cut = True, False\n",
        tests=(_WINDOWS,),
    ),
    Mutation(
        name="every phase of a refusal is an opportunity",
        file=_BUILD,
        old="            if known.signal == signal:\n                return names",
        new="            if False:\n                return names",
        tests=(_WINDOWS,),
    ),
    Mutation(
        name="time that nobody scanned is covered",
        file=_BUILD,
        old="if before is not None and at - before <= GAP_MAX:",
        new="if before is not None:",
        tests=(_WINDOWS,),
    ),
    Mutation(
        name="what is left out is not said",
        file=_BUILD,
        old="        if len(kept) == kept.maxlen:\n",
        new="        if False:\n",
        tests=(_WINDOWS,),
    ),
    Mutation(
        name="fees do not count in what a win needs",
        file=_SUMMARY,
        old="            trial[1] += piece.cost + piece.fees\n",
        new="            trial[1] += piece.cost\n",
        tests=("tests/unit/test_analytics_summary.py",),
    ),
    Mutation(
        name="what is put in is earned",
        file=_SUMMARY,
        old="Money(after - before - put.get(day, 0))",
        new="Money(after - before)",
        tests=("tests/unit/test_analytics_summary.py",),
    ),
    Mutation(
        name="a missing line is not missed",
        file=_READER,
        old="if stamp < self._stamp or (self._seq and told.seq != self._seq + 1):",
        new="if stamp < self._stamp:",
        tests=("tests/unit/test_window_reader.py",),
    ),
    Mutation(
        name="new settings within a block of lines are not seen",
        file=_READER,
        old="        if [line[end:kind] for line in lines].count(middle) == len(lines):\n",
        new="        if True:\n",
        tests=("tests/unit/test_window_reader.py",),
    ),
    Mutation(
        name="lines that run back in time are taken as they come",
        file=_READER,
        old="            or stamps != sorted(stamps)\n",
        new="",
        tests=("tests/unit/test_window_reader.py",),
    ),
    Mutation(
        name="a pause between scans that were passed over counts as covered",
        file=_READER,
        old="Micros(at + GAP_MAX)",
        new="Micros(at + 20 * GAP_MAX)",
        tests=("tests/unit/test_window_reader.py",),
    ),
    Mutation(
        name="a tick that could not scan is passed over",
        file=_READER,
        old='frozenset({b"tick", ',
        new="frozenset({",
        tests=("tests/unit/test_window_reader.py",),
    ),
)
