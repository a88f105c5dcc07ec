"""The fill engine against a slow twin, and what must hold of any flow of facts and orders.

The twin (`Twin`) knows one resting order and nothing of the engine: it expands falls and prints
into single contracts and looks at a clock after every fact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.core.domain.book import Side
from market_bot.core.domain.fills.queue import ECHO, Place
from market_bot.core.domain.fills.terms import FillModel, FillTerms, Latency
from market_bot.core.domain.market import Leg, MarketStatus
from market_bot.core.domain.numbers import ONE_DOLLAR, Duration, Micros, Price, Size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Cancelled, Filled
from market_bot.core.ports.execution import Fact as DeskFact
from market_bot.core.ports.market_data import Deltas
from tests.fakes.builders import a_draft, a_market, a_signal, an_intent, announced, cents
from tests.fakes.clock import NOON
from tests.fakes.market_data import FULL
from tests.fakes.recording_sink import Fact, tell

STEP: Final = 500_000  # half a second: four of them are the echo window
END: Final = 24
PESSIMISTIC, REALISTIC, OPTIMISTIC = FillModel
BIDS: Final = {4: 9, 3: 5}
ASKS: Final = {6: 9, 7: 5}


def moment(step: int) -> Micros:
    """Return the moment so many half seconds after noon."""
    return Micros(NOON + step * STEP)


@attrs.frozen
class Send:
    """What we do at a moment: send an order."""

    name: str
    intent: Intent


@attrs.frozen
class Cancel:
    """What we do at a moment: cancel the order of a number."""

    name: str


# Fills are rare enough that fewer examples would find too little. Flows are long, and making a
# failing one short takes minutes: that is for whoever looks into it, at a desk.
SEARCH: Final = (Phase.explicit, Phase.reuse, Phase.generate)
many = settings(
    max_examples=max(200, settings().max_examples),
    phases=SEARCH if settings().derandomize else tuple(Phase),
)
# A place alone is quick.
more = settings(many, max_examples=max(1000, settings().max_examples))

Happening = tuple[int, Fact | Send | Cancel]


def _levels(shown: dict[int, int]) -> dict[Price, Size]:
    return {cents(10 * at): Size(count) for at, count in shown.items()}


def _fact(step: int, kind: str, values: tuple[int, int, int]) -> list[Happening]:
    """Return a fact of market M-1 (or of M-2, which only lets time pass), and its end if any."""
    side, at, count = values
    now, which = moment(step), (Side.BID, Side.ASK)[side]
    price = cents(10 * (NEAR[at] if which is Side.BID else 10 - NEAR[at]))
    later = step + 1 + count % 4
    match kind:
        case "level":
            change: Fact = ("delta", "M-1", which, price, Size(count), now, None)
            # Both sides come to 0.50; a book that stays crossed would end everything.
            gone: Fact = ("delta", "M-1", which, price, Size(0), moment(later), None)
            return [(step, change), (later, gone)] if price == cents(50) else [(step, change)]
        case "trade":
            return [(step, ("trade", "M-1", which.other, price, Size(count), now, None))]
        case "meet":
            # Somebody quotes where we may rest, and a print follows that may tell the same.
            told: Fact = ("delta", "M-1", which, cents(50), Size(1 + count % 4), now, None)
            ends: Fact = ("delta", "M-1", which, cents(50), Size(0), moment(later), None)
            echo: Fact = ("trade", "M-1", which, cents(50), Size(9 - at), moment(step + at), None)
            return [(step, told), (step + at, echo), (later, ends)]
        case "book":
            return [(step, _book(step, count, at, side))]
        case "gap":
            lost: Fact = ("gap", ("M-1", "")[side], "lost", now)
            return [(step, lost), (later, _book(later, at, count, side))]
        case "pause":
            name = ("M-1", "")[side]
            again: Fact = ("status", name, MarketStatus.OPEN, moment(later))
            return [(step, ("status", name, MarketStatus.PAUSED, now)), (later, again)]
        case "close":
            return [(step, ("status", "M-1", MarketStatus.CLOSED, now))]
        case _:
            return [(step, ("status", "M-2", MarketStatus.PAUSED, now))]


def _book(step: int, first: int, second: int, third: int) -> Fact:
    bids, asks = {3: first, 4: second}, {6 - third: first, 7: second, 8: third}
    return ("book", "M-1", _levels(bids), _levels(asks), moment(step), None)


# Bids are mostly told at 0.40, asks at 0.60, so that they meet our orders.
NEAR: Final = (4, 4, 4, 3, 5, 4)
RESTS: Final = (4, 5, 4, 5, 3, 6)
KINDS: Final = (
    ("trade",) * 8 + ("level",) * 5 + ("meet",) * 3 + ("book", "gap", "pause", "elsewhere")
)


def _told(number: int) -> list[Happening]:
    """Return the fact of a number: one drawing instead of five, which took most of the time."""
    rest, step = divmod(number, END)
    rest, kind = divmod(rest, len(KINDS))
    rest, side = divmod(rest, 2)
    count, at = divmod(rest, 6)
    return _fact(1 + step, KINDS[kind], (side, at, count))


facts = st.integers(0, END * len(KINDS) * 2 * 6 * 10 - 1).map(_told)
closes = st.integers(1, 4 * END).map(lambda step: _fact(step, "close", (0, 0, 0)))


@st.composite
def sendings(
    draw: st.DrawFn, name: str, style: Style | None, cancelled: bool | None
) -> list[Happening]:
    """Draw an order and, if wanted or now and then, its cancel."""
    step, chosen = draw(st.integers(0, END // 3)), style or draw(st.sampled_from(Style))
    leg, purpose = draw(st.sampled_from(Leg)), draw(st.sampled_from(Purpose))
    buys = (leg is Leg.YES) == (purpose is Purpose.ENTRY)
    taking = chosen is Style.TAKER
    at = draw(st.sampled_from(RESTS)) + 2 * taking
    yes = cents(10 * (at if buys else 10 - at))
    price = yes if leg is Leg.YES else Price(ONE_DOLLAR - yes)
    signal = a_signal(leg=leg, purpose=purpose, style=chosen, price=price)
    expires = Micros(moment(step + draw(st.integers(0, 2 * END))) + STEP // 2)
    draft = a_draft(signal, size=Size(draw(st.integers(1, 9)) * (2 - taking)))
    done: list[Happening] = [(step, Send(name, an_intent(name, draft, expires_at=expires)))]
    if draw(st.booleans()) if cancelled is None else cancelled:
        done.append((step + draw(st.integers(0, END)), Cancel(name)))
    return done


@st.composite
def flows(
    draw: st.DrawFn, orders: int, style: Style | None = None, *, cancelled: bool | None = None
) -> list[Happening]:
    """Draw facts and actions in the order of time; at one moment the facts come first."""
    drawn = draw(st.lists(facts, min_size=15, max_size=50))
    if draw(st.integers(0, 4)) == 0:
        drawn.append(draw(closes))
    ours = [draw(sendings(f"i-{number}", style, cancelled)) for number in range(orders)]
    everything = [happening for some in (*drawn, *ours) for happening in some]
    return sorted(everything, key=lambda happening: (happening[0], not _is_fact(happening)))


def _is_fact(happening: Happening) -> bool:
    return isinstance(happening[1], tuple)


latencies = st.builds(
    lambda send, cancel, data: Latency(
        send=Duration(send * STEP // 2),
        cancel=Duration(cancel * STEP // 2),
        data=Duration(data * STEP // 2),
    ),
    st.integers(0, 5),
    st.integers(0, 5),
    st.integers(0, 2),
)
models = st.sampled_from(FillModel)


def a_desk(model: FillModel, latency: Latency) -> PaperExecution:
    """Return a desk over the market in which everything happens."""
    world = World()
    desk = PaperExecution(world, FULL, terms=FillTerms(model=model, latency=latency))
    opening: Fact = ("book", "M-1", _levels(BIDS), _levels(ASKS), NOON, None)
    tell([announced(a_market()), announced(a_market("M-2", event="E-2")), opening], world)
    return desk


def play(
    flow: Sequence[Happening],
    model: FillModel,
    latency: Latency,
    cuts: Sequence[int] = (),
    *,
    together: bool = False,
) -> list[DeskFact]:
    """Return all that a desk tells; after every happening in ``cuts`` it is asked what is new.

    With ``together``, changes of levels in a row are told at once.
    """
    desk, told, asked = a_desk(model, latency), list[DeskFact](), set(cuts)
    waiting: list[Fact] = []
    for number, (step, what) in enumerate(flow):
        if together and isinstance(what, tuple) and what[0] == "delta":
            waiting.append(what)
            continue
        _tell_together(waiting, desk.world)
        waiting.clear()
        match what:
            case Send(_, intent):
                desk.submit(intent, moment(step))
            case Cancel(name):
                desk.cancel(name, moment(step))
            case _:
                tell([what], desk.world)
        if number in asked:
            told += desk.collect(moment(step))
    _tell_together(waiting, desk.world)
    return [*told, *desk.collect(moment(9 * END))]


def _tell_together(changes: Sequence[Fact], world: World) -> None:
    levels = list(dict.fromkeys((side, price) for _, _, side, price, *_ in changes))
    columns = Deltas(
        markets=("M-1",),
        books=[int(side is Side.ASK) for side, _ in levels],
        prices=[price for _, price in levels],
        levels=[levels.index((side, price)) for _, _, side, price, *_ in changes],
        sizes=[size for *_, size, _, _ in changes],
        received=[received for *_, received, _ in changes],
        exchange=[Micros(-1)] * len(changes),
    )
    world.deltas(columns, 0, len(changes))


def filled(told: Iterable[DeskFact], style: Style | None = None) -> dict[str, int]:
    """Return how much of each order was filled."""
    sizes: defaultdict[str, int] = defaultdict(int)
    for fact in told:
        if isinstance(fact, Filled) and style in (None, fact.liquidity):
            sizes[fact.intent] += fact.size
    return sizes


def in_yes(intent: Intent, price: Price) -> tuple[Side, Price]:
    """Return on which side of the YES book an order is, and a price of its leg as a YES price."""
    signal = intent.draft.signal
    buys = (signal.leg is Leg.YES) == (signal.purpose is Purpose.ENTRY)
    yes = price if signal.leg is Leg.YES else Price(ONE_DOLLAR - price)
    return (Side.BID if buys else Side.ASK), yes


# -- a slow twin of one resting order ------------------------------------------------------------


@attrs.frozen
class Struck:
    """One contract that was displayed and traded with us, and that no print told yet."""

    at: int
    price: int


@attrs.define
class Token:
    """One contract that fell from the display, or that was printed, and found no partner yet."""

    at: int
    left: int = 0
    fall: int = 0
    ours: bool = False


class SlowPlace:
    """A place in the queue, contract by contract."""

    def __init__(self, model: FillModel, shown: int) -> None:
        self.model, self.shown = model, shown
        self.ahead: int | None = None
        self.fallen: list[Token] = []
        self.printed: list[Token] = []
        self.falls = 0

    def level(self, count: int, now: int) -> None:
        """Take a new size."""
        self.forget(now)
        was, self.shown = self.shown, count
        self.falls += 1
        for _ in range(was - count):
            if self.model is OPTIMISTIC:
                self.ahead = self.ahead and self.ahead - 1
            elif self.printed:
                self.printed.pop(0)
            else:
                self.fallen.append(Token(now, count, self.falls, self.ahead is not None))

    def reached(self, count: int, now: int) -> int:
        """Take a print at our price; return what comes to us."""
        self.forget(now)
        return sum(self._contract(now) for _ in range(count))

    def passed(self, count: int, now: int) -> int:
        """Take a print through our price; return what comes to us."""
        self.forget(now)
        if self.model is not PESSIMISTIC:
            self.ahead = None if self.ahead is None else 0
        return sum(self._next() for _ in range(count))

    def _contract(self, now: int) -> int:
        if self.model is not OPTIMISTIC:
            if not self.fallen:
                self.printed.append(Token(now))
            elif not self.fallen.pop(0).ours:
                return 0
        return self._next()

    def _next(self) -> int:
        if self.ahead:
            self.ahead -= 1
            return 0
        return int(self.ahead is not None)

    def forget(self, now: int) -> None:
        """Find out what was withdrawn."""
        self.printed = [token for token in self.printed if now - token.at <= ECHO]
        gone = [token for token in self.fallen if now - token.at > ECHO]
        self.fallen = self.fallen[len(gone) :]
        for number in sorted({token.fall for token in gone if token.ours}):
            some = [token for token in gone if token.fall == number]
            left, ahead = some[0].left, self.ahead or 0
            if self.model is REALISTIC:
                ahead -= ahead * len(some) // (left + len(some))
            self.ahead = min(ahead, left)


class Twin:
    """One resting order and its market, looked at after every fact."""

    def __init__(self, send: Send, model: FillModel, latency: Latency, step: int) -> None:
        self.side, price = in_yes(send.intent, send.intent.draft.signal.price)
        self.own = price // cents(10)
        self.wanted: int = send.intent.draft.size
        self.sent = moment(step)
        self.arrives = self.sent + latency.send + latency.data
        self.expires = send.intent.expires_at + latency.data
        self.leaves: int | None = None
        self.state = "not sent"
        self.place = SlowPlace(model, 0)
        self.fills: list[tuple[int, int]] = []
        self.used: dict[int, int] = {}
        self.struck: list[Struck] = []
        self.shown = {Side.BID: dict(BIDS), Side.ASK: dict(ASKS)}
        self.whole, self.open, self.venue = True, True, True
        self.now = int(NOON)

    def send(self) -> None:
        """Be sent, if that makes sense."""
        bids, asks = self._prices()
        crossed = bool(bids and asks and max(bids) >= min(asks))
        if not (self.open and self.venue and self.whole) or crossed:
            self.state = "over"
            return
        self.state = "sent"
        self.place.shown = self.shown[self.side].get(self.own, 0)
        self.until(self.sent, facts_too=self.arrives == self.sent)

    def until(self, at: int, *, facts_too: bool) -> None:
        """Let time pass up to a moment, before or after its facts."""
        coming = [self.arrives] if self.state == "sent" else []
        for due in sorted({*coming, self.expires, self.leaves or 0}):
            if due > at:
                break
            over = due < at or facts_too
            if self.state == "rests" and self.expires <= due:
                self.state = "over"
            if self.state == "sent" and self.arrives <= due and over:
                self._arrive()
            if self.leaves is not None and self.leaves <= due and over and self.state == "rests":
                self.state = "over"
        self.now = at

    def _prices(self) -> tuple[list[int], list[int]]:
        bids, asks = (
            [p for p, count in self.shown[side].items() if count] for side in (Side.BID, Side.ASK)
        )
        return bids, asks

    def _arrive(self) -> None:
        bids, asks = self._prices()
        crossed = bool(bids and asks and max(bids) >= min(asks))
        buys = self.side is Side.BID
        takes = any(self.own >= p for p in asks) if buys else any(self.own <= p for p in bids)
        sound = self.whole and self.open and self.venue and not crossed
        if self.expires <= self.arrives or not sound or takes:
            self.state = "over"
            return
        self.state, self.place.ahead = "rests", self.place.shown

    def level(self, side: Side, at: int, count: int) -> None:
        """Take a new size."""
        self.shown[side][at] = count
        if side is self.side:
            if at == self.own and self.state in ("sent", "rests"):
                self.place.level(count, self.now)
            return
        self.used[at] = min(count, self.used.get(at, 0))
        sound = self.open and self.venue
        if self.state == "rests" and sound and self._meets(at, self.own):
            got = min(count - self.used[at], self.wanted)
            self.used[at] += got
            self.struck += [Struck(self.now, at) for _ in range(got)]
            self._fill(got)

    def _meets(self, theirs: int, mine: int) -> bool:
        """Tell whether a price of the other side is as good as one of ours, or better."""
        return theirs <= mine if self.side is Side.BID else theirs >= mine

    def _fill(self, got: int) -> None:
        if got:
            self.wanted -= got
            self.fills.append((self.now, got))
        if not self.wanted:
            self.state = "over"

    def _had(self, at: int) -> bool:
        """Tell whether a contract that prints is one that we had from the display already."""
        for one in self.struck:
            if self.now - one.at <= ECHO and self._meets(one.price, at):
                self.struck.remove(one)
                return True
        return False

    def trade(self, taker: Side, at: int, count: int) -> None:
        """Take a print."""
        met = self._meets(at, self.own)
        sound = self.whole and self.open and self.venue and count > 0
        if taker is self.side or not met or not sound or self.state not in ("sent", "rests"):
            return
        take = self.place.reached if at == self.own else self.place.passed
        reached = take(count, self.now)
        self._fill(min(sum(not self._had(at) for _ in range(reached)), self.wanted))

    def status(self, market: str, status: MarketStatus) -> None:
        """Take a status."""
        if market == "M-1":
            self.open = status is MarketStatus.OPEN
            if status is MarketStatus.CLOSED and self.state == "rests":
                self.state = "over"
        elif not market:
            self.venue = status is MarketStatus.OPEN


def twin_of(flow: list[Happening], model: FillModel, latency: Latency) -> list[tuple[int, int]]:
    """Return the fills of the one maker of a flow as (time, contracts)."""
    step, order = next((step, what) for step, what in flow if isinstance(what, Send))
    twin = Twin(order, model, latency, step)
    for now, what in flow:
        if what is order:
            twin.send()
        elif isinstance(what, Cancel):
            if twin.leaves is None:
                twin.leaves = max(moment(now) + latency.cancel + latency.data, twin.arrives)
        elif isinstance(what, tuple):
            twin.until(moment(now), facts_too=False)
            _tell_twin(twin, what)
    return twin.fills


def _tell_twin(twin: Twin, fact: Fact) -> None:
    match fact:
        case ("delta", _, side, price, size, _, _):
            if twin.whole:
                twin.level(side, price // cents(10), size)
        case ("trade", _, taker, price, size, _, _):
            twin.trade(taker, price // cents(10), size)
        case ("book", _, bids, asks, _, _):
            for side, shown in ((Side.BID, bids), (Side.ASK, asks)):
                new = {price // cents(10): size for price, size in shown.items()}
                prices = sorted({*new, *twin.shown[side]}, reverse=side is Side.BID)
                for at in prices:
                    twin.level(side, at, new.get(at, 0))
            twin.whole = True
        case ("gap", _, _, _):
            twin.whole = False
        case ("status", market, status, _):
            twin.status(market, status)
        case _:
            pass


@many
@given(flows(1, Style.MAKER), models, latencies)
def test_a_maker_gets_what_its_slow_twin_gets(
    flow: list[Happening], model: FillModel, latency: Latency
) -> None:
    """Contract by contract, fact by fact: the same sizes at the same moments."""
    told = play(flow, model, latency)

    fast = [(fact.at, fact.size) for fact in told if isinstance(fact, Filled)]
    event("filled" if fast else "not filled")
    assert twin_of(flow, model, latency) == fast


# -- what holds of any flow -----------------------------------------------------------------------


class Witness:
    """Follows the book by itself and looks at every fill at its own moment."""

    def __init__(self, flow: list[Happening]) -> None:
        self.flow = flow
        self.sent = {what.name: what.intent for _, what in flow if isinstance(what, Send)}
        self.shown = {Side.BID: _levels(BIDS), Side.ASK: _levels(ASKS)}
        self.taken: defaultdict[tuple[Side, Price], int] = defaultdict(int)
        self.state = {"book": True, "market": True, "venue": True}

    def check(self, told: list[DeskFact]) -> None:
        """Check all fills against the flow."""
        fills = [fact for fact in told if isinstance(fact, Filled)]
        takes = [fill for fill in fills if fill.liquidity is Style.TAKER]
        made = [fill for fill in fills if fill.liquidity is Style.MAKER]
        at = NOON
        for step, what in self.flow:
            if isinstance(what, tuple):
                takes = self._take(takes, at, moment(step))
                at = moment(step)
                if what[0] == "trade":
                    made = self._make(made, what)
                for place in self._follow(what):
                    made = self._meet(made, place, moment(step))
        self._take(takes, at, moment(9 * END))
        assert [] == made
        self._check_orders(told)

    def _take(self, takes: list[Filled], after: Micros, until: Micros) -> list[Filled]:
        """Check the takers that arrived from one fact to before the next."""
        for fill in [fill for fill in takes if fill.at < until]:
            assert fill.at >= after
            assert all(self.state.values())
            intent = self.sent[fill.intent]
            side, price = in_yes(intent, fill.price)
            place = (side.other, price)
            self.taken[place] += fill.size
            assert self.taken[place] <= self.shown[side.other].get(price, 0)
        return [fill for fill in takes if fill.at >= until]

    def _make(self, made: list[Filled], what: Fact) -> list[Filled]:
        """Check the makers that one print filled."""
        _, _, taker, price, size, received, _ = what
        # Nothing comes of it then; what else the same moment filled, something else must explain.
        if not all(self.state.values()):
            return made
        mine, left = [], int(size)
        for fill in made:
            side, own = in_yes(self.sent[fill.intent], fill.price)
            reached = price <= own if side is Side.BID else price >= own
            if fill.at != received or side is taker or not reached or fill.size > left:
                break
            left -= fill.size
            mine.append(fill)
        return made[len(mine) :]

    def _meet(
        self, made: list[Filled], place: tuple[Side, Price], received: Micros
    ) -> list[Filled]:
        """Check the makers that met what is displayed at a price now: each contract once."""
        number, (theirs, price) = 0, place
        for fill in made:
            side, own = in_yes(self.sent[fill.intent], fill.price)
            reached = price <= own if side is Side.BID else price >= own
            left = self.shown[theirs].get(price, 0) - self.taken[place]
            if fill.at != received or side is theirs or not reached or fill.size > left:
                break
            assert all(self.state.values())
            self.taken[place] += fill.size
            number += 1
        return made[number:]

    def _follow(self, what: Fact) -> list[tuple[Side, Price]]:
        """Take a fact; return of which levels it told, the best of each side first."""
        match what:
            case ("delta", _, side, price, size, _, _):
                if self.state["book"]:
                    self._show(side, price, size)
                    return [(side, price)]
            case ("book", _, bids, asks, _, _):
                self.state["book"] = True
                told = []
                for side, new in ((Side.BID, bids), (Side.ASK, asks)):
                    for price in sorted({*new, *self.shown[side]}, reverse=side is Side.BID):
                        self._show(side, price, new.get(price, Size(0)))
                        told.append((side, price))
                return told
            case ("gap", _, _, _):
                self.state["book"] = False
            case ("status", "M-1", status, _):
                self.state["market"] = status is MarketStatus.OPEN
            case ("status", "", status, _):
                self.state["venue"] = status is MarketStatus.OPEN
            case _:
                pass
        return []

    def _show(self, side: Side, price: Price, size: Size) -> None:
        self.shown[side][price] = size
        self.taken[side, price] = min(self.taken[side, price], size)

    def _check_orders(self, told: list[DeskFact]) -> None:
        names = [fact.fill for fact in told if isinstance(fact, Filled)]
        assert len(names) == len(set(names))
        over: set[str] = set()
        for fact in told:
            assert fact.intent not in over
            if isinstance(fact, Cancelled):
                over.add(fact.intent)
            if isinstance(fact, Filled):
                signal = self.sent[fact.intent].draft.signal
                better = fact.price <= signal.price
                assert better if signal.purpose is Purpose.ENTRY else fact.price >= signal.price
                assert fact.liquidity is signal.style
                assert signal.style is Style.TAKER or fact.price == signal.price
        for name, size in filled(told).items():
            assert size <= self.sent[name].draft.size


@many
@given(flows(6), models, latencies, st.lists(st.integers(0, 60), max_size=12), st.booleans())
def test_nothing_comes_from_nowhere(
    flow: list[Happening], model: FillModel, latency: Latency, cuts: list[int], everywhere: bool
) -> None:
    """Takers share what is displayed, makers that and what is printed, all our orders together.

    Within the limit, at prices that are displayed, with nothing during a gap, a pause or after the
    close; no order gets more than it wanted or anything after its end, and no fill has the name of
    another one. Asked at any places, a desk tells the same of each order, in the same order; and
    changes of levels that are told as columns do what they do one by one.
    """
    told = play(flow, model, latency)

    event(f"{len(filled(told, Style.TAKER))} takers, {len(filled(told, Style.MAKER))} makers")
    Witness(flow).check(told)
    cut = play(flow, model, latency, range(len(flow)) if everywhere else cuts)
    assert by_order(told) == by_order(cut)
    assert told == play(flow, model, latency, together=True)


@many
@given(flows(5, Style.MAKER), latencies)
def test_the_models_are_ordered(flow: list[Happening], latency: Latency) -> None:
    """Every single order gets at least as much from a model that believes more."""
    least, middle, most = (filled(play(flow, model, latency)) for model in FillModel)

    event("they differ" if dict(least) != dict(most) else "they agree")
    for name in {*least, *middle, *most}:
        assert least[name] <= middle[name] <= most[name]


@many
@given(flows(1, Style.MAKER, cancelled=True), models, latencies, st.integers(1, 9))
def test_a_slower_cancel_never_costs_fills(
    flow: list[Happening], model: FillModel, latency: Latency, longer: int
) -> None:
    """An order that stays longer gets at least as much."""
    slower = attrs.evolve(latency, cancel=Duration(latency.cancel + longer * STEP // 2))

    fast, slow = filled(play(flow, model, latency)), filled(play(flow, model, slower))

    event("it matters" if dict(fast) != dict(slow) else "it does not matter")
    assert fast["i-0"] <= slow["i-0"]


def by_order(told: Iterable[DeskFact]) -> dict[str, list[Any]]:
    """Return what is told of each order."""
    of: defaultdict[str, list[Any]] = defaultdict(list)
    for fact in told:
        of[fact.intent].append(fact)
    return of


# Long queues of which little is printed, and now and then nothing for longer than the echo window:
# what happens, the least and the most of it, and how many steps after the last.
MOVES: Final = (
    *[("level", 0, 40, (0, 1, 1, 4, 5))] * 3,
    *[("reached", 0, 4, (0, 1, 4, 5))] * 2,
    ("reached", 5, 20, (1,)),
    ("passed", 0, 9, (1,)),
)


def _moved(number: int) -> tuple[str, int, int]:
    """Return the move of a number."""
    rest, kind = divmod(number, len(MOVES))
    name, least, most, laters = MOVES[kind]
    size, later = divmod(rest, 20)
    return name, least + size % (most - least + 1), laters[later % len(laters)]


# A multiple of all lengths, so that no size and no pause is rarer than another.
moves = st.lists(
    st.integers(0, len(MOVES) * 20 * 41 * 5 * 16 - 1).map(_moved), min_size=8, max_size=25
)


@more
@given(moves, models, st.integers(0, 40), st.integers(0, 4))
def test_a_place_is_what_its_slow_twin_is(
    happened: list[tuple[str, int, int]], model: FillModel, shown: int, arrival: int
) -> None:
    """Contract by contract: the same stands before us, and the same comes to us.

    At any time the pessimist has the longest queue ahead and the optimist the shortest.
    """
    places = {kind: Place(kind, Size(shown)) for kind in FillModel}
    slow, at = SlowPlace(model, shown), 0
    for number, (kind, size, later) in enumerate(happened):
        at += later * STEP
        if number == arrival:
            slow.ahead = slow.shown
            assert {slow.shown} == {place.arrive() for place in places.values()}
        got = {of: _move(place, kind, size, at) for of, place in places.items()}
        assert _move_slowly(slow, kind, size, at) == got[model]
        assert slow.ahead == places[model].ahead
        aheads = [place.ahead or 0 for place in places.values()]
        assert sorted(aheads, reverse=True) == aheads


def _move(place: Place, kind: str, size: int, at: int) -> int:
    match kind:
        case "level":
            place.displayed(Size(size), Micros(at))
            return 0
        case "reached":
            return place.reached(Size(size), Micros(at))
        case _:
            return place.passed(Size(size), Micros(at))


def _move_slowly(place: SlowPlace, kind: str, size: int, at: int) -> int:
    match kind:
        case "level":
            place.level(size, at)
            return 0
        case "reached":
            return place.reached(size, at)
        case _:
            return place.passed(size, at) if place.ahead is not None else 0


@more
@given(moves, models, st.integers(0, 40), st.integers(0, 40), st.integers(1, 9))
def test_more_in_front_is_never_better(
    happened: list[tuple[str, int, int]], model: FillModel, shown: int, ahead: int, more: int
) -> None:
    """A longer queue, all else equal, lets no more through to us, at any time."""
    places = [Place(model, Size(shown)), Place(model, Size(shown))]
    got, at = [0, 0], 0
    for place, before in zip(places, (ahead, ahead + more), strict=True):
        place.arrive()
        place.ahead = Size(before)
    for kind, size, later in happened:
        at += later * STEP
        for number, place in enumerate(places):
            got[number] += _move(place, kind, size, at)
        assert (places[0].ahead or 0) <= (places[1].ahead or 0)
        assert got[0] >= got[1]
