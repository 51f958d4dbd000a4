"""Facts about DuckDB types that planning needs: in which type two keys are hashed alike, how one stands in SQL."""

import re

from sqlglot import exp

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_UNSIGNED = {"UTINYINT": "SMALLINT", "USMALLINT": "INTEGER", "UINTEGER": "BIGINT", "UBIGINT": "HUGEINT"}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


def common_type(left: str, right: str) -> str | None:
    """The type to which both sides of ``left = right`` are brought before they are hashed; None if that is not sure."""
    if left == right:
        return left or None
    integers = [_UNSIGNED.get(item, item) for item in (left, right)]
    if all(item in _INTEGERS for item in integers):
        return max(integers, key=_INTEGERS.index)
    decimals = [_DECIMAL.fullmatch(item) for item in (left, right)]
    if decimals[0] is not None and decimals[1] is not None:
        digits = max(int(item[1]) - int(item[2]) for item in decimals if item is not None)
        scale = max(int(item[2]) for item in decimals if item is not None)
        return f"DECIMAL({digits + scale},{scale})" if digits + scale <= 38 else None
    return None


def is_floating(type: str) -> bool:
    """Whether sums over the type depend on the order of the rows."""
    return type in ("FLOAT", "DOUBLE")


def is_grouped_exactly(type: str) -> bool:
    """Whether values that are equal are the same to the last bit: not 0.0 and -0.0, 30 days and a month, or nests."""
    if type in ("VARCHAR", "BOOLEAN", "DATE", "TIME", "UUID", "BLOB") or type.startswith("TIMESTAMP"):
        return True
    return type.lstrip("U") in _INTEGERS or _DECIMAL.fullmatch(type) is not None


def struct_fields(type: str) -> tuple[str, ...]:
    """The names of the fields of a STRUCT; none if the type is something else."""
    if not type.startswith("STRUCT("):
        return ()
    fields = data_type(type).expressions
    if type.endswith("]") or not all(isinstance(field, exp.ColumnDef) for field in fields):
        return ()
    return tuple(field.name for field in fields)


def data_type(type: str) -> exp.DataType:
    """A type as a part of an expression: where nothing is known but that a value is NULL, its name is quoted in SQL."""
    found = exp.DataType.build(type, dialect="duckdb", udt=True)
    if '"NULL"' in type:
        for part in list(found.find_all(exp.DataType)):
            if part.this is exp.DType.NULL:
                part.set("this", exp.DType.USERDEFINED)
                part.set("kind", '"NULL"')
    return found


def null_of(type: str) -> exp.Expression:
    """NULL of a type."""
    return exp.Cast(this=exp.null(), to=data_type(type))
