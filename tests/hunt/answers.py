"""Answers, from plain DuckDB and from Shoal, and what differs between two of them."""

import math
import threading
import warnings
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

import shoal
from shoal.executor.kernel_errors import translate_error
from shoal.result_order import ResultOrder, result_order

MOST_ROWS = 20_000
"""Statements whose answer has more rows are passed over, as comparing them takes longer than it is worth."""
MOST_SECONDS = 0.4
"""Statements that take plain DuckDB longer are passed over too."""
_ARROW_LIMIT = "The maximum total string size for regular string buffers"
"""What plain DuckDB says of strings that are more than 2 GB together, which Shoal would deliver."""
_TOLERANCE = 1e-9

Row = tuple[Hashable, ...]


@dataclass(frozen=True)
class Answer:
    """What a statement gave: columns (name, type) and rows, or an error.

    ``tasks`` is how many tasks ran; 0 where nobody knows.
    """

    columns: tuple[tuple[str, str], ...] = ()
    table: pa.Table | None = None
    error: shoal.Error | None = None
    tasks: int = 0

    @property
    def rows(self) -> list[Row]:
        """The rows, in values that can be compared."""
        if self.table is None:
            return []
        columns = [[comparable(value) for value in _values(column)] for column in self.table.columns]
        return list(zip(*columns, strict=True)) if columns else [()] * self.table.num_rows

    def __str__(self) -> str:
        if self.error is not None:
            return f"{type(self.error).__name__}: {self.error}"
        return "no rows" if self.table is None else f"{self.table.num_rows} rows"


def plain_answer(duck: duckdb.DuckDBPyConnection, sql: str, most_rows: int = MOST_ROWS) -> Answer | None:
    """DuckDB's answer; None if that is too much."""
    watchdog = threading.Timer(MOST_SECONDS, duck.interrupt)
    watchdog.start()
    try:
        relation = duck.sql(sql)
        if relation is None:
            return Answer()
        columns = tuple(zip(relation.columns, map(str, relation.types), strict=True))
        reader = relation.to_arrow_reader(most_rows + 1)
        batches, count = [], 0
        for batch in reader:
            batches.append(batch)
            count += batch.num_rows
            if count > most_rows:
                return None
        return Answer(columns, pa.Table.from_batches(batches, reader.schema))
    except Exception as error:  # noqa: BLE001 - the kernel raises many classes, Arrow's among them
        return _failed(error, sql)
    finally:
        watchdog.cancel()


def plain_change(duck: duckdb.DuckDBPyConnection, sql: str) -> Answer | None:
    """What DuckDB says of a statement that changes something; None if that takes too long, and is undone."""
    watchdog = threading.Timer(MOST_SECONDS, duck.interrupt)
    watchdog.start()
    try:
        done = duck.execute(sql)
        columns = tuple((str(column[0]), str(column[1])) for column in done.description or ())
        with warnings.catch_warnings():
            # That the rows are copied once more does not matter here.
            warnings.simplefilter("ignore", UserWarning)
            return Answer(columns, done.to_arrow_reader(MOST_ROWS).read_all())
    except Exception as error:  # noqa: BLE001 - as above
        return _failed(error, sql)
    finally:
        watchdog.cancel()


def _failed(error: Exception, sql: str) -> Answer | None:
    told = translate_error(error, sql)
    is_too_much = isinstance(told, shoal.QueryCancelled) or _ARROW_LIMIT in str(error)
    return None if is_too_much else Answer(error=told)


def our_answer(connection: shoal.Connection, sql: str, parameters: Sequence[object] = ()) -> Answer:
    """Shoal's answer."""
    cursor = connection.cursor()
    try:
        cursor.execute(sql, parameters)
        columns = tuple((column[0], column[1]) for column in cursor.description or ())
        table = cursor.fetch_arrow_table() if columns else None
        told = cursor.statistics
        return Answer(columns, table, tasks=told.tasks if told is not None else 0)
    except shoal.Error as error:
        return Answer(error=error)
    finally:
        cursor.close()


def difference(ours: Answer, theirs: Answer, sql: str) -> str | None:
    """What differs, or None; rows count in their order as far as the statement gives one."""
    if ours.error is not None or theirs.error is not None:
        return _errors_differ(ours, theirs)
    if ours.columns != theirs.columns:
        return f"columns {_but_equal(ours.columns, theirs.columns)}"
    if ours.table is None or theirs.table is None:
        return None if ours.table is theirs.table else "rows on one side only"
    if ours.table.schema != theirs.table.schema:
        return f"Arrow schema {ours.table.schema} instead of {theirs.table.schema}"
    order = result_order(sql, tuple(name for name, _ in theirs.columns)) if _may_be_ordered(sql) else ResultOrder()
    return rows_differ(ours.rows, theirs.rows, order)


def rows_differ(ours: list[Row], theirs: list[Row], order: ResultOrder) -> str | None:
    """What differs between rows, or None."""
    if len(ours) != len(theirs):
        return f"{len(ours)} rows instead of {len(theirs)}\n{_examples(ours, theirs)}"
    if order.limited and not order.keys:
        return None
    for place, pair in enumerate(zip(ours, theirs, strict=True)):
        one, other = ([row[key] for key in order.keys] for row in pair)
        if not all(map(near, one, other)):
            return f"row {place + 1} is {pair[0]} instead of {pair[1]} in the order of columns {order.keys}"
    extra, missing = _apart(ours, theirs)
    if order.limited and theirs:
        last = [theirs[-1][key] for key in order.keys]
        extra, missing = (
            [row for row in side if not all(map(near, [row[key] for key in order.keys], last))]
            for side in (extra, missing)
        )
    if _match(extra, missing):
        return None
    return f"{max(len(extra), len(missing))} rows differ\n{_examples(extra, missing)}"


def comparable(value: Any) -> Hashable:
    """A value that equals another one if and only if SQL's are the same: NaN equals NaN, and -0.0 equals 0.0."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    if isinstance(value, list):
        return tuple(map(comparable, value))
    if isinstance(value, dict):
        return tuple((key, comparable(item)) for key, item in value.items())
    if isinstance(value, tuple):
        return tuple(map(comparable, value))
    return value  # type: ignore[no-any-return]


def near(one: Hashable, other: Hashable) -> bool:
    """Whether two values are the same, or floats that differ by rounding."""
    if one == other:
        return True
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=1e-12)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(near, one, other))
    return False


def _values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type) or pa.types.is_time(column.type) or pa.types.is_date(column.type):
        # Python's values end at microseconds and at the year 9999.
        width = pa.int64() if column.type.bit_width == 64 else pa.int32()
        return [None if value is None else (str(column.type), value) for value in column.cast(width).to_pylist()]
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type).to_pylist()  # type: ignore[no-any-return]
    return column.to_pylist()  # type: ignore[no-any-return]


def _errors_differ(ours: Answer, theirs: Answer) -> str | None:
    if ours.error is None or theirs.error is None:
        return f"ours: {ours}\nDuckDB: {theirs}"
    one, other = type(ours.error), type(theirs.error)
    if issubclass(one, other) or issubclass(other, one):
        return None
    return f"error class: ours: {ours}\nDuckDB: {theirs}"


def _but_equal(ours: Sequence[object], theirs: Sequence[object]) -> str:
    if len(ours) != len(theirs):
        return f"{ours} instead of {theirs}"
    unlike = [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]
    return ", ".join(f"{one} instead of {other}" for one, other in unlike)


def _may_be_ordered(sql: str) -> bool:
    text = sql.upper()
    return "ORDER BY" in text or "LIMIT" in text or "OFFSET" in text


def _apart(ours: list[Row], theirs: list[Row]) -> tuple[list[Row], list[Row]]:
    one, other = Counter(ours), Counter(theirs)
    return list((one - other).elements()), list((other - one).elements())


def _match(extra: list[Row], missing: list[Row]) -> bool:
    """Whether rows are the same but for the rounding of floats."""
    if len(extra) != len(missing):
        return False
    pairs = zip(sorted(extra, key=_rounded), sorted(missing, key=_rounded), strict=True)
    return all(all(map(near, one, other)) for one, other in pairs)


def _rounded(row: Row) -> list[str]:
    return [f"{value:.6g}" if isinstance(value, float) else repr(value) for value in row]


def _examples(ours: list[Row], theirs: list[Row]) -> str:
    extra, missing = _apart(ours, theirs)
    lines = [f"  only ours: {row}" for row in extra[:3]] + [f"  only DuckDB: {row}" for row in missing[:3]]
    return "\n".join(lines)
