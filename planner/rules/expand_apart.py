"""Let each reader of a shared plan compute its own part, where no two of them can ever read the same row."""

from collections.abc import Sequence
from itertools import combinations

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.column_ids import ColumnIds
from shoal.planner.logical import Node, SharedPlan, SharedScan
from shoal.planner.rules.contradictions import ColumnTypes, contradict
from shoal.planner.rules.decorrelate_columns import copy_fresh
from shoal.planner.rules.shared_readers import MOST_READERS
from shoal.planner.scalar import columns_of, conjuncts, is_volatile, rename
from shoal.planner.tree import find, transform_up


def expand_apart(root: Node, plans: Sequence[SharedPlan], ids: ColumnIds) -> tuple[Node, tuple[SharedPlan, ...]]:
    """The plan with such shared plans in the place of their scans, and those that are still shared.

        Filter(kind = 's', SharedScan t)   Filter(kind = 'w', SharedScan t)
        ->  Filter(kind = 's', <t>)        Filter(kind = 'w', <t>)

    A sum of floats may differ in its last bit each time it is computed; that is seen only by who sees it twice. Does
    not fire where filters are of what may differ, where one reader has none, nor where another shared plan reads this
    one.
    """
    inner = {scan.key for plan in plans for scan in find(plan.root, SharedScan)}
    apart = {plan.key: plan for plan in plans if plan.apart and plan.key not in inner and _are_apart(plan, root)}
    if not apart:
        return root, tuple(plans)

    def expand(node: Node) -> Node:
        if not isinstance(node, SharedScan) or node.key not in apart:
            return node
        names = dict(zip(node.origins, (column.id for column in node.columns), strict=True))
        plan = apart[node.key].root
        return plan if all(old == new for old, new in names.items()) else copy_fresh(plan, ids, names)[0]

    return transform_up(root, expand), tuple(plan for plan in plans if plan.key not in apart)


def _are_apart(plan: SharedPlan, root: Node) -> bool:
    """Whether the filters of any two readers exclude each other."""
    filters = {id(node.input): node.predicate for node in find(root, logical.Filter)}
    types = ColumnTypes(plan.root)
    wanted: list[list[exp.Expression]] = []
    for scan in (scan for scan in find(root, SharedScan) if scan.key == plan.key):
        names = dict(zip((column.id for column in scan.columns), scan.origins, strict=True))
        terms = [term for term in conjuncts(filters.get(id(scan))) if columns_of(term) <= names.keys()]
        renamed = [rename(term, names) for term in terms if not is_volatile(term)]
        wanted.append([term for term in renamed if columns_of(term) <= plan.apart])
    if not 1 < len(wanted) <= MOST_READERS:
        return False
    return all(contradict([*one, *other], types) for one, other in combinations(wanted, 2))
