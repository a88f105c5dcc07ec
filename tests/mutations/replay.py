"""Bugs for replays: one pass that is not many, sums that do not add up, gates that let pass."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_SHARED: Final = "src/market_bot/core/usecases/shared_decisions.py"
_REPLAY: Final = "src/market_bot/core/usecases/replay.py"
_LEDGER: Final = "src/market_bot/core/domain/replay_ledger.py"
_AHEAD: Final = "src/market_bot/core/usecases/check_lookahead.py"
_MATCH: Final = "src/market_bot/core/usecases/match_decisions.py"
_TRADER: Final = "src/market_bot/core/usecases/trade_lane.py"
_OVERRIDES: Final = "src/market_bot/config/overrides.py"

_ASKED: Final = ("tests/unit/test_shared_decisions.py",)
_PASSES: Final = ("tests/property/test_replay.py::test_one_pass_is_as_many_passes",)
_SUMS: Final = ("tests/property/test_replay.py::test_results_add_up",)
_LOOKAHEAD: Final = ("tests/property/test_lookahead.py",)
_FIDELITY: Final = ("tests/unit/test_match_decisions.py",)

_TAPES: Final = "src/market_bot/adapters/simulated/tape_venue.py"
_CURVES: Final = ("tests/property/test_replay.py::test_thin_curves_keep_the_deepest_fall",)

MUTATIONS: Final = (
    Mutation(
        name="books outlive the recording they were seen in",
        file=_TAPES,
        old='            sink.gap("", _JOINT, self._clock)\n',
        new="",
        tests=("tests/unit/test_tape_venue.py",),
    ),
    Mutation(
        name="lanes let go of an event at different ticks",
        file=_TRADER,
        old="            elif event in self.world.events:\n",
        new="            elif held:\n",
        tests=("tests/property/test_replay.py::test_lanes_let_go_of_an_event_together",),
    ),
    Mutation(
        name="a thinned curve loses what fell between its points",
        file=_REPLAY,
        old="attrs.evolve(b, fall=max(a.fall, b.fall))",
        new="b",
        tests=_CURVES,
    ),
    Mutation(
        name="a point of a curve knows only its own moment",
        file=_REPLAY,
        old="max(self._fall, Money(self._peak - equity)), NO_MONEY",
        new="Money(self._peak - equity), NO_MONEY",
        tests=_CURVES,
    ),
    Mutation(
        name="a variant passes over the end of its wish",
        file=_TRADER,
        old="if not (e in own or e in wishes or e in wanted)]",
        new="if not (e in own or e in wanted)]",
        tests=_PASSES,
    ),
    Mutation(
        name="a variant passes over a resolution",
        file=_TRADER,
        old="not (touched or own or seat.resolutions or self._facts)",
        new="not (touched or own or self._facts)",
        tests=_PASSES,
    ),
    Mutation(
        name="a variant decides with another one's cash",
        file=_SHARED,
        old="        if not watched.looked and len(known)",
        new="        if len(known)",
        tests=_ASKED,
    ),
    Mutation(
        name="a variant decides with another one's orders",
        file=_SHARED,
        old="answer.positions == holdings.positions and answer.orders == holdings.orders",
        new="answer.positions == holdings.positions",
        tests=_ASKED,
    ),
    Mutation(
        name="a variant decides with another one's parameters",
        file=_SHARED,
        old="shared.strategy is active.strategy and bool(shared.params == active.params)",
        new="shared.strategy is active.strategy",
        tests=_ASKED,
    ),
    Mutation(
        name="only the first variant hears what happened",
        file=_REPLAY,
        old="        for lane in self.lanes:\n            lane.tick(self.ticks, at)",
        new="        for lane in self.lanes[:1]:\n            lane.tick(self.ticks, at)",
        tests=_PASSES,
    ),
    Mutation(
        name="a merged pair earns nothing in its trades",
        file=_LEDGER,
        old="trade.proceeds = Money(trade.proceeds + basis + share)",
        new="trade.proceeds = Money(trade.proceeds + basis)",
        tests=_SUMS,
    ),
    Mutation(
        name="what was held yesterday is earned again today",
        file=_LEDGER,
        old="before, after = self._marked.get(name, NO_MONEY), marked.get(name, NO_MONEY)",
        new="before, after = NO_MONEY, marked.get(name, NO_MONEY)",
        tests=_SUMS,
    ),
    Mutation(
        name="a cut tape goes on",
        file=_AHEAD,
        old="            self.inner.push(sink, until, left if most is None else min(left, most))",
        new="            self.inner.push(sink, until, most)",
        tests=_LOOKAHEAD,
    ),
    Mutation(
        name="a look ahead is not reported",
        file=_AHEAD,
        old="        if self.whole.lines == lane.lines:\n",
        new="        if self.whole.lines or not lane.lines:\n",
        tests=_LOOKAHEAD,
    ),
    Mutation(
        name="decisions are the same whatever they say",
        file=_MATCH,
        old="        shared = Counter(chosen) & Counter(made)\n",
        new="        shared = Counter(chosen[: len(made)])\n",
        tests=_FIDELITY,
    ),
    Mutation(
        name="an untrusted replay claims profit",
        file="src/market_bot/core/domain/replay_result.py",
        old="        return self.share_ppm >= TRUSTED_FROM_PPM",
        new="        return self.share_ppm >= 0",
        tests=_FIDELITY,
    ),
    Mutation(
        name="what only one side decided does not count against fidelity",
        file="src/market_bot/core/domain/replay_result.py",
        old="        made = max(self.recorded, self.replayed)",
        new="        made = self.same",
        tests=_FIDELITY,
    ),
    Mutation(
        name="a changed value stays where the base keeps it",
        file=_OVERRIDES,
        old="    data = copy.deepcopy(sourced.source.data())\n",
        new="    data = copy.deepcopy(sourced.source.data())\n    changes = changes[:1]\n",
        tests=("tests/unit/test_overrides.py",),
    ),
)
