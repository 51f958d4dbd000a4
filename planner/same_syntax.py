"""Whether two texts are the same statement to the kernel: its trees of them, without places and equal spellings."""

from typing import Any

from shoal.planner.syntax_tree import SyntaxTree

_LEFT_OUT = frozenset({"query_location", "query_location_length", "null_order", "is_operator", "qualified_name"})
"""Places; words that say what holds without them; and the name of a function in another form."""
_NEGATED_TYPES = {
    "COMPARE_NOT_IN": ("OPERATOR", "COMPARE_IN"),
    "OPERATOR_IS_NOT_NULL": ("OPERATOR", "OPERATOR_IS_NULL"),
}
_NEGATED_FUNCTIONS = {"!~~": "~~", "!~~*": "~~*", "not_like_escape": "like_escape", "not_ilike_escape": "ilike_escape"}

_SERIES = ("range", "generate_series")
"""What begins at zero where it is not told otherwise."""

_SYNONYMS = {
    "array_agg": "list",
    "listagg": "string_agg",
    "group_concat": "string_agg",
    "var_samp": "variance",
    "len": "length",
    "lcase": "lower",
    "ucase": "upper",
    "substr": "substring",
    "position": "strpos",
    "instr": "strpos",
    "pow": "power",
    "^": "power",
    "**": "power",
    "^@": "starts_with",
    "countif": "count_if",
}


def same_syntax(one: SyntaxTree, other: SyntaxTree) -> bool:
    """Whether the kernel reads two statements alike."""
    return bool(_plain(one.root) == _plain(other.root))


def _plain(node: Any) -> Any:
    """A tree in which what means the same is written the same: ``a NOT IN (b)`` as ``NOT (a IN (b))``."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "literal" in node:
        # INTERVAL 1 DAY and INTERVAL '1' DAY differ by the kind of the literal alone.
        return {"constant": str(node["literal"].get("text", node["literal"])), "alias": node.get("alias", "")}
    found = {key: _plain(value) for key, value in node.items() if key not in _LEFT_OUT}
    type, name = str(found.get("type")), str(found.get("function_name", "")).lower()
    if found.get("type_name") == "TEXT":
        found |= {"type_name": "VARCHAR"}
    if type in _NEGATED_TYPES:
        return _negation(found | {"type": _NEGATED_TYPES[type][1]})
    if name:
        found |= {"function_name": _SYNONYMS.get(name, name)}
    arguments = found.get("arguments", ())
    if name in _SERIES and len(arguments) == 2 and arguments[0]["expression"].get("constant") == "0":
        found |= {"arguments": arguments[1:]}
    if name in _NEGATED_FUNCTIONS:
        return _negation(found | {"function_name": _NEGATED_FUNCTIONS[name]})
    return found


def _negation(operand: dict[str, Any]) -> dict[str, Any]:
    alias = operand.pop("alias", None)
    negation: dict[str, Any] = {"class": "OPERATOR", "type": "OPERATOR_NOT", "children": [operand]}
    return negation if alias is None else negation | {"alias": alias}
