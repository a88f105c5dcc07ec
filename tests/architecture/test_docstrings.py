"""Public code and tests say what they are for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGE, TESTS, modules, name, parse

Function = ast.FunctionDef | ast.AsyncFunctionDef

# A class that extends one of these still has to explain its methods; any other base is a port,
# and a method that implements a port takes its sentence from there.
EXPLAINS_NOTHING = frozenset({"ABC", "Enum", "Exception", "Generic", "Protocol", "StrEnum"})
NEXT_SENTENCE = re.compile(r"[.!?]\s+[A-Z]")


def is_one_sentence(line: str) -> bool:
    """Return whether a line is exactly one sentence, closed by its full stop."""
    return line.endswith((".", "?", "!")) and NEXT_SENTENCE.search(line) is None


def mute_tests(tree: ast.Module) -> list[str]:
    """Return the tests that do not say in one sentence what must be true."""
    return [
        f"line {node.lineno}: {node.name}"
        for node in ast.walk(tree)
        if isinstance(node, Function) and node.name.startswith("test_")
        if not is_one_sentence((ast.get_docstring(node) or "").partition("\n")[0])
    ]


def base_name(base: ast.expr) -> str:
    """Return the last part of the name of a base class, without its type arguments."""
    if isinstance(base, ast.Subscript):
        return base_name(base.value)
    return base.attr if isinstance(base, ast.Attribute) else ast.unparse(base)


def implements_a_port(node: ast.ClassDef) -> bool:
    """Return whether the class has a base that may already explain its methods."""
    return any(base_name(base) not in EXPLAINS_NOTHING for base in node.bases)


def public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """Yield the public classes and functions, and the methods no port explains."""
    for node in body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield f"{prefix}{node.name}", node
        if isinstance(node, ast.ClassDef) and not implements_a_port(node):
            yield from public(node.body, f"{prefix}{node.name}.")


def is_accessor(node: ast.AST) -> bool:
    """Return whether the function is the setter of a property or one overload of many."""
    decorators = node.decorator_list if isinstance(node, Function) else []
    return any(
        base_name(decorator) in {"setter", "overload", "override"} for decorator in decorators
    )


def undocumented(tree: ast.Module) -> list[str]:
    """Return the public names without a docstring, the module itself included."""
    found = [] if ast.get_docstring(tree) else ["line 1: the module"]
    return found + [
        f"line {node.lineno}: {path}"
        for path, node in public(tree.body)
        if not ast.get_docstring(node) and not is_accessor(node)
    ]


@pytest.mark.parametrize("path", modules(TESTS), ids=name)
def test_tests_speak(path: Path) -> None:
    """Every test says in one sentence what must be true."""
    assert [] == mute_tests(parse(path))


@pytest.mark.parametrize("path", modules(PACKAGE), ids=name)
def test_public_code_is_documented(path: Path) -> None:
    """Every public module, class and function has a docstring."""
    assert [] == undocumented(parse(path))


@pytest.mark.parametrize(
    ("docstring", "mute"),
    [
        ('"""The order is refused."""', False),
        ('"""The order is refused.\n\n    Because it is late. And large.\n    """', False),
        ('"""A price of 0.5 is accepted."""', False),
        ('"""the order"""', True),
        ('"""The order is refused. It is late."""', True),
        ('"""The order that goes on\n    and on is refused.\n    """', True),
        ("pass", True),
    ],
)
def test_a_mute_test_is_found(docstring: str, mute: bool) -> None:
    """A test is reported exactly when its first line is not one sentence."""
    tree = ast.parse(f"class TestX:\n  def test_x(self):\n    {docstring}\n")

    assert mute is bool(mute_tests(tree))


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ('"""M."""\n_x = 1\ndef _private(): ...', 0),
        ("x = 1", 1),
        ('"""M."""\ndef f(): ...\nclass C: ...', 2),
        ('"""M."""\nclass C:\n  """C."""\n  def f(self): ...\n  def _g(self): ...', 1),
        ('"""M."""\nclass C(Protocol[T]):\n  """C."""\n  def f(self): ...', 1),
        ('"""M."""\nclass C(Clock):\n  """C."""\n  def f(self): ...', 0),
    ],
)
def test_missing_docstrings_are_counted(source: str, missing: int) -> None:
    """What is public and undocumented is reported; what is private or inherited is not."""
    assert missing == len(undocumented(ast.parse(source)))
