"""Bugs in backups, anchors and the word to the service manager, for their tests to find."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_BACKUP: Final = "src/market_bot/adapters/storage/backup.py"
_ANCHORS: Final = "src/market_bot/adapters/storage/anchors.py"
_MANAGER: Final = "src/market_bot/adapters/system/service_manager.py"
_PULSE: Final = "src/market_bot/bootstrap/pulse.py"
_RETENTION: Final = "src/market_bot/adapters/storage/journal_retention.py"

_KEYS: Final = (
    "tests/integration/test_backup.py::test_only_the_owner_may_read_it_and_keys_are_asked_for",
)
_ORDER: Final = ("tests/integration/test_backup.py::test_what_names_others_is_copied_before_them",)
_STRANGE: Final = ("tests/integration/test_backup.py::test_links_and_strange_lists_are_refused",)
_PLACES: Final = ("tests/integration/test_backup.py::test_nothing_is_put_outside_of_the_home",)
_ANCHORED: Final = ("tests/unit/test_anchors.py",)
_WELL: Final = ("tests/unit/test_service_manager.py",)

MUTATIONS: Final = (
    Mutation(
        name="the keys are in every backup",
        file=_BACKUP,
        old="    if secrets:\n        yield from _there(home.env_file)",
        new="    if True:\n        yield from _there(home.env_file)",
        tests=_KEYS,
    ),
    Mutation(
        name="the password is in every backup",
        file=_BACKUP,
        old="if secrets or path != password)",
        new="if True)",
        tests=_KEYS,
    ),
    Mutation(
        name="a restored home is not halted any more",
        file=_BACKUP,
        old="    yield from _there(home.halt_file)\n",
        new="",
        tests=_ORDER,
    ),
    Mutation(
        name="half a line is backed up",
        file=_BACKUP,
        old="size = _whole_lines(file) if path.suffix == _LINES else status.st_size",
        new="size = status.st_size",
        tests=_ORDER,
    ),
    Mutation(
        name="anchors are copied after what they name",
        file=_BACKUP,
        old="    yield from _there(home.anchors_file)\n    yield from sorted(_files("
        "home.journal_dir / _SYSTEM))\n",
        new="    yield from sorted(_files(home.journal_dir / _SYSTEM))\n"
        "    yield from _there(home.anchors_file)\n",
        tests=_ORDER,
    ),
    Mutation(
        name="a damaged backup is restored",
        file=_BACKUP,
        old="    if found != dict(contents.files):",
        new="    if False:",
        tests=_STRANGE,
    ),
    Mutation(
        name="a backup may write anywhere",
        file=_BACKUP,
        old="    if name != _SECRETS and not (",
        new="    if False and not (",
        tests=_PLACES,
    ),
    Mutation(
        name="a missing end is no fault",
        file=_ANCHORS,
        old="        if place is None:\n            return _ended_before(reader, seq)\n",
        new="        if place is None:\n            return None\n",
        tests=_ANCHORED,
    ),
    Mutation(
        name="a chain that was written anew is no fault",
        file=_ANCHORS,
        old="    if (line.seq, line.hash) != head:",
        new="    if line.seq != seq:",
        tests=_ANCHORED,
    ),
    Mutation(
        name="a lane's chain may vanish",
        file=_ANCHORS,
        old="    if not last and reader.chain.run:",
        new="    if not last:",
        tests=_ANCHORED,
    ),
    Mutation(
        name="anchors need not follow each other",
        file=_ANCHORS,
        old="        if prev != before:",
        new="        if False:",
        tests=_ANCHORED,
    ),
    Mutation(
        name="an anchor that was changed is believed",
        file=_ANCHORS,
        old="    if read.v != _VERSION or _seal(",
        new="    if read.v != _VERSION and _seal(",
        tests=_ANCHORED,
    ),
    Mutation(
        name="what a crash could take is anchored",
        file=_ANCHORS,
        old="            files.sync(descriptor)\n",
        new="            pass\n",
        tests=_ANCHORED,
    ),
    Mutation(
        name="a sign of life comes while a lane hangs",
        file=_PULSE,
        old="        if stalled:\n",
        new="        if False:\n",
        tests=_WELL,
    ),
    Mutation(
        name="a manager that does not read ends the bot",
        file=_MANAGER,
        old="        except OSError:\n",
        new="        except FileNotFoundError:\n",
        tests=_WELL,
    ),
    Mutation(
        name="the journal of today is removed",
        file=_RETENTION,
        old="    for path in files[:-_DAYS_KEPT]:",
        new="    for path in files:",
        tests=("tests/unit/test_journal_retention.py",),
    ),
)
