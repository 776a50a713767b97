"""SQL on a store: read-only, one statement, nothing outside the store can be reached."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from talik.errors import StoreError, UsageError
from talik.records import REJECTED
from talik.series.days import VERSION as DAYS_VERSION
from talik.store.catalogue import CATALOGUE, TABLES, reading
from talik.store.day_files import DAYS, days_path
from talik.store.intake import SERIES, series_path
from talik.store.memory import bounded
from talik.store.series_files import checked_bytes

if TYPE_CHECKING:
    import polars as pl

READINGS, OBSERVATIONS, DAY_MEANS = "readings", "observations", "day_means"
"""Views on the series files, wide as they are stored and long, and on the days kept beside them."""

MEMORY, SECONDS = 2.0, 600.0
"""What a question may take when nothing else is said [GB], [s]."""

_COLUMNS = {"columns": "* RENAME (n AS samples)", "flags": "* RENAME (n AS flagged)"}
"""Counts have names of their own, so that a NATURAL JOIN joins by series and position alone."""
_SLACK = 250_000_000
"""What reading Parquet and passing pieces on take beside work and answer [bytes]."""

_TOO_LARGE = "query: it takes more than {:g} GB; ask for less, or allow more: memory=..."


def query(store: Path | str, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = (), *,
          threads: int | None = None, memory: float = MEMORY, seconds: float = SECONDS) -> pl.DataFrame:
    """
    The answer to one SQL question on a store.

    Parameters
    ----------
    store : Path or str
        The store.
    sql : str
        One SELECT (or WITH, FROM, DESCRIBE, SUMMARIZE) in DuckDB's SQL. Tables: files, series, day_files, columns,
        refusals. Views: `observations` (series_id, position, time_utc, temperature [°C], flags, accepted: null where
        a flag rejects the value), `readings` (wide: value_1, flag_1, ...) and `day_means` (series_id, position, day,
        mean [°C] of the accepted values, n samples, expected samples).
    parameters : sequence or mapping, optional
        Values for ? or $name in the SQL: the way to pass names that come from elsewhere.
    threads : int, optional
        For the query; all processors when not given.
    memory : float
        What the work may take, and what the answer may take [GB]. Nothing is put on disk instead. On Linux the
        process gets no more than both while the question is worked on, its other threads included.
    seconds : float
        After this long the question is stopped.

    Returns
    -------
    polars.DataFrame

    Raises
    ------
    UsageError
        If it is not one reading statement, is wrong SQL, reaches outside the store, or takes more than it may.
    StoreError
        If a file that the question needs is damaged: the checksums of the series are verified first.

    Examples
    --------
    >>> import tempfile
    >>> from talik.store.ingest import ingest
    >>> folder = Path(tempfile.mkdtemp())
    >>> text = "Date/Depth,0.1,0.5\\n2020-01-01 00:00,-20,-9\\n2020-01-01 01:00,-21,-9\\n"
    >>> _ = (folder / "barrow.csv").write_text(text)
    >>> _ = ingest([folder], folder / "store")
    >>> query(folder / "store", "SELECT avg(accepted) AS mean FROM observations WHERE position = ?", [1])["mean"][0]
    -20.5
    """
    store = Path(store).resolve()
    with reading(store) as catalogue:
        rows = catalogue.table("series").select("series_id", "crc32", "depths").rows()
        days = catalogue.table("day_files").select("series_id", "crc32", "version").rows()
    needed = {view for view in (READINGS, OBSERVATIONS, DAY_MEANS) if view in sql.lower()}
    limits: dict[str, Any] = {"memory_limit": f"{memory * 1000:.0f}MB", "temp_directory": ""}
    with duckdb.connect(":memory:", config=limits | ({"threads": threads} if threads else {})) as connection:
        try:
            connection.execute(f"ATTACH '{_quoted(store / CATALOGUE)}' AS kept (READ_ONLY)")
            for name in TABLES:
                connection.execute(f"CREATE VIEW {name} AS SELECT {_COLUMNS.get(name, '*')} FROM kept.{name}")
            if needed - {DAY_MEANS}:
                _views(connection, store, rows)
            if DAY_MEANS in needed:
                _day_view(connection, store, days)
            _locked(connection, store)
        except duckdb.Error as error:
            raise StoreError(f"{store}: cannot be opened for a query ({_said(error)}). "
                             f"Try: talik verify {store}") from error
        return _frame(_answer(connection, sql, parameters, memory, seconds))


def _views(connection: duckdb.DuckDBPyConnection, store: Path, rows: Sequence[tuple[str, int, int]]) -> None:
    for series_id, crc32, _ in rows:
        checked_bytes(series_path(store, series_id), crc32)
    if not rows:
        connection.execute(f"CREATE VIEW {READINGS} AS SELECT NULL::VARCHAR AS series_id, NULL::TIMESTAMP AS time_utc, "
                           "NULL::DOUBLE AS value_1, NULL::USMALLINT AS flag_1 WHERE false")
    else:
        listed = ", ".join(f"'{_quoted(series_path(store, series_id))}'" for series_id, _, _ in rows)
        connection.execute(f"CREATE VIEW {READINGS} AS FROM read_parquet([{listed}], union_by_name = true)")
    widest = max((depths for _, _, depths in rows), default=1)
    long = " UNION ALL ".join(_long(k, rows, store) for k in range(1, widest + 1))
    connection.execute(
        f"CREATE VIEW {OBSERVATIONS} AS SELECT series_id, position, time_utc, temperature, flags, "
        f"CASE WHEN flags & {int(REJECTED)} = 0 THEN temperature END AS accepted FROM ({long})")


def _day_view(connection: duckdb.DuckDBPyConnection, store: Path, rows: Sequence[tuple[str, int, int]]) -> None:
    for series_id, crc32, version in rows:
        if version != DAYS_VERSION:
            raise StoreError(f"{store}: its days were made by older rules (version {version}, "
                             f"expected {DAYS_VERSION}). Make them anew: talik ingest PATHS --store ... --fresh")
        checked_bytes(days_path(store, series_id), crc32)
    listed = ", ".join(f"'{_quoted(days_path(store, series_id))}'" for series_id, _, _ in rows)
    columns = "series_id, position, day, mean, n, expected"
    connection.execute(f"CREATE VIEW {DAY_MEANS} AS " + (f"SELECT {columns} FROM read_parquet([{listed}])" if rows else
                       "SELECT NULL::VARCHAR AS series_id, NULL::INTEGER AS position, NULL::DATE AS day, "
                       "NULL::DOUBLE AS mean, NULL::INTEGER AS n, NULL::DOUBLE AS expected WHERE false"))


def _long(k: int, rows: Sequence[tuple[str, int, int]], store: Path) -> str:
    having = [f"'{_quoted(series_path(store, series_id))}'" for series_id, _, depths in rows if depths >= k]
    source = f"read_parquet([{', '.join(having)}])" if having else READINGS
    return f"SELECT series_id, {k} AS position, time_utc, value_{k} AS temperature, flag_{k} AS flags FROM {source}"


def _locked(connection: duckdb.DuckDBPyConnection, store: Path) -> None:
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute(f"SET allowed_directories = ['{_quoted(store / SERIES)}/', '{_quoted(store / DAYS)}/']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _answer(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] | Mapping[str, Any],
            memory: float, seconds: float) -> pa.Table:
    answered = threading.Event()
    watch = threading.Thread(target=_interrupted, args=(connection, answered, seconds), daemon=True)
    watch.start()
    try:
        statements = connection.extract_statements(sql)
        # EXPLAIN is not among them: with ANALYZE it runs whatever it explains, COPY into the store's own folders too
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise UsageError(f"query: got {len(statements)} statements, expected one that reads: SELECT ... FROM ...")
        with bounded(int(2e9 * memory) + _SLACK):
            return _gathered(connection.sql(statements[0], params=parameters or None), memory)
    except duckdb.InterruptException as error:
        raise UsageError(f"query: stopped after {seconds:g} s; ask for less, or allow more: seconds=...") from error
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise UsageError(_TOO_LARGE.format(memory)) from error
    except duckdb.Error as error:
        raise UsageError(f"query: {_said(error)}") from error
    finally:
        answered.set()
        watch.join()


def _interrupted(connection: duckdb.DuckDBPyConnection, answered: threading.Event, seconds: float) -> None:
    """Stop what runs after so many seconds; again and again, for an interruption between two statements is lost."""
    while not answered.wait(seconds):
        connection.interrupt()
        seconds = min(seconds, 0.1)


def _gathered(answer: duckdb.DuckDBPyRelation, memory: float) -> pa.Table:
    """The answer piece by piece, so that one that is too large is noticed before it is there."""
    pieces, taken = [], 0
    with answer.to_arrow_reader() as reader:
        for piece in reader:
            taken += piece.nbytes
            if taken > memory * 1e9:
                raise UsageError(_TOO_LARGE.format(memory))
            pieces.append(piece)
        return pa.Table.from_batches(pieces, reader.schema)


def _frame(table: pa.Table) -> pl.DataFrame:
    import polars as pl

    try:
        frame = pl.from_arrow(table)
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"query: the answer fits no table ({str(error).splitlines()[0][:150]}); give each column a "
                         "name of its own (AS) and a plain type (CAST(x AS VARCHAR))") from error
    assert isinstance(frame, pl.DataFrame)
    return frame


def _said(error: duckdb.Error) -> str:
    return str(error).strip().splitlines()[0][:300]


def _quoted(path: Path) -> str:
    return path.as_posix().replace("'", "''")
