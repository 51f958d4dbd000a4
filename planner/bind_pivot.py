"""Writes PIVOT and UNPIVOT as what they stand for, once the columns of their source are known.

    t PIVOT (sum(x) FOR k IN ('a', 'b'))   ->  SELECT g, sum(x) FILTER (k = 'a') AS a, ... FROM t GROUP BY g
    t UNPIVOT (v FOR k IN (x, y))          ->  SELECT g, CASE WHEN n = 0 THEN 'x' ... END AS k,
                                                      CASE WHEN n = 0 THEN x ... END AS v
                                               FROM t, (VALUES (0), (1)) AS e(n) WHERE v IS NOT NULL

A value of a pivot has to be of its column's type: the kernel compares their texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from sqlglot import exp

from shoal.planner.not_distributable import NotDistributable
from shoal.planner.scalar import conjunction

_ENTRIES, _ENTRY = "shoal_entries", "shoal_entry"
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of what is pivoted."""

    name: str
    type: str


def unpivot_statement(pivot: exp.Expression) -> exp.Expression | None:
    """``UNPIVOT t ON a, b INTO NAME n VALUE v`` as a SELECT from ``t UNPIVOT (...)``; None if it is something else."""
    if not isinstance(pivot, exp.Pivot) or not pivot.args.get("unpivot") or not isinstance(pivot.this, exp.Table):
        return None
    into = pivot.args.get("into")
    name, values = "name", [exp.to_identifier("value")]
    if into is not None:
        name, values = into.this.name, [exp.to_identifier(item.name, quoted=True) for item in into.expressions]
    value = values[0] if len(values) == 1 else exp.Tuple(expressions=values)
    field = exp.In(this=exp.to_identifier(name, quoted=True), expressions=[item.copy() for item in pivot.expressions])
    clause = exp.Pivot(
        expressions=[value], fields=[field], unpivot=True, include_nulls=bool(pivot.args.get("include_nulls"))
    )
    source = pivot.this.copy()
    source.set("pivots", [clause])
    return exp.Select(expressions=[exp.Star()], from_=exp.From(this=source))


def pivoted(source: exp.Expression, pivot: exp.Expression, columns: Sequence[SourceColumn]) -> exp.Select:
    """The query that a pivot of a source stands for."""
    if any(pivot.args.get(name) for name in ("using", "into", "default_on_null")):
        raise NotDistributable("a pivot of an unusual form")
    return _unpivot(source, pivot, columns) if pivot.args.get("unpivot") else _pivot(source, pivot, columns)


def _pivot(source: exp.Expression, pivot: exp.Expression, columns: Sequence[SourceColumn]) -> exp.Select:
    calls = [(item.this, item.alias) if isinstance(item, exp.Alias) else (item, "") for item in pivot.expressions]
    if len(calls) > 1 and not all(name for _, name in calls):
        raise NotDistributable("a pivot of several aggregates without names")
    choices = [[_choice(field, value, columns) for value in field.expressions] for field in pivot.args["fields"]]
    used = {column.name.lower() for call, _ in calls for column in call.find_all(exp.Column)}
    used |= {field.this.name.lower() for field in pivot.args["fields"]}
    group = pivot.args.get("group")
    if group is not None:
        if not all(isinstance(item, exp.Column) for item in group.expressions):
            raise NotDistributable("a pivot grouped by an expression")
        kept = [item.copy() for item in group.expressions]
    else:
        kept = [_column(column.name) for column in columns if column.name.lower() not in used]
    if not kept:
        raise NotDistributable("a pivot without groups")
    items: list[exp.Expression] = [item.copy() for item in kept]
    for chosen in product(*choices):
        for call, name in calls:
            if isinstance(call, exp.Filter):
                raise NotDistributable("a pivot of an aggregate with FILTER")
            condition = _all_of([term for _, term in chosen])
            filtered = exp.Filter(this=call.copy(), expression=exp.Where(this=condition))
            label = "_".join([*(text for text, _ in chosen), *([name] if name else [])])
            items.append(_named(filtered, label))
    grouping = exp.Group(expressions=[item.copy() for item in kept])
    return exp.Select(expressions=items, from_=exp.From(this=source), group=grouping)


def _choice(
    field: exp.Expression, value: exp.Expression, columns: Sequence[SourceColumn]
) -> tuple[str, exp.Expression]:
    """A value of a pivot: what its columns are named after, and the condition of its rows."""
    literal = value.this if isinstance(value, exp.PivotAlias) else value
    name = value.args["alias"].name if isinstance(value, exp.PivotAlias) else ""
    if not isinstance(field.this, exp.Column) or field.args.get("query") is not None:
        raise NotDistributable("a pivot for an expression")
    type = next((column.type for column in columns if column.name.lower() == field.this.name.lower()), "")
    match literal:
        case exp.Literal() if literal.is_string and type == "VARCHAR":
            text = literal.name
        case exp.Literal() if not literal.is_string and literal.name.isdigit() and type.lstrip("U") in _INTEGERS:
            text = literal.name
        case exp.Boolean() if type == "BOOLEAN":
            text = "true" if literal.this else "false"
        case _:
            raise NotDistributable("a pivot for values of another type")
    return name or text, exp.EQ(this=field.this.copy(), expression=literal.copy())


def _unpivot(source: exp.Expression, pivot: exp.Expression, columns: Sequence[SourceColumn]) -> exp.Select:
    (target,) = pivot.expressions
    values = [item.name for item in (target.expressions if isinstance(target, exp.Tuple) else [target])]
    (field,) = pivot.args["fields"]
    known = {column.name.lower(): column for column in columns}
    labels: list[str] = []
    entries: list[list[SourceColumn]] = []
    for item in field.expressions:
        named = isinstance(item, exp.PivotAlias)
        parts = item.this if named else item
        members = parts.expressions if isinstance(parts, exp.Tuple) else [parts]
        found = [known.get(member.name.lower()) for member in members if isinstance(member, exp.Column)]
        entry = [column for column in found if column is not None]
        if len(entry) != len(values) or len(members) != len(values) or (len(values) > 1 and not named):
            raise NotDistributable("an UNPIVOT of an unusual form")
        labels.append(item.args["alias"].name if named else entry[0].name)
        entries.append(entry)
    if any(len({entry[place].type for entry in entries}) > 1 for place in range(len(values))):
        raise NotDistributable("an UNPIVOT of columns of different types")
    gone = {column.name.lower() for entry in entries for column in entry}
    items: list[exp.Expression] = [_column(column.name) for column in columns if column.name.lower() not in gone]
    names = [exp.Literal.string(label) for label in labels]
    items.append(_named(_by_entry(names), field.this.name))
    terms: list[exp.Expression] = []
    for place, value in enumerate(values):
        chosen = _by_entry([_column(entry[place].name) for entry in entries])
        items.append(_named(chosen, value))
        terms.append(exp.Not(this=exp.Paren(this=exp.Is(this=exp.Paren(this=chosen.copy()), expression=exp.Null()))))
    rows = exp.Values(
        expressions=[exp.Tuple(expressions=[_number(place)]) for place in range(len(entries))],
        alias=exp.TableAlias(this=exp.to_identifier(_ENTRIES), columns=[exp.to_identifier(_ENTRY)]),
    )
    where = None if pivot.args.get("include_nulls") else exp.Where(this=_all_of(terms))
    return exp.Select(expressions=items, from_=exp.From(this=source), joins=[exp.Join(this=rows)], where=where)


def _by_entry(values: Sequence[exp.Expression]) -> exp.Expression:
    case = exp.Case()
    for place, value in enumerate(values):
        case = case.when(exp.EQ(this=_column(_ENTRY), expression=_number(place)), value.copy())
    return case


def _named(value: exp.Expression, name: str) -> exp.Expression:
    return exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True))


def _all_of(terms: Sequence[exp.Expression]) -> exp.Expression:
    found = conjunction(terms)
    assert found is not None
    return found


def _column(name: str) -> exp.Column:
    return exp.Column(this=exp.to_identifier(name, quoted=True))


def _number(value: int) -> exp.Expression:
    return exp.Literal(this=str(value), is_string=False)
