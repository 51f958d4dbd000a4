"""Queries of the shapes that the general generator does not make: PIVOT, recursion, stars, errors and the like."""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.hunt.expressions import Column
from tests.hunt.queries import Queries
from tests.hunt.world import Table, quoted


def _shapes(name: str) -> tuple[str, ...]:
    """The shapes in a file: each ends with a semicolon at the end of a line."""
    text = re.sub(r"(?m)^--.*\n", "", (Path(__file__).parent / name).read_text())
    parts = (shape.strip() for shape in re.split(r";$", text, flags=re.MULTILINE))
    return tuple(" ".join(shape.split("\n")) for shape in parts if shape)


SHAPES = _shapes("shapes.sql") + _shapes("clause_shapes.sql")
ERRORS = _shapes("error_shapes.sql")


class Templates:
    """Fills the shapes."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def query(self) -> str:
        """A query of a shape."""
        queries = self._queries
        shape = queries.random.choice(ERRORS if queries.random.random() < 0.12 else SHAPES)
        tables = [queries.random.choice(queries.world.tables) for _ in range(2)]
        columns = _columns("", tables[0])
        small_a = queries.expressions.operand("small", _columns("t1.", tables[0]), 0)
        agg = [queries.expressions.aggregate(columns, queries.expressions.kind()) for _ in range(shape.count("{agg}"))]
        found = shape.replace("{agg}", "{{agg}}")
        given = {
            "table": quoted(tables[0].name),
            "table2": quoted(tables[1].name),
            "first": tables[0].visible[0][0],
            "a": "t1",
            "b": "t2",
            "c": "t3",
            "number": queries.choice("0", "1", "3", "10", "1000"),
            "small_a": small_a,
        }
        text = queries.expressions.fill(found, columns, 1, **given)
        for call in agg:
            text = text.replace("{agg}", call, 1)
        return text


def _columns(prefix: str, table: Table) -> Sequence[Column]:
    return [Column(f"{prefix}{name}", kind) for name, kind in table.visible]
