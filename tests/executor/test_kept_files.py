"""Files that are read again stay in the memory of the kernel: which, up to how much, and only while they are there."""

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from shoal.executor.kernel import Kernel, Session
from shoal.planner.source import FileIdentity

MIB = 1 << 20
ROWS = 100_000


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    with Kernel(2, 256 * MIB, tmp_path / "spill", kept_bytes=2 * MIB) as opened:
        yield opened


def write(path: Path, value: int, rows: int = ROWS) -> FileIdentity:
    """A file of numbers that nothing compresses well: 0.8 MB for 100,000 rows."""
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT {value} + hash(i) % 1000000000000 AS v FROM range({rows}) AS r(i)) TO '{path}' "
            "(FORMAT parquet, COMPRESSION uncompressed)"
        )
    return identity(path)


def identity(path: Path) -> FileIdentity:
    found = path.stat()
    return FileIdentity(str(path), found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def least(kernel: Kernel, *files: FileIdentity, keep: bool = True, join_order: bool = True) -> list[tuple[object, ...]]:
    """What a statement over files reads, and checks against a kernel that keeps nothing."""
    sql = f"SELECT min(v), max(v), count(*) FROM read_parquet({[file.path for file in files]})"
    with kernel.session((), files, join_order=join_order, keep_files=keep) as session:
        rows = session.execute(sql).fetchall()
    with duckdb.connect() as plain:
        assert rows == plain.execute(sql).fetchall()
    return rows


def kept(kernel: Kernel, *, join_order: bool = True) -> set[str]:
    """The names of the files of which there is anything in memory."""
    with kernel.session(join_order=join_order) as session:
        return names(session)


def names(session: Session) -> set[str]:
    rows = session.execute("SELECT DISTINCT path FROM duckdb_external_file_cache()").fetchall()
    return {Path(str(path)).name for (path,) in rows}


def test_they_are_kept_where_that_is_wanted(kernel: Kernel, tmp_path: Path) -> None:
    one, two = write(tmp_path / "one", 1), write(tmp_path / "two", 2)
    for _ in range(2):
        least(kernel, one, keep=False)
        assert kept(kernel) == set()
    least(kernel, two)
    least(kernel, one, keep=False)
    assert kept(kernel) == {"two"}
    assert kept(kernel, join_order=False) == set()
    least(kernel, one, join_order=False)
    assert kept(kernel, join_order=False) == {"one"}


def test_a_kernel_may_keep_none(tmp_path: Path) -> None:
    one = write(tmp_path / "one", 1)
    with Kernel(1, 256 * MIB, tmp_path / "spill") as kernel:
        least(kernel, one)
        assert kept(kernel) == set()


def test_what_has_no_place_is_not_kept_or_takes_the_others_place(kernel: Kernel, tmp_path: Path) -> None:
    one, two, three = (write(tmp_path / name, number) for number, name in enumerate(("one", "two", "three")))
    large = write(tmp_path / "large", 4, 4 * ROWS)
    least(kernel, one)
    least(kernel, two)
    least(kernel, large)
    assert kept(kernel) == {"one", "two"}
    least(kernel, two, three)
    assert kept(kernel) == {"two", "three"}
    least(kernel, one, two, three)
    assert kept(kernel) == {"two", "three"}


@pytest.mark.parametrize("same", ["nothing", "size", "size and time stamp"])
def test_a_file_that_changes_is_read_anew(kernel: Kernel, tmp_path: Path, same: str) -> None:
    path, new = tmp_path / "one", tmp_path / "new"
    before = write(path, 1)
    first = least(kernel, before)
    for number in range(2, 6):
        write(new, number, ROWS + (number if same == "nothing" else 0))
        if same == "size and time stamp":
            os.utime(new, ns=(before.modified_ns, before.modified_ns))
        new.replace(path)
        assert least(kernel, identity(path), keep=number % 2 == 0)[0][0] == first[0][0] + number - 1  # type: ignore[operator]


def test_a_statement_that_needs_the_memory_gets_it(tmp_path: Path) -> None:
    one = write(tmp_path / "one", 1, 40 * ROWS)
    with Kernel(1, 64 * MIB, tmp_path / "spill", kept_bytes=40 * MIB) as kernel:
        for _ in range(2):
            least(kernel, one)
        assert kept(kernel) == {"one"}
        with kernel.session() as session:
            rows = session.execute("SELECT count(DISTINCT i * 7) FROM range(2000000) AS r(i)").fetchall()
        assert rows == [(2_000_000,)]
        least(kernel, one)


def test_after_a_fatal_error_nothing_is_kept_any_more(kernel: Kernel, tmp_path: Path) -> None:
    one = write(tmp_path / "one", 1)
    least(kernel, one)
    with pytest.raises(duckdb.FatalException), kernel.session():
        raise duckdb.FatalException("FATAL Error: broken")
    assert kept(kernel) == set()
    least(kernel, one)
    assert kept(kernel) == {"one"}
