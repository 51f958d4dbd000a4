"""Random tables, and how plain DuckDB and Shoal get to see the same ones.

A table is a query over ``range(n)``. It is written to Parquet files (or handed over as Arrow); types that do not
survive that are restored by a view, on both sides.
"""

import random
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import shoal
from tests.hunt.kinds import KINDS, column_sql

NAMES = (
    ("id", "int"), ("k", "int"), ("k", "int"), ("g", "int"), ("g", "int"), ("x", "dec"), ("y", "dbl"), ("w", "wild"),
    ("s", "str"), ("s", "str"), ("d", "date"), ("b", "bool"), ("h", "huge"), ("t", "ts"), ("z", "tstz"), ("m", "time"),
    ("u", "uuid"), ("e", "enum"), ("bl", "blob"), ("iv", "span"), ("li", "list"), ("st", "struct"), ("mp", "map"),
    ("Odd name", "int"), ("SELECT", "str"), ("größe", "dec"), ('q"uote', "int"), ("a.b", "date"), ("Count", "int"),
)  # fmt: skip
"""Names of columns with their kinds: in every table a name is of the same kind, though not of the same type."""

TABLE_NAMES = ("a", "b", "c", "e", "Odd table")
STORED = "{}__stored"
"""What lies under a view that restores types."""


def quoted(name: str) -> str:
    """A name as it can stand in SQL."""
    plain = name.isidentifier() and name.islower() and name.isascii()
    return name if plain else '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Table:
    """``columns``: (name, kind, type, SQL over ``i``). ``files`` and rows of a row group; ``arrow``: not in files."""

    name: str
    columns: tuple[tuple[str, str, str, str], ...]
    rows: int
    files: int = 1
    group_rows: int = 50
    arrow: bool = False

    @property
    def sql(self) -> str:
        """The query that makes its rows."""
        items = ",\n    ".join(f"{text} AS {quoted(name)}" for name, _, _, text in self.columns)
        return f"SELECT\n    {items}\nFROM range({self.rows}) AS r(i)"

    @property
    def visible(self) -> tuple[tuple[str, str], ...]:
        """Its columns' names, quoted, and kinds."""
        return tuple((quoted(name), kind) for name, kind, _, _ in self.columns)


@dataclass(frozen=True)
class StoredTable:
    """A table as it is kept in a file."""

    name: str
    sql: str
    files: int = 1
    group_rows: int = 50
    arrow: bool = False

    @property
    def visible(self) -> tuple[tuple[str, str], ...]:
        """Nothing is known of its columns."""
        return ()


def as_values(table: Table | StoredTable) -> StoredTable:
    """The same table with its rows written out."""
    with duckdb.connect() as duck:
        wanted = [(quoted(str(row[0])), str(row[1])) for row in duck.execute(f"DESCRIBE {table.sql}").fetchall()]
        texts = ", ".join(f"{name}::VARCHAR" for name, _ in wanted)
        rows = duck.execute(f"SELECT {texts} FROM ({table.sql})").fetchall()
    names = ", ".join(name for name, _ in wanted)
    items = ", ".join(f"{name}::{type_} AS {name}" for name, type_ in wanted)
    values = ",\n    ".join(f"({', '.join(map(_text, row))})" for row in rows or [(None,) * len(wanted)])
    where = "" if rows else " WHERE false"
    sql = f"SELECT {items}\nFROM (VALUES\n    {values}) AS v({names}){where}"
    return StoredTable(table.name, sql, table.files, table.group_rows, table.arrow)


def _text(value: object) -> str:
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


@dataclass(frozen=True)
class World:
    """Some tables."""

    tables: tuple[Table | StoredTable, ...]


def make_world(seed: int) -> World:
    """The tables of a seed."""
    chooser = random.Random(f"world {seed}")
    tables = []
    for name in TABLE_NAMES[: chooser.choice((3, 4, 5, 5))]:
        rows = (
            0
            if name == "e"
            else chooser.choice((90, 150, 200, 300))
            if name in ("a", "b")
            else chooser.choice((1, 7, 40, 90, 200))
        )
        if chooser.random() < 0.03:
            rows = 2500
        wanted = {"id": "int", "k": "int", "s": "str", **dict(chooser.sample(NAMES, chooser.choice((3, 5, 8))))}
        columns = []
        for column, kind in wanted.items():
            type_ = chooser.choice(KINDS[kind].types)
            text = "i::BIGINT" if column == "id" else column_sql(chooser, kind, type_, rows)
            columns.append((column, kind, "BIGINT" if column == "id" else type_, text))
        tables.append(
            Table(
                name,
                tuple(columns),
                rows,
                files=chooser.choice((1, 1, 2, 5)),
                group_rows=chooser.choice((7, 20, 50, 1000)),
                arrow=chooser.random() < 0.15,
            )
        )
    return World(tuple(tables))


def load(world: World, folder: Path, duck: duckdb.DuckDBPyConnection, connection: shoal.Connection | None) -> None:
    """Make the tables in plain DuckDB and in Shoal, or in plain DuckDB alone; ``folder`` is empty."""
    for number, table in enumerate(world.tables):
        load_table(table, folder / str(number), duck, connection)


def load_table(
    table: Table | StoredTable, folder: Path, duck: duckdb.DuckDBPyConnection, connection: shoal.Connection | None
) -> None:
    """Make one table on both sides."""
    wanted = [(str(row[0]), str(row[1])) for row in duck.execute(f"DESCRIBE {table.sql}").fetchall()]
    stored = ", ".join(f"{_stored(name, type_)} AS {quoted(name)}" for name, type_ in wanted)
    rows = duck.sql(f"SELECT {stored} FROM ({table.sql})").to_arrow_table()
    folder.mkdir(parents=True, exist_ok=True)
    if table.arrow:
        duck.register("arrow_rows", rows)
        found = duck.execute("DESCRIBE FROM arrow_rows").fetchall()
        duck.unregister("arrow_rows")
        data: object = rows
    else:
        _write(rows, folder, table)
        found = duck.execute(f"DESCRIBE FROM read_parquet('{folder}/*.parquet')").fetchall()
        data = folder
    same = [(str(row[0]), str(row[1])) for row in found] == wanted
    name = table.name if same else STORED.format(table.name)
    items = ", ".join(f"{quoted(column)}::{type_} AS {quoted(column)}" for column, type_ in wanted)
    view = f"CREATE VIEW {quoted(table.name)} AS SELECT {items} FROM {quoted(name)}"
    duck.execute(f"CREATE TABLE {quoted(name)} AS SELECT {stored} FROM ({table.sql})")
    if not same:
        duck.execute(view)
    if connection is not None:
        connection.register(name, data)
        if not same:
            connection.execute(view)


def _stored(name: str, type_: str) -> str:
    """How a column is stored: what Parquet has no type for as text."""
    return f"{quoted(name)}::VARCHAR" if type_ in ("HUGEINT", "UHUGEINT", "INTERVAL") else quoted(name)


def _has_nan(column: pa.ChunkedArray) -> bool:
    return pa.types.is_floating(column.type) and bool(pc.any(pc.is_nan(column)).as_py())


def _write(rows: pa.Table, folder: Path, table: Table | StoredTable) -> None:
    # Bounds of floats leave NaN out, and DuckDB skips row groups by them in which NaN would be found (NaN >= 0).
    unbounded = [name for name in rows.column_names if _has_nan(rows[name])]
    bounded = [name for name in rows.column_names if name not in unbounded] if unbounded else True
    size = -(-rows.num_rows // table.files) if rows.num_rows else 0
    for number in range(table.files if size else 1):
        part = rows.slice(number * size, size)
        pq.write_table(
            part, folder / f"part-{number}.parquet", row_group_size=table.group_rows, write_statistics=bounded
        )
