"""The dashboard of a real bot: what is clicked happens in its journal and its files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.home_lock import HomeLock
from market_bot.adapters.system.clock import SystemClock
from market_bot.adapters.web.app import create_app
from market_bot.adapters.web.server import WebServer
from market_bot.adapters.web.sessions import Sessions
from market_bot.bootstrap.chain_writer import writing
from market_bot.bootstrap.config_store import config_files
from market_bot.bootstrap.proposal_desk import LaneProposals, Proposals
from market_bot.bootstrap.shown_decisions import Decisions, LaneDecisions
from market_bot.bootstrap.shown_tuning import proposals_of
from market_bot.core.domain import events as ev
from market_bot.core.domain.nights import DAY
from market_bot.core.domain.numbers import Micros, Money, money, utc_date
from market_bot.core.ports import dashboard as shown
from market_bot.core.ports.desk import NightDesk
from market_bot.core.ports.journal import Chain
from tests.fakes.bot_process import BotProcess, WarmBots, chain_files, facts, wait_until
from tests.fakes.desk import a_busy_lane
from tests.fakes.shown_bot import ShownBot

from .visiting import chromium

__all__ = ["chromium"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LANE = "sim"
FILE = "simulated.yaml"
PATH = "strategies.bias_harvest.params.min_edge"
BEFORE, AFTER = "0.01", "0.012"
PROPOSAL = "9ab3c1d2e4f56071"
LINK = re.compile(r"http://\S+#login=\S+")


@pytest.fixture(scope="module")
def bots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmBots]:
    """Return what starts bots."""
    warm = WarmBots(tmp_path_factory.mktemp("bots"))
    yield warm
    warm.close()


@pytest.fixture(scope="module")
def traded(bots: WarmBots, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home that has traded a little, in which a night has left a proposal."""
    place = tmp_path_factory.mktemp("traded") / "home"
    done = bots.run("run", "--home", place, "--ticks", 30, "--no-web")
    assert 0 == done.code, done.stderr
    home = Home(place)
    with HomeLock(home.lock_file), writing(home, chain_of(home), SystemClock()) as writer:
        writer.offer(a_night(writer.now(), config_files(home.config_dir).version(FILE).sha256))
    return place


@pytest.fixture
def home(traded: Path, tmp_path: Path) -> Home:
    """Return a copy of it."""
    return Home(shutil.copytree(traded, tmp_path / "home"))


def chain_of(home: Home) -> Chain:
    """Return the only chain of the home's simulated lane."""
    (name, *_) = chain_files(home.path, LANE)
    return Chain("simulated", LANE, Path(name).parts[2])


def a_night(now: Micros, config: str) -> list[ev.Event]:
    """Return what a night writes down that found one leak and proposes one change."""
    night, finding = utc_date(now), f"{utc_date(now)}:entry_threshold:"
    leak = ev.Leak(
        finding=finding,
        rule="entry_threshold",
        version=1,
        status="confirmed",
        kind="tuning",
        night=night,
        n=40,
        events=40,
        cost_low=money("2"),
        cost_point=money("3"),
        evidence=(1, 2),
        knobs=(PATH,),
    )
    card = {"rationale_code": "fewer_bad_entries", "expected_effect": "less_loss"}
    replayed = {"verdict": "not disproved", "per_day": "1.42", "coverage": "7 days"}
    return [
        leak,
        ev.LeakReview(night=night, since=Micros(now - DAY), until=now, findings=1, confirmed=1),
        ev.Proposal(
            proposal=PROPOSAL,
            finding=finding,
            file=FILE,
            path=PATH,
            before=BEFORE,
            after=AFTER,
            rationale="Entries below this edge lose.",
            advisor="rules",
            config_sha256=config,
            card=card,
        ),
        ev.ProposalQueued(proposal=PROPOSAL, expires_at=Micros(now + 7 * DAY), card=replayed),
        ev.NightEnded(night=night, queued=1, dropped=0, spent=Money(0)),
    ]


@pytest.fixture
def bot(bots: WarmBots, home: Home) -> Iterator[BotProcess]:
    """Run the bot with its page at any port."""
    started = bots.start("run", "--home", home.path, "--port", 0, "--speed", 60)
    assert wait_until(lambda: started.over() or (started.out.exists() and said(started) != ""))
    yield started
    bots.end_all()


def said(bot: BotProcess) -> str:
    """Return the link that a bot has printed, "" before that."""
    found = LINK.search(bot.stdout)
    return "" if found is None else found[0]


@pytest.fixture
def page(chromium: Browser, bot: BotProcess) -> Iterator[Page]:
    """Log in by the link that the bot printed, and complain of every complaint."""
    link = said(bot)
    assert link, bot.stderr
    complaints: list[str] = []
    context = chromium.new_context(viewport={"width": 1360, "height": 900})
    found = context.new_page()
    found.on(
        "console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None
    )
    found.on("pageerror", lambda e: complaints.append(str(e)))
    found.goto(link)
    expect(found.locator("#link")).to_have_text("live")
    yield found
    context.close()
    assert [] == complaints


def test_a_bot_that_trades_is_watched_and_halted(page: Page, home: Home) -> None:
    """Numbers move by themselves; a halt holds until it is lifted, on the disk as well."""
    ticks = page.locator(".counts")
    first = ticks.inner_text()
    expect(ticks).not_to_have_text(first)

    page.get_by_role("button", name="Halt").click()
    expect(page.locator("#banners")).to_contain_text("Halted")
    assert home.halt_file.exists()
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    expect(page.locator("#banners")).not_to_contain_text("Halted")
    assert not home.halt_file.exists()

    page.get_by_role("link", name="Journal", exact=True).click()
    page.get_by_label("Show").select_option("one")
    page.get_by_label("Type").fill("halt")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".journal .kind")).to_have_text(["halt"])
    expect(page.locator(".journal")).to_contain_text("stopped from the dashboard")


def test_a_trial_begins_at_the_running_bot(page: Page, home: Home) -> None:
    """One click changes the file and starts the trial; a tab that comes too late is told so."""
    held: list[Route] = []
    late = page.context.new_page()
    late.goto(page.url.partition("#")[0] + "#/eval")

    def hold(route: Route) -> None:
        held.append(route)

    late.route("**/approve", hold)
    # It has its token already, and is on its way, when the other one decides.
    late.get_by_role("button", name="Approve").click()
    while not held:
        late.wait_for_timeout(20)
    page.get_by_role("link", name="Eval").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#news")).to_contain_text(f"{PATH} is {AFTER} from now on")
    (first,) = held
    first.continue_()

    expect(late.locator("#alarms")).to_contain_text("decided or changed meanwhile")
    expect(late.locator(".proposals .card")).to_have_count(0)
    trial = page.locator(".card", has=page.get_by_role("heading", name="Running trial"))
    expect(trial).to_contain_text(f"{BEFORE} → {AFTER}")
    expect(trial.locator(".checks b")).to_have_text(["5 min", "15 min", "30 min", "60 min"])
    expect(page.locator(".proposals .card")).to_have_count(0)
    assert f"min_edge: {AFTER}" in home.venue_file("simulated").read_text(encoding="utf-8")
    told = journal(home)
    (decided,) = (line["data"] for line in told if line["type"] == "proposal_decided")
    (started,) = (line["data"] for line in told if line["type"] == "trial_started")
    assert ("approved", PROPOSAL) == (decided["decision"], started["proposal"])
    page.get_by_role("link", name="Config").click()
    expect(page.locator(".changes")).to_contain_text("applied")


RACE = """
async ([lane, shown]) => {
  const { csrf } = await (await fetch("/api/session")).json();
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
  const post = (what, body) => fetch(`/api/proposals/${shown.id}/${what}`,
    { method: "POST", headers, body: JSON.stringify({ lane, ...body }) });
  const { id, ...diff } = shown;
  const [yes, no] = await Promise.all([1, 2].map(async () => (await post("token", diff)).json()));
  const answers = await Promise.all([post("approve", { token: yes.token }),
    post("reject", { token: no.token, reason: "too_risky", note: "" })]);
  return Promise.all(answers.map(async (a) => [a.status, (await a.json()).detail]));
}
"""


def test_yes_and_no_at_once_are_one_decision(deciding: Page, home: Home) -> None:
    """Whichever is first counts; the other is told 409, and file and journal agree."""
    sha = config_files(home.config_dir).version(FILE).sha256
    proposal = {"id": PROPOSAL, "file": FILE, "path": PATH, "before": BEFORE, "after": AFTER}
    expect(deciding.get_by_role("button", name="Approve")).to_be_enabled()
    answers = deciding.evaluate(RACE, [f"simulated/{LANE}", {**proposal, "config": sha}])

    assert [200, 409] == sorted(status for status, _ in answers), answers
    approved = 200 == answers[0][0]
    (decided,) = (line for line in journal(home) if line["type"] == "proposal_decided")
    assert ("approved" if approved else "rejected") == decided["data"]["decision"]
    text = home.venue_file("simulated").read_text(encoding="utf-8")
    assert f"min_edge: {AFTER if approved else BEFORE}\n" in text


@pytest.fixture
def deciding(chromium: Browser, home: Home) -> Iterator[Page]:
    """Show the proposals of a home whose settings and journal are real, without its bot."""
    chain = chain_of(home)
    with HomeLock(home.lock_file), writing(home, chain, SystemClock()) as writer:
        lane = LaneProposals.of(home, chain, writer)
        nights = NightsAtHand(Proposals(lambda: [lane]))
        bot = DecidingBot(LaneDecisions(chain=chain, ledger=writer.ledger, nights=nights))
        sessions = Sessions(SystemClock().now)
        server = WebServer(lambda hosts: create_app(bot, sessions, allowed_hosts=hosts))
        server.start()
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"{server.url}#login={sessions.new_code()}")
        page.get_by_role("link", name="Eval").click()
        yield page
        context.close()
        server.stop()


class NightsAtHand(NightDesk):
    """Decides about the proposals of a journal that this process writes."""

    def __init__(self, proposals: Proposals) -> None:
        self._proposals = proposals

    def evaluate(self, chain: str) -> None:
        raise NotImplementedError

    def listed(self) -> Sequence[Mapping[str, object]]:
        return self._proposals.listed()

    def show(self, proposal: str) -> Mapping[str, object]:
        return self._proposals.show(proposal)

    def approve(self, proposal: str, token: str, by: str) -> Mapping[str, object]:
        return self._proposals.approve(proposal, token, by)

    def reject(self, proposal: str, reason: str, note: str, by: str) -> Mapping[str, object]:
        return self._proposals.reject(proposal, reason, note, by)


class DecidingBot(ShownBot):
    """Shows a queue that is real, and carries out what is decided about it."""

    def __init__(self, lane: LaneDecisions) -> None:
        super().__init__(a_busy_lane(venue="simulated", lane="sim"))
        self._lane = lane
        self._decisions = Decisions(SystemClock().now)

    def waiting(self) -> tuple[int, str | None]:
        return len(self._lane.ledger().queue.open), None

    def proposals(self, lane: str) -> shown.Proposals:
        return proposals_of(lane, self._lane.ledger().queue)

    def consent(self, about: shown.Shown) -> shown.Consent:
        return self._decisions.consent(self._lane, about)

    def approve(self, lane: str, proposal: str, token: str, by: str, *, sure: bool) -> str:
        return self._decisions.approve(self._lane, proposal, token, by, sure=sure)

    def reject(
        self, lane: str, proposal: str, token: str, by: str, *, reason: str, note: str
    ) -> str:
        return self._decisions.reject(self._lane, proposal, token, by, reason=reason, note=note)


def test_an_approval_changes_the_file(deciding: Page, home: Home) -> None:
    """One click: the settings have the new value on the same line, and the journal says who."""
    before = home.venue_file("simulated").read_text(encoding="utf-8")
    expect(deciding.locator(".proposals .minus")).to_contain_text(f"min_edge: {BEFORE}")
    deciding.get_by_role("button", name="Approve").click()

    expect(deciding.locator("#news")).to_contain_text(f"{PATH} is {AFTER} from now on")
    expect(deciding.locator(".proposals .card")).to_have_count(0)
    expect(deciding.locator(".history").first).to_contain_text("approved")
    after = home.venue_file("simulated").read_text(encoding="utf-8")
    assert before.replace(f"min_edge: {BEFORE}", f"min_edge: {AFTER}") == after
    (decided,) = (line for line in journal(home) if line["type"] == "proposal_decided")
    assert "approved" == decided["data"]["decision"]
    assert decided["data"]["by"].startswith("dashboard:")
    assert {"change_intended", "change_ended"} <= {line["type"] for line in journal(home)}


def test_a_file_edited_meanwhile_is_left_alone(deciding: Page, home: Home) -> None:
    """Whoever approves what is no longer so changes nothing, and the page says why."""
    file = home.venue_file("simulated")
    expect(deciding.get_by_role("button", name="Approve")).to_be_enabled()
    edited = file.read_text(encoding="utf-8") + "# by hand\n"
    file.write_text(edited, encoding="utf-8")
    deciding.get_by_role("button", name="Approve").click()

    expect(deciding.locator("#alarms")).to_contain_text("was changed since")
    assert edited == file.read_text(encoding="utf-8")


def test_a_rejection_is_written_down(deciding: Page, home: Home) -> None:
    """The reason reaches the journal; the file stays as it was."""
    deciding.get_by_role("button", name="Reject").click()
    deciding.get_by_label("Reason").select_option("wrong_knob")
    deciding.get_by_role("dialog").get_by_role("button", name="Reject").click()

    expect(deciding.locator(".history").first).to_contain_text("wrong knob")
    assert f"min_edge: {BEFORE}" in home.venue_file("simulated").read_text(encoding="utf-8")
    (decided,) = (line for line in journal(home) if line["type"] == "proposal_decided")
    assert "wrong_knob" == decided["data"]["reason"]


def journal(home: Home) -> list[dict[str, Any]]:
    """Return the lane's journal, without a line that is being written."""
    try:
        return facts(home.path, LANE)
    except ValueError:
        return []
