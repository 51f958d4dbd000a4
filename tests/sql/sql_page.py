"""Writes ``docs/sql.md`` from the table of features."""

from itertools import groupby
from pathlib import Path

from tests.sql.features import Feature, Way

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"

_HEAD = """# SQL

Shoal takes DuckDB's SELECT, and its answers are DuckDB's. This page lists every part of it with an example, and how it
is run on a cluster:

- *distributed*: its work is shared by tasks on all executors, as far as it pays;
- *gathered*: one executor runs the statement, or only the block in question, for the reason that is given;
- *refused*: it is an error, for the reason that is given.

The page is written by tests: each example was run on plain DuckDB, in one process and cut into 1, 2, 3 and 7 tasks; the
answers were the same, and EXPLAIN showed what is said here.

Parameters (`?`, `$1`, `$name`) and prepared statements (`PREPARE`, `EXECUTE`) change nothing in that: a statement is
run as it is with its values in it.
"""


def page(rows: list[Feature]) -> str:
    """The text of the page."""
    distributed = sum(row.way is Way.DISTRIBUTED for row in rows)
    lines = [_HEAD, f"Of {len(rows)} examples {distributed} are distributed.", ""]
    for section, group in groupby(rows, key=lambda row: row.section):
        lines += [f"## {section}", "", "| feature | example | |", "|---|---|---|"]
        lines += [f"| {_cell(row.name)} | {_code(row.sql)} | {_way(row)} |" for row in group]
        lines.append("")
    return "\n".join(lines)


def _way(row: Feature) -> str:
    return row.way.value if not row.reason else f"{row.way.value}: {_cell(row.reason)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def _code(sql: str) -> str:
    text = sql.replace("{folder}/", "").replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"
