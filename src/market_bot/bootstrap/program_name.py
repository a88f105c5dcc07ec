"""How this program was called, so that what it prints can be typed again."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

_NAME = "market-bot"


def program() -> str:
    """Return the words that call this program from here."""
    called = Path(sys.argv[0])
    if called.name != _NAME:
        return f"python -m {_NAME.replace('-', '_')}" if called.name == "__main__.py" else _NAME
    found = shutil.which(_NAME)
    if found is not None and Path(found).resolve() == called.resolve():
        return _NAME
    try:
        return str(called.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(called)
