"""The rules that rewrite logical plans, in their order, and the driver that runs them."""

from dataclasses import replace

from shoal.planner.check import check
from shoal.planner.logical import Node, Query, SharedPlan
from shoal.planner.rules.context import Rule, RuleContext, RuleRun
from shoal.planner.rules.decorrelate_subqueries import decorrelate_subqueries
from shoal.planner.rules.derive_group_filters import derive_group_filters
from shoal.planner.rules.derive_side_filters import derive_side_filters
from shoal.planner.rules.expand_apart import expand_apart
from shoal.planner.rules.infer_predicates import infer_predicates
from shoal.planner.rules.merge_projects import merge_projects
from shoal.planner.rules.narrow_rows import narrow_rows
from shoal.planner.rules.order_joins import order_joins
from shoal.planner.rules.prune_columns import prune_columns
from shoal.planner.rules.prune_empty import prune_empty
from shoal.planner.rules.push_aggregates import push_aggregates
from shoal.planner.rules.push_filters import push_filters
from shoal.planner.rules.push_limits import push_limits
from shoal.planner.rules.reduce_aggregates import reduce_aggregates
from shoal.planner.rules.remove_distinct import remove_distinct
from shoal.planner.rules.remove_left_joins import remove_left_joins
from shoal.planner.rules.shared_readers import filter_for_all, needed_columns
from shoal.planner.rules.simplify_predicates import simplify_predicates
from shoal.planner.rules.turn_right_joins import turn_right_joins

SIMPLIFYING: tuple[Rule, ...] = (
    # First of all: the others look for conjunctions, and this makes them out of disjunctions and negations.
    simplify_predicates,
    # Before filters sink: an OR over several tables is still one term above all of them.
    derive_side_filters,
    # Before decorrelation: the left side of a dependent join may have to be computed twice, so it should be small.
    push_filters,
    decorrelate_subqueries,
    # Again: predicates on the results of subqueries have become predicates on joins.
    simplify_predicates,
    # When what is always true or false of one reader of a common table is no longer in its part of an OR.
    derive_group_filters,
    # Projections between joins, many of them left by decorrelation, hide what could move.
    merge_projects,
    push_filters,
    # Filters make full joins one-sided, and left joins, unlike right ones, are looked into by the rules below.
    turn_right_joins,
    # What one table's filters say of another only shows when they are at their tables.
    infer_predicates,
    push_filters,
    # When all filters of a column are in one place.
    prune_empty,
    remove_distinct,
    # When no predicate needs the columns any more, and before the columns that its condition needed are pruned.
    remove_left_joins,
    # When filters are at their tables, which is what a group is restricted by.
    reduce_aggregates,
    push_limits,
    # As every rule before may drop the use of a column; widths of rows count in the order of joins.
    prune_columns,
    # Again: projections of which only passed-on columns are left.
    merge_projects,
)
"""The rules that find out what has to be computed; the columns and rows that a plan needs are known after them."""

ARRANGING: tuple[Rule, ...] = (
    # When all filters are where they belong, as estimates depend on them.
    order_joins,
    # When it is known which joins an aggregate stands above.
    push_aggregates,
    # Last, as projections part the joins that could move.
    narrow_rows,
)
"""The rules that find a cheap way to compute it."""

RULES = SIMPLIFYING + ARRANGING


def optimise(query: Query, context: RuleContext) -> Query:
    """Run all rules that are not disabled, in order; the outputs, names and types of the query stay.

    Raises ``InvariantViolated`` when ``options.check_plans`` is set and a rule leaves a malformed plan.
    """
    context = replace(context, outputs=query.outputs)
    for plan in query.shared:
        context.estimator.share(plan.key, plan.root)
    root, shared = _run(SIMPLIFYING, query.root, context), query.shared
    if shared and "expand_apart" not in context.options.disabled_rules:
        expanded, shared = expand_apart(root, shared, context.ids)
        root = root if expanded is root else _run(SIMPLIFYING, expanded, context)
    shared = _optimise_shared(shared, root, context) if shared else ()
    root = _run(ARRANGING, root, context)
    return query if root is query.root and not shared else replace(query, root=root, shared=shared)


def _optimise_shared(plans: tuple[SharedPlan, ...], root: Node, context: RuleContext) -> tuple[SharedPlan, ...]:
    """Optimise what is computed once: first those that nothing shared reads, as readers tell what is needed."""
    readers, simple = [root], list[tuple[str, Node, RuleContext]]()
    for plan in reversed(plans):
        own = replace(context, outputs=needed_columns(plan.key, readers))
        if own.outputs:
            filters = "filter_shared" not in context.options.disabled_rules
            node = _run(SIMPLIFYING, filter_for_all(plan, readers) if filters else plan.root, own)
            readers.append(node)
            simple.append((plan.key, node, own))
    found: list[SharedPlan] = []
    for key, node, own in reversed(simple):
        found.append(SharedPlan(key, _run(ARRANGING, node, own)))
        context.estimator.share(key, found[-1].root)
    return tuple(found)


def _run(rules: tuple[Rule, ...], root: Node, context: RuleContext) -> Node:
    """Run some rules over one plan that delivers ``context.outputs``."""
    decorrelated = rules is not SIMPLIFYING
    for rule in rules:
        name = rule_name(rule)
        if name in context.options.disabled_rules:
            continue
        before, started = root, context.clock() if context.clock else 0.0
        root = rule(root, context)
        seconds = context.clock() - started if context.clock else 0.0
        if context.record is not None:
            context.record(RuleRun(name, root is not before, seconds))
        if context.options.check_plans and root is not before:
            decorrelated = decorrelated or rule is decorrelate_subqueries
            outputs = context.outputs
            nameless = ("",) * len(outputs)
            check(Query(root, outputs, nameless, nameless), after=name, decorrelated=decorrelated)
    return root


def rule_name(rule: Rule) -> str:
    """The name by which a rule is disabled and reported: that of its function."""
    return getattr(rule, "__name__", type(rule).__name__)


def rule_names() -> tuple[str, ...]:
    """The names of all rules, each once, in their order."""
    return tuple(dict.fromkeys(rule_name(rule) for rule in RULES))
