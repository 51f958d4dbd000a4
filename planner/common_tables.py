"""Common table expressions: what a WITH clause defines, and which of it a query names."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner.not_distributable import NotDistributable

_DIFFERS = (exp.Limit, exp.Offset, exp.Window, exp.AggFunc, exp.Anonymous)
"""What may give other rows each time it is computed."""


@dataclass(frozen=True, slots=True)
class CommonTable:
    """A common table expression, and what was visible where it was defined (a recursive one sees itself, too).

    ``uses`` is how often its name occurs in the query that it belongs to, at most.
    """

    definition: exp.Expression
    visible: "CommonTables"
    uses: int
    recursive: bool = False

    @property
    def name(self) -> str:
        """The name, as it is written."""
        return str(self.definition.args["alias"].name)

    @property
    def query(self) -> exp.Expression:
        """The query that gives its rows."""
        query: exp.Expression = self.definition.this
        return query

    @property
    def columns(self) -> tuple[str, ...]:
        """The names that the statement gives to its columns; the rest have those of the query."""
        return tuple(column.name for column in self.definition.args["alias"].args.get("columns") or [])

    @property
    def materialized(self) -> bool | None:
        """Whether the statement asks that it be computed once, or for each reader; None where it says nothing."""
        found = self.definition.args.get("materialized")
        return None if found is None else bool(found)


CommonTables = dict[str, CommonTable]
"""By name in lower case."""


def with_clause(query: exp.Expression, visible: CommonTables) -> CommonTables:
    """The common tables that a query sees: those visible around it, and those of its own WITH."""
    clause = query.args.get("with_")
    if clause is None:
        return visible
    names = [table.name.lower() for table in query.find_all(exp.Table)]
    visible = dict(visible)
    for definition in clause.expressions:
        name = definition.args["alias"].name.lower()
        recursive = bool(clause.args.get("recursive")) and name in _named(definition.this)
        visible[name] = CommonTable(definition, dict(visible), names.count(name), recursive)
    return visible


@dataclass(frozen=True, slots=True)
class StandingQuery:
    """A query that stands by itself, but for ``inputs``: common tables that it names and does not define."""

    query: exp.Expression
    inputs: CommonTables


def with_named(query: exp.Expression, visible: CommonTables, is_input: Callable[[CommonTable], bool]) -> StandingQuery:
    """A copy of a query, in front of it the common tables that it names, and those they name, if they are no inputs.

    Raises ``NotDistributable`` where that would give names another meaning, or compute something again that may then
    differ.
    """
    named = _Named(is_input)
    named.add(query, visible, "")
    needed = named.needed
    hidden = named.tables & {*needed, *named.inputs}
    if hidden:
        raise NotDistributable(f"{min(hidden)} is a table and a common table expression in one block")
    copy = query.copy()
    own = copy.args.get("with_")
    inner = list(own.expressions) if own is not None else []
    if any(definition.args["alias"].name.lower() in {*needed, *named.inputs} for definition in inner):
        raise NotDistributable("a common table expression hides another one of its name")
    texts = [query, *(common.query for common in needed.values())]
    for name, common in needed.items():
        inside = sum(list(_named(text)).count(name) for text in texts)
        differs = common.materialized or next(common.query.find_all(*_DIFFERS), None) is not None
        if differs and common.uses > inside:
            raise NotDistributable(f"{common.name} is used outside as well and may differ each time it is computed")
    if needed:
        definitions = [common.definition.copy() for common in needed.values()]
        recursive = any(common.recursive for common in needed.values())
        recursive = recursive or (own is not None and bool(own.args.get("recursive")))
        copy.set("with_", exp.With(expressions=[*definitions, *inner], recursive=recursive))
    return StandingQuery(copy, named.inputs)


@dataclass(slots=True)
class _Named:
    """What a query names, after what that names; inputs end the search."""

    is_input: Callable[[CommonTable], bool]
    needed: CommonTables = field(default_factory=dict)
    inputs: CommonTables = field(default_factory=dict)
    tables: set[str] = field(default_factory=set)
    """Names that stand for no common table where they are, but for a table, say."""

    def add(self, query: exp.Expression, visible: CommonTables, own: str) -> None:
        """Add what a query names; ``own`` is the query's own name if it is recursive."""
        for name in dict.fromkeys(_named(query)):
            common = visible.get(name)
            if name == own:
                continue
            if common is None:
                self.tables.add(name)
                continue
            if common is self.needed.get(name) or common is self.inputs.get(name):
                continue
            if name in self.needed or name in self.inputs:
                raise NotDistributable(f"two common table expressions are called {common.name}")
            if not common.recursive and self.is_input(common):
                self.inputs[name] = common
                continue
            self.add(common.query, common.visible, name if common.recursive else "")
            self.needed[name] = common


def _named(query: exp.Expression) -> Iterator[str]:
    """The plain names of tables in a query, in lower case."""
    return (table.name.lower() for table in query.find_all(exp.Table) if table.args.get("db") is None)
