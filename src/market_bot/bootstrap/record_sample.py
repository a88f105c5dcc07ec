"""Record the sample market anew: ``python -m market_bot.bootstrap.record_sample OUT``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from market_bot.adapters.simulated.sample_market import (
    CAPABILITIES,
    SEED,
    VENUE,
    play_sample,
)
from market_bot.adapters.storage.tape_writer import TapeWriter
from market_bot.core.ports.tape import TapeError


def record_sample(out: Path, seed: int = SEED) -> None:
    """Write the sample market as a tape; the same seed gives the same tape.

    Raises:
        TapeError: if the file cannot be written.

    """
    capabilities = sorted(CAPABILITIES, key=lambda capability: capability.value)
    source = f"sample market, seed {seed}"
    with TapeWriter(out, VENUE, source, capabilities) as tape:
        play_sample(tape, seed)


def main(arguments: Sequence[str]) -> int:
    """Record to the one path given; return the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m market_bot.bootstrap.record_sample OUT\n")
        return 2
    try:
        record_sample(Path(arguments[0]))
    except TapeError as e:
        sys.stderr.write(f"{e}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
