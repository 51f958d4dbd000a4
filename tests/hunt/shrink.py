"""Makes a failing case small: of the statement, the settings and the tables all is left out that it fails without."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tests.hunt.cases import Case, Oracle
from tests.hunt.configurations import FAULTS, Backend, Settings
from tests.hunt.hunter import Finding, Ground
from tests.hunt.world import StoredTable, Table, World, as_values

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
_PLAIN_SETTINGS = {
    FAULTS: "",
    "join_strategy": "auto",
    "disabled_rules": "",
    "mmap": "on",
    "task_bytes": "2 MB",
    "partitions": "2",
}
_WRITTEN_ROWS = 16
"""A table of no more rows is written out."""
_OBSERVED = "observed_rows"
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
        self._fresh = False

    def run(self) -> Finding:
        backends = [Backend()] if self.best.backend.executors else []
        try:
            if self._fails(self.best) is None:
                return replace(self.best, message=f"(not seen a second time) {self.best.message}")
            self._forget_observations()
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

    def _forget_observations(self) -> None:
        """What earlier runs taught the planner changes later plans: switch that off, or begin anew each time."""
        names = {*dict(self.best.settings).get("disabled_rules", "").split(","), _OBSERVED} - {""}
        forgetful = _with(self.best.settings, "disabled_rules", ",".join(sorted(names)))
        self._fresh = forgetful != self.best.settings and not self._take(replace(self.best, settings=forgetful))

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
            if name != "disabled_rules" and dict(self.best.settings).get(name, value) != value:
                self._take(replace(self.best, settings=_with(self.best.settings, name, value)))
        names = dict(self.best.settings).get("disabled_rules", "").split(",")
        for name in set(names) - {_OBSERVED}:
            fewer = [other for other in names if other != name]
            if self._take(replace(self.best, settings=_with(self.best.settings, "disabled_rules", ",".join(fewer)))):
                names = fewer

    def _statement(self) -> None:
        case = self.best.case
        if case.times > 1:
            self._take(replace(self.best, case=replace(case, times=1)))
        match case.oracle:
            case Oracle.DUCKDB:
                self._smaller(0)
            case Oracle.SESSION:
                self._fewer()
                for place in reversed(range(len(self.best.case.sql))):
                    self._smaller(place)
                self._fewer()
            case Oracle.PAIR:
                pass

    def _fewer(self) -> None:
        """Leave out statements of a session, the last ones first."""
        for place in reversed(range(len(self.best.case.sql))):
            sql = self.best.case.sql
            if len(sql) > 1:
                case = replace(self.best.case, sql=sql[:place] + sql[place + 1 :])
                self._take(replace(self.best, case=case))

    def _smaller(self, place: int) -> None:
        """Make one of the statements smaller."""
        shrinking = True
        while shrinking and not self._late():
            shrinking = False
            before = self.best.case.sql
            for sql in smaller_statements(before[place]):
                if self._late():
                    return
                if len(sql) < len(before[place]):
                    case = replace(self.best.case, sql=(*before[:place], sql, *before[place + 1 :]))
                    if self._take(replace(self.best, case=case)):
                        shrinking = True
                        break

    def _tables(self) -> None:
        for make in (_without_tables, _without_columns, _with_plain_files):
            self._take(replace(self.best, world=make(self.best.world, self.best.case)))
        for number, table in enumerate(self.best.world.tables):
            if isinstance(table, Table):
                only = World((table,))
                fewer = _without_columns(only, self.best.case).tables[0]
                self._take_table(number, fewer)
                for column in table.columns:
                    self._drop_column(number, column[0])
        for number, table in enumerate(self.best.world.tables):
            if not isinstance(table, Table):
                continue
            rows = table.rows
            for fewer in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256):
                if fewer >= rows or self._late():
                    break
                if self._take_table(number, replace(self._table(number), rows=fewer)):
                    break
        for number, table in enumerate(self.best.world.tables):
            if isinstance(table, Table) and table.rows <= _WRITTEN_ROWS:
                self._take_table(number, as_values(table))

    def _table(self, number: int) -> Table:
        table = self.best.world.tables[number]
        assert isinstance(table, Table)
        return table

    def _drop_column(self, number: int, name: str) -> None:
        table = self.best.world.tables[number]
        if isinstance(table, Table) and len(table.columns) > 1:
            self._take_table(number, replace(table, columns=tuple(one for one in table.columns if one[0] != name)))

    def _take_table(self, number: int, table: Table | StoredTable) -> bool:
        tables = list(self.best.world.tables)
        tables[number] = table
        return self._take(replace(self.best, world=World(tuple(tables))))

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
        if self._fresh or ground is None or ground.world != finding.world or ground.backend != finding.backend:
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
    seen = {sql, ""}
    nodes = list(tree.walk())
    for change, kinds in _CHANGES:
        for place in (place for place, node in enumerate(nodes) if isinstance(node, kinds)):
            for index in range(24):
                copy = tree.copy()
                node = next(node for number, node in enumerate(copy.walk()) if number == place)
                found = change(copy, node, index)
                if found is None:
                    break
                text = _text_of(found)
                if text not in seen:
                    seen.add(text)
                    yield text


def _text_of(tree: exp.Expr) -> str:
    """The statement; empty if what is left is none."""
    try:
        return tree.sql(dialect="duckdb")
    except Exception:  # noqa: BLE001 - the generator fails in many ways on trees that miss a part
        return ""


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


def _drop_columns(tree: exp.Expr, node: exp.Expr, index: int) -> exp.Expr | None:
    """Drop a column of both sides of a set operation, or the half of them that stands first or last."""
    if not isinstance(node, exp.SetOperation):
        return None
    sides = [select for select in node.find_all(exp.Select) if _is_side(select, node)]
    count = min(len(side.expressions) for side in sides)
    halves = [range(count // 2), range(count // 2, count)] if count > 3 else []
    dropped = [*halves, *([place] for place in range(count if count > 1 else 0))]
    if index >= len(dropped):
        return None
    for side in sides:
        side.set("expressions", [item for place, item in enumerate(side.expressions) if place not in dropped[index]])
    return tree


def _is_side(select: exp.Select, operation: exp.Expr) -> bool:
    node = select.parent
    while isinstance(node, exp.Subquery | exp.SetOperation) and node is not operation:
        node = node.parent
    return node is operation


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
        if not isinstance(table, Table):
            return world
        kept = tuple(column for column in table.columns if re.search(rf"(?<!\w){re.escape(column[0])}(?!\w)", text))
        tables.append(replace(table, columns=kept or table.columns[:1]))
    return World(tuple(tables))


def _with_plain_files(world: World, _case: Case) -> World:
    return World(tuple(replace(table, files=1, group_rows=1000, arrow=False) for table in world.tables))


_CHANGES: tuple[tuple[Change, tuple[type[exp.Expr], ...]], ...] = (
    (_only_inner, (exp.Select, exp.SetOperation)),
    (_drop_columns, (exp.SetOperation,)),
    (_drop_parts, (exp.Query, exp.With, exp.Group, exp.Order, exp.In, exp.Values, exp.Tuple)),
    (_lift_children, (exp.Condition, exp.Subquery, exp.SetOperation, exp.Alias)),
    (_to_literals, (exp.Condition,)),
)
"""The changes in their order, and the nodes that they may change."""
