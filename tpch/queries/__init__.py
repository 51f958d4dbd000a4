"""The 22 queries of the TPC-H specification (revision 3), one file each, with the substitution parameters of its
query validation; ``q15`` has its view as a common table expression."""

from shoal.tpch.suite import TPCH

QUERY_NUMBERS = TPCH.numbers


def query_text(number: int, scale: float = 1.0) -> str:
    """The SQL of one query for data of a scale factor; only query 11 differs between scales."""
    return TPCH.query_text(number, scale)


def parse_selection(text: str) -> tuple[int, ...]:
    """The query numbers that a text such as ``1,3-5`` names; raises ``ValueError``, see ``Suite``."""
    return TPCH.parse_selection(text)
