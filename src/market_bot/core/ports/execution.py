"""Execution: send an intent once, cancel, and collect what the venue says happened."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

import attrs

from market_bot.core.domain.numbers import Micros, Money, Price, Size
from market_bot.core.domain.orders import Style
from market_bot.core.domain.portfolio import NO_CAPABILITIES, VenueCapabilities
from market_bot.core.domain.signals import Intent


@attrs.frozen
class Accepted:
    """The venue has the order; ``queue_ahead`` is displayed size in front of a resting one."""

    venue_order: str
    queue_ahead: Size | None = None


@attrs.frozen
class Rejected:
    """The venue provably refused the order; only listed, proven cases may say this."""

    code: str
    reason: str = ""


@attrs.frozen
class Unknown:
    """Nobody can tell whether the venue has the order."""

    reason: str


Outcome = Accepted | Rejected | Unknown


@attrs.frozen(kw_only=True)
class Filled:
    """The venue traded an order; ``cost`` is what moved before the fee, in dollars (1e-12)."""

    intent: str
    fill: str
    price: Price
    size: Size
    cost: Money
    fee: Money
    liquidity: Style
    at: Micros
    provisional: bool = False


@attrs.frozen
class Cancelled:
    """The venue proved that nothing more will fill."""

    intent: str
    reason: str


@attrs.frozen
class Settled:
    """A provisional fill became final."""

    intent: str
    fill: str


@attrs.frozen
class Reversed:
    """A provisional fill was undone."""

    intent: str
    fill: str
    reason: str


@attrs.frozen
class Confirmed:
    """An order of unknown fate was found at the venue."""

    intent: str
    venue_order: str


@attrs.frozen
class Refused:
    """An order of unknown fate provably never existed at the venue."""

    intent: str
    code: str


@attrs.frozen
class Merged:
    """The venue turned pairs of YES and NO into money; ``intent`` is the name it was asked by."""

    intent: str
    market: str
    size: Size
    payout: Money


@attrs.frozen
class Rewarded:
    """The venue paid for something else than a trade; ``intent`` is the name of the payment.

    A negative ``amount`` is taken back; ``market`` is None if it was not for one market.
    """

    intent: str
    kind: str
    amount: Money
    market: str | None = None


Fact = Filled | Cancelled | Settled | Reversed | Confirmed | Refused | Merged | Rewarded


class Execution(Protocol):
    """A venue's order desk behind a synchronous face."""

    @property
    def abilities(self) -> VenueCapabilities:
        """What can be done with pairs of YES and NO; nothing unless the adapter says so."""
        return NO_CAPABILITIES

    def order_name(self, intent: Intent, at: Micros) -> str:  # noqa: ARG002 - for those that know
        """Return the venue's name of an order that `submit` will send at the same moment.

        It goes into the journal before anything is sent. Empty where the venue gives the name;
        it never raises, and asks nobody.
        """
        return ""

    @abstractmethod
    def submit(self, intent: Intent, at: Micros) -> Outcome:
        """Send an order once; never raises for a venue's answer, doubt is `Unknown`."""

    @abstractmethod
    def cancel(self, intent: str, at: Micros) -> None:
        """Ask to cancel; whether it worked comes with `collect`."""

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:
        """Ask to turn pairs into money; asked only where `abilities` say that pairs pay.

        Whether it worked comes with `collect`, under the name ``merge``.

        Raises:
            NotImplementedError: if the adapter has no such ability.

        """
        msg = f"{merge}: {type(self).__name__} cannot merge {size} of {market} at {at}"
        raise NotImplementedError(msg)

    @abstractmethod
    def collect(self, at: Micros) -> Sequence[Fact]:
        """Return what happened since the last call, each fact at least once, in order."""

    def conclude(self, at: Micros) -> Sequence[Fact]:
        """Return the last facts: nothing is asked any more, and no market data follows.

        Whoever knows by itself when answers are there tells those still under way, too.
        """
        return self.collect(at)

    def leave(self) -> None:
        """Let go of all that is watched: nothing is asked and nothing collected any more."""
        return
