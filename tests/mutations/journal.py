"""Bugs for the journal."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_JOURNAL: Final = "src/market_bot/adapters/storage/journal.py"
_READER: Final = "src/market_bot/adapters/storage/journal_reader.py"
_CODEC: Final = "src/market_bot/adapters/storage/codec.py"
_LINES: Final = "src/market_bot/adapters/storage/line_format.py"
_FILES: Final = "src/market_bot/adapters/storage/durable_file.py"
_TOOLS: Final = "src/market_bot/adapters/storage/journal_tools.py"

MUTATIONS: Final = (
    Mutation(
        name="class A facts are not synced",
        file=_JOURNAL,
        old="elif lasting and self._strict:",
        new="elif False:",
        tests=("tests/unit/test_journal_faults.py",),
    ),
    Mutation(
        name="a new file's name is not made durable",
        file=_JOURNAL,
        old="        self._files.sync_folder(path.parent)\n\n    def _release",
        new="\n    def _release",
        tests=("tests/unit/test_journal_faults.py",),
    ),
    Mutation(
        name="part of a line stays in the file",
        file=_JOURNAL,
        old="            self._cut_back(descriptor)\n",
        new="            pass\n",
        tests=("tests/unit/test_journal_faults.py",),
    ),
    Mutation(
        name="a failed sync does not break the journal",
        file=_JOURNAL,
        old='            self._give_up("a sync failed", e)',
        new="            raise DurabilityLostError from e",
        tests=("tests/unit/test_journal_faults.py",),
    ),
    Mutation(
        name="entries may use the reserve",
        file=_JOURNAL,
        old="may_use_reserve=not _opens_position(event)",
        new="may_use_reserve=True",
        tests=("tests/unit/test_journal_faults.py",),
    ),
    Mutation(
        name="an interrupt is forgotten",
        file=_JOURNAL,
        old="    def _interrupted(self) -> None:\n        self._health = Health.BROKEN",
        new="    def _interrupted(self) -> None:\n        pass",
        tests=("tests/unit/test_journal_faults.py",),
    ),
    Mutation(
        name="time may go backwards",
        file=_JOURNAL,
        old="        at = max(at, self._at)\n",
        new="",
        tests=("tests/contract/test_journal.py",),
    ),
    Mutation(
        name="any fact may open a file",
        file=_JOURNAL,
        old="if self.needs_checkpoint(at) and not isinstance(event, Checkpoint):",
        new="if False:",
        tests=("tests/contract/test_journal.py",),
    ),
    Mutation(
        name="the torn tail is not kept",
        file=_JOURNAL,
        old="            self._keep(kept, descriptor, end, size)\n",
        new="",
        tests=("tests/unit/test_journal.py",),
    ),
    Mutation(
        name="opening trusts what was never synced",
        file=_JOURNAL,
        old="        self._files.sync(self._descriptor)\n",
        new="",
        tests=("tests/unit/test_journal_faults.py",),
    ),
    Mutation(
        name="the hash of a line is not compared",
        file=_READER,
        old="% (prev, hashed))",
        new="% (prev, line[-66:-2]))",
        tests=("tests/unit/test_journal.py",),
    ),
    Mutation(
        name="the link to the line before is not compared",
        file=_READER,
        old="% (prev, hashed))",
        new="% (line[-140:-76], hashed))",
        tests=("tests/unit/test_journal.py",),
    ),
    Mutation(
        name="sequence numbers are not counted",
        file=_READER,
        old="                    counted\n                    and ",
        new="                    ",
        tests=("tests/unit/test_journal.py",),
    ),
    Mutation(
        name="a later file may open without a checkpoint",
        file=_READER,
        old='if first and envelope.seq > 1 and envelope.type != "checkpoint":',
        new="if False:",
        tests=("tests/unit/test_journal.py",),
    ),
    Mutation(
        name="another chain's lines are accepted",
        file=_READER,
        old="if (envelope.venue, envelope.lane) != (self._chain.venue, self._chain.lane):",
        new="if False:",
        tests=("tests/unit/test_journal.py",),
    ),
    Mutation(
        name="seeking misses the line at the very moment",
        file=_READER,
        old="lambda found: found[1] >= wanted",
        new="lambda found: found[1] > wanted",
        tests=("tests/property/test_journal_properties.py",),
    ),
    Mutation(
        name="floats are written",
        file=_CODEC,
        old="_FREE: Final = frozenset({str, int, bool})",
        new="_FREE: Final = frozenset({str, int, bool, float})",
        tests=("tests/unit/test_codec.py",),
    ),
    Mutation(
        name="the digest depends on the order of mappings",
        file=_CODEC,
        old='order="sorted"',
        new="order=None",
        tests=("tests/unit/test_codec.py",),
    ),
    Mutation(
        name="lines need not be canonical",
        file=_LINES,
        old="if canonical(envelope) != line:",
        new="if False:",
        tests=("tests/unit/test_journal.py",),
    ),
    Mutation(
        name="a short write counts as success",
        file=_FILES,
        old="if written != len(data):",
        new="if written > len(data):",
        tests=("tests/unit/test_journal_faults.py",),
    ),
    Mutation(
        name="a file is replaced before its content is durable",
        file=_FILES,
        old="        write_all(files, descriptor, data)\n        files.sync(descriptor)\n",
        new="        write_all(files, descriptor, data)\n",
        tests=("tests/unit/test_journal_faults.py",),
    ),
    Mutation(
        name="cells may be formulas",
        file=_TOOLS,
        old='return "\'" + value',
        new="return value",
        tests=("tests/unit/test_journal_tools.py",),
    ),
)
