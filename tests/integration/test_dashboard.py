"""The dashboard of a real bot: logged in by a link, it shows, it obeys, and no secret leaks."""

from __future__ import annotations

import http.cookiejar
import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.bot_process import BotProcess, WarmBots, facts, wait_until

PACE = 20
CANARIES = {
    "KALSHI_API_KEY_ID": "canary-3f1b9c5e-key-id",
    "POLYMARKET_PRIVATE_KEY": "0xcanary7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c",
    "ANTHROPIC_API_KEY": "sk-ant-canary-000111222333",
}


class Browser:
    """Asks a running bot over the loopback, and keeps what it was told."""

    def __init__(self, link: str) -> None:
        self.base, _, self.code = link.partition("#login=")
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar)
        self.csrf = ""
        self.heard: list[str] = []

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Return status and decoded answer."""
        headers = {"x-csrf-token": self.csrf} if self.csrf else {}
        data = None
        if body is not None:
            data, headers["content-type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(  # noqa: S310 - our own address
            self.base.rstrip("/") + path, data=data, headers=headers, method=method
        )
        try:
            with self._opener.open(request, timeout=30) as answer:
                return answer.status, self._told(answer.read(), str(answer.headers))
        except urllib.error.HTTPError as e:
            with e:
                return e.code, self._told(e.read(), str(e.headers))

    def _told(self, text: bytes, headers: str) -> Any:
        self.heard += [text.decode(), headers]
        return json.loads(text) if text[:1] in (b"{", b"[") else None

    def log_in(self) -> None:
        """Use the link."""
        status, told = self.ask("POST", "/api/session", {"code": self.code})
        assert 200 == status, told
        self.csrf = told["csrf"]

    def get(self, path: str) -> Any:
        """Look at something that is there."""
        status, told = self.ask("GET", path)
        assert status in {200, 202}, (path, told)
        return told

    def lane(self) -> dict[str, Any]:
        """Return the only lane's picture."""
        (lane,) = self.get("/api/state")["lanes"].values()
        return dict(lane)


@pytest.fixture
def home(tmp_path: Path, bots: WarmBots) -> Path:
    """Return a home with secrets in it."""
    place = tmp_path / "home"
    assert 0 == bots.run("init", "--home", place).code
    with (place / ".env").open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in CANARIES.items())
    return place


@pytest.fixture
def running(home: Path, bots: WarmBots, tape: Path) -> Iterator[BotProcess]:
    """Return a paced bot with a page at a port that was free."""
    bot = bots.start("run", "--home", home, "--tape", tape, "--port", 0, "--speed", PACE)
    assert wait_until(lambda: (bot.out.exists() and "web link" in bot.stdout) or bot.over())
    assert not bot.over(), bot.stderr
    yield bot
    bot.kill()


@pytest.fixture
def browser(home: Path, bots: WarmBots, running: BotProcess) -> Browser:
    """Return a browser that came by the link of the start."""
    (line,) = [text for text in running.stdout.splitlines() if "#login=" in text]
    found = Browser(line.split()[-1])
    assert 401 == found.ask("GET", "/api/state")[0]
    found.log_in()
    return found


def everything(lane: str, market: str) -> list[str]:
    """Return an address of everything that can be looked at."""
    return [
        "/",
        "/api/session",
        "/api/state",
        "/api/venues",
        f"/api/markets?lane={lane}",
        f"/api/markets/detail?lane={lane}&market={market}",
        f"/api/markets/why?lane={lane}&market={market}",
        "/api/positions",
        "/api/orders",
        "/api/fills",
        "/api/chains",
        "/api/journal",
        "/api/journal?text=canary",
        "/api/journal?chain=system/main",
        "/api/journal/event?seq=1",
        "/api/equity?hours=24",
        "/api/band",
        "/api/analytics?days=1",
        "/api/leaks",
        "/api/proposals",
        "/api/trials",
        "/api/learned",
        "/api/advisor",
        "/api/config",
        "/api/config/history",
        "/api/knobs?venue=simulated",
        "/api/health",
        "/api/system",
        "/api/openapi.json",
    ]


def test_it_shows_and_obeys(
    home: Path, bots: WarmBots, running: BotProcess, browser: Browser
) -> None:
    """A person looks at everything, cancels, closes, halts; the journal says who, and it proves."""
    assert wait_until(lambda: bool(browser.lane()["positions"]))
    lane = browser.lane()
    name = f"{lane['venue']}/{lane['lane']}"
    held = lane["positions"][0]
    for address in everything(name, held["market"]):
        browser.get(address)
    detail = browser.get(f"/api/markets/detail?lane={name}&market={held['market']}")
    assert held["market"] == detail["market"]["market"]
    assert detail["fills"]
    story = browser.get(f"/api/markets/why?lane={name}&market={held['market']}")
    assert "result" == story["reasons"][-1]["type"]
    (fill, *_) = browser.get("/api/fills?limit=1")["lines"]
    context = browser.get(f"/api/journal/event?seq={fill['seq']}")
    assert "order_intent" in {line["type"] for line in context["causes"]}
    assert browser.get("/api/equity")["points"]

    assert wait_until(lambda: closes(browser, name))
    assert wait_until(lambda: "operator" in [f["data"].get("reason") for f in facts(home)])
    unknown = {"lane": name, "intent": "mb-none"}
    assert 404 == browser.ask("POST", "/api/orders/cancel", unknown)[0]
    assert 202 == browser.ask("POST", "/api/pause", {"lane": name, "reason": "lunch"})[0]
    assert wait_until(lambda: "lunch" in str(browser.lane()["halted"]))
    assert 202 == browser.ask("POST", "/api/unpause", {"lane": name})[0]
    assert wait_until(lambda: browser.lane()["halted"] is None)
    assert 202 == browser.ask("POST", "/api/flatten", {})[0]
    assert wait_until(lambda: browser.lane()["halted"] is not None)
    assert 403 == browser.ask("POST", "/api/resume", {})[0]
    again = json.loads(bots.run("web", "link", "--home", home, "--json").stdout)["link"]
    proof = {"code": again.partition("#login=")[2]}
    assert 200 == browser.ask("POST", "/api/session/step-up", proof)[0]
    assert 202 == browser.ask("POST", "/api/resume", {})[0]
    assert wait_until(lambda: browser.lane()["halted"] is None)
    assert 204 == browser.ask("DELETE", "/api/session")[0]

    running.signal(signal.SIGTERM)
    assert 0 == running.wait()
    commands = [fact for fact in facts(home) if fact["type"] in {"asked", "halt", "resume"}]
    (who,) = {fact["data"]["by"] for fact in commands} - {"file"}
    assert who.startswith("dashboard:")
    system = facts(home, "main")
    told = [fact["data"]["what"] for fact in system if fact["type"] == "asked"]
    assert ["login", "step_up", "logout"] == told
    assert 0 == bots.run("journal", "prove", "--home", home).code
    no_secret_leaked(home, running, browser)


def closes(browser: Browser, lane: str) -> bool:
    """Have whatever is held first sold; tell whether it was still there."""
    held = browser.lane()["positions"][:1]
    told = [{"lane": lane, "market": one["market"], "leg": one["leg"]} for one in held]
    return [202] == [browser.ask("POST", "/api/positions/close", body)[0] for body in told]


def no_secret_leaked(home: Path, bot: BotProcess, browser: Browser) -> None:
    """Check that no secret stands in any answer, journal, or word of the bot."""
    secrets = [*CANARIES.values(), browser.csrf]
    said = {"stdout": bot.stdout, "stderr": bot.stderr}
    journals = {str(p): p.read_text() for p in (home / "journal").rglob("*.jsonl")}
    for secret in secrets:
        assert [] == [name for name, text in (said | journals).items() if secret in text]
    answers = "\n".join(browser.heard)
    assert not [value for value in CANARIES.values() if value in answers]


def test_a_password_by_pipe(home: Path, bots: WarmBots) -> None:
    """Without a terminal the password is read from standard input; a short one is refused."""
    refused = bots.run("web", "password", "--home", home)

    assert 1 == refused.code
    assert "12 to 256 characters" in refused.stderr
    assert 0 == bots.run("web", "password", "--home", home, "--remove").code
    assert not (home / "config" / "web_password").exists()


def test_no_bot_has_no_link(home: Path, bots: WarmBots) -> None:
    """A link is the running bot's to give."""
    refused = bots.run("web", "link", "--home", home)

    assert 1 == refused.code
    assert "no bot runs" in refused.stderr
