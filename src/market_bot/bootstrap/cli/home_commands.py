"""``market-bot init`` and ``config show``."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Final

from market_bot.adapters.storage.home import Home
from market_bot.bootstrap.cli.faults import UsageFault
from market_bot.bootstrap.settings import settings_of
from market_bot.config.canonical import canonical, config_hash
from market_bot.config.defaults import default_files
from market_bot.config.loader import read_venue

_OLDEST_PYTHON: Final = (3, 11)
_MEGABYTE: Final = 1_000_000


def init(home: Path, *, json: bool) -> int:
    """Make a home and say what to do next."""
    place = Home(home)
    made = place.create(default_files())
    if json:
        print(json_module.dumps({"home": str(place.path), "made": [str(path) for path in made]}))
        return 0
    for path in made:
        print(f"made {path}")
    print(f"{place.path} is ready" + ("" if made else ": nothing was missing"))
    print(f"next: read {place.venue_file('simulated')}, then `market-bot run`")
    return 0


def venue_file(home: Path, venue: str) -> Path:
    """Return a venue's settings file.

    Raises:
        UsageFault: if the home or the file is not there; it says what there is.

    """
    place = Home(home)
    path = place.venue_file(venue)
    if not path.is_file():
        if not place.path.is_dir():
            msg = f"{place.path}: no such home: run `market-bot init`, or give another with --home"
        else:
            known = [p.stem for p in sorted(place.config_dir.glob("*.yaml")) if p != place.bot_file]
            listed = ", ".join(known) or "none: `market-bot init` makes the default ones"
            msg = f"there is no venue {venue!r} in {place.config_dir}: there are {listed}"
        raise UsageFault(msg)
    return path


def show(home: Path, venue: str, *, json: bool) -> int:
    """Print a venue's settings in canonical form."""
    path = venue_file(home, venue)
    sourced = read_venue(path)
    settings_of(sourced)
    text, name = canonical(sourced.config), config_hash(sourced.config)
    if json:
        print(json_module.dumps({"file": str(path), "hash": name, "config": text}))
        return 0
    print(f"{path}  hash {name}")
    print(json_module.dumps(json_module.loads(text), indent=2))
    return 0
