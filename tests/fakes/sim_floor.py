"""A simulated venue, what is known of it, and orders sent to it by hand."""

from __future__ import annotations

from typing import Any

import attrs

from market_bot.adapters.simulated.sim_settings import SimSettings
from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.core.domain.market import Leg, MarketStatus
from market_bot.core.domain.numbers import SECOND, Micros, Price, Size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.domain.world import Seen, World
from market_bot.core.ports.execution import Fact, Filled, Outcome

from .builders import a_draft, a_signal, an_intent

# Nobody but us does anything, so that the books stand still.
STILL = SimSettings(markets=40, rate=0.0)
LIVELY = SimSettings(markets=20, families=("SIM-HEAT", "SIM-MATCH"), rate=0.1, hurry=24)
TEN = Size(10_000_000)


@attrs.define(eq=False)
class Floor:
    """A venue, what is known of it, and one's own orders."""

    venue: SimulatedVenue
    world: World = attrs.field(factory=World)
    now: Micros = attrs.field(
        default=attrs.Factory(lambda self: self.venue.settings.begins, takes_self=True)
    )
    sent: int = 0
    facts: list[Fact] = attrs.field(factory=list)

    def go(self, seconds: float) -> list[Fact]:
        """Let time pass and return what was told meanwhile."""
        self.now = Micros(self.now + round(seconds * SECOND))
        self.venue.drain(self.world, self.now)
        told = list(self.venue.collect(self.now))
        self.facts += told
        return told

    def strike(self, **faults: Any) -> None:
        """Let other things go wrong from here on."""
        broken = attrs.evolve(self.venue.settings.faults, **faults)
        settings = attrs.evolve(self.venue.settings, faults=broken)
        self.venue.settings = self.venue._desk.settings = settings

    def is_up(self) -> bool:
        """Tell whether the venue says that it is open."""
        return self.world.venue_status is MarketStatus.OPEN

    def market(self, number: int = 0) -> Seen:
        """Return one of the open markets quoted in the middle."""
        found = [
            seen
            for seen in self.world.seen.values()
            if seen.status is MarketStatus.OPEN
            and 150_000 < (seen.book.mid() or 0) < 850_000
            and seen.market.family != "SIM-COIN15"
        ]
        return found[number % len(found)]

    def send(
        self,
        seen: Seen,
        price: int,
        *,
        leg: Leg = Leg.YES,
        purpose: Purpose = Purpose.ENTRY,
        style: Style = Style.TAKER,
        size: int = TEN,
        lives: float = 3600,
    ) -> tuple[str, Outcome]:
        """Send an order; return its id and the answer."""
        self.sent += 1
        name = f"o-{self.sent}"
        intent = self.intent(
            name, seen, price, leg=leg, purpose=purpose, style=style, size=size, lives=lives
        )
        return name, self.venue.submit(intent, self.now)

    def intent(
        self,
        name: str,
        seen: Seen,
        price: int,
        *,
        leg: Leg,
        purpose: Purpose,
        style: Style,
        size: int,
        lives: float,
    ) -> Intent:
        """Return an intent for a market."""
        signal = a_signal(
            market=seen.market.id, leg=leg, purpose=purpose, style=style, price=Price(price)
        )
        draft = a_draft(signal, size=Size(size), event=seen.market.event)
        return an_intent(name, draft, expires_at=Micros(self.now + round(lives * SECOND)))

    def buy(self, seen: Seen, size: int = TEN) -> tuple[str, Outcome]:
        """Take YES at any price."""
        return self.send(seen, 990_000, size=size)


def a_floor(settings: SimSettings = STILL, seed: int = 4, **faults: Any) -> Floor:
    """Return a floor whose markets have just opened."""
    broken = attrs.evolve(settings.faults, **faults)
    floor = Floor(SimulatedVenue(seed, settings=attrs.evolve(settings, faults=broken)))
    floor.go(0)
    return floor


def fills(facts: list[Fact]) -> list[Filled]:
    """Return the fills among facts."""
    return [fact for fact in facts if isinstance(fact, Filled)]
