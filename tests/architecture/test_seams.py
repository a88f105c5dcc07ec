"""Time, chance and files enter through ports; these tests read the source to make sure of it.

The import contracts say which module may import which. They cannot say that a builtin was called,
nor that everything outside a list is refused; that is done here.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import CORE, PACKAGE, modules, name, parse

CORE_MAY_IMPORT = frozenset(
    {
        "__future__",
        "abc",
        "attr",
        "attrs",
        "bisect",
        "collections",
        "collections.abc",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "hashlib",
        "heapq",
        "itertools",
        "json",
        "math",
        "operator",
        "re",
        "types",
        "typing",
    }
)

# Only these may look at a clock, wait, throw dice or touch a file.
OUTSIDE = (PACKAGE / "adapters", PACKAGE / "bootstrap")
# The defaults come with the package, the operator's file is read once: bytes in, nothing out.
MAY_READ_BYTES = PACKAGE / "config"

CLOCKS = frozenset(
    {
        "date.today",
        "datetime.now",
        "datetime.today",
        "datetime.utcnow",
        "time.monotonic",
        "time.monotonic_ns",
        "time.perf_counter",
        "time.perf_counter_ns",
        "time.sleep",
        "time.time",
        "time.time_ns",
    }
)
CHANCE = frozenset({"random", "secrets", "uuid1", "uuid4"})
# Without the module there is no other name for what is in it.
NEVER_IMPORTED = frozenset({"random", "secrets", "time"})
FILE_METHODS = frozenset(
    {"mkdir", "read_bytes", "read_text", "touch", "unlink", "write_bytes", "write_text"}
)

MODULES = modules(PACKAGE)
CORE_MODULES = modules(CORE)
INNER_MODULES = [m for m in MODULES if not any(m.is_relative_to(o) for o in OUTSIDE)]


def imported(tree: ast.Module, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Yield line and name of every module imported in `package`, relative ones resolved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else ()
            yield node.lineno, ".".join((*parents, *((node.module or "").split("."))))


def foreign_to_core(tree: ast.Module, package: tuple[str, ...]) -> list[str]:
    """Return what the module imports although core may not."""
    return [
        f"line {line}: imports {module}"
        for line, module in imported(tree, package)
        if module not in CORE_MAY_IMPORT
        and module != "market_bot.core"
        and not module.startswith("market_bot.core.")
    ]


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for an attribute chain, or `.b.c` where `a` is not a plain name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def is_leak(used: str, *, called: bool, may_read_bytes: bool) -> bool:
    """Return whether a use reaches around the ports."""
    parts = used.split(".")
    if ".".join(parts[-2:]) in CLOCKS or parts[-1] == "sleep":
        return True
    if parts[0] in CHANCE or parts[-1] in CHANCE:
        return True
    if not called:
        return False
    if used == "open":
        return True
    return (
        len(parts) > 1
        and parts[-1] in FILE_METHODS
        and not (may_read_bytes and parts[-1] == "read_bytes")
    )


def leaks(tree: ast.Module, *, may_read_bytes: bool = False) -> list[str]:
    """Return every use of a clock, of chance or of a file."""
    found = set()
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            used = dotted(node)
            if is_leak(used, called=id(node) in calls, may_read_bytes=may_read_bytes):
                found.add(f"line {node.lineno}: uses {used}")
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            if node.module in NEVER_IMPORTED or any(
                is_leak(used, called=False, may_read_bytes=may_read_bytes) for used in names
            ):
                found.add(f"line {node.lineno}: imports {', '.join(names)}")
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name in NEVER_IMPORTED]
            found.update(f"line {node.lineno}: imports {used}" for used in names)
    return sorted(found)


@pytest.mark.parametrize("path", CORE_MODULES, ids=name)
def test_core_imports_only_what_is_pure(path: Path) -> None:
    """The module imports core, attrs and the pure part of the standard library."""
    package = path.relative_to(PACKAGE.parent).parent.parts

    assert [] == foreign_to_core(parse(path), package)


@pytest.mark.parametrize("path", INNER_MODULES, ids=name)
def test_time_chance_and_files_stay_outside(path: Path) -> None:
    """The module asks a port for the time, for chance and for files."""
    may_read_bytes = path.is_relative_to(MAY_READ_BYTES)

    assert [] == leaks(parse(path), may_read_bytes=may_read_bytes)


@pytest.mark.parametrize(
    "statement",
    [
        "import os",
        "import os.path",
        "import httpx as attrs",
        "from pathlib import Path",
        "from market_bot.adapters import system",
        "from market_bot.core_and_more import x",
        "from ....adapters import system",
        "def f():\n    import threading",
    ],
)
def test_a_foreign_import_is_found(statement: str) -> None:
    """An import that core may not have is reported, wherever it hides."""
    package = ("market_bot", "core", "domain", "risk")

    assert foreign_to_core(ast.parse(statement), package)


@pytest.mark.parametrize(
    "statement",
    [
        "from __future__ import annotations",
        "import attrs, math",
        "from collections.abc import Sequence",
        "from market_bot.core import ports",
        "from .api import Rule",
        "from ..orders import Order",
        "from . import api",
    ],
)
def test_a_pure_import_is_left_alone(statement: str) -> None:
    """What core may import is not reported."""
    package = ("market_bot", "core", "domain", "risk")

    assert [] == foreign_to_core(ast.parse(statement), package)


@pytest.mark.parametrize(
    "statement",
    [
        "x = time.time()",
        "import time as t",
        "from time import monotonic as clock",
        "from time import sleep",
        "clock = time.monotonic",
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "moment = datetime.now",
        "import random",
        "from random import Random",
        "x = random.random()",
        "from uuid import uuid4",
        "x = uuid.uuid4()",
        "with open('x') as f: pass",
        "Path('x').write_text('y')",
        "files('x').joinpath('y').read_bytes()",
        "await asyncio.sleep(1)",
    ],
)
def test_a_leak_is_found(statement: str) -> None:
    """A clock, chance or a file is reported, however it is spelt."""
    assert leaks(ast.parse(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "now = clock.now_ns()",
        "is_open = market.open",
        "def open_order(time: int, random_seed: int) -> None: ...",
        "time = 3\nx = order.time",
        "from .time import window",
        "from uuid import UUID",
        "day = datetime.fromtimestamp(ns / 1e9, UTC)",
    ],
)
def test_an_innocent_name_is_left_alone(statement: str) -> None:
    """A name that only sounds like a clock, chance or a file is not reported."""
    assert [] == leaks(ast.parse(statement))


def test_configuration_may_read_bytes_but_nothing_more() -> None:
    """The loader reads whole files and writes none."""
    reading = ast.parse("path.read_bytes()")
    writing = ast.parse("path.write_bytes(b'')")

    assert [] == leaks(reading, may_read_bytes=True)
    assert leaks(writing, may_read_bytes=True)
