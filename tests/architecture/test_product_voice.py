"""The product speaks of itself, never of how or where it was made."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

# Every pattern is written in two halves, so that this file does not contain what it looks for.
NOWHERE = [
    re.compile(first + second)
    for first, second in [
        ("/wo", "rk/"),
        (r"\bissues? ", r"[A-I]\b"),
        ("checkers ", r"C1\b"),
        ("Claude ", "Code"),
        ("Chat", "GPT"),
        (r"\bCE", r"O\b"),
        ("sandbox ", "session"),
    ]
]
# Reference data may lie beside the checkout; only the script that looks for it says where.
BESIDE = re.compile(r"\.\./" + "shared")
MAY_LOOK_BESIDE = frozenset({".ci/run"})
# A numbered goal means nothing to a reader. In the tests, P1 may be a price.
GOAL = re.compile(r"\bP" + r"(1[0-8]|[1-9])\b")
HAS_NO_GOALS = ("src/", "docs/", "benchmarks/")


def patterns_for(path: str) -> list[re.Pattern[str]]:
    """Return what must not occur in the file with this path."""
    patterns = list(NOWHERE)
    if path not in MAY_LOOK_BESIDE:
        patterns.append(BESIDE)
    # Names in minified third-party code are made by a machine.
    if path.startswith(HAS_NO_GOALS) and ".min." not in path:
        patterns.append(GOAL)
    return patterns


def slips(path: str, text: str) -> list[str]:
    """Return every place where a text speaks of its making."""
    return [
        f"{path}:{number}: {match[0]}"
        for number, line in enumerate(text.splitlines(), start=1)
        for pattern in patterns_for(path)
        for match in pattern.finditer(line)
    ]


def published_files() -> list[Path]:
    """Return the files that are, or with the next commit could be, published."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not in a git checkout: there is no list of published files")
    paths = [ROOT / path for path in listed.stdout.decode().split("\0") if path]
    return [path for path in paths if path.is_file() and is_text(path)]


def is_text(path: Path) -> bool:
    """Tell whether a file is read by people: compressed data and pictures are not."""
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError:
        return False
    return True


def test_no_file_speaks_of_its_making() -> None:
    """No published file mentions a tool, a plan or a place of its making."""
    found = [
        slip
        for path in published_files()
        for slip in slips(
            path.relative_to(ROOT).as_posix(), path.read_bytes().decode(errors="replace")
        )
    ]

    assert [] == found


@pytest.mark.parametrize(
    ("path", "text", "count"),
    [
        ("README.md", "see /wo" + "rk/x", 1),
        ("README.md", "as in issue " + "B and issues " + "C", 2),
        ("README.md", "the issue At hand, issue 7", 0),
        ("README.md", "goal P" + "18", 0),
        ("docs/x.md", "goals P" + "1 and P" + "18, P19, P50", 2),
        ("src/x.min.js", "P" + "1", 0),
        ("docs/x.md", "../" + "shared", 1),
        (".ci/run", "../" + "shared", 0),
    ],
)
def test_a_slip_is_found(path: str, text: str, count: int) -> None:
    """What the product must not say is found where it must not say it, and only there."""
    assert count == len(slips(path, text))
