"""The tables that answers are compared over: NULLs, skew, clusters, every type, odd names; as Parquet, CSV and JSON.

Tables of 1,000 rows or more are split among tasks when distribution is forced; the small ones are read whole.
"""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq

ROW_GROUP = 512
"""Rows of a row group; DuckDB's writer rounds to whole vectors of 2,048, pyarrow's does not."""

KERNEL_WRITTEN = frozenset({"every_type"})
"""Tables with types that only DuckDB's writer can put into Parquet."""

TABLES: dict[str, tuple[str, int]] = {
    "facts": (
        """
        SELECT i::BIGINT AS id,
               CASE WHEN hash(i) % 5 = 0 THEN NULL ELSE (hash(i, 1) % 40)::INTEGER END AS k,
               CASE WHEN hash(i, 2) % 10 = 0 THEN NULL ELSE 'name ' || (hash(i, 3) % 12) END AS s,
               (((hash(i, 4) % 20000)::BIGINT - 10000) / 100)::DECIMAL(9, 2) AS x,
               (hash(i, 5) % 1000)::DOUBLE / 4 AS f,
               DATE '2020-01-01' + (hash(i, 6) % 400)::INTEGER AS day,
               CASE hash(i, 7) % 3 WHEN 0 THEN true WHEN 1 THEN false END AS b,
               CASE WHEN hash(i, 8) % 10 < 9 THEN 7 ELSE (hash(i, 9) % 30)::INTEGER END AS skew
        FROM range(4500) AS r(i)
        """,
        3,
    ),
    "other": (
        """
        SELECT CASE WHEN i % 11 = 0 THEN NULL ELSE (hash(i, 11) % 60)::BIGINT END AS k,
               (hash(i, 12) % 100)::SMALLINT AS v,
               (hash(i, 13) % 50)::UINTEGER AS u,
               ((hash(i, 14) % 400)::DECIMAL(9, 1) / 10)::DECIMAL(9, 1) AS dec,
               (hash(i, 15) % 45)::VARCHAR AS t,
               TIMESTAMP '2020-01-01 00:00:00' + to_hours((hash(i, 16) % 9000)::INTEGER) AS moment,
               DATE '2020-01-01' + (hash(i, 17) % 500)::INTEGER AS day
        FROM range(2500) AS r(i)
        """,
        2,
    ),
    "dims": (
        """
        SELECT CASE WHEN i % 13 = 0 THEN NULL ELSE (i % 45)::INTEGER END AS k, 'dim ' || i AS name,
               (i * 3)::BIGINT AS w, CASE WHEN i % 4 = 0 THEN NULL ELSE (i % 7)::TINYINT END AS c
        FROM range(60) AS r(i)
        """,
        1,
    ),
    "nothing": ("SELECT 1::INTEGER AS k, 'a' AS s, 1.5::DECIMAL(9, 2) AS x WHERE false", 1),
    "one": ("SELECT 7::INTEGER AS k, 'name 7' AS s, 1::BIGINT AS id", 1),
    "nulls": ("SELECT NULL::INTEGER AS k, NULL::VARCHAR AS s, NULL::DOUBLE AS f FROM range(1200)", 2),
    "every_type": (
        """
        SELECT i::TINYINT AS i1, (i - 60)::SMALLINT AS i2, i::INTEGER AS i4, i * 1000000007 AS i8, i::UTINYINT AS u1,
               i::USMALLINT AS u2, i::UINTEGER AS u4, i::UBIGINT AS u8, (i / 3)::FLOAT AS f4,
               CASE i % 40 WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN 'inf'::DOUBLE ELSE i / 8 END AS f8,
               (i / 100)::DECIMAL(4, 2) AS d4, (i * 1.25)::DECIMAL(18, 3) AS d18, (i * 1.125)::DECIMAL(38, 10) AS d38,
               CASE WHEN i % 5 = 0 THEN NULL ELSE 'é' || i END AS t, ('\\x00' || i)::BLOB AS bl, i % 2 = 0 AS b,
               DATE '1969-12-01' + i::INTEGER AS day, TIME '00:00:00' + to_minutes(i) AS tm,
               TIMESTAMP '1969-12-31 23:00:00' + to_seconds(i * 61) AS ts,
               (TIMESTAMP '2000-01-01' + to_seconds(i))::TIMESTAMPTZ AS tz,
               (TIMESTAMP '2000-01-01' + to_milliseconds(i))::TIMESTAMP_MS AS ts_ms,
               (TIMESTAMP '2000-01-01' + to_microseconds(i))::TIMESTAMP_NS AS ts_ns, to_days(i::INTEGER) AS iv,
               ('00000000-0000-0000-0000-0000000000' || lpad((i % 100)::VARCHAR, 2, '0'))::UUID AS uid,
               [i, NULL, i + 1] AS l, {'a': i, 'b': 'x' || (i % 3)} AS st, MAP {'k': i % 4} AS m
        FROM (SELECT j % 120 AS i FROM range(5000) AS r(j))
        """,
        2,
    ),
    "sorted": ("SELECT i::BIGINT AS key, (i % 17)::INTEGER AS v FROM range(3000) AS r(i)", 2),
    "sorted_double": ("SELECT (i // 4)::BIGINT AS key, i::INTEGER AS n FROM range(6000) AS r(i)", 1),
    "falling": ("SELECT (2999 - i)::BIGINT AS key, (i % 13)::INTEGER AS v FROM range(3000) AS r(i)", 2),
    "nearly": (
        "SELECT (i + (hash(i) % 25)::BIGINT - 12)::BIGINT AS key, (i % 19)::INTEGER AS v FROM range(4000) AS r(i)",
        3,
    ),
    "overlapping": (
        """
        SELECT key, v FROM (
            SELECT (i % 1500)::BIGINT AS key, (i % 5)::INTEGER AS v, i // 1500 AS file FROM range(3000) AS r(i)
        ) ORDER BY file, key
        """,
        2,
    ),
    "holes": (
        """
        SELECT CASE WHEN i % 10 = 3 THEN NULL ELSE i::BIGINT END AS key, (i % 11)::INTEGER AS v FROM range(3000) AS r(i)
        """,
        2,
    ),
    "daily": ("SELECT DATE '2021-01-01' + (i // 8)::INTEGER AS day, (i % 100)::INTEGER AS v FROM range(4000) r(i)", 2),
    "small_keys": ("SELECT (i * 50 + 5)::BIGINT AS key, 'key ' || i AS label FROM range(70) AS r(i)", 1),
    "Odd Näme": (
        """
        SELECT i::BIGINT AS "select", (i % 9)::INTEGER AS "Ünï", 'it''s ' || (i % 3) AS "a b",
               (i % 4)::INTEGER AS "a""b", (i % 5)::INTEGER AS "UPPER", (i % 6)::INTEGER AS scan_x,
               (i % 7)::INTEGER AS exchange_1, (i % 8)::INTEGER AS shoal_partition, (i % 10)::INTEGER AS shoal_row,
               (i % 11)::INTEGER AS "group", (i % 3)::INTEGER AS "order"
        FROM range(1600) AS r(i)
        """,
        2,
    ),
    "select": ('SELECT i::INTEGER AS "from", (i % 3)::INTEGER AS "where" FROM range(1100) AS r(i)', 1),
}
"""Each table's query and the number of its files."""

VIEWS = (
    ("positive", "SELECT id, k, x FROM facts WHERE x > 0"),
    ("positive_sums", "SELECT k, sum(x) AS total, count(*) AS n FROM positive GROUP BY k"),
    ("joined", "SELECT f.id, f.k, d.name, d.w FROM facts AS f JOIN dims AS d ON f.k = d.k"),
    ("renamed(a, b)", "SELECT k, count(*) FROM facts GROUP BY k"),
)
"""Views: head and query, each over tables and the views before it."""


def write_tables(folder: Path) -> None:
    """Write every table as a folder of Parquet files, and some as CSV and JSON beside them."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, (query, files) in TABLES.items():
            _write_table(connection, folder / name, query, files)
        for number in range(3):
            rows = f"SELECT i AS id, i % 7 AS k, 'row ' || i AS s FROM range({number * 500}, {number * 500 + 500}) r(i)"
            connection.execute(f"COPY ({rows}) TO '{folder}/part_{number}.csv'")
            connection.execute(f"COPY ({rows}) TO '{folder}/part_{number}.json'")
        for part in ("a", "b"):
            (folder / "hive" / f"part={part}").mkdir(parents=True)
            connection.execute(f"COPY (SELECT range AS n FROM range(700)) TO '{folder}/hive/part={part}/d.parquet'")
        connection.execute(f"COPY (SELECT 1 AS a, 2 AS b) TO '{folder}/uneven_1.parquet'")
        connection.execute(f"COPY (SELECT 'x' AS b, 5 AS a) TO '{folder}/uneven_2.parquet'")


def _write_table(connection: duckdb.DuckDBPyConnection, folder: Path, query: str, files: int) -> None:
    folder.mkdir()
    table = connection.sql(query).to_arrow_table()
    size = -(-table.num_rows // files)
    for number in range(files):
        path = folder / f"{number}.parquet"
        if folder.name in KERNEL_WRITTEN:
            part = f"SELECT * FROM ({query}) LIMIT {size} OFFSET {number * size}"
            connection.execute(f"COPY ({part}) TO '{path}' (ROW_GROUP_SIZE 2048)")
        else:
            pq.write_table(table.slice(number * size, size), path, row_group_size=ROW_GROUP)
