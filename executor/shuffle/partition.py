"""Cutting record batches by a partition number, and giving columns the layout in which they are stored."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from shoal.planner.errors import InvariantViolated


def partition_batch(batch: pa.RecordBatch, partitions: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows of each partition that has some, without the trailing column that holds the number.

    Rows keep their order inside a partition. Raises ``InvariantViolated`` if a number is NULL or out of range.
    """
    numbers = batch.column(batch.num_columns - 1)
    rows = batch.select(range(batch.num_columns - 1))
    found, rows_of = pc.value_counts(numbers).flatten()
    counts = dict(zip(found.to_pylist(), rows_of.to_pylist(), strict=True))
    for number in counts:
        if not isinstance(number, int) or not 0 <= number < partitions:
            raise InvariantViolated(f"partition number {number} is not in 0 .. {partitions - 1}")
    if len(counts) > 1:
        rows = rows.take(pc.array_sort_indices(numbers))
    start = 0
    for number in sorted(counts):
        yield number, rows.slice(start, counts[number])
        start += counts[number]


def storage_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with view types replaced: a slice of a view array would write, and be sized as, its whole buffers."""
    stored = pa.schema([_stored_field(field) for field in schema], schema.metadata)
    return schema if stored.equals(schema, check_metadata=True) else stored


def _stored_field(field: pa.Field) -> pa.Field:
    return field.with_type(_stored(field.type))


def _stored(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_binary_view(type_):
        return pa.large_binary()
    if pa.types.is_string_view(type_):
        return pa.large_string()
    if pa.types.is_fixed_size_list(type_):
        return pa.list_(_stored_field(type_.value_field), type_.list_size)
    if pa.types.is_list(type_):
        return pa.list_(_stored_field(type_.value_field))
    if pa.types.is_map(type_):
        return pa.map_(_stored_field(type_.key_field), _stored_field(type_.item_field), type_.keys_sorted)
    if pa.types.is_struct(type_):
        return pa.struct([_stored_field(type_.field(index)) for index in range(type_.num_fields)])
    return type_
