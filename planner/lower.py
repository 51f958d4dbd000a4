"""Writes the kernel SQL of one fragment: a physical subtree between exchanges.

Columns keep their ids as names, so every piece can be read, and pasted into DuckDB, on its own. The order of joins and
their build sides are those of the tree: the right side of a written JOIN is the one that the kernel builds on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from sqlglot import exp

from shoal.planner import logical
from shoal.planner import physical as p
from shoal.planner.functions import EXPORTED, aggregate_call, function_name
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind, Schema, SortKey
from shoal.planner.physical import AggregatePhase, PhysicalNode
from shoal.planner.scalar import column_ref, sql_of, substitute
from shoal.planner.types import null_of

PARTITION_COLUMN = "shoal_partition"
"""The column that tells the executor which partition a row belongs to; the last one of a statement."""

_JOINS = {
    JoinKind.INNER: "JOIN",
    JoinKind.LEFT: "LEFT JOIN",
    JoinKind.RIGHT: "RIGHT JOIN",
    JoinKind.FULL: "FULL JOIN",
    JoinKind.SEMI: "SEMI JOIN",
    JoinKind.ANTI: "ANTI JOIN",
}
_TURNED = {JoinKind.INNER: "JOIN", JoinKind.LEFT: "RIGHT JOIN", JoinKind.RIGHT: "LEFT JOIN", JoinKind.FULL: "FULL JOIN"}
_LINE_END = "\ue000\uf8ff\ue000"
"""Stands for a line end inside a literal while statements are indented."""
_TURN_ROWS = 2048
"""Rows that go to one task before it is the next one's turn: a vector of the kernel."""
_HASH_SHIFT = 28
"""The bits by which hash tables inside a task are addressed must not be those that chose the task."""


def finished(text: str) -> str:
    """A lowered statement as the kernel gets it."""
    return text.replace(_LINE_END, "\n")


def quoted(name: str) -> str:
    """A name as a kernel identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Kernel SQL that sqlglot has no tree for: the export and the combination of aggregate states."""

    sql: str


Value = exp.Expression | Verbatim


@dataclass(slots=True)
class Block:
    """One SELECT being put together. ``columns`` maps each delivered id to its SQL over ``source``."""

    source: str
    columns: dict[ColumnId, Value]
    where: list[str] = field(default_factory=list)
    tail: str = ""
    front: str = ""

    @property
    def mapping(self) -> dict[ColumnId, exp.Expression]:
        """What each id stands for, as far as it can stand in another expression."""
        return {id: value for id, value in self.columns.items() if isinstance(value, exp.Expression)}

    @property
    def is_plain(self) -> bool:
        """Whether columns are only passed on, so that more clauses can be added to this SELECT."""
        return not self.tail and all(isinstance(item, exp.Column) for item in self.columns.values())

    def text(self) -> str:
        """The SELECT."""
        items = [_item(id, value) for id, value in self.columns.items()] or ["1 AS shoal_row"]
        lines = [self.front] if self.front else []
        lines.append(f"SELECT {', '.join(items)}")
        if self.source:
            lines.append(f"FROM {self.source}")
        if self.where:
            lines.append("WHERE " + " AND ".join(self.where))
        if self.tail:
            lines.append(self.tail)
        return "\n".join(lines)


def _item(id: ColumnId, value: Value) -> str:
    if isinstance(value, exp.Column) and value.name == id:
        return quoted(id)
    text = value.sql if isinstance(value, Verbatim) else _text(value)
    return f"{text} AS {quoted(id)}"


def _text(expression: exp.Expression) -> str:
    """The SQL of an expression; line ends inside its literals are kept from being indented."""
    return sql_of(expression).replace("\n", _LINE_END)


@dataclass(slots=True)
class Lowering:
    """Lowers one fragment. ``names`` gives the input name of each scan and exchange by its place in the tree.

    ``renamed`` gives the columns of each exchange as the stage names them that made it, perhaps for another reader.
    """

    names: dict[int, str]
    renamed: dict[int, Schema] = field(default_factory=dict)
    aliases: int = 0
    once: dict[int, tuple[str, Schema]] = field(default_factory=dict)
    """The parts that are computed in front of the statement: their names and columns there."""

    def statement(self, root: PhysicalNode, parts: Sequence[tuple[PhysicalNode, ...]]) -> Block:
        """The SELECT of a stage's root; of each of ``parts`` all places read what stands in front of it once."""
        self.once, definitions = {}, []
        for number, places in reversed(list(enumerate(parts, 1))):
            name, columns = f"once_{number}", p.schema(places[0])
            text = _indented(self.select(places[0]).text())
            definitions.append(f"{name} AS MATERIALIZED (\n{text}\n)")
            self.once |= {id(place): (name, columns) for place in places}
        block = self.select(root)
        if definitions:
            block.front = "WITH " + ", ".join(definitions)
        return block

    def select(self, node: PhysicalNode) -> Block:
        """The SELECT of a subtree."""
        if id(node) in self.once:
            name, made = self.once[id(node)]
            pairs = zip(p.schema(node), made, strict=True)
            return Block(name, {own.id: column_ref(theirs.id) for own, theirs in pairs})
        match node:
            case p.TableScan():
                columns = zip(node.scan.columns, node.scan.names, strict=True)
                return Block(quoted(self.names[id(node)]), {c.id: _name(name) for c, name in columns})
            case p.Exchange():
                made = self.renamed.get(id(node), p.schema(node))
                pairs = zip(p.schema(node), made, strict=True)
                return Block(quoted(self.names[id(node)]), {own.id: column_ref(theirs.id) for own, theirs in pairs})
            case p.KernelQuery():
                return self._kernel_query(node)
            case p.Literals():
                return self._literals(node)
            case p.Filter():
                return self._filter(node)
            case p.Project():
                return self._project(node)
            case p.HashJoin():
                return self._join(node)
            case p.HashAggregate():
                return self._aggregate(node)
            case p.WindowCompute():
                block = self._nested(node.input)
                block.columns |= {item.column.id: item.expression for item in node.assignments}
                return block
            case p.SortRows():
                block = self._open(node.input)
                block.tail = f"ORDER BY {self._order(node.keys, block)}"
                return block
            case p.LimitRows():
                return self._limit(node)
            case p.Combine():
                return self._combine(node)
            case _:
                assert_never(node)

    def _alias(self) -> str:
        self.aliases += 1
        return f"t{self.aliases}"

    def _nested(self, node: PhysicalNode) -> Block:
        """A new SELECT around the subtree, delivering the same columns."""
        return Block(self._table(node), {column.id: column_ref(column.id) for column in p.schema(node)})

    def _open(self, node: PhysicalNode) -> Block:
        """A SELECT of the subtree's rows to which clauses may be added."""
        block = self.select(node)
        return block if block.is_plain else self._around(block)

    def _around(self, block: Block) -> Block:
        return Block(_derived(block.text(), self._alias()), {id: column_ref(id) for id in block.columns})

    def _table(self, node: PhysicalNode) -> str:
        """The subtree as an item of FROM."""
        block = self.select(node)
        passed = all(isinstance(value, exp.Column) and value.name == id for id, value in block.columns.items())
        if passed and not block.where and not block.tail and isinstance(node, (p.Exchange, p.TableScan)):
            return block.source
        return _derived(block.text(), self._alias())

    def _kernel_query(self, node: p.KernelQuery) -> Block:
        ids = ", ".join(quoted(column.id) for column in node.block.columns)
        sql = node.block.sql.replace("\n", _LINE_END)
        inputs = []
        for item, plan in zip(node.block.inputs, node.inputs, strict=True):
            names = ", ".join(quoted(column.id) for column in logical.schema(item.node))
            text = _indented(f"SELECT {names} FROM {self._table(plan)}")
            # A recursive block reads its inputs again and again.
            word = "AS" if isinstance(plan, p.Exchange) else "AS MATERIALIZED"
            inputs.append(f"{quoted(item.name)}({', '.join(map(quoted, item.labels))}) {word} (\n{text}\n)")
        if inputs:
            sql = f"\nWITH {', '.join(inputs)}\nSELECT * FROM ({sql}) AS {self._alias()}({ids})\n"
        source = f"({sql}) AS {self._alias()}({ids})"
        return Block(source, {column.id: column_ref(column.id) for column in node.block.columns})

    def _literals(self, node: p.Literals) -> Block:
        if not node.values.rows:
            nothing: dict[ColumnId, Value] = {column.id: null_of(column.type) for column in node.values.columns}
            return Block("", nothing, ["false"])
        if not node.values.columns:
            return Block("", {})
        rows = ", ".join(f"({', '.join(_text(cell) for cell in row)})" for row in node.values.rows)
        ids = ", ".join(quoted(column.id) for column in node.values.columns)
        source = f"(VALUES {rows}) AS {self._alias()}({ids})"
        return Block(source, {column.id: column_ref(column.id) for column in node.values.columns})

    def _filter(self, node: p.Filter) -> Block:
        block = self._open(node.input)
        block.where.append(_operand(substitute(node.predicate, block.mapping)))
        return block

    def _project(self, node: p.Project) -> Block:
        block = self._open(node.input)
        known = block.mapping
        block.columns = {item.column.id: substitute(item.expression, known) for item in node.assignments}
        return block

    def _join(self, node: p.HashJoin) -> Block:
        columns: dict[ColumnId, Value] = {column.id: column_ref(column.id) for column in p.schema(node)}
        condition = f" ON {_text(node.condition)}" if node.condition is not None else ""
        if node.build_left and node.kind in (JoinKind.SEMI, JoinKind.ANTI):
            return self._turned_semi_join(node, condition, columns)
        sides = [self._table(node.left), self._table(node.right)]
        word = _JOINS[node.kind]
        if node.build_left:
            sides.reverse()
            word = _TURNED[node.kind]
        if not condition:
            word, condition = ("CROSS JOIN", "") if node.kind is JoinKind.INNER else (word, " ON true")
        return Block(f"{sides[0]}\n{word} {sides[1]}{condition}", columns)

    def _turned_semi_join(self, node: p.HashJoin, condition: str, columns: dict[ColumnId, Value]) -> Block:
        """A semi or anti join that builds on its small left side.

        The kernel's own RIGHT_SEMI has no SQL: number the left rows, find the numbers that match, keep those rows.
        """
        name, row = self._alias(), f"shoal_row_{self.aliases}"
        left = self.select(node.left).text()
        right = self._table(node.right)
        numbered = f"SELECT *, row_number() OVER () AS {row} FROM (\n{_indented(left)}\n)"
        matched = f"SELECT DISTINCT {row} FROM {right} JOIN {name}{condition or ' ON true'}"
        word = "SEMI" if node.kind is JoinKind.SEMI else "ANTI"
        ids = ", ".join(quoted(id) for id in columns)
        text = (
            f"WITH {name} AS MATERIALIZED (\n{_indented(numbered)}\n)\n"
            f"SELECT {ids or '1 AS shoal_row'} FROM {name} {word} JOIN (\n{_indented(matched)}\n) USING ({row})"
        )
        return Block(_derived(text, self._alias()), columns)

    def _aggregate(self, node: p.HashAggregate) -> Block:
        block = self._open(node.input)
        known = block.mapping
        keys = {column.id: known[column.id] for column in node.keys}
        calls: dict[ColumnId, Value] = {}
        types = node.argument_types or tuple(() for _ in node.assignments)
        for item, argument_types in zip(node.assignments, types, strict=True):
            match node.phase:
                case AggregatePhase.COMPLETE:
                    calls[item.column.id] = substitute(item.expression, known)
                case AggregatePhase.PARTIAL:
                    calls[item.column.id] = partial_call(substitute(item.expression, known))
                case AggregatePhase.FINAL:
                    partial = _text(known[item.column.id])
                    calls[item.column.id] = final_call(item.expression, partial, item.column.type, argument_types)
                case _:
                    assert_never(node.phase)
        block.columns = {**keys, **calls}
        if keys:
            block.tail = "GROUP BY " + ", ".join(_text(value) for value in keys.values())
            if node.ranges is not None:
                return self._in_ranges(block, node.ranges, _text(known[node.ranges.key]))
        elif not calls:
            block.tail = "LIMIT 1"
        else:
            block.tail = "HAVING true"
        return block

    def _in_ranges(self, block: Block, ranges: p.GroupRanges, key: str) -> Block:
        """The groups of one range after the other: no row of a group is in another range."""
        texts = [replace(block, where=[*block.where, term]).text() for term in ranges.predicates(key)]
        columns: dict[ColumnId, Value] = {id: column_ref(id) for id in block.columns}
        return Block(_derived("\nUNION ALL\n".join(texts), self._alias()), columns)

    def _order(self, keys: tuple[SortKey, ...], block: Block) -> str:
        items = []
        for key in keys:
            words = " DESC" if key.descending else ""
            words += " NULLS FIRST" if key.nulls_first else " NULLS LAST"
            items.append(_operand(substitute(key.expression, block.mapping)) + words)
        return ", ".join(items)

    def _limit(self, node: p.LimitRows) -> Block:
        block = self.select(node.input)
        if block.tail and not block.tail.startswith("ORDER BY"):
            block = self._around(block)
        words = [] if node.count is None else [f"LIMIT {node.count}"]
        words += [f"OFFSET {node.offset}"] if node.offset else []
        block.tail = " ".join([block.tail, *words]).strip()
        return block

    def _combine(self, node: p.Combine) -> Block:
        word = node.operator.value.upper() + (" ALL" if node.all else "")
        sides = [self.select(side) for side in (node.left, node.right)]
        texts = []
        for side, block in zip((node.left, node.right), sides, strict=True):
            wanted = [column.id for column in p.schema(side)]
            ordered = block if list(block.columns) == wanted else self._around(block)
            texts.append(f"({ordered.text()})")
        ids = ", ".join(quoted(column.id) for column in node.columns)
        name = self._alias()
        source = f"(\n{_indented(f'{texts[0]}{chr(10)}{word}{chr(10)}{texts[1]}')}\n) AS {name}({ids})"
        return Block(source, {column.id: column_ref(column.id) for column in node.columns})


def partial_call(expression: exp.Expression) -> Value:
    """The call that makes a partial result: the aggregate itself, or its exported state."""
    if function_name(aggregate_call(expression)) in EXPORTED:
        return Verbatim(f"{_text(expression)} EXPORT_STATE")
    return expression


def final_call(expression: exp.Expression, partial: str, type: str, argument_types: tuple[str, ...]) -> Verbatim:
    """The call that combines partial results, which are in the column ``partial``."""
    name = function_name(aggregate_call(expression))
    if name in EXPORTED:
        types = ", ".join(exp.Literal.string(item).sql("duckdb") for item in argument_types)
        return Verbatim(f"finalize(combine_aggr(to_aggregate_state({partial}, '{name}', [{types}])))")
    combined = {"min": "min", "max": "max"}.get(name, "sum")
    return Verbatim(f"CAST({combined}({partial}) AS {type})")


def partition_expression(exchange: p.Exchange, partitions: int) -> str:
    """The number of the partition of a row: from the hash of its keys in the given types, or its place in the bounds.

    A NULL key has reached no bound, so it goes to the first task, wherever it comes from; sorted rows go where they
    belong.
    """
    if exchange.kind is p.ExchangeKind.RANGE:
        return _ordered_partition(exchange)
    if exchange.bounds:
        key = quoted(exchange.keys[0])
        places = reversed(list(enumerate(exchange.bounds, 1)))
        steps = " ".join(f"WHEN {key} >= {bound} THEN {place}" for place, bound in places)
        return f"CAST(CASE {steps} ELSE 0 END AS USMALLINT)"
    keys = zip(exchange.keys, exchange.key_types, strict=True)
    casts = ", ".join(f"CAST({quoted(key)} AS {type})" for key, type in keys)
    return f"CAST((hash({casts}) >> {_HASH_SHIFT}) % {partitions} AS USMALLINT)"


def _ordered_partition(exchange: p.Exchange) -> str:
    """The number of the range of a row, counted from the end where the order falls."""
    key, last = quoted(exchange.keys[0]), len(exchange.bounds)
    falls = exchange.descending
    places = reversed(list(enumerate(exchange.bounds, 1)))
    steps = [f"WHEN {key} IS NULL THEN {0 if exchange.nulls_first else last}"]
    steps += [f"WHEN {key} >= {bound} THEN {last - place if falls else place}" for place, bound in places]
    return f"CAST(CASE {' '.join(steps)} ELSE {last if falls else 0} END AS USMALLINT)"


def turn_expression(partitions: int) -> str:
    """The number of the partition of a row when rows are dealt out: blocks of rows in turn."""
    return f"CAST((row_number() OVER () // {_TURN_ROWS}) % {partitions} AS USMALLINT)"


def _name(name: str) -> exp.Column:
    return exp.Column(this=exp.Identifier(this=name, quoted=True))


def _operand(expression: exp.Expression) -> str:
    text = _text(expression)
    return f"({text})" if isinstance(expression, exp.Or) else text


def _derived(text: str, alias: str) -> str:
    return f"(\n{_indented(text)}\n) AS {alias}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
