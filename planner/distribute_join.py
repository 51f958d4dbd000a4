"""The ways to distribute one join, with their prices."""

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
from shoal.planner.logical import JoinKind
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
) -> list[Candidate]:
    """Every useful way to bring the two sides together; at least one."""
    pairs = key_pairs(node)
    context = _JoinContext(node, estimate, options, pairs)
    found: list[Candidate] = []
    for one in left:
        for other in right:
            found += context.combinations(one, other)
    return found


@dataclass(slots=True)
class _JoinContext:
    node: logical.Join
    estimate: Estimate
    options: PlanOptions
    pairs: list[KeyPair]

    def combinations(self, left: Candidate, right: Candidate) -> list[Candidate]:
        """The joins of one plan of each side."""
        prices = prices_of(self.options)
        strategy = self.options.join_strategy
        kind = self.node.kind
        spread = is_spread(left.distribution), is_spread(right.distribution)
        if spread == (False, False):
            where: Distribution = Whole() if left.distribution == right.distribution == Whole() else Single()
            return [self._join(left, right, where, p.JoinStrategy.LOCAL, "both sides are whole in one task")]
        found: list[Candidate] = []
        partitioned = self._partitioned(left, right) if self.pairs else []
        broadcast: list[Candidate] = []
        if kind in _KEEPS_LEFT and spread[0]:
            build = right if right.distribution == Whole() and right.stable else exchanged_whole(right, prices)
            broadcast.append(self._broadcast(left, build, left.distribution, "right"))
        if kind in _KEEPS_RIGHT and spread[1]:
            build = left if left.distribution == Whole() and left.stable else exchanged_whole(left, prices)
            broadcast.append(self._broadcast(build, right, right.distribution, "left"))
        if strategy is not JoinStrategy.PARTITIONED or not partitioned:
            found += broadcast
        if strategy is not JoinStrategy.BROADCAST or not broadcast:
            found += partitioned
        if strategy is JoinStrategy.AUTO and "reduce_semi_joins" not in self.options.disabled_rules:
            reduced = reduced_semi_join(self.node, self._equalities(), left, right, self.estimate, prices)
            found += [] if reduced is None else [reduced]
        if not found:
            sides = [exchanged_whole(item, prices) if is_spread(item.distribution) else item for item in (left, right)]
            reason = "nothing to hash by and no side that may be sent to every task"
            found.append(self._join(sides[0], sides[1], Single(), p.JoinStrategy.LOCAL, reason))
        return found

    def _broadcast(self, left: Candidate, right: Candidate, where: Distribution, sent: str) -> Candidate:
        build = right if sent == "right" else left
        size = build.plan.estimate
        reason = f"every task gets the whole {sent} side: {size.rows:,.0f} rows, {size.bytes / 1e6:,.1f} MB"
        return self._join(left, right, where, p.JoinStrategy.BROADCAST, reason)

    def _partitioned(self, left: Candidate, right: Candidate) -> list[Candidate]:
        prices = prices_of(self.options)
        wanted: list[tuple[Candidate, Candidate, str]] = []
        aligned_left, aligned_right = self._aligned(left, True), self._aligned(right, False)
        if aligned_left is not None:
            theirs = self._other_side(aligned_left, True)
            if isinstance(right.distribution, Hash) and _serves(right.distribution, theirs):
                wanted.append((left, right, "both sides are parted alike already, so nothing moves"))
            wanted.append((left, hashed(right, theirs, prices), "the left side is parted by the key, the right moves"))
        if aligned_right is not None:
            ours = self._other_side(aligned_right, False)
            wanted.append((hashed(left, ours, prices), right, "the right side is parted by the key, the left moves"))
        sides = [
            Hash(tuple(HashSlot(frozenset({pair.left if is_left else pair.right}), pair.type) for pair in self.pairs))
            for is_left in (True, False)
        ]
        moved = hashed(left, sides[0], prices), hashed(right, sides[1], prices)
        wanted.append((*moved, "both sides are large: each row goes to the task of its key's hash"))
        return [
            self._join(one, other, self._delivered(one, other), p.JoinStrategy.PARTITIONED, reason)
            for one, other, reason in wanted
        ]

    def _aligned(self, side: Candidate, is_left: bool) -> list[tuple[KeyPair, HashSlot]] | None:
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

    def _other_side(self, pairs: list[tuple[KeyPair, HashSlot]], is_left: bool) -> Hash:
        return Hash(
            tuple(replace(slot, columns=frozenset({pair.right if is_left else pair.left})) for pair, slot in pairs)
        )

    def _delivered(self, left: Candidate, right: Candidate) -> Distribution:
        if self.node.kind is JoinKind.FULL:
            return Arbitrary()
        return right.distribution if self.node.kind is JoinKind.RIGHT else left.distribution

    def _join(
        self, left: Candidate, right: Candidate, where: Distribution, strategy: p.JoinStrategy, reason: str
    ) -> Candidate:
        kind = self.node.kind
        rows, sizes = (
            (left.plan.estimate.rows, right.plan.estimate.rows),
            (left.plan.estimate.bytes, right.plan.estimate.bytes),
        )
        prices = prices_of(self.options)
        spread = [is_spread(left.distribution), is_spread(right.distribution)]
        divided = [prices.threads * (prices.tasks if one else 1) for one in spread]
        each = [rows[side] / divided[side] for side in (0, 1)]
        build_left = each[0] < each[1] if kind is JoinKind.INNER else each[0] * BUILD_LEFT_FACTOR < each[1]
        built, probed = (0, 1) if build_left else (1, 0)
        seconds = (rows[built] * BUILD_ROW + sizes[built] * BUILD_BYTE) / divided[built]
        share = prices.share(where)
        if self.pairs or self._has_equality():
            seconds += rows[probed] * PROBE_ROW / divided[probed]
        else:
            seconds += rows[0] * rows[1] * NESTED_PAIR / share
        cells = self.estimate.bytes / CELL_BYTES
        seconds += cells * JOIN_CELL / share
        plan = HashJoin(kind, left.plan, right.plan, self.node.condition, strategy, build_left, reason, self.estimate)
        if kind is JoinKind.INNER:
            where = with_equalities(where, [(pair.left, pair.right) for pair in self.pairs])
        if kind in (JoinKind.INNER, JoinKind.SEMI):
            where = without_nulls(where, frozenset(pair.left for pair in self.pairs if not pair.null_safe))
        return Candidate(plan, where, left.seconds + right.seconds + seconds, left.stable and right.stable)

    def _equalities(self) -> list[exp.Expression]:
        """The terms of the condition that the key pairs stand for."""
        pairs = {frozenset({pair.left, pair.right}) for pair in self.pairs}
        terms = [term for term in conjuncts(self.node.condition) if isinstance(term, (exp.EQ, exp.NullSafeEQ))]
        return [term for term in terms if frozenset({term.this.name, term.expression.name}) in pairs]

    def _has_equality(self) -> bool:
        return any(isinstance(term, (exp.EQ, exp.NullSafeEQ)) for term in conjuncts(self.node.condition))


def _serves(have: Hash, wanted: Hash) -> bool:
    """Whether rows parted as ``have`` are also parted as ``wanted``: the same slots in the same order."""
    return len(have.slots) == len(wanted.slots) and all(
        (mine.type, mine.bounds) == (theirs.type, theirs.bounds) and theirs.columns <= mine.columns
        for mine, theirs in zip(have.slots, wanted.slots, strict=True)
    )
