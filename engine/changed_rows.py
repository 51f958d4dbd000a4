"""The queries that find the rows which UPDATE and DELETE change: their numbers, and what they are to be or were."""

from collections.abc import Sequence
from dataclasses import replace

from shoal.executor.kernel_types import quote
from shoal.planner.lexer import tokenize
from shoal.planner.names import MAIN, own_name, schema_of, shown_name
from shoal.planner.statement_kinds import Query
from shoal.planner.table_statements import Delete, Update
from shoal.table_store import ROW_NUMBER, TableColumn, TableDefinition

_NUMBER = quote(ROW_NUMBER)


def target_name(name: str) -> str:
    """The name under which a statement's own query sees the table that it changes, with the numbers of its rows."""
    return f"shoal target {shown_name(name)}"


def updated_columns(sql: str, statement: Update, definition: TableDefinition) -> tuple[TableDefinition, list[str]]:
    """The columns that are written, and what an UPDATE selects for them behind the number of the row."""
    alias = quote(statement.target.alias or own_name(statement.target.name))
    by_column = {each.column.casefold(): each for each in statement.assignments}
    if not definition.checks and statement.returning is None:
        # Values that stay need not travel where nobody looks at whole rows.
        kept = tuple(each for each in definition.columns if each.name.casefold() in by_column)
        definition = replace(definition, columns=kept)
    selected = [f"{alias}.{_NUMBER}"]
    for column in definition.columns:
        assignment = by_column.get(column.name.casefold())
        if assignment is None:
            selected.append(f"{alias}.{quote(column.name)}")
        elif assignment.expression is None:
            selected.append(default_of(column))
        else:
            selected.append(f"CAST((\n{assignment.expression.of(sql)}\n) AS {column.type})")
    return definition, selected


def deleted_columns(statement: Delete, definition: TableDefinition) -> tuple[TableDefinition, list[str]]:
    """The columns that are told of, and what a DELETE selects for them behind the number of the row."""
    alias = quote(statement.target.alias or own_name(statement.target.name))
    columns = definition.columns if statement.returning else ()
    kept = TableDefinition(definition.name, tuple(TableColumn(each.name, each.type) for each in columns))
    return kept, [f"{alias}.{_NUMBER}", *(f"{alias}.{quote(column.name)}" for column in columns)]


def rows_query(sql: str, statement: Update | Delete, selected: Sequence[str], name: str) -> Query:
    """The query for the rows that a statement changes in the table of the full ``name``."""
    target = statement.target
    alias = quote(target.alias or own_name(target.name))
    before = f"{target.before.of(sql)}\n" if target.before else ""
    others = f",\n{statement.others.of(sql)}" if statement.others else ""
    condition = f"\nWHERE (\n{statement.condition.of(sql)}\n)" if statement.condition else ""
    text = f"{before}SELECT {', '.join(selected)}\nFROM {quote(target_name(name))} AS {alias}{others}{condition}"
    return Query(text if target.alias else _without_schema(text, name))


def _without_schema(text: str, name: str) -> str:
    """The text with the columns of a table named by its own name alone: ``s.t.a`` -> ``t.a``."""
    schema, own = (schema_of(name) or MAIN).casefold(), own_name(name).casefold()
    tokens = tuple(tokenize(text))
    for first, dot, second, after in reversed(tuple(zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False))):
        is_named = first.name.casefold() == schema and second.name.casefold() == own
        if is_named and dot.text == after.text == ".":
            text = text[: first.start] + text[second.start :]
    return text


def default_of(column: TableColumn) -> str:
    """What a column gets where nothing is given for it."""
    return f"CAST({column.default or 'NULL'} AS {column.type})"
