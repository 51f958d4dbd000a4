"""Failing cases as files: the tables as queries, the settings as comments, and the statement. A test runs them all.

    -- what was wrong when it was found
    -- executors 3            (or 0: in one process)
    -- set partitions = 3
    -- table a files 2 group_rows 50
    SELECT ... FROM range(90) AS r(i);
    -- statement
    SELECT ...;

The rows must be plain DuckDB's. With ``-- oracle pair`` there are two statements with the same rows, with ``-- oracle
session`` several that are run in order; ``-- times 2``: the statement is run twice.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.hunt.cases import Case, Oracle
from tests.hunt.configurations import Backend, Settings
from tests.hunt.hunter import Finding, Ground
from tests.hunt.world import StoredTable, World

FOLDER = Path(__file__).parent / "regressions"
_TABLE = re.compile(r"-- table (?P<name>.*) files (?P<files>\d+) group_rows (?P<rows>\d+)(?P<arrow> arrow)?$")
_SETTING = re.compile(r"-- set (?P<name>\w+) = (?P<value>.*)$")


@dataclass(frozen=True)
class Regression:
    """A case that once failed."""

    case: Case
    settings: Settings
    backend: Backend
    world: World

    def run(self) -> str | None:
        """What is wrong with it now."""
        with Ground(self.world, self.backend) as ground:
            found = ground.try_case(0, self.case, self.settings).finding
            return None if found is None else str(found)


def write_regression(finding: Finding) -> str:
    """The text of a file."""
    lines = [f"-- {line}" for line in finding.message.splitlines()[:8]]
    lines.append(f"-- executors {finding.backend.executors}")
    lines += [f"-- set {name} = {value}" for name, value in finding.settings]
    for table in finding.world.tables:
        arrow = " arrow" if table.arrow else ""
        lines.append(f"-- table {table.name} files {table.files} group_rows {table.group_rows}{arrow}")
        lines.append(f"{table.sql};")
    if finding.case.oracle is not Oracle.DUCKDB:
        lines.append(f"-- oracle {finding.case.oracle}")
    if finding.case.times > 1:
        lines.append(f"-- times {finding.case.times}")
    for sql in finding.case.sql:
        lines += ["-- statement", f"{sql};"]
    return "\n".join(lines) + "\n"


def read_regression(text: str) -> Regression:
    """What a file holds; raises ``ValueError`` if there is no statement in it."""
    settings: list[tuple[str, str]] = []
    tables: list[StoredTable] = []
    statements: list[str] = []
    executors, oracle, times = 0, Oracle.DUCKDB, 1
    for part in re.split(r"(?m)^(?=-- )", text):
        head, _, body = part.partition("\n")
        body = body.strip().removesuffix(";")
        if match := _SETTING.match(head):
            settings.append((match["name"], match["value"]))
        elif match := _TABLE.match(head):
            arrow = match["arrow"] is not None
            tables.append(StoredTable(match["name"], body, int(match["files"]), int(match["rows"]), arrow))
        elif head == "-- statement":
            statements.append(body)
        elif head.startswith("-- executors "):
            executors = int(head.removeprefix("-- executors "))
        elif head.startswith("-- oracle "):
            oracle = Oracle(head.removeprefix("-- oracle "))
        elif head.startswith("-- times "):
            times = int(head.removeprefix("-- times "))
    if not statements:
        raise ValueError("there is no statement in this file")
    case = Case("regression", oracle, tuple(statements), times)
    return Regression(case, tuple(settings), Backend(executors), World(tuple(tables)))
