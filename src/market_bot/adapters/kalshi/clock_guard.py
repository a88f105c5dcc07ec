"""Whether this machine's clock agrees with the venue's well enough to sign.

The venue refuses timestamps that are off by somewhere between 10 and 30 seconds (measured in
2026; undocumented). We stop earlier, because a clock that drifts is going to drift on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import attrs

from market_bot.core.domain.numbers import SECOND, Duration, Micros, from_datetime

from .errors import ClockSkewError

MAX_SKEW: Final = Duration(2 * SECOND)


def server_time(headers: Mapping[str, str]) -> Micros | None:
    """Return the second in which the venue itself answered, None if a cache did or nobody says.

    Args:
        headers: of an answer, with names in small letters.

    """
    if headers.get("age", "0") != "0" or "hit" in headers.get("x-cache", "").lower():
        return None
    try:
        moment = parsedate_to_datetime(headers.get("date", ""))
        return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


@attrs.define(eq=False)
class ClockGuard:
    """Watches the venue's time; mutable, owned by one thread.

    ``skew`` is how far our clock is ahead at the very least, negative when it is behind, zero while
    it may be right; the truth lies somewhere in the travelling time and in the second that the
    venue's `Date` leaves open.
    """

    limit: Duration = MAX_SKEW
    skew: Duration = Duration(0)

    def observe(self, sent: Micros, received: Micros, server: Micros | None) -> None:
        """Compare the venue's time with ours when we asked and when we had the answer."""
        if server is None or received < sent:
            return
        # The venue answered within [server, server + 1 s), we within [sent, received].
        ahead, behind = sent - (server + SECOND), received - server
        self.skew = Duration(ahead if ahead > 0 else min(0, behind))

    def check(self) -> None:
        """Refuse to sign while the clocks differ too much.

        Raises:
            ClockSkewError: if they do.

        """
        if abs(self.skew) <= self.limit:
            return
        seconds, way = abs(self.skew) / SECOND, "ahead of" if self.skew > 0 else "behind"
        msg = f"this machine's clock is {seconds:.1f} s {way} the venue's: set it (NTP), then retry"
        raise ClockSkewError(msg)
