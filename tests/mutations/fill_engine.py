"""Bugs of the fill engine: time, the queue ahead, what is shared, what can be claimed."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_FILLS: Final = "src/market_bot/core/domain/fills"
_QUEUE: Final = f"{_FILLS}/queue.py"
_MATCHER: Final = f"{_FILLS}/matcher.py"
_TAKER: Final = f"{_FILLS}/taker.py"
_PAPER: Final = "src/market_bot/adapters/simulated/paper.py"
_WORLD: Final = "src/market_bot/core/domain/world.py"

_ENGINE: Final = ("tests/property/test_fill_engine.py",)
_PLACES: Final = ("tests/unit/test_fills_queue.py",)
_MET: Final = ("tests/unit/test_fills_met.py",)
_CLAIMS: Final = ("tests/property/test_fills.py",)
_LATENCY: Final = ("tests/unit/test_paper_latency.py",)
_PAPER_TESTS: Final = ("tests/unit/test_paper.py",)


def _bug(name: str, file: str, old: str, new: str, tests: tuple[str, ...] = _ENGINE) -> Mutation:
    return Mutation(name=name, file=file, old=old, new=new, tests=tests)


MUTATIONS: Final = (
    # -- the queue ahead
    _bug(
        "the queue ahead is skipped",
        _QUEUE,
        "        return Size(max(0, printed - ahead))",
        "        return printed",
    ),
    _bug(
        "a fall and its print count twice",
        _QUEUE,
        "        while fall and self._echoes:",
        "        while False:",
    ),
    _bug(
        "a print forgets the fall before it",
        _QUEUE,
        "        while unexplained and self._falls:",
        "        while False:",
    ),
    _bug(
        "an echo is waited for too briefly",
        _QUEUE,
        "        while self._falls and self._falls[0].at < oldest:",
        "        while self._falls and self._falls[0].at <= oldest:",
        _PLACES,
    ),
    _bug(
        "an echo is believed too long",
        _QUEUE,
        "        while self._echoes and self._echoes[0].at < oldest:",
        "        while self._echoes and self._echoes[0].at < oldest - ECHO:",
        _PLACES,
    ),
    _bug(
        "who withdraws always stood behind us",
        _QUEUE,
        "        return min(ahead, fall.left)",
        "        return ahead",
    ),
    _bug(
        "withdrawals are shared with rounding up",
        _QUEUE,
        "ahead = Size(ahead - ahead * fall.size // (fall.left + fall.size))",
        "ahead = Size(ahead + -ahead * fall.size // (fall.left + fall.size))",
        _PLACES,
    ),
    _bug(
        "the pessimist shares withdrawals",
        _QUEUE,
        "        if self.model is FillModel.REALISTIC:",
        "        if self.model is not FillModel.OPTIMISTIC:",
    ),
    _bug(
        "a print through our price frees the pessimist's way",
        _QUEUE,
        "        if self.model is not FillModel.PESSIMISTIC:",
        "        if self.model is not None:",
    ),
    _bug(
        "what traded before we came serves us",
        _QUEUE,
        "            if not fall.after_us:\n                before_us += part\n",
        "",
    ),
    _bug(
        "falls from before we came are withdrawals",
        _QUEUE,
        "            if fall.after_us and self.ahead is not None:",
        "            if self.ahead is not None:",
    ),
    _bug(
        "an order joins the queue of the moment it was sent",
        _MATCHER,
        "                order.place.arrive()",
        "                order.place.ahead = order.place.ahead or Size(1)",
    ),
    # -- what is shared
    _bug(
        "a print serves everybody whole",
        _MATCHER,
        "max(0, beyond - ours)",
        "max(0, beyond)",
    ),
    _bug(
        "a worse order of ours overtakes a better one",
        _MATCHER,
        "            blocked = order.left > 0",
        "            blocked = False",
        _LATENCY,
    ),
    _bug(
        "our worse price is served first",
        _MATCHER,
        '        met.sort(key=attrgetter("price"), reverse=buying)',
        '        met.sort(key=attrgetter("price"), reverse=not buying)',
        _LATENCY,
    ),
    _bug(
        "displayed contracts are sold twice",
        _TAKER,
        "there = Size(there - used.get(level.price, NOTHING))",
        "there = Size(there - NOTHING)",
    ),
    _bug(
        "what we took stays taken for ever",
        _MATCHER,
        "            used[price] = min(used[price], shown)",
        "            used[price] = max(used[price], NOTHING)",
        _LATENCY,
    ),
    _bug(
        "a vanished level is still ours when it comes back",
        _MATCHER,
        "            del used[price]\n",
        "            pass\n",
        _PAPER_TESTS,
    ),
    _bug(
        "each leg has contracts of its own",
        _MATCHER,
        "        used = self._used[order.side.other]",
        "        used = self._used.setdefault(order.intent, {})",  # nobody's but this order's
        _PAPER_TESTS,
    ),
    # -- when the other side comes
    _bug(
        "the other side passes us by",
        _MATCHER,
        "                    order.place.displayed(size, at)\n"
        "        self._strike(side, price, size, at)\n",
        "                    order.place.displayed(size, at)\n",
    ),
    _bug(
        "a whole new book passes us by",
        _MATCHER,
        "                self._strike(side, price, levels[price], at)\n",
        "                pass\n",
        _MET,
    ),
    _bug(
        "what is displayed meets us again and again",
        _MATCHER,
        "            used[price] = Size(had + part)\n",
        "",
    ),
    _bug(
        "each of our orders meets all that is displayed",
        _MATCHER,
        "            part = Size(min(order.left, size - had))",
        "            part = Size(min(order.left, size))",
    ),
    _bug(
        "the other side comes in a pause",
        _MATCHER,
        "        if size <= 0 or not self.makers or not self._trading():",
        "        if size <= 0 or not self.makers:",
        _MET,
    ),
    _bug(
        "the other side comes to books that nobody can follow",
        _MATCHER,
        "        if size <= 0 or not self.makers or not self._trading():",
        "        if size <= 0 or not self._trading():",
        _MET,
    ),
    _bug(
        "a print gives again what was displayed",
        _MATCHER,
        "max(0, free - had)",
        "max(0, free)",
    ),
    _bug(
        "every print tells the same display",
        _MATCHER,
        "        struck.explained(price, Size(again))\n",
        "",
        _MET,
    ),
    _bug(
        "who asks more sells for less",
        _QUEUE,
        "        return price <= had.price if self.side is Side.BID else price >= had.price",
        "        return True",
        _MET,
    ),
    _bug(
        "a display is told by prints for ever",
        _QUEUE,
        "self._had[0].at < at - ECHO or not",
        "not",
        _MET,
    ),
    _bug(
        "nobody of the other side is minded",
        _MATCHER,
        "        if not own or not self.makers:",
        "        if own:",
    ),
    # -- prices and sizes
    _bug(
        "a taker pays beyond the limit",
        _TAKER,
        "        if beyond or left <= 0:",
        "        if left <= 0:",
    ),
    _bug(
        "the pessimist takes what came after sending",
        _MATCHER,
        "            order.at_sending = self._within(order)",
        "            pass",
        _LATENCY,
    ),
    _bug(
        "a print meets an order with a better price",
        _MATCHER,
        " if (o.price >= price if buying else o.price <= price)]",
        "]",
    ),
    _bug(
        "a print fills its own side",
        _MATCHER,
        "[order for order in self._resting.values() if order.side is not side]",
        "list(self._resting.values())",
    ),
    _bug(
        "a waiting order takes when it arrives",
        _MATCHER,
        "        if order.style is Style.MAKER and self._crosses(order):\n"
        '            return "post_only_cross"\n        return None',
        "        return None",
    ),
    # -- time
    _bug(
        "an order is there before the facts of its moment",
        _MATCHER,
        "            self._pass_time(at, Micros(at - 1))\n\n    def level",
        "            self._pass_time(at, at)\n\n    def level",
        _LATENCY,
    ),
    _bug(
        "asking early brings orders forward",
        _MATCHER,
        "            self._pass_time(at, at if at_once else Micros(at - 1))",
        "            self._pass_time(at, at)",
        _LATENCY,
    ),
    _bug(
        "what has arrived waits until somebody asks",
        _MATCHER,
        "    def before(self, at: Micros) -> None:\n        if at >= self.due:",
        "    def before(self, at: Micros) -> None:\n        if at < 0:",
    ),
    _bug(
        "a cancel overtakes its order",
        _MATCHER,
        "        order.leaves = max(arrives, order.arrives)",
        "        order.leaves = arrives",
        _LATENCY,
    ),
    _bug(
        "a cancel works the moment it is sent",
        _PAPER,
        "            matcher.cancel(intent, at, Micros(at + self.terms.latency.withdrawal))",
        "            matcher.cancel(intent, at, at)",
        _LATENCY,
    ),
    _bug(
        "what is seen late arrives early",
        _PAPER,
        "            arrives=Micros(at + latency.order),",
        "            arrives=Micros(at + latency.send),",
    ),
    _bug(
        "resting orders fill after they expired",
        _MATCHER,
        "for order in self._resting.values() if order.expires <= at]",
        "for order in self._resting.values() if order.expires < at]",
        _PAPER_TESTS,
    ),
    _bug(
        "an order that arrives too late trades",
        _MATCHER,
        "        if order.expires <= at:\n",
        "        if False:\n",
        _LATENCY,
    ),
    _bug(
        "what is under way when the data end arrives",
        _MATCHER,
        '            self._end(order, "never_arrived")',
        "            self._arrive(order, at)",
        _LATENCY,
    ),
    _bug(
        "fills on paper are proven by themselves",
        "src/market_bot/bootstrap/prove_recorded.py",
        "        if self._chain.lane == PAPER:",
        "        if self._chain.lane is None:",
        (
            "tests/integration/test_prove_recorded.py::test_what_the_paper_desk_did_is_derived_again",
        ),
    ),
    # -- what can be claimed
    _bug(
        "prints of a gap fill",
        _MATCHER,
        " or not self.seen.book.whole or size <= 0:",
        " or size <= 0:",
    ),
    _bug(
        "prints of a closed market fill",
        _MATCHER,
        "        return self.world.venue_status is _OPEN and self.seen.status is _OPEN",
        "        return self.world.venue_status is _OPEN",
    ),
    _bug(
        "prints of a closed venue fill",
        _MATCHER,
        "        return self.world.venue_status is _OPEN and self.seen.status is _OPEN",
        "        return self.seen.status is _OPEN",
    ),
    _bug(
        "orders outlive their market",
        _MATCHER,
        '                self._end(order, "market_closed")\n\n    # -- matching',
        "                pass\n\n    # -- matching",
        _PAPER_TESTS,
    ),
    _bug(
        "makers fill without prints",
        _PAPER,
        "makers=self.capabilities >= _QUEUES,",
        "makers=True,",
        _CLAIMS,
    ),
    _bug(
        "quotes are traded against",
        _PAPER,
        "        if not self.capabilities & _DEPTH:",
        "        if not self.capabilities:",
        _CLAIMS,
    ),
    _bug(
        "fills share a name",
        _PAPER,
        "number = numbers[name] = numbers.get(name, 0) + 1",
        "number = numbers[name] = 1",
    ),
    _bug(
        "watchers are told of a level that changed already",
        _WORLD,
        "                watcher.level(side, price, size, self.now)",
        "                (book.set_bid if side is _BID else book.set_ask)(price, size, received)\n"
        "                watcher.level(side, price, size, self.now)",
        ("tests/unit/test_world.py",),
    ),
)
