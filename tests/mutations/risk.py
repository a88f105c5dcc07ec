"""Bugs for what protects the money: worst cases, hard limits, the last gate, results, pairs."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_DOMAIN: Final = "src/market_bot/core/domain"
_WORST: Final = f"{_DOMAIN}/worst_case.py"
_EXPOSURE: Final = f"{_DOMAIN}/exposure.py"
_PORTFOLIO: Final = f"{_DOMAIN}/portfolio.py"
_LANE: Final = f"{_DOMAIN}/lane.py"
_WORLD: Final = f"{_DOMAIN}/world.py"
_RULES: Final = f"{_DOMAIN}/risk"
_API: Final = f"{_RULES}/api.py"
_TRADER: Final = "src/market_bot/core/usecases/trade_lane.py"
_GATE: Final = "src/market_bot/core/usecases/last_gate.py"
_FOLD: Final = "src/market_bot/core/usecases/fold_journal.py"
_PAPER: Final = "src/market_bot/adapters/simulated/paper.py"

_ORACLE: Final = ("tests/property/test_worst_case.py",)
_MACHINE: Final = ("tests/property/test_risk_machine.py",)
_RISK: Final = ("tests/unit/test_risk.py",)
_STANDS: Final = ("tests/unit/test_portfolio.py",)
_RESULTS: Final = ("tests/unit/test_lane_results.py",)
_LAST: Final = ("tests/unit/test_last_gate.py",)
_LOSSES: Final = ("tests/unit/test_loss_limits.py",)
_GROUPS: Final = ("tests/unit/test_groups.py",)


def _bug(name: str, file: str, old: str, new: str, tests: tuple[str, ...]) -> Mutation:
    return Mutation(name=name, file=file, old=old, new=new, tests=tests)


MUTATIONS: Final = (
    _bug(
        "markets that end by themselves are taken for an event",
        _WORST,
        "    if not terms.at_most_one or not stakes.keys() <= terms.markets:",
        "    if not stakes.keys() <= terms.markets:",
        _ORACLE,
    ),
    _bug(
        "a market that the event does not list is bound by its terms",
        _WORST,
        "    if not terms.at_most_one or not stakes.keys() <= terms.markets:",
        "    if not terms.at_most_one:",
        _ORACLE,
    ),
    _bug(
        "somebody wins although nothing is proven",
        _WORST,
        "        won = max(0, won)",
        "        pass",
        _ORACLE,
    ),
    _bug(
        "somebody wins although not all markets are at stake",
        _WORST,
        "terms.exhaustive and stakes and stakes.keys() == terms.markets",
        "terms.exhaustive and stakes",
        _ORACLE,
    ),
    _bug(
        "voids do not happen",
        _WORST,
        "max(all_no + won, sum(market.void for market in stakes.values()))",
        "all_no + won",
        ("tests/unit/test_worst_case.py",),
    ),
    _bug(
        "orders in flight are certain",
        _WORST,
        "    return held(leg, size, cost).at_worst()\n",
        "    return held(leg, size, cost)\n",
        _ORACLE,
    ),
    _bug(
        "a live sale cannot take a hedge away",
        _WORST,
        "        yield perhaps_sold(order.leg, remaining, order.price * remaining - fee)",
        "        yield from ()",
        _ORACLE,
    ),
    _bug(
        "a sale is free of charge",
        _WORST,
        "order.price * remaining - fee",
        "order.price * remaining",
        _ORACLE,
    ),
    _bug(
        "a provisional sale is final",
        _WORST,
        "        if fill.provisional:",
        "        if False:",
        _ORACLE,
    ),
    _bug(
        "a provisional purchase is final",
        _WORST,
        "held(position.leg, position.settled, position.cost - doubtful)",
        "held(position.leg, position.size, position.cost)",
        _ORACLE,
    ),
    _bug(
        "NO pays when YES does",
        _WORST,
        "if leg is Leg.YES else Stakes(full, half, lost)",
        "if leg is Leg.YES else Stakes(lost, half, full)",
        _ORACLE,
    ),
    _bug(
        "the event's limit forgets the draft",
        f"{_RULES}/max_event_loss_usd.py",
        "exposure.event_loss(draft.event, draft)",
        "exposure.event_loss(draft.event)",
        _MACHINE,
    ),
    _bug(
        "the lane does not ask the world how an event ends",
        _TRADER,
        "self._marked(state), self.world.terms, self._now, own, self.world.event_of\n",
        "self._marked(state), now=self._now, own=own, event_of=self.world.event_of\n",
        ("tests/unit/test_trade_lane.py",),
    ),
    _bug(
        "one market that says so binds the whole event",
        _WORLD,
        "at_most_one=all(market.at_most_one for market in markets)",
        "at_most_one=any(market.at_most_one for market in markets)",
        ("tests/unit/test_world.py",),
    ),
    _bug(
        "a fall from the peak does not count",
        _EXPOSURE,
        "Money(max(0, peak - equity))",
        "Money(0)",
        _MACHINE,
    ),
    _bug(
        "orders of the last minute are not counted",
        _EXPOSURE,
        "len(times if now is None else [t for t in times if t > now - MINUTE])",
        "0",
        ("tests/unit/test_exposure.py",),
    ),
    _bug(
        "open orders are not counted",
        _EXPOSURE,
        "live += order.state.live",
        "live += 0",
        ("tests/unit/test_exposure.py",),
    ),
    _bug(
        "a count may be passed by one",
        _API,
        "    if value < limit:",
        "    if value <= limit:",
        _RISK,
    ),
    _bug(
        "what cannot be told is fine",
        _API,
        '        return Refused(format_limit(limit, unit), "unknown")',
        "        return APPROVED",
        _RISK,
    ),
    _bug(
        "a price without a middle is fine",
        f"{_RULES}/max_price_distance.py",
        '        return Refused(format_limit(limit, Unit.PRICE), "unknown")',
        "        return APPROVED",
        _RISK,
    ),
    _bug(
        "the collar is twice as wide",
        f"{_RULES}/max_price_distance.py",
        "    if double <= 2 * limit:",
        "    if double <= 4 * limit:",
        _RISK,
    ),
    _bug(
        "a taker is measured from the bid",
        f"{_RULES}/max_book_distance.py",
        "draft.quote.ask if taking else draft.quote.bid",
        "draft.quote.bid if taking else draft.quote.ask",
        _RISK,
    ),
    _bug(
        "a maker may wait anywhere",
        f"{_RULES}/max_book_distance.py",
        "signal.price - best if taking else best - signal.price",
        "signal.price - best",
        _MACHINE,
    ),
    _bug(
        "old books are fine",
        f"{_RULES}/max_book_age_seconds.py",
        "    if age <= limit:",
        "    if age:",
        _MACHINE,
    ),
    _bug(
        "a closed venue is traded on",
        f"{_RULES}/halted.py",
        "return APPROVED if exposure.venue == _OPEN or waits else",
        "return APPROVED if exposure.venue != _POST_ONLY or waits else",
        _RISK,
    ),
    _bug(
        "the last gate is open",
        _TRADER,
        "        if self.recorder.changes != judged + len(intents):",
        "        if False:",
        _LAST,
    ),
    _bug(
        "the last gate counts the order twice",
        _GATE,
        "orders = {name: known for name, known in state.orders.items() if name != intent}",
        "orders = dict(state.orders)",
        _LAST,
    ),
    _bug(
        "the last gate lets a sale of too much pass",
        _GATE,
        "    if intent.draft.size <= left:",
        "    if True:",
        _LAST,
    ),
    _bug(
        "exits know no pace",
        _GATE,
        "    if recent < EXITS_PER_MINUTE:",
        "    if recent:",
        _LAST,
    ),
    _bug(
        "exits use up the budget of entries",
        _LANE,
        "    if order.purpose is Purpose.EXIT:\n        return evolve(state, orders=orders",
        "    if False:\n        return evolve(state, orders=orders",
        _LAST,
    ),
    _bug(
        "the peak is lowered",
        _LANE,
        "    return evolve(state, peak=max(known, event.equity))",
        "    return evolve(state, peak=min(known, event.equity))",
        _RESULTS,
    ),
    _bug(
        "a result leaves the fees out",
        _LANE,
        "closed.realised + fill.cost - fill.basis - closed.fees - fill.fee",
        "closed.realised + fill.cost - fill.basis",
        _RESULTS,
    ),
    _bug(
        "a sale that may be undone ends a streak",
        _LANE,
        "    return state if net > 0 and fill.provisional else _tally(state, net)",
        "    return _tally(state, net)",
        _RESULTS,
    ),
    _bug(
        "a streak outlives a resume",
        _LANE,
        "halted=None, flatten=False, loss_streak=0)",
        "halted=None, flatten=False)",
        _RESULTS,
    ),
    _bug(
        "a merge that is told twice pays twice",
        _LANE,
        "    if event.merge in state.merges:\n        return state\n",
        "",
        _RESULTS,
    ),
    _bug(
        "pairs are paid and kept",
        _LANE,
        "        after = _reduce(after, held, Size(gone), basis, share)",
        "        pass",
        _RESULTS,
    ),
    _bug(
        "a reward is a gain from trading",
        _LANE,
        "        rewards=Money(state.rewards + event.amount),",
        "        realised=Money(state.realised + event.amount),",
        _RESULTS,
    ),
    _bug(
        "what is on its way out is merged",
        _PORTFOLIO,
        "(NOTHING if held is None else held.settled) - leaving)",
        "NOTHING if held is None else held.settled)",
        _STANDS,
    ),
    _bug(
        "what may be undone is merged",
        _PORTFOLIO,
        "(NOTHING if held is None else held.settled) - leaving)",
        "(NOTHING if held is None else held.size) - leaving)",
        _STANDS,
    ),
    _bug(
        "what nobody wants is worth its cost",
        _PORTFOLIO,
        "    value = NO_MONEY if bid is None else Money(bid * position.size)",
        "    value = position.cost if bid is None else Money(bid * position.size)",
        _STANDS,
    ),
    _bug(
        "rewards are left out of the balance",
        _PORTFOLIO,
        "state.basis() + state.fees - state.realised - state.rewards == state.deposits",
        "state.basis() + state.fees - state.realised == state.deposits",
        _STANDS,
    ),
    _bug(
        "pairs are merged where nobody does that",
        _TRADER,
        "self.degraded is not None or not self.execution.abilities.pairs_pay",
        "self.degraded is not None",
        _LAST,
    ),
    _bug(
        "a pair pays half",
        _PAPER,
        "Merged(merge, market, size, cost(ONE_DOLLAR, size))",
        "Merged(merge, market, size, cost(ONE_DOLLAR, size // 2))",
        _LAST,
    ),
    _bug(
        "a checkpoint of another version is believed",
        _FOLD,
        "    if event.fold != FOLD_VERSION:",
        "    if False:",
        ("tests/unit/test_fold_journal.py",),
    ),
    _bug(
        "a day's loss opens as soon as prices recover",
        f"{_RULES}/max_daily_loss_usd.py",
        "max(-gain, exposure.day_loss)",
        "-gain",
        _LOSSES,
    ),
    _bug(
        "a drawdown opens as soon as prices recover",
        f"{_RULES}/max_drawdown_usd.py",
        "max(down, exposure.fallen)",
        "down",
        _LOSSES,
    ),
    _bug(
        "a person who resumes opens a day's loss",
        _LANE,
        "evolve(state, halted=None, flatten=False, loss_streak=0)",
        "evolve(state, halted=None, flatten=False, loss_streak=0, day_loss=NO_MONEY)",
        _LOSSES,
    ),
    _bug(
        "every resume forgives a drawdown",
        _LANE,
        "peak=None) if state.fallen else lifted",
        "peak=None)",
        _LOSSES,
    ),
    _bug(
        "an empty book shuts a limit for a day",
        _TRADER,
        "marked = self.equity(unmarked_at_cost=True)",
        "marked = self.equity()",
        _LOSSES,
    ),
    _bug(
        "the legs of a group are judged one by one",
        _TRADER,
        "                exposure = self.exposure_in(state)\n        return",
        "                pass\n        return",
        _GROUPS,
    ),
    _bug(
        "the legs of a group that nothing refuses are sent",
        _TRADER,
        "            for one, gates in zip(ready, refused, strict=True):\n"
        "                self._deny(view, one, gates or apart, now)\n"
        "            return\n",
        "            for one, gates in zip(ready, refused, strict=True):\n"
        "                self._deny(view, one, gates or apart, now)\n"
        "            ready = [one for one, g in zip(ready, refused, strict=True) if not g]\n",
        _GROUPS,
    ),
    _bug(
        "a group goes on without the leg that has its order",
        _TRADER,
        "            if one is None:\n                return\n",
        "            if one is None:\n                continue\n",
        _GROUPS,
    ),
    _bug(
        "a group that could not be written down in full stays in doubt",
        _TRADER,
        '_unsent(intent, "group: not durable") for intent in intents)',
        '_unsent(intent, "group: not durable") for intent in intents[:0])',
        _GROUPS,
    ),
    _bug(
        "a group is sent without its leg in another event",
        _TRADER,
        "            signals = [s for s in signals if group_of(s) not in torn]\n",
        "",
        _GROUPS,
    ),
)
