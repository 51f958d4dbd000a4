"""Plans that several places of a query read, put where they are read."""

from shoal.planner import logical, tree
from shoal.planner.column_ids import ColumnIds
from shoal.planner.logical import Node, Query
from shoal.planner.rules.decorrelate_columns import copy_fresh


def expand_free(query: Query, ids: ColumnIds) -> Query:
    """The query with every plan that its readers may compute for themselves in the place of its scans.

    The query as it was is its ``folded`` form.
    """
    if not any(plan.free for plan in query.shared):
        return query
    free: dict[str, Node] = {}

    def expand(node: Node) -> Node:
        if not isinstance(node, logical.SharedScan) or node.key not in free:
            return node
        names = dict(zip(node.origins, (column.id for column in node.columns), strict=True))
        root = free[node.key]
        return root if all(old == new for old, new in names.items()) else copy_fresh(root, ids, names)[0]

    kept: list[logical.SharedPlan] = []
    for plan in query.shared:
        root = tree.transform_up(plan.root, expand)
        if plan.free:
            free[plan.key] = root
        else:
            kept.append(logical.SharedPlan(plan.key, root, plan.apart))
    root = tree.transform_up(query.root, expand)
    return Query(root, query.outputs, query.names, query.types, tuple(kept), query)
