"""The dashboard of a run: who may log in, where it is served, and the address that logs in once."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal import AppendPace, JsonlJournal
from market_bot.adapters.system.secrets import SecretsError, load_secrets
from market_bot.adapters.web.passwords import PasswordError, Passwords
from market_bot.adapters.web.sessions import Sessions
from market_bot.bootstrap.fed_lanes import FedAssembled
from market_bot.bootstrap.known_secrets import METRICS_TOKEN, redaction_of
from market_bot.bootstrap.looks import Looks
from market_bot.bootstrap.message_ring import MessageRing
from market_bot.bootstrap.nightly import Nightly
from market_bot.bootstrap.operator_desk import OperatorDesk, Surrounding
from market_bot.bootstrap.running_bot import RunningBot
from market_bot.bootstrap.system_log import CHAIN, SystemLog
from market_bot.bootstrap.taped_lane import Assembled
from market_bot.config.schema import Web
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.journal import Chain, Journal, JournalError
from market_bot.core.usecases.decide_proposal import Ledger

if TYPE_CHECKING:
    from market_bot.adapters.web.server import WebServer

PASSWORD_FILE: Final = "web_password"  # noqa: S105 - the name of a file
_LOGGER: Final = "market_bot"


def password_file(home: Home) -> Path:
    """Return where the hash of the dashboard's password lies."""
    return home.config_dir / PASSWORD_FILE


def make_desk(
    home: Home,
    bot: RunningBot,
    lanes: Sequence[Assembled | FedAssembled],
    clock: Clock,
    system: SystemLog,
    nights: Nightly | None,
) -> OperatorDesk:
    """Return the bot as its dashboard sees it; before its threads start."""
    looks = Looks(bot.over)
    bot.measure("system", lambda: system.waiting)
    for one in lanes:
        looks.watch(one.lane.name, one.lane.trader)

    def ledger(chain: Chain) -> Ledger | None:
        book = None if nights is None else nights.books.get(str(chain))
        try:
            return None if book is None else book.ledger()
        except JournalError:
            # Told where it matters: whoever asks for proposals reads the journal himself.
            return None

    return OperatorDesk(
        bot,
        Surrounding(
            home=home,
            clock=clock,
            looks=looks,
            messages=_listening(home),
            environment=os.environ,
            note=system.note,
            ledgers=ledger,
            journals=_paces(lanes, system),
            allowances=lambda: {
                one.lane.name: one.parts.allowances()
                for one in lanes
                if isinstance(one, FedAssembled)
            },
        ),
    )


def make_server(
    desk: OperatorDesk, home: Home, clock: Clock, web: Web, host: str | None, port: int | None
) -> tuple[WebServer, Sessions]:
    """Return the dashboard's server, its address taken, and who may log in.

    Raises:
        WebError: if the address cannot be had, or others could reach it unprotected.

    """
    # Imported only where a page is wanted: it is the heaviest library of all.
    from market_bot.adapters.web.app import create_app  # noqa: PLC0415 - see above
    from market_bot.adapters.web.bearers import metrics_token  # noqa: PLC0415 - see above
    from market_bot.adapters.web.server import Tls, WebError, WebServer  # noqa: PLC0415 - see above

    passwords = Passwords(password_file(home))
    try:
        password_set = passwords.is_set
    except PasswordError as e:
        raise WebError(str(e)) from e
    sessions = Sessions(clock.now, passwords.matches, lambda: passwords.is_set)
    try:
        token = metrics_token(_told_token(home))
    except ValueError as e:
        raise WebError(str(e)) from e
    tls = None
    if web.tls_certificate is not None and web.tls_key is not None:
        tls = Tls(Path(web.tls_certificate), Path(web.tls_key))
    server = WebServer(
        lambda hosts: create_app(
            desk,
            sessions,
            allowed_hosts=hosts,
            secure=tls is not None,
            read_only=web.read_only,
            metrics_token=token,
        ),
        host or web.host,
        web.port if port is None else port,
        tls=tls,
        names=web.names,
        password_set=password_set,
    )
    return server, sessions


def login_link(server: WebServer, sessions: Sessions) -> str:
    """Return an address that logs in once; browsers tell nobody what stands after the #."""
    return f"{server.url}#login={sessions.new_code()}"


def _told_token(home: Home) -> str:
    try:
        return load_secrets(home.env_file).get(METRICS_TOKEN, "")
    except SecretsError:
        # Then nobody has a token; whoever needs a key of that file says what is wrong with it.
        return ""


def _paces(lanes: Sequence[Assembled | FedAssembled], system: SystemLog) -> dict[str, AppendPace]:
    journals: dict[str, Journal | None] = {
        one.lane.name: one.journal if isinstance(one, FedAssembled) else one.redo.inner
        for one in lanes
    }
    journals[f"{CHAIN.venue}/{CHAIN.lane}"] = system.recorder.journal
    return {
        name: journal.pace
        for name, journal in journals.items()
        if isinstance(journal, JsonlJournal)
    }


def _listening(home: Home) -> MessageRing:
    """Return what keeps the program's messages, the only one that listens to them."""
    logger, ring = logging.getLogger(_LOGGER), MessageRing(redaction_of(home))
    for handler in [one for one in logger.handlers if isinstance(one, MessageRing)]:
        logger.removeHandler(handler)
    logger.addHandler(ring)
    return ring
