"""The tables over which every documented feature is tried: Parquet files, large enough to be split among tasks."""

from pathlib import Path

import duckdb

TABLES: dict[str, tuple[str, int]] = {
    "sales": (
        """
        SELECT i::BIGINT AS id,
               CASE WHEN hash(i) % 9 = 0 THEN NULL ELSE (hash(i, 1) % 40)::INTEGER END AS item,
               CASE hash(i, 2) % 5 WHEN 0 THEN NULL WHEN 1 THEN 'north' WHEN 2 THEN 'South' ELSE 'east' END AS region,
               (((hash(i, 3) % 20000)::BIGINT - 10000) / 100)::DECIMAL(9, 2) AS amount,
               (hash(i, 4) % 1000)::DOUBLE / 8 AS price,
               DATE '2020-01-01' + (hash(i, 5) % 400)::INTEGER AS day,
               TIMESTAMP '2020-01-01 00:00:00' + to_minutes((hash(i, 6) % 500000)::INTEGER) AS moment,
               CASE hash(i, 7) % 3 WHEN 0 THEN true WHEN 1 THEN false END AS flag,
               CASE WHEN hash(i, 8) % 7 = 0 THEN NULL ELSE [(i % 5)::INTEGER, NULL, (i % 3)::INTEGER] END AS nums,
               ['tag ' || (i % 4), 'Tag ' || (i % 6)] AS tags,
               {'a': (i % 11)::INTEGER, 'b': 'b' || (i % 3), 'c': {'d': i % 2 = 0}} AS info,
               MAP {'size': (i % 12)::INTEGER, 'kind': (i % 2)::INTEGER} AS attrs,
               '{"n": ' || (i % 6) || ', "list": [1, ' || (i % 3) || '], "name": "é' || (i % 4) || '"}' AS doc
        FROM range(3600) AS r(i)
        """,
        3,
    ),
    "items": (
        """
        SELECT i::INTEGER AS item, 'item ' || i AS label, CASE WHEN i % 4 = 0 THEN NULL ELSE i * 1.5 END AS weight,
               CASE i % 3 WHEN 0 THEN 'north' WHEN 1 THEN 'South' ELSE 'west' END AS region
        FROM range(45) AS r(i)
        """,
        1,
    ),
    "rates": (
        """
        SELECT (i % 40)::INTEGER AS item, TIMESTAMP '2020-01-01' + to_hours((i // 40 * 190)::INTEGER) AS since,
               (i % 97)::INTEGER AS rate
        FROM range(1800) AS r(i)
        """,
        2,
    ),
    "monthly": (
        """
        SELECT i::INTEGER AS id, (i % 7)::INTEGER AS jan, (i % 5)::INTEGER AS feb,
               CASE WHEN i % 3 = 0 THEN NULL ELSE i::INTEGER END AS mar
        FROM range(1200) AS r(i)
        """,
        2,
    ),
    "nothing": ("SELECT 1::INTEGER AS item, 'a' AS region, 1.5::DECIMAL(9, 2) AS amount WHERE false", 1),
}
"""Each table's query and the number of its files."""


def write_tables(folder: Path) -> None:
    """Write every table as a folder of Parquet files, and one as CSV and JSON beside them."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, (query, files) in TABLES.items():
            (folder / name).mkdir()
            rows = int(connection.sql(f"SELECT count(*) FROM ({query})").fetchall()[0][0])
            size = max(1, -(-rows // files))
            for number in range(files):
                part = f"SELECT * FROM ({query}) LIMIT {size} OFFSET {number * size}"
                connection.execute(f"COPY ({part}) TO '{folder}/{name}/{number}.parquet' (FORMAT parquet)")
        connection.execute(f"COPY (SELECT i AS id, 'row ' || i AS s FROM range(20) r(i)) TO '{folder}/few.csv'")
        connection.execute(f"COPY (SELECT i AS id, 'row ' || i AS s FROM range(20) r(i)) TO '{folder}/few.json'")
