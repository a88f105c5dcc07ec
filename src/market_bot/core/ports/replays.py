"""Replays of a lane's own recordings with one knob turned: what a night may ask for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from market_bot.core.domain.replay_result import Coverage, Fidelity, Variant


@attrs.frozen(order=True)
class Variation:
    """A knob with another value than the one in force."""

    path: str
    value: str

    @property
    def name(self) -> str:
        """What it is called in reports and journals."""
        return f"{self.path}={self.value}"


@attrs.frozen(kw_only=True)
class Replayed:
    """What variants of a lane did on its own recordings, all of them in one pass.

    Args:
        base: the settings as they are.
        variants: by the name of the variation.
        days: UTC dates that were replayed, in order.
        training: dates that were left out because findings come from them.
        coverage: what the recordings hold.
        fidelity: how much of what the lane decided its settings decide again; None if nobody knows.
        notes: what a reader must know, a sentence each.

    """

    base: Variant
    variants: Mapping[str, Variant]
    days: tuple[str, ...]
    training: tuple[str, ...] = ()
    coverage: Coverage = attrs.field(factory=Coverage)
    fidelity: Fidelity | None = None
    notes: tuple[str, ...] = ()

    @property
    def trusted(self) -> bool:
        """Whether anything may be claimed: without a measured fidelity nothing may."""
        return self.fidelity is not None and self.fidelity.trusted


@attrs.frozen
class NotReplayed:
    """Why nothing could be replayed, in one sentence."""

    why: str


class Replays(Protocol):
    """Replays what a lane recorded."""

    @abstractmethod
    def replay(self, night: str, variations: Sequence[Variation]) -> Replayed | NotReplayed:
        """Replay the days before those a night's findings come from, all variants in one pass.

        It never raises for what is missing or damaged: that is `NotReplayed`.
        """
