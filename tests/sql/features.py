"""The table of features: every documented part of DuckDB's SELECT, an example of it, and the way Shoal runs it.

A row begins with ``+`` (distributed), ``-`` (gathered: one executor runs the statement, or the block in question, after
`` -- `` the reason) or ``!`` (refused), then its name, a colon and the example. Indented lines belong to the row above.
``docs/sql.md`` is written from these rows; ``test_features`` proves each of them.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from tests.sql import (
    features_clauses,
    features_expressions,
    features_from,
    features_functions,
    features_groups,
    features_session,
    features_windows,
)


class Way(StrEnum):
    """How a statement is run."""

    DISTRIBUTED = "distributed"
    GATHERED = "gathered"
    REFUSED = "refused"


@dataclass(frozen=True)
class Feature:
    """One row of the table; ``reason`` is that of what is gathered or refused, as EXPLAIN or the error says it."""

    section: str
    name: str
    sql: str
    way: Way
    reason: str


_WAYS = {"+": Way.DISTRIBUTED, "-": Way.GATHERED, "!": Way.REFUSED}


def features() -> list[Feature]:
    """All rows, section by section."""
    modules = (
        features_clauses, features_from, features_groups, features_windows, features_expressions, features_functions,
        features_session,
    )  # fmt: skip
    return [row for module in modules for section, text in module.SECTIONS.items() for row in _rows(section, text)]


def _rows(section: str, text: str) -> list[Feature]:
    found: list[Feature] = []
    for item in re.split(r"\n(?=[+!-] )", text.strip("\n")):
        name, _, rest = item[2:].partition(": ")
        sql, _, reason = rest.partition(" -- ")
        found.append(Feature(section, name, " ".join(sql.split()), _WAYS[item[0]], " ".join(reason.split())))
    return found
