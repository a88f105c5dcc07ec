"""The source files of the project, as the architecture tests read them."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "market_bot"
CORE = PACKAGE / "core"
TESTS = ROOT / "tests"


def modules(folder: Path) -> list[Path]:
    """Return every module beneath a folder, in a stable order."""
    return sorted(folder.rglob("*.py"))


def name(path: Path) -> str:
    """Return the path as a reader of a test report wants to see it."""
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(path.read_bytes(), filename=str(path))
