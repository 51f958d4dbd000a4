"""Makes the join graph of a region: its equality classes, its edges, and what is next to what."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.cost.join_cardinality import DEFAULT_KEY_SHARE, common_selectivity, join_rows, key_pairs
from shoal.planner.cost.join_conflicts import Placement, Rule, closure, inner_rules, place_operators, relations_of
from shoal.planner.cost.join_graph import Edge, EqualityClass, JoinGraph, JoinOperator, Relation, bits, class_columns
from shoal.planner.cost.join_members import Members, Operator
from shoal.planner.cost.join_network import ONE_TASK, Cluster, find_network
from shoal.planner.cost.observed_joins import observed_corrections
from shoal.planner.cost.selectivity import selectivity
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind
from shoal.planner.protocols import ColumnStatistics
from shoal.planner.scalar import columns_of, equality, unwrap

MOST_CROSSED = 12
"""Relations up to which cross products of tiny relations are considered where conditions connect everything already."""

TINY_ROWS = 64.0
"""Two relations are tiny when their cross product is expected to have at most so many rows ..."""

TINY_DOMAIN = 4096.0
"""... and would have at most so many without their filters: then a wrong estimate does no harm."""

Columns = Mapping[ColumnId, ColumnStatistics]


def build_graph(
    members: Members,
    terms: Sequence[exp.Expression],
    estimator: Estimator,
    memory_bytes: float = float("inf"),
    cluster: Cluster = ONE_TASK,
    above: logical.Aggregate | None = None,
) -> JoinGraph:
    """The graph of a region; ``memory_bytes`` is what the build side of a join may have.

    In a ``cluster`` of several tasks the network is priced; ``above`` is the aggregate that the rows go into.
    """
    relations = [Relation(node, estimator.estimate(node)) for node in members.relations]
    columns = [logical.column_ids(node) for node in members.relations]
    statistics: dict[ColumnId, ColumnStatistics] = {}
    for relation in relations:
        statistics |= relation.estimate.columns
    rules = inner_rules(members.operators, columns)
    placements = place_operators(members.operators, columns)
    classes = _equality_classes(terms, members, relations, statistics)
    types = _inner_types(members)
    edges = [_edge(term, columns, statistics, rules) for term in terms if not _is_class_term(term, types)]
    graph = JoinGraph(
        relations,
        classes,
        edges,
        [
            _join_operator(item, place, relations, columns, statistics)
            for item, place in zip(members.operators, placements, strict=True)
        ],
        rules,
        memory_bytes,
        find_network(members, terms, [item.estimate for item in relations], estimator, cluster, above),
        [*_shared_keys(members, relations, classes), *_common_keys(relations, classes, statistics)],
    )
    observed = observed_corrections(graph, members, terms, estimator)
    if observed:
        corrections = [*graph.corrections, *observed]
        graph = JoinGraph(relations, classes, edges, graph.operators, rules, memory_bytes, graph.network, corrections)
    _connect(graph, members)
    return graph


def _inner_types(members: Members) -> dict[ColumnId, str]:
    """The types of the columns of all relations that no operator supplies NULLs for."""
    return {
        column.id: column.type for index in bits(members.inner) for column in logical.schema(members.relations[index])
    }


def _is_class_term(term: exp.Expression, types: Mapping[ColumnId, str]) -> bool:
    """Whether a term may be closed transitively: columns that are never NULL-extended, of one and the same type."""
    pair = class_columns(term)
    if pair is None:
        return False
    first = types.get(pair[0])
    return bool(first) and first == types.get(pair[1])


def _equality_classes(
    terms: Iterable[exp.Expression], members: Members, relations: Sequence[Relation], columns: Columns
) -> list[EqualityClass]:
    types = _inner_types(members)
    home = {column.id: index for index in bits(members.inner) for column in logical.schema(members.relations[index])}
    groups: dict[ColumnId, list[ColumnId]] = {}
    for term in terms:
        pair = class_columns(term)
        if pair is None or not _is_class_term(term, types):
            continue
        first, second = (groups.setdefault(column, [column]) for column in pair)
        if first is not second:
            first += second
            for column in second:
                groups[column] = first
    found: list[EqualityClass] = []
    for group in {id(group): group for group in groups.values()}.values():
        item = EqualityClass()
        for column in group:
            index = home[column]
            distinct = columns[column].distinct or max(1.0, relations[index].estimate.rows * DEFAULT_KEY_SHARE)
            item.mask |= 1 << index
            item.members.setdefault(index, []).append(column)
            item.distinct[index] = min(distinct, item.distinct.get(index, distinct))
        found.append(item)
    return found


def _shared_keys(
    members: Members, relations: Sequence[Relation], classes: Sequence[EqualityClass]
) -> list[tuple[int, float]]:
    """For relations joined by several keys at once: what the product of the keys' selectivities is too small by.

    The combinations that exist are no more than the smaller relation has rows, before any filter on it.
    """
    corrections: list[tuple[int, float]] = []
    shared: dict[int, list[EqualityClass]] = {}
    for item in classes:
        indexes = list(bits(item.mask & members.inner))
        for place, first in enumerate(indexes):
            for second in indexes[place + 1 :]:
                shared.setdefault(1 << first | 1 << second, []).append(item)
    for pair, keys in shared.items():
        if len(keys) < 2:
            continue
        first, second = bits(pair)
        combinations = 1.0
        for item in keys:
            combinations *= max(item.distinct[first], item.distinct[second])
        largest = max(max(item.distinct[first], item.distinct[second]) for item in keys)
        existing = min(relations[index].estimate.domain for index in (first, second))
        corrections.append((pair, combinations / min(combinations, max(largest, existing))))
    return corrections


def _common_keys(
    relations: Sequence[Relation], classes: Sequence[EqualityClass], statistics: Columns
) -> list[tuple[int, float]]:
    """For relations that share a class whose common values are known: what its selectivity is too small by."""
    corrections: list[tuple[int, float]] = []
    for item in classes:
        known = [index for index in sorted(item.members) if statistics[item.members[index][0]].common_values]
        # Of three and more, neighbours are corrected: a factor for every pair would count a value too often.
        for first, second in pairwise(known):
            one, other = (statistics[item.members[index][0]] for index in (first, second))
            share = common_selectivity(one, other)
            if share is not None:
                corrections.append((1 << first | 1 << second, share * max(item.distinct[first], item.distinct[second])))
    return corrections


def _edge(
    term: exp.Expression, columns: Sequence[frozenset[ColumnId]], statistics: Columns, rules: Sequence[Rule]
) -> Edge:
    used = relations_of([term], columns)
    mask = closure(used, rules)
    operands = equality(term)
    if operands is not None:
        first, second = (closure(relations_of([side], columns), rules) for side in operands)
        if first and second and not first & second:
            return Edge(term, mask, selectivity(term, statistics), True, ((first, second),))
    parts = {closure(1 << index, rules) for index in bits(used)}
    sides = {frozenset((part, mask & ~part)) for part in parts if mask & ~part}
    pairs = tuple((min(item), max(item)) for item in sides)
    return Edge(term, mask, selectivity(term, statistics), False, tuple(sorted(pairs)))


def _join_operator(
    item: Operator,
    place: Placement,
    relations: Sequence[Relation],
    columns: Sequence[frozenset[ColumnId]],
    statistics: Columns,
) -> JoinOperator:
    """The operator with its rows: estimated for the largest relations that its condition refers to."""
    right_columns = frozenset(column for index in bits(item.right) for column in columns[index])
    needs = relations_of(item.terms, columns)
    sides = []
    for mask in (needs & item.left or item.left, needs & item.right or item.right):
        known = [relations[index].estimate for index in bits(mask)]
        both = {column: facts for estimate in known for column, facts in estimate.columns.items()}
        sides.append((max(one.rows for one in known), both, max(one.domain for one in known)))
    kind = JoinKind.INNER if item.kind is JoinKind.FULL else item.kind
    rows = join_rows(kind, item.terms, sides[0], sides[1])
    factor = rows / max(1.0, sides[0][0])
    hashed = any(_splits(term, right_columns) for term in item.terms)
    if item.kind is JoinKind.FULL:
        factor /= max(1.0, sides[1][0])
        hashed = bool(key_pairs(item.terms, sides[0][1], sides[1][1])[0])
    return JoinOperator(item, place, hashed, factor)


def _splits(term: exp.Expression, side: frozenset[ColumnId]) -> bool:
    """Whether a term is an equality between something of one side and something of the other."""
    operands = equality(term)
    if operands is None:
        return isinstance(unwrap(term), exp.NullSafeEQ)
    first, second = columns_of(operands[0]), columns_of(operands[1])
    if not first or not second:
        return False
    return (first <= side and second.isdisjoint(side)) or (second <= side and first.isdisjoint(side))


def _connect(graph: JoinGraph, members: Members) -> None:
    """Fill in what is next to what: by classes, by edges, by operators, and where nothing else helps by nothing."""
    count = len(graph.relations)
    near, hashed = [0] * count, [0] * count
    for item in graph.classes:
        for index in bits(item.mask):
            near[index] |= item.mask & ~(1 << index)
            hashed[index] |= item.mask & ~(1 << index)
    pairs = [(edge.hashed, sides) for edge in graph.edges for sides in edge.sides]
    pairs += [(False, (item.placement.left, item.placement.right)) for item in graph.operators]
    for by_hash, (one, other) in pairs:
        if one & (one - 1) or other & (other - 1):
            graph.hyperedges.append((one, other))
            continue
        for mask, index in ((one, other.bit_length() - 1), (other, one.bit_length() - 1)):
            near[index] |= mask
            hashed[index] |= mask if by_hash else 0
    graph.neighbours, graph.hash_neighbours = near, hashed
    if count <= MOST_CROSSED:
        _cross_tiny(graph, members)
        _cross_parts(graph)
        graph.only_equalities = not graph.hyperedges and near == hashed


def _cross_tiny(graph: JoinGraph, members: Members) -> None:
    """Let tiny relations be multiplied: a table that is joined with both is then looked up once instead of twice."""
    estimates = [item.estimate for item in graph.relations]
    tiny = [index for index in bits(members.inner) if estimates[index].rows <= TINY_ROWS]
    for place, first in enumerate(tiny):
        for second in tiny[place + 1 :]:
            one, other = estimates[first], estimates[second]
            if one.rows * other.rows <= TINY_ROWS and one.domain * other.domain <= TINY_DOMAIN:
                _cross(graph, 1 << first, 1 << second)


def _cross_parts(graph: JoinGraph) -> None:
    """Let parts that no condition connects be multiplied: single relations with any other one, others as a whole."""
    parts = connected_parts(graph)
    for place, one in enumerate(parts):
        for other in parts[place + 1 :]:
            if not other & (other - 1):
                _cross(graph, other, one)
            elif not one & (one - 1):
                _cross(graph, one, other)
            else:
                graph.hyperedges.append((one, other))


def _cross(graph: JoinGraph, single: int, others: int) -> None:
    graph.neighbours[single.bit_length() - 1] |= others
    for index in bits(others):
        graph.neighbours[index] |= single


def connected_parts(graph: JoinGraph) -> list[int]:
    """The largest sets of relations that can be joined without a cross product."""
    left = [1 << index for index in range(len(graph.relations))]
    found: list[int] = []
    while left:
        part = left.pop()
        other = next((item for item in left + found if graph.connected(part, item)), None)
        if other is None:
            found.append(part)
        else:
            left = [item for item in left if item != other] + [part | other]
            found = [item for item in found if item != other]
    return sorted(found)
