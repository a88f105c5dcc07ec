"""Buys cheap contracts at the ask: a strategy that market-bot finds by its entry point."""

from collections.abc import Iterator

import attrs

import market_bot as mb


@attrs.frozen(kw_only=True)
class Params:
    """What can be set in the YAML below ``params``."""

    cheap: mb.Price = mb.knob(mb.price("0.10"), low="0.01", high="0.3", step="0.01", unit="dollar")
    belief: mb.Probability = mb.fixed(mb.probability("0.15"))


def decide(view: mb.View, params: Params, holdings: mb.Holdings) -> Iterator[mb.Signal]:
    """Want every YES that is offered cheaply and not held yet."""
    held = {position.market for position in holdings.positions}
    for seen in view.markets:
        ask = seen.buy_price(mb.Leg.YES)
        if not seen.tradable or ask is None or seen.market.id in held:
            continue
        if 0 < ask <= params.cheap:
            yield mb.Signal(
                market=seen.market.id,
                leg=mb.Leg.YES,
                purpose=mb.Purpose.ENTRY,
                style=mb.Style.TAKER,
                price=ask,
                belief=params.belief,
                edge=mb.Price(params.belief - ask),
                cost=mb.Price(0),
                patience=mb.Duration(10_000_000),
                reason="cheap",
            )


strategy = mb.Strategy(
    name="buy_cheap", summary="Buys cheap contracts at the ask.", params=Params, decide=decide
)
