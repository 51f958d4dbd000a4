"""Values and Arrow types are exactly those of plain DuckDB, whatever carries them."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

import shoal
from shoal.planner.source import Field
from shoal.result import Decoder, Result, TableStream

TYPES = """
    true AS b, 1::TINYINT AS i1, 2::UBIGINT AS u8, 170141183460469231731687303715884105727::HUGEINT AS h,
    340282366920938463463374607431768211455::UHUGEINT AS uh, 1.5::FLOAT AS f4, 'nan'::DOUBLE AS f8,
    1.25::DECIMAL(4,2) AS d4, 1.25::DECIMAL(38,4) AS d38, 'text' AS t, 'a\\x00b'::BLOB AS bl, '10101'::BIT AS bits,
    DATE '2020-02-29' AS d, TIME '12:34:56.789' AS tm, '12:34:56+02'::TIMETZ AS tmz,
    TIMESTAMP '2020-01-01 01:02:03.456' AS ts, '2020-01-01 01:02:03'::TIMESTAMP_S AS ts_s,
    '2020-01-01 01:02:03.4'::TIMESTAMP_MS AS ts_ms, '2020-01-01 01:02:03.456789123'::TIMESTAMP_NS AS ts_ns,
    TIMESTAMPTZ '2020-07-01 01:02:03+00' AS tz, INTERVAL '1 year 2 days 3 seconds' AS iv,
    'e7ae3a07-5316-4d0b-8d33-a56308227e6d'::UUID AS uuid, 'b'::ENUM('a', 'b') AS e, '{"a": 1}'::JSON AS j,
    [1, NULL, 3] AS l, [1, 2]::INT[2] AS arr, {'a': 1, 'b c': [{'x': 2::HUGEINT}]} AS s, MAP {'k': 1, 'l': 2} AS m,
    union_value(num := 1)::UNION(num INT, str VARCHAR) AS u, NULL AS nothing, 12345678901234567890123::BIGNUM AS big
"""


@pytest.fixture(scope="module")
def connection() -> Iterator[shoal.Connection]:
    with shoal.connect(threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"arrow_output_version": "1.5"}) as opened:
        yield opened


@pytest.mark.parametrize("rows", [1, 3000])
def test_python_values_are_duckdbs(connection: shoal.Connection, duck: duckdb.DuckDBPyConnection, rows: int) -> None:
    sql = f"SELECT {TYPES} FROM range({rows})"
    ours, theirs = connection.execute(sql).fetchall(), duck.execute(sql).fetchall()
    assert len(ours) == len(theirs) == rows
    assert repr(ours[0]) == repr(theirs[0])
    assert [type(value) for value in ours[0]] == [type(value) for value in theirs[0]]
    assert repr(ours) == repr(theirs)


def test_arrow_is_duckdbs(connection: shoal.Connection, duck: duckdb.DuckDBPyConnection) -> None:
    sql = f"SELECT {TYPES}"
    ours, theirs = connection.execute(sql).fetch_arrow_table(), duck.sql(sql).to_arrow_table()
    assert ours.schema == theirs.schema
    assert repr(ours.to_pylist()) == repr(theirs.to_pylist())


def test_description_is_duckdbs(connection: shoal.Connection, duck: duckdb.DuckDBPyConnection) -> None:
    described = connection.execute(f"SELECT {TYPES}").description
    expected = duck.execute(f"DESCRIBE SELECT {TYPES}").fetchall()
    assert [column[:2] for column in described or ()] == [row[:2] for row in expected]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS a, 2 AS a, 3 AS A, 4, 4",
        "SELECT * FROM range(0)",
        'SELECT 1 AS "quo""ted", 2 AS "\u00fcn\u00ef"',
        "SELECT sum(i) AS total, list(i ORDER BY i) FROM range(5) AS r(i) WHERE i < 0",
        "SELECT INTERVAL 1 DAY AS a, INTERVAL 2 DAY AS a",
    ],
)
def test_names_and_empty_results(connection: shoal.Connection, duck: duckdb.DuckDBPyConnection, sql: str) -> None:
    theirs = duck.sql(sql).to_arrow_table()
    assert connection.execute(sql).fetch_arrow_table().schema == theirs.schema
    assert connection.execute(sql).fetch_record_batch().schema == theirs.schema
    assert connection.execute(sql).fetch_arrow_table().equals(theirs)
    assert connection.execute(sql).fetchall() == duck.execute(sql).fetchall()


def test_a_value_too_large_for_python(connection: shoal.Connection) -> None:
    cursor = connection.execute("SELECT INTERVAL '1000000000 months' AS span UNION ALL SELECT INTERVAL '1 month'")
    with pytest.raises(shoal.DataError, match="too large for its type in Python"):
        cursor.fetchall()
    assert connection.execute("SELECT TIMESTAMPTZ '2020-07-01 12:00:00+00'").fetchall()


def test_time_zone(connection: shoal.Connection, duck: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT TIMESTAMPTZ '2020-07-01 12:00:00+00' AS moment, TIMESTAMPTZ '2020-07-01 12:00:00+00'::VARCHAR AS text"
    cursor = duck.cursor()
    try:
        connection.execute("SET timezone = 'Asia/Tokyo'")
        cursor.execute("SET TimeZone = 'Asia/Tokyo'")
        ours, theirs = connection.execute(sql).fetchall(), cursor.execute(sql).fetchall()
        assert repr(ours) == repr(theirs)
        assert "21:00" in ours[0][1]
        assert connection.execute(sql).fetch_arrow_table().schema == cursor.sql(sql).to_arrow_table().schema
    finally:
        connection.execute("RESET timezone")
        cursor.close()


def test_streams(connection: shoal.Connection) -> None:
    reader = connection.execute("SELECT i, i::VARCHAR AS t FROM range(400000) AS r(i)").fetch_record_batch()
    assert isinstance(reader, pa.RecordBatchReader)
    sizes = [batch.num_rows for batch in reader]
    assert sum(sizes) == 400_000
    assert len(sizes) > 1


def test_a_stream_breaks_when_its_cursor_is_closed(connection: shoal.Connection) -> None:
    cursor = connection.execute("SELECT * FROM range(10000000)")
    reader = cursor.fetch_record_batch()
    reader.read_next_batch()
    cursor.close()
    with pytest.raises(shoal.InterfaceError, match="closed"):
        reader.read_all()


def test_capsules(connection: shoal.Connection) -> None:
    table = pa.table(connection.execute("SELECT INTERVAL 1 DAY AS a, 2 AS b"))
    assert table.column_names == ["a", "b"]
    assert table.num_rows == 1


def test_frames(connection: shoal.Connection, duck: duckdb.DuckDBPyConnection) -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    sql = "SELECT i, i * 1.5 AS d, 'x' || i AS t, DATE '2020-01-01' + i::INT AS day FROM range(5) AS r(i)"
    pandas.testing.assert_frame_equal(connection.execute(sql).fetch_df(), duck.execute(sql).df())
    frame = connection.execute(sql).fetch_polars()
    assert isinstance(frame, polars.DataFrame)
    assert frame.rows() == duck.sql(sql).fetchall()


@pytest.mark.parametrize(
    "values",
    [
        "(-128)::TINYINT, 255::UTINYINT, (-32768)::SMALLINT, 65535::USMALLINT, 2147483647, 4294967295::UINTEGER",
        "9223372036854775807, 18446744073709551615::UBIGINT, NULL::BIGINT, true, NULL::BOOLEAN",
        "1.5::DOUBLE, 'nan'::DOUBLE, '-inf'::DOUBLE, '-0.0'::DOUBLE, 0.1::DOUBLE, NULL::DOUBLE",
        "'', 'a' || chr(0) || 'b', 'ü😀', NULL::VARCHAR, 'a long text that is not kept in place by the kernel'",
        "1.50::DECIMAL(4,2), -0.001::DECIMAL(9,3), 1::DECIMAL(18,0), 0::DECIMAL(38,37), -0.10::DECIMAL(38,2)",
        "99999999999999999999999999999999999999::DECIMAL(38,0), NULL::DECIMAL(4,2)",
    ],
)
def test_few_values_come_as_many_do(connection: shoal.Connection, duck: duckdb.DuckDBPyConnection, values: str) -> None:
    expected = duck.sql(f"SELECT {values}").fetchall()
    assert repr(connection.execute(f"SELECT {values}").fetchall()) == repr(expected)
    many = connection.execute(f"SELECT {values} FROM range(1000)").fetchall()
    assert [repr(row) for row in many] == [repr(expected[0])] * 1000


def test_carrier_columns_are_decoded_once() -> None:
    with duckdb.connect(config={"arrow_output_version": "1.5"}) as duck:
        columns = (Field("a", "INTERVAL"), Field("a", "ENUM('x', 'y')"))
        table = pa.table([["1 day", None], ["x", "y"]], names=["a", "b"])
        result = Result(columns, TableStream(table), Decoder(duck.cursor, columns, None))
        assert result.rows(1)[0][1] == "x"
        rest = result.table()
        assert rest.column_names == ["a", "a"]
        assert rest.num_rows == 1
        result.close()
        result.close()
