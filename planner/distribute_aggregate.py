"""The ways to distribute one aggregate: in one step where its groups are together, or in two around an exchange."""

from dataclasses import replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner import physical as p
from shoal.planner.candidate import Candidate, Prices, gathered, hashed
from shoal.planner.cost.model import GROUP_NEW, GROUP_ROW, PROBE_ROW, RECEIVE_BYTE
from shoal.planner.distribution import (
    Distribution,
    Hash,
    HashSlot,
    Single,
    groups_together,
    is_spread,
    restricted,
)
from shoal.planner.functions import (
    EXPORTED,
    ORDER_FREE,
    RECOMBINED,
    aggregate_call,
    function_name,
    is_distinct,
    state_type,
)
from shoal.planner.group_ranges import in_ranges
from shoal.planner.physical import AggregatePhase
from shoal.planner.stage import Estimate
from shoal.planner.types import is_floating


def aggregate_candidates(
    node: logical.Aggregate,
    inputs: list[Candidate],
    estimate: Estimate,
    prices: Prices,
    argument_types: dict[str, str],
    heavy: float = 0.0,
    ranges: p.GroupRanges | None = None,
) -> list[Candidate]:
    """Every useful way to aggregate; at least one for each input. One group has the share ``heavy`` of all rows.

    Groups that are made where their table is scanned are made in ``ranges``.
    """
    found: list[Candidate] = []
    keys = frozenset(column.id for column in node.keys)
    for item in inputs:
        if node.partial:
            found.append(_in_pieces(node, item, estimate, prices))
            continue
        if groups_together(item.distribution, keys) and (keys or not is_spread(item.distribution)):
            whole = in_ranges(_complete(node, item, estimate, prices), ranges)
            types = _state_types(node, argument_types) if heavy and is_spread(item.distribution) else None
            found.append(whole if types is None else _uneven(whole, item, heavy, prices))
            found += [] if types is None else _two_steps(node, item, estimate, prices, types, heavy)
            continue
        moved = _moved(node, item, prices)
        types = _state_types(node, argument_types)
        if moved is not None:
            found.append(_uneven(_complete(node, moved, estimate, prices), item, heavy, prices))
        if types is not None:
            found += _two_steps(node, item, estimate, prices, types, heavy)
        elif moved is None:
            found.append(_complete(node, gathered(item, prices), estimate, prices))
    return found


def _in_pieces(node: logical.Aggregate, item: Candidate, estimate: Estimate, prices: Prices) -> Candidate:
    """The groups of each task, wherever the rows are."""
    keys = frozenset(column.id for column in node.keys)
    together = groups_together(item.distribution, keys)
    pieces = 1 if together else prices.tasks
    rows = max(1.0, min(item.plan.estimate.rows, estimate.rows * pieces))
    size = replace(estimate, rows=rows, bytes=estimate.bytes / max(1.0, estimate.rows) * rows)
    found = _complete(node, item, size, prices)
    if together or not isinstance(found.plan, p.HashAggregate):
        return found
    return replace(found, plan=replace(found.plan, pieces=True))


def _moved(node: logical.Aggregate, item: Candidate, prices: Prices) -> Candidate | None:
    """The input with its groups brought together by the hash of the keys; None without usable keys."""
    slots = tuple(HashSlot(frozenset({column.id}), column.type) for column in node.keys)
    return hashed(item, Hash(slots), prices) if slots else None


def _complete(node: logical.Aggregate, item: Candidate, estimate: Estimate, prices: Prices) -> Candidate:
    plan = p.HashAggregate(item.plan, node.keys, node.assignments, AggregatePhase.COMPLETE, estimate)
    kept = frozenset(column.id for column in node.keys)
    distribution: Distribution = restricted(item.distribution, kept)
    stable = item.stable and is_stable(node)
    if not stable and not is_spread(distribution):
        distribution = Single()
    seconds = _work(item.plan.estimate.rows, estimate.rows) / prices.share(item.distribution)
    return Candidate(plan, distribution, item.seconds + seconds, stable)


def _uneven(whole: Candidate, item: Candidate, heavy: float, prices: Prices) -> Candidate:
    """The aggregate whose one task gets all rows of the heavy group, with which it was received and joined, too."""
    rows, size = item.plan.estimate.rows, item.plan.estimate.bytes
    seconds = (rows * (GROUP_ROW + PROBE_ROW) + size * RECEIVE_BYTE) / prices.share(whole.distribution)
    return replace(whole, seconds=whole.seconds + seconds * heavy * (prices.tasks - 1))


def _two_steps(
    node: logical.Aggregate,
    item: Candidate,
    estimate: Estimate,
    prices: Prices,
    types: tuple[tuple[str, ...], ...],
    heavy: float = 0.0,
) -> list[Candidate]:
    """Partial results in each task, combined in the tasks that the keys name, or (few groups) all in one place."""
    rows = item.plan.estimate.rows
    partial_rows = min(rows, estimate.rows * prices.tasks)
    size = Estimate(partial_rows, estimate.bytes / max(1.0, estimate.rows) * partial_rows)
    reason = f"one group has {100 * heavy:.0f} % of the rows" if heavy else ""
    partial = p.HashAggregate(item.plan, node.keys, node.assignments, AggregatePhase.PARTIAL, size, types, reason)
    kept = frozenset(column.id for column in node.keys)
    seconds = item.seconds + _work(rows, partial_rows) / prices.share(item.distribution)
    part = Candidate(partial, restricted(item.distribution, kept), seconds, item.stable)
    moved = _moved(node, part, prices)
    found: list[Candidate] = []
    for one in (gathered(part, prices), *([moved] if moved is not None else [])):
        plan = p.HashAggregate(one.plan, node.keys, node.assignments, AggregatePhase.FINAL, estimate, types)
        stable = one.stable and is_stable(node)
        distribution: Distribution = one.distribution
        if not stable and not is_spread(distribution):
            distribution = Single()
        work = _work(partial_rows, estimate.rows) / prices.share(one.distribution)
        found.append(Candidate(plan, distribution, one.seconds + work, stable))
    return found


def _work(rows: float, groups: float) -> float:
    return rows * GROUP_ROW + groups * GROUP_NEW


def is_stable(node: logical.Aggregate) -> bool:
    """Whether two computations over the same rows in other orders give the same result to the last bit."""
    for item in node.assignments:
        call = aggregate_call(item.expression)
        if function_name(call) not in ORDER_FREE or is_floating(item.column.type):
            return False
    return True


def is_splittable(expression: exp.Expression) -> bool:
    """Whether an aggregate call can be made of partial results."""
    call = aggregate_call(expression)
    if is_distinct(expression) or call.args.get("order") is not None:
        return False
    name = function_name(call)
    arguments = call_arguments(call)
    if any(isinstance(item, (exp.Order, exp.Distinct)) for item in arguments):
        return False
    if name in RECOMBINED:
        return len(arguments) <= 1
    return name in EXPORTED and bool(arguments)


def call_arguments(call: exp.Expression) -> list[exp.Expression]:
    """The arguments of an aggregate call; none for ``count(*)``."""
    if isinstance(call, exp.Anonymous):
        return list(call.expressions)
    found: list[exp.Expression] = []
    for value in call.args.values():  # under whatever name: the n of max(x, n) is called count
        found += value if isinstance(value, list) else [value] if isinstance(value, exp.Expression) else []
    return [item for item in found if not isinstance(item, exp.Star)]


def exported_arguments(node: logical.Aggregate) -> list[exp.Expression]:
    """The arguments whose types the kernel must tell before a state can be read back."""
    found: list[exp.Expression] = []
    for item in node.assignments:
        call = aggregate_call(item.expression)
        if is_splittable(item.expression) and function_name(call) in EXPORTED:
            found += call_arguments(call)
    return found


def _state_types(node: logical.Aggregate, known: dict[str, str]) -> tuple[tuple[str, ...], ...] | None:
    """The argument types of each exported aggregate (empty for the others); None if one cannot be split."""
    found: list[tuple[str, ...]] = []
    for item in node.assignments:
        if not is_splittable(item.expression):
            return None
        call = aggregate_call(item.expression)
        exported = function_name(call) in EXPORTED
        texts = [argument.sql("duckdb") for argument in call_arguments(call)] if exported else []
        types = [state_type(function_name(call), known.get(text, "")) for text in texts]
        if any(type is None for type in types):
            return None
        found.append(tuple(type for type in types if type is not None))
    return tuple(found)
