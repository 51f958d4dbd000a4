"""Texts by which subplans that deliver the same rows are known again, whatever their columns' ids are.

Only what decides the number of rows is in a text: projections and sorts are not, nor which aggregates a group computes.
Inner joins and the semi- and anti-joins among them are a set of inputs and a set of terms, so the order in which they
are done does not matter. Tables are named by the identity of their files.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind, Node
from shoal.planner.scalar import conjuncts, equality, is_volatile, sql_of, unwrap
from shoal.planner.source import FileSource, TableSource
from shoal.planner.tree import find

_NAME = re.compile(r'"((?:[^"]|"")*)"')

TABLES_MASK = (1 << 64) - 1
"""Sums of tables' numbers are taken modulo one more than this."""

Names = Mapping[ColumnId, str]
"""What each column of a subplan is called in its text."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A subplan's text and its columns' names in it."""

    text: str
    names: Names


@dataclass(slots=True)
class _Region:
    """Inputs of inner joins, the sides of semi- and anti-joins among them, and all terms, as they stand in the plan."""

    leaves: list[Shape] = field(default_factory=list)
    dependents: list[tuple[JoinKind, Shape, tuple[exp.Expression, ...]]] = field(default_factory=list)
    terms: list[exp.Expression] = field(default_factory=list)


class CanonicalPlans:
    """Describes subplans, each once while the object lives."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Node, Shape | None]] = {}
        self._texts: dict[int, tuple[exp.Expression, str | None]] = {}
        self._sources: dict[int, tuple[TableSource, str]] = {}

    def key(self, node: Node) -> str | None:
        """A short key of a subplan's text; None if two runs of the subplan could differ, or nothing can be said."""
        shape = self.describe(node)
        return None if shape is None else hashlib.blake2b(shape.text.encode(), digest_size=16).hexdigest()

    def tables(self, node: Node) -> int:
        """The sum of numbers that stand for the tables of a subplan: the same for all subplans over the same tables."""
        return sum(int(self._source(scan.source)[:16], 16) for scan in find(node, logical.Scan)) & TABLES_MASK

    def describe(self, node: Node) -> Shape | None:
        """A subplan's shape, or None."""
        known = self._known.get(id(node))
        if known is None:
            known = (node, self._derive(node))
            self._known[id(node)] = known
        return known[1]

    def _derive(self, node: Node) -> Shape | None:
        match node:
            case logical.Scan():
                names = {column.id: name for column, name in zip(node.columns, node.names, strict=True)}
                return Shape(f"scan({self._source(node.source)})", names)
            case logical.Filter():
                return self._region(node)
            case logical.Join():
                if node.kind in (JoinKind.INNER, JoinKind.SEMI, JoinKind.ANTI):
                    return self._region(node)
                return self._outer(node)
            case logical.Project() | logical.Window():
                return self._computed(node)
            case logical.Aggregate():
                return self._aggregate(node)
            case logical.Sort():
                return self.describe(node.input)
            case logical.SetOperation():
                return self._set_operation(node)
            case logical.Limit():
                below = self.describe(node.input)
                return None if below is None else Shape(f"limit({below.text};{node.count};{node.offset})", below.names)
            case logical.Values() | logical.KernelBlock() | logical.SharedScan() | logical.Apply() | logical.Unnest():
                return None
            case _:
                assert_never(node)

    def _region(self, node: Node) -> Shape | None:
        region = _Region()
        if not self._collect(node, region):
            return None
        # Alike inputs keep the order of the plan: then a text is still right, it is only found less often.
        order = sorted(range(len(region.leaves)), key=lambda index: region.leaves[index].text)
        names = {
            column: f"{place}.{name}"
            for place, index in enumerate(order)
            for column, name in region.leaves[index].names.items()
        }
        parts = [region.leaves[index].text for index in order]
        terms = self._terms(region.terms, names)
        sides = [self._dependent(kind, shape, own, names) for kind, shape, own in region.dependents]
        if terms is None or None in sides:
            return None
        if len(parts) == 1 and not terms and not sides:
            return region.leaves[0]
        told = sorted(side for side in sides if side is not None)
        return Shape(f"join({';'.join(parts)}|{';'.join(terms)}|{';'.join(told)})", names)

    def _collect(self, node: Node, region: _Region) -> bool:
        """Add a subtree to a region; False if something in it cannot be described."""
        if isinstance(node, logical.Filter):
            region.terms += conjuncts(node.predicate)
            return self._collect(node.input, region)
        if isinstance(node, logical.Join) and node.kind is JoinKind.INNER:
            region.terms += conjuncts(node.condition)
            return self._collect(node.left, region) and self._collect(node.right, region)
        if isinstance(node, logical.Join) and node.kind in (JoinKind.SEMI, JoinKind.ANTI):
            side = self.describe(node.right)
            if side is None:
                return False
            region.dependents.append((node.kind, side, conjuncts(node.condition)))
            return self._collect(node.left, region)
        if isinstance(node, logical.Project) and all(
            isinstance(item.expression, exp.Column) and item.expression.name == item.column.id
            for item in node.assignments
        ):
            return self._collect(node.input, region)
        shape = self.describe(node)
        if shape is None:
            return False
        region.leaves.append(shape)
        return True

    def _dependent(self, kind: JoinKind, side: Shape, terms: Sequence[exp.Expression], names: Names) -> str | None:
        own = {column: f"r.{name}" for column, name in side.names.items()}
        texts = self._terms(terms, {**names, **own})
        return None if texts is None else f"{kind.value}({side.text}|{';'.join(texts)})"

    def _outer(self, node: logical.Join) -> Shape | None:
        left, right = self.describe(node.left), self.describe(node.right)
        if left is None or right is None:
            return None
        names = {column: f"l.{name}" for column, name in left.names.items()}
        names |= {column: f"r.{name}" for column, name in right.names.items()}
        terms = self._terms(conjuncts(node.condition), names)
        return None if terms is None else Shape(f"{node.kind.value}({left.text};{right.text}|{';'.join(terms)})", names)

    def _computed(self, node: logical.Project | logical.Window) -> Shape | None:
        below = self.describe(node.input)
        if below is None:
            return None
        names = dict(below.names) if isinstance(node, logical.Window) else {}
        for item in node.assignments:
            text = self._text(item.expression, below.names)
            if text is None:
                return None
            names[item.column.id] = text
        return Shape(below.text, names)

    def _aggregate(self, node: logical.Aggregate) -> Shape | None:
        below = self.describe(node.input)
        if below is None:
            return None
        keys = {column.id: below.names.get(column.id, "") for column in node.keys}
        names = dict(keys)
        for item in node.assignments:
            text = self._text(item.expression, below.names)
            if text is None:
                return None
            names[item.column.id] = text
        return Shape(f"group({below.text}|{';'.join(sorted(keys.values()))})", names)

    def _set_operation(self, node: logical.SetOperation) -> Shape | None:
        left, right = self.describe(node.left), self.describe(node.right)
        if left is None or right is None:
            return None
        sides = []
        for shape, child in ((left, node.left), (right, node.right)):
            columns = ",".join(shape.names.get(column.id, "") for column in logical.schema(child))
            sides.append(f"{shape.text}:{columns}")
        names = {column.id: f"#{place}" for place, column in enumerate(node.columns)}
        return Shape(f"{node.operator.value}{'all' if node.all else ''}({';'.join(sides)})", names)

    def _terms(self, terms: Iterable[exp.Expression], names: Names) -> list[str] | None:
        """The texts of terms in a fixed order; columns that are equal through several terms are told as one class."""
        found: set[str] = set()
        classes: dict[str, set[str]] = {}
        for term in terms:
            sides = equality(term)
            if sides is not None and all(isinstance(unwrap(side), exp.Column) for side in sides):
                first, second = (names.get(ColumnId(unwrap(side).name), "") for side in sides)
                merged = classes.get(first, {first}) | classes.get(second, {second})
                for name in merged:
                    classes[name] = merged
                continue
            text = self._text(term, names)
            if text is None:
                return None
            found.add(text)
        equal = {"=".join(sorted(each)) for each in classes.values()}
        return sorted(found | equal)

    def _text(self, expression: exp.Expression, names: Names) -> str | None:
        """The SQL of an expression over other names; None if it is volatile."""
        known = self._texts.get(id(expression))
        if known is None:
            known = (expression, None if is_volatile(expression) else sql_of(expression))
            self._texts[id(expression)] = known
        if known[1] is None:
            return None
        return _NAME.sub(lambda match: names.get(ColumnId(match[1].replace('""', '"')), match[0]), known[1])

    def _source(self, source: TableSource) -> str:
        known = self._sources.get(id(source))
        if known is None:
            known = (source, _identity(source))
            self._sources[id(source)] = known
        return known[1]


def _identity(source: TableSource) -> str:
    """A hexadecimal number that stands for the rows of a table."""
    if not isinstance(source, FileSource):
        return hashlib.blake2b(source.key.encode(), digest_size=16).hexdigest()
    digest = hashlib.blake2b(repr((source.format, source.options)).encode(), digest_size=16)
    for file in source.files:
        digest.update(f"{file.path}\0{file.size}\0{file.modified_ns}\0".encode())
    return digest.hexdigest()
