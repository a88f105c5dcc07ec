"""Bugs for the tests of lanes on live data and with real money to find."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_LANE: Final = "src/market_bot/core/domain/lane.py"
_EXPOSURE: Final = "src/market_bot/core/domain/exposure.py"
_ARMED: Final = "src/market_bot/core/domain/risk/armed.py"
_RECONCILED: Final = "src/market_bot/core/domain/risk/reconciled.py"
_COMPARE: Final = "src/market_bot/core/usecases/reconcile.py"
_WATCH: Final = "src/market_bot/core/usecases/watch_account.py"
_TIMELY: Final = "src/market_bot/core/usecases/timely_desk.py"
_KILL: Final = "src/market_bot/core/usecases/kill_switch.py"
_ARM: Final = "src/market_bot/core/usecases/arm_lane.py"
_FED: Final = "src/market_bot/core/usecases/fed_lane.py"
_TRADER: Final = "src/market_bot/core/usecases/trade_lane.py"
_DERIVE: Final = "src/market_bot/core/usecases/derive_again.py"
_LANES: Final = "src/market_bot/bootstrap/fed_lanes.py"
_BOT: Final = "src/market_bot/bootstrap/running_bot.py"
_CEREMONY: Final = "src/market_bot/bootstrap/cli/live_command.py"

_FOLD: Final = ("tests/unit/test_live_lane.py",)
_SIMULATION: Final = ("tests/simulation/test_live.py",)
_ACCOUNT: Final = ("tests/unit/test_watch_account.py",)
_DESK: Final = ("tests/unit/test_timely_desk.py",)
_SWITCH: Final = ("tests/unit/test_kill_switch.py",)
_PAPER: Final = ("tests/integration/test_live_prices.py",)
_MONEY: Final = ("tests/integration/test_live_money.py",)

MUTATIONS: Final = (
    Mutation(
        name="real money needs nobody's consent",
        file=_ARMED,
        old="APPROVED if exposure.disarmed is None else",
        new="APPROVED if True else",
        tests=_SIMULATION,
    ),
    Mutation(
        name="an account that disagrees stops nothing",
        file=_RECONCILED,
        old="    if exposure.unreconciled is None:",
        new="    if True:",
        tests=_SIMULATION,
    ),
    Mutation(
        name="an arming outlives its time",
        file=_EXPOSURE,
        old="    return None if now < until else",
        new="    return None if True else",
        tests=_SIMULATION,
    ),
    Mutation(
        name="an arming outlives the process",
        file=_LANE,
        old="        # Who armed it armed another process, and what was compared is old.\n"
        "        armed_until=None,\n",
        new="",
        tests=_SIMULATION,
    ),
    Mutation(
        name="an agreement outlives the process",
        file=_LANE,
        old="unreconciled=NOT_COMPARED if live else None,",
        new="unreconciled=None,",
        tests=_FOLD,
    ),
    Mutation(
        name="a halt leaves the lane armed",
        file=_LANE,
        old="        flatten=state.flatten or event.flatten,\n        armed_until=None,\n",
        new="        flatten=state.flatten or event.flatten,\n",
        tests=_FOLD,
    ),
    Mutation(
        name="money put in counts as a gain",
        file=_LANE,
        old="        deposits=Money(state.deposits + amount),\n        day=",
        new="        day=",
        tests=_SIMULATION,
    ),
    Mutation(
        name="what others have is not at stake",
        file=_EXPOSURE,
        old="    for market, cost in state.external.items():",
        new="    for market, cost in ():",
        tests=_FOLD,
    ),
    Mutation(
        name="a part of the picture that is missing does not matter",
        file=_COMPARE,
        old="    if picture.missing:\n        doubts",
        new="    if False:\n        doubts",
        tests=_ACCOUNT,
    ),
    Mutation(
        name="an order nobody has seen yet is given up",
        file=_COMPARE,
        old="    proven = order.intent in picture.looked_for and now > order.expires_at + GRACE",
        new="    proven = True",
        tests=("tests/unit/test_reconcile.py", *_SIMULATION),
    ),
    Mutation(
        name="facts of the account are not learnt",
        file=_WATCH,
        old="        return [*found.facts, *self._news(before, event, now)]",
        new="        return [*self._news(before, event, now)]",
        tests=_SIMULATION,
    ),
    Mutation(
        name="one disagreement closes a running lane",
        file=_WATCH,
        old="_STRIKES: Final = 2",
        new="_STRIKES: Final = 1",
        tests=_ACCOUNT,
    ),
    Mutation(
        name="an account that is not read any more agrees for ever",
        file=_WATCH,
        old="state.unreconciled is not None or now - since <= limit:",
        new="True:",
        tests=_ACCOUNT,
    ),
    Mutation(
        name="money is adopted at every look",
        file=_WATCH,
        old="not (first or accepts):",
        new="False:",
        tests=_ACCOUNT,
    ),
    Mutation(
        name="orders in doubt are not looked for",
        file=_WATCH,
        old="        if order.state.live and (order.state in _IN_DOUBT or order.expires_at <= now)",
        new="        if False",
        tests=_SIMULATION,
    ),
    Mutation(
        name="an entry leaves however old its tick is",
        file=_TIMELY,
        old='s old" if age > self.late else None',
        new='s old" if False else None',
        tests=_DESK,
    ),
    Mutation(
        name="the kill switch is not wired to the sender",
        file=_TIMELY,
        old="        if stopped is not None:",
        new="        if False:",
        tests=_DESK,
    ),
    Mutation(
        name="exits wait for the kill switch",
        file=_TIMELY,
        old="        if not intent.reduce_only:",
        new="        if True:",
        tests=_DESK,
    ),
    Mutation(
        name="the kill switch tries once",
        file=_KILL,
        old="        if self.cancel_all(now):",
        new="        if self.cancel_all(now) or True:",
        tests=_SWITCH,
    ),
    Mutation(
        name="a halt does not fire the kill switch",
        file=_BOT,
        old='            live.kill.fire(f"halted by {event.by}")\n',
        new="            pass\n",
        tests=(f"{_MONEY[0]}::test_the_kill_switch_works_while_the_lane_hangs",),
    ),
    Mutation(
        name="an old agreement is good enough to arm by",
        file=_ARM,
        old="    if not -AGREES_FOR <= age <= AGREES_FOR:",
        new="    if False:",
        tests=("tests/unit/test_arm_lane.py",),
    ),
    Mutation(
        name="any phrase arms",
        file=_BOT,
        old="            if phrase != phrase_for(lane):",
        new="            if False:",
        tests=(f"{_MONEY[0]}::test_what_does_not_arm",),
    ),
    Mutation(
        name="a pipe may arm",
        file=_CEREMONY,
        old="    if not (sys.stdin.isatty() and sys.stdout.isatty()):",
        new="    if False:",
        tests=(f"{_MONEY[0]}::test_what_does_not_arm",),
    ),
    Mutation(
        name="orders of an earlier process are forgotten",
        file=_LANES,
        old="        self.trading.desk.adopt(list(trader.state.orders.values()))",
        new="        pass",
        tests=(f"{_MONEY[0]}::test_orders_of_an_earlier_process_are_still_ours",),
    ),
    Mutation(
        name="paper orders outlive their process",
        file=_LANES,
        old="            trader.note(ended, now)",
        new="            pass",
        tests=(f"{_PAPER[0]}::test_orders_of_a_killed_process_end_with_it",),
    ),
    Mutation(
        name="left positions are traded on paper",
        file=_LANES,
        old="    return bool(state.orders or state.positions)",
        new="    return False",
        tests=(f"{_MONEY[0]}::test_left_positions_are_wound_up_never_traded_on_paper",),
    ),
    Mutation(
        name="what arrives while the source is asked waits for the next tick",
        file=_FED,
        old="        now = self._ticked = self.poll(now)\n",
        new="        self._ticked = self.poll(now)\n",
        tests=("tests/unit/test_fed_lane.py",),
    ),
    Mutation(
        name="a comparison is not derived again",
        file=_DERIVE,
        old="        self.trader.compare = self._compared\n",
        new="",
        tests=(f"{_MONEY[0]}::test_an_account_that_disagrees_closes_the_lane",),
    ),
    Mutation(
        name="a thread that came back makes the journal durable again",
        file=_TRADER,
        old="            if isinstance(event, ev.VenueState) and not recovered:",
        new="            if isinstance(event, ev.VenueState):",
        tests=("tests/unit/test_trade_lane.py",),
    ),
)
