"""The dashboard in a real browser: live, quiet, legible, and on nobody's side but ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    Route,
    WebSocketRoute,
    expect,
)

from market_bot.adapters.web.app import create_app
from market_bot.adapters.web.server import WebServer
from market_bot.adapters.web.sessions import Sessions
from market_bot.core.domain.numbers import money
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from tests.fakes.desk import NOW, a_busy_lane, a_held_position, a_line, an_order
from tests.fakes.shown_bot import CHANGE, LANE, MARKET, ShownBot, a_market, a_proposal

from .visiting import HOSTILE, chromium

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

DESKTOP = (1360, 900)
PHONE = (360, 740)
BACKGROUNDS = {"light": "rgb(244, 245, 244)", "dark": "rgb(16, 20, 19)"}
SCREENSHOTS_VARIABLE = "MARKET_BOT_SCREENSHOTS"
FIRST_PAINT_BYTES_MAX = 150_000
VIEWS = (
    "overview",
    "markets",
    f"markets?lane={LANE}&market={MARKET}",
    "positions",
    "journal",
    f"journal?chain={LANE}&seq=8",
    "analytics",
    "eval",
    "advisor",
    "config",
    "system",
)
# What a screen reader would say of each control; one without a name is a riddle.
NAMELESS = """
[...document.querySelectorAll('a, button, input, select, textarea, summary, [tabindex="0"]')]
  .filter((e) => e.getClientRects().length)
  .filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length))
  .map((e) => e.outerHTML.slice(0, 120))
"""


class Visit:
    """One look at the dashboard, with everything a visitor would not see: errors and requests."""

    def __init__(self, context: BrowserContext, server: WebServer, bot: ShownBot) -> None:
        self.context = context
        self.bot = bot
        self.server = server
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.page = self.new_page()

    def new_page(self) -> Page:
        """Open another tab of the same browser."""
        page = self.context.new_page()
        page.on("console", lambda m: self._heard(m.type, m.text))
        page.on("pageerror", lambda e: self.complaints.append(str(e)))
        page.on("dialog", lambda d: self.complaints.append(f"dialog: {d.message}"))
        page.on("request", lambda r: self.hosts.add(urlsplit(r.url).netloc))
        page.on("websocket", lambda w: self.hosts.add(urlsplit(w.url).netloc))
        return page

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def open(self, view: str = "overview", size: tuple[int, int] = DESKTOP) -> Page:
        """Log in by a one-time link and show a view."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.goto(self.link())
        expect(self.page.locator("#link")).to_have_text("live")
        return self.go(view)

    def go(self, view: str, page: Page | None = None) -> Page:
        """Show another view."""
        page = page or self.page
        page.goto(f"{self.server.url}#/{view}")
        expect(page.locator(f".view-{view.partition('?')[0]}")).to_be_visible()
        return page

    def link(self) -> str:
        """Return the address that the bot prints."""
        return f"{self.server.url}#login={SESSIONS[self.server].new_code()}"

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        width: int = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return width


SESSIONS: dict[WebServer, Sessions] = {}


def serve(
    bot: ShownBot, sessions: Sessions, port: int = 0, *, read_only: bool = False
) -> WebServer:
    """Serve a bot's dashboard."""
    server = WebServer(
        lambda hosts: create_app(bot, sessions, allowed_hosts=hosts, read_only=read_only), port=port
    )
    SESSIONS[server] = sessions
    server.start()
    return server


@pytest.fixture
def bot() -> ShownBot:
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
    found = ShownBot(a_busy_lane(positions=held, orders=(an_order(),)), taped)
    found.lines = list(some_lines())
    return found


def some_lines() -> list[dict[str, object]]:
    """Return a stretch of a journal with most of its types."""
    decided = {"market": MARKET, "leg": "yes", "purpose": "entry"}
    gates = [
        {"name": "min_edge", "limit": "0.02", "value": "0.011", "hard": False},
        {"name": "max_position_usd", "limit": "20", "value": "21.5", "hard": True},
    ]
    signal = {"price": "0.41", "belief": "0.463", "edge": "0.043", "reason": "favourite_bias"}
    left = {"market": "KXHIGHNY-26NOV22-B52.5", "leg": "no", "reason": "take_profit"}
    return [
        a_line(1, "bot_started", mode="paper", version="0.1.0", cash="1000"),
        a_line(2, "day_opened", date="2026-11-22", equity="1000", cash="1000"),
        a_line(3, "scan", markets=148, signals=2, denied=1, intents=1, equity="1000"),
        a_line(4, "signal", **decided, style="maker", **signal),
        a_line(5, "denied", **decided, phase="begin", gates=gates, price="0.41", size="52"),
        a_line(6, "order_intent", **decided, style="maker", size="25", price="0.41", edge="0.043"),
        a_line(7, "order_accepted", intent="i-7", queue_ahead="130"),
        a_line(8, "fill", **decided, liquidity="maker", size="25", price="0.41", fee="0.05"),
        a_line(9, "exit", **left, size="10", price="0.88"),
        a_line(10, "order_cancelled", intent="i-5", reason="expired", remaining="12"),
        a_line(11, "market_resolved", market="KXHIGHNY-26NOV21-B50.5", yes_payout="1"),
        a_line(12, "error", where="feed.decode", message="line 18 is no JSON", count=1),
    ]


@pytest.fixture
def visit(chromium: Browser, bot: ShownBot) -> Iterator[Visit]:
    """Serve the bot and return a fresh visitor of its dashboard."""
    server = serve(bot, Sessions(lambda: NOW))
    context = chromium.new_context()
    found = Visit(context, server, bot)
    try:
        yield found
    finally:
        context.close()
        found.server.stop()


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Return the folder for screenshots."""
    folder = Path(os.environ.get(SCREENSHOTS_VARIABLE) or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# -- coming in -----------------------------------------------------------------------------------


def test_a_link_lets_in_once(visit: Visit, chromium: Browser) -> None:
    """The link of the terminal shows the numbers, leaves no trace, and is worth nothing after."""
    link = visit.link()
    page = visit.page
    page.goto(link)
    expect(page.locator("#link")).to_have_text("live")
    assert "login" not in page.url
    assert [] == visit.complaints

    stranger = chromium.new_context()
    other = stranger.new_page()
    other.goto(link)

    expect(other.locator(".login")).to_contain_text("was used or is too old")
    expect(other.get_by_role("button", name="Log in")).to_be_visible()
    expect(other.locator("body")).not_to_contain_text("1,012.85")
    other.get_by_label("One-time link").fill(visit.link())
    other.keyboard.press("Enter")
    expect(other.locator("#link")).to_have_text("live")
    stranger.close()


def test_logging_out_ends_it(visit: Visit) -> None:
    """Whoever logs out leaves nothing to read behind."""
    page = visit.open()
    page.get_by_role("button", name="Log out").click()

    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("1,012.85")
    page.reload()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    assert [] == visit.complaints


def test_a_dashboard_to_look_at_has_no_buttons(visit: Visit) -> None:
    """Read only means that nothing can even be tried."""
    visit.server.stop()
    visit.server = serve(visit.bot, Sessions(lambda: NOW), read_only=True)
    page = visit.open("positions")

    expect(page.locator("#controls")).to_have_text("read only")
    expect(page.locator("tbody tr").first).to_be_visible()
    expect(page.locator("main").get_by_role("button", name="Close")).to_have_count(0)
    visit.go("eval")
    expect(page.locator(".proposals")).to_contain_text("240")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    assert [] == visit.complaints


# -- what is shown -------------------------------------------------------------------------------


def test_numbers_move(visit: Visit) -> None:
    """What the bot knows reaches the page by itself, without an error and without a stranger."""
    page = visit.open()
    figures = page.locator(".figures")

    expect(figures).to_contain_text("$1,012.85")
    expect(figures).to_contain_text("−$2.40")
    expect(figures).to_contain_text("up to +$11.41, midpoint −$1.24")
    expect(page.locator(".view")).to_contain_text("no bid")
    expect(page.locator(".journal li").first).to_contain_text("line 18 is no JSON")

    visit.bot.snapshots = [
        a_busy_lane(equity=money("1013.5"), ticks=313, halted="me: lunch", head=(4712, "cd" * 32))
    ]
    visit.bot.lines.append(a_line(13, "halt", by="me", reason="lunch"))

    expect(figures).to_contain_text("$1,013.50")
    expect(page.locator("#banners .alert")).to_have_text("Halted, nothing is opened. me: lunch")
    expect(page).to_have_title("HALTED · Overview · market-bot")
    expect(page.locator(".journal li").first).to_contain_text("lunch")
    expect(page.locator("#scope select")).to_have_count(0)
    assert [] == visit.complaints
    assert {urlsplit(visit.server.url).netloc} == visit.hosts


def test_the_first_view_is_light(visit: Visit) -> None:
    """What must arrive before numbers are seen is little."""
    weighed: list[int] = []
    asked: list[str] = []
    many = tuple(a_held_position(f"KXHIGHNY-26NOV22-B{n}.5") for n in range(50))
    visit.bot.snapshots = [a_busy_lane(positions=many)]
    visit.bot.lines = [line for n in range(5) for line in some_lines()]
    visit.page.on("requestfinished", lambda r: weighed.append(weight(r)))
    visit.page.on("request", lambda r: asked.append(urlsplit(r.url).path))
    visit.page.goto(visit.link())
    expect(visit.page.locator(".figures")).to_contain_text("$1,012.85")
    expect(visit.page.locator(".curve.accent")).to_be_visible()

    assert 0 < sum(weighed) <= FIRST_PAINT_BYTES_MAX
    # Numbers come in one go: whatever is asked for needs no earlier answer but the login.
    data = [path for path in asked if path.startswith("/api/")]
    assert ["/api/equity", "/api/session", "/api/state", "/api/venues"] == sorted(data)


def weight(request: Request) -> int:
    """Return how many bytes were answered."""
    sizes = request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]


def test_every_view_opens_quietly(visit: Visit) -> None:
    """All views show something, name their controls, and break no rule of the browser."""
    page = visit.open()
    for view in VIEWS:
        visit.go(view)
        expect(page.locator(".view h1, .view h2").first).to_be_visible()
        expect(page.locator(".view .alert:visible")).to_have_count(0)
        expect(page.locator(".view .card").last).to_be_visible()
        assert [] == page.evaluate(NAMELESS), view

    assert [] == visit.complaints
    assert {urlsplit(visit.server.url).netloc} == visit.hosts


def test_a_market_tells_why(visit: Visit) -> None:
    """From the table to one market: its book with our order, and why it was not traded."""
    visit.bot.rows += [a_market("KXBTCD-26NOV2217-T98250", "Bitcoin above $98,250?", held=())]
    page = visit.open("markets")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("Find").fill("new york")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Will the high temperature").click()

    expect(page.locator(".ladder .bid").first).to_contain_text("$0.44")
    expect(page.locator(".ladder .bid").nth(1)).to_contain_text("buy yes 28")
    expect(page.locator(".verdict")).to_contain_text("refused by min edge, cooldown")
    expect(page.locator(".timeline .result")).to_contain_text("never ordered")
    assert [] == visit.complaints


def test_limits_are_gauges(visit: Visit) -> None:
    """How near a day is to its limit is seen before it is reached."""
    limits = {"max_daily_loss_usd": "50", "max_total_exposure_usd": "200"}
    visit.bot.snapshots = [a_busy_lane(limits=limits, day_pnl=money("-42"))]
    page = visit.open()
    loss = page.get_by_role("meter", name="Day's loss")

    expect(page.get_by_role("meter")).to_have_count(2)
    expect(loss).to_have_attribute("aria-valuetext", "$42.00 of $50.00: 84 %")
    expect(loss).to_have_class("gauge near")
    for used, shown, kind in (("39.6", "79", ""), ("39.9", "80", "near"), ("49.99", "99", "near")):
        visit.bot.snapshots = [a_busy_lane(limits=limits, day_pnl=money(f"-{used}"))]
        expect(loss.locator("b")).to_have_text(f"{shown} %")
        assert f"gauge {kind}" == loss.get_attribute("class")

    why = "the day's loss reached its limit; they go on with the next UTC day"
    visit.bot.snapshots = [
        a_busy_lane(limits=limits, day_pnl=money("-51"), stopped=(why,), ticks=313)
    ]

    expect(page.locator("#banners .alert")).to_have_text(f"Entries are stopped: {why}")
    expect(loss).to_have_class("gauge full")


def test_what_stands_in_the_way_is_said(visit: Visit) -> None:
    """Catching up, settings that are not in force, and a market that is gone: each in words."""
    trouble = "simulated.yaml, line 7: max_spread: not a number"
    refusal = {"name": "max_position_usd", "limit": "20", "value": "21.5", "hard": True}
    gates = {"market": MARKET, "leg": "no", "strategy": "bias_harvest", "gates": [refusal]}
    visit.bot.lines = [
        a_line(1, "denied", **gates, phase="begin", count=1),
        a_line(2, "denied", **gates, phase="end", count=1),
        {**a_line(3, "bot_stopped", reason="SIGINT", ticks=0), "venue": "system"},
    ]
    visit.bot.snapshots = [a_busy_lane(phase="catching up", caught_up=0.43)]
    page = visit.open()
    expect(page.locator(".view > .alert")).to_contain_text("Catching up: 43 %")
    happened = page.locator(".journal .facts")
    expect(happened.nth(0)).to_have_text("SIGINT")
    expect(happened.nth(1)).to_have_text(
        f"{MARKET} no bias_harvest: no longer refused, after one look"
    )
    expect(happened.nth(2)).to_contain_text("refused by max position (limit $20.00, value $21.50)")

    visit.bot.snapshots = [a_busy_lane(settings_trouble=trouble)]
    expect(page.locator("#banners .alert")).to_contain_text(trouble)
    expect(page.locator(".view > .alert")).to_be_hidden()
    visit.go("config")
    expect(page.locator(".view .alert:visible")).to_contain_text(trouble)
    visit.go(f"markets?lane={LANE}&market=GONE-1")
    expect(page.locator(".view .alert:visible")).to_contain_text("watched no more")
    expect(page.locator(".ladder")).to_be_hidden()
    expect(page.locator(".timeline .result")).to_contain_text("never ordered")


def test_a_lane_that_has_not_begun_has_no_numbers(visit: Visit) -> None:
    """Before the first tick nothing is zero: it is not known."""
    visit.bot.snapshots = [LaneSnapshot(venue="kalshi", lane="paper", run="")]
    page = visit.open()

    expect(page.locator(".figures .value").first).to_have_text("–")
    expect(page.locator(".figures")).not_to_contain_text("$")


def test_hostile_texts_are_shown_as_text(visit: Visit) -> None:
    """A market named like a program is a name, and its invisible characters are visible."""
    visit.bot.snapshots = [
        a_busy_lane(
            positions=(a_held_position(HOSTILE),),
            orders=(an_order(HOSTILE),),
            denials={HOSTILE: 3},
            counts={HOSTILE: 1},
            halted=HOSTILE,
        )
    ]
    visit.bot.lines = [
        a_line(1, HOSTILE, market=HOSTILE, constructor="x"),
        a_line(2, "__proto__", hasOwnProperty="y"),
        a_line(3, "error", message=HOSTILE),
    ]
    visit.bot.rows = [a_market(HOSTILE, HOSTILE)]
    visit.bot.open = [a_proposal(rationale=HOSTILE, after=HOSTILE, card={HOSTILE: HOSTILE})]
    page = visit.open()

    shown = HOSTILE.replace("\u202e", "\ufffd").replace("\u200b", "\ufffd")
    expect(page.locator("tbody .id").first).to_have_text(shown)
    for view in ("overview", "markets", "positions", "journal", "eval"):
        visit.go(view)
        expect(page.locator(".view")).to_contain_text(shown)
        assert 0 == page.locator("main img, main script").count()
        assert "\u202e" not in page.locator("body").inner_text()
    assert [] == visit.complaints


# -- what can be told ----------------------------------------------------------------------------


def test_one_click_halts_and_two_resume(visit: Visit) -> None:
    """Stopping asks nothing; going on asks once, and taking it back there changes nothing."""
    page = visit.open()
    page.get_by_role("button", name="Halt").click()

    expect(page.locator("#banners")).to_contain_text("Halted, nothing is opened.")
    expect(page.locator("#news")).to_contain_text("Halted")
    page.get_by_role("button", name="Resume").click()
    page.keyboard.press("Escape")
    assert "resume" not in {command for command, *_ in visit.bot.commands}
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()

    expect(page.locator("#banners")).not_to_contain_text("Halted")
    assert ["halt", "resume"] == [command for command, *_ in visit.bot.commands]
    assert [] == visit.complaints


def test_a_paused_lane_leaves_the_others_a_halt(visit: Visit) -> None:
    """What stops everything stays in reach while anything still runs."""
    page = visit.open("positions")
    page.get_by_role("button", name="Pause entries").click()

    expect(page.get_by_role("button", name="Allow entries")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.get_by_role("button", name="Halt").click()
    expect(page.locator("#news")).to_contain_text("Halted")
    assert ["pause", "halt"] == [command for command, *_ in visit.bot.commands]


def test_resuming_may_need_a_second_proof(visit: Visit) -> None:
    """What the bot wants proven again is asked for, and done without asking twice."""
    visit.bot.cautious = True
    visit.bot.halt("me", "lunch")
    page = visit.open()
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    page.get_by_label("Code after").fill(visit.link().partition("=")[2])
    page.get_by_role("button", name="Go on").click()

    expect(page.locator("#banners")).not_to_contain_text("Halted")
    assert "resume" == visit.bot.commands[-1][0]


def test_a_proposal_is_approved_by_one_click(visit: Visit) -> None:
    """The diff and its evidence are seen, one click decides, and the trial shows its checks."""
    page = visit.open("eval")
    card = page.locator(".proposals .card")
    expect(card.locator(".minus")).to_have_text("−  after_exit_seconds: 300")
    expect(card.locator(".plus")).to_have_text("+  after_exit_seconds: 240")
    expect(card).to_contain_text("between +$0.31 and +$2.66")
    expect(page.locator("nav .count").first).to_have_text("1")
    expect(page.locator(".finding").first).to_contain_text("tuning")
    expect(page.locator(".finding").nth(1)).to_contain_text("structural")
    card.get_by_role("button", name="Approve").click()

    expect(page.locator("#news")).to_contain_text(f"{CHANGE} is 240 now")
    expect(card).to_have_count(0)
    expect(page.locator(".checks .good")).to_contain_text("5 min")
    expect(page.locator(".checks .wait")).to_have_count(3)
    assert ("approve", LANE) == visit.bot.commands[0][:2]
    assert [] == visit.complaints


def test_the_second_of_two_tabs_is_told(visit: Visit) -> None:
    """Two decisions about one proposal: the first counts, the other page says so."""
    visit.open("eval")
    other = visit.go("eval", visit.new_page())
    approve = other.get_by_role("button", name="Approve")
    expect(approve).to_be_enabled()
    # The other tab does not hear of what happens meanwhile.
    other.route("**/token", lambda route: late(visit.bot, route))
    approve.click()

    expect(other.locator("#alarms")).to_contain_text("decided or changed meanwhile")
    expect(other.locator(".proposals .card")).to_have_count(0)
    assert [] == visit.bot.commands


def late(bot: ShownBot, route: Route) -> None:
    """Let somebody else decide first."""
    bot.open.clear()
    route.continue_()


def test_a_rejection_has_a_reason(visit: Visit) -> None:
    """Why not is asked, kept and shown."""
    page = visit.open("eval")
    page.get_by_role("button", name="Reject").click()
    page.get_by_label("Reason").select_option("too_risky")
    page.get_by_label("Note").fill("One busy day\nis behind it.")
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()

    expect(page.locator(".history")).to_contain_text("too risky · “One busy day is behind it.”")
    expect(page.locator(".proposals .card")).to_have_count(0)
    assert ("too_risky", "One busy day is behind it.") == visit.bot.commands[0][4:]
    assert [] == visit.complaints


def test_what_was_learned_can_be_forgotten(visit: Visit) -> None:
    """A lesson goes after one question."""
    page = visit.open("eval")
    page.get_by_role("button", name="Forget exits.take_profit.gain up").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget it").click()

    expect(page.get_by_text("Nothing was learned yet")).to_be_visible()
    assert ("exits.take_profit.gain", "1", "late_exit") == visit.bot.commands[0][2:5]


def test_orders_and_positions_end_after_a_question(visit: Visit) -> None:
    """Nothing is cancelled or sold by one careless click."""
    page = visit.open("positions")
    page.get_by_role("button", name="Cancel the order").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the order").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_text("No order is working.")).to_be_visible()
    page.get_by_role("button", name=f"Close yes of {MARKET}").click()
    expect(page.get_by_role("dialog")).to_contain_text("+$0.75")
    page.get_by_role("dialog").get_by_role("button", name="Sell it").click()

    expect(page.get_by_text("Nothing is held.")).to_be_visible()
    assert ["cancel_order", "close_position"] == [command for command, *_ in visit.bot.commands]
    assert [] == visit.complaints


def test_selling_everything_is_asked_twice(visit: Visit) -> None:
    """The largest of all buttons does nothing by itself."""
    page = visit.open("positions")
    asked: list[str] = []
    page.on("request", lambda r: asked.extend([r.url] * (r.method == "POST")))
    page.get_by_role("button", name="Sell everything").click()
    expect(page.get_by_role("dialog")).to_contain_text("Nothing is opened any more")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert [] == asked
    page.get_by_role("button", name="Sell everything").click()
    page.get_by_role("dialog").get_by_role("button", name="Halt and sell").click()

    expect(page.locator("#news")).to_contain_text("everything is being sold")
    assert ["flatten"] == [command for command, *_ in visit.bot.commands]


# -- the journal ---------------------------------------------------------------------------------


def test_the_journal_is_searched_and_opened(visit: Visit) -> None:
    """By words, by kind, then one line with what led to it."""
    page = visit.open("journal")
    kinds = page.locator(".journal .kind")
    expect(kinds).to_have_count(11)
    page.get_by_label("Text").fill("favourite_bias")
    page.get_by_role("button", name="Search").click()
    expect(kinds).to_have_text(["signal"])
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Show").select_option("deeds")
    deeds = ["market resolved", "order cancelled", "exit", "fill", "order accepted", "order intent"]
    expect(kinds).to_have_text(deeds)
    page.get_by_role("link", name="fill").click()

    expect(page.locator(".view h1")).to_have_text("fill")
    expect(page.locator(".view")).to_contain_text("What led to it")
    expect(page.locator(".journal .kind")).to_have_text(["order accepted", "exit"])
    page.go_back()
    expect(page.get_by_role("heading", name="Journal")).to_be_visible()
    assert [] == visit.complaints


def test_the_journal_grows_while_it_is_looked_at(visit: Visit) -> None:
    """New lines appear on top; scans do not push them away."""
    page = visit.open("journal")
    expect(page.locator(".journal li").first).to_contain_text("line 18 is no JSON")
    visit.bot.lines += [a_line(n, "scan", markets=148, equity="1000") for n in range(13, 60)]
    visit.bot.lines.append(a_line(60, "halt", by="me", reason="lunch"))
    visit.bot.snapshots = [a_busy_lane(head=(4790, "ef" * 32))]

    expect(page.locator(".journal li").first).to_contain_text("lunch")
    expect(page.locator(".journal .kind", has_text="scan")).to_have_count(0)


def test_what_was_missed_is_asked_for(visit: Visit) -> None:
    """A message that never arrives leaves no wrong number behind."""
    missed: list[str | bytes] = []

    def relay(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            if "1500" in str(message) and not missed:
                missed.append(message)
            else:
                route.send(message)

        server.on_message(pass_on)

    visit.page.route_web_socket("**/ws", relay)
    page = visit.open()
    visit.bot.snapshots = [a_busy_lane(equity=money("1500"))]
    while not missed:
        page.wait_for_timeout(20)
    expect(page.locator(".figures")).to_contain_text("$1,012.85")
    visit.bot.snapshots = [a_busy_lane(equity=money("1500"), ticks=313)]

    expect(page.locator(".figures")).to_contain_text("$1,500.00", timeout=4_000)
    assert [] == visit.complaints


# -- what grows old ------------------------------------------------------------------------------


def test_old_data_is_called_old(visit: Visit) -> None:
    """A page whose bot has gone says how old its numbers are, and recovers when it is back."""
    page = visit.open()
    port = int(visit.server.url.rpartition(":")[2].strip("/"))
    visit.server.stop()

    expect(page.locator("#link")).to_have_text("no answer")
    expect(page.locator("#banners")).to_contain_text("old: the bot cannot be reached")
    expect(page.locator(".figures")).to_contain_text("$1,012.85")

    visit.bot.snapshots = [a_busy_lane(equity=money("1020"))]
    visit.server = serve(visit.bot, SESSIONS[visit.server], port)
    expect(page.locator("#link")).to_have_text("live", timeout=9_000)
    expect(page.locator(".figures")).to_contain_text("$1,020.00")
    expect(page.locator("#banners")).to_be_empty()


def test_the_end_of_a_run_is_no_failure(visit: Visit) -> None:
    """The last numbers stay, and the page says that there will be no others."""
    visit.bot.snapshots = [a_busy_lane(phase="finished", equity=money("1001"))]
    page = visit.open()
    visit.server.stop()

    expect(page.locator("#link")).to_have_text("ended")
    expect(page.locator("#banners")).to_contain_text("The run has ended")
    expect(page.locator(".figures")).to_contain_text("$1,001.00")


def test_numbers_that_stand_still_are_called_old(visit: Visit) -> None:
    """A bot that answers while its lane has stopped ticking is noticed as well."""
    visit.page.clock.install()
    page = visit.open()
    expect(page.locator(".title .stale")).to_be_hidden()

    page.clock.run_for(9_000)

    expect(page.locator(".title .stale")).to_contain_text("the lane is")


# -- for everybody -------------------------------------------------------------------------------


def test_a_keyboard_is_enough(visit: Visit) -> None:
    """Skip, move, read a plot, answer a question: without a mouse."""
    page = visit.open()
    page.keyboard.press("Tab")
    expect(page.locator("#skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#view")).to_be_focused()
    page.get_by_role("img", name="Equity.").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tooltip")).to_contain_text("equity$1,0")
    page.get_by_role("link", name="Positions", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".view-positions")).to_be_visible()
    page.get_by_role("button", name="Cancel the order").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel the order")).to_be_focused()


def test_a_phone_is_enough(visit: Visit) -> None:
    """No view has to be scrolled sideways, and all of them are two touches away."""
    visit.bot.snapshots = [
        *visit.bot.snapshots,
        a_busy_lane(venue="v" * 90, positions=(a_held_position("0x" + "7c" * 32),)),
    ]
    page = visit.open(size=PHONE)
    for view in VIEWS:
        visit.go(view)
        assert 0 == visit.overflow(), view
    page.get_by_role("button", name="More").click()
    page.get_by_role("link", name="Analytics").click()
    expect(page.locator(".view-analytics")).to_be_visible()
    expect(page.get_by_role("link", name="Analytics")).to_be_hidden()
    assert [] == visit.complaints


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_fits_day_and_night(
    visit: Visit, album: Path, size: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    """Day and night differ, on every screen."""
    page = visit.open(size=size)
    for name, color in BACKGROUNDS.items():
        page.emulate_media(color_scheme="dark" if name == "dark" else "light")
        assert color == page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert 0 == visit.overflow()
        picture = album / f"{request.node.callspec.id}-{name}.png"
        page.screenshot(path=picture, full_page=True)
    assert [] == visit.complaints
