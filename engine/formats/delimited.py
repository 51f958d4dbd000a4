"""CSV and TSV: RFC 4180 quoting, a header line, values in DuckDB's own text.

NULL is nothing, an empty string is ``""``.
"""

from collections.abc import Sequence
from typing import BinaryIO

import pyarrow as pa

from shoal.formats.kernel import TextKernel, column_reference, sql_literal, text_bytes


class DelimitedWriter:
    """Writes lines of delimited values; every line ends with a line feed."""

    def __init__(self, stream: BinaryIO, delimiter: str) -> None:
        self._stream = stream
        self._delimiter = delimiter
        self._special = f'[{delimiter}"\n\r]'
        self._kernel: TextKernel | None = None
        self._line = ""

    def begin(self, schema: pa.Schema, types: Sequence[str] = ()) -> None:
        """Write the header line."""
        self._kernel = TextKernel(schema)
        names = self._delimiter.join(self._quote(name) for name in schema.names)
        self._stream.write(names.encode() + b"\n")
        values = [self._value(index, field.type) for index, field in enumerate(schema)]
        self._line = f"concat({f', {sql_literal(self._delimiter)}, '.join(values)}, chr(10))"

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a line for each row."""
        assert self._kernel is not None, "begin() comes first"
        if batch.num_rows:
            self._stream.write(text_bytes(self._kernel.evaluate(batch, [self._line])[0]))

    def end(self) -> None:
        """Nothing comes after the last line."""

    def close(self) -> None:
        """Free the kernel."""
        if self._kernel is not None:
            self._kernel.close()

    def _quote(self, text: str) -> str:
        special = not text or any(mark in text for mark in (self._delimiter, '"', "\n", "\r"))
        return '"' + text.replace('"', '""') + '"' if special else text

    def _value(self, index: int, type: pa.DataType) -> str:
        text = f"{column_reference(index)}::VARCHAR"
        if _never_needs_quotes(type):
            return text
        special = f"{text} = '' OR regexp_matches({text}, {sql_literal(self._special)})"
        return f"""CASE WHEN {special} THEN '"' || replace({text}, '"', '""') || '"' ELSE {text} END"""


def _never_needs_quotes(type: pa.DataType) -> bool:
    """Whether the text of every value of a type is free of delimiters, quotes and line ends."""
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_temporal)
    return any(test(type) for test in tests)
