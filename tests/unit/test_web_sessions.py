"""Who is logged in, for how long, and how often a password may be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_bot.adapters.web.passwords import PasswordError, Passwords
from market_bot.adapters.web.sessions import (
    ABSOLUTE,
    CODE_LIFETIME,
    CODES_MAX,
    IDLE,
    SESSIONS_MAX,
    STEP_UP,
    WRONG_MAX,
    NotLetInError,
    Sessions,
)
from market_bot.core.domain.numbers import SECOND
from tests.fakes.web import PASSWORD, Wall, some_sessions


def test_a_code_logs_in_once() -> None:
    """The second use of a link is refused."""
    sessions = some_sessions()
    code = sessions.new_code()

    cookie, session = sessions.log_in(code=code)

    assert sessions.find(cookie, touch=True) is session
    with pytest.raises(NotLetInError, match="used or is too old"):
        sessions.log_in(code=code)


def test_a_code_grows_old() -> None:
    """A link is good for an hour, and not before it was made."""
    wall = Wall()
    sessions = some_sessions(wall)
    late, early = sessions.new_code(), sessions.new_code()

    wall.move(CODE_LIFETIME / SECOND)
    with pytest.raises(NotLetInError):
        sessions.log_in(code=late)
    wall.move(-2 * CODE_LIFETIME / SECOND)
    with pytest.raises(NotLetInError):
        sessions.log_in(code=early)


def test_codes_are_few() -> None:
    """Of many links only the newest are good."""
    sessions = some_sessions()
    codes = [sessions.new_code() for _ in range(CODES_MAX + 1)]

    with pytest.raises(NotLetInError):
        sessions.log_in(code=codes[0])
    sessions.log_in(code=codes[1])


def test_an_idle_session_ends() -> None:
    """Who does nothing for half an hour is logged out; who looks on is not."""
    wall = Wall()
    sessions = some_sessions(wall)
    cookie, _ = sessions.log_in(password=PASSWORD)

    for _ in range(3):
        wall.move(IDLE / SECOND - 1)
        assert sessions.find(cookie, touch=True) is not None
    wall.move(IDLE / SECOND)

    assert sessions.find(cookie, touch=True) is None
    wall.move(-IDLE / SECOND)
    assert sessions.find(cookie, touch=True) is None


def test_listening_is_no_sign_of_life() -> None:
    """A session that is only listened with ends as if nobody were there."""
    wall = Wall()
    sessions = some_sessions(wall)
    cookie, session = sessions.log_in(password=PASSWORD)

    wall.move(IDLE / SECOND - 1)
    assert sessions.find(cookie, touch=False) is session
    assert sessions.holds(session)
    wall.move(1)

    assert not sessions.holds(session)


def test_no_session_lasts_longer_than_half_a_day() -> None:
    """However busy somebody is, after twelve hours he logs in again."""
    wall = Wall()
    sessions = some_sessions(wall)
    cookie, _ = sessions.log_in(password=PASSWORD)
    step = IDLE / SECOND - 1
    for _ in range(int(ABSOLUTE // SECOND // step)):
        wall.move(step)
        assert sessions.find(cookie, touch=True) is not None

    wall.move(step)

    assert sessions.find(cookie, touch=True) is None


def test_a_clock_set_back_ends_sessions() -> None:
    """A session from the future is none."""
    wall = Wall()
    sessions = some_sessions(wall)
    cookie, _ = sessions.log_in(password=PASSWORD)

    wall.move(-1)

    assert sessions.find(cookie, touch=True) is None


@pytest.mark.parametrize("cookie", ["", "x", "x" * 10_000])
def test_a_guess_is_no_session(cookie: str) -> None:
    """Whatever stands in a cookie, only a session's own secret opens it."""
    sessions = some_sessions()
    _, session = sessions.log_in(password=PASSWORD)

    assert sessions.find(cookie, touch=True) is None
    assert sessions.find(session.digest, touch=True) is None


def test_everybody_can_be_logged_out() -> None:
    """Afterwards neither cookies nor links are good."""
    sessions = some_sessions()
    (one, _), (other, session) = (sessions.log_in(password=PASSWORD) for _ in range(2))
    code = sessions.new_code()

    sessions.log_out(session)
    assert [True, False] == [sessions.find(c, touch=True) is not None for c in (one, other)]
    sessions.log_out_all()

    assert sessions.find(one, touch=True) is None
    with pytest.raises(NotLetInError):
        sessions.log_in(code=code)


def test_sessions_are_few() -> None:
    """One login too many ends the session that was quiet for longest."""
    wall = Wall()
    sessions = some_sessions(wall)
    cookies = []
    for _ in range(SESSIONS_MAX + 1):
        cookies.append(sessions.log_in(password=PASSWORD)[0])
        wall.move(1)

    assert sessions.find(cookies[0], touch=False) is None
    assert all(sessions.find(cookie, touch=False) is not None for cookie in cookies[1:])


def wrong(sessions: Sessions, password: str = "no") -> float | None:  # noqa: S107 - no password
    """Try a password; return for how many seconds not to try again, if that was said."""
    with pytest.raises(NotLetInError) as refused:
        sessions.log_in(password=password)
    return None if refused.value.wait is None else refused.value.wait / SECOND


def test_wrong_passwords_cost_time() -> None:
    """After five wrong ones each costs half a minute, a minute, two, up to a quarter of an hour."""
    wall = Wall()
    sessions = some_sessions(wall)
    for _ in range(WRONG_MAX):
        assert wrong(sessions) is None

    waits = []
    for _ in range(7):
        wait = wrong(sessions, PASSWORD)
        assert wait is not None
        waits.append(wait)
        wall.move(wait)
        wrong(sessions)

    assert [30, 60, 120, 240, 480, 900, 900] == waits


def test_the_right_password_makes_up_for_wrong_ones() -> None:
    """Who waited and knows it starts anew."""
    wall = Wall()
    sessions = some_sessions(wall)
    for _ in range(WRONG_MAX):
        wrong(sessions)
    wall.move(30)

    sessions.log_in(password=PASSWORD)

    assert wrong(sessions) is None


def test_a_link_logs_in_whatever_was_tried() -> None:
    """Nobody is kept out of his own bot by somebody who guesses."""
    sessions = some_sessions()
    for _ in range(WRONG_MAX + 1):
        wrong(sessions)

    sessions.log_in(code=sessions.new_code())


def test_a_wrong_code_is_not_counted() -> None:
    """Links cannot be guessed, so guessing them keeps nobody out."""
    sessions = some_sessions()
    for _ in range(50):
        with pytest.raises(NotLetInError):
            sessions.log_in(code="guess")

    sessions.log_in(password=PASSWORD)


def test_a_second_proof_lasts_five_minutes() -> None:
    """It belongs to one session and takes a proof of its own."""
    wall = Wall()
    sessions = some_sessions(wall)
    (_, session), (_, other) = (sessions.log_in(password=PASSWORD) for _ in range(2))
    assert not sessions.stepped_up(session)
    with pytest.raises(NotLetInError):
        sessions.step_up(session, password="wrong")
    assert not sessions.stepped_up(session)

    sessions.step_up(session, password=PASSWORD)

    assert [True, False] == [sessions.stepped_up(one) for one in (session, other)]
    wall.move(STEP_UP / SECOND)
    assert not sessions.stepped_up(session)
    assert ABSOLUTE > STEP_UP


def test_secrets_are_not_printed() -> None:
    """What a log could catch of a session opens nothing."""
    cookie, session = some_sessions().log_in(password=PASSWORD)

    assert session.csrf not in repr(session)
    assert cookie not in repr(session)


def test_a_password_is_kept_as_a_hash(tmp_path: Path) -> None:
    """The file is private, holds no password, and knows it again."""
    passwords = Passwords(tmp_path / "web_password")
    there = [passwords.is_set]
    assert not passwords.matches(PASSWORD)

    passwords.set(PASSWORD)

    text = passwords.file.read_text()
    assert PASSWORD not in text
    assert text.startswith("scrypt:")
    assert 0o600 == passwords.file.stat().st_mode & 0o777
    there.append(passwords.is_set)
    assert passwords.matches(PASSWORD)
    assert not passwords.matches(PASSWORD + " ")
    assert not passwords.matches("")
    first = text
    passwords.set(PASSWORD)
    assert first != passwords.file.read_text()
    passwords.remove()
    passwords.remove()
    assert [False, True, False] == [*there, passwords.is_set]


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 257])
def test_a_poor_password_is_refused(tmp_path: Path, password: str) -> None:
    """A password has 12 to 256 characters, and what was there stays."""
    passwords = Passwords(tmp_path / "web_password")

    with pytest.raises(PasswordError, match="12 to 256"):
        passwords.set(password)

    assert not passwords.is_set


def test_a_strange_file_is_no_password(tmp_path: Path) -> None:
    """What others can read, or what is no hash, is not taken for one."""
    passwords = Passwords(tmp_path / "web_password")
    passwords.set(PASSWORD)
    passwords.file.chmod(0o644)
    with pytest.raises(PasswordError, match="chmod 600"):
        passwords.matches(PASSWORD)
    passwords.file.chmod(0o600)
    passwords.file.write_text("scrypt::\n")
    with pytest.raises(PasswordError, match="web password"):
        _ = passwords.is_set
