"""Puts joins into the order that the search prefers, and writes them as a plan again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.cost.join_edges import build_graph
from shoal.planner.cost.join_graph import INNER_JOIN, EqualityClass, JoinGraph, bits, class_columns
from shoal.planner.cost.join_members import members_of
from shoal.planner.cost.join_network import ONE_TASK, Cluster
from shoal.planner.cost.join_region import collect_region, is_full_region, is_region
from shoal.planner.cost.join_search import search_join_order
from shoal.planner.cost.join_tree import JoinTree
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind, Node
from shoal.planner.positions import keep_positions
from shoal.planner.scalar import column_ref, conjunction, conjuncts
from shoal.planner.tree import with_children


def order_joins(
    node: Node,
    estimator: Estimator,
    memory_bytes: float = float("inf"),
    cluster: Cluster = ONE_TASK,
    above: logical.Aggregate | None = None,
) -> Node:
    """The plan with the joins of each region in the cheapest order found; the same object if they are in it already.

    The right side of every inner join is the build side, for which there are ``memory_bytes``; in a ``cluster`` of
    several tasks, what moves between them is priced as well, for the aggregate ``above``, too. All other joins keep
    their sides, but move to where they are cheapest. Equalities are closed transitively (``a = b AND b = c`` lets ``a``
    join ``c``), and of each class just as many are checked as needed. The order of the columns that a region delivers
    may change.
    """
    if is_region(node) or is_full_region(node):
        return _order_region(node, estimator, memory_bytes, cluster, above)
    above = node if isinstance(node, logical.Aggregate) else above if isinstance(node, logical.Project) else None
    inputs = tuple(order_joins(child, estimator, memory_bytes, cluster, above) for child in logical.children(node))
    return keep_positions(node, with_children(node, inputs))


def _order_region(
    node: Node, estimator: Estimator, memory_bytes: float, cluster: Cluster, above: logical.Aggregate | None
) -> Node:
    region = collect_region(node)
    found = members_of(region)
    relations = [order_joins(item, estimator, memory_bytes, cluster) for item in found.relations]
    graph = build_graph(replace(found, relations=relations), region.terms, estimator, memory_bytes, cluster, above)
    tree = search_join_order(graph)
    if tree is None:
        return node
    built = plan_of(tree, graph, region.terms)
    return node if built == node else built


def plan_of(tree: JoinTree, graph: JoinGraph, terms: Sequence[exp.Expression]) -> Node:
    """The plan of a tree; ``terms`` are those of the region's inner joins and filters, as the statement has them."""
    return _Builder(graph, _original_pairs(terms)).build(tree)


def _original_pairs(terms: Sequence[exp.Expression]) -> dict[frozenset[ColumnId], exp.Expression]:
    pairs = ((class_columns(term), term) for term in terms)
    return {frozenset(pair): term for pair, term in pairs if pair is not None}


@dataclass(frozen=True, slots=True)
class _Builder:
    """Writes a join tree as logical nodes; ``original`` are the statement's own equalities, which are preferred."""

    graph: JoinGraph
    original: dict[frozenset[ColumnId], exp.Expression]

    def build(self, tree: JoinTree) -> Node:
        """The plan of a tree: each term stands at the lowest join where all that it needs is there."""
        if tree.left is None or tree.right is None:
            return self._leaf(tree.members)
        left, right = self.build(tree.left), self.build(tree.right)
        completed = self._completed(tree.left.members, tree.right.members)
        if tree.way == INNER_JOIN:
            equalities = self._equalities(tree.left.members, tree.right.members)
            return logical.Join(JoinKind.INNER, left, right, conjunction([*equalities, *completed]))
        operator = self.graph.operators[tree.way].operator
        return _filtered(logical.Join(operator.kind, left, right, conjunction(operator.terms)), completed)

    def _leaf(self, members: int) -> Node:
        relation = self.graph.relations[members.bit_length() - 1]
        return _filtered(relation.node, self._own_terms(relation.node, members))

    def _own_terms(self, node: Node, members: int) -> list[exp.Expression]:
        """Terms over one leaf alone, and the equality of its columns that share a class."""
        terms = [edge.term for edge in self.graph.edges if edge.mask == members]
        for item in self.graph.classes:
            own = item.members.get(members.bit_length() - 1, [])
            terms += [self._equality(own[0], other) for other in own[1:]]
        return [term for term in terms if term not in _terms_of(node)]

    def _completed(self, left: int, right: int) -> list[exp.Expression]:
        """The terms that have all that they need here for the first time."""
        return [
            edge.term
            for edge in self.graph.edges
            if not edge.mask & ~(left | right) and edge.mask & ~left and edge.mask & ~right
        ]

    def _equalities(self, left: int, right: int) -> list[exp.Expression]:
        """One equality for each class that has members on both sides: the members of one side are equal already."""
        return [
            self._class_equality(item, left, right)
            for item in self.graph.classes
            if item.mask & left and item.mask & right
        ]

    def _class_equality(self, item: EqualityClass, left: int, right: int) -> exp.Expression:
        lefts = [column for index in bits(item.mask & left) for column in item.members[index]]
        rights = [column for index in bits(item.mask & right) for column in item.members[index]]
        for one in lefts:
            for other in rights:
                if frozenset((one, other)) in self.original:
                    return self.original[frozenset((one, other))]
        return self._equality(lefts[0], rights[0])

    def _equality(self, one: ColumnId, other: ColumnId) -> exp.Expression:
        known = self.original.get(frozenset((one, other)))
        return exp.EQ(this=column_ref(one), expression=column_ref(other)) if known is None else known


def _terms_of(node: Node) -> tuple[exp.Expression, ...]:
    return conjuncts(node.predicate) if isinstance(node, logical.Filter) else ()


def _filtered(node: Node, terms: Sequence[exp.Expression]) -> Node:
    predicate = conjunction([*_terms_of(node), *terms])
    if not terms or predicate is None:
        return node
    return logical.Filter(node.input if isinstance(node, logical.Filter) else node, predicate)
