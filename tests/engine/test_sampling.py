"""Samples: predicates and keys are measured on a few rows; nothing raises, and a replaced file is another table."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import shoal
from shoal import sampling
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.planner.protocols import SampledStatistics
from shoal.planner.source import ArrowSource, Field, FileFormat, FileIdentity, FileSource
from shoal.sample_rows import BLOCK_ROWS, BLOCKS, choose_blocks
from shoal.sampling import Budget, TableSampler
from shoal.scratch import Scratch
from shoal.statistics import FooterStatistics

ROWS = 200_000
FIELDS = (
    Field("id", "BIGINT"),
    Field("run", "BIGINT"),
    Field("word", "VARCHAR"),
    Field("a", "BIGINT"),
    Field("b", "BIGINT"),
    Field("one", "BIGINT"),
    Field("nothing", "BIGINT"),
)


def table(rows: int = ROWS, seed: int = 0) -> pa.Table:
    chance = random.Random(seed)
    a = [chance.randrange(1000) for _ in range(rows)]
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "run": pa.array([index // 4 * 4 for index in range(rows)], pa.int64()),
            "word": [chance.choice(["green apple", "red apple", "green pear", "plum"]) for _ in range(rows)],
            "a": pa.array(a, pa.int64()),
            "b": pa.array([value + 1 for value in a], pa.int64()),
            "one": pa.array([7 if chance.random() < 0.6 else index for index in range(rows)], pa.int64()),
            "nothing": pa.nulls(rows, pa.int64()),
        }
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("sampling") / "t.parquet"
    pq.write_table(table(), found, row_group_size=10_000)
    return found


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time enough on a busy machine."""
    monkeypatch.setattr(sampling, "SAMPLE_SECONDS", 10.0)
    monkeypatch.setattr(sampling, "STATEMENT_SECONDS", 60.0)


def source(path: Path, fields: tuple[Field, ...] = FIELDS) -> FileSource:
    stat = path.stat()
    return FileSource(FileFormat.PARQUET, (FileIdentity(str(path), stat.st_size, stat.st_mtime_ns),), fields)


class Sampling:
    """A sampler with all that it needs."""

    def __init__(self) -> None:
        self.scratch, self.registry, self.footers = Scratch(), ArrowRegistry(), FooterStatistics()
        self.sampler = TableSampler(self.registry, self.footers, self.scratch.cursor)

    def sample(
        self,
        what: FileSource | ArrowSource,
        *terms: str,
        columns: str = "",
        keys: str = "",
        budget: Budget | None = None,
    ) -> SampledStatistics | None:
        known = self.footers.table(what, frozenset())
        names = frozenset(columns.split()), frozenset(keys.split())
        return self.sampler.sample(what, known, terms, *names, budget or Budget())


@pytest.fixture
def sampling_of() -> Sampling:
    return Sampling()


@pytest.mark.parametrize(
    ("terms", "columns", "share"),
    [
        (("\"word\" LIKE 'green%'",), "word", 0.5),
        (('length("word") = 4',), "word", 0.25),
        (('"a" < "b"',), "a b", 1.0),
        (('"a" < 100', '"b" < 101'), "a b", 0.1),
        (('"a" < 100 OR "word" = \'plum\'',), "a word", 0.325),
        (('"nothing" = 1',), "nothing", 0.0),
    ],
)
def test_conjunctions_are_measured(
    sampling_of: Sampling, path: Path, terms: tuple[str, ...], columns: str, share: float
) -> None:
    found = sampling_of.sample(source(path), *terms, columns=columns)
    assert found is not None
    assert found.rows == BLOCKS * BLOCK_ROWS
    assert not found.banded
    assert found.matched / found.rows == pytest.approx(share, abs=0.03)


def test_terms_over_a_clustered_column_are_left_to_the_footers(sampling_of: Sampling, path: Path) -> None:
    found = sampling_of.sample(source(path), '"id" < 20000', "\"word\" = 'plum'", columns="id word")
    assert found is not None
    assert found.banded == {0}
    assert found.matched / found.rows == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize(
    ("key", "distinct", "sure"), [("id", ROWS, False), ("run", ROWS / 4, True), ("a", 1000, True), ("nothing", 1, True)]
)
def test_distinct_counts_of_keys(sampling_of: Sampling, path: Path, key: str, distinct: float, sure: bool) -> None:
    found = sampling_of.sample(source(path), keys=key)
    assert found is not None
    assert found.columns[key].distinct == pytest.approx(distinct, rel=0.1)
    assert found.columns[key].sure is sure


def test_heavy_hitters_and_nulls(sampling_of: Sampling, path: Path) -> None:
    found = sampling_of.sample(source(path), keys="one nothing")
    assert found is not None
    assert found.columns["one"].common_share == pytest.approx(0.6, abs=0.03)
    assert found.columns["nothing"].null_fraction == 1.0


def test_tables_in_memory_are_sampled(sampling_of: Sampling) -> None:
    data = table()
    sampling_of.registry.put("key", data)
    what = ArrowSource("key", FIELDS, data.num_rows, data.nbytes)
    found = sampling_of.sample(what, "\"word\" = 'plum'", columns="word", keys="a")
    assert found is not None
    assert found.matched / found.rows == pytest.approx(0.25, abs=0.03)
    assert found.columns["a"].distinct == pytest.approx(1000, rel=0.05)


def test_an_answer_is_kept_and_rows_too(sampling_of: Sampling, tmp_path: Path) -> None:
    copy = tmp_path / "copy.parquet"
    pq.write_table(table(), copy, row_group_size=20_000)
    what = source(copy)
    first = sampling_of.sample(what, '"a" < 10', columns="a")
    copy.unlink()
    assert sampling_of.sample(what, '"a" < 10', columns="a") is first
    assert sampling_of.sample(what, '"a" < 500', columns="a") is not None
    assert sampling_of.sample(what, '"b" < 500', columns="b") is None


def test_a_file_that_was_replaced_is_not_mistaken_for_the_old_one(sampling_of: Sampling, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(table(), path)
    old = source(path)
    before = sampling_of.sample(old, '"a" < 500', columns="a")
    pq.write_table(table().set_column(3, "a", pa.array([2000] * ROWS, pa.int64())), path)
    after = sampling_of.sample(source(path), '"a" < 500', columns="a")
    assert before is not None
    assert after is not None
    assert before.matched > 0
    assert after.matched == 0
    assert sampling_of.sample(old, "\"word\" = 'plum'", columns="word") is None


@pytest.mark.parametrize("term", ['"word" + 1 > 2', 'CAST("word" AS INTEGER) = 1', 'no_such_function("a")', '"a" <'])
def test_what_fails_is_not_known(sampling_of: Sampling, path: Path, term: str) -> None:
    assert sampling_of.sample(source(path), term, columns="a word") is None


def test_small_empty_missing_and_damaged_tables_are_not_sampled(sampling_of: Sampling, tmp_path: Path) -> None:
    small, empty, damaged = (tmp_path / f"{name}.parquet" for name in ("small", "empty", "damaged"))
    pq.write_table(table(1000), small)
    pq.write_table(table(0), empty)
    damaged.write_bytes(b"PAR1" + b"\0" * 8_000_000)
    for each in (small, empty, damaged):
        assert sampling_of.sample(source(each), '"a" < 500', columns="a") is None
    gone = FileSource(FileFormat.PARQUET, (FileIdentity("/nowhere.parquet", 10_000_000, 0),), FIELDS)
    assert sampling_of.sample(gone, '"a" < 500', columns="a") is None


def test_a_statement_has_a_budget(sampling_of: Sampling, path: Path) -> None:
    budget = Budget(0.0)
    assert sampling_of.sample(source(path), '"a" < 500', columns="a", budget=budget) is None
    assert sampling_of.sample(source(path), '"a" < 500', columns="a") is not None
    assert sampling_of.sample(source(path), '"a" < 500', columns="a", budget=budget) is not None


def test_places_are_spread_over_the_rows(path: Path) -> None:
    what = source(path)
    blocks = choose_blocks(what.files, FooterStatistics().table(what, frozenset()).row_groups)
    assert [block.group for block in blocks] == [1, 3, 6, 8, 11, 13, 16, 18]


def connection(path: Path, disabled: str = "") -> shoal.Connection:
    found = shoal.connect()
    found.register("t", str(path))
    found.execute("SET distribute = 'always'")
    found.execute("SET partitions = 2")
    found.execute(f"SET disabled_rules = '{disabled}'")
    return found


QUERY = "SELECT word, count(*) AS n FROM t WHERE a < 100 AND b < 101 AND word LIKE '%apple' GROUP BY word ORDER BY word"


def test_explain_shows_what_was_sampled(path: Path) -> None:
    with connection(path) as one:
        lines = [row[0] for row in one.execute("EXPLAIN " + QUERY).fetchall()]
        assert any("Filter" in line and "(sampled)" in line for line in lines)
        one.execute("SET disabled_rules = 'sample_tables'")
        assert not any("(sampled)" in row[0] for row in one.execute("EXPLAIN " + QUERY).fetchall())


def test_samples_change_no_answer(path: Path) -> None:
    import duckdb

    with connection(path) as with_samples, connection(path, "sample_tables") as without:
        answer = with_samples.execute(QUERY).fetchall()
        assert answer == without.execute(QUERY).fetchall()
    assert answer == duckdb.sql(QUERY.replace("FROM t", f"FROM '{path}'")).fetchall()
