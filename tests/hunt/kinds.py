"""The kinds of values that random tables hold: their types, the SQL that makes them from row numbers, and literals.

Values of one kind can be compared with each other. Sums of any of them (but for kind ``huge`` and ``wild``, of which
nothing sums) neither overflow nor depend on the order of the rows: floats are small multiples of a quarter.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """``types``: of its columns. ``value``: SQL of a value from a small number ``{n}``; ``odd``: rare values of it."""

    types: tuple[str, ...]
    value: str
    odd: tuple[str, ...]
    literals: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "int": Kind(
        (
            "INTEGER",
            "INTEGER",
            "BIGINT",
            "BIGINT",
            "SMALLINT",
            "TINYINT",
            "UTINYINT",
            "USMALLINT",
            "UINTEGER",
            "UBIGINT",
        ),
        "{n}",
        (),
        ("0", "1", "2", "7", "25", "3"),
    ),
    "huge": Kind(
        ("HUGEINT", "HUGEINT", "UHUGEINT"),
        "{n}::HUGEINT * 1000000000000000000000",
        ("170141183460469231731687303715884105727", "0"),
        ("0::HUGEINT", "5000000000000000000000::HUGEINT", "170141183460469231731687303715884105727"),
    ),
    "dec": Kind(
        ("DECIMAL(4,1)", "DECIMAL(9,2)", "DECIMAL(18,3)", "DECIMAL(38,10)"),
        "({n} - 20) / 4",
        ("-99.9", "99.9"),
        ("0", "1.5", "12.25", "-7.75", "99.9", "1e1"),
    ),
    "dbl": Kind(
        ("DOUBLE", "DOUBLE", "FLOAT"),
        "({n} - 20) / 4",
        ("'NaN'", "'inf'", "'-inf'"),
        ("0::DOUBLE", "1.25::DOUBLE", "'NaN'::DOUBLE", "'-inf'::DOUBLE", "-3.5::FLOAT"),
    ),
    "wild": Kind(
        ("DOUBLE",),
        "{n} * 1e300",
        ("'NaN'", "'inf'", "'-inf'", "'-0.0'", "'0.0'", "5e-324", "-1e308", "1e-300"),
        ("0::DOUBLE", "'-0.0'::DOUBLE", "'NaN'::DOUBLE", "1e308", "5e-324"),
    ),
    "str": Kind(
        ("VARCHAR",),
        "'v' || {n}",
        ("''", "' '", "'it''s'", "'%'", "'V1'", "'日本語'", "repeat('long ', 40)", "'null'", "'a_b'", "'1'", "chr(0)"),
        ("'v1'", "'v3'", "'v7'", "''", "'it''s'", "'V1'", "'日本語'"),
    ),
    "blob": Kind(("BLOB",), "encode('b' || {n})", (r"'\x00\xFF'", "''"), (r"'\x00\xFF'::BLOB", "'b1'::BLOB")),
    "date": Kind(
        ("DATE",),
        "DATE '2020-01-01' + ({n})::INTEGER",
        ("'0001-01-01'", "'9999-12-31'", "'1969-12-31'"),
        ("DATE '2020-01-10'", "DATE '2020-02-20'", "DATE '1969-12-31'"),
    ),
    "time": Kind(
        ("TIME",),
        "TIME '00:00:00' + to_seconds(({n}) * 137)",
        ("'23:59:59.999999'", "'00:00:00'"),
        ("TIME '00:02:17'", "TIME '23:59:59.999999'"),
    ),
    "ts": Kind(
        ("TIMESTAMP", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"),
        "TIMESTAMP '2021-03-01 00:00:00' + to_minutes(({n}) * 397)",
        ("'1960-01-01 00:00:01'", "'2100-12-31 23:59:59'"),
        ("TIMESTAMP '2021-03-01 06:37:00'", "TIMESTAMP '1960-01-01 00:00:01'"),
    ),
    "tstz": Kind(
        ("TIMESTAMPTZ",),
        "TIMESTAMPTZ '2021-03-27 00:00:00+00' + to_minutes(({n}) * 97)",
        ("'1960-01-01 00:00:01+00'", "'2100-12-31 23:59:59+00'"),
        ("TIMESTAMPTZ '2021-03-28 01:37:00+00'", "TIMESTAMPTZ '2021-03-27 22:00:00+02'"),
    ),
    "span": Kind(
        ("INTERVAL",), "to_days(({n})::INTEGER)", ("INTERVAL '-3 days'",), ("INTERVAL 5 DAYS", "INTERVAL '0 days'")
    ),
    "bool": Kind(("BOOLEAN",), "({n}) % 2 = 0", (), ("true", "false")),
    "uuid": Kind(
        ("UUID",),
        "md5('u' || {n})",
        ("'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
        ("'00000000-0000-0000-0000-000000000000'::UUID", "md5('u1')::UUID"),
    ),
    "enum": Kind(
        ("ENUM('red', 'green', 'blue', 'odd one')",),
        "(['red', 'green', 'blue', 'odd one'])[({n}) % 4 + 1]",
        (),
        ("'red'", "'blue'", "'odd one'"),
    ),
    "list": Kind(
        ("INTEGER[]",),
        "[({n}) % 5, ({n}) % 3]",
        ("[]", "[NULL]", "[1, NULL, 3]"),
        ("[]::INTEGER[]", "[1, 1]", "[NULL]::INTEGER[]"),
    ),
    "struct": Kind(
        ("STRUCT(a INTEGER, b VARCHAR)",),
        "{{'a': ({n}) % 7, 'b': 'v' || ({n}) % 3}}",
        ("{{'a': NULL, 'b': NULL}}", "{{'a': 1, 'b': NULL}}"),
        ("{'a': 1, 'b': 'v1'}", "{'a': NULL, 'b': NULL}::STRUCT(a INTEGER, b VARCHAR)"),
    ),
    "map": Kind(
        ("MAP(VARCHAR, INTEGER)",),
        "MAP {{'k': ({n}) % 4, 'l': ({n}) % 3}}",
        ("MAP {{}}",),
        ("MAP {'k': 1, 'l': 1}", "MAP {}::MAP(VARCHAR, INTEGER)"),
    ),
}
"""Every kind by its name."""

BOUNDS: Mapping[str, tuple[str, ...]] = {
    "TINYINT": ("-128", "127"),
    "SMALLINT": ("-32768", "32767"),
    "INTEGER": ("-2147483648", "2147483647"),
    "BIGINT": ("-9223372036854775808", "9223372036854775807"),
    "UTINYINT": ("0", "255"),
    "USMALLINT": ("0", "65535"),
    "UINTEGER": ("0", "4294967295"),
    "UBIGINT": ("0", "18446744073709551615"),
    "DECIMAL(9,2)": ("-9999999.99", "9999999.99"),
    "DECIMAL(18,3)": ("-999999999999999.999", "999999999999999.999"),
    "HUGEINT": ("'-170141183460469231731687303715884105728'",),
    "DOUBLE": (),
}
"""Extreme values of types, beside the odd ones of the kind."""


def column_sql(chooser: random.Random, kind: str, type_: str, rows: int) -> str:
    """SQL of a random column of the table ``range(rows) AS r(i)``."""
    salt = chooser.randrange(1_000_000)
    distinct = chooser.choice((1, 2, 5, 12, 40, 100))
    number = chooser.choice(
        (
            f"(hash(i, {salt}) % {distinct})::BIGINT",
            f"(hash(i, {salt}) % {distinct})::BIGINT",
            f"(CASE WHEN hash(i, {salt}) % 10 < 8 THEN 1 ELSE hash(i, {salt + 1}) % {distinct} END)::BIGINT",
            f"(i * {distinct} // {max(1, rows)})::BIGINT",
            f"({distinct} - i * {distinct} // {max(1, rows)})::BIGINT",
        )
    )
    found = KINDS[kind]
    value = f"({found.value.format(n=number)})::{type_}"
    odd = [text.format() for text in (*found.odd, *BOUNDS.get(type_, ()))]
    if type_ in ("DECIMAL(4,1)", "UHUGEINT"):
        odd = [text for text in odd if text not in BOUNDS.get("HUGEINT", ())]
    if odd and chooser.random() < 0.5:
        count = len(odd)
        cases = " ".join(f"WHEN {place} THEN ({text})::{type_}" for place, text in enumerate(odd))
        chosen = f"CASE hash(i, {salt + 3}) % {count} {cases} END"
        value = f"CASE WHEN hash(i, {salt + 2}) % 9 = 0 THEN {chosen} ELSE {value} END"
    nulls = chooser.choice((0, 0, 10, 10, 50, 90, 100) if chooser.random() < 0.8 else (0,))
    if nulls:
        value = f"CASE WHEN hash(i, {salt + 4}) % 100 < {nulls} THEN NULL ELSE {value} END"
    return f"({value})::{type_}"


def literal(chooser: random.Random, kind: str, *, null: bool = True) -> str:
    """A literal of a kind; now and then NULL."""
    if null and chooser.random() < 0.12:
        return f"(NULL::{KINDS[kind].types[0]})"
    found = chooser.choice(KINDS[kind].literals)
    return f"({found})" if "::" in found else found
