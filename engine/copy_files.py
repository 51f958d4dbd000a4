"""COPY TO: the answer of a query as files, written by this process's kernel under another name until they are whole."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from shoal.executor.carrier import decode_select
from shoal.executor.kernel import Session
from shoal.executor.kernel_errors import translate_error
from shoal.executor.kernel_types import literal, quote
from shoal.planner.errors import Error, QueryCancelled
from shoal.planner.lexer import tokenize
from shoal.planner.source import Field
from shoal.planner.table_statements import CopyTo
from shoal.result import Result
from shoal.running import Running
from shoal.settings import Values
from shoal.table_changes import Changed, KernelOf, refuse_remote

_ROWS = "shoal rows"


class Started(Protocol):
    """How the query of a COPY is run."""

    def __call__(self) -> Result:
        """Its result, to be closed by the caller."""


def copy_to(sql: str, statement: CopyTo, kernel: KernelOf, run: Started, values: Values, running: Running) -> Changed:
    """Run a query and write its rows as the options of the statement say; their number, or what these ask for.

    Raises user errors; a file that is not whole is removed.
    """
    refuse_remote(statement.path)
    rest = sql[statement.rest.start : statement.rest.end]
    options = rest[_length_of_first_string(rest) :]
    result = run()
    try:
        with kernel().session(values.kernel_settings()) as session, running.token.waking(session.interrupt):
            return _write(session, result, statement.path.removeprefix("file://"), options, running)
    finally:
        result.close()


def _length_of_first_string(text: str) -> int:
    return next(tokenize(text)).end


def _write(session: Session, result: Result, path: str, options: str, running: Running) -> Changed:
    fields = [Field(name, field.type) for name, field in zip(_unlike_names(result), result.columns, strict=True)]
    names = [f"column{number}" for number in range(len(fields))]
    # A first batch that fails tells its error here, where it is the query's and not the file's.
    result.prefetch()
    failures: list[Error] = []
    batches = _renamed(result, names, failures)
    schema = pa.schema([each.with_name(name) for each, name in zip(result.stream.schema, names, strict=True)])
    select = decode_select(quote(_ROWS), fields, names)
    # What tells of the files tells their names, so they are written under those from the start.
    tells = any(token.is_word("RETURN_FILES", "RETURN_STATS") for token in tokenize(options))
    is_new_file = not tells and not os.path.isdir(path)  # noqa: PTH112 - the path is DuckDB's business
    written = Path(path).with_name(f".{secrets.token_hex(8)}.{Path(path).name}") if is_new_file else Path(path)
    statement = f"COPY (\n{select}\n) TO {literal(str(written))}{options}"
    try:
        session.connection.register(_ROWS, pa.RecordBatchReader.from_batches(schema, batches))
        session.connection.execute(statement)
        if tells:
            return _told(session.connection)
        ((rows,),) = session.connection.fetchall()[:1] or [(0,)]
        if is_new_file and written.exists() and not Path(path).is_dir():
            written.replace(path)
        return Changed(int(str(rows)))
    except (duckdb.Error, RuntimeError, OSError) as error:
        if running.token.cancelled:
            raise QueryCancelled("the query was cancelled") from error
        # What the query itself raised says more than what the kernel makes of it.
        told = failures[0] if failures else translate_error(error)
        told.message = told.message.replace(written.name, Path(path).name)
        raise told from error
    finally:
        if is_new_file:
            _remove(written)


def _told(connection: duckdb.DuckDBPyConnection) -> Changed:
    """What the options RETURN_FILES and RETURN_STATS answer with, which is plain values alone."""
    # Of every kind of file its own facts, as variants: their texts are plain values.
    fields = tuple(
        Field(str(name), str(type_).replace("VARIANT", "VARCHAR")) for name, type_, *_ in connection.description
    )
    rows = connection.fetchall()
    counted = next(number for number, field in enumerate(fields) if field.name.casefold() == "count")
    empty = ", ".join(f"CAST(NULL AS {field.type})" for field in fields)
    schema = connection.sql(f"SELECT {empty} WHERE false").to_arrow_table().schema
    arrays = [pa.array([_paired(row[number]) for row in rows], each.type) for number, each in enumerate(schema)]
    table = pa.table(arrays, names=[field.name for field in fields])
    return Changed(sum(int(row[counted] or 0) for row in rows), fields, table)


def _paired(value: object) -> object:
    """A map, as Arrow takes one: its pairs, whose values are texts."""
    if not isinstance(value, dict):
        return value
    return [(key, _paired(each) if isinstance(each, dict) else str(each)) for key, each in value.items()]


def _renamed(result: Result, names: list[str], failures: list[Error]) -> Iterator[pa.RecordBatch]:
    try:
        for batch in result.carrier_batches():
            yield batch.rename_columns(names)
    except Error as error:
        failures.append(error)
        raise


def _unlike_names(result: Result) -> list[str]:
    """The names of a result's columns, as DuckDB makes them differ where a file needs that."""
    seen: dict[str, int] = {}
    names = []
    for field in result.columns:
        key = field.name.casefold()
        name = field.name
        while name.casefold() in seen:
            seen[key] = seen.get(key, 0) + 1
            name = f"{field.name}_{seen[key]}"
        seen.setdefault(name.casefold(), 0)
        names.append(name)
    return names


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink(missing_ok=True)
