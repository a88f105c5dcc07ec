"""Tape format 1, the public names: see docs/reference/tape.md."""

from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.adapters.storage.tape_writer import TapeWriter
from market_bot.core.ports.tape import TapeError, TapeHeader, TornTapeError

__all__ = ["TapeError", "TapeHeader", "TapeReader", "TapeWriter", "TornTapeError"]
