"""market-bot as a library: an own strategy, 500 ticks of a simulated venue, state and journal."""

import attrs

import market_bot as mb


@attrs.frozen(kw_only=True)
class Params:
    """Everything the strategy can be told."""

    cheap: mb.Price = mb.fixed(mb.price("0.15"))


def decide(view: mb.View, params: Params, holdings: mb.Holdings) -> list[mb.Signal]:
    """Want every YES that is offered at most at ``cheap``."""
    wanted = []
    for seen in view.markets:
        ask = seen.buy_price(mb.Leg.YES)
        if seen.tradable and ask is not None and 0 < ask <= params.cheap:
            wish = mb.Signal(
                market=seen.market.id,
                leg=mb.Leg.YES,
                purpose=mb.Purpose.ENTRY,
                style=mb.Style.TAKER,
                price=ask,
                belief=mb.Probability(ask + 20_000),
                edge=mb.Price(20_000),
                cost=mb.Price(0),
                patience=mb.Duration(5_000_000),
                reason="cheap",
            )
            wanted.append(wish)
    return wanted


strategy = mb.Strategy(name="cheap", summary="Buys what is cheap.", params=Params, decide=decide)
settings = mb.with_strategy(mb.default_settings(), strategy)
lane = mb.PaperLane.simulated(settings, seed=7)
print(lane.run(ticks=500), "ticks, equity", mb.format_money(lane.equity))
for position in lane.state.positions.values():
    print(position.market, mb.format_size(position.size), "cost", mb.format_money(position.cost))
print(sum(1 for entry in lane.journal() if entry.type == "fill"), "fills in the journal")
