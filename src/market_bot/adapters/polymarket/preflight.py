"""What has to be so before orders are sent: where we are, what the account may do and is ready for.

Each finding is one line that says what is wrong and what to do. What cannot be found out counts as
wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

import attrs

from market_bot.core.domain.numbers import NO_MONEY, SECOND, Duration, Money, format_money
from market_bot.core.ports.clock import Clock

from .contracts import CONTRACTS, Exchange
from .order_signing import SignatureType
from .own_records import Balance
from .parse_own import balance as parse_balance
from .parse_own import closed_only as parse_closed_only
from .problems import PolymarketError
from .rest import PolymarketRest
from .service_replies import PROTOCOL, place, protocol, server_time
from .wire import UnreadableRecord

_FAILURES: Final = (PolymarketError, UnreadableRecord)
_UNITS: Final = 1_000_000
SKEW_MAX: Final = Duration(5 * SECOND)
"""By so much the clocks may differ: expiries and logins carry our time."""

_WALLETS: Final = {
    SignatureType.EOA: "an address of its own (type 0)",
    SignatureType.PROXY: "a proxy wallet (type 1)",
    SignatureType.SAFE: "a Safe (type 2)",
    SignatureType.DEPOSIT_WALLET: "a deposit wallet (type 3)",
}


@attrs.frozen
class Finding:
    """One thing that was looked at; ``text`` says what was found, and the remedy if need be."""

    name: str
    ok: bool
    text: str


def preflight(
    rest: PolymarketRest,
    *,
    clock: Clock,
    signature_type: SignatureType,
    exchanges: Collection[Exchange] = tuple(Exchange),
    least: Money = NO_MONEY,
) -> tuple[Finding, ...]:
    """Return what stands against sending orders, and what does not; never raises.

    Args:
        rest: a signed client.
        clock: ours; what an order carries is told by it.
        signature_type: the kind of wallet that pays.
        exchanges: the contracts that will trade; each has to be allowed to move the money.
        least: what has to be there, in dollars (1e-12).

    """
    checks: tuple[tuple[str, Callable[[], Iterable[Finding]]], ...] = (
        ("place", lambda: _place(rest)),
        ("protocol", lambda: _protocol(rest)),
        ("clock", lambda: _clock(rest, clock)),
        ("account", lambda: _closed_only(rest)),
        ("wallet", lambda: _wallet(rest, signature_type, exchanges, least)),
    )
    return tuple(finding for name, check in checks for finding in _safely(name, check))


def _safely(name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from list(check())
    except _FAILURES as e:
        yield Finding(name, ok=False, text=f"cannot be found out, so nothing is opened: {e}")


def _place(rest: PolymarketRest) -> Iterator[Finding]:
    where = place(rest.geoblock())
    name = "/".join(part for part in (where.country, where.region) if part) or "an unknown place"
    if where.blocked:
        text = f"the venue takes no orders from {name}: close positions on its site, do not go on"
        yield Finding("place", ok=False, text=text)
    else:
        yield Finding("place", ok=True, text=f"orders from {name} are taken")


def _protocol(rest: PolymarketRest) -> Iterator[Finding]:
    told = protocol(rest.version())
    if told == PROTOCOL:
        yield Finding("protocol", ok=True, text=f"the venue takes orders of version {PROTOCOL}")
    else:
        text = f"the venue takes orders of version {told}, we speak {PROTOCOL}: update market-bot"
        yield Finding("protocol", ok=False, text=text)


def _clock(rest: PolymarketRest, clock: Clock) -> Iterator[Finding]:
    before = clock.now()
    # Whole seconds, from somewhere between the request and its answer.
    there = server_time(rest.server_time())
    ahead, behind = before - there - SECOND, there - clock.now()
    skew = max(ahead, behind)
    if skew > SKEW_MAX:
        way = "ahead" if ahead > 0 else "behind"
        text = f"this machine's clock is {skew / SECOND:.0f} s {way} of the venue's: set it (NTP)"
        yield Finding("clock", ok=False, text=text)
    else:
        yield Finding("clock", ok=True, text="the clock agrees with the venue's")


def _closed_only(rest: PolymarketRest) -> Iterator[Finding]:
    if parse_closed_only(rest.closed_only()):
        text = "the account may only close positions: ask the venue's support why"
        yield Finding("account", ok=False, text=text)
    else:
        yield Finding("account", ok=True, text="the account may open positions")


def _wallet(
    rest: PolymarketRest,
    signature_type: SignatureType,
    exchanges: Collection[Exchange],
    least: Money,
) -> Iterator[Finding]:
    kind = signature_type.value
    rest.refresh_balance("COLLATERAL", kind)
    found = parse_balance(rest.balance("COLLATERAL", kind))
    name = _WALLETS[signature_type]
    have = Money(found.amount * _UNITS)
    if have < least or not found.amount:
        text = (
            f"{format_money(have)} pUSD in {name}: pay in, or set POLYMARKET_FUNDER and"
            " POLYMARKET_SIGNATURE_TYPE to the wallet that holds the money"
        )
        yield Finding("balance", ok=False, text=text)
    else:
        yield Finding("balance", ok=True, text=f"{format_money(have)} pUSD in {name}")
    yield _allowance(found, exchanges)
    if signature_type is SignatureType.EOA:
        # Nobody can tell beforehand; it is said by the first order.
        text = f"{name}: accounts made since May 2026 need a deposit wallet (type 3)"
        yield Finding("wallet", ok=True, text=text)


def _allowance(found: Balance, exchanges: Collection[Exchange]) -> Finding:
    allowed = {who.lower(): amount for who, amount in found.allowances.items()}
    short = [
        exchange.value
        for exchange in exchanges
        if allowed.get(CONTRACTS[exchange].address.lower(), 0) < max(1, found.amount)
    ]
    if short:
        text = (
            f"the contracts {', '.join(sorted(short))} may not move the money:"
            " approve pUSD for them on the venue's site (trade there once), then try again"
        )
        return Finding("allowance", ok=False, text=text)
    return Finding("allowance", ok=True, text="the exchange contracts may move the money")
