"""Bugs for what decides: numbers, books, orders, the fold, limits, gates, the trader."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_DOMAIN: Final = "src/market_bot/core/domain"
_NUMBERS: Final = f"{_DOMAIN}/numbers.py"
_MARKET: Final = f"{_DOMAIN}/market.py"
_BOOK: Final = f"{_DOMAIN}/book.py"
_ORDERS: Final = f"{_DOMAIN}/orders.py"
_LANE: Final = f"{_DOMAIN}/lane.py"
_EXPOSURE: Final = f"{_DOMAIN}/exposure.py"
_FEES: Final = f"{_DOMAIN}/fees.py"
_GATES: Final = f"{_DOMAIN}/gates.py"
_WORLD: Final = f"{_DOMAIN}/world.py"
_VIEW: Final = f"{_DOMAIN}/view.py"
_TALLY: Final = f"{_DOMAIN}/tally.py"
_RISK: Final = f"{_DOMAIN}/risk"
_HARVEST: Final = f"{_DOMAIN}/strategies/bias_harvest.py"
_TRADER: Final = "src/market_bot/core/usecases/trade_lane.py"
_RECORDER: Final = "src/market_bot/core/usecases/record_facts.py"

MUTATIONS: Final = (
    Mutation(
        name="a number that is too fine is cut off in silence",
        file=_NUMBERS,
        old="        if rest:\n",
        new="        if False:\n",
        tests=("tests/unit/test_numbers.py",),
    ),
    Mutation(
        name="a number may be written without end",
        file=_NUMBERS,
        old="    if int(exponent) < -_MAX_PLACES:",
        new="    if False:",
        tests=("tests/unit/test_numbers.py",),
    ),
    Mutation(
        name="prices are rounded to the coarse end of a band",
        file=_MARKET,
        old="best = max(best, top - (top - band.start) % band.step)",
        new="best = max(best, top - top % band.step)",
        tests=("tests/property/test_book.py",),
    ),
    Mutation(
        name="a vanished best bid stays the best",
        file=_BOOK,
        old="            self.best_bid = max(self.bids, default=None)\n\n    def set_ask",
        new="            pass\n\n    def set_ask",
        tests=("tests/property/test_book.py",),
    ),
    Mutation(
        name="the worst ask is taken for the best",
        file=_BOOK,
        old="if best is None or price < best:",
        new="if best is None or price > best:",
        tests=("tests/property/test_book.py",),
    ),
    Mutation(
        name="a repeated fill counts again",
        file=_ORDERS,
        old="    if order.knows(fill.id):\n        return order\n    total",
        new="    total",
        tests=("tests/property/test_orders.py",),
    ),
    Mutation(
        name="doubt frees the reservation",
        file=_ORDERS,
        old='self.live = word in ("intended", "accepted", "unknown")',
        new='self.live = word in ("intended", "accepted")',
        tests=("tests/unit/test_orders.py",),
    ),
    Mutation(
        name="late news reopens a finished order",
        file=_ORDERS,
        old="    if _RANK[state] <= _RANK[order.state]:\n        return order\n",
        new="",
        tests=("tests/property/test_orders.py",),
    ),
    Mutation(
        name="the share of the fee is rounded down",
        file=_ORDERS,
        old="fee = -(-self.fee_bound * self.remaining // self.size)",
        new="fee = self.fee_bound * self.remaining // self.size",
        tests=("tests/property/test_orders.py",),
    ),
    Mutation(
        name="a fill of a refused order is taken for its end",
        file=_ORDERS,
        old="        state = OrderState.UNKNOWN\n    if total",
        new="        state = OrderState.CANCELLED\n    if total",
        tests=("tests/unit/test_orders.py",),
    ),
    Mutation(
        name="the fold counts a repeated fill again",
        file=_LANE,
        old="    if order is not None and order.knows(event.fill):\n        return state\n",
        new="",
        tests=("tests/unit/test_lane.py",),
    ),
    Mutation(
        name="a fee is paid but not counted",
        file=_LANE,
        old=(
            "        fees=Money(state.fees + event.fee),\n"
            "        positions=_with(state.positions, position_key"
        ),
        new="        positions=_with(state.positions, position_key",
        tests=("tests/property/test_lane.py",),
    ),
    Mutation(
        name="a fill of nothing leaves an empty position",
        file=_LANE,
        old="    if event.size <= 0:\n        return _anomaly(state)\n    held = ",
        new="    held = ",
        tests=("tests/property/test_lane.py",),
    ),
    Mutation(
        name="a void market pays nothing",
        file=_LANE,
        old="    paid = sum(payout(held.leg) * held.size for held in ended.positions)\n",
        new="    paid = sum(payout(p.leg) // 10**6 * 10**6 * p.size for p in ended.positions)\n",
        tests=("tests/property/test_lane.py",),
    ),
    Mutation(
        name="an impossible payout stops the fold",
        file=_LANE,
        old="    if not 0 <= event.yes_payout <= ONE_DOLLAR:\n",
        new="    if event.yes_payout < 0:\n",
        tests=("tests/unit/test_lane.py",),
    ),
    Mutation(
        name="the fold changes the state it was given",
        file=_LANE,
        old="    return {**mapping, key: value}",
        new="    mapping[key] = value  # type: ignore[index]\n    return mapping  # type: ignore",
        tests=("tests/property/test_lane.py",),
    ),
    Mutation(
        name="an undone sale keeps its proceeds",
        file=_LANE,
        old="            cash=Money(after.cash - fill.cost + fill.fee),\n",
        new="            cash=after.cash,\n",
        tests=("tests/unit/test_lane.py",),
    ),
    Mutation(
        name="provisional contracts may be sold",
        file=_LANE,
        old="        return Size(max(0, self.size - self.provisional))",
        new="        return self.size",
        tests=("tests/unit/test_lane.py",),
    ),
    Mutation(
        name="a halt is not remembered",
        file=_LANE,
        old="    ev.Halt: _halted,\n",
        new="",
        tests=("tests/unit/test_trade_lane.py",),
    ),
    Mutation(
        name="live orders are no exposure",
        file=_EXPOSURE,
        old="by_market[order.market] = Money(by_market.get(order.market, NO_MONEY) + amount)",
        new="by_market[order.market] = Money(by_market.get(order.market, NO_MONEY))",
        tests=("tests/property/test_limits.py",),
    ),
    Mutation(
        name="provisional sales count as sold",
        file=_EXPOSURE,
        old="            amount = sum(fill.basis for fill in doubtful)\n",
        new="            amount = 0\n",
        tests=("tests/unit/test_exposure.py",),
    ),
    Mutation(
        name="a fee is rounded in our favour",
        file=_FEES,
        old="    trade_fee = -(-exact // (10**12 * _KALSHI_FEE_GRID)) * _KALSHI_FEE_GRID",
        new="    trade_fee = exact // (10**12 * _KALSHI_FEE_GRID) * _KALSHI_FEE_GRID",
        tests=("tests/unit/test_fees.py",),
    ),
    Mutation(
        name="the fee bound forgets the peak at one half",
        file=_FEES,
        old="    worst = Price(min(limit, ONE_DOLLAR // 2))",
        new="    worst = limit",
        tests=("tests/property/test_fills.py",),
    ),
    Mutation(
        name="the limit of a position looks at the event's other markets",
        file=f"{_RISK}/max_position_usd.py",
        old="exposure.market(draft.signal.market) + draft.worst_cost",
        new="exposure.event(draft.signal.market) + draft.worst_cost",
        tests=("tests/property/test_limits.py",),
    ),
    Mutation(
        name="the limit of everything forgets the draft",
        file=f"{_RISK}/max_total_exposure_usd.py",
        old="Money(exposure.total + draft.worst_cost)",
        new="Money(exposure.total)",
        tests=("tests/property/test_limits.py",),
    ),
    Mutation(
        name="an order's limit forgets the fee",
        file=f"{_DOMAIN}/signals.py",
        old="        return Money(signal.price * self.size + self.fee_bound)",
        new="        return Money(signal.price * self.size)",
        tests=("tests/unit/test_risk.py",),
    ),
    Mutation(
        name="the daily loss may be reached",
        file=f"{_RISK}/max_daily_loss_usd.py",
        old="max(-gain, exposure.day_loss)",
        new="max(-gain, exposure.day_loss) - 1",
        tests=("tests/unit/test_risk.py",),
    ),
    Mutation(
        name="an unknown daily loss is none",
        file=f"{_RISK}/max_daily_loss_usd.py",
        old="None if gain is None",
        new="0 if gain is None",
        tests=("tests/unit/test_risk.py",),
    ),
    Mutation(
        name="a rule that raises approves",
        file=f"{_RISK}/api.py",
        old='            verdict = Refused("unknown", f"{type(e).__name__}")',
        new="            verdict = APPROVED if e else None",
        tests=("tests/unit/test_risk.py",),
    ),
    Mutation(
        name="rules stop at the first refusal",
        file=f"{_RISK}/api.py",
        old="            gates.append(Gate(rule.name, verdict.limit, verdict.value, hard=True))\n",
        new=(
            "            gates.append(Gate(rule.name, verdict.limit, verdict.value, hard=True))\n"
            "            break\n"
        ),
        tests=("tests/unit/test_risk.py",),
    ),
    Mutation(
        name="exits are judged like entries",
        file=f"{_RISK}/api.py",
        old="if leaving and not rule.guards_exits",
        new="if leaving and rule.guards_exits",
        tests=("tests/unit/test_risk.py",),
    ),
    Mutation(
        name="an unknown spread is no spread",
        file=_GATES,
        old='        yield _soft("max_spread", format_price(limit), "unknown")\n',
        new="        return\n",
        tests=("tests/unit/test_gates.py",),
    ),
    Mutation(
        name="cooldowns look at the wrong event",
        file=_GATES,
        old='("cooldown_after_exit", state.last_exit, cooldown.after_exit)',
        new='("cooldown_after_exit", state.last_entry, cooldown.after_exit)',
        tests=("tests/unit/test_trade_lane.py", "tests/unit/test_gates.py"),
    ),
    Mutation(
        name="a broken book is believed",
        file=_WORLD,
        old=" or not known.book.whole:\n",
        new=":\n",
        tests=("tests/unit/test_world.py",),
    ),
    Mutation(
        name="a settled status swallows the resolution",
        file=_WORLD,
        old=(
            "        if known.resolved:\n            return\n"
            "        for watcher in known.watchers:\n"
            "            watcher.status(MarketStatus.SETTLED"
        ),
        new=(
            "        if known.status is MarketStatus.SETTLED:\n            return\n"
            "        for watcher in known.watchers:\n"
            "            watcher.status(MarketStatus.SETTLED"
        ),
        tests=("tests/unit/test_world.py",),
    ),
    Mutation(
        name="views share what changes",
        file=_VIEW,
        old="        prints=seen.latest_prints(),\n",
        new="        prints=seen.prints,  # type: ignore\n",
        tests=("tests/unit/test_view.py",),
    ),
    Mutation(
        name="a resolution told twice scores twice",
        file=_TALLY,
        old="believed = self._believed.pop(event.market, [])",
        new="believed = self._believed.get(event.market, [])",
        tests=("tests/unit/test_tally.py",),
    ),
    Mutation(
        name="stretching shrinks",
        file=_HARVEST,
        old="log_odds(market) * (gain / _GAIN_UNIT)",
        new="log_odds(market) / (gain / _GAIN_UNIT)",
        tests=("tests/property/test_strategies.py",),
    ),
    Mutation(
        name="the strategy buys what does not trade",
        file=_HARVEST,
        old="        if not seen.tradable:\n            continue\n",
        new="",
        tests=("tests/property/test_strategies.py",),
    ),
    Mutation(
        name="exits in flight are forgotten",
        file=_TRADER,
        old="free = Size((NOTHING if held is None else held.settled) - leaving)",
        new="free = NOTHING if held is None else held.settled",
        tests=("tests/property/test_limits.py",),
    ),
    Mutation(
        name="hard limits are not asked",
        file=_TRADER,
        old=(
            "        yield from refusals"
            "(self.settings.rules, draft, exposure, self.settings.limits)\n"
        ),
        new="",
        tests=("tests/property/test_limits.py",),
    ),
    Mutation(
        name="an order leaves before it is written",
        file=_TRADER,
        old="        self._record(intent_event(intent, one.seen.mid(signal.leg), name), now)\n",
        new="",
        tests=("tests/unit/test_trade_lane.py",),
    ),
    Mutation(
        name="a full disk loses a fact",
        file=_TRADER,
        old=(
            "            if event is not None:\n"
            "                self._record(event, now)\n"
            "            self._facts.popleft()\n"
        ),
        new=(
            "            self._facts.popleft()\n"
            "            if event is not None:\n"
            "                self._record(event, now)\n"
        ),
        tests=("tests/property/test_trader.py::test_a_full_disk_at_any_line",),
    ),
    Mutation(
        name="a full disk does not stop entries",
        file=_TRADER,
        old="            if self.degraded is not None:\n                yield",
        new="            if False:\n                yield",
        tests=("tests/property/test_trader.py",),
    ),
    Mutation(
        name="a repeated fill is journaled again",
        file=_TRADER,
        old="return None if order.knows(fact.fill) else fill_event",
        new="return fill_event",
        tests=("tests/unit/test_trade_lane.py",),
    ),
    Mutation(
        name="denials are told at every tick",
        file=_TRADER,
        old="        if names == wish.refused_by:\n            return\n",
        new="",
        tests=("tests/unit/test_trade_lane.py",),
    ),
    Mutation(
        name="an id is sent twice",
        file=_TRADER,
        old="        while self.state.order(name) is not None:",
        new="        while False:",
        tests=("tests/unit/test_trade_lane.py",),
    ),
    Mutation(
        name="a clock set back opens a day anew",
        file=_TRADER,
        old="self.state.day.date < date:",
        new="self.state.day.date != date:",
        tests=("tests/unit/test_trade_lane.py",),
    ),
    Mutation(
        name="a halt leaves entries resting",
        file=_TRADER,
        old=(
            "            if isinstance(event, ev.Halt) or self.degraded is not None:\n"
            "                self._cancel_entries(now)\n"
        ),
        new="",
        tests=("tests/unit/test_trade_lane.py",),
    ),
    Mutation(
        name="the state runs ahead of the journal",
        file=_RECORDER,
        old=(
            "        number = self.journal.append(event, at, self.config)\n"
            "        self.last_at = at\n"
            "        before, self.state = self.state, apply(self.state, event, at)\n"
        ),
        new=(
            "        before, self.state = self.state, apply(self.state, event, at)\n"
            "        number = self.journal.append(event, at, self.config)\n"
            "        self.last_at = at\n"
        ),
        tests=("tests/property/test_trader.py",),
    ),
)
