"""Plans the TPC-H queries without data: injected statistics of scale 100, and the kernel's binder over empty tables."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib import resources
from pathlib import Path

import duckdb
import sqlglot

from shoal.planner.definitions import NO_DEFINITIONS
from shoal.planner.functions import is_aggregate
from shoal.planner.options import PlanOptions
from shoal.planner.plan import PlannedQuery, plan_query
from shoal.planner.protocols import ColumnStatistics, KeyRange, RowGroup, TableStatistics, WithoutSamples
from shoal.planner.source import Field, FileFormat, FileIdentity, FileSource, TableSource, ViewDefinition

ROW_GROUPS = 100
"""Row groups of every injected file."""
CLUSTERED = frozenset({("lineitem", "l_orderkey"), ("orders", "o_orderkey")})
"""The keys on which the generator's files are sorted."""


def _value(item: object) -> object:
    if isinstance(item, dict):
        return dt.date.fromisoformat(item["date"]) if "date" in item else Decimal(item["decimal"])
    return item


class InjectedTables(WithoutSamples):
    """A catalog and statistics of tables that do not exist: TPC-H's, or those that another file describes."""

    def __init__(self, file: str = "tpch_sf100.json", clustered: frozenset[tuple[str, str]] = CLUSTERED) -> None:
        described = json.loads((Path(__file__).parent / file).read_text("utf-8"))
        self.clustered = clustered
        self.tables: dict[str, FileSource] = {}
        self.statistics: dict[str, TableStatistics] = {}
        for name, table in described.items():
            file = FileIdentity(f"{name}.parquet", table["bytes"], 0)
            fields = tuple(Field(column, facts["type"]) for column, facts in table["columns"].items())
            self.tables[name] = FileSource(FileFormat.PARQUET, (file,), fields)
            columns = {
                column: ColumnStatistics(
                    _value(facts["minimum"]),
                    _value(facts["maximum"]),
                    facts["null_fraction"],
                    facts["distinct"],
                    facts["width"],
                )
                for column, facts in table["columns"].items()
            }
            groups = tuple(
                RowGroup(table["rows"] // ROW_GROUPS, table["bytes"] // ROW_GROUPS) for _ in range(ROW_GROUPS)
            )
            self.statistics[name] = TableStatistics(
                table["rows"], table["bytes"], columns, {file.path: groups}, exact=True
            )

    version = 1
    definitions = NO_DEFINITIONS

    def lookup(self, name: str) -> TableSource | ViewDefinition | None:
        """The table of that name."""
        return self.tables.get(name.lower())

    def files(self, format: FileFormat, paths: tuple[str, ...], options: tuple[tuple[str, str], ...]) -> FileSource:
        """There are no files."""
        raise AssertionError(paths)

    def names(self) -> tuple[str, ...]:
        """All names."""
        return tuple(self.tables)

    def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
        """The injected statistics."""
        assert isinstance(source, FileSource)
        return self.statistics[source.files[0].path.removesuffix(".parquet")]

    def key_ranges(self, source: TableSource, column: str) -> tuple[KeyRange, ...]:
        """Even ranges of the clustered keys."""
        assert isinstance(source, FileSource)
        file = source.files[0]
        name = file.path.removesuffix(".parquet")
        if (name, column) not in self.clustered:
            return ()
        table = self.statistics[name]
        lowest, highest = table.columns[column].minimum, table.columns[column].maximum
        assert isinstance(lowest, int)
        assert isinstance(highest, int)
        step, rows = (highest - lowest + 1) // ROW_GROUPS, int(table.rows) // ROW_GROUPS
        starts = [lowest + number * step for number in range(ROW_GROUPS)]
        return tuple(
            KeyRange(file, number * rows, rows, start, start + step - 1) for number, start in enumerate(starts)
        )


class EmptyKernel:
    """DuckDB's binder over empty tables of the right schema."""

    def __init__(self, tables: Mapping[str, FileSource]) -> None:
        self.connection = duckdb.connect()
        for name, source in tables.items():
            columns = ", ".join(f'"{field.name}" {field.type}' for field in source.columns)
            self.connection.execute(f"CREATE TABLE {name} ({columns})")

    def describe(self, sql: str, parameters: Sequence[object] = ()) -> tuple[Field, ...]:
        """Names and types of a result."""
        rows = self.connection.execute("DESCRIBE\n" + sql, list(parameters)).fetchall()
        return tuple(Field(row[0], row[1]) for row in rows)

    def table_names(self, sql: str) -> tuple[str, ...]:
        """The tables that a statement names."""
        return tuple(sorted(self.connection.get_table_names(sql)))

    def syntax(self, sql: str) -> str:
        """How the kernel reads a statement."""
        options = "skip_null := true, skip_empty := true, skip_default := true"
        return str(self.connection.execute(f"SELECT json_serialize_sql(?::VARCHAR, {options})", [sql]).fetchall()[0][0])

    def evaluate(self, sql: str) -> tuple[tuple[str, str], ...]:
        """The one row of a query without tables."""
        names = [row[0] for row in self.connection.execute(f"DESCRIBE {sql}").fetchall()]
        return tuple(zip(names, map(str, self.connection.execute(sql).fetchall()[0]), strict=True))

    def moment(self) -> str:
        """The time now."""
        return "2026-11-22 12:00:00+00"

    def types(self, columns: Sequence[Field], layers: Sequence[Mapping[str, str]]) -> dict[str, str]:
        """The types of expressions."""
        items = [f'CAST(NULL AS {field.type}) AS "{field.name}"' for field in columns] or ["1 AS nothing"]
        query = f"SELECT {', '.join(items)}"
        for layer in layers:
            added = [
                f'({sql}{" OVER ()" if is_aggregate(sqlglot.parse_one(sql, dialect="duckdb")) else ""}) AS "{name}"'
                for name, sql in layer.items()
            ]
            query = f"SELECT *, {', '.join(added)} FROM ({query})"
        found = {row[0]: row[1] for row in self.connection.execute("DESCRIBE " + query).fetchall()}
        return {name: found[name] for layer in layers for name in layer}


def tpch_query(number: int) -> str:
    """The text of a TPC-H query."""
    text = (resources.files("shoal.tpch.queries") / f"q{number:02}.sql").read_text("utf-8")
    return text.strip().rstrip(";")


def plan(sql: str, options: PlanOptions, tables: InjectedTables, kernel: EmptyKernel) -> PlannedQuery:
    """Plan one query against the injected tables."""
    return plan_query(sql, (), tables, kernel, tables, options)
