"""Bugs for the tests of Polymarket as a venue: what is watched, who pays, what arms."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_LOOKOUT: Final = "src/market_bot/adapters/polymarket/lookout.py"
_POLLED: Final = "src/market_bot/adapters/polymarket/polled.py"
_WALLET: Final = "src/market_bot/bootstrap/polymarket_wallet.py"
_LIVE: Final = "src/market_bot/bootstrap/polymarket_live.py"
_VENUE: Final = "src/market_bot/bootstrap/polymarket_venue.py"
_READINESS: Final = "src/market_bot/core/usecases/watch_readiness.py"
_ARM: Final = "src/market_bot/core/usecases/arm_lane.py"

_CHOICE: Final = ("tests/unit/test_polymarket_lookout.py",)
_SECRETS: Final = ("tests/unit/test_polymarket_wallet.py",)
_WATCH: Final = ("tests/unit/test_watch_readiness.py",)
_PAPER: Final = "tests/integration/test_polymarket_paper.py::"
_REAL: Final = "tests/integration/test_polymarket_live.py::"


MUTATIONS: Final = (
    Mutation(
        name="an event that is watched is given up for a busier one",
        file=_LOOKOUT,
        old="    return not any(one.market.id in kept for one in event), -volume\n",
        new="    return False, -volume\n",
        tests=_CHOICE,
    ),
    Mutation(
        name="events are watched in part",
        file=_LOOKOUT,
        old="            listings += event\n",
        new="            listings += [one for one in event if choice.wanted(one)]\n",
        tests=_CHOICE,
    ),
    Mutation(
        name="a held market that has closed is not looked for",
        file=_LOOKOUT,
        old="        for closed in (True, False):\n",
        new="        for closed in (False,):\n",
        tests=_CHOICE,
    ),
    Mutation(
        name="a look that breaks is never heard of",
        file=_LOOKOUT,
        old='            self._result = PolymarketError(plain(f"the look failed',
        new='            _ = PolymarketError(plain(f"the look failed',
        tests=_CHOICE,
    ),
    Mutation(
        name="a closed market of ours is told as open",
        file=_POLLED,
        old="sight.found.resting.get(identity) or sight.named.get(identity)",
        new="sight.found.resting.get(identity)",
        tests=_CHOICE,
    ),
    Mutation(
        name="a key in the wrong line is shown",
        file=_WALLET,
        old="must be an address: 0x and forty hexadecimal digits",
        new="must be an address: 0x and forty hexadecimal digits, not {funder}",
        tests=_SECRETS,
    ),
    Mutation(
        name="the kind of wallet has a default",
        file=_WALLET,
        old="    for name in (PRIVATE_KEY, SIGNATURE_TYPE):\n",
        new="    for name in (PRIVATE_KEY,):\n",
        tests=_SECRETS,
    ),
    Mutation(
        name="what was never asked counts as ready",
        file=_READINESS,
        old="attrs.field(default=_NOT_YET, init=False)",
        new="attrs.field(default=None, init=False)",
        tests=_WATCH,
    ),
    Mutation(
        name="a lane stays armed whatever the venue says",
        file=_READINESS,
        old="            self.tell(ev.Disarmed(reason=self.reason))\n",
        new="            pass\n",
        tests=_WATCH,
    ),
    Mutation(
        name="the venue's word does not keep from arming",
        file=_ARM,
        old="    if lane.not_ready is not None:\n",
        new="    if False:\n",
        tests=("tests/unit/test_arm_lane.py",),
    ),
    Mutation(
        name="the ceremony does not know what the venue says",
        file=_LIVE,
        old="        not_ready=lambda: user.login.problem or readiness.reason,\n",
        new="",
        tests=(_REAL + "test_a_person_reads_why_not",),
    ),
    Mutation(
        name="nobody hears what is left to be redeemed",
        file=_LIVE,
        old="            if one.token not in self._told:\n",
        new="            if False:\n",
        tests=("tests/unit/test_polymarket_venue.py",),
    ),
    Mutation(
        name="only the stream is opened, whatever was asked for",
        file=_VENUE,
        old="_streamed if ground.config.polymarket.stream else _polled",
        new="_streamed",
        tests=(_PAPER + "test_a_newcomer_trades_live_prices_on_paper",),
    ),
    Mutation(
        name="the state of the venue does not reach the lane",
        file=_LIVE,
        old="        ground.tell(ev.VenueState(",
        new="        str(ev.VenueState(",
        tests=(_REAL + "test_the_venue_s_state_stops_entries",),
    ),
)
