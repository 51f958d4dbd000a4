"""Every output format, as bytes; DuckDB's own COPY is the oracle where it writes the same format."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoal.formats.display import display_width, escape_controls, fit, pad
from shoal.formats.plain import PlainWriter
from shoal.formats.table import SAMPLE_ROWS
from shoal.formats.writer import Expanded, Format, Layout, open_writer

SMALL = """
SELECT * FROM (VALUES (1, 'one', 1.50::DECIMAL(10,2), DATE '2024-02-29'),
    (-20, 'tw"o, 2', NULL, NULL), (300, '', 0, NULL))
t(id, name, price, day)
"""
TYPES = """
SELECT 1::TINYINT a, 1.10::DECIMAL(38,10) b, 1e20::DOUBLE c, 0.1::FLOAT d, DATE '2020-01-02' e,
    TIMESTAMP '2020-01-02 03:04:05.123456' f, TIMESTAMPTZ '2020-01-02 03:04:05+02' g, TIME '01:02:03.5' h,
    INTERVAL '1 year 2 days 3 seconds' i, 'q"uo''te' || chr(9) || chr(10) || chr(27) || 'é日' j, '\\x00ab'::BLOB k,
    [1, NULL, 3] l, {'a': 1, 'b': 'x y', 'c': DATE '2020-01-01', 'd': 2.5::DOUBLE} m,
    MAP {'k': 1.5::DOUBLE, 'n': NULL} n, true o, 170141183460469231731687303715884105727::HUGEINT p,
    UUID '123e4567-e89b-12d3-a456-426614174000' q,
    'x'::ENUM('x', 'y') r, 18446744073709551615::UBIGINT s, TIMESTAMP_NS '2020-01-02 03:04:05.123456789' t,
    ['a,b', 'c''d', NULL] u, [[1.5::DOUBLE, NULL], NULL, []] v, [{'x': 1::FLOAT}] w, ''::VARCHAR x
UNION ALL SELECT NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL
"""


def render(sql: str, format: Format, layout: Layout | None = None, rows_a_batch: int = 1000) -> str:
    out = io.BytesIO()
    writer = open_writer(format, out, layout or Layout())
    with duckdb.connect() as connection:
        connection.execute("SET arrow_output_version = '1.5'; SET TimeZone = 'UTC'")
        reader = connection.sql(sql).to_arrow_reader(rows_a_batch)
        writer.begin(reader.schema)
        for batch in reader:
            writer.write(batch)
        writer.end()
        writer.close()
    return out.getvalue().decode()


def copy(sql: str, path: Path, options: str) -> str:
    with duckdb.connect() as connection:
        connection.execute(f"SET TimeZone = 'UTC'; COPY ({sql}) TO '{path}' ({options})")
    return path.read_bytes().decode()


def test_table() -> None:
    assert render(SMALL, Format.TABLE) == (
        "┌─────┬─────────┬───────┬────────────┐\n"
        "│  id │ name    │ price │ day        │\n"
        "├─────┼─────────┼───────┼────────────┤\n"
        "│   1 │ one     │  1.50 │ 2024-02-29 │\n"
        '│ -20 │ tw"o, 2 │  NULL │ NULL       │\n'
        "│ 300 │         │  0.00 │ NULL       │\n"
        "└─────┴─────────┴───────┴────────────┘\n"
    )


def test_table_without_rows() -> None:
    assert render("SELECT 1 AS a WHERE false", Format.TABLE) == "┌───┐\n│ a │\n├───┤\n└───┘\n"


def test_table_without_unicode() -> None:
    assert render("SELECT 1 AS a, 'é' AS b", Format.TABLE, Layout(encoding="ascii")) == (
        "+---+---+\n| a | b |\n+---+---+\n| 1 | ? |\n+---+---+\n"
    )


def test_table_in_colour() -> None:
    text = render("SELECT NULL::INTEGER AS a", Format.TABLE, Layout(colour=True))
    assert "\x1b[1m   a\x1b[0m" in text
    assert "\x1b[2mNULL\x1b[0m" in text


def test_table_measures_wide_characters() -> None:
    lines = render("SELECT '日本語' AS a, 'e' || chr(769) AS b", Format.TABLE).splitlines()
    assert lines[3] == "│ 日本語 │ e\u0301 │"
    assert {display_width(line) for line in lines} == {14}


def test_table_cuts_text_and_never_numbers() -> None:
    sql = "SELECT 12345678901234567 AS number, repeat('long ', 20) AS words, repeat('x', 15) AS name"
    lines = render(sql, Format.TABLE, Layout(width=60)).splitlines()
    assert lines[3] == "│ 12345678901234567 │ long long long lo… │ xxxxxxxxxxxxxxx │"
    assert {display_width(line) for line in lines} <= set(range(61))


def test_table_cuts_names_before_values() -> None:
    sql = "SELECT 7 AS a_long_column_name, DATE '2024-02-29' AS another_column_name"
    assert render(sql, Format.TABLE, Layout(width=25)) == (
        "┌──────────┬────────────┐\n│ a_long_… │ another_c… │\n├──────────┼────────────┤\n"
        "│        7 │ 2024-02-29 │\n└──────────┴────────────┘\n"
    )


def test_table_turns_vertical_when_it_cannot_fit() -> None:
    sql = "SELECT 12345678901234567 AS number, repeat('long ', 3) AS words UNION ALL SELECT NULL, 'b'"
    text = render(sql, Format.TABLE, Layout(width=24, expanded=Expanded.AUTO))
    assert text == (
        "─[ row 1 ]──────────────\nnumber │ 12345678901234567\n words │ long long long \n"
        "─[ row 2 ]──────────────\nnumber │ NULL\n words │ b\n"
    )
    assert render(sql, Format.TABLE, Layout(width=24, expanded=Expanded.OFF)).startswith("┌")
    assert render(sql, Format.TABLE, Layout(width=200, expanded=Expanded.ON)).startswith("─[ row 1 ]")


@pytest.mark.parametrize("rows_a_batch", [7, 100_000])
def test_table_goes_on_after_its_sample(rows_a_batch: int) -> None:
    rows = 2 * SAMPLE_ROWS + 10
    lines = render(f"SELECT i, 'n' || i AS n FROM range({rows}) t(i)", Format.TABLE, None, rows_a_batch).splitlines()
    assert len(lines) == rows + 4
    assert lines[-2] == f"│ {rows - 1} │ n{rows - 1} │"


def test_control_characters_do_not_reach_the_screen() -> None:
    sql = "SELECT chr(27) || '[31mred' || chr(10) || chr(8238) AS \"a\u0007\""
    for format in (Format.TABLE, Format.VERTICAL, Format.MARKDOWN):
        text = render(sql, format)
        assert not set(text) & set("\x1b\x07\u202e")
        assert "\\x1b[31mred" in text
        assert "a\\x07" in text


def test_csv() -> None:
    assert render(SMALL, Format.CSV) == ('id,name,price,day\n1,one,1.50,2024-02-29\n-20,"tw""o, 2",,\n300,"",0.00,\n')


def test_tsv() -> None:
    assert render("SELECT 'a' || chr(9) || 'b' AS x, 'c,d' AS \"y\tz\"", Format.TSV) == ('x\t"y\tz"\n"a\tb"\tc,d\n')


def test_csv_is_what_duckdb_writes(tmp_path: Path) -> None:
    theirs = copy(TYPES, tmp_path / "types.csv", "FORMAT csv, HEADER")
    assert list(csv.reader(io.StringIO(render(TYPES, Format.CSV)))) == list(csv.reader(io.StringIO(theirs)))


def test_json() -> None:
    assert render(SMALL, Format.JSON) == (
        '[\n  {"id":1,"name":"one","price":1.5,"day":"2024-02-29"},\n'
        '  {"id":-20,"name":"tw\\"o, 2","price":null,"day":null},\n'
        '  {"id":300,"name":"","price":0.0,"day":null}\n]\n'
    )
    assert render("SELECT 1 AS a WHERE false", Format.JSON) == "[]\n"


def test_jsonl() -> None:
    assert render("SELECT i AS n FROM range(3) t(i)", Format.JSONL, None, 2) == '{"n":0}\n{"n":1}\n{"n":2}\n'
    assert render("SELECT 1 AS a WHERE false", Format.JSONL) == ""


def test_json_is_what_duckdb_writes(tmp_path: Path) -> None:
    theirs = copy(TYPES, tmp_path / "types.json", "FORMAT json")
    ours = render(TYPES, Format.JSONL)
    # Compared with all digits, which Python's floats would lose.
    for our_line, their_line in zip(ours.splitlines(), theirs.splitlines(), strict=True):
        assert json.loads(our_line, parse_float=Decimal) == json.loads(their_line, parse_float=Decimal)


def test_json_keeps_every_digit() -> None:
    sql = "SELECT 12345678901234567890.123456789::DECIMAL(38,9) AS d"
    assert render(sql, Format.JSONL) == '{"d":12345678901234567890.123456789}\n'


def test_json_is_valid_without_finite_numbers() -> None:
    sql = """SELECT 'nan'::DOUBLE a, 'inf'::FLOAT b, '-inf'::DOUBLE c, [1, 'nan'::DOUBLE, NULL] d,
        {'x': 'inf'::DOUBLE, 'y"': NULL::DOUBLE} e,
        MAP {'k"': 'nan'::DOUBLE} f, NULL::DOUBLE[] g, NULL::STRUCT(z FLOAT) h"""

    def refuse(word: str) -> object:
        raise ValueError(word)

    assert json.loads(render(sql, Format.JSONL), parse_constant=refuse) == {
        "a": "NaN",
        "b": "Infinity",
        "c": "-Infinity",
        "d": [1.0, "NaN", None],
        "e": {"x": "Infinity", 'y"': None},
        "f": {'k"': "NaN"},
        "g": None,
        "h": None,
    }


def test_json_names_are_distinct() -> None:
    schema = pa.schema([("a", pa.int64()), ("a", pa.int64()), ("a_1", pa.int64())])
    out = io.BytesIO()
    writer = open_writer(Format.JSONL, out, Layout())
    writer.begin(schema)
    writer.write(pa.RecordBatch.from_arrays([pa.array([n]) for n in (1, 2, 3)], schema=schema))
    writer.end()
    writer.close()
    assert json.loads(out.getvalue()) == {"a": 1, "a_1": 2, "a_1_1": 3}


def test_markdown() -> None:
    sql = "SELECT 1 AS id, 'a|b' || chr(10) || 'c' AS name, NULL::VARCHAR AS \"x|\""
    assert render(sql, Format.MARKDOWN) == (
        "|  id | name      | x\\|  |\n| --: | --------- | ---- |\n|   1 | a\\|b<br>c | NULL |\n"
    )


def test_vertical() -> None:
    layout = Layout(width=20)
    assert render("SELECT 1 AS id, NULL AS name UNION ALL SELECT 2, 'b'", Format.VERTICAL, layout) == (
        "─[ row 1 ]──────────\n  id │ 1\nname │ NULL\n─[ row 2 ]──────────\n  id │ 2\nname │ b\n"
    )


def test_plain_text_keeps_lines() -> None:
    out = io.BytesIO()
    writer = PlainWriter(out, Layout())
    batch = pa.RecordBatch.from_pydict({"kind": ["x"], "plan": ["a\n  b\x1b\n"]})
    writer.begin(batch.schema)
    writer.write(batch)
    writer.end()
    writer.close()
    assert out.getvalue().decode() == "a\n  b\\x1b\n"


def test_times_are_shown_in_the_zone_of_the_result() -> None:
    zoned = pa.array([0], pa.timestamp("us", "Asia/Tokyo"))
    out = io.BytesIO()
    writer = open_writer(Format.CSV, out, Layout())
    batch = pa.RecordBatch.from_arrays([zoned], ["t"])
    writer.begin(batch.schema)
    writer.write(batch)
    writer.end()
    writer.close()
    assert out.getvalue() == b"t\n1970-01-01 09:00:00+09\n"


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), st.none() | st.text(max_size=4))
    )
)
def test_text_survives_csv_and_json(rows: list[tuple[str, str | None]]) -> None:
    columns = [pa.array([row[index] for row in rows], pa.string()) for index in range(2)]
    batch = pa.RecordBatch.from_arrays(columns, ["a", "b"])
    texts = {}
    for format in (Format.CSV, Format.JSON):
        out = io.BytesIO()
        writer = open_writer(format, out, Layout())
        writer.begin(batch.schema)
        writer.write(batch)
        writer.end()
        writer.close()
        texts[format] = out.getvalue().decode()
    assert [(row["a"], row["b"]) for row in json.loads(texts[Format.JSON])] == rows
    read = list(csv.reader(io.StringIO(texts[Format.CSV], newline="")))[1:]
    assert read == [[a, b or ""] for a, b in rows]


def test_display_arithmetic() -> None:
    assert fit("日本語", 5) == "日本…"
    assert fit("日本語", 4) == "日…"
    assert fit("abc", 3) == "abc"
    assert pad("日", 4, right=True) == "  日"
    assert escape_controls("a\tb\x85\u2028") == "a\\tb\\x85\\u2028"


def test_json_columns_are_json() -> None:
    batch = pa.RecordBatch.from_pydict({"j": ['{"a":\n [1]}', None], "s": ['{"a": 1}', "x"]})
    out = io.BytesIO()
    writer = open_writer(Format.JSONL, out, Layout())
    writer.begin(batch.schema, ("JSON", "VARCHAR"))
    writer.write(batch)
    writer.end()
    writer.close()
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert rows == [{"j": {"a": [1]}, "s": '{"a": 1}'}, {"j": None, "s": "x"}]
