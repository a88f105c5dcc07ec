"""Real bots trade real orders at a whole Polymarket on loopback, after a person has armed them."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from market_bot.adapters.storage.home import Home
from market_bot.adapters.system.control_socket import AnsweredNo, ControlClient, ControlError
from tests.fakes.bot_process import BotProcess, WarmBots, wait_until
from tests.fakes.fake_polymarket import CANCEL_ONLY, HANG_UP, SERVER_ERROR
from tests.fakes.fake_polymarket_engine import BAD
from tests.fakes.fake_polymarket_engine import text as decimal
from tests.fakes.fake_polymarket_exchange import DEPOSIT
from tests.fakes.fake_polymarket_records import KEY, PASSPHRASE, SECRET, WALLET
from tests.fakes.live_kalshi import LIKELY as KALSHI_LIKELY
from tests.fakes.live_kalshi import LiveKalshi, a_live_home
from tests.fakes.live_polymarket import (
    LIKELY,
    UNLIKELY,
    LivePolymarket,
    a_polymarket_home,
    live_polymarket,
)
from tests.fakes.terminal import Terminal

LIVE = ("run", "--venue", "polymarket", "--no-web")
ENDS = ("fill_settled", "fill_reversed")
_STIR_S = 0.1
PHRASE = "TRADE LIVE {} max-loss 40"


pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _nobody_left(bots: WarmBots) -> Iterator[None]:
    """End the bots of a test that fails before their venue ends."""
    yield
    bots.end_all()


@pytest.fixture
def venue() -> Iterator[LivePolymarket]:
    """Return a venue that serves."""
    with live_polymarket() as live:
        yield live


@pytest.fixture
def home(tmp_path: Path, venue: LivePolymarket) -> Home:
    """Return a home that has a wallet and wants real money."""
    return a_polymarket_home(tmp_path / "home", venue, mode="live", key=True)


def of_type(home: Home, kind: str, venue: str = "polymarket") -> list[dict[str, Any]]:
    """Return the data of all facts of a type; a line just being written is left out."""
    files = sorted((home.journal_dir / venue / "live").glob("*.jsonl"))
    lines = [line for file in files for line in file.read_bytes().split(b"\n")[:-1]]
    return [fact["data"] for fact in map(json.loads, lines) if fact["type"] == kind]


def shown(home: Home, venue: str = "polymarket") -> dict[str, Any]:
    """Return how a live lane stands, nothing while nobody answers."""
    with contextlib.suppress(ControlError):
        lanes = ControlClient(home.control_socket).ask("status")["lanes"]
        return next((lane for lane in lanes if lane["venue"] == venue), {})
    return {}


def shows(
    home: Home, bot: BotProcess, what: Callable[[dict[str, Any]], bool], venue: str = "polymarket"
) -> dict[str, Any]:
    """Wait until a lane shows something, and return how it stands then."""
    last: dict[str, Any] = {}

    def look() -> bool:
        last.update(shown(home, venue))
        return bool(last) and what(last)

    assert wait_until(lambda: look() or bot.over()), last
    assert not bot.over(), bot.stderr
    return last


def is_ready(lane: dict[str, Any]) -> bool:
    """Tell whether a lane could be armed and knows its markets."""
    agrees = lane["unreconciled"] is None and lane["agreed_at"] is not None
    known = lane["phase"] == "trading" and lane["counts"]["markets"] > 0
    return agrees and known and lane["not_ready"] is None


def ready(bots: WarmBots, home: Home, *options: str) -> BotProcess:
    """Return a bot that could be armed."""
    bot = bots.start(*LIVE, *options, "--home", home.path)
    shows(home, bot, is_ready)
    return bot


def arm(home: Home, venue: str = "polymarket") -> None:
    """Send what the ceremony sends at its end."""
    ControlClient(home.control_socket).ask(
        "arm", venue=venue, by="test", phrase=PHRASE.format(venue), minutes=10
    )


def stirred(venue: LivePolymarket, what: Callable[[], bool], deadline_s: float = 60.0) -> bool:
    """Let little things happen until something holds; tell whether it did before the deadline."""
    random, due = Random(0), 0.0

    def look() -> bool:
        nonlocal due
        if time.monotonic() >= due:
            for number in (LIKELY, UNLIKELY):
                venue.crowd(number, "BUY", "0.1", str(random.randint(1, 9)))
            due = time.monotonic() + _STIR_S
        return what()

    return wait_until(look, deadline_s)


def bought(venue: LivePolymarket, bot: BotProcess, least: int = 1) -> None:
    """Wait until the venue has traded with the bot."""
    assert stirred(venue, lambda: len(venue.engine.trades) >= least or bot.over())
    assert not bot.over(), bot.stderr


def told(home: Home) -> Decimal:
    """Return the shares the journal holds: bought less undone."""
    fills = {fact["fill"]: Decimal(fact["size"]) for fact in of_type(home, "fill")}
    undone = [fills[fact["fill"]] for fact in of_type(home, "fill_reversed")]
    return sum(fills.values(), Decimal(0)) - sum(undone, Decimal(0))


def there(venue: LivePolymarket) -> Decimal:
    """Return the shares that our account will have."""
    with venue.lock:
        _, tokens = venue.engine.final()
    return Decimal(decimal(sum(tokens.values())))


def tells_one_story(home: Home, venue: LivePolymarket) -> bool:
    """Tell whether journal and venue agree on shares bought, and all of them are settled."""
    over = {fact["fill"] for kind in ENDS for fact in of_type(home, kind)}
    open_ended = {fact["fill"] for fact in of_type(home, "fill") if fact["provisional"]} - over
    return told(home) == there(venue) and not open_ended


def never_twice(home: Home, venue: LivePolymarket) -> None:
    """Check that each order was announced before, and that no fill was counted twice."""
    announced = [fact["venue_order"] for fact in of_type(home, "order_intent")]
    fills = [fact["fill"] for fact in of_type(home, "fill")]
    assert sorted(set(announced)) == sorted(announced)
    assert set(venue.engine.orders) <= set(announced)
    assert sorted(set(fills)) == sorted(fills)


def posted(venue: LivePolymarket) -> list[dict[str, Any]]:
    """Return the orders that were sent."""
    return [json.loads(body)["order"] for _, path, _, body in venue.requests if path == "/order"]


def proves(bots: WarmBots, home: Home, *, whole: bool = True, venue: str = "polymarket") -> None:
    """Check the chain, and that every decision is derived again from journal and tape.

    Not ``whole`` where a process was killed: the last seconds of its recording are gone.
    """
    for words in (("verify", "--full"), ("prove", "--chain", f"{venue}/live")):
        checked = bots.run("journal", *words, "--home", home.path)
        assert 0 == checked.code, checked.stderr
        assert not whole or "not derived" not in checked.stdout, checked.stdout


def stopped(bot: BotProcess) -> None:
    """Stop a bot in order."""
    bot.signal(signal.SIGINT)
    assert 0 == bot.wait(), bot.stderr


def test_real_orders_settle(bots: WarmBots, home: Home, venue: LivePolymarket) -> None:
    """Signed, announced, matched, settled on the chain; nothing signed is left behind."""
    bot = ready(bots, home)
    assert stirred(venue, lambda: bool(of_type(home, "denied")))
    assert 0 == venue.engine.posts
    arm(home)
    bought(venue, bot)
    assert stirred(venue, lambda: tells_one_story(home, venue))
    lane = shows(home, bot, lambda lane: lane["agreed_at"] is not None)
    assert 0 == bots.run("flatten", "--home", home.path).code
    assert stirred(venue, lambda: there(venue) == 0)
    shows(home, bot, lambda lane: not lane["positions"])
    stopped(bot)

    assert "sell" in {one["side"].lower() for one in posted(venue)}
    assert lane["account"].startswith("eoa 0x")
    assert "armed" in [gate["name"] for gate in of_type(home, "denied")[0]["gates"]]
    assert [] == list(home.outbox_dir.iterdir())
    assert venue.socket.logins
    never_twice(home, venue)
    proves(bots, home)
    secrets = [KEY, SECRET, PASSPHRASE, *(one["signature"][2:] for one in posted(venue))]
    files = [path for path in home.path.rglob("*") if path.is_file() and path != home.env_file]
    for secret in secrets:
        assert not [path for path in files if secret.encode() in path.read_bytes()]
        assert secret not in bot.stdout + bot.stderr


def test_a_match_that_fails_is_undone(
    bots: WarmBots, tmp_path: Path, venue: LivePolymarket
) -> None:
    """A ghost fill of a deposit wallet: the shares were never there, and everybody says so."""
    venue.wallet, venue.holder = DEPOSIT, WALLET
    home = a_polymarket_home(tmp_path / "home", venue, mode="live", key=True)
    venue.engine.paths.extend([BAD])
    venue.engine.steps_ms = 2_000
    bot = ready(bots, home)
    arm(home)
    bought(venue, bot)
    assert stirred(venue, lambda: bool(of_type(home, "fill_reversed")) or bot.over())
    assert stirred(venue, lambda: tells_one_story(home, venue))
    lane = shows(home, bot, lambda lane: lane["unreconciled"] is None)
    stopped(bot)

    assert f"deposit wallet {WALLET}".lower() == lane["account"].lower()
    assert {DEPOSIT} == {one["signatureType"] for one in posted(venue)}
    never_twice(home, venue)
    proves(bots, home)


def test_a_restart_forgives_no_failed_trades(
    bots: WarmBots, home: Home, venue: LivePolymarket
) -> None:
    """After three of them nothing is opened in the family, also by the next process."""
    venue.engine.paths.extend([BAD] * 3)
    bot = ready(bots, home)
    arm(home)
    assert stirred(venue, lambda: len(of_type(home, "fill_reversed")) == 3 or bot.over())
    stopped(bot)
    sent, refused = venue.engine.posts, len(of_type(home, "order_rejected"))
    again = ready(bots, home)
    arm(home)
    assert stirred(venue, lambda: len(of_type(home, "order_rejected")) > refused or again.over())
    stopped(again)

    assert sent == venue.engine.posts
    assert "failed to settle" in of_type(home, "order_rejected")[-1]["reason"]


def test_a_venue_that_gives_no_credentials_yet(
    bots: WarmBots, home: Home, venue: LivePolymarket
) -> None:
    """The bot starts disarmed, says why, asks on, and can be armed once there are some."""
    venue.fail("/auth/derive-api-key", *[SERVER_ERROR] * 4)
    bot = bots.start(*LIVE, "--home", home.path)
    lane = shows(home, bot, lambda lane: "API credentials" in (lane["not_ready"] or ""))
    with pytest.raises(AnsweredNo, match="API credentials"):
        arm(home)
    shows(home, bot, is_ready)
    arm(home)
    assert wait_until(lambda: bool(of_type(home, "armed")))
    stopped(bot)

    assert lane["armed_until"] is None
    assert venue.socket.logins


def test_a_person_reads_why_not(bots: WarmBots, home: Home, venue: LivePolymarket) -> None:
    """Where the venue takes no orders from, none are armed; the terminal says why."""
    venue.blocked = True
    bot = bots.start(*LIVE, "--home", home.path)
    lane = shows(home, bot, lambda lane: "no orders from" in (lane["not_ready"] or ""))
    person = Terminal("live", "--venue", "polymarket", "--home", home.path)

    assert 1 == person.ends()
    assert "not armed: place: the venue takes no orders from IE" in person.text.replace("\r\n", "")
    assert lane["armed_until"] is None
    with pytest.raises(AnsweredNo, match="no orders from IE"):
        arm(home)
    stopped(bot)
    assert [] == of_type(home, "armed")


def test_halt_cancels_what_waits(bots: WarmBots, tmp_path: Path, venue: LivePolymarket) -> None:
    """The kill switch has a client of its own; without a bot the command cancels by itself."""
    home = a_polymarket_home(
        tmp_path / "maker",
        venue,
        mode="live",
        key=True,
        style="maker",
        patience_seconds=600,
        heartbeats=True,
    )
    bot = ready(bots, home)
    arm(home)
    assert stirred(venue, lambda: any(order.left for order in venue.engine.orders.values()))
    bot.kill()
    again = ready(bots, home)
    shows(home, again, lambda lane: bool(lane["orders"]))

    assert 0 == bots.run("halt", "--home", home.path).code
    assert wait_until(lambda: not any(order.left for order in venue.engine.orders.values()))
    assert venue.asked("/cancel-all") >= 1
    assert venue.beats >= 1
    shows(home, again, lambda lane: not lane["orders"])
    stopped(again)
    never_twice(home, venue)
    alone = bots.run("halt", "--home", home.path)
    assert 0 == alone.code, alone.stderr


def test_the_venue_s_state_stops_entries(bots: WarmBots, home: Home, venue: LivePolymarket) -> None:
    """While only cancels are taken nothing is sent again and again; then trading goes on."""
    status, words, _ = CANCEL_ONLY
    venue.fail("/order", (status, words, {"Retry-After": "1"}))
    bot = ready(bots, home)
    arm(home)
    assert stirred(venue, lambda: bool(of_type(home, "venue_state")))
    assert "cancel_only" == of_type(home, "venue_state")[0]["state"]
    bought(venue, bot)
    stopped(bot)

    never_twice(home, venue)
    proves(bots, home)


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment_with_real_orders(
    bots: WarmBots, home: Home, venue: LivePolymarket, seed: int
) -> None:
    """Kills, lost answers, failed settlements: one order per intent, and one story in the end."""
    random = Random(seed)
    for _ in range(2):
        bot = ready(bots, home)
        fault = random.choice((HANG_UP, SERVER_ERROR, None))
        if fault is not None:
            venue.fail("/order", fault)
        if random.random() < 0.5:
            venue.engine.paths.append(BAD)
        arm(home)
        asked = venue.asked("/order") + random.randint(1, 2)
        stirred(venue, lambda asked=asked: venue.asked("/order") >= asked, 4)  # type: ignore[misc] # the loop's own
        bot.kill()
        venue.faults.clear()
    last = ready(bots, home)

    assert stirred(venue, lambda: tells_one_story(home, venue))
    shows(home, last, lambda lane: not any(one["state"] == "unknown" for one in lane["orders"]))
    stopped(last)
    never_twice(home, venue)
    proves(bots, home, whole=False)


def test_both_venues_with_real_money(bots: WarmBots, home: Home, venue: LivePolymarket) -> None:
    """Each is armed by itself; one thread, one chain, one account each."""
    with LiveKalshi() as kalshi:
        a_live_home(home.path, kalshi, mode="live", key=True)
        secrets = home.env_file.read_text()
        home.env_file.write_text(
            f"{secrets}POLYMARKET_PRIVATE_KEY={KEY}\nPOLYMARKET_SIGNATURE_TYPE=0\n"
        )
        bot = bots.start(*LIVE, "--venue", "kalshi", "--home", home.path)
        for name in ("polymarket", "kalshi"):
            shows(home, bot, is_ready, name)
        arm(home)
        bought(venue, bot)
        assert [] == of_type(home, "order_intent", "kalshi")
        arm(home, "kalshi")

        def traded() -> bool:
            kalshi.engine.crowd(KALSHI_LIKELY, "bid", "0.1000", "1.00")
            return bool(kalshi.engine.fills)

        assert stirred(venue, lambda: traded() or bot.over())
        assert stirred(venue, lambda: tells_one_story(home, venue))
        stopped(bot)
    never_twice(home, venue)
    for name in ("polymarket", "kalshi"):
        proves(bots, home, venue=name)


def test_the_doctor(bots: WarmBots, home: Home, venue: LivePolymarket) -> None:
    """Wallet, balance, allowances and what the account may do have a line each."""
    well = bots.run("doctor", "--home", home.path, "--venue", "polymarket", "--json")
    checks = {one["name"]: one for one in json.loads(well.stdout)}

    assert 0 == well.code, well.stdout
    assert {"ok"} == {checks[name]["health"] for name in ("wallet", "account", "allowance")}
    assert "500 pUSD" in checks["balance"]["text"]
    venue.close_only = True
    venue.spenders.clear()
    ill = bots.run("doctor", "--home", home.path, "--venue", "polymarket")
    assert 1 == ill.code
    assert "may only close positions" in ill.stdout
    assert "may not move the money" in ill.stdout
    assert KEY not in well.stdout + ill.stdout


def test_without_a_wallet_there_is_no_real_money(
    bots: WarmBots, tmp_path: Path, venue: LivePolymarket
) -> None:
    """The start is refused with a line that says what goes where; nothing is traded on paper."""
    home = a_polymarket_home(tmp_path / "home", venue, mode="live")
    bot = bots.run(*LIVE, "--home", home.path)

    assert 2 == bot.code
    assert "POLYMARKET_PRIVATE_KEY" in bot.stderr
    assert [] == of_type(home, "bot_started")
