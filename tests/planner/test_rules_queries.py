"""Whole statements through all rules, and through all but one: the answers stay DuckDB's."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest

from shoal.binder import Binder, BoundCatalog
from shoal.catalog import SessionCatalog
from shoal.planner import logical
from shoal.planner.bind import bind_query
from shoal.planner.column_ids import ColumnIds
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.logical import Node, Query
from shoal.planner.options import PlanOptions
from shoal.planner.parse import parse_query
from shoal.planner.rules import optimise, rule_names
from shoal.planner.rules.context import RuleContext, RuleRun
from shoal.planner.source import FileSource
from shoal.planner.tree import transform_up
from shoal.scratch import Scratch
from shoal.source_files import SourceFiles
from shoal.statistics import FooterStatistics
from shoal.tpch import queries
from tests.planner.logical_sql import to_sql

QUERIES = Path(queries.__file__).parent

NEEDED = ("decorrelate_subqueries",)
"""Rules without which a plan cannot be lowered."""

STATEMENTS = """
SELECT * FROM (SELECT n_regionkey, row_number() OVER (PARTITION BY n_regionkey ORDER BY n_name) AS place, n_name
  FROM nation) AS ranked WHERE place = 1 AND n_regionkey > 1;
SELECT n_name, r_name FROM nation, region WHERE n_regionkey = r_regionkey AND (r_name = 'ASIA' OR n_nationkey = 3);
SELECT r_name, count(n_nationkey) FROM region LEFT JOIN nation ON r_regionkey = n_regionkey AND n_name < 'F' GROUP
  BY r_name;
SELECT r_name, n_name FROM region LEFT JOIN nation ON r_regionkey = n_regionkey AND n_name < 'C' WHERE n_name IS
  NULL OR r_name > 'B';
SELECT r_name FROM region LEFT JOIN nation ON r_regionkey = n_regionkey WHERE n_nationkey > 10;
SELECT count(*) FROM nation RIGHT JOIN region ON r_regionkey = n_regionkey AND n_nationkey > 20;
SELECT n_name, s_name FROM nation FULL JOIN supplier ON n_nationkey = s_nationkey AND s_acctbal > 5000 WHERE
  coalesce(s_acctbal, 0) < 9000;
SELECT c_mktsegment, count(*) FROM customer JOIN nation ON c_nationkey = n_nationkey WHERE n_name = 'FRANCE' AND
  c_custkey IN (SELECT o_custkey FROM orders WHERE o_totalprice > 100000) GROUP BY c_mktsegment;
SELECT c_custkey FROM customer WHERE c_nationkey NOT IN (SELECT n_nationkey FROM nation WHERE n_regionkey < 4);
SELECT s_name, (SELECT max(ps_supplycost) FROM partsupp WHERE ps_suppkey = s_suppkey) FROM supplier WHERE
  s_nationkey < 5;
SELECT name FROM (SELECT n_name AS name, n_regionkey AS k FROM nation UNION ALL SELECT r_name, r_regionkey FROM
  region) AS u WHERE k = 2;
SELECT n_regionkey FROM nation EXCEPT SELECT r_regionkey FROM region WHERE r_name LIKE 'A%';
SELECT DISTINCT n_regionkey, total FROM (SELECT n_regionkey, count(*) AS total FROM nation GROUP BY n_regionkey) AS
  g;
SELECT a.n_name, b.n_name FROM nation a, nation b, nation c WHERE a.n_regionkey = b.n_regionkey AND b.n_regionkey =
  c.n_regionkey AND c.n_regionkey = 2 AND a.n_nationkey < b.n_nationkey;
SELECT count(*) FROM lineitem, part WHERE p_partkey = l_partkey AND ((p_size = 1 AND l_quantity < 10) OR (p_size = 2
  AND l_quantity > 40));
SELECT o_orderpriority, sum(total) FROM orders JOIN (SELECT l_orderkey, sum(l_quantity) AS total FROM lineitem GROUP
  BY l_orderkey) AS t ON o_orderkey = l_orderkey WHERE o_orderdate = DATE '1995-03-03' GROUP BY 1;
SELECT count(*) FROM region CROSS JOIN nation WHERE NOT (r_regionkey = 1 OR n_nationkey > 20);
SELECT x, count(*) FROM (SELECT n_regionkey + 1 AS x, n_nationkey * 2 AS unused FROM nation) AS s WHERE x > 2 GROUP
  BY x;
SELECT v.k, n_name FROM nation JOIN (VALUES (1, 'one'), (2, 'two')) AS v(k, label) ON n_regionkey = v.k WHERE k < 2;
SELECT count(*) FROM (SELECT n_name FROM nation LIMIT 7) AS l;
SELECT n_name FROM nation LEFT JOIN (SELECT s_nationkey, count(*) AS many FROM supplier GROUP BY s_nationkey) AS s ON
  n_nationkey = s_nationkey;
SELECT r_name, n_name, c_name FROM region LEFT JOIN (nation LEFT JOIN customer ON n_nationkey = c_nationkey AND
  c_acctbal > 9000) ON r_regionkey = n_regionkey AND n_name < 'K';
SELECT r_name, n_name, s_name FROM region FULL JOIN nation ON r_regionkey = n_nationkey FULL JOIN supplier ON
  n_nationkey = s_nationkey AND s_acctbal > 5000;
SELECT count(*) FROM lineitem, nation, region WHERE l_linenumber = n_nationkey AND l_suppkey % 5 = r_regionkey AND
  r_name <> 'ASIA' AND n_name < 'D';
SELECT count(*) FROM nation, supplier, customer WHERE n_nationkey + s_nationkey = c_nationkey AND n_name < 'C';
"""


def statements() -> list[str]:
    """Each statement of the text above."""
    return [text.strip() for text in STATEMENTS.split(";") if text.strip()]


@dataclass(frozen=True)
class Bound:
    """A database with the tables as views, and what binding needs."""

    oracle: duckdb.DuckDBPyConnection
    binder: Binder
    catalog: SessionCatalog
    statistics: FooterStatistics

    def optimised(self, sql: str, options: PlanOptions, runs: list[RuleRun]) -> Query:
        """The statement's plan after the rules."""
        snapshot = self.catalog.snapshot()
        kernel = BoundCatalog(self.binder, snapshot)
        ids = ColumnIds()
        bound = bind_query(parse_query(sql), kernel.describe(sql), snapshot, kernel, ids)
        context = RuleContext(ids, Estimator(self.statistics), options, clock=lambda: 0.0, record=runs.append)
        return optimise(bound, context)

    def rows(self, sql: str) -> list[str]:
        """The rows of a statement in any order."""
        return sorted(map(repr, self.oracle.execute(sql).fetchall()))


@pytest.fixture(scope="module")
def bound(tpch_folder: Path) -> Iterator[Bound]:
    scratch = Scratch()
    catalog = SessionCatalog(SourceFiles(scratch))
    catalog.register_directory(tpch_folder)
    with duckdb.connect() as oracle:
        for path in tpch_folder.glob("*.parquet"):
            oracle.execute(f"CREATE VIEW {path.stem} AS FROM '{path}'")
        yield Bound(oracle, Binder(scratch), catalog, FooterStatistics())
    scratch.close()


def lowered(query: Query) -> str:
    def named(node: Node) -> Node:
        if isinstance(node, logical.Scan) and isinstance(node.source, FileSource):
            return replace(node, alias=Path(node.source.files[0].path).stem)
        return node

    outputs = ", ".join(f'"{item}"' for item in query.outputs)
    return f"SELECT {outputs} FROM ({to_sql(transform_up(query.root, named))})"


@pytest.mark.parametrize("sql", statements())
def test_all_rules_and_all_but_one(bound: Bound, sql: str) -> None:
    expected = bound.rows(sql)
    for disabled in ("", *rule_names()):
        if disabled in NEEDED:
            continue
        runs: list[RuleRun] = []
        options = PlanOptions(check_plans=True, disabled_rules=frozenset({disabled}))
        query = bound.optimised(sql, options, runs)
        assert disabled not in {run.name for run in runs}
        assert bound.rows(lowered(query)) == expected, f"without {disabled or 'nothing'}"


@pytest.mark.parametrize("number", range(1, 23))
def test_tpch(bound: Bound, number: int) -> None:
    sql = (QUERIES / f"q{number:02}.sql").read_text().strip().rstrip(";")
    runs: list[RuleRun] = []
    query = bound.optimised(sql, PlanOptions(check_plans=True), runs)
    assert bound.rows(lowered(query)) == bound.rows(sql)
    assert [run.name for run in runs if run.changed]


def test_optimising_again_changes_no_answer(bound: Bound) -> None:
    sql = statements()[0]
    query = bound.optimised(sql, PlanOptions(check_plans=True), [])
    context = RuleContext(ColumnIds(), Estimator(bound.statistics), PlanOptions(check_plans=True))
    assert bound.rows(lowered(optimise(query, context))) == bound.rows(sql)
