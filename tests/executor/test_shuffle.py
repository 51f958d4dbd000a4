"""The shuffle store: files whole or not at all, budgets, what readers refuse, and that nothing is left behind."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoal.executor.owned_directory import OwnedDirectory, owned_directories, reclaim
from shoal.executor.shuffle.files import map_file
from shoal.executor.shuffle.manifest import manifest_path, read_manifest
from shoal.executor.shuffle.partition import partition_batch
from shoal.executor.shuffle.store import ShuffleStore, StoredOutput
from shoal.executor.shuffle.writer import GATHER_BYTES, OutputWriter
from shoal.planner.errors import FetchFailed, InterfaceError, InvariantViolated, OutOfMemory
from shoal.planner.ids import Incarnation, QueryId, StageId, TaskId

LIFE = Incarnation("life")


def task(partition: int = 0, query: str = "query-1", attempt: int = 0) -> TaskId:
    return TaskId(QueryId(query), StageId(3), 1, partition, attempt)


def batch(rows: int, start: int = 0, width: int = 8) -> pa.RecordBatch:
    numbers = range(start, start + rows)
    return pa.RecordBatch.from_pydict({"k": list(numbers), "s": [str(n).rjust(width, "x") for n in numbers]})


def parted(rows: int, partitions: int, start: int = 0) -> pa.RecordBatch:
    plain = batch(rows, start)
    numbers = pa.array([(start + n) * 7 % partitions for n in range(rows)], pa.uint8())
    return pa.RecordBatch.from_arrays([*plain.columns, numbers], ["k", "s", "p"])


Stores = Callable[..., ShuffleStore]


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    made: list[ShuffleStore] = []
    (tmp_path / "memory").mkdir()

    def make(memory: int = 1 << 30, disk: int | None = None, incarnation: Incarnation = LIFE) -> ShuffleStore:
        base = tmp_path / "memory" if memory else None
        made.append(ShuffleStore(incarnation, base, tmp_path / "disk", memory, disk))
        return made[-1]

    return make


def write(
    store: ShuffleStore, batches: list[pa.RecordBatch], partitions: int = 1, who: TaskId | None = None
) -> StoredOutput:
    partitioned = "p" in batches[0].schema.names
    with OutputWriter(store, who or task(), batches[0].schema, partitions, partitioned=partitioned) as writer:
        for each in batches:
            writer.write(each)
        return writer.finish()


def rows(output: StoredOutput, *partitions: int) -> list[int]:
    mapped = map_file(output.path)
    return [key for each in mapped.batches(partitions) for key in each.column("k").to_pylist()]


def files(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "owner.lock"]


def test_rows_come_back_in_order(stores: Stores) -> None:
    with stores() as store:
        output = write(store, [batch(70_000), batch(10, 70_000), batch(5, 70_010)])
        assert rows(output, 0) == list(range(70_015))
        assert output.in_memory
        (entry,) = output.manifest.partitions
        assert (entry.rows, entry.batches, entry.checksum) == (70_015, (0, 1), None)
        assert output.manifest == read_manifest(output.path)
        assert store.usage().memory_bytes == output.path.stat().st_size == output.manifest.size


def test_partitions_hold_their_rows_in_order(stores: Stores) -> None:
    with stores() as store:
        output = write(store, [parted(1000, 5), parted(500, 5, 1000)], 7)
        for number in range(7):
            expected = [key for key in range(1500) if key * 7 % 5 == number]
            assert rows(output, number) == expected
            assert output.manifest.partitions[number].rows == len(expected)
        assert rows(output, 4, 0) == rows(output, 4) + rows(output, 0)


def test_no_rows_still_make_a_file_with_a_schema(stores: Stores) -> None:
    with stores() as store:
        output = write(store, [parted(0, 5)], 3)
        assert map_file(output.path).schema.names == ["k", "s"]
        assert [entry.rows for entry in output.manifest.partitions] == [0, 0, 0]


def test_small_pieces_are_gathered_and_large_ones_written(stores: Stores) -> None:
    with stores() as store:
        output = write(store, [parted(1000, 5, 1000 * number) for number in range(20)], 5)
        assert [len(entry.batches) for entry in output.manifest.partitions] == [1] * 5
        wide = [batch(20, 20 * number, GATHER_BYTES // 10) for number in range(3)]
        assert len(write(store, wide, who=task(1)).manifest.partitions[0].batches) == 3


def test_reading_a_file_in_memory_copies_nothing(stores: Stores) -> None:
    with stores() as store:
        output = write(store, [batch(100_000)])
        before = pa.total_allocated_bytes()
        table = pa.Table.from_batches(list(map_file(output.path).batches([0])))
        assert pa.total_allocated_bytes() == before
        assert table.nbytes > 1_000_000


@given(st.data())
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_partitioning_is_a_stable_sort(data: st.DataObject) -> None:
    partitions = data.draw(st.integers(1, 300))
    numbers = data.draw(st.lists(st.integers(0, partitions - 1), min_size=1, max_size=50))
    type_ = data.draw(st.sampled_from([pa.uint16(), pa.int32(), pa.int64(), pa.uint64()]))
    whole = pa.RecordBatch.from_arrays([pa.array(range(len(numbers))), pa.array(numbers, type_)], ["k", "p"])
    found = [(number, part.column(0).to_pylist()) for number, part in partition_batch(whole, partitions)]
    expected = [(n, [k for k, number in enumerate(numbers) if number == n]) for n in sorted(set(numbers))]
    assert found == expected


@pytest.mark.parametrize("wrong", [None, -1, 3])
def test_numbers_out_of_range_are_refused(stores: Stores, wrong: int | None) -> None:
    whole = pa.RecordBatch.from_arrays([pa.array([1, 2]), pa.array([0, wrong], pa.int64())], ["k", "p"])
    with stores() as store, pytest.raises(InvariantViolated, match=str(wrong)):
        write(store, [whole], 3)


def test_without_memory_files_are_on_disk_compressed_and_checked(stores: Stores) -> None:
    with stores(memory=0) as store:
        output = write(store, [parted(50_000, 5)], 5)
        assert not output.in_memory
        assert sorted(rows(output, 0, 1, 2, 3, 4)) == list(range(50_000))
        assert all(entry.checksum is not None for entry in output.manifest.partitions)
        assert output.manifest.size < sum(entry.bytes for entry in output.manifest.partitions)
        assert store.usage().disk_bytes == output.manifest.size


def test_a_file_that_outgrows_the_memory_budget_moves_to_disk(stores: Stores, tmp_path: Path) -> None:
    with stores(memory=5_000_000) as store:
        output = write(store, [parted(100_000, 5, 100_000 * number) for number in range(5)], 5)
        assert not output.in_memory
        for number in range(5):
            assert rows(output, number) == [key for key in range(500_000) if key * 7 % 5 == number]
        usage = store.usage()
        assert (usage.memory_bytes, usage.disk_bytes) == (0, output.manifest.size)
        assert len(files(tmp_path)) == 2
        small = write(store, [batch(10)], who=task(1))
        assert small.in_memory


def test_disk_budget(stores: Stores, tmp_path: Path) -> None:
    with stores(memory=0, disk=1_000_000) as store:
        with pytest.raises(OutOfMemory, match="budget"):
            write(store, [batch(100_000, 100_000 * number) for number in range(5)])
        assert store.usage().disk_bytes == 0
        assert not files(tmp_path)
        assert rows(write(store, [batch(10)]), 0) == list(range(10))


def write_and_fail(store: ShuffleStore) -> None:
    with OutputWriter(store, task(), batch(1).schema) as writer:
        writer.write(batch(200_000))
        raise ZeroDivisionError


def test_nothing_is_left_of_a_writer_that_fails(stores: Stores, tmp_path: Path) -> None:
    for memory in (1 << 30, 0):
        with stores(memory=memory) as store:
            with pytest.raises(ZeroDivisionError):
                write_and_fail(store)
            assert not files(tmp_path)
            assert store.usage().memory_bytes == store.usage().disk_bytes == 0
            with pytest.raises(FetchFailed):
                store.find(task(), LIFE)


@pytest.mark.parametrize("memory", [0, 1 << 30])
@pytest.mark.parametrize("keep", [0.3, 0.99])
def test_a_file_that_is_cut_short_is_refused(stores: Stores, memory: int, keep: float) -> None:
    with stores(memory=memory) as store:
        output = write(store, [batch(100_000)])
        os.truncate(output.path, int(output.manifest.size * keep))
        with pytest.raises(FetchFailed, match="cut short"):
            map_file(output.path)


def test_a_flipped_byte_on_disk_is_found_in_its_partition_only(stores: Stores) -> None:
    with stores(memory=0) as store:
        output = write(store, [parted(50_000, 5)], 5)
        offset, length = output.manifest.partitions[3].spans[0]
        content = bytearray(output.path.read_bytes())
        content[offset + length // 2] ^= 1
        output.path.write_bytes(content)
        with pytest.raises(FetchFailed, match="partition 3"):
            rows(output, 3)
        assert rows(output, 2)


def test_missing_and_broken_manifests(stores: Stores) -> None:
    with stores() as store:
        output = write(store, [batch(10)])
        beside = manifest_path(output.path)
        for content in ("", "{", "[]", '{"version": 99}', '{"version": 1, "task": {}}'):
            beside.write_text(content)
            with pytest.raises(FetchFailed):
                map_file(output.path)
        beside.unlink()
        with pytest.raises(FetchFailed):
            map_file(output.path)
        with pytest.raises(FetchFailed):
            rows(StoredOutput(output.path, True, output.manifest), 1)


def test_unlinking_leaves_readers_alone(stores: Stores) -> None:
    with stores() as store:
        mapped = map_file(write(store, [batch(100_000)]).path)
        store.drop_output(task())
        assert sum(each.num_rows for each in mapped.batches([0])) == 100_000


def test_dropping(stores: Stores, tmp_path: Path) -> None:
    with stores() as store:
        for query in ("query-1", "query-2"):
            for partition in range(2):
                write(store, [batch(10)], who=task(partition, query))
        store.drop_output(task(0))
        store.drop_output(task(0))
        assert len(files(tmp_path)) == 6
        store.drop_query(QueryId("query-1"))
        store.drop_query(QueryId("query-1"))
        assert len(files(tmp_path)) == 4
        write(store, [batch(10)], who=task(9))
        assert len(files(tmp_path)) == 4
        store.drop_query(QueryId("query-2"))
        assert not files(tmp_path)
        assert store.usage() == type(store.usage())(0, 0, 0)
    assert not list((tmp_path / "memory").iterdir())
    assert not list((tmp_path / "disk").iterdir())


def test_an_attempt_that_is_written_twice_counts_once(stores: Stores) -> None:
    with stores() as store:
        write(store, [batch(100_000)])
        second = write(store, [batch(10)])
        assert rows(store.find(task(), LIFE), 0) == list(range(10))
        assert store.usage().memory_bytes == second.manifest.size


def test_only_identities_find_files(stores: Stores) -> None:
    with stores() as store:
        write(store, [batch(10)])
        for other in (task(1), task(0, "query-2"), task(0, attempt=1)):
            with pytest.raises(FetchFailed):
                store.find(other, LIFE)
        for life in ("other", "../..", ""):
            with pytest.raises(FetchFailed):
                store.find(task(), Incarnation(life))
        for query in ("../x", "a/b", "", "x" * 200):
            with pytest.raises(InterfaceError):
                write(store, [batch(10)], who=task(0, query))


def test_a_sibling_serves_the_files_of_the_dead(stores: Stores) -> None:
    with stores(incarnation=Incarnation("dead")) as dead, stores(incarnation=Incarnation("living")) as living:
        write(dead, [batch(10)])
        found = living.find(task(), Incarnation("dead"))
        assert rows(found, 0) == list(range(10))
        with pytest.raises(FetchFailed):
            living.find(task(1), Incarnation("dead"))


def test_writers_side_by_side(stores: Stores) -> None:
    with stores(memory=3_000_000) as store:
        failed: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for attempt in range(5):
                    write(store, [parted(20_000, 4)], 4, task(number, attempt=attempt))
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test fails with it
                failed.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not failed
        outputs = [store.find(task(number, attempt=attempt), LIFE) for number in range(4) for attempt in range(5)]
        assert {output.in_memory for output in outputs} == {True, False}
        assert all(sorted(rows(output, 0, 1, 2, 3)) == list(range(20_000)) for output in outputs)
        assert store.usage().memory_bytes <= 3_000_000


def test_a_closed_store_refuses(stores: Stores) -> None:
    store = stores()
    store.close()
    store.close()
    with pytest.raises(InterfaceError):
        write(store, [batch(10)])


def test_directories_are_private(tmp_path: Path) -> None:
    owned = OwnedDirectory(tmp_path, "label")
    assert owned.path.stat().st_mode & 0o777 == 0o700
    assert list(owned_directories(tmp_path, "label")) == [owned.path]
    assert not list(owned_directories(tmp_path, "abel"))
    owned.close()
    owned.close()
    assert not list(tmp_path.iterdir())


DIE = """
import os, sys, pathlib
from shoal.executor.owned_directory import OwnedDirectory
owned = OwnedDirectory(pathlib.Path(sys.argv[1]), sys.argv[2])
(owned.path / "file").write_text("x")
os.kill(os.getpid(), 9)
"""


def test_what_the_dead_left_is_reclaimed(tmp_path: Path) -> None:
    for label in ("killed", "kept"):
        subprocess.run([sys.executable, "-c", DIE, str(tmp_path), label], check=False, timeout=60)
    mine = OwnedDirectory(tmp_path, "alive")
    (tmp_path / "somebody-elses").mkdir()
    removed = reclaim(tmp_path, keep=frozenset({"kept"}))
    assert [path.name.rsplit("-", 1)[-1] for path in removed] == ["killed"]
    assert sorted(path.name.rsplit("-", 1)[-1] for path in tmp_path.iterdir()) == ["alive", "elses", "kept"]
    mine.close()
    assert len(reclaim(tmp_path)) == 1
    assert reclaim(tmp_path / "nowhere") == ()


def test_a_full_disk_is_out_of_memory(stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with stores(memory=0) as store:
        monkeypatch.setattr("os.pread", full)
        with pytest.raises(OutOfMemory, match="No space left"):
            write(store, [batch(200_000)])
        assert not files(tmp_path)
        monkeypatch.undo()
        monkeypatch.setattr("shoal.executor.shuffle.writer.write_manifest", full)
        with pytest.raises(OutOfMemory, match="No space left"):
            write(store, [batch(10)])
        assert not files(tmp_path)
        assert store.usage().disk_bytes == 0
