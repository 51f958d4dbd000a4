"""One line a value, for rows that are wider than the screen."""

from collections.abc import Iterable, Sequence
from typing import BinaryIO

import pyarrow as pa

from shoal.formats.display import display_width, escape_controls, pad
from shoal.formats.kernel import TextKernel, column_reference
from shoal.formats.writer import Layout

_SLICE = 1000


class VerticalWriter:
    """Writes each row as a heading with its number and a line ``name | value`` for each column."""

    def __init__(self, stream: BinaryIO, layout: Layout) -> None:
        self._stream = stream
        self._layout = layout
        self._kernel: TextKernel | None = None
        self._names: list[str] = []
        self._row = 0
        utf = layout.encoding.lower().replace("_", "-").startswith("utf")
        self._bar, self._dash = ("│", "─") if utf else ("|", "-")

    def begin(self, schema: pa.Schema, types: Sequence[str] = ()) -> None:
        """Learn the columns."""
        self._kernel = TextKernel(schema)
        names = [escape_controls(name) for name in schema.names]
        width = max((display_width(name) for name in names), default=0)
        self._names = [pad(name, width, right=True) for name in names]

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the rows of a batch."""
        assert self._kernel is not None, "begin() comes first"
        expressions = [f"{column_reference(index)}::VARCHAR" for index in range(batch.num_columns)]
        for start in range(0, batch.num_rows, _SLICE):
            arrays = self._kernel.evaluate(batch.slice(start, _SLICE), expressions)
            columns = [[v if v is None else escape_controls(v) for v in array.to_pylist()] for array in arrays]
            self.write_cells(zip(*columns, strict=True))

    def write_cells(self, rows: Iterable[Sequence[str | None]]) -> None:
        """Write rows whose values are text already, free of control characters."""
        lines: list[str] = []
        dim, bold, plain = ("\x1b[2m", "\x1b[1m", "\x1b[0m") if self._layout.colour else ("", "", "")
        for row in rows:
            self._row += 1
            title = f"{self._dash}[ row {self._row} ]"
            lines.append(dim + title + self._dash * max(3, self._title_width() - len(title)) + plain)
            for name, value in zip(self._names, row, strict=True):
                text = f"{dim}{self._layout.null}{plain}" if value is None else value
                lines.append(f"{bold}{name}{plain} {self._bar} {text}")
        if lines:
            self._stream.write(("\n".join(lines) + "\n").encode(self._layout.encoding, "replace"))

    def end(self) -> None:
        """Nothing comes after the last row."""

    def close(self) -> None:
        """Free the kernel."""
        if self._kernel is not None:
            self._kernel.close()

    def _title_width(self) -> int:
        return min(60, self._layout.width or 60)
