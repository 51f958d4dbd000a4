"""The generator: what it writes, when it writes nothing, and how it fails."""

import shutil
import sys
from pathlib import Path

import pytest

from shoal.tpch import generate as module
from shoal.tpch.dataset import TABLES, Dataset, DatasetError, open_dataset
from shoal.tpch.generate import find_generator, generate


@pytest.fixture
def quick_generator(tpch_folder, monkeypatch):
    """A generator that copies tables which are there, in the layout that its command asks for."""

    def run(command):
        output = Path(command[command.index("--output-dir") + 1])
        parts = int(command[command.index("--parts") + 1]) if "--parts" in command else 0
        for table in TABLES:
            (output / table).mkdir(exist_ok=True)
            copies = [output / table / f"{table}.{part}.parquet" for part in range(1, parts + 1)]
            for copy in copies or [output / f"{table}.parquet"]:
                shutil.copy(tpch_folder / f"{table}.parquet", copy)

    monkeypatch.setattr(module, "_run", run)


def test_writes_one_file_a_table(tpch_folder):
    dataset = open_dataset(tpch_folder)
    assert [len(dataset.files(table)) for table in TABLES] == [1] * 8
    assert dataset.pattern("lineitem") == str(tpch_folder / "lineitem.parquet")
    assert dataset.scale() == 0.01
    assert dataset.bytes() > 1_000_000


def test_writes_parts(tpch_parts_folder):
    dataset = open_dataset(tpch_parts_folder)
    assert [file.name for file in dataset.files("lineitem")] == [f"lineitem.{i}.parquet" for i in range(1, 8)]
    assert dataset.pattern("lineitem") == str(tpch_parts_folder / "lineitem" / "*.parquet")
    assert dataset.scale() == 0.01


@pytest.mark.usefixtures("quick_generator")
def test_does_nothing_the_second_time(tmp_path):
    assert generate(0.001, tmp_path) is True
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    assert generate(0.001, tmp_path) is False
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before


@pytest.mark.usefixtures("quick_generator")
def test_other_data_is_kept_unless_overwriting_is_asked_for(tmp_path):
    generate(0.001, tmp_path)
    with pytest.raises(DatasetError, match="--overwrite"):
        generate(0.001, tmp_path, parts=2)
    assert generate(0.001, tmp_path, parts=2, overwrite=True) is True
    assert not (tmp_path / "lineitem.parquet").exists()
    assert len(Dataset(tmp_path).files("lineitem")) == 2
    assert generate(0.001, tmp_path, overwrite=True) is True
    assert Dataset(tmp_path).files("lineitem") == (tmp_path / "lineitem.parquet",)


@pytest.mark.usefixtures("quick_generator")
def test_incomplete_data_is_not_taken_as_done(tmp_path):
    generate(0.001, tmp_path)
    (tmp_path / "part.parquet").unlink()
    with pytest.raises(DatasetError, match="incomplete"):
        generate(0.001, tmp_path)


def test_a_missing_generator_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(DatasetError, match=r"pip install 'shoal\[tpch\]'"):
        find_generator()


def test_a_failing_generator_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "find_generator", lambda suite: sys.executable)
    with pytest.raises(DatasetError, match="exit code 2"):
        generate(0.001, tmp_path)


def test_a_folder_without_the_tables_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"region.*lineitem"):
        open_dataset(tmp_path)
