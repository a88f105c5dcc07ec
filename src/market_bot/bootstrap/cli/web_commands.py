"""``market-bot web``: an address that logs in, and the dashboard's password."""

from __future__ import annotations

import getpass
import json as json_module
import sys
from pathlib import Path

from market_bot.adapters.system.control_socket import ControlClient, NoBotRunning
from market_bot.adapters.web.passwords import PasswordError, Passwords
from market_bot.bootstrap.cli.control_commands import home_of
from market_bot.bootstrap.cli.faults import Failure
from market_bot.bootstrap.dashboard import password_file


def link(home: Path, *, json: bool) -> int:
    """Print an address that logs in once."""
    place = home_of(home)
    try:
        answer = ControlClient(place.control_socket).ask("link")
    except NoBotRunning as e:
        msg = f"no bot runs on {place.path}: `market-bot run` starts one"
        raise Failure(msg) from e
    print(json_module.dumps({"link": answer["link"]}) if json else answer["link"])
    return 0


def password(home: Path, *, remove: bool) -> int:
    """Set the password, or have none any more; it counts for the next login."""
    passwords = Passwords(password_file(home_of(home)))
    if remove:
        passwords.remove()
        print("there is no password any more; `market-bot web link` still logs in")
        return 0
    try:
        passwords.set(_asked())
    except PasswordError as e:
        raise Failure(str(e)) from e
    print("the password is set; who is logged in stays so")
    return 0


def _asked() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("new password: ")
    if first != getpass.getpass("once more: "):
        msg = "the two are not the same: nothing was changed"
        raise Failure(msg)
    return first
