"""The SQLSTATE of what DuckDB says, where that is more exact than the class of the error.

The codes are those of SQL and, for what it does not know, PostgreSQL's, which most drivers and tools expect.
"""

import re

_EXACT: tuple[tuple[str, str, str], ...] = (
    ("Invalid Input", r"is a (Scalar|Table|Aggregate|Window) Function", "42809"),
    ("*", r"^Division by zero", "22012"),
    ("*", r"More than one row returned by a subquery", "21000"),
    ("*", r"^Overflow in|out of range for the destination type|failed: value is out of range", "22003"),
    ("*", r"^Value out of range|too large for type|[Oo]verflow in HUGEINT|shift (value|negative)|-shift ", "22003"),
    ("*", r"^cannot take (logarithm|square root)|undefined for|outside the domain", "22003"),
    ("*", r"(date|time|timestamp) field value out of range|^Date out of range|not in timestamp range", "22008"),
    ("*", r"[Ii]nterval value .* out of range|Epoch .* out of range|out of range for (DATE|TIME|INTERVAL)", "22008"),
    ("*", r"Could not convert Timestamp|Overflow (exception )?in (date|time|interval)", "22008"),
    ("*", r"[Tt]imestamp.* out of range", "22008"),
    ("*", r"Cannot (subtract|add) infinite|infinit.* (date|timestamp)", "22008"),
    ("*", r"invalid (date|time|timestamp) field format|according to format specifier", "22007"),
    ("*", r"(Unknown|Unrecognized|Could not find) .*[Tt]ime ?[Zz]one|Unknown TimeZone", "22023"),
    ("*", r"^Could not convert string|can't be cast to the destination type|Failed to cast value", "22P02"),
    ("*", r"string -> (bit|blob) conversion|Invalid (input for )?hex|as base64|decode: could not convert", "22P02"),
    ("*", r"^Malformed JSON|JSON path|[Ii]nvalid JSON", "22032"),
    ("*", r"^(missing|invalid|no argument|bad|unexpected) .*[)\](\[?*+\\]|Regex|regex", "2201B"),
    ("*", r"[Ii]nvalid escape (string|sequence)|escape character", "22025"),
    ("*", r"ntile must be greater", "22014"),
    ("*", r"format specifier|Argument index|for formatting|Failed to parse format", "22023"),
    ("*", r"Invalid UTF8|invalid unicode|Codepoint", "22021"),
    ("*", r"Map keys|accepts seed values|outside of provided|must be (greater|less|positive)|cannot be 0", "22023"),
    ("*", r"Cannot create a string of size|maximum supported string", "54000"),
    ("*", r"cast array of size|list with length", "2202E"),
    ("Conversion", r"Unimplemented type for cast", "42846"),
    ("Conversion", r"", "22018"),
    ("Out of Range", r"", "22003"),
    ("Decimal", r"", "22003"),
    ("Constraint", r"NOT NULL", "23502"),
    ("Constraint", r"CHECK", "23514"),
    ("Constraint", r"[Uu]nique|[Pp]rimary key|Duplicate key", "23505"),
    ("Constraint", r"[Ff]oreign key", "23503"),
    ("Sequence", r"", "2200H"),
    ("Binder", r"Ambiguous reference to column", "42702"),
    ("Binder", r"Ambiguous reference to table|[Dd]uplicate alias", "42712"),
    ("Binder", r"must appear in the GROUP BY|aggregate|GROUPING|cannot contain aggregates", "42803"),
    ("Binder", r"[Ww]indow", "42P20"),
    ("Binder", r"term out of range|columns available but", "42P10"),
    ("Binder", r"same number of result columns|Subquery returns", "42601"),
    ("Binder", r"No function matches|candidate function|does not support the supplied arguments", "42883"),
    ("Binder", r"does not exist on (left|right) side of join|Could not find key", "42703"),
    ("Binder", r"LIMIT/OFFSET cannot be negative", "2201W"),
    ("Binder", r"DECIMAL type", "22023"),
    ("Binder", r"[Cc]ircular|infinite recursion", "42P19"),
    ("Catalog", r"^Type with name", "42704"),
    ("Catalog", r"^Collation with name", "42704"),
    ("Catalog", r"^Sequence with name", "42P01"),
    ("Catalog", r"is not an aggregate", "42809"),
    ("Catalog", r"[Ss]chema .* does not exist", "3F000"),
    ("Catalog", r"already exists", "42P07"),
    ("Permission", r"", "42501"),
)  # fmt: skip
"""(kind, or ``*`` for all that are about values, pattern in the message, code): the first that fits."""

_OF_VALUES = frozenset({"Conversion", "Out of Range", "Invalid Input", "Decimal", "Divide by Zero", "Syntax"})
_COMPILED = tuple((kind, re.compile(pattern), code) for kind, pattern, code in _EXACT)


def exact_sqlstate(kind: str, message: str) -> str | None:
    """The code for what DuckDB says under a kind (``Binder``, ``Conversion`` ...); None if the class's own will do."""
    for wanted, pattern, code in _COMPILED:
        if (wanted == kind or (wanted == "*" and kind in _OF_VALUES)) and pattern.search(message):
            return code
    return None
