"""API credentials that are not there yet: nothing is sent, it is said, and they are asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import pytest

from market_bot.adapters.polymarket.auth import ApiCredentials
from market_bot.adapters.polymarket.problems import (
    Kind,
    LoggedOut,
    NoAnswer,
    Unreachable,
    VenueProblem,
)
from market_bot.adapters.polymarket.rest import PolymarketRest
from market_bot.adapters.polymarket.user_stream import UserStream
from market_bot.bootstrap.polymarket_live import StreamInbox
from market_bot.bootstrap.polymarket_login import (
    AGAIN,
    KeptLogin,
    WatchLogin,
    is_lasting,
    known_login,
)
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.execution import Rejected
from market_bot.core.ports.outbox import Letter
from tests.fakes.fake_polymarket_records import API_KEY, PASSPHRASE, SECRET
from tests.fakes.fake_polymarket_rig import MemoryOutbox, PolymarketRig

CREDENTIALS = ApiCredentials(address="0x1", key=API_KEY, secret=SECRET, passphrase=PASSPHRASE)
NOW = Micros(1_000_000_000)


class Busy(Actor):
    """Counts its steps."""

    def __init__(self) -> None:
        self.steps = 0
        self.stopped = ""

    @property
    def name(self) -> str:
        """What to call it."""
        return "busy"

    def step(self, now: Micros) -> Micros | None:
        self.steps += 1
        return Micros(now + 7)

    def stop(self, now: Micros, reason: str) -> None:
        self.stopped = reason


class Nothing(MemoryOutbox):
    """Is never given anything."""

    def put(self, letters: Sequence[Letter]) -> None:
        raise AssertionError(letters)


def answering(*answers: Exception | ApiCredentials) -> KeptLogin:
    """Return a login whose venue answers so, in turn."""
    waiting = deque(answers)

    def ask() -> ApiCredentials:
        answer = waiting.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer

    return KeptLogin(ask)


def test_without_credentials_there_is_a_reason() -> None:
    """Whoever asks is told why, and that nothing was sent."""
    login = answering(Unreachable("no route"), CREDENTIALS)
    with pytest.raises(LoggedOut, match="not asked for yet"):
        login()
    with pytest.raises(Unreachable):
        login.learn()
    assert "no route" in (login.problem or "")
    login.learn()

    assert login.problem is None
    assert CREDENTIALS is login()
    assert isinstance(LoggedOut("x"), Unreachable)


def test_what_is_known_is_not_asked_for_again() -> None:
    """One answer is enough for the life of the process; neither shows a secret."""
    login = known_login(CREDENTIALS)
    login.learn()
    assert CREDENTIALS is login()
    assert SECRET not in repr(login)


def test_the_watch_asks_until_they_are_there() -> None:
    """It says why not once, comes back soon, and goes on to what needs them."""
    said: list[str] = []
    then = Busy()
    login = answering(NoAnswer("silence"), NoAnswer("silence"), CREDENTIALS)
    watch = WatchLogin(login, then, said.append)

    assert [Micros(NOW + AGAIN)] * 2 == [watch.step(NOW), watch.step(NOW)]
    assert (0, 1) == (then.steps, len(said))
    assert Micros(NOW + 7) == watch.step(NOW)
    assert Micros(NOW + 7) == watch.step(NOW)
    assert 2 == then.steps
    watch.stop(NOW, "over")
    assert ("busy", "over") == (watch.name, then.stopped)


@pytest.mark.parametrize(
    ("error", "lasting"),
    [
        (VenueProblem(Kind.AUTH, 401, ""), True),
        (VenueProblem(Kind.REFUSED, 400, ""), True),
        (VenueProblem(Kind.UNKNOWN, 500, ""), False),
        (VenueProblem(Kind.RESTARTING, 425, ""), False),
        (VenueProblem(Kind.RATE, 429, ""), False),
        (Unreachable(""), False),
        (NoAnswer(""), False),
    ],
)
def test_a_no_to_the_key_is_not_an_outage(error: Exception, *, lasting: bool) -> None:
    """Only an outage is waited for."""
    assert lasting is is_lasting(error)


def test_nothing_is_sent_and_nothing_kept_without_credentials() -> None:
    """Neither bytes in the outbox nor a request, and it is no doubt: it was not sent."""
    rig = PolymarketRig()
    login = answering(Unreachable("no route"), CREDENTIALS)
    rig.rest = PolymarketRest(rig.wire, rig.clock, rig.clock.wait, login=login)
    rig.outbox = Nothing()
    rig.new_desk(owner=lambda: login().key)
    outcome = rig.desk.submit(rig.intent(), rig.now)

    assert isinstance(outcome, Rejected)
    assert "not asked for yet" in outcome.reason
    assert not rig.desk.cancel_all(rig.now)
    assert [] == rig.wire.sent


def test_what_is_not_sent_does_not_count() -> None:
    """Otherwise the lane would wait for its own limit while there are no credentials."""
    rig = PolymarketRig()
    rest = PolymarketRest(rig.wire, rig.clock, rig.clock.wait, login=answering())
    for _ in range(100):
        with pytest.raises(LoggedOut):
            rest.open_orders()

    assert [] == rig.clock.waits


def test_the_stream_begins_with_the_credentials() -> None:
    """Before them there is none, and nothing is pushed."""
    begun: list[ApiCredentials] = []

    def begin(credentials: ApiCredentials) -> UserStream:
        begun.append(credentials)
        raise AssertionError

    login = answering(CREDENTIALS)
    inbox = StreamInbox(login, begin, print)
    assert [] == list(inbox.drain())
    inbox.close()
    login.learn()
    with pytest.raises(AssertionError):
        inbox.drain()
    assert [CREDENTIALS] == begun
