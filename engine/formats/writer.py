"""What every output format is: a writer with a beginning, batches and an end, onto one binary stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Protocol

import pyarrow as pa


class Format(StrEnum):
    """The output formats, by the names that the command line takes."""

    TABLE = "table"
    CSV = "csv"
    TSV = "tsv"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"
    VERTICAL = "vertical"

    @property
    def is_display(self) -> bool:
        """Whether the format is for people to read, so that showing part of a long result is of use."""
        return self in (Format.TABLE, Format.MARKDOWN, Format.VERTICAL)


class Expanded(StrEnum):
    """Whether the table format turns to one line a value: never, always, or when the screen is too narrow."""

    OFF = "off"
    ON = "on"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a display format may use its screen.

    ``width`` is in terminal columns; None means that no width is too much (a file). ``encoding`` is the screen's.
    """

    width: int | None = None
    colour: bool = False
    encoding: str = "utf-8"
    expanded: Expanded = Expanded.OFF
    null: str = "NULL"


class ResultWriter(Protocol):
    """Writes one result: ``begin`` once, ``write`` for each batch, ``end`` once; ``close`` always (idempotent)."""

    def begin(self, schema: pa.Schema, types: Sequence[str] = ()) -> None:
        """Learn the columns, and write what comes before the first row.

        ``types`` are their DuckDB types, where they are known: some look the same as others in Arrow (JSON).
        """

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the rows of a batch, or keep the few that the format needs to see first."""

    def end(self) -> None:
        """Write what was kept and what comes after the last row."""

    def close(self) -> None:
        """Free what the writer holds; the stream stays open."""


def open_writer(format: Format, stream: BinaryIO, layout: Layout) -> ResultWriter:
    """The writer of a format onto a stream."""
    from shoal.formats.delimited import DelimitedWriter
    from shoal.formats.json_text import JsonWriter
    from shoal.formats.table import MarkdownWriter, TableWriter
    from shoal.formats.vertical import VerticalWriter

    match format:
        case Format.TABLE if layout.expanded is Expanded.ON:
            return VerticalWriter(stream, layout)
        case Format.TABLE:
            return TableWriter(stream, layout)
        case Format.CSV:
            return DelimitedWriter(stream, ",")
        case Format.TSV:
            return DelimitedWriter(stream, "\t")
        case Format.JSON:
            return JsonWriter(stream, array=True)
        case Format.JSONL:
            return JsonWriter(stream, array=False)
        case Format.MARKDOWN:
            return MarkdownWriter(stream, layout)
        case Format.VERTICAL:
            return VerticalWriter(stream, layout)
