"""The page of a replay in a real browser: wide, on a phone, by day and by night."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from market_bot.bootstrap.replay_page import replay_page
from market_bot.core.domain.replay_report import report_of
from tests.fakes.replay_results import a_fidelity, a_result, a_variant, some_days

from .visiting import HOSTILE, chromium

pytestmark = pytest.mark.browser

__all__ = ["chromium"]

WIDE, PHONE = (1280, 900), (380, 740)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a page with three variants, one of them with a hostile name."""
    days = some_days(21)
    names = ("min_edge 0.03", HOSTILE, "x" * 70)
    variants = [a_variant(name, days, gain=0.5 - n / 2) for n, name in enumerate(names)]
    page = tmp_path_factory.mktemp("page") / "replay.html"
    result = a_result(*variants, days=days, fidelity=a_fidelity())
    page.write_text(replay_page(report_of(result)), encoding="utf-8")
    return page.as_uri()


def visit(browser: Browser, address: str, size: tuple[int, int], *, dark: bool) -> Page:
    """Open the page with everything unfolded; fail on an error, a dialogue or a request."""
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
    )
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(address)
    folded = page.locator("details:not([open]) > summary")
    for _ in range(folded.count()):
        folded.first.click()
    assert [address] == complaints
    return page


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["day", "night"])
def test_nothing_sticks_out(
    chromium: Browser,
    address: str,
    size: tuple[int, int],
    dark: bool,
    tmp_path: Path,
) -> None:
    """The page is as wide as its window, and so is every letter of every plot."""
    page = visit(chromium, address, size, dark=dark)
    beyond = page.evaluate(
        """() => [...document.querySelectorAll('svg text, td, dd, h2, .chip')]
            .filter(e => e.getBoundingClientRect().right > innerWidth + 1
                || e.getBoundingClientRect().left < -1)
            .map(e => e.textContent)"""
    )
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.close()

    assert (0, []) == (max(0, wider), beyond)


def test_what_matters_is_legible(
    chromium: Browser,
    address: str,
) -> None:
    """On a phone the letters of the plots are at least nine pixels high."""
    page = visit(chromium, address, PHONE, dark=False)
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll('svg')].map(
            s => 11 * s.getBoundingClientRect().width / s.viewBox.baseVal.width))"""
    )
    expect(page.locator("details .plots").first).to_be_visible()
    page.close()

    assert smallest >= 9


def test_names_are_only_words(
    chromium: Browser,
    address: str,
) -> None:
    """A variant with a hostile name adds no element to the page."""
    page = visit(chromium, address, WIDE, dark=False)
    foreign = page.locator("img, script, iframe, link").count()
    shown = page.locator("summary h2", has_text="onerror").count()
    page.close()

    assert (0, 1) == (foreign, shown)
