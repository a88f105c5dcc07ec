"""What a person decides about paper fills: how much is believed, and how long orders travel."""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain.numbers import Duration


class FillModel(Enum):
    """How much a paper order may believe of what the data leaves open.

    All three share one matcher and differ in what shortens the queue ahead of a resting order; the
    queue of the pessimistic one is never shorter than that of the realistic one, and that never
    shorter than the optimistic one's.
    """

    PESSIMISTIC = "pessimistic"
    REALISTIC = "realistic"
    OPTIMISTIC = "optimistic"


def _not_negative(_: object, attribute: attrs.Attribute[Duration], value: Duration) -> None:
    if value < 0:
        msg = f"{attribute.name} takes {value} µs: nothing arrives before it is sent"
        raise ValueError(msg)


@attrs.frozen(kw_only=True)
class Latency:
    """How long things are under way, in microseconds.

    Args:
        send: an order, from us to the venue.
        cancel: a cancel, from us to the venue.
        data: a market fact, from the venue to us.

    """

    send: Duration = attrs.field(default=Duration(0), validator=_not_negative)
    cancel: Duration = attrs.field(default=Duration(0), validator=_not_negative)
    data: Duration = attrs.field(default=Duration(0), validator=_not_negative)

    @property
    def order(self) -> Duration:
        """From sending an order to its arrival, in the time in which we see the venue."""
        return Duration(self.send + self.data)

    @property
    def withdrawal(self) -> Duration:
        """From sending a cancel to its arrival, in the time in which we see the venue."""
        return Duration(self.cancel + self.data)


AT_ONCE: Final = Latency()


@attrs.frozen(kw_only=True)
class FillTerms:
    """By which model and with which delays paper orders fill."""

    model: FillModel = FillModel.PESSIMISTIC
    latency: Latency = AT_ONCE
