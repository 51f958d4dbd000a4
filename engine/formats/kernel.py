"""Values to text, by DuckDB itself: a writer states the text it wants as SQL over a batch, and gets Arrow strings back.

Casting in DuckDB keeps the text of every value, nested ones included, exactly as DuckDB prints it, and does a batch of
128k rows in a few milliseconds a column.
"""

from collections.abc import Sequence
from functools import cache
from typing import cast

import duckdb
import pyarrow as pa

_VIEW = "batch"


def column_reference(index: int) -> str:
    """The SQL name by which expressions refer to the column at ``index``, whatever it is called in the result."""
    return f"c{index}"


def sql_literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


@cache
def _scratch_database() -> duckdb.DuckDBPyConnection:
    """An empty database in memory, one for the process: opening one takes longer than most of its uses."""
    return duckdb.connect(
        config={"threads": 1, "python_enable_replacements": False, "autoinstall_known_extensions": False}
    )


class TextKernel:
    """A cursor of a scratch DuckDB that evaluates text expressions over batches; one a result, used by one thread."""

    def __init__(self, schema: pa.Schema) -> None:
        self._names = [column_reference(index) for index in range(len(schema))]
        self._connection = _scratch_database().cursor()
        zone = next((field.type.tz for field in schema if pa.types.is_timestamp(field.type) and field.type.tz), None)
        if zone is not None:
            self._connection.execute(f"SET SESSION TimeZone = {sql_literal(zone)}")

    def evaluate(self, batch: pa.RecordBatch, expressions: Sequence[str]) -> list[pa.Array]:
        """One array for each SQL expression over the columns ``column_reference(i)`` of the batch."""
        if not expressions:
            return []
        table = pa.Table.from_batches([batch]).rename_columns(self._names)
        self._connection.register(_VIEW, table)
        try:
            listed = ", ".join(f"{expression} AS x{index}" for index, expression in enumerate(expressions))
            result = self._connection.sql(f"SELECT {listed} FROM {_VIEW}").to_arrow_table()
        finally:
            self._connection.unregister(_VIEW)
        return [_one_chunk(column) for column in result.columns]

    def close(self) -> None:
        """Free the cursor."""
        self._connection.close()


def text_bytes(array: pa.Array) -> memoryview:
    """All strings of an array one after another, without copying them; nulls add nothing."""
    data = array.buffers()[2]
    if data is None or len(array) == 0:
        return memoryview(b"")
    width = 8 if pa.types.is_large_string(array.type) else 4
    offsets = memoryview(array.buffers()[1]).cast("B").cast("q" if width == 8 else "i")
    return cast(memoryview, memoryview(data))[offsets[array.offset] : offsets[array.offset + len(array)]]


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
