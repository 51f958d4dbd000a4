"""Values that a filter, a join or a CASE hides cause no error in tasks either, whatever order the planner chooses."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal

GUARDED = (
    "SELECT sum(s::INT) FROM t WHERE s <> 'x'",
    "SELECT sum(s::INT) FROM t WHERE s NOT LIKE 'x%'",
    "SELECT count(*) FROM t WHERE s <> 'x' AND s::INT > 3",
    "SELECT count(*) FROM t WHERE s::INT > 3 AND s <> 'x'",
    "SELECT sum(s::INT) FROM t WHERE regexp_matches(s, '^[0-9]+$') AND s::INT % 2 = 0",
    "SELECT sum(s::INT) FROM t JOIN k USING (id)",
    "SELECT sum(s::INT) FROM t SEMI JOIN k USING (id)",
    "SELECT sum(s::INT) FROM t WHERE id IN (SELECT id FROM k)",
    "SELECT sum(s::INT) FROM t WHERE EXISTS (SELECT 1 FROM k WHERE k.id = t.id)",
    "SELECT sum(s::INT) FROM t WHERE NOT EXISTS (SELECT 1 FROM k WHERE k.id = t.id + 1) AND s <> 'x'",
    "SELECT sum(s::INT) FROM t, (SELECT 1 AS one) WHERE s <> 'x'",
    "SELECT count(*) FROM t LEFT JOIN k ON t.id = k.id AND s::INT > 0 WHERE s <> 'x'",
    "SELECT count(*) FROM k JOIN t ON t.s::INT = k.id WHERE t.s <> 'x'",
    "SELECT count(*) FROM k JOIN (SELECT * FROM t WHERE s <> 'x') AS t ON t.s::INT = k.id",
    "SELECT w, sum(10 // z) FROM t JOIN k USING (id) GROUP BY w",
    "SELECT w, sum(s::INT) FROM t JOIN k USING (id) GROUP BY w",
    "SELECT g, sum(10 // z) FROM t WHERE z > 0 GROUP BY g",
    "SELECT g, sum(10 // z) FILTER (z > 0) FROM t WHERE z > 0 GROUP BY g",
    "SELECT g, sum(CASE WHEN z > 0 THEN 10 // z END) FROM t GROUP BY g",
    "SELECT g, sum(coalesce(TRY_CAST(s AS INT), 0)), count(TRY(10 // z)) FROM t GROUP BY g",
    "SELECT g, sum(s::INT) FROM (SELECT * FROM t WHERE s <> 'x') JOIN k USING (id) GROUP BY g",
    "SELECT g, sum(a) FROM (SELECT g, s::INT AS a, id FROM t WHERE s <> 'x') JOIN k USING (id) WHERE a > 9 GROUP BY g",
    "SELECT count(DISTINCT s::INT) FROM t WHERE s <> 'x'",
    "SELECT DISTINCT 10 // z FROM t WHERE z > 0",
    "SELECT id, 10 // z FROM t WHERE z <> 0 ORDER BY 10 // z, id LIMIT 5",
    "SELECT id, 10 // z FROM (SELECT * FROM t WHERE z <> 0 ORDER BY id LIMIT 50) ORDER BY id",
    "SELECT k.w, max(10 // t.z) FROM k LEFT JOIN t ON t.id = k.id GROUP BY k.w",
    "SELECT sum((SELECT max(s::INT) FROM t AS u WHERE u.id = t.id)) FROM t WHERE id % 5 <> 0",
    "WITH c AS (SELECT * FROM t WHERE z > 0) SELECT sum(10 // a.z), count(*) FROM c a JOIN c b ON 10 // a.z = b.id",
    "SELECT max(10 // z) OVER (PARTITION BY g) AS m FROM t WHERE z > 0 ORDER BY 1 LIMIT 1",
    "SELECT max(s::INT) FROM t WHERE id < 0",
    "SELECT count(*) FROM t WHERE id >= 0 OR s::INT > 0",
    "SELECT count(*) FROM t WHERE false AND s::INT > 0",
    "SELECT id FROM t ORDER BY s::INT LIMIT 0",
    "SELECT count(*) FROM (SELECT 10 // z AS q, id FROM t)",
    "SELECT EXISTS (SELECT s::INT FROM t)",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("reached")
    with duckdb.connect() as duck:
        texts = "CASE WHEN i % 5 = 0 THEN 'x' ELSE i::VARCHAR END AS s"
        for name, query in (
            ("t", f"SELECT i AS id, i % 3 AS g, {texts}, i % 5 AS z FROM range(20000) AS r(i)"),
            ("k", "SELECT i AS id, i % 7 AS w FROM range(20000) AS r(i) WHERE i % 5 <> 0"),
        ):
            duck.execute(f"COPY ({query}) TO '{made / name}.parquet' (ROW_GROUP_SIZE 2048)")
    return made


@pytest.fixture(scope="module", params=["auto", "partitioned", "broadcast", "unoptimised"])
def connection(request: pytest.FixtureRequest, folder: Path) -> Iterator[shoal.Connection]:
    options = {"join_strategy": request.param} if request.param != "unoptimised" else {}
    rules = "push_aggregates,reduce_aggregates,reduce_semi_joins,infer_predicates"
    if request.param == "unoptimised":
        options["disabled_rules"] = rules
    with shoal.connect(threads=1, distribute="always", partitions=3, **options) as opened:
        for name in ("t", "k"):
            opened.register(name, folder / f"{name}.parquet")
        yield opened


def test_hidden_values_do_not_matter(connection: shoal.Connection, folder: Path) -> None:
    wrong = []
    with duckdb.connect() as plain:
        for name in ("t", "k"):
            plain.execute(f"CREATE VIEW {name} AS FROM '{folder / name}.parquet'")
        for sql in GUARDED:
            expected = sorted(map(repr, plain.execute(sql).fetchall()))
            try:
                found = sorted(map(repr, connection.execute(sql).fetchall()))
            except shoal.DataError as error:
                found = [error.message]
            if found != expected:
                wrong.append(f"{sql}\n  {expected[:2]}\n  {found[:2]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "sql", ["SELECT 'x'::INT", "SELECT nope", "SELECT 1; SELECT nope", "SELECT no_such_function(1)"]
)
def test_errors_have_causes_that_end(sql: str) -> None:
    with shoal.connect(threads=1) as connection, pytest.raises(shoal.Error) as raised:
        connection.execute(sql)
    causes: list[BaseException] = []
    cause: BaseException | None = raised.value
    while cause is not None:
        assert not any(cause is known for known in causes)
        causes.append(cause)
        cause = cause.__cause__
    assert isinstance(causes[-1], duckdb.Error)
