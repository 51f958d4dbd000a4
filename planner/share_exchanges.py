"""Finds exchanges of a plan that move the same rows, so that one stage makes them for all who read them.

A common table expression that is named twice, or a subquery that repeats what stands outside, is planned once for each
place. Where two such plans are the same but for the names of their columns, the second reads what the first has made.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner import physical as p
from shoal.planner.ids import ColumnId
from shoal.planner.physical import Exchange, ExchangeKind, PhysicalNode
from shoal.planner.scalar import column_ref, is_volatile, sql_of

Shape = tuple[object, ...]


def share_exchanges(root: PhysicalNode, *, alike: bool = True) -> dict[int, Exchange]:
    """For exchanges, by identity, another one of the same rows whose stage they can read; columns match by position.

    Those of a shared plan always have one stage, others only with ``alike``. A gather reads whatever is parted, so
    parted exchanges come first. Nothing volatile is shared, nor what the kernel runs whole: two calls of ``random()``
    are two.
    """
    exchanges = [node for node in _walk(root, set()) if isinstance(node, Exchange)]
    shared: dict[int, Exchange] = {}
    plans: dict[int, list[Exchange]] = {}
    outlines: dict[Shape, list[Exchange]] = {}
    for exchange in exchanges:
        if exchange.once:
            plans.setdefault(id(exchange.input), []).append(exchange)
        elif alike:
            outlines.setdefault(_outline(exchange.input), []).append(exchange)
    for readers in plans.values():
        leader = min(readers, key=lambda item: item.kind is ExchangeKind.GATHER)
        shared |= {id(reader): leader for reader in readers if reader is not leader}
    for similar in outlines.values():
        if len(similar) > 1:
            shared |= _matched(similar)
    return shared


def _matched(alike: list[Exchange]) -> dict[int, Exchange]:
    shared: dict[int, Exchange] = {}
    leaders: list[tuple[Shape, Shape, Exchange]] = []
    for exchange in sorted(alike, key=lambda item: item.kind is not ExchangeKind.HASH):
        renaming = Renaming()
        rows = renaming.shape(exchange.input)
        if rows is None:
            continue
        parts: Shape = (
            exchange.kind,
            tuple(renaming.place(key) for key in exchange.keys),
            exchange.key_types,
            exchange.bounds,
            (exchange.descending, exchange.nulls_first),
        )
        for known_rows, known_parts, leader in leaders:
            if known_rows == rows and (known_parts == parts or exchange.kind is ExchangeKind.GATHER):
                shared[id(exchange)] = leader
                break
        else:
            leaders.append((rows, parts, exchange))
    return shared


def _walk(node: PhysicalNode, plans: set[int]) -> Iterator[PhysicalNode]:
    """The nodes of a plan, each exchange once; ``plans`` are the shared plans that were walked already."""
    yield node
    if isinstance(node, Exchange) and node.once:
        if id(node.input) in plans:
            return
        plans.add(id(node.input))
    for child in p.children(node):
        yield from _walk(child, plans)


def _outline(node: PhysicalNode) -> Shape:
    """What two plans of the same rows have in common at first sight."""
    if isinstance(node, Exchange) and node.once:
        return (Exchange, node.once)
    tables: Shape = (node.scan.source, node.scan.names) if isinstance(node, p.TableScan) else ()
    return (type(node), *tables, *(_outline(child) for child in p.children(node)))


@dataclass(slots=True)
class Renaming:
    """Describes a plan with its columns numbered in the order in which they appear.

    With ``leaders``, the exchanges whose stages others read, it ends at exchanges; otherwise it goes on below them.
    """

    places: dict[ColumnId, int] = field(default_factory=dict)
    leaders: Mapping[int, Exchange] | None = None

    def place(self, column: ColumnId) -> int:
        """The number of a column: the next one when it is met for the first time."""
        return self.places.setdefault(column, len(self.places))

    def shape(self, node: PhysicalNode) -> Shape | None:
        """All that decides a plan's rows; None if two runs of it could differ."""
        if isinstance(node, Exchange) and (node.once or self.leaders is not None):
            columns = tuple(self.place(column.id) for column in p.schema(node))
            read = node.input if self.leaders is None else self.leaders.get(id(node), node)
            return (Exchange, id(read), node.kind, columns)
        inputs = [self.shape(child) for child in p.children(node)]
        if None in inputs:
            return None
        own = self._own(node)
        if own is None:
            return None
        return (type(node), *own, tuple(self.place(column.id) for column in p.schema(node)), *inputs)

    def _own(self, node: PhysicalNode) -> Shape | None:
        match node:
            case p.TableScan():
                return (node.scan.source, node.scan.names, node.split, node.splits)
            case p.Literals():
                return self._texts([cell for row in node.values.rows for cell in row])
            case p.Filter():
                return self._texts([node.predicate])
            case p.HashJoin():
                texts = self._texts([] if node.condition is None else [node.condition])
                return None if texts is None else (node.kind, *texts)
            case p.Project() | p.WindowCompute():
                return self._texts([item.expression for item in node.assignments])
            case p.HashAggregate():
                keys = tuple(self.place(column.id) for column in node.keys)
                texts = self._texts([item.expression for item in node.assignments])
                return None if texts is None else (node.phase, keys, node.argument_types, *texts)
            case p.SortRows():
                texts = self._texts([key.expression for key in node.keys])
                return None if texts is None else (*texts, *((key.descending, key.nulls_first) for key in node.keys))
            case p.LimitRows():
                return (node.count, node.offset)
            case p.Combine():
                return (node.operator, node.all)
            case p.Exchange():
                keys = tuple(self.place(key) for key in node.keys)
                return (node.kind, keys, node.key_types, node.bounds, node.descending, node.nulls_first)
            case _:
                return None

    def _texts(self, expressions: list[exp.Expression]) -> Shape | None:
        if any(is_volatile(expression) for expression in expressions):
            return None
        return tuple(self._text(expression) for expression in expressions)

    def _text(self, expression: exp.Expression) -> str:
        def numbered(node: exp.Expression) -> exp.Expression:
            return column_ref(ColumnId(f"{self.place(ColumnId(node.name))}")) if isinstance(node, exp.Column) else node

        return sql_of(expression.transform(numbered))
