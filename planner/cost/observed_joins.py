"""What past runs say of sets of relations that a region joins, as corrections of the join graph's own guesses.

A set that was joined before, in whatever order, has the rows that it had. Every larger set is corrected by the same
factor, so that the search does not take a known part for cheap, or dear, as soon as one more relation joins it.
"""

from collections.abc import Sequence

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.cost.canonical import TABLES_MASK
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.cost.join_graph import JoinGraph, bits
from shoal.planner.cost.join_members import Members
from shoal.planner.logical import JoinKind, Node
from shoal.planner.scalar import column_ref, columns_of, conjunction

MOST_RELATIONS = 14
"""Regions with more relations have too many sets to look at."""


def observed_corrections(
    graph: JoinGraph, members: Members, terms: Sequence[exp.Expression], estimator: Estimator
) -> list[tuple[int, float]]:
    """Sets of relations whose rows were observed, with what their guess has to be multiplied by; smaller sets first."""
    wanted = estimator.observed_tables
    if not wanted or len(members.relations) > MOST_RELATIONS:
        return []
    tables = [estimator.tables_of(node) for node in members.relations]
    sums = [0] * (1 << len(tables))
    found: list[int] = []
    for mask in range(1, len(sums)):
        sums[mask] = (sums[mask & (mask - 1)] + tables[(mask & -mask).bit_length() - 1]) & TABLES_MASK
        if sums[mask] in wanted and mask & (mask - 1):
            found.append(mask)
    corrections: list[tuple[int, float]] = []
    for mask in sorted(found, key=int.bit_count):
        node = _joined(mask, graph, members, terms)
        rows = None if node is None else estimator.observed_rows(node)
        if rows is None:
            continue
        guess = graph.rows(mask)
        for known, factor in corrections:
            guess *= factor if known & ~mask == 0 else 1.0
        corrections.append((mask, max(1.0, rows) / max(1.0, guess)))
    return corrections


def _joined(mask: int, graph: JoinGraph, members: Members, terms: Sequence[exp.Expression]) -> Node | None:
    """The join of a set of relations, in any order; None if the set cannot be joined by itself."""
    node: Node | None = None
    for index in bits(mask & members.inner):
        relation = members.relations[index]
        node = relation if node is None else logical.Join(JoinKind.INNER, node, relation)
    if node is None:
        return None
    columns = logical.column_ids(node)
    own = [term for term in terms if columns_of(term) <= columns]
    for item in graph.classes:
        equal = [column for index in bits(item.mask & mask) for column in item.members[index]]
        own += [exp.EQ(this=column_ref(equal[0]), expression=column_ref(other)) for other in equal[1:]]
    predicate = conjunction(own)
    node = node if predicate is None else logical.Filter(node, predicate)
    rest = mask & ~members.inner
    for operator in members.operators:
        if operator.right & rest:
            single = not operator.right & (operator.right - 1)
            if not single or operator.kind not in (JoinKind.SEMI, JoinKind.ANTI):
                return None
            side = members.relations[operator.right.bit_length() - 1]
            condition = conjunction(operator.terms)
            if not columns_of(condition) <= columns | logical.column_ids(side):
                return None
            node = logical.Join(operator.kind, node, side, condition)
            rest &= ~operator.right
    return None if rest else node
