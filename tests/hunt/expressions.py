"""Random scalar expressions, predicates, aggregates and window calls over columns of known kinds.

None of them can fail at run time, and none depends on the order of rows, so whatever differs is a defect. Calls whose
last digits depend on the order (``INEXACT``) are to be used only where nothing is computed from them.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.hunt.kinds import KINDS, literal

COMMON = ("int", "int", "int", "int", "str", "str", "dec", "date", "bool", "dbl", "ts")
GROUPED = tuple(kind for kind in KINDS if kind not in ("wild", "map"))


@dataclass(frozen=True)
class Column:
    """A column as it can be named, and its kind."""

    text: str
    kind: str


Subquery = Callable[[Sequence[Column], str, int], str]
"""Makes a scalar subquery of a kind (for ``exists``, ``rows kind`` and ``pairs`` a query) that sees some columns."""

SCALARS = {
    "int": (
        "{int}::HUGEINT % 97", "coalesce({int}, {int})", "nullif({int}, {int})", "greatest({int}, {int})",
        "least({int}, {small})", "({small} + {small})", "({small} * {small})", "({small} - {small})",
        "({small} // nullif({small}, 0))", "({small} % nullif({small}, 0))", "abs({small})", "-{small}",
        "sign({small})",
        "CASE WHEN {term} THEN {int} ELSE {int} END", "CASE {small} WHEN {small} THEN 1 WHEN 2 THEN {small} END",
        "length({str})", "strpos({str}, 'v')", "ascii({str})", "year({date})", "date_diff('day', {date}, {date})",
        "month({ts})", "extract(dow FROM {date})", "TRY_CAST({str} AS INTEGER)", "({small} & {small})",
        "({small} | 3)", "xor({small}, {small})", "bit_count({small})", "len({list})", "{list}[1]", "{struct}.a",
        "list_sum({list})", "list_unique({list})", "cardinality({map})", "{map}['k']", "hour({ts})",
        "datepart('month', {date})", "if({term}, {int}, {small})", "{bool}::INTEGER", "octet_length({blob})",
        "({small})::TINYINT", "round({dec})::BIGINT % 50", "list_position({list}, {small})", "levenshtein({str}, 'v1')",
        "ifnull({int}, 0)", "struct_extract({struct}, 'a')", "list_reduce([1, {small}], lambda x, y: x + y)",
    ),
    "dec": (
        "round({dec}, 1)", "greatest({dec}, {dec})", "coalesce({dec}, {dec})", "abs({dec})", "-{dec}",
        "CASE WHEN {term} THEN {dec} ELSE {dec} END", "({small})::DECIMAL(9, 2)", "({dec})::DECIMAL(38, 4) % 7",
        "({small} * 0.25)", "nullif({dec}, {dec})", "({small})::DECIMAL(5, 1) + 0.5",
    ),
    "dbl": (
        "({dbl} + {dbl})", "({dbl} * 2)", "({small}::DOUBLE / 4)", "-{dbl}", "abs({dbl})", "coalesce({dbl}, {dbl})",
        "CASE WHEN {term} THEN {dbl} ELSE {dbl} END", "greatest({dbl}, {dbl})", "nullif({dbl}, {dbl})",
    ),
    "str": (
        "upper({str})", "lower({str})", "substring({str}, 2, 1)", "left({str} || {str}, 4)", "right({str}, 2)",
        "coalesce({str}, {str})", "replace({str}, 'v', 'w')", "reverse({str})", "concat({str}, {small}, {str})[:5]",
        "concat_ws('-', {str}, {small})", "({small})::VARCHAR", "({date})::VARCHAR", "lpad({str}, 3, '*')",
        "trim({str})", "CASE WHEN {term} THEN {str} ELSE {str} END", "regexp_replace({str}, '[0-9]+', '#')",
        "strftime({date}, '%Y-%m')", "md5({str})", "({dec})::VARCHAR", "({enum})::VARCHAR", "hex({blob})",
        "regexp_extract({str}, '([a-z])(\\d)', 2)", "split_part({str}, '1', 1)", "{struct}.b", "({uuid})::VARCHAR",
        "({bool})::VARCHAR", "format('{{}}:{{}}', {small}, {str})", "({list})::VARCHAR", "nullif({str}, {str})",
        "greatest({str}, {str})", "chr(65 + abs({small}) % 26)", "({ts})::VARCHAR", "to_json({list})::VARCHAR",
        "({struct})::VARCHAR", "monthname({date})", "array_to_string({list}, ',')", "{str} || NULL", "typeof({any})",
        "({huge})::VARCHAR", "translate({str}, 'v', 'x')", "repeat({str}, 2)[1:6]", "({map})::VARCHAR",
    ),
    "date": (
        "({date} + INTERVAL 1 DAY)::DATE", "least({date}, {date})", "date_trunc('month', {date})::DATE",
        "({date} + {small})", "coalesce({date}, {date})", "({ts})::DATE", "last_day({date})",
        "make_date(2000 + abs({small}), 1 + abs({small}) % 12, 5)", "CASE WHEN {term} THEN {date} END",
    ),
    "ts": (
        "date_trunc('hour', {ts})", "coalesce({ts}, {ts})", "({ts})::TIMESTAMP + INTERVAL 90 MINUTE",
        "({date})::TIMESTAMP",
        "greatest({ts}, {ts})", "({tstz}) AT TIME ZONE 'Europe/Berlin'", "CASE WHEN {term} THEN {ts} ELSE {ts} END",
    ),
    "tstz": ("date_trunc('day', {tstz})", "coalesce({tstz}, {tstz})", "({tstz} + INTERVAL 1 DAY)",
    "({ts})::TIMESTAMPTZ"),
    "time": ("coalesce({time}, {time})", "({ts})::TIME", "greatest({time}, {time})"),
    "span": ("coalesce({span}, {span})", "to_days({small})", "({span} + {span})"),
    "bool": ("({term})", "NOT {bool}", "coalesce({bool}, {bool})", "{bool} AND {bool}", "{bool} OR {bool}"),
    "uuid": ("coalesce({uuid}, {uuid})", "CASE WHEN {term} THEN {uuid} ELSE {uuid} END"),
    "enum": ("coalesce({enum}, {enum})", "CASE WHEN {term} THEN {enum} END"),
    "blob": ("coalesce({blob}, {blob})", "({blob} || {blob})", "encode({str})"),
    "huge": ("coalesce({huge}, {huge})", "greatest({huge}, {huge})", "({small}::HUGEINT * 1000000000000)"),
    "wild": ("coalesce({wild}, {wild})", "CASE WHEN {term} THEN {wild} ELSE {wild} END"),
    "list": (
        "[{small}, {small}]::INTEGER[]", "list_transform({list}, lambda v: v + 1)",
        "list_filter({list}, lambda v: v > 1)",
        "({list} || {list})", "{list}[1:1]", "list_sort({list})", "list_reverse({list})", "coalesce({list}, {list})",
        "[v * 2 FOR v IN {list} IF v IS NOT NULL]::INTEGER[]", "range(abs({small}) % 4)::INTEGER[]",
    ),
    "struct": (
        "{{'a': {small}::INTEGER, 'b': {str}}}", "struct_pack(a := {small}::INTEGER, b := {str})",
        "coalesce({struct}, {struct})",
    ),
    "map": ("MAP {{'k': {small}::INTEGER}}", "map(['k', 'x'], [{small}::INTEGER, 2])", "coalesce({map}, {map})"),
}  # fmt: skip
"""Expressions of each kind; ``{kind}`` is an operand, ``{small}`` an integer of two digits,
``{term}`` a predicate. Operands with a number, as ``{int1}``, are the same each time."""

TERMS = (
    "{str} LIKE 'v%'", "{str} NOT LIKE '%1'", "{str} ILIKE 'V_'", "regexp_matches({str}, '^v[0-3]')", "{str} GLOB 'v*'",
    "starts_with({str}, 'v')", "contains({str}, '1')", "{str} SIMILAR TO 'v[12]'", "list_contains({list}, {small})",
    "{small} = ANY({list})", "({int}, {str}) = ({int}, {str})", "({int}, {str}) < ({int}, {str})",
    "({int}, {str}) IN ((1, 'v1'), (2, 'v3'))", "{bool}", "{bool} IS NOT TRUE", "{bool} IS UNKNOWN", "{int} = {dec}",
    "{int} > {dbl}", "{small} <> ALL([1, 2, NULL])", "{date} < ({ts})::TIMESTAMP", "{int} NOT BETWEEN {int} AND {int}",
    "list_has_any({list}, [1, 2])", "{struct}.a = {small}", "{str} = {enum}", "{bool} = {bool}", "{wild} > {dbl}",
    "{int} IN ({small}, {small}, 3)", "{huge} > {int}", "{str} COLLATE NOCASE = {str}", "({ts})::TIMESTAMP > {date}",
    "{small} > 1.5",
    "{str} BETWEEN 'v2' AND 'v5'", "{str} NOT IN ('v1', NULL)", "NOT {str} IN ('v1', 'v2')", "{int} IN (1, NULL)",
)  # fmt: skip

EXACT = {
    "int": (
        "count({any})", "count(DISTINCT {key})", "sum({small})", "min({int})", "max({int})", "sum({int})",
        "sum(DISTINCT {small})", "bit_xor({small})", "bit_and({small})", "bit_or({int})", "count_if({term})",
        "approx_count_distinct({key})", "quantile_disc({int}, 0.5)", "min({int}) FILTER (WHERE {term})",
        "count(*) FILTER (WHERE {term})", "arg_min({int1}, {int1})", "max(DISTINCT {int})",
        "count(DISTINCT ({int}, {str}))",
        "sum({small}) FILTER (WHERE {term})", "sum(DISTINCT {small}) FILTER (WHERE {term})", "sum({bool}::INTEGER)",
        "first({int1} ORDER BY {int1})", "last({int1} ORDER BY {int1} NULLS FIRST)", "len(list({int}))",
        "quantile_disc({int1}, 0.25 ORDER BY {int1} DESC)", "count()", "regr_count({small}, {small})",
        "list_sum(list({small}))", "len(list(DISTINCT {int}))", "len(histogram({small}))",
    ),
    "dec": (
        "sum({dec})", "min({dec})", "max({dec})", "sum({small})::DECIMAL(18, 2)", "sum(DISTINCT {dec})",
        "quantile_disc({dec}, 0.3)",
    ),
    "dbl": (
        "avg({small})", "avg({dbl})", "sum({dbl})", "min({dbl})", "max({dbl})", "median({small})", "avg({dec})",
        "quantile_cont({small}, 0.25)", "avg(DISTINCT {small})", "fsum({small})", "mad({small})", "median({dec})",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY {small})", "avg({small}) FILTER (WHERE {term})",
    ),
    "str": (
        "min({str})", "max({str})", "string_agg({str1}, ',' ORDER BY {str1})", "first({str1} ORDER BY {str1} DESC)",
        "string_agg(DISTINCT {str1}, ';' ORDER BY {str1})", "list({str1} ORDER BY {str1})::VARCHAR",
        "arg_max({str1}, {str1})",
        "group_concat({str1}, '' ORDER BY {str1} NULLS FIRST)",
        "array_agg(DISTINCT {int1} ORDER BY {int1} DESC)::VARCHAR", "histogram({small})::VARCHAR",
        "quantile_disc({small}, [0.25, 0.75])::VARCHAR",
    ),
    "date": ("min({date})", "max({date})", "max({date}) FILTER (WHERE {term})", "quantile_disc({date}, 0.5)"),
    "ts": ("min({ts})", "max({ts})"),
    "tstz": ("min({tstz})", "max({tstz})"),
    "time": ("min({time})", "max({time})"),
    "span": ("min({span})", "max({span})"),
    "bool": ("bool_and({bool})", "bool_or({term})", "min({bool})", "bool_and({term})"),
    "uuid": ("min({uuid})", "max({uuid})"),
    "enum": ("min({enum})", "max({enum})"),
    "blob": ("min({blob})", "max({blob})"),
    "huge": ("min({huge})", "max({huge})"),
    "wild": ("min({wild})", "max({wild})"),
    "list": (
        "list({small1}::INTEGER ORDER BY {small1})", "list_sort(list(DISTINCT {small}::INTEGER))", "min({list})",
        "max({small}::INTEGER, 3)", "min({small}::INTEGER, 2)", "array_agg({small1}::INTEGER ORDER BY {small1} DESC)",
    ),
    "struct": ("min({struct})", "max({struct})"),
    "map": ("map(['k'], [max({small}::INTEGER)])",),
}  # fmt: skip
"""Aggregates of each kind of result that do not depend on the order of their input."""

INEXACT = (
    "stddev({small})", "var_pop({small})", "corr({small}, {int}::HUGEINT % 13)", "covar_samp({small}, {small})",
    "skewness({small})", "kurtosis({small})", "entropy({small})", "regr_slope({small}, {int}::HUGEINT % 7)",
    "avg(sqrt(abs({small})))", "sum({small} / 3)", "stddev_samp({dbl})", "regr_r2({small}, {int}::HUGEINT % 5)",
    "geomean(abs({small}) + 1)", "product(1 + {small} % 2)", "sum(ln(1 + abs({small})))", "sem({small})",
)  # fmt: skip

WINDOWS = (
    ("int", "count(*) OVER ({part})"), ("int", "sum({small}) OVER ({part})"),
    ("int", "rank() OVER ({part} ORDER BY {key}{turn})"), ("int",
    "dense_rank() OVER ({part} ORDER BY {key}, {key}{turn})"),
    ("int", "row_number() OVER ({part} ORDER BY {total})"), ("int", "ntile(3) OVER ({part} ORDER BY {total})"),
    ("dbl", "percent_rank() OVER ({part} ORDER BY {key})"), ("dbl", "cume_dist() OVER ({part} ORDER BY {key}{turn})"),
    ("int", "lag({int}) OVER ({part} ORDER BY {total})"), ("str",
    "lead({str}, 2, 'none') OVER ({part} ORDER BY {total})"),
    ("int", "lag({small} IGNORE NULLS) OVER ({part} ORDER BY {total})"),
    ("str", "first_value({str}) OVER ({part} ORDER BY {total} {frame})"),
    ("int", "last_value({int}) OVER ({part} ORDER BY {total} {frame})"),
    ("int", "nth_value({int}, 2) OVER ({part} ORDER BY {total} {frame})"),
    ("int", "sum({small}) OVER ({part} ORDER BY {total} {frame})"),
    ("int", "count({any}) FILTER (WHERE {term}) OVER ({part} ORDER BY {key})"),
    ("dbl", "avg({small}) OVER ({part} ORDER BY {total} {frame})"),
    ("str", "max({str}) OVER ({part} ORDER BY {total} {frame})"),
    ("int", "sum({small1}) OVER ({part} ORDER BY {small1} RANGE BETWEEN 3 PRECEDING AND 1 FOLLOWING)"),
    ("int", "count(*) OVER ({part} ORDER BY {key} GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING{exclude})"),
    ("int", "count(DISTINCT {key}) OVER ({part})"), ("dec", "sum({dec}) OVER ({part})"),
    ("int", "first({int1} ORDER BY {int1}) OVER ({part})"), ("dbl", "median({small}) OVER ({part})"),
    ("str", "string_agg({str1}, ',' ORDER BY {str1}) OVER ({part})"), ("dec",
    "min({dec}) OVER ({part} ORDER BY {key})"),
    ("date", "max({date}) OVER ({part} ORDER BY {date} RANGE BETWEEN INTERVAL 5 DAYS PRECEDING AND CURRENT ROW)"),
    ("int", "sum(count(*)) OVER ()"),
)  # fmt: skip
"""Window calls and the kinds of their results."""

FRAMES = (
    "", "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING{exclude}",
    "ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING{exclude}", "RANGE UNBOUNDED PRECEDING",
    "GROUPS BETWEEN 2 PRECEDING AND 1 PRECEDING", "ROWS BETWEEN 3 FOLLOWING AND 5 FOLLOWING",
)  # fmt: skip
EXCLUSIONS = ("", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES", " EXCLUDE NO OTHERS")


class Expressions:
    """Makes expressions; ``subquery`` makes the queries inside them."""

    def __init__(self, chooser: random.Random, subquery: Subquery) -> None:
        self.random = chooser
        self._subquery = subquery

    def scalar(self, columns: Sequence[Column], kind: str, depth: int) -> str:
        """An expression of a kind."""
        names = [column.text for column in columns if column.kind == kind]
        chance = self.random.random()
        if names and (depth <= 0 or chance < 0.6):
            return self.random.choice(names)
        if depth <= 0 or chance < 0.66:
            return literal(self.random, kind)
        if depth > 1 and chance < 0.72:
            return self._subquery(columns, kind, depth - 1)
        return self.fill(self.random.choice(SCALARS[kind]), columns, depth - 1)

    def fill(self, pattern: str, columns: Sequence[Column], depth: int, **given: str) -> str:
        """A pattern with each of its operands made anew."""
        return pattern.format_map(_Operands(self, columns, depth, given))

    def term(self, columns: Sequence[Column], depth: int) -> str:
        """A predicate."""
        chance = self.random.random()
        if depth > 0 and chance < 0.25:
            return self._subquery_term(columns, depth)
        if depth > 0 and chance < 0.45:
            one, other = self.term(columns, depth - 1), self.term(columns, depth - 1)
            patterns = (
                "({0} OR {1})",
                "NOT ({0})",
                "({0} AND NOT ({1}))",
                "(({0}) IS NULL)",
                "(({0}) = ({1}))",
                "({0} AND {1})",
            )
            return self.random.choice(patterns).format(one, other)
        if chance < 0.6:
            return f"({self.fill(self.random.choice(TERMS), columns, min(depth, 1) - 1)})"
        return f"({self._comparison(columns, depth)})"

    def aggregate(self, columns: Sequence[Column], kind: str, depth: int = 1) -> str:
        """A call of an aggregate that gives a kind."""
        if kind == "int" and self.random.random() < 0.25:
            return "count(*)"
        return self.fill(self.random.choice(EXACT[kind]), columns, depth - 1)

    def inexact(self, columns: Sequence[Column]) -> str:
        """A call of an aggregate whose last digits depend on the order of its input."""
        return self.fill(self.random.choice(INEXACT), columns, 0)

    def window(self, columns: Sequence[Column], kind: str) -> str | None:
        """A window call that gives a kind, if there is one."""
        patterns = [pattern for one, pattern in WINDOWS if one == kind and "count(*))" not in pattern]
        return self.fill(self.random.choice(patterns), columns, 0) if patterns else None

    def kind(self, kinds: Sequence[str] = COMMON) -> str:
        """Any kind; the usual ones are more likely."""
        return self.random.choice(kinds) if self.random.random() < 0.75 else self.random.choice(GROUPED)

    def operand(self, name: str, columns: Sequence[Column], depth: int) -> str:
        """What stands for an operand of a pattern."""
        match name:
            case "small":
                integers = [column.text for column in columns if column.kind == "int"]
                if not integers or self.random.random() < 0.15:
                    return self.random.choice(("1", "2", "5", "NULL::INTEGER", "-3"))
                return f"({self.random.choice(integers)}::HUGEINT % 97)::INTEGER"
            case "term":
                return self.term(columns, depth)
            case "any" | "key":
                wanted = [column.text for column in columns if name == "any" or column.kind in GROUPED]
                return self.random.choice(wanted or ["1"])
            case "part":
                keys = self.random.sample(columns, min(len(columns), self.random.choice((0, 1, 1, 2))))
                return f"PARTITION BY {', '.join(key.text for key in keys)}" if keys else ""
            case "total":
                return ", ".join(self.random.sample([column.text for column in columns], len(columns)) or ["1"])
            case "frame":
                return self.random.choice(FRAMES).format(exclude=self.random.choice(EXCLUSIONS))
            case "exclude":
                return self.random.choice(EXCLUSIONS)
            case "turn":
                return self.random.choice(("", " DESC", " NULLS FIRST", " DESC NULLS LAST"))
            case _:
                return self.scalar(columns, name, depth)

    def _comparison(self, columns: Sequence[Column], depth: int) -> str:
        present = [column.kind for column in columns] or ["int"]
        kind = self.random.choice(present) if self.random.random() < 0.7 else self.kind()
        one, other = self.scalar(columns, kind, depth), self.scalar(columns, kind, 0)
        constant = literal(self.random, kind)
        operator = self.random.choice(("=", "=", "<>", "<", ">=", ">", "<=", "!=", "=="))
        pattern = self.random.choice(
            (
                "{0} {3} {1}", "{0} {3} {1}", "{0} {3} {2}", "{0} {3} {2}", "{0} IS NULL", "{0} IS NOT NULL",
                "{0} IN ({2}, {1})", "{0} NOT IN ({1}, {2})", "{0} BETWEEN {2} AND {1}", "{0} IS DISTINCT FROM {1}",
                "{0} IS NOT DISTINCT FROM {1}", "{0} NOT BETWEEN {1} AND {2}",
            )
        )  # fmt: skip
        return pattern.format(one, other, constant, operator)

    def _subquery_term(self, columns: Sequence[Column], depth: int) -> str:
        chance = self.random.random()
        no = self.random.choice(("", "NOT "))
        if chance < 0.35:
            return f"{no}EXISTS ({self._subquery(columns, 'exists', depth - 1)})"
        if chance < 0.45:
            one, other = self.scalar(columns, "int", 0), self.scalar(columns, "str", 0)
            return f"({one}, {other}) {no}IN ({self._subquery(columns, 'pairs', depth - 1)})"
        kind = self.kind(("int", "int", "str", "date"))
        needle = self.scalar(columns, kind, 0)
        if chance < 0.75:
            return f"{needle} {no}IN ({self._subquery(columns, 'rows ' + kind, depth - 1)})"
        operator = self.random.choice(("=", "<>", "<", ">="))
        if chance < 0.85:
            word = self.random.choice(("ANY", "ALL"))
            return f"{needle} {operator} {word} ({self._subquery(columns, 'rows ' + kind, depth - 1)})"
        return f"{needle} {operator} {self._subquery(columns, kind, depth - 1)}"


class _Operands(dict[str, str]):
    """Gives each operand of a pattern when it is asked for."""

    def __init__(self, maker: Expressions, columns: Sequence[Column], depth: int, given: dict[str, str]) -> None:
        super().__init__()
        self._maker, self._columns, self._depth, self._given = maker, columns, depth, dict(given)

    def __getitem__(self, name: str) -> str:
        if name in self._given:
            return self._given[name]
        made = self._maker.operand(name.rstrip("0123456789"), self._columns, self._depth)
        if name[-1].isdigit():
            self._given[name] = made
        return made
