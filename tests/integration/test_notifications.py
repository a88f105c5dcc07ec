"""Messages, the log and the numbers of a real bot, over real sockets; no secret in any of them."""

from __future__ import annotations

import base64
import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from prometheus_client.parser import text_string_to_metric_families

from market_bot.adapters.notify.apprise_notifier import AppriseNotifier
from market_bot.adapters.storage.home import Home
from market_bot.config.defaults import default_files
from market_bot.core.ports.notifier import Message, NotifierError, Outcome
from tests.fakes.bot_process import BotProcess, WarmBots, wait_until
from tests.fakes.fake_inbox import Inbox, deaf, inbox

PASSWORD: Final = "canary-Passw0rd-4711"
TOKEN: Final = "canary-metrics-token-0123456789"
STRAY: Final = "canary-of-somebody-else-99"
CHANNELS: Final = """notifications:
  channels:
    - {name: phone, address: NOTIFY_PHONE, least: info}
    - {name: mail, address: NOTIFY_MAIL, least: alarm}
    - {name: pager, address: NOTIFY_PAGER, least: alarm}
"""
MESSAGE: Final = Message(level="alarm", subject="[alarm] x", body="a\nb")


def made_home(place: Path, channels: str, **secrets: str) -> Home:
    """Make a home with channels, and secrets beside them."""
    home = Home(place)
    home.create(default_files())
    text = home.bot_file.read_text(encoding="utf-8")
    home.bot_file.write_text(text.replace("notifications:\n", channels), encoding="utf-8")
    home.env_file.write_text("".join(f"{name}={value}\n" for name, value in secrets.items()))
    return home


@attrs.frozen(kw_only=True)
class Life:
    """What a bot left behind that was started, halted, looked at and stopped."""

    home: Home
    box: Inbox
    code: int
    said: str
    log: str
    numbers: str
    refused: int

    def noted(self) -> list[dict[str, Any]]:
        """Return what the journal says of messages."""
        files = sorted((self.home.journal_dir / "system" / "main").glob("*.jsonl"))
        lines = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
        return [line["data"] for line in lines if line["type"] == "notification"]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, bots: WarmBots) -> Iterator[Life]:
    """Live it: one way out works, one refuses, one never answers."""
    with inbox() as box, deaf() as silent:
        home = made_home(
            tmp_path_factory.mktemp("notified") / "home",
            CHANNELS,
            NOTIFY_PHONE=box.address("phone", f"me:{PASSWORD}@"),
            NOTIFY_MAIL=box.address("refused"),
            NOTIFY_PAGER=silent,
            METRICS_TOKEN=TOKEN,
            STRAY=STRAY,
        )
        words = ("--home", home.path, "--port", "0", "--speed", "1", "--log-json")
        bot = bots.start("run", *words)
        assert wait_until(lambda: bot.over() or (bot.out.exists() and "#login=" in bot.stdout))
        halted = bots.run("halt", "--home", home.path, "--reason", f"for {STRAY}")
        assert 0 == halted.code, halted.stderr
        assert wait_until(lambda: "halted" in "".join(box.at("phone")))
        assert wait_until(lambda: bool(box.at("refused")))
        url = next(word for word in bot.stdout.split() if "#login=" in word).partition("#")[0]
        numbers, refused = asked(url, TOKEN), asked(url, "nonsense")
        bot.signal(signal.SIGTERM)
        code = bot.wait()
        yield Life(
            home=home,
            box=box,
            code=code,
            said=bot.stdout,
            log=bot.stderr,
            numbers=numbers[1],
            refused=refused[0],
        )


def asked(url: str, token: str) -> tuple[int, str]:
    """Ask for the numbers as a monitoring system does."""
    request = urllib.request.Request(  # noqa: S310 - the test's own server
        f"{url}metrics", headers={"authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, ""


def test_a_person_is_told(life: Life) -> None:
    """The halt and the end came through, although the other ways refuse or hang."""
    told = life.box.at("phone")

    assert 0 == life.code
    assert any("simulated/sim: halted: " in one and "http://127.0.0.1:" in one for one in told)
    assert "market-bot stops: SIGTERM" in told[-1]


def test_what_became_of_messages_is_in_the_journal(life: Life) -> None:
    """Each attempt is noted with the reason, also that of whoever never answers."""
    noted = life.noted()

    assert {("phone", True), ("mail", False), ("pager", False)} <= {
        (one["channel"], one["delivered"]) for one in noted
    }
    assert any("403" in one["reason"] for one in noted if one["channel"] == "mail")
    assert any("no answer" in one["reason"] for one in noted if one["channel"] == "pager")


def test_the_log_is_json(life: Life) -> None:
    """Every line of standard error is JSON and says when, how bad and what."""
    lines = [json.loads(line) for line in life.log.splitlines()]

    assert {"ts", "level", "event"} <= set.intersection(*(set(line) for line in lines))
    assert {"halt", "bot"} <= {line.get("kind") for line in lines}


def test_the_numbers_are_served(life: Life) -> None:
    """The token of a monitoring system shows the bot's numbers, and nothing else does."""
    names = {family.name for family in text_string_to_metric_families(life.numbers)}

    assert 401 == life.refused
    assert {
        "market_bot_ticks",
        "market_bot_equity_dollars",
        "market_bot_limit_used",
        "market_bot_step_seconds",
        "market_bot_journal_append_seconds",
        "market_bot_queue_length",
        "market_bot_feed_age_seconds",
    } <= names


def test_no_secret_leaves(life: Life) -> None:
    """Neither messages, log, numbers, terminal nor any file but the one of the secrets hold one."""
    shown = {
        "messages": json.dumps(life.box.taken),
        "log": life.log,
        "numbers": life.numbers,
        "terminal": life.said,
    }
    for path in life.home.path.rglob("*"):
        # The halt's own words are what a person wrote; whoever reads the journal reads them.
        if path.is_file() and path.name not in (".env", "HALT"):
            shown[str(path)] = path.read_bytes().decode("latin-1")
    forms = [PASSWORD, TOKEN, base64.b64encode(f"me:{PASSWORD}".encode()).decode()]

    assert [] == [where for where, text in shown.items() for form in forms if form in text]
    assert STRAY not in shown["messages"] + shown["log"] + shown["numbers"]
    assert "for ***" in shown["messages"]


def test_a_way_out_by_itself() -> None:
    """A message arrives as it was written; refusals and redirections are not deliveries."""
    with inbox() as box:
        found = []
        for path in ("good", "refused", "moved"):
            way = AppriseNotifier(
                "phone", box.address(path, f"me:{PASSWORD}@"), lambda text: text.replace("403", "*")
            )
            assert way.begin(MESSAGE)
            way.close(10)
            found.append(way.outcome())
            assert way.outcome() is None

    assert Outcome(delivered=True) == found[0]
    assert found[1] is not None
    assert "error=*" in found[1].reason
    assert found[2] is not None
    assert not found[2].delivered
    assert {"/good", "/refused", "/moved"} == {path for path, _ in box.taken}
    assert ("[alarm] x", "a\nb") == (box.taken[0][1]["title"], box.taken[0][1]["message"])


def test_somebody_deaf_makes_nobody_wait() -> None:
    """A message under way is left to itself; a second one is not begun beside it."""
    with deaf() as silent:
        way = AppriseNotifier("pager", silent, str)
        begun = [way.begin(MESSAGE), way.begin(MESSAGE)]
        way.close(0.0)

        assert [True, False] == begun
        assert way.outcome() is None


@pytest.mark.parametrize("address", ["", "nonsense", "tgram://canary", f"nosuch://{PASSWORD}@x"])
def test_a_bad_address_is_refused_without_showing_it(address: str) -> None:
    """The message names the channel and the page to look at."""
    with pytest.raises(NotifierError) as caught:
        AppriseNotifier("phone", address, str)

    assert "notifications: phone: " in str(caught.value)
    assert "canary" not in str(caught.value)


def lines_of(doctor: BotProcess, name: str) -> list[tuple[str, str]]:
    """Return health and text of the checks with a name."""
    return [
        (one["health"], one["text"]) for one in json.loads(doctor.stdout) if one["name"] == name
    ]


def test_the_doctor_sends_a_test(tmp_path: Path, bots: WarmBots) -> None:
    """With --notify each way is tried; one that fails is told with the remedy, and exit code 1."""
    with inbox() as box:
        home = made_home(
            tmp_path / "home",
            CHANNELS,
            NOTIFY_PHONE=box.address("phone", f"me:{PASSWORD}@"),
            NOTIFY_MAIL=box.address("refused"),
        )
        doctor = bots.run("doctor", "--home", home.path, "--notify", "--json")

    phone, mail, pager = lines_of(doctor, "notify")
    assert 1 == doctor.code
    assert ("ok", "phone: JSON took a test message") == phone
    assert "fail" == mail[0]
    assert "403" in mail[1]
    assert "NOTIFY_MAIL" in mail[1]
    assert "fail" == pager[0]
    assert "add a line NOTIFY_PAGER=" in pager[1]
    assert ["market-bot: test\nThis is a test. market-bot can reach you."] == box.at("phone")
    assert PASSWORD not in doctor.stdout + doctor.stderr


def test_the_doctor_looks_at_everything_else(tmp_path: Path, bots: WarmBots) -> None:
    """Contradicting limits and a missing key are warned of, and what is absent is fine."""
    home = made_home(tmp_path / "home", "notifications:\n", STRAY=STRAY)
    settings = home.bot_file.read_text(encoding="utf-8")
    home.bot_file.write_text(settings.replace("kind: rules", "kind: claude"), encoding="utf-8")
    venue = home.venue_file("kalshi")
    limits = venue.read_text(encoding="utf-8")
    changed = limits.replace("max_order_usd: 25", "max_order_usd: 5")
    assert limits != changed
    venue.write_text(changed, encoding="utf-8")
    doctor = bots.run("doctor", "--home", home.path, "--json")

    assert 0 == doctor.code
    assert [("ok", "STRAY, readable by you alone")] == lines_of(doctor, "secrets")
    assert "ok" == lines_of(doctor, "clock")[0][0]
    assert ["warn", "ok", "ok"] == [health for health, _ in lines_of(doctor, "limits")]
    ((health, text),) = lines_of(doctor, "advisor")
    assert "warn" == health
    assert "ANTHROPIC_API_KEY" in text
    assert "ok" == lines_of(doctor, "notify")[0][0]
    assert STRAY not in doctor.stdout
