"""What requests cost and how many are allowed, as the venue tells it at the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import attrs
import msgspec

from .budgets import RateLimit
from .errors import ParseError
from .wire import decode

_Tokens = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
_Rate = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]

DEFAULT_COST: Final = 10
"""Tokens of a request that is not in the list (documentation of rate limits, August 2026)."""


@attrs.frozen
class EndpointCosts:
    """Tokens by method and path; ``:name`` in a path stands for any one part of it.

    Args:
        default: what everything else costs.
        exact: by method and path pattern.

    """

    default: int = DEFAULT_COST
    exact: Mapping[tuple[str, str], int] = attrs.field(factory=dict)

    def of(self, method: str, path: str) -> int:
        """Return the tokens of one request; a literal path goes before a pattern."""
        literal = self.exact.get((method, path))
        if literal is not None:
            return literal
        parts = path.split("/")
        costs = (
            cost
            for (verb, pattern), cost in self.exact.items()
            if verb == method and _fits(pattern.split("/"), parts)
        )
        return max(costs, default=self.default)


NO_COSTS: Final = EndpointCosts()


@attrs.frozen(kw_only=True)
class AccountLimits:
    """What the venue allows our account."""

    tier: str
    reads: RateLimit
    writes: RateLimit


class _Bucket(msgspec.Struct, frozen=True):
    refill_rate: _Rate
    bucket_capacity: _Rate


class _Limits(msgspec.Struct, frozen=True):
    read: _Bucket
    write: _Bucket
    usage_tier: str = ""


class _Cost(msgspec.Struct, frozen=True):
    method: str
    path: str
    cost: _Tokens


class _Costs(msgspec.Struct, frozen=True):
    default_cost: _Tokens
    endpoint_costs: tuple[_Cost, ...]


_limits = msgspec.json.Decoder(_Limits)
_costs = msgspec.json.Decoder(_Costs)


def parse_account_limits(body: bytes) -> AccountLimits:
    """Return the limits in an answer of ``/account/limits``.

    Raises:
        ParseError: if it is not such an answer.

    """
    found = decode(_limits, body)
    return AccountLimits(
        tier=found.usage_tier,
        reads=RateLimit(found.read.refill_rate, found.read.bucket_capacity),
        writes=RateLimit(found.write.refill_rate, found.write.bucket_capacity),
    )


def parse_endpoint_costs(body: bytes) -> EndpointCosts:
    """Return the costs in an answer of ``/account/endpoint_costs``.

    Raises:
        ParseError: if it is not such an answer, or a method and path occurs twice.

    """
    found = decode(_costs, body)
    exact = {(cost.method.upper(), cost.path): cost.cost for cost in found.endpoint_costs}
    if len(exact) != len(found.endpoint_costs):
        msg = "a method and path with two costs"
        raise ParseError(msg)
    return EndpointCosts(found.default_cost, exact)


def _fits(pattern: list[str], parts: list[str]) -> bool:
    if len(pattern) != len(parts):
        return False
    pairs = zip(pattern, parts, strict=True)
    return all(wanted == part or wanted.startswith(":") for wanted, part in pairs)
