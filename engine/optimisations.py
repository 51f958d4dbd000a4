"""Every optimisation by its name: what it does, and that ``SET disabled_rules`` may leave it out.

``docs/optimisations.md`` is written from these lines.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

RULES: Mapping[str, str] = MappingProxyType(
    {
        "simplify_predicates": "predicates become conjunctions; what is always true or false is left out",
        "derive_side_filters": "each table of a join is filtered by its own part of an OR",
        "push_filters": "predicates are evaluated as soon as their columns are there",
        "derive_group_filters": "the keys of an aggregate are filtered by their part of an OR above it",
        "merge_projects": "projections that follow each other become one, joins between them neighbours",
        "turn_right_joins": "right joins become left joins, which other rules look into",
        "infer_predicates": "comparisons with constants are carried over the equalities of joins",
        "prune_empty": "what is known to deliver no rows is not computed",
        "remove_distinct": "a DISTINCT over a unique key is dropped",
        "remove_left_joins": "a left join whose right side is not used and cannot repeat rows is dropped",
        "reduce_aggregates": "an aggregate groups only what the filtered table it is joined with asks for",
        "push_limits": "limits are applied below projections, unions and left joins too",
        "prune_columns": "only the columns that something above needs are read and computed",
        "order_joins": "joins run in the cheapest order, found by dynamic programming over their hypergraph",
        "push_aggregates": "rows are aggregated in part before a join that would only repeat or drop them",
        "narrow_rows": "columns that are done with are dropped before rows are kept or moved",
    }
)
"""The rules that rewrite logical plans. Only the one that makes joins of correlated subqueries cannot be left out."""

OTHERS: Mapping[str, str] = MappingProxyType(
    {
        "expand_apart": "a shared query whose readers need different parts of it is computed by each",
        "filter_shared": "a shared query is filtered by what all of its readers ask for",
        "fold_plans": "equal parts of a plan are computed once",
        "price_network": "the search for a join order counts the bytes that would be exchanged",
        "sample_tables": "predicates and keys that footers do not tell of are measured on a sample",
        "observed_rows": "row counts of earlier runs correct later plans",
        "use_clustering": "files sorted on a key are read in ranges of it, so joins and groups on it need no exchange",
        "balance_splits": "tables are cut by what their filters leave, so that tasks get as many rows each",
        "reduce_semi_joins": "the few rows of a semi or anti join go to where the many are, and the matches come back",
        "group_by_ranges": "the groups of a key that files are sorted on are made in ranges of it, if there are many",
        "distinct_first": "distinct values are counted from rows that all tasks make distinct first",
        "limit_ranks": "rows that cannot have one of the first ranks are dropped before the exchange of a window",
        "sort_by_ranges": "large results are sorted in ranges of the key, one for each task",
        "sort_by_expressions": "also where the key is computed",
        "share_exchanges": "equal inputs of several joins are exchanged once",
        "compute_once": "equal parts of one stage are computed once by each of its tasks",
        "expect_skew": "a join key of which samples show a few values in most rows is not partitioned by it",
        "split_heavy_keys": "the rows of a key that turns out heavy while they are parted are spread over all tasks",
        "split_skew": "a partition that turned out large is read by several tasks",
        "coalesce_partitions": "partitions that turned out small are read by one task",
        "switch_joins": "a partitioned join whose one side turned out small becomes a broadcast join",
        "turn_builds": "a join builds its hash table on the side that turned out smaller",
        "skip_empty_stages": "stages that can deliver nothing, as an input turned out empty, are not run",
        "runtime_filters": "the keys of one side of a join, once they are there, filter the scans of the other",
        "own_process": "a short statement runs in the coordinator's process",
        "own_plans": "in one process, a repeated statement is tried with Shoal's plan and with the kernel's own",
        "kept_statements": "in one process, a repeated statement is kept prepared",
        "kept_files": "and so are the parts of files that it reads, in memory",
    }
)
"""What is chosen elsewhere: in estimates, in placement, while a query runs, or from run to run."""

OPTIMISATIONS: Mapping[str, str] = MappingProxyType({**RULES, **OTHERS})


def read_names(text: str) -> frozenset[str]:
    """The names in a list that is separated by commas; ``ValueError`` tells of one that is no optimisation."""
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    for name in sorted(names - OPTIMISATIONS.keys()):
        near = get_close_matches(name, OPTIMISATIONS, 3, 0.4)
        which = f"did you mean {' or '.join(near)}?" if near else f"among them are {', '.join(list(OPTIMISATIONS)[:5])}"
        raise ValueError(f"names of optimisations, of which {name!r} is none; {which}")
    return names
