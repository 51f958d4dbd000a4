"""Tables with borders, and Markdown tables: widths come from the first rows, later rows follow them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from shoal.formats.display import display_width, escape_controls, fit, pad
from shoal.formats.kernel import TextKernel, column_reference
from shoal.formats.vertical import VerticalWriter
from shoal.formats.writer import Expanded, Layout

SAMPLE_ROWS = 1000
"""Rows that are looked at for the widths of columns; also all that a table ever holds in memory."""

NARROWEST = 12
"""Columns of text are never cut below this width."""

NARROWEST_NAME = 8
"""Names of columns whose values are never cut are themselves not cut below this width."""


@dataclass(frozen=True, slots=True)
class _Glyphs:
    """The characters of a border: the four lines as (left, fill, cross, right), and the bars of a row."""

    top: str
    middle: str
    bottom: str
    bar: str


_BOX = _Glyphs("┌─┬┐", "├─┼┤", "└─┴┘", "│")
_ASCII = _Glyphs("+-++", "+-++", "+-++", "|")


class _GridWriter:
    """What tables with borders and Markdown tables share: the sample, the widths, the cells."""

    def __init__(self, stream: BinaryIO, layout: Layout) -> None:
        self._stream = stream
        self._layout = layout
        self._kernel: TextKernel | None = None
        self._schema: pa.Schema | None = None
        self._names: list[str] = []
        self._right: list[bool] = []
        self._whole: list[bool] = []
        self._sample: list[Sequence[str | None]] = []
        self._widths: list[int] | None = None

    def begin(self, schema: pa.Schema, types: Sequence[str] = ()) -> None:
        """Learn the columns; nothing is written before the sample is full or the result ends."""
        self._kernel = TextKernel(schema)
        self._schema = schema
        self._names = [self._escape(name) for name in schema.names]
        self._right = [_is_number(field.type) for field in schema]
        self._whole = [_is_number(field.type) or pa.types.is_temporal(field.type) for field in schema]

    def write(self, batch: pa.RecordBatch) -> None:
        """Keep the first rows as the sample, write later ones."""
        for start in range(0, batch.num_rows, SAMPLE_ROWS):
            rows = self._cells(batch.slice(start, SAMPLE_ROWS))
            if self._widths is not None:
                self._write_rows(rows)
                continue
            self._sample += rows
            if len(self._sample) >= SAMPLE_ROWS:
                self._flush_sample()

    def end(self) -> None:
        """Write the sample if it is still kept, and the closing line."""
        if self._widths is None:
            self._flush_sample()
        self._write_end()

    def close(self) -> None:
        """Free the kernel."""
        if self._kernel is not None:
            self._kernel.close()

    def _cells(self, batch: pa.RecordBatch) -> list[Sequence[str | None]]:
        assert self._kernel is not None, "begin() comes first"
        expressions = [f"{column_reference(index)}::VARCHAR" for index in range(batch.num_columns)]
        columns = [
            [None if value is None else self._escape(value) for value in array.to_pylist()]
            for array in self._kernel.evaluate(batch, expressions)
        ]
        return list(zip(*columns, strict=True))

    def _flush_sample(self) -> None:
        null = display_width(self._layout.null)
        self._widths = self._fit_widths(
            [
                max(
                    (null if row[index] is None else display_width(row[index] or "") for row in self._sample), default=0
                )
                for index in range(len(self._names))
            ]
        )
        self._write_header()
        self._write_rows(self._sample)
        self._sample = []

    def _write_lines(self, lines: list[str]) -> None:
        if lines:
            self._stream.write(("\n".join(lines) + "\n").encode(self._layout.encoding, "replace"))

    def _escape(self, text: str) -> str:
        return escape_controls(text)

    def _fit_widths(self, values: list[int]) -> list[int]:
        return [max(width, display_width(name)) for width, name in zip(values, self._names, strict=True)]

    def _write_header(self) -> None:
        raise TypeError("a grid writer has a header of its own")

    def _write_rows(self, rows: Sequence[Sequence[str | None]]) -> None:
        raise TypeError("a grid writer has rows of its own")

    def _write_end(self) -> None:
        """Nothing comes after the rows unless a format says so."""


class TableWriter(_GridWriter):
    """A table with borders: numbers to the right, columns of text cut with an ellipsis to the width of the screen.

    Numbers, dates and times are never cut. When a table cannot fit and ``Layout.expanded`` is AUTO, the result is
    written one line a value instead.
    """

    def __init__(self, stream: BinaryIO, layout: Layout) -> None:
        super().__init__(stream, layout)
        self._glyphs = _BOX if layout.encoding.lower().replace("_", "-").startswith("utf") else _ASCII
        self._vertical: VerticalWriter | None = None

    def close(self) -> None:
        """Free the kernel."""
        super().close()
        if self._vertical is not None:
            self._vertical.close()

    def _fit_widths(self, values: list[int]) -> list[int]:
        natural = super()._fit_widths(values)
        if self._layout.width is None:
            return natural
        room = self._layout.width - 3 * len(natural) - 1
        least = [
            max(value, min(width, NARROWEST_NAME)) if whole else min(width, NARROWEST)
            for value, width, whole in zip(values, natural, self._whole, strict=True)
        ]
        if sum(natural) <= room:
            return natural
        if sum(least) > room:
            if self._layout.expanded is Expanded.AUTO:
                self._vertical = VerticalWriter(self._stream, self._layout)
            return natural
        return _shrink(natural, least, room)

    def _write_header(self) -> None:
        assert self._widths is not None
        assert self._schema is not None
        if self._vertical is not None:
            self._vertical.begin(self._schema)
            return
        bold, plain = ("\x1b[1m", "\x1b[0m") if self._layout.colour else ("", "")
        cells = [
            bold + pad(fit(name, width), width, right=right) + plain
            for name, width, right in zip(self._names, self._widths, self._right, strict=True)
        ]
        bar = self._glyphs.bar
        self._write_lines(
            [self._rule(self._glyphs.top), f"{bar} {f' {bar} '.join(cells)} {bar}", self._rule(self._glyphs.middle)]
        )

    def _write_rows(self, rows: Sequence[Sequence[str | None]]) -> None:
        if self._vertical is not None:
            self._vertical.write_cells(rows)
            return
        assert self._widths is not None
        bar = self._glyphs.bar
        shapes = list(zip(self._widths, self._right, self._whole, strict=True))
        lines = []
        for row in rows:
            cells = [self._cell(value, *shape) for value, shape in zip(row, shapes, strict=True)]
            lines.append(f"{bar} {f' {bar} '.join(cells)} {bar}")
        self._write_lines(lines)

    def _cell(self, value: str | None, width: int, right: bool, whole: bool) -> str:
        if value is None:
            text = pad(self._layout.null, width, right=right)
            return f"\x1b[2m{text}\x1b[0m" if self._layout.colour else text
        return pad(value if self._layout.width is None or whole else fit(value, width), width, right=right)

    def _write_end(self) -> None:
        if self._vertical is None:
            self._write_lines([self._rule(self._glyphs.bottom)])

    def _rule(self, line: str) -> str:
        assert self._widths is not None
        left, fill, cross, right = tuple(line)
        return left + cross.join(fill * (width + 2) for width in self._widths) + right


class MarkdownWriter(_GridWriter):
    """A table in GitHub's Markdown."""

    def _escape(self, text: str) -> str:
        lines = text.replace("\r\n", "\n").replace("|", "\\|").split("\n")
        return "<br>".join(escape_controls(line) for line in lines)

    def _fit_widths(self, values: list[int]) -> list[int]:
        return [max(3, width) for width in super()._fit_widths(values)]

    def _write_header(self) -> None:
        assert self._widths is not None
        rules = ["-" * (width - right) + ":" * right for width, right in zip(self._widths, self._right, strict=True)]
        self._write_rows([self._names])
        self._write_lines([f"| {' | '.join(rules)} |"])

    def _write_rows(self, rows: Sequence[Sequence[str | None]]) -> None:
        assert self._widths is not None
        shapes = list(zip(self._widths, self._right, strict=True))
        self._write_lines(
            [
                "| "
                + " | ".join(
                    pad(self._layout.null if value is None else value, width, right=right)
                    for value, (width, right) in zip(row, shapes, strict=True)
                )
                + " |"
                for row in rows
            ]
        )


def _is_number(type: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type) or pa.types.is_floating(type) or pa.types.is_decimal(type))


def _shrink(natural: list[int], least: list[int], room: int) -> list[int]:
    """Widths that fill ``room``: the widest columns are cut to one common width, none below its least."""
    ceiling = max(natural)
    while sum(max(low, min(width, ceiling)) for width, low in zip(natural, least, strict=True)) > room:
        ceiling -= 1
    return [max(low, min(width, ceiling)) for width, low in zip(natural, least, strict=True)]
