"""Market data that says what a script tells it to say."""

from __future__ import annotations

from collections.abc import Iterable

from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.market_data import Capability, MarketData, MarketDataError, Sink

from .recording_sink import Fact, tell

FULL = frozenset({Capability.L2_STREAM, Capability.PRINTS})
FAILURE: Fact = ("failure",)


class ScriptedMarketData(MarketData):
    """Pushes one list of facts per tick, then nothing; `FAILURE` among them raises."""

    def __init__(
        self,
        script: Iterable[list[Fact]] = (),
        capabilities: frozenset[Capability] = FULL,
    ) -> None:
        self._script = list(script)
        self._capabilities = capabilities
        self._position = 0

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._capabilities

    def then(self, *facts: Fact) -> None:
        """Add a tick at the end of the script."""
        self._script.append(list(facts))

    def drain(self, sink: Sink, until: Micros) -> str:
        facts = self._script.pop(0) if self._script else []
        for fact in facts:
            if fact == FAILURE:
                msg = "the script says that the source fails here"
                raise MarketDataError(msg)
            tell([fact], sink)
            self._position += 1
        return str(self._position)
