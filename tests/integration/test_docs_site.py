"""The pages as a site: strictly built, whole, and asking no other host for anything."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.pages import DOCS, ROOT

# Built once, not once for each worker.
pytestmark = pytest.mark.xdist_group("site")

FOREIGN = re.compile(
    r"<(?:script|link|img|iframe|source|video|audio|object|embed)\b[^>]*?"
    r"(?:src|href|data)=[\"']?(?:https?:)?//[^\"' >]*",
    re.IGNORECASE,
)
FOREIGN_IN_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)\"']*", re.IGNORECASE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built pages; a page outside the navigation or a broken link fails the build."""
    place = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(place)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return place


def test_the_site_asks_no_other_host(site: Path) -> None:
    """Pages and styles load scripts, fonts and pictures from beside themselves alone."""
    found = [
        (path.name, match[0])
        for path in site.rglob("*")
        if path.suffix in (".html", ".css")
        for match in (FOREIGN if path.suffix == ".html" else FOREIGN_IN_STYLE).finditer(
            path.read_text(encoding="utf-8")
        )
        if 'rel="canonical"' not in match[0]
    ]

    assert [] == found


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('<script src="https://example.org/x.js">', 1),
        ("<link rel=stylesheet href='//example.org/x.css'>", 1),
        ('<img alt="a" src="http://example.org/x.png">', 1),
        ('<a href="https://example.org/">', 0),
        ('<script src="../js/theme.js">', 0),
    ],
)
def test_a_foreign_resource_is_found(text: str, count: int) -> None:
    """What is loaded from elsewhere is found; what is only linked to is not."""
    assert count == len(FOREIGN.findall(text))


def test_every_page_is_built(site: Path) -> None:
    """Each page of the docs is in the site, and the front page leads to all four kinds."""
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    built = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    front = (site / "index.html").read_text(encoding="utf-8")

    assert set() == pages - built
    assert all(
        f'href="{kind}/' in front for kind in ("tutorial", "how-to", "reference", "explanation")
    )
