"""JSON: an array of objects, or one object a line; values typed as DuckDB's own JSON output types them.

Numbers are numbers with all their digits (decimals and HUGEINT too), dates, times, intervals, UUIDs and blobs are
strings in DuckDB's text, JSON is itself, lists are arrays, structs and maps are objects. Unlike DuckDB's, the output
is always valid JSON: the three numbers that JSON lacks are the strings "NaN", "Infinity" and "-Infinity".
"""

import json
from collections.abc import Sequence
from typing import BinaryIO

import pyarrow as pa

from shoal.formats.kernel import TextKernel, column_reference, sql_literal, text_bytes


class JsonWriter:
    """Writes rows as JSON objects."""

    def __init__(self, stream: BinaryIO, *, array: bool) -> None:
        self._stream = stream
        self._array = array
        self._kernel: TextKernel | None = None
        self._object = ""
        self._empty = True

    def begin(self, schema: pa.Schema, types: Sequence[str] = ()) -> None:
        """Write the opening bracket of an array."""
        self._kernel = TextKernel(schema)
        parts = ["'{'"]
        for index, (name, field) in enumerate(zip(distinct_names(schema.names), schema, strict=True)):
            key = ("," if index else "") + json.dumps(name, ensure_ascii=False) + ":"
            column = column_reference(index)
            is_json = index < len(types) and types[index] == "JSON"
            value = (
                f"coalesce(to_json({column}::JSON)::VARCHAR, 'null')"
                if is_json
                else json_expression(column, field.type)
            )
            parts += [sql_literal(key), value]
        lead, tail = ("',\n  '", "'}'") if self._array else ("''", "'}\n'")
        self._object = f"concat({lead}, {', '.join(parts)}, {tail})"
        if self._array:
            self._stream.write(b"[")

    def write(self, batch: pa.RecordBatch) -> None:
        """Write an object for each row."""
        assert self._kernel is not None, "begin() comes first"
        if not batch.num_rows:
            return
        text = text_bytes(self._kernel.evaluate(batch, [self._object])[0])
        first = self._array and self._empty
        self._stream.write(text[1:] if first else text)
        self._empty = False

    def end(self) -> None:
        """Write the closing bracket of an array."""
        if self._array:
            self._stream.write(b"]\n" if self._empty else b"\n]\n")

    def close(self) -> None:
        """Free the kernel."""
        if self._kernel is not None:
            self._kernel.close()


def distinct_names(names: list[str]) -> list[str]:
    """Column names as keys of one object: a name that comes again gets ``_1``, ``_2`` ... as DuckDB gives them."""
    keys: dict[str, None] = {}
    for name in names:
        key, count = name, 0
        while key in keys:
            count += 1
            key = f"{name}_{count}"
        keys[key] = None
    return list(keys)


def json_expression(value: str, type: pa.DataType) -> str:
    """The SQL expression of a value's JSON text, which is never NULL."""
    return f"coalesce({_json(value, type, 0)}, 'null')"


def _json(value: str, type: pa.DataType, depth: int) -> str:
    if not _contains_floating(type):
        return f"to_json({value})::VARCHAR"
    item = f"v{depth}"
    match type:
        case pa.StructType():
            fields = [type.field(index) for index in range(type.num_fields)]
            parts = [
                f"{sql_literal((',' if index else '') + json.dumps(field.name, ensure_ascii=False) + ':')}, "
                f"coalesce({_json(f'struct_extract({value}, {sql_literal(field.name)})', field.type, depth)}, 'null')"
                for index, field in enumerate(fields)
            ]
            return f"CASE WHEN {value} IS NOT NULL THEN concat('{{', {', '.join(parts)}, '}}') END"
        case pa.MapType():
            entry = (
                f"concat(to_json({item}.key::VARCHAR)::VARCHAR, ':', "
                f"coalesce({_json(f'{item}.value', type.item_type, depth + 1)}, 'null'))"
            )
            listed = f"list_transform(map_entries({value}), lambda {item}: {entry})"
            return f"'{{' || array_to_string({listed}, ',') || '}}'"
        case pa.ListType() | pa.LargeListType() | pa.FixedSizeListType() | pa.ListViewType() | pa.LargeListViewType():
            entry = f"coalesce({_json(item, type.value_type, depth + 1)}, 'null')"
            listed = f"list_transform({value}, lambda {item}: {entry})"
            return f"'[' || array_to_string({listed}, ',') || ']'"
        case _ if pa.types.is_floating(type):
            infinity = f"""CASE WHEN {value} > 0 THEN '"Infinity"' ELSE '"-Infinity"' END"""
            special = f"""CASE WHEN isnan({value}) THEN '"NaN"' ELSE {infinity} END"""
            finite = f"isfinite({value}) THEN to_json({value})::VARCHAR"
            return f"CASE WHEN {finite} WHEN {value} IS NOT NULL THEN {special} END"
    return f"to_json({value})::VARCHAR"


def _contains_floating(type: pa.DataType) -> bool:
    if pa.types.is_nested(type):
        return any(_contains_floating(type.field(index).type) for index in range(type.num_fields))
    return bool(pa.types.is_floating(type))
