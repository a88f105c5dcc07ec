"""Rows of Parquet files through DuckDB, which is an optional extra, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from market_bot.core.ports.recordings import RecordingError

if TYPE_CHECKING:  # The extra may be absent; only the annotation needs it.
    import duckdb

_BATCH: Final = 8192
_MEMORY: Final = "256MB"


@contextmanager
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an in-memory database that spills sorts to a temporary folder.

    Raises:
        RecordingError: if DuckDB is not installed.

    """
    try:
        import duckdb  # noqa: PLC0415 - an optional extra, and slow to import
    except ImportError as e:
        msg = "reading Parquet needs DuckDB: pip install 'market-bot[analytics]'"
        raise RecordingError(msg) from e
    with TemporaryDirectory(prefix="market-bot-import-") as folder:
        opened = duckdb.connect()
        try:
            opened.execute(f"SET memory_limit = '{_MEMORY}'")
            opened.execute("SET temp_directory = $folder", {"folder": folder})
            yield opened
        finally:
            opened.close()


def check_columns(
    opened: duckdb.DuckDBPyConnection, path: Path, expected: Mapping[str, str]
) -> frozenset[str]:
    """Return the names of a file's columns.

    Args:
        opened: a `connection`.
        path: the file.
        expected: type prefix by name of the columns that must be there.

    Raises:
        RecordingError: if it is not a Parquet file or lacks a column.

    """
    import duckdb  # noqa: PLC0415 - already there: a connection exists

    try:
        described = opened.execute(
            "DESCRIBE SELECT * FROM read_parquet($path)", {"path": str(path)}
        ).fetchall()
    except duckdb.Error as e:
        first = str(e).splitlines()[0]
        msg = f"{path}: not a readable Parquet file ({first})"
        raise RecordingError(msg) from e
    types = {name: kind for name, kind, *_ in described}
    for name, prefix in expected.items():
        if not types.get(name, "").startswith(prefix):
            msg = (
                f"{path}: column {name} must be {prefix}, was {types.get(name, 'absent')};"
                f" expected {', '.join(expected)}"
            )
            raise RecordingError(msg)
    return frozenset(types)


def rows(
    opened: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, object]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query, a batch at a time."""
    result = opened.execute(query, dict(values))
    while batch := result.fetchmany(_BATCH):
        yield from batch


def count(opened: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> int:
    """Return the number of rows in all files."""
    query = "SELECT count(*) FROM read_parquet($paths, union_by_name = true)"
    found = opened.execute(query, {"paths": [str(path) for path in paths]}).fetchone()
    return 0 if found is None else int(found[0])
