"""Statistics from footers: what is exact, what is guessed and how well, and that nothing raises."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shoal.distinct_counts import possible_values
from shoal.footers import Footers
from shoal.planner.source import ArrowSource, Field, FileFormat, FileIdentity, FileSource
from shoal.statistics import FooterStatistics

ROWS = 20_000


def source(*paths: Path, format: FileFormat = FileFormat.PARQUET) -> FileSource:
    files = tuple(FileIdentity(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths)
    return FileSource(format, files, (Field("a", "INTEGER"), Field("b", "VARCHAR")))


def table(rows: int = ROWS, start: int = 0) -> pa.Table:
    chance = random.Random(start)
    return pa.table(
        {
            "key": range(start, start + rows),
            "clustered": [index // 10 for index in range(start, start + rows)],
            "few": [chance.choice(["red", "green", "blue"]) for _ in range(rows)],
            "many": [f"name {chance.randrange(2000):06}" for _ in range(rows)],
            "text": [f"{chance.random()} comment {index}" for index in range(rows)],
            "sparse": [chance.randrange(5000) * 1_000_003 for _ in range(rows)],
            "nulls": [None if index % 4 == 0 else 7 for index in range(rows)],
        }
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("statistics") / "t.parquet"
    pq.write_table(table(), found, row_group_size=5000)
    return found


def test_rows_bytes_and_row_groups(path: Path) -> None:
    found = FooterStatistics(Footers()).table(source(path), frozenset())
    assert (found.rows, found.bytes, found.exact) == (ROWS, path.stat().st_size, True)
    groups = found.row_groups[str(path)]
    assert [group.rows for group in groups] == [5000] * 4
    assert sum(group.bytes for group in groups) == pytest.approx(path.stat().st_size, abs=4)


@pytest.mark.parametrize(
    ("column", "distinct"),
    [("key", ROWS), ("clustered", 2000), ("few", 3), ("many", 2000), ("text", ROWS), ("sparse", 5000), ("nulls", 1)],
)
def test_distinct_counts_are_near(path: Path, column: str, distinct: float) -> None:
    known = FooterStatistics(Footers()).table(source(path), frozenset([column])).columns[column]
    assert known.distinct == pytest.approx(distinct, rel=0.35)


def test_runs_of_equal_values_are_told_by_the_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    columns = {
        "year": [1900 + index // 360 for index in range(72_000)],
        "month": [index // 30 % 12 for index in range(72_000)],
        "flag": ["N" if index < 70_000 else "Y" for index in range(72_000)],
    }
    pq.write_table(pa.table(columns), path, compression="none")
    known = FooterStatistics(Footers()).table(source(path), frozenset(columns)).columns
    found = {name: known[name].distinct for name in columns}
    assert found == pytest.approx({"year": 200, "month": 12, "flag": 2}, rel=0.2)


def test_a_small_table_is_told_by_the_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    columns = {"same": ["United States"] * 500, "state": [f"S{index % 50:02}" for index in range(500)]}
    pq.write_table(pa.table(columns), path)
    known = FooterStatistics(Footers()).table(source(path), frozenset(columns)).columns
    assert known["same"].distinct == 1
    assert known["state"].distinct == pytest.approx(50, rel=0.5)


def test_bounds_and_nulls(path: Path) -> None:
    found = FooterStatistics(Footers()).table(source(path), frozenset(["key", "few", "nulls"])).columns
    assert (found["key"].minimum, found["key"].maximum, found["key"].null_fraction) == (0, ROWS - 1, 0.0)
    assert (found["few"].minimum, found["few"].maximum) == ("blue", "red")
    assert found["nulls"].null_fraction == 0.25


def test_several_files_are_one_table(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.parquet" for number in range(3)]
    for number, each in enumerate(paths):
        pq.write_table(table(1000, number * 1000), each)
    found = FooterStatistics(Footers()).table(source(*paths), frozenset(["key", "few"]))
    assert found.rows == 3000
    assert (found.columns["key"].minimum, found.columns["key"].maximum) == (0, 2999)
    assert found.columns["key"].distinct == pytest.approx(3000, rel=0.1)
    assert found.columns["few"].distinct == pytest.approx(3, abs=1)


def test_all_of_many_files_are_counted(tmp_path: Path) -> None:
    first = tmp_path / "0.parquet"
    pq.write_table(table(100), first)
    paths = [first, *(tmp_path / f"{number}.parquet" for number in range(1, 200))]
    for each in paths[1:]:
        each.write_bytes(first.read_bytes())
    found = FooterStatistics(Footers()).table(source(*paths), frozenset(["key"]))
    assert found.exact
    assert found.rows == 100 * len(paths)
    assert len(found.row_groups) == len(paths)


def test_columns_are_sampled_where_there_are_very_many_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / f"{number}.parquet" for number in range(10)]
    for number, each in enumerate(paths):
        pq.write_table(table(1000, number * 1000), each, row_group_size=100)
    exact = FooterStatistics(Footers()).table(source(*paths), frozenset(["key", "few", "nulls"]))
    monkeypatch.setattr("shoal.statistics.MOST_CHUNKS", 20)
    monkeypatch.setattr("shoal.statistics.LEAST_FILES", 3)
    found = FooterStatistics(Footers()).table(source(*paths), frozenset(["key", "few", "nulls"]))
    assert (found.rows, found.exact, found.row_groups) == (exact.rows, exact.exact, exact.row_groups)
    assert found.columns["key"].distinct == pytest.approx(exact.columns["key"].distinct or 0, rel=0.3)
    assert found.columns["few"].distinct == pytest.approx(3, abs=1)
    assert found.columns["nulls"].null_fraction == pytest.approx(0.25)


def test_a_warm_answer_needs_no_file(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(path.read_bytes())
    statistics, what = FooterStatistics(Footers()), source(copy)
    first = statistics.table(what, frozenset(["key"]))
    copy.unlink()
    assert statistics.table(what, frozenset(["key"])) is first
    assert statistics.table(what, frozenset(["few"])).columns["few"].minimum == "blue"


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path, statistics = tmp_path / "t.parquet", FooterStatistics(Footers())
    pq.write_table(table(100), path)
    assert statistics.table(source(path), frozenset()).rows == 100
    pq.write_table(table(200), path)
    assert statistics.table(source(path), frozenset()).rows == 200


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\x00" * 100 + b"PAR1", b"\xff" * 4096])
def test_damaged_files_are_guessed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    found = FooterStatistics(Footers()).table(source(path), frozenset(["a"]))
    assert not found.exact
    assert found.bytes == len(content)
    assert found.columns == {}


def test_missing_files_and_unknown_columns_are_no_error(path: Path) -> None:
    gone = FileSource(FileFormat.PARQUET, (FileIdentity("/nowhere/t.parquet", 3200, 0),), ())
    assert FooterStatistics(Footers()).table(gone, frozenset(["a"])).rows == 100
    assert FooterStatistics(Footers()).table(source(path), frozenset(["nothing"])).columns == {}
    assert FooterStatistics(Footers()).table(FileSource(FileFormat.PARQUET, (), ()), frozenset()).rows == 0


@pytest.mark.parametrize("format", [FileFormat.CSV, FileFormat.JSON])
def test_text_formats_are_guessed_from_their_size(tmp_path: Path, format: FileFormat) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(b"1,2\n" * 1000)
    found = FooterStatistics(Footers()).table(source(path, format=format), frozenset(["a"]))
    assert 0 < found.rows < 4000
    assert not found.exact


def test_arrow_data_says_its_own_size() -> None:
    found = FooterStatistics(Footers()).table(ArrowSource("k", (), 10, 80), frozenset())
    assert (found.rows, found.bytes) == (10, 80)


def test_columns_without_dictionary_or_statistics(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(table(5000), path, use_dictionary=False, write_statistics=False)
    found = FooterStatistics(Footers()).table(source(path), frozenset(["key", "few"])).columns
    assert found["key"].minimum is None
    assert found["few"].distinct is not None


def test_nested_columns_have_no_statistics(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"list": [[1, 2], [3]], "plain": [1, 2]}), path)
    found = FooterStatistics(Footers()).table(source(path), frozenset(["list", "plain"]))
    assert set(found.columns) == {"plain"}
    assert found.rows == 2


def test_possible_values_of_unlike_bounds() -> None:
    assert possible_values(1, "a") == float("inf")
    assert possible_values(True, False) == 2.0
