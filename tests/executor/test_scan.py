"""Scans give the rows that plain DuckDB gives for the same files, split or not, and refuse files that changed."""

import os
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from shoal.executor.scan import check_files, scan_sql, scanned_files
from shoal.executor.shuffle.host import host_identity
from shoal.planner.errors import (
    InvariantViolated,
    SourceChanged,
    SourceCorrupt,
    SourceError,
    SourceNotFound,
)
from shoal.planner.source import ArrowSource, Field, FileFormat, FileIdentity, FileSource
from shoal.planner.stage import FileRange, Split, TaskScan
from tests.executor.node import Node, describe, identity, parquet, whole

ROWS = 50_000


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    """Several row groups; a column whose name needs quotes, and a nested one."""
    path = tmp_path / "numbers.parquet"
    duckdb.sql(
        f"SELECT range AS k, range % 7 AS \"b c\", {{'x': range, 'y': [range::VARCHAR]}} AS s, range::HUGEINT AS h"
        f" FROM range({ROWS})"
    ).write_parquet(str(path), row_group_size=4096)
    return path


def scanned(node: Node, scan: TaskScan, sql: str = "SELECT * FROM t") -> list[tuple[object, ...]]:
    types = {column.name: column.type for column in scan.source.columns}
    columns = tuple(Field(name, types[name]) for name in scan.columns)
    return node.rows(node.task(sql, columns, scans=(scan,)))


def plain(sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


def test_whole_file(node: Node, numbers: Path) -> None:
    scan = whole("t", parquet(numbers))
    assert scanned(node, scan) == plain(f"SELECT * FROM '{numbers}'")


def test_columns_are_those_asked_for_in_their_order(node: Node, numbers: Path) -> None:
    scan = whole("t", parquet(numbers), "b c", "k")
    assert scanned(node, scan) == plain(f"SELECT \"b c\", k FROM '{numbers}'")


def test_no_columns_count_the_rows(node: Node, numbers: Path) -> None:
    scan = TaskScan("t", parquet(numbers), (), Split(whole=True))
    task = node.task("SELECT count(*) AS n FROM t", (Field("n", "BIGINT"),), scans=(scan,))
    assert node.rows(task) == [(ROWS,)]


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("cuts", [(0, ROWS), (0, 1, ROWS), (0, 4096, 8192, ROWS), (0, 13_000, 13_001, 40_000, ROWS)])
def test_row_ranges_add_up_to_the_file(node: Node, numbers: Path, cuts: tuple[int, ...], told: bool) -> None:
    source = parquet(numbers)
    found: list[tuple[object, ...]] = []
    for first, end in pairwise(cuts):
        split = Split((FileRange(source.files[0], first, end - 1, to_end=told and end == ROWS),))
        found += scanned(node, TaskScan("t", source, ("k", "b c", "s", "h"), split))
    assert found == plain(f"SELECT * FROM '{numbers}'")


def test_rows_at_the_ends_of_a_file_are_compared_with_one_bound_or_none(numbers: Path) -> None:
    source = parquet(numbers)
    file = source.files[0]

    def bounds(part: FileRange) -> str:
        return scan_sql(TaskScan("t", source, ("k",), Split((part,)))).partition(" WHERE ")[2]

    assert bounds(FileRange(file, 10, 19)) == "file_row_number >= 10 AND file_row_number <= 19"
    assert bounds(FileRange(file, 0, 19)) == "file_row_number <= 19"
    assert bounds(FileRange(file, 10, ROWS - 1, to_end=True)) == "file_row_number >= 10"
    assert bounds(FileRange(file, 0, ROWS - 1, "k > 1", to_end=True)) == "(k > 1)"


@pytest.mark.parametrize("cuts", [(0, 13), (0, 1, 13), (0, 4, 5, 12, 13)])
def test_row_groups_add_up_to_the_file(node: Node, numbers: Path, cuts: tuple[int, ...]) -> None:
    source = parquet(numbers)
    found: list[tuple[object, ...]] = []
    for first, end in pairwise(cuts):
        rows = (first * 4096, min(ROWS, end * 4096) - 1)
        part = FileRange(source.files[0], *rows, to_end=end == 13, groups=(first, end - 1))
        scan = TaskScan("t", source, ("k", "b c", "s", "h"), Split((part,)))
        assert "file_row_number" not in scan_sql(scan)
        found += scanned(node, scan)
    assert found == plain(f"SELECT * FROM '{numbers}'")


def test_row_groups_at_the_ends_of_a_file_have_one_bound_or_none(numbers: Path) -> None:
    source = parquet(numbers)

    def bounds(first: int, last: int, predicate: str = "", *, to_end: bool = False) -> str:
        part = FileRange(source.files[0], 1, 2, predicate, to_end, (first, last))
        return scan_sql(TaskScan("t", source, ("k",), Split((part,)))).partition(" WHERE ")[2]

    assert bounds(1, 2) == "file_row_group_number >= 1 AND file_row_group_number <= 2"
    assert bounds(0, 2) == "file_row_group_number <= 2"
    assert bounds(1, 12, to_end=True) == "file_row_group_number >= 1"
    assert bounds(0, 12, "k > 1", to_end=True) == "(k > 1)"


def test_ranges_of_one_task_keep_their_order(node: Node, numbers: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.parquet"
    duckdb.sql(f"SELECT * REPLACE (k + 1000000 AS k) FROM '{numbers}'").write_parquet(str(other))
    source = parquet(numbers, other)
    first, second = source.files
    split = Split((FileRange(second), FileRange(first, 100, 200), FileRange(first, None, 3), FileRange(second, 49_990)))
    found = [row[0] for row in scanned(node, TaskScan("t", source, ("k",), split))]
    expected = [*range(1_000_000, 1_000_000 + ROWS), *range(100, 201), *range(4), *range(1_049_990, 1_050_000)]
    assert found == expected


def test_a_row_range_reads_only_its_row_groups(node: Node, numbers: Path) -> None:
    source = parquet(numbers)
    task = node.task(
        "SELECT sum(k) AS s FROM t",
        (Field("s", "HUGEINT"),),
        scans=(TaskScan("t", source, ("k",), Split((FileRange(source.files[0], 8192, 12_287),))),),
    )
    assert node.rows(task) == [(sum(range(8192, 12_288)),)]
    assert node.metrics[-1].rows_in <= 2 * 4096


def test_no_rows_have_the_right_types(node: Node, numbers: Path) -> None:
    scan = TaskScan("t", parquet(numbers), ("k", "s", "h"), Split())
    sql = "SELECT count(*) AS n, typeof(any_value(k)) AS k, typeof(any_value(s)) AS s, typeof(any_value(h)) AS h FROM t"
    columns = (Field("n", "BIGINT"), *(Field(name, "VARCHAR") for name in "ksh"))
    expected = plain(sql.replace("FROM t", f"FROM '{numbers}' WHERE false"))
    assert node.rows(node.task(sql, columns, scans=(scan,))) == expected


def test_hive_partitions_and_filename(node: Node, tmp_path: Path) -> None:
    paths = []
    for key in ("1", "2", "x"):
        path = tmp_path / f"key={key}" / "part.parquet"
        path.parent.mkdir()
        duckdb.sql(f"SELECT range AS v FROM range({len(paths) + 3})").write_parquet(str(path))
        paths.append(path)
    listed = ", ".join(f"'{path}'" for path in paths)
    options = (("hive_partitioning", "true"), ("filename", "true"))
    everything = f"SELECT v, key, filename FROM read_parquet([{listed}], hive_partitioning = true, filename = true)"
    source = FileSource(FileFormat.PARQUET, tuple(map(identity, paths)), describe(everything), options)
    assert {column.name: column.type for column in source.columns}["key"] == "VARCHAR"
    found: list[tuple[object, ...]] = []
    for number, file in enumerate(source.files):
        part = FileRange(file, 0, 1000) if number == 0 else FileRange(file)
        found += scanned(node, TaskScan("t", source, ("v", "key", "filename"), Split((part,))))
    assert found == plain(everything)
    assert scanned(node, whole("t", source)) == plain(everything)


@pytest.mark.parametrize(
    "name", ["a[1].parquet", "a*b.parquet", "a?.parquet", "it's.parquet", "ä ö.parquet", "[].parquet"]
)
def test_names_that_look_like_patterns(node: Node, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    plain_path = tmp_path / "plain.parquet"
    duckdb.sql("SELECT 42 AS a").write_parquet(str(plain_path))
    plain_path.rename(path)
    decoy = tmp_path / "a1.parquet"
    duckdb.sql("SELECT 43 AS a").write_parquet(str(decoy))
    source = FileSource(FileFormat.PARQUET, (identity(path),), (Field("a", "INTEGER"),))
    assert scanned(node, whole("t", source)) == [(42,)]


def test_csv_files_are_read_alike(node: Node, tmp_path: Path) -> None:
    """Alone, the first file's column would be guessed to be a number."""
    for number, content in enumerate(("a,b\n1,2024-01-01\n", "a,b\nx,2024-01-02\n")):
        (tmp_path / f"{number}.csv").write_text(content)
    paths = [tmp_path / "0.csv", tmp_path / "1.csv"]
    columns = (Field("a", "VARCHAR"), Field("b", "DATE"))
    source = FileSource(FileFormat.CSV, tuple(map(identity, paths)), columns, (("header", "true"),))
    found = [
        row
        for file in source.files
        for row in scanned(node, TaskScan("t", source, ("a", "b"), Split((FileRange(file),))))
    ]
    assert found == plain(f"SELECT * FROM read_csv(['{paths[0]}', '{paths[1]}'])")
    assert scanned(node, whole("t", source, "b")) == [row[1:] for row in found]


def test_csv_with_types_given(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1;2\n3;4\n")
    options = (("header", "false"), ("delim", "';'"), ("columns", "{'x': 'BIGINT', 'y': 'DOUBLE'}"))
    columns = (Field("x", "BIGINT"), Field("y", "DOUBLE"))
    source = FileSource(FileFormat.CSV, (identity(path),), columns, options)
    assert scanned(node, whole("t", source)) == [(1, 2.0), (3, 4.0)]


def test_json_files_are_read_alike(node: Node, tmp_path: Path) -> None:
    for number, content in enumerate(('{"a": 1}\n', '{"a": "x", "b": [1, 2]}\n')):
        (tmp_path / f"{number}.json").write_text(content)
    everything = f"SELECT * FROM read_json('{tmp_path}/*.json', union_by_name = true)"
    source = FileSource(
        FileFormat.JSON,
        tuple(identity(tmp_path / f"{number}.json") for number in range(2)),
        describe(everything),
        (("union_by_name", "true"),),
    )
    found = [
        row
        for file in source.files
        for row in scanned(node, TaskScan("t", source, ("a", "b"), Split((FileRange(file),))))
    ]
    assert found == plain(everything)


def arrow_source(table: pa.Table, **where: str) -> ArrowSource:
    columns = (Field("k", "BIGINT"), Field("b c", "VARCHAR"))
    return ArrowSource("key", columns, table.num_rows, table.nbytes, **where)


def test_arrow_tables_of_this_process_of_files_and_over_flight(node: Node, tmp_path: Path) -> None:
    table = pa.table({"k": [1, 2, 3], "b c": ["x", None, "z"]})
    expected = [("x", 1), (None, 2), ("z", 3)]
    path = tmp_path / "table.arrow"
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
    node.registry.put("key", table)
    local = whole("t", arrow_source(table), "b c", "k")  # type: ignore[arg-type]
    assert scanned(node, local) == expected
    served = node.flight.location
    node.registry.drop("key")
    mapped = whole("t", arrow_source(table, host=host_identity(), path=str(path)), "b c", "k")  # type: ignore[arg-type]
    assert scanned(node, mapped) == expected
    with pytest.raises(SourceError):
        scanned(node, local)
    with pytest.raises(SourceError, match="no table of that key"):
        scanned(node, whole("t", arrow_source(table, location=served), "k"))  # type: ignore[arg-type]
    with pytest.raises(SourceError):
        scanned(node, whole("t", arrow_source(table, location="grpc://127.0.0.1:1"), "k"))  # type: ignore[arg-type]


def test_arrow_tables_from_another_node(make_node: object, node: Node) -> None:
    table = pa.table({"k": range(100_000), "b c": ["x"] * 100_000})
    other: Node = make_node("two")  # type: ignore[operator]
    other.registry.put("key", table)
    source = arrow_source(table, location=other.flight.location, host="elsewhere")
    scan = whole("t", source, "k")  # type: ignore[arg-type]
    task = node.task(
        "SELECT count(*) AS n, sum(k) AS s FROM t", (Field("n", "BIGINT"), Field("s", "HUGEINT")), scans=(scan,)
    )
    assert node.rows(task) == [(100_000, sum(range(100_000)))]


def test_a_file_that_is_gone_changed_or_corrupt(node: Node, numbers: Path, tmp_path: Path) -> None:
    scan = whole("t", parquet(numbers), "k")
    numbers.write_bytes(numbers.read_bytes() + b"x")
    with pytest.raises(SourceChanged, match=r"numbers\.parquet") as changed:
        scanned(node, scan)
    assert changed.value.context.task is not None
    numbers.unlink()
    with pytest.raises(SourceNotFound):
        scanned(node, scan)
    corrupt = tmp_path / "corrupt.parquet"
    corrupt.write_bytes(b"PAR1 this is no Parquet file PAR1")
    source = FileSource(FileFormat.PARQUET, (identity(corrupt),), (Field("k", "BIGINT"),))
    with pytest.raises(SourceCorrupt):
        scanned(node, whole("t", source))


def test_a_touched_file_has_changed(numbers: Path) -> None:
    file = identity(numbers)
    check_files([file])
    os.utime(numbers, ns=(file.modified_ns, file.modified_ns + 1))
    with pytest.raises(SourceChanged):
        check_files([file])


def test_remote_files_are_left_to_the_kernel() -> None:
    check_files([FileIdentity("s3://bucket/a.parquet", 1, 1)])


def test_scanned_files(numbers: Path) -> None:
    source = parquet(numbers)
    (file,) = source.files
    assert scanned_files(whole("t", source)) == (file,)
    assert scanned_files(TaskScan("t", source, ("k",), Split((FileRange(file, 0, 1), FileRange(file, 5, 9))))) == (
        file,
    )
    assert scanned_files(TaskScan("t", source, ("k",), Split())) == ()


def test_what_no_planner_should_ask_for(numbers: Path) -> None:
    source = parquet(numbers)
    with pytest.raises(InvariantViolated, match="nosuch"):
        scan_sql(whole("t", source, "nosuch"))
    csv = FileSource(FileFormat.CSV, source.files, source.columns)
    with pytest.raises(InvariantViolated, match="not Parquet"):
        scan_sql(TaskScan("t", csv, ("k",), Split((FileRange(source.files[0], 0, 1),))))
