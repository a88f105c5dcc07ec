"""Real bots trade real orders at a whole Kalshi on loopback, after a person has armed them."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from market_bot.adapters.storage.home import Home
from market_bot.adapters.system.control_socket import AnsweredNo, ControlClient, ControlError
from tests.fakes.bot_process import BotProcess, WarmBots, wait_until
from tests.fakes.fake_kalshi import Fault
from tests.fakes.fake_kalshi_engine import text as decimal
from tests.fakes.live_kalshi import LIKELY, UNLIKELY, LiveKalshi, a_live_home
from tests.fakes.terminal import Terminal

LIVE = ("run", "--venue", "kalshi", "--no-web")
PHRASE = "TRADE LIVE kalshi max-loss 40"
ORDERS = "/portfolio/events/orders"


@pytest.fixture(autouse=True)
def _nobody_left(bots: WarmBots) -> Iterator[None]:
    """End the bots of a test that fails before their venue ends."""
    yield
    bots.end_all()


@pytest.fixture
def venue() -> Iterator[LiveKalshi]:
    """Return a venue that serves."""
    with LiveKalshi() as live:
        yield live


@pytest.fixture
def home(tmp_path: Path, venue: LiveKalshi) -> Home:
    """Return a home that has a key and wants real money."""
    return a_live_home(tmp_path / "home", venue, mode="live", key=True)


def chain(home: Home) -> list[dict[str, Any]]:
    """Return every line of the live lane, decoded; a line just being written is left out."""
    files = sorted((home.journal_dir / "kalshi" / "live").glob("*.jsonl"))
    lines = [line for file in files for line in file.read_bytes().split(b"\n")[:-1]]
    return [json.loads(line) for line in lines]


def of_type(home: Home, kind: str) -> list[dict[str, Any]]:
    """Return the data of all facts of a type."""
    return [fact["data"] for fact in chain(home) if fact["type"] == kind]


def shown(home: Home) -> dict[str, Any]:
    """Return how the live lane stands, nothing while nobody answers."""
    with contextlib.suppress(ControlError):
        lane: dict[str, Any] = ControlClient(home.control_socket).ask("status")["lanes"][0]
        return lane
    return {}


def shows(home: Home, bot: BotProcess, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until the lane shows something, and return how it stands then."""
    last: dict[str, Any] = {}

    def look() -> bool:
        last.update(shown(home))
        return bool(last) and what(last)

    assert wait_until(lambda: look() or bot.over()), last
    assert not bot.over(), bot.stderr
    return last


def ready(bots: WarmBots, home: Home) -> BotProcess:
    """Return a bot that knows its markets and agrees with its account."""
    bot = bots.start(*LIVE, "--home", home.path)
    shows(home, bot, lambda lane: lane["unreconciled"] is None and lane["agreed_at"] is not None)
    shows(home, bot, lambda lane: lane["phase"] == "trading" and lane["counts"]["markets"] > 0)
    return bot


def arm(home: Home, phrase: str = PHRASE, minutes: int = 10) -> None:
    """Send what the ceremony sends at its end."""
    client = ControlClient(home.control_socket)
    client.ask("arm", venue="kalshi", by="test", phrase=phrase, minutes=minutes)


def stir(venue: LiveKalshi) -> None:
    """Let something happen in both markets, so that they are looked at."""
    for name in (LIKELY, UNLIKELY):
        venue.engine.crowd(name, "bid", "0.1000", "1.00")


def stirred(venue: LiveKalshi, what: Callable[[], bool], deadline_s: float = 60.0) -> bool:
    """Stir until something holds; tell whether it did before the deadline."""

    def look() -> bool:
        stir(venue)
        return what()

    return wait_until(look, deadline_s)


def sends(venue: LiveKalshi, orders: int) -> bool:
    """Tell whether so many orders come to be sent within ten seconds."""
    return stirred(venue, lambda: venue.asked("POST", ORDERS) >= orders, 10)


def bought(venue: LiveKalshi, bot: BotProcess, least: int = 1) -> None:
    """Wait until the venue has traded with the bot."""
    assert stirred(venue, lambda: len(venue.engine.fills) >= least or bot.over())
    assert not bot.over(), bot.stderr


def tells_one_story(home: Home, venue: LiveKalshi) -> bool:
    """Tell whether journal and venue agree on every fill, to the last step of money."""
    told = {fact["fill"]: fact for fact in of_type(home, "fill")}
    there = {fill.id: fill for fill in venue.engine.fills}
    return told.keys() == there.keys() and all(
        Decimal(told[name]["fee"]) == Decimal(decimal(fill.fee, 6)) for name, fill in there.items()
    )


def never_twice(home: Home, venue: LiveKalshi) -> None:
    """Check that no intent became two orders, and no fill was counted twice."""
    names = [order.client for order in venue.engine.orders.values()]
    fills = [fact["fill"] for fact in of_type(home, "fill")]
    assert sorted(set(names)) == sorted(names)
    assert sorted(set(fills)) == sorted(fills)
    assert set(names) <= {fact["intent"] for fact in of_type(home, "order_intent")}


def proves(bots: WarmBots, home: Home, *, whole: bool = True) -> None:
    """Check the chain, and that every decision is derived again from journal and tape.

    Not ``whole`` where a process was killed: the last seconds of its recording are gone.
    """
    for words in (("verify", "--full"), ("prove", "--chain", "kalshi/live")):
        checked = bots.run("journal", *words, "--home", home.path)
        assert 0 == checked.code, checked.stderr
        assert not whole or "not derived" not in checked.stdout, checked.stdout


def test_the_ceremony(bots: WarmBots, home: Home, venue: LiveKalshi) -> None:
    """A person reads, types, thinks for ten seconds; then orders are real, until the halt."""
    bot = ready(bots, home)
    stir(venue)
    assert wait_until(lambda: bool(of_type(home, "denied")))
    assert 0 == venue.asked("POST", ORDERS)
    person = Terminal("live", "--venue", "kalshi", "--home", home.path)
    assert person.sees("> "), person.text
    person.types(PHRASE + "\n")

    assert 0 == person.ends(), person.text
    for part in ("$500.00 at the venue", "max_daily_loss_usd 40", "agrees with the journal"):
        assert part in person.text
    assert "armed until" in person.text
    bought(venue, bot)
    assert wait_until(lambda: tells_one_story(home, venue))
    assert 0 == bots.run("halt", "--home", home.path).code
    assert wait_until(lambda: venue.asked("DELETE", ORDERS) > 0)
    lane = shows(home, bot, lambda lane: lane["halted"] is not None)
    assert lane["armed_until"] is None
    with pytest.raises(AnsweredNo, match="halted"):
        arm(home)
    bot.signal(signal.SIGINT)
    assert 0 == bot.wait()
    assert ["armed"] == of_type(home, "denied")[0]["gates"][0]["name"].split()
    assert 1 == len(of_type(home, "armed"))
    never_twice(home, venue)
    proves(bots, home)


def test_what_does_not_arm(bots: WarmBots, home: Home) -> None:
    """No script, no wrong phrase, no second thought, no bot: each says why in one line."""
    alone = Terminal("live", "--venue", "kalshi", "--home", home.path)
    assert 1 == alone.ends()
    assert "no bot runs" in alone.text
    bot = ready(bots, home)

    piped = bots.run("live", "--venue", "kalshi", "--home", home.path)
    assert (2, True) == (piped.code, "terminal" in piped.stderr)
    wrong = Terminal("live", "--venue", "kalshi", "--home", home.path)
    assert wrong.sees("> ")
    wrong.types("trade live kalshi max-loss 40\n")
    assert 1 == wrong.ends()
    second = Terminal("live", "--venue", "kalshi", "--home", home.path)
    assert second.sees("> ")
    second.types(PHRASE + "\n")
    assert second.sees("Ctrl-C stops it")
    second.types("\x03")
    assert 1 == second.ends(), second.text
    assert "interrupted" in second.text
    for phrase, minutes in (("TRADE LIVE kalshi max-loss 41", 10), (PHRASE, 0), (PHRASE, 1441)):
        with pytest.raises(AnsweredNo):
            arm(home, phrase, minutes)

    silent = Terminal("live", "--venue", "kalshi", "--home", home.path)
    assert silent.sees("> ")
    silent.types("\x04")
    assert 1 == silent.ends()
    assert "not the phrase" in silent.text
    long = Terminal("live", "--venue", "kalshi", "--home", home.path, "--minutes", 1441)
    assert 2 == long.ends()
    assert "from 1 to 1440" in long.text

    assert [] == of_type(home, "armed")
    bot.signal(signal.SIGINT)
    assert 0 == bot.wait()


def test_a_restart_disarms(bots: WarmBots, home: Home, venue: LiveKalshi) -> None:
    """After a kill the next process knows what it holds, opens nothing, and can be armed anew."""
    bot = ready(bots, home)
    arm(home)
    bought(venue, bot)
    bot.kill()
    sent = venue.asked("POST", ORDERS)
    again = ready(bots, home)
    lane = shows(home, again, lambda lane: bool(lane["positions"]))
    stir(venue)
    ticks = lane["ticks"]
    shows(home, again, lambda lane: lane["ticks"] > ticks + 5)

    assert lane["armed_until"] is None
    assert sent == venue.asked("POST", ORDERS)
    assert wait_until(lambda: tells_one_story(home, venue))
    arm(home)
    shows(home, again, lambda lane: lane["armed_until"] is not None)
    again.signal(signal.SIGINT)
    assert 0 == again.wait()
    proves(bots, home, whole=False)


def test_left_positions_are_wound_up_never_traded_on_paper(
    bots: WarmBots, home: Home, venue: LiveKalshi
) -> None:
    """With `mode: paper` again, the live lane goes on, cannot be armed, and can be flattened."""
    bot = ready(bots, home)
    arm(home)
    bought(venue, bot, 2)
    assert wait_until(lambda: tells_one_story(home, venue))
    bot.kill()
    file = home.venue_file("kalshi")
    file.write_text(file.read_text(encoding="utf-8").replace("mode: live", "mode: paper"))
    again = ready(bots, home)

    assert "only wound up" in again.stdout
    assert not (home.journal_dir / "kalshi" / "paper").exists()
    with pytest.raises(AnsweredNo, match="mode: paper"):
        arm(home)
    assert 0 == bots.run("flatten", "--home", home.path).code
    assert stirred(venue, lambda: not any(p.count for p in venue.engine.positions.values()))
    shows(home, again, lambda lane: not lane["positions"])
    again.signal(signal.SIGINT)
    assert 0 == again.wait()
    never_twice(home, venue)
    proves(bots, home, whole=False)


def test_the_kill_switch_works_while_the_lane_hangs(
    bots: WarmBots, home: Home, venue: LiveKalshi
) -> None:
    """The venue is silent to an order; the cancel of all goes out all the same, on another way."""
    bot = ready(bots, home)
    venue.fake.faults.append(Fault(path=ORDERS, method="POST", hang=True))
    arm(home)
    assert stirred(venue, lambda: venue.asked("POST", ORDERS) > 0)
    ticks = shown(home)["ticks"]

    assert 0 == bots.run("halt", "--home", home.path).code
    assert wait_until(lambda: venue.asked("DELETE", ORDERS) > 0)
    assert shown(home)["ticks"] <= ticks + 1
    assert home.halt_file.exists()
    lane = shows(home, bot, lambda lane: lane["halted"] is not None)
    assert lane["armed_until"] is None
    assert 1 == venue.asked("POST", ORDERS)
    bot.signal(signal.SIGINT)
    assert 0 == bot.wait()
    never_twice(home, venue)


def test_an_account_that_disagrees_closes_the_lane(
    bots: WarmBots, home: Home, venue: LiveKalshi
) -> None:
    """Money that moved by hand is seen, refuses arming, and is accepted by a person."""
    bot = ready(bots, home)
    with venue.engine.lock:
        venue.engine.cash[0] -= 10_000_000
    lane = shows(home, bot, lambda lane: lane["unreconciled"] is not None)

    assert "cash: 490 there, 500 in the journal" in lane["unreconciled"]
    with pytest.raises(AnsweredNo, match="cash"):
        arm(home)
    ControlClient(home.control_socket).ask("accept", venue="kalshi", by="test")
    lane = shows(home, bot, lambda lane: lane["unreconciled"] is None)
    assert ("490", "490", "0") == (lane["cash"], lane["deposits"], lane["gain"])
    arm(home)
    bot.signal(signal.SIGINT)
    assert 0 == bot.wait()
    proves(bots, home)


def test_what_a_person_sold_at_the_venue_is_written_off_after_a_question(
    bots: WarmBots, home: Home, venue: LiveKalshi
) -> None:
    """The lane closes and says what to do; a person's word at a terminal opens it again."""
    bot = ready(bots, home)
    arm(home)
    bought(venue, bot)
    disarmed = bots.run("live", "--venue", "kalshi", "--home", home.path, "--disarm")
    assert (0, True) == (disarmed.code, "is disarmed" in disarmed.stdout)
    assert shown(home)["armed_until"] is None
    shows(home, bot, lambda lane: not lane["orders"])
    assert wait_until(lambda: tells_one_story(home, venue))
    with venue.engine.lock:
        for held in venue.engine.positions.values():
            venue.engine.cash[0] += abs(held.count) * 50
            held.count = 0
    shows(home, bot, lambda lane: "0 held there" in str(lane["unreconciled"]))
    refused = Terminal("live", "--venue", "kalshi", "--home", home.path)
    assert 1 == refused.ends()
    assert "--accept" in refused.text
    person = Terminal("live", "--venue", "kalshi", "--home", home.path, "--accept")
    assert person.sees("> ")
    assert "differs: " in person.text
    person.types("yes\n")
    assert person.sees("type exactly"), person.text
    person.types("no\n")
    assert 1 == person.ends()
    lane = shows(home, bot, lambda lane: lane["unreconciled"] is None)

    assert ([], None) == (lane["positions"], lane["armed_until"])
    assert Decimal(decimal(venue.engine.cash[0], 6)) == Decimal(lane["cash"])
    bot.signal(signal.SIGINT)
    assert 0 == bot.wait()
    proves(bots, home)


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment_with_real_orders(
    bots: WarmBots, home: Home, venue: LiveKalshi, seed: int
) -> None:
    """Kills, lost answers, restarts: never two orders for one intent, and one story in the end."""
    random = Random(seed)
    for _ in range(3):
        bot = ready(bots, home)
        fault = random.choice((Fault(drop=True, acted=True), Fault(drop=True), None))
        if fault is not None:
            lost = Fault(path=ORDERS, method="POST", drop=True, acted=fault.acted)
            venue.fake.faults.append(lost)
        arm(home)
        asked = venue.asked("POST", ORDERS) + random.randint(1, 2)
        sends(venue, asked)
        bot.kill()
        venue.fake.faults.clear()
    last = ready(bots, home)

    assert wait_until(lambda: tells_one_story(home, venue))
    shows(home, last, lambda lane: not any(one["state"] == "unknown" for one in lane["orders"]))
    last.signal(signal.SIGINT)
    assert 0 == last.wait()
    never_twice(home, venue)
    proves(bots, home, whole=False)


def test_orders_of_an_earlier_process_are_still_ours(
    bots: WarmBots, tmp_path: Path, venue: LiveKalshi
) -> None:
    """What rests after a kill is known to the next process, and a HALT file cancels it there."""
    home = a_live_home(
        tmp_path / "maker", venue, mode="live", key=True, style="maker", patience_s=600
    )
    bot = ready(bots, home)
    arm(home)
    assert stirred(venue, lambda: bool(venue.engine.resting()))
    bot.kill()
    again = ready(bots, home)
    lane = shows(home, again, lambda lane: bool(lane["orders"]))
    home.halt_file.write_text("by hand", encoding="utf-8")

    assert wait_until(lambda: not venue.engine.resting())
    shows(home, again, lambda lane: not lane["orders"])
    assert {"accepted"} == {order["state"] for order in lane["orders"]}
    again.signal(signal.SIGINT)
    assert 0 == again.wait()
    never_twice(home, venue)


def test_the_doctor(bots: WarmBots, home: Home, tmp_path: Path) -> None:
    """Each thing that trading there needs has a line, and what is wrong has a remedy."""
    well = bots.run("doctor", "--home", home.path, "--venue", "kalshi", "--json")
    checks = {one["name"]: one for one in json.loads(well.stdout)}

    assert 0 == well.code
    assert {"ok"} == {
        checks[name]["health"] for name in ("connection", "exchange", "clock", "key", "account")
    }
    (home.path / "kalshi.pem").chmod(0o644)
    ill = bots.run("doctor", "--home", home.path, "--venue", "kalshi")
    assert 1 == ill.code
    assert "chmod 600" in ill.stdout
    refused = bots.run(*LIVE, "--home", home.path)
    assert 2 == refused.code
    assert "chmod 600" in refused.stderr


def test_without_a_key_there_is_no_real_money(
    bots: WarmBots, tmp_path: Path, venue: LiveKalshi
) -> None:
    """The start is refused with a line that says where a key goes; nothing is traded on paper."""
    home = a_live_home(tmp_path / "home", venue, mode="live")
    bot = bots.run(*LIVE, "--home", home.path)

    assert 2 == bot.code
    assert "KALSHI_API_KEY_ID" in bot.stderr
    assert [] == chain(home)
