"""The invented markets that come with the bot: an afternoon from a seed, the same every time.

Hidden quantities (the day's heat, a coin, an index, a lead) walk at random; every market asks
where one of them will end. The true probability follows from what can still happen, the market
quotes it a little too timidly, and what the quantity is at the end decides who is paid. Nothing is
arranged: who bets on the bias wins slowly and loses at a stroke, as elsewhere.
"""

from __future__ import annotations

import math
import random
from importlib import resources
from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.simulated.sample_quotes import Pace, Quotes, quoted
from market_bot.core.domain.market import (
    Condition,
    FeeModel,
    FeeSchedule,
    Market,
    MarketStatus,
)
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    Micros,
    Price,
    Probability,
    format_scaled,
    parse_time,
    quantise,
)
from market_bot.core.ports.market_data import Capability, Sink

VENUE: Final = "simulated"
# Chosen, not typical: in this afternoon a favourite collapses, limits bite, and little is left.
# With the default settings other seeds mostly end a little above the start, some well below.
SEED: Final = 52
CAPABILITIES: Final = frozenset({Capability.L2_STREAM, Capability.PRINTS})
BEGINS: Final = parse_time("2026-11-02T14:00:00Z")
MINUTE: Final = 60
LASTS: Final = 150 * MINUTE
_SECOND: Final = 1_000_000
_EVEN: Final = 0.5
_FEES: Final = FeeSchedule(model=FeeModel.KALSHI_QUADRATIC, taker_rate=70_000)
_GAP: Final = (50 * MINUTE, 50 * MINUTE + 45)
_COIN: Final = "COIN-USD"
_COIN_EVERY: Final = 30
# Every market has its own moment within a second; a second has room for 25.
_PLACE: Final = 40_000


@attrs.define(eq=False)
class Quantity:
    """Something that walks at random, in thousandths of its unit; hidden but for its markets.

    ``spread`` is the standard deviation of one second; ``news`` the chance per second of a jump
    by ``jump``, up or down.
    """

    value: int
    spread: int
    news: float = 0.0
    jump: int = 0

    def walk(self, chance: random.Random) -> None:
        """Take the step of one second."""
        # Three uniform numbers are bell-shaped enough, and exact on every machine.
        drawn = chance.random() + chance.random() + chance.random() - 1.5
        self.value += round(drawn * 2 * self.spread)
        if self.news and chance.random() < self.news:
            self.value += self.jump if chance.random() < _EVEN else -self.jump

    def chance_between(self, low: float, high: float, seconds: int) -> float:
        """Return how probably the value is in [low, high) after so many more seconds."""
        variance = seconds * (self.spread**2 + self.news * self.jump**2)
        scale = math.sqrt(2 * max(1.0, variance))
        return 0.5 * (math.erf((high - self.value) / scale) - math.erf((low - self.value) / scale))


@attrs.frozen(kw_only=True)
class Answer:
    """One market of a question: YES if the quantity ends in [low, high)."""

    suffix: str
    title: str
    low: float = -math.inf
    high: float = math.inf


@attrs.frozen(kw_only=True)
class Question:
    """One event; times in seconds after the beginning.

    ``known_after`` seconds after the close the quantity decides. Where ``from_opening`` is set, the
    answers' bounds are relative to the quantity's value at the opening. ``partition`` says that the
    answers together cover everything exactly once; ``reference`` names the quantity in public.
    """

    event: str
    family: str
    about: str
    opens: int
    closes: int
    known_after: int
    pace: Pace
    answers: tuple[Answer, ...]
    from_opening: bool = False
    partition: bool = False
    reference: str | None = None


@attrs.define(eq=False)
class _Trading:
    """A market between its opening and its resolution."""

    question: Question
    answer: Answer
    quantity: Quantity
    quotes: Quotes
    place: int

    def fair(self, second: int) -> Probability:
        left = self.question.closes + self.question.known_after - second
        true = self.quantity.chance_between(self.answer.low, self.answer.high, max(0, left))
        return quoted(quantise(true))

    def payout(self) -> Price:
        inside = self.answer.low <= self.quantity.value < self.answer.high
        return ONE_DOLLAR if inside else Price(0)


@attrs.define(eq=False)
class SampleMarket:
    """The whole afternoon, second by second."""

    sink: Sink
    chance: random.Random
    _trading: dict[str, _Trading] = attrs.field(factory=dict, init=False)
    _waiting: dict[str, tuple[int, _Trading]] = attrs.field(factory=dict, init=False)
    _opened: int = attrs.field(default=0, init=False)

    def play(self) -> None:
        """Push the afternoon into the sink."""
        quantities = _quantities()
        questions = _questions()
        for second in range(LASTS + 1):
            # While the line is cut the world goes on, but nobody hears of it.
            for quantity in quantities.values():
                quantity.walk(self.chance)
            self._resolve(second)
            for question in questions:
                if question.opens == second:
                    self._open(question, quantities[question.about], second)
            if second % _COIN_EVERY == 0 and not _cut(second):
                self._tell_coin(quantities["coin"], second)
            self._trade(second)

    def _open(self, question: Question, quantity: Quantity, second: int) -> None:
        base = quantity.value if question.from_opening else 0
        for answer in question.answers:
            name = f"{question.event}-{answer.suffix}"
            self._opened += 1
            trading = _Trading(
                question=question,
                answer=attrs.evolve(answer, low=answer.low + base, high=answer.high + base),
                quantity=quantity,
                quotes=Quotes(name, question.pace, self.chance),
                place=self._opened,
            )
            at = _moment(second)
            self.sink.meta(_market(name, trading), at)
            self.sink.status(name, MarketStatus.OPEN, at)
            trading.quotes.show(self.sink, trading.fair(second), at)
            self._trading[name] = trading

    def _trade(self, second: int) -> None:
        if second == _GAP[1]:
            self.sink.gap("", "connection lost", _moment(second))
            for trading in self._trading.values():
                trading.quotes.show(self.sink, trading.fair(second), _moment(second))
        for name, trading in list(self._trading.items()):
            if trading.question.closes == second:
                self.sink.status(name, MarketStatus.CLOSED, _moment(second))
                del self._trading[name]
                self._waiting[name] = (second + trading.question.known_after, trading)
        if _cut(second):
            return
        for trading in self._trading.values():
            at = Micros(_moment(second) + trading.place * _PLACE)
            trading.quotes.second(self.sink, trading.fair(second), at)

    def _resolve(self, second: int) -> None:
        for name, (due, trading) in list(self._waiting.items()):
            if due == second:
                self.sink.resolution(name, trading.payout(), _moment(second))
                del self._waiting[name]

    def _tell_coin(self, coin: Quantity, second: int) -> None:
        value = format_scaled(coin.value, 3)
        self.sink.reference(_COIN, value, _moment(second), None)


def play_sample(sink: Sink, seed: int = SEED) -> None:
    """Push the sample market into a sink; the same seed gives the same facts on every machine."""
    SampleMarket(sink, random.Random(seed)).play()


def sample_tape() -> Path:
    """Return the recording of the sample market that is part of the package."""
    return Path(str(resources.files(__package__).joinpath("sample.tape.zst")))


def _cut(second: int) -> bool:
    return _GAP[0] <= second < _GAP[1]


def _moment(second: int) -> Micros:
    return Micros(BEGINS + second * _SECOND)


def _market(name: str, trading: _Trading) -> Market:
    question, answer = trading.question, trading.answer
    priced = question.reference is not None
    return Market(
        venue=VENUE,
        id=name,
        event=question.event,
        family=question.family,
        title=answer.title,
        open_at=_moment(question.opens),
        close_at=_moment(question.closes),
        fees=_FEES,
        strike=format_scaled(trading.quantity.value, 3) if priced else None,
        reference=question.reference,
        condition=Condition.AT_LEAST if priced else None,
        at_most_one=question.partition,
        exhaustive=question.partition,
    )


def _quantities() -> dict[str, Quantity]:
    return {
        "heat-harbour": Quantity(61_300, spread=14, news=1 / 7000, jump=1_800),
        "heat-lakeside": Quantity(47_800, spread=16, news=1 / 7000, jump=1_800),
        "coin": Quantity(64_210_000, spread=2_600, news=1 / 2400, jump=60_000),
        "index": Quantity(49_700, spread=4, news=1 / 3000, jump=350),
        "lead": Quantity(300, spread=3, news=1 / 2000, jump=1_000),
    }


def _questions() -> list[Question]:
    return [
        _heat("HARBOUR", "Harbour City", 54, opens=0, closes=137 * MINUTE),
        _heat("LAKESIDE", "Lakeside", 42, opens=4 * MINUTE, closes=146 * MINUTE),
        _index(),
        _match(),
        *(_coin(14 * MINUTE + number * 15 * MINUTE) for number in range(6)),
    ]


def _heat(code: str, city: str, lowest: int, *, opens: int, closes: int) -> Question:
    """Return a ladder of which exactly one market ends YES."""
    edges = [lowest + 2 * step for step in range(1, 6)]
    answers = [
        Answer(suffix=f"T{edges[0]}", title=f"{city}: below {edges[0]}°", high=edges[0] * 1000.0)
    ]
    for low in edges[:-1]:
        title = f"{city}: {low}° to {low + 2}°"
        high = (low + 2) * 1000.0
        answers.append(Answer(suffix=f"B{low}", title=title, low=low * 1000.0, high=high))
    last = edges[-1]
    answers.append(Answer(suffix=f"T{last}UP", title=f"{city}: {last}° or more", low=last * 1000.0))
    return Question(
        event=f"SIM-HEAT-{code}-26NOV02",
        family="SIM-HEAT",
        about=f"heat-{code.lower()}",
        opens=opens,
        closes=closes,
        known_after=100,
        pace=_CALM,
        answers=tuple(answers),
        partition=True,
    )


def _index() -> Question:
    """Return nested markets on a number that comes out some time after they close."""
    levels = (48_500, 49_000, 49_500, 50_000)
    return Question(
        event="SIM-INDEX-26NOV",
        family="SIM-INDEX",
        about="index",
        opens=2 * MINUTE,
        closes=74 * MINUTE,
        known_after=5 * MINUTE,
        pace=_CALM,
        answers=tuple(
            Answer(
                suffix=f"A{level}",
                title=f"Makers' index above {format_scaled(level, 3)}",
                low=float(level),
            )
            for level in levels
        ),
    )


def _match() -> Question:
    return Question(
        event="SIM-MATCH-26NOV02-REDBLU",
        family="SIM-MATCH",
        about="lead",
        opens=20 * MINUTE,
        closes=118 * MINUTE,
        known_after=30,
        pace=_LIVELY,
        answers=(
            Answer(suffix="RED", title="Red wins the match", low=0.0),
            Answer(suffix="BLU", title="Blue wins the match", high=0.0),
        ),
        partition=True,
    )


def _coin(opens: int) -> Question:
    ends = opens + 15 * MINUTE
    hour, minute = divmod(14 * 60 + ends // MINUTE, 60)
    return Question(
        event=f"SIM-COIN15-26NOV02-{hour:02d}{minute:02d}",
        family="SIM-COIN15",
        about="coin",
        opens=opens,
        closes=ends,
        known_after=15,
        pace=_LIVELY,
        answers=(
            Answer(
                suffix="UP", title=f"Coin up in the 15 minutes to {hour:02d}:{minute:02d}", low=0.0
            ),
        ),
        from_opening=True,
        reference=_COIN,
    )


_CALM: Final = Pace(requote=0.12, respread=0.0008, resize=0.003, trade=0.032)
_LIVELY: Final = Pace(requote=0.12, respread=0.003, resize=0.008, trade=0.06)
