"""Comparing two answers row by row, in DuckDB: no Python loop touches a row, so answers of any size can be compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from shoal.executor.directories import disk_base
from shoal.executor.owned_directory import OwnedDirectory

RELATIVE = 1e-9
"""How far two DOUBLE values may be apart, as a part of the larger one."""

_RELATIVE_OF_FLOAT = 2e-7
"""The same for FLOAT, whose values are themselves further apart."""

_ABSOLUTE = 1e-12
"""How far two values around zero may be apart: what is left of a sum that cancels out."""

_SHOWN_ROWS = 3

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs, and the first rows of each side that the other one does not have (at that place)."""

    message: str
    ours: tuple[Row, ...] = ()
    theirs: tuple[Row, ...] = ()

    def __str__(self) -> str:
        lines = [self.message]
        for side, rows in (("ours", self.ours), ("DuckDB", self.theirs)):
            lines += [f"  only {side}: ({', '.join(map(str, row))})" for row in rows]
        return "\n".join(lines)


def compare_tables(
    ours: pa.Table, theirs: pa.Table, ordered_by: Sequence[int] = (), *, limited: bool = False
) -> Difference | None:
    """The first difference of two answers, or None.

    Rows are compared as multisets; the columns ``ordered_by`` (by index) also in their order, so that rows that are
    equal in them may come in any order. ``limited``: the rows were cut off by a LIMIT, so that of the rows equal to the
    last one in ``ordered_by`` any may be there (without ``ordered_by``: any rows at all). Floats may differ by 1e-9 of
    their value, NaN equals NaN, everything else is exact. Columns are compared by position; names do not matter.
    """
    if ours.num_columns != theirs.num_columns:
        return Difference(f"there are {ours.num_columns} columns instead of {theirs.num_columns}")
    if ours.num_rows != theirs.num_rows:
        return _Comparison(ours, theirs).run(
            lambda comparison: comparison.extra_rows(f"there are {ours.num_rows} rows instead of {theirs.num_rows}")
        )
    if ours.num_rows == 0 or (limited and not ordered_by):
        return None
    return _Comparison(ours, theirs).run(lambda comparison: comparison.difference(tuple(ordered_by), limited))


class _Comparison:
    """Both answers as tables ``ours`` and ``theirs`` of a DuckDB of their own, with columns c0, c1 ..."""

    def __init__(self, ours: pa.Table, theirs: pa.Table) -> None:
        names = [f"c{index}" for index in range(ours.num_columns)]
        self._sides = {"ours": ours.rename_columns(names), "theirs": theirs.rename_columns(names)}
        self._names = names

    def run(self, compare: Callable[["_Comparison"], Difference | None]) -> Difference | None:
        """Call ``compare`` while the tables are there."""
        directory = OwnedDirectory(disk_base(), "compare")
        config: dict[str, str | bool | int | float | list[str]] = {
            "python_enable_replacements": "false",
            "temp_directory": str(directory.path),
        }
        self._connection = duckdb.connect(":memory:", config=config)
        try:
            self._connection.execute("SET enable_progress_bar = false")
            for name, table in self._sides.items():
                self._connection.register(name, table)
            return compare(self)
        finally:
            self._connection.close()
            directory.close()

    def difference(self, ordered_by: tuple[int, ...], limited: bool) -> Difference | None:
        types = self._types("ours")
        if types != (expected := self._types("theirs")):
            index = next(i for i, pair in enumerate(zip(types, expected, strict=True)) if pair[0] != pair[1])
            return Difference(f"column {index + 1} has the type {types[index]} instead of {expected[index]}")
        if not self._places_that_differ(range(len(types)), types):
            return None
        keys = [self._names[index] for index in ordered_by]
        places = self._places_that_differ(ordered_by, types)
        if places:
            return self._at_place(places[0])
        return self._multisets(types, keys if limited else [])

    def extra_rows(self, message: str) -> Difference:
        only = [self._rows(f"FROM {a} EXCEPT ALL FROM {b}") for a, b in (("ours", "theirs"), ("theirs", "ours"))]
        return Difference(message, *only)

    def _types(self, side: str) -> list[str]:
        return [str(row[1]) for row in self._connection.execute(f"DESCRIBE FROM {side}").fetchall()]

    def _places_that_differ(self, columns: Sequence[int], types: Sequence[str]) -> list[int]:
        """The first row, from 0, that differs in the given columns when both sides are read in their order."""
        if not columns:
            return []
        equal = " AND ".join(_equal(f"a.c{index}", f"b.c{index}", types[index]) for index in columns)
        sides = " POSITIONAL JOIN ".join(
            f"(SELECT row_number() OVER () - 1 AS place_{alias}, * FROM {side}) AS {alias}"
            for alias, side in (("a", "ours"), ("b", "theirs"))
        )
        rows = self._connection.execute(f"SELECT min(place_a) FROM {sides} WHERE NOT ({equal})").fetchall()
        return [] if rows[0][0] is None else [int(rows[0][0])]

    def _at_place(self, place: int) -> Difference:
        only = [self._rows(f"FROM {side} OFFSET {place}") for side in ("ours", "theirs")]
        return Difference(f"the order differs from row {place + 1} on", *only)

    def _multisets(self, types: Sequence[str], cut_keys: Sequence[str]) -> Difference | None:
        for name, a, b in (("extra", "ours", "theirs"), ("missing", "theirs", "ours")):
            self._connection.execute(f"CREATE TEMP TABLE {name} AS FROM {a} EXCEPT ALL FROM {b}")
        if cut_keys:
            self._forgive_last(cut_keys)
        extra, missing = (self._count(f"FROM {name}") for name in ("extra", "missing"))
        if extra == missing == 0:
            return None
        if extra == missing and any(type_ in ("FLOAT", "DOUBLE") for type_ in types):
            self._match_floats(types)
            extra = self._count("FROM extra")
            if extra == 0:
                return None
        count = max(extra, missing)
        message = f"{count:,} row{'' if count == 1 else 's'} differ{'s' if count == 1 else ''}"
        return Difference(message, self._rows("FROM extra"), self._rows("FROM missing"))

    def _forgive_last(self, keys: Sequence[str]) -> None:
        """A LIMIT may cut anywhere among rows that are equal in the order: forget those that equal the last row."""
        last = f"(SELECT {', '.join(keys)} FROM theirs OFFSET (SELECT count(*) - 1 FROM theirs))"
        same = " AND ".join(f"x.{key} IS NOT DISTINCT FROM last.{key}" for key in keys)
        for name in ("extra", "missing"):
            self._connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT x.* FROM {name} AS x, {last} AS last WHERE NOT ({same})"
            )

    def _match_floats(self, types: Sequence[str]) -> None:
        """Pair the rows that are left in the order of their exact columns; forget the pairs that are near enough."""
        exact = [name for name, type_ in zip(self._names, types, strict=True) if type_ not in ("FLOAT", "DOUBLE")]
        floats = [name for name in self._names if name not in exact]
        order = ", ".join([*exact, *(f"TRY_CAST({name} AS FLOAT)" for name in floats), *floats])
        equal = " AND ".join(
            _equal(f"a.{name}", f"b.{name}", type_) for name, type_ in zip(self._names, types, strict=True)
        )
        for name in ("extra", "missing"):
            self._connection.execute(
                f"CREATE TEMP TABLE ranked_{name} AS "
                f"SELECT *, row_number() OVER (ORDER BY {order}) AS place FROM {name}"
            )
        self._connection.execute(
            "CREATE TEMP TABLE unlike AS SELECT a.place FROM ranked_extra AS a JOIN ranked_missing AS b USING (place) "
            f"WHERE NOT ({equal})"
        )
        for name in ("extra", "missing"):
            self._connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * EXCLUDE place FROM ranked_{name} SEMI JOIN unlike "
                "USING (place)"
            )

    def _count(self, query: str) -> int:
        return int(self._connection.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0])

    def _rows(self, query: str) -> tuple[Row, ...]:
        return tuple(self._connection.execute(f"SELECT * FROM ({query}) LIMIT {_SHOWN_ROWS}").fetchall())


def _equal(a: str, b: str, type_: str) -> str:
    if type_ not in ("FLOAT", "DOUBLE"):
        return f"({a} IS NOT DISTINCT FROM {b})"
    relative = RELATIVE if type_ == "DOUBLE" else _RELATIVE_OF_FLOAT
    near = f"abs({a} - {b}) <= greatest({_ABSOLUTE}, {relative} * greatest(abs({a}), abs({b})))"
    finite = f"isfinite({a}) AND isfinite({b})"
    return f"({a} IS NOT DISTINCT FROM {b} OR coalesce({finite} AND {near}, false))"
