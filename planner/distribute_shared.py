"""How the rows of a shared plan are made and read: one stage delivers them, parted as its readers would like best.

A reader may take the part of its own task, or all rows; where it needs them by another key, they move once more.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from shoal.planner import logical, tree
from shoal.planner import physical as p
from shoal.planner.candidate import Candidate, Prices
from shoal.planner.cost.model import PROBE_ROW, RECEIVE_BYTE
from shoal.planner.distribution import Arbitrary, Distribution, Hash, HashSlot, Whole
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment, Node, SharedPlan, SharedScan
from shoal.planner.physical import ExchangeKind
from shoal.planner.scalar import column_ref, conjuncts
from shoal.planner.stage import Estimate

LEAST_PARTED_ROWS = 1000
"""Rows from which they may be parted: fewer are in one piece, of which every task may read all."""

LEAST_VALUES = 4
"""Distinct values of a key for each task, from which on rows are worth parting by it."""


@dataclass(frozen=True, slots=True)
class SharedRows:
    """The exchange that every reader of a shared plan reads, how its parts lie, and the seconds to fill it once."""

    exchange: p.Exchange
    distribution: Distribution
    seconds: float


def share_rows(
    plan: SharedPlan,
    candidates: Iterable[Candidate],
    readers: Sequence[Node],
    distinct: Mapping[ColumnId, float],
    prices: Prices,
) -> SharedRows:
    """The cheapest way to make a plan's rows for all ``readers``: all in one piece, or parted.

    ``distinct`` are the distinct values of its columns, as far as they are known.
    """
    scans = sum(1 for reader in readers for scan in tree.find(reader, SharedScan) if scan.key == plan.key)
    kinds = [_whole()]
    candidates = list(candidates)
    if prices.tasks > 1 and min(item.plan.estimate.rows for item in candidates) >= LEAST_PARTED_ROWS:
        kinds.append(_parted(plan, readers, distinct, prices))
    found = [_made(plan.key, item, kind, scans, prices) for item in candidates for kind in kinds]
    rows, _ = min(found, key=lambda pair: pair[0].seconds + pair[1])
    return rows if prices.tasks > 1 else replace(rows, seconds=min(item.seconds for item in candidates))


def read_shared(node: SharedScan, rows: SharedRows, prices: Prices) -> list[Candidate]:
    """The ways to read a shared plan: each task all of it, or its own part."""
    made = rows.exchange
    whole = p.Exchange(made.input, ExchangeKind.GATHER, made.estimate, once=made.once)
    found = [_read(node, whole, Whole(), prices)]
    if made.kind is not ExchangeKind.GATHER:
        found.append(_read(node, replace(made), rows.distribution, prices))
    return found


_Kind = tuple[ExchangeKind, Distribution]


def _whole() -> _Kind:
    return ExchangeKind.GATHER, Whole()


def _parted(plan: SharedPlan, readers: Sequence[Node], distinct: Mapping[ColumnId, float], prices: Prices) -> _Kind:
    """Parted by the column that most readers join or group by; rows in turn if there is none."""
    types = {column.id: column.type for column in logical.schema(plan.root)}
    wishes = _wished_columns(plan.key, readers)
    fit = [key for key in wishes if distinct.get(key, 0.0) >= LEAST_VALUES * prices.tasks and key in types]
    if not fit:
        return ExchangeKind.ROUND_ROBIN, Arbitrary()
    key = max(fit, key=lambda key: (wishes[key], distinct[key], key))
    return ExchangeKind.HASH, Hash((HashSlot(frozenset({key}), types[key]),))


def _made(key: str, item: Candidate, kind: _Kind, scans: int, prices: Prices) -> tuple[SharedRows, float]:
    """The rows made in one way, and what reading them costs so many scans."""
    word, distribution = kind
    slots = distribution.slots if isinstance(distribution, Hash) else ()
    keys, types = tuple(min(slot.columns) for slot in slots), tuple(slot.type for slot in slots)
    exchange = p.Exchange(item.plan, word, item.plan.estimate, keys, types, once=key)
    estimate = item.plan.estimate
    readers = prices.tasks if isinstance(distribution, (Hash, Arbitrary)) else 1
    work = estimate.rows * PROBE_ROW / prices.threads + estimate.bytes * RECEIVE_BYTE
    return SharedRows(exchange, distribution, item.seconds + prices.exchange(item, word)), scans * work / readers


def _read(node: SharedScan, exchange: p.Exchange, distribution: Distribution, prices: Prices) -> Candidate:
    names: dict[ColumnId, ColumnId] = {}
    for column, origin in zip(node.columns, node.origins, strict=True):
        names.setdefault(origin, column.id)
    if isinstance(distribution, Hash):
        slots = [
            replace(slot, columns=frozenset(names[key] for key in slot.columns & names.keys()))
            for slot in distribution.slots
        ]
        distribution = Hash(tuple(slots)) if all(slot.columns for slot in slots) else Arbitrary()
    readers = 1 if isinstance(distribution, Whole) else prices.tasks
    seconds = exchange.estimate.bytes * RECEIVE_BYTE / readers
    if tuple(column.id for column in p.schema(exchange)) == tuple(column.id for column in node.columns):
        return Candidate(exchange, distribution, seconds)
    pairs = zip(node.columns, node.origins, strict=True)
    assignments = tuple(Assignment(column, column_ref(origin)) for column, origin in pairs)
    estimate = exchange.estimate
    share = len(node.columns) / max(1, len(p.schema(exchange)))
    plan = p.Project(exchange, assignments, Estimate(estimate.rows, estimate.bytes * share, estimate.origin))
    return Candidate(plan, distribution, seconds)


def _wished_columns(key: str, readers: Iterable[Node]) -> Counter[ColumnId]:
    """How many joins, groups and windows above the scans of a shared plan match rows by each of its columns."""
    wishes: Counter[ColumnId] = Counter()
    for reader in readers:
        known: dict[ColumnId, ColumnId] = {}
        for node in reversed(list(tree.walk(reader))):
            if isinstance(node, SharedScan) and node.key == key:
                known |= {column.id: origin for column, origin in zip(node.columns, node.origins, strict=True)}
            elif isinstance(node, logical.Project):
                for item in node.assignments:
                    if isinstance(item.expression, exp.Column) and item.expression.name in known:
                        known[item.column.id] = known[ColumnId(item.expression.name)]
            else:
                wishes.update({known[column] for column in _matched(node) if column in known})
    return wishes


def _matched(node: Node) -> Iterable[ColumnId]:
    """The columns by which a node brings rows together."""
    match node:
        case logical.Join():
            terms = [term for term in conjuncts(node.condition) if isinstance(term, (exp.EQ, exp.NullSafeEQ))]
            sides = [side for term in terms for side in (term.this, term.expression)]
            return [ColumnId(side.name) for side in sides if isinstance(side, exp.Column)]
        case logical.Aggregate():
            return [column.id for column in node.keys]
        case logical.Window():
            keys = [key for item in node.assignments for key in item.expression.args.get("partition_by") or []]
            return [ColumnId(key.name) for key in keys if isinstance(key, exp.Column)]
        case _:
            return []
