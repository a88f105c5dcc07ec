"""What the pages show is true: code runs, settings are taken, numbers come out, lists are whole."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from market_bot.adapters.polymarket.quotes_parquet import CATEGORY_RATES
from market_bot.bootstrap import address_reference, command_reference
from market_bot.config.loader import parse_bot
from market_bot.core.domain.fees import fee, fee_bound
from market_bot.core.domain.market import FeeModel, FeeSchedule
from market_bot.core.domain.notices import DEFAULT_LEVELS
from market_bot.core.domain.numbers import Micros, format_money, money, price, size
from market_bot.core.domain.orders import Style
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.view import Holdings, View
from tests.fakes.pages import DOCS, ROOT, Block, source, written
from tests.fakes.shown_bot import ShownBot


class EnoughError(Exception):
    """Ends a program of a page that would go on for long."""


def three_lines() -> Callable[..., None]:
    """Return a `print` that ends the program with its third line."""
    told: list[object] = []

    def tell(*what: object) -> None:
        told.append(what)
        if len(told) == 3:
            raise EnoughError

    return tell


# What a page's code takes from the program around it.
GIVEN: dict[str, Callable[[], dict[str, Any]]] = {
    "docs/reference/simulated-venue.md": lambda: {"print": three_lines()},
    "docs/reference/api.md": lambda: {
        "print": lambda *_: None,
        "bot": ShownBot(),
        "now": lambda: Micros(0),
    },
}
# These have tests of their own that look closer.
PROVEN = {
    "README.md": "integration/test_examples.py",
    "docs/how-to/write-a-strategy.md": "integration/test_docs_code.py",
    "docs/how-to/write-a-leak-rule.md": "unit/test_leak_docs.py",
    "docs/explanation/statistics.md": "unit/test_statistics.py",
}
EXAMPLES = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "examples").glob("*.py"))
CODE = dict.fromkeys(block.page for block in written("python"))


@pytest.mark.parametrize("page", [page for page in CODE if page not in PROVEN])
def test_code_of_the_pages_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python of a page runs from top to bottom, but for what is a piece of an example."""
    monkeypatch.chdir(tmp_path)
    module = ModuleType("page")
    module.__dict__.update(GIVEN.get(page, dict)())
    for block in written("python"):
        if block.page == page and block.text not in EXAMPLES:
            try:
                exec(compile(block.text, page, "exec"), module.__dict__)  # noqa: S102 - our own page
            except EnoughError:
                continue
    if "server" in vars(module):
        module.server.stop()


@pytest.mark.parametrize("page", PROVEN)
def test_code_with_tests_of_its_own_has_them(page: str) -> None:
    """Whoever looks closer at a page names it."""
    assert Path(page).name in source(PROVEN[page])


def test_the_strategy_of_the_guide_works() -> None:
    """The code of the guide defines a strategy that answers an empty view."""
    (source,) = [b.text for b in written("python") if b.page.endswith("write-a-strategy.md")]
    module = ModuleType("guide")
    exec(compile(source, "guide", "exec"), module.__dict__)  # noqa: S102 - our own page
    strategy = module.strategy
    view = View(event="E", family="F", as_of=0, markets=(), references={})  # type: ignore[arg-type]  # a plain time
    holdings = Holdings(positions=(), orders=(), cash=0)  # type: ignore[arg-type]  # no money

    assert isinstance(strategy, Strategy)
    assert [] == list(strategy.decide(view, strategy.params(), holdings))


@pytest.mark.parametrize("block", written("yaml"), ids=lambda block: block.page)
def test_settings_of_the_pages_are_understood(block: Block) -> None:
    """Settings shown for `bot.yaml` are taken as they are; what is not shown has its default."""
    parse_bot(block.text.encode(), "bot.yaml")


@pytest.mark.parametrize("block", written("json"), ids=lambda block: block.page)
def test_records_of_the_pages_are_json(block: Block) -> None:
    """Each line of a JSON block is JSON."""
    for line in block.text.splitlines():
        json.loads(line)


# -- numbers and lists ---------------------------------------------------------------------------

FEES = (DOCS / "reference/fees.md").read_text(encoding="utf-8")


def _rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under these column names."""
    _, _, rest = FEES.partition(f"{heading}\n")
    table = rest.partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_the_worked_fees_come_out() -> None:
    """Every number in the tables of fees is what the program charges."""
    kalshi = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=17_500)
    ours, polymarket = (
        _rows("| role | side | price | contracts | fee |"),
        _rows("| rate | exponent | price | contracts | fee |"),
    )
    for role, side, at, count, told in ours:
        charged = fee(kalshi, price(at), size(count), Style(role), selling=side == "sell")
        assert told == format_money(charged)
    for rate, exponent, at, count, told in polymarket:
        schedule = FeeSchedule(FeeModel.POLYMARKET_CURVE, price(rate), exponent=int(exponent))
        charged = fee(schedule, price(at), size(count), Style.TAKER, selling=False)
        assert told == format_money(charged)

    assert (9, 7) == (len(ours), len(polymarket))
    assert money("1.76") == fee_bound(kalshi, price("0.90"), size("100"))


def test_the_rates_by_category_are_those_in_use() -> None:
    """The page lists each category with the rate that a recording is charged."""
    listed = {
        category: price(rate)
        for categories, rate in _rows("| category | rate |")
        for category in categories.split(", ")
    }

    assert CATEGORY_RATES == listed


def test_the_page_of_options_is_up_to_date() -> None:
    """Run ``python -m market_bot.bootstrap.command_reference > docs/reference/options.md``."""
    page = DOCS / "reference/options.md"

    assert command_reference.render() == page.read_text(encoding="utf-8")


def test_the_page_of_addresses_is_up_to_date() -> None:
    """Run ``python -m market_bot.bootstrap.address_reference > docs/reference/addresses.md``."""
    page = DOCS / "reference/addresses.md"

    assert address_reference.render() == page.read_text(encoding="utf-8")


CHECK = re.compile(r'\bCheck\(\s*"([a-z ]+)"')


def test_the_page_of_the_doctor_names_every_check() -> None:
    """The table has a row for each check of the program and its venues, and no row more."""
    sources = (ROOT / "src" / "market_bot" / "bootstrap").rglob("*.py")
    made = {name for path in sources for name in CHECK.findall(path.read_text(encoding="utf-8"))}
    page = (DOCS / "reference" / "doctor.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([a-z ]+)` \|", page, re.MULTILINE)

    assert sorted(made) == sorted(told)


def test_the_page_of_messages_names_every_kind() -> None:
    """The table says of each kind of message how urgent it usually is."""
    page = (DOCS / "how-to" / "get-notified.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([a-z_]+)` \| `([a-z]+)` \|", page, re.MULTILINE))

    assert {kind.value: level.value for kind, level in DEFAULT_LEVELS.items()} == told
