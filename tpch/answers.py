"""Checks an answer against plain DuckDB's, row by row: in order where the query orders, decimals exact, floats within
1e-9 of each other.

``ORDER BY`` seldom fixes the order of every row. So the columns that a query orders by must agree place by place, and
within equal keys any order of rows is right. Where ``LIMIT`` cuts through such a group, any rows of the group are
right; the expected answer is therefore computed without the limit.

Other engines give other types and round their decimals elsewhere, so theirs are compared *roughly*: columns by place,
whole numbers, dates and texts exactly, other numbers within ``ROUGH_TOLERANCE`` of the larger, or of 1. The TPC-H
specification allows a hundredth for averages and ratios.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow
from pyarrow import compute

from shoal.tpch.orderings import Ordering, read_ordering, without_limit

FLOAT_TOLERANCE = 1e-9
ROUGH_TOLERANCE = 1e-5
_SHOWN_ROWS = 3


@dataclass(frozen=True, slots=True)
class Expectation:
    """The right answer: every row without the limit, sorted as the query sorts, and what the query promises."""

    rows: pyarrow.Table
    ordering: Ordering


@dataclass(frozen=True, slots=True)
class _Closeness:
    """How far apart floats may be, as a share of the larger one, or of ``least`` where that is larger."""

    tolerance: float
    least: float
    digits: int | None

    def rounded(self, value: object) -> object:
        """A value as rows of equal rank are told apart by it."""
        return value if self.digits is None or not isinstance(value, float) else round(value, self.digits)


_EXACT = _Closeness(FLOAT_TOLERANCE, 0.0, None)
_ROUGH = _Closeness(ROUGH_TOLERANCE, 1.0, 2)


def expect(sql: str, answer: Callable[[str], pyarrow.Table]) -> Expectation:
    """The right answer of a query, by an engine whose answers are right."""
    rows = answer(without_limit(sql))
    return Expectation(rows, read_ordering(sql, rows.schema.names))


def find_difference(expected: Expectation, answer: pyarrow.Table) -> str | None:
    """What is wrong with an answer, in words that name the first rows that differ; None when it is right."""
    want = _given_out(expected)
    shape = _shape_difference(want, answer, expected.ordering)
    if shape is not None:
        return shape
    columns = [answer.column(i).cast(field.type) for i, field in enumerate(want.schema)]
    return _row_difference(expected, want.columns, columns, _EXACT)


def find_rough_difference(expected: Expectation, answer: pyarrow.Table) -> str | None:
    """What is wrong with another engine's answer; None when it is right but for the types and the last digits."""
    want = _given_out(expected)
    if answer.num_columns != want.num_columns:
        return f"{answer.num_columns} columns instead of {want.num_columns}"
    if (count := _count_difference(want, answer, expected.ordering)) is not None:
        return count
    types = [_rough_type(field.type) for field in want.schema]
    try:
        columns = [answer.column(i).cast(kind) for i, kind in enumerate(types)]
    except pyarrow.ArrowException as error:
        return f"its types are others: {error}"
    return _row_difference(expected, [want.column(i).cast(kind) for i, kind in enumerate(types)], columns, _ROUGH)


def _given_out(expected: Expectation) -> pyarrow.Table:
    """The right rows without the columns that are only ordered by."""
    return expected.rows.select(range(expected.rows.num_columns - expected.ordering.hidden))


def _row_difference(
    expected: Expectation, right: list[pyarrow.ChunkedArray], given: list[pyarrow.ChunkedArray], closeness: _Closeness
) -> str | None:
    names = [f"c{place}" for place in range(len(right))]
    want, answer = pyarrow.table(right, names), pyarrow.table(given, names)
    kept = answer.num_rows
    keys = [place for place in expected.ordering.columns if place < len(names)]
    if keys:
        different = _first_difference(want.select(keys).slice(0, kept), answer.select(keys), closeness)
        if different is not None:
            return _describe("the order differs", want, answer, different)
    ties = _ties(expected, closeness)
    boundary, choice = kept, 0
    if 0 < kept < want.num_rows and ties[kept] == ties[kept - 1]:
        boundary = compute.index(ties, ties[kept]).as_py()
        choice = compute.sum(compute.equal(ties, ties[kept])).as_py()
    head, answer_head = (_sorted(rows.slice(0, boundary), ties.slice(0, boundary)) for rows in (want, answer))
    different = _first_difference(head, answer_head, closeness)
    if different is not None:
        return _describe("rows differ (both sorted by all columns)", head, answer_head, different)
    surplus = _surplus(want.slice(boundary, choice), answer.slice(boundary), closeness)
    if surplus:
        return f"the answer has rows that the right one lacks: {list(surplus)[:_SHOWN_ROWS]}"
    return None


def _ties(expected: Expectation, closeness: _Closeness) -> pyarrow.Array:
    """For each right row the number of its group: rows that follow one another with equal keys are a group."""
    rows = expected.rows.select(list(expected.ordering.columns))
    count = expected.rows.num_rows
    equal = pyarrow.array([True] * max(count - 1, 0), pyarrow.bool_())
    for column in rows.itercolumns():
        same = _equal_values(column.slice(0, max(count - 1, 0)), column.slice(1), closeness)
        equal = compute.and_(equal, same.combine_chunks())
    first = pyarrow.array([0][:count], pyarrow.int64())
    return compute.cumulative_sum(pyarrow.concat_arrays([first, compute.invert(equal).cast(pyarrow.int64())]))


def _shape_difference(want: pyarrow.Table, answer: pyarrow.Table, ordering: Ordering) -> str | None:
    if answer.schema.names != want.schema.names:
        return f"columns {answer.schema.names} instead of {want.schema.names}"
    for got, right in zip(answer.schema, want.schema, strict=True):
        if _type_name(got.type) != _type_name(right.type):
            return f"column {got.name} is {got.type} instead of {right.type}"
    return _count_difference(want, answer, ordering)


def _count_difference(want: pyarrow.Table, answer: pyarrow.Table, ordering: Ordering) -> str | None:
    rows = want.num_rows if ordering.limit is None else min(want.num_rows, ordering.limit)
    return None if answer.num_rows == rows else f"{answer.num_rows} rows instead of {rows}"


def _type_name(kind: pyarrow.DataType) -> str:
    """An Arrow type without its storage width: a decimal may travel in 64 bits or 128, a string with views or not."""
    if pyarrow.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind) or pyarrow.types.is_string_view(kind):
        return "string"
    return str(kind)


def _sorted(table: pyarrow.Table, ties: pyarrow.Array) -> pyarrow.Table:
    """Sorted within groups by all columns, floats last, so that a tiny difference in one cannot pair the wrong rows."""
    if table.num_rows < 2:
        return table
    fields = sorted(table.schema, key=lambda field: pyarrow.types.is_floating(field.type))
    order = [("tie", "ascending"), *((field.name, "ascending") for field in fields)]
    return table.append_column("tie", ties).sort_by(order).drop_columns(["tie"])


def _surplus(want: pyarrow.Table, answer: pyarrow.Table, closeness: _Closeness) -> Counter[tuple[object, ...]]:
    """The rows of an answer that the right rows, among which it may choose, have not or have less often."""

    def rows(table: pyarrow.Table) -> Counter[tuple[object, ...]]:
        return Counter(tuple(closeness.rounded(value) for value in row) for row in _row_tuples(table))

    return rows(answer) - rows(want)


def _rough_type(kind: pyarrow.DataType) -> pyarrow.DataType:
    """The type in which other engines' values are compared with values of this type."""
    types = pyarrow.types
    if types.is_integer(kind) or (types.is_decimal(kind) and kind.scale == 0):
        return pyarrow.int64()
    if types.is_decimal(kind) or types.is_floating(kind):
        return pyarrow.float64()
    return pyarrow.date32() if types.is_date(kind) else pyarrow.string()


def _first_difference(want: pyarrow.Table, answer: pyarrow.Table, closeness: _Closeness) -> int | None:
    """The index of the first row in which two tables of the same schema and length differ."""
    pairs = zip(want.itercolumns(), answer.itercolumns(), strict=True)
    firsts = [compute.index(_equal_values(left, right, closeness), value=False).as_py() for left, right in pairs]
    return min((first for first in firsts if first >= 0), default=None)


def _equal_values(
    left: pyarrow.ChunkedArray, right: pyarrow.ChunkedArray, closeness: _Closeness
) -> pyarrow.ChunkedArray:
    """Whether each pair is equal: two nulls are, two NaN are, and floats within the tolerance of the larger one."""
    equal = compute.equal(left, right)
    if pyarrow.types.is_floating(left.type):
        size = compute.max_element_wise(compute.abs(left), compute.abs(right), closeness.least)
        apart = compute.abs(compute.subtract(left, right))
        close = compute.less_equal(apart, compute.multiply(size, closeness.tolerance))
        # An infinity is within any share of itself, so only finite sizes may be close.
        close = compute.and_(close, compute.is_finite(size))
        equal = compute.or_(compute.or_(equal, close), compute.and_(compute.is_nan(left), compute.is_nan(right)))
    both_null = compute.and_(compute.is_null(left), compute.is_null(right))
    return compute.or_(compute.fill_null(equal, fill_value=False), both_null)


def _row_tuples(table: pyarrow.Table) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def _describe(what: str, want: pyarrow.Table, answer: pyarrow.Table, row: int) -> str:
    right, got = (_row_tuples(table.slice(row, _SHOWN_ROWS)) for table in (want, answer))
    return f"{what} from row {row + 1}:\n  right:  {right}\n  answer: {got}"
