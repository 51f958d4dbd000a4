"""Text as it is: for results that are a text already, such as EXPLAIN's."""

from collections.abc import Sequence
from typing import BinaryIO

import pyarrow as pa

from shoal.formats.display import escape_controls
from shoal.formats.kernel import TextKernel, column_reference
from shoal.formats.writer import Layout


class PlainWriter:
    """Writes the last column of each row with its line breaks, and nothing around it."""

    def __init__(self, stream: BinaryIO, layout: Layout) -> None:
        self._stream = stream
        self._layout = layout
        self._kernel: TextKernel | None = None

    def begin(self, schema: pa.Schema, types: Sequence[str] = ()) -> None:
        """Nothing comes before the first line."""
        self._kernel = TextKernel(schema)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the lines of a batch."""
        assert self._kernel is not None, "begin() comes first"
        if not batch.num_rows:
            return
        values = self._kernel.evaluate(batch, [f"{column_reference(batch.num_columns - 1)}::VARCHAR"])[0].to_pylist()
        lines = [escape_controls(line) for value in values for line in (value or "").rstrip("\n").split("\n")]
        self._stream.write(("\n".join(lines) + "\n").encode(self._layout.encoding, "replace"))

    def end(self) -> None:
        """Nothing comes after the last line."""

    def close(self) -> None:
        """Free the kernel."""
        if self._kernel is not None:
            self._kernel.close()
