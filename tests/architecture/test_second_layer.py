"""The second layer of validation owes nothing to the code whose work it checks."""

import ast

import pytest

from tests.architecture.source import CORE, modules, name, parse
from tests.architecture.test_seams import imported

TUNING = CORE / "domain" / "tuning"
SECOND = TUNING / "layer_two.py"
PACKAGE_OF_TUNING = ("market_bot", "core", "domain", "tuning")
MAY_IMPORT = frozenset(
    {"__future__", "attrs", "collections.abc", "decimal", "enum", "json", "re", "typing"}
)
NUMBERS = "market_bot.core.domain.numbers"


def borrowed(tree: ast.Module) -> list[str]:
    """Return what a module takes from others, besides plain tools and the name of a moment."""
    found = [
        module
        for _, module in imported(tree, PACKAGE_OF_TUNING)
        if module not in MAY_IMPORT and module != NUMBERS
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == NUMBERS:
            found += [alias.name for alias in node.names if alias.name != "Micros"]
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith("market_bot")]
        if isinstance(node, ast.Name) and node.id in {"__import__", "eval", "exec"}:
            found.append(node.id)
    return found


def test_the_second_layer_borrows_nothing() -> None:
    """Its table, its numbers and its comparison are its own."""
    assert [] == borrowed(parse(SECOND))


@pytest.mark.parametrize("path", [p for p in modules(TUNING) if p != SECOND], ids=name)
def test_the_first_layer_does_not_lean_on_the_second(path: object) -> None:
    """No other module of tuning uses the second layer: a mistake cannot be in both."""
    tree = parse(path)  # type: ignore[arg-type]  # a path
    taken = [module for _, module in imported(tree, PACKAGE_OF_TUNING)]
    names = [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]

    assert [] == [module for module in (*taken, *names) if "layer_two" in module]


def test_the_table_is_written_by_hand() -> None:
    """Every bound stands there as text, so that a wider one is a visible change of this file."""
    tables = [
        node.value
        for node in parse(SECOND).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if node.target.id == "_TABLE"
    ]

    assert 1 == len(tables)
    assert ast.literal_eval(tables[0])  # type: ignore[arg-type]  # it has a value


@pytest.mark.parametrize(
    "statement",
    [
        "from .ladder import direction",
        "from . import allowlist",
        "from market_bot.core.domain.numbers import parse_scaled",
        "import market_bot.core.domain.settings",
        "from market_bot.core.domain.strategies.api import Knob",
        "x = __import__('market_bot')",
    ],
)
def test_a_loan_is_found(statement: str) -> None:
    """What would make the layers share something is reported."""
    assert borrowed(ast.parse(statement))
