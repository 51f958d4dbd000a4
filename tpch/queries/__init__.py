"""The 22 queries of the TPC-H specification (revision 3), one file each, with the substitution parameters of its
query validation; ``q15`` has its view as a common table expression."""

from importlib.resources import files

QUERY_NUMBERS = tuple(range(1, 23))

_FRACTION = "0.0001000000"
"""How the text of query 11 writes FRACTION, which the specification divides by the scale factor."""


def query_text(number: int, scale: float = 1.0) -> str:
    """The SQL of one query for data of a scale factor; only query 11 differs between scales."""
    text = files(__name__).joinpath(f"q{number:02}.sql").read_text(encoding="utf-8")
    return text.replace(_FRACTION, f"{0.0001 / scale:.10f}")


def parse_selection(text: str) -> tuple[int, ...]:
    """The query numbers that a text such as ``1,3-5`` names, ascending and without repeats.

    Raises ``ValueError`` when it is not a list of numbers and ranges from 1 to 22.
    """
    chosen: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        low, high = int(first), int(last if dash else first)
        numbers = range(low, high + 1)
        if not numbers or low < QUERY_NUMBERS[0] or high > QUERY_NUMBERS[-1]:
            raise ValueError(f"{part.strip()!r} is not a query, or a range of queries, from 1 to {QUERY_NUMBERS[-1]}")
        chosen.update(numbers)
    return tuple(sorted(chosen))
