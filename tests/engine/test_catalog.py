"""Names, files and what is near them."""

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from shoal.catalog import SessionCatalog
from shoal.planner.errors import (
    BindError,
    NotSupportedError,
    ProgrammingError,
    SourceCorrupt,
    SourceError,
    SourceNotFound,
    TableNotFound,
)
from shoal.planner.source import ArrowSource, Field, FileFormat, FileSource, ViewDefinition
from shoal.scratch import Scratch
from shoal.source_files import SourceFiles, format_of


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    opened = Scratch()
    yield opened
    opened.close()


@pytest.fixture
def files(scratch: Scratch) -> SourceFiles:
    return SourceFiles(scratch)


@pytest.fixture
def catalog(files: SourceFiles) -> SessionCatalog:
    return SessionCatalog(files)


def write(path: Path, query: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as duck:
        duck.execute(f"COPY ({query}) TO '{path}'")
    return path


def test_a_file_and_its_schema(catalog: SessionCatalog, tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", "SELECT 1 AS a, 'x' AS b, 1.5::DECIMAL(15,2) AS c")
    source = catalog.snapshot().files(FileFormat.PARQUET, (str(path),), ())
    assert source.columns == (Field("a", "INTEGER"), Field("b", "VARCHAR"), Field("c", "DECIMAL(15,2)"))
    assert [file.path for file in source.files] == [str(path)]
    assert source.files[0].size == path.stat().st_size
    assert source.uniform


def test_names_are_compared_without_case(catalog: SessionCatalog, tmp_path: Path) -> None:
    catalog.register_path("Orders", write(tmp_path / "t.parquet", "SELECT 1 AS a"))
    assert catalog.snapshot().lookup("oRDERS") == catalog.snapshot().lookup("Orders")
    assert catalog.snapshot().names() == ("Orders",)
    assert catalog.snapshot().lookup("order") is None


def test_the_version_changes_with_every_change(catalog: SessionCatalog) -> None:
    versions = [catalog.snapshot().version]
    catalog.put("v", ViewDefinition("v", "SELECT 1"))
    versions.append(catalog.snapshot().version)
    catalog.remove("v")
    versions.append(catalog.snapshot().version)
    assert len(set(versions)) == 3


def test_a_snapshot_does_not_change(catalog: SessionCatalog, tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", "SELECT 1 AS a")
    catalog.register_path("t", path)
    snapshot = catalog.snapshot()
    before = snapshot.lookup("t")
    write(path, "SELECT 1 AS a, 2 AS b")
    catalog.put("u", ViewDefinition("u", "SELECT 1"))
    assert snapshot.lookup("t") is before
    assert snapshot.lookup("u") is None
    after = catalog.snapshot().lookup("t")
    assert isinstance(after, FileSource)
    assert [field.name for field in after.columns] == ["a", "b"]


def test_a_file_can_be_named_in_place_of_a_table(catalog: SessionCatalog, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "SELECT 1 AS a")
    found = catalog.snapshot().lookup(str(path))
    assert isinstance(found, FileSource)
    assert found.format is FileFormat.CSV
    assert found.columns == (Field("a", "BIGINT"),)


def test_globs_directories_and_uniformity(catalog: SessionCatalog, tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "parts" / f"p{number}.parquet", f"SELECT {number} AS a")
    for path in (tmp_path / "parts" / "*.parquet", tmp_path / "parts"):
        source = catalog.register_path("parts", path)
        assert [Path(file.path).name for file in source.files] == ["p0.parquet", "p1.parquet", "p2.parquet"]
        assert source.uniform
    write(tmp_path / "parts" / "p3.parquet", "SELECT 'text' AS a")
    assert not catalog.register_path("parts", tmp_path / "parts").uniform


def test_hive_partitions_are_not_uniform(catalog: SessionCatalog, tmp_path: Path) -> None:
    write(tmp_path / "y=1" / "t.parquet", "SELECT 1 AS a")
    write(tmp_path / "y=2" / "t.parquet", "SELECT 1 AS a")
    source = catalog.snapshot().files(FileFormat.PARQUET, (f"{tmp_path}/*/*.parquet",), ())
    assert [field.name for field in source.columns] == ["a", "y"]
    assert not source.uniform


def test_relative_and_home_paths(catalog: SessionCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "t.parquet", "SELECT 1 AS a")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for written in ("t.parquet", "./t.parquet", "~/t.parquet"):
        assert catalog.register_path("t", written).files[0].path == str(path)


def test_options(catalog: SessionCatalog, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1;x\n2;y\n")
    options = (("delim", "';'"), ("header", "false"), ("names", "['n', 't']"))
    source = catalog.snapshot().files(FileFormat.CSV, (str(tmp_path / "t.csv"),), options)
    assert [field.name for field in source.columns] == ["n", "t"]
    assert source.options == options
    with pytest.raises(BindError, match="no_such_option"):
        catalog.snapshot().files(FileFormat.CSV, (str(tmp_path / "t.csv"),), (("no_such_option", "1"),))


def test_a_directory_of_tables(catalog: SessionCatalog, tmp_path: Path) -> None:
    write(tmp_path / "orders.parquet", "SELECT 1 AS a")
    write(tmp_path / "lineitem" / "1.parquet", "SELECT 1 AS a")
    write(tmp_path / "nation.csv", "SELECT 1 AS a")
    (tmp_path / "README").write_text("no table")
    assert catalog.register_directory(tmp_path) == ("lineitem", "nation", "orders")
    (tmp_path / "empty").mkdir()
    for missing in (tmp_path / "empty", tmp_path / "missing"):
        with pytest.raises(SourceNotFound):
            catalog.register_directory(missing)


def test_missing_files(catalog: SessionCatalog, tmp_path: Path) -> None:
    write(tmp_path / "orders.parquet", "SELECT 1 AS a")
    with pytest.raises(SourceNotFound) as caught:
        catalog.register_path("o", tmp_path / "order.parquet")
    assert "orders.parquet" in (caught.value.hint or "")
    for path in (tmp_path / "no" / "such.parquet", tmp_path / "z*.parquet"):
        with pytest.raises(SourceNotFound):
            catalog.register_path("o", path)
    assert catalog.snapshot().names() == ()


@pytest.mark.parametrize("content", [b"", b"PAR1 but not really", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_corrupt_files(catalog: SessionCatalog, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.parquet"
    path.write_bytes(content)
    with pytest.raises(SourceCorrupt, match=r"bad\.parquet"):
        catalog.register_path("bad", path)


def test_files_that_may_not_be_read(catalog: SessionCatalog, tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", "SELECT 1 AS a")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(SourceError):
        catalog.register_path("t", path)


def test_formats(catalog: SessionCatalog, tmp_path: Path) -> None:
    assert format_of("a.ndjson.gz") is FileFormat.JSON
    assert format_of("A.PARQUET") is FileFormat.PARQUET
    assert format_of("a.txt") is None
    path = write(tmp_path / "t.parquet", "SELECT 1 AS a").rename(tmp_path / "data")
    assert catalog.register_path("t", path).format is FileFormat.PARQUET
    (tmp_path / "text").write_text("hello")
    with pytest.raises(SourceError, match="format"):
        catalog.register_path("t", tmp_path / "text")
    with pytest.raises(NotSupportedError):
        catalog.register_path("t", "s3://bucket/t.parquet")


def test_a_replaced_file_is_noticed(catalog: SessionCatalog, tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", "SELECT 1 AS a")
    before = catalog.register_path("t", path)
    write(path, "SELECT 'x' AS b")
    after = catalog.snapshot().lookup("t")
    assert isinstance(after, FileSource)
    assert after.files != before.files
    assert after.columns == (Field("b", "VARCHAR"),)


def test_an_unchanged_file_is_described_once(files: SourceFiles, tmp_path: Path, scratch: Scratch) -> None:
    path = write(tmp_path / "t.parquet", "SELECT 1 AS a")
    first = files.resolve(FileFormat.PARQUET, [str(path)])
    asked: list[str] = []
    original, scratch.rows = scratch.rows, lambda sql, *_: asked.append(sql)  # type: ignore[method-assign,assignment,return-value]
    try:
        assert files.resolve(FileFormat.PARQUET, [str(path)]) == first
    finally:
        scratch.rows = original  # type: ignore[method-assign]
    assert asked == []


def test_removing(catalog: SessionCatalog) -> None:
    source = ArrowSource("key", (), 0, 0)
    catalog.put("data", source)
    with pytest.raises(TableNotFound) as caught:
        catalog.remove("date")
    assert "data" in (caught.value.hint or "")
    with pytest.raises(TableNotFound, match="no view"):
        catalog.remove("data", view=True)
    assert catalog.remove("DATA") is source
    with pytest.raises(ProgrammingError):
        catalog.put("", source)
