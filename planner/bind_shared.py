"""Common table expressions and views that a statement names more than once: bound once, whoever names them.

When the whole statement is bound it is known how often each is read, and whether computing it again gives the same rows
to the last bit. Then every reader may compute it for itself, as its own filters allow; otherwise it stays shared.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from shoal.planner import tree
from shoal.planner.bind_expression import BoundQuery
from shoal.planner.bind_repeatable import computes_alike, stable_columns
from shoal.planner.column_ids import ColumnIds
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Column, KernelBlock, Limit, Node, Query, SharedPlan, SharedScan, Window, schema
from shoal.planner.protocols import Kernel
from shoal.planner.rules.decorrelate_columns import copy_fresh
from shoal.planner.rules.decorrelate_repeatable import why_unrepeatable
from shoal.planner.typing import assign_types


@dataclass(slots=True)
class _Definition:
    """What a name stands for: its typed plan and outputs; ``once``: what the statement says of computing it once."""

    of: object
    plan: SharedPlan
    outputs: tuple[tuple[str, ColumnId], ...]
    once: bool | None
    readers: int = 0


@dataclass(slots=True)
class SharedTables:
    """The definitions of one statement, in an order in which each names only those before it."""

    kernel: Kernel
    ids: ColumnIds
    _known: dict[int, _Definition] = field(default_factory=dict)

    def read(self, name: str, of: object, bind: Callable[[], BoundQuery], *, once: bool | None = None) -> BoundQuery:
        """One more scan of what ``of`` (by identity) defines; it is bound when it is read for the first time."""
        known = self._known.get(id(of))
        if known is None:
            bound = bind()
            outputs = tuple(id for _, id in bound.outputs)
            root = assign_types(Query(bound.node, outputs, (), ()), self.kernel).root
            known = _Definition(of, SharedPlan(self._key(name), root), bound.outputs, once)
            # Binding has added what this definition reads, so that now it comes after all of it.
            self._known[id(of)] = known
        return self._scan(known)

    def resolve(self, query: Query) -> Query:
        """The query with every definition put in the place of its scans, but for those that have to be shared, and
        those that may be because several scans read them."""
        if not self._known:
            return query
        kept = self._kept(query.root)
        plans: dict[str, Node] = {}
        shared: list[SharedPlan] = []
        for known in self._known.values():
            root = self._expanded(known.plan.root, plans)
            if known.plan.key in kept:
                free = not kept[known.plan.key]
                apart = frozenset() if known.once or free else stable_columns(root) or frozenset()
                shared.append(replace(known.plan, root=root, apart=apart, free=free))
            else:
                plans[known.plan.key] = root
        return replace(query, root=self._expanded(query.root, plans), shared=tuple(shared))

    def _key(self, name: str) -> str:
        taken = {known.plan.key.lower() for known in self._known.values()}
        key, number = name, 2
        while key.lower() in taken:
            key, number = f"{name}_{number}", number + 1
        return key

    def _scan(self, known: _Definition) -> BoundQuery:
        columns = schema(known.plan.root)
        fresh = columns
        if known.readers:
            fresh = tuple(Column(self.ids.fresh(column.id), column.type) for column in columns)
        known.readers += 1
        origins = tuple(column.id for column in columns)
        names = dict(zip(origins, (column.id for column in fresh), strict=True))
        outputs = tuple((label, names[id]) for label, id in known.outputs)
        return BoundQuery(SharedScan(known.plan.key, fresh, origins), outputs)

    def _kept(self, root: Node) -> dict[str, bool]:
        """The definitions that are read more than once, and whether they may then differ or are wanted once.

        Of the others, those are left out that the statement wants computed for each reader.
        """
        times: Counter[str] = Counter()
        _count(root, 1, times)
        kept: dict[str, bool] = {}
        for known in reversed(self._known.values()):
            key = known.plan.key
            if times[key] > 1:
                must = known.once is True or not self._is_repeatable(known)
                if must or known.once is None:
                    kept[key] = must
            _count(known.plan.root, 1 if kept.get(key) else times[key], times)
        return kept

    def _is_repeatable(self, known: _Definition) -> bool:
        root = known.plan.root
        if why_unrepeatable(root) is None:
            return True
        if any(isinstance(node, (KernelBlock, Limit, Window)) for node in tree.walk(root)):
            return False
        return computes_alike(BoundQuery(root, known.outputs), self.kernel)

    def _expanded(self, root: Node, plans: dict[str, Node]) -> Node:
        def expand(node: Node) -> Node:
            if not isinstance(node, SharedScan) or node.key not in plans:
                return node
            plan = plans[node.key]
            names = dict(zip(node.origins, (column.id for column in node.columns), strict=True))
            return plan if all(old == new for old, new in names.items()) else copy_fresh(plan, self.ids, names)[0]

        return tree.transform_up(root, expand)


def _count(root: Node, weight: int, times: Counter[str]) -> None:
    """Add the scans of shared plans in a plan that is itself read so many times."""
    for node in tree.find(root, SharedScan):
        times[node.key] += weight
