"""``SET verify = on``: the same statement on plain DuckDB, over the same sources, compared row by row."""

import warnings
from collections.abc import Sequence

import duckdb
import pyarrow as pa

from shoal.compare import Difference, compare_tables
from shoal.executor.carrier import encode_select
from shoal.executor.directories import disk_base
from shoal.executor.kernel_errors import translate_error
from shoal.executor.kernel_types import quote
from shoal.executor.owned_directory import OwnedDirectory
from shoal.executor.scan import scan_sql
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.planner.errors import ErrorContext, WrongAnswer
from shoal.planner.names import TEMPORARY, own_name, quoted_name, schema_of
from shoal.planner.source import ArrowSource, Field
from shoal.planner.stage import Stage, StagedPlan, TaskScan
from shoal.result_order import is_volatile, result_order

__all__ = ["Difference", "compare_tables", "run_plain", "verify_result"]


def verify_result(
    table: pa.Table,
    columns: Sequence[Field],
    plan: StagedPlan,
    native_names: frozenset[str],
    reader: ShuffleReader,
) -> None:
    """Compare an answer, in carrier types, with plain DuckDB's; raises ``WrongAnswer`` with the first differing rows.

    ``plan`` is the statement as one stage. A statement that gives something else each time is left unchecked, with a
    warning.
    """
    stage = plan.result
    if is_volatile(stage.sql):
        warnings.warn("the statement gives something else each time and was not verified", stacklevel=2)
        return
    theirs = run_plain(stage, plan.settings, native_names, reader)
    if [column.type for column in columns] != [column.type for column in stage.columns]:
        raise WrongAnswer(f"the columns differ from plain DuckDB's: {columns} instead of {stage.columns}")
    order = result_order(stage.sql, tuple(column.name for column in columns))
    found = compare_tables(table, theirs, order.keys, limited=order.limited)
    if found is not None:
        raise WrongAnswer(f"the answer differs from plain DuckDB's: {found}", ErrorContext())


def run_plain(
    stage: Stage, settings: Sequence[tuple[str, str]], native_names: frozenset[str], reader: ShuffleReader
) -> pa.Table:
    """The answer of a fresh DuckDB in memory to a whole statement, in carrier types; raises the statement's error."""
    directory = OwnedDirectory(disk_base(), "verify")
    config: dict[str, str | bool | int | float | list[str]] = {
        "python_enable_replacements": "false",
        "temp_directory": str(directory.path),
        "arrow_output_version": "1.5",
    }
    connection = duckdb.connect(":memory:", config=config)
    try:
        connection.execute("SET enable_progress_bar = false")
        for name, value in settings:
            connection.execute(f"SET {name} = {value}")
        for scan in stage.scans:
            if scan.name in native_names:
                continue
            relation = f"registered {scan.name}"
            if isinstance(scan.source, ArrowSource):
                connection.register(relation, reader.open_arrow(scan.source).table())
            task_scan = TaskScan(scan.name, scan.source, scan.columns, scan.splits[0])
            _create_view(connection, scan.name, scan_sql(task_scan, relation))
        for name, sql in stage.setup:
            if name:
                _create_view(connection, name, sql)
            else:
                connection.execute(sql)
        return connection.sql(encode_select(stage.sql, stage.columns)).to_arrow_table()
    except (duckdb.Error, RuntimeError, OSError) as error:
        raise translate_error(error, stage.sql) from error
    finally:
        connection.close()
        directory.close()


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> None:
    schema = schema_of(name)
    if not schema or schema.casefold() == TEMPORARY:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote(own_name(name))} AS\n{sql}")
        return
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
    connection.execute(f"CREATE VIEW {quoted_name(name)} AS\n{sql}")
