"""The lock files pin every package by hash and name no host."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

RUNTIME = ROOT / "requirements.lock"
DEVELOPMENT = ROOT / "requirements-dev.lock"
LOCKS = [RUNTIME, DEVELOPMENT]

PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^\s;]+)(?P<marker> ; [^\\]+)?$")
HASH = re.compile(r"^--hash=sha256:[0-9a-f]{64}$")
HOST = re.compile(r"://|\b[a-z0-9-]+\.(org|com|io|net|dev|local)\b|\blocalhost\b|\bfile:")
OPTION = re.compile(r"^\s*(-i|-f|-e|-r|--(?!hash=)[a-z-]+)", re.MULTILINE)


def requirements(text: str) -> list[tuple[str, list[str]]]:
    """Return every requirement with the words that follow it on its continued lines."""
    body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    logical = body.replace("\\\n", "\x00").splitlines()
    words = [[word.strip() for word in line.split("\x00")] for line in logical if line.strip()]
    return [(first, rest) for first, *rest in words]


def pins(path: Path) -> set[str]:
    """Return the requirements of a lock file, with version and marker, without hashes."""
    return {first for first, _ in requirements(path.read_text(encoding="utf-8"))}


def names(path: Path) -> set[str]:
    """Return the names of the locked packages."""
    return {pin.partition("==")[0] for pin in pins(path)}


def wanted(requirement: str) -> str:
    """Return the normalised name in a requirement such as `coverage[toml]>=7.6`."""
    name = re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_by_hash(lock: Path) -> None:
    """Every requirement has one exact version and at least one hash, and nothing else."""
    locked = requirements(lock.read_text(encoding="utf-8"))

    assert locked
    assert [] == [first for first, _ in locked if not PIN.match(first)]
    assert [] == [first for first, hashes in locked if not hashes]
    assert [] == [word for _, hashes in locked for word in hashes if not HASH.match(word)]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_no_host_is_named(lock: Path) -> None:
    """The file works with whatever index its reader has configured."""
    text = lock.read_text(encoding="utf-8")

    assert [] == HOST.findall(text)
    assert [] == OPTION.findall(text)


def test_development_lock_only_adds() -> None:
    """Both files pin the same versions, so that one environment serves both."""
    runtime, development = pins(RUNTIME), pins(DEVELOPMENT)
    # What one needs on some machines only, the other may need on all.
    anywhere = {pin for pin in development if " ; " not in pin}
    missing = {pin for pin in runtime - development if pin.partition(" ; ")[0] not in anywhere}

    assert set() == missing
    assert len(runtime) < len(development)


def test_what_the_project_asks_for_is_locked() -> None:
    """Every direct dependency is in the lock that promises it, and the build tools are in both."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, groups = pyproject["project"], pyproject["dependency-groups"]
    runtime = [
        *project["dependencies"],
        *project["optional-dependencies"]["analytics"],
        *groups["build"],
        *pyproject["build-system"]["requires"],
    ]

    assert {wanted(r) for r in runtime} <= names(RUNTIME)
    assert {wanted(r) for r in groups["dev"]} <= names(DEVELOPMENT)
