"""What models may cost in a day, whoever asks: the night, or a person at the command line.

The whole of what is left is taken before a question and what was not spent is put back after it, so
that two who ask at once, or one who is killed, cannot spend more.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import attrs

from market_bot.core.domain.numbers import NO_MONEY, Micros, Money, utc_date
from market_bot.core.domain.tuning.brief import Brief
from market_bot.core.ports.advisor import Advice, Advisor, Silence
from market_bot.core.ports.clock import Clock

_PRIVATE_FILE: Final = 0o600
_FILE_MAX: Final = 1_024


class Purse:
    """How much of a day's money is spent, in a small file that a person may delete.

    Args:
        path: the file; a damaged one counts as empty hands until the next day.
        daily: what a UTC day may cost, in 1e-12 dollars.

    """

    def __init__(self, path: Path, daily: Money) -> None:
        self._path, self._daily = path, daily

    def take(self, at: Micros) -> Money:
        """Take all that is left of a day, and return it.

        Raises:
            OSError: if the file cannot be written.

        """
        with self._open() as descriptor:
            left = self._daily - self._spent(descriptor, at)
            if left <= 0:
                return NO_MONEY
            _write(descriptor, at, self._daily)
            return Money(left)

    def put_back(self, at: Micros, amount: Money) -> None:
        """Put back what was not spent of what was taken on the same day.

        Raises:
            OSError: as `take`.

        """
        with self._open() as descriptor:
            spent = self._spent(descriptor, at) - max(0, amount)
            _write(descriptor, at, Money(max(0, spent)))

    @contextlib.contextmanager
    def _open(self) -> Iterator[int]:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _spent(self, descriptor: int, at: Micros) -> int:
        data = os.pread(descriptor, _FILE_MAX, 0)
        if not data:
            return 0
        try:
            told = json.loads(data)
            date, spent = told["date"], told["spent"]
        except (ValueError, KeyError, TypeError):
            date, spent = utc_date(at), None
        if date != utc_date(at):
            return 0
        return spent if type(spent) is int and spent >= 0 else self._daily


def _write(descriptor: int, at: Micros, spent: Money) -> None:
    data = json.dumps({"date": utc_date(at), "spent": int(spent)}).encode()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, data, 0)
    os.fsync(descriptor)


class Budgeted(Advisor):
    """Asks an advisor that is made for the money that is left today.

    Args:
        purse: the day's money.
        make: returns an advisor that spends no more than an amount.
        clock: says which day it is.
        name: of the advisor that is made.

    """

    def __init__(
        self, purse: Purse, make: Callable[[Money], Advisor], clock: Clock, name: str
    ) -> None:
        self._purse, self._make, self._clock, self._name = purse, make, clock, name

    @property
    def name(self) -> str:
        return self._name

    def advise(self, brief: Brief) -> Advice:
        """Return what an advisor says that keeps to the day's money; see `Advisor`."""
        plain = Advice(advisor=self._name)
        if not brief.turns:
            return attrs.evolve(plain, silence=Silence.NOTHING_TO_TURN)
        at = self._clock.now()
        try:
            left = self._purse.take(at)
        except OSError:
            left = NO_MONEY
        if left <= 0:
            return attrs.evolve(plain, silence=Silence.OVER_BUDGET)
        advice = self._make(left).advise(brief)
        # What cannot be put back stays spent: that is the careful side.
        with contextlib.suppress(OSError):
            self._purse.put_back(at, Money(left - advice.cost))
        return advice
