"""The ways to distribute one join, with their prices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner import physical as p
from shoal.planner.candidate import Candidate, exchanged_whole, hashed, prices_of
from shoal.planner.cost.model import (
    BUILD_BYTE,
    BUILD_LEFT_FACTOR,
    BUILD_ROW,
    CELL_BYTES,
    JOIN_CELL,
    NESTED_PAIR,
    PROBE_ROW,
    build_memory_bytes,
    spill_seconds,
)
from shoal.planner.distribute_semi import reduced_semi_join
from shoal.planner.distribution import (
    Arbitrary,
    Distribution,
    Hash,
    HashSlot,
    Single,
    Whole,
    is_spread,
    with_equalities,
    without_nulls,
)
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind, Node
from shoal.planner.options import JoinStrategy, PlanOptions
from shoal.planner.physical import HashJoin
from shoal.planner.scalar import conjuncts
from shoal.planner.stage import Estimate
from shoal.planner.types import common_type

_KEEPS_LEFT = (JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI, JoinKind.ANTI)
_KEEPS_RIGHT = (JoinKind.INNER, JoinKind.RIGHT)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An equality between a column of each side, and the type in which both are hashed.

    ``null_safe``: a NULL on each side is a match.
    """

    left: ColumnId
    right: ColumnId
    type: str
    null_safe: bool = False


def key_pairs(node: logical.Join) -> list[KeyPair]:
    """The equalities of a join's condition between plain columns of the two sides."""
    left = {column.id: column.type for column in logical.schema(node.left)}
    right = {column.id: column.type for column in logical.schema(node.right)}
    pairs: list[KeyPair] = []
    for term in conjuncts(node.condition):
        if not isinstance(term, (exp.EQ, exp.NullSafeEQ)):
            continue
        if not isinstance(term.this, exp.Column) or not isinstance(term.expression, exp.Column):
            continue
        one, other = ColumnId(term.this.name), ColumnId(term.expression.name)
        if one in right and other in left:
            one, other = other, one
        if one not in left or other not in right:
            continue
        type = common_type(left[one], right[other])
        if type is not None and all(pair.left != one and pair.right != other for pair in pairs):
            pairs.append(KeyPair(one, other, type, isinstance(term, exp.NullSafeEQ)))
    return pairs


def join_candidates(
    node: logical.Join,
    left: list[Candidate],
    right: list[Candidate],
    estimate: Estimate,
    options: PlanOptions,
    heavy_share: Callable[[Node, Sequence[ColumnId]], float],
) -> list[Candidate]:
    """Every useful way to bring the two sides together, of each distribution the cheapest; at least one.

    ``heavy_share`` tells how much of a side one value of its keys holds.
    """
    context = _JoinContext(node, estimate, options, key_pairs(node))
    context.expect_skew(heavy_share)
    lefts = [_Side(item, context, is_left=True) for item in left]
    rights = [_Side(item, context, is_left=False) for item in right]
    for one in lefts:
        for other in rights:
            context.combine(one, other)
    return list(context.found.values())


class _Side:
    """One plan of one side, and what it becomes behind an exchange: made once, when first asked for."""

    def __init__(self, item: Candidate, context: "_JoinContext", *, is_left: bool) -> None:
        self.item = item
        self.spread = is_spread(item.distribution)
        self.aligned = context.aligned(item, is_left) if context.pairs else None
        self._context = context
        self._is_left = is_left
        self._sent: Candidate | None = None
        self._moved: Candidate | None = None

    @property
    def sent(self) -> Candidate:
        """The plan with all its rows in every task; two computations of it give the same rows."""
        if self._sent is None:
            ready = self.item.distribution == Whole() and self.item.stable
            self._sent = self.item if ready else exchanged_whole(self.item, self._context.prices)
        return self._sent

    @property
    def moved(self) -> Candidate:
        """The plan with its rows parted by the hash of all keys."""
        if self._moved is None:
            self._moved = hashed(self.item, self._context.hashes[0 if self._is_left else 1], self._context.prices)
        return self._moved


class _JoinContext:
    """One join being distributed; ``found`` is the cheapest plan of each distribution and stability so far."""

    def __init__(self, node: logical.Join, estimate: Estimate, options: PlanOptions, pairs: list[KeyPair]) -> None:
        self.node = node
        self.estimate = estimate
        self.options = options
        self.pairs = pairs
        self.prices = prices_of(options)
        self.found: dict[tuple[Distribution, bool], Candidate] = {}
        self.hashes = [
            Hash(tuple(HashSlot(frozenset({pair.left if is_left else pair.right}), pair.type) for pair in pairs))
            for is_left in (True, False)
        ]
        self._reduces = (
            node.kind in (JoinKind.SEMI, JoinKind.ANTI)
            and options.join_strategy is JoinStrategy.AUTO
            and "reduce_semi_joins" not in options.disabled_rules
        )
        self._skew = ""
        self._equal = [(pair.left, pair.right) for pair in pairs]
        self._present = frozenset(pair.left for pair in pairs if not pair.null_safe)
        self._hashes_keys = bool(pairs) or any(
            isinstance(term, (exp.EQ, exp.NullSafeEQ)) for term in conjuncts(node.condition)
        )

    def expect_skew(self, heavy_share: Callable[[Node, Sequence[ColumnId]], float]) -> None:
        """Say of partitioned joins which side has one key that holds more than a task's share."""
        left, right = [pair.left for pair in self.pairs], [pair.right for pair in self.pairs]
        for word, side, keys in (("left", self.node.left, left), ("right", self.node.right, right)):
            if share := heavy_share(side, keys):
                self._skew += f"; one key holds {100 * share:.0f} % of the {word} rows, which tasks share if they can"

    def combine(self, one: _Side, other: _Side) -> None:
        """Consider the joins of one plan of each side."""
        left, right = one.item, other.item
        strategy = self.options.join_strategy
        kind = self.node.kind
        if not one.spread and not other.spread:
            where: Distribution = Whole() if left.distribution == right.distribution == Whole() else Single()
            self._offer(left, right, where, p.JoinStrategy.LOCAL, "both sides are whole in one task")
            return
        partitions = bool(self.pairs)
        broadcasts = (kind in _KEEPS_LEFT and one.spread) or (kind in _KEEPS_RIGHT and other.spread)
        if strategy is not JoinStrategy.PARTITIONED or not partitions:
            if kind in _KEEPS_LEFT and one.spread:
                self._offer(left, other.sent, left.distribution, p.JoinStrategy.BROADCAST, "right")
            if kind in _KEEPS_RIGHT and other.spread:
                self._offer(one.sent, right, right.distribution, p.JoinStrategy.BROADCAST, "left")
        if partitions and (strategy is not JoinStrategy.BROADCAST or not broadcasts):
            self._partition(one, other)
        reduced = None
        if self._reduces:
            reduced = reduced_semi_join(self.node, self._equalities(), left, right, self.estimate, self.prices)
        if reduced is not None:
            self._keep((reduced.distribution, reduced.stable), reduced)
        if not partitions and not broadcasts and reduced is None:
            sides = [exchanged_whole(side.item, self.prices) if side.spread else side.item for side in (one, other)]
            reason = "nothing to hash by and no side that may be sent to every task"
            self._offer(sides[0], sides[1], Single(), p.JoinStrategy.LOCAL, reason)

    def _partition(self, one: _Side, other: _Side) -> None:
        left, right = one.item, other.item
        if one.aligned is not None:
            theirs = _other_side(one.aligned, is_left=True)
            if isinstance(right.distribution, Hash) and _serves(right.distribution, theirs):
                self._parted(left, right, "both sides are parted alike already, so nothing moves")
            self._parted(
                left, hashed(right, theirs, self.prices), "the left side is parted by the key, the right moves"
            )
        if other.aligned is not None:
            ours = _other_side(other.aligned, is_left=False)
            moved = hashed(left, ours, self.prices)
            self._parted(moved, right, "the right side is parted by the key, the left moves")
        self._parted(one.moved, other.moved, "both sides are large: each row goes to the task of its key's hash")

    def _parted(self, left: Candidate, right: Candidate, reason: str) -> None:
        kind = self.node.kind
        where: Distribution = right.distribution if kind is JoinKind.RIGHT else left.distribution
        where = Arbitrary() if kind is JoinKind.FULL else where
        self._offer(left, right, where, p.JoinStrategy.PARTITIONED, reason + self._skew)

    def aligned(self, side: Candidate, is_left: bool) -> list[tuple[KeyPair, HashSlot]] | None:
        """The pairs, one for each slot, that a side's hash distribution is made of; None if it is of other keys."""
        if not isinstance(side.distribution, Hash):
            return None
        found: list[tuple[KeyPair, HashSlot]] = []
        for slot in side.distribution.slots:
            matches = [
                pair
                for pair in self.pairs
                if (pair.left if is_left else pair.right) in slot.columns
                and pair.type == slot.type
                and not (pair.null_safe and slot.nulls_apart)
            ]
            if not matches:
                return None
            found.append((matches[0], slot))
        return found

    def _offer(
        self, left: Candidate, right: Candidate, where: Distribution, strategy: p.JoinStrategy, reason: str
    ) -> None:
        """Keep the join of two sides, if nothing cheaper delivers the same; plans are written for these alone."""
        kind = self.node.kind
        build_left, seconds = self._price(left, right, where)
        seconds += left.seconds + right.seconds
        seconds += sum(self.prices.again(side) for side in _everywhere(left, right))
        if kind is JoinKind.INNER:
            where = with_equalities(where, self._equal)
        if kind in (JoinKind.INNER, JoinKind.SEMI):
            where = without_nulls(where, self._present)
        key = where, left.stable and right.stable
        if key in self.found and self.found[key].seconds <= seconds:
            return
        if strategy is p.JoinStrategy.BROADCAST:
            size = (right if reason == "right" else left).plan.estimate
            reason = f"every task gets the whole {reason} side: {size.rows:,.0f} rows, {size.bytes / 1e6:,.1f} MB"
        plan = HashJoin(kind, left.plan, right.plan, self.node.condition, strategy, build_left, reason, self.estimate)
        self._keep(key, Candidate(plan, where, seconds, key[1]))

    def _price(self, left: Candidate, right: Candidate, where: Distribution) -> tuple[bool, float]:
        """Whether the join builds on its left side, and the seconds that it takes without its inputs."""
        prices = self.prices
        one, other = left.plan.estimate, right.plan.estimate
        rows, sizes = (one.rows, other.rows), (one.bytes, other.bytes)
        everywhere = _everywhere(left, right)
        divided = [
            prices.share(side.distribution) / (prices.turns if side in everywhere else 1.0) for side in (left, right)
        ]
        each = rows[0] / divided[0], rows[1] / divided[1]
        turned = 1.0 if self.node.kind is JoinKind.INNER else BUILD_LEFT_FACTOR
        build_left = each[0] * turned < each[1]
        built, probed = (0, 1) if build_left else (1, 0)
        seconds = (rows[built] * BUILD_ROW + sizes[built] * BUILD_BYTE) / divided[built]
        tasks = [prices.tasks if is_spread(side.distribution) else 1 for side in (left, right)]
        each_bytes = sizes[built] / tasks[built], sizes[probed] / tasks[probed]
        seconds += spill_seconds(*each_bytes, build_memory_bytes(self.options.memory_bytes)) / prices.threads
        share = prices.share(where)
        if self._hashes_keys:
            seconds += rows[probed] * PROBE_ROW / divided[probed]
        else:
            seconds += rows[0] * rows[1] * NESTED_PAIR / share
        return build_left, seconds + self.estimate.bytes / CELL_BYTES * JOIN_CELL / share

    def _keep(self, key: tuple[Distribution, bool], item: Candidate) -> None:
        known = self.found.get(key)
        if known is None or item.seconds < known.seconds:
            self.found[key] = item

    def _equalities(self) -> list[exp.Expression]:
        """The terms of the condition that the key pairs stand for."""
        pairs = {frozenset({pair.left, pair.right}) for pair in self.pairs}
        terms = [term for term in conjuncts(self.node.condition) if isinstance(term, (exp.EQ, exp.NullSafeEQ))]
        return [term for term in terms if frozenset({term.this.name, term.expression.name}) in pairs]


def _everywhere(left: Candidate, right: Candidate) -> list[Candidate]:
    """The side of which every task has all rows, to join them with its part of the other."""
    spread = is_spread(left.distribution), is_spread(right.distribution)
    return [] if spread[0] == spread[1] else [right if spread[0] else left]


def _other_side(pairs: list[tuple[KeyPair, HashSlot]], *, is_left: bool) -> Hash:
    """How the other side has to be parted to meet a side that is parted by slots of the pairs."""
    return Hash(tuple(replace(slot, columns=frozenset({pair.right if is_left else pair.left})) for pair, slot in pairs))


def _serves(have: Hash, wanted: Hash) -> bool:
    """Whether rows parted as ``have`` are also parted as ``wanted``: the same slots in the same order."""
    return len(have.slots) == len(wanted.slots) and all(
        (mine.type, mine.bounds) == (theirs.type, theirs.bounds) and theirs.columns <= mine.columns
        for mine, theirs in zip(have.slots, wanted.slots, strict=True)
    )
