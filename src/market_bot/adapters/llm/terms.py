"""What a language model may take: money, tokens, time; and where it is."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import attrs

from market_bot.core.domain.numbers import Money

BASE_URL: Final = "https://api.anthropic.com"
ATTEMPTS: Final = 2
_MILLION: Final = 1_000_000


@attrs.frozen(kw_only=True)
class Terms:
    """The terms on which a model is asked once a night.

    Args:
        model: its name at the provider.
        effort: how hard it thinks, in the provider's words.
        max_cost: what all attempts together may cost, in 1e-12 dollars.
        max_tokens: the longest answer, its thinking included.
        seconds: how long all attempts together may take.
        input_price, output_price: what a million tokens cost, in 1e-12 dollars.
        base_url: where the provider is.

    """

    model: str
    effort: str
    max_cost: Money
    max_tokens: int
    seconds: float
    input_price: Money
    output_price: Money
    base_url: str = BASE_URL

    @property
    def host(self) -> str:
        """The only machine that is spoken to."""
        return urlsplit(self.base_url).hostname or ""

    def cost(self, tokens_in: int, tokens_out: int) -> Money:
        """Return what an attempt costs, rounded up."""
        whole = tokens_in * self.input_price + tokens_out * self.output_price
        return Money(-(-whole // _MILLION))

    def affordable(self, left: Money, tokens_in: int) -> int:
        """Return how long an answer may be so that the attempt costs no more than is left."""
        for_answer = left - self.cost(tokens_in, 0)
        if for_answer <= 0:
            return 0
        if self.output_price <= 0:
            return self.max_tokens
        return min(self.max_tokens, for_answer * _MILLION // self.output_price)
