"""Makes a failing case small: of the statement, the settings and the tables all is left out that it fails without."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tests.hunt.cases import Case, Oracle
from tests.hunt.configurations import Backend, Settings
from tests.hunt.hunter import Finding, Ground
from tests.hunt.world import World

SECONDS = 25.0
"""So long a case is made smaller."""

_CLAUSES = (
    "with_",
    "where",
    "group",
    "having",
    "qualify",
    "order",
    "limit",
    "offset",
    "distinct",
    "windows",
    "laterals",
)
_PLAIN_SETTINGS = {"join_strategy": "auto", "disabled_rules": "", "mmap": "on", "task_bytes": "2 MB", "partitions": "2"}
_LITERALS = ("NULL", "1", "TRUE")


def shrink(finding: Finding, seconds: float = SECONDS) -> Finding:
    """The same failure in small, with its plan; the finding itself if it does not happen again."""
    return _Shrinking(finding, time.monotonic() + seconds).run()


class _Shrinking:
    """``best`` fails in the way of the finding."""

    def __init__(self, finding: Finding, deadline: float) -> None:
        self.best = finding
        self._deadline = deadline
        self._kind = kind_of(finding.message)
        self._ground: Ground | None = None

    def run(self) -> Finding:
        backends = [Backend()] if self.best.backend.executors else []
        try:
            if self._fails(self.best) is None:
                return replace(self.best, message=f"(not seen a second time) {self.best.message}")
            for backend in backends:
                self._take(replace(self.best, backend=backend))
            self._single()
            self._settings()
            self._statement()
            self._tables()
            self._statement()
            self._settings()
            ground = self._at(self.best)
            ground.set(self.best.settings)
            return replace(self.best, plan=ground.plan(self.best.case.sql[0]))
        finally:
            self._leave()

    def _single(self) -> None:
        """Of a pair, one statement alone may differ from plain DuckDB's answer already."""
        if self.best.case.oracle is Oracle.PAIR:
            for sql in self.best.case.sql:
                case = Case(self.best.case.name, Oracle.DUCKDB, (sql,))
                found = self._fails(replace(self.best, case=case), any_kind=True)
                if found is not None:
                    self._kind = kind_of(found.message)
                    self.best = found
                    return

    def _settings(self) -> None:
        for name, value in _PLAIN_SETTINGS.items():
            if dict(self.best.settings).get(name, value) != value:
                self._take(replace(self.best, settings=_with(self.best.settings, name, value)))
        names = dict(self.best.settings).get("disabled_rules", "").split(",")
        for name in list(names):
            fewer = [other for other in names if other != name]
            if self._take(replace(self.best, settings=_with(self.best.settings, "disabled_rules", ",".join(fewer)))):
                names = fewer

    def _statement(self) -> None:
        if self.best.case.oracle is Oracle.PAIR:
            return
        shrinking = True
        while shrinking and not self._late():
            shrinking = False
            for sql in smaller_statements(self.best.case.sql[0]):
                if self._late():
                    return
                if len(sql) < len(self.best.case.sql[0]):
                    case = replace(self.best.case, sql=(sql,))
                    if self._take(replace(self.best, case=case)):
                        shrinking = True
                        break

    def _tables(self) -> None:
        for make in (_without_tables, _without_columns, _with_plain_files):
            self._take(replace(self.best, world=make(self.best.world, self.best.case)))
        for number in range(len(self.best.world.tables)):
            rows = self.best.world.tables[number].rows
            for fewer in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256):
                if fewer >= rows or self._late():
                    break
                tables = list(self.best.world.tables)
                tables[number] = replace(tables[number], rows=fewer)
                if self._take(replace(self.best, world=World(tuple(tables)))):
                    break

    def _take(self, candidate: Finding) -> bool:
        """Whether a candidate fails alike; if so it is the best."""
        if self._late() or candidate == self.best:
            return False
        found = self._fails(candidate)
        if found is not None:
            self.best = found
        return found is not None

    def _fails(self, candidate: Finding, *, any_kind: bool = False) -> Finding | None:
        try:
            ground = self._at(candidate)
            ground.set(candidate.settings)
        except Exception:  # noqa: BLE001 - tables that cannot even be made are no smaller case
            self._leave()
            return None
        _, message = ground.run(candidate.case)
        if message is None or (not any_kind and kind_of(message) != self._kind):
            return None
        return replace(candidate, message=message)

    def _at(self, finding: Finding) -> Ground:
        ground = self._ground
        if ground is None or ground.world != finding.world or ground.backend != finding.backend:
            self._leave()
            ground = self._ground = Ground(finding.world, finding.backend)
        return ground

    def _leave(self) -> None:
        ground, self._ground = self._ground, None
        if ground is not None:
            ground.__exit__()

    def _late(self) -> bool:
        return time.monotonic() > self._deadline


def kind_of(message: str) -> str:
    """What is wrong, without the names and numbers of the case."""
    message = re.sub(r"(?s)Traceback.*\n(?=\w)", "", message)
    lines = message.strip().splitlines()
    kind = " / ".join(line for line in lines[:1] + [line for line in lines if line.startswith("DuckDB: ")])
    kind = re.sub(r"\"[^\"]*\"|'[^']*'", "_", kind)
    if "rows" in kind and "Error" not in kind:
        return "rows"
    return re.sub(r"\d+|\b[a-z]\w*\b", "", kind)[:80]


def smaller_statements(sql: str) -> Iterator[str]:
    """Statements with something left out or replaced, the largest steps first."""
    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except (SqlglotError, RecursionError):
        return
    seen = {sql}
    count = sum(1 for _ in tree.walk())
    for change in (_only_inner, _drop_parts, _lift_children, _to_literals):
        for place in range(count):
            for index in range(24):
                copy = tree.copy()
                node = next(node for number, node in enumerate(copy.walk()) if number == place)
                found = change(copy, node, index)
                if found is None:
                    break
                text = found.sql(dialect="duckdb")
                if text not in seen:
                    seen.add(text)
                    yield text


Change = Callable[[exp.Expr, exp.Expr, int], exp.Expr | None]
"""Changes a copy of a tree at a node in the ``index``-th way; None if there are not so many."""


def _only_inner(tree: exp.Expr, node: exp.Expr, index: int) -> exp.Expr | None:
    if index or node is tree or not isinstance(node, exp.Select | exp.SetOperation):
        return None
    with_ = tree.args.get("with_")
    if with_ is not None and node.args.get("with_") is None and node.find_ancestor(exp.With) is None:
        node = node.copy()
        node.set("with_", with_.copy())
    return node


def _drop_parts(tree: exp.Expr, node: exp.Expr, index: int) -> exp.Expr | None:
    parts: list[tuple[str, int | None]] = []
    for name, value in node.args.items():
        if isinstance(value, list) and (len(value) > 1 or name == "joins"):
            parts += [(name, number) for number in range(len(value))]
        elif name in _CLAUSES and value:
            parts.append((name, None))
    if index >= len(parts):
        return None
    name, number = parts[index]
    if number is None:
        node.set(name, None)
    else:
        node.set(name, [item for place, item in enumerate(node.args[name]) if place != number])
    return tree


def _lift_children(tree: exp.Expr, node: exp.Expr, index: int) -> exp.Expr | None:
    if node is tree or not isinstance(node, exp.Condition | exp.Subquery | exp.SetOperation | exp.Alias):
        return None
    kinds = exp.Query if isinstance(node, exp.SetOperation) else exp.Condition
    children = [child for child in node.iter_expressions() if isinstance(child, (kinds, exp.Column))]
    if index >= len(children):
        return None
    node.replace(children[index].copy())
    return tree


def _to_literals(tree: exp.Expr, node: exp.Expr, index: int) -> exp.Expr | None:
    simple = isinstance(node, exp.Literal | exp.Null | exp.Boolean | exp.Identifier | exp.Star)
    if node is tree or simple or not isinstance(node, exp.Condition) or index >= len(_LITERALS):
        return None
    node.replace(sqlglot.parse_one(_LITERALS[index], dialect="duckdb"))
    return tree


def _with(settings: Settings, name: str, value: str) -> Settings:
    return tuple((one, value if one == name else other) for one, other in settings)


def _without_tables(world: World, case: Case) -> World:
    text = " ".join(case.sql)
    kept = tuple(table for table in world.tables if re.search(rf"\b{re.escape(table.name)}\b", text))
    return World(kept or world.tables[:1])


def _without_columns(world: World, case: Case) -> World:
    text = " ".join(case.sql)
    tables = []
    for table in world.tables:
        kept = tuple(column for column in table.columns if re.search(rf"(?<!\w){re.escape(column[0])}(?!\w)", text))
        tables.append(replace(table, columns=kept or table.columns[:1]))
    return World(tuple(tables))


def _with_plain_files(world: World, _case: Case) -> World:
    return World(tuple(replace(table, files=1, group_rows=1000, arrow=False) for table in world.tables))
