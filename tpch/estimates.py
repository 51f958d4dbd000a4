"""How well Shoal's planner guesses: the rows that it expects of each join, against the rows that there are.

``python -m shoal.tpch.estimates --data FOLDER`` prints the table. Expected rows come from ``EXPLAIN (FORMAT json)``;
the actual ones from plain DuckDB, which runs the same statement with its joins in the same order and counts.
"""

import json
import math
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import duckdb
from rich.table import Table

import shoal
from shoal.tpch.contenders import ShoalOptions, connect
from shoal.tpch.dataset import TABLES, Dataset, DatasetError, open_dataset
from shoal.tpch.queries import QUERY_NUMBERS, parse_selection, query_text
from shoal.tpch.tables import print_table

SETTINGS = (("distribute", "always"), ("partitions", "1"))
"""One task for everything: the joins are those of a distributed plan, and the statement is whole."""

REORDERING = (
    "join_order,build_side_probe_side,join_filter_pushdown,common_subplan,join_elimination,partial_aggregate_pushdown,"
    "late_materialization,statistics_propagation,empty_result_pullup,outer_join_simplification,in_clause"
)
"""What would make other joins of those that are written, or filter their inputs by one another."""

WARM_UPS = 3
"""Plans made of a query before the one that counts."""

_ROW_NUMBER = "shoal_row_"
"""How the column begins by which a semi-join that builds on the left finds its rows."""

_SCAN = re.compile(r"^-- (?P<name>\w+) = read_parquet\(\['(?P<first>.*?)'[,\]]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class JoinGuess:
    """One join of a query: what it joins on, the rows that were expected, and those that it delivered."""

    query: int
    kind: str
    condition: str
    expected: float
    actual: float

    @property
    def error(self) -> float:
        """The q-error: the factor between the two, whichever is larger; nothing counts as one row."""
        expected, actual = max(1.0, self.expected), max(1.0, self.actual)
        return max(expected / actual, actual / expected)


class Estimates:
    """Plans with Shoal and counts with DuckDB over the same files."""

    def __init__(self, dataset: Dataset, settings: Sequence[tuple[str, str]] = ()) -> None:
        self._shoal = connect(ShoalOptions())
        # EXPLAIN does not list all files of a large table; the first one tells which table it is.
        self._patterns = {
            str(file.absolute()): dataset.pattern(table) for table in TABLES for file in dataset.files(table)
        }
        try:
            for name, value in (*SETTINGS, *settings):
                self._shoal.execute(f"SET {name} = {value}")
            for table in TABLES:
                self._shoal.register(table, dataset.pattern(table))
            self._duckdb = duckdb.connect(":memory:")
            self._duckdb.execute(f"SET disabled_optimizers = '{REORDERING}'")
            self._duckdb.execute("SET enable_progress_bar = false")
        except BaseException:
            self._shoal.close()
            raise

    def joins(self, number: int) -> list[JoinGuess]:
        """The joins of a query, inputs before what joins them; raises ``ValueError`` if DuckDB made other joins."""
        text = query_text(number)
        # A sample that takes too long is tried again: on a busy machine the first plans may have to do without it.
        for _ in range(WARM_UPS):
            self._explain("FORMAT json", text)
        plan = json.loads("\n".join(self._explain("FORMAT json", text)))
        for scan in _SCAN.finditer("\n".join(self._explain("FRAGMENTS", text))):
            pattern = self._patterns[scan["first"]].replace("'", "''")
            self._duckdb.execute(f"CREATE OR REPLACE TEMP VIEW {scan['name']} AS FROM read_parquet('{pattern}')")
        found: list[JoinGuess] = []
        for stage in plan["stages"]:
            expected = list(_joins_of_plan(stage["plan"]))
            told = self._duckdb.execute(f"EXPLAIN (ANALYZE, FORMAT json) {stage['sql']}").fetchall()
            actual = [rows for root in json.loads(told[0][1])["operator"] for rows in _joins_of_profile(root)]
            if len(expected) != len(actual):
                raise ValueError(f"Q{number}: {len(expected)} joins were planned, {len(actual)} were made")
            self._duckdb.execute(f"CREATE OR REPLACE TEMP TABLE exchange_{stage['stage']} AS {stage['sql']}")
            for node, rows in zip(expected, actual, strict=True):
                guess = float(node["estimate"]["rows"])
                kind = node["operator"].removeprefix("Join ")
                found.append(JoinGuess(number, kind, node["detail"].removeprefix("on "), guess, rows))
        return found

    def close(self) -> None:
        """Close both; idempotent."""
        self._shoal.close()
        self._duckdb.close()

    def _explain(self, option: str, text: str) -> list[str]:
        return [row[0] for row in self._shoal.execute(f"EXPLAIN ({option}) {text}").fetchall()]


def _joins_of_plan(node: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    if node is None:
        return
    # An inner join that builds on the left is written with its sides swapped.
    swapped = node["operator"] == "Join inner" and "builds on the left" in node["reason"]
    for child in reversed(node["inputs"]) if swapped else node["inputs"]:
        yield from _joins_of_plan(child)
    if node["operator"].startswith("Join"):
        yield node


def _joins_of_profile(node: dict[str, Any], *, inside: bool = False) -> Iterator[float]:
    """The rows of each join; ``inside``: the next join down is the inner half of one that is written as two.

    A semi-join that builds on its left side is written as an inner join and a semi-join over numbers of rows.
    """
    name, told = str(node.get("type", "")), str(node.get("extra_info", {}).get("Conditions", ""))
    is_join = name.endswith("JOIN") or name == "CROSS_PRODUCT"
    for place, child in enumerate(node.get("children", ())):
        second_half = is_join and _ROW_NUMBER in told and place == 1
        yield from _joins_of_profile(child, inside=second_half or (inside and not is_join and place == 0))
    if is_join and not inside:
        yield float(node["intermediate_rows"])


def percentile(errors: Sequence[float], share: float) -> float:
    """The least error that so large a share of all errors does not exceed; 1 without errors."""
    ordered = sorted(errors)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 1.0


def estimates_table(guesses: Sequence[JoinGuess]) -> Table:
    """All joins with their q-errors, and the median and the 95th percentile below."""
    errors = [guess.error for guess in guesses]
    middle = statistics.median(errors) if errors else 1.0
    table = Table(
        title="Join outputs, expected and actual rows",
        caption=f"q-error: median {middle:.2f}, 95th percentile {percentile(errors, 0.95):.1f}, of {len(errors)} joins",
    )
    for heading in ("query", "join", "on", "expected", "actual", "q-error"):
        table.add_column(heading, justify="left" if heading in ("join", "on") else "right", no_wrap=heading != "on")
    for guess in guesses:
        cells = (f"Q{guess.query}", guess.kind, guess.condition, f"{guess.expected:,.0f}", f"{guess.actual:,.0f}")
        table.add_row(*cells, f"{guess.error:.2f}")
    return table


@click.command()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="The tables' folder.")
@click.option("--queries", default="", help="As 1,3-5; all 22 if not given.")
@click.option("--disable", default="", help="Optimisations to leave out, such as sample_tables.")
def main(data: Path, queries: str, disable: str) -> None:
    """Print how far the planner's guesses for the joins of the TPC-H queries are from the truth."""
    settings = [("disabled_rules", f"'{disable}'")] if disable else []
    try:
        estimates = Estimates(open_dataset(data), settings)
        numbers = parse_selection(queries) if queries else QUERY_NUMBERS
    except (DatasetError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    guesses: list[JoinGuess] = []
    try:
        for number in numbers:
            try:
                guesses += estimates.joins(number)
            except (ValueError, shoal.Error, duckdb.Error) as error:
                click.echo(f"Q{number}: {error}", err=True)
    finally:
        estimates.close()
    print_table(estimates_table(guesses))


if __name__ == "__main__":
    main()
