"""Words to a service manager: over a real socket, and never in the bot's way."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import attrs
import pytest

from market_bot.adapters.system.service_manager import ServiceManager
from market_bot.bootstrap.pulse import EVERY_S, Pulse
from market_bot.bootstrap.running_bot import RunningBot
from market_bot.core.usecases.lane_snapshot import LaneSnapshot


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Return a manager's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(str(tmp_path / "notify"))
        there.settimeout(5)
        yield there


@attrs.define(eq=False)
class Lanes:
    """A bot of which only its lanes are asked."""

    hanging: list[str] = attrs.field(factory=list)

    def lanes(self) -> Sequence[LaneSnapshot]:
        return [LaneSnapshot(venue="kalshi", lane="paper", run="", phase="trading")]

    def stalled_lanes(self) -> Sequence[str]:
        return self.hanging


def test_a_lane_that_hangs_takes_the_sign_of_life_away(manager: socket.socket) -> None:
    """Ready, then a sign of life every few seconds while all is well, then only what is wrong."""
    lanes = Lanes()
    environment = {"NOTIFY_SOCKET": manager.getsockname()}
    pulse = Pulse(ServiceManager.of(environment), cast("RunningBot", lanes))
    pulse.ready()
    pulse.beat(0.0)
    pulse.beat(EVERY_S / 2)
    lanes.hanging.append("kalshi/paper")
    pulse.beat(EVERY_S)
    lanes.hanging.clear()
    pulse.beat(3 * EVERY_S)
    pulse.stopping()

    told = [manager.recv(1000).decode() for _ in range(5)]
    assert told == [
        "READY=1\nSTATUS=kalshi/paper trading",
        "WATCHDOG=1\nSTATUS=kalshi/paper trading",
        "STATUS=stalled: kalshi/paper",
        "WATCHDOG=1\nSTATUS=kalshi/paper trading",
        "STOPPING=1",
    ]


def test_an_abstract_address_is_one(tmp_path: Path) -> None:
    """A name that begins with @ lies in no folder."""
    name = f"market-bot-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(f"\0{name}")
        there.settimeout(5)
        ServiceManager(f"@{name}").ready("a\nb")
        assert b"READY=1\nSTATUS=a?b" == there.recv(1000)


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody-listens-here"])
def test_nobody_to_tell_is_no_trouble(address: str) -> None:
    """At a terminal, or with a manager that is gone, nothing happens."""
    ServiceManager(address).well("fine")


def test_a_manager_that_does_not_read_holds_nothing_up(manager: socket.socket) -> None:
    """Its queue fills, and what does not fit is not sent."""
    there = ServiceManager(manager.getsockname())
    for _ in range(2_000):
        there.well("fine")

    assert b"WATCHDOG=1\nSTATUS=fine" == manager.recv(1000)
