"""The page in a real browser: live, quiet, legible, and on nobody's side but ours."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from market_bot.adapters.web.app import create_app
from market_bot.adapters.web.server import WebServer
from market_bot.core.domain.numbers import money
from tests.fakes.desk import FakeDesk, a_busy_lane, a_held_position, a_line, an_order

pytestmark = pytest.mark.browser

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = (1280, 900)
PHONE = (360, 740)
SCREENSHOTS_VARIABLE = "MARKET_BOT_SCREENSHOTS"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202eelttil\u200b"


class Visit:
    """One look at the page, with everything a visitor would not see: errors and requests."""

    def __init__(self, page: Page, server: WebServer, desk: FakeDesk) -> None:
        self.page = page
        self.desk = desk
        self.url = server.url
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", lambda m: self._heard(m.type, m.text))
        page.on("pageerror", lambda e: self.complaints.append(str(e)))
        page.on("dialog", lambda d: self.complaints.append(f"dialog: {d.message}"))
        page.on("request", lambda r: self.hosts.add(urlsplit(r.url).netloc))

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def open(self, size: tuple[int, int] = DESKTOP, *, dark: bool = False) -> Page:
        """Show the page and wait for the first numbers."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        self.page.goto(self.url)
        expect(self.page.locator("#link")).to_have_text("live")
        return self.page

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        width: int = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return width


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Return a browser, or skip where there is none."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(PROGRAMS)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def desk() -> FakeDesk:
    """Return a bot with two lanes and something in the journal."""
    taped = a_busy_lane(
        venue="polymarket",
        lane="tape",
        run="7f3a9c1e55d0",
        phase="catching up",
        progress=0.634,
        ticks=98_214,
        positions=(),
        orders=(),
        denials={"max_spread": 512, "stale_book": 44},
        exposure=money("188"),
        day_pnl=money("3.17"),
        degraded="the feed has been silent for 40 s",
    )
    held = (
        a_held_position(),
        a_held_position("KXBTCD-26NOV2217-T98250", "0.3875"),
        a_held_position("KXSENATEPA-28-D", None),
    )
    found = FakeDesk(a_busy_lane(positions=held, orders=(an_order(),)), taped)
    found.lines = list(some_lines())
    return found


def some_lines() -> list[dict[str, object]]:
    """Return a stretch of a journal with most of its types."""
    decided = {"market": "KXHIGHNY-26NOV22-B54.5", "leg": "yes", "purpose": "entry"}
    gates = [
        {"name": "min_edge", "limit": "0.02", "value": "0.011", "hard": False},
        {"name": "max_position_usd", "limit": "20", "value": "21.5", "hard": True},
    ]
    return [
        a_line(1, "bot_started", mode="paper", version="0.1.0", cash="1000"),
        a_line(2, "day_opened", date="2026-11-22", equity="1000", cash="1000"),
        a_line(3, "scan", markets=148, signals=2, denied=1, intents=1, equity="1000"),
        a_line(
            4,
            "signal",
            **decided,
            style="maker",
            price="0.41",
            belief="0.463",
            edge="0.043",
            reason="favourite_bias",
        ),
        a_line(5, "denied", **decided, phase="begin", gates=gates, price="0.41", size="52"),
        a_line(6, "order_intent", **decided, style="maker", size="25", price="0.41", edge="0.043"),
        a_line(7, "order_accepted", intent="i-7", queue_ahead="130"),
        a_line(8, "fill", **decided, liquidity="maker", size="25", price="0.41", fee="0.05"),
        a_line(
            9,
            "exit",
            market="KXHIGHNY-26NOV22-B52.5",
            leg="no",
            reason="take_profit",
            size="10",
            price="0.88",
        ),
        a_line(10, "order_cancelled", intent="i-5", reason="expired", remaining="12"),
        a_line(11, "market_resolved", market="KXHIGHNY-26NOV21-B50.5", yes_payout="1"),
        a_line(12, "error", where="feed.decode", message="line 18 is no JSON", count=1),
    ]


@pytest.fixture
def visit(chromium: Browser, desk: FakeDesk) -> Iterator[Visit]:
    """Serve the bot and return a fresh visitor of its page."""
    server = WebServer(lambda hosts: create_app(desk, allowed_hosts=hosts))
    server.start()
    context = chromium.new_context()
    try:
        yield Visit(context.new_page(), server, desk)
    finally:
        context.close()
        server.stop()


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Return the folder for screenshots."""
    folder = Path(os.environ.get(SCREENSHOTS_VARIABLE) or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_numbers_move(visit: Visit) -> None:
    """What the bot knows reaches the page by itself, without an error and without a stranger."""
    page = visit.open()
    lane = page.locator("#lanes > section").first

    expect(lane.locator(".figure").first).to_contain_text("$1,012.85")
    expect(lane).to_contain_text("+$12.85 since start")
    expect(lane).to_contain_text("−$2.40")
    expect(lane).to_contain_text("no bid")
    expect(page.locator("#journal li").first).to_contain_text("line 18 is no JSON")

    visit.desk.snapshots = [a_busy_lane(equity=money("1013.5"), ticks=313, halted="me: lunch")]
    visit.desk.lines.append(a_line(13, "halt", by="me", reason="lunch"))

    expect(lane.locator(".figure").first).to_contain_text("$1,013.50")
    expect(lane.locator(".counts")).to_contain_text("ticks313")
    expect(lane.locator(".alert")).to_have_text("Halted, nothing is opened. me: lunch")
    expect(page).to_have_title("HALTED · market-bot")
    expect(page.locator("#lanes > section")).to_have_count(1)
    expect(page.locator("#journal li").first).to_contain_text("lunch")
    assert [] == visit.complaints
    assert {urlsplit(visit.url).netloc} == visit.hosts


def test_an_empty_list_is_not_named(visit: Visit) -> None:
    """The end of a refusal has no gates: their name without any would only puzzle."""
    ended = {"market": "M", "leg": "no", "phase": "end", "gates": [], "price": "0.8", "size": "0"}
    visit.desk.lines.append(a_line(13, "denied", **ended))

    facts = visit.open().locator("#journal li .facts").first

    expect(facts).to_have_text("kalshi/paper M no end price 0.8 size 0")


def test_denials_are_sorted(visit: Visit) -> None:
    """The commonest reason for a refusal stands first."""
    reasons = visit.open().locator("#lanes > section").first.locator(".gates .row")

    expect(reasons).to_have_text(
        ["min edge87", "cooldown31", "max position12", "max total exposure3"]
    )


def test_the_journal_can_be_narrowed(visit: Visit) -> None:
    """A person may look at deeds only, by keyboard alone."""
    page = visit.open()
    page.locator("#kinds").focus()
    page.keyboard.press("ArrowDown")

    kinds = page.locator("#journal .kind")
    expect(kinds).to_have_text(
        ["order cancelled", "exit", "fill", "order accepted", "order intent"]
    )


def test_scans_are_not_in_the_way(visit: Visit) -> None:
    """What happened is seen at once; what was only looked at on request."""
    visit.desk.lines += [a_line(n, "scan", markets=148, equity="1000") for n in range(13, 60)]
    page = visit.open()
    newest = page.locator("#journal li").first

    expect(newest).to_contain_text("line 18 is no JSON")
    expect(page.locator("#journal .kind", has_text="scan")).to_have_count(0)
    page.locator("#kinds").select_option("all")
    expect(newest.locator(".kind")).to_have_text("scan")
    expect(page.locator("#journal li")).to_have_count(50)


def test_losses_are_shown_against_their_limit(visit: Visit) -> None:
    """How near a day is to its limit is seen before it is reached, and then why nothing opens."""
    limits = {"max_daily_loss_usd": "50"}
    visit.desk.snapshots = [a_busy_lane(limits=limits, day_pnl=money("-42"))]
    page = visit.open()
    today = page.locator(".figure", has_text="today")
    meter = today.get_by_role("meter")

    expect(today).to_contain_text("−$50.00 stops entries")
    expect(meter).to_have_attribute("aria-valuenow", "84")
    expect(meter).to_have_class("bar near")
    expect(page.locator(".alert")).to_have_count(0)

    why = "the day's loss reached its limit; they go on with the next UTC day"
    visit.desk.snapshots = [
        a_busy_lane(limits=limits, day_pnl=money("-51"), stopped=(why,), ticks=313)
    ]

    expect(page.locator(".alert")).to_have_text(f"Entries are stopped: {why}")
    expect(meter).to_have_class("bar full")
    assert [] == visit.complaints


def test_the_end_of_a_run_is_no_failure(visit: Visit) -> None:
    """The last numbers stay, and the page says that there will be no others."""
    visit.desk.snapshots = [a_busy_lane(phase="finished", equity=money("1001"))]
    page = visit.open()
    page.context.set_offline(True)

    expect(page.locator("#link")).to_have_text("ended")
    expect(page.locator("#alerts")).to_contain_text("The run has ended")
    expect(page.locator("#lanes > section .figure").first).to_contain_text("$1,001.00")

    visit.desk.snapshots = [a_busy_lane()]
    page.context.set_offline(False)
    expect(page.locator("#link")).to_have_text("live")
    expect(page.locator("#alerts")).to_be_empty()


def test_hostile_texts_are_shown_as_text(visit: Visit) -> None:
    """A market named like a program is a name, and its invisible characters are visible."""
    visit.desk.snapshots = [
        a_busy_lane(
            venue=HOSTILE,
            positions=(a_held_position(HOSTILE),),
            orders=(an_order(HOSTILE),),
            denials={HOSTILE: 3},
            counts={HOSTILE: 1},
            halted=HOSTILE,
        )
    ]
    visit.desk.lines = [a_line(1, HOSTILE, market=HOSTILE), a_line(2, "error", message=HOSTILE)]
    page = visit.open()

    shown = HOSTILE.replace("\u202e", "\ufffd").replace("\u200b", "\ufffd")
    expect(page.locator("tbody .id").first).to_have_text(shown)
    assert 0 == page.locator("main img, main script").count()
    assert "\u202e" not in page.locator("body").inner_text()
    assert [] == visit.complaints


def test_strange_keys_are_only_keys(visit: Visit) -> None:
    """Words that mean something to the language mean nothing to the page."""
    visit.desk.lines = [
        a_line(1, "constructor", __proto__="x"),
        a_line(2, "__proto__", hasOwnProperty="y"),
        {"type": "toString"},
    ]
    page = visit.open()

    expect(page.locator("#journal li")).to_have_count(3)
    assert [] == visit.complaints


def test_old_data_is_called_old(visit: Visit) -> None:
    """A page whose bot has gone says how old its numbers are, and recovers when it is back."""
    page = visit.open()
    page.clock.install()
    page.reload()
    expect(page.locator("#link")).to_have_text("live")

    page.context.set_offline(True)
    page.clock.run_for(9_000)

    expect(page.locator("#link")).to_have_text("no answer")
    expect(page.locator("#alerts")).to_contain_text("s old")

    page.context.set_offline(False)
    page.clock.run_for(2_000)

    expect(page.locator("#link")).to_have_text("live")
    expect(page.locator("#alerts")).to_be_empty()


def test_numbers_that_stand_still_are_called_old(visit: Visit) -> None:
    """A bot that answers while its lane has stopped ticking is noticed as well."""
    page = visit.open()
    page.clock.install()
    page.reload()
    expect(page.locator("#link")).to_have_text("live")
    lane = page.locator("#lanes > section").first
    expect(lane.locator(".when")).not_to_contain_text("old")

    page.clock.run_for(7_000)

    expect(lane.locator(".when")).to_contain_text("s old")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_fits_the_screen(
    visit: Visit, album: Path, size: tuple[int, int], dark: bool, request: pytest.FixtureRequest
) -> None:
    """No screen has to be scrolled sideways, and day and night differ."""
    visit.desk.snapshots = [
        *visit.desk.snapshots,
        a_busy_lane(venue="v" * 90, positions=(a_held_position("0x" + "7c" * 32),)),
    ]
    page = visit.open(size, dark=dark)
    assert 0 == visit.overflow()

    visit.desk.snapshots = visit.desk.snapshots[:2]
    expect(page.locator("#lanes > section")).to_have_count(2)
    assert 0 == visit.overflow()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ("rgb(16, 20, 19)" if dark else "rgb(244, 245, 244)") == background
    page.screenshot(path=album / f"{request.node.callspec.id}.png", full_page=True)
    assert [] == visit.complaints
