"""The examples worked by hand on the page about the fill engine come out as it says."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.core.domain.book import Side
from market_bot.core.domain.fills.terms import FillModel, FillTerms, Latency
from market_bot.core.domain.numbers import (
    Duration,
    Micros,
    Price,
    format_price,
    parse_scaled,
    price,
    size,
)
from market_bot.core.domain.orders import Style
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Filled
from tests.fakes.builders import a_book, a_draft, a_market, a_signal, an_intent, announced
from tests.fakes.clock import NOON
from tests.fakes.market_data import FULL
from tests.fakes.recording_sink import tell

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "fill-engine.md"
TITLES = ["at", "told", "pessimistic", "realistic", "optimistic"]
LEVEL = re.compile(r"(bid|ask) (\S+) shows (\d+)")
PRINT = re.compile(r"print (\d+) sold at (\S+)")
SEND = re.compile(r"send: (?:(take) (\d+) up to|(wait) for (\d+) at) (\S+)")
# As the text above the table of taking says; the other examples are without delays.
SLOW = Latency(send=Duration(150_000), data=Duration(50_000))


def tables() -> Iterator[list[list[str]]]:
    """Yield the rows of every example of the page."""
    rows: list[list[str]] = []
    for line in [*PAGE.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            if rows[0] == TITLES:
                yield rows[2:]
            rows = []


TAKING, ONE, SEVERAL, MET = tables()


class Example:
    """Plays the facts of a table with one model."""

    def __init__(self, model: FillModel, latency: Latency) -> None:
        self.world = World()
        self.desk = PaperExecution(self.world, FULL, terms=FillTerms(model=model, latency=latency))
        tell([announced(a_market()), a_book(bids={}, asks={})], self.world)
        self.sent = 0
        self.got: dict[str, int] = defaultdict(int)

    def row(self, when: str, told: str) -> list[Filled]:
        """Play a row and return what was filled by it."""
        at = Micros(NOON + parse_scaled(when.removesuffix(" s"), 6))
        if found := LEVEL.fullmatch(told):
            side, where, shown = Side(found[1]), price(found[2]), size(found[3])
            tell([("delta", "M-1", side, where, shown, at, None)], self.world)
        elif found := PRINT.fullmatch(told):
            where, printed = price(found[2]), size(found[1])
            tell([("trade", "M-1", Side.ASK, where, printed, at, None)], self.world)
        elif found := SEND.fullmatch(told):
            style = Style.TAKER if found[1] else Style.MAKER
            self._send(style, int(found[2] or found[4]), price(found[5]), at)
        else:
            raise AssertionError(told)
        fills = [fact for fact in self.desk.collect(at) if isinstance(fact, Filled)]
        for fill in fills:
            self.got[fill.intent] += fill.size // 10**6
        return fills

    def _send(self, style: Style, wanted: int, limit: Price, at: Micros) -> None:
        self.sent += 1
        draft = a_draft(a_signal(style=style, price=limit), size=size(wanted))
        self.desk.submit(an_intent(f"i-{self.sent}", draft), at)

    def ahead(self) -> int | None:
        """Return what stands before the first order, None once it is gone."""
        matcher = self.desk._alive.get("i-1")
        ahead = None if matcher is None else matcher.displayed_ahead("i-1")
        return None if ahead is None else ahead // 10**6


@pytest.mark.parametrize("model", FillModel)
def test_taking(model: FillModel) -> None:
    """The rows say what was had at which price."""
    example, column = Example(model, SLOW), TITLES.index(model.value)
    for row in TAKING:
        fills = example.row(row[0], row[1])
        had = [f"{fill.size // 10**6} at {format_price(fill.price)}" for fill in fills]

        assert row[column] == ", ".join(had)


@pytest.mark.parametrize("table", [ONE, MET], ids=["queue", "met"])
@pytest.mark.parametrize("model", FillModel)
def test_one_order(model: FillModel, table: list[list[str]]) -> None:
    """The rows say what is ahead of the order and what it got."""
    example, column = Example(model, Latency()), TITLES.index(model.value)
    for row in table:
        example.row(row[0], row[1])
        ahead = example.ahead()
        shown = f"{'done' if ahead is None else ahead}, {example.got['i-1']}"

        assert row[column] == (shown if example.sent else "")


@pytest.mark.parametrize("model", FillModel)
def test_several_orders(model: FillModel) -> None:
    """The rows say what each order got."""
    example, column = Example(model, Latency()), TITLES.index(model.value)
    for row in SEVERAL:
        example.row(row[0], row[1])
        names = ("A", "B")[: example.sent]
        got = [f"{name} {example.got[f'i-{n}']}" for n, name in enumerate(names, start=1)]

        assert row[column] == ", ".join(got)
