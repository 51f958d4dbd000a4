"""Each optimisation can be switched off: EXPLAIN shows that it was there, and the answer stays plain DuckDB's."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from shoal.optimisations import OPTIMISATIONS, OTHERS, RULES
from shoal.planner.rules import rule_names
from tests.engine.adaptation_tables import adapted, cluster, rows_of
from tests.project_files import source_files

NEEDED = "decorrelate_subqueries"
"""The rule that no plan of several tasks is without."""

FEW = "(SELECT evens.k, evens.g FROM evens JOIN odds USING (id))"
KEYS = f"(SELECT DISTINCT k FROM {FEW})"
NONE = "(SELECT k, w FROM other WHERE length((k * w)::VARCHAR) > 50)"
TOTALS = "SELECT v, sum(id) AS n FROM facts GROUP BY v"

PLANNED = {
    "simplify_predicates": "SELECT count(*) FROM facts f, dimension d WHERE (f.k = d.k AND f.v < 9) "
    "OR (f.k = d.k AND d.name = 'name 7')",
    "derive_side_filters": "SELECT count(*) FROM facts f, dimension d WHERE f.k = d.k "
    "AND ((f.v < 9 AND d.name = 'name 7') OR (f.v > 900 AND d.name = 'name 8'))",
    "push_filters": f"SELECT * FROM ({TOTALS}) WHERE v < 100",
    "derive_group_filters": f"SELECT * FROM ({TOTALS}) WHERE (v = 1 AND n > 0) OR v = 2",
    "merge_projects": "SELECT g, h FROM (SELECT e.id AS e, g FROM evens e JOIN facts f ON f.id = e.id WHERE f.v < 100) "
    "JOIN (SELECT id + 0 AS o, h FROM odds) ON o = e",
    "turn_right_joins": "SELECT d.name, count(f.id) FROM facts f RIGHT JOIN dimension d ON f.k = d.k GROUP BY ALL",
    "infer_predicates": "SELECT count(*) FROM evens e JOIN facts f ON f.id = e.id WHERE e.id < 700",
    "prune_empty": "SELECT id FROM facts WHERE id < 5 AND id > 7 UNION ALL SELECT k FROM dimension",
    "remove_distinct": f"SELECT DISTINCT v, n FROM ({TOTALS})",
    "remove_left_joins": f"SELECT f.id FROM facts f LEFT JOIN ({TOTALS}) t ON t.v = f.v",
    "reduce_aggregates": "SELECT e.id, t.n FROM evens e JOIN (SELECT id, sum(v) AS n FROM facts GROUP BY id) t "
    "ON t.id = e.id WHERE e.k = 7",
    "push_limits": "SELECT count(*) FROM (SELECT f.id, d.name FROM facts f LEFT JOIN (SELECT k, max(name) AS name "
    "FROM dimension GROUP BY k) d ON d.k = f.k LIMIT 5)",
    "prune_columns": "SELECT count(f.t) FROM facts f JOIN dimension d ON f.k = d.k",
    "order_joins": "SELECT count(*) FROM dimension d JOIN facts f ON f.k = d.k JOIN evens e ON e.id = f.id AND e.g = 1",
    "push_aggregates": "SELECT d.name, count(*), sum(f.v) FROM facts f JOIN dimension d ON f.k = d.k GROUP BY ALL",
    "narrow_rows": "SELECT d.name, count(*) FROM facts f JOIN dimension d USING (k) WHERE f.t LIKE '%2' GROUP BY ALL",
    "filter_shared": "WITH t AS MATERIALIZED (SELECT k, v FROM facts) SELECT count(*) FROM t a JOIN t b ON a.k = b.k "
    "WHERE a.v = 1 AND b.v = 2",
    "expand_apart": "WITH t AS (SELECT 'x' AS kind, k, sum(v::DOUBLE) AS n FROM facts GROUP BY k UNION ALL SELECT 'y', "
    "k, sum(w::DOUBLE) FROM other GROUP BY k) SELECT a.k, a.n, b.n FROM t a JOIN t b ON a.k = b.k "
    "WHERE a.kind = 'x' AND b.kind = 'y'",
    "use_clustering": "SELECT f.t, count(*) FROM facts f JOIN evens e ON e.id = f.id GROUP BY ALL",
    "reduce_semi_joins": "SELECT count(*) FROM facts f WHERE id < 700 AND NOT EXISTS (FROM evens e WHERE e.k = f.v)",
    "distinct_first": "SELECT count(DISTINCT v), count(DISTINCT v) + 1 FROM facts",
    "limit_ranks": "SELECT id, rank() OVER (PARTITION BY t ORDER BY v, id) AS r FROM facts QUALIFY r < 3",
    "sort_by_ranges": "SELECT id, t FROM facts ORDER BY v, id",
    "sort_by_expressions": "SELECT id, t FROM facts ORDER BY v * 7919 + id",
    "share_exchanges": "SELECT count(*) FROM facts a JOIN facts b ON a.v = b.v AND a.id < b.id",
    "compute_once": "SELECT count(*) FROM (SELECT k, count(*) AS n FROM facts GROUP BY k) a "
    "JOIN (SELECT k, count(*) AS n FROM facts GROUP BY k) b ON a.k = b.k AND a.n < b.n + 1",
    "expect_skew": "SELECT f.k, count(*), sum(f.v) FROM facts f JOIN dimension d ON f.k = d.k GROUP BY f.k",
}
"""Statements whose plan is another one without the optimisation, sizes aside."""

CHOSEN_BY_PRICE = frozenset({"reduce_semi_joins", "push_limits", "use_clustering", "infer_predicates"})
"""Those that a fixed strategy of joins would leave out."""

ADAPTED = {
    "split_skew": ("tasks share its rows of", "SELECT f.id, d.name FROM facts f JOIN dimension d ON f.k = d.k"),
    "split_heavy_keys": ("of heavy keys of", "SELECT d.name, f.id FROM dimension d FULL JOIN facts f ON f.k = d.k"),
    "coalesce_partitions": ("partitions of", "SELECT k, count(*) FROM other GROUP BY k"),
    "switch_joins": ("need not move", f"SELECT f.id, e.g FROM facts f JOIN {FEW} e ON f.k = e.k"),
    "turn_builds": ("a join builds on the", f"SELECT f.id, e.g FROM facts f LEFT JOIN {FEW} e ON f.k = e.k"),
    "skip_empty_stages": ("not run, because stage", f"SELECT f.id FROM facts f JOIN {NONE} e ON f.k = e.k"),
    "runtime_filters": (
        "only rows that match",
        f"SELECT e.k, f.id, rank() OVER (PARTITION BY e.k ORDER BY f.id) FROM {KEYS} e LEFT JOIN facts f ON f.k = e.k",
    ),
}
"""What EXPLAIN ANALYZE says that was done otherwise than planned, and not without the optimisation."""

ELSEWHERE = {
    "fold_plans": "tests/engine/test_folded_plans.py",
    "price_network": "tests/planner/test_join_network.py",
    "sample_tables": "tests/engine/test_sampling.py",
    "observed_rows": "tests/engine/test_observed_rows.py",
    "balance_splits": "tests/engine/test_clustered_answers.py",
    "group_by_ranges": "tests/engine/test_clustered_answers.py",
    "own_process": "tests/engine/test_own_process.py",
    "own_plans": "tests/engine/test_plan_trials.py",
    "kept_statements": "tests/engine/test_kept_statements.py",
    "kept_files": "tests/engine/test_kept_files.py",
}
"""Those that need larger tables, executors or several runs: where they are proved."""


@pytest.fixture(scope="module")
def connection(skewed_folder: Path) -> Iterator[shoal.Connection]:
    with cluster(skewed_folder) as opened:
        opened.execute("ANALYZE facts")
        yield opened


def plan_of(connection: shoal.Connection, sql: str) -> str:
    """The plan, without its sizes and numbers."""
    lines = (line for row in connection.execute(f"EXPLAIN {sql}").fetchall() for line in row[0].splitlines())
    return re.sub(r"[0-9][0-9.,]*( k| M)?", "", "\n".join(lines))


@pytest.mark.parametrize("name", PLANNED)
def test_it_shows_in_the_plan_and_changes_no_answer(
    connection: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    sql, plans = PLANNED[name], list[str]()
    connection.execute(f"SET join_strategy = '{'auto' if name in CHOSEN_BY_PRICE else 'partitioned'}'")
    others = {"observed_rows", "use_clustering", "push_aggregates"} - {name}
    others -= {"use_clustering"} if name in ("turn_right_joins", "push_limits") else set()
    for disabled in (others, others | {name}):
        connection.execute(f"SET disabled_rules = '{','.join(disabled)}'")
        plans.append(plan_of(connection, sql))
        assert rows_of(connection, sql) == rows_of(skewed_truth, sql)
    assert plans[0] != plans[1], plans[0]


@pytest.mark.parametrize("name", ADAPTED)
def test_it_shows_in_what_was_done_and_changes_no_answer(
    connection: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    mark, sql = ADAPTED[name]
    connection.execute(f"SET join_strategy = '{'auto' if name == 'switch_joins' else 'partitioned'}'")
    others = {"observed_rows", "use_clustering", "push_aggregates"}
    others |= {"runtime_filters"} if name == "turn_builds" else set()
    for disabled in (others, others | {name}):
        connection.execute(f"SET disabled_rules = '{','.join(disabled)}'")
        notes = adapted(connection, sql)
        assert any(mark in note for note in notes) == (name not in disabled), notes
        assert rows_of(connection, sql) == rows_of(skewed_truth, sql)


def test_every_optimisation_is_proved() -> None:
    assert {*PLANNED, *ADAPTED, *ELSEWHERE} == set(OPTIMISATIONS)
    for name, file in ELSEWHERE.items():
        assert name in (Path(__file__).parents[2] / file).read_text(), file


def test_every_optimisation_is_listed() -> None:
    looked_for = re.compile(r'"(\w+)" (?:not )?in [\w.]*disabled|^RULE = "(\w+)"', re.MULTILINE)
    found = {
        name for file in source_files() for names in looked_for.findall(file.read_text()) for name in names if name
    }
    assert found <= set(OTHERS)
    assert tuple(name for name in rule_names() if name != NEEDED) == tuple(RULES)


def page() -> str:
    """The text of ``docs/optimisations.md``."""
    lines = [
        "# Optimisations",
        "",
        "Each has a name that `SET disabled_rules = 'name, another'` leaves out of the plans of a session. None is",
        "needed for a right answer. `EXPLAIN` and `EXPLAIN ANALYZE` show what they did. The page is written by tests,",
        "which run each example with and without its optimisation, look for the difference in EXPLAIN and compare both",
        "answers with plain DuckDB's.",
    ]
    for title, names in (("Rules, in their order", RULES), ("Beyond rules", OTHERS)):
        lines += ["", f"## {title}", "", "| name | what it does | proved by |", "|---|---|---|"]
        lines += [f"| `{name}` | {text} | {_proof(name)} |" for name, text in names.items()]
    return "\n".join([*lines, ""])


def _proof(name: str) -> str:
    if name in ELSEWHERE:
        return f"`{ELSEWHERE[name]}`"
    return f"`{PLANNED[name] if name in PLANNED else ADAPTED[name][1]}`"


def test_page_is_up_to_date(request: pytest.FixtureRequest) -> None:
    file = Path(__file__).parents[2] / "docs" / "optimisations.md"
    if request.config.getoption("--golden"):
        file.write_text(page())
    assert file.read_text() == page(), "make golden writes docs/optimisations.md anew"
